// Values of columns as ovn-detrace prints them: lists ['a', 'b'], maps {'k': 'v'}.

#pragma once

#include <fmt/format.h>

#include <optional>
#include <string>

#include "ovsdb/client/containers.h"

namespace weft::cli::detrace {

inline std::string quoted(const std::string& text) {
    return "'" + text + "'";
}
inline std::string quoted(int64_t number) {
    return std::to_string(number);
}

template <typename T>
std::string list_text(const ovsdb::Set<T>& values) {
    std::string out;
    for (const T& value : values) out += (out.empty() ? "" : ", ") + quoted(value);
    return "[" + out + "]";
}

template <typename T>
std::string list_text(const std::optional<T>& value) {
    return value ? "[" + quoted(*value) + "]" : "[]";
}

template <typename K, typename V>
std::string map_text(const ovsdb::Map<K, V>& map) {
    std::string out;
    for (const auto& [key, value] : map)
        out += (out.empty() ? "" : ", ") + quoted(key) + ": " + quoted(value);
    return "{" + out + "}";
}

}  // namespace weft::cli::detrace
