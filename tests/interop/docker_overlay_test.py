"""ovn-docker-overlay-driver: Docker's requests answered by Debian's driver and by ours, and what both did compared.

Debian's driver was written for another Python, where what a program printed was text: it is given that back.  Each
driver has a network namespace, databases and a switch of its own.  No Docker is needed: its requests are HTTP.
"""
import json
import os
import random
import subprocess
import time

import rig
from docker_host import Host, compared, ipv4
from overlay import sh
from rig import Failure, wait_for

SEED = int(os.environ.get("WEFT_SEED", time.time_ns() % 100000))


class Pair:
    def __init__(self, debian, ours):
        self.hosts = (debian, ours)

    def ask(self, method, body, verb="POST"):
        answers = [host.ask(method, body, verb) for host in self.hosts]
        if compared(answers[0]) != compared(answers[1]):
            raise Failure(f"{verb} {method} {body}: Debian's {answers[0]}, ours {answers[1]}")
        return compared(answers[1])

    def compare(self):
        theirs, ours = (host.contents() for host in self.hosts)
        remove = [f'"ovn-nb", "unix:{host.socket("nb")}"' for host in self.hosts]
        for what in theirs:
            a, b = str(theirs[what]).replace(remove[0], ""), str(ours[what]).replace(remove[1], "")
            if a != b:
                raise Failure(f"{what}:\nDebian's {a}\nours     {b}")


def pair_of_hosts(test):
    with Host("Debian's") as debian, Host("Weft's") as ours:
        for host in (debian, ours):
            host.start_vswitchd("--enable-dummy=system")
            host.run("ovs-vsctl", "set", "Open_vSwitch", ".", f"external_ids:ovn-nb=unix:{host.socket('nb')}")
            host.start_driver()
        test(Pair(debian, ours))


def requests_one_by_one(pair):
    """Each method, with what it needs and without."""
    if "tcp://" not in pair.hosts[1].spec():
        raise Failure(f"the spec file says {pair.hosts[1].spec()!r}")
    pair.compare()
    for method, verb in (("Plugin.Activate", "POST"), ("NetworkDriver.GetCapabilities", "POST"), ("NetworkDriver.DiscoverNew", "POST"),
                         ("NetworkDriver.DiscoverDelete", "POST"), ("Plugin.Activate", "GET"), ("Plugin.Activate", "PUT"),
                         ("", "POST"), ("NetworkDriver.Nothing", "POST"), ("NetworkDriver.ProgramExternalConnectivity", "POST"),
                         ("IpamDriver.GetCapabilities", "POST"), ("Plugin.Activate?x=1", "POST")):
        pair.ask(method, {}, verb)
    net = "NetworkDriver."
    for body in ({}, "", {"NetworkID": "n1"}, {"NetworkID": "n1", "IPv4Data": []}, {"NetworkID": "n1", "IPv4Data": [{}]},
                 {"NetworkID": "n1", "IPv4Data": [{"Pool": "10.1.0.0/16"}]}, {"NetworkID": "n1", "IPv4Data": [{"Gateway": "10.1.0.1/16"}]},
                 {"NetworkID": "n1", **ipv4("10.1.0.0/16", "")}, {"NetworkID": "", **ipv4("10.1.0.0/16", "10.1.0.1/16")},
                 {"NetworkID": "n1", **ipv4("10.1.0.0/16", "10.1.0.1/16")}, {"NetworkID": "n1", **ipv4("10.1.0.0/16", "10.1.0.1/16")},
                 {"NetworkID": "n2", **ipv4("fd00:2::/64", "fd00:2::1")}):
        pair.ask(net + "CreateNetwork", body)
    pair.compare()
    endpoint = "e" + "0123456789abcdef" * 2
    both = {"NetworkID": "n1", "EndpointID": endpoint}
    full = {"Address": "10.1.0.5/16", "AddressIPv6": "", "MacAddress": "02:42:0a:01:00:05"}
    for body in ({}, "", {"NetworkID": "n1"}, {"EndpointID": endpoint}, both, {**both, "Interface": {}}, {**both, "Interface": None},
                 {**both, "Interface": {**full, "Address": ""}}, {**both, "Interface": full}, {**both, "Interface": full},
                 {"NetworkID": "none", "EndpointID": "x", "Interface": full}):
        pair.ask(net + "CreateEndpoint", body)
    pair.compare()
    for body in ({}, "", {"NetworkID": "n1"}, {"EndpointID": endpoint}, {"NetworkID": "n1", "EndpointID": "none"}, both):
        pair.ask(net + "EndpointOperInfo", body)
    for body in ({}, "", both, {**both, "SandboxKey": ""}, {**both, "SandboxKey": "/var/run/docker/netns/0123abc"},
                 {**both, "SandboxKey": "again"}):
        pair.ask(net + "Join", body)
    pair.compare()
    for body in ({}, "", {"NetworkID": "n1"}, {"NetworkID": "n1", "EndpointID": "none"}, both, both):
        pair.ask(net + "Leave", body)
    pair.compare()
    for body in ({}, "", {"NetworkID": "n1"}, {"NetworkID": "n1", "EndpointID": "none"}, both, both):
        pair.ask(net + "DeleteEndpoint", body)
    for body in ({}, "", {"NetworkID": "none"}, {"NetworkID": "n1"}, {"NetworkID": "n1"}):
        pair.ask(net + "DeleteNetwork", body)
    pair.compare()


