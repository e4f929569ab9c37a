"""Our controller under Debian's northd and over Debian's switch: what an operator does to it."""
import os
import re
import shlex
import signal

import rig
import wire

DUMMY = ("--enable-dummy=override", "--disable-system", "--disable-system-route")


class Host(rig.Rig):
    """A chassis, its southbound database elsewhere."""

    def __init__(self, name, central, ip):
        super().__init__(weft={"ovn-controller"}, name=name)
        self.chassis, self.central, self.ip = name, central, ip
        self.start_databases("conf")
        self.start_vswitchd(*DUMMY)
        self.run("ovs-vsctl", "--no-wait", "add-br", "br-int", "--", "set", "Bridge", "br-int", "datapath_type=dummy",
                 "fail-mode=secure", "--", "add-br", "br-phys", "--", "set", "Bridge", "br-phys", "datapath_type=dummy",
                 "--", "set", "Open_vSwitch", ".", "external_ids:ovn-bridge-mappings=phys:br-phys")

    def start_here(self):
        self.start_controller(self.chassis, self.ip, "unix:" + self.central.socket("sb"))

    def plug(self, *ports, **options):
        for port in ports:
            self.run("ovs-vsctl", "--no-wait", "--may-exist", "add-port", "br-int", port, "--", "set", "Interface", port,
                     "type=dummy", f"external_ids:iface-id={port}", *(f"options:{k}={v}" for k, v in options.items()))

    def flows(self):
        return sorted(self.run("ovs-ofctl", "dump-flows", "--no-stats", f"unix:{self.dir}/br-int.mgmt").splitlines())

    def log(self):
        with open(f"{self.dir}/ovn-controller.log") as f:
            return f.read()

    def control(self, *words):
        return self.appctl("ovn-controller", *words)


class Network:
    """A central host and chassis hv1, hv2, … for a with statement."""

    def __init__(self, name, hosts=1):
        self.central = rig.Rig(name=name)
        self.hosts = []
        self.count = hosts

    def __enter__(self):
        self.central.start_databases("nb", "sb")
        self.central.start_northd()
        for n in range(1, self.count + 1):
            self.hosts.append(Host(f"hv{n}", self.central, f"10.0.0.{n}"))
            self.hosts[-1].start_here()
        return self

    def __exit__(self, *failure):
        for r in (self.central, *self.hosts):
            r.__exit__(*failure)

    def tell(self, lines, wait="hv"):
        words = []
        for line in lines.strip().splitlines():
            words += shlex.split(line.strip()) + ["--"]
        self.central.run("ovn-nbctl", "--timeout=20", f"--wait={wait}", *words[:-1])

    def chassis_of(self, port):
        uuid = self.central.run("ovn-sbctl", "--bare", "--columns=chassis", "find", "Port_Binding", f"logical_port={port}").strip()
        return self.central.run("ovn-sbctl", "get", "Chassis", uuid, "name").strip() if uuid else ""


TWO_PORTS = """
    ls-add sw0
    lsp-add sw0 p1 -- lsp-set-addresses p1 "02:00:00:00:00:01 10.1.0.1"
    lsp-add sw0 p2 -- lsp-set-addresses p2 "02:00:00:00:00:02 10.1.0.2"
"""
LOCALNET = """
    lsp-add sw0 ln0 -- lsp-set-type ln0 localnet -- lsp-set-addresses ln0 unknown -- lsp-set-options ln0 network_name=phys
"""


def expect(condition, text):
    if not condition:
        raise rig.Failure(text)


