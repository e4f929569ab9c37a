// What happened to a packet, as a tree, and its three forms of output (ovn-trace(8), "Output").
//
// The walk appends nodes in the order of events; what an event caused is its children.  In detailed output an
// event that is the last of its action list (`tail`) does not indent what it caused, so that a chain of
// tables reads as a list and not as a staircase.

#pragma once

#include <deque>
#include <string>

namespace weft::cli::trace {

struct Node {
    enum class Kind {
        kPipeline,  // ingress(…), egress(…), multicast(…): a heading; not in minimal output, its children are
        kTransform,  // ct_next(…), arp, clone: a heading in every form
        kTable,      // "table: match, priority": in detailed output alone
        kAction,     // an action as the flow has it: detailed and summary
        kModify,     // what it did to the packet, with values: minimal alone
        kOutput,     // output("port"): minimal alone
        kComment,    // /* … */: detailed and summary
        kRemark,     // /* … */: every form
        kError,      // *** …: every form
    };
    Kind kind;
    std::string text;
    bool tail = false;
    std::deque<Node> children;  // references to elements hold while others are added
};
using Nodes = std::deque<Node>;

Node& append(Nodes& nodes, Node::Kind kind, std::string text, bool tail = false);

std::string detailed_text(const Nodes& nodes);
std::string summary_text(const Nodes& nodes);
std::string minimal_text(const Nodes& nodes);

}  // namespace weft::cli::trace
