// Dynamic addresses: what is chosen, that it stays, and that nobody shares it.

#include "northd/ipam.h"

#include <fmt/core.h>
#include <gtest/gtest.h>

#include <map>
#include <random>

namespace weft::northd {
namespace {

Uuid id(int number) {
    Uuid out;
    out.bytes[0] = 1;
    out.bytes[14] = static_cast<uint8_t>(number >> 8);
    out.bytes[15] = static_cast<uint8_t>(number);
    return out;
}
const Uuid kSwitch = id(1000), kOther = id(1001);

AddressPool pool(const char* subnet, const char* excluded = "", const char* prefix = nullptr) {
    AddressPool out;
    if (*subnet) out.subnet = *parse_ip4(subnet);
    std::vector<std::string> bad;
    out.excluded = parse_ranges(excluded, bad);
    EXPECT_TRUE(bad.empty());
    if (prefix) out.prefix = parse_ip6(prefix)->value;
    return out;
}

AddressClaim claim(int number, const char* text, const Uuid& sw = kSwitch) {
    AddressClaim out;
    out.owner = id(number);
    out.switch_uuid = sw;
    out.name = fmt::format("p{:04}", number);
    out.request = parse_dynamic_request(text);
    if (out.request) return out;
    auto parsed = parse_addresses(text);
    EXPECT_TRUE(parsed) << text;
    out.macs.push_back(mac_value(parsed->eth));
    for (const Ip4& ip : parsed->ip4) out.ip4.push_back(ip.value);
    for (const Ip6Net& ip : parsed->ip6) out.ip6.push_back(ip.value);
    return out;
}

struct Fixture : testing::Test {
    Fixture() {
        ipam.set_mac_prefix(0x0e0000);
        ipam.set_pool(kSwitch, pool("192.168.1.0/24"));
    }
    std::string add(int number, const char* text, const Uuid& sw = kSwitch) {
        ipam.set_claim(claim(number, text, sw));
        ipam.settle();
        return of(number);
    }
    std::string of(int number) {
        const Assignment* a = ipam.find(id(number));
        return a ? assignment_text(*a) : "";
    }
    Ipam ipam;
};

using IpamTest = Fixture;

TEST_F(IpamTest, GivesTheLowestFreeAddress) {
    EXPECT_EQ(add(1, "dynamic"), "0e:00:00:a8:01:03 192.168.1.2");
    EXPECT_EQ(add(2, "dynamic"), "0e:00:00:a8:01:04 192.168.1.3");
    add(3, "02:00:00:00:00:03 192.168.1.4");
    EXPECT_EQ(add(4, "dynamic"), "0e:00:00:a8:01:06 192.168.1.5");
    ipam.erase_claim(id(1));
    EXPECT_EQ(add(5, "dynamic"), "0e:00:00:a8:01:03 192.168.1.2");
}

TEST_F(IpamTest, GivesWhatIsAskedFor) {
    EXPECT_EQ(add(1, "02:00:00:00:00:09 dynamic"), "02:00:00:00:00:09 192.168.1.2");
    EXPECT_EQ(add(2, "dynamic 192.168.1.10"), "0e:00:00:a8:01:0b 192.168.1.10");
    EXPECT_EQ(add(3, "dynamic 192.168.7.9"), "0e:00:00:a8:07:0a 192.168.1.3");   // not of the subnet
    EXPECT_EQ(add(4, "dynamic 192.168.1.10"), "0e:00:00:a8:01:0c 192.168.1.4");  // somebody has it
    ipam.erase_claim(id(2));
    ipam.settle();
    EXPECT_EQ(of(4), "0e:00:00:a8:01:0c 192.168.1.10");  // now it is free; the Ethernet address stays
}

TEST_F(IpamTest, Ip6FollowsTheEthernetAddress) {
    ipam.set_pool(kSwitch, pool("192.168.1.0/24", "", "fd11::"));
    EXPECT_EQ(add(1, "dynamic"), "0e:00:00:a8:01:03 192.168.1.2 fd11::c00:ff:fea8:103");
    EXPECT_EQ(add(2, "dynamic fd11::5"), "0e:00:00:a8:01:04 192.168.1.3 fd11::5");
    EXPECT_EQ(add(3, "dynamic 192.168.1.9 fd12::9"), "0e:00:00:a8:01:0a 192.168.1.9 fd11::c00:ff:fea8:10a");
    ipam.set_pool(kSwitch, pool("", "", "2001:db8:1::"));
    ipam.settle();
    EXPECT_EQ(of(1), "0e:00:00:a8:01:03 2001:db8:1:0:c00:ff:fea8:103");
}

TEST_F(IpamTest, MacOnlyCountsUp) {
    AddressPool mac_only;
    mac_only.mac_only = true;
    ipam.set_pool(kOther, mac_only);
    EXPECT_EQ(add(1, "dynamic", kOther), "0e:00:00:00:00:01");
    EXPECT_EQ(add(2, "dynamic", kOther), "0e:00:00:00:00:02");
    EXPECT_EQ(add(3, "dynamic 192.168.1.9", kOther), "0e:00:00:a8:01:0a");
}

// As after a restart, when ports that are new meanwhile and ports that had something come at once.
TEST_F(IpamTest, WhatOthersHadIsNotGivenToNewPorts) {
    AddressPool mac_only;
    mac_only.mac_only = true;
    ipam.set_pool(kOther, mac_only);
    ipam.set_pool(kSwitch, pool("", "", "fd11::"));
    for (int number : {1, 2}) ipam.set_claim(claim(number, "dynamic", kOther));
    for (int number : {3, 4}) ipam.set_claim(claim(number, "dynamic fd11::5"));
    ipam.suggest(id(2), *parse_assignment("0e:00:00:00:00:01"));
    ipam.suggest(id(4), *parse_assignment("0e:00:00:00:00:02 fd11::5"));
    ipam.settle();
    EXPECT_EQ(of(2), "0e:00:00:00:00:01");
    EXPECT_EQ(of(1), "0e:00:00:00:00:03");
    EXPECT_EQ(of(4), "0e:00:00:00:00:02 fd11::5");
    EXPECT_EQ(of(3), "0e:00:00:00:00:04 fd11::c00:ff:fe00:4");
}

TEST_F(IpamTest, StaticAddressesTakePrecedence) {
    add(1, "dynamic");
    add(2, "dynamic");
    add(3, "02:00:00:00:00:03 192.168.1.2");
    EXPECT_EQ(of(1), "0e:00:00:a8:01:03 192.168.1.4");
    EXPECT_EQ(of(2), "0e:00:00:a8:01:04 192.168.1.3");
    add(4, "0e:00:00:a8:01:03");
    EXPECT_EQ(of(1), "0e:00:00:a8:01:05 192.168.1.4");
}

TEST_F(IpamTest, ExclusionsAndSubnetsMayChange) {
    for (int i = 1; i <= 3; ++i) add(i, "dynamic");
    ipam.set_pool(kSwitch, pool("192.168.1.0/24", "192.168.1.3 192.168.1.5..192.168.1.20"));
    ipam.settle();
    EXPECT_EQ(of(1), "0e:00:00:a8:01:03 192.168.1.2");
    EXPECT_EQ(of(2), "0e:00:00:a8:01:04 192.168.1.21");
    EXPECT_EQ(of(3), "0e:00:00:a8:01:05 192.168.1.4");
    ipam.set_pool(kSwitch, pool("10.0.0.0/30"));
    ipam.settle();
    EXPECT_EQ(of(1), "0e:00:00:a8:01:03 10.0.0.2");
    EXPECT_EQ(of(2), "0e:00:00:a8:01:04");  // full
    EXPECT_EQ(ipam.shortages().size(), 2u);
    ipam.erase_pool(kSwitch);
    ipam.settle();
    EXPECT_EQ(of(1), "");
    EXPECT_TRUE(ipam.shortages().empty());
}

TEST_F(IpamTest, WhoWaitsGetsWhatBecomesFree) {
    ipam.set_pool(kSwitch, pool("10.0.0.0/30"));
    add(1, "dynamic");
    EXPECT_EQ(add(2, "dynamic"), "0e:00:00:00:00:01");
    ipam.erase_claim(id(1));
    std::vector<Uuid> changed = ipam.settle();
    EXPECT_EQ(of(2), "0e:00:00:00:00:01 10.0.0.2");
    EXPECT_EQ(changed, (std::vector<Uuid>{id(1), id(2)}));
}

TEST_F(IpamTest, SuggestionsAreTakenUpIfValid) {
    ipam.set_claim(claim(1, "dynamic"));
    ipam.set_claim(claim(2, "dynamic"));
    ipam.set_claim(claim(3, "dynamic"));
    ipam.suggest(id(1), *parse_assignment("0e:00:00:00:00:55 192.168.1.200"));
    ipam.suggest(id(2), *parse_assignment("0e:00:00:00:00:55 192.168.1.200"));
    ipam.suggest(id(3), *parse_assignment("0a:00:00:00:00:55 172.16.0.1"));
    ipam.settle();
    EXPECT_EQ(of(1), "0e:00:00:00:00:55 192.168.1.200");
    EXPECT_EQ(of(2), "0e:00:00:a8:01:03 192.168.1.2");
    EXPECT_EQ(of(3), "0e:00:00:a8:01:04 192.168.1.3");
}

TEST(IpamText, Requests) {
    EXPECT_TRUE(parse_dynamic_request("dynamic"));
    EXPECT_TRUE(parse_dynamic_request("dynamic 10.0.0.1 fd00::1")->ip6);
    EXPECT_FALSE(parse_dynamic_request("dynamic 10.0.0.1/24"));
    EXPECT_FALSE(parse_dynamic_request("02:00:00:00:00:01 10.0.0.1"));
    EXPECT_FALSE(parse_dynamic_request("nonsense dynamic"));
    std::vector<std::string> bad;
    EXPECT_EQ(parse_ranges("10.0.0.1 10.0.0.9..10.0.0.3 x", bad).size(), 1u);
    EXPECT_EQ(bad, (std::vector<std::string>{"10.0.0.9..10.0.0.3", "x"}));
}

// After any history: nobody shares an address, everybody has one that is allowed, those whose place did not
// change kept theirs, and a successor that is told what there is changes nothing.
TEST(IpamRandom, AddressesAreDistinctValidAndStable) {
    unsigned seed = std::random_device{}();
    SCOPED_TRACE(fmt::format("seed {}", seed));
    std::mt19937 random(seed);
    auto pick = [&](int limit) { return static_cast<int>(random() % static_cast<unsigned>(limit)); };
    Ipam ipam;
    ipam.set_mac_prefix(0x0e0000);
    std::map<Uuid, AddressPool> pools;
    std::map<int, AddressClaim> claims;
    for (int step = 0; step < 3000; ++step) {
        std::map<int, Assignment> before;
        for (const auto& [number, c] : claims) {
            if (const Assignment* a = ipam.find(c.owner)) before[number] = *a;
        }
        int touched = -1;
        bool pool_changed = false;
        if (pick(40) == 0) {
            const Uuid& sw = pick(2) ? kSwitch : kOther;
            const char* subnets[] = {"10.0.0.0/24", "10.0.0.0/27", "10.1.0.0/28", ""};
            AddressPool next =
                pool(subnets[pick(4)], pick(2) ? "10.0.0.3..10.0.0.7" : "", pick(2) ? "fd11::" : nullptr);
            pools[sw] = next;
            ipam.set_pool(sw, next);
            pool_changed = true;
        } else {
            touched = pick(60);
            if (claims.contains(touched) && pick(2)) {
                ipam.erase_claim(id(touched));
                claims.erase(touched);
            } else {
                const Uuid& sw = pick(2) ? kSwitch : kOther;
                std::string text = pick(3) == 0
                                       ? fmt::format("02:00:00:00:01:{:02x} 10.0.0.{}", touched, pick(30))
                                   : pick(4) == 0 ? fmt::format("dynamic 10.0.0.{}", pick(30))
                                   : pick(4) == 0 ? fmt::format("02:00:00:00:00:{:02x} dynamic", touched)
                                                  : "dynamic";
                claims[touched] = claim(touched, text.c_str(), sw);
                ipam.set_claim(claims[touched]);
            }
        }
        ipam.settle();
        std::map<std::pair<Uuid, uint32_t>, int> ips;
        std::map<uint64_t, int> macs;
        for (const auto& [number, c] : claims) {
            for (uint32_t ip : c.ip4) ips[{c.switch_uuid, ip}] = -1;
        }
        for (const auto& [number, c] : claims) {
            const Assignment* a = ipam.find(c.owner);
            const AddressPool& p = pools[c.switch_uuid];
            ASSERT_EQ(a != nullptr, c.request && p.active()) << step;
            if (!a) continue;
            ASSERT_TRUE(macs.emplace(a->mac, number).second) << step;
            ASSERT_EQ(a->ip6.has_value(), p.prefix.has_value()) << step;
            if (a->ip4) {
                ASSERT_TRUE(p.may_give(*a->ip4)) << step;
                ASSERT_TRUE(ips.emplace(std::pair(c.switch_uuid, *a->ip4), number).second) << step;
            } else {
                ASSERT_EQ(p.subnet.has_value(), ipam.shortages().contains(c.owner)) << step;
            }
            // Only a named address is a reason to move, and a static one to give way.
            auto had = before.find(number);
            if (!pool_changed && number != touched && had != before.end() && had->second.ip4 && a->ip4 &&
                !c.request->ip4 && had->second.ip4 != a->ip4) {
                ASSERT_TRUE(claims.contains(touched) && claims[touched].ip4.size() == 1) << step;
            }
        }
        if (step % 50) continue;
        Ipam successor;
        successor.set_mac_prefix(0x0e0000);
        for (const auto& [sw, p] : pools) successor.set_pool(sw, p);
        for (const auto& [number, c] : claims) successor.set_claim(c);
        for (const auto& [number, c] : claims) {
            if (const Assignment* a = ipam.find(c.owner)) successor.suggest(c.owner, *a);
        }
        successor.settle();
        for (const auto& [number, c] : claims) {
            const Assignment *a = ipam.find(c.owner), *b = successor.find(c.owner);
            ASSERT_EQ(a != nullptr, b != nullptr);
            if (!a) continue;
            ASSERT_EQ(assignment_text(*a), assignment_text(*b)) << step << " " << c.name;
        }
    }
}

}  // namespace
}  // namespace weft::northd
