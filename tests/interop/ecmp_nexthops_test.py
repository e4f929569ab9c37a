"""Next hops of symmetric ECMP routes (NB_Global:options:ecmp_nexthop_monitor_enable): their rows, and their connections, which end with
them.  All programs are Weft's."""
import json

import rig
import wire
from balancing_test import Cloud, frame, plug, receive
from controller_test import expect

ROUTER = "02:00:00:00:aa:02"
NETWORK = """
ls-add sw0 -- lsp-add sw0 p1 -- lsp-set-addresses p1 "02:00:00:00:00:01 10.1.0.1"
ls-add out -- lsp-add out n1 -- lsp-set-addresses n1 "02:00:00:00:00:11 10.2.0.11"
lsp-add out n2 -- lsp-set-addresses n2 "02:00:00:00:00:12 10.2.0.12"
lsp-add out n3 -- lsp-set-addresses n3 unknown
lr-add lr -- set Logical_Router lr options:chassis=hv1
lrp-add lr lr-sw0 02:00:00:00:aa:01 10.1.0.254/24 -- lrp-add lr lr-out 02:00:00:00:aa:02 10.2.0.254/24
lsp-add-router-port sw0 sw0-lr lr-sw0
lsp-add-router-port out out-lr lr-out
--ecmp-symmetric-reply lr-route-add lr 30.0.0.0/24 10.2.0.11
--ecmp-symmetric-reply lr-route-add lr 30.0.0.0/24 10.2.0.12
--ecmp-symmetric-reply lr-route-add lr 30.0.0.0/24 10.2.0.13
"""


def next_hops():
    """rows of next hops; connections end with theirs, not with others; an address that was learnt counts, too"""
    with Cloud(True, newest=True) as cloud:
        h, = cloud.hosts
        plug(h, "p1", "n1", "n2", "n3")
        cloud.tell(NETWORK)

        def rows():
            request = ["OVN_Southbound", {"op": "select", "table": "ECMP_Nexthop", "where": [], "columns": ["nexthop", "mac"]}]
            reply = json.loads(cloud.central.run("ovsdb-client", "transact", "unix:" + cloud.central.socket("sb"), json.dumps(request)))
            return sorted((row["nexthop"], row["mac"]) for row in reply[0]["rows"])
        expect(not rows(), f"rows though nobody asks: {rows()}")
        cloud.tell("set NB_Global . options:ecmp_nexthop_monitor_enable=true")
        known = [("10.2.0.11", "02:00:00:00:00:11"), ("10.2.0.12", "02:00:00:00:00:12")]
        rig.wait_for(lambda: rows() == [*known, ("10.2.0.13", "")], f"the next hops: {rows()}")

        def come_in(port, mac, sport):
            receive(h, port, frame(mac, ROUTER, wire.udp(sport, 53, b"x"), "30.0.0.5", "10.1.0.1"))

        def connections(sport):
            text = h.run("ovs-appctl", "-t", f"{h.dir}/vswitchd.ctl", "dpctl/dump-conntrack")
            return [line for line in text.splitlines() if f"sport={sport}," in line and "src=30.0.0.5" in line and "labels=" in line]
        hops = {"n1": ("02:00:00:00:00:11", 2001), "n2": ("02:00:00:00:00:12", 2002), "n3": ("02:00:00:00:00:13", 2003)}
        for port, (mac, sport) in hops.items():
            def kept():
                come_in(port, mac, sport)
                return connections(sport)
            rig.wait_for(kept, f"a connection by {port}")
        # The third next hop tells the router where it is.
        receive(h, "n3", wire.eth("02:00:00:00:00:13", ROUTER, wire.arp(2, "02:00:00:00:00:13", "10.2.0.13", ROUTER, "10.2.0.254"), 0x0806).hex())
        rig.wait_for(lambda: ("10.2.0.13", "02:00:00:00:00:13") in rows(), "the learnt address")
        cloud.tell("lr-route-del lr 30.0.0.0/24 10.2.0.11")
        rig.wait_for(lambda: not connections(2001), "connections of the next hop that is gone to end")
        expect(connections(2002) and connections(2003), "connections of others went, too")
        cloud.tell("lr-route-del lr 30.0.0.0/24 10.2.0.13")
        rig.wait_for(lambda: not connections(2003), "connections of the learnt next hop to end")
        expect(connections(2002) and rows() == known[1:], f"the last next hop: {connections(2002)}, {rows()}")
        cloud.tell("lr-route-del lr 30.0.0.0/24")
        rig.wait_for(lambda: not connections(2002) and not rows(), "the last one to end")


def marks_and_labels():
    """ovs-ofctl ct-flush mark= labels= ends those connections alone"""
    with Cloud(True, newest=True) as cloud:
        h, = cloud.hosts
        bridge = f"unix:{h.dir}/br.mgmt"
        h.run("ovs-vsctl", "--no-wait", "add-br", "br", "--", "set", "Bridge", "br", "datapath_type=dummy", "fail-mode=secure", "--",
              "add-port", "br", "a", "--", "set", "Interface", "a", "type=dummy")
        rig.wait_for(lambda: h.run("ovs-ofctl", "show", bridge, check=False).returncode == 0, "the bridge")
        for port, mark, label in ((1, "0x10007", "0x1"), (2, "0x20007", "0x2000000000000000000"), (3, "0x30008", "0x1")):
            h.run("ovs-ofctl", "add-flow", bridge, f"udp,tp_dst={port},actions=ct(commit,zone=7,exec(set_field:{mark}->ct_mark,set_field:{label}->ct_label))")
            receive(h, "a", frame("02:00:00:00:00:01", "02:00:00:00:00:02", wire.udp(9, port, b"x"), "10.0.0.1", "10.0.0.2"))

        def left():
            text = h.run("ovs-appctl", "-t", f"{h.dir}/vswitchd.ctl", "dpctl/dump-conntrack")
            return [port for port in (1, 2, 3) if f"dport={port})" in text or f"dport={port}," in text]
        rig.wait_for(lambda: left() == [1, 2, 3], f"three connections: {left()}")
        h.run("ovs-ofctl", "ct-flush", bridge, "zone=6", "mark=0x10007")
        expect(left() == [1, 2, 3], f"another zone: {left()}")
        h.run("ovs-ofctl", "ct-flush", bridge, "zone=7", "mark=7/0xf", "labels=1/1")
        expect(left() == [2, 3], f"by mark and label: {left()}")
        h.run("ovs-appctl", "-t", f"{h.dir}/vswitchd.ctl", "dpctl/flush-conntrack", "labels=0x2000000000000000000")
        expect(left() == [3], f"by label: {left()}")
        done = h.run("ovs-ofctl", "ct-flush", bridge, "mark=what", check=False)
        expect(done.returncode == 1 and "what" in done.stderr, f"a mark that is none: {done}")


if __name__ == "__main__":
    rig.main(next_hops, marks_and_labels)
