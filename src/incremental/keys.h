// The keys of a collection (an Input's or an Index's): rules run for each of them, queries can read them all.

#pragma once

#include <algorithm>
#include <vector>

#include "base/hash_map.h"
#include "incremental/engine.h"

namespace weft::incremental {

// What a noun keeps by key.  One type for all nouns with the same keys, so that the table's code is compiled
// once for them; the noun makes the cells, knows what they are, and deletes them.
// Cells by key.  Bodies in definitions.h, and virtual for the reason that is given there: so that the code of
// a hash table is compiled once for a type of keys, not once for each noun.
template <typename K>
class CellTable {
  public:
    CellTable();
    virtual ~CellTable();
    CellTable(const CellTable&) = delete;
    CellTable& operator=(const CellTable&) = delete;

    virtual Cell* find(const K& key) const;  // null: there is none
    virtual Cell*& slot(const K& key);       // null: it is new
    virtual void erase(const K& key);
    virtual std::vector<Cell*> cells() const;  // in no order
    virtual size_t size() const;

  private:
    HashMap<K, Cell*> map_;
};

template <typename K>
class KeyListener {
  public:
    virtual ~KeyListener() = default;
    virtual void key_added(const K& key) = 0;
    virtual void key_removed(const K& key) = 0;
};

// The keys that exist, and who wants to know.  The collection calls added() and removed().
template <typename K>
class KeySet {
  public:
    KeySet(Engine& engine, Kind& owner) : engine_(engine) { engine.add_cell(cell_, owner); }
    ~KeySet() { engine_.remove_cell(cell_); }

    void listen(KeyListener<K>& listener) { listeners_.push_back(&listener); }
    void ignore(KeyListener<K>& listener) { std::erase(listeners_, &listener); }
    void added(const K& key) {
        engine_.mark_readers(cell_);
        for (KeyListener<K>* listener : listeners_) listener->key_added(key);
    }
    void removed(const K& key) {
        engine_.mark_readers(cell_);
        for (KeyListener<K>* listener : listeners_) listener->key_removed(key);
    }
    void record_read() { engine_.record_read(cell_); }

  private:
    Engine& engine_;
    Cell cell_;
    std::vector<KeyListener<K>*> listeners_;
};

}  // namespace weft::incremental
