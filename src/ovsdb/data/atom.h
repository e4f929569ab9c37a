// Atoms: the scalar values of the database (RFC 7047, section 5.1, <atom>).
//
// AtomView does not own what it shows (a string, a UUID): it is how atoms are read out of a Datum and handed
// to functions.  Atom owns.  The order is that of sets and maps: integers and reals by value, false before
// true, strings by bytes, UUIDs by their text form.

#pragma once

#include <cassert>
#include <compare>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/uuid.h"

namespace weft::ovsdb {

enum class AtomType : uint8_t { kVoid, kInteger, kReal, kBoolean, kString, kUuid };

std::string_view to_string(AtomType type);              // "integer", "real", …
AtomType atom_type_from_string(std::string_view name);  // kVoid if there is no such type

class AtomView {
  public:
    AtomView() = default;                                                      // kVoid
    AtomView(int64_t v) : type_(AtomType::kInteger) { payload_.integer = v; }  // NOLINT: implicit by design
    AtomView(int v) : AtomView(int64_t{v}) {}                                  // NOLINT
    AtomView(double v) : type_(AtomType::kReal) { payload_.real = v; }         // NOLINT
    AtomView(bool v) : type_(AtomType::kBoolean) { payload_.integer = v; }     // NOLINT
    AtomView(std::string_view v)
        : type_(AtomType::kString), length_(static_cast<uint32_t>(v.size())) {  // NOLINT
        payload_.chars = v.data();
    }
    AtomView(const std::string& v) : AtomView(std::string_view(v)) {}         // NOLINT
    AtomView(const char* v) : AtomView(std::string_view(v)) {}                // NOLINT
    AtomView(const Uuid& v) : type_(AtomType::kUuid) { payload_.uuid = &v; }  // NOLINT: `v` must stay alive

    AtomType type() const { return type_; }
    int64_t integer() const { return assert(type_ == AtomType::kInteger), payload_.integer; }
    double real() const { return assert(type_ == AtomType::kReal), payload_.real; }
    bool boolean() const { return assert(type_ == AtomType::kBoolean), payload_.integer != 0; }
    std::string_view string() const {
        return assert(type_ == AtomType::kString), std::string_view(payload_.chars, length_);
    }
    const Uuid& uuid() const { return assert(type_ == AtomType::kUuid), *payload_.uuid; }

    // Of the same type only.
    int compare(const AtomView& other) const;  // <0, 0, >0
    bool operator==(const AtomView& other) const { return type_ == other.type_ && compare(other) == 0; }
    bool operator<(const AtomView& other) const { return compare(other) < 0; }
    size_t hash() const;

    // The value that a missing atom of `type` has: 0, 0.0, false, "", the zero UUID.
    static AtomView default_of(AtomType type);

  private:
    AtomType type_ = AtomType::kVoid;
    uint32_t length_ = 0;
    union {
        int64_t integer;
        double real;
        const char* chars;
        const Uuid* uuid;
    } payload_ = {};
};

class Atom {
  public:
    Atom() = default;
    explicit Atom(AtomView view);
    Atom(int64_t v) : Atom(AtomView(v)) {}                                    // NOLINT: implicit by design
    Atom(double v) : Atom(AtomView(v)) {}                                     // NOLINT
    Atom(bool v) : Atom(AtomView(v)) {}                                       // NOLINT
    Atom(Uuid v) : type_(AtomType::kUuid), uuid_(v) {}                        // NOLINT
    Atom(std::string v) : type_(AtomType::kString), string_(std::move(v)) {}  // NOLINT

    AtomType type() const { return type_; }
    AtomView view() const;
    operator AtomView() const { return view(); }  // NOLINT
    bool operator==(const Atom& other) const { return view() == other.view(); }
    bool operator<(const Atom& other) const { return view() < other.view(); }

  private:
    AtomType type_ = AtomType::kVoid;
    union Scalar {
        int64_t integer;
        double real;
    } scalar_ = {};
    Uuid uuid_;
    std::string string_;
};

}  // namespace weft::ovsdb
