#include "packet/cfm.h"

#include <gtest/gtest.h>

namespace weft::packet {
namespace {

Ccm example() {
    Ccm ccm;
    ccm.flags = Ccm::kRdi | 4;
    ccm.sequence = 0x01020304;
    ccm.mpid = 0x1234;
    ccm.maid = ovs_maid();
    return ccm;
}

TEST(Cfm, IsLaidOutAsTheStandardSays) {
    Bytes bytes = example().encode();
    ASSERT_EQ(bytes.size(), Ccm::kSize);
    const Bytes head = {0, 1, 0x84, 70, 1, 2, 3, 4, 0x12, 0x34, 4, 3, 'o', 'v', 's', 2, 3, 'o', 'v', 's'};
    EXPECT_EQ(Bytes(bytes.begin(), bytes.begin() + 20), head);
    for (size_t i = head.size(); i < bytes.size(); ++i) EXPECT_EQ(bytes[i], 0) << i;
    EXPECT_EQ(Ccm::decode(bytes), example());
}

TEST(Cfm, ExtendedMessagesUseTheBytesOfY1731) {
    Ccm ccm = example();
    ccm.mpid = 0;
    ccm.interval_ms = 0x0506;
    ccm.mpid64 = 0x1122334455667788;
    ccm.opdown = 1;
    Bytes bytes = ccm.encode();
    const Bytes tail = {5, 6, 0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0x88, 1, 0, 0, 0, 0, 0, 0};
    EXPECT_EQ(Bytes(bytes.begin() + 58, bytes.end()), tail);
    EXPECT_EQ(Ccm::decode(bytes), ccm);
}

TEST(Cfm, RefusesWhatIsShortOrNoCheck) {
    Bytes good = example().encode();
    EXPECT_TRUE(Ccm::decode(ByteView(good).first(Ccm::kLeastSize)));
    for (size_t size = 0; size < Ccm::kLeastSize; ++size)
        EXPECT_FALSE(Ccm::decode(ByteView(good).first(size))) << size;
    good[1] = 2;  // a loopback reply
    EXPECT_FALSE(Ccm::decode(good));
}

TEST(Cfm, IntervalsHaveCodes) {
    for (uint8_t code = 1; code < 8; ++code) EXPECT_EQ(ccm_interval_code(ccm_interval_ms(code)), code);
    EXPECT_EQ(ccm_interval_ms(0), 0);
    EXPECT_EQ(ccm_interval_ms(8), 0);
    EXPECT_EQ(ccm_interval_code(1), 1);
    EXPECT_EQ(ccm_interval_code(999), 3);
    EXPECT_EQ(ccm_interval_code(1'000'000), 7);
}

}  // namespace
}  // namespace weft::packet
