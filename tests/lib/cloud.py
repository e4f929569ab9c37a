"""A pretend OpenStack: Keystone (Identity API v2.0 and v3) and Neutron (Networking API v2.0), over HTTP or HTTPS.

It keeps networks, subnets and ports in memory, checks tokens, chooses addresses, and tells a follower what came and
went, so that a test can make the rows of the northbound database that networking-ovn would make.
"""
import http.server
import ipaddress
import json
import re
import ssl
import threading
import urllib.parse


class Refused(Exception):
    def __init__(self, status, kind, words):
        super().__init__(words)
        self.status, self.kind = status, kind


class Cloud:
    """`follower`: on_network(network), on_port(port), on_gone(kind, id)."""
    KINDS = {"networks": "network", "subnets": "subnet", "ports": "port"}

    def __init__(self, address="127.0.0.1", port=0, tls=None, user="demo", password="secret", tenant="fab106b215d9", follower=None):
        self.user, self.password, self.tenant, self.follower = user, password, tenant, follower
        self.things = {kind: {} for kind in self.KINDS}
        self.tokens = set()
        self.log = []  # (method, path with query, body)
        self.lock = threading.Lock()
        self.made = 0  # identities and addresses are counted, so that two clouds are equal after equal requests
        self.refuse_next = None  # (method, kind, status): a fault to be made once
        handler = type("Handler", (_Handler,), {"cloud": self})
        self.server = http.server.ThreadingHTTPServer((address, port), handler)
        self.scheme = "https" if tls else "http"
        if tls:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(*tls)
            self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        self.base = f"{self.scheme}://{address}:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def stop(self):
        self.server.shutdown()
        self.server.server_close()

    def forget_tokens(self):
        """They have expired."""
        self.tokens.clear()

    def count(self):
        self.made += 1
        return self.made

    # Keystone

    def new_token(self):
        token = f"token-{len(self.tokens)}-{self.count()}"
        self.tokens.add(token)
        return token

    def authenticate_v2(self, body):
        auth = body.get("auth", {})
        credentials = auth.get("passwordCredentials", {})
        if credentials.get("username") != self.user or credentials.get("password") != self.password or \
                auth.get("tenantId", self.tenant) != self.tenant:
            raise Refused(401, "Unauthorized", "The request you have made requires authentication.")
        token = self.new_token()
        return 200, {"access": {
            "token": {"id": token, "expires": "2099-01-01T00:00:00Z", "tenant": {"id": self.tenant, "name": "demo"}},
            "serviceCatalog": [
                {"type": "identity", "name": "keystone", "endpoints": [{"region": "R", "publicURL": self.base + "/v2.0"}]},
                {"type": "network", "name": "neutron", "endpoints": [
                    {"region": "R", "publicURL": self.base, "internalURL": self.base, "adminURL": self.base}]}],
            "user": {"id": "u", "name": self.user, "username": self.user, "roles": []}}}, {}

    def authenticate_v3(self, body):
        auth = body.get("auth", {})
        user = auth.get("identity", {}).get("password", {}).get("user", {})
        project = auth.get("scope", {}).get("project", {})
        if user.get("name") != self.user or user.get("password") != self.password or project.get("id", self.tenant) != self.tenant or \
                not user.get("domain"):
            raise Refused(401, "Unauthorized", "The request you have made requires authentication.")
        token = self.new_token()
        return 201, {"token": {"methods": ["password"], "expires_at": "2099-01-01T00:00:00.000000Z", "catalog": [
            {"type": "network", "name": "neutron", "endpoints": [
                {"interface": "admin", "url": "http://192.0.2.1:1", "region": "R"},
                {"interface": "public", "url": self.base, "region": "R"}]}]}}, {"X-Subject-Token": token}

    # Neutron

    def choose_address(self, network):
        for subnet in self.things["subnets"].values():
            if subnet["network_id"] != network:
                continue
            used = {each["ip_address"] for port in self.things["ports"].values() for each in port["fixed_ips"]} | {subnet["gateway_ip"]}
            for host in ipaddress.ip_network(subnet["cidr"]).hosts():
                if str(host) not in used:
                    return {"subnet_id": subnet["id"], "ip_address": str(host)}
        return None

    @staticmethod
    def identity(number):
        return f"{number:08x}-0000-4000-8000-000000000000"

    def create(self, kind, wanted):
        number = 1 + sum(len(things) for things in self.things.values())
        while any(self.identity(number) in things for things in self.things.values()):
            number += 1
        thing = dict(wanted, id=self.identity(number), tenant_id=self.tenant)
        if kind == "networks":
            thing = {"subnets": [], "status": "ACTIVE", "name": "", **thing}
        elif kind == "subnets":
            network = self.find("networks", thing.get("network_id"))
            cidr = ipaddress.ip_network(thing["cidr"])
            thing.setdefault("gateway_ip", str(next(cidr.hosts())))
            network["subnets"].append(thing["id"])
        else:
            self.find("networks", thing.get("network_id"))
            thing.setdefault("mac_address", f"fa:16:3e:00:00:{number:02x}")
            addresses = []
            for each in thing.get("fixed_ips", [{}]):
                known = self.choose_address(thing["network_id"]) or {}
                known.update(each)
                used = [e["ip_address"] for p in self.things["ports"].values() if p["network_id"] == thing["network_id"] for e in p["fixed_ips"]]
                if known.get("ip_address") in used:
                    raise Refused(409, "IpAddressInUse", f"Unable to complete operation for network {thing['network_id']}. "
                                  f"The IP address {known['ip_address']} is in use.")
                if known:
                    addresses.append(known)
            thing["fixed_ips"] = addresses
        self.things[kind][thing["id"]] = thing
        if self.follower and kind == "networks":
            self.follower.on_network(thing)
        if self.follower and kind == "ports":
            self.follower.on_port(thing)
        return thing

    def find(self, kind, identity):
        if identity not in self.things[kind]:
            one = self.KINDS[kind].capitalize()
            raise Refused(404, one + "NotFound", f"{one} {identity} could not be found.")
        return self.things[kind][identity]

    def remove(self, kind, identity):
        self.find(kind, identity)
        if kind == "networks":
            if any(port["network_id"] == identity for port in self.things["ports"].values()):
                raise Refused(409, "NetworkInUse", f"Unable to complete operation on network {identity}. There are one or more ports still "
                              "in use on the network.")
            for subnet in [s for s in self.things["subnets"].values() if s["network_id"] == identity]:
                del self.things["subnets"][subnet["id"]]
        del self.things[kind][identity]
        if self.follower:
            self.follower.on_gone(kind, identity)

    def answer(self, method, target, headers, body):
        url = urllib.parse.urlsplit(target)
        if method == "POST" and url.path == "/v2.0/tokens":
            return self.authenticate_v2(body)
        if method == "POST" and url.path == "/v3/auth/tokens":
            return self.authenticate_v3(body)
        version = {"id": "v2.0", "status": "deprecated", "links": [{"rel": "self", "href": self.base + "/v2.0/"}]}
        if method == "GET" and url.path in ("/v2.0", "/v2.0/"):
            return 200, {"version": version}, {}
        if method == "GET" and url.path in ("/v3", "/v3/"):
            return 200, {"version": {"id": "v3.14", "status": "stable", "links": [{"rel": "self", "href": self.base + "/v3/"}]}}, {}
        if headers.get("X-Auth-Token") not in self.tokens:
            raise Refused(401, "Unauthorized", "Authentication required")
        match = re.fullmatch(r"/v2\.0/(networks|subnets|ports)(?:/([^/]+))?(?:\.json)?", url.path)
        if not match:
            raise Refused(404, "HTTPNotFound", "The resource could not be found.")
        kind, identity = match[1], (match[2] or "").removesuffix(".json")
        one = self.KINDS[kind]
        if self.refuse_next and self.refuse_next[:2] == (method, kind):
            status, self.refuse_next = self.refuse_next[2], None
            raise Refused(status, "Fault", "made by the test")
        if method == "GET" and not identity:
            wanted = urllib.parse.parse_qs(url.query)
            wanted.pop("fields", None)
            found = [t for t in self.things[kind].values() if all(str(t.get(k)) in v for k, v in wanted.items())]
            return 200, {kind: found}, {}
        if method == "GET":
            return 200, {one: self.find(kind, identity)}, {}
        if method == "POST" and not identity:
            return 201, {one: self.create(kind, body[one])}, {}
        if method == "PUT":
            self.find(kind, identity).update(body[one])
            return 200, {one: self.find(kind, identity)}, {}
        if method == "DELETE":
            self.remove(kind, identity)
            return 204, None, {}
        raise Refused(405, "HTTPMethodNotAllowed", method)


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    cloud = None

    def serve(self):
        length = int(self.headers.get("Content-Length") or 0)
        text = self.rfile.read(length).decode()
        body = json.loads(text) if text else {}
        with self.cloud.lock:
            self.cloud.log.append((self.command, self.path, body))
            try:
                status, answer, headers = self.cloud.answer(self.command, self.path, self.headers, body)
            except Refused as refused:
                status, headers = refused.status, {}
                answer = {"error": {"code": status, "title": refused.kind, "message": str(refused)}} if status == 401 else \
                    {"NeutronError": {"type": refused.kind, "message": str(refused), "detail": ""}}
        data = json.dumps(answer).encode() if answer is not None else b""
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        if status != 204:
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        if status != 204:
            self.wfile.write(data)

    do_GET = do_POST = do_PUT = do_DELETE = serve

    def log_message(self, *args):
        pass
