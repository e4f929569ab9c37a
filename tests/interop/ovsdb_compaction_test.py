"""Compaction beside transactions: the longest that a client waits, and the contents afterwards, with and without kill -9.

WEFT_ROWS sets the number of rows, WEFT_SEED the seed.

What a compaction may stop is the server's loop.  An `echo` request waits for nothing but the loop and the processor.  How
long the machine makes anybody wait for the processor is measured beside it: by exchanges with a process that works for 5 ms
and sends back what it got, in turn with the echo requests and in the same seconds.  So the longest wait of all has a bar that holds on a
machine as slow and as busy as it may be: 50 ms (what is asked for at 600 MB), and three times the longest of that process.

A transaction also waits for the disk, which serves others and, while a compaction runs, the new file; a single fdatasync that
the file system makes wait says nothing of the server, and no loop beside it meets the same one.  So of transactions the
median of three compactions' longest waits counts.
"""
import json
import os
import random
import socket
import threading
import time

import ovsdb
import rig

SCHEMA = {"name": "t", "version": "1.0.0", "tables": {
    "flow": {"isRoot": True, "indexes": [["n"]], "columns": {
        "n": {"type": "integer"}, "match": {"type": "string"}, "actions": {"type": "string"},
        "ids": {"type": {"key": "string", "value": "string", "min": 0, "max": "unlimited"}},
        "kids": {"type": {"key": {"type": "uuid", "refTable": "kid"}, "min": 0, "max": "unlimited"}}}},
    "kid": {"columns": {"n": {"type": "integer"}}}}}


def flow(n):
    return {"op": "insert", "table": "flow", "row": {
        "n": n, "match": f"reg0[{n % 16}] == 1 && inport == \"pod-{n:06}\" && ip4.src == {{10.{n >> 16 & 255}.{n >> 8 & 255}.{n & 255}}}",
        "actions": f"reg0[7] = 1; outport = \"pod-{n:06}\"; next;", "ids": ["map", [["stage-hint", f"{n:08x}"], ["source", "x.c:1"]]]}}


def start(r):
    for name in ("sock", "ctl"):
        if os.path.exists(f"{r.dir}/{name}"):
            os.unlink(f"{r.dir}/{name}")
    r.start("server", "ovsdb-server", f"--remote=punix:{r.dir}/sock", f"--unixctl={r.dir}/ctl", f"{r.dir}/t.db")
    return ovsdb.Client(f"unix:{r.dir}/sock")


def create(r, rows):
    with open(f"{r.dir}/schema", "w") as f:
        json.dump(SCHEMA, f)
    r.run("ovsdb-tool", "create", f"{r.dir}/t.db", f"{r.dir}/schema")
    client = start(r)
    for n in range(0, rows, 2000):
        client.transact("t", *[flow(i) for i in range(n, min(n + 2000, rows))], seconds=60)
    return client


def change(choice, rows, number):
    """A random transaction, which also writes its number."""
    n = choice.randrange(rows)
    where = [["n", "==", n]]
    mark = {"op": "update", "table": "flow", "where": [["n", "==", -1]], "row": {"match": str(number)}}
    return [mark] + choice.choice([
        [{"op": "update", "table": "flow", "where": where, "row": {"actions": f"drop; {number}"}}],
        [{"op": "mutate", "table": "flow", "where": where, "mutations": [["ids", "insert", ["map", [["k", str(number)]]]]]}],
        [{"op": "delete", "table": "flow", "where": where}],
        [{"op": "delete", "table": "flow", "where": where}, flow(n)],
        [{"op": "insert", "table": "kid", "uuid-name": "k", "row": {"n": number}},
         {"op": "mutate", "table": "flow", "where": where, "mutations": [["kids", "insert", ["named-uuid", "k"]]]}]])


def dump(client):
    rows = {}
    for table, columns in SCHEMA["tables"].items():
        for row in client.transact("t", {"op": "select", "table": table, "where": []}, seconds=60)[0]["rows"]:
            row.pop("_version")
            rows[row["_uuid"][1]] = {c: ovsdb.plain(v) for c, v in row.items()}
    return rows


def compact(r, outcome):
    def run():
        start_time = time.monotonic()
        outcome.append(r.run("ovs-appctl", "-t", f"{r.dir}/ctl", "ovsdb-server/compact", check=False, timeout=120))
        outcome.append(time.monotonic() - start_time)
    thread = threading.Thread(target=run)
    thread.start()
    return thread


class Echo:
    """A process that works for WORK seconds and sends back what it got: what the machine grants a turn of any program."""

    WORK = 0.005

    def __init__(self):
        self.ours, theirs = socket.socketpair()
        self.pid = os.fork()
        if self.pid == 0:
            self.ours.close()
            while True:
                data = theirs.recv(4096)
                if not data:
                    os._exit(0)
                end = time.process_time() + self.WORK
                while time.process_time() < end:
                    pass
                theirs.sendall(data)
        theirs.close()
        self.ours.settimeout(30)

    def exchange(self, data):
        self.ours.sendall(data)
        got = 0
        while got < len(data):
            got += len(self.ours.recv(4096))

    def close(self):
        self.ours.close()
        os.waitpid(self.pid, 0)


