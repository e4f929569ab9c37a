// The parts of a connection that only some of its files look into.

#pragma once

#include "switch/connection/of_connection.h"

namespace weft::vswitch {

struct OfConnection::Bundle {
    uint16_t flags = 0;
    bool closed = false;
    int64_t last_used_ms = 0;
    Bytes opened_by;  // the start of the message, for errors
    // Whole messages, which are known to decode.  Decoded they would be ten times as long.
    std::vector<Bytes> frames;
};

struct OfConnection::Monitor {
    openflow::FlowMonitor request;
};

inline constexpr uint32_t reason_bit(unsigned reason) {
    return 1u << reason;
}

}  // namespace weft::vswitch
