// Logical routers: lr-add lr-del lr-list.

#include "cli/nbctl/common.h"

namespace weft::cli::nbctl {
namespace {

Result<void> need_names(CtlContext& context) {
    context.need(nb::LogicalRouter::kName);
    return {};
}

bool name_taken(CtlContext& context, const std::string& name) {
    bool taken = false;
    context.transaction().for_each_equal(nb::LogicalRouter::kName, name,
                                         [&](const nb::LogicalRouter&) { taken = true; });
    return taken;
}

Result<void> run_add(CtlContext& context) {
    bool may_exist = context.has("--may-exist"), add_duplicate = context.has("--add-duplicate");
    if (may_exist && add_duplicate) return Error{"--may-exist and --add-duplicate may not be used together"};
    if (!context.size() && may_exist) return Error{"--may-exist requires specifying a name"};
    if (!context.size() && add_duplicate) return Error{"--add-duplicate requires specifying a name"};
    if (context.size() && !add_duplicate && name_taken(context, context[0])) {
        if (may_exist) return {};
        return Error{fmt::format("{}: a router with this name already exists", context[0])};
    }
    Uuid uuid = context.transaction().insert<nb::LogicalRouter>();
    if (context.size()) context.transaction().set(uuid, nb::LogicalRouter::kName, context[0]);
    return {};
}

Result<void> run_del(CtlContext& context) {
    WEFT_ASSIGN(const nb::LogicalRouter* row,
                find_row(context, nb::LogicalRouter::kName, context[0], "logical routers"));
    if (!row && context.has("--if-exists")) return {};
    if (!row) return Error{fmt::format("{}: router name not found", context[0])};
    context.transaction().erase<nb::LogicalRouter>(Uuid(row->uuid));
    return {};
}

Result<void> run_list(CtlContext& context) {
    std::vector<NamedLine> lines;
    for (const nb::LogicalRouter* row : context.rows<nb::LogicalRouter>())
        lines.push_back({row->name, row->uuid});
    print_named(context, std::move(lines));
    return {};
}

constexpr CtlCommand kCommands[] = {
    {"lr-add", 0, 1, "[ROUTER]", "--may-exist,--add-duplicate", true, need_names, run_add, nullptr,
     "Create a logical router."},
    {"lr-del", 1, 1, "ROUTER", "--if-exists", true, need_names, run_del, nullptr,
     "Delete a logical router and its ports."},
    {"lr-list", 0, 0, "", "", false, need_names, run_list, nullptr, "Print all logical routers."},
};

}  // namespace

std::span<const CtlCommand> router_commands() {
    return kCommands;
}

}  // namespace weft::cli::nbctl
