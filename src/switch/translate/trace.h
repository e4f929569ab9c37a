// The tree that a traced translation grows, and its text: what `ovs-appctl ofproto/trace` prints.

#pragma once

#include <list>
#include <string>

namespace weft::vswitch {

struct TraceNode {
    enum class Kind { kBridge, kTable, kThaw, kAction, kBucket, kDetail, kWarning, kError };
    Kind kind;
    std::string text;
    std::list<TraceNode> children;
};

// The nodes under a bridge, one line each, indented as they are nested.
std::string format_trace(const std::list<TraceNode>& nodes);

}  // namespace weft::vswitch
