"""In-band control beside Debian's: which hidden flows there are, what DHCP's answers meet, and a controller that is found through a bridge whose flows drop everything."""
import os
import re
import struct
import subprocess
import time

import packets as p
import rig
import twins

LOCAL = "aa:55:aa:55:00:00"


def flows(text):
    """Without counts, those of the switch's own table, and their order."""
    return sorted(re.sub(r"duration=.*?n_bytes=\d+, ", "", line) for line in text.splitlines() if line and "table_id=254" not in line)


def dummies():
    """Flows of controllers and managers, as connection_mode, disable-in-band and in-band-queue have them"""
    with twins.Twins("inband") as pair:
        pair.vsctl("add-br", "br0", "--", "set", "bridge", "br0", f'other_config:hwaddr="{LOCAL}"', "fail-mode=secure", "--", "add-port", "br0", "p1", "--", "set", "interface", "p1", "type=dummy", "ofport_request=1")

        def step(*words, count=None):
            pair.vsctl(*words)
            pair.warp(1000)
            return pair.same("bridge/dump-flows", "br0", normal=flows, until=lambda lines: count is None or len(lines) == count)
        step("set-controller", "br0", "tcp:10.0.0.1:6653", count=7)
        step("set", "controller", "br0", "connection_mode=out-of-band", count=0)
        step("set", "controller", "br0", "connection_mode=in-band", count=7)
        for each in pair.rigs:
            assert "actions" not in each.run("ovs-ofctl", "dump-flows", f"unix:{each.dir}/br0.mgmt")
        step("set-controller", "br0", "tcp:10.0.0.1:6653", "tcp:10.0.0.2", "ssl:10.0.0.3:99", "tcp:10.0.0.3:98", "unix:{dir}/none", "ptcp:0:127.0.0.1", "tcp:[fd00::1]:6653", count=17)
        step("set", "bridge", "br0", "other_config:disable-in-band=true", count=0)
        lines = step("set", "bridge", "br0", "other_config:disable-in-band=false", "other_config:in-band-queue=7", count=17)
        assert all("actions=set_queue:7,NORMAL" in line for line in lines), lines
        step("remove", "bridge", "br0", "other_config", "in-band-queue", "--", "del-controller", "br0", count=0)
        step("set-manager", "tcp:10.0.0.9:6640", "ssl:10.0.0.10", count=11)
        step("set-controller", "br0", "tcp:10.0.0.1:6653", count=15)
        step("set", "manager", "tcp:10.0.0.9:6640", "connection_mode=out-of-band", count=11)
        step("del-manager", count=7)
        step("set", "bridge", "br0", 'other_config:hwaddr="aa:55:aa:55:00:77"', count=7)
        step("set", "bridge", "br0", f'other_config:hwaddr="{LOCAL}"', count=7)

        def trace(flow):
            # That packets which are no DHCP answers go their way is decided by the fields that tell them, in Weft's.
            return pair.same("ofproto/trace", "br0", flow, normal=lambda text: re.sub(r"Megaflow: .*", "", text))
        dhcp = f"udp,dl_src=02:00:00:00:00:01,dl_dst={LOCAL},nw_src=10.0.0.1,nw_dst=10.0.0.5"
        for n, rules in enumerate((["actions=drop"], ["in_port=1,actions=LOCAL"], ["ip,in_port=1,actions=mod_nw_src:1.1.1.1,IN_PORT"])):
            for each in pair.rigs:
                each.run("ovs-ofctl", "add-flows", f"unix:{each.dir}/br0.mgmt", "-", stdin="\n".join(rules) + "\n")
            assert n or "outputting DHCP packet to local port for in-band control" in trace(f"in_port=1,{dhcp},udp_src=67,udp_dst=68")
            for flow in (f"in_port=1,{dhcp},udp_src=67,udp_dst=68", f"in_port=1,{dhcp},udp_src=67,udp_dst=69", f"in_port=1,{dhcp},udp_src=66,udp_dst=68", f"in_port=LOCAL,{dhcp},udp_src=67,udp_dst=68",
                         f"in_port=LOCAL,{dhcp.replace('02:00:00:00:00:01', LOCAL)},udp_src=68,udp_dst=67", "in_port=1,tcp,nw_src=10.0.0.1,tcp_src=6653", "in_port=1,tcp,nw_src=10.0.0.1,tcp_src=6654",
                         "in_port=LOCAL,tcp,nw_dst=10.0.0.1,tcp_dst=6653", "in_port=1,arp,arp_spa=10.0.0.1,arp_op=1", "in_port=1,arp,arp_spa=10.0.0.1,arp_op=2"):
                trace(flow)
        # A packet that is no answer does not speak for one that is.
        control = pair.controls[0]
        pair.weft.run("ovs-ofctl", "del-flows", f"unix:{pair.weft.dir}/br0.mgmt")
        pair.weft.run("ovs-ofctl", "add-flow", f"unix:{pair.weft.dir}/br0.mgmt", "actions=drop")
        for source, target in ((67, 69), (1000, 68), (67, 68)):
            frame = p.ethernet(0x800, p.ip("10.0.0.1", "10.0.0.5", 17, struct.pack(">HHHH", source, target, 248, 0) + bytes(240)), dst=LOCAL.replace(":", ""))
            control("netdev-dummy/receive", "p1", frame.hex())
        text = control("dpctl/dump-flows")["result"]
        answers = [line for line in text.splitlines() if "udp(src=67,dst=68)" in line]
        assert len(answers) == 1 and not answers[0].endswith("actions:drop"), text


