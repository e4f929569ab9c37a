#include "base/metrics.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <mutex>

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

Gauge::Gauge(std::string name, std::function<int64_t()> read)
    : name_(std::move(name)), read_(std::move(read)) {
    Registry::instance().gauges.push_back(this);
}

Gauge::~Gauge() {
    std::erase(Registry::instance().gauges, this);
}

Stopwatch::Stopwatch(const char* name) : name_(name) {
    Registry::instance().stopwatches.push_back(this);
}

void Stopwatch::reset() {
    samples_ = 0;
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
}

std::string Stopwatch::report() const {
    std::vector<int32_t> sorted = window_;
    size_t rank = sorted.empty() ? 0 : (sorted.size() * 95 - 1) / 100;  // nearest rank, from 0
    if (!sorted.empty())
        std::nth_element(sorted.begin(), sorted.begin() + static_cast<ptrdiff_t>(rank), sorted.end());
    return fmt::format(
        "Statistics for '{}'\n"
        "  Total samples: {}\n"
        "  Maximum: {} msec\n"
        "  Minimum: {} msec\n"
        "  95th percentile: {:.6f} msec\n"
        "  Short term average: {:.6f} msec\n"
        "  Long term average: {:.6f} msec\n",
        name_, samples_, max_ms_, min_ms_, sorted.empty() ? 0.0 : static_cast<double>(sorted[rank]),
        short_average_ms_, long_average_ms_);
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

std::string memory() {
    std::map<std::string, int64_t> totals;
    for (const Gauge* gauge : Registry::instance().gauges) totals[gauge->name()] += gauge->read();
    std::string out;
    for (const auto& [name, value] : totals) {
        if (!out.empty()) out += ' ';
        out += fmt::format("{}:{}", name, value);
    }
    return out;
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
