#include <fmt/core.h>

#include <bit>
#include <cstdint>
#include <utility>

#ifdef __SSE2__
#include <emmintrin.h>
#endif

#include "json/text.h"

namespace weft::json {

namespace {

constexpr size_t kKeepBytes = 1 << 16;  // an empty buffer greater than this is given back

bool is_space(char c) {
    return c == ' ' || c == '\n' || c == '\t' || c == '\r';
}

// What matters in 64 bytes, a bit for each byte: most of a database's contents lies in strings, and of what
// does not only the brackets count.
struct Block {
    uint64_t quotes = 0, backslashes = 0, opening = 0, closing = 0;
};
constexpr size_t kBlock = 64;
constexpr char kCaseBit = 0x20;  // '[' and '{' are equal but for it, as are ']' and '}'

Block look_at(const char* data) {
    Block block;
#ifdef __SSE2__
    for (size_t i = 0; i < kBlock; i += sizeof(__m128i)) {
        const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(data + i));
        const __m128i braces = _mm_or_si128(bytes, _mm_set1_epi8(kCaseBit));
        auto find = [&](__m128i in, char c) {
            const __m128i found = _mm_cmpeq_epi8(in, _mm_set1_epi8(c));
            return uint64_t{static_cast<uint32_t>(_mm_movemask_epi8(found))} << i;
        };
        block.quotes |= find(bytes, '"');
        block.backslashes |= find(bytes, '\\');
        block.opening |= find(braces, '{');
        block.closing |= find(braces, '}');
    }
#else
    for (size_t i = 0; i < kBlock; ++i) {
        const char brace = static_cast<char>(data[i] | kCaseBit);
        block.quotes |= uint64_t{data[i] == '"'} << i;
        block.backslashes |= uint64_t{data[i] == '\\'} << i;
        block.opening |= uint64_t{brace == '{'} << i;
        block.closing |= uint64_t{brace == '}'} << i;
    }
#endif
    return block;
}

// Each bit is the exclusive or of those up to it: from a string's first quote to before its last one.
uint64_t prefix_xor(uint64_t bits) {
    for (unsigned shift = 1; shift < 64; shift *= 2) bits ^= bits << shift;
    return bits;
}

// True for bytes that end a number or keyword that stands alone.
bool ends_word(char c) {
    return is_space(c) || c == '[' || c == '{' || c == '"' || c == ']' || c == '}' || c == ',' || c == ':';
}

}  // namespace

Framer::Framer(size_t max_size, int max_depth) : max_size_(max_size), max_depth_(max_depth) {}

std::string& Framer::input() {
    // Moving what is left costs no more than reading it did.
    if (start_ > 0 && start_ >= buffer_.size() - start_) {
        buffer_.erase(0, start_);
        scanned_ -= start_;
        start_ = 0;
    }
    return buffer_;
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

// Takes note of a block in which the value cannot end; false if it could, or anything else is unusual.
bool Framer::skip_block(const char* data) {
    if (in_word_ || depth_ == 0) return false;
    const Block block = look_at(data);
    uint64_t escaped = escaped_ ? 1 : 0;
    bool escapes_next = false;
    for (uint64_t left = block.backslashes & ~escaped; left;) {
        const uint64_t lowest = left & (~left + 1), next = lowest << 1;
        if (!next) escapes_next = true;
        escaped |= next;
        left &= ~(lowest | next);
    }
    const uint64_t in_string = prefix_xor(block.quotes & ~escaped) ^ (in_string_ ? ~uint64_t{0} : 0);
    if (block.backslashes & ~in_string) return false;
    const int opening = std::popcount(block.opening & ~in_string);
    const int closing = std::popcount(block.closing & ~in_string);
    if (closing >= depth_ || depth_ + opening > max_depth_) return false;
    depth_ += opening - closing;
    in_string_ = in_string >> 63;
    escaped_ = escapes_next;
    return true;
}

// Looks at the bytes not yet seen; true when scanned_ is the end of the value.
Result<bool> Framer::scan() {
    const char* data = buffer_.data();
    size_t size = buffer_.size(), i = scanned_;
    bool whole = false;
    size_t plain_until = 0;  // the block up to there needs a closer look
    while (i < size && !whole) {
        if (i >= plain_until && i + kBlock <= size) {
            if (skip_block(data + i)) {
                i += kBlock;
                continue;
            }
            plain_until = i + kBlock;
        }
        char c = data[i];
        if (in_word_ && ends_word(c)) {
            whole = true;
            break;
        }
        ++i;
        if (escaped_) {
            escaped_ = false;
        } else if (in_string_) {
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
    if (scanned_ - start_ > kKeepBytes && buffer_.size() - scanned_ < scanned_ - start_) {
        // What is around it is less to move.
        std::string rest = buffer_.substr(scanned_);
        out = std::exchange(buffer_, std::move(rest));
        out.resize(scanned_);
        out.erase(0, start_);
        start_ = scanned_ = 0;
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
