"""Random requests to Debian's ovsdb-server and to ours: the same replies, the same updates of monitors of all versions whose
conditions change on the way, the same contents at the end, and each reads the file of the other.

The seed is printed.  WEFT_SEED sets it, WEFT_OPERATIONS the number of operations; without it the run is bounded in time.
"""
import json
import os
import random
import re
import shutil
import time

import control
import ovsdb
import rig
from ovsdb_random import SCHEMA, TABLES, Generator, columns_of, is_map

ZERO = "00000000-0000-0000-0000-000000000000"
SECONDS = 14  # of a run without WEFT_OPERATIONS
UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
REFUSALS = ("syntax error", "constraint violation", "ovsdb error", "range error", "domain error",
            "referential integrity violation")
EVERYTHING = {t: [{"columns": sorted(c["columns"])}] for t, c in SCHEMA["tables"].items()}
METHODS = {1: "monitor", 2: "monitor_cond", 3: "monitor_cond_since"}


class Replica:
    """What a client of update2 and update3 knows."""

    def __init__(self):
        self.rows = {}

    def apply(self, updates):
        for table, rows in updates.items():
            for uuid, update in rows.items():
                for kind, columns in update.items():
                    if kind == "delete":
                        del self.rows[table, uuid]
                    elif kind == "modify":
                        for name, diff in columns.items():
                            self.modify(table, uuid, name, diff)
                    else:
                        self.rows[table, uuid] = {c: elements(v) for c, v in columns.items()}

    def modify(self, table, uuid, name, diff):
        row, column = self.rows[table, uuid], columns_of(table)[name]
        kind = column["type"]
        # What a column holds that is not told with a row is its default, of which only the empty ones are needed.
        now = dict(row.get(name, {}))
        if is_map(column):
            for key, value in elements(diff).items():
                if now.get(key) == value:
                    del now[key]
                else:
                    now[key] = value
        elif isinstance(kind, dict) and kind.get("max", 1) != 1:
            for key in elements(diff):
                if now.pop(key, self) is self:
                    now[key] = True
        else:
            now = elements(diff)
        row[name] = now


def elements(value):
    """A value as a dict: of a map its pairs, of a set its elements."""
    if isinstance(value, list) and value[0] == "map":
        return {json.dumps(k): json.dumps(v) for k, v in value[1]}
    return {json.dumps(v): True for v in (value[1] if isinstance(value, list) and value[0] == "set" else [value])}


