"""Devices as ports of the userspace datapath: what is sent in bursts arrives as it was sent, whatever is joined and cut on the way."""
import os
import random
import signal
import socket
import struct
import sys
import time

import rig
import traffic
from overlay import Host, sh

PORTS = (9000, 9001, 9002)
BELOW_SOCKETS = 6081  # what goes to it is not joined


class Net:
    """A host with Weft's switch, br0 of type netdev, and two guests: a behind pa, b behind pb."""

    def __init__(self, *settings, trunk=False):
        self.prefix = f"w{os.getpid()}u"
        self.settings, self.trunk = settings, trunk

    def __enter__(self):
        host = self.host = Host(self, "h", 1, {"ovs-vswitchd", "ovs-ofctl"})
        host.datapath_type = "netdev"
        host.start_databases("conf")
        host.start_vswitchd()
        host.bridge("br0")
        bridges = ["br0", "br0"]
        if self.trunk:  # the guests' bridges are joined by a cable with tags
            host.bridge("br1")
            bridges[1] = "br1"
            host.sh("ip", "link", "add", "ta", "type", "veth", "peer", "name", "tb")
            for device, bridge in zip(("ta", "tb"), bridges):
                host.sh("ip", "link", "set", device, "up")
                host.run("ovs-vsctl", "add-port", bridge, device)
        for name, bridge, number in zip(("pa", "pb"), bridges, (1, 2)):
            host.guest(bridge, name, f"10.7.0.{number}/24", f"fd07::{number}/64")
            if self.trunk:
                host.run("ovs-vsctl", "set", "port", name, "tag=5")
            for setting in self.settings:
                host.run("ovs-vsctl", "set", "interface", name, setting)
        self.a, self.b = host.guests["pa"], host.guests["pb"]
        for address in ("10.7.0.2", "fd07::2"):
            rig.wait_for(lambda: sh("ping", "-c1", "-W1", address, ns=self.a, check=False).returncode == 0, f"a ping of {address}")
        return self

    def __exit__(self, kind, value, trace):
        if kind is not None:
            self.host.show_logs()
        self.host.stop()

    def frames(self):
        """That b's device has received."""
        return int(sh("cat", "/sys/class/net/eth0/statistics/rx_packets", ns=self.b))

    def processor_time(self):
        """Seconds that the switch has used."""
        with open(f"/proc/{self.host.pids['ovs-vswitchd']}/stat") as f:
            fields = f.read().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def sent(self):
        """Packets that the switch has sent to b."""
        text = self.host.run("ovs-ofctl", "dump-ports", "br1" if self.trunk else "br0", "pb")
        return int(text.split("tx pkts=")[1].split(",")[0])


