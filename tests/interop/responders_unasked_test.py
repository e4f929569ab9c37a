"""What ovn-controller sends unasked: router advertisements, multicast queries, probes of services; and prefix delegation."""
import ipaddress
import struct
import time

import rig
from responder_rig import MACS, Network
from wire import *

NETWORK = r"""
set NB_Global . options:svc_monitor_mac=02:00:00:00:00:5c
ls-add sw0 -- set Logical_Switch sw0 other_config:mcast_snoop=true other_config:mcast_querier=true other_config:mcast_eth_src=00:00:00:00:aa:01 other_config:mcast_ip4_src=10.0.0.254 other_config:mcast_ip6_src=fe80::aa other_config:mcast_query_interval=2 other_config:mcast_query_max_response=2 other_config:mcast_idle_timeout=15
lsp-add sw0 p1 -- lsp-set-addresses p1 '02:00:00:00:00:01 10.0.0.11 fd00::11'
lsp-add sw0 p2 -- lsp-set-addresses p2 '02:00:00:00:00:02 10.0.0.12 fd00::12'
lsp-add sw0 p3 -- lsp-set-addresses p3 '02:00:00:00:00:03 10.0.0.13 fd00::13'
lr-add lr0
lrp-add lr0 lr0-sw0 00:00:00:00:ff:01 10.0.0.1/24 fd00::1/64 -- set Logical_Router_Port lr0-sw0 ipv6_ra_configs:address_mode=dhcpv6_stateless ipv6_ra_configs:mtu=1400 ipv6_ra_configs:route_info=HIGH-2001:db8:1::/48,LOW-2001:db8:2::/64 ipv6_ra_configs:router_preference=LOW ipv6_ra_configs:send_periodic=true ipv6_ra_configs:max_interval=4 ipv6_ra_configs:min_interval=3 ipv6_ra_configs:rdnss=fd00::53 ipv6_ra_configs:dnssl=ovn.org,b.example.org -- lsp-add sw0 sw0-lr0 -- lsp-set-type sw0-lr0 router -- lsp-set-addresses sw0-lr0 router -- lsp-set-options sw0-lr0 router-port=lr0-sw0
lb-add lb2 10.0.0.101:80 10.0.0.12:80,10.0.0.13:80 tcp
--id=@hc create Load_Balancer_Health_Check vip=10.0.0.101:80 options:interval=1 options:timeout=1 options:success_count=2 options:failure_count=2 -- add Load_Balancer lb2 health_check @hc -- set Load_Balancer lb2 ip_port_mappings:10.0.0.12=p2:10.0.0.250 ip_port_mappings:10.0.0.13=p3:10.0.0.250
lb-add lb3 10.0.0.102:53 10.0.0.12:53,10.0.0.13:53 udp
--id=@hc create Load_Balancer_Health_Check vip=10.0.0.102:53 options:interval=1 options:timeout=1 options:success_count=2 options:failure_count=2 -- add Load_Balancer lb3 health_check @hc -- set Load_Balancer lb3 ip_port_mappings:10.0.0.12=p2:10.0.0.250 ip_port_mappings:10.0.0.13=p3:10.0.0.250
ls-lb-add sw0 lb2
ls-lb-add sw0 lb3
"""


def is_tcp(packet):
    return packet[12:14] == b"\x08\0" and packet[23] == 6


def normal(packet):
    """Without what is drawn at random: the source port and sequence numbers of a probe, and the checksum over them (which
    Debian's leaves out of UDP)."""
    if packet[12:14] == b"\x08\0" and packet[23] == 17:
        return packet[:34] + b"\0\0" + packet[36:40] + b"\0\0" + packet[42:]
    if not is_tcp(packet):
        return packet
    return packet[:34] + b"\0\0" + packet[36:38] + b"\0" * 8 + packet[46:50] + b"\0\0" + packet[52:]


def serve(n, port, packet):
    """p2 has both services, p3 refuses."""
    client, server = ":".join(f"{b:02x}" for b in packet[6:12]), MACS[port]
    here, there = (".".join(str(b) for b in packet[at:at + 4]) for at in (30, 26))
    if is_tcp(packet):
        sport, dport, seq, _, flags = struct.unpack("!HHIIH", packet[34:48])
        if flags & 0xff == 2:
            answer = tcp(dport, sport, 1000, seq + 1, 0x12) if port == "p2" else tcp(dport, sport, 0, seq + 1, 0x14)
            n.receive(port, eth(server, client, ip4(here, there, answer)))
    elif packet[12:14] == b"\x08\0" and packet[23] == 17 and port == "p3":
        n.receive(port, eth(server, client, ip4(here, there, icmp(3, 3, b"\0\0\0\0" + packet[14:42]))))


