"""What a switch tells a controller of itself and its ports, beside Debian's: capabilities, speeds, media, states, as ovs-ofctl show has them."""
import os
import re
import subprocess

import rig


def sh(command):
    subprocess.run(["sh", "-ec", command], check=True)


def ports():
    """ovs-ofctl show in all versions: veth and tap devices of several speeds, up and down, an internal port and a patch port"""
    ns = f"weft-show{os.getpid()}"
    sh(f"ip netns add {ns}")
    try:
        sh(f"ip -n {ns} link add veth0 type veth peer name veth1; ip -n {ns} link set veth1 up")
        for speed, duplex in ((10, "half"), (100, "full"), (1000, "half"), (1000, "full"), (40000, "full"), (100000, "full")):
            tap = f"t{speed}{duplex[0]}"
            sh(f"ip -n {ns} tuntap add {tap} mode tap; ip netns exec {ns} ethtool -s {tap} speed {speed} duplex {duplex}")
        devices = ["veth0", "t10h", "t100f", "t1000h", "t1000f", "t40000f", "t100000f"]
        shown = []
        for weft in (rig.ALL, set()):
            with rig.Rig(weft=weft, name="show", netns=ns) as each:
                each.start_databases("conf")
                each.start_vswitchd()
                words = ["add-br", "br0", "--", "set", "bridge", "br0", "datapath_type=netdev", "other_config:hwaddr=02:00:00:00:00:01", "--", "add-port", "br0", "inner", "--",
                         "set", "interface", "inner", "type=internal", "ofport_request=50", "mac=02\\:00\\:00\\:00\\:00\\:02", "--", "add-port", "br0", "patch", "--",
                         "set", "interface", "patch", "type=patch", "options:peer=none", "ofport_request=51"]
                for number, device in enumerate(devices, 1):
                    words += ["--", "add-port", "br0", device, "--", "set", "interface", device, f"ofport_request={number}"]
                each.run("ovs-vsctl", *words)
                told = {}
                for state in ("down", "up"):
                    for device in devices[:3]:
                        sh(f"ip -n {ns} link set {device} {state}")
                    for version in ("OpenFlow10", "OpenFlow12", "OpenFlow13", "OpenFlow14", "OpenFlow15"):
                        # 1.4's second request has a number of its own in Debian's ovs-ofctl; a patch port's address is random.
                        read = lambda: re.sub(r"xid=0x[0-9a-f]+|(?<=patch\): addr:)\S+", "", each.run("ovs-ofctl", f"-O{version}", "show", "br0"))
                        rig.wait_for(lambda: len(re.findall(r"\d+\((?:veth0|t100f|t10h)\).*\n\s+config: +(?:PORT_DOWN)?", read())) == 3, "three ports")
                        rig.wait_for(lambda: ("PORT_DOWN" in re.search(r"\(veth0\).*\n(.*)", read())[1]) == (state == "down"), f"veth0 to be {state}")
                        told[state, version] = read()
                shown.append(told)
        for key in shown[0]:
            if shown[0][key] != shown[1][key]:
                raise rig.Failure(f"{key}: Weft's\n{shown[0][key]}\nDebian's\n{shown[1][key]}")
    finally:
        sh(f"ip netns del {ns}")


if __name__ == "__main__":
    rig.main(ports)
