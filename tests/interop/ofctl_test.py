"""ovs-ofctl and ovs-dpctl beside Debian's ovs-ofctl on one and the same dummy switch of ours: what they print is equal.

Also what only a running program shows: a detached monitor and its control commands, snooping, TLS, flow monitors, the
connections that ct-flush removes.
"""
import contextlib
import os
import re
import struct
import subprocess

import rig

PACKET = ("in_port(1),eth(src=00:00:00:00:00:01,dst=00:00:00:00:00:02),eth_type(0x0800),"
          "ipv4(src=10.0.0.1,dst=10.0.0.2,proto=17,tos=0,ttl={ttl},frag=no),udp(src={port},dst=2)")
BUNDLE = """flow add table=1,ip,actions=drop
flow arp,actions=2
# groups come before the flows that use them
group group_id=3,type=all,bucket=output:1
group add group_id=4,type=all,bucket=output:1
flow modify arp,actions=group:3
flow delete table=1
packet-out in_port=1 packet=ffffffffffff00000000000108000000 actions=2
"""


@contextlib.contextmanager
def switch():
    with rig.Rig(weft={"ovs-vswitchd", "ovs-dpctl"}, name="ofctl") as r:
        r.start_databases("conf")
        # Its control socket where ovs-dpctl looks for it.
        r.start("ovs-vswitchd", "ovs-vswitchd", "--enable-dummy=override", "--disable-system", f"unix:{r.socket('conf')}")
        r.run("ovs-vsctl", "add-br", "br0", "--", "set", "bridge", "br0", "datapath_type=dummy", "fail-mode=secure",
              "protocols=OpenFlow10,OpenFlow11,OpenFlow12,OpenFlow13,OpenFlow14,OpenFlow15",
              "--", "add-port", "br0", "p1", "--", "set", "interface", "p1", "type=dummy",
              "--", "add-port", "br0", "p2", "--", "set", "interface", "p2", "type=dummy")
        yield r


def tool(r, weft, *words, program="ovs-ofctl"):
    path = os.path.join(rig.WEFT_BIN, program) if weft else "/usr/bin/" + program
    done = subprocess.run([path, *words], env=r.env, text=True, capture_output=True, timeout=30, cwd=r.dir)
    return done.returncode, done.stdout, done.stderr


def plain(text):
    """Without what differs from run to run."""
    text = re.sub(r"xid=0x[0-9a-f]+", "xid", text)
    text = re.sub(r"duration=[0-9.]+s", "duration", text)
    text = re.sub(r"^\n", "", text, flags=re.M)  # Debian's ends a HELLO with one too many
    text = re.sub(r"\d{4}-\d\d-\d\dT[^|]*\|.*\n", "", text)
    return text


def weft(r, *words):
    code, out, problem = tool(r, True, *words)
    if code:
        raise rig.Failure(f"ovs-ofctl {' '.join(words)}: exit {code}: {problem}")
    return out


def same(r, *words, before=None):
    results = []
    for ours in (False, True):
        if before:
            before()
        results.append(tool(r, ours, *words))
    (code, out, problem), (own_code, own_out, own_problem) = results
    if (code, plain(out)) != (own_code, plain(own_out)) or bool(problem) != bool(own_problem):
        raise rig.Failure(f"ovs-ofctl {' '.join(words)}: Debian's: exit {code}\n{out}{problem}ours: exit {own_code}\n{own_out}{own_problem}")
    return own_out


def differ(r, *words):
    """diff-flows, whose lines Debian's prints in no order."""
    (code, out, _), (own_code, own_out, problem) = (tool(r, ours, *words) for ours in (False, True))
    equal(f"ovs-ofctl {' '.join(words)} {problem}", (own_code, sorted(own_out.split("\n"))), (code, sorted(out.split("\n"))))


def equal(what, got, want):
    if got != want:
        raise rig.Failure(f"{what}: {got!r} instead of {want!r}")


def write(r, name, text):
    path = os.path.join(r.dir, name)
    with open(path, "w") as f:
        f.write(text)
    return path


