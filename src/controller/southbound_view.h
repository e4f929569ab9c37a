// What the controller's flows are computed from: the southbound rows and this host's own state, as tracked
// inputs, and the look-ups that several features share.  Feature files (physical/, lflow/) declare rules over
// it.
//
// The replicas' changes are carried over by SouthboundFeed (southbound_feed.h); local state is set by
// whoever finds it out (LocalPorts, LocalDatapaths, CtZones, tunnels).

#pragma once

#include <map>
#include <string>
#include <vector>

#include "base/uuid.h"
#include "controller/desired_flow.h"
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
    bool operator==(const LocalPort&) const = default;
};

// A logical datapath that packets can be in on this host.
struct LocalDatapath {
    uint32_t key = 0;  // tunnel key
    bool is_switch = true;
    bool operator==(const LocalDatapath&) const = default;
};

struct SouthboundView {
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

    // This host's own state.
    incremental::Input<std::string, LocalPort> local_ports{engine, "local port"};  // by logical port name
    incremental::Input<Uuid, LocalDatapath> local_datapaths{engine, "local datapath"};
    incremental::Input<std::string, uint16_t> ct_zones{engine, "conntrack zone"};  // by name (ct_zones.h)
    One<std::vector<Tunnel>> tunnels{engine, "tunnels"};
    One<Uuid> own_chassis{engine, "own chassis"};
    // Flow_Sample_Collector_Set of the local database, by id.
    incremental::Input<uint32_t, bool> collector_sets{engine, "sample collector set"};

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
    incremental::Index<Uuid, Uuid> mac_bindings_by_datapath{engine, "MAC bindings by datapath"};

    incremental::Rule<Uuid> index_ports{
        engine, "index ports", ports, [this](const Uuid& uuid) {
            const schema::sb::PortBinding* port = *ports.find(uuid);
            port_by_name.emit(port->logical_port, uuid);
            if (const schema::sb::DatapathBinding* datapath = value(datapaths, port->datapath)) {
                port_by_keys.emit(
                    {static_cast<uint32_t>(datapath->tunnel_key), static_cast<uint32_t>(port->tunnel_key)},
                    uuid);
            }
            if (port->parent_port && !port->parent_port->empty()) children.emit(*port->parent_port, uuid);
        }};
    incremental::Rule<Uuid> index_multicast{
        engine, "index multicast groups", multicast_groups, [this](const Uuid& uuid) {
            const schema::sb::MulticastGroup* group = *multicast_groups.find(uuid);
            multicast_by_name.emit({group->datapath, group->name}, uuid);
        }};
    incremental::Rule<Uuid> index_address_sets{
        engine, "index address sets", address_sets,
        [this](const Uuid& uuid) { address_set_by_name.emit((*address_sets.find(uuid))->name, uuid); }};
    incremental::Rule<Uuid> index_port_groups{
        engine, "index port groups", port_groups,
        [this](const Uuid& uuid) { port_group_by_name.emit((*port_groups.find(uuid))->name, uuid); }};
    incremental::Rule<Uuid> index_meters{engine, "index meters", meters, [this](const Uuid& uuid) {
                                             meter_by_name.emit((*meters.find(uuid))->name, uuid);
                                         }};
    incremental::Rule<Uuid> index_mac_bindings{
        engine, "index MAC bindings", mac_bindings, [this](const Uuid& uuid) {
            mac_bindings_by_datapath.emit((*mac_bindings.find(uuid))->datapath, uuid);
        }};

    // Tracked reads; null or 0 if there is none.
    const schema::sb::PortBinding* port(const Uuid& uuid) { return value(ports, uuid); }
    const schema::sb::PortBinding* port_named(const std::string& name) {
        const Uuid* uuid = port_by_name.first(name);
        return uuid ? port(*uuid) : nullptr;
    }
    const LocalDatapath* local_datapath(const Uuid& uuid) { return local_datapaths.find(uuid); }
    uint16_t zone(const std::string& name) {
        const uint16_t* zone = ct_zones.find(name);
        return zone ? *zone : 0;
    }
    // The tunnel to a chassis, by its row.
    const Tunnel* tunnel_to(const Uuid& chassis_uuid) {
        const schema::sb::Chassis* row = value(chassis, chassis_uuid);
        const std::vector<Tunnel>* all = tunnels.find({});
        if (!row || !all) return nullptr;
        for (const Tunnel& tunnel : *all) {
            if (tunnel.chassis == row->name) return &tunnel;
        }
        return nullptr;
    }
    bool is_own_chassis(const std::optional<Uuid>& chassis_uuid) {
        const Uuid* own = own_chassis.find({});
        return own && chassis_uuid && *own == *chassis_uuid;
    }

    // What the bridge should have.
    FlowOutput flows{engine, "flow"};

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
