"""Settings of the switch as a whole: MTUs, figures of the host, flow-restore-wait, and warnings of what is not here."""
import re
import struct

import openflow as of
import rig
from twins import Twins


def mtus():
    """Devices have the MTU that is asked for, and internal ports the narrowest of the others, as at Debian's"""
    with Twins("mtu") as twins:
        twins.vsctl("add-br", "br0", "--", "add-port", "br0", "p1", "--", "add-port", "br0", "p2",
                    "--", "add-port", "br0", "i1", "--", "set", "interface", "i1", "type=internal")
        for words in ((), ("set", "interface", "p1", "mtu_request=1400"), ("set", "interface", "p2", "mtu_request=1300"),
                      ("clear", "interface", "p2", "mtu_request"), ("set", "interface", "i1", "mtu_request=2000"), ("set", "interface", "p1", "mtu_request=1450"), ("set", "interface", "p2", "mtu_request=1500")):
            if words:
                twins.vsctl(*words)
            twins.warp(100)
            for name in ("br0", "p1", "p2", "i1"):
                twins.column("interface", name, "mtu")


def host():
    """Open_vSwitch:statistics has the figures that Debian's has, and goes when it is switched off"""
    with Twins("host") as twins:
        twins.vsctl("set", "Open_vSwitch", ".", "other_config:enable-statistics=true")
        for _ in range(4):
            twins.warp(5000, 1000)

        def shape(i):
            text = twins.rigs[i].run("ovs-vsctl", "get", "Open_vSwitch", ".", "statistics")
            # Numbers differ from moment to moment; of the memory, all of it and the swap are the same.
            return sorted((key, value if key == "cpu" else value.count(","), value.split(",")[0] if key == "memory" else "")
                          for key, value in re.findall(r'([\w-]+)="([^"]*)"', text) if key != "file_systems")
        found = twins.agree(shape, "the figures", until=lambda found: len(found) >= 5)
        assert any(key == "process_ovs-vswitchd" for key, _, _ in found), found
        twins.vsctl("set", "Open_vSwitch", ".", "other_config:enable-statistics=false")
        twins.warp(6000, 1000)
        twins.agree(lambda i: twins.rigs[i].run("ovs-vsctl", "get", "Open_vSwitch", ".", "statistics"), "no figures", until=lambda text: text == "{}\n")


def waiting():
    """With flow-restore-wait, packets wait until the tables are restored; set again later, it does nothing"""
    for weft in ({"ovs-vswitchd"}, ()):
        with rig.Rig(weft=weft, name="wait") as r:
            r.start_databases("conf")
            r.run("ovs-vsctl", "--no-wait", "set", "Open_vSwitch", ".", "other_config:flow-restore-wait=true", "--", "add-br", "br0",
                  "--", "add-port", "br0", "p1", "--", "add-port", "br0", "p2")
            r.start_vswitchd("--enable-dummy=override", "--disable-system")

            def flows(port):
                r.appctl("ovs-vswitchd", "netdev-dummy/receive", port, "ffffffffffff0200000000011234" + "00" * 46)
                return "actions:" in r.appctl("ovs-vswitchd", "dpctl/dump-flows")
            for _ in range(3):
                assert not flows("p1"), "a packet was looked at"
            r.run("ovs-vsctl", "remove", "Open_vSwitch", ".", "other_config", "flow-restore-wait")
            rig.wait_for(lambda: flows("p1"), "packets are looked at")
            r.run("ovs-vsctl", "set", "Open_vSwitch", ".", "other_config:flow-restore-wait=true")
            r.appctl("ovs-vswitchd", "revalidator/purge")
            rig.wait_for(lambda: flows("p2"), "packets are looked at all the same")


