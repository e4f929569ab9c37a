"""What ovn-nb(5) promises and Debian's northd does not have, of Weft's ovn-northd: ACL tiers and `pass`, chains of policies, packet marks,
the status of gateway ports, aging of learnt Ethernet addresses, NAT rules with conditions, output ports and sessions of policies.  Schemas and ovn-nbctl are Weft's, packets are followed by Debian's ovn-trace.

WEFT_SEED sets the seed.
"""
import json
import os
import random
import re
import time

import rig

SEED = int(os.environ.get("WEFT_SEED", random.randrange(10000)))
REFERENCE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../schema/reference")


def network():
    """A rig with databases of the newest schemas and our northd."""
    r = rig.Rig(weft=("ovn-northd", "ovn-nbctl"), name="newer")
    for which in ("nb", "sb"):
        r.run("ovsdb-tool", "create", f"{r.dir}/{which}.db", f"{REFERENCE}/ovn-{which}.ovsschema")
    r.start_databases("nb", "sb")
    r.env.update(OVN_NB_DB="unix:" + r.socket("nb"), OVN_SB_DB="unix:" + r.socket("sb"))
    r.run("ovn-nbctl", "init")
    r.start_northd()
    for n in (1, 2):
        r.run("ovn-sbctl", "chassis-add", f"ch{n}", "geneve", f"127.0.0.{n}", "--", "set", "chassis", f"ch{n}",
              *[f"other_config:{f}=true" for f in ("ct-no-masked-label", "ovn-ct-lb-related", "mac-binding-timestamp")])
    return r


def nbctl(r, *commands):
    """Commands as lists of words, as one transaction."""
    words = []
    for command in commands:
        words += (["--"] if words else []) + command
    return r.run("ovn-nbctl", "--wait=sb", *words)


def outputs(r, datapath, flow, *options):
    """The ports that a packet leaves by."""
    return re.findall(r'output\("([^"]*)"\)', r.run("ovn-trace", "--minimal", *options, datapath, flow))


# --- ACLs

PACKETS = {"tcp 80": 'ip4.src == 10.0.0.1 && ip4.dst == 10.0.0.2 && ip.ttl == 64 && tcp.src == 1000 && tcp.dst == 80',
           "tcp 22": 'ip4.src == 10.0.0.1 && ip4.dst == 10.0.0.2 && ip.ttl == 64 && tcp.src == 1000 && tcp.dst == 22',
           "udp 53": 'ip4.src == 10.0.0.1 && ip4.dst == 10.0.0.2 && ip.ttl == 64 && udp.src == 1000 && udp.dst == 53'}
MATCHES = {"ip4": PACKETS, "tcp": ("tcp 80", "tcp 22"), "udp": ("udp 53",), "tcp.dst == 80": ("tcp 80",), "tcp.dst == 22": ("tcp 22",),
           "ip6": ()}


def verdict(acls, stage, packet, default):
    """Whether a packet passes: ovn-nb(5), ACL:tier and ACL:action."""
    here = [a for a in acls if a["stage"] == stage and packet in MATCHES[a["match"]]]
    for tier in range(4):
        for acl in sorted((a for a in here if a["tier"] == tier), key=lambda a: -a["priority"]):
            if acl["action"] == "pass":
                break
            return acl["action"] != "drop"
    return default


