"""Random OVSDB requests over a schema that has every kind of column, for tests that compare servers.

Everything comes from one seeded random.Random.  Rows are named by UUIDs that the generator chooses (the "uuid" of insert), so
that two servers have the same; where a server is to choose itself, a row is ["row", n] until its reply told which it took.
"""

ATOMS = ("integer", "real", "boolean", "string", "uuid")
NOBODY = "00000000-0000-0000-0000-00000000000a"
KID = {"type": "uuid", "refTable": "kid"}
WEAK_KID = {"type": "uuid", "refTable": "kid", "refType": "weak"}
WEAK_PAL = {"type": "uuid", "refTable": "pal", "refType": "weak"}


def any_number(key, **more):
    return {"type": {"key": key, "min": 0, "max": "unlimited", **more}}


def types_table():
    columns = {}
    for atom in ATOMS:
        columns[f"{atom}1"] = {"type": atom}
        columns[f"{atom}01"] = {"type": {"key": atom, "min": 0}}
        columns[f"{atom}N"] = any_number(atom)
        columns[f"{atom}S"] = any_number(atom, value="string")
        columns[f"S{atom}"] = any_number("string", value=atom)
        columns[f"{atom}13"] = {"type": {"key": atom, "min": 1, "max": 3}}
    return {"isRoot": True, "columns": columns}


SCHEMA = {"name": "test", "version": "1.0.0", "tables": {
    "scal": {"isRoot": True, "columns": {
        "i": {"type": "integer"}, "r": {"type": "real"}, "b": {"type": "boolean"}, "s": {"type": "string"},
        "ir": {"type": {"key": {"type": "integer", "minInteger": -5, "maxInteger": 100}}},
        "rr": {"type": {"key": {"type": "real", "minReal": -2.5, "maxReal": 1e9}}},
        "ie": {"type": {"key": {"type": "integer", "enum": ["set", [0, 1, 3, 7]]}}},
        "sl": {"type": {"key": {"type": "string", "minLength": 0, "maxLength": 5}}},
        "se": {"type": {"key": {"type": "string", "enum": ["set", ["", "red", "green"]]}}},
        "im": {"type": "integer", "mutable": False}, "ep": {"type": "integer", "ephemeral": True}}},
    "sets": {"isRoot": True, "columns": {
        "oi": {"type": {"key": "integer", "min": 0}}, "os": {"type": {"key": "string", "min": 0}},
        "si": any_number("integer"), "ss": any_number("string"),
        "s3": {"type": {"key": "integer", "min": 1, "max": 3}},
        "sr": any_number({"type": "real", "minReal": 0}),
        "mss": any_number("string", value="string"),
        "msi": {"type": {"key": "string", "value": {"type": "integer", "minInteger": 0, "maxInteger": 10}, "min": 0, "max": 4}},
        "es": {**any_number("integer"), "ephemeral": True}}},
    "types": types_table(),
    "root": {"isRoot": True, "maxRows": 12, "indexes": [["name"], ["a", "t"]], "columns": {
        "name": {"type": "string"}, "a": {"type": "integer"}, "t": {"type": {"key": "string", "min": 0}},
        "kids": any_number(KID), "one": {"type": {"key": KID, "min": 0, "max": 1}},
        "km": any_number(KID, value="string"), "mk": any_number("string", value=KID)}},
    "kid": {"columns": {
        "name": {"type": "string"}, "peer": {"type": {"key": KID, "min": 0, "max": 1}}}},
    "pal": {"isRoot": True, "columns": {"name": {"type": "string"}}},
    "only": {"isRoot": True, "maxRows": 1, "columns": {
        "cur": {"type": "integer"}, "must": {"type": {"key": KID, "min": 0, "max": 1}}}},
    # Weak references, in transactions of their own: Debian's keeps one whose row is changed, in another column, by the
    # transaction in which the row that it names goes.
    "far": {"isRoot": True, "columns": {
        "name": {"type": "string"}, "wk": any_number(WEAK_KID), "wm": any_number("string", value=WEAK_KID), "kw": any_number(WEAK_KID, value="integer"),
        "wpals": any_number(WEAK_PAL), "w2": {"type": {"key": WEAK_PAL, "min": 0, "max": 2}},
        "wroot": {"type": {"key": {"type": "uuid", "refTable": "root", "refType": "weak"}, "min": 0, "max": 1}}}}}}
