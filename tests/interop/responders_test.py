"""What ovn-controller answers itself: the same packets under Debian's controller and ours, the answers byte for byte.

Switch, northd, databases and tools are Debian's, so that only the controller differs.  Where ours differs on purpose
(docs/decisions/0016 to 0018), the question says how.
"""
import os
import random
import struct
import time

import rig
from responder_rig import MACS, Network
from wire import *

SEED = int(os.environ.get("WEFT_SEED") or random.randrange(1 << 30))

NETWORK = r"""
ls-add sw0
--id=@d create DHCP_Options cidr=10.0.0.0/24 options:server_id=10.0.0.1 options:server_mac=c0:ff:ee:00:00:01 options:lease_time=3600 options:router=10.0.0.1 options:dns_server={8.8.8.8,7.7.7.7} options:mtu=1400 -- --id=@e create DHCP_Options cidr=fd00::/64 options:server_id=c0:ff:ee:00:00:06 options:dns_server={fd00::53,fd00::54} -- lsp-add sw0 p1 -- lsp-set-addresses p1 '02:00:00:00:00:01 10.0.0.11 fd00::11' -- set Logical_Switch_Port p1 dhcpv4_options=@d dhcpv6_options=@e
--id=@d create DHCP_Options cidr=10.0.0.0/24 options:server_id=10.0.0.1 options:server_mac=c0:ff:ee:00:00:01 options:lease_time=3600 options:next_server=10.0.0.9 options:bootfile_name='"boot.efi"' options:bootfile_name_alt='"alt.efi"' options:tftp_server='"tftp.example"' options:T1=100 options:T2=200 options:domain_search_list='"a.example.org,b.example.org"' options:classless_static_route={30.0.0.0/24,10.0.0.10,0.0.0.0/0,10.0.0.1} options:broadcast_address=10.0.0.255 options:ip_forward_enable=1 options:default_ttl=64 options:ntp_server=10.0.0.7 options:wpad='"http://wpad/"' options:arp_cache_timeout=30 options:log_server=10.0.0.8 options:lpr_server=10.0.0.8 options:swap_server=10.0.0.8 options:policy_filter=10.0.0.8 options:router_solicitation=10.0.0.8 options:nis_server=10.0.0.8 options:netbios_name_server=10.0.0.8 options:netbios_node_type=8 options:router_discovery=0 options:ethernet_encap=1 options:tcp_ttl=9 options:tcp_keepalive_interval=5 options:path_prefix='"/tftp/"' options:tftp_server_address=10.0.0.8 options:domain_name='"example.org"' options:ms_classless_static_route={30.0.0.0/24,10.0.0.10} -- --id=@e create DHCP_Options cidr=fd00::/64 options:server_id=c0:ff:ee:00:00:06 options:dhcpv6_stateless=true options:dns_server=fd00::53 options:domain_search='"ovn.org"' -- lsp-add sw0 p2 -- lsp-set-addresses p2 '02:00:00:00:00:02 10.0.0.12 fd00::12' -- set Logical_Switch_Port p2 dhcpv4_options=@d dhcpv6_options=@e options:hostname='"host2"'
lsp-add sw0 p3 -- lsp-set-addresses p3 '02:00:00:00:00:03 10.0.0.13 fd00::13'
lsp-add sw0 p4 -- lsp-set-addresses p4 '02:00:00:00:00:04 10.0.0.14 fd00::14'
ls-add sw1 -- lsp-add sw1 p5 -- lsp-set-addresses p5 '02:00:00:00:00:05 10.1.0.15 fd01::15' -- set Logical_Switch sw1 other_config:mcast_snoop=true other_config:mcast_querier=false other_config:mcast_table_size=12 other_config:mcast_eth_src=00:00:00:00:aa:01 other_config:mcast_ip4_src=10.1.0.254 other_config:mcast_ip6_src=fe80::aa -- lsp-add sw1 p6 -- lsp-set-addresses p6 '02:00:00:00:00:06 10.1.0.16 fd01::16'
lr-add lr0
lrp-add lr0 lr0-sw0 00:00:00:00:ff:01 10.0.0.1/24 fd00::1/64 -- set Logical_Router_Port lr0-sw0 ipv6_ra_configs:address_mode=slaac ipv6_ra_configs:mtu=1400 ipv6_ra_configs:route_info=HIGH-2001:db8:1::/48 ipv6_ra_configs:router_preference=HIGH -- lsp-add sw0 sw0-lr0 -- lsp-set-type sw0-lr0 router -- lsp-set-addresses sw0-lr0 router -- lsp-set-options sw0-lr0 router-port=lr0-sw0
lrp-add lr0 lr0-sw1 00:00:00:00:ff:02 10.1.0.1/24 fd01::1/64 -- set Logical_Router_Port lr0-sw1 ipv6_ra_configs:address_mode=dhcpv6_stateful -- lsp-add sw1 sw1-lr0 -- lsp-set-type sw1-lr0 router -- lsp-set-addresses sw1-lr0 router -- lsp-set-options sw1-lr0 router-port=lr0-sw1
--id=@d create DNS records:vm1.ovn.org='10.0.0.4 aef0::4' records:vm2.ovn.org='10.0.0.5 10.0.0.6' records:vm6.ovn.org=aef0::6 records:4.0.0.10.in-addr.arpa=vm1.ovn.org -- add Logical_Switch sw0 dns_records @d
acl-add sw0 from-lport 1000 'inport == "p4" && (udp.dst == 1000 || tcp.dst == 1000 || sctp.dst == 1000 || icmp4.type == 8 || icmp6.type == 128 || icmp4.type == 3 || icmp6.type == 1)' reject
acl-add sw0 to-lport 1000 'outport == "p3" && udp.dst == 1100' reject
--log --severity=alert --name=mylog acl-add sw0 from-lport 1001 'inport == "p4" && udp.dst == 1001' drop
--log --name=l2 acl-add sw0 from-lport 1001 'inport == "p4" && tcp.dst == 1001' allow
--log acl-add sw0 to-lport 1001 'outport == "p2" && udp.dst == 1003' drop
--log --name=rej acl-add sw0 from-lport 1001 'inport == "p4" && udp.dst == 1002' reject
--log --name=arp acl-add sw0 from-lport 1001 'inport == "p4" && arp' allow
lb-add lb1 10.0.0.100:80 '' tcp
ls-lb-add sw0 lb1
set NB_Global . options:controller_event=true
lsp-add sw0 vip -- lsp-set-addresses vip '02:00:00:00:00:99 10.0.0.99' -- lsp-set-type vip virtual -- set Logical_Switch_Port vip options:virtual-ip=10.0.0.99 options:virtual-parents=p1,p2
"""
PORTS = ["p1", "p2", "p3", "p4", "p5", "p6"]


