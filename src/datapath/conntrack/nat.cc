#include "datapath/conntrack/nat.h"

#include <algorithm>
#include <random>

#include "base/u128.h"
#include "packet/checksum.h"
#include "packet/icmp.h"
#include "packet/icmpv6.h"
#include "packet/ipv6.h"
#include "packet/rewrite.h"
#include "packet/tcp.h"
#include "packet/udp.h"

namespace weft::datapath::conntrack {

namespace {

namespace protocol = packet::protocol;
using packet::Ipv6Addr;

U128 number(const Ipv6Addr& address, bool v6) {
    if (!v6) return load_be32(address.data());
    return make_u128(load_be64(address.data()), load_be64(address.data() + 8));
}

Ipv6Addr address_of(U128 number, bool v6) {
    Ipv6Addr out{};
    if (v6) {
        store_be64(out.data(), high64(number));
        store_be64(out.data() + 8, low64(number));
    } else {
        store_be32(out.data(), static_cast<uint32_t>(number));
    }
    return out;
}

struct Ports {
    uint32_t first, count, start;  // start: relative to first
};

// The ports that may stand for `port` where no range was given.
Ports ports_like(uint16_t port) {
    uint32_t first = port < 512 ? 1 : port < 1024 ? 512 : 1024;
    uint32_t last = port < 512 ? 511 : port < 1024 ? 1023 : 65535;
    return {first, last - first + 1, port - std::min<uint32_t>(port, first)};
}

// Identifiers of ICMP have no classes.
Ports identifiers_like(uint16_t id) {
    return {0, 65536, id};
}

}  // namespace

Nat::Nat() {
    std::random_device device;
    secret_ = uint64_t{device()} << 32 | device();
    random_ = (uint64_t{device()} << 32 | device()) | 1;
}

uint64_t Nat::next_random() {
    random_ ^= random_ << 13;
    random_ ^= random_ >> 7;
    random_ ^= random_ << 17;
    return random_;
}

uint64_t Nat::hash(const Tuple& tuple, bool persistent, bool with_port) const {
    uint64_t h = persistent ? 0x9e3779b97f4a7c15 : secret_;
    auto add = [&](uint64_t value) {
        U128 product = static_cast<U128>(h ^ value) * 0x9ddfea08eb382d69ull;
        h = high64(product) ^ low64(product);
    };
    for (const Ipv6Addr* address : {&tuple.src, &tuple.dst}) {
        add(load_be64(address->data()));
        add(load_be64(address->data() + 8));
    }
    add(tuple.protocol);
    if (with_port) add(uint64_t{tuple.src_port} << 16 | tuple.dst_port);
    return h;
}

std::optional<Tuple> Nat::choose(const Tuple& original, const NatRange& range,
                                 const std::function<bool(const Tuple&)>& is_free) {
    Tuple reply = reversed(original);
    if (!range.source && !range.destination) return is_free(reply) ? std::optional(reply) : std::nullopt;
    bool keep_address = packet::is_zero(range.min_address);
    bool v6 = original.v6;
    U128 first = number(range.min_address, v6), last = std::max(first, number(range.max_address, v6));
    uint64_t addresses =
        keep_address
            ? 1
            : std::max<uint64_t>(1, static_cast<uint64_t>(std::min<U128>(last - first, UINT32_MAX)) + 1);
    uint64_t address_start = hash(original, range.persistent, false) % addresses;

    bool icmp = original.is_icmp(), numbered = original.has_ports() || icmp;
    bool from_range = range.min_port && original.has_ports();
    uint16_t own = icmp || range.source ? original.src_port : original.dst_port;
    Ports ports{own, 1, 0};
    if (from_range) {
        ports.first = range.min_port;
        ports.count = std::max(range.max_port, range.min_port) - range.min_port + 1u;
        ports.start =
            static_cast<uint32_t>((range.random ? next_random() : hash(original, false, true)) % ports.count);
    } else if (icmp) {
        ports = identifiers_like(own);
    } else if (numbered && range.source) {
        // A destination's port is the service: it does not change unless told to.
        ports = ports_like(own);
        if (range.random) ports.start = static_cast<uint32_t>(next_random() % ports.count);
    }

    size_t per_address =
        std::max<size_t>(16, kTries / static_cast<size_t>(std::min<uint64_t>(addresses, 16)));
    size_t tries = 0;
    for (uint64_t a = 0; a < addresses && tries < kTries; a++) {
        if (!keep_address) {
            Ipv6Addr address = address_of(first + (address_start + a) % addresses, v6);
            (range.source ? reply.dst : reply.src) = address;
        }
        size_t here = std::min<size_t>(ports.count, per_address);
        for (size_t i = 0; i < here && tries < kTries; i++, tries++) {
            uint32_t offset = ports.start + static_cast<uint32_t>(i);
            // In a big range that is full around here, elsewhere may be room.
            if (ports.count > per_address && i >= here / 2)
                offset = static_cast<uint32_t>(next_random() % ports.count);
            auto port = static_cast<uint16_t>(ports.first + offset % ports.count);
            if (numbered) (icmp || range.destination ? reply.src_port : reply.dst_port) = port;
            if (is_free(reply)) return reply;
        }
    }
    if (!range.destination || !original.has_ports()) return std::nullopt;
    // Another connection of the same source was sent to the same place: it is the source port that has to
    // give way.
    if (!keep_address) reply.src = address_of(first + address_start % addresses, v6);
    reply.src_port = static_cast<uint16_t>(ports.first + ports.start % ports.count);
    Ports sources = ports_like(original.src_port);
    for (size_t i = 1; i < kTries; i++) {
        uint32_t offset = i < kTries / 2 ? sources.start + static_cast<uint32_t>(i)
                                         : static_cast<uint32_t>(next_random() % sources.count);
        reply.dst_port = static_cast<uint16_t>(sources.first + offset % sources.count);
        if (is_free(reply)) return reply;
    }
    return std::nullopt;
}

void rewrite_addresses(packet::Packet& packet, const packet::Layout& layout, bool v6, const Ipv6Addr& src,
                       const Ipv6Addr& dst) {
    const uint8_t* ip = packet.data() + layout.l3;
    if (v6) {
        uint32_t word = load_be32(ip);
        packet::set_ipv6(packet, layout, src, dst, word & packet::ipv6::kLabel,
                         static_cast<uint8_t>(word >> 20), ip[packet::ipv6::kHopLimit]);
    } else {
        packet::set_ipv4(packet, layout, load_be32(src.data()), load_be32(dst.data()), ip[packet::ipv4::kTos],
                         ip[packet::ipv4::kTtl]);
    }
}

void rewrite_tuple(packet::Packet& packet, const packet::Layout& layout, const Tuple& from, const Tuple& to) {
    if (from.src != to.src || from.dst != to.dst) rewrite_addresses(packet, layout, from.v6, to.src, to.dst);
    if (from.has_ports() && (from.src_port != to.src_port || from.dst_port != to.dst_port)) {
        packet::set_ports(packet, layout, from.protocol, to.src_port, to.dst_port);
    } else if (from.is_icmp() && from.src_port != to.src_port &&
               layout.l4 + packet::icmp::kHeader <= packet.size()) {
        uint8_t* message = packet.data() + layout.l4;
        store_be16(message + packet::icmp::kRest, to.src_port);
        if (!packet.offload.checksum_partial) {
            store_be16(message + packet::icmp::kChecksum,
                       packet::checksum_update(load_be16(message + packet::icmp::kChecksum), from.src_port,
                                               to.src_port));
        }
    }
}

namespace {

// The checksum field of a quoted packet's transport, if it was quoted so far; nullptr if there is none.
uint8_t* quoted_checksum(uint8_t* transport, size_t size, uint8_t proto) {
    size_t at = proto == protocol::kTcp                                  ? packet::tcp::kChecksum
                : proto == protocol::kUdp                                ? packet::udp::kChecksum
                : proto == protocol::kIcmp || proto == protocol::kIcmpv6 ? packet::icmp::kChecksum
                                                                         : SIZE_MAX;
    if (at == SIZE_MAX || at + 2 > size) return nullptr;
    if (proto == protocol::kUdp && !load_be16(transport + at)) return nullptr;
    return transport + at;
}

}  // namespace

void rewrite_quoted(packet::Packet& packet, const packet::Layout& layout, const Headers& headers,
                    const Tuple& to) {
    const Tuple& from = *headers.quoted;
    if (from == to) return;
    uint8_t* ip = packet.data() + headers.quoted_ip;
    uint8_t* transport = packet.data() + headers.quoted_transport;
    size_t end = layout.l3_end;
    uint8_t* check = quoted_checksum(transport, end - headers.quoted_transport, from.protocol);
    bool pseudo = from.protocol != protocol::kIcmp;
    auto change = [&](uint8_t* at, const uint8_t* value, size_t size, uint8_t* sum) {
        for (size_t i = 0; i < size; i += 2) {
            uint16_t before = load_be16(at + i), after = load_be16(value + i);
            if (sum) store_be16(sum, packet::checksum_update(load_be16(sum), before, after));
        }
        std::memcpy(at, value, size);
    };
    if (from.v6) {
        change(ip + packet::ipv6::kSrc, to.src.data(), 16, check);
        change(ip + packet::ipv6::kDst, to.dst.data(), 16, check);
    } else {
        for (auto [offset, value] :
             {std::pair(packet::ipv4::kSrc, to.src.data()), std::pair(packet::ipv4::kDst, to.dst.data())}) {
            if (pseudo && check) {  // the same change counts in both sums
                uint8_t before[4];
                std::memcpy(before, ip + offset, 4);
                change(ip + offset, value, 4, check);
                std::memcpy(ip + offset, before, 4);
            }
            change(ip + offset, value, 4, ip + packet::ipv4::kChecksum);
        }
    }
    uint8_t ports[4];
    if (from.has_ports()) {
        store_be16(ports, to.src_port);
        store_be16(ports + 2, to.dst_port);
        change(transport, ports, 4, check);
    } else if (from.is_icmp()) {
        store_be16(ports, to.src_port);
        change(transport + packet::icmp::kRest, ports, 2, check);
    }
    if (check && from.protocol == protocol::kUdp && !load_be16(check)) store_be16(check, 0xffff);

    // The message around it.
    if (packet.offload.checksum_partial) return;
    uint8_t* message = packet.data() + layout.l4;
    size_t length = end - layout.l4;
    store_be16(message + packet::icmp::kChecksum, 0);
    uint64_t sum = 0;
    if (from.v6) {
        const uint8_t* outer = packet.data() + layout.l3;
        Ipv6Addr src, dst;
        std::memcpy(src.data(), outer + packet::ipv6::kSrc, 16);
        std::memcpy(dst.data(), outer + packet::ipv6::kDst, 16);
        sum = packet::pseudo_header_sum6(src, dst, protocol::kIcmpv6, static_cast<uint32_t>(length));
    }
    sum = packet::checksum_add(sum, ByteView(message, length));
    store_be16(message + packet::icmp::kChecksum, static_cast<uint16_t>(~packet::checksum_fold(sum)));
}

}  // namespace weft::datapath::conntrack
