"""Random tables and packets: Weft's switch makes of them what Debian's makes of them.

A case is a packet in a table of random flows.  `ofproto/trace` must say the same: datapath actions, but for the numbers that
either chooses (recirculation ids), and final flow.  Then the packets are received for real: what goes out of every port, byte
for byte, and the statistics of flows, groups, tables and ports must be equal.  Megaflows may differ where the classifiers look
at things in another order, so there the test holds the share of packets whose megaflow differs to a bound, and prints
examples.  Actions that pick by a hash of the switch's own are left out (select groups, multipath, bundle's hrw): no two
switches need agree on them.

Everything is asked over sockets that stay open, and what the switches counted is compared as they send it; the text of
`ovs-ofctl dump-flows`, by either's, only now and then, since a process costs more than a hundred packets.

By hand: WEFT_CASES says how many packets; it stops after WEFT_MOST differences, twenty if not said
(docs/decisions/0065-random-pipelines.md).
"""
import difflib
import os
import random
import re
import socket
import struct
import sys
import time

import control
import openflow as of
import rig
from ofproto_trace import fields, followed, outputs, parts, start
from random_pipeline import HOP_BY_HOP, Pipeline

CASES = int(os.environ.get("WEFT_CASES", 2500))
FLOWS, PACKETS = 40, 100
TABLES_AT_ONCE = 10  # whose flows one ovs-ofctl turns into messages
MOST = int(os.environ.get("WEFT_MOST", 20))  # differences, to look at
VERSION = "OpenFlow15"
PORTS, TUNNEL = range(1, 9), 20
FLOW, TABLE, PORT, GROUP = 1, 3, 4, 6  # multipart requests
DELETE_FLOWS = of.message(of.VERSIONS[VERSION], of.FLOW_MOD, struct.pack(
    ">QQBBHHHIIIHHHH4x", 0, 0, 0xff, 3, 0, 0, 0, 0xffffffff, 0xffffffff, 0xffffffff, 0, 0, 1, 4))
ATOMIC_FRAGMENT = re.compile(rb"\x86\xdd.{6}\x2c.{33}..\0\0....", re.S)
NAT = re.compile(r"\bct\([^)]*\bnat\b")
TIMES = 0, 1  # statistics of a flow (OpenFlow 1.5, 7.2.4.2) that are not compared


