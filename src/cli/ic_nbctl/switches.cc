// Transit switches: ts-add ts-del ts-list, and init and sync.

#include <fmt/format.h>

#include <algorithm>

#include "cli/ic_nbctl/commands.h"

namespace weft::cli::ic_nbctl {
namespace {

Result<void> run_init(CtlContext&) {
    return {};
}  // any command makes the root row

Result<void> need_names(CtlContext& context) {
    context.need(icnb::TransitSwitch::kName);
    return {};
}

Result<void> run_sync(CtlContext& context) {
    context.session().forced_wait = true;
    return {};
}

// The switch of a uuid or a name, or nullptr.
const icnb::TransitSwitch* find_switch(CtlContext& context, std::string_view id) {
    if (std::optional<Uuid> uuid = Uuid::parse(id)) {
        if (const auto* row = context.row<icnb::TransitSwitch>(*uuid)) return row;
    }
    const icnb::TransitSwitch* found = nullptr;
    context.transaction().for_each_equal(icnb::TransitSwitch::kName, std::string(id),
                                         [&](const icnb::TransitSwitch& row) { found = &row; });
    return found;
}

Result<void> run_add(CtlContext& context) {
    bool taken = false;
    context.transaction().for_each_equal(icnb::TransitSwitch::kName, context[0],
                                         [&](const icnb::TransitSwitch&) { taken = true; });
    if (taken && context.has("--may-exist")) return {};
    if (taken) return Error{fmt::format("{}: a transit switch with this name already exists", context[0])};
    Uuid uuid = context.transaction().insert<icnb::TransitSwitch>();
    context.transaction().set(uuid, icnb::TransitSwitch::kName, context[0]);
    return {};
}

Result<void> run_del(CtlContext& context) {
    const icnb::TransitSwitch* row = find_switch(context, context[0]);
    if (!row && context.has("--if-exists")) return {};
    if (!row) return Error{fmt::format("{}: switch name not found", context[0])};
    context.transaction().erase<icnb::TransitSwitch>(Uuid(row->uuid));
    return {};
}

std::vector<const icnb::TransitSwitch*> sorted(CtlContext& context) {
    auto rows = context.rows<icnb::TransitSwitch>();
    std::stable_sort(rows.begin(), rows.end(),
                     [](const auto* a, const auto* b) { return a->name < b->name; });
    return rows;
}

Result<void> run_list(CtlContext& context) {
    for (const auto* row : sorted(context))
        context.output += fmt::format("{} ({})\n", row->uuid.to_string(), row->name);
    return {};
}

constexpr CtlCommand kCommands[] = {
    {"init", 0, 0, "", "", true, nullptr, run_init, nullptr,
     "Make the database's root row, if there is none."},
    {"sync", 0, 0, "", "", true, nullptr, run_sync, nullptr,
     "Wait as --wait says, for all earlier changes too."},
    {"ts-add", 1, 1, "SWITCH", "--may-exist", true, need_names, run_add, nullptr, "Create a transit switch."},
    {"ts-del", 1, 1, "SWITCH", "--if-exists", true, need_names, run_del, nullptr, "Delete a transit switch."},
    {"ts-list", 0, 0, "", "", false, need_names, run_list, nullptr, "Print all transit switches."},
};

}  // namespace

std::span<const CtlCommand> switch_commands() {
    return kCommands;
}

}  // namespace weft::cli::ic_nbctl
