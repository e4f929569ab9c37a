// A vector of 16 bytes for trivial elements: the engine keeps several per remembered call.

#pragma once

#include <cassert>
#include <cstdint>
#include <cstdlib>
#include <type_traits>
#include <utility>

namespace weft::incremental {

template <typename T>
class CompactVector {
    static_assert(std::is_trivially_copyable_v<T>);

  public:
    CompactVector() = default;
    CompactVector(const CompactVector&) = delete;
    CompactVector& operator=(const CompactVector&) = delete;
    ~CompactVector() { std::free(data_); }

    uint32_t size() const { return size_; }
    bool empty() const { return size_ == 0; }
    T& operator[](uint32_t i) {
        assert(i < size_);
        return data_[i];
    }
    const T& operator[](uint32_t i) const {
        assert(i < size_);
        return data_[i];
    }
    T& back() { return data_[size_ - 1]; }
    T* begin() { return data_; }
    T* end() { return data_ + size_; }
    const T* begin() const { return data_; }
    const T* end() const { return data_ + size_; }

    void push_back(const T& value) {
        if (size_ == capacity_) reserve(capacity_ < 2 ? 2 : capacity_ + capacity_ / 2);
        data_[size_++] = value;
    }
    void insert(uint32_t at, const T& value) {
        push_back(value);
        for (uint32_t i = size_ - 1; i > at; --i) std::swap(data_[i], data_[i - 1]);
    }
    void erase(uint32_t at) {
        for (uint32_t i = at; i + 1 < size_; ++i) data_[i] = data_[i + 1];
        pop_back();
    }
    void pop_back() {
        assert(size_ > 0);
        if (--size_ == 0) reserve(0);
    }
    void assign(const T* first, uint32_t count) {
        if (count != capacity_) {
            size_ = 0;
            reserve(count);
        }
        for (uint32_t i = 0; i < count; ++i) data_[i] = first[i];
        size_ = count;
    }
    void clear() {
        size_ = 0;
        reserve(0);
    }

  private:
    void reserve(uint32_t capacity) {
        if (capacity == 0) {
            std::free(data_);
            data_ = nullptr;
        } else {
            T* data = static_cast<T*>(std::realloc(static_cast<void*>(data_), capacity * sizeof(T)));
            if (!data) std::abort();  // out of memory
            data_ = data;
        }
        capacity_ = capacity;
    }

    T* data_ = nullptr;
    uint32_t size_ = 0, capacity_ = 0;
};

}  // namespace weft::incremental
