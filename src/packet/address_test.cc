#include "packet/address.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>

#include <random>
#include <string>

#include "base/bytes.h"

namespace weft::packet {
namespace {

std::optional<uint32_t> by_the_library(const std::string& text) {
    uint8_t bytes[4];
    if (text.find('\0') != text.npos || inet_pton(AF_INET, text.c_str(), bytes) != 1) return std::nullopt;
    return load_be32(bytes);
}

TEST(Address, Ipv4IsReadAsByTheLibrary) {
    EXPECT_EQ(parse_ipv4("255.254.0.1"), 0xfffe0001u);
    for (const char* text : {"", ".", "1", "1.2.3", "1.2.3.", "1.2.3.4.", "1.2.3.4.5", "1..3.4", "01.2.3.4",
                             "1.2.3.00", "256.1.1.1", "1.2.3.0004", "1.2.3.4 ", " 1.2.3.4", "1.2.3.-4",
                             "0.0.0.0", "1.2.3.999999999999", "0x1.2.3.4"}) {
        EXPECT_EQ(parse_ipv4(text), by_the_library(text)) << text;
    }
    std::mt19937 random(1);
    const std::string alphabet = "0011223456789....";
    for (int i = 0; i < 200000; ++i) {
        std::string text;
        if (random() % 2) {
            for (int part = 0; part < 4; ++part)
                text += (part ? "." : "") + std::to_string(random() % (random() % 2 ? 256 : 300));
            if (random() % 2) text[random() % text.size()] = alphabet[random() % alphabet.size()];
        } else {
            for (size_t n = random() % 17; n; --n) text += alphabet[random() % alphabet.size()];
        }
        ASSERT_EQ(parse_ipv4(text), by_the_library(text)) << text;
    }
}

}  // namespace
}  // namespace weft::packet
