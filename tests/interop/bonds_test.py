"""Bonds and LACP: Weft's switch does what Debian's does, link by link and data unit by data unit; both negotiate.

Which bucket a station hashes to, and so which member carries it, is each switch's own (docs/decisions/0051-bonds.md):
members are one letter where that decides.
"""
import os
import random
import re
import struct
import time

import rig
from overlay import sh, Host
from twins import Twins

BRIDGE_MAC, PEER = "aa:55:aa:55:00:00", "00:11:22:33:44:55"


def mac(text):
    return bytes.fromhex(text.replace(":", ""))


def info(priority, system, key, port_priority, port, state):
    return struct.pack(">H6sHHHB3x", priority, mac(system), key, port_priority, port, state)


def unit(actor, partner, source="00:11:22:33:44:66"):
    return (mac("0180c2000002") + mac(source) + bytes.fromhex("8809") + b"\x01\x01\x01\x14" + info(*actor) +
            b"\x02\x14" + info(*partner) + b"\x03\x10" + bytes(14 + 52))


def decode(frame):
    one = lambda at: struct.unpack(">H6sHHHB", frame[at:at + 15])
    return one(18), one(38)


def setup(twins, mode, lacp="off", *settings):
    """br0 with the bond b0 of p1 and p2, and p3."""
    twins.vsctl("--if-exists", "del-br", "br0")
    for each in twins.rigs:
        for port in ("p1", "p2"):
            if os.path.exists(f"{each.dir}/{port}.pcap"):
                os.unlink(f"{each.dir}/{port}.pcap")
    words = ["add-br", "br0", "--", "set", "bridge", "br0", f'other-config:hwaddr="{BRIDGE_MAC}"',
             "--", "add-bond", "br0", "b0", "p1", "p2", f"bond_mode={mode}", f"lacp={lacp}", "--", "add-port", "br0", "p3"]
    for number in (1, 2, 3):
        words += ["--", "set", "interface", f"p{number}", f"ofport_request={number}", f"options:tx_pcap={{dir}}/p{number}.pcap",
                  "other-config:lacp-aggregation-key=7"]
    twins.vsctl(*words, *settings)
    twins.warp(100)


def shown(text):
    """bond/show without what is each process's own."""
    text = re.sub(r"(Recirc-ID :|bond-id:) \d+", r"\1 N", text)
    return re.sub(r"active member mac: [0-9a-f:]*", "active member mac: ", text)


def fate(twins, flow, members=False, why=True):
    """What a trace tells that does not depend on hashes."""
    def normal(text):
        actions = re.search(r"Datapath actions: (.*)", text).group(1)
        actions = re.sub(r"recirc\(\w+\)", "recirc(N)", actions)
        actions = re.sub(r"lb_output\(\d+\)", "lb_output(N)", actions)
        actions = [re.sub(r"^[12]$", "M", a) if members else a for a in re.split(r",(?![^(]*\))", actions)]
        verdict = re.findall(r"-> (.*)", text) + re.findall(r"  - (.*)", text)
        return sorted(actions), verdict if why else [], re.search(r"Megaflow: (.*)", text).group(1)
    return twins.same("ofproto/trace", "br0", flow, normal=normal)


