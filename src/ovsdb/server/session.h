// One client's connection to the server: its monitors, locks and settings.

#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <string>

#include "net/json_rpc.h"
#include "ovsdb/server/lock_table.h"
#include "ovsdb/server/served_database.h"

namespace weft::ovsdb {

struct Session;

struct Monitor {
    Session* session;
    ServedDatabase* database;
    MonitorGroup* group;
    std::string id;  // JSON text of the client's <json-value>
};

struct SessionOptions {
    std::string remote;             // that it came through, as configured
    int64_t probe_interval_ms = 0;  // 0: never
    bool read_only = false;
};

struct Session {
    SessionId id = 0;
    std::unique_ptr<net::RpcConnection> rpc;
    SessionOptions options;
    std::map<std::string, std::unique_ptr<Monitor>> monitors;  // by Monitor::id
    std::set<std::string> locks;                               // owned or waited for
    bool change_aware = false;
    int64_t probe_sent_ms = 0;  // an echo is outstanding; 0: none
    int64_t connected_ms = 0;
};

}  // namespace weft::ovsdb
