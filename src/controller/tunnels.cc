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

bool has_type(const Configuration& c, std::string_view type) {
    return std::any_of(c.encaps.begin(), c.encaps.end(), [&](const auto& own) { return own.type == type; });
}

bool is_default(const sb::Encap& encap) {
    return ovsdb::get_bool(encap.options, "is-default");
}

// Of the other chassis' encapsulations those of the best kind that we have too (Geneve carries all that OVN
// needs, VXLAN less); the preferred one comes first.
std::vector<const sb::Encap*> usable_encaps(const Replica& southbound, const Configuration& c,
                                            const sb::Chassis& other) {
    std::vector<const sb::Encap*> encaps;
    bool geneve = false;
    for (const Uuid& uuid : other.encaps) {
        const sb::Encap* encap = southbound.find<sb::Encap>(uuid);
        if (!encap || !has_type(c, encap->type)) continue;
        encaps.push_back(encap);
        geneve |= encap->type == "geneve";
    }
    std::erase_if(encaps, [&](const sb::Encap* encap) { return (encap->type == "geneve") != geneve; });
    std::sort(encaps.begin(), encaps.end(), [](const sb::Encap* a, const sb::Encap* b) {
        if (is_default(*a) != is_default(*b)) return is_default(*a);
        return a->ip < b->ip;
    });
    return encaps;
}

ovsdb::StringMap tunnel_options(const Configuration& c, const sb::Encap& encap) {
    ovsdb::StringMap options{{"remote_ip", encap.ip}, {"key", "flow"}};
    if (ovsdb::get_bool(encap.options, "csum")) options.set("csum", "true");
    if (const std::string* port = encap.options.find("dst_port")) options.set("dst_port", *port);
    if (!c.encap_tos.empty() && c.encap_tos != "none") options.set("tos", c.encap_tos);
    if (!c.encap_df_default.empty()) options.set("df_default", c.encap_df_default);
    return options;
}

bool is_v6(std::string_view ip) {
    return ip.find(':') != std::string_view::npos;
}

void want(const Configuration& c, const std::string& chassis, const sb::Encap& encap,
          std::map<std::string, Wanted>& wanted) {
    const std::string mark = chassis + "@" + encap.ip;
    const ovsdb::StringMap options = tunnel_options(c, encap);
    for (const std::string& own : c.encap_ips) {
        if (is_v6(own) != is_v6(encap.ip) && c.encap_ips.size() > 1) continue;
        Wanted& tunnel = wanted[c.encap_ips.size() > 1 ? mark + "%" + own : mark];
        tunnel = {encap.type, encap.ip, options};
        if (c.encap_ips.size() > 1 || c.set_local_ip) tunnel.options.set("local_ip", own);
    }
}

// Interconnection gateways of other deployments are reached through gateways of ours alone.
bool is_reached(const Configuration& c, const sb::Chassis& other) {
    if (other.name == c.chassis || !zones_meet(c, other)) return false;
    return !ovsdb::get_bool(other.other_config, "is-remote") || c.is_interconn;
}

// By the mark.
std::map<std::string, Wanted> wanted_tunnels(const Replica& southbound, const Configuration& c) {
    std::map<std::string, Wanted> wanted;
    for (const sb::Chassis& other : southbound.table<sb::Chassis>()) {
        if (!is_reached(c, other)) continue;
        for (const sb::Encap* encap : usable_encaps(southbound, c, other))
            want(c, other.name, *encap, wanted);
    }
    return wanted;
}

// CHASSIS@IP or CHASSIS@IP%OWN-IP.
struct Ends {
    std::string chassis, ip, own_ip;
};
std::optional<Ends> read_mark(const std::string& mark) {
    size_t at = mark.rfind('@');
    if (at == std::string::npos) return std::nullopt;
    size_t percent = std::min(mark.find('%', at), mark.size());
    return Ends{mark.substr(0, at), mark.substr(at + 1, percent - at - 1),
                percent < mark.size() ? mark.substr(percent + 1) : ""};
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

std::vector<Tunnel> current_tunnels(const Replica& vswitch, const Replica& southbound, const Configuration& c,
                                    const vs::Bridge& bridge) {
    std::map<std::string, std::string> preferred;  // by chassis
    for (const sb::Chassis& other : southbound.table<sb::Chassis>()) {
        std::vector<const sb::Encap*> encaps = usable_encaps(southbound, c, other);
        if (!encaps.empty()) preferred[other.name] = encaps.front()->ip;
    }
    std::vector<Tunnel> tunnels;
    for_each_tunnel_port(
        vswitch, bridge, [&](const vs::Port&, const vs::Interface* interface, const std::string& mark) {
            std::optional<Ends> ends = read_mark(mark);
            if (!interface || !ends || interface->ofport.value_or(0) <= 0) return;
            auto wanted = preferred.find(ends->chassis);
            tunnels.push_back({ends->chassis, interface->type, ends->ip,
                               static_cast<uint32_t>(*interface->ofport), c.encap_id(ends->own_ip),
                               wanted == preferred.end() || wanted->second == ends->ip});
        });
    std::sort(tunnels.begin(), tunnels.end());
    return tunnels;
}

void for_each_tunnel(const Replica& vswitch, const vs::Bridge& bridge,
                     const std::function<void(const std::string&, const vs::Interface&)>& function) {
    for_each_tunnel_port(vswitch, bridge,
                         [&](const vs::Port&, const vs::Interface* interface, const std::string& mark) {
                             std::optional<Ends> ends = read_mark(mark);
                             if (interface && ends) function(ends->chassis, *interface);
                         });
}

void remove_tunnels(const Replica& vswitch, const vs::Bridge& bridge, Transaction& txn) {
    for_each_tunnel_port(vswitch, bridge,
                         [&](const vs::Port& port, const vs::Interface*, const std::string&) {
                             txn.remove(bridge.uuid, vs::Bridge::kPorts, port.uuid);
                         });
}

}  // namespace weft::controller
