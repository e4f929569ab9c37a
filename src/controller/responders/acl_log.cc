#include "controller/responders/acl_log.h"

#include <fmt/core.h>

#include <iterator>

#include "logical/actions/misc.h"
#include "openflow/match.h"
#include "packet/arp.h"
#include "packet/ethernet.h"
#include "packet/extract.h"
#include "packet/ipv6.h"

namespace weft::controller {

namespace {

using openflow::FieldId;

void show(std::initializer_list<FieldId> ids, const packet::Flow& flow, openflow::Match& match) {
    for (FieldId id : ids) {
        const openflow::Field& field = openflow::field(id);
        match.set(field, openflow::get_field(flow, field), openflow::FieldValue::all_ones(field));
    }
}

void show_transport(const packet::Flow& flow, openflow::Match& match) {
    bool v6 = flow.dl_type == packet::ethernet::kIpv6;
    switch (flow.nw_proto) {
        case packet::protocol::kTcp:
            return show({FieldId::kTcpSrc, FieldId::kTcpDst, FieldId::kTcpFlags}, flow, match);
        case packet::protocol::kUdp:
            return show({FieldId::kUdpSrc, FieldId::kUdpDst}, flow, match);
        case packet::protocol::kSctp:
            return show({FieldId::kSctpSrc, FieldId::kSctpDst}, flow, match);
        case packet::protocol::kIcmp:
            if (!v6) show({FieldId::kIcmpType, FieldId::kIcmpCode}, flow, match);
            return;
        case packet::protocol::kIcmpv6:
            if (!v6) return;
            show({FieldId::kIcmpv6Type, FieldId::kIcmpv6Code}, flow, match);
            if (flow.tp_src == 135) show({FieldId::kNdTarget, FieldId::kNdSll}, flow, match);
            if (flow.tp_src == 136) show({FieldId::kNdTarget, FieldId::kNdTll}, flow, match);
            return;
        default:
            return;
    }
}

// The packet's headers as the match of all their fields, which is how flows are printed everywhere.
std::string headers_text(ByteView packet) {
    packet::Flow flow = packet::zero_flow();
    packet::extract(packet, flow);
    openflow::Match match;
    show({FieldId::kVlanTci, FieldId::kEthSrc, FieldId::kEthDst, FieldId::kEthType}, flow, match);
    const std::initializer_list<FieldId> ip_header = {FieldId::kIpProto, FieldId::kIpDscp, FieldId::kIpEcn,
                                                      FieldId::kIpTtl, FieldId::kIpFrag};
    switch (flow.dl_type) {
        case packet::ethernet::kIpv4:
            show({FieldId::kIpSrc, FieldId::kIpDst}, flow, match);
            show(ip_header, flow, match);
            show_transport(flow, match);
            break;
        case packet::ethernet::kIpv6:
            show({FieldId::kIpv6Src, FieldId::kIpv6Dst, FieldId::kIpv6Label}, flow, match);
            show(ip_header, flow, match);
            show_transport(flow, match);
            break;
        case packet::ethernet::kArp:
            show({FieldId::kArpSpa, FieldId::kArpTpa, FieldId::kArpOp, FieldId::kArpSha, FieldId::kArpTha},
                 flow, match);
            break;
        default:
            break;
    }
    return openflow::to_string(match);
}

}  // namespace

std::optional<std::string> acl_log_line(ByteView userdata, ByteView packet, bool from_lport) {
    ByteReader in(userdata);
    uint8_t verdict = in.u8(), severity = in.u8();
    const char* severity_name = logical::log_severity_name(severity);
    if (!in.ok() || verdict >= std::size(logical::kLogVerdicts) || !severity_name) return std::nullopt;
    ByteView name = in.rest();
    return fmt::format("name=\"{}\", verdict={}, severity={}, direction={}: {}",
                       name.empty()
                           ? std::string_view("<unnamed>")
                           : std::string_view(reinterpret_cast<const char*>(name.data()), name.size()),
                       logical::kLogVerdicts[verdict], severity_name, from_lport ? "from-lport" : "to-lport",
                       headers_text(packet));
}

}  // namespace weft::controller
