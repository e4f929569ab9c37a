"""Newer options of switches and their ports, and samples of ACLs, of Weft's ovn-northd: what ovn-nb(5) promises and Debian's does not have.

Packets are followed by Debian's ovn-trace.
"""
import re

import rig
from northd_newer_test import nbctl, network, outputs

MAC = "00:00:00:00:00:0{}".format


def switch(r, *more):
    """A switch with ports 1 to 3; 1 and 3 also take unknown addresses."""
    commands = [["ls-add", "sw"]]
    for n in (1, 2, 3):
        commands += [["lsp-add", "sw", f"p{n}"], ["lsp-set-addresses", f"p{n}", f"{MAC(n)} 10.0.0.{n}", *(["unknown"] if n != 2 else [])]]
    nbctl(r, *commands, *more)


def packet(source, destination, rest="ip4.src == 10.0.0.9 && ip4.dst == 10.0.0.2 && ip.ttl == 64 && udp.src == 1 && udp.dst == 2"):
    return f'inport == "p{source}" && eth.src == {MAC(source)} && eth.dst == {destination} && {rest}'


def expect(got, wanted, what):
    if got != wanted:
        raise rig.Failure(f"{what}: {got}, expected {wanted}")


def request(source, address):
    return packet(source, "ff:ff:ff:ff:ff:ff", f"arp.op == 1 && arp.sha == {MAC(source)} && arp.spa == 10.0.0.{source} && arp.tpa == {address}")


def addresses():
    """disable_arp_nd_rsp, force_fdb_lookup, lsp_learn_fdb, pkt_clone_type"""
    with network() as r:
        switch(r)
        expect(outputs(r, "sw", request(1, "10.0.0.2")), ["p1"], "ARP is answered")
        nbctl(r, ["lsp-set-options", "p2", "disable_arp_nd_rsp=true"])
        expect(sorted(outputs(r, "sw", request(1, "10.0.0.2"))), ["p2", "p3"], "with disable_arp_nd_rsp ARP is flooded")
        expect(outputs(r, "sw", packet(2, MAC(1))), ["p1"], "a known address")
        nbctl(r, ["lsp-set-options", "p1", "force_fdb_lookup=true"])
        expect(sorted(outputs(r, "sw", packet(2, MAC(1)))), ["p1", "p3"], "with force_fdb_lookup it is not known")
        nbctl(r, ["lsp-set-options", "p2", "force_fdb_lookup=true"])
        expect(outputs(r, "sw", packet(1, MAC(2))), ["p2"], "force_fdb_lookup of a port with known addresses alone")
        nbctl(r, ["lsp-set-options", "p2", "pkt_clone_type=mc_unknown"])
        expect(sorted(outputs(r, "sw", packet(1, MAC(2)))), ["p2", "p3"], "with pkt_clone_type")
        learns = lambda: sorted(re.findall(r'inport == "(p\d)" && reg0\[11\]', r.run("ovn-sbctl", "lflow-list", "sw")))
        expect(learns(), ["p1", "p3"], "ports behind which addresses are learnt")
        nbctl(r, ["lsp-set-options", "p3", "lsp_learn_fdb=false"])
        expect(learns(), ["p1"], "the same with lsp_learn_fdb=false")


