// A datum: the value of one column of one row, a set or a map of atoms (RFC 7047, section 5.1, <value>).
//
// Immutable and cheap to copy: 24 bytes; one number, UUID or short string lives inside, everything else in
// one counted block that copies share (the count is atomic, so copies may live in several threads).  The
// elements are sorted by key and have no duplicates.  Build with the static functions or DatumBuilder; JSON
// in datum_json.h, the text of the command-line tools in datum_text.h, set algebra in set_ops.h.
//
// A datum knows the types of its atoms but not its column's constraints: those are ColumnType's.

#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "ovsdb/data/atom.h"

namespace weft::ovsdb {

class Datum {
  public:
    Datum() { set_empty(AtomType::kVoid, AtomType::kVoid); }
    Datum(const Datum& other) { share(other); }
    Datum(Datum&& other) noexcept { steal(other); }
    Datum& operator=(const Datum& other);
    Datum& operator=(Datum&& other) noexcept;
    ~Datum() { drop(); }

    static Datum empty_set(AtomType type) { return empty(type, AtomType::kVoid); }
    static Datum empty(AtomType key, AtomType value);  // value kVoid: a set
    static Datum of(AtomView atom);                    // the set of one atom
    static Datum of_uuids(std::vector<Uuid> uuids);    // duplicates are removed
    static Datum of_sorted_uuids(std::span<const Uuid> uuids);

    AtomType key_type() const { return key_type_; }
    AtomType value_type() const { return value_type_; }
    bool is_map() const { return value_type_ != AtomType::kVoid; }
    uint32_t size() const { return size_; }
    bool empty() const { return size_ == 0; }

    // Valid as long as this datum lives and is not assigned.
    AtomView key(uint32_t i) const { return atom(key_type_, i); }
    AtomView value(uint32_t i) const { return atom(value_type_, i, true); }

    // The only (or first) element; the default of the type if empty.
    int64_t integer() const { return size_ ? key(0).integer() : 0; }
    double real() const { return size_ ? key(0).real() : 0; }
    bool boolean() const { return size_ && key(0).boolean(); }
    std::string_view string() const { return size_ ? key(0).string() : std::string_view(); }
    Uuid uuid() const { return size_ ? key(0).uuid() : Uuid{}; }
    std::span<const Uuid> uuids() const;        // the keys, if UUIDs
    std::span<const int64_t> integers() const;  // the keys, if integers

    static constexpr uint32_t kNone = UINT32_MAX;
    uint32_t find(const AtomView& key) const;  // index, or kNone
    bool contains(const AtomView& key) const { return find(key) != kNone; }
    // The value of a string-to-string map's key.
    std::optional<std::string_view> get(std::string_view key) const;

    // Order of ovs-vsctl(8) `find`: by size, then keys, then values.
    int compare(const Datum& other) const;
    bool operator==(const Datum& other) const;
    size_t hash() const;
    // The value that RFC 7047 5.2.1 gives a column with minimum `min` elements: empty if `min` is 0, else one
    // element of default atoms.
    bool is_default(uint32_t min) const;
    static Datum default_of(AtomType key, AtomType value, uint32_t min);

    void prefetch() const {  // begins to fetch the elements into the processor's cache
        if (inline_ == kHeap) __builtin_prefetch(payload_.block);
    }
    size_t heap_bytes() const;  // that the block takes, for memory/show

  private:
    friend class DatumBuilder;
    struct Block;
    static constexpr uint8_t kHeap = 0xff;  // inline_: the block holds the elements
    static constexpr size_t kInlineString = 16;

    static Datum from_sorted(AtomType key, AtomType value, const AtomView* atoms, uint32_t size);
    AtomView atom(AtomType type, uint32_t i, bool value = false) const;
    void set_empty(AtomType key, AtomType value);
    void share(const Datum& other);
    void steal(Datum& other);
    void drop();
    static Block* allocate(size_t bytes);

    uint32_t size_;
    AtomType key_type_;
    AtomType value_type_;
    uint8_t inline_;  // kHeap, or the length of the inline string, or 0
    union {
        int64_t integer;
        double real;
        char uuid[16];
        char chars[kInlineString];
        Block* block;
    } payload_;
};

// Collects elements in any order.  The strings and UUIDs that views show must live until finish().
class DatumBuilder {
  public:
    explicit DatumBuilder(AtomType key, AtomType value = AtomType::kVoid) : key_(key), value_(value) {}

    void reserve(size_t size) { atoms_.reserve(size * (is_map() ? 2 : 1)); }
    void add(AtomView key) { atoms_.push_back(key); }
    void add(AtomView key, AtomView value) {
        atoms_.push_back(key);
        atoms_.push_back(value);
    }
    // Elements that were the same as another (same key) are left out, the first one stays; `duplicates` (may
    // be nullptr) tells how many.
    Datum finish(uint32_t* duplicates = nullptr);
    // The caller added them in order and without duplicates.
    Datum finish_sorted();

  private:
    bool is_map() const { return value_ != AtomType::kVoid; }
    AtomType key_, value_;
    std::vector<AtomView> atoms_;
};

}  // namespace weft::ovsdb
