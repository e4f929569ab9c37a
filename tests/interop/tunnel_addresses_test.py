"""Chassis with several addresses for tunnels: which port wants which (Port_Binding.encap), and which way packets take.

Beside Debian's controller: what the two write and send where Debian's 23.03 knows it.  Then two hosts of Weft alone with two
addresses each, as newer versions of OVN have them (decision 0033): the outer addresses of real packets.
"""
import re
import subprocess
import time

import physical_flows
import rig
from overlay import Segments, sh

# --- beside Debian's controller ---

COMMANDS = """
    ls-add sw0
    lsp-add sw0 plain
    lsp-add sw0 second
    lsp-add sw0 inner second 7
    lsp-add sw0 both -- lsp-set-options both requested-chassis=hv2,hv1
    lsp-add sw0 local -- lsp-set-type local localport
    lsp-add sw0 far-second
    lsp-add sw0 far-third
    lr-add lr0
    lrp-add lr0 lr0-out 00:00:00:00:ff:01 10.1.0.254/24
    lrp-set-gateway-chassis lr0-out hv1 1
"""
INTERFACES = ("plain", "second", "both", "local")


class Chassis:
    """One controller with databases and a switch of its own."""

    def __init__(self, name, weft):
        self.central, self.host = rig.Rig(name=f"{name}-central"), rig.Rig(weft=weft, name=name)
        c, h = self.central, self.host
        c.start_databases("nb", "sb")
        c.start_northd()
        c.run("ovn-sbctl", "chassis-add", "hv2", "geneve", "10.0.0.2")
        for kind, address, options in (("geneve", "10.0.0.22", "options:dst_port=7777"), ("vxlan", "10.0.0.23", "options:csum=true")):
            c.run("ovn-sbctl", "--id=@e", "create", "Encap", f"type={kind}", f"ip={address}", "chassis_name=hv2", options, "--", "add", "Chassis", "hv2", "encaps", "@e")
        for line in COMMANDS.strip().splitlines():
            c.run("ovn-nbctl", *line.split())
        c.run("ovn-nbctl", "--wait=sb", "sync")
        for port, address in (("far-second", "10.0.0.22"), ("far-third", "10.0.0.23")):
            c.run("ovn-sbctl", "set", "Port_Binding", port, "chassis=" + self.uuid("Chassis", "name=hv2"), "encap=" + self.uuid("Encap", f"ip={address}"))
        h.start_databases("conf")
        h.start_vswitchd("--enable-dummy=override", "--disable-system", "--disable-system-route")
        h.run("ovs-vsctl", "--no-wait", "add-br", "br-int", "--", "set", "Bridge", "br-int", "datapath_type=dummy", "fail-mode=secure")
        for name in INTERFACES:
            ids = [f"external_ids:iface-id={name}"] + ["external_ids:encap-ip=10.0.0.11"] * (name != "plain")
            h.run("ovs-vsctl", "add-port", "br-int", name, "--", "set", "Interface", name, "type=dummy", *ids)
        h.start_controller(encap_ip="10.0.0.1,10.0.0.11", remote="unix:" + c.socket("sb"))

    def uuid(self, table, condition):
        return self.central.run("ovn-sbctl", "--bare", "--columns=_uuid", "find", table, condition).strip()

    def rows(self, table, *columns):
        text = self.central.run("ovn-sbctl", "-f", "csv", "--no-headings", f"--columns={','.join(columns)}", "list", table)
        for row, names in (("Chassis", ("name",)), ("Encap", ("type", "ip"))):
            for line in self.central.run("ovn-sbctl", "-f", "csv", "--no-headings", f"--columns=_uuid,{','.join(names)}", "list", row).splitlines():
                uuid, _, name = line.partition(",")
                text = text.replace(uuid, name.replace('"', "").replace(",", " "))
        # Debian's server leaves references to rows that are no more.
        living = lambda found: "[" + ", ".join(each for each in found[1].split(", ") if not re.fullmatch(r"[0-9a-f-]{36}", each)) + "]"
        text = re.sub(r'"?\[([^\]]*)\]"?', living, text)
        return sorted(text.splitlines())

    def state(self):
        return {"Encap": self.rows("Encap", "chassis_name", "type", "ip", "options"),
                "Port_Binding": self.rows("Port_Binding", "logical_port", "chassis", "encap", "additional_chassis", "additional_encap")}

    def tunnels(self):
        """The tunnel ports, and by the flows of table 39 to which address a port's packets go."""
        text = self.host.run("ovs-vsctl", "-f", "csv", "--no-headings", "--columns=options", "find", "Interface", "type=geneve")
        ports = self.host.run("ovs-vsctl", "-f", "csv", "--no-headings", "--columns=name,options", "find", "Interface", "type=geneve")
        names = {line.split(",")[0]: re.search(r'remote_ip=""?([\d.]+)', line)[1] for line in ports.splitlines()}
        keys = {int(key): name for key, name in (line.split(",") for line in self.central.run(
            "ovn-sbctl", "-f", "csv", "--no-headings", "--columns=tunnel_key,logical_port", "list", "Port_Binding").splitlines()) if name == "far-second"}
        ways = {}
        for line in physical_flows.flows(self.host, self.central).get(39, []):
            found = re.search(r"reg15=0x([0-9a-f]+),metadata=sw0 .*output:(ovn-hv2-\d+)", line)
            if found and int(found[1], 16) in keys:
                ways[keys[int(found[1], 16)]] = names[found[2]]
        return sorted(text.splitlines()), ways

    def stop(self):
        self.host.stop()
        self.central.stop()


