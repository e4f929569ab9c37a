"""Service models of ovsdb(7), ours and Debian's on either side: an active server and its backup, and relays of a source and
of relays.  Random transactions reach every copy; what a copy cannot do it refuses or passes on; servers that go and come."""
import json
import os
import random
import signal
import time

import ovsdb
import rig
from ovsdb import a_set

SCHEMA = {"name": "db", "version": "1.0.0", "tables": {
    "T": {"isRoot": True, "indexes": [["name"]], "columns": {
        "name": {"type": "string"}, "num": {"type": "integer"}, "opt": {"type": {"key": "string", "min": 0}},
        "tags": {"type": {"key": "string", "min": 0, "max": "unlimited"}},
        "opts": {"type": {"key": "string", "value": "integer", "min": 0, "max": "unlimited"}},
        "kids": {"type": {"key": {"type": "uuid", "refTable": "K"}, "min": 0, "max": "unlimited"}},
        "friends": {"type": {"key": {"type": "uuid", "refTable": "T", "refType": "weak"}, "min": 0, "max": "unlimited"}}}},
    "K": {"columns": {"name": {"type": "string"}}},
    "U": {"isRoot": True, "columns": {"name": {"type": "string"}}}}}
READ_ONLY = "when database server is in read only mode"


def expect(condition, what):
    if not condition:
        raise rig.Failure(what)


class Servers(rig.Rig):
    """ovsdb-servers by name, of either make."""

    def database(self, name, schema=SCHEMA):
        path = f"{self.dir}/{name}.db"
        with open(f"{self.dir}/{name}.schema", "w") as f:
            json.dump(schema, f)
        self.run("ovsdb-tool", "create", path, f"{self.dir}/{name}.schema")
        return path

    def serve(self, name, weft, *options):
        self.weft = {"ovsdb-server"} if weft else set()
        self.start(name, "ovsdb-server", f"--unixctl={self.dir}/{name}.ctl", f"--remote=punix:{self.dir}/{name}.sock", *options)
        return self.client(name)

    def client(self, name):
        return ovsdb.Client(self.remote(name))

    def remote(self, name):
        return f"unix:{self.dir}/{name}.sock"

    def appctl(self, name, *words, code=0):
        done = self.run("ovs-appctl", "-t", f"{self.dir}/{name}.ctl", *words, check=False)
        expect(done.returncode == code, f"{name}: {words}: {done}")
        return done.stdout + done.stderr


def contents(client):
    """Every table, as text."""
    columns = {table: ["_uuid"] + sorted(schema["columns"]) for table, schema in SCHEMA["tables"].items()}
    return {table: sorted(json.dumps(row, sort_keys=True) for row in client.select("db", table, names)) for table, names in columns.items()}


def random_changes(client, r, count):
    """Transactions of all kinds, some of which fail."""
    for _ in range(count):
        operations, name = [], lambda: f"n{r.randrange(12)}"
        for _ in range(r.randint(1, 3)):
            where = [["name", "==", name()]]
            operations.append(r.choice([
                {"op": "insert", "table": "T", "row": {"name": name(), "num": r.randrange(9), "opt": r.choice([["set", []], "x"])}},
                {"op": "insert", "table": "U", "row": {"name": name()}},
                {"op": "update", "table": "T", "where": where, "row": {"num": r.randrange(9), "opt": r.choice([["set", []], "y", "z"])}},
                {"op": "mutate", "table": "T", "where": where, "mutations": [["tags", r.choice(["insert", "delete"]), a_set("a", name())], ["num", "+=", 1]]},
                {"op": "mutate", "table": "T", "where": [], "mutations": [["opts", "delete", a_set("k1")], ["opts", "insert", ["map", [["k1", r.randrange(5)], ["k2", 1]]]]]},
                {"op": "delete", "table": r.choice(["T", "U"]), "where": where}]))
        if r.random() < 0.3:
            operations += [{"op": "insert", "table": "K", "uuid-name": "kid", "row": {"name": "kid"}},
                           {"op": "mutate", "table": "T", "where": [["name", "==", name()]], "mutations": [["kids", "insert", ["named-uuid", "kid"]]]}]
        client.transact("db", *operations)