class Side:
    """One server, and what is known of it."""

    def __init__(self, r):
        self.rig, self.made, self.number = r, {}, {}
        self.file = os.path.join(r.dir, "t.db")
        with open(os.path.join(r.dir, "schema"), "w") as f:
            json.dump(SCHEMA, f)
        r.run("ovsdb-tool", "create", self.file, os.path.join(r.dir, "schema"))
        self.start()

    def start(self):
        self.path = start(self.rig, "server", self.file)
        self.control = control.Control(f"{self.rig.dir}/server.ctl")
        self.client, self.other = (ovsdb.Client("unix:" + self.path) for _ in range(2))
        self.replica = Replica()

    def restart(self):
        self.client.close()
        self.other.close()
        self.rig.kill("server", 15)
        self.start()

    def concrete(self, value):
        if isinstance(value, list):
            if len(value) == 2 and value[0] == "row":
                return ["uuid", self.made[value[1]]]
            return [self.concrete(v) for v in value]
        if isinstance(value, dict):
            return {k: self.concrete(v) for k, v in value.items() if k != "made"}
        return value

    def learn(self, method, params, reply):
        if method != "transact" or not isinstance(reply.get("result"), list):
            return
        for operation, result in zip(params[1:], reply["result"]):
            if isinstance(result, dict) and "uuid" in result and isinstance(operation, dict) and "made" in operation:
                self.made[operation["made"]] = result["uuid"][1]
                self.number[result["uuid"][1]] = operation["made"]

    def exchange(self, requests):
        """Sends all of them; for each what was told before its reply, and the reply."""
        asked = {self.client.send(method, *self.concrete(params)): (method, params) for method, params in requests}
        replies, notes = {}, []
        while len(replies) < len(asked):
            try:
                message = self.client.receive(30)
            except TimeoutError as problem:
                missing = next(asked[number] for number in asked if number not in replies)
                raise rig.Failure(f"no answer to {json.dumps(self.concrete(missing))}: {problem}")
            if "method" in message:
                notes.append(message)
                continue
            method, params = asked[message["id"]]
            # Ours answers echo at once, Debian's in its turn.
            before, notes = ([], notes) if method == "echo" else (notes, [])
            self.learn(method, params, message)
            replies[message["id"]] = before, message
        return [replies[number] for number in asked]

    def abstract(self, text):
        def name(match):
            uuid = match.group(0)
            if uuid in self.number:
                return f"#{self.number[uuid]}"
            return uuid if uuid.startswith(("00000000", "aaaaaaaa")) else "#?"
        return UUID.sub(name, text)

    def canonical(self, value):
        """Sets and rows in an order that does not depend on UUIDs; errors by their tag."""
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

    def notes(self, notes):
        """By monitor what it was told, other notifications as they are."""
        out = {}
        for note in notes:
            if not note["method"].startswith("update"):
                out.setdefault("", []).append([note["method"], note["params"]])
                continue
            # Debian's also tells that something changed of which there is nothing to show.
            tables = {table: {row: change for row, change in rows.items() if change != {"modify": {}} and not (change.get("old") == {} and "new" in change)}
                      for table, rows in self.canonical(note["params"][-1]).items()}
            tables = {table: rows for table, rows in tables.items() if rows}
            if tables:
                out.setdefault(json.dumps(note["params"][0]), []).append([note["method"], tables])
        return out

    def reply(self, reply):
        result = self.canonical(reply.get("result"))
        for one in result if isinstance(result, list) else []:
            if isinstance(one, dict) and "rows" in one:
                one["rows"].sort(key=lambda v: json.dumps(v, sort_keys=True))
        if isinstance(result, list) and all(isinstance(one, str) for one in result):
            result.sort()  # list_dbs: in hash order
        if isinstance(result, list) and len(result) == 3 and isinstance(result[0], bool):
            result = result[2]  # monitor_cond_since: Debian's transaction ids are zero
        return [result, self.canonical(reply.get("error"))]

    def contents(self):
        reply = ovsdb.Client("unix:" + self.path).request("monitor", "test", "end", EVERYTHING, seconds=30)
        return self.canonical(reply["result"])

    def follow(self, requests):
        """The other client: a monitor of which only the sum of what it is told counts.  The reply."""
        reply = self.other.request("monitor_cond", "test", "sum", requests, seconds=30)
        if reply.get("result"):
            self.replica = Replica()
            self.replica.apply(reply["result"])
        return reply

    def known(self):
        for note in self.other.take_notes():
            if note["method"] == "update2":
                self.replica.apply(note["params"][1])
        return {self.abstract(" ".join(key)): {c: sorted([self.abstract(k), self.abstract(str(v))] for k, v in cell.items())
                                               for c, cell in row.items() if cell}
                for key, row in self.replica.rows.items()}


def start(r, name, file):
    sock = os.path.join(r.dir, f"{name}.sock")
    for path in (sock, f"{r.dir}/{name}.ctl"):
        if os.path.exists(path):
            os.unlink(path)
    r.start(name, "ovsdb-server", f"--remote=punix:{sock}", f"--unixctl={r.dir}/{name}.ctl", file)
    return sock


