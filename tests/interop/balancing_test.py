"""Options of load balancers, of ACLs beside them, and of conntrack zones, on a host: what controllers do with the connections, flows
and limits.  Where Debian's 23.03 has the option (ct_flush) both controllers are told the same and say the same to their switches."""
import os
import re
import subprocess
import time

import rig
import wire
from controller_test import DUMMY, expect
from northd_newer_test import REFERENCE

MAC = "02:00:00:00:00:0{}".format


def host(central, weft, newest=False, number=1, netns=None):
    """A chassis over a dummy switch, Debian's unless `newest`, then all of it is Weft's."""
    h = rig.Rig(weft="all" if newest else {"ovn-controller"} if weft else (), name="hv", netns=netns)
    if newest:
        h.run("ovsdb-tool", "create", f"{h.dir}/conf.db", f"{REFERENCE}/vswitch.ovsschema")
    h.start_databases("conf")
    h.start_vswitchd(*DUMMY)
    h.run("ovs-vsctl", "--no-wait", "add-br", "br-int", "--", "set", "Bridge", "br-int", "datapath_type=dummy", "fail-mode=secure")
    h.appctl("ovs-vswitchd", "vlog/set", "vconn:file:dbg")
    h.appctl("ovs-vswitchd", "vlog/disable-rate-limit")
    h.start_controller(f"hv{number}", f"10.0.0.{number}", "unix:" + central.socket("sb"))
    return h


class Cloud:
    """A central host and the hosts that are asked for, each in a network namespace of its own, in one with statement."""

    serial = 0

    def __init__(self, *controllers, newest=False):
        self.central = rig.Rig(weft="all" if newest else (), name="cloud")
        self.rigs = [self.central]
        self.newest, self.controllers, self.namespaces = newest, controllers, []
        Cloud.serial += 1

    def __enter__(self):
        c = self.central
        for which in ("nb", "sb"):
            if self.newest:
                c.run("ovsdb-tool", "create", f"{c.dir}/{which}.db", f"{REFERENCE}/ovn-{which}.ovsschema")
        c.start_databases("nb", "sb")
        c.env.update(OVN_NB_DB="unix:" + c.socket("nb"), OVN_SB_DB="unix:" + c.socket("sb"))
        c.start_northd()
        self.hosts = []
        for weft in self.controllers:
            number = len(self.hosts) + 1
            self.namespaces.append(f"weft-cloud-{os.getpid()}-{self.serial}-{number}")
            subprocess.run(["ip", "netns", "add", self.namespaces[-1]], check=True)
            self.hosts.append(host(c, weft, self.newest, number, self.namespaces[-1]))
            self.rigs.append(self.hosts[-1])
        return self

    def __exit__(self, *failure):
        for r in self.rigs:
            r.__exit__(*failure)
        for name in self.namespaces:
            subprocess.run(["ip", "netns", "del", name], check=False)

    def tell(self, *commands, wait="hv"):
        """Lines of ovn-nbctl commands, as one transaction; {Mirror m} is the uuid of the row with that name."""
        import shlex
        words = []
        named = lambda m: self.central.run("ovn-nbctl", "--bare", "--columns=_uuid", "find", m[1], f"name={m[2]}").strip()
        for line in "\n".join(commands).strip().splitlines():
            words += (["--"] if words else []) + shlex.split(re.sub(r"\{(\w+) (\w+)\}", named, line))
        self.central.run("ovn-nbctl", "--timeout=20", f"--wait={wait}", *words)


def plug(h, *ports):
    for port in ports:
        h.run("ovs-vsctl", "--no-wait", "--may-exist", "add-port", "br-int", port, "--", "set", "Interface", port, "type=dummy",
              f"external_ids:iface-id={port}", f"options:tx_pcap={h.dir}/{port}.pcap")


