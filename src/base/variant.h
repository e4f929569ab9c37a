// Whether a variant holds an alternative, decided by one comparison.
//
// The standard library's std::holds_alternative searches its list of types anew in every call when Clang
// compiles it (libstdc++ 12): with the sixty actions of OpenFlow that was a fifth of reading a flow.

#pragma once

#include <variant>

namespace weft {

template <typename T, typename... Ts>
bool holds(const std::variant<Ts...>& value) {
    return std::get_if<T>(&value) != nullptr;
}

}  // namespace weft
