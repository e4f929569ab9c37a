"""Commands of Weft's ovn-nbctl and ovn-ic-nbctl that Debian's do not have: rows of the newest schema, and mistakes that are named."""
import json
import os

import rig

REFERENCE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../schema/reference")


class Database(rig.Rig):
    """A northbound database of the newest schema, a zone's or that of all zones."""

    def __init__(self, which="nb", name="OVN_Northbound", tool="ovn-nbctl"):
        super().__init__(weft=(tool,), name="ctl-newer")
        self.name, self.tool, self.remote = name, tool, "unix:" + self.socket(which)
        self.run("ovsdb-tool", "create", f"{self.dir}/{which}.db", f"{REFERENCE}/ovn-{which}.ovsschema")
        self.start_databases(which)
        self.tell("init")

    def tell(self, *words):
        return self.run(self.tool, f"--db={self.remote}", *words)

    def refuses(self, reason, *words):
        done = self.run(self.tool, f"--db={self.remote}", *words, check=False)
        if done.returncode != 1 or reason not in done.stderr:
            raise rig.Failure(f"{words}: exit code {done.returncode}, {done.stderr!r} without {reason!r}")

    def rows(self, table, *columns):
        """The rows' values, sorted; of a set or map its elements."""
        request = [self.name, {"op": "select", "table": table, "where": [], "columns": list(columns)}]
        reply = json.loads(self.run("ovsdb-client", "transact", self.remote, json.dumps(request)))[0]
        plain = lambda v: v[1] if isinstance(v, list) else v
        return sorted(([plain(row[c]) for c in columns] for row in reply["rows"]), key=json.dumps)


def same(found, wanted, what):
    if found != wanted:
        raise rig.Failure(f"{what}: {found}, expected {wanted}")


def mirrors():
    """mirror-add of every type, mirror-rule-add, mirror-rule-del, mirror-list"""
    with Database() as db:
        db.tell("ls-add", "s", "--", "lsp-add", "s", "p", "--", "lsp-add", "s", "sink")
        db.tell("mirror-add", "g", "gre", "7", "from-lport", "10.0.0.1")
        db.tell("mirror-add", "l", "lport", "to-lport", "sink")
        db.tell("mirror-add", "h", "local", "3", "both", "tap")
        columns = ("name", "type", "index", "filter", "sink")
        same(db.rows("Mirror", *columns), [["g", "gre", 7, "from-lport", "10.0.0.1"], ["h", "local", 3, "both", "tap"],
                                           ["l", "lport", 0, "to-lport", "sink"]], "mirrors")
        db.refuses('type must be "gre"', "mirror-add", "x", "span", "1", "both", "10.0.0.1")
        db.refuses("needs an index", "mirror-add", "x", "gre", "both", "10.0.0.1")
        db.refuses("not a valid IP address", "mirror-add", "x", "erspan", "1", "both", "sink")
        db.refuses('filter must be', "mirror-add", "x", "lport", "inwards", "sink")
        db.refuses("already exists", "mirror-add", "l", "lport", "both", "sink")
        db.tell("--may-exist", "mirror-add", "l", "lport", "both", "sink")
        db.tell("mirror-rule-add", "l", "10", "udp", "skip", "--", "mirror-rule-add", "l", "20", "tcp", "mirror", "--", "lsp-attach-mirror", "p", "l")
        db.refuses("already has a rule", "mirror-rule-add", "l", "10", "udp", "mirror")
        db.refuses("action must be", "mirror-rule-add", "l", "11", "udp", "drop")
        db.refuses("0...32767", "mirror-rule-add", "l", "99999", "udp", "skip")
        db.refuses("mirror name not found", "mirror-rule-add", "n", "1", "udp", "skip")
        db.refuses("only mirrors to logical ports", "mirror-rule-add", "g", "1", "udp", "skip")
        same(db.tell("mirror-list"), "g:\n  Type     :  gre\n  Sink     :  10.0.0.1\n  Filter   :  from-lport\n  Index/Key:  7\n\n"
             "h:\n  Type     :  local\n  Sink     :  tap\n  Filter   :  both\n\nl:\n  Type     :  lport\n  Sink     :  sink\n  Filter   :  both\n"
             "  Rule     :     20 (tcp) mirror\n  Rule     :     10 (udp) skip\n\n", "mirror-list")
        db.tell("--may-exist", "mirror-rule-add", "l", "10", "udp", "mirror")
        same(db.rows("Mirror_Rule", "priority", "match", "action"), [[10, "udp", "mirror"], [20, "tcp", "mirror"]], "rules")
        db.tell("mirror-rule-add", "l", "10", "icmp", "skip", "--", "mirror-rule-del", "l", "10", "udp")
        same(db.rows("Mirror_Rule", "priority", "match"), [[10, "icmp"], [20, "tcp"]], "after mirror-rule-del")
        db.refuses("no rule with priority 30", "mirror-rule-del", "l", "30")
        db.tell("--if-exists", "mirror-rule-del", "l", "30", "--", "mirror-rule-del", "l", "10")
        same(db.rows("Mirror_Rule", "priority"), [[20]], "after mirror-rule-del of a priority")
        db.tell("mirror-rule-del", "l")
        same(db.rows("Mirror_Rule", "priority"), [], "after mirror-rule-del of all")


