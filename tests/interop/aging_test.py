"""Learnt addresses age out of use, not in use: MAC_Binding and FDB rows under traffic outlive mac_binding_age_threshold and
fdb_age_threshold, and go when the traffic ends.

    vm1 - sw1 - lr - sw2 - ext, whose addresses the network does not know: they are learnt
"""
import os
import subprocess
import time

import rig
from overlay import Segments, pings, sh
from rig import Failure, wait_for

REFERENCE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../schema/reference")
THRESHOLD = 3  # seconds


def network(host):
    host.run("ovn-nbctl", "ls-add", "sw1", "--", "lsp-add", "sw1", "vm1", "--", "lsp-set-addresses", "vm1", "02:00:00:00:00:10 10.1.0.10",
             "--", "ls-add", "sw2", "--", "lsp-add", "sw2", "ext", "--", "lsp-set-addresses", "ext", "unknown",
             "--", "set", "Logical_Switch", "sw2", f"other_config:fdb_age_threshold={THRESHOLD}",
             "--", "lr-add", "lr", "--", "set", "Logical_Router", "lr", f"options:mac_binding_age_threshold={THRESHOLD}")
    for n in (1, 2):
        host.run("ovn-nbctl", "lrp-add", "lr", f"lr-sw{n}", f"02:00:00:00:00:0{n}", f"10.{n}.0.1/24", "--", "lsp-add", f"sw{n}", f"sw{n}-lr",
                 "--", "lsp-set-type", f"sw{n}-lr", "router", "--", "lsp-set-addresses", f"sw{n}-lr", "router", "--", "lsp-set-options",
                 f"sw{n}-lr", f"router-port=lr-sw{n}")


def rows(host, table, *condition):
    return set(host.run("ovn-sbctl", "--bare", "--columns=_uuid", "find", table, *condition).split())


def used_addresses_stay():
    """Addresses in use stay, others go"""
    with Segments("underlay") as net:
        host = net.host("hv1", 1, rig.ALL)
        for which in ("nb", "sb"):
            host.run("ovsdb-tool", "create", f"{host.dir}/{which}.db", f"{REFERENCE}/ovn-{which}.ovsschema")
        host.start_switch()
        host.start_databases("nb", "sb")
        host.start_northd()
        host.start_controller("hv1", host.v4)
        wait_for(lambda: host.run("ovs-vsctl", "br-exists", "br-int", check=False).returncode == 0, "br-int")
        network(host)
        host.guest("br-int", "vm1", "10.1.0.10/24", mac="02:00:00:00:00:10", external_id="vm1")
        host.guest("br-int", "ext", "10.2.0.10/24", "10.2.0.11/24", mac="02:00:00:00:00:20", external_id="ext")
        for name, n in (("vm1", 1), ("ext", 2)):
            sh("ip", "route", "add", "default", "via", f"10.{n}.0.1", ns=host.guests[name])
        vm1 = host.guests["vm1"]
        wait_for(lambda: pings(vm1, "10.2.0.10"), "the first ping", 30)
        # What is used, is pinged five times a second.
        traffic = subprocess.Popen(["ip", "netns", "exec", vm1, "ping", "-q", "-i", "0.2", "10.2.0.10"], stdout=subprocess.DEVNULL)
        try:
            wait_for(lambda: pings(vm1, "10.2.0.11"), "the address that is used once")
            used, other = (rows(host, "MAC_Binding", f"ip={ip}") for ip in ("10.2.0.10", "10.2.0.11"))
            station = rows(host, "FDB", 'mac="02:00:00:00:00:20"')
            if not (len(used) == len(other) == len(station) == 1):
                raise Failure(f"learnt: {used} {other} {station}")
            end = time.monotonic() + 4 * THRESHOLD
            while time.monotonic() < end:
                time.sleep(0.3)
                if rows(host, "MAC_Binding", "ip=10.2.0.10") != used:
                    raise Failure("a MAC_Binding in use went")
                if rows(host, "FDB", 'mac="02:00:00:00:00:20"') != station:
                    raise Failure("an FDB entry in use went")
            if rows(host, "MAC_Binding", "ip=10.2.0.11"):
                raise Failure("a MAC_Binding that nobody uses stays")
        finally:
            traffic.terminate()
            traffic.wait()
        wait_for(lambda: not rows(host, "MAC_Binding") and not rows(host, "FDB"), "what is not used any more to go", 3 * THRESHOLD)
        # Without a threshold nothing is asked of the switch, and nothing goes.
        host.run("ovn-nbctl", "--wait=hv", "remove", "Logical_Router", "lr", "options", "mac_binding_age_threshold", "--",
                 "remove", "Logical_Switch", "sw2", "other_config", "fdb_age_threshold")
        wait_for(lambda: pings(vm1, "10.2.0.10"), "a ping after all was forgotten")
        time.sleep(2 * THRESHOLD)
        if not rows(host, "MAC_Binding") or not rows(host, "FDB"):
            raise Failure("something went without a threshold")


if __name__ == "__main__":
    rig.main(used_addresses_stay)
