// One client's connection to the server: its monitors, locks and settings.

#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
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
    // The client does not keep up, and was told nothing of what came after this moment.
    std::optional<History::Mark> behind = std::nullopt;
};

// A client with more bytes waiting for it than this is slow: it is neither told news nor listened to.
constexpr size_t kSlowBacklog = size_t{1} << 20;

// With more than this of its log text waiting for the disk a client is not listened to until half of it is
// kept: one that floods the server fills neither its memory nor the time of others.
constexpr uint64_t kMaxUnkeptOfSession = uint64_t{4} << 20;

struct SessionOptions {
    std::string remote;             // that it came through, as configured
    int64_t probe_interval_ms = 0;  // 0: never
    bool read_only = false;
    std::string role;  // for role-based access control; "": none

    bool operator==(const SessionOptions&) const = default;
};

struct Session {
    SessionId id = 0;
    std::unique_ptr<net::RpcConnection> rpc;
    SessionOptions options;
    std::map<std::string, std::unique_ptr<Monitor>> monitors;  // by Monitor::id
    std::set<std::string> locks;                               // owned or waited for
    std::set<std::string> locks_lost;                          // stolen, and waited for since
    bool change_aware = false;
    uint64_t unkept = 0;        // bytes of log text of its transactions that it was not told of yet
    int64_t refused_ms = 0;     // since when it is one too many, and waits to be told; 0: it is served
    int64_t probe_sent_ms = 0;  // an echo is outstanding; 0: none
    uint64_t sent = 0;          // bytes that had left when they were last looked at
    int64_t sent_ms = 0;        // when some had last left, or there was nothing to send
    int64_t taking_ms = 0;      // when some had last left while more was waiting; 0: never
};

}  // namespace weft::ovsdb
