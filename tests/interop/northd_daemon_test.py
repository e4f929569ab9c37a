"""ovn-northd as a daemon, beside Debian's: control commands, TLS to the databases, aging of learnt addresses, and what it leaves alone."""
import json
import os
import re
import subprocess
import time

import rig
from northd_test import Side, both


def ask(side, *words):
    """(answer, whether it is an error)"""
    done = side.r.run("ovs-appctl", "-t", f"{side.r.dir}/northd.ctl", *words, check=False)
    return (done.stdout + done.stderr).split("\novs-appctl:")[0].strip(), done.returncode != 0


def commands():
    """control commands: what Debian's has we have, with answers of the same form"""
    def test(debian, weft):
        names = lambda side: {line.split()[0] for line in ask(side, "list-commands")[0].splitlines()[1:]}
        missing = names(debian) - names(weft)
        if missing:
            raise rig.Failure(f"missing commands: {missing}")
        for words in (["status"], ["is-paused"], ["nb-connection-status"], ["sb-connection-status"], ["parallel-build/get-n-threads"],
                      ["parallel-build/set-n-threads", "4"], ["parallel-build/get-n-threads"], ["inc-engine/compute-log-timeout", "5"],
                      ["inc-engine/clear-stats"], ["nb-cluster-state-reset"], ["sb-cluster-state-reset"],
                      ["inc-engine/show-stats", "no-such-node"], ["inc-engine/show-stats", "no-such-node", "recompute"]):
            theirs, ours = ask(debian, *words), ask(weft, *words)
            if theirs != ours:
                raise rig.Failure(f"{words}: Debian's {theirs}, ours {ours}")
        for words in (["parallel-build/set-n-threads", "0"], ["parallel-build/set-n-threads", "257"], ["parallel-build/set-n-threads", "x"],
                      ["parallel-build/set-n-threads"], ["inc-engine/compute-log-timeout"], ["inc-engine/compute-log-timeout", "x"],
                      ["inc-engine/compute-log-timeout", "-1"], ["inc-engine/show-stats", "a", "b", "c"], ["no-such-command"]):
            if not (ask(debian, *words)[1] and ask(weft, *words)[1]):
                raise rig.Failure(f"{words}: not refused by {[side.r.dir for side in (debian, weft) if not ask(side, *words)[1]]}")
        theirs, ours = (ask(side, "inc-engine/show-stats", "northd", "nonsense") for side in (debian, weft))
        if theirs != ours:
            raise rig.Failure(f"a counter that is none: Debian's {theirs}, ours {ours}")
    both(test)


def statistics():
    """inc-engine/show-stats: nodes and counters as Debian's writes them; a change is computed, recompute recomputes"""
    def test(debian, weft):
        form = re.compile(r"(Node: \S.*\n- recompute: +\d+\n- compute:   +\d+\n- abort:     +\d+\n?)+")
        for side in (debian, weft):
            rig.wait_for(lambda: ask(side, "status")[0] == "Status: active", "an active northd")
            side.nbctl("--wait=sb", "sync")
            if not form.fullmatch(ask(side, "inc-engine/show-stats")[0]):
                raise rig.Failure(f"{side.r.dir}: {ask(side, 'inc-engine/show-stats')[0][:500]}")
            counter = lambda name: int(ask(side, "inc-engine/show-stats", "northd", name)[0])
            if counter("recompute") < 1:
                raise rig.Failure(f"{side.r.dir}: nothing was computed at the start")
            ask(side, "inc-engine/clear-stats")
            if counter("recompute") or counter("compute"):
                raise rig.Failure(f"{side.r.dir}: counters after clear-stats")
            side.nbctl("--wait=sb", "ls-add", "counted")
            if counter("recompute") + counter("compute") < 1:
                raise rig.Failure(f"{side.r.dir}: a new switch is not counted")
            before = counter("recompute")
            ask(side, "inc-engine/recompute")
            rig.wait_for(lambda: counter("recompute") > before, "recompute to be counted", 5)
            if counter("abort"):
                raise rig.Failure(f"{side.r.dir}: aborted")
        weft.nbctl("--wait=sb", "ls-add", "again")
        if int(ask(weft, "inc-engine/show-stats", "northd", "compute")[0]) < 2:
            raise rig.Failure("a change of ours is not incremental")
    both(test)


