"""Availability zones side by side, joined by ovn-ic: each with a northbound and a southbound database and a northd of its own,
and the two interconnection databases that they share.

    with Interconnection(weft={"ovn-ic"}) as ic:
        ic.start()
        ic.nb("ts-add", "ts1")
        ic.zones["az1"].nb("lr-add", "lr1")

There are no hosts: gateways are chassis rows, and ports are bound by ovn-sbctl.
"""
import contextlib

from rig import Rig


class Zone:
    def __init__(self, name, rig, shared):
        self.name, self.rig, self.shared = name, rig, shared

    def start(self):
        self.rig.start_databases("nb", "sb")
        self.nb("set", "NB_Global", ".", f"name={self.name}")
        self.rig.start_northd()
        self.start_ic()

    def start_ic(self, name="ovn-ic"):
        self.rig.start(name, "ovn-ic", f"--unixctl={self.rig.dir}/{name}.ctl",
                       *(f"--{option}=unix:{rig.socket(database)}" for option, rig, database in
                         (("ovnnb-db", self.rig, "nb"), ("ovnsb-db", self.rig, "sb"),
                          ("ic-nb-db", self.shared, "ic-nb"), ("ic-sb-db", self.shared, "ic-sb"))))

    def ic(self, *command, name="ovn-ic"):
        return self.rig.run("ovs-appctl", "-t", f"{self.rig.dir}/{name}.ctl", *command)

    def nb(self, *command, check=True):
        return self.rig.run("ovn-nbctl", f"--db=unix:{self.rig.socket('nb')}", *command, check=check)

    def sb(self, *command, check=True):
        return self.rig.run("ovn-sbctl", f"--db=unix:{self.rig.socket('sb')}", *command, check=check)


class Interconnection:
    def __init__(self, weft=(), name="ic", zones=("az1", "az2")):
        """`zones` may be a map: which programs of each zone are Weft's."""
        self.stack = contextlib.ExitStack()
        self.shared = self.stack.enter_context(Rig(weft=weft, name=name))
        self.zones = {}
        for zone in zones:
            own = Rig(weft=zones[zone] if isinstance(zones, dict) else weft, name=f"{name}-{zone}")
            self.zones[zone] = Zone(zone, self.stack.enter_context(own), self.shared)

    def __enter__(self):
        return self

    def __exit__(self, *why):
        return self.stack.__exit__(*why)

    def start(self):
        self.shared.start_databases("ic-nb", "ic-sb")
        for zone in self.zones.values():
            zone.start()

    def nb(self, *command, check=True):
        return self.shared.run("ovn-ic-nbctl", f"--db=unix:{self.shared.socket('ic-nb')}", *command, check=check)

    def sb(self, *command, check=True):
        return self.shared.run("ovn-ic-sbctl", f"--db=unix:{self.shared.socket('ic-sb')}", *command, check=check)
