"""What controllers see of a switch: each scene is played with Weft's switch and with Debian's, and must look the same."""
import os
import re
import select
import socket
import struct
import subprocess
import time

import rig
from openflow import (BARRIER_REPLY, BARRIER_REQUEST, ECHO_REQUEST, ERROR, FEATURES_REQUEST, MULTIPART_REPLY, MULTIPART_REQUEST, ROLE_STATUS,
                      SET_ASYNC, SET_CONFIG, TABLE_STATUS, Session, error_code, unix)


def listener():
    s = socket.create_server(("127.0.0.1", 0))
    s.settimeout(10)
    return s, s.getsockname()[1]


def switch(weft):
    r = rig.Rig(weft={"ovs-vswitchd"} if weft else (), name="session")
    r.start_databases("conf")
    r.start_vswitchd("--enable-dummy=override", "--disable-system", "--disable-system-route")
    r.run("ovs-vsctl", "add-br", "br0", "--", "set", "bridge", "br0", "datapath_type=dummy", "fail-mode=secure",
          "protocols=OpenFlow10,OpenFlow13,OpenFlow14,OpenFlow15", 'other_config:hwaddr="aa:55:aa:55:00:00"', "--",
          "add-port", "br0", "p1", "--", "set", "interface", "p1", "ofport_request=1", "--",
          "add-port", "br0", "p2", "--", "set", "interface", "p2", "ofport_request=2")
    return r


def ofctl(r, *words, stdin=None):
    return r.run("ovs-ofctl", "-OOpenFlow15", *words, stdin=stdin)


def flows(r):
    text = ofctl(r, "--no-stats", "dump-flows", f"{r.dir}/br0.mgmt")
    return sorted(line.strip() for line in text.splitlines() if "actions" in line)


# --- scenes: each returns what must be equal


def roles(r):
    out = []
    a, b = unix(r), unix(r)
    out.append([a.role(0), b.role(0)])                       # nochange: equal
    out.append(a.role(2, 10))                                # master
    out.append([a.role(0), b.role(0)])
    out.append(b.role(2, 11))                                # the other takes over
    out.append([a.role(0), b.role(0)])
    a.add_flow()
    out.append(a.all_until_barrier())                        # a slave may not
    b.add_flow()
    out.append(b.all_until_barrier())
    out.append(a.role(2, 10))                                # stale
    out.append(a.role(3, 11))                                # slave, by itself
    out.append(a.role(1))
    a.add_flow(2)
    out.append(a.all_until_barrier())
    c = unix(r, version="OpenFlow14")
    out.append(c.role(2, 20))
    out.append(b.role(2, 21))
    kind, _, body = c.expect(ROLE_STATUS)                    # 1.4 is told that it lost
    out.append(struct.unpack(">IB3xQ", body[:16]))
    return out


class Monitor:
    """`ovs-ofctl monitor` in the background."""

    def __init__(self, r, *words, version="OpenFlow13"):
        self.r, self.log, self.ctl = r, f"{r.dir}/monitor.txt", f"{r.dir}/monitor.ctl"
        with open(self.log, "w") as out:
            self.process = subprocess.Popen(r.command("ovs-ofctl", f"-O{version}", f"--unixctl={self.ctl}", "monitor",
                                                      f"{r.dir}/br0.mgmt", *words), env=r.env, stdout=out, stderr=out)
        rig.wait_for(lambda: os.path.exists(self.ctl), "ovs-ofctl monitor to start")

    def text(self):
        self.r.run("ovs-appctl", "-t", self.ctl, "ofctl/barrier")
        with open(self.log) as f:
            return f.read()

    def __enter__(self):
        return self

    def __exit__(self, *problem):
        self.process.terminate()
        self.process.wait()
        if os.path.exists(self.ctl):
            os.unlink(self.ctl)


