"""Random flows as text: our ovs-ofctl and Debian's put them on the wire, read them back and print the same; and each
prints alike what the other put on the wire.

The seed is printed; WEFT_SEED=N repeats a run.
"""
import os
import random
import subprocess
import sys
import tempfile

SEED = int(os.environ.get("WEFT_SEED", random.SystemRandom().randrange(1 << 32)))
WEFT = os.path.join(os.environ.get("WEFT_BIN", ""), "ovs-ofctl")
DEBIAN = "/usr/bin/ovs-ofctl"
R = random.Random(SEED)


def number(bits, masked=True):
    value = R.getrandbits(bits)
    if masked and R.random() < 0.4:
        mask = R.getrandbits(bits) or 1
        return f"{value & mask:#x}/{mask:#x}"
    return f"{value:#x}"


def ipv4():
    return ".".join(str(R.randrange(256)) for _ in range(4)) + R.choice(["", "/8", "/24", "/31"])


def ipv6():
    return f"{R.choice(['fe80', '2001:db8', 'ff02'])}::{R.getrandbits(16):x}" + R.choice(["", "/64", "/126"])


def mac():
    return ":".join(f"{R.getrandbits(8):02x}" for _ in range(6))


def flags(names):
    chosen = R.sample(names, R.randrange(1, 4))
    return "".join(R.choice("+-") + n for n in chosen)


def match():
    terms = [f"priority={R.randrange(65536)}", f"table={R.randrange(250)}"]
    pipeline = {
        "reg%d" % R.randrange(16): lambda: number(32), "metadata": lambda: number(64), "in_port": lambda: str(R.randrange(1, 60000)),
        "tun_id": lambda: number(64), "tun_src": ipv4, "tun_dst": ipv4, "ct_mark": lambda: number(32),
        "ct_label": lambda: number(128), "ct_zone": lambda: str(R.randrange(65536)), "pkt_mark": lambda: number(32),
        "ct_state": lambda: flags(["new", "est", "rel", "rpl", "trk", "snat", "dnat"]),
        "conj_id": lambda: str(R.getrandbits(32)), "tun_ipv6_src": ipv6, "xreg%d" % R.randrange(8): lambda: number(64),
        "xxreg%d" % R.randrange(4): lambda: number(128), "dl_src": mac, "dl_dst": mac,
        "tun_metadata%d" % R.randrange(64): lambda: f"{R.getrandbits(32) | 1 << 31:#x}", "tun_flags": lambda: R.choice(["+oam", "-oam"]),
        "dl_vlan": lambda: str(R.randrange(4096)), "tun_gbp_id": lambda: str(R.randrange(65536)),
    }
    for name in R.sample(sorted(pipeline), R.randrange(5)):
        terms.append(f"{name}={pipeline[name]()}")
    kind = R.choice(["", "ip", "ipv6", "tcp", "udp6", "arp", "icmp", "icmp6", "sctp"])
    if not kind:
        return terms, kind
    terms.append(kind)
    if kind in ("ip", "tcp", "icmp", "sctp"):
        terms += R.sample([f"nw_src={ipv4()}", f"nw_dst={ipv4()}", f"nw_tos={R.randrange(64) * 4}", f"nw_ttl={R.randrange(256)}",
                           f"nw_ecn={R.randrange(4)}", f"nw_frag={R.choice(['no', 'not_later'])}"], R.randrange(4))
    if kind in ("ipv6", "udp6", "icmp6"):
        terms += R.sample([f"ipv6_src={ipv6()}", f"ipv6_dst={ipv6()}", f"ipv6_label={R.getrandbits(20):#x}"], R.randrange(3))
    if kind in ("tcp", "udp6", "sctp"):
        terms += R.sample([f"tp_src={number(16)}", f"tp_dst={R.randrange(65536)}"], R.randrange(3))
    if kind == "tcp" and R.random() < 0.3:
        terms.append("tcp_flags=" + flags(["fin", "syn", "rst", "psh", "ack", "urg"]))
    if kind == "arp":
        terms += R.sample([f"arp_op={R.randrange(1, 5)}", f"arp_spa={ipv4()}", f"arp_tpa={ipv4()}", f"arp_sha={mac()}"], 2)
    if kind == "icmp6":
        terms += ["icmp_type=135", "icmp_code=0", f"nd_target={ipv6()}", f"nd_sll={mac()}"][:R.randrange(1, 5)]
    return terms, kind


