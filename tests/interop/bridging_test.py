"""Settings of bridges and ports that decide where NORMAL sends a packet, beside Debian's: modes of VLANs, flooding,
learning, addresses that are reserved; and what a bridge says of itself."""
import os
import random
import re
import struct

import dummies
import rig

SEED = int(os.environ.get("WEFT_SEED", "1"))
PORTS = 5
STATIONS = [bytes([2, 0, 0, 0, 0, n]) for n in range(1, PORTS + 1)]
GROUPS = [b"\xff" * 6, bytes.fromhex("01005e000001"), bytes.fromhex("3333000000fb")]


def frame(to, source, *tags, ethertype=0x1234):
    out = to + source
    for tpid, tci in tags:
        out += struct.pack(">HH", tpid, tci)
    return (out + struct.pack(">H", ethertype) + b"payload").ljust(64, b"\0")


def random_tags(r):
    tci = r.choice([0, 1, 2, 3, 4, 5, 7]) | r.choice([0, 0, 3]) << 13
    return r.choice([[], [(0x8100, tci)], [(0x8100, tci)], [(0x88a8, tci)], [(0x8100, tci), (0x8100, 9)], [(0x88a8, tci), (0x8100, r.choice([4, 5, 9]))], [(0x8100, tci), (0x88a8, 5)]])


def random_port(r):
    """A Port row's columns."""
    def some():
        return "[" + ",".join(str(v) for v in sorted(r.sample(range(1, 8), r.randrange(1, 4)))) + "]"
    mode = r.choice(["[]", "access", "trunk", "native-tagged", "native-untagged", "dot1q-tunnel"])
    tag = str(r.randrange(1, 6)) if mode not in ("[]", "trunk") or r.random() < 0.3 else "[]"
    return [f"vlan_mode={mode}", f"tag={tag}", f"trunks={some() if r.random() < 0.5 else '[]'}", f"cvlans={some() if mode == 'dot1q-tunnel' and r.random() < 0.6 else '[]'}",
            f"protected={'true' if r.random() < 0.15 else 'false'}",
            "other_config=" + ("{" + ",".join(filter(None, [r.choice(["", "qinq-ethtype=802.1q", "qinq-ethtype=802.1ad"]), r.choice(["", "", "priority-tags=true", "priority-tags=always", "priority-tags=if-nonzero", "priority-tags=never"])])) + "}")]


def addresses(pair, context):
    pair.same(lambda s: sorted(re.sub(r"\s+\d+$", "", line) for line in s.show("fdb/show", "br0").splitlines()[1:]), f"{context}: fdb/show")


def exchange(pair, r, context, count):
    for _ in range(count):
        n = r.randrange(1, PORTS + 1)
        one = frame(r.choice(STATIONS + GROUPS), r.choice([STATIONS[n - 1]] * 6 + STATIONS), *random_tags(r))
        pair.same(lambda s: trace(s.show("ofproto/trace", "br0", f"in_port={n}", one.hex())), f"{context}: {one.hex()} from {n}: trace")
        pair.do(lambda s: s.receive(n, one))
        pair.same_packets(f"{context}: {one.hex()} from {n}")


def trace(text):
    """What the walk says; what comes of it are the packets."""
    return [line for line in text.splitlines() if not line.startswith(("Datapath actions", "Final flow", "Megaflow", " 0. priority"))]


def vlans():
    """Ports of every mode, with limits and inner VLANs, at random: the same traces, packets and addresses"""
    r = random.Random(f"{SEED} vlans")
    with dummies.Pair(PORTS) as pair:
        pair.do(lambda s: s.vsctl("set", "Open_vSwitch", ".", "other_config:vlan-limit=2"))
        for step in range(14):
            words = []
            for n in range(1, PORTS + 1):
                words += ["--", "set", "port", f"p{n}", *random_port(r)]
            flood = "[" + ",".join(str(v) for v in sorted(r.sample(range(1, 8), 2))) + "]" if r.random() < 0.4 else "[]"
            words += ["--", "set", "bridge", "br0", f"flood_vlans={flood}"]
            pair.do(lambda s: s.vsctl(*words[1:]))
            pair.both[1].show("dpctl/del-flows")  # which Debian's would look at again some time later
            context = f"seed {SEED}, step {step}, {' '.join(words)}"
            exchange(pair, r, context, 16)
            addresses(pair, context)


