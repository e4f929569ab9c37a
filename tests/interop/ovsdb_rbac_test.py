"""Role-based access control (ovsdb-server(7), ovn-sb(5)) over TLS beside Debian's ovsdb-server: the same transactions by
the same clients get the same answers, random rules and all; and the role that ovn-northd writes for ovn-controller.

Seeds are printed.  WEFT_SEED sets the seed, WEFT_ROUNDS the number of transactions.
"""
import json
import os
import random
import re

import ovsdb
import pki
import rig
from ovsdb import a_map, a_set

STRING, REFERENCE = {"type": "string"}, {"key": {"type": "uuid", "refTable": "Connection"}, "min": 0, "max": "unlimited"}
SCHEMA = {"name": "db", "version": "1.0.0", "tables": {
    "Conf": {"isRoot": True, "columns": {"connections": {"type": REFERENCE}}},
    "Connection": {"columns": {
        "target": STRING, "role": STRING, "read_only": {"type": "boolean"},
        "is_connected": {"type": "boolean", "ephemeral": True},
        "status": {"type": {"key": "string", "value": "string", "min": 0, "max": "unlimited"}, "ephemeral": True}}},
    "RBAC_Role": {"isRoot": True, "columns": {
        "name": STRING, "permissions": {"type": {"key": "string", "value": {"type": "uuid", "refTable": "RBAC_Permission", "refType": "weak"},
                                                 "min": 0, "max": "unlimited"}}}},
    "RBAC_Permission": {"isRoot": True, "columns": {
        "table": STRING, "authorization": {"type": {"key": "string", "min": 0, "max": "unlimited"}},
        "insert_delete": {"type": "boolean"}, "update": {"type": {"key": "string", "min": 0, "max": "unlimited"}}}},
    "T": {"isRoot": True, "columns": {
        "name": STRING, "owner": {"type": {"key": "string", "min": 0, "max": 1}},
        "tags": {"type": {"key": "string", "min": 0, "max": "unlimited"}}, "num": {"type": "integer"},
        "opts": {"type": {"key": "string", "value": "string", "min": 0, "max": "unlimited"}},
        "nums": {"type": {"key": "string", "value": "integer", "min": 0, "max": "unlimited"}},
        "kids": {"type": {"key": {"type": "uuid", "refTable": "K"}, "min": 0, "max": "unlimited"}}}},
    "K": {"columns": {"name": STRING}},
    "U": {"isRoot": True, "columns": {"name": STRING}}}}
CLIENTS = ["hv1", "hv2"]


class Server:
    """One ovsdb-server with a connection without a role and, for each client, one with the role."""

    def __init__(self, weft):
        self.rig = rig.Rig(weft={"ovsdb-server"} if weft else (), name="rbac")

    def start(self):
        r = self.rig
        authority = pki.Authority(r.dir, "test")
        self.identities = {name: authority.issue(name) for name in ["server"] + CLIENTS}
        with open(f"{r.dir}/schema", "w") as f:
            json.dump(SCHEMA, f)
        r.run("ovsdb-tool", "create", f"{r.dir}/db", f"{r.dir}/schema")
        r.start("db", "ovsdb-server", f"--unixctl={r.dir}/db.ctl", f"--remote=punix:{r.dir}/db.sock", "--remote=db:db,Conf,connections",
                *self.identities["server"].options(), f"{r.dir}/db")
        self.admin = ovsdb.Client(f"unix:{r.dir}/db.sock")
        self.admin.transact("db", {"op": "insert", "table": "Connection", "uuid-name": "s", "row": {"target": "pssl:0:127.0.0.1", "role": "r"}},
                            {"op": "insert", "table": "Connection", "uuid-name": "t", "row": {"target": "ptcp:0:127.0.0.1", "role": "r"}},
                            {"op": "insert", "table": "Conf", "row": {"connections": a_set(["named-uuid", "s"], ["named-uuid", "t"])}})

        def ports():
            rows = dict(self.admin.select("db", "Connection", ["target", "status"]))
            return all("bound_port" in status for status in rows.values()) and {t: s["bound_port"] for t, s in rows.items()}
        ports = rig.wait_for(ports, "the ports of the remotes")
        self.clients = {name: ovsdb.Client(f"ssl:127.0.0.1:{ports['pssl:0:127.0.0.1']}", self.identities[name]) for name in CLIENTS}
        self.clients["nobody"] = ovsdb.Client(f"tcp:127.0.0.1:{ports['ptcp:0:127.0.0.1']}")
        return self

    def __enter__(self):
        self.rig.__enter__()
        return self.start()

    def __exit__(self, *what):
        self.rig.__exit__(*what)


