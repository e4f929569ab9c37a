#include "cli/captures/pcap.h"

#include <gtest/gtest.h>

#include <sstream>

namespace weft::cli {
namespace {

// A file of one packet, 01 02 03, whose numbers are written by `put`.
template <typename Put>
std::string file(uint32_t magic, Put put, uint32_t length = 3) {
    std::string out;
    for (uint32_t word : {magic, 0x00020004u, 0u, 0u, 65535u, 1u, 7u, 8u, length, 99u}) put(out, word);
    return out + std::string("\1\2\3", 3);
}
void big(std::string& out, uint32_t word) {
    for (int shift = 24; shift >= 0; shift -= 8) out += static_cast<char>(word >> shift);
}
void little(std::string& out, uint32_t word) {
    for (int shift = 0; shift < 32; shift += 8) out += static_cast<char>(word >> shift);
}

// The packets as digits, and what was wrong in the end.
std::string read(const std::string& text) {
    std::istringstream in(text);
    auto reader = PcapReader::open(in);
    if (!reader) return reader.message();
    std::string out;
    for (;;) {
        auto packet = reader->next();
        if (!packet) return out + packet.message();
        if (!*packet) return out;
        out += hex_digits(**packet) + "\n";
    }
}

TEST(Pcap, EitherByteOrderAndUnit) {
    EXPECT_EQ(read(file(0xa1b2c3d4, big)), "010203\n");
    EXPECT_EQ(read(file(0xa1b2c3d4, little)), "010203\n");
    EXPECT_EQ(read(file(0xa1b23c4d, big)), "010203\n");
    EXPECT_EQ(read(file(0xa1b23c4d, little)), "010203\n");
}

TEST(Pcap, SaysWhereItIsDamaged) {
    std::string good = file(0xa1b2c3d4, little);
    for (size_t size = 0; size < 24; ++size)
        EXPECT_EQ(read(good.substr(0, size)), "end of file in its header");
    EXPECT_EQ(read(good.substr(0, 24)), "");
    for (size_t size = 25; size < 40; ++size)
        EXPECT_EQ(read(good.substr(0, size)), "end of file in a packet's header");
    for (size_t size = 40; size < 43; ++size)
        EXPECT_EQ(read(good.substr(0, size)), "end of file in a packet");
    EXPECT_NE(read(file(0x0a0d0d0a, big)).find("bad magic"), std::string::npos);
    EXPECT_NE(read(file(0xa1b2c3d4, big, 262145)).find("a packet of 262145 bytes"), std::string::npos);
}

TEST(Tcpdump, JoinsTheLinesOfAPacket) {
    std::istringstream in(
        "reading from file\n"
        "10:00:00.0 IP 1.1.1.1 > 2.2.2.2: ICMP\n"
        "\t0x0000:  0102 0304 0506 0708 090a 0b0c 0d0e 0f10  ................\n"
        "\t0x0010:  1112 13                                  ...\n"
        "10:00:01.0 another\n"
        "\t0x0000:  abcd ef01\n"
        "\t0x0000:  2223  ab cd\n"
        "\t0x10000000000000000:  33\n");  // further than any number tells
    TcpdumpReader reader(in);
    EXPECT_EQ(reader.next(), "0102030405060708090a0b0c0d0e0f10111213");
    EXPECT_EQ(reader.next(), "abcdef01");
    EXPECT_EQ(reader.next(), "2223");
    EXPECT_EQ(reader.next(), std::nullopt);
}

}  // namespace
}  // namespace weft::cli
