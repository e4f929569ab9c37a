"""Random tables and packets: Weft's switch makes of them what Debian's makes of them.

A case is a packet in a table of random flows.  `ofproto/trace` must say the same: datapath actions, but for the numbers that
either chooses (recirculation ids), and final flow.  Then the packets are received for real: what goes out of every port, byte
for byte, and the statistics of flows, groups, tables and ports must be equal.  Megaflows may differ where the classifiers look
at things in another order, so there the test holds the share of packets whose megaflow differs to a bound, and prints
examples.  Actions that pick by a hash of the switch's own are left out (select groups, multipath, bundle's hrw): no two
switches need agree on them.

By hand: WEFT_CASES says how many packets; it stops after twenty differences (docs/decisions/0065-random-pipelines.md).
"""
import os
import random
import re
import struct
import time

import control
import openflow as of
import rig
from random_pipeline import Pipeline

CASES = int(os.environ.get("WEFT_CASES", 500))
FLOWS, PACKETS = 40, 50
MOST = 20  # differences, to look at
VERSION = "OpenFlow15"
PORTS = range(1, 9)


def start(weft):
    r = rig.Rig(weft={"ovs-vswitchd"} if weft else (), name="translate")
    r.start_databases("conf")
    r.start_vswitchd("--enable-dummy=override", "--disable-system", "--disable-system-route")
    pcap = lambda number: f"options:tx_pcap={r.dir}/p{number}.pcap"
    words = ["add-br", "br0", "--", "set", "bridge", "br0", "datapath_type=dummy", "fail-mode=secure",
             'other_config:hwaddr="aa:55:aa:55:00:00"', "protocols=OpenFlow10,OpenFlow13,OpenFlow15",
             "--", "add-br", "br1", "--", "set", "bridge", "br1", "datapath_type=dummy", 'other_config:hwaddr="aa:55:aa:55:00:01"']
    for number in range(1, 5):
        words += ["--", "add-port", "br0", f"p{number}", "--", "set", "interface", f"p{number}", "type=dummy", f"ofport_request={number}", pcap(number)]
    words += ["--", "add-port", "br0", "patch0", "--", "set", "interface", "patch0", "type=patch", "options:peer=patch1", "ofport_request=10",
              "--", "add-port", "br1", "patch1", "--", "set", "interface", "patch1", "type=patch", "options:peer=patch0", "ofport_request=1",
              "--", "add-port", "br1", "p5", "--", "set", "interface", "p5", "type=dummy", "ofport_request=5", pcap(5), "--", "set", "port", "p5", "tag=5"]
    words += ["--", "add-port", "br0", "tun", "--", "set", "interface", "tun", "type=geneve", "options:remote_ip=flow",
              "options:key=flow", "ofport_request=20"]
    for number, vlan in ((6, "trunks=5,6"), (7, "vlan_mode=native-untagged tag=6"), (8, "vlan_mode=native-tagged tag=5 trunks=5,7")):
        words += ["--", "add-port", "br1", f"p{number}", *vlan.split(), "--", "set", "interface", f"p{number}", "type=dummy",
                  f"ofport_request={number}", pcap(number)]
    r.run("ovs-vsctl", *words)
    return r



class Side:
    """One of the two switches."""

    def __init__(self, weft):
        self.r = start(weft)
        self.control = control.Control(f"{self.r.dir}/vswitchd.ctl")
        self.read = {n: 24 for n in PORTS}
        self.r.run("ovs-ofctl", "add-tlv-map", f"{self.r.dir}/br0.mgmt", "{class=0x102,type=0x80,len=4}->tun_metadata0")
        self.r.run("ovs-ofctl", "-O" + VERSION, "add-flow", f"{self.r.dir}/br1.mgmt", "actions=NORMAL")

    def load(self, messages):
        """Forgets everything and takes messages; by transaction id, the errors."""
        for bridge in ("br0", "br1"):
            self.control("fdb/flush", bridge)
        self.control("dpctl/flush-conntrack")
        session = of.unix(self.r, version=VERSION)
        with session.socket:
            session.socket.sendall(b"".join(messages))
            last, errors = session.send(of.BARRIER_REQUEST), {}
            while True:
                kind, xid, body = session.expect(of.ERROR, of.BARRIER_REPLY)
                if kind == of.ERROR:
                    errors[xid] = of.error_code(session.version, body)
                elif xid == last:
                    break
        self.control("revalidator/purge")
        self.control("revalidator/wait")
        return errors

    def trace(self, packet):
        answer = self.control("ofproto/trace", "--names", "br0", packet.flow(), packet.frame.hex())
        return answer.get("result") or f"error: {answer.get('error')}"

    def sent(self):
        """By port, the frames that went out since the last call."""
        out = {}
        for n in PORTS:
            out[n] = []
            with open(f"{self.r.dir}/p{n}.pcap", "rb") as f:
                f.seek(self.read[n])
                data = f.read()
            at = 0
            while at + 16 <= len(data):
                size = struct.unpack_from("<I", data, at + 8)[0]
                if at + 16 + size > len(data):
                    break
                out[n].append(data[at + 16:at + 16 + size].hex())
                at += 16 + size
            self.read[n] += at
        return out

    def statistics(self):
        """Of flows and groups, without times."""
        self.control("revalidator/wait")
        out = []
        for bridge in ("br0", "br1"):
            for command in ("dump-flows", "dump-group-stats"):
                text = self.r.run("ovs-ofctl", "-O" + VERSION, command, f"{self.r.dir}/{bridge}.mgmt")
                text = re.sub(r"(duration|idle_age|hard_age)=[0-9.]+s?,? ?|\(xid=0x[0-9a-f]+\)", "", text)
                out += sorted(line.strip() for line in text.splitlines() if line.strip())
        now = self.port_counts()
        return out + [f"{port}: {[n - before for n, before in zip(counts, self.counted[port])]}" for port, counts in sorted(now.items())]

    def port_counts(self):
        """Packets and bytes, received and sent.  Of errors Debian's dummy devices say nothing."""
        out = {}
        for bridge in ("br0", "br1"):
            text = self.r.run("ovs-ofctl", "-O" + VERSION, "dump-ports", f"{self.r.dir}/{bridge}.mgmt")
            for port, *counts in re.findall(r"port +(\w+): rx pkts=(\d+), bytes=(\d+).*\n +tx pkts=(\d+), bytes=(\d+)", text):
                out[f"{bridge} {port}"] = [int(n) for n in counts]
        return out

    def forget_counts(self):
        """Debian's ofproto/trace sends packets now and then (controller() within check_pkt_larger())."""
        self.sent()
        self.counted = self.port_counts()


