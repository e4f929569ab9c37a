// The periodic router advertisements of this host: each router port that sends them does so on every chassis
// where its switch is, to the switch's ports there, at random times between its shortest and longest
// interval.

#pragma once

#include <functional>
#include <map>
#include <optional>
#include <set>

#include "controller/responders/router_advertisement.h"
#include "controller/southbound_view.h"
#include "ovsdb/client/replica.h"

namespace weft::controller {

class PeriodicAdvertisements {
  public:
    // A packet that comes into the switch by the port with these keys, for this host alone.
    using Send = std::function<void(uint32_t datapath_key, uint32_t port_key, const packet::Packet&)>;

    // Which ports send any; before the replica's clear_changes().
    void note_changes(const ovsdb::client::Replica& southbound);
    // Takes over their settings.
    void update(const ovsdb::client::Replica& southbound, SouthboundView& view, int64_t now_ms);
    void run(int64_t now_ms, const Send& send);
    std::optional<int64_t> due_ms() const;

  private:
    struct Port {
        RouterAdvertisement advertisement;
        uint32_t datapath_key = 0, port_key = 0;  // of the switch's port
        int64_t due_ms = 0;
    };
    std::set<Uuid> senders_;
    std::map<Uuid, Port> ports_;
};

}  // namespace weft::controller