def one_switch():
    """the same answers about one switch as Debian's ovs-ofctl; bundles are atomic"""
    with switch() as r:
        for words in (("-O", "OpenFlow14", "dump-table-desc", "br0"), ("-O", "OpenFlow15", "dump-ports-desc", "br0", "1"),
                      ("queue-get-config", "br0"), ("-O", "OpenFlow13", "queue-get-config", "br0", "1"), ("dump-ports-desc", "br0"),
                      ("-O", "OpenFlow14", "mod-table", "br0", "1", "evict"), ("-O", "OpenFlow14", "dump-table-desc", "br0"),
                      ("-O", "OpenFlow14", "mod-table", "br0", "1", "noevict"), ("-O", "OpenFlow11", "mod-table", "br0", "all", "drop"),
                      ("mod-table", "br0", "1", "evict"), ("mod-table", "br0", "1", "foo"), ("--read-only", "add-flow", "br0", "actions=drop"),
                      ("--read-only", "dump-flows", "br0"), ("-P", "foo", "monitor", "br0"), ("monitor", "br0", "foo"),
                      ("monitor", "br0", "watch:!foo"), ("monitor", "br0", "watch:table=900"), ("monitor", "br0", "watch:cookie=1/1"),
                      ("-O", "OpenFlow13", "monitor", "br0", "invalid_ttl"), ("show", "br0"), ("get-frags", "br0")):
            same(r, *words)
        good = write(r, "good", BUNDLE)
        clear = lambda: (weft(r, "del-flows", "br0"), weft(r, "-O", "OpenFlow15", "del-groups", "br0"))
        same(r, "bundle", "br0", good, before=clear)
        equal("flows after a bundle", same(r, "-O", "OpenFlow14", "--no-stats", "dump-flows", "br0"), " arp actions=group:3\n")
        if "group_id=4" not in same(r, "-O", "OpenFlow15", "dump-groups", "br0"):
            raise rig.Failure("the bundle's groups are missing")
        bad = write(r, "bad", "flow add table=1,ip,actions=drop\ngroup add group_id=4,type=all,bucket=output:1\n")
        same(r, "bundle", "br0", bad)
        if "OFPGMFC_GROUP_EXISTS" not in tool(r, True, "bundle", "br0", bad)[2]:
            raise rig.Failure("a failed bundle does not say why")
        equal("flows after a failed bundle", weft(r, "--no-stats", "dump-flows", "br0", "table=1"), "")
        same(r, "bundle", "br0", write(r, "wrong", "foo bar\n"))
        same(r, "-O", "OpenFlow15", "--may-create", "mod-group", "br0", "group_id=9,type=all,bucket=output:1")
        write(r, "flows", "arp,actions=1\nip,actions=2\n")
        same(r, "replace-flows", "br0", f"{r.dir}/flows", before=clear)
        r.run("ovs-appctl", "netdev-dummy/receive", "p1", PACKET.format(ttl=64, port=1))
        rig.wait_for(lambda: "n_packets=1," in weft(r, "dump-flows", "br0", "ip"), "the packet to be counted")
        weft(r, "replace-flows", "br0", f"{r.dir}/flows")
        if "n_packets=1," not in weft(r, "dump-flows", "br0", "ip"):
            raise rig.Failure("replace-flows added a flow that had not changed")
        same(r, "-O", "OpenFlow14", "mod-table", "br0", "1", "vacancy:20,80")
        same(r, "-O", "OpenFlow14", "dump-table-desc", "br0", "1")
        for refused in (("dump-ipfix-bridge", "br0"), ("dump-ipfix-flow", "br0")):
            code, _, problem = tool(r, True, *refused)
            if code != 1 or not problem:
                raise rig.Failure(f"{refused}: exit {code}: {problem}")


