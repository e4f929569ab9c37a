"""ovs-testcontroller beside Debian's: the same messages for the same switch, and switches of both makes under it."""
import os
import random
import re
import socket
import ssl
import struct
import subprocess

import dummies
import openflow as of
import packets as p
import pki
import rig

SEED = int(os.environ.get("WEFT_SEED", "1"))
WEFT, DEBIAN = {"ovs-testcontroller"}, ()
ECHO = b"so far"


class Controllers(rig.Rig):
    """A controller that waits at a socket of its own."""

    def __init__(self, weft, *options, methods=None):
        super().__init__(weft=weft, name="testcontroller")
        self.start("controller", "ovs-testcontroller", f"--unixctl={self.dir}/controller.ctl", *options, *(methods or [f"punix:{self.dir}/c"]))

    def session(self, version):
        s = socket.socket(socket.AF_UNIX)
        s.connect(f"{self.dir}/c")
        return of.Session(s, version)


def text(message):
    # A flow for the table of the switch's choice is one for table 0.
    return subprocess.run(["/usr/bin/ovs-ofctl", "ofp-print", message.hex()], capture_output=True, text=True).stdout.replace("ADD table:255 ", "ADD ")


# --- what a switch says ---

def port(version, number, name):
    if version == 1:
        return struct.pack(">H6s16s6I", number, b"\2\0\0\0\0" + bytes([number]), name, 0, 0, 0, 0, 0, 0)
    if version < 5:
        return struct.pack(">I4x6s2x16s8I", number, b"\2\0\0\0\0" + bytes([number]), name, *[0] * 8)
    return struct.pack(">IH2x6s2x16sII", number, 40, b"\2\0\0\0\0" + bytes([number]), name, 0, 0)


def features(version):
    ports = b"".join(port(version, n, b"p%d" % n) for n in (1, 2, 3)) if version < 4 else b""
    if version == 1:
        return struct.pack(">QIB3xII", 0x1234, 256, 254, 0xff, 0xfff) + ports
    return struct.pack(">QIBB2xII", 0x1234, 256, 254, 0, 0xff, 0) + ports


def packet_in(version, number, frame, buffer, reason=0):
    if version == 1:
        return struct.pack(">IHHBx", buffer, len(frame), number & 0xffff, reason) + frame
    if version == 2:
        return struct.pack(">IIIHBB", buffer, number, number, len(frame), reason, 0) + frame
    oxm = struct.pack(">HHHBBI4x", 1, 12, 0x8000, 0, 4, number)
    return struct.pack(">IHBB", buffer, len(frame), reason, 0) + (struct.pack(">Q", 0) if version >= 4 else b"") + oxm + b"\0\0" + frame


STATIONS = ["020000000001", "020000000002", "020000000003", "02000000000a", "020000000011", "ffffffffffff", "01005e000005", "0180c200000e", "0180c2000010"]


def random_frame(r):
    to, source = r.choice(STATIONS), r.choice(STATIONS)
    tag = r.choice([b"", b"", b"", struct.pack(">HH", 0x8100, r.choice([0, 5, 0x2005, 0x3007]))])
    inner = r.choice([
        lambda: struct.pack(">H", 0x800) + p.ipv4("10.0.0.1", "10.0.0.2", 17, struct.pack(">HHHH", 1, 2, 8, 0)),
        lambda: struct.pack(">H", 0x800) + p.ipv4("10.1.0.1", "10.0.0.2", 6, struct.pack(">HHIIHHHH", 7, 80, 0, 0, 0x5002, 10, 0, 0)),
        lambda: struct.pack(">H", 0x800) + p.ipv4("10.1.0.1", "10.0.0.2", 1, struct.pack(">BBHI", 8, 0, 0, 1)),
        lambda: struct.pack(">H", 0x800) + p.ipv4("10.1.0.1", "10.0.0.2", 50, b"\0" * 20),
        lambda: struct.pack(">H", 0x806) + bytes.fromhex("0001080006040001020000000003c0a80002000000000000c0a80001"),
        lambda: struct.pack(">H", 0x86dd) + p.ipv6("fe80::1", "fe80::2", 58, struct.pack(">BBHI", 128, 0, 0, 1)),
        lambda: struct.pack(">H", 0x86dd) + p.ipv6("fd00::1", "fd00::2", 17, struct.pack(">HHHH", 5, 6, 8, 0)),
        lambda: struct.pack(">HBBB", 38, 0x42, 0x42, 3) + b"\0" * 35,
        lambda: struct.pack(">H", 0x8847) + struct.pack(">I", 0x00010140) + b"\0" * 40,
        lambda: struct.pack(">H", 0x1234)])()
    frame = bytes.fromhex(to + source) + tag + inner
    return frame[:r.choice([len(frame)] * 6 + [60, 40, 20, 14, 13, 3])]


