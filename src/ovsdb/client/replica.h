// A client's copy of a database: typed rows, what changed since the client last looked, and transactions.
//
//     namespace sb = schema::sb;
//     ovsdb::client::Replica replica(loop, sb::database(), {.remotes = {"unix:/run/ovn/ovnsb_db.sock"}});
//     replica.monitor<sb::Chassis>();                                                // all its columns, all
//     rows replica.monitor<sb::PortBinding>(sb::PortBinding::kLogicalPort, sb::PortBinding::kChassis);   //
//     these alone replica.add_index(sb::PortBinding::kLogicalPort); replica.start();
//
//     // in a turn handler of the loop:
//     if (replica.ready()) {
//         for (const auto& change : replica.changes<sb::PortBinding>()) { … change.before, change.after,
//         change.columns … } replica.clear_changes(); const sb::PortBinding* port =
//         replica.table<sb::PortBinding>().find_by(sb::PortBinding::kLogicalPort, "lp1");
//     }
//
// What is chosen before start() is all that is fetched.  Rows are the generated structs; a `const Row*` stays
// valid until the row is deleted *and* clear_changes() was called (a deleted or older version lives on as
// Change::before until then), so it may be kept across turns by whoever consumes the changes.
//
// The replica follows the server by monitor_cond_since, falling back to monitor_cond and to RFC 7047's
// monitor.  When the connection is lost the rows stay; after reconnecting, only what is new is applied, and
// the changes are the true differences (nothing is reported for rows that came back equal).  A table or
// column that the server's schema lacks is logged once and keeps its default value.
//
// Who acts on changes without consuming them (a command-line tool) sets Options::track_changes to false.
// Not thread-safe: everything happens on the loop's thread.

#pragma once

#include <cstdint>
#include <functional>
#include <initializer_list>
#include <iterator>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "ovsdb/client/condition.h"
#include "ovsdb/client/row_store.h"
#include "ovsdb/client/table_info.h"
#include "ovsdb/client/transaction.h"

namespace weft::net {
class Loop;
}

namespace weft::ovsdb::client {

// The rows of a table.  A light view: pass by value.  Iterates in no particular order.
template <typename Row>
class Table {
  public:
    explicit Table(const TableStore& store) : store_(&store) {}

    size_t size() const { return store_->rows().size(); }
    bool empty() const { return store_->rows().empty(); }
    const Row* find(const Uuid& uuid) const { return static_cast<const Row*>(store_->find(uuid)); }

    // By a column for which Replica::add_index() was called.  The first match, in no particular order, or
    // nullptr.
    template <typename T>
    const Row* find_by(const Column<Row, T>& column, const std::type_identity_t<T>& value) const {
        const Row* found = nullptr;
        store_->visit_index(column.index, kCodec<T>.hash(&value), [&](const void* candidate) {
            auto* row = static_cast<const Row*>(candidate);
            if (!(row->*column.member == value)) return true;
            found = row;
            return false;
        });
        return found;
    }
    template <typename T, typename F>  // void(const Row&)
    void for_each_by(const Column<Row, T>& column, const std::type_identity_t<T>& value, F&& function) const {
        store_->visit_index(column.index, kCodec<T>.hash(&value), [&](const void* candidate) {
            auto* row = static_cast<const Row*>(candidate);
            if (row->*column.member == value) function(*row);
            return true;
        });
    }

    class Iterator {
      public:
        using value_type = const Row;
        using difference_type = std::ptrdiff_t;
        explicit Iterator(RowMap::const_iterator at) : at_(at) {}
        const Row& operator*() const { return *static_cast<const Row*>(at_->second); }
        const Row* operator->() const { return static_cast<const Row*>(at_->second); }
        Iterator& operator++() {
            ++at_;
            return *this;
        }
        bool operator==(const Iterator&) const = default;

      private:
        RowMap::const_iterator at_;
    };
    Iterator begin() const { return Iterator(store_->rows().begin()); }
    Iterator end() const { return Iterator(store_->rows().end()); }

  private:
    const TableStore* store_;
};

// What happened to one row since the last clear_changes().
template <typename Row>
struct Change {
    const Row* before;  // nullptr: inserted
    const Row* after;   // nullptr: deleted
    ColumnSet columns;  // of modified rows, those that differ; of inserted and deleted ones, all

    bool inserted() const { return !before; }
    bool deleted() const { return !after; }
    bool modified() const { return before && after; }
    const Row& row() const { return after ? *after : *before; }
};

template <typename Row>
class Changes {
  public:
    explicit Changes(const TableStore& store) : store_(&store) {}
    size_t size() const { return store_->changes().size(); }
    bool empty() const { return store_->changes().empty(); }

