"""The inputs that each fuzzer starts from: what a neighbour, a tenant or a client says when it says it right.

    python3 tests/fuzz/seeds.py FOLDER [FUZZER...]        # FOLDER/FUZZER/NUMBER

tools/fuzz runs it.  They are made here rather than kept as files, so that one can read what they are.
"""
import json
import os
import random
import struct
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path += [os.path.join(HERE, "../lib"), os.path.join(HERE, "../interop")]
os.environ.setdefault("WEFT_SEED", "1")

import forged_frames
import openflow
import openflow_fields_test
import packets as p

MADE = {}


def seeds(function):
    MADE[function.__name__] = function
    return function


def frames(count=120):
    sender = forged_frames.Sender("02:00:00:00:00:01", "10.0.0.1", "fd00::1")
    targets = [forged_frames.Sender("02:00:00:00:00:02", "10.0.0.2", "fd00::2")]
    forger = forged_frames.Forger(1, sender, targets)
    return [bytes(forger.next()) for _ in range(count)]


def flow_lines(count=400):
    return random.Random(1).sample(list(openflow_fields_test.all_lines()), count)


def flow_mods():
    """(version, message) for some of the flows that can be said, as an ovs-ofctl puts them on the wire."""
    program = os.path.join(os.environ["WEFT_BIN"], "ovs-ofctl") if os.environ.get("WEFT_BIN") else "/usr/bin/ovs-ofctl"
    with tempfile.TemporaryDirectory(prefix="weft-seeds-") as folder:
        r = type("Folder", (), {"dir": folder})
        for version in openflow.VERSIONS:
            for line in flow_lines(40):
                try:
                    for message in openflow.recorded(r, version, "--no-names", "add-flow", "SWITCH", line, program=program, whole=True):
                        yield version, message
                except Exception:  # noqa: S112: what this version cannot say is no seed
                    continue


# --- text ---

@seeds
def json_text_fuzz():
    for value in ({"id": 0, "method": "transact", "params": ["db", {"op": "select", "table": "T", "where": [["a", "==", 1.5e3]]}]},
                  ["map", [["k", "v\u00e9\n"], [True, None]]], {"a": {"b": [[], {}, -1, 0.1, 1e300]}}, "\ud83d\ude00", [9223372036854775807]):
        yield json.dumps(value).encode()
        yield json.dumps(value, indent=2, ensure_ascii=False).encode("utf-8", "surrogatepass")


@seeds
def logical_text_fuzz():
    yield from (line.encode() for line in (
        "ip4.src == {10.0.0.1, 10.0.0.0/24} && tcp.dst == 80", "eth.mcast || (inport == \"a\" && !is_chassis_resident(\"b\"))", "1 <= ip.ttl < 5",
        "reg0[0..15] = 5; next;", "ct_commit { ct_mark.blocked = 0; ct_label = 1/3; };", "ct_lb_mark(backends=10.0.0.1:80,10.0.0.2:80; hash_fields=\"ip_src\");",
        "reg0[3] = put_dhcp_opts(offerip = 1.2.3.4, router = 1.2.3.1, domain_name=\"x\"); next;", "icmp4 { eth.dst <-> eth.src; output; };",
        "arp { arp.op = 2; output; };", "log(name=\"a\", verdict=drop, severity=info); drop;", "push(xxreg0); pop(eth.dst); clone { next(pipeline=egress,table=5); };",
        "reg1[0..1] = select(1=3, 2, 5);", "set_meter(100, 20); trigger_event(event = \"empty_lb_backends\", vip = \"1.1.1.1:80\", protocol = \"tcp\", load_balancer = \"x\");",
        "reg0[1] = check_pkt_larger(1500); dec_ttl;", "ct_snat(1.2.3.4, 80-90); ct_dnat; ct_clear;", "tcp.flags[1] == 1 && ip6.src == ff00::/8 && vlan.vid != 3"))


@seeds
def openflow_text_fuzz():
    yield from (line.encode() for line in flow_lines())
    yield from (line.encode() for line in (
        "group_id=1,type=select,selection_method=hash,fields(ip_src,tcp_dst),bucket=weight:5,watch_port:1,actions=output:1,bucket=bucket_id:7,2",
        "group_id=2,type=ff,bucket=watch_group:3,actions=set_field:1->reg0", "meter=1,kbps,burst,stats,bands=type=drop,rate=5,burst_size=6",
        "meter=2,pktps,bands=type=dscp_remark,rate=1,prec_level=1", "in_port=1,packet=00112233445566778899aabb0800,actions=2", "delete_strict table=1,tcp"))