def restart():
    """Killed and started again it leaves the flows in place, and conntrack zones keep their numbers"""
    with Network("restart") as net:
        h = net.hosts[0]
        h.plug("p1", "p2")
        net.tell(TWO_PORTS + LOCALNET)
        rig.wait_for(lambda: any("patch-br-int-to-ln0" in line for line in h.run("ovs-vsctl", "show").splitlines()), "patch port")
        net.tell("sync")
        flows, zones = h.flows(), h.control("ct-zone-list")
        h.kill("ovn-controller")
        expect(h.flows() == flows, "flows changed with the end of the controller")
        h.start_here()
        fewest = len(flows)

        def back():
            nonlocal fewest
            fewest = min(fewest, len(h.flows()))
            return h.run("ovs-vsctl", "get", "Bridge", "br-int", "external_ids:ovn-nb-cfg") and h.control("connection-status").strip() == "connected"
        rig.wait_for(back, "the controller to be back")
        net.tell("sync")
        expect(fewest == len(flows), f"there were {fewest} flows for a while, of {len(flows)}")
        expect(h.flows() == flows, "other flows after the restart: " + str(set(h.flows()) ^ set(flows))[:500])
        expect(h.control("ct-zone-list") == zones, "other zones after the restart")
        h.control("recompute")
        rig.wait_for(lambda: "computed everything afresh" in h.log(), "the comparison in the log")
        expect("flows were as they should be" in h.log(), "recompute found differences")
        expect(h.flows() == flows, "recompute changed the flows")


def conditions():
    """It fetches what concerns it, and everything with ovn-monitor-all"""
    with Network("conditions") as net:
        h = net.hosts[0]
        h.plug("p1")
        h.control("vlog/set", "jsonrpc:file:dbg")
        net.tell(TWO_PORTS + "ls-add elsewhere\nlsp-add elsewhere stranger")

        expect("p1" in h.log(), "the log does not have what was received (the test is wrong)")
        expect("stranger" not in h.log(), "a port of a switch that is not here was fetched")
        h.run("ovs-vsctl", "--no-wait", "set", "Open_vSwitch", ".", "external_ids:ovn-monitor-all=true")
        rig.wait_for(lambda: "stranger" in h.log(), "everything to be fetched")
        h.run("ovs-vsctl", "--no-wait", "remove", "Open_vSwitch", ".", "external_ids", "ovn-monitor-all")
        h.plug("stranger")
        net.tell("lsp-set-addresses stranger unknown")
        expect(net.chassis_of("stranger") == "hv1", "the stranger was not bound")


def commands():
    """Control commands"""
    with Network("commands") as net:
        h = net.hosts[0]
        h.plug("p1")
        h.plug("p2", tx_pcap=f"{h.dir}/p2.pcap")
        net.tell(TWO_PORTS)
        expect(h.control("debug/status").strip() == "running", "not running")
        h.control("debug/pause")
        expect(h.control("debug/status").strip() == "paused", "not paused")
        flows = h.flows()
        net.tell("lsp-add sw0 p3", wait="sb")
        h.plug("p3")
        rig.wait_for(lambda: h.run("ovs-vsctl", "get", "Interface", "p3", "ofport").strip().isdigit(), "p3 to be opened")
        expect(h.flows() == flows and not net.chassis_of("p3"), "something happened while paused")
        h.control("debug/resume")
        rig.wait_for(lambda: net.chassis_of("p3") == "hv1", "p3 to be bound")

        packet = 'inport == "p1" && eth.src == 02:00:00:00:00:01 && eth.dst == 02:00:00:00:00:02 && ip4 && ip4.src == 10.1.0.1 && ip4.dst == 10.1.0.2 && ip.ttl == 64 && icmp4.type == 8'
        net.tell("sync")
        h.control("inject-pkt", packet)
        rig.wait_for(lambda: os.path.getsize(f"{h.dir}/p2.pcap") > 60, "the injected packet at p2")
        refused = h.run("ovs-appctl", "-t", f"{h.dir}/ovn-controller.{h.pids['ovn-controller']}.ctl", "inject-pkt", "ip4", check=False)
        expect(refused.returncode and "ingress port not found on hypervisor." in refused.stderr, refused.stderr)
        expect("primary lport : [p1]" in h.control("debug/dump-local-bindings"), "local bindings")
        expect("p1" in h.control("debug/dump-related-ports").split(), "related ports")


