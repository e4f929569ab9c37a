"""BFD (RFC 5880): Weft's switch and Debian's watch over a tunnel between them."""
import re
import time

import rig
from overlay import Cable

MIN_RX, MIN_TX, MULT = 300, 200, 3


def status(host, interface="tun0"):
    text = host.run("ovs-vsctl", "get", "interface", interface, "bfd_status")
    return dict((key, value.strip('"')) for key, value in re.findall(r'(\w+)=("[^"]*"|[\w-]+)', text))


def shown(host, field, interface="tun0"):
    return re.search(rf"{field}: *(.*)", host.appctl_switch("bfd/show", interface)).group(1)


def forwarding(host, value="true"):
    return status(host).get("forwarding") == value


def connect(left, right, kind="geneve", v6=False, **options):
    for host, peer in ((left, right), (right, left)):
        host.start_switch()
        host.bridge("br0")
        host.tunnel("br0", kind, peer, "tun0", v6, "bfd:enable=true", f"bfd:min_rx={MIN_RX}", f"bfd:min_tx={MIN_TX}",
                    f"bfd:mult={MULT}", **options)


def up_and_down():
    """Up on both sides, changes told and agreed on, down in time when the peer is killed"""
    with Cable() as cable:
        weft, debian = cable.host("a", 1, {"ovs-vswitchd"}), cable.host("b", 2)
        connect(weft, debian, key="flow")
        rig.wait_for(lambda: forwarding(weft) and forwarding(debian), "both sessions up", 20)
        for host in (weft, debian):
            rig.wait_for(lambda: status(host)["state"] == status(host)["remote_state"] == "up", "both say that both are up")
        # The packets are the protocol's, not the flow table's.
        weft.run("ovs-ofctl", "add-flow", "br0", "priority=65535,udp,tp_dst=3784,actions=drop")
        flows = weft.appctl_switch("dpctl/dump-flows")
        assert "slow_path(bfd)" in flows, flows
        # New intervals, agreed on by a poll sequence.
        weft.run("ovs-vsctl", "set", "interface", "tun0", "bfd:min_rx=150", "bfd:mult=4")
        rig.wait_for(lambda: shown(debian, "Remote Minimum RX Interval") == "150ms"
                     and shown(debian, "Remote Detect Multiplier") == "4" and shown(weft, "Local Flags") == "none"
                     and shown(weft, "Local Minimum RX Interval") == "150ms", "the new intervals on both sides")
        debian.run("ovs-vsctl", "set", "interface", "tun0", "bfd:min_tx=400")
        rig.wait_for(lambda: shown(weft, "Remote Minimum TX Interval") == "400ms"
                     and shown(debian, "Local Flags") == "none", "Debian's new interval")
        # A path behind that is down.
        debian.run("ovs-vsctl", "set", "interface", "tun0", "bfd:cpath_down=true")
        rig.wait_for(lambda: forwarding(weft, "false"), "our side told of the path behind")
        assert status(weft)["state"] == "up" and status(weft)["remote_diagnostic"] == "Concatenated Path Down"
        debian.run("ovs-vsctl", "remove", "interface", "tun0", "bfd", "cpath_down")
        weft.run("ovs-vsctl", "set", "interface", "tun0", "bfd:cpath_down=true")
        rig.wait_for(lambda: forwarding(weft) and forwarding(debian, "false"), "the other side told of ours")
        weft.run("ovs-vsctl", "remove", "interface", "tun0", "bfd", "cpath_down")
        rig.wait_for(lambda: forwarding(debian), "the other side up again")
        flaps = int(status(weft)["flap_count"])
        # max(min_rx 150, min_tx 400) × mult 3 after its last packet, which is up to 400 ms old.
        before = time.monotonic()
        debian.kill("ovs-vswitchd")
        rig.wait_for(lambda: forwarding(weft, "false"), "down after the peer died", 20)
        took = time.monotonic() - before
        assert 0.7 <= took <= 4, f"down after {took:.2f} s, not 0.8 to 1.2"
        found = status(weft)
        assert (found["state"], found["diagnostic"], found["flap_count"]) == \
            ("down", "Control Detection Time Expired", str(flaps + 1)), found
        debian.start_vswitchd()
        rig.wait_for(lambda: forwarding(weft), "up after the peer came back", 20)
        # And the other way round.
        weft.kill("ovs-vswitchd")
        rig.wait_for(lambda: forwarding(debian, "false"), "Debian sees us die", 20)
        weft.start_vswitchd()
        rig.wait_for(lambda: forwarding(weft) and forwarding(debian), "up after we came back", 20)
        # Switched off, nothing is left of it.
        weft.run("ovs-vsctl", "clear", "interface", "tun0", "bfd")
        rig.wait_for(lambda: status(weft) == {}, "an empty status")
        assert weft.appctl_switch("bfd/show") == "", weft.appctl_switch("bfd/show")
        rig.wait_for(lambda: forwarding(debian, "false"), "Debian sees the session end", 20)