def beside_debian():
    """what Debian's controller writes of ports and tunnel addresses, and the tunnels that it makes"""
    sides = []
    try:
        sides = [Chassis("debian", ()), Chassis("weft", {"ovn-controller"})]

        def conf(*words):
            for side in sides:
                side.host.run("ovs-vsctl", *words)

        def same(what, look):
            try:
                rig.wait_for(lambda: look(sides[0]) == look(sides[1]), what, 10)
            except rig.Failure:
                raise rig.Failure(f"{what}: {look(sides[1])} instead of {look(sides[0])}") from None

        def step(what, *words):
            if words:
                conf(*words)
            for side in sides:
                side.central.run("ovn-nbctl", "--timeout=10", "--wait=sb", "sync")
            time.sleep(0.5)  # so that Debian's has done what it does
            same(what, Chassis.state)

        rig.wait_for(lambda: "second,hv1,geneve 10.0.0.11" in "\n".join(sides[0].state()["Port_Binding"]), "Debian's claims", 15)
        step("at first")
        step("another type", "set", "Open_vSwitch", ".", "external_ids:ovn-encap-type=vxlan,geneve")
        step("one type again", "set", "Open_vSwitch", ".", "external_ids:ovn-encap-type=geneve")
        step("the interface asks for another", "set", "Interface", "second", "external_ids:encap-ip=10.0.0.1")
        step("for one that is not there", "set", "Interface", "second", "external_ids:encap-ip=10.9.9.9")
        step("for none", "remove", "Interface", "second", "external_ids", "encap-ip")
        step("and again", "set", "Interface", "second", "external_ids:encap-ip=10.0.0.11")
        step("the address goes", "set", "Open_vSwitch", ".", "external_ids:ovn-encap-ip=10.0.0.1")
        same("tunnels from one address to several", Chassis.tunnels)
        if sides[1].tunnels()[1] != {"far-second": "10.0.0.22"}:
            raise rig.Failure(f"the port leads to {sides[1].tunnels()[1]}")
        step("and comes back", "set", "Open_vSwitch", ".", "external_ids:ovn-encap-ip=10.0.0.1,10.0.0.11")
        step("the interface goes", "del-port", "second")
        for side in sides:
            side.host.appctl("ovn-controller", "exit")
        same("after a clean end", Chassis.state)
    except Exception:
        for side in sides:
            side.host.show_logs()
        raise
    finally:
        for side in sides:
            side.stop()


# --- two hosts of Weft ---

FIRST, SECOND = "192.0.2.{}", "198.51.100.{}"
NETWORK = """
    ls-add sw0
    lsp-add sw0 pa -- lsp-set-addresses pa "02:00:00:00:00:0a 10.0.0.1"
    lsp-add sw0 pb -- lsp-set-addresses pb "02:00:00:00:00:0b 10.0.0.2"
    lsp-add sw0 pc -- lsp-set-addresses pc "02:00:00:00:00:0c 10.0.0.3"
    lsp-add sw0 pd -- lsp-set-addresses pd "02:00:00:00:00:0d 10.0.0.4"
    ls-add sw1
    lsp-add sw1 pe -- lsp-set-addresses pe "02:00:00:00:00:0e 10.1.0.5"
    lr-add lr0
    lrp-add lr0 lr0-sw0 00:00:00:00:ff:01 10.0.0.254/24
    lsp-add sw0 sw0-lr0 -- lsp-set-type sw0-lr0 router -- lsp-set-addresses sw0-lr0 router -- lsp-set-options sw0-lr0 router-port=lr0-sw0
    lrp-add lr0 lr0-sw1 00:00:00:00:ff:02 10.1.0.254/24
    lsp-add sw1 sw1-lr0 -- lsp-set-type sw1-lr0 router -- lsp-set-addresses sw1-lr0 router -- lsp-set-options sw1-lr0 router-port=lr0-sw1
"""
# Ports of the hosts; pb and pd ask for the second address.
LEFT, RIGHT = {"pa": "10.0.0.1", "pb": "10.0.0.2"}, {"pc": "10.0.0.3", "pd": "10.0.0.4", "pe": "10.1.0.5"}


