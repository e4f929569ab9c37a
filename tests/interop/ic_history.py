"""A random history of two availability zones: what operators and hosts do, as commands that can be run on any number of
Interconnections alike.

What Debian's ovn-ic does wrong is left out (docs/decisions/0060-interconnection.md): two routers of one zone on one
transit switch, new names of zones, IPv6 networks in ic-route-blacklist, routes of routers that are joined no more, and
static routes to a network of the router itself.
"""
import random

from rig import wait_for

ZONES = ("az1", "az2")
SWITCHES = ("ts1", "ts2")
PREFIXES = ("10.1.0.0/16", "10.1.1.7", "10.1.2.0/24", "10.2.3.4/16", "10.77.0.0/16", "169.254.9.0/24", "0.0.0.0/0", "::/0",
            "fd77::/64", "fe80:1::/32", "192.168.21.1/24", "nonsense")
HOPS = ("192.168.1.5", "192.168.1.6", "172.31.1.9", "fd01::5", "fe80::5", "discard", "nonsense", "192.168.1.7/24")


class History:
    def __init__(self, seed):
        self.random = random.Random(seed)
        self.switches = set()
        self.gateways = {zone: {} for zone in ZONES}   # name → bound ports
        self.links = {zone: {} for zone in ZONES}      # transit switch → router port
        self.routes = {zone: [] for zone in ZONES}     # external_ids:id
        self.next = 0
        self.later = []  # steps that are to come first

    def number(self):
        self.next += 1
        return self.next

    def start(self):
        """The commands that give each zone a router with a network and routes of its own, joined to two switches by gateways: what
        the random history then changes."""
        out = []
        for n, zone in enumerate(ZONES, 1):
            out += [("nb", zone, ["lr-add", "lr", "--", "lrp-add", "lr", "lr-lan", f"aa:aa:aa:aa:aa:1{n}", f"192.168.{n}.1/24",
                                  f"fd0{n}::1/64"]),
                    ("nb", zone, ["set", "NB_Global", ".", "options:ic-route-adv=true", "options:ic-route-learn=true"])]
        for _ in SWITCHES:
            out += self.add_switch()
        for zone in ZONES:
            for _ in range(2):
                out += self.add_gateway(zone, "true")
            for _ in SWITCHES:
                out += self.link(zone)
            for switch, gateway in zip(SWITCHES, sorted(self.gateways[zone])):
                out += self.bind(zone, switch, gateway)
            for prefix in (f"10.{1 + ZONES.index(zone)}0.0.0/16", "10.77.0.0/16", f"fd7{ZONES.index(zone)}::/64"):
                out += self.add_route(zone, prefix, "fd01::5" if ":" in prefix else "192.168.1.5")
            out += self.add_route(zone, "10.66.0.0/16", "192.168.1.5", "policy=src-ip")
            out += self.add_route(zone, "10.67.0.0/16", "192.168.1.6", "route_table=t1")
        return out

    def step(self):
        """The next change: (where, zone, words) of each command; where is nb, sb, ic-nb, ic-sb or ic (the daemon)."""
        if self.later:
            return self.later.pop(0)
        choices = [(self.add_switch, 2), (self.delete_switch, 1), (self.add_gateway, 2), (self.delete_gateway, 1),
                   (self.change_gateway, 3), (self.link, 3), (self.unlink, 1), (self.change_link, 3), (self.bind, 4),
                   (self.unbind, 1), (self.add_route, 8), (self.delete_route, 3), (self.change_route, 3), (self.option, 5),
                   (self.change_network, 2), (self.meddle, 3), (self.restart, 1), (self.pause, 1)]
        while True:
            step = self.random.choices([c for c, _ in choices], [w for _, w in choices])[0]
            commands = step()
            if commands:
                return commands

    def zone(self):
        return self.random.choice(ZONES)

    def add_switch(self):
        free = [s for s in SWITCHES if s not in self.switches]
        if free:
            self.switches.add(free[0])
            return [("ic-nb", None, ["ts-add", free[0]]), ("wait-switch", None, [free[0]])]

    def without_routes(self, step):
        """The step while there are no routes: Debian's leaves those of a router that is joined no more where they are."""
        options = ("ic-route-adv", "ic-route-learn")
        off, on = ([("nb", zone, ["set", "NB_Global", ".", *(f"options:{option}={value}" for option in options)])
                    for zone in ZONES] for value in ("false", "true"))
        self.later = [step, on]
        return off

    def delete_switch(self):
        if len(self.switches) > 1:
            switch = self.random.choice(sorted(self.switches))
            self.switches.remove(switch)
            for links in self.links.values():
                links.pop(switch, None)
            return self.without_routes([("ic-nb", None, ["ts-del", switch])])

    def add_gateway(self, zone=None, interconnects=None):
        zone, n = zone or self.zone(), self.number()
        if len(self.gateways[zone]) < 3:
            name = f"gw{n}-{zone}"
            self.gateways[zone][name] = set()
            types = self.random.choice(["geneve", "geneve,vxlan"])
            return [("sb", zone, ["chassis-add", name, types, f"10.0.{ZONES.index(zone)}.{n}"]),
                    ("sb", zone, ["set", "Chassis", name, f"other_config:is-interconn={interconnects or self.random.choice(['true'] * 4 + ['false'])}",
                                  f"hostname=host{n}"])]

    def some_gateway(self, zone):
        names = sorted(self.gateways[zone])
        return self.random.choice(names) if names else None

    def delete_gateway(self):
        zone = self.zone()
        name = self.some_gateway(zone)
        if name:
            del self.gateways[zone][name]
            return [("sb", zone, ["chassis-del", name])]

    def change_gateway(self):
        zone = self.zone()
        name = self.some_gateway(zone)
        if name:
            n = self.number()
            return [("sb", zone, self.random.choice([
                ["set", "Chassis", name, f"hostname=host{n}"],
                ["set", "Chassis", name, f"other_config:is-interconn={self.random.choice(['true', 'true', 'false'])}"],
                ["--id=@e", "create", "Encap", "type=geneve", f"ip=10.1.{ZONES.index(zone)}.{n}", f"chassis_name={name}",
                 "options:csum=false", "--", "set", "Chassis", name, "encaps=@e"]]))]

    def link(self, zone=None):
        zone = zone or self.zone()
        free = sorted(s for s in self.switches if s not in self.links[zone])
        if free:
            switch, n = free[0], 1 + ZONES.index(zone)
            port, number = f"lr-{switch}", SWITCHES.index(free[0]) + 1
            self.links[zone][switch] = port
            lsp = f"{switch}-{zone}"
            v6 = self.random.choice([[], [f"fd00:{number}00::{n}/64"], [f"fe80::{n}/64"]])
            # A port of the name may be left from before the switch was deleted.
            return [("nb", zone, ["--if-exists", "lrp-del", port, "--", "lrp-add", "lr", port, f"aa:aa:aa:aa:a{number}:0{n}",
                                  f"172.31.{number}.{n}/24", *v6, "--", "lsp-add", switch, lsp, "--", "lsp-set-type", lsp,
                                  "router", "--", "lsp-set-addresses", lsp, "router", "--", "lsp-set-options", lsp,
                                  f"router-port={port}"])]

    def some_link(self, zone):
        links = sorted(self.links[zone].items())
        return self.random.choice(links) if links else (None, None)

    def unlink(self):
        zone = self.zone()
        switch, port = self.some_link(zone)
        if switch:
            del self.links[zone][switch]
            return self.without_routes([("nb", zone, ["lsp-del", f"{switch}-{zone}", "--", "lrp-del", port])])

    def change_link(self):
        zone = self.zone()
        switch, port = self.some_link(zone)
        if switch:
            number, n = SWITCHES.index(switch) + 1, 1 + ZONES.index(zone)
            return [("nb", zone, ["set", "Logical_Router_Port", port, self.random.choice([
                f'mac="aa:aa:aa:aa:b{number}:{self.number() % 90 + 10}"',
                f'networks="172.31.{number}.{n}/24","fd00:{number}00::{n}/64"',
                f'networks="172.31.{number}.{n}0/24"',
                f'networks="fd00:{number}00::{n}/64","fe80::{n}/64"',
                "options:route_table=t1", "options:route_table=t1", 'options:route_table=""'])])]

    def bind(self, zone=None, switch=None, gateway=None):
        zone = zone or self.zone()
        switch, port = (switch, self.links[zone][switch]) if switch else self.some_link(zone)
        gateway = gateway or self.some_gateway(zone)
        if switch and gateway:
            return [("nb", zone, ["--wait=sb", "lrp-set-gateway-chassis", port, gateway]),
                    ("bind", zone, [f"cr-{port}", gateway])]

    def unbind(self):
        zone = self.zone()
        switch, port = self.some_link(zone)
        if switch:
            return [("sb", zone, ["--if-exists", "lsp-unbind", f"cr-{port}"])]

    def add_route(self, zone=None, prefix=None, hop=None, *more):
        zone, name, plain = zone or self.zone(), f"r{self.number()}", prefix is not None
        prefix = prefix or self.random.choice(PREFIXES)
        if not plain and self.random.random() < 0.3:
            other = 2 - ZONES.index(zone)
            prefix = self.random.choice([f"192.168.{other}.1/24", f"192.168.31.{other}/24"])  # a network of the other zone
        words = [f'ip_prefix="{prefix}"', f'nexthop="{hop or self.random.choice(HOPS)}"', f"external_ids:id={name}", *more]
        if not plain and self.random.random() < 0.25:
            words.append("route_table=t1")
        if not plain and self.random.random() < 0.15:
            words.append("policy=src-ip")
        self.routes[zone].append(name)
        return [("nb", zone, ["--id=@r", "create", "Logical_Router_Static_Route", *words, "--", "add", "Logical_Router", "lr",
                              "static_routes", "@r"])]

    def delete_route(self):
        zone = self.zone()
        if self.routes[zone]:
            name = self.routes[zone].pop(self.random.randrange(len(self.routes[zone])))
            return [("route", zone, [name, "delete"])]

    def change_route(self):
        zone = self.zone()
        if self.routes[zone]:
            change = self.random.choice([f'ip_prefix="{self.random.choice(PREFIXES)}"', f'nexthop="{self.random.choice(HOPS)}"',
                                         "route_table=t1", 'route_table=""', "options:origin=connected"])
            return [("route", zone, [self.random.choice(self.routes[zone]), change])]

    def option(self):
        key, values = self.random.choice([
            ("ic-route-adv", ["true", "true", "false"]), ("ic-route-learn", ["true", "true", "false"]),
            ("ic-route-adv-default", ["true", "false"]), ("ic-route-learn-default", ["true", "false"]),
            ("ic-route-blacklist", ['"10.1.0.0/16"', '"10.1.1.0/24"', '"0.0.0.0/0"', '"192.168.0.0/16,10.2.0.0/16"', '""'])])
        return [("nb", self.zone(), ["set", "NB_Global", ".", f"options:{key}={self.random.choice(values)}"])]

    def change_network(self):
        zone = self.zone()
        n = 1 + ZONES.index(zone)
        return [("nb", zone, ["set", "Logical_Router_Port", "lr-lan", "networks=" + self.random.choice([
            f'"192.168.{n}.1/24","fd0{n}::1/64"', f'"192.168.{n}.1/24","192.168.31.{n}/24"', f'"fd0{n}::1/64","169.254.7.1/16"',
            f'"192.168.{n}.1/24","fe80::77/64"'])])]

    def meddle(self):
        """Somebody changes what is ovn-ic's."""
        zone = self.zone()
        switch = self.random.choice(sorted(self.switches))
        other = ZONES[1 - ZONES.index(zone)]
        port = f"{switch}-{other}"
        choices = [[("nb", zone, ["set", "Logical_Switch", switch, "other_config:requested-tnl-key=16711999"])],
                   [("nb", zone, ["set", "Logical_Switch", switch, "other_config:mcast_snoop=true"])]]
        if switch in self.links[other]:
            choices += [[("nb", zone, ["--if-exists", "lsp-del", port])],
                        [("nb", zone, ["set", "Logical_Switch_Port", port, "addresses=nonsense",
                                       "options:requested-tnl-key=77"])],
                        [("nb", other, ["set", "Logical_Switch_Port", port, "options:requested-tnl-key=78"])],
                        [("sb", zone, ["--if-exists", "lsp-unbind", port])],
                        [("ic-sb", None, ["set", "Port_Binding", port, "address=nonsense", "gateway=nobody"])],
                        [("ic-sb", None, ["destroy", "Port_Binding", port])]]
        gateway = self.some_gateway(other)
        if gateway:
            choices += [[("ic-sb", None, ["--if-exists", "destroy", "Gateway", gateway])],
                        [("ic-sb", None, ["--if-exists", "set", "Gateway", gateway, "hostname=nonsense"])],
                        [("sb", zone, ["--if-exists", "set", "Chassis", gateway, "hostname=nonsense"])],
                        [("sb", zone, ["--if-exists", "chassis-del", gateway])]]
        return self.random.choice(choices)

    def restart(self):
        return [("restart", self.zone(), [])]

    def pause(self):
        zone = self.zone()
        return [("ic", zone, ["pause"]), *(self.add_route() + self.option()), ("ic", zone, ["resume"])]


