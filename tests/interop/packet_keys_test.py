"""The key that Weft extracts from a packet is the one that Debian's switch extracts, for whole and damaged packets."""
import os
import random
import re
import subprocess

import control
import rig

COUNT = 1500


def main():
    seed = int(os.environ.get("WEFT_SEED", random.randrange(1 << 31)))
    print(f"WEFT_SEED={seed}")
    tool = os.path.join(rig.WEFT_BIN, "..", "tests", "random_packets")
    lines = subprocess.run([tool, str(seed), str(COUNT)], check=True, text=True, stdout=subprocess.PIPE).stdout.splitlines()
    with rig.Rig(name="packet-keys") as r:
        r.start_databases("conf")
        r.start_vswitchd("--enable-dummy", "--disable-system", "--disable-system-route")
        r.run("ovs-vsctl", "add-br", "br0", "--", "set", "bridge", "br0", "datapath_type=dummy", "fail-mode=secure", "--",
              "add-port", "br0", "p1", "--", "set", "interface", "p1", "type=dummy", "ofport_request=1")
        call = control.Control(os.path.join(r.dir, "vswitchd.ctl"))
        call("vlog/set", "dpif_netdev:file:dbg")
        call("vlog/disable-rate-limit")
        call("upcall/disable-megaflows")
        different = 0
        with open(os.path.join(r.dir, "ovs-vswitchd.log")) as log:
            log.seek(0, 2)
            for line in lines:
                packet, ours = line.split(" ", 1)
                call("dpctl/del-flows")
                if call("netdev-dummy/receive", "p1", packet).get("error"):
                    continue
                seen = []

                def upcall():
                    seen.append(log.read())
                    return re.findall(r"miss upcall:\n(.*)\n", "".join(seen))

                theirs = rig.wait_for(upcall, f"an upcall for {packet}")[-1].strip()
                # Of a TCP header with a wrong length Debian prints no flags, of a right one without flags "0".
                if theirs != ours and theirs != ours.replace(",tcp_flags(0)", ""):
                    different += 1
                    print(f"packet {packet}\n  debian {theirs}\n  weft   {ours}")
        if different:
            raise rig.Failure(f"{different} of {COUNT} keys differ")


main()
