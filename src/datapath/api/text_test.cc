// Every line here is what Debian's ovs-appctl dpctl/dump-flows printed for the same key and actions.

#include "datapath/api/text.h"

#include <gtest/gtest.h>

namespace weft::datapath {
namespace {

void expect_match(std::string_view text, std::string_view printed = {}) {
    auto both = parse_match(text);
    ASSERT_TRUE(both.ok()) << text << ": " << both.message();
    EXPECT_EQ(format_match(both->key, both->mask), printed.empty() ? text : printed);
}

TEST(Text, MatchesPrintAsTheyWereRead) {
    expect_match(
        "recirc_id(0),in_port(1),packet_type(ns=0,id=0),eth(src=50:54:00:00:00:05),eth_type(0x0800),"
        "ipv4(proto=1,ttl=64,frag=no)");
    expect_match("recirc_id(0),in_port(1),packet_type(ns=0,id=0),eth_type(0x0806)");
    // What is 0 and not looked at is left out.
    expect_match(
        "recirc_id(0),in_port(1),packet_type(ns=0,id=0),eth_type(0x8100),vlan(vid=5),encap(eth_type(0x0806)"
        ")");
    expect_match(
        "recirc_id(0),in_port(1),packet_type(ns=0,id=0),eth_type(0x8100),vlan(pcp=0),encap(eth_type(0x0806)"
        ")");
    expect_match(
        "recirc_id(0),in_port(1),packet_type(ns=0,id=0),eth_type(0x8100),vlan(vid=5,pcp=3/0x0),"
        "encap(eth_type(0x0800),ipv4(frag=later))");
    expect_match(
        "recirc_id(0),in_port(1),packet_type(ns=0,id=0),eth_type(0x8847),mpls(label=100/0x0,tc=3/0,ttl=64/"
        "0x0,bos=1/1)");
    expect_match(
        "recirc_id(0),in_port(1),eth(src=01:02:03:04:05:06,dst=01:02:03:04:05:07),eth_type(0x8100),vlan(vid="
        "5,pcp=3/0x0),"
        "encap(eth_type(0x8100),vlan(vid=7,pcp=0),encap(eth_type(0x0800),ipv4(proto=17,frag=first),udp(src=1,"
        "dst=2)))");
    expect_match(
        "recirc_id(0),in_port(1),eth(),eth_type(0x88a8),vlan(vid=5,pcp=3),encap(eth_type(0x86dd),ipv6(src="
        "fe80::/ffff::,"
        "label=0x5,proto=58,tclass=0x4,hlimit=3,frag=no),icmpv6(type=136,code=0),nd(target=::1/::ff,"
        "sll=00:00:00:00:00:01,tll=00:00:00:00:00:02))");
    expect_match(
        "skb_priority(0x2/0xf),tunnel(tun_id=0x1,src=1.1.1.1,dst=2.2.2.2,geneve({class=0x102,type=0x80,len=4,"
        "0x10002/"
        "0x7fffffff}),flags(-df+csum+key)),skb_mark(0x1),ct_state(+new-est+trk),ct_zone(0x5),ct_mark(0x1/"
        "0xff),"
        "ct_label(0x1),recirc_id(0),dp_hash(0x5/"
        "0xf),in_port(6081),eth(),eth_type(0x0806),arp(sip=1.1.1.1,op=1,"
        "sha=00:00:00:00:00:01)");
    expect_match(
        "recirc_id(0),in_port(1),packet_type(ns=1,id=0x800),eth_type(0x0800),ipv4(proto=132,frag=no),sctp("
        "src=5,dst=6)");
    expect_match(
        "recirc_id(0),in_port(1),eth(),eth_type(0x0800),ipv4(proto=1,frag=no),icmp(type=8/0xf8,code=0)");
    expect_match("recirc_id(0),in_port(1),eth(),eth_type(0x0800),ipv4(proto=6),tcp_flags(syn|ack)");
    expect_match("in_port(1),eth(),eth_type(0x1234)", "recirc_id(0),in_port(1),eth(),eth_type(0x1234)");
}

TEST(Text, VerboseMatches) {
    auto both = parse_match(
        "recirc_id(0),in_port(1),packet_type(ns=0,id=0),eth(src=50:54:00:00:00:05),eth_type(0x0800),"
        "ipv4(src=192.168.0.1/0.0.0.0,dst=192.168.0.2/0.0.0.0,proto=1,ttl=64,frag=no),icmp(type=8/0,code=0/"
        "0)");
    ASSERT_TRUE(both.ok()) << both.message();
    EXPECT_EQ(
        format_match(both->key, both->mask, nullptr, true),
        "skb_priority(0/0),skb_mark(0/0),ct_state(0/0),ct_zone(0/0),ct_mark(0/0),ct_label(0/0),recirc_id(0),"
        "dp_hash(0/0),in_port(1),packet_type(ns=0,id=0),eth(src=50:54:00:00:00:05,dst=00:00:00:00:00:00/"
        "00:00:00:00:00:00),eth_type(0x0800),ipv4(src=192.168.0.1/0.0.0.0,dst=192.168.0.2/0.0.0.0,proto=1,"
        "tos=0/0,ttl=64,frag=no),icmp(type=8/0,code=0/0)");
}

TEST(Text, ActionsPrintAsTheyWereRead) {
    for (std::string_view text :
         {"set(eth(dst=01:02:03:04:05:06))",
          "set(eth(src=01:02:03:04:05:06,dst=01:02:03:04:05:06))",
          "set(eth(dst=01:02:03:04:05:06/ff:ff:ff:ff:ff:00))",
          "set(tcp(src=5))",
          "set(tcp(src=5,dst=6))",
          "set(skb_priority(0x7))",
          "set(skb_priority(0x7/0xf))",
          "set(skb_mark(0x5/0xff))",
          "push_vlan(vid=5,pcp=3)",
          "push_vlan(vid=5,pcp=3,cfi=0)",
          "push_vlan(tpid=0x88a8,vid=1,pcp=0)",
          "pop_vlan",
          "recirc(0x33)",
          "hash(l4(0)),recirc(0x1)",
          "hash(sym_l4(7))",
          "trunc(100),3",
          "sample(sample=50.0%,actions(2))",
          "sample(sample=0.1%,actions(push_vlan(vid=1,pcp=0),2))",
          "sample(sample=100.0%,actions(2))",
          "clone(push_vlan(vid=1,pcp=0),2)",
          "clone(2),3",
          "check_pkt_len(size=100,gt(2),le(1))",
          "check_pkt_len(size=100,gt(drop),le(1,2))",
          "meter(3)",
          "lb_output(4)",
          "drop",
          "ct_clear",
          "pop_eth",
          "push_eth(src=00:00:00:00:00:01,dst=00:00:00:00:00:02)",
          "push_mpls(label=5,tc=1,ttl=3,bos=1,eth_type=0x8847)",
          "add_mpls(label=5,tc=1,ttl=3,bos=1,eth_type=0x8848)",
          "push_nsh(flags=0,ttl=63,mdtype=1,np=3,spi=0x7b,si=255,c1=0x0,c2=0x1,c3=0x2,c4=0xffffffff)",
          "push_nsh(flags=1,ttl=2,mdtype=2,np=1,spi=0x0,si=1,md2=0),pop_nsh()",
          "push_nsh(flags=0,ttl=2,mdtype=2,np=4,spi=0x0,si=1,md2=0x10000a0412345678)",
          "set(nsh(ttl=2,spi=0x5,si=9))",
          "pop_mpls(eth_type=0x800),2",
          "set(mpls(label=3,tc=1,ttl=5,bos=1))",
          "set(mpls(label=0/0x0,tc=0/0,ttl=5/0xff,bos=0/0))",
          "set(arp(sip=1.2.3.4,tip=1.2.3.5,op=2,sha=00:00:00:00:00:01,tha=00:00:00:00:00:02))",
          "set(arp(op=2,sha=00:00:00:00:00:01))",
          "set(nd(target=::1,sll=00:00:00:00:00:01))",
          "set(nd_ext(nd_reserved=0x1,nd_options_type=2))",
          "set(icmpv6(type=1,code=2))",
          "set(icmp(code=2))",
          "set(ipv6(src=::1,dst=::2/::f,label=0x3,tclass=0x4,hlimit=3))",
          "set(ipv4(src=1.2.3.4,dst=1.2.3.4/255.255.255.0,tos=0x4/0xfc,ttl=3))",
          "set(udp(dst=5/0xff))",
          "set(sctp(src=6,dst=9))",
          "userspace(pid=0,userdata(0102000000000000))",
          "userspace(pid=5,userdata(00),actions)",
          "userspace(pid=0,userdata(0100000000000000),tunnel_out_port=6081)",
          "ct(zone=5)",
          "ct,ct(commit),ct(force_commit,zone=5,mark=0x1/0xff,label=0x1/0xffff,helper=ftp,nat)",
          "ct(commit,nat(src=1.2.3.4-1.2.3.8:100-200,persistent,random)),ct(commit,nat(dst=10.0.0.1,hash))",
          "ct(commit,nat(src)),ct(commit,timeout=abc,nat(src=[fe80::1]-[fe80::2]:5))",
          "ct(commit,nat(src=1.1.1.1:5))",
          "ct(commit,nat(dst=[fe80::1]:5-6))",
          "ct(commit,nat(dst=fe80::1-fe80::5))",
          "set(tunnel(tun_id=0x1,src=1.1.1.1,dst=10.0.0.1,tos=0x4,ttl=64,tp_src=5,tp_dst=6081,geneve({class="
          "0x102,"
          "type=0x80,len=4,0x10002}{class=0x1,type=0,len=0}),flags(df|csum|key))),4",
          "set(tunnel(dst=1.1.1.1,ttl=64,vxlan(gbp(id=5,flags=0x8)),flags(df)))",
          "set(tunnel(tun_id=0x7,dst=1.1.1.1,ttl=64,erspan(ver=1,idx=0x5),flags(df|key)))",
          "set(tunnel(tun_id=0x7,dst=1.1.1.1,ttl=64,erspan(ver=2,dir=1,hwid=0x3f),flags(df|key)))",
          "set(tunnel(tun_id=0x7,dst=1.1.1.1,ttl=64,gtpu(flags=0x30,msgtype=255),flags(df|key)))",
          "set(tunnel(tun_id=0x7,dst=1.1.1.1,ttl=64,flags(df|key|gpe|seq)))",
          "set(tunnel(dst=10.0.0.1))",
          "set(tunnel(tun_id=0x0,dst=10.0.0.1,flags(key)))"}) {
        auto actions = parse_actions(text);
        ASSERT_TRUE(actions.ok()) << text << ": " << actions.message();
        EXPECT_EQ(format_actions(*actions), text);
    }
}

TEST(Text, MistakesAreNamed) {
    EXPECT_EQ(parse_actions("set(foo(a=1))").message(), "\"foo\" is not a field that can be set");
    EXPECT_EQ(parse_actions("bar(3)").message(), "unknown action \"bar\"");
    EXPECT_EQ(parse_actions("xyz").message(), "\"xyz\" is neither an action nor a port");
    EXPECT_EQ(parse_actions("clone(2").message(), "missing closing parenthesis in \"clone(2\"");
    EXPECT_EQ(parse_match("eth(source=1)").message(), "eth(source=1): eth has no field \"source\"");
    EXPECT_EQ(parse_match("in_port(p9)").message(), "\"p9\" is neither a port's name nor its number");
    EXPECT_FALSE(parse_match("eth_type(0x10000)").ok());
    std::string deep = "2";
    for (int i = 0; i < 100; i++) deep = "clone(" + deep + ")";
    EXPECT_FALSE(parse_actions(deep).ok());
}

}  // namespace
}  // namespace weft::datapath
