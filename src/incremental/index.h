// Index<K, T>: what rules emitted, grouped by key, for queries and rules to read: the way to look from the
// other side ("the switch that has this port") and to collect from many ("the addresses of all its members").
//
// Items of a key are distinct and in order (<).  A reader depends on the one key it read.  All rules that
// emit into it must be declared before all functions that read it.

#pragma once

#include <algorithm>
#include <cassert>
#include <iterator>
#include <memory>
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

    Index(Engine& engine, const char* name) : Kind(engine, name), keys_(engine, *this) {}
    ~Index() override {
        for (auto& [key, bucket] : buckets_) {
            for (Item* item : bucket->items) delete item;
            engine_.remove_cell(*bucket);
        }
    }

    // Called by rules.
    void emit(const K& key, T value) {
        writer_rank_ = std::max(writer_rank_, engine_.reader_rank());
        assert(writer_rank_ < reader_rank_ &&
               "an index is written by a rule declared after one of its readers");
        Bucket& bucket = bucket_of(key);
        uint32_t at = position(bucket, value);
        if (at == bucket.items.size() || value < bucket.items[at]->value) {
            bucket.items.insert(at, new Item{{this, 0}, &bucket, std::move(value)});
            if (bucket.items.size() == 1) keys_.added(bucket.key);
            engine_.mark_readers(bucket);
        }
        Item& item = *bucket.items[at];
        ++item.count;
        engine_.emitted(item);
    }

    // What was emitted for the key.
    Items operator[](const K& key) {
        note_reader();
        auto it = buckets_.find(key);
        if (it == buckets_.end()) {
            if (!engine_.computing()) return Items();
            Bucket& bucket = bucket_of(key);
            engine_.record_read(bucket);
            engine_.note_unread(bucket);
            return Items();
        }
        engine_.record_read(*it->second);
        return Items(it->second->items);
    }
    // The first of them, or null.
    const T* first(const K& key) {
        Items items = (*this)[key];
        return items.empty() ? nullptr : &items.front();
    }
    bool contains(const K& key) { return first(key) != nullptr; }
    // All keys that have items, in order.
    std::vector<K> keys() {
        note_reader();
        keys_.record_read();
        std::vector<K> keys;
        for (const auto& [key, bucket] : buckets_) {
            if (!bucket->items.empty()) keys.push_back(key);
        }
        std::sort(keys.begin(), keys.end());
        return keys;
    }

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
    Bucket& bucket_of(const K& key) {
        std::unique_ptr<Bucket>& bucket = buckets_[key];
        if (!bucket) {
            bucket = std::make_unique<Bucket>();
            bucket->key = key;
            engine_.add_cell(*bucket, *this);
        }
        return *bucket;
    }
    static uint32_t position(const Bucket& bucket, const T& value) {
        const auto& items = bucket.items;
        auto at = std::lower_bound(items.begin(), items.end(), value,
                                   [](const Item* item, const T& v) { return item->value < v; });
        return static_cast<uint32_t>(at - items.begin());
    }
    void release(Entry& entry) override {
        Item& item = static_cast<Item&>(entry);
        if (--item.count > 0) return;
        Bucket& bucket = *item.bucket;
        bucket.items.erase(position(bucket, item.value));
        delete &item;
        if (bucket.items.empty()) {
            keys_.removed(bucket.key);
            engine_.note_unread(bucket);
        }
        engine_.mark_readers(bucket);
    }
    void forget(Cell& cell) override {
        Bucket& bucket = static_cast<Bucket&>(cell);
        if (!bucket.items.empty()) return;
        engine_.remove_cell(bucket);
        buckets_.erase(K(bucket.key));
    }

    HashMap<K, std::unique_ptr<Bucket>> buckets_;
    KeySet<K> keys_;
    uint32_t writer_rank_ = 0, reader_rank_ = UINT32_MAX;
};

}  // namespace weft::incremental
