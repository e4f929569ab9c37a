#include "switch/bridge/link_discovery.h"

#include <algorithm>

#include "base/clock.h"
#include "packet/ethernet.h"
#include "packet/extract.h"
#include "packet/vlan.h"

namespace weft::vswitch {

namespace db = schema::vswitch;

LinkDiscovery::LinkDiscovery(net::Loop& loop, FindBacker find_backer)
    : loop_(loop), find_backer_(std::move(find_backer)) {
    timer_ = loop_.timer([this] { due_ = true; });
}

void LinkDiscovery::configure(OfPort& port, const db::Interface& row, const db::AutoAttach* attach) {
    if (!ovsdb::get_bool(row.lldp, "enable") || port.is_patch) return remove(port);
    LldpOptions options;
    options.mac = port.mac;
    options.port_name = port.name;
    if (attach) {
        options.system_name = attach->system_name;
        options.system_description = attach->system_description;
        for (const auto& [isid, vlan] : attach->mappings)
            options.mappings[static_cast<uint32_t>(isid)] = static_cast<uint16_t>(vlan);
    }
    Agent& agent = agents_[port.name];
    agent.port = &port;
    agent.vlans.clear();
    for (const auto& [isid, vlan] : options.mappings) agent.vlans.insert(vlan);
    if (!agent.lldp)
        agent.lldp = std::make_unique<Lldp>(std::move(options), clock::monotonic_ms());
    else
        agent.lldp->configure(std::move(options));
    if (!std::exchange(port.lldp, true)) port.bridge->touch();
    due_ = true;
    loop_.wake();
}

void LinkDiscovery::remove(const OfPort& port) {
    auto it = agents_.find(port.name);
    if (it == agents_.end()) return;
    OfPort& spoken = *it->second.port;
    agents_.erase(it);
    spoken.lldp = false;
    spoken.bridge->touch();
}

void LinkDiscovery::received(OfPort& port, const packet::Packet& packet) {
    auto it = agents_.find(port.name);
    if (it == agents_.end()) return;
    packet::Flow flow = packet::zero_flow();
    packet::extract(packet, flow);
    size_t start = packet::ethernet::kHeader;
    for (const packet::Vlan& vlan : flow.vlans) start += vlan.tci ? packet::vlan::kHeader : 0;
    start = std::min(start, packet.size());
    it->second.lldp->receive(packet.view().subspan(start), clock::monotonic_ms());
    due_ = true;
}

void LinkDiscovery::run() {
    if (!due_ || agents_.empty()) return;
    due_ = false;
    int64_t now = clock::monotonic_ms(), next = INT64_MAX;
    for (auto& [name, agent] : agents_) {
        while (auto unit = agent.lldp->poll(now)) send(agent, *unit);
        next = std::min(next, agent.lldp->next_wakeup_ms());
    }
    timer_->arm_at(std::max(next, now + 1));
}

void LinkDiscovery::send(const Agent& agent, const packet::Lldpdu& unit) {
    OfPort& port = *agent.port;
    Backer* backer = find_backer_(port);
    if (!backer) return;
    packet::Flow metadata = packet::zero_flow();
    metadata.in_port = openflow::kPortNone;
    openflow::Output output;
    output.port = port.number;
    backer->packet_out(*port.bridge, packet::Packet(packet::lldp_frame(port.mac, unit)), metadata,
                       {openflow::Action(output)});
}

const Lldp* LinkDiscovery::find(std::string_view interface) const {
    auto it = agents_.find(interface);
    return it == agents_.end() ? nullptr : it->second.lldp.get();
}

std::vector<std::string> LinkDiscovery::names() const {
    std::vector<std::string> out;
    for (const auto& [name, agent] : agents_) out.push_back(name);
    return out;
}

void LinkDiscovery::write_trunks(ovsdb::client::Transaction& txn, const ovsdb::client::Replica& replica) {
    std::map<std::string, std::set<uint16_t>> wanted;
    for (const auto& [name, agent] : agents_) {
        if (agent.port->bundle && !agent.vlans.empty())
            wanted[agent.port->bundle->name].insert(agent.vlans.begin(), agent.vlans.end());
    }
    if (wanted == trunked_) return;
    for (const db::Port& row : replica.table<db::Port>()) {
        auto now = wanted.find(row.name);
        auto before = trunked_.find(row.name);
        if (now == wanted.end() && before == trunked_.end()) continue;
        ovsdb::Set<int64_t> trunks = row.trunks;
        if (before != trunked_.end()) {
            for (uint16_t vlan : before->second) trunks.erase(int64_t{vlan});
        }
        if (now != wanted.end()) {
            for (uint16_t vlan : now->second) trunks.insert(vlan);
            txn.set(row.uuid, db::Port::kVlanMode, std::optional<std::string>("trunk"));
        }
        txn.set(row.uuid, db::Port::kTrunks, trunks);
    }
    trunked_ = std::move(wanted);
}

}  // namespace weft::vswitch