class Question:
    """`differs`: what our answers must be, given Debian's ({port: [packet]}), where the two are not the same."""

    def __init__(self, label, port, packet, differs=None):
        self.label, self.port, self.packet, self.differs = label, port, packet, differs


def nothing(_):
    return {}


def passes_on(port, packet):
    """As unanswered: to the destination's port, unchanged."""
    return lambda _: {port: [packet]}


# --- DHCPv4 ---

def dhcp4_frame(port, kind, options=b"", src="0.0.0.0", dst="255.255.255.255", ttl=64, tos=0, ident=0, **more):
    message = dhcp4(kind, 0x11223344, MACS[port], options, **more)
    return eth(MACS[port], "ff:ff:ff:ff:ff:ff", ip4(src, dst, udp(68, 67, message), ttl=ttl, tos=tos, ident=ident))


def with_payload(frame, change):
    """The UDP packet (no checksum) whose payload change() made of the old one."""
    payload = change(frame[42:])
    src, dst = (".".join(str(b) for b in frame[at:at + 4]) for at in (26, 30))
    head = Transport(17, struct.pack("!HHHH", 67, 68, 8 + len(payload), 0) + payload, None)
    return frame[:14] + ip4(src, dst, head, ttl=frame[22], tos=frame[15], ident=struct.unpack("!H", frame[18:20])[0])


def nak_names_server(theirs):
    """RFC 2131 asks for the server's identifier in a NAK."""
    return {port: [with_payload(p, lambda m: m[:243] + option4(54, ip("10.0.0.1")) + m[243:]) for p in packets] for port, packets in theirs.items()}


def next_server_too(theirs):
    """siaddr also for clients that load by iPXE."""
    return {port: [with_payload(p, lambda m: m[:20] + ip("10.0.0.9") + m[24:]) for p in packets] for port, packets in theirs.items()}


