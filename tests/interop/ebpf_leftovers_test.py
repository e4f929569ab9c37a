"""What forwards in the kernel: dpif/show and the log say so; it outlives the switch, and `ovs-ctl stop --datapath` removes it."""
import ctypes
import os
import sys

import rig
from overlay import Cable, pings


def kernel_loads_programs():
    """Whether this kernel takes TC programs at all (libbpf asks it)."""
    return ctypes.CDLL("libbpf.so.1").libbpf_probe_bpf_prog_type(3, None) == 1  # BPF_PROG_TYPE_SCHED_CLS


def left(host):
    """Our programs and devices, of those in the host's namespace."""
    found = []
    for device in host.sh("ls", "/sys/class/net").split():
        for hook in ("ingress", "egress"):
            if "weft_" in host.sh("tc", "filter", "show", "dev", device, hook, check=False).stdout:
                found.append(f"{device} {hook}")
        if device in ("br0", "ovs-ebpf") or device.startswith(("weft-", "genev_sys")):
            found.append(device)
    return found


def ovs_ctl(host, *words):
    env = dict(host.env, PATH=f"{rig.WEFT_BIN}:{host.env['PATH']}")
    before, host.env = host.env, env
    try:
        return host.run("env", os.path.join(rig.WEFT_BIN, "ovs-ctl"), *words)
    finally:
        host.env = before


def removed_on_demand():
    """ovs-ctl stop --datapath, of a switch that runs and of one that was killed; without it traffic goes on"""
    with Cable(mtu=1600) as cable:
        host, peer = cable.host("a", 1, rig.ALL), cable.host("b", 2, rig.ALL)
        for h in (host, peer):
            h.datapath_type = "ebpf"
            h.start_switch()
            h.bridge("br0")
            h.guest("br0", f"g{h.number}", f"10.0.0.{h.number}/24", mac=f"02:00:00:00:00:0{h.number}")
        for h, other in ((host, peer), (peer, host)):
            h.tunnel("br0", "geneve", other)
            h.sh("ethtool", "-K", "eth0", "tx", "on")
        a = host.guests["g1"]
        shown = host.appctl_switch("dpif/show").splitlines()
        if "forwarded by programs in the kernel" not in shown[1]:
            raise rig.Failure(f"dpif/show does not say who forwards: {shown}")
        with open(os.path.join(host.dir, "ovs-vswitchd.log")) as f:
            if "ebpf@ovs-ebpf: packets are forwarded by programs in the kernel" not in f.read():
                raise rig.Failure("the log does not say who forwards")
        rig.wait_for(lambda: pings(a, "10.0.0.2"), "a ping", 20)
        host.kill("ovs-vswitchd")
        if not pings(a, "10.0.0.2") or not left(host):
            raise rig.Failure("nothing forwards without the switch")
        ovs_ctl(host, "stop", "--datapath", "--no-ovsdb-server")
        if left(host) or pings(a, "10.0.0.2", wait=1):
            raise rig.Failure(f"there is still {left(host)}")
        # Its control socket where ovs-ctl looks for it.
        host.start("ovs-vswitchd", "ovs-vswitchd", f"unix:{host.socket('conf')}")
        rig.wait_for(lambda: pings(a, "10.0.0.2"), "a ping again", 20)
        text = ovs_ctl(host, "stop", "--datapath", "--no-ovsdb-server")
        if left(host) or "Exiting ovs-vswitchd" not in text:
            raise rig.Failure(f"{text}\nthere is still {left(host)}")
        del host.pids["ovs-vswitchd"]


if __name__ == "__main__":
    if not kernel_loads_programs():
        print("skipped: this kernel lets nobody load programs")
        sys.exit(0)
    rig.main(removed_on_demand)
