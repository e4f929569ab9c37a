"""Tunnels that carry packets without an Ethernet header (GTP-U, GRE and VXLAN-GPE with packet_type), beside Debian's: what they may be told, traces,
packets both ways; and a Weft host among the kernel's sockets."""
import os
import random
import re
import struct
import subprocess
import time

import packets as p
import rig
import twins
from native_tunnel_test import FLOW, LOCAL, NEIGHBOUR, Pair, ip, without_port

SEED = int(os.environ.get("WEFT_SEED", "1"))
TUNNELS = [  # type, remote, options; port 2 and on
    ("gtpu", "1.1.2.92", ["key=123"]),
    ("gtpu", "1.1.2.93", ["key=flow"]),
    ("gre", "1.1.2.92", ["key=456", "packet_type=legacy_l3"]),
    ("gre", "1.1.2.93", ["packet_type=ptap"]),
    ("vxlan", "1.1.2.92", ["key=5", "exts=gpe", "packet_type=legacy_l3", "dst_port=4790"]),
    ("vxlan", "1.1.2.93", ["key=5", "exts=gpe", "packet_type=ptap", "dst_port=4790"]),
    ("vxlan", "1.1.2.94", ["key=5", "exts=gpe", "dst_port=4790"]),
    ("gtpu", "2001:cafe::92", ["key=7", "packet_type=ptap"]),
    ("gre", "1.1.2.94", ["seq=true", "key=3"]),
    ("gtpu", "1.1.2.94", ["packet_type=ptap"]),
    ("gre", "1.1.2.94", ["key=9"]),
    ("gre", "1.1.2.94", ["key=9", "packet_type=legacy_l3"]),
]
ADDRESSES = ("1.1.2.92", "1.1.2.93", "1.1.2.94", "2001:cafe::92")


class Layer3(Pair):
    def __init__(self):
        super().__init__(TUNNELS)
        self.addresses()
        for address in ADDRESSES:
            self.appctl("tnl/neigh/set", "br-phy", address, NEIGHBOUR)

    def only(self, *flows):
        for each in self.rigs:
            each.run("ovs-ofctl", "-OOpenFlow15", "del-flows", f"unix:{each.dir}/br0.mgmt")
            each.run("ovs-ofctl", "-OOpenFlow15", "add-flows", f"unix:{each.dir}/br0.mgmt", "-", stdin="\n".join(flows) + "\n")
        self.controls[1]("dpctl/del-flows")

    def trace(self, flow, bridge="br0"):
        return self.same("ofproto/trace", bridge, flow, normal=numbers)


def numbers(text):
    """Numbers of the datapath's ports say nothing."""
    text = text.replace(",vlan_tci=0x0000/0x1000", "")  # that there is no tag, which decap() looks at, is no word of Debian's
    text = re.sub(r"(tnl_port|out_port|tnl_pop)\(\d+\)", r"\1(N)", text)
    return re.sub(r"(Datapath actions: .*)", lambda m: re.sub(r"(?<=,)\d+(?=,|$|\))|(?<=: )\d+(?=,|$)", "N", m.group(1)), text)


def settings():
    """What packet_type, exts and seq may be, and the errors of the others"""
    def column(i, name):
        return pair.rigs[i].run("ovs-vsctl", "get", "interface", name, "error").strip()

    with Layer3() as pair:
        pair.same("ofproto/list-tunnels", normal=lambda text: sorted(re.sub(r"port[ =]\d+", "", text).splitlines()), until=lambda lines: len(lines) == len(TUNNELS))
        for kind, *options in (("gre", "packet_type=foo"), ("gtpu", "packet_type=foo"), ("gtpu", "packet_type=legacy_l2"), ("gtpu", "packet_type=legacy_l3"), ("geneve", "packet_type=legacy_l3"),
                               ("geneve", "packet_type=ptap"), ("vxlan", "packet_type=legacy_l3"), ("vxlan", "packet_type=ptap"), ("vxlan", "packet_type=legacy_l3", "exts=gpe"), ("vxlan", "exts=foo"), ("vxlan", "exts=gbp", "dst_port=4790"), ("vxlan", "exts=gbp", "dst_port=4799"),
                               ("erspan", "packet_type=ptap", "erspan_ver=1"), ("gre", "packet_type=legacy_l2"), ("gre", "seq=true"), ("gtpu", "seq=true"), ("gtpu", "ttl=3", "tos=inherit")):
            pair.vsctl("--if-exists", "del-port", "tx", "--", "add-port", "br0", "tx", "--", "set", "interface", "tx", f"type={kind}", "ofport_request=40", "options:remote_ip=1.1.2.77",
                       *[f"options:{o}" for o in options])
            pair.agree(lambda i: column(i, "tx"), f"{kind} {options}")
            pair.agree(lambda i: pair.rigs[i].run("ovs-vsctl", "get", "interface", "tx", "ofport"), f"{kind} {options}")


