// The BFD session of a switch's interface: the protocol (packet/bfd_session.h, RFC 5880) and what Open
// vSwitch makes of it (ovs-vswitchd.conf.db(5), "Bidirectional Forwarding Detection").
//
// `forwarding` is what the switch acts on: the session is up and the other end does not signal that the path
// behind it is down, or, with forwarding_if_rx, packets arrive.  With decay_min_rx the interval grows while
// there is no traffic.
//
// Pure: control messages, packet counts and `now` go in, control messages and state come out.  The owner
// calls receive() for every message that bfd_options.h's BfdFilter says is for the session, and poll() when
// next_wakeup_ms() is reached or after anything else was called; poll() gives at most one message to send, so
// it is called until it gives none.  A message that breaks a rule of section 6.8.6 changes nothing;
// rejected() counts them and last_rejection() says why.
//
// Differences from the RFC and from Open vSwitch: docs/decisions/0026-bfd.md.

#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>

#include "base/bytes.h"
#include "packet/bfd_session.h"
#include "switch/protocols/bfd_options.h"

namespace weft::vswitch {

using packet::bfd_diag_name;
using packet::bfd_state_name;
using packet::BfdDiag;
using packet::BfdMessage;
using packet::BfdState;

class Bfd {
  public:
    // `discriminator` is not zero and unique in the system (RFC 5880, 6.3).  `random` gives numbers for the
    // jitter.
    Bfd(uint32_t discriminator, const BfdOptions& options, std::function<uint32_t()> random, int64_t now_ms);

    void configure(const BfdOptions& options, int64_t now_ms);
    const BfdOptions& options() const { return options_; }
    uint32_t discriminator() const { return session_.discriminator(); }

    // The payload of a UDP datagram and the TTL that it came with.
    void receive(ByteView payload, uint8_t ttl, int64_t now_ms);
    // How many packets the interface has received so far, control messages included.
    void count_received(uint64_t packets, int64_t now_ms);
    bool wants_counts() const { return options_.forwarding_if_rx || options_.decay_min_rx_ms > 0; }
    // A message to send now, if there is one.
    std::optional<BfdMessage> poll(int64_t now_ms);
    int64_t next_wakeup_ms() const;

    BfdState state() const { return session_.state(); }
    bool forwarding() const { return forwarding_; }
    // bfd/set-forwarding; nullopt: what the session says.
    void override_forwarding(std::optional<bool> forwarding, int64_t now_ms);
    uint64_t flaps() const { return flaps_; }
    uint64_t rejected() const { return rejected_; }
    const std::string& last_rejection() const { return last_rejection_; }
    // Changes of session state and diagnostic, for the log: "up->down ...".  Empty: none since the last call.
    std::string take_transitions();

    std::map<std::string, std::string> status() const;  // bfd_status
    std::string show(int64_t now_ms) const;             // bfd/show

  private:
    void note_changes(int64_t now_ms);
    void decay(int64_t now_ms);
    void update_forwarding(int64_t now_ms);
    bool idle() const;
    bool data_holds(int64_t now_ms) const;
    void open_decay_window(int64_t now_ms);

    BfdOptions options_;
    packet::BfdSession session_;
    // As of the last look.
    BfdState state_ = BfdState::kAdminDown;
    BfdDiag diag_ = BfdDiag::kNone;

    int64_t last_control_ms_ = 0;  // when the other end's last message came; 0: never
    uint64_t controls_ = 0;        // messages received

    // Data packets.
    bool counted_ = false;
    uint64_t first_received_ = 0, first_controls_ = 0;  // at the first count
    int64_t data_ = 0;            // packets since then that were no messages; counters may lag, so the most
    int64_t data_until_ms_ = 0;   // packets that arrived hold `forwarding` so long
    int64_t decay_check_ms_ = 0;  // when the window ends; 0: there is none
    int64_t decay_data_ = 0;      // packets and messages when it began
    uint64_t decay_controls_ = 0;
    bool decayed_ = false;

    std::optional<bool> forced_;
    bool forwarding_ = false;
    uint64_t flaps_ = 0, rejected_ = 0;
    std::string last_rejection_, transitions_;
};

}  // namespace weft::vswitch
