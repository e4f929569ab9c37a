// dpif-netdev/*: packet threads of the userspace datapath (ovs-vswitchd(8), "DPIF-NETDEV COMMANDS").

#include <fmt/chrono.h>
#include <fmt/core.h>

#include <algorithm>
#include <charconv>
#include <ctime>

#include "base/clock.h"
#include "datapath/api/packet_threads.h"
#include "switch/control/commands.h"

namespace weft::vswitch {

namespace {

using Arguments = net::ControlServer::Arguments;
using datapath::PacketThreadReport;
using datapath::PacketThreads;

// The value behind an option, taken out with it.
std::optional<unsigned> take_number(Arguments& args, std::string_view option) {
    auto at = std::ranges::find(args, option);
    if (at == args.end() || at + 1 == args.end()) return std::nullopt;
    const std::string text = *(at + 1);
    args.erase(at, at + 2);
    unsigned value = 0;
    auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
    return value;
}

struct Chosen {
    PacketThreads* threads = nullptr;
    std::optional<unsigned> processor;
    bool shows(const PacketThreadReport& thread) const { return !processor || thread.processor == processor; }
};

// There is one such datapath at most: its name need not be given.
Result<Chosen> choose(Switch& owner, Arguments& args) {
    Chosen out;
    out.processor = take_number(args, "-pmd");
    for (const auto& [type, backer] : owner.backers()) {
        auto* threads = dynamic_cast<PacketThreads*>(&backer->datapath());
        if (type != "netdev" || !threads) continue;
        out.threads = threads;
        return out;
    }
    return Error{"please specify an existing datapath"};
}

std::string heading(const PacketThreadReport& thread) {
    if (!thread.processor) return "main thread:\n";
    return fmt::format("pmd thread numa_id {} core_id {}:\n", thread.numa_node, *thread.processor);
}

double ratio(double a, double b) {
    return b ? a / b : 0;
}

Result<std::string> stats_show(Switch& owner, Arguments args) {
    WEFT_ASSIGN(Chosen chosen, choose(owner, args));
    std::string out;
    for (const PacketThreadReport& one : chosen.threads->packet_threads(60)) {
        if (!chosen.shows(one)) continue;
        auto line = [&](std::string_view name, uint64_t value) {
            out += fmt::format("  {}: {}\n", name, value);
        };
        auto average = [&](std::string_view name, uint64_t a, uint64_t b) {
            out += fmt::format("  {}: {:.2f}\n", name, ratio(static_cast<double>(a), static_cast<double>(b)));
        };
        out += heading(one);
        line("packets received", one.received);
        line("packet recirculations", one.recirculated);
        average("avg. datapath passes per packet", one.received + one.recirculated, one.received);
        line("phwol hits", 0);
        line("mfex opt hits", 0);
        line("simple match hits", 0);
        line("emc hits", one.exact_hits);
        line("smc hits", 0);
        line("megaflow hits", one.megaflow_hits);
        average("avg. subtable lookups per megaflow hit", one.masks_tried, one.megaflow_hits);
        line("miss with success upcall", one.misses - std::min(one.misses, one.lost));
        line("miss with failed upcall", std::min(one.misses, one.lost));
        average("avg. packets per output batch", one.sent, one.flushes);
        uint64_t cycles = one.idle_cycles + one.busy_cycles;
        if (!one.processor || !cycles) continue;
        auto share = [&](uint64_t of) {
            return 100 * ratio(static_cast<double>(of), static_cast<double>(cycles));
        };
        out += fmt::format("  idle cycles: {} ({:.2f}%)\n  processing cycles: {} ({:.2f}%)\n",
                           one.idle_cycles, share(one.idle_cycles), one.busy_cycles, share(one.busy_cycles));
        if (!one.received) continue;
        auto per_packet = [&](std::string_view name, uint64_t of) {
            out += fmt::format("  {}: {:.2f} ({}/{})\n", name,
                               static_cast<double>(of) / static_cast<double>(one.received), of, one.received);
        };
        per_packet("avg cycles per packet", cycles);
        per_packet("avg processing cycles per packet", one.busy_cycles);
    }
    return out;
}

Result<std::string> stats_clear(Switch& owner, Arguments args) {
    WEFT_ASSIGN(Chosen chosen, choose(owner, args));
    chosen.threads->clear_thread_counts(chosen.processor);
    return std::string();
}

Result<std::string> queues_show(Switch& owner, Arguments args) {
    unsigned seconds = take_number(args, "-secs").value_or(60);
    seconds = std::clamp((seconds + 4) / 5 * 5, 5u, 60u);
    WEFT_ASSIGN(Chosen chosen, choose(owner, args));
    std::string out;
    auto usage = [](std::optional<unsigned> percent) {
        return percent ? fmt::format("{:2} %", *percent) : std::string("NOT AVAIL");
    };
    for (const PacketThreadReport& one : chosen.threads->packet_threads(seconds)) {
        if (!chosen.shows(one)) continue;
        if (out.empty()) out = fmt::format("Displaying last {} seconds pmd usage %\n", seconds);
        if (!one.processor) continue;
        out += heading(one) + fmt::format("  isolated : {}\n", one.isolated);
        for (const datapath::QueueReport& queue : one.queues)
            out += fmt::format("  port: {:<16}  queue-id: {:2} (enabled)   pmd usage: {}\n", queue.port,
                               queue.queue, usage(queue.percent));
        out += fmt::format("  overhead: {}\n", usage(one.overhead_percent));
    }
    return out;
}

Result<std::string> rebalance(Switch& owner, Arguments args) {
    WEFT_ASSIGN(Chosen chosen, choose(owner, args));
    chosen.threads->rebalance_queues();
    return std::string("pmd rxq rebalance requested.\n");
}

// What is measured: sums, no histograms, nor what single rounds did.
Result<std::string> performance_show(Switch& owner, Arguments args) {
    for (const char* option : {"-it", "-ms"}) {
        if (std::ranges::find(args, option) != args.end())
            return Error{fmt::format("{}: what single iterations did is not recorded", option)};
    }
    WEFT_ASSIGN(Chosen chosen, choose(owner, args));
    int64_t now = clock::wall_ms();
    std::string out;
    for (const PacketThreadReport& one : chosen.threads->packet_threads(60)) {
        if (!one.processor || !chosen.shows(one)) continue;
        auto line = [&](std::string_view name, uint64_t value, const std::string& more = "") {
            std::string label = fmt::format("  {}:", name);
            out += fmt::format("{}{:>{}}{}{}\n", label, value, 34 - label.size(), more.empty() ? "" : "  ",
                               more);
        };
        auto percent = [](uint64_t a, uint64_t b) {
            return 100 * ratio(static_cast<double>(a), static_cast<double>(b));
        };
        out +=
            fmt::format("\nTime: {:%H:%M:%S}.{:03}\nMeasurement duration: {:.3f} s\n\n{}\n",
                        fmt::gmtime(static_cast<time_t>(now / 1000)), now % 1000, one.seconds, heading(one));
        uint64_t used = one.idle_cycles + one.busy_cycles;
        double used_us =
            one.seconds * 1e6 * ratio(static_cast<double>(used), static_cast<double>(one.cycles_in_all));
        line("Iterations", one.iterations,
             fmt::format("({:.2f} us/it)", ratio(used_us, static_cast<double>(one.iterations))));
        line("- Used TSC cycles", used,
             fmt::format("({:5.1f} % of total cycles)", percent(used, one.cycles_in_all)));
        line("- idle iterations", one.iterations - std::min(one.iterations, one.busy_iterations),
             fmt::format("({:5.1f} % of used cycles)", percent(one.idle_cycles, used)));
        line("- busy iterations", one.busy_iterations,
             fmt::format("({:5.1f} % of used cycles)", percent(one.busy_cycles, used)));
        line("- sleep iterations", one.sleeps,
             fmt::format("({:5.1f} % of iterations)", percent(one.sleeps, one.iterations)));
        line("Sleep time (us)", one.sleep_us,
             fmt::format("({:3.0f} us/iteration avg.)",
                         ratio(static_cast<double>(one.sleep_us), static_cast<double>(one.iterations))));
        auto kpps = [&](uint64_t packets) { return ratio(static_cast<double>(packets) / 1000, one.seconds); };
        uint64_t passes = one.received + one.recirculated;
        if (!one.received) {
            line("Rx packets", 0);
        } else {
            auto hits = [&](std::string_view name, uint64_t value, const std::string& more = "") {
                line(fmt::format("- {}", name), value,
                     fmt::format("({:5.1f} %{})", percent(value, passes), more));
            };
            line("Rx packets", one.received,
                 fmt::format("({:.0f} Kpps, {:.0f} cycles/pkt)", kpps(one.received),
                             ratio(static_cast<double>(one.busy_cycles), static_cast<double>(one.received))));
            line("Datapath passes", passes,
                 fmt::format("({:.2f} passes/pkt)",
                             ratio(static_cast<double>(passes), static_cast<double>(one.received))));
            hits("PHWOL hits", 0);
            hits("MFEX Opt hits", 0);
            hits("Simple Match hits", 0);
            hits("EMC hits", one.exact_hits);
            hits("SMC hits", 0);
            hits("Megaflow hits", one.megaflow_hits,
                 fmt::format(", {:.2f} subtbl lookups/hit", ratio(static_cast<double>(one.masks_tried),
                                                                  static_cast<double>(one.megaflow_hits))));
            hits("Upcalls", one.misses);
            hits("Lost upcalls", one.lost);
        }
        if (!one.sent) {
            line("Tx packets", 0);
            out += "\n";
        } else {
            line("Tx packets", one.sent, fmt::format("({:.0f} Kpps)", kpps(one.sent)));
            line("Tx batches", one.flushes,
                 fmt::format("({:.2f} pkts/batch)",
                             ratio(static_cast<double>(one.sent), static_cast<double>(one.flushes))));
        }
    }
    return out;
}

Result<std::string> sleep_show(Switch& owner, Arguments args) {
    WEFT_ASSIGN(Chosen chosen, choose(owner, args));
    auto longest = chosen.threads->packet_thread_settings().max_sleep_us;
    std::string text = longest ? fmt::format("{:4} us", *longest) : std::string("until a packet comes");
    std::string out = fmt::format("Default max sleep: {}\n", text);
    for (const PacketThreadReport& one : chosen.threads->packet_threads(60)) {
        if (one.processor && chosen.shows(one)) out += heading(one) + fmt::format("  max sleep: {}\n", text);
    }
    return out;
}

// Single iterations are not looked at, so none is told of: what they would be judged by may be given, but
// telling cannot be switched on.
Result<std::string> log_set(const Arguments& args) {
    const Error usage{
        "Usage: ovs-appctl dpif-netdev/pmd-perf-log-set [on|off] [-b before] [-a after] [-e|-ne] [-us usec] "
        "[-q qlen]"};
    bool on = false;
    for (size_t i = 0; i < args.size(); ++i) {
        if (args[i] == "on" || args[i] == "off") {
            on = args[i] == "on";
        } else if (args[i] == "-b" || args[i] == "-a" || args[i] == "-us" || args[i] == "-q") {
            if (++i == args.size() || args[i].empty() ||
                !std::ranges::all_of(args[i], [](char c) { return c >= '0' && c <= '9'; }))
                return usage;
        } else if (args[i] != "-e" && args[i] != "-ne") {
            return usage;
        }
    }
    if (on)
        return Error{
            "pmd-perf-log-set on: what single iterations of a packet thread took is not recorded; "
            "pmd-perf-show "
            "has their sums"};
    return std::string();
}

}  // namespace

void add_thread_commands(net::ControlServer& control, Switch& owner) {
    auto add = [&](std::string name, std::string usage, int most, auto function) {
        control.add("dpif-netdev/" + name, std::move(usage), 0, most,
                    [&owner, function](const Arguments& args) { return function(owner, args); });
    };
    add("pmd-stats-show", "[-pmd core] [dp]", 3, stats_show);
    add("pmd-stats-clear", "[-pmd core] [dp]", 3, stats_clear);
    add("pmd-rxq-show", "[-pmd core] [-secs secs] [dp]", 5, queues_show);
    add("pmd-rxq-rebalance", "[dp]", 1, rebalance);
    add("pmd-perf-show", "[-nh] [-it iter-history-len] [-ms ms-history-len] [-pmd core] [dp]", 8,
        performance_show);
    add("pmd-sleep-show", "[-pmd core] [dp]", 3, sleep_show);
    control.add("dpif-netdev/pmd-perf-log-set", "on|off [-b before] [-a after] [-e|-ne] [-us usec] [-q qlen]",
                0, 10, log_set);
}

}  // namespace weft::vswitch
