#include "openflow/flow_colours.h"

#include <gtest/gtest.h>

#include "openflow/action.h"
#include "openflow/match.h"

namespace weft::openflow {
namespace {

// Each colour by its name, "[ac:actions=]".
std::string painted(std::string_view text, FlowTextPart part) {
    FlowColours colours;
    colours.actions = "ac", colours.drop = "dr", colours.learn = "le", colours.field = "pm";
    colours.call = "pr", colours.special = "sp", colours.lone = "vl";
    std::string out;
    std::string raw = colour_flow(text, part, colours);
    for (size_t i = 0; i < raw.size();) {
        std::string_view rest = std::string_view(raw).substr(i);
        if (rest.starts_with("\33[m\33[K")) {
            out += ']';
            i += 6;
        } else if (rest.starts_with("\33[")) {
            out += '[' + std::string(rest.substr(2, 2)) + ':';
            i += 8;
        } else {
            out += raw[i++];
        }
    }
    return out;
}

TEST(FlowColours, Flow) {
    EXPECT_EQ(
        painted("cookie=0x0, table=0, priority=5,tcp,in_port=1 actions=output:2,drop", FlowTextPart::kWhole),
        "[pm:cookie=]0x0, [sp:table=]0, [sp:priority=]5,[vl:tcp],[pm:in_port=]1 "
        "[ac:actions=][sp:output:]2,[dr:drop]");
    EXPECT_EQ(painted("actions=drop", FlowTextPart::kWhole), "[ac:actions=][dr:drop]");
}

TEST(FlowColours, MatchesWithExceptions) {
    EXPECT_EQ(painted("conj_id=5,tun_metadata0=1,packet_type=(1,0x800),eth", FlowTextPart::kMatch),
              "[pm:conj_id]=5,tun_metadata0=1,packet_type=(1,0x800),eth");
}

TEST(FlowColours, NestedActions) {
    EXPECT_EQ(painted("clone(ct(commit,nat(src=1.1.1.1),exec(load:0x1->NXM_NX_CT_MARK[])),dec_ttl(1,2))",
                      FlowTextPart::kActions),
              "[pr:clone(][pr:ct(][vl:commit],[pr:nat][pr:(][pm:src][pm:=]1.1.1.1[pr:)],[pr:exec(][sp:load:]"
              "0x1[sp:->]NXM_NX_CT_"
              "MARK[][pr:),][pr:)],[pr:dec_ttl][pr:(]1,2[pr:)][pr:)]");
}

TEST(FlowColours, WhatIsCutOffIsLeftAlone) {
    for (const char* text :
         {"clone(", "ct(exec(", "learn(table=", "encap(nsh(", "", "actions=", "(", ")", ",,", "a(b)c("})
        (void)painted(text, FlowTextPart::kWhole), (void)painted(text, FlowTextPart::kActions);
}

TEST(FlowColours, Capabilities) {
    FlowColours colours = FlowColours::parse("ac=1;2:dr:xx=3:sp=:vl=7");
    EXPECT_EQ(colours.actions, "1;2");
    EXPECT_EQ(colours.drop, "34");
    EXPECT_EQ(colours.special, "");
    EXPECT_EQ(colours.lone, "7");
}

TEST(FlowColours, OnlyTheOutermostPaints) {
    set_flow_colours(FlowColours());
    std::string out = "x", inner = "y";
    {
        FlowPainting outer(out, FlowTextPart::kActions);
        out += "exit";
        FlowPainting within(inner, FlowTextPart::kActions);
        inner += "exit";
    }
    set_flow_colours(std::nullopt);
    EXPECT_EQ(out, "x\33[33m\33[Kexit\33[m\33[K");
    EXPECT_EQ(inner, "yexit");
}

}  // namespace
}  // namespace weft::openflow
