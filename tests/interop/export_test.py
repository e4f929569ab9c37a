"""NetFlow, sFlow and IPFIX: Weft's datagrams say of the same traffic, field by field, what Debian's say."""
import re
import struct
import time

import collector
import packets
import rig
from twins import Twins



def frame(ethertype, payload, p, q, broadcast=False):
    return packets.ethernet(ethertype, payload, f"50540000000{p}", "ffffffffffff" if broadcast else f"50540000000{q}")


def v4(protocol, payload, p, q, tos=0, ttl=64):
    header = packets.ipv4(f"192.168.0.{p}", f"192.168.0.{q}", protocol, payload, ttl=ttl)
    return header[:1] + bytes([tos]) + header[2:]  # its checksum is nobody's business here


def v6(protocol, payload, p, q):
    return struct.pack(">IHBB", 0x62812345, len(payload), protocol, 7) + packets.packed(f"fe80::{p}") + packets.packed(f"fe80::{q}") + payload


# Frames from port p to the station behind port q, with so many bytes of payload.
def UDP(p, q, size, port=1000):
    return frame(0x800, v4(17, struct.pack(">HHHH", port, 53, 8 + size, 0) + bytes(size), p, q, tos=0x14), p, q)


def TCP(p, q, size, flags=0x12):
    return frame(0x800, v4(6, struct.pack(">HHIIBBHHH", 1000, 80, 1, 2, 0x50, flags, 100, 0, 0) + bytes(size), p, q, tos=0xc0, ttl=9), p, q)


def ICMP(p, q, size):
    return frame(0x800, v4(1, bytes([8, 3, 0, 0, 0, 0, 0, 0]) + bytes(size), p, q), p, q)


def SCTP(p, q, size):
    return frame(0x800, v4(132, struct.pack(">HHII", 5, 6, 0, 0) + bytes(size), p, q), p, q)


def UDP6(p, q, size):
    return frame(0x86dd, v6(17, struct.pack(">HHHH", 1, 2, 8 + size, 0) + bytes(size), p, q), p, q)


def ICMP6(p, q, size):
    return frame(0x86dd, v6(58, bytes([128, 0, 0, 0, 0, 0, 0, 0]) + bytes(size), p, q), p, q)


def VLAN(p, q, size):
    inner = UDP(p, q, size, port=1001)
    return inner[:12] + bytes.fromhex("8100a009") + inner[12:]


def ARP(p, q, size):
    mac = bytes.fromhex(f"50540000000{p}")
    return frame(0x806, bytes.fromhex("0001080006040001") + mac + bytes([1, 1, 1, p]) + bytes(6) + bytes([1, 1, 1, q]) + bytes(size), p, q, True)


ALL = (UDP, TCP, ICMP, SCTP, UDP6, ICMP6, VLAN, ARP)


class Exports(Twins):
    def __init__(self, name):
        super().__init__(name)
        self.collectors = [collector.Collector(), collector.Collector()]
        words = ["add-br", "br0", "--", "set", "bridge", "br0", 'other-config:hwaddr="aa:55:aa:55:00:00"']
        for number in (1, 2, 3):
            words += ["--", "add-port", "br0", f"p{number}", "--", "set", "interface", f"p{number}", f"ofport_request={number}"]
        self.vsctl(*words)
        self.warp(200)
        self.sent = 0

    def set(self, *words):
        """{target} is each one's collector."""
        for each, to in zip(self.rigs, self.collectors):
            each.run("ovs-vsctl", *[w.replace("{target}", to.target).replace("{bridge}", each.run("ovs-vsctl", "get", "bridge", "br0", "_uuid").strip())
                                    for w in words])
        self.warp(200)

    def flows(self, *flows):
        for each in self.rigs:
            each.run("ovs-ofctl", "-OOpenFlow13", "del-flows", f"unix:{each.dir}/br0.mgmt")
            for flow in flows:
                each.run("ovs-ofctl", "-OOpenFlow13", "add-flow", f"unix:{each.dir}/br0.mgmt", flow)
        self.warp(100)

    def send(self, packet, p, q, times=1, size=50, **more):
        for _ in range(times):
            self.appctl("netdev-dummy/receive", f"p{p}", packet(p, q, size, **more).hex())
            self.sent += 1
            # Until both have seen it: the next packet may depend on what was learned.
            self.same("dpif/show", normal=lambda text: sum(int(n) for n in re.findall(r"(?:hit|missed):(\d+)", text)),
                      until=lambda seen: seen == self.sent)

    def told(self, decode, what, count):
        """What both collectors got, decoded, once it is the same `count` records."""
        size = lambda told: len(told[0] if isinstance(told, tuple) else told)
        return self.agree(lambda i: decode(self.collectors[i].take()), what, until=lambda told: size(told) == count, seconds=8)

    def forget(self):
        for each in self.collectors:
            each.take()
            each.datagrams.clear()


