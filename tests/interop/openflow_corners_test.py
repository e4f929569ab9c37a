"""Corners of OpenFlow beside Debian's, each switch asked by each ovs-ofctl: names of tables, groups of OpenFlow 1.0, flows that were there before their monitor,
what traces say of learn and delete_field, values longer than the tunnel option that they are for."""
import contextlib
import re
import subprocess

import rig
import twins


class Corner:
    """A bridge of Weft's and one of Debian's, each with clients of both."""

    def __init__(self):
        self.stack = contextlib.ExitStack()
        self.pair = self.stack.enter_context(twins.Twins("corner"))
        self.pair.vsctl("add-br", "br0", "--", "set", "bridge", "br0", "fail-mode=secure", "--", "add-port", "br0", "p1", "--", "set", "interface", "p1", "type=dummy", "ofport_request=1",
                        "--", "add-port", "br0", "p9", "--", "set", "interface", "p9", "type=dummy", "ofport_request=9")
        self.weft_tools = rig.Rig(weft={"ovs-ofctl"}, name="tools")
        self.stack.callback(self.weft_tools.stop)

    def __enter__(self):
        return self

    def __exit__(self, *problem):
        return self.stack.__exit__(*problem)

    def run(self, switch, tool, *words, seconds=None):
        each = self.pair.rigs[switch]
        program = (self.weft_tools if tool == 0 else each).path("ovs-ofctl")
        words = [f"unix:{each.dir}/br0.mgmt" if word == "BR" else word for word in words]
        command = ["timeout", str(seconds), program] if seconds else [program]
        done = subprocess.run(command + words, text=True, capture_output=True, env=each.env, timeout=20)
        text = re.sub(r"xid=0x[0-9a-f]+", "xid", done.stdout + re.sub(r"^\d{4}-.*\n", "", done.stderr, flags=re.M))
        return f"{0 if seconds else done.returncode}\n{text}"

    def same(self, *words, normal=lambda text: text, seconds=None, tools=(0, 1)):
        """What all four say; what changes the switch is done by each client in turn."""
        said = {(switch, tool): normal(self.run(switch, tool, *words, seconds=seconds)) for tool in tools for switch in (0, 1)}
        expected = said[(1, tools[-1])]
        for (switch, tool), text in said.items():
            if text != expected:
                raise rig.Failure(f"{' '.join(words)}: {'Weft' if tool == 0 else 'Debian'}'s ovs-ofctl at {'Weft' if switch == 0 else 'Debian'}'s switch says\n{text}\nin place of\n{expected}")
        return expected


def tables():
    """mod-table gives tables names, by number and by name, and takes them away; those of the database stay"""
    with Corner() as c:
        def names(*_):
            return c.same("-OOpenFlow13", "dump-table-features", "BR", normal=lambda text: re.findall(r'table (\d+) \("(.*)"\)', text))
        for version in ("OpenFlow10", "OpenFlow12"):
            c.same(f"-O{version}", "mod-table", "BR", "1", "name:one")
        c.same("mod-table", "BR", "1", "name:one")
        for version in ("OpenFlow13", "OpenFlow14", "OpenFlow15"):
            c.same(f"-O{version}", "mod-table", "BR", "1", "name:one")
            assert names() == [("1", "one")]
            for tool in (0, 1):
                for switch in (0, 1):
                    assert c.run(switch, tool, f"-O{version}", "mod-table", "BR", "one", "name:two").startswith("0\n")
                assert names() == [("1", "two")]
                for switch in (0, 1):
                    c.run(switch, tool, f"-O{version}", "mod-table", "BR", "two", "name:one")
            c.same(f"-O{version}", "mod-table", "BR", "nine", "name:x")
            c.same(f"-O{version}", "--no-names", "mod-table", "BR", "one", "name:x")
            c.same(f"-O{version}", "mod-table", "BR", "2", "name:" + "x" * 40)
            assert names() == [("1", "one"), ("2", "x" * 31)]
            c.same(f"-O{version}", "mod-table", "BR", "2", "name:")
        c.same("-OOpenFlow15", "mod-table", "BR", "254", "name:x")
        c.same("-OOpenFlow15", "mod-table", "BR", "one", "evict")
        c.same("add-flow", "BR", "table=one,actions=drop")
        c.same("--names", "--no-stats", "dump-flows", "BR")
        c.pair.vsctl("--id=@t", "create", "flow_table", "name=kept", "--", "set", "bridge", "br0", "flow_tables:7=@t")
        assert "OFPTFFC_EPERM" in c.same("-OOpenFlow15", "mod-table", "BR", "7", "name:other", normal=lambda text: text.splitlines()[:2])[1]
        assert ("7", "kept") in names() and ("1", "one") in names()


