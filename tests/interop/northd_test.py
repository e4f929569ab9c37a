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
        """What is in the southbound, with names instead of uuids and keys."""
        self.nbctl("--timeout=30", "--wait=sb", "sync")
        names, keys = {}, {}
        for d in self.rows("Datapath_Binding", "_uuid", "external_ids", "tunnel_key"):
            names[d["_uuid"][1]] = keys[str(d["tunnel_key"])] = dict(d["external_ids"][1])["name"]
        groups = {g["_uuid"][1]: sorted(names[d[1]] for d in items(g["datapaths"])) for g in self.rows("Logical_DP_Group", "_uuid", "datapaths")}
        named = lambda text: re.sub(r"\$_rtr_lb_(\d+)_", lambda m: f"$_rtr_lb_{keys.get(m[1])}_", text)
        found = {"flows": set(), "ports": set(), "multicast": set(), "sets": set(), "groups": set()}
        for f in self.rows("Logical_Flow", "logical_datapath", "logical_dp_group", "pipeline", "table_id", "priority", "match",
                           "actions", "external_ids", "tags"):
            one, many = f["logical_datapath"], f["logical_dp_group"]
            if f["actions"] == "eth.dst = 00:00:00:00:00:00; next;":
                continue  # of an unbound virtual port: Debian's writes it for one of several routers, Weft's for all
            for who in [names[one[1]]] if one[0] == "uuid" else groups[many[1]]:
                found["flows"].add((who, f["pipeline"], f["table_id"], dict(f["external_ids"][1]).get("stage-name"), f["priority"],
                                    same_order(named(f["match"])), same_order(f["actions"])))
        ports = {}
        for p in self.rows("Port_Binding", "_uuid", "logical_port", "type", "options", "datapath", "mac", "nat_addresses", "port_security",
                           "external_ids"):
            ports[p["_uuid"][1]] = p["logical_port"]
            nat = sorted(" ".join(n.split()[:1] + sorted(n.split()[1:])) for n in items(p["nat_addresses"]))
            found["ports"].add(repr((p["logical_port"], p["type"], sorted(p["options"][1]), names[p["datapath"][1]], sorted(items(p["mac"])),
                                     nat, sorted(items(p["port_security"])), sorted(p["external_ids"][1]))))
        for m in self.rows("Multicast_Group", "datapath", "name", "tunnel_key", "ports"):
            found["multicast"].add(repr((names[m["datapath"][1]], m["name"], m["tunnel_key"], sorted(ports.get(p[1], "?") for p in items(m["ports"])))))
        for a in self.rows("Address_Set", "name", "addresses"):
            found["sets"].add(repr((named("$" + a["name"]), sorted(items(a["addresses"])))))
        for g in self.rows("Port_Group", "name", "ports"):
            key, name = g["name"].split("_", 1)
            found["groups"].add(repr((keys.get(key), name, sorted(items(g["ports"])))))
        return found


def items(value):
    return value[1] if isinstance(value, list) and value[0] == "set" else [value]


def same_order(text):
    """Numbers of ECMP groups and members follow uuids, and Ethernet addresses a hash: neither means anything."""
    text = re.sub(r"reg8\[(16\.\.31|0\.\.15)\] (==|=) [1-9]\d*", r"reg8[\1] \2 N", text)
    return re.sub(r"eth\.src == \{([^}]*)\}", lambda m: "eth.src == {" + ", ".join(sorted(m[1].split(", "))) + "}", text)


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
    print(f"# WEFT_SEED={base}")
    for seed in (base, base + 1):
        def test(debian, weft):
            changes = Changes(seed)
            for check in range(2):
                for _ in range(30):
                    words = changes.step()
                    for side in (debian, weft):
                        side.nbctl(*words, check=False)
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
