// Input<K, V>: rows from outside, by key.
//
// set() and erase() are called between updates.  Where V can be compared, setting an equal value changes
// nothing. A V that points to something that changes in place (a replica's row) is set once, and touch()ed
// when what it points to changed.

#pragma once

#include <cassert>
#include <concepts>
#include <optional>
#include <vector>

#include "base/hash_map.h"
#include "base/uuid.h"
#include "incremental/keys.h"

namespace weft::incremental {

template <typename K, typename V>
class Input : public Kind {
  public:
    using Key = K;

    Input(Engine& engine, const char* name);
    ~Input() override;

    virtual void set(const K& key, V value);
    virtual void erase(const K& key);
    // What the value points to changed.
    virtual void touch(const K& key);

    // The value, or null.
    virtual const V* find(const K& key);
    // All keys that have a value, in order.
    virtual std::vector<K> keys();
    size_t size() const { return size_; }  // not recorded

    KeySet<K>& key_set() { return keys_; }

  private:
    struct Row : Cell {
        K key;
        std::optional<V> value;
    };

    Row& row_of(const K& key);
    void forget(Cell& cell) override;

    CellTable<K> rows_;  // Row
    KeySet<K> keys_;
    size_t size_ = 0;
};

// Rows of a replica's table, by pointer: they change in place, and who feeds the input touches the row then.
template <typename Row>
class Rows : public Input<Uuid, const Row*> {
  public:
    using Input<Uuid, const Row*>::Input;
    // The row, or null.
    const Row* get(const Uuid& uuid) {
        const Row* const* row = this->find(uuid);
        return row ? *row : nullptr;
    }
};

}  // namespace weft::incremental
