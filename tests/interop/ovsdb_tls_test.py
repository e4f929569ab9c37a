"""ovsdb-server and its clients over TLS, ours beside Debian's both ways: who gets in, who does not and what is said then;
protocols, ciphers, IPv6, several remotes, server names, a learnt authority, files that are renewed while all runs, and files
that the database names."""
import os
import re
import socket
import ssl
import subprocess

import ovsdb
import pki
import rig

SCHEMA = '{"name": "db", "version": "1.0.0", "tables": {"T": {"isRoot": true, "columns": {"name": {"type": "string"}}}}}'
OURS = {"ovsdb-server", "ovsdb-client"}


class Pair(rig.Rig):
    """A server of one make, and clients of both."""

    def __init__(self, weft_server):
        super().__init__(weft={"ovsdb-server"} if weft_server else (), name="tls")
        self.count = 0

    def identities(self):
        self.authority, self.other = pki.Authority(self.dir, "our"), pki.Authority(self.dir, "their")
        self.server = self.authority.issue("server", host="localhost")
        self.good = self.authority.issue("client")
        self.expired = self.authority.issue("late", days=-1)
        self.stranger = self.other.issue("stranger")
        return self

    def database(self, schema=SCHEMA):
        path = f"{self.dir}/db"
        with open(f"{self.dir}/schema", "w") as f:
            f.write(schema)
        self.run("ovsdb-tool", "create", path, f"{self.dir}/schema")
        return path

    def serve(self, *options, remotes=("pssl:0:127.0.0.1",)):
        """A server on a database of its own; its ports in the order of `remotes`."""
        self.count += 1
        self.name = name = f"db{self.count}"
        path = f"{self.dir}/{name}"
        with open(f"{self.dir}/schema", "w") as f:
            f.write(SCHEMA)
        self.run("ovsdb-tool", "create", path, f"{self.dir}/schema")
        self.start(name, "ovsdb-server", f"--unixctl={self.dir}/{name}.ctl", *[f"--remote={r}" for r in remotes], *options, path)
        said = dict(re.findall(r"INFO\|(\S+): listening on port (\d+)", self.log()))
        return [said[r.split(":", 1)[1]] for r in remotes]

    def log(self):
        with open(f"{self.dir}/{self.name}.log") as f:
            return f.read()

    def list_dbs(self, weft, remote, *options):
        """Exit code and everything that is said."""
        program = os.path.join(rig.WEFT_BIN, "ovsdb-client") if weft else "/usr/bin/ovsdb-client"
        done = subprocess.run([program, "--timeout=5", *options, "list-dbs", remote], env=self.env, text=True, timeout=20,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        return done.returncode == 0 and "db" in done.stdout.split(), done.stdout


def expect(condition, what):
    if not condition:
        raise rig.Failure(what)


def who_gets_in():
    """the right certificate gets in, every wrong one is refused by the side that should, with a line that says why"""
    for weft_server in (True, False):
        with Pair(weft_server) as r:
            r.identities()
            [port] = r.serve(*r.server.options())
            for weft_client in (True, False) if weft_server else (True,):
                def attempt(identity, ca=None, extra=(), options=None):
                    before = len(r.log())
                    done, said = r.list_dbs(weft_client, f"ssl:127.0.0.1:{port}", *(options or identity.options(ca)), *extra)
                    return done, said, lambda: r.log()[before:]
                kind = f"server {'ours' if weft_server else 'theirs'}, client {'ours' if weft_client else 'theirs'}"
                for what, arguments, good, client_says, server_says in (
                        ("good", (r.good,), True, "", ""),
                        ("expired", (r.expired,), False, "expired|handshake|closed", "/CN=late: certificate has expired"),
                        ("stranger", (r.stranger, r.good.ca), False, "who signed our certificate|closed", "/CN=stranger: .*issuer"),
                        ("wrong authority", (r.good, r.other.certificate), False, "/CN=our CA: self-signed certificate in certificate chain", "the peer does not know who signed our certificate"),
                        ("any server", (r.good, "none"), True, "", ""),
                        ("no such file", (pki.Identity(r.good.key, "/nonexistent.pem", r.good.ca),), False, "/nonexistent.pem: no certificate", None),
                        ("no such authority", (r.good, "/nonexistent.pem"), False, "/nonexistent.pem: no certificate", None),
                        ("another's key", (pki.Identity(r.stranger.key, r.good.certificate, r.good.ca),), False, "is not the private key of", None),
                        ("no key", (None, None, (), [f"--ca-cert={r.good.ca}"]), False, "Private key must be configured", None)):
                    done, said, log = attempt(*arguments)
                    expect(done == good, f"{kind}: {what}: {'got in' if done else 'did not get in'}: {said}\n{log()}")
                    if weft_client and client_says:
                        expect(re.search(client_says, said), f"{kind}: {what}: the client said: {said}")
                    if weft_server and server_says:
                        # The client may be gone before the server has read why.
                        rig.wait_for(lambda: re.search(server_says, log()), f"{kind}: {what}: the server to say {server_says!r}")
            # Who speaks no TLS at all, and a server that has not got its files.
            if weft_server:
                done, said = r.list_dbs(True, f"tcp:127.0.0.1:{port}")
                expect(not done and "does not speak TLS" in r.log(), f"plain TCP: {said}\n{r.log()}")
                [port] = r.serve()
                done, said = r.list_dbs(False, f"ssl:127.0.0.1:{port}", *r.good.options())
                expect(not done and "Private key must be configured to use SSL" in r.log(), f"no files: {said}\n{r.log()}")


def protocols_and_ciphers():
    """protocols and ciphers of either side hold; addresses may be IPv6; a server has several remotes at once"""
    for weft_server in (True, False):
        with Pair(weft_server) as r:
            r.identities()
            remotes = ("pssl:0:127.0.0.1", "pssl:0:[::1]", "ptcp:0:[::]")
            ports = r.serve(*r.server.options(), "--ssl-protocols=TLSv1.2", "--ssl-ciphers=ECDHE-ECDSA-AES256-GCM-SHA384", remotes=remotes)
            tls = r.good.options()
            for weft_client in (True, False) if weft_server else (True,):
                for remote, options, good in (
                        (f"ssl:127.0.0.1:{ports[0]}", [], True), (f"ssl:[::1]:{ports[1]}", [], True), (f"ssl:localhost:{ports[0]}", [], True),
                        (f"tcp:[::1]:{ports[2]}", [], True), (f"tcp:127.0.0.1:{ports[2]}", [], True),
                        (f"ssl:127.0.0.1:{ports[0]}", ["--ssl-protocols=TLSv1.2"], True), (f"ssl:127.0.0.1:{ports[0]}", ["--ssl-protocols=TLSv1,TLSv1.1"], False),
                        (f"ssl:127.0.0.1:{ports[0]}", ["--ssl-ciphers=ECDHE-ECDSA-AES256-GCM-SHA384"], True),
                        (f"ssl:127.0.0.1:{ports[0]}", ["--ssl-ciphers=ECDHE-ECDSA-AES128-GCM-SHA256"], False)):
                    done, said = r.list_dbs(weft_client, remote, *tls, *options)
                    expect(done == good, f"{remote} {options}: {'got in' if done else 'did not get in'}: {said}")
            if weft_server:
                for options, words in ((["--ssl-protocols=TLSv1.3"], "no protocol version that both sides allow"), (["--ssl-ciphers=nonsense"], "nonsense"),
                                       (["--ssl-protocols=SSLv9"], "SSLv9: SSL protocol not recognized")):
                    done, said = r.list_dbs(True, f"ssl:127.0.0.1:{ports[0]}", *tls, *options)
                    expect(not done and words in said, f"{options}: {said}")


def server_name():
    """a client asks for the host by name (RFC 6066), or for the name it is told to ask for; never for an address"""
    with Pair(True) as r:
        r.identities()
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(r.server.certificate, r.server.key)
        asked = []
        context.sni_callback = lambda sock, name, ctx: asked.append(name)
        with socket.create_server(("127.0.0.1", 0)) as listener:
            port = listener.getsockname()[1]
            for host, options, name in (("localhost", [], "localhost"), ("127.0.0.1", [], None), ("127.0.0.1", ["--ssl-server-name=db.example"], "db.example")):
                client = subprocess.Popen([os.path.join(rig.WEFT_BIN, "ovsdb-client"), "--timeout=5", *r.good.options(), *options, "list-dbs", f"ssl:{host}:{port}"],
                                          env=r.env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
                listener.settimeout(10)
                sock, _ = listener.accept()
                context.wrap_socket(sock, server_side=True).close()
                client.wait(10)
                expect(asked.pop() == name and not asked, f"{host} {options}")


def learnt_authority():
    """--bootstrap-ca-cert: the first peer's authority is kept, and from then on checked, with either make on the other side"""
    for weft_server in (True, False):
        with Pair(weft_server) as r:
            r.identities()
            [port] = r.serve(*r.server.options(), f"--peer-ca-cert={r.authority.certificate}")
            for weft_client in (True, False) if weft_server else (True,):
                learnt = f"{r.dir}/learnt-{weft_client}.pem"
                options = [f"--private-key={r.good.key}", f"--certificate={r.good.certificate}", f"--bootstrap-ca-cert={learnt}"]
                r.list_dbs(weft_client, f"ssl:127.0.0.1:{port}", *options)  # learns, and may end with that
                done, said = r.list_dbs(weft_client, f"ssl:127.0.0.1:{port}", *options)
                expect(done, f"after the authority was learnt: {said}")
                same = pki.openssl("x509", "-in", learnt, "-noout", "-fingerprint") == pki.openssl("x509", "-in", r.authority.certificate, "-noout", "-fingerprint")
                expect(same, "what was learnt is not the authority")
            [port] = r.serve(*r.stranger.options(r.authority.certificate))
            done, said = r.list_dbs(True, f"ssl:127.0.0.1:{port}", f"--private-key={r.good.key}", f"--certificate={r.good.certificate}",
                                    f"--bootstrap-ca-cert={r.dir}/learnt-True.pem")
            expect(not done and "issuer" in said, f"another authority after one was learnt: {said}")


def renewal():
    """a server whose key, certificate and authority are replaced serves new connections with the new ones and keeps the old connections"""
    with Pair(True) as r:
        r.identities()
        files = pki.Identity(*(f"{r.dir}/live-{what}.pem" for what in ("key", "cert", "ca")))

        def install(identity):
            for source, target in ((identity.key, files.key), (identity.certificate, files.certificate), (identity.ca, files.ca)):
                with open(source) as f, open(target + ".new", "w") as out:
                    out.write(f.read())
                os.rename(target + ".new", target)
        install(r.server)
        [port] = r.serve(*files.options())
        old = ovsdb.Client(f"ssl:127.0.0.1:{port}", r.good)
        expect(old.request("list_dbs")["result"], "the old connection")
        renewed = r.authority.issue("server", file="renewed")
        install(renewed)
        fresh = ovsdb.Client(f"ssl:127.0.0.1:{port}", r.good)
        wanted = pki.openssl("x509", "-in", renewed.certificate, "-noout", "-serial").strip().split("=")[1]
        shown = ssl.DER_cert_to_PEM_cert(fresh.sock.getpeercert(True))
        got = pki.openssl("x509", "-noout", "-serial", stdin=shown).strip().split("=")[1]
        expect(got == wanted, f"the renewed certificate has serial {wanted}, the server shows {got}")
        # Everything by another authority: whoever is its own gets in, who was of the old one does not.
        install(r.other.issue("server", file="moved"))
        done, said = r.list_dbs(True, f"ssl:127.0.0.1:{port}", *r.stranger.options())
        expect(done, f"a client of the new authority: {said}")
        done, said = r.list_dbs(True, f"ssl:127.0.0.1:{port}", *r.good.options(r.other.certificate))
        expect(not done, "a client of the old authority got in")
        expect(old.request("list_dbs")["result"] and fresh.request("list_dbs")["result"], "connections of before the renewal")
        with open(files.certificate, "w") as f:
            f.write("rubbish")
        done, said = r.list_dbs(True, f"ssl:127.0.0.1:{port}", *r.stranger.options())
        expect(not done and f"{files.certificate}: no certificate can be read" in r.log(), f"a damaged certificate: {said}\n{r.log()}")


def columns():
    """--private-key=db:… and the others follow the database; `set-ssl` is enough to open a door that stood closed"""
    with rig.Rig(weft=OURS, name="tls-db") as r:
        authority = pki.Authority(r.dir, "our")
        server, client, second = (authority.issue(name) for name in ("server", "client", "second"))
        r.run("ovsdb-tool", "create", f"{r.dir}/conf.db", rig.SCHEMAS["conf"])
        names = {"private-key": "private_key", "certificate": "certificate", "bootstrap-ca-cert": "ca_cert"}
        r.start("conf", "ovsdb-server", f"--unixctl={r.dir}/conf.ctl", f"--remote=punix:{r.dir}/db.sock", "--remote=db:Open_vSwitch,Open_vSwitch,manager_options",
                *[f"--{option}=db:Open_vSwitch,SSL,{column}" for option, column in names.items()], f"{r.dir}/conf.db")
        vsctl = lambda *words: r.run("ovs-vsctl", "--no-wait", *words).strip()
        vsctl("init")
        vsctl("set-manager", "pssl:0:127.0.0.1")
        port = rig.wait_for(lambda: vsctl("get", "Manager", ".", "status:bound_port").strip('"'), "the manager's port")
        ask = lambda: r.run("ovsdb-client", "--timeout=5", *client.options(), "list-dbs", f"ssl:127.0.0.1:{port}", check=False)
        expect(ask().returncode, "a door without a key")
        vsctl("set-ssl", server.key, server.certificate, server.ca)
        expect(not ask().returncode, f"after set-ssl: {ask().stderr}")
        vsctl("set-ssl", second.key, second.certificate, second.ca)
        done = subprocess.run(["openssl", "s_client", "-connect", f"127.0.0.1:{port}", "-cert", client.certificate, "-key", client.key], input="", text=True,
                              capture_output=True, timeout=10)
        expect("CN = second" in done.stdout, f"after another set-ssl the server shows: {done.stdout[:400]}")
        vsctl("del-ssl")
        expect(ask().returncode, "after del-ssl")
        for option, words in (("--private-key=db:Open_vSwitch,Nope,x", 'db:Open_vSwitch,Nope,x": no table named Nope'),
                              ("--certificate=db:Open_vSwitch,SSL,nope", 'table "SSL" has no column "nope"'),
                              ("--ca-cert=db:Open_vSwitch,SSL,external_ids", 'column "external_ids" is not string or set of strings')):
            r.run("ovsdb-tool", "create", f"{r.dir}/conf2.db", rig.SCHEMAS["conf"])
            done = r.run("ovsdb-server", "--unixctl=none", option, f"{r.dir}/conf2.db", check=False)
            expect(done.returncode and words in done.stderr, f"{option}: {done.returncode} {done.stderr}")
            os.unlink(f"{r.dir}/conf2.db")


if __name__ == "__main__":
    rig.main(who_gets_in, protocols_and_ciphers, server_name, learnt_authority, renewal, columns)
