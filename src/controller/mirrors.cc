#include "controller/mirrors.h"

#include <algorithm>
#include <optional>

#include "base/log.h"

namespace weft::controller {

namespace {

namespace sb = schema::sb;
namespace vs = schema::vswitch;
using ovsdb::Set;
using ovsdb::client::Replica;
using ovsdb::client::Transaction;

log::Module lg("mirror");

constexpr const char* kMark = "ovn-owned";      // of mirrors that are ours
constexpr const char* kSinkMark = "mirror-id";  // of interfaces: which sinks they are

struct Wanted {
    const sb::Mirror* mirror = nullptr;
    Set<Uuid> ports;  // of the bridge
};

// The bridge's ports by the interface that they have.
std::map<Uuid, const vs::Port*> ports_by_interface(const Replica& vswitch, const vs::Bridge& bridge) {
    std::map<Uuid, const vs::Port*> out;
    for (const Uuid& uuid : bridge.ports) {
        const vs::Port* port = vswitch.find<vs::Port>(uuid);
        if (!port) continue;
        for (const Uuid& interface : port->interfaces) out[interface] = port;
    }
    return out;
}

std::map<std::string, Wanted> wanted_mirrors(const Replica& southbound, OwnPorts& own,
                                             const std::map<Uuid, const vs::Port*>& ports) {
    std::map<std::string, Wanted> out;
    for (const Uuid& own_port : own.with[OwnPorts::Trait::kMirrored]) {
        const sb::PortBinding* row = own.view.port(own_port);
        const LocalInterface* interface = own.view.local_interfaces.find(row->logical_port);
        auto port = interface ? ports.find(interface->uuid) : ports.end();
        if (port == ports.end()) continue;
        for (const Uuid& uuid : row->mirror_rules) {
            const sb::Mirror* mirror = southbound.find<sb::Mirror>(uuid);
            if (!mirror || mirror->type == "lport") continue;  // those are in the logical flows
            Wanted& wanted = out[mirror->name];
            wanted.mirror = mirror;
            wanted.ports.insert(port->second->uuid);
        }
    }
    return out;
}

std::string tunnel_name(const sb::Mirror& mirror) {
    return "ovn-" + mirror.name;
}

ovsdb::StringMap tunnel_options(const sb::Mirror& mirror) {
    ovsdb::StringMap options{{"remote_ip", mirror.sink}};
    if (mirror.type == "gre") {
        options.set("key", std::to_string(mirror.index));
    } else {
        options.set("key", std::to_string(mirror.index));
        options.set("erspan_idx", std::to_string(mirror.index));
        options.set("erspan_ver", "1");
    }
    return options;
}

// The tunnel's port, made or corrected.
Uuid keep_tunnel(const Replica& vswitch, const vs::Bridge& bridge, const sb::Mirror& mirror,
                 Transaction& txn) {
    std::string name = tunnel_name(mirror);
    const vs::Port* present = vswitch.table<vs::Port>().find_by(vs::Port::kName, name);
    Uuid port, interface;
    if (present && present->interfaces.size() == 1) {
        port = present->uuid;
        interface = present->interfaces.front();
    } else {
        interface = txn.insert<vs::Interface>();
        txn.set(interface, vs::Interface::kName, name);
        port = txn.insert<vs::Port>();
        txn.set(port, vs::Port::kName, name);
        txn.set(port, vs::Port::kInterfaces, {interface});
        txn.add(bridge.uuid, vs::Bridge::kPorts, port);
    }
    txn.set(interface, vs::Interface::kType, mirror.type);
    txn.set(interface, vs::Interface::kOptions, tunnel_options(mirror));
    return port;
}

std::optional<Uuid> find_sink(const Replica& vswitch, const std::map<Uuid, const vs::Port*>& ports,
                              const std::string& sink) {
    for (const auto& [uuid, port] : ports) {
        const vs::Interface* interface = vswitch.find<vs::Interface>(uuid);
        if (interface && ovsdb::get_string(interface->external_ids, kSinkMark) == sink) return port->uuid;
    }
    return std::nullopt;
}

void remove_tunnel(const Replica& vswitch, const vs::Bridge& bridge, const std::string& mirror,
                   Transaction& txn) {
    const vs::Port* port = vswitch.table<vs::Port>().find_by(vs::Port::kName, "ovn-" + mirror);
    if (port && bridge.ports.contains(port->uuid)) txn.remove(bridge.uuid, vs::Bridge::kPorts, port->uuid);
}

void keep_mirror(const Uuid& row, const Wanted& wanted, const std::optional<Uuid>& output, Transaction& txn) {
    const std::string& filter = wanted.mirror->filter;
    bool from = filter != "to-lport", to = filter != "from-lport";
    txn.set(row, vs::Mirror::kSelectSrcPort, from ? wanted.ports : Set<Uuid>());
    txn.set(row, vs::Mirror::kSelectDstPort, to ? wanted.ports : Set<Uuid>());
    txn.set(row, vs::Mirror::kOutputPort, output);
}

}  // namespace

void keep_mirrors(const Replica& vswitch, const Replica& southbound, const vs::Bridge& bridge, OwnPorts& own,
                  Transaction& txn) {
    own.view.depend_on({Outside::kBridges, Outside::kMirrors, Outside::kSouthboundMirrors});
    if (own.with[OwnPorts::Trait::kMirrored].empty() && bridge.mirrors.empty()) return;
    own.view.depend_on({Outside::kTunnelPorts, Outside::kOtherPorts});
    std::map<Uuid, const vs::Port*> ports = ports_by_interface(vswitch, bridge);
    std::map<std::string, Wanted> wanted = wanted_mirrors(southbound, own, ports);
    std::map<std::string, Uuid> present;
    for (const Uuid& uuid : bridge.mirrors) {
        const vs::Mirror* row = vswitch.find<vs::Mirror>(uuid);
        if (!row || !ovsdb::get_bool(row->external_ids, kMark)) continue;
        const std::string& name = row->name;
        auto it = wanted.find(name);
        if (it == wanted.end() || it->second.mirror->type == "local")
            remove_tunnel(vswitch, bridge, name, txn);
        if (it == wanted.end()) {
            lg.info("mirror {} is no longer needed", name);
            txn.remove(bridge.uuid, vs::Bridge::kMirrors, uuid);
        } else {
            present[name] = uuid;
        }
    }
    for (const auto& [name, each] : wanted) {
        auto output = each.mirror->type == "local"
                          ? find_sink(vswitch, ports, each.mirror->sink)
                          : std::optional(keep_tunnel(vswitch, bridge, *each.mirror, txn));
        if (auto it = present.find(name); it != present.end()) {
            keep_mirror(it->second, each, output, txn);
            continue;
        }
        Uuid row = txn.insert<vs::Mirror>();
        txn.set(row, vs::Mirror::kName, name);
        txn.set(row, vs::Mirror::kExternalIds, {{kMark, "true"}});
        keep_mirror(row, each, output, txn);
        txn.add(bridge.uuid, vs::Bridge::kMirrors, row);
    }
}

void remove_mirrors(const Replica& vswitch, const vs::Bridge& bridge, Transaction& txn) {
    for (const Uuid& uuid : bridge.mirrors) {
        const vs::Mirror* row = vswitch.find<vs::Mirror>(uuid);
        if (!row || !ovsdb::get_bool(row->external_ids, kMark)) continue;
        const std::string& name = row->name;
        remove_tunnel(vswitch, bridge, name, txn);
        txn.remove(bridge.uuid, vs::Bridge::kMirrors, uuid);
    }
}

}  // namespace weft::controller