def dhcp4_questions():
    own, server = option4(50, ip("10.0.0.11")), option4(54, ip("10.0.0.1"))
    ask = []

    def q(label, kind, options=b"", port="p1", differs=None, **more):
        ask.append(Question(f"DHCPv4 {label}", port, dhcp4_frame(port, kind, options, **more), differs))

    q("discover", 1)
    for flags in (0x8000, 0x7fff, 0xffff):
        q(f"discover, flags {flags:x}", 1, flags=flags)
    q("discover, usual options", 1, own + option4(61, b"\x01" + mac(MACS["p1"])) + option4(55, b"\x01\x03\x06"))
    q("discover, many options", 1, port="p2")
    q("discover, iPXE", 1, option4(175, b"\x01"), port="p2", differs=next_server_too)
    q("request, many options", 3, option4(50, ip("10.0.0.12")), port="p2")
    q("inform, many options", 8, port="p2")
    q("request", 3, own + server)
    q("request, another address", 3, option4(50, ip("10.0.0.99")) + server, differs=nak_names_server)
    q("request, another server", 3, own + option4(54, ip("10.0.0.2")))
    q("request, no address", 3, differs=nak_names_server)
    q("renew", 3, ciaddr="10.0.0.11", src="10.0.0.11", dst="10.0.0.1")
    q("rebind", 3, ciaddr="10.0.0.11", src="10.0.0.11")
    q("renew of another address", 3, ciaddr="10.0.0.77", src="10.0.0.11", differs=nak_names_server)
    q("request before ciaddr", 3, own, ciaddr="10.0.0.77", src="10.0.0.11")
    q("decline", 4, own + server)
    q("release", 7, server, ciaddr="10.0.0.11", src="10.0.0.11", dst="10.0.0.1")
    q("inform", 8, ciaddr="10.0.0.11", src="10.0.0.11")
    for kind in (0, 2, 5, 6, 9, 255):
        q(f"type {kind}", kind)
    q("no type", None)
    q("another cookie", 1, cookie=b"\x63\x82\x53\x64")
    q("a reply", 1, op=2)
    q("hardware type 6", 1, htype=6)
    q("hardware length 5", 1, hlen=5)
    q("a relay", 1, giaddr="10.0.0.200")
    q("no end", 1, end=b"")
    q("an option that is cut", 1, option4(50, b"1234")[:3], end=b"")
    q("padding", 1, b"\0\0\0")
    q("seconds and hops", 1, secs=5, hops=3)
    q("sname and file", 1, sname=b"sname", file=b"file")
    q("type of two bytes", None, option4(53, b"\x01\x02"))
    q("two types", 1, option4(53, b"\x03"), differs=nak_names_server)
    q("address of three bytes", 3, option4(50, b"\x0a\0\0"), differs=nak_names_server)
    q("TTL and TOS", 1, ttl=3, tos=0x10)
    q("IP identification", 1, ident=77)
    whole = dhcp4_frame("p1", 1)
    ask.append(Question("DHCPv4 frame with padding", "p1", whole + b"\xaa" * 20))
    ask.append(Question("DHCPv4 cut", "p1", whole[:-1]))
    ask.append(Question("DHCPv4 without UDP checksum", "p1", whole[:40] + b"\0\0" + whole[42:]))
    ask.append(Question("DHCPv4 too short", "p1", eth(MACS["p1"], "ff:ff:ff:ff:ff:ff", ip4("0.0.0.0", "255.255.255.255", udp(68, 67, b"hello")))))
    return ask


# --- DHCPv6 ---

CLIENT_ID = option6(1, bytes.fromhex("00030001020000000001"))
SERVER_ID = option6(2, bytes.fromhex("00030001c0ffee000006"))


def ia_na(identity=7, inner=b""):
    return option6(3, struct.pack("!III", identity, 3600, 5400) + inner)


def dhcp6_frame(port, kind, options, **more):
    return eth(MACS[port], "33:33:00:01:00:02", ip6(f"fe80::{port[1]}", "ff02::1:2", udp(546, 547, dhcp6(kind, 0x112233, options)), **more))


def stateful_reply(kind=7, stale=b""):
    """What p1 gets for asking."""
    lease = option6(3, struct.pack("!I", 7) + b"\xff" * 8 + option6(5, ip("fd00::11") + b"\xff" * 8) + stale)
    message = dhcp6(kind, 0x112233, CLIENT_ID + lease + option6(23, ip("fd00::53") + ip("fd00::54")) + SERVER_ID)
    return eth("c0:ff:ee:00:00:06", MACS["p1"], ip6("fe80::c2ff:eeff:fe00:6", "fe80::1", udp(547, 546, message)))


def status_reply(code, text):
    """What p1 gets when there is nothing to give."""
    message = dhcp6(7, 0x112233, CLIENT_ID + option6(13, struct.pack("!H", code) + text) + SERVER_ID)
    return eth("c0:ff:ee:00:00:06", MACS["p1"], ip6("fe80::c2ff:eeff:fe00:6", "fe80::1", udp(547, 546, message)))


