"""Weft's ovn-northd beside Debian's: the same northbound, the same southbound."""
import json
import os
import re
import shlex
import shutil

import rig
from northbound_changes import Changes

LAB = """ls-add ls1 -- lsp-add ls1 a -- lsp-set-addresses a 00:00:00:00:00:01 -- lsp-set-port-security a 00:00:00:00:00:01
ls-add ls2 -- lsp-add ls2 b -- lsp-set-addresses b '00:00:00:00:00:03 192.168.2.30'
lr-add lr1 -- lrp-add lr1 lr1-ls1 00:00:00:00:11:00 192.168.1.1/24 -- lrp-add lr1 lr1-ls2 00:00:00:00:12:00 192.168.2.1/24 fd02::1/64
lsp-add ls1 ls1-lr1 -- lsp-set-type ls1-lr1 router -- lsp-set-addresses ls1-lr1 router -- lsp-set-options ls1-lr1 router-port=lr1-ls1
lsp-add ls2 ls2-lr1 -- lsp-set-type ls2-lr1 router -- lsp-set-addresses ls2-lr1 00:00:00:00:12:00 -- lsp-set-options ls2-lr1 router-port=lr1-ls2
""".splitlines()
FEATURES = ("ct-no-masked-label", "ovn-ct-lb-related", "mac-binding-timestamp", "port-up-notif")