@seeds
def datapath_text_fuzz():
    yield from (line.encode() for line in (
        "recirc_id(0x1),in_port(2),ct_state(+trk-new),ct_label(0x1/0xff),eth(src=00:00:00:00:00:01),eth_type(0x0800),ipv4(src=1.2.3.0/255.255.255.0,proto=6,frag=no),tcp(src=5/0xff,dst=80),tcp_flags(+syn-ack)",
        "tunnel(tun_id=0x5,src=1.1.1.1,dst=2.2.2.2,ttl=64,geneve({class=0x102,type=0x80,len=4,0x10002/0xffffffff}),flags(-df+csum+key)),in_port(1)",
        "in_port(1),eth(),eth_type(0x8100),vlan(vid=5,pcp=3),encap(eth_type(0x86dd),ipv6(src=fe80::1,proto=58),icmpv6(type=135,code=0),nd(target=::1))",
        "ct(commit,force,zone=5,mark=0x1/0xff,label=0x1/0x3,helper=ftp,nat(src=1.2.3.4-1.2.3.9:5-6,random)),recirc(0x3)",
        "set(tunnel(tun_id=0x5,dst=1.1.1.1,ttl=64,tp_dst=6081,geneve({class=0x102,type=0x80,len=4,0x1}),flags(df|csum|key))),4",
        "clone(tnl_push(tnl_port(6081),header(size=50,type=5,eth(dst=00:00:00:00:00:22,src=aa:66:aa:66:00:00,dl_type=0x0800),ipv4(src=10.0.0.1,dst=10.0.0.2,proto=17,tos=0,ttl=64,frag=0x4000),udp(src=0,dst=6081,csum=0x0),geneve(vni=0x0)),out_port(101)),3)",
        "sample(sample=50.0%,actions(userspace(pid=0,sFlow(vid=0,pcp=0,output=1),actions))),trunc(60),push_vlan(vid=3,pcp=1),push_mpls(label=1,tc=2,ttl=3,bos=1,eth_type=0x8847)",
        "check_pkt_len(size=100,gt(2),le(drop)),meter(1),hash(hash_l4(0)),push_nsh(flags=0,ttl=63,mdtype=1,np=3,spi=0x1,si=2,c1=0x1,c2=0x2,c3=0x3,c4=0x4),pop_nsh(),ct_clear,lb_output(1)"))


# --- OpenFlow ---

@seeds
def openflow_message_fuzz():
    yield from (message for _, message in flow_mods())
    for version in range(1, 7):
        for kind, body in ((openflow.HELLO, bytes.fromhex("00010008000000fe")), (openflow.ERROR, bytes(4)), (openflow.PACKET_OUT, bytes(24)), (openflow.PORT_MOD, bytes(32)),
                           (openflow.GROUP_MOD, struct.pack(">HBBI", 0, 1, 0, 5) + bytes(32)), (openflow.METER_MOD, struct.pack(">HHIHHII4x", 0, 1, 5, 1, 16, 100, 0)),
                           (openflow.ROLE_REQUEST, bytes(16)), (openflow.BUNDLE_CONTROL, bytes(8)), (openflow.SET_ASYNC, bytes(24))):
            yield openflow.message(version, kind, body)
        for kind in range(20):
            yield openflow.message(version, openflow.MULTIPART_REQUEST, struct.pack(">HH4x", kind, 0) + b"\xff" * 40)
            yield openflow.message(version, openflow.MULTIPART_REPLY, struct.pack(">HH4x", kind, 0) + bytes(80))


