"""A control socket that stays open: thousands of commands would take too long with one process each."""
import json
import socket


class Control:
    def __init__(self, path, seconds=60):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(seconds)
        self.socket.connect(path)

    def __call__(self, method, *params):
        self.socket.sendall(json.dumps({"id": 0, "method": method, "params": params}).encode())
        answer = b""
        while True:
            some = self.socket.recv(65536)
            if not some:
                raise ConnectionError(f"the daemon ended while it was asked: {method} {' '.join(params)}")
            answer += some
            try:
                return json.loads(answer)
            except ValueError:
                pass
