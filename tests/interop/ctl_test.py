"""ovs-vsctl, vtep-ctl, ovn-nbctl, ovn-sbctl, ovn-ic-nbctl and ovn-ic-sbctl beside Debian's: the commands of ctl/*.txt, each run by both
tools on a database of its own, give the same output, messages and exit codes, and leave the same contents.

UUIDs count as equal; where Debian's order is that of a hash table, the order of lines does not count.
"""
import os
import re
import shlex
import sys

from rig import Failure, Rig

HERE = os.path.dirname(os.path.abspath(__file__))
TOOLS = {"ovs-vsctl": "conf", "vtep-ctl": "vtep", "ovn-nbctl": "nb", "ovn-sbctl": "sb", "ovn-ic-nbctl": "ic-nb", "ovn-ic-sbctl": "ic-sb"}
UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
STAMP = re.compile(r"^[0-9TZ:.-]+\|\d+\|[^|]*\|", re.M)  # of a log line; its module may differ
NEWER = re.compile(r'dhcpv4-relay, |"pass", (?=and "reject")|"jump", (?=and "reroute")')  # values that only ours knows
# Debian's tools log the error that they then print (docs/decisions/0023-tools.md).
TWICE = re.compile(r"^LOG\|WARN\|(transaction error: .*)\n(?=.*\1)", re.M)


def normal(text, rig):
    text = text.replace(rig.dir, "DIR").replace("/usr/bin/", "")
    text = NEWER.sub("", text)
    return TWICE.sub("", STAMP.sub("LOG|", UUID.sub("UUID", text)))


def lines_sorted(text):
    """Without the order of lines and of the words in a line (a set's elements come in the order of their uuids)."""
    return sorted(f"{' '.join(sorted(re.split(r'[ ,]+|(?=[][{}])|(?<=[][{}])', line)))} ({len(line)} characters)"
                  for line in text.splitlines())


def run(rig, tool, words):
    env_db = f"--db=unix:{rig.socket(TOOLS[tool])}"
    done = rig.run(tool, env_db, *words, check=False)
    return done.returncode, normal(done.stdout, rig), normal(done.stderr, rig)


def contents(rig, tool):
    return lines_sorted(normal(rig.run("ovsdb-client", "--no-headings", "dump", f"unix:{rig.socket(TOOLS[tool])}"), rig))


def compare(tool):
    failures = 0
    with open(os.path.join(HERE, "ctl", f"{tool}.txt")) as f:
        commands = [line.strip() for line in f if line.strip() and not line.startswith("#")]
    with Rig(name="debian") as debian, Rig(weft={tool}, name="weft") as weft:
        for rig in (debian, weft):
            rig.start_database(TOOLS[tool])
        for command in commands:
            words = shlex.split(command)
            theirs, ours = run(debian, tool, words), run(weft, tool, words)
            if (theirs[0], lines_sorted(theirs[1]), lines_sorted(theirs[2])) != \
                    (ours[0], lines_sorted(ours[1]), lines_sorted(ours[2])):
                failures += 1
                print(f"{tool} {command}\n  Debian: exit {theirs[0]}\n{theirs[1]}{theirs[2]}  Weft: exit {ours[0]}\n{ours[1]}{ours[2]}")
        theirs, ours = contents(debian, tool), contents(weft, tool)
        if theirs != ours:
            failures += 1
            print(f"{tool}: the databases differ:")
            print("\n".join(f"  Debian: {line}" for line in theirs if line not in ours))
            print("\n".join(f"  Weft: {line}" for line in ours if line not in theirs))
    print(f"{tool}: {len(commands)} commands, {failures} differences")
    return failures


try:
    sys.exit(sum(compare(tool) for tool in TOOLS) != 0)
except Failure as failure:
    sys.exit(str(failure))
