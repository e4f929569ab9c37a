// What the kernel tells all who listen: multicast groups of rtnetlink (rtnetlink(7), RTMGRP_*).

#pragma once

#include <cstdint>
#include <functional>
#include <memory>

#include "base/result.h"
#include "net/loop.h"

struct nlmsghdr;
struct mnl_socket;

namespace weft::net {

class NetlinkEvents {
  public:
    // `message` is called with each, and may be empty; `told` after a turn's messages, with whether some were
    // lost since the kernel had no room for them.  Neither may destroy this.
    static Result<std::unique_ptr<NetlinkEvents>> create(Loop& loop, uint32_t groups,
                                                         std::function<void(const nlmsghdr&)> message,
                                                         std::function<void(bool lost)> told);
    ~NetlinkEvents();

  private:
    NetlinkEvents() = default;
    void read();

    std::function<void(const nlmsghdr&)> message_;
    std::function<void(bool lost)> told_;
    mnl_socket* socket_ = nullptr;
    std::unique_ptr<Loop::Watch> watch_;
};

}  // namespace weft::net