SWITCH = """
ls-add sw0
lsp-add sw0 p1 -- lsp-set-addresses p1 "02:00:00:00:00:01 10.1.0.1 fd01::1"
lsp-add sw0 p2 -- lsp-set-addresses p2 "02:00:00:00:00:02 10.1.0.2 fd01::2"
lsp-add sw0 p3 -- lsp-set-addresses p3 "02:00:00:00:00:03 10.1.0.3 fd01::3"
"""
FLUSH_STEPS = """
lb-add lb0 10.99.0.1:80 10.1.0.1:8080,10.1.0.2:8080 tcp -- set Load_Balancer lb0 options:ct_flush=true -- ls-lb-add sw0 lb0
set Load_Balancer lb0 vips:"\\"10.99.0.1:80\\""="\\"10.1.0.2:8080\\""
set Load_Balancer lb0 vips:"\\"10.99.0.2:90\\""="\\"10.1.0.1:8080,10.1.0.3:8080\\""
set Load_Balancer lb0 protocol=udp
ls-lb-del sw0 lb0
ls-lb-add sw0 lb0
set Load_Balancer lb0 options:ct_flush=false
set Load_Balancer lb0 options:ct_flush=true
remove Load_Balancer lb0 vips "\\"10.99.0.1:80\\""
lb-del lb0
lb-add lb2 10.99.0.3 10.1.0.1,10.1.0.2 -- set Load_Balancer lb2 options:ct_flush=true -- ls-lb-add sw0 lb2
lb-del lb2
lb-add lb3 [fd99::1]:80 [fd01::1]:8080 -- set Load_Balancer lb3 options:ct_flush=true -- ls-lb-add sw0 lb3
lb-del lb3
lb-add lb4 10.99.0.4:80 10.1.0.1:8080 -- ls-lb-add sw0 lb4
lb-del lb4
"""


def flushes():
    """ct_flush: both controllers tell their switch to end the same connections"""
    with Cloud(True) as our_cloud, Cloud(False) as their_cloud:
        clouds = our_cloud, their_cloud
        ours, theirs = (cloud.hosts[0] for cloud in clouds)
        for cloud in clouds:
            plug(cloud.hosts[0], "p1", "p2")
            cloud.tell(SWITCH)

        def said(h):
            with open(f"{h.dir}/ovs-vswitchd.log") as f:
                return sorted(re.findall(r"NXT_CT_FLUSH \(OF1\.\d\) \(xid=[^)]*\): *(.*)", f.read()))
        for step in FLUSH_STEPS.strip().splitlines():
            for cloud in clouds:
                cloud.tell(step)
            end = time.monotonic() + 3
            while said(ours) != said(theirs) and time.monotonic() < end:
                time.sleep(0.05)
            a, b = said(ours), said(theirs)
            expect(a == b, f"{step}: ours {[x for x in a if a.count(x) != b.count(x)]}, Debian's {[x for x in b if a.count(x) != b.count(x)]}")
        expect(len(said(ours)) > 8, f"only {said(ours)} (the test is wrong)")


def frame(source, destination, inner, src_ip, dst_ip):
    return wire.eth(source, destination, wire.ip4(src_ip, dst_ip, inner)).hex()


def receive(h, port, hexadecimal):
    h.appctl("ovs-vswitchd", "netdev-dummy/receive", port, hexadecimal)


def got(h, port, since=0):
    """Frames that the port's workload received, after the first `since`."""
    time.sleep(0.03)
    return wire.read_pcap(f"{h.dir}/{port}.pcap")[since:]


def connections(h):
    return [line for line in h.run("ovs-appctl", "-t", f"{h.dir}/vswitchd.ctl", "dpctl/dump-conntrack").splitlines() if "10.99.0.1" in line]