class Side:
    """Databases and one northd, in a rig of their own."""

    def __init__(self, weft, name, northbound=None):
        self.r = rig.Rig(weft=weft, name=name)
        if northbound:
            shutil.copy(northbound, os.path.join(self.r.dir, "nb.db"))
        self.r.start_databases("nb", "sb")
        self.r.env.update(OVN_NB_DB="unix:" + self.r.socket("nb"), OVN_SB_DB="unix:" + self.r.socket("sb"))
        if not northbound:
            self.nbctl("init")
            self.nbctl("set", "NB_Global", ".", 'options:svc_monitor_mac="0e:00:00:00:00:01"', 'options:mac_prefix="0e:00:00"')
        for n in (1, 2, 3):
            self.r.run("ovn-sbctl", "chassis-add", f"ch{n}", "geneve", f"127.0.0.{n}", "--", "set", "chassis", f"ch{n}",
                       *[f"other_config:{f}=true" for f in FEATURES])
        self.r.start_northd()

    def nbctl(self, *words, check=True):
        return self.r.run("ovn-nbctl", *words, check=check)

    def rows(self, table, *columns):
        request = ["OVN_Southbound", {"op": "select", "table": table, "where": [], "columns": list(columns)}]
        return json.loads(self.r.run("ovsdb-client", "transact", "unix:" + self.r.socket("sb"), json.dumps(request)))[0]["rows"]

    def southbound(self):
        """What is in the southbound, with names instead of uuids and keys, and the ports' choices in the northbound."""
        self.nbctl("--timeout=30", "--wait=sb", "sync")
        names, keys = {}, {}
        for d in self.rows("Datapath_Binding", "_uuid", "external_ids", "tunnel_key"):
            names[d["_uuid"][1]] = keys[str(d["tunnel_key"])] = dict(d["external_ids"][1])["name"]
        groups = {g["_uuid"][1]: sorted(names[d[1]] for d in items(g["datapaths"])) for g in self.rows("Logical_DP_Group", "_uuid", "datapaths")}
        named = lambda text: re.sub(r"\$_rtr_lb_(\d+)_", lambda m: f"$_rtr_lb_{keys.get(m[1])}_", text)
        found = {"flows": set(), "ports": set(), "multicast": set(), "sets": set(), "groups": set(), "rows": set(), "choices": set()}
        for f in self.rows("Logical_Flow", "logical_datapath", "logical_dp_group", "pipeline", "table_id", "priority", "match",
                           "actions", "external_ids", "tags", "controller_meter"):
            one, many = f["logical_datapath"], f["logical_dp_group"]
            if f["actions"] == "eth.dst = 00:00:00:00:00:00; next;":
                continue  # of an unbound virtual port: Debian's writes it for one of several routers, Weft's for all
            for who in [names[one[1]]] if one[0] == "uuid" else groups[many[1]]:
                found["flows"].add((who, f["pipeline"], f["table_id"], dict(f["external_ids"][1]).get("stage-name"), f["priority"],
                                    same_order(named(f["match"])), same_order(told_answer(f)), str(items(f["controller_meter"]))))
        chassis = {c["_uuid"][1]: c["name"] for c in self.rows("Chassis", "_uuid", "name")}
        called = lambda uuids, of: sorted(of.get(u[1], "?") for u in items(uuids))
        ha = {m["_uuid"][1]: (m["priority"], called(m["chassis"], chassis)) for m in self.rows("HA_Chassis", "_uuid", "priority", "chassis")}
        ha_names, mirrors, ports, queues = {}, {}, {}, {}
        for g in self.rows("HA_Chassis_Group", "_uuid", "name", "ha_chassis", "ref_chassis"):
            ha_names[g["_uuid"][1]] = g["name"]
            found["rows"].add(repr(("HA_Chassis_Group", g["name"], called_of(g["ha_chassis"], ha), called(g["ref_chassis"], chassis))))
        for m in self.rows("Mirror", "_uuid", "name", "filter", "sink", "type", "index"):
            mirrors[m.pop("_uuid")[1]] = m["name"]
            found["rows"].add(repr(("Mirror", sorted(m.items()))))
        for p in self.rows("Port_Binding", "_uuid", "logical_port", "type", "options", "datapath", "mac", "nat_addresses", "port_security",
                           "external_ids", "tag", "parent_port", "chassis", "requested_chassis", "requested_additional_chassis", "mirror_rules",
                           "ha_chassis_group"):
            ports[p["_uuid"][1]] = p["logical_port"]
            # Debian's lists the names of template variables among the addresses.
            nat = sorted(" ".join(n.split()[:1] + sorted(w for w in n.split()[1:] if w[0] != "^")) for n in items(p["nat_addresses"])
                         if "." in n or ":" in n[17:])
            # Debian's leaves a released port its queue.
            queues[p["logical_port"]] = items(p["chassis"]) or p["type"] == "localnet"
            options = sorted((k, "N" if k == "qdisc_queue_id" else v) for k, v in p["options"][1]
                             if k != "qdisc_queue_id" or queues[p["logical_port"]])
            found["ports"].add(repr((p["logical_port"], p["type"], options, names[p["datapath"][1]], sorted(items(p["mac"])),
                                     nat, sorted(items(p["port_security"])), sorted(p["external_ids"][1]), items(p["tag"]), items(p["parent_port"]),
                                     called(p["requested_chassis"], chassis), called(p["requested_additional_chassis"], chassis),
                                     called(p["mirror_rules"], mirrors), called(p["ha_chassis_group"], ha_names))))
        found["flows"] = {f for f in found["flows"] if not f[6].startswith("set_queue(") or
                          queues.get(re.search('port == "([^"]*)"', f[5])[1])}
        for m in self.rows("Multicast_Group", "datapath", "name", "tunnel_key", "ports"):
            key = m["tunnel_key"] if m["name"].startswith("_MC_") else "learnt"
            found["multicast"].add(repr((names[m["datapath"][1]], m["name"], key, sorted(ports.get(p[1], "?") for p in items(m["ports"])))))
        for a in self.rows("Address_Set", "name", "addresses"):
            found["sets"].add(repr((named("$" + a["name"]), sorted(items(a["addresses"])))))
        for g in self.rows("Port_Group", "name", "ports"):
            key, name = g["name"].split("_", 1)
            found["groups"].add(repr((keys.get(key), name, sorted(items(g["ports"])))))
        for m in self.rows("IP_Multicast", "datapath", "enabled", "querier", "eth_src", "ip4_src", "ip6_src", "table_size", "idle_timeout",
                           "query_interval", "query_max_resp"):
            found["rows"].add(repr(("IP_Multicast", names[m.pop("datapath")[1]], sorted(m.items()))))
        for table, *columns in (("BFD", "logical_port", "dst_ip", "min_tx", "min_rx", "detect_mult", "status"),
                                ("Service_Monitor", "ip", "protocol", "port", "logical_port", "src_ip", "src_mac", "options"),
                                ("Chassis_Template_Var", "chassis", "variables"), ("Meter", "name", "unit"),
                                ("Static_MAC_Binding", "logical_port", "ip", "mac", "override_dynamic_mac"),
                                ("Load_Balancer", "name", "vips", "protocol", "options")):
            for row in self.rows(table, *columns):
                found["rows"].add(same_order(repr((table, sorted((k, sorted(v[1]) if isinstance(v, list) else v) for k, v in row.items())))))
        for p in self.northbound_rows("Logical_Switch_Port", "name", "dynamic_addresses", "tag"):
            if items(p["dynamic_addresses"]) or items(p["tag"]):
                found["choices"].add(repr((p["name"], items(p["dynamic_addresses"]), items(p["tag"]))))
        for b in self.northbound_rows("BFD", "logical_port", "dst_ip", "status"):
            found["choices"].add(repr(("BFD", b["logical_port"], b["dst_ip"], items(b["status"]))))
        return found

    def northbound_rows(self, table, *columns):
        request = ["OVN_Northbound", {"op": "select", "table": table, "where": [], "columns": list(columns)}]
        return json.loads(self.r.run("ovsdb-client", "transact", "unix:" + self.r.socket("nb"), json.dumps(request)))[0]["rows"]


def called_of(uuids, of):
    return sorted(of[u[1]] for u in items(uuids))


def items(value):
    return value[1] if isinstance(value, list) and value[0] == "set" else [value]


UUID = r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"


