"""The tools that show which OpenFlow flows a row became, beside Debian's and before the same running switch:
ovn-trace --ovs, ovn-sbctl --ovs lflow-list and ovn-detrace --ovs.

Once before Debian's switch, once before ours.
"""
import re
import shlex

import rig

NETWORK = r"""
    ls-add sw0
    lsp-add sw0 p1 -- lsp-set-addresses p1 "02:00:00:00:00:01 10.0.0.1 fd00::1"
    lsp-add sw0 p2 -- lsp-set-addresses p2 "02:00:00:00:00:02 10.0.0.2 fd00::2" -- lsp-set-port-security p2 "02:00:00:00:00:02 10.0.0.2"
    lsp-add sw0 elsewhere -- lsp-set-addresses elsewhere unknown
    ls-add sw1
    lsp-add sw1 p3 -- lsp-set-addresses p3 "02:00:00:00:00:03 10.1.0.3"
    ls-add far -- lsp-add far f1
    lr-add lr0
    lrp-add lr0 lr0-sw0 00:00:00:00:ff:01 10.0.0.254/24
    lsp-add sw0 sw0-lr0 -- lsp-set-type sw0-lr0 router -- lsp-set-addresses sw0-lr0 router -- lsp-set-options sw0-lr0 router-port=lr0-sw0
    lrp-add lr0 lr0-sw1 00:00:00:00:ff:02 10.1.0.254/24
    lsp-add sw1 sw1-lr0 -- lsp-set-type sw1-lr0 router -- lsp-set-addresses sw1-lr0 router -- lsp-set-options sw1-lr0 router-port=lr0-sw1
    acl-add sw0 from-lport 100 "ip4.dst == {10.0.0.2,10.0.0.3} && tcp.dst == {1,2}" allow-related
    acl-add sw0 to-lport 100 "outport == \"p2\" && udp" drop
    lb-add lb0 10.0.0.100:80 10.0.0.2:80 -- ls-lb-add sw0 lb0
"""
SOURCE = "eth.src == 02:00:00:00:00:01 && ip4.src == 10.0.0.1 && ip.ttl == 64"
MICROFLOWS = (
    f'inport == "p1" && {SOURCE} && eth.dst == 02:00:00:00:00:02 && ip4.dst == 10.0.0.2 && tcp.dst == 1',
    f'inport == "p1" && {SOURCE} && eth.dst == 02:00:00:00:00:02 && ip4.dst == 10.0.0.2 && udp.dst == 1',
    f'inport == "p1" && {SOURCE} && eth.dst == 00:00:00:00:ff:01 && ip4.dst == 10.1.0.3 && udp.dst == 1',
    'inport == "p1" && eth.src == 02:00:00:00:00:01 && eth.dst == ff:ff:ff:ff:ff:ff && arp.op == 1 && arp.tpa == 10.0.0.254',
    'inport == "f1" && eth.src == 02:00:00:00:00:01',
)
PACKETS = (
    "in_port=v1,tcp,dl_src=02:00:00:00:00:01,dl_dst=02:00:00:00:00:02,nw_src=10.0.0.1,nw_dst=10.0.0.2,nw_ttl=64,tcp_dst=1",
    "in_port=v1,udp,dl_src=02:00:00:00:00:01,dl_dst=00:00:00:00:ff:01,nw_src=10.0.0.1,nw_dst=10.1.0.3,nw_ttl=64,udp_dst=1",
    "in_port=v1,arp,dl_src=02:00:00:00:00:01,dl_dst=ff:ff:ff:ff:ff:ff,arp_op=1,arp_spa=10.0.0.1,arp_tpa=10.0.0.9",
    "in_port=v2,icmp6,dl_src=02:00:00:00:00:02,dl_dst=02:00:00:00:00:01,ipv6_src=fd00::2,ipv6_dst=fd00::1",
)


