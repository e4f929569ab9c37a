"""A gateway dies: how long is the way out interrupted, with Weft's programs and with Debian's?

Two deployments of the same network run side by side: a central host with a VM, two gateway chassis for a distributed
gateway port, and a station outside.  The VM pings the station every 10 ms while the active gateway's switch is killed
and started again, and while its cables are cut and mended.  BFD has the intervals that nobody configured.

What is measured is how long no answers came, in all.  Ours may not be longer than Debian's by more than a margin.
"""
import re
import signal
import subprocess
import threading
import time

import rig
from overlay import Segments, sh

EVERY_MS = 10
SILENCE_S = 0.2  # shorter ones are the machine's
STEADY_S = 1.5
# BFD's detection time is 3 s, less what went by since the last message: up to 1 s of chance, jitter included.
MARGIN_S = 1.0
# With nothing dead, to and fro between gateways that both work.
BACK_MARGIN_S = 0.5
TOPOLOGY = """
    ls-add ls1
    lsp-add ls1 vm -- lsp-set-addresses vm "02:00:00:00:01:01 10.1.0.1"
    lr-add lr1
    lrp-add lr1 lr1-ls1 00:00:00:00:01:00 10.1.0.254/24
    lsp-add ls1 ls1-lr1 -- lsp-set-type ls1-lr1 router -- lsp-set-addresses ls1-lr1 router -- lsp-set-options ls1-lr1 router-port=lr1-ls1
    ls-add ls2
    lrp-add lr1 lr1-ls2 00:00:00:00:02:00 172.16.2.254/24
    lsp-add ls2 ls2-lr1 -- lsp-set-type ls2-lr1 router -- lsp-set-addresses ls2-lr1 router -- lsp-set-options ls2-lr1 router-port=lr1-ls2 nat-addresses=router
    lsp-add ls2 ls2-net -- lsp-set-type ls2-net localnet -- lsp-set-addresses ls2-net unknown -- lsp-set-options ls2-net network_name=out
    lr-nat-add lr1 snat 172.16.2.254 10.1.0.0/24
    lrp-set-gateway-chassis lr1-ls2 gw1 20
    lrp-set-gateway-chassis lr1-ls2 gw2 10
"""


