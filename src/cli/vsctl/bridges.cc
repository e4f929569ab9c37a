// Bridges: add-br del-br list-br br-exists br-to-vlan br-to-parent br-set-external-id br-get-external-id.

#include <fmt/format.h>

#include <charconv>

#include "cli/vsctl/commands.h"

namespace weft::cli::vsctl {
namespace {

constexpr std::string_view kFakePrefix = "fake-bridge-";  // of a fake bridge's external ids, kept in its Port
constexpr int kNoSuchBridge = 2;                          // exit code of br-exists

// --may-exist add-br: the bridge is there; is it the one that was meant?
Result<void> check_existing(const BridgeView& bridge, std::string_view parent, int64_t vlan) {
    const std::string& name = bridge.name;
    if (parent.empty()) {
        if (!bridge.is_fake()) return {};
        return Error{fmt::format("\"--may-exist add-br {}\" but {} is a VLAN bridge for VLAN {}", name, name,
                                 bridge.vlan)};
    }
    std::string typed = fmt::format("\"--may-exist add-br {} {} {}\"", name, parent, vlan);
    if (!bridge.is_fake()) return Error{fmt::format("{} but {} is not a VLAN bridge", typed, name)};
    if (bridge.parent != parent)
        return Error{fmt::format("{} but {} has the wrong parent {}", typed, name, bridge.parent)};
    if (bridge.vlan != vlan) {
        return Error{
            fmt::format("{} but {} is a VLAN bridge for the wrong VLAN {}", typed, name, bridge.vlan)};
    }
    return {};
}

void insert_bridge(db::Transaction& txn, const std::string& name) {
    Uuid bridge = txn.insert<vs::Bridge>();
    txn.set(bridge, vs::Bridge::kName, name);
    insert_port(txn, bridge, name, {name}, "internal");
    txn.add(root(txn), vs::OpenVSwitch::kBridges, bridge);
}

Result<void> insert_fake_bridge(db::Transaction& txn, const Layout& layout, const std::string& name,
                                std::string_view parent_name, int64_t vlan) {
    auto parent = layout.bridges.find(parent_name);
    if (parent == layout.bridges.end())
        return Error{fmt::format("parent bridge {} does not exist", parent_name)};
    if (parent->second.is_fake()) {
        return Error{"cannot create bridge with fake bridge as parent"};
    }
    if (const BridgeView* other = layout.find_fake(parent_name, vlan)) {
        return Error{fmt::format("bridge {} already has a child VLAN bridge {} on VLAN {}", parent_name,
                                 other->name, vlan)};
    }
    Uuid port = insert_port(txn, parent->second.uuid, name, {name}, "internal");
    txn.set(port, vs::Port::kFakeBridge, true);
    txn.set(port, vs::Port::kTag, vlan);
    return {};
}

Result<void> run_add_br(CtlContext& context) {
    const std::string& name = context[0];
    std::string_view parent = context.at(1);
    int64_t vlan = 0;
    if (context.size() == 2)
        return Error{fmt::format("'{}' command takes exactly 1 or 3 arguments", context.command().name)};
    if (context.size() == 3) {
        const std::string& text = context[2];
        auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), vlan);
        if (error != std::errc() || *end || vlan < 0 || vlan > 4095) {
            return Error{fmt::format("{}: vlan must be between 0 and 4095", context.command().name)};
        }
    }
    Layout layout(context);
    if (context.has("--may-exist")) {
        auto it = layout.bridges.find(name);
        if (it != layout.bridges.end()) return check_existing(it->second, parent, vlan);
    }
    WEFT_TRY(layout.check_free(name, fmt::format("cannot create a bridge named {}", name)));
    context.session().new_names.push_back(name);
    if (!parent.empty()) return insert_fake_bridge(context.transaction(), layout, name, parent, vlan);
    insert_bridge(context.transaction(), name);
    return {};
}

Result<void> run_del_br(CtlContext& context) {
    Layout layout(context);
    db::Transaction& txn = context.transaction();
    auto it = layout.bridges.find(context[0]);
    if (it == layout.bridges.end() && context.has("--if-exists")) return {};
    WEFT_ASSIGN(const BridgeView* bridge, layout.bridge(context[0]));
    if (bridge->is_fake()) {
        for (const std::string& port : bridge->ports) delete_port(txn, layout, port);
        delete_port(txn, layout, bridge->name);
        return {};
    }
    for (const auto& [name, port] : layout.ports) {
        if (layout.bridges.find(port.bridge)->second.uuid == bridge->uuid) delete_port(txn, layout, name);
    }
    txn.erase<vs::Bridge>(bridge->uuid);
    txn.remove(root(txn), vs::OpenVSwitch::kBridges, bridge->uuid);
    return {};
}

