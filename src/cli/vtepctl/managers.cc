// How controllers reach the database: get-manager del-manager set-manager.

#include <cstdlib>

#include "cli/vtepctl/commands.h"
#include "net/stream.h"

namespace weft::cli::vtepctl {
namespace {

Result<void> need_managers(CtlContext& context) {
    context.need(vt::Global::kManagers);
    context.need(vt::Manager::kTarget, vt::Manager::kInactivityProbe);
    return {};
}

Result<void> run_get_manager(CtlContext& context) {
    std::vector<std::string> targets;
    for (const vt::Manager* manager : context.rows<vt::Manager>()) targets.push_back(manager->target);
    std::sort(targets.begin(), targets.end());
    for (const std::string& target : targets) context.output += target + '\n';
    return {};
}

Result<void> run_del_manager(CtlContext& context) {
    db::Transaction& txn = context.transaction();
    Uuid global = root(txn);
    ovsdb::Set<Uuid> managers = context.row<vt::Global>(global)->managers;
    for (const Uuid& uuid : managers) {
        if (context.row<vt::Manager>(uuid)) txn.erase<vt::Manager>(uuid);
    }
    txn.set(global, vt::Global::kManagers, {});
    return {};
}

Result<void> run_set_manager(CtlContext& context) {
    WEFT_TRY(run_del_manager(context));
    db::Transaction& txn = context.transaction();
    ovsdb::Set<Uuid> managers;
    for (const std::string& target : context.arguments) {
        if (!net::is_active_name(target) && !net::is_passive_name(target))
            context.warn("target type \"{}\" is possibly erroneous", target);
        Uuid manager = txn.insert<vt::Manager>();
        txn.set(manager, vt::Manager::kTarget, target);
        if (context.has("--inactivity-probe")) {
            txn.set(manager, vt::Manager::kInactivityProbe,
                    std::atoll(std::string(context.option("--inactivity-probe")).c_str()));
        }
        managers.insert(manager);
    }
    txn.set(root(txn), vt::Global::kManagers, managers);
    return {};
}

constexpr CtlCommand kCommands[] = {
    {"get-manager", 0, 0, "", "", false, need_managers, run_get_manager, nullptr,
     "Print the database's managers."},
    {"del-manager", 0, 0, "", "", true, need_managers, run_del_manager, nullptr,
     "Take away the database's managers."},
    {"set-manager", 1, -1, "TARGET...", "--inactivity-probe=", true, need_managers, run_set_manager, nullptr,
     "Set the database's managers."},
};

}  // namespace

std::span<const CtlCommand> manager_commands() {
    return kCommands;
}

}  // namespace weft::cli::vtepctl
