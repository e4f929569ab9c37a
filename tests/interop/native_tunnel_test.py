"""Tunnels whose remote is reached through a bridge of the switch, beside Debian's: routes, neighbours, traces, packets."""
import os
import random
import re
import struct
import subprocess

import control
import packets as p
import rig
import twins

SEED = int(os.environ.get("WEFT_SEED", "1"))
DAEMON = ("--enable-dummy", "--disable-system", "--disable-system-route")
LOCAL, NEIGHBOUR, GATEWAY = "aa:55:aa:55:00:00", "f8:bc:12:44:34:b6", "f8:bc:12:44:34:01"
TUNNELS = [  # type, remote, options
    ("geneve", "1.1.2.92", ["key=123"]),
    ("geneve", "1.1.2.93", ["key=flow", "df_default=false", "tos=0x10", "csum=true"]),
    ("geneve", "2001:cafe::92", ["key=0x99", "ttl=9"]),
    ("geneve", "5.5.5.5", ["key=7", "tos=inherit", "ttl=inherit"]),
    ("vxlan", "1.1.2.92", ["key=5", "csum=true"]),
    ("vxlan", "1.1.2.93", ["key=5", "dst_port=4790"]),
    ("vxlan", "2001:cafe::92", ["key=0x77"]),
    ("gre", "1.1.2.92", ["key=456"]),
    ("gre", "1.1.2.93", []),
    ("gre", "2001:cafe::92", ["key=0x77", "csum=true"]),
    ("erspan", "1.1.2.92", ["key=7", "erspan_ver=1", "erspan_idx=3"]),
    ("erspan", "1.1.2.93", ["key=8", "erspan_ver=2", "erspan_dir=1", "erspan_hwid=7"]),
]


class Pair(twins.Twins):
    def __init__(self, tunnels=TUNNELS):
        self.stack = twins.contextlib.ExitStack()
        self.rigs = [self.stack.enter_context(rig.Rig(weft=weft, name="native")) for weft in ({"ovs-vswitchd"}, ())]
        self.weft, self.debian = self.rigs
        for each in self.rigs:
            each.start_databases("conf")
            each.start_vswitchd(*DAEMON)
        self.controls = [control.Control(f"{each.dir}/vswitchd.ctl") for each in self.rigs]
        self.appctl("time/stop")
        words = ["add-br", "br0", "--", "set", "bridge", "br0", "datapath_type=dummy", "fail-mode=secure", "--", "add-br", "br-phy",
                 "--", "set", "bridge", "br-phy", "datapath_type=dummy", f'other_config:hwaddr="{LOCAL}"']
        for bridge, port in (("br-phy", "p0"), ("br0", "p1")):
            words += ["--", "add-port", bridge, port, "--", "set", "interface", port, "type=dummy", "ofport_request=1", f"options:tx_pcap={{dir}}/{port}.pcap"]
        for n, (kind, remote, options) in enumerate(tunnels):
            words += ["--", "add-port", "br0", f"t{n + 2}", "--", "set", "interface", f"t{n + 2}", f"type={kind}", f'options:remote_ip="{remote}"',
                      f"ofport_request={n + 2}", *[f"options:{o}" for o in options]]
        self.vsctl(*words)
        self.flows("br-phy", "priority=0,actions=normal")
        self.flows("br0", *[f"in_port={n + 2},actions=1" for n in range(len(tunnels))], "cookie=1,priority=1,in_port=1,actions=drop")
        self.seen = [{"p0": 0, "p1": 0} for _ in self.rigs]

    def flows(self, bridge, *flows):
        for each in self.rigs:
            each.run("ovs-ofctl", "add-flows", f"unix:{each.dir}/{bridge}.mgmt", "-", stdin="\n".join(flows) + "\n")
        self.controls[1]("dpctl/del-flows")  # which Debian's would look at again some time later

    def addresses(self):
        self.appctl("netdev-dummy/ip4addr", "br-phy", "1.1.2.88/24")
        self.appctl("netdev-dummy/ip6addr", "br-phy", "2001:cafe::88/24")
        self.appctl("ovs/route/add", "1.1.2.92/24", "br-phy")
        self.appctl("ovs/route/add", "2001:cafe::92/24", "br-phy")
        self.appctl("ovs/route/add", "5.5.0.0/16", "br-phy", "1.1.2.1")

    def neighbours(self):
        for address in ("1.1.2.92", "1.1.2.93", "2001:cafe::92"):
            self.appctl("tnl/neigh/set", "br-phy", address, NEIGHBOUR)
        self.appctl("tnl/neigh/set", "br-phy", "1.1.2.1", GATEWAY)

    def trace(self, flow, bridge="br0"):
        return self.same("ofproto/trace", bridge, flow, normal=ports)

    def sent(self, port, normal=lambda frame: frame, until=lambda frames: True):
        """What a port sent since the last call."""
        def ask(i):
            return [normal(f) for f in twins.packets(f"{self.rigs[i].dir}/{port}.pcap")[self.seen[i][port]:]]
        got = self.agree(ask, f"packets out of {port}", until=until)
        for each in self.seen:
            each[port] += len(got)
        return got


