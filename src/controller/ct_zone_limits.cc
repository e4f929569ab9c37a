#include "controller/ct_zone_limits.h"

#include <algorithm>
#include <optional>

#include "base/log.h"

namespace weft::controller {

namespace {

namespace sb = schema::sb;
namespace vs = schema::vswitch;
using ovsdb::client::Replica;
using ovsdb::client::Transaction;

log::Module lg("ct_zone");

constexpr const char* kLimit = "ct-zone-limit";
constexpr const char* kMark = "ovn-zone-limit";  // of rows whose limit is ours

std::optional<int64_t> limit_of(const ovsdb::StringMap& options) {
    int64_t limit = ovsdb::get_int(options, kLimit, -1);
    if (limit < 0 || limit > 0xffffffff) return std::nullopt;
    return limit;
}

// The datapath whose zones they are: "UUID_dnat" and "UUID_snat".
std::optional<Uuid> router_of_zone(std::string_view name) {
    for (std::string_view end : {"_dnat", "_snat"}) {
        if (name.ends_with(end)) return Uuid::parse(name.substr(0, name.size() - end.size()));
    }
    return std::nullopt;
}

bool is_ours(const vs::CTZone& row) {
    return ovsdb::get_bool(row.external_ids, kMark);
}

void set_limit(const vs::CTZone& row, int64_t limit, Transaction& txn) {
    if (row.limit == limit) return;
    txn.set(row.uuid, vs::CTZone::kLimit, std::optional(limit));
    txn.set_key(row.uuid, vs::CTZone::kExternalIds, kMark, "true");
}

void drop_limit(const vs::CTZone& row, const Uuid& datapath, int64_t zone, Transaction& txn) {
    if (!row.timeout_policy) return txn.remove_key(datapath, vs::Datapath::kCtZones, zone);
    txn.set(row.uuid, vs::CTZone::kLimit, std::nullopt);
    txn.remove_key(row.uuid, vs::CTZone::kExternalIds, kMark);
}

Uuid make_datapath(const vs::OpenVSwitch& root, const std::string& type, Transaction& txn) {
    Uuid uuid = txn.insert<vs::Datapath>();
    txn.set_key(root.uuid, vs::OpenVSwitch::kDatapaths, type, uuid);
    return uuid;
}

}  // namespace

std::optional<int64_t> limit_of_zone(SouthboundView& view, const std::string& name) {
    auto of_datapath = [&](const Uuid& uuid) -> std::optional<int64_t> {
        const sb::DatapathBinding* row = view.value(view.datapaths, uuid);
        return row ? limit_of(row->external_ids) : std::nullopt;
    };
    if (auto uuid = router_of_zone(name)) {
        const LocalDatapath* local = view.local_datapath(*uuid);
        return local && !local->is_switch ? of_datapath(*uuid) : std::nullopt;
    }
    const sb::PortBinding* port = view.port_named(name);
    if (!port) return std::nullopt;
    auto own = limit_of(port->options);
    return own ? own : of_datapath(port->datapath);
}

std::map<uint16_t, int64_t> wanted_zone_limits(OwnPorts& own) {
    std::map<uint16_t, int64_t> limits;
    for (uint16_t zone : own.zone_limits.keys()) {
        // Routers may share a zone: the narrower limit holds.  0 is none.
        int64_t narrowest = 0;
        for (int64_t each : own.zone_limits[zone]) narrowest = narrowest ? std::min(narrowest, each) : each;
        limits[zone] = narrowest;
    }
    return limits;
}

void keep_zone_limits(const Replica& vswitch, const vs::OpenVSwitch& root, const vs::Bridge& bridge,
                      const std::map<uint16_t, int64_t>& wanted, Transaction& txn) {
    if (!vswitch.server_has(vs::CTZone::kLimit)) {
        static log::RateLimit limit(1, 1);
        if (!wanted.empty() && limit.pass(lg))
            lg.warn("the local database has no CT_Zone:limit, so limits of conntrack zones are not kept");
        return;
    }
    std::string type = bridge.datapath_type.empty() ? "system" : bridge.datapath_type;
    const Uuid* uuid = root.datapaths.find(type);
    const vs::Datapath* datapath = uuid ? vswitch.find<vs::Datapath>(*uuid) : nullptr;
    if (!datapath && wanted.empty()) return;
    ovsdb::Map<int64_t, Uuid> present;
    if (datapath) present = datapath->ct_zones;
    for (const auto& [zone, row_uuid] : present) {
        const vs::CTZone* row = vswitch.find<vs::CTZone>(row_uuid);
        if (row && is_ours(*row) && !wanted.contains(static_cast<uint16_t>(zone)))
            drop_limit(*row, datapath->uuid, zone, txn);
    }
    std::optional<Uuid> owner;
    if (datapath) owner = datapath->uuid;
    for (const auto& [zone, limit] : wanted) {
        const Uuid* row_uuid = present.find(int64_t{zone});
        const vs::CTZone* row = row_uuid ? vswitch.find<vs::CTZone>(*row_uuid) : nullptr;
        if (row) {
            set_limit(*row, limit, txn);
            continue;
        }
        if (!owner) owner = make_datapath(root, type, txn);
        Uuid fresh = txn.insert<vs::CTZone>();
        txn.set(fresh, vs::CTZone::kLimit, std::optional(limit));
        txn.set(fresh, vs::CTZone::kExternalIds, {{kMark, "true"}});
        txn.set_key(*owner, vs::Datapath::kCtZones, int64_t{zone}, fresh);
    }
}

}  // namespace weft::controller
