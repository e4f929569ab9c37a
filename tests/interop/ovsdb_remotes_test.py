"""Remotes of rows (Connection of ovn-sb(5), Manager of ovs-vswitchd.conf.db(5)) beside Debian's ovsdb-server: is_connected,
the keys of status, inactivity probes, back-off, read-only connections, and what happens to a remote whose address is taken."""
import json
import os
import socket
import threading
import time

import ovsdb
import rig
from ovsdb import a_set

SCHEMA = {"name": "db", "version": "1.0.0", "tables": {
    "Conf": {"isRoot": True, "columns": {"connections": {"type": {"key": {"type": "uuid", "refTable": "Connection"}, "min": 0, "max": "unlimited"}}}},
    "Connection": {"columns": {
        "target": {"type": "string"}, "read_only": {"type": "boolean"},
        "inactivity_probe": {"type": {"key": "integer", "min": 0}}, "max_backoff": {"type": {"key": "integer", "min": 0}},
        "is_connected": {"type": "boolean", "ephemeral": True},
        "status": {"type": {"key": "string", "value": "string", "min": 0, "max": "unlimited"}, "ephemeral": True}}},
    "T": {"isRoot": True, "columns": {"name": {"type": "string"}}}}}


class Peer:
    """A client that listens, as a manager does: it answers probes unless it is `silent`."""

    def __init__(self, silent=False):
        self.silent, self.accepted, self.client = silent, [], None
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            try:
                sock, _ = self.listener.accept()
            except OSError:
                return
            self.accepted.append(time.monotonic())
            self.client = client = ovsdb.Client("peer", sock=sock)
            if self.silent:
                continue
            threading.Thread(target=self.read, args=(client,), daemon=True).start()

    @staticmethod
    def read(client):
        try:
            while True:
                client.receive(60)
        except (ovsdb.Closed, TimeoutError, OSError):
            pass


class Server(rig.Rig):
    def __init__(self, weft):
        super().__init__(weft={"ovsdb-server"} if weft else (), name="remotes")
        self.is_weft = weft
        # Where nobody else of this machine listens or connects from: ports of 127.0.0.1 are taken by whoever is quicker.
        self.host = "127.77.0.1" if weft else "127.77.0.2"

    def start_with(self, rows):
        """`rows`: dicts of a Connection row, each with a target."""
        with open(f"{self.dir}/schema", "w") as f:
            json.dump(SCHEMA, f)
        self.run("ovsdb-tool", "create", f"{self.dir}/db", f"{self.dir}/schema")
        self.start("db", "ovsdb-server", f"--unixctl={self.dir}/db.ctl", f"--remote=punix:{self.dir}/db.sock", "--remote=db:db,Conf,connections", f"{self.dir}/db")
        self.admin = ovsdb.Client(f"unix:{self.dir}/db.sock")
        self.admin.transact("db", *[{"op": "insert", "table": "Connection", "uuid-name": f"c{i}", "row": row} for i, row in enumerate(rows)],
                            {"op": "insert", "table": "Conf", "row": {"connections": a_set(*[["named-uuid", f"c{i}"] for i in range(len(rows))])}})

    def row(self, target):
        return self.admin.select("db", "Connection", ["is_connected", "status"], [["target", "==", target]])[0]

    def wait_status(self, target, connected=None, seconds=9, **wanted):
        """Waits for the keys given; None: the key is not there; ...: it is, whatever its value."""
        def there():
            now, status = self.row(target)
            matches = all(key in status if value is ... else status.get(key) == value for key, value in wanted.items())
            return (connected is None or now == connected) and matches and (now, status)
        try:
            return rig.wait_for(there, "", seconds)
        except rig.Failure:
            raise rig.Failure(f"{'ours' if self.is_weft else 'theirs'}: {target}: {self.row(target)}, expected {connected} {wanted}")


