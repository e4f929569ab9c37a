#include "controller/patch_ports.h"

#include <set>

#include "base/log.h"
#include "controller/integration_bridge.h"

namespace weft::controller {

namespace {

namespace vs = schema::vswitch;
using ovsdb::client::Replica;
using ovsdb::client::Transaction;

log::Module lg("patch");

constexpr const char* kMarks[] = {"ovn-localnet-port", "ovn-l2gateway-port"};

struct End {
    const vs::Bridge* bridge;
    std::string name, peer, mark, logical_port;
};

// The logical port that a patch port of ours is for, and the mark it has; "" for other ports.
std::pair<std::string, std::string> owner(const vs::Port& port) {
    for (const char* mark : kMarks) {
        if (const std::string* name = port.external_ids.find(mark)) return {*name, mark};
    }
    return {};
}

std::map<std::string, End> wanted_ends(const Replica& vswitch, const Configuration& configuration,
                                       const vs::Bridge& integration_bridge,
                                       const std::map<std::string, PatchWanted>& wanted) {
    std::map<std::string, End> ends;
    for (const auto& [logical_port, each] : wanted) {
        auto mapping = configuration.bridge_mappings.find(each.network);
        if (mapping == configuration.bridge_mappings.end()) continue;
        const vs::Bridge* bridge = find_bridge(vswitch, mapping->second);
        if (!bridge) {
            static log::RateLimit limit(5, 5);
            if (limit.pass(lg)) {
                lg.warn("bridge '{}' of network '{}', which port '{}' leads to, does not exist",
                        mapping->second, each.network, logical_port);
            }
            continue;
        }
        std::string inner = "patch-" + integration_bridge.name + "-to-" + logical_port;
        std::string outer = "patch-" + logical_port + "-to-" + integration_bridge.name;
        ends[inner] = {&integration_bridge, inner, outer, each.mark, logical_port};
        ends[outer] = {bridge, outer, inner, each.mark, logical_port};
    }
    return ends;
}

void create(const End& end, Transaction& txn) {
    Uuid interface = txn.insert<vs::Interface>();
    txn.set(interface, vs::Interface::kName, end.name);
    txn.set(interface, vs::Interface::kType, "patch");
    txn.set(interface, vs::Interface::kOptions, {{"peer", end.peer}});
    Uuid port = txn.insert<vs::Port>();
    txn.set(port, vs::Port::kName, end.name);
    txn.set(port, vs::Port::kInterfaces, {interface});
    txn.set(port, vs::Port::kExternalIds, {{end.mark, end.logical_port}});
    txn.verify(end.bridge->uuid, vs::Bridge::kPorts);
    txn.add(end.bridge->uuid, vs::Bridge::kPorts, port);
    txn.comment("ovn-controller: creating patch port '" + end.name + "' from '" + end.bridge->name +
                "' to '" + end.peer + "'");
}

// Calls function(bridge, port) for each of our patch ports.
template <typename F>
void for_each_patch_port(const Replica& vswitch, F&& function) {
    for (const vs::Bridge& bridge : vswitch.table<vs::Bridge>()) {
        for (const Uuid& uuid : bridge.ports) {
            const vs::Port* port = vswitch.find<vs::Port>(uuid);
            if (port && !owner(*port).first.empty()) function(bridge, *port);
        }
    }
}

}  // namespace

void keep_patch_ports(const Replica& vswitch, const Configuration& configuration,
                      const vs::Bridge& integration_bridge, const std::map<std::string, PatchWanted>& wanted,
                      Transaction& txn) {
    std::map<std::string, End> missing = wanted_ends(vswitch, configuration, integration_bridge, wanted);
    bool changed = false;
    for_each_patch_port(vswitch, [&](const vs::Bridge& bridge, const vs::Port& port) {
        auto it = missing.find(port.name);
        if (it != missing.end() && it->second.bridge->uuid == bridge.uuid &&
            owner(port).second == it->second.mark) {
            missing.erase(it);
            return;
        }
        // Several controllers may share the database: each has the pairs of its own bridge.
        std::string inner = "patch-" + integration_bridge.name + "-to-" + owner(port).first;
        std::string outer = "patch-" + owner(port).first + "-to-" + integration_bridge.name;
        if (port.name != inner && port.name != outer) return;
        lg.info("patch port {} of bridge {} is no longer needed", port.name, bridge.name);
        txn.remove(bridge.uuid, vs::Bridge::kPorts, port.uuid);
        changed = true;
    });
    for (const auto& [name, end] : missing) {
        // A port of that name that waits to be removed, or is somebody else's, is in the way.
        if (!vswitch.table<vs::Port>().find_by(vs::Port::kName, name)) {
            create(end, txn);
            changed = true;
        }
    }
    const vs::OpenVSwitch* root = open_vswitch_row(vswitch);
    if (root && changed) txn.increment(root->uuid, vs::OpenVSwitch::kNextCfg);
}

std::string owner_of_patch_port(const vs::Port& port) {
    return owner(port).first;
}

void remove_patch_ports(const Replica& vswitch, Transaction& txn) {
    for_each_patch_port(vswitch, [&](const vs::Bridge& bridge, const vs::Port& port) {
        txn.remove(bridge.uuid, vs::Bridge::kPorts, port.uuid);
    });
}

}  // namespace weft::controller
