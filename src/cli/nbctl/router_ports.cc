// Logical router ports: lrp-*.

#include <array>

#include "cli/ctl/assignment.h"
#include "cli/nbctl/common.h"

namespace weft::cli::nbctl {
namespace {

using Port = nb::LogicalRouterPort;

Result<void> need_ports(CtlContext& context) {
    context.need(nb::LogicalRouter::kName, nb::LogicalRouter::kPorts);
    context.need(Port::kName);
    return {};
}

// Arguments of lrp-add from the fourth on: networks, then settings.
constexpr size_t kFirstNetwork = 3;

Result<void> need_add(CtlContext& context) {
    context.need(Port::kMac, Port::kNetworks, Port::kPeer);
    for (size_t i = first_setting(context, kFirstNetwork); i < context.size(); i++) {
        WEFT_TRY(need_assignment(context, Port::table_info(), context[i]));
    }
    return need_ports(context);
}

struct NewPort {
    std::string name, mac;
    ovsdb::Set<std::string> networks;
    std::optional<std::string> peer;
};

Result<void> check_existing(CtlContext& context, const Port& port, const nb::LogicalRouter& wanted,
                            const NewPort& typed) {
    const nb::LogicalRouter* actual = owner_of(context, nb::LogicalRouter::kPorts, port.uuid);
    const std::string& name = typed.name;
    if (!actual || actual->uuid != wanted.uuid) {
        return Error{
            fmt::format("{}: port already exists but in router {}", name, actual ? actual->name : "none")};
    }
    if (normal_mac(port.mac) != normal_mac(typed.mac)) {
        return Error{fmt::format("{}: port already exists with mac {}", name, port.mac)};
    }
    ovsdb::Set<std::string> have, want;
    for (const std::string& each : port.networks) have.insert(normal_interface_address(each));
    for (const std::string& each : typed.networks) want.insert(normal_interface_address(each));
    if (have != want) return Error{fmt::format("{}: port already exists with different network", name)};
    if (port.peer != typed.peer)
        return Error{fmt::format("{}: port already exists with mismatching peer", name)};
    return {};
}

Result<void> run_add(CtlContext& context) {
    WEFT_ASSIGN(const nb::LogicalRouter* router, get_router(context, context[0]));
    NewPort typed{context[1], context[2], {}, {}};
    size_t settings = first_setting(context, kFirstNetwork);
    for (size_t i = kFirstNetwork; i < settings; i++) typed.networks.insert(context[i]);
    for (size_t i = settings; i < context.size(); i++) {
        if (context[i].starts_with("peer=")) typed.peer = context[i].substr(5);
    }
    if (typed.networks.empty())
        return Error{fmt::format("{}: router port requires specifying a network", typed.name)};
    WEFT_ASSIGN(const Port* existing, find_router_port(context, typed.name));
    if (existing && context.has("--may-exist")) return check_existing(context, *existing, *router, typed);
    if (existing) return Error{fmt::format("{}: a port with this name already exists", typed.name)};
    if (normal_mac(typed.mac).empty())
        return Error{fmt::format("{}: invalid mac address {}", typed.name, typed.mac)};
    for (const std::string& network : typed.networks) {
        if (normal_interface_address(network).empty()) {
            return Error{fmt::format("{}: invalid network address: {}", typed.name, network)};
        }
    }
    Uuid owner = router->uuid;
    db::Transaction& txn = context.transaction();
    Uuid uuid = txn.insert<Port>();
    txn.set(uuid, Port::kName, typed.name);
    txn.set(uuid, Port::kMac, typed.mac);
    txn.set(uuid, Port::kNetworks, typed.networks);
    for (size_t i = settings; i < context.size(); i++)
        WEFT_TRY(assign(context, Port::table_info(), uuid, context[i]));
    txn.add(owner, nb::LogicalRouter::kPorts, uuid);
    return {};
}

Result<void> run_del(CtlContext& context) {
    WEFT_ASSIGN(const Port* port, find_router_port(context, context[0]));
    if (!port && context.has("--if-exists")) return {};
    if (!port) return Error{fmt::format("{}: port name not found", context[0])};
    Uuid uuid = port->uuid;
    const nb::LogicalRouter* owner = owner_of(context, nb::LogicalRouter::kPorts, uuid);
    if (!owner) return Error{fmt::format("logical port {} is not part of any logical router", context[0])};
    context.transaction().remove(Uuid(owner->uuid), nb::LogicalRouter::kPorts, uuid);
    context.transaction().erase<Port>(uuid);
    return {};
}

Result<void> run_list(CtlContext& context) {
    WEFT_ASSIGN(const nb::LogicalRouter* router, get_router(context, context[0]));
    std::vector<NamedLine> lines;
    for (const Uuid& uuid : router->ports) {
        if (const Port* port = context.row<Port>(uuid)) lines.push_back({port->name, uuid});
    }
    print_named(context, std::move(lines));
    return {};
}

// --- enabled, options, redirect type

Result<void> need_settings(CtlContext& context) {
    context.need(Port::kName, Port::kEnabled, Port::kOptions);
    return {};
}

Result<void> run_set_enabled(CtlContext& context) {
    WEFT_ASSIGN(const Port* port, get_router_port(context, context[0]));
    if (context[1] != "enabled" && context[1] != "disabled") {
        return Error{fmt::format("{}: state must be \"enabled\" or \"disabled\"", context[1])};
    }
    context.transaction().set(Uuid(port->uuid), Port::kEnabled, context[1] == "enabled");
    return {};
}

Result<void> run_get_enabled(CtlContext& context) {
    WEFT_ASSIGN(const Port* port, get_router_port(context, context[0]));
    context.output = !port->enabled || *port->enabled ? "enabled\n" : "disabled\n";
    return {};
}

Result<void> run_set_options(CtlContext& context) {
    WEFT_ASSIGN(const Port* port, get_router_port(context, context[0]));
    context.transaction().set(Uuid(port->uuid), Port::kOptions, parse_pairs(context, 1));
    return {};
}

Result<void> run_set_redirect_type(CtlContext& context) {
    WEFT_ASSIGN(const Port* port, get_router_port(context, context[0]));
    if (context[1] != "overlay" && context[1] != "bridged") {
        return Error{fmt::format("Invalid redirect type: {}", context[1])};
    }
    context.transaction().set_key(Uuid(port->uuid), Port::kOptions, "redirect-type", context[1]);
    return {};
}

Result<void> run_get_redirect_type(CtlContext& context) {
    WEFT_ASSIGN(const Port* port, get_router_port(context, context[0]));
    context.output = fmt::format("{}\n", ovsdb::get_string(port->options, "redirect-type", "overlay"));
    return {};
}

// --- gateway chassis

Result<void> need_gateways(CtlContext& context) {
    context.need(Port::kName, Port::kGatewayChassis);
    context.need(nb::GatewayChassis::kName, nb::GatewayChassis::kChassisName, nb::GatewayChassis::kPriority);
    return {};
}

const nb::GatewayChassis* find_gateway(CtlContext& context, const Port& port, std::string_view chassis) {
    for (const Uuid& uuid : port.gateway_chassis) {
        const nb::GatewayChassis* row = context.row<nb::GatewayChassis>(uuid);
        if (row && row->chassis_name == chassis) return row;
    }
    return nullptr;
}

Result<void> run_set_gateway(CtlContext& context) {
    WEFT_ASSIGN(const Port* port, get_router_port(context, context[0]));
    int64_t priority = 0;
    if (context.size() > 2) {
        WEFT_ASSIGN(priority, parse_priority(context[2]));
    }
    db::Transaction& txn = context.transaction();
    if (const nb::GatewayChassis* existing = find_gateway(context, *port, context[1])) {
        txn.set(Uuid(existing->uuid), nb::GatewayChassis::kPriority, priority);
        return {};
    }
    Uuid uuid = txn.insert<nb::GatewayChassis>();
    txn.set(uuid, nb::GatewayChassis::kName, fmt::format("{}-{}", port->name, context[1]));
    txn.set(uuid, nb::GatewayChassis::kChassisName, context[1]);
    txn.set(uuid, nb::GatewayChassis::kPriority, priority);
    txn.add(Uuid(port->uuid), Port::kGatewayChassis, uuid);
    return {};
}

Result<void> run_del_gateway(CtlContext& context) {
    WEFT_ASSIGN(const Port* port, get_router_port(context, context[0]));
    const nb::GatewayChassis* row = find_gateway(context, *port, context[1]);
    if (!row) return Error{fmt::format("chassis {} is not added to logical port {}", context[1], context[0])};
    Uuid uuid = row->uuid;
    context.transaction().remove(Uuid(port->uuid), Port::kGatewayChassis, uuid);
    context.transaction().erase<nb::GatewayChassis>(uuid);
    return {};
}

Result<void> run_get_gateways(CtlContext& context) {
    WEFT_ASSIGN(const Port* port, get_router_port(context, context[0]));
    std::vector<const nb::GatewayChassis*> rows;
    for (const Uuid& uuid : port->gateway_chassis) {
        if (const nb::GatewayChassis* row = context.row<nb::GatewayChassis>(uuid)) rows.push_back(row);
    }
    std::sort(rows.begin(), rows.end(), [](auto* a, auto* b) {
        return a->priority != b->priority ? a->priority > b->priority : a->name < b->name;
    });
    for (const nb::GatewayChassis* row : rows)
        context.output += fmt::format("{} {:5}\n", row->name, row->priority);
    return {};
}

constexpr CtlCommand kCommands[] = {
    {"lrp-add", 4, -1, "ROUTER PORT MAC NETWORK... [COLUMN[:KEY]=VALUE]...", "--may-exist", true, need_add,
     run_add, nullptr, "Add a port to a logical router."},
    {"lrp-del", 1, 1, "PORT", "--if-exists", true, need_ports, run_del, nullptr, "Delete a router's port."},
    {"lrp-list", 1, 1, "ROUTER", "", false, need_ports, run_list, nullptr, "Print a router's ports."},
    {"lrp-set-enabled", 2, 2, "PORT STATE", "", true, need_settings, run_set_enabled, nullptr,
     "Let packets pass a port, or not: enabled or disabled."},
    {"lrp-get-enabled", 1, 1, "PORT", "", false, need_settings, run_get_enabled, nullptr,
     "Print whether packets may pass a port."},
    {"lrp-set-options", 1, -1, "PORT KEY=VALUE [KEY=VALUE]...", "", true, need_settings, run_set_options,
     nullptr, "Set a port's options."},
    {"lrp-set-redirect-type", 2, 2, "PORT TYPE", "", true, need_settings, run_set_redirect_type, nullptr,
     "How packets go to the gateway: overlay or bridged."},
    {"lrp-get-redirect-type", 1, 1, "PORT", "", false, need_settings, run_get_redirect_type, nullptr,
     "Print how packets go to the gateway."},
    {"lrp-set-gateway-chassis", 2, 3, "PORT CHASSIS [PRIORITY]", "--may-exist", true, need_gateways,
     run_set_gateway, nullptr, "Let a chassis be the gateway of a port."},
    {"lrp-del-gateway-chassis", 2, 2, "PORT CHASSIS", "", true, need_gateways, run_del_gateway, nullptr,
     "Let a chassis no longer be the gateway of a port."},
    {"lrp-get-gateway-chassis", 1, 1, "PORT", "", false, need_gateways, run_get_gateways, nullptr,
     "Print the gateways of a port."},
};

}  // namespace

std::span<const CtlCommand> router_port_commands() {
    return kCommands;
}

}  // namespace weft::cli::nbctl
