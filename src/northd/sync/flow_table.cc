#include "northd/sync/flow_table.h"

#include <algorithm>
#include <cassert>
#include <charconv>
#include <span>
#include <string_view>
#include <tuple>

namespace weft::northd {

using ovsdb::client::Replica;
using ovsdb::client::Transaction;

namespace {

constexpr const char kPortTag[] = "in_out_port";

uint64_t hash_a(const Uuid& uuid) {
    uint64_t x;
    std::memcpy(&x, uuid.bytes.data(), 8);
    x ^= x >> 30;
    x *= 0xbf58476d1ce4e5b9;
    x ^= x >> 27;
    x *= 0x94d049bb133111eb;
    return x ^ x >> 31;
}

uint64_t hash_b(const Uuid& uuid) {
    uint64_t x;
    std::memcpy(&x, uuid.bytes.data() + 8, 8);
    return hash_a(Uuid{uuid}) * 0x9e3779b97f4a7c15 + (x | 1) * 0xd6e8feb86659fd93;
}

const HashMap<std::string_view, Stage>& stages_by_name() {
    static const HashMap<std::string_view, Stage> kStages = {
#define STAGE(symbol, pipeline, table, name) {name, Stage::symbol},
#include "northd/stage.def"
#undef STAGE
    };
    return kStages;
}

constexpr const char kStageName[] = "stage-name", kHint[] = "stage-hint";

std::string hint_text(uint32_t hint) {
    std::string text(8, '0');
    for (size_t i = text.size(); i-- > 0; hint >>= 4) text[i] = "0123456789abcdef"[hint & 15];
    return text;
}

ovsdb::StringMap external_ids(const char* stage, const std::string& source, uint32_t hint) {
    ovsdb::StringMap ids{{"source", source}, {kStageName, stage}};
    if (hint) ids.set(kHint, hint_text(hint));
    return ids;
}

std::optional<FlowBody> body_of(const sb::LogicalFlow& row) {
    auto stage = stages_by_name().find(ovsdb::get_string(row.external_ids, kStageName));
    if (stage == stages_by_name().end()) return std::nullopt;
    const StageInfo& info = stage_info(stage->second);
    if (row.table_id != info.table || row.pipeline != (info.ingress ? "ingress" : "egress"))
        return std::nullopt;
    return FlowBody{stage->second,
                    static_cast<uint16_t>(row.priority),
                    row.match,
                    row.actions,
                    ovsdb::get_string(row.tags, kPortTag),
                    std::string_view(row.controller_meter ? *row.controller_meter : "")};
}

// A row that says what the body says.
std::unique_ptr<sb::LogicalFlow> row_of(const FlowBody& body) {
    auto row = std::make_unique<sb::LogicalFlow>();
    const StageInfo& info = stage_info(body.stage);
    row->pipeline = info.ingress ? "ingress" : "egress";
    row->table_id = info.table;
    row->priority = body.priority;
    row->match = body.match.view();
    row->actions = body.actions.view();
    if (!body.port.empty()) row->tags.set(kPortTag, body.port.str());
    if (!body.meter.empty()) row->controller_meter = body.meter.str();
    return row;
}

// The columns of a new row that are not empty.
ovsdb::client::ColumnSet columns_of(const FlowBody& body, bool is_group) {
    using Flow = sb::LogicalFlow;
    ovsdb::client::ColumnSet columns;
    for (size_t column : {Flow::kPipeline.index, Flow::kTableId.index, Flow::kPriority.index,
                          Flow::kMatch.index, Flow::kActions.index, Flow::kExternalIds.index})
        columns.add(column);
    columns.add(is_group ? Flow::kLogicalDpGroup.index : Flow::kLogicalDatapath.index);
    if (!body.port.empty()) columns.add(Flow::kTags.index);
    if (!body.meter.empty()) columns.add(Flow::kControllerMeter.index);
    return columns;
}

bool is_acl(const FlowBody& body) {
    return (body.stage == Stage::kSwitchInAcl || body.stage == Stage::kSwitchInAclAfterLb ||
            body.stage == Stage::kSwitchOutAcl) &&
           kAclPriority <= body.priority && body.priority <= kLastAclPriority;
}

bool is_drop(const FlowBody& body) {
    std::string_view actions = body.actions.view();
    return actions == kDrop || actions == kAclDrop;
}

}  // namespace

void SetId::add(const Uuid& uuid) {
    a += hash_a(uuid);
    b += hash_b(uuid);
}
void SetId::remove(const Uuid& uuid) {
    a -= hash_a(uuid);
    b -= hash_b(uuid);
}

// --- groups

void DatapathGroups::have(const Replica& replica, const HashMap<Uuid, Uuid>& datapath_of_binding) {
    for (const auto& change : replica.changes<sb::LogicalDPGroup>()) {
        const Uuid uuid = change.row().uuid;
        content_.erase(uuid);
        SetId id;
        if (change.after) {
            for (const Uuid& binding : change.after->datapaths) {
                auto it = datapath_of_binding.find(binding);
                if (it != datapath_of_binding.end()) id.add(it->second);
            }
            content_[uuid] = id;
        }
        bool is_ours = false;
        for (auto& [group_id, group] : groups_) {
            if (group.row != uuid) continue;
            if (change.after && group_id == id) {
                is_ours = true;
                continue;
            }
            group.row = Uuid();
            if (group.users > 0) drifted_ = true;
        }
        if (is_ours || !change.after) continue;
        Group& group = groups_[id];
        if (group.row.is_zero()) group.row = uuid;
    }
}

void DatapathGroups::unuse(const SetId& id) {
    Group& group = groups_.at(id);
    assert(group.users > 0);
    --group.users;
}

void DatapathGroups::take_over(const SetId& from, const SetId& to) {
    auto old = groups_.find(from);
    if (old == groups_.end() || old->second.users > 0 || old->second.row.is_zero()) return;
    Group& next = groups_[to];
    if (!next.row.is_zero()) return;
    next.row = old->second.row;
    next.written = false;
    groups_.erase(from);
}

std::optional<Uuid> DatapathGroups::row(Transaction& txn, const SetId& id, std::span<const Uuid> datapaths,
                                        const Resolve& resolve) {
    Group& group = groups_[id];
    if (group.written) return group.row;
    std::vector<Uuid> bindings;
    for (const Uuid& datapath : datapaths) {
        auto binding = resolve(datapath);
        if (!binding) return std::nullopt;
        bindings.push_back(*binding);
    }
    if (group.row.is_zero() || !txn.row<sb::LogicalDPGroup>(group.row)) {
        group.row = txn.insert<sb::LogicalDPGroup>();
        group.provisional = true;
        ++provisional_;
    }
    txn.set(group.row, sb::LogicalDPGroup::kDatapaths, ovsdb::Set<Uuid>(std::move(bindings)));
    group.written = true;
    return group.row;
}

void DatapathGroups::roll_back() {
    for (auto& [id, group] : groups_) {
        group.row = Uuid();
        group.provisional = false;
    }
    for (const auto& [uuid, id] : content_) groups_[id].row = uuid;
    provisional_ = 0;
}

void DatapathGroups::committed(const ovsdb::client::CommitOutcome& outcome) {
    for (auto it = groups_.begin(); it != groups_.end();) {
        Group& group = it->second;
        if (group.provisional) {
            group.row = outcome.real(group.row);
            group.provisional = false;
            --provisional_;
        }
        if (group.users == 0 && group.row.is_zero()) {
            groups_.erase(it++);
        } else {
            ++it;
        }
    }
}

// --- flows

FlowTable::State& FlowTable::state_of(const FlowBody& body) {
    auto it = states_.find(body);
    if (it == states_.end()) {
        auto state = std::make_unique<State>();
        state->body = body;
        it = states_.insert(std::move(state)).first;
    }
    return **it;
}

FlowTable::Shared& FlowTable::shared_of(State& state) {
    if (!state.shared) state.shared = std::make_unique<Shared>();
    return *state.shared;
}

void FlowTable::mark(State& state) {
    if (state.dirty) return;
    state.dirty = true;
    dirty_.push_back(&state);
}

void FlowTable::mark_all() {
    for (const auto& state : states_) mark(*state);
}

void FlowTable::set_drop_action(const std::string& action) {
    if (action == drop_action_) return;
    drop_action_ = action;
    for (const auto& state : states_) {
        if (is_drop(state->body)) mark(*state);
    }
}

// --- what is wanted

namespace {

template <typename Members>
auto place_of(Members& members, const Uuid& datapath) {
    return std::lower_bound(members.begin(), members.end(), datapath,
                            [](const auto& m, const Uuid& d) { return m.datapath < d; });
}

}  // namespace

void FlowTable::count(Shared& shared, const LogicalFlow& flow) {
    for (const Uuid& datapath : flow.datapaths) {
        auto at = place_of(shared.members, datapath);
        if (at != shared.members.end() && at->datapath == datapath) {
            ++at->count;
        } else {
            shared.members.insert(at, {datapath, 1});
            shared.set.add(datapath);
        }
    }
    shared.flows.push_back(&flow);
}

void FlowTable::add(State& state, const LogicalFlow& flow) {
    bool is_first = !state.is_wanted();
    if (is_first) state.only = &flow;
    if (is_first && flow.datapaths.size() == 1) return;
    Shared& shared = shared_of(state);
    if (is_first) {
        for (const Uuid& datapath : flow.datapaths) shared.set.add(datapath);
        return;
    }
    if (state.only) {
        shared.set = SetId();
        count(shared, *std::exchange(state.only, nullptr));
    }
    count(shared, flow);
}

void FlowTable::remove(State& state, const LogicalFlow& flow) {
    if (state.only) {
        assert(state.only == &flow);
        state.only = nullptr;
        if (state.shared) state.shared->set = SetId();
        return;
    }
    Shared& shared = *state.shared;
    for (const Uuid& datapath : flow.datapaths) {
        auto at = place_of(shared.members, datapath);
        assert(at != shared.members.end() && at->datapath == datapath);
        if (--at->count == 0) {
            shared.members.erase(at);
            shared.set.remove(datapath);
        }
    }
    auto at = std::find(shared.flows.begin(), shared.flows.end(), &flow);
    assert(at != shared.flows.end());
    *at = shared.flows.back();
    shared.flows.pop_back();
    if (shared.flows.size() != 1) return;
    state.only = shared.flows[0];
    shared.flows = {};
    shared.members = {};
}

void FlowTable::want(FlowOutput& output) {
    // Additions first, so that sets that change do not pass through empty ones.
    output.take_changes([&](const LogicalFlow& flow, bool added) {
        State& state = state_of(flow.body);
        if (added) {
            add(state, flow);
        } else {
            remove(state, flow);
        }
        mark(state);
    });
}

// --- what is there

void FlowTable::link(State& state, const Uuid& row) {
    if (state.row.is_zero()) {
        state.row = row;
        with_row_.insert(&state);
    } else {
        shared_of(state).more_rows.push_back(row);
        more_rows_.emplace(row, &state);
    }
}

FlowTable::State* FlowTable::unlink(const Uuid& row) {
    if (auto more = more_rows_.find(row); more != more_rows_.end()) {
        State* state = more->second;
        std::erase(state->shared->more_rows, row);
        more_rows_.erase(more);
        return state;
    }
    auto at = with_row_.find(row);
    if (at == with_row_.end()) return nullptr;
    State* state = *at;
    assert(!state->kept && "a row that changes is the replica's");
    with_row_.erase(at);
    state->row = Uuid();
    if (state->shared && !state->shared->more_rows.empty()) {
        Uuid next = state->shared->more_rows.back();
        unlink(next);
        link(*state, next);
    }
    return state;
}

void FlowTable::have(const Replica& replica) {
    for (const auto& change : replica.changes<sb::LogicalFlow>()) {
        const Uuid uuid = change.row().uuid;
        if (State* state = unlink(uuid)) mark(*state);
        if (!change.after) continue;
        std::optional<FlowBody> body = body_of(*change.after);
        if (!body) {
            foreign_.push_back(uuid);
            continue;
        }
        if (!drop_action_.empty() && body->actions.view() == drop_action_)
            body->actions = is_acl(*body) ? kAclDrop : kDrop;
        State& state = state_of(*body);
        link(state, uuid);
        mark(state);
    }
}

// Everything that the row says has to be what take_back() would say.
bool FlowTable::keep(const void* row) {
    const auto& r = *static_cast<const sb::LogicalFlow*>(row);
    auto at = with_row_.find(r.uuid);
    if (at == with_row_.end()) return false;
    State& state = **at;
    const FlowBody& body = state.body;
    const StageInfo& info = stage_info(body.stage);
    if (r.table_id != info.table || r.pipeline != (info.ingress ? "ingress" : "egress") ||
        r.priority != body.priority || body.match.view() != r.match || body.actions.view() != r.actions ||
        r.logical_datapath.has_value() == r.logical_dp_group.has_value() || r.flow_desc ||
        r.controller_meter.has_value() == body.meter.empty() || r.tags.empty() != body.port.empty())
        return false;
    if (r.controller_meter && body.meter.view() != *r.controller_meter) return false;
    if (!r.tags.empty() && !(r.tags.size() == 1 && r.tags.begin()->first == kPortTag &&
                             body.port.view() == r.tags.begin()->second))
        return false;
    const std::string* source = r.external_ids.find("source");
    const std::string* hint = r.external_ids.find(kHint);
    if (!source || source->empty() || ovsdb::get_string(r.external_ids, kStageName) != info.name ||
        r.external_ids.size() != (hint ? 3u : 2u))
        return false;
    uint32_t number = 0;
    if (hint) {
        if (hint->size() != 8) return false;
        auto [end, error] = std::from_chars(hint->data(), hint->data() + hint->size(), number, 16);
        if (error != std::errc() || number == 0 || hint_text(number) != *hint) return false;
    }
    state.place_is_group = r.logical_dp_group.has_value();
    state.place = state.place_is_group ? *r.logical_dp_group : *r.logical_datapath;
    state.source = *source;
    state.hint = number;
    state.kept = true;
    return true;
}

void* FlowTable::take_back(const Uuid& uuid) {
    auto at = with_row_.find(uuid);
    if (at == with_row_.end() || !(*at)->kept) return nullptr;
    State& state = **at;
    state.kept = false;
    auto row = row_of(state.body);
    row->uuid = uuid;
    (state.place_is_group ? row->logical_dp_group : row->logical_datapath) = state.place;
    row->external_ids = external_ids(stage_info(state.body.stage).name, state.source.str(), state.hint);
    state.source = SharedText();
    return row.release();
}

void FlowTable::for_each_kept(const std::function<void(const Uuid&)>& f) const {
    for (const State* state : with_row_) {
        if (state->kept) f(state->row);
    }
}

// --- making the two equal

// Counts the state's set among the groups, if it is one.
void FlowTable::choose_group(State& state) {
    if (!state.shared) return;
    Shared& shared = *state.shared;
    bool is_group = state.count_datapaths() > 1;
    if (is_group && shared.uses_group && shared.used == shared.set) return;
    bool had = shared.uses_group;
    SetId before = shared.used;
    if (had) groups_.unuse(before);
    shared.uses_group = is_group;
    shared.used = shared.set;
    if (is_group) groups_.use(shared.set);
    if (had && is_group) groups_.take_over(before, shared.set);
}

void FlowTable::write_row(Transaction& txn, State& state, const DatapathGroups::Resolve& resolve) {
    using Flow = sb::LogicalFlow;
    std::optional<Uuid> datapath, group;
    const LogicalFlow* flow = state.only;
    if (state.count_datapaths() == 1) {
        datapath = resolve(flow ? *flow->datapaths.begin() : state.shared->members[0].datapath);
        if (!datapath) return;
    } else {
        std::vector<Uuid> members;
        if (!flow) {
            for (const Member& member : state.shared->members) members.push_back(member.datapath);
        }
        group = groups_.row(txn, state.shared->set, flow ? flow->datapaths : std::span<const Uuid>(members),
                            resolve);
        if (!group) return;
    }
    if (!flow) {
        const auto& flows = state.shared->flows;
        flow = *std::min_element(flows.begin(), flows.end(), [](const LogicalFlow* a, const LogicalFlow* b) {
            return std::tie(a->hint, a->source) < std::tie(b->hint, b->source);
        });
    }
    const FlowBody& body = state.body;
    bool is_sampled = is_drop(body) && !drop_action_.empty();
    // What is kept is not taken back for nothing.
    if (state.kept && !is_sampled && state.place == (group ? *group : *datapath) &&
        state.place_is_group == group.has_value() && state.hint == flow->hint &&
        state.source.view() == flow->source.text())
        return;
    const StageInfo& info = stage_info(body.stage);
    ovsdb::StringMap ids = external_ids(info.name, flow->source.text(), flow->hint);
    if (state.row.is_zero()) {
        auto row = row_of(body);
        if (is_sampled) row->actions = drop_action_;
        row->logical_datapath = datapath;
        row->logical_dp_group = group;
        row->external_ids = std::move(ids);
        txn.insert(std::move(row), columns_of(body, group.has_value()));
        return;
    }
    txn.set(state.row, Flow::kActions, is_sampled ? drop_action_ : body.actions.str());
    txn.set(state.row, Flow::kLogicalDatapath, datapath);
    txn.set(state.row, Flow::kLogicalDpGroup, group);
    txn.set(state.row, Flow::kExternalIds, ids);
}

void FlowTable::begin_filling() {
    filling_ = with_row_.empty() && dirty_.size() > kFlowsOfFilling;
    if (!filling_) return;
    std::stable_partition(dirty_.begin(), dirty_.end(),
                          [](const State* state) { return state->count_datapaths() > 1; });
}

bool FlowTable::write(Transaction& txn, const Replica& replica, const DatapathGroups::Resolve& resolve) {
    for (const Uuid& uuid : foreign_) {
        if (replica.find<sb::LogicalFlow>(uuid)) txn.erase<sb::LogicalFlow>(uuid);
    }
    foreign_.clear();
    if (!filling_) begin_filling();
    size_t count = std::min(dirty_.size(), filling_ ? kFlowsOfFilling : kFlowsAtOnce);
    std::vector<State*> part(dirty_.begin(), dirty_.begin() + static_cast<std::ptrdiff_t>(count));
    dirty_.erase(dirty_.begin(), dirty_.begin() + static_cast<std::ptrdiff_t>(count));
    for (State* state : part) choose_group(*state);
    for (State* state : part) {
        state->dirty = false;
        if (state->shared) {
            for (const Uuid& row : state->shared->more_rows) txn.erase<sb::LogicalFlow>(row);
        }
        if (state->is_wanted()) {
            write_row(txn, *state, resolve);
            continue;
        }
        if (!state->row.is_zero()) {
            txn.erase<sb::LogicalFlow>(state->row);
        } else {
            states_.erase(states_.find(state->body));
        }
    }
    if (!dirty_.empty()) return false;
    dirty_.shrink_to_fit();
    filling_ = false;
    return true;
}

}  // namespace weft::northd
