#include "datapath/conntrack/sequence_shift.h"

#include <cstring>

#include "packet/checksum.h"
#include "packet/ipv4.h"
#include "packet/ipv6.h"
#include "packet/segment.h"
#include "packet/tcp.h"

namespace weft::datapath::conntrack {

namespace {

constexpr uint8_t kSack = 5;

bool after(uint32_t a, uint32_t b) {
    return static_cast<int32_t>(a - b) > 0;
}

// Writes a number at any place of a TCP header (SACK blocks need not be even) and mends the checksum.
void write32(packet::Packet& packet, const packet::Layout& layout, size_t at, uint32_t value) {
    uint8_t* tcp = packet.data() + layout.l4;
    uint32_t before = load_be32(tcp + at);
    if (before == value) return;
    store_be32(tcp + at, value);
    if (packet.offload.checksum_partial) return;
    uint8_t* check = tcp + packet::tcp::kChecksum;
    // At an odd place the bytes of each word change places.
    auto word = [&](uint32_t v) { return at % 2 ? (v >> 8 & 0x00ff00ff) | (v << 8 & 0xff00ff00) : v; };
    store_be16(check, packet::checksum_update32(load_be16(check), word(before), word(value)));
}

}  // namespace

uint32_t SequenceShift::forth(uint32_t sequence) const {
    return sequence + static_cast<uint32_t>(after(sequence, position) ? now : before);
}

uint32_t SequenceShift::back(uint32_t acknowledgment) const {
    uint32_t earlier = acknowledgment - static_cast<uint32_t>(before);
    if (!after(earlier, position)) return earlier;
    uint32_t later = acknowledgment - static_cast<uint32_t>(now);
    return after(later, position) ? later : position;  // inside of what was put in
}

void SequenceShift::grow(uint32_t sequence, int32_t by) {
    if (!by || (any() && !after(sequence, position))) return;  // sent again
    position = sequence;
    before = now;
    now += by;
}

void shift_sequence(packet::Packet& packet, const packet::Layout& layout, const SequenceShift& sender) {
    if (!sender.any() || !layout.payload) return;
    uint32_t sequence = load_be32(packet.data() + layout.l4 + packet::tcp::kSequence);
    write32(packet, layout, packet::tcp::kSequence, sender.forth(sequence));
}

void shift_acknowledgment(packet::Packet& packet, const packet::Layout& layout,
                          const SequenceShift& receiver) {
    if (!receiver.any() || !layout.payload) return;
    const uint8_t* tcp = packet.data() + layout.l4;
    if (!(load_be16(tcp + packet::tcp::kOffsetFlags) & packet::tcp::kAck)) return;
    write32(packet, layout, packet::tcp::kAcknowledgment,
            receiver.back(load_be32(tcp + packet::tcp::kAcknowledgment)));
    size_t end = static_cast<size_t>(layout.payload - layout.l4);
    for (size_t at = packet::tcp::kHeader; at < end;) {
        uint8_t kind = tcp[at];
        if (kind == 0) break;
        if (kind == 1) {
            at++;
            continue;
        }
        if (at + 1 >= end) break;
        size_t length = tcp[at + 1];
        if (length < 2 || at + length > end) break;
        if (kind == kSack) {
            for (size_t edge = at + 2; edge + 4 <= at + length; edge += 4)
                write32(packet, layout, edge, receiver.back(load_be32(tcp + edge)));
        }
        at += length;
    }
}

bool replace_payload(packet::Packet& packet, packet::Layout& layout, size_t at, size_t size,
                     std::string_view text) {
    size_t place = layout.payload + at;
    if (!layout.payload || place + size > layout.l3_end || layout.l3_end > packet.size()) return false;
    if (packet.offload.gso_type != packet::GsoType::kNone) return false;
    auto by = static_cast<ptrdiff_t>(text.size()) - static_cast<ptrdiff_t>(size);
    size_t length = static_cast<size_t>(layout.l3_end - layout.l3) + static_cast<size_t>(by);
    if (layout.l3 + length > 65535) return false;
    packet::finish_checksum(packet);
    packet.offload = {};
    if (by > 0) packet.insert(place, static_cast<size_t>(by));
    if (by < 0) packet.erase(place, static_cast<size_t>(-by));
    std::memcpy(packet.data() + place, text.data(), text.size());
    layout.l3_end = static_cast<uint16_t>(layout.l3_end + by);
    uint8_t* ip = packet.data() + layout.l3;
    bool v6 = ip[0] >> 4 == 6;
    auto segment = static_cast<uint32_t>(layout.l3_end - layout.l4);
    uint64_t sum;
    if (v6) {
        store_be16(ip + packet::ipv6::kPayloadLength, static_cast<uint16_t>(length - packet::ipv6::kHeader));
        packet::Ipv6Addr src, dst;
        std::memcpy(src.data(), ip + packet::ipv6::kSrc, 16);
        std::memcpy(dst.data(), ip + packet::ipv6::kDst, 16);
        sum = packet::pseudo_header_sum6(src, dst, 6, segment);
    } else {
        uint16_t before = load_be16(ip + packet::ipv4::kTotalLength);
        store_be16(ip + packet::ipv4::kTotalLength, static_cast<uint16_t>(length));
        store_be16(ip + packet::ipv4::kChecksum,
                   packet::checksum_update(load_be16(ip + packet::ipv4::kChecksum), before,
                                           static_cast<uint16_t>(length)));
        sum = packet::pseudo_header_sum(ip, 6, segment);
    }
    uint8_t* tcp = packet.data() + layout.l4;
    store_be16(tcp + packet::tcp::kChecksum, 0);
    sum = packet::checksum_add(sum, packet.view().subspan(layout.l4, segment));
    store_be16(tcp + packet::tcp::kChecksum, static_cast<uint16_t>(~packet::checksum_fold(sum)));
    return true;
}

}  // namespace weft::datapath::conntrack