def network_functions():
    """nf-*, nfg-*, and ACLs that lead packets through a group"""
    with Database() as db:
        db.tell("ls-add", "s", *[w for p in ("a", "b", "c") for w in ("--", "lsp-add", "s", p)])
        db.tell("nf-add", "f1", "1", "a", "b", "--", "nf-add", "f2", "2", "c")
        db.refuses("already exists", "nf-add", "f1", "3", "a", "b")
        db.refuses("1...255", "nf-add", "f3", "0", "a", "b")
        db.refuses("must differ", "nf-add", "f3", "3", "a", "a")
        db.refuses("port name not found", "nf-add", "f3", "3", "x")
        lines = [line.split(" ", 1)[1] for line in db.tell("nf-list").splitlines()]
        same(lines, ["(f1) id=1 inport=a outport=b", "(f2) id=2 inport=c"], "nf-list")
        db.tell("--fallback=fail-close", "nfg-add", "g", "9", "inline", "f1", "--", "nfg-add", "t", "8", "vtap")
        db.refuses('mode must be', "nfg-add", "h", "7", "sideways")
        db.refuses('fallback must be', "--fallback=fail", "nfg-add", "h", "7", "inline")
        db.refuses("network function name not found", "nfg-add", "h", "7", "inline", "nope")
        db.tell("nfg-add-nf", "g", "f2")
        db.refuses("already in the group", "nfg-add-nf", "g", "f2")
        active = db.rows("Network_Function", "name", "_uuid")[1][1]
        db.tell("set", "network_function_group", "g", f"network_function_active={active}")
        lines = [line.split(" ", 1)[1] if line[0] != " " else line for line in db.tell("nfg-list").splitlines()]
        same(lines, ["(g) id=9 mode=inline fallback=fail-close", "    f1", "    f2 (active)", "(t) id=8 mode=vtap"], "nfg-list")
        db.tell("clear", "network_function_group", "g", "network_function_active", "--", "nfg-del-nf", "g", "f2")
        db.refuses("is not in the group", "nfg-del-nf", "g", "f2")
        db.tell("acl-add", "s", "from-lport", "10", "ip4", "allow-related", "g")
        db.refuses("only packets that are allowed", "acl-add", "s", "from-lport", "11", "ip4", "drop", "g")
        db.refuses("network function group name not found", "acl-add", "s", "from-lport", "11", "ip4", "allow", "x")
        same(db.tell("acl-list", "s"), "from-lport    10 (ip4) allow-related network-function-group=g\n", "acl-list")
        db.tell("acl-del", "s")
        db.tell("nfg-del", "g", "--", "nfg-del", "t", "--", "nf-del", "f1", "--", "nf-del", "f2")
        same(db.rows("Network_Function", "name") + db.rows("Network_Function_Group", "name"), [], "after nf-del, nfg-del")
        db.tell("--if-exists", "nf-del", "f1", "--", "--if-exists", "nfg-del", "g")
        db.refuses("network function name not found", "nf-del", "f1")


