"""Packets flow on while a switch with the eBPF datapath is killed, ended and started again: none is lost."""
import ctypes
import os
import select
import signal
import socket
import subprocess
import sys
import threading
import time

import rig

PREFIX = f"wer{os.getpid()}"
HOST, A, B = PREFIX + "h", PREFIX + "a", PREFIX + "b"
RATE = 1000  # packets a second


def kernel_loads_programs():
    """Whether this kernel takes TC programs at all (libbpf asks it)."""
    return ctypes.CDLL("libbpf.so.1").libbpf_probe_bpf_prog_type(3, None) == 1  # BPF_PROG_TYPE_SCHED_CLS


def sh(command):
    subprocess.run(["sh", "-ec", command], check=True)


def inside(ns, function):
    """function() by a thread whose network namespace is `ns`."""
    def run():
        with open(f"/run/netns/{ns}") as f:
            libc().setns(f.fileno(), 0x40000000)
        function()
    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    return thread


def libc():
    import ctypes
    return ctypes.CDLL(None, use_errno=True)


class Stream:
    """Numbered datagrams from A to B."""

    def __init__(self):
        self.sent, self.seen, self.ending = 0, set(), False
        self.ready = threading.Event()
        self.threads = [inside(B, self.receive), inside(A, self.send)]

    def receive(self):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
            s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 22)
            s.bind(("10.8.0.2", 7777))
            self.ready.set()
            while True:
                if select.select([s], [], [], 1)[0]:
                    self.seen.add(int(s.recv(100)))
                elif self.ending:
                    return

    def send(self):
        self.ready.wait()
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
            s.connect(("10.8.0.2", 7777))
            while not self.ending:
                try:
                    s.send(b"%d" % self.sent)
                except OSError as problem:
                    sys.stderr.write(f"send: {problem}\n")
                self.sent += 1
                time.sleep(1 / RATE)

    def end(self):
        self.ending = True
        for thread in self.threads:
            thread.join()


def taken_over(r, times):
    with open(os.path.join(r.dir, "ovs-vswitchd.log")) as f:
        return f.read().count("ports taken over") == times


def main():
    try:
        for ns in (HOST, A, B):
            sh(f"ip netns add {ns}; ip -n {ns} link set lo up")
        for number, (ns, port) in enumerate(((A, "pa"), (B, "pb")), 1):
            sh(f"ip link add eth0 netns {ns} address 02:00:00:00:00:0{number} type veth peer name {port} netns {HOST};"
               f"ip -n {HOST} link set {port} up; ip -n {ns} addr add 10.8.0.{number}/24 dev eth0; ip -n {ns} link set eth0 up;"
               f"ip -n {ns} neigh add 10.8.0.{3 - number} lladdr 02:00:00:00:00:0{3 - number} dev eth0 nud permanent")
        with rig.Rig(weft="all", name="ebpf-restart", netns=HOST) as r:
            r.start_databases("conf")
            r.start_vswitchd()
            r.run("ovs-vsctl", "add-br", "br0", "--", "set", "bridge", "br0", "datapath_type=ebpf", "--", "add-port", "br0", "pa", "--",
                  "add-port", "br0", "pb")
            rig.wait_for(lambda: subprocess.run(["ip", "netns", "exec", A, "ping", "-c1", "-W1", "10.8.0.2"],
                                                stdout=subprocess.DEVNULL).returncode == 0, "a ping")
            stream = Stream()
            rig.wait_for(lambda: len(stream.seen) > 100, "packets")
            flows = r.appctl("ovs-vswitchd", "dpctl/dump-flows", "-m")
            if "offloaded:yes" not in flows:
                raise rig.Failure(f"no flow is in the kernel: {flows}")
            for turn, sig in enumerate((signal.SIGKILL, signal.SIGTERM, signal.SIGKILL), 1):
                before = len(stream.seen)
                r.kill("ovs-vswitchd", sig)
                rig.wait_for(lambda: len(stream.seen) > before + RATE // 4, "packets without a daemon")
                r.start_vswitchd()
                rig.wait_for(lambda: taken_over(r, turn), "the new switch to take over", 40)
                before = len(stream.seen)
                rig.wait_for(lambda: len(stream.seen) > before + RATE // 4, "packets after the start")
            stream.end()
            lost = sorted(set(range(stream.sent)) - stream.seen)
            print(f"{stream.sent} packets sent, {len(lost)} lost {lost[:20]}")
            if lost:
                raise rig.Failure("packets were lost")
    finally:
        for ns in (A, B, HOST):
            subprocess.run(["ip", "netns", "del", ns], check=False)


if not kernel_loads_programs():
    print("skipped: this kernel lets nobody load programs")
    sys.exit(0)
main()
