"""Mirrors of logical ports: those of the switch, which both controllers set up alike, and those whose copies go to a logical port."""
import json
import time

import rig
import wire
from balancing_test import MAC, Cloud, frame, got, plug, receive
from controller_test import expect

SWITCH = """
ls-add sw0
lsp-add sw0 p1 -- lsp-set-addresses p1 "02:00:00:00:00:01 10.1.0.1"
lsp-add sw0 p2 -- lsp-set-addresses p2 "02:00:00:00:00:02 10.1.0.2"
lsp-add sw0 p3 -- lsp-set-addresses p3 "02:00:00:00:00:03 10.1.0.3"
"""
STEPS = """
mirror-add m1 gre 7 from-lport 10.9.0.1 -- lsp-attach-mirror p1 m1
lsp-attach-mirror p2 m1
mirror-add m2 erspan 8 to-lport 10.9.0.2 -- lsp-attach-mirror p1 m2
set Mirror {Mirror m1} index=9
set Mirror {Mirror m1} filter=to-lport
set Mirror {Mirror m2} sink=10.9.0.3
set Mirror {Mirror m2} type=gre
lsp-detach-mirror p1 m1
lsp-attach-mirror p3 m1
lsp-detach-mirror p2 m1
mirror-del m1
mirror-del
"""


def mirrors(h):
    """What the bridge's database says, with names instead of uuids."""
    def rows(table, *columns):
        request = ["Open_vSwitch", {"op": "select", "table": table, "where": [], "columns": ["_uuid", *columns]}]
        return json.loads(h.run("ovsdb-client", "transact", f"unix:{h.socket('conf')}", json.dumps(request)))[0]["rows"]
    ports = {p["_uuid"][1]: p["name"] for p in rows("Port", "name")}
    named = lambda value: sorted(ports.get(u[1], "?") for u in (value[1] if value[0] == "set" else [value]))
    found = [("Mirror", m["name"], named(m["select_src_port"]), named(m["select_dst_port"]), named(m["output_port"]), m["external_ids"])
             for m in rows("Mirror", "name", "select_src_port", "select_dst_port", "output_port", "external_ids")]
    found += [("Interface", i["name"], i["type"], sorted(i["options"][1])) for i in rows("Interface", "name", "type", "options") if i["type"] in ("gre", "erspan")]
    found += [("Port", p["name"], p["external_ids"]) for p in rows("Port", "name", "external_ids") if p["name"].startswith("ovn-") and "m" in p["name"]]
    return sorted(map(str, found))


def tunnels():
    """gre and erspan: both controllers make the same mirrors of the same ports"""
    with Cloud(True) as ours, Cloud(False) as theirs:
        clouds = ours, theirs
        for cloud in clouds:
            plug(cloud.hosts[0], "p1", "p2")
            cloud.tell(SWITCH)
        seen = 0
        for step in STEPS.strip().splitlines():
            for cloud in clouds:
                cloud.tell(step)
            end = time.monotonic() + 4
            while (a := mirrors(ours.hosts[0])) != (b := mirrors(theirs.hosts[0])) and time.monotonic() < end:
                time.sleep(0.1)
            expect(a == b, f"{step}: ours {[x for x in a if x not in b]}, Debian's {[x for x in b if x not in a]}")
            seen += len(a)
        expect(seen > 10, "no mirrors (the test is wrong)")


def local():
    """filter=both; type local: the sink is an interface that says so"""
    with Cloud(True, newest=True) as cloud:
        h, = cloud.hosts
        plug(h, "p1", "p2")
        h.run("ovs-vsctl", "--no-wait", "add-port", "br-int", "tap", "--", "set", "Interface", "tap", "type=dummy", "external_ids:mirror-id=here",
              f"options:tx_pcap={h.dir}/tap.pcap")
        cloud.tell(SWITCH, "--id=@m create Mirror name=m type=local sink=here filter=both index=0 -- add Logical_Switch_Port p1 mirror_rules @m")
        rig.wait_for(lambda: "tap" in str(mirrors(h)), f"a mirror with the interface: {mirrors(h)}")
        for source, destination in ((1, 2), (2, 1)):
            before = len(got(h, "tap"))
            receive(h, f"p{source}", frame(MAC(source), MAC(destination), wire.udp(1, 2, b"x"), f"10.1.0.{source}", f"10.1.0.{destination}"))
            rig.wait_for(lambda: len(got(h, "tap")) == before + 1, f"a copy of the packet from p{source}")
        cloud.tell("clear Logical_Switch_Port p1 mirror_rules")
        rig.wait_for(lambda: not mirrors(h), f"no mirror: {mirrors(h)}")