def stateless_reply(kind):
    """What p2 gets for asking; Debian's controller answers no stateless client whose network has a search list."""
    message = dhcp6(kind, 0x112233, CLIENT_ID + option6(23, ip("fd00::53")) + option6(24, dns_name("ovn.org")) + SERVER_ID)
    return eth("c0:ff:ee:00:00:06", MACS["p2"], ip6("fe80::c2ff:eeff:fe00:6", "fe80::2", udp(547, 546, message)))


def dhcp6_questions():
    asked, elapsed = option6(6, bytes.fromhex("00170018")), option6(8, b"\0\0")
    address = ia_na(inner=option6(5, ip("fd00::11") + b"\0\0\x0e\x10\0\0\x15\x18"))
    other = ia_na(inner=option6(5, ip("fd00::99") + b"\0\0\x0e\x10\0\0\x15\x18"))
    ask = []

    def q(label, kind, options, port="p1", differs=None, **more):
        ask.append(Question(f"DHCPv6 {label}", port, dhcp6_frame(port, kind, options, **more), differs))

    def as_request(_):
        return {"p1": [stateful_reply()]}

    def released(_):
        return {"p1": [status_reply(0, b"released")]}

    def not_on_link(_):
        return {"p1": [status_reply(4, b"not the address of this port")]}

    def without_the_other(_):
        return {"p1": [stateful_reply(stale=option6(5, ip("fd00::99") + b"\0" * 8))]}

    for kind in range(14):
        options = CLIENT_ID + (SERVER_ID if kind in (3, 5, 8, 9) else b"") + asked + elapsed
        options += b"" if kind == 11 else address if kind in (4, 5, 6, 8, 9) else ia_na()
        q(f"type {kind}", kind, options, differs=as_request if kind in (5, 6) else released if kind == 8 else None)
    q("no client", 1, ia_na())
    q("no association", 1, CLIENT_ID)
    q("name of the client", 1, CLIENT_ID + ia_na() + option6(39, b"\0\4host"))
    q("rapid commit", 1, CLIENT_ID + ia_na() + option6(14, b""))
    q("temporary address", 1, CLIENT_ID + option6(4, b"\0\0\0\7"))
    q("prefix", 1, CLIENT_ID + option6(25, b"\0" * 12))
    q("two associations", 1, CLIENT_ID + ia_na(7) + ia_na(8))
    q("another server", 3, CLIENT_ID + option6(2, bytes.fromhex("00030001c0ffee000099")) + ia_na())
    q("another address", 3, CLIENT_ID + SERVER_ID + other)
    q("confirm another address", 4, CLIENT_ID + other, differs=not_on_link)
    q("renew another address", 5, CLIENT_ID + SERVER_ID + other, differs=without_the_other)
    q("rebind another address", 6, CLIENT_ID + other, differs=without_the_other)
    q("short association", 1, CLIENT_ID + option6(3, b"\0\0\0\7"))
    q("an option that is cut", 1, CLIENT_ID + ia_na() + b"\0\6\0\x10\0")
    q("empty", 1, b"")
    q("two clients", 1, CLIENT_ID + CLIENT_ID[:-1] + b"\x77" + ia_na())
    q("hop limit and class", 1, CLIENT_ID + ia_na(), hop_limit=3, traffic_class=8)
    q("long client", 1, option6(1, b"x" * 130) + ia_na())
    for kind in (1, 3, 11):
        q(f"stateless type {kind}", kind, CLIENT_ID + asked, port="p2", differs=lambda _, kind=kind: {"p2": [stateless_reply(2 if kind == 1 else 7)]})
    q("stateless, no client", 11, asked, port="p2")
    whole = dhcp6_frame("p1", 1, CLIENT_ID + ia_na())
    ask.append(Question("DHCPv6 frame with padding", "p1", whole + b"\xaa" * 9))
    ask.append(Question("DHCPv6 cut", "p1", whole[:-1]))
    ask.append(Question("DHCPv6 too short", "p1", eth(MACS["p1"], "33:33:00:01:00:02", ip6("fe80::1", "ff02::1:2", udp(546, 547, b"\1\2")))))
    return ask


# --- router solicitations, DNS ---

def ra_questions():
    ask = []

    def q(label, body, port="p1", src=None, hop_limit=255, code=0, **more):
        packet = ip6(src or f"fe80::{port[1]}", "ff02::2", icmp6(133, code, body), hop_limit=hop_limit, **more)
        ask.append(Question(f"RS {label}", port, eth(MACS[port], "33:33:00:00:00:02", packet)))

    source = b"\1\1" + mac(MACS["p1"])
    q("with its address", b"\0\0\0\0" + source)
    q("bare", b"\0\0\0\0")
    q("stateful network", b"\0\0\0\0", port="p5")
    q("hop limit 64", b"\0\0\0\0" + source, hop_limit=64)
    q("code 1", b"\0\0\0\0" + source, code=1)
    q("traffic class", b"\0\0\0\0" + source, traffic_class=0x20)
    q("odd options", b"\0\0\0\0\1\0abc")
    q("short", b"\0\0")
    return ask


