#include "cli/trace/node.h"

#include <gtest/gtest.h>

namespace weft::cli::trace {
namespace {

using Kind = Node::Kind;

// A table whose last action leads to another pipeline, after one that changed the packet.
Nodes sample() {
    Nodes nodes;
    Node& ingress = append(nodes, Kind::kPipeline, "ingress(dp=\"sw\")", true);
    Node& table = append(ingress.children, Kind::kTable, " 0. stage: 1, priority 0", true);
    append(table.children, Kind::kAction, "ip.ttl--;");
    append(table.children, Kind::kModify, "ip.ttl--");
    append(table.children, Kind::kAction, "next(pipeline=ingress, table=1);");
    append(table.children, Kind::kComment, "/* said */");
    Node& nested = append(table.children, Kind::kTransform, "clone", false);
    append(nested.children, Kind::kOutput, "output(\"p1\")");
    append(nested.children, Kind::kError, "something is wrong");
    Node& egress = append(table.children, Kind::kPipeline, "egress(dp=\"sw\")", true);
    append(egress.children, Kind::kRemark, "/* assumed */");
    append(egress.children, Kind::kOutput, "output(\"p2\")");
    return nodes;
}

// What is last in a list does not move to the right; what is nested does.
TEST(TraceNode, Detailed) {
    EXPECT_EQ(detailed_text(sample()), R"(
ingress(dp="sw")
----------------
 0. stage: 1, priority 0
    ip.ttl--;
    next(pipeline=ingress, table=1);
    /* said */

    clone
    -----
            *** something is wrong

egress(dp="sw")
---------------
    /* assumed */
)");
}

TEST(TraceNode, Summary) {
    EXPECT_EQ(summary_text(sample()), R"(ingress(dp="sw") {
    ip.ttl--;
    /* said */;
    clone {
        *** something is wrong;
    };
    egress(dp="sw") {
        /* assumed */;
    };
};
)");
}

TEST(TraceNode, Minimal) {
    EXPECT_EQ(minimal_text(sample()), R"(ip.ttl--;
clone {
    output("p1");
    *** something is wrong;
};
/* assumed */;
output("p2");
)");
}

TEST(TraceNode, AnEmptyBlockHasNoBraces) {
    Nodes nodes;
    append(nodes, Kind::kTransform, "clone", true);
    EXPECT_EQ(summary_text(nodes), "clone;\n");
    EXPECT_EQ(minimal_text(nodes), "clone;\n");
    EXPECT_EQ(detailed_text({}), "");
}

}  // namespace
}  // namespace weft::cli::trace