class Monitor:
    """A monitor of ours or Debian's, writing to a file.  Debian's loses what comes first when it detaches, so it does not."""

    def __init__(self, r, ours, *words, command="monitor"):
        self.r, self.ctl, self.file = r, f"{r.dir}/monitor.ctl", f"{r.dir}/monitor.txt"
        with open(self.file, "w") as output:
            path = os.path.join(rig.WEFT_BIN, "ovs-ofctl") if ours else "/usr/bin/ovs-ofctl"
            command = [path, "--no-names", *(["--detach", "--no-chdir"] if ours else []), f"--pidfile={r.dir}/monitor.pid",
                       f"--unixctl={self.ctl}", *words[:-1], command, "br0", *([words[-1]] if words[-1] else [])]
            # Standard error is kept through detaching: it is where messages go.
            self.process = subprocess.Popen(command, env=r.env, stderr=output, stdout=subprocess.DEVNULL if ours else output, cwd=r.dir)
        if ours:
            equal("exit code of the detaching parent", self.process.wait(20), 0)
        rig.wait_for(lambda: os.path.exists(self.ctl) and os.path.exists(f"{r.dir}/monitor.pid"), "the monitor to start")
        with open(f"{r.dir}/monitor.pid") as f:
            r.pids["monitor"] = int(f.read())

    def control(self, *words):
        return self.r.run("ovs-appctl", "-t", self.ctl, *words)

    def text(self):
        with open(self.file) as f:
            return f.read()

    def stop(self):
        self.control("exit")
        self.process.wait(20)
        rig.wait_for(lambda: not self.r.alive("monitor"), "the monitor to end")
        self.r.pids.pop("monitor")

    def __enter__(self):
        return self

    def __exit__(self, *problem):
        if problem[0] is None:
            self.stop()


def described():
    """parse-flow, parse-flows, parse-group and diff-flows: in which formats a flow can be said, and what differs as it was said"""
    with rig.Rig(weft=set(), name="ofctl") as r:
        for flow in ("ip,actions=1", "tcp,tp_src=1/1,actions=1", "dl_src=00:00:00:00:00:01/ff:00:00:00:00:ff,actions=1", "table=3,ip,actions=1", "ip,actions=meter:1,1",
                     "ip,actions=load:5->NXM_NX_REG0[]", "reset_counts,actions=1", "ip,actions=write_actions(drop)", "ip", "actions=x", "ct_mark=1,actions=drop"):
            for options in ([], ["-OOpenFlow13"], ["-OOpenFlow10,OpenFlow13"], ["-FNXM"], ["-FNXM+table_id"], ["-FOXM"], ["-FOXM", "-OOpenFlow14"], ["-FNXM-table_id"]):
                same(r, *options, "parse-flow", flow)
        write(r, "some", "table=3,ip,actions=1\ndelete table=4,tcp\n# none\n\nmodify_strict priority=5,udp,actions=2\n")
        write(r, "none", "")
        for name in ("some", "none"):
            for options in ([], ["-OOpenFlow13"], ["-OOpenFlow11"], ["-FOpenFlow10-table_id"]):
                same(r, *options, "parse-flows", name)
        for options in ([], ["-OOpenFlow13"], ["-OOpenFlow13,OpenFlow15"]):
            same(r, *options, "parse-group", "group_id=1,type=all,bucket=actions=output:1")
        write(r, "one", "ct_mark=1,actions=drop\npriority=7,ip,actions=ct(commit,exec(load:0x1->NXM_NX_CT_MARK[]))\n"
              "priority=9,ip,actions=ct(commit,exec(set_field:0x1->ct_mark)),set_field:1->reg0,mod_dl_src:00:11:22:33:44:55,set_field:0x100/0x100->reg1\n")
        write(r, "other", "priority=9,ip,actions=ct(commit,exec(load:0x1->NXM_NX_CT_MARK[])),load:1->NXM_NX_REG0[],mod_dl_src:00:11:22:33:44:55\ncookie=5,priority=7,ip,actions=1\n")
        for words in (["one", "other"], ["other", "one"], ["one", "none"], ["one", "one"]):
            differ(r, "diff-flows", *words)
    with switch() as r:
        bridge = f"unix:{r.dir}/br0.mgmt"
        write(r, "one", "ip,actions=load:0x1->NXM_NX_REG0[],set_field:2->reg1,mod_dl_src:00:11:22:33:44:55\ntcp,actions=ct(commit,exec(set_field:0x1->ct_mark))\n")
        weft(r, "add-flows", bridge, "one")
        for version in ("OpenFlow10", "OpenFlow13", "OpenFlow15"):
            differ(r, "-O" + version, "diff-flows", bridge, "one")
            differ(r, "-O" + version, "diff-flows", "one", bridge)