def wait_equal(a, b, what, seconds=10):
    rig.wait_for(lambda: contents(a) == contents(b), f"{what} to have the same contents", seconds)


def backups():
    """a backup follows random changes, refuses to write, and can take over and go back; its own history does not matter"""
    seed = int(os.environ.get("WEFT_SEED") or random.randrange(1 << 30))
    print(f"# seed {seed}")
    for weft_active, weft_backup in ((True, True), (False, True), (True, False)):
        r = random.Random(seed)
        with Servers(name="backup") as s:
            active = s.serve("active", weft_active, s.database("active"))
            random_changes(active, r, 40)
            path = s.database("backup")
            # Its file has contents of its own, which are not to survive.
            old = s.serve("old", weft_backup, path)
            random_changes(old, r, 20)
            s.kill("old", signal.SIGTERM)
            backup = s.serve("backup", weft_backup, f"--sync-from={s.remote('active')}", path)
            wait_equal(active, backup, "the backup after its start")
            random_changes(active, r, 150)
            wait_equal(active, backup, "the backup after changes")
            status = s.appctl("backup", "ovsdb-server/sync-status")
            expect(status == f"state: backup\nreplicating: {s.remote('active')}\ndatabase: db\n", status)
            expect(s.appctl("active", "ovsdb-server/sync-status") == "state: active\n", "the active server's state")
            expect(s.appctl("backup", "ovsdb-server/get-active-ovsdb-server").strip() == s.remote("active"), "get-active-ovsdb-server")
            for operation in ({"op": "insert", "table": "U", "row": {}}, {"op": "delete", "table": "T", "where": []}, {"op": "commit", "durable": True}):
                expect(backup.transact("db", operation)[0] == {"error": "not allowed", "details": f"{operation['op']} operation not allowed {READ_ONLY}"}, f"{operation}")
            expect(backup.request("lock", "l")["error"] == "lock and unlock methods not allowed, DB server is read only.", "a lock")
            # The active server goes and comes back; the backup finds what changed meanwhile.
            s.kill("active", signal.SIGKILL)
            active = s.serve("active", weft_active, f"{s.dir}/active.db")
            random_changes(active, r, 60)
            wait_equal(active, backup, "the backup after the active server's restart", 15)
            # Failover, and back.
            s.appctl("backup", "ovsdb-server/disconnect-active-ovsdb-server")
            expect(s.appctl("backup", "ovsdb-server/sync-status") == "state: active\n", "state after disconnect")
            backup = s.client("backup")
            random_changes(backup, r, 20)
            expect(contents(backup) != contents(active), "the backup still follows")
            expect(backup.request("lock", "l")["result"] == {"locked": True}, "a lock after the takeover")
            before = contents(active)
            s.appctl("backup", "ovsdb-server/connect-active-ovsdb-server")
            backup = s.client("backup")
            wait_equal(active, backup, "the backup again")
            expect(contents(active) == before, "the active server changed")
            # What it copied is in its file.
            s.kill("backup", signal.SIGKILL)
            alone = s.serve("alone", weft_backup, path)
            wait_equal(active, alone, "the backup's file")


