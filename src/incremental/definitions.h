// The bodies of the five nouns: for the few sources that make some, by including this.
//
// Everybody who reads the declaration of a program (northd/program.h, controller/southbound_view.h) would
// otherwise compile this code, hash tables and all, for every one of its hundred members.  What is called
// from elsewhere is virtual for one reason: a virtual function is compiled where the noun is made.  (Calls
// are still direct, since a member's type is known.)

#pragma once

#include <algorithm>
#include <concepts>
#include <type_traits>
#include <utility>

#include "incremental/index.h"
#include "incremental/input.h"
#include "incremental/output.h"
#include "incremental/query.h"
#include "incremental/rule.h"

namespace weft::incremental {

template <typename K>
CellTable<K>::CellTable() = default;
template <typename K>
CellTable<K>::~CellTable() = default;
template <typename K>
Cell* CellTable<K>::find(const K& key) const {
    auto it = map_.find(key);
    return it == map_.end() ? nullptr : it->second;
}
template <typename K>
Cell*& CellTable<K>::slot(const K& key) {
    return map_[key];
}
template <typename K>
void CellTable<K>::erase(const K& key) {
    map_.erase(key);
}
template <typename K>
std::vector<Cell*> CellTable<K>::cells() const {
    std::vector<Cell*> out;
    out.reserve(map_.size());
    for (const auto& [key, cell] : map_) out.push_back(cell);
    return out;
}
template <typename K>
size_t CellTable<K>::size() const {
    return map_.size();
}

// The cell of a key; made, as `owner`'s, if there is none.
template <typename C, typename K>
C& cell_of(CellTable<K>& table, const K& key, Engine& engine, Kind& owner, bool* is_new = nullptr) {
    Cell*& cell = table.slot(key);
    if (is_new) *is_new = !cell;
    if (!cell) {
        C* made = new C();
        made->key = key;
        cell = made;
        engine.add_cell(*made, owner);
    }
    return static_cast<C&>(*cell);
}

template <typename K, typename V>
Input<K, V>::Input(Engine& engine, const char* name) : Kind(engine, name), keys_(engine, *this) {}
template <typename K, typename V>
Input<K, V>::~Input() {
    for (Cell* cell : rows_.cells()) {
        engine_.remove_cell(*cell);
        delete static_cast<Row*>(cell);
    }
}
template <typename K, typename V>
void Input<K, V>::set(const K& key, V value) {
    assert(!engine_.computing());
    Row& row = row_of(key);
    if (!row.value) {
        row.value = std::move(value);
        ++size_;
        keys_.added(key);
    } else {
        if constexpr (std::equality_comparable<V>) {
            if (*row.value == value) return;
        }
        row.value = std::move(value);
    }
    engine_.mark_readers(row);
}
template <typename K, typename V>
void Input<K, V>::erase(const K& key) {
    assert(!engine_.computing());
    Cell* cell = rows_.find(key);
    if (!cell) return;
    Row& row = static_cast<Row&>(*cell);
    if (!row.value) return;
    row.value.reset();
    --size_;
    keys_.removed(key);
    engine_.mark_readers(row);
    engine_.note_unread(row);
}
template <typename K, typename V>
void Input<K, V>::touch(const K& key) {
    assert(!engine_.computing());
    if (Cell* cell = rows_.find(key)) engine_.mark_readers(*cell);
}
template <typename K, typename V>
const V* Input<K, V>::find(const K& key) {
    Cell* cell = rows_.find(key);
    if (!cell) {
        if (!engine_.computing()) return nullptr;
        Row& row = row_of(key);
        engine_.record_read(row);
        engine_.note_unread(row);
        return nullptr;
    }
    Row& row = static_cast<Row&>(*cell);
    engine_.record_read(row);
    return row.value ? &*row.value : nullptr;
}
template <typename K, typename V>
std::vector<K> Input<K, V>::keys() {
    keys_.record_read();
    std::vector<K> keys;
    keys.reserve(size_);
    for (const Cell* cell : rows_.cells()) {
        const Row& row = static_cast<const Row&>(*cell);
        if (row.value) keys.push_back(row.key);
    }
    std::sort(keys.begin(), keys.end());
    return keys;
}
template <typename K, typename V>
typename Input<K, V>::Row& Input<K, V>::row_of(const K& key) {
    return cell_of<Row>(rows_, key, engine_, *this);
}
template <typename K, typename V>
void Input<K, V>::forget(Cell& cell) {
    Row& row = static_cast<Row&>(cell);
    if (row.value) return;
    engine_.remove_cell(row);
    rows_.erase(row.key);
    delete &row;
}

template <typename K, typename T>
Index<K, T>::Index(Engine& engine, const char* name) : Kind(engine, name), keys_(engine, *this) {}
template <typename K, typename T>
Index<K, T>::~Index() {
    for (Cell* cell : buckets_.cells()) {
        Bucket* bucket = static_cast<Bucket*>(cell);
        for (Item* item : bucket->items) delete item;
        engine_.remove_cell(*bucket);
        delete bucket;
    }
}
template <typename K, typename T>
void Index<K, T>::emit(const K& key, T value) {
    assert(rank() < engine_.reader_rank() && "an index is declared before the rules that write it");
    writer_rank_ = std::max(writer_rank_, engine_.reader_rank());
    assert(writer_rank_ < reader_rank_ && "an index is written by a rule declared after one of its readers");
    Bucket& bucket = bucket_of(key);
    uint32_t at = position(bucket, value);
    if (at == bucket.items.size() || value < bucket.items[at]->value) {
        bucket.items.insert(at, new Item{{this, 0}, &bucket, std::move(value)});
        if (bucket.items.size() == 1) keys_.added(bucket.key);
        engine_.mark_readers(bucket);
    }
    Item& item = *bucket.items[at];
    ++item.count;
    engine_.emitted(item);
}
template <typename K, typename T>
typename Index<K, T>::Items Index<K, T>::operator[](const K& key) {
    note_reader();
    Cell* cell = buckets_.find(key);
    if (!cell) {
        if (!engine_.computing()) return Items();
        Bucket& bucket = bucket_of(key);
        engine_.record_read(bucket);
        engine_.note_unread(bucket);
        return Items();
    }
    Bucket& bucket = static_cast<Bucket&>(*cell);
    engine_.record_read(bucket);
    return Items(bucket.items);
}
template <typename K, typename T>
std::vector<K> Index<K, T>::keys() {
    note_reader();
    keys_.record_read();
    std::vector<K> keys;
    for (const Cell* cell : buckets_.cells()) {
        const Bucket& bucket = static_cast<const Bucket&>(*cell);
        if (!bucket.items.empty()) keys.push_back(bucket.key);
    }
    std::sort(keys.begin(), keys.end());
    return keys;
}
template <typename K, typename T>
typename Index<K, T>::Bucket& Index<K, T>::bucket_of(const K& key) {
    return cell_of<Bucket>(buckets_, key, engine_, *this);
}
template <typename K, typename T>
uint32_t Index<K, T>::position(const Bucket& bucket, const T& value) {
    const auto& items = bucket.items;
    auto at = std::lower_bound(items.begin(), items.end(), value,
                               [](const Item* item, const T& v) { return item->value < v; });
    return static_cast<uint32_t>(at - items.begin());
}
template <typename K, typename T>
void Index<K, T>::release(Entry& entry) {
    Item& item = static_cast<Item&>(entry);
    if (--item.count > 0) return;
    Bucket& bucket = *item.bucket;
    bucket.items.erase(position(bucket, item.value));
    delete &item;
    if (bucket.items.empty()) {
        keys_.removed(bucket.key);
        engine_.note_unread(bucket);
    }
    engine_.mark_readers(bucket);
}
template <typename K, typename T>
void Index<K, T>::forget(Cell& cell) {
    Bucket& bucket = static_cast<Bucket&>(cell);
    if (!bucket.items.empty()) return;
    engine_.remove_cell(bucket);
    buckets_.erase(bucket.key);
    delete &bucket;
}

template <typename T>
Output<T>::Output(Engine& engine, const char* name) : Kind(engine, name) {}
template <typename T>
Output<T>::~Output() = default;
template <typename T>
void Output<T>::emit(T item) {
    const size_t hash = absl::HashOf(item);
    auto it = items_.find(Hashed{item, hash});
    if (it == items_.end()) {
        auto added = std::make_unique<Item>(std::move(item), hash);
        added->sink = this;
        it = items_.insert(std::move(added)).first;
    }
    Item& entry = **it;
    if (entry.count++ == 0) changed(entry);
    engine_.emitted(entry);
}
template <typename T>
void Output<T>::release(Entry& entry) {
    Item& item = static_cast<Item&>(entry);
    if (--item.count == 0) changed(item);
}

template <typename K, typename V>
Query<K, V>::Query(Engine& engine, const char* name, Function function)
    : Kind(engine, name), function_(std::move(function)) {}
template <typename K, typename V>
Query<K, V>::~Query() {
    for (Cell* cell : calls_.cells()) {
        Call* call = static_cast<Call*>(cell);
        engine_.drop_node(*call);
        engine_.remove_cell(*call);
        delete call;
    }
}
template <typename K, typename V>
const V& Query<K, V>::operator()(const K& key) {
    if (!engine_.computing()) engine_.update();
    Call& call = call_of(key);
    engine_.record_read(call);
    if (call.stale) compute(call);
    return *call.value;
}
template <typename K, typename V>
typename Query<K, V>::Call& Query<K, V>::call_of(const K& key) {
    bool is_new;
    Call& call = cell_of<Call>(calls_, key, engine_, *this, &is_new);
    if (is_new) engine_.note_unread(call);
    return call;
}
template <typename K, typename V>
bool Query<K, V>::compute(Call& call) {
    std::optional<V> value;
    engine_.run_as(call, [&] { value.emplace(function_(call.key)); });
    call.stale = false;
    if (call.value && *call.value == *value) {
        engine_.count_cutoff();
        return false;
    }
    call.value = std::move(value);
    return true;
}
template <typename K, typename V>
void Query<K, V>::run(Node& node) {
    Call& call = static_cast<Call&>(node);
    call.stale = true;
    if (call.readers.empty()) return engine_.note_unread(call);  // computed when somebody asks
    if (compute(call)) engine_.mark_readers(call);
}
template <typename K, typename V>
void Query<K, V>::forget(Cell& cell) {
    Call& call = static_cast<Call&>(cell);
    engine_.drop_node(call);
    engine_.remove_cell(call);
    calls_.erase(call.key);
    delete &call;
}

template <typename K>
Rule<K>::Rule(Engine& engine, const char* name, KeySet<K>& keys, Function function)
    : Kind(engine, name), function_(std::move(function)), keys_(&keys) {
    emits_ = true;
    keys_->listen(*this);
}
template <typename K>
Rule<K>::Rule(Engine& engine, const char* name, Function function)
    : Kind(engine, name), function_(std::move(function)) {
    static_assert(std::is_same_v<K, Unit>);
    emits_ = true;
    key_added(K());
}
template <typename K>
Rule<K>::~Rule() {
    if (keys_) keys_->ignore(*this);
    for (Cell* cell : calls_.cells()) {
        Call* call = static_cast<Call*>(cell);
        engine_.drop_node(*call);
        engine_.remove_cell(*call);
        delete call;
    }
}
template <typename K>
void Rule<K>::key_added(const K& key) {
    Call& call = cell_of<Call>(calls_, key, engine_, *this);
    call.wanted = true;
    engine_.enqueue(call);
}
template <typename K>
void Rule<K>::key_removed(const K& key) {
    Call& call = static_cast<Call&>(*calls_.find(key));
    call.wanted = false;
    engine_.enqueue(call);
}
template <typename K>
void Rule<K>::run(Node& node) {
    Call& call = static_cast<Call&>(node);
    if (call.wanted) {
        engine_.run_as(call, [&] { function_(call.key); });
        call.stale = false;
        return;
    }
    engine_.drop_node(call);
    engine_.remove_cell(call);
    calls_.erase(call.key);
    delete &call;
}

}  // namespace weft::incremental
