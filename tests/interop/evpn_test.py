"""Logical switches extended by an EVPN: what a host tells a routing daemon by the kernel's tables, what it learns there, and packets
between hosts that have no OVN in common.

No routing daemon is needed: the entries that it would make are put with bridge(8) and ip(8).  One end is another deployment
of Weft, the other a Linux host whose bridge has the kernel's own VXLAN device.
"""
import json
import os

import rig
from overlay import Segments, pings, sh

REFERENCE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../schema/reference")
VNI = 10
PORT = 4789
# The kernel's device is there for its tables only: the switch has the port of that number.
DEVICES = f"""
link add br-10 type bridge
link add vxlan-10 type vxlan id {VNI} dstport 4790 nolearning
link set vxlan-10 master br-10 up
link add vxlan-10-v6 type vxlan id {VNI} dstport 4791 local ::1 nolearning
link set vxlan-10-v6 master br-10 up
link add lo-10 type veth peer name lo-10-end
link set lo-10 master br-10 up
link set br-10 up
"""
SETTINGS = [f"other_config:dynamic-routing-vni={VNI}", "other_config:dynamic-routing-bridge-ifname=br-10",
            'other_config:dynamic-routing-vxlan-ifname="vxlan-10,vxlan-10-v6"', "other_config:dynamic-routing-advertise-ifname=lo-10",
            'other_config:dynamic-routing-redistribute="fdb,ip"']


def start(host, devices=True):
    """A whole deployment on one host: databases, northd, switch, controller."""
    host.sh("ip", "addr", "add", f"{host.v4}/24", "dev", "eth0")
    host.sh("ip", "addr", "add", f"{host.v6}/64", "dev", "eth0", "nodad")
    for which, schema in (("conf", "vswitch"), ("nb", "ovn-nb"), ("sb", "ovn-sb")):
        host.run("ovsdb-tool", "create", f"{host.dir}/{which}.db", f"{REFERENCE}/{schema}.ovsschema")
    host.start_databases()
    host.start_vswitchd()
    host.start_northd()
    if devices:
        for line in DEVICES.strip().splitlines():
            host.sh("ip", *line.split())
    host.run("ovs-vsctl", "set", "Open_vSwitch", ".", f"external_ids:ovn-evpn-vxlan-ports={PORT}",
             f"external_ids:ovn-evpn-local-ip={host.v4},{VNI}-{host.v6}")
    host.start_controller(chassis=host.name, encap_ip=host.v4)


def tell(host, *commands):
    for command in commands:
        host.run("ovn-nbctl", "--wait=hv", *(command.split() if isinstance(command, str) else command))


def workload(host, name, number):
    mac, ip = f"02:00:00:00:00:{number:02x}", f"10.1.0.{number}"
    tell(host, ["lsp-add", "web", name, "--", "lsp-set-addresses", name, f"{mac} {ip} fd01::{number:x}"])
    host.guest("br-int", name, f"{ip}/24", f"fd01::{number:x}/64", mac=mac, external_id=name)
    return host.guests[name]


def vtep(host, address, *macs):
    """What FRR writes for a remote VTEP and the addresses behind it."""
    device = "vxlan-10-v6" if ":" in address else "vxlan-10"
    host.sh("bridge", "fdb", "append", "00:00:00:00:00:00", "dev", device, "dst", address)
    for mac in macs:
        host.sh("bridge", "fdb", "add", mac, "dev", device, "dst", address, "self", "extern_learn")


def told_macs(host):
    entries = json.loads(host.sh("bridge", "-j", "fdb", "show", "dev", "lo-10"))
    return {each["mac"] for each in entries if each.get("state") == "static"}


def told_ips(host):
    entries = json.loads(host.sh("ip", "-j", "neigh", "show", "dev", "br-10", "nud", "all"))
    return {(each["dst"], each["lladdr"]) for each in entries
            if "NOARP" in each["state"] and "extern_learn" not in each and not each["lladdr"].startswith(("33:33", "01:00:5e"))}


def controller(host, *words):
    return host.run("ovs-appctl", "-t", f"{host.dir}/ovn-controller.{host.pids['ovn-controller']}.ctl", *words)


def expect_soon(read, wanted, what):
    try:
        rig.wait_for(lambda: read() == wanted, what)
    except rig.Failure:
        raise rig.Failure(f"{what}: {read()}, wanted {wanted}") from None


