#include "controller/responders/prefix_delegation.h"

#include <gtest/gtest.h>

namespace weft::controller {
namespace {

struct Server {
    uint32_t t1 = 100, t2 = 160, preferred = 200, valid = 300;
    uint8_t status = 0;
    uint32_t identity = 7;
    uint8_t last_of_mac = 1;
};

Bytes answer(const Bytes& request, uint8_t type, const Server& server) {
    ByteWriter out;
    out.u32(static_cast<uint32_t>(type) << 24 | (load_be32(request.data()) & 0xffffff));
    out.bytes(
        Bytes{0, 1, 0, 10, 0, 3, 0, 1, 2, 0, 0, 0, 0, server.last_of_mac, 0, 2, 0, 2, 9, 9, 0, 25, 0, 47});
    out.u32(server.identity);
    out.u32(server.t1);
    out.u32(server.t2);
    out.bytes(Bytes{0, 13, 0, 2, 0, server.status, 0, 26, 0, 25});
    out.u32(server.preferred);
    out.u32(server.valid);
    out.bytes(Bytes{56, 0x20, 1, 0xd, 0xb8, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0});
    return out.take();
}

uint8_t type_of(const std::optional<Bytes>& message) {
    return message ? (*message)[0] : 0;
}

TEST(PrefixDelegation, LifeOfAPrefix) {
    PrefixDelegation client({2, 0, 0, 0, 0, 1}, 7, 42);
    auto solicit = client.run(0);
    ASSERT_EQ(type_of(solicit), 1);
    EXPECT_FALSE(client.run(999));
    EXPECT_EQ(type_of(client.run(1000)), 1) << "again";
    EXPECT_FALSE(client.run(2999)) << "twice as long";
    EXPECT_FALSE(client.received(answer(*solicit, 7, {}), 1500)) << "a reply is no advertisement";
    EXPECT_FALSE(client.received(answer(*solicit, 2, {.status = 6}), 1500));
    EXPECT_FALSE(client.run(1500)) << "no prefix available: goes on soliciting";
    client.received(answer(*solicit, 2, {}), 1600);
    auto request = client.run(1600);
    ASSERT_EQ(type_of(request), 3);
    EXPECT_FALSE(client.prefix());
    struct {
        const char* name;
        Server server;
    } others[] = {{"another association", {.identity = 8}}, {"another client", {.last_of_mac = 2}}};
    for (const auto& other : others)
        EXPECT_FALSE(client.received(answer(*request, 7, other.server), 1700)) << other.name;
    EXPECT_FALSE(client.received(answer(*solicit, 7, {}), 1700)) << "another transaction";
    EXPECT_TRUE(client.received(answer(*request, 7, {}), 2000));
    ASSERT_TRUE(client.prefix());
    EXPECT_EQ(client.prefix()->length, 56);

    EXPECT_FALSE(client.run(101'999));
    auto renew = client.run(102'000);
    ASSERT_EQ(type_of(renew), 5);
    EXPECT_FALSE(client.received(answer(*renew, 7, {}), 102'100)) << "the same prefix";
    EXPECT_FALSE(client.run(202'000));
    renew = client.run(202'100);
    ASSERT_EQ(type_of(renew), 5);
    EXPECT_EQ(type_of(client.run(212'100)), 5);
    EXPECT_EQ(type_of(client.run(262'100)), 6) << "after T2 any server may";
    EXPECT_TRUE(client.prefix());
    EXPECT_EQ(type_of(client.run(402'100)), 1) << "the valid lifetime is over";
    EXPECT_FALSE(client.prefix());
}

TEST(PrefixDelegation, GivesUpAServerThatIsSilent) {
    PrefixDelegation client({2, 0, 0, 0, 0, 1}, 7, 42);
    client.received(answer(*client.run(0), 2, {}), 1);
    int requests = 0;
    for (int64_t now = 1; now < 400'000; now = client.due_ms()) {
        uint8_t type = type_of(client.run(now));
        if (type == 1) break;
        requests += type == 3;
    }
    EXPECT_EQ(requests, 10);
}

TEST(PrefixDelegation, EndsWhatTheServerEnds) {
    PrefixDelegation client({2, 0, 0, 0, 0, 1}, 7, 42);
    client.received(answer(*client.run(0), 2, {}), 1);
    EXPECT_TRUE(client.received(answer(*client.run(1), 7, {.t1 = 0, .t2 = 0}), 2));
    auto renew = client.run(100'002);  // half of the preferred lifetime
    ASSERT_EQ(type_of(renew), 5);
    EXPECT_TRUE(client.received(answer(*renew, 7, {.preferred = 0, .valid = 0}), 100'003));
    EXPECT_FALSE(client.prefix());
}

}  // namespace
}  // namespace weft::controller
