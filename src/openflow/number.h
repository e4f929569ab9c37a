// Fields as numbers: big-endian strings of up to 8 bytes, and runs of words of the flow key.  Internal to
// openflow/.

#pragma once

#include <cstdint>

#include "base/bytes.h"
#include "openflow/match.h"

namespace weft::openflow {

inline uint64_t load_number(const uint8_t* p, unsigned width) {
    switch (width) {
        case 1:
            return p[0];
        case 2:
            return load_be16(p);
        case 4:
            return load_be32(p);
        case 8:
            return load_be64(p);
        default:
            uint64_t value = 0;
            for (unsigned i = 0; i < width; i++) value = value << 8 | p[i];
            return value;
    }
}
inline void store_number(uint8_t* p, unsigned width, uint64_t value) {
    switch (width) {
        case 1:
            p[0] = static_cast<uint8_t>(value);
            return;
        case 2:
            return store_be16(p, static_cast<uint16_t>(value));
        case 4:
            return store_be32(p, static_cast<uint32_t>(value));
        case 8:
            return store_be64(p, value);
        default:
            for (unsigned i = width; i-- > 0; value >>= 8) p[i] = static_cast<uint8_t>(value);
    }
}
inline uint64_t low_bits(unsigned bits) {
    return bits >= 64 ? ~0ull : (1ull << bits) - 1;
}
// How many bits of the flow key the field spans: vlan_vid's thirteenth says that there is a tag.
inline unsigned span_of(const Field& f) {
    return f.id == FieldId::kVlanVid ? 13 : f.bits;
}
// True if the field's value is a number in the sense of this file.
inline bool is_number(const Field& f) {
    return f.width <= 8 && f.bytes <= 8 && !f.is_tun_metadata();
}

// Match::set() of a field that is a number.
void set_number(Match& match, const Field& field, uint64_t value, uint64_t mask);

// True if any bit is set in the bytes [from, to) of the key, rounded outwards to whole words: most matches
// look at few parts of it.
inline bool any_bit(const packet::Flow& mask, size_t from, size_t to) {
    const uint64_t* words = packet::words(mask);
    uint64_t any = 0;
    for (size_t i = from / 8; i < (to + 7) / 8; i++) any |= words[i];
    return any != 0;
}

}  // namespace weft::openflow