def receive(address, count, pipe):
    """Datagrams by port, until there are `count`."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    got = {}
    sockets = []
    for port in (*PORTS, BELOW_SOCKETS):
        s = socket.socket(family, socket.SOCK_DGRAM)
        s.setsockopt(socket.SOL_SOCKET, traffic.SO_RCVBUFFORCE, 8 << 20)
        s.bind((address, port))
        s.settimeout(5)
        sockets.append((port, s))
    os.write(pipe, b"y")
    for port, s in sockets:
        got[port] = []
        for _ in range(count[port]):
            try:
                got[port].append(s.recv(65536))
            except TimeoutError:
                break
    blob = b"".join(struct.pack(">HH", port, len(one)) + one for port, all_of in got.items() for one in all_of)
    with os.fdopen(pipe, "wb") as out:
        out.write(blob)


def burst(net, address, datagrams):
    """Sends (port, bytes) at once, while the switch holds its breath; what b has got, by port."""
    count = {port: sum(1 for p, _ in datagrams if p == port) for port in (*PORTS, BELOW_SOCKETS)}
    reader, writer = os.pipe()
    children = [traffic.process(net.b, lambda: receive(address, count, writer))]
    os.close(writer)
    assert os.read(reader, 1) == b"y"

    def send():
        sockets = {}
        for port in count:
            s = sockets[port] = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_DGRAM)
            s.connect((address, port))
        for port, data in datagrams:
            sockets[port].send(data)

    pid = net.host.pids["ovs-vswitchd"]
    os.kill(pid, signal.SIGSTOP)
    try:
        sender = traffic.process(net.a, send)
        os.waitpid(sender, 0)
    finally:
        os.kill(pid, signal.SIGCONT)
    with os.fdopen(reader, "rb") as source:
        blob = source.read()
    for child in children:
        os.waitpid(child, 0)
    got, at = {port: [] for port in count}, 0
    while at < len(blob):
        port, size = struct.unpack_from(">HH", blob, at)
        got[port].append(blob[at + 4:at + 4 + size])
        at += 4 + size
    return got


def check_burst(net, address, datagrams, what):
    before, sent = net.frames(), net.sent()
    got = burst(net, address, datagrams)
    for port in got:
        expected = [data for p, data in datagrams if p == port]
        if got[port] != expected:
            wrong = next((i for i, (x, y) in enumerate(zip(got[port], expected)) if x != y), min(len(got[port]), len(expected)))
            raise rig.Failure(f"{what}: port {port}: {len(got[port])} of {len(expected)} datagrams, the first difference at {wrong}")
    frames, counted = net.frames() - before, net.sent() - sent
    if not net.trunk and not len(datagrams) <= counted <= len(datagrams) + 20:  # over a cable they come joined
        raise rig.Failure(f"{what}: the switch says that it has sent {counted} packets, {len(datagrams)} were")
    return frames


def random_burst(rng, size=None):
    out = []
    for number in range(900):
        port = rng.choice(PORTS)
        length = size or (rng.choice((18, 18, 18, 300, 1400)) if rng.random() < 0.9 else rng.randrange(5, 1400))
        out.append((port, struct.pack(">I", number) + rng.randbytes(length - 4)))
    return out


def bursts(net):
    rng = random.Random(os.environ.get("WEFT_SEED", "1"))
    for address in ("10.7.0.2", "fd07::2"):
        frames = check_burst(net, address, random_burst(rng, 18), f"equal datagrams to {address}")
        if not frames < 900 / 10:
            raise rig.Failure(f"900 datagrams of three flows to {address} crossed b's device in {frames} packets")
        check_burst(net, address, random_burst(rng), f"datagrams of any size to {address}")
    frames = check_burst(net, "10.7.0.2", [(BELOW_SOCKETS, b"%018d" % n) for n in range(100)], "a tunnel's datagrams")
    if frames < 100:
        raise rig.Failure(f"100 datagrams to a tunnel's port crossed b's device in {frames} packets")


def joined():
    """datagrams in bursts, also those that are joined, arrive as they were and in order, over IPv4 and IPv6; they are counted one by one"""
    with Net() as net:
        bursts(net)


def tagged():
    """the same over a cable with VLAN tags"""
    with Net(trunk=True) as net:
        bursts(net)


def tcp(net, size):
    """Sends so many bytes from a to b; the packets that b's device received meanwhile."""
    data = random.Random(3).randbytes(1 << 20) * (size >> 20)
    reader, writer = os.pipe()

    def serve():
        got = bytearray()
        try:
            with socket.create_server(("10.7.0.2", 7000)) as listener:
                listener.settimeout(10)
                os.write(writer, b"y")
                s, _ = listener.accept()
                s.settimeout(5)
                while len(got) < len(data):
                    piece = s.recv(1 << 20)
                    if not piece:
                        break
                    got += piece
        finally:
            os.write(writer, b"=" if got == data else b"!")

    def send():
        with socket.create_connection(("10.7.0.2", 7000), timeout=10) as s:
            s.sendall(data)
            s.shutdown(socket.SHUT_WR)
            s.recv(1)

    child = traffic.process(net.b, serve)
    assert os.read(reader, 1) == b"y"
    before = net.frames()
    sender = traffic.process(net.a, send)
    answer = os.read(reader, 1)
    for pid in (child, sender):
        os.waitpid(pid, 0)
    os.close(reader)
    os.close(writer)
    if answer != b"=":
        raise rig.Failure(f"{size} bytes by TCP arrived otherwise")
    return net.frames() - before


def long_frames():
    """TCP's super-packets and large datagrams, longer than a slot of the ring, come through whole"""
    with Net() as net:
        if tcp(net, 8 << 20) > 2000:
            raise rig.Failure("8 MB by TCP came without super-packets")
        large = [(PORTS[0], bytes([n]) * 60000) for n in range(20)]
        if burst(net, "10.7.0.2", large)[PORTS[0]] != [data for _, data in large]:
            raise rig.Failure("datagrams of 60,000 bytes arrived otherwise")


def check_link_down(net, what):
    """Each port's device goes down under a stream and comes back."""
    def stream():
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
            end = time.monotonic() + 30
            while time.monotonic() < end:
                try:
                    s.sendto(b"x", ("10.7.0.2", 9))
                except OSError:  # its own device has no carrier
                    pass
                time.sleep(0.01)

    sender = traffic.process(net.a, stream)
    try:
        for name in ("pa", "pb"):
            net.host.sh("ip", "link", "set", name, "down")
            time.sleep(0.3)
            before = net.processor_time()
            time.sleep(1.5)
            if net.processor_time() - before > 0.3:
                raise rig.Failure(f"{what}: {net.processor_time() - before:.2f} s of processor time in 1.5 s with {name} down")
            net.host.sh("ip", "link", "set", name, "up")
            rig.wait_for(lambda: sh("ping", "-c1", "-W1", "10.7.0.2", ns=net.a, check=False).returncode == 0, f"{what}: a ping with {name} up again")
    finally:
        os.kill(sender, signal.SIGKILL)
        os.waitpid(sender, 0)


def link_down():
    """devices that go down under traffic cost no processor time, and carry again once they are up: by the switch's thread, by a packet thread, by AF_XDP"""
    with Net() as net:
        check_link_down(net, "the switch's thread")
        processor = min(os.sched_getaffinity(0))
        net.host.run("ovs-vsctl", "set", "Open_vSwitch", ".", f"other_config:pmd-cpu-mask={1 << processor:x}")
        check_link_down(net, "a packet thread")
    with Net("type=afxdp") as net:
        check_link_down(net, "AF_XDP")


