#include "controller/responders/multicast_snooping.h"

#include <algorithm>

#include "packet/address.h"

namespace weft::controller {

namespace sb = schema::sb;

namespace {

int64_t seconds(const std::optional<int64_t>& value, int64_t fallback) {
    return value && *value > 0 ? std::min<int64_t>(*value, 86400) : fallback;
}

}  // namespace

void MulticastSnooping::update(const ovsdb::client::Replica& southbound, SouthboundView& view,
                               int64_t now_ms) {
    std::map<uint32_t, Switch> kept;
    for (const sb::IPMulticast& row : southbound.table<sb::IPMulticast>()) {
        const LocalDatapath* datapath = view.local_datapath(row.datapath);
        if (!datapath || !row.enabled.value_or(false)) continue;
        auto old = switches_.find(datapath->key);
        bool is_new = old == switches_.end();
        Switch each = is_new ? Switch() : std::move(old->second);
        int64_t idle_s = seconds(row.idle_timeout, 300);
        each.datapath = row.datapath;
        each.groups.set_limits(static_cast<size_t>(std::max<int64_t>(row.table_size.value_or(2048), 0)),
                               idle_s * 1000);
        if (is_new) {
            each.sequence_number = row.seq_no;
        } else if (each.sequence_number != row.seq_no) {
            each.sequence_number = row.seq_no;
            each.groups.flush();
            changed_ = true;
        }
        bool querier = row.querier.value_or(true);
        int64_t interval_ms = seconds(row.query_interval, std::max<int64_t>(idle_s / 2, 1)) * 1000;
        if (querier && (!each.querier || interval_ms != each.query_interval_ms))
            each.query_due_ms = now_ms + interval_ms;
        each.querier = querier;
        each.query_interval_ms = interval_ms;
        each.max_response_s = seconds(row.query_max_resp, 1);
        each.eth_src = packet::parse_eth(row.eth_src);
        each.ip4_src = packet::parse_ipv4(row.ip4_src);
        each.ip6_src = packet::parse_ipv6(row.ip6_src);
        kept.emplace(datapath->key, std::move(each));
    }
    if (kept.size() != switches_.size()) changed_ = true;
    switches_ = std::move(kept);
}

bool MulticastSnooping::received(uint32_t datapath_key, uint32_t port_key, const MulticastMessage& message,
                                 int64_t now_ms) {
    auto it = switches_.find(datapath_key);
    if (it == switches_.end() || !it->second.groups.note(message, port_key, now_ms)) return false;
    changed_ = true;
    return true;
}

void MulticastSnooping::run(int64_t now_ms, const Flood& flood) {
    for (auto& [key, each] : switches_) {
        changed_ |= each.groups.expire(now_ms);
        if (!each.querier || !each.eth_src || now_ms < each.query_due_ms) continue;
        each.query_due_ms = now_ms + each.query_interval_ms;
        if (each.ip4_src) flood(key, compose_igmp_query(*each.eth_src, *each.ip4_src, each.max_response_s));
        if (each.ip6_src) flood(key, compose_mld_query(*each.eth_src, *each.ip6_src, each.max_response_s));
    }
}

std::optional<int64_t> MulticastSnooping::due_ms() const {
    std::optional<int64_t> due;
    auto consider = [&](std::optional<int64_t> at) {
        if (at && (!due || *at < *due)) due = at;
    };
    for (const auto& [key, each] : switches_) {
        consider(each.groups.due_ms());
        if (each.querier && each.eth_src) consider(each.query_due_ms);
    }
    return due;
}

void MulticastSnooping::write(const ovsdb::client::Replica& southbound, SouthboundView& view,
                              const sb::Chassis& chassis, ovsdb::client::Transaction& txn) {
    if (!changed_) return;
    changed_ = false;
    using Name = std::pair<Uuid, std::string>;  // datapath and group
    std::map<Name, ovsdb::Set<Uuid>> wanted;
    for (const auto& [key, each] : switches_) {
        for (const auto& [group, ports] : each.groups.members()) {
            ovsdb::Set<Uuid> uuids;
            for (uint32_t port : ports) {
                if (const Uuid* uuid = view.port_by_keys.first({key, port})) uuids.insert(*uuid);
            }
            if (!uuids.empty()) wanted[{each.datapath, group}] = std::move(uuids);
        }
    }
    for (const sb::IGMPGroup& row : southbound.table<sb::IGMPGroup>()) {
        if (row.chassis != chassis.uuid) continue;
        auto it = row.datapath ? wanted.find({*row.datapath, row.address}) : wanted.end();
        if (it == wanted.end()) {
            txn.erase<sb::IGMPGroup>(row.uuid);
            continue;
        }
        if (!(row.ports == it->second)) txn.set(row.uuid, sb::IGMPGroup::kPorts, it->second);
        wanted.erase(it);
    }
    for (const auto& [name, ports] : wanted) {
        Uuid uuid = txn.insert<sb::IGMPGroup>();
        txn.set(uuid, sb::IGMPGroup::kAddress, name.second);
        txn.set(uuid, sb::IGMPGroup::kDatapath, name.first);
        txn.set(uuid, sb::IGMPGroup::kChassis, chassis.uuid);
        txn.set(uuid, sb::IGMPGroup::kPorts, ports);
    }
}

}  // namespace weft::controller
