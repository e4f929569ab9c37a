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
    return encode(*list, *keys, [](PortNo port) { return port < 4; });
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
          "push_mpls(label=5,tc=1,ttl=3,bos=1,eth_type=0x8847),2", "trunc(60),2", "meter(1),2",
          "ct(commit),2", "push_vlan(tpid=0x9100,vid=1,pcp=0),2", "check_pkt_len(size=100,gt(2),le(3)),2",
          "check_pkt_len(size=100,gt(2,3,2,3),le(3,2,3,2))"}) {
        Encoded list = encoded(kAny, actions);
        EXPECT_EQ(kinds(list), (std::vector<int>{kActionToUserspace})) << actions;
        EXPECT_FALSE(list.why.empty()) << actions;
    }
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