def formats():
    """-F chooses how flows are written, and refuses those that cannot be written so"""
    with Corner() as c:
        for formats in ("OpenFlow10", "OpenFlow10-table_id", "OpenFlow10+table_id", "NXM", "NXM-table_id", "OXM", "OXM-OpenFlow13", "NXM,OXM", "any"):
            for version in (), ("-OOpenFlow10",), ("-OOpenFlow13",):
                for flow in ("in_port=1,actions=drop", "table=1,in_port=1,actions=drop", "reg0=1,actions=drop", "tcp_flags=+syn,tcp,actions=drop"):
                    c.same(*version, "-F", formats, "add-flow", "BR", flow)
            c.same("--no-stats", "dump-flows", "BR")
            c.same("-F", formats, "del-flows", "BR")
            c.same("del-flows", "BR")
        for tool in (0, 1):
            assert c.run(0, tool, "-F", "foo", "dump-flows", "BR").startswith("1\n")


def groups():
    """Groups by Nicira's messages of OpenFlow 1.0"""
    with Corner() as c:
        def counts(text):
            return sorted(re.sub(r"duration=[\d.]+s,", "", text).splitlines())

        def change(*words):
            for tool in (0, 1):
                for switch in (0, 1):
                    c.run(switch, tool, "-OOpenFlow15", "del-groups", "BR", "group_id=1")
                c.same("-OOpenFlow10", *words, tools=(tool,))
        change("add-group", "BR", "group_id=1,type=all,bucket=output:1")
        c.same("-OOpenFlow10", "add-group", "BR", "group_id=1,type=all,bucket=output:1", normal=lambda text: text.replace("OFPT_ERROR (xid)", "OFPT_ERROR"))
        for tool in (0, 1):
            for words in (["add-group", "BR", "group_id=2,type=select,selection_method=dp_hash,bucket=bucket_id:3,weight:5,actions=output:1"],
                          ["insert-buckets", "BR", "group_id=2,command_bucket_id=last,bucket=bucket_id=4,weight:7,actions=output:9"],
                          ["add-group", "BR", "group_id=3,type=ff,bucket=watch_port:1,actions=output:1,bucket=watch_group:2,actions=mod_nw_tos:4,output:9"],
                          ["mod-group", "BR", "group_id=1,type=indirect,bucket=output:9"], ["add-flow", "BR", "actions=group:1"]):
                c.same("-OOpenFlow10", *words, tools=(tool,))
            for words in (["dump-groups", "BR"], ["dump-groups", "BR", "2"], ["dump-group-stats", "BR"], ["dump-group-features", "BR"]):
                c.same("-OOpenFlow10", *words, normal=counts)
            c.same("-OOpenFlow10", "--no-stats", "dump-flows", "BR")
            c.same("-OOpenFlow15", "dump-groups", "BR", normal=counts)
            for words in (["remove-buckets", "BR", "group_id=2,command_bucket_id=3"], ["dump-groups", "BR"], ["del-groups", "BR", "group_id=3"], ["del-groups", "BR"], ["dump-groups", "BR"]):
                c.same("-OOpenFlow10", *words, normal=counts, tools=(tool,))
            c.same("-OOpenFlow10", "add-group", "BR", "group_id=1,type=all,bucket=output:1", tools=(tool,))


def monitors():
    """Flows that were there before their monitor are INITIAL from OpenFlow 1.4 on"""
    with Corner() as c:
        c.same("add-flow", "BR", "in_port=1,actions=drop")
        for version, event in (("OpenFlow10", "ADDED"), ("OpenFlow13", "ADDED"), ("OpenFlow14", "INITIAL"), ("OpenFlow15", "INITIAL")):
            text = c.same(f"-O{version}", "monitor", "BR", "watch:", seconds=0.7)
            assert f"event={event} table=0 cookie=0 in_port=1" in text, text


