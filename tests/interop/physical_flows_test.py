"""Debian's controller and ours over the same databases put the same flows on the integration bridge.

Both are hv1, one after the other, each with a switch and a database of its own.  Tables 0, 37 to 41 and 64 to 75
are compared flow by flow (74 but for decision 0007).  Tables of the logical pipelines are compared for the logical flows that neither of
the controllers makes a conjunction of, and without those that compare with != or < (decision 0004).

Three times: the network as it is built, after changes that Debian's controller was there for, and after changes
that ours was there for.
"""
import os
import re
import sys

import physical_flows
import physical_network as network
import rig

PHYSICAL = (0, 37, 38, 39, 40, 41, *range(64, 76))


def host(name, weft, central):
    r = rig.Rig(weft=weft, name=name)
    r.start_databases("conf")
    r.start_vswitchd("--enable-dummy=override", "--disable-system", "--disable-system-route")
    network.interfaces(r)
    return r


def cookie(line):
    found = re.search(r"cookie=(0x[0-9a-f]+)", line)
    return found[1] if found else ""


def explained(central):
    """Cookies of what may differ: logical flows whose OpenFlow form decision 0004 leaves open, and the router's port
    whose switch is not here, which ours makes no flows for (decision 0117)."""
    text = central.run("ovn-sbctl", "--bare", "--columns=_uuid,match", "list", "Logical_Flow")
    port = central.run("ovn-sbctl", "--bare", "--columns=_uuid", "find", "Port_Binding", "logical_port=hr-out20").strip()
    found = {"0x" + port[:8].lstrip("0")}
    for block in text.split("\n\n"):
        lines = block.splitlines()
        if len(lines) == 2 and re.search(r"!=|<|>|\{[^}]*,.*\{[^}]*,|\|\|", lines[1]):
            found.add("0x" + lines[0][:8].lstrip("0"))
    return found


def without_dead_loads(line):
    """Debian's loads the zone of each member of a multicast group, also of those that get nothing here."""
    line = re.sub(r"(set_field:[^,()]*->reg13,)+(?=set_field:[^,()]*->reg13)", "", line)
    return re.sub(r"set_field:[^,()]*->reg13,(?=set_field:0x8[0-9a-f]+->reg15$)", "", line)


def look_up_first(line):
    """Ours moves the result of a look-up after the borrowed registers are restored (decision 0004)."""
    return re.sub(r"(resubmit\(,(?:67|72)\),)((?:pop:[^,]*,)+)(move:[^,]*,)", r"\1\3\2", line)


def clean(tables, open_cookies):
    out = {}
    for table, lines in tables.items():
        conjunctive = {cookie(line) for line in lines if "conj" in line}
        kept = set()
        for line in lines:
            if table == 74 and "icmp6" in line and re.search(r"icmp_type=13[56]", line):
                continue
            if table in PHYSICAL:
                if table in (40, 41, 64, 65) and cookie(line) in open_cookies:
                    continue
                line = without_dead_loads(line)
                if "conjunction(" in line:
                    line = re.sub(r"cookie=[^,]*,? ?", "", line)  # shared by several rows
                # Decision 0013: broadcasts for a port that is here in addition to its main chassis go there, too.
                if table == 39 and re.search(r"reg15=0x800[04],metadata=(sw22|swd) ", line):
                    continue
                # Nothing but the group's own number: it would be dropped in any case.
                if table == 40 and re.search(r"actions=set_field:0x8[0-9a-f]+->reg15$", line):
                    continue
                # Of several rows that make one flow, any may have given it its cookie.
                if table in (37, 38) or "priority=110" in line:
                    line = re.sub(r"cookie=[^,]*,? ?", "", line)
            elif cookie(line) in open_cookies or cookie(line) in conjunctive or "conj" in line:
                continue
            kept.add(look_up_first(line))
        out[table] = kept
    return out


def compare(what, debian, ours, open_cookies):
    debian, ours = clean(debian, open_cookies), clean(ours, open_cookies)
    # Conjunctions of one side are none of the other's.
    problems = []
    for table in sorted(set(debian) | set(ours)):
        missing, extra = debian.get(table, set()) - ours.get(table, set()), ours.get(table, set()) - debian.get(table, set())
        if table not in PHYSICAL:
            common = {cookie(l) for l in debian.get(table, set())} & {cookie(l) for l in ours.get(table, set())}
            missing = {l for l in missing if cookie(l) in common}
            extra = {l for l in extra if cookie(l) in common}
        problems += [f"- {line}" for line in sorted(missing)] + [f"+ {line}" for line in sorted(extra)]
    if problems:
        sys.stderr.write("\n".join(problems) + "\n")
        raise rig.Failure(f"{what}: {len(problems)} flows differ (- Debian's, + ours)")


def settle(central, r):
    central.run("ovn-nbctl", "--timeout=30", "--wait=sb", "sync")
    previous = None

    def quiet():
        nonlocal previous
        now = central.run("ovn-sbctl", "--columns=nb_cfg,name", "list", "Chassis_Private") + "".join(
            sorted(r.run("ovs-ofctl", "dump-flows", "--no-stats", f"unix:{r.dir}/br-int.mgmt").splitlines()))
        same, previous = now == previous, now
        return same and nb_cfg_reported(central)
    rig.wait_for(quiet, "flows that do not change", 30)


def nb_cfg_reported(central):
    wanted = central.run("ovn-sbctl", "get", "SB_Global", ".", "nb_cfg").strip()
    found = central.run("ovn-sbctl", "--bare", "--columns=nb_cfg", "find", "Chassis_Private", "name=hv1").strip()
    return wanted == found


def start(r, central):
    r.start_controller(remote="unix:" + central.socket("sb"))
    # Debian's would keep ports of bridges that nothing needs for a while after its start.
    r.appctl("ovn-controller", "debug/ignore-startup-delay")
    settle(central, r)


def flows_of(r, central):
    return physical_flows.flows(r, central)


def main():
    central = rig.Rig(name="central")
    debian = ours = None
    results = []

    def step(what, action):
        try:
            action()
            results.append(True)
            print(f"ok - {what}")
        except Exception as problem:
            results.append(False)
            print(f"not ok - {what}: {type(problem).__name__}: {problem}")

    try:
        central.start_databases("nb", "sb")
        central.start_northd()
        network.chassis(central)
        network.northbound(central)
        central.run("ovn-nbctl", "--wait=sb", "sync")
        network.elsewhere(central)
        debian, ours = host("debian", (), central), host("ours", ("ovn-controller",), central)

        def both(first, second):
            """Flows of the two, the first having seen the latest changes happen."""
            seen = flows_of(first, central)
            first.kill("ovn-controller")
            start(second, central)
            return seen, flows_of(second, central)

        start(debian, central)
        was, now = both(debian, ours)
        step("the network as it was built", lambda: compare("built", was, now, explained(central)))
        network.change(central, ours)
        network.change_interfaces(debian)
        settle(central, ours)
        now, was = both(ours, debian)
        step("after changes that ours saw happen", lambda: compare("changed", was, now, explained(central)))
        network.change_back(central)
        settle(central, debian)
        was, now = both(debian, ours)
        step("after changes that Debian's saw happen", lambda: compare("changed back", was, now, explained(central)))
    finally:
        for r in (central, debian, ours):
            if r:
                if not all(results) or len(results) < 3:
                    r.show_logs()
                r.stop()
    print(f"{sum(results)} passed, {len(results) - sum(results)} failed")
    sys.exit(not (results and all(results) and len(results) == 3))


if __name__ == "__main__":
    main()
