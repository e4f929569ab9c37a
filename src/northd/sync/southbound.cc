#include "northd/sync/southbound.h"

namespace weft::northd {

using ovsdb::Set;
using ovsdb::client::CommitOutcome;

// external_ids of ECMP_Nexthop: the Ethernet address is the northbound's, controllers leave it alone.
constexpr const char* kMacIsKnown = "mac-is-known";

void Southbound::mark_all() {
    datapaths_.mark_all();
    ports_.mark_all();
    multicast_.mark_all();
    ip_multicast_.mark_all();
    mirrors_.mark_all();
    bfd_.mark_all();
    monitors_.mark_all();
    template_vars_.mark_all();
    address_sets_.mark_all();
    port_groups_.mark_all();
    load_balancers_.mark_all();
    ha_groups_.mark_all();
    dns_.mark_all();
    meters_.mark_all();
    mac_bindings_.mark_all();
    advertised_.mark_all();
    ecmp_nexthops_.mark_all();
    advertised_macs_.mark_all();
    flows_.mark_all();
    constants_checked_ = false;
}

void Southbound::done(const CommitOutcome& outcome) {
    if (outcome.ok()) {
        groups_.committed(outcome);
        return;
    }
    groups_.roll_back();
    reload_port_keys();
    mark_all();
}

void Southbound::set_max_port_key(int64_t key) {
    if (key == max_port_key_) return;
    max_port_key_ = key;
    for (const std::string& name : port_key_waits_) ports_.mark(name);
}

// Without those that a failed transaction would have used.
void Southbound::reload_port_keys() {
    for (auto& [datapath, keys] : port_keys_) keys.clear();
    for (const auto& [port, key] : key_of_port_) port_keys_[key.first].insert(key.second);
}

// MAC_Binding and FDB belong to controllers, but rows of datapaths and ports that are gone are nobody's.
void Southbound::delete_stale(Transaction& txn) {
    for (const auto& row : replica_.table<sb::MACBinding>()) {
        auto datapath = datapath_of_binding_.find(row.datapath);
        bool kept = datapath != datapath_of_binding_.end() && datapaths_.wanted(datapath->second) &&
                    ports_.wanted(row.logical_port);
        if (!kept) txn.erase<sb::MACBinding>(row.uuid);
    }
    // So do learnt routes.
    for (const auto& row : replica_.table<sb::LearnedRoute>()) {
        const auto* port = replica_.find<sb::PortBinding>(row.logical_port);
        auto datapath = datapath_of_binding_.find(row.datapath);
        bool kept = port && ports_.wanted(port->logical_port) && datapath != datapath_of_binding_.end() &&
                    datapaths_.wanted(datapath->second);
        if (!kept) txn.erase<sb::LearnedRoute>(row.uuid);
    }
    if (!datapaths_changed_) return;
    datapaths_changed_ = false;
    HashSet<int64_t> keys;
    for (const auto& row : replica_.table<sb::DatapathBinding>()) keys.insert(row.tunnel_key);
    for (const auto& row : replica_.table<sb::IGMPGroup>()) {
        auto datapath = row.datapath ? datapath_of_binding_.find(*row.datapath) : datapath_of_binding_.end();
        if (datapath == datapath_of_binding_.end() || !datapaths_.wanted(datapath->second)) {
            txn.erase<sb::IGMPGroup>(row.uuid);
        }
    }
    for (const auto& row : replica_.table<sb::FDB>()) {
        if (!keys.contains(row.dp_key)) txn.erase<sb::FDB>(row.uuid);
    }
}

bool Southbound::write_advertised(Transaction& txn, const Uuid& uuid, const AdvertisedRow& row) {
    auto datapath = datapaths_.row_of(row.router);
    auto port = ports_.row_of(row.port);
    auto tracked = row.tracked.empty() ? std::nullopt : ports_.row_of(row.tracked);
    if (!datapath || !port) return false;
    txn.set(uuid, sb::AdvertisedRoute::kDatapath, *datapath);
    txn.set(uuid, sb::AdvertisedRoute::kLogicalPort, *port);
    txn.set(uuid, sb::AdvertisedRoute::kIpPrefix, row.prefix);
    txn.set(uuid, sb::AdvertisedRoute::kTrackedPort, tracked);
    return true;
}

// The Ethernet address of a next hop that is no logical port is the controller's to find out.
bool Southbound::write_ecmp_nexthop(Transaction& txn, const Uuid& uuid, const EcmpNexthopRow& row) {
    using Nexthop = sb::ECMPNexthop;
    auto datapath = datapaths_.row_of(row.router);
    auto port = ports_.row_of(row.port);
    if (!datapath || !port) return false;
    txn.set(uuid, Nexthop::kNexthop, row.nexthop);
    txn.set(uuid, Nexthop::kPort, *port);
    txn.set(uuid, Nexthop::kDatapath, *datapath);
    if (!row.mac.empty()) txn.set(uuid, Nexthop::kMac, row.mac);
    ovsdb::StringMap ids;
    if (!row.mac.empty()) ids.set(kMacIsKnown, "true");
    txn.set(uuid, Nexthop::kExternalIds, ids);
    return true;
}

bool Southbound::write_flows(Transaction& txn) {
    bool whole =
        flows_.write(txn, replica_, [&](const Uuid& datapath) { return datapaths_.row_of(datapath); });
    only_flows_ &= !groups_.has_provisional();
    return whole;
}

void Southbound::write_more(Transaction& txn) {
    while (can_write_more() && txn.empty()) write_flows(txn);
}

bool Southbound::write(Transaction& txn) {
    datapaths_.begin();
    ports_.begin();
    ha_groups_.begin();
    groups_.begin();
    bool fewer = datapaths_.has_marked() || ports_.has_marked();
    datapaths_.write(txn, [&](Transaction& t, const Uuid& uuid, const DatapathRow& row, bool) {
        return write_datapath(t, uuid, row);
    });
    ha_groups_.write(txn, [&](Transaction& t, const Uuid& uuid, const HaGroupRow& row, bool is_new) {
        return write_ha_group(t, uuid, row, is_new);
    });
    mirrors_.begin();
    mirrors_.write(txn, [](Transaction& t, const Uuid& uuid, const MirrorRow& row, bool) {
        t.set(uuid, sb::Mirror::kName, row.name);
        t.set(uuid, sb::Mirror::kFilter, row.filter);
        t.set(uuid, sb::Mirror::kSink, row.sink);
        t.set(uuid, sb::Mirror::kType, row.type);
        t.set(uuid, sb::Mirror::kIndex, row.index);
        return true;
    });
    ports_.write(txn, [&](Transaction& t, const Uuid& uuid, const PortRow& row, bool is_new) {
        return write_port(t, uuid, row, is_new);
    });
    multicast_.write(txn, [&](Transaction& t, const Uuid& uuid, const MulticastRow& row, bool is_new) {
        return write_multicast(t, uuid, row, is_new);
    });
    ip_multicast_.write(txn, [&](Transaction& t, const Uuid& uuid, const IpMulticastRow& row, bool) {
        return write_ip_multicast(t, uuid, row);
    });
    bfd_ports_.clear();
    bfd_.write(txn, [&](Transaction& t, const Uuid& uuid, const BfdRow& row, bool is_new) {
        return write_bfd(t, uuid, row, is_new);
    });
    monitors_.write(txn, [&](Transaction& t, const Uuid& uuid, const ServiceMonitorRow& row, bool) {
        return write_monitor(t, uuid, row);
    });
    template_vars_.write(txn, [](Transaction& t, const Uuid& uuid, const TemplateVarRow& row, bool) {
        t.set(uuid, sb::ChassisTemplateVar::kChassis, row.chassis);
        t.set(uuid, sb::ChassisTemplateVar::kVariables, row.variables);
        return true;
    });
    address_sets_.write(txn, [](Transaction& t, const Uuid& uuid, const AddressSetRow& row, bool) {
        t.set(uuid, sb::AddressSet::kName, row.name);
        t.set(uuid, sb::AddressSet::kAddresses, Set<std::string>(row.addresses));
        return true;
    });
    port_groups_.write(txn, [](Transaction& t, const Uuid& uuid, const PortGroupRow& row, bool) {
        t.set(uuid, sb::PortGroup::kName, row.name);
        t.set(uuid, sb::PortGroup::kPorts, Set<std::string>(row.ports));
        return true;
    });
    meters_.write(txn, [&](Transaction& t, const Uuid& uuid, const MeterRow& row, bool is_new) {
        return write_meter(t, uuid, row, is_new);
    });
    dns_.write(txn, [&](Transaction& t, const Uuid& uuid, const DnsRow& row, bool) {
        return write_dns(t, uuid, row);
    });
    mac_bindings_.write(txn, [&](Transaction& t, const Uuid& uuid, const MacBindingRow& row, bool) {
        auto datapath = datapaths_.row_of(row.datapath);
        if (!datapath) return false;
        t.set(uuid, sb::StaticMACBinding::kLogicalPort, row.port);
        t.set(uuid, sb::StaticMACBinding::kIp, row.ip);
        t.set(uuid, sb::StaticMACBinding::kMac, row.mac);
        t.set(uuid, sb::StaticMACBinding::kOverrideDynamicMac, row.override_dynamic);
        t.set(uuid, sb::StaticMACBinding::kDatapath, *datapath);
        return true;
    });
    if (replica_.server_has(sb::AdvertisedRoute::table_info())) {
        advertised_.write(txn, [&](Transaction& t, const Uuid& uuid, const AdvertisedRow& row, bool) {
            return write_advertised(t, uuid, row);
        });
    }
    if (replica_.server_has(sb::AdvertisedMACBinding::table_info())) {
        advertised_macs_.write(txn, [&](Transaction& t, const Uuid& uuid, const AdvertisedMacRow& row, bool) {
            auto datapath = datapaths_.row_of(row.switch_uuid);
            auto port = ports_.row_of(row.port);
            if (!datapath || !port) return false;
            t.set(uuid, sb::AdvertisedMACBinding::kDatapath, *datapath);
            t.set(uuid, sb::AdvertisedMACBinding::kLogicalPort, *port);
            t.set(uuid, sb::AdvertisedMACBinding::kIp, row.ip);
            t.set(uuid, sb::AdvertisedMACBinding::kMac, row.mac);
            return true;
        });
    }
    if (replica_.server_has(sb::ECMPNexthop::kMac)) {
        ecmp_nexthops_.write(txn, [&](Transaction& t, const Uuid& uuid, const EcmpNexthopRow& row, bool) {
            return write_ecmp_nexthop(t, uuid, row);
        });
    }
    only_flows_ = txn.empty();
    bool whole = write_flows(txn);
    for (const Uuid& uuid : balancers_touched_) {
        if (!load_balancers_.wanted(uuid)) use_groups(uuid, {});
    }
    balancers_touched_.clear();
    load_balancers_.write(txn, [&](Transaction& t, const Uuid& uuid, const LoadBalancerRow& row, bool) {
        return write_load_balancer(t, uuid, row);
    });
    if (fewer) delete_stale(txn);
    if (!constants_checked_) write_constants(txn);
    return whole;
}

}  // namespace weft::northd
