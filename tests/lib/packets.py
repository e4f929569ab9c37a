"""Packets as bytes: Ethernet frames with IPv4 or IPv6 and what they carry, checksums right unless told otherwise."""
import socket
import struct

FLAGS = {"F": 1, "S": 2, "R": 4, "P": 8, "A": 16, "U": 32, "E": 64, "C": 128}


def checksum(data):
    if len(data) % 2:
        data += b"\0"
    total = sum(struct.unpack(f">{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return ~total & 0xffff


def is_v6(address):
    return ":" in address


def packed(address):
    return socket.inet_pton(socket.AF_INET6 if is_v6(address) else socket.AF_INET, address)


def ethernet(ethertype, payload, src="020000000001", dst="020000000002"):
    return bytes.fromhex(dst) + bytes.fromhex(src) + struct.pack(">H", ethertype) + payload


def ipv4(src, dst, protocol, payload, id=1, fragment=0, ttl=64, options=b""):
    words = 5 + len(options) // 4
    header = struct.pack(">BBHHHBBH", 0x40 | words, 0, words * 4 + len(payload), id, fragment, ttl, protocol, 0)
    header += packed(src) + packed(dst) + options
    return header[:10] + struct.pack(">H", checksum(header)) + header[12:] + payload


def ipv6(src, dst, protocol, payload, hop_limit=64):
    return struct.pack(">IHBB", 0x60000000, len(payload), protocol, hop_limit) + packed(src) + packed(dst) + payload


def ip(src, dst, protocol, payload, **more):
    return ipv6(src, dst, protocol, payload, **more) if is_v6(src) else ipv4(src, dst, protocol, payload, **more)


def frame(src, dst, protocol, payload, **more):
    return ethernet(0x86dd if is_v6(src) else 0x800, ip(src, dst, protocol, payload, **more))


def pseudo_header(src, dst, protocol, size):
    if is_v6(src):
        return packed(src) + packed(dst) + struct.pack(">II", size, protocol)
    return packed(src) + packed(dst) + struct.pack(">BBH", 0, protocol, size)


def tcp(src, dst, sport, dport, flags, sequence, acknowledgment=0, window=65535, data=b"", options=b""):
    bits = sum(FLAGS[letter] for letter in flags)
    segment = struct.pack(">HHIIBBHHH", sport, dport, sequence & 0xffffffff, acknowledgment & 0xffffffff,
                          (20 + len(options)) // 4 << 4, bits, window, 0, 0) + options + data
    check = checksum(pseudo_header(src, dst, 6, len(segment)) + segment)
    return segment[:16] + struct.pack(">H", check) + segment[18:]


def udp(src, dst, sport, dport, data=b"hello", check=True):
    datagram = struct.pack(">HHHH", sport, dport, 8 + len(data), 0) + data
    value = checksum(pseudo_header(src, dst, 17, len(datagram)) + datagram) or 0xffff
    return datagram[:6] + struct.pack(">H", value if check else 0) + datagram[8:]


def icmp(src, dst, type, code, rest, data=b"abcdefgh"):
    """ICMP or ICMPv6, by the addresses' family."""
    message = struct.pack(">BBH", type, code, 0) + rest + data
    covered = pseudo_header(src, dst, 58, len(message)) + message if is_v6(src) else message
    return message[:2] + struct.pack(">H", checksum(covered)) + message[4:]


def fragments(src, dst, protocol, payload, size, id=1):
    """Frames that carry `payload` in pieces of `size` bytes."""
    out = []
    for at in range(0, len(payload), size):
        piece, more = payload[at:at + size], int(at + size < len(payload))
        if is_v6(src):
            out.append(frame(src, dst, 44, struct.pack(">BBHI", protocol, 0, at | more, id) + piece))
        else:
            out.append(frame(src, dst, protocol, piece, id=id, fragment=at // 8 | more << 13))
    return out
