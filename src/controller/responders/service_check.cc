#include "controller/responders/service_check.h"

#include <algorithm>

namespace weft::controller {

bool ServiceCheck::run(int64_t now_ms) {
    if (now_ms < due_ms_) return false;
    if (waiting_) {
        waiting_ = false;
        count(settings_.udp);  // silence is what a UDP service does
        due_ms_ = std::max(now_ms, sent_ms_ + settings_.interval_ms);
        if (now_ms < due_ms_) return false;
    }
    waiting_ = true;
    sent_ms_ = now_ms;
    due_ms_ = now_ms + settings_.timeout_ms;
    return true;
}

void ServiceCheck::answered(bool alive, int64_t now_ms) {
    if (!waiting_) return;
    waiting_ = false;
    count(alive);
    due_ms_ = std::max(now_ms, sent_ms_ + settings_.interval_ms);
}

void ServiceCheck::count(bool alive) {
    successes_ = alive ? successes_ + 1 : 0;
    failures_ = alive ? 0 : failures_ + 1;
    if (alive && successes_ >= settings_.success_count) status_ = Status::kOnline;
    if (!alive && failures_ >= settings_.failure_count) status_ = Status::kOffline;
}

}  // namespace weft::controller