def exchange():
    """Addresses told and learnt, as they change, and taken back"""
    with Segments("underlay") as net:
        h = net.host("hv1", 1, weft=rig.ALL)
        start(h)
        tell(h, ["ls-add", "web", "--", "set", "Logical_Switch", "web", *SETTINGS])
        tell(h, "lr-add lr -- lrp-add lr lr-web 02:00:00:00:ff:01 10.1.0.254/24 -- set Logical_Router lr options:chassis=hv1",
             "lsp-add web web-lr -- lsp-set-type web-lr router -- lsp-set-addresses web-lr router -- lsp-set-options web-lr router-port=lr-web",
             "lsp-add web elsewhere -- lsp-set-addresses elsewhere dynamic")
        router = {"02:00:00:00:ff:01"}
        workload(h, "vm1", 1)
        first = {"02:00:00:00:00:01"}
        expect_soon(lambda: told_macs(h), router | first, "addresses of the workload and of the gateway router")
        ips = {("10.1.0.1", "02:00:00:00:00:01"), ("fd01::1", "02:00:00:00:00:01"), ("10.1.0.254", "02:00:00:00:ff:01")}
        expect_soon(lambda: told_ips(h), ips, "their IP addresses")
        # A workload that comes, changes, and goes.
        workload(h, "vm2", 2)
        expect_soon(lambda: told_macs(h), router | first | {"02:00:00:00:00:02"}, "a second workload")
        tell(h, ["lsp-set-addresses", "vm2", "02:00:00:00:00:22 10.1.0.22"])
        expect_soon(lambda: told_macs(h), router | first | {"02:00:00:00:00:22"}, "another address")
        expect_soon(lambda: told_ips(h), ips | {("10.1.0.22", "02:00:00:00:00:22")}, "another IP address")
        h.run("ovs-vsctl", "del-port", "vm2")
        expect_soon(lambda: told_macs(h), router | first, "a workload that went")
        # A stranger's hand is put right; what is not ours stays.
        h.sh("bridge", "fdb", "del", "02:00:00:00:00:01", "dev", "lo-10", "master")
        h.sh("bridge", "fdb", "add", "02:00:00:00:00:77", "dev", "lo-10", "master", "static")
        h.sh("ip", "neigh", "add", "10.1.0.99", "lladdr", "02:00:00:00:00:99", "dev", "br-10", "nud", "noarp", "extern_learn")
        h.sh("ip", "neigh", "del", "10.1.0.1", "dev", "br-10")
        expect_soon(lambda: told_macs(h), router | first, "the table to be put right")
        expect_soon(lambda: told_ips(h), ips, "the neighbours to be put right")
        tell(h, ["set", "Logical_Switch", "web", "other_config:dynamic-routing-redistribute=ip"])
        expect_soon(lambda: told_macs(h), set(), "without fdb")
        tell(h, ["set", "Logical_Switch", "web", "other_config:dynamic-routing-redistribute=fdb"])
        expect_soon(lambda: told_ips(h), set(), "without ip")
        expect_soon(lambda: told_macs(h), router | first, "with fdb")

        # Learnt.
        interface = json.loads(h.run("ovs-vsctl", "--format=json", "--columns=type,options,external_ids", "find", "Interface", f"name=ovn-evpn-{PORT}"))["data"][0]
        if interface[0] != "vxlan" or dict(interface[1][1]) != {"dst_port": str(PORT), "key": "flow", "local_ip": "flow", "remote_ip": "flow"} or \
                dict(interface[2][1]) != {"ovn-evpn-tunnel": "true"}:
            raise rig.Failure(f"the tunnel port: {interface}")
        vtep(h, "192.0.2.7", "02:00:00:00:00:99")
        vtep(h, "192.0.2.8")
        vtep(h, "2001:db8::9", "02:00:00:00:00:98")
        listed = lambda name: sorted(line.split(", binding_key")[0] for line in controller(h, "evpn/" + name).splitlines())
        expect_soon(lambda: listed("remote-vtep-list"), sorted(f"IP: {ip}, port: {PORT}, vni: {VNI}" for ip in ("192.0.2.7", "192.0.2.8", "2001:db8::9")),
                    "VTEPs")
        expect_soon(lambda: listed("vtep-fdb-list"), [f"MAC: 02:00:00:00:00:98, vni: {VNI}", f"MAC: 02:00:00:00:00:99, vni: {VNI}"], "addresses")
        expect_soon(lambda: [line.split(", dp_key")[0] for line in listed("vtep-arp-list")], [f"VNI: {VNI}, MAC: 02:00:00:00:00:99, IP: 10.1.0.99"],
                    "neighbours")
        expect_soon(lambda: listed("vtep-multicast-group-list"), [f"Remote IPs: 192.0.2.7, 192.0.2.8, 2001:db8::9, vni: {VNI}"], "what is flooded")
        flows = lambda table: [line.split(", ", 6)[-1].strip() for line in h.run("ovs-ofctl", "dump-flows", "br-int", f"table={table}").splitlines()]
        priority = lambda table, text: [line.split(",")[0] for line in flows(table) if text in line]
        expect_soon(lambda: priority(71, "dl_dst=02:00:00:00:00:99"), ["priority=150"], "the flow of an address")
        expect_soon(lambda: priority(66, "02:00:00:00:00:99"), ["priority=120"], "the flow of a neighbour")
        tell(h, ["set", "Logical_Switch", "web", "other_config:dynamic-routing-fdb-prefer-local=true",
                 "other_config:dynamic-routing-arp-prefer-local=true"])
        expect_soon(lambda: priority(71, "dl_dst=02:00:00:00:00:99"), ["priority=50"], "after the southbound's")
        expect_soon(lambda: priority(66, "02:00:00:00:00:99"), ["priority=70"], "after learnt ones")
        # Another chassis of ours in the EVPN is reached by the mesh.
        h.run("ovn-sbctl", "chassis-add", "hv9", "geneve", "192.0.2.8", "--", "set", "Chassis", "hv9", "other_config:ovn-evpn-local-ip=192.0.2.8")
        expect_soon(lambda: listed("vtep-multicast-group-list"), [f"Remote IPs: 192.0.2.7, 2001:db8::9, vni: {VNI}"], "without a chassis of ours")
        own = json.loads(h.run("ovn-sbctl", "--format=json", "--columns=other_config", "find", "Chassis", "name=hv1"))["data"][0][0][1]
        if dict(own).get("ovn-evpn-vxlan-ports") != str(PORT):
            raise rig.Failure(f"what others know of the chassis: {own}")
        # Withdrawn.
        h.sh("bridge", "fdb", "del", "02:00:00:00:00:99", "dev", "vxlan-10", "dst", "192.0.2.7", "self")
        h.sh("bridge", "fdb", "del", "00:00:00:00:00:00", "dev", "vxlan-10", "dst", "192.0.2.7", "self")
        expect_soon(lambda: listed("remote-vtep-list"), sorted(f"IP: {ip}, port: {PORT}, vni: {VNI}" for ip in ("192.0.2.8", "2001:db8::9")), "VTEPs left")
        # A controller that was killed takes up what it left; one that is told to end takes it along.
        h.kill("ovn-controller")
        tell_later = ["lsp-set-addresses", "vm1", "02:00:00:00:00:11 10.1.0.11"]
        h.run("ovn-nbctl", *tell_later)
        h.start("ovn-controller", "ovn-controller", f"unix:{h.socket('conf')}")
        expect_soon(lambda: told_macs(h), router | {"02:00:00:00:00:11"}, "after a restart")
        controller(h, "exit")
        rig.wait_for(lambda: not h.alive("ovn-controller"), "the controller to end")
        del h.pids["ovn-controller"]
        if told_macs(h) or told_ips(h) or "ovn-evpn" in h.run("ovs-vsctl", "show"):
            raise rig.Failure("something is left behind")