def normal(text):
    """Actions without the numbers that the switch chooses."""
    text = re.sub(r"recirc_id=\d+", "recirc_id=N", text)
    # Among dummy devices Debian's tunnel is one of them, too, and has no key.
    text = re.sub(r"set\(tunnel\((?:[^()]|\([^()]*\))*\)\),", "", text).replace("genev_sys_6081", "tun")
    return re.sub(r"recirc\(0x[0-9a-f]+\)", "recirc(N)", text)


def outputs(text):
    """The ports that actions send to, whatever the order: that in which NORMAL floods is each switch's own."""
    return sorted(re.findall(r"(?:^|,)(p[0-9]|br[01]|recirc|userspace)", text))


def parts(trace):
    """Of each pass through the pipeline: datapath actions and megaflow."""
    return list(zip(re.findall(r"^Megaflow: (.*)$", trace, re.M), [normal(a) for a in re.findall(r"^Datapath actions: (.*)$", trace, re.M)]))



GROUPS = ["group_id=1,type=all,bucket=output:1,bucket=set_field:0x1006->vlan_vid,output:2",
          "group_id=4,type=ff,bucket=watch_port:3,output:3,bucket=watch_port:4,output:4",
          "group_id=5,type=indirect,bucket=set_field:3->reg2,resubmit(,6)",
          "group_id=6,type=all,bucket=mod_dl_dst:02:00:00:00:00:01,resubmit(,5),bucket=output:4"]


def fields(megaflow):
    """What a megaflow demands.  That a packet came by no tunnel, or has no tag, is told by its port and type; Debian
    leaves that out, and shows flags that no packet of ours has."""
    text = re.sub(r"recirc_id=0x[0-9a-f]+", "recirc_id=N", megaflow)
    return {field for field in text.split(",") if not re.match(
        r"tun_id=0(/|$)|vlan_tci1?=0x0000|tun_ipv6_(src|dst)=::$|tun_flags=|tun_metadata0=(0|NP)(/|$)|tun_tos=0$", field)}



def accepted(r, flows):
    """Flows that Debian's ovs-ofctl takes, with their messages."""
    while flows:
        try:
            got = of.recorded(r, VERSION, "--no-names", "add-flows", "SWITCH", "-", stdin="\n".join(flows) + "\n")
            return list(zip(flows, [m for m in got if m[1] == of.FLOW_MOD], strict=True))
        except rig.Failure as refused:
            bad = re.search(r"-:(\d+):", str(refused))
            if bad:
                del flows[int(bad.group(1)) - 1]
            elif len(flows) > 1:  # one of them cannot be said in this version, and which is not told
                half = len(flows) // 2
                return accepted(r, flows[:half]) + accepted(r, flows[half:])
            else:
                break
    return []


def recorded(r, flows, groups):
    """The messages that replace all flows and groups by these, and of which flow each is; what Debian's ovs-ofctl refuses
    is left out."""
    flows, flow_mods = zip(*accepted(r, list(flows)))
    number = of.VERSIONS[VERSION]
    everything = [of.message(number, of.FLOW_MOD, struct.pack(">QQBBHHHIIIHHHH4x", 0, 0, 0xff, 3, 0, 0, 0, 0xffffffff, 0xffffffff, 0xffffffff, 0, 0, 1, 4)),
                  of.message(number, of.GROUP_MOD, struct.pack(">HBxIHxxI", 2, 0, 0xfffffffc, 0, 0xffffffff))]
    numbered = [m[:4] + struct.pack(">I", 1000 + i) + m[8:] for i, m in enumerate(flow_mods)]
    return everything + groups + numbered, flows


