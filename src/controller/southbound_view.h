// What the controller's flows are computed from: the southbound rows and this host's own state, as tracked
// inputs, and the look-ups that several features share.  Feature files (physical/, lflow/) declare rules over
// it.
//
// The replicas' changes are carried over by feed_southbound() and feed_local() (southbound_feed.h,
// local_feed.h); local state is set by whoever finds it out (the controller's steps, steps.h).

#pragma once

#include <initializer_list>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "base/uuid.h"
#include "controller/desired_flow.h"
#include "controller/evpn.h"
#include "controller/switch_ports.h"
#include "controller/tunnels.h"
#include "incremental/engine.h"
#include "incremental/index.h"
#include "incremental/input.h"
#include "incremental/query.h"
#include "incremental/rule.h"
#include "schema/sb.h"

namespace weft::controller {

// A logical port whose interface is on this host's integration bridge.
struct LocalPort {
    uint32_t ofport = 0;
    uint16_t encap = 0;  // by which of our own addresses its packets are to leave (Configuration::encap_id())
    bool operator==(const LocalPort&) const = default;
};

// A logical datapath that packets can be in on this host.
struct LocalDatapath {
    uint32_t key = 0;  // tunnel key
    bool is_switch = true;
    bool operator==(const LocalDatapath&) const = default;
};

using LocalDatapaths = std::vector<std::pair<Uuid, LocalDatapath>>;

// What steps read past the engine: rows in the replicas, and the configuration.  Whether something of it
// changed is known by its part only.
enum class Outside : uint8_t {
    kConfiguration,  // of this host (configuration.h)
    // The local database: tables, or columns of them.
    kRoot,          // Open_vSwitch
    kBridges,       // Bridge, but for external_ids and ports
    kBridgeIds,     // Bridge.external_ids, but for conntrack zones and the report of nb_cfg
    kTunnelPorts,   // bridges' ports with their interfaces: tunnels to other chassis,
    kPatchPorts,    // patch ports,
    kOtherPorts,    // and the rest
    kInterfaceBfd,  // Interface.bfd of tunnels
    kMirrors,
    kQueues,      // QoS, Queue
    kZoneLimits,  // Datapath, CT_Zone
    // The southbound database.
    kGlobalOptions,  // SB_Global.options
    kChassis,        // Chassis, Encap, and that Chassis_Private has a row
    kSouthboundMirrors,
    kRoutes,      // Advertised_Route, Learned_Route
    kMacsToTell,  // Advertised_MAC_Binding
    kNexthops,    // ECMP_Nexthop, MAC_Binding, Static_MAC_Binding
};

struct SouthboundView {
    SouthboundView();
    ~SouthboundView();

    template <typename Row>
    using Rows = incremental::Input<Uuid, const Row*>;
    template <typename T>
    using One = incremental::Input<incremental::Unit, T>;

    incremental::Engine engine;

    // Rows of the southbound database.
    Rows<schema::sb::DatapathBinding> datapaths{engine, "Datapath_Binding"};
    Rows<schema::sb::PortBinding> ports{engine, "Port_Binding"};
    Rows<schema::sb::MulticastGroup> multicast_groups{engine, "Multicast_Group"};
    Rows<schema::sb::Chassis> chassis{engine, "Chassis"};
    Rows<schema::sb::Encap> encaps{engine, "Encap"};
    Rows<schema::sb::MACBinding> mac_bindings{engine, "MAC_Binding"};
    Rows<schema::sb::StaticMACBinding> static_mac_bindings{engine, "Static_MAC_Binding"};
    Rows<schema::sb::FDB> fdb{engine, "FDB"};
    Rows<schema::sb::LogicalFlow> logical_flows{engine, "Logical_Flow"};
    Rows<schema::sb::LogicalDPGroup> datapath_groups{engine, "Logical_DP_Group"};
    Rows<schema::sb::AddressSet> address_sets{engine, "Address_Set"};
    Rows<schema::sb::PortGroup> port_groups{engine, "Port_Group"};
    Rows<schema::sb::LoadBalancer> load_balancers{engine, "Load_Balancer"};
    Rows<schema::sb::HAChassisGroup> ha_chassis_groups{engine, "HA_Chassis_Group"};
    Rows<schema::sb::HAChassis> ha_chassis{engine, "HA_Chassis"};
    Rows<schema::sb::Meter> meters{engine, "Meter"};
    Rows<schema::sb::MeterBand> meter_bands{engine, "Meter_Band"};
    Rows<schema::sb::ECMPNexthop> ecmp_nexthops{engine, "ECMP_Nexthop"};
    Rows<schema::sb::ChassisTemplateVar> template_vars{engine, "Chassis_Template_Var"};

