// The client's side of the OVSDB protocol as a pure state machine: connection events and messages go in,
// messages come out. Replica feeds it from an RpcSession; tests feed it tables.
//
// After connected() it asks `_Server` whether the database is there, connected and (if wanted) the leader's,
// reads the schema unless Options::optimistic, and monitors: monitor_cond_since with the last transaction
// known, monitor_cond if the server does not know that, monitor (RFC 7047) at last.  A server that is of no
// use gives take_reconnect() a reason.
//
// Conditions: those in force ("acked") go with the monitor request, since what the server sends after `last
// transaction` is relative to them; newer ones follow by monitor_cond_change.  A server with plain "monitor"
// sends all rows.

#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "net/json_rpc.h"
#include "ovsdb/client/condition.h"
#include "ovsdb/client/row_store.h"
#include "ovsdb/client/transaction.h"
#include "ovsdb/client/updates.h"

namespace weft::ovsdb::client {

class Protocol {
  public:
    struct Options {
        bool leader_only = true;
        // Ask for all monitored columns without reading the schema first, which is only read if the server
        // objects.  Spares a short-lived client the schema.
        bool optimistic = false;
    };

    Protocol(Store& store, Options options);

    void monitor(const TableInfo& table, ColumnSet columns);
    ColumnSet monitored(const TableInfo& table) const { return tables_[table.index].wanted; }
    bool monitors(const TableInfo& table) const { return tables_[table.index].is_monitored; }
    uint64_t set_condition(const TableInfo& table, Condition condition);
    uint64_t condition_sequence() const { return condition_acked_; }
    void set_lock(std::string name);
    void set_leader_only(bool leader_only);
    void commit(Transaction transaction, CommitCallback done);

    void connected();
    void disconnected();
    void received(const net::Message& message);
    // The same for what a database's contents come in, which may be large; false: it is not that, or is in
    // some way unexpected, and is to be received as a Message.
    bool received(const json::View& message);

    std::vector<net::Message> take_messages() { return std::exchange(messages_, {}); }
    // Why the connection should be given up for the next remote, once; or nothing.
    std::optional<std::string> take_reconnect() { return std::exchange(reconnect_, std::nullopt); }
    struct Finished {
        CommitCallback done;
        CommitOutcome outcome;
    };
    std::vector<Finished> take_finished() { return std::exchange(finished_, {}); }

    bool ready() const { return ready_; }
    bool synced() const { return phase_ == Phase::kSynced; }
    uint64_t sequence() const { return sequence_; }
    bool has_lock() const { return has_lock_; }
    bool lock_contended() const { return lock_contended_; }
    bool server_has(const TableInfo& table) const { return tables_[table.index].on_server; }
    bool server_has(const TableInfo& table, size_t column) const {
        return server_has(table) && tables_[table.index].server_columns.has(column);
    }
    size_t commits_in_flight() const { return commits_.size(); }

  private:
    enum class Phase { kDisconnected, kServer, kSchema, kMonitor, kSynced };
    enum class Request { kServerMonitor, kSchema, kMonitor, kCondition, kLock, kIgnored, kTransact };
    enum class Method { kCondSince, kCond, kPlain };
    struct Table {
        ColumnSet wanted;
        bool is_monitored = false;
        bool on_server = true;
        ColumnSet server_columns = ColumnSet::all();
        bool warned = false;
        Condition acked = Condition::all();  // in force at the server
        std::optional<Condition> in_flight;  // asked for
        std::optional<Condition> next;       // to be asked for
    };
    struct Commit {
        Transaction transaction;
        CommitCallback done;
    };

    void request(Request kind, std::string method, json::Value params);
    void reply(Request kind, const net::Message& message);
    void notification(const net::Message& message);

    void start_data();
    void request_schema();
    void request_monitor();
    json::Object monitor_requests() const;
    void server_monitored(const net::Message& message);
    void server_updated(const json::Value& updates);
    bool server_usable();
    void schema_received(const net::Message& message);
    void note_table(const TableInfo& info, const json::Object* columns);
    void monitored(const net::Message& message);
    void note_transaction(const std::string& id);
    bool updates_received(std::string_view method, const json::View& params);
    bool contents_received(const json::View& result);
    template <typename Json>
    void updated(const Json& updates, UpdateFormat format, bool replace);
    void conditions_changed();
    void send_conditions();
    void send_lock();
    void lock_received(const json::Value& result);
    void transacted(int64_t id, const net::Message& message);
    void give_up(std::string reason);

    Store& store_;
    Options options_;
    std::vector<Table> tables_;  // by TableInfo::index

    Phase phase_ = Phase::kDisconnected;
    Method method_ = Method::kCondSince;
    bool schema_known_ = false;     // server_columns hold
    std::string last_transaction_;  // "" if the contents have to be fetched whole
    bool ready_ = false;
    uint64_t sequence_ = 0;

    struct ServerRow {  // of `_Server` Database
        bool connected = true, leader = true;
        std::string model = "standalone";
    };
    std::map<std::string, ServerRow> server_rows_;  // by uuid
    bool has_server_database_ = false;

    uint64_t condition_wanted_ = 0;  // the newest set
    uint64_t condition_in_flight_ = 0;
    uint64_t condition_acked_ = 0;
    bool conditions_in_flight_ = false;

    std::string lock_;
    bool lock_requested_ = false, has_lock_ = false, lock_contended_ = false;

    int64_t next_id_ = 1;
    std::map<int64_t, Request> requests_;
    std::map<int64_t, Commit> commits_;

    std::vector<net::Message> messages_;
    std::optional<std::string> reconnect_;
    std::vector<Finished> finished_;
};

}  // namespace weft::ovsdb::client