class Comparison:
    def __init__(self):
        self.sides = []
        self.cases = self.bad = self.same = self.narrower = self.final = 0

    def differs(self, what):
        self.bad += 1
        if self.bad <= 5:
            print("--- " + what)

    def trace(self, packet, flows):
        """Whether both say the same of a packet."""
        self.cases += 1
        texts = [side.trace(packet) for side in self.sides]
        ours, theirs = (parts(text) for text in texts)
        flooded = "NORMAL" in texts[0]
        shown = [[outputs(a) if flooded else a for _, a in part] for part in (ours, theirs)]
        finals = [[fields(f) for f in re.findall(r"^Final flow: (.*)$", text, re.M)] for text in texts]
        if shown[0] != shown[1] or not theirs or (not flooded and finals[0] != finals[1]):
            self.differs(f"{packet}\n" + "\n".join(flows) + f"\nWEFT:\n{texts[0]}\nDEBIAN:\n{texts[1]}")
            return False
        for (mine, _), (other, _) in zip(ours, theirs):
            if fields(mine) == fields(other):
                self.same += 1
            else:
                self.narrower += 1
                if self.narrower <= 10:
                    print(f"megaflow of {packet}\n  weft:   {mine}\n  debian: {other}")
        return True

    def receive(self, given, flows):
        """What goes out when the packets come in, and what was counted."""
        for side in self.sides:
            side.forget_counts()
            for packet in given:
                answer = side.control("netdev-dummy/receive", f"p{packet.port}", packet.frame.hex())
                assert not answer["error"], answer
            for _ in range(4):  # the daemon's loop has come round, and taken what was received
                side.control("version")
        got, end = [{n: [] for n in PORTS} for _ in self.sides], time.monotonic() + 3
        while True:
            for mine, side in zip(got, self.sides):
                for n, frames in side.sent().items():  # which of two ports is served first is each switch's own
                    mine[n] = sorted(mine[n] + frames)
            if got[0] == got[1] or time.monotonic() > end:
                break
            time.sleep(0.01)
        for n in PORTS:
            if got[0][n] != got[1][n]:
                ours, theirs = ("\n  ".join(f for f in sorted(set(mine)) if mine.count(f) != other.count(f))
                                for mine, other in ((got[0][n], got[1][n]), (got[1][n], got[0][n])))
                self.differs(f"out of p{n}, of\n  " + "\n  ".join(map(str, given)) + "\n" + "\n".join(flows)
                             + f"\nWEFT:\n  {ours}\nDEBIAN:\n  {theirs}")
                return
        while (statistics := [side.statistics() for side in self.sides]) and statistics[0] != statistics[1]:
            if time.monotonic() > end:
                lines = [[line for line in mine if line not in other] for mine, other in (statistics, statistics[::-1])]
                self.differs("counted otherwise, of\n  " + "\n  ".join(map(str, given)) + "\n" + "\n".join(flows)
                             + "\nWEFT:\n  " + "\n  ".join(lines[0]) + "\nDEBIAN:\n  " + "\n  ".join(lines[1]))
                return


def one_round(pipeline, sides, groups, comparison):
    """New flows in both, and packets for them."""
    messages, flows = recorded(sides[1].r, pipeline.flows(FLOWS), groups)
    errors = [side.load(messages) for side in sides]
    for xid in sorted(set(errors[0]) | set(errors[1])):
        if errors[0].get(xid) != errors[1].get(xid):
            comparison.differs(f"{flows[xid - 1000]}: weft {errors[0].get(xid)}, debian {errors[1].get(xid)}")
    kept = [flow for i, flow in enumerate(flows) if 1000 + i not in errors[1]]
    given = [pipeline.packet() for _ in range(PACKETS)]
    if all([comparison.trace(packet, kept) for packet in given]):
        comparison.receive([packet for packet in given if packet.port <= 4], kept)


def main():
    seed = int(os.environ.get("WEFT_SEED", random.randrange(1 << 31)))
    print(f"WEFT_SEED={seed}")
    pipeline, comparison, crashes = Pipeline(seed), Comparison(), 0
    while comparison.cases < CASES and comparison.bad <= MOST:
        comparison.sides = [Side(True), Side(False)]
        with comparison.sides[0].r, comparison.sides[1].r as debian:
            groups = of.recorded(debian, VERSION, "--no-names", "add-groups", "SWITCH", "-", stdin="\n".join(GROUPS))
            try:
                while comparison.cases < CASES and comparison.bad <= MOST:
                    one_round(pipeline, comparison.sides, groups, comparison)
            except (ConnectionError, rig.Failure):
                if debian.alive("ovs-vswitchd"):
                    raise
                crashes += 1  # Debian's switch does not survive every list of encap and decap
    print(f"{comparison.cases} cases: {comparison.same} megaflows equal, {comparison.narrower} differ, {comparison.bad} differences, "
          f"{crashes} ends of Debian's switch")
    if comparison.bad:
        raise rig.Failure(f"{comparison.bad} differences")
    if comparison.narrower > comparison.same / 2:
        raise rig.Failure("too many megaflows differ")


if __name__ == "__main__":
    main()
