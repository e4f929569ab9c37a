// What an earlier process has left in the kernel that a new one wants to know: the connections that its
// programs follow.  Found through a filter that is still in place; nothing is pinned.

#pragma once

#include <functional>
#include <optional>

#include "datapath/ebpf/layout_shared.h"
#include "datapath/netdev/tc_filter.h"

namespace weft::datapath::ebpf {

class Predecessor {
  public:
    // Through the program at a device.  nullopt: there is none, or its maps are of another layout.
    static std::optional<Predecessor> find(int ifindex, TcFilter::Hook hook);
    Predecessor(Predecessor&& other) noexcept;
    Predecessor& operator=(Predecessor&&) = delete;
    ~Predecessor();

    // As they are now.  Those whose time is over are left out.
    void each_connection(const std::function<void(const TrackedConnection&)>& callback) const;

  private:
    Predecessor() = default;
    TrackedConnection* tracked_ = nullptr;
};

}  // namespace weft::datapath::ebpf
