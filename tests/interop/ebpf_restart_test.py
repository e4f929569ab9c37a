"""Packets flow on while a switch with the eBPF datapath is killed, ended and started again: none is lost.

Two hosts and a Geneve tunnel between them, 10,000 datagrams a second and a TCP stream, each way through both switches.
The switches are killed in turn as often as the time allows (WEFT_RESTART_S, a long run by hand).
"""
import os
import signal
import time

import ebpf
import rig
import traffic
from overlay import Cable, pings, sh

SECONDS = float(os.environ.get("WEFT_RESTART_S", "12"))
RATE = 10000
STREAM = 12_000_000  # bytes a second


def taken_over(host, times):
    with open(os.path.join(host.dir, "ovs-vswitchd.log")) as f:
        return f.read().count("ports taken over") == times


def copies(host):
    return [d for d in host.sh("ls", "/sys/class/net").split() if d.startswith("weft-copy")]


def none_is_lost():
    """kill -9 under 10,000 datagrams a second and a TCP stream across two hosts: none lost"""
    with Cable(mtu=1600) as cable:
        hosts = host, peer = cable.host("a", 1, rig.ALL), cable.host("b", 2, rig.ALL)
        for h in hosts:
            h.start_switch()
            h.bridge("br0")
            h.guest("br0", f"g{h.number}", f"10.0.0.{h.number}/24", mac=f"02:00:00:00:00:0{h.number}")
        for h, other in ((host, peer), (peer, host)):
            h.tunnel("br0", "geneve", other, "tun0", False, "options:csum=true")
            h.sh("ethtool", "-K", "eth0", "tx", "on")
            h.sh("ip", "neigh", "replace", other.v4, "lladdr", other.sh("cat", "/sys/class/net/eth0/address").strip(), "dev", "eth0",
                 "nud", "permanent")
        a, b = host.guests["g1"], peer.guests["g2"]
        rig.wait_for(lambda: pings(a, "10.0.0.2"), "a ping", 20)
        with traffic.Datagrams(a, b, "10.0.0.2", RATE) as datagrams, traffic.Stream(a, b, "10.0.0.2", STREAM) as stream:
            rig.wait_for(lambda: datagrams.received() > RATE // 2 and stream.received() > STREAM // 4, "traffic")
            began, turns, deaths = time.monotonic(), 0, {h: 0 for h in hosts}
            resent = stream.resent
            while turns < 2 or time.monotonic() - began < SECONDS - 5:
                h = hosts[turns % 2]
                turns += 1
                deaths[h] += 1
                before = datagrams.received(), stream.received()
                h.kill("ovs-vswitchd", signal.SIGTERM if turns % 4 == 3 else signal.SIGKILL)
                rig.wait_for(lambda: datagrams.received() > before[0] + RATE // 4 and stream.received() > before[1] + STREAM // 8,
                             "traffic without a daemon")
                h.start_vswitchd()
                rig.wait_for(lambda: taken_over(h, deaths[h]), "the new switch to take over", 40)
                before = datagrams.received(), stream.received()
                rig.wait_for(lambda: datagrams.received() > before[0] + RATE // 4 and stream.received() > before[1] + STREAM // 8,
                             "traffic after the start")
                if len(copies(h)) != 1:
                    raise rig.Failure(f"{len(copies(h))} devices for copies: {copies(h)}")
            lost = datagrams.lost()
            print(f"{turns} restarts, {datagrams.sent()} datagrams sent, {len(lost)} lost {lost[:20]}; {stream.received() >> 20} MB of the stream, "
                  f"{stream.resent - resent} segments sent again")
            if lost:
                raise rig.Failure("packets were lost")


TRACKED = """table=0,priority=10,arp,actions=NORMAL
table=0,priority=9,ip,in_port={g1},actions=ct(zone=5,nat,table=1)
table=0,priority=9,ip,in_port={g2},actions=ct(zone=5,nat,table=2)
table=1,ct_state=+new+trk,ip,actions=ct(commit,zone=5,nat(src=10.0.0.77)),output:{g2}
table=1,ct_state=+est+trk,ip,actions=output:{g2}
table=2,ct_state=+est+trk,ip,actions=output:{g1}
"""


def connections_live_on():
    """kill -9 under a translated connection: it is known afterwards, whichever end sends first"""
    with Cable() as cable:
        host, _ = cable.host("a", 1, rig.ALL), cable.host("b", 2, rig.ALL)
        host.start_switch()
        host.bridge("br0")
        host.run("ovs-vsctl", "set-fail-mode", "br0", "secure")
        for number in (1, 2):
            host.guest("br0", f"g{number}", f"10.0.0.{number}/24", mac=f"02:00:00:00:00:0{number}")
        a, b = host.guests["g1"], host.guests["g2"]
        sh("ip", "neigh", "replace", "10.0.0.77", "lladdr", "02:00:00:00:00:01", "dev", "eth0", "nud", "permanent", ns=b)

        def add_flows():
            ports = {name: host.run("ovs-vsctl", "get", "interface", name, "ofport").strip() for name in ("g1", "g2")}
            host.run("ovs-ofctl", "add-flows", "br0", "-", stdin=TRACKED.format(**ports))
        add_flows()
        with traffic.Stream(a, b, "10.0.0.2", STREAM, back=True) as stream:
            rig.wait_for(lambda: stream.received() > STREAM // 4, "traffic")
            for deaths in (1, 2):
                host.kill("ovs-vswitchd")
                before = stream.received()
                rig.wait_for(lambda: stream.received() > before + STREAM // 8, "traffic without a daemon")
                host.start_vswitchd()
                add_flows()
                rig.wait_for(lambda: taken_over(host, deaths), "the new switch to take over", 40)
                before = stream.received()
                rig.wait_for(lambda: stream.received() > before + STREAM // 2, "traffic after the start")
                known = host.appctl_switch("dpctl/dump-conntrack", "zone=5")
                if "dst=10.0.0.77" not in known or "state=ESTABLISHED" not in known:
                    raise rig.Failure(f"the connection is not known: {known}")


if __name__ == "__main__":
    ebpf.main(none_is_lost, connections_live_on)
