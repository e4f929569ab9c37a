// Tells when somebody takes filters off a device: `tc filter del`, `tc qdisc del dev X clsact`, or one of the
// programs that start by doing that.  Their owner looks whether its own is still there, and puts it back.

#pragma once

#include <functional>
#include <memory>
#include <set>

#include "base/result.h"
#include "net/netlink_events.h"

namespace weft::datapath {

class FilterEvents {
  public:
    // `gone` is called once a turn for each device (ifindex) that lost a filter or its clsact queue, by us or
    // others; with 0 when the kernel could not tell which.
    static Result<std::unique_ptr<FilterEvents>> create(net::Loop& loop, std::function<void(int)> gone);

  private:
    FilterEvents() = default;

    std::set<int> devices_;  // of this turn
    std::unique_ptr<net::NetlinkEvents> events_;
};

}  // namespace weft::datapath
