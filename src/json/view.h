// A JSON text read for who looks at each value once, as the contents of a database: views of values that lie
// where the reader put them, in two blocks of memory, instead of a tree of Values, whose hundreds of
// thousands of pieces cost more than all that is done with them.
//
//     ViewReader reader;
//     WEFT_ASSIGN(View message, reader.read(text));
//     for (const auto& [name, value] : message.members()) …
//
// Views and their strings are valid until the reader reads again or is gone.  Of members with the same name
// all are seen.  A whole number of more than 53 bits that is written with a fraction or an exponent is
// rounded; otherwise numbers are as in value.h.
//
// The blocks are simdjson's "tape" (its doc/tape.md): a word for each value, with its type in the top byte.

#pragma once

#include <bit>
#include <cstdint>
#include <cstring>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "base/result.h"
#include "json/value.h"

namespace weft::json {

class View {
  public:
    template <typename Item>
    class Range;
    using Elements = Range<View>;
    using Members = Range<std::pair<std::string_view, View>>;

    View() = default;  // null

    bool is_null() const { return !tape_ || type() == 'n'; }
    // Nothing if the value is of another type.
    std::optional<bool> as_bool() const {
        const char t = tape_ ? type() : 'n';
        return t == 't' || t == 'f' ? std::optional(t == 't') : std::nullopt;
    }
    std::optional<int64_t> as_integer() const;
    std::optional<double> as_number() const;  // an integer, too
    std::optional<std::string_view> as_string() const {
        return tape_ && type() == '"' ? std::optional(text(payload())) : std::nullopt;
    }
    std::optional<Elements> as_array() const;
    std::optional<Members> as_object() const;
    // The same, empty if the value is of another type.
    Elements elements() const;
    Members members() const;
    Value to_value() const;

  private:
    friend class ViewReader;
    View(const uint64_t* tape, const uint8_t* strings, uint32_t at)
        : tape_(tape), strings_(strings), at_(at) {}

    char type() const { return static_cast<char>(tape_[at_] >> 56); }
    uint64_t payload() const { return tape_[at_] & 0xff'ffff'ffff'ffff; }
    std::string_view text(uint64_t offset) const {
        uint32_t size;
        std::memcpy(&size, strings_ + offset, sizeof size);
        return {reinterpret_cast<const char*>(strings_ + offset + sizeof size), size};
    }
    uint32_t after() const {
        switch (type()) {
            case '[':
            case '{':
                return static_cast<uint32_t>(tape_[at_]);
            case 'l':
            case 'u':
            case 'd':
                return at_ + 2;
            default:
                return at_ + 1;
        }
    }

    const uint64_t* tape_ = nullptr;
    const uint8_t* strings_ = nullptr;
    uint32_t at_ = 0;
};

template <typename Item>
class View::Range {
    static constexpr bool kIsObject = !std::is_same_v<Item, View>;

  public:
    class iterator {
      public:
        explicit iterator(View at) : at_(at) {}
        Item operator*() const {
            if constexpr (kIsObject) {
                return {at_.text(at_.payload()), View(at_.tape_, at_.strings_, at_.at_ + 1)};
            } else {
                return at_;
            }
        }
        iterator& operator++() {
            if constexpr (kIsObject) ++at_.at_;
            at_.at_ = at_.after();
            return *this;
        }
        bool operator==(const iterator& other) const { return at_.at_ == other.at_.at_; }

      private:
        View at_;
    };

    Range() = default;  // empty
    explicit Range(View whole)
        : begin_(whole.tape_, whole.strings_, whole.at_ + 1),
          end_(whole.tape_, whole.strings_, whole.after() - 1),  // the closing bracket
          size_hint_(whole.tape_[whole.at_] >> 32 & 0xff'ffff) {}
    iterator begin() const { return iterator(begin_); }
    iterator end() const { return iterator(end_); }
    bool empty() const { return begin() == end(); }
    // At least that many, and exactly up to 2**24 - 2.
    size_t size_hint() const { return size_hint_; }

  private:
    View begin_, end_;
    size_t size_hint_ = 0;
};

inline std::optional<View::Elements> View::as_array() const {
    return tape_ && type() == '[' ? std::optional(Elements(*this)) : std::nullopt;
}
inline std::optional<View::Members> View::as_object() const {
    return tape_ && type() == '{' ? std::optional(Members(*this)) : std::nullopt;
}

inline View::Elements View::elements() const {
    return tape_ && type() == '[' ? Elements(*this) : Elements();
}
inline View::Members View::members() const {
    return tape_ && type() == '{' ? Members(*this) : Members();
}

class ViewReader {
  public:
    ViewReader();
    ~ViewReader();

    // Reads exactly one value.  The error does not tell the place: parse() (text.h) does.
    Result<View> read(std::string_view text);
    // The same without a copy of the text, which gets room for what the reader looks at behind its end.
    Result<View> read_in_place(std::string& text);
    // Gives back what a great text took.
    void shrink();

  private:
    struct Workspace;
    std::unique_ptr<Workspace> workspace_;
};

}  // namespace weft::json