class Side:
    """One of the two switches."""

    def __init__(self, weft):
        self.r = start(weft)
        self.control, self.other_control = (control.Control(f"{self.r.dir}/vswitchd.ctl") for _ in range(2))
        self.files = {n: open(f"{self.r.dir}/p{n}.pcap", "rb") for n in PORTS}
        for file in self.files.values():
            file.seek(24)
        self.r.run("ovs-ofctl", "add-tlv-map", f"{self.r.dir}/br0.mgmt", "{class=0x102,type=0x80,len=4}->tun_metadata0")
        self.r.run("ovs-ofctl", "-O" + VERSION, "add-meter", f"{self.r.dir}/br0.mgmt", "meter=1,pktps,burst,bands=type=drop,rate=1000000,burst_size=1000000")
        self.r.run("ovs-ofctl", "-O" + VERSION, "mod-port", f"{self.r.dir}/br0.mgmt", "tun", "no-flood")  # to no host
        self.normal = [m for m in of.recorded(self.r, VERSION, "--no-names", "add-flow", "SWITCH", "actions=NORMAL") if m[1] == of.FLOW_MOD]
        # Those that do not become whole would go on later in Debian's, at some time (decision 0011).
        for family in ("v4", "v6"):
            self.control("dpctl/ipf-set-disabled", family)
        self.asked = {bridge: of.unix(self.r, bridge, VERSION) for bridge in ("br0", "br1")}
        self.counted_by = {bridge: of.unix(self.r, bridge) for bridge in ("br0", "br1")}  # 1.3's counts have one size

    def load(self, messages):
        """Forgets everything and takes messages; by transaction id, the errors."""
        for bridge in ("br0", "br1"):
            self.control("fdb/flush", bridge)
        self.control("dpctl/flush-conntrack")
        self.asked["br1"].socket.sendall(b"".join([DELETE_FLOWS, *self.normal]))
        self.asked["br1"].all_until_barrier()
        session = self.asked["br0"]
        session.socket.sendall(b"".join(messages))
        last, errors = session.send(of.BARRIER_REQUEST), {}
        while True:
            kind, xid, body = session.expect(of.ERROR, of.BARRIER_REPLY)
            if kind == of.ERROR:
                errors[xid] = of.error_code(session.version, body)
            elif xid == last:
                break
        self.control("revalidator/purge")
        return errors

    def come_round(self):
        """Returns when the daemon's loop has come round.  It may answer several commands of one connection in a turn, but
        those of two connections in their order only."""
        self.other_control("version")
        self.control("version")

    def trace(self, packet):
        answer = self.control("ofproto/trace", "--names", "br0", packet.flow(), packet.frame.hex())
        return answer.get("result") or f"error: {answer.get('error')}"

    def receive(self, packet):
        if packet.learns:  # what came before is counted where it went, not where it would go once there is another flow
            self.control("revalidator/purge")
        answer = self.control("netdev-dummy/receive", f"p{packet.port}", packet.frame.hex())
        assert not answer["error"], answer
        self.come_round()  # of packets that are taken together, Debian's sends first what is of one megaflow

    def untranslated(self):
        """How many packets were dropped since nothing was left to translate them to."""
        with socket.socket(socket.AF_UNIX) as s:
            s.connect(f"{self.r.dir}/metrics.sock")
            s.sendall(b"GET /metrics HTTP/1.0\r\n\r\n")
            answer = b"".join(iter(lambda: s.recv(1 << 16), b"")).decode()
        found = re.search(r'^ovs_dp_drops_total\{.*reason="nat_exhausted".*\} (\d+)', answer, re.M)
        return int(found[1]) if found else 0

    def sent(self):
        """By port, the frames that went out since the last call."""
        out = {}
        for n, file in self.files.items():
            out[n], start = [], file.tell()
            data, at = file.read(), 0
            while at + 16 <= len(data):
                size = struct.unpack_from("<I", data, at + 8)[0]
                if at + 16 + size > len(data):
                    break
                out[n].append(data[at + 16:at + 16 + size].hex())
                at += 16 + size
            file.seek(start + at)
        return out

    def ask(self, session, kind, body):
        """The whole answer to a multipart request."""
        session.send(of.MULTIPART_REQUEST, struct.pack(">HHxxxx", kind, 0) + body)
        out = b""
        while True:
            _, _, got = session.expect(of.MULTIPART_REPLY)
            out += got[8:]
            if not struct.unpack(">H", got[2:4])[0] & 1:
                return out

    def statistics(self):
        """Of flows and groups, as sent but for times; of ports and tables, since forget_counts()."""
        self.control("revalidator/purge")
        out = []
        for bridge, session in self.asked.items():
            asked = struct.pack(">BxxxIIxxxxQQHHxxxx", 0xff, 0xffffffff, 0xffffffff, 0, 0, 1, 4)
            out += sorted(flow_statistics(one) for one in entries(self.ask(session, FLOW, asked)))
            out += sorted(("group", (one[:32] + one[40:]).hex())
                          for one in entries(self.ask(self.counted_by[bridge], GROUP, struct.pack(">Ixxxx", 0xfffffffc))))
        now = self.counts()
        return out + [(name, *(n - before for n, before in zip(now[name], self.counted[name]))) for name in sorted(now)]

    def counts(self):
        """Packets and bytes of ports, received and sent, and lookups and hits of tables.  Of errors Debian's dummy devices
        say nothing."""
        out = {}
        for bridge, session in self.counted_by.items():
            for one in struct.iter_unpack(">IxxxxQQQQ72x", self.ask(session, PORT, struct.pack(">Ixxxx", 0xffffffff))):
                if one[0] != TUNNEL:
                    out[f"{bridge} port {one[0]:#x}"] = one[1:]
            for table, _, lookups, hits in struct.iter_unpack(">BxxxIQQ", self.ask(session, TABLE, b"")):
                if table < 8:
                    out[f"{bridge} table {table}"] = lookups, hits
        return out

    def forget_counts(self):
        """Debian's ofproto/trace sends packets now and then (controller() within check_pkt_larger())."""
        self.sent()
        self.counted = self.counts()

    def dump(self, bridge):
        """The text of all flows but for times."""
        text = self.r.run("ovs-ofctl", "-O" + VERSION, "dump-flows", f"{self.r.dir}/{bridge}.mgmt")
        text = re.sub(r"(duration|idle_age|hard_age)=[0-9.]+s?,? ?|\(xid=0x[0-9a-f]+\)", "", text)
        return sorted(line.strip() for line in text.splitlines() if line.strip())


