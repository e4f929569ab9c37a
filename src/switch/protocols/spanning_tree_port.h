// What the spanning tree protocols (stp.h, rstp.h) and the switch say about a port to each other.

#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "packet/bpdu.h"

namespace weft::vswitch {

// kOff: the port takes no part, and no protocol holds anything back.  kDisabled: it takes part, but its link
// is down.  RSTP's one state of this kind, Discarding, is kListening, as OpenFlow 1.0 shows it.
enum class TreeState : uint8_t { kOff, kDisabled, kBlocking, kListening, kLearning, kForwarding };
constexpr bool learns(TreeState state) {
    return state == TreeState::kOff || state == TreeState::kLearning || state == TreeState::kForwarding;
}
constexpr bool forwards(TreeState state) {
    return state == TreeState::kOff || state == TreeState::kForwarding;
}

// A BPDU to send.
struct TreeMessage {
    uint16_t port = 0;  // the protocol's number
    packet::Bpdu bpdu;
};

// What stp/show and rstp/show print is the same but for words.
struct TreeShow {
    struct Port {
        std::string name, role, state;
        uint32_t cost = 0;
        unsigned priority = 0, number = 0;
    };
    struct Times {
        uint64_t bridge = 0;  // bridge id
        int64_t hello_s = 0, max_age_s = 0, forward_delay_s = 0;
    };
    Times root, own;
    std::string root_port;  // "": this bridge is the root
    uint32_t root_path_cost = 0;
    std::vector<Port> ports;

    // `gap` follows "stp-priority"; `cost` is the width of the cost's column.
    std::string text(const std::string& bridge, std::string_view gap, int cost) const;
};

}  // namespace weft::vswitch
