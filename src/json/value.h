// A JSON value (RFC 8259), as OVSDB uses it: integers that fit in 64 bits stay integers, other numbers are
// reals.
//
// Objects keep the order in which members were added and are searched linearly; code that reads an object of
// many members (a table of rows) iterates over it.

#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "base/variant.h"

namespace weft::json {

class Value;
using Array = std::vector<Value>;
using Member = std::pair<std::string, Value>;
class Object;

class Object {
  public:
    Object();
    Object(std::initializer_list<Member> members);
    explicit Object(std::vector<Member> members);
    Object(const Object& other);
    Object(Object&& other) noexcept;
    Object& operator=(const Object& other);
    Object& operator=(Object&& other) noexcept;
    ~Object();

    const Value* find(std::string_view name) const;  // nullptr if there is none
    Value* find(std::string_view name);
    // Appends without looking for a member of that name.
    Value& add(std::string name, Value value);
    // Replaces a member of that name, or appends.
    Value& set(std::string_view name, Value value);
    bool erase(std::string_view name);

    size_t size() const;
    bool empty() const;
    void reserve(size_t size);
    std::vector<Member>::const_iterator begin() const;
    std::vector<Member>::const_iterator end() const;
    std::vector<Member>::iterator begin();
    std::vector<Member>::iterator end();
    bool operator==(const Object& other) const;  // the order of members does not count

  private:
    std::vector<Member> members_;
};

class Value {
  public:
    Value() = default;        // null
    Value(std::nullptr_t) {}  // NOLINT: all implicit by design
    Value(bool v) : data_(v) {}
    Value(int v) : data_(int64_t{v}) {}
    Value(unsigned v) : data_(int64_t{v}) {}
    Value(int64_t v) : data_(v) {}
    Value(uint64_t v) : data_(static_cast<int64_t>(v)) {}
    Value(double v) : data_(v) {}
    Value(const char* v) : data_(std::string(v)) {}
    Value(std::string_view v) : data_(std::string(v)) {}
    Value(std::string v) : data_(std::move(v)) {}
    Value(Array v) : data_(std::move(v)) {}
    Value(Object v) : data_(std::move(v)) {}
    // Compiled once, in value.cc, not by everybody who has a value.
    Value(const Value& other);
    Value(Value&& other) noexcept;
    Value& operator=(const Value& other);
    Value& operator=(Value&& other) noexcept;
    ~Value();

    bool is_null() const { return data_.index() == 0; }
    bool is_bool() const { return holds<bool>(data_); }
    bool is_integer() const { return holds<int64_t>(data_); }
    bool is_real() const { return holds<double>(data_); }
    bool is_number() const { return is_integer() || is_real(); }
    bool is_string() const { return holds<std::string>(data_); }
    bool is_array() const { return holds<Array>(data_); }
    bool is_object() const { return holds<Object>(data_); }

    // nullptr if the value is of another type: the way to read what a peer sent.
    const bool* as_bool() const { return std::get_if<bool>(&data_); }
    const int64_t* as_integer() const { return std::get_if<int64_t>(&data_); }
    const double* as_real() const { return std::get_if<double>(&data_); }
    const std::string* as_string() const { return std::get_if<std::string>(&data_); }
    const Array* as_array() const { return std::get_if<Array>(&data_); }
    const Object* as_object() const { return std::get_if<Object>(&data_); }
    std::string* as_string() { return std::get_if<std::string>(&data_); }
    Array* as_array() { return std::get_if<Array>(&data_); }
    Object* as_object() { return std::get_if<Object>(&data_); }

    bool operator==(const Value& other) const;

  private:
    std::variant<std::monostate, bool, int64_t, double, std::string, Array, Object> data_;
};

// An array of one element.  Not Array{element}: if the element is itself an array, some compilers take that
// for its copy (CWG issue 2137).
Array array_of(Value element);

// What needs the members' type to be complete.
inline size_t Object::size() const {
    return members_.size();
}
inline bool Object::empty() const {
    return members_.empty();
}
inline void Object::reserve(size_t size) {
    members_.reserve(size);
}
inline std::vector<Member>::const_iterator Object::begin() const {
    return members_.begin();
}
inline std::vector<Member>::const_iterator Object::end() const {
    return members_.end();
}
inline std::vector<Member>::iterator Object::begin() {
    return members_.begin();
}
inline std::vector<Member>::iterator Object::end() {
    return members_.end();
}

}  // namespace weft::json
