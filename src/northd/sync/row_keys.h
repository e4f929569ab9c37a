// The keys of a KeyedTable (keyed_table.h): which of them have rows, which are wanted, which are to be
// compared. What does not depend on the kind of row stands here, so that it is compiled once for each type of
// keys (row_keys.cc), not once for each table.

#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/hash_map.h"
#include "base/uuid.h"

namespace weft::northd {

struct MulticastKey {
    Uuid datapath;
    std::string name;
    auto operator<=>(const MulticastKey&) const = default;
    template <typename H>
    friend H AbslHashValue(H h, const MulticastKey& k) {
        return H::combine(std::move(h), k.datapath, k.name);
    }
};

struct BindingKey {  // of Static_MAC_Binding
    std::string port, ip;
    auto operator<=>(const BindingKey&) const = default;
    template <typename H>
    friend H AbslHashValue(H h, const BindingKey& k) {
        return H::combine(std::move(h), k.port, k.ip);
    }
};

template <typename Key>
class RowKeys {
  public:
    // The rows that there are.
    void add_row(const Uuid& row, const Key& key);
    void forget_row(const Uuid& row);                     // nothing if it has no key
    const std::vector<Uuid>* rows(const Key& key) const;  // in order; null: none

    // What is wanted has a place in the table's list.
    static constexpr uint32_t kNowhere = UINT32_MAX;
    uint32_t place(const Key& key) const;
    uint32_t make_place(const Key& key);  // the one it has, or a free one
    void free_place(const Key& key);
    std::vector<std::pair<Key, uint32_t>> places() const;  // in no order

    // Marked keys are compared by the next write().
    void mark(const Key& key);
    void mark_all();
    bool has_marked() const;
    std::vector<Key> take_marked();  // in order

    // Rows that the transaction under way inserts.
    void begin();
    void inserted(const Key& key, const Uuid& row);
    void not_inserted(const Key& key);
    // One that exists, or one that is inserted.
    std::optional<Uuid> row_of(const Key& key) const;

  private:
    HashMap<Key, std::vector<Uuid>> rows_;
    HashMap<Uuid, Key> key_of_row_;
    HashMap<Key, uint32_t> places_;
    std::vector<uint32_t> free_places_;
    uint32_t next_place_ = 0;
    HashSet<Key> marked_;
    HashMap<Key, Uuid> inserted_;
};

}  // namespace weft::northd
