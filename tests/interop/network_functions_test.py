"""Network functions, checks of switch ports, and routing daemons beside router ports (ovn-nb(5) of the newest schema): packets on hosts
over dummy switches.  All programs are Weft's."""
import time

import rig
import wire
from balancing_test import MAC, Cloud, frame, got, plug, receive
from controller_test import expect

SWITCH = """
ls-add sw0
lsp-add sw0 p1 -- lsp-set-addresses p1 "02:00:00:00:00:01 10.1.0.1"
lsp-add sw0 p2 -- lsp-set-addresses p2 "02:00:00:00:00:02 10.1.0.2"
lsp-add sw0 in1 -- lsp-add sw0 out1 -- lsp-add sw0 in2 -- lsp-add sw0 out2
nf-add f1 1 in1 out1 -- nf-add f2 2 in2 out2
"""


class Host:
    """Sends packets of one connection by the ports of a host (or two), and says by which ports they came out."""

    def __init__(self, *hosts):
        self.where = {}
        self.sport = 5000
        for h in hosts:
            self.add(h)

    def add(self, h, *ports):
        plug(h, *ports)
        for port in ports:
            self.where[port] = h

    def arrive(self, port, packet):
        """The ports where the packet came out."""
        before = {name: len(got(h, name)) for name, h in self.where.items()}
        receive(self.where[port], port, packet)
        return sorted(name for name, h in self.where.items() if len(got(h, name)) > before[name])

    def request(self, sport=None, port=80):
        return frame(MAC(1), MAC(2), wire.udp(sport or self.sport, port, b"x"), "10.1.0.1", "10.1.0.2")

    def answer(self, sport=None, port=80):
        return frame(MAC(2), MAC(1), wire.udp(port, sport or self.sport, b"y"), "10.1.0.2", "10.1.0.1")

    def goes(self, port, packet, wanted, what):
        came = []

        def there():
            came[:] = self.arrive(port, packet)
            return came == wanted
        try:
            rig.wait_for(there, what, 5)
        except rig.Failure:
            raise rig.Failure(f"{what}: it came out at {came}, expected {wanted}")

    def walk(self, function, what):
        """A connection's packets through a function and back."""
        self.sport += 1
        into, out = f"in{function}", f"out{function}"
        self.goes("p1", self.request(), [into], f"{what}: a request")
        self.goes(out, self.request(), ["p2"], f"{what}: the request from the function")
        self.goes("p2", self.answer(), [out], f"{what}: an answer")
        self.goes(into, self.answer(), ["p1"], f"{what}: the answer from the function")
        self.goes("p1", self.request(), [into], f"{what}: the next request")

    def passes(self, what):
        self.sport += 1
        self.goes("p1", self.request(), ["p2"], f"{what}: a request")
        self.goes("p2", self.answer(), ["p1"], f"{what}: an answer")


def inline():
    """inline: packets of connections that the ACL allows, and their answers, run through the function in use; others do not"""
    with Cloud(True, newest=True) as cloud:
        host = Host()
        host.add(cloud.hosts[0], "p1", "p2", "in1", "out1", "in2", "out2")
        cloud.tell(SWITCH, """
            nfg-add g 7 inline f1
            acl-add sw0 from-lport 10 "inport == \\"p1\\" && udp.dst == 80" allow-related g
            acl-add sw0 to-lport 10 "outport == \\"p2\\" && udp.dst == 22" drop
        """)
        host.walk(1, "from-lport")
        host.goes("p1", host.request(port=81), ["p2"], "a packet that the ACL does not match")
        broadcast = wire.eth(MAC(1), "ff:ff:ff:ff:ff:ff", wire.arp(1, MAC(1), "10.1.0.1", "00:00:00:00:00:00", "10.1.0.77"), 0x0806).hex()
        host.goes("p1", broadcast, ["p2"], "a broadcast, which goes to no function")
        # The other side's ACLs judge what comes from a function, too.
        cloud.tell('acl-add sw0 from-lport 11 "inport == \\"p1\\" && udp.dst == 22" allow-related g')
        host.goes("p1", host.request(port=22), ["in1"], "a packet to a port that p2 does not take")
        host.goes("out1", host.request(port=22), [], "the same from the function")
        # Another function.
        cloud.tell("nfg-add-nf g f2")
        host.walk(1, "while the first is in use")
        cloud.tell("nfg-del-nf g f1")
        host.walk(2, "the second")
        # An ACL of the other direction.
        cloud.tell('acl-del sw0 -- acl-add sw0 to-lport 10 "outport == \\"p2\\" && udp.dst == 80" allow-related g')
        host.walk(2, "to-lport")
        cloud.tell('acl-add sw0 from-lport 10 "inport == \\"p1\\" && udp.dst == 80" allow-related g')
        host.walk(2, "both")
        cloud.tell("acl-del sw0 -- acl-add sw0 from-lport 10 ip4 allow-related")
        host.passes("without a group")
        row = lambda *columns: cloud.central.run("ovn-nbctl", "--bare", f"--columns={','.join(columns)}", "list", "Network_Function_Group").strip()
        expect(row("network_function_active"), "no function is in use")
        cloud.tell('acl-del sw0 -- acl-add sw0 from-lport 10 "inport == \\"p1\\"" allow g', wait="sb")
        with open(f"{cloud.central.dir}/ovn-northd.log") as f:
            expect("network_function_group needs action allow-related" in f.read(), "northd does not tell of the ACL")


