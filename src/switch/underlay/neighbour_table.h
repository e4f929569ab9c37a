// The link-layer addresses of the next hops of tunnels, by bridge (`tnl/neigh/*`).
//
// They are learnt from what neighbours say to the bridge's own address (ARP replies, RFC 826; neighbour
// advertisements, RFC 4861) and from gratuitous ARP, or set by a user.  An entry that neither a packet to the
// neighbour nor one from it has used for the aging time goes.  Pure: time is handed in.
//
// A next hop that is not known is to be asked for, once a second while packets want to go there.

#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>

#include "packet/flow.h"

namespace weft::vswitch {

class NeighbourTable {
  public:
    static constexpr int64_t kAskAgainMs = 1000;

    // True if that is news.
    bool learn(const std::string& bridge, const packet::Ipv6Addr& address, const packet::EthAddr& mac,
               int64_t now_ms);
    std::optional<packet::EthAddr> find(const std::string& bridge, const packet::Ipv6Addr& address) const;
    void used(const std::string& bridge, const packet::Ipv6Addr& address, int64_t now_ms);
    // The neighbour is not known: true if it is to be asked for now.
    bool ask(const std::string& bridge, const packet::Ipv6Addr& address, int64_t now_ms);
    bool asking() const { return !asked_.empty(); }

    void flush() { entries_.clear(); }
    void forget_bridge(const std::string& bridge);
    bool expire(int64_t now_ms);  // true: something went
    void set_aging(int64_t seconds) { aging_ms_ = seconds * 1000; }
    int64_t aging_s() const { return aging_ms_ / 1000; }
    std::string text() const;  // tnl/neigh/show

  private:
    using Key = std::pair<std::string, packet::Ipv6Addr>;
    struct Entry {
        packet::EthAddr mac{};
        int64_t used_ms = 0;
    };
    static constexpr size_t kMostEntries = 65536;  // of those learnt

    std::map<Key, Entry> entries_;
    std::map<Key, int64_t> asked_;  // when
    int64_t aging_ms_ = 900'000;
};

}  // namespace weft::vswitch