def negotiation():
    """LACP: the same states, and the same data units sent, for random units, pauses and settings"""
    seed = int(os.environ.get("WEFT_SEED", time.time()))
    print(f"WEFT_SEED={seed}")
    r = random.Random(seed)
    with Twins("lacp") as twins:
        for _ in range(4):
            priority, pace = r.choice((50, 100, 200)), r.choice(("fast", "slow"))
            setup(twins, "balance-tcp", r.choice(("active", "active", "passive")),
                  "--", "set", "port", "b0", f"other-config:lacp-time={pace}",
                  f"other-config:lacp-system-priority={priority}", f"other-config:lacp-fallback-ab={r.choice(('true', 'false'))}",
                  "--", "set", "interface", "p1", f"other-config:lacp-port-priority={r.choice((1, 300))}",
                  "--", "set", "interface", "p2", f"other-config:lacp-port-id={r.choice((2, 22))}")
            received = {"p1": 0, "p2": 0}
            for step in range(25):
                port = r.choice(("p1", "p2"))
                if r.randrange(4):
                    actor = (r.choice((50, 100, 100)), r.choice((PEER, PEER, PEER, "00:11:22:33:44:77")),
                             r.choice((9, 9, 9, 10)), r.choice((2, 200)), 30 + int(port[1]), r.choice((0x3d, 0x3d, 0x3d, 0x05, 0x3c, 0xbd)))
                    ours = (priority, BRIDGE_MAC, 7, 300, int(port[1]), r.choice((0x3d, 0x05, 0)))
                    frame = bytearray(unit(actor, ours))
                    if not r.randrange(8):  # or something malformed
                        frame = frame[:r.randrange(60, len(frame))]
                        frame[r.choice((14, 15, 16, 17, 36))] ^= 3
                    twins.appctl("netdev-dummy/receive", port, frame.hex())
                    received[port] += 1
                    twins.same("lacp/show-stats", "b0", normal=lambda text: re.findall(r"member: (\w+):|RX (.*): (\d+)", text),
                               until=lambda found: [int(n) for _, what, n in found if what == "PDUs"] == [received["p1"], received["p2"]])
                    twins.warp(100)
                else:
                    # Well beyond every timeout, or far from any: Debian's looks at its timers when it gets to it.
                    twins.warp(r.choice((100, 10000) if pace == "fast" else (100, 35000, 100000)), 500)
                # Once nobody is current, which of the members led is left to each one's order.
                state = twins.same("lacp/show", normal=lambda text: text if ": current" in text else str(re.findall(r"member: (\w+): (\w+)", text)))
                for name in re.findall(r"member: (\w+): current", state):
                    def last(i, name=name):
                        frames = twins.captured(f"{name}.pcap")[i]
                        return decode(frames[-1]) if frames else None
                    twins.agree(last, f"step {step}: the last unit of {name}")
            twins.same("bond/show", normal=lambda text: re.findall(r".*lacp.*|may_enable.*|bond may.*", shown(text)))
            for name in ("p1", "p2"):
                twins.column("interface", name, "lacp_current")


def links():
    """Members follow their links with their delays, the primary and the operator: bond/show says the same"""
    with Twins("links") as twins:
        setup(twins, "active-backup")
        twins.appctl("bond/set-active-member", "b0", "p1")
        twins.warp(100)

        def check(*commands, warp=100):
            for command in commands:
                twins.same(*command)
                if command[0] == "netdev-dummy/set-admin-state":  # seen before the time moves on
                    _, port, state = command
                    twins.same("bond/show", normal=lambda text: re.findall(rf"member {port}: (?:.*\n)+?  may_enable: (\w+)", text),
                               until=lambda found: found == ["true" if state == "up" else "false"])
            twins.warp(warp)
            twins.same("bond/show", normal=shown)
        link = lambda port, state: ("netdev-dummy/set-admin-state", port, state)
        check()
        check(link("p1", "down"))
        check(link("p1", "up"))
        twins.vsctl("set", "port", "b0", "bond_updelay=1000", "bond_downdelay=500", "other-config:bond-primary=p1")
        check()
        for state, times in (("down", (200, 200, 200)), ("up", (500, 400, 200))):
            check(link("p1", state))
            for ms in times:
                check(warp=ms)
        check(link("p1", "down"))
        check(link("p1", "up"))
        check(link("p1", "down"), link("p2", "down"), warp=600)
        check(link("p2", "up"))
        check(link("p1", "up"), warp=1200)
        check(("bond/set-active-member", "b0", "p2"))
        twins.vsctl("set", "port", "b0", "bond_updelay=0", "bond_downdelay=0", "other-config:bond-primary=nobody")
        check()
        check(("bond/set-active-member", "b0", "p2"))
        check(("bond/disable-member", "b0", "p2"))
        check(("bond/enable-member", "b0", "p1"))
        check(link("p2", "down"), ("bond/set-active-member", "b0", "p2"))
        for mode in ("balance-slb", "balance-tcp"):
            twins.vsctl("set", "port", "b0", f"bond_mode={mode}", "other-config:all-members-active=true", "other-config:bond-hash-basis=5",
                        "other-config:bond-rebalance-interval=3000")
            check()
            check(link("p2", "up"))
            check(link("p1", "down"))
            check(link("p1", "up"), link("p2", "down"))
        for words in (("bond/migrate", "b0", "1", "p1"), ("bond/show", "nope"), ("bond/hash", "x"), ("bond/hash", "02:00:00:00:00:01", "x"),
                      ("bond/hash", "02:00:00:00:00:01", "1", "x"), ("lacp/show", "b0"), ("lacp/show-stats", "b0"), ("lacp/show",),
                      ("bond/set-active-member", "b1", "p1"), ("bond/enable-member", "b0", "p9"), ("bond/set-active-slave", "b0", "p1"),
                      ("bond/disable-slave", "b0", "p1")):
            twins.same(*words)
        twins.vsctl("set", "port", "b0", "bond_mode=balance-slb")
        twins.warp(100)
        for words in (("1", "p1"), ("300", "p1"), ("x", "p1"), ("1", "p9"), ("1", "p2"), ("", "p1"), ("-1", "p1")):
            twins.same("bond/migrate", "b0", *words)
        # A bond of one is none.
        for each in twins.rigs:
            each.run("ovs-vsctl", "remove", "port", "b0", "interfaces", each.run("ovs-vsctl", "get", "interface", "p2", "_uuid").strip())
        twins.warp(100)
        twins.same("bond/show")
        assert twins.weft.run("ovs-vsctl", "get", "port", "b0", "bond_active_slave").strip() == "[]"  # Debian's keeps the last one


