// Input<K, V>: rows from outside, by key.
//
// set() and erase() are called between updates.  Where V can be compared, setting an equal value changes
// nothing. A V that points to something that changes in place (a replica's row) is set once, and touch()ed
// when what it points to changed.

#pragma once

#include <cassert>
#include <concepts>
#include <memory>
#include <optional>
#include <vector>

#include "base/hash_map.h"
#include "incremental/keys.h"

namespace weft::incremental {

template <typename K, typename V>
class Input : public Kind {
  public:
    using Key = K;

    Input(Engine& engine, const char* name) : Kind(engine, name), keys_(engine, *this) {}
    ~Input() override {
        for (auto& [key, row] : rows_) engine_.remove_cell(*row);
    }

    void set(const K& key, V value) {
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
    void erase(const K& key) {
        assert(!engine_.computing());
        auto it = rows_.find(key);
        if (it == rows_.end() || !it->second->value) return;
        it->second->value.reset();
        --size_;
        keys_.removed(key);
        engine_.mark_readers(*it->second);
        engine_.note_unread(*it->second);
    }
    // What the value points to changed.
    void touch(const K& key) {
        assert(!engine_.computing());
        auto it = rows_.find(key);
        if (it != rows_.end()) engine_.mark_readers(*it->second);
    }

    // The value, or null.
    const V* find(const K& key) {
        auto it = rows_.find(key);
        if (it == rows_.end()) {
            if (!engine_.computing()) return nullptr;
            Row& row = row_of(key);
            engine_.record_read(row);
            engine_.note_unread(row);
            return nullptr;
        }
        engine_.record_read(*it->second);
        return it->second->value ? &*it->second->value : nullptr;
    }
    // All keys that have a value, in order.
    std::vector<K> keys() {
        keys_.record_read();
        std::vector<K> keys;
        keys.reserve(size_);
        for (const auto& [key, row] : rows_) {
            if (row->value) keys.push_back(key);
        }
        std::sort(keys.begin(), keys.end());
        return keys;
    }
    size_t size() const { return size_; }  // not recorded

    KeySet<K>& key_set() { return keys_; }

  private:
    struct Row : Cell {
        K key;
        std::optional<V> value;
    };

    Row& row_of(const K& key) {
        std::unique_ptr<Row>& row = rows_[key];
        if (!row) {
            row = std::make_unique<Row>();
            row->key = key;
            engine_.add_cell(*row, *this);
        }
        return *row;
    }
    void forget(Cell& cell) override {
        Row& row = static_cast<Row&>(cell);
        if (row.value) return;
        engine_.remove_cell(row);
        rows_.erase(K(row.key));
    }

    HashMap<K, std::unique_ptr<Row>> rows_;
    KeySet<K> keys_;
    size_t size_ = 0;
};

}  // namespace weft::incremental
