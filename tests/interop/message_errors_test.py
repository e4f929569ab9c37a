"""Damaged messages of every OpenFlow version get the answers from Weft's switch that they get from Debian's: replies of the
same kinds, errors of the same type and code.

Messages come from Debian's ovs-ofctl and from the list below; each is damaged at random, and what both switches answer to it
is told apart by its transaction id.  WEFT_MESSAGES: how many (a few thousand without).  What is not compared, and why, is in
comparable().
"""
import collections
import os
import random
import struct
import time

import openflow as of
import rig

COUNT = int(os.environ.get("WEFT_MESSAGES", 4000))
BATCH = 40
UNASKED = {of.PACKET_IN, of.FLOW_REMOVED, of.PORT_STATUS, of.ROLE_STATUS, of.TABLE_STATUS, of.REQUEST_FORWARD}

FLOWS = [
    "table=1,priority=5,in_port=1,actions=2", "dl_src=02:00:00:00:00:01,dl_vlan=5,actions=strip_vlan,3",
    "tcp,nw_src=10.0.0.0/8,tp_dst=80,actions=mod_nw_dst:10.0.0.9,mod_tp_dst:81,IN_PORT",
    "udp6,ipv6_dst=2001:db8::/32,actions=set_field:2001:db8::1->ipv6_src,LOCAL", "arp,arp_op=1,actions=NORMAL",
    "reg1=5/0xf,metadata=3,actions=load:1->NXM_NX_REG0[0..3],move:NXM_NX_REG0[]->NXM_NX_REG2[],resubmit(,3)",
    "ip,nw_frag=no,actions=ct(commit,zone=5,nat(src=10.0.0.1-10.0.0.9:80-90),exec(set_field:1->ct_mark))",
    "actions=learn(table=9,hard_timeout=5,NXM_OF_ETH_DST[]=NXM_OF_ETH_SRC[],load:5->NXM_NX_REG3[],output:NXM_OF_IN_PORT[])",
    "icmp6,icmp_type=135,nd_target=fe80::1,actions=controller(max_len=20,id=3,reason=no_match,userdata=01.02,pause)",
    "mpls,mpls_label=5,actions=pop_mpls:0x800,push_mpls:0x8847,dec_mpls_ttl,group:1",
    "conj_id=3,actions=multipath(eth_src,50,modulo_n,1,0,NXM_NX_REG0[]),bundle(eth_src,0,hrw,ofport,members:1,2)",
    "reg2=1,actions=conjunction(1,1/2),conjunction(2,2/2)", "actions=note:01.02.03,push:NXM_NX_REG0[],pop:NXM_NX_REG1[],exit",
    "ct_state=+trk+est,ip,actions=dec_ttl(1,2),set_queue:3,enqueue:2:1,pop_queue,fin_timeout(idle_timeout=3)",
    "actions=clone(output:1,set_field:5->tun_id),sample(probability=5,collector_set_id=3,obs_domain_id=1,obs_point_id=2)",
    "tun_id=5,tun_src=1.1.1.1,actions=output(port=3,max_len=90),output:NXM_NX_REG1[0..15],ct_clear,check_pkt_larger(90)->NXM_NX_REG0[0]",
    "idle_timeout=5,hard_timeout=9,cookie=0x9,check_overlap,send_flow_rem,sctp,actions=mod_nw_tos:16,mod_dl_src:02:00:00:00:00:01,FLOOD",
]
NEWER = [  # OpenFlow 1.1+
    "actions=write_metadata:5/7,goto_table:9", "actions=write_actions(output:1,push_vlan:0x8100),goto_table:3", "actions=clear_actions,push_vlan:0x88a8,2",
    "xreg1=7/0xff,vlan_tci=0x1005/0x1fff,actions=set_field:9/0xf->xreg0,copy_field"[:-11] + ",mod_vlan_pcp:3",
]


def experimenter(vendor, subtype, body=b""):
    return of.EXPERIMENTER, struct.pack(">II", vendor, subtype) + body