def proportion():
    """What a change does not concern is not looked at, however much of it there is"""
    with Network("proportion", hosts=2) as net:
        h = net.hosts[0]
        h.plug("p1")
        net.hosts[1].plug("p2")
        net.tell(TWO_PORTS)

        def runs():
            return {name: int(h.control("inc-engine/show-stats", name, "compute")) for name in steps}
        steps = [line.removeprefix("Node: ") for line in h.control("inc-engine/show-stats").splitlines() if line.startswith("Node: ")]
        expect({"keep tunnels", "find local datapaths", "keep bindings"} <= set(steps), f"no such functions: {steps}")
        net.tell("sync")
        h.control("inc-engine/clear-stats")
        for _ in range(5):
            net.tell("sync")
        done = {name: count for name, count in runs().items() if count and name != "flow_output"}
        expect(not done, f"an empty change made these run: {done}")
        net.tell("lsp-add sw0 p3")
        done = {name for name, count in runs().items() if count}
        whole = {"keep tunnels", "keep chassis", "find local interfaces", "find local datapaths", "choose what to fetch", "keep bindings"}
        expect(done and not done & whole, f"a port of nobody here made these run: {done & whole}")


def another_bridge():
    """external_ids:ovn-bridge names another bridge that is there: what is kept, is kept there"""
    with Network("another", hosts=2) as net:
        h = net.hosts[0]
        net.tell(TWO_PORTS + """
            lr-add gw -- set Logical_Router gw options:chassis=hv1
            lrp-add gw gw-sw0 02:00:00:00:00:fe 10.1.0.254/24
            lsp-add sw0 sw0-gw -- lsp-set-type sw0-gw router -- lsp-set-options sw0-gw router-port=gw-sw0 -- lsp-set-addresses sw0-gw router
        """)
        h.run("ovs-vsctl", "--no-wait", "add-br", "br-other", "--", "set", "Bridge", "br-other", "fail_mode=secure", "datapath_type=dummy")
        net.tell("sync")
        h.run("ovs-vsctl", "--no-wait", "set", "Open_vSwitch", ".", "external_ids:ovn-bridge=br-other")
        ids = lambda: h.run("ovs-vsctl", "get", "Bridge", "br-other", "external_ids")
        rig.wait_for(lambda: "ovn-hv2" in h.run("ovs-vsctl", "list-ports", "br-other"), "the tunnel on the other bridge")
        rig.wait_for(lambda: "ovn-startup-ts" in ids() and "_dnat" in ids(), "the zones to be saved with the other bridge")


def template_variables():
    """Template variables of load balancers have this chassis' values"""
    with Network("templates") as net:
        h = net.hosts[0]
        h.plug("p1")
        net.tell(TWO_PORTS)
        net.central.run("ovn-nbctl", "create", "Chassis_Template_Var", "chassis=hv1", 'variables={vip="10.99.0.1",backend="10.1.0.1:8080"}')
        net.central.run("ovn-nbctl", "--template", "lb-add", "lb0", "^vip:80", "^backend", "tcp", "ipv4")
        net.tell("ls-lb-add sw0 lb0")
        expect(any("10.99.0.1" in line for line in h.flows()), "no flow has the value of ^vip")
        expect("10.99.0.1" in h.control("debug/dump-local-template-vars"), "dump-local-template-vars")
        row = net.central.run("ovn-nbctl", "--bare", "--columns=_uuid", "list", "Chassis_Template_Var").strip()
        net.tell(f"set Chassis_Template_Var {row} variables:vip=10.99.0.2")
        rig.wait_for(lambda: any("10.99.0.2" in line for line in h.flows()) and not any("10.99.0.1" in line for line in h.flows()),
                     "flows with the new value")


def containers_move():
    """Two containers follow their virtual machine to another chassis"""
    with Network("containers", hosts=2) as net:
        one, two = net.hosts
        net.tell("ls-add sw1\nlsp-add sw1 vm\nlsp-add sw1 c1 vm 11\nlsp-add sw1 c2 vm 12", wait="sb")
        one.plug("vm")
        rig.wait_for(lambda: [net.chassis_of(p) for p in ("vm", "c1", "c2")] == ["hv1"] * 3, "all on hv1")
        one.run("ovs-vsctl", "del-port", "br-int", "vm")
        two.plug("vm")
        rig.wait_for(lambda: [net.chassis_of(p) for p in ("vm", "c1", "c2")] == ["hv2"] * 3, "all on hv2")
        net.tell("sync")
        tagged = [line for line in two.flows() if re.search(r"priority=150,in_port=\d+,dl_vlan=1[12] ", line)]
        expect(len(tagged) == 2, "hv2 has no flows for the containers' tags")
        expect(not any("dl_vlan=1" in line for line in one.flows()), "hv1 still has them")


