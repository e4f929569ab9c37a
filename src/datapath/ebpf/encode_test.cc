#include "datapath/ebpf/encode.h"

#include <gtest/gtest.h>

#include "datapath/api/text.h"

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
         {"2,7", "clone(set(skb_mark(0x1)),3),2", "2,userspace(pid=0)", "recirc(0x1),2", "set(sctp(dst=1)),2",
          "push_mpls(label=5,tc=1,ttl=3,bos=1,eth_type=0x8847),2", "trunc(60),2", "meter(1),2", "5,2",
          "set(tunnel(tun_id=1,dst=10.0.0.1,flags(key),geneve({class=0x102,type=0x80,len=8,0x1020304050607}))"
          "),5",
          "set(tunnel(tun_id=1,ipv6_dst=fd00::1,flags(key))),5", "pop_vlan,ct,2",
          "push_vlan(tpid=0x9100,vid=1,pcp=0),2", "check_pkt_len(size=100,gt(2),le(3)),2",
          "check_pkt_len(size=100,gt(2,3,2,3),le(3,2,3,2))"}) {
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
    ASSERT_EQ(out.remotes.size(), 1u);
    EXPECT_EQ(out.remotes[0].dst, Be32(0x0a000001).raw());
    EXPECT_EQ(out.remotes[0].src, 0u);
}

TEST(EbpfEncode, BehindARemovedTagOnlyWhatWasSeenIsKnown) {
    constexpr std::string_view kTagged =
        "recirc_id(0),in_port(1),eth_type(0x8100),vlan(vid=1,pcp=0),encap(eth_type(0x0800))";
    EXPECT_TRUE(encoded(kTagged, "pop_vlan,set(ipv4(ttl=1)),2").why.empty());
    EXPECT_FALSE(encoded(kAny, "pop_vlan,set(ipv4(ttl=1)),2").why.empty());
    EXPECT_TRUE(encoded(kAny, "pop_vlan,2").why.empty());
    EXPECT_TRUE(encoded(kAny, "push_vlan(vid=1,pcp=0),pop_vlan,set(ipv4(ttl=1)),2").why.empty());
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
