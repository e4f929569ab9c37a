// Reading, by simdjson's on-demand parser, which validates UTF-8 and finds the structure in one pass; the
// library is confined to this file.

#include <fmt/core.h>
#include <simdjson.h>

#include <memory>

#include "base/hash_map.h"
#include "base/memory.h"
#include "json/number.h"
#include "json/text.h"

namespace weft::json {

namespace {

namespace ondemand = simdjson::ondemand;

constexpr int kMaxDepth = 1000;
constexpr const char* kBadKeyword = "invalid keyword: null, true and false are the only ones";
constexpr size_t kKeepBytes = 1 << 17;  // buffers for greater texts are not kept (they take 6 times as much)

// What was wrong and at which byte of the text.
struct Failure {
    std::string what;
    const char* where = nullptr;  // nullptr if the parser does not know
};

class Reader {
  public:
    bool read(ondemand::value in, Value& out, int depth) {
        ondemand::json_type type;
        const char* at = in.raw_json_token().data();
        if (auto error = in.type().get(type)) return fail(error, at);
        switch (type) {
            case ondemand::json_type::array:
                return read_array(in, out, depth, at);
            case ondemand::json_type::object:
                return read_object(in, out, depth, at);
            case ondemand::json_type::number:
                return read_number(in, out);
            case ondemand::json_type::string: {
                std::string_view text;
                if (auto error = in.get_string().get(text)) return fail(error, at);
                out = Value(text);
                return true;
            }
            case ondemand::json_type::boolean: {
                bool boolean;
                if (in.get_bool().get(boolean)) return fail(kBadKeyword, at);
                out = Value(boolean);
                return true;
            }
            case ondemand::json_type::null: {
                bool null;
                if (in.is_null().get(null) || !null) return fail(kBadKeyword, at);
                out = Value();
                return true;
            }
        }
        return fail("a value was expected", at);
    }

    bool fail(simdjson::error_code error, const char* where) { return fail(describe(error), where); }
    bool fail(std::string what, const char* where) {
        failure_ = {std::move(what), where};
        return false;
    }
    const Failure& failure() const { return failure_; }

    static std::string describe(simdjson::error_code error) {
        switch (error) {
            case simdjson::UTF8_ERROR:
                return "invalid UTF-8";
            case simdjson::UNCLOSED_STRING:
                return "a string is not closed";
            case simdjson::UNESCAPED_CHARS:
                return "a control character in a string must be escaped";
            case simdjson::STRING_ERROR:
                return "invalid escape in a string";
            case simdjson::EMPTY:
                return "a value was expected, but the text is empty";
            case simdjson::INCOMPLETE_ARRAY_OR_OBJECT:
                return "an array or object is not closed";
            default:
                return "syntax error";
        }
    }

  private:
    bool read_array(ondemand::value in, Value& out, int depth, const char* at) {
        if (depth >= kMaxDepth) return fail(fmt::format("nested more than {} deep", kMaxDepth), at);
        ondemand::array array;
        if (auto error = in.get_array().get(array)) return fail(error, at);
        size_t mark = values_.size();
        for (auto element : array) {
            ondemand::value value;
            if (auto error = element.get(value)) return fail(error, at);
            at = value.raw_json_token().data();
            Value item;
            if (!read(value, item, depth + 1)) return false;
            values_.push_back(std::move(item));
        }
        out = Value(take_from<Array>(values_, mark));
        return true;
    }

    bool read_object(ondemand::value in, Value& out, int depth, const char* at) {
        if (depth >= kMaxDepth) return fail(fmt::format("nested more than {} deep", kMaxDepth), at);
        ondemand::object object;
        if (auto error = in.get_object().get(object)) return fail(error, at);
        size_t mark = members_.size();
        for (auto field : object) {
            std::string_view name;
            ondemand::value value;
            if (field.error()) return fail(field.error(), at);
            if (auto error = field.unescaped_key().get(name)) return fail(error, at);
            std::string key(name);
            if (auto error = field.value().get(value)) return fail(error, at);
            at = value.raw_json_token().data();
            Value item;
            if (!read(value, item, depth + 1)) return false;
            members_.emplace_back(std::move(key), std::move(item));
        }
        Object members(take_from<std::vector<Member>>(members_, mark));
        keep_last(members);
        out = Value(std::move(members));
        return true;
    }

    bool read_number(ondemand::value in, Value& out) {
        // The token reaches to the next structural character and may end in white space.
        std::string_view token = in.raw_json_token();
        size_t length = 0;
        std::optional<Value> number = json::read_number(token, length);
        if (!number) return fail("invalid number, or one out of range", token.data());
        for (char c : token.substr(length)) {
            if (c != ' ' && c != '\t' && c != '\n' && c != '\r') return fail("invalid number", token.data());
        }
        // Moves the parser past the number; its opinion of the value does not matter.
        (void)in.get_double();
        out = *std::move(number);
        return true;
    }

