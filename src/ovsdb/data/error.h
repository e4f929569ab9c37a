// Errors of the database protocol (RFC 7047, section 3.1, <error>): a tag that programs read, details for
// people, and the JSON that could not be parsed.
//
// A DbError is an Error whose message is the one-line form that tools print, so code that does not care for
// the tag passes it on as a plain Result.

#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <variant>

#include "base/result.h"
#include "json/value.h"

namespace weft::ovsdb {

struct DbError : Error {
    std::string tag;      // "constraint violation", "unknown column", …
    std::string details;  // may be ""
    std::string syntax;   // compact JSON of what was refused, or ""

    DbError(std::string tag, std::string details, std::string syntax = "");

    json::Value to_json() const;  // {"error": tag, "details": …, "syntax": …}
};

// "syntax error" about `value`, as the parser of requests, schemas and data reports it.
DbError syntax_error(const json::Value& value, std::string details);

// As Result<T>, with a DbError.
template <typename T>
class [[nodiscard]] DbResult {
  public:
    DbResult(T value) : state_(std::in_place_index<0>, std::move(value)) {}  // NOLINT: implicit by design
    DbResult(DbError error) : state_(std::in_place_index<1>, std::move(error)) {}  // NOLINT

    bool ok() const { return state_.index() == 0; }
    explicit operator bool() const { return ok(); }
    T& operator*() & { return *std::get_if<0>(&state_); }
    const T& operator*() const& { return *std::get_if<0>(&state_); }
    T&& operator*() && { return std::move(*std::get_if<0>(&state_)); }
    T* operator->() { return std::get_if<0>(&state_); }
    const T* operator->() const { return std::get_if<0>(&state_); }
    const DbError& error() const { return *std::get_if<1>(&state_); }

  private:
    std::variant<T, DbError> state_;
};

template <>
class [[nodiscard]] DbResult<void> {
  public:
    DbResult() = default;
    DbResult(DbError error) : error_(std::move(error)) {}  // NOLINT: implicit by design

    bool ok() const { return !error_; }
    explicit operator bool() const { return ok(); }
    const DbError& error() const { return *error_; }

  private:
    std::optional<DbError> error_;
};

}  // namespace weft::ovsdb
