"""Packets by hand: headers around a payload, each with its length and checksum right, and the reader of pcap files.

    frame = eth(CLIENT, SERVER, ip4("0.0.0.0", "255.255.255.255", udp(68, 67, dhcp4(1, 0x1234, CLIENT))))
"""
import ipaddress
import struct


def mac(text):
    return bytes.fromhex(text.replace(":", ""))


def ip(text):
    return ipaddress.ip_address(text).packed


def checksum(data):
    if len(data) % 2:
        data += b"\0"
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return ~total & 0xffff


class Transport:
    """A transport header and payload that wants its checksum at `at` over a pseudo header of `protocol`."""

    def __init__(self, protocol, data, at, pseudo=True, sum_wrong=False):
        self.protocol, self.data, self.at, self.pseudo, self.sum_wrong = protocol, data, at, pseudo, sum_wrong

    def bytes(self, src, dst):
        data = bytearray(self.data)
        if self.at is None:
            return bytes(data)
        data[self.at:self.at + 2] = b"\0\0"
        pseudo = b""
        if self.pseudo or len(src) == 16:
            length = struct.pack("!I", len(data)) if len(src) == 16 else struct.pack("!H", len(data))
            number = struct.pack("!I", self.protocol) if len(src) == 16 else struct.pack("!H", self.protocol)
            pseudo = src + dst + length + number
        value = checksum(pseudo + bytes(data))
        if self.protocol == 17 and value == 0:
            value = 0xffff
        if self.sum_wrong:
            value ^= 0x5555
        data[self.at:self.at + 2] = struct.pack("!H", value)
        return bytes(data)


def eth(src, dst, inner, ethertype=None):
    if ethertype is None:
        ethertype = 0x0800 if inner[0] >> 4 == 4 else 0x86dd
    return mac(dst) + mac(src) + struct.pack("!H", ethertype) + inner


def ip4(src, dst, inner, ttl=64, tos=0, flags=0, options=b"", ident=0):
    body = inner.bytes(ip(src), ip(dst))
    head = struct.pack("!BBHHHBBH", 0x45 + len(options) // 4, tos, 20 + len(options) + len(body), ident, flags, ttl, inner.protocol, 0)
    head += ip(src) + ip(dst) + options
    return head[:10] + struct.pack("!H", checksum(head)) + head[12:] + body


def ip6(src, dst, inner, hop_limit=255, hop_by_hop=b"", traffic_class=0):
    body = inner.bytes(ip(src), ip(dst))
    protocol = inner.protocol
    if hop_by_hop:
        body = bytes([protocol]) + hop_by_hop + body
        protocol = 0
    return struct.pack("!IHBB", 6 << 28 | traffic_class << 20, len(body), protocol, hop_limit) + ip(src) + ip(dst) + body


def udp(src, dst, payload, **more):
    return Transport(17, struct.pack("!HHHH", src, dst, 8 + len(payload), 0) + payload, 6, **more)


def tcp(src, dst, seq=1, ack=0, flags=2, payload=b"", window=1000):
    return Transport(6, struct.pack("!HHIIBBHHH", src, dst, seq, ack, 5 << 4, flags, window, 0, 0) + payload, 16)


def sctp(src, dst, tag, chunks):
    data = struct.pack("!HHI", src, dst, tag) + b"\0\0\0\0" + chunks
    return Transport(132, data[:8] + struct.pack("<I", crc32c(data)) + data[12:], None)


def icmp(kind, code, body):
    return Transport(1, bytes([kind, code, 0, 0]) + body, 2, pseudo=False)


def icmp6(kind, code, body):
    return Transport(58, bytes([kind, code, 0, 0]) + body, 2)


def igmp(kind, code, body):
    return Transport(2, bytes([kind, code, 0, 0]) + body, 2, pseudo=False)


def crc32c(data):
    crc = 0xffffffff
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82f63b78 if crc & 1 else 0)
    return crc ^ 0xffffffff


def dhcp4(kind, xid, client, options=b"", op=1, htype=1, hlen=6, flags=0, ciaddr="0.0.0.0", giaddr="0.0.0.0", cookie=b"\x63\x82\x53\x63",
          end=b"\xff", secs=0, sname=b"", file=b"", hops=0):
    head = struct.pack("!BBBBIHH", op, htype, hlen, hops, xid, secs, flags) + ip(ciaddr) + b"\0" * 8 + ip(giaddr)
    head += mac(client).ljust(16, b"\0") + sname.ljust(64, b"\0") + file.ljust(128, b"\0") + cookie
    if kind is not None:
        head += bytes([53, 1, kind])
    return head + options + end


def option4(code, value):
    return bytes([code, len(value)]) + value


def option6(code, value):
    return struct.pack("!HH", code, len(value)) + value


def dhcp6(kind, xid, options):
    return struct.pack("!I", kind << 24 | xid) + options


def arp(op, sha, spa, tha, tpa):
    return struct.pack("!HHBBH", 1, 0x0800, 6, 4, op) + mac(sha) + ip(spa) + mac(tha) + ip(tpa)


def dns_name(name):
    return b"".join(bytes([len(label)]) + label.encode() for label in name.split(".") if label) + b"\0"


def dns_query(ident, name, kind, klass=1, flags=0x0100, questions=1, extra=b"", additional=0):
    question = name if isinstance(name, bytes) else dns_name(name)
    return struct.pack("!HHHHHH", ident, flags, questions, 0, 0, additional) + question + struct.pack("!HH", kind, klass) + extra


def read_pcap(path):
    """The packets of a classic pcap file that are complete."""
    try:
        with open(path, "rb") as f:
            data = f.read()
    except FileNotFoundError:
        return []
    packets, at = [], 24
    order = "<" if data[:4] in (b"\xd4\xc3\xb2\xa1", b"\x4d\x3c\xb2\xa1") else ">"
    while at + 16 <= len(data):
        length = struct.unpack(order + "I", data[at + 8:at + 12])[0]
        if at + 16 + length > len(data):
            break
        packets.append(data[at + 16:at + 16 + length])
        at += 16 + length
    return packets
