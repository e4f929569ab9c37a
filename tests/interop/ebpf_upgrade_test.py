"""An OVN network of two hosts whose controllers and switches are killed, restarted and upgraded under traffic: no packet is lost.

Stateful rules, 10,000 datagrams a second and a TCP stream, each way through both switches.  WEFT_ROUNDS=N does all of it N times.
"""
import os
import shutil
import signal
import subprocess

import ebpf
import rig
import traffic
from overlay import Cable, pings

ROUNDS = int(os.environ.get("WEFT_ROUNDS", "1"))
RATE = 10000
STREAM = 12_000_000  # bytes a second
NEXT_LAYOUT = os.path.join(rig.WEFT_BIN, "..", "tests", "weft_next_layout")


class Network:
    def __init__(self, central, cable):
        self.central = central
        central.start_databases("nb", "sb")
        central.start_northd()
        self.hosts = cable.host("a", 1, rig.ALL), cable.host("b", 2, rig.ALL)
        self.took_over = {host: 0 for host in self.hosts}
        for host in self.hosts:
            host.start_switch()
            self.start_controller(host)
        words = ["ls-add", "sw0"]
        for n in (1, 2):
            words += ["--", "lsp-add", "sw0", f"p{n}", "--", "lsp-set-addresses", f"p{n}", f"02:00:00:00:00:0{n} 10.0.0.{n}",
                      "--", "lsp-set-port-security", f"p{n}", f"02:00:00:00:00:0{n} 10.0.0.{n}"]
        for direction, port in (("from-lport", "inport"), ("to-lport", "outport")):
            words += ["--", "acl-add", "sw0", direction, "1001", f'{port} == {{"p1", "p2"}} && ip4', "allow-related"]
        central.run("ovn-nbctl", *words)
        for host, peer in (self.hosts, self.hosts[::-1]):
            rig.wait_for(lambda: host.run("ovs-vsctl", "br-exists", "br-int", check=False).returncode == 0, "br-int")
            n = host.number
            host.guest("br-int", f"g{n}", f"10.0.0.{n}/24", mac=f"02:00:00:00:00:0{n}", external_id=f"p{n}")
            host.sh("ethtool", "-K", "eth0", "tx", "on")
            mac = peer.sh("cat", "/sys/class/net/eth0/address").strip()
            host.sh("ip", "neigh", "replace", peer.v4, "lladdr", mac, "dev", "eth0", "nud", "permanent")
        rig.wait_for(lambda: all(central.run("ovn-nbctl", "lsp-get-up", f"p{n}").strip() == "up" for n in (1, 2)), "both ports up", 30)
        self.settle()

    def start_controller(self, host):
        host.start_controller(host.name, host.v4, f"unix:{self.central.socket('sb')}")

    def settle(self):
        self.central.run("ovn-nbctl", "--timeout=20", "--wait=hv", "sync")

    def log(self, host):
        with open(os.path.join(host.dir, "ovs-vswitchd.log")) as f:
            return f.read()

    def start_switch(self, host, program=None):
        """Weft's, or `program` in its place; what its log says of the way there."""
        before = len(self.log(host))
        usual = host.path
        if program:
            host.path = lambda name: program if name == "ovs-vswitchd" else usual(name)
        host.start_vswitchd()
        host.path = usual
        rig.wait_for(lambda: "ports taken over" in self.log(host)[before:], "the new switch to take over", 40)
        return self.log(host)[before:]


def another_build(folder):
    """A program of the same version that is not the same file."""
    os.mkdir(f"{folder}/stripped")
    program = f"{folder}/stripped/ovs-vswitchd"
    shutil.copyfile(os.path.join(rig.WEFT_BIN, "weft"), program)
    os.chmod(program, 0o755)
    subprocess.run(["strip", "--strip-all", program], check=True)
    return program


def next_layout(folder):
    os.mkdir(f"{folder}/next")
    os.symlink(os.path.realpath(NEXT_LAYOUT), f"{folder}/next/ovs-vswitchd")
    return f"{folder}/next/ovs-vswitchd"


def nothing_is_lost():
    """Controller killed, switch killed, upgraded to another build and to another layout of the maps: none of the datagrams is lost"""
    with rig.Rig(weft="all", name="central") as central, Cable(mtu=1600) as cable:
        net = Network(central, cable)
        a, b = (host.guests[f"g{host.number}"] for host in net.hosts)
        stripped, other = another_build(central.dir), next_layout(central.dir)
        rig.wait_for(lambda: pings(a, "10.0.0.2"), "a ping", 20)
        with traffic.Datagrams(a, b, "10.0.0.2", RATE) as datagrams, traffic.Stream(a, b, "10.0.0.2", STREAM) as stream:
            def flows(what):
                before = datagrams.received(), stream.received()
                rig.wait_for(lambda: datagrams.received() > before[0] + RATE // 5 and stream.received() > before[1] + STREAM // 8, what)

            flows("traffic")
            resent = stream.resent
            for number in range(ROUNDS):
                one, two = net.hosts if number % 2 == 0 else net.hosts[::-1]
                one.kill("ovn-controller")
                flows("traffic without a controller")
                net.start_controller(one)
                net.settle()
                flows("traffic with a new controller")
                for host, sig, program, adopted in ((one, signal.SIGKILL, None, True), (two, signal.SIGTERM, stripped, True)):
                    host.kill("ovs-vswitchd", sig)
                    flows("traffic without a switch")
                    said = net.start_switch(host, program)
                    if adopted != ("connections adopted" in said) or adopted != ("are known again" in said):
                        raise rig.Failure(f"the same layout: {said}")
                    flows("traffic after the start")
                calm = stream.resent - resent
                # What the maps of before say is not understood: everything is learnt anew, and may come in another order.
                for program in (other, None):
                    one.kill("ovs-vswitchd", signal.SIGTERM)
                    said = net.start_switch(one, program)
                    if "the process before is of another version" not in said or "are known again" in said:
                        raise rig.Failure(f"another layout: {said}")
                    flows("traffic after the upgrade")
                resent = stream.resent
            lost = datagrams.lost()
            print(f"{ROUNDS} rounds, {datagrams.sent()} datagrams sent, {len(lost)} lost {lost[:20]}; {stream.received() >> 20} MB of the stream, "
                  f"{calm} segments sent again where flows were adopted, {stream.resent} in all")
            if lost:
                raise rig.Failure("packets were lost")


if __name__ == "__main__":
    ebpf.main(nothing_is_lost)
