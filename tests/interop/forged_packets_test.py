"""Forged packets through a real network of Weft's programs: nothing comes out where it may not, nobody dies, no memory is eaten.

Three tenants send whatever they like (forged_frames.py): one whose port security knows its addresses, one without port
security on the same switch, and one in a network with a BFD peer.  A neighbour of the underlay sends tunnel packets, headers
and options made up.  Meanwhile, at every other port:

- p2, to which everything is dropped, gets nothing but neighbour discovery and MLD, which pass every ACL (ovn-northd(8));
- p7, to which all but TCP to port 80 is dropped statefully, gets nothing else but those, too;
- nobody gets anything whose source port security does not allow;
- nothing of the underlay's neighbour enters a network that does not exist.

Afterwards the daemons live, have not grown beyond a bound, and still serve.
"""
import ctypes
import os
import random
import shlex
import signal
import socket
import time

import forged_frames
import rig
from forged_frames import BAD_IP4, BAD_IP6, Forger, Sender
from overlay import Segments, sh
from wire import *

SEED = int(os.environ.get("WEFT_SEED") or random.randrange(1 << 30))
SECONDS = float(os.environ.get("WEFT_SECONDS") or 12)
ROUNDS = 4  # of the same kind of packets: what the first one needed must do for the last
MOST_GROWTH_KB = 8 * 1024
MOST_BACKLOG_KB = 16 * 1024

P = {n: Sender(f"02:00:00:00:01:{n:02x}", f"10.{net}.0.{n}", f"fd0{net}::{n:x}") for n, net in
     ((1, 0), (2, 0), (3, 0), (7, 1), (8, 2), (9, 0))}
ROUTER = [Sender(f"00:00:00:00:ff:0{net}", f"10.{net}.0.254", f"fd0{net}::fe") for net in range(3)]
ADDRESSES = {n: f"{p.mac} {p.ip4} {p.ip6}" for n, p in P.items()}
NETWORK = f"""
    ls-add sw0 -- set Logical_Switch sw0 other_config:mcast_snoop="true" other_config:mcast_querier="false"
    lsp-add sw0 p1 -- lsp-set-addresses p1 "{ADDRESSES[1]}" -- lsp-set-port-security p1 "{ADDRESSES[1]}"
    lsp-add sw0 p2 -- lsp-set-addresses p2 "{ADDRESSES[2]}"
    lsp-add sw0 p3 -- lsp-set-addresses p3 "{ADDRESSES[3]}"
    lsp-add sw0 p9 -- lsp-set-addresses p9 unknown
    lsp-add sw0 vip -- lsp-set-addresses vip "02:00:00:00:01:63 10.0.0.99" -- lsp-set-type vip virtual -- set Logical_Switch_Port vip options:virtual-ip=10.0.0.99 options:virtual-parents="p1,p9"
    ls-add sw1
    lsp-add sw1 p7 -- lsp-set-addresses p7 "{ADDRESSES[7]}"
    ls-add sw2
    lsp-add sw2 p8 -- lsp-set-addresses p8 "{ADDRESSES[8]}"
    lr-add lr0
    acl-add sw0 to-lport 1000 "outport == \\"p2\\"" drop
    acl-add sw0 from-lport 1000 "udp.dst == 1000 || tcp.dst == 1000 || sctp.dst == 1000" reject
    --log --name=mine acl-add sw0 from-lport 1001 "udp.dst == 1001" drop
    acl-add sw1 to-lport 1001 "outport == \\"p7\\" && tcp.dst == 80" allow-related
    acl-add sw1 to-lport 1000 "outport == \\"p7\\"" drop
    lb-add lb0 10.2.0.100:80 "" tcp -- ls-lb-add sw2 lb0
    lb-add lb1 10.2.0.101:80 10.0.0.3:80 tcp -- ls-lb-add sw2 lb1
    set NB_Global . options:controller_event="true"
"""
OPTIONS = [
    ["--id=@d", "create", "DHCP_Options", "cidr=10.0.0.0/24", "options:server_id=10.0.0.254", 'options:server_mac="c0:ff:ee:00:00:01"', "options:lease_time=3600",
     'options:bootfile_name="\\"boot\\""', "options:next_server=10.0.0.9", "--", "--id=@e", "create", "DHCP_Options", 'cidr="fd00::/64"', 'options:server_id="c0:ff:ee:00:00:06"',
     'options:domain_search="\\"ovn.org\\""', "--", "set", "Logical_Switch_Port", "p1", "dhcpv4_options=@d", "dhcpv6_options=@e"],
    ["--id=@d", "create", "DNS", 'records:vm1.ovn.org="10.0.0.4 aef0::4"', "--", "add", "Logical_Switch", "sw2", "dns_records", "@d"],
]


