// The packet threads of a datapath: which there are, which receive queues each serves, what they have done,
// and what they send up.
//
// Without threads the switch's thread takes from all queues itself, by its loop; so it does from queues for
// which there is no thread, as all are isolated.  Everything here is called by the switch's thread.

#pragma once

#include <array>
#include <functional>
#include <map>
#include <memory>
#include <vector>

#include "datapath/userspace/packet_thread.h"
#include "datapath/userspace/queue_spread.h"
#include "datapath/userspace/queue_watch.h"

namespace weft::datapath {

// What a lane has done since then.
void fill_report(PacketThreadReport& out, const LaneStats& now, const LaneStats& then);

class PacketThreadPool {
  public:
    // `sink` gets what the switch's thread takes from queues, `answer` the packets that come up: it returns
    // when they are dealt with.
    using Answer = std::function<void(std::vector<UpcallQueue::Item>)>;
    PacketThreadPool(net::Loop& loop, PacketPoller& poller, Forwarding& shared, PacketSink& sink,
                     Answer answer);
    ~PacketThreadPool();

    void configure(const PacketThreadSettings& settings);
    const PacketThreadSettings& settings() const { return settings_; }
    unsigned lanes() const { return static_cast<unsigned>(threads_.size()) + 1; }

    void add_port(Port& port);
    void remove_port(PortNo port);  // before it goes; with the ports' lock
    void pin(PortNo port, const std::map<unsigned, unsigned>& processors);
    void rebalance() { spread(); }

    void each_lane(const std::function<void(Lane&)>& callback);  // of packet threads
    void add_to(DatapathStats& stats) const;                     // of all that there have been
    std::vector<PacketThreadReport> report(unsigned seconds) const;
    void clear_counts(std::optional<unsigned> processor);

  private:
    // Cycles at the ends of the last kSpans spans of kSpanS seconds.
    static constexpr size_t kSpans = 12;
    static constexpr int64_t kSpanS = 5;
    struct History {
        std::array<uint64_t, kSpans + 1> at{};
        size_t known = 0;  // of `at`, the newest first
        void add(uint64_t now);
        std::optional<uint64_t> grown(size_t spans) const;
    };
    struct Queue {
        ServedQueue served;
        std::optional<unsigned> pinned;
        PacketThread* thread = nullptr;     // null: the loop's
        std::unique_ptr<QueueWatch> watch;  // the loop's
        History history;
    };
    struct Thread {
        std::unique_ptr<PacketThread> thread;
        bool isolated = false;
        History elapsed, busy;
        LaneStats cleared;
        PacketThread::Counts cleared_counts;
        uint64_t cleared_cycles = 0;
        int64_t cleared_us = 0;
        void clear();
    };

    void add_threads_to(DatapathStats& stats) const;
    void spread();
    void give(Queue& queue, PacketThread* thread);
    void look();
    void take();
    void answered(const std::vector<uint64_t>& queues);

    net::Loop& loop_;
    PacketPoller& poller_;
    Forwarding& shared_;
    PacketSink& sink_;
    Answer answer_;
    PacketThreadSettings settings_;
    UpcallQueue upcalls_;
    std::map<uint64_t, std::unique_ptr<Queue>> queues_;  // by id, which is by age
    uint64_t last_id_ = 0;
    std::vector<Thread> threads_;
    DatapathStats ended_;  // of threads that are no more
    std::unique_ptr<net::Loop::Watch> watch_;
    std::unique_ptr<net::Loop::Timer> timer_;
    int looks_ = 0;
};

}  // namespace weft::datapath