def copies():
    """vtap: the function gets copies of requests and answers, which go their way"""
    with Cloud(True, newest=True) as cloud:
        host = Host()
        host.add(cloud.hosts[0], "p1", "p2", "in1", "out1", "in2", "out2")
        cloud.tell(SWITCH, """
            nf-add tap 3 in1 -- nfg-add g 7 vtap tap
            acl-add sw0 from-lport 10 "inport == \\"p1\\" && udp.dst == 80" allow-related g
        """)
        host.goes("p1", host.request(), ["in1", "p2"], "a request")
        host.goes("p2", host.answer(), ["in1", "p1"], "an answer")
        cloud.tell('acl-del sw0 -- acl-add sw0 to-lport 10 "outport == \\"p2\\" && udp.dst == 80" allow-related g')
        host.sport += 1
        host.goes("p1", host.request(), ["in1", "p2"], "to-lport: a request")
        host.goes("p2", host.answer(), ["in1", "p1"], "to-lport: an answer")


def far():
    """functions, clients and servers on two hosts: back by the tunnel that a packet came by, if need be"""
    with Cloud(True, True, newest=True) as cloud:
        one, two = cloud.hosts
        cloud.tell(SWITCH, """
            nfg-add g 7 inline f1
            acl-add sw0 from-lport 10 "inport == \\"p1\\" && udp.dst == 80" allow-related g
            acl-add sw0 to-lport 10 "outport == \\"p2\\" && udp.dst == 81" allow-related g
        """)
        plug(one, "p1")
        plug(two, "p2", "in1", "out1")
        cloud.tell("sync")
        flows = lambda h: h.run("ovs-ofctl", "dump-flows", f"unix:{h.dir}/br-int.mgmt", "table=37")
        for h in (one, two):
            rig.wait_for(lambda: "reg10=0x40000000/0x40000000" in flows(h), f"the flow that hides the tunnel: {flows(h)}")
        # A request goes by the tunnel, and so would an answer: what the trace of the first host says.
        keys = {p: int(cloud.central.run("ovn-sbctl", "--bare", "--columns=tunnel_key", "find", "Port_Binding", f"logical_port={p}")) for p in ("p1", "p2", "in1", "out1")}
        datapath = int(cloud.central.run("ovn-sbctl", "--bare", "--columns=tunnel_key", "find", "Datapath_Binding", "external_ids:name=sw0"))
        ofport = one.run("ovs-vsctl", "--no-wait", "--bare", "--columns=ofport", "find", "Interface", "type=geneve").split()[0]
        sent = one.run("ovs-appctl", "-t", f"{one.dir}/vswitchd.ctl", "ofproto/trace", "br-int",
                       f"in_port=p1,udp,dl_src={MAC(1)},dl_dst={MAC(2)},nw_src=10.1.0.1,nw_dst=10.1.0.2,nw_ttl=64,tp_src=1,tp_dst=80", "--ct-next", "trk,new")
        expect(f"{keys['in1']:#x}" in sent and "output:" + ofport in sent, f"a request: {sent}")
        back = one.run("ovs-appctl", "-t", f"{one.dir}/vswitchd.ctl", "ofproto/trace", "br-int",
                       f"in_port={ofport},tun_id={datapath},tun_metadata0={keys['p2'] << 16 | keys['p1']:#x},udp,dl_src={MAC(2)},dl_dst={MAC(1)},nw_src=10.1.0.2,"
                       f"nw_dst=10.1.0.1,nw_ttl=64,tp_src=80,tp_dst=1,ct_mark={7 << 8:#x}", "--ct-next", "trk,est,rpl")
        expect("output:" + ofport in back and "skipping output to input port" not in back, f"an answer: {back}")


