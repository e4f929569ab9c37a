// The database as a whole: show, init, sync.

#include "cli/nbctl/common.h"

namespace weft::cli::nbctl {
namespace {

Result<void> need_show(CtlContext& context) {
    using Lsp = nb::LogicalSwitchPort;
    using Lrp = nb::LogicalRouterPort;
    context.need(nb::LogicalSwitch::kName, nb::LogicalSwitch::kPorts, nb::LogicalSwitch::kExternalIds);
    context.need(Lsp::kName, Lsp::kType, Lsp::kAddresses, Lsp::kTag, Lsp::kParentName, Lsp::kOptions,
                 Lsp::kExternalIds);
    context.need(nb::LogicalRouter::kName, nb::LogicalRouter::kPorts, nb::LogicalRouter::kNat,
                 nb::LogicalRouter::kExternalIds);
    context.need(Lrp::kName, Lrp::kMac, Lrp::kNetworks, Lrp::kGatewayChassis, Lrp::kExternalIds);
    context.need(nb::GatewayChassis::kChassisName, nb::GatewayChassis::kPriority);
    context.need(nb::NAT::kExternalIp, nb::NAT::kLogicalIp, nb::NAT::kType, nb::NAT::kExternalPortRange);
    return {};
}

// " (aka NAME)": what OpenStack calls it.
std::string alias(const ovsdb::StringMap& external_ids, std::string_view key) {
    const std::string* name = external_ids.find(key);
    return name && !name->empty() ? fmt::format(" (aka {})", *name) : "";
}

// The rows that a set refers to, by name.
template <typename Row>
std::vector<const Row*> referred(CtlContext& context, const ovsdb::Set<Uuid>& uuids) {
    std::vector<const Row*> out;
    for (const Uuid& uuid : uuids) {
        if (const Row* row = context.row<Row>(uuid)) out.push_back(row);
    }
    return out;
}

void show_switch(CtlContext& context, const nb::LogicalSwitch& ls) {
    std::string& out = context.output;
    out += fmt::format("switch {} ({}){}\n", ls.uuid.to_string(), ls.name,
                       alias(ls.external_ids, "neutron:network_name"));
    for (const nb::LogicalSwitchPort* port : referred<nb::LogicalSwitchPort>(context, ls.ports)) {
        out += fmt::format("    port {}{}\n", port->name, alias(port->external_ids, "neutron:port_name"));
        if (port->parent_name) out += fmt::format("        parent: {}\n", *port->parent_name);
        if (port->tag) out += fmt::format("        tag: {}\n", *port->tag);
        if (!port->type.empty()) out += fmt::format("        type: {}\n", port->type);
        if (!port->addresses.empty() && port->addresses.front() != "router") {
            out += fmt::format("        addresses: {}\n", quoted_set(port->addresses));
        }
        if (const std::string* peer = port->options.find("router-port"))
            out += fmt::format("        router-port: {}\n", *peer);
    }
}

void show_gateways(CtlContext& context, const nb::LogicalRouterPort& port) {
    auto gateways = referred<nb::GatewayChassis>(context, port.gateway_chassis);
    if (gateways.empty()) return;
    std::stable_sort(gateways.begin(), gateways.end(),
                     [](auto* a, auto* b) { return a->priority > b->priority; });
    std::string names;
    for (const nb::GatewayChassis* gateway : gateways)
        names += (names.empty() ? "" : " ") + gateway->chassis_name;
    context.output += fmt::format("        gateway chassis: [{}]\n", names);
}

void show_router(CtlContext& context, const nb::LogicalRouter& router) {
    std::string& out = context.output;
    out += fmt::format("router {} ({}){}\n", router.uuid.to_string(), router.name,
                       alias(router.external_ids, "neutron:router_name"));
    for (const nb::LogicalRouterPort* port : referred<nb::LogicalRouterPort>(context, router.ports)) {
        out += fmt::format("    port {}{}\n", port->name, alias(port->external_ids, "neutron:port_name"));
        if (!port->mac.empty()) out += fmt::format("        mac: \"{}\"\n", port->mac);
        if (!port->networks.empty()) out += fmt::format("        networks: {}\n", quoted_set(port->networks));
        show_gateways(context, *port);
    }
    for (const nb::NAT* nat : referred<nb::NAT>(context, router.nat)) {
        out +=
            fmt::format("    nat {}\n        external ip: \"{}\"\n", nat->uuid.to_string(), nat->external_ip);
        if (!nat->external_port_range.empty()) {
            out += fmt::format("        external port(s): \"{}\"\n", nat->external_port_range);
        }
        out += fmt::format("        logical ip: \"{}\"\n        type: \"{}\"\n", nat->logical_ip, nat->type);
    }
}

Result<void> run_show(CtlContext& context) {
    if (context.size()) {
        WEFT_ASSIGN(const nb::LogicalSwitch* ls,
                    find_row(context, nb::LogicalSwitch::kName, context[0], "logical switches"));
        if (ls) show_switch(context, *ls);
        WEFT_ASSIGN(const nb::LogicalRouter* lr,
                    find_row(context, nb::LogicalRouter::kName, context[0], "logical routers"));
        if (lr) show_router(context, *lr);
        return {};
    }
    for (const nb::LogicalSwitch* ls : context.rows<nb::LogicalSwitch>()) show_switch(context, *ls);
    for (const nb::LogicalRouter* lr : context.rows<nb::LogicalRouter>()) show_router(context, *lr);
    return {};
}

Result<void> run_init(CtlContext&) {
    return {};
}  // any command makes the root row

Result<void> run_sync(CtlContext& context) {
    context.session().forced_wait = true;
    return {};
}

constexpr CtlCommand kCommands[] = {
    {"show", 0, 1, "[SWITCH|ROUTER]", "", false, need_show, run_show, nullptr,
     "Print an overview of all switches and routers, or of one."},
    {"init", 0, 0, "", "", true, nullptr, run_init, nullptr,
     "Make the database's root row, if there is none."},
    {"sync", 0, 0, "", "", true, nullptr, run_sync, nullptr,
     "Wait as --wait says, for all earlier changes too."},
};

}  // namespace

std::span<const CtlCommand> overview_commands() {
    return kCommands;
}

}  // namespace weft::cli::nbctl