def states(n):
    lines = n.run("ovn-sbctl", "--format=csv", "--no-headings", "--columns=ip,protocol,status", "list", "Service_Monitor").split()
    return sorted(line.replace('"', "") for line in lines)


EXPECTED = ["10.0.0.12,tcp,online", "10.0.0.12,udp,online", "10.0.0.13,tcp,offline", "10.0.0.13,udp,offline"]


def unasked(weft, name):
    """The distinct packets that came out of each port until every kind did."""
    with Network(weft, NETWORK, ["p1", "p2", "p3"], name=name) as n:
        seen = {port: set() for port in n.ports}

        def step():
            for port, packets in n.new().items():
                for packet in packets:
                    seen[port].add(normal(packet))
                    serve(n, port, packet)
            p1 = seen["p1"]
            advertised = any(p[12:14] == b"\x86\xdd" and p[54] == 134 for p in p1)
            queried = any(p[12:14] == b"\x08\0" and p[23] == 2 for p in p1) and any(p[12:14] == b"\x86\xdd" and p[20] == 0 for p in p1)
            return advertised and queried and states(n) == EXPECTED
        rig.wait_for(step, "advertisements, queries and the states of services", 25)
        return seen


def same_packets():
    """Advertisements, queries and probes are Debian's, byte for byte; so are the states of services"""
    theirs, ours = unasked((), "debian"), unasked({"ovn-controller"}, "weft")
    for port in theirs:
        # Debian's sends MLD queries for ff02::1 to the Ethernet address of ff02::0.
        theirs[port] = {mac("33:33:00:00:00:01") + p[6:] if p.startswith(mac("33:33:00:00:00:00")) else p for p in theirs[port]}
        only_theirs, only_ours = theirs[port] - ours[port], ours[port] - theirs[port]
        if only_theirs or only_ours:
            raise rig.Failure(f"{port}: only Debian's: {[p.hex() for p in only_theirs]}; only ours: {[p.hex() for p in only_ours]}")


DELEGATION = r"""
ls-add sw0
lsp-add sw0 p1 -- lsp-set-addresses p1 '02:00:00:00:00:01 10.0.0.11 fd00::11'
ls-add ext
lsp-add ext p2 -- lsp-set-addresses p2 unknown
create Logical_Router name=lr0 options:chassis=hv1
lrp-add lr0 lr0-sw0 00:00:00:00:ff:01 10.0.0.1/24 fd00::1/64 -- set Logical_Router_Port lr0-sw0 options:prefix=true ipv6_ra_configs:address_mode=slaac ipv6_ra_configs:send_periodic=true ipv6_ra_configs:max_interval=4 ipv6_ra_configs:min_interval=3 -- lsp-add sw0 sw0-lr0 -- lsp-set-type sw0-lr0 router -- lsp-set-addresses sw0-lr0 router -- lsp-set-options sw0-lr0 router-port=lr0-sw0
lrp-add lr0 lr0-ext 00:00:00:00:ff:02 20.0.0.1/24 fd01::1/64 -- set Logical_Router_Port lr0-ext options:prefix_delegation=true -- lsp-add ext ext-lr0 -- lsp-set-type ext-lr0 router -- lsp-set-addresses ext-lr0 router -- lsp-set-options ext-lr0 router-port=lr0-ext
"""


def delegate(n, packet, prefix):
    """Answers one message of the client as a delegating router; the message's type."""
    if packet[12:14] != b"\x86\xdd" or packet[20] != 17 or packet[54:58] != b"\x02\x22\x02\x23":
        return None
    message = packet[62:]
    options, rest = {}, message[4:]
    while rest:
        code, length = struct.unpack("!HH", rest[:4])
        options[code], rest = rest[4:4 + length], rest[4 + length:]
    lease = options[25][:4] + struct.pack("!II", 2, 3) + option6(26, struct.pack("!IIB", 60, 120, 64) + ip(prefix))
    answer = option6(1, options[1]) + option6(2, bytes.fromhex("00030001c0ffee000077")) + option6(25, lease)
    client = ":".join(f"{b:02x}" for b in packet[6:12])
    reply = dhcp6(2 if message[0] == 1 else 7, int.from_bytes(message[1:4], "big"), answer)
    n.receive("p2", eth(MACS["p2"], client, ip6("fe80::2", str(ipaddress.ip_address(packet[22:38])), udp(547, 546, reply))))
    return message[0]


