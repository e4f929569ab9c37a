// Multicast snooping of switches and relay of routers (ovn-nb(5), "IP Multicast Snooping Options").

#pragma once

#include <string>
#include <vector>

#include "base/uuid.h"

namespace weft::northd {

// A group on a switch, as its hosts joined it on one chassis (IGMP_Group).
struct IgmpGroup {
    Uuid switch_uuid;
    std::string address;
    std::vector<std::string> ports;
    bool operator==(const IgmpGroup&) const = default;
};

// A group on a switch or router.
struct GroupKey {
    Uuid datapath;
    std::string address;
    auto operator<=>(const GroupKey&) const = default;
    template <typename H>
    friend H AbslHashValue(H h, const GroupKey& k) {
        return H::combine(std::move(h), k.datapath, k.address);
    }
};

struct SwitchMulticast {
    bool snoops = false;
    bool floods_unregistered = false;
    bool relayed = false;        // a router beside it relays
    bool floods = false;         // some ports get everything (options:mcast_flood)
    bool has_reporters = false;  // some ports get all reports (options:mcast_flood_reports)
    bool operator==(const SwitchMulticast&) const = default;
};

}  // namespace weft::northd