def forwarding():
    """NORMAL takes packets from members and sends them by members as Debian's does, in every mode"""
    station, other, broadcast = "50:54:00:00:00:01", "50:54:00:00:00:02", "ff:ff:ff:ff:ff:ff"
    with Twins("forwarding") as twins:
        def up(*ports):
            for port in ports:
                twins.appctl("netdev-dummy/receive", f"p{port}", unit((100, PEER, 9, 200, 30 + port, 0x3d), (65534, BRIDGE_MAC, 7, 65535, port, 0x3d)).hex())
            twins.same("lacp/show", until=lambda text: text.count("may_enable: true") == len(ports))
            twins.warp(100)
            twins.same("bond/show", normal=lambda text: re.findall(r"member p\d: (\w+)", text), until=lambda found: found == ["enabled"] * len(ports))

        def fates():
            twins.same("fdb/show", "br0", normal=lambda text: sorted(line.split()[:3] for line in text.split("\n")[1:] if line))
            for port in (1, 2, 3):
                for source in (station, "50:54:00:00:00:09"):
                    for destination in (other, broadcast, "01:80:c2:00:00:02"):
                        base = f"in_port={port},dl_src={source},dl_dst={destination}"
                        fate(twins, base + ",dl_type=0x1234", members=port == 3, why=not destination.startswith("01:80"))
                        if destination == broadcast:
                            for op, tpa in ((1, "1.1.1.1"), (2, "1.1.1.1"), (1, "1.1.1.2"), (2, "1.1.1.2")):
                                fate(twins, base + f",arp,arp_op={op},arp_spa=1.1.1.1,arp_tpa={tpa}", members=port == 3)
            fate(twins, "in_port=1,dl_dst=01:80:c2:00:00:02,dl_type=0x8809")
        def active(enabled=True):
            """p1, if members are enabled at all."""
            twins.same("bond/show", normal=lambda text: re.findall(r"member p\d: (\w+)", text),
                       until=lambda found: found == ["enabled" if enabled else "disabled"] * 2)
            twins.appctl("bond/set-active-member", "b0", "p1")
            twins.warp(100)
            twins.same("bond/show", normal=lambda text: re.findall(r"member (\w+): .*\n  active", text))
        learn = lambda: twins.appctl("netdev-dummy/receive", "p3", f"in_port(3),eth(src={station},dst={other}),eth_type(0x1234)")
        for mode in ("active-backup", "balance-slb", "balance-tcp"):
            for lacp, fallback in (("off", False), ("active", False), ("active", True), ("passive", False)):
                setup(twins, mode, lacp, "--", "set", "port", "b0", f"other-config:lacp-fallback-ab={'true' if fallback else 'false'}",
                      "other-config:bond-hash-basis=9")
                twins.warp(4000, 1000)
                active(lacp == "off" or fallback)
                fates()
                learn()
                fates()
                if lacp != "off":
                    up(1, 2)
                    active()
                    fates()
        # VLANs: the tag is there before the hash.
        twins.vsctl("set", "port", "b0", "trunks=5,6", "--", "set", "port", "p3", "tag=5")
        twins.warp(100)
        fates()
        # A station that announced itself is not moved by the echo of that.
        setup(twins, "balance-slb")
        active()
        arp = f"eth(src={station},dst={broadcast}),eth_type(0x0806),arp(sip=1.1.1.1,tip=1.1.1.1,op=1,sha={station},tha=00:00:00:00:00:00)"
        twins.appctl("netdev-dummy/receive", "p3", "in_port(3)," + arp)
        fates()
        twins.warp(6000, 1000)
        fates()
        twins.vsctl("set", "port", "b0", "other-config:all-members-active=true")
        twins.warp(100)
        fates()


