// Types of columns with their constraints (RFC 7047, section 3.2, <base-type>, <type>).

#pragma once

#include <cstdint>
#include <limits>
#include <memory>
#include <string>

#include "ovsdb/data/atom.h"
#include "ovsdb/data/datum.h"
#include "ovsdb/data/error.h"

namespace weft::ovsdb {

enum class RefType : uint8_t { kStrong, kWeak };

struct BaseType {
    AtomType type = AtomType::kVoid;
    RefType ref_type = RefType::kStrong;
    int ref_table_index = -1;  // into DatabaseSchema::tables, once the schema is linked
    int64_t min_integer = std::numeric_limits<int64_t>::min(),
            max_integer = std::numeric_limits<int64_t>::max();
    double min_real = std::numeric_limits<double>::lowest(), max_real = std::numeric_limits<double>::max();
    uint32_t min_length = 0, max_length = UINT32_MAX;  // of strings, in characters (code points)
    std::shared_ptr<const Datum> enumeration;          // the values allowed, or nullptr
    std::string ref_table;                             // of UUIDs, or ""

    bool is_strong_ref() const { return !ref_table.empty() && ref_type == RefType::kStrong; }
    bool is_weak_ref() const { return !ref_table.empty() && ref_type == RefType::kWeak; }
    bool has_constraints() const;
    DbResult<void> check(const AtomView& atom) const;  // "constraint violation" with the reason
    bool operator==(const BaseType& other) const;

    static DbResult<BaseType> from_json(const json::Value& json);
    json::Value to_json() const;
};

struct ColumnType {
    static constexpr uint32_t kUnlimited = UINT32_MAX;

    BaseType key;
    BaseType value;  // kVoid: not a map
    uint32_t min = 1, max = 1;

    bool is_map() const { return value.type != AtomType::kVoid; }
    bool is_scalar() const { return min == 1 && max == 1 && !is_map(); }
    bool is_optional() const { return min == 0 && max == 1; }
    bool is_optional_scalar() const { return is_optional() && !is_map(); }
    bool is_set() const { return !is_map() && max != 1; }
    Datum default_value() const { return Datum::default_of(key.type, value.type, min); }
    bool is_default(const Datum& datum) const { return datum.is_default(min); }
    bool operator==(const ColumnType& other) const = default;

    // The number of elements and each atom's constraints.
    DbResult<void> check(const Datum& datum) const;

    static DbResult<ColumnType> from_json(const json::Value& json);
    json::Value to_json() const;
    std::string to_english() const;  // for messages: "set of up to 4 integers", …
};

}  // namespace weft::ovsdb
