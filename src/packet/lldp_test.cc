#include "packet/lldp.h"

#include <gtest/gtest.h>

namespace weft::packet {
namespace {

Lldpdu example() {
    Lldpdu unit;
    unit.chassis = {LldpId::kChassisMac, {1, 2, 3, 4, 5, 6}};
    unit.port = {LldpId::kPortInterfaceName, {'p', '1'}};
    unit.ttl_s = 120;
    return unit;
}

// The three that must be there, then what a test adds, then the end.
Bytes mandatory() {
    return {0x02, 7, 4, 1, 2, 3, 4, 5, 6, 0x04, 3, 5, 'p', '1', 0x06, 2, 0, 120};
}

TEST(Lldp, IsLaidOutAsTheStandardSays) {
    Bytes expected = mandatory();
    expected.insert(expected.end(), {0, 0});
    EXPECT_EQ(example().encode(), expected);
    EXPECT_EQ(*Lldpdu::decode(expected), example());
    Bytes frame = lldp_frame({7, 7, 7, 7, 7, 7}, example());
    const Bytes head = {0x01, 0x80, 0xc2, 0, 0, 0x0e, 7, 7, 7, 7, 7, 7, 0x88, 0xcc};
    EXPECT_EQ(Bytes(frame.begin(), frame.begin() + 14), head);
}

TEST(Lldp, OptionalPartsComeBack) {
    Lldpdu unit = example();
    unit.port_description = "uplink";
    unit.system_name = "s";
    unit.system_description = std::string(255, 'd');
    unit.capabilities = Lldpdu::Capabilities{0x14, 0x04};
    unit.element = AutoAttachElement{AutoAttachElement::kServer, 3, 0xabc, {1, 2, 3, 4, 5, 6, 7, 8, 9, 10}};
    unit.element_digest.fill(0x5a);
    unit.assignments = {{AutoAttachAssignment::kActive, 0xfff, 0xffffff}, {1, 2, 3}};
    unit.assignments_digest.fill(0xa5);
    auto back = Lldpdu::decode(unit.encode());
    ASSERT_TRUE(back) << back.message();
    EXPECT_EQ(*back, unit);
}

TEST(Lldp, WhatIsTooLongIsCut) {
    Lldpdu unit = example();
    unit.system_name = std::string(1000, 'n');
    unit.port.value.assign(1000, 'p');
    unit.assignments.resize(1000, {1, 2, 3});
    auto back = Lldpdu::decode(unit.encode());
    ASSERT_TRUE(back) << back.message();
    EXPECT_EQ(back->system_name->size(), 255u);
    EXPECT_EQ(back->port.value.size(), 255u);
    EXPECT_EQ(back->assignments.size(), 94u);
}

TEST(Lldp, RefusesWhatIsNotInOrder) {
    auto refuse = [](Bytes bytes, const char* why) {
        auto unit = Lldpdu::decode(bytes);
        ASSERT_FALSE(unit) << why;
        EXPECT_NE(unit.message().find(why), std::string::npos) << unit.message();
    };
    Bytes good = mandatory();
    good.insert(good.end(), {0, 0});
    for (size_t size = 0; size < 18; ++size) EXPECT_FALSE(Lldpdu::decode(ByteView(good).first(size))) << size;
    EXPECT_TRUE(Lldpdu::decode(ByteView(good).first(18)));  // the end may be missing
    refuse({0x04, 3, 5, 'p', '1'}, "come first");
    refuse({0x02, 1, 4}, "chassis TLV of 1 bytes");
    Bytes bytes = mandatory();
    bytes.insert(bytes.end(), {0x02, 2, 4, 1, 0, 0});
    refuse(bytes, "another TLV of type 1");
    bytes = mandatory();
    bytes.insert(bytes.end(), {0x0a, 9, 'x', 0, 0});
    refuse(bytes, "past the end");
    bytes = mandatory();
    bytes.insert(bytes.end(), {0, 1, 0});
    refuse(bytes, "the last TLV has 1 bytes");
    bytes = mandatory();
    bytes[15] = 1;
    bytes.erase(bytes.begin() + 16);
    refuse(bytes, "time to live");
}

TEST(Lldp, PassesOverWhatItCannotRead) {
    Bytes bytes = mandatory();
    bytes.insert(bytes.end(), {0xfe, 4, 0x00, 0x04, 0x0d, 11});  // an element of no bytes
    bytes.insert(bytes.end(), {0xfe, 2, 0x00, 0x04});            // an organisation cut short
    bytes.insert(bytes.end(), {0x0e, 1, 9});                     // capabilities cut short
    bytes.insert(bytes.end(), {0x0a, 1, 'a', 0x0a, 1, 'b'});     // two names: the first counts
    bytes.insert(bytes.end(), {0x7e, 1, 0, 0, 0});               // a reserved type
    auto unit = Lldpdu::decode(bytes);
    ASSERT_TRUE(unit) << unit.message();
    Lldpdu expected = example();
    expected.system_name = "a";
    expected.unrecognized = 2;  // the organisation and the reserved type
    EXPECT_EQ(*unit, expected);
}

}  // namespace
}  // namespace weft::packet
