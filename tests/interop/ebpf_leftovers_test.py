"""Who forwards: the kernel's programs by default, the daemon where they do not load or are not wanted; dpif/show and the log say so.  What forwards
in the kernel outlives the switch, and `ovs-ctl stop --datapath` removes it."""
import os

import ebpf
import rig
from overlay import Cable, pings


def left(host):
    """Our programs and devices, of those in the host's namespace."""
    found = []
    for device in host.sh("ls", "/sys/class/net").split():
        for hook in ("ingress", "egress"):
            if "weft_" in host.sh("tc", "filter", "show", "dev", device, hook, check=False).stdout:
                found.append(f"{device} {hook}")
        if device in ("br0", "ovs-system") or device.startswith(("weft-", "genev_sys")):
            found.append(device)
    return found


def ovs_ctl(host, *words):
    env = dict(host.env, PATH=f"{rig.WEFT_BIN}:{host.env['PATH']}")
    before, host.env = host.env, env
    try:
        return host.run("env", os.path.join(rig.WEFT_BIN, "ovs-ctl"), *words)
    finally:
        host.env = before


def log(host):
    with open(os.path.join(host.dir, "ovs-vswitchd.log")) as f:
        return f.read()


def chosen_by_type():
    """No datapath_type, system and ebpf are one datapath, netdev is another beside it, and neither takes anything from the other"""
    with Cable(mtu=1600) as cable:
        host, peer = cable.host("a", 1, rig.ALL), cable.host("b", 2, rig.ALL)
        for h, kind in ((host, None), (peer, "ebpf")):
            h.start_switch()
            h.run("ovs-vsctl", "add-br", "br0", *(["--", "set", "bridge", "br0", f"datapath_type={kind}"] if kind else []))
            h.guest("br0", f"g{h.number}", f"10.0.0.{h.number}/24", mac=f"02:00:00:00:00:0{h.number}")
        for h, other in ((host, peer), (peer, host)):
            h.tunnel("br0", "geneve", other)
        for h in (host, peer):
            shown = h.appctl_switch("dpif/show").splitlines()
            if not shown[0].startswith("system@ovs-system") or "forwarded by programs in the kernel" not in shown[1]:
                raise rig.Failure(f"the default datapath: {shown}")
        a, b = host.guests["g1"], peer.guests["g2"]
        rig.wait_for(lambda: pings(a, "10.0.0.2"), "a ping", 20)
        # The same tunnels by the daemon, beside the others.
        for h, other in ((host, peer), (peer, host)):
            h.run("ovs-vsctl", "add-br", "br1", "--", "set", "bridge", "br1", "datapath_type=netdev")
            h.guest("br1", f"h{h.number}", f"10.0.1.{h.number}/24", mac=f"02:00:00:00:01:0{h.number}")
            h.tunnel("br1", "vxlan", other, "tun1")
        rig.wait_for(lambda: pings(host.guests["h1"], "10.0.1.2"), "a ping by the daemon", 20)
        shown = host.appctl_switch("dpif/show").splitlines()
        at = next(i for i, line in enumerate(shown) if line.startswith("netdev@ovs-netdev"))
        if "forwarded by" in shown[at + 1]:
            raise rig.Failure(f"the userspace datapath: {shown}")
        if "eth0 ingress" not in left(host) or not pings(a, "10.0.0.2") or not pings(b, "10.0.0.1"):
            raise rig.Failure(f"the daemon's datapath has taken something away: {left(host)}")


def daemon_where_programs_do_not_load():
    """Without the right to load programs the default datapath is the daemon's, and says so"""
    with Cable() as cable:
        host = cable.host("a", 1, rig.ALL)
        usual = host.path
        wrapper = os.path.join(host.dir, "without-bpf")
        with open(wrapper, "w") as f:
            f.write(f'#!/bin/sh\nexec setpriv --bounding-set=-sys_admin,-bpf {usual("ovs-vswitchd")} "$@"\n')
        os.chmod(wrapper, 0o755)
        host.start_databases("conf")
        host.path = lambda program: wrapper if program == "ovs-vswitchd" else usual(program)
        host.start_vswitchd()
        host.path = usual
        host.run("ovs-vsctl", "add-br", "br0")
        for number in (1, 2):
            host.guest("br0", f"g{number}", f"10.0.0.{number}/24", mac=f"02:00:00:00:00:0{number}")
        rig.wait_for(lambda: pings(host.guests["g1"], "10.0.0.2"), "a ping", 20)
        shown = host.appctl_switch("dpif/show").splitlines()
        if not shown[0].startswith("system@ovs-system") or "forwarded by the daemon, since the programs do not load: " not in shown[1]:
            raise rig.Failure(f"dpif/show: {shown}")
        if "the eBPF datapath cannot be used here, userspace forwards in its place: " not in log(host):
            raise rig.Failure("the log does not say why")


def removed_on_demand():
    """ovs-ctl stop --datapath, of a switch that runs and of one that was killed; without it traffic goes on"""
    with Cable(mtu=1600) as cable:
        host, peer = cable.host("a", 1, rig.ALL), cable.host("b", 2, rig.ALL)
        for h in (host, peer):
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
        if "system@ovs-system: packets are forwarded by programs in the kernel" not in log(host):
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
    ebpf.main(chosen_by_type, daemon_where_programs_do_not_load, removed_on_demand)