def acl_tiers():
    """ACLs of several tiers, some of which pass packets on: each tier is asked when those before it did not decide"""
    print(f"# WEFT_SEED={SEED}")
    chance = random.Random(SEED)
    with network() as r:
        def trace(switch, packet, stateful):
            flow = f'inport == "{switch}-a" && eth.src == 00:00:00:00:00:01 && eth.dst == 00:00:00:00:00:02 && {PACKETS[packet]}'
            return outputs(r, switch, flow, *(["--ct=new"] * 3 if stateful else [])) == [f"{switch}-b"]

        switches, passed = {}, 0
        for n in range(16):
            name, commands = f"sw{n}", []
            stateful = n % 2
            acls = [{"stage": chance.choice(["from-lport", "from-lport", "after-lb", "to-lport"]), "tier": chance.randint(0, 3),
                     "match": chance.choice(list(MATCHES)), "priority": priority,
                     "action": chance.choice(["pass", "drop", "pass", "allow", "allow-related" if stateful else "allow"])}
                    for priority in chance.sample(range(1, 1000), chance.randint(2, 9))]
            if stateful:
                acls[0]["action"] = "allow-related"
            switches[name] = (acls, stateful)
            commands.append(["ls-add", name])
            for port, mac in (("a", "00:00:00:00:00:01 10.0.0.1"), ("b", "00:00:00:00:00:02 10.0.0.2")):
                commands += [["lsp-add", name, f"{name}-{port}"], ["lsp-set-addresses", f"{name}-{port}", mac]]
            for i, a in enumerate(acls):
                direction = "to-lport" if a["stage"] == "to-lport" else "from-lport"
                commands.append([f"--id=@a{i}", "create", "acl", f"direction={direction}", f"priority={a['priority']}", f'match="{a["match"]}"',
                                 f"action={a['action']}", f"tier={a['tier']}"] + (["options:apply-after-lb=true"] if a["stage"] == "after-lb" else []))
                commands.append(["add", "logical_switch", name, "acls", f"@a{i}"])
            nbctl(r, *commands)
        for default in (True, False):
            nbctl(r, ["set", "nb_global", ".", f"options:default_acl_drop={'false' if default else 'true'}"])
            for name, (acls, stateful) in switches.items():
                for packet in PACKETS:
                    stages = {a["stage"] for a in acls}
                    wanted = all(verdict(acls, stage, packet, default or not stages) for stage in ("from-lport", "after-lb", "to-lport"))
                    passed += wanted
                    if trace(name, packet, stateful) != wanted:
                        lines = [f"{a['stage']} tier {a['tier']} {a['priority']} {a['match']}: {a['action']}" for a in acls]
                        raise rig.Failure(f"{name}, {packet}, default {default}: expected {wanted}\n" + "\n".join(lines))
        if not 5 < passed < 90:
            raise rig.Failure(f"{passed} of 96 packets pass: these ACLs test nothing")


# --- policies

def reaches(edges, start, end):
    seen, todo = set(), [start]
    while todo:
        chain = todo.pop()
        if chain == end:
            return True
        if chain not in seen:
            seen.add(chain)
            todo += edges.get(chain, ())
    return False


def outcome(policies, address):
    """Where the policies send a packet: "allow", "drop" or a next hop; and the jumps that are left out (decision 0030)."""
    chains = {p["chain"] for p in policies}
    edges = {}
    for p in policies:
        if p["action"] == "jump":
            edges.setdefault(p["chain"], set()).add(p["jump"])
    left_out = [p for p in policies if p["action"] == "jump" and (p["jump"] not in chains or reaches(edges, p["jump"], p["chain"]))]
    chain = ""
    while True:
        for p in sorted((p for p in policies if p["chain"] == chain), key=lambda p: -p["priority"]):
            if p in left_out or address not in p["addresses"]:
                continue
            if p["action"] != "jump":
                return p.get("hop", p["action"]), left_out
            chain = p["jump"]
            break
        else:
            return "allow", left_out


