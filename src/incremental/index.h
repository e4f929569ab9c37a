// Index<K, T>: what rules emitted, grouped by key, for queries and rules to read: the way to look from the
// other side ("the switch that has this port") and to collect from many ("the addresses of all its members").
//
// Items of a key are distinct and in order (<).  A reader depends on the one key it read.  It is declared
// before the rules that emit into it, since it has to outlive them, and those before all functions that read
// it.

#pragma once

#include <algorithm>
#include <cassert>
#include <iterator>
#include <utility>
#include <vector>

#include "base/hash_map.h"
#include "incremental/keys.h"

namespace weft::incremental {

template <typename K, typename T>
class Index : public Kind, public Sink {
    struct Item;

  public:
    using Key = K;

    // The items of one key.
    class Items {
      public:
        class iterator {
          public:
            using iterator_category = std::forward_iterator_tag;
            using value_type = T;
            using difference_type = std::ptrdiff_t;
            using pointer = const T*;
            using reference = const T&;
            iterator() = default;
            explicit iterator(Item* const* at) : at_(at) {}
            const T& operator*() const { return (*at_)->value; }
            const T* operator->() const { return &(*at_)->value; }
            iterator& operator++() {
                ++at_;
                return *this;
            }
            iterator operator++(int) { return iterator(at_++); }
            bool operator==(const iterator&) const = default;

          private:
            Item* const* at_ = nullptr;
        };

        Items() = default;
        explicit Items(const CompactVector<Item*>& items) : begin_(items.begin()), end_(items.end()) {}
        iterator begin() const { return iterator(begin_); }
        iterator end() const { return iterator(end_); }
        bool empty() const { return begin_ == end_; }
        size_t size() const { return static_cast<size_t>(end_ - begin_); }
        const T& front() const { return (*begin_)->value; }

      private:
        Item* const* begin_ = nullptr;
        Item* const* end_ = nullptr;
    };

    Index(Engine& engine, const char* name);
    ~Index() override;

    // Called by rules.
    virtual void emit(const K& key, T value);

    // What was emitted for the key.
    virtual Items operator[](const K& key);
    // The first of them, or null.
    const T* first(const K& key) {
        Items items = (*this)[key];
        return items.empty() ? nullptr : &items.front();
    }
    bool contains(const K& key) { return first(key) != nullptr; }
    // All keys that have items, in order.
    virtual std::vector<K> keys();

    KeySet<K>& key_set() { return keys_; }

  private:
    struct Bucket : Cell {
        K key;
        CompactVector<Item*> items;
    };
    struct Item : Entry {
        Item(Entry entry, Bucket* b, T v) : Entry(entry), bucket(b), value(std::move(v)) {}
        Bucket* bucket;
        T value;
    };

    void note_reader() {
        reader_rank_ = std::min(reader_rank_, engine_.reader_rank());
        assert(writer_rank_ < reader_rank_ &&
               "an index is read by a function declared before one of its writers");
    }
    Bucket& bucket_of(const K& key);
    static uint32_t position(const Bucket& bucket, const T& value);
    void release(Entry& entry) override;
    void forget(Cell& cell) override;

    CellTable<K> buckets_;  // Bucket
    KeySet<K> keys_;
    uint32_t writer_rank_ = 0, reader_rank_ = UINT32_MAX;
};

}  // namespace weft::incremental
