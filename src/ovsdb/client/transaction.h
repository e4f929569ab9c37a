// A transaction in the making: writes to rows, seen at once by who reads through it, sent when committed.
//
//     Transaction txn(replica.store());
//     Uuid port = txn.insert<nb::LogicalSwitchPort>();            // provisional; may be written into
//     references at once txn.set(port, nb::LogicalSwitchPort::kName, "lp1"); txn.add(sw->uuid,
//     nb::LogicalSwitch::kPorts, port);         // a mutation: commutes with others' txn.set_key(sw->uuid,
//     nb::LogicalSwitch::kOtherConfig, "subnet", "10.0.0.0/24"); txn.comment("ovn-nbctl lsp-add");
//     replica.commit(std::move(txn), [](const CommitOutcome& outcome) { … });
//
// The replica's rows do not change before the server says so; row<R>() and for_each<R>() show them as they
// will be. set() of an equal value sends nothing; a transaction without effect ends as kUnchanged without a
// round trip.  Given Questions, it may be read as if everything were there (questions.h). verify() makes the
// server fail the transaction (kTryAgain) if the column is no longer what the replica has.

#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/hash_map.h"
#include "base/uuid.h"
#include "json/value.h"
#include "ovsdb/client/row_store.h"
#include "ovsdb/client/table_info.h"

namespace weft::ovsdb::client {

enum class CommitStatus {
    kUnchanged,  // nothing to do
    kSuccess,
    kTryAgain,  // a verify() failed or the connection was lost before the answer: look at the data again
    kAborted,
    kNotLocked,     // the lock is not ours
    kNotConnected,  // nothing was sent
    kError,         // the server refused it; see `error`
};

const char* to_string(CommitStatus status);

struct CommitOutcome {
    CommitStatus status = CommitStatus::kUnchanged;
    std::string error;             // of kError: what the server said, as JSON text
    HashMap<Uuid, Uuid> inserted;  // provisional → real
    int64_t incremented = 0;       // the new value of increment()'s column

    bool ok() const { return status == CommitStatus::kSuccess || status == CommitStatus::kUnchanged; }
    // The real uuid of an inserted row (or the same uuid, of one that existed).
    Uuid real(const Uuid& uuid) const {
        auto it = inserted.find(uuid);
        return it == inserted.end() ? uuid : it->second;
    }
};
using CommitCallback = std::function<void(const CommitOutcome&)>;

class Questions;

class Transaction : private RowNames {
  public:
    explicit Transaction(const Store& store, Questions* questions = nullptr)
        : store_(&store), questions_(questions) {}
    ~Transaction() override;
    Transaction(Transaction&&) noexcept;
    Transaction& operator=(Transaction&&) noexcept;

    // --- typed face; rows are named by their uuid, provisional or real
    template <typename R>
    Uuid insert() {
        return insert(R::table_info());
    }
    // A row that is made already, of which these columns are sent: of many rows, quicker than set().
    template <typename R>
    Uuid insert(std::unique_ptr<R> row, ColumnSet written) {
        row->uuid = provisional();
        return insert(R::table_info(), row.release(), written);
    }
    // A row whose uuid is to be this one (ovsdb-server(7), 5.2.1): an error of the server if it exists.
    template <typename R>
    void insert_as(const Uuid& uuid) {
        insert(R::table_info(), uuid);
        pending_.back().keeps_uuid = true;
    }
    template <typename R>
    void erase(const Uuid& uuid) {
        erase(R::table_info(), uuid);
    }
    template <typename R, typename T>
    void set(const Uuid& uuid, const Column<R, T>& column, const std::type_identity_t<T>& value) {
        write(R::table_info(), uuid, column.index, &value);
    }
    // One element of a set or an optional column, sent as a mutation.
    template <typename R, typename T>
    void add(const Uuid& uuid, const Column<R, Set<T>>& column, const std::type_identity_t<T>& element) {
        Set<T> value{element};
        mutate(R::table_info(), uuid, column.index, "insert", &value);
    }
    template <typename R, typename T>
    void remove(const Uuid& uuid, const Column<R, Set<T>>& column, const std::type_identity_t<T>& element) {
        Set<T> value{element};
        mutate(R::table_info(), uuid, column.index, "delete", &value);
    }
    // One pair of a map: replaces the value of the key.
    template <typename R, typename K, typename V>
    void set_key(const Uuid& uuid, const Column<R, Map<K, V>>& column, const std::type_identity_t<K>& key,
                 const std::type_identity_t<V>& value) {
        Map<K, V> pair{{key, value}};
        mutate(R::table_info(), uuid, column.index, "insert", &pair);
    }
    template <typename R, typename K, typename V>
    void remove_key(const Uuid& uuid, const Column<R, Map<K, V>>& column,
                    const std::type_identity_t<K>& key) {
        const R* current = row<R>(uuid);
        const V* value = current ? (current->*column.member).find(key) : nullptr;
        if (!value) return;
        Map<K, V> pair{{key, *value}};
        mutate(R::table_info(), uuid, column.index, "delete", &pair);
    }
    template <typename R, typename T>
    void verify(const Uuid& uuid, const Column<R, T>& column) {
        verify(R::table_info(), uuid, column.index);
    }
    // Adds one to an integer column at the server; the outcome tells the new value.
    template <typename R>
    void increment(const Uuid& uuid, const Column<R, int64_t>& column) {
        increment(R::table_info(), uuid, column.index);
    }

