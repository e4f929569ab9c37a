"""ovn-docker-underlay-driver: containers inside a virtual machine of a pretend OpenStack cloud (tests/lib/cloud.py).

Debian's driver and ours answer the same requests, each with a cloud, databases and a switch of its own, and what both
did is compared.  The cloud makes the rows of the northbound database that networking-ovn would make, so that containers
reach each other through the hypervisor.
"""
import json
import os
import random
import subprocess
import time

import rig
from cloud import Cloud
from docker_host import Host, compared, in_namespace, ipv4
from overlay import sh
from rig import Failure, Rig, wait_for

SEED = int(os.environ.get("WEFT_SEED", time.time_ns() % 100000))
VIF = "e798c371-85f4-4f2d-ad65-d09dd1d3c1c9"
NET = "NetworkDriver."


class Vm(Host):
    """The virtual machine, and its cloud, which listens at its loopback."""
    driver_name = "ovn-docker-underlay-driver"
    databases = ("conf",)

    def __init__(self, which):
        super().__init__(which)
        self.cloud = None

    def __exit__(self, *problem):
        if self.cloud:
            self.cloud.stop()
        super().__exit__(*problem)

    def serve(self, version="/v2.0", follower=None, tls=None, **environment):
        self.cloud = in_namespace(self.netns, lambda: Cloud(follower=follower, tls=tls))
        self.start_with(OS_AUTH_URL=self.cloud.base + version, **environment)

    def start_with(self, **environment):
        self.start_driver("--bridge", "breth0", environment={
            "OS_USERNAME": "demo", "OS_PASSWORD": "secret", "OS_TENANT_ID": "fab106b215d9", "OS_TENANT_NAME": "demo", "OS_VIF_ID": VIF,
            **environment})

    def contents(self):
        ports = json.loads(self.run("ovs-vsctl", "--no-wait", "--format=json", "--columns=name,tag,external_ids", "list", "Port"))
        return {"cloud": json.dumps(self.cloud.things, sort_keys=True),
                "asked to change": [each for each in self.cloud.log if each[0] != "GET" and "tokens" not in each[1]],
                "ports": sorted(map(str, ports["data"])),
                "host": self.rows("ovs-vsctl", "Open_vSwitch", ("external_ids",)),
                "devices": self.links()}


def interface(number, mac=True):
    return {"Address": f"10.1.0.{number}/24", "AddressIPv6": "", "MacAddress": f"02:42:0a:01:00:{number:02x}" if mac else ""}


class Pair:
    def __init__(self, debian, ours):
        self.vms = (debian, ours)

    def ask(self, method, body, verb="POST"):
        answers = [vm.ask(method, body, verb) for vm in self.vms]
        if compared(answers[0]) != compared(answers[1]):
            raise Failure(f"{verb} {method} {body}: Debian's {answers[0]}, ours {answers[1]}")
        return compared(answers[1])

    def compare(self):
        theirs, ours = (vm.contents() for vm in self.vms)
        for what in theirs:
            if theirs[what] != ours[what]:
                raise Failure(f"{what}:\nDebian's {theirs[what]}\nours     {ours[what]}")


def pair_of_vms(test):
    with Vm("Debian's") as debian, Vm("Weft's") as ours:
        for vm in (debian, ours):
            vm.start_vswitchd("--enable-dummy=system")
            vm.run("ovs-vsctl", "add-br", "breth0")
            vm.serve()
        test(Pair(debian, ours))