def inconsistent():
    """OpenFlow 1.0 takes actions on headers that the match does not promise, and packets without the header pass as they are; later versions refuse them"""
    with Corner() as c:
        for actions in ("mod_nw_src:9.9.9.9", "mod_nw_dst:9.9.9.9", "mod_nw_tos:32", "mod_tp_src:80", "mod_tp_dst:80", "dec_ttl", "pop_vlan", "set_vlan_vid:9", "set_vlan_pcp:3", "pop_mpls:0x800",
                        "set_mpls_label:7", "set_mpls_tc:3", "set_mpls_ttl:9", "dec_mpls_ttl", "fin_timeout(idle_timeout=3)", "clone(dec_ttl,9)", "push_mpls:0x8847,dec_ttl", "ct(commit)", "load:1->NXM_OF_IP_SRC[]", "mod_nw_src:1.2.3.4,set_field:3->tcp_src", "mod_nw_src:1.2.3.4,goto_table:3", "mod_nw_src:1.2.3.4,meter:1"):
            for version in ("OpenFlow10", "OpenFlow11", "OpenFlow13", "OpenFlow15"):
                c.same("del-flows", "BR")
                c.same(f"-O{version}", "add-flow", "BR", f"actions={actions},9")
                c.same("--no-stats", "dump-flows", "BR")
            c.same("del-flows", "BR")
            c.same("add-flow", "BR", f"actions={actions},9")
            if actions == "dec_mpls_ttl":
                continue  # of packets without labels Debian's takes the hop limit for exhausted, where ovs-actions(7) has a no-op
            for packet in (PACKET + "1", "in_port=1,arp,arp_spa=1.2.3.4", "in_port=1,udp6,ipv6_src=::5,nw_ttl=9", "in_port=1,mpls,mpls_label=5,mpls_ttl=9,mpls_bos=1", "in_port=1,dl_type=0x1234,vlan_tci=0x1005"):
                c.pair.same("ofproto/trace", "br0", packet, normal=lambda text: re.sub("Megaflow: .*", "", text))


PACKET = "in_port=1,tcp,nw_src=1.2.3.4,nw_dst=5.6.7.8,dl_vlan=7,dl_src=00:00:00:00:00:0"


def words():
    """ofproto/trace tells the flow that learn makes, that it does not, and which option a field is deleted from; values longer than an option begin like it"""
    with Corner() as c:
        for learn in ("learn(table=2,idle_timeout=5,NXM_OF_ETH_DST[]=NXM_OF_ETH_SRC[],load:NXM_OF_IN_PORT[]->NXM_NX_REG0[0..15],output:NXM_OF_IN_PORT[])",
                      "learn(table=3,hard_timeout=9,fin_idle_timeout=3,send_flow_rem,priority=7,cookie=0x5,eth_type=0x800,nw_proto=6,NXM_OF_IP_SRC[0..15]=NXM_OF_IP_DST[0..15],load:5->NXM_NX_REG1[])",
                      "learn(table=4,delete_learned,limit=2,result_dst=reg2[0],NXM_OF_VLAN_TCI[0..11],load:0x1->NXM_OF_VLAN_TCI[12])",
                      "learn(table=6,limit=1,NXM_OF_ETH_SRC[],load:0x1->NXM_OF_VLAN_TCI[12])"):
            c.same("del-flows", "BR")
            c.same("add-flow", "BR", f"tcp,actions={learn}")
            for more in ((PACKET + "1",), (PACKET + "1", "-generate"), (PACKET + "1", "-generate"), (PACKET + "3", "-generate")):
                text = c.pair.same("ofproto/trace", "br0", *more)
                assert ("-> table=" in text) == ("-generate" in more), text
        assert "Limit exceeded, learn failed" in text, text
        c.same("del-flows", "BR")
        c.same("add-tlv-map", "BR", "{class=0xffff,type=0,len=4}->tun_metadata0,{class=0xffff,type=1,len=8}->tun_metadata1", tools=(1,))
        for actions in ("delete_field:tun_metadata1,9", "set_field:0x12345678->tun_metadata0,9", "set_field:0x1234567890abcdef11->tun_metadata0,9", "set_field:0x112233445566778899aabbccddeeff->tun_metadata1,9",
                        "set_field:0x11223344556677/0xffffffffffffff->tun_metadata0,9", "set_field:0x1100330055/0xff00ff00ff->tun_metadata0,9", "set_field:0x11223344556677->tun_metadata0,move:tun_metadata0[0..31]->reg3[],9"):
            c.same("del-flows", "BR")
            c.same("-OOpenFlow15", "add-flow", "BR", f"actions={actions}")
            c.same("-OOpenFlow15", "--no-stats", "dump-flows", "BR")
            # Which fields decide is told in more detail by Weft's.
            text = c.pair.same("ofproto/trace", "br0", "in_port=1,tcp", normal=lambda text: re.sub("Megaflow: .*|Final flow: .*", "", text).replace("[0..31]", "[]"))
        for match in ("tun_metadata0=0x1122334455", "tun_metadata0=0x1122334455/0xffffffffff", "tun_metadata0=0x1100330055/0xff00ff00ff", "tun_metadata1=0x1"):
            c.same("del-flows", "BR")
            c.same("add-flow", "BR", f"{match},actions=drop")
            c.same("--no-stats", "dump-flows", "BR")


