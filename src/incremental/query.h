// Query<K, V>: a pure function K -> V whose results are remembered as long as somebody reads them.
//
// V must be comparable with ==: readers run again only if the value differs.

#pragma once

#include <cassert>
#include <functional>
#include <memory>
#include <optional>
#include <utility>

#include "base/hash_map.h"
#include "incremental/engine.h"

namespace weft::incremental {

template <typename K, typename V>
class Query : public Kind {
  public:
    using Function = std::function<V(const K&)>;

    Query(Engine& engine, const char* name, Function function)
        : Kind(engine, name), function_(std::move(function)) {}
    ~Query() override {
        for (auto& [key, call] : calls_) {
            engine_.drop_node(*call);
            engine_.remove_cell(*call);
        }
    }

    // Outside of functions: the value as of now; the reference is valid until the next update().
    const V& operator()(const K& key) {
        if (!engine_.computing()) engine_.update();
        Call& call = call_of(key);
        engine_.record_read(call);
        if (call.stale) compute(call);
        return *call.value;
    }
    size_t size() const { return calls_.size(); }

  private:
    struct Call : Node {
        K key;
        std::optional<V> value;
    };

    Call& call_of(const K& key) {
        auto it = calls_.find(key);
        if (it != calls_.end()) return *it->second;
        auto call = std::make_unique<Call>();
        call->key = key;
        engine_.add_cell(*call, *this);
        engine_.note_unread(*call);
        return *calls_.emplace(key, std::move(call)).first->second;
    }
    // True if the value differs from the one before.
    bool compute(Call& call) {
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
    void run(Node& node) override {
        Call& call = static_cast<Call&>(node);
        call.stale = true;
        if (call.readers.empty()) return engine_.note_unread(call);  // computed when somebody asks
        if (compute(call)) engine_.mark_readers(call);
    }
    void forget(Cell& cell) override {
        Call& call = static_cast<Call&>(cell);
        engine_.drop_node(call);
        engine_.remove_cell(call);
        calls_.erase(K(call.key));
    }

    Function function_;
    HashMap<K, std::unique_ptr<Call>> calls_;
};

}  // namespace weft::incremental