def fields_in_order(data):
    """Those of a match or of statistics, whichever came first."""
    out = []
    while data:
        size = 4 + data[3]
        out.append(data[:size])
        data = data[size:]
    return sorted(out)


def flow_statistics(entry):
    """What is said of a flow (OpenFlow 1.5, 7.3.5.2): table, counts, and all the rest."""
    match, stats = 24, 24 + padded(entry[24:])
    actions = stats + padded(entry[stats:])
    counts = fields_in_order(entry[stats + 4:stats + struct.unpack(">H", entry[stats + 2:stats + 4])[0]])
    fields = fields_in_order(entry[match + 4:match + struct.unpack(">H", entry[match + 2:match + 4])[0]])
    return ("flow", entry[4], *(int.from_bytes(f[4:], "big") for f in counts if f[2] >> 1 not in TIMES),
            # An action that names an option of tunnels says how long it could be (124), or is in this bridge (4).
            entry[5:24].hex(), *(f.hex() for f in fields), entry[actions:].hex().replace("0001507c", "00015004"))


def padded(data):
    """The size of what begins with a type and its length."""
    return (struct.unpack(">H", data[2:4])[0] + 7) // 8 * 8


def entries(data):
    """Those of an answer, each of which begins with its length."""
    out = []
    while data:
        size = struct.unpack(">H", data[:2])[0]
        out.append(data[:size])
        data = data[size:]
    return out


GROUPS = ["group_id=1,type=all,bucket=output:1,bucket=set_field:0x1006->vlan_vid,output:2",
          "group_id=4,type=ff,bucket=watch_port:3,output:3,bucket=watch_port:4,output:4",
          "group_id=5,type=indirect,bucket=set_field:3->reg2,resubmit(,6)",
          "group_id=6,type=all,bucket=mod_dl_dst:02:00:00:00:00:01,resubmit(,5),bucket=output:4",
          "group_id=7,type=select,bucket=output:3", "group_id=8,type=indirect,bucket=mod_nw_ttl:9,push_vlan:0x8100,group:1"]


def accepted(r, flows):
    """Flows that Debian's ovs-ofctl takes, with their messages."""
    while flows:
        try:
            got = of.recorded(r, VERSION, "--no-names", "add-flows", "SWITCH", "-", stdin="\n".join(flows) + "\n")
            return list(zip(flows, [m for m in got if m[1] == of.FLOW_MOD], strict=True))
        except rig.Failure as refused:
            bad = re.search(r"-:(\d+):", str(refused))
            if bad:
                before = flows[:int(bad.group(1)) - 1]
                return (accepted(r, before) if before else []) + accepted(r, flows[len(before) + 1:])
            if len(flows) == 1:  # it cannot be said in this version
                break
            half = len(flows) // 2
            return accepted(r, flows[:half]) + accepted(r, flows[half:])
    return []


def replacing(flows, groups):
    """The messages that replace all flows and groups by these; that of flow I has the transaction id 1000 + I."""
    number = of.VERSIONS[VERSION]
    everything = [DELETE_FLOWS, of.message(number, of.GROUP_MOD, struct.pack(">HBxIHxxI", 2, 0, 0xfffffffc, 0, 0xffffffff))]
    return everything + groups + [m[:4] + struct.pack(">I", 1000 + i) + m[8:] for i, (_, m) in enumerate(flows)]


