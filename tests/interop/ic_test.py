"""ovn-ic beside Debian's: two availability zones in which the same random things happen, once with Debian's ovn-ic and once
with Weft's; all databases hold the same afterwards, uuids, tunnel keys and order apart.

WEFT_SEED=N walks elsewhere, WEFT_STEPS=N walks farther.
"""
import os
import random
import re
import sys
import time

import ic_history
import rig
from interconnection import Interconnection
from interconnection_contents import Contents

SEED = int(os.environ.get("WEFT_SEED") or random.randrange(1 << 30))
STEPS = int(os.environ.get("WEFT_STEPS") or 25)
QUIET = 0.25  # seconds without change that count as the end of it


def settle(sides, what, nudge):
    """Waits until both sides hold the same and go on doing so.  Debian's ovn-ic may miss a change that comes while it
    commits: `nudge` gives it, after a while, something to wake up for."""
    start, since, last = time.monotonic(), time.monotonic(), None
    nudges = 0
    while True:
        now = [side.read() for side in sides]
        if now != last:
            last, since = now, time.monotonic()
        if now[0] == now[1] and time.monotonic() - since >= QUIET:
            return now[0]
        if time.monotonic() - start > 2 * (nudges + 1):
            nudges += 1
            nudge(nudges)
        if nudges > 4:
            theirs, ours = now
            lines = [f"  only Debian: {line}" for line in theirs if line not in ours]
            lines += [f"  only Weft: {line}" for line in ours if line not in theirs]
            raise rig.Failure(f"seed {SEED}, {what}:\n" + "\n".join(lines[:40] or ["  the same rows, in different numbers"]))
        time.sleep(0.05)


# What the histories must have made, at one time or another, to test anything: distinct lines of the contents that have the word.
MADE = {"'is-remote': 'true'": 4, "type: remote": 8, "ic-learned-route": 15, "ic-sb Route": 15, "ic-sb Port_Binding": 4}


def random_history():
    """The same history with Debian's ovn-ic and with Weft's"""
    print(f"WEFT_SEED={SEED} WEFT_STEPS={STEPS}")
    history = ic_history.History(SEED)
    databases = random.Random(SEED).choice([set(), {"ovsdb-server", "ovsdb-tool"}])
    with Interconnection(name="debian") as debian, Interconnection(weft={"ovn-ic"} | databases, name="weft") as weft:
        for each in (debian, weft):
            each.start()
        sides = [Contents(debian), Contents(weft)]

        def nudge(number):
            for each in (debian, weft):
                for zone in each.zones.values():
                    zone.nb("set", "NB_Global", ".", f"external_ids:nudge={number}")

        def carry_out(commands, what):
            for command in commands:
                theirs, ours = (re.sub(r"/tmp/\S+", "", ic_history.run(each, command)) for each in (debian, weft))
                if theirs.split(":")[:1] != ours.split(":")[:1]:
                    raise rig.Failure(f"seed {SEED}, {what}, {command}: Debian {theirs!r}, Weft {ours!r}")
            seen.update(settle(sides, f"{what}: {commands}", nudge))

        seen = set()
        carry_out(history.start(), "start")
        for step in range(STEPS):
            carry_out(history.step(), f"step {step + 1}")
        print({word: sum(word in line for line in seen) for word in MADE})
        for word, wanted in MADE.items():
            made = sum(word in line for line in seen)
            if made < wanted:
                raise rig.Failure(f"seed {SEED}: only {made} of {word}: this history tests nothing")


if __name__ == "__main__":
    rig.main(random_history)
