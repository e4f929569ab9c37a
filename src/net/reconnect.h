// When to connect, probe and give up: the life of one client connection as a pure state machine.
//
// Events (connected, disconnected, bytes received, the clock) go in; what to do next comes out of run().
// Times are milliseconds of clock::monotonic_ms() and are passed in.
//
// A failed attempt, or a connection lost soon after it came up, doubles the back-off from min to max; one
// that lasted longer than the back-off resets it, and the next attempt follows at once.  A connection silent
// for the probe interval is sent an echo request; silent for as long again, it is dropped.

#pragma once

#include <cstdint>
#include <optional>

namespace weft::net {

class Reconnect {
  public:
    enum class State { kIdle, kBackoff, kConnecting, kListening, kActive, kProbing };
    enum class Action { kNone, kConnect, kDisconnect, kProbe };

    struct Settings {
        int64_t min_backoff_ms = 1000, max_backoff_ms = 8000;
        int64_t probe_interval_ms = 5000;  // 0: never probe
    };

    explicit Reconnect(Settings settings) : settings_(settings) {}

    void enable(int64_t now);  // begins; the first attempt is at once
    void set_probe_interval(int64_t ms) { settings_.probe_interval_ms = ms; }
    void set_max_backoff(int64_t ms) { settings_.max_backoff_ms = ms; }
    // The back-off that an idle program begins with again, e.g. after its remotes changed.
    void reset_backoff() { backoff_ms_ = 0; }

    // What the caller has to do now.  kConnect: start an attempt (connecting() follows at once).
    // kDisconnect: give the attempt or connection up, then call disconnected().  kProbe: send an echo
    // request.
    Action run(int64_t now);
    // When to call run() again if nothing happens before; nothing: never.
    std::optional<int64_t> deadline() const;

    void connecting(int64_t now);
    void listening(int64_t now);  // instead, for a passive remote: the peer may come whenever it likes
    void connected(int64_t now);
    void received(int64_t at);       // the time of the last bytes; may be told later
    void disconnected(int64_t now);  // the attempt failed, or the connection ended
    void disable(int64_t now);       // nothing more happens until enable()
    void force_reconnect(int64_t now);

    State state() const { return state_; }
    const char* state_name() const;
    int64_t backoff_ms() const { return backoff_ms_; }
    bool is_connected() const { return state_ == State::kActive || state_ == State::kProbing; }

  private:
    void enter(State state, int64_t now);

    Settings settings_;
    State state_ = State::kIdle;
    int64_t entered_ms_ = 0;  // when state_ began
    int64_t connected_ms_ = 0;
    int64_t last_received_ms_ = 0;
    int64_t backoff_ms_ = 0;
    bool forced_ = false;
};

}  // namespace weft::net