def arbitrary(ours, theirs):
    """Whether Debian's trace is known not to be followed (decision 0065)."""
    changes_type = re.compile("(push|pop)_(eth|nsh)|add_mpls")
    return ("Tunneling decided against output" in ours  # not by a dummy device
            # A clone with a header of its own, in a flow that it resubmits to, and the packet behind it has it, too.
            or "clone(" in ours and changes_type.search(theirs)
            # A clone that pauses ends the list of the packet itself, too.
            or "clone(" in theirs and "pause" in theirs
            # NAT in a bucket, and the packet behind it is translated, too; a meter in a flow that a clone resubmits to, and
            # it drops both.
            or "clone(" in ours and (NAT.search(theirs) or "meter(" in theirs)
            # An exit in a bucket or branch is all that a packet remembers that goes round later.
            or re.search(r"Resuming from table \d+\n *Restoring actions: .*exit$", theirs, re.M)
            # A branch that goes round for a hash, or pauses, ends the lists behind, too.
            or re.search(r"check_pkt_len\(.*(hash\(|continuation=1)", theirs)
            # The second branch begins with the type that the first one gave the packet.
            or any("check_pkt_len" in actions and changes_type.search(actions) for _, actions in parts(theirs))
            or not_carried_out(theirs)
            # A label in front of an Ethernet frame that holds labels itself is told not to be the last one, and the frame's
            # tag to be still there.
            or re.search(r"^ *(.*,)?encap\(mpls", theirs, re.M) and re.search(r"^Flow: (.*,)?(mplsm?|dl_vlan=.*),|push_", theirs, re.M))


def not_carried_out(theirs):
    """Whether actions of the action set are not carried out since exit came before, although ovs-actions(7) promises it."""
    return re.search(r"^( *)--\. Executing action set:\n(?!\1 )", theirs, re.M)


def unlike(packet, ours, theirs):
    """Whether Debian's does otherwise than it says, or says too little, or counts otherwise what has no effect.  Ours is
    the whole trace, with passes that Debian's does not show."""
    return (not_carried_out(theirs) or re.search(r"thaw\n\n", ours)  # a list that ends with decap() goes on in table 0
            # An exit in a bucket or branch is all that a packet remembers that goes round later.
            or "recirc(" in theirs and re.search(r"^( *)bucket \d+\n((\1 .*)?\n)*?\1 +exit$", ours, re.M)
            or re.search(r"^ +exit$", ours, re.M) and re.search(r"check_pkt_len\(.*recirc\(", theirs)
            # A checksum behind an extension header is made with that one's number.
            or "set(nd_ext(" in theirs and HOP_BY_HOP in packet.frame
            # The checksum of a whole packet with a fragment header is not kept right once the packet was tracked.
            or "ct(" in theirs and "set(ipv6(" in theirs and ATOMIC_FRAGMENT.search(packet.frame)
            # A clone that takes a service header off ends the list of the packet itself, too.
            or "clone(" in theirs and "pop_nsh" in theirs
            # Packets are lost to the count of a flow that is learnt anew twice by one packet, after its timeout changed.
            or ours.count("learn(table=6,fin_idle_timeout=3,") > 1
            # An option of neighbour discovery (1) is taken for TCP's FIN, by flows that were learnt, too.
            or re.search(r"^Flow: .*nd_sll=(?!00:00:00:00:00:00)", ours, re.M) and re.search(r"fin_timeout|fin_idle|^ *6\. ", ours, re.M)
            or "over max translation depth" in ours  # of 64, to one
            # Packets that go round for a hash in both branches are counted more often than they do.
            or re.search(r"check_pkt_len\(.*hash\(", theirs)
            # The hash of what is neither Ethernet nor IP is 0, for which it goes round again until it is dropped.
            or re.search(r"pop_eth,(?!.*push_eth).*hash\(", theirs)
            # A tag below one without VLAN is lost on the way to a trunk.
            or "NORMAL" in ours and re.search(r"push_vlan:0x8100\n(?! *set_field:\d+->vlan_vid)", ours)
            and (re.search("^Flow: .*dl_vlan=", ours, re.M) or ours.count("push_vlan:0x8100") > 1))


