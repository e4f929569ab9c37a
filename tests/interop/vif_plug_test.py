"""Interfaces that the controller plugs (Logical_Switch_Port:options:vif-plug-type), of the provider for tests; all programs are Weft's."""
import rig
from balancing_test import Cloud, plug
from controller_test import expect


def plugging():
    """a port that asks for it gets its interface where it is requested, with the MTU asked for, moves with the request, and goes"""
    with Cloud(True, True, newest=True) as cloud:
        one, two = cloud.hosts

        def plugged(h):
            text = h.run("ovs-vsctl", "--no-wait", "--bare", "--columns=name,type,mtu_request,external_ids", "--format=csv", "--no-headings", "find", "Interface",
                         "external_ids:iface-id=vp")
            return [line for line in text.splitlines() if "ovn-plugged=dummy" in line]
        cloud.tell('ls-add sw0 -- lsp-add sw0 vp -- lsp-set-addresses vp "02:00:00:00:00:01 10.1.0.1" -- lsp-set-options vp vif-plug-type=dummy vif-plug-mtu-request=1400')
        expect(not plugged(one) and not plugged(two), "plugged though no chassis is asked")
        cloud.tell("lsp-set-options vp vif-plug-type=dummy vif-plug-mtu-request=1400 requested-chassis=hv1")
        rig.wait_for(lambda: len(plugged(one)) == 1 and plugged(one)[0].startswith("vp,dummy,1400,"), f"the interface: {plugged(one)}")
        rig.wait_for(lambda: cloud.central.run("ovn-nbctl", "lsp-get-up", "vp").strip() == "up", "the port to be up")
        expect(not plugged(two), "plugged on another host, too")
        cloud.tell("lsp-set-options vp vif-plug-type=dummy vif-plug-mtu-request=1300 requested-chassis=hv1")
        rig.wait_for(lambda: plugged(one)[0].startswith("vp,dummy,1300,"), "the new MTU")
        one.kill("ovn-controller")
        one.start_controller("hv1", "10.0.0.1", "unix:" + cloud.central.socket("sb"))
        cloud.tell("sync")
        expect(len(plugged(one)) == 1, f"after a restart: {plugged(one)}")
        cloud.tell("lsp-set-options vp vif-plug-type=dummy requested-chassis=hv2", wait="sb")
        rig.wait_for(lambda: not plugged(one) and len(plugged(two)) == 1, f"the interface at the other host: {plugged(one)}, {plugged(two)}")
        cloud.tell("lsp-set-options vp requested-chassis=hv2", wait="sb")
        rig.wait_for(lambda: not plugged(two), "no interface without the option")
        # What somebody else has plugged is left alone.
        plug(two, "vp")
        cloud.tell("lsp-set-options vp vif-plug-type=dummy requested-chassis=hv2")
        expect(not plugged(two) and "vp" in two.run("ovs-vsctl", "--no-wait", "list-ports", "br-int").split(), "another's interface was touched")
        cloud.tell("lsp-del vp")
        expect("vp" in two.run("ovs-vsctl", "--no-wait", "list-ports", "br-int").split(), "another's interface was taken away")


def mistakes():
    """what cannot be plugged is told of"""
    with Cloud(True, newest=True) as cloud:
        h, = cloud.hosts
        cloud.tell("ls-add sw0")
        for name, options, wanted in (
                ("a", "vif-plug-type=rubber", "'rubber' is neither representor nor dummy"),
                ("b", "vif-plug-type=representor vif-plug:representor:pf-mac=x vif-plug:representor:vf-num=1", "do not name a virtual function"),
                ("c", "vif-plug-type=representor vif-plug:representor:pf-mac=02:00:00:00:77:77 vif-plug:representor:vf-num=1",
                 "no network adapter in switchdev mode has the address 02:00:00:00:77:77"),
                ("d", "vif-plug-type=dummy vif-plug-mtu-request=7", "'7' is not between 68 and 65535"),
                ("br-int", "vif-plug-type=dummy", "the switch has a port br-int already")):
            cloud.tell(f"lsp-add sw0 {name} -- lsp-set-options {name} requested-chassis=hv1 {options}", wait="sb")

            def told():
                with open(f"{h.dir}/ovn-controller.log") as f:
                    return f"{name}: " in (text := f.read()) and wanted in text
            rig.wait_for(told, f"the log to say {wanted!r}")
            cloud.tell(f"lsp-del {name}", wait="sb")


if __name__ == "__main__":
    rig.main(plugging, mistakes)
