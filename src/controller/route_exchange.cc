#include "controller/route_exchange.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <optional>
#include <utility>

#include "base/log.h"
#include "controller/configuration.h"
#include "packet/address.h"

namespace weft::controller {

namespace {

namespace sb = schema::sb;
using net::KernelRoute;
using ovsdb::client::Replica;
using ovsdb::client::Transaction;
using packet::Ipv6Addr;

log::Module lg("route");

constexpr uint8_t kProtocol = 84;  // RTPROTO_OVN
constexpr uint32_t kMetricHere = 100, kMetricElsewhere = 1000;

struct Network {
    Ipv6Addr address{};
    uint8_t bits = 0;  // of its own family
    bool v6 = false;
};

// "10.0.0.0/24", "fd00::/64", "10.0.0.1".
std::optional<Network> parse_network(std::string_view text) {
    size_t slash = text.find('/');
    Network out;
    if (auto v4 = packet::parse_ipv4(text.substr(0, slash))) {
        out.address = packet::map_ipv4(*v4);
    } else if (auto v6 = packet::parse_ipv6(text.substr(0, slash))) {
        out.address = *v6;
        out.v6 = true;
    } else {
        return std::nullopt;
    }
    const unsigned most = out.v6 ? 128 : 32;
    unsigned bits = most;
    if (slash != text.npos) {
        auto [end, error] = std::from_chars(text.data() + slash + 1, text.data() + text.size(), bits);
        if (error != std::errc() || end != text.data() + text.size() || bits > most) return std::nullopt;
    }
    out.bits = static_cast<uint8_t>(bits);
    return out;
}

bool contains(const Ipv6Addr& network, unsigned bits, const Ipv6Addr& address) {
    for (unsigned i = 0; i < bits; ++i) {
        unsigned mask = 0x80u >> (i % 8);
        if ((network[i / 8] ^ address[i / 8]) & mask) return false;
    }
    return true;
}

std::string text_of(const Ipv6Addr& address) {
    auto v4 = packet::mapped_ipv4(address);
    return v4 ? packet::ipv4_to_string(*v4) : packet::to_string(address);
}

// The port's gateway is here.
bool takes_part(SouthboundView& view, const sb::PortBinding& port) {
    if (!ovsdb::get_bool(port.options, "dynamic-routing")) return false;
    if (port.type == "l3gateway") return view.is_own_chassis(port.chassis);
    const std::string* redirect = port.options.find("chassis-redirect-port");
    const sb::PortBinding* gateway = redirect ? view.port_named(*redirect) : nullptr;
    return gateway && view.is_own_chassis(gateway->chassis);
}

uint32_t table_of(const sb::PortBinding& port, uint32_t datapath_key) {
    constexpr const char* kId = "dynamic-routing-vrf-id";
    if (!port.options.contains(std::string(kId))) return datapath_key;
    int64_t id = ovsdb::get_int(port.options, kId, -1);
    // 253 to 255 are the host's own.
    if (1 <= id && id <= 0xffffffff && !(253 <= id && id <= 255)) return static_cast<uint32_t>(id);
    static log::RateLimit limit(1, 1);
    if (limit.pass(lg)) {
        lg.warn("port {}: {} '{}' is no table that may be used", port.logical_port, kId,
                ovsdb::get_string(port.options, kId));
    }
    return 0;
}

RoutingPort routing_port(SouthboundView& view, const sb::PortBinding& row) {
    RoutingPort port;
    port.port = row.uuid;
    port.datapath = row.datapath;
    port.learns = !ovsdb::get_bool(row.options, "dynamic-routing-no-learning");
    std::string name(ovsdb::get_string(row.options, "dynamic-routing-port-name"));
    const LocalInterface* interface = view.local_interfaces.find(name);
    port.device = interface ? interface->name : name;
    for (const std::string& text : row.mac) {
        for (const std::string& word : split_words(text, ' ')) {
            if (auto network = parse_network(word))
                port.networks.emplace_back(network->address,
                                           static_cast<uint8_t>(network->bits + (network->v6 ? 0 : 96)));
        }
    }
    return port;
}

void announce(SouthboundView& view, const Replica& southbound, const sb::PortBinding& port,
              RoutingPlan& plan) {
    southbound.table<sb::AdvertisedRoute>().for_each_by(
        sb::AdvertisedRoute::kLogicalPort, port.uuid, [&](const sb::AdvertisedRoute& row) {
            auto network = parse_network(row.ip_prefix);
            if (!network) return;
            const sb::PortBinding* tracked = row.tracked_port ? view.port(*row.tracked_port) : nullptr;
            KernelRoute route;
            route.network = network->address;
            route.bits = network->bits;
            route.protocol = kProtocol;
            route.blackhole = true;
            route.metric = tracked && view.is_here(*tracked) ? kMetricHere : kMetricElsewhere;
            plan.announced.insert(route);
        });
}

}  // namespace

std::map<uint32_t, RoutingPlan> find_routing_plans(SouthboundView& view, const Replica& southbound) {
    std::map<uint32_t, RoutingPlan> plans;
    for (const Uuid& datapath : view.local_datapaths.keys()) {
        const LocalDatapath* local = view.local_datapath(datapath);
        if (local->is_switch) continue;
        for (const char* type : {"patch", "l3gateway"}) {
            for (const Uuid& uuid : view.ports_by_type[{datapath, type}]) {
                const sb::PortBinding* port = view.port(uuid);
                if (!takes_part(view, *port)) continue;
                uint32_t table = table_of(*port, local->key);
                if (!table) continue;
                RoutingPlan& plan = plans[table];
                plan.vrf = ovsdb::get_string(port->options, "dynamic-routing-vrf-name");
                if (plan.vrf.empty()) plan.vrf = fmt::format("ovnvrf{}", table);
                plan.maintain |= ovsdb::get_bool(port->options, "dynamic-routing-maintain-vrf");
                plan.ports.push_back(routing_port(view, *port));
                announce(view, southbound, *port, plan);
            }
        }
    }
    return plans;
}

std::set<LearntRoute> learnt_routes(const RoutingPlan& plan, const std::vector<KernelRoute>& routes) {
    std::set<LearntRoute> out;
    for (const KernelRoute& route : routes) {
        if (route.protocol == kProtocol || route.blackhole || packet::is_zero(route.gateway)) continue;
        for (const RoutingPort& port : plan.ports) {
            if (!port.learns) continue;
            bool reaches = port.device.empty()
                               ? std::any_of(port.networks.begin(), port.networks.end(),
                                             [&](const auto& net) {
                                                 return contains(net.first, net.second, route.gateway);
                                             })
                               : port.device == route.device;
            if (!reaches) continue;
            out.insert({port.datapath, port.port, fmt::format("{}/{}", text_of(route.network), route.bits),
                        text_of(route.gateway)});
        }
    }
    return out;
}

void RouteExchange::clear(uint32_t table) {
    auto present = tables_->routes(table);
    if (!present) return;
    for (const KernelRoute& route : *present) {
        if (route.protocol == kProtocol) (void)tables_->remove(table, route).ok();
    }
}

void RouteExchange::change_vrfs(const std::map<uint32_t, RoutingPlan>& wanted) {
    for (const auto& [table, plan] : plans_) {
        if (!wanted.contains(table)) clear(table);
    }
    for (auto it = vrfs_.begin(); it != vrfs_.end();) {
        auto plan = wanted.find(it->first);
        if (plan != wanted.end() && plan->second.maintain && plan->second.vrf == it->second) {
            ++it;
            continue;
        }
        (void)tables_->remove_vrf(it->second).ok();
        it = vrfs_.erase(it);
    }
    for (const auto& [table, plan] : wanted) {
        if (!plan.maintain || vrfs_.contains(table)) continue;
        auto former = plans_.find(table);
        if (former != plans_.end() && former->second.maintain && former->second.vrf == plan.vrf) continue;
        if (auto made = tables_->make_vrf(plan.vrf, table); made) {
            vrfs_[table] = plan.vrf;
        } else {
            lg.warn("{}; the table is used without it", made.message());
        }
    }
}

void RouteExchange::keep_table(uint32_t table, const RoutingPlan& plan, std::set<LearntRoute>& learnt) {
    auto present = tables_->routes(table);
    static log::RateLimit limit(5, 5);
    if (!present) {
        if (limit.pass(lg)) lg.warn("routing table {}: {}", table, present.message());
        return;
    }
    std::set<KernelRoute> missing = plan.announced;
    for (KernelRoute route : *present) {
        if (route.protocol != kProtocol) continue;
        if (missing.erase(route)) continue;
        (void)tables_->remove(table, route).ok();
    }
    for (const KernelRoute& route : missing) {
        auto added = tables_->add(table, route);
        if (!added && limit.pass(lg)) {
            lg.warn("routing table {}: {}/{}: {}", table, text_of(route.network), route.bits,
                    added.message());
        }
    }
    learnt.merge(learnt_routes(plan, *present));
}

// Rows of our ports, and of those that were ours.
void RouteExchange::write_learnt(const Replica& southbound, const std::set<LearntRoute>& learnt,
                                 Transaction& txn) {
    std::set<LearntRoute> missing = learnt;
    std::set<Uuid> ports = std::move(former_ports_);
    former_ports_.clear();
    for (const auto& [table, plan] : plans_) {
        for (const RoutingPort& port : plan.ports) former_ports_.insert(port.port);
    }
    ports.insert(former_ports_.begin(), former_ports_.end());
    for (const Uuid& port : ports) {
        southbound.table<sb::LearnedRoute>().for_each_by(
            sb::LearnedRoute::kLogicalPort, port, [&](const sb::LearnedRoute& row) {
                if (!missing.erase({row.datapath, row.logical_port, row.ip_prefix, row.nexthop}))
                    txn.erase<sb::LearnedRoute>(row.uuid);
            });
    }
    for (const LearntRoute& each : missing) {
        Uuid row = txn.insert<sb::LearnedRoute>();
        txn.set(row, sb::LearnedRoute::kDatapath, each.datapath);
        txn.set(row, sb::LearnedRoute::kLogicalPort, each.port);
        txn.set(row, sb::LearnedRoute::kIpPrefix, each.prefix);
        txn.set(row, sb::LearnedRoute::kNexthop, each.nexthop);
    }
}

void RouteExchange::run(SouthboundView& view, const Replica& southbound, Transaction& txn) {
    bool look = std::exchange(look_again_, false);
    if (!tables_ || !southbound.server_has(sb::AdvertisedRoute::table_info())) return;
    std::map<uint32_t, RoutingPlan> wanted = find_routing_plans(view, southbound);
    if (wanted.empty() && plans_.empty() && former_ports_.empty()) return;
    if (wanted != plans_) {
        change_vrfs(wanted);
        plans_ = std::move(wanted);
        look = true;
    }
    if (!southbound.server_has(sb::LearnedRoute::table_info())) return;
    if (look) {
        learnt_.clear();
        for (const auto& [table, plan] : plans_) keep_table(table, plan, learnt_);
    }
    write_learnt(southbound, learnt_, txn);
}

void RouteExchange::leave() {
    if (tables_) change_vrfs({});
    plans_.clear();
}

}  // namespace weft::controller