def health():
    """functions and ports are checked; a function that is dead is not used, without one packets are dropped or pass"""
    with Cloud(True, newest=True) as cloud:
        host = Host()
        h = cloud.hosts[0]
        host.add(h, "p1", "p2", "in1", "out1", "in2", "out2")
        cloud.tell(SWITCH, """
            nfg-add g 7 inline f1 f2
            acl-add sw0 from-lport 10 "inport == \\"p1\\" && udp.dst == 80" allow-related g
            --id=@c create Network_Function_Health_Check name=c options:interval=1 options:timeout=1 -- set Network_Function f1 health_check=@c
            --id=@d create Network_Function_Health_Check name=d options:interval=1 options:timeout=1 -- set Network_Function f2 health_check=@d
            lsp-hc-add p2 icmp 10.1.0.99 -- lsp-hc-add p2 tcp 10.1.0.99 80
        """)
        for row in cloud.central.run("ovn-nbctl", "--bare", "--columns=_uuid", "list", "Logical_Switch_Port_Health_Check").split():
            cloud.tell(f"set Logical_Switch_Port_Health_Check {row} options:interval=1 options:timeout=1", wait="sb")
        alive = {"f1": True, "f2": True, "p2": True}
        seen = {"in1": 0, "in2": 0, "p2": 0}

        def carry():
            """What the functions let through, and the workload answers."""
            for name, into, out in (("f1", "in1", "out1"), ("f2", "in2", "out2")):
                frames = got(h, into, seen[into])
                seen[into] += len(frames)
                for packet in frames:
                    if alive[name] and packet[23:24] == b"\x01":
                        receive(h, out, packet.hex())
            frames = got(h, "p2", seen["p2"])
            seen["p2"] += len(frames)
            for packet in frames:
                if not alive["p2"] or packet[12:14] != b"\x08\x00":
                    continue
                mac = ":".join(f"{b:02x}" for b in packet[6:12])
                source = ".".join(map(str, packet[26:30]))
                if packet[23] == 1:
                    receive(h, "p2", frame(MAC(2), mac, wire.icmp(0, 0, packet[38:]), "10.1.0.2", source))
                if packet[23] == 6 and packet[47] & 2:
                    sport, seq = int.from_bytes(packet[34:36], "big"), int.from_bytes(packet[38:42], "big")
                    receive(h, "p2", frame(MAC(2), mac, wire.tcp(80, sport, 9, seq + 1, 0x12), "10.1.0.2", source))

        def status(table, column="status", *condition):
            carry()
            return sorted(cloud.central.run("ovn-nbctl" if table != "Service_Monitor" else "ovn-sbctl", "--bare", f"--columns={column}", "find" if condition else "list",
                                            table, *condition).split())
        active = lambda: status("Network_Function_Group", "network_function_active")
        functions = {name: cloud.central.run("ovn-nbctl", "--bare", "--columns=_uuid", "find", "Network_Function", f"name={name}").strip() for name in ("f1", "f2")}
        rig.wait_for(lambda: status("Service_Monitor", "status", "type=network-function") == ["online", "online"], "both functions to be online")
        rig.wait_for(lambda: status("Logical_Switch_Port_Health_Check") == ["online", "online"], "the port to be online")
        # Who was online first is in use.
        used, other = ("f1", "f2") if active() == [functions["f1"]] else ("f2", "f1")
        expect(active() == [functions[used]], f"one of the functions is in use: {active()}")
        alive["p2"] = False
        rig.wait_for(lambda: status("Logical_Switch_Port_Health_Check") == ["offline", "offline"], "the port to be offline")
        alive[used] = False
        rig.wait_for(lambda: active() == [functions[other]], "the other function to be in use")
        cloud.tell("sync")
        host.goes("p1", host.request(), [f"in{other[1]}"], "a request to the other function")
        alive[used] = True
        rig.wait_for(lambda: status("Service_Monitor", "status", "type=network-function") == ["online", "online"], "the first to be back")
        expect(active() == [functions[other]], "the one in use stays in use")
        alive["f1"] = alive["f2"] = False
        rig.wait_for(lambda: active() == [], "no function to be in use")
        cloud.tell("sync")
        before = len(got(h, "p2"))
        receive(h, "p1", host.request())
        time.sleep(0.2)
        udp = lambda: [f for f in got(h, "p2", before) if f[23] == 17]
        expect(not udp(), "a packet passes though no function is alive")
        cloud.tell("set Network_Function_Group g fallback=fail-open")

        def passes():
            receive(h, "p1", host.request())
            return udp()
        rig.wait_for(passes, "a packet that passes (fail-open)")


