// Megaflows that an operator puts by hand (dpctl/add-flow and the like, ovs-dpctl(8)).
//
// The next look of the revalidator makes such a flow its own, as Open vSwitch's does: its packets until then
// count for the rules that its key meets, it goes if it covers more than the tables agree to, and does what
// they say if it was told otherwise.  While revalidation is paused it stays as it was put.  A flow of the
// revalidator's that is modified by hand stays so until the tables change
// (docs/decisions/0109-flows-put-by-hand.md).

#include <algorithm>
#include <utility>

#include "base/clock.h"
#include "switch/upcall/backer.h"

namespace weft::vswitch {

Result<datapath::FlowStats> Backer::put_by_hand(datapath::FlowPut put, bool identified) {
    std::optional<datapath::Ufid> met = datapath_->flow_of(put.key);
    bool known = identified ? datapath_->get_flow(put.ufid).ok() : met.has_value();
    if (!identified) put.ufid = met ? *met : ufid_of(put.key, put.mask);
    datapath::FlowStats before;
    if (known) {
        if (!put.modify) return Error{"File exists"};
        WEFT_ASSIGN(datapath::FlowDump had, datapath_->get_flow(put.ufid));
        before = had.stats;
        // Its match stays.
        put.key = had.key;
        put.mask = had.mask;
        auto it = megaflows_.find(put.ufid);
        if (it != megaflows_.end() && put.zero_stats) {
            account(*it->second, before);
            it->second->seen = {};
            it->second->seen.used_ms = before.used_ms;
        }
    } else {
        if (!put.create) return Error{"No such file or directory"};
        if (met) return Error{"File exists"};  // packets would meet the one or the other
    }
    datapath::Ufid ufid = put.ufid;
    WEFT_TRY(datapath_->put_flow(std::move(put)));
    if (!known) manual_flows_.insert(ufid);
    return before;
}

Result<datapath::FlowStats> Backer::delete_by_hand(const datapath::FlowPut& which, bool identified) {
    constexpr const char* kNone = "No such file or directory";
    std::optional<datapath::Ufid> ufid = identified ? which.ufid : datapath_->flow_of(which.key);
    if (!ufid) return Error{kNone};
    auto had = datapath_->get_flow(*ufid);
    if (!had || (!identified && !(had->mask == which.mask))) return Error{kNone};
    auto it = megaflows_.find(*ufid);
    if (it != megaflows_.end()) {
        remove(it);
        return had->stats;
    }
    manual_flows_.erase(*ufid);
    return datapath_->delete_flow(*ufid);
}

void Backer::adopt_manual_flows() {
    for (const datapath::Ufid& ufid : std::exchange(manual_flows_, {})) {
        auto had = datapath_->get_flow(ufid);
        if (!had) continue;
        std::vector<uint32_t> ids;
        find_recirculations(had->actions, ids);
        if (had->key.recirc_id) ids.push_back(had->key.recirc_id);
        if (!std::ranges::all_of(ids, [&](uint32_t id) { return recirculations_.find(id); })) {
            (void)datapath_->delete_flow(ufid).ok();
            continue;
        }
        auto flow = std::make_unique<Megaflow>();
        flow->created_ms = clock::monotonic_ms();
        flow->recirc_id = had->key.recirc_id;
        flow->mask = masks_.hold_given(had->mask, had->key.in_port);
        if (flow->recirc_id) recirculations_.hold(flow->recirc_id);
        auto it = megaflows_.insert_or_assign(ufid, std::move(flow)).first;
        bool right = still_right(*it->second, ufid);
        it->second->effects = effects_;
        account(*it->second, had->stats);
        if (!right) remove(it);
    }
    most_flows_ = std::max(most_flows_, megaflows_.size());
}

}  // namespace weft::vswitch
