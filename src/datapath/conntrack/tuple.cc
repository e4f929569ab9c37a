#include "datapath/conntrack/tuple.h"

#include <cstring>
#include <random>

#include "base/u128.h"
#include "packet/icmp.h"
#include "packet/icmpv6.h"

namespace weft::datapath::conntrack {

namespace {

struct Pair {
    uint8_t request, reply;
};
constexpr Pair kIcmp[] = {{8, 0}, {13, 14}, {15, 16}};
constexpr Pair kIcmpv6[] = {{packet::icmpv6::kEchoRequest, packet::icmpv6::kEchoReply}};

template <size_t N>
std::optional<uint8_t> find(const Pair (&pairs)[N], uint8_t type, bool by_request) {
    for (const Pair& pair : pairs) {
        if ((by_request ? pair.request : pair.reply) == type) return by_request ? pair.reply : pair.request;
    }
    return std::nullopt;
}

struct Secret {
    uint64_t words[6];
    Secret() {
        std::random_device device;
        for (uint64_t& word : words) word = uint64_t{device()} << 32 | device();
    }
};

uint64_t fold(uint64_t a, uint64_t b) {
    U128 product = static_cast<U128>(a) * b;
    return high64(product) ^ low64(product);
}

}  // namespace

std::optional<uint8_t> icmp_reply_type(bool v6, uint8_t type) {
    return v6 ? find(kIcmpv6, type, true) : find(kIcmp, type, true);
}

std::optional<uint8_t> icmp_request_type(bool v6, uint8_t type) {
    return v6 ? find(kIcmpv6, type, false) : find(kIcmp, type, false);
}

bool icmp_is_error(bool v6, uint8_t type) {
    // RFC 792: unreachable, source quench, redirect, time exceeded, parameter problem.  RFC 4443 section 2.1:
    // the types below 128, of which 1 to 4 exist.
    if (v6) return type >= 1 && type <= 4;
    return type == 3 || type == 4 || type == 5 || type == 11 || type == 12;
}

Tuple reversed(const Tuple& tuple) {
    Tuple out = tuple;
    out.src = tuple.dst;
    out.dst = tuple.src;
    if (tuple.is_icmp()) {
        auto type = static_cast<uint8_t>(tuple.dst_port >> 8);
        auto other = icmp_reply_type(tuple.v6, type);
        if (!other) other = icmp_request_type(tuple.v6, type);
        out.dst_port = static_cast<uint16_t>(other.value_or(type) << 8 | (tuple.dst_port & 0xff));
    } else {
        out.src_port = tuple.dst_port;
        out.dst_port = tuple.src_port;
    }
    return out;
}

size_t TupleHash::operator()(const Tuple& tuple) const {
    static const Secret secret;
    uint64_t w[5];
    std::memcpy(w, &tuple, sizeof w);
    const uint64_t* k = secret.words;
    uint64_t h = fold(w[0] ^ k[0], w[1] ^ k[1]);
    h = fold(h ^ w[2], k[2]) ^ fold(w[3] ^ k[3], w[4] ^ k[4]);
    return fold(h ^ k[5], k[2] | 1);
}

ConnectionTuple to_api(const Tuple& tuple) {
    ConnectionTuple out;
    out.v6 = tuple.v6;
    out.src = tuple.src;
    out.dst = tuple.dst;
    out.protocol = tuple.protocol;
    out.src_port = tuple.src_port;
    out.dst_port = tuple.dst_port;
    return out;
}

}  // namespace weft::datapath::conntrack
