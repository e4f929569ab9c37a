#include "northd/sync/row_keys.h"

#include <algorithm>

#include "northd/inputs.h"
#include "northd/rows.h"

namespace weft::northd {

template <typename Key>
void RowKeys<Key>::add_row(const Uuid& row, const Key& key) {
    std::vector<Uuid>& rows = rows_[key];
    rows.insert(std::lower_bound(rows.begin(), rows.end(), row), row);
    key_of_row_.emplace(row, key);
    mark(key);
}

template <typename Key>
void RowKeys<Key>::forget_row(const Uuid& row) {
    auto it = key_of_row_.find(row);
    if (it == key_of_row_.end()) return;
    std::vector<Uuid>& rows = rows_[it->second];
    rows.erase(std::find(rows.begin(), rows.end(), row));
    mark(it->second);
    if (rows.empty()) rows_.erase(it->second);
    key_of_row_.erase(it);
}

template <typename Key>
const std::vector<Uuid>* RowKeys<Key>::rows(const Key& key) const {
    auto it = rows_.find(key);
    return it == rows_.end() ? nullptr : &it->second;
}

template <typename Key>
uint32_t RowKeys<Key>::place(const Key& key) const {
    auto it = places_.find(key);
    return it == places_.end() ? kNowhere : it->second;
}

template <typename Key>
uint32_t RowKeys<Key>::make_place(const Key& key) {
    auto [it, is_new] = places_.try_emplace(key, 0);
    if (!is_new) return it->second;
    if (free_places_.empty()) return it->second = next_place_++;
    it->second = free_places_.back();
    free_places_.pop_back();
    return it->second;
}

template <typename Key>
void RowKeys<Key>::free_place(const Key& key) {
    auto it = places_.find(key);
    free_places_.push_back(it->second);
    places_.erase(it);
}

template <typename Key>
std::vector<std::pair<Key, uint32_t>> RowKeys<Key>::places() const {
    return {places_.begin(), places_.end()};
}

template <typename Key>
void RowKeys<Key>::mark(const Key& key) {
    marked_.insert(key);
}

template <typename Key>
void RowKeys<Key>::mark_all() {
    for (const auto& [key, place] : places_) mark(key);
    for (const auto& [key, rows] : rows_) mark(key);
}

template <typename Key>
bool RowKeys<Key>::has_marked() const {
    return !marked_.empty();
}

template <typename Key>
std::vector<Key> RowKeys<Key>::take_marked() {
    std::vector<Key> keys(marked_.begin(), marked_.end());
    std::sort(keys.begin(), keys.end());
    marked_.clear();
    return keys;
}

template <typename Key>
void RowKeys<Key>::begin() {
    inserted_.clear();
}

template <typename Key>
void RowKeys<Key>::inserted(const Key& key, const Uuid& row) {
    inserted_[key] = row;
}

template <typename Key>
void RowKeys<Key>::not_inserted(const Key& key) {
    inserted_.erase(key);
}

template <typename Key>
std::optional<Uuid> RowKeys<Key>::row_of(const Key& key) const {
    if (auto it = inserted_.find(key); it != inserted_.end()) return it->second;
    const std::vector<Uuid>* rows = this->rows(key);
    return rows ? std::optional<Uuid>(rows->front()) : std::nullopt;
}

template class RowKeys<Uuid>;
template class RowKeys<std::string>;
template class RowKeys<MulticastKey>;
template class RowKeys<BindingKey>;
template class RowKeys<AdvertisedRow>;
template class RowKeys<AdvertisedMacRow>;
template class RowKeys<BfdKey>;
template class RowKeys<MonitorKey>;

}  // namespace weft::northd
