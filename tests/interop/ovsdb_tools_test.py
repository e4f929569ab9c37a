"""Every command and option of ovsdb-tool(1) and ovsdb-client(1), and every control command of ovsdb-server(1), by Debian's
programs and by ours: the same output, exit codes and errors.

Lines of output come in hash order from Debian's where nobody asked for an order: they are compared sorted.  Messages that
differ on purpose are compared up to where they do (docs/decisions/0056).
"""
import json
import os
import re
import shlex
import subprocess
import time

import control
import ovsdb
import rig

UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
TIME = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d+)?Z?")
WEAK = {"key": "integer", "value": {"type": "uuid", "refTable": "k", "refType": "weak"}, "min": 0, "max": "unlimited"}


def any_number(key, **more):
    return {"type": {"key": key, "min": 0, "max": "unlimited", **more}}


SCHEMA = {"name": "t", "version": "1.2.3", "cksum": "1234567 89", "tables": {
    "a": {"isRoot": True, "indexes": [["s"]], "columns": {
        "i": {"type": "integer"}, "r": {"type": "real"}, "b": {"type": "boolean"}, "s": {"type": "string"},
        "e": {"type": {"key": {"type": "string", "enum": ["set", ["x", "y"]]}, "min": 0}},
        "c": {"type": {"key": {"type": "integer", "minInteger": -5, "maxInteger": 100}}},
        "v": {"type": {"key": {"type": "real", "minReal": 0.5}, "min": 0, "max": 3}},
        "l": any_number({"type": "string", "minLength": 1, "maxLength": 5}), "m": any_number("string", value="string"),
        "mi": {"type": WEAK}, "k": any_number({"type": "uuid", "refTable": "k"}),
        "eph": {"type": "integer", "ephemeral": True}, "im": {"type": "string", "mutable": False}}},
    "k": {"maxRows": 5, "columns": {"n": {"type": "integer"}, "u": {"type": {"key": "uuid", "min": 0}}}},
    "empty": {"isRoot": True, "columns": {"x": {"type": "string"}}}}}
FIRST = ["t", {"op": "insert", "table": "a", "row": {
    "s": "one", "i": 1, "r": 0.1, "b": True, "m": ["map", [["k", "v"], ["a", "b c"]]], "l": ["set", ["p", "q r"]], "e": "x",
    "k": ["named-uuid", "kk"], "mi": ["map", [[3, ["named-uuid", "kk"]]]]}},
    {"op": "insert", "table": "k", "uuid-name": "kk", "row": {"n": 3}}, {"op": "comment", "comment": "first\nline"}]
SECOND = ["t", {"op": "insert", "table": "a", "row": {"s": "two & <b>, \"q\"", "eph": 3, "l": "u"}}]


def changed(version="1.2.3", name="t", **columns):
    schema = json.loads(json.dumps(SCHEMA))
    schema.update(version=version, name=name)
    schema["tables"]["a"]["columns"].update(columns)
    return schema


FILES = {"schema": json.dumps(SCHEMA), "schema2": json.dumps(changed("2.0.0", new={"type": {"key": "string", "min": 0, "max": 2}})),
         "schema3": json.dumps(changed(s={"type": "integer"})), "other": json.dumps(changed(name="other")),
         "bad.json": "{", "list.json": "[]", "type.json": '{"name":"x","tables":{"t":{"columns":{"c":{"type":"foo"}}}}}',
         "name.json": '{"name":"x"}', "empty": "", "rubbish": "hello world\nmore\n"}


class Place:
    """A folder with the same files for each of the two."""

    def __init__(self, r):
        self.rig = r
        self.numbers = {}
        for name, text in FILES.items():
            with open(os.path.join(r.dir, name), "w") as f:
                f.write(text)

    def normal(self, text):
        text = TIME.sub("TIME", text.replace(self.rig.dir, "DIR"))
        text = UUID.sub(lambda m: self.numbers.setdefault(m.group(0), f"<{len(self.numbers)}>"), text)
        # Parts of UUIDs that are known by now.
        for uuid, number in self.numbers.items():
            text = text.replace(uuid[:8], number)
        return text

    def run(self, words, stdin=None):
        done = subprocess.run(self.rig.command(*words), env=self.rig.env, cwd=self.rig.dir, input=stdin, text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=20)
        lines = [line for line in done.stderr.splitlines() if not re.match(r"\d{4}-.*\|", line)]  # the log
        return [done.returncode, self.normal(done.stdout), self.normal("\n".join(lines))]


def both(name):
    return rig.Rig(name=name + "-debian"), rig.Rig(weft="all", name=name + "-weft")


