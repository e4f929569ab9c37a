"""ovn-ic as a daemon: active and standby, pausing, a zone's new name, names that two zones have, and what it refuses."""
import os

import rig
from interconnection import Interconnection
from rig import Failure, wait_for

WEFT = {"ovn-ic"}
REFERENCE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../schema/reference")


def expect(what, have, want):
    if have != want:
        raise Failure(f"{what}: {have!r} instead of {want!r}")


def zone_names(ic):
    return sorted(ic.sb("--bare", "--columns=name", "list", "Availability_Zone").split())


def column(tool, table, name, which):
    return tool("--bare", f"--columns={which}", "find", table, f"name={name}").strip()


def standby():
    """Of two ovn-ic one is active; the other takes over when it pauses or dies"""
    with Interconnection(weft=WEFT, name="standby", zones=("az1",)) as ic:
        ic.start()
        zone = ic.zones["az1"]
        wait_for(lambda: zone.ic("status") == "Status: active\n", "the first one to be active")
        zone.start_ic("second")
        wait_for(lambda: zone.ic("status", name="second") == "Status: standby\n", "the second one to stand by")
        expect("is-paused", zone.ic("is-paused"), "false\n")
        zone.ic("pause")
        expect("is-paused", zone.ic("is-paused"), "true\n")
        expect("status", zone.ic("status"), "Status: paused\n")
        wait_for(lambda: zone.ic("status", name="second") == "Status: active\n", "the second one to take over")
        ic.nb("ts-add", "ts1")
        wait_for(lambda: "(ts1)" in zone.nb("ls-list"), "the switch")
        zone.ic("resume")
        wait_for(lambda: zone.ic("status") == "Status: standby\n", "the first one to stand by")
        zone.rig.kill("second")
        wait_for(lambda: zone.ic("status") == "Status: active\n", "the first one to be active again")
        ic.nb("ts-del", "ts1")
        wait_for(lambda: "(ts1)" not in zone.nb("ls-list"), "the switch to go")
        zone.ic("exit")
        wait_for(lambda: not zone.rig.alive("ovn-ic"), "it to end")


def names():
    """A zone is renamed in place; another's name is refused; nothing is done without a name"""
    with Interconnection(weft=WEFT, name="names") as ic:
        ic.start()
        az1, az2 = ic.zones["az1"], ic.zones["az2"]
        wait_for(lambda: zone_names(ic) == ["az1", "az2"], "both zones")
        az1.sb("chassis-add", "gw1", "geneve", "10.0.0.1", "--", "set", "Chassis", "gw1", "other_config:is-interconn=true")
        wait_for(lambda: column(az2.sb, "Chassis", "gw1", "other_config") == "is-remote=true", "the gateway in the other zone")
        az1.nb("set", "NB_Global", ".", "name=north")
        wait_for(lambda: zone_names(ic) == ["az2", "north"], "the new name")
        az1.sb("set", "Chassis", "gw1", "hostname=after")
        wait_for(lambda: column(az2.sb, "Chassis", "gw1", "hostname") == "after", "the gateway's new host name")
        az1.nb("set", "NB_Global", ".", "name=az2")
        az1.sb("set", "Chassis", "gw1", "hostname=later")
        wait_for(lambda: column(az2.sb, "Chassis", "gw1", "hostname") == "later", "the zone to go on under its name")
        expect("zones", zone_names(ic), ["az2", "north"])
        az1.nb("clear", "NB_Global", ".", "external_ids", "--", "set", "NB_Global", ".", 'name=""')
        ic.nb("ts-add", "ts1")
        wait_for(lambda: "(ts1)" in az2.nb("ls-list"), "the switch in the zone that has a name")
        expect("the switch in the zone without a name", "(ts1)" in az1.nb("ls-list"), False)
        az1.nb("set", "NB_Global", ".", "name=north")
        wait_for(lambda: "(ts1)" in az1.nb("ls-list"), "the switch in the zone that has a name again")


def clashes():
    """What two zones call the same is left out, and everything else goes on"""
    with Interconnection(weft=WEFT, name="clashes") as ic:
        ic.start()
        az1, az2 = ic.zones["az1"], ic.zones["az2"]
        ic.nb("ts-add", "ts1")
        for zone in (az1, az2):
            wait_for(lambda: "(ts1)" in zone.nb("ls-list"), f"the switch in {zone.name}")
        az1.sb("chassis-add", "gw", "geneve", "10.0.0.1", "--", "set", "Chassis", "gw", "other_config:is-interconn=true")
        wait_for(lambda: column(az2.sb, "Chassis", "gw", "name") == "gw", "the gateway in the other zone")
        # The same tunnel address, and a workload with the name that the other zone gives to its port.
        az2.sb("chassis-add", "hv2", "geneve", "10.0.0.5")
        az1.sb("chassis-add", "gw5", "geneve", "10.0.0.5", "--", "set", "Chassis", "gw5", "other_config:is-interconn=true")
        az2.nb("ls-add", "lan", "--", "lsp-add", "lan", "p1")
        az1.nb("lr-add", "lr", "--", "lrp-add", "lr", "lr-ts1", "02:00:00:00:00:01", "169.254.100.1/24", "--", "lsp-add", "ts1", "p1",
               "--", "lsp-set-type", "p1", "router", "--", "lsp-set-options", "p1", "router-port=lr-ts1")
        wait_for(lambda: ic.sb("--bare", "--columns=address", "find", "Port_Binding", "logical_port=p1").strip(), "the port")
        az1.sb("chassis-add", "gw6", "geneve", "10.0.0.6", "--", "set", "Chassis", "gw6", "other_config:is-interconn=true")
        wait_for(lambda: column(az2.sb, "Chassis", "gw6", "name") == "gw6", "a gateway that clashes with nothing")
        ic.nb("ts-add", "ts2")
        wait_for(lambda: "(ts2)" in az2.nb("ls-list"), "another switch in the zone with the workload")
        expect("the gateway with the address of a host", column(az2.sb, "Chassis", "gw5", "name"), "")
        expect("the workload", az2.nb("lsp-get-type", "p1").strip(), "")
        # Once the name is free, the port comes.
        az2.nb("lsp-del", "p1")
        wait_for(lambda: az2.nb("lsp-get-type", "p1").strip() == "remote", "the port of the other zone")


