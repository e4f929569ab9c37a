// Routing policies: lr-policy-*.

#include "cli/nbctl/common.h"

namespace weft::cli::nbctl {
namespace {

using Policy = nb::LogicalRouterPolicy;

Result<void> need_policies(CtlContext& context) {
    context.need(nb::LogicalRouter::kName, nb::LogicalRouter::kPolicies);
    context.need(Policy::kPriority, Policy::kMatch, Policy::kAction, Policy::kNexthop, Policy::kNexthops,
                 Policy::kOptions);
    return {};
}

std::vector<const Policy*> policies_of(CtlContext& context, const nb::LogicalRouter& router) {
    std::vector<const Policy*> out;
    for (const Uuid& uuid : router.policies) {
        if (const Policy* policy = context.row<Policy>(uuid)) out.push_back(policy);
    }
    return out;
}

Result<void> run_add(CtlContext& context) {
    WEFT_ASSIGN(const nb::LogicalRouter* router, get_router(context, context[0]));
    WEFT_ASSIGN(int64_t priority, parse_priority(context[1]));
    const std::string &match = context[2], &action = context[3];
    if (action != "allow" && action != "drop" && action != "reroute") {
        return Error{fmt::format("{}: action must be one of \"allow\", \"drop\", and \"reroute\"", action)};
    }
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
    for (const Policy* policy : policies_of(context, *router)) {
        if (policy->priority != priority || policy->match != match) continue;
        if (context.has("--may-exist")) return {};
        return Error{
            fmt::format("Same routing policy already existed on the logical router {}.", context[0])};
    }
    db::Transaction& txn = context.transaction();
    Uuid owner = router->uuid;
    Uuid uuid = txn.insert<Policy>();
    txn.set(uuid, Policy::kPriority, priority);
    txn.set(uuid, Policy::kMatch, match);
    txn.set(uuid, Policy::kAction, action);
    if (!nexthops.empty()) txn.set(uuid, Policy::kNexthops, nexthops);
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
        return a->priority != b->priority ? a->priority > b->priority : a->match < b->match;
    });
    context.output = "Routing Policies\n";
    for (const Policy* policy : policies) {
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
        if (!options.empty()) context.output += fmt::format("{:15}{}", "", options);
        context.output += '\n';
    }
    return {};
}

constexpr CtlCommand kCommands[] = {
    {"lr-policy-add", 4, -1, "ROUTER PRIORITY MATCH ACTION [NEXTHOP[,NEXTHOP]...] [KEY=VALUE]...",
     "--may-exist", true, need_policies, run_add, nullptr, "Add a routing policy: allow, drop or reroute."},
    {"lr-policy-del", 1, 3, "ROUTER [{PRIORITY | UUID} [MATCH]]", "--if-exists", true, need_policies, run_del,
     nullptr, "Delete routing policies."},
    {"lr-policy-list", 1, 1, "ROUTER", "", false, need_policies, run_list, nullptr,
     "Print a router's policies."},
};

}  // namespace

std::span<const CtlCommand> policy_commands() {
    return kCommands;
}

}  // namespace weft::cli::nbctl
