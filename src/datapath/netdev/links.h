// The network devices of the daemon's own network namespace, by rtnetlink (rtnetlink(7)).
//
// Links keeps a table of all devices, filled at creation and kept right by the kernel's multicast messages,
// so a question costs a hash lookup.  Changes are told once per turn of the loop.  An own change (set_up,
// ...) is seen in the table when the call returns.

#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "net/loop.h"
#include "packet/flow.h"

namespace weft::datapath {

struct Link {
    int ifindex = 0;
    std::string name;
    packet::EthAddr mac{};
    int mtu = 0;
    int min_mtu = 0, max_mtu = 0;  // 0: not told
    bool admin_up = false;         // IFF_UP
    bool carrier = false;          // IFF_RUNNING: admin up and operational
    bool loopback = false;
    bool ethernet = false;  // ARPHRD_ETHER
    std::string kind;       // "veth", "tun", "vlan", "" for a physical device
    int peer_ifindex = 0;   // IFLA_LINK, of veth and stacked devices
    uint64_t carrier_changes = 0;
    int promiscuity = 0;       // who want to see all that passes
    bool promiscuous = false;  // IFF_PROMISC, which outlives who set it
    bool operator==(const Link&) const = default;
};

struct LinkStats {
    uint64_t rx_packets = 0, rx_bytes = 0, rx_dropped = 0, rx_errors = 0, rx_frame_err = 0, rx_over_err = 0,
             rx_crc_err = 0, rx_missed_errors = 0, multicast = 0;
    uint64_t tx_packets = 0, tx_bytes = 0, tx_dropped = 0, tx_errors = 0, collisions = 0;
};

class Links {
  public:
    // `loop` null: a snapshot that is refreshed by refresh() alone (for tools and tests).
    static Result<std::unique_ptr<Links>> create(net::Loop* loop);
    virtual ~Links() = default;

    virtual const Link* find(std::string_view name) const = 0;
    virtual const Link* find(int ifindex) const = 0;
    virtual const std::map<int, Link>& all() const = 0;  // by ifindex
    virtual uint64_t generation() const = 0;             // changes with every change of a device
    // Called with each device that appeared, changed or went (then find() gives null).
    virtual void on_change(std::function<void(const std::string& name)> callback) = 0;
    // Reads what the kernel has to tell now, without waiting for the loop.
    virtual void refresh() = 0;

    virtual Result<LinkStats> stats(std::string_view name) const = 0;
    virtual Result<void> set_up(std::string_view name, bool up) = 0;
    virtual Result<void> set_promiscuous(std::string_view name, bool on) = 0;
    virtual Result<void> set_mtu(std::string_view name, int mtu) = 0;
    virtual Result<void> set_mac(std::string_view name, const packet::EthAddr& mac) = 0;
    virtual Result<void> remove(std::string_view name) = 0;
};

}  // namespace weft::datapath
