"""LLDP and Auto Attach: Weft's switch tells neighbours what Debian's tells, and understands the same answers."""
import re
import struct

import rig
from twins import Twins

MAC = "02:00:00:00:00:99"


def tlv(kind, value):
    return struct.pack(">H", kind << 9 | len(value)) + value


def element(kind=2, state=5, vlan=77, system=b"\x02\0\0\0\0\x99\xab\xcd\x12\x34"):
    return tlv(127, b"\0\x04\x0d\x0b" + bytes(32) + struct.pack(">I", kind << 26 | state << 20 | vlan << 8) + system)


def answers(*mappings):
    """Of (status, VLAN, I-SID)."""
    return tlv(127, b"\0\x04\x0d\x0c" + bytes(32) + b"".join(struct.pack(">H", s << 12 | v) + struct.pack(">I", i)[1:] for s, v, i in mappings))


def unit(*extra, chassis=b"\4\2\0\0\0\0\x99", port=b"\5eth9", ttl=120):
    return (bytes.fromhex("0180c200000e" + MAC.replace(":", "") + "88cc") + tlv(1, chassis) + tlv(2, port) + tlv(3, struct.pack(">H", ttl)) +
            b"".join(extra) + b"\0\0")


def attach():
    """The same units, statistics, states of services and trunks"""
    with Twins("lldp") as twins:
        words = ["add-br", "br0"]
        for n in (1, 2):
            words += ["--", "add-port", "br0", f"p{n}", "--", "set", "interface", f"p{n}", f"ofport_request={n}", f"options:tx_pcap={{dir}}/p{n}.pcap"]
        twins.vsctl(*words, "--", "set", "interface", "p1", "lldp:enable=true")

        def told(what, until=lambda found: True):
            """The last unit but for its addresses, and how many there were."""
            def last(i):
                frames = [f for f in twins.captured("p1.pcap")[i] if f[12:14] == b"\x88\xcc"]
                mac = frames[-1][6:12].hex() if frames else ""
                return len(frames), frames[-1].hex().replace(mac, "MAC") if frames else None
            return twins.agree(last, f"{what}: what p1 sent", until=until)

        def all_shown(what):
            for command in ("status", "show-isid", "statistics"):
                twins.same(f"autoattach/{command}", normal=lambda text: sorted(re.sub(r"delete cnt.*", "", text).split("\n")))
        twins.warp(4000)
        told("nothing yet", until=lambda found: found[0] == 0)
        twins.warp(7000)
        told("the first ones", until=lambda found: found[0] == 2)
        twins.vsctl("add-aa-mapping", "br0", "1000", "5")
        twins.warp(6000)
        told("a mapping", until=lambda found: "00050003e8" in found[1])
        for column in ("trunks", "vlan_mode"):
            twins.column("port", "p1", column)
        twins.same("autoattach/show-isid", until=lambda text: "Pending" in text)
        for frame in (unit(tlv(5, b"name"), tlv(6, b"text")), unit(element()), unit(tlv(6, b"text"), element(14, 3, 5)), unit(element(), answers((2, 5, 1000))),
                      unit(element(), answers((3, 5, 1000), (2, 7, 4000))), unit()[:20], unit(ttl=0), unit(chassis=b"\7abc", port=b"\7xyz"),
                      unit(element(), answers((2, 5, 1000)), chassis=b"\4\2\0\0\0\0\xaa")):
            twins.appctl("netdev-dummy/receive", "p1", frame.hex())
            all_shown(frame.hex())
        for status in (3, 4, 5, 6, 8, 9, 12, 2):
            twins.appctl("netdev-dummy/receive", "p1", unit(element(), answers((status, 5, 1000))).hex())
            twins.same("autoattach/show-isid")
        for each in twins.rigs:
            row = each.run("ovs-vsctl", "get", "bridge", "br0", "auto_attach").strip()
            each.run("ovs-vsctl", "set", "autoattach", row, "system_name=hello", "system_description=world")
        twins.vsctl("add-aa-mapping", "br0", "2000", "6")
        twins.warp(6000)
        told("names", until=lambda found: "68656c6c6f" in found[1])
        for column in ("trunks", "vlan_mode"):
            twins.column("port", "p1", column)
        twins.vsctl("del-aa-mapping", "br0", "1000", "5")
        twins.warp(6000)
        told("one mapping less", until=lambda found: "00050003e8" not in found[1])
        twins.column("port", "p1", "trunks")
        twins.same("autoattach/show-isid", until=lambda text: "1000" not in text)
        # The packets are the protocol's on the port that speaks it, and the flow table's elsewhere.
        for port in (1, 2):
            twins.same("ofproto/trace", "br0", f"in_port={port},dl_dst=01:80:c2:00:00:0e,dl_type=0x88cc",
                       normal=lambda text: re.findall(r"Megaflow: .*|Datapath actions: .*|  - .*", text))
        twins.vsctl("set", "interface", "p1", "lldp:enable=false")
        twins.warp(20000, 1000)
        told("silence")


def aging():
    """A neighbour is forgotten when its time is over"""
    with rig.Rig(weft={"ovs-vswitchd"}, name="lldp") as r:
        r.start_databases("conf")
        r.start_vswitchd("--enable-dummy=override", "--disable-system")
        r.run("ovs-vsctl", "add-br", "br0", "--", "add-port", "br0", "p1", "--", "set", "interface", "p1", "lldp:enable=true")
        ask = lambda *words: r.appctl("ovs-vswitchd", *words)
        ask("time/stop")
        ask("netdev-dummy/receive", "p1", unit(element(), ttl=30).hex())
        rig.wait_for(lambda: MAC in ask("autoattach/status", "br0"), "the neighbour")
        ask("time/warp", "29000")
        assert MAC in ask("autoattach/status")
        ask("time/warp", "2000")
        rig.wait_for(lambda: MAC not in ask("autoattach/status"), "the neighbour is forgotten")
        assert "ageout cnt: 1" in ask("autoattach/statistics")


if __name__ == "__main__":
    rig.main(attach, aging)
