"""Weft's connection tracker lets through, marks and translates what Debian's does: the same random packets through the
same OpenFlow rules on a dummy bridge of each, with time stopped and warped, compared byte for byte and with
dpctl/dump-conntrack.

What differs on purpose (docs/decisions/0010, 0011) is not generated, but for ports chosen by a hash, which are
compared by what they have to be.
"""
import os
import random
import re
import socket
import struct
import time
import zlib

import control
import packets as pk
import rig

A, B, C = "10.0.0.1", "10.0.0.2", "10.1.1.1"
A6, B6, C6 = "fc00::1", "fc00::2", "fc00::9"
SECONDS = 18

# What the tracker says is written into the source address: ct_state, mark, the low byte of the label.
TELL = ("move:NXM_NX_CT_STATE[0..7]->NXM_OF_ETH_SRC[0..7],move:NXM_NX_CT_MARK[0..7]->NXM_OF_ETH_SRC[8..15],"
        "move:NXM_NX_CT_LABEL[0..7]->NXM_OF_ETH_SRC[16..23]")
OUT = f"""table=2,in_port=1,actions={TELL},2
table=2,in_port=2,actions={TELL},1
table=0,priority=2000,in_port=3,actions=1,2
"""
EXEC = "exec(load:7->NXM_NX_CT_MARK[],load:5->NXM_NX_CT_LABEL[0..63])"


def rules(zone, nat, commit_nat4, commit_nat6):
    """ct in `zone` for all; what is new from port 1 is committed."""
    commit = f"ct(commit,zone={zone},{EXEC}"
    text = OUT
    for family, commit_nat in (("ip", commit_nat4), ("ipv6", commit_nat6)):
        text += f"""table=0,priority=100,{family},actions=ct(table=1,zone={zone}{nat})
table=1,priority=9,in_port=1,{family},ct_state=+new,actions={commit}{commit_nat},table=2)
table=1,priority=1,{family},actions=goto_table:2
"""
    return text


def shown(frame):
    """All that differs is shown; long payloads by their checksum."""
    return frame.hex() if len(frame) < 120 else f"{frame[:100].hex()}...{len(frame)}:{zlib.crc32(frame):08x}"


class Switch:
    def __init__(self, weft, name):
        self.rig = r = rig.Rig(weft=weft, name=f"conntrack-{name}")
        self.name = name
        r.start_databases("conf")
        r.start_vswitchd("--enable-dummy", "--disable-system", "--disable-system-route")
        words = ["add-br", "br0", "--", "set", "bridge", "br0", "datapath_type=dummy", "fail-mode=secure"]
        self.pcap, self.at = {}, {}
        for n in (1, 2, 3):
            self.pcap[n] = os.path.join(r.dir, f"p{n}.pcap")
            self.at[n] = 24
            words += ["--", "add-port", "br0", f"p{n}", "--", "set", "interface", f"p{n}", "type=dummy",
                      f"ofport_request={n}", f"options:tx_pcap={self.pcap[n]}"]
        r.run("ovs-vsctl", *words)
        self.call = control.Control(os.path.join(r.dir, "vswitchd.ctl"))
        self.call.socket.settimeout(20)
        self.call("time/stop")
        self.marks = 0

    def say(self, *words):
        answer = self.call(*words)
        return answer["result"] if answer.get("error") is None else "error: " + answer["error"]

    def rules(self, text):
        self.rig.run("ovs-ofctl", "del-flows", "br0")
        self.rig.run("ovs-ofctl", "add-flows", "br0", "-", stdin=text)
        self.say("dpctl/flush-conntrack")

    def read(self, port):
        with open(self.pcap[port], "rb") as f:
            f.seek(self.at[port])
            data = f.read()
        out, at = [], 0
        while at + 16 <= len(data):
            size = struct.unpack_from("<I", data, at + 8)[0]
            if at + 16 + size > len(data):
                break
            out.append(data[at + 16:at + 16 + size])
            at += 16 + size
        self.at[port] += at
        return out

    def send(self, *sent):
        """[(port, frame)...] in; {port: [frame...]} out, when the marker behind them has come out everywhere."""
        for port, frame in sent:
            answer = self.call("netdev-dummy/receive", f"p{port}", frame.hex())
            if answer.get("error"):
                raise rig.Failure(f"{self.name}: netdev-dummy/receive: {answer['error']}")
        self.marks += 1
        marker = pk.ethernet(0x1234, struct.pack(">I", self.marks) + b"\0" * 50)
        self.call("netdev-dummy/receive", "p3", marker.hex())
        out = {1: [], 2: []}

        def arrived():
            for port in out:
                out[port] += self.read(port)
            return all(marker in frames for frames in out.values())
        end = time.monotonic() + 10
        while not arrived():
            if time.monotonic() > end:
                raise rig.Failure(f"{self.name}: the marker did not come out")
            time.sleep(0.001)
        return {port: [f for f in frames if f != marker] for port, frames in out.items()}

    def connections(self):
        return (sorted(self.say("dpctl/dump-conntrack", "-m").split("\n")),
                sorted(self.say("dpctl/dump-conntrack", "-s").split("\n")))


