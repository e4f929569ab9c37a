#include "ovsdb/server/served_database.h"

namespace weft::ovsdb {

namespace {

// The history costs memory, and is worth less than reading everything anew once it is longer than that.
constexpr size_t kMaxHistoryTransactions = 1000;
constexpr size_t kMinHistoryRows = 1000;

size_t rows_of(const ChangeSet& changes) {
    size_t rows = 0;
    for (const TableChange& table : changes.tables) rows += table.rows.size();
    return rows;
}

}  // namespace

ServedDatabase::ServedDatabase(std::unique_ptr<Database> database, std::unique_ptr<Storage> storage)
    : database_(std::move(database)), storage_(std::move(storage)) {
    history_start_ = last_transaction_ = Uuid::random();
}

void ServedDatabase::replace_database(std::unique_ptr<Database> database) {
    groups_.clear();
    history_.clear();
    history_rows_ = 0;
    history_start_ = last_transaction_ = Uuid::random();
    database_ = std::move(database);
}

MonitorGroup* ServedDatabase::join(MonitorSpec spec, Monitor* monitor) {
    std::string key = spec.key();
    std::unique_ptr<MonitorGroup>& group = groups_[key];
    if (!group) group = std::make_unique<MonitorGroup>(MonitorGroup{key, std::move(spec), {}, nullptr});
    group->members.push_back(monitor);
    return group.get();
}

void ServedDatabase::leave(MonitorGroup* group, Monitor* monitor) {
    std::erase(group->members, monitor);
    if (group->members.empty()) groups_.erase(std::string(group->key));
}

std::shared_ptr<const std::string> ServedDatabase::initial(MonitorGroup& group) {
    if (!group.initial) group.initial = std::make_shared<const std::string>(group.spec.initial(*database_));
    return group.initial;
}

void ServedDatabase::forget_initial() {
    for (auto& [key, group] : groups_) group->initial.reset();
}

void ServedDatabase::remember(std::shared_ptr<const ChangeSet> changes) {
    forget_initial();
    last_transaction_ = changes->id;
    history_rows_ += rows_of(*changes);
    history_.push_back(std::move(changes));
    size_t max_rows = std::max(kMinHistoryRows, database_->rows() / 10);
    while (!history_.empty() && (history_.size() > kMaxHistoryTransactions || history_rows_ > max_rows)) {
        history_rows_ -= rows_of(*history_.front());
        history_start_ = history_.front()->id;
        history_.pop_front();
    }
}

std::unique_ptr<ChangeSet> ServedDatabase::changes_since(const Uuid& id) const {
    size_t first = 0;
    if (!(id == history_start_)) {
        while (first < history_.size() && !(history_[first]->id == id)) ++first;
        if (first == history_.size()) return nullptr;
        ++first;
    }
    auto merged = std::make_unique<ChangeSet>();
    merged->id = last_transaction_;
    absl::flat_hash_map<std::pair<const TableSchema*, Uuid>, size_t> seen;
    std::map<const TableSchema*, size_t> groups;
    for (size_t i = first; i < history_.size(); ++i) {
        for (const TableChange& table : history_[i]->tables) {
            auto [group, fresh_group] = groups.try_emplace(table.table, merged->tables.size());
            if (fresh_group) merged->tables.push_back({table.table, {}});
            std::vector<RowChange>& rows = merged->tables[group->second].rows;
            for (const RowChange& change : table.rows) {
                auto [at, fresh] = seen.try_emplace({table.table, change.uuid}, rows.size());
                if (fresh) {
                    rows.push_back(change);
                } else {
                    rows[at->second].after = change.after;
                }
            }
        }
    }
    for (TableChange& table : merged->tables) {
        std::erase_if(table.rows, [](const RowChange& change) { return !change.before && !change.after; });
    }
    return merged;
}

}  // namespace weft::ovsdb
