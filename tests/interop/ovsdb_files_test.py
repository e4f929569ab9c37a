"""Database files that are damaged, full, read-only, locked, gone: a clear message, nothing acknowledged lost, the file
never made worse.  Debian's programs read what ours wrote, and the reverse.

Mounts are made in a mount namespace of the test's own.
"""
import json
import os
import random
import subprocess
import sys

import ovsdb
import rig

SCHEMA = {"name": "t", "version": "1.0.0", "tables": {
    "a": {"isRoot": True, "columns": {
        "n": {"type": "integer"}, "s": {"type": {"key": "string", "min": 0, "max": "unlimited"}},
        "m": {"type": {"key": "string", "value": "string", "min": 0, "max": "unlimited"}},
        "k": {"type": {"key": {"type": "uuid", "refTable": "b"}, "min": 0, "max": "unlimited"}}}},
    "b": {"columns": {"n": {"type": "integer"}}}}}


def insert(table, **row):
    return {"op": "insert", "table": table, "row": row}


def select(table, **more):
    return {"op": "select", "table": table, "where": [], **more}


class Place:
    """A server with one database file."""

    def __init__(self, r, folder=None):
        self.rig = r
        self.db = os.path.join(folder or r.dir, "t.db")
        self.sock = os.path.join(r.dir, "t.sock")
        self.ctl = os.path.join(r.dir, "ctl")
        with open(os.path.join(r.dir, "schema"), "w") as f:
            json.dump(SCHEMA, f)
        r.run("ovsdb-tool", "create", self.db, os.path.join(r.dir, "schema"))

    def start(self):
        for path in (self.sock, self.ctl):
            if os.path.exists(path):
                os.unlink(path)
        self.rig.start("server", "ovsdb-server", f"--remote=punix:{self.sock}", f"--unixctl={self.ctl}", self.db)

    def stop(self, sig=15):
        self.rig.kill("server", sig)

    def transact(self, *operations):
        client = ovsdb.Client("unix:" + self.sock)
        try:
            return client.transact("t", *operations)
        finally:
            client.close()

    def numbers(self):
        return sorted(row["n"] for row in self.transact(select("a", columns=["_uuid", "n"]))[0]["rows"])

    def control(self, *words, check=True):
        return self.rig.run("ovs-appctl", "-t", self.ctl, *words, check=check)

    def read(self):
        with open(self.db, "rb") as f:
            return f.read()

    def write(self, contents):
        with open(self.db, "wb") as f:
            f.write(contents)

    def log(self):
        with open(os.path.join(self.rig.dir, "server.log")) as f:
            return f.read()


def expect(what, truth):
    if not truth:
        raise rig.Failure(what)


def our_rig(name):
    return rig.Rig(weft=("ovsdb-server", "ovsdb-tool", "ovs-appctl", "ovsdb-client"), name=name)


def is_io_error(result, reason):
    return (isinstance(result[-1], dict) and result[-1].get("error") == "I/O error"
            and reason in result[-1].get("io-error", ""))


def damaged():
    """A torn tail is dropped with a warning, damage before the end is refused and the file left alone"""
    seed = int(os.environ.get("WEFT_SEED", random.randrange(1 << 30)))
    print(f"seed {seed}", flush=True)
    choice = random.Random(seed)
    with our_rig("damaged") as r:
        place = Place(r)
        place.start()
        for n in range(5):
            place.transact(insert("a", n=n), {"op": "commit", "durable": True})  # a sync for each
        place.stop()
        whole = place.read()
        starts = [i for i in range(len(whole)) if whole.startswith(b"OVSDB JSON ", i)]
        expect("a record for each transaction", len(starts) == 6)
        # Any piece of the last record.
        for size in [len(whole) - 1, starts[-1] + 1] + [choice.randrange(starts[-1] + 1, len(whole)) for _ in range(3)]:
            place.write(whole[:size])
            place.start()
            expect(f"torn at {size}: {place.numbers()}", place.numbers() == [0, 1, 2, 3])
            expect(f"torn at {size}: no warning", f"offset {starts[-1]} is dropped" in place.log())
            place.transact(insert("a", n=9))
            place.stop(9)
            place.start()
            expect(f"torn at {size}, then written: {place.numbers()}", place.numbers() == [0, 1, 2, 3, 9])
            place.stop()
        # A bit anywhere in the records before it.
        for _ in range(6):
            at = choice.randrange(starts[1], starts[-1])
            bad = bytearray(whole)
            bad[at] ^= 1 << choice.randrange(8)
            place.write(bytes(bad))
            done = r.run("ovsdb-server", f"--remote=punix:{place.sock}", f"--unixctl={place.ctl}", place.db, check=False)
            hit = max(s for s in starts if s <= at)
            expect(f"bit at {at}: exit {done.returncode}, {done.stderr}",
                   done.returncode == 1 and "left as it is" in done.stderr and f"first {hit} bytes" in done.stderr)
            expect(f"bit at {at}: the file changed", place.read() == bytes(bad))


