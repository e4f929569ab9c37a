"""A DHCP relay on a router port: what clients ask reaches the server, what it answers the client, and nothing else does.

Databases have the newest schemas, northd, controller and ovn-nbctl are Weft's, the switch is Debian's.
"""
import os
import struct

import rig
from responder_rig import MACS, Network
from wire import *

REFERENCE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../schema/reference")
ROUTER, OWN, SERVER = {"p1": "00:00:00:00:ff:01", "p2": "00:00:00:00:ff:02"}, "10.0.0.1", "10.9.9.9"
NETWORK = r"""
ls-add sw0 -- lsp-add sw0 p1 -- lsp-set-addresses p1 '02:00:00:00:00:01 10.0.0.11' -- lsp-add sw0 p3 -- lsp-set-addresses p3 '02:00:00:00:00:03 10.0.0.13'
ls-add sw1 -- lsp-add sw1 p2 -- lsp-set-addresses p2 '02:00:00:00:00:02 10.9.9.9'
lr-add lr0 -- lrp-add lr0 lr0-sw0 00:00:00:00:ff:01 10.0.0.1/24 -- lrp-add lr0 lr0-sw1 00:00:00:00:ff:02 10.9.9.1/24
lsp-add sw0 sw0-lr0 -- lsp-set-type sw0-lr0 router -- lsp-set-addresses sw0-lr0 router -- lsp-set-options sw0-lr0 router-port=lr0-sw0
lsp-add sw1 sw1-lr0 -- lsp-set-type sw1-lr0 router -- lsp-set-addresses sw1-lr0 router -- lsp-set-options sw1-lr0 router-port=lr0-sw1
--id=@r create DHCP_Relay name=relay servers=10.9.9.9 -- set Logical_Router_Port lr0-sw0 dhcp_relay=@r
"""


class Relayed(Network):
    def __init__(self):
        super().__init__(("ovn-northd", "ovn-controller", "ovn-nbctl"), NETWORK, ["p1", "p2", "p3"], "relay")

    def start_databases(self, *names):
        for which in ("nb", "sb"):
            self.run("ovsdb-tool", "create", f"{self.dir}/{which}.db", f"{REFERENCE}/ovn-{which}.ovsschema")
        super().start_databases(*names)


def request(**more):
    more = {"flags": 0, **more}
    return eth(MACS["p1"], "ff:ff:ff:ff:ff:ff", ip4("0.0.0.0", "255.255.255.255", udp(68, 67, dhcp4(1, 7, MACS["p1"], **more))))


def answer(yiaddr="10.0.0.11", giaddr=OWN, server=SERVER, flags=0, source=SERVER):
    message = bytearray(dhcp4(2, 7, MACS["p1"], option4(54, ip(server)), op=2, giaddr=giaddr, flags=flags))
    message[16:20] = ip(yiaddr)
    return eth(MACS["p2"], ROUTER["p2"], ip4(source, OWN, udp(67, 67, bytes(message))))


def expect(got, wanted, what):
    if got != wanted:
        raise rig.Failure(f"{what}: {got}, expected {wanted}")


def headers(packet):
    """Ethernet and IP addresses, UDP ports; and of the message hops and giaddr."""
    dotted = lambda at: ".".join(str(b) for b in packet[at:at + 4])
    address = lambda at: ":".join(f"{b:02x}" for b in packet[at:at + 6])
    return (address(0), address(6), dotted(26), dotted(30), *struct.unpack("!HH", packet[34:38])), packet[42 + 3], dotted(42 + 24)


def only(out, port):
    expect(list(out), [port], "packets come out of")
    expect(len(out[port]), 1, f"packets at {port}")
    if checksum(out[port][0][14:34]):
        raise rig.Failure("a wrong IP checksum")
    return headers(out[port][0])


def messages():
    """requests go to the server with the relay's address, its answers to the client"""
    with Relayed() as r:
        r.run("ovn-nbctl", "--timeout=20", "--wait=hv", "set", "Logical_Switch", "sw0", "other_config:dhcp_relay_port=sw0-lr0")
        expect(only(r.ask("p1", request(hops=2)), "p2"),
               ((MACS["p2"], ROUTER["p2"], OWN, SERVER, 67, 67), 3, OWN), "the request at the server")
        expect(only(r.ask("p2", answer()), "p1"), ((MACS["p1"], ROUTER["p1"], OWN, "10.0.0.11", 67, 68), 0, OWN), "the answer")
        expect(only(r.ask("p2", answer(flags=0x8000)), "p1")[0][3], "255.255.255.255", "to a client that hears broadcasts only")
        expect(only(r.ask("p2", answer(yiaddr="0.0.0.0")), "p1")[0][3], "255.255.255.255", "a refusal")
        for what, port, packet in (("a request of another relay", "p1", request(giaddr="10.0.0.200")), ("one that went round", "p1", request(hops=16)),
                                   ("an answer to another relay", "p2", answer(giaddr="10.0.0.200")),
                                   ("an answer of another server", "p2", answer(server="10.9.9.8"))):
            expect(r.ask(port, packet), {}, what)
        if "p1" in r.ask("p2", answer(source="10.9.9.8")):
            raise rig.Failure("another host is taken for the server")
        r.run("ovn-nbctl", "--timeout=20", "--wait=hv", "clear", "Logical_Router_Port", "lr0-sw0", "dhcp_relay")
        out = r.ask("p1", request())
        if "p2" in out or "p3" not in out:
            raise rig.Failure(f"without a relay: {out}")


def broadcasts():
    """without dhcp_relay_port the switch floods requests, and the relay gets its copy; another server, or a wrong one"""
    with Relayed() as r:
        out = r.ask("p1", request())
        expect(headers(out["p2"][0]), ((MACS["p2"], ROUTER["p2"], OWN, SERVER, 67, 67), 1, OWN), "the request at the server")
        relay = r.run("ovn-nbctl", "--bare", "--columns=_uuid", "list", "DHCP_Relay").strip()
        r.run("ovn-nbctl", "--timeout=20", "--wait=hv", "set", "DHCP_Relay", relay, "servers=10.9.9.7")
        if "p1" in r.ask("p2", answer()):
            raise rig.Failure("an answer of who is no server any more comes through")
        r.run("ovn-nbctl", "--timeout=20", "--wait=sb", "set", "DHCP_Relay", relay, "servers=none")
        with open(f"{r.dir}/ovn-northd.log") as f:
            if "DHCP_Relay relay: servers 'none' is not one IPv4 address" not in f.read():
                raise rig.Failure("a server that is no address is not named")


if __name__ == "__main__":
    rig.main(messages, broadcasts)
