#include "ic/sync/southbound.h"

#include <algorithm>

namespace weft::ic {

using ovsdb::Set;
using ovsdb::client::CommitOutcome;

void Southbound::choose_columns() {
    using Port = sb::PortBinding;
    replica_.monitor<sb::Chassis>(sb::Chassis::kName, sb::Chassis::kHostname, sb::Chassis::kEncaps,
                                  sb::Chassis::kOtherConfig);
    replica_.monitor<sb::Encap>(sb::Encap::kType, sb::Encap::kIp, sb::Encap::kOptions,
                                sb::Encap::kChassisName);
    replica_.monitor<Port>(Port::kLogicalPort, Port::kType, Port::kChassis);
    replica_.add_index(Port::kLogicalPort);
    replica_.add_index(sb::Chassis::kName);
    ovsdb::client::Condition ports;
    for (const char* type : {"chassisredirect", "remote"}) ports.equals(Port::kType, std::string(type));
    replica_.set_condition<Port>(std::move(ports));
    replica_.monitor<sb::MACBinding>(sb::MACBinding::kLogicalPort, sb::MACBinding::kIp, sb::MACBinding::kMac);
    watch_neighbors({});
}

void Southbound::watch_neighbors(const std::set<std::string>& ports) {
    ovsdb::client::Condition neighbors;
    for (const std::string& port : ports) neighbors.equals(sb::MACBinding::kLogicalPort, port);
    replica_.set_condition<sb::MACBinding>(std::move(neighbors));
}

void Southbound::want(Program& p) {
    chassis_.want(p.remote_chassis_rows, [](const RemoteChassisRow& r) { return r.name; });
    p.remote_binding_rows.take_changes([&](const RemoteBindingRow& row, bool added) {
        if (added) {
            gateways_[row.port] = row.gateway;
        } else if (auto it = gateways_.find(row.port); it != gateways_.end() && it->second == row.gateway) {
            gateways_.erase(it);
        }
        bindings_dirty_.insert(row.port);
    });
}

void Southbound::have() {
    chassis_.have(replica_,
                  [](const sb::Chassis& r) { return is_remote(r) ? std::optional(r.name) : std::nullopt; });
    // An encap has its owner's name.
    for (const auto& change : replica_.changes<sb::Encap>()) chassis_.mark(change.row().chassis_name);
    for (const auto& change : replica_.changes<sb::PortBinding>())
        bindings_dirty_.insert(change.row().logical_port);
    bool named = false;
    for (const auto& change : replica_.changes<sb::Chassis>())
        named |= !change.modified() || change.columns.has(sb::Chassis::kName);
    if (!named) return;
    for (const auto& [port, gateway] : gateways_) bindings_dirty_.insert(port);
}

void Southbound::write_binding(Transaction& txn, const std::string& port) {
    auto wanted = gateways_.find(port);
    if (wanted == gateways_.end()) return;
    const sb::PortBinding* row =
        replica_.table<sb::PortBinding>().find_by(sb::PortBinding::kLogicalPort, port);
    if (!row || row->type != "remote") return;
    std::optional<Uuid> chassis = chassis_.row_of(wanted->second);
    if (!chassis) {
        const auto* local = replica_.table<sb::Chassis>().find_by(sb::Chassis::kName, wanted->second);
        if (local) chassis = local->uuid;
    }
    if (chassis && !txn.row<sb::Chassis>(*chassis)) chassis.reset();
    txn.set(row->uuid, sb::PortBinding::kChassis, chassis);
}

void Southbound::write(Transaction& txn) {
    chassis_.begin();
    chassis_.write(txn, [&](Transaction& t, const Uuid& uuid, const RemoteChassisRow& row, bool is_new) {
        if (is_new) {
            t.set(uuid, sb::Chassis::kName, row.name);
            t.set_key(uuid, sb::Chassis::kOtherConfig, "is-remote", "true");
        }
        t.set(uuid, sb::Chassis::kHostname, row.hostname);
        std::vector<EncapRow> present;
        for (const Uuid& each : Set<Uuid>(t.row<sb::Chassis>(uuid)->encaps)) {
            if (const auto* encap = t.row<sb::Encap>(each))
                present.push_back({encap->type, encap->ip, encap->options});
        }
        std::sort(present.begin(), present.end());
        if (present == row.encaps) return true;
        Set<Uuid> encaps;
        for (const EncapRow& each : row.encaps) {
            Uuid encap = t.insert<sb::Encap>();
            t.set(encap, sb::Encap::kType, each.type);
            t.set(encap, sb::Encap::kIp, each.ip);
            t.set(encap, sb::Encap::kOptions, each.options);
            t.set(encap, sb::Encap::kChassisName, row.name);
            encaps.insert(encap);
        }
        t.set(uuid, sb::Chassis::kEncaps, encaps);
        return true;
    });
    for (const std::string& port : bindings_dirty_) write_binding(txn, port);
    bindings_dirty_.clear();
}

void Southbound::done(const CommitOutcome& outcome) {
    if (outcome.ok()) return;
    chassis_.mark_all();
    for (const auto& [port, gateway] : gateways_) bindings_dirty_.insert(port);
}

}  // namespace weft::ic
