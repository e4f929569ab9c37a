// The check of one service behind a load balancer (Service_Monitor of ovn-sb(5)), as a pure state machine.
//
// A probe is sent every `interval`.  A TCP service must answer it within `timeout`; a UDP service must only
// not have it answered by "port unreachable".  The status changes after so many successes or failures in a
// row.

#pragma once

#include <cstdint>
#include <optional>

namespace weft::controller {

class ServiceCheck {
  public:
    struct Settings {
        bool udp = false;
        int64_t interval_ms = 5000, timeout_ms = 3000;
        int success_count = 1, failure_count = 1;
        bool operator==(const Settings&) const = default;
    };
    enum class Status : uint8_t { kUnknown, kOnline, kOffline };

    ServiceCheck(Settings settings, int64_t now_ms) : settings_(settings), due_ms_(now_ms) {}

    void set(const Settings& settings) { settings_ = settings; }
    // True if a probe is to be sent now.
    bool run(int64_t now_ms);
    // The service answered: it is there, or it said that it is not.
    void answered(bool alive, int64_t now_ms);
    Status status() const { return status_; }
    bool waiting() const { return waiting_; }
    int64_t due_ms() const { return due_ms_; }  // when run() has something to do

  private:
    void count(bool alive);

    Settings settings_;
    bool waiting_ = false;
    int64_t due_ms_;
    int64_t sent_ms_ = 0;
    int successes_ = 0, failures_ = 0;
    Status status_ = Status::kUnknown;
};

}  // namespace weft::controller