def backup_commands():
    """excluded tables, an active server that is not there, of another schema, or the server itself; --active; what is no server"""
    with Servers(name="backup") as s:
        # Of several transactions the first is seen by monitors of the backup as one change, not as a loss of everything.
        active = s.serve("active", True, s.database("active"))
        random_changes(active, random.Random(1), 60)
        path = s.database("backup")
        backup = s.serve("backup", True, f"--sync-from={s.remote('active')}", "--sync-exclude-tables=db:U,db:K", path)
        rig.wait_for(lambda: contents(backup)["T"] == contents(active)["T"], "tables that are copied")
        expect(contents(backup)["U"] == [] and contents(backup)["K"] == [] and contents(active)["U"], "tables that are not")
        expect(s.appctl("backup", "ovsdb-server/get-sync-exclude-tables") == "db:K,db:U\n", "get-sync-exclude-tables")
        expect("exclude: db:K,db:U\n" in s.appctl("backup", "ovsdb-server/sync-status"), "sync-status")
        backup.request("monitor", "db", "m", {"T": [{"columns": ["name"]}]})
        s.appctl("backup", "ovsdb-server/set-sync-exclude-tables", "db:U")
        rig.wait_for(lambda: contents(backup)["K"] == contents(active)["K"], "a table that is copied now")
        expect(not backup.take_notes(), "a monitor of what did not change was told something")
        s.appctl("backup", "ovsdb-server/set-sync-exclude-tables", "")
        wait_equal(active, backup, "all tables")
        expect("is expected" in s.appctl("backup", "ovsdb-server/set-sync-exclude-tables", "U", code=2), "a table without a database")
        expect(s.appctl("active", "ovsdb-server/connect-active-ovsdb-server") == "Unable to connect: active server is not specified.\n", "connect to nobody")
        expect("is not a server" in s.appctl("backup", "ovsdb-server/set-active-ovsdb-server", "bogus", code=2), "bogus")
        expect("Invalid probe interval" in s.appctl("backup", "ovsdb-server/set-active-ovsdb-server-probe-interval", "x"), "probe interval")
        s.appctl("backup", "ovsdb-server/set-active-ovsdb-server-probe-interval", "3000")
        s.appctl("backup", "ovsdb-server/set-active-ovsdb-server", s.remote("backup"))
        s.appctl("backup", "ovsdb-server/connect-active-ovsdb-server")
        wait_status = lambda words: rig.wait_for(lambda: words in s.appctl("backup", "ovsdb-server/sync-status"), f"the status to say: {words}")
        wait_status("error: db: Server ID check failed: Self replicating is not allowed\n")
        expect(s.client("backup").transact("db", {"op": "insert", "table": "U", "row": {}})[0]["error"] == "not allowed", "a backup of itself writes")
        other = json.loads(json.dumps(SCHEMA))
        other["tables"]["New"] = {"isRoot": True, "columns": {"x": {"type": "integer"}}}
        newer = s.serve("newer", True, s.database("newer", other))
        s.appctl("backup", "ovsdb-server/set-active-ovsdb-server", s.remote("newer"))
        s.appctl("backup", "ovsdb-server/connect-active-ovsdb-server")
        wait_status("error: db: table New is not in this server's schema\n")
        before = contents(s.client("backup"))
        expect(before["T"], "the backup lost its contents")
        # Once this server's schema has it, too, it goes on by itself.
        random_changes(newer, random.Random(2), 30)
        s.client("backup").request("convert", "db", other)
        wait_status(f"replicating: {s.remote('newer')}\n")
        wait_equal(newer, s.client("backup"), "the backup after its conversion")
        s.appctl("backup", "ovsdb-server/set-active-ovsdb-server", f"unix:{s.dir}/nobody.sock")
        s.appctl("backup", "ovsdb-server/connect-active-ovsdb-server")
        wait_status(f"state: backup\nconnecting: unix:{s.dir}/nobody.sock\n")
        s.kill("backup", signal.SIGTERM)
        ready = s.serve("ready", True, f"--sync-from={s.remote('newer')}", "--active", path)
        expect(s.appctl("ready", "ovsdb-server/sync-status") == "state: active\n", "--active")
        expect("uuid" in ready.transact("db", {"op": "insert", "table": "U", "row": {}})[0], "--active writes")
        done = s.run("ovsdb-server", "--unixctl=none", "--sync-from=bogus", s.database("x"), check=False)
        expect(done.returncode == 1 and '"bogus" is not a server' in done.stderr, f"{done}")