def random_walk(pair):
    """Networks and endpoints that come, join, leave and go."""
    pick = random.Random(SEED)
    where = {}  # endpoint → network
    for step in range(40):
        network, number = f"net{pick.randrange(3)}", pick.randrange(5)
        endpoint = f"{number}" * 20
        both = {"NetworkID": network, "EndpointID": endpoint}
        method = pick.choice(("CreateNetwork", "CreateNetwork", "CreateEndpoint", "CreateEndpoint", "Join", "Join", "Leave", "EndpointOperInfo",
                              "DeleteEndpoint", "DeleteNetwork"))
        if method == "CreateNetwork":
            both = {"NetworkID": network, **ipv4(f"10.{number}.0.0/16", f"10.{number}.0.1/16")}
        elif method == "CreateEndpoint":
            both["Interface"] = {"Address": f"10.9.0.{number + 2}/16", "MacAddress": f"02:42:00:00:00:0{number}"}
        elif method == "Join":
            both["SandboxKey"] = f"/var/run/docker/netns/{network}"
            if endpoint not in where:
                continue  # Debian's leaves the veth pair behind
        answer = pair.ask("NetworkDriver." + method, both)
        if method == "CreateEndpoint" and isinstance(answer, dict):
            where[endpoint] = network
        elif method == "DeleteEndpoint":
            where.pop(endpoint, None)
        elif method == "DeleteNetwork":
            where = {each: net for each, net in where.items() if net != network}
        if step % 8 == 7:
            pair.compare()
    pair.compare()


def answers_and_rows():
    """The answers of Debian's driver, and its rows and devices"""
    pair_of_hosts(requests_one_by_one)


def walk():
    """A random walk beside Debian's driver"""
    try:
        pair_of_hosts(random_walk)
    except Failure:
        print(f"seed {SEED}")
        raise


