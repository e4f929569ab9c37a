"""genev_sys_6081 and its kin: tcpdump shows what goes through a tunnel, inside, both ways."""
import os
import signal
import subprocess
import time

import rig
from overlay import Cable, pings


class Capture:
    def __init__(self, host, *words):
        self.path = f"{host.dir}/capture.txt"
        with open(self.path, "w") as out:
            self.process = subprocess.Popen(["ip", "netns", "exec", host.netns, "tcpdump", "-n", "-e", "-l", *words],
                                            stdout=out, stderr=subprocess.STDOUT)
        rig.wait_for(lambda: "listening on" in self.text(), f"tcpdump {words} to listen")

    def text(self):
        with open(self.path) as f:
            return f.read()

    def __enter__(self):
        return self

    def __exit__(self, *problem):
        self.process.send_signal(signal.SIGINT)
        self.process.wait()


def both_ways(host, peer, words, what):
    """From the moment that tcpdump listens, nothing is missing; a listener that is not promiscuous is found within 100 ms."""
    with Capture(host, *words) as capture:
        if "-p" in words:
            time.sleep(0.2)
        if not pings(peer.guests["g2"], "10.0.0.1", count=3):
            raise rig.Failure(f"{what}: no ping")
        rig.wait_for(lambda: capture.text().count("ICMP echo") >= 6, f"{what}: three requests and three replies")
        text = capture.text()
        for line in ("02:00:00:00:00:02 > 02:00:00:00:00:01", "02:00:00:00:00:01 > 02:00:00:00:00:02"):
            if text.count(line) < 3:
                raise rig.Failure(f"{what}: not thrice {line}: {text}")
        if text.count("ICMP echo") != 6:
            raise rig.Failure(f"{what}: packets shown twice: {text}")


def log(host):
    with open(f"{host.dir}/ovs-vswitchd.log") as f:
        return f.read()


def devices():
    """A device for each kind of tunnel, both ways, promiscuous or not; gone with the last port"""
    with Cable(mtu=1600) as cable:
        host, peer = cable.host("a", 1, {"ovs-vswitchd"}), cable.host("b", 2)
        for h in (host, peer):
            h.start_switch()
            h.bridge("br0")
            h.guest("br0", f"g{h.number}", f"10.0.0.{h.number}/24", mac=f"02:00:00:00:00:0{h.number}")
        for kind, device in (("geneve", "genev_sys_6081"), ("vxlan", "vxlan_sys_4789"), ("gre", "gre_sys")):
            for h, other in ((host, peer), (peer, host)):
                h.tunnel("br0", kind, other, "tun0", key="7")
            rig.wait_for(lambda: pings(peer.guests["g2"], "10.0.0.1"), f"{kind}: the first ping", 20)
            link = host.sh("ip", "-d", "link", "show", device)
            if "UP" not in link or "mtu 65000" not in link:
                raise rig.Failure(f"{device}: {link}")
            if "inet" in host.sh("ip", "addr", "show", device):
                raise rig.Failure(f"{device} has an address")
            both_ways(host, peer, ["-i", device, "icmp"], device)
            both_ways(host, peer, ["-p", "-i", device, "icmp"], f"{device}, not promiscuous")
            for way, mac in (("in", "02:00:00:00:00:02 > 02:00:00:00:00:01"), ("out", "02:00:00:00:00:01 > 02:00:00:00:00:02")):
                with Capture(host, "-Q", way, "-i", device, "icmp") as capture:
                    pings(peer.guests["g2"], "10.0.0.1", count=2)
                    rig.wait_for(lambda: capture.text().count("ICMP echo") >= 2, f"{device}: packets that go {way}")
                    if capture.text().count(mac) != 2 or capture.text().count("ICMP echo") != 2:
                        raise rig.Failure(f"{device}, {way}: {capture.text()}")
            # The switch may die and come back: the device stays and works.
            host.kill("ovs-vswitchd")
            host.sh("ip", "link", "show", device)
            before = log(host).count("taken over")
            host.start_vswitchd()
            rig.wait_for(lambda: pings(peer.guests["g2"], "10.0.0.1"), f"{kind}: ping after a restart", 20)
            # Until then the programs of the switch that died forward, and show nothing.
            rig.wait_for(lambda: log(host).count("taken over") > before, "the new programs to take over", 40)
            both_ways(host, peer, ["-i", device, "icmp"], f"{device} after a restart")
            for h in (host, peer):
                h.run("ovs-vsctl", "del-port", "br0", "tun0")
            rig.wait_for(lambda: host.sh("ip", "link", "show", device, check=False).returncode != 0, f"{device} gone")


if __name__ == "__main__":
    rig.main(devices)
