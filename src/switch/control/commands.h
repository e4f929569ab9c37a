// The control commands of ovs-vswitchd (ovs-vswitchd(8), "Runtime Management Commands"), on the daemon's
// control socket.

#pragma once

#include "net/control_server.h"
#include "switch/bridge/switch.h"

namespace weft::vswitch {

void add_bridge_commands(net::ControlServer& control, Switch& owner);  // bridge/*, ofproto/list, fdb/*, …
void add_datapath_commands(net::ControlServer& control,
                           Switch& owner);             // dpif/*, dpctl/*, upcall/*, revalidator/*
void add_dummy_commands(net::ControlServer& control);  // netdev-dummy/*
void add_trace_commands(net::ControlServer& control,
                        Switch& owner);  // ofproto/trace, ofproto/trace-packet-out

inline void add_switch_commands(net::ControlServer& control, Switch& owner) {
    add_bridge_commands(control, owner);
    add_datapath_commands(control, owner);
    add_dummy_commands(control);
    add_trace_commands(control, owner);
}

// Names for datapath ports in text.
class DatapathPortNames;

// A packet's whole key, as "Flow: …" shows it.
std::string format_flow(const packet::Flow& flow, const openflow::TunnelTableRef& tunnel_table,
                        const openflow::Names* names = nullptr);
// Datapath actions, our own userspace actions spelled out.
std::string describe_actions(const datapath::Actions& actions, const datapath::Datapath* names_of);
std::string describe_match(const packet::Flow& key, const packet::Flow& mask,
                           const datapath::Datapath* names_of, bool verbose);

}  // namespace weft::vswitch
