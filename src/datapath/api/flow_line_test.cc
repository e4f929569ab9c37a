#include "datapath/api/flow_line.h"

#include <gtest/gtest.h>

namespace weft::datapath {
namespace {

using Verb = FlowLine::Verb;

TEST(FlowLine, VerbsFlowsAndActions) {
    auto lines = parse_flow_lines("# nothing\n\nadd a(1) 2, 3 # three\n\tmodify b() drop\r\n delete c\nd 1",
                                  Verb::kModify);
    ASSERT_EQ(lines.size(), 4u);
    EXPECT_EQ(lines[0].verb, Verb::kAdd);
    EXPECT_EQ(lines[0].flow, "a(1)");
    EXPECT_EQ(lines[0].actions, "2, 3");
    EXPECT_EQ(lines[0].number, 3);
    EXPECT_EQ(lines[1].actions, "drop");
    EXPECT_EQ(lines[2].verb, Verb::kDelete);
    EXPECT_EQ(lines[2].flow, "c");
    EXPECT_EQ(lines[3].verb, Verb::kModify);
    EXPECT_EQ(lines[3].number, 6);
    for (const FlowLine& line : lines) EXPECT_FALSE(line.bad) << line.number;
}

TEST(FlowLine, WhatLacksItsActionsOrHasTooMany) {
    for (const char* text : {"add", "add a", "modify a", "a", "delete", "delete a 1"}) {
        auto lines = parse_flow_lines(text, Verb::kAdd);
        ASSERT_EQ(lines.size(), 1u) << text;
        EXPECT_TRUE(lines[0].bad) << text;
    }
    EXPECT_FALSE(parse_flow_lines("a", Verb::kDelete)[0].bad);
    EXPECT_TRUE(parse_flow_lines("", Verb::kAdd).empty());
    EXPECT_TRUE(parse_flow_lines("  # add a 1\n \n", Verb::kAdd).empty());
}

}  // namespace
}  // namespace weft::datapath
