"""Mirrors: a packet's copies are those that Debian's switch makes, by port, by VLAN, cut or whole, and are counted."""
import os
import re

import rig

SCHEMA = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../schema/reference/vswitch.ovsschema")

FLOWS = ("priority=1,in_port=1,actions=2", "priority=1,in_port=2,actions=mod_dl_dst:02:00:00:00:00:09,1,mod_vlan_vid:7,4",
         "priority=1,in_port=4,actions=drop", "priority=1,in_port=5,actions=NORMAL", "priority=1,in_port=3,actions=NORMAL",
         "priority=1,in_port=LOCAL,actions=output:3,1,FLOOD", "priority=1,in_port=6,actions=ALL")
PACKET = "in_port={},dl_src=02:00:00:00:00:01,dl_dst=02:00:00:00:00:02,dl_type=0x1234"
MIRRORS = [
    dict(select_all="true", out=["p3"]),
    dict(src=["p1", "p2"], out=["p3"]),
    dict(dst=["p1", "p4"], out=["p3"]),
    dict(src=["p2"], dst=["p1", "p4"], out=["p3"], snaplen=100),
    dict(select_all="true", select_vlan="7", out=["p3"]),
    dict(select_all="true", output_vlan=50),
    dict(tag=True, select_all="true", output_vlan=50),
    dict(tag=True, src=["p5", "p1"], select_vlan="0,50", out=["p3"]),
    dict(tag=True, select_vlan="0", output_vlan=50),
    dict(out=["p3"]),
    dict(select_all="true"),
]


def configure(r, tag=False, **columns):
    r.run("ovs-vsctl", "clear", "bridge", "br0", "mirrors", "--", *(["set", "port", "p4", "tag=50"] if tag else ["clear", "port", "p4", "tag"]))
    words, ids = ["--", "--id=@m", "create", "mirror", "name=m"], []
    for key, value in columns.items():
        column = {"src": "select_src_port", "dst": "select_dst_port", "out": "output_port"}.get(key)
        if column:
            for port in value:
                ids += ["--", f"--id=@{port}", "get", "port", port]
            value = ",".join("@" + port for port in value)
        words.append(f"{column or key}={value}")
    r.run("ovs-vsctl", *ids[1:], *(words if ids else words[1:]), "--", "set", "bridge", "br0", "mirrors=@m")


def play(weft):
    out = []
    with rig.Rig(weft={"ovs-vswitchd"} if weft else (), name="mirror") as r:
        r.start_databases("conf")
        r.start_vswitchd("--enable-dummy=override", "--disable-system")
        words = ["add-br", "br0", "--", "set", "bridge", "br0", "datapath_type=dummy", "fail_mode=secure"]
        for n in range(1, 7):
            words += ["--", "add-port", "br0", f"p{n}", "--", "set", "interface", f"p{n}", "type=dummy", f"ofport_request={n}"]
        r.run("ovs-vsctl", *words)
        for flow in FLOWS:
            r.run("ovs-ofctl", "add-flow", f"{r.dir}/br0.mgmt", flow)
        for mirror in MIRRORS:
            configure(r, **mirror)
            for port in (1, 2, 3, 4, 5, 6, "LOCAL"):
                for vlan in ("", ",dl_vlan=9", ",dl_vlan=50,dl_vlan_pcp=3"):
                    trace = r.appctl("ovs-vswitchd", "ofproto/trace", "br0", PACKET.format(port) + vlan)
                    actions = re.search("Datapath actions: (.*)", trace).group(1)
                    # The order in which a bridge floods is its own.
                    if port not in (1, 2, 4) or "output_vlan" in mirror:
                        actions = sorted(re.findall(r"(?:^|,)(\d+|trunc\(\d+\))", actions))
                    out.append(f"{mirror} {port}{vlan}: {actions}")
        configure(r, src=["p1"], out=["p3"])
        for _ in range(3):
            r.appctl("ovs-vswitchd", "netdev-dummy/receive", "p1", "020000000002020000000001" "1234" + "00" * 46)
        rig.wait_for(lambda: "tx_packets=3" in r.run("ovs-vsctl", "get", "mirror", "m", "statistics"), "three copies counted", 20)
        out.append(r.run("ovs-vsctl", "get", "mirror", "m", "statistics"))
    return out