def requests_one_by_one(pair):
    if "tcp://" not in pair.vms[1].spec():
        raise Failure(f"the spec file says {pair.vms[1].spec()!r}")
    for method, verb in (("Plugin.Activate", "POST"), (NET + "GetCapabilities", "POST"), (NET + "DiscoverNew", "POST"),
                         (NET + "DiscoverDelete", "POST"), ("Plugin.Activate", "GET"), (NET + "Nothing", "POST")):
        pair.ask(method, {}, verb)
    for body in ({}, "", {"NetworkID": "n1"}, {"NetworkID": "n1", "IPv4Data": []}, {"NetworkID": "n1", "IPv4Data": [{"Pool": "10.1.0.0/24"}]},
                 {"NetworkID": "n1", **ipv4("10.1.0.0/24", "")}, {"NetworkID": "n1", **ipv4("10.1.0.0/24", "10.1.0.1/24")},
                 {"NetworkID": "n1", **ipv4("10.1.0.0/24", "10.1.0.1/24")}):
        pair.ask(NET + "CreateNetwork", body)
    pair.compare()
    one, two = "e1" + "0123456789abcdef" * 2, "e2" + "0123456789abcdef" * 2
    both = {"NetworkID": "n1", "EndpointID": one}
    for body in ({}, "", {"NetworkID": "n1"}, both, {**both, "Interface": {}}, {**both, "Interface": {**interface(5), "Address": ""}},
                 {**both, "Interface": interface(5)}, {**both, "Interface": interface(5)},
                 {"NetworkID": "n1", "EndpointID": two, "Interface": interface(5)},
                 {"NetworkID": "n1", "EndpointID": two, "Interface": interface(6, mac=False)},
                 {"NetworkID": "none", "EndpointID": "x", "Interface": interface(7)}):
        pair.ask(NET + "CreateEndpoint", body)
    pair.compare()
    for body in ({}, "", {"NetworkID": "n1", "EndpointID": "none"}, both):
        pair.ask(NET + "EndpointOperInfo", body)
    for body in ({}, "", both, {**both, "SandboxKey": "/var/run/docker/netns/0123abc"}, {**both, "SandboxKey": "again"},
                 {"NetworkID": "n1", "EndpointID": "none", "SandboxKey": "s"}, {"NetworkID": "none", "EndpointID": one, "SandboxKey": "s"},
                 {"NetworkID": "n1", "EndpointID": two, "SandboxKey": "s"}):
        pair.ask(NET + "Join", body)
    pair.compare()
    for body in ({}, "", {"NetworkID": "n1", "EndpointID": "none"}, both, both):
        pair.ask(NET + "Leave", body)
    pair.ask(NET + "DeleteNetwork", {"NetworkID": "n1"})  # in use
    pair.compare()
    for body in ({}, "", {"NetworkID": "n1", "EndpointID": "none"}, both, both, {"NetworkID": "n1", "EndpointID": two}):
        pair.ask(NET + "DeleteEndpoint", body)
    pair.compare()
    for body in ({}, {"NetworkID": "none"}, {"NetworkID": "n1"}, {"NetworkID": "n1"}):
        pair.ask(NET + "DeleteNetwork", body)
    pair.compare()


def random_walk(pair):
    """Networks and endpoints that come, join, leave and go; tags are used again."""
    pick = random.Random(SEED)
    made = set()
    for step in range(50):
        number = pick.randrange(6)
        network, endpoint = f"net{number % 2}", f"{number}" * 20
        both = {"NetworkID": network, "EndpointID": endpoint}
        method = pick.choice(("CreateNetwork", "CreateNetwork", "CreateEndpoint", "CreateEndpoint", "CreateEndpoint", "Join", "Join", "Leave",
                              "EndpointOperInfo", "DeleteEndpoint", "DeleteNetwork"))
        if method == "CreateNetwork":
            both = {"NetworkID": network, **ipv4("10.1.0.0/24", "10.1.0.1/24")}
        elif method == "CreateEndpoint":
            both["Interface"] = interface(number + 2, mac=pick.random() < 0.7)
        elif method == "Join":
            both["SandboxKey"] = f"/var/run/docker/netns/{network}"
            if endpoint not in made:
                continue
        answer = pair.ask(NET + method, both)
        if method == "CreateEndpoint" and "Interface" in answer:
            made.add(endpoint)
        elif method == "DeleteEndpoint":
            made.discard(endpoint)
        if step % 10 == 9:
            pair.compare()
    pair.compare()


def answers_and_rows():
    """The answers of Debian's driver, what it asks of the cloud, and its rows and devices"""
    pair_of_vms(requests_one_by_one)


def walk():
    """A random walk beside Debian's driver"""
    try:
        pair_of_vms(random_walk)
    except Failure:
        print(f"seed {SEED}")
        raise


