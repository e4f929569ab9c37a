"""Random transactions to Debian's ovsdb-server and to ours: the same replies, the same updates, the same end.

UUIDs are mapped by the order in which the servers' replies show them; seeds are printed.  WEFT_SEED sets the seed,
WEFT_ROUNDS the number of transactions.
"""
import json
import os
import random
import re
import socket
import subprocess
import sys
import time

import rig

SCHEMA = {"name": "test", "version": "1.0.0", "tables": {
    "scal": {"isRoot": True, "columns": {
        "i": {"type": "integer"}, "r": {"type": "real"}, "b": {"type": "boolean"}, "s": {"type": "string"},
        "ir": {"type": {"key": {"type": "integer", "minInteger": -5, "maxInteger": 100}}},
        "sl": {"type": {"key": {"type": "string", "minLength": 0, "maxLength": 5}}},
        "se": {"type": {"key": {"type": "string", "enum": ["set", ["", "red", "green"]]}}},
        "im": {"type": "integer", "mutable": False}, "ep": {"type": "integer", "ephemeral": True}}},
    "sets": {"isRoot": True, "columns": {
        "oi": {"type": {"key": "integer", "min": 0}}, "os": {"type": {"key": "string", "min": 0}},
        "si": {"type": {"key": "integer", "min": 0, "max": "unlimited"}},
        "ss": {"type": {"key": "string", "min": 0, "max": "unlimited"}},
        "s3": {"type": {"key": "integer", "min": 1, "max": 3}},
        "mss": {"type": {"key": "string", "value": "string", "min": 0, "max": "unlimited"}},
        "msi": {"type": {"key": "string", "value": {"type": "integer", "minInteger": 0, "maxInteger": 10},
                         "min": 0, "max": 4}}}},
    "root": {"isRoot": True, "maxRows": 12, "indexes": [["name"], ["a", "t"]], "columns": {
        "name": {"type": "string"}, "a": {"type": "integer"}, "t": {"type": {"key": "string", "min": 0}},
        "kids": {"type": {"key": {"type": "uuid", "refTable": "kid"}, "min": 0, "max": "unlimited"}},
        "one": {"type": {"key": {"type": "uuid", "refTable": "kid"}, "min": 0, "max": 1}},
        "wk": {"type": {"key": {"type": "uuid", "refTable": "kid", "refType": "weak"}, "min": 0, "max": "unlimited"}},
        "wm": {"type": {"key": "string", "value": {"type": "uuid", "refTable": "kid", "refType": "weak"},
                        "min": 0, "max": "unlimited"}}}},
    "kid": {"columns": {
        "name": {"type": "string"},
        "peer": {"type": {"key": {"type": "uuid", "refTable": "kid"}, "min": 0, "max": 1}},
        "wroot": {"type": {"key": {"type": "uuid", "refTable": "root", "refType": "weak"}, "min": 0, "max": 1}}}}}}
REFUSALS = ("syntax error", "constraint violation", "ovsdb error", "range error", "domain error",
            "referential integrity violation")
MONITORS = {t: [{"columns": sorted(c["columns"])}] for t, c in SCHEMA["tables"].items()}


class Client:
    def __init__(self, path):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(20)
        self.sock.connect(path)
        self.path = path
        self.text, self.next, self.notes = "", 0, []

    def receive(self):
        while True:
            text = self.text.lstrip()
            if text:
                try:
                    value, end = json.JSONDecoder().raw_decode(text)
                    self.text = text[end:]
                    return value
                except ValueError:
                    pass
            data = self.sock.recv(1 << 20)
            if not data:
                raise rig.Failure(f"{self.path}: the server closed the connection")
            self.text += data.decode()

    def request(self, method, params):
        self.next += 1
        self.sock.sendall(json.dumps({"method": method, "params": params, "id": self.next}).encode())
        while True:
            message = self.receive()
            if "method" not in message and message.get("id") == self.next:
                return message
            self.notes.append(message)

    def take_notes(self):
        notes, self.notes = self.notes, []
        return notes


