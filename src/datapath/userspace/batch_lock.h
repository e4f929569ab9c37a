// A lock that packet threads take for every batch and the switch's thread now and then, to change what they
// look at.
//
// Each packet thread has a seat, a mutex of its own: taking it costs nothing while nobody changes anything,
// since no other packet thread touches it.  The switch's thread takes all seats.  It goes first: it announces
// itself, and whoever sits asks between two packets whether to make way (wanted()).  So a change waits for a
// packet, not for a batch, and a thread that always has packets does not keep the switch out.  Without packet
// threads there are no seats, and the lock is nothing.
//
// Having it, the switch's thread knows that every packet thread is at a quiet point: what it takes out of the
// shared tables then, nobody uses any more.

#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <vector>

namespace weft::datapath {

class BatchLock {
  public:
    class alignas(64) Seat {
      public:
        explicit Seat(BatchLock& all) : all_(all) {}
        void lock();
        void unlock() { mutex_.unlock(); }
        // Somebody waits: to be asked between packets.
        bool wanted() const { return all_.wanted_.load(std::memory_order_relaxed); }
        // Lets them in.
        void make_way() {
            unlock();
            lock();
        }

      private:
        friend class BatchLock;
        BatchLock& all_;
        std::mutex mutex_;
    };

    // For a packet thread; by the switch's thread, before that thread starts and after it has ended.
    Seat& add_seat();
    void remove_seats() { seats_.clear(); }

    // By the switch's thread; may be nested.
    void lock();
    void unlock();

  private:
    std::vector<std::unique_ptr<Seat>> seats_;
    std::atomic<bool> wanted_{false};
    std::mutex turn_;  // held by the switch's thread while it wants and has the seats
    int depth_ = 0;
};

}  // namespace weft::datapath