def flow_monitors(r):
    out = []
    # Nicira's, ONF's of OpenFlow 1.3, the standard's.
    for version in ("OpenFlow10", "OpenFlow13", "OpenFlow14", "OpenFlow15"):
        ofctl(r, "del-flows", f"{r.dir}/br0.mgmt")
        ofctl(r, "add-flow", f"{r.dir}/br0.mgmt", "in_port=1,actions=2")
        ofctl(r, "add-flow", f"{r.dir}/br0.mgmt", "table=1,cookie=5,in_port=2,actions=1")
        with Monitor(r, "watch:", version=version) as monitor:
            rig.wait_for(lambda: "in_port" in monitor.text(), "the flows that are there")
            send = [("add-flow", "table=1,priority=9,tcp,actions=drop"), ("mod-flows", "in_port=1,actions=LOCAL"),
                    ("mod-flows", "cookie=5/-1,actions=LOCAL"), ("add-flow", "in_port=1,actions=1,2"),
                    ("del-flows", "table=1,tcp")]
            for command, flow in send:
                ofctl(r, command, f"{r.dir}/br0.mgmt", flow)
            ofctl(r, "del-flows", f"{r.dir}/br0.mgmt")
            text = re.sub(r"\(xid=0x[0-9a-f]+\)", "", monitor.text())
            text = text.replace("event=INITIAL", "event=ADDED")
            out.append(sorted(line for line in text.splitlines() if "event=" in line))
    return out


def fail_modes(r):
    """Controllers that are there, that go, and that never were"""
    out = []
    ofctl(r, "del-flows", f"{r.dir}/br0.mgmt")
    server, port = listener()
    with server:
        r.run("ovs-vsctl", "set-controller", "br0", f"tcp:127.0.0.1:{port}", "--", "set", "controller", "br0", "inactivity_probe=1000",
              "max_backoff=1000", "connection_mode=out-of-band")
        s = Session(server.accept()[0])
        row = lambda column: r.run("ovs-vsctl", "get", "controller", "br0", column).strip()
        rig.wait_for(lambda: row("is_connected") == "true", "the controller in the database")
        out.append([row("is_connected"), row("role"), row("status:state")])
        s.add_flow(7)
        s.all_until_barrier()
        out.append(flows(r))
        # A controller that says nothing is asked, and left when it does not answer.
        kind, _, _ = s.expect(ECHO_REQUEST, seconds=8)
        out.append(kind)
        gone = rig.wait_for(lambda: s.receive(1) is None and select.select([s.socket], [], [], 0)[0], "the silent controller left", 10)
        out.append(bool(gone))
        s.socket.close()
        # It comes again; the flows stay in fail-mode secure.
        again = Session(server.accept()[0])
        out.append(flows(r))
        again.socket.close()
        out.append(row("is_connected") in ("true", "false"))
    # Standalone: when nobody answers, the switch learns by itself.
    r.run("ovs-vsctl", "set-fail-mode", "br0", "standalone")
    rig.wait_for(lambda: "NORMAL" in r.appctl("ovs-vswitchd", "bridge/dump-flows", "br0"), "standalone operation", 20)
    r.run("ovs-vsctl", "del-controller", "br0", "--", "set-fail-mode", "br0", "secure")
    return out


def passive(r):
    """ptcp: controllers, and the versions that a bridge speaks"""
    probe, port = listener()
    probe.close()
    r.run("ovs-vsctl", "set-controller", "br0", f"ptcp:{port}:127.0.0.1")
    out = []
    rig.wait_for(lambda: r.run("ovs-ofctl", "-OOpenFlow13", "show", f"tcp:127.0.0.1:{port}", check=False).returncode == 0, "the listening switch")
    r.run("ovs-vsctl", "set", "bridge", "br0", "protocols=OpenFlow13")
    rig.wait_for(lambda: r.run("ovs-ofctl", "-OOpenFlow10", "show", f"tcp:127.0.0.1:{port}", check=False).returncode != 0, "OpenFlow 1.0 refused")
    out.append(r.run("ovs-ofctl", "-OOpenFlow13", "show", f"tcp:127.0.0.1:{port}", check=False).returncode)
    r.run("ovs-vsctl", "set", "bridge", "br0", "protocols=OpenFlow10,OpenFlow13,OpenFlow14,OpenFlow15", "--", "del-controller", "br0")
    rig.wait_for(lambda: r.run("ovs-ofctl", "-OOpenFlow13", "show", f"tcp:127.0.0.1:{port}", check=False).returncode != 0, "nobody listening")
    return out


def bundles(r):
    """All of a bundle or nothing"""
    ofctl(r, "del-flows", f"{r.dir}/br0.mgmt")
    out = []
    ofctl(r, "--bundle", "add-flows", f"{r.dir}/br0.mgmt", "-", stdin="add in_port=1,actions=2\nadd in_port=2,actions=1\ndelete in_port=1\n")
    out.append(flows(r))
    done = r.run("ovs-ofctl", "-OOpenFlow14", "--bundle", "add-flows", f"{r.dir}/br0.mgmt", "-", check=False,
                 stdin="add priority=3,in_port=1,actions=2\nadd priority=4,in_port=1,actions=group:77\n")
    out.append(done.returncode)
    out.append(flows(r))
    return out