def abilities():
    """What tables, groups and meters can do, in all versions; what a version has no request for; sums of flows"""
    with Corner() as c:
        for version in range(10, 16):
            for command in ("show", "dump-tables", "dump-table-features", "dump-group-features", "meter-features", "dump-meters", "meter-stats", "dump-aggregate", "dump-tlv-map"):
                c.same(f"-OOpenFlow{version}", command, "BR", normal=lambda text: re.sub(r"dpid:\S+|addr:\S+", "", text))
            c.same(f"-OOpenFlow{version}", "insert-buckets", "BR", "group_id=9,command_bucket_id=last,bucket=bucket_id:7,output:9")
            c.same(f"-OOpenFlow{version}", "remove-buckets", "BR", "group_id=9,command_bucket_id=first")
            if version < 13:
                for words in (["add-meter", "BR", "meter=1,kbps,band=type=drop,rate=5"], ["del-meters", "BR"], ["mod-table", "BR", "0", "vacancy:10,90"]):
                    c.same(f"-OOpenFlow{version}", *words)
        c.same("-OOpenFlow13", "mod-table", "BR", "7", "name:seven")
        c.same("-OOpenFlow13", "dump-table-features", "BR")
        c.same("add-tlv-map", "BR", "{class=0xffff,type=0,len=4}->tun_metadata0,{class=0x102,type=0x80,len=12}->tun_metadata5", tools=(1,))
        c.same("dump-tlv-map", "BR")
        for version in (13, 15):
            c.same(f"-OOpenFlow{version}", "add-meter", "BR", "meter=1,kbps,band=type=drop,rate=5", tools=(1,))
            c.same(f"-OOpenFlow{version}", "dump-meters", "BR", "meter=1")
            c.same(f"-OOpenFlow{version}", "del-meters", "BR")


def packet_outs():
    """ovs-ofctl packet-out: one description, or a port, actions and packets; what is wrong with them"""
    frame = "0102030405060708090a0b0c0d0e"
    with Corner() as c:
        for version in ("OpenFlow10", "OpenFlow15"):
            for words in ([f"in_port=1,packet={frame},actions=9"], [f"packet={frame},actions=9"], [f"in_port=1,packet={frame}"], ["in_port=1,actions=9"], ["in_port=1,packet=,actions=9"],
                          ["in_port=1,packet=012,actions=2"], [f"in_port=1,packet=0x{frame},actions=9"], [f"in_port=1,packet={frame}0,actions=9"], ["in_port=1,packet=0102,actions=9"],
                          ["1", "9", frame], ["p1", "9", frame, frame], ["none", "9", frame + "0"], ["NONE", "resubmit(,1)", frame], ["controller", "foo", frame], ["1", "9", "zz"],
                          ["1", "9", "01 02 03 04 05 06 07 08 09 0a 0b 0c 0d 0e"], ["1", "9", "0102"]):
                c.same(f"-O{version}", "packet-out", "BR", *words)


