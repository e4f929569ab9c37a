// The columns is_connected and status of the rows that describe remotes (ovn-sb(5), Connection;
// ovs-vswitchd.conf.db(5), Manager).

#include <fmt/format.h>

#include "base/clock.h"
#include "ovsdb/server/remotes.h"

namespace weft::ovsdb {

namespace {

std::string seconds_since(int64_t ms) {
    return std::to_string((clock::monotonic_ms() - ms) / 1000);
}

}  // namespace

std::map<std::string, std::string> Remotes::status_of(const Target& target) const {
    std::map<std::string, std::string> status;
    if (!target.connector) {
        if (!target.listener) return status;
        // Of many connections there is no one time to tell; tools that expect the keys find what they always
        // found.
        status["sec_since_connect"] = status["sec_since_disconnect"] = "0";
        if (target.listener->port()) status["bound_port"] = std::to_string(target.listener->port());
        if (target.sessions.size() > 1) status["n_connections"] = std::to_string(target.sessions.size());
        return status;
    }
    if (target.connected_ms) status["sec_since_connect"] = seconds_since(*target.connected_ms);
    if (target.disconnected_ms) status["sec_since_disconnect"] = seconds_since(*target.disconnected_ms);
    const std::string& error = target.connector->last_error();
    if (!error.empty()) status["last_error"] = error;
    const Session* session =
        target.sessions.empty() ? nullptr : server_.find_session(*target.sessions.begin());
    if (!session) {
        status["state"] = target.connector->state_name();
        return status;
    }
    status["state"] = session->probe_sent_ms ? "IDLE" : "ACTIVE";
    auto add = [](std::string& names, const std::string& name) {
        names += (names.empty() ? "" : " ") + name;
    };
    std::string held, waiting, lost;
    for (const std::string& lock : session->locks)
        add(server_.owns_lock(session->id, lock) ? held : waiting, lock);
    for (const std::string& lock : session->locks_lost) add(lost, lock);
    if (!held.empty()) status["locks_held"] = held;
    if (!waiting.empty()) status["locks_waiting"] = waiting;
    if (!lost.empty()) status["locks_lost"] = lost;
    return status;
}

void Remotes::write_status() {
    for (auto& [name, target] : targets_) {
        if (!target->database || !server_.may_write(*target->database)) continue;
        Table& table = target->database->database().table(target->table->index);
        const Row* row = table.find(target->row);
        if (!row) continue;
        DatumBuilder builder(AtomType::kString, AtomType::kString);
        std::map<std::string, std::string> status = status_of(*target);
        for (const auto& [key, value] : status) builder.add(key, value);
        Datum status_datum = builder.finish_sorted();
        Datum connected = Datum::of(!target->sessions.empty());
        const ColumnSchema* status_column = table.schema().find_column("status");
        const ColumnSchema* connected_column = table.schema().find_column("is_connected");
        bool same = (!status_column || (*row->data)[status_column->index] == status_datum) &&
                    (!connected_column || (*row->data)[connected_column->index] == connected);
        if (same) continue;
        server_.change(*target->database, [&](Transaction& transaction) {
            RowData& data = *transaction.modify(table, target->row);
            if (status_column) data[status_column->index] = status_datum;
            if (connected_column) data[connected_column->index] = connected;
        });
    }
}

}  // namespace weft::ovsdb