def learning(r):
    """learn, its timeouts and limits; fin_timeout"""
    out = []
    ofctl(r, "del-flows", f"{r.dir}/br0.mgmt")
    for flow in ("table=0,in_port=1,actions=learn(table=2,hard_timeout=300,idle_timeout=100,fin_idle_timeout=5,cookie=0x9,"
                 "NXM_OF_ETH_DST[]=NXM_OF_ETH_SRC[],NXM_OF_VLAN_TCI[0..11],load:NXM_OF_IN_PORT[]->NXM_NX_REG0[0..15],output:NXM_OF_IN_PORT[]),2",
                 "table=0,in_port=2,actions=learn(table=3,limit=2,send_flow_rem,NXM_OF_ETH_SRC[],load:1->NXM_NX_REG1[]),resubmit(,2)"):
        ofctl(r, "add-flow", f"{r.dir}/br0.mgmt", flow)
    for port, source in (("p1", "02"), ("p1", "03"), ("p2", "04"), ("p2", "05"), ("p2", "06")):
        r.appctl("ovs-vswitchd", "netdev-dummy/receive", port, f"020000000002" + f"0200000000{source}" + "1234" + "00" * 46)
    rig.wait_for(lambda: len(flows(r)) >= 6, "learned flows")
    r.appctl("ovs-vswitchd", "revalidator/wait")
    out.append(flows(r))
    ofctl(r, "del-flows", f"{r.dir}/br0.mgmt")
    ofctl(r, "add-flow", f"{r.dir}/br0.mgmt", "idle_timeout=100,hard_timeout=200,tcp,actions=fin_timeout(idle_timeout=10,hard_timeout=20),2")
    tcp = ("020000000002" "020000000001" "0800" "45000028000000004006" "0000" "0a000001" "0a000002"
           "04d20050" "00000001" "00000000" "50{}" "2000" "0000" "0000")
    r.appctl("ovs-vswitchd", "netdev-dummy/receive", "p1", tcp.format("10"))
    r.appctl("ovs-vswitchd", "revalidator/wait")
    out.append(flows(r))
    r.appctl("ovs-vswitchd", "netdev-dummy/receive", "p1", tcp.format("11"))
    rig.wait_for(lambda: r.appctl("ovs-vswitchd", "revalidator/wait") is not None and "idle_timeout=10," in flows(r)[0], "fin_timeout")
    out.append(flows(r))
    return out


def pausing(r):
    """controller(pause): the packet goes on where it stopped"""
    ofctl(r, "del-flows", f"{r.dir}/br0.mgmt")
    for flow in ("table=0,in_port=1,actions=load:5->NXM_NX_REG0[],push:NXM_NX_REG0[],controller(pause,userdata=01.02),pop:NXM_NX_REG1[],resubmit(,1)",
                 "table=1,reg0=5,reg1=5,actions=mod_dl_src:02:00:00:00:00:99,2"):
        ofctl(r, "add-flow", f"{r.dir}/br0.mgmt", flow)
    with Monitor(r, "resume", "65534", "-P", "nxt_packet_in2") as monitor:
        monitor.text()
        r.appctl("ovs-vswitchd", "netdev-dummy/receive", "p1", "020000000002" "020000000001" "1234" + "00" * 46)
        rig.wait_for(lambda: re.search(r"n_packets=1.*reg0=0x5", r.run("ovs-ofctl", "-OOpenFlow13", "dump-flows", f"{r.dir}/br0.mgmt")),
                     "the resumed packet in table 1")
        return []