def same_copies():
    """Copies and counts as Debian's"""
    debian, weft = play(False), play(True)
    different = [f"  debian {d}\n  weft   {w}" for d, w in zip(debian, weft) if d != w]
    if different:
        raise rig.Failure(f"{len(different)} of {len(debian)} differ\n" + "\n".join(different[:12]))


def filtered():
    """A filter, which Debian's does not have, lets its packets alone be copied; one that is wrong, none"""
    base = "in_port={},dl_src=02:00:00:00:00:01,dl_dst=02:00:00:00:00:02"
    cases = [("ip", base.format(1) + ",ip", base.format(1) + ",arp"),
             ("tcp,tp_dst=80", base.format(1) + ",tcp,tp_dst=80", base.format(1) + ",tcp,tp_dst=81"),
             ("in_port=2", base.format(2) + ",ip", base.format(1) + ",ip"),
             ("dl_vlan=9", base.format(1) + ",ip,dl_vlan=9", base.format(1) + ",ip"),
             ("dl_dst=02:00:00:00:00:09", base.format(2) + ",arp,dl_vlan=9", base.format(1) + ",arp")]
    with rig.Rig(weft={"ovs-vswitchd", "ovs-vsctl", "ovsdb-server", "ovsdb-tool"}, name="filter") as r:
        r.run("ovsdb-tool", "create", f"{r.dir}/conf.db", SCHEMA)
        r.start_databases("conf")
        r.start_vswitchd("--enable-dummy=override", "--disable-system")
        words = ["add-br", "br0", "--", "set", "bridge", "br0", "datapath_type=dummy", "fail_mode=secure"]
        for n in range(1, 5):
            words += ["--", "add-port", "br0", f"p{n}", "--", "set", "interface", f"p{n}", "type=dummy", f"ofport_request={n}"]
        r.run("ovs-vsctl", *words)
        for flow in FLOWS[:2]:
            r.run("ovs-ofctl", "add-flow", f"{r.dir}/br0.mgmt", flow.replace(",mod_vlan_vid:7,4", ""))
        configure(r, select_all="true", out=["p3"])

        def copied(packet):
            trace = r.appctl("ovs-vswitchd", "ofproto/trace", "br0", packet)
            return "3" in re.findall(r"(?:^|,)(\d+)", re.search("Datapath actions: (.*)", trace).group(1))
        for text, wanted, other in cases:
            r.run("ovs-vsctl", "set", "mirror", "m", f'filter="{text}"')
            # What is rewritten on its way is selected by what it is then.
            rig.wait_for(lambda: copied(wanted), f"{text}: {wanted} is copied")
            assert not copied(other), f"{text}: {other} is copied"
        # What is cached depends on what the filter looked at.
        r.run("ovs-vsctl", "set", "mirror", "m", 'filter="udp,tp_dst=53"')
        frame = lambda port: ("020000000002020000000001080045000026000000004011" + "00000a0000010a000002" + "0400" + f"{port:04x}" + "00120000" + "00" * 10)
        for port in (54, 53, 54, 53, 53, 52):
            r.appctl("ovs-vswitchd", "netdev-dummy/receive", "p1", frame(port))
        rig.wait_for(lambda: "tx_packets=3" in r.run("ovs-vsctl", "get", "mirror", "m", "statistics"), "three copies counted", 20)
        for text in ("tcp_dst=80", "nonsense", "tun_metadata0=1"):
            r.run("ovs-vsctl", "set", "mirror", "m", f'filter="{text}"')
            rig.wait_for(lambda: not copied(cases[0][1]), f"nothing is copied by {text}")
            with open(f"{r.dir}/ovs-vswitchd.log") as log:
                assert f'filter "{text}" is invalid' in log.read(), text
            r.run("ovs-vsctl", "clear", "mirror", "m", "filter")
            rig.wait_for(lambda: copied(cases[0][1]), "everything is copied again")


if __name__ == "__main__":
    rig.main(same_copies, filtered)
