// Integers kept in network byte order: they read and write as plain integers, and the bytes in memory are
// those of the wire.
//
// Structs made of them can be copied to and from packets, masked byte by byte, and compared without
// converting.

#pragma once

#include <bit>
#include <compare>
#include <cstdint>

namespace weft {

namespace detail {
constexpr uint16_t swap_bytes(uint16_t v) {
    return __builtin_bswap16(v);
}
constexpr uint32_t swap_bytes(uint32_t v) {
    return __builtin_bswap32(v);
}
constexpr uint64_t swap_bytes(uint64_t v) {
    return __builtin_bswap64(v);
}
template <typename T>
constexpr T to_big_endian(T v) {
    return std::endian::native == std::endian::big ? v : swap_bytes(v);
}
}  // namespace detail

template <typename T>
class BigEndian {
  public:
    constexpr BigEndian() = default;
    constexpr BigEndian(T value) : raw_(detail::to_big_endian(value)) {}  // NOLINT: implicit by design

    constexpr operator T() const { return detail::to_big_endian(raw_); }  // NOLINT
    constexpr T get() const { return detail::to_big_endian(raw_); }
    constexpr T raw() const { return raw_; }  // the bytes, as the machine sees them
    static constexpr BigEndian from_raw(T raw) {
        BigEndian v;
        v.raw_ = raw;
        return v;
    }
    constexpr BigEndian& operator|=(T v) { return *this = static_cast<T>(get() | v); }
    constexpr BigEndian& operator&=(T v) { return *this = static_cast<T>(get() & v); }

  private:
    T raw_ = 0;
};

using Be16 = BigEndian<uint16_t>;
using Be32 = BigEndian<uint32_t>;
using Be64 = BigEndian<uint64_t>;

}  // namespace weft
