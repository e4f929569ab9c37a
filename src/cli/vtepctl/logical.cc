// Logical switches and routers, and the VLANs of ports that belong to them: add-ls del-ls list-ls ls-exists
// bind-ls unbind-ls list-bindings set-replication-mode get-replication-mode add-lr del-lr list-lr lr-exists.

#include <charconv>
#include <map>

#include "cli/vtepctl/commands.h"

namespace weft::cli::vtepctl {
namespace {

Result<void> need_switches(CtlContext& context) {
    context.need(vt::LogicalSwitch::kName, vt::LogicalSwitch::kReplicationMode);
    return {};
}

Result<void> need_bindings(CtlContext& context) {
    context.need(vt::PhysicalPort::kVlanBindings);
    context.need(vt::LogicalSwitch::kName);
    return need_physical(context);
}

Result<void> need_routers(CtlContext& context) {
    context.need(vt::LogicalRouter::kName);
    return {};
}

template <typename Row>
Result<void> add(CtlContext& context, const char* kind) {
    if (find_named<Row>(context, context[0])) {
        if (context.has("--may-exist")) return {};
        return Error{fmt::format("cannot create {} {} because it already exists", kind, context[0])};
    }
    Uuid row = context.transaction().insert<Row>();
    context.transaction().set(row, Row::kName, context[0]);
    return {};
}

template <typename Row>
Result<void> remove(CtlContext& context, const char* kind) {
    if (context.has("--if-exists") && !find_named<Row>(context, context[0])) return {};
    WEFT_ASSIGN(const Row* row, find_or_fail<Row>(context, kind, context[0]));
    context.transaction().erase<Row>(Uuid(row->uuid));
    return {};
}

template <typename Row>
Result<void> list(CtlContext& context) {
    print_names<Row>(context);
    return {};
}

template <typename Row>
Result<void> exists(CtlContext& context) {
    if (!find_named<Row>(context, context[0])) context.session().exit_code = kNoSuchRow;
    return {};
}

Result<void> run_add_ls(CtlContext& context) {
    return add<vt::LogicalSwitch>(context, kLogicalSwitch);
}
Result<void> run_del_ls(CtlContext& context) {
    return remove<vt::LogicalSwitch>(context, kLogicalSwitch);
}
Result<void> run_add_lr(CtlContext& context) {
    return add<vt::LogicalRouter>(context, kLogicalRouter);
}
Result<void> run_del_lr(CtlContext& context) {
    return remove<vt::LogicalRouter>(context, kLogicalRouter);
}

Result<int64_t> parse_vlan(const std::string& text) {
    int64_t vlan = 0;
    auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), vlan);
    if (error != std::errc() || *end || vlan < 0 || vlan > 4095)
        return Error{fmt::format("{}: vlan must be between 0 and 4095", text)};
    return vlan;
}

Result<void> run_bind_ls(CtlContext& context) {
    WEFT_ASSIGN(const vt::PhysicalPort* port, find_port(context, context[0], context[1]));
    WEFT_ASSIGN(int64_t vlan, parse_vlan(context[2]));
    WEFT_ASSIGN(const vt::LogicalSwitch* ls,
                find_or_fail<vt::LogicalSwitch>(context, kLogicalSwitch, context[3]));
    Uuid port_uuid = port->uuid, ls_uuid = ls->uuid;
    context.transaction().set_key(port_uuid, vt::PhysicalPort::kVlanBindings, vlan, ls_uuid);
    return {};
}

Result<void> run_unbind_ls(CtlContext& context) {
    WEFT_ASSIGN(const vt::PhysicalPort* port, find_port(context, context[0], context[1]));
    WEFT_ASSIGN(int64_t vlan, parse_vlan(context[2]));
    if (!port->vlan_bindings.find(vlan)) return Error{fmt::format("no binding for vlan {}", vlan)};
    context.transaction().remove_key(Uuid(port->uuid), vt::PhysicalPort::kVlanBindings, vlan);
    return {};
}

Result<void> run_list_bindings(CtlContext& context) {
    WEFT_ASSIGN(const vt::PhysicalPort* port, find_port(context, context[0], context[1]));
    for (const auto& [vlan, uuid] : port->vlan_bindings) {
        const vt::LogicalSwitch* ls = context.row<vt::LogicalSwitch>(uuid);
        if (ls) context.output += fmt::format("{:04} {}\n", vlan, ls->name);
    }
    return {};
}

Result<void> run_set_replication_mode(CtlContext& context) {
    const std::string& mode = context[1];
    if (mode != "service_node" && mode != "source_node")
        return Error{"Replication mode must be 'service_node' or 'source_node'"};
    WEFT_ASSIGN(const vt::LogicalSwitch* ls,
                find_or_fail<vt::LogicalSwitch>(context, kLogicalSwitch, context[0]));
    context.transaction().set(Uuid(ls->uuid), vt::LogicalSwitch::kReplicationMode, mode);
    return {};
}

Result<void> run_get_replication_mode(CtlContext& context) {
    WEFT_ASSIGN(const vt::LogicalSwitch* ls,
                find_or_fail<vt::LogicalSwitch>(context, kLogicalSwitch, context[0]));
    context.output = ls->replication_mode.value_or("(null)") + "\n";
    return {};
}

constexpr CtlCommand kCommands[] = {
    {"add-ls", 1, 1, "LS", "--may-exist", true, need_switches, run_add_ls, nullptr,
     "Create a logical switch."},
    {"del-ls", 1, 1, "LS", "--if-exists", true, need_switches, run_del_ls, nullptr,
     "Delete a logical switch."},
    {"list-ls", 0, 0, "", "", false, need_switches, list<vt::LogicalSwitch>, nullptr,
     "Print the names of all logical switches."},
    {"ls-exists", 1, 1, "LS", "", false, need_switches, exists<vt::LogicalSwitch>, nullptr,
     "Exit with 2 if there is no such logical switch."},
    {"bind-ls", 4, 4, "PS PORT VLAN LS", "", true, need_bindings, run_bind_ls, nullptr,
     "Give a VLAN of a port to a logical switch."},
    {"unbind-ls", 3, 3, "PS PORT VLAN", "", true, need_bindings, run_unbind_ls, nullptr,
     "Take a VLAN of a port away from its logical switch."},
    {"list-bindings", 2, 2, "PS PORT", "", false, need_bindings, run_list_bindings, nullptr,
     "Print the logical switches of a port's VLANs."},
    {"set-replication-mode", 2, 2, "LS MODE", "", true, need_switches, run_set_replication_mode, nullptr,
     "Set who copies broadcasts: service_node or source_node."},
    {"get-replication-mode", 1, 1, "LS", "", false, need_switches, run_get_replication_mode, nullptr,
     "Print who copies broadcasts."},
    {"add-lr", 1, 1, "LR", "--may-exist", true, need_routers, run_add_lr, nullptr,
     "Create a logical router."},
    {"del-lr", 1, 1, "LR", "--if-exists", true, need_routers, run_del_lr, nullptr,
     "Delete a logical router."},
    {"list-lr", 0, 0, "", "", false, need_routers, list<vt::LogicalRouter>, nullptr,
     "Print the names of all logical routers."},
    {"lr-exists", 1, 1, "LR", "", false, need_routers, exists<vt::LogicalRouter>, nullptr,
     "Exit with 2 if there is no such logical router."},
};

}  // namespace

std::span<const CtlCommand> logical_commands() {
    return kCommands;
}

}  // namespace weft::cli::vtepctl