class Pair:
    def __init__(self):
        self.switches = [Switch((), "debian"), Switch({"ovs-vswitchd"}, "weft")]
        self.packets = self.cases = 0

    def rules(self, text):
        for switch in self.switches:
            switch.rules(text)

    def same(self, what, ask):
        debian, weft = (ask(switch) for switch in self.switches)
        if debian != weft:
            raise rig.Failure(f"{what}:\n  debian {debian}\n  weft   {weft}")
        return weft

    def both(self, *words):
        return self.same(" ".join(words), lambda s: s.say(*words))

    def send(self, story, *sent, in_order=True):
        """Fragments that are let go together may overtake each other where one needs the slow path."""
        def output(switch):
            out = {1: [], 2: []}
            for some in [sent] if in_order else [[one] for one in sent]:
                for port, frames in switch.send(*some).items():
                    out[port] += [shown(f) for f in frames]
            return out if in_order else {port: sorted(frames) for port, frames in out.items()}
        self.packets += len(sent)
        try:
            out = self.same("output", output)
            self.same("connections", lambda s: s.connections())
            return out
        except rig.Failure as problem:
            lines = "\n  ".join(story + [f"{port} <- {frame.hex()[:400]}" for port, frame in sent])
            raise rig.Failure(f"{problem}\nafter\n  {lines}") from None

    def stop(self):
        for switch in self.switches:
            switch.rig.stop()


# --- random stories


def tcp_story(pair, rnd, a, b, c, scene):
    """A connection's life with mistakes; `c`: what `a` looks like to `b`."""
    start = {1: rnd.choice([100, 0xfffffff0, rnd.randrange(1 << 32)]), 2: rnd.choice([5000, 0xffffff00])}
    following, story = dict(start), []
    ports = (rnd.randrange(1024, 60000), rnd.choice([80, 443, 8080]))
    middle = rnd.random() < 0.15
    for step in range(rnd.randrange(2, 12)):
        way = rnd.choice([1, 1, 2]) if step else 1
        chance = rnd.random()
        if step == 0:
            flags = rnd.choice(["A", "PA"]) if middle else "S"
        elif step == 1 and not middle and rnd.random() < 0.85:
            way, flags = 2, "SA"
        elif chance < 0.08:
            # Debian's keeps the translated port of a connection that a SYN has ended for a while.
            flags = "A" if "nat(" in scene else "S" if way == 1 else "SA"
        elif chance < 0.12:
            flags = rnd.choice(["F", "SF", "SR", "P", "", "FPU", "SAF"])
        elif chance < 0.27:
            flags = "FA"
        elif chance < 0.35:
            flags = rnd.choice(["R", "RA"])
        else:
            flags = rnd.choice(["A", "PA"])
        if middle and "S" in flags:
            flags = "A"
        data = bytes(rnd.randrange(256) for _ in range(rnd.choice([1, 10, 1000]))) if "P" in flags else b""
        sequence, acknowledgment = following[way], following[3 - way]
        chance = rnd.random()
        if step > 1 and chance < 0.1:
            sequence += rnd.choice([-70000, -1, 1, 500, 70000, 200000, -3000, -200000])
        elif step > 1 and chance < 0.2:
            acknowledgment += rnd.choice([-70000, -1, 1, 500, 70000, 200000, -3000])
        else:
            following[way] = sequence + len(data) + ("S" in flags) + ("F" in flags)
        if "A" not in flags:
            acknowledgment = 0
        src, dst = (a, b) if way == 1 else (b, c)
        sport, dport = ports if way == 1 else ports[::-1]
        options = bytes([1, 3, 3, rnd.choice([0, 2, 7])]) if "S" in flags and rnd.random() < 0.5 else b""
        segment = pk.tcp(src, dst, sport, dport, flags, sequence, acknowledgment,
                         window=rnd.choice([60000, 1000, 100]), data=data, options=options)
        if rnd.random() < 0.04:
            segment = segment[:16] + bytes([segment[16] ^ 1]) + segment[17:]
        said = f"{way}: {flags} seq {sequence - start[way]:+} ack {acknowledgment - start[3 - way]:+} len {len(data)}"
        pair.send(story, (way, pk.frame(src, dst, 6, segment)))
        story.append(said)


