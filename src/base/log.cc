#include "base/log.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <syslog.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <mutex>
#include <vector>

#include "base/clock.h"
#include "base/log_control.h"
#include "base/log_pattern.h"

namespace weft::log {

namespace {

constexpr size_t kDestinations = 3;
constexpr const char* kDestinationNames[kDestinations] = {"console", "syslog", "file"};
thread_local const char* thread_name = "";

bool equals_ignoring_case(std::string_view a, std::string_view b) {
    return a.size() == b.size() && strncasecmp(a.data(), b.data(), a.size()) == 0;
}

}  // namespace

// The process' one log.  Modules register from static constructors, so it is made at first use and never
// destroyed.
class Registry {
  public:
    struct Entry {
        Module* module;
        std::array<Level, kDestinations> levels{Level::kInfo, Level::kInfo, Level::kInfo};
        bool rate_limited = true;
    };

    static Registry& get() {
        static Registry* registry = new Registry;
        return *registry;
    }

    void add(Module* module) {
        std::lock_guard lock(mutex_);
        Entry entry{module, defaults_};
        modules_.push_back(entry);
        update_threshold(modules_.back());
    }

    void write(const Module& module, Level level, std::string_view message) {
        std::lock_guard lock(mutex_);
        const Entry* entry = find(module.name());
        if (!entry) return;
        Line line;
        line.program = program_.c_str();
        line.module = module.name();
        line.level = level;
        line.number = ++lines_;
        line.wall_ms = clock::wall_ms();
        line.since_start_ms = clock::monotonic_ms() - start_ms_;
        line.thread = thread_name;
        line.facility = facility_;
        while (!message.empty() && message.back() == '\n') message.remove_suffix(1);
        do {  // each line of the message is a line of the log
            size_t end = std::min(message.find('\n'), message.size());
            line.message = message.substr(0, end);
            message.remove_prefix(std::min(end + 1, message.size()));
            for (size_t d = 0; d < kDestinations; ++d) {
                if (level <= entry->levels[d] && active(d)) send(d, line);
            }
        } while (!message.empty());
    }

    Result<void> set(std::string_view spec) {
        std::lock_guard lock(mutex_);
        if (spec.starts_with("PATTERN:")) return set_pattern(spec.substr(8));
        if (spec.starts_with("FACILITY:")) return set_facility(spec.substr(9));
        std::string_view module;
        int destination = -1;
        int level = -1;
        std::string_view rest = spec;
        while (!rest.empty()) {
            size_t end = std::min(rest.find_first_of(" ,:"), rest.size());
            std::string_view word = rest.substr(0, end);
            rest.remove_prefix(std::min(end + 1, rest.size()));
            if (word.empty() || equals_ignoring_case(word, "any")) continue;
            int found_level = level_of(word), found_destination = destination_of(word);
            if (found_destination >= 0) {
                if (destination >= 0) return Error{"cannot specify multiple destinations"};
                destination = found_destination;
            } else if (found_level >= 0) {
                if (level >= 0) return Error{"cannot specify multiple levels"};
                level = found_level;
            } else if (find(word)) {
                if (!module.empty()) return Error{"cannot specify multiple modules"};
                module = word;
            } else {
                return Error{fmt::format("no destination, level, or module \"{}\"", word)};
            }
        }
        apply(module, destination, level < 0 ? Level::kDbg : static_cast<Level>(level));
        return {};
    }

    void set_level(size_t destination, Level level) {
        std::lock_guard lock(mutex_);
        apply({}, static_cast<int>(destination), level);
    }

    Result<void> set_syslog_method(std::string_view method) {
        std::lock_guard lock(mutex_);
        if (syslog_fd_ >= 0) ::close(syslog_fd_);
        syslog_fd_ = -1;
        syslog_null_ = method == "null";
        if (method == "libc" || method == "null") return {};
        if (method.starts_with("unix:")) {
            sockaddr_un address{};
            address.sun_family = AF_UNIX;
            std::string_view path = method.substr(5);
            if (path.size() >= sizeof address.sun_path)
                return Error{fmt::format("{}: socket path is too long", path)};
            std::memcpy(address.sun_path, path.data(), path.size());
            return connect_syslog(reinterpret_cast<sockaddr*>(&address), sizeof address);
        }
        size_t colon = method.rfind(':');
        if (method.starts_with("udp:") && colon > 4) {
            sockaddr_in address{};
            address.sin_family = AF_INET;
            std::string host(method.substr(4, colon - 4)), port(method.substr(colon + 1));
            address.sin_port = htons(static_cast<uint16_t>(atoi(port.c_str())));
            if (inet_pton(AF_INET, host.c_str(), &address.sin_addr) == 1) {
                return connect_syslog(reinterpret_cast<sockaddr*>(&address), sizeof address);
            }
        }
        return Error{fmt::format(
            "unsupported syslog method \"{}\"; libc, null, unix:FILE and udp:IP:PORT are supported", method)};
    }

