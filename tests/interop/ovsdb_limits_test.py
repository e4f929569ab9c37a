"""What one too many hears of the database server, and that the others notice nothing: clients beyond --max-sessions or beyond
the files that may be open, requests that are too long, and crowds that connect while the server is busy (docs/decisions/0055).
"""
import contextlib
import json
import os
import resource
import signal
import socket
import subprocess
import time

import ovsdb
import rig

SCHEMA = {"name": "t", "tables": {"a": {"isRoot": True, "columns": {"s": {"type": "string"}}}}}


def expect(what, truth):
    if not truth:
        raise rig.Failure(what)


def start(r, *options, files=None):
    with open(f"{r.dir}/schema", "w") as f:
        json.dump(SCHEMA, f)
    r.run("ovsdb-tool", "create", f"{r.dir}/t.db", f"{r.dir}/schema")
    command = r.command("ovsdb-server", "--detach", "--no-chdir", f"--pidfile={r.dir}/s.pid", f"--log-file={r.dir}/s.log", "-vconsole:off",
                        f"--remote=punix:{r.dir}/s.sock", "--remote=ptcp:0:127.0.0.1", f"--unixctl={r.dir}/s.ctl", *options, f"{r.dir}/t.db")
    limit = (lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (files, files))) if files else None
    subprocess.run(command, env=r.env, cwd=r.dir, check=True, preexec_fn=limit, timeout=30)
    with open(f"{r.dir}/s.pid") as f:
        r.pids["s"] = int(f.read())
    return f"unix:{r.dir}/s.sock"


def tcp_port(r):
    with open(f"{r.dir}/s.log") as f:
        return next(line.split("port ")[1].strip() for line in f if "listening on port" in line)


def cpu_seconds(pid):
    with open(f"/proc/{pid}/stat") as f:
        fields = f.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def too_many():
    """--max-sessions: one too many gets an error in answer to its first request, and there is room again when somebody leaves"""
    with rig.Rig(weft=("ovsdb-server", "ovsdb-tool"), name="sessions") as r:
        remote = start(r, "--max-sessions=5")
        for kind in (remote, f"tcp:127.0.0.1:{tcp_port(r)}"):
            clients = [ovsdb.Client(kind) for _ in range(5)]
            for client in clients:
                expect("the first five are served", client.request("list_dbs")["result"])
            # Debian's own tool says why.
            done = r.run("ovsdb-client", "list-dbs", kind, check=False)
            expect(f"{done}", done.returncode == 1 and "resources exhausted" in done.stderr and "5 sessions" in done.stderr)
            sixth = ovsdb.Client(kind)
            reply = sixth.request("get_schema", "t")
            expect(f"{reply}", reply["error"]["error"] == "resources exhausted")
            try:
                sixth.receive(5)
                expect("it is closed after that", False)
            except ovsdb.Closed:
                pass
            for client in clients:
                expect("the others notice nothing", client.transact("t", {"op": "insert", "table": "a", "row": {}}))
            clients.pop().close()
            rig.wait_for(lambda kind=kind: r.run("ovsdb-client", "list-dbs", kind) == "_Server\nt\n", "room for another one")
            for client in clients:
                client.close()
            rig.wait_for(lambda kind=kind: ovsdb.Client(kind).request("list_dbs").get("result"), "all to be gone")
        with open(f"{r.dir}/s.log") as f:
            expect("a warning in the log", "refused: there are 5 sessions" in f.read())


def few_files():
    """When no more files may be open: the sessions that there are go on, and the server does not spin"""
    with rig.Rig(weft=("ovsdb-server", "ovsdb-tool"), name="files") as r:
        remote = start(r, files=100)
        crowd = [ovsdb.Client(remote) for _ in range(150)]
        for client in crowd:
            with contextlib.suppress(ConnectionError):  # who was told without being asked is closed already
                client.send("list_dbs")
        outcomes = {"served": [], "told": 0, "closed": 0}
        for client in crowd:
            try:
                reply = client.receive(20)
                if reply.get("result"):
                    outcomes["served"].append(client)
                else:
                    outcomes["told"] += reply["error"]["error"] == "resources exhausted"
            except ovsdb.Closed:
                outcomes["closed"] += 1
        served = outcomes["served"]
        print(f"# of {len(crowd)} with 100 files: {len(served)} served, {outcomes['told']} told why not, {outcomes['closed']} closed")
        expect("half of the files are for sessions", 40 <= len(served) <= 60)
        expect("everybody else is told", outcomes["told"] >= len(crowd) - len(served) - 5)
        before = cpu_seconds(r.pids["s"])
        time.sleep(1)
        expect("the server idles", cpu_seconds(r.pids["s"]) - before < 0.5)
        for client in served:
            expect("the others notice nothing", client.transact("t", {"op": "insert", "table": "a", "row": {}}))


def long_requests():
    """--max-request-size: who sends more is told and closed; a request below it is carried out"""
    with rig.Rig(weft=("ovsdb-server", "ovsdb-tool"), name="requests") as r:
        remote = start(r, "--max-request-size=1")
        other = ovsdb.Client(remote)
        fits = ovsdb.Client(remote)
        expect("a megabyte fits", fits.transact("t", {"op": "insert", "table": "a", "row": {"s": "x" * 1000000}}))
        long = ovsdb.Client(remote)
        try:
            long.send("transact", "t", {"op": "insert", "table": "a", "row": {"s": "x" * 3000000}})
        except ConnectionError:
            pass  # it was closed before all was sent
        reply = long.receive(10)
        expect(f"{reply}", reply["id"] == "limit" and reply["error"]["error"] == "resources exhausted" and "1048576 bytes" in reply["error"]["details"])
        expect("the others notice nothing", len(other.select("t", "a", ["s"])) == 1)
        with open(f"{r.dir}/s.log") as f:
            expect("a line in the log", "a message of more than 1048576 bytes" in f.read())


def crowd():
    """Hundreds that connect while the server does not run wait in the queue, and are all answered"""
    with rig.Rig(weft=("ovsdb-server", "ovsdb-tool"), name="crowd") as r:
        start(r)
        with open("/proc/sys/net/core/somaxconn") as f:
            count = min(500, int(f.read()) // 2)
        os.kill(r.pids["s"], signal.SIGSTOP)
        sockets = []
        for number in range(count):
            sock = socket.socket(socket.AF_UNIX)
            sock.setblocking(False)
            sock.connect(f"{r.dir}/s.sock")  # BlockingIOError if the queue is full
            sock.sendall(json.dumps({"method": "list_dbs", "params": [], "id": number}).encode())
            sock.settimeout(30)
            sockets.append(sock)
        os.kill(r.pids["s"], signal.SIGCONT)
        for number, sock in enumerate(sockets):
            expect("the answer", json.loads(sock.recv(1000)) == {"id": number, "result": ["_Server", "t"], "error": None})


if __name__ == "__main__":
    rig.main(too_many, few_files, long_requests, crowd)
