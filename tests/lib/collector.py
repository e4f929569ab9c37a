"""A collector of NetFlow, sFlow and IPFIX: datagrams as dictionaries of named fields."""
import socket
import struct


class Collector:
    def __init__(self):
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
        self.socket.bind(("127.0.0.1", 0))
        self.target = f"127.0.0.1:{self.socket.getsockname()[1]}"
        self.datagrams = []

    def take(self):
        """All datagrams that came so far."""
        while True:
            try:
                self.datagrams.append(self.socket.recv(65536, socket.MSG_DONTWAIT))
            except BlockingIOError:
                return self.datagrams


def netflow(datagram):
    names = ("src", "dst", "next_hop", "in", "out", "packets", "bytes", "first", "last", "src_port", "dst_port", "pad", "flags",
             "proto", "tos", "src_as", "dst_as", "src_mask", "dst_mask", "pad2")
    header = dict(zip(("version", "count", "uptime", "secs", "nsecs", "sequence", "type", "id", "sampling"),
                      struct.unpack(">HHIIIIBBH", datagram[:24])))
    assert len(datagram) == 24 + 48 * header["count"], (len(datagram), header)
    records = [dict(zip(names, struct.unpack(">4s4s4sHHIIIIHHBBBBHHBBH", datagram[24 + 48 * i:72 + 48 * i]))) for i in range(header["count"])]
    for record in records:
        for name in ("src", "dst", "next_hop"):
            record[name] = socket.inet_ntoa(record[name])
    return header, records


def words(data):
    assert len(data) % 4 == 0, len(data)
    return list(struct.unpack(f">{len(data) // 4}I", data))


def sflow(datagram):
    version, family = struct.unpack(">II", datagram[:8])
    size = {1: 4, 2: 16}[family]
    agent, rest = datagram[8:8 + size], datagram[8 + size:]
    sub_agent, sequence, uptime, count = struct.unpack(">IIII", rest[:16])
    header = {"version": version, "agent": agent.hex(), "sub_agent": sub_agent, "sequence": sequence, "uptime": uptime}
    samples, at = [], 16
    for _ in range(count):
        kind, length = struct.unpack(">II", rest[at:at + 8])
        body = rest[at + 8:at + 8 + length]
        at += 8 + length
        assert len(body) == length
        names = {1: ("sequence", "source", "rate", "pool", "drops", "input", "output", "records"), 2: ("sequence", "source", "records")}[kind]
        sample = dict(zip(names, words(body[:4 * len(names)])), kind=kind, data={})
        inner = 4 * len(names)
        for _ in range(sample["records"]):
            tag, length = struct.unpack(">II", body[inner:inner + 8])
            sample["data"][tag] = body[inner + 8:inner + 8 + length]
            inner += 8 + length
        assert inner == len(body), (inner, len(body))
        samples.append(sample)
    assert at == len(rest), (at, len(rest))
    return header, samples


class Ipfix:
    """Keeps the templates; records come as (template, [(element, bytes), ...])."""

    def __init__(self):
        self.templates, self.options, self.headers = {}, {}, []

    def decode(self, datagram):
        version, length, time, sequence, domain = struct.unpack(">HHIII", datagram[:16])
        assert version == 10 and length == len(datagram), (version, length, len(datagram))
        self.headers.append({"time": time, "sequence": sequence, "domain": domain})
        records, at = [], 16
        while at < length:
            set_id, size = struct.unpack(">HH", datagram[at:at + 4])
            body = datagram[at + 4:at + size]
            at += size
            if set_id in (2, 3):
                self._templates(body, set_id == 3)
            elif set_id in self.options:
                records.append((set_id, [("options", body.hex())]))
            else:
                records += self._records(set_id, body)
        return domain, records

    def _templates(self, body, options):
        at = 0
        while at + 4 <= len(body):
            template, count = struct.unpack(">HH", body[at:at + 4])
            at += 4
            if options:
                at += 2
            fields = []
            for _ in range(count):
                element, size = struct.unpack(">HH", body[at:at + 4])
                at += 4
                enterprise = 0
                if element & 0x8000:
                    enterprise = struct.unpack(">I", body[at:at + 4])[0]
                    at += 4
                fields.append((enterprise, element & 0x7fff, size))
            (self.options if options else self.templates)[template] = fields

    def _records(self, template, body):
        out, at = [], 0
        while at < len(body):
            fields = []
            for enterprise, element, size in self.templates[template]:
                if size == 65535:
                    size = body[at]
                    at += 1
                fields.append((element, body[at:at + size]))
                assert at + size <= len(body), (template, at, size, len(body))
                at += size
            out.append((template, fields))
        return out