class Generator:
    """Transactions in terms of row numbers; a server's own UUIDs are put in when they are sent."""

    def __init__(self, seed):
        self.r = random.Random(seed)

    def string(self):
        return self.r.choice(["", "a", "b", "red", "green", "x y", "é\n\"", "toolong", "k1", "k2"])

    def integer(self):
        return self.r.choice([-6, -1, 0, 1, 2, 3, 7, 100, 101, 2**40])

    def ref(self, table):
        # Only to rows of the right table: Debian's lets a row refer to its own UUID in any table.
        x = self.r.random()
        if x < 0.55:
            return ["row", table, self.r.randrange(12)]
        if x < 0.95:
            return ["named-uuid", f"{table}{self.r.randrange(3)}"]
        return ["uuid", "00000000-0000-0000-0000-00000000000a"]

    def atom(self, base):
        if isinstance(base, dict) and base.get("refTable"):
            return self.ref(base["refTable"])
        kind = base["type"] if isinstance(base, dict) else base
        if self.r.random() < 0.01:
            return self.r.choice([True, "z", 1, ["set", []], {}])
        if kind == "integer":
            return self.integer()
        if kind == "real":
            return self.r.choice([0.5, -1.25, 3, 1e10])
        if kind == "boolean":
            return self.r.random() < 0.5
        return self.string()

    def value(self, column):
        kind = column["type"]
        if not isinstance(kind, dict):
            return self.atom(kind)
        low, high = kind.get("min", 1), kind.get("max", 1)
        most = 4 if high == "unlimited" else high + (self.r.random() < 0.05)
        n = self.r.randint(low, most)
        if "value" in kind:
            return ["map", [[self.atom(kind["key"]), self.atom(kind["value"])] for _ in range(n)]]
        if n == 1 and self.r.random() < 0.7:
            return self.atom(kind["key"])
        return ["set", [self.atom(kind["key"]) for _ in range(n)]]

    def row(self, table):
        columns = SCHEMA["tables"][table]["columns"]
        names = [c for c in columns if self.r.random() < 0.4]
        row = {c: self.value(columns[c]) for c in names}
        if table == "root" and self.r.random() < 0.9:
            row.update(name=f"name{self.r.randrange(15)}", a=self.r.randrange(30))
        return row

    def where(self, table):
        x = self.r.random()
        columns = SCHEMA["tables"][table]["columns"]
        if x < 0.35:
            return [["_uuid", "==", ["row", table, self.r.randrange(12)]]]
        if x < 0.45:
            return []
        clauses = []
        for _ in range(self.r.randint(1, 2)):
            c = self.r.choice(list(columns))
            f = self.r.choice(["==", "!=", "includes", "excludes", "<", ">=", "=="])
            clauses.append([c, f, self.value(columns[c])])
        return clauses

    def operation(self):
        table = self.r.choice(list(SCHEMA["tables"]))
        columns = SCHEMA["tables"][table]["columns"]
        kind = self.r.choices(["insert", "update", "mutate", "delete", "select", "wait", "comment", "abort"],
                              [40, 20, 20, 8, 6, 2, 2, 1])[0]
        if kind == "insert":
            op = {"op": "insert", "table": table, "row": self.row(table)}
            if self.r.random() < 0.5:
                op["uuid-name"] = f"{table}{self.r.randrange(3)}"
            return op
        if kind == "comment":
            return {"op": "comment", "comment": self.string()}
        if kind == "abort":
            return {"op": "abort"}
        op = {"op": kind, "table": table, "where": self.where(table)}
        if kind == "update":
            op["row"] = self.row(table)
        elif kind == "mutate":
            op["mutations"] = []
            for _ in range(self.r.randint(1, 2)):
                c = self.r.choice(list(columns))
                m = self.r.choice(["+=", "-=", "*=", "/=", "%=", "insert", "insert", "delete", "delete"])
                argument = self.integer() if m.endswith("=") else self.value(columns[c])
                if m in ("*=", "/=", "%=") and isinstance(argument, int):
                    argument = abs(argument)  # overflows with negative numbers end Debian's server
                op["mutations"].append([c, m, argument])
        elif kind == "select":
            op["columns"] = sorted(c for c in columns if self.r.random() < 0.5) + ["_uuid"]
        elif kind == "wait":
            op.update(columns=[self.r.choice(list(columns))], until=self.r.choice(["==", "!="]), timeout=0,
                      rows=[])
        return op

    def transaction(self):
        return [self.operation() for _ in range(self.r.choice([1, 1, 2, 3, 5]))]