class Comparison:
    def __init__(self):
        self.sides = []
        self.cases = self.bad = self.same = self.narrower = self.apart = 0
        self.last = None

    def differs(self, what):
        self.bad += 1
        print("--- " + what)

    def trace(self, packet):
        """Whether both say the same of a packet; None if they need not."""
        self.last = packet
        self.cases += 1
        texts = [side.trace(packet) for side in self.sides]
        whole, texts[0] = texts[0], followed(texts[0])
        packet.learns, packet.translated = "learn(" in whole, NAT.search(whole)
        ours, theirs = (parts(text) for text in texts)
        flooded = re.search("NORMAL|FLOOD", texts[0])
        shown = [[outputs(a) if flooded else a for _, a in part] for part in (ours, theirs)]
        # Of packets without Ethernet header Debian's shows fields that they do not have.
        finals = [[fields(f) for f in re.findall(r"^Final flow: (.*)$", text, re.M)[:len(theirs)] if "packet_type" not in f]
                  for text in texts]
        if shown[0] != shown[1] or not theirs or (not flooded and finals[0] != finals[1]):
            if arbitrary(*texts):
                self.apart += 1
                return None
            self.differs(f"{packet}\n" + between(*(text.splitlines() for text in texts), context=1000))
            return False
        for (mine, _), (other, _) in zip(ours, theirs):
            if fields(mine) == fields(other):
                self.same += 1
            else:
                self.narrower += 1
                if self.narrower <= 10:
                    print(f"megaflow of {packet}\n  weft:   {mine}\n  debian: {other}")
        # Where it floods, ports alone were compared.
        if unlike(packet, whole, texts[1]) or arbitrary(*texts) and (flooded and ours != theirs or "pause" in texts[1]):
            self.apart += 1
            return None
        return True

    def receive(self, given, say=None, seconds=3.0):
        """Whether the same goes out when the packets come in, and the same was counted, within some time."""
        say = say or self.differs
        for side in self.sides:
            side.forget_counts()
            for packet in given:
                side.receive(packet)
        got, end = [{n: [] for n in PORTS} for _ in self.sides], time.monotonic() + seconds
        while True:
            for mine, side in zip(got, self.sides):
                for n, frames in side.sent().items():  # copies of one packet that go round come when they do
                    mine[n] = sorted(mine[n] + frames)
            if got[0] == got[1] or time.monotonic() > end:
                break
            time.sleep(0.01)
        for n in PORTS:
            if got[0][n] != got[1][n]:
                say(f"out of p{n}\n" + between(got[0][n], got[1][n]))
                return False
        while (statistics := [side.statistics() for side in self.sides]) and statistics[0] != statistics[1]:
            if time.monotonic() > end:
                lines = [[str(line) for line in mine] for mine in statistics]
                if len(lines[0]) == len(lines[1]):
                    lines = [mine + side.dump("br0") for mine, side in zip(lines, self.sides)]
                say("counted otherwise\n" + between(*lines))
                return False
            time.sleep(0.01)
        return True

    def translated(self, messages, given):
        """Those packets for which an address and port is left to translate them to: ours drops the others, Debian's lets
        them go on as they are (decision 0010)."""
        if "WEFT_TWICE" in os.environ or not any(packet.translated for packet in given):
            return given
        weft, out = self.sides[0], []
        weft.load(messages)
        before = weft.untranslated()
        for packet in given:
            weft.receive(packet)
            if packet.translated and (now := weft.untranslated()) != before:
                before = now
                self.apart += 1
            else:
                out.append(packet)
        return out

    def dumps(self):
        """What ovs-ofctl prints, Debian's of both switches and Weft's of Debian's."""
        for bridge in ("br0", "br1"):
            texts = [side.dump(bridge) for side in self.sides]
            self.sides[1].r.weft.add("ovs-ofctl")
            mine = self.sides[1].dump(bridge)
            self.sides[1].r.weft.remove("ovs-ofctl")
            for what, text in (("dump-flows of Weft's switch", texts[0]), ("Weft's dump-flows", mine)):
                if text != texts[1]:
                    self.differs(f"{what}\n" + between(text, texts[1]))


def between(ours, theirs, context=0):
    """How lists of lines differ: "-" is Weft's, "+" Debian's."""
    return "\n".join(list(difflib.unified_diff(ours, theirs, lineterm="", n=context))[2:])


class Silent(Comparison):
    def __init__(self, sides):
        super().__init__()
        self.sides, self.narrower = sides, 100

    def differs(self, what):
        pass


