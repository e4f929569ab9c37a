// Taking over from a switch that has ended: what its datapath still forwards by is looked up in our tables
// before ours forwards, so that traffic under way finds its flows there.
//
// A flow of the other process is a question only: its key.  The answer, actions and mask, is ours.  Flows
// behind a recirculation are known by the other process's ids: the ids that the flows before them name, in
// the same places, tell which of ours they are.  Where the answer recirculates otherwise, what lies behind it
// is learnt from packets, as ever.

#include <utility>

#include "base/clock.h"
#include "base/log.h"
#include "switch/upcall/backer.h"

namespace weft::vswitch {

namespace {

log::Module lg("ofproto_dpif_upcall");

constexpr int64_t kInheritForMs = 1000;  // while nobody forwards what is new

}  // namespace

void find_recirculations(const datapath::Actions& actions, std::vector<uint32_t>& out) {
    for (const datapath::Action& action : actions) {
        if (auto* a = action.get_if<datapath::Recirculate>()) out.push_back(a->id);
        if (auto* a = action.get_if<datapath::Clone>()) find_recirculations(a->actions, out);
        if (auto* a = action.get_if<datapath::Sample>()) find_recirculations(a->actions, out);
        if (auto* a = action.get_if<datapath::CheckPacketLength>()) {
            find_recirculations(a->if_greater, out);
            find_recirculations(a->if_not_greater, out);
        }
    }
}

// True: there is a flow for it now, and `ids` has what it tells of recirculations.
bool Backer::inherit(const datapath::InheritedFlow& flow, HashMap<uint32_t, uint32_t>& ids) {
    Lookup lookup;
    if (!look_up(flow.key, lookup)) return false;
    effects_.clear();
    // Addresses are learnt as from the flow's packets.
    TranslateOutput output = translate_key(flow.key, lookup, nullptr, true, &effects_);
    if (output.slow != SlowPath::kNone) output.actions = slow_path_actions(output.slow);
    std::vector<uint32_t> ours;
    find_recirculations(output.actions, ours);
    if (ours.size() == flow.recirculations.size()) {
        for (size_t i = 0; i < ours.size(); i++) ids.emplace(flow.recirculations[i], ours[i]);
    }
    install(flow.key, output, lookup);
    linger(std::move(output.recirculations));
    return true;
}

void Backer::inherit_flows() {
    // The last used one last: its addresses are the right ones.
    std::vector<datapath::InheritedFlow> left = datapath_->inherited_flows();
    size_t all = left.size(), known = 0;
    if (!all) return;
    int64_t until = clock::monotonic_ms() + kInheritForMs;
    HashMap<uint32_t, uint32_t> ids;  // of the other process, and ours
    ids.emplace(0, 0);
    for (bool found = true; found && !left.empty();) {
        found = false;
        std::vector<datapath::InheritedFlow> later;
        for (datapath::InheritedFlow& flow : left) {
            if (clock::monotonic_ms() > until) break;
            auto id = ids.find(flow.key.recirc_id);
            if (id == ids.end()) {
                later.push_back(std::move(flow));
                continue;
            }
            flow.key.recirc_id = id->second;
            if (!inherit(flow, ids)) continue;
            found = true;
            known++;
        }
        left = std::move(later);
    }
    revalidate(false);  // addresses that were learnt later than they were asked for
    lg.info("{}@{}: {} of {} flows that were in use are known again", type_, datapath_->name(), known, all);
}

}  // namespace weft::vswitch
