#include "ovsdb/data/datum_text.h"

#include <fmt/format.h>

#include <charconv>
#include <cmath>
#include <cstdlib>

#include "json/text.h"

namespace weft::ovsdb {

namespace {

constexpr int64_t kMaxRange = 4096;  // elements of a range, ovs-vsctl(8)

bool is_delimiter(char c) {
    return std::string_view(":=, []{}!<>").find(c) != std::string_view::npos;
}

bool is_space(char c) {
    return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f' || c == '\v';
}

bool parse_integer(std::string_view text, int64_t& out) {
    if (text.starts_with('+')) text.remove_prefix(1);
    auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
    return error == std::errc() && end == text.data() + text.size() && !text.empty();
}

// "5" or "1-5" (also "-5--1"); `last` is the same as `first` for one number.
Result<void> parse_range(std::string_view text, int64_t& first, int64_t& last) {
    if (parse_integer(text, first)) {
        last = first;
        return {};
    }
    size_t dash = text.find('-', 1);
    if (dash == std::string_view::npos || !parse_integer(text.substr(0, dash), first) ||
        !parse_integer(text.substr(dash + 1), last)) {
        return Error{fmt::format("\"{}\" is not a valid integer or range", text)};
    }
    if (last < first) {
        return Error{fmt::format("\"{}\" is not a valid range. Range end cannot be before start.", text)};
    }
    if (static_cast<uint64_t>(last) - static_cast<uint64_t>(first) >= static_cast<uint64_t>(kMaxRange)) {
        return Error{fmt::format("\"{}\" is not a valid range. Range cannot have more than {} elements.",
                                 text, kMaxRange)};
    }
    return {};
}

Result<Atom> parse_real(std::string_view text) {
    std::string copy(text);
    char* end = nullptr;
    double real = std::strtod(copy.c_str(), &end);
    if (copy.empty() || *end || !std::isfinite(real)) {
        return Error{fmt::format("\"{}\" is not a valid real number", text)};
    }
    return Atom(real);
}

Result<Atom> parse_boolean(std::string_view text) {
    for (std::string_view word : {"true", "yes", "on", "1"}) {
        if (text == word) return Atom(true);
    }
    for (std::string_view word : {"false", "no", "off", "0"}) {
        if (text == word) return Atom(false);
    }
    return Error{fmt::format("\"{}\" is not a valid boolean (use \"true\" or \"false\")", text)};
}

Result<Atom> parse_string(std::string_view text) {
    if (text.empty())
        return Error{"An empty string is not valid as input; use \"\" to represent the empty string"};
    if (text[0] != '"') return Atom(std::string(text));
    if (text.size() < 2 || text.back() != '"') {
        return Error{fmt::format("{}: missing quote at end of quoted string", text)};
    }
    auto json = json::parse(text);
    if (!json || !json->is_string()) return Error{fmt::format("{}: {}", text, json.message())};
    return Atom(std::move(*json->as_string()));
}

Result<Atom> parse_uuid(const BaseType& type, std::string_view text, SymbolTable* symbols) {
    if (text.starts_with('@') && symbols) {
        Symbol& symbol = symbols->get(text);
        if (type.is_strong_ref()) symbol.strong_ref = true;
        if (type.is_weak_ref()) symbol.weak_ref = true;
        return Atom(symbol.uuid);
    }
    if (auto uuid = Uuid::parse(text)) return Atom(*uuid);
    return Error{fmt::format("\"{}\" is not a valid UUID", text)};
}

Result<Atom> parse_unchecked(const BaseType& type, std::string_view text, SymbolTable* symbols) {
    switch (type.type) {
        case AtomType::kVoid:
            break;
        case AtomType::kInteger: {
            int64_t number;
            if (!parse_integer(text, number)) {
                return Error{fmt::format("\"{}\" is not a valid integer or range", text)};
            }
            return Atom(number);
        }
        case AtomType::kReal:
            return parse_real(text);
        case AtomType::kBoolean:
            return parse_boolean(text);
        case AtomType::kString:
            return parse_string(text);
        case AtomType::kUuid:
            return parse_uuid(type, text, symbols);
    }
    return Error{"a value is not allowed here"};
}

class DatumParser {
  public:
    DatumParser(const ColumnType& type, std::string_view text, SymbolTable* symbols)
        : type_(type), text_(text), rest_(text), symbols_(symbols) {}

