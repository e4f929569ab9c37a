"""ovn-ctl and ovs-ctl start, report and stop the databases and northd: Weft's programs, and Debian's with our scripts.

Also: Debian's ovs-appctl controls our database server, and ours Debian's, with the same answers.
"""
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time

import rig

WEFT_BIN = os.environ["WEFT_BIN"]
DEBIAN = "/usr/sbin:/usr/bin:/sbin:/bin"


def running(pid):
    try:
        with open(f"/proc/{pid}/stat") as f:
            return f.read().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


class Place:
    """A directory of its own for sockets, databases and logs; what still runs there at the end is killed by pid."""

    def __init__(self, path):
        self.dir = tempfile.mkdtemp(prefix="weft-scripts-")
        self.env = dict(os.environ, PATH=path, LC_ALL="C")
        for kind in ("OVS", "OVN"):
            for folder in ("RUNDIR", "LOGDIR", "DBDIR", "SYSCONFDIR"):
                self.env[f"{kind}_{folder}"] = self.dir

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for name in os.listdir(self.dir):
            if name.endswith(".pid"):
                try:
                    pid = int(open(f"{self.dir}/{name}").read())
                    os.kill(pid, signal.SIGKILL)
                    rig.wait_for(lambda: not running(pid), f"{name}'s process to be gone")  # until then it may make files
                except (ValueError, ProcessLookupError):
                    pass
        shutil.rmtree(self.dir)

    def run(self, *words, code=0):
        # The output is a pipe: a daemon that holds on to it would be waited for.
        done = subprocess.run(words, env=self.env, capture_output=True, text=True, timeout=60)
        text = done.stdout + done.stderr
        assert done.returncode == code, f"{words}: exit code {done.returncode}, {text}"
        return text


def expect(text, *parts):
    for part in parts:
        assert part in text, f"{part!r} is not in: {text}"


def scripts_alone():
    """The scripts in a bin folder without programs: those of PATH are started."""
    folder = tempfile.mkdtemp(prefix="weft-scripts-bin-")
    os.makedirs(f"{folder}/bin")
    os.makedirs(f"{folder}/share/weft")
    for script in ("ovn-ctl", "ovs-ctl"):
        shutil.copy(f"{WEFT_BIN}/{script}", f"{folder}/bin/{script}")
    shutil.copy(f"{WEFT_BIN}/../share/weft/ctl-lib.sh", f"{folder}/share/weft/ctl-lib.sh")
    return folder


def serve_and_stop(path):
    with Place(path) as place:
        expect(place.run("ovn-ctl", "status_northd", code=1), "ovn-northd is not running")
        expect(place.run("ovn-ctl", "start_northd"), "Creating empty database", "Starting ovsdb-nb.",
               "Starting ovsdb-sb.", "Starting ovn-northd.")
        expect(place.run("ovn-ctl", "start_northd"), "ovn-northd is already running.")
        expect(place.run("ovn-ctl", "status_northd"), "ovn-northd is running with pid ")
        expect(place.run("ovn-ctl", "status_ovsdb"), "OVN Northbound DB is running.", "OVN Southbound DB is running.")
        expect(place.run("ovn-ctl", "restart_northd"), "Exiting ovn-northd", "Exiting ovnnb_db", "Starting ovn-northd.")
        expect(place.run("ovn-ctl", "start_ic"), "Starting ovsdb-ic-nb.", "Starting ovsdb-ic-sb.", "Starting ovn-ic.")
        expect(place.run("ovn-ctl", "status_ic"), "ovn-ic is running with pid ")
        expect(place.run("ovn-ctl", "status_ic_ovsdb"), "OVN IC-Northbound DB is running.", "OVN IC-Southbound DB is running.")
        expect(place.run("ovn-appctl", "-t", "ovn-ic", "status"), "Status: active")
        expect(place.run("ovn-ctl", "stop_ic"), "Exiting ovn-ic", "Exiting ovn_ic_nb_db", "Exiting ovn_ic_sb_db")
        expect(place.run("ovn-ctl", "status_ic", code=1), "ovn-ic is not running")
        expect(place.run("ovn-ctl", "start_ic_ovsdb"), "Starting ovsdb-ic-nb.", "Starting ovsdb-ic-sb.")
        expect(place.run("ovn-ctl", "stop_ic_ovsdb"), "Exiting ovn_ic_nb_db", "Exiting ovn_ic_sb_db")
        expect(place.run("ovn-ctl", "stop_northd"), "Exiting ovn-northd", "Exiting ovnnb_db", "Exiting ovnsb_db")
        expect(place.run("ovn-ctl", "stop_northd"), "ovn-northd is not running.")
        expect(place.run("ovn-ctl", "start_sb_relay_ovsdb", code=1), "needs --db-sb-relay-remote")
        expect(place.run("ovn-ctl", "start_sb_ovsdb"), "Starting ovsdb-sb.")
        expect(place.run("ovn-ctl", f"--db-sb-relay-remote=unix:{place.dir}/ovnsb_db.sock", "start_sb_relay_ovsdb"), "Starting ovsdb-sb-relay.")
        end = time.monotonic() + 10  # a relay that has not yet heard from its server has no database
        while subprocess.run(["ovn-sbctl", "--timeout=1", "--no-leader-only", f"--db=unix:{place.dir}/ovnsb_relay_db.sock", "show"], env=place.env, capture_output=True).returncode:
            assert time.monotonic() < end, "the relay does not serve"
            time.sleep(0.1)
        expect(place.run("ovn-ctl", "stop_sb_relay_ovsdb"), "Exiting ovnsb_relay")
        expect(place.run("ovn-ctl", "stop_sb_ovsdb"), "Exiting ovnsb_db")
        expect(place.run("ovn-ctl", "status_controller_vtep", code=1), "ovn-controller-vtep is not running")
        expect(place.run("ovn-ctl", "start_controller_vtep"), "Starting ovn-controller-vtep.")
        expect(place.run("ovn-ctl", "status_controller_vtep"), "ovn-controller-vtep is running with pid ")
        expect(place.run("ovn-ctl", "restart_controller_vtep"), "ovn-controller-vtep (", "Starting ovn-controller-vtep.")
        expect(place.run("ovn-ctl", "stop_controller_vtep"), "ovn-controller-vtep (")
        expect(place.run("ovn-ctl", "status_controller_vtep", code=1), "ovn-controller-vtep is not running")
        expect(place.run("ovn-ctl", "foo", code=1), 'unknown command "foo"')
        expect(place.run("ovn-ctl", "--foo=1", "start_northd", code=1), 'unknown option "--foo=1"')
        expect(place.run("ovs-ctl", "start", "--system-id=host1", "--no-ovs-vswitchd"), "Starting ovsdb-server.")
        assert place.run("ovs-vsctl", "--no-wait", "get", "Open_vSwitch", ".", "external-ids:system-id") == "host1\n"
        expect(place.run("ovs-ctl", "status", code=1), "ovsdb-server is running with pid ", "ovs-vswitchd is not running")
        expect(place.run("ovs-ctl", "stop"), "Exiting ovsdb-server")


