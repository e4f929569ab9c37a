// Routes that tunnels follow: the host's own (`Cached`) and those that a user gave (`ovs/route/add`).
//
// A route says by which device a destination is reached, through which gateway, and from which address.  The
// longest prefix wins; of equal ones the user's.  A user's route may have a packet mark, which then must be
// the packet's.  Pure: addresses and the host's routes are handed in.  IPv4 addresses are in mapped form
// (packet::map_ipv4()), prefixes counted in them, from 96 on.

#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"
#include "packet/flow.h"

namespace weft::vswitch {

struct UnderlayRoute {
    packet::Ipv6Addr network{};
    uint8_t bits = 0;
    std::string device;
    packet::Ipv6Addr gateway{};  // zero: the destination is a neighbour
    packet::Ipv6Addr source{};   // of packets whose sender does not choose
    uint32_t mark = 0;           // of users' routes; 0: any
    bool user = false, local = false;
};

// An address of a device, with the prefix of its network.
struct UnderlayAddress {
    packet::Ipv6Addr address{};
    uint8_t bits = 128;
    bool operator==(const UnderlayAddress&) const = default;
};

class RouteTable {
  public:
    // A user's route; it replaces one with the same network and mark.  The source is the device's address in
    // the network of the gateway, or of the destination.  Error: the device has none.
    Result<void> add(UnderlayRoute route, const std::vector<UnderlayAddress>& device_addresses);
    bool remove(const packet::Ipv6Addr& network, uint8_t bits, uint32_t mark);  // false: there is none
    void set_system(std::vector<UnderlayRoute> routes) { system_ = std::move(routes); }

    const UnderlayRoute* find(const packet::Ipv6Addr& destination, uint32_t mark) const;
    bool marked() const;       // some routes are for marks
    std::string text() const;  // ovs/route/show

  private:
    std::vector<UnderlayRoute> user_, system_;
};

bool in_network(const packet::Ipv6Addr& address, const packet::Ipv6Addr& network, uint8_t bits);
// "1.2.3.0/24"; nothing if it is no network.  Host bits are cleared, a missing prefix means the address
// alone.
struct ParsedNetwork {
    packet::Ipv6Addr network{};
    uint8_t bits = 128;
};
Result<ParsedNetwork> parse_network(const std::string& text);
// Of either family, in mapped form.
Result<packet::Ipv6Addr> parse_address(const std::string& text);
std::string address_text(const packet::Ipv6Addr& address);  // mapped ones as IPv4

}  // namespace weft::vswitch
