#include "datapath/userspace/upcall_queue.h"

#include <sys/eventfd.h>
#include <unistd.h>

namespace weft::datapath {

UpcallQueue::UpcallQueue() : event_(eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)) {}

bool UpcallQueue::push(PortNo port, Item item) {
    bool first;
    {
        std::lock_guard lock(mutex_);
        first = by_port_.empty();
        std::deque<Item>& queue = by_port_[port];
        if (queue.size() >= kPerPort) return false;
        queue.push_back(std::move(item));
    }
    uint64_t one = 1;
    if (first) (void)!write(event_.get(), &one, sizeof one);
    return true;
}

std::vector<UpcallQueue::Item> UpcallQueue::take(size_t most) {
    std::vector<Item> out;
    std::lock_guard lock(mutex_);
    while (out.size() < most && !by_port_.empty()) {
        auto it = by_port_.upper_bound(last_);
        if (it == by_port_.end()) it = by_port_.begin();
        last_ = it->first;
        out.push_back(std::move(it->second.front()));
        it->second.pop_front();
        if (it->second.empty()) by_port_.erase(it);
    }
    uint64_t count;
    if (by_port_.empty()) (void)!read(event_.get(), &count, sizeof count);
    return out;
}

}  // namespace weft::datapath