def multipart(version, kind, body=b""):
    return of.MULTIPART_REQUEST, struct.pack(">HH", kind, 0) + (b"" if version == 1 else bytes(4)) + body


def nicira_stats(version, subtype, body=b""):
    return multipart(version, 0xffff, struct.pack(">II", of.NICIRA, subtype) + (bytes(4) if version == 1 else b"") + body)


def simple(version):
    """Messages that are easily written down: kind and body."""
    port = struct.pack(">HHI", 0xffff, 0, 0) if version == 1 else struct.pack(">II", 0xffffffff, 0)
    out = [(of.ECHO_REQUEST, b"abc"), (of.ECHO_REPLY, b""), (of.FEATURES_REQUEST, b""), (of.GET_CONFIG, b""),
           (of.SET_CONFIG, struct.pack(">HH", 0, 128)), (of.BARRIER_REQUEST, b""), (of.HELLO, b""), (of.ERROR, bytes(12)),
           (of.FEATURES_REPLY, bytes(24)), (of.PORT_STATUS, bytes(72)), (of.PACKET_IN, bytes(40)), (of.BARRIER_REPLY, b"")]
    out += [multipart(version, kind) for kind in (0, 3)] + [multipart(version, 4, port)]
    queue = struct.pack(">HHI", 0xfffc, 0, 0xffffffff) if version == 1 else struct.pack(">II", 0xffffffff, 0xffffffff)
    out.append(multipart(version, 5, queue))
    if version < 5:
        out.append((of.QUEUE_CONFIG, struct.pack(">HH", 1, 0) if version == 1 else struct.pack(">II", 1, 0)))
    if version == 1:
        out.append((of.PORT_MOD, struct.pack(">H6sIIII", 1, bytes.fromhex("aa5500000001"), 0, 0, 0, 0)))
    elif version < 5:
        out.append((of.PORT_MOD, struct.pack(">I4x6s2xIIII", 1, bytes.fromhex("aa5500000001"), 0, 0, 0, 0)))
    else:
        out.append((of.PORT_MOD, struct.pack(">I4x6s2xIIHHI", 1, bytes.fromhex("aa5500000001"), 0, 0, 0, 8, 0)))
    if version >= 2:
        out += [multipart(version, 6, struct.pack(">II", 0xfffffffc, 0)), multipart(version, 8),
                multipart(version, 7, struct.pack(">II", 0xfffffffc, 0) if version == 6 else b""),
                (of.TABLE_MOD, struct.pack(">B3xI", 1, 0))]
    if version >= 3:
        out.append((of.ROLE_REQUEST, struct.pack(">I4xQ", 0, 0)))
        out.append((of.ROLE_REQUEST, struct.pack(">I4xQ", 1, 5)))
    if version >= 4:
        out += [(of.GET_ASYNC, b""), multipart(version, 11), multipart(version, 12), multipart(version, 13, port if version == 6 else b"")]
        out += [multipart(version, kind, struct.pack(">II", 0xffffffff, 0)) for kind in (9, 10)]
        out.append((of.SET_ASYNC, struct.pack(">IIIIII", 3, 0, 7, 7, 3, 3) if version == 4 else struct.pack(">HHIHHI", 1, 8, 3, 0, 8, 0)))
    if version >= 5:
        out += [multipart(version, 14), multipart(version, 15, struct.pack(">II", 0xffffffff, 0xffffffff)),
                (of.BUNDLE_CONTROL, struct.pack(">IHH", 7, 0, 1)), (of.BUNDLE_CONTROL, struct.pack(">IHH", 7, 6, 1)),
                multipart(version, 16, struct.pack(">IIIHBBHHI", 5, 0xffffffff, 0xffffffff, 1, 0xff, 0, 1, 4, 0)),
                (of.TABLE_MOD, struct.pack(">B3xIHHI", 1, 4, 2, 8, 1))]
    elif version >= 4:
        out += [experimenter(of.ONF, 2300, struct.pack(">IHH", 7, 0, 1)), experimenter(of.ONF, 1870, struct.pack(">I", 5))]
        out.append(multipart(version, 0xffff, struct.pack(">II", of.ONF, 1870) + struct.pack(">IHHIB3x", 5, 1, 0, 0xffffffff, 0xff)))
    monitor = struct.pack(">IHHHB5x", 5, 1, 0xffff, 0, 0xff)
    out += [experimenter(of.NICIRA, 10, struct.pack(">I", 0)), experimenter(of.NICIRA, 12, struct.pack(">I", 2)),
            experimenter(of.NICIRA, 15, b"\1" + bytes(7)), experimenter(of.NICIRA, 15, bytes(8)), experimenter(of.NICIRA, 16, struct.pack(">I", 1)),
            experimenter(of.NICIRA, 19, struct.pack(">IIIIII", 3, 0, 7, 7, 3, 3)), experimenter(of.NICIRA, 20, bytes(6) + struct.pack(">H", 0)),
            experimenter(of.NICIRA, 21, struct.pack(">I", 5)), experimenter(of.NICIRA, 25), experimenter(of.NICIRA, 29, bytes(6) + b"\0\5"),
            experimenter(of.NICIRA, 24, struct.pack(">H6xHBBHxx", 0, 0xffff, 1, 4, 1)), experimenter(of.NICIRA, 24, struct.pack(">H6x", 2)),
            nicira_stats(version, 0, struct.pack(">HHB3x", 0xffff, 0, 0xff)), nicira_stats(version, 1, struct.pack(">HHB3x", 0xffff, 0, 0xff)),
            nicira_stats(version, 2, monitor), nicira_stats(version, 3), nicira_stats(version, 4),
            experimenter(of.NICIRA, 28, struct.pack(">HH", 0, 18) + bytes(14) + bytes(6)), experimenter(of.NICIRA, 13, bytes(40))]
    return [of.message(version, kind, body) for kind, body in out]


