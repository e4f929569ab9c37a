"""Options: what a program's --help names it accepts, and what it accepts its --help names; Debian's help is the list of what
users will try.  And the manual pages: one for each program, which names the same options, and all of them at once."""
import os
import re
import subprocess
import tempfile

import rig

PROGRAMS = ["ovsdb-server", "ovsdb-client", "ovsdb-tool", "ovs-vswitchd", "ovs-vsctl", "ovs-ofctl", "ovs-appctl", "ovs-dpctl", "ovs-testcontroller", "ovs-pcap", "ovs-tcpundump", "ovn-northd",
            "ovn-controller", "ovn-controller-vtep", "vtep-ctl", "ovn-ic", "ovn-nbctl", "ovn-sbctl", "ovn-ic-nbctl", "ovn-ic-sbctl", "ovn-appctl", "ovn-trace", "ovn-detrace", "ovn-docker-overlay-driver"]
OWN = ["weft-sim"]  # not Debian's
SCRIPTS = ["ovs-ctl", "ovn-ctl", "ovs-tcpdump"]
# Long options as a help page writes them: "--sort[=field]", "-O, --protocols", "[--may-create] mod-group".
LONG = re.compile(r"(?<![\w-])--([a-z][a-z0-9-]*)(\[?=)?")


def weft(*words):
    """In a folder of its own: an option that names a file may take what follows it for the name."""
    with tempfile.TemporaryDirectory(prefix="weft-options-") as folder:
        return subprocess.run([os.path.join(rig.WEFT_BIN, words[0]), *words[1:]], text=True, capture_output=True, timeout=20,
                              cwd=folder, env=dict(os.environ, LC_ALL="C", OVS_CTL_TIMEOUT="5"))


def help_of(path):
    return subprocess.run([path, "--help"], text=True, capture_output=True, timeout=20).stdout


def options_in(text):
    """Name and whether it takes a value: "", "=" or "[="."""
    return {name: kind for name, kind in LONG.findall(text)}


def accepted(program, option):
    """Whether a program knows an option: --help after it still prints the help, or the error is not about an unknown option."""
    done = weft(program, f"--{option}", "--help")
    if "unrecognized option" not in done.stderr and "unknown option" not in done.stderr:
        return True
    return False


def help_is_true():
    """every option in a program's --help is accepted, and a made-up one is not"""
    problems = []
    for program in PROGRAMS + OWN:
        page = weft(program, "--help")
        if page.returncode or not page.stdout:
            problems.append(f"{program} --help: exit {page.returncode}: {page.stderr.strip()}")
        general, _, _ = page.stdout.partition("\nCommands:")
        for option in sorted(options_in(general)):
            if not accepted(program, option):
                problems.append(f"{program} --{option}: in --help but refused")
        if accepted(program, "no-such-option"):
            problems.append(f"{program} --no-such-option: accepted")
    if problems:
        raise rig.Failure("\n".join(problems))


def theirs_are_known():
    """an option of Debian's --help that is accepted is in ours, too; one that is not is refused by name"""
    problems, refused = [], []
    with rig.Rig(name="options") as r:
        for program in PROGRAMS:
            ours = options_in(weft(program, "--help").stdout)
            for option in sorted(options_in(help_of(r.path(program)))):
                known = accepted(program, option)
                if known and option not in ours:
                    problems.append(f"{program} --{option}: accepted but not in --help")
                if not known:
                    refused.append(f"{program} --{option}")
    print(f"# refused: {', '.join(refused)}")
    if problems:
        raise rig.Failure("\n".join(problems))


def manual_pages():
    """a manual page for each program that names the options of its --help; all of them as files"""
    problems = []
    for program in PROGRAMS + OWN + SCRIPTS:
        done = weft("weft", "man", program)
        page = done.stdout.replace("\\-", "-")
        if done.returncode or len(page) < 400:
            problems.append(f"weft man {program}: exit {done.returncode}, {len(page)} bytes: {done.stderr.strip()}")
        missing = [o for o in options_in(weft(program, "--help").stdout) if f"--{o}" not in page] if program in PROGRAMS + OWN else []
        if missing:
            problems.append(f"weft man {program}: nothing about {missing}")
    with tempfile.TemporaryDirectory(prefix="weft-man-") as folder:
        done = weft("weft", "man", "--all", folder)
        names = {name.split(".")[0] for _, _, files in os.walk(folder) for name in files}
        if done.returncode or not set(PROGRAMS + OWN + SCRIPTS) <= names:
            problems.append(f"weft man --all: exit {done.returncode}, without {sorted(set(PROGRAMS + OWN + SCRIPTS) - names)}: {done.stderr.strip()}")
    if problems:
        raise rig.Failure("\n".join(problems))


if __name__ == "__main__":
    rig.main(help_is_true, theirs_are_known, manual_pages)
