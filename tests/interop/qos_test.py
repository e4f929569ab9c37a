"""Quality of service: the kernel gets the queues that Debian's switch gives it, packets the queue that flows choose, and ports
take in no more than their policing lets through."""
import os
import re

import rig
from overlay import Host, sh
from twins import Twins


class Shaped:
    """A host with each switch, whose device v0 has QoS."""
    def __enter__(self):
        self.prefix = f"w{os.getpid()}q"
        self.hosts = [Host(self, "a", 1, {"ovs-vswitchd", "ovs-ofctl"}), Host(self, "b", 2, ())]
        for host in self.hosts:
            for number in (0, 1):
                host.sh("ip", "link", "add", f"v{number}", "type", "veth", "peer", "name", f"w{number}")
                for device in (f"v{number}", f"w{number}"):
                    host.sh("ip", "link", "set", device, "up")
                    host.sh("sysctl", "-qw", f"net.ipv6.conf.{device}.disable_ipv6=1")
            host.start_databases("conf")
            host.start_vswitchd()
            host.bridge("br0")
            host.run("ovs-vsctl", "add-port", "br0", "v0", "--", "set", "interface", "v0", "ofport_request=1", "--",
                     "add-port", "br0", "v1", "--", "set", "interface", "v1", "ofport_request=2")
        return self

    def __exit__(self, kind, value, trace):
        for host in self.hosts:
            if kind is not None:
                host.show_logs()
            host.stop()

    def vsctl(self, *words):
        for host in self.hosts:
            host.run("ovs-vsctl", *words)

    def same(self, ask, what):
        def once():
            ours, theirs = (ask(host) for host in self.hosts)
            if ours != theirs:
                raise rig.Failure(f"{what} differs:\nWeft     {ours}\nDebian's {theirs}")
            return ours
        last = []

        def tried():
            try:
                return [once()]
            except rig.Failure as problem:
                last[:] = [problem]
                raise
        try:
            return rig.wait_for(tried, what)[0]
        except rig.Failure:
            raise last[0] if last else rig.Failure(what)


def classes(host):
    """tc's classes; bursts are rounded by each one's arithmetic."""
    out = []
    for line in host.sh("tc", "class", "show", "dev", "v0").split("\n"):
        if line:
            name = re.search(r"class \w+ (\S+) (root|parent \S+)", line).groups()
            rates = re.search(r"rate (\S+) ceil (\S+)", line).groups()
            prio = re.search(r"prio (\d+)", line)
            burst = int(re.search(r" burst (\d+)", line).group(1))
            out.append((name, rates, prio and prio.group(1), round(burst / 64)))
    return sorted(out)


def shown(host):
    """qos/show: each queue's lines in any order."""
    text = host.appctl_switch("qos/show", "v0")
    return sorted(tuple(sorted(part.split("\n"))) for part in re.sub(r"tx_(packets|bytes|errors): \d+", "", text).split("\n\n"))


