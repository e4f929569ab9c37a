"""Two hosts in network namespaces, joined by a cable, each with a switch of its own: Weft's or Debian's.

    with Cable() as cable:
        left = cable.host("left", 1, weft=rig.ALL)
        right = cable.host("right", 2)
        left.start_switch()
        left.tunnel("br0", "geneve", right)
        left.guest("br0", "g1", "10.0.0.1/24", "02:00:00:00:00:01")

A host's underlay addresses are 192.0.2.N and 2001:db8::N.  Debian's switch has the userspace datapath only (no
kernel module here), which sends tunnel packets through a bridge of its own: br-phy takes over the device's addresses.
Everything is removed when the cable is left.

More than two hosts, or hosts with more than one device, are plugged into segments:

    with Segments("underlay", "outside") as net:
        host = net.host("gw1", 2, weft=rig.ALL)          # eth0 is in the first segment
        net.plug(host, "eth1", "outside")
        net.cut(host, "eth0")                             # and net.mend(host, "eth0")
"""
import itertools
import os
import subprocess

import rig


def sh(*words, ns=None, check=True, timeout=20):
    command = (["ip", "netns", "exec", ns] if ns else []) + [str(w) for w in words]
    done = subprocess.run(command, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=timeout)
    if check and done.returncode:
        raise rig.Failure(f"{' '.join(command)}: exit {done.returncode}: {done.stdout.strip()}")
    return done.stdout if check else done


class Host(rig.Rig):
    def __init__(self, cable, name, number, weft):
        super().__init__(weft=weft, name=name, netns=f"{cable.prefix}{name}")
        self.number, self.name = number, name
        self.v4, self.v6 = f"192.0.2.{number}", f"2001:db8::{number}"
        self.guests = {}
        self.is_weft = "ovs-vswitchd" in self.weft
        self.datapath_type = "system" if self.is_weft else "netdev"
        sh("ip", "netns", "add", self.netns)
        self.sh("ip", "link", "set", "lo", "up")

    def sh(self, *words, **options):
        return sh(*words, ns=self.netns, **options)

    def appctl_switch(self, *words):
        return self.appctl("ovs-vswitchd", *words)

    def start_switch(self):
        """The database, the switch, and the way to the other hosts."""
        self.start_databases("conf")
        self.start_vswitchd()
        if not self.is_weft:
            mac = self.sh("cat", "/sys/class/net/eth0/address").strip()
            self.run("ovs-vsctl", "add-br", "br-phy", "--", "set", "bridge", "br-phy", "datapath_type=netdev",
                     f'other_config:hwaddr="{mac}"', "--", "add-port", "br-phy", "eth0",
                     "--", "set", "Open_vSwitch", ".", "external-ids:ovn-bridge-datapath-type=netdev")
            self.sh("sysctl", "-qw", "net.ipv6.conf.eth0.disable_ipv6=1", "net.ipv4.conf.eth0.arp_ignore=1")
        self.address_nic()

    def restart_switch(self):
        """After it died; the device with the addresses may have died with it."""
        self.start_vswitchd()
        if not self.is_weft:
            self.address_nic()

    def address_nic(self):
        nic = "eth0" if self.is_weft else "br-phy"
        self.sh("ip", "addr", "replace", f"{self.v4}/24", "dev", nic)
        self.sh("ip", "addr", "replace", f"{self.v6}/64", "dev", nic, "nodad")
        self.sh("ip", "link", "set", nic, "up")

    def bridge(self, name):
        self.run("ovs-vsctl", "add-br", name, "--", "set", "bridge", name, f"datapath_type={self.datapath_type}")

    def tunnel(self, bridge, kind, peer, name="tun0", v6=False, *settings, **options):
        words = [f"options:{key}={value}" for key, value in options.items()]
        remote = peer.v6 if v6 else peer.v4
        self.run("ovs-vsctl", "add-port", bridge, name, "--", "set", "interface", name, f"type={kind}",
                 f'options:remote_ip="{remote}"', *words, *settings)

    def guest(self, bridge, name, *addresses, mac=None, mtu=None, external_id=None):
        """A namespace whose eth0 is plugged into the bridge."""
        ns = f"{self.netns}-{name}"
        sh("ip", "netns", "add", ns)
        self.guests[name] = ns
        self.sh("ip", "link", "add", name, "type", "veth", "peer", "name", "eth0", "netns", ns)
        if not self.is_weft:  # Debian's userspace datapath computes no checksum that a device left out
            sh("ethtool", "-K", "eth0", "tx", "off", ns=ns)
        if mac:
            sh("ip", "link", "set", "eth0", "address", mac, ns=ns)
        if mtu:
            sh("ip", "link", "set", "eth0", "mtu", mtu, ns=ns)
        sh("ip", "link", "set", "lo", "up", ns=ns)
        sh("ip", "link", "set", "eth0", "up", ns=ns)
        for address in addresses:
            extra = ["nodad"] if ":" in address else []
            sh("ip", "addr", "add", address, "dev", "eth0", *extra, ns=ns)
        self.sh("ip", "link", "set", name, "up")
        ids = [f"external_ids:iface-id={external_id}"] if external_id else []
        self.run("ovs-vsctl", "add-port", bridge, name, *(["--", "set", "interface", name, *ids] if ids else []))

    def stop(self):
        super().stop()
        for ns in [*self.guests.values(), self.netns]:
            sh("ip", "netns", "del", ns, check=False)


