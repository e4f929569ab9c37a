// The flows between ports of the bridge and logical ports: tables 0, 37–41, 64 and 65, and the look-up tables
// 66–75 (ovn-architecture(7), "Architectural Physical Life Cycle of a Packet").
//
// Each feature is a function that emits the flows of one row; PhysicalFlows declares them as rules.  A port
// that cannot be reached (no tunnel to its chassis yet, datapath not local) emits none, and is computed again
// when that changes.

#pragma once

#include <functional>

#include "controller/southbound_view.h"

namespace weft::controller {

// What packets to or from a port are given: conntrack zones and the keys.  Where this chassis has several
// addresses for tunnels, the register of the zone carries in its upper half by which of them the packet is to
// leave (Configuration::encap_id()), from the interface where it came in through all pipelines.
struct PortKeys {
    uint32_t datapath = 0, port = 0;                  // tunnel keys
    uint16_t zone = 0, dnat_zone = 0, snat_zone = 0;  // 0: none
    uint16_t encap = 0;
    bool keep_encap = false;
};

void emit_static_flows(SouthboundView& view);                              // static_flows.cc
void emit_tunnel_flows(SouthboundView& view, const std::string& chassis);  // tunnel_flows.cc
void emit_port_flows(SouthboundView& view, const Uuid& port);  // port_flows.cc: dispatches to the next seven
void emit_vif_flows(SouthboundView& view, const schema::sb::PortBinding& port, const PortKeys& keys,
                    uint32_t ofport);  // vif_flows.cc
void emit_container_flows(SouthboundView& view, const schema::sb::PortBinding& port, const PortKeys& keys,
                          uint32_t parent_ofport);
void emit_patch_flows(SouthboundView& view, const schema::sb::PortBinding& port,
                      const PortKeys& keys);  // patch_flows.cc
void emit_remote_flows(SouthboundView& view, const schema::sb::PortBinding& port,
                       const PortKeys& keys);  // remote_flows.cc
void emit_network_flows(SouthboundView& view, const schema::sb::PortBinding& port, const PortKeys& keys,
                        uint32_t ofport);  // network_flows.cc
void emit_gateway_flows(SouthboundView& view, const schema::sb::PortBinding& port,
                        const PortKeys& keys);  // gateway_flows.cc
void emit_mirror_flows(SouthboundView& view, const schema::sb::PortBinding& port,
                       const PortKeys& keys);                            // mirror_flows.cc
void emit_foreign_mac_flows(SouthboundView& view, const Uuid& chassis);  // chassis_mac_flows.cc
void emit_multicast_flows(SouthboundView& view, const Uuid& group);      // multicast_flows.cc
void emit_port_security_flows(SouthboundView& view, const Uuid& port);   // port_security_flows.cc
void emit_mac_binding_flows(SouthboundView& view, const Uuid& binding);  // mac_binding_flows.cc
void emit_static_mac_binding_flows(SouthboundView& view, const Uuid& binding);
void emit_fdb_flows(SouthboundView& view, const Uuid& fdb);                // fdb_flows.cc
void emit_hairpin_flows(SouthboundView& view, const Uuid& load_balancer);  // hairpin_flows.cc
void emit_evpn_peer_flows(SouthboundView& view, uint32_t key);             // evpn_flows.cc
void emit_evpn_mac_flows(SouthboundView& view, const EvpnMacKey& key);
void emit_evpn_neighbor_flows(SouthboundView& view, const EvpnNeighborKey& key);

class PhysicalFlows {
  public:
    explicit PhysicalFlows(SouthboundView& view);
    ~PhysicalFlows();

