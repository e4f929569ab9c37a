// clone and check_pkt_larger: actions around lists of actions.

#include "switch/translate/isolate.h"

namespace weft::vswitch {

namespace of = openflow;

// The copy has the action set, too, and exit ends the walk from here as well (ovs-actions(7)).
void Walk::clone(const of::Clone& action, bool last) {
    bool exits = false, lasting = false;  // what is done to the packet could not be undone
    bool was_mpls = false;
    for (const of::Action& one : action.actions) {
        lasting |= action_cast<of::Encap>(one) || action_cast<of::Decap>(one) ||
                   action_cast<of::DecNshTtl>(one) || action_cast<of::Ct>(one) ||
                   action_cast<of::Meter>(one) || action_cast<of::OutputTrunc>(one);
    }
    lasting = lasting && !last;
    if (lasting) commit();  // once, for the packet and its copy
    isolated(
        [&] {
            do_actions(action.actions, true);
            exits = exit_ && !freezing_;
            if (!freezing_) do_action_set();
            was_mpls = was_mpls_;
        },
        last, lasting);
    exit_ |= exits;
    was_mpls_ |= was_mpls;  // as in Debian's, whose packet goes round, too
}

// Both outcomes are translated with what follows in the list; the datapath, which knows the length, takes
// one. What follows the list, in those that resubmitted here, is done once.  As in Debian's: a set that was
// written before is carried out for a larger packet here and, for all, at the end.
void Walk::check_packet_larger(const of::CheckPktLarger& action, const of::ActionList& list, size_t index) {
    commit();
    of::ActionList rest(list.begin() + static_cast<std::ptrdiff_t>(index) + 1, list.end());
    datapath::CheckPacketLength check;
    check.length = action.length;
    packet::Flow base = base_;
    datapath::Actions before = std::move(out_.actions);
    bool exits = false;
    for (bool larger : {true, false}) {
        out_.actions.clear();
        base_ = base;
        isolated(
            [&] {
                of::set_subfield_u64(flow_, action.dst, larger, tunnel_table());
                if (!larger) action_set_.clear();
                if (!rest.empty()) do_actions(rest, true);
                exits = exit_ && !freezing_;
                if (!freezing_) do_action_set();
            },
            true);
        (larger ? check.if_greater : check.if_not_greater) = std::move(out_.actions);
        if (out_.error != TranslateError::kNone) break;
    }
    out_.actions = std::move(before);
    base_ = base;
    append(std::move(check));
    exit_ |= exits;
}

}  // namespace weft::vswitch