def comparable(how, result):
    code, out, err = result
    if how == "sorted":
        out = sorted(out.splitlines())
    elif how == "json":
        out = json.loads(out) if out.strip() else out
        for one in out if isinstance(out, list) else []:
            if isinstance(one, dict) and "rows" in one:
                one["rows"].sort(key=str)  # in hash order
    elif how == "code":  # the message is ours
        return [code, out, bool(err)]
    elif how == "fails":
        return [bool(code), out]
    return [code, out, err]


class Comparison:
    def __init__(self, debian, weft):
        self.places = [Place(debian), Place(weft)]
        self.differences, self.count = [], 0

    def __call__(self, line, how="same", stdin=None):
        words = shlex.split(line) if isinstance(line, str) else line
        theirs, ours = (place.run(words, stdin) for place in self.places)
        self.compare(" ".join(words), comparable(how, theirs), comparable(how, ours))
        return theirs, ours

    def compare(self, what, theirs, ours):
        self.count += 1
        if theirs != ours:
            self.differences.append(f"{what}\n  Debian: {theirs}\n    Weft: {ours}")

    def end(self):
        print(f"# {self.count} comparisons")
        if self.differences:
            raise rig.Failure(f"{len(self.differences)} of {self.count} differ:\n" + "\n".join(self.differences))


def tool():
    """ovsdb-tool"""
    debian, weft = both("tool")
    with debian, weft:
        check = Comparison(debian, weft)
        t = "ovsdb-tool "
        for line in ["", "nonsense", "create t.db schema", "create t.db schema", "create x.db nofile", "create x.db list.json",
                     "create x.db type.json", "create x.db name.json", "create a b c"]:
            check(t + line)
        check(t + "create x.db bad.json", "code")
        check(t + "create nodir/x.db schema", "code")
        debian.run("ovsdb-tool", "create-cluster", "cluster.db", "schema2", "tcp:127.0.0.1:5")
        with open(f"{debian.dir}/cluster.db", "rb") as source, open(f"{weft.dir}/cluster.db", "wb") as copy:
            copy.write(source.read())
        for command in ("db-name", "db-version", "db-cksum", "db-cid", "db-sid", "db-local-address", "db-is-clustered", "db-is-standalone"):
            of_cluster = command in ("db-version", "db-cksum")
            for file in ("t.db", "nofile", "empty", "rubbish", ".", "schema", ""):
                how = "code" if file in (".", "t.db") or not file else "same"
                check(f"{t}{command} {file}", how)
            check(f"{t}{command} cluster.db", "code" if of_cluster else "same")
            check(f"{t}{command} a b")
        for command in ("schema-name", "schema-version", "schema-cksum"):
            for file in ("schema", "schema3", "nofile", "list.json"):
                check(f"{t}{command} {file}")
            check(f"{t}{command} a b")
        for a, op, b in (("1.2.3", "<", "1.2.4"), ("1.2.3", ">", "1.2.4"), ("1.2.3", "==", "1.2.3"), ("1.2.3", "!=", "1.2.3"),
                         ("1.10.0", ">=", "1.9.9"), ("1.2.3", "<=", "1.2.3"), ("1.2", "<", "1.2.3"), ("x", "<", "1.2.3"),
                         ("1.2.3", "=", "1.2.3"), ("1.2.3", "<", "1.2.3.4"), ("1.2.3", "<", "1.2.x")):
            check(["ovsdb-tool", "compare-versions", a, op, b])
        check(["ovsdb-tool", "compare-versions", "1.2.3", "<"])
        for line in ("t.db schema", "t.db schema2", "t.db schema3", "t.db nofile", "nofile schema", "cluster.db schema"):
            check(f"{t}needs-conversion {line}", "code" if "cluster" in line else "same")
        transactions(check)
        show_log(check)
        whole_files(check)
        for line in ("create-cluster c.db schema", "join-cluster c.db t", "cluster-to-standalone a", "check-cluster"):
            check(t + line)  # too few words
        for line in ("create-cluster c.db schema tcp:127.0.0.1:5", "join-cluster c.db t tcp:127.0.0.1:5 tcp:127.0.0.1:6",
                     "cluster-to-standalone a.db cluster.db", "check-cluster cluster.db", "--cid=x join-cluster c.db t tcp:127.0.0.1:5 tcp:127.0.0.1:6"):
            refused = check.places[1].run(shlex.split(t + line))
            if refused[0] != 1 or "clustered databases are not supported" not in refused[2] or os.path.exists(f"{weft.dir}/c.db"):
                raise rig.Failure(f"{line}: {refused}")
        theirs, ours = (place.run(["ovsdb-tool", "list-commands"])[1].split("\n") for place in check.places)
        names = [{line.split()[0] for line in lines[1:] if line.strip()} for lines in (theirs, ours)]
        check.compare("list-commands", sorted(names[0] - {"help", "list-commands"} - names[1]), [])
        theirs, ours = (set(place.run(["ovsdb-tool", "--option"])[1].split("\n")) for place in check.places)
        check.compare("--option", sorted(theirs - ours), [])
        for line in ("-V", "--version"):
            check.compare(line, *(place.run(shlex.split(t + line))[1].split("\n")[0] for place in check.places))
        check(t + "-vdbg db-name t.db")
        check(t + "--verbose=foo db-name t.db", "code")
        check.end()


