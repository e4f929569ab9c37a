// Middleboxes and groups of them: nf-*, nfg-*.

#include "cli/nbctl/common.h"

namespace weft::cli::nbctl {
namespace {

using Function = nb::NetworkFunction;
using Group = nb::NetworkFunctionGroup;

Result<void> need_functions(CtlContext& context) {
    context.need(nb::LogicalSwitchPort::kName);
    context.need(Function::kName, Function::kId, Function::kInport, Function::kOutport);
    return {};
}

Result<void> need_groups(CtlContext& context) {
    context.need(Function::kName);
    context.need(Group::kName, Group::kId, Group::kMode, Group::kFallback, Group::kNetworkFunction,
                 Group::kNetworkFunctionActive);
    return {};
}

auto find_function(CtlContext& context, std::string_view id) {
    return find_row(context, Function::kName, id, "network functions");
}
auto get_function(CtlContext& context, std::string_view id) {
    return get_row(context, Function::kName, id, "network functions", "network function");
}
auto find_group(CtlContext& context, std::string_view id) {
    return find_row(context, Group::kName, id, "network function groups");
}
auto get_group(CtlContext& context, std::string_view id) {
    return get_row(context, Group::kName, id, "network function groups", "network function group");
}

Result<int64_t> parse_id(std::string_view text) {
    std::optional<int64_t> id = parse_number(text, 1, 255);
    if (!id) return Error{fmt::format("{}: id must be in the range 1...255", text)};
    return *id;
}

// --- functions

Result<void> run_nf_add(CtlContext& context) {
    WEFT_ASSIGN(const Function* existing, find_function(context, context[0]));
    if (existing && !context.has("--may-exist"))
        return Error{fmt::format("{}: a network function with this name already exists", context[0])};
    WEFT_ASSIGN(int64_t id, parse_id(context[1]));
    WEFT_ASSIGN(const nb::LogicalSwitchPort* in, get_switch_port(context, context[2]));
    Uuid inport = in->uuid;
    std::optional<Uuid> outport;
    if (context.size() > 3) {
        WEFT_ASSIGN(const nb::LogicalSwitchPort* out, get_switch_port(context, context[3]));
        outport = out->uuid;
        if (*outport == inport)
            return Error{fmt::format("{}: the two ports of a network function must differ", context[3])};
    }
    db::Transaction& txn = context.transaction();
    Uuid uuid = existing ? Uuid(existing->uuid) : txn.insert<Function>();
    txn.set(uuid, Function::kName, context[0]);
    txn.set(uuid, Function::kId, id);
    txn.set(uuid, Function::kInport, inport);
    txn.set(uuid, Function::kOutport, outport);
    return {};
}

Result<void> run_nf_del(CtlContext& context) {
    WEFT_ASSIGN(const Function* function, find_function(context, context[0]));
    if (!function && context.has("--if-exists")) return {};
    if (!function) return Error{fmt::format("{}: network function name not found", context[0])};
    context.transaction().erase<Function>(Uuid(function->uuid));
    return {};
}

std::string port_name(CtlContext& context, const Uuid& uuid) {
    const nb::LogicalSwitchPort* port = context.row<nb::LogicalSwitchPort>(uuid);
    return port ? port->name : uuid.to_string();
}

Result<void> run_nf_list(CtlContext& context) {
    std::vector<const Function*> functions = context.rows<Function>();
    std::stable_sort(functions.begin(), functions.end(), [](auto* a, auto* b) { return a->name < b->name; });
    for (const Function* function : functions) {
        context.output += fmt::format("{} ({}) id={} inport={}", function->uuid.to_string(), function->name,
                                      function->id, port_name(context, function->inport));
        if (function->outport)
            context.output += fmt::format(" outport={}", port_name(context, *function->outport));
        context.output += '\n';
    }
    return {};
}

// --- groups

Result<void> run_nfg_add(CtlContext& context) {
    WEFT_ASSIGN(const Group* existing, find_group(context, context[0]));
    if (existing && !context.has("--may-exist"))
        return Error{fmt::format("{}: a network function group with this name already exists", context[0])};
    WEFT_ASSIGN(int64_t id, parse_id(context[1]));
    const std::string& mode = context[2];
    if (mode != "inline" && mode != "vtap")
        return Error{fmt::format("{}: mode must be \"inline\" or \"vtap\"", mode)};
    std::string_view fallback = context.option("--fallback");
    if (context.has("--fallback") && fallback != "fail-open" && fallback != "fail-close")
        return Error{fmt::format("{}: fallback must be \"fail-open\" or \"fail-close\"", fallback)};
    Uuid uuid = existing ? Uuid(existing->uuid) : Uuid();
    ovsdb::Set<Uuid> functions;
    for (size_t i = 3; i < context.size(); i++) {
        WEFT_ASSIGN(const Function* function, get_function(context, context[i]));
        functions.insert(function->uuid);
    }
    db::Transaction& txn = context.transaction();
    if (uuid.is_zero()) uuid = txn.insert<Group>();
    txn.set(uuid, Group::kName, context[0]);
    txn.set(uuid, Group::kId, id);
    txn.set(uuid, Group::kMode, mode);
    if (context.has("--fallback")) txn.set(uuid, Group::kFallback, std::string(fallback));
    txn.set(uuid, Group::kNetworkFunction, functions);
    return {};
}

Result<void> run_nfg_del(CtlContext& context) {
    WEFT_ASSIGN(const Group* group, find_group(context, context[0]));
    if (!group && context.has("--if-exists")) return {};
    if (!group) return Error{fmt::format("{}: network function group name not found", context[0])};
    context.transaction().erase<Group>(Uuid(group->uuid));
    return {};
}

Result<void> run_nfg_add_nf(CtlContext& context) {
    WEFT_ASSIGN(const Group* group, get_group(context, context[0]));
    WEFT_ASSIGN(const Function* function, get_function(context, context[1]));
    if (group->network_function.contains(function->uuid)) {
        if (context.has("--may-exist")) return {};
        return Error{fmt::format("network function {} is already in the group {}", context[1], context[0])};
    }
    context.transaction().add(Uuid(group->uuid), Group::kNetworkFunction, function->uuid);
    return {};
}

Result<void> run_nfg_del_nf(CtlContext& context) {
    WEFT_ASSIGN(const Group* group, get_group(context, context[0]));
    WEFT_ASSIGN(const Function* function, get_function(context, context[1]));
    if (!group->network_function.contains(function->uuid)) {
        if (context.has("--if-exists")) return {};
        return Error{fmt::format("network function {} is not in the group {}", context[1], context[0])};
    }
    context.transaction().remove(Uuid(group->uuid), Group::kNetworkFunction, function->uuid);
    return {};
}

Result<void> run_nfg_list(CtlContext& context) {
    std::vector<const Group*> groups = context.rows<Group>();
    std::stable_sort(groups.begin(), groups.end(), [](auto* a, auto* b) { return a->name < b->name; });
    for (const Group* group : groups) {
        context.output += fmt::format("{} ({}) id={} mode={}", group->uuid.to_string(), group->name,
                                      group->id, group->mode);
        if (group->fallback) context.output += " fallback=" + *group->fallback;
        context.output += '\n';
        std::vector<std::string> lines;
        for (const Uuid& uuid : group->network_function) {
            const Function* function = context.row<Function>(uuid);
            bool active = group->network_function_active == std::optional<Uuid>(uuid);
            lines.push_back((function ? function->name : uuid.to_string()) + (active ? " (active)" : ""));
        }
        std::sort(lines.begin(), lines.end());
        for (const std::string& line : lines) context.output += fmt::format("    {}\n", line);
    }
    return {};
}

constexpr CtlCommand kCommands[] = {
    {"nf-add", 3, 4, "FUNCTION ID INPORT [OUTPORT]", "--may-exist", true, need_functions, run_nf_add, nullptr,
     "Create a network function: packets go to it by one port and come back by the other."},
    {"nf-del", 1, 1, "FUNCTION", "--if-exists", true, need_functions, run_nf_del, nullptr,
     "Delete a network function."},
    {"nf-list", 0, 0, "", "", false, need_functions, run_nf_list, nullptr, "Print all network functions."},
    {"nfg-add", 3, -1, "GROUP ID MODE [FUNCTION]...", "--may-exist,--fallback=", true, need_groups,
     run_nfg_add, nullptr,
     "Create a group of network functions, of which one is in use: packets run through it (inline) or are "
     "copied to it (vtap)."},
    {"nfg-del", 1, 1, "GROUP", "--if-exists", true, need_groups, run_nfg_del, nullptr,
     "Delete a group of network functions."},
    {"nfg-add-nf", 2, 2, "GROUP FUNCTION", "--may-exist", true, need_groups, run_nfg_add_nf, nullptr,
     "Add a network function to a group."},
    {"nfg-del-nf", 2, 2, "GROUP FUNCTION", "--if-exists", true, need_groups, run_nfg_del_nf, nullptr,
     "Take a network function out of a group."},
    {"nfg-list", 0, 0, "", "", false, need_groups, run_nfg_list, nullptr,
     "Print all groups of network functions and which of them is active."},
};

}  // namespace

std::span<const CtlCommand> network_function_commands() {
    return kCommands;
}

}  // namespace weft::cli::nbctl
