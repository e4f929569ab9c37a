#include "controller/tunnels.h"

#include <algorithm>
#include <map>
#include <set>

#include "base/log.h"

namespace weft::controller {

namespace {

namespace sb = schema::sb;
namespace vs = schema::vswitch;
using ovsdb::client::Replica;
using ovsdb::client::Transaction;

constexpr std::string_view kMark = "ovn-chassis-id";

log::Module lg("encaps");

struct Wanted {
    std::string type, ip;
    ovsdb::StringMap options;
};

// Chassis in one of our transport zones; without zones on one side, none on the other.
bool zones_meet(const Configuration& c, const sb::Chassis& other) {
    if (c.transport_zones.empty() && other.transport_zones.empty()) return true;
    return std::any_of(c.transport_zones.begin(), c.transport_zones.end(),
                       [&](const std::string& zone) { return other.transport_zones.contains(zone); });
}

// Of the other chassis' encapsulations the best that we have too: Geneve carries all that OVN needs, VXLAN
// less.
const sb::Encap* preferred_encap(const Replica& southbound, const Configuration& c,
                                 const sb::Chassis& other) {
    const sb::Encap* best = nullptr;
    for (const Uuid& uuid : other.encaps) {
        const sb::Encap* encap = southbound.find<sb::Encap>(uuid);
        if (!encap) continue;
        bool ours = std::any_of(c.encaps.begin(), c.encaps.end(),
                                [&](const auto& own) { return own.type == encap->type; });
        if (!ours) continue;
        if (!best || (encap->type == "geneve") > (best->type == "geneve") ||
            (encap->type == best->type && encap->ip < best->ip))
            best = encap;
    }
    return best;
}

ovsdb::StringMap tunnel_options(const Configuration& c, const sb::Encap& encap) {
    ovsdb::StringMap options{{"remote_ip", encap.ip}, {"key", "flow"}};
    if (ovsdb::get_bool(encap.options, "csum")) options.set("csum", "true");
    if (!c.encap_tos.empty() && c.encap_tos != "none") options.set("tos", c.encap_tos);
    if (!c.encap_df_default.empty()) options.set("df_default", c.encap_df_default);
    // With several addresses of our own of that type, say which one the other end knows.
    std::vector<std::string> own;
    for (const auto& each : c.encaps) {
        if (each.type == encap.type) own.push_back(each.ip);
    }
    if (own.size() > 1) options.set("local_ip", own.front());
    return options;
}

// By the mark CHASSIS@IP.
std::map<std::string, Wanted> wanted_tunnels(const Replica& southbound, const Configuration& c) {
    std::map<std::string, Wanted> wanted;
    for (const sb::Chassis& other : southbound.table<sb::Chassis>()) {
        if (other.name == c.chassis || !zones_meet(c, other)) continue;
        // Interconnection gateways of other deployments are reached through gateways of ours alone.
        if (ovsdb::get_bool(other.other_config, "is-remote") && !c.is_interconn) continue;
        const sb::Encap* encap = preferred_encap(southbound, c, other);
        if (encap)
            wanted.emplace(other.name + "@" + encap->ip,
                           Wanted{encap->type, encap->ip, tunnel_options(c, *encap)});
    }
    return wanted;
}

std::string free_name(const Replica& vswitch, std::string_view mark, std::set<std::string>& taken) {
    std::string stem = "ovn-" + std::string(mark.substr(0, std::min(mark.find('@'), size_t{6}))) + "-";
    for (unsigned n = 0;; ++n) {
        char digits[9];
        std::snprintf(digits, sizeof digits, "%x", n);
        std::string name = stem + digits;
        if (vswitch.table<vs::Port>().find_by(vs::Port::kName, name) || taken.contains(name)) continue;
        taken.insert(name);
        return name;
    }
}

void create_tunnel(const Replica& vswitch, const vs::Bridge& bridge, const std::string& mark,
                   const Wanted& wanted, std::set<std::string>& taken, Transaction& txn) {
    std::string name = free_name(vswitch, mark, taken);
    Uuid interface = txn.insert<vs::Interface>();
    txn.set(interface, vs::Interface::kName, name);
    txn.set(interface, vs::Interface::kType, wanted.type);
    txn.set(interface, vs::Interface::kOptions, wanted.options);
    Uuid port = txn.insert<vs::Port>();
    txn.set(port, vs::Port::kName, name);
    txn.set(port, vs::Port::kInterfaces, {interface});
    txn.set(port, vs::Port::kExternalIds, {{std::string(kMark), mark}});
    txn.verify(bridge.uuid, vs::Bridge::kPorts);
    txn.add(bridge.uuid, vs::Bridge::kPorts, port);
    txn.comment("ovn-controller: creating tunnel '" + name + "'");
}

const vs::Interface* only_interface(const Replica& vswitch, const vs::Port& port) {
    return port.interfaces.size() == 1 ? vswitch.find<vs::Interface>(port.interfaces.front()) : nullptr;
}

// Calls function(port, interface, mark) for each of the bridge's tunnel ports.
template <typename F>
void for_each_tunnel_port(const Replica& vswitch, const vs::Bridge& bridge, F&& function) {
    for (const Uuid& uuid : bridge.ports) {
        const vs::Port* port = vswitch.find<vs::Port>(uuid);
        const std::string* mark = port ? port->external_ids.find(kMark) : nullptr;
        if (mark) function(*port, only_interface(vswitch, *port), *mark);
    }
}

}  // namespace

void keep_tunnels(const Replica& vswitch, const Replica& southbound, const Configuration& c,
                  const vs::Bridge& bridge, Transaction& txn) {
    std::map<std::string, Wanted> missing = wanted_tunnels(southbound, c);
    bool changed = false;
    for_each_tunnel_port(vswitch, bridge,
                         [&](const vs::Port& port, const vs::Interface* interface, const std::string& mark) {
                             auto it = missing.find(mark);
                             if (it != missing.end() && interface && interface->type == it->second.type) {
                                 if (interface->options != it->second.options) {
                                     txn.set(interface->uuid, vs::Interface::kOptions, it->second.options);
                                     changed = true;
                                 }
                                 missing.erase(it);
                                 return;
                             }
                             lg.info("tunnel port {} to {} is no longer needed", port.name, mark);
                             txn.remove(bridge.uuid, vs::Bridge::kPorts, port.uuid);
                             changed = true;
                         });
    std::set<std::string> taken;
    for (const auto& [mark, wanted] : missing) create_tunnel(vswitch, bridge, mark, wanted, taken, txn);
    const vs::OpenVSwitch* root = open_vswitch_row(vswitch);
    if (root && (changed || !missing.empty())) txn.increment(root->uuid, vs::OpenVSwitch::kNextCfg);
}

std::vector<Tunnel> current_tunnels(const Replica& vswitch, const vs::Bridge& bridge) {
    std::vector<Tunnel> tunnels;
    for_each_tunnel_port(vswitch, bridge,
                         [&](const vs::Port&, const vs::Interface* interface, const std::string& mark) {
                             size_t at = mark.rfind('@');
                             if (!interface || at == std::string::npos || interface->ofport.value_or(0) <= 0)
                                 return;
                             tunnels.push_back({mark.substr(0, at), interface->type, mark.substr(at + 1),
                                                static_cast<uint32_t>(*interface->ofport)});
                         });
    std::sort(tunnels.begin(), tunnels.end());
    return tunnels;
}

void remove_tunnels(const Replica& vswitch, const vs::Bridge& bridge, Transaction& txn) {
    for_each_tunnel_port(vswitch, bridge,
                         [&](const vs::Port& port, const vs::Interface*, const std::string&) {
                             txn.remove(bridge.uuid, vs::Bridge::kPorts, port.uuid);
                         });
}

}  // namespace weft::controller
