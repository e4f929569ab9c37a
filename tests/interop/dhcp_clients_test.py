"""Real clients, each in a namespace of its own, are served by Weft's daemons alone: dhclient, udhcpc, rdisc6.

    WEFT_CLIENTS_OF=ovn-controller      only these programs of Weft's, the others Debian's
"""
import os
import re
import subprocess
import sys
import time

import rig

HOST = f"weftdhcp{os.getpid()}"
NETWORK = (
    ["ls-add", "sw0"],
    ["--id=@d", "create", "DHCP_Options", "cidr=10.0.0.0/24", "options:server_id=10.0.0.1", 'options:server_mac="c0:ff:ee:00:00:01"',
     "options:lease_time=3600", "options:router=10.0.0.1", "options:dns_server=10.0.0.53", 'options:domain_name="\\"example.org\\""', "options:mtu=1400",
     "--", "--id=@e", "create", "DHCP_Options", 'cidr="fd00::/64"', 'options:server_id="c0:ff:ee:00:00:06"', 'options:dns_server="fd00::53"',
     'options:domain_search="\\"example.org\\""',
     *(word for n in (1, 2) for word in (
         "--", "lsp-add", "sw0", f"p{n}", "--", "lsp-set-addresses", f"p{n}", f"02:00:00:00:00:0{n} 10.0.0.1{n} fd00::1{n}",
         "--", "set", "Logical_Switch_Port", f"p{n}", "dhcpv4_options=@d", "dhcpv6_options=@e"))],
    ["lr-add", "lr0", "--", "lrp-add", "lr0", "lr0-sw0", "00:00:00:00:ff:01", "10.0.0.1/24", "fd00::1/64",
     "--", "set", "Logical_Router_Port", "lr0-sw0", "ipv6_ra_configs:address_mode=dhcpv6_stateful", "ipv6_ra_configs:mtu=1400",
     "--", "lsp-add", "sw0", "sw0-lr0", "--", "lsp-set-type", "sw0-lr0", "router", "--", "lsp-set-addresses", "sw0-lr0", "router",
     "--", "lsp-set-options", "sw0-lr0", "router-port=lr0-sw0"],
)
SCRIPT = """#!/bin/sh
# Writes what the client was given, and gives the interface its address.
case "${reason:-$1}" in
PREINIT|PREINIT6|deconfig) ip link set "$interface" up ;;
BOUND|RENEW|REBOOT) ip addr replace "$new_ip_address/24" dev "$interface"
    echo "$new_ip_address $new_routers $new_domain_name_servers $new_domain_name $new_interface_mtu $new_dhcp_lease_time" > "$LEASE" ;;
BOUND6|RENEW6|REBIND6) echo "$new_ip6_address $new_dhcp6_name_servers $new_dhcp6_domain_search" > "$LEASE" ;;
bound) ip addr replace "$ip/24" dev "$interface"
    echo "$ip $router $dns $domain $mtu $lease" > "$LEASE" ;;
esac
[ -z "$EVENTS" ] || echo "$reason $new_ip6_address $old_ip6_address $new_max_life" >> "$EVENTS"
"""


def run(*command, check=True, **more):
    done = subprocess.run(command, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=40, **more)
    if check and done.returncode:
        raise rig.Failure(f"{' '.join(command)}: exit {done.returncode}: {done.stdout.strip()}")
    return done.stdout


class Clients(rig.Rig):
    def __init__(self):
        only = os.environ.get("WEFT_CLIENTS_OF")
        super().__init__(weft=set(only.split(",")) if only else "all", name="clients", netns=HOST)
        self.spaces = [HOST, f"{HOST}a", f"{HOST}b"]
        for space in self.spaces:
            run("ip", "netns", "add", space)
            run("ip", "netns", "exec", space, "ip", "link", "set", "lo", "up")
        for n, space in enumerate(self.spaces[1:], 1):
            run("ip", "netns", "exec", HOST, "ip", "link", "add", f"vif{n}", "type", "veth", "peer", "name", "eth0", "netns", space)
            run("ip", "netns", "exec", HOST, "ip", "link", "set", f"vif{n}", "up")
            run("ip", "netns", "exec", space, "ip", "link", "set", "eth0", "address", f"02:00:00:00:00:0{n}", "up")
        self.script = os.path.join(self.dir, "client-script")
        with open(self.script, "w") as f:
            f.write(SCRIPT)
        os.chmod(self.script, 0o755)

    def stop(self):
        super().stop()
        for space in self.spaces:
            run("ip", "netns", "del", space, check=False)

    def client(self, n, *command):
        """What the script wrote about the lease that the client got on port n."""
        lease = os.path.join(self.dir, f"lease{n}")
        if os.path.exists(lease):
            os.unlink(lease)
        said = run("ip", "netns", "exec", self.spaces[n], "timeout", "25", *command, check=False, env=dict(self.env, LEASE=lease))
        if not os.path.exists(lease):
            raise rig.Failure(f"{command[0]} got no lease; it said: {said}")
        with open(lease) as f:
            return f.read().split()

    def dhclient(self, n, family, *more):
        pid = os.path.join(self.dir, f"dhclient{n}.pid")
        try:
            return self.client(n, "dhclient", family, "-1", "-v", "-cf", "/dev/null", "-sf", self.script, "-e", f"LEASE={self.dir}/lease{n}",
                               "-lf", f"{self.dir}/dhclient{n}{family}.leases", "-pf", pid, *more, "eth0")
        finally:
            if os.path.exists(pid):
                with open(pid) as f:
                    try:
                        os.kill(int(f.read()), 15)
                    except (ProcessLookupError, ValueError):  # it has ended, or did not get so far
                        pass


