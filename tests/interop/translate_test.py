"""Random tables and packets: `ofproto/trace` of Weft's switch says what Debian's says.

Datapath actions must be equal, but for the numbers that either chooses (recirculation ids).  Megaflows may differ
where the classifiers look at things in another order, so there the test holds the share of packets whose megaflow differs
to a bound (half as many as are equal), and prints examples.  Actions that pick by a hash of the switch's own are left
out (select groups, multipath, bundle's hrw): no two switches need agree on them.
"""
import os
import random
import re

import control
import rig
from ofproto_trace import fields, outputs, parts, start

TABLES, FLOWS, PACKETS = 6, 30, 50


class Generator:
    def __init__(self, seed):
        self.r = random.Random(seed)

    def one_in(self, n):
        return self.r.randrange(n) == 0

    def mac(self):
        return f"02:00:00:00:00:0{self.r.randrange(4)}"

    def ip(self):
        return f"10.0.{self.r.randrange(3)}.{self.r.randrange(4)}"

    def ip6(self):
        return f"2001:db8::{self.r.randrange(3)}:{self.r.randrange(4)}"

    def pick(self, *choices):
        return self.r.choice(choices)

    def masked(self, text, *masks):
        return text + self.r.choice(("", "", *masks))

    def ip_match(self):
        return self.masked(self.ip(), "/24", "/16", "/31", "/255.0.0.3")

    def ip6_match(self):
        return self.masked(self.ip6(), "/112", "/64", "/127")

    def port(self):
        return self.pick("80", "81", "0x50/0xfff0", "0x1000/0xf000", "53")

    def match(self):
        out = []
        some = lambda n, text: out.append(text()) if self.one_in(n) else None
        some(3, lambda: f"in_port={self.r.randrange(1, 6)}")
        some(4, lambda: "dl_src=" + self.mac())
        some(4, lambda: "dl_dst=" + self.masked(self.mac(), "/01:00:00:00:00:00", "/ff:ff:ff:ff:ff:fe"))
        some(4, lambda: self.pick("dl_vlan=5", "dl_vlan=6", "vlan_tci=0", "vlan_tci=0x1000/0x1000", "dl_vlan_pcp=3"))
        some(3, lambda: f"reg{self.r.randrange(3)}={self.pick('0', '1', '0x2/0x3', '5', '0x10/0xf0')}")
        some(8, lambda: self.pick("metadata=0", "metadata=1", "metadata=0x2/0x2"))
        some(8, lambda: self.pick("tun_id=0", "tun_id=5", "tun_src=1.1.1.1", "tun_id=0x4/0x4", "tun_metadata0=7",
                                  "tun_metadata0=0x1/0x1"))
        kind = self.r.randrange(8)
        if kind == 0:
            out.append(self.pick("tcp", "udp", "sctp"))
            some(2, lambda: "nw_src=" + self.ip_match())
            some(2, lambda: "nw_dst=" + self.ip_match())
            some(2, lambda: "tp_dst=" + self.port())
            some(3, lambda: "tp_src=" + self.port())
        elif kind == 1:
            out += ["tcp", self.pick("tcp_flags=+syn", "tcp_flags=+syn-ack", "tcp_flags=+ack")]
        elif kind == 2:
            out.append(self.pick("ip", "icmp"))
            some(2, lambda: "nw_src=" + self.ip_match())
            some(3, lambda: self.pick("nw_ttl=1", "nw_ttl=64", "nw_tos=32", "nw_ecn=1", "nw_frag=no"))
        elif kind == 3:
            out.append(self.pick("tcp6", "udp6", "ipv6"))
            some(2, lambda: "ipv6_src=" + self.ip6_match())
            some(2, lambda: "ipv6_dst=" + self.ip6_match())
        elif kind == 4:
            out.append("arp")
            some(2, lambda: "arp_op=" + self.pick("1", "2"))
            some(2, lambda: "arp_tpa=" + self.ip_match())
            some(3, lambda: "arp_sha=" + self.mac())
        elif kind == 5:
            out.append("icmp6")
            some(2, lambda: "icmp_type=135")
            some(2, lambda: "ipv6_dst=" + self.ip6_match())
        return out

    def output(self):
        return self.pick("1", "2", "3", "4", "IN_PORT", "10", "LOCAL", "20",
                         "output(port=2,max_len=60)", "output:reg1[0..2]", "output:NXM_OF_IN_PORT[]", "99")

    def action(self, table, nested):
        later = min(table + self.r.randrange(1, 4), 6)
        choices = [
            self.output, self.output,
            lambda: f"load:{self.r.randrange(8)}->NXM_NX_REG{self.r.randrange(3)}[{self.pick('', '0..3', '4..7')}]",
            lambda: "mod_dl_dst:" + self.mac(),
            lambda: "mod_dl_src:" + self.mac(),
            lambda: self.pick("mod_vlan_vid:5", "mod_vlan_vid:6", "strip_vlan", "mod_vlan_pcp:3", "push_vlan:0x8100"),
            lambda: f"set_field:{self.pick('0x1', '0x3/0x3', '0x5')}->reg{self.r.randrange(3)}",
            lambda: self.pick("move:NXM_OF_ETH_SRC[0..15]->NXM_NX_REG0[0..15]", "move:NXM_NX_REG0[0..3]->NXM_NX_REG1[0..3]",
                              "move:NXM_OF_ETH_SRC[]->NXM_OF_ETH_DST[]", "move:NXM_OF_VLAN_TCI[0..11]->NXM_NX_REG2[0..11]",
                              "move:NXM_OF_IN_PORT[0..2]->NXM_NX_REG1[0..2]"),
            lambda: self.pick("set_queue:3", "pop_queue", "note:00.01", "set_field:7->metadata", "set_field:5->tun_id",
                              "set_field:9->tun_metadata0"),
            lambda: self.pick("push:NXM_NX_REG0[]", "pop:NXM_NX_REG1[]", "push:NXM_OF_ETH_DST[0..15]"),
            lambda: "bundle(eth_src,0,active_backup,ofport,members:4,1)",
            lambda: "dec_ttl",
            lambda: "mod_nw_dst:" + self.ip(),
            lambda: self.pick("mod_nw_tos:32", "mod_tp_dst:81", "mod_tp_src:80", "mod_nw_src:10.0.0.9", "set_field:64->nw_ttl"),
            lambda: f"resubmit({self.pick('', '', '1', '2')},{later})",
            lambda: f"resubmit({self.pick('', '', '1', '2')},{later})",
            lambda: self.pick("CONTROLLER", "controller(max_len=60,id=2)"),
        ]
        if not nested:
            choices += [
                lambda: f"group:{self.pick(1, 4, 5)}",
                lambda: f"clone({self.action(table, True)},{self.action(table, True)})",
                lambda: f"check_pkt_larger({self.r.randrange(60, 140)})->NXM_NX_REG0[{self.r.randrange(4)}],resubmit(,{later})",
                lambda: "write_actions(" + self.pick("output:1", "output:2,mod_dl_dst:02:00:00:00:00:03", "group:4",
                                                     "push_vlan:0x8100,output:3", "output:4") + ")",
                lambda: self.pick("push_mpls:0x8847", "pop_mpls:0x0800", "set_field:3->mpls_label", "dec_mpls_ttl"),
                lambda: self.pick("exit", "mod_nw_ecn:1", f"goto_table:{later}"),
            ]
        return self.r.choice(choices)()

    def flow(self):
        table = 0 if self.one_in(2) else self.r.randrange(6)
        head = [f"table={table}", f"priority={self.r.randrange(1, 6)}", *self.match()]
        if self.one_in(10):
            head.append(f"conj_id={self.r.randrange(1, 3)}")
        if self.one_in(8):
            actions = f"conjunction({self.r.randrange(1, 3)},{self.r.randrange(1, 3)}/2)"
        else:
            actions = ",".join(self.action(table, False) for _ in range(self.r.randrange(5))) or "drop"
        return ",".join(head) + ",actions=" + actions

    def packet(self):
        out = [f"in_port={self.r.choice([1, 2, 3, 4, 'LOCAL', 20])}", "dl_src=" + self.mac(), "dl_dst=" + self.mac()]
        if "in_port=20" in out:
            out += ["tun_src=1.1.1.1", "tun_dst=1.1.1.9", f"tun_id={self.r.randrange(8)}"]
            if self.one_in(2):
                out.append(f"tun_metadata0={self.r.randrange(8)}")
        if self.one_in(3):
            out += [f"dl_vlan={self.r.randrange(4, 8)}", f"dl_vlan_pcp={self.r.choice([0, 3])}"]
        kind = self.r.randrange(7)
        if kind < 3:
            out += [self.pick("tcp", "udp", "sctp", "icmp", "ip,nw_proto=99"), "nw_src=" + self.ip(), "nw_dst=" + self.ip()]
        elif kind < 5:
            out += [self.pick("tcp6", "udp6", "icmp6", "ipv6,nw_proto=99"), "ipv6_src=" + self.ip6(), "ipv6_dst=" + self.ip6()]
        elif kind == 5:
            return ",".join(out + ["arp", f"arp_op={self.r.randrange(1, 3)}", "arp_spa=" + self.ip(), "arp_tpa=" + self.ip(),
                                   "arp_sha=" + self.mac()])
        else:
            return ",".join(out + [self.pick("dl_type=0x8847,mpls_label=3,mpls_ttl=2", "dl_type=0x8847,mpls_label=4,mpls_ttl=1",
                                             "dl_type=0x1234")])
        out += [f"nw_ttl={self.pick(0, 1, 2, 64, 64)}", f"nw_tos={self.pick(0, 0, 32)}"]
        text = ",".join(out)
        protocol = re.search(r",(tcp|udp|sctp)6?,", text)
        if protocol:
            kind = protocol.group(1)
            text += f",{kind}_src={self.pick(80, 81, 4097)},{kind}_dst={self.pick(80, 81, 53, 90, 4097)}"
        if ",tcp" in text:
            text += f",tcp_flags={self.pick('syn', 'ack', 'syn|ack')}"
        if ",icmp6" in text:
            text += f",icmpv6_type={self.pick(128, 135)},icmpv6_code=0"
        return text