def policy_chains():
    """policies in chains: a jump goes on in the chain, a chain that does not decide lets pass, jumps in a circle are left out and named"""
    print(f"# WEFT_SEED={SEED}")
    chance = random.Random(SEED)
    with network() as r:
        commands = []
        for n in range(4):
            commands += [["ls-add", f"net{n}"], ["lsp-add", f"net{n}", f"host{n}"],
                         ["lsp-set-addresses", f"host{n}", f"00:00:00:00:01:0{n} 10.0.{n}.2"]]
        for router in range(8):
            commands.append(["lr-add", f"lr{router}"])
            for n in range(4):
                port = f"lr{router}-{n}"
                commands += [["lrp-add", f"lr{router}", port, f"00:00:00:00:{router + 2:02x}:0{n}", f"10.0.{n}.{router + 10}/24"],
                             ["lsp-add", f"net{n}", f"to-{port}"], ["lsp-set-type", f"to-{port}", "router"],
                             ["lsp-set-addresses", f"to-{port}", "router"], ["lsp-set-options", f"to-{port}", f"router-port={port}"]]
            commands.append(["lr-route-add", f"lr{router}", "20.0.0.0/8", "10.0.1.2"])
        nbctl(r, *commands)
        seen, circles = set(), 0
        for router in range(8):
            policies, commands = [], []
            for i, priority in enumerate(chance.sample(range(1, 1000), 14)):
                p = {"priority": priority, "chain": chance.choice(["", "a", "b", "c", "d"]), "addresses": chance.sample(range(1, 5), chance.randint(1, 3)),
                     "action": chance.choice(["allow", "drop", "reroute", "jump", "jump", "jump"])}
                match = "ip4.dst == {" + ", ".join(f"20.0.0.{a}" for a in p["addresses"]) + "}"
                words = [f"--id=@p{i}", "create", "logical_router_policy", f"priority={priority}", f'match="{match}"', f"action={p['action']}"]
                if p["action"] == "reroute":
                    p["hop"] = f"10.0.{chance.choice((2, 3))}.2"
                    words.append(f"nexthop={p['hop']}")
                if p["action"] == "jump":
                    p["jump"] = chance.choice(["a", "b", "c", "d", "e"])
                    words.append(f"jump_chain={p['jump']}")
                if p["chain"]:
                    words.append(f"chain={p['chain']}")
                policies.append(p)
                commands += [words, ["add", "logical_router", f"lr{router}", "policies", f"@p{i}"]]
            with open(f"{r.dir}/ovn-northd.log") as f:
                before = len(f.read())
            nbctl(r, *commands)
            for address in range(1, 6):
                wanted, left_out = outcome(policies, address)
                flow = (f'inport == "host0" && eth.src == 00:00:00:00:01:00 && eth.dst == 00:00:00:00:{router + 2:02x}:00 && ip4.src == 10.0.0.2 && '
                        f'ip4.dst == 20.0.0.{address} && ip.ttl == 64 && udp.src == 1 && udp.dst == 2')
                ports = ["host1"] if wanted == "allow" else [] if wanted == "drop" else [f"host{wanted.split('.')[2]}"]
                seen.add(wanted)
                if outputs(r, "net0", flow) != ports:
                    lines = [f"{p['chain'] or 'main'} {p['priority']} {p['addresses']}: {p['action']} {p.get('hop', p.get('jump', ''))}" for p in policies]
                    raise rig.Failure(f"lr{router}, 20.0.0.{address}: expected {wanted}, it goes to {outputs(r, 'net0', flow)}\n" + "\n".join(lines))
            circles += len(left_out)
            with open(f"{r.dir}/ovn-northd.log") as f:
                named = set(re.findall(r"WARN\|Logical_Router_Policy (\S+): jump", f.read()[before:]))
            if len(named) != len(left_out):
                raise rig.Failure(f"lr{router}: {len(left_out)} jumps are left out, the log names {len(named)}")
        if len(seen) < 4 or not circles:
            raise rig.Failure(f"these policies test only {seen} and {circles} circles")


# --- the rest

def marks():
    """QoS rules that mark: the mark and the DSCP are in the packet, in both directions"""
    with network() as r:
        nbctl(r, ["ls-add", "sw"], *[c for n in (1, 2) for c in (["lsp-add", "sw", f"p{n}"], ["lsp-set-addresses", f"p{n}", f"00:00:00:00:00:0{n} 10.0.0.{n}"])],
              ["--id=@q", "create", "qos", "direction=from-lport", "priority=10", "match=ip4", "action=mark=77"], ["add", "logical_switch", "sw", "qos_rules", "@q"],
              ["--id=@q2", "create", "qos", "direction=to-lport", "priority=10", "match=udp", "action=mark=88,dscp=9"],
              ["add", "logical_switch", "sw", "qos_rules", "@q2"],
              ["--id=@q3", "create", "qos", "direction=from-lport", "priority=20", "match=tcp", "action=dscp=3"],
              ["add", "logical_switch", "sw", "qos_rules", "@q3"])
        for packet, wanted in (("udp.dst == 5", ["pkt.mark = 77", "ip.dscp = 9", "pkt.mark = 88"]), ("icmp4.type == 8", ["pkt.mark = 77"]),
                               ("tcp.dst == 5", ["ip.dscp = 3"])):
            flow = f'inport == "p1" && eth.src == 00:00:00:00:00:01 && eth.dst == 00:00:00:00:00:02 && ip4.src == 10.0.0.1 && ip4.dst == 10.0.0.2 && ip.ttl == 64 && {packet}'
            done = [line.strip(" ;") for line in r.run("ovn-trace", "--summary", "sw", flow).splitlines() if "pkt.mark" in line or "ip.dscp" in line]
            if sorted(done) != sorted(wanted):
                raise rig.Failure(f"{packet}: {done}, expected {wanted}")


