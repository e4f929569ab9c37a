#include "controller/desired_flow.h"

#include <algorithm>

#include "base/bytes.h"

namespace weft::controller {

namespace {

std::string to_text(const ByteWriter& writer) {
    ByteView bytes = writer.view();
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

// One that has grown already.
ByteWriter& empty_writer() {
    static thread_local ByteWriter writer;
    writer.clear();
    return writer;
}

bool only_conjunctions(const openflow::ActionList& actions) {
    return !actions.empty() &&
           std::all_of(actions.begin(), actions.end(), [](const openflow::Action& action) {
               return openflow::action_cast<openflow::Conjunction>(action) != nullptr;
           });
}

}  // namespace

DesiredFlow make_flow(uint8_t table, uint16_t priority, uint32_t cookie, const openflow::Match& match,
                      const openflow::ActionList& actions) {
    DesiredFlow flow;
    flow.table = table;
    flow.priority = priority;
    flow.cookie = cookie;
    ByteWriter& writer = empty_writer();
    openflow::encode_oxm_match(match, openflow::Version::k15, writer);
    flow.match = to_text(writer);
    writer.clear();
    openflow::encode_instructions(actions, openflow::Version::k15, writer);
    flow.instructions = to_text(writer);
    flow.conjunction = only_conjunctions(actions);
    return flow;
}

}  // namespace weft::controller
