"""Clients in the field against our ovsdb-server and Debian's: python3-openvswitch's IDL and OpenStack's ovsdbapp (Neutron), over
unix sockets, TCP and TLS.  They must see the same from both servers."""
import os
import re
import subprocess

import pki
import rig

SCRIPT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "ovsdb_clients.py")


class Server(rig.Rig):
    def __init__(self, weft):
        super().__init__(weft={"ovsdb-server"} if weft else (), name="clients")

    def begin(self, transport):
        for which in ("nb", "conf"):
            self.run("ovsdb-tool", "create", f"{self.dir}/{which}.db", rig.SCHEMAS[which])
        remote, options, self.files = {"unix": f"punix:{self.dir}/db.sock", "tcp": "ptcp:0:127.0.0.1", "ssl": "pssl:0:127.0.0.1"}[transport], [], []
        if transport == "ssl":
            authority = pki.Authority(self.dir, "our")
            options = authority.issue("server", host="localhost").options()
            client = authority.issue("client")
            self.files = [f"key={client.key}", f"cert={client.certificate}", f"ca={client.ca}"]
        self.start("db", "ovsdb-server", f"--unixctl={self.dir}/db.ctl", f"--remote={remote}", *options, f"{self.dir}/nb.db", f"{self.dir}/conf.db")
        self.run("ovs-vsctl", f"--db={self.remote(transport)}", "--no-wait", *self.tls_options(), "init")
        if transport == "unix":
            self.start_vswitchd("--enable-dummy=override", "--disable-system", "--disable-system-route")  # ovsdbapp waits for it

    def tls_options(self):
        return [f"--{ {'key': 'private-key', 'cert': 'certificate', 'ca': 'ca-cert'}[name] }={file}" for name, file in (word.split("=", 1) for word in self.files)]

    def remote(self, transport):
        if transport == "unix":
            return f"unix:{self.dir}/db.sock"
        with open(f"{self.dir}/db.log") as f:
            return f"{transport}:127.0.0.1:" + re.search(r"listening on port (\d+)", f.read())[1]

    def saw(self, what, transport):
        done = subprocess.run(["/usr/bin/python3", SCRIPT, what, self.remote(transport), *self.files], env=dict(self.env, PYTHONPATH=""), text=True,
                              timeout=60, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        if done.returncode:
            raise rig.Failure(f"{what} over {transport}: exit {done.returncode} after\n{done.stdout}\n{done.stderr[-3000:]}")
        return done.stdout.splitlines()


def compare(transport, *scripts):
    seen = []
    for weft in (False, True):
        with Server(weft) as server:
            server.begin(transport)
            seen.append([line for what in scripts for line in server.saw(what, transport)])
    theirs, ours = seen
    for a, b in zip(theirs, ours):
        if a != b:
            raise rig.Failure(f"over {transport}: {b}\ninstead of {a}")
    if len(theirs) != len(ours) or len(theirs) < 5:
        raise rig.Failure(f"over {transport}: {len(ours)} steps, {len(theirs)} with Debian's server")


def over_unix():
    """the IDL and ovsdbapp over a unix socket"""
    compare("unix", "idl", "northbound", "switch")


def over_tcp():
    """the IDL and ovsdbapp over TCP"""
    compare("tcp", "idl", "northbound")


def over_tls():
    """the IDL and ovsdbapp over TLS"""
    compare("ssl", "idl", "northbound")


if __name__ == "__main__":
    rig.main(over_unix, over_tcp, over_tls)
