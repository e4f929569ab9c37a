// The rows that there are: whose each is, and which keys are in use.

#include "northd/sync/southbound.h"

#include <algorithm>

namespace weft::northd {

namespace {

// The switch or router that a Datapath_Binding was made for.
std::optional<Uuid> owner_of(const sb::DatapathBinding& row) {
    std::string_view text = ovsdb::get_string(row.external_ids, "logical-switch");
    if (text.empty()) text = ovsdb::get_string(row.external_ids, "logical-router");
    return Uuid::parse(text);
}

std::optional<Uuid> external_uuid(const ovsdb::StringMap& ids, std::string_view key) {
    return Uuid::parse(ovsdb::get_string(ids, key));
}

}  // namespace

void Southbound::have_datapaths() {
    for (const auto& change : replica_.changes<sb::DatapathBinding>()) {
        datapaths_changed_ = true;
        if (change.before) datapath_of_binding_.erase(change.before->uuid);
        if (!change.after) {
            port_keys_.erase(change.before->uuid);
            port_key_hint_.erase(change.before->uuid);
            multicast_keys_.erase(change.before->uuid);
            continue;
        }
        // A datapath that nobody can own gets a key nobody asks for, so that it is deleted.
        datapath_of_binding_[change.after->uuid] = owner_of(*change.after).value_or(change.after->uuid);
    }
    datapaths_.have(replica_, [](const sb::DatapathBinding& r) {
        return std::optional<Uuid>(owner_of(r).value_or(r.uuid));
    });
}

void Southbound::have_ports() {
    bool freed = false;
    for (const auto& change : replica_.changes<sb::PortBinding>()) {
        const Uuid& uuid = change.row().uuid;
        if (auto it = key_of_port_.find(uuid); it != key_of_port_.end()) {
            port_keys_[it->second.first].erase(it->second.second);
            freed |=
                !change.after || it->second != std::pair(change.after->datapath, change.after->tunnel_key);
            key_of_port_.erase(it);
        }
        if (!change.after) continue;
        const Uuid& datapath = change.after->datapath;
        int64_t key = change.after->tunnel_key;
        port_keys_[datapath].insert(key);
        key_of_port_[uuid] = {datapath, key};
        int64_t& hint = port_key_hint_[datapath];
        hint = std::max(hint, key);
    }
    if (freed) {
        for (const std::string& name : port_key_waits_) ports_.mark(name);
    }
    ports_.have(replica_, [](const sb::PortBinding& r) { return std::optional(r.logical_port); });
}

void Southbound::have_multicast() {
    for (const auto& change : replica_.changes<sb::MulticastGroup>()) {
        const Uuid& uuid = change.row().uuid;
        if (auto it = key_of_group_.find(uuid); it != key_of_group_.end()) {
            multicast_keys_[it->second.first].erase(it->second.second);
            key_of_group_.erase(it);
        }
        if (!change.after) continue;
        multicast_keys_[change.after->datapath].insert(change.after->tunnel_key);
        key_of_group_[uuid] = {change.after->datapath, change.after->tunnel_key};
    }
    auto owner = [&](const Uuid& binding) {
        auto it = datapath_of_binding_.find(binding);
        return it == datapath_of_binding_.end() ? binding : it->second;
    };
    multicast_.have(replica_, [&](const sb::MulticastGroup& r) {
        return std::optional(MulticastKey{owner(r.datapath), r.name});
    });
    ip_multicast_.have(replica_, [&](const sb::IPMulticast& r) { return std::optional(owner(r.datapath)); });
}

void Southbound::have_chassis() {
    bool changed = false;
    for (const auto& change : replica_.changes<sb::Chassis>()) {
        if (change.modified() && !change.columns.has(sb::Chassis::kName) &&
            !change.columns.has(sb::Chassis::kHostname)) {
            continue;
        }
        changed = true;
        auto edit = [&](const sb::Chassis& row, bool add) {
            for (const std::string& name : {row.name, row.hostname}) {
                std::vector<Uuid>& list = chassis_named_[name];
                if (add) {
                    list.push_back(row.uuid);
                } else if (auto it = std::find(list.begin(), list.end(), row.uuid); it != list.end()) {
                    list.erase(it);
                }
                if (list.empty()) chassis_named_.erase(name);
            }
        };
        if (change.before) edit(*change.before, false);
        if (change.after) edit(*change.after, true);
    }
    if (!changed) return;
    ports_.for_each_wanted([&](const std::string& name, const PortRow& port) {
        if (!port.requested_chassis.empty()) ports_.mark(name);
    });
    ha_groups_.mark_all();
}

std::string Southbound::port_name(const Uuid& binding) const {
    const auto* port = replica_.find<sb::PortBinding>(binding);
    return port ? port->logical_port : binding.to_string();
}

void Southbound::have_advertised() {
    advertised_.have(replica_, [&](const sb::AdvertisedRoute& r) {
        auto it = datapath_of_binding_.find(r.datapath);
        return std::optional(AdvertisedRow{it == datapath_of_binding_.end() ? r.datapath : it->second,
                                           port_name(r.logical_port), r.ip_prefix,
                                           r.tracked_port ? port_name(*r.tracked_port) : ""});
    });
    advertised_macs_.have(replica_, [&](const sb::AdvertisedMACBinding& r) {
        auto it = datapath_of_binding_.find(r.datapath);
        return std::optional(AdvertisedMacRow{it == datapath_of_binding_.end() ? r.datapath : it->second,
                                              port_name(r.logical_port), r.ip, r.mac});
    });
}

void Southbound::have_ecmp_nexthops() {
    ecmp_nexthops_.have(replica_, [&](const sb::ECMPNexthop& r) {
        return std::optional(BindingKey{port_name(r.port), r.nexthop});
    });
}

void Southbound::have() {
    have_datapaths();
    have_ports();
    have_chassis();
    have_multicast();
    bfd_.have(replica_, [](const sb::BFD& r) { return std::optional(BfdKey{r.logical_port, r.dst_ip}); });
    monitors_.have(replica_, [](const sb::ServiceMonitor& r) {
        return std::optional(MonitorKey{r.ip, r.logical_port, r.protocol.value_or(""), r.port});
    });
    template_vars_.have(replica_, [](const sb::ChassisTemplateVar& r) { return std::optional(r.chassis); });
    mirrors_.have(replica_, [](const sb::Mirror& r) { return std::optional(r.name); });
    address_sets_.have(replica_, [](const sb::AddressSet& r) { return std::optional(r.name); });
    port_groups_.have(replica_, [](const sb::PortGroup& r) { return std::optional(r.name); });
    load_balancers_.have(replica_, [](const sb::LoadBalancer& r) {
        return std::optional(external_uuid(r.external_ids, "lb_id").value_or(r.uuid));
    });
    ha_groups_.have(replica_, [](const sb::HAChassisGroup& r) { return std::optional(r.name); });
    for (const auto& change : replica_.changes<sb::HAChassis>()) {
        if (change.inserted()) continue;
        ha_groups_.mark_all();
        break;
    }
    dns_.have(replica_, [](const sb::DNS& r) {
        return std::optional(external_uuid(r.external_ids, "dns_id").value_or(r.uuid));
    });
    meters_.have(replica_, [](const sb::Meter& r) { return std::optional(r.name); });
    mac_bindings_.have(replica_, [](const sb::StaticMACBinding& r) {
        return std::optional(BindingKey{r.logical_port, r.ip});
    });
    have_advertised();
    have_ecmp_nexthops();
    groups_.have(replica_, datapath_of_binding_);
    flows_.have(replica_);
    if (groups_.take_drift()) flows_.mark_all();
}

}  // namespace weft::northd
