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

namespace weft::json {

class Value;
using Array = std::vector<Value>;
using Member = std::pair<std::string, Value>;
class Object;

class Object {
  public:
    Object() = default;
    Object(std::initializer_list<Member> members);
    explicit Object(std::vector<Member> members) : members_(std::move(members)) {}

    const Value* find(std::string_view name) const;  // nullptr if there is none
    Value* find(std::string_view name);
    // Appends without looking for a member of that name.
    Value& add(std::string name, Value value);
    // Replaces a member of that name, or appends.
    Value& set(std::string_view name, Value value);
    bool erase(std::string_view name);

    size_t size() const { return members_.size(); }
    bool empty() const { return members_.empty(); }
    void reserve(size_t size) { members_.reserve(size); }
    auto begin() const { return members_.begin(); }
    auto end() const { return members_.end(); }
    auto begin() { return members_.begin(); }
    auto end() { return members_.end(); }
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

    bool is_null() const { return data_.index() == 0; }
    bool is_bool() const { return std::holds_alternative<bool>(data_); }
    bool is_integer() const { return std::holds_alternative<int64_t>(data_); }
    bool is_real() const { return std::holds_alternative<double>(data_); }
    bool is_number() const { return is_integer() || is_real(); }
    bool is_string() const { return std::holds_alternative<std::string>(data_); }
    bool is_array() const { return std::holds_alternative<Array>(data_); }
    bool is_object() const { return std::holds_alternative<Object>(data_); }

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

    bool operator==(const Value& other) const { return data_ == other.data_; }

  private:
    std::variant<std::monostate, bool, int64_t, double, std::string, Array, Object> data_;
};

}  // namespace weft::json