def traces():
    """ofproto/trace of all that goes into these tunnels"""
    with Layer3() as pair:
        tagged = FLOW + ",dl_vlan=5"
        for n in range(2, 2 + len(TUNNELS)):
            pair.only(f"in_port=1,actions={n}")
            assert "tnl_push" in pair.trace(FLOW), n
            if n not in (2, 3, 4, 6):  # whose tags Debian's leaves where no header is
                pair.trace(tagged)
            if n != 6:  # an ARP packet is nothing for GPE, which Debian's notices later
                pair.trace("in_port=1,arp,dl_src=50:54:00:00:00:05,dl_dst=ff:ff:ff:ff:ff:ff")
            for actions in ("decap(),{}", "encap(nsh(md_type=1)),{}", "encap(mpls),{}", "decap(),{},2", "{},4"):
                if actions.startswith("encap(mpls)") and TUNNELS[n - 2][0] == "vxlan":
                    continue  # which Debian's refuses
                pair.only("in_port=1,actions=" + actions.format(n))
                pair.trace(FLOW)
        for actions in ("LOCAL,2", "5,LOCAL", "decap(),5,encap(ethernet),LOCAL", "set_field:50:54:00:00:00:09->eth_dst,2", "2,3", "2,4", "decap(),8", "decap(),10"):
            pair.only(f"in_port=1,actions={actions}")
            pair.trace(FLOW)
        # Behind a tunnel that lost it, the header is the old one again; Debian's ends there.
        pair.only("in_port=1,actions=2,LOCAL")
        text = pair.controls[0]("ofproto/trace", "br0", tagged)["result"]
        assert re.search(r"Megaflow: .*dl_vlan=5.*dl_src=50:54:00:00:00:05,dl_dst=50:54:00:00:00:07", text), text
        assert re.search(r"Datapath actions: pop_eth,.*,push_eth\(src=50:54:00:00:00:05,dst=50:54:00:00:00:07\),push_vlan\(vid=5,pcp=0\),\d+\n", text), text


def marks():
    """egress_pkt_mark chooses the route of the packets that carry, and is theirs"""
    with Layer3() as pair:
        pair.vsctl("add-port", "br0", "tm", "--", "set", "interface", "tm", "type=geneve", "ofport_request=40", "options:remote_ip=1.1.2.92", "options:key=44", "options:egress_pkt_mark=7")
        pair.appctl("ovs/route/add", "1.1.2.92/32", "br-phy", "1.1.2.1", "pkt_mark=7")
        pair.appctl("tnl/neigh/set", "br-phy", "1.1.2.1", "f8:bc:12:44:34:01")
        for actions in ("40", "load:5->NXM_NX_PKT_MARK[],40"):
            pair.only(f"in_port=1,actions={actions}")
            text = pair.trace(FLOW)
            assert "set(skb_mark(0x7)),tnl_push(" in text.replace("clone(", "") and "dst=f8:bc:12:44:34:01" in text, text
        # Without the option it is the mark that the packet has: its own, one that a flow wrote, or that of the tunnel before.
        pair.vsctl("add-port", "br0", "tn", "--", "set", "interface", "tn", "type=geneve", "ofport_request=41", "options:remote_ip=1.1.2.92", "options:key=45")
        for actions in ("load:7->NXM_NX_PKT_MARK[],41", "40,41", "load:7->NXM_NX_PKT_MARK[],41,load:0->NXM_NX_PKT_MARK[],41"):
            pair.only(f"in_port=1,actions={actions}")
            assert "dst=f8:bc:12:44:34:01" in pair.trace(FLOW), actions
        # A mark without a route of its own goes where all go; Debian's has no way for it.
        pair.only("in_port=1,actions=41")
        for mark, marked in ((7, True), (5, False), (0, False)):
            text = pair.controls[0]("ofproto/trace", "br0", f"{FLOW},pkt_mark={mark}")["result"]
            assert "tnl_push" in text and f"pkt_mark={mark:#x}".replace("0x0", "0") in text and ("dst=f8:bc:12:44:34:01" in text) == marked, text