def gateway_status():
    """the chassis that hosts a distributed gateway port is in its status, as long as one does"""
    with network() as r:
        nbctl(r, ["lr-add", "lr"], ["lrp-add", "lr", "rp", "00:00:00:00:00:01", "10.0.0.1/24"], ["lrp-set-gateway-chassis", "rp", "ch1"],
              ["set", "logical_router_port", "rp", "status:mine=1"])

        def expect(status):
            get = lambda: r.run("ovn-nbctl", "get", "logical_router_port", "rp", "status").strip()
            rig.wait_for(lambda: get() == status, f"status {status} instead of {get()}", 5)
        expect("{mine=\"1\"}")
        r.run("ovn-sbctl", "lsp-bind", "cr-rp", "ch1")
        expect('{hosting-chassis=ch1, mine="1"}')
        r.run("ovn-sbctl", "lsp-unbind", "cr-rp", "--", "lsp-bind", "cr-rp", "ch2")
        expect('{hosting-chassis=ch2, mine="1"}')
        r.kill("ovn-northd")
        r.run("ovn-sbctl", "lsp-unbind", "cr-rp")
        r.start_northd()
        expect("{mine=\"1\"}")
        r.run("ovn-sbctl", "lsp-bind", "cr-rp", "ch1")
        expect('{hosting-chassis=ch1, mine="1"}')
        nbctl(r, ["lrp-del-gateway-chassis", "rp", "ch1"])
        expect("{mine=\"1\"}")


def fdb_aging():
    """learnt Ethernet addresses of a switch with fdb_age_threshold go when they are too old, so many at a time as fdb_removal_limit says"""
    with network() as r:
        nbctl(r, ["ls-add", "old"], ["ls-add", "keeps"], ["set", "logical_switch", "old", "other_config:fdb_age_threshold=2"],
              ["set", "nb_global", ".", "options:fdb_removal_limit=2"])
        key = {name: int(r.run("ovn-sbctl", "--bare", "--columns=tunnel_key", "find", "datapath_binding", f"external_ids:name={name}")) for name in ("old", "keeps")}

        def learn(switch, mac, age_ms):
            request = ["OVN_Southbound", {"op": "insert", "table": "FDB", "row": {
                "mac": mac, "dp_key": key[switch], "port_key": 1, "timestamp": int(time.time() * 1000) - age_ms}}]
            r.run("ovsdb-client", "transact", "unix:" + r.socket("sb"), json.dumps(request))
        known = lambda: set(r.run("ovn-sbctl", "--bare", "--columns=mac", "list", "fdb").split())
        learn("keeps", "00:00:00:00:00:01", 100000)
        learn("old", "00:00:00:00:00:02", -30000)  # seen in use all the time
        for n in (3, 4, 5):
            learn("old", f"00:00:00:00:00:0{n}", 100000)
        rig.wait_for(lambda: len(known()) == 3, "two of three that are too old to go", 5)
        start = time.monotonic()
        rig.wait_for(lambda: len(known()) == 2, "the third to go", 8)
        if not 3 < time.monotonic() - start < 7:
            raise rig.Failure(f"the next removal came {time.monotonic() - start:.1f} s after the first")
        if known() != {"00:00:00:00:00:01", "00:00:00:00:00:02"}:
            raise rig.Failure(f"left: {known()}")


# --- NAT

OUTSIDE = {"tcp 80": "ip4.dst == 30.0.0.1 && tcp.src == 1000 && tcp.dst == 80", "tcp 22": "ip4.dst == 30.0.0.2 && tcp.src == 1000 && tcp.dst == 22",
           "udp 53": "ip4.dst == 30.0.0.1 && udp.src == 1000 && udp.dst == 53"}
CONDITIONS = {"tcp": ("tcp 80", "tcp 22"), "udp || tcp.dst == 22": ("udp 53", "tcp 22"), "ip4.dst == 30.0.0.1": ("tcp 80", "udp 53"), "ip6": ()}


