// get-manager, del-manager and set-manager, which ovs-vsctl and vtep-ctl have alike: who reaches the
// database.

#pragma once

#include <algorithm>
#include <cstdlib>

#include "cli/ctl/command.h"

namespace weft::cli {

// `Column`: the address of Root's column of managers; `check` warns of targets that look wrong.
template <typename Root, typename Manager, auto* Column, void (*check)(CtlContext&, const std::string&)>
struct ManagerCommands {
    static Uuid root(CtlContext& context) {
        Uuid found;
        context.transaction().for_each<Root>([&](const Root& row) { found = row.uuid; });
        return found;
    }

    static Result<void> need(CtlContext& context) {
        context.need(*Column);
        context.need(Manager::kTarget, Manager::kInactivityProbe);
        return {};
    }

    static Result<void> get(CtlContext& context) {
        std::vector<std::string> targets;
        for (const Manager* manager : context.rows<Manager>()) targets.push_back(manager->target);
        std::sort(targets.begin(), targets.end());
        for (const std::string& target : targets) context.output += target + '\n';
        return {};
    }

    static Result<void> del(CtlContext& context) {
        db::Transaction& txn = context.transaction();
        Uuid owner = root(context);
        ovsdb::Set<Uuid> managers = context.row<Root>(owner)->*Column->member;
        for (const Uuid& uuid : managers) {
            if (context.row<Manager>(uuid)) txn.erase<Manager>(uuid);
        }
        txn.set(owner, *Column, {});
        return {};
    }

    static Result<void> set(CtlContext& context) {
        WEFT_TRY(del(context));
        db::Transaction& txn = context.transaction();
        ovsdb::Set<Uuid> managers;
        for (const std::string& target : context.arguments) {
            check(context, target);
            Uuid manager = txn.insert<Manager>();
            txn.set(manager, Manager::kTarget, target);
            if (context.has("--inactivity-probe")) {
                txn.set(manager, Manager::kInactivityProbe,
                        std::atoll(std::string(context.option("--inactivity-probe")).c_str()));
            }
            managers.insert(manager);
        }
        txn.set(root(context), *Column, managers);
        return {};
    }
};

}  // namespace weft::cli