    // The row as it will be, or nullptr if there is none (any more).  Valid until the next write to the row.
    template <typename R>
    const R* row(const Uuid& uuid) const {
        return static_cast<const R*>(row(R::table_info(), uuid));
    }
    template <typename R, typename F>  // void(const R&)
    void for_each(F&& function) const {
        for (const void* each : rows(R::table_info())) function(*static_cast<const R*>(each));
    }
    // Those whose column is equal to the value, and those whose set holds the element.
    template <typename R, typename T, typename F>
    void for_each_equal(const Column<R, T>& column, const std::type_identity_t<T>& value,
                        F&& function) const {
        for (const void* each : rows_equal(R::table_info(), column.index, &value))
            function(*static_cast<const R*>(each));
    }
    template <typename R, typename T, typename F>
    void for_each_holding(const Column<R, Set<T>>& column, const std::type_identity_t<T>& element,
                          F&& function) const {
        Set<T> value{element};
        for (const void* each : rows_perhaps_including(R::table_info(), column.index, &value)) {
            const R& row = *static_cast<const R*>(each);
            if ((row.*column.member).contains(element)) function(row);
        }
    }

    // --- by table and column, for the database tools
    Uuid insert(const TableInfo& table) { return insert(table, provisional()); }
    Uuid insert(const TableInfo& table,
                const Uuid& provisional);  // one that was already written into references
    Uuid insert(const TableInfo& table, void* row, ColumnSet written);  // the row is taken over
    void erase(const TableInfo& table, const Uuid& uuid);
    void write(const TableInfo& table, const Uuid& uuid, size_t column, const void* value);
    // `mutator` is "insert" or "delete"; `value` a Set or Map of the column's own type.
    void mutate(const TableInfo& table, const Uuid& uuid, size_t column, const char* mutator,
                const void* value);
    void verify(const TableInfo& table, const Uuid& uuid, size_t column);
    void increment(const TableInfo& table, const Uuid& uuid, size_t column);
    const void* row(const TableInfo& table, const Uuid& uuid) const;
    // In no particular order.
    std::vector<const void*> rows(const TableInfo& table) const;
    std::vector<const void*> rows_equal(const TableInfo& table, size_t column, const void* value) const;
    // With others beside them: the caller looks at each.
    std::vector<const void*> rows_perhaps_including(const TableInfo& table, size_t column,
                                                    const void* value) const;
    // What was read may be wrong: there are questions to be answered first.
    bool has_questions() const;

    void comment(std::string_view text);  // several are joined by newlines; the server logs them
    bool empty() const;                   // nothing would be sent

    const Store& store() const { return *store_; }
    // The parameters of a "transact" request: the database's name and the operations, `lock` asserted unless
    // "". Rows go as they are written, so that a large transaction is there once: of this one remains what
    // outcome() needs.
    std::string take_text(std::string_view lock);
    // Reads the reply to what take_text() made.
    CommitOutcome outcome(const json::Value& result) const;

  private:
    enum class Kind : uint8_t {
        kInsert,
        kUpdate,
        kDelete,
        kForgotten
    };  // the last: inserted and erased again
    struct Mutation {
        size_t column;
        const char* mutator;
        json::Value value;  // uuids are not yet replaced by names: rows named here may be inserted later
    };
    struct Pending {
        const TableInfo* table;
        Uuid uuid;
        Kind kind;
        void* row = nullptr;  // owned: the row as it will be, of kInsert and kUpdate
        ColumnSet written;    // sent whole
        ColumnSet verified;
        std::vector<Mutation> mutations;
        bool keeps_uuid = false;  // of kInsert: the server is to use it
    };

    Uuid provisional();
    std::string name_of(const Uuid& uuid) const override;
    std::vector<const void*> rows_here(const TableInfo& table) const;
    void index_pending(size_t place, size_t column);
    const Pending* find_pending(const Uuid& uuid) const;
    Pending& pending(const TableInfo& table, const Uuid& uuid);
    void destroy_rows();
    json::Value named(const json::Value& value) const;
    void append_row(std::string& out, const Pending& pending) const;
    void append_wait(std::string& out, const Pending& pending) const;
    void append_operations(std::string& out, const Pending& pending) const;
    void append_increment(std::string& out, const TableInfo& table, const Uuid& uuid, size_t column) const;
    json::Array mutations_of(const Pending& pending) const;

    // The pending rows by the value of a column, for rows_equal(): made by its first question about the
    // column. A row stays under values that it had.
    struct PendingIndex {
        const TableInfo* table;
        size_t column;
        HashMap<size_t, std::vector<size_t>> places;  // into pending_, by the value's hash
    };

    const Store* store_;
    Questions* questions_;
    mutable std::vector<PendingIndex> indexes_;
    std::vector<Pending> pending_;   // in the order of first use
    HashMap<Uuid, size_t> by_uuid_;  // into pending_
    Uuid last_provisional_;          // they count up from a random one: asking the kernel for each is dear
    std::vector<Uuid> inserted_;     // by what take_text() made, in the order of the operations
    std::string comment_;
    struct Increment {
        const TableInfo* table;
        Uuid uuid;
        size_t column;
    };
    std::vector<Increment> increments_;
};

}  // namespace weft::ovsdb::client
