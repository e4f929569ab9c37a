// The programs' meters (meter_shared.h) as the buckets of a table of meters: the daemon takes from them, too.

#pragma once

#include "datapath/ebpf/kernel.h"
#include "datapath/userspace/meter_table.h"

namespace weft::datapath::ebpf {

class SharedMeters final : public MeterTable::Buckets {
  public:
    // Numbers 0 to `count` - 1, from slot `first` on.  `kernel` must outlive it.
    SharedMeters(Kernel& kernel, uint32_t first, uint32_t count)
        : kernel_(kernel), first_(first), count_(count) {}

    bool put(const MeterConfig& config) override;
    void remove(uint32_t id) override;
    bool pass(uint32_t id, size_t bytes) override;
    void read(MeterConfig& config) const override;

  private:
    MeterSlot& slot(uint32_t id) const { return kernel_.meter(first_ + id); }

    Kernel& kernel_;
    uint32_t first_, count_;
};

}  // namespace weft::datapath::ebpf