def announcements():
    """Addresses are announced to the physical network"""
    with Network("announcements") as net:
        h = net.hosts[0]
        pcap = f"{h.dir}/wire.pcap"
        h.run("ovs-vsctl", "--no-wait", "add-port", "br-phys", "wire", "--", "set", "Interface", "wire", "type=dummy", f"options:tx_pcap={pcap}")
        h.plug("p1", "p2")
        net.tell(TWO_PORTS + LOCALNET + "lsp-set-addresses p2 02:00:00:00:00:02")

        def heard():
            with open(pcap, "rb") as f:
                data = f.read()
            arp = bytes.fromhex("020000000001 0806 0001080006040001 020000000001 0a010001 000000000000 0a010001".replace(" ", ""))
            rarp = bytes.fromhex("020000000002 8035 0001080006040003 020000000002".replace(" ", ""))
            return arp in data and rarp in data
        rig.wait_for(heard, "gratuitous ARP for p1 and RARP for p2", 20)


def patch_ports():
    """Patch ports come and go with bridge mappings and ports"""
    with Network("patches") as net:
        h = net.hosts[0]
        h.plug("p1")
        net.tell(TWO_PORTS + LOCALNET)

        def ports(bridge):
            return [p for p in h.run("ovs-vsctl", "list-ports", bridge).split() if p.startswith("patch-")]
        rig.wait_for(lambda: ports("br-phys") == ["patch-ln0-to-br-int"] and ports("br-int") == ["patch-br-int-to-ln0"], "patch ports")
        mark = h.run("ovs-vsctl", "get", "Port", "patch-ln0-to-br-int", "external_ids:ovn-localnet-port").strip()
        expect(mark.strip('"') == "ln0", "the patch port's mark is " + mark)
        h.run("ovs-vsctl", "remove", "Open_vSwitch", ".", "external_ids", "ovn-bridge-mappings")
        rig.wait_for(lambda: not ports("br-phys") and not ports("br-int"), "no patch ports")
        h.run("ovs-vsctl", "set", "Open_vSwitch", ".", "external_ids:ovn-bridge-mappings=phys:br-phys")
        rig.wait_for(lambda: ports("br-phys"), "patch ports again")
        net.tell("lsp-del ln0")
        rig.wait_for(lambda: not ports("br-phys") and not ports("br-int"), "no patch ports without a localnet port")


def egress_rates():
    """Rates become queues of the marked interface"""
    with Network("rates") as net:
        h = net.hosts[0]
        h.run("ovs-vsctl", "--no-wait", "add-port", "br-phys", "eth1", "--", "set", "Interface", "eth1", "type=dummy", "external_ids:ovn-egress-iface=true")
        h.plug("p1")
        net.tell(TWO_PORTS + LOCALNET + "lsp-set-options p1 qos_max_rate=1000000 qos_burst=2000000")

        def queues():
            return h.run("ovs-vsctl", "--bare", "--columns=other_config", "list", "Queue").strip()
        rig.wait_for(lambda: queues() == "burst=2000000 max-rate=1000000", "a queue")
        expect(h.run("ovs-vsctl", "get", "Port", "eth1", "qos").strip() != "[]", "eth1 has no QoS")
        net.tell("lsp-set-options p1 qos_max_rate=3000000")
        rig.wait_for(lambda: queues() == "max-rate=3000000", "the new rate")
        net.tell("clear Logical_Switch_Port p1 options")
        rig.wait_for(lambda: not queues() and not h.run("ovs-vsctl", "--bare", "--columns=_uuid", "list", "QoS").strip(), "no rows")


def arp(eth_type, operation, mac, ip):
    """A broadcast of that kind by who has mac and ip, as hexadecimal digits."""
    who = mac + "".join(f"{int(byte):02x}" for byte in ip.split("."))
    return "ffffffffffff" + mac + eth_type + "000108000604" + operation + who + who + "00" * 18