def flushed():
    """ct_flush: connections end with their back end, those of others and of load balancers without the option stay; routers', too"""
    with Cloud(True, newest=True) as cloud:
        h, = cloud.hosts
        plug(h, "p1", "p2", "p3")
        cloud.tell(SWITCH, """
            lb-add lb0 10.99.0.1:80 10.1.0.2:8080,10.1.0.3:8080 udp -- ls-lb-add sw0 lb0
            lr-add lr -- lrp-add lr lr-sw0 02:00:00:00:aa:01 10.1.0.254/24 -- set Logical_Router lr options:chassis=hv1
            lsp-add sw0 sw0-lr -- lsp-set-type sw0-lr router -- lsp-set-addresses sw0-lr router -- lsp-set-options sw0-lr router-port=lr-sw0
        """)

        def open_some():
            for port in range(2000, 2020):
                receive(h, "p1", frame(MAC(1), "02:00:00:00:aa:01", wire.udp(port, 80, b"x"), "10.1.0.1", "10.99.0.1"))
            rig.wait_for(lambda: len(connections(h)) == 20, f"20 connections instead of {connections(h)}")
        open_some()
        to = lambda address: len([c for c in connections(h) if f"src={address}," in c])
        before = to("10.1.0.2"), to("10.1.0.3")
        expect(min(before) > 0, f"connections to the back ends: {before} (the test is wrong)")
        cloud.tell('set Load_Balancer lb0 vips:"\\"10.99.0.1:80\\""="\\"10.1.0.2:8080\\""')
        time.sleep(0.3)
        expect((to("10.1.0.2"), to("10.1.0.3")) == before, "without the option connections went")
        cloud.tell('set Load_Balancer lb0 options:ct_flush=true vips:"\\"10.99.0.1:80\\""="\\"10.1.0.2:8080,10.1.0.3:8080\\""')
        cloud.tell('set Load_Balancer lb0 vips:"\\"10.99.0.1:80\\""="\\"10.1.0.2:8080\\""')
        rig.wait_for(lambda: to("10.1.0.3") == 0, "the connections of the back end that is gone to end")
        expect(to("10.1.0.2") == before[0], "connections of another back end went, too")
        cloud.tell("lb-del lb0")
        rig.wait_for(lambda: not connections(h), "all of them to end")
        # A router's, which is known to the controller for this alone.
        cloud.tell("lb-add lb1 10.99.0.1:80 10.1.0.2:8080 udp -- lr-lb-add lr lb1 -- set Load_Balancer lb1 options:ct_flush=true")
        open_some()
        cloud.tell("lr-lb-del lr lb1")
        rig.wait_for(lambda: not connections(h), "the router's to end")


def distributed():
    """distributed: a host balances among its own back ends alone, and drops what none of them can have"""
    with Cloud(True, newest=True) as cloud:
        h, = cloud.hosts
        plug(h, "p1", "p2")
        cloud.tell(SWITCH, """
            lb-add lb0 10.99.0.1:80 10.1.0.2:8080,10.1.0.3:8080 udp
            set Load_Balancer lb0 options:distributed=true ip_port_mappings:10.1.0.2=p2 ip_port_mappings:10.1.0.3=p3
            ls-lb-add sw0 lb0
            set NB_Global . options:ls_dnat_mod_dl_dst=true
        """)
        ports = iter(range(3000, 4000))

        def balanced():
            before = len(got(h, "p2"))
            for _ in range(10):
                receive(h, "p1", frame(MAC(1), "02:00:00:00:aa:01", wire.udp(next(ports), 80, b"x"), "10.1.0.1", "10.99.0.1"))
            return len(got(h, "p2")) - before
        rig.wait_for(lambda: balanced() == 10, "all packets at the local back end")
        # Its Ethernet address was not the one they were sent to (ls_dnat_mod_dl_dst).
        expect(got(h, "p2")[-1][:6] == wire.mac(MAC(2)), "the back end's Ethernet address")
        h.run("ovs-vsctl", "--no-wait", "del-port", "br-int", "p2")
        plug(h, "p3")
        cloud.tell("sync")

        def others():
            before = len(got(h, "p3"))
            receive(h, "p1", frame(MAC(1), "02:00:00:00:aa:01", wire.udp(next(ports), 80, b"x"), "10.1.0.1", "10.99.0.1"))
            return len(got(h, "p3")) - before
        rig.wait_for(others, "the other back end, which came")
        h.run("ovs-vsctl", "--no-wait", "del-port", "br-int", "p3")
        cloud.tell("sync")
        rig.wait_for(lambda: not any("10.1.0.3" in g for g in h.run("ovs-ofctl", "-OOpenFlow15", "dump-groups", f"unix:{h.dir}/br-int.mgmt").splitlines()),
                     "no group for back ends that are elsewhere")
        with open(f"{cloud.central.dir}/ovn-northd.log") as f:
            expect("ip_port_mappings" not in f.read(), "northd complains")
        cloud.tell("remove Load_Balancer lb0 ip_port_mappings 10.1.0.3", wait="sb")
        with open(f"{cloud.central.dir}/ovn-northd.log") as f:
            expect("10.1.0.3:8080 has none and is left out" in f.read(), "northd does not tell of the back end without a port")


