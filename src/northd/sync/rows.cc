// The columns of each row that northd owns.

#include "northd/sync/southbound.h"

#include <algorithm>

#include "base/log.h"

namespace weft::northd {

using ovsdb::Set;

namespace {
log::Module lg("northd");
}

std::optional<Uuid> Southbound::chassis(const std::string& name) const {
    auto it = chassis_named_.find(name);
    return it == chassis_named_.end() ? std::nullopt : std::optional(it->second.front());
}

bool Southbound::write_datapath(Transaction& txn, const Uuid& uuid, const DatapathRow& row) {
    if (!row.key) return false;
    txn.set(uuid, sb::DatapathBinding::kTunnelKey, row.key);
    txn.set(uuid, sb::DatapathBinding::kExternalIds, row.external_ids);
    return true;
}

// What is asked for if it is free; else what the port has; else keys are given out in turn, so that one that
// became free is not reused at once.
int64_t Southbound::choose_port_key(const PortRow& row, int64_t current) {
    bool waited = port_key_waits_.erase(row.name);
    int64_t requested = row.requested_key;
    if (requested && requested == current) return current;
    Uuid datapath = *datapaths_.row_of(row.datapath);
    HashSet<int64_t>& used = port_keys_[datapath];
    if (requested > max_port_key_) {
        if (!waited) lg.warn("port {}: requested-tnl-key {} is above {}", row.name, requested, max_port_key_);
        port_key_waits_.insert(row.name);
    } else if (requested) {
        if (used.insert(requested).second) return requested;
        port_key_waits_.insert(row.name);
        if (!waited) {
            lg.warn("port {}: requested-tnl-key {} is the key of another port of its datapath", row.name,
                    requested);
        }
    }
    if (current) return current;
    int64_t& hint = port_key_hint_[datapath];
    for (int64_t tries = 0; tries < max_port_key_; ++tries) {
        hint = hint % max_port_key_ + 1;
        if (used.insert(hint).second) return hint;
    }
    return 0;
}

bool Southbound::write_port(Transaction& txn, const Uuid& uuid, const PortRow& row, bool is_new) {
    using Port = sb::PortBinding;
    std::optional<Uuid> datapath = datapaths_.row_of(row.datapath);
    if (!datapath) return false;
    const Port* present = txn.row<Port>(uuid);
    bool stays = !is_new && present->datapath == *datapath;
    int64_t key = choose_port_key(row, stays ? present->tunnel_key : 0);
    if (!key) return false;
    txn.set(uuid, Port::kTunnelKey, key);
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
    std::vector<Uuid> additional;
    for (const std::string& name : row.additional_chassis) {
        if (auto each = chassis(name); each && each != requested) additional.push_back(*each);
    }
    std::sort(additional.begin(), additional.end());
    additional.erase(std::unique(additional.begin(), additional.end()), additional.end());
    txn.set(uuid, Port::kRequestedAdditionalChassis, Set<Uuid>(std::move(additional)));
    std::optional<Uuid> ha_group;
    if (!row.ha_group.empty()) ha_group = ha_groups_.row_of(row.ha_group);
    txn.set(uuid, Port::kHaChassisGroup, ha_group);
    std::vector<Uuid> mirrors;
    for (const std::string& name : row.mirrors) {
        if (auto mirror = mirrors_.row_of(name)) mirrors.push_back(*mirror);
    }
    txn.set(uuid, Port::kMirrorRules, Set<Uuid>(std::move(mirrors)));
    if (replica_.server_has(Port::kMirrorPort)) {
        std::optional<std::string> sink;
        if (!row.mirror_port.empty()) sink = row.mirror_port;
        txn.set(uuid, Port::kMirrorPort, sink);
    }
    if (is_new) txn.set(uuid, Port::kUp, false);
    return true;
}

// The lowest that is free: groups come and go, and there are 32768.
int64_t Southbound::choose_multicast_key(const Uuid& datapath) {
    HashSet<int64_t>& used = multicast_keys_[datapath];
    for (int64_t key = kFirstLearntKey; key <= 65535; ++key) {
        if (used.insert(key).second) return key;
    }
    return 0;
}

bool Southbound::write_bfd(Transaction& txn, const Uuid& uuid, const BfdRow& row, bool is_new) {
    using Bfd = sb::BFD;
    txn.set(uuid, Bfd::kLogicalPort, row.port);
    txn.set(uuid, Bfd::kDstIp, row.dst_ip);
    txn.set(uuid, Bfd::kMinTx, row.min_tx);
    txn.set(uuid, Bfd::kMinRx, row.min_rx);
    txn.set(uuid, Bfd::kDetectMult, row.detect_mult);
    if (replica_.server_has(Bfd::kChassisName)) txn.set(uuid, Bfd::kChassisName, row.chassis);
    if (is_new) {
        // The source port is one that no other session has (RFC 5881, section 4).
        HashSet<int64_t> used;
        for (const Bfd& other : replica_.table<Bfd>()) used.insert(other.src_port);
        for (const auto& [key, port] : bfd_ports_) used.insert(port);
        int64_t port = 49152;
        while (port < 65535 && used.contains(port)) ++port;
        bfd_ports_[{row.port, row.dst_ip}] = port;
        Uuid random = Uuid::random();
        int64_t disc = 1;
        for (size_t i = 0; i < 4; ++i) disc = disc << 8 | random.bytes[i];
        txn.set(uuid, Bfd::kSrcPort, port);
        txn.set(uuid, Bfd::kDisc, disc & 0xffffffff ? disc & 0xffffffff : 1);
        txn.set(uuid, Bfd::kStatus, row.used ? "down" : "admin_down");
        return true;
    }
    const std::string& status = txn.row<Bfd>(uuid)->status;
    if (!row.used) txn.set(uuid, Bfd::kStatus, "admin_down");
    if (row.used && status == "admin_down") txn.set(uuid, Bfd::kStatus, "down");
    return true;
}

// The status is the controller's.
bool Southbound::write_monitor(Transaction& txn, const Uuid& uuid, const ServiceMonitorRow& row) {
    using Monitor = sb::ServiceMonitor;
    txn.set(uuid, Monitor::kIp, row.ip);
    txn.set(uuid, Monitor::kLogicalPort, row.port_name);
    txn.set(uuid, Monitor::kPort, row.port);
    txn.set(uuid, Monitor::kProtocol, std::optional(row.protocol));
    txn.set(uuid, Monitor::kSrcIp, row.src_ip);
    txn.set(uuid, Monitor::kSrcMac, row.src_mac);
    txn.set(uuid, Monitor::kOptions, row.options);
    if (replica_.server_has(Monitor::kType)) txn.set(uuid, Monitor::kType, std::optional(row.type));
    if (replica_.server_has(Monitor::kLogicalInputPort)) {
        txn.set(uuid, Monitor::kLogicalInputPort, row.input_port);
        txn.set(uuid, Monitor::kMac, row.mac);
    }
    return true;
}

bool Southbound::write_ip_multicast(Transaction& txn, const Uuid& uuid, const IpMulticastRow& row) {
    using Igmp = sb::IPMulticast;
    std::optional<Uuid> datapath = datapaths_.row_of(row.datapath);
    if (!datapath) return false;
    txn.set(uuid, Igmp::kDatapath, *datapath);
    txn.set(uuid, Igmp::kEnabled, row.enabled);
    txn.set(uuid, Igmp::kQuerier, row.querier);
    txn.set(uuid, Igmp::kEthSrc, row.eth_src);
    txn.set(uuid, Igmp::kIp4Src, row.ip4_src);
    txn.set(uuid, Igmp::kIp6Src, row.ip6_src);
    txn.set(uuid, Igmp::kTableSize, row.table_size);
    txn.set(uuid, Igmp::kIdleTimeout, row.idle_timeout);
    txn.set(uuid, Igmp::kQueryInterval, row.query_interval);
    txn.set(uuid, Igmp::kQueryMaxResp, row.query_max_response);
    return true;
}

bool Southbound::write_multicast(Transaction& txn, const Uuid& uuid, const MulticastRow& row, bool is_new) {
    std::optional<Uuid> datapath = datapaths_.row_of(row.datapath);
    if (!datapath) return false;
    std::vector<Uuid> ports;
    for (const std::string& name : row.ports) {
        if (auto port = ports_.row_of(name)) ports.push_back(*port);
    }
    txn.set(uuid, sb::MulticastGroup::kDatapath, *datapath);
    txn.set(uuid, sb::MulticastGroup::kName, row.name);
    int64_t key = row.key;
    if (!key && !is_new) {
        const auto* current = txn.row<sb::MulticastGroup>(uuid);
        if (current->datapath == *datapath && current->tunnel_key >= kFirstLearntKey)
            key = current->tunnel_key;
    }
    if (!key) key = choose_multicast_key(*datapath);
    if (!key) return false;
    txn.set(uuid, sb::MulticastGroup::kTunnelKey, key);
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
    std::vector<Uuid> watchers = ref_chassis_.watchers(row.name);
    std::erase_if(watchers, [&](const Uuid& each) { return !replica_.find<sb::Chassis>(each); });
    txn.set(uuid, Group::kRefChassis, Set<Uuid>(std::move(watchers)));
    return true;
}

void Southbound::use_groups(const Uuid& load_balancer, const BalancerGroups& groups) {
    auto it = groups_used_.find(load_balancer);
    BalancerGroups before = it == groups_used_.end() ? BalancerGroups() : it->second;
    if (before == groups) return;
    auto change = [&](const SetId& from, const SetId& to) {
        if (from == to) return;
        if (to != SetId()) groups_.use(to);
        if (from != SetId()) groups_.unuse(from);
    };
    change(before.switches, groups.switches);
    change(before.routers, groups.routers);
    if (groups == BalancerGroups()) {
        groups_used_.erase(load_balancer);
    } else {
        groups_used_[load_balancer] = groups;
    }
}

bool Southbound::write_load_balancer(Transaction& txn, const Uuid& uuid, const LoadBalancerRow& row) {
    using Balancer = sb::LoadBalancer;
    BalancerGroups ids;
    for (const Uuid& datapath : row.switches) ids.switches.add(datapath);
    for (const Uuid& datapath : row.routers) ids.routers.add(datapath);
    use_groups(row.load_balancer, ids);
    bool whole = true;
    auto group_of = [&](const SetId& id, const Datapaths& datapaths) -> std::optional<Uuid> {
        if (datapaths.empty()) return std::nullopt;
        auto group = groups_.row(txn, id, datapaths, [&](const Uuid& d) { return datapaths_.row_of(d); });
        whole &= group.has_value();
        return group;
    };
    auto switches = group_of(ids.switches, row.switches), routers = group_of(ids.routers, row.routers);
    if (!whole) return false;
    txn.set(uuid, Balancer::kName, row.name);
    txn.set(uuid, Balancer::kVips, row.vips);
    txn.set(uuid, Balancer::kProtocol, row.protocol);
    txn.set(uuid, Balancer::kOptions, row.options);
    txn.set(uuid, Balancer::kDatapathGroup, switches);
    if (replica_.server_has(Balancer::kLrDatapathGroup)) txn.set(uuid, Balancer::kLrDatapathGroup, routers);
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

}  // namespace weft::northd
