"""Random flow tables and packets over the whole of ovs-fields(7) and ovs-actions(7), from small sets of values, so that
packets meet flows.

    pipeline = Pipeline(seed)
    pipeline.flows(9)         # ["table=1,priority=3,tcp,...,actions=...", ...]
    pipeline.packet()         # Packet: the port, the frame, and what trace is told besides
"""
import random
import socket
import struct

import packets

KINDS = ("", "tcp", "udp", "sctp", "icmp", "ip", "tcp6", "udp6", "sctp6", "icmp6", "ipv6", "arp", "rarp", "mpls", "nd", "nsh")
V4 = {"tcp", "udp", "sctp", "icmp", "ip"}
V6 = {"tcp6", "udp6", "sctp6", "icmp6", "ipv6", "nd"}
HOP_BY_HOP = bytes.fromhex("00010400000000")  # behind the next header's number
PORTS = {"tcp", "udp", "sctp", "tcp6", "udp6", "sctp6"}


class Packet:
    def __init__(self, port, frame, metadata=""):
        self.port, self.frame, self.metadata = port, frame, metadata
        self.learns = self.translated = False  # by what a trace says, flows and addresses

    def flow(self):
        return f"in_port={self.port}" + (f",{self.metadata}" if self.metadata else "")

    def __str__(self):
        return f"{self.flow()} {self.frame.hex()}"