Result<void> run_list_br(CtlContext& context) {
    Layout layout(context);
    for (const auto& [name, bridge] : layout.bridges) {
        if (context.has(bridge.is_fake() ? "--real" : "--fake")) continue;
        context.output += name + '\n';
    }
    return {};
}

Result<void> run_br_exists(CtlContext& context) {
    Layout layout(context);
    if (layout.bridges.find(context[0]) == layout.bridges.end()) context.session().exit_code = kNoSuchBridge;
    return {};
}

Result<void> run_br_to_vlan(CtlContext& context) {
    Layout layout(context);
    WEFT_ASSIGN(const BridgeView* bridge, layout.bridge(context[0]));
    context.output = fmt::format("{}\n", bridge->vlan);
    return {};
}

Result<void> run_br_to_parent(CtlContext& context) {
    Layout layout(context);
    WEFT_ASSIGN(const BridgeView* bridge, layout.bridge(context[0]));
    context.output = (bridge->is_fake() ? bridge->parent : bridge->name) + '\n';
    return {};
}

Result<void> need_external_ids(CtlContext& context) {
    context.need(vs::Bridge::kExternalIds);
    context.need(vs::Port::kExternalIds);
    return need_layout(context);
}

Result<void> run_set_external_id(CtlContext& context) {
    Layout layout(context);
    WEFT_ASSIGN(const BridgeView* bridge, layout.bridge(context[0]));
    db::Transaction& txn = context.transaction();
    std::string key = bridge->is_fake() ? std::string(kFakePrefix) + context[1] : context[1];
    auto write = [&](const Uuid& uuid, const auto& column) {
        if (context.size() > 2) {
            txn.set_key(uuid, column, key, context[2]);
        } else {
            txn.remove_key(uuid, column, key);
        }
    };
    if (bridge->is_fake()) {
        write(bridge->port, vs::Port::kExternalIds);
    } else {
        write(bridge->uuid, vs::Bridge::kExternalIds);
    }
    return {};
}

Result<void> run_get_external_id(CtlContext& context) {
    Layout layout(context);
    WEFT_ASSIGN(const BridgeView* bridge, layout.bridge(context[0]));
    std::string_view prefix = bridge->is_fake() ? kFakePrefix : std::string_view();
    const ovsdb::StringMap& ids = bridge->is_fake() ? context.row<vs::Port>(bridge->port)->external_ids
                                                    : context.row<vs::Bridge>(bridge->uuid)->external_ids;
    if (context.size() > 1) {
        const std::string* value = ids.find(std::string(prefix) + context[1]);
        if (value) context.output = *value + '\n';
        return {};
    }
    for (const auto& [key, value] : ids) {
        if (key.starts_with(prefix))
            context.output += fmt::format("{}={}\n", key.substr(prefix.size()), value);
    }
    return {};
}

constexpr CtlCommand kCommands[] = {
    {"add-br", 1, 3, "BRIDGE [PARENT VLAN]", "--may-exist", true, need_layout, run_add_br, nullptr,
     "Create a bridge, or a fake one for a VLAN of its parent."},
    {"del-br", 1, 1, "BRIDGE", "--if-exists", true, need_layout, run_del_br, nullptr,
     "Delete a bridge and all of its ports."},
    {"list-br", 0, 0, "", "--real,--fake", false, need_layout, run_list_br, nullptr,
     "Print the names of all bridges."},
    {"br-exists", 1, 1, "BRIDGE", "", false, need_layout, run_br_exists, nullptr,
     "Exit with 2 if there is no such bridge."},
    {"br-to-vlan", 1, 1, "BRIDGE", "", false, need_layout, run_br_to_vlan, nullptr,
     "Print the VLAN of a fake bridge, or 0."},
    {"br-to-parent", 1, 1, "BRIDGE", "", false, need_layout, run_br_to_parent, nullptr,
     "Print the parent of a fake bridge, or the bridge itself."},
    {"br-set-external-id", 2, 3, "BRIDGE KEY [VALUE]", "", true, need_external_ids, run_set_external_id,
     nullptr, "Set a pair of a bridge's external ids, or remove it."},
    {"br-get-external-id", 1, 2, "BRIDGE [KEY]", "", false, need_external_ids, run_get_external_id, nullptr,
     "Print a bridge's external ids."},
};

}  // namespace

std::span<const CtlCommand> bridge_commands() {
    return kCommands;
}

}  // namespace weft::cli::vsctl
