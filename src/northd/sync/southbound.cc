#include "northd/sync/southbound.h"

#include <algorithm>

namespace weft::northd {

using ovsdb::Set;
using ovsdb::client::CommitOutcome;
using ovsdb::client::CommitStatus;
using ovsdb::client::Replica;

void choose_southbound_columns(Replica& replica) {
    replica.monitor<sb::SBGlobal>(sb::SBGlobal::kNbCfg, sb::SBGlobal::kOptions, sb::SBGlobal::kIpsec,
                                  sb::SBGlobal::kExternalIds);
    replica.monitor<sb::Chassis>(sb::Chassis::kName, sb::Chassis::kHostname, sb::Chassis::kOtherConfig);
    replica.monitor<sb::ChassisPrivate>(sb::ChassisPrivate::kName, sb::ChassisPrivate::kChassis,
                                        sb::ChassisPrivate::kNbCfg, sb::ChassisPrivate::kNbCfgTimestamp);
    replica.monitor<sb::AddressSet>(sb::AddressSet::kName, sb::AddressSet::kAddresses);
    replica.monitor<sb::PortGroup>(sb::PortGroup::kName, sb::PortGroup::kPorts);
    using Flow = sb::LogicalFlow;
    replica.monitor<Flow>(Flow::kLogicalDatapath, Flow::kLogicalDpGroup, Flow::kPipeline, Flow::kTableId,
                          Flow::kPriority, Flow::kMatch, Flow::kActions, Flow::kTags, Flow::kControllerMeter,
                          Flow::kExternalIds);
    replica.monitor<sb::LogicalDPGroup>();
    replica.monitor<sb::MulticastGroup>();
    replica.monitor<sb::DatapathBinding>(sb::DatapathBinding::kTunnelKey, sb::DatapathBinding::kExternalIds);
    using Port = sb::PortBinding;
    replica.monitor<Port>(Port::kLogicalPort, Port::kType, Port::kOptions, Port::kDatapath, Port::kTunnelKey,
                          Port::kParentPort, Port::kTag, Port::kChassis, Port::kUp, Port::kMac,
                          Port::kPortSecurity, Port::kNatAddresses, Port::kExternalIds,
                          Port::kRequestedChassis, Port::kHaChassisGroup, Port::kVirtualParent);
    replica.monitor<sb::MACBinding>(sb::MACBinding::kLogicalPort, sb::MACBinding::kDatapath);
    replica.monitor<sb::FDB>(sb::FDB::kDpKey);
    replica.monitor<sb::HAChassisGroup>(sb::HAChassisGroup::kName, sb::HAChassisGroup::kHaChassis,
                                        sb::HAChassisGroup::kExternalIds);
    replica.monitor<sb::HAChassis>();
    replica.monitor<sb::DNS>();
    replica.monitor<sb::Meter>();
    replica.monitor<sb::MeterBand>();
    using Balancer = sb::LoadBalancer;
    replica.monitor<Balancer>(Balancer::kName, Balancer::kVips, Balancer::kProtocol, Balancer::kOptions,
                              Balancer::kDatapathGroup, Balancer::kExternalIds);
    replica.monitor<sb::StaticMACBinding>();
    replica.monitor<sb::DHCPOptions>();
    replica.monitor<sb::DHCPv6Options>();
    replica.monitor<sb::RBACRole>();
    replica.monitor<sb::RBACPermission>();
}

// --- what is wanted and what is there

void Southbound::want(Program& p) {
    datapaths_.want(p.datapath_rows, [](const DatapathRow& r) { return r.datapath; });
    ports_.want(p.port_rows, [](const PortRow& r) { return r.name; });
    multicast_.want(p.multicast_rows, [](const MulticastRow& r) { return MulticastKey{r.datapath, r.name}; });
    address_sets_.want(p.address_set_rows, [](const AddressSetRow& r) { return r.name; });
    port_groups_.want(p.port_group_rows, [](const PortGroupRow& r) { return r.name; });
    load_balancers_.want(p.load_balancer_rows, [](const LoadBalancerRow& r) { return r.load_balancer; });
    ha_groups_.want(p.ha_group_rows, [](const HaGroupRow& r) { return r.name; });
    dns_.want(p.dns_rows, [](const DnsRow& r) { return r.dns; });
    meters_.want(p.meter_rows, [](const MeterRow& r) { return r.name; });
    mac_bindings_.want(p.mac_binding_rows, [](const MacBindingRow& r) { return BindingKey{r.port, r.ip}; });
    flows_.want(p.flows);
}

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
    for (const auto& change : replica_.changes<sb::PortBinding>()) {
        const Uuid& uuid = change.row().uuid;
        if (auto it = key_of_port_.find(uuid); it != key_of_port_.end()) {
            port_keys_[it->second.first].erase(it->second.second);
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
    ports_.have(replica_, [](const sb::PortBinding& r) { return std::optional(r.logical_port); });
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
    for (const auto& [name, list] : ports_.all_wanted()) {
        if (!list.front().requested_chassis.empty()) ports_.mark(name);
    }
    for (const auto& [name, list] : ha_groups_.all_wanted()) ha_groups_.mark(name);
}

void Southbound::have() {
    have_datapaths();
    have_ports();
    have_chassis();
    multicast_.have(replica_, [&](const sb::MulticastGroup& r) {
        auto it = datapath_of_binding_.find(r.datapath);
        return std::optional(
            MulticastKey{it == datapath_of_binding_.end() ? r.datapath : it->second, r.name});
    });
    address_sets_.have(replica_, [](const sb::AddressSet& r) { return std::optional(r.name); });
    port_groups_.have(replica_, [](const sb::PortGroup& r) { return std::optional(r.name); });
    load_balancers_.have(replica_, [](const sb::LoadBalancer& r) {
        return std::optional(external_uuid(r.external_ids, "lb_id").value_or(r.uuid));
    });
    ha_groups_.have(replica_, [](const sb::HAChassisGroup& r) { return std::optional(r.name); });
    for (const auto& change : replica_.changes<sb::HAChassis>()) {
        if (change.inserted()) continue;
        for (const auto& [name, list] : ha_groups_.all_wanted()) ha_groups_.mark(name);
        break;
    }
    dns_.have(replica_, [](const sb::DNS& r) {
        return std::optional(external_uuid(r.external_ids, "dns_id").value_or(r.uuid));
    });
    meters_.have(replica_, [](const sb::Meter& r) { return std::optional(r.name); });
    mac_bindings_.have(replica_, [](const sb::StaticMACBinding& r) {
        return std::optional(BindingKey{r.logical_port, r.ip});
    });
    groups_.have(replica_, datapath_of_binding_);
    flows_.have(replica_);
    if (groups_.take_drift()) flows_.mark_all();
}

void Southbound::mark_all() {
    datapaths_.mark_all();
    ports_.mark_all();
    multicast_.mark_all();
    address_sets_.mark_all();
    port_groups_.mark_all();
    load_balancers_.mark_all();
    ha_groups_.mark_all();
    dns_.mark_all();
    meters_.mark_all();
    mac_bindings_.mark_all();
    flows_.mark_all();
    constants_checked_ = false;
}

void Southbound::done(const CommitOutcome& outcome) {
    if (outcome.ok()) {
        groups_.committed(outcome);
        return;
    }
    groups_.roll_back();
    groups_used_.clear();
    mark_all();
}

// --- writing

std::optional<Uuid> Southbound::chassis(const std::string& name) const {
    auto it = chassis_named_.find(name);
    return it == chassis_named_.end() ? std::nullopt : std::optional(it->second.front());
}

bool Southbound::write_datapath(Transaction& txn, const Uuid& uuid, const DatapathRow& row, Program& p) {
    const int64_t* key = p.in.tunnel_keys.find(row.datapath);
    if (!key) return false;
    txn.set(uuid, sb::DatapathBinding::kTunnelKey, *key);
    txn.set(uuid, sb::DatapathBinding::kExternalIds, row.external_ids);
    return true;
}

// Keys are given out in turn, so that one that became free is not reused at once.
int64_t Southbound::choose_port_key(const PortRow& row) {
    constexpr int64_t kMaxKey = 32767;
    Uuid datapath = *datapaths_.row_of(row.datapath);
    HashSet<int64_t>& used = port_keys_[datapath];
    if (row.requested_key > 0 && row.requested_key <= kMaxKey && used.insert(row.requested_key).second) {
        return row.requested_key;
    }
    int64_t& hint = port_key_hint_[datapath];
    for (int64_t tries = 0; tries < kMaxKey; ++tries) {
        hint = hint % kMaxKey + 1;
        if (used.insert(hint).second) return hint;
    }
    return 0;
}

bool Southbound::write_port(Transaction& txn, const Uuid& uuid, const PortRow& row, bool is_new) {
    using Port = sb::PortBinding;
    std::optional<Uuid> datapath = datapaths_.row_of(row.datapath);
    if (!datapath) return false;
    const Port* current = txn.row<Port>(uuid);
    bool moved = is_new || current->datapath != *datapath;
    bool rekeyed = row.requested_key > 0 && !moved && current->tunnel_key != row.requested_key;
    if (moved || rekeyed) {
        int64_t key = choose_port_key(row);
        if (!key) return false;
        if (moved) txn.set(uuid, Port::kTunnelKey, key);
        if (rekeyed && key == row.requested_key) txn.set(uuid, Port::kTunnelKey, key);
    }
    txn.set(uuid, Port::kLogicalPort, row.name);
    txn.set(uuid, Port::kDatapath, *datapath);
    txn.set(uuid, Port::kType, row.type);
    txn.set(uuid, Port::kOptions, row.options);
    txn.set(uuid, Port::kMac, Set<std::string>(row.mac));
    txn.set(uuid, Port::kPortSecurity, Set<std::string>(row.port_security));
    txn.set(uuid, Port::kNatAddresses, Set<std::string>(row.nat_addresses));
    txn.set(uuid, Port::kExternalIds, row.external_ids);
    txn.set(uuid, Port::kParentPort, row.parent);
    txn.set(uuid, Port::kTag, row.tag);
    std::optional<Uuid> requested;
    if (!row.requested_chassis.empty()) requested = chassis(row.requested_chassis);
    txn.set(uuid, Port::kRequestedChassis, requested);
    std::optional<Uuid> ha_group;
    if (!row.ha_group.empty()) ha_group = ha_groups_.row_of(row.ha_group);
    txn.set(uuid, Port::kHaChassisGroup, ha_group);
    if (is_new) txn.set(uuid, Port::kUp, false);
    return true;
}

bool Southbound::write_multicast(Transaction& txn, const Uuid& uuid, const MulticastRow& row) {
    std::optional<Uuid> datapath = datapaths_.row_of(row.datapath);
    if (!datapath) return false;
    std::vector<Uuid> ports;
    for (const std::string& name : row.ports) {
        if (auto port = ports_.row_of(name)) ports.push_back(*port);
    }
    txn.set(uuid, sb::MulticastGroup::kDatapath, *datapath);
    txn.set(uuid, sb::MulticastGroup::kName, row.name);
    txn.set(uuid, sb::MulticastGroup::kTunnelKey, row.key);
    txn.set(uuid, sb::MulticastGroup::kPorts, Set<Uuid>(std::move(ports)));
    return true;
}

bool Southbound::write_ha_group(Transaction& txn, const Uuid& uuid, const HaGroupRow& row, bool is_new) {
    using Group = sb::HAChassisGroup;
    using Member = sb::HAChassis;
    txn.set(uuid, Group::kName, row.name);
    txn.set(uuid, Group::kExternalIds, row.external_ids);
    // Members are told apart by the chassis name in their external_ids: the chassis may not be there yet.
    HashMap<std::string, Uuid> present;
    if (!is_new) {
        for (const Uuid& member : txn.row<Group>(uuid)->ha_chassis) {
            if (const Member* m = txn.row<Member>(member)) {
                present[std::string(ovsdb::get_string(m->external_ids, "chassis-name"))] = member;
            }
        }
    }
    std::vector<Uuid> members;
    for (const HaChassisMember& wanted : row.members) {
        auto it = present.find(wanted.chassis);
        Uuid member = it != present.end() ? it->second : txn.insert<Member>();
        txn.set(member, Member::kChassis, chassis(wanted.chassis));
        txn.set(member, Member::kPriority, wanted.priority);
        txn.set(member, Member::kExternalIds, {{"chassis-name", wanted.chassis}});
        members.push_back(member);
    }
    txn.set(uuid, Group::kHaChassis, Set<Uuid>(std::move(members)));
    return true;
}

bool Southbound::write_load_balancer(Transaction& txn, const Uuid& uuid, const LoadBalancerRow& row) {
    using Balancer = sb::LoadBalancer;
    SetId id;
    for (const Uuid& datapath : row.datapaths) id.add(datapath);
    if (auto it = groups_used_.find(row.load_balancer); it == groups_used_.end() || it->second != id) {
        groups_.use(id);
        if (it != groups_used_.end()) groups_.unuse(it->second);
        groups_used_[row.load_balancer] = id;
    }
    auto group = groups_.row(txn, id, row.datapaths, [&](const Uuid& d) { return datapaths_.row_of(d); });
    if (!group) return false;
    txn.set(uuid, Balancer::kName, row.name);
    txn.set(uuid, Balancer::kVips, row.vips);
    txn.set(uuid, Balancer::kProtocol, row.protocol);
    txn.set(uuid, Balancer::kOptions, row.options);
    txn.set(uuid, Balancer::kDatapathGroup, group);
    txn.set(uuid, Balancer::kExternalIds, {{"lb_id", row.load_balancer.to_string()}});
    return true;
}

bool Southbound::write_dns(Transaction& txn, const Uuid& uuid, const DnsRow& row) {
    std::vector<Uuid> datapaths;
    for (const Uuid& datapath : row.datapaths) {
        auto binding = datapaths_.row_of(datapath);
        if (!binding) return false;
        datapaths.push_back(*binding);
    }
    txn.set(uuid, sb::DNS::kRecords, row.records);
    txn.set(uuid, sb::DNS::kDatapaths, Set<Uuid>(std::move(datapaths)));
    if (replica_.server_has(sb::DNS::kOptions)) txn.set(uuid, sb::DNS::kOptions, row.options);
    txn.set(uuid, sb::DNS::kExternalIds, {{"dns_id", row.dns.to_string()}});
    return true;
}

bool Southbound::write_meter(Transaction& txn, const Uuid& uuid, const MeterRow& row, bool is_new) {
    txn.set(uuid, sb::Meter::kName, row.name);
    txn.set(uuid, sb::Meter::kUnit, row.unit);
    std::vector<MeterRow::Band> present;
    if (!is_new) {
        for (const Uuid& each : txn.row<sb::Meter>(uuid)->bands) {
            if (const auto* band = txn.row<sb::MeterBand>(each)) {
                present.push_back({band->action, band->rate, band->burst_size});
            }
        }
        std::sort(present.begin(), present.end());
        if (present == row.bands) return true;
    }
    std::vector<Uuid> bands;
    for (const MeterRow::Band& band : row.bands) {
        Uuid each = txn.insert<sb::MeterBand>();
        txn.set(each, sb::MeterBand::kAction, band.action);
        txn.set(each, sb::MeterBand::kRate, band.rate);
        txn.set(each, sb::MeterBand::kBurstSize, band.burst);
        bands.push_back(each);
    }
    txn.set(uuid, sb::Meter::kBands, Set<Uuid>(std::move(bands)));
    return true;
}

// MAC_Binding and FDB belong to controllers, but rows of datapaths and ports that are gone are nobody's.
void Southbound::delete_stale(Transaction& txn) {
    for (const auto& row : replica_.table<sb::MACBinding>()) {
        auto datapath = datapath_of_binding_.find(row.datapath);
        bool kept = datapath != datapath_of_binding_.end() && datapaths_.wanted(datapath->second) &&
                    ports_.wanted(row.logical_port);
        if (!kept) txn.erase<sb::MACBinding>(row.uuid);
    }
    if (!datapaths_changed_) return;
    datapaths_changed_ = false;
    HashSet<int64_t> keys;
    for (const auto& row : replica_.table<sb::DatapathBinding>()) keys.insert(row.tunnel_key);
    for (const auto& row : replica_.table<sb::FDB>()) {
        if (!keys.contains(row.dp_key)) txn.erase<sb::FDB>(row.uuid);
    }
}

void Southbound::write(Transaction& txn, Program& p) {
    datapaths_.begin();
    ports_.begin();
    ha_groups_.begin();
    groups_.begin();
    bool fewer = datapaths_.has_dirty() || ports_.has_dirty();
    datapaths_.write(txn, [&](Transaction& t, const Uuid& uuid, const DatapathRow& row, bool) {
        return write_datapath(t, uuid, row, p);
    });
    ha_groups_.write(txn, [&](Transaction& t, const Uuid& uuid, const HaGroupRow& row, bool is_new) {
        return write_ha_group(t, uuid, row, is_new);
    });
    ports_.write(txn, [&](Transaction& t, const Uuid& uuid, const PortRow& row, bool is_new) {
        return write_port(t, uuid, row, is_new);
    });
    multicast_.write(txn, [&](Transaction& t, const Uuid& uuid, const MulticastRow& row, bool) {
        return write_multicast(t, uuid, row);
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
    auto resolve = [&](const Uuid& datapath) { return datapaths_.row_of(datapath); };
    flows_.write(txn, replica_, resolve);
    load_balancers_.write(txn, [&](Transaction& t, const Uuid& uuid, const LoadBalancerRow& row, bool) {
        return write_load_balancer(t, uuid, row);
    });
    if (fewer) delete_stale(txn);
    if (!constants_checked_) write_constants(txn);
}

// --- what never changes

void Southbound::write_constants(Transaction& txn) {
    constants_checked_ = true;
    struct Option {
        const char* name;
        int64_t code;
        const char* type;
    };
    struct Permission {
        const char *table, *authorization;
        bool insert_delete;
        const char* columns;
    };
#define DHCP4(name, code, type)
#define DHCP6(name, code, type)
#define RBAC(table, authorization, insert_delete, columns)
#undef DHCP4
#define DHCP4(name, code, type) {name, code, type},
    static constexpr Option kDhcp4[] = {
#include "northd/sync/constants.def"
    };
#undef DHCP4
#define DHCP4(name, code, type)
#undef DHCP6
#define DHCP6(name, code, type) {name, code, type},
    static constexpr Option kDhcp6[] = {
#include "northd/sync/constants.def"
    };
#undef DHCP6
#define DHCP6(name, code, type)
#undef RBAC
#define RBAC(table, authorization, insert_delete, columns) {table, authorization, insert_delete, columns},
    static constexpr Permission kPermissions[] = {
#include "northd/sync/constants.def"
    };
#undef DHCP4
#undef DHCP6
#undef RBAC
    auto options = [&]<typename Row>(const Row*, const auto& wanted) {
        HashMap<std::string, const Option*> missing;
        for (const Option& option : wanted) missing[option.name] = &option;
        for (const auto& row : replica_.table<Row>()) {
            auto it = missing.find(row.name);
            if (it != missing.end() && it->second->code == row.code && it->second->type == row.type) {
                missing.erase(it);
            } else {
                txn.erase<Row>(row.uuid);
            }
        }
        for (const auto& [name, option] : missing) {
            Uuid uuid = txn.insert<Row>();
            txn.set(uuid, Row::kName, option->name);
            txn.set(uuid, Row::kCode, option->code);
            txn.set(uuid, Row::kType, option->type);
        }
    };
    options(static_cast<const sb::DHCPOptions*>(nullptr), kDhcp4);
    options(static_cast<const sb::DHCPv6Options*>(nullptr), kDhcp6);

    HashMap<std::string, Uuid> present;
    for (const auto& row : replica_.table<sb::RBACPermission>()) present[row.table] = row.uuid;
    ovsdb::Map<std::string, Uuid> permissions;
    for (const Permission& permission : kPermissions) {
        auto it = present.find(permission.table);
        Uuid uuid = it != present.end() ? it->second : txn.insert<sb::RBACPermission>();
        txn.set(uuid, sb::RBACPermission::kTable, permission.table);
        txn.set(uuid, sb::RBACPermission::kAuthorization, {permission.authorization});
        txn.set(uuid, sb::RBACPermission::kInsertDelete, permission.insert_delete);
        std::vector<std::string> columns;
        for (std::string_view word : split(permission.columns, " ")) columns.emplace_back(word);
        txn.set(uuid, sb::RBACPermission::kUpdate, Set<std::string>(std::move(columns)));
        permissions.set(permission.table, uuid);
    }
    Uuid role;
    for (const auto& row : replica_.table<sb::RBACRole>()) {
        if (row.name == "ovn-controller") role = row.uuid;
    }
    if (role.is_zero()) {
        role = txn.insert<sb::RBACRole>();
        txn.set(role, sb::RBACRole::kName, "ovn-controller");
    }
    txn.set(role, sb::RBACRole::kPermissions, permissions);
}

}  // namespace weft::northd
