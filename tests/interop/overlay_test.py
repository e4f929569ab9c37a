"""A mixed overlay: one host is Weft's, the other Debian's, and their guests talk as if there were one kind."""
import subprocess

import rig
from overlay import Cable, pings, sh

# Sends `size` bytes over TCP; the receiver prints how many came and their digest.
RECEIVE = """
import hashlib, socket, sys
s = socket.create_server((sys.argv[1], 5001), family=socket.AF_INET6 if ':' in sys.argv[1] else socket.AF_INET)
s.settimeout(20)
print('ready', flush=True)
c, _ = s.accept()
c.settimeout(20)
h, n = hashlib.sha1(), 0
while True:
    b = c.recv(65536)
    if not b: break
    h.update(b); n += len(b)
print(n, h.hexdigest())
"""
SEND = """
import hashlib, socket, sys
c = socket.create_connection((sys.argv[1], 5001), timeout=20)
size = int(sys.argv[2])
data = bytes(i * 7 % 251 for i in range(65536))
h = hashlib.sha1()
while size > 0:
    part = data[:min(size, len(data))]
    c.sendall(part); h.update(part); size -= len(part)
c.close()
print(sys.argv[2], h.hexdigest())
"""


def transfer(sender, receiver, address, size=3_000_000):
    server = subprocess.Popen(["ip", "netns", "exec", receiver, "python3", "-c", RECEIVE, address], text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    try:
        if server.stdout.readline().strip() != "ready":
            raise rig.Failure("the receiver does not start: " + server.stdout.read())
        sent = sh("python3", "-c", SEND, address, size, ns=sender, timeout=30)
        received = server.communicate(timeout=30)[0]
    finally:
        server.kill()
        server.wait()
    if sent != received:
        raise rig.Failure(f"sent {sent.strip()}, received {received.strip()}")


def talk(left, right, what, big):
    """Guests g1 (10.0.0.1, fd00::1) and g2 understand each other, both ways, with small and full-size packets."""
    g1, g2 = left.guests["g1"], right.guests["g2"]
    rig.wait_for(lambda: pings(g1, "10.0.0.2"), f"{what}: the first ping", 30)
    rig.wait_for(lambda: pings(g1, "fd00::2"), f"{what}: the first ping over IPv6", 30)
    for ns, other in ((g1, 2), (g2, 1)):
        for size in (0, 56, 1000, big):
            if not pings(ns, f"10.0.0.{other}", size, count=2, wait=5):
                raise rig.Failure(f"{what}: no ping of {size} bytes to guest {other}")
        if not pings(ns, f"fd00::{other}", big - 20, count=2, wait=5):
            raise rig.Failure(f"{what}: no IPv6 ping of {big - 20} bytes to guest {other}")
    transfer(g1, g2, "10.0.0.2")
    transfer(g2, g1, "10.0.0.1")
    transfer(g1, g2, "fd00::2", 300_000)


def plain_tunnels():
    """Geneve, VXLAN and GRE between plain bridges, over IPv4 and IPv6"""
    with Cable(mtu=1600) as cable:
        left, right = cable.host("a", 1, rig.ALL), cable.host("b", 2)
        for host, peer in ((left, right), (right, left)):
            host.start_switch()
            host.bridge("br0")
            number = host.number
            host.guest("br0", f"g{number}", f"10.0.0.{number}/24", f"fd00::{number}/64", mac=f"02:00:00:00:00:0{number}")
        for v6 in (False, True):
            for kind in ("geneve", "vxlan", "gre"):
                for key in ("7", "flow"):
                    for host, peer in ((left, right), (right, left)):
                        host.run("ovs-vsctl", "--if-exists", "del-port", "br0", "tun0")
                        host.tunnel("br0", kind, peer, "tun0", v6, key=key)
                        host.appctl_switch("fdb/flush", "br0")
                    talk(left, right, f"{kind} key={key} over IPv{6 if v6 else 4}", 1472)


def mirrored_frames():
    """ERSPAN of both versions between plain bridges, over IPv4 and IPv6; its numbers arrive"""
    with Cable(mtu=1600) as cable:
        left, right = cable.host("a", 1, rig.ALL), cable.host("b", 2)
        for host, peer in ((left, right), (right, left)):
            host.start_switch()
            host.bridge("br0")
            number = host.number
            host.guest("br0", f"g{number}", f"10.0.0.{number}/24", mac=f"02:00:00:00:00:0{number}")
        for v6 in (False, True):
            for options, field in ((dict(erspan_ver=1, erspan_idx=5), "erspan(ver=1,idx=0x5)"), (dict(erspan_ver=2, erspan_dir=1, erspan_hwid=7), "erspan(ver=2,dir=1,hwid=0x7)")):
                for host, peer in ((left, right), (right, left)):
                    host.run("ovs-vsctl", "--if-exists", "del-port", "br0", "tun0")
                    host.tunnel("br0", "erspan", peer, "tun0", v6, key=7, **options)
                    host.run("ovs-ofctl", "add-flow", "br0", f"priority=9,in_port=tun0,tun_erspan_ver={options['erspan_ver']},actions=NORMAL")
                    host.run("ovs-ofctl", "add-flow", "br0", "priority=8,in_port=tun0,actions=drop")
                    host.appctl_switch("fdb/flush", "br0")
                what = f"{field} over IPv{6 if v6 else 4}"
                rig.wait_for(lambda: pings(left.guests["g1"], "10.0.0.2") and pings(right.guests["g2"], "10.0.0.1", 1400), what, 30)
                flows = left.appctl_switch("dpctl/dump-flows")
                assert field in flows, f"{what}: {flows}"


def narrow_underlay():
    """An underlay as narrow as Ethernet, guests of 1400 bytes"""
    with Cable(mtu=1500) as cable:
        left, right = cable.host("a", 1, rig.ALL), cable.host("b", 2)
        for host, peer in ((left, right), (right, left)):
            host.start_switch()
            host.bridge("br0")
            number = host.number
            host.guest("br0", f"g{number}", f"10.0.0.{number}/24", f"fd00::{number}/64", mac=f"02:00:00:00:00:0{number}", mtu=1400)
            host.tunnel("br0", "geneve", peer, "tun0", csum="true")
        talk(left, right, "geneve", 1372)


def ovn():
    """OVN: one central, a Weft hypervisor and a Debian hypervisor, Geneve over IPv4 and IPv6"""
    for v6 in (False, True):
        with rig.Rig(name="central") as central, Cable(mtu=1600) as cable:
            central.start_databases("nb", "sb")
            central.start_northd()
            left, right = cable.host("a", 1, rig.ALL), cable.host("b", 2)
            for host in (left, right):
                host.start_switch()
                host.start_controller(host.name, host.v6 if v6 else host.v4, f"unix:{central.socket('sb')}")
            central.run("ovn-nbctl", "ls-add", "sw0", *[word for n in (1, 2) for word in (
                "--", "lsp-add", "sw0", f"p{n}", "--", "lsp-set-addresses", f"p{n}",
                f"02:00:00:00:00:0{n} 10.0.0.{n} fd00::{n}", "--", "lsp-set-port-security", f"p{n}",
                f"02:00:00:00:00:0{n} 10.0.0.{n} fd00::{n}")])
            for host in (left, right):
                n = host.number
                rig.wait_for(lambda: host.run("ovs-vsctl", "br-exists", "br-int", check=False).returncode == 0, "br-int")
                host.guest("br-int", f"g{n}", f"10.0.0.{n}/24", f"fd00::{n}/64", mac=f"02:00:00:00:00:0{n}", external_id=f"p{n}")
            rig.wait_for(lambda: all(central.run("ovn-nbctl", "lsp-get-up", f"p{n}").strip() == "up" for n in (1, 2)),
                         "both ports up", 30)
            central.run("ovn-nbctl", "--timeout=25", "--wait=hv", "sync")
            talk(left, right, f"OVN over IPv{6 if v6 else 4}", 1472)


if __name__ == "__main__":
    rig.main(plain_tunnels, mirrored_frames, narrow_underlay, ovn)