def dns_questions():
    ask = []

    def q(label, payload, v6=False, strict=False):
        inner = udp(5353, 53, payload)
        body = ip6("fd00::11", "fd00::13", inner) if v6 else ip4("10.0.0.11", "10.0.0.13", inner)
        frame = eth(MACS["p1"], MACS["p3"], body)
        ask.append(Question(f"DNS {label}", "p1", frame, passes_on("p3", frame) if strict else None))

    a, ptr, mx, aaaa, any_ = 1, 12, 15, 28, 255
    for name in ("vm1.ovn.org", "VM1.OVN.org", "vm2.ovn.org", "vm6.ovn.org", "none.ovn.org"):
        for kind in (a, aaaa, any_, mx):
            q(f"{name} {kind}", dns_query(0xabcd, name, kind))
    q("pointer", dns_query(1, "4.0.0.10.in-addr.arpa", ptr))
    q("pointer, any", dns_query(1, "4.0.0.10.in-addr.arpa", any_))
    q("pointer, address", dns_query(1, "4.0.0.10.in-addr.arpa", a))
    q("address as a pointer", dns_query(1, "vm1.ovn.org", ptr), strict=True)
    q("over IPv6", dns_query(2, "vm1.ovn.org", a), v6=True)
    q("another class", dns_query(3, "vm1.ovn.org", a, 3), strict=True)
    q("a response", dns_query(3, "vm1.ovn.org", a, flags=0x8180))
    q("another operation", dns_query(3, "vm1.ovn.org", a, flags=0x1000), strict=True)
    for flags in (0, 0x07ff):
        q(f"flags {flags:x}", dns_query(3, "vm1.ovn.org", a, flags=flags))
    q("no question", dns_query(3, "vm1.ovn.org", a, questions=0))
    q("two questions", dns_query(3, "vm1.ovn.org", a, questions=2) + dns_name("vm2.ovn.org") + b"\0\1\0\1", strict=True)
    q("EDNS", dns_query(4, "vm1.ovn.org", a, additional=1, extra=b"\0\0\x29\x10\0\0\0\0\0\0\0"))
    q("compressed", dns_query(5, b"\3vm1\xc0\x0c", a))
    q("cut", dns_query(5, "vm1.ovn.org", a)[:-3])
    q("name cut", dns_query(5, b"\x3fvm1", a))
    q("bytes behind", dns_query(5, "vm1.ovn.org", a) + b"zz", strict=True)
    q("root", dns_query(5, "", a))
    q("short", b"\0\1\2")
    return ask


# --- refusals ---

SCTP_INIT = b"\1\0\0\x14" + struct.pack("!IIHHI", 0xdeadbeef, 1000, 1, 1, 5)


def reset_from_acknowledgement(seq):
    """RFC 9293: a segment with ACK is reset from its acknowledgement number on, by RST alone."""
    def differs(theirs):
        out = {}
        for port, packets in theirs.items():
            out[port] = []
            for packet in packets:
                sport, dport = struct.unpack("!HH", packet[34:38])
                src, dst = (".".join(str(b) for b in packet[at:at + 4]) for at in (26, 30))
                out[port].append(packet[:14] + ip4(src, dst, tcp(sport, dport, seq, 0, 4, window=0), ttl=packet[22], flags=0x4000))
        return out
    return differs