def chassis_features():
    """debug/chassis-features-list: what a chassis lacks, no controller is given; a remote chassis does not count"""
    def test(debian, weft):
        def expect_same(what):
            answers = []
            for side in (debian, weft):
                side.nbctl("--wait=sb", "sync")
                answers.append(ask(side, "debug/chassis-features-list"))
            if answers[0] != answers[1]:
                raise rig.Failure(f"{what}: Debian's {answers[0]}, ours {answers[1]}")
        expect_same("all chassis have all")
        for words in (["chassis-add", "new", "geneve", "127.0.0.9"], ["set", "chassis", "new", "other_config:ovn-ct-lb-related=true"],
                      ["set", "chassis", "ch1", "other_config:mac-binding-timestamp=false"], ["set", "chassis", "new", "other_config:is-remote=true"],
                      ["chassis-del", "ch1"], ["chassis-del", "ch2", "--", "chassis-del", "ch3"], ["chassis-del", "new"]):
            for side in (debian, weft):
                side.r.run("ovn-sbctl", *words)
            expect_same(words)
    both(test)


def left_alone():
    """the remotes and certificates of the northbound's server are its own: the southbound gets none of them"""
    def test(debian, weft):
        for side in (debian, weft):
            side.nbctl("set-connection", "ptcp:0:127.0.0.1")
            side.nbctl("set-ssl", "/no/key", "/no/cert", "/no/ca")
            side.r.run("ovn-sbctl", "set-connection", "role=ovn-controller", "punix:other.sock")
            side.nbctl("--wait=sb", "ls-add", "sw")
            found = side.r.run("ovn-sbctl", "get-connection"), side.r.run("ovn-sbctl", "get-ssl"), len(side.rows("SSL", "_uuid"))
            if found != ('read-write role="ovn-controller" punix:other.sock\n', "", 0):
                raise rig.Failure(f"{side.r.dir}: the southbound has {found}")
            if side.nbctl("get-connection") != "ptcp:0:127.0.0.1\n":
                raise rig.Failure(f"{side.r.dir}: the northbound has {side.nbctl('get-connection')}")
    both(test)


def learn(side, router, port, ip, age_ms=0, timestamp=None):
    """A MAC_Binding as controllers write it."""
    [datapath] = [d["_uuid"] for d in side.rows("Datapath_Binding", "_uuid", "external_ids") if ["name", router] in d["external_ids"][1]]
    row = {"datapath": datapath, "logical_port": port, "ip": ip, "mac": "00:00:00:00:00:09",
           "timestamp": int(time.time() * 1000) - age_ms if timestamp is None else timestamp}
    request = ["OVN_Southbound", {"op": "insert", "table": "MAC_Binding", "row": row}]
    if '"error"' in side.r.run("ovsdb-client", "transact", "unix:" + side.r.socket("sb"), json.dumps(request)):
        raise rig.Failure(f"cannot insert {row}")


def known(side):
    return {m["ip"] for m in side.rows("MAC_Binding", "ip")}


def aging():
    """learnt addresses of routers with mac_binding_age_threshold go when nobody used them for so long, others stay"""
    def test(debian, weft):
        for side in (debian, weft):
            for n, threshold in ((1, "2"), (2, ""), (3, "0")):
                side.nbctl("lr-add", f"lr{n}", "--", "lrp-add", f"lr{n}", f"p{n}", f"00:00:00:00:00:0{n}", f"10.0.{n}.1/24")
                if threshold:
                    side.nbctl("set", "logical_router", f"lr{n}", f"options:mac_binding_age_threshold={threshold}")
            side.nbctl("--wait=sb", "sync")
            learn(side, "lr1", "p1", "10.0.1.2", 10000)
            learn(side, "lr1", "p1", "10.0.1.3", timestamp=0)
            learn(side, "lr1", "p1", "10.0.1.4", -1000)  # used again a second from now
            learn(side, "lr1", "p1", "10.0.1.5", -60000)
            learn(side, "lr2", "p2", "10.0.2.2", 100000)
            learn(side, "lr3", "p3", "10.0.3.2", 100000)
        stay = {"10.0.1.5", "10.0.2.2", "10.0.3.2"}
        for side in (debian, weft):
            rig.wait_for(lambda: known(side) <= stay | {"10.0.1.4"}, f"the old ones to go from {known(side)}", 6)
        rig.wait_for(lambda: known(weft) <= stay, "the fourth to go, when it is due", 6)
        for side, kept in ((debian, {"10.0.1.4"}), (weft, set())):  # Debian's looks when it next has a reason to
            if known(side) - kept != stay:
                raise rig.Failure(f"{side.r.dir}: left are {known(side)}")
            side.nbctl("set", "logical_router", "lr2", "options:mac_binding_age_threshold=1")
            rig.wait_for(lambda: known(side) - kept == stay - {"10.0.2.2"}, "a threshold that is set later to count", 5)
    both(test)


