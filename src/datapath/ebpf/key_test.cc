#include "datapath/ebpf/key.h"

#include <gtest/gtest.h>

#include <random>

#include "datapath/api/text.h"
#include "packet/compose.h"
#include "packet/extract.h"

namespace weft::datapath::ebpf {
namespace {

using packet::Flow;

std::optional<KeyPair> pair_of(std::string_view match) {
    auto both = parse_match(match);
    EXPECT_TRUE(both.ok()) << both.message();
    return megaflow_key(both->key, both->mask);
}

TEST(EbpfKey, WhatTheProgramsLookAtIsTaken) {
    auto pair = pair_of(
        "recirc_id(0x5),in_port(3),packet_type(ns=0,id=0),eth(src=00:00:00:00:00:01),eth_type(0x0800),ipv4("
        "src=10.0.0.0/255.0.0.0,proto=6,ttl=64,frag=no),tcp(dst=80)");
    ASSERT_TRUE(pair);
    Flow key = key_to_flow(pair->key), mask = key_to_flow(pair->mask);
    EXPECT_EQ(key.in_port, 3u);
    EXPECT_EQ(key.recirc_id, 5u);
    EXPECT_EQ(mask.recirc_id, UINT32_MAX);
    EXPECT_EQ(key.tp_dst, 80);
    EXPECT_EQ(key.nw_ttl, 64);
    EXPECT_EQ(key.nw_src, 0x0a000000u);
    EXPECT_EQ(mask.dl_type, 0xffff);
}

TEST(EbpfKey, WhatTheyHandUpAnywayMayOnlyBeZero) {
    EXPECT_TRUE(pair_of("in_port(1),eth_type(0x86dd),ipv6(proto=58),icmpv6(type=135,code=0)"));
    EXPECT_FALSE(
        pair_of("in_port(1),eth_type(0x86dd),ipv6(proto=58),icmpv6(type=135,code=0),nd(target=fe80::1)"));
    EXPECT_TRUE(pair_of("in_port(1),eth_type(0x86dd),ipv6(proto=58),icmpv6(type=128),nd(target=::)"));
    EXPECT_FALSE(pair_of("in_port(1),eth_type(0x8847),mpls(label=3,tc=0,ttl=0,bos=0)"));
}

TEST(EbpfKey, AddressesNeedAType) {
    Flow key = packet::zero_flow(), mask = packet::zero_flow();
    mask.nw_src = UINT32_MAX;
    EXPECT_FALSE(megaflow_key(key, mask));
    mask.dl_type = 0xfff0;
    EXPECT_FALSE(megaflow_key(key, mask));
    mask.dl_type = 0xffff;
    EXPECT_TRUE(megaflow_key(key, mask));  // of another type: always zero
    key.dl_type = 0x0806;
    mask.arp_sha = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
    key.arp_sha = {1, 2, 3, 4, 5, 6};
    auto pair = megaflow_key(key, mask);
    ASSERT_TRUE(pair);
    EXPECT_EQ(key_to_flow(pair->key).arp_sha, key.arp_sha);
}

TEST(EbpfKey, GeneveOptionsOfOneWord) {
    Flow key = packet::zero_flow(), mask = packet::zero_flow();
    key.tunnel.id = 7;
    mask.tunnel.id = UINT64_MAX;
    key.tunnel.metadata_present = 8;
    mask.tunnel.metadata_present = UINT64_MAX;
    key.tunnel.metadata[0] = 1;
    mask.tunnel.metadata[0] = 0xff;
    EXPECT_TRUE(megaflow_key(key, mask));
    key.tunnel.metadata_present = 12;
    EXPECT_FALSE(megaflow_key(key, mask));
}

}  // namespace
}  // namespace weft::datapath::ebpf
