// UUIDs (RFC 4122), kept in the byte order of their text form, so that byte order is text order.

#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>

namespace weft {

struct Uuid {
    std::array<uint8_t, 16> bytes{};

    static Uuid random();  // version 4, from the kernel's random numbers
    // Exactly the form xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx, in either case; nothing else.
    static std::optional<Uuid> parse(std::string_view text);

    bool is_zero() const { return *this == Uuid{}; }
    std::string to_string() const;           // lower case
    void append_to(std::string& out) const;  // the same at the end of `out`
    auto operator<=>(const Uuid&) const = default;

    template <typename H>
    friend H AbslHashValue(H h, const Uuid& uuid) {
        uint64_t words[2];
        std::memcpy(words, uuid.bytes.data(), sizeof words);
        return H::combine(std::move(h), words[0], words[1]);
    }
};

}  // namespace weft

template <>
struct std::hash<weft::Uuid> {
    size_t operator()(const weft::Uuid& uuid) const noexcept {
        uint64_t words[2];
        std::memcpy(words, uuid.bytes.data(), sizeof words);
        return words[0] ^ (words[1] * 0x9e3779b97f4a7c15);
    }
};
