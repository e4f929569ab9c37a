"""Routes of routers exchanged with a routing daemon of the host, by a table of the kernel of a network namespace: what northd has to
announce stands there as blackholes of protocol 84, and what others put there becomes routes of the router.  Without the kernel's
VRF devices the table is used all the same."""
import os
import subprocess

import rig
from balancing_test import Cloud, plug
from controller_test import expect

NAMESPACE = f"weft-routes-{os.getpid()}"
TABLE = "4321"
PROTOCOL = "84"
ROUTER = f"""
ls-add sw0 -- lsp-add sw0 p1 -- lsp-set-addresses p1 "02:00:00:00:00:01 10.1.0.1"
lr-add lr -- set Logical_Router lr options:chassis=hv1 options:dynamic-routing=true options:dynamic-routing-redistribute=static,connected-as-host
set Logical_Router lr options:dynamic-routing-vrf-id={TABLE}
lrp-add lr lr-sw0 02:00:00:00:aa:01 10.1.0.254/24 fd01::fe/64
lsp-add sw0 sw0-lr -- lsp-set-type sw0-lr router -- lsp-set-addresses sw0-lr router -- lsp-set-options sw0-lr router-port=lr-sw0
lr-route-add lr 30.0.0.0/16 10.1.0.1 -- lr-route-add lr fd30::/32 fd01::1
"""


def ip(*words, check=True):
    return subprocess.run(["ip", *words], text=True, capture_output=True, check=check).stdout


def inside(*words, check=True):
    return ip("-n", NAMESPACE, *words, check=check)


def table():
    """Network, metric and protocol of each of our routes."""
    found = set()
    for family in ("-4", "-6"):
        for line in inside(family, "route", "show", "table", TABLE, check=False).splitlines():
            words = line.split()
            if words[0] == "blackhole":
                found.add((words[1], int(words[words.index("metric") + 1]), words[words.index("proto") + 1]))
    return found


class Namespace:
    def __enter__(self):
        ip("netns", "add", NAMESPACE)
        inside("link", "set", "lo", "up")
        inside("link", "add", "out", "type", "veth", "peer", "name", "far")
        inside("addr", "add", "10.1.0.200/24", "dev", "out")
        inside("link", "set", "out", "up")

    def __exit__(self, *why):
        ip("netns", "del", NAMESPACE, check=False)


def exchange():
    """announced, learnt, tracked, taken back"""
    with Namespace(), Cloud(newest=True) as cloud:
        from balancing_test import host
        c = cloud.central
        h = host(c, True, newest=True, netns=NAMESPACE)
        cloud.rigs.append(h)
        cloud.tell(ROUTER, wait="sb")
        far = {("30.0.0.0/16", 1000, PROTOCOL), ("fd30::/32", 1000, PROTOCOL)}
        workload = lambda metric: {("10.1.0.1", metric, PROTOCOL)}
        own = {("10.1.0.254", 100, PROTOCOL), ("fd01::fe", 100, PROTOCOL)}
        rig.wait_for(lambda: table() == far | own | workload(1000), f"routes in the table: {table()}")
        plug(h, "p1")
        rig.wait_for(lambda: table() == far | own | workload(100), f"a better metric for what is here: {table()}")
        # A stranger's hand is put right.
        inside("route", "del", "blackhole", "30.0.0.0/16", "table", TABLE)
        inside("route", "add", "blackhole", "99.0.0.0/8", "table", TABLE, "proto", PROTOCOL, "metric", "7")
        rig.wait_for(lambda: table() == far | own | workload(100), f"the table to be put right: {table()}")
        cloud.tell("lr-route-del lr 30.0.0.0/16", wait="sb")
        rig.wait_for(lambda: ("30.0.0.0/16", 1000, PROTOCOL) not in table(), "a route to go")

        learnt = lambda: sorted(c.run("ovn-sbctl", "--bare", "--columns=ip_prefix,nexthop", "list", "Learned_Route").split())
        inside("route", "add", "20.0.0.0/16", "via", "10.1.0.201", "dev", "out", "table", TABLE, "proto", "bgp")
        inside("route", "add", "21.0.0.0/16", "dev", "out", "table", TABLE, "proto", "bgp")  # no gateway: nothing to learn
        rig.wait_for(lambda: learnt() == sorted(["20.0.0.0/16", "10.1.0.201"]), f"learnt: {learnt()}")
        routes = lambda: c.run("ovn-sbctl", "lflow-list", "lr")
        rig.wait_for(lambda: "ip4.dst == 20.0.0.0/16" in routes(), "a route of the router")
        cloud.tell("set Logical_Router_Port lr-sw0 options:dynamic-routing-no-learning=true", wait="sb")
        rig.wait_for(lambda: not learnt(), f"with no-learning: {learnt()}")
        cloud.tell("remove Logical_Router_Port lr-sw0 options dynamic-routing-no-learning", wait="sb")
        rig.wait_for(learnt, "learnt again")
        inside("route", "del", "20.0.0.0/16", "table", TABLE)
        rig.wait_for(lambda: not learnt() and "ip4.dst == 20.0.0.0/16" not in routes(), f"forgotten: {learnt()}")

        # VRFs, where the kernel has them.
        has_vrf = subprocess.run(["ip", "-n", NAMESPACE, "link", "add", "probe", "type", "vrf", "table", "77"], capture_output=True).returncode == 0
        cloud.tell("set Logical_Router_Port lr-sw0 options:dynamic-routing-maintain-vrf=true", wait="sb")
        if has_vrf:
            rig.wait_for(lambda: f"ovnvrf{TABLE}" in inside("link"), "the VRF")
        else:
            def told():
                with open(f"{h.dir}/ovn-controller.log") as f:
                    return f"VRF ovnvrf{TABLE} with table {TABLE}" in f.read()
            rig.wait_for(told, "the log to say that there is no VRF")
        expect(table(), "the table is empty")
        h.run("ovs-appctl", "-t", f"{h.dir}/ovn-controller.{h.pids['ovn-controller']}.ctl", "exit")
        rig.wait_for(lambda: not h.alive("ovn-controller"), "the controller to end")
        del h.pids["ovn-controller"]
        expect(not table(), f"left in the table: {table()}")


if __name__ == "__main__":
    rig.main(exchange)
