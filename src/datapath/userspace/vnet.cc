#include "datapath/userspace/vnet.h"

#include <linux/if_packet.h>

#include <cstring>

#include "packet/ethernet.h"
#include "packet/extract.h"
#include "packet/vlan.h"

namespace weft::datapath {

namespace {

// struct virtio_net_hdr in the machine's byte order (the kernel's header of it is not C++).
struct Header {
    uint8_t flags, gso_type;
    uint16_t hdr_len, gso_size, csum_start, csum_offset;
};
static_assert(sizeof(Header) == kVnetHeader);

constexpr uint8_t kNeedsChecksum = 1, kDataValid = 2;                       // flags
constexpr uint8_t kGsoTcp4 = 1, kGsoTcp6 = 4, kGsoUdp = 5, kGsoEcn = 0x80;  // gso_type

}  // namespace

using packet::GsoType;
using packet::Offload;

packet::Offload read_vnet_header(const uint8_t* bytes) {
    Header header;
    std::memcpy(&header, bytes, sizeof header);
    Offload out;
    out.checksum_partial = header.flags & kNeedsChecksum;
    out.checksum_valid = header.flags & kDataValid;
    out.csum_start = header.csum_start;
    out.csum_offset = header.csum_offset;
    out.ecn = header.gso_type & kGsoEcn;
    switch (header.gso_type & ~kGsoEcn) {
        case kGsoTcp4:
            out.gso_type = GsoType::kTcp4;
            break;
        case kGsoTcp6:
            out.gso_type = GsoType::kTcp6;
            break;
        case kGsoUdp:
            out.gso_type = GsoType::kUdp;
            break;
        default:
            break;
    }
    out.gso_size = header.gso_size;
    return out;
}

void write_vnet_header(const packet::Packet& packet, uint8_t* bytes) {
    const Offload& offload = packet.offload;
    Header header = {};
    if (offload.checksum_partial) {
        header.flags = kNeedsChecksum;
        header.csum_start = offload.csum_start;
        header.csum_offset = offload.csum_offset;
    } else if (offload.checksum_valid) {
        header.flags = kDataValid;
    }
    switch (offload.gso_type) {
        case GsoType::kNone:
            break;
        case GsoType::kTcp4:
            header.gso_type = kGsoTcp4;
            break;
        case GsoType::kTcp6:
            header.gso_type = kGsoTcp6;
            break;
        case GsoType::kUdp:
            header.gso_type = kGsoUdp;
            break;
    }
    if (header.gso_type) {
        if (offload.ecn) header.gso_type |= kGsoEcn;
        header.gso_size = offload.gso_size;
        // Headers up to the payload; the kernel wants at least the transport header linear.
        size_t transport = offload.csum_start;
        size_t length = transport + 8;
        if (offload.gso_type != GsoType::kUdp && transport + 13 <= packet.size()) {
            length = transport + static_cast<size_t>(packet.data()[transport + 12] >> 4) * 4;
        }
        header.hdr_len = static_cast<uint16_t>(std::min(length, packet.size()));
    }
    std::memcpy(bytes, &header, sizeof header);
}

void restore_tag(packet::Packet& packet, uint32_t status, uint16_t tpid, uint16_t tci) {
    if (!(status & TP_STATUS_VLAN_VALID) || packet.size() < packet::ethernet::kHeader) return;
    uint8_t* p = packet.insert(packet::ethernet::kType, packet::vlan::kHeader);
    store_be16(p, status & TP_STATUS_VLAN_TPID_VALID ? tpid : packet::ethernet::kVlan);
    store_be16(p + packet::vlan::kTci, tci);
}

}  // namespace weft::datapath
