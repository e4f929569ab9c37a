// Formatted text at the end of a string:
//
//     append(out, "{}:{}", host, port);
//
// fmt::format_to() with a back_inserter does the same, but compiles the whole of fmt's formatting into every
// source that calls it, at five seconds of a core each; here it is called in append.cc alone.

#pragma once

#include <string>

#include <fmt/core.h>

namespace weft {

void append_formatted(std::string& out, fmt::string_view format, fmt::format_args args);

template <typename... Args>
void append(std::string& out, fmt::format_string<Args...> format, Args&&... args) {
    append_formatted(out, format, fmt::make_format_args(args...));
}

}  // namespace weft
