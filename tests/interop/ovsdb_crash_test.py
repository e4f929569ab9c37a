"""kill -9 of our server while it writes: every acknowledged transaction is there afterwards, none is half there.

WEFT_SEED sets the seed, WEFT_ROUNDS the number of crashes.
"""
import json
import os
import random
import socket
import time

import rig

SCHEMA = {"name": "t", "version": "1.0.0", "tables": {
    "a": {"isRoot": True, "columns": {"n": {"type": "integer"}}},
    "b": {"isRoot": True, "columns": {"n": {"type": "integer"}, "s": {"type": "string"}}}}}


def receive(sock, text):
    """(the next message or None, the rest of the text)"""
    while True:
        try:
            value, end = json.JSONDecoder().raw_decode(text)
            return value, text[end:]
        except ValueError:
            pass
        try:
            data = sock.recv(1 << 16)
        except OSError:
            data = b""
        if not data:
            return None, text
        text += data.decode()


def transact(path, operations):
    sock = socket.socket(socket.AF_UNIX)
    sock.settimeout(10)
    sock.connect(path)
    sock.sendall(json.dumps({"method": "transact", "params": ["t", *operations], "id": 0}).encode())
    reply, _ = receive(sock, "")
    sock.close()
    return reply["result"]


def write_until_killed(r, path, first, after):
    """Sends numbered transactions, a few at a time, kills the server `after` seconds on; the numbers acknowledged."""
    sock = socket.socket(socket.AF_UNIX)
    sock.settimeout(10)
    sock.connect(path)
    acknowledged, sent, text = [], first, ""
    end = time.monotonic() + after
    while time.monotonic() < end:
        batch = ""
        for _ in range(4):
            batch += json.dumps({"method": "transact", "id": sent, "params": [
                "t", {"op": "insert", "table": "a", "row": {"n": sent}},
                {"op": "insert", "table": "b", "row": {"n": sent, "s": "x" * (sent % 3000)}}]})
            sent += 1
        sock.sendall(batch.encode())
        while len(acknowledged) < sent - first - 2:
            reply, text = receive(sock, text)
            acknowledged.append(reply["id"])
    r.kill("server", 9)
    while True:
        reply, text = receive(sock, text)
        if reply is None:
            break
        acknowledged.append(reply["id"])
    sock.close()
    return acknowledged, sent


def crashes():
    """Nothing acknowledged is lost, nothing is half applied"""
    seed = int(os.environ.get("WEFT_SEED", random.randrange(1 << 30)))
    rounds = int(os.environ.get("WEFT_ROUNDS", "25"))
    print(f"seed {seed}, {rounds} crashes", flush=True)
    choice = random.Random(seed)
    with rig.Rig(weft=("ovsdb-server", "ovsdb-tool"), name="crash") as r:
        with open(os.path.join(r.dir, "schema"), "w") as f:
            json.dump(SCHEMA, f)
        db, path = os.path.join(r.dir, "t.db"), os.path.join(r.dir, "t.sock")
        r.run("ovsdb-tool", "create", db, os.path.join(r.dir, "schema"))
        expected, sent = set(), 0
        for n in range(rounds):
            if os.path.exists(path):
                os.unlink(path)
            r.start("server", "ovsdb-server", f"--remote=punix:{path}", f"--unixctl={r.dir}/ctl", db)
            if choice.random() < 0.3:
                r.run("ovs-appctl", "-t", f"{r.dir}/ctl", "ovsdb-server/compact")
            acknowledged, sent = write_until_killed(r, path, sent, choice.uniform(0.005, 0.15))
            expected.update(acknowledged)
            if choice.random() < 0.3:
                # What power loss adds: a part of a record at the end.
                with open(db, "ab") as f:
                    f.write(b"OVSDB JSON 500 0123456789012345678901234567890123456789\n{\"a\""[:choice.randint(1, 60)])
        os.unlink(path)
        r.start("server", "ovsdb-server", f"--remote=punix:{path}", f"--unixctl={r.dir}/ctl", db)
        rows = {}
        for table in ("a", "b"):
            result = transact(path, [{"op": "select", "table": table, "where": [], "columns": ["_uuid", "n"]}])
            rows[table] = sorted(row["n"] for row in result[0]["rows"])
        if rows["a"] != rows["b"]:
            raise rig.Failure(f"seed {seed}: half a transaction is there: {set(rows['a']) ^ set(rows['b'])}")
        if len(rows["a"]) != len(set(rows["a"])):
            raise rig.Failure(f"seed {seed}: a transaction is there twice")
        lost = expected - set(rows["a"])
        if lost:
            raise rig.Failure(f"seed {seed}: acknowledged and lost: {sorted(lost)[:10]}")
        print(f"{len(expected)} acknowledged of {sent} sent, {len(rows['a'])} kept")


if __name__ == "__main__":
    rig.main(crashes)
