"""How many megaflows there may be, and how long they stay: flow-limit, max-idle and upcall/show, beside Debian's."""
import re
import struct

import control
import packets as p
import rig
import twins

LIMIT = 1000


def frame(port):
    return p.frame("10.0.0.1", "10.0.0.2", 17, struct.pack(">HHHH", 1, port, 8, 0))


class Crowded(rig.Rig):
    """A switch with a limit, whose flow makes a megaflow for each UDP port and sends the packet out of p2."""

    def __init__(self, weft):
        super().__init__(weft=weft, name="limit")
        self.start_databases("conf")
        self.start_vswitchd("--enable-dummy=override", "--disable-system")
        self.control = control.Control(f"{self.dir}/vswitchd.ctl")
        self.run("ovs-vsctl", "set", "open_vswitch", ".", f"other_config:flow-limit={LIMIT}", "--", "add-br", "br0", "--", "set", "bridge", "br0", "fail-mode=secure",
                 "--", "add-port", "br0", "p1", "--", "set", "interface", "p1", "type=dummy", "ofport_request=1",
                 "--", "add-port", "br0", "p2", "--", "set", "interface", "p2", "type=dummy", "ofport_request=2", f"options:tx_pcap={self.dir}/p2.pcap")
        self.run("ovs-ofctl", "add-flow", f"unix:{self.dir}/br0.mgmt", "udp,actions=move:NXM_OF_UDP_DST[]->NXM_NX_REG0[0..15],output:NXM_NX_REG1[],2")

    def ask(self, *words):
        return self.control(*words)["result"]

    def send(self, ports):
        for port in ports:
            self.ask("netdev-dummy/receive", "p1", frame(port).hex())

    def flows(self):
        return sum("recirc_id" in line for line in self.ask("dpctl/dump-flows").splitlines())

    def warned(self):
        with open(f"{self.dir}/ovs-vswitchd.log") as log:
            return f"upcall: datapath reached the dynamic limit of {LIMIT} flows." in log.read()


def crowd():
    """Beyond the limit packets pass without megaflows of their own; dumps, the log and upcall/show say so"""
    with Crowded({"ovs-vswitchd"}) as weft, Crowded(()) as debian:
        weft.ask("time/stop")
        rig.wait_for(lambda: f"(limit {LIMIT})" in debian.ask("upcall/show"), "the setting at Debian's")
        sent = LIMIT + 300
        weft.send(range(sent))
        rig.wait_for(lambda: len(twins.packets(f"{weft.dir}/p2.pcap")) == sent, "all packets")
        assert weft.warned()
        debian.send(range(sent))  # whose threads may lose some
        assert weft.flows() == LIMIT, weft.flows()
        rig.wait_for(lambda: debian.flows() <= LIMIT, "Debian's limit")
        text = weft.ask("upcall/show")
        assert re.search(rf"\(current {LIMIT}\) \(avg \d+\) \(max {LIMIT}\) \(limit {LIMIT}\)", text), text
        # Those that nobody uses go, and make room; those that are used stay.
        weft.run("ovs-vsctl", "set", "open_vswitch", ".", "other_config:max-idle=3000")
        for _ in range(8):
            weft.ask("time/warp", "500")
            weft.send(range(10))
        rig.wait_for(lambda: weft.flows() == 10, "the flows that are used")
        weft.send((5000, 5001))
        assert weft.flows() == 12, weft.flows()
        # A lower limit counts at once: the surplus that nobody uses goes soon, whatever max-idle is.
        weft.run("ovs-vsctl", "set", "open_vswitch", ".", "other_config:max-idle=100000")
        weft.send(range(100, 300))
        assert weft.flows() == 212, weft.flows()
        weft.ask("upcall/set-flow-limit", "50")
        for _ in range(5):
            weft.ask("time/warp", "500")
        rig.wait_for(lambda: weft.ask("time/warp", "200") and weft.flows() <= 50, "a smaller crowd")
        weft.send(range(400, 500))
        assert weft.flows() <= 50, weft.flows()


if __name__ == "__main__":
    rig.main(crowd)