def nat_conditions():
    """NAT rules with a condition: the one of highest priority whose condition holds, else the rule without"""
    print(f"# WEFT_SEED={SEED}")
    chance = random.Random(SEED)
    with network() as r:
        seen = set()
        for n in range(8):
            lr, gateway = f"lr{n}", n % 2 == 0
            commands = [["lr-add", lr], ["lrp-add", lr, f"{lr}-in", "00:00:00:00:01:01", "10.0.0.254/24"],
                        ["lrp-add", lr, f"{lr}-out", "00:00:00:00:02:02", "20.0.0.254/16"], ["lr-route-add", lr, "30.0.0.0/8", "20.0.0.253"]]
            for side, inside in (("in", True), ("out", False)):
                commands += [["ls-add", f"{lr}-{side}"], ["lsp-add", f"{lr}-{side}", f"{lr}-{side}-r"], ["lsp-set-type", f"{lr}-{side}-r", "router"],
                             ["lsp-set-addresses", f"{lr}-{side}-r", "router"], ["lsp-set-options", f"{lr}-{side}-r", f"router-port={lr}-{side}"]]
            commands += [["lsp-add", f"{lr}-out", f"{lr}-hop"], ["lsp-set-addresses", f"{lr}-hop", "00:00:00:00:05:05 20.0.0.253"]]
            commands.append(["set", "logical_router", lr, "options:chassis=ch1"] if gateway else ["lrp-set-gateway-chassis", f"{lr}-out", "ch1"])
            rules, priorities = {"snat": [], "dnat": []}, chance.sample(range(0, 50), 8)
            for i, priority in enumerate(priorities):
                kind = "snat" if i % 2 else "dnat"
                rule = {"priority": priority, "match": chance.choice(list(CONDITIONS)), "to": f"{'20.0.1' if kind == 'snat' else '10.0.0'}.{i + 1}"}
                rules[kind].append(rule)
                commands += [[f"--id=@n{i}", "create", "nat", f"type={kind}", f"priority={priority}", f'match="{rule["match"]}"',
                              *([f"external_ip={rule['to']}", "logical_ip=10.0.0.0/24"] if kind == "snat" else ["external_ip=30.0.0.77", f"logical_ip={rule['to']}"])],
                             ["add", "logical_router", lr, "nat", f"@n{i}"]]
            default = chance.choice(["", "10.0.0.99"])
            for kind, external, internal in (("snat", "20.0.1.99", "10.0.0.0/24"), ("dnat", "30.0.0.77", default)):
                if internal:
                    commands += [[f"--id=@{kind}", "create", "nat", f"type={kind}", f"external_ip={external}", f"logical_ip={internal}"],
                                 ["add", "logical_router", lr, "nat", f"@{kind}"]]
            nbctl(r, *commands)
            for packet, match in OUTSIDE.items():
                for kind, otherwise in (("snat", "20.0.1.99"), ("dnat", default)):
                    if kind == "snat":
                        flow = f'inport == "{lr}-in" && eth.dst == 00:00:00:00:01:01 && ip4.src == 10.0.0.1 && ip.ttl == 64 && {match}'
                        holds = lambda condition: packet in CONDITIONS[condition]
                    else:
                        outward = re.sub(r"ip4.dst == [0-9.]+ && ", "", match)
                        flow = f'inport == "{lr}-out" && eth.dst == 00:00:00:00:02:02 && ip4.src == 40.0.0.1 && ip4.dst == 30.0.0.77 && ip.ttl == 64 && {outward}'
                        holds = lambda condition: packet in CONDITIONS[condition] and not condition.startswith("ip4.dst")
                    text = r.run("ovn-trace", "--ct=new", "--ct=new", "--ct=new", lr, flow)
                    done = re.findall(rf"ct_{kind}(?:_in_czone)?\(((?:10|20)[0-9.]+)\);", text)
                    hits = sorted((x for x in rules[kind] if holds(x["match"])), key=lambda x: -x["priority"])
                    wanted = hits[0]["to"] if hits else otherwise
                    seen.add((kind, bool(hits)))
                    if done[:1] != ([wanted] if wanted else []):
                        raise rig.Failure(f"{lr}, {packet}: {kind} to {done}, expected {wanted}: {rules[kind]}\n{text}")
        if len(seen) < 3:
            raise rig.Failure(f"these rules test only {seen}")


# --- next hops of policies