def refusal_questions():
    ask = []

    def q4(label, inner, port="p4", dst="10.0.0.13", to=MACS["p3"], src="10.0.0.14", differs=None, **more):
        ask.append(Question(label, port, eth(MACS[port], to, ip4(src, dst, inner, **more)), differs))

    def q6(label, inner, port="p4", dst="fd00::13", to=MACS["p3"], src="fd00::14", differs=None, **more):
        ask.append(Question(label, port, eth(MACS[port], to, ip6(src, dst, inner, **more)), differs))

    q4("reject UDP", udp(5, 1000, b"hello"))
    q4("reject UDP, big", udp(5, 1000, b"x" * 1000), tos=8, ident=5, flags=0x4000)
    q4("reject SYN", tcp(5, 1000, 100))
    q4("reject ACK", tcp(5, 1000, 100, 77, 0x10, b"abc"), differs=reset_from_acknowledgement(77))
    q4("reject RST", tcp(5, 1000, 1, 2, 4))
    q4("reject FIN with bytes", tcp(5, 1000, 100, 0, 1, b"abc"))  # connection tracking drops it
    q4("reject INIT", sctp(5, 1000, 0, SCTP_INIT))
    q4("reject DATA", sctp(5, 1000, 0x1234, b"\0\3\0\x14" + b"\0" * 16))
    q4("reject ABORT", sctp(5, 1000, 0x1234, b"\6\0\0\4"))
    q4("reject echo", icmp(8, 0, b"\0\1\0\2abcd"))
    q4("reject error", icmp(3, 1, b"\0\0\0\0" + b"E" * 28))
    q4("reject TTL 1", udp(5, 1000, b"hello"), ttl=1)
    q4("reject IP options", udp(5, 1000, b"hello"), options=b"\1\1\1\0")
    q4("reject at the destination", udp(5, 1100, b"hello"))
    q4("reject broadcast", udp(5, 1000, b"hello"), dst="10.0.0.255", to="ff:ff:ff:ff:ff:ff", differs=nothing)
    q4("reject multicast", udp(5, 1000, b"hello"), dst="224.0.0.5", to="01:00:5e:00:00:05", differs=nothing)
    q6("reject UDP over IPv6", udp(5, 1000, b"hello"))
    q6("reject UDP over IPv6, big", udp(5, 1000, b"x" * 1400), traffic_class=0x20)
    q6("reject SYN over IPv6", tcp(5, 1000, 100))
    q6("reject echo over IPv6", icmp6(128, 0, b"\0\1\0\2abc"))
    q6("reject error over IPv6", icmp6(1, 0, b"\0\0\0\0" + b"E" * 40))
    q6("reject INIT over IPv6", sctp(5, 1000, 0, SCTP_INIT))
    q6("reject multicast over IPv6", udp(5, 1000, b"hello"), dst="ff02::5", to="33:33:00:00:00:05", differs=nothing)
    router = "00:00:00:00:ff:01"
    q4("TTL 1 at a router", udp(5, 6, b"hello"), dst="10.1.0.15", to=router, ttl=1)
    q4("TTL 1 at a router, big", udp(5, 6, b"h" * 1300), dst="10.1.0.15", to=router, ttl=1)
    q6("hop limit 1 at a router", udp(5, 6, b"hello"), dst="fd01::15", to=router, hop_limit=1)
    q6("hop limit 1 at a router, big", udp(5, 6, b"h" * 1300), dst="fd01::15", to=router, hop_limit=1)
    q4("UDP to a router", udp(5, 6, b"hello"), dst="10.0.0.1", to=router)
    q4("TCP to a router", tcp(5, 6, 9), dst="10.0.0.1", to=router)
    q4("SCTP to a router", sctp(5, 6, 9, b""), dst="10.0.0.1", to=router)
    q6("UDP to a router over IPv6", udp(5, 6, b"hello"), dst="fd00::1", to=router)
    q6("TCP to a router over IPv6", tcp(5, 6, 9), dst="fd00::1", to=router)
    # Logged, and told in the southbound database.
    q4("log drop", udp(5, 1001, b"x"))
    q4("log allow", tcp(5, 1001))
    q6("log at the destination", udp(5, 1003, b"abc"), dst="fd00::12", to=MACS["p2"])
    q4("log reject", udp(5, 1002, b"x"))
    ask.append(Question("log ARP", "p4", eth(MACS["p4"], "ff:ff:ff:ff:ff:ff", arp(1, MACS["p4"], "10.0.0.14", "00:00:00:00:00:00", "10.0.0.77"), 0x0806)))
    q4("load balancer without back ends", tcp(5, 80), port="p1", src="10.0.0.11", dst="10.0.0.100", to=MACS["p2"])
    ask.append(Question("virtual address announced", "p1", eth(MACS["p1"], "ff:ff:ff:ff:ff:ff", arp(1, MACS["p1"], "10.0.0.99", "00:00:00:00:00:00", "10.0.0.99"), 0x0806)))
    # Packets that wait for an address; the first of four is dropped.
    for n in range(4):
        q4(f"next hop unknown, packet {n}", udp(5, 6, b"%d" % n), dst="10.1.0.77", to=router)
    ask.append(Question("next hop answers", "p5", eth(MACS["p5"], "00:00:00:00:ff:02", arp(2, MACS["p5"], "10.1.0.77", "00:00:00:00:ff:02", "10.1.0.1"), 0x0806)))
    for n in range(2):
        q6(f"next hop unknown over IPv6, packet {n}", udp(5, 6, b"%d" % n), dst="fd01::77", to=router)
    ask.append(Question("next hop answers over IPv6", "p5", eth(MACS["p5"], "00:00:00:00:ff:02", ip6("fd01::77", "fd01::1", icmp6(136, 0, b"\x60\0\0\0" + ip("fd01::77") + b"\2\1" + mac(MACS["p5"]))))))
    return ask


