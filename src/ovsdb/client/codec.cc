#include <optional>

#include "base/hash_map.h"
#include "json/number.h"
#include "json/text.h"
#include "json/value.h"
#include "ovsdb/client/table_info.h"
#include "ovsdb/data/datum.h"

namespace weft::ovsdb::client {
namespace {

Error unreadable(const json::Value& value, const char* expected) {
    return Error{std::string("not ") + expected + ": " + json::to_text(value).substr(0, 200)};
}

// Element<T>: one atom of C++ type T.
template <typename T>
struct Element;

template <>
struct Element<int64_t> {
    static constexpr AtomType kType = AtomType::kInteger;
    static constexpr const char* kName = "an integer";
    static bool read(const json::Value& value, int64_t& out) {
        const int64_t* number = value.as_integer();
        if (number) out = *number;
        return number;
    }
    static json::Value write(int64_t value, const RowNames*) { return value; }
    static void append(std::string& out, int64_t value, const RowNames*) { json::append_integer(out, value); }
    static int64_t from_atom(const AtomView& atom) { return atom.integer(); }
};

template <>
struct Element<double> {
    static constexpr AtomType kType = AtomType::kReal;
    static constexpr const char* kName = "a number";
    static bool read(const json::Value& value, double& out) {
        if (const double* real = value.as_real()) return out = *real, true;
        if (const int64_t* number = value.as_integer()) return out = static_cast<double>(*number), true;
        return false;
    }
    static json::Value write(double value, const RowNames*) { return value; }
    static void append(std::string& out, double value, const RowNames*) { json::append_real(out, value); }
    static double from_atom(const AtomView& atom) { return atom.real(); }
};

template <>
struct Element<bool> {
    static constexpr AtomType kType = AtomType::kBoolean;
    static constexpr const char* kName = "a boolean";
    static bool read(const json::Value& value, bool& out) {
        const bool* boolean = value.as_bool();
        if (boolean) out = *boolean;
        return boolean;
    }
    static json::Value write(bool value, const RowNames*) { return value; }
    static void append(std::string& out, bool value, const RowNames*) { out += value ? "true" : "false"; }
    static bool from_atom(const AtomView& atom) { return atom.boolean(); }
};

template <>
struct Element<std::string> {
    static constexpr AtomType kType = AtomType::kString;
    static constexpr const char* kName = "a string";
    static bool read(const json::Value& value, std::string& out) {
        const std::string* string = value.as_string();
        if (string) out = *string;
        return string;
    }
    static json::Value write(const std::string& value, const RowNames*) { return value; }
    static void append(std::string& out, const std::string& value, const RowNames*) {
        json::append_string(out, value);
    }
    static std::string from_atom(const AtomView& atom) { return std::string(atom.string()); }
};

// The second half of ["TAG", second], or nullptr.
const json::Value* tagged(const json::Value& value, std::string_view tag) {
    const json::Array* array = value.as_array();
    if (!array || array->size() != 2) return nullptr;
    const std::string* string = (*array)[0].as_string();
    return string && *string == tag ? &(*array)[1] : nullptr;
}

template <>
struct Element<Uuid> {
    static constexpr AtomType kType = AtomType::kUuid;
    static constexpr const char* kName = "a uuid";
    static bool read(const json::Value& value, Uuid& out) {
        const json::Value* text = tagged(value, "uuid");
        const std::string* string = text ? text->as_string() : nullptr;
        std::optional<Uuid> uuid = string ? Uuid::parse(*string) : std::nullopt;
        if (uuid) out = *uuid;
        return uuid.has_value();
    }
    static json::Value write(const Uuid& value, const RowNames* names) {
        std::string name = names ? names->name_of(value) : std::string();
        if (name.empty()) return json::Array{"uuid", value.to_string()};
        return json::Array{"named-uuid", std::move(name)};
    }
    static void append(std::string& out, const Uuid& value, const RowNames* names) {
        std::string name = names ? names->name_of(value) : std::string();
        if (name.empty()) {
            out += "[\"uuid\",\"";
            value.append_to(out);
        } else {
            out.append("[\"named-uuid\",\"").append(name);
        }
        out += "\"]";
    }
    static Uuid from_atom(const AtomView& atom) { return atom.uuid(); }
};

// The elements of ["set", [...]], or the value alone as a set of one.
template <typename T>
Result<std::vector<T>> read_elements(const json::Value& value) {
    std::vector<T> out;
    if (const json::Value* list = tagged(value, "set")) {
        if (!list->is_array()) return unreadable(value, "a set");
        out.reserve(list->as_array()->size());
        for (const json::Value& each : *list->as_array()) {
            T element{};
            if (!Element<T>::read(each, element)) return unreadable(each, Element<T>::kName);
            out.push_back(std::move(element));
        }
        return out;
    }
    T element{};
    if (!Element<T>::read(value, element)) return unreadable(value, Element<T>::kName);
    out.push_back(std::move(element));
    return out;
}

// Shape<F>: what a field of type F (a scalar, an optional value, a set, a map) is.
template <typename T>
struct Shape {
    static constexpr bool kComposite = false;
    static Result<T> read(const json::Value& value) {
        WEFT_ASSIGN(std::vector<T> elements, read_elements<T>(value));
        if (elements.size() != 1) return unreadable(value, Element<T>::kName);
        return T(std::move(elements[0]));
    }
    static void toggle(T& field, T&& diff) { field = std::move(diff); }
    static json::Value write(const T& field, const RowNames* names) {
        return Element<T>::write(field, names);
    }
    static void append(std::string& out, const T& field, const RowNames* names) {
        Element<T>::append(out, field, names);
    }
    static Datum datum(const T& field) { return Datum::of(AtomView(field)); }
    static T from_datum(const Datum& datum) {
        return datum.empty() ? T{} : Element<T>::from_atom(datum.key(0));
    }
    static void add(T&, const T&) { assert(!"a scalar has no elements"); }
    static void subtract(T&, const T&) { assert(!"a scalar has no elements"); }
    static size_t hash(const T& field) { return absl::HashOf(field); }
};

template <typename T>
struct Shape<std::optional<T>> {
    using Field = std::optional<T>;
    static constexpr bool kComposite = false;
    static Result<Field> read(const json::Value& value) {
        WEFT_ASSIGN(std::vector<T> elements, read_elements<T>(value));
        if (elements.size() > 1) return unreadable(value, "a set of at most one element");
        return elements.empty() ? Field() : Field(std::move(elements[0]));
    }
    static void toggle(Field& field, Field&& diff) { field = std::move(diff); }
    static json::Value write(const Field& field, const RowNames* names) {
        if (!field) return json::Array{"set", json::Array{}};
        return Element<T>::write(*field, names);
    }
    static void append(std::string& out, const Field& field, const RowNames* names) {
        if (!field) {
            out += "[\"set\",[]]";
        } else {
            Element<T>::append(out, *field, names);
        }
    }
    static Datum datum(const Field& field) {
        return field ? Datum::of(AtomView(*field)) : Datum::empty_set(Element<T>::kType);
    }
    static Field from_datum(const Datum& datum) {
        return datum.empty() ? Field() : Field(Element<T>::from_atom(datum.key(0)));
    }
    static void add(Field& field, const Field& elements) {
        if (elements) field = elements;
    }
    static void subtract(Field& field, const Field& elements) {
        if (field == elements) field.reset();
    }
    static size_t hash(const Field& field) { return absl::HashOf(field); }
};

template <typename T>
struct Shape<Set<T>> {
    using Field = Set<T>;
    static constexpr bool kComposite = true;
    static Result<Field> read(const json::Value& value) {
        WEFT_ASSIGN(std::vector<T> elements, read_elements<T>(value));
        return Field(std::move(elements));
    }
    static void toggle(Field& field, Field&& diff) {
        std::vector<T> out;
        out.reserve(field.size() + diff.size());
        std::set_symmetric_difference(field.begin(), field.end(), diff.begin(), diff.end(),
                                      std::back_inserter(out));
        field = Field(std::move(out));
    }
    static json::Value write(const Field& field, const RowNames* names) {
        json::Array list;
        list.reserve(field.size());
        for (const T& each : field) list.push_back(Element<T>::write(each, names));
        if (list.size() == 1) return std::move(list[0]);
        return json::Array{"set", std::move(list)};
    }
    static void append(std::string& out, const Field& field, const RowNames* names) {
        if (field.size() == 1) return Element<T>::append(out, *field.begin(), names);
        out += "[\"set\",[";
        const char* between = "";
        for (const T& each : field) {
            out += std::exchange(between, ",");
            Element<T>::append(out, each, names);
        }
        out += "]]";
    }
    static Datum datum(const Field& field) {
        DatumBuilder builder(Element<T>::kType);
        builder.reserve(field.size());
        for (const T& each : field) builder.add(AtomView(each));
        return builder.finish_sorted();
    }
    static Field from_datum(const Datum& datum) {
        std::vector<T> out;
        out.reserve(datum.size());
        for (uint32_t i = 0; i < datum.size(); i++) out.push_back(Element<T>::from_atom(datum.key(i)));
        return Field(std::move(out));
    }
    static void add(Field& field, const Field& elements) {
        for (const T& each : elements) field.insert(each);
    }
    static void subtract(Field& field, const Field& elements) {
        for (const T& each : elements) field.erase(each);
    }
    static size_t hash(const Field& field) {
        size_t hash = field.size();
        for (const T& each : field) hash = absl::HashOf(hash, each);
        return hash;
    }
};

template <typename K, typename V>
struct Shape<Map<K, V>> {
    using Field = Map<K, V>;
    static constexpr bool kComposite = true;
    static Result<Field> read(const json::Value& value) {
        const json::Value* list = tagged(value, "map");
        if (!list || !list->is_array()) return unreadable(value, "a map");
        std::vector<std::pair<K, V>> pairs;
        pairs.reserve(list->as_array()->size());
        for (const json::Value& each : *list->as_array()) {
            const json::Array* pair = each.as_array();
            K key{};
            V mapped{};
            if (!pair || pair->size() != 2 || !Element<K>::read((*pair)[0], key) ||
                !Element<V>::read((*pair)[1], mapped)) {
                return unreadable(each, "a pair of a map");
            }
            pairs.emplace_back(std::move(key), std::move(mapped));
        }
        return Field(std::move(pairs));
    }
    // A pair that is there goes, another value for a key that is there replaces, a new key is added.
    static void toggle(Field& field, Field&& diff) {
        for (const auto& [key, value] : diff) {
            const V* old = field.find(key);
            if (old && *old == value) {
                field.erase(key);
            } else {
                field.set(key, value);
            }
        }
    }
    static json::Value write(const Field& field, const RowNames* names) {
        json::Array list;
        list.reserve(field.size());
        for (const auto& [key, value] : field) {
            list.push_back(json::Array{Element<K>::write(key, names), Element<V>::write(value, names)});
        }
        return json::Array{"map", std::move(list)};
    }
    static void append(std::string& out, const Field& field, const RowNames* names) {
        out += "[\"map\",[";
        const char* between = "[";
        for (const auto& [key, value] : field) {
            out += std::exchange(between, ",[");
            Element<K>::append(out, key, names);
            out += ',';
            Element<V>::append(out, value, names);
            out += ']';
        }
        out += "]]";
    }
    static Datum datum(const Field& field) {
        DatumBuilder builder(Element<K>::kType, Element<V>::kType);
        builder.reserve(field.size());
        for (const auto& [key, value] : field) builder.add(AtomView(key), AtomView(value));
        return builder.finish_sorted();
    }
    static Field from_datum(const Datum& datum) {
        std::vector<std::pair<K, V>> out;
        out.reserve(datum.size());
        for (uint32_t i = 0; i < datum.size(); i++) {
            out.emplace_back(Element<K>::from_atom(datum.key(i)), Element<V>::from_atom(datum.value(i)));
        }
        return Field(std::move(out));
    }
    static void add(Field& field, const Field& elements) {
        for (const auto& [key, value] : elements) field.set(key, value);
    }
    static void subtract(Field& field, const Field& elements) {
        for (const auto& [key, value] : elements) {
            const V* old = field.find(key);
            if (old && *old == value) field.erase(key);
        }
    }
    static size_t hash(const Field& field) {
        size_t hash = field.size();
        for (const auto& [key, value] : field) hash = absl::HashOf(hash, key, value);
        return hash;
    }
};

// Shape<F> behind pointers.
template <typename F>
struct Erased {
    static F& field(void* p) { return *static_cast<F*>(p); }
    static const F& field(const void* p) { return *static_cast<const F*>(p); }