def delegation():
    """A gateway port asks for a prefix, which the northbound database and the advertisements show; renewed, it is another"""
    with Network({"ovn-controller"}, DELEGATION, ["p1", "p2"], name="delegation") as n:
        kinds, advertised = [], set()

        def prefix_is(prefix):
            def step():
                for port, packets in n.new().items():
                    for packet in packets:
                        if port == "p2":
                            kinds.append(delegate(n, packet, prefix))
                        elif packet[12:14] == b"\x86\xdd" and packet[54] == 134 and ip(prefix) in packet:
                            advertised.add(prefix)
                shown = n.run("ovn-nbctl", "get", "Logical_Router_Port", "lr0-sw0", "ipv6_prefix")
                return prefix in shown and prefix in advertised
            return step
        rig.wait_for(prefix_is("2001:db8:aa::"), "the prefix", 20)
        rig.wait_for(prefix_is("2001:db8:bb::"), "the new prefix", 20)
        kinds = [kind for kind in kinds if kind]
        if kinds[:2] != [1, 3] or 5 not in kinds:
            raise rig.Failure(f"message types {kinds}, not SOLICIT, REQUEST, RENEW")


BFD = r"""
ls-add sw0
ls-add ext
lsp-add ext p2 -- lsp-set-addresses p2 unknown
create Logical_Router name=lr0 options:chassis=hv1
lrp-add lr0 lr0-ext 00:00:00:00:ff:02 20.0.0.1/24 -- lsp-add ext ext-lr0 -- lsp-set-type ext-lr0 router -- lsp-set-addresses ext-lr0 router -- lsp-set-options ext-lr0 router-port=lr0-ext
lsp-add sw0 p1 -- lsp-set-addresses p1 '02:00:00:00:00:01 10.0.0.11'
lr-route-add lr0 30.0.0.0/8 20.0.0.2 lr0-ext
--id=@b create BFD logical_port=lr0-ext dst_ip=20.0.0.2 min_tx=300 min_rx=300 detect_mult=3
"""


def bfd():
    """A session with a next hop comes up, and down when the next hop is silent; Debian's first packet is ours"""
    def first_packet(weft):
        with Network(weft, BFD, ["p1", "p2"], name="bfd") as n:
            session = n.run("ovn-nbctl", "--bare", "--columns=_uuid", "list", "BFD").strip()
            route = n.run("ovn-nbctl", "--bare", "--columns=_uuid", "list", "Logical_Router_Static_Route").strip()
            n.run("ovn-nbctl", "set", "Logical_Router_Static_Route", route, f"bfd={session}")
            seen, alive, state = [], True, 1

            def status_is(wanted):
                def step():
                    nonlocal state
                    for packet in n.new().get("p2", []):
                        if packet[12:14] == b"\x08\x06" and packet[20:22] == b"\0\1":
                            n.receive("p2", eth(MACS["p2"], "00:00:00:00:ff:02", arp(2, MACS["p2"], "20.0.0.2", "00:00:00:00:ff:02", "20.0.0.1"), 0x0806))
                        if packet[12:14] != b"\x08\0" or packet[23] != 17 or packet[36:38] != struct.pack("!H", 3784):
                            continue
                        seen.append(packet)
                        theirs = packet[43] >> 6
                        state = 2 if theirs == 1 else 3
                        flags = 0x10 if packet[43] & 0x20 else 0
                        control = bytes([0x20, state << 6 | flags, 3, 24]) + struct.pack("!I", 0x99) + packet[46:50] + struct.pack("!III", 300000, 300000, 0)
                        if alive:
                            n.receive("p2", eth(MACS["p2"], "00:00:00:00:ff:02", ip4("20.0.0.2", "20.0.0.1", udp(50000, 3784, control), ttl=255)))
                    return n.run("ovn-sbctl", "--bare", "--columns=status", "list", "BFD").strip() == wanted
                return step
            if not weft:
                rig.wait_for(lambda: status_is("?")() or seen, "a packet")
                return seen[0]
            rig.wait_for(status_is("up"), "the session", 20)
            rig.wait_for(lambda: n.run("ovn-nbctl", "--bare", "--columns=status", "list", "BFD").strip() == "up", "the northbound status")
            alive = False
            rig.wait_for(status_is("down"), "the end of the session", 20)
            return seen[0]
    theirs, ours = first_packet(()), first_packet({"ovn-controller"})
    # But for the discriminator, the intervals of a session that is not up (RFC 5880 section 6.8.3), and the UDP checksum.
    same = lambda p: p[:40] + p[42:46] + p[50:54] + p[58:]
    if same(theirs) != same(ours):
        raise rig.Failure(f"Debian's {theirs.hex()}, ours {ours.hex()}")


if __name__ == "__main__":
    rig.main(same_packets, delegation, bfd)
