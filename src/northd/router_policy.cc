// Routing policies.

#include <fmt/core.h>

#include <set>

#include "northd/features.h"

namespace weft::northd {

void policies_of_router(Program&, FlowWriter& f, const Router&) {
    f.add(Stage::kRouterInPolicy, 0, "1", "reg8[0..15] = 0; next;");
    f.add(Stage::kRouterInPolicyEcmp, 150, "reg8[0..15] == 0", "next;");
    f.add(Stage::kRouterInPolicyEcmp, 0, "1", "drop;");
}

namespace {

// Chains are numbered per router, the main one is 0.  A packet's chain is in reg9[16..31], which is cleared
// before the routes are looked up.
int64_t chain_number(Program& p, const Uuid& router, const std::string& chain) {
    if (chain.empty()) return 0;
    int64_t number = 0;
    for (const std::string& each : p.policy_chains[router]) {
        ++number;
        if (each == chain) return number;
    }
    return -1;
}

std::string policy_match(Program& p, const Uuid& router, const nb::LogicalRouterPolicy& row) {
    if (!p.policy_chains.contains(router)) return row.match;
    return fmt::format("reg9[16..31] == {} && ({})", chain_number(p, router, row.chain.value_or("")),
                       row.match);
}

// Whether jumps lead from one chain to another, or are the same.
bool leads(Program& p, const Uuid& router, const std::string& from, const std::string& to) {
    std::set<std::string_view> seen{from};
    std::vector<std::string_view> ahead{from};
    while (!ahead.empty()) {
        std::string_view chain = ahead.back();
        ahead.pop_back();
        if (chain == to) return true;
        for (const PolicyJump& jump : p.policy_jumps[router]) {
            if (jump.from == chain && seen.insert(jump.to).second) ahead.push_back(jump.to);
        }
    }
    return false;
}

void jump(Program& p, FlowWriter& f, const Uuid& router, const nb::LogicalRouterPolicy& row,
          const std::string& match) {
    std::string from = row.chain.value_or(""), to = row.jump_chain.value_or("");
    int64_t number = chain_number(p, router, to);
    auto leave_out = [&](std::string_view why) {
        p.complaints.emit(fmt::format("Logical_Router_Policy {}: jump_chain '{}' {}; the policy is left out",
                                      row.uuid.to_string(), to, why));
    };
    if (number <= 0) return leave_out("is not a chain of the router's policies");
    // A packet decides nothing by going in a circle: it would take the same way for ever.
    if (leads(p, router, to, from)) return leave_out(fmt::format("leads back to chain '{}'", from));
    f.add(Stage::kRouterInPolicy, static_cast<uint16_t>(row.priority), match,
          fmt::format("reg9[16..31] = {}; next(pipeline=ingress, table=15);", number));
}

std::string pkt_mark(const nb::LogicalRouterPolicy& policy) {
    int64_t mark = ovsdb::get_int(policy.options, "pkt_mark");
    return mark ? fmt::format("pkt.mark = {}; ", mark) : "";
}

std::string reroute_action(Program& p, const Outlet& outlet, const std::string& next_hop) {
    const RouterPort& port = p.router_port(outlet.port);
    bool is_ip6 = next_hop.find(':') != std::string::npos;
    return fmt::format("{} = {}; {} = {}; eth.src = {}; outport = {}; flags.loopback = 1;",
                       is_ip6 ? "xxreg0" : "reg0", next_hop, is_ip6 ? "xxreg1" : "reg1", outlet.source,
                       port.addresses.mac, port.quoted);
}

int64_t ecmp_policy_number(Program& p, const Uuid& router, const Uuid& policy) {
    int64_t number = 0;
    for (const Uuid& each : p.in.routers.get(router)->policies) {
        const auto* row = p.in.policies.get(each);
        if (!row || row->action != "reroute" || row->nexthops.size() < 2) continue;
        ++number;
        if (each == policy) break;
    }
    return number;
}

// Whether the policy's session with a next hop, if it has one, says that it is gone.
bool is_down(Program& p, const nb::LogicalRouterPolicy& row, const std::string& hop, const Outlet& outlet) {
    for (const Uuid& uuid : row.bfd_sessions) {
        const nb::BFD* session = p.in.bfd.get(uuid);
        if (!session || session->dst_ip != hop) continue;
        if (session->logical_port != p.router_port(outlet.port).name) continue;
        if (p.bfd_status(uuid) == "down") return true;
    }
    return false;
}

// The next hops that can be used, and how they are reached.
std::vector<std::pair<std::string, Outlet>> outlets_of(Program& p, const Uuid& router,
                                                       const nb::LogicalRouterPolicy& row,
                                                       const std::vector<std::string>& hops) {
    std::string output_port;
    if (row.output_port) output_port = p.router_port(*row.output_port).name;
    std::vector<std::pair<std::string, Outlet>> out;
    for (const std::string& hop : hops) {
        auto outlet = find_outlet(p, router, hop, output_port);
        if (!outlet) {
            p.complaints.emit(
                fmt::format("Logical_Router_Policy {}: no path to next hop {}", row.uuid.to_string(), hop));
        } else if (!is_down(p, row, hop, *outlet)) {
            out.emplace_back(hop, *outlet);
        }
    }
    return out;
}

void reroute(Program& p, FlowWriter& f, const Uuid& router, const nb::LogicalRouterPolicy& row,
             const std::string& match) {
    std::vector<std::string> hops(row.nexthops.begin(), row.nexthops.end());
    if (hops.empty() && row.nexthop) hops.push_back(*row.nexthop);
    std::vector<std::pair<std::string, Outlet>> outlets = outlets_of(p, router, row, hops);
    if (outlets.empty()) return;
    auto priority = static_cast<uint16_t>(row.priority);
    if (outlets.size() == 1) {
        f.add(Stage::kRouterInPolicy, priority, match,
              pkt_mark(row) + reroute_action(p, outlets[0].second, outlets[0].first) +
                  " reg8[0..15] = 0; next;");
        return;
    }
    int64_t group = ecmp_policy_number(p, router, row.uuid);
    std::string members;
    for (size_t i = 1; i <= outlets.size(); ++i) members += fmt::format("{}{}", i == 1 ? "" : ", ", i);
    f.add(Stage::kRouterInPolicy, priority, match,
          fmt::format("reg8[0..15] = {}; reg8[16..31] = select({});", group, members));
    for (size_t i = 0; i < outlets.size(); ++i) {
        f.add(Stage::kRouterInPolicyEcmp, 100,
              fmt::format("reg8[0..15] == {} && reg8[16..31] == {}", group, i + 1),
              pkt_mark(row) + reroute_action(p, outlets[i].second, outlets[i].first) + " next;");
    }
}

}  // namespace

void flows_of_policy(Program& p, const Uuid& uuid) {
    const nb::LogicalRouterPolicy* row = p.in.policies.get(uuid);
    if (!row) return;
    auto priority = static_cast<uint16_t>(row->priority);
    for (const Uuid& router : p.router_of_policy[uuid]) {
        FlowWriter f(p.flows, router, uuid);
        std::string match = policy_match(p, router, *row);
        if (row->action == "allow") {
            f.add(Stage::kRouterInPolicy, priority, match, pkt_mark(*row) + "reg8[0..15] = 0; next;");
        } else if (row->action == "drop") {
            f.add(Stage::kRouterInPolicy, priority, match, "drop;");
        } else if (row->action == "reroute") {
            reroute(p, f, router, *row, match);
        } else if (row->action == "jump") {
            jump(p, f, router, *row, match);
        } else {
            p.complaints.emit(
                fmt::format("Logical_Router_Policy {}: action {} is not supported; it is left out",
                            uuid.to_string(), row->action));
        }
    }
}

}  // namespace weft::northd
