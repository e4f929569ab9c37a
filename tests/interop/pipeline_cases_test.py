"""Tables and packets that Weft's switch once took otherwise than Debian's, or that Debian's takes otherwise than it should:
traces, frames and counts are equal, or differ as the row says (docs/decisions/0065-random-pipelines.md).

They were found by pipelines_test.py, which compares them in the same way; rows are what remained of tables of forty flows.
"""
import os
import sys

import openflow as of
import packets as made
import rig
from pipelines_test import VERSION, Comparison, Side, accepted, replacing
from random_pipeline import Packet

GROUPS = ["group_id=1,type=all,bucket=output:1,bucket=set_field:0x1006->vlan_vid,output:2",
          "group_id=6,type=all,bucket=resubmit(,5),bucket=output:4", "group_id=7,type=select,bucket=output:3",
          "group_id=8,type=indirect,bucket=mod_nw_ttl:9,push_vlan:0x8100,group:1"]
ETH = "020000000001020000000002"
TCP_FIN = ETH + "08004500002800010000400664a70a0001030a0001020035003500000005000000005001ffff17ba0000"
TCP_ACK = TCP_FIN.replace("5001ffff17ba", "5010ffff17ab")
UDP6 = ETH + "86dd60000000000d114020010db800000000000000000001000220010db80000000000000000000100010035005a000d05e868656c6c6f"
LABEL = ETH + "8847000041014500002100010000401164ca0a0000020a00020010010035000d95ca68656c6c6f"
TAGS = ETH + "810000048100600486dd600000000005634020010db800000000000000000001000220010db800000000000000000000000168656c6c6f"
FIRST, SECOND = (ETH + "0800" + made.ipv4(f"10.0.1.{n}", "10.0.1.2", 99, b"hello").hex() for n in (3, 4))
SOLICITATION = (ETH + "86dd6000000000203aff20010db800000000000000000000000220010db80000000000000000000100008700ec70"
                "0000000020010db80000000000000000000100030101020000000001")
EXTENDED = ETH + "86dd600000050020004020010db800000000000000000001000320010db80000000000000000000200023a000104000000008700ef7900000000" + "20010db8" + 12 * "00"
ATOMIC = (ETH + "86dd6000000000202c4020010db800000000000000000001000120010db80000000000000000000100003a000000000000078800ee7a0000000020010db8" + 8 * "00"
          + "00010003")
LEARN = "learn(table=6,priority=8,fin_idle_timeout=3,NXM_OF_ETH_SRC[],load:3->NXM_NX_REG1[])"

# What it is about, flows, packets.
EQUAL = [
    ("the end of a connection is one behind a label, too",
     [f"table=0,in_port=1,actions={LEARN}", "table=0,in_port=2,ip,actions=push_mpls:0x8847,resubmit(,6),3"],
     [(1, TCP_ACK), (2, TCP_FIN)]),
    ("what is not TCP ends no connection", [f"table=0,in_port=1,actions={LEARN}", "table=0,in_port=2,actions=resubmit(,6),3"],
     [(1, TCP_ACK), (2, UDP6), (2, LABEL)]),
    ("one megaflow has no packets of TCP and others when it ends connections", [f"table=0,in_port=1,actions={LEARN}", "table=0,in_port=2,ip,actions=resubmit(,6),3"],
     [(1, TCP_ACK), (2, FIRST), (2, TCP_FIN)]),
    ("a bridge behind a patch port sees what is below the label", ["table=0,mpls,actions=pop_mpls:0x0800,10,3"], [(1, LABEL)]),
    ("a tag that is written again is the same one", ["table=0,ip,actions=group:8,group:1,3"], [(1, TCP_ACK), (4, TCP_FIN)]),
    ("NORMAL drops what ends within a tag", ["table=0,actions=10,strip_vlan,10"],
     [(1, ETH + "8100"), (1, ETH + "88a8"), (1, ETH + "9100"), (1, ETH + "81000004"), (1, ETH + "810000048100"), (1, "0180c200000e0200000000028100")]),
    ("NORMAL drops what has a second tag when the first one was taken off", ["table=0,vlan_tci=0x1000/0x1000,actions=strip_vlan,10"],
     [(1, TAGS), (2, TAGS.replace("81000004", "88a80004", 1))]),
    ("a label that says that another one follows the last",
     ["table=0,mpls,actions=decap,decap(packet_type(ns=1,type=0x8847)),encap(ethernet),3"], [(1, LABEL)]),
]