    // Of these there is one value each, which is touched.
    incremental::Input<Outside, bool> outside{engine, "outside"};
    // Called by what reads that part, and by who knows of a change.
    void depend_on(std::initializer_list<Outside> parts);
    void note_change(Outside part) { outside.touch(part); }

    // This host's own state.
    incremental::Input<std::string, LocalInterface> local_interfaces{
        engine, "local interface"};  // by logical port name
    // Of local interfaces that have it: external_ids:ovn-installed.
    incremental::Input<std::string, bool> installed{engine, "ovn-installed"};
    incremental::Input<std::string, LocalPort> local_ports{engine, "local port"};  // by logical port name
    incremental::Input<Uuid, LocalDatapath> local_datapaths{engine, "local datapath"};
    incremental::Input<std::string, uint16_t> ct_zones{engine, "conntrack zone"};  // by name (ct_zones.h)
    // By the same names: of the integration bridge's row external_ids:ct-zone-NAME, which is touched.
    incremental::Input<std::string, bool> saved_zones{engine, "saved conntrack zone"};
    // Of switches with a physical network that this host is connected to: the localnet port.
    incremental::Input<Uuid, Uuid> localnets{engine, "localnet port of a datapath"};
    // The bridge's patch ports to physical networks, by the localnet or l2gateway port that they serve.
    incremental::Input<std::string, uint32_t> physical_ports{engine, "physical port"};
    // external_ids:ovn-chassis-mac-mappings: physical network -> MAC address.
    One<std::map<std::string, std::string>> mac_mappings{engine, "chassis MAC mappings"};
    One<bool> natted_in_label{engine,
                              "natted in ct_label"};   // SB_Global.options:lb_hairpin_use_ct_mark=false
    One<bool> always_tunnel{engine, "always tunnel"};  // SB_Global.options:always_tunnel
    incremental::Input<std::string, std::vector<Tunnel>> tunnels{
        engine, "tunnels to a chassis"};  // by its name, sorted
    // Of our own tunnel addresses those that are not the default one.
    One<std::vector<uint16_t>> other_encaps{engine, "other tunnel addresses"};
    One<Uuid> own_chassis{engine, "own chassis"};
    // Flow_Sample_Collector_Set of the local database, by id.
    incremental::Input<uint32_t, bool> collector_sets{engine, "sample collector set"};

    // Of switches in an EVPN (evpn.h).
    incremental::Input<uint32_t, EvpnPeer> evpn_peers{engine, "EVPN peer"};  // by key
    incremental::Input<Uuid, std::vector<EvpnPeer>> evpn_floods{engine,
                                                                "EVPN peers that get what is flooded"};
    incremental::Input<EvpnMacKey, EvpnMac> evpn_macs{engine, "EVPN address"};
    incremental::Input<EvpnNeighborKey, EvpnNeighbor> evpn_neighbors{engine, "EVPN neighbour"};

    // Look-ups.
    incremental::Index<std::string, Uuid> port_by_name{engine, "port by name"};
    incremental::Index<std::pair<Uuid, std::string>, Uuid> multicast_by_name{
        engine, "multicast group by datapath and name"};
    incremental::Index<std::string, Uuid> address_set_by_name{engine, "address set by name"};
    incremental::Index<std::string, Uuid> port_group_by_name{engine, "port group by name"};
    incremental::Index<std::string, Uuid> meter_by_name{engine, "meter by name"};
    incremental::Index<std::string, Uuid> children{engine, "child ports by parent"};
    incremental::Index<std::pair<uint32_t, uint32_t>, Uuid> port_by_keys{engine,
                                                                         "port by keys of datapath and port"};
    // Of a datapath the ports of a type other than "".
    incremental::Index<std::pair<Uuid, std::string>, Uuid> ports_by_type{engine,
                                                                         "ports by datapath and type"};
    // Of a datapath the ports that several chassis have.
    incremental::Index<Uuid, Uuid> multichassis{engine, "ports with several chassis"};
    // By chassis row: the ports that the database says are there, mainly or in addition.
    incremental::Index<Uuid, Uuid> ports_by_chassis{engine, "ports by chassis"};
    // By chassis row: the ports that are asked to be there.
    incremental::Index<Uuid, Uuid> requested{engine, "ports by requested chassis"};
    // By chassis name: l2gateway and l3gateway ports that an option binds to it.
    incremental::Index<std::string, Uuid> gateways{engine, "gateway ports by chassis"};
    // By the port that gets the copies: ports of type mirror.
    incremental::Index<std::string, Uuid> mirrors{engine, "mirror ports by sink"};
    // By the virtual port's parent that has it now.
    incremental::Index<std::string, Uuid> virtual_ports{engine, "virtual ports by parent"};
    incremental::Index<Uuid, Uuid> ports_by_group{engine, "ports by HA chassis group"};
    incremental::Index<Uuid, Uuid> groups_by_chassis{engine, "HA chassis groups by chassis"};
    incremental::Index<std::string, Uuid> template_vars_by_chassis{engine, "template variables by chassis"};

