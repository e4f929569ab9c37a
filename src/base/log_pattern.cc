#include "base/log_pattern.h"

#include <fmt/format.h>
#include <syslog.h>
#include <unistd.h>

#include <ctime>

namespace weft::log {

namespace {

// The time in a strftime format, "###" replaced by milliseconds.
std::string format_time(std::string_view format, int64_t wall_ms, bool utc) {
    time_t seconds = wall_ms / 1000;
    tm parts{};
    utc ? gmtime_r(&seconds, &parts) : localtime_r(&seconds, &parts);
    std::string with_ms(format);
    std::string ms = fmt::format("{:03}", wall_ms % 1000);
    for (size_t at; (at = with_ms.find("###")) != std::string::npos;) with_ms.replace(at, 3, ms);
    char text[256];
    return {text, strftime(text, sizeof text, with_ms.c_str(), &parts)};
}

std::string host_name() {
    char name[256] = "";
    gethostname(name, sizeof name - 1);
    return name;
}

struct Specifier {
    bool left = false, zero = false;
    size_t width = 0;
    char letter = 0;
    std::string_view argument;  // of {…}
};

// Reads what follows a %; removes it from `rest`.
Specifier read_specifier(std::string_view& rest) {
    Specifier s;
    auto take = [&] {
        char c = rest.front();
        rest.remove_prefix(1);
        return c;
    };
    if (!rest.empty() && rest.front() == '-') s.left = take() == '-';
    if (!rest.empty() && rest.front() == '0') s.zero = take() == '0';
    while (!rest.empty() && rest.front() >= '0' && rest.front() <= '9')
        s.width = s.width * 10 + static_cast<size_t>(take() - '0');
    if (!rest.empty()) s.letter = take();
    if (!rest.empty() && rest.front() == '{') {
        size_t end = rest.find('}');
        if (end != std::string_view::npos) {
            s.argument = rest.substr(1, end - 1);
            rest.remove_prefix(end + 1);
        }
    }
    return s;
}

std::string expand(const Specifier& s, const Line& line) {
    switch (s.letter) {
        case 'A':
            return line.program;
        case 'B':
            return std::to_string(line.facility + syslog_severity(line.level));
        case 'c':
            return line.module;
        case 'd':
            return format_time(s.argument.empty() ? "%Y-%m-%d %H:%M:%S.###" : s.argument, line.wall_ms,
                               false);
        case 'D':
            return format_time(s.argument.empty() ? "%Y-%m-%d %H:%M:%S.###" : s.argument, line.wall_ms, true);
        case 'E':
            return host_name();
        case 'm':
            return std::string(line.message);
        case 'N':
            return std::to_string(line.number);
        case 'n':
            return "\n";
        case 'p':
            return level_name(line.level);
        case 'P':
            return std::to_string(getpid());
        case 'r':
            return std::to_string(line.since_start_ms);
        case 't':
            return std::string(line.thread.empty() ? "main" : line.thread);
        case 'T':
            return line.thread.empty() ? std::string() : fmt::format("({})", line.thread);
        case '%':
            return "%";
        default:
            return fmt::format("%{}", s.letter);
    }
}

}  // namespace

const char* level_name(Level level) {
    static constexpr const char* kNames[] = {"OFF", "EMER", "ERR", "WARN", "INFO", "DBG"};
    return kNames[static_cast<size_t>(level)];
}

int syslog_severity(Level level) {
    switch (level) {
        case Level::kEmer:
            return LOG_ALERT;
        case Level::kErr:
            return LOG_ERR;
        case Level::kWarn:
            return LOG_WARNING;
        case Level::kInfo:
            return LOG_NOTICE;
        default:
            return LOG_DEBUG;
    }
}

std::string format_line(std::string_view pattern, const Line& line) {
    std::string out;
    while (!pattern.empty()) {
        size_t percent = pattern.find('%');
        out += pattern.substr(0, percent);
        if (percent == std::string_view::npos) break;
        pattern.remove_prefix(percent + 1);
        Specifier s = read_specifier(pattern);
        std::string text = expand(s, line);
        size_t fill = text.size() < s.width ? s.width - text.size() : 0;
        if (s.left) {
            out += text + std::string(fill, ' ');
        } else {
            out += std::string(fill, s.zero ? '0' : ' ') + text;
        }
    }
    return out;
}

}  // namespace weft::log
