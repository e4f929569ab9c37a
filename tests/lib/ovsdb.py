"""A client of an OVSDB server (RFC 7047) over a unix socket, TCP or TLS, for tests that speak the protocol themselves.

    client = ovsdb.Client("unix:/path"), ovsdb.Client("tcp:127.0.0.1:6640"), ovsdb.Client("ssl:[::1]:6640", identity)
    client.transact("db", {"op": "select", "table": "t", "where": []})
"""
import json
import socket
import ssl
import time


class Closed(Exception):
    pass


def open_socket(remote, identity=None, timeout=10):
    """A connected socket; `identity` is pki.Identity for ssl:."""
    kind, _, rest = remote.partition(":")
    if kind == "unix":
        sock = socket.socket(socket.AF_UNIX)
        sock.settimeout(timeout)
        sock.connect(rest)
        return sock
    host, _, port = rest.rpartition(":")
    sock = socket.create_connection((host.strip("[]"), int(port)), timeout=timeout)
    if kind == "tcp":
        return sock
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.load_verify_locations(identity.ca)
    context.load_cert_chain(identity.certificate, identity.key)
    return context.wrap_socket(sock)


class Client:
    def __init__(self, remote, identity=None, sock=None):
        self.remote = remote
        self.sock = sock or open_socket(remote, identity)
        self.text, self.next, self.notes = "", 0, []

    def close(self):
        self.sock.close()

    def receive(self, seconds=10):
        """The next message, probes answered; TimeoutError if none comes."""
        end = time.monotonic() + seconds
        while True:
            text = self.text.lstrip()
            if text:
                try:
                    value, at = json.JSONDecoder().raw_decode(text)
                    self.text = text[at:]
                    if value.get("method") == "echo":
                        self.write({"id": value["id"], "result": value["params"], "error": None})
                        continue
                    return value
                except ValueError:
                    pass
            left = end - time.monotonic()
            if left <= 0:
                raise TimeoutError(f"{self.remote}: nothing came in {seconds} s")
            self.sock.settimeout(left)
            try:
                data = self.sock.recv(1 << 20)
            except ConnectionError as problem:
                raise Closed(f"{self.remote}: {problem}")
            if not data:
                raise Closed(f"{self.remote}: the server closed the connection")
            self.text += data.decode()

    def write(self, message):
        self.sock.sendall(json.dumps(message).encode())

    def send(self, method, *params):
        self.next += 1
        self.write({"method": method, "params": list(params), "id": self.next})
        return self.next

    def wait(self, number, seconds=10):
        """The reply to request `number`; what comes before goes to self.notes."""
        while True:
            message = self.receive(seconds)
            if "method" not in message and message.get("id") == number:
                return message
            self.notes.append(message)

    def request(self, method, *params, seconds=10):
        return self.wait(self.send(method, *params), seconds)

    def transact(self, database, *operations, seconds=10):
        """The results, one for each operation."""
        reply = self.request("transact", database, *operations, seconds=seconds)
        if reply.get("error") is not None:
            raise Closed(f"transact was refused: {reply['error']}")
        return reply["result"]

    def select(self, database, table, columns, where=()):
        """Rows as lists of plain values."""
        result = self.transact(database, {"op": "select", "table": table, "columns": list(columns), "where": list(where)})
        return [[plain(row[c]) for c in columns] for row in result[0]["rows"]]

    def take_notes(self):
        notes, self.notes = self.notes, []
        return notes


def plain(value):
    """["set", […]] and ["map", […]] as Python's."""
    if isinstance(value, list) and len(value) == 2:
        if value[0] == "set":
            return sorted(map(plain, value[1]), key=str)
        if value[0] == "map":
            return {plain(k): plain(v) for k, v in value[1]}
        if value[0] in ("uuid", "named-uuid"):
            return value[1]
    return value


def a_set(*values):
    return ["set", list(values)]


def a_map(**values):
    return ["map", [[k, v] for k, v in values.items()]]
