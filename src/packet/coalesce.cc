#include "packet/coalesce.h"

#include "packet/checksum.h"
#include "packet/ethernet.h"
#include "packet/ipv6.h"
#include "packet/tcp.h"

namespace weft::packet {

namespace {

constexpr uint16_t kJoinable = tcp::kAck | tcp::kPsh | tcp::kFin;

uint64_t pseudo_sum(const uint8_t* ip, bool v6, uint32_t length) {
    if (!v6) return pseudo_header_sum(ip, protocol::kTcp, length);
    return checksum_add(0, ByteView(ip + ipv6::kSrc, 32)) + protocol::kTcp + length;
}

bool checksum_right(ByteView frame, size_t l3, size_t l4, bool v6) {
    const uint8_t* ip = frame.data() + l3;
    if (!v6 && checksum(ByteView(ip, l4 - l3)) != 0) return false;
    ByteView message = frame.subspan(l4);
    uint64_t sum = pseudo_sum(ip, v6, static_cast<uint32_t>(message.size()));
    return checksum_fold(checksum_add(sum, message)) == 0xffff;
}

}  // namespace

bool Coalescer::parse(ByteView frame, Segment& out) {
    if (frame.size() < ethernet::kHeader + ipv4::kHeader + tcp::kHeader) return false;
    const uint8_t* p = frame.data();
    out.l3 = ethernet::kHeader;
    uint16_t type = load_be16(p + ethernet::kType);
    if (ethernet::is_vlan(type)) {
        out.l3 += 4;
        type = load_be16(p + ethernet::kType + 4);
    }
    const uint8_t* ip = p + out.l3;
    out.v6 = type == ethernet::kIpv6;
    out.l4 = out.l3 + (out.v6 ? ipv6::kHeader : ipv4::kHeader);
    if (frame.size() < out.l4 + tcp::kHeader) return false;
    if (out.v6) {
        if (ip[ipv6::kNextHeader] != protocol::kTcp) return false;
        if (load_be16(ip + ipv6::kPayloadLength) != frame.size() - out.l4) return false;
    } else {
        if (type != ethernet::kIpv4 || ip[0] != 0x45 || ip[ipv4::kProtocol] != protocol::kTcp) return false;
        if (load_be16(ip + ipv4::kTotalLength) != frame.size() - out.l3) return false;
        if (load_be16(ip + ipv4::kFragment) & (ipv4::kMoreFragments | ipv4::kOffset)) return false;
    }
    const uint8_t* header = p + out.l4;
    size_t length = static_cast<size_t>(header[tcp::kOffsetFlags] >> 4) * 4;
    out.payload = out.l4 + length;
    if (length < tcp::kHeader || out.payload >= frame.size()) return false;
    out.flags = load_be16(header + tcp::kOffsetFlags) & tcp::kFlags;
    out.sequence = load_be32(header + tcp::kSequence);
    return (out.flags & ~kJoinable) == 0 && out.flags & tcp::kAck &&
           checksum_right(frame, out.l3, out.l4, out.v6);
}

bool Coalescer::start(ByteView frame) {
    assert(!holding_);
    buffer_.clear();
    buffer_.resize(Packet::kHeadroom);
    buffer_.insert(buffer_.end(), frame.begin(), frame.end());
    holding_ = true;
    count_ = 1;
    open_ = parse(frame, first_);
    if (!open_) return false;
    size_ = frame.size() - first_.payload;
    next_sequence_ = first_.sequence + static_cast<uint32_t>(size_);
    last_flags_ = first_.flags;
    if (first_.flags & (tcp::kPsh | tcp::kFin)) open_ = false;
    return open_;
}

bool Coalescer::follows(ByteView frame, const Segment& segment) const {
    const uint8_t *a = buffer_.data() + Packet::kHeadroom, *b = frame.data();
    if (segment.l3 != first_.l3 || segment.v6 != first_.v6 || segment.payload != first_.payload) return false;
    if (segment.sequence != next_sequence_ || frame.size() - segment.payload > size_) return false;
    if (std::memcmp(a, b, first_.l3) != 0) return false;
    auto same = [&](size_t from, size_t to) { return std::memcmp(a + from, b + from, to - from) == 0; };
    size_t ip = first_.l3, l4 = first_.l4;
    if (first_.v6) {
        if (!same(ip, ip + ipv6::kPayloadLength) || !same(ip + ipv6::kNextHeader, l4)) return false;
    } else {
        if (!same(ip, ip + ipv4::kTotalLength) || !same(ip + ipv4::kFragment, ip + ipv4::kChecksum))
            return false;
        if (!same(ip + ipv4::kSrc, l4)) return false;
    }
    // TCP: ports, acknowledgment, window, urgent pointer and options.
    return same(l4, l4 + tcp::kSequence) && same(l4 + tcp::kAcknowledgment, l4 + tcp::kOffsetFlags) &&
           same(l4 + tcp::kWindow, l4 + tcp::kChecksum) && same(l4 + tcp::kUrgent, first_.payload);
}

bool Coalescer::append(ByteView frame) {
    if (!open_) return false;
    Segment segment;
    if (buffer_.size() - Packet::kHeadroom + frame.size() > 65535 || !parse(frame, segment) ||
        !follows(frame, segment)) {
        open_ = false;
        return false;
    }
    ByteView payload = frame.subspan(segment.payload);
    buffer_.insert(buffer_.end(), payload.begin(), payload.end());
    next_sequence_ += static_cast<uint32_t>(payload.size());
    last_flags_ = segment.flags;
    count_++;
    if (payload.size() < size_ || segment.flags & (tcp::kPsh | tcp::kFin)) open_ = false;
    return true;
}

Packet Coalescer::finish() {
    holding_ = open_ = false;
    Packet packet(std::move(buffer_), Packet::kHeadroom, {});
    buffer_ = Bytes();
    if (count_ < 2) return packet;
    uint8_t* ip = packet.data() + first_.l3;
    uint8_t* header = packet.data() + first_.l4;
    uint32_t transport = static_cast<uint32_t>(packet.size() - first_.l4);
    if (first_.v6) {
        store_be16(ip + ipv6::kPayloadLength, static_cast<uint16_t>(transport));
    } else {
        store_be16(ip + ipv4::kTotalLength, static_cast<uint16_t>(packet.size() - first_.l3));
        store_be16(ip + ipv4::kChecksum, 0);
        store_be16(ip + ipv4::kChecksum, checksum(ByteView(ip, ipv4::kHeader)));
    }
    uint16_t offset_flags = load_be16(header + tcp::kOffsetFlags);
    store_be16(header + tcp::kOffsetFlags, static_cast<uint16_t>(offset_flags | last_flags_));
    store_be16(header + tcp::kChecksum, checksum_fold(pseudo_sum(ip, first_.v6, transport)));
    packet.offload.checksum_partial = true;
    packet.offload.csum_start = static_cast<uint16_t>(first_.l4);
    packet.offload.csum_offset = tcp::kChecksum;
    packet.offload.gso_type = first_.v6 ? GsoType::kTcp6 : GsoType::kTcp4;
    packet.offload.gso_size = static_cast<uint16_t>(size_);
    return packet;
}

}  // namespace weft::packet
