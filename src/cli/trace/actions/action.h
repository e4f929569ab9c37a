// What the executions of the single logical actions share.  Inside src/cli/trace only.

#pragma once

#include <string>

#include "cli/trace/evaluate.h"
#include "cli/trace/walk.h"

namespace weft::cli::trace {

// One action of a list, while it runs.
struct Run {
    Walk& walk;
    const Place& place;
    packet::Flow& packet;
    Nodes& nodes;
    Stack& stack;
    bool tail;     // nothing follows in the list
    bool stopped;  // set by actions after which the rest of the list does not run

    const Datapath& datapath() const { return *place.datapath; }
    // Shown as an action is, without a semicolon.
    void comment(std::string text) { append(nodes, Node::Kind::kAction, std::move(text)); }
    void modify(std::string text) { append(nodes, Node::Kind::kModify, std::move(text)); }
    void error(std::string text) { append(nodes, Node::Kind::kError, std::move(text)); }
    // A heading, under which the next table runs with a packet of its own.
    void fork(std::string heading, packet::Flow changed);
    // A heading, under which a list of actions runs with a packet of its own.
    void nest(std::string heading, const logical::Actions& actions, packet::Flow changed);
};

// The table of contents: actions/dispatch.cc.
void run_action(const logical::Action& action, Run& run);

std::string field_name(const logical::FieldRef& field);

}  // namespace weft::cli::trace