def gtpu(payload, teid=123, flags=0x30, message=255):
    return struct.pack(">BBHI", flags, message, len(payload), teid) + payload


def gre(protocol, payload, key=None, sequence=None):
    out = struct.pack(">HH", (0x2000 if key is not None else 0) | (0x1000 if sequence is not None else 0), protocol)
    return out + b"".join(struct.pack(">I", word) for word in (key, sequence) if word is not None) + payload


def vxlan(protocol, payload, vni=5, flags=0x0c):
    return struct.pack(">BBBBI", flags, 0, 0, protocol, vni << 8) + payload


def outer(source, port, payload):
    """`port`: UDP's; 0: GRE."""
    body = struct.pack(">HHHH", 5555, port, 8 + len(payload), 0) + payload if port else payload
    if ":" in source:
        if port:
            body = body[:6] + struct.pack(">H", p.checksum(p.pseudo_header(source, "2001:cafe::88", 17, len(body)) + body)) + body[8:]
        return p.ethernet(0x86dd, p.ip(source, "2001:cafe::88", 17 if port else 47, body), NEIGHBOUR.replace(":", ""), LOCAL.replace(":", ""))
    return p.ethernet(0x800, p.ip(source, "1.1.2.88", 17 if port else 47, body), NEIGHBOUR.replace(":", ""), LOCAL.replace(":", ""))


INNER = p.frame("10.0.0.1", "10.0.0.2", 17, struct.pack(">HHHH", 1, 2, 12, 0) + b"weft")
IP = INNER[14:]
IP6 = p.ip("fd00::1", "fd00::2", 17, struct.pack(">HHHH", 1, 2, 12, 0x1234) + b"weft")
NSH = bytes.fromhex("0fc60101000000ff") + bytes(16) + IP
MPLS = bytes.fromhex("00064140") + IP
FRAME = ("priority=1,actions=1",)
ANY = ("priority=1,actions=1", "packet_type=(1,0x800),actions=encap(ethernet),set_field:50:54:00:00:00:07->eth_dst,1", "packet_type=(1,0x894f),actions=encap(ethernet),1",
       "packet_type=(1,0x8847),actions=encap(ethernet),1", "packet_type=(1,0x86dd),actions=encap(ethernet),1")