def reduced(things, differ):
    """Some of them that make a difference, by leaving out ever smaller parts."""
    size = max(1, len(things) // 2)
    while size:
        i, before = 0, len(things)
        while i < len(things):
            rest = things[:i] + things[i + size:]
            if differ(rest):
                things = rest
            else:
                i += size
        if size > 1 or len(things) == before:
            size //= 2
    return things


def fewest(comparison, flows, groups, given, traced):
    """The flows and packets without which there is no difference, and what is said of them."""
    silent = Silent(comparison.sides)

    def differ(flows, given):
        for side in comparison.sides:
            side.load(replacing(flows, groups))
        return given and (silent.trace(given[0]) is False if traced else not silent.receive(given, seconds=0.5))

    if differ(flows, given):
        given = reduced(given, lambda some: differ(flows, some))
        flows = reduced(flows, lambda some: differ(some, given))
        for side in comparison.sides:
            side.load(replacing(flows, groups))
        for packet in given:
            print(f"*** in short: {packet}\n" + between(*(side.trace(packet).splitlines() for side in comparison.sides), context=1000))
        if not traced:
            silent.differs = print
            silent.receive(given)
    print("    " + "\n    ".join(flow for flow, _ in flows))


def one_round(pipeline, flows, groups, comparison):
    """New flows in both, and packets for them."""
    messages = replacing(flows, groups)
    errors = [side.load(messages) for side in comparison.sides]
    for xid in sorted(set(errors[0]) | set(errors[1])):
        # Of several faults of a flow either finds another one first.
        if (xid in errors[0]) != (xid in errors[1]):
            comparison.differs(f"{flows[xid - 1000][0] if xid >= 1000 else xid}: weft {errors[0].get(xid)}, debian {errors[1].get(xid)}")
    given = [pipeline.packet() for _ in range(PACKETS)]
    kept = []
    for packet in given:
        same = comparison.trace(packet)
        if same is False:  # not twice what is wrong with one flow
            return fewest(comparison, flows, groups, [packet], traced=True)
        if same is None:  # what they learnt of it differs, too
            for side in comparison.sides:
                side.control("fdb/flush", "br1")
        if same and packet.port <= 4:
            kept.append(packet)
    given = comparison.translated(messages, kept)
    for side in comparison.sides:  # what was learnt and counted for the traces is gone
        side.load(messages)
    if not comparison.receive(given):
        fewest(comparison, flows, groups, given, traced=False)


def rounds(pipeline, comparison):
    """Until there were enough packets, or one of the switches ends."""
    weft, debian = comparison.sides
    groups = of.recorded(debian.r, VERSION, "--no-names", "add-groups", "SWITCH", "-", stdin="\n".join(GROUPS))
    while True:
        tables = [accepted(debian.r, pipeline.flows(FLOWS)) for _ in range(TABLES_AT_ONCE)]
        for flows in tables:
            if comparison.cases >= CASES or comparison.bad > MOST:
                return
            one_round(pipeline, flows, groups, comparison)
        comparison.dumps()


def main():
    seed = int(os.environ.get("WEFT_SEED", random.randrange(1 << 31)))
    print(f"WEFT_SEED={seed}")
    pipeline, comparison, crashes = Pipeline(seed), Comparison(), 0
    while comparison.cases < CASES and comparison.bad <= MOST:
        comparison.sides = [Side("WEFT_TWICE" not in os.environ), Side(False)]
        with comparison.sides[0].r, comparison.sides[1].r as debian:
            try:
                rounds(pipeline, comparison)
            except (ConnectionError, TimeoutError, rig.Failure) as problem:
                time.sleep(0.1)  # until it is seen to have ended
                if isinstance(problem, TimeoutError):  # Debian's may have gone on for ever; ours must not
                    print(f"*** no end of it: {comparison.last}")
                    comparison.sides[0].other_control("version")
                elif debian.alive("ovs-vswitchd") and "WEFT_TWICE" not in os.environ:
                    raise
                crashes += 1  # Debian's switch does not survive every list of encap and decap
    print(f"{comparison.cases} cases: {comparison.bad} differences, {comparison.apart} where Debian's is not followed, "
          f"{crashes} ends of Debian's switch; {comparison.same} megaflows equal, {comparison.narrower} differ")
    if comparison.bad:
        raise rig.Failure(f"{comparison.bad} differences")
    if comparison.apart > comparison.cases / 10:
        raise rig.Failure(f"{comparison.apart} of {comparison.cases} left out")
    # Both may look at more than they must, and tries and stages look at different bits (0065).
    if comparison.narrower > comparison.same / 3:
        raise rig.Failure("too many megaflows differ")


if __name__ == "__main__":
    if "WEFT_INSIDE" not in os.environ:  # a network namespace, where nobody else has the tunnels' port
        os.environ["WEFT_INSIDE"] = "1"
        os.execvp("unshare", ["unshare", "--net", sys.executable, *sys.argv])
    main()