  private:
    using Unit = incremental::Unit;
    SouthboundView& view_;
    incremental::Rule<Unit> static_{view_.engine, "static flows", [this](Unit) { emit_static_flows(view_); }};
    incremental::Rule<std::string> tunnels_{
        view_.engine, "tunnel flows", view_.tunnels,
        [this](const std::string& chassis) { emit_tunnel_flows(view_, chassis); }};
    incremental::Rule<Uuid> ports_{view_.engine, "port flows", view_.ports,
                                   [this](const Uuid& u) { emit_port_flows(view_, u); }};
    incremental::Rule<Uuid> groups_{view_.engine, "multicast flows", view_.multicast_groups,
                                    [this](const Uuid& u) { emit_multicast_flows(view_, u); }};
    incremental::Rule<Uuid> security_{view_.engine, "port security flows", view_.ports,
                                      [this](const Uuid& u) { emit_port_security_flows(view_, u); }};
    incremental::Rule<Uuid> macs_{view_.engine, "MAC binding flows", view_.mac_bindings,
                                  [this](const Uuid& u) { emit_mac_binding_flows(view_, u); }};
    incremental::Rule<Uuid> static_macs_{view_.engine, "static MAC binding flows", view_.static_mac_bindings,
                                         [this](const Uuid& u) { emit_static_mac_binding_flows(view_, u); }};
    incremental::Rule<Uuid> fdb_{view_.engine, "FDB flows", view_.fdb,
                                 [this](const Uuid& u) { emit_fdb_flows(view_, u); }};
    incremental::Rule<Uuid> foreign_macs_{view_.engine, "chassis MAC flows", view_.chassis,
                                          [this](const Uuid& u) { emit_foreign_mac_flows(view_, u); }};
    incremental::Rule<Uuid> hairpin_{view_.engine, "hairpin flows", view_.load_balancers,
                                     [this](const Uuid& u) { emit_hairpin_flows(view_, u); }};
    incremental::Rule<uint32_t> evpn_peers_{view_.engine, "EVPN flows", view_.evpn_peers,
                                            [this](uint32_t key) { emit_evpn_peer_flows(view_, key); }};
    incremental::Rule<EvpnMacKey> evpn_macs_{
        view_.engine, "EVPN address flows", view_.evpn_macs,
        [this](const EvpnMacKey& key) { emit_evpn_mac_flows(view_, key); }};
    incremental::Rule<EvpnNeighborKey> evpn_neighbors_{
        view_.engine, "EVPN neighbour flows", view_.evpn_neighbors,
        [this](const EvpnNeighborKey& key) { emit_evpn_neighbor_flows(view_, key); }};
};

// Shared by the feature files.
PortKeys keys_of(SouthboundView& view, const schema::sb::PortBinding& port, uint32_t datapath_key);
// The logical port can be reached on this host: the bridge port that leads to it (for a container, its
// parent's; for a port of a physical network, the patch port), or 0.
uint32_t local_ofport(SouthboundView& view, const schema::sb::PortBinding& port);
openflow::Match datapath_match(uint32_t datapath_key);
openflow::Match outport_match(uint32_t datapath_key, uint32_t port_key);
class ActionBuilder;
void load_zones(ActionBuilder& actions, const PortKeys& keys);
// The zone alone; with `keep_encap` without touching what shares its register.
void load_zone(ActionBuilder& actions, uint16_t zone, bool keep_encap);
// A flow whose actions lead to tunnels: actions_for(0) for packets that leave by the default address of our
// own, and where those of another address would do otherwise, a flow for them (tunnel_flows.cc).  No actions:
// no flow.
void emit_by_encap(SouthboundView& view, uint8_t table, uint16_t priority, uint32_t cookie,
                   const openflow::Match& match,
                   const std::function<openflow::ActionList(uint16_t)>& actions_for);
// The fields of a packet that enters the ingress pipeline at the port.
void enter_pipeline(ActionBuilder& actions, const PortKeys& keys);
// The egress pipeline begins with registers of its own.
ActionBuilder to_egress();
// The port is here in addition to another chassis and closed until its virtual machine announces itself
// (vif_flows.cc).
bool waits_for_activation(SouthboundView& view, const schema::sb::PortBinding& port);
// The VLAN tag of a port of a physical network, if it has one.
void push_tag(ActionBuilder& actions, const schema::sb::PortBinding& port);
// Of a localnet port, for the routers on its switch (chassis_mac_flows.cc).
void emit_chassis_mac_flows(SouthboundView& view, const schema::sb::PortBinding& localnet,
                            const PortKeys& keys, uint32_t ofport);
// Flows in tables 40, 41 and 64 that every port which ends on this host has.
void emit_local_output_flows(SouthboundView& view, const schema::sb::PortBinding& port, const PortKeys& keys,
                             bool nested);
// Tables 66 and 67: a router port's neighbour (mac_binding_flows.cc).
void emit_neighbor_flows(SouthboundView& view, uint32_t cookie, const std::string& router_port,
                         const std::string& ip, const packet::EthAddr& mac, uint16_t priority);
// The VTEPs that get a copy of what is sent to the group; null if it is no flood of a switch in an EVPN.
const std::vector<EvpnPeer>* evpn_copies(SouthboundView& view, const schema::sb::MulticastGroup& group);
void copy_to_evpn(ActionBuilder& actions, const std::vector<EvpnPeer>& peers);
// VTEPs send to that chassis themselves.
bool takes_part_in_evpn(SouthboundView& view, const Uuid& chassis);
// Puts the packet's place in the logical network into the tunnel's header.
void write_tunnel_header(ActionBuilder& actions, const Tunnel& tunnel, uint32_t datapath_key,
                         uint32_t outport_key, bool multicast);
// The same, and sends it.
void send_by_tunnel(ActionBuilder& actions, const Tunnel& tunnel, uint32_t datapath_key, uint32_t outport_key,
                    bool multicast);

}  // namespace weft::controller
