#include "switch/ofproto/bridge.h"

#include <absl/container/inlined_vector.h>
#include <fmt/core.h>

#include <algorithm>

#include "base/clock.h"
#include "base/log.h"

namespace weft::vswitch {

using openflow::OfError;

namespace {

log::Module lg("ofproto");

constexpr uint32_t kFirstFreePort = 1;
constexpr int kFailOpenPriority = 0xf0f0f0;

// Many rules lie all over the memory, and to let go of them is mostly to wait for that: what a turn needs is
// asked for so many turns before.
constexpr size_t kAhead = 16, kActionsAhead = 10, kListAhead = 5;

void let_go_of(std::vector<Transaction::Step>& steps) {
    for (size_t i = 0; i < steps.size(); ++i) {
        if (i + kAhead < steps.size()) steps[i + kAhead].rule->prefetch();
        if (i + kActionsAhead < steps.size()) steps[i + kActionsAhead].rule->actions.prefetch();
        if (i + kListAhead < steps.size()) {
            steps[i + kListAhead].rule->actions.prefetch_list();
            steps[i + kListAhead].rule->actions.prefetch_place();
        }
        steps[i].rule = {};
    }
    steps.clear();
}

int64_t expiry_time(const Rule& rule) {
    int64_t at = INT64_MAX;
    if (rule.hard_timeout) at = rule.modified_ms + rule.hard_timeout * 1000;
    if (rule.idle_timeout) at = std::min(at, rule.used_ms + rule.idle_timeout * 1000);
    return at;
}

}  // namespace

bool outputs_to_port(const openflow::ActionList& actions, uint32_t port) {
    for (const openflow::Action& action : actions) {
        if (auto* output = openflow::action_cast<openflow::Output>(action)) {
            if (output->port == port) return true;
        } else if (auto* trunc = openflow::action_cast<openflow::OutputTrunc>(action)) {
            if (trunc->port == port) return true;
        } else if (auto* enqueue = openflow::action_cast<openflow::Enqueue>(action)) {
            if (enqueue->port == port) return true;
        } else if (openflow::action_cast<openflow::Controller>(action)) {
            if (port == openflow::kPortController) return true;
        } else if (auto* write = openflow::action_cast<openflow::WriteActions>(action)) {
            if (outputs_to_port(write->actions, port)) return true;
        } else if (auto* clone = openflow::action_cast<openflow::Clone>(action)) {
            if (outputs_to_port(clone->actions, port)) return true;
        }
    }
    return false;
}

Bridge::Bridge(std::string name, std::string datapath_type)
    : tunnel_table(std::make_shared<openflow::TunnelTable>()),
      name_(std::move(name)),
      datapath_type_(std::move(datapath_type)) {
    for (auto& table : tables_) table = std::make_unique<FlowTable>();
    make_internal_rules();
}

Bridge::~Bridge() {
    events = nullptr;
    for (auto& table : tables_) {
        std::vector<Rule*> rules;
        table->classifier.for_each([&](ClassifierRule& rule) { rules.push_back(&FlowTable::rule_of(rule)); });
        for (Rule* rule : rules) take_out(*rule);
    }
}

// Rules of the internal table: shown by bridge/dump-flows, and they count what has no other rule.
void Bridge::make_internal_rules() {
    auto make = [&](uint32_t reg0, openflow::ActionList actions) {
        FlowChange change;
        change.match.set_reg(0, reg0);
        change.priority = 0;
        change.actions = std::move(actions);
        RuleRef rule = make_rule(change);
        rule->table = kInternalTable;
        insert(*rule);
        return rule.get();
    };
    openflow::Controller to_controller;
    to_controller.reason = openflow::PacketInReason::kImplicitMiss;
    miss_rule_ = make(1, {Boxed<openflow::Controller>(to_controller)});
    no_packet_in_rule_ = make(2, {});
    drop_frags_rule_ = make(3, {});
    FlowChange drop_recirculated;
    drop_recirculated.match.set(openflow::FieldId::kRecircId, 0);
    drop_recirculated.priority = 2;
    RuleRef rule = make_rule(drop_recirculated);
    rule->table = kInternalTable;
    insert(*rule);
}

RuleRef Bridge::make_rule(const FlowChange& change) {
    RuleRef rule = Rule::make(MaskShape::of(change.match.mask), change.match.value, change.priority);
    rule->cookie = change.new_cookie;
    rule->idle_timeout = change.idle_timeout;
    rule->hard_timeout = change.hard_timeout;
    rule->importance = change.importance;
    rule->flags = change.flags;
    rule->created_ms = rule->modified_ms = rule->used_ms = clock::monotonic_ms();
    rule->actions = action_pool_.share(change.actions);
    if (change.match.mask.tunnel.metadata_present) rule->set_tunnel_table(change.match.tunnel_table);
    std::vector<Conjunction> conjunctions;
    for (const openflow::Action& action : change.actions) {
        if (auto* c = openflow::action_cast<openflow::Conjunction>(action)) {
            conjunctions.push_back({c->id, c->clause, c->clauses});
        }
    }
    if (!conjunctions.empty()) rule->set_conjunctions(std::move(conjunctions));
    return rule;
}

void Bridge::insert(Rule& rule) {
    ++rule.references;  // the table's
    tables_[rule.table]->classifier.insert(rule);
    if (rule.has_timeout()) {
        int64_t at = expiry_time(rule);
        expiry_.emplace(at, &rule);
        expiry_of_[&rule] = at;
    }
    if (rule.actions.get()->deletes_learned) learned_cookies_.added(*rule.actions);
    touch();
}

void Bridge::take_out(Rule& rule) {
    tables_[rule.table]->classifier.remove(rule);
    let_go(rule);
    touch();
}

// The rule is in no classifier any more.
void Bridge::let_go(Rule& rule) {
    if (!expiry_of_.empty()) forget_expiry(rule);
    if (!learned_cookies_.empty() && rule.actions.get()->deletes_learned)
        learned_cookies_.removed(*rule.actions);
    RuleRef hold(&rule);
    --rule.references;
}

void Bridge::set_actions(Rule& rule, const ActionsRef& actions) {
    if (actions.get()->deletes_learned) learned_cookies_.added(*actions);
    if (rule.actions.get()->deletes_learned) learned_cookies_.removed(*rule.actions);
    rule.actions = actions;
}

// Flows go whose learn actions have gone; theirs may have learnt others.
void Bridge::remove_orphans() {
    for (const auto& [table, cookie] : learned_cookies_.take_orphans()) {
        Transaction transaction;
        remove_all(collect(table, {}, cookie, UINT64_MAX, openflow::kPortNone, openflow::kGroupAny),
                   RemovedReason::kDelete, transaction);
        commit(transaction);
    }
}

void Bridge::forget_expiry(Rule& rule) {
    auto it = expiry_of_.find(&rule);
    if (it == expiry_of_.end()) return;
    expiry_.erase({it->second, &rule});
    expiry_of_.erase(it);
}

size_t Bridge::flow_count() const {
    size_t count = 0;
    for (size_t t = 0; t < kInternalTable; ++t) count += tables_[t]->classifier.size();
    return count - (fail_open_rule_ ? 1 : 0);
}

OfError Bridge::check(const FlowChange& change) const {
    if (change.table != openflow::kTableAll && change.table >= kInternalTable)
        return OfError::OFPBRC_BAD_TABLE_ID;
    for (const openflow::Action& action : change.actions) {
        if (auto* g = openflow::action_cast<openflow::Group>(action)) {
            if (!group(g->group_id)) return OfError::OFPBAC_BAD_OUT_GROUP;
        } else if (auto* m = openflow::action_cast<openflow::Meter>(action)) {
            if (!meters.contains(m->meter_id)) return OfError::OFPMMFC_INVALID_METER;
        }
    }
    return OfError::kNone;
}

OfError Bridge::make_room(FlowTable& table, const FlowChange& change, Transaction& transaction) {
    if (table.classifier.size() < table.max_flows) return OfError::kNone;
    if (!table.evict) return OfError::OFPFMFC_TABLE_FULL;
    Rule* victim = nullptr;
    table.classifier.for_each([&](ClassifierRule& entry) {
        Rule& rule = FlowTable::rule_of(entry);
        if (rule.hidden() || !rule.has_timeout()) return;
        if (rule.importance > change.importance) return;
        if (!victim || rule.importance < victim->importance ||
            (rule.importance == victim->importance && expiry_time(rule) < expiry_time(*victim))) {
            victim = &rule;
        }
    });
    if (!victim) return OfError::OFPFMFC_TABLE_FULL;
    remove(*victim, RemovedReason::kEviction, transaction);
    return OfError::kNone;
}

OfError Bridge::add(const FlowChange& change, Transaction& transaction) {
    if (change.table == openflow::kTableAll) return OfError::OFPFMFC_BAD_TABLE_ID;
    FlowTable& into = *tables_[change.table];
    RuleRef rule = make_rule(change);
    rule->table = change.table;
    Rule* old = static_cast<Rule*>(into.classifier.find(*rule));
    if ((change.flags & kFlowCheckOverlap) && into.classifier.overlaps(*rule))
        return OfError::OFPFMFC_OVERLAP;
    if (old) {
        if (change.keep_counts) {
            rule->packets = old->packets;
            rule->bytes = old->bytes;
            rule->created_ms = old->created_ms;
        }
        remove(*old, RemovedReason::kDelete, transaction, true);
    } else if (OfError error = make_room(into, change, transaction); error != OfError::kNone) {
        return error;
    }
    insert(*rule);
    transaction.steps.push_back({.rule = rule, .kind = Transaction::Step::Kind::kAdded});
    return OfError::kNone;
}

void Bridge::remove_all(const std::vector<Rule*>& rules, RemovedReason reason, Transaction& transaction) {
    // Never by a little: a bundle may have very many deletions, of a flow each.
    if (rules.size() > transaction.steps.size())
        transaction.steps.reserve(transaction.steps.size() + rules.size());
    for (size_t i = 0; i < rules.size();) {
        FlowTable& table = *tables_[rules[i]->table];
        size_t end = i;
        while (end < rules.size() && rules[end]->table == rules[i]->table) ++end;
        if (end - i < table.classifier.size()) {
            for (; i < end; ++i) remove(*rules[i], reason, transaction);
            continue;
        }
        // A whole table: nothing in it needs to be looked for.
        table.classifier.clear();
        for (; i < end; ++i) {
            if (i + kAhead < end) __builtin_prefetch(rules[i + kAhead]);
            transaction.steps.push_back(
                {.rule = RuleRef(rules[i]), .kind = Transaction::Step::Kind::kRemoved, .reason = reason});
            let_go(*rules[i]);
        }
        touch();
    }
}

void Bridge::remove(Rule& rule, RemovedReason reason, Transaction& transaction, bool replaced) {
    transaction.steps.push_back({.rule = RuleRef(&rule),
                                 .kind = Transaction::Step::Kind::kRemoved,
                                 .reason = reason,
                                 .replaced = replaced});
    take_out(rule);
}

std::vector<Rule*> Bridge::collect(uint8_t table_id, const openflow::Match& match, uint64_t cookie,
                                   uint64_t cookie_mask, uint32_t out_port, uint32_t out_group) const {
    std::vector<Rule*> out;
    for_each_rule(table_id, match, cookie, cookie_mask, out_port, out_group,
                  [&](Rule& rule) { out.push_back(&rule); });
    return out;
}

void Bridge::for_each_rule(uint8_t table_id, const openflow::Match& match, uint64_t cookie,
                           uint64_t cookie_mask, uint32_t out_port, uint32_t out_group,
                           const std::function<void(Rule&)>& visit) const {
    auto choose = [&](ClassifierRule& entry) {
        Rule& rule = FlowTable::rule_of(entry);
        if (rule.hidden() || ((rule.cookie ^ cookie) & cookie_mask)) return;
        if (out_port != openflow::kPortNone && !outputs_to_port(*rule.actions, out_port)) return;
        if (out_group != openflow::kGroupAny && !times_sent_to_group(*rule.actions, out_group)) return;
        visit(rule);
    };
    size_t first = table_id == openflow::kTableAll ? 0 : table_id;
    size_t last = table_id == openflow::kTableAll ? kInternalTable - 1u : table_id;
    for (size_t t = first; t <= last && t < kTables; ++t) {
        tables_[t]->classifier.for_each_within(match.value, match.mask, choose);
    }
}

std::vector<Rule*> Bridge::targets(const FlowChange& change) const {
    using Command = FlowChange::Command;
    if (change.command == Command::kModify || change.command == Command::kDelete) {
        return collect(change.table, change.match, change.cookie, change.cookie_mask, change.out_port,
                       change.out_group);
    }
    std::vector<Rule*> out;
    LooseRule like(change.match.value, change.match.mask, change.priority);
    size_t first = change.table == openflow::kTableAll ? 0 : change.table;
    size_t last = change.table == openflow::kTableAll ? kInternalTable - 1u : change.table;
    for (size_t t = first; t <= last; ++t) {
        auto* rule = static_cast<Rule*>(tables_[t]->classifier.find(like));
        if (!rule || rule->hidden() || ((rule->cookie ^ change.cookie) & change.cookie_mask)) continue;
        if (change.out_port != openflow::kPortNone && !outputs_to_port(*rule->actions, change.out_port))
            continue;
        if (change.out_group != openflow::kGroupAny && !times_sent_to_group(*rule->actions, change.out_group))
            continue;
        out.push_back(rule);
    }
    return out;
}

OfError Bridge::modify(const FlowChange& change, const std::vector<Rule*>& rules, Transaction& transaction) {
    int64_t now = clock::monotonic_ms();
    ActionsRef actions = action_pool_.share(change.actions);
    std::vector<Conjunction> conjunctions;
    for (const openflow::Action& action : change.actions) {
        if (auto* c = openflow::action_cast<openflow::Conjunction>(action)) {
            conjunctions.push_back({c->id, c->clause, c->clauses});
        }
    }
    for (Rule* rule : rules) {
        auto before = std::make_unique<Transaction::Before>();
        before->actions = rule->actions;
        before->cookie = rule->cookie;
        before->idle_timeout = rule->idle_timeout;
        before->hard_timeout = rule->hard_timeout;
        before->importance = rule->importance;
        before->flags = rule->flags;
        before->created_ms = rule->created_ms;
        before->modified_ms = rule->modified_ms;
        before->packets = rule->packets;
        before->bytes = rule->bytes;
        if (rule->conjunctions()) before->conjunctions = *rule->conjunctions();
        transaction.steps.push_back(
            {.rule = RuleRef(rule), .before = std::move(before), .kind = Transaction::Step::Kind::kModified});
        set_actions(*rule, actions);
        rule->set_conjunctions(conjunctions);
        if (change.modify_cookie) rule->cookie = change.new_cookie;
        rule->modified_ms = now;
        if (change.flags & kFlowResetCounts) rule->packets = rule->bytes = 0;
    }
    touch();
    return OfError::kNone;
}

OfError Bridge::apply(const FlowChange& change, Transaction& transaction) {
    using Command = FlowChange::Command;
    if (OfError error = check(change); error != OfError::kNone) return error;
    if (change.command == Command::kAdd) return add(change, transaction);
    std::vector<Rule*> rules = targets(change);
    if (change.command == Command::kDelete || change.command == Command::kDeleteStrict) {
        remove_all(rules, change.reason, transaction);
        return OfError::kNone;
    }
    if (rules.empty() && change.add_if_missing && !change.cookie_mask) {
        FlowChange addition = change;
        addition.command = Command::kAdd;
        return add(addition, transaction);
    }
    return modify(change, rules, transaction);
}

void Bridge::commit(Transaction& transaction) {
    using Kind = Transaction::Step::Kind;
    absl::InlinedVector<uint8_t, 8> resized;  // tables, as they come
    const auto& steps = transaction.steps;
    for (size_t i = 0; i < steps.size(); ++i) {
        if (i + kAhead < steps.size()) __builtin_prefetch(steps[i + kAhead].rule.get());
        const Transaction::Step& step = steps[i];
        const Rule& rule = *step.rule;
        if (step.kind != Kind::kModified && (resized.empty() || resized.back() != rule.table))
            resized.push_back(rule.table);
        if (!events || rule.hidden()) continue;
        switch (step.kind) {
            case Kind::kAdded:  // in place of an equal one, too
                events->flow_changed(rule, FlowEvent::kAdded, step.reason);
                break;
            case Kind::kRemoved:
                if (step.replaced) break;
                if (rule.flags & kFlowSendRemoved) events->flow_removed(rule, step.reason);
                events->flow_changed(rule, FlowEvent::kDeleted, step.reason);
                break;
            case Kind::kModified:
                if (rule.in_classifier()) events->flow_changed(rule, FlowEvent::kModified, step.reason);
                break;
        }
    }
    for (uint8_t table : resized) check_vacancy(table);
    let_go_of(transaction.steps);
    transaction.groups.clear();
    remove_orphans();
}

void Bridge::check_vacancy(uint8_t id) {
    FlowTable& table = *tables_[id];
    if (!table.vacancy_events || table.max_flows == UINT32_MAX || !events) return;
    uint8_t vacancy = table.vacancy();
    bool passed = table.vacancy_low ? vacancy > table.vacancy_up : vacancy < table.vacancy_down;
    if (!passed) return;
    table.vacancy_low = !table.vacancy_low;
    events->vacancy_changed(id);
}

void Bridge::restore_groups(Transaction& transaction) {
    for (auto it = transaction.groups.rbegin(); it != transaction.groups.rend(); ++it) {
        if (it->before)
            groups_[it->id] = it->before;
        else
            groups_.erase(it->id);
    }
}

void Bridge::rollback(Transaction& transaction) {
    using Kind = Transaction::Step::Kind;
    for (auto it = transaction.steps.rbegin(); it != transaction.steps.rend(); ++it) {
        Rule& rule = *it->rule;
        switch (it->kind) {
            case Kind::kAdded:
                take_out(rule);
                break;
            case Kind::kRemoved:
                insert(rule);
                break;
            case Kind::kModified:
                set_actions(rule, it->before->actions);
                rule.set_conjunctions(it->before->conjunctions);
                rule.cookie = it->before->cookie;
                rule.idle_timeout = it->before->idle_timeout;
                rule.hard_timeout = it->before->hard_timeout;
                rule.importance = it->before->importance;
                rule.flags = it->before->flags;
                rule.created_ms = it->before->created_ms;
                rule.modified_ms = it->before->modified_ms;
                rule.packets = it->before->packets;
                rule.bytes = it->before->bytes;
                break;
        }
    }
    restore_groups(transaction);
    transaction.steps.clear();
    transaction.groups.clear();
    (void)learned_cookies_.take_orphans();  // all are back
    touch();
}

void Bridge::remove_rule(Rule& rule, RemovedReason reason) {
    Transaction transaction;
    remove(rule, reason, transaction);
    commit(transaction);
}

void Bridge::timeouts_changed(Rule& rule) {
    forget_expiry(rule);
    if (!rule.has_timeout()) return;
    int64_t at = expiry_time(rule);
    expiry_.emplace(at, &rule);
    expiry_of_[&rule] = at;
}

int64_t Bridge::next_expiry_ms() const {
    return expiry_.empty() ? INT64_MAX : expiry_.begin()->first;
}

void Bridge::expire_flows(int64_t now_ms) {
    while (!expiry_.empty() && expiry_.begin()->first <= now_ms) {
        Rule* rule = expiry_.begin()->second;
        int64_t at = expiry_time(*rule);
        if (at > now_ms) {  // it was used since
            expiry_.erase(expiry_.begin());
            expiry_.emplace(at, rule);
            expiry_of_[rule] = at;
            continue;
        }
        bool hard = rule->hard_timeout && rule->modified_ms + rule->hard_timeout * 1000 <= now_ms;
        remove_rule(*rule, hard ? RemovedReason::kHard : RemovedReason::kIdle);
    }
}

void Bridge::flush_flows() {
    for (size_t t = 0; t < kInternalTable; ++t) {
        std::vector<Rule*> rules;
        tables_[t]->classifier.for_each(
            [&](ClassifierRule& rule) { rules.push_back(&FlowTable::rule_of(rule)); });
        for (Rule* rule : rules) {
            if (!rule->hidden()) take_out(*rule);
        }
    }
    (void)learned_cookies_.take_orphans();  // gone, too
}

void Bridge::add_default_flow() {
    FlowChange change;
    change.priority = 0;
    change.actions = {openflow::Output{openflow::kPortNormal, 0}};
    Transaction transaction;
    if (apply(change, transaction) == OfError::kNone)
        commit(transaction);
    else
        rollback(transaction);
}

void Bridge::set_fail_open(bool on) {
    if (on == fail_open()) return;
    if (!on) {
        take_out(*std::exchange(fail_open_rule_, nullptr));
        return;
    }
    FlowChange change;
    change.priority = kFailOpenPriority;
    change.actions = {openflow::Output{openflow::kPortNormal, 0}};
    RuleRef rule = make_rule(change);
    insert(*rule);
    fail_open_rule_ = rule.get();
}

void Bridge::set_hidden_flows(std::vector<HiddenFlow> flows) {
    std::erase_if(hidden_flows_, [&](const auto& have) {
        auto it = std::find(flows.begin(), flows.end(), have.first);
        if (it == flows.end()) {
            take_out(*have.second);
            return true;
        }
        flows.erase(it);
        return false;
    });
    for (HiddenFlow& flow : flows) {
        FlowChange change;
        change.match = flow.match;
        change.priority = flow.priority;
        change.actions = flow.actions;
        RuleRef rule = make_rule(change);
        insert(*rule);
        hidden_flows_.emplace_back(std::move(flow), rule.get());
    }
}

GroupEntry* Bridge::group(uint32_t id) const {
    auto it = groups_.find(id);
    return it == groups_.end() ? nullptr : it->second.get();
}

void Bridge::set_group(Ref<GroupEntry> group, Transaction& transaction) {
    auto it = groups_.find(group->id);
    transaction.groups.push_back({group->id, it == groups_.end() ? Ref<GroupEntry>() : it->second});
    group->apportion();
    uint32_t id = group->id;
    groups_[id] = std::move(group);
    touch();
}

void Bridge::delete_group(uint32_t id, Transaction& transaction) {
    auto it = groups_.find(id);
    if (it == groups_.end()) return;
    transaction.groups.push_back({id, it->second});
    groups_.erase(it);
    for (size_t t = 0; t < kInternalTable; ++t) {
        std::vector<Rule*> users;
        tables_[t]->classifier.for_each([&](ClassifierRule& entry) {
            Rule& rule = FlowTable::rule_of(entry);
            if (times_sent_to_group(*rule.actions, id)) users.push_back(&rule);
        });
        for (Rule* rule : users) remove(*rule, RemovedReason::kGroupDelete, transaction);
    }
    touch();
}

OfPort& Bridge::add_port(OfPort port) {
    auto owned = std::make_unique<OfPort>(std::move(port));
    owned->bridge = this;
    if (!owned->number) owned->number = free_port_number();
    OfPort& added = *owned;
    ports_by_name_[added.name] = &added;
    ports_[added.number] = std::move(owned);
    touch();
    if (events) events->port_status(added, PortReason::kAdd);
    return added;
}

void Bridge::remove_port(uint32_t number) {
    auto it = ports_.find(number);
    if (it == ports_.end()) return;
    OfPort& port = *it->second;
    if (port.bundle) {
        std::erase(port.bundle->members, &port);
        forget_learnt(port.bundle);
    }
    if (events) events->port_status(port, PortReason::kDelete);
    ports_by_name_.erase(port.name);
    ports_.erase(it);
    touch();
}

OfPort* Bridge::port(uint32_t number) const {
    auto it = ports_.find(number);
    return it == ports_.end() ? nullptr : it->second.get();
}

OfPort* Bridge::port(std::string_view name) const {
    auto it = ports_by_name_.find(std::string(name));
    return it == ports_by_name_.end() ? nullptr : it->second;
}

void Bridge::port_changed(OfPort& port) {
    touch();
    if (events) events->port_status(port, PortReason::kModify);
}

void Bridge::set_mirrors(std::vector<Mirror> mirrors) {
    if (mirrors.size() > kMaxMirrors) mirrors.resize(kMaxMirrors);
    if (mirrors == mirrors_) return;
    mirrors_ = std::move(mirrors);
    mirror_outputs_.clear();
    std::map<std::string, MirrorCounts> counts;
    for (const Mirror& mirror : mirrors_) {
        if (!mirror.output.empty()) mirror_outputs_.insert(mirror.output);
        counts[mirror.name] = mirrored_[mirror.name];
    }
    mirrored_ = std::move(counts);
    mac_table.flush();
    touch();
}

void Bridge::count_mirrored(const std::string& mirror, uint64_t packets, uint64_t bytes) {
    auto it = mirrored_.find(mirror);
    if (it == mirrored_.end()) return;
    it->second.packets += packets;
    it->second.bytes += bytes;
}

MirrorCounts Bridge::mirrored(const std::string& mirror) const {
    auto it = mirrored_.find(mirror);
    return it == mirrored_.end() ? MirrorCounts() : it->second;
}

// The next number that is free, going round, so that a number is not given again soon after its port went.
uint32_t Bridge::free_port_number() const {
    for (uint32_t tried = 0; tried < openflow::kPortMax10; ++tried) {
        uint32_t number = next_port_++;
        if (next_port_ >= openflow::kPortMax10) next_port_ = kFirstFreePort;
        if (!ports_.contains(number)) return number;
    }
    return openflow::kPortNone;
}

Bundle* Bridge::find_bundle(std::string_view name) const {
    auto it = bundles_.find(name);
    return it == bundles_.end() ? nullptr : it->second.get();
}

Bundle& Bridge::bundle(const std::string& name) {
    auto& slot = bundles_[name];
    if (!slot) {
        slot = std::make_unique<Bundle>();
        slot->name = name;
    }
    return *slot;
}

void Bridge::forget_learnt(const Bundle* bundle) {
    mac_table.forget(bundle);
    multicast.forget(bundle);
}

void Bridge::flush_learnt() {
    mac_table.flush();
    multicast.flush();
}

void Bridge::remove_bundle(const std::string& name) {
    auto it = bundles_.find(name);
    if (it == bundles_.end()) return;
    forget_learnt(it->second.get());
    for (OfPort* port : it->second->members) port->bundle = nullptr;
    bundles_.erase(it);
    touch();
}

openflow::Names Bridge::names() const {
    openflow::Names names;
    for (const auto& [number, port] : ports_) names.add_port(number, port->name);
    for (size_t t = 0; t < kInternalTable; ++t) {
        if (!tables_[t]->name.empty()) names.add_table(static_cast<uint8_t>(t), tables_[t]->name);
    }
    return names;
}

}  // namespace weft::vswitch
