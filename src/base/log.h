// The log.  Lines are `TIME|NNNNN|MODULE|LEVEL|TEXT`; modules and levels are set at run time (`vlog/set`,
// -v).
//
//     static log::Module lg("jsonrpc");       // one per file or noun; the name is what users put in vlog/set
//     lg.info("{}: connected", peer);
//
// WARN and above mean that an operator should look; routine events (a peer went away, a retry) are INFO or
// DBG. What a peer or tenant can trigger at will is logged through a RateLimit:
//
//     static log::RateLimit limit(5, 25);     // 5 a minute, bursts of 25
//     if (limit.pass(lg)) lg.warn(...);
//
// Destinations (console, syslog, file), their levels and patterns are process-wide; see log_control.h.  Safe
// from any thread.

#pragma once

#include <fmt/core.h>

#include <atomic>
#include <cstdint>
#include <string_view>

namespace weft::log {

enum class Level : uint8_t { kOff, kEmer, kErr, kWarn, kInfo, kDbg };

class Module {
  public:
    explicit Module(const char* name);  // `name` must outlive the process; registered for vlog/list

    const char* name() const { return name_; }
    // True if a line of this level would reach any destination: cheap, for guarding costly arguments.
    bool enabled(Level level) const { return level <= threshold_.load(std::memory_order_relaxed); }

    template <typename... Args>
    void emer(fmt::format_string<Args...> format, Args&&... args) {
        log(Level::kEmer, format, std::forward<Args>(args)...);
    }
    template <typename... Args>
    void err(fmt::format_string<Args...> format, Args&&... args) {
        log(Level::kErr, format, std::forward<Args>(args)...);
    }
    template <typename... Args>
    void warn(fmt::format_string<Args...> format, Args&&... args) {
        log(Level::kWarn, format, std::forward<Args>(args)...);
    }
    template <typename... Args>
    void info(fmt::format_string<Args...> format, Args&&... args) {
        log(Level::kInfo, format, std::forward<Args>(args)...);
    }
    template <typename... Args>
    void dbg(fmt::format_string<Args...> format, Args&&... args) {
        log(Level::kDbg, format, std::forward<Args>(args)...);
    }

    template <typename... Args>
    void log(Level level, fmt::format_string<Args...> format, Args&&... args) {
        if (enabled(level)) write(level, format, fmt::make_format_args(args...));
    }

  private:
    friend class Registry;
    void write(Level level, fmt::string_view format, fmt::format_args args);

    const char* name_;
    std::atomic<Level> threshold_{Level::kInfo};  // the most verbose level of any destination
};

// A name for the current thread, shown by %t and %T; "" (the main thread's) shows nothing.
void set_thread_name(const char* name);

class RateLimit {
  public:
    RateLimit(int per_minute, int burst) : per_minute_(per_minute), burst_(burst), tokens_(burst) {}

    // True if this line may be logged.  After a silence the number of lines suppressed is logged to `module`
    // first.
    bool pass(Module& module);

  private:
    int per_minute_;
    int burst_;
    int64_t tokens_;
    int64_t last_fill_ms_ = 0;
    int64_t suppressed_ = 0;
};

}  // namespace weft::log
