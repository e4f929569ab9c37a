// Sets of datapaths, by the uuids of their Logical_Switch or Logical_Router.

#pragma once

#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include "base/uuid.h"

namespace weft::northd {

// A set of datapaths: sorted, distinct, never changed.  Equal sets are one object, shared by who has them.
class Datapaths {
  public:
    Datapaths() = default;
    Datapaths(const Uuid& one);  // NOLINT: implicit by design
    explicit Datapaths(std::vector<Uuid> many);
    Datapaths(const Datapaths& other) : set_(other.set_) {
        if (set_) ++set_->users;
    }
    Datapaths(Datapaths&& other) noexcept : set_(std::exchange(other.set_, nullptr)) {}
    Datapaths& operator=(Datapaths other) noexcept {
        std::swap(set_, other.set_);
        return *this;
    }
    ~Datapaths() {
        if (set_ && --set_->users == 0) free_set(set_);
    }

    bool empty() const { return !set_; }
    size_t size() const { return set_ ? set_->uuids.size() : 0; }
    operator std::span<const Uuid>() const { return {begin(), size()}; }  // NOLINT: implicit by design
    const Uuid* begin() const { return set_ ? set_->uuids.data() : nullptr; }
    const Uuid* end() const { return begin() + size(); }
    bool operator==(const Datapaths&) const = default;
    template <typename H>
    friend H AbslHashValue(H h, const Datapaths& d) {
        return H::combine(std::move(h), d.set_);
    }

  private:
    friend struct DatapathSets;
    struct Set {
        std::vector<Uuid> uuids;
        uint32_t users;
    };
    static Set* find_or_make(std::vector<Uuid> uuids);
    static void free_set(Set* set);

    Set* set_ = nullptr;  // null: none
};

}  // namespace weft::northd
