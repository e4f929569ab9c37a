"""--user: each daemon becomes the user it is told to, with the powers that Debian's daemons keep (and those for eBPF programs); an OVN of such daemons works."""
import os
import subprocess

import rig
from overlay import Cable, pings

USER = "nobody:nogroup"
BPF_POWERS = 1 << 38 | 1 << 39  # CAP_PERFMON, CAP_BPF


def refusals():
    """Users and groups that are not there, or do not belong together, are refused as Debian's daemons do"""
    for daemon in ("ovsdb-server", "ovs-vswitchd", "ovn-northd", "ovn-controller", "ovn-ic", "ovn-controller-vtep"):
        for user in ("weft-nobody", "weft-nobody:root", "nobody:weft-group", "nobody:root", ":nogroup", "65534"):
            said = []
            for path in (f"{rig.WEFT_BIN}/{daemon}", daemon):
                done = subprocess.run([path, f"--user={user}", "--version"], capture_output=True, text=True, timeout=20)
                said.append((done.returncode, done.stderr.replace("(null): ", "")))
            assert said[0] == said[1], f"{daemon} --user={user}: Weft {said[0]}, Debian {said[1]}"


def identity(pid):
    with open(f"/proc/{pid}/status") as f:
        status = dict(line.rstrip("\n").split(":", 1) for line in f)
    return {key: " ".join(status[key].split()) for key in ("Uid", "Gid", "Groups", "CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb")}


def become(each, user=USER):
    """Its daemons, from now on."""
    each.daemon_words = [f"--user={user}"]
    each.owner = (user.split(":") if ":" in user else [user, user])
    each.hand_over(each.dir)
    plain = each.command

    def command(program, *arguments):
        """With a TUN device that everybody may open, as udev makes it: whoever runs this test may have none such."""
        words = plain(program, *arguments)
        if program != "ovs-vswitchd":
            return words
        return words[:4] + ["sh", "-c", 'mknod -m 666 "$0" c 10 200 && mount --bind "$0" /dev/net/tun && rm "$0" && exec "$@"', f"{each.dir}/tun"] + words[4:]
    each.command = command


def powers():
    """User, groups and powers of every daemon are those of Debian's; log and pid files are the user's"""
    with Cable() as cable:
        hosts = [cable.host("a", 1, rig.ALL), cable.host("b", 2)]
        for host in hosts:
            become(host)
            host.start_databases("conf", "nb", "sb")
            host.start_northd()
            host.start_vswitchd("--disable-system")
            host.start_controller()
        for name in hosts[0].pids:
            ours, theirs = (identity(host.pids[name]) for host in hosts)
            if name in ("ovs-vswitchd", "ovn-controller"):
                for key in ("CapPrm", "CapEff"):
                    ours[key] = f"{int(ours[key], 16) & ~BPF_POWERS:016x}"
            assert ours == theirs, f"{name}: Weft {ours}, Debian {theirs}"
            for suffix in ("pid", "log"):
                assert os.stat(f"{hosts[0].dir}/{name}.{suffix}").st_uid == os.stat(f"{hosts[1].dir}/{name}.{suffix}").st_uid != 0
        for user in ("root:root", "root"):
            for host in hosts:
                host.kill("sb", rig.signal.SIGTERM)
                become(host, user)
                host.hand_over(f"{host.dir}/sb.db")
                host.start_database("sb")
            ours, theirs = (identity(host.pids["sb"]) for host in hosts)
            assert ours == theirs, f"--user={user}: Weft {ours}, Debian {theirs}"


def network():
    """Two hosts whose daemons are nobody's: guests ping each other through Geneve and the eBPF programs, a killed switch comes back"""
    with rig.Rig(weft=rig.ALL, name="central") as central, Cable(mtu=1600) as cable:
        become(central)
        central.start_databases("nb", "sb")
        central.start_northd()
        hosts = [cable.host("a", 1, rig.ALL), cable.host("b", 2, rig.ALL)]
        for host in hosts:
            become(host)
            host.start_switch()
            host.start_controller(host.name, host.v4, f"unix:{central.socket('sb')}")
            central.run("ovn-nbctl", "--may-exist", "ls-add", "sw0", "--", "lsp-add", "sw0", f"p{host.number}", "--",
                        "lsp-set-addresses", f"p{host.number}", f"02:00:00:00:00:0{host.number} 10.0.0.{host.number}")
            rig.wait_for(lambda: host.run("ovs-vsctl", "br-exists", "br-int", check=False).returncode == 0, "br-int")
            host.guest("br-int", f"g{host.number}", f"10.0.0.{host.number}/24", mac=f"02:00:00:00:00:0{host.number}", external_id=f"p{host.number}")
        central.run("ovn-nbctl", "--timeout=25", "--wait=hv", "sync")
        left, right = hosts
        guest = left.guests["g1"]
        rig.wait_for(lambda: pings(guest, "10.0.0.2"), "the first ping", 30)
        assert pings(guest, "10.0.0.2", 1400, count=20)
        forwards = left.appctl_switch("dpif/show")
        assert "programs in the kernel" in forwards, forwards
        left.kill("ovs-vswitchd")
        left.restart_switch()
        rig.wait_for(lambda: pings(guest, "10.0.0.2"), "a ping after the switch's restart", 30)


if __name__ == "__main__":
    rig.main(refusals, powers, network)
