// What this chassis tells a physical network of the addresses that are behind it now: gratuitous ARP (RFC
// 5227, section 3) for addresses of ports here and for NAT addresses, RARP for MAC addresses without one.
//
// A network's switches learn from it that an address moved to another host, when a virtual machine or a
// gateway did.  Each is sent when it becomes ours, and again after 2, 4, 8 and 16 seconds; with
// external_ids:garp-max-timeout-sec for ever, at intervals that grow up to that.
//
// Pure: what is wanted and the time go in, what is to be sent comes out.

#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <vector>

#include "controller/southbound_view.h"
#include "packet/flow.h"
#include "packet/packet.h"

namespace weft::controller {

struct Announcement {
    uint32_t datapath_key = 0, port_key = 0;  // enters the ingress pipeline there
    packet::EthAddr mac{};
    std::optional<uint32_t> ip;  // IPv4; none: RARP
    auto operator<=>(const Announcement&) const = default;
};

// On the local switches with a physical network: the addresses of the VIFs that are here, and the
// nat_addresses of ports to routers as far as they are served here.
std::set<Announcement> find_announcements(SouthboundView& view);

packet::Packet make_announcement(const Announcement& announcement);

class Announcer {
  public:
    // New ones begin at once; those that are no longer wanted end.
    void set(const std::set<Announcement>& wanted, int64_t now_ms);
    void set_max_interval_ms(int64_t ms) { max_interval_ms_ = ms; }  // 0: end after 16 seconds
    // All begin again, as after a change of the network's topology.
    void restart(int64_t now_ms);

    std::vector<Announcement> take_due(int64_t now_ms);
    std::optional<int64_t> next_ms() const;

  private:
    struct State {
        int64_t due_ms = 0;
        int64_t interval_ms = 0;  // until the one after that
        bool done = false;
    };
    std::map<Announcement, State> states_;
    int64_t max_interval_ms_ = 0;
};

}  // namespace weft::controller
