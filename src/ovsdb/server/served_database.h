// A database being served: the engine's tables, the storage that keeps them, the monitors on them and the
// history of recent transactions.

#pragma once

#include <deque>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/hash_map.h"
#include "ovsdb/engine/database.h"
#include "ovsdb/server/monitor.h"
#include "ovsdb/storage/storage.h"

namespace weft::ovsdb {

// Everything that sees the same: monitors of one key, of any number of clients.
struct Monitor;

struct MonitorGroup {
    std::string key;
    MonitorSpec spec;
    std::vector<Monitor*> members;  // in the order in which they came
    // The text of the present contents, while it is true: clients tend to come in herds.
    std::shared_ptr<const std::string> initial;
};

class ServedDatabase {
  public:
    // `storage` nullptr: in memory only (_Server).
    ServedDatabase(std::unique_ptr<Database> database, std::unique_ptr<Storage> storage);

    const std::string& name() const { return database_->schema().name; }
    Database& database() { return *database_; }
    const Database& database() const { return *database_; }
    Storage* storage() { return storage_.get(); }
    void replace_database(
        std::unique_ptr<Database> database);  // after a conversion; there are no monitors then

    // Finds or makes the group that `monitor` belongs to; it ends when the last one leaves.
    MonitorGroup* join(MonitorSpec spec, Monitor* monitor);
    void leave(MonitorGroup* group, Monitor* monitor);
    const std::map<std::string, std::unique_ptr<MonitorGroup>>& groups() const { return groups_; }
    std::shared_ptr<const std::string> initial(MonitorGroup& group);

    const Uuid& last_transaction() const { return last_transaction_; }
    void remember(std::shared_ptr<const ChangeSet> changes);
    // What happened after transaction `id`, row by row from first to last state; nullptr if it is not known
    // any more.
    std::unique_ptr<ChangeSet> changes_since(const Uuid& id) const;

    // Frees the texts that initial() keeps.
    void forget_initial();

  private:
    std::unique_ptr<Database> database_;
    std::unique_ptr<Storage> storage_;
    std::map<std::string, std::unique_ptr<MonitorGroup>> groups_;
    std::deque<std::shared_ptr<const ChangeSet>> history_;
    size_t history_rows_ = 0;
    Uuid history_start_;  // the transaction before the first of history_
    Uuid last_transaction_;
};

}  // namespace weft::ovsdb
