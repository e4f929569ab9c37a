"""ovn-trace beside Debian's: the same southbound database, the same packets, the same text; and the same fate of packets over the
southbound databases that both northd make of the same northbound.

WEFT_TRACES=N traces N packets instead of as many as fit into the suite's time; WEFT_SEED chooses them.
"""
import os
import random
import re
import shlex
import socket
import time

import rig
from control import Control
from northbound_changes import Changes

SECONDS = 20  # for each test, in the suite
TRACES = int(os.environ.get("WEFT_TRACES", 0))
SEED = int(os.environ.get("WEFT_SEED", 1000))
FEATURES = ("ct-no-masked-label", "ovn-ct-lb-related", "mac-binding-timestamp", "port-up-notif")

# What connection tracking says, by daemon.  Debian's daemon uses up what it was told and does not begin anew with the next packet, so
# it is told the same thing more often than it can ask.
CT_STATES = (None, "new", "est,rpl,dnat", "new,rel", "inv")
CT_REPEATS = 20000

LAB = """ls-add sw0 -- ls-add sw1 -- ls-add pub -- lr-add lr0
lsp-add sw0 p1 -- lsp-set-addresses p1 '50:54:00:00:00:01 10.0.0.3 fd00::3' -- lsp-set-port-security p1 '50:54:00:00:00:01 10.0.0.3 fd00::3'
lsp-add sw0 p2 -- lsp-set-addresses p2 '50:54:00:00:00:02 10.0.0.4 fd00::4' -- lsp-set-port-security p2 50:54:00:00:00:02 '50:54:00:00:00:22 10.0.0.4'
lsp-add sw0 p5 -- lsp-set-addresses p5 unknown
lsp-add sw1 p3 -- lsp-set-addresses p3 '50:54:00:00:00:03 20.0.0.3 fd01::3'
lsp-add sw1 p4 -- lsp-set-addresses p4 '50:54:00:00:00:04 20.0.0.4 fd01::4'
lrp-add lr0 lr0-sw0 00:00:00:00:ff:01 10.0.0.1/24 fd00::1/64 -- lrp-add lr0 lr0-sw1 00:00:00:00:ff:02 20.0.0.1/24 fd01::1/64
lrp-add lr0 lr0-pub 00:00:20:20:12:13 172.168.0.100/24
lsp-add sw0 sw0-lr0 -- lsp-set-type sw0-lr0 router -- lsp-set-addresses sw0-lr0 router -- lsp-set-options sw0-lr0 router-port=lr0-sw0
lsp-add sw1 sw1-lr0 -- lsp-set-type sw1-lr0 router -- lsp-set-addresses sw1-lr0 router -- lsp-set-options sw1-lr0 router-port=lr0-sw1
lsp-add pub pub-lr0 -- lsp-set-type pub-lr0 router -- lsp-set-addresses pub-lr0 router -- lsp-set-options pub-lr0 router-port=lr0-pub
lsp-add pub ln -- lsp-set-type ln localnet -- lsp-set-addresses ln unknown -- lsp-set-options ln network_name=phys
lrp-set-gateway-chassis lr0-pub ch1 20
lr-nat-add lr0 snat 172.168.0.100 10.0.0.0/24 -- lr-nat-add lr0 dnat_and_snat 172.168.0.110 10.0.0.3 p1 30:54:00:00:00:03
lr-nat-add lr0 dnat_and_snat 172.168.0.120 20.0.0.3
acl-add sw0 from-lport 1002 'inport == "p1" && ip4' allow-related
--log --name=foo acl-add sw0 to-lport 1002 'outport == "p2" && tcp.dst == 22' reject
acl-add sw0 to-lport 1001 'outport == "p2" && ip4' allow-related -- acl-add sw0 from-lport 900 'udp.dst == 53' drop
lb-add lb1 10.0.0.100:80 20.0.0.3:8080 tcp -- ls-lb-add sw0 lb1 -- lr-lb-add lr0 lb1
lb-add lb2 10.0.0.101:53 20.0.0.4:53 udp -- ls-lb-add sw0 lb2
lr-route-add lr0 0.0.0.0/0 172.168.0.1 -- --ecmp lr-route-add lr0 30.0.0.0/24 20.0.0.10 -- --ecmp lr-route-add lr0 30.0.0.0/24 20.0.0.11
lr-policy-add lr0 100 'ip4.src == 10.0.0.4 && ip4.dst == 40.0.0.0/8' reroute 20.0.0.9 -- lr-policy-add lr0 90 'ip4.dst == 50.0.0.0/8' drop
--id=@d create dhcp_options cidr=10.0.0.0/24 options:server_id=10.0.0.1 options:server_mac='"c0:00:00:00:00:01"' options:lease_time=3600 options:router=10.0.0.1 -- set logical_switch_port p1 dhcpv4_options=@d
pg-add pg1 p1 p3 -- create address_set name=as1 addresses='"10.0.0.4","20.0.0.4"' -- acl-add pg1 to-lport 1003 'outport == @pg1 && ip4.src == $as1 && icmp4' drop""".splitlines()