def router_ports():
    for net, router in enumerate(ROUTER):
        yield ["lrp-add", "lr0", f"lr0-sw{net}", router.mac, f"{router.ip4}/24", f"{router.ip6}/64", "--", "lsp-add", f"sw{net}", f"sw{net}-lr0",
               "--", "lsp-set-type", f"sw{net}-lr0", "router", "--", "lsp-set-addresses", f"sw{net}-lr0", "router",
               "--", "lsp-set-options", f"sw{net}-lr0", f"router-port=lr0-sw{net}",
               "--", "set", "Logical_Router_Port", f"lr0-sw{net}", "ipv6_ra_configs:address_mode=slaac", 'ipv6_ra_configs:send_periodic="false"']
    yield ["lrp-set-gateway-chassis", "lr0-sw2", "hv1", "10"]
    yield ["--bfd", "lr-route-add", "lr0", "0.0.0.0/0", P[8].ip4, "lr0-sw2"]


# --- sockets in the namespaces of the ports ---

LIBC = ctypes.CDLL(None, use_errno=True)
CLONE_NEWNET = 0x40000000


def inside(ns, make):
    """make(), done in that network namespace: a socket stays in the one where it was made."""
    here = os.open("/proc/self/ns/net", os.O_RDONLY)
    there = os.open(f"/run/netns/{ns}", os.O_RDONLY)
    try:
        if LIBC.setns(there, CLONE_NEWNET):
            raise OSError(ctypes.get_errno(), "setns")
        made = make()
    finally:
        LIBC.setns(here, CLONE_NEWNET)
        os.close(here)
        os.close(there)
    made.setblocking(False)
    return made


def packet_socket(device):
    made = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
    made.bind((device, 3))
    made.setsockopt(socket.SOL_SOCKET, getattr(socket, "SO_RCVBUFFORCE", 33), 16 << 20)
    return made


def received(made):
    """The frames that came in since the last time."""
    frames = []
    while True:
        try:
            frame, address = made.recvfrom(65536)
        except BlockingIOError:
            return frames
        if address[2] != socket.PACKET_OUTGOING:
            frames.append(frame)


# --- what may come out ---

def transport(frame):
    """(protocol, bytes behind the headers, whether it is a later fragment) as a host would read them; None: a host would not."""
    kind = frame[12:14]
    if kind == b"\x08\x00" and len(frame) >= 34:
        words, total = frame[14] & 15, int.from_bytes(frame[16:18], "big")
        if frame[14] >> 4 != 4 or words < 5 or total < words * 4 or 14 + total > len(frame):
            return None
        later = int.from_bytes(frame[20:22], "big") & 0x1fff
        return frame[23], frame[14 + words * 4:14 + total], later > 0
    if kind == b"\x86\xdd" and len(frame) >= 54:
        protocol, at, later = frame[20], 54, False
        while protocol in (0, 43, 60, 44, 51, 135) and at + 8 <= len(frame):
            if protocol == 44:
                later = later or int.from_bytes(frame[at + 2:at + 4], "big") & 0xfff8 > 0
            size = 8 if protocol == 44 else (frame[at + 1] + 2) * 4 if protocol == 51 else (frame[at + 1] + 1) * 8
            protocol, at = frame[at], at + size
        return protocol, frame[at:], later
    return None


def passes_every_acl(frame):
    """Neighbour discovery and MLD."""
    found = transport(frame)
    if frame[12:14] != b"\x86\xdd" or not found or found[0] != 58 or found[2] or len(found[1]) < 2:
        return False
    kind, code = found[1][:2]
    return kind in (130, 131, 132, 143) or kind in (133, 134, 135, 136) and frame[21] == 255 and code == 0


def allowed_at_p7(frame):
    kind = frame[12:14]
    found = transport(frame)
    if passes_every_acl(frame):
        return True
    if kind not in (b"\x08\x00", b"\x86\xdd"):
        return False
    if not found:
        return True  # of IP, but no host would read on
    protocol, body, later = found
    if protocol == 6:
        return later or len(body) < 4 or body[2:4] == b"\0\x50"
    if protocol == 58 and kind == b"\x86\xdd" and body:
        return body[0] < 128 and len(body) > 48 + 24 and body[8 + 6] == 6  # an error about what is allowed
    if protocol == 1 and kind == b"\x08\x00" and body:
        return body[0] in (3, 4, 5, 11, 12) and len(body) >= 36 and body[8 + 9] == 6
    return False