def long_dumps(r):
    """a reply longer than anyone buffers: it comes whole to who reads late, what was asked after it comes after it, others are served meanwhile"""
    count, note = 3000, ".".join(["5a"] * 600)  # few flows, as adding many takes long on a busy machine
    ofctl(r, "del-flows", f"{r.dir}/br0.mgmt")
    ofctl(r, "add-flows", f"{r.dir}/br0.mgmt", "-", stdin="".join(
        f"cookie={i},priority={i % 7},ip,nw_dst=10.{i >> 16}.{i >> 8 & 255}.{i & 255},actions=note:{note},2\n" for i in range(count)))
    slow, other = unix(r), unix(r)
    asked = slow.send(MULTIPART_REQUEST, struct.pack(">HHIB3xIIIQQHHI", 1, 0, 0, 0xff, 0xffffffff, 0xffffffff, 0, 0, 0, 1, 4, 0))
    barrier = slow.send(BARRIER_REQUEST)
    served = other.all_until_barrier()
    seen, more, after = set(), 1, []
    while True:
        kind, xid, body = slow.expect(MULTIPART_REPLY, BARRIER_REPLY, seconds=10)
        if kind == BARRIER_REPLY:
            after.append(xid == barrier and not more)
            break
        more = struct.unpack(">H", body[2:4])[0] & 1
        at = 8
        while xid == asked and at < len(body):
            seen.add(struct.unpack(">Q", body[at + 24:at + 32])[0])
            at += struct.unpack(">H", body[at:at + 2])[0]
    # One who goes away in the middle of a reply leaves nothing behind.
    gone = unix(r)
    gone.send(MULTIPART_REQUEST, struct.pack(">HHIB3xIIIQQHHI", 1, 0, 0, 0xff, 0xffffffff, 0xffffffff, 0, 0, 0, 1, 4, 0))
    gone.socket.close()
    ofctl(r, "del-flows", f"{r.dir}/br0.mgmt")
    return [served, len(seen) == count and seen == set(range(count)), after, other.all_until_barrier(), flows(r)]


def filling(r):
    """Tables that tell how full they are"""
    r.run("ovs-vsctl", "--", "--id=@t", "create", "Flow_Table", "flow_limit=5", "--", "set", "bridge", "br0", "flow_tables:3=@t")
    out, switch_ = [], f"{r.dir}/br0.mgmt"
    for version in ("OpenFlow14", "OpenFlow15"):
        ofctl(r, "del-flows", switch_)
        s = unix(r, version=version)
        s.send(SET_CONFIG, struct.pack(">HH", 0, 128))       # or nothing comes unasked
        s.send(SET_ASYNC, struct.pack(">HHI", 9, 8, 0x18))

        def told():
            got, barrier = [], s.send(BARRIER_REQUEST)
            while (one := s.expect(TABLE_STATUS, BARRIER_REPLY))[1] != barrier:
                got.append(one[2].hex())
            out.append(got)
        for setting in ("vacancy:40,60", "vacancy:50,50", "vacancy:0,100", "vacancy:100,100", "novacancy", "vacancy:20,20"):
            out.append(setting)
            ofctl(r, "mod-table", switch_, "3", setting)
            told()
            for n in range(5):
                ofctl(r, "add-flow", switch_, f"table=3,priority={n + 1},actions=drop")
                told()
            out.append(r.run("ovs-ofctl", "-OOpenFlow15", "add-flow", switch_, "table=3,priority=9,actions=drop", check=False).returncode)
            out.append(re.findall(r"table 3:.*?\n(.*?\n.*?\n)", ofctl(r, "dump-table-desc", switch_)))
            # Changed while the table is full, and emptied one by one, the last two at once.
            ofctl(r, "mod-table", switch_, "3", setting)
            told()
            for n in range(3):
                ofctl(r, "--strict", "del-flows", switch_, f"table=3,priority={n + 1}")
                told()
            ofctl(r, "del-flows", switch_, "table=3")
            told()
        s.socket.close()
    r.run("ovs-vsctl", "clear", "bridge", "br0", "flow_tables")
    return out