def load(r, groups, flows):
    for bridge, more in (("br0", flows), ("br1", ["actions=NORMAL"])):
        r.run("ovs-ofctl", "-OOpenFlow15", "del-flows", f"{r.dir}/{bridge}.mgmt")
        r.run("ovs-ofctl", "-OOpenFlow15", "del-groups", f"{r.dir}/{bridge}.mgmt")
        if bridge == "br0":
            for group in groups:
                r.run("ovs-ofctl", "-OOpenFlow15", "add-group", f"{r.dir}/{bridge}.mgmt", group)
        r.run("ovs-ofctl", "-OOpenFlow15", "add-flows", f"{r.dir}/{bridge}.mgmt", "-", stdin="\n".join(more))


GROUPS = ["group_id=1,type=all,bucket=output:1,bucket=mod_vlan_vid:6,output:2",
          "group_id=4,type=ff,bucket=watch_port:3,output:3,bucket=watch_port:4,output:4",
          "group_id=5,type=indirect,bucket=mod_nw_tos:32,resubmit(,6)"]


def main():
    seed = int(os.environ.get("WEFT_SEED", random.randrange(1 << 31)))
    print(f"WEFT_SEED={seed}")
    gen = Generator(seed)
    weft, debian = start(True), start(False)
    with weft, debian:
        for r in (weft, debian):
            r.run("ovs-ofctl", "add-tlv-map", f"{r.dir}/br0.mgmt", "{class=0x102,type=0x80,len=4}->tun_metadata0")
        calls = [control.Control(f"{r.dir}/vswitchd.ctl") for r in (weft, debian)]
        bad = same = narrower = 0
        for table in range(TABLES):
            flows = [gen.flow() for _ in range(FLOWS)]
            # What Debian refuses is left out, and refused by both.
            good = []
            for flow in flows:
                answers = [r.run("ovs-ofctl", "-OOpenFlow15", "parse-flow", flow, check=False).returncode for r in (debian,)]
                if not any(answers):
                    good.append(flow)
            kept = []
            for r in (weft, debian):
                load(r, GROUPS, [])
            for flow in good:
                answers = [r.run("ovs-ofctl", "-OOpenFlow15", "add-flow", f"{r.dir}/br0.mgmt", flow, check=False) for r in (weft, debian)]
                codes = [a.returncode for a in answers]
                if codes[0] != codes[1]:
                    bad += 1
                    print(f"{flow}\n  weft:   {answers[0].stderr.strip()}\n  debian: {answers[1].stderr.strip()}")
                if not any(codes):
                    kept.append(flow)
            for _ in range(PACKETS):
                packet = gen.packet()
                answers = [call("ofproto/trace", "--names", "br0", packet) for call in calls]
                texts = [a.get("result") or f"error: {a.get('error')}" for a in answers]
                ours, theirs = (parts(text) for text in texts)
                flooded = "NORMAL" in texts[0]
                shown = [[outputs(a) if flooded else a for _, a in part] for part in (ours, theirs)]
                if shown[0] != shown[1] or not theirs:
                    bad += 1
                    if bad <= 5:
                        print(f"--- {packet}\n" + "\n".join(kept) + f"\nWEFT:\n{texts[0]}\nDEBIAN:\n{texts[1]}")
                    continue
                for (mine, _), (other, _) in zip(ours, theirs):
                    if fields(mine) == fields(other):
                        same += 1
                    else:
                        narrower += 1
                        if narrower <= 10:
                            print(f"megaflow of {packet}\n  weft:   {mine}\n  debian: {other}")
            if bad > 20:
                break
        print(f"{same} megaflows equal, {narrower} differ, {bad} actions differ")
        if bad:
            raise rig.Failure(f"{bad} differences")
        if narrower > same / 2:
            raise rig.Failure("too many megaflows differ")


main()
