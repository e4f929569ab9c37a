// Transit switches: ts-add ts-del ts-list, and init and sync.

#include "cli/ic_nbctl/named_rows.h"

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

Result<void> run_add(CtlContext& context) {
    return add_named<icnb::TransitSwitch>(context, "transit switch");
}

Result<void> run_del(CtlContext& context) {
    return delete_named<icnb::TransitSwitch>(context, "switch");
}

Result<void> run_list(CtlContext& context) {
    print_named(context, context.rows<icnb::TransitSwitch>());
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
