"""Packet threads of the userspace datapath: what they carry while all changes around them, what they say of themselves, and that they sleep."""
import argparse
import os
import random
import re
import socket
import struct
import time

import overlay
import rig
import traffic
import userspace_ports_test as ports
from overlay import sh

PROCESSORS = sorted(os.sched_getaffinity(0))[:2]
MASK = f"0x{sum(1 << n for n in PROCESSORS):x}"


def appctl(host, *command):
    return host.appctl_switch(*command)


def start_threads(host, mask=MASK):
    host.run("ovs-vsctl", "set", "Open_vSwitch", ".", f"other_config:pmd-cpu-mask={mask}")


def received_by_threads(host):
    return [int(n) for n in re.findall(r"packets received: (\d+)", appctl(host, "dpif-netdev/pmd-stats-show"))]


def stream(sender, receiver, address, port, seconds):
    """Numbered datagrams at a steady rate, from one namespace to another: what the receiver got, and how many were sent."""
    reader, writer = os.pipe()

    def receive():
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
            s.setsockopt(socket.SOL_SOCKET, traffic.SO_RCVBUFFORCE, 16 << 20)
            s.bind(("0.0.0.0", port))
            s.settimeout(3)
            os.write(writer, b"y")
            got = []
            try:
                while True:
                    got.append(struct.unpack(">I", s.recv(100)[:4])[0])
            except TimeoutError:
                pass
        late = sum(1 for a, b in zip(got, got[1:]) if b < a)
        os.write(writer, struct.pack(">III", len(got), len(set(got)), late))

    def send():
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
            s.connect((address, port))
            number, end = 0, time.monotonic() + seconds
            while time.monotonic() < end:
                for _ in range(20):
                    s.send(struct.pack(">I", number) + b"x" * 14)
                    number += 1
                time.sleep(0.002)
        os.write(writer, struct.pack(">I", number))

    children = [traffic.process(receiver, receive)]
    assert os.read(reader, 1) == b"y"
    children.append(traffic.process(sender, send))
    os.close(writer)

    def result():
        with os.fdopen(reader, "rb") as source:
            sent, count, distinct, late = struct.unpack(">IIII", source.read())
        for child in children:
            os.waitpid(child, 0)
        return sent, count, distinct, late
    return result


def bursts():
    """datagrams in bursts and TCP over two threads and two queues a port arrive as they were and in order; threads come and go"""
    with ports.Net("options:n_rxq=2") as net:
        start_threads(net.host)
        ports.bursts(net)
        if not sum(received_by_threads(net.host)[:2]) > 3600:
            raise rig.Failure(f"the threads have not carried the bursts: {received_by_threads(net.host)}")
        if ports.tcp(net, 8 << 20) > 2000:
            raise rig.Failure("8 MB by TCP came without super-packets")
        net.host.run("ovs-vsctl", "remove", "Open_vSwitch", ".", "other_config", "pmd-cpu-mask")
        if "core_id" in appctl(net.host, "dpif-netdev/pmd-rxq-show"):
            raise rig.Failure("there are threads without a mask")
        ports.check_burst(net, "10.7.0.2", ports.random_burst(random.Random(7)), "datagrams without threads")


