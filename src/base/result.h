// Result<T>: what a function returns that the outside world can make fail.
//
// A bug is asserted; what a client, peer, packet, file or command line can cause is an Error, whose message
// tells a person what was given, where, and what would be right.  Nothing in Weft throws.
//
//     Result<int> parse_port(std::string_view text);
//
//     WEFT_ASSIGN(int port, parse_port(text));    // returns the error from the enclosing function
//     WEFT_TRY(socket.bind(port));

#pragma once

#include <cassert>
#include <optional>
#include <string>
#include <utility>
#include <variant>

namespace weft {

struct Error {
    std::string message;
};

template <typename T>
class [[nodiscard]] Result {
  public:
    Result(T value) : state_(std::in_place_index<0>, std::move(value)) {}      // NOLINT: implicit by design
    Result(Error error) : state_(std::in_place_index<1>, std::move(error)) {}  // NOLINT

    bool ok() const { return state_.index() == 0; }
    explicit operator bool() const { return ok(); }

    T& operator*() & { return value(); }
    const T& operator*() const& { return value(); }
    T&& operator*() && { return std::move(value()); }
    T* operator->() { return &value(); }
    const T* operator->() const { return &value(); }

    T& value() {
        assert(ok());
        return *std::get_if<0>(&state_);
    }
    const T& value() const {
        assert(ok());
        return *std::get_if<0>(&state_);
    }
    const Error& error() const {
        assert(!ok());
        return *std::get_if<1>(&state_);
    }
    // The error's message, or "" if there is none.
    std::string message() const { return ok() ? std::string() : error().message; }

  private:
    std::variant<T, Error> state_;
};

template <>
class [[nodiscard]] Result<void> {
  public:
    Result() = default;
    Result(Error error) : error_(std::move(error)) {}  // NOLINT: implicit by design

    bool ok() const { return !error_; }
    explicit operator bool() const { return ok(); }
    const Error& error() const {
        assert(error_);
        return *error_;
    }
    std::string message() const { return error_ ? error_->message : std::string(); }

  private:
    std::optional<Error> error_;
};

}  // namespace weft

#define WEFT_CONCAT_INNER(a, b) a##b
#define WEFT_CONCAT(a, b) WEFT_CONCAT_INNER(a, b)

#define WEFT_TRY(expression)                                                           \
    do {                                                                               \
        if (auto weft_result = (expression); !weft_result) return weft_result.error(); \
    } while (0)

#define WEFT_ASSIGN(declaration, expression)                                                      \
    auto WEFT_CONCAT(weft_result_, __LINE__) = (expression);                                      \
    if (!WEFT_CONCAT(weft_result_, __LINE__)) return WEFT_CONCAT(weft_result_, __LINE__).error(); \
    declaration = *std::move(WEFT_CONCAT(weft_result_, __LINE__))