def transactions(check):
    """query and transact"""
    def trouble(words, how="json"):
        check(words, how)
    operations = [
        FIRST, SECOND, ["t", {"op": "insert", "table": "a", "row": {"s": "zz", "c": 101}}],
        ["t", {"op": "update", "table": "a", "where": [["s", "==", "one"]], "row": {
            "i": 7, "l": ["set", ["p", "r"]], "m": ["map", [["k", "v2"], ["c", "d"]]], "r": 1e20, "k": ["set", []], "mi": ["map", []]}}],
        ["t", {"op": "mutate", "table": "a", "where": [], "mutations": [["i", "+=", 1], ["v", "insert", ["set", [0.5, 2.5]]]]}],
        ["t", {"op": "delete", "table": "a", "where": [["i", "==", 1]]}, {"op": "comment", "comment": "x"}, {"op": "comment", "comment": "y"}],
        ["t", {"op": "select", "table": "a", "where": [], "columns": ["s", "i", "m", "l", "r", "v"]}],
        ["t", {"op": "update", "table": "a", "where": [], "row": {"eph": 9}}],
        ["t", {"op": "wait", "table": "a", "where": [], "until": "==", "columns": ["s"], "rows": [], "timeout": 0}],
        ["t", {"op": "wait", "table": "a", "where": [], "until": "==", "columns": ["s"], "rows": []}],
        ["t", {"op": "assert", "lock": "x"}], ["t", {"op": "abort"}], ["t", {"op": "commit", "durable": True}], ["t"], [], ["x"], {},
        ["t", 3], ["t", {"op": "bad"}]]
    for one in operations:
        text = json.dumps(one)
        # Debian's query adds an I/O error to what would have changed the file.
        theirs, ours = (place.run(["ovsdb-tool", "query", "t.db", text]) for place in check.places)
        results = json.loads(theirs[1])
        if isinstance(results, list) and results and isinstance(results[-1], dict) and "truncate" in results[-1].get("details", ""):
            results.pop()
        check.compare(f"query {text}", [theirs[0], results], [ours[0], json.loads(ours[1])])
        trouble(["ovsdb-tool", "transact", "t.db", text])
    duplicate = json.dumps(["t", {"op": "insert", "table": "a", "row": {"s": "one"}}])
    theirs, ours = (json.loads(place.run(["ovsdb-tool", "transact", "t.db", duplicate])[1]) for place in check.places)
    check.compare("a duplicate", theirs[-1]["error"], ours[-1]["error"])
    rules = ["t2", {"op": "insert", "table": "RBAC_Role", "row": {"name": "r", "permissions": ["map", [["T", ["named-uuid", "p"]]]]}},
             {"op": "insert", "table": "RBAC_Permission", "uuid-name": "p", "row": {
                 "table": "T", "authorization": "", "insert_delete": True, "update": ["set", ["n"]]}}]
    schema = {"name": "t2", "tables": {
        "T": {"isRoot": True, "columns": {"n": {"type": "integer"}}},
        "RBAC_Role": {"isRoot": True, "columns": {"name": {"type": "string"}, "permissions": {"type": {
            "key": "string", "value": {"type": "uuid", "refTable": "RBAC_Permission", "refType": "weak"}, "min": 0, "max": "unlimited"}}}},
        "RBAC_Permission": {"isRoot": True, "columns": {
            "table": {"type": "string"}, "authorization": any_number("string"), "insert_delete": {"type": "boolean"}, "update": any_number("string")}}}}
    for place in check.places:
        with open(f"{place.rig.dir}/rules", "w") as f:
            json.dump(schema, f)
    check("ovsdb-tool create rules.db rules")
    trouble(["ovsdb-tool", "transact", "rules.db", json.dumps(rules)])
    for role in ("r", "nobody"):
        for op in ({"op": "insert", "table": "T", "row": {"n": 1}}, {"op": "select", "table": "T", "where": []}, {"op": "insert", "table": "RBAC_Role", "row": {}}):
            for command in ("query", "transact"):
                trouble(["ovsdb-tool", f"--rbac-role={role}", command, "rules.db", json.dumps(["t2", op])])
    for line in ("query", "query a b c", "query nofile []", "transact nofile []", "transact rubbish []", "transact empty []"):
        check("ovsdb-tool " + line)
    for line in ("query t.db {", "query cluster.db []", "transact cluster.db []"):
        check("ovsdb-tool " + line, "code")