def watched(r, ours, version, what):
    weft(r, "del-flows", "br0")
    weft(r, "add-flow", "br0", "table=1,ip,actions=dec_ttl,2")
    weft(r, "add-flow", "br0", "cookie=5,actions=1")
    with Monitor(r, ours, "-O", version, what) as monitor:
        rig.wait_for(lambda: "FLOW_MONITOR reply" in monitor.text(), f"{version} {what}: what is there already, ours: {ours}")
        weft(r, "add-flow", "br0", "table=1,tcp,priority=7,idle_timeout=9,actions=1")
        weft(r, "mod-flows", "br0", "table=1,tcp,actions=2")
        weft(r, "del-flows", "br0", "table=1")
        monitor.control("ofctl/barrier")
        rig.wait_for(lambda: "BARRIER_REPLY" in monitor.text(), "the barrier's reply")
        return plain(monitor.text())


def monitors():
    """flow monitors see what Debian's ovs-ofctl sees; packets arrive in the format asked for; expired TTLs are reported"""
    with switch() as r:
        for version, what in (("OpenFlow10", "watch:"), ("OpenFlow10", "watch:!actions,ip"), ("OpenFlow10", "watch:!own,out_port=2"),
                              ("OpenFlow14", "watch:"), ("OpenFlow14", "watch:!initial,table=1"), ("OpenFlow14", "watch:!delete,tcp"),
                              ("OpenFlow12", "watch:!add,!modify")):
            theirs, ours = (watched(r, weft_, version, what) for weft_ in (False, True))
            if theirs != ours or "event=" not in ours:
                raise rig.Failure(f"{version} {what}: Debian's tool sees\n{theirs}ours\n{ours}")
        if "ABBREV" in ours or "event=DELETED reason=delete" not in ours:
            raise rig.Failure(f"the monitor saw\n{ours}")
        weft(r, "add-flow", "br0", "actions=controller")
        for words, name in (((), "NXT_PACKET_IN2"), (("-P", "nxt_packet_in"), "NXT_PACKET_IN "), (("-P", "standard"), "OFPT_PACKET_IN")):
            with Monitor(r, True, *words, "65534") as monitor:
                r.run("ovs-appctl", "netdev-dummy/receive", "p1", PACKET.format(ttl=64, port=7))
                rig.wait_for(lambda: name in monitor.text(), f"{name} with {words}")
        weft(r, "del-flows", "br0")
        weft(r, "add-flow", "br0", "ip,actions=dec_ttl,2")
        done = subprocess.Popen([os.path.join(rig.WEFT_BIN, "ovs-ofctl"), f"--unixctl={r.dir}/ttl.ctl", "monitor", "br0", "128", "invalid_ttl"],
                                env=r.env, stderr=subprocess.PIPE, text=True)
        try:
            rig.wait_for(lambda: os.path.exists(f"{r.dir}/ttl.ctl"), "the monitor")
            r.run("ovs-appctl", "netdev-dummy/receive", "p1", PACKET.format(ttl=1, port=8))
            line = done.stderr.readline()
            if "PACKET_IN" not in line or "via invalid_ttl" not in line:
                raise rig.Failure(f"a packet whose TTL ended came as {line!r}")
        finally:
            done.terminate()
            done.wait(10)