def originals(r, version):
    number = of.VERSIONS[version]
    flows = FLOWS + (NEWER if number > 1 else [])
    out = simple(number)
    out += of.recorded(r, version, "add-flows", "SWITCH", "-", stdin="\n".join(flows))
    out += of.recorded(r, version, "mod-flows", "SWITCH", "cookie=9/-1,in_port=1,actions=3")
    out += of.recorded(r, version, "--strict", "del-flows", "SWITCH", "table=1,priority=5,in_port=1,out_port=2")
    out += of.recorded(r, version, "dump-flows", "SWITCH", "table=1,tcp,out_port=2")
    out += of.recorded(r, version, "dump-aggregate", "SWITCH", "reg1=5")
    out += of.recorded(r, version, "packet-out", "SWITCH", "in_port=1,packet=020000000002020000000001123400000000,actions=2,load:1->NXM_NX_REG0[]")
    if number > 1:
        for command in ("add-group", "mod-group"):
            out += of.recorded(r, version, command, "SWITCH", "group_id=1,type=select,bucket=weight:3,output:1,bucket=weight:5,watch_port:2,output:2")
        out += of.recorded(r, version, "add-group", "SWITCH", "group_id=3,type=ff,bucket=watch_port:2,output:2,bucket=watch_group:1,output:1")
        out += of.recorded(r, version, "del-groups", "SWITCH", "group_id=3")
    if number > 3:
        for command in ("add-meter", "mod-meter"):
            out += of.recorded(r, version, command, "SWITCH", "meter=1,kbps,burst,bands=type=drop,rate=10,burst_size=3")
        out += of.recorded(r, version, "del-meter", "SWITCH", "meter=1")
        out += of.recorded(r, version, "--bundle", "add-flow", "SWITCH", "in_port=2,actions=3")[:1]
        body = struct.pack(">IHH", 7, 0, 1) + of.message(number, of.FLOW_MOD, out[len(simple(number))][8:])
        out.append(of.message(number, of.BUNDLE_ADD, body) if number > 4 else of.message(number, *experimenter(of.ONF, 2301, body)))
    if number > 5:
        out += of.recorded(r, version, "insert-buckets", "SWITCH", "group_id=1,command_bucket_id=last,bucket=bucket_id:9,output:3")
        out += of.recorded(r, version, "add-group", "SWITCH", "group_id=2,type=select,selection_method=hash,fields(ip_src),bucket=bucket_id:1,output:1")
    return out


