"""Dynamic routing of Weft's ovn-northd: which routes hosts are told to announce, and what routes that they learnt do.

Databases have the newest schemas; packets are followed by Debian's ovn-trace.
"""
import json
import re
import shlex

import rig
from northd_newer_test import nbctl, network

SWITCHES = """
ls-add inside -- lsp-add inside vm1 -- lsp-set-addresses vm1 "00:00:00:00:00:01 10.0.0.1 fd00::1" -- lsp-add inside vm2 -- lsp-set-addresses vm2 "00:00:00:00:00:02 10.0.0.2"
ls-add outside
lr-add lr -- lrp-add lr lr-in 00:00:00:00:01:01 10.0.0.254/24 fd00::254/64 -- lrp-add lr lr-out 00:00:00:00:01:02 20.0.0.1/24 -- lrp-set-gateway-chassis lr-out ch1
lsp-add inside in-lr -- lsp-set-type in-lr router -- lsp-set-addresses in-lr router -- lsp-set-options in-lr router-port=lr-in
lsp-add outside out-lr -- lsp-set-type out-lr router -- lsp-set-addresses out-lr router -- lsp-set-options out-lr router-port=lr-out
lr-route-add lr 30.0.0.0/8 20.0.0.9 -- lr-route-add lr 31.0.0.0/8 10.0.0.1
lr-nat-add lr snat 20.0.0.5 10.0.0.0/24 -- lr-nat-add lr dnat_and_snat 20.0.0.6 10.0.0.1 vm1 00:00:00:00:02:01
lb-add lb 50.0.0.1:80 10.0.0.2:80 -- lr-lb-add lr lb
lr-add lr2 -- lrp-add lr2 lr2-out 00:00:00:00:01:03 20.0.0.2/24
lsp-add outside out-lr2 -- lsp-set-type out-lr2 router -- lsp-set-addresses out-lr2 router -- lsp-set-options out-lr2 router-port=lr2-out
"""


def start(r):
    for line in SWITCHES.strip().splitlines():
        r.run("ovn-nbctl", *shlex.split(line))
    nbctl(r, ["sync"])


def transact(r, *operations):
    return json.loads(r.run("ovsdb-client", "transact", "unix:" + r.socket("sb"), json.dumps(["OVN_Southbound", *operations])))


def rows(r, table, *columns):
    return transact(r, {"op": "select", "table": table, "where": [], "columns": list(columns)})[0]["rows"]


def port_names(r):
    return {row["_uuid"][1]: row["logical_port"] for row in rows(r, "Port_Binding", "_uuid", "logical_port")}


def advertised(r):
    """{(port, prefix, tracked port or "")}"""
    names, found = port_names(r), set()
    for row in rows(r, "Advertised_Route", "logical_port", "ip_prefix", "tracked_port"):
        found.add((names[row["logical_port"][1]], row["ip_prefix"], "" if row["tracked_port"][0] == "set" else names[row["tracked_port"][1]]))
    return found


def expect(got, wanted, what):
    if got != wanted:
        raise rig.Failure(f"{what}: {sorted(got)}, expected {sorted(wanted)}")


