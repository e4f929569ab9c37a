// trigger_event(event = "empty_lb_backends"): a packet came for a load balancer without back ends, which a
// cloud's management system may want to start.  Reported once as a row of Controller_Event, and again only
// after the row was deleted.

#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>

#include "base/bytes.h"
#include "ovsdb/client/replica.h"
#include "schema/sb.h"

namespace weft::controller {

class LoadBalancerEvents {
  public:
    using Information = std::map<std::string, std::string>;  // vip, protocol, load_balancer

    // What the action carries; nullopt if it is not that.
    static std::optional<Information> parse(ByteView userdata);

    void note(Information information);
    void write(const ovsdb::client::Replica& southbound, const Uuid& chassis,
               ovsdb::client::Transaction& txn);
    bool pending() const { return !pending_.empty(); }

  private:
    static constexpr size_t kMostPending = 1000;
    std::set<Information> pending_;
    int64_t last_number_ = 0;
};

}  // namespace weft::controller
