// JSON text: reading, writing, and finding where one value of a stream ends.

#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "json/value.h"

namespace weft::json {

// Reads exactly one value (RFC 8259; white space around it is allowed), nested at most 1000 deep.  The error
// names the place and what was wrong.  Of members with the same name the last one counts.
Result<Value> parse(std::string_view text);

// kPretty: one member a line, indented by two, as Open vSwitch's programs print it
enum class Style { kCompact, kPretty };

std::string to_text(const Value& value, Style style = Style::kCompact);
void append_text(std::string& out, const Value& value);  // compact
// The same with the members of objects in the order of their names: how Open vSwitch's programs print it.
Value with_sorted_members(const Value& value);
void append_integer(std::string& out, int64_t value);
void append_string(std::string& out, std::string_view text);  // a JSON string literal, quoted and escaped

// Finds the boundaries of the values of a stream, which come one after the other with or without white space.
// Feed it bytes as they arrive; it looks at each byte once, whatever the sizes of the pieces.
class Framer {
  public:
    // `max_depth` and `max_size` bound what a peer can make us keep.
    explicit Framer(size_t max_size = size_t{1} << 30, int max_depth = 1000);

    void feed(std::string_view bytes) { input().append(bytes); }
    // Where the bytes that arrive may be appended instead.
    std::string& input();
    // Moves the next whole value's text to `out` and returns true; false if more bytes are needed.  An error
    // is final.
    Result<bool> next(std::string& out);
    void set_max_size(size_t max_size) { max_size_ = max_size; }
    bool too_large() const { return too_large_; }  // why next() failed: a value above `max_size`
    bool empty() const;                            // nothing but white space is pending
    size_t pending() const;                        // bytes kept

  private:
    bool skip_block(const char* data);
    Result<bool> scan();
    void take(std::string& out);
    void clear();
    Error fail(std::string message);

    std::string buffer_;
    size_t start_ = 0;    // of the value being looked at
    size_t scanned_ = 0;  // bytes of buffer_ already looked at
    size_t max_size_;
    int max_depth_;
    int depth_ = 0;
    bool too_large_ = false;
    bool in_string_ = false;
    bool escaped_ = false;
    bool started_ = false;
    bool in_word_ = false;  // the value is a number or keyword standing alone
    std::optional<std::string> failed_;
};

}  // namespace weft::json
