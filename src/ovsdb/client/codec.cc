#include <optional>

#include "base/hash_map.h"
#include "json/number.h"
#include "json/text.h"
#include "json/value.h"
#include "json/view.h"
#include "ovsdb/client/table_info.h"
#include "ovsdb/data/datum.h"

namespace weft::ovsdb::client {
namespace {

Error unreadable(const json::View& value, const char* expected) {
    return Error{std::string("not ") + expected + ": " + json::to_text(value.to_value()).substr(0, 200)};
}

// Element<T>: one atom of C++ type T.
template <typename T>
struct Element;

template <>
struct Element<int64_t> {
    static constexpr AtomType kType = AtomType::kInteger;
    static constexpr const char* kName = "an integer";
    static bool read(const json::View& value, int64_t& out) {
        const std::optional<int64_t> number = value.as_integer();
        if (number) out = *number;
        return number.has_value();
    }
    static json::Value write(int64_t value, const RowNames*) { return value; }
    static void append(std::string& out, int64_t value, const RowNames*) { json::append_integer(out, value); }
    static int64_t from_atom(const AtomView& atom) { return atom.integer(); }
};

template <>
struct Element<double> {
    static constexpr AtomType kType = AtomType::kReal;
    static constexpr const char* kName = "a number";
    static bool read(const json::View& value, double& out) {
        const std::optional<double> number = value.as_number();
        if (number) out = *number;
        return number.has_value();
    }
    static json::Value write(double value, const RowNames*) { return value; }
    static void append(std::string& out, double value, const RowNames*) { json::append_real(out, value); }
    static double from_atom(const AtomView& atom) { return atom.real(); }
};

template <>
struct Element<bool> {
    static constexpr AtomType kType = AtomType::kBoolean;
    static constexpr const char* kName = "a boolean";
    static bool read(const json::View& value, bool& out) {
        const std::optional<bool> boolean = value.as_bool();
        if (boolean) out = *boolean;
        return boolean.has_value();
    }
    static json::Value write(bool value, const RowNames*) { return value; }
    static void append(std::string& out, bool value, const RowNames*) { out += value ? "true" : "false"; }
    static bool from_atom(const AtomView& atom) { return atom.boolean(); }
};

template <>
struct Element<std::string> {
    static constexpr AtomType kType = AtomType::kString;
    static constexpr const char* kName = "a string";
    static bool read(const json::View& value, std::string& out) {
        const std::optional<std::string_view> string = value.as_string();
        if (string) out = *string;
        return string.has_value();
    }
    static json::Value write(const std::string& value, const RowNames*) { return value; }
    static void append(std::string& out, const std::string& value, const RowNames*) {
        json::append_string(out, value);
    }
    static std::string from_atom(const AtomView& atom) { return std::string(atom.string()); }
};

// The second half of ["TAG", second], if it is that.
std::optional<json::View> tagged(const json::View& value, std::string_view tag) {
    const std::optional<json::View::Elements> array = value.as_array();
    if (!array) return std::nullopt;
    auto at = array->begin();
    const auto end = array->end();
    if (at == end || (*at).as_string() != tag || ++at == end) return std::nullopt;
    const json::View second = *at;
    return ++at == end ? std::optional(second) : std::nullopt;
}

template <>
struct Element<Uuid> {
    static constexpr AtomType kType = AtomType::kUuid;
    static constexpr const char* kName = "a uuid";
    static bool read(const json::View& value, Uuid& out) {
        const std::optional<json::View> text = tagged(value, "uuid");
        const std::optional<std::string_view> string = text ? text->as_string() : std::nullopt;
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

// Calls take(T&&) for the elements of ["set", [...]], or for the value alone as a set of one, and returns how
// many there were.
template <typename T, typename F>
Result<size_t> read_elements(const json::View& value, F&& take) {
    T only{};
    if (Element<T>::read(value, only)) {
        take(std::move(only));
        return size_t{1};
    }
    const std::optional<json::View> list = tagged(value, "set");
    if (!list) return unreadable(value, Element<T>::kName);
    const std::optional<json::View::Elements> elements = list->as_array();
    if (!elements) return unreadable(value, "a set");
    size_t count = 0;
    for (const json::View& each : *elements) {
        T element{};
        if (!Element<T>::read(each, element)) return unreadable(each, Element<T>::kName);
        take(std::move(element));
        ++count;
    }
    return count;
}

// Shape<F>: what a field of type F (a scalar, an optional value, a set, a map) is.
template <typename T>
struct Shape {
    static constexpr bool kComposite = false;
    static Result<void> read(const json::View& value, T& field) {
        T read{};
        WEFT_ASSIGN(size_t count, read_elements<T>(value, [&](T&& element) { read = std::move(element); }));
        if (count != 1) return unreadable(value, Element<T>::kName);
        field = std::move(read);
        return {};
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
    static Result<void> read(const json::View& value, Field& field) {
        Field read;
        WEFT_ASSIGN(size_t count, read_elements<T>(value, [&](T&& element) { read = std::move(element); }));
        if (count > 1) return unreadable(value, "a set of at most one element");
        field = std::move(read);
        return {};
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
    static Result<void> read(const json::View& value, Field& field) {
        std::vector<T> elements;
        WEFT_TRY(read_elements<T>(value, [&](T&& element) { elements.push_back(std::move(element)); }));
        field = Field(std::move(elements));
        return {};
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
    static Result<void> read(const json::View& value, Field& field) {
        const std::optional<json::View> list = tagged(value, "map");
        const std::optional<json::View::Elements> elements = list ? list->as_array() : std::nullopt;
        if (!elements) return unreadable(value, "a map");
        std::vector<std::pair<K, V>> pairs;
        pairs.reserve(elements->size_hint());
        for (const json::View& each : *elements) {
            std::pair<K, V>& pair = pairs.emplace_back();
            if (!read_pair(each, pair)) return unreadable(each, "a pair of a map");
        }
        field = Field(std::move(pairs));
        return {};
    }
    static bool read_pair(const json::View& value, std::pair<K, V>& pair) {
        const std::optional<json::View::Elements> elements = value.as_array();
        if (!elements) return false;
        auto at = elements->begin();
        const auto end = elements->end();
        if (at == end || !Element<K>::read(*at, pair.first) || ++at == end) return false;
        return Element<V>::read(*at, pair.second) && ++at == end;
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

    static Result<void> from_json(const json::View& value, void* p) {
        return Shape<F>::read(value, field(p));
    }
    static Result<void> apply_diff(const json::View& diff, void* p) {
        F difference{};
        WEFT_TRY(Shape<F>::read(diff, difference));
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