def ip(*words, check=True):
    return subprocess.run(["ip", *words], check=check, text=True, capture_output=True).stdout


def devices():
    """Next hops by the kernel's routes; local_ip, local_netmask and local_gateway; a controller behind the bridge is connected to"""
    with twins.contextlib.ExitStack() as stack:
        hosts = []
        for n, weft in enumerate(({"ovs-vswitchd"}, ())):
            name, far = f"ib{n}{os.getpid()}", f"if{n}{os.getpid()}"
            for space in (name, far):
                ip("netns", "add", space)
                stack.callback(ip, "netns", "del", space, check=False)
                ip("-n", space, "link", "set", "lo", "up")
            ip("link", "add", "v0", "netns", name, "type", "veth", "peer", "name", "v1", "netns", far)
            ip("netns", "exec", far, "ethtool", "-K", "v1", "tx", "off", check=False)
            ip("-n", name, "link", "set", "v0", "up")
            ip("-n", far, "link", "set", "v1", "address", "02:00:00:00:00:99", "up")
            ip("-n", far, "addr", "add", "10.0.0.1/24", "dev", "v1")
            host = stack.enter_context(rig.Rig(weft=weft, name="inband", netns=name))
            host.far = far
            hosts.append(host)
            host.start_databases("conf")
            host.start_vswitchd()
            host.run("ovs-vsctl", "add-br", "br0", "--", "set", "bridge", "br0", "datapath_type=netdev", f'other_config:hwaddr="{LOCAL}"', "fail-mode=secure", "--", "add-port", "br0", "v0")

        def both(*words):
            for host in hosts:
                host.run("ovs-vsctl", *words)

        def same(count):
            end = time.monotonic() + 10
            while True:
                got = [flows(host.appctl("ovs-vswitchd", "bridge/dump-flows", "br0")) for host in hosts]
                if got[0] == got[1] and len(got[0]) == count:
                    return got[0]
                assert time.monotonic() < end, "\n".join(["Weft:"] + got[0] + ["Debian:"] + got[1])
                time.sleep(0.1)
        both("set-controller", "br0", "tcp:10.0.0.1:6653", "--", "set", "controller", "br0", "local_ip=10.0.0.77", "max_backoff=1000", "local_netmask=255.255.255.0")
        for host in hosts:
            rig.wait_for(lambda: "10.0.0.77/24" in ip("-n", host.netns, "addr", "show", "br0"), "the address")
        for host in hosts:
            ip("-n", host.netns, "route", "add", "10.7.0.0/16", "via", "10.0.0.250")  # Debian's takes the first route that leads there
            for last, mac in ((1, "99"), (250, "fe")):
                ip("-n", host.netns, "neigh", "replace", f"10.0.0.{last}", "lladdr", f"02:00:00:00:00:{mac}", "dev", "br0", "nud", "permanent")
        both("--", "--id=@c", "create", "controller", "target=\"tcp:10.7.0.3:6653\"", "--", "add", "bridge", "br0", "controller", "@c")
        lines = same(15)  # seven, four more of the other remote, two for each next hop
        assert any("dl_src=02:00:00:00:00:99" in line for line in lines) and any("dl_src=02:00:00:00:00:fe" in line for line in lines), lines
        for host in hosts:
            ip("-n", host.netns, "neigh", "replace", "10.0.0.250", "lladdr", "02:00:00:00:00:ff", "dev", "br0", "nud", "permanent")
        rig.wait_for(lambda: any("02:00:00:00:00:ff" in line for line in same(15)), "the changed next hop")
        # Nothing but the hidden flows lets the controller be reached.
        host = hosts[0]
        host.run("ovs-ofctl", "add-flow", f"unix:{host.dir}/br0.mgmt", "priority=65535,actions=drop")
        listener = subprocess.Popen(["ip", "netns", "exec", host.far, "python3", "-c", "import socket\ns = socket.create_server(('10.0.0.1', 6653))\nc = s.accept()[0]\nprint(c.recv(8).hex(), flush=True)\nc.recv(8)"],
                                    stdout=subprocess.PIPE, text=True)
        stack.callback(listener.kill)
        line = listener.stdout.readline()
        assert re.match(r"0[1-6]00", line), line  # HELLO
        text = host.run("ovs-ofctl", "dump-flows", f"unix:{host.dir}/br0.mgmt")
        assert text.count("actions=") == 1, text
        both("set", "bridge", "br0", "other_config:disable-in-band=true")
        same_drop = flows(host.appctl("ovs-vswitchd", "bridge/dump-flows", "br0"))
        assert same_drop == ["priority=65535,actions=drop"], same_drop
        both("remove", "bridge", "br0", "other_config", "disable-in-band", "--", "set-controller", "br0", "tcp:10.0.0.1:6653", "--", "set", "controller", "br0", "local_ip=172.16.0.7", "local_gateway=172.16.0.1")
        for host in hosts:  # the mask of the address's class
            rig.wait_for(lambda: "172.16.0.7/16" in ip("-n", host.netns, "addr", "show", "br0") and "default via 172.16.0.1 dev br0" in ip("-n", host.netns, "route"), "the address of class B")


if __name__ == "__main__":
    rig.main(dummies, devices)
