// One session of Bidirectional Forwarding Detection (RFC 5880, asynchronous mode): is the other end of a
// link, a tunnel or a route still there?
//
// It lies here, beside the message that it speaks, because two modules that may not include each other need
// it: the switch for the tunnels between hosts (switch/protocols/bfd.h, which adds what Open vSwitch knows
// beyond the RFC) and the controller for the next hops of gateways (controller/responders/bfd_sessions.h).
// Both may include packet/, and the session needs nothing else.
//
// Pure: messages and `now` go in, messages and state come out.  The owner calls receive() for each message
// that is for the session, and poll() when next_wakeup_ms() is reached or after anything else was called;
// poll() gives at most one message to send, so it is called until it gives none.
//
// Messages go out at intervals of what both ends allow, less a jitter of up to a quarter (6.8.7), and once a
// second at most until the session is up (6.8.3); a new state is told at once.  The session is down when
// none came for the other end's multiplier times the agreed interval.  New intervals are agreed on by a poll
// sequence (6.5): what makes detection sharper holds from its end on, what makes it blunter at once.  The
// other end may ask for silence, by demand mode or by a "required min RX interval" of zero.
//
// Not supported: authentication, echo, demand mode of our own.  Not checked here: addresses and ports.

#pragma once

#include <cstdint>
#include <functional>
#include <optional>

#include "base/bytes.h"
#include "packet/bfd.h"

namespace weft::packet {

class BfdSession {
  public:
    struct Settings {
        int64_t min_tx_ms = 1000, min_rx_ms = 1000;
        uint8_t multiplier = 3;
        bool path_down = false;  // tell the other end that the path behind this one is down
        // The interval is shorter once the session is up, of which 6.8.3 wants the other end told by a poll
        // sequence.
        bool poll_when_up = true;
        bool operator==(const Settings&) const = default;
    };
    struct Remote {
        BfdState state = BfdState::kDown;
        BfdDiag diag = BfdDiag::kNone;
        uint8_t flags = 0;
        uint32_t discriminator = 0;
        int64_t min_tx_ms = 0, min_rx_ms = 1;  // 6.8.1
        uint8_t multiplier = 0;
    };
    using Random = std::function<uint32_t()>;

    // `discriminator` is not zero and unique in the system (6.3).  `random` gives numbers for the jitter.
    BfdSession(uint32_t discriminator, const Settings& settings, Random random, int64_t now_ms);

    void configure(const Settings& settings, int64_t now_ms);
    void set_admin_down(bool down, int64_t now_ms);
    // A min_rx other than the settings' until those change or the session goes down.
    void want_min_rx(int64_t ms, int64_t now_ms);

    // The payload of a UDP datagram and the TTL that it came with.  Why it was discarded, and so changed
    // nothing; nullptr: it was taken.
    const char* receive(ByteView payload, uint8_t ttl, int64_t now_ms);
    // A message to send now, if there is one.  Silence of the other end is noticed here, too.
    std::optional<BfdMessage> poll(int64_t now_ms);
    int64_t next_wakeup_ms() const;  // 0: at once

    uint32_t discriminator() const { return discriminator_; }
    const Settings& settings() const { return settings_; }
    BfdState state() const { return state_; }
    bool up() const { return state_ == BfdState::kUp; }
    BfdDiag diag() const { return diag_; }
    const Remote& remote() const { return remote_; }
    bool polling() const { return polling_; }
    // The intervals that count now, of this end and agreed on.
    int64_t min_tx_ms() const { return active_min_tx_ms_; }
    int64_t min_rx_ms() const { return active_min_rx_ms_; }
    int64_t tx_interval_ms() const;
    int64_t rx_interval_ms() const;
    int64_t detect_ms() const { return detect_ms_; }  // when the other end is given up; 0: it is not awaited
    int64_t next_tx_ms() const { return next_tx_ms_; }
    int64_t last_tx_ms() const { return last_tx_ms_; }

  private:
    void advance(BfdState theirs);
    void enter(BfdState state, BfdDiag diag);
    void start_poll(int64_t now_ms);
    void end_poll();
    void schedule(int64_t from_ms);
    bool may_send() const;
    BfdMessage compose(uint8_t flags) const;

    Settings settings_;
    Random random_;

    // This end (6.8.1).
    BfdState state_ = BfdState::kDown;
    BfdDiag diag_ = BfdDiag::kNone;
    uint32_t discriminator_;
    int64_t min_tx_ms_;         // that is said
    int64_t active_min_tx_ms_;  // that counts: a longer one only after the poll sequence
    int64_t min_rx_ms_;         // that is said
    int64_t active_min_rx_ms_;  // that counts: a shorter one only after the poll sequence
    bool polling_ = false;      // a poll sequence is under way (6.5)
    bool answer_poll_ = false;  // a message with Final is due
    bool tell_ = false;         // a message with the new state is due

    Remote remote_;
    int64_t last_tx_ms_, next_tx_ms_;
    int64_t detect_ms_ = 0;
};

}  // namespace weft::packet