def show_log(check):
    for more in ("", "-m", "-mm", "-mmm", "--more --more", "-m -m"):
        check(f"ovsdb-tool {more} show-log t.db", "sorted")
    for file in ("nofile", "empty", "rubbish"):
        check("ovsdb-tool show-log " + file)


def whole_files(check):
    """compact and convert"""
    t = "ovsdb-tool "
    check(t + "compact t.db t2.db")
    check(t + "-mm show-log t2.db", "sorted")
    check(t + "compact t.db")
    check(t + "-mm show-log t.db", "sorted")
    # ovsdb-tool(1): the target must not exist.  Debian's overwrites it.
    for line in ("compact t.db t2.db", "convert t.db schema2 t2.db"):
        refused = check.places[1].run(shlex.split(t + line))
        if refused[0] != 1 or "File exists" not in refused[2]:
            raise rig.Failure(f"{line}: {refused}")
    for line in ("compact nofile", "compact rubbish", "convert t.db schema3", "convert t.db nofile", "convert nofile schema2"):
        check(t + line)
    check(t + "convert t.db schema2 t3.db")
    check(t + "-mm show-log t3.db", "sorted")
    check(t + "db-version t.db")
    check(t + "convert t.db schema2")
    check(t + "db-version t.db")
    check(t + "-mm show-log t.db", "sorted")
    check(t + "compact cluster.db", "code")


def start(check, *files):
    for place in check.places:
        r = place.rig
        place.sock = f"unix:{r.dir}/s.sock"
        r.start("s", "ovsdb-server", f"--remote=punix:{r.dir}/s.sock", f"--unixctl={r.dir}/s.ctl", *(f"{r.dir}/{f}" for f in files))


def client():
    """ovsdb-client"""
    debian, weft = both("client")
    with debian, weft:
        check = Comparison(debian, weft)
        for place in check.places:
            place.rig.run("ovsdb-tool", "create", "t.db", "schema")
        start(check, "t.db")
        c, s = "ovsdb-client ", " unix:s.sock "
        for line in ["", "nonsense", "list-dbs", "list-dbs unix:nosock", "list-dbs tcp:127.0.0.1:1", "list-dbs" + s + "x",
                     "get-schema" + s + "nodb", "get-schema-version" + s, "get-schema-version" + s + "t", "get-schema-version" + s + "_Server",
                     "get-schema-cksum" + s + "t", "get-schema-cksum" + s + "_Server", "list-columns" + s + "t zz", "list-columns" + s + "t a b",
                     "get-schema" + s, "get-schema" + s + "t", "get-schema --pretty" + s + "t", "-f foo list-tables" + s, "-d foo list-tables" + s,
                     "--timeout=x list-dbs" + s, "--timeout=0 list-dbs" + s, "-t -1 list-dbs" + s, "--no-leader-only list-dbs" + s,
                     "list-dbs unix:nosock,unix:s.sock", "--log-file=lg list-dbs" + s, "--force list-dbs" + s]:
            check(c + line)
        for line in ["list-dbs" + s, "list-tables" + s, "list-tables" + s + "_Server", "list-columns" + s + "t", "list-columns" + s + "t a",
                     "list-columns" + s + "_Server", "-f list list-columns" + s + "t k", "-f html list-columns" + s + "t k", "-f csv list-columns" + s + "t k",
                     "--bare list-columns" + s + "t k", "--no-headings list-columns" + s + "t k", "--timestamp list-tables" + s]:
            check(c + line, "sorted")
        check(c + "list-dbs foo:bar", "code")
        check.compare("-V", *(place.run(["ovsdb-client", "-V"])[1].split("\n")[0] for place in check.places))
        listening(check)
        of_data(check, c, s)
        of_schema(check, c, s)
        that_go_on(check, c, s)
        check.end()


def listening(check):
    """The server connects to the client"""
    told = []
    for place in check.places:
        r = place.rig
        waiting = subprocess.Popen(r.command("ovsdb-client", "-t", "20", "list-dbs", "punix:listen.sock"), cwd=r.dir, env=r.env, stdout=subprocess.PIPE,
                                   stderr=subprocess.DEVNULL, text=True)
        rig.wait_for(lambda: os.path.exists(f"{r.dir}/listen.sock"), "ovsdb-client to listen")
        server_control = control.Control(f"{r.dir}/s.ctl")
        server_control("ovsdb-server/add-remote", f"unix:{r.dir}/listen.sock")
        told.append([sorted(waiting.communicate(timeout=30)[0].splitlines()), waiting.returncode])
        server_control("ovsdb-server/remove-remote", f"unix:{r.dir}/listen.sock")
    check.compare("a passive remote", *told)


