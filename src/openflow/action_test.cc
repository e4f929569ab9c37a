// Actions: text, wire and back, and what is refused.

#include "openflow/action_check.h"

#include <gtest/gtest.h>

#include <random>

namespace weft::openflow {
namespace {

const char* const kActions[] = {
    "drop",
    "output:1,LOCAL,IN_PORT,NORMAL,FLOOD,ALL,CONTROLLER:65535,CONTROLLER:100,output:NXM_NX_REG0[0..15]",
    "output(port=5,max_len=100),group:5,set_queue:5,pop_queue",
    "controller(reason=no_match,max_len=5,id=5),controller(userdata=01.02.03,pause),controller(pause,meter_"
    "id=5)",
    "set_field:0x1->reg0,set_field:00:00:00:00:00:01->eth_src,set_field:fe80::1->ipv6_dst,set_field:0x5->tun_"
    "metadata0",
    "set_field:4101->vlan_vid,set_field:3->vlan_pcp,push_vlan:0x88a8,pop_vlan",
    "move:NXM_NX_REG0[0..15]->NXM_NX_REG1[16..31],push:NXM_NX_REG0[],pop:NXM_NX_REG1[3..5]",
    "dec_ttl,dec_ttl(0),dec_ttl(1,2,3),dec_mpls_ttl,push_mpls:0x8847,pop_mpls:0x0800,dec_nsh_ttl,delete_"
    "field:tun_"
    "metadata0",
    "encap(nsh(md_type=2,tlv(0x1000,10,0x12345678))),encap(ethernet),decap(),decap(packet_type(ns=1,type="
    "0x894f))",
    "resubmit:5,resubmit(5,6),resubmit(,7),resubmit(5,7,ct),exit,note:01.02.03.00.00.00",
    "learn(table=2,idle_timeout=10,hard_timeout=20,fin_idle_timeout=1,fin_hard_timeout=2,priority=5,send_"
    "flow_rem,"
    "delete_learned,cookie=0x55,limit=5,result_dst=NXM_NX_REG0[3],NXM_OF_VLAN_TCI[0..11],"
    "NXM_OF_ETH_DST[]=NXM_OF_ETH_SRC[],eth_type=0x800,load:NXM_OF_IN_PORT[]->NXM_NX_REG0[0..15],"
    "load:0x5->NXM_NX_REG1[],output:NXM_OF_IN_PORT[])",
    "conjunction(5,1/2),conjunction(6,2/3)",
    "sample(probability=5,collector_set_id=1,obs_domain_id=2,obs_point_id=3,sampling_port=4,ingress)",
    "clone(output:1,output:2,clone(output:3)),check_pkt_larger(1500)->NXM_NX_REG0[0]",
    "fin_timeout(idle_timeout=5,hard_timeout=6),fin_timeout()",
    "ct,ct(commit),ct(commit,force,table=6,zone=5,alg=ftp),ct(table=1,zone=NXM_NX_REG0[0..15],nat),"
    "ct(commit,exec(set_field:0x1->ct_mark,set_field:0x5->ct_label)),ct_clear",
    "ct(commit,nat(src=1.2.3.4)),ct(commit,nat(dst=1.2.3.4-1.2.3.8:5-6,persistent,hash)),ct(commit,nat(src=::"
    "1)),"
    "ct(commit,nat(dst=[::1]-[::5]:80-90)),ct(commit,nat(src)),ct(nat)",
    "multipath(symmetric_l3l4+udp,50,iter_hash,5,6,NXM_NX_REG1[]),bundle(eth_src,50,active_backup,ofport,"
    "members:1,2,3),bundle_load(nw_src,50,hrw,ofport,NXM_NX_REG0[0..15],members:1,2)",
};

TEST(Actions, TextAndWireAgree) {
    for (const char* text : kActions) {
        auto actions = parse_actions(text);
        ASSERT_TRUE(actions.ok()) << text << ": " << actions.message();
        EXPECT_EQ(to_string(*actions), text);
        for (Version version : {Version::k13, Version::k15}) {
            ByteWriter out;
            encode_actions(*actions, version, out);
            ActionList back;
            OfError error = decode_actions(out.view(), version, {}, back);
            EXPECT_EQ(error, OfError::kNone) << text << ": " << error_name(error);
            EXPECT_EQ(to_string(back), text) << version_name(version);
        }
    }
}

std::string as(Version version, const char* text) {
    auto actions = parse_actions(text);
    if (!actions.ok()) return actions.message();
    Match match;
    note_vlan_state(*actions, match);
    ByteWriter out;
    encode_instructions(*actions, version, out);
    ActionList back;
    OfError error = decode_instructions(out.view(), version, {}, back);
    return error == OfError::kNone ? to_string(back) : error_name(error);
}

TEST(Actions, VersionsSpellTheSameDifferently) {
    EXPECT_EQ(as(Version::k15, "load:5->reg0[0..15]"), "set_field:0x5/0xffff->reg0");
    EXPECT_EQ(as(Version::k13, "load:5->reg0[0..15]"), "load:0x5->NXM_NX_REG0[0..15]");
    EXPECT_EQ(as(Version::k13, "set_field:0x30c/0xf0f->reg0"),
              "load:0xc->NXM_NX_REG0[0..3],load:0x3->NXM_NX_REG0[8..11]");
    EXPECT_EQ(as(Version::k15, "mod_vlan_vid:5"), "push_vlan:0x8100,set_field:4101->vlan_vid");
    EXPECT_EQ(as(Version::k10, "mod_vlan_vid:5,strip_vlan"), "mod_vlan_vid:5,strip_vlan");
    EXPECT_EQ(as(Version::k10, "set_field:10.0.0.1->ip_src,set_field:5->reg0"),
              "mod_nw_src:10.0.0.1,load:0x5->NXM_NX_REG0[]");
    EXPECT_EQ(as(Version::k10, "goto_table:5"), "resubmit(,5)");
    EXPECT_EQ(as(Version::k10, "enqueue:1:2"), "enqueue:1:2");
    EXPECT_EQ(as(Version::k13, "enqueue:1:2"), "set_queue:2,output:1,pop_queue");
    EXPECT_EQ(as(Version::k10, "set_field:::1->nd_target"),
              "load:0x1->NXM_NX_ND_TARGET[0..63],load:0->NXM_NX_ND_TARGET[64..127]");
    EXPECT_EQ(as(Version::k11, "set_field:1->nw_ecn"), "mod_nw_ecn:1");
    EXPECT_EQ(as(Version::k11, "set_field:5->sctp_dst"), "load:0x5->OXM_OF_SCTP_DST[]");
    const char* instructions =
        "meter:5,output:1,clear_actions,write_actions(output:1,set_field:0x1->reg0),write_metadata:0x1,goto_"
        "table:7";
    EXPECT_EQ(as(Version::k13, instructions), instructions);
    EXPECT_EQ(as(Version::k15, instructions), instructions);
}

TEST(Actions, TextErrors) {
    auto message = [](const char* text) { return parse_actions(text).message(); };
    EXPECT_EQ(message("foo"), "unknown action foo");
    EXPECT_EQ(message("drop,1"), "\"drop\" must not be accompanied by any other action or instruction");
    EXPECT_EQ(message("1,goto_table:5,2"),
              "invalid instruction ordering: apply_actions must appear before goto_table, for OpenFlow 1.1+ "
              "compatibility");
    EXPECT_EQ(message("set_field:1->ct_zone"), "ct_zone is read-only");
    EXPECT_EQ(message("load:99->reg0[0..3]"), "99->reg0[0..3]: value 0x63 does not fit into 4 bits");
    EXPECT_EQ(message("nat"), "Cannot have NAT action outside of \"ct\" action");
    EXPECT_EQ(message("set_field:1->ct_mark"), "cannot set CT fields outside of ct action");
    EXPECT_EQ(message("ct(commit,table=5,exec(1))"), "ct action doesn't support nested action output");
    EXPECT_EQ(message("conjunction(1,1/1)"), "conjunction must have at least 2 clauses");
    EXPECT_EQ(message("output:0x1"), "0x1: output to unknown port");  // ports are said in decimal
    EXPECT_EQ(message("resubmit(in_port,255)"),
              "at least one \"in_port\" or \"table\" must be specified on resubmit");
    EXPECT_EQ(message("decap(packet_type(ns=9,type=1))"), "Unsupported ns value: 9");
    EXPECT_EQ(message("decap(packet_type(ns=1))"), "Missing packet_type attribute type");
    EXPECT_EQ(message("write_actions(clone(1))"), "write_actions action doesn't support nested action clone");
    EXPECT_EQ(
        message("multipath(nw_dst,0,hrw,8,0,tun_metadata0[])"),
        "nw_dst,0,hrw,8,0,tun_metadata0[]: a destination of 992 bits does not fit the action, which has room "
        "for 64");
}

// A set is carried out in an order of its own, which has no place for these.
TEST(Actions, SetsHoldWhatTheyCan) {
    for (const char* text : {"note:11", "exit", "clone(output:1)", "output:NXM_NX_REG0[]", "controller(id=5)",
                             "output(port=1,max_len=50)", "pop_queue", "delete_field:tun_metadata5",
                             "learn()", "check_pkt_larger(1)->NXM_NX_REG0[0]"}) {
        WriteActions write;
        write.actions = *parse_actions(text);
        EXPECT_EQ(check_actions({write}, {}), OfError::OFPBAC_BAD_TYPE) << text;
    }
    EXPECT_TRUE(
        parse_actions("write_actions(output:1,resubmit(,2),set_field:1->reg0,controller,ct_clear)").ok());
}

TEST(Actions, Prerequisites) {
    auto check = [](const char* match_text, const char* text) {
        auto match = parse_match(match_text);
        ActionCheck check;
        check.match = &*match;
        auto actions = parse_actions(text);
        return check_actions(*actions, check);
    };
    EXPECT_EQ(check("", "dec_ttl"), OfError::OFPBAC_MATCH_INCONSISTENT);
    EXPECT_EQ(check("ip", "dec_ttl"), OfError::kNone);
    EXPECT_EQ(check("", "set_field:4101->vlan_vid"), OfError::OFPBAC_MATCH_INCONSISTENT);
    EXPECT_EQ(check("", "push_vlan:0x8100,set_field:4101->vlan_vid"), OfError::kNone);
    EXPECT_EQ(check("ip", "push_mpls:0x8847,set_field:5->mpls_label"), OfError::kNone);
    EXPECT_EQ(check("", "meter:0"), OfError::OFPMMFC_INVALID_METER);
    EXPECT_EQ(check("", "conjunction(1,1/2),output:1"), OfError::NXBAC_BAD_CONJUNCTION);
}

// OpenFlow 1.0 lets actions change headers that the match does not promise, but not fields, nor track
// connections.
TEST(Actions, InconsistentWithTheMatch) {
    struct Case {
        const char *match, *actions;
        bool consistent, good;  // in OpenFlow 1.0
    };
    for (const Case& c : {Case{"", "mod_nw_src:1.2.3.4", false, true},
                          {"ip", "mod_nw_src:1.2.3.4", true, true},
                          {"", "strip_vlan", false, true},
                          {"", "clone(dec_ttl)", false, true},
                          {"", "push_vlan:0x8100,pop_vlan", true, true},
                          {"", "write_actions(dec_ttl)", true, true},
                          {"", "ct(commit)", false, false},
                          {"udp", "ct(alg=ftp,commit)", false, false},
                          {"", "load:1->NXM_OF_IP_SRC[]", false, false}}) {
        Match match = *parse_match(c.match);
        ActionList actions = *parse_actions(c.actions);
        EXPECT_EQ(consistent(actions, match), c.consistent) << c.match << " " << c.actions;
        ActionCheck check;
        check.match = &match;
        check.may_be_inconsistent = true;
        EXPECT_EQ(check_actions(actions, check), c.good ? OfError::kNone : OfError::OFPBAC_MATCH_INCONSISTENT)
            << c.match << " " << c.actions;
    }
}

// Any bytes: an error or actions whose encoding decodes to the same text.
TEST(Actions, AnyBytes) {
    unsigned seed = std::random_device()();
    SCOPED_TRACE(seed);
    std::mt19937 random(seed);
    ByteWriter base;
    for (const char* text : kActions) encode_actions(*parse_actions(text), Version::k15, base);
    Bytes bytes(base.view().begin(), base.view().end());
    for (int i = 0; i < 20000; i++) {
        Bytes mutant = bytes;
        for (int j = 0; j < 3; j++) mutant[random() % mutant.size()] = static_cast<uint8_t>(random());
        ActionList actions;
        if (decode_actions(mutant, Version::k15, {}, actions) == OfError::kNone) to_string(actions);
    }
}

}  // namespace
}  // namespace weft::openflow
