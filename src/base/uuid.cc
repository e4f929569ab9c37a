#include "base/uuid.h"

#include <sys/random.h>

#include <cassert>

#include "base/hex.h"

namespace weft {

namespace {

constexpr size_t kTextSize = 36;

// Where the two digits of each byte stand in the text.
constexpr std::array<uint8_t, 16> kPositions = {0, 2, 4, 6, 9, 11, 14, 16, 19, 21, 24, 26, 28, 30, 32, 34};

}  // namespace

Uuid Uuid::random() {
    Uuid uuid;
    [[maybe_unused]] ssize_t n = getrandom(uuid.bytes.data(), uuid.bytes.size(), 0);
    assert(n == static_cast<ssize_t>(uuid.bytes.size()));
    uuid.bytes[6] = static_cast<uint8_t>((uuid.bytes[6] & 0x0f) | 0x40);
    uuid.bytes[8] = static_cast<uint8_t>((uuid.bytes[8] & 0x3f) | 0x80);
    return uuid;
}

std::optional<Uuid> Uuid::parse(std::string_view text) {
    if (text.size() != kTextSize) return std::nullopt;
    for (size_t dash : {8, 13, 18, 23}) {
        if (text[dash] != '-') return std::nullopt;
    }
    Uuid uuid;
    uint8_t wrong = 0;
    for (size_t i = 0; i < uuid.bytes.size(); ++i) {
        const uint8_t high = hex_value(text[kPositions[i]]), low = hex_value(text[kPositions[i] + 1u]);
        wrong |= high | low;
        uuid.bytes[i] = static_cast<uint8_t>(high << 4 | low);
    }
    if (wrong > 0x0f) return std::nullopt;
    return uuid;
}

std::string Uuid::to_string() const {
    std::string text;
    append_to(text);
    return text;
}

void Uuid::append_to(std::string& out) const {
    static constexpr char kHex[] = "0123456789abcdef";
    char text[kTextSize];
    for (size_t dash : {8, 13, 18, 23}) text[dash] = '-';
    for (size_t i = 0; i < bytes.size(); ++i) {
        text[kPositions[i]] = kHex[bytes[i] >> 4];
        text[kPositions[i] + 1u] = kHex[bytes[i] & 15];
    }
    out.append(text, kTextSize);
}

}  // namespace weft
