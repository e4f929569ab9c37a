// Rule<K>: a function run for every key of a collection, for what it emits.
//
// When a key goes, what its run emitted is withdrawn; when a run's inputs changed it runs again, and only the
// difference to what it emitted before has an effect.  A Rule<Unit> without a collection runs once.

#pragma once

#include <functional>
#include <type_traits>
#include <utility>

#include "base/hash_map.h"
#include "incremental/keys.h"

namespace weft::incremental {

template <typename K>
class Rule : public Kind, private KeyListener<K> {
  public:
    using Function = std::function<void(const K&)>;

    // `collection` is an Input<K, ...> or an Index<K, ...>.  Declare rules before the inputs are filled.
    template <typename Collection>
    Rule(Engine& engine, const char* name, Collection& collection, Function function)
        : Rule(engine, name, collection.key_set(), std::move(function)) {}
    Rule(Engine& engine, const char* name, KeySet<K>& keys, Function function);
    Rule(Engine& engine, const char* name, Function function);
    ~Rule() override;
    size_t size() const { return calls_.size(); }

  private:
    struct Call : Node {
        K key;
    };

    void key_added(const K& key) override;
    void key_removed(const K& key) override;
    bool is_function() const override { return true; }
    void run(Node& node) override;

    Function function_;
    KeySet<K>* keys_ = nullptr;
    CellTable<K> calls_;  // Call
};

}  // namespace weft::incremental