def learnt():
    """Flows go with the last learn action that says so: deleted, modified, replaced, expired, in bundles; other ones stay. Retranslated megaflows go on learning"""
    learn = lambda more, inside="{}", table=2: inside.format(f"learn(table={table},{more},NXM_OF_ETH_DST[]=NXM_OF_ETH_SRC[],output:NXM_OF_IN_PORT[])")
    with Corner() as c:
        def packets(*ports):
            for port in ports:
                c.pair.same("netdev-dummy/receive", f"p{port}", f"in_port({port}),eth(src=02:00:00:00:00:0{port},dst=02:00:00:00:00:08),eth_type(0x1234)")
        def flows():
            return c.same("--no-stats", "dump-flows", "BR", tools=(1,), normal=lambda text: sorted(text.splitlines()))
        def learnt_one():
            return any(" table=2, " in line for line in flows())
        def do(*words, **options):
            return c.same(*words, tools=(1,), **options)
        flag = "delete_learned,cookie=0x5"
        cases = {
            "two learners": ([f"in_port=1,actions={learn(flag)}", f"in_port=9,actions={learn(flag)}"], [["del-flows", "BR", "in_port=1"], ["del-flows", "BR", "in_port=9"]]),
            "without the flag": ([f"in_port=1,actions={learn('cookie=0x5')}", f"in_port=9,actions={learn(flag)}"], [["del-flows", "BR", "in_port=1"], ["del-flows", "BR", "in_port=9"]]),
            "a clone alone": ([f"in_port=1,actions={learn(flag, 'clone({})')}"], [["mod-flows", "BR", "in_port=1,actions=drop"]]),
            "inside a clone": ([f"in_port=1,actions={learn(flag, 'clone({})')}", f"in_port=9,actions={learn(flag)}"], [["del-flows", "BR", "in_port=9"], ["del-flows", "BR", "in_port=1"]]),
            "another cookie, another table": ([f"in_port=1,actions={learn('delete_learned,cookie=6')},{learn(flag, table=3)}"], [["mod-flows", "BR", f"in_port=1,actions={learn(flag, table=3)}"], ["mod-flows", "BR", "in_port=1,actions=drop"]]),
            "replaced by the same": ([f"in_port=1,actions={learn(flag)}"], [["add-flow", "BR", f"in_port=1,actions={learn(flag)}"], ["add-flow", "BR", "in_port=1,actions=drop"]]),
            "a flow that learns nothing": (["table=2,cookie=5,in_port=3,actions=drop", f"in_port=1,actions={learn(flag)}"], [["del-flows", "BR", "in_port=1"]]),
            "no cookie": ([f"in_port=1,actions={learn('delete_learned')}"], [["del-flows", "BR", "table=0"]]),
            "a chain": ([f"in_port=1,actions={learn(flag)}", f"table=2,cookie=5,in_port=9,actions={learn('delete_learned,cookie=9', table=4)}", "table=4,cookie=9,actions=drop"], [["del-flows", "BR", "in_port=1,dl_type=0x1234"], ["--strict", "del-flows", "BR", "priority=32768,table=0,in_port=1"]]),
            "in a bundle": ([f"in_port=1,actions={learn(flag)}"], [["--bundle", "replace-flows", "BR", "/dev/null"]]),
        }
        for name, (first, then) in cases.items():
            do("del-flows", "BR")
            for flow in first:
                do("add-flow", "BR", flow)
            c.pair.same("revalidator/purge")
            packets(1, 9)
            before = flows()
            for words in then:
                do(*words)
                after = flows()
            assert before != after, f"{name}: {after}"
        # Translated again while it forwards, and learnt again by its next packets.
        do("del-flows", "BR")
        do("add-flow", "BR", f"in_port=1,actions={learn('hard_timeout=300')}")
        c.pair.same("revalidator/purge")
        packets(1)
        assert learnt_one()
        do("del-flows", "BR", "table=2")
        c.pair.same("revalidator/wait")
        packets(1, 1)
        c.pair.same("revalidator/wait")
        assert learnt_one()
        # What is learnt again is younger, for its hard timeout, but was not used.
        for timeout, stays in (("hard_timeout=10", True), ("idle_timeout=10", False)):
            do("del-flows", "BR")
            do("add-flow", "BR", f"in_port=1,actions={learn(timeout)}")
            c.pair.same("revalidator/purge")
            c.pair.same("time/stop")
            for _ in range(2):
                packets(1)
                c.pair.same("time/warp", "6000", "500")
                c.pair.same("revalidator/wait")
            assert learnt_one() == stays, timeout


def payloads():
    """ofproto/trace --generate makes packets of any payload: --l7 and --l7-len"""
    with Corner() as c:
        c.same("-OOpenFlow15", "add-flow", "BR", "actions=check_pkt_larger(100)->reg0[0],9")
        for flow in ("in_port=1,udp,nw_src=1.2.3.4", "in_port=1,tcp,nw_src=1.2.3.4", "in_port=1,udp6,ipv6_src=::5", "in_port=1,arp"):
            for more in (["--l7", "0102"], ["--l7", "01 02 03"], ["--l7", "ff" * 200], ["--l7-len", "0"], ["--l7-len", "500"], ["--l7", "01", "--l7-len", "7"], ["--l7-len", "7", "--l7", "01"],
                         ["--l7", "012"], ["--l7", "xx"], ["--l7"], ["--l7-len", "99999"], ["--l7", ""]):
                c.pair.same("ofproto/trace", "br0", flow, "--generate", *more)


def reading():
    """ovs-dpctl --read-only refuses what changes something"""
    with rig.Rig(weft={"ovs-dpctl"}, name="read") as weft:
        for words in (["del-flows"], ["flush-conntrack"]):
            said = [subprocess.run([program, "--read-only", *words], capture_output=True, text=True, env=weft.env) for program in (f"{rig.WEFT_BIN}/ovs-dpctl", "/usr/bin/ovs-dpctl")]
            assert (said[0].returncode, said[0].stderr) == (said[1].returncode, said[1].stderr), said


if __name__ == "__main__":
    rig.main(tables, formats, groups, monitors, inconsistent, words, abilities, packet_outs, learnt, payloads, reading)
