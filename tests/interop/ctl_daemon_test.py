"""Daemon mode of ovn-nbctl and ovn-sbctl: commands run through a daemon print what they print without, and Weft's and Debian's
clients and daemons serve each other."""
import os
import subprocess

import rig

COMMANDS = [["ls-add", "ls0"], ["lsp-add", "ls0", "p0"], ["--", "--if-exists", "ls-del", "nope", "--", "ls-list"], ["--oneline", "ls-list", "--", "lr-list"],
            ["-f", "csv", "--columns=name", "list", "Logical_Switch"], ["--dry-run", "ls-add", "never"], ["ls-add", "ls0"], ["nope"], ["lsp-get-up", "nope"],
            ["--may-exist", "ls-add", "ls0"], ["wait-until", "Logical_Switch", "ls0"], ["set", "Logical_Switch", "ls0", "nope=1"], ["show"], ["lsp-del", "p0"], ["ls-del", "ls0"]]


def run(r, program, *words, daemon=None):
    env = dict(r.env)
    if daemon:
        env["OVN_NB_DAEMON"] = daemon
    done = subprocess.run(r.command(program, *words), env=env, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=30)
    return done.returncode, without_uuids(done.stdout), done.stderr.splitlines()[-1:]


def without_uuids(text):
    import re
    return re.sub(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", "UUID", text)


def start_daemon(r, name):
    path = r.run("ovn-nbctl", "--detach", f"--pidfile={r.dir}/{name}.pid", f"--unixctl={r.dir}/{name}.ctl").strip()
    with open(f"{r.dir}/{name}.pid") as f:
        r.pids[name] = int(f.read())
    if path != f"{r.dir}/{name}.ctl":
        raise rig.Failure(f"the daemon printed {path}")
    return path


def through(daemon_is_weft, client_is_weft):
    with rig.Rig(weft=("ovn-nbctl",) if daemon_is_weft else (), name="daemon") as r:
        r.start_database("nb")
        r.env["OVN_NB_DB"] = "unix:" + r.socket("nb")
        r.run("ovn-nbctl", "init")
        daemon = start_daemon(r, "nbctl")
        r.weft = {"ovn-nbctl"} if client_is_weft else set()
        return [run(r, "ovn-nbctl", *words, daemon=daemon) for words in COMMANDS]


def without(weft):
    with rig.Rig(weft=("ovn-nbctl",) if weft else (), name="nodaemon") as r:
        r.start_database("nb")
        r.env["OVN_NB_DB"] = "unix:" + r.socket("nb")
        r.run("ovn-nbctl", "init")
        return [run(r, "ovn-nbctl", *words) for words in COMMANDS]


def same_through_daemons():
    """through any daemon by any client: the same output, errors and exit codes as without"""
    wanted = without(False)
    for daemon, client in ((True, True), (True, False), (False, True)):
        got = through(daemon, client)
        for words, a, b in zip(COMMANDS, wanted, got):
            if a != b:
                raise rig.Failure(f"Weft's daemon {daemon}, Weft's client {client}: {' '.join(words)}: {b} instead of {a}")


def refusals():
    """what makes no sense is refused; --db goes around the daemon; a daemon that is gone is named"""
    with rig.Rig(weft=("ovn-nbctl", "ovn-sbctl"), name="refuse") as r:
        r.start_databases("nb", "sb")
        nb = "unix:" + r.socket("nb")
        r.env.update(OVN_NB_DB=nb, OVN_SB_DB="unix:" + r.socket("sb"))
        daemon = start_daemon(r, "nbctl")
        expect(run(r, "ovn-nbctl", "--detach", "ls-list"), 1, "ovn-nbctl: non-option arguments not supported with --detach (use --help for help)")
        expect(run(r, "ovn-nbctl", f"--db={nb}", "ls-list", daemon="/nonexistent"), 0, None)
        expect(run(r, "ovn-nbctl", "ls-list", daemon=f"{r.dir}/gone.ctl"), 1,
               f"ovn-nbctl: {r.dir}/gone.ctl: could not connect to ovn-nbctl daemon (No such file or directory); unset OVN_NB_DAEMON to avoid using daemon")
        expect(run(r, "ovn-nbctl", "-u", daemon, "ls-add", "x"), 0, "")
        if "ls-list" not in r.run("ovn-nbctl", "--commands") or "(x)" not in r.run("ovn-nbctl", "ls-list"):
            raise rig.Failure("the daemon did not add the switch")
        expect(run(r, "ovs-appctl", "-t", daemon, "run", "--db=foo", "ls-list"), 2, f"ovs-appctl: {daemon}: server returned an error")
        expect(run(r, "ovn-nbctl", "--timeout=1", "wait-until", "Logical_Switch", "never", daemon=daemon), -14, None)
        r.run("ovs-appctl", "-t", daemon, "exit")
        rig.wait_for(lambda: not r.alive("nbctl"), "the daemon to end")
        path = r.run("ovn-sbctl", "--detach", f"--pidfile={r.dir}/sbctl.pid").strip()
        with open(f"{r.dir}/sbctl.pid") as f:
            r.pids["sbctl"] = int(f.read())
        r.env["OVN_SB_DAEMON"] = path
        r.run("ovn-sbctl", "chassis-add", "ch1", "geneve", "1.2.3.4")
        if "ch1" not in r.run("ovn-sbctl", "show"):
            raise rig.Failure("the southbound daemon did not add the chassis")


def expect(got, code, message):
    if got[0] != code or (message is not None and "".join(got[2]) != message):
        raise rig.Failure(f"{got} instead of exit {code}, {message}")


if __name__ == "__main__":
    rig.main(same_through_daemons, refusals)
