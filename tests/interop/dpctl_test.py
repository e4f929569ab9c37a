"""Megaflows put by hand: dpctl/add-flow, mod-flow, get-flow, del-flow, files of flows and what the revalidator makes
of them, filters of dumps, datapaths made by hand; beside Debian's, whose words are the same but for details of errors."""
import re
import struct

import packets as p
import rig
import twins

ARP = "in_port({0}),eth(),eth_type(0x0806),arp()"
IP = "recirc_id(0),in_port(1),packet_type(ns=0,id=0),eth(),eth_type(0x0800),ipv4(frag=no)"
UFID = "ufid:11111111-2222-3333-4444-{:012}"


def normal(text):
    """Dumps have no order; a datapath's name and what an error says beside the reason may differ."""
    text = text.replace("dummy@ovs-dummy", "system@ovs-system")
    text = re.sub(r", dp-extra-info:\S+", "", re.sub(r"ufid:(?!1111)[0-9a-f-]{36}", "ufid:U", text))
    text = re.sub(r"(parsing actions|parsing flow key|updating flow table).*\(Invalid argument\)", r"\1 (Invalid argument)", text)
    return sorted(text.split("\n"))


class Pair(twins.Twins):
    def __init__(self):
        super().__init__("dpctl")
        ports = [["--", "add-port", "br0", f"p{i}", "--", "set", "interface", f"p{i}", "type=dummy", f"ofport_request={i}",
                  f"options:tx_pcap={{dir}}/p{i}.pcap"] for i in (1, 2, 3)]
        self.vsctl("add-br", "br0", "--", "set", "bridge", "br0", "fail-mode=secure", *sum(ports, []))

    def alike(self, *words):
        return self.same(*words, normal=normal)

    def once(self, *words):
        """For what has effects."""
        ours, theirs = self.appctl(*words)
        assert normal(ours) == normal(theirs), f"{' '.join(words)}: Debian's {theirs!r}, Weft's {ours!r}"

    def receive(self, port, frame):
        self.appctl("netdev-dummy/receive", f"p{port}", frame.hex())

    def ofctl(self, *words):
        return [each.run("ovs-ofctl", words[0], f"unix:{each.dir}/br0.mgmt", *words[1:]) for each in self.rigs]


def udp(port):
    return p.frame("10.0.0.1", "10.0.0.2", 17, struct.pack(">HHHH", 1, port, 8, 0))


