"""The network of physical_flows_test.py: one small topology for each kind of port that a controller has to serve.

hv1 is the chassis under test; hv2, hv3 and hv4 (VXLAN alone) are rows made by hand.
"""
import shlex

CHASSIS = (("hv2", "geneve", "10.0.0.2"), ("hv3", "geneve", "10.0.0.3"), ("hv4", "vxlan", "10.0.0.4"))

# What ovn-nbctl is told, by topology.
NORTHBOUND = {
    "vif": """
        ls-add sw0
        lsp-add sw0 vif1 -- lsp-set-addresses vif1 "02:00:00:00:00:01 10.1.0.1"
        lsp-add sw0 vif2 -- lsp-set-addresses vif2 "02:00:00:00:00:02 10.1.0.2"
        lsp-add sw0 far2 -- lsp-set-addresses far2 "02:00:00:00:00:03 10.1.0.3"
        lsp-add sw0 far4 -- lsp-set-addresses far4 "02:00:00:00:00:04 10.1.0.4"
        lsp-add sw0 nowhere -- lsp-set-addresses nowhere unknown
        lsp-add sw0 meta -- lsp-set-type meta localport -- lsp-set-addresses meta "02:00:00:00:00:05 10.1.0.5"
        lsp-set-port-security vif2 "02:00:00:00:00:02 10.1.0.2"
    """,
    "container": """
        ls-add sw1
        lsp-add sw1 vm -- lsp-set-addresses vm "02:00:00:00:01:01 10.2.0.1"
        lsp-add sw1 c1 vm 11 -- lsp-set-addresses c1 "02:00:00:00:01:02 10.2.0.2"
        lsp-add sw1 c2 vm 12 -- lsp-set-addresses c2 "02:00:00:00:01:03 10.2.0.3"
        lsp-add sw1 farvm -- lsp-set-addresses farvm "02:00:00:00:01:04 10.2.0.4"
        lsp-add sw1 farc farvm 13 -- lsp-set-addresses farc "02:00:00:00:01:05 10.2.0.5"
    """,
    "localnet": """
        ls-add sw2
        lsp-add sw2 ln2 -- lsp-set-type ln2 localnet -- lsp-set-addresses ln2 unknown -- lsp-set-options ln2 network_name=phys
        lsp-add sw2 lnvif1 -- lsp-set-addresses lnvif1 "02:00:00:00:02:01 10.3.0.1"
        lsp-add sw2 lnfar2 -- lsp-set-addresses lnfar2 "02:00:00:00:02:02 10.3.0.2"
    """,
    "localnet with a tag": """
        ls-add sw3
        lsp-add sw3 ln3 "" 123 -- lsp-set-type ln3 localnet -- lsp-set-addresses ln3 unknown -- lsp-set-options ln3 network_name=phys
        lsp-add sw3 tagvif1 -- lsp-set-addresses tagvif1 "02:00:00:00:03:01 10.4.0.1"
        lsp-add sw3 tagfar2 -- lsp-set-addresses tagfar2 "02:00:00:00:03:02 10.4.0.2"
        lr-add lr3
        lrp-add lr3 lr3-sw3 02:00:00:00:03:fe 10.4.0.254/24
        lsp-add sw3 sw3-lr3 -- lsp-set-type sw3-lr3 router -- lsp-set-addresses sw3-lr3 router -- lsp-set-options sw3-lr3 router-port=lr3-sw3
    """,
    "localnet of a network that is not here": """
        ls-add sw4
        lsp-add sw4 ln4 -- lsp-set-type ln4 localnet -- lsp-set-addresses ln4 unknown -- lsp-set-options ln4 network_name=other
        lsp-add sw4 lostvif1 -- lsp-set-addresses lostvif1 "02:00:00:00:04:01 10.5.0.1"
        lsp-add sw4 lostfar2 -- lsp-set-addresses lostfar2 "02:00:00:00:04:02 10.5.0.2"
    """,
    "gateway router": """
        ls-add sw5
        lsp-add sw5 gwvif1 -- lsp-set-addresses gwvif1 "02:00:00:00:05:01 10.6.0.1"
        lr-add gr -- set Logical_Router gr options:chassis=hv1
        lrp-add gr gr-sw5 02:00:00:00:05:fe 10.6.0.254/24
        lsp-add sw5 sw5-gr -- lsp-set-type sw5-gr router -- lsp-set-addresses sw5-gr router -- lsp-set-options sw5-gr router-port=gr-sw5
        lr-add gr2 -- set Logical_Router gr2 options:chassis=hv2
        lrp-add gr2 gr2-sw5 02:00:00:00:05:fd 10.6.0.253/24
        lsp-add sw5 sw5-gr2 -- lsp-set-type sw5-gr2 router -- lsp-set-addresses sw5-gr2 router -- lsp-set-options sw5-gr2 router-port=gr2-sw5
        ls-add out5
        lsp-add out5 ln5 -- lsp-set-type ln5 localnet -- lsp-set-addresses ln5 unknown -- lsp-set-options ln5 network_name=phys
        lrp-add gr gr-out5 02:00:00:00:15:fe 172.16.5.254/24
        lsp-add out5 out5-gr -- lsp-set-type out5-gr router -- lsp-set-addresses out5-gr router -- lsp-set-options out5-gr router-port=gr-out5 nat-addresses=router
        lr-nat-add gr snat 172.16.5.254 10.6.0.0/24
        lr-nat-add gr dnat_and_snat 172.16.5.10 10.6.0.1
    """,
    "distributed gateway port, active": """
        ls-add sw6
        lsp-add sw6 dgvif1 -- lsp-set-addresses dgvif1 "02:00:00:00:06:01 10.7.0.1"
        lsp-add sw6 dgfar2 -- lsp-set-addresses dgfar2 "02:00:00:00:06:02 10.7.0.2"
        lr-add dr
        lrp-add dr dr-sw6 02:00:00:00:06:fe 10.7.0.254/24
        lsp-add sw6 sw6-dr -- lsp-set-type sw6-dr router -- lsp-set-addresses sw6-dr router -- lsp-set-options sw6-dr router-port=dr-sw6
        ls-add out6
        lsp-add out6 ln6 -- lsp-set-type ln6 localnet -- lsp-set-addresses ln6 unknown -- lsp-set-options ln6 network_name=phys
        lrp-add dr dr-out6 02:00:00:00:16:fe 172.16.6.254/24
        lsp-add out6 out6-dr -- lsp-set-type out6-dr router -- lsp-set-addresses out6-dr router -- lsp-set-options out6-dr router-port=dr-out6 nat-addresses=router
        lrp-set-gateway-chassis dr-out6 hv1 20
        lrp-set-gateway-chassis dr-out6 hv2 10
        lr-nat-add dr snat 172.16.6.254 10.7.0.0/24
        lr-nat-add dr dnat_and_snat 172.16.6.10 10.7.0.1 dgvif1 02:00:00:00:16:10
        lr-nat-add dr dnat_and_snat 172.16.6.11 10.7.0.2 dgfar2 02:00:00:00:16:11
    """,
    "distributed gateway port, standby": """
        ls-add sw7
        lsp-add sw7 sbvif1 -- lsp-set-addresses sbvif1 "02:00:00:00:07:01 10.8.0.1"
        lr-add sr
        lrp-add sr sr-sw7 02:00:00:00:07:fe 10.8.0.254/24
        lsp-add sw7 sw7-sr -- lsp-set-type sw7-sr router -- lsp-set-addresses sw7-sr router -- lsp-set-options sw7-sr router-port=sr-sw7
        ls-add out7
        lsp-add out7 ln7 "" 77 -- lsp-set-type ln7 localnet -- lsp-set-addresses ln7 unknown -- lsp-set-options ln7 network_name=phys
        lrp-add sr sr-out7 02:00:00:00:17:fe 172.16.7.254/24
        lsp-add out7 out7-sr -- lsp-set-type out7-sr router -- lsp-set-addresses out7-sr router -- lsp-set-options out7-sr router-port=sr-out7
        lrp-set-gateway-chassis sr-out7 hv3 20
        lrp-set-gateway-chassis sr-out7 hv2 10
        lrp-set-gateway-chassis sr-out7 hv1 5
    """,
    "distributed gateway port, alone": """
        ls-add sw10
        lsp-add sw10 alvif1 -- lsp-set-addresses alvif1 "02:00:00:00:10:01 10.16.0.1"
        lsp-add sw10 alfar2 -- lsp-set-addresses alfar2 "02:00:00:00:10:02 10.16.0.2"
        lr-add ar
        lrp-add ar ar-sw10 02:00:00:00:10:fe 10.16.0.254/24
        lsp-add sw10 sw10-ar -- lsp-set-type sw10-ar router -- lsp-set-addresses sw10-ar router -- lsp-set-options sw10-ar router-port=ar-sw10
        ls-add out10
        lsp-add out10 ln10 -- lsp-set-type ln10 localnet -- lsp-set-addresses ln10 unknown -- lsp-set-options ln10 network_name=phys
        lrp-add ar ar-out10 02:00:00:00:20:fe 172.16.10.254/24
        lsp-add out10 out10-ar -- lsp-set-type out10-ar router -- lsp-set-addresses out10-ar router -- lsp-set-options out10-ar router-port=ar-out10 nat-addresses=router
        lrp-set-gateway-chassis ar-out10 hv1 20
        lr-nat-add ar snat 172.16.10.254 10.16.0.0/24
        lr-nat-add ar dnat_and_snat 172.16.10.10 10.16.0.1 alvif1 02:00:00:00:20:10
        lr-nat-add ar dnat_and_snat 172.16.10.11 10.16.0.2 alfar2 02:00:00:00:20:11
    """,
    "distributed gateway port, elsewhere": """
        ls-add sw11
        lsp-add sw11 elvif1 -- lsp-set-addresses elvif1 "02:00:00:00:11:01 10.17.0.1"
        lr-add er
        lrp-add er er-sw11 02:00:00:00:11:fe 10.17.0.254/24
        lsp-add sw11 sw11-er -- lsp-set-type sw11-er router -- lsp-set-addresses sw11-er router -- lsp-set-options sw11-er router-port=er-sw11
        ls-add out11
        lsp-add out11 ln11 "" 88 -- lsp-set-type ln11 localnet -- lsp-set-addresses ln11 unknown -- lsp-set-options ln11 network_name=phys
        lrp-add er er-out11 02:00:00:00:21:fe 172.16.11.254/24
        lsp-add out11 out11-er -- lsp-set-type out11-er router -- lsp-set-addresses out11-er router -- lsp-set-options out11-er router-port=er-out11
        lrp-set-gateway-chassis er-out11 hv2 20
        set Logical_Router_Port er-out11 options:redirect-type=bridged
    """,
    "gateway of a network without interfaces here": """
        ls-add sw12
        lsp-add sw12 onlyfar2 -- lsp-set-addresses onlyfar2 "02:00:00:00:12:01 10.18.0.1"
        lr-add fr
        lrp-add fr fr-sw12 02:00:00:00:12:fe 10.18.0.254/24
        lsp-add sw12 sw12-fr -- lsp-set-type sw12-fr router -- lsp-set-addresses sw12-fr router -- lsp-set-options sw12-fr router-port=fr-sw12
        ls-add out12
        lsp-add out12 ln12 -- lsp-set-type ln12 localnet -- lsp-set-addresses ln12 unknown -- lsp-set-options ln12 network_name=phys
        lrp-add fr fr-out12 02:00:00:00:22:fe 172.16.12.254/24
        lsp-add out12 out12-fr -- lsp-set-type out12-fr router -- lsp-set-addresses out12-fr router -- lsp-set-options out12-fr router-port=fr-out12
        lrp-set-gateway-chassis fr-out12 hv1 20
        lrp-set-gateway-chassis fr-out12 hv3 10
    """,
    "vtep": """
        ls-add sw13
        lsp-add sw13 vtepvif1 -- lsp-set-addresses vtepvif1 "02:00:00:00:13:01 10.19.0.1"
        lsp-add sw13 vtep1 -- lsp-set-type vtep1 vtep -- lsp-set-addresses vtep1 unknown -- lsp-set-options vtep1 vtep-physical-switch=ps1 vtep-logical-switch=ls1
    """,
    "l2gateway": """
        ls-add sw8
        lsp-add sw8 l2gw1 -- lsp-set-type l2gw1 l2gateway -- lsp-set-addresses l2gw1 unknown -- lsp-set-options l2gw1 network_name=phys l2gateway-chassis=hv1
        lsp-add sw8 l2gw2 -- lsp-set-type l2gw2 l2gateway -- lsp-set-addresses l2gw2 unknown -- lsp-set-options l2gw2 network_name=phys l2gateway-chassis=hv2
        lsp-add sw8 l2vif1 -- lsp-set-addresses l2vif1 "02:00:00:00:08:01 10.9.0.1"
    """,
    "l2gateway with a tag": """
        ls-add sw9
        lsp-add sw9 l2tag "" 55 -- lsp-set-type l2tag l2gateway -- lsp-set-addresses l2tag unknown -- lsp-set-options l2tag network_name=phys l2gateway-chassis=hv1
    """,
    "external": """
        ls-add swa
        lsp-add swa lna -- lsp-set-type lna localnet -- lsp-set-addresses lna unknown -- lsp-set-options lna network_name=phys
        lsp-add swa ext1 -- lsp-set-type ext1 external -- lsp-set-addresses ext1 "02:00:00:00:0a:01 10.10.0.1"
        lsp-add swa ext2 -- lsp-set-type ext2 external -- lsp-set-addresses ext2 "02:00:00:00:0a:02 10.10.0.2"
        ha-chassis-group-add ha1
        ha-chassis-group-add-chassis ha1 hv1 10
        ha-chassis-group-add ha2
        ha-chassis-group-add-chassis ha2 hv2 10
    """,
    "virtual": """
        ls-add swb
        lsp-add swb vparent -- lsp-set-addresses vparent "02:00:00:00:0b:01 10.11.0.1"
        lsp-add swb vport -- lsp-set-type vport virtual -- set Logical_Switch_Port vport options:virtual-ip=10.11.0.10 options:virtual-parents=vparent -- lsp-set-addresses vport "02:00:00:00:0b:0a 10.11.0.10"
    """,
    "load balancer hairpin": """
        ls-add swc
        lsp-add swc lbvif1 -- lsp-set-addresses lbvif1 "02:00:00:00:0c:01 10.12.0.1"
        lsp-add swc lbvif2 -- lsp-set-addresses lbvif2 "02:00:00:00:0c:02 10.12.0.2"
        lb-add lb1 10.99.0.1:80 10.12.0.1:8080,10.12.0.2:8080
        lb-add lb2 10.99.0.2:53 10.12.0.1:53 udp
        lb-add lb3 10.99.0.3 10.12.0.2
        lb-add lb4 [fd00::1]:80 [fd01::1]:8080
        lb-add lb5 10.99.0.5:90 10.12.0.1:90 sctp
        set Load_Balancer lb1 options:hairpin_snat_ip=10.99.1.1
        ls-lb-add swc lb1
        ls-lb-add swc lb2
        ls-lb-add swc lb3
        ls-lb-add swc lb4
        ls-lb-add swc lb5
    """,
    "distributed gateway port that hands everything over": """
        ls-add sw20
        lsp-add sw20 hovif1 -- lsp-set-addresses hovif1 "02:00:00:00:24:01 10.24.0.1"
        lr-add hr
        lrp-add hr hr-sw20 02:00:00:00:24:fe 10.24.0.254/24
        lsp-add sw20 sw20-hr -- lsp-set-type sw20-hr router -- lsp-set-addresses sw20-hr router -- lsp-set-options sw20-hr router-port=hr-sw20
        ls-add out20
        lsp-add out20 ln20 -- lsp-set-type ln20 localnet -- lsp-set-addresses ln20 unknown -- lsp-set-options ln20 network_name=phys
        lrp-add hr hr-out20 02:00:00:00:25:fe 172.16.24.254/24
        lsp-add out20 out20-hr -- lsp-set-type out20-hr router -- lsp-set-addresses out20-hr router -- lsp-set-options out20-hr router-port=hr-out20
        lrp-set-gateway-chassis hr-out20 hv2 20
    """,
    "requested chassis": """
        ls-add swd
        lsp-add swd req1 -- lsp-set-addresses req1 "02:00:00:00:0d:01 10.13.0.1" -- lsp-set-options req1 requested-chassis=hv1
        lsp-add swd req2 -- lsp-set-addresses req2 "02:00:00:00:0d:02 10.13.0.2" -- lsp-set-options req2 requested-chassis=hv2
        lsp-add swd both -- lsp-set-addresses both "02:00:00:00:0d:03 10.13.0.3" -- lsp-set-options both requested-chassis=hv2,hv1
        lsp-add swd rarp -- lsp-set-addresses rarp "02:00:00:00:0d:04 10.13.0.4" -- lsp-set-options rarp requested-chassis=hv2,hv1 activation-strategy=rarp
        lsp-add swd third -- lsp-set-addresses third "02:00:00:00:0d:05 10.13.0.5" -- lsp-set-options third requested-chassis=hv2,hv3
    """,
    "port on two chassis": """
        ls-add sw22
        lsp-add sw22 two1 -- lsp-set-addresses two1 "02:00:00:00:27:01 10.27.0.1" -- lsp-set-options two1 requested-chassis=hv2,hv1
        lsp-add sw22 twovif1 -- lsp-set-addresses twovif1 "02:00:00:00:27:02 10.27.0.2"
        ls-add sw23
        lsp-add sw23 two2 -- lsp-set-addresses two2 "02:00:00:00:28:01 10.28.0.1" -- lsp-set-options two2 requested-chassis=hv1,hv2
        lsp-add sw23 two3 -- lsp-set-addresses two3 "02:00:00:00:28:02 10.28.0.2" -- lsp-set-options two3 requested-chassis=hv2,hv3
        lsp-add sw23 twovif2 -- lsp-set-addresses twovif2 "02:00:00:00:28:03 10.28.0.3"
    """,
    "nested switches": """
        ls-add swe
        lsp-add swe sevif1 -- lsp-set-addresses sevif1 "02:00:00:00:0e:01 10.14.0.1"
        lr-add re1
        lrp-add re1 re1-swe 02:00:00:00:0e:fe 10.14.0.254/24
        lsp-add swe swe-re1 -- lsp-set-type swe-re1 router -- lsp-set-addresses swe-re1 router -- lsp-set-options swe-re1 router-port=re1-swe
        ls-add swf
        lrp-add re1 re1-swf 02:00:00:00:0f:fe 10.15.0.254/24
        lsp-add swf swf-re1 -- lsp-set-type swf-re1 router -- lsp-set-addresses swf-re1 router -- lsp-set-options swf-re1 router-port=re1-swf
        lsp-add swf sffar2 -- lsp-set-addresses sffar2 "02:00:00:00:0f:02 10.15.0.2"
    """,
}