def both(*tests):
    """Runs test(server) for each test and each make's server, all at the same time: they mostly wait."""
    problems = []

    def run(test, weft):
        try:
            with Server(weft) as server:
                test(server)
        except Exception as problem:
            problems.append(f"{test.__name__}, {'ours' if weft else 'theirs'}: {type(problem).__name__}: {problem}")
    threads = [threading.Thread(target=run, args=(test, weft)) for test in tests for weft in (True, False)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if problems:
        raise rig.Failure("; ".join(problems))


def expect(condition, what):
    if not condition:
        raise rig.Failure(what)


def outbound(server):
    """a connection that the server makes: states, seconds, locks held and waited for, what went wrong; silent peers are dropped"""
    good, silent = Peer(), Peer(silent=True)
    nobody = f"tcp:{server.host}:6641"
    good_name, silent_name = f"tcp:127.0.0.1:{good.port}", f"tcp:127.0.0.1:{silent.port}"
    server.start_with([{"target": good_name, "inactivity_probe": 1000}, {"target": silent_name, "inactivity_probe": 1500}, {"target": nobody, "max_backoff": 1000}])
    _, status = server.wait_status(good_name, True, state="ACTIVE")
    expect("sec_since_connect" in status and "sec_since_disconnect" not in status, f"{status}")
    _, status = server.wait_status(nobody, False, state="BACKOFF")
    expect("sec_since_connect" not in status and "sec_since_disconnect" not in status, f"{status}")
    if server.is_weft:
        server.wait_status(nobody, last_error="Connection refused")
    rig.wait_for(lambda: len(silent.accepted) >= 2, "the silent peer to be dropped and connected to again", 9)
    expect(2.5 < silent.accepted[1] - silent.accepted[0] < 6.5, f"dropped after {silent.accepted[1] - silent.accepted[0]} s")
    _, status = server.row(silent_name)
    expect(status["state"] in ("ACTIVE", "IDLE", "BACKOFF", "CONNECTING"), f"{status}")
    good.client.write({"method": "lock", "params": ["mine"], "id": 1})
    server.wait_status(good_name, True, locks_held="mine", locks_waiting=None)
    server.admin.request("steal", "mine")
    _, status = server.wait_status(good_name, True, locks_held=None, locks_waiting="mine")
    expect(not server.is_weft or status["locks_lost"] == "mine", f"{status}")
    server.admin.request("unlock", "mine")
    server.wait_status(good_name, True, locks_held="mine", locks_waiting=None, locks_lost=None)
    expect(len(good.accepted) == 1, "the peer that answers probes was dropped")
    good.client.sock.shutdown(socket.SHUT_RDWR)
    rig.wait_for(lambda: len(good.accepted) == 2, "another connection")
    rig.wait_for(lambda: "sec_since_disconnect" in server.row(good_name)[1], "sec_since_disconnect")


def inbound(server):
    """a remote that listens: bound port, number of connections, probes as the row says now, read-only connections"""
    free = socket.create_server((server.host, 6642))
    taken = f"ptcp:6642:{server.host}"
    server.start_with([{"target": "ptcp:0:127.0.0.1", "inactivity_probe": 0}, {"target": f"punix:{server.dir}/ro.sock", "read_only": True}, {"target": taken}])
    _, status = server.wait_status("ptcp:0:127.0.0.1", False, sec_since_connect="0", sec_since_disconnect="0", n_connections=None, bound_port=...)
    port = status["bound_port"]
    first = ovsdb.Client(f"tcp:127.0.0.1:{port}")
    server.wait_status("ptcp:0:127.0.0.1", True, n_connections=None, bound_port=port)
    second = ovsdb.Client(f"tcp:127.0.0.1:{port}")
    server.wait_status("ptcp:0:127.0.0.1", True, n_connections="2")
    second.close()
    server.wait_status("ptcp:0:127.0.0.1", True, n_connections=None)
    # Nobody was probed so far; from here on the silent are dropped, though they were there before.
    expect(not first.text and first.request("list_dbs")["result"], "probed without an interval")
    server.admin.transact("db", {"op": "update", "table": "Connection", "where": [["target", "==", "ptcp:0:127.0.0.1"]], "row": {"inactivity_probe": 1000}})
    server.wait_status("ptcp:0:127.0.0.1", False)
    reader = ovsdb.Client(f"unix:{server.dir}/ro.sock")
    for operation in ({"op": "insert", "table": "T", "row": {}}, {"op": "update", "table": "T", "where": [], "row": {}}, {"op": "delete", "table": "T", "where": []},
                      {"op": "mutate", "table": "T", "where": [], "mutations": []}, {"op": "commit", "durable": True}):
        answer = reader.transact("db", operation)[0]
        expect(answer == {"error": "not allowed", "details": f"{operation['op']} operation not allowed when database server is in read only mode"}, f"{answer}")
    expect(reader.transact("db", {"op": "select", "table": "T", "where": []}, {"op": "comment", "comment": "x"})[1] == {}, "reading")
    expect(reader.request("lock", "l")["error"] == "lock and unlock methods not allowed, DB server is read only.", "a lock for a reader")
    # Somebody had the port; once it is free the remote takes it.
    expect("bound_port" not in server.row(taken)[1], "a port that somebody else has")
    free.close()
    server.wait_status(taken, False, bound_port="6642")
    ovsdb.Client(f"tcp:{server.host}:6642").close()


def rows():
    """remotes of rows, made by the server and listened for: states, seconds, locks, ports, probes, read-only connections"""
    both(outbound, inbound)


def command_line():
    """remotes of the command line and of control commands: what cannot be listened on is tried again, what is no remote is refused"""
    with Server(True) as server:
        server.run("ovsdb-tool", "create", f"{server.dir}/db", rig.SCHEMAS["conf"])
        busy = socket.create_server((server.host, 6642))
        server.start("db", "ovsdb-server", f"--unixctl={server.dir}/db.ctl", f"--remote=ptcp:6642:{server.host}", f"--remote=punix:{server.dir}/db.sock", f"{server.dir}/db")
        with open(f"{server.dir}/db.log") as f:
            said = f.read()
        expect(f"ptcp:6642:{server.host}: listen failed:" in said, said)
        busy.close()

        def listening():
            try:
                return ovsdb.Client(f"tcp:{server.host}:6642").request("list_dbs")["result"]
            except ConnectionRefusedError:
                return None
        rig.wait_for(listening, "the port to be taken", 5)
        appctl = lambda *words: server.run("ovs-appctl", "-t", f"{server.dir}/db.ctl", *words, check=False)
        for remote, code, words in (("punix:" + server.dir + "/more.sock", 0, ""), ("punix:" + server.dir + "/more.sock", 0, ""), ("bogus:1", 2, "is not a valid remote"),
                                    ("db:x", 2, '"db:x": invalid syntax'), ("db:Open_vSwitch,Nope,x", 2, "no table named Nope"),
                                    ("db:Open_vSwitch,Bridge,nope", 2, 'table "Bridge" has no column "nope"')):
            done = appctl("ovsdb-server/add-remote", remote)
            expect(done.returncode == code and words in done.stderr, f"add-remote {remote}: {done}")
        expect(ovsdb.Client(f"unix:{server.dir}/more.sock").request("list_dbs")["result"], "the remote that was added")
        expect(appctl("ovsdb-server/remove-remote", "punix:" + server.dir + "/more.sock").returncode == 0 and not os.path.exists(server.dir + "/more.sock"), "remove-remote")
        expect("no such remote" in appctl("ovsdb-server/remove-remote", "punix:/nope").stderr, "remove-remote of none")


if __name__ == "__main__":
    rig.main(rows, command_line)