class Walk:
    """The same walk of two servers."""

    def __init__(self, seed, debian, weft):
        self.seed, self.choice = seed, random.Random(seed)
        self.generator = Generator(self.choice)
        self.sides = [Side(debian), Side(weft)]
        self.operations = self.requests = self.errors = self.strangers = 0
        self.before = None  # the contents before a restart
        self.restarted()

    def fail(self, what, request, theirs, ours):
        theirs, ours = apart(theirs, ours)
        raise rig.Failure(f"seed {self.seed}, request {self.requests} ({self.operations} operations): {what}\n{json.dumps(request)}\n"
                          f"Debian: {json.dumps(theirs, sort_keys=True)}\n  Weft: {json.dumps(ours, sort_keys=True)}")

    def restarted(self):
        self.monitors = {}  # id -> version, its tables
        self.history = {}   # id -> the requests that made it
        self.next_monitor = 0
        self.exchange([("monitor", ["test", "all", EVERYTHING])] + [self.new_monitor() for _ in range(6)])
        self.followed = self.choice.sample(TABLES, 3)
        replies = [{"error": "not asked"}]
        while replies[0].get("error"):  # not every condition makes sense
            requests = {t: [{"columns": sorted(columns_of(t)), "where": self.condition(t)}] for t in self.followed}
            replies = [side.follow(side.concrete(requests)) for side in self.sides]
            self.check_reply(("monitor_cond", requests), *replies)

    def condition(self, table):
        return self.generator.condition(table)

    # --- requests ---

    def new_monitor(self):
        version = self.choice.choice([1, 2, 3])
        requests = self.generator.monitor_requests(version > 1)
        self.next_monitor += 1
        name = f"m{self.next_monitor}"
        self.monitors[name] = version, list(requests)
        self.history[name] = [requests]
        params = ["test", name, requests] + ([ZERO] if version == 3 else [])
        return METHODS[version], params

    def request(self):
        x = self.choice.random()
        conditional = [m for m in self.monitors if self.monitors[m][0] > 1]
        if x < 0.06 and conditional:
            name = self.choice.choice(conditional)
            version, tables = self.monitors[name]
            changes = {t: [{"where": self.condition(t)}] for t in self.choice.sample(tables, self.choice.randint(1, len(tables)))}
            if self.choice.random() < 0.1:
                # Of one table only: of several, Debian's changes those before the mistake.
                changes = {t: [{"where": self.generator.bad_condition(t)}] for t in tables[:1]}
            to = name
            if self.choice.random() < 0.2:
                self.next_monitor += 1
                to = f"m{self.next_monitor}"
                self.monitors[to] = self.monitors.pop(name)
                self.history[to] = self.history.pop(name)
            self.history[to].append(changes)
            return "monitor_cond_change", [name, to, changes]
        if x < 0.08:
            return self.new_monitor()
        if x < 0.10 and len(self.monitors) > 3:
            name = self.choice.choice(list(self.monitors))
            del self.monitors[name]
            return "monitor_cancel", [name]
        if x < 0.12:
            return self.choice.choice(["lock", "steal", "unlock"]), [self.choice.choice(["l1", "l2"])]
        if x < 0.13:
            return self.choice.choice([
                ("list_dbs", []), ("get_schema", ["test"]), ("get_schema", ["nope"]), ("echo", [1, {"a": [2.5]}]), ("nonsense", []),
                ("transact", []), ("transact", ["nope"]), ("transact", ["test"]), ("transact", ["test", 3]), ("monitor_cancel", ["nope"]),
                ("monitor", ["test", "all", {}]), ("monitor", ["test", "bad", {"nope": []}]), ("lock", [3]),
                ("monitor", ["test", "bad", {"scal": [{"columns": ["nope"]}]}]), ("monitor_cond_change", ["nope", "nope", {}]),
                ("monitor_cond_since", ["test", "bad", {"scal": []}, "x"]), ("set_db_change_aware", [False])])
        transaction = self.generator.transaction()
        self.operations += len(transaction)
        return "transact", ["test", *transaction]

    def exchange(self, requests):
        theirs, ours = (side.exchange(requests) for side in self.sides)
        debian, weft = self.sides
        for request, (their_notes, their_reply), (our_notes, our_reply) in zip(requests, theirs, ours):
            self.requests += 1
            self.check_reply(request, their_reply, our_reply)
            if their_notes != our_notes:
                theirs_told, ours_told = debian.notes(their_notes), weft.notes(our_notes)
                if theirs_told != ours_told:
                    theirs_told = self.without_strangers(theirs_told, ours_told)
                if theirs_told != ours_told:
                    names = [json.loads(m or '""') for m in {**theirs_told, **ours_told} if theirs_told.get(m) != ours_told.get(m)]
                    self.fail(f"monitors were told different things: {json.dumps({n: self.history.get(n) for n in names})}", request,
                              theirs_told, ours_told)
            self.remember(request, our_reply)
            self.hear(our_notes)

    def without_strangers(self, theirs, ours):
        """Debian's sometimes tells of a change of a row that does not fulfil the condition, right after a change of the condition
        that makes it one on `_uuid`.  Such rows are left out, and counted."""
        def rows_of(updates):
            return {(table, row) for _, tables in updates for table, rows in tables.items() for row in rows}
        out = {}
        for monitor, updates in theirs.items():
            history = self.history.get(json.loads(monitor)) if monitor else None
            on_uuid = {table for change in (history or [])[-2:] for table, requests in change.items() if '"_uuid"' in json.dumps(requests)}
            more = {key for key in rows_of(updates) - rows_of(ours.get(monitor, [])) if key[0] in on_uuid} if monitor and on_uuid else set()
            kept = []
            for method, tables in updates if more else []:
                left = {table: {row: change for row, change in rows.items() if (table, row) not in more or "modify" not in change}
                        for table, rows in tables.items()}
                left = {table: rows for table, rows in left.items() if rows}
                self.strangers += left != tables
                if left:
                    kept.append([method, left])
            kept = kept if more else updates
            if kept:
                out[monitor] = kept
        if self.strangers > 2 + self.operations / 5000:
            raise rig.Failure(f"seed {self.seed}: {self.strangers} updates of rows that do not fulfil the condition in {self.operations} operations")
        return out

    def hear(self, notes):
        """Which rows are there, from the monitor of everything."""
        for note in notes:
            if note["method"] == "update" and note["params"][0] == "all":
                self.see(note["params"][1])

    def see(self, updates):
        numbers = self.sides[1].number
        for table, rows in updates.items():
            live = self.generator.live[table]
            for uuid, change in rows.items():
                token = ["row", numbers[uuid]] if uuid in numbers else ["uuid", uuid]
                if "old" not in change:
                    live.append(token)
                elif "new" not in change and token in live:
                    live.remove(token)

    def check_reply(self, request, theirs, ours):
        if theirs.get("result") == ours.get("result") and theirs.get("error") == ours.get("error"):
            return
        debian, weft = self.sides
        their_reply, our_reply = debian.reply(theirs), weft.reply(ours)
        if their_reply != our_reply:
            self.fail("replies differ", request, their_reply + [theirs.get("error")], our_reply + [ours.get("error")])

    def remember(self, request, reply):
        method, params = request
        if method == "monitor" and params[1] == "all" and reply.get("result"):
            self.generator.live = {table: [] for table in TABLES}
            self.see(reply["result"])
        for operation in params[1:] if method == "transact" and isinstance(reply.get("result"), list) else []:
            if isinstance(operation, dict) and operation.get("made") in self.sides[1].made:
                self.generator.remember(operation["table"], ["row", operation["made"]])
        results = reply.get("result") if isinstance(reply.get("result"), list) else []
        self.errors += any(isinstance(result, dict) and "error" in result for result in results)

    # --- what is between them ---

    def check_replicas(self):
        def same():
            for side in self.sides:
                side.other.request("echo", seconds=30)
            theirs, ours = (side.known() for side in self.sides)
            return theirs == ours
        try:
            rig.wait_for(same, "the sums of what a client was told to be the same", 60)
        except rig.Failure:
            theirs, ours = (side.known() for side in self.sides)
            keys = [k for k in {**theirs, **ours} if theirs.get(k) != ours.get(k)]
            self.fail("a client knows different things", self.followed, {k: theirs.get(k) for k in keys}, {k: ours.get(k) for k in keys})

    def change_followed(self):
        table = self.choice.choice(self.followed)
        change = {table: [{"where": self.condition(table)}]}
        replies = [side.other.request("monitor_cond_change", "sum", "sum", side.concrete(change), seconds=30) for side in self.sides]
        self.check_reply(("monitor_cond_change", change), *replies)

    def waiting(self):
        """A transaction that waits for another one, or in vain, or is given up."""
        name, outcome = f"wait{self.requests}", self.choice.choice(["fulfilled", "in vain", "canceled", "not equal"])
        until = "!=" if outcome == "not equal" else "=="
        old = self.choice.choice(["x", name])
        wait = ["test", {"op": "comment", "comment": "waits"},
                {"op": "wait", "table": "scal", "where": [["s", "==", name]], "columns": ["se"], "until": until,
                 "rows": [{"se": "" if until == "!=" else "red"}], **({"timeout": 25} if outcome == "in vain" else {})},
                {"op": "update", "table": "scal", "where": [["s", "==", name]], "row": {"sl": "done"}}]
        self.quietly({"op": "insert", "table": "scal", "row": {"s": name}, "uuid": f"aaaaaaaa-0000-4000-8001-{self.requests:012x}"})
        self.operations += 1 + len(wait) + 1
        numbers = [side.other.send("transact", *wait) for side in self.sides]
        for side in self.sides:
            # It has been read when this is answered.
            side.other.request("echo", seconds=30)
        if outcome in ("fulfilled", "not equal"):
            self.quietly({"op": "update", "table": "scal", "where": [["s", "==", old]], "row": {"b": True}})
            self.quietly({"op": "update", "table": "scal", "where": [["s", "==", name]], "row": {"se": "red"}})
        elif outcome == "canceled":
            return self.cancel(name, numbers)
        notes = [side.other.take_notes() for side in self.sides]
        replies = []
        for side, number, before in zip(self.sides, numbers, notes):
            early = [note for note in before if "method" not in note and note.get("id") == number]
            side.other.notes = [note for note in before if note not in early]
            replies.append(early[0] if early else side.other.wait(number, seconds=30))
        # Who waited is told apart from the others: what those heard before or after its reply is a matter of turns.
        texts = [[r.get("result"), r.get("error")] for r in replies]
        for one in texts:
            for result in one[0] or []:
                if isinstance(result, dict) and result.get("error") == "timed out":
                    result["details"] = re.sub(r"\d+ ms", "N ms", result["details"])
        if texts[0] != texts[1]:
            self.fail(f"a wait ({outcome})", wait, *texts)
        self.catch_up()

    def cancel(self, name, numbers):
        for side, number in zip(self.sides, numbers):
            side.other.write({"method": "cancel", "params": [number], "id": None})
            side.other.request("echo", seconds=30)
        # Debian's cancels without a word; RFC 7047, 4.1.4, asks for a reply.
        ours = [note for note in self.sides[1].other.notes if note.get("id") == numbers[1]]
        if [reply.get("error") for reply in ours] != ["canceled"]:
            raise rig.Failure(f"seed {self.seed}: no word of a transaction that was canceled: {ours}")
        self.sides[1].other.notes = [note for note in self.sides[1].other.notes if note not in ours]
        self.quietly({"op": "update", "table": "scal", "where": [["s", "==", name]], "row": {"se": "red"}})
        self.catch_up()

    def quietly(self, operation):
        """A transaction whose updates are looked at later."""
        theirs, ours = (side.client.request("transact", "test", operation, seconds=30) for side in self.sides)
        self.check_reply(("transact", ["test", operation]), theirs, ours)

    def catch_up(self):
        """What a transaction of the other client changed is told to this one's monitors."""
        told = []

        def same():
            nonlocal told
            for side in self.sides:
                side.client.request("echo", seconds=30)
            told = [side.notes(side.client.notes) for side in self.sides]
            return told[0] == told[1]
        try:
            rig.wait_for(same, "the same updates", 60)
        except rig.Failure:
            self.fail("what another client did was told differently", "wait", *told)
        for side in self.sides:
            self.hear(side.client.take_notes() if side is self.sides[1] else [])
            side.client.take_notes()

    def compact(self):
        for side in self.sides:
            answer = side.control("ovsdb-server/compact", "test")
            if answer.get("error"):
                raise rig.Failure(f"compaction: {answer}")

    def check_contents(self, ephemeral=True):
        theirs, ours = (side.contents() for side in self.sides)
        if not ephemeral and self.before is not None:
            persistent(self.before)
            if persistent(theirs) != self.before or persistent(ours) != self.before:
                self.fail("a restart changed the contents", "", *different(self.before, ours if theirs == self.before else theirs))
        if theirs != ours:
            self.fail("the contents differ", "", *different(theirs, ours))

    def run(self, operations, seconds):
        end = time.monotonic() + seconds
        self.compacted = self.restarted_at = self.crashes = 0
        while self.operations < operations if operations else time.monotonic() < end:
            try:
                self.step()
            except (ovsdb.Closed, ConnectionError):
                if self.sides[0].rig.alive("server"):
                    raise
                self.go_on_without_debian()
        self.check_replicas()
        self.check_contents()

    def go_on_without_debian(self):
        """Some requests end Debian's server.  It comes back with the file of ours, and its numbers."""
        self.crashes += 1
        if self.crashes > 3 + self.operations / 5000:
            raise rig.Failure(f"seed {self.seed}: Debian's server ended {self.crashes} times in {self.operations} operations")
        debian, weft = self.sides
        weft.restart()
        shutil.copyfile(weft.file, debian.file)
        debian.made, debian.number = dict(weft.made), dict(weft.number)
        debian.start()
        self.restarted()
        self.check_contents()

    def step(self):
        self.exchange([self.request() for _ in range(self.choice.choice([1, 3, 10, 30]))])
        if self.choice.random() < 0.2:
            self.check_replicas()
            self.change_followed()
        if self.choice.random() < 0.03:
            self.waiting()
        if self.operations - self.compacted > 1500 and self.choice.random() < 0.1:
            self.compacted = self.operations
            self.compact()
            self.check_contents()
        if self.operations - self.restarted_at > 4000 and self.choice.random() < 0.1:
            self.restarted_at = self.operations
            # Debian's does not read all that it writes: of columns of at most three, say, a difference may have more
            # elements, and what follows it in the file is lost without a word.
            self.sides[0].control("ovsdb-server/compact", "test")
            self.check_contents()
            self.before = self.sides[1].contents()
            for side in self.sides:
                side.restart()
            self.check_contents(ephemeral=False)
            self.restarted()