def routing_daemon():
    """routing-protocol-redirect: BGP and BFD to a router port's addresses, and answers to ARP, go to the daemon's port"""
    with Cloud(True, newest=True) as cloud:
        host = Host()
        host.add(cloud.hosts[0], "peer", "bgp", "p1")
        cloud.tell("""
            ls-add sw0 -- lsp-add sw0 p1 -- lsp-set-addresses p1 "02:00:00:00:00:01 10.1.0.1"
            ls-add out -- lsp-add out peer -- lsp-set-addresses peer "02:00:00:00:00:21 10.2.0.9" -- lsp-add out bgp -- lsp-set-addresses bgp unknown
            lr-add lr -- lrp-add lr lr-out 02:00:00:00:aa:02 10.2.0.254/24 -- lrp-add lr lr-sw0 02:00:00:00:aa:01 10.1.0.254/24
            lsp-add-router-port out out-lr lr-out -- lsp-add-router-port sw0 sw0-lr lr-sw0
        """)
        peer, router = "02:00:00:00:00:21", "02:00:00:00:aa:02"
        bgp = frame(peer, router, wire.tcp(1000, 179), "10.2.0.9", "10.2.0.254")
        other = frame(peer, router, wire.udp(1000, 80, b"x"), "10.2.0.9", "10.1.0.1")
        host.goes("peer", other, ["p1"], "what is routed")
        expect("bgp" not in host.arrive("peer", bgp), "BGP goes to the daemon's port though nobody asks")
        cloud.tell("lrp-set-options lr-out routing-protocol-redirect=bgp routing-protocols=BGP,BFD")
        host.goes("peer", bgp, ["bgp"], "BGP to the daemon")
        host.goes("peer", frame(peer, router, wire.tcp(179, 1000), "10.2.0.9", "10.2.0.254"), ["bgp"], "its answers")
        host.goes("peer", frame(peer, router, wire.udp(50000, 3784, b"x" * 24), "10.2.0.9", "10.2.0.254"), ["bgp"], "BFD to the daemon")
        host.goes("peer", other, ["p1"], "what is routed, as before")
        answer = wire.eth(peer, router, wire.arp(2, peer, "10.2.0.9", router, "10.2.0.254"), 0x0806).hex()
        host.goes("peer", answer, ["bgp"], "an answer to ARP")
        host.goes("bgp", frame(router, peer, wire.tcp(179, 1000), "10.2.0.254", "10.2.0.9"), ["peer"], "what the daemon says")
        host.goes("bgp", wire.eth(router, peer, wire.arp(2, router, "10.2.0.254", peer, "10.2.0.9"), 0x0806).hex(), [], "its answers to ARP, which are the router's to give")
        cloud.tell("lrp-set-options lr-out routing-protocol-redirect=p1 routing-protocols=BGP,OSPF", wait="sb")
        with open(f"{cloud.central.dir}/ovn-northd.log") as f:
            log = f.read()
        expect("'p1' is no port of the port's switch" in log and "'OSPF' is neither BGP nor BFD" in log, "northd does not tell of what is wrong")


if __name__ == "__main__":
    rig.main(inline, copies, far, health, routing_daemon)