def conversation(session, seed):
    """What a controller sends a switch that says hello, who it is, and forty packets."""
    r, version, got = random.Random(seed), session.version, []

    def heard():
        while True:
            one = session.whole()
            if one is None:
                raise rig.Failure("the controller fell silent")
            if one[1] == of.ECHO_REPLY and one[8:] == ECHO:
                return
            if one[1] != of.ECHO_REQUEST:
                got.append(one[:4] + b"\0" * 4 + one[8:])  # Debian's counts its messages over all connections

    def say(kind, body):
        session.send(kind, body)
        session.send(of.ECHO_REQUEST, ECHO)
        heard()
    say(of.PACKET_IN, packet_in(version, 1, random_frame(r), 0xffffffff))  # too early
    say(of.FEATURES_REPLY, features(version))
    for step in range(40):
        if step == 20:
            session.send(of.ERROR, struct.pack(">HH", 1, 1) + b"\0" * 8)
            session.send(99)
            say(of.PORT_STATUS, struct.pack(">B7x", 0) + port(version, 4, b"p4"))
        number = r.choice([1, 2, 3, 4, 0xfffffffe])
        say(of.PACKET_IN, packet_in(version, number, random_frame(r), r.choice([0xffffffff, 0xffffffff, r.randrange(1 << 31)]), r.choice([0] * 9 + [1])))
    return got


CHOICES = [[], ["-n"], ["-H"], ["-H", "--noflow"], ["-w"], ["-w0x2000EC"], ["--wildcards=3fffff"], ["-q", "5"], ["-q", "0", "-H", "-N"],
           ["--max-idle=permanent"], ["--max-idle", "7"], ["--with-flows=FLOWS"]]


def messages():
    """For random packets, both send the same messages, with every option and in every version"""
    with rig.Rig(name="flows") as place:
        with open(f"{place.dir}/flows", "w") as f:
            f.write("# two\npriority=5,actions=1\n\ntable=3,ip,actions=2,normal\n")
        for options in CHOICES:
            options = [w.replace("FLOWS", f"{place.dir}/flows") for w in options]
            with Controllers(WEFT, *options) as ours, Controllers(DEBIAN, *options) as theirs:
                for version in of.VERSIONS:
                    seed = f"{SEED} {options} {version}"
                    a, b = (conversation(each.session(version), seed) for each in (ours, theirs))
                    assert len(b) > 20 or "-n" in options or "--noflow" in options, (options, len(b))
                    # Bytes that differ may mean the same: the priority of no tag.
                    if a != b and [text(x) for x, y in zip(a, b) if x != y] != [text(y) for x, y in zip(a, b) if x != y] or len(a) != len(b):
                        k = next(i for i, pair in enumerate(zip(a + [b""], b + [b""])) if pair[0] != pair[1] and text(pair[0]) != text(pair[1]))
                        raise rig.Failure(f"{seed}: message {k}:\nWEFT: {text((a + [b''])[k])}\nDEBIAN: {text((b + [b''])[k])}")


