"""A deployment in a temporary directory, each program taken from Weft's build or from Debian's packages.

    with Rig(weft={"ovsdb-server", "ovn-northd"}) as rig:
        rig.start_databases()
        rig.start_northd()
        print(rig.run("ovn-nbctl", "show"))

Programs named in `weft` come from WEFT_BIN (the build's bin folder), all others from Debian's.  Everything a rig
starts is ended, by pid, when it is left; its directory is removed unless WEFT_KEEP is set.
"""
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time

WEFT_BIN = os.environ.get("WEFT_BIN", "")
DEBIAN_PATH = "/usr/sbin:/usr/bin:/sbin:/bin:/usr/share/ovn/scripts"
SCHEMAS = {
    "conf": "/usr/share/openvswitch/vswitch.ovsschema",
    "nb": "/usr/share/ovn/ovn-nb.ovsschema",
    "sb": "/usr/share/ovn/ovn-sb.ovsschema",
    "ic-nb": "/usr/share/ovn/ovn-ic-nb.ovsschema",
    "ic-sb": "/usr/share/ovn/ovn-ic-sb.ovsschema",
    "vtep": "/usr/share/openvswitch/vtep.ovsschema",
}
ALL = {"ovsdb-server", "ovsdb-tool", "ovsdb-client", "ovs-vswitchd", "ovs-vsctl", "ovs-ofctl", "ovs-appctl",
       "ovn-northd", "ovn-controller", "ovn-nbctl", "ovn-sbctl", "ovn-appctl", "ovn-trace", "ovn-detrace",
       "ovn-ic", "ovn-ic-nbctl", "ovn-ic-sbctl", "ovn-controller-vtep", "vtep-ctl"}


class Failure(Exception):
    pass


def wait_for(condition, what, seconds=15):
    """Repeats condition() until it is true and returns what it returned."""
    end = time.monotonic() + seconds
    while True:
        try:
            result = condition()
        except Failure:
            result = None
        if result:
            return result
        if time.monotonic() > end:
            raise Failure(f"after {seconds} s still waiting for: {what}")
        time.sleep(0.05)