def changes():
    """two streams through tracked connections and a meter, while flows, other ports and the threads' queues change: nothing is lost or late, all is counted"""
    with ports.Net() as net:
        host = net.host
        for name, number in (("pc", 3), ("pd", 4)):
            host.guest("br0", name, f"10.8.0.{number}/24")
        start_threads(host)
        guests = host.guests
        # The addresses are known before what is counted begins.
        rig.wait_for(lambda: sh("ping", "-c1", "-W1", "10.8.0.4", ns=guests["pc"], check=False).returncode == 0, "a ping between the other guests")
        number = {name: host.run("ovs-vsctl", "get", "interface", name, "ofport").strip() for name in ("pa", "pb", "pc", "pd")}
        host.run("ovs-ofctl", "-O", "OpenFlow13", "add-meter", "br0", "meter=1,pktps,stats,band=type=drop,rate=1000000")
        with open(os.path.join(host.dir, "flows"), "w") as f:
            f.write("priority=1 actions=NORMAL\n")
            for port in (9100, 9101):
                f.write(f"priority=9,udp,tp_dst={port} actions=meter:1,ct(commit,zone=5,table=1)\n")
            for a, b in (("pa", "pb"), ("pc", "pd")):
                f.write(f"table=1,priority=9,in_port={number[a]},ct_state=+trk actions=output:{number[b]}\n")
        host.run("ovs-ofctl", "-O", "OpenFlow13", "del-flows", "br0")
        host.run("ovs-ofctl", "-O", "OpenFlow13", "add-flows", "br0", os.path.join(host.dir, "flows"))

        def counted(name):
            return int(host.run("ovs-ofctl", "dump-ports", "br0", name).split("tx pkts=")[1].split(",")[0])
        before = {name: counted(name) for name in ("pb", "pd")}
        all_sent = 0
        results = [stream(guests["pa"], guests["pb"], "10.7.0.2", 9100, 8), stream(guests["pc"], guests["pd"], "10.8.0.4", 9101, 8)]
        host.sh("ip", "link", "add", "px", "type", "veth", "peer", "name", "qx")
        host.sh("ip", "link", "set", "px", "up")
        host.sh("ip", "link", "set", "qx", "up")
        end, turn = time.monotonic() + 6, 0
        while time.monotonic() < end:
            turn += 1
            host.run("ovs-ofctl", "add-flow", "br0", f"table=1,priority={turn % 7 + 20},udp,tp_dst=9100,ip_dst=10.7.0.{2 + turn % 2} actions=output:{number['pb']}")
            host.run("ovs-ofctl", "del-flows", "br0", f"table=1,udp,tp_dst=9100,ip_dst=10.7.0.{2 + (turn + 1) % 2}")
            if turn % 3 == 0:
                host.run("ovs-vsctl", "add-port", "br0", "px")
                sh("ping", "-c3", "-i0.01", "-W1", "10.7.0.2", ns=net.a, check=False)
                host.run("ovs-vsctl", "del-port", "br0", "px")
            if turn % 4 == 0:
                host.run("ovs-vsctl", "set", "interface", "pa", f"other_config:pmd-rxq-affinity=0:{PROCESSORS[turn // 4 % len(PROCESSORS)]}")
            if turn % 5 == 0:
                appctl(host, "dpif-netdev/pmd-rxq-rebalance")
                appctl(host, "revalidator/purge")
        for name, result in zip(("pb", "pd"), results):
            sent, count, distinct, late = result()
            all_sent += sent
            if not sent == count == distinct:
                raise rig.Failure(f"to {name}: {sent} were sent, {count} came, {distinct} of them different")
            # Behind a miss for which the switch takes longer than a thread waits, packets may overtake.
            if late > sent / 100:
                raise rig.Failure(f"to {name}: {late} of {sent} came late")
            if not sent <= counted(name) - before[name] <= sent + 100:
                raise rig.Failure(f"to {name}: {sent} were sent, the port counts {counted(name) - before[name]}")
            print(f"  to {name}: {sent} datagrams, {late} late, {turn} turns of changes")
        text = host.run("ovs-ofctl", "-O", "OpenFlow13", "meter-stats", "br0")
        metered = int(re.search(r"packet_in_count:(\d+)", text)[1])
        rules = host.run("ovs-ofctl", "dump-flows", "br0", "table=0,udp")
        by_rules = sum(int(n) for n in re.findall(r"n_packets=(\d+)", rules))
        if not metered == by_rules == all_sent:
            raise rig.Failure(f"{all_sent} packets were sent, the meter counts {metered}, the rules {by_rules}")
        if not all(n > 1000 for n in received_by_threads(host)[:len(PROCESSORS)]):
            raise rig.Failure(f"not every thread has carried packets: {received_by_threads(host)}")


def tunnels():
    """two hosts with threads and a Geneve tunnel between them: pings, a stream, TCP"""
    with overlay.Cable(mtu=1600) as cable:
        hosts = [cable.host(name, number, {"ovs-vswitchd", "ovs-ofctl"}) for number, name in enumerate("ab", 1)]
        for host, peer in (hosts, hosts[::-1]):
            host.datapath_type = "netdev"
            host.start_switch()
            host.bridge("br0")
            start_threads(host)
            host.guest("br0", f"g{host.number}", f"10.7.0.{host.number}/24")
            host.tunnel("br0", "geneve", peer, "tun0", False, "options:csum=true", key="7")
        a, b = (host.guests[f"g{host.number}"] for host in hosts)
        rig.wait_for(lambda: sh("ping", "-c1", "-W1", "10.7.0.2", ns=a, check=False).returncode == 0, "a ping through the tunnel", 30)
        sent, count, distinct, late = stream(a, b, "10.7.0.2", 9100, 3)()
        if not sent == count == distinct or late > sent / 100:
            raise rig.Failure(f"{sent} were sent through the tunnel, {count} came, {distinct} different, {late} late")


