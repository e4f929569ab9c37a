"""Mirrors: a packet's copies are those that Debian's switch makes, by port, by VLAN, cut or whole, and are counted."""
import re

import rig

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


if __name__ == "__main__":
    rig.main(same_copies)