def linux_vtep(net, number, mac, ip):
    """A host whose bridge has the kernel's VXLAN device; returns its namespace and that of a workload."""
    ns = net.station(f"linux{number}", "underlay", f"192.0.2.{number}/24")
    guest = f"{ns}-guest"
    sh("ip", "netns", "add", guest)
    net.stations.append(guest)
    for line in ("link add br-10 type bridge", f"link add vxlan-10 type vxlan id {VNI} dstport {PORT} local 192.0.2.{number} nolearning",
                 "link set vxlan-10 master br-10 up", f"link add guest type veth peer name eth0 netns {guest}", "link set guest master br-10 up",
                 "link set br-10 up"):
        sh("ip", *line.split(), ns=ns)
    for line in (f"link set eth0 address {mac} up", f"addr add {ip}/24 dev eth0", "route add default via 10.1.0.254"):
        sh("ip", *line.split(), ns=guest)
    sh("ethtool", "-K", "eth0", "tx", "off", ns=guest)
    return ns, guest


def answers(ns, address):
    """How many answers three requests have, with those that came twice; none that is lost counts."""
    told = sh("ping", "-n", "-c", "3", "-i", "0.2", "-W", "2", address, ns=ns, check=False).stdout
    return 3 if " 3 received" in told and "DUP" not in told and "duplicates" not in told else told


