"""Two availability zones with hosts, joined by a transit switch: a workload of one pings a workload of the other.

    zone az1: hv1 (workload vm1), gw1        zone az2: gw2 (gateway, and workload vm2)

A packet of vm1 goes hv1 → gw1 → gw2: the router of az1 sends it to its gateway, that through the transit switch to the
gateway of az2.  The routes are learnt.  Each zone has databases, northd and ovn-ic of its own.
"""
import os

import rig
from interconnection import Interconnection
from overlay import Segments, pings, sh
from rig import wait_for


def network(zone, n, gateway):
    """lan - lr - ts1, in zone number n."""
    lsp = f"ts1-az{n}"
    zone.nb("ls-add", "lan", "--", "lsp-add", "lan", f"vm{n}", "--", "lsp-set-addresses", f"vm{n}",
            f"02:00:00:00:0{n}:10 192.168.{n}.10 fd0{n}::10", "--", "lr-add", "lr", "--", "lrp-add", "lr", "lr-lan",
            f"02:00:00:00:0{n}:01", f"192.168.{n}.1/24", f"fd0{n}::1/64", "--", "lsp-add", "lan", "lan-lr", "--", "lsp-set-type",
            "lan-lr", "router", "--", "lsp-set-addresses", "lan-lr", "router", "--", "lsp-set-options", "lan-lr",
            "router-port=lr-lan", "--", "set", "NB_Global", ".", "options:ic-route-adv=true", "options:ic-route-learn=true")
    wait_for(lambda: "(ts1)" in zone.nb("ls-list"), f"the transit switch in {zone.name}")
    zone.nb("lrp-add", "lr", "lr-ts1", f"02:00:00:00:0{n}:02", f"169.254.100.{n}/24", f"fd00:100::{n}/64", "--",
            "lrp-set-gateway-chassis", "lr-ts1", gateway, "--", "lsp-add", "ts1", lsp, "--", "lsp-set-type", lsp, "router", "--",
            "lsp-set-addresses", lsp, "router", "--", "lsp-set-options", lsp, "router-port=lr-ts1")


def start_host(host, zone, interconn):
    host.start_switch()
    host.run("ovs-vsctl", "--no-wait", "set", "Open_vSwitch", ".", f"external-ids:ovn-is-interconn={str(interconn).lower()}")
    host.start_controller(host.name, host.v4, f"unix:{zone.rig.socket('sb')}")
    wait_for(lambda: host.run("ovs-vsctl", "br-exists", "br-int", check=False).returncode == 0, f"br-int of {host.name}")


def workload(host, n):
    host.guest("br-int", f"vm{n}", f"192.168.{n}.10/24", f"fd0{n}::10/64", mac=f"02:00:00:00:0{n}:10", mtu=1400,
               external_id=f"vm{n}")
    for via in (f"192.168.{n}.1", f"fd0{n}::1"):
        sh("ip", "-6" if ":" in via else "-4", "route", "add", "default", "via", via, ns=host.guests[f"vm{n}"])
    return host.guests[f"vm{n}"]


def zones(weft1, weft2):
    with Interconnection(weft=weft1, name="shared", zones={"az1": weft1, "az2": weft2}) as ic, Segments("underlay") as net:
        az1, az2 = ic.zones["az1"], ic.zones["az2"]
        ic.start()
        # One key more in use than in the other zone: keys that northd chooses by itself differ.
        az2.nb("--wait=sb", "ls-add", "spare")
        ic.nb("ts-add", "ts1")
        hv1, gw1, gw2 = (net.host(name, number, weft) for name, number, weft in
                         (("hv1", 1, weft1), ("gw1", 2, weft1), ("gw2", 3, weft2)))
        start_host(hv1, az1, False)
        start_host(gw1, az1, True)
        start_host(gw2, az2, True)
        for n, zone, gateway in ((1, az1, "gw1"), (2, az2, "gw2")):
            network(zone, n, gateway)
        vm1, vm2 = workload(hv1, 1), workload(gw2, 2)
        wait_for(lambda: pings(vm1, "192.168.2.10"), "the first ping from zone to zone", 30)
        wait_for(lambda: pings(vm1, "fd02::10"), "the first ping over IPv6", 30)
        for ns, other in ((vm1, 2), (vm2, 1)):
            for size in (0, 56, 1300):
                for address in (f"192.168.{other}.10", f"fd0{other}::10"):
                    if not pings(ns, address, size, count=3, wait=5):
                        raise rig.Failure(f"no ping of {size} bytes to {address}")
        # Only gateways have tunnels to the other zone's.
        tunnels = {host.name: "192.0.2.3" in host.run("ovs-vsctl", "--bare", "--columns=options", "find", "Interface",
                                                      "type=geneve") for host in (hv1, gw1)}
        if tunnels != {"hv1": False, "gw1": True}:
            raise rig.Failure(f"tunnels to the gateway of the other zone: {tunnels}")
        # No route, no way; and back again.
        az2.nb("set", "NB_Global", ".", "options:ic-route-adv=false")
        wait_for(lambda: not pings(vm1, "192.168.2.10", wait=1), "the route to go")
        az2.nb("set", "NB_Global", ".", "options:ic-route-adv=true")
        wait_for(lambda: pings(vm1, "192.168.2.10"), "the route to come back")