def actions(kind):
    reg = lambda: f"reg{R.randrange(16)}"
    general = [
        lambda: str(R.randrange(1, 60000)), lambda: f"resubmit(,{R.randrange(255)})", lambda: f"resubmit({R.randrange(1, 99)},3)",
        lambda: f"set_field:{number(32)}->{reg()}", lambda: f"load:{R.getrandbits(4):#x}->{reg()}[4..{R.randrange(8, 32)}]",
        lambda: f"move:{reg()}[0..15]->{reg()}[16..31]", lambda: f"push:{reg()}[]", lambda: f"pop:{reg()}[3..9]",
        lambda: f"set_field:{mac()}->eth_src", lambda: f"set_field:{number(64)}->metadata", lambda: f"set_field:{number(64)}->tun_id",
        lambda: f"controller(userdata={R.getrandbits(32):08x},pause)", lambda: f"controller(max_len={R.randrange(65535)},id={R.randrange(1, 9)})",
        lambda: f"clone(set_field:{number(32)}->{reg()},output:3)", lambda: f"group:{R.randrange(99)}", lambda: f"note:{R.getrandbits(32):08x}",
        lambda: f"set_field:{number(128)}->xxreg{R.randrange(4)}", lambda: f"set_queue:{R.randrange(9)}", lambda: "ct_clear",
        lambda: f"check_pkt_larger({R.randrange(65536)})->{reg()}[{R.randrange(32)}]", lambda: f"output:{reg()}[0..15]",
        lambda: f"learn(table={R.randrange(250)},idle_timeout={R.randrange(99)},NXM_OF_ETH_DST[]=NXM_OF_ETH_SRC[],load:{R.getrandbits(8)}->{reg()}[0..15])",
        lambda: "normal", lambda: "in_port", lambda: f"output(port={R.randrange(1, 99)},max_len={R.randrange(14, 2000)})",
        lambda: f"multipath(eth_src,{R.randrange(99)},modulo_n,{R.randrange(1, 99)},0,{reg()}[])",
        lambda: f"bundle_load(symmetric_l4,{R.randrange(99)},hrw,ofport,{reg()}[0..15],members:1,2,3)",
    ]
    ip = [lambda: "dec_ttl", lambda: f"ct(commit,zone={R.randrange(65536)},exec(set_field:{number(32)}->ct_mark))",
          lambda: f"ct(table={R.randrange(250)},zone={reg()}[0..15],nat)", lambda: f"set_field:{R.randrange(256)}->nw_ttl"]
    ip4 = [lambda: f"ct(commit,nat(src=10.0.0.{R.randrange(100)}-10.0.1.9:{R.randrange(1, 99)}-200,random))", lambda: "set_field:1.2.3.4->ip_dst"]
    choice = general + (ip * 3 if kind not in ("", "arp") else []) + (ip4 * 4 if kind in ("ip", "tcp", "icmp", "sctp") else [])
    return ",".join(R.choice(choice)() for _ in range(R.randrange(1, 6)))


def run(program, version, *arguments):
    done = subprocess.run([program, "-O", version, *arguments], capture_output=True, text=True, timeout=100, check=False)
    return [line for line in done.stdout.splitlines() if line.startswith(("OFPT", "NXT", " ***"))], done.stderr


def main():
    print(f"seed {SEED}")
    failures = 0
    with tempfile.TemporaryDirectory(prefix="weft-openflow-") as folder:
        path = os.path.join(folder, "flows")
        flows = []
        for _ in range(2000):
            terms, kind = match()
            flows.append(",".join(terms) + ",actions=" + actions(kind))
        with open(path, "w", encoding="utf-8") as out:
            out.write("\n".join(flows) + "\n")
        for version in ("OpenFlow13", "OpenFlow15"):
            ours, our_errors = run(WEFT, version, "parse-flows", path)
            theirs, their_errors = run(DEBIAN, version, "parse-flows", path)
            if len(ours) != len(flows) or len(theirs) != len(flows):
                print(f"{version}: {len(flows)} flows, ours {len(ours)}, Debian's {len(theirs)}\n{our_errors[:500]}\n{their_errors[:500]}")
                failures += 1
            for flow, our, their in zip(flows, ours, theirs):
                if our != their:
                    failures += 1
                    if failures <= 5:
                        print(f"{version}: {flow}\n  ours     {our}\n  Debian's {their}")
    print(f"{failures} differences")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