def packets():
    """Workloads of two deployments and of a Linux bridge reach each other, by switches and routers"""
    with Segments("underlay") as net:
        hosts = [net.host("hv1", 1, weft=rig.ALL), net.host("hv2", 2, weft=rig.ALL)]
        for h in hosts:
            start(h)
            tell(h, ["ls-add", "web", "--", "set", "Logical_Switch", "web", *SETTINGS])
        vm1, vm2 = workload(hosts[0], "vm1", 1), workload(hosts[1], "vm2", 2)
        neighbour = workload(hosts[0], "vm5", 5)
        kernel, guest = linux_vtep(net, 3, "02:00:00:00:00:03", "10.1.0.3")
        # What routing daemons would have told each other.
        vtep(hosts[0], "192.0.2.2", "02:00:00:00:00:02")
        vtep(hosts[0], "192.0.2.3", "02:00:00:00:00:03")
        vtep(hosts[1], "192.0.2.1", "02:00:00:00:00:01", "02:00:00:00:00:05", "02:00:00:00:ff:01")
        vtep(hosts[1], "192.0.2.3", "02:00:00:00:00:03")
        for number, macs in ((1, ("02:00:00:00:00:01", "02:00:00:00:00:05", "02:00:00:00:ff:01")), (2, ("02:00:00:00:00:02",))):
            sh("bridge", "fdb", "append", "00:00:00:00:00:00", "dev", "vxlan-10", "dst", f"192.0.2.{number}", ns=kernel)
            for mac in macs:
                sh("bridge", "fdb", "add", mac, "dev", "vxlan-10", "dst", f"192.0.2.{number}", "self", "extern_learn", ns=kernel)
                sh("bridge", "fdb", "add", mac, "dev", "vxlan-10", "master", "extern_learn", ns=kernel)
        rig.wait_for(lambda: pings(vm1, "10.1.0.2"), "a ping between two deployments", seconds=20)
        rig.wait_for(lambda: pings(vm1, "10.1.0.3"), "a ping to the Linux host")
        for ns, address in ((vm2, "10.1.0.1"), (vm2, "10.1.0.3"), (guest, "10.1.0.1"), (guest, "10.1.0.2"), (neighbour, "10.1.0.2"), (vm1, "10.1.0.5")):
            if (told := answers(ns, address)) != 3:
                raise rig.Failure(f"to {address}: {told}")
        if not pings(vm1, "fd01::2"):
            raise rig.Failure("neighbour discovery across the EVPN")
        if not pings(vm1, "10.1.0.3", size=1300, count=20):
            raise rig.Failure("larger packets")
        # By a router of the first deployment, to another switch; the Linux host's address is learnt from the EVPN alone.
        h = hosts[0]
        tell(h, "lr-add lr -- lrp-add lr lr-web 02:00:00:00:ff:01 10.1.0.254/24 -- lrp-add lr lr-db 02:00:00:00:ff:02 10.2.0.254/24",
             "lsp-add web web-lr -- lsp-set-type web-lr router -- lsp-set-addresses web-lr router -- lsp-set-options web-lr router-port=lr-web",
             "ls-add db -- lsp-add db db-lr -- lsp-set-type db-lr router -- lsp-set-addresses db-lr router -- lsp-set-options db-lr router-port=lr-db")
        tell(h, ["lsp-add", "db", "vm3", "--", "lsp-set-addresses", "vm3", "02:00:00:00:02:03 10.2.0.3"])
        h.guest("br-int", "vm3", "10.2.0.3/24", mac="02:00:00:00:02:03", external_id="vm3")
        sh("ip", "route", "add", "default", "via", "10.2.0.254", ns=h.guests["vm3"])
        sh("ip", "route", "add", "default", "via", "10.1.0.254", ns=vm2)
        h.sh("ip", "neigh", "add", "10.1.0.3", "lladdr", "02:00:00:00:00:03", "dev", "br-10", "nud", "noarp", "extern_learn")
        rig.wait_for(lambda: pings(h.guests["vm3"], "10.1.0.3"), "a ping through the router to the Linux host")
        if "10.1.0.3" in h.run("ovn-sbctl", "list", "MAC_Binding"):
            raise rig.Failure("the router asked for an address that the EVPN knows")
        rig.wait_for(lambda: pings(h.guests["vm3"], "10.1.0.2"), "a ping through the router to a workload that is asked for")
        for ns, address in ((guest, "10.2.0.3"), (vm2, "10.2.0.3"), (guest, "10.1.0.254")):
            if (told := answers(ns, address)) != 3:
                raise rig.Failure(f"through the router to {address}: {told}")
        # Withdrawn: nothing goes there any more.
        hosts[0].sh("bridge", "fdb", "del", "00:00:00:00:00:00", "dev", "vxlan-10", "dst", "192.0.2.2", "self")
        hosts[0].sh("bridge", "fdb", "del", "02:00:00:00:00:02", "dev", "vxlan-10", "dst", "192.0.2.2", "self")
        rig.wait_for(lambda: not pings(vm1, "10.1.0.2", wait=1), "the VTEP to be gone")
        if answers(vm1, "10.1.0.3") != 3:
            raise rig.Failure("the other VTEP is gone, too")


