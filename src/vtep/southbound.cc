#include "vtep/southbound.h"

namespace weft::vtep {

using ovsdb::Set;
using ovsdb::client::CommitOutcome;

void Southbound::choose_columns() {
    using Port = sb::PortBinding;
    replica_.monitor<sb::SBGlobal>(sb::SBGlobal::kOptions);
    replica_.monitor<sb::Chassis>(sb::Chassis::kName, sb::Chassis::kEncaps, sb::Chassis::kVtepLogicalSwitches,
                                  sb::Chassis::kOtherConfig);
    replica_.monitor<sb::Encap>(sb::Encap::kType, sb::Encap::kIp, sb::Encap::kOptions,
                                sb::Encap::kChassisName);
    replica_.monitor<sb::DatapathBinding>(sb::DatapathBinding::kTunnelKey);
    replica_.monitor<Port>(Port::kLogicalPort, Port::kType, Port::kDatapath, Port::kChassis, Port::kOptions,
                           Port::kMac, Port::kUp);
    replica_.add_index(Port::kLogicalPort);
    replica_.add_index(sb::Chassis::kName);
}

void Southbound::want(Program& p) {
    gateways_.want(p.gateway_rows, [&](const GatewayRow& r) {
        if (known_.insert(r.name).second) {
            // One that was there before it was known to be ours.
            const auto* row = replica_.table<sb::Chassis>().find_by(sb::Chassis::kName, r.name);
            if (row) gateways_.have_row(row->uuid, r.name);
        }
        return r.name;
    });
    p.binding_rows.take_changes([&](const BindingRow& row, bool added) {
        if (added) {
            bindings_[row.port] = row.chassis;
        } else if (auto it = bindings_.find(row.port); it != bindings_.end() && it->second == row.chassis) {
            bindings_.erase(it);
        }
        bindings_dirty_.insert(row.port);
    });
}

void Southbound::mark_bindings() {
    for (const auto& [port, chassis] : bindings_) bindings_dirty_.insert(port);
}

void Southbound::have() {
    gateways_.have(replica_, [&](const sb::Chassis& r) {
        return known_.contains(r.name) ? std::optional(r.name) : std::nullopt;
    });
    // An encap has its owner's name.
    for (const auto& change : replica_.changes<sb::Encap>()) gateways_.mark(change.row().chassis_name);
    for (const auto& change : replica_.changes<sb::PortBinding>())
        bindings_dirty_.insert(change.row().logical_port);
    if (!replica_.changes<sb::Chassis>().empty()) mark_bindings();
}

std::optional<Uuid> Southbound::find_chassis(const Transaction& txn, const std::string& name) const {
    auto uuid = gateways_.row_of(name);
    return uuid && txn.row<sb::Chassis>(*uuid) ? uuid : std::nullopt;
}

void Southbound::write_gateway(Transaction& txn, const Uuid& uuid, const GatewayRow& row) {
    using Chassis = sb::Chassis;
    using Encap = sb::Encap;
    txn.set(uuid, Chassis::kName, row.name);
    txn.set(uuid, Chassis::kVtepLogicalSwitches, Set<std::string>(row.logical_switches));
    ovsdb::StringMap config = txn.row<Chassis>(uuid)->other_config;
    config.set("is-vtep", "true");
    txn.set(uuid, Chassis::kOtherConfig, config);
    const Set<Uuid> present = txn.row<Chassis>(uuid)->encaps;
    const Encap* encap = present.size() == 1 ? txn.row<Encap>(*present.begin()) : nullptr;
    if (encap && encap->type == "vxlan" && encap->ip == row.ip) return;
    Uuid fresh = txn.insert<Encap>();
    txn.set(fresh, Encap::kType, "vxlan");
    txn.set(fresh, Encap::kIp, row.ip);
    txn.set(fresh, Encap::kOptions, {{"csum", "false"}});  // hardware cannot compute them
    txn.set(fresh, Encap::kChassisName, row.name);
    txn.set(uuid, Chassis::kEncaps, Set<Uuid>{fresh});
}

// A port of type vtep whose chassis is one of ours, or is to be.
void Southbound::write_binding(Transaction& txn, const std::string& port) {
    using Port = sb::PortBinding;
    const Port* row = replica_.table<Port>().find_by(Port::kLogicalPort, port);
    if (!row || row->type != "vtep") return;
    auto wanted = bindings_.find(port);
    if (wanted != bindings_.end()) {
        if (auto chassis = find_chassis(txn, wanted->second)) {
            txn.set(row->uuid, Port::kChassis, chassis);
            txn.set(row->uuid, Port::kUp, true);
        }
        return;
    }
    const sb::Chassis* present = row->chassis ? replica_.find<sb::Chassis>(*row->chassis) : nullptr;
    if (!present || !known_.contains(present->name)) return;
    txn.set(row->uuid, Port::kChassis, std::nullopt);
    txn.set(row->uuid, Port::kUp, false);
}

void Southbound::write(Transaction& txn) {
    gateways_.begin();
    gateways_.write(txn, [&](Transaction& t, const Uuid& uuid, const GatewayRow& row, bool) {
        write_gateway(t, uuid, row);
        return true;
    });
    for (const std::string& port : bindings_dirty_) write_binding(txn, port);
    bindings_dirty_.clear();
}

void Southbound::done(const CommitOutcome& outcome) {
    if (outcome.ok()) return;
    gateways_.mark_all();
    mark_bindings();
}

void Southbound::clean_up(Transaction& txn) {
    for (const auto& [port, chassis] : bindings_) {
        const auto* row = replica_.table<sb::PortBinding>().find_by(sb::PortBinding::kLogicalPort, port);
        if (!row) continue;
        txn.set(row->uuid, sb::PortBinding::kChassis, std::nullopt);
        txn.set(row->uuid, sb::PortBinding::kUp, false);
    }
    for (const std::string& name : known_) {
        const auto* row = replica_.table<sb::Chassis>().find_by(sb::Chassis::kName, name);
        if (row) txn.erase<sb::Chassis>(row->uuid);
    }
}

}  // namespace weft::vtep
