"""Every field of ovs-fields(7) and every action of ovs-actions(7), in every version of OpenFlow: what our ovs-ofctl and
Debian's put on the wire is equal byte for byte, what they print of it is equal, and what they make of what they print.

Each line is a flow with one field, or one action, of some value and mask; some are mistakes, which both must refuse.  A run
takes some lines of all that there are; WEFT_CASES takes more, WEFT_SEED=N others, WEFT_ONLY=REGEX such and WEFT_VERSIONS
"OpenFlow10 …" in these.
"""
import difflib
import os
import random
import re
import subprocess
import sys
import tempfile

import openflow as of
import rig

SEED = int(os.environ.get("WEFT_SEED", random.SystemRandom().randrange(1 << 32)))
CASES = int(os.environ.get("WEFT_CASES", 60))  # lines in each version
WEFT = os.path.join(os.environ.get("WEFT_BIN", ""), "ovs-ofctl")
DEBIAN = "/usr/bin/ovs-ofctl"
R = random.Random(SEED)
AT_ONCE = 8  # lines that one ovs-ofctl is given
VERSIONS = os.environ.get("WEFT_VERSIONS", " ".join(of.VERSIONS)).split()
SHOWN = int(os.environ.get("WEFT_MOST", 20))

# Name and other names, bits, format, whether masks may be, what must be matched, too, and whether it can be written
# (ovs-fields(7)).  Of rows of fields some stand for all.  tun_gtpu_flags,
# _msgtype and tun_erspan_ver, _dir and _hwid are not among them: Debian's sends their value for a mask.
FIELDS = """
conj_id 32 d - - ro|tun_id,tunnel_id 64 x m - rw|tun_src 32 ip m - rw|tun_dst 32 ip m - rw|tun_ipv6_src 128 ip6 m - rw|tun_ipv6_dst 128 ip6 m - rw
tun_gbp_id 16 d m - rw|tun_gbp_flags 8 x m - rw|tun_erspan_idx 20 x m - rw
tun_metadata0 32 x m - rw|tun_metadata63 992 x m - rw|tun_flags 1 tunnel m - rw|tun_ttl 8 d m - no
tun_tos 8 d m - no|in_port 16 port - - rw|in_port_oxm 32 port - - rw|skb_priority 32 x - - no|pkt_mark 32 x m - rw|actset_output 32 port - - ro
packet_type 32 type - - ro|ct_state 10 ct m - ro|ct_zone 16 x - - ro|ct_mark 32 x m - rw|ct_label 128 x m - rw|ct_nw_src 32 ip m ip,ct_state=+trk ro
ct_nw_dst 32 ip m ip,ct_state=+trk ro|ct_ipv6_src 128 ip6 m ipv6,ct_state=+trk ro|ct_ipv6_dst 128 ip6 m ipv6,ct_state=+trk ro
ct_nw_proto 8 d - ip,ct_state=+trk ro|ct_tp_src 16 d m ipv6,ct_state=+trk,ct_nw_proto=6 ro|ct_tp_dst 16 d m ip,ct_state=+trk,ct_nw_proto=17 ro
metadata 64 x m - rw|reg0 32 x m - rw|reg15 32 x m - rw|xreg0 64 x m - rw|xreg7 64 x m - rw|xxreg0 128 x m - rw|xxreg3 128 x m - rw
eth_src,dl_src 48 mac m - rw|eth_dst,dl_dst 48 mac m - rw|eth_type,dl_type 16 x - - ro|vlan_vid 12 vid m - rw|dl_vlan 12 d - - no|vlan_pcp 3 d - vlan_vid=0x1005 rw
dl_vlan_pcp 3 d - dl_vlan=5 no|vlan_tci 16 x m - rw|mpls_label 20 d - mpls rw|mpls_tc 3 d - mplsm rw|mpls_bos 1 d - mpls ro|mpls_ttl 8 d - mpls rw
ip_src,nw_src 32 ip m ip rw|ip_dst,nw_dst 32 ip m tcp rw|ipv6_src 128 ip6 m ipv6 rw|ipv6_dst 128 ip6 m udp6 rw|ipv6_label 20 x m ipv6 rw
nw_proto,ip_proto 8 d - ipv6 ro|nw_ttl 8 d - ip rw|ip_frag,nw_frag 2 frag m ipv6 ro|nw_tos 8 tos - ip rw|ip_dscp 6 d - ipv6 rw|nw_ecn,ip_ecn 2 d - ip rw
arp_op 8 d - arp rw|arp_spa 32 ip m arp rw|arp_tpa 32 ip m rarp rw|arp_sha 48 mac m arp rw|arp_tha 48 mac m arp rw
nsh_flags 2 d m dl_type=0x894f rw|nsh_ttl 6 d - dl_type=0x894f rw|nsh_mdtype 8 d - dl_type=0x894f ro|nsh_np 8 d - dl_type=0x894f ro
nsh_spi,nsp 24 x - dl_type=0x894f rw|nsh_si,nsi 8 d - dl_type=0x894f rw|nsh_c1,nshc1 32 x m dl_type=0x894f,nsh_mdtype=1 rw|nsh_c4,nshc4 32 x m dl_type=0x894f,nsh_mdtype=1 rw
tcp_src,tp_src 16 d m tcp rw|tcp_dst,tp_dst 16 d m tcp6 rw|tcp_flags 12 tcp m tcp ro|udp_src,tp_src 16 d m udp rw|udp_dst 16 d m udp6 rw
sctp_src,tp_src 16 d m sctp rw|sctp_dst,tp_dst 16 d m sctp6 rw|icmp_type 8 d - icmp rw|icmp_code 8 d - icmp rw|icmpv6_type,icmp_type 8 d - icmp6 rw
icmpv6_code,icmp_code 8 d - icmp6 rw|nd_target 128 ip6 m icmp6,icmp_type=135,icmp_code=0 rw|nd_sll 48 mac m icmp6,icmp_type=135,icmp_code=0 rw
nd_tll 48 mac m icmp6,icmp_type=136,icmp_code=0 rw|nd_reserved 32 x - icmp6,icmp_type=136,icmp_code=0 rw|nd_options_type 8 d - icmp6,icmp_type=135,icmp_code=0 rw
dp_hash 32 x m - ro|recirc_id 32 d - - ro
"""
FLAGS = {"ct": "new est rel rpl inv trk snat dnat".split(), "tcp": "fin syn rst psh ack urg ece cwr ns".split(), "tunnel": ["oam"]}
NXM = {"tun_id": "NXM_NX_TUN_ID", "eth_src": "NXM_OF_ETH_SRC", "ip_src": "OXM_OF_IPV4_SRC", "vlan_tci": "NXM_OF_VLAN_TCI", "reg0": "NXM_NX_REG0",
       "xxreg3": "NXM_NX_XXREG3", "ipv6_dst": "NXM_NX_IPV6_DST", "tcp_src": "NXM_OF_TCP_SRC", "metadata": "OXM_OF_METADATA",
       "nsh_c1": "NXOXM_NSH_C1", "in_port": "NXM_OF_IN_PORT", "nw_ecn": "NXM_NX_IP_ECN", "mpls_label": "OXM_OF_MPLS_LABEL"}