class Network(rig.Rig):
    def __init__(self, weft=()):
        super().__init__(weft=weft, name="rows")
        self.start_databases()
        self.start_vswitchd("--enable-dummy=override", "--disable-system", "--disable-system-route")
        self.start_northd()
        self.start_controller()
        rig.wait_for(lambda: self.run("ovs-vsctl", "--no-wait", "br-exists", "br-int", check=False).returncode == 0, "br-int")
        for line in NETWORK.strip().splitlines():
            self.run("ovn-nbctl", *shlex.split(line.strip()))
        for n in (1, 2, 3):
            self.run("ovs-vsctl", "add-port", "br-int", f"v{n}", "--", "set", "Interface", f"v{n}", f"external_ids:iface-id=p{n}")
        self.run("ovn-nbctl", "--timeout=20", "--wait=hv", "sync")
        rig.wait_for(lambda: all(self.run("ovn-nbctl", "lsp-get-up", f"p{n}").strip() == "up" for n in (1, 2, 3)), "ports up")
        self.run("ovn-nbctl", "--timeout=20", "--wait=hv", "sync")
        self.bridge = f"unix:{self.dir}/br-int.mgmt"
        self.southbound = f"--db=unix:{self.socket('sb')}"

    def both(self, tool, *words, **more):
        """What Debian's tool and ours say: (exit code, output, error output) of each."""
        done = []
        for mine in (False, True):
            self.weft = self.weft | {tool} if mine else self.weft - {tool}
            result = self.run(tool, *words, check=False, **more)
            done.append((result.returncode, result.stdout, result.stderr))
        return done


def steady(text):
    """Without what passes by the clock."""
    text = re.sub(r"duration=[\d.]+s", "duration=D", text)
    return re.sub(r", (idle|hard)_age=\d+", "", text)


def compare(what, theirs, ours):
    if theirs == ours:
        return
    pairs = list(zip([*theirs, None], [*ours, None]))
    a, b = next((pair for pair in pairs if pair[0] != pair[1]), ("equal", "but longer"))
    raise rig.Failure(f"{what}: {b!r} instead of {a!r}")


def has_flows(text, least):
    found = text.count("cookie=") + len(re.findall(r"^ +table=\d+ ", text, re.M))
    if found < least:
        raise rig.Failure(f"only {found} OpenFlow flows in:\n{text}")


def traces(r):
    for microflow in MICROFLOWS:
        for form in ((), ("--summary",), ("--minimal",), ("--all",)):
            theirs, ours = r.both("ovn-trace", r.southbound, f"--ovs={r.bridge}", *form, microflow)
            compare(f"ovn-trace {' '.join(form)} '{microflow}'", steady(theirs[1]).splitlines(), steady(ours[1]).splitlines())
            compare("exit code", [theirs[0]], [ours[0]])
    has_flows(ours[1], 1)
    # The default is the bridge's socket in the run directory; a switch that is not there is a warning.
    theirs, ours = r.both("ovn-trace", r.southbound, "--ovs", MICROFLOWS[0])
    compare("ovn-trace --ovs", steady(theirs[1]).splitlines(), steady(ours[1]).splitlines())
    has_flows(ours[1], 10)
    theirs, ours = r.both("ovn-trace", r.southbound, "--ovs=unix:/nowhere", MICROFLOWS[0])
    compare("ovn-trace without a switch", [theirs[0], theirs[1]], [ours[0], ours[1]])
    if "unix:/nowhere" not in ours[2]:
        raise rig.Failure(f"ovn-trace says nothing of the switch that is not there: {ours[2]!r}")


def blocks(text):
    """Sections of rows, each row with its flows: rows come in the order of a hash table, and so do names in lists."""
    sections, section = [], []
    for line in steady(text).splitlines():
        line = re.sub(r"ports=\(([^)]*)\)", lambda m: "ports=" + ",".join(sorted(m[1].split(", "))), line)
        if re.match(r"\w", line):
            section = []
            sections.append((line, section))
        elif line.startswith("    ") and section:
            section[-1][1].append(line)
        elif line.strip():
            section.append((line, []))
    return [(heading, sorted((row, sorted(flows)) for row, flows in rows)) for heading, rows in sections]