def rules(auth, insert_delete, update, tables=("T", "K")):
    """Replaces all rules and rows."""
    wipe = [{"op": "delete", "table": t, "where": []} for t in ("RBAC_Role", "RBAC_Permission", "T", "U")]
    permissions = [{"op": "insert", "table": "RBAC_Permission", "uuid-name": f"p{t}",
                    "row": {"table": t, "authorization": a_set(*auth), "insert_delete": insert_delete, "update": a_set(*update)}} for t in tables]
    role = {"op": "insert", "table": "RBAC_Role", "row": {"name": "r", "permissions": ["map", [[t, ["named-uuid", f"p{t}"]] for t in tables]]}}
    return wipe + permissions + [role]


def insert(table="T", **row):
    return {"op": "insert", "table": table, "row": row}


def update(where, table="T", **row):
    return {"op": "update", "table": table, "where": where, "row": row}


def mutate(where, *mutations, table="T"):
    return {"op": "mutate", "table": table, "where": where, "mutations": list(mutations)}


def delete(where, table="T"):
    return {"op": "delete", "table": table, "where": where}


class Generator:
    def __init__(self, seed):
        self.r = random.Random(seed)

    def some(self, items):
        return [item for item in items if self.r.random() < 0.4]

    def rules(self):
        auth = self.some(["name", "owner", "tags", "opts:boss", "opts", "nums:hv1", "num", "bogus", "bogus:x", "tags:hv1", ""])
        return rules(auth, self.r.random() < 0.7, self.some(["name", "owner", "num", "tags", "opts", "nums", "kids", "bogus"]),
                     self.r.choice([("T", "K"), ("T",), ("T", "U"), ()]))

    def value(self, column):
        names = ["hv1", "hv2", "x"]
        if column == "name":
            return self.r.choice(names)
        if column == "owner":
            return self.r.choice(names + [["set", []]])
        if column == "tags":
            return a_set(*self.some(names))
        if column == "num":
            return self.r.randrange(4)
        if column == "opts":
            return ["map", [[k, self.r.choice(names)] for k in self.some(["boss", "a", "b", "hv1"])]]
        return ["map", [[k, self.r.randrange(3)] for k in self.some(["hv1", "hv2", "a"])]]

    def row(self):
        return {c: self.value(c) for c in self.some(["name", "owner", "tags", "num", "opts", "nums"])}

    def where(self):
        x = self.r.random()
        if x < 0.2:
            return []
        if x < 0.6:
            return [["name", "==", self.r.choice(["hv1", "hv2", "x", "none"])]]
        return [[self.r.choice(["num"]), self.r.choice(["<", ">=", "=="]), self.r.randrange(5)]]

    def operation(self):
        table = self.r.choices(["T", "U", "K"], [8, 1, 1])[0]
        kind = self.r.choice(["insert", "update", "mutate", "delete", "other"])
        if table != "T":
            where = self.r.choice([[], [["name", "==", "none"]]])
            return {"insert": insert(table, name="x"), "update": update(where, table, name="y"), "mutate": update(where, table, name="z"),
                    "delete": delete(where, table), "other": insert(table, zork=1)}[kind]
        if kind == "insert":
            return insert(**self.row())
        if kind == "update":
            return update(self.where(), **self.row())
        if kind == "mutate":
            return mutate(self.where(), *[self.r.choice([["num", "+=", 1], ["num", "*=", self.r.randrange(2)], ["tags", "insert", self.value("tags")],
                                                         ["tags", "delete", self.value("tags")], ["opts", "insert", self.value("opts")],
                                                         ["opts", "delete", a_set(*self.some(["a", "boss"]))], ["nums", "insert", self.value("nums")]])
                                          for _ in range(self.r.randint(0, 2))])
        if kind == "delete":
            return delete(self.where())
        return self.r.choice([{"op": "select", "table": "T", "where": [["name", "==", "none"]], "columns": ["name"]}, {"op": "comment", "comment": "c"},
                              {"op": "assert", "lock": "l"}, insert(zork=1), update([["zork", "==", 1]], num=1), {"op": "commit", "durable": False}])