def datagram_story(pair, rnd, a, b, c, scene):
    story, port = [], rnd.randrange(1024, 60000)
    sport, dport = port, 53
    for _ in range(rnd.randrange(2, 8)):
        way = rnd.choice([1, 1, 2])
        src, dst = (a, b) if way == 1 else (b, c)
        ports = (sport, dport) if way == 1 else (dport, sport)
        kind = rnd.random()
        if kind < 0.6:
            body = pk.udp(src, dst, *ports, data=bytes(rnd.randrange(0, 60)), check=rnd.random() < 0.8 or pk.is_v6(a))
            if rnd.random() < 0.1:
                body = body[:6] + bytes([body[6] ^ 1]) + body[7:]
            protocol = 17
        elif kind < 0.85:
            v6 = pk.is_v6(a)
            request = rnd.choice([128] if v6 else [8, 13, 15])
            type = request if way == 1 else {8: 0, 13: 14, 15: 16, 128: 129}[request]
            body = pk.icmp(src, dst, type, rnd.choice([0, 0, 0, 1]), struct.pack(">HH", port & 3 | 4, 1))
            protocol = 58 if v6 else 1
        else:
            protocol = rnd.choice([47, 132, 50, 2])
            body = bytes(rnd.randrange(256) for _ in range(rnd.randrange(12, 40)))
        pair.send(story, (way, pk.frame(src, dst, protocol, body)))
        story.append(f"{way}: {src} > {dst} protocol {protocol} {body.hex()}")
        if rnd.random() < 0.15:
            ms = rnd.choice([1000, 20000, 31000, 61000])
            for switch in pair.switches:
                switch.say("time/warp", str(ms))
            story.append(f"{ms} ms pass")
            pair.same("connections after a while", lambda s: s.connections())


def error_story(pair, rnd, a, b, c, scene):
    """A connection, and ICMP errors about its packets and others'."""
    story, v6 = [], pk.is_v6(a)
    sport, dport = rnd.randrange(1024, 60000), 53
    # Debian's damages quoted packets when it translates IPv6 errors (decision 0010).
    translated = "nat(" in scene
    sends = pk.udp if rnd.random() < 0.5 or (v6 and translated) else lambda s, d, x, y: pk.tcp(s, d, x, y, "S", 1000)
    protocol = 17 if sends is pk.udp else 6
    pair.send(story, (1, pk.frame(a, b, protocol, sends(a, b, sport, dport))))
    for _ in range(rnd.randrange(1, 5)):
        way = rnd.choice([2, 2, 1])
        # What the sender of the error saw.
        quoted_src, quoted_dst, ports = (c, b, (sport, dport)) if way == 2 else (b, a, (dport, sport))
        if rnd.random() < 0.2:
            ports = (ports[0] ^ 1, ports[1])
        quoted = pk.ip(quoted_src, quoted_dst, protocol, sends(quoted_src, quoted_dst, *ports))
        header = 40 if v6 else 20
        quoted = quoted[:header + rnd.choice([8, 8, 20, 28, 4])]
        reporter = "fc00::77" if v6 and not translated and rnd.random() < 0.5 else "9.9.9.9" if not v6 and rnd.random() < 0.5 else quoted_dst
        type = rnd.choice([1, 2, 3, 4] if v6 else [3, 4, 5, 11, 12])
        message = pk.icmp(reporter, quoted_src, type, rnd.choice([0, 1, 3]), b"\0\0\0\0", quoted)
        pair.send(story, (way, pk.frame(reporter, quoted_src, 58 if v6 else 1, message)))
        story.append(f"{way}: {reporter} > {quoted_src} error {type} about {quoted.hex()}")


