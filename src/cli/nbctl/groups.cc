// Groups: of ports (pg-*), of chassis (ha-chassis-group-*), of ports that share an address (fwd-group-*).

#include "cli/nbctl/common.h"

namespace weft::cli::nbctl {
namespace {

// --- port groups

Result<void> need_port_groups(CtlContext& context) {
    context.need(nb::PortGroup::kName, nb::PortGroup::kPorts);
    context.need(nb::LogicalSwitchPort::kName);
    return {};
}

Result<ovsdb::Set<Uuid>> port_arguments(CtlContext& context) {
    ovsdb::Set<Uuid> out;
    for (size_t i = 1; i < context.size(); i++) {
        WEFT_ASSIGN(const nb::LogicalSwitchPort* port, get_switch_port(context, context[i]));
        out.insert(port->uuid);
    }
    return out;
}

Result<const nb::PortGroup*> get_port_group(CtlContext& context) {
    return get_row(context, nb::PortGroup::kName, context[0], "port groups", "port group");
}

Result<void> run_pg_add(CtlContext& context) {
    WEFT_ASSIGN(ovsdb::Set<Uuid> ports, port_arguments(context));
    Uuid uuid = context.transaction().insert<nb::PortGroup>();
    context.transaction().set(uuid, nb::PortGroup::kName, context[0]);
    if (!ports.empty()) context.transaction().set(uuid, nb::PortGroup::kPorts, ports);
    return {};
}

Result<void> run_pg_set_ports(CtlContext& context) {
    WEFT_ASSIGN(const nb::PortGroup* group, get_port_group(context));
    WEFT_ASSIGN(ovsdb::Set<Uuid> ports, port_arguments(context));
    context.transaction().set(Uuid(group->uuid), nb::PortGroup::kPorts, ports);
    return {};
}

Result<void> run_pg_del(CtlContext& context) {
    WEFT_ASSIGN(const nb::PortGroup* group, get_port_group(context));
    context.transaction().erase<nb::PortGroup>(Uuid(group->uuid));
    return {};
}

// --- groups of chassis

Result<void> need_chassis_groups(CtlContext& context) {
    context.need(nb::HAChassisGroup::kName, nb::HAChassisGroup::kHaChassis);
    context.need(nb::HAChassis::kChassisName, nb::HAChassis::kPriority);
    return {};
}

Result<const nb::HAChassisGroup*> get_chassis_group(CtlContext& context) {
    return get_row(context, nb::HAChassisGroup::kName, context[0], "ha chassis groups", "ha_chassi_group");
}

const nb::HAChassis* find_chassis(CtlContext& context, const nb::HAChassisGroup& group) {
    for (const Uuid& uuid : group.ha_chassis) {
        const nb::HAChassis* chassis = context.row<nb::HAChassis>(uuid);
        if (chassis && chassis->chassis_name == context[1]) return chassis;
    }
    return nullptr;
}

Result<const nb::HAChassis*> get_chassis(CtlContext& context, const nb::HAChassisGroup& group) {
    const nb::HAChassis* chassis = find_chassis(context, group);
    if (!chassis)
        return Error{fmt::format("{}: ha chassis not found in {} ha chassis group", context[1], context[0])};
    return chassis;
}

Result<void> run_hg_add(CtlContext& context) {
    Uuid uuid = context.transaction().insert<nb::HAChassisGroup>();
    context.transaction().set(uuid, nb::HAChassisGroup::kName, context[0]);
    return {};
}

Result<void> run_hg_del(CtlContext& context) {
    WEFT_ASSIGN(const nb::HAChassisGroup* group, get_chassis_group(context));
    context.transaction().erase<nb::HAChassisGroup>(Uuid(group->uuid));
    return {};
}

Result<void> run_hg_list(CtlContext& context) {
    std::vector<const nb::HAChassisGroup*> groups = context.rows<nb::HAChassisGroup>();
    std::stable_sort(groups.begin(), groups.end(), [](auto* a, auto* b) { return a->name < b->name; });
    for (const nb::HAChassisGroup* group : groups) {
        context.output += fmt::format("{} ({})\n", group->uuid.to_string(), group->name);
        for (const Uuid& uuid : group->ha_chassis) {
            const nb::HAChassis* chassis = context.row<nb::HAChassis>(uuid);
            if (!chassis) continue;
            context.output += fmt::format("    {} ({})\n    priority {}\n\n", uuid.to_string(),
                                          chassis->chassis_name, chassis->priority);
        }
        context.output += '\n';
    }
    return {};
}

Result<void> run_hg_add_chassis(CtlContext& context) {
    WEFT_ASSIGN(const nb::HAChassisGroup* group, get_chassis_group(context));
    WEFT_ASSIGN(int64_t priority, parse_priority(context[2]));
    db::Transaction& txn = context.transaction();
    if (const nb::HAChassis* existing = find_chassis(context, *group)) {
        txn.set(Uuid(existing->uuid), nb::HAChassis::kPriority, priority);
        return {};
    }
    Uuid chassis = txn.insert<nb::HAChassis>();
    txn.set(chassis, nb::HAChassis::kChassisName, context[1]);
    txn.set(chassis, nb::HAChassis::kPriority, priority);
    txn.add(Uuid(group->uuid), nb::HAChassisGroup::kHaChassis, chassis);
    return {};
}

Result<void> run_hg_remove_chassis(CtlContext& context) {
    WEFT_ASSIGN(const nb::HAChassisGroup* group, get_chassis_group(context));
    WEFT_ASSIGN(const nb::HAChassis* chassis, get_chassis(context, *group));
    Uuid uuid = chassis->uuid;
    context.transaction().remove(Uuid(group->uuid), nb::HAChassisGroup::kHaChassis, uuid);
    context.transaction().erase<nb::HAChassis>(uuid);
    return {};
}

Result<void> run_hg_set_priority(CtlContext& context) {
    WEFT_ASSIGN(const nb::HAChassisGroup* group, get_chassis_group(context));
    WEFT_ASSIGN(int64_t priority, parse_priority(context[2]));
    WEFT_ASSIGN(const nb::HAChassis* chassis, get_chassis(context, *group));
    context.transaction().set(Uuid(chassis->uuid), nb::HAChassis::kPriority, priority);
    return {};
}

// --- forwarding groups

Result<void> need_forwarding_groups(CtlContext& context) {
    context.need(nb::LogicalSwitch::kName, nb::LogicalSwitch::kPorts, nb::LogicalSwitch::kForwardingGroups);
    context.need(nb::LogicalSwitchPort::kName);
    context.need(nb::ForwardingGroup::kName, nb::ForwardingGroup::kVip, nb::ForwardingGroup::kVmac,
                 nb::ForwardingGroup::kChildPort);
    return {};
}

Result<void> run_fg_add(CtlContext& context) {
    WEFT_ASSIGN(const nb::LogicalSwitch* ls, get_switch(context, context[1]));
    WEFT_ASSIGN(const nb::ForwardingGroup* existing,
                find_row(context, nb::ForwardingGroup::kName, context[0], "forwarding groups"));
    if (existing) return Error{fmt::format("{}: a forwarding group by this name already exists", context[0])};
    std::string vip = normal_address(context[2]), mac = normal_mac(context[3]);
    if (vip.empty() || is_ipv6(vip)) return Error{fmt::format("invalid ip address {}", context[2])};
    if (mac.empty()) return Error{fmt::format("invalid mac address {}", context[3])};
    ovsdb::Set<std::string> ports;
    for (size_t i = 4; i < context.size(); i++) {
        WEFT_ASSIGN(const nb::LogicalSwitchPort* port, get_switch_port(context, context[i]));
        if (!ls->ports.contains(port->uuid)) {
            const nb::LogicalSwitch* other = owner_of(context, nb::LogicalSwitch::kPorts, port->uuid);
            return Error{fmt::format("{}: port already exists but in logical switch {}", context[i],
                                     other ? other->name : "none")};
        }
        ports.insert(context[i]);
    }
    db::Transaction& txn = context.transaction();
    Uuid group = txn.insert<nb::ForwardingGroup>();
    txn.set(group, nb::ForwardingGroup::kName, context[0]);
    txn.set(group, nb::ForwardingGroup::kVip, context[2]);
    txn.set(group, nb::ForwardingGroup::kVmac, context[3]);
    txn.set(group, nb::ForwardingGroup::kLiveness, context.has("--liveness"));
    txn.set(group, nb::ForwardingGroup::kChildPort, ports);
    txn.add(Uuid(ls->uuid), nb::LogicalSwitch::kForwardingGroups, group);
    return {};
}

Result<void> run_fg_del(CtlContext& context) {
    WEFT_ASSIGN(const nb::ForwardingGroup* group,
                find_row(context, nb::ForwardingGroup::kName, context[0], "forwarding groups"));
    if (!group) return {};
    Uuid uuid = group->uuid;
    const nb::LogicalSwitch* owner = owner_of(context, nb::LogicalSwitch::kForwardingGroups, uuid);
    if (owner) context.transaction().remove(Uuid(owner->uuid), nb::LogicalSwitch::kForwardingGroups, uuid);
    context.transaction().erase<nb::ForwardingGroup>(uuid);
    return {};
}

Result<void> run_fg_list(CtlContext& context) {
    std::string lines;
    const nb::LogicalSwitch* only = nullptr;
    if (context.size()) {
        WEFT_ASSIGN(only, get_switch(context, context[0]));
    }
    for (const nb::LogicalSwitch* ls : context.rows<nb::LogicalSwitch>()) {
        if (only && only != ls) continue;
        for (const Uuid& uuid : ls->forwarding_groups) {
            const nb::ForwardingGroup* group = context.row<nb::ForwardingGroup>(uuid);
            if (!group) continue;
            std::string ports;
            for (const std::string& port : group->child_port) ports += (ports.empty() ? "" : " ") + port;
            lines += fmt::format("{:<16}{:<14}{:<15}{:<23}{}\n", group->name, ls->name, group->vip,
                                 group->vmac, ports);
        }
    }
    if (lines.empty()) return {};
    context.output =
        "FWD_GROUP       LS            VIP             VMAC                  CHILD_PORTS\n" + lines;
    return {};
}

constexpr CtlCommand kCommands[] = {
    {"pg-add", 1, -1, "PORTGROUP [PORT]...", "", true, need_port_groups, run_pg_add, nullptr,
     "Create a port group."},
    {"pg-set-ports", 2, -1, "PORTGROUP PORT...", "", true, need_port_groups, run_pg_set_ports, nullptr,
     "Set the ports of a port group."},
    {"pg-del", 1, 1, "PORTGROUP", "", true, need_port_groups, run_pg_del, nullptr, "Delete a port group."},
    {"ha-chassis-group-add", 1, 1, "GROUP", "", true, need_chassis_groups, run_hg_add, nullptr,
     "Create a group of chassis of which one serves."},
    {"ha-chassis-group-del", 1, 1, "GROUP", "", true, need_chassis_groups, run_hg_del, nullptr,
     "Delete such a group."},
    {"ha-chassis-group-list", 0, 0, "", "", false, need_chassis_groups, run_hg_list, nullptr,
     "Print such groups."},
    {"ha-chassis-group-add-chassis", 3, 3, "GROUP CHASSIS PRIORITY", "", true, need_chassis_groups,
     run_hg_add_chassis, nullptr, "Add a chassis to such a group."},
    {"ha-chassis-group-set-chassis-prio", 3, 3, "GROUP CHASSIS PRIORITY", "", true, need_chassis_groups,
     run_hg_set_priority, nullptr, "Set the priority of a chassis in such a group."},
    {"ha-chassis-group-remove-chassis", 2, 2, "GROUP CHASSIS", "", true, need_chassis_groups,
     run_hg_remove_chassis, nullptr, "Remove a chassis from such a group."},
    {"fwd-group-add", 5, -1, "GROUP SWITCH VIP VMAC PORT...", "--liveness", true, need_forwarding_groups,
     run_fg_add, nullptr, "Create a group of ports that share an address."},
    {"fwd-group-del", 1, 1, "GROUP", "--if-exists", true, need_forwarding_groups, run_fg_del, nullptr,
     "Delete such a group."},
    {"fwd-group-list", 0, 1, "[SWITCH]", "", false, need_forwarding_groups, run_fg_list, nullptr,
     "Print such groups."},
};

}  // namespace

std::span<const CtlCommand> group_commands() {
    return kCommands;
}

}  // namespace weft::cli::nbctl
