// Where values stand in bytes that were encoded from them, found by encoding twice.
//
// What encodes is asked for the bytes with values of our own that differ in every bit that counts between the
// two times, and in every byte from each other: the bytes that differ are the values' places.

#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace weft::controller {

// A value of up to 16 bytes, in network order, from the front.
using ValueBytes = std::array<uint8_t, 16>;

struct PlacedValue {
    uint8_t size = 0;
    ValueBytes mask{};  // the bits that count
    bool sought = true;
};
inline constexpr size_t kMostPlaced = 15;

// What value number `number` of these is to be, the first and the second time.
ValueBytes probe_value(const PlacedValue& value, size_t number, bool second);

struct BytePlace {
    uint16_t at;  // in the bytes
    uint8_t value, first, size;
};
// Nothing if something else differs, or if one of the values sought is there only in part.  One that is not
// there at all, or several times, is for the caller to see.
std::optional<std::vector<BytePlace>> find_places(const std::string& first, const std::string& second,
                                                  const std::vector<PlacedValue>& values);
// Puts values in their places.
void fill_places(const std::vector<BytePlace>& places, const ValueBytes* values, size_t stride_bytes,
                 std::string& bytes);

}  // namespace weft::controller
