"""ovs-ofctl --color: the bytes that our ovs-ofctl and Debian's print of the same switch, for random flows over all fields
and actions and for those that random flows seldom have.  The seed is printed; WEFT_SEED=N repeats a run."""
import os
import pty
import random
import re
import subprocess

import rig
from random_pipeline import Pipeline

SEED = int(os.environ.get("WEFT_SEED", random.SystemRandom().randrange(1 << 32)))
FIELDS = """tun_flags=+oam;tun_gbp_id=5;tun_gbp_flags=8;tun_src=1.2.3.4;tun_dst=1.2.3.0/24;tun_ipv6_dst=fe80::1;tun_metadata0;tun_metadata0=5;pkt_mark=4
conj_id=6;xreg3=4;xxreg1=5;ct_state=0;ct_state=+trk-new,ct_zone=5,ip;ct_mark=5;ct_label=5/7;packet_type=(1,0x800);in_port=LOCAL;dl_vlan=0xffff
dl_vlan=5,dl_vlan_pcp=3;vlan_tci=0x1000/0x1000;dl_type=0x1234;mpls,mpls_label=5,mpls_tc=1,mpls_bos=1,mpls_ttl=4;mplsm;dl_type=0x894f,nsh_mdtype=1
tcp,tcp_flags=+syn-ack;tcp,tcp_flags=2;ip,nw_proto=47,nw_tos=4,nw_ecn=1,nw_ttl=3,nw_frag=later;ipv6,nw_proto=47,ipv6_label=5;arp,arp_op=1,arp_spa=1.2.3.4/24;rarp
tun_erspan_ver=1;tun_gtpu_flags=5;tun_gtpu_msgtype=4;cookie=0x5,importance=5,idle_timeout=4,hard_timeout=5;send_flow_rem,no_packet_counts,ip;udp6,tp_src=5
dl_src=00:11:22:33:44:55/ff:ff:ff:00:00:00;sctp6,tp_dst=4;icmp,icmp_type=5,icmp_code=1;icmp6,icmp_type=135,nd_target=fe80::1,nd_sll=00:11:22:33:44:55;priority=0;metadata=5"""
ACTIONS = """mod_nw_src:1.2.3.4,mod_tp_dst:5,mod_nw_tos:4,mod_nw_ecn:2,mod_nw_ttl:3;mod_vlan_vid:3,mod_vlan_pcp:2,strip_vlan;mod_dl_src:00:11:22:33:44:55;set_tunnel:5
set_tunnel64:0x100000000;enqueue:1:5;pop_queue;set_queue:5;controller;controller:100;controller(max_len=5,reason=no_match,id=5,userdata=01.02,pause,meter_id=4);all;flood;table
in_port;normal;local;exit;resubmit:1;resubmit(1,2);resubmit(,3);note:00;multipath(eth_src,50,modulo_n,1,0,NXM_NX_REG0[]);write_metadata:5;goto_table:4;load:0x5->NXM_NX_REG0[0..3]
set_field:5->reg0;move:NXM_NX_REG0[]->NXM_NX_REG1[];output:NXM_NX_REG0[];check_pkt_larger(5)->NXM_NX_REG0[0];delete_field:tun_metadata0;output(port=1,max_len=64);drop
push:NXM_NX_REG0[0..3],pop:NXM_NX_REG1[0..3];bundle(eth_src,0,hrw,ofport,slaves:1,2);bundle_load(eth_src,50,hrw,ofport,NXM_NX_REG0[],members:2,1)
ct(commit,force,zone=5,table=6,nat(src=1.1.1.1-2.2.2.2:5-7,random,persistent),exec(move:NXM_NX_REG0[]->NXM_NX_CT_MARK[],set_field:5->ct_mark));ct();ct(commit,alg=ftp);ct(commit,nat(dst=1.1.1.1,hash))
ct(nat);ct(commit,nat(src),exec(load:1->NXM_NX_CT_LABEL[0..31]));ct_clear;sample(probability=1,collector_set_id=1,sampling_port=LOCAL,egress);fin_timeout(idle_timeout=1,hard_timeout=2)
conjunction(1,1/2),conjunction(2,1/3);flood,output:2,IN_PORT;group:6;dec_ttl;dec_ttl(1,2);clone(output:3,ct(commit,exec(set_field:1->ct_mark)),clone(drop));clear_actions
meter:5,write_actions(output:1,set_field:5->reg0,group:6),goto_table:14;push_vlan:0x88a8;encap(nsh(md_type=2,tlv(0x1000,10,0x12345678))),encap(ethernet),output:1;learn(output:NXM_OF_IN_PORT[])
learn(table=1,idle_timeout=4,hard_timeout=5,fin_idle_timeout=6,fin_hard_timeout=7,priority=3,cookie=5,send_flow_rem,delete_learned,limit=4,result_dst=NXM_NX_REG0[0],NXM_OF_ETH_TYPE[]=0x800,NXM_OF_IP_SRC[]=NXM_OF_IP_DST[],NXM_OF_IP_DST[]=1.2.3.4,NXM_OF_VLAN_TCI[0..11],reg1[0..3]=4,load:NXM_OF_IN_PORT[]->NXM_NX_REG0[0..15],output:NXM_OF_IN_PORT[])"""
MPLS = "set_mpls_ttl(4);set_mpls_tc(3);set_mpls_label(5);dec_mpls_ttl;pop_mpls:0x800;push_mpls:0x8847"


