"""OpenFlow connections for tests: a controller's side, and a switch's that only listens.

    session = Session(sock, "OpenFlow13")        # hello is exchanged
    session.send(FEATURES_REQUEST)
    kind, xid, body = session.expect(FEATURES_REPLY)

    messages = recorded(r, "OpenFlow13", "add-flow", stdin=None)   # what Debian's ovs-ofctl sends
"""
import os
import select
import socket
import struct
import subprocess
import threading
import time

import rig

HELLO, ERROR, ECHO_REQUEST, ECHO_REPLY, EXPERIMENTER, FEATURES_REQUEST, FEATURES_REPLY, GET_CONFIG, GET_CONFIG_REPLY, SET_CONFIG = range(10)
PACKET_IN, FLOW_REMOVED, PORT_STATUS, PACKET_OUT, FLOW_MOD, GROUP_MOD, PORT_MOD, TABLE_MOD = range(10, 18)
MULTIPART_REQUEST, MULTIPART_REPLY, BARRIER_REQUEST, BARRIER_REPLY, QUEUE_CONFIG, QUEUE_CONFIG_REPLY, ROLE_REQUEST, ROLE_REPLY = range(18, 26)
GET_ASYNC, GET_ASYNC_REPLY, SET_ASYNC, METER_MOD, ROLE_STATUS, TABLE_STATUS, REQUEST_FORWARD, BUNDLE_CONTROL, BUNDLE_ADD = range(26, 35)
VERSIONS = {"OpenFlow10": 1, "OpenFlow11": 2, "OpenFlow12": 3, "OpenFlow13": 4, "OpenFlow14": 5, "OpenFlow15": 6}
# OpenFlow 1.0 counts some types in its own way.
OF10 = {PORT_MOD: 15, MULTIPART_REQUEST: 16, MULTIPART_REPLY: 17, BARRIER_REQUEST: 18, BARRIER_REPLY: 19, QUEUE_CONFIG: 20,
        QUEUE_CONFIG_REPLY: 21}
NICIRA, ONF = 0x2320, 0x4f4e4600


def wire_type(version, kind):
    return OF10.get(kind, kind) if version == 1 else kind


def message(version, kind, body=b"", xid=0):
    return struct.pack(">BBHI", version, wire_type(version, kind), 8 + len(body), xid) + body


def error_code(version, body):
    """(vendor, type, code) of an error message."""
    kind, code = struct.unpack(">HH", body[:4])
    if version < 3 and kind == 0xb0c2:
        return struct.unpack(">IHH", body[4:12])
    if version >= 3 and kind == 0xffff:
        return struct.unpack(">I", body[4:8])[0], code, 0
    return 0, kind, code


class Session:
    """An OpenFlow connection of a controller, message by message."""

    def __init__(self, sock, version="OpenFlow13"):
        self.socket, self.version, self.data, self.xid = sock, VERSIONS[version], b"", 100
        self.send(HELLO, b"")
        self.expect(HELLO)

    def send(self, kind, body=b"", xid=None):
        if xid is None:
            self.xid += 1
            xid = self.xid
        self.socket.sendall(message(self.version, kind, body, xid))
        return xid

    def whole(self, seconds=5):
        """The next message as it came; None if the peer is gone or silent."""
        end = time.monotonic() + seconds
        while True:
            if len(self.data) >= 8:
                size = struct.unpack(">H", self.data[2:4])[0]
                if len(self.data) >= size:
                    out, self.data = self.data[:size], self.data[size:]
                    return out
            left = end - time.monotonic()
            if left <= 0 or not select.select([self.socket], [], [], left)[0]:
                return None
            try:
                more = self.socket.recv(65536)
            except ConnectionError:
                return None
            if not more:
                return None
            self.data += more

    def receive(self, seconds=5):
        got = self.whole(seconds)
        return got and (got[1], struct.unpack(">I", got[4:8])[0], got[8:])

    def expect(self, *kinds, seconds=5):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            got = self.receive(max(0.01, end - time.monotonic()))
            if got is None:
                break
            if got[0] == ECHO_REQUEST and ECHO_REQUEST not in kinds:
                self.send(ECHO_REPLY, got[2], got[1])
            elif got[0] in kinds:
                return got
        raise rig.Failure(f"no message of kind {kinds} in {seconds} s")

    def all_until_barrier(self):
        """What came in answer to everything sent so far: kinds and, of errors, their types and codes."""
        xid = self.send(BARRIER_REQUEST)
        out = []
        while True:
            kind, got_xid, body = self.expect(*range(40))
            if kind == BARRIER_REPLY and got_xid == xid:
                return out
            if kind != ECHO_REQUEST:
                out.append((kind, *struct.unpack(">HH", body[:4])) if kind == ERROR else (kind,))

    def role(self, role, generation=0):
        self.send(ROLE_REQUEST, struct.pack(">IIQ", role, 0, generation))
        kind, _, body = self.expect(ROLE_REPLY, ERROR)
        return struct.unpack(">I4xQ", body[:16]) if kind == ROLE_REPLY else ("error", *struct.unpack(">HH", body[:4]))

    def add_flow(self, priority=1):
        self.send(FLOW_MOD, struct.pack(">QQBBHHHIIIHH", 0, 0, 0, 0, 0, 0, priority, 0xffffffff, 0xffffffff, 0xffffffff, 1, 0)
                  + struct.pack(">HHI", 1, 4, 0))


def unix(r, bridge="br0", version="OpenFlow13"):
    s = socket.socket(socket.AF_UNIX)
    s.connect(f"{r.dir}/{bridge}.mgmt")
    return Session(s, version)


def recorded(r, version, *command, stdin=None, program="/usr/bin/ovs-ofctl", whole=False):
    """The messages that Debian's ovs-ofctl, or another `program`, sends for `command`, in which "SWITCH" stands for the switch; barriers are answered,
    and whoever wants another answer is left.  `whole`: the command must succeed."""
    path, number, got = f"{r.dir}/recorder.sock", VERSIONS[version], []
    if os.path.exists(path):
        os.unlink(path)
    server = socket.socket(socket.AF_UNIX)
    server.bind(path)
    server.listen(8)
    wake = socket.socketpair()

    def listen():
        while True:
            ready = select.select([server, wake[0]], [], [])[0]
            if server not in ready:
                return
            with server.accept()[0] as sock:
                try:
                    converse(Session(sock, version))
                except (rig.Failure, OSError):
                    pass  # it only looked whether the switch is there

    def converse(session):
        while (one := session.whole(2)) is not None:
            kind = one[1]
            if kind == wire_type(number, BARRIER_REQUEST):
                session.send(BARRIER_REPLY, xid=struct.unpack(">I", one[4:8])[0])
            elif kind != HELLO:
                got.append(one)
                if kind in (FEATURES_REQUEST, wire_type(number, MULTIPART_REQUEST)):
                    return

    thread = threading.Thread(target=listen)
    thread.start()
    done = subprocess.run([program, f"-O{version}", *[w.replace("SWITCH", f"unix:{path}") for w in command]],
                          input=stdin, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=20)
    wake[1].send(b".")
    thread.join()
    for each in (server, *wake):
        each.close()
    if not got or whole and done.returncode:
        raise rig.Failure(f"ovs-ofctl {command}: nothing sent: {done.stderr}")
    return got
