#include <fmt/core.h>

#include <cstdint>
#include <cstring>

#include "json/text.h"

namespace weft::json {

namespace {

constexpr size_t kKeepBytes = 1 << 16;  // an empty buffer greater than this is given back

bool is_space(char c) {
    return c == ' ' || c == '\n' || c == '\t' || c == '\r';
}

// True for bytes that end a number or keyword that stands alone.
bool ends_word(char c) {
    return is_space(c) || c == '[' || c == '{' || c == '"' || c == ']' || c == '}' || c == ',' || c == ':';
}

// The place of the next quote or backslash from `i` on, or the size; eight bytes at a time.
size_t next_special(const char* data, size_t i, size_t size) {
    constexpr uint64_t kOnes = 0x0101010101010101, kHigh = 0x8080808080808080;
    // Not zero if a byte is.
    auto has_zero = [](uint64_t word) { return (word - kOnes) & ~word & kHigh; };
    for (; i + 8 <= size; i += 8) {
        uint64_t word;
        std::memcpy(&word, data + i, 8);
        if (has_zero(word ^ kOnes * '"') | has_zero(word ^ kOnes * '\\')) break;
    }
    while (i < size && data[i] != '"' && data[i] != '\\') ++i;
    return i;
}

}  // namespace

Framer::Framer(size_t max_size, int max_depth) : max_size_(max_size), max_depth_(max_depth) {}

void Framer::feed(std::string_view bytes) {
    // Moving what is left costs no more than reading it did.
    if (start_ > 0 && start_ >= buffer_.size() - start_) {
        buffer_.erase(0, start_);
        scanned_ -= start_;
        start_ = 0;
    }
    buffer_ += bytes;
}

Result<bool> Framer::next(std::string& out) {
    if (failed_) return Error{*failed_};
    if (!started_) {
        while (scanned_ < buffer_.size() && is_space(buffer_[scanned_])) ++scanned_;
        start_ = scanned_;
        if (start_ == buffer_.size()) {
            clear();
            return false;
        }
        started_ = true;
        char c = buffer_[start_];
        in_word_ = !ends_word(c);
        if (c == ']' || c == '}' || c == ',' || c == ':') {
            return fail(fmt::format("a JSON value was expected, not \"{}\"", c));
        }
    }
    WEFT_ASSIGN(bool whole, scan());
    if (scanned_ - start_ > max_size_) {
        too_large_ = true;
        return fail(fmt::format("a JSON value of more than {} bytes", max_size_));
    }
    if (!whole) return false;
    take(out);
    return true;
}

// Looks at the bytes not yet seen; true when scanned_ is the end of the value.
Result<bool> Framer::scan() {
    const char* data = buffer_.data();
    size_t size = buffer_.size(), i = scanned_;
    bool whole = false;
    while (i < size && !whole) {
        char c = data[i];
        if (in_word_ && ends_word(c)) {
            whole = true;
            break;
        }
        ++i;
        if (escaped_) {
            escaped_ = false;
        } else if (in_string_) {
            i = next_special(data, i - 1, size);
            if (i == size) break;
            c = data[i++];
            if (c == '\\') escaped_ = true;
            if (c == '"') {
                in_string_ = false;
                whole = depth_ == 0;
            }
        } else if (c == '"') {
            in_string_ = true;
        } else if (c == '[' || c == '{') {
            if (++depth_ > max_depth_) return fail(fmt::format("JSON nested more than {} deep", max_depth_));
        } else if (c == ']' || c == '}') {
            whole = --depth_ == 0;
        }
    }
    scanned_ = i;
    return whole;
}

void Framer::take(std::string& out) {
    started_ = in_word_ = false;
    if (start_ == 0 && scanned_ == buffer_.size()) {
        out = std::move(buffer_);
        clear();
        return;
    }
    out.assign(buffer_, start_, scanned_ - start_);
    start_ = scanned_;
}

void Framer::clear() {
    buffer_.clear();
    if (buffer_.capacity() > kKeepBytes) buffer_.shrink_to_fit();
    start_ = scanned_ = 0;
}

Error Framer::fail(std::string message) {
    failed_ = message;
    clear();
    return Error{std::move(message)};
}

bool Framer::empty() const {
    for (size_t i = start_; i < buffer_.size(); ++i) {
        if (!is_space(buffer_[i])) return false;
    }
    return true;
}

size_t Framer::pending() const {
    return buffer_.size() - start_;
}

}  // namespace weft::json
