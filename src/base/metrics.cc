#include "base/metrics.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <map>
#include <mutex>
#include <set>

#include "base/exposition.h"

namespace weft::metrics {

namespace {

constexpr size_t kPerMinute = 60000 / kSampleMs;
constexpr size_t kMinutes = 60;

// What one counter gained in the latest samples.
struct Past {
    uint64_t last_value = 0;
    std::array<uint64_t, kPerMinute> samples{};
    std::array<uint64_t, kMinutes> minutes{};
};

struct Registry {
    std::mutex mutex;
    std::vector<Counter*> counters;
    std::map<const Counter*, Past> past;
    size_t samples_taken = 0;
    std::vector<Gauge*> gauges;
    std::vector<Stopwatch*> stopwatches;
    std::vector<Collector*> collectors;

    static Registry& instance() {
        static Registry* registry = new Registry;  // never destroyed: statics count while they go
        return *registry;
    }
};

template <size_t N>
uint64_t sum(const std::array<uint64_t, N>& values) {
    uint64_t total = 0;
    for (uint64_t value : values) total += value;
    return total;
}

// So that two processes, or two moments, can be told apart at a glance: FNV-1a of names and totals.
uint32_t fingerprint(const std::vector<Counter*>& counters) {
    uint32_t hash = 2166136261u;
    for (const Counter* counter : counters) {
        for (char c : fmt::format("{}={};", counter->name(), counter->value())) {
            hash = (hash ^ static_cast<uint8_t>(c)) * 16777619u;
        }
    }
    return hash;
}

}  // namespace

Counter::Counter(const char* name) : name_(name) {
    Registry& registry = Registry::instance();
    std::lock_guard lock(registry.mutex);
    registry.counters.push_back(this);
}

Gauge::Gauge(std::string name, std::function<int64_t()> read, Shown shown)
    : name_(std::move(name)), read_(std::move(read)), shown_(shown) {
    Registry::instance().gauges.push_back(this);
}

Gauge::~Gauge() {
    std::erase(Registry::instance().gauges, this);
}

Collector::Collector(std::function<void(Exposition&)> collect) : collect_(std::move(collect)) {
    Registry::instance().collectors.push_back(this);
}

Collector::~Collector() {
    std::erase(Registry::instance().collectors, this);
}

Stopwatch::Stopwatch(const char* name) : name_(name) {
    Registry::instance().stopwatches.push_back(this);
}

void Stopwatch::reset() {
    samples_ = 0;
    total_ms_ = 0;
    max_ms_ = min_ms_ = 0;
    short_average_ms_ = long_average_ms_ = 0;
    window_.clear();
}

void Stopwatch::record(int64_t ms) {
    double value = static_cast<double>(ms);
    if (samples_ == 0) {
        max_ms_ = min_ms_ = ms;
        short_average_ms_ = long_average_ms_ = value;
    }
    max_ms_ = std::max(max_ms_, ms);
    min_ms_ = std::min(min_ms_, ms);
    short_average_ms_ += (value - short_average_ms_) / 2;
    long_average_ms_ += (value - long_average_ms_) / 100;
    int32_t kept = static_cast<int32_t>(std::min<int64_t>(ms, INT32_MAX));
    if (window_.size() < kWindow) {
        window_.push_back(kept);
    } else {
        window_[samples_ % kWindow] = kept;
    }
    ++samples_;
    total_ms_ += ms;
}

// By nearest rank, of the latest samples.
int64_t Stopwatch::percentile(unsigned percent) const {
    if (window_.empty()) return 0;
    std::vector<int32_t> sorted = window_;
    size_t rank = (sorted.size() * percent - 1) / 100;  // from 0
    std::nth_element(sorted.begin(), sorted.begin() + static_cast<ptrdiff_t>(rank), sorted.end());
    return sorted[rank];
}

void Stopwatch::collect(Exposition& out, const std::string& family, const std::string& component) const {
    const Exposition::Labels labels{{"component", component}, {"stopwatch", name_}};
    Exposition::Labels with_quantile = labels;
    for (auto [percent, name] : {std::pair(50u, "0.5"), std::pair(95u, "0.95"), std::pair(100u, "1")}) {
        with_quantile.resize(labels.size());
        with_quantile.emplace_back("quantile", name);
        out.add(family, Exposition::Kind::kSummary,
                "How long a step took, in seconds; quantiles are of the latest samples.", with_quantile,
                static_cast<double>(percentile(percent)) / 1000);
    }
    out.add_part(family, "_sum", labels, static_cast<double>(total_ms_) / 1000);
    out.add_part(family, "_count", labels, static_cast<double>(samples_));
}

std::string Stopwatch::report() const {
    return fmt::format(
        "Statistics for '{}'\n"
        "  Total samples: {}\n"
        "  Maximum: {} msec\n"
        "  Minimum: {} msec\n"
        "  95th percentile: {:.6f} msec\n"
        "  Short term average: {:.6f} msec\n"
        "  Long term average: {:.6f} msec\n",
        name_, samples_, max_ms_, min_ms_, static_cast<double>(percentile(95)), short_average_ms_,
        long_average_ms_);
}

void sample() {
    Registry& registry = Registry::instance();
    std::lock_guard lock(registry.mutex);
    size_t slot = registry.samples_taken % kPerMinute;
    size_t minute = registry.samples_taken / kPerMinute % kMinutes;
    for (const Counter* counter : registry.counters) {
        Past& past = registry.past[counter];
        uint64_t value = counter->value(), gained = value - past.last_value;
        past.last_value = value;
        past.samples[slot] = gained;
        if (slot == 0) past.minutes[minute] = 0;
        past.minutes[minute] += gained;
    }
    ++registry.samples_taken;
}

std::string coverage() {
    Registry& registry = Registry::instance();
    std::lock_guard lock(registry.mutex);
    std::string out =
        fmt::format("Event coverage, avg rate over last: {} seconds, last minute, last hour,  hash={:08x}:\n",
                    kSampleMs / 1000, fingerprint(registry.counters));
    std::vector<Counter*> counters = registry.counters;
    std::sort(counters.begin(), counters.end(),
              [](const Counter* a, const Counter* b) { return std::string_view(a->name()) < b->name(); });
    size_t never = 0, last = (registry.samples_taken + kPerMinute - 1) % kPerMinute;
    for (const Counter* counter : counters) {
        if (counter->value() == 0) {
            ++never;
            continue;
        }
        const Past& past = registry.past[counter];
        out += fmt::format("{:<24} {:5.1f}/sec {:9.3f}/sec {:13.4f}/sec   total: {}\n", counter->name(),
                           static_cast<double>(past.samples[last]) * 1000 / kSampleMs,
                           static_cast<double>(sum(past.samples)) / 60,
                           static_cast<double>(sum(past.minutes)) / 3600, counter->value());
    }
    return out + fmt::format("{} events never hit\n", never);
}

Result<std::string> read_counter(std::string_view name) {
    Registry& registry = Registry::instance();
    std::lock_guard lock(registry.mutex);
    for (const Counter* counter : registry.counters) {
        if (name == counter->name()) return std::to_string(counter->value()) + "\n";
    }
    return Error{"No such counter"};
}

namespace {

std::map<std::string, int64_t> gauge_totals() {
    std::map<std::string, int64_t> totals;
    for (const Gauge* gauge : Registry::instance().gauges) totals[gauge->name()] += gauge->read();
    return totals;
}

}  // namespace

std::string memory() {
    std::set<std::string> unless_zero;
    for (const Gauge* gauge : Registry::instance().gauges) {
        if (gauge->shown() == Gauge::Shown::kUnlessZero) unless_zero.insert(gauge->name());
    }
    std::string out;
    for (const auto& [name, value] : gauge_totals()) {
        if (!value && unless_zero.count(name)) continue;
        if (!out.empty()) out += ' ';
        out += fmt::format("{}:{}", name, value);
    }
    return out;
}

std::string exposition(const std::string& program) {
    using Kind = Exposition::Kind;
    Registry& registry = Registry::instance();
    std::string prefix = program.starts_with("ovn") ? "ovn" : "ovs";
    Exposition out;
    out.add(prefix + "_up", Kind::kGauge, "The program answers.", {{"component", program}}, 1);
    out.add(prefix + "_pid", Kind::kGauge, "Its process.", {{"component", program}},
            static_cast<double>(::getpid()));
    {
        std::lock_guard lock(registry.mutex);
        size_t last = (registry.samples_taken + kPerMinute - 1) % kPerMinute;
        for (const Counter* counter : registry.counters) {
            Exposition::Labels labels{{"component", program}, {"event", counter->name()}};
            out.add(prefix + "_coverage_total", Kind::kCounter, "How often the event happened.", labels,
                    static_cast<double>(counter->value()));
            const Past& past = registry.past[counter];
            for (auto [interval, rate] :
                 {std::pair("5s", static_cast<double>(past.samples[last]) * 1000 / kSampleMs),
                  std::pair("1m", static_cast<double>(sum(past.samples)) / 60),
                  std::pair("1h", static_cast<double>(sum(past.minutes)) / 3600)}) {
                Exposition::Labels with_interval = labels;
                with_interval.emplace_back("interval", interval);
                out.add(prefix + "_coverage_avg", Kind::kGauge,
                        "How often a second the event happened, in the interval.", with_interval, rate);
            }
        }
    }
    for (const auto& [name, value] : gauge_totals()) {
        out.add(prefix + "_memory_usage", Kind::kGauge, "What memory/show tells: how many there are of each.",
                {{"component", program}, {"facility", name}}, static_cast<double>(value));
    }
    for (const Stopwatch* watch : registry.stopwatches)
        watch->collect(out, prefix + "_stopwatch_seconds", program);
    for (const Collector* collector : registry.collectors) collector->collect(out);
    return out.text();
}

Result<std::string> stopwatch_report(std::string_view name) {
    std::string out;
    for (const Stopwatch* watch : Registry::instance().stopwatches) {
        if (name.empty() || name == watch->name()) out += watch->report();
    }
    if (out.empty() && !name.empty()) return Error{"No such stopwatch"};
    return out;
}

Result<void> stopwatch_reset(std::string_view name) {
    bool found = name.empty();
    for (Stopwatch* watch : Registry::instance().stopwatches) {
        if (!name.empty() && name != watch->name()) continue;
        watch->reset();
        found = true;
    }
    if (!found) return Error{"No such stopwatch"};
    return {};
}

}  // namespace weft::metrics
