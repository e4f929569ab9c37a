// Packets on their way from packet threads to the switch's thread, for which they miss a flow or which an
// action sends there.
//
// Bounded for each port, and taken from ports in turns: a port that sends up more than the switch can look at
// loses packets of its own and delays others by no more than a packet.  The packets of a port keep their
// order.

#pragma once

#include <deque>
#include <map>
#include <mutex>
#include <vector>

#include "base/descriptor.h"
#include "datapath/api/datapath.h"

namespace weft::datapath {

class UpcallQueue {
  public:
    static constexpr size_t kPerPort = 1024;

    struct Item {
        Upcall upcall;
        uint64_t queue = 0;  // the receive queue that waits for its answer; 0: none does
    };

    UpcallQueue();
    // Can be read from while there is anything to take.
    int fd() const { return event_.get(); }

    // From any thread.  False: the port has too many here.
    bool push(PortNo port, Item item);
    // A packet of each port in turn, `most` of them in all.
    std::vector<Item> take(size_t most);

  private:
    Descriptor event_;
    std::mutex mutex_;
    std::map<PortNo, std::deque<Item>> by_port_;  // none of them empty
    PortNo last_ = kNoPort;                       // that had its turn
};

}  // namespace weft::datapath