def health_checks():
    """lsp-hc-add, lsp-hc-del, lsp-hc-list"""
    with Database() as db:
        db.tell("ls-add", "s", "--", "lsp-add", "s", "p")
        db.tell("lsp-hc-add", "p", "tcp", "10.0.0.9", "80", "--", "lsp-hc-add", "p", "icmp", "10.0.0.9", "10.0.0.1")
        db.refuses("already has such a check", "lsp-hc-add", "p", "tcp", "10.0.0.9", "80")
        db.refuses("protocol must be", "lsp-hc-add", "p", "sctp", "10.0.0.9", "80")
        db.refuses("needs a port", "lsp-hc-add", "p", "udp", "10.0.0.9")
        db.refuses("1...65535", "lsp-hc-add", "p", "udp", "10.0.0.9", "0")
        db.refuses("not a valid IP address", "lsp-hc-add", "p", "icmp", "10.0.0.900")
        db.refuses("not of one family", "lsp-hc-add", "p", "icmp", "10.0.0.9", "fd00::1")
        columns = ("protocol", "port", "src_ip", "address")
        same(db.rows("Logical_Switch_Port_Health_Check", *columns), [["icmp", 0, "10.0.0.9", "10.0.0.1"], ["tcp", 80, "10.0.0.9", ""]], "checks")
        lines = db.tell("lsp-hc-list", "p").splitlines()
        same([line.split(" ", 1)[1] for line in lines], ["icmp src_ip=10.0.0.9 address=10.0.0.1", "tcp port=80 src_ip=10.0.0.9"], "lsp-hc-list")
        db.tell("lsp-hc-del", "p", lines[0].split()[0])
        same(len(db.rows("Logical_Switch_Port_Health_Check", "port")), 1, "after lsp-hc-del")
        db.refuses("no such check", "lsp-hc-del", "p", lines[0].split()[0])
        db.tell("lsp-hc-del", "p")
        same(db.rows("Logical_Switch_Port_Health_Check", "port"), [], "after lsp-hc-del of all")


def options():
    """tiers and samples of ACLs, chains and sessions of policies, conditions of NAT rules, cipher suites"""
    with Database() as db:
        db.tell("ls-add", "s", "--", "acl-add", "s", "from-lport", "5", "ip4", "drop", "--", "--tier=2", "acl-add", "s", "from-lport", "5", "ip4", "pass",
                "--", "--id=@x", "create", "sample", "metadata=7", "--", "--sample-new=@x", "acl-add", "s", "to-lport", "5", "ip4", "allow")
        db.refuses("0...3", "--tier=4", "acl-add", "s", "from-lport", "6", "ip4", "drop")
        db.refuses("no row of table Sample", "--sample-est=x", "acl-add", "s", "from-lport", "6", "ip4", "drop")
        db.refuses("Same ACL already existed", "--tier=2", "acl-add", "s", "from-lport", "5", "ip4", "drop")
        same(db.rows("ACL", "direction", "tier", "action"), [["from-lport", 0, "drop"], ["from-lport", 2, "pass"], ["to-lport", 0, "allow"]], "ACLs")
        same([len(row[0]) > 0 for row in db.rows("ACL", "sample_new")].count(True), 1, "ACLs with samples")
        db.tell("--tier=0", "acl-del", "s", "from-lport")
        same(db.tell("acl-list", "s"), "from-lport     5 (ip4) pass tier=2\n  to-lport     5 (ip4) allow\n", "acl-list")
        db.tell("lr-add", "r", "--", "lrp-add", "r", "rp", "02:00:00:00:00:01", "10.0.0.1/24")
        db.tell("lr-policy-add", "r", "10", "ip4", "jump", "c", "--", "--chain=c", "--output-port=rp", "--bfd", "lr-policy-add", "r", "10", "ip4", "reroute", "10.0.0.2")
        db.refuses("a chain is required", "lr-policy-add", "r", "11", "ip4", "jump")
        db.refuses("port name not found", "--output-port=x", "lr-policy-add", "r", "11", "ip4", "reroute", "10.0.0.2")
        db.refuses("no BFD session with 10.0.0.3", "--bfd", "lr-policy-add", "r", "11", "ip4", "reroute", "10.0.0.3")
        listed = [" ".join(line.split()) for line in db.tell("lr-policy-list", "r").splitlines()]
        same(listed, ["Routing Policies", "10 ip4 jump c", "Chain c:", "10 ip4 reroute 10.0.0.2"], "lr-policy-list")
        same(db.rows("BFD", "logical_port", "dst_ip"), [["rp", "10.0.0.2"]], "sessions")
        same([bool(row[0]) for row in db.rows("Logical_Router_Policy", "bfd_sessions")].count(True), 1, "policies with sessions")
        db.tell("--chain=c", "lr-policy-del", "r", "10")
        same(len(db.rows("Logical_Router_Policy", "priority")), 1, "policies after lr-policy-del --chain")
        db.tell("--match=tcp", "--priority=7", "lr-nat-add", "r", "snat", "20.0.0.1", "10.0.0.0/24", "--", "lr-nat-add", "r", "snat", "20.0.0.2", "10.0.0.0/24")
        same(db.rows("NAT", "external_ip", "match", "priority"), [["20.0.0.1", "tcp", 7], ["20.0.0.2", "", 0]], "NAT rules")
        db.tell("set-ssl", "k", "c", "a", "TLSv1.3", "HIGH", "TLS_AES_128_GCM_SHA256")
        same(db.rows("SSL", "ssl_protocols", "ssl_ciphers", "ssl_ciphersuites"), [["TLSv1.3", "HIGH", "TLS_AES_128_GCM_SHA256"]], "SSL")