def persistent():
    """persist-established: a connection stays though its ACL does not match any more, and goes with the ACL"""
    with Cloud(True, newest=True) as cloud:
        h, = cloud.hosts
        plug(h, "p1", "p2")
        cloud.tell(SWITCH, """
            acl-add sw0 from-lport 10 "inport == \\"p1\\" && udp.dst == 53" allow-related
            acl-add sw0 from-lport 5 ip drop
        """)
        acl = cloud.central.run("ovn-nbctl", "--bare", "--columns=_uuid", "find", "ACL", "priority=10").strip()
        packet = frame(MAC(1), MAC(2), wire.udp(1000, 53, b"x"), "10.1.0.1", "10.1.0.2")
        answer = frame(MAC(2), MAC(1), wire.udp(53, 1000, b"y"), "10.1.0.2", "10.1.0.1")

        def passes():
            before = len(got(h, "p2"))
            receive(h, "p1", packet)
            return len(got(h, "p2")) > before
        rig.wait_for(passes, "the first packet")
        cloud.tell(f'set ACL {acl} match=\'"inport == \\"p1\\" && udp.dst == 54"\'')
        rig.wait_for(lambda: not passes(), "without the option the connection is looked at anew")
        cloud.tell(f'set ACL {acl} match=\'"inport == \\"p1\\" && udp.dst == 53"\' options:persist-established=true')
        rows = lambda: cloud.central.run("ovn-sbctl", "--bare", "--columns=_uuid,id", "list", "ACL_ID").split()
        expect(rows()[:1] == [acl] and int(rows()[1]) > 0, f"ACL_ID {rows()}")
        rig.wait_for(passes, "packets with the option")
        before = len(got(h, "p1"))
        receive(h, "p2", answer)
        rig.wait_for(lambda: len(got(h, "p1")) > before, "the answer, which establishes the connection")
        cloud.tell(f'set ACL {acl} match=\'"inport == \\"p1\\" && udp.dst == 54"\'')
        time.sleep(0.2)
        expect(all(passes() for _ in range(5)), "the connection does not pass any more")
        before = len(got(h, "p1"))
        receive(h, "p2", answer)
        rig.wait_for(lambda: len(got(h, "p1")) > before, "the answer")
        other = frame(MAC(1), MAC(2), wire.udp(1001, 53, b"x"), "10.1.0.1", "10.1.0.2")
        before = len(got(h, "p2"))
        receive(h, "p1", other)
        time.sleep(0.1)
        expect(len(got(h, "p2")) == before, "a new connection passes")
        number = rows()[1]
        cloud.central.kill("ovn-northd")
        cloud.central.start_northd()
        cloud.tell("sync")
        expect(rows() == [acl, number] and passes(), f"after a restart of northd: {rows()}")
        cloud.tell(f"remove Logical_Switch sw0 acls {acl}")
        rig.wait_for(lambda: not passes(), "the connection goes with its ACL")
        expect(not rows(), "ACL_ID is left")


