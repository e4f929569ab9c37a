#include "controller/evpn_tunnels.h"

#include <fmt/format.h>

#include <set>

#include "controller/tunnels.h"

namespace weft::controller {

namespace {

namespace vs = schema::vswitch;
using ovsdb::client::Replica;
using ovsdb::client::Transaction;

constexpr const char* kMark = "ovn-evpn-tunnel";

std::string port_name(uint16_t udp_port) {
    return fmt::format("ovn-evpn-{}", udp_port);
}

void create(const vs::Bridge& bridge, uint16_t udp_port, Transaction& txn) {
    std::string name = port_name(udp_port);
    Uuid interface = txn.insert<vs::Interface>();
    txn.set(interface, vs::Interface::kName, name);
    txn.set(interface, vs::Interface::kType, "vxlan");
    txn.set(interface, vs::Interface::kOptions,
            {{"dst_port", std::to_string(udp_port)},
             {"key", "flow"},
             {"local_ip", "flow"},
             {"remote_ip", "flow"}});
    txn.set(interface, vs::Interface::kExternalIds, {{kMark, "true"}});
    Uuid port = txn.insert<vs::Port>();
    txn.set(port, vs::Port::kName, name);
    txn.set(port, vs::Port::kInterfaces, {interface});
    txn.set(port, vs::Port::kExternalIds, {{kMark, "true"}});
    txn.verify(bridge.uuid, vs::Bridge::kPorts);
    txn.add(bridge.uuid, vs::Bridge::kPorts, port);
    txn.comment("ovn-controller: creating EVPN tunnel '" + name + "'");
}

}  // namespace

void keep_evpn_tunnels(const Replica& vswitch, const Configuration& c, const vs::Bridge& bridge,
                       Transaction& txn) {
    std::set<std::string> present;
    for (const Uuid& uuid : bridge.ports) {
        const vs::Port* port = vswitch.find<vs::Port>(uuid);
        if (port && port->external_ids.contains(kMark)) present.insert(port->name);
    }
    bool changed = false;
    for (uint16_t udp_port : c.evpn_ports) {
        if (present.erase(port_name(udp_port))) continue;
        create(bridge, udp_port, txn);
        changed = true;
    }
    for (const Uuid& uuid : bridge.ports) {
        const vs::Port* port = vswitch.find<vs::Port>(uuid);
        if (!port || !present.contains(port->name)) continue;
        txn.remove(bridge.uuid, vs::Bridge::kPorts, uuid);
        changed = true;
    }
    const vs::OpenVSwitch* root = open_vswitch_row(vswitch);
    if (root && changed) txn.increment(root->uuid, vs::OpenVSwitch::kNextCfg);
}

void remove_evpn_tunnels(const Replica& vswitch, const vs::Bridge& bridge, Transaction& txn) {
    for (const Uuid& uuid : bridge.ports) {
        const vs::Port* port = vswitch.find<vs::Port>(uuid);
        if (port && port->external_ids.contains(kMark)) txn.remove(bridge.uuid, vs::Bridge::kPorts, uuid);
    }
}

std::map<uint16_t, uint32_t> evpn_tunnels(const Replica& vswitch, const Configuration& c) {
    std::map<uint16_t, uint32_t> out;
    for (uint16_t udp_port : c.evpn_ports) {
        const vs::Port* port = vswitch.table<vs::Port>().find_by(vs::Port::kName, port_name(udp_port));
        const vs::Interface* interface = port ? only_interface(vswitch, *port) : nullptr;
        if (interface && interface->ofport.value_or(0) > 0)
            out[udp_port] = static_cast<uint32_t>(*interface->ofport);
    }
    return out;
}

}  // namespace weft::controller
