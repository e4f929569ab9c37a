#include "ic/sync/northbound.h"

namespace weft::ic {

using ovsdb::get_string;
using ovsdb::client::CommitOutcome;

namespace {

constexpr const char* kInterconnection = "interconn-ts";
constexpr const char* kTransitRouter = "interconn-tr";  // of routers and of their ports
constexpr const char* kRequestedChassis = "requested-chassis";
constexpr const char* kNeighbors = "interconn-neighbors";
constexpr const char* kRequestedKey = "requested-tnl-key";
constexpr const char* kLearned = "ic-learned-route";

std::string route_key(const Uuid& router, std::string_view advertised) {
    return router.to_string() + " " + std::string(advertised);
}

}  // namespace

void Northbound::choose_columns() {
    using Lsp = nb::LogicalSwitchPort;
    using Lrp = nb::LogicalRouterPort;
    using Route = nb::LogicalRouterStaticRoute;
    replica_.monitor<nb::NBGlobal>(nb::NBGlobal::kName, nb::NBGlobal::kOptions);
    replica_.monitor<nb::LogicalSwitch>(nb::LogicalSwitch::kName, nb::LogicalSwitch::kPorts,
                                        nb::LogicalSwitch::kOtherConfig);
    replica_.monitor<Lsp>(Lsp::kName, Lsp::kType, Lsp::kAddresses, Lsp::kOptions);
    replica_.monitor<nb::LogicalRouter>(nb::LogicalRouter::kName, nb::LogicalRouter::kPorts,
                                        nb::LogicalRouter::kStaticRoutes, nb::LogicalRouter::kOptions);
    replica_.monitor<Lrp>(Lrp::kName, Lrp::kMac, Lrp::kNetworks, Lrp::kPeer, Lrp::kOptions);
    replica_.monitor<Route>(Route::kIpPrefix, Route::kNexthop, Route::kRouteTable, Route::kOptions,
                            Route::kPolicy, Route::kExternalIds);
    watch_names({});
}

void Northbound::watch_names(const std::set<std::string>& names) {
    using Lsp = nb::LogicalSwitchPort;
    ovsdb::client::Condition ports;
    ports.equals(Lsp::kType, std::string("router")).equals(Lsp::kType, std::string("remote"));
    for (const std::string& name : names) ports.equals(Lsp::kName, name);
    replica_.set_condition<Lsp>(std::move(ports));
}

void Northbound::want(Program& p) {
    switches_.want(p.switch_rows, [](const SwitchRow& r) { return r.transit_switch; });
    routers_.want(p.router_rows, [](const RouterRow& r) { return r.transit_router; });
    router_ports_.want(p.router_port_rows, [](const RouterPortRow& r) { return r.name; });
    ports_.want(p.remote_port_rows, [](const RemotePortRow& r) { return r.name; });
    routes_.want(p.learned_route_rows,
                 [](const LearnedRouteRow& r) { return route_key(r.router, r.advertised.to_string()); });
    p.port_key_rows.take_changes([&](const PortKeyRow& row, bool added) {
        if (added) {
            port_keys_[row.port] = row.key;
        } else if (auto it = port_keys_.find(row.port); it != port_keys_.end() && it->second == row.key) {
            port_keys_.erase(it);
        }
        port_keys_dirty_.insert(row.port);
    });
}

// --- what there is

void Northbound::have_port(const Uuid& port) {
    const nb::LogicalSwitchPort* row = replica_.find<nb::LogicalSwitchPort>(port);
    bool ours = row && row->type == "remote" && switch_of_.contains(port);
    ports_.have_row(port, ours ? std::optional(row->name) : std::nullopt);
    if (port_keys_.contains(port)) port_keys_dirty_.insert(port);
}

void Northbound::have_route(const Uuid& route) {
    const auto* row = replica_.find<nb::LogicalRouterStaticRoute>(route);
    auto router = router_of_.find(route);
    std::optional<std::string> key;
    if (row && router != router_of_.end()) {
        std::string_view learned = get_string(row->external_ids, kLearned);
        if (!learned.empty()) key = route_key(router->second, learned);
    }
    routes_.have_row(route, key);
}

void Northbound::have() {
    switches_.have(replica_, [](const nb::LogicalSwitch& r) {
        std::string_view name = get_string(r.other_config, kInterconnection);
        return name.empty() ? std::nullopt : std::optional(std::string(name));
    });
    auto transit_name = [](const auto& r) {
        std::string_view name = get_string(r.options, kTransitRouter);
        return name.empty() ? std::nullopt : std::optional(std::string(name));
    };
    routers_.have(replica_, [&](const nb::LogicalRouter& r) { return transit_name(r); });
    router_ports_.have(replica_, [&](const nb::LogicalRouterPort& r) { return transit_name(r); });
    HashSet<Uuid> ports, routes;
    for (const auto& change : replica_.changes<nb::LogicalSwitch>()) {
        auto is_transit = [](const nb::LogicalSwitch* r) {
            return r && !get_string(r->other_config, kInterconnection).empty();
        };
        if (is_transit(change.before)) {
            for (const Uuid& port : change.before->ports) {
                auto it = switch_of_.find(port);
                if (it != switch_of_.end() && it->second == change.before->uuid) switch_of_.erase(it);
                ports.insert(port);
            }
        }
        if (is_transit(change.after)) {
            for (const Uuid& port : change.after->ports) {
                switch_of_[port] = change.after->uuid;
                ports.insert(port);
            }
        }
    }
    for (const auto& change : replica_.changes<nb::LogicalSwitchPort>()) ports.insert(change.row().uuid);
    for (const Uuid& port : ports) have_port(port);
    for (const auto& change : replica_.changes<nb::LogicalRouter>()) {
        if (change.modified() && !change.columns.has(nb::LogicalRouter::kStaticRoutes)) continue;
        if (change.before) {
            for (const Uuid& route : change.before->static_routes) {
                if (change.after && change.after->static_routes.contains(route)) continue;
                router_of_.erase(route);
                routes.insert(route);
            }
        }
        if (!change.after) continue;
        for (const Uuid& route : change.after->static_routes) {
            if (router_of_.insert_or_assign(route, change.after->uuid).second) routes.insert(route);
        }
    }
    for (const auto& change : replica_.changes<nb::LogicalRouterStaticRoute>())
        routes.insert(change.row().uuid);
    for (const Uuid& route : routes) have_route(route);
}

void Northbound::mark_all() {
    switches_.mark_all();
    routers_.mark_all();
    router_ports_.mark_all();
    ports_.mark_all();
    routes_.mark_all();
    for (const auto& [port, key] : port_keys_) port_keys_dirty_.insert(port);
}

// --- the difference

bool Northbound::write_switch(Transaction& txn, const Uuid& uuid, const SwitchRow& row, bool is_new) {
    using Switch = nb::LogicalSwitch;
    if (is_new) {
        txn.set(uuid, Switch::kName, row.transit_switch);
        txn.set_key(uuid, Switch::kOtherConfig, kInterconnection, row.transit_switch);
    }
    std::string key = std::to_string(row.key);
    if (row.key && get_string(txn.row<Switch>(uuid)->other_config, kRequestedKey) != key)
        txn.set_key(uuid, Switch::kOtherConfig, kRequestedKey, key);
    return true;
}

namespace {

// The option as it is to be, or none if that is "".
template <typename Row>
void set_option(ovsdb::client::Transaction& txn, const Uuid& uuid, const char* key,
                const std::string& value) {
    if (get_string(txn.row<Row>(uuid)->options, key) == value) return;
    if (value.empty()) return txn.remove_key(uuid, Row::kOptions, key);
    txn.set_key(uuid, Row::kOptions, key, value);
}

}  // namespace

bool Northbound::write_router(Transaction& txn, const Uuid& uuid, const RouterRow& row, bool is_new) {
    using Router = nb::LogicalRouter;
    if (is_new) {
        txn.set(uuid, Router::kName, row.transit_router);
        txn.set_key(uuid, Router::kOptions, kTransitRouter, row.transit_router);
    }
    if (row.key) set_option<Router>(txn, uuid, kRequestedKey, std::to_string(row.key));
    return true;
}

// What else there is at the port, its peer above all, is the operator's.
bool Northbound::write_router_port(Transaction& txn, const Uuid& uuid, const RouterPortRow& row,
                                   bool is_new) {
    using Port = nb::LogicalRouterPort;
    if (is_new) {
        std::optional<Uuid> owner = routers_.row_of(row.transit_router);
        if (!owner || !txn.row<nb::LogicalRouter>(*owner)) return false;
        txn.set(uuid, Port::kName, row.name);
        txn.set_key(uuid, Port::kOptions, kTransitRouter, row.name);
        txn.add(*owner, nb::LogicalRouter::kPorts, uuid);
    }
    txn.set(uuid, Port::kMac, row.mac);
    txn.set(uuid, Port::kNetworks, row.networks);
    set_option<Port>(txn, uuid, kRequestedKey, std::to_string(row.key));
    set_option<Port>(txn, uuid, kRequestedChassis, row.chassis);
    set_option<Port>(txn, uuid, kNeighbors, row.neighbors);
    return true;
}

void Northbound::write_routers(Transaction& txn) {
    routers_.begin();
    router_ports_.begin();
    routers_.write(txn, [&](Transaction& t, const Uuid& uuid, const RouterRow& row, bool is_new) {
        return write_router(t, uuid, row, is_new);
    });
    router_ports_.write(
        txn,
        [&](Transaction& t, const Uuid& uuid, const RouterPortRow& row, bool is_new) {
            return write_router_port(t, uuid, row, is_new);
        },
        [&](Transaction& t, const Uuid& uuid) {
            Uuid owner;
            t.for_each_holding(nb::LogicalRouter::kPorts, uuid,
                               [&](const nb::LogicalRouter& r) { owner = r.uuid; });
            if (!owner.is_zero()) t.remove(owner, nb::LogicalRouter::kPorts, uuid);
        });
}

bool Northbound::write_port(Transaction& txn, const Uuid& uuid, const RemotePortRow& row, bool is_new) {
    using Port = nb::LogicalSwitchPort;
    std::optional<Uuid> owner = switches_.row_of(row.transit_switch);
    if (is_new) {
        if (!owner || !txn.row<nb::LogicalSwitch>(*owner)) return false;
        txn.set(uuid, Port::kName, row.name);
        txn.set(uuid, Port::kType, "remote");
        txn.add(*owner, nb::LogicalSwitch::kPorts, uuid);
    }
    txn.set(uuid, Port::kAddresses, {row.address});
    std::string key = std::to_string(row.key);
    if (get_string(txn.row<Port>(uuid)->options, kRequestedKey) != key)
        txn.set_key(uuid, Port::kOptions, kRequestedKey, key);
    return true;
}

bool Northbound::write_route(Transaction& txn, const Uuid& uuid, const LearnedRouteRow& row, bool is_new) {
    using Route = nb::LogicalRouterStaticRoute;
    if (is_new) {
        if (!txn.row<nb::LogicalRouter>(row.router)) return false;
        txn.set_key(uuid, Route::kExternalIds, kLearned, row.advertised.to_string());
        txn.add(row.router, nb::LogicalRouter::kStaticRoutes, uuid);
    }
    txn.set(uuid, Route::kIpPrefix, row.prefix);
    txn.set(uuid, Route::kNexthop, row.nexthop);
    if (replica_.server_has(Route::kRouteTable)) txn.set(uuid, Route::kRouteTable, row.table);
    if (get_string(txn.row<Route>(uuid)->options, "origin") != row.origin)
        txn.set_key(uuid, Route::kOptions, "origin", row.origin);
    return true;
}

void Northbound::write_keys(Transaction& txn) {
    using Port = nb::LogicalSwitchPort;
    for (const Uuid& port : port_keys_dirty_) {
        auto wanted = port_keys_.find(port);
        const Port* row = txn.row<Port>(port);
        if (wanted == port_keys_.end() || !row) continue;
        std::string key = std::to_string(wanted->second);
        if (get_string(row->options, kRequestedKey) != key)
            txn.set_key(port, Port::kOptions, kRequestedKey, key);
    }
    port_keys_dirty_.clear();
}

void Northbound::write(Transaction& txn) {
    switches_.begin();
    ports_.begin();
    routes_.begin();
    switches_.write(txn, [&](Transaction& t, const Uuid& uuid, const SwitchRow& row, bool is_new) {
        return write_switch(t, uuid, row, is_new);
    });
    write_routers(txn);
    // What hangs on nothing any more, the server takes away.
    ports_.write(
        txn,
        [&](Transaction& t, const Uuid& uuid, const RemotePortRow& row, bool is_new) {
            return write_port(t, uuid, row, is_new);
        },
        [&](Transaction& t, const Uuid& uuid) {
            auto owner = switch_of_.find(uuid);
            if (owner != switch_of_.end() && t.row<nb::LogicalSwitch>(owner->second))
                t.remove(owner->second, nb::LogicalSwitch::kPorts, uuid);
        });
    routes_.write(
        txn,
        [&](Transaction& t, const Uuid& uuid, const LearnedRouteRow& row, bool is_new) {
            return write_route(t, uuid, row, is_new);
        },
        [&](Transaction& t, const Uuid& uuid) {
            auto owner = router_of_.find(uuid);
            if (owner != router_of_.end() && t.row<nb::LogicalRouter>(owner->second))
                t.remove(owner->second, nb::LogicalRouter::kStaticRoutes, uuid);
        });
    write_keys(txn);
}

void Northbound::done(const CommitOutcome& outcome) {
    if (!outcome.ok()) mark_all();
}

}  // namespace weft::ic
