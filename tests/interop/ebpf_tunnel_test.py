"""Tunnels of the eBPF datapath: its program is on the underlay while there is a tunnel; bytes arrive whole between two hosts."""
import ctypes
import hashlib
import os
import socket
import threading

import ebpf
import rig
from overlay import Cable, pings

SIZE = 8 << 20


def programs(host):
    return "weft_tunnel" in host.sh("tc", "filter", "show", "dev", "eth0", "ingress", check=False).stdout


def handed_up(host):
    return int(host.sh("cat", "/sys/class/net/weft-upcall/statistics/tx_packets"))


def inside(ns, function, *arguments):
    """function(*arguments) by a thread whose network namespace is `ns`; its result is in the list that is returned."""
    result = []

    def run():
        with open(f"/run/netns/{ns}") as f:
            ctypes.CDLL(None, use_errno=True).setns(f.fileno(), 0x40000000)
        result.append(function(*arguments))
    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    return thread, result


def serve(address, ready):
    with socket.create_server((address, 0)) as server:
        server.settimeout(60)
        ready.append(server.getsockname()[1])
        connection, _ = server.accept()
        digest = hashlib.sha256()
        with connection:
            while data := connection.recv(1 << 20):
                digest.update(data)
        return digest.digest()


def send(address, port):
    data = os.urandom(1 << 20)
    digest = hashlib.sha256()
    with socket.create_connection((address, port), 60) as connection:
        for _ in range(SIZE >> 20):
            connection.sendall(data)
            digest.update(data)
    return digest.digest()


def transfer(a, b, address="10.0.0.2"):
    ready = []
    server, received = inside(b, serve, address, ready)
    rig.wait_for(lambda: ready, "a server")
    client, sent = inside(a, send, address, ready[0])
    for thread in (client, server):
        thread.join(90)
    if not sent or sent != received:
        raise rig.Failure("what arrived is not what was sent")


def bytes_arrive():
    """TCP through Geneve, VXLAN and GRE, super-packets left whole to the cable or cut before it"""
    with Cable(mtu=1600) as cable:
        hosts = host, peer = cable.host("a", 1, rig.ALL), cable.host("b", 2, rig.ALL)
        for h in hosts:
            h.start_switch()
            h.bridge("br0")
            h.guest("br0", f"g{h.number}", f"10.0.0.{h.number}/24", mac=f"02:00:00:00:00:0{h.number}")
        a, b = host.guests["g1"], peer.guests["g2"]
        for kind, offload in (("geneve", "on"), ("vxlan", "on"), ("gre", "off")):
            for h, other in ((host, peer), (peer, host)):
                h.tunnel("br0", kind, other, "tun0", False, "options:csum=true" if kind == "geneve" else "options:key=7")
                h.sh("ethtool", "-K", "eth0", "tx", offload, "gso", offload)
            rig.wait_for(lambda: pings(a, "10.0.0.2"), f"{kind}: a ping", 20)
            transfer(a, b)
            before = handed_up(host) + handed_up(peer)
            transfer(a, b)
            more = handed_up(host) + handed_up(peer) - before
            if more > 200:  # of thousands
                raise rig.Failure(f"{kind}: {more} packets went through the daemons")
            for h in hosts:
                h.run("ovs-vsctl", "del-port", "br0", "tun0")


def beside_userspace():
    """One host by the kernel, one by the daemon, and a cable that leaves checksums and segments to nobody"""
    with Cable(mtu=1600) as cable:
        hosts = host, peer = cable.host("a", 1, rig.ALL), cable.host("b", 2, rig.ALL)
        peer.datapath_type = "netdev"
        for h in hosts:
            h.start_switch()
            h.bridge("br0")
            h.guest("br0", f"g{h.number}", f"10.0.0.{h.number}/24", mac=f"02:00:00:00:00:0{h.number}")
            h.sh("ethtool", "-K", "eth0", "tx", "on", "gso", "on", "tso", "on")
        a, b = host.guests["g1"], peer.guests["g2"]
        for kind, v6, option in (("geneve", False, "options:csum=true"), ("vxlan", True, "options:key=7"), ("gre", False, "options:key=7")):
            for h, other in ((host, peer), (peer, host)):
                h.tunnel("br0", kind, other, "tun0", v6, option)
            rig.wait_for(lambda: pings(a, "10.0.0.2"), f"{kind}: a ping", 20)
            before = handed_up(host)
            transfer(a, b)
            if handed_up(host) - before > 200:
                raise rig.Failure(f"{kind}: the daemon sent, not the programs")
            transfer(b, a, "10.0.0.1")
            for h in hosts:
                h.run("ovs-vsctl", "del-port", "br0", "tun0")


def program_comes_and_goes():
    """With the tunnel, the address, and the datapath"""
    with Cable() as cable:
        host, _ = cable.host("a", 1, rig.ALL), cable.host("b", 2, rig.ALL)
        host.start_switch()
        host.bridge("br0")
        tunnel = ("ovs-vsctl", "add-port", "br0", "tun0", "--", "set", "interface", "tun0", "type=geneve", "options:remote_ip=192.0.2.2")
        if programs(host):
            raise rig.Failure("a program on the underlay without any tunnel")
        host.run(*tunnel)
        rig.wait_for(lambda: programs(host), "the program")
        host.run("ovs-vsctl", "del-port", "br0", "tun0")
        rig.wait_for(lambda: not programs(host), "no program without a tunnel")
        host.run(*tunnel)
        rig.wait_for(lambda: programs(host), "the program again")
        host.sh("tc", "qdisc", "del", "dev", "eth0", "clsact")
        rig.wait_for(lambda: programs(host), "the program after somebody took it off")
        host.sh("ip", "addr", "flush", "dev", "eth0", "scope", "global")
        rig.wait_for(lambda: not programs(host), "no program without an address")
        host.sh("ip", "addr", "add", "192.0.2.1/24", "dev", "eth0")
        rig.wait_for(lambda: programs(host), "the program with the address")
        host.run("ovs-vsctl", "set", "bridge", "br0", "datapath_type=netdev")
        rig.wait_for(lambda: not programs(host), "no program with the userspace datapath")


if __name__ == "__main__":
    ebpf.main(bytes_arrive, beside_userspace, program_comes_and_goes)