def full_disk():
    """A full disk: I/O error with the reason, the rest is kept, and it goes on when there is room"""
    with our_rig("full") as r:
        small = os.path.join(r.dir, "small")
        os.mkdir(small)
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=256k", "none", small], check=True)
        try:
            place = Place(r, small)
            place.start()
            kept, n = [], 0
            while True:
                result = place.transact(insert("a", n=n, s="x" * 20000))
                if "error" in result[-1]:
                    break
                kept.append(n)
                n += 1
                expect("the disk never filled", n < 20)
            expect(f"what it says: {result}", is_io_error(result, "No space left on device"))
            expect("the results are there, too", "uuid" in result[0])
            expect(f"state: {place.numbers()}", place.numbers() == kept)
            status = place.control("ovsdb-server/get-db-storage-status", "t")
            expect(f"status: {status}", "No space left on device" in status)
            size = os.path.getsize(place.db)
            done = place.control("ovsdb-server/compact", check=False)
            expect(f"compaction: {done.stdout}{done.stderr}", done.returncode and "No space left" in done.stderr)
            expect("what it wrote is gone", sorted(os.listdir(small)) == [".t.db.~lock~", "t.db"])
            expect("the file is as it was", os.path.getsize(place.db) == size)
            # A deletion is small enough; then compaction makes room.
            result = place.transact({"op": "delete", "table": "a", "where": []})
            expect(f"a small one: {result}", result == [{"count": len(kept)}])
            place.control("ovsdb-server/compact")
            expect("room again", "error" not in place.transact(insert("a", n=77, s="x" * 20000))[-1])
            place.stop(9)
            place.start()
            expect(f"after a crash: {place.numbers()}", place.numbers() == [77])
            expect("ok again", place.control("ovsdb-server/get-db-storage-status", "t").strip() == "status: ok")
            place.stop()
        finally:
            r.stop()
            subprocess.run(["umount", small], check=True)


def read_only():
    """A read-only file is refused for writing and can be queried"""
    with our_rig("readonly") as r:
        folder = os.path.join(r.dir, "db")
        os.mkdir(folder)
        place = Place(r, folder)
        subprocess.run(["mount", "--bind", folder, folder], check=True)
        subprocess.run(["mount", "-o", "remount,ro,bind", folder], check=True)
        try:
            for program in (["ovsdb-server", f"--remote=punix:{place.sock}", f"--unixctl={place.ctl}", place.db],
                            ["ovsdb-tool", "transact", place.db, '["t"]'], ["ovsdb-tool", "compact", place.db]):
                done = r.run(*program, check=False)
                expect(f"{program[0]}: {done.returncode} {done.stderr}",
                       done.returncode == 1 and "Read-only file system" in done.stderr and place.db in done.stderr)
            text = r.run("ovsdb-tool", "query", place.db, '["t",{"op":"select","table":"a","where":[]}]')
            expect(f"query: {text}", text.strip() == '[{"rows":[]}]')
        finally:
            subprocess.run(["umount", folder], check=True)


def two_servers():
    """Nobody opens a file that another program writes, and no program opens it twice"""
    with our_rig("locked") as r, rig.Rig(name="locked-debian") as debian:
        place = Place(r)
        place.start()
        pid = r.pids["server"]
        done = r.run("ovsdb-server", f"--remote=punix:{r.dir}/other", f"--unixctl={r.dir}/other.ctl", place.db, check=False)
        expect(f"a second server: {done.stderr}", done.returncode == 1 and f"pid {pid}" in done.stderr)
        done = r.run("ovsdb-tool", "compact", place.db, check=False)
        expect(f"a tool: {done.stderr}", done.returncode == 1 and f"pid {pid}" in done.stderr)
        done = place.control("ovsdb-server/add-db", place.db, check=False)
        expect(f"twice in one: {done.stderr}", done.returncode and "already open" in done.stderr)
        # Debian's finds the lock after all that.
        done = debian.run("ovsdb-tool", "compact", place.db, check=False)
        expect(f"Debian's tool: {done.stderr}", done.returncode == 1 and f"locked by pid {pid}" in done.stderr)
        place.transact(insert("a", n=1))
        expect("nothing happened to it", place.numbers() == [1])