def capture(host, act):
    """The outer addresses (from, to) of the tunnel packets that the host saw while `act` ran."""
    process = subprocess.Popen(["ip", "netns", "exec", host.netns, "tcpdump", "-l", "-nn", "--immediate-mode", "-i", "any", "udp", "port", "6081"], text=True,
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    try:
        while "listening on" not in process.stderr.readline():
            pass
        act()
        time.sleep(0.2)
    finally:
        process.terminate()
        out, _ = process.communicate()
    # Others are what the ports' kernels tell each other unasked.
    return set(re.findall(r"IP (\d+\.\d+\.\d+\.\d+)\.\d+ > (\d+\.\d+\.\d+\.\d+)\.6081: Geneve.*ICMP echo", out))


def real_packets():
    """two hosts with two addresses each: packets leave by the address of their port and go to that of the other"""
    with Segments("first", "second") as net:
        left, right = net.host("left", 1, "all"), net.host("right", 2, "all")
        left.start_databases("nb", "sb")
        left.start_northd()
        for host in (left, right):
            net.plug(host, "eth1", "second")
            host.start_switch()
            host.sh("ip", "addr", "add", SECOND.format(host.number) + "/24", "dev", "eth1")
            host.sh("sysctl", "-qw", "net.ipv4.conf.all.rp_filter=0", "net.ipv4.conf.eth0.rp_filter=0", "net.ipv4.conf.eth1.rp_filter=0")
            host.start_controller(host.name, f"{FIRST},{SECOND}".format(host.number, host.number), f"unix:{left.socket('sb')}")
            rig.wait_for(lambda: host.run("ovs-vsctl", "br-exists", "br-int", check=False).returncode == 0, "br-int")
        nb = lambda *words: left.run("ovn-nbctl", *words)
        words = " -- ".join(line.strip() for line in NETWORK.strip().splitlines())
        nb(*[word.strip('"') for word in re.findall(r'"[^"]*"|\S+', words)])
        for host, ports in ((left, LEFT), (right, RIGHT)):
            for name, address in ports.items():
                host.guest("br-int", name, f"{address}/24", mac=f"02:00:00:00:00:0{name[1]}", external_id=name)
                gateway = address[:5] + "0.254"
                sh("ip", "route", "add", "default", "via", gateway, ns=host.guests[name])
        left.run("ovs-vsctl", "set", "Interface", "pb", f"external_ids:encap-ip={SECOND.format(1)}")
        right.run("ovs-vsctl", "set", "Interface", "pd", f"external_ids:encap-ip={SECOND.format(2)}")
        rig.wait_for(lambda: all(nb("lsp-get-up", f"p{letter}").strip() == "up" for letter in "abcde"), "ports up", 30)
        nb("--timeout=20", "--wait=hv", "sync")
        pairs = left.run("ovs-vsctl", "--bare", "--columns=external_ids", "list", "Port").split()
        marks = sorted(pair for pair in pairs if pair.startswith("ovn-chassis-id="))
        wanted = sorted(f"ovn-chassis-id=right@{there}%{here}" for there in (FIRST.format(2), SECOND.format(2)) for here in (FIRST.format(1), SECOND.format(1)))
        if marks != wanted:
            raise rig.Failure(f"tunnels {marks}, not {wanted}")

        def way(source, target, here, there):
            """Pings from a port of the left host to one of the right go between these two addresses, and so do the answers."""
            ns, address = left.guests[source], RIGHT[target]
            ping = lambda count=1: sh("ping", "-n", "-q", "-c", count, "-i", "0.1", "-W", "1", address, ns=ns, check=False).returncode == 0
            rig.wait_for(ping, f"{source} to reach {target}", 15)
            seen = capture(right, lambda: ping(3))
            if seen != {(here, there), (there, here)}:
                raise rig.Failure(f"from {source} to {target} by {sorted(seen)}, not between {here} and {there}")

        f1, f2, s1, s2 = FIRST.format(1), FIRST.format(2), SECOND.format(1), SECOND.format(2)
        way("pa", "pc", f1, f2)
        way("pb", "pd", s1, s2)
        way("pa", "pd", f1, s2)
        way("pb", "pc", s1, f2)
        # Through a router the packet keeps its way.
        way("pa", "pe", f1, f2)
        way("pb", "pe", s1, f2)
        # Another default address: for the host itself, and for who sends to it.
        left.run("ovs-vsctl", "set", "Open_vSwitch", ".", f"external_ids:ovn-encap-ip-default={s1}")
        nb("--timeout=20", "--wait=hv", "sync")
        rig.wait_for(lambda: "is-default=true" in left.run("ovn-sbctl", "--bare", "--columns=options", "find", "Encap", f"ip={s1}"), "the default to be told")
        way("pa", "pc", s1, f2)
        # One address again: one tunnel for each of the other's, which say from where, as the route would choose otherwise.
        left.run("ovs-vsctl", "remove", "Open_vSwitch", ".", "external_ids", "ovn-encap-ip-default", "--", "set", "Open_vSwitch", ".", f"external_ids:ovn-encap-ip={f1}", "external_ids:ovn-set-local-ip=true")
        nb("--timeout=20", "--wait=hv", "sync")
        rig.wait_for(lambda: left.run("ovs-vsctl", "--bare", "--columns=name", "find", "Interface", "type=geneve").split().__len__() == 2, "two tunnels")
        way("pa", "pc", f1, f2)
        way("pb", "pd", f1, s2)


if __name__ == "__main__":
    rig.main(beside_debian, real_packets)