def by_hand():
    """Flows are added, modified, printed and deleted, one by one and from files, as by Debian's"""
    with Pair() as pair:
        pair.appctl("revalidator/pause")
        narrow = IP[:-1] + ",src=10.0.0.1)"
        for words in (
                ["add-flow", ARP.format(1), "2"], ["dump-flows"], ["dump-flows", "-m"], ["add-flow", ARP.format(1), "2"],
                ["add-flow", UFID.format(5) + "," + ARP.format(1), "3"], ["add-flow", UFID.format(6) + "," + IP, "3"], ["dump-flows", "-m"],
                ["get-flow", UFID.format(6)], ["get-flow", UFID.format(9)], ["get-flow", "nosuch", UFID.format(6)],
                ["mod-flow", ARP.format(1), "3"], ["mod-flow", "-s", ARP.format(1), "3,2"], ["mod-flow", ARP.format(2), "3"],
                ["mod-flow", "--may-create", ARP.format(2), "3"], ["mod-flow", "--may-create", ARP.format(2), "drop"], ["dump-flows"],
                ["add-flow", narrow, "2"], ["mod-flow", narrow, "2"], ["dump-flows", "--names"],
                ["del-flow", ARP.format(3)], ["del-flow", "-s", UFID.format(6)], ["del-flow", UFID.format(6)], ["dump-flows"],
                ["add-flow", narrow, "2"], ["add-flow", IP, "3"], ["mod-flow", IP, "1"], ["dump-flows"], ["del-flows"], ["dump-flows"],
                ["add-flow", "in_port(1),eth_type(0x800)", "2"], ["add-flow", "in_port(1)", "drop"], ["add-flow", "in_port(1),eth_type(0x800),foo(1)", "2"],
                ["add-flow", "in_port(p9),eth(),eth_type(0x0806),arp()", "2"], ["add-flow", ARP.format("p1"), "2"], ["add-flow", ARP.format(77), "2"],
                ["add-flow", "foo", ARP.format(1), "2"], ["add-flow", ARP.format(2), "x"], ["add-flow", "only"], ["dump-flows"],
                ["add-flow", IP, "userspace(pid=0,slow_path(action)),set(ipv4(ttl=6)),push_vlan(vid=3,pcp=1),2,pop_vlan,3"],
                ["add-flow", "recirc_id(0),in_port(2),eth(),eth_type(0x8100),vlan(vid=5,pcp=0),encap(eth_type(0x0800),ipv4(dst=1.1.1.1))", "ct(zone=7),recirc(9)"],
                ["dump-flows"], ["dump-flows", "-m"],
                ["add-flow", "recirc_id(0),in_port(3),eth(),eth_type(0x8100),vlan(vid=6,pcp=0/0),encap(eth_type(0x1234))", "2"],
                ["add-flow", "recirc_id(0),in_port(3),eth(),eth_type(0x8100),vlan(vid=7,pcp=3/0),encap(eth_type(0x1234))", "2"], ["dump-flows"],
                ["cache-get-size"], ["cache-set-size", "system@ovs-system", "x", "3"], ["parse-actions", "1,2,push_vlan(vid=3,pcp=0)"]):
            if words[0] in ("dump-flows", "get-flow"):
                pair.alike("dpctl/" + words[0], *words[1:])
            else:
                pair.once("dpctl/" + words[0], *words[1:])
        name = f"{pair.weft.dir}/flows"
        lines = (f"# nothing\n\nadd {ARP.format(1)} 2\n{ARP.format(2)} 1\nmodify {ARP.format(1)} 3 # three\n  delete {ARP.format(2)}\n"
                 f" add {ARP.format(3)} , 3,2\nadd {ARP.format(3)} x\nadd bogus(1) 2\n{UFID.format(7)},{IP} 2")
        with open(name, "w") as file:
            file.write(lines)
        for command in ("add-flows", "mod-flows", "del-flows"):
            pair.appctl("dpctl/del-flows")
            ours, theirs = pair.appctl("dpctl/" + command, name)
            ours = re.sub(r"parsing flow key \(.*\)( \(Invalid)", r"parsing flow key\1", re.sub(r"parsing actions \(.*\)( \(Invalid)", r"parsing actions\1", ours))
            theirs = re.sub(r"parsing flow key \(.*\)( \(Invalid)", r"parsing flow key\1", theirs)
            assert ours.split("\n") == theirs.split("\n"), (command, ours, theirs)
            pair.alike("dpctl/dump-flows")


def features():
    """What a datapath can do has Debian's names, and what cannot be chosen says so"""
    with Pair() as pair:
        names = lambda text: sorted(re.sub(r"\[run time\]:\S+ \[boot time\]:\S+|: \w+$", "", line) for line in text.split("\n"))
        for words in (["dpif/set-dp-features", "br0"], ["dpif/show-dp-features", "br0"]):
            pair.same(*words, normal=names)
        for words in (["dpif/set-dp-features", "br0", "ct_state"], ["dpif/set-dp-features", "br0", "ct_state", "true"], ["dpif/set-dp-features", "br0", "x"], ["dpif/set-dp-features", "x"],
                      ["dpif/set-dp-features", "br0", "ct_state", "maybe"], ["upcall/enable-ufid"], ["odp-execute/action-impl-set", "scalar"], ["odp-execute/action-impl-set", "x"]):
            pair.same(*words, normal=lambda text: text)
        for words, why in ((["dpif/set-dp-features", "br0", "ct_state", "false"], "cannot be changed"), (["upcall/disable-ufid"], "by its UFID"),
                           (["dpif-dummy/change-port-number", "br0", "p1", "9"], "keeps its datapath number")):
            answer = pair.controls[0](*words)
            assert why in (answer["error"] or ""), answer
        assert pair.controls[0]("odp-execute/action-impl-show")["result"].count("active: Yes") == 1