def announcements():
    """dynamic-routing-redistribute: connected, connected-as-host, static, nat, lb; of a port before its router's"""
    with network() as r:
        start(r)
        everything = {
            "connected": {("lr-in", "10.0.0.0/24", ""), ("lr-in", "fd00::/64", ""), ("lr-out", "20.0.0.0/24", "")},
            "static": {("lr-out", "30.0.0.0/8", ""), ("lr-in", "31.0.0.0/8", "")},
            "nat": {(p, prefix, tracked) for p in ("lr-in", "lr-out") for prefix, tracked in (("20.0.0.5/32", "cr-lr-out"), ("20.0.0.6/32", "vm1"))},
            "lb": {(p, "50.0.0.1/32", "cr-lr-out") for p in ("lr-in", "lr-out")},
            "connected-as-host": {("lr-in", "10.0.0.254/32", "lr-in"), ("lr-in", "fd00::254/128", "lr-in"), ("lr-in", "10.0.0.1/32", "vm1"),
                                  ("lr-in", "fd00::1/128", "vm1"), ("lr-in", "10.0.0.2/32", "vm2"), ("lr-out", "20.0.0.1/32", "lr-out"),
                                  ("lr-out", "20.0.0.2/32", "")}}
        for kind in everything:
            nbctl(r, ["set", "logical_router", "lr", "options:dynamic-routing-redistribute=" + kind])
            expect(advertised(r), set(), f"{kind} without dynamic-routing")
        nbctl(r, ["set", "logical_router", "lr", "options:dynamic-routing=true"])
        for kinds in (["connected"], ["static"], ["nat"], ["lb"], ["connected-as-host"], ["nat", "static"], list(everything)):
            nbctl(r, ["set", "logical_router", "lr", f'options:dynamic-routing-redistribute="{",".join(kinds)}"'])
            expect(advertised(r), set().union(*(everything[kind] for kind in kinds)), " ".join(kinds))
        nbctl(r, ["set", "logical_router", "lr", "options:dynamic-routing-redistribute=connected"],
              ["set", "logical_router_port", "lr-out", "options:dynamic-routing-redistribute=static"])
        expect(advertised(r), {("lr-in", "10.0.0.0/24", ""), ("lr-in", "fd00::/64", ""), ("lr-out", "30.0.0.0/8", "")}, "a port's own list")
        # A neighbour announces what the router behind the common switch translates and balances.
        nbctl(r, ["clear", "logical_router", "lr", "options"],
              ["set", "logical_router", "lr2", "options:dynamic-routing=true", 'options:dynamic-routing-redistribute="nat,lb"'])
        expect(advertised(r), {("lr2-out", "20.0.0.5/32", "cr-lr-out"), ("lr2-out", "20.0.0.6/32", "vm1"), ("lr2-out", "50.0.0.1/32", "cr-lr-out")},
               "of a neighbour")
        nbctl(r, ["lsp-del", "vm1"])
        expect(advertised(r), {("lr2-out", f"{ip}/32", "cr-lr-out") for ip in ("20.0.0.5", "20.0.0.6", "50.0.0.1")}, "without the workload")
        # What others write into the table is put right.
        any_row = rows(r, "Advertised_Route", "datapath", "logical_port")[0]
        transact(r, {"op": "insert", "table": "Advertised_Route", "row": {**any_row, "ip_prefix": "66.0.0.0/8"}},
                 {"op": "delete", "table": "Advertised_Route", "where": [["ip_prefix", "==", "20.0.0.5/32"]]})
        rig.wait_for(lambda: {prefix for _, prefix, _ in advertised(r)} == {"20.0.0.5/32", "20.0.0.6/32", "50.0.0.1/32"}, "what is not wanted to go")
        nbctl(r, ["lr-del", "lr2"])
        expect(advertised(r), set(), "without the router")


def announced_addresses():
    """dynamic-routing-vni and -redistribute=ip of a switch: the addresses of its ports are listed, as they change"""
    with network() as r:
        start(r)

        def listed():
            names = port_names(r)
            return {(names[row["logical_port"][1]], row["ip"], row["mac"]) for row in rows(r, "Advertised_MAC_Binding", "logical_port", "ip", "mac")}
        nbctl(r, ["set", "Logical_Switch", "inside", "other_config:dynamic-routing-vni=77", "other_config:dynamic-routing-redistribute=fdb"])
        expect(listed(), set(), "without ip")
        nbctl(r, ["set", "Logical_Switch", "inside", 'other_config:dynamic-routing-redistribute="fdb,ip"'])
        wanted = {("vm1", "10.0.0.1", "00:00:00:00:00:01"), ("vm1", "fd00::1", "00:00:00:00:00:01"), ("vm2", "10.0.0.2", "00:00:00:00:00:02"),
                  ("in-lr", "10.0.0.254", "00:00:00:00:01:01"), ("in-lr", "fd00::254", "00:00:00:00:01:01")}
        expect(listed(), wanted, "with ip")
        nbctl(r, ["lsp-set-addresses", "vm2", "00:00:00:00:00:03 10.0.0.3"], ["lsp-set-enabled", "vm1", "disabled"])
        expect(listed(), {("vm2", "10.0.0.3", "00:00:00:00:00:03")} | {each for each in wanted if each[0] == "in-lr"}, "after changes of ports")
        transact(r, {"op": "delete", "table": "Advertised_MAC_Binding", "where": [["ip", "==", "10.0.0.3"]]})
        rig.wait_for(lambda: len(listed()) == 3, "the row that somebody deleted")
        nbctl(r, ["set", "Logical_Switch", "inside", "other_config:dynamic-routing-vni=99999999"])
        expect(listed(), set(), "with an identifier that is none")
        with open(f"{r.dir}/ovn-northd.log") as f:
            log = f.read()
        if "dynamic-routing-bridge-ifname is missing" not in log or "'99999999' is not between" not in log:
            raise rig.Failure("northd does not tell what is not done")
        # Hosts are told all that is said about it.
        nbctl(r, ["set", "Logical_Switch", "inside", "other_config:dynamic-routing-vni=77", "other_config:dynamic-routing-bridge-ifname=br-77"])
        ids = next(dict(row["external_ids"][1]) for row in rows(r, "Datapath_Binding", "external_ids")
                   if dict(row["external_ids"][1]).get("name") == "inside")
        told = {key: value for key, value in ids.items() if key.startswith("dynamic-routing")}
        expect(told, {"dynamic-routing-vni": "77", "dynamic-routing-bridge-ifname": "br-77", "dynamic-routing-redistribute": "fdb,ip"}, "settings")