# The interfaces of hv1 are named after the ports that they are for.
INTERFACES = ("vif1", "vif2", "meta", "vm", "lnvif1", "tagvif1", "lostvif1", "gwvif1", "dgvif1", "sbvif1", "l2vif1",
              "vparent", "alvif1", "hovif1", "elvif1", "vtepvif1", "lbvif1", "lbvif2", "req1", "req2", "both", "rarp", "third", "sevif1", "two1", "twovif1", "two2", "twovif2")
# Ports that hv2 and hv4 have.
ELSEWHERE = {"hv2": ("far2", "farvm", "farc", "lnfar2", "tagfar2", "lostfar2", "dgfar2", "req2", "both", "rarp", "third", "two1", "two3", "sffar2", "l2gw2",
                     "cr-er-out11", "ext2", "alfar2", "onlyfar2", "vtep1"),
             "hv3": ("cr-sr-out7",), "hv4": ("far4",)}


def northbound(r, topologies=None):
    words = []
    for name in topologies or NORTHBOUND:
        for line in NORTHBOUND[name].strip().splitlines():
            words += shlex.split(line.strip()) + ["--"]
    r.run("ovn-nbctl", *words[:-1])
    for port, group in (("ext1", "ha1"), ("ext2", "ha2")):
        uuid = r.run("ovn-nbctl", "--bare", "--columns=_uuid", "find", "HA_Chassis_Group", f"name={group}").strip()
        r.run("ovn-nbctl", "set", "Logical_Switch_Port", port, f"ha_chassis_group={uuid}")