def stateless():
    """enable-stateless-acl-with-lb: load balancing where ACLs exempt everything from tracking"""
    with Cloud(True, newest=True) as cloud:
        h, = cloud.hosts
        plug(h, "p1", "p2")
        cloud.tell(SWITCH, """
            acl-add sw0 from-lport 10 ip allow-stateless -- acl-add sw0 to-lport 10 ip allow-stateless
            acl-add sw0 from-lport 1 "ip4.src == 1.2.3.4" allow-related
            lb-add lb0 10.99.0.1:80 10.1.0.2:8080 udp -- ls-lb-add sw0 lb0
            set NB_Global . options:ls_dnat_mod_dl_dst=true
        """)

        def asked():
            before = len(got(h, "p2"))
            receive(h, "p1", frame(MAC(1), MAC(2), wire.udp(1000, 80, b"x"), "10.1.0.1", "10.99.0.1"))
            return b"".join(got(h, "p2", before))
        expect(wire.ip("10.99.0.1") in asked(), "without the option the packet was balanced")
        cloud.tell("set Logical_Switch sw0 other_config:enable-stateless-acl-with-lb=true")
        rig.wait_for(lambda: wire.ip("10.99.0.1") not in asked() and asked(), "the packet at the back end")
        before = len(got(h, "p1"))
        receive(h, "p2", frame(MAC(2), MAC(1), wire.udp(8080, 1000, b"y"), "10.1.0.2", "10.1.0.1"))
        rig.wait_for(lambda: wire.ip("10.99.0.1") in b"".join(got(h, "p1", before)), "the answer from the virtual address")
        before = len(got(h, "p1"))
        receive(h, "p2", frame(MAC(2), MAC(1), wire.udp(7, 1000, b"z"), "10.1.0.2", "10.1.0.1"))
        rig.wait_for(lambda: wire.ip("10.1.0.2") in b"".join(got(h, "p1", before)), "what has nothing to do with it, as it was")
        tracked = h.run("ovs-appctl", "-t", f"{h.dir}/vswitchd.ctl", "dpctl/dump-conntrack")
        expect("sport=7," not in tracked and "10.99.0.1" in tracked, f"tracked: {tracked}")


def zone_limits():
    """ct-zone-limit of switches, ports and routers reaches the switch's zones, and goes again"""
    with Cloud(True, newest=True) as cloud:
        h, = cloud.hosts
        plug(h, "p1", "p2")
        cloud.tell(SWITCH, """
            set Logical_Switch sw0 other_config:ct-zone-limit=100
            set Logical_Switch_Port p2 options:ct-zone-limit=7
            lr-add lr -- lrp-add lr lr-sw0 02:00:00:00:aa:01 10.1.0.254/24 -- set Logical_Router lr options:ct-zone-limit=50
            lsp-add sw0 sw0-lr -- lsp-set-type sw0-lr router -- lsp-set-addresses sw0-lr router -- lsp-set-options sw0-lr router-port=lr-sw0
        """)
        lr = cloud.central.run("ovn-sbctl", "--bare", "--columns=_uuid", "find", "Datapath_Binding", "external_ids:name=lr").strip()

        def limits():
            zones = dict(line.split() for line in h.run("ovs-appctl", "-t", f"{h.dir}/ovn-controller.{h.pids['ovn-controller']}.ctl", "ct-zone-list").splitlines())
            asked = h.run("ovs-appctl", "-t", f"{h.dir}/vswitchd.ctl", "dpctl/ct-get-limits")
            by_zone = dict(re.findall(r"zone=(\d+),limit=(\d+)", asked))
            return {name.replace(lr, "lr"): by_zone[zone] for name, zone in zones.items() if zone in by_zone}
        wanted = {"p1": "100", "p2": "7", "lr_dnat": "50", "lr_snat": "50"}
        rig.wait_for(lambda: limits() == wanted, f"{wanted} instead of {limits()}")
        cloud.tell("remove Logical_Switch_Port p2 options ct-zone-limit", "set Logical_Router lr options:ct-zone-limit=60")
        wanted = {"p1": "100", "p2": "100", "lr_dnat": "60", "lr_snat": "60"}
        rig.wait_for(lambda: limits() == wanted, f"{wanted} instead of {limits()}")
        cloud.tell("remove Logical_Switch sw0 other_config ct-zone-limit", "remove Logical_Router lr options ct-zone-limit")
        rig.wait_for(lambda: not limits(), f"no limits instead of {limits()}")
        cloud.tell("set Logical_Switch sw0 other_config:ct-zone-limit=many", wait="sb")
        with open(f"{cloud.central.dir}/ovn-northd.log") as f:
            expect("sw0: ct-zone-limit 'many' is not between" in f.read(), "northd does not tell of the limit that is none")


