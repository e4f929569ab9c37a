#include "net/memory_log.h"

#include <sys/resource.h>

#include <string>

#include "base/log.h"
#include "base/metrics.h"

namespace weft::net {

namespace {

log::Module lg("memory");

constexpr int64_t kFirstMs = 10000;

int64_t peak_kb() {
    rusage usage{};
    return ::getrusage(RUSAGE_SELF, &usage) == 0 ? usage.ru_maxrss : 0;
}

}  // namespace

void MemoryLog::check() {
    int64_t now = clock::monotonic_ms(), peak = peak_kb();
    bool first = !told_ms_;
    if (first ? now - start_ms_ < kFirstMs : peak < told_kb_ + told_kb_ / 2) return;
    std::string what = metrics::memory();
    if (what.empty()) return;
    if (first) {
        lg.info("{} kB peak resident set size after {:.1f} seconds", peak,
                static_cast<double>(now - start_ms_) / 1000);
    } else {
        lg.info("peak resident set size grew {}% in last {:.1f} seconds, from {} kB to {} kB",
                (peak - told_kb_) * 100 / told_kb_, static_cast<double>(now - told_ms_) / 1000, told_kb_,
                peak);
    }
    lg.info("{}", what);
    told_ms_ = now;
    told_kb_ = peak;
}

}  // namespace weft::net
