#include "controller/binding.h"

#include <vector>

#include "base/log.h"

namespace weft::controller {

namespace {

namespace sb = schema::sb;
using ovsdb::client::Transaction;

log::Module lg("binding");

bool is_container(const sb::PortBinding& port) {
    return port.parent_port && !port.parent_port->empty();
}
bool is_patch(const sb::PortBinding& port) {
    return port.type == "patch" || port.type == "l3gateway";
}

// options:l3gateway-chassis of an "l3gateway" port, and so on; "" for types that no option binds.
std::string_view chassis_by_option(const sb::PortBinding& port) {
    if (port.type == "l3gateway") return ovsdb::get_string(port.options, "l3gateway-chassis");
    if (port.type == "l2gateway") return ovsdb::get_string(port.options, "l2gateway-chassis");
    return {};
}

}  // namespace

void Binding::note_changes() {
    for (const auto& change : southbound_.changes<sb::PortBinding>()) {
        if (const sb::PortBinding* old = change.before) {
            if (is_patch(*old)) patch_ports_[old->datapath].erase(old->uuid);
            if (is_container(*old)) children_[*old->parent_port].erase(old->uuid);
            gateways_.erase(old->uuid);
        }
        if (const sb::PortBinding* now = change.after) {
            if (is_patch(*now)) patch_ports_[now->datapath].insert(now->uuid);
            if (is_container(*now)) children_[*now->parent_port].insert(now->uuid);
            if (now->type == "l3gateway" || now->type == "l2gateway") gateways_.insert(now->uuid);
        }
    }
}

bool Binding::may_claim(const sb::PortBinding& port, const sb::Chassis& chassis) const {
    std::string_view requested = ovsdb::get_string(port.options, "requested-chassis");
    return requested.empty() || requested == chassis.name || requested == chassis.hostname;
}

bool Binding::belongs_here(const sb::PortBinding& port,
                           const std::map<std::string, LocalInterface>& interfaces,
                           const sb::Chassis& chassis) const {
    if (port.type == "l3gateway" || port.type == "l2gateway") return chassis_by_option(port) == chassis.name;
    if (!port.type.empty()) return false;
    if (!is_container(port)) return interfaces.contains(port.logical_port) && may_claim(port, chassis);
    const sb::PortBinding* parent =
        southbound_.table<sb::PortBinding>().find_by(sb::PortBinding::kLogicalPort, *port.parent_port);
    return parent && interfaces.contains(parent->logical_port) && may_claim(*parent, chassis);
}

void Binding::claim(const sb::PortBinding& port, const sb::Chassis& chassis, Transaction& txn) const {
    if (port.chassis && *port.chassis == chassis.uuid) return;
    if (port.chassis) {
        const sb::Chassis* other = southbound_.find<sb::Chassis>(*port.chassis);
        lg.info("Changing chassis for lport {} from {} to {}.", port.logical_port, other ? other->name : "",
                chassis.name);
    } else {
        lg.info("Claiming lport {} for this chassis.", port.logical_port);
    }
    for (const std::string& mac : port.mac) lg.info("{}: Claiming {}", port.logical_port, mac);
    txn.set(port.uuid, sb::PortBinding::kChassis, chassis.uuid);
    if (port.type.empty()) txn.set(port.uuid, sb::PortBinding::kUp, false);
}

void Binding::claim_and_release(const std::map<std::string, LocalInterface>& interfaces,
                                const sb::Chassis& chassis, Transaction& txn) {
    auto ports = southbound_.table<sb::PortBinding>();
    for (const auto& [name, interface] : interfaces) {
        const sb::PortBinding* port = ports.find_by(sb::PortBinding::kLogicalPort, name);
        if (!port || !belongs_here(*port, interfaces, chassis)) continue;
        claim(*port, chassis, txn);
        auto children = children_.find(name);
        if (children == children_.end()) continue;
        for (const Uuid& uuid : children->second) {
            const sb::PortBinding* child = ports.find(uuid);
            if (child && belongs_here(*child, interfaces, chassis)) claim(*child, chassis, txn);
        }
    }
    for (const Uuid& uuid : gateways_) {
        const sb::PortBinding* port = ports.find(uuid);
        if (port && belongs_here(*port, interfaces, chassis)) claim(*port, chassis, txn);
    }

    ports.for_each_by(sb::PortBinding::kChassis, chassis.uuid, [&](const sb::PortBinding& port) {
        bool bound_by_us = port.type.empty() || port.type == "l3gateway" || port.type == "l2gateway";
        if (!bound_by_us || belongs_here(port, interfaces, chassis)) return;
        lg.info("Releasing lport {} from this chassis (sb_readonly=0)", port.logical_port);
        txn.set(port.uuid, sb::PortBinding::kChassis, std::nullopt);
        if (port.type.empty()) txn.set(port.uuid, sb::PortBinding::kUp, false);
    });
}

std::map<std::string, const sb::PortBinding*> Binding::own_ports(const sb::Chassis& chassis) const {
    std::map<std::string, const sb::PortBinding*> own;
    southbound_.table<sb::PortBinding>().for_each_by(
        sb::PortBinding::kChassis, chassis.uuid,
        [&](const sb::PortBinding& port) { own[port.logical_port] = &port; });
    return own;
}

std::set<Uuid> Binding::local_datapaths(const std::map<std::string, const sb::PortBinding*>& own,
                                        const std::map<std::string, LocalInterface>& interfaces) const {
    auto ports = southbound_.table<sb::PortBinding>();
    std::set<Uuid> local;
    std::vector<Uuid> to_visit;
    auto reach = [&](const Uuid& datapath) {
        if (local.insert(datapath).second) to_visit.push_back(datapath);
    };
    for (const auto& [name, port] : own) reach(port->datapath);
    for (const auto& [name, interface] : interfaces) {  // a localport is on every chassis and bound to none
        const sb::PortBinding* port = ports.find_by(sb::PortBinding::kLogicalPort, name);
        if (port && port->type == "localport") reach(port->datapath);
    }
    while (!to_visit.empty()) {
        Uuid datapath = to_visit.back();
        to_visit.pop_back();
        auto patches = patch_ports_.find(datapath);
        if (patches == patch_ports_.end()) continue;
        for (const Uuid& uuid : patches->second) {
            const sb::PortBinding* port = ports.find(uuid);
            if (!port || (port->type == "l3gateway" && !own.contains(port->logical_port))) continue;
            const std::string* peer_name = port->options.find("peer");
            const sb::PortBinding* peer =
                peer_name ? ports.find_by(sb::PortBinding::kLogicalPort, *peer_name) : nullptr;
            if (peer) reach(peer->datapath);
        }
    }
    return local;
}

void Binding::release_all(const sb::Chassis& chassis, Transaction& txn) const {
    for (const auto& [name, port] : own_ports(chassis)) {
        txn.set(port->uuid, sb::PortBinding::kChassis, std::nullopt);
        if (port->type.empty()) txn.set(port->uuid, sb::PortBinding::kUp, false);
    }
}

}  // namespace weft::controller