ZEROS = bytes(12)
ARRIVALS = [  # what, outer packet, flows, what comes out of port 1 where Debian's is not asked
    ("GTP-U", outer("1.1.2.92", 2152, gtpu(IP)), FRAME, None),
    ("GTP-U of IPv6", outer("1.1.2.92", 2152, gtpu(IP6)), FRAME, ZEROS + b"\x86\xdd" + IP6),  # which Debian's does not know
    ("GTP-U in IPv6, packet type aware", outer("2001:cafe::92", 2152, gtpu(IP, 7)), ANY, None),
    ("GTP-U with a sequence number", outer("1.1.2.92", 2152, gtpu(bytes(4) + IP, flags=0x32)), FRAME, None),
    ("GTP-U with extension headers", outer("1.1.2.92", 2152, gtpu(bytes.fromhex("00010085011005c0020000000000") + bytes(2) + IP, flags=0x36)), FRAME, ZEROS + b"\x08\x00" + IP),
    ("GTP-U with extension headers cut short", outer("1.1.2.92", 2152, gtpu(bytes.fromhex("00010085091005c0") + IP, flags=0x36)), FRAME, b""),
    ("GTP-U's flags", outer("1.1.2.92", 2152, gtpu(bytes(4) + IP, flags=0x32)), ("tun_gtpu_flags=0x32,tun_gtpu_msgtype=255,actions=1",), None),
    ("GTP-U's other flags", outer("1.1.2.92", 2152, gtpu(bytes(4) + IP, flags=0x32)), ("tun_gtpu_flags=0x30/0xf2,actions=1",), None),
    ("GTP-U of another TEID", outer("1.1.2.92", 2152, gtpu(IP, 124)), FRAME, None),
    ("GTP-U with key=flow", outer("1.1.2.93", 2152, gtpu(IP, 0xfffffff1)), ("tun_id=0xfffffff1,actions=1",), None),
    ("GTP-U of nothing", outer("1.1.2.92", 2152, gtpu(b"")), FRAME, None),
    ("GTP-U of something else", outer("1.1.2.92", 2152, gtpu(b"\x90" + bytes(30))), FRAME, None),
    ("a GTP-U header cut short", outer("1.1.2.92", 2152, gtpu(b"")[:6]), FRAME, None),
    ("an echo request for a legacy port", outer("1.1.2.92", 2152, gtpu(b"\0\x01\0\0\x0e\x01", 0, 0x32, 1)), FRAME, None),
    ("an echo request", outer("1.1.2.94", 2152, gtpu(b"\0\x01\0\0\x0e\x01", 0, 0x32, 1)), ("tun_gtpu_msgtype=1,actions=1",), None),
    ("GRE of IP", outer("1.1.2.92", 0, gre(0x800, IP, 456)), FRAME, None),
    ("GRE of a frame to a port of layer 3", outer("1.1.2.92", 0, gre(0x6558, INNER, 456)), FRAME, None),
    ("GRE of a frame, packet type aware", outer("1.1.2.93", 0, gre(0x6558, INNER)), ANY, None),
    ("GRE of IP, packet type aware", outer("1.1.2.93", 0, gre(0x800, IP)), ANY, None),
    ("GRE of IP, of no flow", outer("1.1.2.93", 0, gre(0x800, IP)), FRAME, None),
    ("GRE of MPLS", outer("1.1.2.93", 0, gre(0x8847, MPLS)), ANY, None),
    ("GRE of NSH", outer("1.1.2.93", 0, gre(0x894f, NSH)), ANY, None),
    ("GRE of IP to a port of layer 2", outer("1.1.2.94", 0, gre(0x800, IP, 3)), FRAME, None),
    ("GRE with a sequence number", outer("1.1.2.94", 0, gre(0x6558, INNER, 3, 77)), FRAME, None),
    ("GRE of IP to one of two", outer("1.1.2.94", 0, gre(0x800, IP, 9)), ("in_port=13,actions=1",), None),
    ("GRE of a frame to one of two", outer("1.1.2.94", 0, gre(0x6558, INNER, 9)), ("in_port=12,actions=1",), None),
    ("GPE of IP", outer("1.1.2.92", 4790, vxlan(1, IP)), FRAME, None),
    ("GPE of a frame to a port of layer 3", outer("1.1.2.92", 4790, vxlan(3, INNER)), FRAME, None),
    ("GPE of a frame", outer("1.1.2.93", 4790, vxlan(3, INNER)), ANY, None),
    ("GPE of IP, packet type aware", outer("1.1.2.93", 4790, vxlan(1, IP)), ANY, None),
    ("GPE of IPv6", outer("1.1.2.93", 4790, vxlan(2, IP6)), ANY, None),
    ("GPE of NSH", outer("1.1.2.93", 4790, vxlan(4, NSH)), ANY, None),
    ("GPE of MPLS", outer("1.1.2.93", 4790, vxlan(5, MPLS)), ANY, ZEROS + b"\x88\x47" + MPLS),  # as the manual page has it
    ("GPE of something else", outer("1.1.2.93", 4790, vxlan(7, IP)), ANY, None),
    ("GPE of maintenance", outer("1.1.2.93", 4790, vxlan(1, IP, flags=0x0d)), ANY, None),
    ("GPE of IP to a port of layer 2", outer("1.1.2.94", 4790, vxlan(1, IP)), FRAME, None),
    ("GPE of a frame to a port of layer 2", outer("1.1.2.94", 4790, vxlan(3, INNER)), FRAME, None),
    ("from layer 3 to layer 3", outer("1.1.2.92", 2152, gtpu(IP)), ("in_port=2,actions=dec_ttl,5,set_field:50:54:00:00:00:01->eth_src,1",), None),
]


