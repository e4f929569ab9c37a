"""Traffic between two network namespaces, counted at both ends, each end in a process of its own.

    with Datagrams(ns_a, ns_b, "10.0.0.2", rate=10000) as numbered, Stream(ns_a, ns_b, "10.0.0.2") as stream:
        ...
    numbered.lost(), stream.resent

A sender that was held up sends at most BURST datagrams at once when it goes on: what is measured is the way
between, not how much the kernel's queues hold.
"""
import ctypes
import mmap
import os
import random
import signal
import socket
import struct
import sys
import time

import rig

BURST = 200
SO_RCVBUFFORCE, SO_MAX_PACING_RATE = 33, 47
CLONE_NEWNET = 0x40000000


def enter(ns):
    with open(f"/run/netns/{ns}") as f:
        if ctypes.CDLL(None, use_errno=True).setns(f.fileno(), CLONE_NEWNET):
            raise OSError(ctypes.get_errno(), f"entering {ns}")


def process(ns, function):
    """The pid of a child that runs function() in the namespace until it is killed."""
    pid = os.fork()
    if pid:
        return pid
    status = 1
    try:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        enter(ns)
        function()
        status = 0
    except BaseException as problem:  # whatever it is, the child must not return into the test
        sys.stderr.write(f"{ns}: {type(problem).__name__}: {problem}\n")
    os._exit(status)


class Traffic:
    """Two children, and words of memory that they share with the test: numbers that only grow."""

    def __init__(self, words):
        self.memory = mmap.mmap(-1, 8 * words)
        self.words = memoryview(self.memory).cast("Q")
        self.pids = []

    def __enter__(self):
        self.pids.append(process(self.to, self.receive))
        rig.wait_for(lambda: self.words[0], "the receiver")
        self.pids.append(process(self.source, self.send))
        return self

    def __exit__(self, *_):
        self.end()

    def end(self):
        for pid in reversed(self.pids):
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
        self.pids = []


class Datagrams(Traffic):
    """Numbered UDP datagrams from `source` to `to` at a steady rate."""

    def __init__(self, source, to, address, rate, port=7777, most=2_000_000):
        super().__init__(4)  # ready, sent, received, ending
        self.source, self.to, self.address, self.rate, self.port = source, to, address, rate, port
        self.seen = mmap.mmap(-1, most)

    def receive(self):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
            s.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 64 << 20)
            s.bind((self.address, self.port))
            self.words[0] = 1
            buffer = bytearray(64)
            while True:
                s.recv_into(buffer)
                self.seen[int.from_bytes(buffer[:8], "big")] = 1
                self.words[2] += 1

    def send(self):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
            s.connect((self.address, self.port))
            start, number, behind = time.monotonic(), 0, 0
            while not self.words[3]:
                due = int((time.monotonic() - start) * self.rate) - behind
                if due - number > BURST:  # what could not be sent in time is not sent
                    behind += due - number - BURST
                    due = number + BURST
                while number < due:
                    s.send(number.to_bytes(8, "big"))
                    number += 1
                    self.words[1] = number
                time.sleep(0.001)
            self.words[3] = 2
            signal.pause()

    def sent(self):
        return self.words[1]

    def received(self):
        return self.words[2]

    def lost(self):
        """The numbers that did not arrive; ends the sending."""
        self.words[3] = 1
        rig.wait_for(lambda: self.words[3] == 2, "the sender to end")
        sent = self.sent()
        end = time.monotonic() + 2
        while self.seen.rfind(b"\1", sent - 1, sent) < 0 and time.monotonic() < end:
            time.sleep(0.05)
        time.sleep(0.2)
        return [n for n in range(sent) if not self.seen[n]]


class Stream(Traffic):
    """A TCP connection that `source` opens to `to` and sends by, or with `back` receives by.

    `rate` in bytes a second, None: as fast as it goes.
    """

    def __init__(self, source, to, address, rate=None, port=7778, back=False):
        super().__init__(4)  # ready, received, resent segments
        self.source, self.to, self.address, self.rate, self.port, self.back = source, to, address, rate, port, back

    def receive(self):
        with socket.create_server((self.address, self.port)) as server:
            self.words[0] = 1
            connection, _ = server.accept()
            self.use(connection, self.back)

    def send(self):
        with socket.create_connection((self.address, self.port), 10) as connection:
            connection.settimeout(None)
            self.use(connection, not self.back)

    def use(self, connection, sends):
        if not sends:
            buffer = bytearray(1 << 18)
            while count := connection.recv_into(buffer):
                self.words[1] += count
            return
        if self.rate:
            connection.setsockopt(socket.SOL_SOCKET, SO_MAX_PACING_RATE, self.rate)
        data = bytes(1 << 16)
        while True:
            connection.sendall(data)
            info = connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 104)
            self.words[2] = struct.unpack_from("=I", info, 100)[0]  # tcpi_total_retrans

    def received(self):
        return self.words[1]

    @property
    def resent(self):
        return self.words[2]


class Flood(Traffic):
    """UDP packets with random addresses and ports from the eth0 of `source`, `count` at a steady rate; nobody receives them.

    `same`: all of one five-tuple, for comparison.
    """

    def __init__(self, source, source_mac, to_mac, count, rate, seed, same=False):
        super().__init__(4)  # ready, sent
        self.source = self.to = source
        self.macs = bytes.fromhex((to_mac + source_mac).replace(":", ""))
        self.count, self.rate, self.seed, self.same = count, rate, seed, same

    def receive(self):
        self.words[0] = 1
        signal.pause()

    def send(self):
        bits = random.Random(self.seed)
        ip = struct.pack(">BBHHHBB", 0x45, 0, 46, 0, 0, 64, socket.IPPROTO_UDP)
        fixed = sum(struct.unpack(">5H", ip))
        tuples = None
        with socket.socket(socket.AF_PACKET, socket.SOCK_RAW) as s:
            s.bind(("eth0", 0))
            start = time.monotonic()
            for number in range(self.count):
                if number % 32 == 0:
                    wait = start + number / self.rate - time.monotonic()
                    if wait > 0:
                        time.sleep(wait)
                # The same work for packets of one five-tuple: only what it does to others is to differ.
                fresh = struct.pack(">IIHH", 0x0a000000 | bits.getrandbits(16), 0x0a010000 | bits.getrandbits(16),
                                    1 + bits.getrandbits(15), 1 + bits.getrandbits(15))
                if not (self.same and tuples):
                    tuples = fresh
                total = fixed + sum(struct.unpack(">4H", tuples[:8]))
                total = (total & 0xffff) + (total >> 16)
                check = ~((total & 0xffff) + (total >> 16)) & 0xffff
                s.send(self.macs + b"\x08\x00" + ip + struct.pack(">H", check) + tuples + b"\x00\x1a\x00\x00" + bytes(18))
                self.words[1] = number + 1
        self.words[3] = 1
        signal.pause()

    def sent(self):
        return self.words[1]

    def done(self):
        return self.words[3]