class Side:
    """Databases with one northd, and ovn-trace daemons over the southbound."""

    def __init__(self, name, northd=()):
        self.r = rig.Rig(weft=northd, name=name)
        self.r.start_databases("nb", "sb")
        self.r.env.update(OVN_NB_DB="unix:" + self.r.socket("nb"), OVN_SB_DB="unix:" + self.r.socket("sb"))
        self.nbctl("init")
        self.nbctl("set", "NB_Global", ".", 'options:svc_monitor_mac="0e:00:00:00:00:01"', 'options:mac_prefix="0e:00:00"')
        for n in (1, 2, 3):
            self.r.run("ovn-sbctl", "chassis-add", f"ch{n}", "geneve", f"127.0.0.{n}", "--", "set", "chassis", f"ch{n}",
                       *[f"other_config:{f}=true" for f in FEATURES])
        self.r.start_northd()

    def nbctl(self, *words, check=True):
        return self.r.run("ovn-nbctl", *words, check=check)

    def sbctl(self, *words):
        return self.r.run("ovn-sbctl", *words)

    def tracer(self, weft, n=0):
        """A control connection to an ovn-trace daemon.  What connection tracking says is set when it is started."""
        name = f"trace-{'weft' if weft else 'debian'}-{n}"
        self.r.weft = (self.r.weft | {"ovn-trace"}) if weft else (self.r.weft - {"ovn-trace"})
        self.r.start(name, "ovn-trace", f"--unixctl={self.r.dir}/{name}.ctl", f"--db=unix:{self.r.socket('sb')}", "--select-id=1",
                     *([f"--ct={CT_STATES[n]}"] * CT_REPEATS if CT_STATES[n] else []))
        return Control(f"{self.r.dir}/{name}.ctl")

    def trace_once(self, weft, words):
        self.r.weft = (self.r.weft | {"ovn-trace"}) if weft else (self.r.weft - {"ovn-trace"})
        return self.r.run("ovn-trace", f"--db=unix:{self.r.socket('sb')}", "--select-id=1", *words)

    def places(self):
        """Where packets can come in and what addresses there are: [(datapath, port)], MACs, IPv4s, IPv6s."""
        self.nbctl("--timeout=30", "--wait=sb", "sync")
        ports = self.sbctl("--bare", "--no-headings", "-f", "csv", "--columns=logical_port", "list", "Port_Binding").split()
        everything = self.sbctl("list", "Port_Binding") + "\n".join(
            self.sbctl("--bare", "-f", "csv", "--columns=match,actions", "list", "Logical_Flow").splitlines())
        return (sorted(p for p in ports if not p.startswith("cr-")),
                sorted(set(re.findall(r"\b(?:[0-9a-f]{2}:){5}[0-9a-f]{2}\b", everything))),
                sorted(set(re.findall(r"\b\d+\.\d+\.\d+\.\d+\b", everything))),
                sorted(set(re.findall(r"\bf[de][0-9a-f:]+::?[0-9a-f:]*[0-9a-f]\b", everything)) & set(filter(is_ipv6, re.findall(r"[0-9a-f:]+", everything)))) or ["fd00::9"])


def trace(control, *words):
    answer = control("trace", *words)
    return answer["result"] if answer["error"] is None else f"error: {answer['error']}"


class Tracers:
    """One implementation's daemons over a southbound database, one for each of CT_STATES."""

    def __init__(self, side, weft):
        self.side, self.weft = side, weft
        self.daemons = [side.tracer(weft, n) for n in range(len(CT_STATES))]
        self.died = 0

    def __call__(self, n, *words):
        """The text, or None where Debian's ovn-trace asserts."""
        try:
            return trace(self.daemons[n], *words)
        except ConnectionError:
            if self.weft:
                raise rig.Failure(f"Weft's ovn-trace ended: --ct={CT_STATES[n]}: {shlex.join(words)}") from None
            self.died += 1
            self.daemons[n] = self.side.tracer(False, n)
            return None