def lists(r):
    for words in ((), ("--stats",), ("--uuid",), ("--vflows",), ("--uuid", "--stats", "--vflows")):
        for names in ((), ("sw0",), ("lr0",), ("far",)):
            theirs, ours = r.both("ovn-sbctl", r.southbound, f"--ovs={r.bridge}", *words, "lflow-list", *names)
            compare(f"lflow-list {' '.join(words)} {' '.join(names)}", [theirs[0], *blocks(theirs[1])], [ours[0], *blocks(ours[1])])
            has_flows(ours[1], 0 if names == ("far",) else 50)
    uuid = r.run("ovn-sbctl", "--bare", "--columns=_uuid", "find", "Logical_Flow", "priority=1100").split()[0]
    theirs, ours = r.both("ovn-sbctl", r.southbound, "--ovs", "lflow-list", "sw0", uuid[:8])
    compare("lflow-list of one flow", blocks(theirs[1]), blocks(ours[1]))
    has_flows(ours[1], 1)
    theirs, ours = r.both("ovn-sbctl", r.southbound, "--ovs=unix:/nowhere", "lflow-list", "sw0")
    compare("lflow-list without a switch", [theirs[0], *blocks(theirs[1])], [ours[0], *blocks(ours[1])])
    if "unix:/nowhere" not in ours[2]:
        raise rig.Failure(f"lflow-list says nothing of the switch that is not there: {ours[2]!r}")


def explained(text):
    """Lines with what was said about them, whose order is a hash table's; Debian's loses a quote (decision 0023)."""
    out = []
    for line in text.splitlines():
        line = line.replace('"), actions=', "), actions=")
        line = re.sub(r"ports: \(([^)]*)\)", lambda m: "ports: " + ",".join(sorted(m[1].split(", "))), line)
        if line.startswith("  "):
            out[-1][1].append(line)
        else:
            out.append((line, []))
    return [(line, sorted(said)) for line, said in out]


def details(r):
    databases = (f"--ovnsb=unix:{r.socket('sb')}", f"--ovnnb=unix:{r.socket('nb')}", "--ovs", f"--ovsdb=unix:{r.socket('conf')}")
    interfaces = 0
    for packet in PACKETS:
        trace = r.appctl("ovs-vswitchd", "ofproto/trace", "br-int", packet)
        theirs, ours = r.both("ovn-detrace", *databases, stdin=trace)
        compare(f"ovn-detrace of {packet}", [theirs[0], *explained(theirs[1])], [ours[0], *explained(ours[1])])
        interfaces += ours[1].count("* OVS Interface: v")
    if interfaces < 4:
        raise rig.Failure(f"ovn-detrace --ovs names {interfaces} interfaces")
    theirs, ours = r.both("ovn-detrace", *databases[:3], "--ovsdb=unix:/nowhere", stdin=trace)
    if theirs[0] == 0 or ours[0] == 0 or "/nowhere" not in ours[2]:
        raise rig.Failure(f"without a database ovn-detrace --ovs says {ours}")


def all_three(weft):
    with Network(weft) as r:
        # Counters that are not zero.
        for _ in range(3):
            r.run("ovs-appctl", "-t", f"{r.dir}/vswitchd.ctl", "netdev-dummy/receive", "v1",
                  "in_port(1),eth(src=02:00:00:00:00:01,dst=02:00:00:00:00:02),eth_type(0x0800),ipv4(src=10.0.0.1,dst=10.0.0.2,proto=1,tos=0,ttl=64,frag=no),icmp(type=8,code=0)")
        counted = lambda: [re.sub(r"duration=[^,]*,", "", line) for line in r.run("ovs-ofctl", "dump-flows", r.bridge).splitlines() if "n_packets=3" in line]
        rig.wait_for(lambda: len(counted()) > 5, "counted packets")
        traces(r)
        lists(r)
        details(r)


def before_debian():
    """before Debian's switch they say what Debian's tools say"""
    all_three(())


def before_ours():
    """and before ours, too"""
    all_three(("ovs-vswitchd",))


if __name__ == "__main__":
    rig.main(before_debian, before_ours)
