"""kill -9 of our ovn-northd in the midst of many changes: after the restart everything that was given (dynamic addresses, tags, tunnel
keys, queues) is what it was, nothing is given twice, and who gets nothing is told so.

WEFT_SEED sets the seed, WEFT_ROUNDS the number of crashes.
"""
import os
import random
import re
import signal
import time

import ovsdb
import rig
from northd_test import items

SEED = int(os.environ.get("WEFT_SEED", random.randrange(10000)))
ROUNDS = int(os.environ.get("WEFT_ROUNDS", 8))


class Database:
    """One connection over which transactions are sent without waiting for their replies, or with."""

    def __init__(self, name, path):
        self.name, self.client, self.settled = name, ovsdb.Client("unix:" + path), 0

    def send(self, *operations):
        return self.client.send("transact", self.name, *operations)

    def reply(self, number):
        """The results of a transaction; it and all before it have to be free of errors."""
        reply = self.client.wait(number, seconds=20)
        for each in [*self.client.take_notes(), reply]:
            for result in each["result"]:
                if result and "error" in result:
                    raise rig.Failure(f"{self.name}: {result}")
        self.settled = number
        return reply["result"]

    def settle(self):
        """What was sent last is in the database."""
        if self.settled != self.client.next:
            self.reply(self.client.next)

    def rows(self, table, *columns):
        return self.reply(self.send({"op": "select", "table": table, "where": [], "columns": list(columns)}))[0]["rows"]


def by_name(name):
    return [["name", "==", name]]


class Cloud:
    """Changes as a cloud makes them; nothing that was given is made invalid by any of them."""

    def __init__(self, seed, nb):
        self.r, self.nb, self.n = random.Random(seed), nb, 0
        self.switches, self.ports, self.routers = [], {}, []  # port → (switch, wants addresses, parent)

    def fresh(self, prefix):
        self.n += 1
        return f"{prefix}{self.n}"

    def add_to(self, table, name, column, child, row):
        self.nb.send({"op": "insert", "table": child, "row": row, "uuid-name": "child"},
                     {"op": "mutate", "table": table, "where": by_name(name), "mutations": [[column, "insert", ["named-uuid", "child"]]]})

    def add_switch(self):
        net = len(self.switches) + 1
        kind = self.r.random()
        config = [["subnet", f"10.{net}.0.0/22"]] if kind < 0.8 else [["mac_only", "true"]]
        if 0.5 < kind < 0.8:
            config.append(["ipv6_prefix", f"fd{net:02x}::"])
        if kind < 0.2:
            config.append(["exclude_ips", f"10.{net}.0.3..10.{net}.0.9"])
        self.switches.append(self.fresh("sw"))
        self.nb.send({"op": "insert", "table": "Logical_Switch", "row": {"name": self.switches[-1], "other_config": ["map", config]}})

    def add_router(self):
        self.routers.append(self.fresh("lr"))
        self.nb.send({"op": "insert", "table": "Logical_Router", "row": {"name": self.routers[-1]}})

    def add_port(self):
        switch, name = self.r.choice(self.switches), self.fresh("p")
        row, kind = {"name": name}, self.r.random()
        parent = self.r.choice(list(self.ports)) if self.ports and kind > 0.6 else None
        if parent:
            row.update(parent_name=parent, tag_request=0)
        dynamic = kind < 0.9
        if dynamic:
            row["addresses"] = self.r.choice(["dynamic", "dynamic", f"02:00:00:00:{self.n >> 8:02x}:{self.n & 255:02x} dynamic"])
        else:  # beyond what is given out
            row["addresses"] = f"06:00:00:00:{self.n >> 8:02x}:{self.n & 255:02x} 10.{self.switches.index(switch) + 1}.3.{self.n % 250 + 1}"
        if self.r.random() < 0.2:
            row["options"] = ["map", [["qos_max_rate", "1000"]]]
        self.ports[name] = (switch, dynamic, parent)
        self.add_to("Logical_Switch", switch, "ports", "Logical_Switch_Port", row)

    def remove_port(self):
        if len(self.ports) < 20:
            return
        parents = {parent for _, _, parent in self.ports.values()}
        name = self.r.choice([port for port in self.ports if port not in parents])
        switch = self.ports.pop(name)[0]
        found = self.nb.send({"op": "select", "table": "Logical_Switch_Port", "where": by_name(name), "columns": ["_uuid"]})
        uuid = self.nb.reply(found)[0]["rows"][0]["_uuid"]
        self.nb.send({"op": "mutate", "table": "Logical_Switch", "where": by_name(switch), "mutations": [["ports", "delete", uuid]]})

    def change(self):
        if not self.switches:
            return self.add_switch()
        self.r.choice([self.add_port] * 8 + [self.remove_port] * 3 + [self.add_router] + [self.add_switch] * (len(self.switches) < 9))()