REFERENCE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../schema/reference")


def one_value(run, table, record, column):
    return run("--if-exists", "--bare", f"--columns={column}", "list", table, record).strip()


def transit_router_zone(zone, n, tr_mac):
    """lan - lr - tr; the transit router's port to us is there already."""
    zone.nb("ls-add", "lan", "--", "lsp-add", "lan", f"vm{n}", "--", "lsp-set-addresses", f"vm{n}",
            f"02:00:00:00:0{n}:10 192.168.{n}.10 fd0{n}::10", "--", "lr-add", "lr", "--", "lrp-add", "lr", "lr-lan",
            f"02:00:00:00:0{n}:01", f"192.168.{n}.1/24", f"fd0{n}::1/64", "--", "lsp-add", "lan", "lan-lr", "--", "lsp-set-type",
            "lan-lr", "router", "--", "lsp-set-addresses", "lan-lr", "router", "--", "lsp-set-options", "lan-lr",
            "router-port=lr-lan", "--", "lrp-add", "lr", "lr-tr", tr_mac, f"10.255.{n}.2/24", f"fd00:255:{n}::2/64",
            f"peer=tr-az{n}", "--", "set", "Logical_Router_Port", f"tr-az{n}", "peer=lr-tr",
            "--", "set", "NB_Global", ".", "options:ic-route-adv=true", "options:ic-route-learn=true")


def routes(zone, router):
    """Prefix and next hop of the router's routes."""
    return {tuple(line.split()[:2]) for line in zone.nb("lr-route-list", router).splitlines() if "/" in line}


