"""What `ofproto/trace` says, in parts that Weft's and Debian's switches can be compared by, and the switch that is asked: br0
with dummy ports 1 to 4, a tunnel (20) and a patch port (10) to br1, whose ports have tags.

    with ofproto_trace.start(weft=True) as r:
        text = r.run("ovs-appctl", "ofproto/trace", "br0", "in_port=1")
    for megaflow, actions in ofproto_trace.parts(text):
        print(ofproto_trace.fields(megaflow), ofproto_trace.outputs(actions))
"""
import re

import rig


def start(weft):
    r = rig.Rig(weft={"ovs-vswitchd"} if weft else (), name="translate")
    r.start_databases("conf")
    metrics = [f"--metrics=punix:{r.dir}/metrics.sock"] if weft else []
    r.start_vswitchd("--enable-dummy=override", "--disable-system", "--disable-system-route", *metrics)
    pcap = lambda number: f"options:tx_pcap={r.dir}/p{number}.pcap"
    words = ["add-br", "br0", "--", "set", "bridge", "br0", "datapath_type=dummy", "fail-mode=secure",
             'other_config:hwaddr="aa:55:aa:55:00:00"', "protocols=OpenFlow10,OpenFlow13,OpenFlow15",
             "--", "add-br", "br1", "--", "set", "bridge", "br1", "datapath_type=dummy", 'other_config:hwaddr="aa:55:aa:55:00:01"']
    for number in range(1, 5):
        words += ["--", "add-port", "br0", f"p{number}", "--", "set", "interface", f"p{number}", "type=dummy", f"ofport_request={number}", pcap(number)]
    words += ["--", "add-port", "br0", "patch0", "--", "set", "interface", "patch0", "type=patch", "options:peer=patch1", "ofport_request=10",
              "--", "add-port", "br1", "patch1", "--", "set", "interface", "patch1", "type=patch", "options:peer=patch0", "ofport_request=1",
              "--", "add-port", "br1", "p5", "--", "set", "interface", "p5", "type=dummy", "ofport_request=5", pcap(5), "--", "set", "port", "p5", "tag=5"]
    words += ["--", "add-port", "br0", "tun", "--", "set", "interface", "tun", "type=geneve", "options:remote_ip=flow",
              "options:key=flow", "ofport_request=20"]
    for number, vlan in ((6, "trunks=5,6"), (7, "vlan_mode=native-untagged tag=6"), (8, "vlan_mode=native-tagged tag=5 trunks=5,7")):
        words += ["--", "add-port", "br1", f"p{number}", *vlan.split(), "--", "set", "interface", f"p{number}", "type=dummy",
                  f"ofport_request={number}", pcap(number)]
    r.run("ovs-vsctl", *words)
    return r


def normal(text):
    """Actions without the numbers that the switch chooses."""
    text = re.sub(r"recirc_id=\d+", "recirc_id=N", text)
    # There are no contexts in metadata type 2.
    text = re.sub(r"(set\(nsh\([^()]*),c1=0x0,c2=0x0,c3=0x0,c4=0x0\)", r"\1)", text)
    # What is reserved stays as it is, whatever Debian's says.
    text = text.replace("nd_ext(nd_reserved=0x0,nd_options_type", "nd_ext(nd_options_type")
    # Of several labels that go, what is below the first does not matter.
    text = re.sub(r"pop_mpls\(eth_type=0x884[78]\)", "pop_mpls", text)
    # Among dummy devices Debian's tunnel is one of them, too, and has no key.
    text = re.sub(r"set\(tunnel\((?:[^()]|\([^()]*\))*\)\),", "", text).replace("genev_sys_6081", "tun")
    return re.sub(r"recirc\(0x[0-9a-f]+\)", "recirc(N)", text)


def outputs(text):
    """The ports that actions send to, whatever the order: that in which NORMAL floods is each switch's own."""
    return sorted(re.findall(r"(?:^|[,(])(p[0-9]|br[01]|recirc|userspace)", text))


def parts(trace):
    """Of each pass through the pipeline: datapath actions and megaflow."""
    return [(megaflow, normal(whole_addresses(flow, actions))) for flow, megaflow, actions in zip(
        *(re.findall(rf"^{what}: (.*)$", trace, re.M) for what in ("Flow", "Megaflow", "Datapath actions")))]


def whole_addresses(flow, actions):
    """Actions that write a part of an Ethernet address or traffic class, as a megaflow lets them that looked at no more of it, write all."""
    number = lambda mac: int(mac.replace(":", ""), 16)

    def whole(match):
        name, value, mask = match.groups()
        had = re.search(f"dl_{name}=([0-9a-f:]{{17}})", flow)
        if not had:
            return match[0]
        return f"{name}=" + (number(value) & number(mask) | number(had[1]) & ~number(mask)).to_bytes(6, "big").hex(":")

    ecn = re.search(r"nw_ecn=(\d)", flow)
    actions = re.sub(r"\b(tos|tclass)=(0x[0-9a-f]+)/0xfc", lambda match: f"{match[1]}={int(match[2], 16) | int(ecn[1] if ecn else 0):#x}", actions)
    return re.sub(r"\b(src|dst)=((?:[0-9a-f]{2}:){5}[0-9a-f]{2})/((?:[0-9a-f]{2}:){5}[0-9a-f]{2})", whole, actions)


def followed(trace):
    """A trace without the passes that Debian's does not show: of packets that go round for another reason than connection
    tracking, and whatever became of them.  Those that a walk sent round before it failed are shown."""
    first, *passes = re.split(r"^(?==+\nrecirc\()", trace, flags=re.M)
    failed = "Translation failed" in first
    out, reached = [first], re.findall(r"recirc\((0x[0-9a-f]+)\)", first)
    for one in passes:
        id, tracked = re.search(r"^recirc\((0x[0-9a-f]+)\)( - resume conntrack)?", one, re.M).groups()
        if tracked and (failed or id in reached):
            out.append(one)
            reached += re.findall(r"recirc\((0x[0-9a-f]+)\)", one)
    return "".join(out)


def fields(megaflow):
    """What a megaflow demands.  That a packet came by no tunnel, or has no tag, is told by its port and type; Debian
    leaves that out, and shows flags that no packet of ours has."""
    text = re.sub(r"recirc_id=0x[0-9a-f]+", "recirc_id=N", megaflow)
    return {field for field in text.split(",") if not re.match(
        r"ct_(nw|ipv6)_(src|dst)|tun_metadata0|tun_(src|dst)=0\.0\.0\.0|tun_id=0(/|$)|vlan_tci1?=0x[02468ace]|tun_ipv6_(src|dst)=::$|tun_flags=|tun_metadata0=(0|NP)(/|$)|tun_tos=0$", field)}