class Damage:
    def __init__(self, seed):
        self.r = random.Random(seed)

    def one(self, data):
        """Bytes with one thing wrong; never so that the stream of messages is lost."""
        r, data = self.r, bytearray(data)
        kind = r.randrange(11)
        if kind == 0 and len(data) > 8:
            del data[-r.choice([1, 2, 4, 8, r.randrange(1, len(data))]) or len(data):]
            del data[:0]
        elif kind == 1:
            data += bytes(r.choice([1, 2, 4, 8, 16, 24]))
        elif kind == 2:
            data += bytes(r.getrandbits(8) for _ in range(r.choice([1, 4, 8, 16])))
        elif kind == 3:
            data[1] = r.randrange(40)
        elif kind == 4:
            data[0] = r.choice([0, 1, 2, 3, 4, 5, 6, 7, 255])
        elif kind < 8 and len(data) > 8:
            data[r.randrange(8, len(data))] = r.choice([0, 1, 2, 4, 8, 16, 0xff, r.getrandbits(8)])
        elif kind < 10 and len(data) >= 10:
            at = r.randrange(8, len(data) - 1) & ~1
            now = struct.unpack_from(">H", data, at)[0]
            struct.pack_into(">H", data, at, r.choice([0, 1, 4, 8, 0xffff, now ^ 1, (now + 8) & 0xffff, (now - 8) & 0xffff, r.getrandbits(16)]))
        elif len(data) >= 12:
            at = r.randrange(8, len(data) - 3) & ~3
            struct.pack_into(">I", data, at, r.choice([0, 1, 0xffffffff, 0xfffffffd, 0xffffff00, r.getrandbits(32)]))
        if len(data) < 8:
            data += bytes(8 - len(data))
        return bytes(data)

    def message(self, data):
        for _ in range(self.r.choice([0, 1, 1, 1, 2])):
            data = self.one(data)
        return data


def comparable(version, data):
    """False for messages to which Debian's switch gives no answer of use."""
    number, kind = data[0], data[1]
    vendor, subtype = (struct.unpack(">II", data[8:16]) if len(data) >= 16 else (0, 0))
    if kind == of.wire_type(number, of.MULTIPART_REQUEST) and len(data) >= 12:
        # Several parts: Debian's waits for the rest, and complains when a time is over; ours refuses them.
        if data[11] & 1:
            return False
        # Flow monitors: errors of Debian's name no transaction, and may hold memory of its own (decision 0049).
        at = 16 if number > 1 else 12
        extension = struct.unpack(">II", data[at:at + 8]) if len(data) >= at + 8 else ()
        if data[8:10] == b"\0\x10" or (data[8:10] == b"\xff\xff" and extension in ((of.NICIRA, 2), (of.ONF, 1870))):
            return False
        # Nicira's statistics of groups (6 to 9) are OpenFlow 1.0's, and not spoken.
        if data[8:10] == b"\xff\xff" and extension[:1] == (of.NICIRA,) and 6 <= extension[1] <= 9:
            return False
        # Debian's dummy devices have a queue 0.
        if data[8:10] == b"\0\5" and data[-4:] == bytes(4):
            return False
    # Debian's answers bundle controls of types that there are none.
    at = 12 if kind == of.BUNDLE_CONTROL else 20 if (kind, vendor, subtype) == (of.EXPERIMENTER, of.ONF, 2300) else None
    if at and len(data) >= at + 2 and struct.unpack(">H", data[at:at + 2])[0] > 7:
        return False
    if kind == of.EXPERIMENTER and vendor == of.NICIRA:
        # Ages of flows (18) and groups of OpenFlow 1.0 (31) are not spoken; mappings of options (24) are checked in another
        # order; which monitors there are to cancel (21) follows from requests that are not compared.
        return subtype not in (18, 21, 24, 31)
    return True