def persistent(contents):
    """Without the columns that a restart empties."""
    for table, rows in contents.items():
        for column, schema in columns_of(table).items():
            for row in rows.values() if schema.get("ephemeral") else []:
                row["new"].pop(column, None)
    return contents


def apart(theirs, ours):
    """Both without what they have in common."""
    if isinstance(theirs, dict) and isinstance(ours, dict):
        parts = {key: apart(theirs.get(key), ours.get(key)) for key in {**theirs, **ours} if theirs.get(key) != ours.get(key)}
        return {k: p[0] for k, p in parts.items()}, {k: p[1] for k, p in parts.items()}
    if isinstance(theirs, list) and isinstance(ours, list) and len(theirs) == len(ours):
        parts = [apart(a, b) if a != b else ("same", "same") for a, b in zip(theirs, ours)]
        return [p[0] for p in parts], [p[1] for p in parts]
    return theirs, ours


def different(theirs, ours):
    keys = [(t, r) for t in {**theirs, **ours} for r in {**theirs.get(t, {}), **ours.get(t, {})}
            if theirs.get(t, {}).get(r) != ours.get(t, {}).get(r)]
    return [{f"{t} {r}": side.get(t, {}).get(r) for t, r in keys} for side in (theirs, ours)]


def read_by_the_other(walk):
    """Each server, and each ovsdb-tool, reads what the other wrote."""
    contents = walk.sides[1].contents()
    for side in walk.sides:
        side.rig.kill("server", 15)
    persistent = {t: [c for c, s in columns["columns"].items() if not s.get("ephemeral")] for t, columns in SCHEMA["tables"].items()}
    expected = {t: {row: {c: v for c, v in change["new"].items() if c in persistent[t]} for row, change in rows.items()}
                for t, rows in contents.items()}
    for reader, writer in ((walk.sides[0], walk.sides[1]), (walk.sides[1], walk.sides[0])):
        file = os.path.join(reader.rig.dir, "other.db")
        shutil.copyfile(writer.file, file)
        query = ["test"] + [{"op": "select", "table": t, "where": [], "columns": persistent[t] + ["_uuid"]} for t in TABLES]
        answer = json.loads(reader.rig.run("ovsdb-tool", "query", file, json.dumps(query)))
        by_tool = {}
        for table, result in zip(TABLES, answer):
            for row in result["rows"]:
                uuid = row.pop("_uuid")[1]
                by_tool.setdefault(table, {})[uuid] = row
        reader.path = start(reader.rig, "server", file)
        by_server = {t: {row: {c: v for c, v in change["new"].items() if c in persistent[t]} for row, change in rows.items()}
                     for t, rows in writer_view(reader, writer).items()}
        by_tool = writer.canonical(by_tool)
        for what, read in (("ovsdb-server", by_server), ("ovsdb-tool", by_tool)):
            read = {t: rows for t, rows in read.items() if rows}
            if read != expected:
                raise rig.Failure(f"seed {walk.seed}: {reader.rig.path(what)} reads {writer.file} differently: {different(expected, read)}")


