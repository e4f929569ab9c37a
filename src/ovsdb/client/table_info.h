// How generated row structs are described to the replica: one TableInfo per table, one ColumnInfo per column.
//
// The replica keeps rows as the generated structs themselves (`schema::nb::LogicalSwitch`), nothing beside
// them; what is generic (JSON in, JSON out, differences, the Datums of the database tools) goes through the
// column's Codec, of which there is one per C++ type of a column.  Every struct begins with `Uuid uuid`.
//
// Generated code makes all of these; nothing here is written by hand.

#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>

#include "base/result.h"
#include "base/uuid.h"
#include "ovsdb/client/containers.h"

namespace weft::json {
class Value;
class View;
}  // namespace weft::json

namespace weft::ovsdb {
class Datum;            // ovsdb/data/datum.h
struct DatabaseSchema;  // ovsdb/data/schema.h
}  // namespace weft::ovsdb

namespace weft::ovsdb::client {

// The columns of one table, as bits by their index: for "what changed" and "what is monitored".
class ColumnSet {
  public:
    static constexpr size_t kMaxColumns = 64;

    constexpr ColumnSet() = default;
    static constexpr ColumnSet all() { return ColumnSet(~uint64_t{0}); }

    constexpr void add(size_t index) { bits_ |= uint64_t{1} << index; }
    constexpr void remove(size_t index) { bits_ &= ~(uint64_t{1} << index); }
    constexpr bool has(size_t index) const { return bits_ >> index & 1; }
    // has(nb::LogicalSwitch::kName)
    template <typename C>
        requires(!std::is_integral_v<C>)
    constexpr bool has(const C& column) const {
        return has(size_t{column.index});
    }
    constexpr bool empty() const { return !bits_; }
    constexpr ColumnSet operator|(ColumnSet other) const { return ColumnSet(bits_ | other.bits_); }
    constexpr ColumnSet operator&(ColumnSet other) const { return ColumnSet(bits_ & other.bits_); }
    constexpr ColumnSet operator~() const { return ColumnSet(~bits_); }
    bool operator==(const ColumnSet&) const = default;

  private:
    explicit constexpr ColumnSet(uint64_t bits) : bits_(bits) {}
    uint64_t bits_ = 0;
};

// Names of rows that a transaction inserts: gives the "uuid-name" for a provisional uuid, or "" for a row
// that exists.
class RowNames {
  public:
    virtual ~RowNames() = default;
    virtual std::string name_of(const Uuid& uuid) const = 0;
};

// What can be done with a field without knowing its type.  Pointers are to the field of the codec's own C++
// type.
struct Codec {
    // A whole value (RFC 7047, 5.1 <value>).  The field is unchanged on error.
    Result<void> (*from_json)(const json::View& value, void* field);
    // A difference of "update2"/"update3" (ovsdb-server(7), 4.1.14): a set or map toggles, a scalar is
    // replaced.
    Result<void> (*apply_diff)(const json::View& diff, void* field);
    json::Value (*to_json)(const void* field, const RowNames* names);
    void (*append_text)(std::string& out, const void* field, const RowNames* names);  // to_json()'s, as text
    Result<void> (*from_datum)(const Datum& datum, void* field);
    Datum (*to_datum)(const void* field);
    bool (*equal)(const void* a, const void* b);
    void (*copy)(const void* from, void* to);
    // Of sets, maps and optional values: the union (of a map: the new values win) and the difference (of a
    // map: pairs that are equal).  Never called for scalars.
    void (*add)(void* field, const void* elements);
    void (*subtract)(void* field, const void* elements);
    size_t (*hash)(const void* field);
    bool is_composite;  // a set or map of more than one element: differences toggle, see apply_diff
};

// Defined (in codec.cc) for every T that a column can have: V, std::optional<V>, Set<V>, Map<K, V> with K, V
// of int64_t, double, bool, std::string, Uuid.
template <typename T>
struct CodecOf {
    static const Codec kValue;
};

using IntegerToInteger = Map<int64_t, int64_t>;
using IntegerToUuid = Map<int64_t, Uuid>;
using StringToInteger = Map<std::string, int64_t>;
using StringToUuid = Map<std::string, Uuid>;

#define WEFT_FOR_EACH_COLUMN_TYPE(ACTION) \
    ACTION(int64_t)                       \
    ACTION(double)                        \
    ACTION(bool)                          \
    ACTION(std::string)                   \
    ACTION(Uuid)                          \
    ACTION(std::optional<int64_t>)        \
    ACTION(std::optional<double>)         \
    ACTION(std::optional<bool>)           \
    ACTION(std::optional<std::string>)    \
    ACTION(std::optional<Uuid>)           \
    ACTION(Set<int64_t>)                  \
    ACTION(Set<double>)                   \
    ACTION(Set<std::string>)              \
    ACTION(Set<Uuid>)                     \
    ACTION(StringMap)                     \
    ACTION(IntegerToInteger)              \
    ACTION(IntegerToUuid)                 \
    ACTION(StringToInteger)               \
    ACTION(StringToUuid)

#define WEFT_DECLARE_CODEC(T) extern template struct CodecOf<T>;
WEFT_FOR_EACH_COLUMN_TYPE(WEFT_DECLARE_CODEC)
#undef WEFT_DECLARE_CODEC

template <typename T>
inline constexpr const Codec& kCodec = CodecOf<T>::kValue;

struct ColumnInfo {
    const char* name;
    uint32_t offset;  // of the field in the row struct
    uint16_t index;   // in TableInfo::columns
    const Codec* codec;
};

struct TableInfo {
    const char* name;
    uint16_t index;  // in DatabaseInfo::tables
    bool is_root;
    std::span<const ColumnInfo> columns;
    void* (*create)();  // a row with default values
    void* (*clone)(const void* row);
    void (*destroy)(void* row);

    const ColumnInfo* find_column(std::string_view column) const;  // nullptr if there is none
};

struct DatabaseInfo {
    const char* name;     // "OVN_Northbound"
    const char* version;  // "7.19.0"
    std::span<const TableInfo* const> tables;
    const char* schema_text;  // the whole .ovsschema

    const TableInfo* find_table(std::string_view table) const;
    const DatabaseSchema& schema() const;  // parsed once, at first use
};

inline void* field_of(void* row, const ColumnInfo& column) {
    return static_cast<char*>(row) + column.offset;
}
inline const void* field_of(const void* row, const ColumnInfo& column) {
    return static_cast<const char*>(row) + column.offset;
}
inline Uuid& uuid_of(void* row) {
    return *static_cast<Uuid*>(row);
}
inline const Uuid& uuid_of(const void* row) {
    return *static_cast<const Uuid*>(row);
}

// A column of a row struct, as typed code names it: nb::LogicalSwitch::kName.
template <typename R, typename T>
struct Column {
    using Row = R;
    using Type = T;
    uint16_t index;
    const char* name;
    T R::*member;
};

}  // namespace weft::ovsdb::client
