// 128-bit unsigned integers: wide enough for every field of a packet (IPv6 addresses, connection labels).

#pragma once

#include <cstdint>

namespace weft {

__extension__ typedef unsigned __int128 U128;

inline constexpr U128 make_u128(uint64_t high, uint64_t low) {
    return static_cast<U128>(high) << 64 | low;
}
// The low `bits` bits set; `bits` is 0…128.
inline constexpr U128 low_bits(unsigned bits) {
    return bits >= 128 ? ~static_cast<U128>(0) : (static_cast<U128>(1) << bits) - 1;
}
inline constexpr uint64_t high64(U128 v) {
    return static_cast<uint64_t>(v >> 64);
}
inline constexpr uint64_t low64(U128 v) {
    return static_cast<uint64_t>(v);
}
inline constexpr unsigned trailing_zeros(U128 v) {
    if (low64(v)) return static_cast<unsigned>(__builtin_ctzll(low64(v)));
    return high64(v) ? 64 + static_cast<unsigned>(__builtin_ctzll(high64(v))) : 128;
}
// The number of bits up to and including the highest one that is set.
inline constexpr unsigned bit_length(U128 v) {
    if (high64(v)) return 128 - static_cast<unsigned>(__builtin_clzll(high64(v)));
    return low64(v) ? 64 - static_cast<unsigned>(__builtin_clzll(low64(v))) : 0;
}

}  // namespace weft
