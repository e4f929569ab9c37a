#include "controller/responders/multicast_messages.h"

#include <algorithm>

#include "controller/responders/datagram.h"
#include "packet/address.h"
#include "packet/checksum.h"
#include "packet/ethernet.h"
#include "packet/extract.h"
#include "packet/group_membership.h"
#include "packet/ipv6.h"

namespace weft::controller {

namespace {

// nullopt: it is not a multicast address of the family, as all that is wanted must be.
std::optional<std::string> group_text(const packet::Ipv6Addr& group, bool v6) {
    if (auto ipv4 = packet::mapped_ipv4(group)) {
        if (v6 || *ipv4 >> 28 != 0xe) return std::nullopt;
        return packet::ipv4_to_string(*ipv4);
    }
    if (!packet::is_multicast(group)) return std::nullopt;
    return packet::to_string(group);
}

}  // namespace

std::optional<MulticastMessage> read_multicast_message(ByteView frame) {
    packet::Flow flow = packet::zero_flow();
    packet::Layout layout = packet::extract(frame, flow);
    if (flow.nw_frag) return std::nullopt;
    MulticastMessage message;
    bool wrong = false;
    auto record = [&](const packet::GroupRecord& each) {
        if (!each.known() || each.type == packet::GroupRecord::Type::kBlock) return;
        if (auto group = group_text(each.group, flow.dl_type == packet::ethernet::kIpv6))
            message.memberships.push_back({std::move(*group), !each.leaves()});
        else
            wrong = true;
    };
    auto read = packet::read_group_message(frame, flow, layout, record);
    if (!read || read->cut) return std::nullopt;
    message.query = read->kind == packet::GroupMessage::Kind::kQuery;
    bool single = read->type != packet::kIgmpReport3 && read->type != packet::kMldReport2;
    if (wrong && single) return std::nullopt;
    return message;
}

packet::Packet compose_igmp_query(const packet::EthAddr& eth_src, uint32_t ip_src, int64_t max_response_s) {
    constexpr uint32_t kAllSystems = 0xe0000001;
    packet::IpEndpoints ip;
    ip.eth_src = eth_src;
    ip.eth_dst = {0x01, 0x00, 0x5e, 0, 0, 1};
    ip.src = ip_src;
    ip.dst = kAllSystems;
    ip.ttl = 1;
    uint8_t tenths = static_cast<uint8_t>(std::clamp<int64_t>(max_response_s * 10, 0, 127));
    ByteWriter out;
    out.u8(packet::kIgmpQuery);
    out.u8(tenths);
    out.u16(0);
    out.u32(0);  // all groups
    out.u8(0);
    out.u8(tenths);
    out.u16(0);
    return dont_fragment(packet::compose_ip(ip, packet::protocol::kIgmp, out.view()));
}

packet::Packet compose_mld_query(const packet::EthAddr& eth_src, const packet::Ipv6Addr& ip_src,
                                 int64_t max_response_s) {
    packet::IpEndpoints ip;
    ip.v6 = true;
    ip.eth_src = eth_src;
    ip.eth_dst = {0x33, 0x33, 0, 0, 0, 1};
    ip.ipv6_src = ip_src;
    ip.ipv6_dst = {0xff, 0x02, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1};
    ip.ttl = 1;
    // Hop-by-hop: router alert (RFC 2711), value 0 (MLD), and padding.
    const Bytes alert = {packet::protocol::kIcmpv6, 0, 5, 2, 0, 0, 0, 0};
    ByteWriter message;
    message.u8(packet::kMldQuery);
    message.u8(0);
    message.u16(0);
    message.u16(static_cast<uint16_t>(std::clamp<int64_t>(max_response_s * 1000, 0, 32767)));
    message.u16(0);
    message.zeros(16);  // all groups
    message.u8(0);
    message.u8(static_cast<uint8_t>(std::clamp<int64_t>(max_response_s, 0, 127)));
    message.u16(0);
    uint64_t sum = packet::pseudo_header_sum6(ip.ipv6_src, ip.ipv6_dst, packet::protocol::kIcmpv6,
                                              static_cast<uint32_t>(message.size()));
    message.patch_u16(
        2, static_cast<uint16_t>(~packet::checksum_fold(packet::checksum_add(sum, message.view()))));
    ByteWriter body;
    body.bytes(alert);
    body.bytes(message.view());
    return packet::compose_ip(ip, packet::protocol::kHopByHop, body.view());
}

}  // namespace weft::controller
