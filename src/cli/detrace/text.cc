#include "cli/detrace/text.h"

#include <algorithm>
#include <charconv>
#include <optional>

namespace weft::cli::detrace {

namespace {

std::string_view trimmed(std::string_view text) {
    constexpr std::string_view kSpace = " \t\r";
    size_t begin = text.find_first_not_of(kSpace);
    if (begin == std::string_view::npos) return {};
    return text.substr(begin, text.find_last_not_of(kSpace) - begin + 1);
}

// The numbers that follow `key` anywhere in the line.
template <typename T>
std::vector<T> numbers_after(std::string_view line, std::string_view key, int base) {
    std::vector<T> out;
    for (size_t at = line.find(key); at != std::string_view::npos; at = line.find(key, at + 1)) {
        std::string_view rest = line.substr(at + key.size());
        T value{};
        auto [end, error] = std::from_chars(rest.data(), rest.data() + rest.size(), value, base);
        if (error == std::errc() && end != rest.data()) out.push_back(value);
    }
    return out;
}

// "12. ": the table's number begins an entry.
bool begins_entry(std::string_view line) {
    size_t digits = std::min(line.find_first_not_of("0123456789"), line.size());
    return digits > 0 && line.substr(digits).starts_with(". ");
}

}  // namespace

std::string Text::finish_entry() {
    std::string out;
    for (uint32_t cookie : cookies_) out += expand_cookie(databases_, cookie);
    for (int64_t port : ports_) out += expand_port(databases_, bridge_, port);
    cookies_.clear();
    ports_.clear();
    return out;
}

std::string Text::line(std::string_view text) {
    std::string_view line = trimmed(text);
    std::string out;
    if (line.empty() || begins_entry(line)) {
        out = finish_entry();
        in_entry_ = !line.empty();
    }
    constexpr std::string_view kBridge = "bridge(\"";
    if (line.starts_with(kBridge)) {
        std::string_view name = line.substr(kBridge.size());
        bridge_ = name.substr(0, name.find('"'));
    }
    for (uint32_t cookie : numbers_after<uint32_t>(line, "cookie 0x", 16)) {
        if (std::find(cookies_.begin(), cookies_.end(), cookie) == cookies_.end()) cookies_.push_back(cookie);
    }
    if (!in_entry_) return out.append(line).append("\n");  // a flow as a whole names ports, too
    for (std::string_view key : {"in_port=", "output:"}) {
        for (int64_t port : numbers_after<int64_t>(line, key, 10)) {
            if (std::find(ports_.begin(), ports_.end(), port) == ports_.end()) ports_.push_back(port);
        }
    }
    return out.append(line).append("\n");
}

std::string Text::end() {
    return finish_entry() + "\n";
}

}  // namespace weft::cli::detrace
