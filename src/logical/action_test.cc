#include "logical/action.h"

#include <gtest/gtest.h>

#include "logical/controller_opcode.h"

namespace weft::logical {
namespace {

struct Environment : EncodeEnvironment {
    std::optional<uint32_t> port(std::string_view name) const override {
        if (name == "p1") return 1;
        if (name == "p2") return 3;
        if (name == "p3") return 2;
        if (name == "_MC_flood") return 0x8000;
        return std::nullopt;
    }
    std::optional<uint32_t> tunnel_port(std::string_view) const override { return 9; }
    bool is_chassis_resident(std::string_view name) const override { return name == "p1" || name == "p3"; }
    uint32_t group(const GroupRequest& request) const override {
        groups.push_back(request.to_string());
        return 1;
    }
    uint32_t rate_meter(uint64_t, uint64_t) const override { return 7; }
    std::optional<uint32_t> named_meter(std::string_view name) const override {
        return name == "m1" ? std::optional<uint32_t>(8) : std::nullopt;
    }
    bool has_collector_set(uint32_t id) const override { return id == 77; }
    mutable std::vector<std::string> groups;
};

struct Case {
    bool is_switch;
    Pipeline pipeline;
    uint8_t table;
    const char* actions;
    const char* openflow;
};
const Case kCases[] = {
#include "logical/action_cases.inc"
};

std::string translate(const Case& c, const Environment& environment) {
    ActionParseContext context;
    context.pipeline = c.pipeline;
    context.table = c.table;
    Result<ActionProgram> program = parse_actions(c.actions, context);
    if (!program) return program.message();
    EncodeContext encode;
    encode.environment = &environment;
    encode.pipeline = c.pipeline;
    encode.table = c.table;
    encode.is_switch = c.is_switch;
    openflow::ActionList out;
    encode_actions(program->actions, encode, out);
    return openflow::to_string(out);
}

TEST(Action, IsWhatTheOracleMakesOfIt) {
    for (const Case& c : kCases) EXPECT_EQ(translate(c, Environment()), c.openflow) << c.actions;
}

TEST(Action, PrintsAndParsesBack) {
    for (const Case& c : kCases) {
        ActionParseContext context;
        context.pipeline = c.pipeline;
        context.table = c.table;
        Result<ActionProgram> first = parse_actions(c.actions, context);
        ASSERT_TRUE(first.ok()) << c.actions << ": " << first.message();
        std::string printed = to_string(*first);
        Result<ActionProgram> second = parse_actions(printed, context);
        ASSERT_TRUE(second.ok()) << printed << ": " << second.message();
        EXPECT_EQ(to_string(*second), printed);
        EXPECT_EQ(to_string(second->prerequisites), to_string(first->prerequisites));
        Case again = c;
        again.actions = printed.c_str();
        EXPECT_EQ(translate(again, Environment()), translate(c, Environment())) << printed;
    }
}

TEST(Action, Canonical) {
    auto canonical = [](const char* text) {
        Result<ActionProgram> program = parse_actions(text, ActionParseContext());
        return program ? to_string(*program) : program.message();
    };
    EXPECT_EQ(canonical("next(1);"), "next;");
    EXPECT_EQ(canonical("next(pipeline=ingress,table=7);"), "next(7);");
    EXPECT_EQ(canonical("next(pipeline=egress,table=7);"), "next(pipeline=egress, table=7);");
    EXPECT_EQ(canonical(""), "drop;");
    EXPECT_EQ(canonical(" /* nothing */ drop; "), "drop;");
    EXPECT_EQ(canonical("ip4.src=1.2.3.4;output;"), "ip4.src = 1.2.3.4; output;");
    EXPECT_EQ(canonical("clone{outport=\"p1\";output;};output;"),
              "clone { outport = \"p1\"; output; }; output;");
    EXPECT_EQ(canonical("ct_commit(ct_mark=1);"), "ct_commit { ct_mark = 1; };");
    EXPECT_EQ(canonical("tcp_reset;"), "tcp_reset { drop; };");
    EXPECT_EQ(canonical("reg0[3]=1;"), "reg0[3] = 1;");
}

TEST(Action, Prerequisites) {
    auto needs = [](const char* text) {
        Result<ActionProgram> program = parse_actions(text, ActionParseContext());
        return program ? to_string(program->prerequisites) : program.message();
    };
    EXPECT_EQ(needs("reg0 = 1; next;"), "1");
    EXPECT_EQ(needs("ip4.src = 1.2.3.4;"), "1 && eth.type == 0x800");
    EXPECT_EQ(needs("arp { arp.op = 1; output; };"), "1 && eth.type == 0x800");
}

TEST(Action, OutportOfAMadePacketIsFree) {
    ActionParseContext egress;
    egress.pipeline = Pipeline::kEgress;
    EXPECT_TRUE(parse_actions("reject { outport <-> inport; next(pipeline=ingress,table=25); };", egress));
    EXPECT_TRUE(parse_actions("clone { outport = \"a\"; output; };", egress));
    EXPECT_FALSE(parse_actions("outport = \"a\"; output;", egress));
}

TEST(Action, RefusesWithAReason) {
    const std::pair<const char*, const char*> cases[] = {
        {"nonsense;", "Syntax error at `nonsense' expecting action."},
        {"next", "Syntax error at end of input expecting `;'."},
        {"next(29);", "\"next\" action cannot advance beyond table 28."},
        {"eth.type = 0x800;", "Field eth.type is not modifiable."},
        {"ip4 = 1;", "Predicate symbol ip4 used where lvalue required."},
        {"reg0 = 0x1ffffffff;", "33-bit constant is not compatible with 32-bit field reg0."},
        {"reg0 = \"a\";", "Integer field reg0 is not compatible with string constant."},
        {"reg0 = eth.src;", "Cannot assign 48-bit field eth.src to 32-bit field reg0."},
        {"outport = reg0;", "Can't assign integer field (reg0) to string field (outport)."},
        {"get_arp(outport, eth.src);",
         "Cannot use 48-bit field eth.src where 32-bit field is required as IP address."},
        {"reg0 = lookup_arp(inport, arp.spa, arp.sha);",
         "Cannot store the result in reg0: a modifiable 1-bit field is required."},
        {"clone { next; ", "Syntax error at end of input expecting `}'."},
        {"drop; next;", "Syntax error at `next' expecting end of actions after drop."},
        {"log();", "Syntax error at `;' expecting verdict."},
        {"reg0[1] = put_dhcp_opts(router = 1.1.1.1);", "put_dhcp_opts requires offerip to be specified."},
        {"reg0[1] = put_dhcp_opts(offerip = 1.1.1.1, mtu = 1.1.1.1);",
         "uint16 option mtu requires an integer of up to 16 bits."},
        {"ct_commit { reg0 = 1; };", "ct_commit may only set ct_mark and ct_label, not: reg0 = 1;"},
        {"ct_lb_mark_local(backends=1.1.1.1:80);",
         "Syntax error at `1.1.1.1' expecting quoted name of a logical port."},
        {"ct_lb_mark_local;", "Syntax error at `;' expecting `('."},
        {"reg0 = select(1);", "\"select\" needs at least two ids to choose from."},
    };
    for (auto [text, error] : cases)
        EXPECT_EQ(parse_actions(text, ActionParseContext()).message(), error) << text;
}

TEST(Action, Groups) {
    Environment environment;
    translate({true, Pipeline::kIngress, 12, "ct_lb_mark(backends=1.1.1.1:80,2.2.2.2:90; skip_snat);", ""},
              environment);
    translate({true, Pipeline::kIngress, 12, "fwd_group(liveness=true, childports=\"p1\");", ""},
              environment);
    // Of three back ends two are here.
    translate({true, Pipeline::kIngress, 12,
               "ct_lb_mark_local(backends=\"p1\":1.1.1.1:80,\"p2\":2.2.2.2:90,\"p3\":[fd00::1]:80);", ""},
              environment);
    ASSERT_EQ(environment.groups.size(), 3u);
    EXPECT_EQ(
        environment.groups[2],
        "type=select,selection_method=dp_hash,bucket=bucket_id=0,weight:100,actions=ct(commit,table=21,"
        "zone=NXM_NX_REG13[0..15],nat(dst=1.1.1.1:80),exec(set_field:0x2/0x2->ct_mark)),"
        "bucket=bucket_id=1,weight:100,actions=ct(commit,table=21,zone=NXM_NX_REG13[0..15],nat(dst=[fd00:"
        ":1]:80),exec(set_field:0x2/0x2->ct_mark))");
    EXPECT_EQ(environment.groups[0],
              "type=select,selection_method=dp_hash,bucket=bucket_id=0,weight:100,actions=ct(commit,table=21,"
              "zone=NXM_NX_REG13[0..15],nat(dst=1.1.1.1:80),exec(set_field:0x2/0x2->ct_mark,set_field:0x4/"
              "0x4->ct_mark)),"
              "bucket=bucket_id=1,weight:100,actions=ct(commit,table=21,zone=NXM_NX_REG13[0..15],nat(dst=2.2."
              "2.2:90),"
              "exec(set_field:0x2/0x2->ct_mark,set_field:0x4/0x4->ct_mark))");
    EXPECT_EQ(environment.groups[1],
              "type=select,selection_method=dp_hash,bucket=bucket_id=0,weight:100,watch_port:9,"
              "actions=set_field:0x1->reg15,resubmit(,37)");
}

TEST(Action, DhcpRelay) {
    const std::string request = "reg9[7] = dhcp_relay_req_chk(10.0.0.1, 10.9.9.9); next;",
                      answer = "reg9[8] = dhcp_relay_resp_chk(10.0.0.1, 10.9.9.9); next;";
    for (const std::string& text : {request, answer}) {
        Result<ActionProgram> program = parse_actions(text, ActionParseContext());
        ASSERT_TRUE(program.ok()) << program.message();
        EXPECT_EQ(to_string(*program), text);
        EXPECT_EQ(to_string(program->prerequisites),
                  "1 && eth.type == 0x800 && ip.proto == 17 && (eth.type == 0x800 || eth.type == 0x86dd)");
    }
    EXPECT_EQ(translate({false, Pipeline::kIngress, 13, request.c_str(), ""}, Environment()),
              "controller(userdata=00.00.00.1c.00.00.00.00.80.01.08.08.00.00.00.07.0a.00.00.01.0a.09.09.09,"
              "pause),resubmit(,22)");
    EXPECT_EQ(translate({false, Pipeline::kIngress, 13, answer.c_str(), ""}, Environment()),
              "controller(userdata=00.00.00.1d.00.00.00.00.80.01.08.08.00.00.00.08.0a.00.00.01.0a.09.09.09,"
              "pause),resubmit(,22)");
    for (const char* wrong : {"reg9[7] = dhcp_relay_req_chk(10.0.0.1); next;",
                              "reg9 = dhcp_relay_req_chk(10.0.0.1, 10.9.9.9); next;",
                              "reg9[7] = dhcp_relay_req_chk(fd00::1, 10.9.9.9); next;",
                              "reg9[7] = dhcp_relay_resp_chk(10.0.0.1, 10.9.9.0/24); next;",
                              "reg9[7] = dhcp_relay_resp_chk(10.0.0.1, 7); next;"}) {
        EXPECT_FALSE(parse_actions(wrong, ActionParseContext()).ok()) << wrong;
    }
    ActionParseContext egress;
    egress.pipeline = Pipeline::kEgress;
    EXPECT_FALSE(parse_actions(request, egress).ok());
}

TEST(Action, Samples) {
    EXPECT_EQ(translate({true, Pipeline::kIngress, 1,
                         "sample(probability=100,collector_set=77,obs_domain=2,obs_point=5);", ""},
                        Environment()),
              "sample(probability=100,collector_set_id=77,obs_domain_id=33554432,obs_point_id=5)");
}

}  // namespace
}  // namespace weft::logical