def implementations():
    """Which implementations packets go through, and what a choice of another answers, is told in Debian's words; where it has some that are not here, they are not available"""
    others = lambda text: "".join(line for line in text.splitlines(True) if "autovalidator" not in line and "study" not in line)
    name = "dpif-netdev/"
    with Pair() as pair:
        for words in (["dpif-impl-get"], ["miniflow-parser-get"], ["subtable-lookup-prio-get"], ["subtable-lookup-info-get"], ["subtable-lookup-prio-set", "generic", "7"],
                      ["subtable-lookup-prio-get"], ["subtable-lookup-prio-set", "generic", "256"], ["subtable-lookup-prio-set", "generic", "-1"],
                      ["subtable-lookup-prio-set", "foo", "7"], ["subtable-lookup-prio-set", "foo"], ["subtable-lookup-prio-set", "generic", "0"], ["subtable-lookup-prio-get"],
                      ["dpif-impl-set", "dpif_scalar"], ["dpif-impl-set", "dpif_avx512"], ["dpif-impl-set"], ["dpif-impl-set", "a", "b"], ["dpif-impl-get", "x"],
                      ["miniflow-parser-set", "scalar"], ["miniflow-parser-set", "foo"], ["miniflow-parser-set", ""], ["miniflow-parser-set", "scalar", "10"], ["miniflow-parser-set"],
                      ["miniflow-parser-set", "-pmd"], ["miniflow-parser-set", "-pmd", "x", "scalar"], ["miniflow-parser-set", "-pmd", "-1", "scalar"], ["miniflow-parser-set", "-pmd", "0"],
                      ["miniflow-parser-set", "-pmd", "0", "scalar"], ["miniflow-parser-set", "-pmd", "1", "-pmd", "9", "scalar"], ["miniflow-parser-set", "scalar", "-pmd", "0"],
                      ["pmd-perf-log-set"], ["pmd-perf-log-set", "off"], ["pmd-perf-log-set", "-b", "3", "-a", "4", "-us", "5", "-q", "6", "-e", "-ne"], ["pmd-perf-log-set", "on", "off"],
                      ["pmd-perf-log-set", "-b"], ["pmd-perf-log-set", "-b", "x"], ["pmd-perf-log-set", "-b", "-3"], ["pmd-perf-log-set", "foo"], ["pmd-perf-log-set", *["off"] * 11],
                      ["bond-show"], ["bond-show", "nosuch"]):
            pair.same(name + words[0], *words[1:], normal=others)
        for words, why in ((["miniflow-parser-set", "study"], "unknown miniflow extract implementation study"), (["subtable-lookup-prio-set", "autovalidator", "3"], "not found"),
                           (["pmd-perf-log-set", "on"], "not recorded")):
            answer = pair.controls[0](name + words[0], *words[1:])
            assert why in (answer["error"] or ""), answer
    with twins.Twins("implementations") as pair:  # without any datapath
        for words in (["dpif-impl-get"], ["miniflow-parser-get"], ["bond-show"]):
            pair.same(name + words[0], *words[1:], normal=others)


def without_daemon():
    """ovs-dpctl tells its commands without a daemon, and ovs-appctl takes --execute, as Debian's does"""
    with rig.Rig(weft={"ovs-dpctl", "ovs-appctl"}, name="alone") as alone:
        page = alone.run("ovs-dpctl", "--help")
        assert "dump-flows" in page and alone.run("ovs-dpctl", "help") == page
        alone.start_databases("conf")
        for words in (["-e", "version"], ["--execute", "version"]):
            assert alone.run("ovs-appctl", "-t", f"{alone.dir}/conf.ctl", *words) == alone.run("ovs-appctl", "-t", f"{alone.dir}/conf.ctl", "version"), words