def _server(client):
    """The row of `_Server` for the database."""
    rows = client.select("_Server", "Database", ["model", "connected", "leader"], [["name", "==", "db"]])
    return rows[0] if rows else None


def relays():
    """relays of a source and of relays: reads are local, writes go through and come back before their replies, whoever made which"""
    seed = int(os.environ.get("WEFT_SEED") or random.randrange(1 << 30))
    for makes in ((True, True, True), (False, True, True), (True, False, True), (True, True, False)):
        r = random.Random(seed)
        with Servers(name="relay") as s:
            clients = [s.serve("s0", makes[0], s.database("s0"))]
            random_changes(clients[0], r, 40)
            for i in (1, 2):
                s.serve(f"s{i}", makes[i], f"relay:db:{s.remote(f's{i - 1}')}")
                # When a relay has its schema, who does not follow _Server is disconnected.
                rig.wait_for(lambda: _server(s.client(f"s{i}")) == ["relay", True, False], "the relay to be connected")
                clients.append(s.client(f"s{i}"))
            expect(_server(clients[0]) == ["standalone", True, True], f"{_server(clients[0])}")
            wait_equal(clients[0], clients[2], "the relay of a relay")
            for client in clients:
                reply = client.request("monitor_cond_since", "db", "m", {"T": [{"columns": ["name"]}]}, "00000000-0000-0000-0000-000000000000")
                expect(reply["error"] is None, f"{makes}: {reply}")
            for _ in range(4):
                random_changes(r.choice(clients), r, 40)
            for client in clients[1:]:
                wait_equal(clients[0], client, f"{makes}: a relay")
                client.take_notes()
            # The update that a transaction causes comes before its reply.
            for i in range(20):
                name = f"own{i}"
                clients[2].transact("db", {"op": "insert", "table": "T", "row": {"name": name}})
                told = [note["params"][-1] for note in clients[2].take_notes() if note["method"] == "update3"]
                expect(any({"insert": {"name": name}} in list(update.get("T", {}).values()) for update in told), f"{makes}: the reply came before the update: {told}")
            # Errors of the source come through, too.
            answer = clients[2].transact("db", {"op": "insert", "table": "T", "row": {"name": "own1"}})
            expect(answer[-1]["error"] == "constraint violation" and "own1" in answer[-1]["details"], f"{answer}")
            answer = clients[2].transact("db", {"op": "insert", "table": "T", "row": {"nope": 1}})
            expect(answer[-1]["error"] == "unknown column", f"{answer}")
            # A wait that the source ends.
            if makes[1:] == (True, True):
                number = clients[2].send("transact", "db", {"op": "wait", "table": "U", "where": [["name", "==", "gate"]], "columns": ["name"], "until": "==",
                                                           "rows": [{"name": "gate"}]}, {"op": "insert", "table": "U", "row": {"name": "through"}})
                time.sleep(0.2)
                clients[0].transact("db", {"op": "insert", "table": "U", "row": {"name": "gate"}})
                expect("uuid" in clients[2].wait(number)["result"][1], "a wait with a write")


