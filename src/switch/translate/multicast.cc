// NORMAL for multicast when the bridge snoops (RFC 4541): reports and queries are read, and packets to a
// group go to the ports that reported it, to those that are flagged, and to routers.
//
// What is snooped has to be looked at packet by packet, so its megaflow hands each up.

#include <fmt/core.h>

#include <algorithm>

#include "base/clock.h"
#include "packet/address.h"
#include "packet/ethernet.h"
#include "packet/group_membership.h"
#include "packet/ipv4.h"
#include "switch/translate/walk.h"

namespace weft::vswitch {

namespace {

constexpr packet::Ipv6Addr kAllNodes = {0xff, 0x02, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1};

std::string group_text(const packet::Ipv6Addr& group) {
    auto ipv4 = packet::mapped_ipv4(group);
    return ipv4 ? packet::ipv4_to_string(*ipv4) : packet::to_string(group);
}

}  // namespace

bool Walk::is_multicast_ip() const {
    return packet::is_multicast(flow_.dl_dst) && flow_.dl_dst != packet::kEthBroadcast &&
           (flow_.dl_type == packet::ethernet::kIpv4 || flow_.dl_type == packet::ethernet::kIpv6);
}

void Walk::normal_multicast(Bundle* from, uint16_t vlan) {
    using namespace packet;
    const MulticastTable& table = bridge_->multicast;
    mask_.nw_proto = 0xff;
    bool v6 = flow_.dl_type == ethernet::kIpv6;
    if (!v6 && flow_.nw_proto == protocol::kIgmp) {
        out_.slow = SlowPath::kAction;
        if (from) snoop(*from, vlan);
        uint8_t type = static_cast<uint8_t>(flow_.tp_src);
        bool report =
            type == kIgmpReport1 || type == kIgmpReport2 || type == kIgmpReport3 || type == kIgmpLeave;
        if (report) return report_to_routers(from, vlan);
        detail("multicast traffic, flooding");
        return normal_flood(from, vlan);
    }
    if (v6 && flow_.nw_proto == protocol::kIcmpv6) {
        mask_.tp_src |= 0xff;
        uint8_t type = static_cast<uint8_t>(flow_.tp_src);
        if (is_mld(type)) {
            out_.slow = SlowPath::kAction;
            if (from) snoop(*from, vlan);
            if (type != kMldQuery) return report_to_routers(from, vlan);
            detail("MLD query, flooding");
            return normal_flood(from, vlan);
        }
    }
    Ipv6Addr address;
    bool to_everybody;
    if (v6) {
        mask_.ipv6_dst.fill(0xff);
        address = flow_.ipv6_dst;
        to_everybody = address == kAllNodes;
    } else {
        mask_.nw_dst = ~0u;
        uint32_t ipv4 = flow_.nw_dst;
        address = map_ipv4(ipv4);
        to_everybody = ipv4 >> 8 == 0xe00000;  // 224.0.0.0/24
    }
    if (to_everybody) {
        detail("RFC4541: section 2.1.2, item 2, flooding");
        return normal_flood(from, vlan);
    }
    const MulticastTable::Group* group = table.find(address, vlan);
    if (!group && table.flood_unregistered()) {
        detail("unregistered multicast, flooding");
        return normal_flood(from, vlan);
    }
    to_groups_routers_and_flagged(group, from, vlan);
}

// What the message says of its sender's port goes into the table.  A port that gets everything anyhow
// (mcast-snooping-flood) has no place there.
void Walk::snoop(Bundle& from, uint16_t vlan) {
    using namespace packet;
    if (!in_.effects || !in_.packet || from.multicast_flood) return;
    Flow flow = zero_flow();
    Layout layout = extract(*in_.packet, flow);
    MulticastTable& table = bridge_->multicast;
    int64_t now = clock::monotonic_ms();
    size_t changes = 0;  // that are worth a word in a trace
    Ipv6Addr last{};
    auto message = read_group_message(in_.packet->view(), flow, layout, [&](const GroupRecord& record) {
        if (!record.known()) return;
        last = record.group;
        changes += record.leaves()
                       ? table.leave(record.group, vlan, &from)
                       : table.join(record.group, vlan, &from, now) == MulticastTable::Joined::kNewGroup;
    });
    if (!message) return;
    bool v6 = flow.dl_type == ethernet::kIpv6;
    std::string place = tracing() ? fmt::format("on port {} in VLAN {}", from.name, vlan) : "";
    if (message->kind == GroupMessage::Kind::kQuery) {
        // A querier that has no address yet, or a switch that stands in for one, is no router.
        if (v6 ? is_zero(flow.ipv6_src) : !flow.nw_src) return;
        if (!table.note_router(vlan, &from, now) || !tracing()) return;
        std::string source = v6 ? "" : fmt::format("from {} is ", ipv4_to_string(flow.nw_src));
        return detail(fmt::format("multicast snooping query {}{}", source, place));
    }
    if (!changes || !tracing()) return;
    if (v6 || message->type == kIgmpReport3)
        detail(fmt::format("multicast snooping processed {} addresses {}", changes, place));
    else if (message->kind == GroupMessage::Kind::kLeave)
        detail(fmt::format("multicast snooping leaving {} is {}", group_text(last), place));
    else
        detail(fmt::format("multicast snooping learned that {} is {}", group_text(last), place));
}

// One copy for each port, whatever the number of reasons for it.
void Walk::send_multicast(Bundle* from, Bundle& to, uint16_t vlan, std::string_view kind,
                          std::vector<const Bundle*>& sent) {
    if (&to == from) return detail(fmt::format("mcast {} port is input port, dropping", kind));
    detail(fmt::format("forwarding to mcast {} port", kind));
    if (std::find(sent.begin(), sent.end(), &to) != sent.end() || !normal_may_send(from, to, vlan)) return;
    sent.push_back(&to);
    output_normal(to, vlan);
}

void Walk::to_routers(Bundle* from, uint16_t vlan, std::vector<const Bundle*>& sent) {
    for (const MulticastTable::Router& router : bridge_->multicast.routers()) {
        if (router.vlan != vlan)
            detail("mcast router is on another vlan, dropping");
        else
            send_multicast(from, *router.bundle, vlan, "router", sent);
    }
}

void Walk::to_groups_routers_and_flagged(const MulticastTable::Group* group, Bundle* from, uint16_t vlan) {
    std::vector<const Bundle*> sent;
    auto flagged = [&] {
        for (const auto& [name, bundle] : bridge_->bundles()) {
            if (bundle->multicast_flood) send_multicast(from, *bundle, vlan, "flood", sent);
        }
    };
    if (group) {
        for (const MulticastTable::Member& member : group->members)
            send_multicast(from, *member.bundle, vlan, "group", sent);
        flagged();
        return to_routers(from, vlan, sent);
    }
    to_routers(from, vlan, sent);
    flagged();
}

// Reports are for routers: hosts that hear each other's would keep theirs back (RFC 4541, 2.1.1).
void Walk::report_to_routers(Bundle* from, uint16_t vlan) {
    std::vector<const Bundle*> sent;
    to_routers(from, vlan, sent);
    for (const auto& [name, bundle] : bridge_->bundles()) {
        if (!bundle->multicast_flood_reports) continue;
        if (bundle.get() == from) {
            detail("mcast port is input port, dropping the Report");
            continue;
        }
        detail("forwarding report to mcast flagged port");
        if (std::find(sent.begin(), sent.end(), bundle.get()) == sent.end() &&
            normal_may_send(from, *bundle, vlan))
            output_normal(*bundle, vlan);
    }
}

}  // namespace weft::vswitch