def transit_routers():
    """tr-add, tr-del, tr-list, trp-add, trp-del, trp-list"""
    with Database("ic-nb", "OVN_IC_Northbound", "ovn-ic-nbctl") as db:
        db.tell("tr-add", "tr", "--", "trp-add", "tr", "p1", "02:00:00:00:00:01", "10.0.0.1/24", "fd00::1/64", "chassis=gw1",
                "other_config:a=b")
        db.tell("--may-exist", "tr-add", "tr", "--", "--may-exist", "trp-add", "tr", "p1", "02:00:00:00:00:09", "10.0.0.9/24")
        db.tell("tr-add", "tr2", "--", "trp-add", "tr2", "p2", "02:00:00:00:00:02", "10.0.1.1/24")
        columns = ("name", "mac", "networks", "chassis", "other_config")
        same(db.rows("Transit_Router_Port", *columns),
             [["p1", "02:00:00:00:00:01", ["10.0.0.1/24", "fd00::1/64"], "gw1", [["a", "b"]]],
              ["p2", "02:00:00:00:00:02", "10.0.1.1/24", "", []]], "ports")
        owners = {uuid: name for name, uuid in db.rows("Transit_Router", "name", "_uuid")}
        same(sorted(owners[uuid] for (uuid,) in db.rows("Transit_Router_Port", "tr_uuid")), ["tr", "tr2"], "the ports' routers")
        same([line.split()[1] for line in db.tell("tr-list").splitlines()], ["(tr)", "(tr2)"], "tr-list")
        same([line.split()[1] for line in db.tell("trp-list", "tr").splitlines()], ["(p1)"], "trp-list")
        for reason, *words in (("already exists", "tr-add", "tr"), ("already exists", "trp-add", "tr", "p2", "02:00:00:00:00:03", "10.0.2.1/24"),
                               ("router name not found", "tr-del", "x"), ("router name not found", "trp-list", "x"),
                               ("router name not found", "trp-add", "x", "p3", "02:00:00:00:00:03", "10.0.2.1/24"),
                               ("invalid mac address", "trp-add", "tr", "p3", "x", "10.0.2.1/24"),
                               ("invalid network address", "trp-add", "tr", "p3", "02:00:00:00:00:03", "10.0.2.1/99"),
                               ("requires specifying a network", "trp-add", "tr", "p3", "02:00:00:00:00:03", "chassis=a"),
                               ("column", "trp-add", "tr", "p3", "02:00:00:00:00:03", "10.0.2.1/24", "colour=red"),
                               ("port name not found", "trp-del", "x")):
            db.refuses(reason, *words)
        db.tell("trp-del", "p1", "--", "--if-exists", "trp-del", "p1", "--", "--if-exists", "tr-del", "x", "--", "tr-del", "tr2")
        same((db.rows("Transit_Router_Port", "name"), db.rows("Transit_Router", "name")), ([], [["tr"]]), "what is left")


if __name__ == "__main__":
    rig.main(mirrors, network_functions, health_checks, options, transit_routers)