def aging_limit():
    """of many that are too old only mac_binding_removal_limit go at once, the next five seconds later; networks have thresholds of their own"""
    def test(debian, weft):
        for side in (debian, weft):
            side.nbctl("lr-add", "lr", "--", "lrp-add", "lr", "p", "00:00:00:00:00:01", "10.0.0.1/24")
            side.nbctl("--wait=sb", "set", "nb_global", ".", "options:mac_binding_removal_limit=2")
            for n in (2, 3, 4):
                learn(side, "lr", "p", f"10.0.0.{n}", 50000)
            side.nbctl("--wait=sb", "set", "logical_router", "lr", "options:mac_binding_age_threshold=1")
        for side in (debian, weft):
            rig.wait_for(lambda: len(known(side)) == 1, f"two to go from {known(side)}", 3)
        start = time.monotonic()
        for side in (debian, weft):
            rig.wait_for(lambda: not known(side), "the third to go", 8)
            if not 3 < time.monotonic() - start < 7:
                raise rig.Failure(f"{side.r.dir}: the next removal came {time.monotonic() - start:.1f} s after the first")
        weft.nbctl("set", "nb_global", ".", "options:mac_binding_removal_limit=0")
        weft.nbctl("--wait=sb", "set", "logical_router", "lr", 'options:mac_binding_age_threshold="10.7.0.0/16:0;[fd00::]/64:100;10.7.7.0/24:1;1"')
        for ip in ("10.0.0.2", "10.7.7.2", "fd01::2", "10.7.1.2", "fd00::2"):
            learn(weft, "lr", "p", ip, 50000)
        rig.wait_for(lambda: known(weft) == {"10.7.1.2", "fd00::2"}, f"those without a threshold to stay of {known(weft)}", 5)
    both(test)


def requested_keys():
    """requested-tnl-key: who has a key keeps it, who asked for it gets it when it becomes free"""
    weft = Side(("ovn-northd",), "keys")
    try:
        def keys(table, column):
            name = lambda row: dict(row[column][1])["name"] if column == "external_ids" else row[column]
            return {name(row): row["tunnel_key"] for row in weft.rows(table, column, "tunnel_key")}

        def expect(words, wanted, table, column):
            weft.nbctl("--wait=sb", *words)
            found = keys(table, column)
            if any(found[name] != key for name, key in wanted.items()) or len(set(found.values())) != len(found):
                raise rig.Failure(f"{words}: {found}, expected {wanted}")
        option = lambda port, key: ["set", "logical_switch_port", port, f"options:requested-tnl-key={key}"]
        for words, wanted in ((["ls-add", "s"], {}), (["lsp-add", "s", "a"], {"a": 1}), (["lsp-add", "s", "b"], {"b": 2}), (option("a", 7), {"a": 7, "b": 2}),
                              (["lsp-add", "s", "c", "--", *option("c", 7)], {"a": 7, "b": 2}), (["lsp-del", "a"], {"b": 2, "c": 7}),
                              (option("b", 9), {"b": 9, "c": 7}), (option("c", 9), {"b": 9, "c": 7}), (option("b", 11), {"b": 11, "c": 9}),
                              (["lsp-add", "s", "d"], {"b": 11, "c": 9}), (option("d", 99999), {"b": 11, "c": 9})):
            expect(words, wanted, "Port_Binding", "logical_port")
        config = lambda switch, key: ["set", "logical_switch", switch, f"other_config:requested-tnl-key={key}"]
        for words, wanted in ((["ls-add", "t"], {"t": 2}), (config("t", 50), {"t": 50}), (["ls-add", "u", "--", *config("u", 50)], {"t": 50, "u": 3}),
                              (["lr-add", "w"], {"w": 4}), (["ls-del", "t"], {"u": 50}), (config("s", 50), {"s": 1, "u": 50}),
                              (config("u", 60), {"s": 50, "u": 60}), (config("u", 99999999), {"u": 60})):
            expect(words, wanted, "Datapath_Binding", "external_ids")
        with open(f"{weft.r.dir}/ovn-northd.log") as f:
            log = f.read()
        for text in ("port c: requested-tnl-key 7 is the key of another port", "u: requested-tnl-key 50 is the key of another switch or router",
                     "port d: options:requested-tnl-key '99999' is not between 1 and 32767", "u: requested-tnl-key 99999999 is not between"):
            if text not in log:
                raise rig.Failure(f"the log does not say: {text}")
    finally:
        weft.r.stop()


