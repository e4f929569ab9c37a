// Physical switches and their ports: add-ps del-ps list-ps ps-exists list-ports add-port del-port.

#include "cli/vtepctl/commands.h"

namespace weft::cli::vtepctl {

Result<void> need_physical(CtlContext& context) {
    context.need(vt::Global::kSwitches);
    context.need(vt::PhysicalSwitch::kName, vt::PhysicalSwitch::kPorts);
    context.need(vt::PhysicalPort::kName);
    return {};
}

namespace {

const vt::PhysicalPort* port_of(CtlContext& context, const vt::PhysicalSwitch& ps, std::string_view name) {
    for (const Uuid& uuid : ps.ports) {
        const vt::PhysicalPort* port = context.row<vt::PhysicalPort>(uuid);
        if (port && port->name == name) return port;
    }
    return nullptr;
}

void delete_port(CtlContext& context, const Uuid& ps, const Uuid& port) {
    context.transaction().remove(ps, vt::PhysicalSwitch::kPorts, port);
    context.transaction().erase<vt::PhysicalPort>(port);
}

Result<void> run_add_ps(CtlContext& context) {
    const std::string& name = context[0];
    if (find_named<vt::PhysicalSwitch>(context, name)) {
        if (context.has("--may-exist")) return {};
        return Error{fmt::format("cannot create physical switch {} because it already exists", name)};
    }
    db::Transaction& txn = context.transaction();
    Uuid ps = txn.insert<vt::PhysicalSwitch>();
    txn.set(ps, vt::PhysicalSwitch::kName, name);
    txn.add(root(txn), vt::Global::kSwitches, ps);
    return {};
}

Result<void> run_del_ps(CtlContext& context) {
    if (context.has("--if-exists") && !find_named<vt::PhysicalSwitch>(context, context[0])) return {};
    WEFT_ASSIGN(const vt::PhysicalSwitch* ps,
                find_or_fail<vt::PhysicalSwitch>(context, kPhysicalSwitch, context[0]));
    Uuid uuid = ps->uuid;
    ovsdb::Set<Uuid> ports = ps->ports;
    for (const Uuid& port : ports) delete_port(context, uuid, port);
    db::Transaction& txn = context.transaction();
    txn.erase<vt::PhysicalSwitch>(uuid);
    txn.remove(root(txn), vt::Global::kSwitches, uuid);
    return {};
}

Result<void> run_list_ps(CtlContext& context) {
    print_names<vt::PhysicalSwitch>(context);
    return {};
}

Result<void> run_ps_exists(CtlContext& context) {
    if (!find_named<vt::PhysicalSwitch>(context, context[0])) context.session().exit_code = kNoSuchRow;
    return {};
}

Result<void> run_list_ports(CtlContext& context) {
    WEFT_ASSIGN(const vt::PhysicalSwitch* ps,
                find_or_fail<vt::PhysicalSwitch>(context, kPhysicalSwitch, context[0]));
    std::vector<std::string> names;
    for (const Uuid& uuid : ps->ports) {
        if (const vt::PhysicalPort* port = context.row<vt::PhysicalPort>(uuid)) names.push_back(port->name);
    }
    std::sort(names.begin(), names.end());
    for (const std::string& name : names) context.output += name + '\n';
    return {};
}

Result<void> run_add_port(CtlContext& context) {
    WEFT_ASSIGN(const vt::PhysicalSwitch* ps,
                find_or_fail<vt::PhysicalSwitch>(context, kPhysicalSwitch, context[0]));
    const std::string& name = context[1];
    if (port_of(context, *ps, name)) {
        if (context.has("--may-exist")) return {};
        return Error{
            fmt::format("cannot create a port named {} on {} because a port with that name already "
                        "exists",
                        name, ps->name)};
    }
    db::Transaction& txn = context.transaction();
    Uuid owner = ps->uuid, port = txn.insert<vt::PhysicalPort>();
    txn.set(port, vt::PhysicalPort::kName, name);
    txn.add(owner, vt::PhysicalSwitch::kPorts, port);
    return {};
}

Result<void> run_del_port(CtlContext& context) {
    auto port = find_port(context, context[0], context[1]);
    if (!port && context.has("--if-exists")) return {};
    WEFT_TRY(port);
    delete_port(context, Uuid(find_named<vt::PhysicalSwitch>(context, context[0])->uuid),
                Uuid((*port)->uuid));
    return {};
}

constexpr CtlCommand kCommands[] = {
    {"add-ps", 1, 1, "PS", "--may-exist", true, need_physical, run_add_ps, nullptr,
     "Create a physical switch."},
    {"del-ps", 1, 1, "PS", "--if-exists", true, need_physical, run_del_ps, nullptr,
     "Delete a physical switch and all of its ports."},
    {"list-ps", 0, 0, "", "", false, need_physical, run_list_ps, nullptr,
     "Print the names of all physical switches."},
    {"ps-exists", 1, 1, "PS", "", false, need_physical, run_ps_exists, nullptr,
     "Exit with 2 if there is no such physical switch."},
    {"list-ports", 1, 1, "PS", "", false, need_physical, run_list_ports, nullptr,
     "Print the names of a physical switch's ports."},
    {"add-port", 2, 2, "PS PORT", "--may-exist", true, need_physical, run_add_port, nullptr,
     "Add a port to a physical switch."},
    {"del-port", 2, 2, "PS PORT", "--if-exists", true, need_physical, run_del_port, nullptr,
     "Delete a port of a physical switch."},
};

}  // namespace

Result<const vt::PhysicalPort*> find_port(CtlContext& context, const std::string& physical_switch,
                                          const std::string& port) {
    const vt::PhysicalSwitch* ps = find_named<vt::PhysicalSwitch>(context, physical_switch);
    const vt::PhysicalPort* found = ps ? port_of(context, *ps, port) : nullptr;
    if (!found) return Error{fmt::format("no port named {}", port)};
    return found;
}

std::span<const CtlCommand> physical_commands() {
    return kCommands;
}

}  // namespace weft::cli::vtepctl
