// Text that many have: equal texts are one piece of memory.
//
// A SharedText is a pointer.  Copying one counts, and whether two are equal, pointers tell; making one from
// characters looks them up among the texts that there are, which costs a hash.  For what is kept a million
// times and has few different values, or is kept in several places.
//
// One thread: the table of the texts that there are is shared by all of them and has no lock.

#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

namespace weft {

class SharedText {
  public:
    SharedText() = default;                                                      // ""
    SharedText(std::string_view text);                                           // NOLINT: implicit by design
    SharedText(const std::string& text) : SharedText(std::string_view(text)) {}  // NOLINT
    SharedText(const char* text) : SharedText(std::string_view(text)) {}         // NOLINT
    SharedText(const SharedText& other) : piece_(other.piece_) {
        if (piece_) ++piece_->users;
    }
    SharedText(SharedText&& other) noexcept : piece_(std::exchange(other.piece_, nullptr)) {}
    SharedText& operator=(SharedText other) noexcept {
        std::swap(piece_, other.piece_);
        return *this;
    }
    ~SharedText() {
        if (piece_ && --piece_->users == 0) free_piece(piece_);
    }

    // Valid as long as somebody has the text.
    std::string_view view() const {
        return piece_ ? std::string_view(piece_->text(), piece_->length) : std::string_view();
    }
    std::string str() const { return std::string(view()); }
    bool empty() const { return !piece_; }

    bool operator==(const SharedText&) const = default;
    template <typename H>
    friend H AbslHashValue(H h, const SharedText& text) {
        return H::combine(std::move(h), text.piece_);
    }

    static size_t count();  // of different texts that there are

  private:
    friend struct SharedTextTable;
    struct Piece {  // the characters follow
        uint32_t users, length, hash;
        const char* text() const { return reinterpret_cast<const char*>(this + 1); }
    };
    static void free_piece(Piece* piece);

    Piece* piece_ = nullptr;  // null: ""
};

}  // namespace weft
