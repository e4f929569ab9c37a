"""--metrics: every daemon answers Prometheus over TCP, TLS and unix sockets; the text is well formed, the figures are those of
the control commands, and nothing listens when nobody asked for it."""
import re
import socket
import ssl

import ovsdb
import pki
import rig

PROGRAMS = {"ovsdb-server", "ovs-vswitchd", "ovn-northd", "ovn-controller", "ovs-vsctl", "ovn-nbctl"}
SAMPLE = re.compile(r'([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{([a-zA-Z_]\w*="(?:[^"\\]|\\.)*"(?:,[a-zA-Z_]\w*="(?:[^"\\]|\\.)*")*)\})? (\S+)')


def expect(condition, what):
    if not condition:
        raise rig.Failure(what)


def fetch(sock, request="GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n"):
    sock.settimeout(10)
    sock.sendall(request.encode())
    data = b""
    while more := sock.recv(1 << 16):
        data += more
    head, _, body = data.decode().partition("\r\n\r\n")
    expect(f"Content-Length: {len(body)}\r\n" in head, head)
    return head.split("\r\n")[0], body


def parse(text):
    """{(family, labels): value}; every line has to be right, and every family has its type before it."""
    out, kind = {}, {}
    for line in text.splitlines():
        if line.startswith("# TYPE "):
            _, _, family, what = line.split(" ")
            expect(family not in kind and what in ("counter", "gauge", "summary"), line)
            kind[family] = what
            continue
        if line.startswith("# HELP "):
            continue
        match = SAMPLE.fullmatch(line)
        expect(match, f"not a sample: {line}")
        family = re.sub("_(sum|count)$", "", match[1]) if match[1] not in kind else match[1]
        expect(family in kind, f"a sample before its type: {line}")
        labels = dict(re.findall(r'(\w+)="((?:[^"\\]|\\.)*)"', match[2] or ""))
        key = match[1], tuple(sorted(labels.items()))
        expect(key not in out, f"twice: {line}")
        out[key] = float(match[3])
    return out


def value(samples, family, **labels):
    found = [v for (name, have), v in samples.items() if name == family and set(labels.items()) <= set(have)]
    expect(len(found) == 1, f"{family} {labels}: {found}")
    return found[0]


def daemons():
    """all four daemons over unix sockets: their own figures, and those of their work"""
    with rig.Rig(weft=PROGRAMS, name="metrics") as r:
        for which, schema in (("conf", "conf"), ("nb", "nb"), ("sb", "sb")):
            r.run("ovsdb-tool", "create", f"{r.dir}/{which}.db", rig.SCHEMAS[schema])
            r.start(which, "ovsdb-server", f"--unixctl={r.dir}/{which}.ctl", f"--remote=punix:{r.socket(which)}", f"--metrics=punix:{r.dir}/{which}.metrics",
                    f"{r.dir}/{which}.db")
        r.run("ovs-vsctl", "--no-wait", "init")
        r.start_vswitchd("--enable-dummy=system", f"--metrics=punix:{r.dir}/vswitchd.metrics")
        r.start_northd(f"--metrics=punix:{r.dir}/northd.metrics")
        r.run("ovs-vsctl", "--no-wait", "set", "Open_vSwitch", ".", f"external-ids:ovn-remote=unix:{r.socket('sb')}", "external-ids:ovn-encap-ip=127.0.0.1",
              "external-ids:ovn-encap-type=geneve", "external-ids:system-id=hv1")
        r.start("ovn-controller", "ovn-controller", f"--metrics=punix:{r.dir}/controller.metrics", f"unix:{r.socket('conf')}")
        r.run("ovn-nbctl", f"--db=unix:{r.socket('nb')}", "ls-add", "sw", "--", "lsp-add", "sw", "lp1")
        r.run("ovs-vsctl", "--no-wait", "--may-exist", "add-br", "br0", "--", "add-port", "br0", "p1")

        def ask(name):
            sock = socket.socket(socket.AF_UNIX)
            sock.connect(f"{r.dir}/{name}.metrics")
            status, body = fetch(sock)
            expect(status == "HTTP/1.1 200 OK", status)
            return parse(body)
        nb = rig.wait_for(lambda: (s := ask("nb")) and any(k[0] == "ovn_db_rows" and ("table", "Logical_Switch_Port") in k[1] and v == 1 for k, v in s.items()) and s,
                          "the new port among the rows")
        expect(value(nb, "ovs_up", component="ovsdb-server") == 1 and value(nb, "ovs_pid", component="ovsdb-server") == r.pids["nb"], "up, pid")
        expect(value(nb, "ovn_db_ovsdb_monitors", db_name="OVN_Northbound") >= 1, "monitors")
        expect(value(nb, "ovn_db_db_size_bytes", db_name="OVN_Northbound") > 1000, "size")
        memory = dict(word.split(":") for word in r.run("ovs-appctl", "-t", f"{r.dir}/nb.ctl", "memory/show").split())
        expect(value(nb, "ovs_memory_usage", facility="sessions") == int(memory["sessions"]), f"{memory}")
        rig.wait_for(lambda: value(ask("vswitchd"), "ovs_bridge_ports", bridge="br0") == 2, "two ports of the bridge")
        switch = ask("vswitchd")
        expect(value(switch, "ovs_bridges_total") >= 1 and ("ovs_dp_lookups_hit" in {k[0] for k in switch}), f"{switch}")
        northd = ask("northd")
        expect(value(northd, "ovn_up", component="ovn-northd") == 1, "northd")
        expect(any(k[0] == "ovn_coverage_total" for k in northd), f"counters of northd: {northd}")
        for watch in ("ovn-northd-loop", "ovnnb_db_run", "ovnsb_db_run", "lflows_to_sb"):
            expect(value(northd, "ovn_stopwatch_seconds_count", component="ovn-northd", stopwatch=watch) > 0, f"{watch}: {northd}")
        expect(value(ask("controller"), "ovn_up", component="ovn-controller") == 1, "controller")
        rig.wait_for(lambda: all(value(ask("controller"), "ovn_stopwatch_seconds_count", component="ovn-controller", stopwatch=watch) > 0
                                 for watch in ("flow-generation", "flow-installation", "pinctrl-run")), "stopwatches of the controller")