def failover():
    """Neighbours are taught where stations are when a member fails"""
    with Twins("failover") as twins:
        for mode in ("active-backup", "balance-slb"):
            setup(twins, mode, "off", "--", "set", "port", "b0", "trunks=2,3", "--", "set", "port", "p3", "tag=2")
            twins.appctl("bond/set-active-member", "b0", "p1")
            twins.warp(100)
            twins.appctl("netdev-dummy/receive", "p3", "in_port(3),eth(src=50:54:00:00:00:01,dst=50:54:00:00:00:02),eth_type(0x1234)")
            twins.same("fdb/show", "br0", normal=lambda text: sorted(line.split()[:3] for line in text.split("\n")[1:] if line))
            taught = lambda i: {p.hex() for p in twins.captured("p2.pcap")[i] if p[12:14] == b"\x81\x00" and p[16:18] == b"\x80\x35"}
            twins.appctl("netdev-dummy/set-admin-state", "p1", "down")
            twins.warp(100)
            found = twins.agree(taught, f"{mode}: what p2 teaches")
            assert found == {"ffffffffffff" "505400000001" "81000002" "8035" "0001080006040003" "505400000001" "00000000" "505400000001" "00000000"}, found


def tcp_buckets():
    """balance-tcp: flows stay on their member, spread over both, and leave it when it fails; loads are counted"""
    for spread in ("false", "true"):
        spread_buckets(spread)


def check_recirculation(flows):
    assert re.search(r"recirc_id\(0x\w+\),dp_hash\(0x\w+/0xff\),in_port\(3\).*actions:[12]\n", flows), flows
    assert re.search(r"actions:hash\(l4\(0\)\),recirc\(0x\w+\)|actions:100,hash\(l4\(0\)\),recirc\(0x\w+\)|recirc\(0x\w+\),100", flows), flows


def spread_buckets(spread):
    """With other-config:lb-output-action=`spread`."""
    with Twins("tcp") as twins:
        setup(twins, "balance-tcp", "active", "--", "set", "port", "b0", f"other-config:lb-output-action={spread}")
        for port in (1, 2):
            twins.appctl("netdev-dummy/receive", f"p{port}", unit((100, PEER, 9, 200, 30 + port, 0x3d), (65534, BRIDGE_MAC, 7, 65535, port, 0x3d)).hex())
        twins.same("lacp/show")
        twins.warp(100)
        twins.same("bond/show", normal=lambda text: re.findall(r"member p.*|lacp_status.*", text))
        weft = twins.controls[0]
        udp = "in_port(3),eth(src=50:54:00:00:00:01,dst=50:54:00:00:00:02),eth_type(0x0800),ipv4(src=10.0.0.1,dst=10.0.0.2,proto=17,tos=0,ttl=64,frag=no),udp(src={},dst=7)"

        def send(repeat):
            """Packets of 64 connections; which member each came out of."""
            before = [len(twins.captured(f"{p}.pcap")[0]) for p in ("p1", "p2")]
            for flow in range(64):
                weft("netdev-dummy/receive", "p3", *[w for _ in range(repeat) for w in (udp.format(1000 + flow), "--len", "1024")])
            out = {}
            for name, skip in zip(("p1", "p2"), before):
                for frame in twins.captured(f"{name}.pcap")[0][skip:]:
                    if frame[12:14] == b"\x08\x00":
                        out.setdefault(struct.unpack(">H", frame[34:36])[0] - 1000, set()).add(name)
            return out
        if spread == "true":  # the first member that was enabled has all buckets, as at Debian's, until the load is balanced
            send(8)
            for _ in range(11):
                weft("time/warp", "1000")
        first = send(3)
        assert len(first) == 64 and all(len(where) == 1 for where in first.values()), first
        used = [sum(where == {name} for where in first.values()) for name in ("p1", "p2")]
        assert min(used) > 10, used
        assert send(1) == first
        flows = weft("dpctl/dump-flows")["result"]
        if spread == "true":
            twins.same("bond/show", normal=lambda text: re.findall(r"lb_output action: (\w+)", text), until=lambda found: found == ["enabled"])
            twins.same("dpif-netdev/bond-show", normal=lambda text: re.sub(r"bond-id \d+|member \d+", "N", text))
            fate(twins, "in_port=3,dl_src=50:54:00:00:00:01,dl_dst=50:54:00:00:00:02,dl_type=0x1234")
            assert re.search(r"actions:(100,)?lb_output\(\d+\)", flows) and "recirc(" not in flows, flows
        else:
            check_recirculation(flows)
        kb = sum(int(x) for x in re.findall(r"hash \d+: (\d+) kB load", weft("bond/show")["result"]))
        assert 64 * 4 - 64 <= kb <= 64 * 4 + 8 or spread == "true" and kb > 64 * 4, kb
        weft("netdev-dummy/set-admin-state", "p1", "down")
        weft("time/warp", "100")
        moved = send(1)
        assert all(where == {"p2"} for where in moved.values()) and len(moved) == 64, moved
        # All load on one member: rebalancing brings some back.
        weft("netdev-dummy/set-admin-state", "p1", "up")
        weft("time/warp", "100")
        send(8)
        for _ in range(11):
            weft("time/warp", "1000")
        back = send(1)
        assert 16 <= sum(where == {"p1"} for where in back.values()) <= 48, back


