#include "northd/sync/flow_table.h"

#include <fmt/core.h>

#include <algorithm>
#include <cassert>
#include <span>
#include <string_view>

namespace weft::northd {

using ovsdb::client::Replica;
using ovsdb::client::Transaction;

namespace {

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

std::optional<FlowBody> body_of(const sb::LogicalFlow& row) {
    auto stage = stages_by_name().find(ovsdb::get_string(row.external_ids, "stage-name"));
    if (stage == stages_by_name().end()) return std::nullopt;
    const StageInfo& info = stage_info(stage->second);
    if (row.table_id != info.table || row.pipeline != (info.ingress ? "ingress" : "egress"))
        return std::nullopt;
    return FlowBody{stage->second,
                    static_cast<uint16_t>(row.priority),
                    row.match,
                    row.actions,
                    std::string(ovsdb::get_string(row.tags, "in_out_port")),
                    row.controller_meter.value_or("")};
}

bool is_acl(const FlowBody& body) {
    return (body.stage == Stage::kSwitchInAcl || body.stage == Stage::kSwitchInAclAfterLb ||
            body.stage == Stage::kSwitchOutAcl) &&
           kAclPriority <= body.priority && body.priority <= kLastAclPriority;
}

bool is_drop(const FlowBody& body) {
    return body.actions == kDrop || body.actions == kAclDrop;
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

std::optional<Uuid> DatapathGroups::row(Transaction& txn, const SetId& id, const std::vector<Uuid>& datapaths,
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
}

void DatapathGroups::committed(const ovsdb::client::CommitOutcome& outcome) {
    for (auto it = groups_.begin(); it != groups_.end();) {
        Group& group = it->second;
        if (group.provisional) {
            group.row = outcome.real(group.row);
            group.provisional = false;
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

void FlowTable::add(State& state, const LogicalFlow& flow) {
    for (const Uuid& datapath : flow.datapaths) {
        auto at = std::lower_bound(state.members.begin(), state.members.end(), datapath,
                                   [](const Member& m, const Uuid& d) { return m.datapath < d; });
        if (at != state.members.end() && at->datapath == datapath) {
            ++at->count;
        } else {
            state.members.insert(at, {datapath, 1});
            state.set.add(datapath);
        }
    }
    state.origins.push_back({flow.hint, flow.line, flow.file});
}

void FlowTable::remove(State& state, const LogicalFlow& flow) {
    for (const Uuid& datapath : flow.datapaths) {
        auto at = std::lower_bound(state.members.begin(), state.members.end(), datapath,
                                   [](const Member& m, const Uuid& d) { return m.datapath < d; });
        assert(at != state.members.end() && at->datapath == datapath);
        if (--at->count == 0) {
            state.members.erase(at);
            state.set.remove(datapath);
        }
    }
    auto origin =
        std::find(state.origins.begin(), state.origins.end(), Origin{flow.hint, flow.line, flow.file});
    assert(origin != state.origins.end());
    *origin = state.origins.back();
    state.origins.pop_back();
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

void FlowTable::have(const Replica& replica) {
    for (const auto& change : replica.changes<sb::LogicalFlow>()) {
        const Uuid uuid = change.row().uuid;
        if (auto it = state_of_row_.find(uuid); it != state_of_row_.end()) {
            State& state = *it->second;
            state.rows.erase(std::find(state.rows.begin(), state.rows.end(), uuid));
            mark(state);
            state_of_row_.erase(it);
        }
        if (!change.after) continue;
        std::optional<FlowBody> body = body_of(*change.after);
        if (!body) {
            foreign_.push_back(uuid);
            continue;
        }
        if (!drop_action_.empty() && body->actions == drop_action_)
            body->actions = is_acl(*body) ? kAclDrop : kDrop;
        State& state = state_of(*body);
        state.rows.push_back(uuid);
        mark(state);
        state_of_row_.emplace(uuid, &state);
    }
}

// Counts the state's set among the groups, if it is one.
void FlowTable::choose_group(State& state) {
    bool is_group = state.members.size() > 1;
    if (is_group && state.uses_group && state.used == state.set) return;
    bool had = state.uses_group;
    SetId before = state.used;
    if (had) groups_.unuse(before);
    state.uses_group = is_group;
    state.used = state.set;
    if (is_group) groups_.use(state.set);
    if (had && is_group) groups_.take_over(before, state.set);
}

void FlowTable::write_row(Transaction& txn, State& state, const DatapathGroups::Resolve& resolve) {
    using Flow = sb::LogicalFlow;
    std::optional<Uuid> datapath, group;
    if (state.members.size() == 1) {
        datapath = resolve(state.members[0].datapath);
        if (!datapath) return;
    } else {
        std::vector<Uuid> datapaths;
        for (const Member& member : state.members) datapaths.push_back(member.datapath);
        group = groups_.row(txn, state.set, datapaths, resolve);
        if (!group) return;
    }
    const FlowBody& body = state.body;
    const StageInfo& info = stage_info(body.stage);
    Uuid row;
    if (state.rows.empty()) {
        row = txn.insert<Flow>();
        txn.set(row, Flow::kPipeline, info.ingress ? "ingress" : "egress");
        txn.set(row, Flow::kTableId, info.table);
        txn.set(row, Flow::kPriority, body.priority);
        txn.set(row, Flow::kMatch, body.match);
        if (!body.port.empty()) txn.set(row, Flow::kTags, {{"in_out_port", body.port}});
        if (!body.meter.empty()) txn.set(row, Flow::kControllerMeter, body.meter);
    } else {
        row = state.rows.front();
    }
    txn.set(row, Flow::kActions, is_drop(body) && !drop_action_.empty() ? drop_action_ : body.actions);
    txn.set(row, Flow::kLogicalDatapath, datapath);
    txn.set(row, Flow::kLogicalDpGroup, group);
    const Origin& origin = *std::min_element(state.origins.begin(), state.origins.end());
    std::string_view file = origin.file;
    file = file.substr(file.rfind('/') + 1);
    ovsdb::StringMap ids{{"source", fmt::format("{}:{}", file, origin.line)}, {"stage-name", info.name}};
    if (origin.hint) ids.set("stage-hint", fmt::format("{:08x}", origin.hint));
    txn.set(row, Flow::kExternalIds, ids);
}

bool FlowTable::write(Transaction& txn, const Replica& replica, const DatapathGroups::Resolve& resolve) {
    for (const Uuid& uuid : foreign_) {
        if (replica.find<sb::LogicalFlow>(uuid)) txn.erase<sb::LogicalFlow>(uuid);
    }
    foreign_.clear();
    std::span<State* const> part(dirty_.data(), std::min(dirty_.size(), kFlowsAtOnce));
    for (State* state : part) choose_group(*state);
    for (State* state : part) {
        state->dirty = false;
        for (size_t i = state->members.empty() ? 0 : 1; i < state->rows.size(); ++i) {
            txn.erase<sb::LogicalFlow>(state->rows[i]);
        }
        if (!state->members.empty()) {
            write_row(txn, *state, resolve);
        } else if (state->rows.empty()) {
            states_.erase(states_.find(state->body));
        }
    }
    dirty_.erase(dirty_.begin(), dirty_.begin() + static_cast<std::ptrdiff_t>(part.size()));
    return dirty_.empty();
}

}  // namespace weft::northd