def tls():
    """databases by ssl: with a key, a certificate and an authority, one learnt from the first peer, and none; what is missing is said"""
    with rig.Rig(weft=("ovn-northd",), name="tls") as r:
        def identity(name, *signed):
            subprocess.run(["openssl", "req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", f"{name}-key.pem", "-subj",
                            f"/CN={name}", *(["-x509", "-days", "2", "-out", f"{name}.pem"] if not signed else ["-out", "request.pem"])],
                           cwd=r.dir, check=True, stderr=subprocess.DEVNULL)
            if signed:
                subprocess.run(["openssl", "x509", "-req", "-in", "request.pem", "-CA", f"{signed[0]}.pem", "-CAkey", f"{signed[0]}-key.pem", "-days", "2",
                                "-set_serial", str(len(name)), "-out", f"{name}.pem"], cwd=r.dir, check=True, stderr=subprocess.DEVNULL)
        identity("authority")
        identity("server", "authority")
        identity("northd", "authority")
        identity("stranger")
        file = lambda name: f"{r.dir}/{name}.pem"
        ports = {}
        for which in ("nb", "sb"):
            r.run("ovsdb-tool", "create", f"{r.dir}/{which}.db", rig.SCHEMAS[which])
            r.start(which, "ovsdb-server", f"--unixctl={r.dir}/{which}.ctl", f"--remote=punix:{r.socket(which)}", "--remote=pssl:0:127.0.0.1", "-p",
                    file("server-key"), "-c", file("server"), "-C", file("authority"), "--peer-ca-cert", file("authority"), f"{r.dir}/{which}.db")
            with open(f"{r.dir}/{which}.log") as f:
                ports[which] = re.search(r"listening on port (\d+)", f.read())[1]
        remotes = [f"--ovnnb-db=ssl:127.0.0.1:{ports['nb']}", f"--ovnsb-db=ssl:127.0.0.1:{ports['sb']}"]
        status = lambda: r.run("ovs-appctl", "-t", f"{r.dir}/northd.ctl", "status").strip()
        mine = ["-p", file("northd-key"), "-c", file("northd")]

        def start(*options):
            if os.path.exists(f"{r.dir}/northd.log"):
                os.unlink(f"{r.dir}/northd.log")
            r.start("northd", "ovn-northd", f"--unixctl={r.dir}/northd.ctl", *remotes, *options)

        for options in ([*mine, "-C", file("authority")], [f"--private-key={file('northd-key')}", f"--certificate={file('northd')}", "--ca-cert=none"],
                        [*mine, f"--bootstrap-ca-cert={file('learnt')}"], [*mine, "-C", file("authority"), "--ssl-protocols=TLSv1.2"],
                        [*mine, "-C", file("authority"), "--ssl-ciphers=HIGH"]):
            start(*options)
            rig.wait_for(lambda: status() == "Status: active", f"an active northd with {options}", 10)
            r.kill("northd")
        if not os.path.exists(file("learnt")):
            raise rig.Failure("the authority was not kept")
        # Relative to where it was started, though it goes to / when it detaches.
        pidfile = f"{r.dir}/northd.pid"
        r.run("ovn-northd", f"--unixctl={r.dir}/northd.ctl", "--detach", f"--pidfile={pidfile}", "-vconsole:off", *remotes, "-p", "northd-key.pem", "-c",
              "northd.pem", "-C", "authority.pem")
        with open(pidfile) as f:
            r.pids["northd"] = int(f.read())
        rig.wait_for(lambda: status() == "Status: active", "an active northd with relative names", 10)
        r.kill("northd")
        for options, reason in (([], "Private key must be configured"), (["-p", file("northd-key"), "-C", file("authority")], "Certificate must be configured"),
                                (mine, "CA certificate must be configured"), ([*mine, "-C", file("stranger")], "certificate verify failed"),
                                ([*mine, "-C", file("nowhere")], "nowhere.pem"), ([*mine, "-C", file("authority"), "--ssl-protocols=TLSv7"], "TLSv7")):
            start(*options)

            def said():
                with open(f"{r.dir}/northd.log") as f:
                    return reason in f.read()
            rig.wait_for(said, f"'{reason}' in the log of a northd with {options}", 10)
            if status() != "Status: standby":
                raise rig.Failure(f"{options}: {status()}")
            r.kill("northd")


if __name__ == "__main__":
    rig.main(commands, statistics, chassis_features, left_alone, aging, aging_limit, requested_keys, tls)