    Result<void> open(const std::string& path) {
        int fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0660);
        if (fd < 0)
            return Error{fmt::format("failed to open {} for logging: {}", path, std::strerror(errno))};
        std::lock_guard lock(mutex_);
        if (file_ >= 0) ::close(file_);
        file_ = fd;
        file_path_ = path;
        update_thresholds();
        return {};
    }

    void close() {
        std::lock_guard lock(mutex_);
        if (file_ >= 0) ::close(file_);
        file_ = -1;
        update_thresholds();
    }

    std::string file_path() {
        std::lock_guard lock(mutex_);
        return file_path_;
    }

    void set_program(std::string name) {
        std::lock_guard lock(mutex_);
        program_ = std::move(name);
    }

    std::string list_levels() {
        std::lock_guard lock(mutex_);
        std::vector<const Entry*> sorted;
        for (const Entry& entry : modules_) sorted.push_back(&entry);
        std::sort(sorted.begin(), sorted.end(),
                  [](auto* a, auto* b) { return std::strcmp(a->module->name(), b->module->name()) < 0; });
        std::string text =
            "                 console    syslog    file\n                 -------    ------    ------\n";
        const char* previous = "";
        for (const Entry* entry : sorted) {
            if (!std::strcmp(previous, entry->module->name())) continue;  // several files share a name
            previous = entry->module->name();
            text +=
                fmt::format("{:<16}  {:>4}       {:>4}       {:>4}", previous, level_name(entry->levels[0]),
                            level_name(entry->levels[1]), level_name(entry->levels[2]));
            if (!entry->rate_limited) text += "    (rate limiting disabled)";
            text += "\n";
        }
        return text;
    }

    std::string list_patterns() {
        std::lock_guard lock(mutex_);
        return fmt::format(
            "         prefix                            format\n"
            "         ------                            ------\n"
            "SYSLOG   {:<32}  {}\nCONSOLE  {:<32}  {}\nFILE     {:<32}  {}\n",
            "<%B> %D{%h %e %T} %E %A:", patterns_[1], "none", patterns_[0], "none", patterns_[2]);
    }

    Result<void> enable_rate_limit(std::string_view module, bool enabled) {
        std::lock_guard lock(mutex_);
        if (!module.empty() && !find(module)) return Error{fmt::format("no module \"{}\"", module)};
        for (Entry& entry : modules_) {
            if (module.empty() || module == entry.module->name()) entry.rate_limited = enabled;
        }
        return {};
    }

    bool rate_limited(const Module& module) {
        std::lock_guard lock(mutex_);
        const Entry* entry = find(module.name());
        return !entry || entry->rate_limited;
    }

  private:
    Entry* find(std::string_view name) {
        for (Entry& entry : modules_) {
            if (equals_ignoring_case(name, entry.module->name())) return &entry;
        }
        return nullptr;
    }
    static int level_of(std::string_view word) {
        static constexpr const char* kWords[] = {"off", "emer", "err", "warn", "info", "dbg"};
        for (int i = 0; i < 6; ++i) {
            if (equals_ignoring_case(word, kWords[i])) return i;
        }
        return -1;
    }
    static int destination_of(std::string_view word) {
        for (size_t d = 0; d < kDestinations; ++d) {
            if (equals_ignoring_case(word, kDestinationNames[d])) return static_cast<int>(d);
        }
        return -1;
    }

    Result<void> set_pattern(std::string_view rest) {
        size_t colon = rest.find(':');
        std::string_view word = rest.substr(0, colon);
        int destination = destination_of(word);
        bool all = equals_ignoring_case(word, "any");
        if (colon == std::string_view::npos || (destination < 0 && !all)) {
            return Error{fmt::format("{} is not a valid destination; console, syslog and file are", word)};
        }
        for (size_t d = 0; d < kDestinations; ++d) {
            if (all || static_cast<int>(d) == destination) patterns_[d] = rest.substr(colon + 1);
        }
        return {};
    }

    Result<void> set_facility(std::string_view name) {
        static constexpr std::pair<const char*, int> kFacilities[] = {
            {"kern", LOG_KERN},     {"user", LOG_USER},     {"mail", LOG_MAIL},     {"daemon", LOG_DAEMON},
            {"auth", LOG_AUTH},     {"syslog", LOG_SYSLOG}, {"lpr", LOG_LPR},       {"news", LOG_NEWS},
            {"uucp", LOG_UUCP},     {"clock", 9 << 3},      {"ftp", 11 << 3},       {"ntp", 12 << 3},
            {"audit", 13 << 3},     {"alert", 14 << 3},     {"clock2", 15 << 3},    {"local0", LOG_LOCAL0},
            {"local1", LOG_LOCAL1}, {"local2", LOG_LOCAL2}, {"local3", LOG_LOCAL3}, {"local4", LOG_LOCAL4},
            {"local5", LOG_LOCAL5}, {"local6", LOG_LOCAL6}, {"local7", LOG_LOCAL7},
        };
        for (const auto& [word, facility] : kFacilities) {
            if (name == word) {
                facility_ = facility;
                return {};
            }
        }
        return Error{"invalid facility"};
    }

