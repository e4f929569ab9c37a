// A packet thread: takes batches from the receive queues that it was given, on one processor, and sleeps when
// there is nothing.
//
// A round of it asks every queue that was busy lately for a batch, carries it through the datapath (lane.h)
// and sends what comes out.  After a burst it goes on asking for kIdleUs, as a sleep and the waking from it
// cost as much as the way of several packets; then it waits until a queue has packets (epoll(7)).
// PacketThreadSettings::max_sleep_us changes how it waits.
//
// Packets that miss a flow go to the switch's thread, which answers and sends them.  Their receive queue
// waits for the answer, for kAnswerUs at most: so the packets behind do not overtake, unless the switch is
// busy with something else for longer than that.  Other queues go on meanwhile.

#pragma once

#include <atomic>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "base/descriptor.h"
#include "datapath/api/packet_threads.h"
#include "datapath/userspace/lane.h"
#include "datapath/userspace/upcall_queue.h"

namespace weft::datapath {

class PacketThread;

// A receive queue as threads serve it.
struct ServedQueue {
    uint64_t id = 0;  // never used again
    PortNo port = kNoPort;
    std::string port_name;
    unsigned number = 0;  // of the port's queues
    ReceiveQueue* queue = nullptr;

    // Of its thread; the switch's thread gives it to another one under the ports' lock.
    bool busy = false, armed = false;
    int empty_polls = 0;
    int64_t held_until_us = 0;
    std::atomic<int> unanswered{0};  // packets that the switch's thread has not dealt with
    Counter cycles;                  // that it took
};

class PacketThread final : private UpcallSink {
  public:
    static constexpr int64_t kIdleUs = 15, kAnswerUs = 20000;

    struct Seats {
        BatchLock::Seat &ports, &tables;
    };
    PacketThread(Forwarding& shared, Seats seats, unsigned lane, unsigned processor, UpcallQueue& upcalls);
    ~PacketThread() override;

    void start(std::optional<uint32_t> max_sleep_us);
    void stop();  // and waits for its end
    unsigned processor() const { return processor_; }
    const Lane& lane() const { return lane_; }
    Lane& lane() { return lane_; }  // at a quiet point

    // By the switch's thread, with the ports' lock.
    void add(ServedQueue& queue);
    void remove(ServedQueue& queue);
    // What a queue of it waited for is answered; or there is other news.
    void wake();

    struct Counts {
        uint64_t iterations = 0, busy_iterations = 0, sleeps = 0, sleep_us = 0;
        uint64_t idle_cycles = 0, busy_cycles = 0;
    };
    Counts counts() const;

  private:
    bool upcall(Upcall upcall) override;

    void run();
    size_t round(bool& held);
    bool serve(ServedQueue& queue, size_t& packets);
    void wait(bool held);
    void sleep_for(uint32_t us);
    void listen(int at_most_ms);
    void hear(uint64_t id, uint32_t events);  // events: of epoll(7)

    const Seats seats_;
    const unsigned processor_;
    UpcallQueue& upcalls_;
    Lane lane_;
    Descriptor epoll_, event_;
    std::optional<uint32_t> max_sleep_us_;
    std::string name_;
    std::thread thread_;
    std::atomic<bool> stopping_{false};

    std::vector<ServedQueue*> queues_;  // changed with the ports' lock
    size_t next_ = 0;                   // of queues_, that the next round begins with
    int64_t listened_us_ = 0;
    bool all_busy_ = false;  // it asks all of them
    ServedQueue* current_ = nullptr;
    std::vector<Received> batch_;
    Counter iterations_, busy_iterations_, sleeps_, sleep_us_, idle_cycles_, busy_cycles_;
};

}  // namespace weft::datapath