def bad_requests():
    """What is no request is refused, changes nothing and leaves nothing behind"""
    with Host("Weft's") as host:
        host.start_vswitchd("--enable-dummy=system")
        try:
            host.start_driver()
        except AssertionError as ended:
            if "ovn-nb" not in str(ended):
                raise
        else:
            raise Failure("the driver serves without ovn-nb")
        host.run("ovs-vsctl", "set", "Open_vSwitch", ".", f"external_ids:ovn-nb=unix:{host.socket('nb')}", "external_ids:ovn-bridge=br-x")
        host.start_driver()
        before = host.contents()
        if "br-x" not in str(before["bridges"]) or "br-int" in str(before):
            raise Failure(f"the bridge that ovn-bridge names: {before}")
        good = {"NetworkID": "n", **ipv4("10.0.0.0/8", "10.0.0.1/8")}
        net = "NetworkDriver."
        for method, body, want, words in (
                (net + "CreateNetwork", "{", 400, "JSON"), (net + "CreateNetwork", "[]", 400, "object"),
                (net + "CreateNetwork", {**good, "NetworkID": 5}, 400, "NetworkID"), (net + "CreateNetwork", {**good, "NetworkID": "--"}, 400, "--"),
                (net + "CreateNetwork", {**good, "NetworkID": "a b"}, 400, "a b"),
                (net + "CreateNetwork", {**good, **ipv4("10.0.0.0/8,x=y", "10.0.0.1")}, 200, "10.0.0.0/8,x=y"),
                (net + "CreateNetwork", {**good, **ipv4("10.0.0.0/8", "x")}, 200, '"x"'),
                (net + "CreateNetwork", {**good, "IPv4Data": {}}, 200, "subnet"), (net + "CreateNetwork", {**good, "IPv4Data": [7]}, 200, "subnet"),
                (net + "Join", {"NetworkID": "n", "EndpointID": "e", "SandboxKey": "s"}, 200, "no addresses of endpoint e"),
                (net + "DeleteEndpoint", {"NetworkID": "n", "EndpointID": "--if-exists"}, 400, "--if-exists")):
            status, text = host.ask(method, body)
            if status != want or words not in json.loads(text)["Err"]:
                raise Failure(f"{method} {body}: {status} {text}")
        if host.contents() != before:
            raise Failure(f"something changed: {host.contents()}")
        host.ask(net + "CreateNetwork", good)
        # An endpoint comes whole or not at all: the second has the first one's address.
        for number, address, error in ((1, "10.0.0.2/8", False), (2, "10.0.0.2/8", True), (3, "10.0.0.3/8", False)):
            _, text = host.ask(net + "CreateEndpoint", {"NetworkID": "n", "EndpointID": f"e{number}",
                                                         "Interface": {"Address": address, "AddressIPv6": f"fd00::{number}/64"}})
            told = json.loads(text)
            if error != ("Err" in told) or (not error and not told["Interface"]["MacAddress"].startswith("02:")):
                raise Failure(f"endpoint {number}: {text}")
        ports = str(host.contents()["ports"])
        if '"e1"' not in ports or '"e2"' in ports or "10.0.0.3 fd00::3" not in ports:
            raise Failure(f"ports: {ports}")
        # Nobody answers: the request fails in time, and the next is heard.
        host.kill("nb")
        status, text = host.ask(net + "DeleteNetwork", {"NetworkID": "n"})
        if status != 200 or "delete_network" not in json.loads(text)["Err"]:
            raise Failure(f"without a northbound database: {status} {text}")
        if host.ask("Plugin.Activate", {})[0] != 200:
            raise Failure("the driver is deaf")


def containers():
    """Two containers of a network ping each other, through the whole of Weft"""
    with Host("Weft's") as host:
        host.start_databases("sb")
        host.start_vswitchd()
        host.start_northd()
        host.run("ovs-vsctl", "set", "Open_vSwitch", ".", f"external_ids:ovn-nb=unix:{host.socket('nb')}")
        host.start_controller()
        host.start_driver()
        net = "NetworkDriver."
        host.ask(net + "CreateNetwork", {"NetworkID": "web", **ipv4("10.1.0.0/24", "10.1.0.1/24")})
        boxes = []
        try:
            for number in (2, 3):
                both = {"NetworkID": "web", "EndpointID": f"{number}" * 64}
                host.ask(net + "CreateEndpoint", {**both, "Interface": {"Address": f"10.1.0.{number}/24", "MacAddress": ""}})
                _, joined = host.ask(net + "Join", {**both, "SandboxKey": f"/var/run/docker/netns/box{number}"})
                inside = json.loads(joined)["InterfaceName"]["SrcName"]
                box = f"{host.netns}-{number}"
                sh("ip", "netns", "add", box)
                boxes.append(box)
                # What Docker does then.
                sh("ip", "link", "set", inside, "netns", box, "name", "eth0", ns=host.netns)
                sh("ip", "addr", "add", f"10.1.0.{number}/24", "dev", "eth0", ns=box)
                sh("ip", "link", "set", "eth0", "up", ns=box)
            wait_for(lambda: subprocess.run(["ip", "netns", "exec", boxes[0], "ping", "-c1", "-W1", "10.1.0.3"],
                                            capture_output=True).returncode == 0, "a ping from container to container")
            # One leaves: its port, and with that the device in the container, goes.
            host.ask(net + "Leave", {"NetworkID": "web", "EndpointID": "3" * 64})
            if "eth0" in sh("ip", "link", ns=boxes[1]) or "3" * 15 in host.run("ovs-vsctl", "list-ports", "br-int"):
                raise Failure("the container that left has its device")
        finally:
            for box in boxes:
                sh("ip", "netns", "del", box)


if __name__ == "__main__":
    rig.main(answers_and_rows, walk, bad_requests, containers)