def error_of(vm, method, body):
    status, text = vm.ask(NET + method, body)
    told = json.loads(text)
    if status != 200:
        raise Failure(f"{method}: {status} {text}")
    return told.get("Err", "")


def start_fails(vm, words, **environment):
    try:
        vm.start_with(**environment)
    except AssertionError as ended:
        if words not in str(ended):
            raise
    else:
        raise Failure(f"the driver serves although: {words}")


NETWORK = {"NetworkID": "n1", **ipv4("10.1.0.0/24", "10.1.0.1/24")}


def clouds_and_faults():
    """Keystone's versions, TLS, tokens that expire, and requests that change all or nothing"""
    with Vm("Weft's") as vm:
        vm.start_vswitchd("--enable-dummy=system")
        start_fails(vm, "breth0", OS_AUTH_URL="http://127.0.0.1:1/v2.0")
        vm.run("ovs-vsctl", "add-br", "breth0")
        for name in ("OS_AUTH_URL", "OS_USERNAME", "OS_TENANT_ID", "OS_VIF_ID"):
            start_fails(vm, f"env {name} not set", **{"OS_AUTH_URL": "http://127.0.0.1:1/v2.0", name: ""})
        # Version 3, by its own path or as what is meant without one.
        for version in ("/v3", "/v3/", ""):
            vm.serve(version)
            if error_of(vm, "CreateNetwork", NETWORK) or not vm.cloud.things["networks"]:
                raise Failure(f"version 3 at {version!r}: {vm.cloud.log}")
            # One token serves until it has expired.
            vm.ask(NET + "EndpointOperInfo", {"NetworkID": "n1", "EndpointID": "x"})
            vm.cloud.forget_tokens()
            if error_of(vm, "DeleteNetwork", {"NetworkID": "n1"}) or vm.cloud.things["networks"]:
                raise Failure(f"after the token expired: {vm.cloud.log}")
            tokens = [each for each in vm.cloud.log if "tokens" in each[1]]
            if len(tokens) != 2:
                raise Failure(f"asked for tokens: {tokens}")
            vm.stop_driver()
            vm.cloud.stop()
        # Who is not known to Keystone is told so.
        vm.serve(OS_PASSWORD="wrong")
        if "authentication" not in error_of(vm, "CreateNetwork", NETWORK):
            raise Failure("a wrong password")
        vm.stop_driver()
        vm.start_with(OS_AUTH_URL=vm.cloud.base + "/v2.0")
        # A network without its subnet is taken back, a refused port leaves no tag.
        vm.cloud.refuse_next = ("POST", "subnets", 500)
        if "made by the test" not in error_of(vm, "CreateNetwork", NETWORK) or vm.cloud.things["networks"]:
            raise Failure(f"the network of a refused subnet: {vm.cloud.things}")
        vm.ask(NET + "CreateNetwork", NETWORK)
        vm.cloud.refuse_next = ("POST", "ports", 409)
        if not error_of(vm, "CreateEndpoint", {"NetworkID": "n1", "EndpointID": "e1", "Interface": interface(5)}):
            raise Failure("a refused port")
        if vm.run("ovs-vsctl", "get", "Open_vSwitch", ".", "external_ids").strip() != "{}":
            raise Failure("a tag is left behind")
        # The tags outlive the driver.
        for number in (5, 6):
            vm.ask(NET + "CreateEndpoint", {"NetworkID": "n1", "EndpointID": f"e{number}", "Interface": interface(number)})
        vm.stop_driver()
        vm.start_with(OS_AUTH_URL=vm.cloud.base + "/v2.0")
        vm.ask(NET + "DeleteEndpoint", {"NetworkID": "n1", "EndpointID": "e5"})
        for number in (7, 8):
            vm.ask(NET + "CreateEndpoint", {"NetworkID": "n1", "EndpointID": f"e{number}", "Interface": interface(number)})
        tags = {port["name"]: port["binding:profile"]["tag"] for port in vm.cloud.things["ports"].values()}
        if tags != {"e6": 2, "e7": 1, "e8": 3}:
            raise Failure(f"tags {tags}")
        # The cloud is gone: the request fails in time, and the next is heard.
        vm.cloud.stop()
        error = error_of(vm, "DeleteNetwork", {"NetworkID": "n1"})
        if "127.0.0.1" not in error or vm.ask("Plugin.Activate", {})[0] != 200:
            raise Failure(f"without a cloud: {error}")


