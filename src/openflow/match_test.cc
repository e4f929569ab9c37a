// Matches: text, wire and back.  That Debian's ovs-ofctl reads and prints the same is tests/interop's to
// show.

#include "openflow/match.h"

#include <gtest/gtest.h>

namespace weft::openflow {
namespace {

const char* const kMatches[] = {
    "",
    "tcp",
    "pkt_mark=0x1,conj_id=3,ct_state=-new+trk,tcp,reg0=0x1,reg1=0x10/0xf0,reg15=0x3,metadata=0x5,in_port=3,"
    "dl_vlan=5,dl_vlan_pcp=3,dl_src=00:00:00:00:00:01,dl_dst=00:00:00:00:00:02/00:00:00:00:00:ff,"
    "nw_src=1.2.3.4,nw_dst=1.0.3.0/255.0.255.0,nw_tos=4,nw_ecn=1,nw_ttl=5,nw_frag=no,tp_src=1,tp_dst=0x2/0x3,"
    "tcp_flags=+syn-ack",
    "icmp6,ipv6_src=::1,ipv6_dst=fe80::/64,ipv6_label=0x00005,icmp_type=135,icmp_code=0,nd_target=::5,"
    "nd_sll=00:00:00:00:00:01",
    "icmp6,icmp_type=136,icmp_code=0,nd_target=::5,nd_tll=00:00:00:00:00:01,nd_reserved=5,nd_options_type=4",
    "arp,dl_vlan=291,dl_vlan_pcp=0,arp_spa=1.0.0.0/8,arp_tpa=1.1.1.1,arp_op=1,arp_sha=00:00:00:00:00:01,"
    "arp_tha=00:00:00:00:00:02",
    "mpls,vlan_tci=0x1005/0x100f,mpls_label=5,mpls_tc=1,mpls_ttl=4,mpls_bos=1",
    "dl_type=0x894f,nsh_flags=0x01/0x01,nsh_ttl=5,nsh_mdtype=1,nsh_np=2,nsh_spi=0x5,nsh_si=6,nsh_c1=0x1,"
    "nsh_c2=0x2/0x3",
    "tun_id=0x1/0x3,tun_src=1.1.1.1,tun_dst=2.2.2.2,tun_ipv6_src=::1,tun_ipv6_dst=::2,tun_gbp_id=5,"
    "tun_gbp_flags=0x10,tun_erspan_ver=1,tun_erspan_idx=0x2,gtpu_flags=0x1,gtpu_msgtype=2,tun_flags=+oam",
    "ct_state=-inv+trk,ct_zone=1,ct_mark=0x1/0x3,ct_label=0x5/0x7,ct_nw_src=1.2.3.4,ct_nw_dst=1.2.3.0/24,"
    "ct_nw_proto=6,ct_tp_src=5,ct_tp_dst=0x6/0x7,tcp",
    "tun_metadata0=0x12345678,tun_metadata1=0xabcdef0123456789abcd,tun_metadata63=0x3/0x33",
    "dl_vlan_pcp=3",
    "vlan_tci=0x1000/0x1000",
    "packet_type=(1,0x800),nw_src=1.2.3.4",
    "ct_mark=0,ct_label=0,reg0=0,tun_id=0,metadata=0",
    "in_port=LOCAL,ip,nw_frag=not_later",
};

TEST(Match, TextAndWireAgree) {
    for (const char* text : kMatches) {
        // gtpu_flags and gtpu_msgtype are printed under names that are not read.
        std::string given = text;
        for (size_t at; (at = given.find(",gtpu_")) != given.npos;) given.replace(at, 6, ",tun_gtpu_");
        // What is printed before the protocol may need it for its prerequisites: only the wire cares about
        // order.
        Result<Match> match = parse_match(given);
        ASSERT_TRUE(match.ok()) << text << ": " << match.message();
        std::string in_port_last = to_string(*match);
        EXPECT_EQ(parse_match(given)->hash(), match->hash());
        for (Version version : {Version::k10, Version::k12, Version::k13, Version::k15}) {
            ByteWriter out;
            if (version == Version::k10) {
                encode_nxm(*match, version, out);
            } else {
                encode_oxm_match(*match, version, out);
                EXPECT_EQ(out.size() % 8, 0u);
            }
            Match back;
            OfError error;
            if (version == Version::k10) {
                error = decode_nxm(out.view(), {}, back);
            } else {
                ByteReader in(out.view());
                error = decode_oxm_match(in, {}, back);
            }
            EXPECT_EQ(error, OfError::kNone) << text << ": " << error_name(error);
            EXPECT_EQ(to_string(back), in_port_last) << version_name(version);
            EXPECT_TRUE(back == *match) << text;
        }
    }
}

TEST(Match, Texts) {
    for (const char* text : kMatches) {
        std::string given = text;
        for (size_t at; (at = given.find(",gtpu_")) != given.npos;) given.replace(at, 6, ",tun_gtpu_");
        EXPECT_EQ(to_string(*parse_match(given)), std::string(text).find("in_port=LOCAL,ip") == 0
                                                      ? "ip,in_port=LOCAL,nw_frag=not_later"
                                                      : text);
    }
    EXPECT_EQ(to_string(*parse_match("ip,ip_dscp=5")), "ip,nw_tos=20");
    EXPECT_EQ(to_string(*parse_match("reg0=1,xreg1=5")), "reg0=0x1,reg2=0,reg3=0x5");
    EXPECT_EQ(to_string(*parse_match("tp_src=5,nw_src=1.2.3.4")), "");
    EXPECT_EQ(to_string(*parse_match("tcp,tcp_flags=syn|ack")), "tcp,tcp_flags=syn|ack");
    EXPECT_EQ(to_string(*parse_match("tcp,tcp_flags=0x800/0x800")), "tcp,tcp_flags=+[800]");
    EXPECT_EQ(parse_match("ip,nw_proto=300").message(), "300: value too large for 1-byte field nw_proto");
    EXPECT_EQ(parse_match("nosuch=5").message(), "unknown keyword nosuch");
    EXPECT_EQ(parse_match("ct_state=+foo").message(), "foo: unknown ct_state flag(s)");
}

TEST(Match, WireErrors) {
    auto decode = [](std::initializer_list<uint8_t> bytes) {
        Match match;
        return decode_nxm(ByteView(bytes.begin(), bytes.size()), {}, match);
    };
    EXPECT_EQ(decode({0x80, 0, 11 << 1, 4, 1, 2, 3, 4}), OfError::OFPBMC_BAD_PREREQ);
    EXPECT_EQ(decode({0x80, 0, 5 << 1, 2, 8, 0, 0x80, 0, 5 << 1, 2, 8, 0}), OfError::OFPBMC_DUP_FIELD);
    EXPECT_EQ(decode({0x80, 0, 5 << 1, 2, 8}), OfError::OFPBMC_BAD_LEN);
    EXPECT_EQ(decode({0x80, 0, 5 << 1, 3, 8, 0, 0}), OfError::OFPBMC_BAD_LEN);
    EXPECT_EQ(decode({0x80, 0, 100 << 1, 2, 8, 0}), OfError::OFPBMC_BAD_FIELD);
    EXPECT_EQ(decode({0x80, 0, 5 << 1 | 1, 4, 8, 0, 0xff, 0}), OfError::OFPBMC_BAD_MASK);
    EXPECT_EQ(decode({0x00, 1, 1, 8, 0, 0, 0, 3, 0, 0, 0, 1}), OfError::OFPBMC_BAD_WILDCARDS);
}

TEST(Field, SubfieldsOfRegisters) {
    packet::Flow flow = packet::zero_flow();
    set_subfield_u64(flow, {FieldId::kXXReg0, 60, 8}, 0xab);
    EXPECT_EQ(flow.regs[1], 0xau);
    EXPECT_EQ(flow.regs[2], 0xb0000000u);
    move_subfield(flow, {FieldId::kXXReg0, 60, 8}, {FieldId::kIpTtl, 0, 8});
    EXPECT_EQ(flow.nw_ttl, 0xab);
    EXPECT_EQ(get_subfield_u64(flow, {FieldId::kReg2, 28, 4}), 0xbu);
}

}  // namespace
}  // namespace weft::openflow
