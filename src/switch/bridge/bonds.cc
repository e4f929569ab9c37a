#include "switch/bridge/bonds.h"

#include <fmt/core.h>

#include <algorithm>

#include "base/clock.h"
#include "base/log.h"
#include "packet/address.h"
#include "packet/ethernet.h"
#include "packet/extract.h"
#include "packet/vlan.h"
#include "switch/bridge/bond_options.h"

namespace weft::vswitch {

namespace {

log::Module lg("bond");

constexpr uint16_t kRarpRequest = 3;

// A reverse ARP request of a station about itself: whoever forwards it learns where the station is.
Bytes learning_packet(const packet::EthAddr& mac, std::optional<uint16_t> vlan) {
    ByteWriter out;
    out.bytes(packet::kEthBroadcast);
    out.bytes(mac);
    if (vlan) {
        out.u16(packet::ethernet::kVlan);
        out.u16(*vlan);
    }
    out.u16(packet::ethernet::kRarp);
    out.u16(1);  // Ethernet
    out.u16(packet::ethernet::kIpv4);
    out.u8(6);
    out.u8(4);
    out.u16(kRarpRequest);
    for (int end = 0; end < 2; ++end) {
        out.bytes(mac);
        out.u32(0);
    }
    return out.take();
}

}  // namespace

Bonds::Bonds(net::Loop& loop, FindBacker find_backer, std::function<void()> changed)
    : loop_(loop), find_backer_(std::move(find_backer)), changed_(std::move(changed)) {
    timer_ = loop_.timer([] {});  // a turn follows
}

void Bonds::drop_lacp(Group& group) {
    group.lacp.reset();
    for (OfPort* port : group.bundle->members) {
        if (std::exchange(port->lacp, false)) group.bridge->touch();
    }
}

void Bonds::drop_bond(Group& group) {
    if (!group.bond) return;
    group.bond.reset();
    group.bundle->bond.reset();
    group.bundle->lb_output.reset();
    group.spread.reset();
    group.recirculation = RecirculationRefs();
    group.recirc_id = 0;
    group.bridge->touch();
}

void Bonds::configure(const schema::vswitch::Port& row,
                      const std::vector<const schema::vswitch::Interface*>& rows, Bundle& bundle,
                      Bridge& bridge, std::vector<std::string>& warnings) {
    int64_t now = clock::monotonic_ms();
    bool bonded = bundle.members.size() > 1;
    std::optional<LacpOptions> lacp = parse_lacp_options(row, bridge.local_mac, warnings);
    auto it = groups_.find(row.name);
    if (it != groups_.end() && it->second.bundle != &bundle) {  // the port was in another bridge
        groups_.erase(it);
        it = groups_.end();
    }
    if (!bonded && !lacp) {
        if (it == groups_.end()) return;
        drop_lacp(it->second);
        drop_bond(it->second);
        groups_.erase(it);
        return changed_();
    }
    Group& group = groups_[row.name];
    group.bridge = &bridge;
    group.bundle = &bundle;
    auto ours = [&](uint32_t number) { return bundle.member(number) != nullptr; };

    if (!lacp) {
        if (group.lacp) drop_lacp(group);
    } else if (!group.lacp) {
        group.lacp = std::make_unique<Lacp>(*lacp, now);
    } else {
        group.lacp->configure(*lacp, now);
    }
    if (bonded && !group.bond) {
        group.bond = std::make_shared<Bond>(row.name, parse_bond_options(row), now);
        bundle.bond = group.bond;
        if (Backer* backer = find_backer_(bridge)) {
            group.recirculation = RecirculationRefs(backer->recirculations());
            group.recirc_id = backer->recirculations().acquire(bond_state(bridge, bundle));
            group.recirculation.adopt(group.recirc_id);
        }
        bridge.touch();
    } else if (bonded) {
        group.bond->configure(parse_bond_options(row), now);
    } else {
        drop_bond(group);
    }
    if (group.bond) {
        for (Bond::Port port : group.bond->members()) {
            if (!ours(port)) group.bond->remove_member(port);
        }
        choose_spread(group, warnings);
    }
    for (const schema::vswitch::Interface* interface : rows) {
        OfPort* port = bridge.port(interface->name);
        if (!port || port->bundle != &bundle) continue;
        if (group.bond) group.bond->set_member(port->number, port->name, port->mac);
        if (!group.lacp) continue;
        group.lacp->set_member(port->number, parse_lacp_member(*interface, *port), now);
        if (!std::exchange(port->lacp, true)) bridge.touch();
    }
    loop_.wake();
}

// Whether the datapath spreads the packets of a balance-tcp bond by itself.
void Bonds::choose_spread(Group& group, std::vector<std::string>& warnings) {
    const BondOptions& options = group.bond->options();
    bool wanted = options.mode == BondMode::kBalanceTcp && options.datapath_spreads;
    Backer* backer = find_backer_(*group.bridge);
    if (wanted && (!backer || !backer->datapath().features().lb_output)) {
        warnings.push_back(fmt::format(
            "port {}: the datapath has no lb_output action (other_config:lb-output-action); packets of the "
            "bond recirculate",
            group.bond->name()));
        wanted = false;
    }
    if (wanted == (group.spread != nullptr)) return;
    group.spread.reset();
    if (wanted) group.spread = std::make_unique<DatapathBond>(backer->datapath(), ++last_datapath_bond_);
    group.bundle->lb_output.reset();
    if (group.spread) group.bundle->lb_output = group.spread->id();
    group.bridge->touch();
}

void Bonds::spread(Group& group) {
    datapath::BondBuckets buckets;
    for (size_t i = 0; i < buckets.size(); ++i) {
        const OfPort* port = group.bundle->member(group.bond->member_of(static_cast<uint8_t>(i)));
        buckets[i] = port ? port->dp_port : datapath::kNoPort;
    }
    group.spread->set(buckets);
}

void Bonds::remove_port(const OfPort& port) {
    if (!port.bundle) return;
    auto it = groups_.find(port.bundle->name);
    if (it == groups_.end() || it->second.bundle != port.bundle) return;
    if (it->second.bond) it->second.bond->remove_member(port.number);
    if (it->second.lacp) it->second.lacp->remove_member(port.number);
    it->second.partner_reported.erase(port.name);
}

void Bonds::remove_bundle(const Bridge& bridge, const std::string& name) {
    auto it = groups_.find(name);
    if (it != groups_.end() && it->second.bridge == &bridge) groups_.erase(it);
}

void Bonds::remove_bridge(const Bridge& bridge) {
    std::erase_if(groups_, [&](const auto& entry) { return entry.second.bridge == &bridge; });
}

void Bonds::clear() {
    groups_.clear();
}

void Bonds::received(OfPort& port, const packet::Packet& packet) {
    if (!port.bundle) return;
    auto it = groups_.find(port.bundle->name);
    if (it == groups_.end() || !it->second.lacp) return;
    packet::Flow flow = packet::zero_flow();
    packet::extract(packet, flow);
    size_t start = packet::ethernet::kHeader;
    for (const packet::Vlan& vlan : flow.vlans) start += vlan.tci ? packet::vlan::kHeader : 0;
    start = std::min(start, packet.size());
    it->second.lacp->receive(port.number, packet.view().subspan(start), clock::monotonic_ms());
}

void Bonds::carrier_changed(const OfPort& port) {
    if (!port.bundle) return;
    auto it = groups_.find(port.bundle->name);
    if (it != groups_.end() && it->second.lacp)
        it->second.lacp->carrier_changed(port.number, clock::monotonic_ms());
}

void Bonds::run() {
    if (groups_.empty()) return;
    int64_t now = clock::monotonic_ms(), next = INT64_MAX;
    for (auto& [name, group] : groups_) {
        run(group, now);
        if (group.bond) next = std::min(next, group.bond->next_wakeup_ms());
        if (group.lacp) next = std::min(next, group.lacp->next_wakeup_ms());
    }
    if (next != INT64_MAX) timer_->arm_at(std::max(next, now + 1));
}

void Bonds::run(Group& group, int64_t now_ms) {
    if (group.lacp) exchange(group, now_ms);
    if (!group.bond) return;
    group.bond->set_lacp(!group.lacp                ? BondLacp::kOff
                         : group.lacp->negotiated() ? BondLacp::kNegotiated
                                                    : BondLacp::kConfigured);
    for (OfPort* port : group.bundle->members) {
        group.bond->set_link(port->number, port->live(), !group.lacp || group.lacp->may_enable(port->number));
    }
    if (group.bond->rebalance_due(now_ms)) pull_loads(group);
    Bond::Outcome outcome = group.bond->run(now_ms);
    for (const std::string& line : outcome.log) lg.info("{}", line);
    if (outcome.changed) {
        group.bridge->touch();
        loop_.wake();
    }
    if (group.spread && (outcome.changed || !group.spread->filled())) spread(group);
    if (outcome.teach) teach(group);
    std::string mac = packet::to_string(group.bond->active_mac());
    if (std::exchange(group.active_mac, mac) != mac) changed_();
}

void Bonds::exchange(Group& group, int64_t now_ms) {
    while (auto out = group.lacp->poll(now_ms)) {
        OfPort* port = group.bundle->member(out->member);
        if (port) send(group, *port, packet::Packet(packet::lacp_frame(port->mac, out->pdu)));
    }
    for (const OfPort* port : group.bundle->members) {
        bool now = group.lacp->has_partner(port->number);
        auto [it, fresh] = group.partner_reported.try_emplace(port->name, now);
        if (fresh || std::exchange(it->second, now) != now) changed_();
    }
}

void Bonds::send(Group& group, const OfPort& port, packet::Packet packet) {
    Backer* backer = find_backer_(*group.bridge);
    if (!backer) return;
    packet::Flow metadata = packet::zero_flow();
    metadata.in_port = openflow::kPortNone;
    openflow::Output output;
    output.port = port.number;
    backer->packet_out(*group.bridge, std::move(packet), metadata, {openflow::Action(output)});
}

// Stations behind our other ports are to be looked for at the member that carries them now.
void Bonds::teach(Group& group) {
    const VlanConfig& vlans = group.bundle->vlan;
    struct Station {
        packet::EthAddr mac;
        uint16_t vlan;
    };
    std::vector<Station> stations;
    for (const MacTable::Entry* entry : group.bridge->mac_table.entries()) {
        if (entry->bundle != group.bundle && vlans.carries(entry->vlan))
            stations.push_back({entry->mac, entry->vlan});
    }
    for (const auto& [mac, vlan] : stations) {
        OfPort* port = group.bond->by_source()
                           ? group.bundle->member(group.bond->member_of(group.bond->source_bucket(mac, vlan)))
                           : group.bundle->active();
        if (!port) continue;
        std::optional<uint16_t> tag;
        if (vlans.tags(vlan)) tag = vlan;
        send(group, *port, packet::Packet(learning_packet(mac, tag)));
    }
}

Bonds::Group* Bonds::find(std::string_view port) {
    auto it = groups_.find(std::string(port));
    return it == groups_.end() ? nullptr : &it->second;
}

std::optional<std::string> Bonds::active_mac(std::string_view port) const {
    auto it = groups_.find(std::string(port));
    if (it == groups_.end() || !it->second.bond) return std::nullopt;
    return packet::to_string(it->second.bond->active_mac());
}

std::optional<bool> Bonds::lacp_current(const OfPort& port) const {
    if (!port.bundle) return std::nullopt;
    auto it = groups_.find(port.bundle->name);
    if (it == groups_.end() || !it->second.lacp) return std::nullopt;
    return it->second.lacp->has_partner(port.number);
}

void Bonds::pull_loads(Group& group) {
    if (group.spread) {
        datapath::BondBytes bytes = group.spread->take_bytes();
        for (size_t i = 0; i < bytes.size(); ++i) group.bond->account(static_cast<uint8_t>(i), bytes[i]);
    } else if (Backer* backer = find_backer_(*group.bridge)) {
        backer->pull_statistics();
    }
}

}  // namespace weft::vswitch
