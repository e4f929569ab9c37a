// The kernel's tables of Ethernet addresses behind devices (forwarding database, bridge(8)) and of neighbours
// (ip-neighbour(8)), for programs that exchange such entries with a routing daemon by them (rtnetlink(7)).
//
// A seam: KernelNeighborTables asks the kernel of the network namespace that the program runs in; tests may
// put another in its place.  IPv4 addresses are in mapped form (packet::map_ipv4()).  Errors are one line
// with errno's text; what may go wrong: no such device, a device without such a table, no right to change it.

#pragma once

#include <compare>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "net/loop.h"
#include "packet/flow.h"

namespace weft::net {

// An entry of a device's forwarding database.
struct ForwardingEntry {
    packet::EthAddr mac{};           // zero: what has no entry of its own (VXLAN devices)
    packet::Ipv6Addr destination{};  // of VXLAN devices the other end; zero: none
    uint16_t port = 0;               // its UDP port; 0: the device's
    uint32_t vni = 0;                // 0: the device's
    bool of_bridge = false;          // of the bridge that the device is a port of, not its own
    bool is_fixed = false;           // does not age: "static", not "permanent" (the bridge's own addresses)
    bool learnt_elsewhere = false;   // "extern_learn": by a routing daemon
    auto operator<=>(const ForwardingEntry&) const = default;
};

struct NeighborEntry {
    packet::Ipv6Addr ip{};
    packet::EthAddr mac{};
    bool is_fixed = false;          // "noarp"
    bool learnt_elsewhere = false;  // "extern_learn"
    auto operator<=>(const NeighborEntry&) const = default;
};

class NeighborTables {
  public:
    virtual ~NeighborTables() = default;
    virtual Result<std::vector<ForwardingEntry>> forwarding(const std::string& device) = 0;
    virtual Result<std::vector<NeighborEntry>> neighbors(const std::string& device) = 0;
    // A fixed entry of the bridge, behind its port `device`.
    virtual Result<void> add_forwarding(const std::string& device, const packet::EthAddr& mac) = 0;
    virtual Result<void> remove_forwarding(const std::string& device, const packet::EthAddr& mac) = 0;
    // A fixed entry.
    virtual Result<void> add_neighbor(const std::string& device, const packet::Ipv6Addr& ip,
                                      const packet::EthAddr& mac) = 0;
    virtual Result<void> remove_neighbor(const std::string& device, const packet::Ipv6Addr& ip) = 0;
};

// `on_change`: some entry, or some device, changed; the loop calls it.
Result<std::unique_ptr<NeighborTables>> kernel_neighbor_tables(Loop& loop, std::function<void()> on_change);

}  // namespace weft::net