def commands():
    """a detached monitor's commands: send, packet-out, block, barrier, output file; snooping sees what a controller is sent"""
    with switch() as r:
        weft(r, "add-flow", "br0", "in_port=1,actions=controller,2")
        with Monitor(r, True, "65534") as monitor:
            if "ofctl/packet-out" not in monitor.control("list-commands"):
                raise rig.Failure("no ofctl/packet-out among the commands")
            monitor.control("ofctl/set-output-file", f"{r.dir}/other.txt")
            monitor.file = f"{r.dir}/other.txt"
            equal("ofctl/send", monitor.control("ofctl/send", "0102000800000055"), "sent\n")
            rig.wait_for(lambda: "OFPT_ECHO_REQUEST" in monitor.text() or "0 bytes of payload" in monitor.text(), "the message sent")
            rig.wait_for(lambda: "OFPT_ECHO_REPLY (xid=0x55): 0 bytes of payload" in monitor.text(), "the echo's reply")
            for wrong in ("01020008000000", "0102000900000055", "zz"):
                if not r.run("ovs-appctl", "-t", monitor.ctl, "ofctl/send", wrong, check=False).returncode:
                    raise rig.Failure(f"ofctl/send {wrong}: accepted")
            monitor.control("ofctl/packet-out", "in_port=1 packet=ffffffffffff00000000000108000000 actions=table")
            rig.wait_for(lambda: "PACKET_IN2" in monitor.text(), "the packet that was sent out to come back")
            monitor.control("ofctl/block")
            before = monitor.text()
            r.run("ovs-appctl", "netdev-dummy/receive", "p1", PACKET.format(ttl=64, port=9))
            weft(r, "probe", "br0")
            equal("what came while blocked", monitor.text(), before)
            monitor.control("ofctl/unblock")
            rig.wait_for(lambda: monitor.text().count("PACKET_IN2") == 2, "the packet that waited")
            monitor.control("ofctl/barrier")
        r.run("ovs-vsctl", "set-controller", "br0", f"punix:{r.dir}/of.sock")
        rig.wait_for(lambda: os.path.exists(f"{r.dir}/of.sock"), "the switch to listen")
        with Monitor(r, True, "", command="snoop") as snoop:
            weft(r, "-O", "OpenFlow13", "probe", f"unix:{r.dir}/of.sock")
            active = f"{r.dir}/active.sock"
            control = subprocess.Popen(["python3", "-c", "import socket,sys,time; s=socket.socket(socket.AF_UNIX); s.bind(sys.argv[1]); s.listen(); "
                                        "c,_=s.accept(); c.send(bytes.fromhex('0100000800000001')); c.send(bytes.fromhex('0112000800000077')); "
                                        "c.recv(4096); time.sleep(20)", active])
            try:
                rig.wait_for(lambda: os.path.exists(active), "the controller")
                r.run("ovs-vsctl", "set-controller", "br0", f"unix:{active}")
                rig.wait_for(lambda: "OFPT_BARRIER_REPLY (xid=0x77)" in snoop.text(), "the barrier in what snoop prints", seconds=20)
            finally:
                control.terminate()
                control.wait(10)


def tls():
    """ssl: targets with a private key and both sides' certificates; without them the reason is given"""
    with switch() as r:
        subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", "key.pem", "-out", "cert.pem", "-days", "2",
                        "-subj", "/CN=switch"], cwd=r.dir, check=True, stderr=subprocess.DEVNULL)
        key, cert = f"{r.dir}/key.pem", f"{r.dir}/cert.pem"
        r.run("ovs-vsctl", "set-ssl", key, cert, cert)
        r.run("ovs-vsctl", "set-controller", "br0", "pssl:0:127.0.0.1")

        def port():
            with open(f"{r.dir}/ovs-vswitchd.log") as f:
                return re.search(r"pssl:0:127.0.0.1: listening on port (\d+)", f.read())
        target = "ssl:127.0.0.1:" + rig.wait_for(port, "the switch to listen")[1]
        identity = ("-p", key, "-c", cert, "-C", cert)
        code, out, problem = tool(r, True, *identity, "show", target)
        if code or "OFPT_FEATURES_REPLY" not in out:
            raise rig.Failure(f"show {target}: exit {code}: {problem}")
        equal("show over TLS", plain(tool(r, False, *identity, "show", target)[1]), plain(out))
        code, _, problem = tool(r, True, "-t", "5", "show", target)
        if code != 1 or "rivate" not in problem:
            raise rig.Failure(f"without a key: exit {code}: {problem}")


def connections(r):
    return sorted(line for line in r.run("ovs-appctl", "dpctl/dump-conntrack").splitlines() if line.startswith("udp"))


