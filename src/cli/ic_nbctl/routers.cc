// Transit routers and their ports: tr-add tr-del tr-list, trp-add trp-del trp-list.

#include "cli/ctl/assignment.h"
#include "cli/ic_nbctl/named_rows.h"
#include "cli/nbctl/common.h"

namespace weft::cli::ic_nbctl {
namespace {

using Router = icnb::TransitRouter;
using Port = icnb::TransitRouterPort;

Result<void> need_routers(CtlContext& context) {
    context.need(Router::kName, Router::kPorts);
    return {};
}

Result<void> need_ports(CtlContext& context) {
    context.need(Port::kName);
    return need_routers(context);
}

Result<void> run_add(CtlContext& context) {
    return add_named<Router>(context, "transit router");
}

Result<void> run_del(CtlContext& context) {
    return delete_named<Router>(context, "router");
}

Result<void> run_list(CtlContext& context) {
    print_named(context, context.rows<Router>());
    return {};
}

// Arguments of trp-add from the fourth on: networks, then settings.
constexpr size_t kFirstNetwork = 3;

Result<void> need_port_add(CtlContext& context) {
    for (size_t i = first_setting(context, kFirstNetwork); i < context.size(); i++)
        WEFT_TRY(need_assignment(context, Port::table_info(), context[i]));
    return need_ports(context);
}

Result<void> run_port_add(CtlContext& context) {
    WEFT_ASSIGN(const Router* router, get_named<Router>(context, context[0], "router"));
    Uuid owner = router->uuid;
    const std::string &name = context[1], &mac = context[2];
    if (is_taken<Port>(context, name)) {
        if (context.has("--may-exist")) return {};
        return Error{fmt::format("{}: a transit router port with this name already exists", name)};
    }
    if (nbctl::normal_mac(mac).empty()) return Error{fmt::format("{}: invalid mac address {}", name, mac)};
    ovsdb::Set<std::string> networks;
    size_t settings = first_setting(context, kFirstNetwork);
    for (size_t i = kFirstNetwork; i < settings; i++) {
        if (nbctl::normal_interface_address(context[i]).empty())
            return Error{fmt::format("{}: invalid network address: {}", name, context[i])};
        networks.insert(context[i]);
    }
    if (networks.empty()) return Error{fmt::format("{}: router port requires specifying a network", name)};
    db::Transaction& txn = context.transaction();
    Uuid uuid = txn.insert<Port>();
    txn.set(uuid, Port::kName, name);
    txn.set(uuid, Port::kMac, mac);
    txn.set(uuid, Port::kNetworks, networks);
    txn.set(uuid, Port::kTrUuid, owner);
    for (size_t i = settings; i < context.size(); i++)
        WEFT_TRY(assign(context, Port::table_info(), uuid, context[i]));
    txn.add(owner, Router::kPorts, uuid);
    return {};
}

Result<void> run_port_del(CtlContext& context) {
    if (context.has("--if-exists") && !find_named<Port>(context, context[0])) return {};
    WEFT_ASSIGN(const Port* port, get_named<Port>(context, context[0], "port"));
    Uuid uuid = port->uuid, owner;
    context.transaction().for_each_holding(Router::kPorts, uuid,
                                           [&](const Router& row) { owner = row.uuid; });
    if (owner.is_zero()) return Error{fmt::format("port {} is part of no transit router", context[0])};
    context.transaction().remove(owner, Router::kPorts, uuid);
    context.transaction().erase<Port>(uuid);
    return {};
}

Result<void> run_port_list(CtlContext& context) {
    WEFT_ASSIGN(const Router* router, get_named<Router>(context, context[0], "router"));
    std::vector<const Port*> ports;
    for (const Uuid& uuid : router->ports) {
        if (const Port* port = context.row<Port>(uuid)) ports.push_back(port);
    }
    print_named(context, std::move(ports));
    return {};
}

constexpr CtlCommand kCommands[] = {
    {"tr-add", 1, 1, "ROUTER", "--may-exist", true, need_routers, run_add, nullptr,
     "Create a transit router."},
    {"tr-del", 1, 1, "ROUTER", "--if-exists", true, need_routers, run_del, nullptr,
     "Delete a transit router with its ports."},
    {"tr-list", 0, 0, "", "", false, need_routers, run_list, nullptr, "Print all transit routers."},
    {"trp-add", 4, -1, "ROUTER PORT MAC NETWORK... [COLUMN[:KEY]=VALUE]...", "--may-exist", true,
     need_port_add, run_port_add, nullptr,
     "Add a port to a transit router; chassis=NAME says at which gateway it is."},
    {"trp-del", 1, 1, "PORT", "--if-exists", true, need_ports, run_port_del, nullptr,
     "Delete a transit router's port."},
    {"trp-list", 1, 1, "ROUTER", "", false, need_ports, run_port_list, nullptr,
     "Print a transit router's ports."},
};

}  // namespace

std::span<const CtlCommand> router_commands() {
    return kCommands;
}

}  // namespace weft::cli::ic_nbctl
