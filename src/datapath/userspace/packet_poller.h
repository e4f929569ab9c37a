// Looks at ports again before their thread sleeps, while packets keep coming.
//
// A sleep and the waking from it cost the switch, and whoever sends, as much as the way of several packets.
// So once a burst has come in, the ports that took part in it are asked again for kIdleUs after the last
// packet; a packet that comes alone is dealt with and no more.  The processor is not offered to others
// meanwhile (sched_yield(2)): on a busy machine it would come back milliseconds later.  After kTurnUs
// everything else on the loop gets its turn.

#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace weft::datapath {

class PacketPoller {
  public:
    static constexpr int64_t kIdleUs = 15, kTurnUs = 1000;
    static constexpr size_t kBurst = 8;  // packets of a turn after which more are waited for

    class Source {
      public:
        virtual ~Source() = default;
        virtual size_t poll() = 0;  // takes a batch at most; how many packets there were
    };

    // `source` has packets: takes them, and those of others that were busy lately.
    void run(Source& source);
    void remove(Source& source);  // it ends

  private:
    static constexpr int kForgottenAfter = 64;  // polls without a packet

    struct Busy {
        Source* source;
        int empty_polls;
    };
    std::vector<Busy> busy_;
};

}  // namespace weft::datapath