def of_data(check, c, s):
    for one in (FIRST, SECOND, ["t", {"op": "select", "table": "k", "where": []}], ["t"], [], {}, ["zz"], ["t", {"op": "insert", "table": "k", "row": {}}],
                ["t", {"op": "bad"}], ["t", {"op": "abort"}], ["t", {"op": "select", "table": "a", "where": [], "columns": ["s", "i", "m"]}],
                ["_Server", {"op": "select", "table": "Database", "where": [], "columns": ["name", "model", "connected", "leader", "cid", "sid", "index"]}],
                ["_Server", {"op": "delete", "table": "Database", "where": []}]):
        how = "json" if "_Server" in str(one) or "'table': 'a', 'where'" in str(one) else "same"
        for command in ("query", "transact"):
            check(["ovsdb-client", command, "unix:s.sock", json.dumps(one)], how)
    for line in ("transact", "transact a b c", "query" + s + "[] []"):
        check(c + line)
    for line in ("transact" + s, "transact" + s + "{", "query" + s + "3"):
        check(c + line, "code")
    check(["ovsdb-client", "--pretty", "transact", "unix:s.sock", json.dumps(["t", {"op": "select", "table": "k", "where": [], "columns": ["n"]}])])
    for form in ("table", "list", "html", "csv", "json"):
        for data in ("string", "bare", "json"):
            for what in ("t k", "t a", "--no-headings t a s l m", "t empty", "t"):
                # Two rows whose values but the UUIDs are equal come in the order of those.
                check(f"{c}-f {form} -d {data} dump{s}{what}")
    for line in ("dump" + s + "nodb", "dump" + s + "t zz", "dump" + s + "t a zz", "--bare dump" + s + "t", "--pretty -f json dump" + s + "t a",
                 "--timestamp dump" + s + "t k", "dump" + s + "t a _uuid s"):
        check(c + line)
    check(c + "dump" + s + "t a s s", "code")
    check(c + "backup" + s + "nodb")
    backups = []
    for place in check.places:
        with open(f"{place.rig.dir}/backup.db", "w") as out:
            subprocess.run(place.rig.command("ovsdb-client", "backup", "unix:s.sock", "t"), cwd=place.rig.dir, env=place.rig.env, stdout=out, check=True)
        with open(f"{place.rig.dir}/backup.db") as f:
            backups.append(f.read())
    everything = json.dumps(["t"] + [{"op": "select", "table": table, "where": [], "columns": [c for c in columns["columns"] if c != "eph"]}
                                     for table, columns in SCHEMA["tables"].items()])
    contents = [json.loads(place.rig.run("ovsdb-tool", "query", "backup.db", everything)) for place in check.places]
    contents = [[sorted(place.normal(json.dumps(row, sort_keys=True)) for row in result["rows"]) for result in results]
                for place, results in zip(check.places, contents)]
    check.compare("backup", *contents)
    check("ovsdb-tool show-log backup.db")
    # Each reads the backup of the other.
    for place, backup in zip(check.places, reversed(backups)):
        with open(f"{place.rig.dir}/theirs.db", "w") as f:
            f.write(backup)
    check("ovsdb-tool db-version theirs.db")
    for file, force in (("backup.db", ""), ("theirs.db", ""), ("empty", ""), ("rubbish", ""), ("backup.db", "--force")):
        results = []
        for place in check.places:
            with open(f"{place.rig.dir}/{file}") as source:
                done = subprocess.run(place.rig.command("ovsdb-client", *([force] if force else []), "restore", "unix:s.sock", "t"), cwd=place.rig.dir,
                                      env=place.rig.env, stdin=source, capture_output=True, text=True, timeout=20)
            results.append([done.returncode, done.stdout, bool(done.stderr)])
        check.compare(f"restore < {file}", *results)
    columns = "s i r b m l e eph im"
    check(c + "dump" + s + "t a " + columns)
    for place in check.places:
        place.rig.run("ovsdb-client", "transact", "unix:s.sock", json.dumps(["t", {"op": "update", "table": "a", "where": [["i", "==", 0]], "row": {"eph": 3}}]))


def of_schema(check, c, s):
    for line in ("needs-conversion" + s + "schema", "needs-conversion" + s + "schema2", "needs-conversion" + s + "nofile", "needs-conversion" + s + "list.json",
                 "needs-conversion", "convert" + s + "nofile", "convert" + s + "schema2", "needs-conversion" + s + "schema2",
                 "get-schema-version" + s + "t", "dump" + s + "t a s i new"):
        check(c + line)
    for line in ("needs-conversion" + s + "bad.json", "needs-conversion" + s, "convert" + s):
        check(c + line, "code")
    for line in ("needs-conversion" + s + "other", "convert" + s + "other"):  # Debian's crashes
        refused = check.places[1].run(shlex.split(c + line))
        if refused[0] != 1 or "unknown database" not in refused[2]:
            raise rig.Failure(f"{line}: {refused}")


