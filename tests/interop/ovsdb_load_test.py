"""Load: hundreds of clients that follow a table, while one reads nothing, one sends rubbish over and over, and one floods the
server with transactions.  The others are served in bounded time, the server's memory stays bounded, and the one that did not
read finds the whole truth when it does.

Figures are printed; the limits are far above what a quiet machine needs.
"""
import json
import os
import selectors
import socket
import sys
import threading
import time

import ovsdb
import rig

CLIENTS = int(os.environ.get("WEFT_CLIENTS") or 500)
SECONDS = float(os.environ.get("WEFT_SECONDS") or 5)
SCHEMA = {"name": "db", "version": "1.0.0", "tables": {t: {"isRoot": True, "columns": {"name": {"type": "string"}, "num": {"type": "integer"}}} for t in ("T", "U")}}
NOTHING = "00000000-0000-0000-0000-000000000000"


def expect(condition, what):
    if not condition:
        raise rig.Failure(what)


class Crowd(threading.Thread):
    """Clients that read whatever comes, as fast as one thread can."""

    def __init__(self, path, count):
        super().__init__(daemon=True)
        self.selector, self.ended, self.read, self.closed = selectors.DefaultSelector(), threading.Event(), 0, 0
        request = json.dumps({"method": "monitor_cond_since", "params": ["db", "m", {"T": [{"columns": ["name", "num"]}]}, NOTHING], "id": 1}).encode()
        for _ in range(count):
            sock = socket.socket(socket.AF_UNIX)
            for attempt in range(100):
                try:
                    sock.connect(path)
                    break
                except BlockingIOError:
                    time.sleep(0.01)
            sock.sendall(request)
            sock.setblocking(False)
            self.selector.register(sock, selectors.EVENT_READ)

    def run(self):
        while not self.ended.is_set():
            for key, _ in self.selector.select(0.1):
                try:
                    data = key.fileobj.recv(1 << 16)
                except BlockingIOError:
                    continue
                self.read += len(data)
                if not data:
                    self.closed += 1
                    self.selector.unregister(key.fileobj)


class Rubbish(threading.Thread):
    """Connects, sends what is no JSON-RPC, is thrown out, and does it again."""

    def __init__(self, path):
        super().__init__(daemon=True)
        self.path, self.ended, self.rounds = path, threading.Event(), 0

    def run(self):
        texts = [b"hello world", b"[[[[" * 5000, b'{"method":"transact"}', b"\x00\xff" * 1000, b'{"id":1,"method":"transact","params":["db",{"op":17}]}', b'"' + b"x" * 100000]
        while not self.ended.is_set():
            sock = socket.socket(socket.AF_UNIX)
            sock.settimeout(1)
            try:
                sock.connect(self.path)
                sock.sendall(texts[self.rounds % len(texts)])
                sock.recv(1000)
            except OSError:
                pass
            sock.close()
            self.rounds += 1


class Flood(threading.Thread):
    """Transactions without waiting for replies, which another thread reads away, as fast as the server listens."""

    def __init__(self, path):
        super().__init__(daemon=True)
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.connect(path)
        self.ended, self.sent, self.received = threading.Event(), 0, 0
        threading.Thread(target=self.read, daemon=True).start()

    def read(self):
        try:
            while True:
                data = self.sock.recv(1 << 20)
                if not data:
                    return
                self.received += data.count(b'"error":null')
        except OSError:
            pass

    def run(self):
        many = b"".join(json.dumps({"method": "transact", "id": n, "params": [
            "db", {"op": "update", "table": "U", "where": [["num", "==", n % 50]], "row": {"name": f"{n:04}" + "y" * 1500}}]}).encode() for n in range(100))
        try:
            while not self.ended.is_set():
                self.sock.sendall(many)
                self.sent += 100
        except OSError:
            pass


def memory_kb(pid):
    with open(f"/proc/{pid}/status") as f:
        return next(int(line.split()[1]) for line in f if line.startswith("VmRSS"))


