"""Open_vSwitch other_config:vlan-limit: behind how many tags flows may look, as in Debian's switch."""
import struct

import dummies
import rig

IP = bytes.fromhex("4500001c0000000040110000 0a000001 0a000002 00010002 00080000".replace(" ", ""))


def frame(*tags):
    return (bytes.fromhex("020000000002 020000000001".replace(" ", "")) + b"".join(struct.pack(">HH", 0x8100, tag) for tag in tags) +
            b"\x08\x00" + IP).ljust(64, b"\0")


def limits():
    """absent, none, one and two tags: the same flow is seen, and the same packets leave"""
    with dummies.Pair(2) as pair:
        pair.do(lambda s: s.run("ovs-ofctl", "del-flows", "br0"))
        pair.do(lambda s: s.run("ovs-ofctl", "add-flow", "br0", "in_port=1,ip,actions=2"))
        pair.do(lambda s: s.run("ovs-ofctl", "add-flow", "br0", "in_port=1,vlan_tci=0x1000/0x1000,actions=strip_vlan,strip_vlan,2"))
        for setting in (None, "0", "1", "2", "1"):
            words = ["remove", "Open_vSwitch", ".", "other_config", "vlan-limit"] if setting is None else ["set", "Open_vSwitch", ".", f"other_config:vlan-limit={setting}"]
            pair.do(lambda s: s.vsctl(*words))
            for tags in ((), (5,), (5, 6), (5, 6, 7)):
                seen = lambda s: s.show("ofproto/trace", "br0", "in_port=1", frame(*tags).hex()).splitlines()[0]
                pair.same(seen, f"vlan-limit {setting}, tags {tags}")
                if len(tags) > 2:
                    continue  # Debian's takes off one of the two that it may see
                pair.do(lambda s: s.receive(1, frame(*tags)))
                pair.same_packets(f"vlan-limit {setting}, tags {tags}")


if __name__ == "__main__":
    rig.main(limits)