def barrier():
    """ovn-ic-nbctl --wait=sb waits for all zones; inc-engine tells how often was computed"""
    with Interconnection(weft=WEFT | {"ovn-ic-nbctl", "ovn-ic-sbctl"}, name="barrier") as ic:
        for which in ("ic-nb", "ic-sb"):
            ic.shared.run("ovsdb-tool", "create", f"{ic.shared.dir}/{which}.db", f"{REFERENCE}/ovn-{which}.ovsschema")
        ic.start()
        ic.sb("init")
        az1, az2 = ic.zones["az1"], ic.zones["az2"]
        for n in range(3):
            ic.nb("--timeout=20", "--wait=sb", "ts-add", f"ts{n}")
            for zone in (az1, az2):
                expect(f"ts{n} in {zone.name}", f"(ts{n})" in zone.nb("ls-list"), True)
        numbers = lambda: sorted(ic.sb("--bare", "--columns=nb_ic_cfg", "list", "Availability_Zone").split())
        expect("numbers", (numbers(), ic.nb("get", "IC_NB_Global", ".", "nb_ic_cfg", "sb_ic_cfg").split(),
                           ic.sb("get", "IC_SB_Global", ".", "nb_ic_cfg").split()), (["3", "3"], ["3", "3"], ["3"]))
        az2.ic("pause")
        late = ic.shared.run("ovn-ic-nbctl", f"--db=unix:{ic.shared.socket('ic-nb')}", "--timeout=2", "--wait=sb", "sync", check=False)
        expect("sync without one zone", (late.returncode != 0, numbers()), (True, ["3", "4"]))
        az2.ic("resume")
        ic.nb("--timeout=20", "--wait=sb", "sync")
        expect("numbers", numbers(), ["5", "5"])
        count = lambda name, kind: int(az1.ic("inc-engine/show-stats", name, kind))
        az1.ic("inc-engine/clear-stats")
        expect("runs", [count("ic", "compute"), count("emit_transit_switch", "compute")], [0, 0])
        ic.nb("--timeout=20", "--wait=sb", "ts-add", "ts9")
        # When it is there, and when it has its key.
        expect("runs for one switch", (count("ic", "recompute"), count("emit_transit_switch", "compute")), (0, 2))
        az1.ic("inc-engine/recompute")
        ic.nb("--timeout=20", "--wait=sb", "sync")
        expect("recomputes", count("ic", "recompute"), 1)
        expect("runs for all switches", count("emit_transit_switch", "compute") >= 5, True)


def one_name():
    """Two zones that are started under one name are told apart: the second writes nothing until it has a name of its own"""
    with Interconnection(weft=WEFT, name="one-name", zones=("az1", "az2")) as ic:
        ic.shared.start_databases("ic-nb", "ic-sb")
        az1, az2 = ic.zones["az1"], ic.zones["az2"]
        az1.start()
        az1.sb("chassis-add", "gw1", "geneve", "10.0.0.1", "--", "set", "Chassis", "gw1", "other_config:is-interconn=true")
        gateways = lambda: sorted(ic.sb("--bare", "--columns=name", "list", "Gateway").split())
        wait_for(lambda: gateways() == ["gw1"], "the gateway")
        az2.name = "az1"
        az2.start()
        az2.sb("chassis-add", "gw2", "geneve", "10.0.0.2", "--", "set", "Chassis", "gw2", "other_config:is-interconn=true")
        ic.nb("ts-add", "ts1")
        wait_for(lambda: "(ts1)" in az1.nb("ls-list"), "the transit switch in the first zone")

        def told():
            with open(f"{az2.rig.dir}/ovn-ic.log") as f:
                return "another deployment has the name az1" in f.read()
        wait_for(told, "the second one to say why it does nothing")
        expect("gateways", gateways(), ["gw1"])
        expect("the second one's switches", az2.nb("ls-list"), "")
        az2.nb("set", "NB_Global", ".", "name=az2")
        wait_for(lambda: gateways() == ["gw1", "gw2"] and "(ts1)" in az2.nb("ls-list"), "the second one with a name of its own")
        wait_for(lambda: zone_names(ic) == ["az1", "az2"], "both zones")


def command_line():
    """Options that are wrong are refused"""
    with rig.Rig(weft=WEFT, name="options") as r:
        for words, message in ((["x"], 'non-option argument "x" given'), (["--ovnnb-db"], "requires an argument"),
                               (["--nope"], "unrecognized option")):
            done = r.run("ovn-ic", *words, check=False)
            expect(f"ovn-ic {words}", (done.returncode, message in done.stderr), (1, True))
        for option in ("--ovnnb-db", "--ovnsb-db", "--ic-nb-db", "--ic-sb-db", "--unixctl", "--pidfile", "--private-key"):
            expect(option, option in r.run("ovn-ic", "--help"), True)


if __name__ == "__main__":
    rig.main(standby, names, clashes, barrier, one_name, command_line)
