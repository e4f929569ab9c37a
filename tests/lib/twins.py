"""Two switches with dummy devices and a stopped clock, Weft's and Debian's, that are told the same.

    with Twins("bonds") as twins:
        twins.vsctl("add-br", "br0", ...)                    # "{dir}" in a word is each one's directory
        twins.appctl("netdev-dummy/receive", "p1", "0180c2...")
        twins.warp(1000)
        text = twins.same("lacp/show")                        # what both say, once they say the same

Packets travel through threads of Debian's switch while the clock stands still, so a question is repeated until
the answers agree, or for a few seconds.
"""
import contextlib
import difflib
import struct
import time

import control
import rig


class Twins:
    def __init__(self, name):
        self.stack = contextlib.ExitStack()
        self.rigs = [self.stack.enter_context(rig.Rig(weft={"ovs-vswitchd"}, name=name)),
                     self.stack.enter_context(rig.Rig(name=name))]
        self.weft, self.debian = self.rigs
        for each in self.rigs:
            each.start_databases("conf")
            each.start_vswitchd("--enable-dummy=override", "--disable-system")
        self.controls = [control.Control(f"{each.dir}/vswitchd.ctl") for each in self.rigs]
        self.appctl("time/stop")

    def __enter__(self):
        return self

    def __exit__(self, *problem):
        return self.stack.__exit__(*problem)

    def vsctl(self, *words):
        return [each.run("ovs-vsctl", *[w.replace("{dir}", each.dir) for w in words]) for each in self.rigs]

    def appctl(self, *words):
        """The answers of both; an error is text as well."""
        answers = [c(*words) for c in self.controls]
        return [a["result"] if a.get("error") is None else f"error: {a['error']}" for a in answers]

    def warp(self, ms, step=100):
        for _ in range(0, ms, step):
            self.appctl("time/warp", str(min(step, ms)))

    def agree(self, ask, what, normal=lambda text: text, until=lambda value: True, seconds=5):
        """What both answer, once it is the same and what is waited for; `ask(index)` asks one."""
        end = time.monotonic() + seconds
        while True:
            ours, theirs = (normal(ask(i)) for i in (0, 1))
            if ours == theirs and until(ours):
                return ours
            if time.monotonic() > end:
                if ours == theirs:
                    raise rig.Failure(f"{what}: both say {ours}")
                raise rig.Failure(f"{what} differs (- Debian's, + Weft's):\n" + "\n".join(difflib.unified_diff(
                    lines(theirs), lines(ours), lineterm="", n=2)))
            time.sleep(0.02)

    def same(self, *words, normal=lambda text: text, until=lambda value: True):
        def ask(i):
            answer = self.controls[i](*words)
            return answer["result"] if answer.get("error") is None else f"error: {answer['error']}"
        return self.agree(ask, " ".join(words), normal, until)

    def column(self, table, row, column):
        return self.agree(lambda i: self.rigs[i].run("ovs-vsctl", "get", table, row, column).strip(),
                          f"{table} {row} {column}")

    def captured(self, name):
        """What a dummy device with options:tx_pcap={dir}/name sent, of both."""
        return [packets(f"{each.dir}/{name}") for each in self.rigs]


def lines(value):
    if isinstance(value, (tuple, list)):
        return [line for item in value for line in (lines(item) if isinstance(item, list) else [str(item)])]
    return str(value).split("\n")


def packets(path):
    try:
        with open(path, "rb") as f:
            data = f.read()
    except FileNotFoundError:
        return []
    out, at = [], 24
    while at + 16 <= len(data):
        size = struct.unpack("<I", data[at + 8:at + 12])[0]
        out.append(data[at + 16:at + 16 + size])
        at += 16 + size
    return out
