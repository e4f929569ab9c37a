// Query<K, V>: a pure function K -> V whose results are remembered as long as somebody reads them.
//
// V must be comparable with ==: readers run again only if the value differs.

#pragma once

#include <cassert>
#include <functional>
#include <optional>
#include <utility>

#include "base/hash_map.h"
#include "incremental/keys.h"

namespace weft::incremental {

template <typename K, typename V>
class Query : public Kind {
  public:
    using Function = std::function<V(const K&)>;

    Query(Engine& engine, const char* name, Function function);
    ~Query() override;

    // Outside of functions: the value as of now; the reference is valid until the next update().
    virtual const V& operator()(const K& key);
    size_t size() const { return calls_.size(); }

  private:
    struct Call : Node {
        K key;
        std::optional<V> value;
    };

    Call& call_of(const K& key);
    bool compute(Call& call);  // true if the value differs from the one before
    bool is_function() const override { return true; }
    void run(Node& node) override;
    void forget(Cell& cell) override;

    Function function_;
    CellTable<K> calls_;  // Call
};

}  // namespace weft::incremental