def learnt_from_packets():
    """Addresses behind a VTEP that announces none: learnt from what comes with them, kept as long as it comes, and gone with the VTEP"""
    with Segments("underlay") as net:
        h = net.host("hv1", 1, weft=rig.ALL)
        start(h)
        tell(h, ["ls-add", "web", "--", "set", "Logical_Switch", "web", *SETTINGS, "other_config:fdb_age_threshold=3"])
        vm1 = workload(h, "vm1", 1)
        kernel, guest = linux_vtep(net, 4, "02:00:00:00:00:04", "10.1.0.4")
        elsewhere, _ = linux_vtep(net, 5, "02:00:00:00:00:05", "10.1.0.5")
        vtep(h, "192.0.2.4")
        vtep(h, "192.0.2.5")
        sh("bridge", "fdb", "append", "00:00:00:00:00:00", "dev", "vxlan-10", "dst", "192.0.2.1", ns=kernel)
        sh("bridge", "fdb", "add", "02:00:00:00:00:01", "dev", "vxlan-10", "dst", "192.0.2.1", "self", "extern_learn", ns=kernel)
        sh("bridge", "fdb", "add", "02:00:00:00:00:01", "dev", "vxlan-10", "master", "extern_learn", ns=kernel)
        learnt = lambda: sum("dl_dst=02:00:00:00:00:04" in line for line in h.run("ovs-ofctl", "dump-flows", "br-int", "table=71,priority=140").splitlines())
        strays = lambda: int(sh("cat", "/sys/class/net/vxlan-10/statistics/rx_packets", ns=elsewhere))
        rig.wait_for(lambda: pings(vm1, "10.1.0.4"), "a ping to an address that nobody announced", seconds=20)
        expect_soon(learnt, 1, "the address, learnt")
        before = strays()
        if not pings(vm1, "10.1.0.4", count=120):  # six seconds: twice the age
            raise rig.Failure("no answers")
        if learnt() != 1 or strays() > before + 60:
            raise rig.Failure(f"in use: {learnt()} flows, {strays() - before} packets went to the other VTEP as well")
        expect_soon(learnt, 0, "out of use")
        rig.wait_for(lambda: pings(vm1, "10.1.0.4") and learnt() == 1, "it to be learnt again")
        # What the routing daemon says goes first.
        vtep(h, "192.0.2.5", "02:00:00:00:00:04")
        rig.wait_for(lambda: not pings(vm1, "10.1.0.4", wait=1), "an announced address to go first")
        h.sh("bridge", "fdb", "del", "02:00:00:00:00:04", "dev", "vxlan-10", "dst", "192.0.2.5", "self")
        rig.wait_for(lambda: pings(vm1, "10.1.0.4"), "the announcement to be gone")
        h.sh("bridge", "fdb", "del", "00:00:00:00:00:00", "dev", "vxlan-10", "dst", "192.0.2.4", "self")
        expect_soon(learnt, 0, "without the VTEP")


if __name__ == "__main__":
    rig.main(exchange, packets, learnt_from_packets)
