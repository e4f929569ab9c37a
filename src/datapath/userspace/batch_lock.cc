#include "datapath/userspace/batch_lock.h"

#include "datapath/userspace/processor.h"

namespace weft::datapath {

namespace {

constexpr int kSpins = 2000;  // some ten microseconds: a change, or a packet, is over by then

// Asks again for a while before it sleeps: being woken takes longer than what is waited for.
void take(std::mutex& mutex) {
    for (int i = 0; i < kSpins; i++) {
        if (mutex.try_lock()) return;
        relax_processor();
    }
    mutex.lock();
}

}  // namespace

void BatchLock::Seat::lock() {
    if (wanted()) {
        take(all_.turn_);  // until the change is made
        all_.turn_.unlock();
    }
    take(mutex_);
}

BatchLock::Seat& BatchLock::add_seat() {
    return *seats_.emplace_back(std::make_unique<Seat>(*this));
}

void BatchLock::lock() {
    if (depth_++ || seats_.empty()) return;
    turn_.lock();
    wanted_.store(true, std::memory_order_relaxed);
    for (auto& seat : seats_) take(seat->mutex_);
}

void BatchLock::unlock() {
    if (--depth_ || seats_.empty()) return;
    wanted_.store(false, std::memory_order_relaxed);
    for (auto& seat : seats_) seat->mutex_.unlock();
    turn_.unlock();
}

}  // namespace weft::datapath
