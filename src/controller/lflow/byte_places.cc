#include "controller/lflow/byte_places.h"

#include <algorithm>
#include <cassert>
#include <cstring>

namespace weft::controller {

namespace {

// Another one for each byte of each value.
uint8_t probe_byte(size_t number, size_t index) {
    return static_cast<uint8_t>(1 + 16 * number + index);
}

}  // namespace

ValueBytes probe_value(const PlacedValue& value, size_t number, bool second) {
    assert(number < kMostPlaced);
    ValueBytes bytes{};
    for (size_t i = 0; i < value.size; ++i) {
        const uint8_t byte = second ? static_cast<uint8_t>(~probe_byte(number, i)) : probe_byte(number, i);
        bytes[i] = byte & value.mask[i];
    }
    return bytes;
}

std::optional<std::vector<BytePlace>> find_places(const std::string& first, const std::string& second,
                                                  const std::vector<PlacedValue>& values) {
    if (first.size() != second.size() || first.size() > UINT16_MAX) return std::nullopt;
    std::vector<BytePlace> places;
    std::vector<size_t> found(values.size());  // bytes of each
    for (size_t at = 0; at < first.size(); ++at) {
        const uint8_t here = static_cast<uint8_t>(first[at]), there = static_cast<uint8_t>(second[at]);
        if (here == there) continue;
        const bool follows = !places.empty() && size_t{places.back().at} + places.back().size == at;
        size_t which = 0;
        for (; which < values.size(); ++which) {
            const size_t index = found[which];
            if (!values[which].sought || index >= values[which].size) continue;
            const uint8_t mask = values[which].mask[index], byte = probe_byte(which, index);
            // One of which few bits count may look like another's: only next to its neighbour is it certain.
            const bool certain = mask == 0xff || (follows && places.back().value == which);
            if (mask && certain && here == (byte & mask) && there == (~byte & mask)) break;
        }
        if (which == values.size()) return std::nullopt;
        const size_t index = found[which]++;
        if (follows && places.back().value == which) {
            ++places.back().size;
        } else {
            places.push_back(
                {static_cast<uint16_t>(at), static_cast<uint8_t>(which), static_cast<uint8_t>(index), 1});
        }
    }
    for (size_t i = 0; i < values.size(); ++i) {
        if (found[i] && found[i] < values[i].size && values[i].mask[found[i]]) return std::nullopt;
    }
    return places;
}

void fill_places(const std::vector<BytePlace>& places, const ValueBytes* values, size_t stride_bytes,
                 std::string& bytes) {
    for (const BytePlace& place : places) {
        const auto* value = reinterpret_cast<const char*>(values) + place.value * stride_bytes;
        std::memcpy(bytes.data() + place.at, value + place.first, place.size);
    }
}

}  // namespace weft::controller
