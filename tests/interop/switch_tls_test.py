"""TLS of the switch: its keys come from the command line and the SSL table, its controllers may be ssl: and pssl:, and
ovs-ofctl, ours and Debian's, reaches switches of both makes."""
import os
import re
import socket
import ssl
import struct
import subprocess

import pki
import rig

PROGRAMS = {"ovsdb-server", "ovs-vswitchd", "ovs-ofctl"}


def expect(condition, what):
    if not condition:
        raise rig.Failure(what)


class Host(rig.Rig):
    def __init__(self, weft):
        super().__init__(weft=PROGRAMS if weft else (), name="switch-tls")

    def identities(self):
        self.ours, self.theirs = pki.Authority(self.dir, "our"), pki.Authority(self.dir, "their")
        self.switch, self.peer, self.stranger = self.ours.issue("switch"), self.ours.issue("peer"), self.theirs.issue("stranger")

    def vsctl(self, *words):
        return self.run("ovs-vsctl", "--no-wait", *words).strip()

    def log(self):
        with open(f"{self.dir}/ovs-vswitchd.log") as f:
            return f.read()

    def listening(self, controller):
        """The port of a pssl: controller."""
        return rig.wait_for(lambda: re.findall(rf"\|{re.escape(controller.split(':', 1)[1])}: listening on port (\d+)", self.log()), f"{controller} to listen")[-1]

    def status(self):
        return self.vsctl("--columns=is_connected,status", "list", "Controller")


def ofctl(host, weft, *words):
    program = os.path.join(rig.WEFT_BIN, "ovs-ofctl") if weft else "/usr/bin/ovs-ofctl"
    return subprocess.run([program, "--timeout=5", *words], env=host.env, text=True, capture_output=True, timeout=20)


class Controller:
    """Accepts one switch over TLS and says hello."""

    def __init__(self, identity, ca):
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(identity.certificate, identity.key)
        self.context.load_verify_locations(ca)
        self.context.verify_mode = ssl.CERT_REQUIRED
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.listener.settimeout(15)
        self.port = self.listener.getsockname()[1]

    def accept(self):
        sock, _ = self.listener.accept()
        sock.settimeout(15)
        self.sock = self.context.wrap_socket(sock, server_side=True)
        version, kind, length, _ = struct.unpack("!BBHI", self.exactly(8))
        expect(kind == 0, f"the switch begins with message {kind}")
        self.exactly(length - 8)
        self.sock.sendall(struct.pack("!BBHI", 4, 0, 8, 1))
        subject = dict(item for part in self.sock.getpeercert()["subject"] for item in part)
        return subject["commonName"]

    def exactly(self, count):
        data = b""
        while len(data) < count:
            more = self.sock.recv(count - len(data))
            expect(more, "the switch closed the connection")
            data += more
        return data


