"""Multicast snooping: the same reports, queries and packets into Weft's switch and Debian's give the same table and the same packets out."""
import os
import random
import re
import struct

import dummies
import packets
import rig

STEPS = int(os.environ.get("WEFT_STEPS", 60))
PORTS = 5
GROUPS = ["225.1.2.3", "225.1.2.4", "239.255.255.250", "224.0.0.9", "224.0.1.1"]
GROUPS6 = ["ff05::1:3", "ff02::fb", "ff02::1", "ff0e::1234:5678:9abc:def0"]


def group_mac(group):
    address = packets.packed(group)
    return "3333" + address[12:].hex() if packets.is_v6(group) else f"01005e{address[1] & 0x7f:02x}{address[2]:02x}{address[3]:02x}"


def checked(message, at, covered=b""):
    return message[:at] + struct.pack(">H", packets.checksum(covered + message)) + message[at + 2:]


def tagged(frame, vlan):
    return frame if not vlan else frame[:12] + struct.pack(">HH", 0x8100, vlan) + frame[12:]


def igmp(type, group, dst=None, src="10.0.0.1", mac="020000000001", body=b"", mend=True):
    message = struct.pack(">BBH", type, 0, 0) + packets.packed(group) + body
    message = checked(message, 2) if mend else message
    return packets.ethernet(0x800, packets.ipv4(src, dst or group, 2, message, ttl=1), mac, group_mac(dst or group))


def records(entries):
    return b"".join(struct.pack(">BBH", type, aux, len(sources)) + packets.packed(group) +
                    b"".join(packets.packed(s) for s in sources) + bytes(4 * aux) for type, group, sources, aux in entries)


def igmp3(entries, count=None, **more):
    body = records(entries)
    head = struct.pack(">HH", 0, len(entries) if count is None else count)
    message = checked(struct.pack(">BBH", 0x22, 0, 0) + head + body, 2)
    return packets.ethernet(0x800, packets.ipv4(more.get("src", "10.0.0.1"), "224.0.0.22", 2, message, ttl=1),
                            more.get("mac", "020000000001"), group_mac("224.0.0.22"))


def mld(type, group, dst=None, src="fe80::1", mac="020000000001", body=None, hops=True):
    dst = dst or group
    message = struct.pack(">BBHHH", type, 0, 0, 0, 0) + packets.packed(group) if body is None else body
    message = checked(message, 2, packets.pseudo_header(src, dst, 58, len(message)))
    alert = bytes([58, 0, 5, 2, 0, 0, 1, 0])
    return packets.ethernet(0x86dd, packets.ipv6(src, dst, 0 if hops else 58, (alert if hops else b"") + message, hop_limit=1), mac,
                            group_mac(dst))


def mld2(entries, **more):
    return mld(143, "::", "ff02::16", body=struct.pack(">BBHHH", 143, 0, 0, 0, len(entries)) + records(entries), **more)


def data(group, mac="020000000009"):
    src = "2001:db8::9" if packets.is_v6(group) else "10.0.0.9"
    return packets.ethernet(0x86dd if packets.is_v6(group) else 0x800,
                            packets.ip(src, group, 17, packets.udp(src, group, 5000, 6000)), mac, group_mac(group))


def once(_, frames):
    """Debian's sends as many copies to a port as it has reasons to."""
    return list(dict.fromkeys(frames))


def mdb(switch):
    """The table, in its order; ages are looked at where they decide, since Debian's clock has whole seconds only."""
    return re.sub(r" +\d+$", "", switch.show("mdb/show", "br0"), flags=re.M)