class Deployment:
    def __init__(self, name, net, weft):
        self.name, self.net = name, net
        self.central = net.host("h0", 1, weft)
        self.gateways = [net.host("gw1", 2, weft), net.host("gw2", 3, weft)]
        self.station = net.station("station", "outside", "172.16.2.1/24")
        self.losses = {}
        self.ping = None

    # --- the network ---

    def start(self):
        central = self.central
        central.start_switch()
        central.start_databases("nb", "sb")
        central.start_northd()
        central.run("ovs-appctl", "-t", f"{central.dir}/sb.ctl", "ovsdb-server/add-remote", "ptcp:6642")
        for gateway in self.gateways:
            self.net.plug(gateway, "eth1", "outside")
            gateway.start_switch()
            gateway.bridge("br-out")
            gateway.run("ovs-vsctl", "add-port", "br-out", "eth1", "--", "set", "Open_vSwitch", ".",
                        "external-ids:ovn-bridge-mappings=out:br-out")
        for host in (central, *self.gateways):
            host.start_controller(host.name, host.v4, f"tcp:{central.v4}:6642")
            rig.wait_for(lambda: host.run("ovs-vsctl", "br-exists", "br-int", check=False).returncode == 0, "br-int")
        central.nb = lambda *words: central.run("ovn-nbctl", *words)
        words = " -- ".join(line.strip() for line in TOPOLOGY.strip().splitlines())
        central.nb(*[word.strip('"') for word in re.findall(r'"[^"]*"|\S+', words)])
        central.guest("br-int", "vm", "10.1.0.1/24", mac="02:00:00:00:01:01", external_id="vm")
        self.vm = central.guests["vm"]
        sh("ip", "route", "add", "default", "via", "10.1.0.254", ns=self.vm)
        rig.wait_for(lambda: central.nb("lsp-get-up", "vm").strip() == "up", "the VM's port up", 30)
        central.nb("--timeout=30", "--wait=hv", "sync")
        rig.wait_for(lambda: self.active() == "gw1", "gw1 to serve", 20)
        for host in (central, *self.gateways):
            rig.wait_for(lambda: self.sessions_up(host), f"BFD of {host.name} up", 20)
        self.log = open(f"{central.dir}/ping.txt", "w+")
        self.ping = subprocess.Popen(["ip", "netns", "exec", self.vm, "ping", "-n", "-D", "-i", str(EVERY_MS / 1000), "172.16.2.1"],
                                     stdout=self.log, stderr=subprocess.STDOUT)
        rig.wait_for(self.flows, "answers", 20)

    def stop(self):
        if self.ping:
            self.ping.kill()
            self.ping.wait()

    def active(self):
        """The chassis that the database says serves the gateway port."""
        chassis = self.central.run("ovn-sbctl", "--bare", "--columns=chassis", "find", "Port_Binding", "logical_port=cr-lr1-ls2").strip()
        return chassis and self.central.run("ovn-sbctl", "--bare", "--columns=name", "list", "Chassis", chassis).strip()

    def sessions_up(self, host):
        text = host.run("ovs-vsctl", "--bare", "--columns=bfd_status", "find", "Interface", "type=geneve")
        return text.count(" state=up") == 2

    # --- the measurement ---

    def answers(self, since):
        """When answers came, in seconds of the clock."""
        with open(self.log.name) as f:
            times = [float(stamp) for stamp in re.findall(r"^\[([\d.]+)\] \d+ bytes from 172\.16\.2\.1", f.read(), re.M)]
        return [t for t in times if t >= since]

    def flows(self):
        """Answers come as pings go, or nearly: the machine may be busy."""
        return len(self.answers(time.time() - 1)) >= 0.6 * 1000 / EVERY_MS

    def measure(self, what, serves, action):
        """How long no answers come from `action` on until the gateway `serves` and answers come steadily again."""
        rig.wait_for(self.flows, f"answers before {what}", 20)
        since = time.time() - 0.2
        action()
        rig.wait_for(lambda: self.active() == serves, f"{serves} to serve after {what}", 20)
        rig.wait_for(self.steady, f"answers after {what}", 20)
        if self.active() != serves:
            raise rig.Failure(f"after {what} {self.active()} serves again, not {serves}")
        times = self.answers(since)
        self.losses[what] = sum(b - a for a, b in zip(times, times[1:]) if b - a > SILENCE_S)

    def steady(self):
        """For a while all is well."""
        times = self.answers(time.time() - STEADY_S)
        return self.flows() and max(b - a for a, b in zip(times, times[1:])) < SILENCE_S and times[-1] - times[0] > STEADY_S - SILENCE_S

    def run(self):
        self.start()
        active, _ = self.gateways
        self.measure("the switch was killed", "gw2", lambda: active.kill("ovs-vswitchd", signal.SIGKILL))
        self.measure("the switch came back", "gw1", active.restart_switch)
        self.measure("the cables were cut", "gw2", lambda: [self.net.cut(active, nic) for nic in ("eth1", "eth0")])
        self.measure("the cables were mended", "gw1", lambda: [self.net.mend(active, nic) for nic in ("eth0", "eth1")])


def failover():
    """the way out moves to the other gateway and back, as fast as with Debian's programs"""
    with Segments("underlay", "outside") as ours, Segments("underlay", "outside") as theirs:
        deployments = [Deployment("Weft", ours, "all"), Deployment("Debian", theirs, ())]
        problems = []

        def run(deployment):
            try:
                deployment.run()
            except Exception as problem:
                problems.append(f"{deployment.name}: {type(problem).__name__}: {problem}")
        threads = [threading.Thread(target=run, args=[d]) for d in deployments]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        for deployment in deployments:
            deployment.stop()
        weft, debian = (d.losses for d in deployments)
        for what in debian | weft:
            print(f"# no answer for, when {what}: Weft {weft.get(what, -1):.2f} s, Debian {debian.get(what, -1):.2f} s")
        for what in weft.keys() & debian.keys():
            margin = MARGIN_S if what.endswith(("killed", "cut")) else BACK_MARGIN_S
            if weft[what] > debian[what] + margin:
                problems.append(f"{weft[what]:.2f} s when {what}, more than {margin} s longer than Debian's {debian[what]:.2f} s")
        if problems:
            raise rig.Failure("; ".join(problems))


if __name__ == "__main__":
    rig.main(failover)
