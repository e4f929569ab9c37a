"""Certificates for tests: an authority, and identities that it signed, as PEM files of a directory.

    ca = Authority(rig.dir, "our")                     # our-ca.pem
    server = ca.issue("server", host="localhost")      # server-key.pem, server-cert.pem
    rig.start("db", "ovsdb-server", *server.options(), …)
"""
import os
import subprocess


def openssl(*arguments, stdin=None):
    done = subprocess.run(["openssl", *arguments], input=stdin, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    if done.returncode:
        raise RuntimeError(f"openssl {' '.join(arguments)}: {done.stderr.strip()}")
    return done.stdout


class Identity:
    def __init__(self, key, certificate, ca):
        self.key, self.certificate, self.ca = key, certificate, ca

    def options(self, ca=None):
        """What a program is told on its command line."""
        return [f"--private-key={self.key}", f"--certificate={self.certificate}", f"--ca-cert={ca or self.ca}"]


class Authority:
    def __init__(self, directory, name):
        self.directory, self.serial = directory, 1
        self.key, self.certificate = self.path(f"{name}-ca-key.pem"), self.path(f"{name}-ca.pem")
        openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "30", "-subj", f"/CN={name} CA",
                "-keyout", self.key, "-out", self.certificate, "-addext", "basicConstraints=critical,CA:TRUE")

    def path(self, name):
        return os.path.join(self.directory, name)

    def issue(self, name, host=None, days=30, file=None):
        """Negative days: it has expired."""
        file = file or name
        key, certificate, request = (self.path(f"{file}-{what}.pem") for what in ("key", "cert", "request"))
        self.serial += 1
        openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", f"/CN={name}", "-keyout", key, "-out", request)
        extensions = self.path("extensions.cnf")
        with open(extensions, "w") as f:
            f.write("basicConstraints=CA:FALSE\n" + (f"subjectAltName=DNS:{host}\n" if host else ""))
        openssl("x509", "-req", "-in", request, "-CA", self.certificate, "-CAkey", self.key, "-set_serial", str(self.serial),
                "-days", str(days), "-extfile", extensions, "-out", certificate)
        os.unlink(request)
        return Identity(key, certificate, self.certificate)