def is_ipv6(text):
    try:
        socket.inet_pton(socket.AF_INET6, text)
        return True
    except OSError:
        return False


class Packets:
    def __init__(self, seed, places):
        self.r = random.Random(seed)
        self.ports, self.macs, self.v4, self.v6 = places

    def mac(self):
        return self.r.choice(self.macs) if self.r.random() < 0.9 else self.r.choice(["ff:ff:ff:ff:ff:ff", "02:00:00:00:00:99", "01:00:5e:00:00:05"])

    def ip4(self):
        return self.r.choice(self.v4) if self.r.random() < 0.8 else "%d.0.0.%d" % (self.r.choice((10, 20, 30, 8, 224)), self.r.randint(1, 254))

    def ip6(self):
        return self.r.choice(self.v6) if self.r.random() < 0.8 else "fd0%d::%x" % (self.r.randint(0, 2), self.r.randint(1, 9))

    def next(self):
        """A microflow."""
        r = self.r
        terms = [f'inport == "{r.choice(self.ports)}"', f"eth.src == {self.mac()}", f"eth.dst == {self.mac()}"]
        kind = r.random()
        if kind < 0.1:
            terms += [f"arp.op == {r.choice((1, 1, 2))}", f"arp.spa == {self.ip4()}", f"arp.tpa == {self.ip4()}", f"arp.sha == {self.mac()}"]
        elif kind < 0.8:
            terms += [f"ip4.src == {self.ip4()}", f"ip4.dst == {self.ip4()}", f"ip.ttl == {r.choice((64, 64, 64, 1, 0, 255))}"]
            terms += self.transport("icmp4.type == 8")
        else:
            terms += [f"ip6.src == {self.ip6()}", f"ip6.dst == {self.ip6()}", f"ip.ttl == {r.choice((64, 64, 255, 1))}"]
            terms += self.transport("icmp6.type == 128")
        return " && ".join(terms)

    def transport(self, icmp):
        r = self.r
        port = lambda: r.choice((22, 53, 67, 68, 80, 443, 8080, 5, 547))
        kind = r.random()
        if kind < 0.4:
            return [f"tcp.src == {port()}", f"tcp.dst == {port()}"]
        if kind < 0.7:
            return [f"udp.src == {port()}", f"udp.dst == {port()}"]
        if kind < 0.8:
            return [f"sctp.src == {port()}", f"sctp.dst == {port()}"]
        return [icmp]


# What differs on purpose: docs/decisions/0022-ovn-trace.md.
DIFFERENT = re.compile(r"nd_ns \{|nd_na_router \{|icmp6 \{|dns_lookup|put_nd_ra_opts|Randomly|reject \{[^\n]*ip6|MAC binding to [0-9a-f:]* found")


def random_choice(text):
    """Whether the walk met a choice that both make by chance."""
    return "Randomly selected" in text or re.search(r"ct_lb(_mark)?\(backends=[^);]*,", text)


def without_uuids(text):
    # Sources differ where flows of equal priority and match do.
    return re.sub(r"uuid [0-9a-f]{8}", "uuid U", text)


TABLE = re.compile(r"^ *\d+\. (\w+) \(.*?\): (.*), priority (\d+), uuid U$")
PORT_SECURITY = re.compile(r"apply_port_sec \(.*reg0\[15\] == 1")


def is_tie(want, got, duplicates):
    """Whether the first difference is between two flows of one table with the same priority: either may be taken."""
    last = None
    for a, b in zip(want.splitlines(), got.splitlines()):
        x, y = TABLE.match(a), TABLE.match(b)
        if a != b:
            if x and y:
                return x.group(1, 3) == y.group(1, 3)
            return last and last.group(1, 2, 3) in duplicates
        last = x or last
    return False


def duplicates_in(side):
    """Tables, matches and priorities that more than one flow of a datapath has."""
    seen, twice, datapath = set(), set(), None
    for line in side.sbctl("lflow-list").splitlines():
        flow = re.match(r"  table=\d+ *\((\w+) *\), priority=(\d+) *, match=\((.*)\), action=", line)
        if not flow:
            datapath = line
            continue
        key = (flow[1], flow[3], flow[2])
        (twice if (datapath, key) in seen else seen).add(key if (datapath, key) in seen else (datapath, key))
    return twice