def run(interconnection, command):
    """What it failed with, or "": both sides are to agree on that, too."""
    where, zone, words = command
    z = interconnection.zones.get(zone)
    if where == "wait-switch":
        for each in interconnection.zones.values():
            wait_for(lambda: f"({words[0]})" in each.nb("ls-list"), f"{words[0]} in {each.name}")
        return ""
    if where == "restart":
        z.rig.kill("ovn-ic")
        z.start_ic()
        return ""
    if where == "ic":
        return z.ic(*words)
    if where == "bind":
        port, gateway = words
        wait_for(lambda: z.sb("--bare", "--columns=logical_port", "find", "Port_Binding", f"logical_port={port}").strip(), port)
        z.sb("--if-exists", "lsp-unbind", port, "--", "lsp-bind", port, gateway)
        return ""
    if where == "route":
        name, change = words
        uuid = z.nb("--bare", "--columns=_uuid", "find", "Logical_Router_Static_Route", f"external_ids:id={name}").strip()
        if change == "delete":
            z.nb("remove", "Logical_Router", "lr", "static_routes", uuid)
        else:
            z.nb("set", "Logical_Router_Static_Route", uuid, change)
        return ""
    tool = {"ic-nb": interconnection.nb, "ic-sb": interconnection.sb}.get(where) or {"nb": z.nb, "sb": z.sb}[where]
    done = tool(*words, check=False)
    return done.stderr and done.stderr.splitlines()[-1]