def random_traffic():
    """Random reports, leaves, queries, packets, ages and settings: the same table, the same packets out"""
    seed = int(os.environ.get("WEFT_SEED", random.randrange(1 << 31)))
    print(f"WEFT_SEED={seed}")
    r = random.Random(seed)
    trunk = {4: ["tag=7"], 5: ["vlan_mode=native-untagged", "tag=7", "trunks=7,8"]}
    with dummies.Pair(PORTS, bridge=["mcast_snooping_enable=true"],
                      port=lambda n: trunk.get(n, [])) as pair:
        def frame():
            group, group6 = r.choice(GROUPS), r.choice(GROUPS6)
            mac = f"02000000000{r.randrange(1, 5)}"
            entry = lambda v6: (r.randrange(1, 7), r.choice(GROUPS6 if v6 else GROUPS), ["fe80::2" if v6 else "1.1.1.1"] * r.randrange(3), 0)
            choices = [
                lambda: igmp(r.choice([0x12, 0x16]), group, mac=mac), lambda: igmp(r.choice([0x12, 0x16]), group, mac=mac),
                lambda: igmp(0x17, group, "224.0.0.2", mac=mac),
                lambda: igmp3([entry(False) for _ in range(r.randrange(4))], mac=mac),
                lambda: igmp3([entry(False) for _ in range(r.randrange(3))], count=4, mac=mac),
                lambda: mld(131, group6, mac=mac), lambda: mld(132, group6, "ff02::2", mac=mac, hops=r.random() < 0.5),
                lambda: mld2([entry(True) for _ in range(r.randrange(4))], mac=mac),
                lambda: igmp3([(r.choice([0, 7, 255]), group, ["1.1.1.1"], 0)], mac=mac),
                lambda: igmp(0x16, group, mac=mac, mend=False), lambda: igmp(0x99, group, mac=mac),
                lambda: data(r.choice(GROUPS + GROUPS6)), lambda: data(r.choice(GROUPS + GROUPS6)), lambda: data(r.choice(GROUPS + GROUPS6)),
            ]
            if r.random() < 0.08:
                choices = [lambda: igmp(0x11, r.choice(["0.0.0.0", group]), "224.0.0.1", src=r.choice(["0.0.0.0", "10.0.0.7"]), mac=mac),
                           lambda: mld(130, "::", "ff02::1", src=r.choice(["::", "fe80::7"]), mac=mac)]
            return tagged(r.choice(choices)(), r.choice([0, 0, 7, 8]))
        settings = [["bridge", "br0", "other_config:mcast-snooping-disable-flood-unregistered=true"],
                    ["bridge", "br0", "other_config:mcast-snooping-disable-flood-unregistered=false"],
                    ["port", "p3", "other_config:mcast-snooping-flood=true"], ["port", "p3", "other_config:mcast-snooping-flood=false"],
                    ["port", "p2", "other_config:mcast-snooping-flood-reports=true"],
                    ["port", "p2", "other_config:mcast-snooping-flood-reports=false"],
                    ["port", "p1", "protected=true"], ["port", "p2", "protected=true"], ["port", "p1", "protected=false"]]
        copies = passed = 0
        for step in range(STEPS):
            chance, context = r.random(), f"step {step}"
            if chance < 0.05:
                words = r.choice(settings)
                context += f" {words}"
                pair.do(lambda s: s.vsctl("set", *words))
            elif chance < 0.15:
                ms = r.choice([1000, 5000, 60000, 170000])
                context += f" {ms} ms later"
                pair.do(lambda s: s.warp(ms, ms))
                passed += ms
                if passed > 120000:  # Debian's keeps old members in groups that are reported anew: see commands()
                    pair.do(lambda s: s.show("mdb/flush", "br0"))
                    passed = 0
            else:
                port, bytes_ = r.randrange(1, PORTS + 1), frame()
                context += f" port {port}: {bytes_.hex()}"
                # Debian's flows follow the table a moment later.
                pair.do(lambda s: (s.show("revalidator/wait"), s.receive(port, bytes_)))
            copies += sum(map(len, pair.same_packets(context, once).values()))
            pair.same(mdb, context)
        print(f"{copies} packets out")
        assert copies > STEPS / 3
        pair.do(lambda s: s.show("mdb/flush", "br0"))
        pair.same(mdb, "flushed")


def traces():
    """Each way of NORMAL is traced in Debian's words"""
    with dummies.Pair(4, bridge=["mcast_snooping_enable=true"]) as pair:
        def text(switch, port, frame):
            trace = switch.show("ofproto/trace", "br0", f"in_port={port}", frame.hex())
            # The order in which a bridge floods is its own.
            lines = [line for line in trace.split("\n") if not line.startswith("Datapath actions")]
            actions = trace.split("Datapath actions: ")[1].split("\n")[0]
            return "\n".join(lines) + str(sorted(set(actions.split(","))))

        def compare(port, frame, context):
            return pair.same(lambda s: text(s, port, frame), context, again=False)
        shown = ""
        for port, frame in ((1, igmp(0x16, "225.1.2.3")), (2, igmp(0x16, "225.1.2.3")), (1, igmp(0x16, "225.1.2.3")),
                            (2, igmp(0x17, "225.1.2.3", "224.0.0.2")), (1, igmp3([(4, "225.1.2.9", [], 0)])),
                            (3, igmp(0x11, "0.0.0.0", "224.0.0.1")), (2, tagged(igmp(0x11, "0.0.0.0", "224.0.0.1"), 8)),
                            (2, igmp3([(4, "225.1.2.9", [], 0)])), (1, mld(131, "ff05::1:3")), (4, mld(130, "::", "ff02::1")),
                            (2, mld(132, "ff05::1:3", "ff02::2")), (1, mld2([(4, "ff05::1:3", [], 0)])), (1, igmp(0x99, "225.1.2.3")),
                            (2, data("225.1.2.3")), (3, data("225.1.2.3")), (1, data("225.1.2.3")), (4, data("225.9.9.9")), (4, data("224.0.0.5")),
                            (4, data("ff02::1")), (4, data("ff05::1:3")), (3, igmp(0x16, "225.1.2.3"))):
            shown += compare(port, frame, f"port {port}: {frame.hex()}")
        pair.do(lambda s: s.vsctl("set", "port", "p2", "other_config:mcast-snooping-flood=true", "--", "set", "port", "p4",
                                  "other_config:mcast-snooping-flood-reports=true", "--", "set", "bridge", "br0",
                                  "other_config:mcast-snooping-disable-flood-unregistered=true"))
        for port, frame in ((1, data("225.9.9.9")), (2, data("225.9.9.9")), (3, data("225.9.9.9")), (3, data("225.1.2.9")),
                            (1, igmp(0x16, "225.1.2.3")), (4, igmp(0x16, "225.1.2.3"))):
            shown += compare(port, frame, f"with flags, port {port}: {frame.hex()}")
        for words in ("learned that", "leaving", "query from", "query on", "processed", "group port", "router port", "flood port",
                      "flagged port", "another vlan", "RFC4541", "unregistered", "multicast traffic", "MLD query", "dropping the Report"):
            assert words in shown, f"no trace says \"{words}\""