def addresses():
    """Over VXLAN and IPv6, with addresses of the packets and check_tnl_key set"""
    with Cable() as cable:
        weft, debian = cable.host("a", 1, {"ovs-vswitchd"}), cable.host("b", 2)
        connect(weft, debian, "vxlan", v6=True, key="flow")
        for host, mine, other in ((weft, 1, 2), (debian, 2, 1)):
            host.run("ovs-vsctl", "set", "interface", "tun0", f"bfd:bfd_src_ip=172.16.0.{mine}", f"bfd:bfd_dst_ip=172.16.0.{other}",
                     f'bfd:bfd_local_src_mac="02:00:00:00:00:0{mine}"', f'bfd:bfd_local_dst_mac="02:00:00:00:00:0{other}"',
                     f'bfd:bfd_remote_dst_mac="02:00:00:00:00:0{mine}"', "bfd:check_tnl_key=true")
        rig.wait_for(lambda: forwarding(weft) and forwarding(debian), "both sessions up", 20)
        # Packets for another address are none of ours: the session ends.
        debian.run("ovs-vsctl", "set", "interface", "tun0", "bfd:bfd_dst_ip=172.16.0.7")
        rig.wait_for(lambda: forwarding(weft, "false"), "packets for someone else not taken", 20)


def groups():
    """Fast-failover groups and bundles follow `forwarding`, and bfd/set-forwarding forces it"""
    with rig.Rig(weft={"ovs-vswitchd"}, name="groups") as r:
        r.start_databases("conf")
        r.start_vswitchd("--enable-dummy=override", "--disable-system")
        r.run("ovs-vsctl", "add-br", "br0", "--", "set", "bridge", "br0", "fail_mode=secure", "--",
              "add-port", "br0", "p1", "--", "set", "interface", "p1", "ofport_request=1", "bfd:enable=true", "--",
              "add-port", "br0", "p2", "--", "set", "interface", "p2", "ofport_request=2")
        r.run("ovs-ofctl", "-OOpenFlow13", "add-group", "br0",
              "group_id=1,type=ff,bucket=watch_port:1,actions=1,bucket=watch_port:2,actions=2")
        r.run("ovs-ofctl", "-OOpenFlow13", "add-flow", "br0", "in_port=LOCAL,actions=group:1")
        r.run("ovs-ofctl", "-OOpenFlow13", "add-flow", "br0",
              "in_port=7,actions=bundle(eth_src,0,active_backup,ofport,members:1,2)")

        def chosen():
            out = set()
            for port in ("LOCAL", "7"):
                trace = r.appctl("ovs-vswitchd", "ofproto/trace", "br0", f"in_port={port}")
                out.add(re.search(r"Datapath actions: (.*)", trace).group(1))
            desc = r.run("ovs-ofctl", "-OOpenFlow14", "dump-ports-desc", "br0")
            live = "LIVE" in desc.split("1(p1)")[1].split("speed")[0]
            return out, live
        rig.wait_for(lambda: chosen() == ({"2"}, False), f"port 2 while 1 is down: {chosen()}")
        assert r.appctl("ovs-vswitchd", "bfd/set-forwarding", "p1", "true") == "OK\n"
        rig.wait_for(lambda: chosen() == ({"1"}, True), f"port 1 when forced: {chosen()}")
        r.appctl("ovs-vswitchd", "bfd/set-forwarding", "normal")
        rig.wait_for(lambda: chosen() == ({"2"}, False), "port 2 again")
        r.run("ovs-vsctl", "set", "interface", "p1", "bfd:enable=false")
        rig.wait_for(lambda: chosen() == ({"1"}, True), "port 1 without BFD")


if __name__ == "__main__":
    rig.main(up_and_down, addresses, groups)
