#include "datapath/ebpf/encode.h"

#include <gtest/gtest.h>

#include "datapath/api/text.h"
#include "packet/address.h"

namespace weft::datapath::ebpf {
namespace {

Encoded encoded(std::string_view match, std::string_view actions) {
    auto both = parse_match(match);
    EXPECT_TRUE(both.ok()) << both.message();
    auto list = parse_actions(actions);
    EXPECT_TRUE(list.ok()) << list.message();
    auto keys = megaflow_key(both->key, both->mask);
    EXPECT_TRUE(keys);
    return encode(*list, *keys, [](PortNo port) {
        return port < 4 ? kPortDevice : port == 5 ? kPortTunnel : kPortNone;
    });
}

std::vector<int> kinds(const Encoded& list) {
    std::vector<int> out;
    for (const FlowAction& action : list.actions) out.push_back(action.kind);
    return out;
}

constexpr std::string_view kAny = "recirc_id(0),in_port(1)";

TEST(EbpfEncode, TheLastOutputIsThePacketsEnd) {
    EXPECT_EQ(kinds(encoded(kAny, "2,3")), (std::vector<int>{kActionOutput, kActionOutputLast}));
    // What comes behind it changes nothing that anybody sees.
    EXPECT_EQ(kinds(encoded(kAny, "2,set(skb_mark(0x1)),ct_clear")), (std::vector<int>{kActionOutputLast}));
    EXPECT_EQ(kinds(encoded(kAny, "set(skb_mark(0x1))")), (std::vector<int>{kActionEnd}));
    EXPECT_EQ(kinds(encoded(kAny, "drop")), (std::vector<int>{kActionDrop}));
}

TEST(EbpfEncode, WhatTheProgramsCannotDoIsTheDaemonsAllOfIt) {
    for (std::string_view actions :
         {"2,7", "set(sctp(dst=1)),2", "push_mpls(label=5,tc=1,ttl=3,bos=1,eth_type=0x8847),2", "clone(7),2",
          "meter(5000),2", "trunc(60),set(skb_mark(0x1)),2", "trunc(60),recirc(0x1)",
          "set(tunnel(tun_id=1,dst=10.0.0.1,flags(key),geneve({class=0x102,type=0x80,len=8,0x1020304050607}))"
          "),5",
          "pop_vlan,ct,2", "set(icmpv6(type=135)),ct,2", "push_vlan(tpid=0x9100,vid=1,pcp=0),2"}) {
        Encoded list = encoded(kAny, actions);
        EXPECT_EQ(kinds(list), (std::vector<int>{kActionToUserspace})) << actions;
        EXPECT_FALSE(list.why.empty()) << actions;
    }
}

// What a packet may turn out to need the daemon for has a place in the list where it goes on.
TEST(EbpfEncode, TunnelsAndConnectionsSayWhereTheDaemonGoesOn) {
    auto list = parse_actions(
        "ct(commit,zone=3,mark=0x5/0xf,label=0x1),set(tunnel(tun_id=0x7,dst=10.0.0.1,ttl=64,flags(key))),5");
    ASSERT_TRUE(list.ok()) << list.message();
    auto both = parse_match(kAny);
    Encoded out = encode(*list, *megaflow_key(both->key, both->mask),
                         [](PortNo port) { return port == 5 ? kPortTunnel : kPortDevice; });
    EXPECT_EQ(kinds(out), (std::vector<int>{kActionExpectLabel, kActionConntrack, kActionSetTunnel,
                                            kActionTunnelOutput}));
    EXPECT_EQ(out.actions[1].small, 3);
    EXPECT_EQ(out.actions[1].argument >> 8, uint32_t{kTrackCommit | kTrackMark | kTrackLabel});
    ASSERT_EQ(out.resume.size(), 2u);
    EXPECT_EQ(out.resume[out.actions[1].argument & 0xff].data(), list->data());
    EXPECT_EQ(out.resume[out.actions[3].small].data(), list->data() + 2);
    ASSERT_EQ(out.tunnels.size(), 1u);
    EXPECT_EQ(out.tunnels[0].dst, packet::map_ipv4(0x0a000001));
    EXPECT_EQ(out.tunnels[0].src, packet::Ipv6Addr{});
}

TEST(EbpfEncode, AnUnderlayOfIpv6TakesAnActionMore) {
    Encoded list = encoded(kAny, "set(tunnel(tun_id=1,ipv6_src=fd00::2,ipv6_dst=fd00::1,flags(key))),5");
    EXPECT_EQ(kinds(list), (std::vector<int>{kActionSetTunnel, kActionSetTunnelIpv6, kActionTunnelOutput}));
    ASSERT_EQ(list.tunnels.size(), 1u);
    EXPECT_EQ(packet::to_string(list.tunnels[0].dst), "fd00::1");
    EXPECT_EQ(packet::to_string(list.tunnels[0].src), "fd00::2");
}

// What is not the packet's end gets a copy, and behind the copy's list it goes on.
TEST(EbpfEncode, CopiesSayWhereThePacketGoesOn) {
    Encoded list = encoded(kAny, "check_pkt_len(size=100,gt(push_vlan(vid=1,pcp=0),2),le(3)),recirc(0x1),2");
    EXPECT_EQ(kinds(list),
              (std::vector<int>{kActionCopy, kActionCheckLength, kActionPushVlan, kActionOutputLast,
                                kActionOutputLast, kActionCopy, kActionRecirculate, kActionOutputLast}));
    EXPECT_EQ(list.actions[0].argument, 5u);
    EXPECT_EQ(list.actions[1].argument, 4u);
    EXPECT_EQ(list.actions[5].argument, 7u);
}

TEST(EbpfEncode, WhoIsNotChosenNeedsNoCopy) {
    Encoded list = encoded(kAny, "sample(sample=50%,actions(set(skb_mark(0x1)),3)),2");
    EXPECT_EQ(kinds(list), (std::vector<int>{kActionSample, kActionCopy, kActionSetMark, kActionOutputLast,
                                             kActionOutputLast}));
    EXPECT_EQ(list.actions[0].argument, 4u);
    EXPECT_EQ(list.actions[1].argument, 4u);
    list = encoded(kAny, "2,sample(sample=50%,actions(3))");
    EXPECT_EQ(kinds(list), (std::vector<int>{kActionOutput, kActionSample, kActionOutputLast, kActionEnd}));
    EXPECT_EQ(list.actions[1].argument, 3u);
}

TEST(EbpfEncode, TheDaemonTakesTheLengthAlong) {
    auto list = parse_actions("trunc(60),userspace(pid=0),trunc(70),2,3");
    ASSERT_TRUE(list.ok()) << list.message();
    auto both = parse_match(kAny);
    Encoded out = encode(*list, *megaflow_key(both->key, both->mask), [](PortNo) { return kPortDevice; });
    EXPECT_EQ(kinds(out), (std::vector<int>{kActionCopy, kActionHandUp, kActionCopy, kActionTruncate,
                                            kActionOutputLast, kActionOutputLast}));
    ASSERT_EQ(out.resume.size(), 2u);
    EXPECT_EQ(out.resume[0].data(), list->data());
    EXPECT_EQ(out.resume[0].size(), 2u);
    EXPECT_EQ(out.resume[1].data(), list->data() + 2);
    EXPECT_EQ(out.resume[1].size(), 2u);
    EXPECT_EQ(out.actions[3].argument, 70u);
}

TEST(EbpfEncode, TunnelsInTheMidstHaveTwoPlaces) {
    auto list = parse_actions("set(tunnel(dst=10.0.0.1,ttl=64)),5,set(tunnel(dst=10.0.0.2,ttl=64)),5,2");
    ASSERT_TRUE(list.ok()) << list.message();
    auto both = parse_match(kAny);
    Encoded out = encode(*list, *megaflow_key(both->key, both->mask),
                         [](PortNo port) { return port == 5 ? kPortTunnel : kPortDevice; });
    EXPECT_EQ(kinds(out), (std::vector<int>{kActionSetTunnel, kActionTunnelOutputCopy, kActionSetTunnel,
                                            kActionTunnelOutputCopy, kActionOutputLast}));
    ASSERT_EQ(out.resume.size(), 4u);
    uint16_t at = out.actions[3].small;
    EXPECT_EQ(out.resume[at].size(), 2u);
    EXPECT_EQ(out.resume[at].data(), list->data() + 3);
    EXPECT_EQ(out.resume[at + 1].size(), 1u);
    EXPECT_EQ(out.resume[at + 1].data(), list->data() + 3);
    EXPECT_EQ(out.tunnels.size(), 2u);
}

TEST(EbpfEncode, BehindARemovedTagOnlyWhatWasSeenIsKnown) {
    constexpr std::string_view kTagged =
        "recirc_id(0),in_port(1),eth_type(0x8100),vlan(vid=1,pcp=0),encap(eth_type(0x0800))";
    EXPECT_TRUE(encoded(kTagged, "pop_vlan,set(ipv4(ttl=1)),2").why.empty());
    EXPECT_FALSE(encoded(kAny, "pop_vlan,set(ipv4(ttl=1)),2").why.empty());
    EXPECT_TRUE(encoded(kAny, "pop_vlan,2").why.empty());
    EXPECT_TRUE(encoded(kAny, "push_vlan(vid=1,pcp=0),pop_vlan,set(ipv4(ttl=1)),2").why.empty());
}

// The daemon looks behind all tags that a list has put on, the programs behind as many as anybody does.
TEST(EbpfEncode, BehindTagsThatWerePutOnOnlyAsManyAsAreLookedBehind) {
    constexpr std::string_view kUntagged = "recirc_id(0),in_port(1),vlan(vid=0/0x0,pcp=0/0x0,cfi=0/1)",
                               kSet = "push_vlan(vid=1,pcp=0),set(ipv4(ttl=1)),2";
    EXPECT_FALSE(encoded(kAny, kSet).why.empty());
    EXPECT_TRUE(encoded(kAny, "push_vlan(vid=1,pcp=0),set(eth(src=00:00:00:00:00:01)),2").why.empty());
    EXPECT_TRUE(encoded(kUntagged, kSet).why.empty());
    EXPECT_FALSE(
        encoded(kUntagged, "push_vlan(vid=2,pcp=0),push_vlan(vid=1,pcp=0),set(ipv4(ttl=1)),2").why.empty());
}

// Neighbour discovery is not for the programs to look at.
TEST(EbpfEncode, WhatAnIcmpPacketBecomes) {
    EXPECT_TRUE(encoded(kAny, "set(icmp(type=3)),hash(l4(0)),recirc(0x1)").why.empty());
    EXPECT_TRUE(encoded(kAny, "set(icmpv6(type=129)),hash(l4(0)),recirc(0x1)").why.empty());
    EXPECT_TRUE(encoded(kAny, "set(icmpv6(type=136)),recirc(0x1)").why.empty());
    EXPECT_FALSE(encoded(kAny, "set(icmpv6(type=0/0x1)),set(ipv6(hlimit=3)),2").why.empty());
}

TEST(EbpfEncode, OutputsAreNamedWhoeverCarriesThemOut) {
    EXPECT_EQ(encoded(kAny, "clone(7,set(skb_mark(0x1)),3),check_pkt_len(size=1,gt(2),le(1))").outputs,
              (std::vector<PortNo>{7, 3, 2, 1}));
}

TEST(EbpfEncode, ACheckSaysWhereItsOtherListBegins) {
    Encoded list = encoded(kAny, "check_pkt_len(size=100,gt(set(skb_mark(0x1)),2),le(drop))");
    EXPECT_EQ(kinds(list),
              (std::vector<int>{kActionCheckLength, kActionSetMark, kActionOutputLast, kActionEnd}));
    EXPECT_EQ(list.actions[0].argument, 3u);
}

}  // namespace
}  // namespace weft::datapath::ebpf
