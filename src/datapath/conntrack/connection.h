// One tracked connection: its two tuples, its protocol's state, what `ct` wrote on it.

#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <variant>

#include "datapath/conntrack/sequence_shift.h"
#include "datapath/conntrack/tcp_tracking.h"
#include "datapath/conntrack/tuple.h"

namespace weft::datapath::conntrack {

// UDP, ICMP and everything else: whether anybody answered.
struct DatagramTracking {
    enum class State : uint8_t { kFirst, kRepeated, kAnswered };
    State state = State::kFirst;
};

struct Connection {
    // Of the packet that began it, and of the answers as they arrive: with translation, reply is not
    // reversed(original).
    Tuple original, reply;
    std::variant<DatagramTracking, TcpTracking> protocol;
    std::shared_ptr<const TimeoutPolicy> timeouts;
    int64_t expires_ms = 0;

    uint32_t mark = 0;
    packet::Be128 label{};

    // What translation changes, in packets of the original direction.
    bool source_nat = false, destination_nat = false;

    enum class Helper : uint8_t { kNone, kFtp, kTftp };
    Helper helper = Helper::kNone;  // who looks for announcements of others
    std::unique_ptr<Tuple> parent;  // of one that was announced: the original tuple of who did; null: none
    // TCP whose text the helper made longer or shorter: by direction, original and reply.  Null: never.
    std::unique_ptr<std::array<SequenceShift, 2>> shifts;
    // Of an accelerator (accelerator.h): where it has the connection; 0: it has not.
    uint32_t accelerated = 0;

    // Of the store: the list of those that are looked at in the same second.
    Connection* previous = nullptr;
    Connection* next = nullptr;
    uint32_t slot = 0;

    bool expired(int64_t now_ms) const { return now_ms >= expires_ms; }
    bool translated() const { return source_nat || destination_nat; }
};

}  // namespace weft::datapath::conntrack