class Rig:
    def __init__(self, weft=(), name="rig", netns=None):
        self.weft = ALL if weft == "all" else set(weft)
        self.dir = tempfile.mkdtemp(prefix=f"weft-{name}-")
        self.netns = netns
        self.pids = {}
        self.daemon_words = []  # that each daemon is given
        self.owner = None  # of the databases: user and group
        self.env = dict(os.environ, PATH=DEBIAN_PATH, LC_ALL="C", OVS_CTL_TIMEOUT="20")
        for kind in ("OVS", "OVN"):
            for folder in ("RUNDIR", "LOGDIR", "DBDIR", "SYSCONFDIR"):
                self.env[f"{kind}_{folder}"] = self.dir

    def __enter__(self):
        return self

    def __exit__(self, kind, value, trace):
        if kind is not None:
            self.show_logs()
        self.stop()

    # --- programs ---

    def path(self, program):
        if program in self.weft:
            return os.path.join(WEFT_BIN, program)
        found = shutil.which(program, path=DEBIAN_PATH)
        if not found:
            raise Failure(f"Debian's {program} is not installed")
        return found

    def command(self, program, *arguments):
        inside = ["ip", "netns", "exec", self.netns] if self.netns else []
        return inside + [self.path(program), *arguments]

    def run(self, program, *arguments, check=True, stdin=None, timeout=30):
        """What the program prints; Failure with its error output if it fails."""
        done = subprocess.run(self.command(program, *arguments), env=self.env, input=stdin, text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=timeout, cwd=self.dir)
        if check and done.returncode:
            raise Failure(f"{program} {' '.join(arguments)}: exit {done.returncode}: {done.stderr.strip()}")
        return done.stdout if check else done

    def start(self, name, program, *arguments):
        """A daemon; returns when it is ready."""
        pidfile = os.path.join(self.dir, f"{name}.pid")
        self.run(program, f"--pidfile={pidfile}", f"--log-file={self.dir}/{name}.log", "--detach", "--no-chdir",
                 "-vconsole:off", *self.daemon_words, *arguments)
        with open(pidfile) as f:
            self.pids[name] = int(f.read())
        return self.pids[name]

    def alive(self, name):
        """Until its last thread has ended it has its files, and their locks, though its first may be a zombie already."""
        try:
            with open(f"/proc/{self.pids[name]}/stat") as f:
                zombie = f.read().rsplit(")", 1)[1].split()[0] == "Z"
            return not zombie or len(os.listdir(f"/proc/{self.pids[name]}/task")) > 1
        except (KeyError, FileNotFoundError):
            return False

    def kill(self, name, sig=signal.SIGKILL):
        os.kill(self.pids[name], sig)
        wait_for(lambda: not self.alive(name), f"{name} to end")
        del self.pids[name]

    def stop(self):
        for sig in (signal.SIGTERM, signal.SIGKILL):
            for name in [n for n in self.pids if self.alive(n)]:
                os.kill(self.pids[name], sig)
            end = time.monotonic() + 5
            while any(self.alive(n) for n in self.pids) and time.monotonic() < end:
                time.sleep(0.02)
        if not os.environ.get("WEFT_KEEP"):
            shutil.rmtree(self.dir, ignore_errors=True)

    def show_logs(self):
        for name in sorted(os.listdir(self.dir)):
            if name.endswith(".log"):
                with open(os.path.join(self.dir, name), errors="replace") as f:
                    lines = f.readlines()[-25:]
                sys.stderr.write(f"--- {name}\n" + "".join(lines))

    # --- the usual daemons ---

    def socket(self, which):
        return os.path.join(self.dir, {"conf": "db.sock", "nb": "ovnnb_db.sock", "sb": "ovnsb_db.sock",
                                       "ic-nb": "ovn_ic_nb_db.sock", "ic-sb": "ovn_ic_sb_db.sock",
                                       "vtep": "vtep_db.sock"}[which])

    def start_database(self, which):
        db = os.path.join(self.dir, f"{which}.db")
        if not os.path.exists(db):
            self.run("ovsdb-tool", "create", db, SCHEMAS[which])
        for path in (db, os.path.join(self.dir, f".{which}.db.~lock~")):
            self.hand_over(path)
        self.start(which, "ovsdb-server", f"--unixctl={self.dir}/{which}.ctl", f"--remote=punix:{self.socket(which)}", db)

    def hand_over(self, path):
        if self.owner and os.path.exists(path):
            shutil.chown(path, *self.owner)

    def start_databases(self, *names):
        for which in names or ("conf", "nb", "sb"):
            self.start_database(which)
        if not names or "conf" in names:
            self.run("ovs-vsctl", "--no-wait", "init")

    def start_vswitchd(self, *arguments):
        self.start("ovs-vswitchd", "ovs-vswitchd", f"--unixctl={self.dir}/vswitchd.ctl", *arguments, f"unix:{self.socket('conf')}")

    def start_northd(self, *arguments):
        self.start("ovn-northd", "ovn-northd", f"--unixctl={self.dir}/northd.ctl", f"--ovnnb-db=unix:{self.socket('nb')}",
                   f"--ovnsb-db=unix:{self.socket('sb')}", *arguments)

    def start_controller(self, chassis="hv1", encap_ip="10.0.0.1", remote=None):
        self.run("ovs-vsctl", "--no-wait", "set", "Open_vSwitch", ".", f"external-ids:ovn-remote={remote or 'unix:' + self.socket('sb')}",
                 f"external-ids:ovn-encap-ip={encap_ip}", "external-ids:ovn-encap-type=geneve",
                 f"external-ids:system-id={chassis}", f"external-ids:hostname={chassis}")
        self.start("ovn-controller", "ovn-controller", f"unix:{self.socket('conf')}")

    def appctl(self, daemon, *arguments):
        target = {"ovs-vswitchd": f"{self.dir}/vswitchd.ctl", "ovn-northd": f"{self.dir}/northd.ctl",
                  "ovn-controller": os.path.join(self.dir, f"ovn-controller.{self.pids.get('ovn-controller')}.ctl")}[daemon]
        return self.run("ovs-appctl", "-t", target, *arguments)


def main(*tests):
    """Runs test functions, prints one line each, and exits 1 if one failed.

    A test that is ended (by timeout(1), for one) ends its daemons first."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("ended by a signal"))
    failed = 0
    for test in tests:
        try:
            test()
            print(f"ok - {test.__doc__ or test.__name__}")
        except Exception as problem:  # a test's own mistake is a failure as well
            failed += 1
            print(f"not ok - {test.__doc__ or test.__name__}: {type(problem).__name__}: {problem}")
    print(f"{len(tests) - failed} passed, {failed} failed")
    sys.exit(failed != 0)
