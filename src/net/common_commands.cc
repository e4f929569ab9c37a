#include "net/common_commands.h"

#include "base/log_control.h"

namespace weft::net {

void add_log_commands(ControlServer& control) {
    using Arguments = ControlServer::Arguments;
    using Reply = Result<std::string>;
    auto done = [](Result<void> result) { return result ? Reply(std::string()) : Reply(result.error()); };

    control.add("vlog/set", "{spec | PATTERN:destination:pattern}", 1, -1, [done](const Arguments& specs) {
        for (const std::string& spec : specs) {
            if (auto result = log::set(spec); !result) return Reply(result.error());
        }
        return Reply(std::string());
    });
    control.add("vlog/list", "", 0, 0, [](const Arguments&) { return Reply(log::list_levels()); });
    control.add("vlog/list-pattern", "", 0, 0, [](const Arguments&) { return Reply(log::list_patterns()); });
    control.add("vlog/reopen", "", 0, 0, [done](const Arguments&) {
        return log::file_path().empty() ? Reply("Logging to file not configured") : done(log::reopen_file());
    });
    control.add("vlog/close", "", 0, 0, [](const Arguments&) {
        log::close_file();
        return Reply(std::string());
    });
    auto rate_limits = [&control, done](const char* name, bool enabled) {
        control.add(name, "[module]...", 0, -1, [done, enabled](const Arguments& modules) {
            if (modules.empty()) return done(log::enable_rate_limit("", enabled));
            for (const std::string& module : modules) {
                if (auto result = log::enable_rate_limit(module, enabled); !result)
                    return Reply(result.error());
            }
            return Reply(std::string());
        });
    };
    rate_limits("vlog/disable-rate-limit", false);
    rate_limits("vlog/enable-rate-limit", true);
}

}  // namespace weft::net
