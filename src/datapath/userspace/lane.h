// A thread's own way through the datapath: what it takes from a port, looks up, carries out and sends.
//
// A lane has what a thread must not share to be quick: the cache of flows, the executor, counts, the list of
// ports to flush, and by its number (0 is the switch's thread, packet threads follow) each port's queue for
// sending.  What all lanes share is in forwarding.h.  A packet that needs the switch goes to the lane's
// UpcallSink.

#pragma once

#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "datapath/userspace/executor.h"
#include "datapath/userspace/flow_cache.h"
#include "datapath/userspace/forwarding.h"

namespace weft::datapath {

class UpcallSink {
  public:
    virtual ~UpcallSink() = default;
    // False: there is no room, or nobody to take it; that is counted already.
    virtual bool upcall(Upcall upcall) = 0;
};

// What a lane has done.
struct LaneStats {
    uint64_t received = 0, recirculated = 0;  // packets
    uint64_t exact_hits = 0, megaflow_hits = 0, misses = 0, lost = 0;
    uint64_t masks_tried = 0;
    uint64_t sent = 0, flushes = 0;  // packets, and times that ports were told to send theirs
};

class Lane final : private ActionSink {
  public:
    // `seat`: of the tables' lock, which is let go between packets if somebody wants it; null: the switch's
    // thread.
    Lane(Forwarding& shared, unsigned number, UpcallSink& upcalls, BatchLock::Seat* seat = nullptr);

    unsigned number() const { return number_; }
    // Packets that have come in by `port`.
    void received(PortNo port, std::vector<Received>& packets);
    // A packet whose key is known but for what extract() reads of it.
    void receive(Work&& work);
    // A packet that another lane missed a flow for.  False: there is still none, and `upcall` is untouched.
    bool answer(Upcall& upcall);
    // From `rest` on, a part of `all`.
    void go_on(Work&& work, std::span<const Action> rest, const Actions& all);
    // Sends what is queued.
    void flush();

    void dropped(explain::DropReason reason) override { drops_[static_cast<size_t>(reason)]++; }
    void lose() {
        lost_++;
        dropped(explain::DropReason::kUpcallLost);
    }

    // By the switch's thread, whatever this one does.
    LaneStats stats() const;
    void add_drops(std::vector<uint64_t>& out) const;
    // While the lane's thread is at a quiet point.
    void clear_cache() { cache_.clear(); }
    void forget(Port& port) { std::erase(to_flush_, &port); }
    void set_connections() { executor_.set_connections(shared_.connections.get()); }
    // Whether the table may have its subtables in a wrong order by now.
    bool wants_sort();

  private:
    // ActionSink
    void output(PortNo port, Work&& work) override;
    void recirculate(Work&& work) override;
    void upcall(const Userspace& action, Work&& work, const Actions& all) override;
    std::optional<std::pair<PortNo, PortType>> tunnel_receiver(PortNo port, ByteView bytes) override;

    void process(Work&& work);
    void carry_out(const FlowCache::Found& found, Work&& work);

    Forwarding& shared_;
    const unsigned number_;
    UpcallSink& upcalls_;
    BatchLock::Seat* const seat_;
    FlowCache cache_;
    Executor executor_;
    std::vector<Port*> to_flush_;
    int64_t now_ms_ = 0;
    uint64_t sorted_at_ = 0;  // searches

    Counter received_, recirculated_, hits_, misses_, lost_, sent_, flushes_;
    std::vector<Counter> drops_;
};

}  // namespace weft::datapath