    Result<Datum> parse() {
        skip(false);
        char open = type_.is_map() ? '{' : '[';
        char close = type_.is_map() ? '}' : ']';
        bool bracketed = rest_.starts_with(open);
        if (bracketed) rest_.remove_prefix(1);
        skip(false);
        while (!rest_.empty() && rest_[0] != close) {
            WEFT_TRY(parse_element());
            skip(true);
        }
        if (bracketed) {
            if (rest_.empty()) return Error{fmt::format("{}: missing \"{}\" at end of data", text_, close)};
            rest_.remove_prefix(1);
            skip(false);
            if (!rest_.empty()) return Error{fmt::format("{}: trailing garbage after \"{}\"", text_, close)};
        } else if (!rest_.empty()) {
            return unexpected(rest_[0]);
        }
        return finish();
    }

  private:
    Error unexpected(char c) {
        return Error{fmt::format("{}: unexpected \"{}\" parsing {}", text_, c, type_.to_english())};
    }

    // White space, and commas between elements.
    void skip(bool commas) {
        while (!rest_.empty() && (is_space(rest_[0]) || (commas && rest_[0] == ','))) rest_.remove_prefix(1);
    }

    Result<std::string> token() {
        WEFT_ASSIGN(std::string out, take_token(rest_));
        if (out.empty()) {
            if (rest_.empty()) return Error{fmt::format("{}: unexpected end of data", text_)};
            return unexpected(rest_[0]);
        }
        return out;
    }

    Result<void> parse_element() {
        WEFT_ASSIGN(std::string key, token());
        if (type_.is_map()) {
            skip(false);
            if (!rest_.starts_with('=')) {
                std::string at = rest_.empty() ? "end of data" : fmt::format("\"{}\"", rest_[0]);
                return Error{fmt::format("{}: syntax error at {} expecting \"=\"", text_, at)};
            }
            rest_.remove_prefix(1);
            skip(false);
            WEFT_ASSIGN(Atom key_atom, parse_atom_text(type_.key, key, symbols_));
            WEFT_ASSIGN(std::string value, token());
            WEFT_ASSIGN(Atom value_atom, parse_atom_text(type_.value, value, symbols_));
            atoms_.push_back(std::move(key_atom));
            atoms_.push_back(std::move(value_atom));
            return {};
        }
        if (type_.key.type == AtomType::kInteger) return parse_integers(key);
        WEFT_ASSIGN(Atom atom, parse_atom_text(type_.key, key, symbols_));
        atoms_.push_back(std::move(atom));
        return {};
    }

    Result<void> parse_integers(std::string_view word) {
        int64_t first, last;
        WEFT_TRY(parse_range(word, first, last));
        for (int64_t bound : {first, last}) {
            if (auto checked = type_.key.check(bound); !checked) return checked.error();
        }
        for (int64_t number = first;; ++number) {
            if (type_.key.enumeration) {
                if (auto checked = type_.key.check(number); !checked) return checked.error();
            }
            atoms_.emplace_back(number);
            if (number == last) break;
        }
        return {};
    }

    Result<Datum> finish() {
        size_t step = type_.is_map() ? 2 : 1;
        size_t count = atoms_.size() / step;
        if (count < type_.min) {
            const char* what = type_.is_map() ? "pair(s)" : "value(s)";
            return Error{fmt::format("{}: {} {} specified but the minimum number is {}", text_, count, what,
                                     type_.min)};
        }
        if (count > type_.max) {
            const char* what = type_.is_map() ? "pair(s)" : "value(s)";
            return Error{fmt::format("{}: {} {} specified but the maximum number is {}", text_, count, what,
                                     type_.max)};
        }
        DatumBuilder builder(type_.key.type, type_.value.type);
        builder.reserve(count);
        for (size_t i = 0; i < atoms_.size(); i += step) {
            if (step == 2) {
                builder.add(atoms_[i], atoms_[i + 1]);
            } else {
                builder.add(atoms_[i]);
            }
        }
        uint32_t duplicates;
        Datum datum = builder.finish(&duplicates);
        if (duplicates) {
            return Error{type_.is_map() ? fmt::format("{}: map contains duplicate key", text_)
                                        : fmt::format("{}: set contains duplicate value", text_)};
        }
        return datum;
    }