    // Of members with the same name the last one counts, in the place of the first.
    static void keep_last(Object& members) {
        if (!has_duplicates(members)) return;
        Object kept;
        for (Member& member : members) kept.set(member.first, std::move(member.second));
        members = std::move(kept);
    }

    static bool has_duplicates(const Object& members) {
        if (members.size() <= 8) {
            for (auto a = members.begin(); a != members.end(); ++a) {
                for (auto b = members.begin(); b != a; ++b) {
                    if (a->first == b->first) return true;
                }
            }
            return false;
        }
        HashSet<std::string_view> names;
        names.reserve(members.size());
        for (const Member& member : members) {
            if (!names.insert(member.first).second) return true;
        }
        return false;
    }

    // What was pushed after `mark`, in a vector of exactly that size.
    template <typename Out>
    static Out take_from(Out& stack, size_t mark) {
        auto first = stack.begin() + static_cast<ptrdiff_t>(mark);
        Out taken(std::make_move_iterator(first), std::make_move_iterator(stack.end()));
        stack.erase(first, stack.end());
        return taken;
    }

    // The members of the arrays and objects being read, the outer ones first: an array is allocated once,
    // when its size is known.
    Array values_;
    std::vector<Member> members_;
    Failure failure_;
};

// The parser and its buffer, kept from text to text.
struct Workspace {
    ondemand::parser parser;
    // The text in brackets, so that a number or string alone is not a case of its own, and padding.
    std::string buffer;
};

// Where the first byte is that breaks UTF-8 (RFC 3629), or the size of the text.
size_t valid_utf8_prefix(std::string_view text) {
    size_t good = 0;
    while (good < text.size()) {
        size_t length = 1;
        while (length <= 4 && good + length <= text.size() &&
               !simdjson::validate_utf8(text.data() + good, length)) {
            ++length;
        }
        if (length > 4 || good + length > text.size()) return good;
        good += length;
    }
    return good;
}

// The parser reports these without a place: the first control character in a string, or the start of the
// string that does not end.
size_t bad_string_place(std::string_view text) {
    bool in_string = false;
    size_t start = 0;
    for (size_t i = 0; i < text.size(); ++i) {
        if (in_string && static_cast<unsigned char>(text[i]) < 0x20) return i;
        if (in_string && text[i] == '\\') {
            ++i;
        } else if (text[i] == '"') {
            in_string = !in_string;
            start = i;
        }
    }
    return start;
}

Error located(std::string_view text, const std::string& what, size_t offset) {
    offset = std::min(offset, text.size());
    size_t line = 1, line_start = 0;
    for (size_t i = 0; i < offset; ++i) {
        if (text[i] == '\n') {
            ++line;
            line_start = i + 1;
        }
    }
    return Error{fmt::format("line {}, column {}: {}", line, offset - line_start + 1, what)};
}

Result<Value> parse_in(Workspace& workspace, std::string_view text) {
    std::string& buffer = workspace.buffer;
    buffer.reserve(text.size() + 2 + simdjson::SIMDJSON_PADDING);
    buffer = '[';
    buffer += text;
    buffer += ']';
    size_t size = buffer.size();
    buffer.append(simdjson::SIMDJSON_PADDING, ' ');
    const char* begin = buffer.data() + 1;

    ondemand::document document;
    if (auto error = workspace.parser.iterate(buffer.data(), size, buffer.size()).get(document)) {
        size_t place = text.size();
        if (error == simdjson::UTF8_ERROR) place = valid_utf8_prefix(text);
        if (error == simdjson::UNCLOSED_STRING || error == simdjson::UNESCAPED_CHARS) {
            place = bad_string_place(text);
        }
        return located(text, Reader::describe(error), place);
    }
    Reader reader;
    Value out;
    size_t count = 0;
    auto failed = [&](const Failure& failure) {
        return located(text, failure.what, failure.where ? static_cast<size_t>(failure.where - begin) : 0);
    };
    ondemand::array array;
    if (auto error = document.get_array().get(array)) return failed({Reader::describe(error), begin});
    for (auto element : array) {
        ondemand::value value;
        if (auto error = element.get(value)) return failed({Reader::describe(error), begin});
        if (++count > 1) return failed({"more follows after the value", value.raw_json_token().data()});
        if (!reader.read(value, out, 0)) return failed(reader.failure());
    }
    if (count == 0) return failed({Reader::describe(simdjson::EMPTY), begin});
    // At the end of the text there is no location to give.
    const char* rest;
    if (!document.current_location().get(rest)) return failed({"more follows after the value", rest});
    return out;
}

}  // namespace

Result<Value> parse(std::string_view text) {
    ShortLived allocations;
    static thread_local Workspace workspace;
    Result<Value> result = parse_in(workspace, text);
    // Not by an assignment: a string that is assigned a short one keeps its memory.
    if (text.size() > kKeepBytes) std::destroy_at(&workspace), std::construct_at(&workspace);
    return result;
}

}  // namespace weft::json