def learning():
    """mac-aging-time and mac-table-size: addresses go when they are old, and the oldest of the port that has most make room"""
    with dummies.Pair(PORTS) as pair:
        for aging in ("20", "60", "1", "100000", "5"):
            pair.do(lambda s: s.vsctl("set", "bridge", "br0", f"other_config:mac-aging-time={aging}"))
            pair.do(lambda s: s.show("fdb/flush", "br0"))
            pair.do(lambda s: s.receive(1, frame(GROUPS[0], STATIONS[0])))
            pair.do(lambda s: s.warp(3000))
            pair.do(lambda s: s.receive(2, frame(GROUPS[0], STATIONS[1])))
            pair.same_packets(aging)
            for _ in range(12):
                pair.do(lambda s: s.warp(6000))
                addresses(pair, f"mac-aging-time={aging}")
        pair.do(lambda s: s.vsctl("set", "bridge", "br0", "other_config:mac-aging-time=300"))
        r = random.Random(f"{SEED} learning")
        pair.do(lambda s: s.show("fdb/flush", "br0"))
        for size in ("10", "12", "30", "3", "11"):
            pair.do(lambda s: s.vsctl("set", "bridge", "br0", f"other_config:mac-table-size={size}"))
            for k in range(40):
                n = r.choice([1] * 8 + [2, 3])
                # No two ports have equally many when one makes room: which of them would is each one's choice.
                mac = bytes([2, 0, n, 0, 0, r.randrange(30 if n == 1 else 2)])
                pair.do(lambda s: s.receive(n, frame(GROUPS[0], mac)))
                pair.same_packets(f"mac-table-size={size}, {k}")
                pair.do(lambda s: s.warp(1000))
                addresses(pair, f"seed {SEED}, mac-table-size={size}, {k}: {mac.hex()} on p{n}")
        pair.same(lambda s: s.show("fdb/stats-show", "br0"), "fdb/stats-show")


def reserved():
    """forward-bpdu: addresses that stay on their link are forwarded, or not"""
    with dummies.Pair(PORTS) as pair:
        for setting in ("false", "true", "false"):
            pair.do(lambda s: s.vsctl("set", "bridge", "br0", f"other_config:forward-bpdu={setting}"))
            pair.both[1].show("dpctl/del-flows")  # which Debian's would look at again some time later
            for to in ["0180c20000%02x" % n for n in (0, 1, 2, 3, 0xe, 0xf, 0x10, 0x20)] + ["00e02b000000", "00e02b000004", "00e02b000006", "01000c000000", "01000ccccccc", "01000ccccccd", "01000ccdcdcd"]:
                one = frame(bytes.fromhex(to), STATIONS[0])
                pair.same(lambda s: trace(s.show("ofproto/trace", "br0", "in_port=1", one.hex())), f"forward-bpdu={setting}, {to}")
                pair.do(lambda s: s.receive(1, one))
                pair.same_packets(f"forward-bpdu={setting}, {to}")


def description():
    """other_config:dp-desc, dp-sn and datapath-id are what a bridge says of itself"""
    def told(s):
        return [re.sub(r"(Manufacturer|Software|Hardware): .*", "", s.run("ovs-ofctl", "-O", version, "dump-desc", f"unix:{s.dir}/br0.mgmt")) for version in ("OpenFlow10", "OpenFlow13")]
    with dummies.Pair(1) as pair:
        pair.do(lambda s: s.vsctl("set", "bridge", "br0", "protocols=OpenFlow10,OpenFlow13"))
        for words in ([], ["other_config:dp-desc=a switch", "other_config:dp-sn=007"], ["other_config:dp-desc=" + "x" * 300, "other_config:dp-sn=" + "y" * 40], 
                      ["other_config:datapath-id=0000000000000042"], ["other_config:datapath-id=42"], ["other_config:datapath-id=0x7b"], ["other_config:datapath-id=zz"]):
            pair.do(lambda s: s.vsctl("set", "bridge", "br0", *words) if words else None)
            pair.same(told, f"{words}: dump-desc")
            pair.same(lambda s: s.vsctl("get", "bridge", "br0", "datapath_id"), f"{words}: datapath_id")
        # Names of tables, which a switch of OpenFlow 1.0 tells with their figures.
        pair.do(lambda s: s.vsctl("set", "bridge", "br0", "flow_tables:0=@a", "flow_tables:2=@b", "--", "--id=@a", "create", "Flow_Table", "name=first", "--", "--id=@b", "create", "Flow_Table", 'name="a b"'))
        text = pair.same(lambda s: s.run("ovs-ofctl", "-O", "OpenFlow10", "dump-tables", f"unix:{s.dir}/br0.mgmt"), "dump-tables")
        assert 'table 2 ("a b")' in text and "tables 3...253: ditto" in text, text


if __name__ == "__main__":
    print(f"seed {SEED}")
    rig.main(vlans, learning, reserved, description)
