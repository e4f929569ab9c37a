// What an earlier process has left in the kernel that a new one wants to know: the connections that its
// programs follow, and the flows by which they forward.  Found through a filter that is still in place;
// nothing is pinned.

#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <utility>
#include <vector>

#include "datapath/ebpf/layout_shared.h"
#include "datapath/netdev/tc_filter.h"

namespace weft::datapath::ebpf {

// kLayoutVersion, in a file of its own: a program that defines it otherwise is of another version.
uint64_t layout_version();

class Predecessor {
  public:
    // Through the program at a device.  nullopt: there is none, or its maps are of another layout.
    static std::optional<Predecessor> find(int ifindex, TcFilter::Hook hook);
    Predecessor(Predecessor&& other) noexcept;
    ~Predecessor();

    // As they are now.  Those whose time is over are left out.
    void each_connection(const std::function<void(const TrackedConnection&)>& callback) const;

    struct Flow {
        Key key;                               // masked, as there: in_port and recirc_id are the process's
        std::vector<uint32_t> recirculations;  // ids that its list names, in its order
        int64_t unused_ms = 0;
    };
    // In no order.  Those that were not used for `most_unused_ms` are left out.
    void each_flow(int64_t most_unused_ms, const std::function<void(const Flow&)>& callback) const;
    // nullptr: there is no such port.
    const PortEntry* port(uint32_t number) const;

  private:
    template <typename T>
    class View {  // of a mapped array, read only
      public:
        View() = default;
        View(View&& other) noexcept
            : at_(std::exchange(other.at_, nullptr)), count_(std::exchange(other.count_, 0)) {}
        View& operator=(View&&) = delete;
        ~View();
        void open(int map, size_t count);
        const T& operator[](size_t index) const { return at_[index]; }
        size_t size() const { return count_; }  // 0: it is not there

      private:
        T* at_ = nullptr;
        size_t count_ = 0;
    };

    Predecessor() = default;
    std::vector<uint32_t> recirculations(uint32_t slot) const;
    uint64_t used_ns(uint32_t slot) const;

    View<TrackedConnection> tracked_;
    View<FlowSlot> flows_;
    View<PortEntry> ports_;
    View<FlowCounters> counters_;
};

}  // namespace weft::datapath::ebpf
