"""What Weft's datapath makes of packets is, byte for byte, what Debian's makes of them."""
import os
import random
import struct
import subprocess

import control
import rig

COUNT = 1000


def packets(path, offset):
    """The packets in a pcap file from `offset` on, and where it ends."""
    with open(path, "rb") as f:
        data = f.read()
    found = []
    at = offset or 24
    while at + 16 <= len(data):
        size = struct.unpack_from("<I", data, at + 8)[0]
        if at + 16 + size > len(data):
            break
        found.append(data[at + 16:at + 16 + size].hex())
        at += 16 + size
    return found, at


def main():
    seed = int(os.environ.get("WEFT_SEED", random.randrange(1 << 31)))
    print(f"WEFT_SEED={seed}")
    tool = os.path.join(rig.WEFT_BIN, "..", "tests", "random_actions")
    lines = subprocess.run([tool, str(seed), str(COUNT)], check=True, text=True, stdout=subprocess.PIPE).stdout.splitlines()
    with rig.Rig(name="packet-actions") as r:
        r.start_databases("conf")
        r.start_vswitchd("--enable-dummy", "--disable-system", "--disable-system-route")
        pcap = os.path.join(r.dir, "p2.pcap")
        r.run("ovs-vsctl", "add-br", "br0", "--", "set", "bridge", "br0", "datapath_type=dummy", "fail-mode=secure", "--",
              "add-port", "br0", "p1", "--", "set", "interface", "p1", "type=dummy", "ofport_request=1", "--",
              "add-port", "br0", "p2", "--", "set", "interface", "p2", "type=dummy", "ofport_request=2",
              f"options:tx_pcap={pcap}")
        call = control.Control(os.path.join(r.dir, "vswitchd.ctl"))
        call("vlog/set", "off")
        call("revalidator/pause")
        end, different, done = 24, 0, 0
        for line in lines:
            packet, key, actions, *ours = line.split(" ")
            call("dpctl/del-flows")
            answer = call("dpctl/add-flow", key, actions)
            if answer.get("error"):
                raise rig.Failure(f"dpctl/add-flow {key} {actions}: {answer['error']}")
            call("netdev-dummy/receive", "p1", packet)
            rig.wait_for(lambda: len(packets(pcap, end)[0]) >= len(ours), f"{len(ours)} packets of {actions} on {packet}")
            theirs, end = packets(pcap, end)
            done += 1
            if theirs != ours:
                different += 1
                print(f"{key}\n  {actions}\n  in     {packet}\n  debian {' '.join(theirs)}\n  weft   {' '.join(ours)}")
        print(f"{done} packets, {different} differ")
        if different:
            raise rig.Failure(f"{different} of {COUNT} results differ")


main()