def revalidated():
    """What the revalidator finds beside its own flows it keeps, sets right or deletes, and counts, as Debian's does"""
    with Pair() as pair:
        for match, actions, rule, send in (
                (IP, "2", "in_port=1,ip,actions=2", True), (IP, "3", "in_port=1,ip,actions=2", True),
                (IP, "2", "in_port=1,ip,nw_src=10.0.0.1,actions=2", True), (IP[:-1] + ",src=10.0.0.1)", "2", "in_port=1,ip,actions=2", True),
                (IP, "2", "in_port=1,ip,actions=2", False), (IP.replace("frag=no", ""), "2", "in_port=1,ip,actions=2", True),
                (IP, "recirc(77)", "in_port=1,ip,actions=2", True), (IP.replace("recirc_id(0)", "recirc_id(9)"), "2", "in_port=1,ip,actions=2", False),
                (IP.replace("in_port(1)", "in_port(99)"), "2", "in_port=1,ip,actions=2", False), (ARP.format(1), "2", "in_port=1,actions=2", False)):
            pair.ofctl("del-flows")
            pair.ofctl("add-flow", rule)
            for words in (["dpctl/del-flows"], ["revalidator/wait"], ["revalidator/pause"], ["dpctl/add-flow", match, actions]):
                pair.appctl(*words)
            for port in (7, 8) if send else ():
                pair.receive(1, udp(port))
            what = f"{match} {actions} beside {rule}"
            pair.same("dpctl/dump-flows", normal=normal, until=lambda text: not send or any("packets:2" in line for line in text))
            pair.appctl("revalidator/resume")
            pair.appctl("revalidator/wait")
            pair.alike("dpctl/dump-flows")
            pair.agree(lambda i: re.search(r"n_packets=\d+, n_bytes=\d+", pair.rigs[i].run("ovs-ofctl", "dump-flows", f"unix:{pair.rigs[i].dir}/br0.mgmt")).group(),
                       f"the rule's counters: {what}")
            # What was kept goes when nobody uses it.
            pair.warp(15000, 1000)
            pair.same("dpctl/dump-flows", until=lambda text: not text)
        # One of its own that was modified does what it was told, until it is looked at anew (when, is ours to choose).
        pair.ofctl("del-flows")
        pair.ofctl("add-flow", "in_port=1,ip,actions=2")
        pair.receive(1, udp(7))
        pair.same("dpctl/dump-flows", normal=normal, until=lambda text: "actions:2" in text[-1])
        pair.appctl("dpctl/mod-flow", IP, "3")
        pair.warp(2000, 500)
        pair.receive(1, udp(7))
        pair.agree(lambda i: len(pair.captured("p3.pcap")[i]), "what left by p3", until=lambda count: count > 0)
        weft = pair.controls[0]
        pair.ofctl("add-flow", "in_port=2,ip,actions=3")
        rig.wait_for(lambda: "actions:2" in weft("dpctl/dump-flows")["result"], "our flow to be set right")


def filters():
    """Dumps are filtered by matches and by who forwards, as Debian's are"""
    flows = (
        "in_port(1),eth(),eth_type(0x0806),arp(op=1)", "in_port(1),eth(src=02:00:00:00:00:01),eth_type(0x0800),ipv4(proto=6),tcp(src=80/0xff00,dst=8080)",
        "in_port(2),eth(),eth_type(0x0800),ipv4(src=10.0.0.0/255.255.255.0,proto=17),udp(dst=53)", "in_port(2),eth(),eth_type(0x86dd),ipv6(src=fe80::1)",
        "in_port(3),eth(),eth_type(0x8100),vlan(vid=5,pcp=0),encap(eth_type(0x0800),ipv4(dst=1.1.1.1))", "ct_state(+trk+new),in_port(3),eth(),eth_type(0x0800),ipv4()",
        "recirc_id(0x5),in_port(3),eth(),eth_type(0x0800),ipv4()")
    with Pair() as pair:
        pair.appctl("revalidator/pause")
        for flow in flows:
            pair.once("dpctl/add-flow", flow, "drop")
        seen = set()
        for text in ("", "tcp", "tcp,tp_src=100", "tcp,tp_src=0x5001", "udp", "udp,udp_dst=53", "ip", "arp", "arp,arp_op=2", "in_port=1", "in_port=p1",
                     "ip,nw_src=10.0.0.7", "ip,nw_src=10.0.1.7", "dl_vlan=5", "dl_vlan=6", "vlan_tci=0x1005", "dl_src=02:00:00:00:00:01", "dl_src=02:00:00:00:00:02",
                     "recirc_id=5", "recirc_id=0", "icmp6", "ipv6", "ipv6,ipv6_src=fe80::2", "in_port=9", "ip,tun_id=5", "reg0=1"):
            seen.add(tuple(pair.alike("dpctl/dump-flows", f"filter={text}")))
        assert len(seen) > 12, len(seen)
        for words in (["type=ovs"], ["type=tc"], ["type=offloaded"], ["type=all"], ["type=non-offloaded"], ["type=partially-offloaded"], ["type=dpdk"],
                      ["type=foo"], ["type=ovs,tc"], ["type="], ["pmd=-1"], ["pmd=0"], ["filter=arp", "type=tc"], ["-m", "filter=arp"], ["foo=1"]):
            pair.alike("dpctl/dump-flows", *words)
        for text in ("foo", "nw_src=10.0.0.7", "tp_src=5", "ip,actions=drop"):
            ours, theirs = pair.appctl("dpctl/dump-flows", f"filter={text}")
            assert ours == theirs and "Failed to parse filter" in ours, (ours, theirs)