def commands():
    """mdb/show and mdb/flush answer as Debian's do, and the table follows ports and settings"""
    with dummies.Pair(3) as pair:
        for words in (["mdb/show", "br0"], ["mdb/show", "br9"], ["mdb/flush", "br0"], ["mdb/flush", "br9"], ["mdb/flush"]):
            pair.same(lambda s: s.show(*words), words)
        pair.do(lambda s: s.vsctl("set", "bridge", "br0", "mcast_snooping_enable=true"))

        def join():
            for port in (1, 2):
                pair.do(lambda s: s.receive(port, igmp(0x16, "225.1.2.3")))
            text = pair.same(mdb, "joined")
            assert text.count("225.1.2.3") == 2, text
        join()
        pair.do(lambda s: s.vsctl("set", "port", "p1", "tag=5"))
        assert pair.same(mdb, "a new VLAN").count("225.1.2.3") == 1
        pair.do(lambda s: s.vsctl("clear", "port", "p1", "tag"))
        join()
        pair.do(lambda s: (s.show("netdev-dummy/set-admin-state", "p2", "down"), s.sync()))
        assert pair.same(mdb, "a link down").count("225.1.2.3") == 2
        pair.do(lambda s: (s.show("netdev-dummy/set-admin-state", "p2", "up"), s.sync()))
        pair.do(lambda s: s.vsctl("del-port", "p1"))
        assert pair.same(mdb, "a port less").count("225.1.2.3") == 1
        pair.do(lambda s: s.receive(3, igmp(0x16, "225.1.2.3")))
        pair.do(lambda s: s.vsctl("set", "bridge", "br0", "mcast_snooping_enable=false"))
        pair.same(mdb, "disabled")
        pair.do(lambda s: s.vsctl("set", "bridge", "br0", "mcast_snooping_enable=true"))
        assert pair.same(mdb, "enabled again").count("225") == 0
        pair.do(lambda s: s.show("revalidator/wait"))
        # Members go after 300 s, routers after 180.
        pair.do(lambda s: (s.receive(3, igmp(0x11, "0.0.0.0", "224.0.0.1")), s.receive(2, igmp(0x16, "225.1.2.3"))))
        for ms, members, routers in ((175000, 1, 1), (10000, 1, 0), (105000, 1, 0), (20000, 0, 0)):
            pair.do(lambda s: s.warp(ms, 5000))
            text = pair.same(mdb, f"{ms} ms later")
            assert (text.count("225.1.2.3"), text.count("querier")) == (members, routers), text
            if ms == 175000:
                assert re.findall(r"\d+$", pair.both[0].show("mdb/show", "br0"), re.M) == ["175"] * 2
        # The oldest group makes room for one too many.
        pair.do(lambda s: s.vsctl("set", "bridge", "br0", "other_config:mcast-snooping-table-size=10"))
        for n in range(13):
            pair.do(lambda s: s.receive(3, igmp(0x16, f"225.7.0.{n}")))
            pair.do(lambda s: s.warp(1000))
        text = pair.same(mdb, "full")
        assert text.count("225.7.0") == 10 and "225.7.0.2\n" not in text and "225.7.0.3\n" in text, text
        # It is slow-path work, which dump-flows says, and the rule counts each packet once.
        for _ in range(3):
            pair.do(lambda s: s.receive(3, igmp(0x16, "225.1.2.3")))
        pair.same(lambda s: "slow_path(action)" in s.show("dpctl/dump-flows"), "slow path")
        pair.do(lambda s: s.show("revalidator/purge"))
        pair.same(lambda s: [l.split("n_packets=")[1].split(",")[0] for l in
                             s.run("ovs-ofctl", "dump-flows", f"{s.dir}/br0.mgmt").split("\n") if "n_packets" in l][0], "counted")


if __name__ == "__main__":
    rig.main(commands, traces, random_traffic)
