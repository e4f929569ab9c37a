#include "ic/sync/interconnection_southbound.h"

#include <algorithm>

#include "base/log.h"

namespace weft::ic {

using ovsdb::Set;
using ovsdb::client::CommitOutcome;

namespace {

log::Module lg("ovn_ic_sb");

std::string route_key(std::string_view transit_switch, std::string_view table, std::string_view prefix,
                      std::string_view nexthop) {
    std::string key;
    for (std::string_view part : {transit_switch, table, prefix, nexthop}) {
        key += part;
        key += '\n';
    }
    return key;
}

// Switches and routers have names of their own.
std::string datapath_key(const std::string& name, bool is_router) {
    return (is_router ? "router " : "switch ") + name;
}

// The one after the highest in use, or else the lowest that is free; 0: there is none.  Zones that choose at
// once choose the same, so that the database lets one of them have it.
int64_t next_key(const HashSet<int64_t>& used, int64_t first, int64_t last) {
    int64_t highest = first - 1;
    for (int64_t key : used) highest = std::max(highest, key);
    if (highest < last) return highest + 1;
    for (int64_t key = first; key <= last; ++key) {
        if (!used.contains(key)) return key;
    }
    return 0;
}

}  // namespace

void InterconnectionSouthbound::choose_columns() {
    replica_.monitor<icsb::AvailabilityZone>(icsb::AvailabilityZone::kName, icsb::AvailabilityZone::kNbIcCfg);
    replica_.monitor<icsb::ICSBGlobal>(icsb::ICSBGlobal::kNbIcCfg);
    replica_.monitor<icsb::Gateway>();
    replica_.monitor<icsb::Encap>();
    replica_.monitor<icsb::DatapathBinding>();
    replica_.monitor<icsb::PortBinding>();
    replica_.monitor<icsb::Route>();
}

void InterconnectionSouthbound::set_zone(const Uuid& zone) {
    if (zone == zone_) return;
    zone_ = zone;
    for (const auto& row : replica_.table<icsb::Gateway>())
        gateways_.have_row(row.uuid, row.availability_zone == zone_ ? std::optional(row.name) : std::nullopt);
    for (const auto& row : replica_.table<icsb::PortBinding>()) {
        bool ours = row.availability_zone == zone_;
        ports_.have_row(row.uuid, ours ? std::optional(row.logical_port) : std::nullopt);
    }
    for (const auto& row : replica_.table<icsb::Route>()) {
        bool ours = row.availability_zone == zone_;
        routes_.have_row(row.uuid, ours ? std::optional(route_key(row.transit_switch, row.route_table,
                                                                  row.ip_prefix, row.nexthop))
                                        : std::nullopt);
    }
    mark_all();
}

void InterconnectionSouthbound::want(Program& p) {
    datapaths_.want(p.datapath_rows,
                    [](const DatapathRow& r) { return datapath_key(r.transit_switch, !r.router.is_zero()); });
    gateways_.want(p.gateway_rows, [](const GatewayRow& r) { return r.name; });
    ports_.want(p.port_rows, [](const PortRow& r) { return r.name; });
    routes_.want(p.route_rows,
                 [](const RouteRow& r) { return route_key(r.transit_switch, r.table, r.prefix, r.nexthop); });
}

void InterconnectionSouthbound::have() {
    datapaths_.have(replica_, [](const icsb::DatapathBinding& r) {
        return std::optional(datapath_key(r.transit_switch, is_of_router(r)));
    });
    gateways_.have(replica_, [&](const icsb::Gateway& r) {
        return r.availability_zone == zone_ ? std::optional(r.name) : std::nullopt;
    });
    for (const auto& change : replica_.changes<icsb::Encap>()) gateways_.mark(change.row().gateway_name);
    ports_.have(replica_, [&](const icsb::PortBinding& r) {
        return r.availability_zone == zone_ ? std::optional(r.logical_port) : std::nullopt;
    });
    routes_.have(replica_, [&](const icsb::Route& r) {
        return r.availability_zone == zone_
                   ? std::optional(route_key(r.transit_switch, r.route_table, r.ip_prefix, r.nexthop))
                   : std::nullopt;
    });
    // A port that another zone had may be ours now.
    for (const auto& change : replica_.changes<icsb::PortBinding>()) ports_.mark(change.row().logical_port);
}

void InterconnectionSouthbound::mark_all() {
    datapaths_.mark_all();
    gateways_.mark_all();
    ports_.mark_all();
    routes_.mark_all();
}

int64_t InterconnectionSouthbound::choose_datapath_key(const Transaction& txn) {
    HashSet<int64_t> used;
    txn.for_each<icsb::DatapathBinding>([&](const auto& row) { used.insert(row.tunnel_key); });
    return next_key(used, kFirstDatapathKey, kLastDatapathKey);
}

int64_t InterconnectionSouthbound::choose_port_key(const Transaction& txn,
                                                   const std::string& transit_switch) {
    HashSet<int64_t> used;
    txn.for_each<icsb::PortBinding>([&](const auto& row) {
        if (row.transit_switch == transit_switch) used.insert(row.tunnel_key);
    });
    return next_key(used, 1, kLastPortKey);
}

bool InterconnectionSouthbound::write_datapath(Transaction& txn, const Uuid& uuid, const DatapathRow& row,
                                               bool is_new) {
    using Datapath = icsb::DatapathBinding;
    bool is_router = !row.router.is_zero();
    if (is_new) {
        int64_t key = choose_datapath_key(txn);
        if (!key || (is_router && !replica_.server_has(Datapath::kType))) return false;
        txn.set(uuid, Datapath::kTransitSwitch, row.transit_switch);
        txn.set(uuid, Datapath::kTunnelKey, key);
    }
    if (is_router) {
        txn.set(uuid, Datapath::kType, "transit-router");
        txn.set(uuid, Datapath::kNbIcUuid, row.router);
    }
    return true;
}

bool InterconnectionSouthbound::write_gateway(Transaction& txn, const Uuid& uuid, const GatewayRow& row,
                                              bool is_new) {
    using Gateway = icsb::Gateway;
    if (is_new) {
        txn.set(uuid, Gateway::kName, row.name);
        txn.set(uuid, Gateway::kAvailabilityZone, zone_);
    }
    txn.set(uuid, Gateway::kHostname, row.hostname);
    std::vector<EncapRow> present;
    for (const Uuid& each : Set<Uuid>(txn.row<Gateway>(uuid)->encaps)) {
        if (const auto* encap = txn.row<icsb::Encap>(each))
            present.push_back({encap->type, encap->ip, encap->options});
    }
    std::sort(present.begin(), present.end());
    if (present == row.encaps) return true;
    Set<Uuid> encaps;
    for (const EncapRow& each : row.encaps) {
        Uuid encap = txn.insert<icsb::Encap>();
        txn.set(encap, icsb::Encap::kType, each.type);
        txn.set(encap, icsb::Encap::kIp, each.ip);
        txn.set(encap, icsb::Encap::kOptions, each.options);
        txn.set(encap, icsb::Encap::kGatewayName, row.name);
        encaps.insert(encap);
    }
    txn.set(uuid, Gateway::kEncaps, encaps);
    return true;
}

bool InterconnectionSouthbound::write_port(Transaction& txn, const Uuid& uuid, const PortRow& row,
                                           bool is_new) {
    using Port = icsb::PortBinding;
    if (is_new) {
        bool taken = false;  // by another zone: names are unique among all
        for (const auto& other : replica_.table<Port>()) taken |= other.logical_port == row.name;
        if (!row.router_port.is_zero() && !replica_.server_has(Port::kType)) return false;
        if (taken) lg.warn("port {} has the name of a port of another zone", row.name);
        int64_t key = taken ? 0 : choose_port_key(txn, row.transit_switch);
        if (!key) return false;
        txn.set(uuid, Port::kLogicalPort, row.name);
        txn.set(uuid, Port::kTransitSwitch, row.transit_switch);
        txn.set(uuid, Port::kAvailabilityZone, zone_);
        txn.set(uuid, Port::kTunnelKey, key);
    }
    txn.set(uuid, Port::kAddress, row.address);
    txn.set(uuid, Port::kGateway, row.gateway);
    if (row.router_port.is_zero()) {
        txn.set(uuid, Port::kExternalIds, {{"router-id", row.router.to_string()}});
        return true;
    }
    txn.set(uuid, Port::kType, "transit-router-port");
    txn.set(uuid, Port::kNbIcUuid, row.router_port);
    ovsdb::StringMap ids;
    if (!row.neighbors.empty()) ids.set("neighbors", row.neighbors);
    txn.set(uuid, Port::kExternalIds, ids);
    return true;
}

bool InterconnectionSouthbound::write_route(Transaction& txn, const Uuid& uuid, const RouteRow& row,
                                            bool is_new) {
    using Route = icsb::Route;
    if (is_new) {
        txn.set(uuid, Route::kTransitSwitch, row.transit_switch);
        txn.set(uuid, Route::kAvailabilityZone, zone_);
        txn.set(uuid, Route::kRouteTable, row.table);
        txn.set(uuid, Route::kIpPrefix, row.prefix);
        txn.set(uuid, Route::kNexthop, row.nexthop);
    }
    txn.set(uuid, Route::kOrigin, row.origin);
    txn.set(uuid, Route::kExternalIds, {{"nb-id", row.source.to_string()}});
    return true;
}

void InterconnectionSouthbound::write(Transaction& txn) {
    datapaths_.begin();
    gateways_.begin();
    ports_.begin();
    routes_.begin();
    datapaths_.write(txn, [&](Transaction& t, const Uuid& uuid, const DatapathRow& row, bool is_new) {
        return write_datapath(t, uuid, row, is_new);
    });
    gateways_.write(txn, [&](Transaction& t, const Uuid& uuid, const GatewayRow& row, bool is_new) {
        return write_gateway(t, uuid, row, is_new);
    });
    ports_.write(txn, [&](Transaction& t, const Uuid& uuid, const PortRow& row, bool is_new) {
        return write_port(t, uuid, row, is_new);
    });
    routes_.write(txn, [&](Transaction& t, const Uuid& uuid, const RouteRow& row, bool is_new) {
        return write_route(t, uuid, row, is_new);
    });
}

void InterconnectionSouthbound::done(const CommitOutcome& outcome) {
    if (!outcome.ok()) mark_all();
}

}  // namespace weft::ic