def that_go_on(check, c, s):
    """wait, lock and monitor, until something ends them"""
    for line in ("wait" + s + "t added", "wait" + s + "t connected", "wait" + s + "zz removed", "wait" + s, "monitor" + s + "t zz",
                 "monitor" + s + "t k zz", "monitor" + s + "t k n,n", "monitor" + s + "t k n n", "monitor" + s + "t k !foo", "monitor" + s + "nodb k",
                 "monitor" + s + "t"):
        check(c + line)
    for line in ("wait" + s + "t foo", "wait" + s + "t", "lock", "lock" + s, "monitor", "monitor" + s, "monitor-cond" + s + "t foo k", "monitor-cond" + s + "t []",
                 "monitor-cond" + s + "t [] ALL", "monitor-cond-since" + s + "t [true]", "monitor-cond-since" + s + "t 5 [true] k n",
                 "monitor-cond" + s + "t '[[\"n\",\"==\",\"x\"]]' k n"):
        check(c + line, "code")
    # All that SIGALRM ends at once: they wait at the same time.
    lines = ["wait" + s + "t removed", "wait" + s + "zz added", "lock" + s + "l1", "steal" + s + "l2", "monitor" + s + "t k", "monitor" + s + "t k n",
             "monitor" + s + "t k n,u,!insert", "monitor" + s + "t k n u", "monitor" + s + "t k !initial", "monitor" + s + "t k n,!initial u", "monitor" + s + "t empty",
             "--timestamp monitor" + s + "t k", "-f json monitor" + s + "t k n", "-f html monitor" + s + "t k n", "-f csv monitor" + s + "t k",
             "monitor" + s + "t ALL", "monitor-cond" + s + "t [] k", "monitor-cond" + s + "t [true] k n", "monitor-cond" + s + "t '[[\"n\",\"==\",3]]' k n",
             "monitor-cond" + s + "t [false] k n", "monitor-cond-since" + s + "t [] k n",
             f"monitor-cond-since{s}t {'0' * 8}-0000-0000-0000-{'0' * 12} [true] k n", f"monitor-cond-since{s}t {'0' * 8}-0000-0000-0000-{'0' * 11}5 [true] k n"]
    runs = []
    for place in check.places:
        runs.append([subprocess.Popen(place.rig.command("ovsdb-client", "-t", "2", *shlex.split(line)), cwd=place.rig.dir, env=place.rig.env,
                                      stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) for line in lines])
    for line, theirs, ours in zip(lines, *runs):
        outputs = [process.communicate(timeout=30)[0] for process in (theirs, ours)]
        # Rows come in hash order, so UUIDs cannot be numbered as they come.
        texts = [re.sub(">[0-9a-f]{8}<", ">U<", UUID.sub("U", TIME.sub("TIME", re.sub(r"last_id: .*", "last_id: ID", out)))).split("\n\n") for out in outputs]
        texts = [sorted(sorted(re.sub(" +", " ", part).splitlines()) for part in text) for text in texts]
        # Columns that are as wide as a UUID are under dashes of another length than a number for it.
        check.compare("-t 2 " + line, [theirs.returncode, *texts[:1]], [ours.returncode, *texts[1:]])
    ends = []
    for place in check.places:
        process = subprocess.Popen(place.rig.command("ovsdb-client", "wait", "unix:s.sock", "t", "removed"), cwd=place.rig.dir,
                                   env=dict(place.rig.env, OVS_CTL_TIMEOUT="1"), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        ends.append(process)
    check.compare("OVS_CTL_TIMEOUT=1", *(process.wait(timeout=30) for process in ends))
    in_background(check)


def in_background(check):
    """--detach: once the first output is there; then by control socket"""
    told = []
    for place in check.places:
        r, out = place.rig, []

        def detach(name, *words):
            with open(f"{r.dir}/{name}.out", "w") as output, open(f"{r.dir}/{name}.err", "w") as errors:
                code = subprocess.run(r.command("ovsdb-client", "--detach", "--no-chdir", f"--pidfile={r.dir}/{name}.pid", *words), cwd=r.dir,
                                      env=r.env, stdout=output, stderr=errors, timeout=20).returncode
            with open(f"{r.dir}/{name}.pid") as f:
                r.pids[name] = int(f.read())
            return code, control.Control(f"{r.dir}/ovsdb-client.{r.pids[name]}.ctl")

        def printed(name):
            with open(f"{r.dir}/{name}.out") as f:
                return f.read()
        code, first = detach("first", "lock", "unix:s.sock", "l3")
        out += [code, printed("first")]
        code, second = detach("second", "lock", "unix:s.sock", "l3")
        out += [code, printed("second")]
        first("unlock", "l3")
        rig.wait_for(lambda: "locked" in printed("second").split("\n", 1)[1], "the lock")
        out.append(printed("second"))
        first("steal", "l3")
        rig.wait_for(lambda: "stolen" in printed("second"), "the theft")
        out.append(printed("second"))
        code, follower = detach("monitor", "--no-headings", "monitor", "unix:s.sock", "t", "empty", "x")
        r.run("ovsdb-client", "transact", "unix:s.sock", json.dumps(["t", {"op": "insert", "table": "empty", "row": {"x": "hello"}}]))
        rig.wait_for(lambda: "hello" in printed("monitor"), "the update")
        out += [code, place.normal(printed("monitor"))]
        for name, connection in (("first", first), ("second", second), ("monitor", follower)):
            connection("exit")
            rig.wait_for(lambda name=name: not r.alive(name), f"{name} to end")
            out.append(os.path.exists(f"{r.dir}/{name}.pid"))
        told.append(out)
    check.compare("--detach", *told)


def server():
    """ovsdb-server's control commands"""
    debian, weft = both("server")
    with debian, weft:
        check = Comparison(debian, weft)
        for place in check.places:
            for name, schema in (("t.db", "schema"), ("other.db", "other"), ("dup.db", "schema")):
                place.rig.run("ovsdb-tool", "create", name, schema)
        start(check, "t.db")
        sockets = [control.Control(f"{place.rig.dir}/s.ctl") for place in check.places]

        def ask(line, how="same"):
            answers = [socket(*shlex.split(line)) for socket in sockets]
            answers = [[place.normal(a.get("result") or ""), place.normal(a.get("error") or "")] for place, a in zip(check.places, answers)]
            if how == "code":
                answers = [[a[0], bool(a[1])] for a in answers]
            if how == "prefix":  # ours says more
                answers[1][1] = answers[1][1][:len(answers[0][1].rstrip())] + "\n"
            check.compare(line, *answers)
        o = "ovsdb-server/"
        names = [{line.split()[0] for line in socket("list-commands")["result"].split("\n")[1:] if line.strip()} for socket in sockets]
        check.compare("list-commands", sorted(names[0] - names[1]), [])
        for line in ["list-dbs", "list-remotes", "nonsense", "add-db", "add-db nofile", "add-db rubbish", "add-db empty", "add-db other.db", "add-db other.db", "add-db a b", "list-dbs", "compact t", "compact zz", "compact _Server", "compact a b", "get-db-storage-status t",
                     "get-db-storage-status zz", "get-db-storage-status _Server", "get-db-storage-status", "remove-db zz", "remove-db _Server", "remove-db",
                     "compact", "remove-db other", "list-dbs", "memory-trim-on-compaction on", "memory-trim-on-compaction off", "memory-trim-on-compaction x",
                     "memory-trim-on-compaction", "reconnect", "reconnect x", "add-remote ptcp:0:127.0.0.1", "add-remote ptcp:0:127.0.0.1",
                     "add-remote db:t,a,s", "add-remote db:t,a,zz", "add-remote db:t,zz,s", "add-remote db:zz,zz,s", "add-remote db:t,a,k", "add-remote",
                     "list-remotes", "remove-remote ptcp:0:127.0.0.1", "remove-remote ptcp:0:127.0.0.1", "remove-remote db:t,a,s", "remove-remote", "list-remotes",
                     "tlog-list", "tlog-set t:a on", "tlog-set t:zz on", "tlog-set zz:a on", "tlog-set t on", "tlog-set t:", "tlog-set t:a", "tlog-set t:a x",
                     "tlog-list", "tlog-set t:a off", "tlog-set t:a off", "tlog-set _Server:Database on", "tlog-list", "set-active-ovsdb-server tcp:127.0.0.1:1",
                     "set-active-ovsdb-server", "get-active-ovsdb-server", "set-sync-exclude-tables t:a,t:k", "get-sync-exclude-tables", "set-sync-exclude-tables t:zz",
                     "set-sync-exclude-tables zz:zz", "set-sync-exclude-tables ''", "get-sync-exclude-tables", "set-active-ovsdb-server-probe-interval 1000",
                     "set-active-ovsdb-server-probe-interval x", "sync-status", "disconnect-active-ovsdb-server", "sync-status", "perf-counters-show",
                     "perf-counters-clear"]:
            ask(o + line)
        for line in ("add-db relay:", "add-db relay:y", "add-remote db:", "add-remote db:t", "add-remote db:t,a"):
            ask(o + line, "prefix")
        for command in ("cid", "sid", "status", "leave", "kick", "change-election-timer", "set-backlog-threshold"):
            ask(f"cluster/{command} t")
        for line in ("coverage/read-counter zz", "exit a", "vlog/list-pattern", "vlog/reopen"):
            ask(line)
        # Debian's says the same, and serves the first one no more.
        answer = sockets[1]("ovsdb-server/add-db", "dup.db")
        if answer["error"] != "ovsdb error: t: duplicate database name\n":
            raise rig.Failure(f"{answer}")
        figures(check, sockets)
        transaction_log(check, sockets)
        without_conditions(check, sockets)
        check.end()


def figures(check, sockets):
    """memory/show with clients, and the form of coverage/show"""
    for place in check.places:
        clients = [ovsdb.Client(place.sock) for _ in range(3)]
        for connection in clients[:2]:
            for name in ("m1", "m2"):
                connection.request("monitor_cond", "t", name, {"a": [{"columns": ["s"]}]})
        clients[0].request("monitor_cond", "t", "m3", {"a": [{"columns": ["i"]}]})
        clients[2].send("transact", "t", {"op": "wait", "table": "a", "where": [], "until": "!=", "columns": ["s"], "rows": []})
        clients[2].request("echo")
        place.clients = clients
    shown = [socket("memory/show")["result"] for socket in sockets]
    check.compare("memory/show", *shown)
    for place in check.places:
        for connection in place.clients:
            connection.close()
    for socket in sockets:
        rig.wait_for(lambda socket=socket: "sessions" not in socket("memory/show")["result"], "the clients to be gone")
    check.compare("memory/show after that", *(socket("memory/show")["result"] for socket in sockets))
    form = re.compile(r"Event coverage, avg rate over last: 5 seconds, last minute, last hour,  hash=[0-9a-f]{8}:\n"
                      r"(\w+ +\d+\.\d/sec +\d+\.\d{3}/sec +\d+\.\d{4}/sec +total: \d+\n)*\d+ events never hit\n")
    check.compare("coverage/show", *(bool(form.fullmatch(socket("coverage/show")["result"])) for socket in sockets))


def transaction_log(check, sockets):
    """tlog-set: what the log says of each row"""
    lines = []
    for place, socket in zip(check.places, sockets):
        socket("ovsdb-server/tlog-set", "t:a", "on")
        connection = ovsdb.Client(place.sock)
        connection.transact("t", {"op": "insert", "table": "a", "row": {"s": "q", "l": "p", "im": "t"}}, {"op": "insert", "table": "a", "row": {"s": "r"}})
        connection.transact("t", {"op": "update", "table": "a", "where": [["s", "==", "q"]], "row": {"i": 5, "l": ["set", ["x", "y"]]}})
        connection.transact("t", {"op": "update", "table": "a", "where": [["s", "==", "q"]], "row": {"i": 5}})
        connection.transact("t", {"op": "update", "table": "a", "where": [], "row": {"eph": 9}}, {"op": "insert", "table": "empty", "row": {}})
        connection.transact("t", {"op": "delete", "table": "a", "where": [["s", "==", "q"]]})
        socket("ovsdb-server/tlog-set", "t:a", "off")
        connection.transact("t", {"op": "delete", "table": "a", "where": []}, {"op": "delete", "table": "empty", "where": []})
        connection.close()

        def logged():
            with open(f"{place.rig.dir}/s.log") as f:
                return [line.split("|", 4)[3:] for line in f if "|transaction|" in line and "table:a,op:" in line]
        rig.wait_for(lambda: len(logged()) >= 6, "the log")
        # Members and rows in hash order; the UUIDs are the servers' own.
        lines.append(sorted([level, sorted(UUID.sub("U", text.strip()).replace("[x, y]", "[x y]").split(","))] for level, text in logged()))
    check.compare("tlog", *lines)


def without_conditions(check, sockets):
    """disable-monitor-cond: a server that knows `monitor` only"""
    told = []
    for place, socket in zip(check.places, sockets):
        connection = ovsdb.Client(place.sock)
        connection.request("echo")
        out = [socket("ovsdb-server/disable-monitor-cond")["result"]]
        try:
            connection.request("echo", seconds=5)
            out.append("still there")
        except (ovsdb.Closed, ConnectionError):
            out.append("closed")
        connection = ovsdb.Client(place.sock)
        for method in ("monitor", "monitor_cond", "monitor_cond_since", "monitor_cond_change"):
            reply = connection.request(method, "t", "m", {"empty": [{"columns": ["x"]}]})
            out.append([method, reply.get("result"), reply.get("error")])
        connection.close()
        told.append(out)
    check.compare("disable-monitor-cond", *told)


if __name__ == "__main__":
    rig.main(tool, client, server)