def chassis(r):
    for name, kind, ip in CHASSIS:
        r.run("ovn-sbctl", "chassis-add", name, kind, ip)
    r.run("ovn-sbctl", "set", "Chassis", "hv2", "other_config:ovn-chassis-mac-mappings=\"phys:aa:bb:cc:dd:ee:22\"")


def elsewhere(r):
    for chassis_name, ports in ELSEWHERE.items():
        uuid = r.run("ovn-sbctl", "--bare", "--columns=_uuid", "find", "Chassis", f"name={chassis_name}").strip()
        words = []
        for port in ports:
            row = r.run("ovn-sbctl", "--bare", "--columns=_uuid", "find", "Port_Binding", f"logical_port={port}").strip()
            if row:
                words += ["--", "set", "Port_Binding", row, f"chassis={uuid}"]
        r.run("ovn-sbctl", *words[1:])
    set_chassis(r, "two2", "hv2", "additional_chassis")
    set_chassis(r, "two3", "hv3", "additional_chassis")


def interfaces(host):
    words = ["--no-wait", "add-br", "br-int", "--", "set", "Bridge", "br-int", "datapath_type=dummy", "fail-mode=secure",
             "--", "add-br", "br-phys", "--", "set", "Bridge", "br-phys", "datapath_type=dummy",
             "--", "set", "Open_vSwitch", ".", "external_ids:ovn-bridge-mappings=phys:br-phys",
             "external_ids:ovn-chassis-mac-mappings=phys:aa:bb:cc:dd:ee:11"]
    for n, name in enumerate(INTERFACES):
        words += ["--", "add-port", "br-int", name, "--", "set", "Interface", name, "type=dummy",
                  f"external_ids:iface-id={name}", f"ofport_request={n + 1}"]
    host.run("ovs-vsctl", *words)