# The same, and a part of how the two differ: "-" is what Weft's does, "+" Debian's.
APART = [
    ("a packet goes on after it was tracked, whatever a bucket before did", ["table=0,ip,actions=group:6,ct(table=1)", "table=5,actions=exit", "table=1,actions=3"],
     [(1, TCP_ACK)], "out of p3\n@@ -1 +0,0 @@\n-" + TCP_ACK),
    ("a packet goes on after its hash was made, whatever a bucket before did", ["table=0,ip,actions=group:6,group:7", "table=5,actions=exit"],
     [(1, TCP_ACK)], "out of p3\n@@ -1 +0,0 @@\n-" + TCP_ACK),
    ("an inner address does not go outside since there is no other (decision 0010)", ["table=0,ip,actions=ct(commit,nat(src=10.9.9.9),table=1)", "table=1,actions=3"],
     [(1, FIRST), (1, SECOND)], "\n+" + SECOND),
    ("a neighbour solicitation ends no connection", [f"table=0,in_port=1,actions={LEARN}", "table=0,in_port=2,actions=resubmit(,6)"],
     [(1, TCP_ACK), (2, SOLICITATION)], "idle_timeout=3, priority=8"),
    ("behind an extension header, too, a checksum stays right", ["table=0,icmp6,icmp_type=135,icmp_code=0,actions=set_field:0x4->nd_reserved,3"],
     [(1, EXTENDED)], "\n-" + EXTENDED.replace("ef7900000000", "ef7500000004")),
    ("a whole packet with a fragment header keeps a checksum that is right, tracked or not", ["table=0,icmp6,actions=ct(commit),set_field:2001:db8::2:3->ipv6_src,3"],
     [(1, ATOMIC)], "+" + ATOMIC.replace("0001000120010db8", "0002000320010db8")),
    ("a flow that is learnt anew twice keeps its counts", [f"table=0,in_port=1,actions={LEARN}", f"table=0,in_port=2,actions=resubmit(,6),{LEARN},{LEARN},resubmit(,6)"],
     [(1, TCP_ACK), (2, TCP_FIN)], "-cookie=0x0, table=6, n_packets=2,"),
]


def run(comparison, groups, flows, packets):
    """How the two differ: what they say of a trace, what goes out, what is counted."""
    said = []
    comparison.differs, comparison.narrower = said.append, 100  # megaflows are not shown
    debian = comparison.sides[1]
    messages = replacing(accepted(debian.r, flows), groups)
    for side in comparison.sides:
        side.load(messages)
    given = [Packet(port, bytes.fromhex(frame)) for port, frame in packets]
    for packet in given:
        comparison.trace(packet)
    for side in comparison.sides:
        side.load(messages)
    comparison.receive(given, seconds=0.5)  # before flows of three seconds end
    return said


def main():
    comparison, failed = Comparison(), 0
    comparison.sides = [Side("WEFT_TWICE" not in os.environ), Side(False)]
    with comparison.sides[0].r, comparison.sides[1].r as debian:
        groups = of.recorded(debian, VERSION, "--no-names", "add-groups", "SWITCH", "-", stdin="\n".join(GROUPS))
        for what, flows, packets, *apart in [*EQUAL, *APART]:
            said = "\n".join(run(comparison, groups, flows, packets))
            wrong = apart[0] not in said if apart else said
            failed += bool(wrong)
            print(f"not ok - {what}\n{said}" if wrong else f"ok - {what}")
    if failed:
        raise rig.Failure(f"{failed} of {len(EQUAL) + len(APART)} are not as they should be")


if __name__ == "__main__":
    if "WEFT_INSIDE" not in os.environ:  # a network namespace, where nobody else has the tunnels' port
        os.environ["WEFT_INSIDE"] = "1"
        os.execvp("unshare", ["unshare", "--net", sys.executable, *sys.argv])
    main()