def transit_router():
    """A transit router is a router of both zones, which learn routes over it, ping each other and know each other's neighbours"""
    weft = rig.ALL
    with Interconnection(weft=weft, name="tr", zones={"az1": weft, "az2": weft}) as ic, Segments("underlay") as net:
        az1, az2 = ic.zones["az1"], ic.zones["az2"]
        for where, which in ((ic.shared, ("ic-nb", "ic-sb")), (az1.rig, ("nb", "sb")), (az2.rig, ("nb", "sb"))):
            for each in which:
                where.run("ovsdb-tool", "create", f"{where.dir}/{each}.db", f"{REFERENCE}/ovn-{each}.ovsschema")
        ic.start()
        az2.nb("--wait=sb", "ls-add", "spare")
        hosts = [net.host(name, number, weft) for name, number in (("gw1", 1), ("gw2", 2))]
        for host, zone in zip(hosts, (az1, az2)):
            start_host(host, zone, True)
        ic.nb("tr-add", "tr")
        for n in (1, 2):
            ic.nb("trp-add", "tr", f"tr-az{n}", f"02:00:00:00:0a:0{n}", f"10.255.{n}.1/24", f"fd00:255:{n}::1/64", f"chassis=gw{n}")
        for zone in (az1, az2):
            wait_for(lambda: zone.nb("lrp-list", "tr").count("(tr-az") == 2, f"the router's ports in {zone.name}")
        # The same keys everywhere; a port is remote where it is not.
        keys = [(one_value(zone.nb, "Logical_Router", "tr", "options"),
                 sorted(zone.sb("--bare", "--columns=logical_port,tunnel_key", "find", "Port_Binding", f"logical_port=tr-az{n}")
                        for n in (1, 2))) for zone in (az1, az2)]
        if keys[0] != keys[1] or "requested-tnl-key=" not in keys[0][0]:
            raise rig.Failure(f"keys {keys}")
        if ic.sb("--bare", "--columns=type", "find", "Datapath_Binding", "transit_switch=tr").strip() != "transit-router":
            raise rig.Failure("the datapath's type: " + ic.sb("list", "Datapath_Binding"))
        for zone, n in ((az1, 1), (az2, 2)):
            for m in (1, 2):
                kind = lambda: zone.sb("--bare", "--columns=type", "find", "Port_Binding", f"logical_port=tr-az{m}").strip()
                wait_for(lambda: kind() == ("patch" if m == n else "remote"), f"tr-az{m} in {zone.name}, which is {kind()}")
        for zone, n in ((az1, 1), (az2, 2)):
            transit_router_zone(zone, n, f"02:00:00:00:0{n}:02")
        # Its copies know the networks of both zones; routers learn those of the other one, and nobody their own.
        everyone = {(f"192.168.{m}.0/24", f"10.255.{m}.2") for m in (1, 2)} | {(f"fd0{m}::/64", f"fd00:255:{m}::2") for m in (1, 2)}
        for zone, n, m in ((az1, 1, 2), (az2, 2, 1)):
            wait_for(lambda: routes(zone, "tr") == everyone, f"routes of the transit router in {zone.name}: {routes(zone, 'tr')}")
            expected = {(f"192.168.{m}.0/24", f"10.255.{n}.1"), (f"10.255.{m}.0/24", f"10.255.{n}.1"),
                        (f"fd0{m}::/64", f"fd00:255:{n}::1"), (f"fd00:255:{m}::/64", f"fd00:255:{n}::1")}
            wait_for(lambda: routes(zone, "lr") == expected, f"routes of lr in {zone.name}: {routes(zone, 'lr')}")
        vms = [workload(host, n) for host, n in zip(hosts, (1, 2))]
        for ns, other in ((vms[0], 2), (vms[1], 1)):
            for address in (f"192.168.{other}.10", f"fd0{other}::10"):
                wait_for(lambda: pings(ns, address), f"the first ping to {address}", 30)
                for size in (0, 56, 1300):
                    if not pings(ns, address, size, count=3, wait=5):
                        raise rig.Failure(f"no ping of {size} bytes to {address}")
        known = one_value(az1.nb, "Logical_Router_Port", "tr-az2", "options")
        if "02:00:00:00:02:02 10.255.2.2" not in known:
            raise rig.Failure(f"the neighbours of az2, in az1: {known}")
        # Another address of the router there is learnt anew.
        az2.nb("set", "Logical_Router_Port", "lr-tr", 'mac="02:00:00:00:02:22"')
        az2.sb("--all", "destroy", "MAC_Binding")
        wait_for(lambda: pings(vms[0], "192.168.2.10"), "a ping to the neighbour's new address", 30)
        # The operator's routes are told, too, but not those that lead to the transit router.
        az2.nb("lr-route-add", "lr", "203.0.113.0/24", "192.168.2.77", "--", "lr-route-add", "lr", "198.51.100.0/24", "10.255.2.1")
        wait_for(lambda: ("203.0.113.0/24", "10.255.1.1") in routes(az1, "lr"), "the operator's route in az1")
        if any("198.51.100" in prefix for prefix, _ in routes(az1, "lr") | routes(az1, "tr")):
            raise rig.Failure("a route to the transit router came back")
        az1.nb("--id=@r", "create", "Logical_Router_Static_Route", "ip_prefix=203.0.113.0/24", "nexthop=192.168.1.99", "--", "add", "Logical_Router", "lr", "static_routes", "@r")
        wait_for(lambda: ("203.0.113.0/24", "10.255.1.1") not in routes(az1, "lr"), "an operator's own route to come first")
        # No route, no way; and back again.
        az2.nb("set", "NB_Global", ".", "options:ic-route-adv=false")
        wait_for(lambda: not pings(vms[0], "192.168.2.10", wait=1), "the routes to go")
        wait_for(lambda: {hop for _, hop in routes(az1, "tr")} == {"10.255.1.2", "fd00:255:1::2"}, "the transit router's routes to go")
        az2.nb("set", "NB_Global", ".", "options:ic-route-adv=true")
        wait_for(lambda: pings(vms[0], "192.168.2.10"), "the routes to come back")
        # Ports and routers go everywhere.
        ic.nb("trp-del", "tr-az2")
        for zone in (az1, az2):
            wait_for(lambda: "tr-az2" not in zone.nb("lrp-list", "tr"), f"the port to go in {zone.name}")
        if pings(vms[0], "192.168.2.10", wait=1):
            raise rig.Failure("a ping through a port that is gone")
        ic.nb("tr-del", "tr")
        for zone in (az1, az2):
            wait_for(lambda: "(tr)" not in zone.nb("lr-list"), f"the router to go in {zone.name}")
        wait_for(lambda: not ic.sb("--bare", "--columns=logical_port", "list", "Port_Binding").strip(), "the ports to go")


def weft_alone():
    """Both zones Weft's"""
    zones(rig.ALL, rig.ALL)


def weft_and_debian():
    """One zone Weft's, the other Debian's"""
    zones(rig.ALL, set())


if __name__ == "__main__":
    rig.main(weft_alone, transit_router, weft_and_debian)