    const ColumnType& type_;
    std::string_view text_, rest_;
    SymbolTable* symbols_;
    std::vector<Atom> atoms_;
};

template <typename AppendAtom>
void append_elements(std::string& out, const Datum& datum, const char* separator, AppendAtom append) {
    for (uint32_t i = 0; i < datum.size(); ++i) {
        if (i) out += separator;
        append(datum.key(i));
        if (!datum.is_map()) continue;
        out += '=';
        append(datum.value(i));
    }
}

}  // namespace

bool is_plain_string(std::string_view text) {
    if (text.empty() || text == "true" || text == "false" || Uuid::parse(text)) return false;
    auto is_letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; };
    if (!is_letter(text[0])) return false;
    for (char c : text) {
        if (!is_letter(c) && !(c >= '0' && c <= '9') && c != '-' && c != '.') return false;
    }
    return true;
}

Result<std::string> take_token(std::string_view& rest) {
    size_t i = 0;
    if (rest.starts_with('"')) {
        for (i = 1;; ++i) {
            if (i >= rest.size())
                return Error{fmt::format("{}: missing quote at end of quoted string", rest)};
            if (rest[i] == '\\') {
                ++i;
            } else if (rest[i] == '"') {
                break;
            }
        }
        std::string token(rest.substr(0, i + 1));
        rest.remove_prefix(i + 1);
        return token;
    }
    std::string token;
    for (; i < rest.size() && !is_delimiter(rest[i]) && !is_space(rest[i]); ++i) {
        if (rest[i] == '\\') {
            if (++i == rest.size()) return Error{fmt::format("{}: backslash at end of argument", rest)};
        }
        token += rest[i];
    }
    rest.remove_prefix(i);
    return token;
}

Result<Atom> parse_atom_text(const BaseType& type, std::string_view text, SymbolTable* symbols) {
    WEFT_ASSIGN(Atom atom, parse_unchecked(type, text, symbols));
    if (auto checked = type.check(atom); !checked) return checked.error();
    return atom;
}

Result<Datum> parse_datum_text(const ColumnType& type, std::string_view text, SymbolTable* symbols) {
    return DatumParser(type, text, symbols).parse();
}

void append_text(std::string& out, const AtomView& atom) {
    if (atom.type() == AtomType::kString && !is_plain_string(atom.string())) {
        json::append_string(out, atom.string());
    } else {
        append_bare(out, atom);
    }
}

void append_bare(std::string& out, const AtomView& atom) {
    switch (atom.type()) {
        case AtomType::kVoid:
            break;
        case AtomType::kInteger:
            out += fmt::to_string(atom.integer());
            break;
        case AtomType::kReal:
            out += fmt::format("{:.15g}", atom.real());
            break;
        case AtomType::kBoolean:
            out += atom.boolean() ? "true" : "false";
            break;
        case AtomType::kString:
            out += atom.string();
            break;
        case AtomType::kUuid:
            out += atom.uuid().to_string();
            break;
    }
}

void append_text(std::string& out, const Datum& datum, const ColumnType& type) {
    bool brackets = type.max > 1 || datum.empty() || datum.size() > 1;
    if (type.is_map()) {
        out += '{';
    } else if (brackets) {
        out += '[';
    }
    append_elements(out, datum, ", ", [&](const AtomView& atom) { append_text(out, atom); });
    if (type.is_map()) {
        out += '}';
    } else if (brackets) {
        out += ']';
    }
}

std::string to_text(const Datum& datum, const ColumnType& type) {
    std::string out;
    append_text(out, datum, type);
    return out;
}

void append_bare(std::string& out, const Datum& datum, const ColumnType&) {
    append_elements(out, datum, " ", [&](const AtomView& atom) { append_bare(out, atom); });
}

}  // namespace weft::ovsdb