def queues():
    """linux-htb: the same classes, rates, priorities, qos/show and OpenFlow queues; other types; and nothing left behind"""
    with Shaped() as net:
        net.same(lambda host: host.appctl_switch("qos/show", "v0"), "qos/show without QoS")
        net.same(lambda host: sorted(host.appctl_switch("qos/show-types", "v0").split("\n")), "qos/show-types")
        net.vsctl("set", "port", "v0", "qos=@q", "--", "--id=@q", "create", "QoS", "type=linux-htb", "other-config:max-rate=1000000",
                  "queues:1=@a", "queues:7=@b", "--", "--id=@a", "create", "Queue", "other-config:min-rate=100000", "other-config:max-rate=500000",
                  "--", "--id=@b", "create", "Queue", "other-config:priority=3", "other-config:burst=90000")
        assert len(net.same(classes, "tc class show")) == 4
        net.same(lambda host: re.sub(r"refcnt \d+", "", host.sh("tc", "qdisc", "show", "dev", "v0", "root")), "tc qdisc show")
        net.same(shown, "qos/show")
        mgmt = lambda host: f"unix:{host.dir}/br0.mgmt"
        for words in (("queue-stats",), ("queue-stats", "v0", "7"), ("queue-stats", "v0", "9"), ("queue-stats", "v1"), ("queue-get-config", "v0")):
            for version in ("OpenFlow10", "OpenFlow13", "OpenFlow14"):
                def ask(host):
                    done = host.run("ovs-ofctl", f"-O{version}", words[0], mgmt(host), *words[1:], check=False)
                    text = re.sub(r"duration=\S+|xid=\w+|bytes=\d+|pkts=\d+", "", done.stdout + done.stderr)
                    return sorted(line for line in text.split("\n") if "WARN" not in line)
                net.same(ask, f"{version} {words}")
        net.vsctl("set", "qos", ".", "other-config:max-rate=2000000000")
        net.same(classes, "tc class show with another rate")
        net.vsctl("remove", "qos", ".", "other_config", "max-rate")
        net.same(classes, "tc class show with the default rate")
        for kind in ("linux-sfq", "linux-codel", "linux-fq_codel", "linux-netem", "linux-noop", "linux-bogus"):
            net.vsctl("set", "qos", ".", f"type={kind}")
            net.same(lambda host: host.sh("tc", "qdisc", "show", "dev", "v0", "root").split()[1:2], f"discipline of {kind}")
        weft = net.hosts[0]
        with open(f"{weft.dir}/ovs-vswitchd.log") as log:
            text = log.read()
        assert 'QoS type "linux-bogus" is not known' in text
        net.vsctl("set", "qos", ".", "type=linux-htb")
        rig.wait_for(lambda: len(classes(weft)) == 4, "queues again")
        net.vsctl("clear", "port", "v0", "qos")
        net.same(lambda host: host.sh("tc", "qdisc", "show", "dev", "v0", "root").split()[1:2], "discipline without QoS")
        net.same(lambda host: host.appctl_switch("qos/show", "v0"), "qos/show after QoS")


def choice():
    """Packets leave by the class of the queue that set_queue or enqueue chose"""
    with Shaped() as net:
        weft = net.hosts[0]
        weft.run("ovs-vsctl", "set", "port", "v0", "qos=@q", "--", "--id=@q", "create", "QoS", "type=linux-htb", "other-config:max-rate=100000000",
                 "queues:7=@b", "queues:3=@a", "--", "--id=@a", "create", "Queue", "external_ids:of=3", "--", "--id=@b", "create", "Queue", "external_ids:of=7")
        rig.wait_for(lambda: len(classes(weft)) == 4, "the classes")
        weft.run("ovs-ofctl", "add-flow", "br0", "in_port=2,dl_type=0x1231,actions=set_queue:7,output:1")
        weft.run("ovs-ofctl", "add-flow", "br0", "in_port=2,dl_type=0x1232,actions=enqueue:1:3")
        weft.run("ovs-ofctl", "add-flow", "br0", "in_port=2,dl_type=0x1233,actions=output:1")
        send = ("import socket,sys; s=socket.socket(socket.AF_PACKET,socket.SOCK_RAW); s.bind(('w1',0));\n"
                "for kind,count in ((0x1231,5),(0x1232,3),(0x1233,2)):\n"
                "  for _ in range(count): s.send(bytes.fromhex('020000000002020000000001')+kind.to_bytes(2,'big')+bytes(50))")
        weft.sh("python3", "-c", send)

        def counted():
            text = weft.run("ovs-ofctl", "queue-stats", f"unix:{weft.dir}/br0.mgmt")
            return {int(q): (int(b), int(p)) for q, b, p in re.findall(r"queue (\d+): bytes=(\d+), pkts=(\d+)", text)}
        rig.wait_for(lambda: counted() == {7: (5 * 64, 5), 3: (3 * 64, 3), 0: (2 * 64, 2)}, f"packets in their queues: {counted()}")
        assert re.search(r"Queue 7:\n(.*\n)*?  tx_packets: 5\n", weft.appctl_switch("qos/show", "v0"))


