"""Databases moved to another schema, saved and restored: offline and online, beside Debian's programs.

Debian's server ends when an online conversion finds a value that breaks a constraint, and its offline conversion does not
check indexes, maxRows and references; ours holds the manual's "all of the new schema's constraints apply in full".
"""
import copy
import json
import os
import re
import subprocess

import ovsdb
import rig

SCHEMA = {"name": "t", "version": "1.0.0", "tables": {
    "a": {"isRoot": True, "columns": {
        "n": {"type": "integer"}, "s": {"type": {"key": "string", "min": 0, "max": "unlimited"}},
        "m": {"type": {"key": "string", "value": "integer", "min": 0, "max": "unlimited"}},
        "k": {"type": {"key": {"type": "uuid", "refTable": "kid"}, "min": 0, "max": "unlimited"}},
        "e": {"type": "integer", "ephemeral": True}}},
    "b": {"isRoot": True, "columns": {
        "n": {"type": "integer"}, "w": {"type": {"key": {"type": "uuid", "refTable": "a", "refType": "weak"}, "min": 0}}}},
    "kid": {"columns": {"n": {"type": "integer"}}}}}
CONTENTS = [
    {"op": "insert", "table": "kid", "uuid-name": "k", "row": {"n": 7}},
    {"op": "insert", "table": "a", "uuid-name": "x", "row": {
        "n": 5, "s": ["set", ["x", "yyyyy"]], "m": ["map", [["p", 1], ["q", 2]]], "k": ["named-uuid", "k"], "e": 3}},
    {"op": "insert", "table": "a", "row": {"n": -3}},
    {"op": "insert", "table": "b", "row": {"n": 1, "w": ["named-uuid", "x"]}}]


def column(table, name, value):
    def change(schema):
        schema["tables"][table]["columns"][name] = value
    return change


def drop(*path):
    def change(schema):
        at = schema
        for name in path[:-1]:
            at = at[name]
        del at[path[-1]]
    return change


def put(*path):
    def change(schema):
        at = schema
        for name in path[:-2]:
            at = at[name]
        at[path[-2]] = path[-1]
    return change


# (what changes, whether Debian's programs answer it as the manual says: both, offline only, or not)
FITS = [
    drop("tables", "a", "columns", "s"), drop("tables", "b"), put("version", "3.0.0"),
    column("a", "n", {"type": {"key": "integer", "min": 0, "max": "unlimited"}}), column("a", "n", {"type": "real"}),
    column("a", "new", {"type": {"key": "string", "min": 0}}), column("a", "new", {"type": {"key": {"type": "integer", "minInteger": 3}}}),
    column("a", "e", {"type": "integer"}), column("a", "n", {"type": {"key": {"type": "integer", "minInteger": -3, "maxInteger": 5}}}),
    put("tables", "kid", "isRoot", True), put("tables", "a", "indexes", [["n"]]), put("tables", "a", "maxRows", 2)]
REFUSED_BY_BOTH = [
    column("a", "s", {"type": {"key": "string", "min": 0, "max": 1}}), column("a", "n", {"type": "string"}),
    column("a", "s", {"type": {"key": "string", "value": "string", "min": 0, "max": "unlimited"}}),
    column("a", "n", {"type": {"key": {"type": "integer", "minInteger": 0}}}),
    column("a", "s", {"type": {"key": {"type": "string", "maxLength": 3}, "min": 0, "max": "unlimited"}}),
    column("a", "s", {"type": {"key": {"type": "string", "enum": ["set", ["x", "q"]]}, "min": 0, "max": "unlimited"}}),
    column("a", "m", {"type": {"key": "string", "value": {"type": "integer", "maxInteger": 1}, "min": 0, "max": "unlimited"}})]
REFUSED_BY_OURS = [
    (put("tables", "a", "maxRows", 1), "schema-defined limit"),
    (lambda s: (column("a", "i", {"type": "integer"})(s), put("tables", "a", "indexes", [["i"]])(s)), "identical values"),
    (column("b", "r", {"type": {"key": {"type": "uuid", "refTable": "a"}}}), "references nonexistent row")]


def changed(change):
    schema = copy.deepcopy(SCHEMA)
    schema["version"] = "2.0.0"
    change(schema)
    return schema


def write_schema(r, schema):
    path = os.path.join(r.dir, "new.ovsschema")
    with open(path, "w") as f:
        json.dump(schema, f)
    return path