def encrypted():
    """HTTPS, with authorities of our own, and none that we trust"""
    with Vm("Weft's") as vm:
        vm.start_vswitchd("--enable-dummy=system")
        vm.run("ovs-vsctl", "add-br", "breth0")
        subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=cloud", "-addext",
                        "subjectAltName=IP:127.0.0.1", "-keyout", f"{vm.dir}/key.pem", "-out", f"{vm.dir}/cert.pem"], check=True,
                       capture_output=True)
        tls = (f"{vm.dir}/cert.pem", f"{vm.dir}/key.pem")
        for version in ("/v2.0", "/v3"):
            vm.serve(version, tls=tls, OS_CACERT=tls[0])
            error = error_of(vm, "CreateNetwork", NETWORK)
            if error or not vm.cloud.things["networks"]:
                raise Failure(f"https: {error}")
            vm.stop_driver()
            vm.cloud.stop()
        vm.serve(tls=tls)
        error = error_of(vm, "CreateNetwork", NETWORK)
        if "certificate" not in error or vm.cloud.log:
            raise Failure(f"a certificate that nobody vouches for: {error}")
        vm.stop_driver()
        vm.start_with(OS_AUTH_URL=vm.cloud.base.replace("127.0.0.1", "localhost") + "/v2.0", OS_CACERT=tls[0])
        error = error_of(vm, "CreateNetwork", NETWORK)
        if "certificate" not in error or vm.cloud.log:
            raise Failure(f"a certificate of another name: {error}")
        vm.stop_driver()
        vm.start_with(OS_AUTH_URL=vm.cloud.base + "/v2.0", OS_INSECURE="1")
        if error := error_of(vm, "CreateNetwork", NETWORK):
            raise Failure(f"OS_INSECURE: {error}")


class NetworkingOvn:
    """Makes the northbound rows that OpenStack's OVN driver makes."""

    def __init__(self, hypervisor):
        self.hypervisor = hypervisor

    def nbctl(self, *words):
        self.hypervisor.run("ovn-nbctl", *words)

    def on_network(self, network):
        self.nbctl("ls-add", "neutron-" + network["id"])

    def on_port(self, port):
        profile = port.get("binding:profile", {})
        behind = [profile["parent_name"], str(profile["tag"])] if profile else []
        addresses = " ".join([port["mac_address"]] + [each["ip_address"] for each in port["fixed_ips"]])
        self.nbctl("lsp-add", "neutron-" + port["network_id"], port["id"], *behind, "--", "lsp-set-addresses", port["id"], addresses,
                   "--", "lsp-set-port-security", port["id"], addresses)

    def on_gone(self, kind, identity):
        if kind != "subnets":
            self.nbctl(*(("ls-del", "neutron-" + identity) if kind == "networks" else ("lsp-del", identity)))


