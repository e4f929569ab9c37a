#include "packet/checksum.h"

#include <bit>
#include <cstring>

#include "packet/ipv4.h"

namespace weft::packet {

uint64_t checksum_add(uint64_t sum, ByteView bytes) {
    // Summed in the machine's order, eight bytes at a time; one's complement sums may be swapped afterwards
    // (RFC 1071 section 2 (B)).
    const uint8_t* p = bytes.data();
    size_t left = bytes.size();
    uint64_t wide = 0;
    while (left >= 8) {
        uint64_t word;
        std::memcpy(&word, p, 8);
        wide += word;
        wide += wide < word;
        p += 8;
        left -= 8;
    }
    uint64_t narrow = (wide >> 32) + (wide & 0xffffffff);
    while (left >= 2) {
        uint16_t word;
        std::memcpy(&word, p, 2);
        narrow += word;
        p += 2;
        left -= 2;
    }
    if (left) {
        uint8_t last[2] = {*p, 0};
        uint16_t word;
        std::memcpy(&word, last, 2);
        narrow += word;
    }
    uint16_t folded = checksum_fold(narrow);
    if constexpr (std::endian::native == std::endian::little) folded = __builtin_bswap16(folded);
    return sum + folded;
}

uint64_t pseudo_header_sum(const uint8_t* header, uint8_t protocol, uint32_t length) {
    return checksum_add(0, ByteView(header + ipv4::kSrc, 8)) + protocol + (length >> 16) + (length & 0xffff);
}

uint64_t pseudo_header_sum6(const Ipv6Addr& src, const Ipv6Addr& dst, uint8_t protocol, uint32_t length) {
    return checksum_add(checksum_add(0, src), dst) + protocol + (length >> 16) + (length & 0xffff);
}

namespace {

struct Crc32cTable {
    uint32_t entry[256];
    constexpr Crc32cTable() : entry() {
        for (uint32_t i = 0; i < 256; i++) {
            uint32_t crc = i;
            for (int bit = 0; bit < 8; bit++) crc = crc & 1 ? crc >> 1 ^ 0x82f63b78 : crc >> 1;
            entry[i] = crc;
        }
    }
};
constexpr Crc32cTable kCrc32c;

}  // namespace

uint32_t crc32c(ByteView bytes) {
    uint32_t crc = 0xffffffff;
    for (uint8_t byte : bytes) crc = kCrc32c.entry[(crc ^ byte) & 0xff] ^ crc >> 8;
    return ~crc;
}

}  // namespace weft::packet
