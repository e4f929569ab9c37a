// What packets say about where ports are: a port that has a virtual address now (bind_vport), a virtual
// machine that came to life here (RARP for options:activation-strategy, ovn-sb(5)).
//
// Remembered until a transaction is open; bounded, since tenants cause it.

#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <utility>

#include "controller/southbound_view.h"
#include "ovsdb/client/transaction.h"

namespace weft::controller {

class PortRequests {
  public:
    using Keys = std::pair<uint32_t, uint32_t>;  // of datapath and port

    explicit PortRequests(SouthboundView& view) : view_(view) {}

    // The virtual port is with the parent, a port of the same datapath.
    void bind_virtual(Keys virtual_port, uint32_t parent_key);
    void activate(Keys port);

    void write(ovsdb::client::Transaction& txn);

  private:
    const schema::sb::PortBinding* port_with(Keys keys);
    void write_virtual(const schema::sb::PortBinding& port, const schema::sb::PortBinding& parent,
                       const Uuid& own, ovsdb::client::Transaction& txn);

    static constexpr size_t kMostPending = 1000;
    SouthboundView& view_;
    std::map<Keys, uint32_t> virtual_;
    std::set<Keys> activated_;
};

}  // namespace weft::controller
