// The slots of the array `flows`, and when they may be used again.
//
// A program that has found a slot reads it until it returns, however long that takes.  So a slot whose flow
// has gone is written again only after all programs of that time have returned; this is waited for once for
// many slots, when free ones run out.

#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "datapath/ebpf/kernel.h"

namespace weft::datapath::ebpf {

class FlowSlots {
  public:
    explicit FlowSlots(Kernel& kernel);

    // Writes a flow into as many slots as its actions need; the first one's number.  nullopt: none are left.
    // `list`: the list's number, not 0.
    std::optional<uint32_t> write(uint32_t list, uint32_t mask, const Key& key,
                                  const std::vector<FlowAction>& actions);
    // No program that begins from now on finds the flow through the cache.
    void retire(uint32_t slot);

    struct Counters {
        uint64_t packets = 0, bytes = 0, used_ns = 0;
        uint16_t tcp_flags = 0;
    };
    Counters counters(uint32_t slot) const;
    size_t free() const { return free_.size() + retired_.size(); }

  private:
    std::optional<uint32_t> take();

    Kernel& kernel_;
    std::vector<uint32_t> free_, retired_;
    std::vector<uint32_t> next_;  // of a slot whose list goes on: where; else kFlowSlots
};

}  // namespace weft::datapath::ebpf