TABLES = list(SCHEMA["tables"])
MIXED = [table for table in TABLES if table != "far"]  # those that one transaction may change together


def columns_of(table):
    return SCHEMA["tables"][table]["columns"]


def base_of(column, part="key"):
    kind = column["type"]
    base = kind[part] if isinstance(kind, dict) else kind
    return base if isinstance(base, dict) else {"type": base}


def is_map(column):
    return isinstance(column["type"], dict) and "value" in column["type"]


class Generator:
    def __init__(self, choice):
        self.r = choice
        self.rows = {table: [] for table in TABLES}  # the last ones that were inserted, or tried to be
        self.live = {table: [] for table in TABLES}  # those that are there, as far as whoever sends knows
        self.made = 0                                # rows that a server names
        self.numbered = 0

    def string(self):
        return self.r.choice(["", "a", "b", "red", "green", "x y", "é\n\"", "toolong", "k1", "k2"])

    def integer(self):
        return self.r.choice([-6, -1, 0, 1, 2, 3, 7, 100, 101, 2**40])

    def row_of(self, table):
        known = self.live[table] if self.r.random() < 0.88 and self.live[table] else self.rows[table]
        return self.r.choice(known) if known else ["uuid", NOBODY]

    def ref(self, table):
        # Only to rows of the right table: Debian's lets a row refer to its own UUID in any table.
        x = self.r.random()
        if x < 0.9:
            return self.row_of(table)
        if x < 0.995:
            return ["named-uuid", f"{table}{self.r.randrange(3)}"]
        return ["uuid", NOBODY]

    def atom(self, base):
        if base.get("refTable"):
            return self.ref(base["refTable"])
        kind = base["type"]
        if self.r.random() < 0.003:
            return self.r.choice([True, "z", 1, ["set", []], {}, ["uuid", "x"]])
        if "enum" in base and self.r.random() < 0.98:
            return self.r.choice(base["enum"][1])
        if kind == "integer":
            if "minInteger" in base and self.r.random() < 0.97:
                return self.r.randint(base["minInteger"], min(base["maxInteger"], 12))
            return self.integer()
        if kind == "real":
            if "minReal" in base and self.r.random() < 0.97:
                return self.r.choice([0.5, 3, 0])
            return self.r.choice([0.5, -1.25, 3, 1e10, 0, -7])
        if kind == "boolean":
            return self.r.random() < 0.5
        if kind == "uuid":
            return ["uuid", f"00000000-0000-0000-0000-0000000000{self.r.randrange(6):02d}"]
        text = self.string()
        return text[:base["maxLength"]] if "maxLength" in base and self.r.random() < 0.95 else text

    def value(self, column, most=None):
        kind = column["type"]
        if not isinstance(kind, dict):
            return self.atom({"type": kind})
        low, high = kind.get("min", 1), kind.get("max", 1)
        if most is None:
            most = 4 if high == "unlimited" else high + (self.r.random() < 0.03)
        n = self.r.randint(low, max(low, most))
        if is_map(column):
            return ["map", self.distinct([[self.atom(base_of(column)), self.atom(base_of(column, "value"))] for _ in range(n)], lambda pair: str(pair[0]))]
        if n == 1 and self.r.random() < 0.7:
            return self.atom(base_of(column))
        return ["set", self.distinct([self.atom(base_of(column)) for _ in range(n)], str)]

    def distinct(self, values, key):
        """Nearly always."""
        return values if self.r.random() < 0.02 else list({key(value): value for value in values}.values())

    def row(self, table):
        columns = columns_of(table)
        part = 0.15 if table == "types" else 0.4
        row = {c: self.value(columns[c]) for c in columns if self.r.random() < part}
        if table == "types":
            for c in columns:
                if c.endswith("13"):
                    row.setdefault(c, self.value(columns[c]))
        if table == "root" and self.r.random() < 0.9:
            row.update(name=f"name{self.r.randrange(15)}", a=self.r.randrange(30))
        return row

    def clause(self, table):
        columns = columns_of(table)
        if self.r.random() < 0.1:
            return ["_uuid", self.r.choice(["==", "!=", "includes", "excludes"]), self.row_of(table)]
        c = self.r.choice(list(columns))
        f = self.r.choice(["==", "!=", "includes", "excludes", "includes", "<", ">=", ">", "<=", "=="])
        kind = columns[c]["type"]
        ordered = base_of(columns[c])["type"] in ("integer", "real") and not is_map(columns[c]) and (not isinstance(kind, dict) or kind.get("max", 1) == 1)
        if f in ("<", ">=", ">", "<=") and not ordered and self.r.random() < 0.97:
            f = "includes"
        return [c, f, self.value(columns[c], 2)]

    def where(self, table):
        x = self.r.random()
        if x < 0.35:
            return [["_uuid", "==", self.row_of(table)]]
        if x < 0.43:
            return []
        if x < 0.45:
            return [self.r.random() < 0.8]
        return [self.clause(table) for _ in range(self.r.randint(1, 2))]

    def mutation(self, table):
        columns = columns_of(table)
        c = self.r.choice(list(columns))
        m = self.r.choice(["+=", "-=", "*=", "/=", "%="] if self.r.random() < 0.3 else ["insert", "delete"])
        kind = base_of(columns[c])["type"]
        number = kind in ("integer", "real") and not is_map(columns[c])
        if m.endswith("=") and not number and self.r.random() < 0.97:
            m = "insert"
        many = isinstance(columns[c]["type"], dict) and columns[c]["type"].get("max", 1) != 1
        if not m.endswith("=") and not many and self.r.random() < 0.97:
            if not number:
                return self.mutation(table)
            m = "+="
        if not m.endswith("="):
            if m == "delete" and is_map(columns[c]) and self.r.random() < 0.5:
                return [c, m, ["set", [self.atom(base_of(columns[c])) for _ in range(self.r.randint(0, 2))]]]
            return [c, m, self.value(columns[c])]
        argument = self.integer() if kind != "real" else self.r.choice([0.5, 2, -1, 0])
        if m in ("*=", "/=", "%=") and isinstance(argument, int):
            # Overflows with negative numbers, and a product with zero, end Debian's server.
            argument = max(abs(argument), m == "*=")
        return [c, m, argument]

    def insert(self, table):
        op = {"op": "insert", "table": table, "row": self.row(table)}
        if self.r.random() < 0.5:
            op["uuid-name"] = f"{table}{self.r.randrange(3)}"
        if self.r.random() < 0.85:
            if self.rows[table] and self.r.random() < 0.02:
                token = self.r.choice(self.rows[table])
                if token[0] == "uuid":
                    op["uuid"] = token[1]
            if "uuid" not in op:
                self.numbered += 1
                op["uuid"] = f"aaaaaaaa-0000-4000-8000-{self.numbered:012x}"
            self.remember(table, ["uuid", op["uuid"]])
        else:
            op["made"] = self.made  # for whoever sends it; not part of the protocol
            self.made += 1
        return op

    def remember(self, table, token):
        self.rows[table] = (self.rows[table] + [token])[-14:]

    def operation(self, tables=MIXED):
        table = self.r.choice(tables)
        columns = columns_of(table)
        kind = self.r.choices(["insert", "update", "mutate", "delete", "select", "wait", "comment", "abort", "assert", "commit"],
                              [40, 20, 22, 8, 6, 2, 2, 0.7, 0.7, 1])[0]
        if kind == "insert":
            return self.insert(table)
        if kind == "comment":
            return {"op": "comment", "comment": self.string()}
        if kind == "abort":
            return {"op": "abort"}
        if kind == "assert":
            return {"op": "assert", "lock": self.r.choice(["l1", "l2"])}
        if kind == "commit":
            return {"op": "commit", "durable": False}
        op = {"op": kind, "table": table, "where": self.where(table)}
        if kind == "update":
            op["row"] = self.row(table)
        elif kind == "mutate":
            op["mutations"] = [self.mutation(table) for _ in range(self.r.randint(1, 2))]
        elif kind == "select":
            op["columns"] = sorted(c for c in columns if self.r.random() < 0.5) + ["_uuid"]
        elif kind == "wait":
            names = self.r.sample(list(columns), min(len(columns), self.r.randint(1, 2)))
            op.update(columns=names, until=self.r.choice(["==", "!="]), timeout=0,
                      rows=[{c: self.value(columns[c], 1) for c in names} for _ in range(self.r.randrange(3))])
        return op

    def transaction(self):
        if self.r.random() < 0.07:
            return [self.operation(["far"]) for _ in range(self.r.randint(1, 2))]
        operations = [self.operation() for _ in range(self.r.choice([1, 1, 2, 3, 5]))]
        if self.r.random() < 0.3:
            # A kid that somebody holds: alone it is garbage at once.
            name = f"kid{self.r.randrange(3)}"
            kid = self.insert("kid")
            kid["uuid-name"] = name
            column = self.r.choice(["kids", "mk", "km", "one"])
            value = {"kids": ["named-uuid", name], "one": ["named-uuid", name], "mk": ["map", [["k1", ["named-uuid", name]]]],
                     "km": ["map", [[["named-uuid", name], "x"]]]}[column]
            operations += [kid, {"op": "mutate", "table": "root", "where": [["_uuid", "==", self.row_of("root")]],
                                 "mutations": [[column, "insert", value]]}]
        if self.r.random() < 0.05:
            self.r.shuffle(operations)
        return operations

    # --- monitors ---

    def good_atom(self, base):
        """One that the type allows, and no reference by name."""
        if base.get("refTable"):
            return self.row_of(base["refTable"])
        while True:
            atom = self.atom(base)
            if isinstance(atom, (dict, list)) != (base["type"] == "uuid") or atom == ["uuid", "x"]:
                continue
            number = base["type"] in ("integer", "real")
            if number != (isinstance(atom, (int, float)) and not isinstance(atom, bool)):
                continue
            if base["type"] == "string" and not (isinstance(atom, str) and len(atom) <= base.get("maxLength", 99)):
                continue
            if base["type"] == "boolean" and not isinstance(atom, bool):
                continue
            low, high = (next((base[b] for b in base if b.startswith(limit)), None) for limit in ("minI", "maxI"))
            if base["type"] == "real":
                low, high = base.get("minReal"), base.get("maxReal")
            if number and ((low is not None and atom < low) or (high is not None and atom > high)):
                continue
            if "enum" in base and atom not in base["enum"][1]:
                continue
            return atom

    def good_clause(self, table):
        columns = columns_of(table)
        if self.r.random() < 0.1:
            return ["_uuid", self.r.choice(["==", "!=", "includes", "excludes"]), self.row_of(table)]
        c = self.r.choice(list(columns))
        column = columns[c]
        kind = column["type"] if isinstance(column["type"], dict) else {}
        low, high = kind.get("min", 1), kind.get("max", 1)
        functions = ["==", "!=", "includes", "excludes", "includes", "excludes"]
        if base_of(column)["type"] in ("integer", "real") and not is_map(column) and high == 1:
            functions += ["<", ">=", ">", "<="]
        f = self.r.choice(functions)
        n = self.r.randint(max(low, f in ("<", ">=", ">", "<=")), 3 if high == "unlimited" else min(high, 3))
        atoms = {}
        for _ in range(n):
            atom = self.good_atom(base_of(column))
            atoms[str(atom)] = [atom, self.good_atom(base_of(column, "value"))] if is_map(column) else atom
        values = list(atoms.values())
        if is_map(column):
            return [c, f, ["map", values]]
        return [c, f, values[0] if len(values) == 1 else ["set", values]]

    def condition(self, table):
        x = self.r.random()
        if x < 0.1:
            return [self.r.random() < 0.5]
        if x < 0.15:
            return []
        return [self.good_clause(table) for _ in range(self.r.randint(1, 3))]

    def bad_condition(self, table):
        return [self.clause(table)]

    def monitor_requests(self, conditions):
        requests = {}
        for table in self.r.sample(TABLES, self.r.randint(1, 4)):
            names = list(columns_of(table)) + ["_uuid"] * 0
            self.r.shuffle(names)
            names = names[:self.r.randint(1, len(names))]
            cut = self.r.randint(0, len(names)) if self.r.random() < 0.3 else len(names)
            requests[table] = []
            for part in (names[:cut], names[cut:]):
                if not part:
                    continue
                request = {"columns": sorted(part)}
                if self.r.random() < 0.3:
                    request["select"] = {k: self.r.random() < 0.6 for k in ("initial", "insert", "delete", "modify") if self.r.random() < 0.7}
                requests[table].append(request)
            if conditions and self.r.random() < 0.7:
                # The same for all requests of a table: what Debian's makes of different ones depends on their order.
                where = self.condition(table)
                for request in requests[table]:
                    request["where"] = where
        return requests
