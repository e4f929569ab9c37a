#include "packet/lacp.h"

#include <gtest/gtest.h>

namespace weft::packet {
namespace {

LacpPdu example() {
    LacpPdu pdu;
    pdu.actor = {65534, {0xaa, 0x55, 0xaa, 0x55, 0, 0}, 2, 65535, 1, 0x3d};
    pdu.partner = {100, {0, 0x11, 0x22, 0x33, 0x44, 0x55}, 9, 200, 31, 0x05};
    return pdu;
}

std::string hex(ByteView bytes) {
    static constexpr char kDigits[] = "0123456789abcdef";
    std::string out;
    for (uint8_t byte : bytes) out += {kDigits[byte >> 4], kDigits[byte & 15]};
    return out;
}

TEST(Lacp, IsLaidOutAsTheStandardSays) {
    Bytes frame = lacp_frame({0xaa, 0x55, 0xaa, 0x55, 0x01, 0x6c}, example());
    ASSERT_EQ(frame.size(), 124u);
    EXPECT_EQ(hex(ByteView(frame).first(60)),
              "0180c2000002aa55aa55016c8809"
              "0101"
              "0114fffeaa55aa5500000002ffff00013d000000"
              "02140064001122334455000900c8001f05000000"
              "03100000");
    for (uint8_t byte : ByteView(frame).subspan(60)) EXPECT_EQ(byte, 0);
    EXPECT_EQ(LacpPdu::decode(ByteView(frame).subspan(14)), example());
}

TEST(Lacp, TakesHigherVersionsAndLongerUnits) {
    Bytes unit = example().encode();
    unit[1] = 2;
    unit[42] = 9;  // the collector's type
    unit.resize(128, 0xee);
    EXPECT_EQ(LacpPdu::decode(unit), example());
}

TEST(Lacp, RefusesWhatIsMalformed) {
    Bytes good = example().encode();
    for (size_t size = 0; size < LacpPdu::kSize; ++size)
        EXPECT_FALSE(LacpPdu::decode(ByteView(good).first(size))) << size;
    for (size_t at : {0u, 2u, 3u, 22u, 23u}) {  // subtype; type and length of actor and partner
        Bytes bad = good;
        bad[at] ^= 4;
        EXPECT_FALSE(LacpPdu::decode(bad)) << at;
    }
}

TEST(Lacp, NamesStates) {
    EXPECT_EQ(lacp_state_text(0), "");
    EXPECT_EQ(lacp_state_text(0xff),
              "activity timeout aggregation synchronized collecting distributing defaulted expired");
    EXPECT_EQ(lacp_state_text(0x85), "activity aggregation expired");
}

}  // namespace
}  // namespace weft::packet