def restart_keeps_tables(path):
    """What the tables of a bridge hold is there after a restart, and the switch does not wait for it any longer."""
    options = ("--system-id=host1", "--no-mlockall", "--ovs-vswitchd-options=--enable-dummy=override --disable-system")
    with Place(path) as place:
        place.run("ovs-ctl", "start", *options)
        place.run("ovs-vsctl", "add-br", "br0", "--", "set", "bridge", "br0", "fail_mode=secure", "--", "add-port", "br0", "p1", "--", "add-br", "fake", "br0", "7")
        place.run("ovs-ofctl", "add-tlv-map", "br0", "{class=0x102,type=0x80,len=8}->tun_metadata3,{class=0x102,type=0x81,len=4}->tun_metadata0")
        place.run("ovs-ofctl", "-OOpenFlow13", "add-group", "br0", "group_id=7,type=select,bucket=weight=2,actions=output:1,bucket=drop")
        for flow in ("priority=7,tun_metadata3=0x12,actions=group:7", "table=3,cookie=0x99,idle_timeout=900,tcp,tp_dst=80,actions=NORMAL", "actions=drop"):
            place.run("ovs-ofctl", "add-flow", "br0", flow)

        def tables():
            return [sorted(place.run("ovs-ofctl", "--no-stats", "dump-flows", "br0").split("\n")),
                    place.run("ovs-ofctl", "-OOpenFlow13", "dump-groups", "br0").split("\n", 1)[1],
                    place.run("ovs-ofctl", "dump-tlv-map", "br0").split("\n", 1)[1]]
        before = tables()
        assert "tun_metadata3=0x12" in str(before[0]) and "cookie=0x99" in str(before[0]) and "group_id=7" in before[1], before
        expect(place.run("ovs-ctl", "restart", *options), "Saving flows.", "Exiting ovs-vswitchd", "Starting ovs-vswitchd.", "Restoring saved flows.")
        after = tables()
        assert after == before, (before, after)
        assert place.run("ovs-vsctl", "get", "Open_vSwitch", ".", "other_config") == "{}\n"
        trace = place.run("ovs-appctl", "ofproto/trace", "br0", "in_port=1")
        expect(trace, "Datapath actions: drop")
        place.run("ovs-ctl", "stop")


def control_each_other():
    with Place(f"{WEFT_BIN}:{DEBIAN}") as place:
        place.run("ovs-ctl", "start", "--system-id=host1", "--no-ovs-vswitchd")
        for words, code in ((("version",), 0), (("vlog/list-pattern",), 0), (("nosuch",), 2), (("version", "x"), 2),
                            (("vlog/set", "nosuch"), 2), (("coverage/read-counter", "nosuch"), 2)):
            ours = place.run(f"{WEFT_BIN}/ovs-appctl", "-t", "ovsdb-server", *words, code=code)
            theirs = place.run("/usr/bin/ovs-appctl", "-t", "ovsdb-server", *words, code=code)
            assert ours == theirs, f"{words}: {ours!r} and {theirs!r}"
        place.run("/usr/bin/ovs-appctl", "-t", "ovsdb-server", "exit")


def main():
    folder = scripts_alone()
    try:
        serve_and_stop(f"{folder}/bin:{DEBIAN}")
        restart_keeps_tables(f"{folder}/bin:{DEBIAN}")
    finally:
        shutil.rmtree(folder)
    serve_and_stop(f"{WEFT_BIN}:{DEBIAN}")
    restart_keeps_tables(f"{WEFT_BIN}:{DEBIAN}")
    control_each_other()


main()
sys.exit(0)
