// Logical switches: ls-add ls-del ls-list.

#include "cli/nbctl/common.h"

namespace weft::cli::nbctl {
namespace {

Result<void> need_names(CtlContext& context) {
    context.need(nb::LogicalSwitch::kName);
    return {};
}

bool name_taken(CtlContext& context, const std::string& name) {
    bool taken = false;
    context.transaction().for_each_equal(nb::LogicalSwitch::kName, name,
                                         [&](const nb::LogicalSwitch&) { taken = true; });
    return taken;
}

Result<void> run_add(CtlContext& context) {
    bool may_exist = context.has("--may-exist"), add_duplicate = context.has("--add-duplicate");
    if (may_exist && add_duplicate) return Error{"--may-exist and --add-duplicate may not be used together"};
    if (!context.size() && may_exist) return Error{"--may-exist requires specifying a name"};
    if (!context.size() && add_duplicate) return Error{"--add-duplicate requires specifying a name"};
    if (context.size() && !add_duplicate && name_taken(context, context[0])) {
        if (may_exist) return {};
        return Error{fmt::format("{}: a switch with this name already exists", context[0])};
    }
    Uuid uuid = context.transaction().insert<nb::LogicalSwitch>();
    if (context.size()) context.transaction().set(uuid, nb::LogicalSwitch::kName, context[0]);
    return {};
}

Result<void> run_del(CtlContext& context) {
    WEFT_ASSIGN(const nb::LogicalSwitch* row,
                find_row(context, nb::LogicalSwitch::kName, context[0], "logical switches"));
    if (!row && context.has("--if-exists")) return {};
    if (!row) return Error{fmt::format("{}: switch name not found", context[0])};
    context.transaction().erase<nb::LogicalSwitch>(Uuid(row->uuid));
    return {};
}

Result<void> run_list(CtlContext& context) {
    std::vector<NamedLine> lines;
    for (const nb::LogicalSwitch* row : context.rows<nb::LogicalSwitch>())
        lines.push_back({row->name, row->uuid});
    print_named(context, std::move(lines));
    return {};
}

constexpr CtlCommand kCommands[] = {
    {"ls-add", 0, 1, "[SWITCH]", "--may-exist,--add-duplicate", true, need_names, run_add, nullptr,
     "Create a logical switch."},
    {"ls-del", 1, 1, "SWITCH", "--if-exists", true, need_names, run_del, nullptr,
     "Delete a logical switch and its ports."},
    {"ls-list", 0, 0, "", "", false, need_names, run_list, nullptr, "Print all logical switches."},
};

}  // namespace

std::span<const CtlCommand> switch_commands() {
    return kCommands;
}

}  // namespace weft::cli::nbctl