BAD_SOURCE4, BAD_SOURCE6 = ip(BAD_IP4 + "0")[:3], ip(BAD_IP6 + "0")[:6]


def is_spoofed(frame):
    """Its source is one that port security allows nobody."""
    kind = frame[12:14]
    if frame[6:9] == b"\x02\xba\xd0":
        return True
    if kind == b"\x08\x00":
        return frame[26:29] == BAD_SOURCE4
    if kind == b"\x08\x06":
        return frame[22:25] == b"\x02\xba\xd0" or frame[28:31] == BAD_SOURCE4
    return kind == b"\x86\xdd" and frame[22:28] == BAD_SOURCE6


# --- the network ---

class Network:
    def __init__(self, net):
        self.host = host = net.host("hv1", 1, weft="all")
        self.neighbour = net.station("hv2", "underlay", "192.0.2.2/24")
        host.start_switch()
        host.start_databases("nb", "sb")
        host.start_northd()
        host.start_controller("hv1", host.v4)
        host.run("ovn-sbctl", "chassis-add", "hv2", "geneve", "192.0.2.2")
        rig.wait_for(lambda: host.run("ovs-vsctl", "br-exists", "br-int", check=False).returncode == 0, "br-int")
        for line in NETWORK.strip().splitlines():
            self.nb(*shlex.split(line.strip()))
        for words in [*router_ports(), *OPTIONS]:
            self.nb(*words)
        for n, port in P.items():
            host.guest("br-int", f"p{n}", mac=port.mac, external_id=f"p{n}")
            sh("sysctl", "-qw", "net.ipv6.conf.eth0.disable_ipv6=1", ns=host.guests[f"p{n}"])
        rig.wait_for(lambda: all(self.nb("lsp-get-up", f"p{n}").strip() == "up" for n in P), "ports up", 30)
        self.nb("--timeout=20", "--wait=hv", "sync")
        self.sockets = {n: inside(host.guests[f"p{n}"], lambda: packet_socket("eth0")) for n in P}
        self.underlay = inside(self.neighbour, lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
        self.caught = []

    def nb(self, *words):
        return self.host.run("ovn-nbctl", *words)

    def forget_flows(self):
        """Ends what packets made and time would end: cached flows and connections."""
        for command in ("dpctl/del-flows", "dpctl/flush-conntrack"):
            self.host.run("ovs-appctl", "-t", f"{self.host.dir}/vswitchd.ctl", command)

    def memory_kb(self, name):
        with open(f"/proc/{self.host.pids[name]}/status") as f:
            return int(next(line for line in f if line.startswith("VmRSS")).split()[1])

    def look(self):
        """What came out where it may not."""
        for n, made in self.sockets.items():
            for frame in received(made):
                if n == 2 and not passes_every_acl(frame):
                    self.caught.append(("p2", "everything to it is dropped", frame))
                elif n == 7 and not allowed_at_p7(frame):
                    self.caught.append(("p7", "only TCP to port 80 is allowed", frame))
                elif is_spoofed(frame):
                    self.caught.append((f"p{n}", "port security does not allow the source", frame))
        if self.caught:
            where, why, frame = self.caught[0]
            raise rig.Failure(f"at {where} came ({why}): {frame.hex()}")


def tunnelled(forger, r):
    """What a neighbour of the underlay sends to the Geneve port: a header that may lie around a forged frame."""
    option = forged_frames.ovn_option(r.randrange(4), r.choice((0, 1, 2, 0x8000, 0xffff)), r.choice((0x0102, 0x0102, 1)), r.choice((0x80, 0x80, 0, 0xff)), r.choice((1, 1, 0, 31)))
    options = r.choice((option, b"", option * 2, option * 16, option[:4]))
    # Networks that do not exist: what is in them must come out nowhere.
    vni = r.choice((0, 100, 0xffffff, r.randrange(50, 1 << 24)))
    inner = r.choice((forger.next(), eth("00:23:20:00:00:01", "00:23:20:00:00:01", ip4("169.254.1.0", "169.254.1.1", udp(49152, 3784, forged_frames.bfd()), ttl=255)), b""))
    packet = forged_frames.geneve(vni, options, inner, r.choice((0, 0x40, 0x80, 0xff)), r.choice((0x6558, 0x0800, 0)), r.choice((None, None, 0, 63, 1)))
    return packet[:r.choice((len(packet), len(packet), r.randrange(len(packet) + 1)))]


def forged():
    """forged packets: none past an ACL or port security, daemons alive and not grown"""
    print(f"# WEFT_SEED={SEED}")
    with Segments("underlay") as segments:
        net = Network(segments)
        host, r = net.host, random.Random(SEED)
        same, all_ = [P[2], P[3], ROUTER[0], P[9]], [P[2], P[2], P[3], P[7], P[7], *ROUTER]
        forgers = {1: Forger(SEED, P[1], all_), 9: Forger(SEED + 1, P[9], same + all_, spoofs=False), 8: Forger(SEED + 2, P[8], [ROUTER[2], P[7], P[2]], spoofs=False)}
        senders = [1, 1, 1, 9, 8]
        sent, memory = 0, []
        for _ in range(ROUNDS):
            end = time.monotonic() + SECONDS / ROUNDS
            while time.monotonic() < end:
                for _ in range(64):
                    n = r.choice(senders)
                    frame = forgers[n].next()
                    try:
                        net.sockets[n].send(frame.ljust(14, b"\0"))
                        if r.randrange(8) == 0:
                            net.underlay.sendto(tunnelled(forgers[1], r), ("192.0.2.1", r.choice((6081, 6081, 6081, 4789))))
                    except (BlockingIOError, OSError):
                        pass  # its queue is full: this one is lost
                    sent += 1
                net.look()
                for name in ("ovs-vswitchd", "ovn-controller", "ovn-northd", "sb", "nb", "conf"):
                    if not host.alive(name):
                        raise rig.Failure(f"{name} died after {sent} packets")
            net.forget_flows()
            memory.append({name: net.memory_kb(name) for name in ("ovs-vswitchd", "ovn-controller")})
        print(f"# {sent} packets")
        for name in memory[0]:
            kb = [each[name] for each in memory]
            print(f"# {name}: {', '.join(map(str, kb))} kB after each of {ROUNDS} rounds")
            if kb[-1] > kb[0] + MOST_GROWTH_KB:
                raise rig.Failure(f"{name} grew from {kb[0]} to {kb[-1]} kB")
        deaf_controller(net)
        still_served(net)
        net.look()


def deaf_controller(net):
    """A controller that stands still: what tenants send for it is dropped, not kept."""
    host, before = net.host, net.memory_kb("ovs-vswitchd")
    question = eth(P[1].mac, forged_frames.BROADCAST, ip4("0.0.0.0", "255.255.255.255", udp(68, 67, dhcp4(1, 7, P[1].mac, b"\0" * 800))))
    os.kill(host.pids["ovn-controller"], signal.SIGSTOP)
    try:
        for _ in range(200):
            for _ in range(200):
                try:
                    net.sockets[1].send(question)
                except (BlockingIOError, OSError):
                    pass
            time.sleep(0.01)
        now = net.memory_kb("ovs-vswitchd")
    finally:
        os.kill(host.pids["ovn-controller"], signal.SIGCONT)
    if now > before + MOST_BACKLOG_KB:
        raise rig.Failure(f"ovs-vswitchd grew from {before} to {now} kB by packets that its controller did not take")
    dropped = host.run("ovs-appctl", "-t", f"{host.dir}/vswitchd.ctl", "coverage/read-counter", "vconn_packet_in_dropped")
    if int(dropped) == 0:
        raise rig.Failure("the controller stood still and lost nothing: the test sends too little")


def still_served(net):
    """The network does its work: changes arrive, and who may talk does."""
    net.nb("--timeout=30", "--wait=hv", "sync")
    p1 = net.host.guests["p1"]
    for n in (1, 3):
        sh("ip", "addr", "add", f"{P[n].ip4}/24", "dev", "eth0", ns=net.host.guests[f"p{n}"])
    rig.wait_for(lambda: sh("ping", "-n", "-q", "-c", "1", "-W", "2", P[3].ip4, ns=p1, check=False).returncode == 0, "p1 to reach p3", 20)
    if sh("ping", "-n", "-q", "-c", "2", "-i", "0.2", "-W", "1", P[2].ip4, ns=p1, check=False).returncode == 0:
        raise rig.Failure("p1 reaches p2, to which everything is dropped")


if __name__ == "__main__":
    rig.main(forged)