# Where Debian's says less than it is told, or more: not compared (docs/decisions/0101-fields-and-actions-as-text.md).
APART = [("OpenFlow1[01]", "->vlan_tci"), ("OpenFlow11", "(nw|ip)_ecn="), ("", "vlan_tci=0x([0-9a-f]*[02468ace][0-9a-f]{3}|[0-9a-f]{1,3})(,|$)"), ("", r"resubmit\(1\)"),
         ("", r"load:.*->(NXM_\w+_)?(TUN_METADATA|tun_metadata)"), ("", "tun_metadata[0-9]+=0x0(,|/)"), ("", r"learn\(vlan_vid="), ("", "tun_erspan_idx=0x100000"),
         ("", r"set_field:0x0[^,]*->tun_metadata"), ("", r"vlan_tci=.*/"), ("", r"set_field:(0xffff|65535)->in_port"), ("", "->in_port_oxm"),
         ("", r"set_field:[0-9a-f.:]*/[0-9]+->"), ("", r"load:.*->(NXOXM_NSH_\w+|nsh_\w+|tun_erspan_idx)"), ("OpenFlow11", "nsh"),
         ("", r"actset_output\["), ("OpenFlow1[0-2]", "decap"), ("", r"write_actions\((learn|clone)"), ("OpenFlow10", "goto_table:255"), ("", r"ct_state=([+-]\w+){8}(,|$)"),
         ("", r"multipath\(.*tun_metadata\d+\[\]"), ("OpenFlow10", r"(^|,)sctp_(src|dst)="),
         ("OpenFlow10", r"(^|,)in_port_oxm="), ("", r"ct_state=\w+(\|\w+)*(,|$)"), ("", r"resubmit:\d"),
         ("", r"bundle_load\(.*reg0\[0\.\.14\]"), ("", r"nat\(src=1\.2\.3\.4:70000\)"),
         ("OpenFlow15", r"load:[^,]*->(NXM_NX_IPV6_LABEL|ipv6_label|OXM_OF_MPLS_LABEL|mpls_label|mpls_tc|ip_dscp|NXM_NX_IP_ECN|nw_ecn|vlan_vid|vlan_pcp)")]


