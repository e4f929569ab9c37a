#include "ovsdb/server/served_database.h"

#include <algorithm>
#include <cassert>
#include <utility>

#include "base/metrics.h"

namespace weft::ovsdb {

namespace {

metrics::Counter initial_texts("monitor_initial_text");

}  // namespace

ServedDatabase::ServedDatabase(std::unique_ptr<Database> database, std::unique_ptr<Storage> storage,
                               Upstream* upstream)
    : database_(std::move(database)), storage_(std::move(storage)), upstream_(upstream) {
    history_.reset(Uuid::random());
}

StorageStatus ServedDatabase::status() const {
    return upstream_ ? upstream_->status() : storage_ ? storage_->status() : StorageStatus();
}

void ServedDatabase::replace_database(std::unique_ptr<Database> database, const Uuid& last) {
    assert(untold_.empty() && !to_tell_);
    audience_.clear();
    with_initial_.clear();
    groups_.clear();
    history_.reset(last);
    database_ = std::move(database);
}

MonitorGroup* ServedDatabase::join(MonitorSpec spec, Monitor* monitor) {
    std::string key = spec.key();
    std::unique_ptr<MonitorGroup>& group = groups_[key];
    if (!group) {
        group = std::make_unique<MonitorGroup>(MonitorGroup{key, std::move(spec), {}, nullptr});
        audience_.add(*group);
    }
    group->members.push_back(monitor);
    return group.get();
}

void ServedDatabase::leave(MonitorGroup* group, Monitor* monitor) {
    std::erase(group->members, monitor);
    if (!group->members.empty()) return;
    audience_.remove(*group);
    std::erase(with_initial_, group);
    groups_.erase(std::string(group->key));
}

std::shared_ptr<const std::string> ServedDatabase::initial(MonitorGroup& group) {
    if (!group.initial) {
        group.initial = std::make_shared<const std::string>(group.spec.initial(told()));
        with_initial_.push_back(&group);
        initial_texts.add();
    }
    return group.initial;
}

size_t ServedDatabase::monitors() const {
    return groups_.size();
}

void ServedDatabase::forget_initial() {
    for (MonitorGroup* group : std::exchange(with_initial_, {})) group->initial.reset();
}

void ServedDatabase::remember(std::shared_ptr<const ChangeSet> changes) {
    assert(!untold_.empty() && untold_.front().changes == changes);
    untold_.pop_front();
    forget_initial();
    history_.add(std::move(changes), database_->rows());
    if (!to_tell_) to_tell_ = history_.mark_before_last();
}

void ServedDatabase::told_all() {
    if (to_tell_) history_.unmark(*to_tell_);
    to_tell_.reset();
}

Position ServedDatabase::keep(std::shared_ptr<const ChangeSet> changes) {
    Position position = storage_ ? storage_->append(*changes) : 0;
    untold_.push_back({position, std::move(changes)});
    return position;
}

ChangeSet ServedDatabase::take_back(Position kept) {
    MergedChanges merged;
    auto lost =
        std::find_if(untold_.begin(), untold_.end(), [&](const Untold& u) { return u.position > kept; });
    for (auto it = lost; it != untold_.end(); ++it) merged.add(*it->changes);
    untold_.erase(lost, untold_.end());
    ChangeSet changes = merged.changes(Uuid());
    database_->revert(changes);
    return changes;
}

ToldView ServedDatabase::told() const {
    ToldView view(*database_);
    for (const Untold& untold : untold_) view.hide(*untold.changes);
    return view;
}

}  // namespace weft::ovsdb