    void apply(std::string_view module, int destination, Level level) {
        for (Entry& entry : modules_) {
            if (!module.empty() && !equals_ignoring_case(module, entry.module->name())) continue;
            for (size_t d = 0; d < kDestinations; ++d) {
                if (destination < 0 || static_cast<int>(d) == destination) entry.levels[d] = level;
            }
            update_threshold(entry);
        }
        for (size_t d = 0; module.empty() && d < kDestinations; ++d) {
            if (destination < 0 || static_cast<int>(d) == destination) defaults_[d] = level;
        }
    }

    bool active(size_t destination) const {
        return destination == 0 || (destination == 1 ? !syslog_null_ : file_ >= 0);
    }
    void update_threshold(Entry& entry) {
        Level most = Level::kOff;
        for (size_t d = 0; d < kDestinations; ++d) {
            if (active(d)) most = std::max(most, entry.levels[d]);
        }
        entry.module->threshold_.store(most, std::memory_order_relaxed);
    }
    void update_thresholds() {
        for (Entry& entry : modules_) update_threshold(entry);
    }

    Result<void> connect_syslog(const sockaddr* address, socklen_t size) {
        int fd = socket(address->sa_family, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        if (fd < 0 || connect(fd, address, size) < 0) {
            Error error{fmt::format("cannot reach the syslog daemon: {}", std::strerror(errno))};
            if (fd >= 0) ::close(fd);
            return error;
        }
        syslog_fd_ = fd;
        return {};
    }

    void send(size_t destination, const Line& line) {
        std::string text = format_line(patterns_[destination], line);
        if (destination == 1) {
            if (syslog_fd_ < 0) {
                syslog(line.facility | syslog_severity(line.level), "%s", text.c_str());
                return;
            }
            text = format_line("<%B> %D{%h %e %T} %E %A:", line) + text;
            (void)!::send(syslog_fd_, text.data(), text.size(), MSG_NOSIGNAL);
            return;
        }
        text += '\n';
        (void)!::write(destination == 0 ? STDERR_FILENO : file_, text.data(), text.size());
    }

    std::mutex mutex_;
    std::vector<Entry> modules_;
    std::array<Level, kDestinations> defaults_{Level::kInfo, Level::kInfo, Level::kInfo};
    std::array<std::string, kDestinations> patterns_{"%D{%Y-%m-%dT%H:%M:%SZ}|%05N|%c%T|%p|%m",
                                                     "ovs|%05N|%c%T|%p|%m",
                                                     "%D{%Y-%m-%dT%H:%M:%S.###Z}|%05N|%c%T|%p|%m"};
    std::string program_;
    uint64_t lines_ = 0;
    int64_t start_ms_ = clock::monotonic_ms();
    int facility_ = LOG_DAEMON;
    int file_ = -1;
    std::string file_path_;
    bool syslog_null_ = false;
    int syslog_fd_ = -1;
};

namespace {
Module vlog("vlog");
}

Module::Module(const char* name) : name_(name) {
    Registry::get().add(this);
}

void Module::write(Level level, fmt::string_view format, fmt::format_args args) {
    Registry::get().write(*this, level, fmt::vformat(format, args));
}

void set_thread_name(const char* name) {
    thread_name = name;
}

bool RateLimit::pass(Module& module) {
    if (!Registry::get().rate_limited(module)) return true;
    int64_t now = clock::monotonic_ms();
    if (last_fill_ms_ == 0) last_fill_ms_ = now;
    int64_t earned = (now - last_fill_ms_) * per_minute_ / 60000;
    if (earned > 0) {
        tokens_ = std::min<int64_t>(burst_, tokens_ + earned);
        last_fill_ms_ = now;
    }
    if (tokens_ <= 0) {
        ++suppressed_;
        return false;
    }
    --tokens_;
    if (suppressed_ > 0) module.info("Dropped {} log messages due to excessive rate", suppressed_);
    suppressed_ = 0;
    return true;
}

void set_program(std::string name) {
    Registry::get().set_program(std::move(name));
}
Result<void> set(std::string_view spec) {
    return Registry::get().set(spec);
}
void set_level(Destination destination, Level level) {
    Registry::get().set_level(static_cast<size_t>(destination), level);
}
Result<void> set_syslog_method(std::string_view method) {
    return Registry::get().set_syslog_method(method);
}

Result<void> open_file(const std::string& path) {
    WEFT_TRY(Registry::get().open(path));
    vlog.info("opened log file {}", path);
    return {};
}

Result<void> reopen_file() {
    std::string path = file_path();
    if (path.empty()) return Error{"no log file is configured (see --log-file)"};
    return open_file(path);
}

void close_file() {
    Registry::get().close();
}
std::string file_path() {
    return Registry::get().file_path();
}
std::string list_levels() {
    return Registry::get().list_levels();
}
std::string list_patterns() {
    return Registry::get().list_patterns();
}
Result<void> enable_rate_limit(std::string_view module, bool enabled) {
    return Registry::get().enable_rate_limit(module, enabled);
}

}  // namespace weft::log