def netflow_flows():
    """NetFlow: the same records, once flows move, stay active or end"""
    with Exports("netflow") as x:
        x.set("--", "set", "bridge", "br0", "netflow=@n", "--", "--id=@n", "create", "NetFlow", 'targets="{target}"', "active_timeout=5",
              "engine_type=3", "engine_id=9")

        def records(datagrams):
            out = []
            for datagram in datagrams:
                header, some = collector.netflow(datagram)
                assert (header["version"], header["type"], header["id"], header["sampling"]) == (5, 3, 9, 0), header
                for record in some:
                    record.update(first=0, last=0)
                    out.append(sorted(record.items()))
            return sorted(map(str, out))

        for packet, p, q, times, size in ((UDP, 1, 2, 3, 100), (UDP, 2, 1, 2, 200), (TCP, 1, 2, 2, 150), (ICMP, 1, 2, 1, 120), (SCTP, 2, 1, 2, 90),
                                            (UDP6, 1, 2, 2, 100), (VLAN, 1, 2, 1, 100)):
            x.send(packet, p, q, times, size)
            x.warp(300)
        x.warp(8000, 500)
        told = x.told(records, "records", 6)
        assert any("'flags', 18" in record for record in told), told
        # Where a packet goes, in every way; and the interface numbers with the engine's.
        for mangled in ("false", "true"):
            x.set("set", "netflow", ".", f"add_id_to_interface={mangled}", "active_timeout=1")
            for actions in ("LOCAL", "drop", "2", "2,3", "IN_PORT", "controller", "ALL", "normal"):
                x.flows(f"actions={actions}")
                x.send(UDP, 1, 2)
                x.warp(3000, 500)
        x.told(records, "records of every kind of output", 6 + 2 * 8)
        # Times and sequence numbers of ours.
        datagrams = [collector.netflow(d) for d in x.collectors[0].take()]
        sequence = 0
        for header, some in datagrams:
            assert header["sequence"] == sequence, (header, sequence)
            sequence += len(some)
            assert abs(header["secs"] - time.time()) < 3600, header
            for record in some:
                assert record["first"] <= record["last"] <= header["uptime"], (record, header)
        x.set("clear", "bridge", "br0", "netflow")
        x.forget()
        x.send(UDP, 1, 3)
        x.warp(12000, 1000)
        assert not x.collectors[0].take()


