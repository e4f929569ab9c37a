// Connections that are to end because what they were balanced to is gone (ovn-sb(5),
// Load_Balancer:options:ct_flush): the load balancer or one of its virtual addresses was removed, a back end
// was, or the load balancer applies to nothing on this chassis any more.
//
// Such a connection is known by the virtual address that its client asked for and the back end that answers.
// Two load balancers may have the same pair: its connections end with the last of them.

#pragma once

#include <vector>

#include "controller/ending_connections.h"
#include "controller/load_balancers.h"

namespace weft::controller {

struct BalancedPair {
    uint8_t protocol = 0;  // 0: any, of a virtual address without a port
    LbEndpoint vip, backend;
    bool operator==(const BalancedPair&) const = default;
    template <typename H>
    friend H AbslHashValue(H h, const BalancedPair& p) {
        return H::combine(std::move(h), p.protocol, p.vip, p.backend);
    }
};

openflow::CtFlush flush_of(const BalancedPair& pair);

class BalancedConnections {
  public:
    explicit BalancedConnections(SouthboundView& view);
    ~BalancedConnections();

    std::vector<openflow::CtFlush> take_to_flush() { return pairs_.take_to_flush(); }

  private:
    void list(const Uuid& load_balancer);

    SouthboundView& view_;
    EndingConnections<BalancedPair> pairs_{view_, "balanced pairs", view_.load_balancers,
                                           [this](const Uuid& uuid) { list(uuid); }};
};

}  // namespace weft::controller