def logical():
    """lport: copies go to a port of another switch, as the rules say, in both directions; to another host by tunnel"""
    with Cloud(True, True, newest=True) as cloud:
        h, other = cloud.hosts
        plug(h, "p1", "p2", "sink")
        cloud.tell(SWITCH, """
            ls-add sw1 -- lsp-add sw1 sink -- lsp-set-addresses sink "02:00:00:00:00:09 10.2.0.9"
            acl-add sw0 to-lport 1 "outport == \\"p2\\" && udp.dst == 9" drop -- acl-add sw1 to-lport 1 ip drop
            --id=@m create Mirror name=m type=lport sink=sink filter=both index=0 -- add Logical_Switch_Port p1 mirror_rules @m
        """)

        def copies(source, destination, port=2, reaches=True):
            before, passed = len(got(h, "sink")), len(got(h, f"p{destination}"))
            receive(h, f"p{source}", frame(MAC(source), MAC(destination), wire.udp(1, port, b"x"), f"10.1.0.{source}", f"10.1.0.{destination}"))
            arrived = len(got(h, f"p{destination}")) - passed
            expect(arrived == reaches, f"p{source} to p{destination}, port {port}: {arrived} packets arrived")
            return len(got(h, "sink")) - before
        rig.wait_for(lambda: copies(1, 2) == 1, "a copy of what p1 sends")
        expect(copies(2, 1) == 1, "a copy of what p1 gets")
        expect(copies(1, 2, 9, reaches=False) == 1, "a copy of what is dropped later")
        cloud.tell('--id=@r create Mirror_Rule match=\'"udp.dst == 3"\' action=skip priority=10 -- add Mirror {Mirror m} mirror_rules @r')
        rig.wait_for(lambda: copies(1, 2, 3) == 0, "no copy where a rule says skip")
        expect(copies(1, 2) == 1, "a copy of others")
        cloud.tell('--id=@r create Mirror_Rule match=udp action=mirror priority=20 -- add Mirror {Mirror m} mirror_rules @r')
        rig.wait_for(lambda: copies(1, 2, 3) == 1, "a copy where a higher rule says mirror")
        cloud.tell("set Mirror {Mirror m} filter=to-lport")
        rig.wait_for(lambda: copies(1, 2) == 0, "no copy of what p1 sends")
        expect(copies(2, 1) == 1, "a copy of what p1 gets")
        # A second mirror of the port, to another sink.
        plug(h, "p3")
        cloud.tell('--id=@m create Mirror name=n type=lport sink=p3 filter=to-lport index=0 -- add Logical_Switch_Port p1 mirror_rules @m')
        before = len(got(h, "p3"))
        rig.wait_for(lambda: copies(2, 1) == 1 and len(got(h, "p3")) > before, "copies at both sinks")
        # The sink moves to the other host.
        h.run("ovs-vsctl", "--no-wait", "del-port", "br-int", "sink")
        plug(other, "sink")
        mirror = lambda: cloud.central.run("ovn-sbctl", "--bare", "--columns=logical_port,chassis", "find", "Port_Binding", "type=mirror", "mirror_port=sink").split()
        where = lambda: cloud.central.run("ovn-sbctl", "--bare", "--columns=name", "list", "Chassis", mirror()[1]).strip() if len(mirror()) > 1 else ""
        rig.wait_for(lambda: where() == "hv2", f"the mirror port at the other host: {mirror()}")
        cloud.tell("sync")
        key = int(cloud.central.run("ovn-sbctl", "--bare", "--columns=tunnel_key", "find", "Port_Binding", f"logical_port={mirror()[0]}").strip())
        flows = lambda host, table: [l for l in host.run("ovs-ofctl", "dump-flows", f"unix:{host.dir}/br-int.mgmt", f"table={table}").splitlines() if f"reg15={key:#x}," in l and "metadata=0x1 " in l]
        rig.wait_for(lambda: any("output:" in l for l in flows(h, 39)), f"a flow by tunnel: {flows(h, 39)}")
        rig.wait_for(lambda: any("output:" in l for l in flows(other, 65)), f"a flow to the sink: {flows(other, 65)}")
        cloud.tell("set Mirror {Mirror m} sink=nobody", wait="sb")
        with open(f"{cloud.central.dir}/ovn-northd.log") as f:
            expect("Mirror m: sink nobody is no logical switch port" in f.read(), "northd does not tell of the sink that is none")
        rig.wait_for(lambda: not mirror(), "no mirror port")


if __name__ == "__main__":
    rig.main(tunnels, local, logical)