def equal(what, got, wanted):
    if got != wanted:
        raise rig.Failure(f"{what}: {got}, not {wanted}")


def served(r):
    """Two ports of a network, each with a namespace behind it."""
    r.start_databases()
    r.start_vswitchd()
    if "ovs-vswitchd" not in r.weft:  # Debian's needs its own datapath where the kernel has none
        r.run("ovs-vsctl", "set", "Open_vSwitch", ".", "external-ids:ovn-bridge-datapath-type=netdev")
        for n, space in enumerate(r.spaces[1:], 1):
            run("ip", "netns", "exec", space, "ethtool", "-K", "eth0", "tx", "off")
            run("ip", "netns", "exec", HOST, "ethtool", "-K", f"vif{n}", "tx", "off")
    r.start_northd()
    r.start_controller()
    rig.wait_for(lambda: r.run("ovs-vsctl", "--no-wait", "br-exists", "br-int", check=False).returncode == 0, "br-int")
    for command in NETWORK:
        r.run("ovn-nbctl", *command)
    for n in (1, 2):
        r.run("ovs-vsctl", "add-port", "br-int", f"vif{n}", "--", "set", "Interface", f"vif{n}", f"external_ids:iface-id=p{n}")
    rig.wait_for(lambda: all(r.run("ovn-nbctl", "lsp-get-up", f"p{n}").strip() == "up" for n in (1, 2)), "both ports up", 25)
    r.run("ovn-nbctl", "--timeout=20", "--wait=hv", "sync")


def clients():
    """dhclient -4 and -6, udhcpc and rdisc6 get what the northbound database says"""
    with Clients() as r:
        served(r)
        equal("dhclient -4", r.dhclient(1, "-4"), ["10.0.0.11", "10.0.0.1", "10.0.0.53", "example.org", "1400", "3600"])
        equal("udhcpc", r.client(2, "udhcpc", "-f", "-q", "-n", "-t", "10", "-T", "1", "-O", "mtu", "-s", r.script, "-i", "eth0"),
              ["10.0.0.12", "10.0.0.1", "10.0.0.53", "example.org", "1400", "3600"])
        ping = run("ip", "netns", "exec", r.spaces[1], "ping", "-c", "3", "-i", "0.2", "-W", "2", "10.0.0.12", check=False)
        if " 0% packet loss" not in ping:
            raise rig.Failure(f"the clients do not reach each other: {ping}")
        has_link_local(r)
        equal("dhclient -6", r.dhclient(1, "-6"), ["fd00::11", "fd00::53", "example.org."])
        advertised = run("ip", "netns", "exec", r.spaces[1], "rdisc6", "-1", "-w", "3000", "eth0", check=False)
        for line in ("Stateful address conf.    :          Yes", "Prefix                   : fd00::/64", "MTU                      :         1400",
                     "Source link-layer address: 00:00:00:00:FF:01"):
            if line not in advertised:
                raise rig.Failure(f"rdisc6 does not show {line!r}: {advertised}")


def has_link_local(r):
    addresses = lambda: run("ip", "netns", "exec", r.spaces[1], "ip", "-6", "addr", "show", "eth0")
    rig.wait_for(lambda: "fe80" in (shown := addresses()) and "tentative" not in shown, "a link-local address")


