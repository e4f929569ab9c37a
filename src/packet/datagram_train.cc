#include "packet/datagram_train.h"

#include <algorithm>

#include "packet/checksum.h"
#include "packet/ethernet.h"
#include "packet/geneve.h"
#include "packet/gtpu.h"
#include "packet/ipv6.h"
#include "packet/udp.h"
#include "packet/vlan.h"
#include "packet/vxlan.h"

namespace weft::packet {

namespace {

// UDP ports whose receivers may sit below the sockets.
constexpr uint16_t kReadBelowSockets[] = {67,   68,                 // DHCP
                                          546,  547,                // DHCPv6
                                          2152, 4789, 4790, 6081,   // GTP-U, VXLAN, VXLAN-GPE, Geneve
                                          8472,                     // VXLAN, Linux's own choice
                                          6080, 6635, 3784, 4784};  // GUE, MPLS, BFD (RFC 5881, RFC 5883)
static_assert(geneve::kPort == 6081 && vxlan::kPort == 4789 && vxlan::kGpePort == 4790 &&
              gtpu::kPort == 2152);

uint16_t pseudo_sum(const uint8_t* ip, bool v6, size_t length) {
    auto size = static_cast<uint32_t>(length);
    if (!v6) return checksum_fold(pseudo_header_sum(ip, protocol::kUdp, size));
    return checksum_fold(checksum_add(0, ByteView(ip + ipv6::kSrc, 32)) + protocol::kUdp + size);
}

bool checksum_right(const Packet& packet, const DatagramTrain::Shape& at) {
    const uint8_t* p = packet.data();
    uint16_t check = load_be16(p + at.l4 + udp::kChecksum);
    if (!check) return false;  // there is none, and a super-packet's datagrams have one
    ByteView datagram = packet.view().subspan(at.l4);
    uint16_t pseudo = pseudo_sum(p + at.l3, at.v6, datagram.size());
    if (packet.offload.checksum_partial) {
        return packet.offload.csum_start == at.l4 && packet.offload.csum_offset == udp::kChecksum &&
               check == pseudo;
    }
    return packet.offload.checksum_valid || checksum_fold(checksum_add(pseudo, datagram)) == 0xffff;
}

// IP headers of one flow whose datagrams may be joined.
bool alike4(const uint8_t* a, const uint8_t* b) {
    return a[ipv4::kTos] == b[ipv4::kTos] && a[ipv4::kTtl] == b[ipv4::kTtl] &&
           load_be16(a + ipv4::kFragment) == load_be16(b + ipv4::kFragment);
}
bool alike6(const uint8_t* a, const uint8_t* b) {
    return std::memcmp(a, b, ipv6::kPayloadLength) == 0 && a[ipv6::kHopLimit] == b[ipv6::kHopLimit];
}

}  // namespace

std::optional<DatagramTrain::Shape> DatagramTrain::shape_of(const Packet& packet) {
    const uint8_t* p = packet.data();
    size_t size = packet.size(), l3 = ethernet::kHeader;
    if (size < l3 + ipv4::kHeader + udp::kHeader + 1 || packet.offload.gso_type != GsoType::kNone ||
        p[ethernet::kDst] & 1)
        return std::nullopt;
    uint16_t type = load_be16(p + ethernet::kType);
    if (ethernet::is_vlan(type)) {
        l3 += vlan::kHeader;
        type = load_be16(p + ethernet::kType + vlan::kHeader);
    }
    const uint8_t* ip = p + l3;
    bool v6 = type == ethernet::kIpv6;
    size_t l4 = l3 + (v6 ? ipv6::kHeader : ipv4::kHeader);
    if (size < l4 + udp::kHeader + 1) return std::nullopt;
    if (v6) {
        if (ip[0] >> 4 != 6 || ip[ipv6::kNextHeader] != protocol::kUdp ||
            load_be16(ip + ipv6::kPayloadLength) != size - l4)
            return std::nullopt;
    } else {
        if (type != ethernet::kIpv4 || ip[0] != 0x45 || ip[ipv4::kProtocol] != protocol::kUdp ||
            load_be16(ip + ipv4::kTotalLength) != size - l3 ||
            load_be16(ip + ipv4::kFragment) & (ipv4::kMoreFragments | ipv4::kOffset) ||
            checksum(ByteView(ip, ipv4::kHeader)) != 0)
            return std::nullopt;
    }
    const uint8_t* header = p + l4;
    uint16_t dst = load_be16(header + udp::kDst);
    if (load_be16(header + udp::kLength) != size - l4 ||
        std::find(std::begin(kReadBelowSockets), std::end(kReadBelowSockets), dst) !=
            std::end(kReadBelowSockets))
        return std::nullopt;
    Shape shape{static_cast<uint16_t>(l3), static_cast<uint16_t>(l4), v6, load_be32(header), 0};
    uint32_t from = load_be32(ip + (v6 ? ipv6::kDst : ipv4::kDst) - 4), to = load_be32(header - 4);
    shape.hash = (shape.ports ^ from * 31 ^ to * 17) * 0x9e3779b1u;
    if (!checksum_right(packet, shape)) return std::nullopt;
    return shape;
}

bool DatagramTrain::same_flow(const Packet& next, const Shape& shape) const {
    if (!shape_ || shape_->ports != shape.ports || shape_->l4 != shape.l4 || shape_->v6 != shape.v6)
        return false;
    const uint8_t *a = packet_.data(), *b = next.data();
    size_t addresses = shape.l3 + (shape.v6 ? ipv6::kSrc : ipv4::kSrc);
    return std::memcmp(a + addresses, b + addresses, shape.l4 - addresses) == 0 &&
           std::memcmp(a, b, shape.l3) == 0;
}

bool DatagramTrain::counts_on(const uint8_t* first, const uint8_t* next) {
    auto step = static_cast<uint16_t>(load_be16(next + ipv4::kId) - load_be16(first + ipv4::kId));
    bool whole = load_be16(first + ipv4::kFragment) & ipv4::kDontFragment;
    if (count_ == 1) same_id_ = whole && step == 0;
    return step == (same_id_ ? 0 : count_);
}

bool DatagramTrain::append(const Packet& next, const Shape& shape) {
    size_t headers = shape.l4 + udp::kHeader, payload = next.size() - headers;
    if (count_ == 1) payload_ = packet_.size() - headers;
    const uint8_t *a = packet_.data() + shape.l3, *b = next.data() + shape.l3;
    bool alike = shape.v6 ? alike6(a, b) : alike4(a, b) && counts_on(a, b);
    bool full = (packet_.size() - headers) % payload_ != 0;  // its last datagram was a short one
    if (!alike || full || payload > payload_ || count_ == kMaxDatagrams ||
        packet_.size() + payload > UINT16_MAX)
        return false;
    packet_.append(next.view().subspan(headers));
    count_++;
    bytes_ += next.size();
    return true;
}

void DatagramTrain::finish() {
    if (count_ < 2) return;
    uint8_t* ip = packet_.data() + shape_->l3;
    uint8_t* header = packet_.data() + shape_->l4;
    size_t transport = packet_.size() - shape_->l4;
    if (shape_->v6) {
        store_be16(ip + ipv6::kPayloadLength, static_cast<uint16_t>(transport));
    } else {
        store_be16(ip + ipv4::kTotalLength, static_cast<uint16_t>(packet_.size() - shape_->l3));
        store_be16(ip + ipv4::kChecksum, 0);
        store_be16(ip + ipv4::kChecksum, checksum(ByteView(ip, ipv4::kHeader)));
    }
    store_be16(header + udp::kLength, static_cast<uint16_t>(transport));
    store_be16(header + udp::kChecksum, pseudo_sum(ip, shape_->v6, transport));
    packet_.offload = {};
    packet_.offload.checksum_partial = true;
    packet_.offload.csum_start = shape_->l4;
    packet_.offload.csum_offset = udp::kChecksum;
    packet_.offload.gso_type = GsoType::kUdp;
    packet_.offload.gso_size = static_cast<uint16_t>(payload_);
    shape_.reset();
}

}  // namespace weft::packet