def broadcasts():
    """receive_multicast, broadcast-arps-to-all-routers"""
    with network() as r:
        switch(r, ["lr-add", "lr"], ["lrp-add", "lr", "rp", "00:00:00:00:01:00", "10.0.0.254/24"], ["lsp-add", "sw", "to-lr"],
               ["lsp-set-type", "to-lr", "router"], ["lsp-set-addresses", "to-lr", "router"], ["lsp-set-options", "to-lr", "router-port=rp"])
        other = packet(1, "ff:ff:ff:ff:ff:ff")
        reached = lambda flow: sorted(re.findall(r'/\* output to "([^"]*)"', r.run("ovn-trace", "sw", flow)))
        expect(reached(other), ["p2", "p3", "to-lr"], "a broadcast")
        nbctl(r, ["lsp-set-options", "p2", "receive_multicast=false"])
        expect(reached(other), ["p3", "to-lr"], "with receive_multicast=false")
        expect(outputs(r, "sw", packet(1, MAC(2))), ["p2"], "a packet for that port")
        expect(reached(request(1, "10.0.0.77")), ["p3", "to-lr"], "a request for an address that nobody has")
        nbctl(r, ["set", "logical_switch", "sw", "other_config:broadcast-arps-to-all-routers=false"])
        expect(reached(request(1, "10.0.0.77")), ["p3"], "the same without routers")
        expect(reached(request(1, "10.0.0.254")), ["p1"], "a request for the router's address, which the switch answers")
        expect(reached(other), ["p3", "to-lr"], "another broadcast")


def announcements():
    """disable_garp_rarp of a router and of a port to it: no addresses are announced"""
    with network() as r:
        nbctl(r, ["ls-add", "sw"], ["lr-add", "lr"], ["set", "logical_router", "lr", "options:chassis=ch1"],
              ["lrp-add", "lr", "rp", "00:00:00:00:01:00", "10.0.0.254/24"], ["lsp-add", "sw", "to-lr"], ["lsp-set-type", "to-lr", "router"],
              ["lsp-set-addresses", "to-lr", "router"], ["lsp-set-options", "to-lr", "router-port=rp", "nat-addresses=router"],
              ["lr-nat-add", "lr", "snat", "10.0.0.77", "10.1.0.0/16"])
        announced = lambda: r.run("ovn-sbctl", "--bare", "--columns=nat_addresses", "find", "port_binding", "logical_port=to-lr").strip()
        expect(announced(), "00:00:00:00:01:00 10.0.0.77", "announced")
        nbctl(r, ["set", "logical_router", "lr", "options:disable_garp_rarp=true"])
        expect(announced(), "", "with the router's option")
        nbctl(r, ["remove", "logical_router", "lr", "options", "disable_garp_rarp"], ["set", "logical_switch_port", "to-lr", "options:disable_garp_rarp=true"])
        expect(announced(), "", "with the port's option")


def joined_switches():
    """ports of type switch join two switches; one whose peer does not name it leads nowhere and is named"""
    with network() as r:
        nbctl(r, *[c for s in ("a", "b") for c in (["ls-add", s], ["lsp-add", s, f"vm-{s}"], ["lsp-set-addresses", f"vm-{s}", f"00:00:00:00:00:0{s} 10.0.0.1"],
                                                   ["lsp-add", s, f"join-{s}"], ["set", "logical_switch_port", f"join-{s}", "type=switch"], ["lsp-set-addresses", f"join-{s}", "unknown"])],
              ["set", "logical_switch_port", "join-a", "peer=join-b"])
        flow = 'inport == "vm-a" && eth.src == 00:00:00:00:00:0a && eth.dst == 00:00:00:00:00:0b'
        reached = lambda: sorted(re.findall(r'output to "([^"]*)"', r.run("ovn-trace", "a", flow)))
        up = lambda: [r.run("ovn-nbctl", "lsp-get-up", p).strip() for p in ("join-a", "join-b")]
        expect((reached(), up()), (["join-a"], ["down", "down"]), "a port whose peer does not name it")
        with open(f"{r.dir}/ovn-northd.log") as f:
            expect("Logical_Switch_Port join-a: type switch needs a peer" in f.read(), True, "the log names it")
        nbctl(r, ["set", "logical_switch_port", "join-b", "peer=join-a"])
        expect((reached(), up()), (["join-a", "vm-b"], ["up", "up"]), "joined")
        nbctl(r, ["lsp-set-options", "join-a", "x=y"], ["acl-add", "b", "from-lport", "10", 'eth.dst == 00:00:00:00:00:0b', "drop"])
        expect(reached(), ["join-a"], "an ACL of the other switch")


