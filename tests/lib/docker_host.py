"""A host on which one of Docker's network drivers serves, and Docker's requests.

Debian's drivers were written for another Python, where what a program printed was text: they are given that back.
"""
import ctypes
import http.client
import json
import os
import socket
import subprocess

import rig
from overlay import sh
from rig import Failure, Rig, wait_for

TEXT_OF_PROGRAMS = """
import subprocess
plain = subprocess.Popen.__init__
subprocess.Popen.__init__ = lambda self, *a, **k: plain(self, *a, **{"universal_newlines": True, **k})
"""
MARK = {"Debian's": 1, "Weft's": 2}
libc = ctypes.CDLL(None, use_errno=True)


def in_namespace(netns, act):
    """What act() returns in that network namespace: sockets that it makes stay there."""
    with open("/proc/thread-self/ns/net") as home, open(f"/run/netns/{netns}") as there:
        if libc.setns(there.fileno(), 0):
            raise Failure("setns")
        try:
            return act()
        finally:
            libc.setns(home.fileno(), 0)


class Connection(http.client.HTTPConnection):
    """To a port of the loopback of a network namespace."""

    def __init__(self, netns):
        super().__init__("127.0.0.1", 5000, timeout=20)
        self.netns = netns

    def connect(self):
        self.sock = in_namespace(self.netns, lambda: socket.create_connection(("127.0.0.1", 5000), 20))


class Host(Rig):
    """A host on which the driver serves, without a switch of the real network."""

    driver_name = "ovn-docker-overlay-driver"
    databases = ("conf", "nb")

    def __init__(self, which):
        self.which = which
        self.netns_name = f"weft-dk{MARK[which]}-{os.getpid()}"
        super().__init__(rig.ALL | {self.driver_name} if which == "Weft's" else (), "docker", self.netns_name)
        self.driver = None
        self.made_folder = False

    def __enter__(self):
        sh("ip", "netns", "add", self.netns)
        sh("ip", "link", "set", "lo", "up", ns=self.netns)
        try:
            os.mkdir("/etc/docker")
            self.made_folder = True
        except FileExistsError:
            pass
        self.start_databases(*self.databases)
        return self

    def __exit__(self, *problem):
        self.stop_driver()
        super().__exit__(*problem)
        sh("ip", "netns", "del", self.netns)
        if self.made_folder:
            os.rmdir("/etc/docker")

    def stop_driver(self):
        if self.driver and self.driver.poll() is None:
            self.driver.terminate()
            self.driver.wait(10)

    def start_driver(self, *arguments, environment=None):
        """In a mount namespace where the folder of Docker's plugins is empty."""
        with open(f"{self.dir}/sitecustomize.py", "w") as f:
            f.write(TEXT_OF_PROGRAMS)
        env = dict(self.env, PYTHONPATH=self.dir, **(environment or {}))
        script = f"mount --make-rprivate / && mount -t tmpfs none /etc/docker && exec {self.path(self.driver_name)} {' '.join(arguments)}"
        log = open(f"{self.dir}/driver.log", "w")
        self.driver = subprocess.Popen(["ip", "netns", "exec", self.netns, "unshare", "-m", "sh", "-c", script], env=env,
                                       stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=self.dir)
        wait_for(self.answers, f"{self.which} driver to answer")

    def answers(self):
        if self.driver.poll() is not None:
            raise AssertionError(f"{self.which} driver ended: " + open(f"{self.dir}/driver.log").read())
        try:
            return self.ask("Plugin.Activate", {})[0] == 200
        except OSError:
            return False

    def ask(self, method, body, verb="POST"):
        connection = Connection(self.netns)
        text = body if isinstance(body, str) else json.dumps(body)
        connection.request(verb, "/" + method, text, {"Content-Type": "application/json"})
        answer = connection.getresponse()
        status, told = answer.status, answer.read().decode()
        connection.close()
        return status, told

    def spec(self):
        """What Docker reads, in the driver's mount namespace."""
        return sh("nsenter", f"--mount=/proc/{self.driver.pid}/ns/mnt", "cat", "/etc/docker/plugins/openvswitch.spec")

    def rows(self, tool, table, columns):
        told = json.loads(self.run(tool, "--no-wait", "--format=json", f"--columns={','.join(columns)}", "list", table))
        return sorted(json.dumps(dict(zip(told["headings"], row)), sort_keys=True) for row in told["data"])

    def links(self):
        links = json.loads(sh("ip", "-j", "link", "show", "type", "veth", ns=self.netns) or "[]")
        return sorted((link["ifname"], "UP" in link["flags"], link["address"] if link["ifname"].endswith("_c") else "")
                      for link in links)

    def contents(self):
        return {"switches": self.rows("ovn-nbctl", "Logical_Switch", ("name", "external_ids", "other_config")),
                "ports": self.rows("ovn-nbctl", "Logical_Switch_Port", ("name", "addresses", "external_ids", "type", "options")),
                "interfaces": self.rows("ovs-vsctl", "Interface", ("name", "external_ids", "type")),
                "bridges": self.rows("ovs-vsctl", "Bridge", ("name", "external_ids", "fail_mode", "other_config")),
                "host": self.rows("ovs-vsctl", "Open_vSwitch", ("external_ids",)),
                "devices": self.links()}


def compared(answer):
    """What of an answer is to be equal: of an error, which step failed; of refused requests, the status."""
    status, text = answer
    if status != 200:
        return status
    body = json.loads(text)
    if "Err" in body:
        return body["Err"].split(":")[0]
    return body


def ipv4(pool, gateway):
    return {"IPv4Data": [{"AddressSpace": "GlobalDefault", "Pool": pool, "Gateway": gateway}], "IPv6Data": [], "Options": {}}
