"""A user's mistakes: the same exit code as Debian's program, and one clear line on standard error.  The list is mistakes.txt."""
import os
import re
import shlex
import shutil

import rig

HERE = os.path.dirname(os.path.abspath(__file__))
LOG_LINE = re.compile(r"^\d{4}-\d\d-\d\dT[^|]*\|\d+\|[^|]*\|(EMER|ERR|WARN|INFO|DBG)\|")
UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")


class Side(rig.Rig):
    def __init__(self, weft, name):
        super().__init__(weft=weft, name=name)
        self.start_databases()
        self.run("ovsdb-tool", "create", f"{self.dir}/second.db", rig.SCHEMAS["nb"])
        with open(f"{self.dir}/garbage", "w") as f:
            f.write("this is neither a schema nor a database\n")
        self.env.update(OVN_NB_DB=f"unix:{self.socket('nb')}", OVN_SB_DB=f"unix:{self.socket('sb')}")

    def mistake(self, program, words):
        done = super().run(program, *words, check=False, timeout=20)
        return done.returncode, self.clean(done.stderr), done.stderr

    def clean(self, text):
        """Without log lines (Debian's programs log what they also say), paths and names of this run."""
        text = UUID.sub("UUID", text.replace(self.dir, "DIR").replace("/usr/bin/", "").replace("/usr/sbin/", ""))
        text = re.sub(r"pid \d+", "pid N", text)
        return [line for line in text.splitlines() if not LOG_LINE.match(line)]


def cases():
    with open(os.path.join(HERE, "mistakes.txt")) as f:
        for line in f:
            line = line.strip()
            if line and not line.startswith("#"):
                same = line.startswith("= ")
                yield same, line[2:] if same else line


def mistakes():
    """mistakes: the same exit code, one clear line"""
    failures, count = [], 0
    sides = []
    try:
        for weft, name in (((), "debian"), ("all", "weft")):
            sides.append(Side(weft, name))
        for same, line in cases():
            count += 1
            results = []
            for side in sides:
                words = shlex.split(line.format(dir=side.dir, conf=side.socket("conf"), nb=side.socket("nb"), sb=side.socket("sb")))
                results.append(side.mistake(words[0], words[1:]))
            (code, theirs, _), (own_code, ours, everything) = results
            if code != own_code:
                failures.append(f"{line}: exit {own_code} instead of {code}: {ours} instead of {theirs}")
            elif own_code > 0 and theirs and not 1 <= len(everything.splitlines()) <= len(theirs):
                failures.append(f"{line}: not one line but {everything.splitlines()}; Debian says {theirs}")
            elif same and ours[-1:] != theirs[-1:]:
                failures.append(f"{line}: {ours[-1:]} instead of {theirs[-1:]}")
    finally:
        for side in sides:
            side.stop()
    print(f"# {count} mistakes")
    if failures:
        raise rig.Failure(f"{len(failures)} of {count} differ:\n" + "\n".join(failures))


if __name__ == "__main__":
    rig.main(mistakes)
