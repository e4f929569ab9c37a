// A database being served: the engine's tables, the storage that keeps them, the monitors on them and the
// history of recent transactions.

#pragma once

#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "ovsdb/engine/database.h"
#include "ovsdb/server/audience.h"
#include "ovsdb/server/history.h"
#include "ovsdb/server/monitor.h"
#include "ovsdb/server/told_view.h"
#include "ovsdb/server/upstream.h"
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
    // `storage` nullptr: in memory only (_Server, and with `upstream` a relay's copy, see upstream.h).
    ServedDatabase(std::unique_ptr<Database> database, std::unique_ptr<Storage> storage,
                   Upstream* upstream = nullptr);

    const std::string& name() const { return database_->schema().name; }
    Database& database() { return *database_; }
    const Database& database() const { return *database_; }
    Storage* storage() { return storage_.get(); }
    Upstream* upstream() const { return upstream_; }
    // As the table Database of _Server has it.
    StorageStatus status() const;
    bool available() const { return !upstream_ || upstream_->available(); }
    // By one of another schema perhaps; there are no monitors then.  `last`: its last transaction.
    void replace_database(std::unique_ptr<Database> database, const Uuid& last);

    // Finds or makes the group that `monitor` belongs to; it ends when the last one leaves.
    MonitorGroup* join(MonitorSpec spec, Monitor* monitor);
    void leave(MonitorGroup* group, Monitor* monitor);
    const std::map<std::string, std::unique_ptr<MonitorGroup>>& groups() const { return groups_; }
    std::shared_ptr<const std::string> initial(MonitorGroup& group);

    // Transactions between decision and kept: they are the state of database(), and no client knows of them.
    // Hands them to the storage; the position after which they may be told.
    Position keep(std::shared_ptr<const ChangeSet> changes);
    // What a transaction that changed nothing has seen is kept at this position.
    Position position() const { return storage_ ? storage_->appended() : 0; }
    uint64_t appended_bytes() const { return storage_ ? storage_->appended_bytes() : 0; }
    // Takes back, in memory, what is not kept at `kept` and never will be; what that changed.
    ChangeSet take_back(Position kept);
    ToldView told() const;

    size_t monitors() const;  // different ones: those of all who see the same are one

    // What clients were told.
    const History& history() const { return history_; }
    History& history() { return history_; }
    // The oldest transaction not told may be told now, and is by the next tell().
    void remember(std::shared_ptr<const ChangeSet> changes);
    // The moment after which all that was remembered is still to be told; none if nothing is.
    std::optional<History::Mark> to_tell() const { return to_tell_; }
    void told_all();
    const Audience& audience() const { return audience_; }

    // Frees the texts that initial() keeps.
    void forget_initial();

  private:
    std::unique_ptr<Database> database_;
    std::unique_ptr<Storage> storage_;
    Upstream* upstream_;
    struct Untold {
        Position position;
        std::shared_ptr<const ChangeSet> changes;
    };
    std::deque<Untold> untold_;
    std::map<std::string, std::unique_ptr<MonitorGroup>> groups_;
    Audience audience_;                        // of groups_
    std::vector<MonitorGroup*> with_initial_;  // of which the text is kept
    History history_;
    std::optional<History::Mark> to_tell_;
};

}  // namespace weft::ovsdb