    class Iterator {
      public:
        explicit Iterator(ChangeMap::const_iterator at) : at_(at) {}
        Change<Row> operator*() const {
            return {static_cast<const Row*>(at_->second.before), static_cast<const Row*>(at_->second.after),
                    at_->second.columns};
        }
        Iterator& operator++() {
            ++at_;
            return *this;
        }
        bool operator==(const Iterator&) const = default;

      private:
        ChangeMap::const_iterator at_;
    };
    Iterator begin() const { return Iterator(store_->changes().begin()); }
    Iterator end() const { return Iterator(store_->changes().end()); }

  private:
    const TableStore* store_;
};

class Replica {
  public:
    struct Options {
        std::vector<std::string> remotes;  // split_remotes() of the command line's argument
        bool leader_only = true;           // of a cluster; standalone servers are always leaders
        bool track_changes = true;
        bool optimistic = false;  // of short-lived clients: see protocol.h
        bool retry = true;        // false: give up after every remote failed once (failure() tells why)
        int64_t probe_interval_ms = 60000;  // 0: never
    };

    Replica(net::Loop& loop, const DatabaseInfo& database, Options options);
    ~Replica();
    Replica(const Replica&) = delete;
    Replica& operator=(const Replica&) = delete;

    const DatabaseInfo& database() const;

    // What to fetch; before start() (after it, only what is fetched already).  monitor<Row>() takes all
    // columns, monitor<Row>(columns…) adds these.
    template <typename Row>
    void monitor() {
        monitor(Row::table_info(), ColumnSet::all());
    }
    template <typename Row, typename... T>
    void monitor(const Column<Row, T>&... columns) {
        ColumnSet set;
        (set.add(columns.index), ...);
        monitor(Row::table_info(), set);
    }
    void monitor(const TableInfo& table, ColumnSet columns);
    void monitor_everything();
    bool monitors(const TableInfo& table) const;
    template <typename Row, typename T>
    void add_index(const Column<Row, T>& column) {
        add_index(Row::table_info(), column.index);
    }
    void add_index(const TableInfo& table, size_t column) { store_.table(table).add_index(column); }

    // Rows of this table are the keeper's between changes (row_store.h): they can be found, but not walked
    // through, and a pointer to one is valid until the next clear_changes().  Before start(); nullptr before
    // the keeper goes.
    template <typename Row>
    void set_keeper(RowKeeper* keeper) {
        store_.table(Row::table_info()).set_keeper(keeper);
    }

    void start();

    // The contents.
    template <typename Row>
    Table<Row> table() const {
        return Table<Row>(store_.table(Row::table_info()));
    }
    template <typename Row>
    const Row* find(const Uuid& uuid) const {
        return table<Row>().find(uuid);
    }
    template <typename Row>
    Changes<Row> changes() const {
        return Changes<Row>(store_.table(Row::table_info()));
    }
    // Frees the old versions: pointers to them, and to deleted rows, become invalid.
    void clear_changes() { store_.clear_changes(); }
    const Store& store() const { return store_; }

    // True once the contents were received for the first time; stays true when the connection is lost.
    bool ready() const;
    // Connected, and the contents follow the server.
    bool connected() const;
    // Counts every change of the contents, of ready() and of connected(): equal numbers, nothing new.
    uint64_t sequence() const;
    // Which table or column of our schema the server has.
    bool server_has(const TableInfo& table) const;
    template <typename Row, typename T>
    bool server_has(const Column<Row, T>& column) const {
        return server_has(Row::table_info(), column.index);
    }
    bool server_has(const TableInfo& table, size_t column) const;
    // With Options::retry == false: why every remote failed, or "" while there is hope.
    const std::string& failure() const;
    std::string connection_status() const;  // "connected" or "not connected", for the control command

    // Conditions, at any time.  Returns the condition sequence number at which the contents will reflect it.
    template <typename Row>
    uint64_t set_condition(Condition condition) {
        return set_condition(Row::table_info(), std::move(condition));
    }
    uint64_t set_condition(const TableInfo& table, Condition condition);
    uint64_t condition_sequence() const;

    // Locks (ovsdb-server(7), 4.1.8).  "" gives it up.  Held locks are asserted in every transaction.
    void set_lock(std::string name);
    bool has_lock() const;
    bool lock_contended() const;  // the server said that another holds it

    // Sends the transaction; `done` is called once, after its effects are visible here, and never within this
    // call. While not connected the outcome is kNotConnected.
    void commit(Transaction transaction, CommitCallback done);
    size_t commits_in_flight() const;

    // Connection control.
    void set_remotes(std::vector<std::string> remotes);
    void set_probe_interval(int64_t ms);
    void set_leader_only(bool leader_only);
    void force_reconnect();

  private:
    struct Impl;
    Store store_;
    std::unique_ptr<Impl> impl_;
};

// "tcp:a:1,tcp:b:2" → the remotes.
std::vector<std::string> split_remotes(std::string_view text);

}  // namespace weft::ovsdb::client
