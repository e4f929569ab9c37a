// clone and check_pkt_larger: actions around lists of actions.

#include "switch/translate/isolate.h"

namespace weft::vswitch {

namespace of = openflow;

void Walk::clone(const of::Clone& action) {
    isolated([&] { do_actions(action.actions, true); }, false);
}

// Both outcomes are translated; the datapath, which knows the length, takes one.
void Walk::check_packet_larger(const of::CheckPktLarger& action, const of::ActionList& list, size_t index) {
    commit();
    of::ActionList rest(list.begin() + static_cast<std::ptrdiff_t>(index) + 1, list.end());
    datapath::CheckPacketLength check;
    check.length = action.length;
    packet::Flow base = base_;
    datapath::Actions before = std::move(out_.actions);
    for (bool larger : {true, false}) {
        out_.actions.clear();
        base_ = base;
        isolated(
            [&] {
                of::set_subfield_u64(flow_, action.dst, larger, tunnel_table());
                if (!rest.empty()) do_actions(rest, true);
            },
            true);
        (larger ? check.if_greater : check.if_not_greater) = std::move(out_.actions);
        if (out_.error != TranslateError::kNone) break;
    }
    out_.actions = std::move(before);
    base_ = base;
    append(std::move(check));
    exit_ = true;
}

}  // namespace weft::vswitch
