"""ovn-controller-vtep beside Debian's: after each of many changes of a hardware switch's database, of the logical network and of
where its workloads are, both have written the same into the southbound and the hardware_vtep database."""
import json
import os
import random
import signal
import time

import rig

PROGRAM = "ovn-controller-vtep"


def elements(value):
    """Of a set or map as the database writes it."""
    return value[1] if isinstance(value, list) and value and value[0] in ("set", "map") else [value]


class Side(rig.Rig):
    def __init__(self, weft):
        super().__init__(weft={PROGRAM, "vtep-ctl"} if weft else (), name="vtep")
        self.start_databases("nb", "sb", "vtep")
        self.env.update(OVN_NB_DB=f"unix:{self.socket('nb')}", OVN_SB_DB=f"unix:{self.socket('sb')}")
        self.start_northd()

    def start_here(self):
        self.start(PROGRAM, PROGRAM, f"--vtep-db=unix:{self.socket('vtep')}",
                   f"--ovnsb-db=unix:{self.socket('sb')}")

    def do(self, tool, *words):
        where = [f"--db=unix:{self.socket('vtep')}"] if tool == "vtep-ctl" else []
        return self.run(tool, *where, *words)

    def rows(self, which, name, table, *columns):
        request = [name, {"op": "select", "table": table, "where": [], "columns": ["_uuid", *columns]}]
        rows = json.loads(self.run("ovsdb-client", "transact", f"unix:{self.socket(which)}", json.dumps(request)))[0]["rows"]
        return {row["_uuid"][1]: row for row in rows}

    def southbound(self):
        get = lambda table, *columns: self.rows("sb", "OVN_Southbound", table, *columns)
        encaps = {u: (e["type"], e["ip"], str(sorted(elements(e["options"]))), e["chassis_name"])
                  for u, e in get("Encap", "type", "ip", "options", "chassis_name").items()}
        chassis = get("Chassis", "name", "hostname", "encaps", "vtep_logical_switches", "other_config", "external_ids")
        found = {("Chassis", c["name"], c["hostname"], str(sorted(encaps.get(e[1]) for e in elements(c["encaps"]))),
                  str(sorted(elements(c["vtep_logical_switches"]))), str(c["other_config"]), str(c["external_ids"])) for c in chassis.values()}
        for name in ("Chassis_Private",):
            found |= {(name, c["name"]) for c in get(name, "name").values()}
        keys = {u: d["tunnel_key"] for u, d in get("Datapath_Binding", "tunnel_key", "external_ids").items()}
        for p in get("Port_Binding", "logical_port", "type", "chassis", "up", "encap").values():
            where = chassis[p["chassis"][1]]["name"] if p["chassis"][0] == "uuid" and p["chassis"][1] in chassis else ""
            # Debian's leaves a port that it releases up.
            found.add(("Port_Binding", p["logical_port"], p["type"], where, str(p["up"]) if where else ""))
        return found, keys

    def hardware(self):
        get = lambda table, *columns: self.rows("vtep", "hardware_vtep", table, *columns)
        locators = {u: (r["encapsulation_type"], r["dst_ip"], str(r["tunnel_key"]))
                    for u, r in get("Physical_Locator", "encapsulation_type", "dst_ip", "tunnel_key").items()}
        sets = {u: sorted(locators[e[1]] for e in elements(r["locators"])) for u, r in get("Physical_Locator_Set", "locators").items()}
        switches = get("Logical_Switch", "name", "tunnel_key", "replication_mode")
        # What a switch that is of no network (any more) has as its mode depends on what came when.
        found = {("Logical_Switch", s["name"], str(s["tunnel_key"]), str(s["replication_mode"]) if s["tunnel_key"] not in (0, ["set", []]) else "")
                 for s in switches.values()}
        for r in get("Ucast_Macs_Remote", "MAC", "logical_switch", "locator", "ipaddr").values():
            found.add(("Ucast", r["MAC"], switches[r["logical_switch"][1]]["name"], str(locators[r["locator"][1]]), r["ipaddr"]))
        for r in get("Mcast_Macs_Remote", "MAC", "logical_switch", "locator_set", "ipaddr").values():
            found.add(("Mcast", r["MAC"], switches[r["logical_switch"][1]]["name"], str(sets[r["locator_set"][1]]), r["ipaddr"]))
        return found

    def contents(self):
        return self.southbound()[0] | self.hardware()