def ports(text):
    """Numbers that the datapath gave ports say nothing."""
    text = re.sub(r"tnl_port\(\d+\)", "tnl_port(N)", re.sub(r"out_port\(\d+\)", "out_port(N)", re.sub(r"tnl_pop\(\d+\)", "tnl_pop(N)", text)))
    return re.sub(r"(Datapath actions: .*)", lambda m: re.sub(r"(?<=,)\d+(?=$|\))|(?<=: )\d+$", "N", m.group(1)), text)


FLOW = "in_port=1,tcp,dl_src=50:54:00:00:00:05,dl_dst=50:54:00:00:00:07,nw_src=192.168.0.1,nw_dst=192.168.0.2,nw_tos=8,nw_ecn=1,nw_ttl=77"


def without_port(frame):
    """UDP source ports are each one's choice: checked, and left out with what they change."""
    frame = bytearray(frame)
    v6 = frame[12:14] == b"\x86\xdd"
    at = 54 if v6 else 34
    if frame[12:14] not in (b"\x08\x00", b"\x86\xdd") or frame[20 if v6 else 23] != 17:
        if frame[at:at + 4] == b"\x10\x00\x22\xeb":
            frame[at + 12:at + 16] = b"time"
        return bytes(frame).hex()
    source = struct.unpack_from(">H", frame, at)[0]
    assert 32768 <= source <= 61000, source
    total = struct.unpack_from(">H", frame, at + 6)[0]
    if total:
        addresses = frame[22:54] if v6 else frame[26:34]
        body = bytes(frame[at:])
        assert p.checksum(bytes(addresses) + struct.pack(">II", len(body), 17) + body) == 0, frame.hex()
    frame[at:at + 2] = b"\0\0"
    frame[at + 6:at + 8] = b"ck" if total else b"no"
    return bytes(frame).hex()


def ways():
    """ovs/route/*, tnl/neigh/*, tnl/ports/show and tnl/egress_port_range answer the same"""
    with Pair() as pair:
        pair.same("ovs/route/add", "1.1.2.92/24", "br-phy")
        pair.same("netdev-dummy/ip4addr", "nope", "1.1.2.88/24")
        pair.same("netdev-dummy/ip6addr", "br-phy", "1.1.2.88")
        pair.addresses()
        for words in (["add", "5.6.0.0/16", "br-phy", "1.1.2.1", "pkt_mark=7"], ["add", "5.7.0.0/16", "br-phy", "pkt_mark=7"], ["add", "5.8.0.0/16", "br-phy", "src=1.1.2.99"],
                      ["add", "5.8.0.0/16", "br-phy", "1.1.2.1", "src=1.1.2.88"], ["add", "5.9.0.0", "br-phy"], ["add", "5.10.0.0/16", "nope"], ["add", "foo", "br-phy"],
                      ["add", "5.10.0.0/16", "br-phy", "foo"], ["add", "2001:db8::/32", "br-phy"], ["add", "2001:db8::/32", "br-phy", "2001:cafe::1"], ["add", "5.5.5.0/24", "br-phy", "1.1.2.2"],
                      ["lookup", "5.5.5.5"], ["lookup", "5.5.6.5"], ["lookup", "5.6.5.5"], ["lookup", "5.6.5.5", "pkt_mark=7"], ["lookup", "foo"], ["lookup", "2001:db8::3"], ["lookup", "9.9.9.9"],
                      ["del", "5.6.0.0/16"], ["del", "5.6.0.0/16", "pkt_mark=7"], ["del", "9.6.0.0/16"], ["del", "foo"], ["del", "5.5.5.0/24"], ["lookup", "5.5.5.5"]):
            pair.same(f"ovs/route/{words[0]}", *words[1:])
            pair.same("ovs/route/show", normal=lambda text: sorted(text.splitlines()))
        for family in ("arp", "neigh"):
            for words in (["set", "br-phy", "1.1.2.99", NEIGHBOUR], ["set", "nope", "1.1.2.99", NEIGHBOUR], ["set", "br-phy", "2001:cafe::7", NEIGHBOUR], ["set", "br-phy", "foo", NEIGHBOUR],
                          ["set", "br-phy", "1.1.2.99", "foo"], ["aging"], ["aging", "0"], ["aging", "3601"], ["aging", "foo"], ["aging", "60"], ["aging"], ["show"], ["flush"], ["show"], ["aging", "900"]):
                pair.same(f"tnl/{family}/{words[0]}", *words[1:], normal=lambda text: sorted(text.splitlines()))
        for words in ([], ["5"], ["0", "2"], ["7", "2"], [], ["32768", "61000"]):
            pair.same("tnl/egress_port_range", *words)

        # Debian's lists them some time later, and one port alone behind GRE.
        text = pair.controls[0]("tnl/ports/show", "-v")["result"]
        assert "genev_sys_6081 (6081) : eth(dst=aa:55:aa:55:00:00),eth_type(0x0800),ipv4(dst=1.1.2.88,proto=17,frag=no),udp(dst=6081)\n" in text, text
        assert ": eth(dst=aa:55:aa:55:00:00),eth_type(0x86dd),ipv6(dst=2001:cafe::88,proto=47,frag=no)\n" in text, text
        text = pair.controls[0]("tnl/ports/show")["result"]
        assert "genev_sys_6081 (6081) ref_cnt=4\n" in text and "vxlan_sys_4790 (4790) ref_cnt=1\n" in text, text


