"""What the databases of an Interconnection hold, in a form in which two of them can be compared.

Rows are named by what they are about instead of by uuid, and tunnel keys, which any zone may choose, by whose they
are: "key of ts1" where a zone uses the key that the interconnection southbound database has for ts1.
"""
import re

import ovsdb

UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
NAMES = {"nb": "OVN_Northbound", "sb": "OVN_Southbound", "ic-nb": "OVN_IC_Northbound", "ic-sb": "OVN_IC_Southbound"}
# Table → (columns that name its rows, other columns).
TABLES = {
    "ic-sb": {
        "Availability_Zone": (["name"], []),
        "Encap": (["gateway_name", "type", "ip"], ["options"]),
        "Gateway": (["name"], ["availability_zone", "hostname", "encaps", "external_ids"]),
        "Datapath_Binding": (["transit_switch"], ["tunnel_key", "external_ids"]),
        "Port_Binding": (["logical_port"], ["transit_switch", "availability_zone", "tunnel_key", "address", "gateway",
                                            "encap", "external_ids"]),
        "Route": (["transit_switch", "availability_zone", "route_table", "ip_prefix", "nexthop"], ["origin", "external_ids"]),
    },
    "nb": {
        "Logical_Switch": (["name"], ["other_config", "external_ids", "ports"]),
        "Logical_Switch_Port": (["name"], ["type", "addresses", "options", "external_ids", "up"]),
        "Logical_Router_Static_Route": (["ip_prefix", "nexthop", "route_table", "external_ids"],
                                        ["policy", "options", "output_port", "bfd"]),
        "Logical_Router": (["name"], ["static_routes", "options"]),
    },
    "sb": {
        "Encap": (["chassis_name", "type", "ip"], ["options"]),
        "Chassis": (["name"], ["hostname", "encaps", "other_config", "external_ids"]),
        "Chassis_Private": (["name"], []),
        "Datapath_Binding": (["external_ids"], ["tunnel_key"]),
        "Port_Binding": (["logical_port"], ["type", "chassis", "tunnel_key", "up", "mac"]),
    },
}


class Contents:
    """Keeps its connections; read() gives the lines of now."""

    def __init__(self, interconnection):
        self.clients = {("", "ic-sb"): interconnection.shared}
        for zone in interconnection.zones.values():
            for which in ("nb", "sb"):
                self.clients[zone.name, which] = zone.rig
        self.clients = {(zone, which): ovsdb.Client(f"unix:{rig.socket(which)}") for (zone, which), rig in self.clients.items()}

    def close(self):
        for client in self.clients.values():
            client.close()

    def read(self):
        tables = {}
        for (zone, which), client in self.clients.items():
            wanted = TABLES[which]
            results = client.transact(NAMES[which], *[{"op": "select", "table": table, "where": [],
                                                       "columns": ["_uuid", *naming, *others]}
                                                      for table, (naming, others) in wanted.items()])
            for table, result in zip(wanted, results):
                tables[zone, which, table] = result["rows"]
        return normal(tables)


def normal(tables):
    names = {}

    def named(value):
        """The value with uuids replaced by what is known of them, sets and maps in order."""
        if isinstance(value, list) and len(value) == 2 and value[0] == "uuid":
            return names.get(value[1], "unknown row")
        if isinstance(value, list) and len(value) == 2 and value[0] == "set":
            return sorted((named(v) for v in value[1]), key=str)
        if isinstance(value, list) and len(value) == 2 and value[0] == "map":
            return {k: named(v) for k, v in sorted(value[1])}
        if isinstance(value, str):
            return UUID.sub(lambda m: names.get(m[0], "unknown row"), value)
        return value

    keys = {}  # (transit switch, key) and (transit switch, port's key) → whose it is
    for row in tables["", "ic-sb", "Datapath_Binding"]:
        keys["datapath", row["tunnel_key"]] = f"key of {row['transit_switch']}"
    for row in tables["", "ic-sb", "Port_Binding"]:
        keys[row["logical_port"], row["tunnel_key"]] = f"key of {row['logical_port']}"

    for (zone, which, table), rows in tables.items():
        for row in rows:
            naming = ", ".join(str(named(row[column])) for column in TABLES[which][table][0])
            names[row["_uuid"][1]] = f"{table}({naming})"

    lines = []
    for (zone, which, table), rows in tables.items():
        for row in rows:
            fields = {column: named(value) for column, value in row.items() if column != "_uuid"}
            if table == "Route":  # of several routes to one network any may stand for all: they differ in what follows
                fields["external_ids"] = {key: str(value).split(",")[0] for key, value in fields["external_ids"].items()}
            if "tunnel_key" in fields:
                owner = row.get("logical_port", "datapath")
                fields["tunnel_key"] = keys.get((owner, row["tunnel_key"]), "any" if which == "sb" else "?")
            for column in ("other_config", "options"):
                asked = fields.get(column, {}).get("requested-tnl-key") if isinstance(fields.get(column), dict) else None
                if asked is not None:
                    owner = "datapath" if table == "Logical_Switch" else row["name"]
                    fields[column] = dict(fields[column], **{"requested-tnl-key": keys.get((owner, int(asked)), asked)})
            text = ", ".join(f"{column}: {value}" for column, value in sorted(fields.items()) if value not in ([], {}, ""))
            lines.append(f"{zone} {which} {table} {text}".strip())
    return sorted(lines)
