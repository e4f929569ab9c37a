// Flow modifications, flow statistics and flow monitors.

#include "base/clock.h"
#include "openflow/action_check.h"
#include "switch/connection/connection_manager.h"
#include "switch/connection/of_connection_state.h"
#include "switch/ofproto/default_packet_type.h"

namespace weft::vswitch {

namespace of = openflow;
using of::OfError;

constexpr size_t kDumpBacklog = size_t{1} << 20;

OfError OfConnection::convert(const of::FlowMod& mod, FlowChange& change) const {
    using Command = of::FlowMod::Command;
    switch (mod.command) {
        case Command::kAdd:
            change.command = FlowChange::Command::kAdd;
            break;
        case Command::kModify:
            change.command = FlowChange::Command::kModify;
            break;
        case Command::kModifyStrict:
            change.command = FlowChange::Command::kModifyStrict;
            break;
        case Command::kDelete:
            change.command = FlowChange::Command::kDelete;
            break;
        case Command::kDeleteStrict:
            change.command = FlowChange::Command::kDeleteStrict;
            break;
    }
    change.match = mod.match;
    set_default_packet_type(change.match);
    change.priority = mod.priority;
    change.table = mod.table;
    // A table that is not told is the first one, of additions, and all of them otherwise.
    if (mod.table == of::kTableAll && mod.command == Command::kAdd) change.table = 0;
    if (mod.table == of::kTableAll && !mod.is_delete() && mod.command != Command::kAdd &&
        version() < of::Version::k11) {
        change.table = of::kTableAll;
    }
    change.cookie = mod.cookie;
    change.cookie_mask = mod.cookie_mask;
    change.new_cookie = mod.new_cookie;
    change.modify_cookie = mod.modify_cookie;
    change.add_if_missing = version() <= of::Version::k11;
    change.keep_counts = !(mod.flags & of::kFlowResetCounts) && version() >= of::Version::k13;
    change.idle_timeout = mod.idle_timeout;
    change.hard_timeout = mod.hard_timeout;
    change.importance = mod.importance;
    change.flags = mod.flags;
    change.out_port = mod.out_port;
    change.out_group = mod.out_group;
    change.actions = mod.actions;
    if (change.add_if_missing && change.table == of::kTableAll && mod.command != Command::kAdd &&
        !mod.is_delete()) {
        // What a modification adds goes to table 0.
        bool any = false;
        for (Rule* rule : bridge_.collect(of::kTableAll, change.match, change.cookie, change.cookie_mask,
                                          of::kPortNone, of::kGroupAny)) {
            any |= rule != nullptr;
        }
        if (!any) change.table = 0;
    }
    return OfError::kNone;
}

OfError OfConnection::apply(const of::FlowMod& mod, Transaction& transaction) {
    if (mod.match.mask.dl_type && !mod.match.prerequisites_met()) return OfError::OFPBMC_BAD_PREREQ;
    // What only the switch's own flows look at.
    if (mod.command == of::FlowMod::Command::kAdd && (mod.match.mask.dp_hash || mod.match.value.recirc_id))
        return OfError::OFPBRC_EPERM;
    if (!mod.is_delete()) {
        of::ActionCheck check;
        check.match = &mod.match;
        check.table = mod.table == of::kTableAll ? uint8_t{0} : mod.table;
        check.tables = kInternalTable;
        check.may_be_inconsistent = version() == of::Version::k10;
        if (OfError error = of::check_actions(mod.actions, check); error != OfError::kNone) return error;
    }
    FlowChange change;
    if (OfError error = convert(mod, change); error != OfError::kNone) return error;
    return bridge_.apply(change, transaction);
}

void OfConnection::handle(const of::FlowMod& mod) {
    Transaction transaction;
    OfError error = apply(mod, transaction);
    if (error != OfError::kNone) {
        bridge_.rollback(transaction);
        return fail(error);
    }
    monitoring_own_change_ = true;
    bridge_.commit(transaction);
    monitoring_own_change_ = false;
    if (mod.buffer_id != of::kNoBuffer && !mod.is_delete()) fail(OfError::OFPBRC_BUFFER_UNKNOWN);
}

void OfConnection::handle(const of::FlowStatsRequest& request) {
    if (request.table != of::kTableAll && request.table >= kInternalTable)
        return fail(OfError::OFPBRC_BAD_TABLE_ID);
    backer_.pull_statistics();
    auto each_rule = [&](auto visit) {
        bridge_.for_each_rule(request.table, request.match, request.cookie, request.cookie_mask,
                              request.out_port, request.out_group, visit);
    };
    if (request.aggregate) {
        of::AggregateStatsReply out;
        out.nicira = request.nicira;
        each_rule([&](Rule& rule) {
            out.packets += rule.packets;
            out.bytes += rule.bytes;
            ++out.flows;
        });
        return reply(out);
    }
    bool nxm = frame_.size() > 10 && version() == of::Version::k10 && load_be16(frame_.data() + 8) == 0xffff;
    of::MultipartWriter writer(version(), xid_, of::MultipartWriter::Kind::kFlow, nxm);
    std::vector<RuleRef> rules;
    each_rule([&](Rule& rule) { rules.emplace_back(&rule); });
    dump_ = std::make_unique<FlowDump>(std::move(rules), std::move(writer));
    go_on_dumping();
}

// Until enough is under way.  What the peer asks meanwhile waits in the kernel.
void OfConnection::go_on_dumping() {
    size_t backlog = stream_->backlog();
    if (backlog < kDumpBacklog) {
        for (const Bytes& message : dump_->next(kDumpBacklog - backlog)) send_raw(message);
        if (!dump_->done()) loop_.wake();  // the kernel may take all of it at once
    }
    if (dump_->done()) dump_.reset();
    stream_->set_reading(!dump_);
}

// --- monitors

void OfConnection::send_update(const Rule& rule, const Monitor& monitor, of::FlowUpdate::Event event,
                               RemovedReason reason) {
    of::FlowUpdate update;
    update.event = event;
    update.reason = static_cast<of::FlowRemovedReason>(reason);
    update.priority = static_cast<uint16_t>(rule.priority());
    update.idle_timeout = rule.idle_timeout;
    update.hard_timeout = rule.hard_timeout;
    update.table = rule.table;
    update.cookie = rule.cookie;
    update.match = rule.match();
    if (monitor.request.flags & of::kMonitorActions) update.actions = *rule.actions;
    updates_.push_back(std::move(update));
    if (updates_.size() >= 64) flush_updates();
}

void OfConnection::flush_updates() {
    if (updates_.empty() || !ready()) return;
    of::FlowMonitorReply out;
    out.updates = std::move(updates_);
    updates_.clear();
    send(std::move(out));
}

static bool monitors_rule(const of::FlowMonitor& monitor, const Rule& rule) {
    if (monitor.table != of::kTableAll && monitor.table != rule.table) return false;
    if (monitor.out_port != of::kPortNone && !outputs_to_port(*rule.actions, monitor.out_port)) return false;
    if (monitor.out_group != of::kGroupAny && !times_sent_to_group(*rule.actions, monitor.out_group))
        return false;
    packet::Flow value = rule.value(), mask = rule.mask();
    for (size_t i = 0; i < packet::kFlowWords; ++i) {
        uint64_t wanted = packet::words(monitor.match.mask)[i];
        if (wanted & ~packet::words(mask)[i]) return false;
        if ((packet::words(value)[i] ^ packet::words(monitor.match.value)[i]) & wanted) return false;
    }
    return true;
}

void OfConnection::handle(const of::FlowMonitorRequest& request) {
    for (const of::FlowMonitor& wanted : request.monitors) {
        if (wanted.command == of::FlowMonitor::Command::kDelete) {
            if (!monitors_.erase(wanted.id)) return fail(OfError::OFPMOFC_UNKNOWN_MONITOR);
            continue;
        }
        if (wanted.command == of::FlowMonitor::Command::kAdd && monitors_.contains(wanted.id)) {
            return fail(OfError::OFPMOFC_MONITOR_EXISTS);
        }
        auto monitor = std::make_unique<Monitor>();
        monitor->request = wanted;
        monitors_[wanted.id] = std::move(monitor);
    }
    // What is there now, as the reply.
    of::FlowMonitorReply initial;
    for (const of::FlowMonitor& wanted : request.monitors) {
        auto it = monitors_.find(wanted.id);
        if (it == monitors_.end() || !(wanted.flags & of::kMonitorInitial)) continue;
        std::vector<of::FlowUpdate> saved = std::move(updates_);
        updates_.clear();
        for (Rule* rule :
             bridge_.collect(wanted.table, wanted.match, 0, 0, wanted.out_port, wanted.out_group)) {
            of::FlowUpdate update;
            update.event = of::FlowUpdate::Event::kInitial;
            update.priority = static_cast<uint16_t>(rule->priority());
            update.idle_timeout = rule->idle_timeout;
            update.hard_timeout = rule->hard_timeout;
            update.table = rule->table;
            update.cookie = rule->cookie;
            update.match = rule->match();
            if (wanted.flags & of::kMonitorActions) update.actions = *rule->actions;
            initial.updates.push_back(std::move(update));
        }
        updates_ = std::move(saved);
    }
    reply(std::move(initial));
}

void OfConnection::handle(const of::FlowMonitorCancel& request) {
    if (!monitors_.erase(request.id)) fail(OfError::OFPMOFC_UNKNOWN_MONITOR);
}

void OfConnection::flow_changed(const Rule& rule, FlowEvent event, RemovedReason reason) {
    for (const auto& [id, monitor] : monitors_) {
        const of::FlowMonitor& wanted = monitor->request;
        uint16_t flag = event == FlowEvent::kAdded     ? of::kMonitorAdd
                        : event == FlowEvent::kDeleted ? of::kMonitorDelete
                                                       : of::kMonitorModify;
        if (!(wanted.flags & flag) || !monitors_rule(wanted, rule)) continue;
        if (monitoring_own_change_ && !(wanted.flags & of::kMonitorOwn)) {
            of::FlowUpdate update;
            update.event = of::FlowUpdate::Event::kAbbrev;
            update.xid = xid_;
            if (updates_.empty() || !(updates_.back() == update)) updates_.push_back(std::move(update));
            return;
        }
        send_update(rule, *monitor, static_cast<of::FlowUpdate::Event>(event), reason);
        return;
    }
}

}  // namespace weft::vswitch
