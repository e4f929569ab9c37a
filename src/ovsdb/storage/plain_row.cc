#include "ovsdb/storage/plain_row.h"

#include <array>
#include <cstdint>

namespace weft::ovsdb {

namespace {

constexpr std::array<bool, 256> kPlain = [] {
    std::array<bool, 256> plain{};
    for (size_t c = 0x20; c < 0x7f; ++c) plain[c] = c != '"' && c != '\\';
    return plain;
}();

// What stands for itself and a backslash; 0 for the rest.
constexpr std::array<char, 256> kEscaped = [] {
    std::array<char, 256> escaped{};
    escaped['"'] = '"', escaped['\\'] = '\\', escaped['/'] = '/';
    escaped['b'] = '\b', escaped['f'] = '\f', escaped['n'] = '\n', escaped['r'] = '\r', escaped['t'] = '\t';
    return escaped;
}();

constexpr size_t kMaxUuids = 4096;  // of one value

}  // namespace

// What is left of the text.  Every function takes something off its front, or returns false.
class PlainRowReader::Text {
  public:
    // `unescaped` takes strings that had escapes; it must have room for the whole text.
    Text(std::string_view text, std::string& unescaped)
        : at_(text.data()), end_(text.data() + text.size()), unescaped_(unescaped) {}

    bool ended() const { return at_ == end_; }
    bool is_next(char c) const { return at_ < end_ && *at_ == c; }
    bool take(char c) {
        if (!is_next(c)) return false;
        ++at_;
        return true;
    }
    bool take(std::string_view word) {
        if (static_cast<size_t>(end_ - at_) < word.size() || std::string_view(at_, word.size()) != word)
            return false;
        at_ += word.size();
        return true;
    }
    bool string(std::string_view& out) {
        if (!take('"')) return false;
        out = run();
        if (is_next('\\')) return escapes(out);
        return take('"');
    }
    bool integer(int64_t& out) {
        bool negative = take('-');
        const char* start = at_;
        uint64_t value = 0;  // wraps if there are too many digits
        while (at_ < end_ && *at_ >= '0' && *at_ <= '9')
            value = value * 10 + static_cast<uint64_t>(*at_++ - '0');
        auto digits = at_ - start;
        // No more digits than always fit, and none that JSON does not allow; reals go on.
        if (digits == 0 || digits > 18 || (digits > 1 && *start == '0')) return false;
        if (at_ < end_ && (*at_ == '.' || *at_ == 'e' || *at_ == 'E')) return false;
        out = static_cast<int64_t>(value);
        if (negative) out = -out;
        return true;
    }

  private:
    // The plain characters that come next.
    std::string_view run() {
        const char* start = at_;
        while (at_ < end_ && kPlain[static_cast<unsigned char>(*at_)]) ++at_;
        return {start, static_cast<size_t>(at_ - start)};
    }
    // The rest of a string that goes on with an escape.
    bool escapes(std::string_view& out) {
        size_t start = unescaped_.size();
        unescaped_ += out;
        while (take('\\')) {
            char meant = at_ < end_ ? kEscaped[static_cast<unsigned char>(*at_)] : '\0';
            if (!meant) return false;
            ++at_;
            unescaped_ += meant;
            unescaped_ += run();
        }
        out = std::string_view(unescaped_).substr(start);
        return take('"');
    }

    const char *at_, *end_;
    std::string& unescaped_;
};

bool PlainRowReader::read(const TableSchema& table, std::string_view whole, bool sized) {
    unescaped_.clear();
    unescaped_.reserve(whole.size());
    Text text(whole, unescaped_);
    sized_ = sized;
    values_.clear();
    if (table_ != &table) order_.clear();
    table_ = &table;
    uuids_.reserve(kMaxUuids);
    if (!text.take('{')) return false;
    if (text.take('}')) return text.ended();
    do {
        std::string_view name;
        if (!text.string(name) || !text.take(':')) return false;
        const ColumnSchema* found = column(table, name);
        if (!found) return false;
        Datum& datum = values_.emplace_back(found, Datum()).second;
        if (!value(text, found->type, datum)) return false;
    } while (text.take(','));
    return text.take('}') && text.ended();
}

// The column of the next member; nullptr if there is none, or if the row has it already.
const ColumnSchema* PlainRowReader::column(const TableSchema& table, std::string_view name) {
    // Whoever writes a file writes the columns of all rows in one order.
    size_t place = values_.size();
    if (order_.size() <= place) order_.resize(place + 1, nullptr);
    const ColumnSchema*& guess = order_[place];
    if (!guess || guess->name != name) {
        guess = table.find_column(name);
        if (!guess || guess->index < 0) return guess = nullptr;
    }
    for (const auto& [known, datum] : values_) {
        if (known == guess) return nullptr;
    }
    return guess;
}

bool PlainRowReader::atom(Text& text, const BaseType& type, AtomView& out) {
    switch (type.type) {
        case AtomType::kInteger: {
            int64_t integer;
            if (!text.integer(integer)) return false;
            out = integer;
            break;
        }
        case AtomType::kBoolean:
            if (text.take("true")) {
                out = true;
            } else if (text.take("false")) {
                out = false;
            } else {
                return false;
            }
            break;
        case AtomType::kString: {
            std::string_view string;
            if (!text.string(string)) return false;
            out = string;
            break;
        }
        case AtomType::kUuid: {
            std::string_view string;
            if (!text.take("[\"uuid\",") || !text.string(string) || !text.take(']')) return false;
            auto uuid = Uuid::parse(string);
            if (!uuid) return false;
            if (uuids_.size() == uuids_.capacity()) return false;
            out = uuids_.emplace_back(*uuid);
            break;
        }
        case AtomType::kReal:
        case AtomType::kVoid:
            return false;
    }
    return !type.has_constraints() || type.check(out).ok();
}

bool PlainRowReader::value(Text& text, const ColumnType& type, Datum& out) {
    uuids_.clear();
    if (type.is_map()) {
        if (!text.take("[\"map\",[")) return false;
        return elements(text, type, out);
    }
    if (text.take("[\"set\",[")) return elements(text, type, out);
    AtomView only;
    if (!atom(text, type.key, only)) return false;
    out = Datum::of(only);
    return true;
}

// Of a set or map, with the brackets that close it.
bool PlainRowReader::elements(Text& text, const ColumnType& type, Datum& out) {
    DatumBuilder builder(type.key.type, type.value.type);
    size_t count = 0;
    if (!text.is_next(']')) {
        do {
            AtomView key, mapped;
            if (!type.is_map()) {
                if (!atom(text, type.key, key)) return false;
                builder.add(key);
            } else {
                if (!text.take('[') || !atom(text, type.key, key) || !text.take(',') ||
                    !atom(text, type.value, mapped) || !text.take(']'))
                    return false;
                builder.add(key, mapped);
            }
            ++count;
        } while (text.take(','));
    }
    if (!text.take("]]") || (sized_ && (count < type.min || count > type.max))) return false;
    uint32_t duplicates;
    out = builder.finish(&duplicates);
    return duplicates == 0;
}

}  // namespace weft::ovsdb