def fragment_story(pair, rnd, a, b, c, scene):
    story, v6 = [], pk.is_v6(a)
    datagram = pk.udp(a, b, rnd.randrange(1024, 60000), 53, data=bytes(rnd.randrange(256) for _ in range(rnd.randrange(2500, 4000))))
    if rnd.random() < 0.1:
        datagram = datagram[:-1] + bytes([datagram[-1] ^ 1])
    pieces = pk.fragments(a, b, 17, datagram, rnd.choice([1280, 1448]), id=rnd.randrange(1, 65536))
    chance = rnd.random()
    if chance < 0.5:
        rnd.shuffle(pieces)
    elif chance < 0.65:
        pieces.insert(rnd.randrange(len(pieces)), rnd.choice(pieces[:-1]))
    elif chance < 0.8:
        pieces = pk.fragments(a, b, 17, datagram, rnd.choice([600, 1000]), id=rnd.randrange(1, 65536))[:-1]
    # Debian's may let fragments go with the next packet only.
    behind = pk.frame(a, b, 17, pk.udp(a, b, 7, 7))
    pair.send(story, *[(1, piece) for piece in pieces], (1, behind), (1, behind), in_order=False)


def stories(pair, rnd):
    """Random stories, the same on both"""
    kinds = [tcp_story, datagram_story, error_story, fragment_story]
    weights = [5, 3, 3, 2]
    scenes = [
        ("no translation", "", "", "", A, A6),
        ("source translation", ",nat", f",nat(src={C})", f",nat(src={C6})", C, C6),
        ("source and port translation", ",nat", f",nat(src={C}:5000)", f",nat(src=[{C6}]:5000)", None, None),
        ("destination translation", ",nat", ",nat(dst=10.0.0.2)", f",nat(dst={B6})", A, A6),
    ]
    end = time.monotonic() + SECONDS
    done = 0
    while time.monotonic() < end:
        name, nat, nat4, nat6, c4, c6 = scenes[done % len(scenes)]
        done += 1
        pair.rules(rules(rnd.choice([0, 3, 65535]), nat, nat4, nat6))
        for _ in range(15):
            a, b, c = (A, B, c4) if rnd.random() < 0.65 else (A6, B6, c6)
            kind = rnd.choices(kinds, weights)[0]
            if c is None:
                # One port to translate to: a connection at a time, whose answers nobody finds.
                kind, c = rnd.choice([datagram_story, fragment_story]), a
            pair.both("dpctl/flush-conntrack")
            try:
                kind(pair, rnd, a, b, c, nat4 + nat6)
            except rig.Failure as problem:
                raise rig.Failure(f"{name}, {kind.__name__}: {problem}") from None
            pair.cases += 1
            if time.monotonic() > end:
                break
    print(f"{pair.cases} stories, {pair.packets} packets")


# --- helpers


def helper_rules(alg, port, nat4, nat6):
    """Control connections from port 1 are committed with a helper, and only what they announce from anywhere."""
    text, protocol = OUT, {"ftp": "tcp", "tftp": "udp"}[alg]
    for family, six, nat in (("ip", "", nat4), ("ipv6", "6", nat6)):
        text += f"""table=0,priority=100,{family},actions=ct(table=1,zone=1,nat)
table=1,priority=9,in_port=1,{protocol}{six},tp_dst={port},ct_state=+new-rel,actions=ct(commit,zone=1,alg={alg},{EXEC}{nat},table=2)
table=1,priority=8,{family},ct_state=+new+rel,actions=ct(commit,zone=1,nat,table=2)
table=1,priority=1,{family},actions=goto_table:2
"""
    return text


