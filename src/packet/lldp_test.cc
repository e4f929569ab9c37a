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

// Elements of Auto Attach that say less than they must are passed over, whatever is behind them (the class of
// CVE-2022-4338: lengths that go below zero).
TEST(Lldp, ElementsOfAutoAttachOfEveryLength) {
    for (uint8_t subtype : {11, 12}) {
        for (size_t size = 0; size < 80; ++size) {
            for (uint8_t fill : {0x00, 0x01, 0xff}) {
                Bytes bytes = mandatory();
                bytes.push_back(0xfe);
                bytes.push_back(static_cast<uint8_t>(4 + size));
                for (uint8_t byte : {0x00, 0x04, 0x0d, int{subtype}}) bytes.push_back(byte);
                bytes.insert(bytes.end(), size, fill);
                bytes.insert(bytes.end(), {0x0a, 1, 'a', 0, 0});
                auto unit = Lldpdu::decode(bytes);
                ASSERT_TRUE(unit) << unit.message();
                EXPECT_EQ(unit->system_name, "a") << size;
                EXPECT_LE(unit->assignments.size(), size / 5) << size;
                // And if the packet ends in its midst.
                EXPECT_FALSE(Lldpdu::decode(ByteView(bytes).first(bytes.size() - 6)).ok() && size > 0)
                    << size;
            }
        }
    }
}

// Parts that come again and again leave nothing behind: the first one counts, and what was taken of the
// others is given back, which the address sanitizer sees (the class of CVE-2020-27827).
TEST(Lldp, PartsThatComeAgain) {
    Bytes bytes = mandatory();
    for (int i = 0; i < 40; ++i) {
        bytes.insert(bytes.end(),
                     {0x08, 3, 'p', 'o', static_cast<uint8_t>('a' + i % 26)});  // port description
        bytes.insert(bytes.end(), {0x0a, 3, 's', 'n', static_cast<uint8_t>('a' + i % 26)});  // system name
        bytes.insert(bytes.end(), {0x0c, 3, 's', 'd', static_cast<uint8_t>('a' + i % 26)});  // description
        bytes.insert(bytes.end(),
                     {0x10, 12, 5, 1, 10, 0, 0, static_cast<uint8_t>(i), 2, 0, 0, 0, 1, 0});  // address
    }
    for (int again = 0; again < 100; ++again) {
        auto unit = Lldpdu::decode(bytes);
        ASSERT_TRUE(unit) << unit.message();
        EXPECT_EQ(unit->system_name, "sna");
        auto cut = Lldpdu::decode(ByteView(bytes).first(bytes.size() - 5));  // in the midst of the last one
        EXPECT_FALSE(cut.ok());
    }
}

}  // namespace
}  // namespace weft::packet
