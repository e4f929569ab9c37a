// Chassis and where ports are: chassis-add chassis-del lsp-bind lsp-unbind init.

#include <fmt/format.h>

#include "cli/sbctl/commands.h"

namespace weft::cli::sbctl {
namespace {

Result<void> run_init(CtlContext&) {
    return {};
}  // any command makes the root row

// --- chassis

Result<void> need_chassis(CtlContext& context) {
    context.need(sb::Chassis::kName, sb::Chassis::kEncaps);
    context.need(sb::ChassisPrivate::kName);
    return {};
}

const sb::Chassis* find_chassis(CtlContext& context, std::string_view name) {
    const sb::Chassis* found = nullptr;
    context.transaction().for_each_equal(sb::Chassis::kName, std::string(name),
                                         [&](const sb::Chassis& row) { found = &row; });
    return found;
}

Result<void> run_chassis_add(CtlContext& context) {
    const std::string& name = context[0];
    if (find_chassis(context, name)) {
        if (context.has("--may-exist")) return {};
        return Error{fmt::format("cannot create a chassis named {} because a chassis named {} already exists",
                                 name, name)};
    }
    db::Transaction& txn = context.transaction();
    Uuid chassis = txn.insert<sb::Chassis>();
    txn.set(chassis, sb::Chassis::kName, name);
    std::string_view types = context[1];
    while (!types.empty()) {
        std::string_view type = types.substr(0, types.find(','));
        types.remove_prefix(std::min(type.size() + 1, types.size()));
        if (type.empty()) continue;
        Uuid encap = txn.insert<sb::Encap>();
        txn.set(encap, sb::Encap::kType, std::string(type));
        txn.set(encap, sb::Encap::kIp, context[2]);
        txn.set(encap, sb::Encap::kOptions, {{"csum", "true"}});
        txn.set(encap, sb::Encap::kChassisName, name);
        txn.add(chassis, sb::Chassis::kEncaps, encap);
    }
    return {};
}

Result<void> run_chassis_del(CtlContext& context) {
    const sb::Chassis* chassis = find_chassis(context, context[0]);
    if (!chassis) {
        if (context.has("--if-exists")) return {};
        return Error{fmt::format("no chassis named {}", context[0])};
    }
    context.transaction().erase<sb::Chassis>(Uuid(chassis->uuid));  // its encaps go with it
    context.transaction().for_each_equal(
        sb::ChassisPrivate::kName, context[0],
        [&](const sb::ChassisPrivate& row) { context.transaction().erase<sb::ChassisPrivate>(row.uuid); });
    return {};
}

// --- port bindings

Result<void> need_bindings(CtlContext& context) {
    context.need(sb::PortBinding::kLogicalPort, sb::PortBinding::kChassis, sb::PortBinding::kUp);
    return need_chassis(context);
}

const sb::PortBinding* find_port(CtlContext& context, std::string_view name) {
    const sb::PortBinding* found = nullptr;
    context.transaction().for_each_equal(sb::PortBinding::kLogicalPort, std::string(name),
                                         [&](const sb::PortBinding& row) { found = &row; });
    return found;
}

Result<void> run_lsp_bind(CtlContext& context) {
    const sb::PortBinding* port = find_port(context, context[0]);
    if (!port) return Error{fmt::format("no port named {}", context[0])};
    const sb::Chassis* chassis = find_chassis(context, context[1]);
    if (!chassis) return Error{fmt::format("no chassis named {}", context[1])};
    if (port->chassis) {
        if (context.has("--may-exist") && *port->chassis == chassis->uuid) return {};
        const sb::Chassis* bound = context.row<sb::Chassis>(*port->chassis);
        return Error{fmt::format("lport ({}) has already been binded to chassis ({})", context[0],
                                 bound ? bound->name : port->chassis->to_string())};
    }
    Uuid uuid = port->uuid;
    context.transaction().set(uuid, sb::PortBinding::kChassis, chassis->uuid);
    context.transaction().set(uuid, sb::PortBinding::kUp, true);
    return {};
}

Result<void> run_lsp_unbind(CtlContext& context) {
    const sb::PortBinding* port = find_port(context, context[0]);
    if (!port) {
        if (context.has("--if-exists")) return {};
        return Error{fmt::format("no port named {}", context[0])};
    }
    Uuid uuid = port->uuid;
    context.transaction().set(uuid, sb::PortBinding::kChassis, {});
    context.transaction().set(uuid, sb::PortBinding::kUp, false);
    return {};
}

constexpr CtlCommand kCommands[] = {
    {"init", 0, 0, "", "", true, nullptr, run_init, nullptr,
     "Make the database's root row, if there is none."},
    {"chassis-add", 3, 3, "CHASSIS ENCAP-TYPE ENCAP-IP", "--may-exist", true, need_chassis, run_chassis_add,
     nullptr, "Create a chassis that is reached by tunnels of the types listed."},
    {"chassis-del", 1, 1, "CHASSIS", "--if-exists", true, need_chassis, run_chassis_del, nullptr,
     "Delete a chassis."},
    {"lsp-bind", 2, 2, "PORT CHASSIS", "--may-exist", true, need_bindings, run_lsp_bind, nullptr,
     "Bind a logical port to a chassis."},
    {"lsp-unbind", 1, 1, "PORT", "--if-exists", true, need_bindings, run_lsp_unbind, nullptr,
     "Take a logical port away from its chassis."},
};

}  // namespace

std::span<const CtlCommand> chassis_commands() {
    return kCommands;
}

}  // namespace weft::cli::sbctl
