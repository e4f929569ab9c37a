"""The flows of an integration bridge, with what may differ between two controllers replaced by names.

Numbers of bridge ports become the interfaces' names and conntrack zones the names of their owners; groups become
what they do.  Each flow is then a line of text that says the same for every controller.
"""
import json
import re


class Names:
    """What the numbers in one host's flows mean."""

    def __init__(self, host, central):
        self.ports = {}
        rows = json.loads(host.run("ovs-vsctl", "--format=json", "--columns=name,ofport", "list", "Interface"))["data"]
        inside = set(host.run("ovs-vsctl", "list-ifaces", "br-int").split())
        for name, port in rows:
            if name in inside and isinstance(port, int):
                self.ports[port] = name
        self.zones = {}
        for line in host.appctl("ovn-controller", "ct-zone-list").splitlines():
            name, zone = line.rsplit(" ", 1)
            self.zones[int(zone)] = name
        self.groups = {}
        for line in host.appctl("ovn-controller", "group-table-list").splitlines():
            text, number = line.rsplit(": ", 1)
            # The order of what ct() is told is the printer's own.
            self.groups[int(number)] = " ".join(sorted(re.findall(r"selection_method=\w+|weight:\d+|nat\([^)]*\)|table=\d+", text)))
        self.datapaths = {}
        rows = json.loads(central.run("ovn-sbctl", "--format=json", "--columns=_uuid,tunnel_key,external_ids", "list",
                                      "Datapath_Binding"))["data"]
        for (_, uuid), key, ids in rows:
            name = dict(ids[1])["name"]
            self.datapaths[key] = name
            for zone, owner in self.zones.items():
                self.zones[zone] = owner.replace(uuid, name)

    def port(self, number):
        return self.ports.get(number, f"port{number}") if number < 0xfff0 else str(number)

    def zone(self, number):
        return self.zones.get(number, f"zone{number}") if number else "0"


def normalise(line, names):
    line = line.strip()
    line = re.sub(r"\bin_port=(\d+)", lambda m: f"in_port={names.port(int(m[1]))}", line)
    line = re.sub(r"\boutput:(\d+)", lambda m: f"output:{names.port(int(m[1]))}", line)
    line = re.sub(r"\boutput:ovn-[\w-]+(,output:ovn-[\w-]+)+", lambda m: ",".join(sorted(m[0].split(","))), line)
    line = re.sub(r"\b(members|slaves):([\d,]+)\)",
                  lambda m: "members:" + ",".join(names.port(int(n)) for n in m[2].split(",")) + ")", line)
    line = re.sub(r"set_field:(0x)?([0-9a-f]+)->reg(11|12|13)\b",
                  lambda m: f"set_field:{names.zone(int(m[2], 16))}->reg{m[3]}", line)
    line = re.sub(r"\bgroup:(\d+)", lambda m: f"group:{names.groups.get(int(m[1]), m[1])}", line)
    line = re.sub(r"metadata=0x([0-9a-f]+)",
                  lambda m: f"metadata={names.datapaths.get(int(m[1], 16), m[1])}", line)
    return line


def table_of(line):
    found = re.search(r"\btable=(\d+)", line)
    return int(found[1]) if found else 0


def flows(host, central):
    """By table, the sorted flows of the host's br-int."""
    names = Names(host, central)
    text = host.run("ovs-ofctl", "-O", "OpenFlow15", "dump-flows", "--no-stats", f"unix:{host.dir}/br-int.mgmt")
    tables = {}
    for line in text.splitlines():
        if "priority=" in line:
            tables.setdefault(table_of(line), []).append(normalise(line, names))
    return {table: sorted(lines) for table, lines in tables.items()}