class Stream:
    """A TCP connection whose packets go through the switches: the ends see addresses and sequence numbers as they come out."""

    def __init__(self, pair, story, client, server, sport, dport, seen, first=1):
        # `seen`: what each end takes the other for.
        self.pair, self.story, self.first = pair, story, first
        self.ends = {1: (client, seen[0], sport, dport), 2: (server, seen[1], dport, sport)}
        self.next = {1: 1000, 2: 0xfffffff0}
        self.peer = {1: 0, 2: 0}

    def send(self, way, flags, data=b""):
        src, dst, sport, dport = self.ends[way]
        segment = pk.tcp(src, dst, sport, dport, flags, self.next[way], self.peer[way] if "A" in flags else 0, data=data)
        port = way if self.first == 1 else 3 - way
        frame = pk.frame(src, dst, 6, segment)
        out = self.pair.send(self.story, (port, frame))
        self.story.append(f"{port}: {src}:{sport} > {dst}:{dport} {flags} {data!r}")
        self.next[way] += len(data) + ("S" in flags) + ("F" in flags)
        head, _, rest = out[3 - port][0].partition("...") if len(out[3 - port]) == 1 else ("", "", "")
        got = bytes.fromhex(head)
        if got:
            at = 14 + (40 if pk.is_v6(src) else 20)
            size = int(rest.split(":")[0] or len(got)) - at - (got[at + 12] >> 4) * 4 + ("S" in flags) + ("F" in flags)
            sequence = struct.unpack(">I", got[at + 4:at + 8])[0]
            if self.peer[3 - way] and sequence != self.peer[3 - way]:
                raise rig.Failure(f"{self.story}: {sequence} follows {self.peer[3 - way]}")
            self.peer[3 - way] = (sequence + size) & 0xffffffff
        return got

    def open(self):
        return [self.send(1, "S"), self.send(2, "SA"), self.send(1, "A")]


def mention(form, address, port):
    numbers = f"{address.replace('.', ',')},{port >> 8},{port & 255}"
    family = 2 if ":" in address else 1
    return {"PORT": f"PORT {numbers}\r\n", "EPRT": f"EPRT |{family}|{address}|{port}|\r\n",
            "227": f"227 Entering Passive Mode ({numbers}).\r\n", "229": f"229 Entering Extended Passive Mode (|||{port}|)\r\n"}[form].encode()


class Alone:
    """Stands for a pair where what Debian's does is no measure: it leaves addresses in the text as they are."""

    def __init__(self, pair):
        self.switch = pair.switches[1]

    def send(self, story, *sent):
        out = self.switch.send(*sent)
        return {port: [shown(f) for f in frames] for port, frames in out.items()}


def ftp_session(pair, rnd, story, form, client, server, seen, asked):
    """What came out of the announcement, and of the data connection's packets."""
    port, sport = rnd.randrange(2000, 60000), rnd.randrange(1024, 50000)
    control = Stream(pair, story, client, server, sport, 21, (asked, seen))
    control.open()
    control.send(2, "PA", b"220 ready\r\n")
    control.send(1, "PA", b"USER me\r\n")
    if form in ("PORT", "EPRT", "wrong", "low"):
        said = mention("PORT" if form in ("wrong", "low") else form, "10.0.0.77" if form == "wrong" else client, 80 if form == "low" else port)
        got = control.send(1, "PA", said)
        control.send(2, "PA", b"200 fine\r\n")
        data = Stream(pair, story, server, client, 20, port, (seen, asked), first=2)
    else:
        control.send(1, "PA", b"PASV\r\n")
        got = control.send(2, "PA", mention(form, server, port))
        data = Stream(pair, story, client, server, sport + 1, port, (asked, seen))
    outs = [data.send(way, flags, more) for way, flags, more in ((1, "S", b""), (2, "SA", b""), (1, "A", b""), (1, "PA", b"data"), (2, "A", b""))]
    for way in (1, 2, 1, 2):
        control.send(way, "PA", b"more of it\r\n")
    return got, port, outs


def ftp(pair, rnd):
    """FTP: data connections that either end announces are related"""
    for form, client, server in [(f, A, B) for f in ("PORT", "227", "wrong", "low")] + [(f, A6, B6) for f in ("EPRT", "229")]:
        pair.rules(helper_rules("ftp", 21, "", ""))
        pair.both("dpctl/flush-conntrack")
        ftp_session(pair, rnd, [form], form, client, server, client, server)
        pair.cases += 1


