"""One network whose ports ask everything that ovn-controller answers itself, over Debian's switch and northd.

Packets are injected at dummy interfaces; behind each goes a neighbour solicitation, which the controller answers
too, in order: when its answer is there, all that the packet caused is there.
"""
import json
import re
import shlex

import control
import rig
from wire import *

MACS = {f"p{n}": f"02:00:00:00:00:{n:02x}" for n in range(1, 10)}
SENTINEL_MAC, SENTINEL_IP = "02:00:00:00:00:0e", "fd00::e"
TIMES_AT_THE_CONTROLLER = 3


def solicitation(src_mac, src_ip, target):
    group = ipaddress.ip_address("ff02::1:ff00:0").packed[:13] + ip(target)[13:]
    dst = ":".join(f"{b:02x}" for b in b"\x33\x33" + group[12:])
    body = b"\0\0\0\0" + ip(target) + b"\x01\x01" + mac(src_mac)
    return eth(src_mac, dst, ip6(src_ip, str(ipaddress.ip_address(group)), icmp6(135, 0, body)))


def quoted(word):
    """COLUMN[:KEY]=VALUE with the value as a string; references (@name) and everything else as it is."""
    found = re.fullmatch(r"(\w+(?::[^=]+)?)=([^@].*)", word, re.S)
    if found and ":" not in found[1] and found[2].isdigit():
        return word  # a column of integers
    return f"{found[1]}={json.dumps(found[2])}" if found else word


class Network(rig.Rig):
    """`commands` are lines for ovn-nbctl; `ports` the logical ports that get an interface each."""

    def __init__(self, weft, commands, ports, name="responders"):
        super().__init__(weft=weft, name=name)
        self.ports = ports
        self.start_databases()
        self.start_vswitchd("--enable-dummy=override", "--disable-system", "--disable-system-route", "-vfile:warn")
        self.start_northd()
        self.start_controller()
        rig.wait_for(lambda: self.run("ovs-vsctl", "--no-wait", "br-exists", "br-int", check=False).returncode == 0, "br-int")
        for line in commands.strip().splitlines():
            self.run("ovn-nbctl", *[quoted(word) for word in shlex.split(line)])
        self.run("ovn-nbctl", "lsp-add", "sw0", "sentinel", "--", "lsp-set-addresses", "sentinel", f"{SENTINEL_MAC} {SENTINEL_IP}")
        add = []
        for port in [*ports, "sentinel"]:
            add += ["--", "add-port", "br-int", f"v-{port}", "--", "set", "Interface", f"v-{port}", f"external_ids:iface-id={port}",
                    f"options:tx_pcap={self.dir}/{port}.pcap"]
        self.run("ovs-vsctl", *add[1:])
        self.run("ovn-nbctl", "--timeout=20", "--wait=hv", "sync")
        rig.wait_for(lambda: all(self.run("ovn-nbctl", "lsp-get-up", p).strip() == "up" for p in [*ports, "sentinel"]), "ports up")
        self.run("ovn-nbctl", "--timeout=20", "--wait=hv", "sync")
        self.control = control.Control(f"{self.dir}/vswitchd.ctl")
        self.seen = {p: 0 for p in ports}
        self.seen["sentinel"] = 0
        self.asked = 0

    def receive(self, port, packet):
        answer = self.control("netdev-dummy/receive", f"v-{port}", packet.hex())
        if answer.get("error"):
            raise rig.Failure(f"netdev-dummy/receive: {answer['error']}")

    def sent(self, port):
        return read_pcap(f"{self.dir}/{port}.pcap")

    def new(self):
        """What came out of the ports since the last time: {port: [packet]}."""
        out = {}
        for port in self.ports:
            packets = self.sent(port)
            if len(packets) > self.seen[port]:
                out[port] = packets[self.seen[port]:]
            self.seen[port] = len(packets)
        return out

    def ask(self, port, packet):
        """The packets that came out of every port because of this one."""
        self.receive(port, packet)
        return self.settle()

    def settle(self):
        """Waits until all that was asked so far is answered, and returns what came out of the ports.

        What the controller sends back into the pipeline may come to it again (a DHCP release to a router: its
        options, then the ICMP error), behind the sentinel of the first time: so one for each time that happens.
        """
        for _ in range(TIMES_AT_THE_CONTROLLER):
            self.pass_sentinel()
        return {port: kept for port, packets in self.new().items() if (kept := [p for p in packets if not self.is_sentinel(p)])}

    def pass_sentinel(self):
        asker = self.ports[0]
        self.asked += 1
        src = f"fe80::9:{self.asked:x}"
        self.receive(asker, solicitation(MACS[asker], src, SENTINEL_IP))
        rig.wait_for(lambda: any(self.is_sentinel(p) and p[38:54] == ip(src) for p in self.sent(asker)), "the answer to a solicitation")

    def is_sentinel(self, packet):
        return len(packet) >= 78 and packet[54] == 136 and packet[62:78] == ip(SENTINEL_IP)