def without_chance(ours, theirs):
    """Debian's sends no error about the version while its socket has something left to send."""
    if not theirs and len(ours) == 1 and ours[0][1:] == (of.ERROR, 0, 1, 0):
        return []
    return ours


def answers(r, version, messages):
    """For each message, kinds of replies and errors; and whether the connection lived."""
    session = of.unix(r, version=version)
    with session.socket:
        data = b"".join(bytes(m[:2]) + struct.pack(">HI", len(m), 1000 + i) + m[8:] for i, m in enumerate(messages))
        try:
            session.socket.sendall(data)
            session.send(of.BARRIER_REQUEST, xid=999)
        except OSError:
            pass
        got = collections.defaultdict(list)
        while True:
            whole = session.whole(10)
            if whole is None:
                return got, False
            number, kind, _, xid = struct.unpack(">BBHI", whole[:8])
            if xid == 999 and kind == of.wire_type(session.version, of.BARRIER_REPLY):
                return got, True
            if kind in UNASKED or kind == of.ECHO_REQUEST:
                continue
            answer = (number, kind, *(of.error_code(number, whole[8:]) if kind == of.ERROR else ()))
            if answer not in got[xid]:
                got[xid].append(answer)


def switch(weft):
    r = rig.Rig(weft={"ovs-vswitchd"} if weft else (), name="errors")
    r.start_databases("conf")
    r.start_vswitchd("--enable-dummy=override", "--disable-system", "--disable-system-route")
    words = ["add-br", "br0", "--", "set", "bridge", "br0", "datapath_type=dummy", "fail-mode=secure",
             f"protocols={','.join(of.VERSIONS)}", 'other_config:hwaddr="aa:55:aa:55:00:00"']
    for n in range(1, 4):
        words += ["--", "add-port", "br0", f"p{n}", "--", "set", "interface", f"p{n}", f"ofport_request={n}"]
    r.run("ovs-vsctl", *words)
    return r


def main():
    seed = int(os.environ.get("WEFT_SEED", random.randrange(1 << 31)))
    print(f"WEFT_SEED={seed}")
    damage = Damage(seed)
    with switch(True) as weft, switch(False) as debian:
        kept = {version: originals(debian, version) for version in of.VERSIONS}
        done, different = 0, collections.defaultdict(list)
        while done < COUNT:
            version = damage.r.choice(list(kept))
            source = [damage.r.choice(kept[version]) for _ in range(BATCH)]
            batch = [damage.message(each) for each in source]
            (ours, lives), (theirs, lived) = (answers(r, version, batch) for r in (weft, debian))
            done += BATCH
            for i, message in enumerate(batch):
                mine, other = (sorted(got[1000 + i]) for got in (ours, theirs))
                mine = without_chance(mine, other)
                if mine != other and comparable(version, message):
                    different[version, message[1], str(mine), str(other)].append((message, source[i]))
            if lives != lived:
                different[version, "connection", lives, lived].append((b"".join(batch), b""))
            if not weft.alive("ovs-vswitchd"):
                raise rig.Failure("the switch ended")
        total = sum(map(len, different.values()))
        print(f"{done} messages, {total} answered in another way")
        for (version, kind, mine, other), examples in sorted(different.items(), key=lambda e: -len(e[1]))[:int(os.environ.get("WEFT_SHOWN", 20))]:
            print(f"{version} type {kind}: {len(examples)} times\n  weft   {mine}\n  debian {other}\n  e.g. {examples[0][0].hex()}\n  from {examples[0][1].hex()}")
        if total:
            raise rig.Failure(f"{total} differences")


main()