def spread(text):
    return [item for line in text.split("\n") for item in line.split(";")]


class Tools(rig.Rig):
    def __init__(self):
        super().__init__(name="colors")
        self.start_databases("conf")
        self.start_vswitchd("--enable-dummy=override", "--disable-system")
        self.run("ovs-vsctl", "add-br", "br0", "--", "set", "bridge", "br0", "fail-mode=secure")
        self.bridge = f"unix:{self.dir}/br0.mgmt"
        self.programs = [os.path.join(rig.WEFT_BIN, "ovs-ofctl"), rig.DEBIAN_PATH.split(":")[1] + "/ovs-ofctl"]

    def both(self, *words, **environment):
        """What both print, their logs aside; statuses, too."""
        out = []
        for program in self.programs:
            done = subprocess.run([program, *words], env=dict(self.env, **environment), cwd=self.dir, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, check=False)
            out.append((done.returncode, re.sub(r"duration=(\S*?)[\d.]+s|idle_age=(\S*?)\d+|xid=0x\w+", r"\1\2", done.stdout)))
        return out

    def same(self, *words, **environment):
        ours, theirs = self.both(*words, **environment)
        if ours != theirs:
            lines = [(a, b) for a, b in zip(ours[1].split("\n"), theirs[1].split("\n")) if a != b]
            raise rig.Failure(f"{' '.join(words)} {environment}: {lines[:1] or (ours, theirs)}")
        return ours[1]

    def add(self, flow):
        for version in ("OpenFlow15", "OpenFlow10"):
            if not self.run("ovs-ofctl", "-O", version, "add-flow", self.bridge, flow, check=False).returncode:
                return version
        return None


