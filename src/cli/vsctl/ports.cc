// Ports, bonds and interfaces: list-ports add-port add-bond add-bond-iface del-bond-iface del-port port-to-br
// list-ifaces iface-to-br.

#include <fmt/format.h>

#include "cli/ctl/assignment.h"
#include "cli/vsctl/commands.h"

namespace weft::cli::vsctl {

Uuid insert_port(db::Transaction& txn, const Uuid& bridge, const std::string& name,
                 const std::vector<std::string>& interfaces, const char* interface_type) {
    Uuid port = txn.insert<vs::Port>();
    txn.set(port, vs::Port::kName, name);
    for (const std::string& each : interfaces) {
        Uuid interface = txn.insert<vs::Interface>();
        txn.set(interface, vs::Interface::kName, each);
        if (*interface_type) txn.set(interface, vs::Interface::kType, interface_type);
        txn.add(port, vs::Port::kInterfaces, interface);
    }
    txn.add(bridge, vs::Bridge::kPorts, port);
    return port;
}

void delete_port(db::Transaction& txn, const Layout& layout, const std::string& name) {
    const PortView& port = layout.ports.find(name)->second;
    for (const std::string& each : port.interfaces) {
        txn.erase<vs::Interface>(layout.interfaces.find(each)->second.uuid);
    }
    txn.erase<vs::Port>(port.uuid);
    txn.remove(layout.bridges.find(port.bridge)->second.uuid, vs::Bridge::kPorts, port.uuid);
}

namespace {

std::string joined(const std::vector<std::string>& words, const char* separator = ", ") {
    std::string out;
    for (const std::string& word : words) out += (out.empty() ? "" : separator) + word;
    return out;
}

// What was typed, for messages about --may-exist.
std::string typed(const CtlContext& context, size_t words) {
    std::string out = fmt::format("\"--may-exist {}", context.command().name);
    for (size_t i = 0; i < words; i++) out += ' ' + context[i];
    return out + '"';
}

Result<void> check_existing_port(const CtlContext& context, const PortView& port, const std::string& bridge,
                                 std::vector<std::string> interfaces) {
    std::sort(interfaces.begin(), interfaces.end());
    if (port.bridge != bridge) {
        return Error{fmt::format("{} but {} is actually attached to bridge {}",
                                 typed(context, interfaces.size() > 1 ? 2 + interfaces.size() : 2), port.name,
                                 port.bridge)};
    }
    if (port.interfaces != interfaces) {
        return Error{fmt::format("{} but {} actually has interface(s) {}",
                                 typed(context, interfaces.size() > 1 ? 2 + interfaces.size() : 2), port.name,
                                 joined(port.interfaces))};
    }
    return {};
}

// Arguments from `first` on are settings, COLUMN[:KEY]=VALUE, of the port.
Result<void> add_port(CtlContext& context, const std::vector<std::string>& interfaces, bool fake_interface,
                      size_t first) {
    const std::string& bridge_name = context[0];
    const std::string& name = context[1];
    Layout layout(context);
    if (context.has("--may-exist")) {
        auto it = layout.ports.find(name);
        if (it != layout.ports.end())
            return check_existing_port(context, it->second, bridge_name, interfaces);
    }
    WEFT_TRY(layout.check_free(name, fmt::format("cannot create a port named {}", name)));
    for (const std::string& each : interfaces) {
        WEFT_TRY(layout.check_free(each, fmt::format("cannot create an interface named {}", each)));
    }
    WEFT_ASSIGN(const BridgeView* bridge, layout.bridge(bridge_name));
    db::Transaction& txn = context.transaction();
    for (const std::string& each : interfaces) context.session().new_names.push_back(each);
    Uuid port = insert_port(txn, bridge->uuid, name, interfaces);
    if (bridge->is_fake()) txn.set(port, vs::Port::kTag, bridge->vlan);
    if (fake_interface) txn.set(port, vs::Port::kBondFakeIface, true);
    for (size_t i = first; i < context.size(); i++) {
        WEFT_TRY(assign(context, vs::Port::table_info(), port, context[i]));
    }
    return {};
}

Result<void> need_new_port(CtlContext& context) {
    for (size_t i = 2; i < context.size(); i++) {
        if (context[i].find('=') != std::string::npos) {
            WEFT_TRY(need_assignment(context, vs::Port::table_info(), context[i]));
        }
    }
    return need_layout(context);
}

Result<void> need_add_port(CtlContext& context) {
    for (size_t i = 2; i < context.size(); i++) {
        WEFT_TRY(need_assignment(context, vs::Port::table_info(), context[i]));
    }
    return need_layout(context);
}

Result<void> run_add_port(CtlContext& context) {
    return add_port(context, {context[1]}, false, 2);
}

Result<void> run_add_bond(CtlContext& context) {
    size_t first = context.size();
    std::vector<std::string> interfaces;
    for (size_t i = 2; i < context.size(); i++) {
        if (context[i].find('=') != std::string::npos) {
            first = i;
            break;
        }
        interfaces.push_back(context[i]);
    }
    if (interfaces.size() < 2) {
        return Error{fmt::format("add-bond requires at least 2 interfaces, but only {} were specified",
                                 interfaces.size())};
    }
    return add_port(context, interfaces, context.has("--fake-iface"), first);
}

Result<void> run_add_bond_iface(CtlContext& context) {
    Layout layout(context);
    WEFT_ASSIGN(const PortView* port, layout.port(context[0]));
    const std::string& name = context[1];
    if (context.has("--may-exist")) {
        auto it = layout.interfaces.find(name);
        if (it != layout.interfaces.end()) {
            if (it->second.port == port->name) return {};
            return Error{fmt::format("{} but {} is actually attached to port {}", typed(context, 2), name,
                                     it->second.port)};
        }
    }
    WEFT_TRY(layout.check_free(name, fmt::format("cannot create an interface named {}", name)));
    db::Transaction& txn = context.transaction();
    Uuid interface = txn.insert<vs::Interface>();
    txn.set(interface, vs::Interface::kName, name);
    txn.add(port->uuid, vs::Port::kInterfaces, interface);
    return {};
}

Result<void> run_del_bond_iface(CtlContext& context) {
    Layout layout(context);
    const std::string& name = context.arguments.back();
    if (context.has("--if-exists") && layout.interfaces.find(name) == layout.interfaces.end()) return {};
    WEFT_ASSIGN(const InterfaceView* interface, layout.interface(name));
    if (context.size() == 2) {
        WEFT_ASSIGN(const PortView* port, layout.port(context[0]));
        if (interface->port != port->name) {
            return Error{fmt::format("port {} does not have an interface {}", context[0], name)};
        }
    }
    const PortView& port = layout.ports.find(interface->port)->second;
    if (port.interfaces.size() == 1) {
        return Error{fmt::format("cannot delete last interface from port {}", port.name)};
    }
    db::Transaction& txn = context.transaction();
    txn.remove(port.uuid, vs::Port::kInterfaces, interface->uuid);
    txn.erase<vs::Interface>(interface->uuid);
    return {};
}

// The port to delete: of the name given, or with an interface of that name.
const PortView* port_to_delete(CtlContext& context, const Layout& layout, const std::string& name) {
    auto it = layout.ports.find(name);
    if (it != layout.ports.end()) return &it->second;
    if (!context.has("--with-iface")) return nullptr;
    auto interface = layout.interfaces.find(name);
    return interface == layout.interfaces.end() ? nullptr
                                                : &layout.ports.find(interface->second.port)->second;
}

Result<void> run_del_port(CtlContext& context) {
    Layout layout(context);
    const std::string& name = context.arguments.back();
    if (layout.bridges.find(name) != layout.bridges.end()) {
        if (context.has("--if-exists")) return {};
        return Error{fmt::format(
            "cannot delete port {} because it is the local port for bridge {} (deleting this port "
            "requires deleting the entire bridge)",
            name, name)};
    }
    const PortView* port = port_to_delete(context, layout, name);
    if (!port) {
        if (context.has("--if-exists")) return {};
        return Error{
            fmt::format("no {} named {}", context.has("--with-iface") ? "port or interface" : "port", name)};
    }
    if (context.size() == 2) {
        WEFT_ASSIGN(const BridgeView* bridge, layout.bridge(context[0]));
        const BridgeView& actual = layout.bridges.find(port->bridge)->second;
        if (actual.name != bridge->name) {
            if (actual.parent == bridge->name) {
                return Error{
                    fmt::format("bridge {} does not have a port {} (although its child bridge {} does)",
                                context[0], name, actual.name)};
            }
            return Error{fmt::format("bridge {} does not have a port {}", context[0], name)};
        }
    }
    delete_port(context.transaction(), layout, port->name);
    return {};
}

Result<void> run_list_ports(CtlContext& context) {
    Layout layout(context);
    WEFT_ASSIGN(const BridgeView* bridge, layout.bridge(context[0]));
    for (const std::string& port : bridge->ports) context.output += port + '\n';
    return {};
}

Result<void> run_list_ifaces(CtlContext& context) {
    Layout layout(context);
    WEFT_ASSIGN(const BridgeView* bridge, layout.bridge(context[0]));
    std::vector<std::string> names;
    for (const std::string& port : bridge->ports) {
        for (const std::string& each : layout.ports.find(port)->second.interfaces) names.push_back(each);
    }
    std::sort(names.begin(), names.end());
    for (const std::string& name : names) context.output += name + '\n';
    return {};
}

Result<void> run_port_to_br(CtlContext& context) {
    Layout layout(context);
    WEFT_ASSIGN(const PortView* port, layout.port(context[0]));
    context.output = port->bridge + '\n';
    return {};
}

Result<void> run_iface_to_br(CtlContext& context) {
    Layout layout(context);
    WEFT_ASSIGN(const InterfaceView* interface, layout.interface(context[0]));
    context.output = layout.ports.find(interface->port)->second.bridge + '\n';
    return {};
}

constexpr CtlCommand kCommands[] = {
    {"list-ports", 1, 1, "BRIDGE", "", false, need_layout, run_list_ports, nullptr,
     "Print the names of a bridge's ports."},
    {"add-port", 2, -1, "BRIDGE PORT [COLUMN[:KEY]=VALUE]...", "--may-exist", true, need_add_port,
     run_add_port, nullptr, "Add a network device to a bridge, with settings of the Port."},
    {"add-bond", 4, -1, "BRIDGE PORT IFACE... [COLUMN[:KEY]=VALUE]...", "--may-exist,--fake-iface", true,
     need_new_port, run_add_bond, nullptr, "Add several network devices to a bridge as one port."},
    {"add-bond-iface", 2, 2, "BOND IFACE", "--may-exist", true, need_layout, run_add_bond_iface, nullptr,
     "Add a network device to a port."},
    {"del-bond-iface", 1, 2, "[BOND] IFACE", "--if-exists", true, need_layout, run_del_bond_iface, nullptr,
     "Take a network device out of a port."},
    {"del-port", 1, 2, "[BRIDGE] PORT", "--if-exists,--with-iface", true, need_layout, run_del_port, nullptr,
     "Delete a port."},
    {"port-to-br", 1, 1, "PORT", "", false, need_layout, run_port_to_br, nullptr,
     "Print the bridge that has the port."},
    {"list-ifaces", 1, 1, "BRIDGE", "", false, need_layout, run_list_ifaces, nullptr,
     "Print the names of a bridge's interfaces."},
    {"iface-to-br", 1, 1, "IFACE", "", false, need_layout, run_iface_to_br, nullptr,
     "Print the bridge that has the interface."},
};

}  // namespace

std::span<const CtlCommand> port_commands() {
    return kCommands;
}

}  // namespace weft::cli::vsctl
