// Set and Map: the two collections of OVSDB columns (RFC 7047, 3.2), as typed rows hold them.
//
// Both are sorted vectors: small, quick to compare and to walk, and always in the order in which OVSDB
// prints. insert() and erase() keep the order; assign from a vector sorts and drops duplicates (of a map:
// keeps the first of equal keys). Iterators and pointers into them are invalid after a change.

#pragma once

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace weft::ovsdb {

template <typename T>
class Set {
  public:
    using value_type = T;

    Set() = default;
    Set(std::initializer_list<T> items) : Set(std::vector<T>(items)) {}
    Set(std::vector<T> items) : items_(std::move(items)) {  // NOLINT: implicit by design
        std::sort(items_.begin(), items_.end());
        items_.erase(std::unique(items_.begin(), items_.end()), items_.end());
    }

    size_t size() const { return items_.size(); }
    bool empty() const { return items_.empty(); }
    auto begin() const { return items_.begin(); }
    auto end() const { return items_.end(); }
    const T& operator[](size_t i) const { return items_[i]; }
    const T& front() const { return items_.front(); }

    template <typename K>
    bool contains(const K& key) const {
        auto it = std::lower_bound(items_.begin(), items_.end(), key);
        return it != items_.end() && !(key < *it);
    }
    bool insert(T item) {  // false if it was there
        auto it = std::lower_bound(items_.begin(), items_.end(), item);
        if (it != items_.end() && !(item < *it)) return false;
        items_.insert(it, std::move(item));
        return true;
    }
    template <typename K>
    bool erase(const K& key) {  // false if it was not there
        auto it = std::lower_bound(items_.begin(), items_.end(), key);
        if (it == items_.end() || key < *it) return false;
        items_.erase(it);
        return true;
    }
    void clear() { items_.clear(); }
    bool operator==(const Set&) const = default;
    auto operator<=>(const Set&) const = default;

  private:
    std::vector<T> items_;
};

template <typename K, typename V>
class Map {
  public:
    using key_type = K;
    using mapped_type = V;
    using value_type = std::pair<K, V>;

    Map() = default;
    Map(std::initializer_list<value_type> items) : Map(std::vector<value_type>(items)) {}
    Map(std::vector<value_type> items) : items_(std::move(items)) {  // NOLINT: implicit by design
        std::stable_sort(items_.begin(), items_.end(), [](auto& a, auto& b) { return a.first < b.first; });
        auto same = [](auto& a, auto& b) { return a.first == b.first; };
        items_.erase(std::unique(items_.begin(), items_.end(), same), items_.end());
    }

    size_t size() const { return items_.size(); }
    bool empty() const { return items_.empty(); }
    auto begin() const { return items_.begin(); }
    auto end() const { return items_.end(); }

    template <typename Q>
    const V* find(const Q& key) const {  // nullptr if there is none
        auto it = lower_bound(key);
        return it != items_.end() && !(key < it->first) ? &it->second : nullptr;
    }
    template <typename Q>
    bool contains(const Q& key) const {
        return find(key) != nullptr;
    }
    void set(K key, V value) {
        auto it = items_.begin() + (lower_bound(key) - items_.begin());
        if (it != items_.end() && it->first == key) {
            it->second = std::move(value);
        } else {
            items_.emplace(it, std::move(key), std::move(value));
        }
    }
    template <typename Q>
    bool erase(const Q& key) {
        auto it = lower_bound(key);
        if (it == items_.end() || key < it->first) return false;
        items_.erase(it);
        return true;
    }
    void clear() { items_.clear(); }
    bool operator==(const Map&) const = default;

  private:
    template <typename Q>
    auto lower_bound(const Q& key) const {
        return std::lower_bound(items_.begin(), items_.end(), key,
                                [](const value_type& item, const Q& k) { return item.first < k; });
    }

    std::vector<value_type> items_;
};

using StringMap = Map<std::string, std::string>;

// The ways in which `options` and `external_ids` are read.  A view lives as long as the map is not changed.
inline std::string_view get_string(const StringMap& map, std::string_view key,
                                   std::string_view fallback = {}) {
    const std::string* value = map.find(key);
    return value ? std::string_view(*value) : fallback;
}

// "true" and "false"; anything else is the fallback.
inline bool get_bool(const StringMap& map, std::string_view key, bool fallback = false) {
    std::string_view value = get_string(map, key);
    return value == "true" ? true : value == "false" ? false : fallback;
}

// A decimal integer (or 0x… and 0…, as strtoll reads); the fallback if it is none.
inline int64_t get_int(const StringMap& map, std::string_view key, int64_t fallback = 0) {
    const std::string* value = map.find(key);
    if (!value || value->empty()) return fallback;
    char* end = nullptr;
    long long number = std::strtoll(value->c_str(), &end, 0);
    return *end ? fallback : number;
}

}  // namespace weft::ovsdb
