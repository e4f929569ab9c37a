"""Connectivity Fault Management: Weft's switch finds the faults that Debian's finds, and each hears the other."""
import os
import random
import re
import struct
import time

import rig
from overlay import Cable
from twins import Twins

MAID = b"\x04\x03ovs\x02\x03ovs".ljust(48, b"\0")
CODES = {3: 1, 10: 2, 100: 3, 1000: 4, 10000: 5, 60000: 6, 600000: 7}


def mac(text):
    return bytes.fromhex(text.replace(":", ""))


def ccm(mpid, sequence, code, rdi=False, maid=MAID, extended=None, opdown=0, level=0, destination=None, tag=None):
    """A frame with a message; `extended`: its interval in ms."""
    frame = mac(destination or ("012320000030" if extended is not None else "0180c2000030")) + mac("00:11:22:33:44:66")
    if tag is not None:
        frame += struct.pack(">HH", 0x8100, tag)
    frame += struct.pack(">HBBBBIH", 0x8902, level, 1, code | (0x80 if rdi else 0), 70, sequence & 0xffffffff, 0 if extended is not None else mpid) + maid
    return frame + struct.pack(">HQB6x", extended or 0, mpid if extended is not None else 0, opdown)


def sent(frames):
    """What of the last message must be the same: all but the device's address, the sequence number (when Debian's thread has
    begun is its own) and, in extended mode, the short number."""
    if not frames:
        return None
    frame = bytearray(frames[-1])
    frame[6:12] = bytes(6)
    at = frame.index(b"\x89\x02") + 2
    frame[at + 4:at + (10 if frame[1] == 0x23 else 8)] = b""
    return frame.hex()


def setup(twins, mpid, **settings):
    """br0 with p1, the point, and p2."""
    twins.vsctl("--if-exists", "del-br", "br0")
    for each in twins.rigs:
        for port in ("p1", "p2"):
            if os.path.exists(f"{each.dir}/{port}.pcap"):
                os.unlink(f"{each.dir}/{port}.pcap")
    words = ["add-br", "br0", "--", "set", "bridge", "br0", "fail_mode=secure"]
    for number in (1, 2):
        words += ["--", "add-port", "br0", f"p{number}", "--", "set", "interface", f"p{number}", f"ofport_request={number}",
                  f'mac="02:00:00:00:00:0{number}"', f"options:tx_pcap={{dir}}/p{number}.pcap"]
    words += ["--", "set", "interface", "p1", f"cfm_mpid={mpid}"]
    words += [f"other_config:cfm_{key}={value}" for key, value in settings.items()]
    twins.vsctl(*words)
    twins.warp(100)


COLUMNS = ("cfm_fault", "cfm_fault_status", "cfm_flap_count", "cfm_health", "cfm_remote_mpids", "cfm_remote_opstate")


def agree(twins, what):
    """cfm/show, the columns and the last message are the same."""
    twins.same("cfm/show", normal=lambda text: "Remote MPID".join([text.split("Remote MPID")[0], *sorted(text.split("Remote MPID")[1:])]))
    # The first message of Debian's may go before its port is there.
    both = lambda: [sent(frames) for frames in twins.captured("p1.pcap")]
    twins.agree(lambda i: both()[i] if None not in both() else None, f"{what}: what p1 sent")


def columns(twins):
    for column in COLUMNS:
        twins.column("interface", "p1", column)


def walk():
    """The same faults, health and messages for random messages, pauses, commands and settings"""
    seed = int(os.environ.get("WEFT_SEED", time.time()))
    print(f"WEFT_SEED={seed}")
    r = random.Random(seed)
    with Twins("cfm") as twins:
        for _ in range(5):
            extended = r.randrange(2)
            interval = r.choice((1000, 700, 4000)) if extended else r.choice((1000, 1000, 10000))
            settings = {"interval": interval, "extended": "true" if extended else "false"}
            if r.randrange(2):
                settings["ccm_vlan"] = r.choice((5, 4095))
            if r.randrange(2):
                settings["ccm_pcp"] = r.choice((1, 7))
            if extended and r.randrange(2):
                settings["opstate"] = r.choice(("up", "down"))
            setup(twins, 7, **settings)
            code = next(CODES[i] for i in sorted(CODES, reverse=True) if i <= interval)
            sequence = {}

            def message(mpid=None, **changes):
                mpid = mpid or r.choice((8, 8, 8, 9))
                sequence[mpid] = sequence.get(mpid, 0) + 1 if r.randrange(6) else r.randrange(1 << 32)
                return ccm(mpid, sequence[mpid], **{"code": code, "extended": interval if extended else None, **changes})
            for step in range(30):
                kind = r.randrange(20)
                frame = None
                if kind < 8:
                    frame = message()
                elif kind == 8:
                    frame = message(rdi=True)
                elif kind == 10:
                    frame = message(maid=MAID[:5] + b"x" + MAID[6:])
                elif kind == 11:
                    frame = message(code=r.choice((0, 2, 6)))
                elif kind == 12:
                    frame = message(opdown=1, **({"extended": r.choice((interval, interval + 1))} if extended else {}))
                elif kind == 13:
                    frame = bytearray(message())
                    frame[r.choice((14, 15, 16, 17, 30))] ^= r.choice((1, 0x20, 0x80))
                elif kind == 14:
                    frame = message()[:r.randrange(60, 89)]
                elif kind == 15:
                    frame = message(tag=r.choice((5, 0x2000)))
                elif kind == 16:
                    twins.same("cfm/set-fault", *r.choice((("p1", "true"), ("p1", "false"), ("p1", "normal"), ("normal",), ("normal",))))
                if frame:
                    twins.appctl("netdev-dummy/receive", "p1", frame.hex())
                    agree(twins, f"step {step}, a frame")
                elif kind != 16:
                    for _ in range(r.choice((1, 1, 2, 4, 8)) * interval // max(100, interval // 10)):
                        twins.warp(max(100, interval // 10), max(100, interval // 10))
                        twins.same("cfm/show", normal=lambda text: sorted(text.split("\n")))  # Debian's threads have done their work
                    agree(twins, f"step {step}, a pause")
            columns(twins)


if __name__ == "__main__":
    rig.main(walk)