class Side:
    """One server, with the rows that were ever inserted in order and their UUIDs here."""

    def __init__(self, path):
        self.path = path
        self.client = Client(path)
        self.rows, self.number = {table: [] for table in SCHEMA["tables"]}, {}
        self.client.request("monitor", ["test", "v1", MONITORS])
        self.client.request("monitor_cond", ["test", "v2", MONITORS])
        self.client.request("monitor_cond_since", ["test", "v3", {
            "scal": [{"columns": ["i", "s"], "where": [["i", ">", 1], ["b", "==", True]]}],
            "sets": [{"columns": ["si", "mss", "oi"], "where": [["si", "includes", 2]]}]},
            "00000000-0000-0000-0000-000000000000"])

    def concrete(self, value):
        if isinstance(value, list):
            if len(value) == 3 and value[0] == "row":
                rows, index = self.rows[value[1]], value[2]
                return ["uuid", rows[-1 - index] if index < len(rows)
                        else f"00000000-0000-0000-0000-0000000001{index:02d}"]
            return [self.concrete(v) for v in value]
        if isinstance(value, dict):
            return {k: self.concrete(v) for k, v in value.items()}
        return value

    def learn(self, transaction, reply):
        for operation, result in zip(transaction, reply.get("result") or []):
            if isinstance(result, dict) and "uuid" in result:
                uuid = result["uuid"][1]
                self.number[uuid] = len(self.number)
                self.rows[operation["table"]].append(uuid)

    def abstract(self, text):
        def name(match):
            uuid = match.group(0)
            if uuid in self.number:
                return f"#{self.number[uuid]}"
            return uuid if uuid.startswith("00000000") else "#?"
        return re.sub(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", name, text)

    def canonical(self, value):
        """Sets and rows in an order that does not depend on UUIDs."""
        if isinstance(value, dict):
            if "details" in value and "error" in value:
                # Which of several problems is told depends on the order of members and rows; the texts have their own
                # test below.
                return {"error": "refused" if value["error"] in REFUSALS else value["error"]}
            return {self.abstract(k): self.canonical(v) for k, v in sorted(value.items())}
        if isinstance(value, list):
            out = [self.canonical(v) for v in value]
            if len(out) == 2 and out[0] in ("set", "map") and isinstance(out[1], list):
                out[1].sort(key=lambda v: json.dumps(v, sort_keys=True))
            return out
        if isinstance(value, float):
            return float(f"{value:.13g}")  # Debian's keeps 15 digits, ours all
        return self.abstract(value) if isinstance(value, str) else value

    def execute(self, transaction):
        reply = self.client.request("transact", ["test", *self.concrete(transaction)])
        self.learn(transaction, reply)
        results = self.canonical(reply.get("result"))
        for result in results or []:
            if isinstance(result, dict) and "rows" in result:
                result["rows"].sort(key=lambda v: json.dumps(v, sort_keys=True))
        notes = {}
        for note in self.client.take_notes():
            params = note["params"]
            # Debian's also tells that a column of the condition changed, with no column to show.
            tables = {table: {row: change for row, change in rows.items() if change != {"modify": {}}}
                      for table, rows in self.canonical(params[-1]).items()}
            tables = {table: rows for table, rows in tables.items() if rows}
            if tables:
                notes[params[0]] = tables
        return {"results": results, "notes": notes}

    def contents(self):
        reply = Client(self.path).request("monitor", ["test", "end", MONITORS])
        return self.canonical(reply["result"])


def start(r, name, file):
    sock = os.path.join(r.dir, f"{name}.sock")
    r.start(name, "ovsdb-server", f"--remote=punix:{sock}", f"--unixctl={r.dir}/{name}.ctl", file)
    return sock


def canonical_text(reply):
    """A reply with every UUID alike.  Of two rows in conflict either may be called the first: that is hash order."""
    text = re.sub(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", "UUID", json.dumps(reply, sort_keys=True))
    return re.sub(r"First row, (.*?)\.  Second row, (.*?)\.(?=\")",
                  lambda m: "Rows: " + " | ".join(sorted((m[1], m[2]))), text)


def compare(seed, rounds):
    with rig.Rig(name="diff-debian") as debian, rig.Rig(weft=("ovsdb-server", "ovsdb-tool"), name="diff-weft") as weft:
        sides = []
        for r in (debian, weft):
            with open(os.path.join(r.dir, "schema"), "w") as f:
                json.dump(SCHEMA, f)
            r.run("ovsdb-tool", "create", os.path.join(r.dir, "t.db"), os.path.join(r.dir, "schema"))
            sides.append(Side(start(r, "server", os.path.join(r.dir, "t.db"))))
        generator = Generator(seed)
        for n in range(rounds):
            transaction = generator.transaction()
            theirs, ours = (side.execute(transaction) for side in sides)
            if theirs != ours:
                raise rig.Failure(f"seed {seed}, transaction {n}:\n{json.dumps(transaction)}\n"
                                  f"Debian: {json.dumps(theirs, sort_keys=True)}\n  Weft: {json.dumps(ours, sort_keys=True)}")
        theirs, ours = (side.contents() for side in sides)
        if theirs != ours:
            raise rig.Failure(f"seed {seed}: contents differ at the end")
        # Each reads what the other wrote.
        for r in (debian, weft):
            r.kill("server", 15)
        for reader, writer, side in ((debian, weft, sides[1]), (weft, debian, sides[0])):
            file = os.path.join(reader.dir, "other.db")
            with open(os.path.join(writer.dir, "t.db"), "rb") as source, open(file, "wb") as copy:
                copy.write(source.read())
            side.path = start(reader, "server", file)
            read = side.contents()
            for rows in (theirs, read):
                for row in rows.get("scal", {}).values():
                    row["new"].pop("ep", None)  # ephemeral
            if read != theirs:
                different = [(table, row, theirs[table].get(row), read.get(table, {}).get(row)) for table in theirs
                             for row in {**theirs[table], **read.get(table, {})}
                             if theirs[table].get(row) != read.get(table, {}).get(row)]
                raise rig.Failure(f"seed {seed}: {writer.dir}'s file reads differently in the other server: {different}")


def random_transactions():
    """Replies, updates and contents of random transactions"""
    seed = int(os.environ.get("WEFT_SEED", random.randrange(1 << 30)))
    rounds = int(os.environ.get("WEFT_ROUNDS", "3000"))
    print(f"seed {seed}, {rounds} transactions", flush=True)
    compare(seed, rounds)


def insert(table, **row):
    return {"op": "insert", "table": table, "row": row}


def select(*where, table="scal", **more):
    return {"op": "select", "table": table, "where": list(where), **more}


def mutate(table, *mutation):
    return {"op": "mutate", "table": table, "where": [], "mutations": [list(mutation)]}


MISTAKES = [
    insert("nope"), insert("scal", zz=1), insert("scal", i="x"), insert("scal", i=1.5),
    insert("scal", i=["set", [1, 2]]), insert("scal", b=1), insert("scal", s=3), insert("scal", ir=101),
    insert("scal", sl="toolong"), insert("scal", se="x"), insert("sets", si=["set", [1, 1]]),
    insert("sets", s3=["set", []]), insert("sets", s3=["set", [1, 2, 3, 4]]), insert("sets", mss="x"),
    insert("sets", mss=["map", [["a", "b"], ["a", "c"]]]), insert("sets", mss=["map", [["a"]]]),
    insert("sets", msi=["map", [["a", 11]]]), insert("sets", si=["set", 3]), {"op": "x"}, {"foo": 1}, 3,
    {"op": "insert", "table": "scal"}, {"op": "insert", "table": "scal", "row": {}, "extra": 1},
    {"op": "insert", "table": 3, "row": {}}, {"op": "insert", "table": "scal", "row": {}, "uuid-name": "0a"},
    {"op": "insert", "table": "scal", "row": {}, "uuid": "zz"},
    select(columns=["q"]), select(columns=["i", "i"]), select(columns="i"), {"op": "select", "table": "scal"},
    select(["i", "==", "a"]), select(["i", "~", 1]), select(["q", "==", 1]), select(["i", "=="]),
    select(["s", "<", "a"]), select(["si", "<", 1], table="sets"), select(["mss", "<", 1], table="sets"), select(3),
    {"op": "update", "table": "scal", "where": [], "row": {"im": 4}},
    {"op": "update", "table": "scal", "where": [], "row": {"_uuid": ["uuid", "00000000-0000-0000-0000-000000000001"]}},
    mutate("scal", "i", "/=", 0), mutate("scal", "r", "%=", 1), mutate("scal", "i", "+=", 1.5),
    mutate("scal", "i", "*=", 2**63 - 1), mutate("scal", "ir", "+=", 101), mutate("scal", "s", "insert", "a"),
    mutate("scal", "im", "+=", 1), mutate("scal", "i", "zz", 1), mutate("scal", "zz", "+=", 1), mutate("scal", "i", "+="),
    mutate("sets", "si", "%=", 1), mutate("sets", "s3", "insert", ["set", [7, 8, 9]]),
    mutate("sets", "s3", "delete", 4), mutate("sets", "mss", "+=", 1), mutate("sets", "msi", "insert", ["map", [["a", 99]]]),
    {"op": "comment"}, {"op": "comment", "comment": 3}, {"op": "commit"}, {"op": "abort"}, {"op": "assert", "lock": "x"},
    {"op": "delete", "table": "scal"},
    {"op": "wait", "table": "scal", "where": [], "columns": ["i"], "until": "==", "rows": [], "timeout": 0},
    {"op": "wait", "table": "scal", "where": [], "columns": ["i"], "until": "~", "rows": [], "timeout": 0},
    {"op": "wait", "table": "scal", "where": [], "columns": ["i"], "until": "==", "rows": [], "timeout": -1},
    insert("root", name="one", a=5), insert("root", name="x", a=1, t="q"),
    insert("root", name="y", a=9, kids=["uuid", "00000000-0000-0000-0000-0000000000aa"]),
]


def error_texts():
    """The replies to mistakes, to the letter"""
    with rig.Rig(name="errors-debian") as debian, rig.Rig(weft=("ovsdb-server", "ovsdb-tool"), name="errors-weft") as weft:
        clients = []
        for r in (debian, weft):
            with open(os.path.join(r.dir, "schema"), "w") as f:
                json.dump(SCHEMA, f)
            r.run("ovsdb-tool", "create", os.path.join(r.dir, "t.db"), os.path.join(r.dir, "schema"))
            clients.append(Client(start(r, "server", os.path.join(r.dir, "t.db"))))
        some = [insert("scal", i=3, r=0.5), insert("sets", si=["set", [1, 2]], s3=4), insert("root", name="one", a=1, t="q")]
        for operations in [some] + [[mistake] for mistake in MISTAKES]:
            replies = [c.request("transact", ["test", *operations])["result"] for c in clients]
            theirs, ours = (canonical_text(reply)
                            for reply in replies)
            if theirs != ours:
                raise rig.Failure(f"{json.dumps(operations)}\nDebian: {theirs}\n  Weft: {ours}")


if __name__ == "__main__":
    rig.main(error_texts, random_transactions)