# --- multicast ---

def multicast_questions():
    ask = []
    alert4, alert6 = b"\x94\4\0\0", b"\0\5\2\0\0\1\0"

    def q4(label, port, kind, group, dst=None, code=0):
        dst = dst or group
        to = "01:00:5e:" + ":".join(f"{b:02x}" for b in bytes([ip(dst)[1] & 0x7f]) + ip(dst)[2:])
        ask.append(Question(f"IGMP {label}", port, eth(MACS[port], to, ip4(f"10.1.0.1{port[1]}", dst, igmp(kind, code, ip(group)), ttl=1, options=alert4))))

    def report(v6, label, port, records):
        body = struct.pack("!HH", 0, len(records)) + b"".join(
            bytes([kind, 0]) + struct.pack("!H", len(sources)) + ip(group) + b"".join(ip(s) for s in sources) for kind, group, sources in records)
        if v6:
            packet = eth(MACS[port], "33:33:00:00:00:16", ip6(f"fe80::{port[1]}", "ff02::16", icmp6(143, 0, body), hop_limit=1, hop_by_hop=alert6))
        else:
            packet = eth(MACS[port], "01:00:5e:00:00:16", ip4(f"10.1.0.1{port[1]}", "224.0.0.22", igmp(0x22, 0, body), ttl=1, options=alert4))
        ask.append(Question(label, port, packet))

    def mld(label, port, kind, group, dst=None):
        dst = dst or group
        to = "33:33:" + ":".join(f"{b:02x}" for b in ip(dst)[12:])
        ask.append(Question(f"MLD {label}", port, eth(MACS[port], to, ip6(f"fe80::{port[1]}", dst, icmp6(kind, 0, b"\0\0\0\0" + ip(group)), hop_limit=1, hop_by_hop=alert6))))

    q4("report 2", "p5", 0x16, "239.1.1.1")
    q4("report 2 of another", "p6", 0x16, "239.1.1.1")
    q4("report 1", "p6", 0x12, "239.1.1.2")
    report(False, "IGMP report 3", "p6", [(4, "239.1.1.3", []), (3, "239.1.1.4", ["1.2.3.4"]), (2, "239.1.1.5", []), (1, "239.1.1.6", ["1.1.1.1"]), (5, "239.1.1.7", ["1.1.1.1"])])
    mld("report 1", "p5", 131, "ff0e::1")
    report(True, "MLD report 2", "p6", [(4, "ff0e::2", [])])
    report(True, "MLD report 2 of two", "p5", [(4, "ff0e::4", []), (4, "ff0e::5", [])])
    q4("leave", "p6", 0x17, "239.1.1.1", dst="224.0.0.2")
    report(False, "IGMP leave 3", "p6", [(3, "239.1.1.3", [])])
    mld("done", "p5", 132, "ff0e::1", dst="ff02::2")
    report(False, "IGMP report 3 cut", "p6", [(4, "239.1.1.30", [])])
    ask[-1].packet = ask[-1].packet[:-2]
    # Last, since ovn-northd treats the ports of routers differently once it knows them.
    q4("query", "p6", 0x11, "0.0.0.0", dst="224.0.0.1", code=20)
    return ask


# --- random ---

def random_questions(rng, count):
    """DHCP messages and DNS queries of random but whole options.  What is answered differently on purpose is left to the named ones."""
    ask = []
    for n in range(count):
        kind = rng.choice((1, 1, 3, 8, 4, 7))
        options = b"".join(option4(rng.choice((12, 55, 60, 61, 81, 93, 116)), rng.randbytes(rng.randrange(20))) for _ in range(rng.randrange(5)))
        if kind == 3:
            options += option4(50, ip("10.0.0.11"))
        more = {"flags": rng.choice((0, 0x8000)), "secs": rng.randrange(65536), "hops": rng.randrange(256),
                "ciaddr": rng.choice(("0.0.0.0", "10.0.0.11")), "giaddr": rng.choice(("0.0.0.0", "10.9.9.9"))}
        ask.append(Question(f"random DHCPv4 {n}", "p1", dhcp4_frame("p1", kind, options, **more)))
        options = [CLIENT_ID, ia_na(rng.randrange(1 << 32))] + [option6(rng.choice((6, 8, 16, 39, 82)), rng.randbytes(rng.randrange(20))) for _ in range(rng.randrange(4))]
        rng.shuffle(options)
        ask.append(Question(f"random DHCPv6 {n}", "p1", dhcp6_frame("p1", rng.choice((1, 3, 4, 11, 10, 12)), b"".join(options))))
        name = "".join(rng.choice((c.lower(), c.upper())) for c in rng.choice(("vm1.ovn.org", "vm2.ovn.org", "vm6.ovn.org", "x.ovn.org")))
        query = dns_query(rng.randrange(65536), name, rng.choice((1, 28, 255, 15)), flags=rng.choice((0, 0x100, 0x110)))
        ask.append(Question(f"random DNS {n}", "p1", eth(MACS["p1"], MACS["p3"], ip4("10.0.0.11", "10.0.0.13", udp(rng.randrange(1024, 65536), 53, query)))))
    return ask