class Both:
    """The two sides, told the same."""

    def __enter__(self):
        self.sides = [Side(True), Side(False)]
        for side in self.sides:
            side.start_here()
        return self

    def __exit__(self, *failure):
        for side in self.sides:
            side.__exit__(*failure)

    def do(self, tool, *words):
        for side in self.sides:
            side.do(tool, *words)

    def nb(self, *words):
        self.do("ovn-nbctl", "--wait=sb", "--timeout=10", *words)

    def agree(self, what, seconds=6):
        """What both databases hold, once it is the same and stays so for a moment."""
        end, since = time.monotonic() + seconds, None
        while True:
            ours, theirs = (side.contents() for side in self.sides)
            if ours != theirs:
                since = None
            elif since is None:
                since = time.monotonic()
            elif time.monotonic() > since + 0.15:
                return ours
            if time.monotonic() > end:
                raise rig.Failure(f"{what}: only Weft's: {sorted(ours - theirs)}; only Debian's: {sorted(theirs - ours)}")
            time.sleep(0.05)


BASE = """
vtep-ctl add-ps ps0 -- add-port ps0 p0 -- add-port ps0 p1 -- set Physical_Switch ps0 tunnel_ips=192.0.2.9
vtep-ctl add-ls vls0 -- add-ls vls1 -- bind-ls ps0 p0 100 vls0
ovn-nbctl ls-add sw0
ovn-nbctl ls-add sw1
ovn-sbctl chassis-add hv1 vxlan 192.0.2.1 -- chassis-add hv2 geneve,vxlan 192.0.2.2 -- chassis-add hv3 geneve 192.0.2.3
ovn-nbctl lsp-add sw0 a -- lsp-set-addresses a "02:00:00:00:00:01 10.0.0.1" -- lsp-add sw0 b -- lsp-set-addresses b "02:00:00:00:00:02" unknown
ovn-nbctl lsp-add sw0 c -- lsp-set-addresses c "02:00:00:00:00:03 10.0.0.3"
ovn-nbctl lsp-add sw0 gw0 -- lsp-set-type gw0 vtep -- lsp-set-options gw0 vtep-physical-switch=ps0 vtep-logical-switch=vls0 -- lsp-set-addresses gw0 unknown
ovn-sbctl lsp-bind a hv1
ovn-sbctl lsp-bind b hv2
ovn-sbctl lsp-bind c hv3
"""


def tell(both, lines):
    import shlex
    for line in lines.strip().splitlines():
        tool, *words = shlex.split(line)
        if tool == "ovn-nbctl":
            both.nb(*words)
        else:
            both.do(tool, *words)


def life_cycle():
    """a gateway's life as ovn-architecture(7) tells it"""
    with Both() as both:
        for line in BASE.strip().splitlines():
            tell(both, line)
            now = both.agree(line)
        if not any(row[:4] == ("Port_Binding", "gw0", "vtep", "ps0") for row in now):
            raise rig.Failure(f"gw0 is not bound: {sorted(now)}")
        if not any(row[0] == "Ucast" and row[1] == "02:00:00:00:00:01" for row in now):
            raise rig.Failure(f"no address of a: {sorted(now)}")
        for line in ("vtep-ctl set Physical_Switch ps0 tunnel_ips=192.0.2.10", "ovn-sbctl lsp-unbind a", "ovn-sbctl lsp-bind a hv2",
                     "ovn-nbctl lsp-set-addresses a '02:00:00:00:00:09 10.0.0.1' '02:00:00:00:00:0a'", "ovn-sbctl chassis-del hv2",
                     "vtep-ctl bind-ls ps0 p1 7 vls1", "vtep-ctl unbind-ls ps0 p0 100", "vtep-ctl bind-ls ps0 p0 101 vls0",
                     "ovn-nbctl lsp-set-options gw0 vtep-physical-switch=ps0 vtep-logical-switch=vls1",
                     "ovn-nbctl lsp-del gw0", "vtep-ctl del-ps ps0"):
            tell(both, line)
            both.agree(line)


def router():
    """routers on the network"""
    with Both() as both:
        tell(both, BASE)
        tell(both, """
            ovn-nbctl lr-add lr -- lrp-add lr lr-sw0 02:00:00:00:aa:01 10.0.0.254/24
            ovn-nbctl lsp-add sw0 sw0-lr -- lsp-set-type sw0-lr router -- lsp-set-addresses sw0-lr router -- lsp-set-options sw0-lr router-port=lr-sw0
        """)
        both.agree("a distributed router")
        tell(both, "ovn-nbctl lrp-set-gateway-chassis lr-sw0 hv1 10")
        both.agree("a distributed gateway port that is nowhere")
        tell(both, "ovn-sbctl lsp-bind cr-lr-sw0 hv1")
        both.agree("a distributed gateway port")
        tell(both, "ovn-nbctl lrp-del-gateway-chassis lr-sw0 hv1\novn-nbctl set Logical_Router lr options:chassis=hv2")
        both.agree("a gateway router that is nowhere")
        tell(both, "ovn-sbctl lsp-bind sw0-lr hv2")
        both.agree("a gateway router")


