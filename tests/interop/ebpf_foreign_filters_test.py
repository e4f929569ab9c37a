"""Filters of others at a port come before the datapath's programs, and stay when those come and go (decision 0086)."""
import os
import signal

import ebpf
import rig
from overlay import Host, pings, sh

# Classic BPF: a datagram to port 9 is dropped, anything else goes on to the next filter (TC_ACT_UNSPEC).
DROPS_PORT_9 = "4,40 0 0 36,21 0 1 9,6 0 0 2,6 0 0 4294967295"


class Alone:
    prefix = f"w{os.getpid()}"


def refused(ns):
    """Datagrams that have come to ports where nobody listens."""
    names, values = (line.split() for line in sh("cat", "/proc/net/snmp", ns=ns).splitlines() if line.startswith("Udp:"))
    return int(values[names.index("NoPorts")])


def arrives(sender, receiver, port):
    before = refused(receiver)
    sh("bash", "-c", f"echo > /dev/udp/10.0.0.2/{port}", ns=sender)
    try:
        rig.wait_for(lambda: refused(receiver) > before, "a datagram", 1)
    except rig.Failure:
        return False
    return True


class Switch(Host):
    """Alone, with two guests."""

    def __init__(self):
        super().__init__(Alone, "h", 1, rig.ALL)

    def __enter__(self):
        self.start_databases("conf")
        self.start_vswitchd()
        self.bridge("br0")
        for n in (1, 2):
            self.guest("br0", f"g{n}", f"10.0.0.{n}/24", mac=f"02:00:00:00:00:0{n}")
        rig.wait_for(lambda: pings(self.guests["g1"], "10.0.0.2"), "a ping")
        return self

    def filters(self):
        return self.sh("tc", "filter", "show", "dev", "g1", "ingress")

    def add_filter(self):
        self.sh("tc", "filter", "add", "dev", "g1", "ingress", "pref", "1", "protocol", "ip", "bpf", "bytecode", DROPS_PORT_9, "direct-action")

    def leave_port(self):
        self.run("ovs-vsctl", "del-port", "br0", "g1")
        rig.wait_for(lambda: "weft_port" not in self.filters(), "the program to go")
        if "pref 1 bpf" not in self.filters():
            raise rig.Failure("another's filter went with the port")


def others_go_first():
    """What another's filter drops is not forwarded, before and after a restart of the switch; what it lets pass is"""
    with Switch() as host:
        a, b = host.guests["g1"], host.guests["g2"]
        if not arrives(a, b, 9) or "weft_port" not in host.filters():
            raise rig.Failure("programs forward nothing before there is another filter")
        host.add_filter()
        for when in ("with the switch", "without it", "with a new one"):
            if arrives(a, b, 9):
                raise rig.Failure(f"{when}: forwarded in spite of another's filter")
            if not arrives(a, b, 10):
                raise rig.Failure(f"{when}: what the filter lets pass is not forwarded")
            if when == "with the switch":
                host.kill("ovs-vswitchd", signal.SIGKILL)
            elif when == "without it":
                host.start_vswitchd()
                rig.wait_for(lambda: "g2" in host.appctl_switch("dpif/show"), "the ports")
        host.leave_port()


def others_stay():
    """Another's filter stays when a port goes that brought the queue for both"""
    with Switch() as host:
        host.add_filter()
        host.leave_port()


def put_back():
    """The datapath's own filters, of a device and of the bridge's port, are put back when somebody takes them off"""
    with Switch() as host:
        host.sh("ip", "addr", "add", "10.0.0.3/24", "dev", "br0")
        host.sh("ip", "link", "set", "br0", "up")
        rig.wait_for(lambda: pings(host.netns, "10.0.0.1"), "a ping from the host")
        for device, hook in (("g1", "ingress"), ("br0", "egress")):
            host.sh("tc", "qdisc", "del", "dev", device, "clsact")
            rig.wait_for(lambda: "weft_port" in host.sh("tc", "filter", "show", "dev", device, hook, check=False).stdout, "the filter", 3)
        if not pings(host.guests["g1"], "10.0.0.2") or not pings(host.netns, "10.0.0.1"):
            raise rig.Failure("no ping with the filters put back")
        host.sh("ip", "link", "del", "g2")  # goes with its filter, of which nobody is to blame
        host.run("ovs-vsctl", "del-port", "br0", "g1")
        host.appctl_switch("dpif/show")
        with open(os.path.join(host.dir, "ovs-vswitchd.log")) as f:
            blamed = [line for line in f if "somebody has taken" in line]
        if len(blamed) != 2:
            raise rig.Failure(f"the log: {blamed}")


if __name__ == "__main__":
    ebpf.main(others_go_first, others_stay, put_back)
