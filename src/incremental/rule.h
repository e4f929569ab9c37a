// Rule<K>: a function run for every key of a collection, for what it emits.
//
// When a key goes, what its run emitted is withdrawn; when a run's inputs changed it runs again, and only the
// difference to what it emitted before has an effect.  A Rule<Unit> without a collection runs once.

#pragma once

#include <functional>
#include <memory>
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
        : Kind(engine, name), function_(std::move(function)), keys_(&collection.key_set()) {
        this->emits_ = true;
        keys_->listen(*this);
    }
    Rule(Engine& engine, const char* name, Function function)
        : Kind(engine, name), function_(std::move(function)) {
        static_assert(std::is_same_v<K, Unit>);
        emits_ = true;
        key_added(K());
    }
    ~Rule() override {
        if (keys_) keys_->ignore(*this);
        for (auto& [key, call] : calls_) {
            engine_.drop_node(*call);
            engine_.remove_cell(*call);
        }
    }
    size_t size() const { return calls_.size(); }

  private:
    struct Call : Node {
        K key;
    };

    void key_added(const K& key) override {
        std::unique_ptr<Call>& call = calls_[key];
        if (!call) {
            call = std::make_unique<Call>();
            call->key = key;
            engine_.add_cell(*call, *this);
        }
        call->wanted = true;
        engine_.enqueue(*call);
    }
    void key_removed(const K& key) override {
        Call& call = *calls_.at(key);
        call.wanted = false;
        engine_.enqueue(call);
    }
    void run(Node& node) override {
        Call& call = static_cast<Call&>(node);
        if (call.wanted) {
            engine_.run_as(call, [&] { function_(call.key); });
            call.stale = false;
            return;
        }
        engine_.drop_node(call);
        engine_.remove_cell(call);
        calls_.erase(K(call.key));
    }

    Function function_;
    KeySet<K>* keys_ = nullptr;
    HashMap<K, std::unique_ptr<Call>> calls_;
};

}  // namespace weft::incremental