def marks():
    """A queue's DSCP is written into the IP packets that leave by it (Debian's writes none, though its manual says so)"""
    with Shaped() as net:
        weft = net.hosts[0]
        weft.run("ovs-vsctl", "set", "port", "v1", "qos=@q", "--", "--id=@q", "create", "QoS", "type=linux-htb", "queues:3=@a", "queues:4=@b", "--",
                 "--id=@a", "create", "Queue", "dscp=10", "--", "--id=@b", "create", "Queue", "external_ids:of=4")
        number = lambda: re.search(r"v1 2/(\d+):", weft.appctl_switch("dpif/show")).group(1)

        def actions(flow, packet):
            weft.run("ovs-ofctl", "add-flow", "br0", f"actions={flow}")
            trace = weft.appctl_switch("ofproto/trace", "br0", f"in_port=1,{packet}")
            return re.search(r"Datapath actions: (.*)", trace).group(1)
        marked = f"set(ipv4(tos=0x28/0xfc)),set(skb_priority(0x3)),{number()}"
        rig.wait_for(lambda: actions("set_queue:3,2", "dl_type=0x0800") == marked, f"a mark: {actions('set_queue:3,2', 'dl_type=0x0800')}")
        assert actions("enqueue:2:3", "dl_type=0x0800,nw_tos=4") == marked
        assert actions("set_queue:3,2", "dl_type=0x86dd") == f"set(ipv6(tclass=0x28/0xfc)),set(skb_priority(0x3)),{number()}"
        assert actions("set_queue:3,2", "arp") == f"set(skb_priority(0x3)),{number()}"
        assert actions("enqueue:2:4", "dl_type=0x0800") == f"set(skb_priority(0x4)),{number()}"
        assert actions("set_queue:3,pop_queue,2", "dl_type=0x0800") == number()


def policing():
    """Ingress policing drops what exceeds rate and burst, in bits and in packets, and says so"""
    with Twins("policing") as twins:
        weft = twins.controls[0]
        call = lambda *words: weft(*words)["result"]
        run = twins.weft.run
        run("ovs-vsctl", "add-br", "br0", "--", "add-port", "br0", "p1", "--", "set", "interface", "p1", "ofport_request=1",
            "ingress_policing_rate=8", "ingress_policing_burst=8", "--", "add-port", "br0", "p2", "--", "set", "interface", "p2", "ofport_request=2")
        run("ovs-ofctl", "add-flow", f"unix:{twins.weft.dir}/br0.mgmt", "in_port=1,actions=2")

        def passed(count, length):
            before = sent()
            for _ in range(count):
                call("netdev-dummy/receive", "p1", "in_port(1),eth(src=02:00:00:00:00:01,dst=02:00:00:00:00:02),eth_type(0x1234)", "--len", str(length))
            return sent() - before

        def sent():
            text = run("ovs-ofctl", "dump-ports", f"unix:{twins.weft.dir}/br0.mgmt", "2")
            return int(re.search(r"tx pkts=(\d+)", text).group(1))
        assert passed(20, 100) == 10            # 8 kbit are ten packets of 100 bytes
        assert passed(5, 100) == 0
        call("time/warp", "500")
        assert passed(20, 100) == 5             # at 8 kbit/s
        run("ovs-vsctl", "set", "interface", "p1", "ingress_policing_rate=0", "ingress_policing_kpkts_rate=1", "ingress_policing_kpkts_burst=1")
        call("time/warp", "1")
        count = passed(1200, 60)
        assert 1000 <= count <= 1002, count
        run("ovs-vsctl", "set", "interface", "p1", "ingress_policing_kpkts_rate=0")
        assert passed(300, 60) == 300


if __name__ == "__main__":
    rig.main(queues, choice, marks, policing)
