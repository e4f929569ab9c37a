#include "controller/responders/dhcpv4.h"

#include <gtest/gtest.h>

#include <map>

namespace weft::controller::dhcpv4 {
namespace {

constexpr size_t kFixed = 236;

struct Sent {
    uint8_t type = 1;
    Bytes options;
    uint8_t op = 1;
    uint16_t flags = 0;
    uint32_t ciaddr = 0;
};

Bytes message(const Sent& sent) {
    ByteWriter out;
    out.u8(sent.op);
    out.u8(1);
    out.u8(6);
    out.u8(0);
    out.u32(0x11223344);
    out.u16(0);
    out.u16(sent.flags);
    out.u32(sent.ciaddr);
    out.zeros(kFixed - out.size());
    out.u32(0x63825363);
    out.u8(53);
    out.u8(1);
    out.u8(sent.type);
    out.bytes(sent.options);
    out.u8(255);
    return out.take();
}

// offerip = 10.0.0.11, lease_time = 3600, netmask = /24, server_id = 10.0.0.1, T1, mtu.
const Bytes kParameters = {10, 0, 0,  11, 51, 4, 0,  0, 0x0e, 0x10, 1, 4,   255, 255, 255,  0,
                           54, 4, 10, 0,  0,  1, 58, 4, 0,    0,    0, 100, 26,  2,   0x05, 0x78};

// The options of an answer, by code.
std::map<int, Bytes> options_of(ByteView message, size_t at = 240) {
    std::map<int, Bytes> found;
    ByteReader in(message.subspan(at));
    while (!in.empty()) {
        uint8_t code = in.u8();
        if (code == 255) break;
        if (code == 0) continue;
        ByteView value = in.bytes(in.u8());
        EXPECT_TRUE(in.ok());
        found[code] = Bytes(value.begin(), value.end());
    }
    return found;
}

TEST(Dhcpv4, AnswersByType) {
    struct Case {
        const char* name;
        Sent sent;
        std::optional<MessageType> want;
    };
    const Bytes own = {50, 4, 10, 0, 0, 11}, other = {50, 4, 10, 0, 0, 99};
    const Case cases[] = {
        {"discover", {.type = 1}, MessageType::kOffer},
        {"request, own address", {.type = 3, .options = own}, MessageType::kAck},
        {"request, another address", {.type = 3, .options = other}, MessageType::kNak},
        {"request, no address", {.type = 3}, MessageType::kNak},
        {"renew", {.type = 3, .ciaddr = 0x0a00000b}, MessageType::kAck},
        {"renew of another address", {.type = 3, .ciaddr = 0x0a00004d}, MessageType::kNak},
        {"option 50 counts before ciaddr",
         {.type = 3, .options = own, .ciaddr = 0x0a00004d},
         MessageType::kAck},
        {"option 50 of a wrong size", {.type = 3, .options = {50, 3, 10, 0, 0}}, MessageType::kNak},
        {"inform", {.type = 8}, MessageType::kAck},
        {"decline", {.type = 4, .options = own}, std::nullopt},
        {"release", {.type = 7, .ciaddr = 0x0a00000b}, std::nullopt},
        {"an answer", {.type = 2}, std::nullopt},
        {"no request", {.op = 2}, std::nullopt},
        {"type 0", {.type = 0}, std::nullopt},
        {"type 9", {.type = 9}, std::nullopt},
    };
    for (const Case& c : cases) {
        std::optional<Answer> got = answer(message(c.sent), kParameters);
        ASSERT_EQ(got.has_value(), c.want.has_value()) << c.name;
        if (!got) continue;
        EXPECT_EQ(got->type, *c.want) << c.name;
        auto options = options_of(got->message);
        EXPECT_EQ(options[53], Bytes{static_cast<uint8_t>(*c.want)}) << c.name;
        EXPECT_EQ(options[54], (Bytes{10, 0, 0, 1})) << c.name;
        bool lease = *c.want != MessageType::kNak && c.sent.type != 8;
        EXPECT_EQ(options.contains(51), lease) << c.name;
        EXPECT_EQ(options.contains(1), lease) << c.name;
        EXPECT_EQ(options.contains(58), lease) << c.name;
        EXPECT_EQ(load_be32(&got->message[16]), lease ? 0x0a00000b : 0) << c.name;
        EXPECT_EQ(load_be32(&got->message[4]), 0x11223344u) << c.name;
    }
}

TEST(Dhcpv4, TheBroadcastFlagIsOneBit) {
    for (uint16_t flags : {0x0000, 0x7fff, 0x8000, 0xffff}) {
        auto got = answer(message({.flags = flags}), kParameters);
        ASSERT_TRUE(got);
        EXPECT_EQ(got->broadcast, flags >= 0x8000);
        EXPECT_EQ(load_be16(&got->message[10]), flags);
    }
}

TEST(Dhcpv4, ChoosesTheBootFile) {
    const Bytes parameters = {10,  0, 0,  11, 67, 2, 'b', 'f', 254, 2, 'a', 'f',
                              253, 4, 10, 0,  0,  9, 54,  4,   10,  0, 0,   1};
    auto first = answer(message({}), parameters);
    ASSERT_TRUE(first);
    EXPECT_EQ(options_of(first->message)[67], (Bytes{'a', 'f'}));
    EXPECT_EQ(load_be32(&first->message[20]), 0x0a000009u);
    auto ipxe = answer(message({.options = {175, 1, 1}}), parameters);
    ASSERT_TRUE(ipxe);
    EXPECT_EQ(options_of(ipxe->message)[67], (Bytes{'b', 'f'}));
    EXPECT_FALSE(options_of(ipxe->message).contains(254));
}

TEST(Dhcpv4, KeepsToTheMaximalSize) {
    Bytes parameters = {10, 0, 0, 11, 54, 4, 10, 0, 0, 1};
    for (uint8_t code : {12, 15, 17, 18, 40}) {
        parameters.push_back(code);
        parameters.push_back(100);
        parameters.insert(parameters.end(), 100, code);
    }
    auto whole = answer(message({}), parameters);
    ASSERT_TRUE(whole);
    EXPECT_EQ(options_of(whole->message).size(), 7u);
    auto limited = answer(message({.options = {57, 2, 0x02, 0x40}}), parameters);  // 576
    ASSERT_TRUE(limited);
    EXPECT_LE(limited->message.size(), 576u - 28);
    auto options = options_of(limited->message);
    ASSERT_TRUE(options.contains(52));
    EXPECT_EQ(options[52], Bytes{3});
    auto file = options_of(limited->message, 108);
    EXPECT_EQ(file.size(), 1u);
    // What the client says below the least that all take does not count.
    auto tiny = answer(message({.options = {57, 2, 0x00, 0x40}}), parameters);
    EXPECT_EQ(tiny->message, whole->message);
}

TEST(Dhcpv4, ReadsOverloadedRequests) {
    Bytes bytes = message({.type = 3, .options = {52, 1, 1}});
    const Bytes own = {50, 4, 10, 0, 0, 11, 255};
    std::copy(own.begin(), own.end(), bytes.begin() + 108);
    auto got = answer(bytes, kParameters);
    ASSERT_TRUE(got);
    EXPECT_EQ(got->type, MessageType::kAck);
    EXPECT_EQ(got->message[108], 0);
}

TEST(Dhcpv4, RefusesWhatIsCut) {
    Bytes bytes = message({});
    for (size_t size = 0; size < bytes.size(); ++size) {
        bool has_type = size >= 243;
        EXPECT_EQ(answer(ByteView(bytes).first(size), kParameters).has_value(), has_type) << size;
    }
    for (size_t size = 0; size < 4; ++size) EXPECT_FALSE(answer(bytes, ByteView(kParameters).first(size)));
}

}  // namespace
}  // namespace weft::controller::dhcpv4