def live_migration():
    """A port on two chassis is closed at the new one until its machine announces itself"""
    with Network("migration", hosts=2) as net:
        one, two = net.hosts
        net.tell(TWO_PORTS + "lsp-set-options p1 requested-chassis=hv1,hv2 activation-strategy=rarp", wait="sb")
        one.plug("p1")
        two.plug("p1", "p2")
        rig.wait_for(lambda: net.chassis_of("p1") == "hv1" and net.chassis_of("p2") == "hv2", "p1 on hv1, p2 on hv2")
        closed = lambda: [line for line in two.flows() if "priority=1000," in line and line.endswith("actions=drop")]
        rig.wait_for(lambda: len(closed()) == 2, "hv2 to have p1 closed")
        net.tell("sync")
        two.appctl("ovs-vswitchd", "netdev-dummy/receive", "p1", arp("8035", "0003", "020000000001", "0.0.0.0"))
        rig.wait_for(lambda: not closed(), "hv2 to open p1")
        net.tell("lsp-set-options p1 requested-chassis=hv2")
        rig.wait_for(lambda: net.chassis_of("p1") == "hv2", "p1 on hv2")
        additional = net.central.run("ovn-sbctl", "--bare", "--columns=additional_chassis", "find", "Port_Binding", "logical_port=p1").strip()
        expect(not additional, "p1 is still on another chassis in addition")


def announced_migration():
    """The same with strategies garp and na: gratuitous ARP and unsolicited advertisements open the port, other packets do not"""
    with Network("announced", hosts=2) as net:
        one, two = net.hosts
        net.tell(TWO_PORTS + "lsp-add sw0 p3 -- lsp-set-addresses p3 unknown", wait="sb")
        closed = lambda: len([line for line in two.flows() if "priority=1000," in line and line.endswith("actions=drop")])
        two.plug("p2")
        receive = lambda port, frame: two.appctl("ovs-vswitchd", "netdev-dummy/receive", port, frame)
        vm, everyone = "02:00:00:00:00:01", "ff:ff:ff:ff:ff:ff"
        advertisement = wire.eth(vm, "33:33:00:00:00:01", wire.ip6("fe80::1", "ff02::1", wire.icmp6(136, 0, b"\x20\0\0\0" + wire.ip("fe80::1")))).hex()
        asks = wire.eth(vm, everyone, wire.arp(1, vm, "10.1.0.1", "00:00:00:00:00:00", "10.1.0.99"), 0x0806).hex()
        for port, strategy, idle, frame in (("p1", "garp", [asks, arp("8035", "0003", "020000000001", "0.0.0.0")], arp("0806", "0001", "020000000001", "10.1.0.1")),
                                            ("p1", "na,rarp", [arp("0806", "0001", "020000000001", "10.1.0.1")], advertisement),
                                            ("p3", "garp", [asks], arp("0806", "0001", "020000000003", "10.1.0.77"))):
            one.plug(port)
            two.plug(port)
            net.tell(f"lsp-set-options {port} requested-chassis=hv1,hv2 activation-strategy={strategy}", wait="sb")
            rig.wait_for(lambda: net.chassis_of(port) == "hv1", f"{port} on hv1")
            rig.wait_for(lambda: closed() == 2, f"hv2 to have {port} closed ({strategy})")
            net.tell("sync")
            for other in idle:
                receive(port, other)
            net.tell("sync")
            expect(closed() == 2, f"{port}, {strategy}: opened by something else")
            receive(port, frame)
            rig.wait_for(lambda: not closed(), f"hv2 to open {port} ({strategy})")
            net.tell(f"lsp-set-options {port} requested-chassis=hv1", wait="hv")


def source_zones():
    """Routers get the zones for source translation that they ask for, 0 too; who had one of them gets another"""
    with Network("zones") as net:
        h = net.hosts[0]
        h.plug("p1", "p2")
        net.tell(TWO_PORTS + """
            lr-add r1 -- set Logical_Router r1 options:chassis=hv1
            lrp-add r1 r1-sw0 00:00:00:00:01:01 10.1.0.254/24 -- lsp-add sw0 sw0-r1 -- lsp-set-type sw0-r1 router -- lsp-set-addresses sw0-r1 router
            lsp-set-options sw0-r1 router-port=r1-sw0
        """)
        uuid = net.central.run("ovn-sbctl", "--bare", "--columns=_uuid", "find", "Datapath_Binding", "external_ids:name=r1").strip()
        zones = lambda: dict(line.split() for line in h.control("ct-zone-list").splitlines())
        before = zones()
        for wanted in ("0", before["p1"]):
            net.tell(f"set Logical_Router r1 options:snat-ct-zone={wanted}")
            rig.wait_for(lambda: zones()[uuid + "_snat"] == wanted, f"the router's zone {wanted}")
        others = [zone for name, zone in zones().items() if name != uuid + "_snat"]
        expect(len(set(others)) == len(others) and before["p1"] not in others, f"zones {zones()}")
        expect(zones()["p2"] == before["p2"], "another port's zone changed")
        loads = f"load:{int(before['p1']):#x}->NXM_NX_REG12[]"
        rig.wait_for(lambda: any(loads in line for line in h.flows()), f"flows with {loads}")