def containers():
    """Containers of two networks in a virtual machine: one pings its neighbour and another machine through the hypervisor"""
    outside = f"weft-dkh-{os.getpid()}"
    with Vm("Weft's") as vm, Rig("all", "hypervisor", outside) as hypervisor:
        boxes = []
        sh("ip", "netns", "add", outside)
        try:
            sh("ip", "link", "set", "lo", "up", ns=outside)
            hypervisor.start_databases()
            hypervisor.start_vswitchd()
            hypervisor.start_northd()
            hypervisor.start_controller()
            wait_for(lambda: "br-int" in hypervisor.run("ovs-vsctl", "list-br"), "br-int")
            follower = NetworkingOvn(hypervisor)
            # The interface of the virtual machine, in a network of its own; and another machine, in that of the containers.
            follower.nbctl("ls-add", "management", "--", "lsp-add", "management", VIF, "--", "lsp-set-addresses", VIF, "fa:16:3e:ff:00:01 10.9.0.2")
            sh("ip", "link", "add", "tap-vm", "type", "veth", "peer", "name", "eth0", "netns", vm.netns, ns=outside)
            other = f"{vm.netns}-other"
            sh("ip", "netns", "add", other)
            boxes.append(other)
            sh("ip", "link", "add", "tap-other", "type", "veth", "peer", "name", "eth0", "netns", other, ns=outside)
            for tap, port in (("tap-vm", VIF), ("tap-other", "other")):
                sh("ip", "link", "set", tap, "up", ns=outside)
                hypervisor.run("ovs-vsctl", "add-port", "br-int", tap, "--", "set", "interface", tap, f"external_ids:iface-id={port}")
            vm.start_vswitchd()
            sh("ip", "link", "set", "eth0", "up", ns=vm.netns)
            vm.run("ovs-vsctl", "add-br", "breth0", "--", "add-port", "breth0", "eth0")
            vm.serve(follower=follower)
            for network in ("web", "db"):
                vm.ask(NET + "CreateNetwork", {"NetworkID": network, **ipv4("10.1.0.0/24", "10.1.0.1/24")})
            web = next(iter(vm.cloud.things["networks"]))
            follower.nbctl("lsp-add", "neutron-" + web, "other", "--", "lsp-set-addresses", "other", "02:00:00:00:00:09 10.1.0.9")
            plan = [(2, "web"), (3, "web"), (4, "db")]
            for number, network in plan:
                both = {"NetworkID": network, "EndpointID": f"{number}" * 64}
                error = error_of(vm, "CreateEndpoint", {**both, "Interface": {"Address": f"10.1.0.{number}/24", "MacAddress": ""}})
                _, joined = vm.ask(NET + "Join", {**both, "SandboxKey": f"/var/run/docker/netns/box{number}"})
                told = json.loads(joined)
                if error or told.get("Gateway") != "10.1.0.1":
                    raise Failure(f"container {number}: {error} {joined}")
                box = f"{vm.netns}-{number}"
                sh("ip", "netns", "add", box)
                boxes.append(box)
                # What Docker does then.
                sh("ip", "link", "set", told["InterfaceName"]["SrcName"], "netns", box, "name", "eth0", ns=vm.netns)
            for number, box in [(9, other)] + [(number, f"{vm.netns}-{number}") for number, _ in plan]:
                sh("ip", "addr", "add", f"10.1.0.{number}/24", "dev", "eth0", ns=box)
                if number == 9:
                    sh("ip", "link", "set", "eth0", "address", "02:00:00:00:00:09", ns=box)
                sh("ip", "link", "set", "eth0", "up", ns=box)

            def pings(number):
                return subprocess.run(["ip", "netns", "exec", f"{vm.netns}-2", "ping", "-c1", "-W1", f"10.1.0.{number}"],
                                      capture_output=True).returncode == 0
            wait_for(lambda: pings(9), "a ping from a container to another machine")
            wait_for(lambda: pings(3), "a ping from container to container, by the hypervisor")
            if pings(4):
                raise Failure("a container of another network answers")
            # Tags are the machine's own: the other network's container has its own.
            tags = sorted(vm.run("ovs-vsctl", "get", "Port", f"{number}" * 15, "tag").strip() for number, _ in plan)
            if tags != ["1", "2", "3"]:
                raise Failure(f"tags {tags}")
            for method in ("Leave", "DeleteEndpoint"):
                if error := error_of(vm, method, {"NetworkID": "web", "EndpointID": "3" * 64}):
                    raise Failure(error)
            if pings(3) or "eth0" in sh("ip", "link", ns=f"{vm.netns}-3"):
                raise Failure("the container that left has its device")
            if len(hypervisor.run("ovn-nbctl", "lsp-list", "neutron-" + web).splitlines()) != 2:
                raise Failure("its port is still there")
        finally:
            for box in boxes:
                sh("ip", "netns", "del", box)
            vm.stop_driver()
            sh("ip", "netns", "del", outside)


if __name__ == "__main__":
    rig.main(answers_and_rows, walk, clouds_and_faults, encrypted, containers)
