#include "ovsdb/data/datum_json.h"

#include <fmt/format.h>

#include <cmath>

#include "json/text.h"
#include "ovsdb/data/schema.h"

namespace weft::ovsdb {

namespace {

json::Value tagged(const char* tag, json::Value value) {
    json::Array array;
    array.reserve(2);
    array.emplace_back(tag);
    array.push_back(std::move(value));
    return array;
}

// ["TAG", x] -> x
const json::Value* untag(const json::Value& json, std::string_view tag) {
    const json::Array* array = json.as_array();
    if (!array || array->size() != 2) return nullptr;
    const std::string* name = (*array)[0].as_string();
    return name && *name == tag ? &(*array)[1] : nullptr;
}

bool starts_with_tag(const json::Value& json, std::string_view tag) {
    const json::Array* array = json.as_array();
    if (!array || array->empty()) return false;
    const std::string* name = (*array)[0].as_string();
    return name && *name == tag;
}

DbResult<Uuid> uuid_from_json(const BaseType& type, const json::Value& json, SymbolTable* symbols) {
    if (const json::Value* text = untag(json, "uuid"); text && text->is_string()) {
        if (auto uuid = Uuid::parse(*text->as_string())) return *uuid;
        return syntax_error(json, fmt::format("\"{}\" is not a valid UUID", *text->as_string()));
    }
    if (const json::Value* name = untag(json, "named-uuid"); name && name->is_string() && symbols) {
        if (!is_identifier(*name->as_string())) {
            return syntax_error(json, fmt::format("\"{}\" is not a valid <id>", *name->as_string()));
        }
        Symbol& symbol = symbols->get(*name->as_string());
        if (type.is_strong_ref()) symbol.strong_ref = true;
        if (type.is_weak_ref()) symbol.weak_ref = true;
        return symbol.uuid;
    }
    return syntax_error(json, "expected [\"uuid\", <string>]");
}

// What an atom's view shows: an integer needs no storage, a UUID does.
DbResult<AtomView> view_from_json(const BaseType& type, const json::Value& json, SymbolTable* symbols,
                                  Uuid* uuid) {
    switch (type.type) {
        case AtomType::kVoid:
            break;
        case AtomType::kInteger:
            if (const int64_t* v = json.as_integer()) return AtomView(*v);
            if (const double* v = json.as_real(); v && *v == std::trunc(*v) && std::abs(*v) < 9.2e18) {
                return AtomView(static_cast<int64_t>(*v));
            }
            break;
        case AtomType::kReal:
            if (const double* v = json.as_real()) return AtomView(*v);
            if (const int64_t* v = json.as_integer()) return AtomView(static_cast<double>(*v));
            break;
        case AtomType::kBoolean:
            if (const bool* v = json.as_bool()) return AtomView(*v);
            break;
        case AtomType::kString:
            if (const std::string* v = json.as_string()) return AtomView(*v);
            break;
        case AtomType::kUuid: {
            auto parsed = uuid_from_json(type, json, symbols);
            if (!parsed) return parsed.error();
            *uuid = *parsed;
            return AtomView(*uuid);
        }
    }
    return syntax_error(json, fmt::format("expected {}", to_string(type.type)));
}

DbResult<AtomView> checked_view(const BaseType& type, const json::Value& json, SymbolTable* symbols,
                                Uuid* uuid) {
    auto view = view_from_json(type, json, symbols, uuid);
    if (view && type.has_constraints()) {
        if (auto checked = type.check(*view); !checked) return checked.error();
    }
    return view;
}

DbError size_error(const json::Value& json, const ColumnType& type, bool is_map, size_t count) {
    const char* what = is_map ? "map" : "set";
    if (type.min == 1 && type.max == 1) {
        return syntax_error(json,
                            fmt::format("{} must have exactly one member but {} are present", what, count));
    }
    return syntax_error(
        json, type.max == ColumnType::kUnlimited
                  ? fmt::format("{} must have {} or more members but {} are present", what, type.min, count)
                  : fmt::format("{} must have {} to {} members but {} are present", what, type.min, type.max,
                                count));
}

DbResult<Datum> map_from_json(const ColumnType& type, const json::Value& json, SymbolTable* symbols,
                              bool sized) {
    const json::Value* inner = untag(json, "map");
    const json::Array* pairs = inner ? inner->as_array() : nullptr;
    if (!pairs) return syntax_error(json, "expected [\"map\", <array>]");
    if (sized && (pairs->size() < type.min || pairs->size() > type.max)) {
        return size_error(json, type, true, pairs->size());
    }
    std::vector<Uuid> uuids(pairs->size() * 2);
    DatumBuilder builder(type.key.type, type.value.type);
    builder.reserve(pairs->size());
    for (size_t i = 0; i < pairs->size(); ++i) {
        const json::Array* pair = (*pairs)[i].as_array();
        if (!pair || pair->size() != 2) return syntax_error((*pairs)[i], "expected 2-element array");
        auto key = checked_view(type.key, (*pair)[0], symbols, &uuids[2 * i]);
        if (!key) return key.error();
        auto value = checked_view(type.value, (*pair)[1], symbols, &uuids[2 * i + 1]);
        if (!value) return value.error();
        builder.add(*key, *value);
    }
    uint32_t duplicates;
    Datum datum = builder.finish(&duplicates);
    if (duplicates) return DbError("ovsdb error", "map contains duplicate key");
    return datum;
}

DbResult<Datum> set_from_json(const ColumnType& type, const json::Value& json, SymbolTable* symbols,
                              bool sized) {
    if (!starts_with_tag(json, "set")) {
        Uuid uuid;
        auto view = checked_view(type.key, json, symbols, &uuid);
        if (!view) return view.error();
        return Datum::of(*view);
    }
    const json::Value* inner = untag(json, "set");
    const json::Array* elements = inner ? inner->as_array() : nullptr;
    if (!elements) return syntax_error(json, "expected [\"set\", <array>]");
    if (sized && (elements->size() < type.min || elements->size() > type.max)) {
        return size_error(json, type, false, elements->size());
    }
    std::vector<Uuid> uuids(type.key.type == AtomType::kUuid ? elements->size() : 1);
    DatumBuilder builder(type.key.type);
    builder.reserve(elements->size());
    for (size_t i = 0; i < elements->size(); ++i) {
        auto key =
            checked_view(type.key, (*elements)[i], symbols, &uuids[type.key.type == AtomType::kUuid ? i : 0]);
        if (!key) return key.error();
        builder.add(*key);
    }
    uint32_t duplicates;
    Datum datum = builder.finish(&duplicates);
    if (duplicates) return DbError("ovsdb error", "set contains duplicate");
    return datum;
}

DbResult<Datum> from_json(const ColumnType& type, const json::Value& json, SymbolTable* symbols, bool sized) {
    return type.is_map() ? map_from_json(type, json, symbols, sized)
                         : set_from_json(type, json, symbols, sized);
}

}  // namespace

void append_json(std::string& out, const AtomView& atom) {
    switch (atom.type()) {
        case AtomType::kVoid:
            out += "null";
            break;
        case AtomType::kInteger:
            json::append_integer(out, atom.integer());
            break;
        case AtomType::kReal:
            json::append_text(out, json::Value(atom.real()));
            break;
        case AtomType::kBoolean:
            out += atom.boolean() ? "true" : "false";
            break;
        case AtomType::kString:
            json::append_string(out, atom.string());
            break;
        case AtomType::kUuid:
            out += "[\"uuid\",\"";
            atom.uuid().append_to(out);
            out += "\"]";
            break;
    }
}

void append_json(std::string& out, const Datum& datum) {
    if (datum.is_map()) {
        out += "[\"map\",[";
        for (uint32_t i = 0; i < datum.size(); ++i) {
            out += i ? ",[" : "[";
            append_json(out, datum.key(i));
            out += ',';
            append_json(out, datum.value(i));
            out += ']';
        }
        out += "]]";
    } else if (datum.size() == 1) {
        append_json(out, datum.key(0));
    } else {
        out += "[\"set\",[";
        for (uint32_t i = 0; i < datum.size(); ++i) {
            if (i) out += ',';
            append_json(out, datum.key(i));
        }
        out += "]]";
    }
}

json::Value to_json(const AtomView& atom) {
    switch (atom.type()) {
        case AtomType::kVoid:
            return nullptr;
        case AtomType::kInteger:
            return atom.integer();
        case AtomType::kReal:
            return atom.real();
        case AtomType::kBoolean:
            return atom.boolean();
        case AtomType::kString:
            return atom.string();
        case AtomType::kUuid:
            return tagged("uuid", atom.uuid().to_string());
    }
    return nullptr;
}

json::Value to_json(const Datum& datum) {
    if (!datum.is_map() && datum.size() == 1) return to_json(datum.key(0));
    json::Array elements;
    elements.reserve(datum.size());
    for (uint32_t i = 0; i < datum.size(); ++i) {
        if (datum.is_map()) {
            json::Array pair;
            pair.push_back(to_json(datum.key(i)));
            pair.push_back(to_json(datum.value(i)));
            elements.emplace_back(std::move(pair));
        } else {
            elements.push_back(to_json(datum.key(i)));
        }
    }
    return tagged(datum.is_map() ? "map" : "set", std::move(elements));
}

DbResult<Atom> atom_from_json(const BaseType& type, const json::Value& json, SymbolTable* symbols) {
    Uuid uuid;
    auto view = checked_view(type, json, symbols, &uuid);
    if (!view) return view.error();
    return Atom(*view);
}

DbResult<Datum> datum_from_json(const ColumnType& type, const json::Value& json, SymbolTable* symbols) {
    return from_json(type, json, symbols, true);
}

DbResult<Datum> datum_from_json_unsized(const ColumnType& type, const json::Value& json,
                                        SymbolTable* symbols) {
    return from_json(type, json, symbols, false);
}

}  // namespace weft::ovsdb
