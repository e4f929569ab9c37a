// KeyedStep<K>: a step (step.h) of which each key of a collection has its own: run(body) calls the body for
// the keys whose reads give another answer now, and for those that have come or gone.
//
//     KeyedStep<Uuid> report{engine, "report ports", own_ports};      // after all that its body reads
//     ...
//     engine.update();
//     report.run([&](const Uuid& port) { ... });
//
// For a key that has gone the body is called once more, and finds that out by what it reads.

#pragma once

#include <set>
#include <utility>

#include "incremental/keys.h"

namespace weft::incremental {

template <typename K>
class KeyedStep : public Kind, private KeyListener<K> {
  public:
    // `collection` is an Input<K, ...> or an Index<K, ...>.  Declare it before that is filled.
    template <typename Collection>
    KeyedStep(Engine& engine, const char* name, Collection& collection)
        : Kind(engine, name), keys_(collection.key_set()) {
        keys_.listen(*this);
    }
    ~KeyedStep() override {
        keys_.ignore(*this);
        for (Cell* cell : calls_.cells()) drop(static_cast<Call&>(*cell));
    }

    // Changes are known after Engine::update().
    bool due() const { return !due_.empty(); }
    void repeat(const K& key) { due_.insert(key); }
    void repeat() {
        for (const Cell* cell : calls_.cells()) due_.insert(static_cast<const Call*>(cell)->key);
    }

    // In the order of the keys.  What the body repeats is for the next time.
    template <typename Body>
    void run(Body&& body) {
        for (const K& key : std::exchange(due_, {})) {
            Cell* cell = calls_.find(key);
            if (!cell) {
                body(key);
                continue;
            }
            Call& call = static_cast<Call&>(*cell);
            call.stale = false;
            engine_.run_as(call, [&] { body(key); });
        }
    }

  private:
    struct Call : Node {
        K key;
    };

    void key_added(const K& key) override {
        Cell*& cell = calls_.slot(key);
        if (!cell) {
            Call* made = new Call();
            made->key = key;
            cell = made;
            engine_.add_cell(*made, *this);
        }
        Call& call = static_cast<Call&>(*cell);
        call.wanted = true;
        engine_.enqueue(call);
    }
    void key_removed(const K& key) override {
        Call& call = static_cast<Call&>(*calls_.find(key));
        call.wanted = false;
        engine_.enqueue(call);
    }
    bool is_function() const override { return true; }
    void run(Node& node) override {
        Call& call = static_cast<Call&>(node);
        due_.insert(call.key);
        if (call.wanted) return;
        calls_.erase(K(call.key));
        drop(call);
    }
    void drop(Call& call) {
        engine_.drop_node(call);
        engine_.remove_cell(call);
        delete &call;
    }

    KeySet<K>& keys_;
    CellTable<K> calls_;  // Call
    std::set<K> due_;
};

}  // namespace weft::incremental
