// Fuzzes the reader of IGMP and MLD with whole frames, whose checksum it mends so that what lies behind is
// reached.

#include "packet/checksum.h"
#include "packet/group_membership.h"
#include "packet/igmp.h"
#include "packet/ipv4.h"

using namespace weft;
using namespace weft::packet;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    Packet packet(ByteView(data, size));
    Flow flow = zero_flow();
    Layout layout = extract(packet, flow);
    size_t end = std::min<size_t>(layout.l3_end, packet.size());
    if (layout.l4 && layout.l4 + igmp::kHeader <= end) {
        size_t length = end - layout.l4;
        uint8_t* message = packet.data() + layout.l4;
        store_be16(message + igmp::kChecksum, 0);
        uint64_t sum = flow.nw_proto == protocol::kIcmpv6
                           ? pseudo_header_sum6(flow.ipv6_src, flow.ipv6_dst, protocol::kIcmpv6,
                                                static_cast<uint32_t>(length))
                           : 0;
        sum = checksum_add(sum, ByteView(message, length));
        store_be16(message + igmp::kChecksum, static_cast<uint16_t>(~checksum_fold(sum)));
    }
    size_t records = 0;
    auto message = read_group_message(packet.view(), flow, layout,
                                      [&](const GroupRecord& record) { records += record.known(); });
    if (records > size || (records && !message)) __builtin_trap();
    return 0;
}