def idle():
    """threads without packets use no processor time"""
    with ports.Net() as net:
        start_threads(net.host)
        sh("ping", "-c3", "-i0.1", "10.7.0.2", ns=net.a)

        before = net.processor_time()
        time.sleep(3)
        if net.processor_time() - before > 0.15:
            raise rig.Failure(f"{net.processor_time() - before:.2f} s of processor time in three idle seconds")
        net.host.run("ovs-vsctl", "set", "Open_vSwitch", ".", "other_config:pmd-maxsleep=0")
        if "max sleep:    0 us" not in appctl(net.host, "dpif-netdev/pmd-sleep-show"):
            raise rig.Failure("pmd-sleep-show does not know that threads never sleep")
        before = net.processor_time()
        rig.wait_for(lambda: net.processor_time() - before > 0.3, "threads that never sleep to use processor time")


def said():
    """what the commands say has the form of Debian's"""
    def shape(text, without=()):
        lines = [re.sub(r"[\d.]+|NOT AVAIL", "N", line) for line in text.splitlines()]
        return [re.sub(r" +", " ", line).replace("( ", "(").replace("N %", "N").strip() for line in lines if not any(word in line for word in without)]
    texts = []
    for weft in ({"ovs-vswitchd", "ovs-ofctl"}, set()):
        host = overlay.Host(argparse.Namespace(prefix=f"w{os.getpid()}s"), "h", 1, weft)
        try:
            host.datapath_type = "netdev"
            host.start_databases("conf")
            host.start_vswitchd()
            host.bridge("br0")
            start_threads(host, f"{1 << PROCESSORS[0]:x}")
            for name in ("pa", "pb"):
                host.sh("ip", "link", "add", name, "type", "veth", "peer", "name", f"far{name}")
                host.sh("ip", "link", "set", name, "up")
                host.sh("ip", "link", "set", f"far{name}", "up")
                host.run("ovs-vsctl", "add-port", "br0", name, "--", "set", "interface", name, "type=afxdp", "options:xdp-mode=generic")
            rig.wait_for(lambda: appctl(host, "dpif-netdev/pmd-rxq-show").count("queue-id") == 2, "two queues of a thread")
            rig.wait_for(lambda: received_by_threads(host)[0] > 0, "packets of a thread")
            found = {"rxq": shape(appctl(host, "dpif-netdev/pmd-rxq-show")),
                     "rxq of one": shape(appctl(host, "dpif-netdev/pmd-rxq-show", "-pmd", str(PROCESSORS[0]))),
                     "rxq of none": appctl(host, "dpif-netdev/pmd-rxq-show", "-pmd", "77"),
                     "stats": shape(appctl(host, "dpif-netdev/pmd-stats-show")),
                     "rebalance": appctl(host, "dpif-netdev/pmd-rxq-rebalance")}
            found["implementations"] = [line for command in ("dpif-impl-get", "miniflow-parser-get", "subtable-lookup-prio-get")
                                        for line in re.sub(r"count: \d+", "count: N", appctl(host, f"dpif-netdev/{command}")).splitlines()
                                        if "autovalidator" not in line and "study" not in line]
            found["parser of one"] = appctl(host, "dpif-netdev/miniflow-parser-set", "-pmd", str(PROCESSORS[0]), "scalar")
            # What Debian's has of single upcalls is not measured here; nothing may have been sent yet.
            performance = appctl(host, "dpif-netdev/pmd-perf-show", "-nh").rstrip("\n")
            found["performance"] = [re.sub(r", N us/upcall", "", line) for line in shape(performance, without=("Tx ",))]
            found["clear"] = appctl(host, "dpif-netdev/pmd-stats-clear")
            host.run("ovs-vsctl", "set", "interface", "pa", f"other_config:pmd-rxq-affinity=0:{PROCESSORS[0]}")
            rig.wait_for(lambda: "isolated : true" in appctl(host, "dpif-netdev/pmd-rxq-show"), "an isolated thread")
            texts.append(found)
        finally:
            host.stop()
    for key, ours in texts[0].items():
        if ours != texts[1][key]:
            raise rig.Failure(f"{key}: Weft's says\n{ours}\nDebian's\n{texts[1][key]}")


if __name__ == "__main__":
    rig.main(bursts, changes, tunnels, idle, said)
