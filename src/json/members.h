// Walks the members of an object's text without reading their values: for objects that are too great to be
// made values at once, such as a record that holds a whole database.
//
//     MemberReader members(text);
//     for (;;) {
//         WEFT_ASSIGN(bool more, members.next());
//         if (!more) break;
//         members.name(), members.value();    // the value's text, to be given to parse() or another
//         MemberReader
//     }
//
// The outline is checked (RFC 8259): braces, quotes, commas, colons, nothing after the end.  A value's text
// has its brackets and quotes in pairs; whether it is JSON is for its reader to find out.  Every member is
// shown, so members of one name are seen one after the other.

#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace weft::json {

class MemberReader {
  public:
    explicit MemberReader(std::string_view object_text) : text_(object_text) {}

    // False at the end.  An error is final; it tells the byte of the text.
    Result<bool> next();
    const std::string& name() const { return name_; }
    std::string_view value() const { return value_; }

  private:
    void skip_space();
    Result<std::string_view> string_token();
    Result<std::string_view> value_token();
    Error fail(const char* expected) const;
    char at() const { return place_ < text_.size() ? text_[place_] : '\0'; }

    std::string_view text_;
    size_t place_ = 0;
    bool started_ = false, ended_ = false;
    std::string name_;
    std::string_view value_;
};

}  // namespace weft::json