    static Result<void> from_json(const json::Value& value, void* p) {
        WEFT_ASSIGN(field(p), Shape<F>::read(value));
        return {};
    }
    static Result<void> apply_diff(const json::Value& diff, void* p) {
        WEFT_ASSIGN(F difference, Shape<F>::read(diff));
        Shape<F>::toggle(field(p), std::move(difference));
        return {};
    }
    static json::Value to_json(const void* p, const RowNames* names) {
        return Shape<F>::write(field(p), names);
    }
    static void append_text(std::string& out, const void* p, const RowNames* names) {
        Shape<F>::append(out, field(p), names);
    }
    static Result<void> from_datum(const Datum& datum, void* p) {
        field(p) = Shape<F>::from_datum(datum);
        return {};
    }
    static Datum to_datum(const void* p) { return Shape<F>::datum(field(p)); }
    static bool equal(const void* a, const void* b) { return field(a) == field(b); }
    static void copy(const void* from, void* to) { field(to) = field(from); }
    static void add(void* p, const void* elements) { Shape<F>::add(field(p), field(elements)); }
    static void subtract(void* p, const void* elements) { Shape<F>::subtract(field(p), field(elements)); }
    static size_t hash(const void* p) { return Shape<F>::hash(field(p)); }
};

}  // namespace

template <typename T>
const Codec CodecOf<T>::kValue = {Erased<T>::from_json,   Erased<T>::apply_diff, Erased<T>::to_json,
                                  Erased<T>::append_text, Erased<T>::from_datum, Erased<T>::to_datum,
                                  Erased<T>::equal,       Erased<T>::copy,       Erased<T>::add,
                                  Erased<T>::subtract,    Erased<T>::hash,       Shape<T>::kComposite};

#define WEFT_DEFINE_CODEC(T) template struct CodecOf<T>;
WEFT_FOR_EACH_COLUMN_TYPE(WEFT_DEFINE_CODEC)

}  // namespace weft::ovsdb::client