def afxdp():
    """afxdp ports, driver's and generic program: pings, bursts that arrive as they were, TCP; what the kernel refuses is told"""
    with Net("type=afxdp") as net:
        log = os.path.join(net.host.dir, "ovs-vswitchd.log")

        def mode(name):
            with open(log) as f:
                return f.read().count(f"AF_XDP in {name} mode")
        if not mode("native"):
            raise rig.Failure("best-effort did not choose the veth driver's own program")
        for kind in ("native", "generic"):
            before = mode(kind)
            for name in ("pa", "pb"):
                net.host.run("ovs-vsctl", "set", "interface", name, f"options:xdp-mode={kind}")
            rig.wait_for(lambda: mode(kind) >= before + 2, f"both ports in {kind} mode")
            for ns in (net.a, net.b):  # what the generic program is given whole does not fit a frame
                sh("ethtool", "-K", "eth0", "tso", "off", "gso", "off", ns=ns)
            for address in ("10.7.0.2", "fd07::2"):
                rig.wait_for(lambda: sh("ping", "-c1", "-W1", address, ns=net.a, check=False).returncode == 0, f"{kind}: a ping of {address}")
                check_burst(net, address, random_burst(random.Random(5)), f"{kind}: datagrams to {address}")
            if tcp(net, 4 << 20) < 2000:
                raise rig.Failure("4 MB by TCP came in super-packets, which AF_XDP has not")
        refused("native-with-zerocopy", net, "options:xdp-mode=native-with-zerocopy", "native-with-zerocopy mode: ")
        refused("a mode", net, "options:xdp-mode=fast", 'pa: options:xdp-mode is "fast": it can be best-effort')
        refused("queues", net, "options:n_rxq=50", "queue 1: ", also="options:xdp-mode=native")
        refused("no queue", net, "options:n_rxq=0", 'pa: options:n_rxq is "0": it can be 1 to')
        net.host.run("ovs-vsctl", "set", "interface", "pa", "options:n_rxq=1", "options:use-need-wakeup=false")
        rig.wait_for(lambda: sh("ping", "-c1", "-W1", "10.7.0.2", ns=net.a, check=False).returncode == 0, "a ping after all that was refused")
        net.host.run("ovs-vsctl", "set", "interface", "pa", "type=system", "--", "remove", "interface", "pa", "options", "xdp-mode",
                     "--", "remove", "interface", "pa", "options", "n_rxq", "--", "remove", "interface", "pa", "options", "use-need-wakeup")
        rig.wait_for(lambda: sh("ping", "-c1", "-W1", "10.7.0.2", ns=net.a, check=False).returncode == 0, "a ping by a system port")
        if "xdp" in net.host.sh("ip", "link", "show", "pa"):
            raise rig.Failure("the XDP program is still at pa")
        # The default datapath's packets are the kernel's: it has no such ports.
        net.host.sh("ip", "link", "add", "pz", "type", "veth", "peer", "name", "qz")
        net.host.run("ovs-vsctl", "add-br", "br9", "--", "set", "bridge", "br9", "datapath_type=system", "--", "add-port", "br9", "pz",
                     "--", "set", "interface", "pz", "type=afxdp")
        rig.wait_for(lambda: "datapath_type=netdev" in net.host.run("ovs-vsctl", "get", "interface", "pz", "error"), "an error of pz")


def overrun():
    """Frames that come while there is no room for them are counted as dropped"""
    with Net() as net:
        def flood():
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
                for _ in range(4000):
                    s.sendto(b"x", ("10.7.0.2", 9))

        def counted():
            text = net.host.run("ovs-ofctl", "dump-ports", "br0", "pa")
            return [int(text.split(key)[1].split(",")[0]) for key in ("rx pkts=", "drop=")]

        before = counted()
        pid = net.host.pids["ovs-vswitchd"]
        os.kill(pid, signal.SIGSTOP)
        try:
            os.waitpid(traffic.process(net.a, flood), 0)
        finally:
            os.kill(pid, signal.SIGCONT)
        sh("ping", "-c1", "-W1", "10.7.0.2", ns=net.a)
        packets, dropped = (now - then for now, then in zip(counted(), before))
        if not 1000 < dropped < 4000 or not 4000 <= packets + dropped < 4100:
            raise rig.Failure(f"of 4000 and a few frames {packets} were received and {dropped} dropped")


def refused(what, net, setting, expected, also=None):
    net.host.run("ovs-vsctl", "set", "interface", "pa", *([also] if also else []), setting)
    rig.wait_for(lambda: expected in net.host.run("ovs-vsctl", "get", "interface", "pa", "error").replace('\\"', '"'),
                 f"{what}: an error of pa with {expected}; it is {net.host.run('ovs-vsctl', 'get', 'interface', 'pa', 'error')}")


if __name__ == "__main__":
    rig.main(joined, tagged, long_frames, overrun, link_down, afxdp)