class Pipeline:
    def __init__(self, seed):
        self.r = random.Random(seed)

    def one_in(self, n):
        return self.r.randrange(n) == 0

    def pick(self, *choices):
        return self.r.choice(choices)

    def mac(self):
        return f"02:00:00:00:00:0{self.r.randrange(4)}"

    def ip(self):
        return f"10.0.{self.r.randrange(3)}.{self.r.randrange(4)}"

    def ip6(self):
        return f"2001:db8::{self.r.randrange(3)}:{self.r.randrange(4)}"

    def masked(self, text, *masks):
        return text + self.r.choice(("", "", *masks))

    def bits(self, name, size):
        value = self.r.choice((0, 1, 2, 3, 5, self.r.getrandbits(size)))
        if self.one_in(2):
            mask = self.r.choice((1, 3, 0xf, self.r.getrandbits(size) or 1))
            return f"{name}={value & mask:#x}/{mask:#x}"
        return f"{name}={value:#x}"

    # --- matches

    def pipeline_match(self):
        return self.pick(
            lambda: self.bits(f"reg{self.r.randrange(4)}", 32), lambda: self.bits(f"reg{self.pick(0, 1, 2, 3, 7, 15)}", 32),
            lambda: self.bits(f"xreg{self.pick(0, 1, 7)}", 64), lambda: self.bits(f"xxreg{self.pick(0, 0, 3)}", 128), lambda: self.bits("metadata", 64),
            lambda: self.bits("pkt_mark", 32), lambda: self.bits("tun_id", 64), lambda: self.bits("ct_mark", 32),
            lambda: self.bits("ct_label", 128), lambda: f"ct_zone={self.r.randrange(3)}",
            lambda: "ct_state=" + self.pick("-trk", "+trk", "+trk+new", "+est", "-new", "+trk-rpl", "+inv"),
            lambda: self.pick("tun_src=1.1.1.1", "tun_dst=1.1.1.9", "tun_src=1.1.0.0/16", "tun_metadata0=7", "tun_metadata0=0x1/0x1",
                              "tun_ttl=64", "tun_tos=0", "tun_flags=+csum", "tun_flags=-oam", "tun_ipv6_src=::", "tun_ipv6_dst=::/64",
                              "tun_gbp_id=0", "tun_gbp_flags=0/1", "tun_erspan_ver=0", "tun_erspan_idx=0/3", "tun_erspan_dir=0",
                              "tun_erspan_hwid=0", "tun_gtpu_flags=0", "tun_gtpu_msgtype=0"),
            lambda: self.pick("actset_output=1", "actset_output=2", "dp_hash=0/1", "conj_id=1", "conj_id=2", "recirc_id=0"))()

    def match(self):
        """Terms and the kind of packet that they speak of."""
        if self.one_in(6):
            return [f"in_port={self.pick(1, 2, 3, 4)}"] if self.one_in(2) else [], ""
        if self.one_in(20):  # of one packet type, which most flows need not name
            number, kind = self.pick((0x800, "ip"), (0x86dd, "ipv6"), (0x894f, "nsh"), (0x8847, "mpls"), (None, ""))
            return [f"packet_type=(1,{number:#x})" if number else "packet_type=(0,0)"], kind
        out, kind = [], self.pick(*KINDS, "", "ip", "ipv6")
        some = lambda n, text: out.append(text()) if self.one_in(n) else None
        some(3, lambda: f"in_port={self.pick(1, 2, 3, 4, 'LOCAL', 20)}")
        some(5, lambda: "dl_src=" + self.masked(self.mac(), "/01:00:00:00:00:01", "/ff:ff:ff:ff:ff:fc"))
        some(5, lambda: "dl_dst=" + self.masked(self.mac(), "/01:00:00:00:00:00", "/ff:ff:ff:ff:ff:fe"))
        some(5, lambda: self.pick("dl_vlan=5", "dl_vlan=6", "vlan_tci=0", "vlan_tci=0x1000/0x1000", "dl_vlan_pcp=3", "dl_vlan=0xffff",
                                  "vlan_vid=0x1004/0x1ffc", "vlan_tci=0x1005/0x1007", "dl_vlan=5,dl_vlan_pcp=0", "vlan_vid=0x1006,vlan_pcp=3"))
        some(3, self.pipeline_match)
        some(4, self.pipeline_match)
        if not kind:
            some(6, lambda: self.pick("dl_type=0x1234", "dl_type=0x05ff", "dl_type=0x0806", "dl_type=0x894f"))
            return out, kind
        if kind == "nd":
            out += ["icmp6", "icmp_type=" + (nd := self.pick("135", "136")), "icmp_code=0"]
            some(2, lambda: "nd_target=" + self.masked(self.ip6(), "/112", "/64"))
            some(3, lambda: ("nd_sll=" if nd == "135" else "nd_tll=") + self.masked(self.mac(), "/ff:ff:ff:ff:ff:fe"))
            some(4, lambda: self.pick("nd_reserved=0", "nd_reserved=0x80000000", "nd_options_type=0", "nd_options_type=1", "nd_options_type=2"))
            return out, kind
        if kind == "nsh":
            out.append("dl_type=0x894f")
            some(3, lambda: f"nsh_ttl={self.pick(1, 2, 63)}")
            some(3, lambda: self.bits("nsh_spi", 24))
            some(3, lambda: f"nsh_si={self.pick(1, 255)}")
            some(4, lambda: f"nsh_np={self.pick(1, 3)}")
            some(4, lambda: "nsh_mdtype=1," + self.bits(f"nsh_c{self.pick(1, 2, 3, 4)}", 32))
            some(6, lambda: self.pick("nsh_flags=0", "nsh_mdtype=2") if "mdtype" not in str(out) else "nsh_flags=0")
            return out, kind
        out.append(kind if kind != "mpls" else self.pick("mpls", "mplsm"))
        if kind in V4:
            some(3, lambda: "nw_src=" + self.masked(self.ip(), "/24", "/16", "/31", "/255.0.0.3"))
            some(3, lambda: "nw_dst=" + self.masked(self.ip(), "/24", "/16", "/31", "/255.0.0.3"))
        if kind in V6:
            some(3, lambda: "ipv6_src=" + self.masked(self.ip6(), "/112", "/64", "/127", "/ffff::3"))
            some(3, lambda: "ipv6_dst=" + self.masked(self.ip6(), "/112", "/64", "/127"))
            some(8, lambda: self.pick("ipv6_label=0", "ipv6_label=5", "ipv6_label=0x4/0xc"))
        if kind in V4 | V6:
            some(6, lambda: self.pick("nw_ttl=1", "nw_ttl=64", "nw_tos=32", "nw_tos=0", "nw_ecn=1", "nw_ecn=0"))
            some(8, lambda: "nw_frag=" + self.pick("no", "yes", "first", "later", "not_later"))
            address = "ct_nw" if kind in V4 else "ct_ipv6"
            some(12, lambda: "ct_state=+trk," + self.pick(f"{address}_src=" + (self.ip() + "/24" if kind in V4 else self.ip6() + "/112"),
                             f"{address}_dst=" + (self.ip() if kind in V4 else self.ip6()), "ct_nw_proto=6", "ct_nw_proto=17,ct_tp_dst=80",
                             "ct_nw_proto=6,ct_tp_src=0x50/0xfff0"))
        if kind in ("ip", "ipv6"):
            some(4, lambda: f"nw_proto={self.pick(6, 17, 99, 1, 58, 2)}")
        if kind in PORTS:
            some(2, lambda: "tp_dst=" + self.pick("80", "81", "0x50/0xfff0", "0x1000/0xf000", "53"))
            some(3, lambda: "tp_src=" + self.pick("80", "81", "0x50/0xfff0"))
        if kind in ("tcp", "tcp6"):
            some(3, lambda: "tcp_flags=" + self.pick("+syn", "+syn-ack", "+ack", "-fin", "0x2/0x3"))
        if kind in ("icmp", "icmp6"):
            some(2, lambda: f"icmp_type={self.pick(0, 8, 128, 129, 135)}")
            some(4, lambda: f"icmp_code={self.pick(0, 1)}")
        if kind in ("arp", "rarp"):
            some(2, lambda: "arp_op=" + self.pick("1", "2", "3"))
            some(3, lambda: "arp_tpa=" + self.masked(self.ip(), "/24", "/31"))
            some(3, lambda: "arp_spa=" + self.masked(self.ip(), "/24", "/31"))
            some(4, lambda: "arp_sha=" + self.masked(self.mac(), "/ff:ff:ff:ff:ff:fe"))
            some(4, lambda: "arp_tha=" + self.mac())
        if kind == "mpls":
            some(2, lambda: f"mpls_label={self.pick(3, 4, 0)}")
            some(4, lambda: self.pick("mpls_tc=0", "mpls_tc=3", "mpls_bos=1", "mpls_bos=0", "mpls_ttl=1", "mpls_ttl=64"))
        return out, kind

    # --- actions

    def output(self):
        return self.pick("1", "2", "3", "4", "IN_PORT", "10", "LOCAL", "set_field:1.1.1.3->tun_dst,20", "3,4,output(port=2,max_len=60)", "output(port=10,max_len=50)",
                         "output:reg1[0..2]", "output:NXM_OF_IN_PORT[]", "99", "enqueue(3,7)", "FLOOD")

    def header_action(self, kind):
        """One that changes the packet, of those that a match of this kind allows."""
        choices = [lambda: "mod_dl_dst:" + self.mac(), lambda: "mod_dl_src:" + self.mac(),
                   lambda: self.pick("mod_vlan_vid:5", "mod_vlan_vid:6", "strip_vlan", "mod_vlan_pcp:3", "push_vlan:0x8100",
                                     "push_vlan:0x88a8", "push_vlan:0x8100,set_field:0x1006->vlan_vid,set_field:2->vlan_pcp"),
                   lambda: f"set_field:{self.mac()}/{self.pick('ff:ff:ff:00:00:00', '00:00:00:00:00:01')}->eth_src"]
        if kind in V4:
            choices += [lambda: "mod_nw_dst:" + self.ip(), lambda: "mod_nw_src:" + self.ip(),
                        lambda: f"set_field:{self.ip()}/{self.pick('0.0.0.1', '255.255.0.0')}->ip_dst"] * 2
        if kind in V6:
            choices += [lambda: f"set_field:{self.ip6()}->ipv6_src", lambda: f"set_field:{self.ip6()}/::3->ipv6_dst",
                        lambda: "set_field:0x7->ipv6_label"] * 2
        if kind in V4 | V6:
            choices += [lambda: self.pick("dec_ttl", "dec_ttl(1,2)", "set_field:64->nw_ttl", "set_field:1->nw_ttl"),
                        lambda: self.pick("mod_nw_tos:32", "mod_nw_ecn:1", "set_field:3->nw_ecn", "set_field:8->ip_dscp"),
                        lambda: self.pick("push_mpls:0x8847", "push_mpls:0x8847,set_field:9->mpls_label,dec_mpls_ttl")]
        if kind in PORTS:
            name = kind.rstrip("6")
            choices += [lambda: self.pick("mod_tp_dst:81", "mod_tp_src:80", f"set_field:82->{name}_src", f"set_field:0x1/0x3->{name}_dst")] * 2
        if kind in ("icmp", "icmp6"):
            choices.append(lambda: f"set_field:{self.pick(0, 8, 128)}->{'icmp' if kind == 'icmp' else 'icmpv6'}_type")
            choices.append(lambda: f"set_field:{self.pick(0, 1)}->{'icmp' if kind == 'icmp' else 'icmpv6'}_code")
        if kind == "arp":
            choices += [lambda: f"set_field:{self.pick(1, 2)}->arp_op", lambda: f"set_field:{self.ip()}->arp_spa",
                        lambda: f"set_field:{self.mac()}->arp_tha", lambda: "move:NXM_NX_ARP_SHA[]->NXM_NX_ARP_THA[]",
                        lambda: "move:NXM_OF_ARP_SPA[]->NXM_OF_ARP_TPA[]", lambda: f"set_field:{self.ip()}/0.0.0.3->arp_tpa",
                        lambda: f"set_field:{self.mac()}->arp_sha", lambda: "move:NXM_OF_ARP_OP[0..3]->NXM_NX_REG1[0..3]"]
        if kind == "nd":
            choices += [lambda: f"set_field:{self.ip6()}->nd_target", lambda: f"set_field:{self.mac()}->{self.pick('nd_sll', 'nd_tll')}",
                        lambda: self.pick("set_field:0x4->nd_reserved", "set_field:2->nd_options_type", "move:NXM_NX_ND_SLL[]->NXM_OF_ETH_SRC[]")] * 2
        if kind == "mpls":
            choices += [lambda: self.pick("pop_mpls:0x0800", "pop_mpls:0x8847", "set_field:3->mpls_label", "dec_mpls_ttl", "set_field:5->mpls_tc",
                                          "set_mpls_ttl(9)", "push_mpls:0x8847", "push_mpls:0x8848",
                                          "decap,decap(packet_type(ns=1,type=0x8847)),encap(ethernet)", "decap,decap(packet_type(ns=1,type=0x800)),encap(ethernet)",
                                          "decap,decap(packet_type(ns=0,type=0))", "decap,decap(packet_type(ns=1,type=0x800))",
                                          "move:OXM_OF_MPLS_LABEL[0..11]->NXM_NX_REG2[0..11]")] * 3
        if kind == "nsh":
            choices += [lambda: self.pick("dec_nsh_ttl", "set_field:9->nsh_si", "set_field:0x5->nsh_spi", "set_field:0x5/0xf->nsh_c2",
                                          "set_field:3->nsh_ttl", "set_field:1->nsh_flags", "set_field:0x7->nsh_c4",
                                          "move:NXM_NX_REG1[]->NXOXM_NSH_C3[]", "move:NXOXM_NSH_SPI[0..7]->NXM_NX_REG3[0..7]"), lambda: self.pick("decap,decap", "decap,encap(ethernet)")] * 3
        if not kind:
            choices.append(lambda: self.pick("push_mpls:0x8847", "push_mpls:0x8848"))
        return self.r.choice(choices)()

    def action(self, table, kind, nested=False):
        later = min(table + self.r.randrange(1, 4), 6)
        reg = lambda: f"NXM_NX_REG{self.r.randrange(4)}"
        choices = [
            self.output, self.output, lambda: self.header_action(kind), lambda: self.header_action(kind), lambda: self.header_action(kind),
            lambda: f"load:{self.r.randrange(8)}->{reg()}[{self.pick('', '0..3', '4..7')}]",
            lambda: f"set_field:{self.pick('0x1', '0x3/0x3', '0x5')}->reg{self.r.randrange(3)}",
            lambda: self.pick(f"move:NXM_OF_ETH_SRC[0..15]->{reg()}[0..15]", f"move:{reg()}[0..3]->{reg()}[4..7]",
                              "move:NXM_OF_ETH_SRC[]->NXM_OF_ETH_DST[]", "move:NXM_OF_VLAN_TCI[0..11]->NXM_NX_REG2[0..11]",
                              "move:NXM_OF_IN_PORT[0..2]->NXM_NX_REG1[0..2]", "move:NXM_NX_REG0[0..5]->NXM_OF_ETH_DST[0..5]",
                              "load:1->NXM_OF_VLAN_TCI[12],move:NXM_NX_REG1[0..11]->NXM_OF_VLAN_TCI[0..11]", "move:NXM_NX_TUN_ID[0..7]->NXM_NX_REG3[8..15]"),
            lambda: self.pick("set_queue:3", "pop_queue", "note:00.01", "set_field:7->metadata", "set_field:5->tun_id", "set_field:9->tun_metadata0",
                              "set_field:0x2/0x6->metadata", "set_field:4->pkt_mark", "set_field:1.1.1.3->tun_dst", "ct_clear",
                              "set_field:0x5->xreg1", "set_field:0xf0->xxreg1", "delete_field:tun_metadata0", "set_field:5->tun_ttl",
                              "set_field:4->tun_tos", "set_field:oam->tun_flags", "set_field:2001:db8::9->tun_ipv6_dst", "set_field:2->tun_gbp_id",
                              "set_field:3->tun_erspan_idx", "set_field:0x7->reg15", "set_field:3->skb_priority", "set_tunnel:7"),
            lambda: self.pick("multipath(eth_src,50,modulo_n,1,0,NXM_NX_REG2[0..3])", "bundle(eth_src,0,hrw,ofport,members:4)", "meter:1",
                              "sample(probability=100,collector_set_id=1,obs_domain_id=2,obs_point_id=3)",
                              "sample(probability=65535,collector_set_id=1,obs_domain_id=2,obs_point_id=3,sampling_port=3)"),
            lambda: self.pick(f"push:{reg()}[]", f"pop:{reg()}[]", "push:NXM_OF_ETH_DST[0..15]", f"push:{reg()}[2..7]", f"pop:{reg()}[0..7]"),
            lambda: self.pick("bundle(eth_src,0,active_backup,ofport,members:4,1)", f"bundle_load(eth_src,0,active_backup,ofport,{reg()}[0..15],members:9,2)"),
            lambda: f"resubmit({self.pick('', '', '1', '2')},{later})", lambda: f"resubmit({self.pick('', '', '1', '2')},{later})",
            lambda: f"resubmit(,{later})",
            lambda: self.pick("CONTROLLER", "controller(max_len=60,id=2)", "controller(reason=no_match,userdata=01.02.03,max_len=80)",
                              "controller(pause,userdata=05)", "controller(meter_id=1)"),
        ]
        choices += [lambda: self.pick("encap(nsh),encap(ethernet)", "decap,encap(ethernet)", "encap(mpls),set_field:5->mpls_label,encap(ethernet)",
                                      "encap(nsh(md_type=2,tlv(0x1000,10,0x12345678))),set_field:0x5->nsh_spi,encap(ethernet)", "decap",
                                      f"encap(nsh),set_field:7->nsh_c1,resubmit(,{later}),encap(ethernet)", "encap(mpls_mc),encap(ethernet)",
                                      "encap(nsh),encap(nsh),encap(ethernet)")]
        if kind in V4 | V6:
            choices += [lambda: f"ct(table={later}{self.pick('', ',zone=1', ',zone=NXM_NX_REG0[0..1]')})",
                        lambda: f"ct(commit{self.pick('', ',zone=1')},exec(set_field:{self.pick('1', '0x2/0x3')}->ct_mark){self.pick('', f',table={later}')})",
                        lambda: "ct(commit,force,exec(set_field:0x5->ct_label))", lambda: f"resubmit(,{later},ct)",
                        lambda: self.translation(kind, later)]
        if kind in ("tcp", "tcp6"):
            choices.append(lambda: self.pick("fin_timeout(idle_timeout=5)", "fin_timeout(idle_timeout=9,hard_timeout=8)"))
        if not nested:
            choices += [
                lambda: f"group:{self.pick(1, 4, 5, 6, 7, 8)}",
                lambda: f"clone({self.action(table, kind, True)},{self.action(table, kind, True)})",
                lambda: f"check_pkt_larger({self.r.randrange(60, 140)})->NXM_NX_REG0[{self.r.randrange(4)}],resubmit(,{later})",
                lambda: "exit", lambda: "learn(table=6,priority=8,fin_idle_timeout=3,NXM_OF_ETH_SRC[],load:3->NXM_NX_REG1[])",
                # Flows are learnt again when a megaflow's packets are counted, in each switch's own order: what they say must be
                # the same for all that learn them.
                lambda: f"learn(table=6,priority=7,{self.pick('', 'idle_timeout=60,', 'hard_timeout=70,cookie=0x5,')}"
                        + self.pick("NXM_OF_IN_PORT[],NXM_OF_ETH_DST[]=NXM_OF_ETH_SRC[],output:NXM_OF_IN_PORT[]", "NXM_OF_VLAN_TCI[0..11],load:5->NXM_NX_REG2[]",
                                    "NXM_OF_IN_PORT[],eth_type=0x800,nw_proto=6,NXM_OF_IP_DST[]=NXM_OF_IP_SRC[],load:NXM_OF_IN_PORT[]->NXM_NX_REG1[0..15]") + ")",
            ]
        return self.r.choice(choices)()

    def translation(self, kind, later):
        """NAT that leaves nothing to choose: of one address."""
        address = self.pick(self.ip, lambda: "10.0.9.9")() if kind in V4 else self.pick(self.ip6, lambda: "2001:db8::9:9")()
        port = lambda: self.pick("", "", ":99") if kind in PORTS - {"sctp", "sctp6"} else ""
        if kind in V6:
            address = f"[{address}]"
        return self.pick(lambda: f"ct(nat,table={later})", lambda: f"ct(commit,nat(src={address}{port()}),table={later})",
                         lambda: f"ct(commit,zone=1,nat(dst={address}{port()}),table={later})", lambda: f"ct(commit,nat,table={later})")()

    def action_set(self, kind):
        members = [self.pick("output:1", "output:4", "group:4", "output:10", "group:1"), "mod_dl_dst:" + self.mac(), "push_vlan:0x8100", "set_field:3->reg1",
                   self.pick("dec_ttl", "strip_vlan", "set_queue:3", "push_mpls:0x8847", "mod_nw_tos:32", "resubmit(,6)")]
        return "write_actions(" + ",".join(self.r.sample(members, self.r.randrange(1, 5))) + ")"

    def flows(self, count):
        """No two of one priority: which of those that match is taken would be the switch's choice."""
        return [self.flow(priority) for priority in self.r.sample(range(1, 1000), count)]

    def flow(self, priority):
        table = 0 if self.one_in(2) else self.r.randrange(7)
        terms, kind = self.match()
        if self.one_in(10):
            id = self.r.randrange(1, 3)  # whose flows must be of one priority
            # The term that holds always is nobody else's: Debian's passes over flows that match just the same.
            return ",".join([f"table={table}", f"priority={1000 + id}", "reg5=0", *terms]) + f",actions=conjunction({id},{self.r.randrange(1, 3)}/2)"
        head = [f"table={table}", f"priority={priority}", *terms]
        actions = [self.action(table, kind) for _ in range(self.r.randrange(6))]
        if "exit" in actions:
            actions = actions[:actions.index("exit") + 1]
        instructions = []
        if self.one_in(8):
            instructions.append("clear_actions")
        if self.one_in(5):
            instructions.append(self.action_set(kind))
        if self.one_in(8):
            instructions.append(self.pick("write_metadata:0x5", "write_metadata:0x2/0x6"))
        if self.one_in(5) and table < 6:
            instructions.append(f"goto_table:{min(table + self.r.randrange(1, 4), 6)}")
        return ",".join(head) + ",actions=" + (",".join(actions + instructions) or "drop")

    # --- packets

    def layer4(self, src, dst, name):
        port = lambda: self.pick(80, 81, 53, 90, 4097)
        data = bytes(self.r.randrange(80)) if self.one_in(2) else b"hello"
        if name == "tcp":
            return 6, packets.tcp(src, dst, port(), port(), self.pick("S", "A", "SA", "F", "FA", "R"), 5, data=data)
        if name == "udp":
            return 17, packets.udp(src, dst, port(), port(), data, check=packets.is_v6(src) or not self.one_in(4))
        if name == "sctp":
            return 132, struct.pack(">HHII", port(), port(), 1, 0) + bytes(8)
        if name == "icmp":
            kind = self.pick(128, 129) if packets.is_v6(src) else self.pick(0, 8, 3)
            return (58 if packets.is_v6(src) else 1), packets.icmp(src, dst, kind, self.pick(0, 0, 1), bytes(4))
        if name == "nd":
            kind = self.pick(135, 136)
            option = bytes([1 if kind == 135 else 2, 1]) + bytes.fromhex(self.mac().replace(":", ""))
            return 58, packets.icmp(src, dst, kind, 0, bytes(4), packets.packed(self.ip6()) + (option if self.one_in(2) else b""))
        if not packets.is_v6(src) and self.one_in(3):
            return 2, bytes.fromhex("16000000") + packets.packed("224.1.1.1")
        return 99, data

    def network(self):
        """Ethertype and payload."""
        kind = self.r.randrange(12)
        if kind < 4:
            src, dst = self.ip(), self.ip()
            number, payload = self.layer4(src, dst, self.pick("tcp", "tcp", "udp", "sctp", "icmp", ""))
            fragment = self.pick(0, 0, 0, 0, 0, 0x4000, 0x2000, 0x2004, 4)
            if fragment & 0x1fff:
                payload = payload[:4]  # Debian's takes more for a transport header, and corrects its checksum
            data = packets.ipv4(src, dst, number, payload, ttl=self.pick(0, 1, 2, 64, 64, 64), fragment=fragment)
            tos = self.pick(0, 0, 32, 33)
            data = data[:1] + bytes([tos]) + data[2:10] + b"\0\0" + data[12:]
            return 0x800, data[:10] + struct.pack(">H", packets.checksum(data[:20])) + data[12:]
        if kind < 8:
            src, dst = self.ip6(), self.ip6()
            number, payload = self.layer4(src, dst, self.pick("tcp", "udp", "sctp", "icmp", "nd", "nd", ""))
            if self.one_in(8):
                fragment = self.pick(0, 1, 9, 8)
                payload = struct.pack(">BBHI", number, 0, fragment, 7) + (payload[:4] if fragment >> 3 else payload)
                number = 44
            data = packets.ipv6(src, dst, number, payload, hop_limit=self.pick(1, 2, 64, 64, 255))
            if number != 44 and self.one_in(10):  # hop-by-hop options
                data = packets.ipv6(src, dst, 0, struct.pack(">B", number) + HOP_BY_HOP + payload, hop_limit=64)
            word = struct.unpack(">I", data[:4])[0] | self.pick(0, 0, 32, 33) << 20 | self.pick(0, 0, 5)
            return 0x86dd, struct.pack(">I", word) + data[4:]
        if kind < 10:
            mac = lambda: bytes.fromhex(self.mac().replace(":", ""))
            body = struct.pack(">HHBBH", 1, 0x800, 6, 4, self.pick(1, 2, 3)) + mac() + socket.inet_aton(self.ip()) + mac() + socket.inet_aton(self.ip())
            return self.pick(0x806, 0x806, 0x806, 0x8035), body
        if kind == 10:
            labels = self.r.randrange(1, 4)
            stack = b"".join(struct.pack(">I", self.pick(3, 4, 0) << 12 | self.pick(0, 3) << 9 | (n == labels - 1) << 8 | self.pick(1, 2, 64))
                             for n in range(labels))
            src, dst = self.ip(), self.ip()
            number, payload = self.layer4(src, dst, "udp")
            return self.pick(0x8847, 0x8847, 0x8848), stack + packets.ipv4(src, dst, number, payload)
        return self.pick(0x1234, 46), bytes(46)

    def service(self, ethertype, payload):
        """A service header around a packet."""
        kind = self.pick(1, 1, 2)
        metadata = struct.pack(">IIII", 7, 5, 0, self.r.getrandbits(32)) if kind == 1 else self.pick(b"", bytes.fromhex("10000a0412345678"))
        below = {0x800: 1, 0x86dd: 2}.get(ethertype) if self.one_in(2) else 3
        if below in (None, 3):
            below, payload = 3, packets.ethernet(ethertype, payload, self.mac().replace(":", ""), self.mac().replace(":", ""))
        ttl, length = self.pick(1, 2, 63), 2 + len(metadata) // 4
        return 0x894f, struct.pack(">HBBI", ttl << 6 | length, kind, below if not self.one_in(9) else 5, self.pick(5, 7) << 8 | self.pick(1, 255)) + metadata + payload

    def packet(self):
        ethertype, payload = self.network()
        if self.one_in(8):
            ethertype, payload = self.service(ethertype, payload)
        if self.one_in(3):
            payload = payload.ljust(46, b"\0")
        for _ in range(self.pick(0, 0, 0, 1, 1, 2)):
            payload = struct.pack(">HH", self.pick(0, 3) << 13 | self.r.randrange(4, 8), ethertype) + payload
            ethertype = self.pick(0x8100, 0x8100, 0x8100, 0x88a8)
        frame = packets.ethernet(ethertype, payload, self.mac().replace(":", ""), self.mac().replace(":", ""))
        if self.one_in(6):
            metadata = f"tun_src=1.1.1.1,tun_dst=1.1.1.9,tun_ttl=64,tun_id={self.r.randrange(8)}"
            if self.one_in(2):
                metadata += f",tun_metadata0={self.r.randrange(8)}"
            return Packet(20, frame, metadata)
        return Packet(self.pick(1, 2, 3, 4), frame)
