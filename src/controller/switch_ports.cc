#include "controller/switch_ports.h"

#include <algorithm>
#include <iterator>

#include "base/log.h"
#include "controller/patch_ports.h"
#include "controller/tunnels.h"
#include "controller/vif_plug.h"

namespace weft::controller {

namespace {

namespace vs = schema::vswitch;
using ovsdb::client::Store;

log::Module lg("binding");

template <typename Row>
const Row* find(const Store& store, const Uuid& uuid) {
    return ovsdb::client::Table<Row>(store.table(Row::table_info())).find(uuid);
}
template <typename Row>
ovsdb::client::Changes<Row> changes(const Store& store) {
    return ovsdb::client::Changes<Row>(store.table(Row::table_info()));
}
const vs::Interface* only_interface(const Store& vswitch, const vs::Port& port) {
    return port.interfaces.size() == 1 ? find<vs::Interface>(vswitch, port.interfaces.front()) : nullptr;
}

}  // namespace

void SwitchPorts::follow(const Store& vswitch, const vs::Bridge* bridge) {
    std::set<Uuid> ports;
    if (!bridge || bridge->uuid != bridge_) {
        while (!entries_.empty()) drop(Uuid(entries_.begin()->first));
        bridge_ = bridge ? bridge->uuid : Uuid();
        if (bridge) ports.insert(bridge->ports.begin(), bridge->ports.end());
    }
    if (bridge) follow_changes(vswitch, *bridge, std::move(ports));
    for (const std::string& chassis : changed_.chassis) note_sessions(vswitch, chassis);
}

// `ports`: what is new in any case.
void SwitchPorts::follow_changes(const Store& vswitch, const vs::Bridge& bridge, std::set<Uuid> ports) {
    for (const auto& change : changes<vs::Bridge>(vswitch)) {
        if (!change.modified() || change.row().uuid != bridge_) continue;
        const ovsdb::Set<Uuid>&before = change.before->ports, &after = change.after->ports;
        std::set_symmetric_difference(before.begin(), before.end(), after.begin(), after.end(),
                                      std::inserter(ports, ports.end()));
    }
    for (const auto& change : changes<vs::Port>(vswitch)) {
        if (bridge.ports.contains(change.row().uuid)) ports.insert(change.row().uuid);
    }
    for (const auto& change : changes<vs::Interface>(vswitch)) {
        if (auto it = port_of_.find(change.row().uuid); it != port_of_.end()) ports.insert(it->second);
    }
    for (const Uuid& port : ports) drop(port);
    for (const Uuid& port : ports) {
        if (bridge.ports.contains(port)) take(vswitch, port);
    }
}

void SwitchPorts::take(const Store& vswitch, const Uuid& uuid) {
    const vs::Port* port = find<vs::Port>(vswitch, uuid);
    if (!port) return;
    Entry& entry = entries_[uuid];
    for (const Uuid& each : port->interfaces) {
        entry.interfaces.push_back(each);
        port_of_[each] = uuid;
        if (const vs::Interface* interface = find<vs::Interface>(vswitch, each))
            take_interface(*interface, uuid, entry);
    }
    if (std::optional<std::string> chassis = chassis_of_tunnel(*port)) {
        entry.chassis = *chassis;
        tunnels_[*chassis].insert(uuid);
        changed_.chassis.insert(*chassis);
    }
    entry.patch = owner_of_patch_port(*port);
    if (entry.patch.empty()) return;
    changed_.patches.insert(entry.patch);
    const vs::Interface* interface = only_interface(vswitch, *port);
    if (interface && interface->ofport.value_or(0) > 0)
        patches_[entry.patch][uuid] = static_cast<uint32_t>(*interface->ofport);
}

void SwitchPorts::take_interface(const vs::Interface& interface, const Uuid& port, Entry& entry) {
    const bool plugged = interface.external_ids.contains(VifPlugs::kMark);
    if (plugged) plugged_[interface.uuid] = port;
    const std::string* id = interface.external_ids.find("iface-id");
    if (!id || id->empty()) return;
    Claim claim{{interface.uuid, interface.name,
                 static_cast<uint32_t>(std::max<int64_t>(interface.ofport.value_or(0), 0)),
                 std::string(ovsdb::get_string(interface.external_ids, "iface-id-ver")),
                 std::string(ovsdb::get_string(interface.external_ids, "encap-ip"))},
                plugged};
    claims_[*id][interface.uuid] = std::move(claim);
    entry.claims.emplace_back(*id, interface.uuid);
    changed_.interfaces.insert(*id);
}

void SwitchPorts::drop(const Uuid& port) {
    auto it = entries_.find(port);
    if (it == entries_.end()) return;
    const Entry& entry = it->second;
    for (const Uuid& interface : entry.interfaces) {
        auto owner = port_of_.find(interface);
        if (owner != port_of_.end() && owner->second == port) port_of_.erase(owner);
        plugged_.erase(interface);
    }
    for (const auto& [id, interface] : entry.claims) {
        auto claims = claims_.find(id);
        claims->second.erase(interface);
        if (claims->second.empty()) claims_.erase(claims);
        changed_.interfaces.insert(id);
    }
    if (!entry.chassis.empty()) {
        auto tunnels = tunnels_.find(entry.chassis);
        tunnels->second.erase(port);
        if (tunnels->second.empty()) tunnels_.erase(tunnels);
        changed_.chassis.insert(entry.chassis);
    }
    if (!entry.patch.empty()) {
        if (auto patches = patches_.find(entry.patch); patches != patches_.end()) {
            patches->second.erase(port);
            if (patches->second.empty()) patches_.erase(patches);
        }
        changed_.patches.insert(entry.patch);
    }
    entries_.erase(it);
}

void SwitchPorts::note_sessions(const Store& vswitch, const std::string& chassis) {
    bool alive = false, with_bfd = false;
    for (const Uuid& uuid : tunnels_to(chassis)) {
        const vs::Port* port = find<vs::Port>(vswitch, uuid);
        const vs::Interface* interface = port ? only_interface(vswitch, *port) : nullptr;
        if (!interface) continue;
        alive |= ovsdb::get_string(interface->bfd_status, "state") == "up";
        with_bfd |= !interface->bfd.empty();
    }
    auto keep = [&](std::set<std::string>& names, bool wanted) {
        if (wanted) {
            names.insert(chassis);
        } else {
            names.erase(chassis);
        }
    };
    keep(alive_, alive);
    keep(with_bfd_, with_bfd);
}

const LocalInterface* SwitchPorts::interface(const std::string& logical_port) const {
    auto claims = claims_.find(logical_port);
    if (claims == claims_.end()) return nullptr;
    const LocalInterface* first = nullptr;
    for (const auto& [uuid, claim] : claims->second) {
        const LocalInterface& each = claim.interface;
        if (!each.ofport) continue;
        static log::RateLimit limit(5, 5);
        if (first && limit.pass(lg)) {
            lg.warn("interfaces {} and {} both have iface-id \"{}\"; the first by name is taken", first->name,
                    each.name, logical_port);
        }
        if (!first || each.name < first->name) first = &each;
    }
    return first;
}

std::set<std::string> SwitchPorts::logical_ports() const {
    std::set<std::string> names;
    for (const auto& [name, claims] : claims_) names.insert(name);
    return names;
}

bool SwitchPorts::is_taken(const std::string& logical_port) const {
    auto claims = claims_.find(logical_port);
    return claims != claims_.end() && std::any_of(claims->second.begin(), claims->second.end(),
                                                  [](const auto& each) { return !each.second.plugged; });
}

const std::set<Uuid>& SwitchPorts::tunnels_to(const std::string& chassis) const {
    static const std::set<Uuid> none;
    auto it = tunnels_.find(chassis);
    return it == tunnels_.end() ? none : it->second;
}

std::vector<std::string> SwitchPorts::chassis() const {
    std::vector<std::string> names;
    for (const auto& [name, ports] : tunnels_) names.push_back(name);
    return names;
}

uint32_t SwitchPorts::patch_port(const std::string& logical_port) const {
    auto it = patches_.find(logical_port);
    return it == patches_.end() ? 0 : it->second.begin()->second;
}

}  // namespace weft::controller