def policy_outlets():
    """the output port of a policy leads to next hops in no network of the router's; a next hop whose session is down is left out"""
    with network() as r:
        commands = [["lr-add", "lr"]]
        for n in range(4):
            commands += [["ls-add", f"net{n}"], ["lrp-add", "lr", f"lr-{n}", f"00:00:00:00:02:0{n}", f"10.0.{n}.1/24"],
                         ["lsp-add", f"net{n}", f"to-{n}"], ["lsp-set-type", f"to-{n}", "router"], ["lsp-set-addresses", f"to-{n}", "router"],
                         ["lsp-set-options", f"to-{n}", f"router-port=lr-{n}"]]
        commands += [["lr-route-add", "lr", "20.0.0.0/8", "10.0.1.2"],
                     ["--id=@p", "create", "logical_router_policy", "priority=10", 'match="ip4.dst == 20.0.0.1"', "action=reroute", "nexthops=10.9.9.9"],
                     ["add", "logical_router", "lr", "policies", "@p"]]
        nbctl(r, *commands)

        def way(address):
            text = r.run("ovn-trace", "lr", f'inport == "lr-0" && eth.dst == 00:00:00:00:02:00 && ip4.src == 10.0.0.9 && ip4.dst == {address} && ip.ttl == 64')
            return re.findall(r"^ *reg0 = (10[0-9.]+);", text, re.M)[-1], re.findall(r'^ *outport = "(lr-\d)";', text, re.M)[-1]

        def expect(address, wanted, what):
            if way(address) != wanted:
                raise rig.Failure(f"{what}: {way(address)}, expected {wanted}")
        expect("20.0.0.1", ("10.0.1.2", "lr-1"), "a next hop without a path")
        policy, port = r.run("ovn-nbctl", "--bare", "--columns=_uuid", "list", "logical_router_policy").strip(), lambda n: \
            r.run("ovn-nbctl", "--bare", "--columns=_uuid", "find", "logical_router_port", f"name=lr-{n}").strip()
        nbctl(r, ["set", "logical_router_policy", policy, "output_port=" + port(3)])
        expect("20.0.0.1", ("10.9.9.9", "lr-3"), "with an output port")
        nbctl(r, ["--id=@b", "create", "bfd", "logical_port=lr-2", "dst_ip=10.0.2.2"], ["--id=@c", "create", "bfd", "logical_port=lr-3", "dst_ip=10.0.3.2"],
              ["--id=@p", "create", "logical_router_policy", "priority=20", 'match="ip4.dst == 20.0.0.2"', "action=reroute", "nexthops=10.0.2.2",
               "bfd_sessions=@b"], ["add", "logical_router", "lr", "policies", "@p"],
              ["--id=@q", "create", "logical_router_policy", "priority=30", 'match="ip4.dst == 20.0.0.3"', "action=reroute",
               'nexthops="10.0.2.2","10.0.3.2"', "bfd_sessions=@b,@c"], ["add", "logical_router", "lr", "policies", "@q"])
        status = lambda: sorted(r.run("ovn-nbctl", "--bare", "--columns=status", "list", "bfd").split())
        rig.wait_for(lambda: status() == ["down", "down"], f"sessions that are asked for instead of {status()}")
        members = lambda: re.findall(r"20\.0\.0\.3.*select\(([0-9, ]*)\)", r.run("ovn-sbctl", "lflow-list", "lr")) or way("20.0.0.3")[0]

        def report(address, state, single, several):
            r.run("ovn-sbctl", "set", "bfd", r.run("ovn-sbctl", "--bare", "--columns=_uuid", "find", "bfd", f"dst_ip={address}").strip(), f"status={state}")
            nbctl(r, ["sync"])
            expect("20.0.0.2", single, f"{address} {state}")
            if members() != several:
                raise rig.Failure(f"{address} {state}: next hops {members()}, expected {several}")
        expect("20.0.0.2", ("10.0.1.2", "lr-1"), "before the session is up")
        report("10.0.2.2", "up", ("10.0.2.2", "lr-2"), "10.0.2.2")
        report("10.0.3.2", "up", ("10.0.2.2", "lr-2"), ["1, 2"])
        report("10.0.2.2", "down", ("10.0.1.2", "lr-1"), "10.0.3.2")
        nbctl(r, ["clear", "logical_router", "lr", "policies"])
        rig.wait_for(lambda: status() == ["admin_down", "admin_down"], f"sessions that nobody asks for instead of {status()}")


if __name__ == "__main__":
    rig.main(acl_tiers, policy_chains, marks, gateway_status, fdb_aging, nat_conditions, policy_outlets)