    // What fills the look-ups, one row at a time (southbound_view.cc).
    void index_ports(const Uuid& uuid);
    void index_ha_groups(const Uuid& uuid);
    void index_template_vars(const Uuid& uuid);
    void index_multicast(const Uuid& uuid);
    void index_address_sets(const Uuid& uuid);
    void index_port_groups(const Uuid& uuid);
    void index_meters(const Uuid& uuid);
    incremental::Rule<Uuid> index_ports_rule{engine, "index ports", ports,
                                             [this](const Uuid& u) { index_ports(u); }};
    incremental::Rule<Uuid> index_ha_groups_rule{engine, "index HA chassis groups", ha_chassis_groups,
                                                 [this](const Uuid& u) { index_ha_groups(u); }};
    incremental::Rule<Uuid> index_template_vars_rule{engine, "index template variables", template_vars,
                                                     [this](const Uuid& u) { index_template_vars(u); }};
    incremental::Rule<Uuid> index_multicast_rule{engine, "index multicast groups", multicast_groups,
                                                 [this](const Uuid& u) { index_multicast(u); }};
    incremental::Rule<Uuid> index_address_sets_rule{engine, "index address sets", address_sets,
                                                    [this](const Uuid& u) { index_address_sets(u); }};
    incremental::Rule<Uuid> index_port_groups_rule{engine, "index port groups", port_groups,
                                                   [this](const Uuid& u) { index_port_groups(u); }};
    incremental::Rule<Uuid> index_meters_rule{engine, "index meters", meters,
                                              [this](const Uuid& u) { index_meters(u); }};

    // Tracked reads; null or 0 if there is none.
    const schema::sb::PortBinding* port(const Uuid& uuid);
    const schema::sb::PortBinding* port_named(const std::string& name);
    const LocalDatapath* local_datapath(const Uuid& uuid);
    // The switch's port to a physical network that this host is connected to, or null.
    const schema::sb::PortBinding* localnet_of(const Uuid& datapath);
    uint32_t physical_port(const std::string& logical_port);
    uint16_t zone(const std::string& name);
    // The tunnel to a chassis, by its row: to the address `encap` if that is given and can be, and from our
    // own address with that number if there is such a tunnel; else from and to the preferred ones.
    const Tunnel* tunnel_to(const Uuid& chassis_uuid, uint16_t own_encap = 0,
                            const schema::sb::Encap* encap = nullptr);
    // The encapsulation by which the port wants to be reached on that chassis; null if it says none.
    const schema::sb::Encap* encap_of(const schema::sb::PortBinding& port, const Uuid& chassis_uuid);
    // 0 and other_encaps: for each a packet may have its own way through the mesh.
    std::vector<uint16_t> own_encaps();
    bool is_own_chassis(const std::optional<Uuid>& chassis_uuid);
    // This chassis has the port, mainly or in addition to another.
    bool is_here(const schema::sb::PortBinding& row);

    // The value of a variable (Chassis_Template_Var) on this chassis, if it has one.
    std::optional<std::string> template_value(const std::string& name);
    incremental::Query<std::string, std::optional<std::string>> template_var{
        engine, "template variable", [this](const std::string& name) { return template_value(name); }};

    // Of a datapath group the members that are local: who reads it reads one thing, not hundreds.
    LocalDatapaths find_local_members(const Uuid& group);
    incremental::Query<Uuid, LocalDatapaths> local_members{
        engine, "local members of a datapath group", [this](const Uuid& u) { return find_local_members(u); }};
    // The datapaths that packets can get into from one, by ports that are served here.
    incremental::Query<Uuid, std::vector<Uuid>> neighbours{
        engine, "neighbours of a datapath", [this](const Uuid& u) { return find_neighbours(u); }};

    // What the bridge should have.
    FlowOutput flows{engine, "flow"};

  private:
    std::vector<Uuid> find_neighbours(const Uuid& datapath);  // local_datapaths.cc

  public:
    template <typename Row>
    static const Row* value(incremental::Input<Uuid, const Row*>& rows, const Uuid& uuid) {
        const Row* const* row = rows.find(uuid);
        return row ? *row : nullptr;
    }
};

inline uint32_t cookie_of(const Uuid& uuid) {
    return static_cast<uint32_t>(uuid.bytes[0]) << 24 | static_cast<uint32_t>(uuid.bytes[1]) << 16 |
           static_cast<uint32_t>(uuid.bytes[2]) << 8 | uuid.bytes[3];
}

}  // namespace weft::controller