def create(r):
    schema, db = os.path.join(r.dir, "schema"), os.path.join(r.dir, "t.db")
    with open(schema, "w") as f:
        json.dump(SCHEMA, f)
    r.run("ovsdb-tool", "create", db, schema)
    r.run("ovsdb-tool", "transact", db, json.dumps(["t", *CONTENTS]))
    return db


def rows(r, db, schema):
    """Every row but for its UUIDs, in order."""
    operations = [{"op": "select", "table": table, "where": [], "columns": sorted(columns["columns"])}
                  for table, columns in sorted(schema["tables"].items())]
    results = json.loads(r.run("ovsdb-tool", "query", db, json.dumps(["t", *operations])))
    text = [sorted(json.dumps(row, sort_keys=True) for row in result["rows"]) for result in results]
    return re.sub(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", "UUID", json.dumps(text))


def both():
    return (rig.Rig(name="convert-debian"),
            rig.Rig(weft=("ovsdb-server", "ovsdb-tool", "ovsdb-client", "ovs-appctl"), name="convert-weft"))


def plain(text):
    """An error without the program's name, the folder and UUIDs."""
    text = re.sub(r"^ovsdb-\w+: ", "", text.strip())
    text = re.sub(r"/tmp/weft-[\w-]+/", "", text)
    text = re.sub(r'^syntax ".*": (?=syntax error)', "", text)  # of several rows that do not fit either may be the first
    return re.sub(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", "UUID", text)


def offline():
    """ovsdb-tool convert: the same contents, or the same error and an unchanged file"""
    with both()[0] as debian, both()[1] as weft:
        files = {r: create(r) for r in (debian, weft)}
        before = {r: open(files[r], "rb").read() for r in files}
        for number, change in enumerate(FITS + REFUSED_BY_BOTH):
            schema = changed(change)
            outcome = []
            for r, db in files.items():
                done = r.run("ovsdb-tool", "convert", db, write_schema(r, schema), db + ".new", check=False)
                if done.returncode:
                    outcome.append(plain(done.stderr))
                    if os.path.exists(db + ".new"):
                        raise rig.Failure(f"conversion {number} of {r.dir} left a file")
                else:
                    outcome.append(rows(r, db + ".new", schema))
                    os.unlink(db + ".new")
            if outcome[0] != outcome[1]:
                raise rig.Failure(f"conversion {number} to {json.dumps(schema)}:\nDebian: {outcome[0]}\n  Weft: {outcome[1]}")
            if (number < len(FITS)) != outcome[1].startswith("["):
                raise rig.Failure(f"conversion {number}: {outcome[1]}")
        for change, why in REFUSED_BY_OURS:
            done = weft.run("ovsdb-tool", "convert", files[weft], write_schema(weft, changed(change)), check=False)
            if done.returncode != 1 or why not in done.stderr:
                raise rig.Failure(f"{why}: exit {done.returncode}, {done.stderr}")
        for r, db in files.items():
            if open(db, "rb").read() != before[r]:
                raise rig.Failure(f"{db} has changed")
        # In place, and the other program reads it.
        schema = changed(FITS[0])
        for r, other in ((debian, weft), (weft, debian)):
            r.run("ovsdb-tool", "convert", files[r], write_schema(r, schema))
            if rows(other, files[r], schema) != rows(r, files[r], schema):
                raise rig.Failure("the converted file reads differently")
            for command, want in (("needs-conversion", "no"), ("db-version", "2.0.0")):
                words = [files[r]] + ([os.path.join(r.dir, "new.ovsschema")] if command == "needs-conversion" else [])
                if other.run("ovsdb-tool", command, *words).strip() != want:
                    raise rig.Failure(f"{command} of the converted file")


def start(r, db):
    for name in ("sock", "ctl"):
        if os.path.exists(f"{r.dir}/{name}"):
            os.unlink(f"{r.dir}/{name}")
    r.start("server", "ovsdb-server", f"--remote=punix:{r.dir}/sock", f"--unixctl={r.dir}/ctl", db)


def online():
    """ovsdb-client convert: contents or errors as offline, monitors cancelled, and the same after kill -9"""
    with both()[1] as weft:
        for number, change in enumerate(FITS + REFUSED_BY_BOTH + [c for c, _ in REFUSED_BY_OURS]):
            db = create(weft)
            schema = changed(change)
            path = write_schema(weft, schema)
            refused = weft.run("ovsdb-tool", "convert", db, path, db + ".new", check=False)
            start(weft, db)
            aware, other = (ovsdb.Client(f"unix:{weft.dir}/sock") for _ in range(2))
            aware.request("set_db_change_aware", True)
            for client in (aware, other):
                client.request("monitor", "t", "m", {"a": {"columns": ["n"]}})
            done = weft.run("ovsdb-client", "convert", f"unix:{weft.dir}/sock", path, check=False)
            if done.returncode != refused.returncode:
                raise rig.Failure(f"conversion {number}: online {done.stderr}, offline {refused.stderr}")
            if done.returncode:
                if json.JSONDecoder().raw_decode(done.stderr[done.stderr.index("{"):])[0]["details"] not in refused.stderr and "identical values" not in done.stderr:
                    raise rig.Failure(f"conversion {number}: online {done.stderr}, offline {refused.stderr}")
                schema = SCHEMA
                aware.request("echo", 1)
                other.request("echo", 1)
            else:
                note = aware.receive()
                if note.get("method") != "monitor_canceled" or note["params"] != ["m"]:
                    raise rig.Failure(f"conversion {number}: {note}")
                try:
                    other.receive()
                    raise rig.Failure("a client that does not follow _Server was not disconnected")
                except ovsdb.Closed:
                    pass
                expected = rows(weft, db + ".new", schema)
            client = ovsdb.Client(f"unix:{weft.dir}/sock")
            served = client.request("get_schema", "t")["result"]
            if served["version"] != schema["version"]:
                raise rig.Failure(f"conversion {number}: the schema served is {served['version']}")
            # It goes on, and what it does survives.
            client.transact("t", {"op": "insert", "table": "kid" if "isRoot" in schema["tables"]["kid"] else "a", "row": {"n": 0}})
            client.transact("t", {"op": "delete", "table": "a", "where": [["n", "==", 0]]})
            weft.kill("server", 9)
            if not done.returncode and "isRoot" not in schema["tables"]["kid"] and rows(weft, db, schema) != expected:
                raise rig.Failure(f"conversion {number}: online and offline differ")
            for name in (db, db + ".new"):
                if os.path.exists(name):
                    os.unlink(name)


def restore(r, remote, text, *options):
    """From a file: Debian's client wants to seek in it."""
    with open(f"{r.dir}/input", "w") as f:
        f.write(text)
    with open(f"{r.dir}/input") as f:
        done = subprocess.run([r.path("ovsdb-client"), *options, "restore", remote, "t"], stdin=f, env=r.env, text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=30)
    if done.returncode:
        raise rig.Failure(f"{r.dir}: restore: {done.stderr}")


def backups():
    """A backup of either is a database of both, and is restored by both"""
    with both()[0] as debian, both()[1] as weft:
        texts = []
        for r in (debian, weft):
            db = create(r)
            start(r, db)
            text = r.run("ovsdb-client", "backup", f"unix:{r.dir}/sock", "t")
            texts.append(text)
            with open(f"{r.dir}/backup.db", "w") as f:
                f.write(text)
        want = rows(debian, f"{debian.dir}/backup.db", SCHEMA)
        for reader in (debian, weft):
            for writer in (debian, weft):
                if rows(reader, f"{writer.dir}/backup.db", SCHEMA) != want:
                    raise rig.Failure(f"{reader.dir} reads {writer.dir}'s backup differently")
        # Restored over other contents, in every combination of server, tool and backup.
        for server in (debian, weft):
            for tool in (debian, weft):
                for text in texts:
                    remote = f"unix:{server.dir}/sock"
                    tool.run("ovsdb-client", "transact", remote, json.dumps(["t", {"op": "delete", "table": "b", "where": []},
                             {"op": "insert", "table": "a", "row": {"n": 99}}]))
                    restore(tool, remote, text)
                    if rows(debian, f"{server.dir}/t.db", SCHEMA) != want:
                        raise rig.Failure("what was restored differs from the backup")
        # A backup of another schema wants --force, and then what fits is restored.
        schema = changed(drop("tables", "a", "columns", "s"))
        weft.run("ovsdb-client", "convert", f"unix:{weft.dir}/sock", write_schema(weft, schema))
        done = weft.run("ovsdb-client", "restore", f"unix:{weft.dir}/sock", "t", stdin=texts[0], check=False)
        if done.returncode != 1 or "schema" not in done.stderr:
            raise rig.Failure(f"a backup of another schema: {done.returncode} {done.stderr}")
        restore(weft, f"unix:{weft.dir}/sock", texts[0], "--force")
        text = rows(weft, f"{weft.dir}/t.db", schema)
        if '"n\\": 5' not in text or "yyyyy" in text:
            raise rig.Failure(f"restored with --force: {text}")


if __name__ == "__main__":
    rig.main(offline, online, backups)