def virtual_port():
    """A virtual port is where the port that announces its address is"""
    with Network("virtual") as net:
        h = net.hosts[0]
        h.plug("p1", "p2")
        net.tell(TWO_PORTS + """
            lsp-add sw0 v -- lsp-set-type v virtual -- lsp-set-addresses v "02:00:00:00:00:0a 10.1.0.10"
            set Logical_Switch_Port v options:virtual-ip=10.1.0.10 options:virtual-parents="p1,p2"
        """)

        def parent():
            return net.central.run("ovn-sbctl", "--bare", "--columns=virtual_parent", "find", "Port_Binding", "logical_port=v").strip()
        for port, mac in (("p1", "020000000001"), ("p2", "020000000002")):
            h.appctl("ovs-vswitchd", "netdev-dummy/receive", port, arp("0806", "0001", mac, "10.1.0.10"))
            rig.wait_for(lambda: parent() == port and net.chassis_of("v") == "hv1", f"v with {port}")
        h.run("ovs-vsctl", "--no-wait", "del-port", "br-int", "p2")
        rig.wait_for(lambda: not net.chassis_of("v") and not parent(), "v nowhere")


def leaving():
    """A signal leaves the network as it is; exit leaves the network"""
    with Network("leaving") as net:
        h = net.hosts[0]
        h.plug("p1")
        net.tell(TWO_PORTS + LOCALNET)
        rows = lambda: net.central.run("ovn-sbctl", "--bare", "--columns=name", "list", "Chassis").split()
        patches = lambda: "patch-" in h.run("ovs-vsctl", "show")
        rig.wait_for(patches, "patch ports")
        h.kill("ovn-controller", signal.SIGTERM)
        expect(rows() == ["hv1"] and net.chassis_of("p1") == "hv1" and patches(), "a signal changed something")
        h.start_here()
        net.tell("sync")
        h.control("exit")
        rig.wait_for(lambda: not h.alive("ovn-controller"), "the controller to end")
        expect(not rows() and not net.chassis_of("p1") and not patches(), "exit left something")


def northd_version():
    """With ovn-match-northd-version nothing is done for another northd"""
    with Network("version") as net:
        h = net.hosts[0]
        h.run("ovs-vsctl", "set", "Open_vSwitch", ".", "external_ids:ovn-match-northd-version=true")
        h.plug("p1")
        net.tell(TWO_PORTS)
        expect(net.chassis_of("p1") == "hv1", "p1 is not bound under a northd of the same version")
        net.central.appctl("ovn-northd", "pause")
        net.central.run("ovn-sbctl", "set", "SB_Global", ".", "options:northd_internal_version=other")

        def warned():
            with open(f"{h.dir}/ovn-controller.log") as f:
                return "mismatch with northd version - other" in f.read()
        rig.wait_for(warned, "a warning")
        h.plug("p2")
        rig.wait_for(lambda: h.run("ovs-vsctl", "get", "Interface", "p2", "ofport").strip().isdigit(), "p2 to be opened")
        expect(not net.chassis_of("p2"), "p2 was bound all the same")
        h.run("ovs-vsctl", "remove", "Open_vSwitch", ".", "external_ids", "ovn-match-northd-version")
        rig.wait_for(lambda: net.chassis_of("p2") == "hv1", "p2 to be bound")


if __name__ == "__main__":
    rig.main(restart, conditions, commands, proportion, another_bridge, template_variables, containers_move, announcements, patch_ports, egress_rates, live_migration, announced_migration,
             source_zones, virtual_port, leaving, northd_version)