def writer_view(reader, writer):
    """The contents that the reader serves, with the writer's numbers."""
    reply = ovsdb.Client("unix:" + reader.path).request("monitor", "test", "end", EVERYTHING, seconds=30)
    return writer.canonical(reply["result"])


def random_requests():
    """Replies, updates and contents of random requests"""
    seed = int(os.environ.get("WEFT_SEED", random.randrange(1 << 30)))
    operations = int(os.environ.get("WEFT_OPERATIONS") or 0)
    print(f"seed {seed}, {operations or 'as many as fit in ' + str(SECONDS) + ' s'} operations", flush=True)
    with rig.Rig(name="diff-debian") as debian, rig.Rig(weft=("ovsdb-server", "ovsdb-tool"), name="diff-weft") as weft:
        walk = Walk(seed, debian, weft)
        walk.run(operations, SECONDS)
        print(f"{walk.operations} operations in {walk.requests} requests, {walk.errors} of them refused; Debian's server ended {walk.crashes} times and told of {walk.strangers} "
              "rows too many")
        if walk.operations < 300 or walk.errors > 0.8 * walk.requests:
            raise rig.Failure("that is too little")
        read_by_the_other(walk)


def canonical_text(reply):
    """A reply with every UUID alike.  Of two rows in conflict either may be called the first: that is hash order."""
    text = re.sub(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", "UUID", json.dumps(reply, sort_keys=True))
    return re.sub(r"First row, (.*?)\.  Second row, (.*?)\.(?=\")",
                  lambda m: "Rows: " + " | ".join(sorted((m[1], m[2]))), text)


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
            clients.append(ovsdb.Client("unix:" + start(r, "server", os.path.join(r.dir, "t.db"))))
        some = [insert("scal", i=3, r=0.5), insert("sets", si=["set", [1, 2]], s3=4), insert("root", name="one", a=1, t="q")]
        for operations in [some] + [[mistake] for mistake in MISTAKES]:
            replies = [c.request("transact", "test", *operations, seconds=20)["result"] for c in clients]
            theirs, ours = (canonical_text(reply)
                            for reply in replies)
            if theirs != ours:
                raise rig.Failure(f"{json.dumps(operations)}\nDebian: {theirs}\n  Weft: {ours}")


if __name__ == "__main__":
    rig.main(error_texts, random_requests)