def router_ports():
    """enable_router_port_acl: stateful ACLs apply to packets to and from routers"""
    with network() as r:
        switch(r, ["lr-add", "lr"], ["lrp-add", "lr", "rp", "00:00:00:00:01:00", "10.0.0.254/24"], ["lsp-add", "sw", "to-lr"],
               ["lsp-set-type", "to-lr", "router"], ["lsp-set-addresses", "to-lr", "router"], ["lsp-set-options", "to-lr", "router-port=rp"],
               ["acl-add", "sw", "to-lport", "10", "udp", "allow-related"])
        passes = lambda: sorted(re.findall(r"(ls_(?:in|out)_pre_acl *).*(?:in|out)port == \"to-lr\".*next;", r.run("ovn-sbctl", "lflow-list", "sw")))
        expect(len(passes()), 2, "ways around the connection tracker")
        option = lambda: r.run("ovn-sbctl", "get", "port_binding", "to-lr", "options").strip()
        nbctl(r, ["set", "logical_switch_port", "to-lr", "options:enable_router_port_acl=true"])
        expect((passes(), "enable_router_port_acl" in option()), ([], True), "with the option")


def samples():
    """ACLs sample packets that open connections, those of connections, and answers; drops and stateless ones, too"""
    with network() as r:
        switch(r, ["--id=@c", "create", "sample_collector", "id=1", "name=c", "probability=65535", "set_id=5"],
               ["--id=@d", "create", "sample_collector", "id=2", "name=d", "probability=0", "set_id=6"],
               ["--id=@e", "create", "sample_collector", "id=3", "name=e", "probability=100", "set_id=7"],
               ["--id=@new", "create", "sample", "metadata=100", "collectors=@c,@d"], ["--id=@est", "create", "sample", "metadata=101", "collectors=@c,@e"],
               ["--id=@dropped", "create", "sample", "metadata=102", "collectors=@c"],
               ["--id=@a", "create", "acl", "direction=from-lport", "priority=10", 'match="udp.dst == 2"', "action=allow-related", "sample_new=@new", "sample_est=@est"],
               ["add", "logical_switch", "sw", "acls", "@a"],
               ["--id=@b", "create", "acl", "direction=from-lport", "priority=10", 'match="udp.dst == 3"', "action=drop", "sample_new=@dropped"],
               ["add", "logical_switch", "sw", "acls", "@b"])
        opening = ["probability=65535,collector_set=5,obs_domain=42,obs_point=100"]
        established = [f"probability={p},collector_set={s},obs_domain=43,obs_point=101" for p, s in ((65535, 5), (100, 7))]

        def sampled(state, port=2, more="", source=1, destination=2):
            text = r.run("ovn-trace", f"--ct={state}", f"--ct={state}", "sw",
                         packet(source, MAC(destination), f"ip4.src == 10.0.0.9 && ip4.dst == 10.0.0.2 && ip.ttl == 64 && udp.src == 1 && udp.dst == {port}{more}"))
            return re.findall(r"sample\(([^)]*)\)", text)
        expect(sampled("new"), [], "without applications")
        nbctl(r, ["create", "sampling_app", "type=acl-new", "id=42"], ["create", "sampling_app", "type=acl-est", "id=43"])
        expect(sampled("new"), opening, "a packet that opens a connection")
        expect(sorted(sampled("est")), sorted(established), "a packet of a connection")
        expect(sampled("new", 3), ["probability=65535,collector_set=5,obs_domain=42,obs_point=102"], "a packet that is dropped")
        flows = r.run("ovn-sbctl", "lflow-list", "sw")
        answers = [line for line in flows.splitlines() if "priority=65533" in line]
        expect(len(answers), 2, "flows for answers")
        for line in answers:
            if "ls_out_acl" not in line or "ct_label.label == 101" not in line or sorted(re.findall(r"sample\(([^)]*)\)", line)) != sorted(established):
                raise rig.Failure(f"answers are not sampled: {line}")
        commits = [line for line in flows.splitlines() if "reg3 = 101" in line]
        expect(len(commits), 2, "flows that put the number on connections")
        nbctl(r, ["set", "nb_global", ".", "options:debug_drop_collector_set=9", "options:debug_drop_domain_id=8"])
        domains = lambda: set(re.findall(r"collector_set=9,obs_domain=(\d+)", r.run("ovn-sbctl", "lflow-list", "sw")))
        expect(domains(), {"8"}, "the domain of drops")
        nbctl(r, ["create", "sampling_app", "type=drop", "id=44"])
        expect(domains(), {"44"}, "the domain of drops, with an application")
        nbctl(r, ["clear", "sample", r.run("ovn-nbctl", "--bare", "--columns=_uuid", "find", "sample", "metadata=100").strip(), "collectors"])
        expect(sampled("new"), [], "without collectors")


