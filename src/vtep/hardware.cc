#include "vtep/hardware.h"

#include <algorithm>

namespace weft::vtep {

using ovsdb::Set;
using ovsdb::client::CommitOutcome;

namespace {

constexpr const char* kEncapsulation = "vxlan_over_ipv4";
constexpr const char* kUnknown = "unknown-dst";

std::string unicast_key(const Uuid& logical_switch, const std::string& mac) {
    return logical_switch.to_string() + " " + mac;
}

}  // namespace

void Hardware::choose_columns() {
    using Switch = vt::PhysicalSwitch;
    using Locator = vt::PhysicalLocator;
    replica_.monitor<vt::Global>(vt::Global::kOtherConfig);
    replica_.monitor<Switch>(Switch::kName, Switch::kPorts, Switch::kTunnelIps);
    replica_.monitor<vt::PhysicalPort>(vt::PhysicalPort::kName, vt::PhysicalPort::kVlanBindings);
    replica_.monitor<vt::LogicalSwitch>(vt::LogicalSwitch::kName, vt::LogicalSwitch::kTunnelKey,
                                        vt::LogicalSwitch::kReplicationMode);
    replica_.monitor<vt::UcastMacsRemote>();
    replica_.monitor<vt::McastMacsRemote>();
    replica_.monitor<vt::PhysicalLocatorSet>();
    replica_.monitor<Locator>();
    replica_.add_index(Locator::kDstIp);
}

void Hardware::want(Program& p) {
    p.key_rows.take_changes([&](const KeyRow& row, bool added) {
        if (added) {
            keys_[row.logical_switch] = row.key;
        } else if (auto it = keys_.find(row.logical_switch); it != keys_.end() && it->second == row.key) {
            keys_.erase(it);
        }
        keys_dirty_.insert(row.logical_switch);
    });
    unicast_.want(p.unicast_rows, [](const UnicastRow& r) { return unicast_key(r.logical_switch, r.mac); });
    flood_.want(p.flood_rows, [](const FloodRow& r) { return r.logical_switch; });
}

void Hardware::have() {
    for (const auto& change : replica_.changes<vt::LogicalSwitch>()) keys_dirty_.insert(change.row().uuid);
    unicast_.have(replica_, [](const vt::UcastMacsRemote& r) {
        return std::optional(unicast_key(r.logical_switch, r.MAC));
    });
    // A multicast address of its own gets a key that nothing wants.
    flood_.have(replica_, [](const vt::McastMacsRemote& r) {
        return std::optional(r.MAC == kUnknown ? r.logical_switch : r.uuid);
    });
}

void Hardware::write_key(Transaction& txn, const Uuid& uuid) {
    using Switch = vt::LogicalSwitch;
    if (!replica_.find<Switch>(uuid)) return;
    auto it = keys_.find(uuid);
    txn.set(uuid, Switch::kTunnelKey, std::optional<int64_t>(it == keys_.end() ? 0 : it->second));
    // Hosts do not copy for the hardware.
    if (it != keys_.end()) txn.set(uuid, Switch::kReplicationMode, std::optional<std::string>("source_node"));
}

Uuid Hardware::locator(Transaction& txn, const std::string& ip) {
    using Locator = vt::PhysicalLocator;
    const auto* present = replica_.table<Locator>().find_by(Locator::kDstIp, ip);
    if (present && present->encapsulation_type == kEncapsulation && !present->tunnel_key)
        return present->uuid;
    auto [it, is_new] = new_locators_.try_emplace(ip);
    if (!is_new) return it->second;
    it->second = txn.insert<Locator>();
    txn.set(it->second, Locator::kEncapsulationType, kEncapsulation);
    txn.set(it->second, Locator::kDstIp, ip);
    return it->second;
}

void Hardware::write_flood(Transaction& txn, const Uuid& uuid, const FloodRow& row, bool is_new) {
    using Multicast = vt::McastMacsRemote;
    using LocatorSet = vt::PhysicalLocatorSet;
    std::vector<Uuid> locators;
    for (const std::string& ip : row.ips) locators.push_back(locator(txn, ip));
    Set<Uuid> wanted(std::move(locators));
    txn.set(uuid, Multicast::kMAC, kUnknown);
    txn.set(uuid, Multicast::kLogicalSwitch, row.logical_switch);
    const LocatorSet* present =
        is_new ? nullptr : replica_.find<LocatorSet>(txn.row<Multicast>(uuid)->locator_set);
    if (present && present->locators == wanted) return;
    // A set cannot be changed: there is another one in its place.
    Uuid set = txn.insert<LocatorSet>();
    txn.set(set, LocatorSet::kLocators, wanted);
    txn.set(uuid, Multicast::kLocatorSet, set);
}

void Hardware::write(Transaction& txn) {
    new_locators_.clear();
    for (const Uuid& uuid : keys_dirty_) write_key(txn, uuid);
    keys_dirty_.clear();
    unicast_.begin();
    unicast_.write(txn, [&](Transaction& t, const Uuid& uuid, const UnicastRow& row, bool) {
        using Unicast = vt::UcastMacsRemote;
        t.set(uuid, Unicast::kMAC, row.mac);
        t.set(uuid, Unicast::kLogicalSwitch, row.logical_switch);
        t.set(uuid, Unicast::kLocator, locator(t, row.ip));
        return true;
    });
    flood_.begin();
    flood_.write(txn, [&](Transaction& t, const Uuid& uuid, const FloodRow& row, bool is_new) {
        write_flood(t, uuid, row, is_new);
        return true;
    });
}

void Hardware::done(const CommitOutcome& outcome) {
    if (outcome.ok()) return;
    for (const auto& row : replica_.table<vt::LogicalSwitch>()) keys_dirty_.insert(row.uuid);
    unicast_.mark_all();
    flood_.mark_all();
}

void Hardware::clean_up(Transaction& txn) {
    for (const auto& row : replica_.table<vt::UcastMacsRemote>()) txn.erase<vt::UcastMacsRemote>(row.uuid);
    for (const auto& row : replica_.table<vt::McastMacsRemote>()) txn.erase<vt::McastMacsRemote>(row.uuid);
    for (const auto& row : replica_.table<vt::LogicalSwitch>())
        txn.set(row.uuid, vt::LogicalSwitch::kTunnelKey, std::optional<int64_t>());
}

}  // namespace weft::vtep