def ftp_translated(pair, rnd):
    """FTP: addresses in the text are translated, and both ends see a stream without gaps"""
    alone = Alone(pair)
    scenes = [(f",nat(src={C})", f",nat(src={C6})", C, B, C6, B6),
              (",nat(src=200.200.200.200)", ",nat(src=fc00:1111:2222:3333:4444:5555:6666:7777)", "200.200.200.200", B,
               "fc00:1111:2222:3333:4444:5555:6666:7777", B6),
              (f",nat(dst={B})", f",nat(dst={B6})", A, "10.9.9.9", A6, "fc00::99"), ("", "", A, B, A6, B6)]
    for nat4, nat6, seen4, asked4, seen6, asked6 in scenes:
        alone.switch.rules(helper_rules("ftp", 21, nat4, nat6))
        for form, v6 in (("PORT", False), ("227", False), ("EPRT", False), ("229", False), ("EPRT", True), ("229", True)):
            client, server, seen, asked = (A6, B6, seen6, asked6) if v6 else (A, B, seen4, asked4)
            alone.switch.say("dpctl/flush-conntrack")
            story = [f"nat {nat4 or 'none'}, {form}"]
            got, port, outs = ftp_session(alone, rnd, story, form, client, server, seen, asked)
            want = mention(form, seen if form in ("PORT", "EPRT") else asked, port)
            text = got[14 + (60 if v6 else 40):]
            if text != want[:len(text)] or (len(got) < 100 and text != want):
                raise rig.Failure(f"{story}: the text is {got[-80:]}, not {want}")
            if not all(outs) or not outs[0][11] & 4:
                raise rig.Failure(f"{story}: the data connection is not let through as related: {[o.hex() for o in outs]}")
            pair.cases += 1


def tftp(pair, rnd):
    """TFTP: the server answers from a port of its own"""
    for nat4, nat6, seen4, seen6 in (("", "", A, A6), (f",nat(src={C})", f",nat(src={C6})", C, C6)):
        pair.rules(helper_rules("tftp", 69, nat4, nat6))
        for a, b, c in ((A, B, seen4), (A6, B6, seen6)):
            for operation in (1, 2):
                pair.both("dpctl/flush-conntrack")
                port = rnd.randrange(1024, 60000)
                request = struct.pack(">H", operation) + b"file\0octet\0"
                story = [f"nat {nat4 or 'none'}, operation {operation}"]
                pair.send(story, (1, pk.frame(a, b, 17, pk.udp(a, b, port, 69, data=request))))
                for _ in range(2):
                    pair.send(story, (2, pk.frame(b, c, 17, pk.udp(b, c, 3000, port, data=b"\0\3\0\1block"))))
                    pair.send(story, (1, pk.frame(a, b, 17, pk.udp(a, b, port, 3000, data=b"\0\4\0\1"))))
                pair.cases += 1


# --- what has to be, where choices are free


def chosen_ports(pair, rnd):
    """Addresses and ports are chosen from the range, each once, and answers find their way back"""
    first, last = 5000, 5003
    pair.rules(rules(1, ",nat", f",nat(src={C}-10.1.1.2:{first}-{last})", f",nat(src={C6})"))
    for switch in pair.switches:
        seen = set()
        for host in range(1, 5):
            src = f"10.0.2.{host}"
            out = switch.send((1, pk.frame(src, B, 17, pk.udp(src, B, 1000, 53))))[2]
            if len(out) != 1:
                raise rig.Failure(f"{switch.name}: {len(out)} packets came out")
            address = socket.inet_ntoa(out[0][26:30])
            port = struct.unpack(">H", out[0][34:36])[0]
            if address not in (C, "10.1.1.2") or not first <= port <= last or (address, port) in seen:
                raise rig.Failure(f"{switch.name}: {src} became {address}:{port} after {seen}")
            seen.add((address, port))
            back = switch.send((2, pk.frame(B, address, 17, pk.udp(B, address, 53, port))))[1]
            want = pk.udp(B, src, 53, 1000)
            if [f[34:] for f in back] != [want] or back[0][11] != 0xaa:
                raise rig.Failure(f"{switch.name}: the answer came back as {[f.hex() for f in back]}")


