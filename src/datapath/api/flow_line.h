// A line of the files that dpctl/add-flows, mod-flows and del-flows read (ovs-dpctl(8)):
//
//     [add|modify|delete] [ufid:UFID,]FLOW [ACTIONS]      # a comment
//
// FLOW has no spaces in it; ACTIONS, which a deletion lacks, is the rest.

#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace weft::datapath {

struct FlowLine {
    enum class Verb : uint8_t { kAdd, kModify, kDelete };
    Verb verb = Verb::kAdd;
    std::string flow, actions;
    int number = 0;    // of the line in the file, from 1
    bool bad = false;  // it has not the form above
};

// All lines but those that are empty or a comment; `verb` is that of lines without one.
std::vector<FlowLine> parse_flow_lines(std::string_view text, FlowLine::Verb verb);

}  // namespace weft::datapath
