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


if __name__ == "__main__":
    rig.main(debian_alone, databases)