def sources_that_go():
    """a source that dies and comes back: reads go on, writes wait, what was under way is canceled; clients hear of it after 30 s only"""
    with Servers(name="relay") as s:
        s.database("source")
        relay = s.serve("relay", True, f"relay:db:{s.remote('source')}")
        expect(_server(relay) == ["relay", False, False], f"{_server(relay)}")
        expect(relay.request("list_dbs")["result"] == ["_Server", "db"], "list_dbs")
        for method, more in (("get_schema", []), ("monitor", ["m", {}]), ("transact", [{"op": "select", "table": "T", "where": []}])):
            error = relay.request(method, "db", *more)["error"]
            expect(error["error"] == "database not available", f"{method}: {error}")
        relay.request("set_db_change_aware", True)
        source = s.serve("source", True, f"{s.dir}/source.db")
        # The relay tells whoever listens.
        relay.request("monitor_cond", "_Server", "s", {"Database": [{"columns": ["name", "connected"]}]})
        rig.wait_for(lambda: _server(relay) == ["relay", True, False], "the relay to find its source")
        monitor = relay.request("monitor_cond_since", "db", "m", {"U": [{"columns": ["name"]}]}, "00000000-0000-0000-0000-000000000000")
        relay.transact("db", {"op": "insert", "table": "U", "row": {"name": "first"}})
        last = relay.take_notes()[-1]["params"][1]
        # Transactions have the same ids at both.
        found = source.request("monitor_cond_since", "db", "m", {"U": [{"columns": ["name"]}]}, last)["result"]
        expect(found[0] and found[1] == last and found[2] == {}, f"{found}")
        waiting = relay.send("transact", "db", {"op": "wait", "table": "U", "where": [], "columns": ["name"], "until": "==", "rows": []}, {"op": "insert", "table": "U", "row": {}})
        time.sleep(0.3)
        # Cancelled where it waits.
        relay.write({"method": "cancel", "params": [waiting], "id": None})
        expect(relay.wait(waiting)["error"] == "canceled", "a cancelled transaction")
        waiting = relay.send("transact", "db", {"op": "wait", "table": "U", "where": [], "columns": ["name"], "until": "==", "rows": []}, {"op": "insert", "table": "U", "row": {}})
        time.sleep(0.3)
        s.kill("source", signal.SIGKILL)
        expect(relay.wait(waiting)["error"] == "canceled", "what was under way")
        expect(relay.select("db", "U", ["name"]) == [["first"]], "reading without a source")
        held = relay.send("transact", "db", {"op": "insert", "table": "U", "row": {"name": "held"}})
        never = relay.send("transact", "db", {"op": "insert", "table": "U", "row": {"name": "never"}})
        relay.write({"method": "cancel", "params": [never], "id": None})
        expect(relay.wait(never)["error"] == "canceled", "cancelled before it was sent")
        source = s.serve("source", True, f"{s.dir}/source.db")
        expect("uuid" in relay.wait(held, 10)["result"][0], "what waited")
        expect(sorted(source.select("db", "U", ["name"])) == [["first"], ["held"]], "the source's rows")
        expect(_server(relay) == ["relay", True, False], "a short absence was told")
        # Converted by way of the relay: it is the source that is, and both then have it.
        newer = json.loads(json.dumps(SCHEMA))
        newer["version"], newer["tables"]["U"]["columns"]["more"] = "1.1.0", {"type": "integer"}
        expect(relay.request("convert", "db", newer)["result"] == {}, "convert")
        version = lambda client: client.request("get_schema", "db")["result"]["version"]
        rig.wait_for(lambda: version(relay) == "1.1.0", "the relay's new schema")
        expect(version(s.client("source")) == "1.1.0", "the source's new schema")
        expect(any(note["method"] == "monitor_canceled" for note in relay.take_notes()), "monitors were to be canceled")
        expect(sorted(relay.select("db", "U", ["name", "more"])) == [["first", 0], ["held", 0]], "rows after the conversion")
        for words, what in (("relay:db", "invalid syntax"), ("relay:", "invalid syntax"), ("relay:x:bogus", "is not a remote"), (f"relay:db:{s.remote('source')}", "duplicate")):
            expect(what in s.appctl("relay", "ovsdb-server/add-db", words, code=2), words)
        s.appctl("relay", "ovsdb-server/remove-db", "db")
        expect(relay.request("list_dbs")["result"] == ["_Server"], "remove-db")
        s.appctl("relay", "ovsdb-server/add-db", f"relay:db:unix:{s.dir}/nobody.sock,{s.remote('source')}")
        rig.wait_for(lambda: _server(relay) == ["relay", True, False], "the second remote")


if __name__ == "__main__":
    rig.main(backups, backup_commands, relays, sources_that_go)
