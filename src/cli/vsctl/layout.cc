#include "cli/vsctl/layout.h"

#include <fmt/format.h>

#include <algorithm>

namespace weft::cli::vsctl {
namespace {

template <typename Views>
auto find_or(const Views& views, std::string_view name, const char* kind)
    -> Result<const typename Views::mapped_type*> {
    auto it = views.find(name);
    if (it == views.end()) return Error{fmt::format("no {} named {}", kind, name)};
    return &it->second;
}

bool is_fake_bridge_port(const vs::Port& port) {
    return port.fake_bridge && port.tag && *port.tag >= 0 && *port.tag <= 4095;
}

}  // namespace

Layout::Layout(CtlContext& context) {
    std::vector<const vs::Bridge*> rows = context.rows<vs::Bridge>();
    for (const vs::Bridge* bridge : rows) add_bridge(context, *bridge);
    for (const vs::Bridge* bridge : rows) add_ports(context, *bridge);
    for (auto& [name, bridge] : bridges) std::sort(bridge.ports.begin(), bridge.ports.end());
}

void Layout::add_bridge(CtlContext& context, const vs::Bridge& bridge) {
    bridges.emplace(bridge.name, BridgeView{bridge.name, bridge.uuid, {}, "", 0, {}});
    for (const Uuid& uuid : bridge.ports) {
        const vs::Port* port = context.row<vs::Port>(uuid);
        if (!port || !is_fake_bridge_port(*port)) continue;
        bridges.emplace(port->name,
                        BridgeView{port->name, bridge.uuid, port->uuid, bridge.name, *port->tag, {}});
    }
}

void Layout::add_ports(CtlContext& context, const vs::Bridge& bridge) {
    for (const Uuid& uuid : bridge.ports) {
        const vs::Port* port = context.row<vs::Port>(uuid);
        if (!port) continue;
        PortView view{port->name, port->uuid, bridge.name, {}};
        const BridgeView* fake = port->tag ? find_fake(bridge.name, *port->tag) : nullptr;
        if (fake) view.bridge = fake->name;
        for (const Uuid& each : port->interfaces) {
            const vs::Interface* interface = context.row<vs::Interface>(each);
            if (!interface) continue;
            view.interfaces.push_back(interface->name);
            interfaces.emplace(interface->name, InterfaceView{interface->name, interface->uuid, port->name});
        }
        std::sort(view.interfaces.begin(), view.interfaces.end());
        bool is_local = port->name == bridge.name || is_fake_bridge_port(*port);
        if (!is_local) bridges.find(view.bridge)->second.ports.push_back(port->name);
        ports.emplace(port->name, std::move(view));
    }
}

const BridgeView* Layout::find_fake(std::string_view parent, int64_t vlan) const {
    for (const auto& [name, bridge] : bridges) {
        if (bridge.parent == parent && bridge.vlan == vlan) return &bridge;
    }
    return nullptr;
}

Result<const BridgeView*> Layout::bridge(std::string_view name) const {
    return find_or(bridges, name, "bridge");
}

Result<const BridgeView*> Layout::real_bridge(std::string_view name) const {
    WEFT_ASSIGN(const BridgeView* found, bridge(name));
    if (found->is_fake()) return Error{fmt::format("{} is a fake bridge", name)};
    return found;
}

Result<const PortView*> Layout::port(std::string_view name) const {
    Result<const PortView*> found = find_or(ports, name, "port");
    if (found && bridges.find(name) != bridges.end()) return Error{fmt::format("no port named {}", name)};
    return found;
}

Result<const InterfaceView*> Layout::interface(std::string_view name) const {
    Result<const InterfaceView*> found = find_or(interfaces, name, "interface");
    if (found && bridges.find(name) != bridges.end())
        return Error{fmt::format("no interface named {}", name)};
    return found;
}

Result<void> Layout::check_free(std::string_view name, const std::string& purpose) const {
    auto taken = [&](const char* article, const char* kind, std::string_view on) {
        return Error{fmt::format("{} because {} {} named {} already exists{}{}", purpose, article, kind, name,
                                 on.empty() ? "" : " on bridge ", on)};
    };
    if (bridges.find(name) != bridges.end()) return taken("a", "bridge", "");
    if (auto it = ports.find(name); it != ports.end()) return taken("a", "port", it->second.bridge);
    if (auto it = interfaces.find(name); it != interfaces.end()) {
        return taken("an", "interface", ports.find(it->second.port)->second.bridge);
    }
    return {};
}

Result<void> need_layout(CtlContext& context) {
    context.need(vs::OpenVSwitch::kBridges);
    context.need(vs::Bridge::kName, vs::Bridge::kPorts);
    context.need(vs::Port::kName, vs::Port::kFakeBridge, vs::Port::kTag, vs::Port::kInterfaces);
    context.need(vs::Interface::kName, vs::Interface::kOfport, vs::Interface::kError);
    return {};
}

Uuid root(db::Transaction& transaction) {
    Uuid found;
    transaction.for_each<vs::OpenVSwitch>([&](const vs::OpenVSwitch& row) { found = row.uuid; });
    return found.is_zero() ? transaction.insert<vs::OpenVSwitch>() : found;
}

}  // namespace weft::cli::vsctl