def hooks():
    """Without masks a megaflow is one packet's; normalize-actions says what happens with which tags"""
    frames = [udp(7), udp(8), bytes.fromhex("ffffffffffff02000000000108060001080006040001020000000001010203040000000000001020304050607080"),
              bytes.fromhex("02000000000202000000000186dd6000000000083aff20010db800000000000000000000000120010db80000000000000000000000028000000000010001"),
              bytes.fromhex("0200000000020200000000010801") + bytes(50), udp(9)[:12] + bytes.fromhex("81000005") + udp(9)[12:],
              bytes.fromhex("020000000002020000000001884700014140") + udp(1)[14:]]
    with Pair() as pair:
        pair.ofctl("add-flow", "actions=2")
        pair.alike("upcall/disable-megaflows")
        for frame in frames:
            pair.receive(1, frame)
        for options in ([], ["-m"]):
            pair.same("dpctl/dump-flows", *options, normal=normal, until=lambda text: len(text) == len(frames) + 2)
        pair.appctl("revalidator/wait")
        pair.alike("dpctl/dump-flows")
        pair.alike("upcall/enable-megaflows")
        pair.receive(1, udp(5))
        pair.same("dpctl/dump-flows", normal=normal, until=lambda text: len(text) == 3)
        flow = "in_port(1),eth(src=02:00:00:00:00:01,dst=02:00:00:00:00:02),eth_type(0x0800),ipv4(src=1.1.1.1,dst=2.2.2.2,proto=6,tos=0,ttl=5,frag=no),tcp(src=1,dst=2)"
        for actions in ("1,2", "2,2,1", "3,set(ipv4(ttl=6)),2,1,set(ipv4(ttl=7)),3", "push_vlan(vid=3,pcp=0),2,pop_vlan,3", "clone(set(ipv4(ttl=6)),2),3", "ct(commit),recirc(5)",
                        "set(tcp(src=5)),2", "pop_vlan,1", "sample(sample=50.0%,actions(2)),1", "push_vlan(vid=3,pcp=5),1,push_vlan(vid=4,pcp=0),2"):
            # A line for each tag, which Debian's does not end, in an order of its own.
            pair.same("dpctl/normalize-actions", flow, actions, normal=lambda text: sorted(re.split(r"(?<=[\d)])(?=vlan|no vlan)", text.replace("\n", ""))))


class Alone(rig.Rig):
    def __init__(self):
        super().__init__(weft={"ovs-vswitchd", "ovs-dpctl", "ovs-appctl"}, name="dpctl")
        self.start_databases("conf")
        self.start_vswitchd("--enable-dummy=override", "--disable-system")
        self.run("ovs-vsctl", "add-br", "br0", "--", "set", "bridge", "br0", "fail-mode=secure", "--", "add-port", "br0", "p1", "--", "set", "interface", "p1", "type=dummy",
                 "ofport_request=1", "--", "add-port", "br0", "p2", "--", "set", "interface", "p2", "type=dummy", "ofport_request=2")

    def dpctl(self, *words, **options):
        return self.run("ovs-dpctl", f"--target={self.dir}/vswitchd.ctl", *words, **options)


