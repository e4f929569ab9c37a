// Static routes: lr-route-*.

#include "cli/nbctl/common.h"

namespace weft::cli::nbctl {
namespace {

using Route = nb::LogicalRouterStaticRoute;

Result<void> need_routes(CtlContext& context) {
    context.need(nb::LogicalRouter::kName, nb::LogicalRouter::kStaticRoutes);
    context.need(nb::LogicalRouterPort::kName);
    context.need(Route::kPolicy, Route::kIpPrefix, Route::kNexthop, Route::kOutputPort, Route::kRouteTable,
                 Route::kBfd, Route::kOptions);
    if (context.has("--bfd")) context.need(nb::BFD::kLogicalPort, nb::BFD::kDstIp);
    return {};
}

std::string_view policy_of(const Route& route) {
    return route.policy ? std::string_view(*route.policy) : "dst-ip";
}

std::vector<const Route*> routes_of(CtlContext& context, const nb::LogicalRouter& router) {
    std::vector<const Route*> out;
    for (const Uuid& uuid : router.static_routes) {
        if (const Route* route = context.row<Route>(uuid)) out.push_back(route);
    }
    return out;
}

Result<std::string> parse_policy(CtlContext& context) {
    std::string policy(context.option("--policy"));
    if (context.has("--policy") && policy != "src-ip" && policy != "dst-ip") {
        return Error{fmt::format("bad policy: {}", policy)};
    }
    return policy;
}

struct NewRoute {
    std::string policy, prefix, nexthop, port, table;
    bool ecmp = false, symmetric = false;
};

Result<NewRoute> parse_route(CtlContext& context) {
    NewRoute out;
    WEFT_ASSIGN(out.policy, parse_policy(context));
    out.prefix = normal_network(context[1]);
    if (out.prefix.empty()) return Error{fmt::format("bad prefix argument: {}", context[1])};
    bool v6 = is_ipv6(out.prefix);
    out.nexthop = context[2] == "discard" ? "discard" : normal_address(context[2]);
    if (out.nexthop.empty() && context.size() > 3) {  // a port name may stand for an unnumbered next hop
        out.nexthop = normal_network(context[2]);
    }
    if (out.nexthop.empty() || (out.nexthop != "discard" && is_ipv6(out.nexthop) != v6)) {
        return Error{fmt::format("bad IPv{} nexthop argument: {}", v6 ? 6 : 4, context[2])};
    }
    if (context.size() > 3) {
        if (out.nexthop == "discard")
            return Error{"--bfd or an output port may not be combined with discard"};
        WEFT_ASSIGN(const nb::LogicalRouterPort* port, get_router_port(context, context[3]));
        out.port = port->name;
    }
    out.table = std::string(context.option("--route-table"));
    out.symmetric = context.has("--ecmp-symmetric-reply");
    out.ecmp = context.has("--ecmp") || out.symmetric;
    return out;
}

// The BFD session of --bfd[=UUID]: the one named, one that is there for the port and next hop, or a new one.
Result<Uuid> bfd_session(CtlContext& context, const NewRoute& route) {
    std::string_view id = context.option("--bfd");
    if (!id.empty()) {
        std::optional<Uuid> uuid = Uuid::parse(id);
        if (!uuid || !context.row<nb::BFD>(*uuid))
            return Error{fmt::format("no entry found in the BFD table for {}", id)};
        return *uuid;
    }
    Uuid found;
    context.transaction().for_each_equal(nb::BFD::kDstIp, route.nexthop, [&](const nb::BFD& row) {
        if (row.logical_port == route.port) found = row.uuid;
    });
    if (!found.is_zero()) return found;
    if (route.port.empty()) return Error{"insert entry in the BFD table failed"};
    Uuid uuid = context.transaction().insert<nb::BFD>();
    context.transaction().set(uuid, nb::BFD::kDstIp, route.nexthop);
    context.transaction().set(uuid, nb::BFD::kLogicalPort, route.port);
    return uuid;
}

Result<void> update_route(CtlContext& context, const Uuid& uuid, const NewRoute& typed) {
    db::Transaction& txn = context.transaction();
    txn.set(uuid, Route::kIpPrefix, typed.prefix);
    txn.set(uuid, Route::kNexthop, typed.nexthop);
    if (!typed.port.empty()) txn.set(uuid, Route::kOutputPort, typed.port);
    if (!typed.policy.empty()) txn.set(uuid, Route::kPolicy, typed.policy);
    if (context.has("--bfd")) {
        WEFT_ASSIGN(Uuid session, bfd_session(context, typed));
        txn.set(uuid, Route::kBfd, session);
    }
    return {};
}

Result<void> run_add(CtlContext& context) {
    WEFT_ASSIGN(const nb::LogicalRouter* router, get_router(context, context[0]));
    WEFT_ASSIGN(NewRoute typed, parse_route(context));
    std::string_view policy = typed.policy.empty() ? "dst-ip" : std::string_view(typed.policy);
    for (const Route* route : routes_of(context, *router)) {
        if (policy_of(*route) != policy || route->route_table != typed.table) continue;
        if (normal_network(route->ip_prefix) != typed.prefix) continue;
        if (typed.ecmp) {
            if (normal_address(route->nexthop) != typed.nexthop && route->nexthop != typed.nexthop) continue;
            if (route->output_port.value_or("") != typed.port) continue;
            if (context.has("--may-exist")) return {};
            return Error{"duplicate nexthop for the same ECMP route"};
        }
        if (context.has("--may-exist")) return update_route(context, Uuid(route->uuid), typed);
        return Error{fmt::format(
            "duplicate prefix: {} (policy: {}). Use option --ecmp to allow this for ECMP routing.",
            typed.prefix, policy)};
    }
    db::Transaction& txn = context.transaction();
    Uuid owner = router->uuid;
    Uuid uuid = txn.insert<Route>();
    WEFT_TRY(update_route(context, uuid, typed));
    if (!typed.table.empty()) txn.set(uuid, Route::kRouteTable, typed.table);
    if (typed.symmetric) txn.set_key(uuid, Route::kOptions, "ecmp_symmetric_reply", "true");
    txn.add(owner, nb::LogicalRouter::kStaticRoutes, uuid);
    return {};
}

Result<void> run_del(CtlContext& context) {
    WEFT_ASSIGN(const nb::LogicalRouter* router, get_router(context, context[0]));
    WEFT_ASSIGN(std::string policy, parse_policy(context));
    Uuid owner = router->uuid;
    std::string prefix = context.size() > 1 ? normal_network(context[1]) : "";
    if (context.size() > 1 && prefix.empty())
        return Error{fmt::format("bad prefix argument: {}", context[1])};
    std::string nexthop =
        context.size() > 2 ? (context[2] == "discard" ? context[2] : normal_address(context[2])) : "";
    if (context.size() > 2 && nexthop.empty())
        return Error{fmt::format("bad nexthop argument: {}", context[2])};
    std::string port(context.at(3));
    std::vector<Uuid> gone;
    for (const Route* route : routes_of(context, *router)) {
        if (!policy.empty() && policy_of(*route) != policy) continue;
        if (context.has("--route-table") && route->route_table != context.option("--route-table")) continue;
        if (!prefix.empty() && normal_network(route->ip_prefix) != prefix) continue;
        if (!nexthop.empty() && route->nexthop != nexthop && normal_address(route->nexthop) != nexthop)
            continue;
        if (!port.empty() && route->output_port.value_or("") != port) continue;
        gone.push_back(route->uuid);
    }
    for (const Uuid& uuid : gone) context.transaction().remove(owner, nb::LogicalRouter::kStaticRoutes, uuid);
    if (!gone.empty() || context.has("--if-exists") || context.size() == 1) return {};
    auto shown = [](const std::string& text) { return text.empty() ? std::string("any") : text; };
    return Error{fmt::format("no matching route: policy '{}', prefix '{}', nexthop '{}', output_port '{}'.",
                             shown(policy), shown(prefix), shown(nexthop), shown(port))};
}

// --- lr-route-list

// As routes are listed: by table, then as Debian's: by numeric prefix text, longest first.
struct Listed {
    const Route* route;
    std::string prefix;
};

std::string route_line(const Listed& listed, bool ecmp) {
    const Route& route = *listed.route;
    std::string nexthop =
        route.nexthop.empty() || route.nexthop == "discard" ? route.nexthop : normal_address(route.nexthop);
    std::string out = fmt::format("{:>25} {:>25} {}", listed.prefix,
                                  nexthop.empty() ? route.nexthop : nexthop, policy_of(route));
    if (route.output_port) out += " " + *route.output_port;
    if (ovsdb::get_bool(route.options, "origin")) out += " (learned)";
    if (route.options.contains("ic-learned-route")) out += " (learned)";
    if (ecmp) out += " ecmp";
    if (ovsdb::get_bool(route.options, "ecmp_symmetric_reply")) out += " ecmp-symmetric-reply";
    if (route.bfd) out += " bfd";
    return out + '\n';
}

int prefix_length(std::string_view prefix) {
    size_t slash = prefix.find('/');
    if (slash == std::string_view::npos) return is_ipv6(prefix) ? 128 : 32;
    return std::atoi(std::string(prefix.substr(slash + 1)).c_str());
}

void print_family(CtlContext& context, std::vector<Listed> routes, bool v6) {
    std::erase_if(routes, [&](const Listed& each) { return is_ipv6(each.prefix) != v6; });
    if (routes.empty()) return;
    std::sort(routes.begin(), routes.end(), [](const Listed& a, const Listed& b) {
        if (a.route->route_table != b.route->route_table) return a.route->route_table < b.route->route_table;
        int la = prefix_length(a.prefix), lb = prefix_length(b.prefix);
        if (la != lb) return la > lb;
        if (a.prefix != b.prefix) return a.prefix < b.prefix;
        if (policy_of(*a.route) != policy_of(*b.route)) return policy_of(*a.route) > policy_of(*b.route);
        return a.route->nexthop < b.route->nexthop;
    });
    if (!context.output.empty()) context.output += '\n';
    context.output += v6 ? "IPv6 Routes\n" : "IPv4 Routes\n";
    for (size_t i = 0; i < routes.size(); i++) {
        const Route& route = *routes[i].route;
        if (i == 0 || routes[i - 1].route->route_table != route.route_table) {
            if (i) context.output += '\n';
            context.output +=
                fmt::format("Route Table {}:\n", route.route_table.empty() ? "<main>" : route.route_table);
        }
        auto same = [&](size_t j) {
            return j < routes.size() && routes[j].prefix == routes[i].prefix &&
                   routes[j].route->route_table == route.route_table &&
                   policy_of(*routes[j].route) == policy_of(route);
        };
        context.output += route_line(routes[i], (i && same(i - 1)) || same(i + 1));
    }
}

Result<void> run_list(CtlContext& context) {
    WEFT_ASSIGN(const nb::LogicalRouter* router, get_router(context, context[0]));
    std::vector<Listed> routes;
    for (const Route* route : routes_of(context, *router)) {
        if (context.has("--route-table") && route->route_table != context.option("--route-table")) continue;
        std::string prefix = normal_network(route->ip_prefix);
        if (!prefix.empty()) routes.push_back({route, std::move(prefix)});
    }
    print_family(context, routes, false);
    print_family(context, routes, true);
    return {};
}

constexpr CtlCommand kCommands[] = {
    {"lr-route-add", 3, 4, "ROUTER PREFIX NEXTHOP [PORT]",
     "--may-exist,--ecmp,--ecmp-symmetric-reply,--policy=,--route-table=,--bfd?", true, need_routes, run_add,
     nullptr, "Add a route; NEXTHOP discard drops."},
    {"lr-route-del", 1, 4, "ROUTER [PREFIX [NEXTHOP [PORT]]]", "--if-exists,--policy=,--route-table=", true,
     need_routes, run_del, nullptr, "Delete the routes that match, or all."},
    {"lr-route-list", 1, 1, "ROUTER", "--route-table=", false, need_routes, run_list, nullptr,
     "Print a router's routes."},
};

}  // namespace

std::span<const CtlCommand> route_commands() {
    return kCommands;
}

}  // namespace weft::cli::nbctl