class Dhclient6:
    """dhclient -6 on the first port, over time: what its script was told."""

    def __init__(self, r):
        self.r, self.leases, self.events = r, f"{r.dir}/long.leases", f"{r.dir}/events"
        self.pidfile = f"{r.dir}/long.pid"

    def start(self, *words):
        """Returns when it has a lease and goes on in the background."""
        open(self.events, "w").close()
        said = run("ip", "netns", "exec", self.r.spaces[1], "timeout", "20", "dhclient", "-6", "-v", "-cf", "/dev/null", "-sf", self.r.script,
                   "-e", f"EVENTS={self.events}", "-e", f"LEASE={self.r.dir}/long", "-lf", self.leases, "-pf", self.pidfile, *words, "eth0", check=False)
        return said

    def stop(self):
        if os.path.exists(self.pidfile):
            with open(self.pidfile) as f:
                try:
                    os.kill(int(f.read()), 9)
                except (ProcessLookupError, ValueError):
                    pass
            os.unlink(self.pidfile)

    def told(self):
        with open(self.events) as f:
            return [tuple(line.split()) for line in f if not line.startswith("PREINIT")]

    def wait_told(self, what, events):
        """The lease is in the file before the client's script has run."""
        rig.wait_for(lambda: [event[0] for event in self.told()] == events, f"{what}: {events}, now {self.told()}")

    def lease(self):
        """The last one in its file: (address, life) pairs."""
        with open(self.leases) as f:
            last = f.read().rsplit("lease6", 1)[-1]
        return re.findall(r"iaaddr (\S+) .*?max-life (\d+);", last, re.S)

    def shorten(self, renew, rebind, life):
        """The lease as a server with short times would have given it now."""
        with open(self.leases) as f:
            text = f.read()
        text = text[:text.index("lease6")] + text[text.rindex("lease6"):]
        for key, value in (("starts", int(time.time())), ("renew", renew), ("rebind", rebind), ("preferred-life", life - 1), ("max-life", life)):
            text = re.sub(rf"\b{key} \d+", f"{key} {value}", text)
        with open(self.leases, "w") as f:
            f.write(text)


FOREVER = "4294967295"


def over_time():
    """dhclient -6 keeps its address by RENEW and REBIND, begins again with a lease on disk, and gives up an address that is the port's no more"""
    with Clients() as r:
        served(r)
        has_link_local(r)
        client = Dhclient6(r)
        try:
            client.start("-1")
            equal("a new client", client.told(), [("BOUND6", "fd00::11", FOREVER)])
            client.stop()
            client.start("-1")
            equal("with the lease on disk", client.told(), [("BOUND6", "fd00::11", FOREVER)])
            client.stop()
            # A lease that runs out unless it is renewed.
            client.shorten(2, 30, 60)
            client.start("-1")
            rig.wait_for(lambda: client.lease() == [("fd00::11", FOREVER)], f"a renewed lease, now {client.lease()}", 12)
            client.wait_told("renewed", ["BOUND6", "RENEW6"])
            client.stop()
            client.shorten(2, 2, 60)  # asks anybody at once
            client.start("-1")
            rig.wait_for(lambda: client.lease() == [("fd00::11", FOREVER)], f"a lease bound again, now {client.lease()}", 12)
            client.wait_told("bound again", ["BOUND6", "REBIND6"])
            client.stop()
            # The port gets another address.  Who renews is told so ...
            client.shorten(4, 30, 60)
            client.start("-1")
            r.run("ovn-nbctl", "--timeout=20", "--wait=hv", "lsp-set-addresses", "p1", "02:00:00:00:00:01 10.0.0.11 fd00::77")
            rig.wait_for(lambda: ("fd00::77", FOREVER) in client.lease(), f"the new address, now {client.lease()}", 12)
            rig.wait_for(lambda: ("fd00::11", "0") in client.lease() or [a for a, _ in client.lease()] == ["fd00::77"], f"the old address given up, now {client.lease()}")
            client.stop()
            # ... and who begins again with the old one asks for the new.
            r.run("ovn-nbctl", "--timeout=20", "--wait=hv", "lsp-set-addresses", "p1", "02:00:00:00:00:01 10.0.0.11 fd00::88")
            client.start("-1")
            if ("BOUND6", "fd00::88", FOREVER) not in client.told():
                raise rig.Failure(f"a client with a lease of another address: {client.told()}")
            began = time.monotonic()
            client.start("-r")
            if time.monotonic() - began > 5:
                raise rig.Failure("nobody answers RELEASE")
        finally:
            client.stop()


if __name__ == "__main__":
    if os.geteuid() != 0:
        print("needs root, for network namespaces")
        sys.exit(77)
    rig.main(clients, over_time)
