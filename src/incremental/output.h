// Output<T>: what rules emitted, as a set; what several emitted is in it once.  Its changes go outside.
//
// T needs == and AbslHashValue.

#pragma once

#include <absl/hash/hash.h>

#include <memory>
#include <utility>
#include <vector>

#include "base/hash_map.h"
#include "incremental/engine.h"

namespace weft::incremental {

template <typename T>
class Output : public Kind, public Sink {
  public:
    Output(Engine& engine, const char* name);
    ~Output() override;

    // Called by rules.
    virtual void emit(T item);

    // Tells the net changes since the last time, as on_change(const T&, bool added), in the order in which
    // they came about.
    template <typename F>
    void take_changes(F&& on_change) {
        for (Item* item : changed_) {
            item->is_changed = false;
            bool present = item->count > 0;
            if (present != item->was_present) on_change(std::as_const(item->value), present);
            item->was_present = present;
            if (!present) items_.erase(items_.find(item->value));
        }
        changed_.clear();
    }
    bool has_changes() const { return !changed_.empty(); }
    // How many take_changes() would tell.
    size_t count_changes() const {
        size_t count = 0;
        for (const Item* item : changed_) count += (item->count > 0) != item->was_present;
        return count;
    }
    bool contains(const T& item) const {
        auto it = items_.find(item);
        return it != items_.end() && (*it)->count > 0;
    }
    // Calls f(const T&) for each, in no order.
    template <typename F>
    void for_each(F&& f) const {
        for (const auto& item : items_) {
            if (item->count > 0) f(std::as_const(item->value));
        }
    }
    size_t size() const { return items_.size(); }  // exact after take_changes()

  private:
    struct Item : Entry {
        Item(T v, size_t h) : value(std::move(v)), hash(h) {}
        T value;
        size_t hash;  // kept, since items are many and long: a table that grows needs all
        bool is_changed = false, was_present = false;
    };
    struct Hashed {
        const T& value;
        size_t hash;
    };
    struct Hash {
        using is_transparent = void;
        size_t operator()(const T& value) const { return absl::HashOf(value); }
        size_t operator()(const Hashed& item) const { return item.hash; }
        size_t operator()(const std::unique_ptr<Item>& item) const { return item->hash; }
    };
    struct Equal {
        using is_transparent = void;
        static const T& of(const T& value) { return value; }
        static const T& of(const Hashed& item) { return item.value; }
        static const T& of(const std::unique_ptr<Item>& item) { return item->value; }
        template <typename A, typename B>
        bool operator()(const A& a, const B& b) const {
            return of(a) == of(b);
        }
    };

    void changed(Item& item) {
        if (item.is_changed) return;
        item.is_changed = true;
        changed_.push_back(&item);
    }
    void release(Entry& entry) override;

    absl::flat_hash_set<std::unique_ptr<Item>, Hash, Equal> items_;
    std::vector<Item*> changed_;
};

}  // namespace weft::incremental
