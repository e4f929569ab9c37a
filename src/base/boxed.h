// A value that is kept elsewhere: as wide as a pointer where it is held, otherwise like the value itself,
// copies included.  For the wide alternatives of a variant that is mostly narrow.
//
// Never empty but after it was moved from; then it may only be assigned to or destroyed.

#pragma once

#include <memory>
#include <utility>

namespace weft {

template <typename T>
class Boxed {
  public:
    Boxed() : value_(std::make_unique<T>()) {}
    Boxed(T value) : value_(std::make_unique<T>(std::move(value))) {}  // NOLINT: implicit by design
    Boxed(const Boxed& other) : value_(std::make_unique<T>(*other.value_)) {}
    Boxed(Boxed&&) noexcept = default;
    Boxed& operator=(const Boxed& other) { return *this = Boxed(other); }
    Boxed& operator=(Boxed&&) noexcept = default;

    T& operator*() { return *value_; }
    const T& operator*() const { return *value_; }
    T* operator->() { return value_.get(); }
    const T* operator->() const { return value_.get(); }
    bool operator==(const Boxed& other) const { return *value_ == *other.value_; }

  private:
    std::unique_ptr<T> value_;
};

}  // namespace weft