def given(nb, sb):
    """What ports and datapaths have been given, by what they are."""
    out = {}
    for p in nb.rows("Logical_Switch_Port", "name", "dynamic_addresses", "tag"):
        for column in ("dynamic_addresses", "tag"):
            if items(p[column]):
                out[column, p["name"]] = items(p[column])[0]
    datapaths = {}
    for d in sb.rows("Datapath_Binding", "_uuid", "external_ids", "tunnel_key"):
        name = datapaths[d["_uuid"][1]] = dict(d["external_ids"][1])["name"]
        out["datapath key", name] = d["tunnel_key"]
    for p in sb.rows("Port_Binding", "logical_port", "datapath", "tunnel_key", "options", "tag"):
        out["port key", p["logical_port"]] = (datapaths[p["datapath"][1]], p["tunnel_key"])
        queue = dict(p["options"][1]).get("qdisc_queue_id")
        if queue:
            out["queue", p["logical_port"]] = queue
    return out


def expect_kept(before, now, ports, when):
    """Everything that was given is as it was, but for ports that are gone."""
    for (what, name), value in before.items():
        if name[0] == "p" and name not in ports:
            continue
        if now.get((what, name)) != value:
            raise rig.Failure(f"{when}: {what} of {name} was {value}, is {now.get((what, name))}")


def expect_distinct(now, ports, chassis, when):
    """Nothing is given twice."""
    seen = {}

    def once(what, owner):
        if what in seen:
            raise rig.Failure(f"{when}: {what} is given to {seen[what]} and {owner}")
        seen[what] = owner
    for (what, name), value in now.items():
        if what == "dynamic_addresses":
            mac, *addresses = value.split()
            once(("mac", mac), name)
            for address in addresses:
                once((ports[name][0], address), name)
        elif what == "tag":
            once(("tag of", ports[name][2], value), name)
        elif what == "queue":
            once(("queue on", chassis.get(name), value), name)
        else:
            once((what, value), name)


def expect_complete(now, ports, when):
    for name, (switch, dynamic, parent) in ports.items():
        if dynamic and ("dynamic_addresses", name) not in now:
            raise rig.Failure(f"{when}: {name} of {switch} has no addresses")
        if parent and ("tag", name) not in now:
            raise rig.Failure(f"{when}: {name} inside {parent} has no tag")