def beyond():
    """What Debian's manual promises and its program does not do: NORMAL, queues of ports in OpenFlow 1.3, several files, mute"""
    with rig.Rig(name="flows") as place:
        for n in (1, 2):
            with open(f"{place.dir}/flows{n}", "w") as f:
                f.write(f"priority={n},actions={n}\n")
        options = ["-Q", "p2:7", f"--with-flows={place.dir}/flows1", f"--with-flows={place.dir}/flows2"]
        with Controllers(WEFT, *options) as c:
            session = c.session("OpenFlow13")
            sent = [session.whole() for _ in range(6)]
            told = "".join(text(m) for m in sent)
            assert "priority=1 actions=output:1" in told and "priority=2 actions=output:2" in told and "PORT_DESC request" in told, told
            session.send(of.FEATURES_REPLY, features(4))
            session.send(of.MULTIPART_REPLY, struct.pack(">HH4x", 13, 0) + port(4, 1, b"p1") + port(4, 2, b"p2"))
            for number, to, source in ((1, 2, 1), (2, 1, 2)):
                session.send(of.PACKET_IN, packet_in(4, number, bytes.fromhex(STATIONS[to - 1] + STATIONS[source - 1] + "1234") + b"\0" * 46, 0xffffffff))
            told = "".join(text(session.whole()) for _ in range(3))
            assert "actions=set_queue:7,output:1,pop_queue" in told, told
    with Controllers(WEFT, "--mute") as c:
        session = c.session("OpenFlow10")
        session.expect(of.FEATURES_REQUEST)
        session.expect(of.SET_CONFIG)
        session.send(of.FEATURES_REPLY, features(1))
        session.send(of.ECHO_REQUEST, ECHO)
        session.send(of.PACKET_IN, packet_in(1, 1, bytes.fromhex(STATIONS[1] + STATIONS[0] + "1234"), 0xffffffff))
        assert session.whole(0.5) is None, "a mute controller spoke"


def switches():
    """Switches of both makes, called and calling, get the same flows and deliver the same packets under both controllers"""
    frames = [(1, "ffffffffffff", STATIONS[0]), (2, STATIONS[0], STATIONS[1]), (1, STATIONS[1], STATIONS[0]), (3, STATIONS[0], STATIONS[2]), (3, "0180c2000001", STATIONS[2])]
    for version, options, active in (("OpenFlow10", ["-N"], False), ("OpenFlow13", ["-w"], True), ("OpenFlow15", ["-H"], False)):
        found = {}
        for weft_controller in (True, False):
            if options == ["-N"] and not weft_controller:
                continue
            for weft_switch in (True, False):
                with dummies.Switch(weft_switch, 3) as s:
                    remote = f"punix:{s.dir}/br0.of" if active else f"unix:{s.dir}/c.sock"
                    method = f"unix:{s.dir}/br0.of" if active else f"punix:{s.dir}/c.sock"
                    s.vsctl("set", "bridge", "br0", f"protocols={version}", "fail_mode=secure", "--", "set-controller", "br0", remote)
                    rig.wait_for(lambda: not active or os.path.exists(f"{s.dir}/br0.of"), "the switch to listen")
                    with Controllers(WEFT if weft_controller else DEBIAN, *options, methods=[method]):
                        rig.wait_for(lambda: s.show("time/warp", "1000") and (active or "true" in s.vsctl("--columns=is_connected", "list", "controller")), "the connection")
                        flows(s, version, lambda text: version == "OpenFlow10" or "CONTROLLER" in text, lambda: s.show("time/warp", "1000"))
                        delivered = []
                        for number, to, source in frames:
                            s.receive(number, bytes.fromhex(to + source + "1234") + b"\0" * 46)
                            if number == 3 and to != STATIONS[0]:
                                flows(s, version, lambda text: "01:80:c2" in text)
                                continue
                            rig.wait_for(lambda: delivered.append(s.sent()) or any(delivered[-1].values()), "a packet delivered")
                        found[weft_controller, weft_switch] = (flows(s, version), [one for one in delivered if any(one.values())])
        first = next(iter(found.values()))
        for who, what in found.items():
            if what != first:
                raise rig.Failure(f"{version} {options}, controller {who[0]}, switch {who[1]}:\n{what}\nis not as\n{first}")
        assert "NORMAL" in first[0] if options == ["-N"] else "output" in first[0] or "FLOOD" in first[0], first