def sflow_samples():
    """sFlow: the same samples of the same packets, counters of the bridge, and the same actions"""
    with Exports("sflow") as x:
        x.set("--", "set", "bridge", "br0", "sflow=@s", "--", "--id=@s", "create", "sFlow", 'targets="{target}"', "sampling=1", "polling=2",
              'agent="10.1.2.3"', "header=64")

        def samples(datagrams):
            out = []
            for datagram in datagrams:
                header, some = collector.sflow(datagram)
                assert (header["version"], header["agent"], header["sub_agent"]) == (5, "0a010203", 0), header
                for sample in some:
                    if sample["kind"] == 1:
                        out.append((sample["sequence"], sample["source"], sample["rate"], sample["pool"], sample["drops"], sample["input"],
                                    sample["output"], sorted(sample["data"].items())))
            return out

        def actions(text):
            found = re.search(r"Datapath actions: (.*)", text).group(1)
            return sorted(re.split(r",(?![^(]*\))", re.sub(r"recirc_id=\d+", "recirc_id=N", found)))
        for packet in ALL:
            x.send(packet, 1, 2)
            x.send(packet, 2, 1, size=250)
            x.warp(500)
        x.warp(3000, 500)
        x.told(samples, "samples", 2 * len(ALL))
        x.flows("in_port=1,actions=2", "in_port=2,actions=mod_vlan_vid:7,mod_vlan_pcp:2,3", "in_port=3,vlan_tci=0x1000/0x1000,actions=pop_vlan,1")
        x.send(VLAN, 1, 2)
        x.send(UDP, 2, 3)
        x.send(VLAN, 3, 1)
        x.warp(2000, 500)
        x.told(samples, "samples with VLANs", 2 * len(ALL) + 3)
        # Counters of the bridge come every two seconds.
        counters = [(s, h) for d in x.collectors[0].take() for h, some in [collector.sflow(d)] for s in some if s["kind"] == 2]
        theirs = [s for d in x.collectors[1].take() for _, some in [collector.sflow(d)] for s in some if s["kind"] == 2]
        assert len(counters) >= 3 and theirs, (len(counters), len(theirs))
        for sample, header in counters:
            assert sample["source"] == theirs[0]["source"] and sorted(sample["data"]) == sorted(theirs[0]["data"]), (sample, theirs[0])
            assert [len(v) for _, v in sorted(sample["data"].items())] == [len(v) for _, v in sorted(theirs[0]["data"].items())]
        hits, misses, lost = collector.words(counters[-1][0]["data"][2207])[:3]
        assert misses > 0 and lost == 0, (hits, misses, lost)
        # One in three, and what the datapath is told, whatever a flow does.
        x.set("set", "sflow", ".", "sampling=3")
        for action in ("normal", "LOCAL", "drop", "2", "2,3", "controller", "mod_vlan_vid:5,2"):
            x.flows(f"actions={action}")
            x.same("ofproto/trace", "br0", "in_port=1,dl_src=50:54:00:00:00:01,dl_dst=50:54:00:00:00:02,dl_type=0x0800", normal=actions)
        x.set("set", "sflow", ".", 'agent="nosuchdevice"')
        x.same("ofproto/trace", "br0", "in_port=1,dl_src=50:54:00:00:00:01,dl_dst=50:54:00:00:00:02,dl_type=0x0800", normal=actions)


# Counted by Debian's per packet that its datapath had a flow for (docs/decisions/0052-flow-export.md).
DROPPED = {132, 133, 134, 135}
TIMES = {158, 159}


def ipfix_records(ignored=frozenset()):
    def decode(datagrams):
        decoder, out = collector.Ipfix(), []
        for datagram in datagrams:
            domain, records = decoder.decode(datagram)
            for template, fields in records:
                if fields[0][0] != "options":
                    out.append((domain, template, [(e, v.hex()) for e, v in fields if e not in ignored | DROPPED | TIMES]))
        return out, sorted(decoder.templates.items()), decoder.options
    return decode


