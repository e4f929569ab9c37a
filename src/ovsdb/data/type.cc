#include "ovsdb/data/type.h"

#include <fmt/format.h>

#include "ovsdb/data/datum_json.h"
#include "ovsdb/data/datum_text.h"
#include "ovsdb/data/object_parser.h"

namespace weft::ovsdb {

namespace {

constexpr int64_t kMinInteger = std::numeric_limits<int64_t>::min();
constexpr int64_t kMaxInteger = std::numeric_limits<int64_t>::max();
constexpr double kMinReal = std::numeric_limits<double>::lowest();
constexpr double kMaxReal = std::numeric_limits<double>::max();

// "V is not in the valid range…", of integers and reals alike; without a limit that is the type's own.
DbError range_error(const std::string& value, bool has_min, const std::string& min, bool has_max,
                    const std::string& max) {
    if (has_min && has_max) {
        return DbError("constraint violation",
                       fmt::format("{} is not in the valid range {} to {} (inclusive)", value, min, max));
    }
    if (has_min) {
        return DbError("constraint violation",
                       fmt::format("{} is less than minimum allowed value {}", value, min));
    }
    return DbError("constraint violation",
                   fmt::format("{} is greater than maximum allowed value {}", value, max));
}

std::string real_text(double real) {
    return fmt::format("{:.15g}", real);
}

uint32_t code_points(std::string_view text) {
    uint32_t count = 0;
    for (char c : text) count += (c & 0xc0) != 0x80;
    return count;
}

DbResult<AtomType> atom_type_from_json(const json::Value& json) {
    if (const std::string* name = json.as_string()) {
        AtomType type = atom_type_from_string(*name);
        if (type != AtomType::kVoid) return type;
        return syntax_error(json, fmt::format("\"{}\" is not an atomic-type", *name));
    }
    return syntax_error(json, "atomic-type expected");
}

void parse_integer_limits(ObjectParser& parser, const json::Value& json, BaseType& base) {
    if (const json::Value* v = parser.optional("minInteger", ObjectParser::kInteger))
        base.min_integer = *v->as_integer();
    if (const json::Value* v = parser.optional("maxInteger", ObjectParser::kInteger))
        base.max_integer = *v->as_integer();
    if (base.min_integer > base.max_integer) parser.fail(syntax_error(json, "minInteger exceeds maxInteger"));
}

double number(const json::Value& value) {
    return value.is_integer() ? static_cast<double>(*value.as_integer()) : *value.as_real();
}

void parse_real_limits(ObjectParser& parser, const json::Value& json, BaseType& base) {
    if (const json::Value* v = parser.optional("minReal", ObjectParser::kNumber)) base.min_real = number(*v);
    if (const json::Value* v = parser.optional("maxReal", ObjectParser::kNumber)) base.max_real = number(*v);
    if (base.min_real > base.max_real) parser.fail(syntax_error(json, "minReal exceeds maxReal"));
}

void parse_length(ObjectParser& parser, std::string_view name, uint32_t& out) {
    const json::Value* v = parser.optional(name, ObjectParser::kInteger);
    if (!v) return;
    int64_t length = *v->as_integer();
    if (length < 0 || length > UINT32_MAX) {
        parser.fail(syntax_error(*v, fmt::format("{} out of valid range 0 to {}", name, UINT32_MAX)));
        return;
    }
    out = static_cast<uint32_t>(length);
}

void parse_reference(ObjectParser& parser, const json::Value& json, BaseType& base) {
    const json::Value* table = parser.optional("refTable", ObjectParser::kId);
    if (!table) return;
    base.ref_table = *table->as_string();
    const json::Value* type = parser.optional("refType", ObjectParser::kId);
    if (!type) return;
    if (*type->as_string() == "weak") {
        base.ref_type = RefType::kWeak;
    } else if (*type->as_string() != "strong") {
        parser.fail(syntax_error(
            json, fmt::format("refType must be \"strong\" or \"weak\" (not \"{}\")", *type->as_string())));
    }
}

}  // namespace

bool BaseType::has_constraints() const {
    return enumeration || min_integer != kMinInteger || max_integer != kMaxInteger || min_real != kMinReal ||
           max_real != kMaxReal || min_length != 0 || max_length != UINT32_MAX;
}

bool BaseType::operator==(const BaseType& other) const {
    if ((enumeration == nullptr) != (other.enumeration == nullptr)) return false;
    if (enumeration && !(*enumeration == *other.enumeration)) return false;
    return type == other.type && ref_type == other.ref_type && min_integer == other.min_integer &&
           max_integer == other.max_integer && min_real == other.min_real && max_real == other.max_real &&
           min_length == other.min_length && max_length == other.max_length && ref_table == other.ref_table;
}

DbResult<void> BaseType::check(const AtomView& atom) const {
    if (enumeration) {
        if (enumeration->contains(atom)) return {};
        ColumnType set{.key = {.type = type}, .value = {}, .min = 1, .max = ColumnType::kUnlimited};
        std::string allowed = to_text(*enumeration, set);
        std::string given;
        append_text(given, atom);
        return DbError("constraint violation",
                       fmt::format("{} is not one of the allowed values ({})", given, allowed));
    }
    if (type == AtomType::kInteger && (atom.integer() < min_integer || atom.integer() > max_integer)) {
        return range_error(fmt::to_string(atom.integer()), min_integer != kMinInteger,
                           fmt::to_string(min_integer), max_integer != kMaxInteger,
                           fmt::to_string(max_integer));
    }
    if (type == AtomType::kReal && (atom.real() < min_real || atom.real() > max_real)) {
        return range_error(real_text(atom.real()), min_real != kMinReal, real_text(min_real),
                           max_real != kMaxReal, real_text(max_real));
    }
    if (type == AtomType::kString && (min_length || max_length != UINT32_MAX)) {
        uint32_t length = code_points(atom.string());
        if (length < min_length) {
            return DbError("constraint violation",
                           fmt::format("\"{}\" length {} is less than minimum allowed length {}",
                                       atom.string(), length, min_length));
        }
        if (length > max_length) {
            return DbError("constraint violation",
                           fmt::format("\"{}\" length {} is greater than maximum allowed length {}",
                                       atom.string(), length, max_length));
        }
    }
    return {};
}

DbResult<BaseType> BaseType::from_json(const json::Value& json) {
    BaseType base;
    if (json.is_string()) {
        auto type = atom_type_from_json(json);
        if (!type) return type.error();
        base.type = *type;
        return base;
    }
    ObjectParser parser(json, "ovsdb type");
    if (const json::Value* name = parser.required("type", ObjectParser::kString)) {
        auto type = atom_type_from_json(*name);
        if (type) {
            base.type = *type;
        } else {
            parser.fail(type.error());
        }
    }
    if (const json::Value* values = parser.optional("enum", ObjectParser::kAny)) {
        ColumnType set{.key = {.type = base.type}, .value = {}, .min = 1, .max = ColumnType::kUnlimited};
        auto datum = datum_from_json(set, *values);
        if (datum) {
            base.enumeration = std::make_shared<const Datum>(*std::move(datum));
        } else {
            parser.fail(datum.error());
        }
    } else if (parser.ok()) {
        switch (base.type) {
            case AtomType::kInteger:
                parse_integer_limits(parser, json, base);
                break;
            case AtomType::kReal:
                parse_real_limits(parser, json, base);
                break;
            case AtomType::kString:
                parse_length(parser, "minLength", base.min_length);
                parse_length(parser, "maxLength", base.max_length);
                if (base.min_length > base.max_length)
                    parser.fail(syntax_error(json, "minLength exceeds maxLength"));
                break;
            case AtomType::kUuid:
                parse_reference(parser, json, base);
                break;
            case AtomType::kVoid:
            case AtomType::kBoolean:
                break;
        }
    }
    if (auto finished = parser.finish(); !finished) return finished.error();
    return base;
}

json::Value BaseType::to_json() const {
    json::Object object;
    object.add("type", std::string(to_string(type)));
    if (enumeration) object.add("enum", ovsdb::to_json(*enumeration));
    if (min_integer != kMinInteger) object.add("minInteger", min_integer);
    if (max_integer != kMaxInteger) object.add("maxInteger", max_integer);
    if (min_real != kMinReal) object.add("minReal", min_real);
    if (max_real != kMaxReal) object.add("maxReal", max_real);
    if (min_length) object.add("minLength", min_length);
    if (max_length != UINT32_MAX) object.add("maxLength", max_length);
    if (!ref_table.empty()) {
        object.add("refTable", ref_table);
        if (ref_type == RefType::kWeak) object.add("refType", "weak");
    }
    if (object.size() == 1) return std::string(to_string(type));
    return object;
}

DbResult<void> ColumnType::check(const Datum& datum) const {
    if (datum.size() < min || datum.size() > max) {
        return DbError("constraint violation",
                       fmt::format("Attempted to store {} elements in {}.", datum.size(), to_english()));
    }
    for (uint32_t i = 0; key.has_constraints() && i < datum.size(); ++i) {
        if (auto checked = key.check(datum.key(i)); !checked) return checked;
    }
    for (uint32_t i = 0; is_map() && value.has_constraints() && i < datum.size(); ++i) {
        if (auto checked = value.check(datum.value(i)); !checked) return checked;
    }
    return {};
}

DbResult<ColumnType> ColumnType::from_json(const json::Value& json) {
    ColumnType type;
    if (json.is_string()) {
        auto key = BaseType::from_json(json);
        if (!key) return key.error();
        type.key = *std::move(key);
        return type;
    }
    if (!json.is_object()) return syntax_error(json, "string or object expected");
    ObjectParser parser(json, "ovsdb type");
    auto base = [&](const json::Value* member, BaseType& out) {
        if (!member) return;
        auto parsed = BaseType::from_json(*member);
        if (parsed) {
            out = *std::move(parsed);
        } else {
            parser.fail(parsed.error());
        }
    };
    auto count = [&](const json::Value* member, uint32_t& out) {
        if (!member) return;
        const int64_t* n = member->as_integer();
        const std::string* word = member->as_string();
        if (n && *n >= 0 && *n < UINT32_MAX) {
            out = static_cast<uint32_t>(*n);
        } else if (word && *word == "unlimited") {
            out = kUnlimited;
        } else {
            parser.fail(syntax_error(*member, "bad min or max value"));
        }
    };
    base(parser.required("key", ObjectParser::kString | ObjectParser::kObject), type.key);
    base(parser.optional("value", ObjectParser::kString | ObjectParser::kObject), type.value);
    count(parser.optional("min", ObjectParser::kInteger), type.min);
    count(parser.optional("max", ObjectParser::kInteger | ObjectParser::kString), type.max);
    if (auto finished = parser.finish(); !finished) return finished.error();
    if (type.min > 1 || type.max < 1 || type.min > type.max) {
        return syntax_error(json, "ovsdb type fails constraint checks");
    }
    return type;
}

json::Value ColumnType::to_json() const {
    json::Value key_json = key.to_json();
    if (is_scalar() && key_json.is_string()) return key_json;
    json::Object object;
    object.add("key", std::move(key_json));
    if (is_map()) object.add("value", value.to_json());
    if (min != 1) object.add("min", min);
    if (max == kUnlimited) {
        object.add("max", "unlimited");
    } else if (max != 1) {
        object.add("max", max);
    }
    return object;
}

std::string ColumnType::to_english() const {
    std::string name(to_string(key.type));
    if (is_scalar()) return name;
    std::string out = is_map() ? "map of " : "set of ";
    if (max == kUnlimited) {
        if (min) out += fmt::format("{} or more ", min);
    } else if (min) {
        out += fmt::format("{} to {} ", min, max);
    } else {
        out += fmt::format("up to {} ", max);
    }
    return out + (is_map() ? fmt::format("({}, {}) pairs", name, to_string(value.type)) : name + "s");
}

}  // namespace weft::ovsdb