def same_order(text):
    """Numbers of ECMP groups and members follow uuids, routing tables, queues and ports are numbered in some order, and Ethernet addresses
    follow a hash: none of them means anything."""
    text = re.sub(r"reg8\[(16\.\.31|0\.\.15)\] (==|=) [1-9]\d*", r"reg8[\1] \2 N", text)
    text = re.sub(r"(reg7|ecmp_reply_port) (==|=) [1-9]\d*", r"\1 \2 N", text)
    text = re.sub(r"set_queue\([1-9]\d*\)", "set_queue(N)", text)
    text = re.sub(UUID, "UUID", text)
    text = re.sub(r"reg0 == \{([^}]*)\}", lambda m: "reg0 == {" + ", ".join(sorted(m[1].split(", "))) + "}", text)
    return re.sub(r"eth\.src == \{([^}]*)\}", lambda m: "eth.src == {" + ", ".join(sorted(m[1].split(", "))) + "}", text)


def told_answer(flow):
    """The actions; of flows that log answers without what else is done with the packets (decision 0070)."""
    if flow["priority"] != 65533:
        return flow["actions"]
    return re.sub(r"(reg0\[\d+\] = [01]; )*(ct_commit_nat|next);$", "", flow["actions"])


def expect_same(ours, theirs, what):
    for kind in theirs:
        missing, extra = theirs[kind] - ours[kind], ours[kind] - theirs[kind]
        if missing or extra:
            lines = sorted([f"- {x}" for x in missing] + [f"+ {x}" for x in extra])
            raise rig.Failure(f"{what}: {kind} differ, {len(missing)} missing, {len(extra)} extra:\n" + "\n".join(lines[:10]))


def both(test):
    sides = []
    try:
        for weft, name in (((), "debian"), (("ovn-northd",), "weft")):
            sides.append(Side(weft, name))
        test(*sides)
    finally:
        for side in sides:
            side.r.stop()


def the_lab():
    """switches and a router: the same text, flow by flow"""
    def test(debian, weft):
        for line in LAB:
            for side in (debian, weft):
                side.nbctl(*shlex.split(line))
        expect_same(weft.southbound(), debian.southbound(), "lab")
    both(test)


def random_networks():
    """random networks, changed and changed again: the same southbound"""
    base = int(os.environ.get("WEFT_SEED", 1000))
    print(f"# WEFT_SEED={base} (WEFT_MORE=0 for the older features alone)")
    for seed in (base, base + 1):
        def test(debian, weft):
            changes = Changes(seed, more=os.environ.get("WEFT_MORE") != "0")
            for check in range(2):
                for _ in range(30):
                    words = changes.step()
                    for side in (debian, weft):
                        side.nbctl(*words, check=False)
                for side in (debian, weft):
                    side.nbctl("--timeout=30", "--wait=sb", "sync")
                for _ in range(4):
                    words = changes.southbound_step()
                    for side in (debian, weft) if words else ():
                        side.r.run("ovn-sbctl", *words, check=False)
                expect_same(weft.southbound(), debian.southbound(), f"seed {seed}, check {check}")
        both(test)


def foreign_changes():
    """rows of ours that somebody changes or deletes are put right"""
    side = Side(("ovn-northd",), "drift")
    try:
        for line in LAB:
            side.nbctl(*shlex.split(line))
        before = side.southbound()
        sb = lambda *words: side.r.run("ovn-sbctl", *words)
        sb("set", "Port_Binding", "a", "type=localport", "options:x=y")
        sb("--all", "destroy", "Multicast_Group")
        flow = sb("--bare", "--columns=_uuid", "find", "Logical_Flow", "priority=50").split()[0]
        sb("destroy", "Logical_Flow", flow)
        rig.wait_for(lambda: side.southbound() == before, "the southbound as it was")
    finally:
        side.r.stop()


def one_is_active():
    """of two northd one is active; pause hands over"""
    side = Side(("ovn-northd",), "lock")
    try:
        r = side.r
        r.start("second", "ovn-northd", f"--unixctl={r.dir}/second.ctl", f"--ovnnb-db=unix:{r.socket('nb')}",
                f"--ovnsb-db=unix:{r.socket('sb')}")
        status = lambda which: r.run("ovs-appctl", "-t", f"{r.dir}/{which}.ctl", "status").strip()
        rig.wait_for(lambda: (status("northd"), status("second")) == ("Status: active", "Status: standby"), "one active")
        r.run("ovs-appctl", "-t", f"{r.dir}/northd.ctl", "pause")
        rig.wait_for(lambda: (status("northd"), status("second")) == ("Status: paused", "Status: active"), "the other active")
        side.nbctl("--timeout=20", "--wait=sb", "ls-add", "after")
    finally:
        side.r.stop()


def debian_controller():
    """Debian's controller and switch obey Weft's northd"""
    import mixing_test
    mixing_test.network(("ovn-northd",), "northd")


if __name__ == "__main__":
    rig.main(the_lab, random_networks, foreign_changes, one_is_active, debian_controller)