def traces():
    """ofproto/trace goes on in the second bridge, whatever that does with the packet, and asks for neighbours that are not known"""
    with Pair() as pair:
        pair.flows("br0", "in_port=1,actions=5")
        pair.addresses()
        for n, (kind, remote, _) in enumerate(TUNNELS):
            pair.flows("br0", f"in_port=1,actions={n + 2}")
            assert "neighbor cache miss" in pair.trace(FLOW)
        pair.neighbours()
        for n, (kind, remote, _) in enumerate(TUNNELS):
            pair.flows("br0", f"in_port=1,actions={n + 2}")
            assert "tnl_push" in pair.trace(FLOW), kind
        pair.flows("br0", "tcp,in_port=1,priority=60000,actions=2,3,mod_nw_src:1.2.3.4,9,mod_tp_dst:7,LOCAL")
        pair.trace(FLOW)
        pair.flows("br0", "tcp,in_port=1,priority=60000,actions=set_tunnel64:0x1234567890,3,2")
        pair.trace(FLOW)
        for each in pair.rigs:
            each.run("ovs-ofctl", "del-flows", f"unix:{each.dir}/br0.mgmt", "tcp")
        for flow in ("in_port=LOCAL,actions=drop", "priority=4,in_port=LOCAL,ip,nw_dst=1.1.2.92,actions=mod_dl_src:02:02:02:02:02:02,mod_nw_ttl:9,1", "in_port=LOCAL,udp,tp_dst=6081,tp_src=0,actions=mod_vlan_vid:5,1,strip_vlan,IN_PORT",
                     "in_port=LOCAL,udp,actions=ct(table=1)", "in_port=LOCAL,udp,actions=push_mpls:0x8847,1"):
            pair.flows("br-phy", flow, *["table=1,actions=1"])
            for out in (2, 4, 9):
                pair.flows("br0", f"in_port=1,actions={out}")
                pair.trace(FLOW)
                pair.flows("br0", f"in_port=1,actions={out},LOCAL")
                pair.trace(FLOW)
        for each in pair.rigs:
            each.run("ovs-ofctl", "del-flows", f"unix:{each.dir}/br-phy.mgmt")
        pair.flows("br-phy", "priority=0,actions=normal")
        for proto, fields in (("udp", "udp_dst=6081"), ("udp", "udp_dst=4790"), ("udp", "udp_dst=4791"), ("ip", "nw_proto=47"), ("tcp", "tcp_dst=6081"), ("ip", "nw_proto=17,nw_frag=later")):
            for to in ("1.1.2.88", "1.1.2.89"):
                for mac in (LOCAL, "aa:55:aa:55:00:01"):
                    pair.trace(f"in_port=1,{proto},dl_src={NEIGHBOUR},dl_dst={mac},nw_src=1.1.2.92,nw_dst={to},{fields}", "br-phy")


