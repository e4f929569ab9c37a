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

// The tunnels to a chassis, by the mark.
std::map<std::string, Wanted> wanted_tunnels(const Replica& southbound, const Configuration& c,
                                             const std::string& chassis) {
    std::map<std::string, Wanted> wanted;
    const sb::Chassis* other = southbound.table<sb::Chassis>().find_by(sb::Chassis::kName, chassis);
    if (!other || !is_reached(c, *other)) return wanted;
    for (const sb::Encap* encap : usable_encaps(southbound, c, *other)) want(c, chassis, *encap, wanted);
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

// Brings the tunnels to one chassis in line.  True if anything is written.
bool keep_tunnels_to(const Replica& vswitch, const Replica& southbound, const Configuration& c,
                     const vs::Bridge& bridge, const SwitchPorts& ports, const std::string& chassis,
                     std::set<std::string>& taken, Transaction& txn) {
    std::map<std::string, Wanted> missing = wanted_tunnels(southbound, c, chassis);
    bool changed = false;
    for (const Uuid& uuid : ports.tunnels_to(chassis)) {
        const vs::Port* port = vswitch.find<vs::Port>(uuid);
        if (!port) continue;
        const vs::Interface* interface = only_interface(vswitch, *port);
        const std::string& mark = *port->external_ids.find(kMark);
        auto it = missing.find(mark);
        if (it != missing.end() && interface && interface->type == it->second.type) {
            if (interface->options != it->second.options) {
                txn.set(interface->uuid, vs::Interface::kOptions, it->second.options);
                changed = true;
            }
            missing.erase(it);
            continue;
        }
        lg.info("tunnel port {} to {} is no longer needed", port->name, mark);
        txn.remove(bridge.uuid, vs::Bridge::kPorts, port->uuid);
        changed = true;
    }
    for (const auto& [mark, wanted] : missing) create_tunnel(vswitch, bridge, mark, wanted, taken, txn);
    return changed || !missing.empty();
}

}  // namespace

const vs::Interface* only_interface(const Replica& vswitch, const vs::Port& port) {
    return port.interfaces.size() == 1 ? vswitch.find<vs::Interface>(port.interfaces.front()) : nullptr;
}

std::optional<std::string> chassis_of_tunnel(const vs::Port& port) {
    const std::string* mark = port.external_ids.find(kMark);
    if (!mark) return std::nullopt;
    std::optional<Ends> ends = read_mark(*mark);
    return ends ? ends->chassis : *mark;
}

void note_chassis(const Replica& southbound, std::set<std::string>& names) {
    for (const auto& change : southbound.changes<sb::Chassis>()) {
        if (change.before) names.insert(change.before->name);
        if (change.after) names.insert(change.after->name);
    }
    for (const auto& change : southbound.changes<sb::Encap>()) {
        if (change.before) names.insert(change.before->chassis_name);
        if (change.after) names.insert(change.after->chassis_name);
    }
}

std::set<std::string> all_chassis(const Replica& southbound, const SwitchPorts& ports) {
    std::set<std::string> names;
    for (const sb::Chassis& row : southbound.table<sb::Chassis>()) names.insert(row.name);
    for (std::string& name : ports.chassis()) names.insert(std::move(name));
    return names;
}

void keep_tunnels(const Replica& vswitch, const Replica& southbound, const Configuration& c,
                  const vs::Bridge& bridge, const SwitchPorts& ports, const std::set<std::string>& chassis,
                  Transaction& txn) {
    bool changed = false;
    std::set<std::string> taken;
    for (const std::string& name : chassis)
        changed |= keep_tunnels_to(vswitch, southbound, c, bridge, ports, name, taken, txn);
    const vs::OpenVSwitch* root = open_vswitch_row(vswitch);
    if (root && changed) txn.increment(root->uuid, vs::OpenVSwitch::kNextCfg);
}

std::vector<Tunnel> tunnels_to(const Replica& vswitch, const Replica& southbound, const Configuration& c,
                               const SwitchPorts& ports, const std::string& chassis) {
    std::vector<Tunnel> tunnels;
    const sb::Chassis* other = southbound.table<sb::Chassis>().find_by(sb::Chassis::kName, chassis);
    std::vector<const sb::Encap*> encaps;
    if (other) encaps = usable_encaps(southbound, c, *other);
    for (const Uuid& uuid : ports.tunnels_to(chassis)) {
        const vs::Port* port = vswitch.find<vs::Port>(uuid);
        const vs::Interface* interface = port ? only_interface(vswitch, *port) : nullptr;
        std::optional<Ends> ends = interface ? read_mark(*port->external_ids.find(kMark)) : std::nullopt;
        if (!ends || interface->ofport.value_or(0) <= 0) continue;
        tunnels.push_back({chassis, interface->type, ends->ip, static_cast<uint32_t>(*interface->ofport),
                           c.encap_id(ends->own_ip), encaps.empty() || encaps.front()->ip == ends->ip});
    }
    std::sort(tunnels.begin(), tunnels.end());
    return tunnels;
}

void remove_tunnels(const Replica& vswitch, const vs::Bridge& bridge, Transaction& txn) {
    for (const Uuid& uuid : bridge.ports) {
        const vs::Port* port = vswitch.find<vs::Port>(uuid);
        if (port && port->external_ids.contains(kMark)) txn.remove(bridge.uuid, vs::Bridge::kPorts, uuid);
    }
}

}  // namespace weft::controller