def ipfix_bridge():
    """IPFIX of a bridge: the same templates and records for packets of every kind, and the same statistics"""
    with Exports("ipfix") as x:
        x.set("--", "set", "bridge", "br0", "ipfix=@i", "--", "--id=@i", "create", "IPFIX", 'targets="{target}"', "sampling=1", "obs_domain_id=5",
              "obs_point_id=6")
        trace = lambda: x.same("ofproto/trace", "br0", "in_port=1,dl_src=50:54:00:00:00:0a,dl_dst=50:54:00:00:00:0b,dl_type=0x1234",
                               normal=lambda text: sorted(re.split(r",(?![^(]*\))", re.search(r"Datapath actions: (.*)", text).group(1))))
        trace()
        # Floods come out in each one's own order, which the totals show: packets go one way each.
        x.flows("in_port=1,actions=2", "in_port=2,actions=1", "in_port=3,actions=drop")
        for packet in ALL:
            x.send(packet, 1, 2, times=2)
            x.send(packet, 2, 1, size=250)
        x.send(UDP, 3, 1)
        x.send(TCP, 1, 2, flags=0x29)
        x.warp(1000)
        records, templates, options = x.told(ipfix_records(), "records", 2 * 3 * len(ALL) + 3)
        assert len(templates) == 88 and len(options) == 1, (len(templates), options)
        # Sequence numbers count records; times lie before the datagram's.
        decoder = collector.Ipfix()
        for datagram in x.collectors[0].take():
            for template, fields in decoder.decode(datagram)[1]:
                if fields[0][0] != "options":
                    values = dict(fields)
                    assert struct.unpack(">I", values[158])[0] >= struct.unpack(">I", values[159])[0] >= 0
        sequences = [h["sequence"] for h in decoder.headers]
        assert sequences == sorted(sequences) and sequences[-1] == len(records) + 1, sequences[-5:]
        stats = lambda command: x.agree(lambda i: x.rigs[i].run("ovs-ofctl", command, f"unix:{x.rigs[i].dir}/br0.mgmt", check=False).stdout,
                                        command, normal=lambda text: re.sub(r"tx pkts=\d+|xid=\w+", "", text))
        stats("dump-ipfix-bridge")
        stats("dump-ipfix-flow")
        # Our tool reads Debian's switch, and Debian's ours.
        for tool in (rig.Rig(weft={"ovs-ofctl"}, name="tool"), rig.Rig(name="tool")):
            with tool:
                for each in x.rigs:
                    said = tool.run("ovs-ofctl", "dump-ipfix-bridge", f"unix:{each.dir}/br0.mgmt")
                    assert f"sampled pkts={len(records)}," in said, said
        # With a cache, packets add up until the timeout.
        x.set("set", "ipfix", ".", "cache_active_timeout=5", "cache_max_flows=100")
        x.forget()
        for _ in range(3):
            x.send(UDP, 1, 2)
            x.send(TCP, 2, 1)
        stats("dump-ipfix-bridge")
        x.warp(2000, 500)
        assert not [1 for d in x.collectors[0].take() if struct.unpack(">H", d[16:18])[0] > 3 and len(d) > 100]
        x.warp(8000, 500)

        def sums(datagrams):
            decoder, out = collector.Ipfix(), []
            decoder.templates = dict(templates)
            decoder.options = dict(options)
            for datagram in datagrams:
                for template, fields in decoder.decode(datagram)[1]:
                    values = dict(fields)
                    if template != 462:
                        out.append((template, [values[e].hex() for e in (2, 352, 1, 198, 25, 26, 7, 11)]))
            return sorted(out)
        x.told(sums, "records of cached flows", 4)
        x.set("clear", "bridge", "br0", "ipfix")
        stats("dump-ipfix-bridge")
        trace()


def ipfix_flows():
    """IPFIX of sample actions: directions, ports, domains and virtual observation ids"""
    with Exports("sample") as x:
        x.set("--", "--id=@c", "create", "Flow_Sample_Collector_Set", "id=1", "bridge={bridge}", "ipfix=@i", "--", "--id=@i", "create", "IPFIX",
              'targets="{target}"', "other_config:virtual_obs_id=hello")
        sample = "sample(probability={},collector_set_id={},obs_domain_id={},obs_point_id=12{})"
        for probability, set_id, domain, more in ((65535, 1, 11, ""), (65535, 1, 11, ",sampling_port=2"), (65535, 1, 11, ",sampling_port=1"),
                                                  (65535, 1, 22, ",sampling_port=2,egress"), (65535, 1, 22, ",sampling_port=1,ingress"),
                                                  (65535, 1, 22, ",sampling_port=2,ingress"), (32768, 1, 11, ",sampling_port=2,egress"), (65535, 2, 11, "")):
            x.flows("actions=" + sample.format(probability, set_id, domain, more) + ",2")
            x.same("ofproto/trace", "br0", "in_port=1,dl_src=50:54:00:00:00:01,dl_dst=50:54:00:00:00:02,dl_type=0x0800",
                   normal=lambda text: re.search(r"Datapath actions: (.*)", text).group(1))
            if probability == 65535:
                x.send(UDP, 1, 2)
                x.send(TCP, 1, 2)
                x.send(VLAN, 1, 2)
        x.warp(500)
        records, templates, _ = x.told(ipfix_records(), "records", 18)
        assert len(templates) == 88, len(templates)
        assert any(898 in dict(fields) for _, _, fields in records), records[0]
        x.agree(lambda i: x.rigs[i].run("ovs-ofctl", "dump-ipfix-flow", f"unix:{x.rigs[i].dir}/br0.mgmt"), "dump-ipfix-flow",
                normal=lambda text: re.sub(r"tx pkts=\d+", "", text))


if __name__ == "__main__":
    rig.main(netflow_flows, sflow_samples, ipfix_bridge, ipfix_flows)