def limits_and_timeouts(pair, rnd):
    """Limits, timeout policies, flushing and the commands' words"""
    pair.rules(rules(3, "", "", ""))
    for words in (["ct-set-limits", "default=3"], ["ct-set-limits", "zone=3,limit=2"], ["ct-get-limits"], ["ct-get-limits", "zone=3,4"],
                  ["ct-set-limits", "zone=3"], ["ct-set-limits", "default=x"], ["ct-get-limits", "zone=x"]):
        pair.both("dpctl/" + words[0], *words[1:])
    for port in range(1, 5):
        pair.send([], (1, pk.frame(A, B, 17, pk.udp(A, B, port, 53))))
    pair.both("dpctl/ct-get-limits")
    pair.both("dpctl/flush-conntrack", "zone=3", f"ct_nw_src={A},ct_nw_dst={B},ct_nw_proto=17,ct_tp_src=1,ct_tp_dst=53")
    for words in (["dump-conntrack"], ["dump-conntrack", "zone=3"], ["dump-conntrack", "zone=4"], ["dump-conntrack", "nosuch"],
                  ["ct-stats-show"], ["ct-stats-show", "-m", "zone=3"], ["ct-bkts"], ["ct-bkts", "gt=1"], ["ct-get-maxconns"],
                  ["ct-set-maxconns", "x"], ["ct-get-tcp-seq-chk"], ["ct-disable-tcp-seq-chk"], ["ct-get-tcp-seq-chk"],
                  ["ct-enable-tcp-seq-chk"], ["flush-conntrack", "zone=x"], ["flush-conntrack", "foo=1"],
                  ["flush-conntrack", "ct_nw_src=x"], ["flush-conntrack", "ct_tp_src=5"], ["flush-conntrack", "x"],
                  ["flush-conntrack", "ct_nw_src=1.2.3.4,ct_ipv6_src=::1"], ["flush-conntrack", "ct_nw_proto=6,icmp_id=3"],
                  ["flush-conntrack", "zone=3", "", f"ct_nw_dst={A}"], ["dump-conntrack"],
                  ["ipf-set-min-frag", "v4", "100"], ["ipf-set-min-frag", "v4", "x"], ["ipf-set-min-frag", "v4", "500"],
                  ["ipf-set-max-nfrags", "6000"], ["ipf-set-max-nfrags", "500"], ["ipf-set-enabled", "v5"],
                  ["ipf-set-disabled", "v4"], ["ipf-set-enabled", "v4"], ["ipf-set-min-frag", "v4", "1200"],
                  ["ipf-set-max-nfrags", "1000"], ["ct-del-limits", "zone=3"], ["ct-set-limits", "default=100"]):
        pair.both("dpctl/" + words[0], *words[1:])
    for switch in pair.switches:
        vsctl = lambda *words: switch.rig.run("ovs-vsctl", *words)
        vsctl("--", "--id=@d", "create", "Datapath", "datapath_version=0", "--", "set", "Open_vSwitch", ".", "datapaths:dummy=@d")
        vsctl("add-zone-tp", "dummy", "zone=3", "udp_first=7", "icmp_first=9", "tcp_syn_sent=11")
        # When flows name the policy it is in force.
        def in_force():
            switch.say("dpctl/del-flows")
            switch.send((1, pk.frame(A, B, 17, pk.udp(A, B, 9, 53))))
            return re.search(r"ct\(commit,zone=3,mark=0x7/0xffffffff,label=0x5/0xffffffffffffffff,timeout=1\)",
                             switch.say("dpctl/dump-flows"))
        rig.wait_for(in_force, f"{switch.name}: a flow that names the timeout policy")
        switch.say("dpctl/flush-conntrack")
    pair.send([], (1, pk.frame(A, B, 17, pk.udp(A, B, 9, 53))), (1, pk.frame(A, B, 1, pk.icmp(A, B, 8, 0, b"\0\7\0\1"))),
              (1, pk.frame(A, B, 6, pk.tcp(A, B, 9, 80, "S", 1))))
    for switch in pair.switches:
        switch.say("time/warp", "7500")
    left = pair.same("connections after 7.5 s", lambda s: s.connections())
    if len(left[0]) != 3:  # ICMP's, TCP's and the last line's end
        raise rig.Failure(f"left: {left}")
    for words in (["ct-flush-zone", "br0", "3"], ["ct-flush", "br0", "zone=3"], ["ct-flush", "br0", "zone=x"],
                  ["ct-flush", "br0", "ct_nw_src=x"]):
        pair.same(" ".join(words), lambda s: (lambda d: (d.returncode, d.stderr))(s.rig.run("ovs-ofctl", *words, check=False)))
    pair.same("connections after the flush", lambda s: s.connections())


def main():
    seed = int(os.environ.get("WEFT_SEED", random.randrange(1 << 31)))
    print(f"WEFT_SEED={seed}")
    rnd = random.Random(seed)
    pair = Pair()
    try:
        def bound(test):
            run = lambda: test(pair, rnd)
            run.__doc__ = test.__doc__
            return run
        rig.main(*[bound(test) for test in (stories, ftp, ftp_translated, tftp, chosen_ports, limits_and_timeouts)])
    finally:
        pair.stop()


main()
