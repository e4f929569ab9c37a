#include "datapath/conntrack/fragments.h"

#include <fmt/core.h>

#include <algorithm>

#include "packet/address.h"
#include "packet/checksum.h"
#include "packet/ethernet.h"
#include "packet/ipv6.h"

namespace weft::datapath::conntrack {

namespace {

namespace ipv4 = packet::ipv4;
namespace ipv6 = packet::ipv6;

// Layout counts bytes of the frame in 16 bits: room for the headers in front.
constexpr uint32_t kMaxWhole = 65535 - 256;
constexpr uint32_t kClampedMinimum = 400, kClampedMaxFragments = 5000;  // ovs-dpctl(8)

}  // namespace

bool Fragments::describe(const packet::Packet& packet, const packet::Layout& layout, const packet::Flow& key,
                         Id& id, Piece& piece) {
    id.v6 = piece.v6 = key.dl_type == packet::ethernet::kIpv6;
    piece.ip = layout.l3;
    if (!layout.l4 || layout.l3_end > packet.size() || packet.offload.any()) return false;
    const uint8_t* p = packet.data();
    size_t payload_end = layout.l3_end;
    bool more;
    if (!id.v6) {
        const uint8_t* ip = p + layout.l3;
        if (packet::checksum(ByteView(ip, static_cast<size_t>(layout.l4 - layout.l3))) != 0) return false;
        uint16_t word = load_be16(ip + ipv4::kFragment);
        piece.start = (word & ipv4::kOffset) * 8u;
        more = word & ipv4::kMoreFragments;
        piece.payload = layout.l4;
        store_be32(id.src.data(), key.nw_src);
        store_be32(id.dst.data(), key.nw_dst);
        id.id = load_be16(ip + ipv4::kId);
        id.protocol = key.nw_proto;
    } else {
        // Walk to the fragment header: extract() has seen that it is there.
        size_t at = layout.l3 + ipv6::kHeader, name = layout.l3 + ipv6::kNextHeader;
        while (p[name] != packet::protocol::kFragment) {
            if (!ipv6::is_extension(p[name]) || at + ipv6::kExtMin > payload_end) return false;
            size_t length = p[name] == packet::protocol::kAh ? (p[at + ipv6::kExtLength] + size_t{2}) * 4
                                                             : (p[at + ipv6::kExtLength] + size_t{1}) * 8;
            name = at;
            at += length;
        }
        if (at + ipv6::kFragmentHeader > payload_end) return false;
        uint16_t word = load_be16(p + at + ipv6::kFragmentOffset);
        piece.start = word & ipv6::kFragmentOffsetMask;
        more = word & ipv6::kFragmentMore;
        piece.fragment_header = static_cast<uint16_t>(at);
        piece.next_header_field = static_cast<uint16_t>(name);
        piece.payload = static_cast<uint16_t>(at + ipv6::kFragmentHeader);
        id.src = key.ipv6_src;
        id.dst = key.ipv6_dst;
        id.id = load_be32(p + at + ipv6::kFragmentId);
        id.protocol = p[at];
    }
    piece.end = piece.start + static_cast<uint32_t>(payload_end - piece.payload);
    piece.last = !more;
    if (piece.end == piece.start || piece.end > kMaxWhole) return false;
    return piece.last || (piece.end - piece.start) % 8 == 0;
}

bool Fragments::whole(const std::vector<Piece>& pieces) {
    uint32_t at = 0;
    for (const Piece& piece : pieces) {
        if (piece.start != at) return false;
        at = piece.end;
    }
    return pieces.back().last;
}

packet::Packet Fragments::join(const std::vector<Piece>& pieces) {
    const Piece& first = pieces.front();
    size_t total = pieces.back().end;
    size_t headers = first.v6 ? first.fragment_header : first.payload;
    Bytes buffer;
    buffer.reserve(packet::Packet::kHeadroom + headers + total);
    buffer.resize(packet::Packet::kHeadroom);
    buffer.insert(buffer.end(), first.packet.data(), first.packet.data() + headers);
    for (const Piece& piece : pieces) {
        const uint8_t* payload = piece.packet.data() + piece.payload;
        buffer.insert(buffer.end(), payload, payload + (piece.end - piece.start));
    }
    packet::Packet whole(std::move(buffer), packet::Packet::kHeadroom, {});
    uint8_t* ip = whole.data() + first.ip;
    if (first.v6) {
        whole.data()[first.next_header_field] = first.packet.data()[first.fragment_header];
        store_be16(ip + ipv6::kPayloadLength, static_cast<uint16_t>(whole.size() - first.ip - ipv6::kHeader));
    } else {
        store_be16(ip + ipv4::kTotalLength, static_cast<uint16_t>(whole.size() - first.ip));
        store_be16(ip + ipv4::kFragment, load_be16(ip + ipv4::kFragment) & ipv4::kDontFragment);
        store_be16(ip + ipv4::kChecksum, 0);
        store_be16(ip + ipv4::kChecksum,
                   packet::checksum(ByteView(ip, static_cast<size_t>(first.payload - first.ip))));
    }
    return whole;
}

void Fragments::spread(const packet::Packet& whole, std::vector<Piece>& pieces) {
    const Piece& first = pieces.front();
    size_t payload = first.v6 ? first.fragment_header : first.payload;
    const uint8_t* from = whole.data() + first.ip;
    for (Piece& piece : pieces) {
        uint8_t* ip = piece.packet.data() + piece.ip;
        if (piece.v6) {
            std::memcpy(ip + ipv6::kSrc, from + ipv6::kSrc, 32);
        } else {
            std::memcpy(ip + ipv4::kSrc, from + ipv4::kSrc, 8);
            store_be16(ip + ipv4::kChecksum, 0);
            store_be16(ip + ipv4::kChecksum,
                       packet::checksum(ByteView(ip, static_cast<size_t>(piece.payload - piece.ip))));
        }
        std::memcpy(piece.packet.data() + piece.payload, whole.data() + payload + piece.start,
                    piece.end - piece.start);
    }
}

void Fragments::forget(absl::flat_hash_map<Id, Datagram>::iterator it) {
    status_.fragments -= it->second.pieces.size();
    deadlines_.erase(it->second.serial);
    datagrams_.erase(it);
}

Fragments::Fate Fragments::add(packet::Packet& packet, const packet::Layout& layout, const packet::Flow& key,
                               uint16_t zone, int64_t now_ms, std::vector<Piece>& out) {
    Id id;
    id.zone = zone;
    Piece piece;
    if (!describe(packet, layout, key, id, piece)) return Fate::kInvalid;
    auto& counters = status_.counters[id.v6];
    // The size that ovs-dpctl(8) means: layer 3 header and data.
    if (!piece.last &&
        static_cast<uint32_t>(layout.l3_end - layout.l3) < status_.config.family[id.v6].minimum) {
        counters.too_small++;
        return Fate::kInvalid;
    }
    auto it = datagrams_.find(id);
    if (it == datagrams_.end()) {
        if (status_.fragments >= status_.config.max_fragments) return Fate::kInvalid;
        it = datagrams_.try_emplace(id).first;
        it->second.serial = next_serial_++;
        deadlines_[it->second.serial] = {now_ms + kLifeMs, id};
    }
    std::vector<Piece>& pieces = it->second.pieces;
    auto place = std::lower_bound(pieces.begin(), pieces.end(), piece.start,
                                  [](const Piece& a, uint32_t start) { return a.start < start; });
    bool overlaps =
        (place != pieces.end() && (place->start < piece.end || piece.last)) ||
        (place != pieces.begin() && (std::prev(place)->end > piece.start || std::prev(place)->last));
    if (overlaps || status_.fragments >= status_.config.max_fragments) {
        if (overlaps) counters.overlapped++;
        return Fate::kInvalid;
    }
    counters.accepted++;
    status_.fragments++;
    piece.packet = std::move(packet);
    pieces.insert(place, std::move(piece));
    if (!whole(pieces)) return Fate::kHeld;
    counters.completed += pieces.size();
    packet = join(pieces);
    status_.fragments -= pieces.size();
    out = std::move(pieces);
    pieces.clear();
    forget(it);
    return Fate::kWhole;
}

size_t Fragments::expire(int64_t now_ms) {
    size_t dropped = 0;
    while (!deadlines_.empty() && deadlines_.begin()->second.at_ms <= now_ms) {
        auto it = datagrams_.find(deadlines_.begin()->second.id);
        dropped += it->second.pieces.size();
        status_.counters[it->first.v6].expired += it->second.pieces.size();
        forget(it);
    }
    return dropped;
}

Result<void> Fragments::configure(const FragmentConfig& config) {
    for (const FragmentConfig::Family& family : config.family) {
        if (family.minimum < kClampedMinimum)
            return Error{
                fmt::format("a minimum fragment size of {} is below {}", family.minimum, kClampedMinimum)};
    }
    if (config.max_fragments > kClampedMaxFragments)
        return Error{
            fmt::format("{} fragments are more than {}", config.max_fragments, kClampedMaxFragments)};
    status_.config = config;
    for (auto it = datagrams_.begin(); it != datagrams_.end();) {
        auto next = std::next(it);
        if (!enabled(it->first.v6)) {
            status_.counters[it->first.v6].purged += it->second.pieces.size();
            forget(it);
        }
        it = next;
    }
    return {};
}

FragmentStatus Fragments::status(bool with_lists) const {
    FragmentStatus out = status_;
    if (!with_lists) return out;
    for (const auto& [id, datagram] : datagrams_) {
        auto address = [&](const packet::Ipv6Addr& a) {
            return id.v6 ? packet::to_string(a) : packet::ipv4_to_string(load_be32(a.data()));
        };
        bool first = !datagram.pieces.empty() && datagram.pieces.front().start == 0;
        bool last = !datagram.pieces.empty() && datagram.pieces.back().last;
        out.lists.push_back(
            fmt::format("(src={},dst={},recirc_id=0,ip_id={},dl_type=0x{:x},zone={},nw_proto={},num_"
                        "fragments={},state={})",
                        address(id.src), address(id.dst), id.id, id.v6 ? 0x86dd : 0x800, id.zone, id.protocol,
                        datagram.pieces.size(),
                        first && last ? "first/last frag"
                        : first       ? "first frag"
                        : last        ? "last frag"
                                      : "other frag"));
    }
    std::sort(out.lists.begin(), out.lists.end());
    return out;
}

}  // namespace weft::datapath::conntrack
