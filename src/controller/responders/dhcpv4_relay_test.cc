#include "controller/responders/dhcpv4_relay.h"

#include <gtest/gtest.h>

namespace weft::controller::dhcpv4 {
namespace {

constexpr Relay kRelay{0x0a000001, 0x0a090909};

struct Sent {
    uint8_t op = 1;
    uint8_t hops = 0;
    uint16_t flags = 0;
    uint32_t yiaddr = 0, giaddr = 0;
    Bytes options = {};
    uint8_t hlen = 6;
};

Bytes message(const Sent& sent) {
    ByteWriter out;
    out.bytes(Bytes{sent.op, 1, sent.hlen, sent.hops});
    out.u32(0x11223344);
    out.u16(7);
    out.u16(sent.flags);
    out.u32(0);
    out.u32(sent.yiaddr);
    out.u32(0);
    out.u32(sent.giaddr);
    out.bytes(Bytes{2, 0, 0, 0, 0, 9});
    out.zeros(236 - out.size());
    out.u32(0x63825363);
    out.bytes(sent.options);
    out.u8(255);
    return out.take();
}

const Bytes kOurServer = {53, 1, 2, 0, 54, 4, 10, 9, 9, 9};

TEST(Dhcpv4Relay, RequestsGetOurAddress) {
    std::optional<Bytes> relayed = relay_request(message({.hops = 3}), kRelay);
    ASSERT_TRUE(relayed);
    EXPECT_EQ(*relayed, message({.hops = 4, .giaddr = kRelay.giaddr}));
}

TEST(Dhcpv4Relay, WhatIsNotRelayed) {
    Bytes bad_cookie = message({});
    bad_cookie[236] = 0;
    Bytes cut = message({});
    cut.resize(239);
    const std::pair<const char*, Bytes> requests[] = {
        {"of another relay", message({.giaddr = 0x0a000002})},
        {"went round", message({.hops = 16})},
        {"an answer", message({.op = 2})},
        {"no Ethernet address", message({.hlen = 16})},
        {"no cookie", bad_cookie},
        {"cut", cut},
        {"nothing", {}},
    };
    for (const auto& [name, bytes] : requests) EXPECT_FALSE(relay_request(bytes, kRelay)) << name;
    const std::pair<const char*, Bytes> answers[] = {
        {"to another relay", message({.op = 2, .giaddr = 0x0a000002, .options = kOurServer})},
        {"of another server", message({.op = 2, .giaddr = kRelay.giaddr, .options = {54, 4, 10, 9, 9, 8}})},
        {"of no server", message({.op = 2, .giaddr = kRelay.giaddr})},
        {"options are cut", message({.op = 2, .giaddr = kRelay.giaddr, .options = {54, 40, 10}})},
        {"a request", message({.op = 1, .giaddr = kRelay.giaddr, .options = kOurServer})},
    };
    for (const auto& [name, bytes] : answers) EXPECT_FALSE(relay_answer(bytes, kRelay)) << name;
}

TEST(Dhcpv4Relay, AnswersGoToTheClient) {
    struct Case {
        uint16_t flags;
        uint32_t yiaddr, want;
    };
    for (const Case& c :
         {Case{0, 0x0a00000b, 0x0a00000b}, Case{0x8000, 0x0a00000b, 0xffffffff}, Case{0, 0, 0xffffffff}}) {
        std::optional<RelayedAnswer> answer = relay_answer(message({.op = 2,
                                                                    .flags = c.flags,
                                                                    .yiaddr = c.yiaddr,
                                                                    .giaddr = kRelay.giaddr,
                                                                    .options = kOurServer}),
                                                           kRelay);
        ASSERT_TRUE(answer);
        EXPECT_EQ(answer->address, c.want);
        EXPECT_EQ(answer->client, (packet::EthAddr{2, 0, 0, 0, 0, 9}));
    }
}

TEST(Dhcpv4Relay, Parameters) {
    std::optional<Relay> relay = read_relay(Bytes{10, 0, 0, 1, 10, 9, 9, 9});
    ASSERT_TRUE(relay);
    EXPECT_EQ(relay->giaddr, kRelay.giaddr);
    EXPECT_EQ(relay->server, kRelay.server);
    EXPECT_FALSE(read_relay(Bytes{10, 0, 0, 1, 10, 9, 9}));
}

}  // namespace
}  // namespace weft::controller::dhcpv4