def through():
    """Packets that go into tunnels are Debian's byte for byte, and those that come out of them, too"""
    with Pair() as pair:
        pair.addresses()
        pair.neighbours()
        r = random.Random(SEED)
        outer = []
        for n, (kind, remote, options) in enumerate(TUNNELS):
            pair.flows("br0", f"in_port=1,actions=set_field:{n}->tun_id,{n + 2}" if "key=flow" in options else f"in_port=1,actions={n + 2}")
            for _ in range(3):
                v6 = r.random() < 0.3
                inner = p.frame("fd00::1" if v6 else "10.0.0.1", "fd00::2" if v6 else "10.0.0.2", 17, struct.pack(">HHHH", r.randrange(65536), 53, 8 + 40, 0) + r.randbytes(40))
                if r.random() < 0.2 and kind != "erspan":  # whose header Debian's leaves without the VLAN
                    inner = inner[:12] + struct.pack(">HH", 0x8100, r.randrange(4096)) + inner[12:]
                pair.appctl("netdev-dummy/receive", "p1", inner.hex())
                got = pair.sent("p0", without_port, until=lambda frames: len(frames) == 1)
                assert got[0].startswith((GATEWAY if remote == "5.5.5.5" else NEIGHBOUR).replace(":", "")), got
                outer.append((n, inner, twins.packets(f"{pair.weft.dir}/p0.pcap")[-1]))
        pair.appctl("dpctl/del-flows")
        for n, inner, frame in outer:
            kind, remote, options = TUNNELS[n]
            back = bytes.fromhex(LOCAL.replace(":", "") + NEIGHBOUR.replace(":", ""))
            back += frame[12:26] + frame[30:34] + frame[26:30] + frame[34:] if frame[12:14] == b"\x08\x00" else frame[12:22] + frame[38:54] + frame[22:38] + frame[54:]
            if kind in ("gre", "erspan"):  # Debian's hands all to one of the two, where both are there
                pair.controls[0]("netdev-dummy/receive", "p0", back.hex())
                rig.wait_for(lambda: twins.packets(f"{pair.weft.dir}/p1.pcap")[pair.seen[0]["p1"]:] == [inner], "the inner packet")
                pair.seen[0]["p1"] += 1
                continue
            pair.appctl("netdev-dummy/receive", "p0", back.hex())
            assert pair.sent("p1", until=lambda frames: len(frames) == 1) == [inner], (kind, options)
            damaged = bytearray(back)
            damaged[r.randrange(14, len(back) - 60)] ^= 1 << r.randrange(8)
            pair.controls[0]("netdev-dummy/receive", "p0", bytes(damaged).hex())  # it may come out or not
            pair.controls[0]("version")
            pair.seen[0]["p1"] = len(twins.packets(f"{pair.weft.dir}/p1.pcap"))
        rig.wait_for(lambda: pair.weft.alive("ovs-vswitchd"), "the switch")
        text = pair.controls[0]("dpctl/dump-flows")["result"]
        assert "tnl_pop(" in text and "tunnel(tun_id=0x7b" in text, text


