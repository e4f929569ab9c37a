"""What northd makes of an interconnection beside Debian's: transit switches with remote ports and keys of their own, and routes
that ovn-ic learnt."""
import re

from rig import Failure, Rig, main

TRANSIT = "other_config:interconn-ts=ts"


def flows(weft, fill):
    """The flows as lines, and the tunnel keys by name, once northd has carried out what `fill` configures."""
    with Rig(weft=weft, name="interconnection") as r:
        r.start_databases("nb", "sb")
        r.start_northd()
        fill(lambda *words: r.run("ovn-nbctl", f"--db=unix:{r.socket('nb')}", *words))
        r.run("ovn-nbctl", f"--db=unix:{r.socket('nb')}", "--wait=sb", "--timeout=20", "set", "NB_Global", ".", "external_ids:x=y")
        sb = f"--db=unix:{r.socket('sb')}"
        text = r.run("ovn-sbctl", sb, "lflow-list")
        keys = r.run("ovn-sbctl", sb, "--bare", "--columns=logical_port,tunnel_key,type", "find", "Port_Binding", "type=remote")
        switch = r.run("ovn-sbctl", sb, "--bare", "--columns=tunnel_key", "find", "Datapath_Binding", "external_ids:name=ts")
    lines = set()
    for line in text.splitlines():
        if "table=" in line:
            line = re.sub(r"/\*.*?\*/", "", line)
            lines.add(" ".join(re.sub(r"reg7 == \d+", "reg7 == N", line).split()))
    return lines, (sorted(block.split() for block in keys.split("\n\n")), switch.strip())


def router(nb):
    nb("lr-add", "lr", "--", "lrp-add", "lr", "p1", "02:00:00:00:00:01", "172.16.0.1/24", "fd00::1/64", "--",
       "lrp-add", "lr", "p2", "02:00:00:00:00:02", "172.16.1.1/24")


def route(nb, prefix, nexthop, *more):
    nb("--id=@r", "create", "Logical_Router_Static_Route", f'ip_prefix="{prefix}"', f'nexthop="{nexthop}"', *more, "--",
       "add", "Logical_Router", "lr", "static_routes", "@r")


CONNECTED = ("options:origin=connected", "external_ids:ic-learned-route=00000000-0000-0000-0000-000000000001")
STATIC = ("options:origin=static", "external_ids:ic-learned-route=00000000-0000-0000-0000-000000000002")


def learned(nb):
    router(nb)
    for prefix, nexthop, *more in (
            ("10.2.0.0/16", "172.16.1.13", *CONNECTED), ("10.3.0.0/16", "172.16.1.13", *STATIC),
            ("10.4.5.6/16", "172.16.1.13", *CONNECTED), ("10.5.0.0/16", "172.16.1.13", *CONNECTED, "route_table=t1"),
            ("10.6.0.0/16", "172.16.1.13", *CONNECTED, "policy=src-ip"), ("10.7.0.0/16", "172.16.1.13", "options:origin=nonsense"),
            ("172.16.0.0/24", "172.16.1.13", *CONNECTED), ("fd01::/64", "fd00::9", *CONNECTED),
            ("10.9.0.0/16", "172.16.0.10", *STATIC), ("10.9.0.0/16", "172.16.0.10", "policy=src-ip")):
        route(nb, prefix, nexthop, *more)
    nb("ls-add", "ts", "--", "set", "Logical_Switch", "ts", TRANSIT, "other_config:requested-tnl-key=16777215",
       "other_config:mcast_snoop=true", "other_config:mcast_querier=false")
    for name, key, state in (("r1", 77, "enabled"), ("r2", 32767, "disabled")):
        nb("lsp-add", "ts", name, "--", "lsp-set-type", name, "remote", "--", "lsp-set-addresses", name,
           f"02:00:00:00:01:{key % 90 + 10} 172.16.0.{key % 200}", "--", "lsp-set-enabled", name, state, "--",
           "lsp-set-options", name, f"requested-tnl-key={key}")
    nb("lsp-add", "ts", "ts-p1", "--", "lsp-set-type", "ts-p1", "router", "--", "lsp-set-addresses", "ts-p1", "router", "--",
       "lsp-set-options", "ts-p1", "router-port=p1")
    nb("ls-add", "plain", "--", "set", "Logical_Switch", "plain", "other_config:mcast_snoop=true",
       "other_config:mcast_querier=false", "--", "lsp-add", "plain", "r3", "--", "lsp-set-type", "r3", "remote")


def same_as_debian():
    """Learned routes, remote ports and their keys are as Debian's northd has them"""
    (theirs, their_keys), (ours, our_keys) = flows(set(), learned), flows({"ovn-northd"}, learned)
    if theirs != ours:
        raise Failure("\n".join([*(f"only Debian: {line}" for line in sorted(theirs - ours)),
                                 *(f"only Weft: {line}" for line in sorted(ours - theirs))][:20]))
    if their_keys != our_keys:
        raise Failure(f"Debian {their_keys}, Weft {our_keys}")
    if our_keys[1] != "16777215":
        raise Failure(f"the transit switch has key {our_keys[1]}")


def connected_first():
    """To one prefix another zone's connected routes, however written, share the load and come before static ones"""
    def mixed(nb):
        router(nb)
        for prefix, nexthop, *more in (("10.1.0.1/16", "172.16.0.11", *CONNECTED), ("10.1.0.2/16", "172.16.1.12", *CONNECTED),
                                       ("10.1.0.0/16", "172.16.0.13"), ("10.1.0.0/16", "172.16.1.14", *STATIC)):
            route(nb, prefix, nexthop, *more)
    lines, _ = flows({"ovn-northd"}, mixed)
    routing = [line for line in lines if "lr_in_ip_routing " in line and "10.1.0.0/16" in line]
    groups = {}
    for line in routing:
        priority, number = re.search(r"priority=(\d+)", line)[1], re.search(r"reg8\[0\.\.15\] = (\d+)", line)[1]
        groups[number] = (int(priority), "reg7" in line)
    members = {number: {re.search(r"reg0 = ([0-9.]+)", line)[1] for line in lines
                        if "lr_in_ip_routing_ecmp" in line and f"reg8[0..15] == {number} &&" in line} for number in groups}
    have = sorted((groups[number], sorted(members[number])) for number in groups)
    want = [((49, True), ["172.16.0.13", "172.16.1.14"]), ((50, False), ["172.16.0.11", "172.16.1.12"])]
    if have != want:
        raise Failure(f"{have} instead of {want}")


if __name__ == "__main__":
    main(same_as_debian, connected_first)