def dpctl():
    """ovs-dpctl takes the manual's options, reads its own files and standard input, and says what went wrong"""
    with Alone() as alone:
        alone.appctl("ovs-vswitchd", "revalidator/pause")
        alone.dpctl("--may-create", "mod-flow", UFID.format(1) + "," + ARP.format(1), "drop")
        alone.appctl("ovs-vswitchd", "netdev-dummy/receive", "p1", ARP.format(1))
        assert alone.dpctl("-s", "--clear", "mod-flow", ARP.format(1), "2").startswith("packets:1, "), "statistics from before"
        flow = alone.dpctl("get-flow", "ufid:11111111222233334444" + "0" * 11 + "1")
        assert flow == "recirc_id(0),in_port(1),eth(),eth_type(0x0806), packets:0, bytes:0, used:never, actions:2\n", flow
        assert alone.dpctl("--names", "get-flow", UFID.format(1)).endswith("actions:p2\n")
        # What a dump says can be put again.
        dumped = [line for line in alone.dpctl("-m", "--no-names", "dump-flows").splitlines() if line.startswith("ufid:")]
        lines = "\n".join(re.sub(r", packets:.*actions:", " ", line).replace(", skb", ",skb") for line in dumped)
        alone.dpctl("del-flows")
        alone.dpctl("add-flows", "-", stdin=lines)
        assert [re.sub("used.*actions", "", line) for line in alone.dpctl("-m", "--no-names", "dump-flows").splitlines()[1:]] == [re.sub("used.*actions", "", line) for line in dumped]
        bad = alone.dpctl("mod-flows", "-", stdin=f"{ARP.format(2)} 1\nfoo\nadd {ARP.format(2)} 1\n", check=False)
        assert bad.returncode == 1 and bad.stderr == ("ovs-dpctl: updating flow table (No such file or directory)\novs-dpctl: Failed parsing line number 2, skipped!\n"), bad.stderr
        with open(f"{alone.dir}/flows", "w") as file:
            file.write(ARP.format(2) + "\n")
        assert alone.dpctl("-s", "del-flows", f"{alone.dir}/flows") == "packets:0, bytes:0, used:never\n"
        assert "in_port(2)" not in alone.dpctl("dump-flows") and "in_port(1)" in alone.dpctl("dump-flows")
        for words, message in ((["--read-only", "add-flow", ARP.format(2), "1"], "read only"), (["add-flows", "/nonexistent"], 'Opening file "/nonexistent" failed'),
                               (["get-flow", "ufid:12"], "32 hexadecimal"), (["add-flow", "eth(),eth_type(0x0806)", "1"], "lacks in_port"),
                               (["--clear", "add-flow", ARP.format(2), "1"], "Unrecognized option --clear"), (["add-flow", ARP.format(2), "2,nosuch"], '"nosuch"')):
            refused = alone.dpctl(*words, check=False)
            assert refused.returncode == 1 and message in refused.stderr, (words, refused.stderr)


def datapaths():
    """A datapath made by hand has ports and flows, and forwards by them; those of bridges are left alone"""
    with Alone() as alone:
        appctl = lambda *words: alone.appctl("ovs-vswitchd", *words)
        alone.dpctl("add-dp", "one", "x1,type=dummy", f"x2,type=dummy,port_no=7,tx_pcap={alone.dir}/x2.pcap")
        assert alone.dpctl("dump-dps") == "dummy@ovs-dummy\nsystem@one\n"
        assert "  port 0: one (dummy-internal)\n  port 1: x1 (dummy)\n  port 7: x2 (dummy)\n" in alone.dpctl("show", "system@one")
        alone.dpctl("add-flow", "one", ARP.format(1), "7")
        appctl("netdev-dummy/receive", "x1", ARP.format(1))
        appctl("netdev-dummy/receive", "x1", udp(5).hex())
        appctl("revalidator/wait")
        assert "packets:1," in alone.dpctl("dump-flows", "one"), "nobody revalidates it"
        assert len(twins.packets(f"{alone.dir}/x2.pcap")) == 1
        for words, message in ((["add-dp", "one"], "add_dp (File exists)"), (["add-if", "one", "x3,type=bogus"], 'no type "bogus"'), (["add-if", "one", "p1,type=dummy"], "File exists"),
                               (["add-if", "ovs-dummy", "x3,type=dummy"], "ovs-vsctl"), (["del-dp", "ovs-dummy"], "ovs-vsctl"), (["del-if", "one", "nope"], "no port named nope"),
                               (["del-if", "one", "0"], "Invalid argument"), (["set-if", "one", "x1,type=system"], "can't change type from dummy to system"),
                               (["set-if", "one", "x1,port_no=3"], "can't change port number from 1 to 3"), (["del-dp", "two"], "No such device"),
                               (["dump-flows"], "multiple datapaths, specify one")):
            refused = alone.dpctl(*words, check=False)
            assert refused.returncode == 1 and message in refused.stderr, (words, refused.stderr)
        alone.dpctl("set-if", "one", "x1,type=dummy,port_no=1")
        alone.dpctl("del-if", "one", "x2")
        assert "x2" not in alone.dpctl("show", "one")
        alone.dpctl("del-dp", "one")
        assert alone.dpctl("dump-dps") == "dummy@ovs-dummy\n"
        assert appctl("dpctl/list-commands").count("\n") > 35


if __name__ == "__main__":
    rig.main(by_hand, features, implementations, without_daemon, revalidated, filters, hooks, dpctl, datapaths)