def crashes():
    """killed and started again among changes: what was given stays, and nothing is given twice"""
    print(f"# WEFT_SEED={SEED}")
    chance = random.Random(SEED)
    with rig.Rig(weft=("ovn-northd",), name="crash") as r:
        r.start_databases("nb", "sb")
        r.env.update(OVN_NB_DB="unix:" + r.socket("nb"), OVN_SB_DB="unix:" + r.socket("sb"))
        r.run("ovn-nbctl", "init")
        for n in (1, 2):
            r.run("ovn-sbctl", "chassis-add", f"ch{n}", "geneve", f"127.0.0.{n}")
        nb, sb = Database("OVN_Northbound", r.socket("nb")), Database("OVN_Southbound", r.socket("sb"))
        cloud = Cloud(SEED, nb)
        r.start_northd()
        for round in range(ROUNDS):
            for _ in range(chance.randint(10, 60)):
                cloud.change()
            time.sleep(chance.random() * 0.1)
            r.kill("ovn-northd", signal.SIGKILL)
            before = given(nb, sb)
            for _ in range(chance.randint(0, 10)):
                cloud.change()
            nb.settle()
            r.start_northd()
            if chance.random() < 0.5:  # not even the first computation is left in peace
                time.sleep(chance.random() * 0.05)
                r.kill("ovn-northd", signal.SIGKILL)
                again = given(nb, sb)
                expect_kept(before, again, cloud.ports, f"round {round}, killed twice")
                before = again
                r.start_northd()
            r.run("ovn-nbctl", "--timeout=30", "--wait=sb", "sync")
            now, when = given(nb, sb), f"round {round}"
            expect_kept(before, now, cloud.ports, when)
            chassis = {p["logical_port"]: str(p["chassis"]) for p in sb.rows("Port_Binding", "logical_port", "chassis")}
            expect_distinct(now, cloud.ports, chassis, when)
            expect_complete(now, cloud.ports, when)
            for name in chance.sample(sorted(cloud.ports), min(6, len(cloud.ports))):  # so that there are queues
                r.run("ovn-sbctl", "--may-exist", "lsp-bind", name, f"ch{chance.randint(1, 2)}", check=False)
        # The switches answer for just the addresses that are given.
        answers = re.findall(r"arp\.tpa == (\S+) && arp\.op == 1\), action=\(eth\.dst = eth\.src; eth\.src = (\S+);", r.run("ovn-sbctl", "dump-flows"))
        known = {(v.split()[1], v.split()[0]) for (what, _), v in now.items() if what == "dynamic_addresses" and "." in v}
        if not known or not known <= set(answers):
            raise rig.Failure(f"no answer for {sorted(known - set(answers))[:5]}")
        kinds = {what for what, _ in now}
        if kinds != {"dynamic_addresses", "tag", "datapath key", "port key", "queue"}:
            raise rig.Failure(f"the changes gave only {kinds}")


def full_subnet():
    """a full subnet: the ports without an address are named in the log, stay the same ones after a crash, and get what becomes free"""
    with rig.Rig(weft=("ovn-northd",), name="full") as r:
        r.start_databases("nb", "sb")
        r.env.update(OVN_NB_DB="unix:" + r.socket("nb"), OVN_SB_DB="unix:" + r.socket("sb"))
        nb = Database("OVN_Northbound", r.socket("nb"))
        r.start_northd()
        r.run("ovn-nbctl", "--wait=sb", "ls-add", "sw", "--", "set", "Logical_Switch", "sw", "other_config:subnet=10.9.0.0/29")
        names = [f"p{n}" for n in range(8)]
        for name in names:
            r.run("ovn-nbctl", "--wait=sb", "lsp-add", "sw", name, "--", "lsp-set-addresses", name, "dynamic")

        def addresses():
            return {p["name"]: "".join(items(p["dynamic_addresses"])) for p in nb.rows("Logical_Switch_Port", "name", "dynamic_addresses")}

        def log(since=0):
            with open(f"{r.dir}/ovn-northd.log") as f:
                return f.read()[since:]

        def expect_warned(text):
            for name in names:
                found = [line for line in text.splitlines() if f"Logical_Switch_Port {name}:" in line]
                wanted = name in short
                if wanted != bool(found) or wanted and not ("|WARN|" in found[0] and "no address is left in the subnet 10.9.0.0/29" in found[0]):
                    raise rig.Failure(f"{name} has '{had[name]}' and the log says {found}")
        had = addresses()
        short = {name for name in names if "." not in had[name]}
        if short != set(names[5:]):  # .2 to .6
            raise rig.Failure(f"of five addresses: {had}")
        expect_warned(log())
        r.kill("ovn-northd", signal.SIGKILL)
        mark = len(log())
        r.start_northd()
        r.run("ovn-nbctl", "--timeout=30", "--wait=sb", "sync")
        if addresses() != had:
            raise rig.Failure(f"after the restart {addresses()}, before {had}")
        expect_warned(log(mark))
        r.run("ovn-nbctl", "--wait=sb", "lsp-del", "p1")
        now = addresses()
        free = had.pop("p1").split()[1]
        moved = {name: value for name, value in now.items() if value != had[name]}
        if len(moved) != 1 or not set(moved) <= short or not list(moved.values())[0].endswith(" " + free):
            raise rig.Failure(f"{free} became free: {moved}")


if __name__ == "__main__":
    rig.main(crashes, full_subnet)