class Neighbours:
    """Two hosts with a switch each, and two cables between them; one of the switches is Debian's."""
    def __enter__(self):
        self.prefix = f"w{os.getpid()}b"
        self.hosts = [Host(self, "a", 1, {"ovs-vswitchd"}), Host(self, "b", 2, ())]
        for number in (0, 1):
            sh("ip", "link", "add", f"c{number}", "netns", self.hosts[0].netns, "type", "veth", "peer", "name", f"c{number}", "netns", self.hosts[1].netns)
            for host in self.hosts:
                # Debian's switch leaves frames to the host's stack, too, which would answer with the cable's address.
                host.sh("sysctl", "-qw", "net.ipv4.conf.all.arp_ignore=1")
                host.sh("ip", "link", "set", f"c{number}", "up")
                host.sh("ethtool", "-K", f"c{number}", "tx", "off")
        for host in self.hosts:
            host.start_databases("conf")
            host.start_vswitchd()
            host.bridge("br0")
        return self

    def __exit__(self, kind, value, trace):
        for host in self.hosts:
            if kind is not None:
                host.show_logs()
            host.stop()


def neighbours():
    """LACP over two cables between Weft and Debian: both use both; a cable that is cut is left, and used again"""
    with Neighbours() as net:
        weft, debian = net.hosts
        for host, lacp in ((weft, "active"), (debian, "passive")):
            host.run("ovs-vsctl", "add-bond", "br0", "b0", "c0", "c1", "bond_mode=balance-tcp", f"lacp={lacp}", "other-config:lacp-time=fast")
            host.sh("ip", "link", "set", "br0", "up")
            host.sh("ip", "addr", "add", f"10.9.0.{host.number}/24", "dev", "br0")
            host.sh("ethtool", "-K", "br0", "tx", "off")
        enabled = lambda host: re.findall(r"member (\w+): enabled", host.appctl_switch("bond/show", "b0"))
        for host in net.hosts:
            rig.wait_for(lambda: enabled(host) == ["c0", "c1"], f"both cables in use on {host.name}", 20)
        ping = lambda: weft.sh("ping", "-c", "1", "-W", "2", "10.9.0.2", check=False).returncode == 0
        rig.wait_for(ping, "a ping through the bond", 20)
        for host in net.hosts:
            assert rig.wait_for(lambda: host.run("ovs-vsctl", "get", "interface", "c0", "lacp_current").strip() == "true", "lacp_current")
        # One end goes down; the carrier is lost at both.
        debian.sh("ip", "link", "set", "c0", "down")
        for host in net.hosts:
            rig.wait_for(lambda: enabled(host) == ["c1"], f"one cable in use on {host.name}", 20)
        rig.wait_for(ping, "a ping through the other cable", 20)
        debian.sh("ip", "link", "set", "c0", "up")
        for host in net.hosts:
            rig.wait_for(lambda: enabled(host) == ["c0", "c1"], f"both cables in use again on {host.name}", 20)
        # The partner goes silent: nothing is used after three seconds, and everything when it is back.
        debian.kill("ovs-vswitchd")
        rig.wait_for(lambda: enabled(weft) == [], "no member in use without a partner", 20)
        debian.start_vswitchd()
        for host in net.hosts:
            rig.wait_for(lambda: enabled(host) == ["c0", "c1"], f"both cables in use after a restart on {host.name}", 20)
        weft.kill("ovs-vswitchd")
        rig.wait_for(lambda: enabled(debian) == [], "Debian's sees us die", 20)
        weft.start_vswitchd()
        for host in net.hosts:
            rig.wait_for(lambda: enabled(host) == ["c0", "c1"], f"both cables in use after our restart on {host.name}", 20)


if __name__ == "__main__":
    rig.main(negotiation, links, forwarding, failover, tcp_buckets, neighbours)