class Field:
    def __init__(self, words):
        names, bits, self.format, masks, needs, access = words.split()
        self.names, self.bits, self.masks, self.access = names.split(","), int(bits), masks == "m", access
        self.needs = "" if needs == "-" else needs

    def numbers(self):
        ones = (1 << self.bits) - 1
        return [0, 1, ones, 1 << self.bits - 1, R.getrandbits(self.bits), R.getrandbits(self.bits)]

    def text(self, n):
        if self.format in ("mac", "ip", "ip6"):
            data = n.to_bytes(self.bits // 8, "big")
            if self.format == "ip":
                return ".".join(str(b) for b in data)
            return data.hex(":") if self.format == "mac" else ":".join(f"{n >> 16 * i & 0xffff:x}" for i in range(7, -1, -1))
        if self.format == "type":
            return f"({n >> 16 & 1},{n & 0xffff:#x})"
        if self.format == "vid" and n:
            n |= 0x1000
        if self.format == "tos":
            n &= 0xfc
        return f"{n:#x}" if self.format in ("x", "vid") or R.random() < 0.2 else str(n)

    def values(self):
        """Some without a mask, and some with one."""
        plain = [self.text(n) for n in self.numbers()] if self.format != "ct" else []
        if self.format in FLAGS:
            plain += ["".join(R.choice("+-") + name for name in R.sample(FLAGS[self.format], R.randrange(1, len(FLAGS[self.format]) + 1))) for _ in range(4)]
            plain += ["|".join(R.sample(FLAGS[self.format], R.randrange(1, len(FLAGS[self.format]) + 1)))]
        if self.format == "port":
            plain += ["LOCAL", "CONTROLLER", "NONE", "65280", "IN_PORT"]
        if self.format == "frag":
            plain = ["no", "yes", "first", "later", "not_later", "0", "3"]
        # One too many; of bits that are not whole bytes Debian's sends it, and each switch refuses.
        plain += [self.text(1 << self.bits) if self.format in ("d", "x") and self.bits % 8 == 0 else "nosuch"]
        if self.format in ("type", "ct"):  # Debian's takes a mask of a type, and does without it; what it does not know of a state
            return plain, []
        ones = (1 << self.bits) - 1
        # Of bits that are not whole bytes, Debian's tells all from all of the bytes.
        masks = [ones if self.bits % 8 == 0 else 1, 1, ones << max(0, self.bits - 9) & ones, R.getrandbits(self.bits), R.getrandbits(self.bits), 0]
        if self.format == "ip6":  # Debian's takes one that begins with a digit for a length
            masks = [m | 0xf << 124 for m in masks]
        masked = [f"{self.text(n & m)}/{self.text(m)}" for n, m in zip(self.numbers(), masks)]
        if self.format in ("ip", "ip6"):
            masked += [f"{self.text(R.getrandbits(self.bits))}/{length}" for length in (0, 8, 31, self.bits)]
        return plain, masked

    def subfield(self, longest=None):
        low = R.randrange(self.bits)
        high = R.randrange(low, min(self.bits, low + (longest or self.bits)))
        return (f"[{low}..{high}]" if high > low or R.random() < 0.3 else f"[{low}]"), high - low + 1


def flow(match, actions):
    head = R.choice(["", f"table={R.randrange(255)},", f"priority={R.randrange(65536)},", "cookie=0x123456789abcdef0,idle_timeout=9,hard_timeout=65535,importance=3,",
                     "send_flow_rem,check_overlap,", "reset_counts,no_packet_counts,no_byte_counts,"]) if R.random() < 0.4 else ""
    return (head + match).rstrip(",") + ("," if (head + match).rstrip(",") else "") + "actions=" + actions


def lines_of(field):
    """What can be said of a field, and some of what cannot."""
    plain, masked = field.values()
    name = lambda: R.choice(field.names)
    needs = field.needs + "," if field.needs else ""
    if field.names[0] == "ct_nw_proto":
        nothing = lambda text: re.search(r"^[0x]+(/|$)|/[0x]+$", text)
    else:
        nothing = lambda text: not field.needs and re.search(r"/[0:.x]*$", text)
    for value in plain + masked:
        if not nothing(value):  # Debian's says that it is an Ethernet packet, and forgets protocol 0
            yield flow(f"{needs}{name()}={value}", "drop")
    if field.access == "no":
        return
    first = NXM.get(field.names[0], field.names[0])
    target = lambda: R.choice([field.names[0], first])
    for value in plain[:6] + masked:
        # Of those without a mask in OpenFlow 1.0 or 1.1, Debian's forgets it.
        if "/" not in value or field.names[0][:3] in ("reg", "xre", "xxr", "pkt", "ct_", "met", "tun") and not re.search(r"/[0x.:]*$", value):
            yield flow(needs, f"set_field:{value}->{R.choice(field.names)}")
    for _ in range(4):
        part, size = field.subfield(128)
        yield flow(needs, f"move:{target()}{part}->xxreg1[0..{size - 1}]")
        yield flow(needs, f"push:{target()}{part},pop:xxreg1[0..{size - 1}]")
        part, size = field.subfield(32)
        yield flow(needs, f"output:{target()}{part}")
        yield flow(needs, f"learn(table=3,{target()}{part}=xreg1[1..{size}],load:{target()}{part}->xreg2[0..{size - 1}],output:{target()}{part})")
    yield flow(needs, f"learn({field.names[0]}={plain[1]},{field.names[0]},fin_idle_timeout=3)")
    yield flow(needs, f"learn(priority=5,cookie=7,send_flow_rem,delete_learned,{target()}[])")
    yield flow(needs, f"ct(zone={target()}[0..15])")
    if field.access == "ro":  # what writes to it is refused here, and by each switch
        return
    for n in field.numbers():
        yield flow(needs, f"load:{n:#x}->{target()}[]")
    for _ in range(4):
        part, size = field.subfield()
        yield flow(needs, f"load:{R.getrandbits(size)}->{target()}{part}")
        part, size = field.subfield(128)
        yield flow(needs, f"move:xxreg2[{128 - size}..127]->{target()}{part}")
        yield flow(needs, f"push:{target()}{part},pop:{target()}{part}")
    if field.bits >= 16:  # ovs-actions(7) asks for that much, Debian's for less
        low = R.randrange(field.bits - 15)
        yield flow(needs, f"bundle_load(eth_src,5,hrw,ofport,{target()}[{low}..{low + 15}],members:1,2),multipath(symmetric_l3l4,7,iter_hash,3,9,{target()}[{low}..{low + 15}])")
    if field.bits <= 64:
        yield flow(needs, f"learn(load:{plain[4]}->{field.names[0]}[],limit=3,result_dst=reg1[0])")
    yield flow(needs, f"check_pkt_larger(99)->{target()}[0]")
    yield flow(needs, f"move:{target()}[]->{target()}[]")
    yield flow(needs, f"delete_field:{field.names[0]}")
    yield flow(needs, f"write_actions(set_field:{plain[1]}->{field.names[0]})")
    if field.bits <= 64:  # the length of more does not fit
        yield flow(needs, f"multipath(nw_dst,0,hrw,8,0,{target()}[]),note:00")


# Every action of ovs-actions(7), behind what it needs to be matched.
ACTIONS = {
    "": """drop|1|65279|65280|0xffffff00|normal|NORMAL|flood|all|in_port|local|controller|table|none|output:3|output:LOCAL|output:in_port|output(port=2,max_len=100)
        output(port=in_port,max_len=14)|output(port=2,max_len=13)|output:reg3[]|output:reg3[4..9]|output:NXM_NX_TUN_ID[0..15]|CONTROLLER:5|controller:65535
        controller(max_len=7)|controller(reason=no_match)|controller(reason=action_set,max_len=3)|controller(reason=group)|controller(reason=packet_out)|controller(reason=invalid_ttl)
        controller(id=5)|controller(id=5,reason=no_match,max_len=9,userdata=00.11.22)|controller(pause)|controller(pause,userdata=aabb)|controller(meter_id=3)|controller(meter_id=3,id=0)
        controller(reason=nosuch)|controller(x=1)|controller()|enqueue(1,2)|enqueue:1:2|enqueue:LOCAL:0x3|enqueue(in_port,5)|enqueue(normal,5)
        bundle(eth_src,0,active_backup,ofport,members:1,2,3)|bundle(symmetric_l4,65535,hrw,ofport,members:4)|bundle(nw_src,1,hrw,ofport,slaves:4,5)|bundle(eth_src,0,hrw,ofport,members:)
        bundle(nosuch,0,hrw,ofport,members:4)|bundle_load(symmetric_l3l4+udp,0,hrw,ofport,reg0[],members:1,2)|bundle_load(symmetric_l3,0,hrw,ofport,reg0[0..15],members:1)
        bundle_load(eth_src,0,hrw,ofport,reg0[0..14],members:1)|bundle(nw_dst,0,hrw,ofport,members:1,2,3,4,5,6,7,8,9)|group:0|group:5|group:4294967040|group:4294967041
        strip_vlan|pop_vlan|push_vlan:0x8100|push_vlan:0x88a8|push_vlan:0x9100|push_vlan:33024|push_mpls:0x8847|push_mpls:0x8848|push_mpls:0x800
        mod_vlan_vid:5|mod_vlan_vid:4095|mod_vlan_vid:4096|mod_vlan_pcp:7|mod_vlan_pcp:8|set_vlan_vid:5|set_vlan_pcp:3|mod_dl_src:00:11:22:33:44:55|mod_dl_dst:ff:ff:ff:ff:ff:ff
        encap(nsh)|encap(nsh(md_type=1))|encap(nsh(md_type=2))|encap(nsh(md_type=2,tlv(0x1000,10,0x12345678)))|encap(nsh(md_type=2,tlv(0x1000,10,0x12),tlv(0x2000,20,0xfedcba9876543210)))
        encap(nsh(md_type=3))|encap(ethernet)|encap(mpls)|encap(mpls_mc)|encap(nosuch)|decap|decap()|decap(packet_type(ns=0,type=0))|decap(packet_type(ns=1,type=0x800))|decap(packet_type(ns=9,type=1))
        set_tunnel:5|set_tunnel:0x1ffffffff|set_tunnel64:0x1ffffffff|set_tunnel64:5|set_queue:5|set_queue:4294967295|pop_queue|exit|note:00.11.22.33|note:|note:00.11.22.33.44.55.66.77|note:zz
        resubmit:5|resubmit:in_port|resubmit(,5)|resubmit(1,5)|resubmit(1)|resubmit(in_port,255)|resubmit(,5,ct)|resubmit(,256)|resubmit(,)|resubmit(1,2,ct)|ct_clear|clone(1)|clone()
        clone(clone(set_field:1->reg1,2),3)|push:reg1[]|pop:reg1[2..3]|push:NXM_OF_ETH_SRC[0..47]|sample(probability=12345,collector_set_id=2,obs_domain_id=3,obs_point_id=4)
        sample(probability=12345,collector_set_id=2,obs_domain_id=3,obs_point_id=4,sampling_port=5)|sample(probability=1,collector_set_id=2,obs_domain_id=3,obs_point_id=4,sampling_port=5,egress)
        sample(probability=65535,collector_set_id=2,ingress,sampling_port=1)|sample(probability=0,collector_set_id=2)|sample(probability=65536)|meter:1|meter:4294901760|meter:0
        learn(table=1)|learn()|learn(table=1,idle_timeout=5,hard_timeout=6,priority=7,cookie=0x8,fin_idle_timeout=9,fin_hard_timeout=10,send_flow_rem,delete_learned)
        learn(eth_type=0x800,nw_proto=6,NXM_OF_IP_DST[]=NXM_OF_IP_SRC[])|learn(limit=5)|learn(limit=5,result_dst=reg0[3])|learn(result_dst=reg0[3..4])|learn(NXM_OF_VLAN_TCI[0..11],output:NXM_OF_IN_PORT[])
        learn(NXM_OF_ETH_DST[]=NXM_OF_ETH_SRC[],load:NXM_NX_REG0[0..15]->NXM_NX_REG1[16..31],load:10->NXM_NX_REG0[5..10])|learn(table=255)|learn(tcp_dst=80)|learn(output:reg1[])
        multipath(eth_src,50,modulo_n,1,0,reg0[])|multipath(symmetric_l4,1,hash_threshold,16,2,reg0[0..3])|multipath(symmetric_l4,1,hrw,17,2,reg0[0..3])|multipath(symmetric_l4,1,iter_hash,0,2,reg0[])
        fin_timeout(idle_timeout=5)|conjunction(5,1/2)|conjunction(5,2/64)|conjunction(5,3/2)|conjunction(5,1/1)|conjunction(1,1/2),conjunction(2,2/3)|conjunction(1,1/2),output:3|note:11,conjunction(1,1/2)
        check_pkt_larger(1500)->reg0[0]|check_pkt_larger(70000)->reg0[0]|check_pkt_larger(0)->NXM_NX_XXREG0[127]|delete_field:tun_metadata5|delete_field:reg0
        write_metadata:5|write_metadata:0x5/0xf0f|write_metadata:0xffffffffffffffff|goto_table:9|goto_table:255|clear_actions|write_actions()|write_actions(1,2)|write_actions(push_vlan:0x8100,group:3)
        write_actions(output:1,set_queue:3,set_field:1->reg0,strip_vlan)|write_actions(resubmit(,1))|write_actions(learn(table=1))|write_actions(clone(1))|meter:1,1,clear_actions,write_actions(2),write_metadata:3,goto_table:200
        goto_table:9,1|write_metadata:1,2|1,meter:3|1,2,drop|nosuch|set_field:1|set_field:1->|set_field:->reg0|load:1->reg0[32]|load:2->reg0[0]|move:reg0[0..3]->reg1[0..4]|1,,2|1 2|set_mpls_label:1
        dec_ttl|mod_nw_src:1.2.3.4|mod_tp_dst:5|dec_nsh_ttl""",
    "ip": """mod_nw_src:1.2.3.4|mod_nw_dst:255.255.255.255|mod_nw_dst:1.2.3|mod_nw_tos:4|mod_nw_tos:252|mod_nw_tos:5|mod_nw_ecn:3|mod_nw_ecn:4|mod_nw_ttl:0|mod_nw_ttl:255|dec_ttl|dec_ttl(1)|dec_ttl(1,2,65535)
        dec_ttl()|mod_tp_src:1|push_mpls:0x8847,set_mpls_label:5,set_mpls_tc:7,set_mpls_ttl:255,dec_mpls_ttl,pop_mpls:0x800|ct()|ct(commit)|ct(commit,force)|ct(force)|ct(zone=65535)|ct(zone=reg1[0..15])
        ct(table=5)|ct(table=255)|ct(commit,table=254,zone=3)|ct(commit,exec(set_field:1->ct_mark))|ct(commit,exec(load:1->NXM_NX_CT_LABEL[5..9],set_field:0x5/0xf->ct_label))|ct(commit,exec(move:reg1[]->ct_mark))
        ct(exec(set_field:1->ct_mark))|ct(commit,exec(set_field:1->reg0))|ct(commit,exec(output:1))|ct(nat)|ct(nat,table=1)|ct(commit,nat)|ct(commit,nat(src))|ct(commit,nat(dst=1.2.3.4))
        ct(commit,nat(src=1.2.3.4-1.2.3.9))|ct(commit,nat(src=1.2.3.4:5))|ct(commit,nat(src=1.2.3.4:5-6,random))|ct(commit,nat(src=1.2.3.4-1.2.3.9:5-600,hash,persistent))|ct(commit,nat(dst=1.2.3.9-1.2.3.4))
        ct(commit,nat(src=1.2.3.4,hash,random))|ct(commit,nat(src,random))|ct(commit,nat(hash))|ct(commit,nat(src=[2001:db8::1]-[2001:db8::9]:5-6))|ct(commit,nat(src=2001:db8::1))|ct(commit,alg=ftp)|ct(commit,alg=tftp,table=1)
        ct(commit,alg=nosuch)|ct(alg=ftp)|ct(commit,timeout=5)|ct(commit,zone=1,zone=2)|ct(commit,nat(src=1.2.3.4:70000))|decap,encap(ethernet)|fin_timeout()""",
    "ipv6": "mod_nw_tos:8|mod_nw_ttl:9|dec_ttl|ct(commit,nat(src=[2001:db8::1]-[2001:db8::9]:5-6))|ct(commit,nat(dst=2001:db8::1))|ct(commit,nat(dst=[2001:db8::1]:99))|mod_nw_src:1.2.3.4|mod_nw_ecn:1",
    "tcp": "fin_timeout(idle_timeout=5)|fin_timeout(idle_timeout=5,hard_timeout=65535)|fin_timeout(x=1)|mod_tp_src:80|mod_tp_dst:65535|mod_tp_dst:65536|ct(commit,alg=ftp,nat)",
    "udp6": "mod_tp_src:80|mod_tp_dst:1|ct(commit,alg=tftp)", "sctp": "mod_tp_src:80|mod_tp_dst:1",
    "mpls": """pop_mpls:0x0800|pop_mpls:0x8847|pop_mpls:0x8848|pop_mpls:0x86dd|set_mpls_label:1048575|set_mpls_label:1048576|set_mpls_tc:7|set_mpls_tc:8|set_mpls_ttl:0|set_mpls_ttl:256|dec_mpls_ttl
        pop_mpls:0x800,dec_ttl|push_mpls:0x8848|decap""",
    "dl_vlan=5": "strip_vlan|push_vlan:0x8100|mod_vlan_vid:5|mod_vlan_pcp:3|set_vlan_vid:6|set_vlan_pcp:2|set_field:7->vlan_pcp|set_field:0x1007->vlan_vid",
    "dl_type=0x894f": "dec_nsh_ttl|decap|decap,decap",
}


def all_lines():
    for row in FIELDS.replace("\n", "|").split("|"):
        if row:
            yield from lines_of(Field(row))
    for match, row in ACTIONS.items():
        for action in re.split(r"[|\n]", row):
            if action.strip() or not action:
                yield flow(match, action.strip())


class Comparison:
    def __init__(self, r):
        self.r, self.bad, self.refused, self.sent = r, 0, 0, []

    def differs(self, what):
        self.bad += 1
        if self.bad <= SHOWN:
            print("--- " + what)

    def messages(self, program, version, lines):
        """By either's ovs-ofctl; None and why not if it refuses."""
        try:
            got = of.recorded(self.r, version, "--no-names", "add-flows", "SWITCH", "-", stdin="\n".join(lines) + "\n", program=program, whole=True)
            return [m[:4] + bytes(4) + m[8:] for m in got], ""
        except rig.Failure as refused:
            return None, str(refused).split("nothing sent: ")[-1].strip()

    def lines(self, version, lines):
        """Whether both take each line, and say the same by it."""
        (ours, our_error), (theirs, their_error) = (self.messages(program, version, lines) for program in (WEFT, DEBIAN))
        if ours is not None and ours == theirs:
            self.sent += [m for m in theirs if m[1] == of.FLOW_MOD or m[1] == 4]
        elif len(lines) > 1:
            half = len(lines) // 2
            self.lines(version, lines[:half])
            self.lines(version, lines[half:])
        elif ours is None and theirs is None:
            self.refused += 1
        else:
            say = lambda got, error: error if got is None else " ".join(m.hex() for m in got)
            self.differs(f"{version} {lines[0]}\n  weft   {say(ours, our_error)}\n  debian {say(theirs, their_error)}")

    def texts(self):
        """What both print of what was sent."""
        path = f"{self.r.dir}/messages"
        with open(path, "wb") as out:
            out.write(b"".join(self.sent))
        ours, theirs = (subprocess.run([program, "ofp-parse", path], capture_output=True, text=True, timeout=100, check=False).stdout.splitlines()
                        for program in (WEFT, DEBIAN))
        for line in list(difflib.unified_diff(ours, theirs, lineterm="", n=0))[2:]:
            if line[0] in "-+":
                self.differs(("printed by ours:     " if line[0] == "-" else "printed by Debian's: ") + line[1:])
        return theirs


def told(text):
    """A printed flow as a flow that may be added."""
    found = re.search(r"\((OF1\.[0-5])\).*: ADD (?:table:(\d+) )?(.*?) ?(?:cookie:(\S+) )?(?:idle:(\d+) )?(?:hard:(\d+) )?(?:importance:(\d+) )?((?:send_flow_rem |check_overlap |reset_counts |no_packet_counts |no_byte_counts )*)actions=(.*)$", text)
    if not found:
        return None
    version, table, match, cookie, idle, hard, importance, flags, actions = found.groups()
    terms = [f"table={table}" if table else "", match.strip(), f"cookie={cookie}" if cookie else "", f"idle_timeout={idle}" if idle else "",
             f"hard_timeout={hard}" if hard else "", f"importance={importance}" if importance else "", *flags.split()]
    return f"OpenFlow{version[2:].replace('.', '')}", ",".join(t for t in terms if t) + f" actions={actions}"


def main():
    print(f"WEFT_SEED={SEED}")
    everything = [line for line in all_lines() if re.search(os.environ.get("WEFT_ONLY", ""), line)]
    with tempfile.TemporaryDirectory(prefix="weft-fields-") as folder:
        r = type("Folder", (), {"dir": folder})
        comparison = Comparison(r)
        for version in VERSIONS:
            sayable = [line for line in everything if not any(re.match(v, version) and re.search(what, line) for v, what in APART)]
            lines = R.sample(sayable, min(CASES, len(sayable)))
            for i in range(0, len(lines), AT_ONCE):
                comparison.lines(version, lines[i:i + AT_ONCE])
        printed = comparison.texts()
        # What is printed is said again.
        again = Comparison(r)
        again.bad = comparison.bad
        for version in VERSIONS:
            lines = [line for line in map(told, printed) if line and line[0] == version]
            lines = [line for _, line in R.sample(lines, min(len(lines), CASES // 3))]
            for i in range(0, len(lines), AT_ONCE):
                again.lines(version, lines[i:i + AT_ONCE])
    print(f"{len(everything)} lines, {len(comparison.sent)} sent, {comparison.refused} refused by both; {len(again.sent)} sent again, "
          f"{again.refused} refused; {again.bad} differences")
    return 1 if again.bad or not again.sent else 0


if __name__ == "__main__":
    sys.exit(main())