def set_chassis(r, port, chassis_name, column="chassis"):
    uuid = r.run("ovn-sbctl", "--bare", "--columns=_uuid", "find", "Chassis", f"name={chassis_name}").strip()
    r.run("ovn-sbctl", "set", "Port_Binding", port, f"{column}={uuid}")


def change(central, host):
    """Ports come, go and move; gateways change their priorities."""
    change_interfaces(host)
    set_chassis(central, "far2", "hv3")
    set_chassis(central, "vif1", "hv2")  # its interface is gone from here
    central.run("ovn-sbctl", "clear", "Port_Binding", "far4", "chassis")
    words = """
        lrp-set-gateway-chassis ar-out10 hv2 30
        lrp-set-gateway-chassis sr-out7 hv1 40
        lrp-set-gateway-chassis er-out11 hv1 50
        lrp-del-gateway-chassis er-out11 hv2
        lsp-set-options l2gw1 network_name=phys l2gateway-chassis=hv2
        lsp-set-options l2gw2 network_name=phys l2gateway-chassis=hv1
        set Logical_Router gr options:chassis=hv2
        set Logical_Router gr2 options:chassis=hv1
        lsp-set-options req2 requested-chassis=hv1
        lsp-del c2
        lsp-add sw1 c3 vm 14
        lb-del lb2
        lb-add lb1 10.99.0.9:80 10.12.0.2:8080
        lsp-set-options ln4 network_name=phys
        lsp-del ln2
        set Logical_Switch_Port ln3 tag=124
        lsp-set-addresses ext1 "02:00:00:00:0a:11 10.10.0.1"
    """
    tell(central, words)


def change_interfaces(host):
    host.run("ovs-vsctl", "--no-wait", "--", "--if-exists", "del-port", "br-int", "vif1",
             "--", "--may-exist", "add-port", "br-int", "hello", "--", "set", "Interface", "hello", "type=dummy",
             "external_ids:iface-id=nowhere", "ofport_request=60",
             "--", "set", "Interface", "vif2", "external_ids:iface-id=vif2b")


def change_back(central):
    set_chassis(central, "far2", "hv2")
    tell(central, """
        lrp-set-gateway-chassis er-out11 hv2 20
        lrp-set-gateway-chassis sr-out7 hv1 5
        lrp-del-gateway-chassis ar-out10 hv2
        set Logical_Router gr options:chassis=hv1
        lsp-set-options ln4 network_name=other
        ls-del sw9
        lr-del fr
        lsp-set-options third requested-chassis=hv1,hv2
    """)


def tell(central, lines):
    words = []
    for line in lines.strip().splitlines():
        words += shlex.split(line.strip()) + ["--"]
    central.run("ovn-nbctl", "--wait=sb", *words[:-1])
