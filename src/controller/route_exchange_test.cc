// What routers announce and learn by the kernel's tables, with tables in memory.

#include "controller/route_exchange.h"

#include <gtest/gtest.h>

#include "packet/address.h"

namespace weft::controller {
namespace {

using net::KernelRoute;

packet::Ipv6Addr ip(const char* text) {
    auto v4 = packet::parse_ipv4(text);
    return v4 ? packet::map_ipv4(*v4) : packet::parse_ipv6(text).value();
}

KernelRoute route(const char* network, uint8_t bits, const char* gateway, const char* device,
                  uint8_t protocol = 186) {
    KernelRoute out;
    out.network = ip(network);
    out.bits = bits;
    if (*gateway) out.gateway = ip(gateway);
    out.device = device;
    out.protocol = protocol;
    return out;
}

Uuid id(uint8_t n) {
    Uuid uuid;
    uuid.bytes[0] = n;
    return uuid;
}

TEST(RouteExchange, LearnsByThePortWhoseNetworkHasTheGateway) {
    RoutingPlan plan;
    plan.ports = {{id(1), id(9), {{ip("10.0.0.1"), 96 + 24}, {ip("fd00::1"), 64}}, "", true},
                  {id(2), id(9), {{ip("10.1.0.1"), 96 + 24}}, "", true},
                  {id(3), id(9), {{ip("10.1.0.1"), 96 + 24}}, "", false}};
    KernelRoute ours = route("30.0.0.0", 24, "", "", 84);
    ours.blackhole = true;
    auto learnt = learnt_routes(
        plan, {route("20.0.0.0", 16, "10.0.0.254", "eth0"), route("20.1.0.0", 16, "10.1.0.254", "eth1"),
               route("fd20::", 32, "fd00::ffff", "eth0"), ours, route("20.2.0.0", 16, "", "eth0"),
               route("20.3.0.0", 16, "10.2.0.1", "eth0")});
    EXPECT_EQ(learnt, (std::set<LearntRoute>{{id(9), id(1), "20.0.0.0/16", "10.0.0.254"},
                                             {id(9), id(1), "fd20::/32", "fd00::ffff"},
                                             {id(9), id(2), "20.1.0.0/16", "10.1.0.254"}}));
}

TEST(RouteExchange, LearnsByTheDeviceThatIsNamed) {
    RoutingPlan plan;
    plan.ports = {{id(1), id(9), {}, "eth1", true}};
    auto learnt = learnt_routes(
        plan, {route("20.0.0.0", 16, "10.0.0.254", "eth0"), route("20.1.0.0", 16, "10.1.0.254", "eth1")});
    EXPECT_EQ(learnt, (std::set<LearntRoute>{{id(9), id(1), "20.1.0.0/16", "10.1.0.254"}}));
}

}  // namespace
}  // namespace weft::controller
