// The keys of a collection (an Input's or an Index's): rules run for each of them, queries can read them all.

#pragma once

#include <algorithm>
#include <vector>

#include "incremental/engine.h"

namespace weft::incremental {

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