def warnings():
    """What means nothing here is warned of"""
    with rig.Rig(weft={"ovs-vswitchd"}, name="warnings") as r:
        r.start_databases("conf")
        r.start_vswitchd("--enable-dummy=override", "--disable-system")
        r.run("ovs-vsctl", "set", "Open_vSwitch", ".", "other_config:dpdk-init=true", "other_config:pmd-auto-lb=true", "other_config:pmd-cpu-mask=x", "other_config:hw-offload=false",
              "--", "add-br", "br0", "--", "set-controller", "br0", "tcp:127.0.0.1:1", "--", "set", "controller", "br0", "enable_async_messages=false",
              "--", "add-port", "br0", "t1", "--", "set", "interface", "t1", "type=lisp", "options:remote_ip=1.2.3.4",
              "--", "add-port", "br0", "t2", "--", "set", "interface", "t2", "type=erspan", "options:remote_ip=1.2.3.4", "options:erspan_ver=3",
              "--", "add-port", "br0", "t3", "--", "set", "interface", "t3", "type=ip6gre", "options:remote_ip=1.2.3.4")
        with open(f"{r.dir}/ovs-vswitchd.log") as log:
            text = log.read()
        for part in ("dpdk-init says nothing", "pmd-auto-lb says nothing", "it is to be a mask of processors", "enable_async_messages=false says nothing"):
            assert part in text, f"{part}: {text}"
        assert "hw-offload" not in text, text
        for name, part in (("t1", "could not open network device t1"), ("t2", "bad erspan_ver '3'"), ("t3", "requires an IPv6 'remote_ip'")):
            assert part in r.run("ovs-vsctl", "get", "interface", name, "error"), name


def bundles():
    """A bundle that is left alone for bundle-idle-timeout is forgotten and its controller is told, as at Debian's"""
    with Twins("bundles") as twins:
        twins.vsctl("add-br", "br0", "--", "set", "bridge", "br0", "protocols=OpenFlow13,OpenFlow14")

        def control(session, kind, number):
            body = struct.pack(">IHH", number, kind, 0)
            if session.version == 4:
                return session.send(of.EXPERIMENTER, struct.pack(">II", of.ONF, 2300) + body)
            return session.send(of.BUNDLE_CONTROL, body)

        def add(session, number):
            inner = of.message(session.version, of.FLOW_MOD, struct.pack(">QQBBHHHIIIHHHH4x", 0, 0, 0, 0, 0, 0, 1, 0xffffffff, 0xffffffff, 0xffffffff, 0, 0, 1, 4), 77)
            return session.send(of.BUNDLE_ADD, struct.pack(">IHH", number, 0, 0) + inner, 77)

        def heard(session):
            """Errors, and which of our requests they are about, until a barrier comes back."""
            last, out = session.send(of.BARRIER_REQUEST), []
            while True:
                kind, xid, body = session.expect(of.ERROR, of.BARRIER_REPLY)
                if kind == of.BARRIER_REPLY and xid == last:
                    return out
                out.append((*of.error_code(session.version, body), xid, body[4:].hex()))

        for setting, seconds in ((None, 10), ("3", 3), ("0", 10)):
            if setting:
                twins.vsctl("set", "Open_vSwitch", ".", f"other_config:bundle-idle-timeout={setting}")
            for version in ("OpenFlow13", "OpenFlow14"):
                sessions = [of.unix(r, version=version) for r in twins.rigs]
                for session in sessions:
                    session.xids = [control(session, 0, 1), control(session, 0, 2), control(session, 2, 2)]
                    for _ in range(3):
                        session.expect(of.EXPERIMENTER if version == "OpenFlow13" else of.BUNDLE_CONTROL)
                twins.warp((seconds - 2) * 1000, 500)
                if version == "OpenFlow14":  # the first one lives longer
                    for session in sessions:
                        add(session, 1)
                twins.agree(lambda i: heard(sessions[i]), "early", until=lambda errors: not errors)
                told = [[], []]
                for _ in range(4 + seconds):
                    twins.warp(1000, 500)
                    for mine, session in zip(told, sessions):
                        mine += heard(session)
                twins.agree(lambda i: sorted(told[i]), f"{version}, {setting}: errors", until=lambda errors: len(errors) == 2)
                for session in sessions:
                    control(session, 4, 1)  # there is nothing left to carry out
                twins.agree(lambda i: heard(sessions[i])[-1:], "a late commit", until=bool, seconds=0)
                for session in sessions:
                    session.socket.close()


if __name__ == "__main__":
    rig.main(mtus, host, waiting, warnings, bundles)
