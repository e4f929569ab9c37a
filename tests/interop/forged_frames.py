"""Frames that a tenant could forge: one of each protocol that the network answers, tracks or looks into, and what can be
done to them.

    frames = Forger(seed, sender, targets)
    frame = frames.next()
"""
import random
import struct

from wire import *

# What no port here may send: seen anywhere as a source, it was let through.
BAD_MAC, BAD_IP4, BAD_IP6 = "02:ba:d0:00:00:", "203.0.113.", "2001:db8:bad::"
BROADCAST = "ff:ff:ff:ff:ff:ff"


class Sender:
    def __init__(self, mac_address, ip4_address, ip6_address):
        self.mac, self.ip4, self.ip6 = mac_address, ip4_address, ip6_address


def bfd(state=1, mine=7, yours=0, flags=0, mult=3, min_tx=1000, min_rx=1000, length=24):
    return struct.pack("!BBBBIIIII", 0x20, state << 6 | flags, mult, length, mine, yours, min_tx, min_rx, 0)


def geneve(vni, options, inner, flags=0, proto=0x6558, words=None):
    words = len(options) // 4 if words is None else words
    return struct.pack("!BBHI", words & 0x3f, flags, proto, vni << 8) + options + inner


def ovn_option(inport, outport, klass=0x0102, kind=0x80, words=1):
    return struct.pack("!HBBI", klass, kind, words, (inport << 16 | outport) & 0xffffffff)