def arrivals():
    """What comes out of them, and what does not"""
    with Layer3() as pair:
        for what, frame, flows, alone in ARRIVALS:
            pair.only("priority=40000,in_port=1,actions=drop", *(flow if "dec_ttl" not in flow else "ip," + flow for flow in flows))
            pair.appctl("netdev-dummy/receive", "p0", frame.hex())
            pair.appctl("version")
            if alone is None:
                try:
                    pair.sent("p1", lambda f: f.hex())
                except rig.Failure as failure:
                    raise rig.Failure(f"{what}: {failure}") from None
                continue
            time.sleep(0.1)
            got = twins.packets(f"{pair.weft.dir}/p1.pcap")[pair.seen[0]["p1"]:]
            assert got == ([alone] if alone else []), (what, got)
            for i, seen in enumerate(pair.seen):
                seen["p1"] = len(twins.packets(f"{pair.rigs[i].dir}/p1.pcap"))
        pair.only("in_port=2,actions=1")
        pair.appctl("netdev-dummy/receive", "p0", outer("1.1.2.92", 2152, gtpu(IP)).hex())

        control = pair.controls[0]  # Debian's keeps such megaflows for a moment
        rig.wait_for(lambda: any("packet_type(ns=1,id=0x800)" in line and "gtpu()" in line and "push_eth(src=00:00:00:00:00:00,dst=00:00:00:00:00:00)" in line
                                 for line in control("dpctl/dump-flows")["result"].splitlines()), "the megaflow")


def plain(frame):
    """Without the UDP checksum of GTP-U: Debian's writes wrong ones, also where there is to be none."""
    at = 54 if frame[12:14] == b"\x86\xdd" else 34
    if frame[20 if at == 54 else 23] == 17 and frame[at + 2:at + 4] == struct.pack(">H", 2152):
        frame = frame[:at + 6] + b"\0\0" + frame[at + 8:]
    return without_port(frame)


def departures():
    """What goes into them is Debian's byte for byte"""
    with Layer3() as pair:
        r = random.Random(SEED)
        for n, (kind, _, options) in enumerate(TUNNELS):
            for actions in ("{}", "decap(),{}", "encap(nsh(md_type=1)),{}"):
                pair.only("in_port=1,actions=" + ("set_field:0xfeeddeed->tun_id," if "key=flow" in options else "") + actions.format(n + 2))
                for _ in range(2):
                    v6 = r.random() < 0.3
                    inner = p.frame("fd00::1" if v6 else "10.0.0.1", "fd00::2" if v6 else "10.0.0.2", 17, struct.pack(">HHHH", r.randrange(65536), 53, 8 + 40, 0) + r.randbytes(40))
                    pair.appctl("netdev-dummy/receive", "p1", inner.hex())
                    pair.appctl("version")
                    for sent in twins.packets(f"{pair.weft.dir}/p0.pcap")[pair.seen[0]["p0"]:]:
                        without_port(sent)  # whose checksum is right, or none
                    pair.sent("p0", plain)