def without_uuids(value):
    text = json.dumps(value, sort_keys=True)
    return re.sub(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", "UUID", text)


def contents(server):
    return sorted(json.dumps(row) for table in ("T", "U") for row in
                  server.admin.select("db", table, ["name", "owner", "tags", "num", "opts", "nums"] if table == "T" else ["name"]))


def random_rules():
    """random rules, rows and transactions: the same answers as Debian's, the same rows at the end"""
    seed, rounds = int(os.environ.get("WEFT_SEED") or random.randrange(1 << 30)), int(os.environ.get("WEFT_ROUNDS") or 1500)
    print(f"# seed {seed}")
    generator, allowed, refused = Generator(seed), 0, 0
    with Server(weft=True) as ours, Server(weft=False) as theirs:
        for number in range(rounds):
            if number % 25 == 0:
                given = generator.rules()
                rows = [insert(**generator.row()) for _ in range(6)]
                for server in (ours, theirs):
                    server.admin.transact("db", *given, *rows)
            who = generator.r.choices(["hv1", "hv2", "nobody"], [5, 4, 1])[0]
            operations = [generator.operation() for _ in range(generator.r.choice([1, 1, 2, 3]))]
            answers = [without_uuids(server.clients[who].transact("db", *operations)) for server in (ours, theirs)]
            if answers[0] != answers[1]:
                raise rig.Failure(f"seed {seed} round {number}: {who} {json.dumps(operations)}\n under {json.dumps(given)}\n"
                                  f" ours   {answers[0]}\n theirs {answers[1]}")
            refused += "permission error" in answers[0]
            allowed += "error" not in answers[0]
            if number % 25 == 24 and contents(ours) != contents(theirs):
                raise rig.Failure(f"seed {seed} round {number}: the rows differ:\n{contents(ours)}\n{contents(theirs)}")
    if refused < rounds / 10 or allowed < rounds / 10:
        raise rig.Failure(f"of {rounds} transactions {refused} were refused and {allowed} allowed: this tests little")


def keys_of_maps():
    """"COLUMN:KEY" in `update` allows those keys of a map, as ovn-sb(5) says, and no others"""
    with Server(weft=True) as server:
        server.admin.transact("db", *rules(["name"], True, ["opts:a", "opts:b", "tags:x"]), insert(name="hv1", opts=a_map(a="1", z="9")))
        mine = [["name", "==", "hv1"]]
        for operation, good in (
                (update(mine, opts=a_map(a="2", z="9")), True), (update(mine, opts=a_map(a="2", b="3", z="9")), True),
                (update(mine, opts=a_map(z="9")), True), (update(mine, opts=a_map(a="2")), False), (update(mine, opts=a_map(z="8")), False),
                (update(mine, opts=a_map(z="9", c="1")), False), (update(mine, opts=a_map(z="9")), True),
                (mutate(mine, ["opts", "insert", a_map(a="5")]), True), (mutate(mine, ["opts", "insert", a_map(q="5")]), False),
                (mutate(mine, ["opts", "delete", a_set("a")]), True), (mutate(mine, ["opts", "delete", a_set("z")]), False),
                (update(mine, tags=a_set("x")), False), (update(mine, num=1), False), (update([["name", "==", "other"]], num=1), True)):
            answer = server.clients["hv1"].transact("db", operation)[0]
            if ("error" in answer) == good:
                raise rig.Failure(f"{json.dumps(operation)}: {answer}")


def roles_change():
    """a role that is given or taken, and rules that change, count for who is connected; only the root role converts"""
    with Server(weft=True) as server:
        client = server.clients["hv1"]
        server.admin.transact("db", *rules([""], True, ["num"]))
        if "error" in client.transact("db", insert(name="a"))[0]:
            raise rig.Failure("an insertion that the rules allow was refused")
        reply = client.request("convert", "db", SCHEMA)
        if (reply.get("error") or {}).get("details") != ('RBAC rules for client "hv1" role "r" prohibit "convert" of database db '
                                                         '(only the root role may convert databases)'):
            raise rig.Failure(f"convert: {reply}")
        server.admin.transact("db", *rules(["name"], True, ["num"]))
        if client.transact("db", insert(name="a"))[0].get("error") != "permission error":
            raise rig.Failure("the rules changed and nothing else did")
        server.admin.transact("db", update([["role", "==", "r"]], "Connection", role=""))
        rig.wait_for(lambda: "error" not in client.transact("db", insert(name="b"))[0], "a connection without a role to be free", 5)


def controllers_role():
    """Debian's ovn-controller works with its role over TLS, and another chassis' certificate gets it nowhere"""
    with rig.Rig(weft={"ovsdb-server"}, name="rbac") as r:
        authority = pki.Authority(r.dir, "test")
        server, good, bad = (authority.issue(name) for name in ("server", "hv1", "hv2"))
        r.start_databases("conf", "nb")
        r.run("ovsdb-tool", "create", f"{r.dir}/sb.db", rig.SCHEMAS["sb"])
        r.start("sb", "ovsdb-server", f"--unixctl={r.dir}/sb.ctl", f"--remote=punix:{r.socket('sb')}",
                "--remote=db:OVN_Southbound,SB_Global,connections", *server.options(), f"{r.dir}/sb.db")
        r.start_northd()
        sbctl = lambda *words: r.run("ovn-sbctl", f"--db=unix:{r.socket('sb')}", *words)
        sbctl("--", "--id=@c", "create", "Connection", 'target="pssl:0:127.0.0.1"', "role=ovn-controller", "--", "set", "SB_Global", ".", "connections=@c")
        port = rig.wait_for(lambda: sbctl("--bare", "get", "Connection", ".", "status:bound_port").strip().strip('"'), "the port")
        r.run("ovn-nbctl", f"--db=unix:{r.socket('nb')}", "ls-add", "sw", "--", "lsp-add", "sw", "lp1")
        r.run("ovs-vsctl", "--no-wait", "--", "add-br", "br-int")

        def start(name, identity):
            r.run("ovs-vsctl", "--no-wait", "set-ssl", identity.key, identity.certificate, identity.ca)
            r.start_controller(name, remote=f"ssl:127.0.0.1:{port}")
        start("hv1", bad)
        rig.wait_for(lambda: "prohibit row insertion into table" in open(f"{r.dir}/ovn-controller.log").read(), "the wrong certificate to be refused")
        if "hv1" in sbctl("--bare", "--columns=name", "list", "Chassis"):
            raise rig.Failure("a chassis was registered with another's certificate")
        r.kill("ovn-controller", 15)
        start("hv1", good)
        rig.wait_for(lambda: "hv1" in sbctl("--bare", "--columns=name", "list", "Chassis"), "the chassis to register")
        rig.wait_for(lambda: "hv1" in sbctl("--bare", "--columns=name", "list", "Chassis_Private"), "its private row")


if __name__ == "__main__":
    rig.main(random_rules, keys_of_maps, roles_change, controllers_role)
