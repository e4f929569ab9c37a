// Packets that wait for the MAC address of their next hop (the logical actions arp and nd_ns): sent on when
// the address is learnt, by this host or by another.
//
// Bounded, since tenants choose the addresses: the last three packets of each of at most 1000 next hops, for
// ten seconds.

#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "packet/flow.h"

namespace weft::controller {

struct WaitingPacket {
    Bytes bytes;
    packet::Flow flow;  // headers, and the registers to go on with
};

class BufferedPackets {
  public:
    struct NextHop {
        uint32_t datapath_key = 0, port_key = 0;  // of the router port that it leaves by
        std::string ip;
        auto operator<=>(const NextHop&) const = default;
    };
    static constexpr size_t kDepth = 3, kMostNextHops = 1000;
    static constexpr int64_t kWaitMs = 10000;

    void add(const NextHop& next_hop, WaitingPacket packet, int64_t now_ms);
    // All that wait for it, oldest first; they wait no more.
    std::vector<WaitingPacket> take(const NextHop& next_hop, int64_t now_ms);
    void forget_old(int64_t now_ms);
    bool empty() const { return waiting_.empty(); }
    size_t size() const { return waiting_.size(); }

  private:
    struct Queue {
        std::deque<WaitingPacket> packets;
        int64_t until_ms = 0;
    };
    std::map<NextHop, Queue> waiting_;
};

}  // namespace weft::controller