def crowd():
    """hundreds of clients, one stalled, one sending rubbish, one flooding: bounded latency, bounded memory, and nothing lost"""
    with rig.Rig(weft={"ovsdb-server"}, name="load") as r:
        with open(f"{r.dir}/schema", "w") as f:
            json.dump(SCHEMA, f)
        r.run("ovsdb-tool", "create", f"{r.dir}/db", f"{r.dir}/schema")
        path = f"{r.dir}/db.sock"
        pid = r.start("db", "ovsdb-server", f"--unixctl={r.dir}/db.ctl", f"--remote=punix:{path}", f"{r.dir}/db")
        writer, reader, stalled = (ovsdb.Client(f"unix:{path}") for _ in range(3))
        writer.transact("db", *[{"op": "insert", "table": "U", "row": {"num": n}} for n in range(50)], {"op": "insert", "table": "T", "row": {"name": "beat"}})
        people = Crowd(path, CLIENTS)
        people.start()
        reader.request("monitor_cond_since", "db", "m", {"T": [{"columns": ["num"]}]}, NOTHING)
        state = {}

        def follow(updates):
            """What the stalled client knows, after what it is told."""
            for table, rows in updates.items():
                for uuid, update in rows.items():
                    for kind, columns in update.items():
                        if kind == "delete":
                            state.pop((table, uuid))
                        elif kind == "modify":
                            state[table, uuid].update(columns)
                        else:
                            state[table, uuid] = {"name": "", "num": 0, **columns}
        everything = {t: [{"columns": ["name", "num"]}] for t in SCHEMA["tables"]}
        follow(stalled.request("monitor_cond_since", "db", "m", everything, NOTHING)["result"][2])

        def beat(number):
            """Seconds until the writer has its reply, and until a follower has heard of it."""
            start = time.monotonic()
            writer.transact("db", {"op": "update", "table": "T", "where": [], "row": {"num": number}})
            replied = time.monotonic() - start
            note = reader.receive()
            expect(list(note["params"][2]["T"].values())[0]["modify"]["num"] == number, f"{note}")
            return replied, time.monotonic() - start

        def beats(first, seconds):
            out, end = [], time.monotonic() + seconds
            while time.monotonic() < end:
                out.append(beat(first + len(out)))
                time.sleep(0.1)
            return out
        quiet = beats(1, 1)
        before = memory_kb(pid)
        rubbish, flood = Rubbish(path), Flood(path)
        rubbish.start()
        flood.start()
        loud = beats(1000, SECONDS)
        rubbish.ended.set()
        flood.ended.set()
        after = memory_kb(pid)

        def figures(name, samples):
            delays = sorted(heard for _, heard in samples)
            print(f"# {name}: {len(delays)} beats, heard after {delays[len(delays) // 2] * 1000:.0f} ms (median), {delays[-1] * 1000:.0f} ms (worst)")
            return delays
        figures("quiet", quiet)
        delays = figures("load", loud)
        print(f"# {flood.received} transactions of the flood, {rubbish.rounds} connections with rubbish, {people.read >> 20} MB read by {CLIENTS} clients, "
              f"memory {before >> 10} MB before and {after >> 10} MB after")
        expect(len(delays) >= 10 and delays[len(delays) // 2] < 0.3 and delays[-1] < 2, f"latency under load: {delays}")
        expect(flood.received > 500 and rubbish.rounds > 5, "there was little load")
        expect(people.closed == 0, f"{people.closed} clients that did nothing wrong were dropped")
        expect(after - before < 64 << 10, f"memory grew from {before} to {after} kB")
        # The one that did not read: few messages, and the truth.
        count, truth = 0, None
        last = beat(99999)
        while truth is None:
            note = stalled.receive()
            follow(note["params"][2])
            count += 1
            if any(row["num"] == 99999 for row in state.values()):
                truth = sorted(map(tuple, (row.values() for row in state.values())), key=str)
        rows = [tuple(row) for t in SCHEMA["tables"] for row in writer.select("db", t, ["name", "num"])]
        rig.wait_for(lambda: flood.received >= flood.sent or not flood.is_alive(), "the flood to end")
        print(f"# the stalled client was told all that in {count} messages")
        expect(count < max(2500, flood.received / 2), f"{count} messages for {flood.received} transactions")
        end = beat(100000)
        while not any(row["num"] == 100000 for row in state.values()):
            follow(stalled.receive()["params"][2])
        rows = sorted((tuple(row) for t in SCHEMA["tables"] for row in writer.select("db", t, ["name", "num"])), key=str)
        known = sorted(((row["name"], row["num"]) for row in state.values()), key=str)
        expect(known == rows, "the stalled client knows something else than what there is")
        people.ended.set()


if __name__ == "__main__":
    rig.main(crowd)
