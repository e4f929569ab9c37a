// Outer headers: what is put on is read back, for every kind of tunnel; damage is an error, never a crash.

#include "datapath/userspace/outer_headers.h"

#include <gtest/gtest.h>

#include <random>

#include "datapath/api/text.h"
#include "datapath/userspace/tunnel_header.h"

namespace weft::datapath {
namespace {

constexpr const char* kHeaders[] = {
    "tnl_push(tnl_port(6081),header(size=50,type=5,eth(dst=f8:bc:12:44:34:b6,src=aa:55:aa:55:00:00,dl_type="
    "0x0800),ipv4(src=1.1.2.88,"
    "dst=1.1.2.92,proto=17,tos=0,ttl=64,frag=0x4000),udp(src=0,dst=6081,csum=0x0),geneve(vni=0x7b)),out_port("
    "3))",
    "tnl_push(tnl_port(6081),header(size=70,type=5,eth(dst=f8:bc:12:44:34:b6,src=aa:55:aa:55:00:00,dl_type="
    "0x0800),ipv4(src=1.1.2.88,"
    "dst=1.1.2.92,proto=17,tos=0x10,ttl=64,frag=0x0),udp(src=0,dst=6081,csum=0xffff),geneve(oam,crit,vni="
    "0x567890,options({class="
    "0xffff,type=0x80,len=4,0xa}{class=0xfffe,type=0,len=8,0xb}))),out_port(4))",
    "tnl_push(tnl_port(4789),header(size=70,type=4,eth(dst=f8:bc:12:44:34:b6,src=aa:55:aa:55:00:00,dl_type="
    "0x86dd),ipv6(src=2001:"
    "cafe::88,dst=2001:cafe::92,label=0,proto=17,tclass=0x0,hlimit=9),udp(src=0,dst=4789,csum=0xffff),vxlan("
    "flags=0x88080007,vni=0x5)"
    "),out_port(5))",
    "tnl_push(tnl_port(3),header(size=38,type=3,eth(dst=f8:bc:12:44:34:b6,src=aa:55:aa:55:00:00,dl_type="
    "0x0800),ipv4(src=1.1.2.88,dst="
    "1.1.2.92,proto=47,tos=0,ttl=64,frag=0x4000),gre((flags=0x0,proto=0x6558))),out_port(5))",
    "tnl_push(tnl_port(3),header(size=66,type=109,eth(dst=f8:bc:12:44:34:b6,src=aa:55:aa:55:00:00,dl_type="
    "0x86dd),ipv6(src=2001:cafe::"
    "88,dst=2001:cafe::92,label=0,proto=47,tclass=0x0,hlimit=64),gre((flags=0xa000,proto=0x6558),csum=0x0,"
    "key=0x77)),out_port(5))",
    "tnl_push(tnl_port(1),header(size=50,type=107,eth(dst=f8:bc:12:44:34:b6,src=aa:55:aa:55:00:00,dl_type="
    "0x0800),ipv4(src=1.1.2.88,"
    "dst=1.1.2.92,proto=47,tos=0,ttl=64,frag=0x4000),erspan(ver=1,sid=0x7,idx=0x3)),out_port(5))",
    "tnl_push(tnl_port(1),header(size=54,type=107,eth(dst=f8:bc:12:44:34:b6,src=aa:55:aa:55:00:00,dl_type="
    "0x0800),ipv4(src=1.1.2.88,"
    "dst=1.1.2.92,proto=47,tos=0,ttl=64,frag=0x4000),erspan(ver=2,sid=0x8,dir=1,hwid=0x7)),out_port(5))",
    "tnl_push(tnl_port(2152),header(size=50,type=110,"
    "eth(dst=f8:bc:12:44:34:b6,src=aa:55:aa:55:00:00,dl_type=0x0800),ipv4(src=1.1.2.88,"
    "dst=1.1.2.92,proto=17,tos=0,ttl=64,frag=0x4000),udp(src=0,dst=2152,csum=0x0),gtpu(flags=0x30,msgtype="
    "255,"
    "teid=0x7b)),out_port(5))",
    "tnl_push(tnl_port(1),header(size=46,type=3,"
    "eth(dst=f8:bc:12:44:34:b6,src=aa:55:aa:55:00:00,dl_type=0x0800),ipv4(src=1.1.2.88,"
    "dst=1.1.2.92,proto=47,tos=0,ttl=64,frag=0x4000),gre((flags=0x3000,proto=0x800),key=0x3,seq=0x0)),out_"
    "port(5))",
    "tnl_push(tnl_port(4790),header(size=50,type=4,"
    "eth(dst=f8:bc:12:44:34:b6,src=aa:55:aa:55:00:00,dl_type=0x0800),ipv4(src=1.1.2.88,"
    "dst=1.1.2.92,proto=17,tos=0,ttl=64,frag=0x4000),udp(src=0,dst=4790,csum=0x0),vxlan(flags=0xc000004,vni="
    "0x5)),"
    "out_port(5))"};

PushTunnel push_of(const std::string& text) {
    auto actions = parse_actions(text);
    EXPECT_TRUE(actions.ok()) << text << ": " << (actions.ok() ? "" : actions.message());
    return *actions->at(0).get_if<PushTunnel>();
}

Bytes inner_frame() {
    Bytes frame(80, 0x5a);
    frame[12] = 0x12;
    return frame;
}

constexpr uint32_t kIpv4Packet = 1u << 16 | 0x0800;

// What `push` carries.
Bytes inner(const PushTunnel& push) {
    if (!push.packet_type) return inner_frame();
    Bytes packet(80, 0x45);
    return packet;
}

struct Read {
    bool ok = false;
    uint32_t packet_type = 0;
    Bytes inner;
    packet::Tunnel tunnel = packet::zero_flow().tunnel;
};
Read read(const packet::Packet& packet, PortType type) {
    Read out;
    packet::Flow key = packet::zero_flow();
    packet::Layout layout = packet::extract(packet, key);
    auto rest = read_outer_headers(packet.view(), layout, key, out.tunnel);
    if (!rest) return out;
    auto inner = read_tunnel_header(*rest, type, out.tunnel);
    if (!inner) return out;
    out.ok = true;
    out.inner.assign(inner->bytes.begin(), inner->bytes.end());
    out.packet_type = inner->packet_type;
    return out;
}

TEST(OuterHeaders, TextAndBytesThereAndBack) {
    for (std::string text : kHeaders) {
        PushTunnel push = push_of(text);
        EXPECT_EQ(format_actions({push}), text);
        if (push.type == PortType::kGtpu) push.packet_type = kIpv4Packet;  // which its header does not tell
        packet::Packet packet(inner(push));
        ASSERT_TRUE(push_outer_headers(packet, push, 0x80000000, 1));
        size_t size = std::stoul(text.substr(text.find("size=") + 5));
        EXPECT_EQ(packet.size(), size + inner(push).size()) << text;
        Read back = read(packet, push.type);
        ASSERT_TRUE(back.ok) << text;
        EXPECT_EQ(back.inner, inner(push));
        EXPECT_EQ(back.packet_type, push.packet_type);
        EXPECT_EQ(static_cast<uint64_t>(back.tunnel.id), push.header.id);
        EXPECT_EQ(back.tunnel.ttl, push.header.ttl);
        EXPECT_EQ(back.tunnel.tos, push.header.tos);
        EXPECT_EQ(static_cast<uint32_t>(back.tunnel.dst), push.header.dst);
        if (!is_gre(push.type)) {
            EXPECT_EQ(static_cast<uint16_t>(back.tunnel.tp_src), 46884) << "the middle of the range";
        }
    }
}

TEST(OuterHeaders, DamageIsAnError) {
    std::mt19937 random(1);
    for (std::string text : kHeaders) {
        PushTunnel push = push_of(text);
        packet::Packet whole(inner(push));
        push_outer_headers(whole, push, 1, 1);
        for (size_t size = 0; size < whole.size(); size++) {
            packet::Packet cut(ByteView(whole.data(), size));
            EXPECT_FALSE(read(cut, push.type).ok) << text << " cut to " << size;
        }
        for (int i = 0; i < 2000; i++) {
            packet::Packet damaged = whole;
            for (int flips = 0; flips < 3; flips++)
                damaged.data()[random() % damaged.size()] ^= 1 << random() % 8;
            (void)read(damaged, push.type);
        }
    }
}

TEST(OuterHeaders, WhatIpCannotHold) {
    PushTunnel push = push_of(kHeaders[0]);
    packet::Packet packet(Bytes(65535, 0));
    EXPECT_FALSE(push_outer_headers(packet, push, 1, 1));
}

TEST(OuterHeaders, TextThatIsNone) {
    std::string good = kHeaders[0];
    for (auto [from, to] : {std::pair("vni=0x7b", "vni=0x1000000"), std::pair("geneve(vni=0x7b)", "gretap()"),
                            std::pair("src=1.1.2.88", "src=1.1.2"), std::pair("out_port(3)", "in_port(3)"),
                            std::pair(",out_port(3)", ""), std::pair("ttl=64", "ttl=300")}) {
        std::string bad = good;
        bad.replace(bad.find(from), std::string(from).size(), to);
        EXPECT_FALSE(parse_actions(bad)) << bad;
    }
    EXPECT_FALSE(parse_actions("tnl_pop(x)"));
    EXPECT_EQ(format_actions(*parse_actions("tnl_pop(4789)")), "tnl_pop(4789)");
}

}  // namespace
}  // namespace weft::datapath