def requests_in_parts(r):
    """Requests of several messages"""
    out = []
    for version in ("OpenFlow13", "OpenFlow15"):
        s = unix(r, version=version)

        def ask(kind, *parts, xid, flags=None):
            for i, part in enumerate(parts):
                more = int(i + 1 < len(parts)) if flags is None else flags
                s.send(MULTIPART_REQUEST, struct.pack(">HHI", kind, more, 0) + part, xid)

        def answers():
            """By transaction: kinds of replies; of errors the code, and length and flags of the part that is meant."""
            got, barrier = [], s.send(BARRIER_REQUEST)
            while (one := s.expect(ERROR, MULTIPART_REPLY, BARRIER_REPLY, FEATURES_REQUEST + 1))[1] != barrier:
                kind, xid, body = one
                if kind == ERROR:
                    about = body[12:] if body[:2] == b"\xff\xff" else body[4:]
                    got.append((xid, error_code(s.version, body), about[8:12].hex()))
                elif (xid, kind) not in got:
                    got.append((xid, kind))
            out.append(got)
        ask(12, b"", xid=900)
        features = b""
        while True:
            _, _, body = s.expect(MULTIPART_REPLY)
            features += body[8:]
            if not body[3] & 1:
                break
        tables = []
        while features:
            size = struct.unpack(">H", features[:2])[0]
            tables.append(features[:size])
            features = features[size:]
        a, b, c = tables[:3]
        bad = struct.pack(">H", len(c) + 8) + c[2:]
        port, desc = struct.pack(">II", 0xffffffff, 0), b""
        for number, (kind, *parts) in enumerate([(0, desc, desc), (3, b"", b"", b""), (12, b"", b""), (12, a), (12, a, b), (12, a, b, c), (12, a, b""),
                                                 (12, b"", a), (12, a + a), (12, a, a + b), (12, a, b, bad), (12, a, bad, b), (4, port, port),
                                                 (4, port, port, port), (6, b"", port), (99, a, b), (12, *tables)]):
            ask(kind, *parts, xid=1000 + number)
            answers()
        # Several at a time, with other messages between, and one that changes its mind.
        ask(12, a, xid=2000, flags=1)
        ask(12, b, xid=2001, flags=1)
        s.send(FEATURES_REQUEST, xid=2000)
        ask(0, b"", xid=2002)
        ask(12, b, xid=2001, flags=0)
        ask(0, b"", xid=2000, flags=0)
        ask(12, b, xid=2000, flags=0)
        answers()
        # The rest never comes.
        ask(12, a, xid=3000, flags=1)
        ask(12, b"", xid=3001, flags=1)
        ask(4, port, xid=3002, flags=1)
        answers()
        late = sorted((xid, error_code(s.version, body)) for _, xid, body in (s.expect(ERROR) for _ in range(3)))
        out.append(late)
        s.socket.close()
    return out


def tunnel_options(r):
    """Fields that are options of tunnels: known and not known"""
    out, switch_ = [], f"{r.dir}/br0.mgmt"
    for mapped in (False, True):
        if mapped:
            ofctl(r, "add-tlv-map", switch_, "{class=0x102,type=0x80,len=4}->tun_metadata0")
        for version in ("OpenFlow10", "OpenFlow13", "OpenFlow15"):
            for flow in ("set_field:9->tun_metadata0", "set_field:0x1/0x3->tun_metadata0", "load:5->NXM_NX_TUN_METADATA0[]",
                         "move:NXM_NX_REG0[]->NXM_NX_TUN_METADATA0[]",
                         "move:NXM_NX_REG0[]->NXM_NX_TUN_METADATA0[0..31]", "move:NXM_NX_REG0[]->NXM_NX_TUN_METADATA0[16..47]",
                         "push:NXM_NX_TUN_METADATA0[0..31]", "pop:NXM_NX_TUN_METADATA5[0..31]", "learn(table=1,NXM_NX_TUN_METADATA5[0..31])",
                         "learn(table=1,NXM_NX_TUN_METADATA0[0..31])", "output:NXM_NX_TUN_METADATA5[0..3]", "clone(set_field:1->tun_metadata5)",
                         "delete_field:tun_metadata0", "delete_field:tun_metadata5"):
                done = r.run("ovs-ofctl", f"-O{version}", "add-flow", switch_, f"actions={flow}", check=False)
                out.append((version, flow, done.returncode, re.findall(r"[A-Z]+_[A-Z_]+_[A-Z_]+", done.stderr.replace("_FLOW_MOD", ""))[:1]))
                if not done.returncode:
                    out.append([flow.replace("reset_counts ", "") for flow in flows(r)])
    ofctl(r, "del-flows", switch_)
    ofctl(r, "del-tlv-map", switch_)
    return out


def play(scene):
    def test():
        results = []
        for weft in (False, True):
            with switch(weft) as r:
                try:
                    results.append(scene(r))
                except (rig.Failure, AssertionError, OSError) as problem:
                    raise rig.Failure(f"{'weft' if weft else 'debian'}: {problem}") from problem
        if results[0] != results[1]:
            raise rig.Failure(f"debian: {results[0]}\n  weft:   {results[1]}")
    test.__doc__ = scene.__doc__ or scene.__name__.replace("_", " ")
    return test


SCENES = [roles, flow_monitors, fail_modes, passive, bundles, learning, pausing, long_dumps, filling, requests_in_parts,
          tunnel_options]

if __name__ == "__main__":
    only = os.environ.get("WEFT_SCENES", "").split()
    rig.main(*[play(scene) for scene in SCENES if not only or scene.__name__ in only])