def transports():
    """TCP and TLS; what is not a request is refused; without the option nothing listens"""
    with rig.Rig(weft=PROGRAMS, name="metrics") as r:
        authority = pki.Authority(r.dir, "our")
        server, client = authority.issue("server"), authority.issue("client")
        r.run("ovsdb-tool", "create", f"{r.dir}/db", rig.SCHEMAS["conf"])
        for remote in ("ptcp:0:127.0.0.1", "pssl:0:[::1]"):
            name = remote[:4]
            r.start(name, "ovsdb-server", "--unixctl=none", f"--remote=punix:{r.dir}/{name}.sock", f"--metrics={remote}", *server.options(), f"{r.dir}/db")
            with open(f"{r.dir}/{name}.log") as f:
                port = re.search(r"listening on port (\d+)", f.read())[1]
            address = f"tcp:127.0.0.1:{port}" if name == "ptcp" else f"ssl:[::1]:{port}"
            status, body = fetch(ovsdb.open_socket(address, client))
            expect(status == "HTTP/1.1 200 OK" and value(parse(body), "ovs_up") == 1, status)
            for request, answer in (("GET /other HTTP/1.1\r\n\r\n", "404"), ("DELETE /metrics HTTP/1.1\r\n\r\n", "405"), ("hello\r\n\r\n", "400")):
                expect(answer in fetch(ovsdb.open_socket(address, client), request)[0], request)
            r.kill(name, 15)
        stranger = pki.Authority(r.dir, "their").issue("stranger")
        r.start("tls", "ovsdb-server", "--unixctl=none", "--metrics=pssl:0:127.0.0.1", *server.options(), f"{r.dir}/db")
        with open(f"{r.dir}/tls.log") as f:
            port = re.search(r"listening on port (\d+)", f.read())[1]
        stranger.ca = authority.certificate
        try:
            fetch(ovsdb.open_socket(f"ssl:127.0.0.1:{port}", stranger))
            raise rig.Failure("a stranger was answered")
        except (ssl.SSLError, ConnectionError, rig.Failure) as problem:
            expect("a stranger" not in str(problem), str(problem))
        r.kill("tls", 15)
        done = r.run("ovsdb-server", "--unixctl=none", "--metrics=bogus:1", f"{r.dir}/db", check=False)
        expect(done.returncode == 1 and "not a name to listen on" in done.stderr, f"{done}")


if __name__ == "__main__":
    rig.main(daemons, transports)