def stateless_balancing():
    """use_stateless_nat: where a router has two gateway ports, answers leave by either with the virtual address"""
    with network() as r:
        nbctl(r, *[c for n in (1, 2) for c in (["ls-add", f"out{n}"], ["lsp-add", f"out{n}", f"ln{n}"], ["lsp-set-type", f"ln{n}", "localnet"],
                                               ["lsp-set-addresses", f"ln{n}", "unknown"], ["lsp-set-options", f"ln{n}", f"network_name=n{n}"])],
              ["ls-add", "in"], ["lsp-add", "in", "vm"], ["lsp-set-addresses", "vm", f"{MAC(1)} 10.0.0.2"], ["lr-add", "lr"],
              *[c for name, mac, net in (("out1", "00:00:00:00:01:01", "172.16.1.1/24"), ("out2", "00:00:00:00:01:02", "172.16.2.1/24"), ("in", "00:00:00:00:01:03", "10.0.0.1/24"))
                for c in (["lrp-add", "lr", f"lr-{name}", mac, net], ["lsp-add", name, f"{name}-lr"], ["lsp-set-type", f"{name}-lr", "router"],
                          ["lsp-set-addresses", f"{name}-lr", "router"], ["lsp-set-options", f"{name}-lr", f"router-port=lr-{name}"])],
              ["lrp-set-gateway-chassis", "lr-out1", "ch1"], ["lrp-set-gateway-chassis", "lr-out2", "ch2"],
              ["lsp-add", "out2", "far"], ["lsp-set-addresses", "far", "00:00:00:00:00:98 172.16.2.9"],
              ["lb-add", "lb", "30.0.0.1:80", "10.0.0.2:8080,10.0.0.3:8080", "tcp"], ["lr-lb-add", "lr", "lb"])
        trace = lambda datapath, flow, *options: r.run("ovn-trace", "--detailed", "--ct=new", *options, datapath, flow)
        ask = f'inport == "ln1" && eth.src == 00:00:00:00:00:99 && eth.dst == 00:00:00:00:01:01 && ip4.src == 9.9.9.9 && ip4.dst == 30.0.0.1 && ip.ttl == 64 && tcp.src == 5 && tcp.dst == 80'
        answer = f'inport == "vm" && eth.src == {MAC(1)} && eth.dst == 00:00:00:00:01:03 && ip4.src == 10.0.0.2 && ip4.dst == 172.16.2.9 && ip.ttl == 64 && tcp.src == 8080 && tcp.dst == 5'
        expect("ct_lb_mark(backends" in trace("out1", ask), True, "without the option the tracker balances")
        nbctl(r, ["set", "load_balancer", "lb", "options:use_stateless_nat=true"])
        seen = {m for _ in range(20) for m in re.findall(r"ip4\.dst = (10\.0\.0\.\d);", trace("out1", ask))}
        expect((seen, "ct_lb_mark" in trace("out1", ask)), ({"10.0.0.2", "10.0.0.3"}, False), "back ends with the option")
        expect(re.findall(r"ip4\.src = (\S+);\s+tcp\.src = (\d+);", trace("in", answer)), [("30.0.0.1", "80")], "an answer by the other gateway")
        other = answer.replace("8080", "22")
        expect("ip4.src = 30.0.0.1" in trace("in", other), False, "what is no answer")
        nbctl(r, ["lrp-del-gateway-chassis", "lr-out2", "ch2"])
        expect("ct_lb_mark(backends" in trace("out1", ask), True, "with one gateway port the tracker balances")