def dumps():
    """Dumps of flows have the same bytes"""
    print(f"seed {SEED}")
    with Tools() as tools:
        tools.run("ovs-ofctl", "add-tlv-map", tools.bridge, "{class=0x102,type=0x80,len=4}->tun_metadata0")
        tools.run("ovs-ofctl", "-O", "OpenFlow15", "add-meter", tools.bridge, "meter=5,kbps,bands=type=drop,rate=5")
        tools.run("ovs-ofctl", "-O", "OpenFlow15", "add-group", tools.bridge, "group_id=6,type=all,bucket=output:1")
        made = [f"{match},actions=drop" for match in spread(FIELDS)] + [f"tcp,actions={actions}" for actions in spread(ACTIONS)]
        made += [f"mpls,actions={actions}" for actions in spread(MPLS)] + ["packet_type=(1,0x894f),actions=dec_nsh_ttl,decap(packet_type(ns=0,type=0)),output:1"]
        pipeline = Pipeline(SEED)
        walked = [flow for _ in range(25) for flow in pipeline.flows(9)]
        added = 0
        for number, flow in enumerate(made + walked):
            added += tools.add(f"table={number % 200}," + re.sub(r"table=\d+,", "", flow, count=1) if flow in walked else f"table={number % 200},{flow}") is not None
        if added < 200:
            raise rig.Failure(f"{added} flows are in the switch")
        for options in (["-O", "OpenFlow13"], ["-O", "OpenFlow15"], ["-O", "OpenFlow15", "--names", "--no-stats"], ["-O", "OpenFlow15", "--rsort=priority"]):
            text = tools.same(*options, "--color=always", "dump-flows", tools.bridge)
            if text.count("\33[") < 2000:
                raise rig.Failure(f"{options}: few colours: {text[:300]}")
        # Some can be said with OpenFlow 1.0 alone, and some not at all.
        for match, actions in [("tcp", actions) for actions in spread(ACTIONS)] + [("mpls", actions) for actions in spread(MPLS)]:
            tools.run("ovs-ofctl", "del-flows", tools.bridge)
            if not tools.run("ovs-ofctl", "add-flow", tools.bridge, f"{match},actions={actions}", check=False).returncode:
                tools.same("--color=always", "--no-stats", "dump-flows", tools.bridge)


def elsewhere():
    """What else prints matches and actions is coloured, as OVS_COLORS and --color say"""
    with Tools() as tools:
        tools.add("tcp,actions=output:1,exit")
        with open(f"{tools.dir}/flows", "w") as file:
            file.write("udp,cookie=4,priority=7,actions=2,ct(commit,zone=4)\n")
        tools.run("ovs-ofctl", "-O", "OpenFlow13", "add-group", tools.bridge, "group_id=1,type=select,bucket=weight=5,actions=output:1,set_field:1.2.3.4->ip_src,bucket=drop")
        for words in (["diff-flows", tools.bridge, "flows"], ["parse-flow", "tcp,priority=5,actions=1"], ["parse-flows", "flows"],
                      ["-O", "OpenFlow15", "parse-flows", "flows"], ["-O", "OpenFlow13", "dump-groups", tools.bridge],
                      ["-O", "OpenFlow15", "parse-group", "group_id=1,type=all,bucket=output:1,resubmit(,2)"]):
            # Which formats Debian's could have chosen, its test commands say beside it.
            ours, theirs = ([line for line in text.split("\n") if "\33" in line] for _, text in tools.both("--color=always", *words))
            if ours != theirs or not ours:
                raise rig.Failure(f"{words}: {ours} {theirs}")
        for colours in ("", "ac=01;32:dr=", "xx=3", "ac=1;2;3:dr=34:le=4", "vl=", "ac=:sp=44", "sp=1:foo", "sp=1:=3:vl=7", "sp=1:sp=2"):
            tools.same("--color=always", "--no-stats", "dump-flows", tools.bridge, OVS_COLORS=colours)
        coloured = {when: "\33" in tools.same(f"--color={when}", "--no-stats", "dump-flows", tools.bridge)
                    for when in ("always", "yes", "force", "AlwayS", "never", "no", "none", "auto", "tty", "if-tty", "bad")}
        assert [when for when, on in coloured.items() if on] == ["always", "yes", "force", "AlwayS"], coloured
        assert "\33" not in tools.same("--color", "--no-stats", "dump-flows", tools.bridge) + tools.same("dump-flows", tools.bridge)
        for terminal in ("xterm", "dumb", ""):
            seen = [on_a_terminal([program, "--color", "--no-stats", "--no-names", "dump-flows", tools.bridge], dict(tools.env, TERM=terminal)) for program in tools.programs]
            assert seen[0] == seen[1] and (b"\33" in seen[0]) == (terminal != "dumb"), (terminal, seen)


def on_a_terminal(command, environment):
    ours, theirs = pty.openpty()
    done = subprocess.run(command, env=environment, stdout=theirs, stderr=subprocess.DEVNULL, check=False)
    os.close(theirs)
    text = os.read(ours, 65536)
    os.close(ours)
    assert not done.returncode
    return text


if __name__ == "__main__":
    rig.main(dumps, elsewhere)