def flows(s, version, until=lambda text: True, again=lambda: None):
    def ask():
        again()
        text = s.run("ovs-ofctl", "-O", version, "dump-flows", f"unix:{s.dir}/br0.mgmt")
        return until(text) and "\n".join(sorted(re.sub(r"(duration|n_packets|n_bytes|idle_age|hard_age)=[\d.s]+,? ?", "", line)
                                                for line in text.splitlines()[1:])) + " "
    return rig.wait_for(ask, "the flows")


def over_tls():
    """A switch is served over pssl:, and not without the right certificate"""
    with rig.Rig(weft=WEFT, name="testcontroller-tls") as r:
        ours, theirs = pki.Authority(r.dir, "our"), pki.Authority(r.dir, "their")
        me, switch, stranger = ours.issue("controller"), ours.issue("switch"), theirs.issue("stranger")
        with socket.create_server(("127.0.0.1", 0)) as free:
            number = free.getsockname()[1]
        r.start("controller", "ovs-testcontroller", f"--private-key={me.key}", f"--certificate={me.certificate}", f"--ca-cert={ours.certificate}",
                f"--unixctl={r.dir}/controller.ctl", f"pssl:{number}:127.0.0.1")

        def call(identity):
            context = ssl.create_default_context(cafile=ours.certificate)
            context.check_hostname = False
            context.load_cert_chain(identity.certificate, identity.key)
            return context.wrap_socket(socket.create_connection(("127.0.0.1", number)))
        session = of.Session(call(switch), "OpenFlow14")
        session.expect(of.FEATURES_REQUEST)
        try:
            call(stranger).recv(1)
            raise rig.Failure("a stranger was served")
        except (ssl.SSLError, ConnectionError):
            pass


def options():
    """Mistakes on the command line get the words that Debian's program has for them"""
    def said(program, words):
        with rig.Rig(weft=program, name="mistakes") as r:
            done = r.run("ovs-testcontroller", f"--unixctl={r.dir}/u", *words, check=False)
            return done.returncode, [line.split(": ", 1)[1] for line in done.stderr.splitlines() if line.startswith("ovs-testcontroller:")]
    with rig.Rig(name="mistakes") as place:
        with open(f"{place.dir}/flows", "w") as f:
            f.write("\nfoo=1,actions=2\n")
        for words in ([], ["--max-idle=0", "ptcp:"], ["--max-idle=65536", "ptcp:"], ["--max-idle=x", "ptcp:"], ["-Qp1", "ptcp:"], ["bad:"], [f"--with-flows={place.dir}/flows", "ptcp:"]):
            ours, theirs = said(WEFT, words), said(DEBIAN, words)
            if ours != theirs:
                raise rig.Failure(f"{words}: {ours}, Debian's {theirs}")
    for words in (["-w0x400000", "ptcp:"], ["-wx", "ptcp:"], ["-qx", "ptcp:"], ["-Qp1:1", "-Qp1:2", "ptcp:"], ["-O", "OpenFlow99", "ptcp:"], ["-O", "", "ptcp:"], ["--with-flows=/nonexistent", "ptcp:"]):
        code, lines = said(WEFT, words)
        assert code == 1 and len(lines) == 1, (words, code, lines)


def random_bytes():
    """Bytes that are no OpenFlow do no harm"""
    r = random.Random(SEED)
    with Controllers(WEFT) as c:
        for _ in range(60):
            s = socket.socket(socket.AF_UNIX)
            s.connect(f"{c.dir}/c")
            s.sendall(of.message(r.randrange(1, 7), of.HELLO) if r.randrange(4) else b"")
            try:
                for _ in range(20):
                    body = r.randbytes(r.randrange(100))
                    s.sendall(of.message(r.randrange(1, 7), r.choice([of.PACKET_IN, of.FEATURES_REPLY, of.PORT_STATUS, of.MULTIPART_REPLY, r.randrange(256)]), body)
                              if r.randrange(8) else r.randbytes(30))
            except OSError:
                pass
            s.close()
        assert "OFPT" in text(c.session("OpenFlow13").whole()) and c.alive("controller")


if __name__ == "__main__":
    print(f"seed {SEED}")
    rig.main(messages, beyond, switches, over_tls, options, random_bytes)