class Forger:
    def __init__(self, seed, sender, targets, spoofs=True):
        self.r = random.Random(seed)
        self.sender, self.targets, self.spoofs = sender, targets, spoofs
        self.kinds = [getattr(self, name) for name in sorted(dir(self)) if name.startswith("make_")]

    def chance(self, n):
        return self.r.randrange(n) == 0

    def source(self):
        """Mac, IPv4 and IPv6 of the sender; often, of one that spoofs, one of them is somebody else's."""
        mac_address, ip4_address, ip6_address = self.sender.mac, self.sender.ip4, self.sender.ip6
        if self.spoofs and self.chance(3):
            which = self.r.randrange(1, 8)
            n = self.r.randrange(1, 255)
            if which & 1:
                mac_address = f"{BAD_MAC}{n:02x}"
            if which & 2:
                ip4_address = f"{BAD_IP4}{n}"
            if which & 4:
                ip6_address = f"{BAD_IP6}{n:x}"
        if self.chance(20):
            ip4_address, ip6_address = "0.0.0.0", "::"
        return mac_address, ip4_address, ip6_address

    def frame(self, inner, v6=None, dst=None, group=None, **more):
        """`inner` from the sender to somebody, by IPv4 or IPv6."""
        smac, s4, s6 = self.source()
        target = self.r.choice(self.targets)
        v6 = self.chance(2) if v6 is None else v6
        if group:
            dst_ip, dst_mac = group
        else:
            dst_ip, dst_mac = dst or (target.ip6 if v6 else target.ip4), target.mac
        if self.chance(15):
            dst_mac = BROADCAST
        make = ip6 if v6 else ip4
        if not v6:
            more.setdefault("ident", self.r.randrange(65536))
        return eth(smac, dst_mac, make(s6 if v6 else s4, dst_ip, inner, **more))

    # --- one of each ---

    def make_udp(self):
        return self.frame(udp(self.r.choice((1, 53, 67, 68, 546, 547, 3784)), self.r.choice((1000, 1001, 1002, 80, 6081, 4789, 3784, 53)), b"x" * self.r.randrange(60)))

    def make_tcp(self):
        flags = self.r.choice((2, 2, 16, 18, 4, 1, 0, 63, self.r.randrange(64)))
        return self.frame(tcp(self.r.randrange(1, 9), self.r.choice((80, 80, 81, 1000, 443)), self.r.randrange(1 << 32), self.r.randrange(1 << 32), flags, b"y" * self.r.randrange(30)))

    def make_sctp(self):
        chunk = bytes([self.r.randrange(16), 0]) + struct.pack("!H", self.r.choice((4, 20, 0, 65535))) + b"\0" * self.r.randrange(20)
        return self.frame(sctp(5, self.r.choice((1000, 80)), self.r.randrange(1 << 32), chunk))

    def make_ping(self):
        v6 = self.chance(2)
        body = struct.pack("!HH", self.r.randrange(9), self.r.randrange(9)) + b"ping" * self.r.randrange(9)
        return self.frame(icmp6(128, 0, body) if v6 else icmp(8, 0, body), v6)

    def make_error(self):
        """An ICMP error about a packet that it makes up."""
        v6 = self.chance(2)
        target = self.r.choice(self.targets)
        inner = self.r.choice((tcp(80, 5, 1, 1, 16), udp(1000, 5, b"z")))
        about = ip6(target.ip6, self.sender.ip6, inner) if v6 else ip4(target.ip4, self.sender.ip4, inner)
        about = about[:self.r.choice((len(about), 28, 20, 8, 0))]
        body = struct.pack("!I", self.r.choice((0, 1500, 0xffffffff))) + about
        return self.frame(icmp6(self.r.choice((1, 2, 3, 4)), self.r.randrange(7), body) if v6 else icmp(self.r.choice((3, 11, 12, 5, 4)), self.r.randrange(7), body), v6)

    def make_dhcp4(self):
        smac, s4, _ = self.source()
        options = self.r.choice((b"", option4(50, ip(s4)), option4(57, b"\2\x40"), option4(52, b"\3"), option4(175, b"\1"), option4(61, b"")))
        message = dhcp4(self.r.randrange(10), self.r.randrange(1 << 32), smac, options * self.r.choice((1, 1, 1, 40)))
        src = self.r.choice(("0.0.0.0", s4))
        return eth(smac, BROADCAST, ip4(src, self.r.choice(("255.255.255.255", "10.0.0.254")), udp(68, 67, message)))

    def make_dhcp6(self):
        options = option6(1, b"\0\3\0\1" + mac(self.sender.mac)) + option6(3, struct.pack("!III", 7, 0, 0))
        options += self.r.choice((b"", option6(39, b"\0\4host"), option6(15, b""), option6(5, b"\0" * 24), option6(25, b"\0" * 12), option6(1, b"")))
        return self.frame(udp(546, 547, dhcp6(self.r.randrange(14), self.r.randrange(1 << 24), options)), True, group=("ff02::1:2", "33:33:00:01:00:02"))

    def make_prefix_reply(self):
        prefix = option6(26, struct.pack("!IIB", 30, 40, 64) + ip("2001:db8:1::"))
        options = option6(1, b"\0\3\0\1" + mac(self.sender.mac)) + option6(2, b"\0\2") + option6(25, struct.pack("!III", 1, 10, 20) + prefix)
        return self.frame(udp(547, 546, dhcp6(self.r.choice((2, 7)), 0, options)), True)

    def make_dns(self):
        name = self.r.choice(("vm1.ovn.org", "VM1.ovn.org", "none.ovn.org", b"\3vm1\xc0\x0c", b"\xff" * 9, "a" * 60 + ".b"))
        return self.frame(udp(self.r.choice((5353, 53)), 53, dns_query(1, name, self.r.choice((1, 28, 255, 12)), flags=self.r.choice((0x100, 0x8180, 0)),
                                                                     questions=self.r.choice((1, 1, 0, 65535)))))

    def make_arp(self):
        smac, s4, _ = self.source()
        sha, spa, _ = self.source()
        target = self.r.choice(self.targets)
        return eth(smac, self.r.choice((BROADCAST, target.mac)), arp(self.r.choice((1, 1, 2, 2, 0, 9)), sha, self.r.choice((spa, s4)), self.r.choice(("00:00:00:00:00:00", target.mac)),
                                                                        self.r.choice((target.ip4, spa, "10.0.0.99"))), 0x0806)

    def make_nd(self):
        smac, _, _ = self.source()
        _, _, claimed = self.source()
        kind = self.r.choice((135, 136, 136, 133, 134, 137))
        target = self.r.choice(self.targets)
        about = ip(self.r.choice((target.ip6, claimed)))
        option = bytes([self.r.choice((1, 2, 3, 5, 25)), self.r.choice((1, 1, 1, 0, 255))]) + mac(smac)
        body = self.r.choice((b"\0\0\0\0", b"\xe0\0\0\0")) + (about if kind in (135, 136, 137) else b"") + option * self.r.choice((0, 1, 1, 2))
        return self.frame(icmp6(kind, 0, body), True, hop_limit=self.r.choice((255, 255, 255, 64)),
                          group=self.r.choice((None, ("ff02::1", "33:33:00:00:00:01"), ("ff02::2", "33:33:00:00:00:02"))))

    def make_igmp(self):
        group = self.r.choice(("239.1.1.1", f"239.{self.r.randrange(256)}.{self.r.randrange(256)}.1", "224.0.0.1"))
        kind = self.r.choice((0x11, 0x12, 0x16, 0x17, 0x22))
        if kind == 0x22:
            records = b"".join(struct.pack("!BBH", self.r.randrange(9), 0, self.r.choice((0, 1, 65535))) + ip(group) for _ in range(self.r.randrange(4)))
            message = igmp(kind, 0, struct.pack("!HH", 0, self.r.choice((1, 3, 65535))) + records)
        else:
            message = igmp(kind, 0, ip(group))
        return self.frame(message, False, group=(group, "01:00:5e:01:01:01"), options=self.r.choice((b"", b"\x94\4\0\0")), ttl=1)

    def make_mld(self):
        group = ip(self.r.choice(("ff05::1:3", "ff02::1")))
        kind = self.r.choice((130, 131, 132, 143))
        body = struct.pack("!HH", 0, self.r.choice((1, 65535))) + (struct.pack("!BBH", self.r.randrange(9), 0, 0) + group if kind == 143 else group)
        return self.frame(icmp6(kind, 0, body), True, hop_limit=1, group=("ff02::16", "33:33:00:00:00:16"), hop_by_hop=b"\0\5\2\0\0\1\0")

    def make_bfd(self):
        message = bfd(self.r.randrange(4), self.r.randrange(3), self.r.randrange(3), self.r.randrange(64), self.r.randrange(4), self.r.choice((0, 1, 1 << 31)),
                      self.r.choice((0, 1, 1 << 31)), self.r.choice((24, 24, 23, 26, 255)))
        return self.frame(udp(49152, 3784, message), False, ttl=self.r.choice((255, 255, 254)))

    def make_tunnel(self):
        smac, s4, _ = self.source()
        inner = eth(smac, BROADCAST, ip4(s4, "10.0.0.3", udp(1, 1, b"")))
        return self.frame(udp(9, 6081, geneve(self.r.randrange(4), ovn_option(1, 2), inner)))

    def make_fragment(self):
        """Pieces of a packet in any order, overlapping, of different sizes, of the forbidden kind or not."""
        whole = self.r.choice((tcp(5, 80, 1, 1, 2, b"f" * 60), udp(5, 80, b"g" * 60), icmp(8, 0, b"h" * 64)))
        smac, s4, s6 = self.source()
        target = self.r.choice(self.targets)
        body = whole.bytes(ip(s4), ip(target.ip4))
        at = self.r.choice((0, 8, 16, 24, 8 * self.r.randrange(8191)))
        piece = body[at:at + self.r.choice((8, 16, 24, 1, 60))] or b"i" * 8
        if self.chance(2):
            packet = ip4(s4, target.ip4, Transport(whole.protocol, piece, None), ident=self.r.randrange(4), flags=at >> 3 | self.r.choice((0, 0x2000)))
        else:
            head = struct.pack("!BBHI", whole.protocol if whole.protocol != 1 else 58, 0, at | self.r.randrange(2), self.r.randrange(4))
            packet = ip6(s6, target.ip6, Transport(44, head + piece, None))
        return eth(smac, target.mac, packet)

    def make_chain(self):
        """IPv6 extension headers, some of them without end."""
        inner = self.r.choice((udp(5, 1000, b"u"), tcp(5, 81)))
        smac, _, s6 = self.source()
        target = self.r.choice(self.targets)
        body = inner.bytes(ip(s6), ip(target.ip6))
        protocol = inner.protocol
        for _ in range(self.r.choice((1, 2, 5, 30))):
            kind = self.r.choice((0, 43, 60, 44, 51, 135, 50))
            body = struct.pack("!BBHI", protocol, self.r.choice((0, 0, 0, 1, 255)), 0, 0) + body
            protocol = kind
        return eth(smac, target.mac, ip6(s6, target.ip6, Transport(protocol, body, None)))

    def make_other(self):
        smac, _, _ = self.source()
        target = self.r.choice(self.targets)
        kind = self.r.choice((0x8100, 0x88a8, 0x8847, 0x894f, 0x8035, 0x88cc, 0x0027, 0x1234, 0x86dd, 0x0800, 0x0806, 0x8809))
        body = self.r.choice((bytes(self.r.randrange(256) for _ in range(self.r.randrange(80))),
                              struct.pack("!HH", self.r.randrange(4096), 0x0800) + ip4(self.sender.ip4, target.ip4, udp(5, 1, b"")),
                              b"\xaa\xaa\x03\0\0\0\x08\x00" + ip4(self.sender.ip4, target.ip4, udp(5, 1, b""))))
        return eth(smac, self.r.choice((target.mac, BROADCAST, "01:80:c2:00:00:00", "01:80:c2:00:00:02", "01:80:c2:00:00:0e")), body, kind)

    # --- what is done to them ---

    def lie(self, frame):
        """A length field says something else."""
        at = self.r.choice({0x0800: (14, 16, 17, 20, 21, 38, 46), 0x86dd: (18, 19, 58, 59, 66)}.get(int.from_bytes(frame[12:14], "big"), (12, 13, 14, 15)))
        if at < len(frame):
            frame[at] = self.r.choice((0, 1, 0xff, frame[at] ^ 1, self.r.randrange(256)))
        # Half of the lies have a header checksum that is right.
        if frame[12:14] == b"\x08\x00" and len(frame) >= 34 and self.chance(2):
            words = max(20, (frame[14] & 15) * 4)
            frame[24:26] = b"\0\0"
            frame[24:26] = struct.pack("!H", checksum(bytes(frame[14:14 + words])))
        return frame

    def mutate(self, frame):
        frame = bytearray(frame)
        for _ in range(self.r.choice((0, 0, 1, 1, 2, 5))):
            if len(frame) < 15:
                break
            what = self.r.randrange(6)
            at = self.r.randrange(14, len(frame))
            if what == 0:
                frame[at] = self.r.randrange(256)
            elif what == 1:
                frame[at] ^= 1 << self.r.randrange(8)
            elif what == 2:
                frame = frame[:at]
            elif what == 3:
                frame[at:at] = bytes(self.r.randrange(40))
            elif what == 4:
                frame = self.lie(frame)
            else:
                other = self.r.choice(self.kinds)()
                frame = frame[:at] + other[self.r.randrange(len(other)):]
        return bytes(frame[:1500])

    def next(self):
        return self.mutate(self.r.choice(self.kinds)())
