"""ovn-detrace beside Debian's: the same text for every logical flow's cookie, ports and groups too."""
import re
import shlex

import rig
from trace_test import LAB, Side


def same_text():
    """every cookie of a network stands for the same rows"""
    side = Side("detrace")
    try:
        for line in LAB:
            side.nbctl(*shlex.split(line))
        side.nbctl("qos-add", "sw0", "from-lport", "100", "ip4", "dscp=10", "rate=100", "burst=1000")
        side.nbctl("--timeout=30", "--wait=sb", "sync")
        cookies = []
        for table in ("Logical_Flow", "Port_Binding", "Multicast_Group", "Chassis", "Load_Balancer"):
            cookies += side.sbctl("--bare", "--columns=_uuid", "list", table).split()
        lines = ['Flow: in_port=1', '', 'bridge("br-int")', "----------------"]
        for n, cookie in enumerate(cookies):
            lines += [f"{n % 80:2}. reg14=0x1, priority 50, cookie 0x{cookie[:8]}", "    resubmit(,9)", "    output:5"] + [""] * (n % 3 == 0)
        lines += ["99. no match, cookie 0xffffffff", "Final flow: unchanged", "Datapath actions: 1"]
        text = "\n".join(lines) + "\n"
        arguments = [f"--ovnsb=unix:{side.r.socket('sb')}", f"--ovnnb=unix:{side.r.socket('nb')}"]
        theirs = side.r.run("ovn-detrace", *arguments, stdin=text, timeout=60)
        side.r.weft.add("ovn-detrace")
        ours = side.r.run("ovn-detrace", *arguments, stdin=text, timeout=60)
        if blocks(theirs) != blocks(ours):
            for a, b in zip(blocks(theirs), blocks(ours)):
                if a != b:
                    raise rig.Failure(f"{a}\ninstead of\n{b}")
            raise rig.Failure(f"{len(blocks(ours))} blocks instead of {len(blocks(theirs))}")
        print(f"# {len(cookies)} cookies")
    finally:
        side.r.stop()


def blocks(text):
    """Entries with what was said about them, where the order of a hash table does not count."""
    out = []
    for line in text.splitlines():
        # Debian's loses a quote at the end of a match.
        line = line.replace('"), actions=', "), actions=")
        line = re.sub(r"ports: \(([^)]*)\)", lambda m: "ports: " + ",".join(sorted(m[1].split(", "))), line)
        if line.startswith("  "):
            out[-1][1].append(line)
        else:
            out.append([line, []])
    return [(line, sorted(said)) for line, said in out]


if __name__ == "__main__":
    rig.main(same_text)
