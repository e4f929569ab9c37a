#include "packet/group_membership.h"

#include "packet/address.h"
#include "packet/checksum.h"
#include "packet/ethernet.h"
#include "packet/icmpv6.h"
#include "packet/igmp.h"
#include "packet/ipv6.h"

namespace weft::packet {

namespace {

using Sink = std::function<void(const GroupRecord&)>;

template <typename ReadGroup>
bool read_records(ByteReader& in, size_t address_size, ReadGroup read_group, const Sink& record) {
    in.skip(2);
    size_t count = in.u16();
    for (size_t i = 0; i < count; ++i) {
        GroupRecord each;
        each.type = static_cast<GroupRecord::Type>(in.u8());
        size_t auxiliary_words = in.u8();
        each.sources = in.u16();
        each.group = read_group(in);
        in.skip(each.sources * address_size);
        in.skip(auxiliary_words * 4);
        if (!in.ok()) return false;
        record(each);
    }
    return in.ok();
}

Ipv6Addr read_ipv4(ByteReader& in) {
    return map_ipv4(in.u32());
}
Ipv6Addr read_ipv6(ByteReader& in) {
    return in.array<16>();
}

GroupRecord whole_group(const Ipv6Addr& group, bool joins) {
    return {joins ? GroupRecord::Type::kToExclude : GroupRecord::Type::kToInclude, group, 0};
}

std::optional<GroupMessage> read_igmp(ByteView bytes, const Sink& record) {
    if (bytes.size() < igmp::kHeader || checksum(bytes) != 0) return std::nullopt;
    ByteReader in(bytes);
    GroupMessage message;
    message.type = in.u8();
    in.skip(3);
    switch (message.type) {
        case kIgmpQuery:
            return message;
        case kIgmpReport1:
        case kIgmpReport2:
        case kIgmpLeave: {
            bool joins = message.type != kIgmpLeave;
            message.kind = joins ? GroupMessage::Kind::kReport : GroupMessage::Kind::kLeave;
            record(whole_group(read_ipv4(in), joins));
            return message;
        }
        case kIgmpReport3:
            message.kind = GroupMessage::Kind::kReport;
            message.cut = !read_records(in, 4, read_ipv4, record);
            return message;
        default:
            return std::nullopt;
    }
}

std::optional<GroupMessage> read_mld(ByteView bytes, const Flow& flow, const Sink& record) {
    uint64_t sum = pseudo_header_sum6(flow.ipv6_src, flow.ipv6_dst, protocol::kIcmpv6,
                                      static_cast<uint32_t>(bytes.size()));
    if (checksum_fold(checksum_add(sum, bytes)) != 0xffff) return std::nullopt;
    ByteReader in(bytes);
    GroupMessage message;
    message.type = in.u8();
    in.skip(3);
    switch (message.type) {
        case kMldQuery:
            in.skip(4 + 16);
            if (!in.ok()) return std::nullopt;
            return message;
        case kMldReport1:
        case kMldDone: {
            in.skip(4);
            Ipv6Addr group = read_ipv6(in);
            if (!in.ok()) return std::nullopt;
            bool joins = message.type == kMldReport1;
            message.kind = joins ? GroupMessage::Kind::kReport : GroupMessage::Kind::kLeave;
            record(whole_group(group, joins));
            return message;
        }
        case kMldReport2:
            if (bytes.size() < icmpv6::kHeader) return std::nullopt;
            message.kind = GroupMessage::Kind::kReport;
            message.cut = !read_records(in, 16, read_ipv6, record);
            return message;
        default:
            return std::nullopt;
    }
}

}  // namespace

std::optional<GroupMessage> read_group_message(ByteView frame, const Flow& flow, const Layout& layout,
                                               const Sink& record) {
    size_t end = std::min<size_t>(layout.l3_end, frame.size());
    if (!layout.l4 || layout.l4 > end || (flow.nw_frag & kFragLater)) return std::nullopt;
    ByteView bytes = frame.subspan(layout.l4, end - layout.l4);
    if (flow.dl_type == ethernet::kIpv4 && flow.nw_proto == protocol::kIgmp) return read_igmp(bytes, record);
    if (flow.dl_type == ethernet::kIpv6 && flow.nw_proto == protocol::kIcmpv6)
        return read_mld(bytes, flow, record);
    return std::nullopt;
}

}  // namespace weft::packet
