#include "cli/trace/port_security.h"

#include <gtest/gtest.h>

#include "cli/trace/test_network.h"
#include "packet/compose.h"
#include "packet/extract.h"

namespace weft::cli::trace {
namespace {

constexpr packet::EthAddr kOwn{2, 0, 0, 0, 0, 1}, kOther{2, 0, 0, 0, 0, 2};
constexpr uint32_t kIp = 0x0a000001, kOtherIp = 0x0a000002;

// A port with this port_security, "" for none: may it send, and be sent, the packet?
struct Secured : TestNetwork {
    const Datapath* sw;
    explicit Secured(const std::string& text) {
        Uuid uuid = datapath("sw", 1);
        schema::sb::PortBinding& row = port(uuid, "p1", 1);
        if (!text.empty()) row.port_security.insert(text);
        sw = network().find_datapath("sw");
    }
    bool sends(packet::Flow flow) {
        flow.regs[14] = 1;
        return may_send(*sw, flow);
    }
    bool gets(packet::Flow flow) {
        flow.regs[15] = 1;
        return may_receive(*sw, flow);
    }
};

packet::Flow flow_of(const packet::Packet& packet) {
    packet::Flow flow = packet::zero_flow();
    packet::extract(packet.view(), flow);
    return flow;
}

packet::Flow udp(packet::EthAddr src, uint32_t ip, uint16_t sport = 5, uint16_t dport = 6,
                 uint32_t dst = 0x0a000009, packet::EthAddr eth_dst = kOther) {
    packet::IpEndpoints ends;
    ends.eth_src = src;
    ends.eth_dst = eth_dst;
    ends.src = ip;
    ends.dst = dst;
    return flow_of(packet::compose_udp(ends, sport, dport, {}));
}

packet::Flow arp(packet::EthAddr src, packet::EthAddr sha, uint32_t spa) {
    return flow_of(packet::compose_arp(1, src, kOther, sha, spa, {}, 0x0a000009));
}

TEST(TracePortSecurity, WhoMaySend) {
    Secured open(""), mac("02:00:00:00:00:01"), ip("02:00:00:00:00:01 10.0.0.1"),
        net("02:00:00:00:00:01 10.0.0.0/24");
    EXPECT_TRUE(open.sends(udp(kOther, kOtherIp)));
    EXPECT_TRUE(mac.sends(udp(kOwn, kOtherIp)));
    EXPECT_FALSE(mac.sends(udp(kOther, kOtherIp)));
    EXPECT_TRUE(ip.sends(udp(kOwn, kIp)));
    EXPECT_FALSE(ip.sends(udp(kOwn, kOtherIp)));
    EXPECT_TRUE(net.sends(udp(kOwn, kOtherIp)));
    EXPECT_FALSE(net.sends(udp(kOwn, 0x0b000001)));
    // A client that has no address yet, and nobody else.
    EXPECT_TRUE(ip.sends(udp(kOwn, 0, 68, 67, 0xffffffff)));
    EXPECT_FALSE(ip.sends(udp(kOwn, 0, 68, 67, kOtherIp)));
    EXPECT_FALSE(ip.sends(udp(kOwn, 0, 67, 68, 0xffffffff)));
}

TEST(TracePortSecurity, WhoMayClaimAnAddress) {
    Secured mac("02:00:00:00:00:01"), ip("02:00:00:00:00:01 10.0.0.1");
    EXPECT_TRUE(ip.sends(arp(kOwn, kOwn, kIp)));
    EXPECT_FALSE(ip.sends(arp(kOwn, kOwn, kOtherIp)));
    EXPECT_FALSE(ip.sends(arp(kOwn, kOther, kIp)));
    EXPECT_FALSE(ip.sends(arp(kOther, kOwn, kIp)));
    EXPECT_TRUE(mac.sends(arp(kOwn, kOwn, kOtherIp)));
    EXPECT_FALSE(mac.sends(arp(kOwn, kOther, kOtherIp)));
}

TEST(TracePortSecurity, WhoIsSentWhat) {
    Secured ip("02:00:00:00:00:01 10.0.0.1/24");
    EXPECT_TRUE(ip.gets(udp(kOther, kOtherIp, 5, 6, kIp, kOwn)));
    EXPECT_FALSE(ip.gets(udp(kOther, kOtherIp, 5, 6, kOtherIp, kOwn)));
    EXPECT_FALSE(ip.gets(udp(kOther, kOtherIp, 5, 6, kIp, kOther)));
    for (uint32_t many : {0xffffffffu, 0xe0000001u, 0x0a0000ffu})
        EXPECT_TRUE(ip.gets(udp(kOther, kOtherIp, 5, 6, many, kOwn))) << many;
    EXPECT_TRUE(Secured("").gets(udp(kOther, kOtherIp, 5, 6, kOtherIp, kOther)));
}

}  // namespace
}  // namespace weft::cli::trace
