// The control commands of ovs-vswitchd (ovs-vswitchd(8), "Runtime Management Commands"), on the daemon's
// control socket.

#pragma once

#include "net/control_server.h"
#include "switch/bridge/switch.h"

namespace weft::vswitch {

void add_bridge_commands(net::ControlServer& control, Switch& owner);  // bridge/*, ofproto/list, fdb/*, …
void add_datapath_commands(net::ControlServer& control,
                           Switch& owner);                            // dpif/*, upcall/*, revalidator/*
void add_dpctl_commands(net::ControlServer& control, Switch& owner);  // dpctl/* but those of conntrack
void add_conntrack_commands(net::ControlServer& control,
                            Switch& owner);            // dpctl/*-conntrack, dpctl/ct-*, dpctl/ipf-*
void add_dummy_commands(net::ControlServer& control);  // netdev-dummy/*
void add_trace_commands(net::ControlServer& control,
                        Switch& owner);  // ofproto/trace, ofproto/trace-packet-out

void add_monitor_commands(net::ControlServer& control, Switch& owner);    // bfd/*, cfm/*, autoattach/*
void add_multicast_commands(net::ControlServer& control, Switch& owner);  // mdb/*
void add_tree_commands(net::ControlServer& control, Switch& owner);       // stp/*, rstp/*
void add_qos_commands(net::ControlServer& control, Switch& owner);        // qos/*
void add_bond_commands(net::ControlServer& control, Switch& owner);       // bond/*, lacp/*
void add_tunnel_commands(net::ControlServer& control, Switch& owner);     // ovs/route/*, tnl/*
void add_thread_commands(net::ControlServer& control, Switch& owner);     // dpif-netdev/pmd-*
void add_implementation_commands(net::ControlServer& control,
                                 Switch& owner);  // dpif-netdev/dpif-impl-*, miniflow-*, subtable-*

inline void add_switch_commands(net::ControlServer& control, Switch& owner) {
    add_bridge_commands(control, owner);
    add_datapath_commands(control, owner);
    add_dpctl_commands(control, owner);
    add_conntrack_commands(control, owner);
    add_dummy_commands(control);
    add_trace_commands(control, owner);
    add_monitor_commands(control, owner);
    add_multicast_commands(control, owner);
    add_tree_commands(control, owner);
    add_bond_commands(control, owner);
    add_qos_commands(control, owner);
    add_tunnel_commands(control, owner);
    add_thread_commands(control, owner);
    add_implementation_commands(control, owner);
}

// The bundle's first port, as fdb/show and mdb/show print it.
std::string port_text(const Bundle& bundle);

// A packet's whole key, as "Flow: …" shows it.
std::string format_flow(const packet::Flow& flow, const openflow::TunnelTableRef& tunnel_table,
                        const openflow::Names* names = nullptr);
// Datapath actions, our own userspace actions spelled out.
std::string describe_actions(const datapath::Actions& actions, const datapath::Datapath* names_of);
std::string describe_match(const packet::Flow& key, const packet::Flow& mask,
                           const datapath::Datapath* names_of, bool verbose);

}  // namespace weft::vswitch