def vxlan_mode():
    """keys of datapaths and ports are fewer where VXLAN reaches a chassis, as with Debian's, unless vxlan_mode=false"""
    with network() as r, rig.Rig(name="vxlan") as theirs:
        theirs.start_databases("nb", "sb")
        theirs.env.update(OVN_NB_DB="unix:" + theirs.socket("nb"), OVN_SB_DB="unix:" + theirs.socket("sb"))
        theirs.start_northd()
        for each in (r, theirs):
            each.run("ovn-sbctl", "chassis-add", "vx", "vxlan", "127.0.0.9")
            nbctl(each, ["ls-add", "a"], ["ls-add", "b"], ["set", "logical_switch", "b", "other_config:requested-tnl-key=4095"],
                  ["lsp-add", "a", "p"], ["lsp-add", "a", "q"], ["set", "logical_switch_port", "q", "options:requested-tnl-key=2047"])
            nbctl(each, ["lsp-add", "a", "s"])
            nbctl(each, ["ls-add", "c"], ["set", "logical_switch", "c", "other_config:requested-tnl-key=4096"],
                  ["lsp-add", "a", "t"], ["set", "logical_switch_port", "t", "options:requested-tnl-key=2048"])

        def keys(each):
            datapaths = re.findall(r"name=(\w+)[^\n]*\n*tunnel_key *: (\d+)", each.run("ovn-sbctl", "--columns=external_ids,tunnel_key", "list", "datapath_binding"))
            ports = re.findall(r"logical_port *: (\w+)\n*tunnel_key *: (\d+)", each.run("ovn-sbctl", "--columns=logical_port,tunnel_key", "list", "port_binding"))
            return sorted(datapaths + ports)
        limit = lambda each: each.run("ovn-nbctl", "get", "nb_global", ".", "options:max_tunid").strip()
        rig.wait_for(lambda: limit(r) == limit(theirs), f"max_tunid {limit(r)}, Debian's {limit(theirs)}")
        rig.wait_for(lambda: keys(r) == keys(theirs), f"keys {keys(r)}, Debian's {keys(theirs)}")
        expect(dict(keys(r))["b"], "4095", "a requested key")
        nbctl(r, ["set", "nb_global", ".", "options:vxlan_mode=false"])
        rig.wait_for(lambda: limit(r) == '"16711680"', f"with vxlan_mode=false: {limit(r)}")
        rig.wait_for(lambda: (dict(keys(r))["c"], dict(keys(r))["t"]) == ("4096", "2048"), f"the keys that were refused: {keys(r)}")


def role():
    """the role ovn-controller may write what controllers write of newer tables, and no more"""
    with network() as r:
        nbctl(r, ["sync"])
        for table, insert, columns in (("Learned_Route", "true", {"datapath", "logical_port", "ip_prefix", "nexthop"}), ("ECMP_Nexthop", "false", {"mac"}),
                                       ("FDB", "true", {"dp_key", "mac", "port_key", "timestamp"}), ("Advertised_Route", None, set())):
            found = r.run("ovn-sbctl", "--bare", "--columns=insert_delete,update", "find", "RBAC_Permission", f"table={table}").split()
            expect((found[:1], set(found[1:])), ([insert] if insert else [], columns), table)
        permissions = r.run("ovn-sbctl", "--bare", "--columns=permissions", "list", "RBAC_Role")
        expect("Learned_Route=" in permissions and "ECMP_Nexthop=" in permissions, True, f"the role's tables: {permissions}")


if __name__ == "__main__":
    rig.main(addresses, broadcasts, announcements, joined_switches, router_ports, samples, stateless_balancing, vxlan_mode, role)
