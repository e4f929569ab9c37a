#include "net/common_commands.h"

#include <charconv>
#include <optional>

#include "base/clock.h"
#include "base/log_control.h"
#include "base/metrics.h"
#include "net/memory_log.h"

namespace weft::net {

void add_log_commands(ControlServer& control) {
    using Arguments = ControlServer::Arguments;
    using Reply = Result<std::string>;
    auto done = [](Result<void> result) { return result ? Reply(std::string()) : Reply(result.error()); };

    control.add("vlog/set", "{spec | PATTERN:destination:pattern}", 1, -1, [](const Arguments& specs) {
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

std::unique_ptr<Loop::Timer> add_metrics_commands(ControlServer& control, Loop& loop) {
    using Arguments = ControlServer::Arguments;
    using Reply = Result<std::string>;
    control.add("coverage/show", "", 0, 0, [](const Arguments&) { return Reply(metrics::coverage()); });
    control.add("coverage/read-counter", "COUNTER", 1, 1,
                [](const Arguments& words) { return metrics::read_counter(words[0]); });
    control.add("memory/show", "", 0, 0, [](const Arguments&) { return Reply(metrics::memory()); });
    control.add("stopwatch/show", "[NAME]", 0, 1, [](const Arguments& words) {
        return metrics::stopwatch_report(words.empty() ? "" : words[0]);
    });
    control.add("stopwatch/reset", "[NAME]", 0, 1, [](const Arguments& words) {
        Result<void> result = metrics::stopwatch_reset(words.empty() ? "" : words[0]);
        return result ? Reply(std::string()) : Reply(result.error());
    });

    // The timer re-arms itself through a pointer that it owns.
    auto self = std::make_shared<Loop::Timer*>(nullptr);
    std::unique_ptr<Loop::Timer> timer = loop.timer([self, memory = MemoryLog()]() mutable {
        metrics::sample();
        memory.check();
        (*self)->arm_in(metrics::kSampleMs);
    });
    *self = timer.get();
    timer->arm_in(metrics::kSampleMs);
    return timer;
}

namespace {

// One `time/warp` under way: a step and a turn after the other, then the reply.
struct Warp : std::enable_shared_from_this<Warp> {
    Warp(Loop& l, int64_t left, int64_t step, std::shared_ptr<ControlReply> r)
        : loop(l), left_ms(left), step_ms(step), reply(std::move(r)) {}

    void step() {
        if (left_ms <= 0) {
            reply->success("warped");
            return;
        }
        int64_t by_ms = std::min(left_ms, step_ms);
        left_ms -= by_ms;
        clock::warp(by_ms);
        // Posted callbacks run after the timers of the turn.
        loop.post([self = shared_from_this()] { self->step(); });
    }

    Loop& loop;
    int64_t left_ms, step_ms;
    std::shared_ptr<ControlReply> reply;
};

std::optional<int64_t> positive(const std::string& text) {
    int64_t value = 0;
    auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc() || end != text.data() + text.size() || value <= 0) return std::nullopt;
    return value;
}

}  // namespace

void add_time_commands(ControlServer& control, Loop& loop) {
    using Arguments = ControlServer::Arguments;
    control.add("time/stop", "", 0, 0, [](const Arguments&) {
        clock::stop();
        return Result<std::string>(std::string());
    });
    control.add_deferred("time/warp", "[LARGE_MSECS] MSECS", 1, 2,
                         [&loop](const Arguments& words, std::shared_ptr<ControlReply> reply) {
                             // One number is the whole; of two, the first is the whole and the second the
                             // step.
                             std::optional<int64_t> total = positive(words[0]), step = positive(words.back());
                             if (!total || !step) return reply->failure("invalid MSECS");
                             clock::stop();
                             std::make_shared<Warp>(loop, *total, *step, std::move(reply))->step();
                         });
}

}  // namespace weft::net
