#include "packet/bpdu.h"

#include <gtest/gtest.h>

namespace weft::packet {
namespace {

constexpr EthAddr kSource = {0xaa, 0x55, 0xaa, 0x55, 0x00, 0x0f};

std::string hex(ByteView bytes) {
    std::string out;
    for (uint8_t byte : bytes) {
        out += "0123456789abcdef"[byte >> 4];
        out += "0123456789abcdef"[byte & 15];
    }
    return out;
}

Bpdu configuration() {
    Bpdu bpdu;
    bpdu.flags = Bpdu::kTopologyChangeFlag;
    bpdu.root = bridge_id(0x1000, {2, 0, 0, 0, 0, 0x99});
    bpdu.root_path_cost = 2;
    bpdu.bridge = bridge_id(0x8000, {0xaa, 0x55, 0xaa, 0x55, 0, 0});
    bpdu.port = 0x8013;
    bpdu.message_age = 1;
    bpdu.max_age = 20 * 256;
    bpdu.hello_time = 2 * 256;
    bpdu.forward_delay = 15 * 256;
    return bpdu;
}

TEST(Bpdu, OnTheWire) {
    Bpdu bpdu = configuration();
    EXPECT_EQ(hex(bpdu.frame(kSource).view()),
              "0180c2000000aa55aa55000f0026424203000000000110000200000000990000000280"
              "00aa55aa55000080130001140002000f00");
    Bpdu rst = bpdu;
    rst.type = Bpdu::Type::kRst;
    rst.version = 2;
    rst.flags = 0x3e;
    EXPECT_EQ(hex(rst.frame(kSource).view()),
              "0180c2000000aa55aa55000f0027424203000002023e10000200000000990000000280"
              "00aa55aa55000080130001140002000f0000");
    EXPECT_EQ(rst.role(), Bpdu::Role::kDesignated);
    Bpdu change;
    change.type = Bpdu::Type::kTopologyChange;
    EXPECT_EQ(hex(change.frame(kSource).view()), "0180c2000000aa55aa55000f000742420300000080");
    for (const Bpdu& each : {bpdu, rst, change}) {
        Packet frame = each.frame(kSource);
        frame.append_zeros(20);  // padding
        auto read = Bpdu::decode_frame(frame.view());
        ASSERT_TRUE(read) << read.message();
        EXPECT_EQ(*read, each);
    }
    EXPECT_EQ(bridge_priority(bpdu.root), 0x1000);
    EXPECT_EQ(bridge_address(bpdu.root), (EthAddr{2, 0, 0, 0, 0, 0x99}));
}

TEST(Bpdu, InvalidOnesAreRefused) {
    Packet frame = configuration().frame(kSource);
    for (size_t size = 0; size < frame.size(); ++size)
        EXPECT_FALSE(Bpdu::decode_frame(frame.view().first(size))) << size;
    auto with = [&](size_t at, uint8_t value) {
        Bytes bytes(frame.view().begin(), frame.view().end());
        bytes[at] = value;
        return Bpdu::decode_frame(bytes);
    };
    EXPECT_FALSE(with(13, 0x27)) << "longer than the frame";
    EXPECT_FALSE(with(13, 0x25)) << "cut by its length";
    EXPECT_FALSE(with(12, 0x08)) << "a type, not a length";
    EXPECT_FALSE(with(14, 0xaa)) << "another LLC";
    EXPECT_FALSE(with(17, 1)) << "another protocol";
    EXPECT_FALSE(with(20, 0x03)) << "unknown type";
    EXPECT_FALSE(with(20, 0x02)) << "RST of version 0";
    EXPECT_TRUE(with(19, 3)) << "later versions carry the same fields";
}

}  // namespace
}  // namespace weft::packet