def hosts():
    """Among the kernel's sockets a Weft host hears and speaks GTP-U, with super-packets, and answers what the two ends say"""
    with twins.contextlib.ExitStack() as stack:
        names = [f"l3a{os.getpid()}", f"l3b{os.getpid()}"]
        for name in names:
            ip("netns", "add", name)
            stack.callback(ip, "netns", "del", name, check=False)
        ip("link", "add", "u0", "netns", names[0], "type", "veth", "peer", "name", "u1", "netns", names[1])
        switches = []
        for n, name in enumerate(names):
            ip("-n", name, "link", "set", "lo", "up")
            ip("-n", name, "addr", "add", f"10.9.0.{n + 1}/24", "dev", f"u{n}")
            ip("-n", name, "link", "set", f"u{n}", "up")
            switch = stack.enter_context(rig.Rig(weft={"ovs-vswitchd"}, name="l3", netns=name))
            switches.append(switch)
            switch.start_databases("conf")
            switch.start_vswitchd()
            words = ["add-br", "br0", "--", "set", "bridge", "br0", "fail-mode=secure", f'other_config:hwaddr="02:00:00:00:00:0{n + 1}"']
            for kind, options in (("gtpu", ["key=9"]), ("gre", ["packet_type=legacy_l3"]), ("vxlan", ["exts=gpe", "packet_type=ptap", "key=4"])):
                words += ["--", "add-port", "br0", f"{kind}0", "--", "set", "interface", f"{kind}0", f"type={kind}", f"options:remote_ip=10.9.0.{2 - n}", *[f"options:{o}" for o in options]]
            switch.run("ovs-vsctl", *words)
            ip("-n", name, "addr", "add", f"10.1.0.{n + 1}/24", "dev", "br0")
            ip("-n", name, "link", "set", "br0", "mtu", "1400", "up")
            ip("-n", name, "neigh", "add", f"10.1.0.{2 - n}", "lladdr", f"02:00:00:00:00:0{2 - n}", "dev", "br0", "nud", "permanent")
        for kind in ("gtpu", "gre", "vxlan"):
            for n, switch in enumerate(switches):
                switch.run("ovs-ofctl", "-OOpenFlow15", "del-flows", f"unix:{switch.dir}/br0.mgmt")
                into = "decap()," if kind == "vxlan" else ""
                out = "encap(ethernet)," if kind == "vxlan" else ""
                match = "packet_type=(1,0x800)," if kind == "vxlan" else ""
                switch.run("ovs-ofctl", "-OOpenFlow15", "add-flows", f"unix:{switch.dir}/br0.mgmt", "-",
                           stdin=f"in_port=LOCAL,ip,actions={into}{kind}0\nin_port={kind}0,{match}actions={out}set_field:02:00:00:00:00:0{n + 1}->eth_dst,LOCAL\n")
            rig.wait_for(lambda: " 0% packet loss" in ip("netns", "exec", names[0], "ping", "-c", "1", "-W", "1", "10.1.0.2", check=False), f"an answer through {kind}")
            server = subprocess.Popen(["ip", "netns", "exec", names[1], "python3", "-c", "import socket\ns = socket.create_server(('10.1.0.2', 7))\nc = s.accept()[0]\nn = 0\n"
                                       "while True:\n    d = c.recv(65536)\n    n += len(d)\n    if not d: break\nprint(n)"], stdout=subprocess.PIPE, text=True)
            stack.callback(server.kill)
            time.sleep(0.3)
            subprocess.run(["ip", "netns", "exec", names[0], "python3", "-c", "import socket\ns = socket.create_connection(('10.1.0.2', 7), 5)\ns.sendall(bytes(4000000))\ns.close()"],
                           check=True, timeout=20)
            assert server.communicate(timeout=20)[0].strip() == "4000000", kind
        # The kernel routes by the mark of what carries.
        ip("-n", names[0], "rule", "add", "fwmark", "7", "prohibit")
        assert " 0% packet loss" in ip("netns", "exec", names[0], "ping", "-c", "1", "-W", "1", "10.1.0.2", check=False)
        switches[0].run("ovs-vsctl", "set", "interface", "vxlan0", "options:egress_pkt_mark=7")
        rig.wait_for(lambda: " 100% packet loss" in ip("netns", "exec", names[0], "ping", "-c", "1", "-W", "1", "10.1.0.2", check=False), "no way for the mark")
        # An echo request of the other end is a packet like others where packet types are seen, with the headers it came in.
        switches[0].run("ovs-vsctl", "set", "interface", "gtpu0", "options:packet_type=ptap", "options:key=0")
        switches[0].run("ovs-ofctl", "-OOpenFlow15", "add-flow", f"unix:{switches[0].dir}/br0.mgmt", "priority=60000,in_port=gtpu0,packet_type=(0,0),tun_gtpu_msgtype=1,udp,tp_dst=2152,nw_src=10.9.0.2,actions=drop")
        send = "import socket\ns = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)\ns.sendto(bytes.fromhex('32010006000000000001000000'), ('10.9.0.1', 2152))"

        def counted():
            subprocess.run(["ip", "netns", "exec", names[1], "python3", "-c", send], check=True)
            text = switches[0].run("ovs-ofctl", "-OOpenFlow15", "dump-flows", f"unix:{switches[0].dir}/br0.mgmt", "tun_gtpu_msgtype=1")
            return re.search(r"n_packets=[1-9]", text)
        rig.wait_for(counted, "the echo request in the flow")


if __name__ == "__main__":
    print(f"seed {SEED}")
    rig.main(settings, traces, marks, arrivals, departures, hosts)