def global_options():
    """always_tunnel, enable_chassis_nb_cfg_update, northd-backoff-interval-ms"""
    with Cloud(True, newest=True) as cloud:
        h, = cloud.hosts
        c = cloud.central
        plug(h, "p1")
        h.run("ovs-vsctl", "--no-wait", "set", "Open_vSwitch", ".", "external_ids:ovn-bridge-mappings=phys:br-int")
        c.run("ovn-sbctl", "chassis-add", "hv2", "geneve", "10.0.0.2")
        cloud.tell(SWITCH, "lsp-add sw0 ln -- lsp-set-type ln localnet -- lsp-set-addresses ln unknown -- lsp-set-options ln network_name=phys", wait="sb")
        c.run("ovn-sbctl", "lsp-bind", "p2", "hv2")
        by_tunnel = lambda: [l for l in h.run("ovs-ofctl", "dump-flows", f"unix:{h.dir}/br-int.mgmt", "table=39").splitlines() if "priority=100" in l and "output" in l and f"reg15={int(key):#x}," in l]
        key = c.run("ovn-sbctl", "--bare", "--columns=tunnel_key", "find", "Port_Binding", "logical_port=p2").strip()
        cfg = lambda: c.run("ovn-sbctl", "--bare", "--columns=nb_cfg", "find", "Chassis_Private", "name=hv1").strip()
        rig.wait_for(lambda: "hv2" in h.run("ovs-vsctl", "show") or h.run("ovs-vsctl", "--bare", "--columns=name", "find", "Interface", "type=geneve"), "a tunnel")
        c.run("ovn-nbctl", "--wait=sb", "sync")
        time.sleep(0.3)
        expect(not by_tunnel(), f"p2 is reached by tunnel without the option: {by_tunnel()}")
        c.run("ovn-nbctl", "set", "NB_Global", ".", "options:always_tunnel=true")
        rig.wait_for(by_tunnel, "p2 to be reached by tunnel")
        c.run("ovn-nbctl", "remove", "NB_Global", ".", "options", "always_tunnel")
        rig.wait_for(lambda: not by_tunnel(), "p2 to be reached by the network again")

        c.run("ovn-nbctl", "--wait=sb", "sync")
        number = c.run("ovn-nbctl", "get", "NB_Global", ".", "nb_cfg").strip()
        rig.wait_for(lambda: cfg() == number, "the host's number")
        c.run("ovn-nbctl", "--wait=sb", "set", "NB_Global", ".", "options:enable_chassis_nb_cfg_update=false")
        c.run("ovn-nbctl", "--wait=sb", "sync")
        time.sleep(0.4)
        expect(int(cfg()) <= int(number) + 1, f"the number went on to {cfg()}")
        ids = h.run("ovs-vsctl", "get", "Bridge", "br-int", "external_ids:ovn-nb-cfg").strip('"\n')
        expect(int(ids) > int(number), f"the bridge's own number stands at {ids}")


if __name__ == "__main__":
    rig.main(flushes, flushed, distributed, persistent, stateless, zone_limits, global_options)
