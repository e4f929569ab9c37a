#include "packet/unfinished.h"

#include "packet/checksum.h"
#include "packet/ethernet.h"
#include "packet/ipv6.h"
#include "packet/tcp.h"
#include "packet/udp.h"

namespace weft::packet {

namespace {

constexpr size_t kMostUncut = 1500;  // longer IP packets of TCP get segments
constexpr size_t kAnyPath = 1280;

}  // namespace

bool mark_unfinished(Packet& packet) {
    const uint8_t* p = packet.data();
    size_t size = packet.size(), l3 = ethernet::kHeader;
    if (size < l3 + ipv4::kHeader) return false;
    uint16_t type = load_be16(p + ethernet::kType);
    for (int tags = 0; tags < 2 && ethernet::is_vlan(type); tags++) {
        type = load_be16(p + l3 + 2);
        l3 += 4;
    }
    bool v6 = type == ethernet::kIpv6;
    size_t l4 = l3 + (v6 ? ipv6::kHeader : ipv4::kHeader);
    if (size < l4 + udp::kHeader) return false;
    const uint8_t* ip = p + l3;
    size_t end;
    if (v6) {
        end = l4 + load_be16(ip + ipv6::kPayloadLength);
    } else {
        if (type != ethernet::kIpv4 || ip[0] != 0x45 ||
            load_be16(ip + ipv4::kFragment) & (ipv4::kMoreFragments | ipv4::kOffset))
            return false;
        end = l3 + load_be16(ip + ipv4::kTotalLength);
    }
    uint8_t protocol = v6 ? ip[ipv6::kNextHeader] : ip[ipv4::kProtocol];
    bool tcp = protocol == protocol::kTcp;
    if ((!tcp && protocol != protocol::kUdp) || end != size ||
        size < l4 + (tcp ? tcp::kHeader : udp::kHeader))
        return false;
    uint16_t offset = tcp ? tcp::kChecksum : udp::kChecksum;
    auto length = static_cast<uint32_t>(end - l4);
    uint64_t sum = v6 ? checksum_add(0, ByteView(ip + ipv6::kSrc, 32)) + protocol + length
                      : pseudo_header_sum(ip, protocol, length);
    if (load_be16(p + l4 + offset) != checksum_fold(sum)) return false;
    packet.offload.checksum_partial = true;
    packet.offload.csum_start = static_cast<uint16_t>(l4);
    packet.offload.csum_offset = offset;
    size_t payload = l4 + static_cast<size_t>(tcp ? p[l4 + tcp::kOffsetFlags] >> 4 : 0) * 4;
    if (tcp && end - l3 > kMostUncut && payload >= l4 + tcp::kHeader && payload < l3 + kAnyPath) {
        packet.offload.gso_type = v6 ? GsoType::kTcp6 : GsoType::kTcp4;
        packet.offload.gso_size = static_cast<uint16_t>(kAnyPath - (payload - l3));
    }
    return true;
}

}  // namespace weft::packet
