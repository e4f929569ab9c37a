// The Internet checksum (RFC 1071) whole and incremental (RFC 1624), and SCTP's CRC32c (RFC 9260 appendix A).
//
// Sums are one's complement sums of big-endian 16-bit words, not yet complemented; a checksum field is
// fold() of a sum, complemented.  Values are in host order.

#pragma once

#include <cstdint>

#include "base/bytes.h"
#include "packet/flow.h"

namespace weft::packet {

// Adds `bytes` (an odd last byte is padded with zero) to a running sum.
uint64_t checksum_add(uint64_t sum, ByteView bytes);
constexpr uint16_t checksum_fold(uint64_t sum) {
    while (sum >> 16) sum = (sum & 0xffff) + (sum >> 16);
    return static_cast<uint16_t>(sum);
}
inline uint16_t checksum(ByteView bytes) {
    return static_cast<uint16_t>(~checksum_fold(checksum_add(0, bytes)));
}

// The pseudo headers (RFC 9293 section 3.1, RFC 8200 section 8.1) as sums; `length` of transport header and
// payload.
uint64_t pseudo_header_sum(const uint8_t* ipv4_header, uint8_t protocol, uint32_t length);
uint64_t pseudo_header_sum6(const Ipv6Addr& src, const Ipv6Addr& dst, uint8_t protocol, uint32_t length);

// The checksum after a covered word changed.
constexpr uint16_t checksum_update(uint16_t check, uint16_t before, uint16_t after) {
    return static_cast<uint16_t>(
        ~checksum_fold(uint64_t{static_cast<uint16_t>(~check)} + static_cast<uint16_t>(~before) + after));
}
constexpr uint16_t checksum_update32(uint16_t check, uint32_t before, uint32_t after) {
    check = checksum_update(check, static_cast<uint16_t>(before >> 16), static_cast<uint16_t>(after >> 16));
    return checksum_update(check, static_cast<uint16_t>(before), static_cast<uint16_t>(after));
}

uint32_t crc32c(ByteView bytes);  // as a number whose little-endian bytes are those of the field

}  // namespace weft::packet