def removed():
    """A file that is removed or replaced under the server is not written; reading goes on; compact brings it back"""
    with our_rig("removed") as r:
        place = Place(r)
        place.start()
        place.transact(insert("a", n=1))
        away = place.db + ".away"
        os.rename(place.db, away)
        result = place.transact(insert("a", n=2))
        expect(f"away: {result}", is_io_error(result, "No such file") and "removed" in result[-1]["details"])
        expect("reading", place.numbers() == [1])
        os.rename(away, place.db)
        expect("back again", "error" not in place.transact(insert("a", n=3))[-1])
        with open(away, "w") as f:
            f.write("precious")
        os.rename(place.db, place.db + ".old")
        os.rename(away, place.db)
        result = place.transact(insert("a", n=4))
        expect(f"replaced: {result}", "another file" in result[-1].get("details", ""))
        done = place.control("ovsdb-server/compact", check=False)
        expect(f"compaction over it: {done.stderr}", done.returncode and "another file" in done.stderr)
        expect("the other file", place.read() == b"precious")
        os.unlink(place.db)
        place.control("ovsdb-server/compact")
        expect("written anew", "error" not in place.transact(insert("a", n=5))[-1])
        place.stop(9)
        place.start()
        expect(f"all of it: {place.numbers()}", place.numbers() == [1, 3, 5])


def random_changes(client, choice, count):
    """Sends `count` transactions at once, so that many share a sync; waits for all replies."""
    for i in range(count):
        n = choice.randrange(30)
        where = [["n", "==", n]]
        operation = choice.choice([
            [{"op": "insert", "table": "b", "uuid-name": "x", "row": {"n": n}},
             insert("a", n=n, k=["named-uuid", "x"], s=["set", ["p", "q"]])],
            [{"op": "mutate", "table": "a", "where": where, "mutations": [["s", "insert", f"s{choice.randrange(40)}"]]}],
            [{"op": "mutate", "table": "a", "where": where, "mutations": [["s", "delete", f"s{choice.randrange(40)}"]]}],
            [{"op": "mutate", "table": "a", "where": where, "mutations": [
                ["m", "insert", ["map", [[f"k{choice.randrange(9)}", f"v{choice.randrange(9)}"]]]]]}],
            [{"op": "update", "table": "a", "where": where, "row": {"m": ["map", [["a", "é\n\""]]]}}],
            [{"op": "delete", "table": "a", "where": where}],
            [{"op": "mutate", "table": "a", "where": [], "mutations": [["n", "+=", 1]]}]])
        client.send("transact", "t", *operation)
    for _ in range(count):
        client.receive()


def contents(r, db):
    """Every row of a file, as the rig's ovsdb-tool reads it."""
    text = r.run("ovsdb-tool", "query", db, json.dumps(["t", select("a"), select("b")]))
    rows = {}
    for result in json.loads(text):
        for row in result["rows"]:
            row.pop("_version")
            rows[row["_uuid"][1]] = {c: sorted(v[1]) if isinstance(v, list) and v[0] in ("set", "map") else v
                                     for c, v in row.items()}
    return rows


def both_ways():
    """Files with batches, differences, whole columns and compactions read the same in both implementations"""
    seed = int(os.environ.get("WEFT_SEED", random.randrange(1 << 30)))
    print(f"seed {seed}", flush=True)
    choice = random.Random(seed)
    with our_rig("both") as ours, rig.Rig(name="both-debian") as debian:
        place = Place(ours)
        db = place.db
        for round_number in range(8):
            writer = (ours, debian)[round_number % 2]
            place.rig = writer
            options = ["--disable-file-column-diff"] if choice.random() < 0.3 else []
            for path in (place.sock, place.ctl):
                if os.path.exists(path):
                    os.unlink(path)
            writer.start("server", "ovsdb-server", f"--remote=punix:{place.sock}", f"--unixctl={place.ctl}", *options, db)
            client = ovsdb.Client("unix:" + place.sock)
            for step in range(4):
                random_changes(client, choice, 60)
                if choice.random() < 0.4:
                    place.control("ovsdb-server/compact")
            place.stop(choice.choice([9, 15]))
            theirs, mine = contents(debian, db), contents(ours, db)
            expect(f"seed {seed}, round {round_number}: the two read different contents", theirs == mine)
            expect(f"seed {seed}, round {round_number}: it is empty", len(mine) > 3)
            if b"OVSDB JSON 0" not in place.read() and writer is ours:
                print(f"round {round_number}: no batch in the file")
            shown = [r.run("ovsdb-tool", "show-log", db).replace("\n\n", "\n") for r in (debian, ours)]
            expect(f"seed {seed}, round {round_number}: show-log differs", shown[0] == shown[1])


if __name__ == "__main__":
    if os.environ.get("WEFT_IN_NAMESPACE") != "1":
        os.environ["WEFT_IN_NAMESPACE"] = "1"
        os.execvp("unshare", ["unshare", "--mount", "--propagation", "private", sys.executable, *sys.argv])
    rig.main(damaged, full_disk, read_only, two_servers, removed, both_ways)
