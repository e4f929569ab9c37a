// A counted reference to an object that counts itself: one pointer, no separate block.  For objects of the
// switch's one thread; T has `mutable uint32_t references`.

#pragma once

#include <utility>

namespace weft::vswitch {

template <typename T>
class Ref {
  public:
    Ref() = default;
    Ref(T* object) : object_(object) {  // NOLINT: implicit by design
        if (object_) ++object_->references;
    }
    Ref(const Ref& other) : Ref(other.object_) {}
    Ref(Ref&& other) noexcept : object_(std::exchange(other.object_, nullptr)) {}
    Ref& operator=(Ref other) noexcept {
        std::swap(object_, other.object_);
        return *this;
    }
    ~Ref() {
        if (object_ && --object_->references == 0) delete object_;
    }
    T* get() const { return object_; }
    T* operator->() const { return object_; }
    T& operator*() const { return *object_; }
    explicit operator bool() const { return object_ != nullptr; }
    bool operator==(const Ref& other) const = default;

  private:
    T* object_ = nullptr;
};

}  // namespace weft::vswitch
