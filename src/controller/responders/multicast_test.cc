#include <gtest/gtest.h>

#include "controller/responders/multicast_groups.h"
#include "controller/responders/router_advertisement.h"
#include "controller/responders/service_check.h"
#include "packet/extract.h"

namespace weft::controller {
namespace {

Bytes igmp(std::initializer_list<uint8_t> bytes) {
    packet::IpEndpoints ip;
    ip.dst = 0xe0000016;
    packet::Packet made = packet::compose_ip(ip, 2, Bytes(bytes));
    return Bytes(made.view().begin(), made.view().end());
}

std::string told(const Bytes& frame) {
    auto message = read_multicast_message(frame);
    if (!message) return "none";
    std::string text = message->query ? "query " : "";
    for (const auto& each : message->memberships) text += (each.joins ? "+" : "-") + each.group + " ";
    return text;
}

TEST(Multicast, Messages) {
    EXPECT_EQ(told(igmp({0x16, 0, 0, 0, 239, 1, 1, 1})), "+239.1.1.1 ");
    EXPECT_EQ(told(igmp({0x12, 0, 0, 0, 239, 1, 1, 1})), "+239.1.1.1 ");
    EXPECT_EQ(told(igmp({0x17, 0, 0, 0, 239, 1, 1, 1})), "-239.1.1.1 ");
    EXPECT_EQ(told(igmp({0x11, 20, 0, 0, 0, 0, 0, 0})), "query ");
    EXPECT_EQ(told(igmp({0x16, 0, 0, 0, 10, 1, 1, 1})), "none") << "no multicast address";
    EXPECT_EQ(told(igmp({0x99, 0, 0, 0, 239, 1, 1, 1})), "none");
    EXPECT_EQ(told(igmp({0x22, 0, 0,   0, 0, 0, 0, 3, 4, 0, 0,   0, 239, 1, 1, 3, 3, 0,
                         0,    0, 239, 1, 1, 4, 6, 0, 0, 1, 239, 1, 1,   5, 1, 2, 3, 4})),
              "+239.1.1.3 -239.1.1.4 ");
    EXPECT_EQ(told(igmp({0x22, 0, 0, 0, 0, 0, 0, 2, 4, 0, 0, 0, 239, 1, 1, 3})), "none") << "cut";
    EXPECT_EQ(told(igmp({0x22, 0, 0, 0, 0, 0, 0, 1, 4, 0, 0xff, 0xff, 239, 1, 1, 3})), "none")
        << "sources cut";
    Bytes wrong = igmp({0x16, 0, 0, 0, 239, 1, 1, 1});
    wrong.back() ^= 1;
    EXPECT_EQ(told(wrong), "none") << "checksum";
    for (const packet::Packet& query : {compose_igmp_query({}, 1, 2), compose_mld_query({}, {}, 2)}) {
        EXPECT_EQ(told(Bytes(query.view().begin(), query.view().end())), "query ");
    }
}

TEST(Multicast, GroupsAgeAndAreFew) {
    MulticastGroups groups;
    groups.set_limits(2, 1000);
    auto join = [&](const char* group, uint32_t port, int64_t now) {
        return groups.note({.memberships = {{group, true}}}, port, now);
    };
    EXPECT_TRUE(join("a", 1, 0));
    EXPECT_FALSE(join("a", 1, 500)) << "a renewal";
    EXPECT_TRUE(join("a", 2, 500));
    EXPECT_TRUE(join("b", 2, 500));
    EXPECT_FALSE(join("c", 2, 500)) << "one too many";
    EXPECT_TRUE(groups.note({.query = true, .memberships = {}}, 3, 500)) << "routers do not count";
    EXPECT_EQ(groups.due_ms(), 1500);
    EXPECT_FALSE(groups.expire(1499));
    EXPECT_TRUE(groups.note({.memberships = {{"a", false}}}, 1, 1499));
    EXPECT_FALSE(groups.note({.memberships = {{"a", false}}}, 1, 1499));
    EXPECT_EQ(groups.members().at("a"), std::set<uint32_t>{2});
    EXPECT_TRUE(groups.expire(1500));
    EXPECT_TRUE(groups.members().empty());
}

TEST(ServiceCheck, CountsInARow) {
    using Status = ServiceCheck::Status;
    ServiceCheck check(
        {.udp = false, .interval_ms = 1000, .timeout_ms = 300, .success_count = 2, .failure_count = 2}, 0);
    EXPECT_TRUE(check.run(0));
    EXPECT_FALSE(check.run(100)) << "waits";
    check.answered(true, 200);
    EXPECT_EQ(check.status(), Status::kUnknown);
    EXPECT_FALSE(check.run(999));
    EXPECT_TRUE(check.run(1000));
    check.answered(true, 1001);
    EXPECT_EQ(check.status(), Status::kOnline);
    EXPECT_TRUE(check.run(2000));
    EXPECT_FALSE(check.run(2300)) << "timed out, but the interval is not over";
    EXPECT_EQ(check.status(), Status::kOnline) << "one failure";
    EXPECT_TRUE(check.run(3000));
    check.answered(false, 3001);
    EXPECT_EQ(check.status(), Status::kOffline);
    check.answered(true, 3002);
    EXPECT_EQ(check.status(), Status::kOffline) << "nothing was asked";

    ServiceCheck udp({.udp = true, .interval_ms = 1000, .timeout_ms = 300}, 0);
    EXPECT_TRUE(udp.run(0));
    EXPECT_FALSE(udp.run(300));
    EXPECT_EQ(udp.status(), Status::kOnline) << "silence is fine";
}

TEST(RouterAdvertisement, FromOptions) {
    ovsdb::StringMap options;
    EXPECT_FALSE(RouterAdvertisement::parse(options));
    options.set("ipv6_ra_send_periodic", "true");
    EXPECT_FALSE(RouterAdvertisement::parse(options)) << "no source";
    options.set("ipv6_ra_src_eth", "00:00:00:00:ff:01");
    options.set("ipv6_ra_src_addr", "fe80::1");
    options.set("ipv6_ra_address_mode", "dhcpv6_stateful");
    options.set("ipv6_ra_prefixes", "2001:db8::5/64 nonsense 2001:db8::/129");
    options.set("ipv6_ra_route_info", "LOW-2001:db8:9::/48");
    options.set("ipv6_ra_max_interval", "8");
    auto ra = RouterAdvertisement::parse(options);
    ASSERT_TRUE(ra);
    EXPECT_EQ(ra->flags, 0x80);
    EXPECT_EQ(ra->prefix_flags, 0x80);
    ASSERT_EQ(ra->prefixes.size(), 1u);
    EXPECT_EQ(ra->prefixes[0].address[15], 0) << "host bits";
    ASSERT_EQ(ra->routes.size(), 1u);
    EXPECT_EQ(ra->min_interval_ms, 6000);
    EXPECT_EQ(ra->max_interval_ms, 8000);
    packet::Packet made = ra->compose();
    // Ethernet, IPv6, message, link-layer address, prefix, route.
    EXPECT_EQ(made.size(), 14u + 40 + 16 + 8 + 32 + 16);
    packet::Flow flow = packet::zero_flow();
    packet::extract(made, flow);
    EXPECT_EQ(flow.tp_src, 134);
    EXPECT_EQ(flow.nw_ttl, 255);
}

}  // namespace
}  // namespace weft::controller