class Watcher(threading.Thread):
    """Asks the server whether it is there, and the process that only echoes, in turn; the longest wait for each, in seconds."""

    def __init__(self, path, echo):
        super().__init__(daemon=True)
        self.client, self.echo = ovsdb.Client(path), echo
        self.stopped, self.asked, self.bare, self.count, self.problem = threading.Event(), 0.0, 0.0, 0, None

    def run(self):
        try:
            while not self.stopped.is_set():
                begin = time.monotonic()
                self.echo.exchange(b"x" * 400)
                middle = time.monotonic()
                self.client.request("echo", "x" * 300, seconds=60)
                self.bare, self.asked = max(self.bare, middle - begin), max(self.asked, time.monotonic() - middle)
                self.count += 1
                time.sleep(0.001)
        except Exception as problem:
            self.problem = problem


def longest_wait(client, choice, rows, number, until):
    """Random transactions one at a time; the longest wait for a reply, and the next number."""
    longest = 0
    while not until():
        begin = time.monotonic()
        client.transact("t", *change(choice, rows, number))
        longest = max(longest, time.monotonic() - begin)
        number += 1
    return longest, number


def stalls():
    """Clients do not wait for a compaction, and the contents are the same after it"""
    seed = int(os.environ.get("WEFT_SEED", random.randrange(1 << 30)))
    rows = int(os.environ.get("WEFT_ROWS", "20000"))
    print(f"seed {seed}, {rows} rows", flush=True)
    choice = random.Random(seed)
    echo = Echo()  # a fork: before there are threads
    with rig.Rig(weft=("ovsdb-server", "ovsdb-tool", "ovs-appctl"), name="stall") as r:
        client = create(r, rows)
        watcher = Watcher(f"unix:{r.dir}/sock", echo)
        client.transact("t", flow(-1))
        end = time.monotonic() + 1.5
        usual, number = longest_wait(client, choice, rows, 0, lambda: time.monotonic() > end)
        waits, took = [], 0
        watcher.start()
        for _ in range(3):
            outcome = []
            thread = compact(r, outcome)
            waited, number = longest_wait(client, choice, rows, number, lambda: len(outcome) == 2)
            thread.join()
            if outcome[0].returncode:
                raise rig.Failure(f"compaction: {outcome[0].stderr}")
            waits.append(waited)
            took = max(took, outcome[1])
        watcher.stopped.set()
        watcher.join()
        echo.close()
        if watcher.problem or watcher.count < 10:
            raise rig.Failure(f"{watcher.count} echo requests: {watcher.problem}")
        print(f"longest wait for the loop {watcher.asked * 1e3:.1f} ms of {watcher.count}, for a process with 5 ms of work {watcher.bare * 1e3:.1f} ms")
        if watcher.asked > 0.05 + 3 * watcher.bare:
            raise rig.Failure(f"the loop stood still for {watcher.asked * 1e3:.0f} ms; a process with 5 ms of work took {watcher.bare * 1e3:.0f} ms at most")
        longest = sorted(waits)[1]
        size = os.path.getsize(f"{r.dir}/t.db")
        print(f"{size / 1e6:.1f} MB: longest wait {longest * 1e3:.1f} ms, {usual * 1e3:.1f} ms without; {took:.2f} s a compaction, "
              f"{number} transactions")
        if longest > 0.05 + 3 * usual:
            raise rig.Failure(f"a client waited {longest * 1e3:.0f} ms during a compaction, {usual * 1e3:.0f} ms before")
        before = dump(client)
        r.kill("server", 9)
        after = dump(start(r))
        if before != after:
            raise rig.Failure(f"seed {seed}: the contents changed")
        if len(before) < rows // 2:
            raise rig.Failure("the rows are not there")


def killed():
    """kill -9 at any moment of a compaction: what was acknowledged is there, in order"""
    seed = int(os.environ.get("WEFT_SEED", random.randrange(1 << 30)))
    rounds = int(os.environ.get("WEFT_ROUNDS", "12"))
    rows = 3000
    print(f"seed {seed}, {rounds} crashes", flush=True)
    choice = random.Random(seed)
    finished = 0
    with rig.Rig(weft=("ovsdb-server", "ovsdb-tool", "ovs-appctl"), name="killed") as r:
        client = create(r, rows)
        client.transact("t", flow(-1))
        number = 0
        for _ in range(rounds):
            outcome = []
            thread = compact(r, outcome)
            end = time.monotonic() + choice.uniform(0, 0.12)
            while time.monotonic() < end:
                client.transact("t", *change(choice, rows, number))
                number += 1
            expected = dump(client)
            # Some more that nobody waits for.
            for extra in range(choice.randrange(4)):
                client.send("transact", "t", *change(choice, rows, number + extra))
            r.kill("server", 9)
            thread.join()
            finished += outcome[0].returncode == 0
            client.close()
            client = start(r)
            found = dump(client)
            last = int(next(row for row in found.values() if row.get("n") == -1)["match"] or -1) if number else -1
            if last < number - 1:
                raise rig.Failure(f"seed {seed}: transaction {number - 1} was acknowledged, {last} is the last one here")
            if last == number - 1 and found != expected:
                raise rig.Failure(f"seed {seed}: after transaction {last} the contents are not what they were")
            number = last + 1
            leftover = [name for name in os.listdir(r.dir) if name.endswith(".tmp")]
            if len(leftover) > 1:
                raise rig.Failure(f"left behind: {leftover}")
        print(f"{number} transactions, {finished} of {rounds} compactions had ended before the crash")


if __name__ == "__main__":
    rig.main(stalls, killed)
