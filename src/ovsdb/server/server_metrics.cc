#include "ovsdb/server/server_metrics.h"

namespace weft::ovsdb {

void collect_metrics(Server& server, metrics::Exposition& out) {
    using Kind = metrics::Exposition::Kind;
    for (const std::string& name : server.database_names()) {
        if (name == "_Server") continue;
        ServedDatabase& database = *server.find_database(name);
        std::string prefix = name.starts_with("OVN_") ? "ovn_db_" : "ovs_db_";
        metrics::Exposition::Labels labels{{"db_name", name}};
        auto add = [&](const char* family, const char* help, double value) {
            out.add(prefix + family, Kind::kGauge, help, labels, value);
        };
        size_t monitors = 0, sessions = 0;
        for (const auto& [key, group] : database.groups()) monitors += group->members.size();
        for (const auto& [id, session] : server.sessions()) {
            for (const auto& [monitor_id, monitor] : session->monitors) {
                if (monitor->database != &database) continue;
                ++sessions;
                break;
            }
        }
        StorageStatus status = database.status();
        if (Storage* storage = database.storage()) {
            add("db_size_bytes", "The size of the database's file.", static_cast<double>(storage->size()));
            add("unwritten_bytes", "Transactions that are not on the disk yet.",
                static_cast<double>(storage->backlog()));
        }
        add("ovsdb_monitors", "Monitors of the database.", static_cast<double>(monitors));
        add("jsonrpc_server_sessions", "Sessions that monitor the database.", static_cast<double>(sessions));
        add("connected", "1 if the database is connected to its storage or source, as in _Server.",
            status.connected);
        add("lagging_rows", "Old rows kept for clients that do not keep up.",
            static_cast<double>(database.history().merged_rows()));
        for (const auto& table : database.database().tables()) {
            metrics::Exposition::Labels of_table = labels;
            of_table.emplace_back("table", table->schema().name);
            out.add(prefix + "rows", Kind::kGauge, "Rows of a table.", of_table,
                    static_cast<double>(table->size()));
        }
    }
}

}  // namespace weft::ovsdb