def compare_texts(side, seed, budget, strict):
    theirs, ours = Tracers(side, False), Tracers(side, True)
    packets, duplicates = Packets(seed, side.places()), duplicates_in(side)
    end, done, compared, ties = time.monotonic() + SECONDS / 2, 0, 0, 0
    while done < budget if TRACES else time.monotonic() < end:
        n, words = done % len(CT_STATES), ["--all", packets.next()]
        done += 1
        if done % 100 == 50:  # states that differ, in a program of its own
            words = [f"--ct={packets.r.choice(CT_STATES[1:])}" for _ in range(3)] + words
            want, got = side.trace_once(False, words), side.trace_once(True, words)
        else:
            want, got = theirs(n, *words), ours(n, *words)
        if want is None or DIFFERENT.search(want) or random_choice(want) or random_choice(got) or DIFFERENT.search(got):
            continue
        want, got = without_uuids(want), without_uuids(got)
        # Debian's judges addresses with a prefix length in port_security otherwise than its controller does.
        if not strict and len(PORT_SECURITY.findall(want)) != len(PORT_SECURITY.findall(got)):
            continue
        if want != got and is_tie(want, got, duplicates):
            ties += 1
            continue
        compared += 1
        if want != got:
            pairs = list(zip(want.splitlines() + [""], got.splitlines() + [""]))
            at = next((n for n, (a, b) in enumerate(pairs) if a != b), len(pairs))
            raise rig.Failure(f"seed {seed}, --ct={CT_STATES[n]}: {shlex.join(words)}: line {at + 1} differs:\n- {pairs[at][0] if at < len(pairs) else ''}\n"
                              f"+ {pairs[at][1] if at < len(pairs) else ''}\nof\n{want}\nand\n{got}")
    print(f"# {ties} packets met flows of equal priority, {theirs.died} ended Debian's ovn-trace")
    return done, compared


def same_text():
    """the same southbound, the same packet: the same trace in all three forms"""
    print(f"# WEFT_SEED={SEED}")
    done = compared = 0
    for round_, changes in enumerate((None, Changes(SEED))):
        side = Side("trace")
        try:
            for line in LAB if not changes else ():
                side.nbctl(*shlex.split(line))
            for _ in range(60 if changes else 0):
                side.nbctl(*changes.step(), check=False)
            side.places()
            side.sbctl("create", "MAC_Binding", *mac_binding(side)) if not changes else None
            a, b = compare_texts(side, SEED + round_, TRACES // 2, not changes)
            done, compared = done + a, compared + b
        finally:
            side.r.stop()
    print(f"# {done} packets, {compared} compared")


def mac_binding(side):
    datapath = side.sbctl("--bare", "--columns=datapath", "find", "Port_Binding", "logical_port=lr0-pub").strip()
    return [f"datapath={datapath}", "logical_port=lr0-pub", "ip=172.168.0.1", 'mac="00:00:00:00:01:01"']


def verdict(text):
    """What is seen from outside: headers changed and ports that got the packet, in any order of ports."""
    lines = [re.sub(r"\s+", " ", line.strip()) for line in text.splitlines() if not line.startswith("#")]
    return sorted(line for line in lines if line.startswith(("output(", "eth.", "ip4.", "ip6.", "ip.", "tcp.", "udp.", "arp.", "***")))


def same_fate():
    """the same northbound, two northd: packets meet the same fate"""
    print(f"# WEFT_SEED={SEED}")
    end, done = time.monotonic() + SECONDS, 0
    sides = [Side("fate-debian"), Side("fate-weft", northd=("ovn-northd",))]
    try:
        for line in LAB:
            for side in sides:
                side.nbctl(*shlex.split(line))
        places = sides[0].places()
        sides[1].places()
        tracers = [Tracers(side, False) for side in sides]
        packets = Packets(SEED + 7, places)
        while done < TRACES // 2 if TRACES else time.monotonic() < end:
            n, words = done % len(CT_STATES), ["--minimal", packets.next()]
            theirs, ours = (tracer(n, *words) for tracer in tracers)
            done += 1
            if theirs is None or ours is None:
                if theirs != ours:
                    raise rig.Failure(f"seed {SEED + 7}, --ct={CT_STATES[n]}: {shlex.join(words)}: ends Debian's ovn-trace over one northd's flows only")
                continue
            # Which route of several equal ones has which number is each northd's own choice.
            if "Randomly" not in theirs and "select: " not in theirs and verdict(theirs) != verdict(ours):
                raise rig.Failure(f"seed {SEED + 7}, --ct={CT_STATES[n]}: {shlex.join(words)}:\nover Debian's\n{theirs}\nover Weft's\n{ours}")
    finally:
        for side in sides:
            side.r.stop()
    print(f"# {done} packets")


if __name__ == "__main__":
    rig.main(same_text, same_fate)
