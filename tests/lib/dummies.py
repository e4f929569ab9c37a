"""A switch on dummy devices whose clock stands still, with what its ports sent.

    with dummies.Switch(weft=True, ports=3, bridge=["stp_enable=true"]) as s:
        s.receive(1, frame)
        s.warp(2000)
        print(s.show("stp/show", "br0"), s.sent())
"""
import os
import struct
import time

import control
import rig

MAC = "aa:55:aa:55:00:%02x"


class Switch(rig.Rig):
    def __init__(self, weft, ports, bridge=(), port=lambda n: [], interface=lambda n: [], daemon=("--disable-system",), number=0):
        super().__init__(weft={"ovs-vswitchd"} if weft else (), name="dummies")
        self.start_databases("conf")
        self.start_vswitchd("--enable-dummy=override", *daemon)
        self.control = control.Control(f"{self.dir}/vswitchd.ctl")
        self.show("time/stop")
        self.ports, self.read = ports, {n: 24 for n in range(1, ports + 1)}
        words = ["add-br", "br0", "--", "set", "bridge", "br0", f'other_config:hwaddr="{MAC % number}"', *bridge]
        for n in self.read:
            words += ["--", "add-port", "br0", f"p{n}", "--", "set", "interface", f"p{n}", "type=dummy", f"ofport_request={n}",
                      f"options:tx_pcap={self.pcap(n)}", *interface(n),
                      "--", "set", "port", f"p{n}", *(port(n) or ["tag=[]"])]
        self.vsctl(*words)

    def pcap(self, n):
        return f"{self.dir}/p{n}.pcap"

    def vsctl(self, *words):
        return self.run("ovs-vsctl", *words)

    def show(self, *command):
        """What the control command answers, also if it is an error."""
        answer = self.control(*command)
        return answer["error"] or answer["result"]

    def sync(self):
        """What was put in has gone through the daemon's loop."""
        for _ in range(3):
            self.show("version")

    def warp(self, ms, step=1000):
        while ms > 0:
            self.show("time/warp", str(min(ms, step)))
            self.sync()
            ms -= step

    def receive(self, n, frame):
        answer = self.control("netdev-dummy/receive", f"p{n}", frame.hex())
        assert not answer["error"], answer
        self.sync()

    def sent(self):
        """By port, the frames that it sent since the last call."""
        out = {}
        for n in self.read:
            out[n] = []
            if not os.path.exists(self.pcap(n)):
                continue
            with open(self.pcap(n), "rb") as f:
                f.seek(self.read[n])
                data = f.read()
            at = 0
            while at + 16 <= len(data):
                size = struct.unpack_from("<I", data, at + 8)[0]
                if at + 16 + size > len(data):
                    break
                out[n].append(data[at + 16:at + 16 + size])
                at += 16 + size
            self.read[n] += at
        return out


class Pair:
    """Weft's switch and Debian's, told the same."""

    def __init__(self, ports, **options):
        self.both = [Switch(weft, ports, **options) for weft in (True, False)]

    def __enter__(self):
        return self

    def __exit__(self, *failure):
        for each in self.both:
            each.__exit__(*failure)

    def do(self, what):
        return [what(each) for each in self.both]

    def same(self, what, context, again=True):
        """What both say; a difference that does not go away fails.  `again`: asking changes nothing."""
        ours, theirs = self.do(what)
        end = time.monotonic() + 5
        while again and ours != theirs and time.monotonic() < end:
            time.sleep(0.05)
            ours, theirs = self.do(what)
        if ours != theirs:
            raise rig.Failure(f"{context}\nWEFT:\n{ours}\nDEBIAN:\n{theirs}")
        return ours

    def same_packets(self, context, plain=lambda n, frames: frames):
        """What both sent since the last call, by port, once it is equal under `plain`."""
        got = [{n: [] for n in each.read} for each in self.both]

        def equal():
            for mine, each in zip(got, self.both):
                for n, frames in each.sent().items():
                    mine[n] += frames
            return all(plain(n, got[0][n]) == plain(n, got[1][n]) for n in got[0])
        try:
            rig.wait_for(equal, "the same packets", 5)
        except rig.Failure:
            ours, theirs = ({n: [f.hex() for f in plain(n, frames)] for n, frames in each.items()} for each in got)
            raise rig.Failure(f"{context}: packets differ\nWEFT: {ours}\nDEBIAN: {theirs}") from None
        return got[0]