class Walk:
    def __init__(self, both, seed):
        self.both, self.r = both, random.Random(seed)
        self.attached = {"gw0"}
        self.count = 0

    def step(self):
        r = self.r
        port = r.choice(["a", "b", "c"])
        mac = "02:00:00:00:%02x:%02x" % (ord(port), r.randint(1, 20))
        vlan = str(r.choice([100, 101, 102]))
        there = r.choice(["p0", "p1"])
        bound = any(int(line.split()[0]) == int(vlan) for line in self.both.sides[1].do("vtep-ctl", "list-bindings", "ps0", there).splitlines())
        unbind = ("unbind-ls", "ps0", there, vlan, "--") if bound else ()
        choices = [
            ("ovn-sbctl", "lsp-unbind", port),
            ("ovn-sbctl", "lsp-unbind", port, "--", "lsp-bind", port, r.choice(["hv1", "hv2", "hv3"])),
            ("ovn-nbctl", "lsp-set-addresses", port, f"{mac} 10.0.0.{r.randint(1, 99)}"),
            ("ovn-nbctl", "lsp-set-addresses", port, mac, "unknown"),
            ("ovn-nbctl", "lsp-set-addresses", port),
            ("vtep-ctl", *unbind, "bind-ls", "ps0", there, vlan, r.choice(["vls0", "vls1"])),
            ("vtep-ctl", *unbind[:-1]) if bound else ("vtep-ctl", "show"),
            ("vtep-ctl", "set", "Physical_Switch", "ps0", f"tunnel_ips=192.0.2.{r.randint(9, 12)}"),
            ("ovn-nbctl", "lsp-set-options", "gw0", "vtep-physical-switch=" + r.choice(["ps0", "ps0", "nowhere"]),
             "vtep-logical-switch=" + r.choice(["vls0", "vls1", "nowhere"])),
            ("ovn-nbctl", "--if-exists", "lsp-del", "gw0"),
            ("ovn-nbctl", "--may-exist", "lsp-add", "sw0", "gw0", "--", "lsp-set-type", "gw0", "vtep", "--", "lsp-set-addresses", "gw0", "unknown",
             "--", "lsp-set-options", "gw0", "vtep-physical-switch=ps0", "vtep-logical-switch=vls0"),
        ]
        tool, *words = r.choice(choices)
        if tool == "ovn-nbctl" and "lsp-set-options" in words[:1]:
            words = ["--may-exist", "lsp-add", "sw0", "gw0", "--", *words]
        self.both.nb(*words) if tool == "ovn-nbctl" else self.both.do(tool, *words)
        return " ".join((tool, *words))


def walk():
    """random changes, a restart among them"""
    seed = int(os.environ.get("WEFT_SEED") or random.randrange(1 << 30))
    with Both() as both:
        tell(both, BASE)
        walker = Walk(both, seed)
        for step in range(40):
            done = [walker.step() for _ in range(walker.r.randint(1, 3))]
            both.agree(f"WEFT_SEED={seed} step {step} {done}")
            if step == 20:
                for side in both.sides:
                    side.kill(PROGRAM)
                    side.start_here()


def leaving():
    """what was written goes with the program"""
    with Both() as both:
        tell(both, BASE)
        both.agree("before")
        for side in both.sides:
            side.kill(PROGRAM, signal.SIGTERM)
        both.agree("after SIGTERM")
        for side in both.sides:
            side.start_here()
        both.agree("started again")
        for side in both.sides:
            side.run("ovs-appctl", "-t", f"{side.dir}/{PROGRAM}.{side.pids[PROGRAM]}.ctl", "exit")
            rig.wait_for(lambda: not side.alive(PROGRAM), "the end")
            del side.pids[PROGRAM]
        after = both.agree("after exit")
        if any(row[0] in ("Ucast", "Mcast") for row in after):
            raise rig.Failure(f"left behind: {sorted(after)}")


def version():
    """another version of northd is not followed if that is asked for"""
    with Both() as both:
        both.do("vtep-ctl", "set", "Global", ".", "other_config:ovn-match-northd-version=true")
        both.do("ovn-sbctl", "set", "SB_Global", ".", "options:northd_internal_version=other")
        for side in both.sides:
            side.kill("ovn-northd")
        both.do("ovn-sbctl", "set", "SB_Global", ".", "options:northd_internal_version=other")
        both.do("vtep-ctl", "add-ps", "ps0", "--", "set", "Physical_Switch", "ps0", "tunnel_ips=192.0.2.9")
        time.sleep(0.3)
        if any(row[0] == "Chassis" for row in both.agree("another version")):
            raise rig.Failure("a chassis was made")
        both.do("vtep-ctl", "remove", "Global", ".", "other_config", "ovn-match-northd-version")
        rig.wait_for(lambda: any(row[0] == "Chassis" for row in both.agree("any version")), "the chassis")


if __name__ == "__main__":
    rig.main(life_cycle, router, walk, leaving, version)
