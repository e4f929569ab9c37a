#include <fmt/core.h>

#include <bit>
#include <cstring>

#include "json/text.h"

namespace weft::json {

namespace {

constexpr size_t kKeepBytes = 1 << 16;  // an empty buffer greater than this is given back

bool is_space(char c) {
    return c == ' ' || c == '\n' || c == '\t' || c == '\r';
}

// Where the next quote or backslash is, or the end: most bytes of a database's contents are those of strings,
// so eight are looked at together (a byte that is zero is the lowest that borrows from its top bit).
size_t find_string_end(const char* data, size_t i, size_t size) {
    constexpr uint64_t kOnes = 0x0101'0101'0101'0101, kTops = 0x8080'8080'8080'8080;
    auto zero_bytes = [](uint64_t word) { return (word - kOnes) & ~word & kTops; };
    while (std::endian::native == std::endian::little && i + sizeof(uint64_t) <= size) {
        uint64_t word;
        std::memcpy(&word, data + i, sizeof word);
        const uint64_t found = zero_bytes(word ^ (kOnes * '"')) | zero_bytes(word ^ (kOnes * '\\'));
        if (found) return i + static_cast<size_t>(std::countr_zero(found)) / 8;
        i += sizeof word;
    }
    while (i < size && data[i] != '"' && data[i] != '\\') ++i;
    return i;
}

// True for bytes that end a number or keyword that stands alone.
bool ends_word(char c) {
    return is_space(c) || c == '[' || c == '{' || c == '"' || c == ']' || c == '}' || c == ',' || c == ':';
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
            if (c != '"' && c != '\\') {
                i = find_string_end(data, i, size);
                if (i == size) break;
                c = data[i++];
            }
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