def learnt():
    """learnt routes forward after static ones and beside each other, and go with their port"""
    with network() as r:
        start(r)
        nbctl(r, ["lr-nat-del", "lr"], ["lr-lb-del", "lr"], ["set", "logical_router", "lr", "options:dynamic-routing=true"])
        by_name = {name: uuid for uuid, name in port_names(r).items()}
        datapath = {p["logical_port"]: p["datapath"] for p in rows(r, "Port_Binding", "logical_port", "datapath")}

        def learn(port, prefix, nexthop):
            reply = transact(r, {"op": "insert", "table": "Learned_Route",
                                 "row": {"datapath": datapath[port], "logical_port": ["uuid", by_name[port]], "ip_prefix": prefix, "nexthop": nexthop}})
            nbctl(r, ["sync"])
            return reply[0]["uuid"]

        def way(address):
            text = r.run("ovn-trace", "lr", f'inport == "lr-in" && eth.dst == 00:00:00:00:01:01 && ip4.src == 10.0.0.1 && ip4.dst == {address} && ip.ttl == 64')
            hops = re.findall(r"^ *reg0 = (\d[0-9.]+);", text, re.M)
            return hops[-1] if hops else ""

        def goes(address, wanted, what):
            expect([way(address)], [wanted], what)
        goes("40.0.0.1", "", "before anything was learnt")
        first = learn("lr-out", "40.0.0.0/8", "20.0.0.7")
        goes("40.0.0.1", "20.0.0.7", "a learnt route")
        learn("lr-out", "30.0.0.0/8", "20.0.0.7")
        goes("30.0.0.1", "20.0.0.9", "a static route beside it")
        learn("lr-out", "30.1.0.0/16", "20.0.0.7")
        goes("30.1.0.1", "20.0.0.7", "a longer one than the static route")
        nbctl(r, ["lr-route-del", "lr", "30.0.0.0/8"])
        goes("30.0.0.1", "20.0.0.7", "the same without the static route")
        learn("lr-out", "40.0.0.0/8", "20.0.0.8")
        groups = re.findall(r"ip4.dst == 40.0.0.0/8\), action=\(([^)]*select\([^)]*\))", r.run("ovn-sbctl", "lflow-list", "lr"))
        if len(groups) != 1 or "select(1, 2" not in groups[0]:
            raise rig.Failure(f"two next hops: {groups}")
        transact(r, {"op": "delete", "table": "Learned_Route", "where": [["_uuid", "==", first]]})
        nbctl(r, ["sync"])
        goes("40.0.0.1", "20.0.0.8", "the one that is left")
        nbctl(r, ["set", "logical_router_port", "lr-out", "options:dynamic-routing-no-learning=true"])
        goes("40.0.0.1", "", "with dynamic-routing-no-learning")
        nbctl(r, ["clear", "logical_router_port", "lr-out", "options"])
        goes("40.0.0.1", "20.0.0.8", "without it")
        nbctl(r, ["lrp-del", "lr-out"])
        expect(rows(r, "Learned_Route", "ip_prefix"), [], "routes of a port that went")


if __name__ == "__main__":
    rig.main(announcements, announced_addresses, learnt)
