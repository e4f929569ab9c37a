#include "net/slow_turn.h"

#include <ctime>

#include "base/log.h"
#include "base/metrics.h"

namespace weft::net {

namespace {

log::Module lg("timeval");
log::Module coverage_lg("coverage");

int64_t now_ms() {
    timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return int64_t{now.tv_sec} * 1000 + now.tv_nsec / 1'000'000;
}

int64_t ms(const timeval& later, const timeval& earlier) {
    return (later.tv_sec - earlier.tv_sec) * 1000 + (later.tv_usec - earlier.tv_usec) / 1000;
}

rusage usage_now() {
    rusage usage{};
    getrusage(RUSAGE_THREAD, &usage);
    return usage;
}

}  // namespace

void SlowTurn::begin() {
    if (running_) return;
    running_ = true;
    began_ms_ = now_ms();
    usage_ = usage_now();
}

void SlowTurn::end() {
    if (!running_) return;
    running_ = false;
    if (int64_t took_ms = now_ms() - began_ms_; took_ms >= kSlowMs) tell(took_ms);
}

void SlowTurn::tell(int64_t took_ms) {
    const rusage after = usage_now();
    lg.warn("Unreasonably long {}ms poll interval ({}ms user, {}ms system)", took_ms,
            ms(after.ru_utime, usage_.ru_utime), ms(after.ru_stime, usage_.ru_stime));
    auto tell_pair = [](const char* what, long a, const char* a_name, long b, const char* b_name) {
        if (a || b) lg.warn("{}: {} {}, {} {}", what, a, a_name, b, b_name);
    };
    tell_pair("faults", after.ru_minflt - usage_.ru_minflt, "minor", after.ru_majflt - usage_.ru_majflt,
              "major");
    tell_pair("disk", after.ru_inblock - usage_.ru_inblock, "reads", after.ru_oublock - usage_.ru_oublock,
              "writes");
    tell_pair("context switches", after.ru_nvcsw - usage_.ru_nvcsw, "voluntary",
              after.ru_nivcsw - usage_.ru_nivcsw, "involuntary");
    tell_coverage();
}

void SlowTurn::tell_coverage() {
    if (!coverage_limit_.pass(coverage_lg)) return;
    std::string text = metrics::coverage();
    for (std::string_view rest = text; !rest.empty();) {
        size_t end = rest.find('\n');
        coverage_lg.info("{}", rest.substr(0, end));
        rest.remove_prefix(end + 1);
    }
}

}  // namespace weft::net