def questions():
    rng = random.Random(SEED)
    return (dhcp4_questions() + dhcp6_questions() + ra_questions() + dns_questions() + random_questions(rng, 40) + refusal_questions() + multicast_questions())


def rows(n):
    """What the controller told the southbound database, with names for uuids."""
    import json
    ports = dict(line.split(",", 1) for line in n.run("ovn-sbctl", "--format=csv", "--no-headings", "--columns=_uuid,logical_port", "list", "Port_Binding").split())

    def table(name, columns, *condition):
        data = json.loads(n.run("ovn-sbctl", "--format=json", f"--columns={columns}", *(("find", name, *condition) if condition else ("list", name))))
        text = [json.dumps(row) for row in data["data"]]
        for uuid, port in ports.items():
            text = [t.replace(uuid, port) for t in text]
        return sorted(text)

    def groups():
        out = {}
        for row in json.loads(n.run("ovn-sbctl", "--format=json", "--columns=address,ports", "list", "IGMP_Group"))["data"]:
            members = row[1][1] if row[1][0] == "set" else [row[1]]
            out[row[0]] = sorted(ports[m[1]] for m in members)
        return out

    return {"IGMP_Group": groups(), "Controller_Event": table("Controller_Event", "event_type,seq_num"),
            "MAC_Binding": table("MAC_Binding", "logical_port,ip,mac"),
            "virtual port": table("Port_Binding", "virtual_parent,up", "logical_port=vip")}


def acl_log(n):
    with open(f"{n.dir}/ovn-controller.log") as f:
        return [line.split("|", 3)[3].strip() for line in f if "|acl_log" in line]


def ask_all(weft, name, asked):
    answers = []
    with Network(weft, NETWORK, PORTS, name=name) as n:
        for question in asked:
            answers.append(n.ask(question.port, question.packet))
        expected_groups = 10  # of multicast_questions(), routers among them
        rig.wait_for(lambda: len(rows(n)["IGMP_Group"]) == expected_groups and rows(n)["Controller_Event"] and "p1" in str(rows(n)["virtual port"]),
                     f"rows that the controller writes; there are {rows(n)}")
        with open(f"{n.dir}/ovn-controller.log") as f:
            warnings = [line for line in f if "|WARN|" in line or "|ERR|" in line] if weft else []
        return answers, rows(n), acl_log(n), warnings


def show(answer):
    return "; ".join(f"{port}: {' '.join(p.hex() for p in packets)}" for port, packets in sorted(answer.items())) or "nothing"


def same_answers():
    """Every question gets Debian's answer, byte for byte, or the one that the decisions say"""
    print(f"WEFT_SEED={SEED}")
    asked = questions()
    theirs, their_rows, their_log, _ = ask_all((), "debian", asked)
    ours, our_rows, our_log, warnings = ask_all({"ovn-controller"}, "weft", asked)
    wrong = []
    for question, their, our in zip(asked, theirs, ours):
        wanted = question.differs(their) if question.differs else their
        if our != wanted:
            wrong.append(f"{question.label}:\n    wanted {show(wanted)}\n    got    {show(our)}")
    if our_rows != their_rows:
        wrong.append(f"rows:\n    wanted {their_rows}\n    got    {our_rows}")
    if our_log != their_log:
        wrong.append(f"ACL log:\n    wanted {their_log}\n    got    {our_log}")
    wrong += [f"logged: {line.strip()}" for line in warnings if "connection failed" not in line]
    if wrong:
        raise rig.Failure(f"{len(wrong)} of {len(asked)} differ:\n" + "\n".join(wrong[:12]))
    answered = sum(bool(t) for t in theirs)
    if answered < len(asked) // 2:
        raise rig.Failure(f"only {answered} of {len(asked)} questions were answered")


if __name__ == "__main__":
    rig.main(same_answers)