def learning():
    """Neighbours are learnt from what they say, asked for while they are wanted, and forgotten; a dummy device answers ARP"""
    def arp(op, sha, spa, tpa, dst=LOCAL, tha="00:00:00:00:00:00"):
        return bytes.fromhex((dst + sha).replace(":", "")) + struct.pack(">HHHBBH", 0x806, 1, 0x800, 6, 4, op) + bytes.fromhex(sha.replace(":", "")) + p.packed(spa) + bytes.fromhex(tha.replace(":", "")) + p.packed(tpa)

    def nd(kind, source, to, target, option, mac, dst=LOCAL):
        body = struct.pack(">BBHI", kind, 0, 0, 0x60000000) + p.packed(target) + (bytes([option, 1]) + bytes.fromhex(mac.replace(":", "")) if option else b"")
        total = p.checksum(p.packed(source) + p.packed(to) + struct.pack(">II", len(body), 58) + body)
        return bytes.fromhex((dst + mac).replace(":", "")) + b"\x86\xdd" + p.ipv6(source, to, 58, body[:2] + struct.pack(">H", total) + body[4:], hop_limit=255)

    def mac(n):
        return f"f8:bc:12:44:35:{n:02x}"
    with Pair(TUNNELS[:3]) as pair:
        pair.addresses()
        every = "ff:ff:ff:ff:ff:ff"
        for frame in (arp(1, mac(1), "1.1.2.1", "1.1.2.88", every), arp(2, mac(2), "1.1.2.2", "1.1.2.89"), arp(2, mac(3), "1.1.2.3", "1.1.2.88", tha="aa:55:aa:55:00:01"),
                      arp(2, mac(4), "1.1.2.4", "1.1.2.88", "aa:55:aa:55:00:09"), arp(2, mac(5), "1.1.2.5", "1.1.2.5", every), arp(1, mac(6), "1.1.2.6", "1.1.2.6", every), arp(2, mac(7), "9.9.9.7", "1.1.2.88"),
                      nd(136, "2001:cafe::1", "2001:cafe::88", "2001:cafe::1", 2, mac(8)), nd(136, "2001:cafe::2", "ff02::1", "2001:cafe::2", 2, mac(9), "33:33:00:00:00:01"),
                      nd(136, "2001:cafe::3", "2001:cafe::99", "2001:cafe::3", 2, mac(10)), nd(135, "2001:cafe::4", "2001:cafe::88", "2001:cafe::88", 1, mac(11)),
                      nd(136, "2001:cafe::6", "2001:cafe::88", "2001:cafe::6", 0, mac(12)), nd(136, "2001:cafe::7", "2001:cafe::88", "2001:cafe::77", 2, mac(13))):
            pair.appctl("netdev-dummy/receive", "p0", frame.hex())
            pair.same("tnl/neigh/show", normal=lambda text: sorted(text.splitlines()))
        assert "1.1.2.3 " in pair.same("tnl/neigh/show", normal=lambda text: "\n".join(sorted(text.splitlines())))
        pair.sent("p0", lambda f: f.hex(), until=lambda frames: any(f.startswith(mac(1).replace(":", "")) for f in frames))  # the answer to the first one
        # A packet that has no way yet is asked for, once a second, and gets through once there is an answer.
        pair.flows("br0", "in_port=1,actions=2,4")
        frame = p.frame("10.0.0.1", "10.0.0.2", 17, struct.pack(">HHHH", 1, 2, 8, 0))
        requests = ["arp" if one == b"\x08\x06" else "nd" for one in (b"\x08\x06", b"\x86\xdd")]

        def asked(frames):
            return sorted({f for f in frames}) if frames else frames
        pair.appctl("netdev-dummy/receive", "p1", frame.hex())
        first = [twins.packets(f"{each.dir}/p0.pcap")[seen["p0"]:] for each, seen in zip(pair.rigs, pair.seen)]
        pair.agree(lambda i: asked([f.hex() for f in twins.packets(f"{pair.rigs[i].dir}/p0.pcap")[pair.seen[i]["p0"]:]]), "requests", until=lambda frames: len(frames) == len(requests))
        count = len(twins.packets(f"{pair.weft.dir}/p0.pcap"))
        pair.warp(3000, 500)
        rig.wait_for(lambda: count + 4 <= len(twins.packets(f"{pair.weft.dir}/p0.pcap")) <= count + 6, "some more requests")
        for each, reply in ((0, 0), (1, 1)):
            pair.controls[each]("netdev-dummy/receive", "p0", arp(2, NEIGHBOUR, "1.1.2.92", "1.1.2.88").hex())
            pair.controls[each]("netdev-dummy/receive", "p0", nd(136, "2001:cafe::92", "2001:cafe::88", "2001:cafe::92", 2, NEIGHBOUR).hex())
        pair.same("tnl/neigh/show", normal=lambda text: sorted(text.splitlines()), until=lambda lines: any("::92" in line for line in lines))
        pair.warp(1000)
        for seen, each in zip(pair.seen, pair.rigs):
            seen["p0"] = len(twins.packets(f"{each.dir}/p0.pcap"))

        def two(frames):
            return len(frames) == 2
        pair.appctl("netdev-dummy/receive", "p1", frame.hex())
        pair.sent("p0", without_port, until=two)
        assert first is not None
        # What is in use stays, the rest goes.
        pair.appctl("tnl/neigh/aging", "5")
        for _ in range(8):
            pair.appctl("netdev-dummy/receive", "p1", frame.hex())
            pair.warp(1000, 500)
        lines = pair.controls[0]("tnl/neigh/show")["result"]
        assert "1.1.2.92 " in lines and "1.1.2.5 " not in lines, lines


