// Multicast snooping of the logical switches of this host: what their ports report becomes rows of
// IGMP_Group, from which ovn-northd makes multicast groups; and this host's part as querier (IP_Multicast of
// ovn-sb(5)).

#pragma once

#include <functional>
#include <map>
#include <optional>

#include "controller/responders/multicast_groups.h"
#include "controller/southbound_view.h"
#include "ovsdb/client/replica.h"

namespace weft::controller {

class MulticastSnooping {
  public:
    // A packet for all ports of the switch that are on this host.
    using Flood = std::function<void(uint32_t datapath_key, const packet::Packet&)>;

    // Takes over the settings.
    void update(const ovsdb::client::Replica& southbound, SouthboundView& view, int64_t now_ms);
    // True if there is something to write.
    bool received(uint32_t datapath_key, uint32_t port_key, const MulticastMessage& message, int64_t now_ms);
    void run(int64_t now_ms, const Flood& flood);
    std::optional<int64_t> due_ms() const;
    // Makes this chassis' rows equal to what is known.
    void write(const ovsdb::client::Replica& southbound, SouthboundView& view,
               const schema::sb::Chassis& chassis, ovsdb::client::Transaction& txn);

  private:
    struct Switch {
        Uuid datapath;
        MulticastGroups groups;
        int64_t sequence_number = 0;  // IP_Multicast.seq_no
        std::optional<packet::EthAddr> eth_src;
        std::optional<uint32_t> ip4_src;
        std::optional<packet::Ipv6Addr> ip6_src;
        bool querier = false;
        int64_t query_interval_ms = 0, max_response_s = 1;
        int64_t query_due_ms = 0;
    };
    std::map<uint32_t, Switch> switches_;  // by key
    bool changed_ = false;
};

}  // namespace weft::controller
