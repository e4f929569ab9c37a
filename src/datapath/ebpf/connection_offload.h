// The tracker's established connections, for the programs in the kernel
// (docs/decisions/0044-connections-in-the-kernel.md).
//
// A connection has a slot of an array that is memory of the daemon, and two entries of a hash by its tuples.
// Slots are used again when no program can be reading them any more, which is waited for once for many
// (as flow_slots.h).  When there is none the connection stays the daemon's.

#pragma once

#include <vector>

#include "datapath/conntrack/accelerator.h"
#include "datapath/ebpf/kernel.h"

namespace weft::datapath::ebpf {

// What the programs have of a connection, as the tracker knows it.
conntrack::Connection connection_of(const TrackedConnection& tracked);

class ConnectionOffload final : public conntrack::Accelerator {
  public:
    explicit ConnectionOffload(Kernel& kernel);

    void put(conntrack::Connection& connection, const Terms& terms) override;
    int64_t read(conntrack::Connection& connection) override;
    void remove(conntrack::Connection& connection) override;

  private:
    bool take(uint32_t& slot);
    void merge(TrackedConnection& out, const conntrack::Connection& connection);

    Kernel& kernel_;
    std::vector<uint32_t> free_, retired_;
};

}  // namespace weft::datapath::ebpf
