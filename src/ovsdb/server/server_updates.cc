// Telling monitors what changed, and bearing clients that do not listen.
//
// Monitors are told once in a turn, of all that is kept by then, as one change (history.h).
//
// A client that is far behind in reading is told nothing new: its monitors keep the moment up to which they
// are told, and once it has read on, it gets everything since as one update (history.h).  So what it costs is
// bounded by the size of the database, not by time.  Nor are its requests read meanwhile.  One that takes
// nothing for a minute is dropped, and whoever holds back most if the database would have to keep too much
// for all of them.

#include <fmt/format.h>

#include <algorithm>

#include "base/clock.h"
#include "base/metrics.h"
#include "ovsdb/server/server.h"

namespace weft::ovsdb {

namespace {

constexpr int64_t kStallMs = 60000;
constexpr int64_t kRefusedMs = 5000;
constexpr size_t kMinMergedRows = 10000;

metrics::Counter merged_updates("ovsdb_updates_merged");
metrics::Counter stalled_clients("ovsdb_clients_stalled");

}  // namespace

void Server::leave(Monitor& monitor) {
    if (monitor.behind) monitor.database->history().unmark(*monitor.behind);
    monitor.behind.reset();
    monitor.database->leave(monitor.group, &monitor);
}

void Server::send_update(const Monitor& monitor, std::string_view updates, const Uuid& transaction,
                         bool now) {
    MonitorVersion version = monitor.group->spec.version();
    const char* method = version == MonitorVersion::kV1   ? "update"
                         : version == MonitorVersion::kV2 ? "update2"
                                                          : "update3";
    std::string text = fmt::format("{{\"id\":null,\"method\":\"{}\",\"params\":[{},", method, monitor.id);
    if (version == MonitorVersion::kV3) text += "\"" + transaction.to_string() + "\",";
    text += updates;
    text += "]}";
    if (now) return monitor.session->rpc->send_text(text);
    monitor.session->rpc->send_text_later(text);
    held_.insert(monitor.session->id);
}

void Server::send_held_updates() {
    pace_.told(held_.size(), clock::monotonic_ms());
    for (SessionId id : std::exchange(held_, {})) {
        if (Session* session = find_session(id)) session->rpc->send_held();
    }
}

void Server::tell_monitors(ServedDatabase& database) {
    const std::optional<History::Mark> mark = database.to_tell();
    if (!mark) return;
    History& history = database.history();
    const std::shared_ptr<const ChangeSet> changes = history.since(*mark);
    struct Told {
        MonitorGroup* group;
        std::string updates;
    };
    std::vector<Told> told;
    size_t clients = 0;
    for (const auto& [group, rows] : database.audience().of(*changes)) {
        auto listens = [](const Monitor* monitor) { return !monitor->behind; };
        auto number = std::count_if(group->members.begin(), group->members.end(), listens);
        if (!number) continue;
        std::string updates = group->spec.updates(rows);
        if (updates == "{}") continue;
        told.push_back({group, std::move(updates)});
        clients += static_cast<size_t>(number);
    }
    const int64_t now_ms = clock::monotonic_ms();
    const bool now = pace_.may_tell(clients, now_ms);
    if (now) {
        pace_.told(clients, now_ms);
    } else {
        round_timer_->arm_at(pace_.next_ms());
    }
    for (const auto& [group, updates] : told) {
        for (Monitor* monitor : group->members) {
            if (monitor->behind) continue;
            if (monitor->session->rpc->backlog() > kSlowBacklog) {
                monitor->behind = *mark;
                history.mark_again(*mark);
                laggards_.insert(monitor->session->id);
            } else {
                send_update(*monitor, updates, changes->id, now);
            }
        }
    }
    database.told_all();
    // Rows that were deleted now count as there: they are kept until that is merged, too.
    size_t rows = database.database().rows();
    for (const TableChange& table : changes->tables) rows += table.rows.size();
    drop_the_furthest_behind(database, rows);
}

// What is kept for laggards is bounded: the one that is furthest behind goes.
void Server::drop_the_furthest_behind(ServedDatabase& database, size_t rows) {
    History& history = database.history();
    size_t limit = std::max(kMinMergedRows, 2 * rows);
    while (history.any_marks() && history.merged_rows() > limit) {
        History::Mark oldest = history.oldest_mark();
        std::vector<SessionId> furthest;
        for (SessionId id : laggards_) {
            const Session* session = find_session(id);
            if (!session) continue;
            for (const auto& [monitor_id, monitor] : session->monitors) {
                if (monitor->database == &database && monitor->behind == oldest) furthest.push_back(id);
            }
        }
        for (SessionId id : furthest) end_session(id, "it is too far behind in reading what it monitors");
        if (furthest.empty()) break;
    }
}

void Server::catch_up(Session& session) {
    for (auto& [id, monitor] : session.monitors) {
        if (!monitor->behind) continue;
        History& history = monitor->database->history();
        std::shared_ptr<const ChangeSet> changes = history.since(*monitor->behind);
        history.unmark(*monitor->behind);
        monitor->behind.reset();
        merged_updates.add();
        std::string updates = monitor->group->spec.updates(*changes);
        if (updates != "{}") send_update(*monitor, updates, changes->id, true);
    }
}

void Server::catch_up_laggards() {
    for (auto it = laggards_.begin(); it != laggards_.end();) {
        Session* session = find_session(*it);
        if (session && session->rpc->backlog() > kSlowBacklog / 2) {
            ++it;
            continue;
        }
        if (session) catch_up(*session);
        it = laggards_.erase(it);
    }
}

void Server::check_clients() {
    int64_t now = clock::monotonic_ms();
    std::vector<std::pair<SessionId, std::string>> dead;
    for (auto& [id, session] : sessions_) {
        net::RpcConnection& rpc = *session->rpc;
        if (session->refused_ms && now - session->refused_ms >= kRefusedMs) {
            rpc.send_text(error_text(too_many(), "\"limit\""));
            dead.emplace_back(id, "there are too many sessions");
            continue;
        }
        bool moved = rpc.sent() != session->sent;
        if (moved || rpc.backlog() == 0) session->sent_ms = now;
        if (moved && rpc.backlog() > 0) session->taking_ms = now;
        session->sent = rpc.sent();
        if (rpc.backlog() > kSlowBacklog && now - session->sent_ms >= kStallMs) {
            stalled_clients.add();
            dead.emplace_back(id,
                              fmt::format("it has read nothing for {} seconds of {} bytes that wait for it",
                                          kStallMs / 1000, rpc.backlog()));
            continue;
        }
        int64_t interval = session->options.probe_interval_ms;
        // Who is still taking what it was sent before lives, though it cannot have seen the probe; nor is the
        // answer heard of one whose transactions wait for the disk.
        bool taking = session->unkept > kMaxUnkeptOfSession / 2 ||
                      (rpc.backlog() > 0 && session->taking_ms && now - session->taking_ms < interval);
        if (!interval || taking || now - rpc.last_received_ms() < interval) {
            session->probe_sent_ms = 0;
        } else if (!session->probe_sent_ms) {
            session->probe_sent_ms = now;
            rpc.send_text("{\"id\":\"echo\",\"method\":\"echo\",\"params\":[]}");
        } else if (now - session->probe_sent_ms >= interval) {
            dead.emplace_back(id, fmt::format("no response to inactivity probe after {:.3g} seconds",
                                              static_cast<double>(now - session->probe_sent_ms) / 1000));
        }
    }
    for (const auto& [id, reason] : dead) end_session(id, reason);
}

}  // namespace weft::ovsdb