class Cable:
    def __init__(self, mtu=1500):
        self.prefix = f"w{os.getpid()}"
        self.mtu = mtu
        self.hosts = []

    def host(self, name, number, weft=()):
        host = Host(self, name, number, weft)
        self.hosts.append(host)
        if len(self.hosts) == 2:
            a, b = (h.netns for h in self.hosts)
            sh("ip", "link", "add", "eth0", "netns", a, "type", "veth", "peer", "name", "eth0", "netns", b)
            for h in self.hosts:
                h.sh("ip", "link", "set", "eth0", "mtu", self.mtu, "up")
                # A cable carries whole packets: what a device is left to compute is computed before.
                h.sh("ethtool", "-K", "eth0", "tx", "off")
        return host

    def __enter__(self):
        return self

    def __exit__(self, kind, value, trace):
        for host in self.hosts:
            if kind is not None:
                host.show_logs()
            host.stop()


class Segments:
    """Ethernet segments, each a Linux bridge, in a namespace of their own."""
    made = itertools.count()

    def __init__(self, *names):
        self.prefix = f"w{os.getpid()}{chr(ord('a') + next(Segments.made))}"
        self.ns = f"{self.prefix}net"
        self.names = names
        self.hosts, self.stations, self.plugs = [], [], {}

    def __enter__(self):
        sh("ip", "netns", "add", self.ns)
        for name in self.names:
            sh("ip", "link", "add", name, "type", "bridge", "stp_state", "0", "mcast_snooping", "0", ns=self.ns)
            sh("ip", "link", "set", name, "up", ns=self.ns)
        return self

    def host(self, name, number, weft=()):
        host = Host(self, name, number, weft)
        self.hosts.append(host)
        self.plug(host, "eth0", self.names[0])
        return host

    def station(self, name, segment, *addresses):
        """A namespace without a switch; returns its name."""
        ns = f"{self.prefix}{name}"
        sh("ip", "netns", "add", ns)
        self.stations.append(ns)
        self._plug(ns, "eth0", segment)
        for address in addresses:
            sh("ip", "addr", "add", address, "dev", "eth0", ns=ns)
        return ns

    def plug(self, host, device, segment):
        self.plugs[host, device] = self._plug(host.netns, device, segment)

    def _plug(self, ns, device, segment):
        name = f"p{len(self.plugs)}-{len(self.stations)}-{device}"
        sh("ip", "link", "add", device, "netns", ns, "type", "veth", "peer", "name", name, "netns", self.ns)
        sh("ip", "link", "set", name, "master", segment, "up", ns=self.ns)
        sh("ip", "link", "set", device, "up", ns=ns)
        sh("ethtool", "-K", device, "tx", "off", ns=ns)  # as the cable has it
        return name

    def cut(self, host, device):
        sh("ip", "link", "set", self.plugs[host, device], "down", ns=self.ns)

    def mend(self, host, device):
        sh("ip", "link", "set", self.plugs[host, device], "up", ns=self.ns)

    def __exit__(self, kind, value, trace):
        for host in self.hosts:
            if kind is not None:
                host.show_logs()
            host.stop()
        for ns in [*self.stations, self.ns]:
            sh("ip", "netns", "del", ns, check=False)


def pings(ns, address, size=56, count=1, wait=2):
    return sh("ping", "-n", "-q", "-i", "0.05", "-c", count, "-W", wait, "-s", size, address, ns=ns, check=False).returncode == 0
