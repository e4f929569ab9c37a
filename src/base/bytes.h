// Bytes from the wire and to it.
//
// Everything on the wire is big-endian.  ByteReader is the only way to read what a peer or tenant sent: every
// read is checked, and once one failed all later ones fail too and give zeros, so that a parser may read a
// whole header and check ok() once.  ByteWriter appends to a growing buffer and can patch what it wrote
// (lengths, checksums).

#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>
#include <vector>

namespace weft {

using Bytes = std::vector<uint8_t>;
using ByteView = std::span<const uint8_t>;

inline ByteView as_bytes(std::string_view text) {
    return {reinterpret_cast<const uint8_t*>(text.data()), text.size()};
}

inline uint16_t load_be16(const uint8_t* p) {
    return static_cast<uint16_t>(p[0] << 8 | p[1]);
}
inline uint32_t load_be32(const uint8_t* p) {
    return static_cast<uint32_t>(p[0]) << 24 | static_cast<uint32_t>(p[1]) << 16 |
           static_cast<uint32_t>(p[2]) << 8 | p[3];
}
inline uint64_t load_be64(const uint8_t* p) {
    return static_cast<uint64_t>(load_be32(p)) << 32 | load_be32(p + 4);
}
inline void store_be16(uint8_t* p, uint16_t v) {
    p[0] = static_cast<uint8_t>(v >> 8);
    p[1] = static_cast<uint8_t>(v);
}
inline void store_be32(uint8_t* p, uint32_t v) {
    store_be16(p, static_cast<uint16_t>(v >> 16));
    store_be16(p + 2, static_cast<uint16_t>(v));
}
inline void store_be64(uint8_t* p, uint64_t v) {
    store_be32(p, static_cast<uint32_t>(v >> 32));
    store_be32(p + 4, static_cast<uint32_t>(v));
}

class ByteReader {
  public:
    explicit ByteReader(ByteView bytes) : rest_(bytes) {}

    bool ok() const { return ok_; }
    size_t size() const { return rest_.size(); }  // bytes not yet read
    bool empty() const { return rest_.empty(); }
    ByteView rest() const { return rest_; }

    uint8_t u8() { return take(1) ? at_[0] : 0; }
    uint16_t u16() { return take(2) ? load_be16(at_) : 0; }
    uint32_t u32() { return take(4) ? load_be32(at_) : 0; }
    uint64_t u64() { return take(8) ? load_be64(at_) : 0; }
    // The next `size` bytes, or an empty view (and !ok()) if there are fewer.
    ByteView bytes(size_t size) { return take(size) ? ByteView(at_, size) : ByteView(); }
    bool skip(size_t size) { return take(size); }
    template <size_t N>
    std::array<uint8_t, N> array() {
        std::array<uint8_t, N> out{};
        if (take(N)) std::memcpy(out.data(), at_, N);
        return out;
    }
    // A reader of the next `size` bytes alone.
    ByteReader sub(size_t size) {
        ByteReader reader(bytes(size));
        reader.ok_ = ok_;
        return reader;
    }
    void fail() { ok_ = false; }

  private:
    bool take(size_t size) {
        if (!ok_ || rest_.size() < size) {
            ok_ = false;
            return false;
        }
        at_ = rest_.data();
        rest_ = rest_.subspan(size);
        return true;
    }

    ByteView rest_;
    const uint8_t* at_ = nullptr;
    bool ok_ = true;
};

class ByteWriter {
  public:
    ByteWriter() = default;
    explicit ByteWriter(Bytes bytes) : bytes_(std::move(bytes)) {}

    size_t size() const { return bytes_.size(); }
    ByteView view() const { return bytes_; }
    Bytes take() { return std::move(bytes_); }
    void clear() { bytes_.clear(); }  // its memory is kept

    void u8(uint8_t v) { bytes_.push_back(v); }
    void u16(uint16_t v) { store_be16(grow(2), v); }
    void u32(uint32_t v) { store_be32(grow(4), v); }
    void u64(uint64_t v) { store_be64(grow(8), v); }
    void bytes(ByteView v) { bytes_.insert(bytes_.end(), v.begin(), v.end()); }
    void zeros(size_t count) { bytes_.resize(bytes_.size() + count); }
    // Zeros up to the next multiple of `alignment`, counted from `start`.
    void pad(size_t alignment, size_t start = 0) {
        size_t over = (bytes_.size() - start) % alignment;
        if (over) zeros(alignment - over);
    }
    void patch_u8(size_t offset, uint8_t v) { bytes_.at(offset) = v; }
    void patch_u16(size_t offset, uint16_t v) { store_be16(&bytes_.at(offset), v); }
    void patch_u32(size_t offset, uint32_t v) { store_be32(&bytes_.at(offset), v); }

  private:
    uint8_t* grow(size_t count) {
        bytes_.resize(bytes_.size() + count);
        return bytes_.data() + bytes_.size() - count;
    }

    Bytes bytes_;
};

}  // namespace weft