@seeds
def openflow_actions_fuzz():
    """The version, whether they are instructions, and what follows the match."""
    for version, message in flow_mods():
        number = openflow.VERSIONS[version]
        if message[1] == openflow.FLOW_MOD and number == 1:
            yield bytes([0]) + message[72:]
        elif message[1] == openflow.FLOW_MOD and number >= 3:
            length = struct.unpack(">H", message[50:52])[0]
            rest = message[48 + (length + 7) // 8 * 8:]
            yield bytes([number - 1 | 0x80]) + rest
            if rest[:2] == b"\0\4":
                yield bytes([number - 1]) + rest[8:]


# --- packets ---

@seeds
def extract_fuzz():
    for frame in frames():
        yield bytes([2, 0, 0, 0, 0, 0]) + frame
        yield bytes([2, 3, 9, 34, 16, 0]) + frame
    yield bytes([0, 0, 0, 0, 0, 3]) + p.ip("10.0.0.1", "10.0.0.2", 6, p.tcp("10.0.0.1", "10.0.0.2", 1, 2, "S", 5))
    yield bytes(6) + p.ethernet(0x8847, bytes.fromhex("000010400000214000003140") + bytes(20))
    yield bytes(6) + p.ethernet(0x894f, bytes.fromhex("0fc601030000010200000001000000020000000300000004") + bytes(20))


@seeds
def tracker_fuzz():
    """Rounds of flags, delay, half the length, packet."""
    r = random.Random(1)
    all_frames = [f for f in frames() if len(f) < 400]
    for _ in range(100):
        out = b""
        for frame in r.sample(all_frames, r.randrange(1, 5)):
            frame += bytes(len(frame) % 2)
            out += bytes([r.randrange(128), r.randrange(8), len(frame) // 2]) + frame
        yield out
    one, other = "10.0.0.1", "10.0.0.2"
    for how in (2, 0x0a, 0x1a, 0x22, 0x62):
        out = b""
        for frame in (p.frame(one, other, 6, p.tcp(one, other, 9, 21, "S", 1)), p.frame(other, one, 6, p.tcp(other, one, 21, 9, "SA", 1, 2)),
                      p.frame(one, other, 6, p.tcp(one, other, 9, 21, "PA", 2, 2, data=b"PORT 10,0,0,1,4,1\r\n"))):
            frame += bytes(len(frame) % 2)
            out += bytes([how, 1, len(frame) // 2]) + frame
        yield out
    for frame in p.fragments(one, other, 17, p.udp(one, other, 1, 2, bytes(200)), 104):
        yield bytes([0, 0, (len(frame) + 1) // 2]) + frame + bytes(len(frame) % 2)


@seeds
def ftp_fuzz():
    for how, text in ((1, "PORT 10,0,0,1,4,1\r\n"), (1, "EPRT |1|10.0.0.1|1025|\r\n"), (3, "EPRT |2|fd00::1|1025|\r\n"), (0, "227 Entering (10,0,0,2,4,1)\r\n"), (2, "229 Ext (|||1025|)\r\n")):
        yield bytes([how]) + text.encode()


@seeds
def tunnel_fuzz():
    inner = frames(20)
    for kind in range(5):
        for frame in inner:
            body = {0: forged_frames.geneve(5, forged_frames.ovn_option(1, 2), frame), 1: bytes.fromhex("0800000000000500") + frame, 2: bytes.fromhex("2000655800000005") + frame,
                    3: bytes.fromhex("100088be000000011001000500000001") + frame, 4: struct.pack(">BBHI", 0x30, 255, len(frame) - 14, 5) + frame[14:]}[kind]
            yield bytes([kind, 30]) + body
    yield bytes([1, 9]) + bytes.fromhex("0c00000100000500") + inner[0][14:]


@seeds
def group_membership_fuzz():
    for body in (bytes.fromhex("1164ee9be0000001"), bytes.fromhex("16000000e1020304"), bytes.fromhex("17000000e1020304"), bytes.fromhex("220000000000000201000001e10203040102030404000000e1020305")):
        yield p.frame("10.0.0.1", "224.0.0.1", 2, body, options=bytes.fromhex("94040000"))
    for kind, rest in ((130, bytes(4) + bytes(16)), (131, bytes(4) + p.packed("ff0e::5")), (143, bytes.fromhex("00000001") + bytes.fromhex("04000001") + p.packed("ff0e::5") + p.packed("fd00::1"))):
        yield p.ethernet(0x86dd, p.ipv6("fe80::1", "ff02::16", 0, bytes.fromhex("3a00050200000100") + bytes([kind, 0, 0, 0]) + rest, hop_limit=1))
        yield p.frame("fe80::1", "ff02::16", 58, bytes([kind, 0, 0, 0]) + rest)


@seeds
def responders_fuzz():
    all_frames = frames(60)
    for kind in range(10):
        for frame in all_frames:
            yield bytes([kind]) + frame
    # ADVERTISE of a prefix: server id, client id, IA_PD with IAPREFIX.
    prefix = struct.pack(">HHIIB", 26, 25, 100, 200, 64) + p.packed("fd00:1::")
    options = struct.pack(">HH", 1, 10) + bytes.fromhex("00030001020000000001") + struct.pack(">HH", 2, 10) + bytes.fromhex("00030001020000000002")
    yield bytes([7]) + bytes.fromhex("02000001") + options + struct.pack(">HHIII", 25, 12 + len(prefix), 1, 100, 200) + prefix


# --- protocols of the links ---

@seeds
def bfd_fuzz():
    for state in range(4):
        message = forged_frames.bfd(state=state, mine=9, yours=7)
        yield bytes([100, 100]) + b"".join(bytes([24 + 32 * n, n, *message]) for n in range(4)) + bytes([201, 3, 50, 60, 230, 1])


@seeds
def bpdu_fuzz():
    for body in (bytes.fromhex("0000000001") + bytes(30), bytes.fromhex("000002023c") + bytes(31), bytes.fromhex("00000080")):
        yield body
        yield bytes.fromhex("0180c2000000020000000001") + struct.pack(">H", 3 + len(body)) + b"\x42\x42\x03" + body


@seeds
def spanning_trees_fuzz():
    """Rounds of port, delay and BPDU; trees_test.py has the same forms."""
    r = random.Random(1)
    for flags in range(16):
        out = bytes([flags])
        for _ in range(6):
            root = struct.pack(">H", r.choice([0x1000, 0x8000, 0xf000])) + bytes([2, 0, 0, 0, 0, r.randrange(4)])
            bridge = struct.pack(">H", 0x8000) + bytes([2, 0, 0, 0, 0, r.randrange(4)])
            times = struct.pack(">HHHHH", 0x8000 + r.randrange(1, 4), 256 * r.randrange(3), 20 * 256, 512, 15 * 256)
            rapid = r.randrange(2)
            body = struct.pack(">HBBB", 0, 2 * rapid, 2 * rapid, r.choice([0x0e, 0x3c, 0x7c, 0x08, 1])) + root + struct.pack(">I", r.randrange(40000)) + bridge + times + bytes(rapid)
            out += bytes([r.randrange(3), r.randrange(9), len(body)]) + body
        yield out


@seeds
def cfm_fuzz():
    yield bytes([0, 1, 4, 70]) + bytes(4) + struct.pack(">H", 5) + bytes.fromhex("04036f767302036f7673") + bytes(38) + bytes(17)


@seeds
def lldp_fuzz():
    tlv = lambda kind, body: struct.pack(">H", kind << 9 | len(body)) + body
    unit = tlv(1, b"\4\2\0\0\0\0\1") + tlv(2, b"\5p1") + tlv(3, b"\0\x78")
    yield unit + tlv(0, b"")
    yield unit + tlv(4, b"port") + tlv(5, b"name") + tlv(6, b"system") + tlv(7, bytes(4)) + tlv(8, bytes.fromhex("050101020304020000000100")) + tlv(0, b"")
    yield unit + tlv(127, bytes.fromhex("00040d0b") + bytes(38)) + tlv(127, bytes.fromhex("00040d0c") + bytes(32 + 5)) + tlv(0, b"")


@seeds
def lacp_fuzz():
    pdu = bytes.fromhex("0101") + bytes.fromhex("0114ffff0200000000020001ffff00013d000000") + bytes.fromhex("0214ffff0200000000010001ffff00013d000000") + bytes.fromhex("03100000") + bytes(12) + bytes(52)
    for flags in (1, 3, 7, 9, 0x13):
        yield bytes([flags]) + b"".join(bytes([n, 3, 0, len(pdu)]) + pdu for n in range(3))


# --- files and databases ---

@seeds
def pcap_fuzz():
    for order, magic in (("<", 0xa1b2c3d4), (">", 0xa1b2c3d4), ("<", 0xa1b23c4d)):
        yield struct.pack(order + "IHHIIII", magic, 2, 4, 0, 0, 65535, 1) + b"".join(struct.pack(order + "IIII", 1, 2, len(f), len(f)) + f for f in frames(3))
    yield b"12:00:00.000000 IP 10.0.0.1 > 10.0.0.2: ICMP echo\n\t0x0000:  4500 0054 0000 4000 4001 0000 0a00 0001\n\t0x0010:  0a00 0002 0800\n"


SCHEMA = {"name": "db", "version": "1.0.0", "tables": {
    "T": {"isRoot": True, "maxRows": 5, "indexes": [["name"]], "columns": {
        "name": {"type": "string"}, "num": {"type": {"key": {"type": "integer", "minInteger": 0, "maxInteger": 9}, "min": 0, "max": 3}},
        "map": {"type": {"key": "string", "value": {"type": "real", "minReal": 0.5}, "min": 0, "max": "unlimited"}}, "flag": {"type": "boolean", "ephemeral": True},
        "ref": {"type": {"key": {"type": "uuid", "refTable": "T", "refType": "weak"}, "min": 0, "max": "unlimited"}},
        "e": {"type": {"key": {"type": "string", "enum": ["set", ["a", "b"]]}}, "mutable": False}, "s": {"type": {"key": {"type": "string", "minLength": 1, "maxLength": 4}}}}}}}


@seeds
def schema_fuzz():
    yield json.dumps(SCHEMA).encode()
    yield json.dumps(SCHEMA, indent=1).encode()
    yield json.dumps({"name": "a", "version": "1.2.3", "cksum": "1 2", "tables": {}}).encode()


@seeds
def log_file_fuzz():
    row = '{"a":{"11111111-2222-3333-4444-555555555555":{"n":5,"r":1.5,"s":["set",["x","y"]],"m":["map",[["k",1]]]}},"_date":1,"_comment":"c"}'
    for text in ("@" + row, "@" + row + "\n@" + '{"a":{"11111111-2222-3333-4444-555555555555":null}}', "+" + row, row, "@" + '{"b":{"11111111-2222-3333-4444-555555555555":{"e":"x"}}}',
                 "@" + row + "\n@" + '{"a":{"11111111-2222-3333-4444-555555555555":{"n":6}},"_is_diff":true}', "!@" + json.dumps(SCHEMA), "OVSDB JSON 5 0123456789abcdef0123456789abcdef01234567\n{}\n"):
        yield text.encode()


@seeds
def ovsdb_requests_fuzz():
    ask = lambda method, *params: json.dumps({"id": 1, "method": method, "params": list(params)}).encode()
    insert = {"op": "insert", "table": "T", "row": {"name": "y", "num": 1, "map": ["map", [["k", 1]]], "real": 0.5}}
    where = [["name", "==", "x"]]
    requests = [ask("transact", "db", insert), ask("transact", "db", {"op": "select", "table": "T", "where": where, "columns": ["name", "_uuid"]}),
                ask("transact", "db", {"op": "mutate", "table": "T", "where": where, "mutations": [["num", "insert", ["set", [1, 2]]], ["real", "+=", 1.0]]}),
                ask("transact", "db", {"op": "update", "table": "T", "where": [], "row": {"flag": True}}, {"op": "abort"}), ask("transact", "db", {"op": "delete", "table": "T", "where": []}),
                ask("transact", "db", {"op": "wait", "table": "T", "timeout": 0, "where": where, "columns": ["num"], "until": "==", "rows": [{"num": 1}]}, {"op": "commit", "durable": True}, {"op": "comment", "comment": "c"}, {"op": "assert", "lock": "l"}),
                ask("monitor", "db", "m", {"T": [{"columns": ["name"], "select": {"initial": True}}]}), ask("monitor_cond", "db", 5, {"T": [{"where": where}]}),
                ask("monitor_cond_since", "db", "s", {"T": [{"where": [True]}]}, "00000000-0000-0000-0000-000000000000"), ask("monitor_cond_change", "m", "n", {"T": [{"where": [False]}]}),
                ask("monitor_cancel", "m"), ask("lock", "l"), ask("steal", "l"), ask("unlock", "l"), ask("list_dbs"), ask("get_schema", "db"), ask("get_server_id"), ask("set_db_change_aware", True),
                ask("convert", "db", SCHEMA), ask("cancel", 1), ask("echo", [1])]
    yield from requests
    yield b"".join(requests)


def main():
    folder, wanted = sys.argv[1], sys.argv[2:]
    for name, make in MADE.items():
        if wanted and name not in wanted:
            continue
        os.makedirs(os.path.join(folder, name), exist_ok=True)
        for number, data in enumerate(make()):
            with open(os.path.join(folder, name, f"{number:04}"), "wb") as out:
                out.write(data)


if __name__ == "__main__":
    main()
