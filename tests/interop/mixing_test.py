"""Each daemon of Weft among Debian's: the same small network comes up whoever serves it."""
import rig

CHANGES = ("ls-add sw0 -- lsp-add sw0 p1 -- lsp-set-addresses p1 '02:00:00:00:00:01 10.1.0.1' "
           "-- lsp-add sw0 p2 -- lsp-set-addresses p2 '02:00:00:00:00:02 10.1.0.2'")


def build(r):
    import shlex
    r.run("ovn-nbctl", *shlex.split(CHANGES))
    for n in (1, 2):
        r.run("ovs-vsctl", "--no-wait", "add-port", "br-int", f"vif{n}", "--", "set", "Interface", f"vif{n}",
              f"external_ids:iface-id=p{n}")


def up(r):
    return all(r.run("ovn-nbctl", "lsp-get-up", f"p{n}").strip() == "up" for n in (1, 2))


def delivered(r):
    """A packet from p1 for p2 comes out of vif2."""
    trace = r.appctl("ovs-vswitchd", "ofproto/trace", "br-int",
                     "in_port=vif1,dl_src=02:00:00:00:00:01,dl_dst=02:00:00:00:00:02,dl_type=0x1234")
    port = r.run("ovs-vsctl", "get", "Interface", "vif2", "ofport").strip()
    return f"output:{port}" in trace


def network(weft, name):
    with rig.Rig(weft=weft, name=name) as r:
        r.start_databases()
        r.start_vswitchd("--enable-dummy=override", "--disable-system", "--disable-system-route")
        r.start_northd()
        r.start_controller()
        rig.wait_for(lambda: r.run("ovs-vsctl", "--no-wait", "br-exists", "br-int", check=False).returncode == 0, "br-int")
        build(r)
        rig.wait_for(lambda: up(r), "both ports up")
        r.run("ovn-nbctl", "--timeout=15", "--wait=hv", "sync")
        if not delivered(r):
            raise rig.Failure("a packet from p1 does not come out of vif2")


def debian_alone():
    """Debian's programs alone (the test itself is right)"""
    network((), "debian")


def databases():
    """Debian's northd, controller, switch and tools over our databases"""
    network(("ovsdb-server", "ovsdb-tool"), "databases")


def northd():
    """Our northd under Debian's controller and switch"""
    network(("ovn-northd",), "northd")


def controller():
    """Our controller under Debian's northd and over Debian's switch"""
    network(("ovn-controller",), "controller")


def switch():
    """Our switch under Debian's controller"""
    network(("ovs-vswitchd",), "switch")


def tools():
    """Our tools before Debian's daemons"""
    network(("ovs-vsctl", "ovs-ofctl", "ovs-appctl", "ovn-nbctl", "ovn-sbctl", "ovn-appctl"), "tools")


def everything():
    """All of it ours"""
    network("all", "weft")


def healing():
    """Each daemon killed and started again: the network heals by itself"""
    with rig.Rig(weft="all", name="healing") as r:
        dummy = ("--enable-dummy=override", "--disable-system", "--disable-system-route")
        r.start_databases()
        r.start_vswitchd(*dummy)
        r.start_northd()
        r.start_controller()
        rig.wait_for(lambda: r.run("ovs-vsctl", "--no-wait", "br-exists", "br-int", check=False).returncode == 0, "br-int")
        build(r)
        rig.wait_for(lambda: up(r) and delivered(r), "the network")
        restart = {"nb": lambda: r.start_database("nb"), "sb": lambda: r.start_database("sb"), "conf": lambda: r.start_database("conf"),
                   "ovn-northd": r.start_northd, "ovn-controller": r.start_controller,
                   "ovs-vswitchd": lambda: r.start_vswitchd(*dummy)}
        for number, (daemon, start) in enumerate(restart.items()):
            r.kill(daemon)
            start()
            # A change made afterwards reaches the switch, and packets still pass.
            r.run("ovn-nbctl", "--timeout=20", "--wait=hv", "lsp-set-addresses", "p2", f"02:00:00:00:00:02 10.1.0.{number + 2}")
            rig.wait_for(lambda: up(r) and delivered(r), f"the network after {daemon} was killed", 20)


if __name__ == "__main__":
    rig.main(debian_alone, databases, northd, controller, switch, tools, everything, healing)
