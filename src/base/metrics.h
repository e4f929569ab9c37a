// Counters, gauges and stopwatches by name: what `coverage/show`, `memory/show` and `stopwatch/show` report
// (ovs-appctl(8)).
//
//     static metrics::Counter flushes("txn_flush");             // static: lives as long as the process
//     flushes.add();                                            // from any thread, a relaxed increment
//     metrics::Gauge atoms("atoms", [this] { return atoms_; }); // read by the loop's thread, while it lives
//     static metrics::Stopwatch watch("ovn-northd-loop");
//     { metrics::Timing timing(watch); ... }                    // a sample, in milliseconds
//
// exposition() has all of them as Prometheus reads them, with what collectors add at that moment: figures
// that nobody keeps while nobody asks.

#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/result.h"

namespace weft::metrics {

class Exposition;

class Counter {
  public:
    explicit Counter(const char* name);
    void add(uint64_t n = 1) { value_.fetch_add(n, std::memory_order_relaxed); }
    uint64_t value() const { return value_.load(std::memory_order_relaxed); }
    const char* name() const { return name_; }

  private:
    const char* name_;
    std::atomic<uint64_t> value_{0};
};

// A size that exists now.  Gauges of the same name are added up.
class Gauge {
  public:
    enum class Shown { kAlways, kUnlessZero };  // in memory/show
    Gauge(std::string name, std::function<int64_t()> read, Shown shown = Shown::kAlways);
    ~Gauge();
    Gauge(const Gauge&) = delete;
    Gauge& operator=(const Gauge&) = delete;

    const std::string& name() const { return name_; }
    int64_t read() const { return read_(); }
    Shown shown() const { return shown_; }

  private:
    std::string name_;
    std::function<int64_t()> read_;
    Shown shown_;
};

// Statistics of how long a step takes.  Of the loop's thread.
class Stopwatch {
  public:
    explicit Stopwatch(const char* name);  // static, as counters
    void record(int64_t ms);
    void reset();
    const char* name() const { return name_; }
    std::string report() const;
    void collect(Exposition& out, const std::string& family, const std::string& component) const;

  private:
    int64_t percentile(unsigned percent) const;

    static constexpr size_t kWindow = 1024;  // latest samples, for the percentile

    const char* name_;
    uint64_t samples_ = 0;
    int64_t total_ms_ = 0;
    int64_t max_ms_ = 0, min_ms_ = 0;
    double short_average_ms_ = 0, long_average_ms_ = 0;  // exponential: new samples weigh 1/2 and 1/100
    std::vector<int32_t> window_;
};

class Timing {
  public:
    explicit Timing(Stopwatch& watch) : watch_(watch), start_ms_(clock::monotonic_ms()) {}
    ~Timing() { watch_.record(clock::monotonic_ms() - start_ms_); }
    Timing(const Timing&) = delete;
    Timing& operator=(const Timing&) = delete;

  private:
    Stopwatch& watch_;
    int64_t start_ms_;
};

// Adds figures to exposition(), while it lives, on the loop's thread.
class Collector {
  public:
    explicit Collector(std::function<void(Exposition&)> collect);
    ~Collector();
    Collector(const Collector&) = delete;
    Collector& operator=(const Collector&) = delete;

    void collect(Exposition& out) const { collect_(out); }

  private:
    std::function<void(Exposition&)> collect_;
};

// Remembers the counters' values, for the rates.  To be called every kSampleMs.
constexpr int64_t kSampleMs = 5000;
void sample();

std::string coverage();                                   // coverage/show
Result<std::string> read_counter(std::string_view name);  // coverage/read-counter
std::string memory();                                     // memory/show: "atoms:14 cells:20"
// Of one stopwatch, or of all for "".
Result<std::string> stopwatch_report(std::string_view name);
Result<void> stopwatch_reset(std::string_view name);
// Everything, in Prometheus' text format.  `program`, such as "ovn-northd", is the label "component";
// families are called ovs_… or ovn_… after it.
std::string exposition(const std::string& program);

}  // namespace weft::metrics
