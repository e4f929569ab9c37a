// How controllers reach the database: get-manager del-manager set-manager.

#include "cli/ctl/managers.h"
#include "cli/vtepctl/commands.h"
#include "net/stream.h"

namespace weft::cli::vtepctl {
namespace {

void check_target(CtlContext& context, const std::string& target) {
    if (!net::is_active_name(target) && !net::is_passive_name(target))
        context.warn("target type \"{}\" is possibly erroneous", target);
}

using Managers = ManagerCommands<vt::Global, vt::Manager, &vt::Global::kManagers, check_target>;

constexpr CtlCommand kCommands[] = {
    {"get-manager", 0, 0, "", "", false, Managers::need, Managers::get, nullptr,
     "Print the database's managers."},
    {"del-manager", 0, 0, "", "", true, Managers::need, Managers::del, nullptr,
     "Take away the database's managers."},
    {"set-manager", 1, -1, "TARGET...", "--inactivity-probe=", true, Managers::need, Managers::set, nullptr,
     "Set the database's managers."},
};

}  // namespace

std::span<const CtlCommand> manager_commands() {
    return kCommands;
}

}  // namespace weft::cli::vtepctl