def tracked():
    """ct-flush removes just the connections that match; ovs-dpctl shows the datapath as the switch's own dpctl/ commands do"""
    with switch() as r:
        weft(r, "add-flow", "br0", "udp,actions=ct(commit,zone=5),2")

        def fill():
            for port in (11, 12, 13):
                r.run("ovs-appctl", "netdev-dummy/receive", "p1", PACKET.format(ttl=64, port=port))
            rig.wait_for(lambda: len(connections(r)) == 3, f"three connections; {connections(r)}")
        fill()
        for words, left in ((("zone=6",), 3), (("zone=5", "ct_nw_src=10.0.0.1,ct_nw_proto=17,ct_tp_src=12"), 2), (("ct_nw_src=10.0.0.9",), 3),
                            (("zone=5", "", "ct_nw_src=10.0.0.2,ct_nw_proto=17,ct_tp_dst=11"), 2), ((), 0)):
            for ours in (False, True):
                weft(r, "ct-flush", "br0")
                fill()
                code, _, problem = tool(r, ours, "ct-flush", "br0", *words)
                if code:
                    raise rig.Failure(f"ct-flush {words}: exit {code}: {problem}")
                rig.wait_for(lambda: len(connections(r)) == left, f"{left} connections after ct-flush {words}; {connections(r)}", 5)
        fill()
        weft(r, "ct-flush-zone", "br0", "5")
        equal("after ct-flush-zone", connections(r), [])
        for wrong in (("foo",), ("ct_nw_src=1",)):
            same(r, "ct-flush", "br0", *wrong)
        names = r.run("ovs-dpctl", "dump-dps").split()
        equal("dump-dps", names, r.run("ovs-appctl", "dpctl/dump-dps").split())
        for words in (("show", names[0]), ("dump-conntrack", names[0]), ("dump-flows", names[0]), ("ct-stats-show", names[0])):
            code, out, problem = tool(r, True, *words, program="ovs-dpctl")
            strip = lambda text: re.sub(r"used:[0-9.a-z]+|packets:\d+|bytes:\d+|hit:\d+|missed:\d+|lookups:.*", "", text)
            if code or strip(out) != strip(r.run("ovs-appctl", "dpctl/" + words[0], *words[1:])):
                raise rig.Failure(f"ovs-dpctl {' '.join(words)}: exit {code}: {out}{problem}")


def pcap_packet(source, target, sequence, payload, ports, syn=False):
    tcp = struct.pack("!HHIIBBHHH", *ports, sequence, 0, 0x50, 2 if syn else 0x18, 1000, 0, 0) + payload
    ip = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + len(tcp), 0, 0x4000, 64, 6, 0, bytes(source), bytes(target)) + tcp
    frame = b"\0" * 12 + b"\x08\x00" + ip
    return struct.pack("<IIII", 1700000000, 5000, len(frame), len(frame)) + frame


def captures():
    """ofp-parse-pcap reads what Debian's reads: several streams, split messages, other ports"""
    a, b = (10, 0, 0, 1), (10, 0, 0, 2)
    hello, echo = bytes.fromhex("0100000800000001"), bytes.fromhex("0102000c00000007") + b"abcd"
    packets = [pcap_packet(a, b, 99, b"", (5000, 6653), syn=True), pcap_packet(a, b, 100, hello + echo[:5], (5000, 6653)),
               pcap_packet(b, a, 7, hello, (6653, 5000)), pcap_packet(a, b, 113, echo[5:], (5000, 6653)),
               pcap_packet(a, b, 1, hello, (5000, 80)), b"\0" * 8 + struct.pack("<II", 14, 14) + b"\0" * 12 + b"\x08\x06"]
    with rig.Rig(name="pcap") as r:
        path = os.path.join(r.dir, "x.pcap")
        with open(path, "wb") as f:
            f.write(struct.pack("<IHHiIII", 0xa1b2c3d4, 2, 4, 0, 0, 65535, 1) + b"".join(packets))
        for words in ((), ("80",), ("6633",)):
            same(r, "ofp-parse-pcap", path, *words)
        same(r, "--timestamp", "ofp-parse-pcap", path)
        equal("messages", tool(r, True, "ofp-parse-pcap", path)[1].count("OFPT_"), 3)
        same(r, "ofp-parse-pcap", __file__)
        same(r, "ofp-parse-pcap", r.dir + "/nothing")


if __name__ == "__main__":
    rig.main(one_switch, described, monitors, commands, tracked, captures)
