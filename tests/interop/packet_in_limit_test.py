"""Limits of packets to controllers, beside Debian's: how many get through, in which order, and what Controller:status says of them."""
import re
import socket
import struct
import threading
import time

import control
import packets as p
import rig
import twins


class Controller:
    """Counts packet-ins of one switch by the port that they came in by; speaks just enough of OpenFlow 1.0."""

    def __init__(self, path):
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(path)
        self.listener.listen(1)
        self.ports, self.ready, self.hold = [], threading.Event(), False
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def run(self):
        peer = self.listener.accept()[0]
        peer.sendall(struct.pack(">BBHI", 1, 0, 8, 1))
        data = b""
        while True:
            while self.hold:
                time.sleep(0.01)
            try:
                more = peer.recv(65536)
            except OSError:
                return
            if not more:
                return
            data += more
            while len(data) >= 8:
                kind, size, xid = struct.unpack(">xBHI", data[:8])
                if len(data) < size:
                    break
                message, data = data[:size], data[size:]
                if kind == 0:
                    peer.sendall(struct.pack(">BBHIHH", 1, 9, 12, 2, 0, 128))
                    peer.sendall(struct.pack(">BBHI", 1, 18, 8, 3))
                elif kind == 2:
                    peer.sendall(struct.pack(">BBHI", 1, 3, 8, xid))
                elif kind == 19:
                    self.ready.set()
                elif kind == 10:
                    self.ports.append(struct.unpack(">H", message[14:16])[0])


def limits():
    """A burst goes at once, as much waits, ports take turns; the rest is dropped and counted; without a limit nothing is said"""
    with twins.Twins("pktin") as pair:
        controllers = [Controller(f"{each.dir}/c") for each in pair.rigs]
        words = ["add-br", "br0", "--", "set", "bridge", "br0", "fail-mode=secure", "protocols=OpenFlow10"]
        for n in (1, 2, 3):
            words += ["--", "add-port", "br0", f"p{n}", "--", "set", "interface", f"p{n}", "type=dummy", f"ofport_request={n}"]
        pair.vsctl(*words, "--", "set-controller", "br0", "unix:{dir}/c", "--", "set", "controller", "br0", "controller_rate_limit=100", "controller_burst_limit=25", "inactivity_probe=0")
        for controller in controllers:
            rig.wait_for(lambda: pair.warp(100) or controller.ready.is_set(), "the connection")
        pair.warp(1000)

        def send(port, count, start=0):
            for i in range(count):
                frame = p.frame("10.0.0.1", "10.0.0.2", 17, struct.pack(">HHHH", start + i, 7, 8, 0))
                pair.appctl("netdev-dummy/receive", f"p{port}", frame.hex())

        def status(i):
            text = pair.rigs[i].run("ovs-vsctl", "get", "controller", "br0", "status")
            return re.findall(r"packet-in-(\w+)-(\w+)=\"(\d+)\"", text)

        def counts(i):
            ports = controllers[i].ports
            return [ports.count(n) for n in (1, 2, 3)]

        def weft(what, expected):
            got = []
            try:
                rig.wait_for(lambda: got.append(what(0)) or got[-1] == expected, "", 10)
            except rig.Failure:
                raise rig.Failure(f"{what.__name__}: {got[-1]} in place of {expected}") from None
        send(1, 100)
        weft(counts, [25, 0, 0])
        rig.wait_for(lambda: counts(1)[0] >= 25, "Debian's")
        send(2, 5)
        send(3, 2)
        pair.warp(1000, 50)
        weft(counts, [43, 5, 2])
        # How many of the first port get through depends on how Debian's threads are scheduled, those of the others do not.
        rig.wait_for(lambda: counts(1)[1:] == [5, 2], "Debian's turns")
        for controller in controllers:
            first = min(controller.ports.index(2), controller.ports.index(3)) - 1
            turns = controller.ports[first:]
            assert turns[:6].count(2) >= 2 and turns[:6].count(3) == 2, turns
        # A flow that sends to the controller is counted apart.
        pair.vsctl("set", "controller", "br0", "controller_burst_limit=30")
        for each in pair.rigs:
            each.run("ovs-ofctl", "add-flow", f"unix:{each.dir}/br0.mgmt", "in_port=3,actions=controller:60")
        pair.warp(1000, 100)
        send(3, 40, start=1000)
        weft(counts, [43, 5, 32])
        pair.warp(2000, 100)
        weft(counts, [43, 5, 42])
        pair.warp(5000, 500)
        weft(status, [("action", "backlog", "0"), ("action", "bypassed", "30"), ("action", "dropped", "0"), ("action", "queued", "10"),
                      ("miss", "backlog", "0"), ("miss", "bypassed", "25"), ("miss", "dropped", "57"), ("miss", "queued", "82")])
        theirs = rig.wait_for(lambda: status(1), "Debian's status")
        assert [(kind, name) for kind, name, _ in theirs] == [(kind, name) for kind, name, _ in status(0)], theirs
        assert sum(int(n) for kind, name, n in theirs if kind == "miss" and name in ("bypassed", "queued")) == 107, theirs
        pair.vsctl("clear", "controller", "br0", "controller_rate_limit")
        pair.warp(6000, 500)
        weft(status, [])
        before = [counts(i)[0] for i in (0, 1)]
        send(1, 90, start=2000)
        for i in (0, 1):
            rig.wait_for(lambda: counts(i)[0] == before[i] + 90, "all packets without a limit")


def waiting():
    """As many as controller_queue_size wait for a controller that does not read; the rest is dropped, and the switch goes on"""
    with rig.Rig(weft={"ovs-vswitchd"}, name="queue") as r:
        r.start_databases("conf")
        r.start_vswitchd("--enable-dummy=override", "--disable-system")
        ask = control.Control(f"{r.dir}/vswitchd.ctl")
        controller = Controller(f"{r.dir}/c")
        r.run("ovs-vsctl", "add-br", "br0", "--", "set", "bridge", "br0", "fail-mode=secure", "protocols=OpenFlow10", "--", "add-port", "br0", "p1", "--", "set", "interface", "p1", "type=dummy", "ofport_request=1",
              "--", "set-controller", "br0", f"unix:{r.dir}/c", "--", "set", "controller", "br0", "inactivity_probe=0")
        rig.wait_for(controller.ready.is_set, "the connection")
        frame = p.frame("10.0.0.1", "10.0.0.2", 17, struct.pack(">HHHH", 1, 7, 8, 0)).hex()

        def through(size):
            r.run("ovs-vsctl", "set", "controller", "br0", f"controller_queue_size={size}")
            before = len(controller.ports)
            controller.hold = True
            for _ in range(1500):
                ask("netdev-dummy/receive", "p1", frame)
            controller.hold = False
            last = -1
            while last != len(controller.ports):
                last = len(controller.ports)
                time.sleep(0.2)
            return last - before
        few, many = through(10), through(500)
        assert few < 1500 and 480 <= many - few <= 500, (few, many)


if __name__ == "__main__":
    rig.main(limits, waiting)
