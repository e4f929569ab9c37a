// Routing policies: lr-policy-*.

#include "cli/nbctl/common.h"

namespace weft::cli::nbctl {
namespace {

using Policy = nb::LogicalRouterPolicy;

Result<void> need_policies(CtlContext& context) {
    context.need(nb::LogicalRouter::kName, nb::LogicalRouter::kPolicies);
    context.need(Policy::kPriority, Policy::kMatch, Policy::kAction, Policy::kNexthop, Policy::kNexthops,
                 Policy::kOptions);
    context.need(Policy::kChain, Policy::kJumpChain, Policy::kOutputPort, Policy::kBfdSessions);
    if (context.has("--output-port") || context.has("--bfd")) {
        context.need(nb::LogicalRouter::kPorts);
        context.need(nb::LogicalRouterPort::kName);
    }
    if (context.has("--bfd")) context.need(nb::BFD::kLogicalPort, nb::BFD::kDstIp);
    return {};
}

std::vector<const Policy*> policies_of(CtlContext& context, const nb::LogicalRouter& router) {
    std::vector<const Policy*> out;
    for (const Uuid& uuid : router.policies) {
        if (const Policy* policy = context.row<Policy>(uuid)) out.push_back(policy);
    }
    return out;
}

std::string_view chain_of(const Policy& policy) {
    return policy.chain ? std::string_view(*policy.chain) : "";
}

// --output-port: by which packets leave.
Result<std::optional<Uuid>> output_port(CtlContext& context, const nb::LogicalRouter& router) {
    if (!context.has("--output-port")) return std::optional<Uuid>();
    WEFT_ASSIGN(const nb::LogicalRouterPort* port, get_router_port(context, context.option("--output-port")));
    if (!router.ports.contains(port->uuid))
        return Error{fmt::format("{} is not a port of router {}", port->name, context[0])};
    return std::optional<Uuid>(port->uuid);
}

// --bfd: the sessions with the next hops, those that there are or, by --output-port, new ones; --bfd=UUID:
// that one.
Result<ovsdb::Set<Uuid>> bfd_sessions(CtlContext& context, const ovsdb::Set<std::string>& nexthops) {
    ovsdb::Set<Uuid> out;
    if (!context.has("--bfd")) return out;
    if (nexthops.empty()) return Error{"--bfd is for policies with next hops"};
    std::string_view id = context.option("--bfd"), port = context.option("--output-port");
    if (!id.empty()) {
        std::optional<Uuid> uuid = Uuid::parse(id);
        if (!uuid || !context.row<nb::BFD>(*uuid))
            return Error{fmt::format("no entry found in the BFD table for {}", id)};
        out.insert(*uuid);
        return out;
    }
    db::Transaction& txn = context.transaction();
    for (const std::string& nexthop : nexthops) {
        Uuid found;
        txn.for_each_equal(nb::BFD::kDstIp, nexthop, [&](const nb::BFD& row) {
            if (port.empty() || row.logical_port == port) found = row.uuid;
        });
        if (found.is_zero() && port.empty()) {
            return Error{
                fmt::format("no BFD session with {}: --output-port tells where one is to be made", nexthop)};
        }
        if (found.is_zero()) {
            found = txn.insert<nb::BFD>();
            txn.set(found, nb::BFD::kDstIp, nexthop);
            txn.set(found, nb::BFD::kLogicalPort, std::string(port));
        }
        out.insert(found);
    }
    return out;
}

Result<void> run_add(CtlContext& context) {
    WEFT_ASSIGN(const nb::LogicalRouter* router, get_router(context, context[0]));
    WEFT_ASSIGN(int64_t priority, parse_priority(context[1]));
    const std::string &match = context[2], &action = context[3];
    if (action != "allow" && action != "drop" && action != "reroute" && action != "jump") {
        return Error{
            fmt::format("{}: action must be one of \"allow\", \"drop\", \"jump\", and \"reroute\"", action)};
    }
    std::string chain(context.option("--chain"));
    size_t options = 4;
    ovsdb::Set<std::string> nexthops;
    if (action == "reroute") {
        if (context.size() < 5) return Error{"Nexthop is required when action is reroute."};
        for (const std::string& each : split(context[4], ',')) {
            std::string nexthop = normal_address(each);
            if (nexthop.empty()) return Error{fmt::format("bad next hop argument: {}", each)};
            nexthops.insert(nexthop);
        }
        options = 5;
    }
    std::optional<std::string> jump;
    if (action == "jump") {
        if (context.size() < 5) return Error{"a chain is required when action is jump"};
        jump = context[4];
        options = 5;
    }
    WEFT_ASSIGN(std::optional<Uuid> port, output_port(context, *router));
    for (const Policy* policy : policies_of(context, *router)) {
        if (policy->priority != priority || policy->match != match) continue;
        if (chain_of(*policy) != chain) continue;
        if (context.has("--may-exist")) return {};
        return Error{
            fmt::format("Same routing policy already existed on the logical router {}.", context[0])};
    }
    db::Transaction& txn = context.transaction();
    Uuid owner = router->uuid;
    WEFT_ASSIGN(ovsdb::Set<Uuid> sessions, bfd_sessions(context, nexthops));
    Uuid uuid = txn.insert<Policy>();
    txn.set(uuid, Policy::kPriority, priority);
    txn.set(uuid, Policy::kMatch, match);
    txn.set(uuid, Policy::kAction, action);
    if (!nexthops.empty()) txn.set(uuid, Policy::kNexthops, nexthops);
    if (!chain.empty()) txn.set(uuid, Policy::kChain, std::optional<std::string>(chain));
    if (jump) txn.set(uuid, Policy::kJumpChain, jump);
    if (port) txn.set(uuid, Policy::kOutputPort, port);
    if (!sessions.empty()) txn.set(uuid, Policy::kBfdSessions, sessions);
    if (context.size() > options) txn.set(uuid, Policy::kOptions, parse_pairs(context, options));
    txn.add(owner, nb::LogicalRouter::kPolicies, uuid);
    return {};
}

Result<void> run_del(CtlContext& context) {
    WEFT_ASSIGN(const nb::LogicalRouter* router, get_router(context, context[0]));
    Uuid owner = router->uuid;
    std::optional<Uuid> uuid = context.size() == 2 ? Uuid::parse(context[1]) : std::nullopt;
    int64_t priority = 0;
    if (context.size() > 1 && !uuid) {
        WEFT_ASSIGN(priority, parse_priority(context[1]));
    }
    std::vector<Uuid> gone;
    for (const Policy* policy : policies_of(context, *router)) {
        if (uuid && policy->uuid != *uuid) continue;
        if (context.has("--chain") && chain_of(*policy) != context.option("--chain")) continue;
        if (context.size() > 1 && !uuid && policy->priority != priority) continue;
        if (context.size() > 2 && policy->match != context[2]) continue;
        gone.push_back(policy->uuid);
    }
    if (uuid && gone.empty() && !context.has("--if-exists")) {
        return Error{fmt::format("Logical router policy uuid is not found.")};
    }
    for (const Uuid& each : gone) context.transaction().remove(owner, nb::LogicalRouter::kPolicies, each);
    return {};
}

Result<void> run_list(CtlContext& context) {
    WEFT_ASSIGN(const nb::LogicalRouter* router, get_router(context, context[0]));
    std::vector<const Policy*> policies = policies_of(context, *router);
    if (policies.empty()) return {};
    std::sort(policies.begin(), policies.end(), [](auto* a, auto* b) {
        if (chain_of(*a) != chain_of(*b)) return chain_of(*a) < chain_of(*b);
        return a->priority != b->priority ? a->priority > b->priority : a->match < b->match;
    });
    context.output = "Routing Policies\n";
    std::string_view chain;
    for (const Policy* policy : policies) {
        if (chain_of(*policy) != chain) {
            chain = chain_of(*policy);
            context.output += fmt::format("Chain {}:\n", chain);
        }
        context.output += fmt::format("{:10} {:>50} {:>15}", policy->priority, policy->match, policy->action);
        std::string nexthops, options;
        for (const std::string& each : policy->nexthops) nexthops += (nexthops.empty() ? "" : ", ") + each;
        if (nexthops.empty() && policy->nexthop) nexthops = *policy->nexthop;
        for (const auto& [key, value] : policy->options) {
            options += fmt::format("{}{}={}", options.empty() ? "" : ",", key, value);
        }
        if (!nexthops.empty()) {
            size_t width =
                policy->nexthops.size() > 1 ? 25 + nexthops.size() - policy->nexthops[0].size() : 25;
            context.output += fmt::format(" {:>{}}", nexthops, width);
        }
        if (policy->jump_chain) context.output += fmt::format(" {:>25}", *policy->jump_chain);
        if (!options.empty()) context.output += fmt::format("{:15}{}", "", options);
        context.output += '\n';
    }
    return {};
}

constexpr CtlCommand kCommands[] = {
    {"lr-policy-add", 4, -1, "ROUTER PRIORITY MATCH ACTION [{NEXTHOP[,NEXTHOP]... | CHAIN}] [KEY=VALUE]...",
     "--may-exist,--chain=,--output-port=,--bfd?", true, need_policies, run_add, nullptr,
     "Add a routing policy: allow, drop, reroute or jump (to the policies of another chain)."},
    {"lr-policy-del", 1, 3, "ROUTER [{PRIORITY | UUID} [MATCH]]", "--if-exists,--chain=", true, need_policies,
     run_del, nullptr, "Delete routing policies."},
    {"lr-policy-list", 1, 1, "ROUTER", "", false, need_policies, run_list, nullptr,
     "Print a router's policies."},
};

}  // namespace

std::span<const CtlCommand> policy_commands() {
    return kCommands;
}

}  // namespace weft::cli::nbctl
