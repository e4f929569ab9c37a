#include "net/reconnect.h"

#include <algorithm>

namespace weft::net {

void Reconnect::enter(State state, int64_t now) {
    state_ = state;
    entered_ms_ = now;
}

void Reconnect::enable(int64_t now) {
    backoff_ms_ = 0;
    enter(State::kBackoff, now);
}

std::optional<int64_t> Reconnect::deadline() const {
    if (forced_) return entered_ms_;
    switch (state_) {
        case State::kIdle:
        case State::kListening:
            return std::nullopt;
        case State::kBackoff:
            return entered_ms_ + backoff_ms_;
        case State::kConnecting:
            return entered_ms_ + std::max<int64_t>(1000, backoff_ms_);
        case State::kActive:
            if (settings_.probe_interval_ms == 0) return std::nullopt;
            return std::max(last_received_ms_, entered_ms_) + settings_.probe_interval_ms;
        case State::kProbing:
            if (settings_.probe_interval_ms == 0) return std::nullopt;
            return entered_ms_ + settings_.probe_interval_ms;
    }
    return std::nullopt;
}

Reconnect::Action Reconnect::run(int64_t now) {
    std::optional<int64_t> due = deadline();
    if (!due || now < *due) return Action::kNone;
    if (forced_) {
        forced_ = false;
        return Action::kDisconnect;
    }
    switch (state_) {
        case State::kBackoff:
            return Action::kConnect;
        case State::kActive:
            enter(State::kProbing, now);
            return Action::kProbe;
        case State::kConnecting:
        case State::kProbing:
            return Action::kDisconnect;
        case State::kIdle:
        case State::kListening:
            break;
    }
    return Action::kNone;
}

void Reconnect::connecting(int64_t now) {
    enter(State::kConnecting, now);
}

void Reconnect::listening(int64_t now) {
    enter(State::kListening, now);
}

void Reconnect::disable(int64_t now) {
    forced_ = false;
    enter(State::kIdle, now);
}

void Reconnect::connected(int64_t now) {
    connected_ms_ = last_received_ms_ = now;
    enter(State::kActive, now);
}

void Reconnect::received(int64_t at) {
    last_received_ms_ = std::max(last_received_ms_, at);
    // Bytes from before the probe do not answer it.
    if (state_ == State::kProbing && at >= entered_ms_) enter(State::kActive, at);
}

void Reconnect::disconnected(int64_t now) {
    forced_ = false;
    bool lasted = is_connected() && last_received_ms_ - connected_ms_ >= std::max<int64_t>(backoff_ms_, 1);
    if (is_connected() && lasted) {
        backoff_ms_ = 0;
    } else {
        backoff_ms_ = std::clamp(backoff_ms_ * 2, settings_.min_backoff_ms, settings_.max_backoff_ms);
    }
    enter(State::kBackoff, now);
}

void Reconnect::force_reconnect(int64_t now) {
    if (state_ == State::kConnecting || state_ == State::kListening || is_connected()) {
        forced_ = true;
    } else if (state_ == State::kBackoff) {
        backoff_ms_ = 0;
        enter(State::kBackoff, now);
    }
}

const char* Reconnect::state_name() const {
    switch (state_) {
        case State::kIdle:
            return "IDLE";
        case State::kBackoff:
            return "BACKOFF";
        case State::kConnecting:
            return "CONNECTING";
        case State::kListening:
            return "LISTENING";
        case State::kActive:
            return "ACTIVE";
        case State::kProbing:
            return "IDLE";
    }
    return "";
}

}  // namespace weft::net