def fallback():
    """Where no route leads into a bridge, the host's stack is asked, and a local address that is no one's is not believed"""
    with Pair([("geneve", "7.7.7.7", ["key=1"]), ("geneve", "1.1.2.92", ["key=2", "local_ip=1.2.3.4"]), ("geneve", "1.1.2.92", ["key=3", "local_ip=1.1.2.88"])]) as pair:
        pair.addresses()
        pair.neighbours()
        for n, part in ((2, "set(tunnel("), (3, "set(tunnel("), (4, "tnl_push(")):
            pair.flows("br0", f"in_port=1,actions={n}")
            text = pair.controls[0]("ofproto/trace", "br0", FLOW)["result"]
            assert part in text, text


def ip(*words, check=True):
    return subprocess.run(["ip", *words], check=check, text=True, capture_output=True).stdout


def devices():
    """On the kernel's devices, by its routes: a host of ours and one of Debian's ping each other through tunnels in bridges with their addresses"""
    spaces, cables = [f"native{n}-{os.getpid()}" for n in (1, 2)], [f"nt{n}-{os.getpid()}" for n in (1, 2)]
    with twins.contextlib.ExitStack() as stack:
        for space in spaces:
            ip("netns", "add", space)
            stack.callback(ip, "netns", "del", space, check=False)
            ip("-n", space, "link", "set", "lo", "up")
        ip("link", "add", cables[0], "netns", spaces[0], "type", "veth", "peer", "name", cables[1], "netns", spaces[1])
        hosts = []
        for n, (space, cable, weft) in enumerate(zip(spaces, cables, ({"ovs-vswitchd"}, ()))):
            ip("-n", space, "link", "set", cable, "up")
            ip("netns", "exec", space, "ethtool", "-K", cable, "tx", "off", check=False)
            host = stack.enter_context(rig.Rig(weft=weft, name="native", netns=space))
            hosts.append(host)
            host.start_databases("conf")
            host.start_vswitchd()
            words = ["add-br", "br-phy", "--", "add-port", "br-phy", cable, "--", "add-br", "br0"]
            for kind, key in (("geneve", 5), ("vxlan", 6), ("gre", 7)):
                words += ["--", "add-port", "br0", kind, "--", "set", "interface", kind, f"type={kind}", f"options:remote_ip=10.9.0.{2 - n}", f"options:key={key}"]
            host.run("ovs-vsctl", *words, "--", "set", "bridge", "br-phy", "datapath_type=netdev", "--", "set", "bridge", "br0", "datapath_type=netdev", "fail-mode=secure")
            for bridge, address in (("br-phy", f"10.9.0.{n + 1}/24"), ("br0", f"10.1.0.{n + 1}/24")):
                ip("-n", space, "addr", "add", address, "dev", bridge)
                ip("-n", space, "link", "set", bridge, "mtu", "1400" if bridge == "br0" else "1500", "up")
        for kind in ("geneve", "vxlan", "gre"):
            for host in hosts:
                host.run("ovs-ofctl", "del-flows", f"unix:{host.dir}/br0.mgmt")
                host.run("ovs-ofctl", "add-flows", f"unix:{host.dir}/br0.mgmt", "-", stdin=f"in_port={kind},actions=LOCAL\nin_port=LOCAL,actions={kind}\n")

            def ping(*more):
                return " 0% packet loss" in ip("netns", "exec", spaces[0], "ping", "-c", "2", "-i", "0.2", "-W", "1", *more, "10.1.0.2", check=False)
            rig.wait_for(ping, f"an answer through {kind}")
            assert ping("-s", "1300"), f"{kind}: long packets"
            text = hosts[0].appctl("ovs-vswitchd", "dpctl/dump-flows")
            assert "tnl_push(" in text and "tnl_pop(" in text, text
        assert "10.9.0.2 " in hosts[0].appctl("ovs-vswitchd", "tnl/neigh/show")
        assert "Cached: 10.9.0.0/24 dev br-phy SRC 10.9.0.1\n" in hosts[0].appctl("ovs-vswitchd", "ovs/route/show")


if __name__ == "__main__":
    print(f"seed {SEED}")
    rig.main(ways, traces, through, learning, fallback, devices)