def controllers():
    """ssl: and pssl: controllers with the keys of the SSL table; without keys, and with wrong ones, a line says what is missing"""
    with Host(True) as host:
        host.identities()
        host.start_databases("conf")
        host.start_vswitchd("--enable-dummy")
        host.vsctl("add-br", "br0", "--", "set", "Bridge", "br0", "datapath_type=dummy")
        controller = Controller(host.peer, host.ours.certificate)
        host.vsctl("set-controller", "br0", f"ssl:127.0.0.1:{controller.port}")
        rig.wait_for(lambda: "Private key must be configured to use SSL" in host.log(), "the missing keys to be told")
        rig.wait_for(lambda: "Private key must be configured" in host.status(), "status:last_error")
        host.vsctl("set-ssl", host.stranger.key, host.stranger.certificate, host.ours.certificate)
        try:
            controller.accept()
            raise rig.Failure("a switch with a stranger's certificate got in")
        except (ssl.SSLError, ConnectionError):
            pass
        host.vsctl("set-ssl", host.switch.key, host.switch.certificate, host.ours.certificate)
        name = None
        while name is None:
            try:
                name = controller.accept()
            except (ssl.SSLError, ConnectionError):
                pass  # an attempt of before
        expect(name == "switch", f"the switch says it is {name}")
        rig.wait_for(lambda: re.search(r"is_connected\s*: true", host.status()), "the controller to be connected")
        host.vsctl("set-controller", "br0", "pssl:0:127.0.0.1")
        port = host.listening("pssl:0:127.0.0.1")
        for weft in (True, False):
            done = ofctl(host, weft, *host.peer.options(), "show", f"ssl:127.0.0.1:{port}")
            expect(done.returncode == 0 and "LOCAL(br0)" in done.stdout, f"{done}")
            done = ofctl(host, weft, *host.stranger.options(host.ours.certificate), "show", f"ssl:127.0.0.1:{port}")
            expect(done.returncode != 0, f"a stranger got in: {done}")
        done = ofctl(host, True, *host.peer.options(host.theirs.certificate), "show", f"ssl:127.0.0.1:{port}")
        expect(done.returncode == 1 and "certificate verify failed" in done.stderr, f"{done}")
        done = ofctl(host, True, "show", f"ssl:127.0.0.1:{port}")
        expect(done.returncode == 1 and "Private key must be configured to use SSL" in done.stderr, f"{done}")
        done = ofctl(host, True, *host.peer.options(), "add-flow", f"ssl:127.0.0.1:{port}", "priority=7,actions=drop")
        expect(done.returncode == 0 and "priority=7 actions=drop" in ofctl(host, False, *host.peer.options(), "dump-flows", f"ssl:127.0.0.1:{port}").stdout, f"{done}")


def debians_switch():
    """our ovs-ofctl and a switch of Debian's that listens with TLS"""
    with Host(False) as host:
        host.identities()
        host.start_databases("conf")
        host.start_vswitchd("--enable-dummy")
        host.vsctl("set-ssl", host.switch.key, host.switch.certificate, host.ours.certificate)
        host.vsctl("add-br", "br0", "--", "set", "Bridge", "br0", "datapath_type=dummy", "--", "set-controller", "br0", "pssl:0:127.0.0.1")
        port = host.listening("pssl:0:127.0.0.1")
        done = ofctl(host, True, *host.peer.options(), "show", f"ssl:127.0.0.1:{port}")
        expect(done.returncode == 0 and "LOCAL(br0)" in done.stdout, f"{done}")
        done = ofctl(host, True, *host.stranger.options(host.ours.certificate), "show", f"ssl:127.0.0.1:{port}")
        expect(done.returncode == 1 and done.stderr, f"a stranger: {done}")


def database():
    """ovs-vswitchd -p -c -C: the switch reaches its database by ssl:"""
    with Host(True) as host:
        host.identities()
        host.run("ovsdb-tool", "create", f"{host.dir}/conf.db", rig.SCHEMAS["conf"])
        host.start("conf", "ovsdb-server", f"--unixctl={host.dir}/conf.ctl", f"--remote=punix:{host.socket('conf')}", "--remote=pssl:0:127.0.0.1",
                   *host.peer.options(), f"{host.dir}/conf.db")
        with open(f"{host.dir}/conf.log") as f:
            port = re.search(r"listening on port (\d+)", f.read())[1]
        host.vsctl("init")
        host.vsctl("add-br", "br0", "--", "set", "Bridge", "br0", "datapath_type=dummy")
        host.start("ovs-vswitchd", "ovs-vswitchd", f"--unixctl={host.dir}/vswitchd.ctl", "--enable-dummy", "-p", host.switch.key, "-c", host.switch.certificate,
                   "-C", host.ours.certificate, f"ssl:127.0.0.1:{port}")
        rig.wait_for(lambda: host.vsctl("get", "Bridge", "br0", "datapath_id") != "[]", "the bridge to be made")


if __name__ == "__main__":
    rig.main(controllers, debians_switch, database)
