// Address and port translation: choosing what to translate to, and changing packets (RFC 3022).
//
// A connection's reply tuple says everything: packets of the original direction are made to look like
// reversed(reply), those of the other like reversed(original).
//
// Choosing: the address is picked from the range by a hash of the original addresses, so that a host keeps
// its address (with `persistent` by a hash that outlives the process); the port stays what it was if that is
// free and no range was given, else the range, or the ports of the same class as iptables-extensions(8)
// describes for SNAT (below 512, below 1024, above), are tried from there on.  At most kTries tuples are
// tried, so a packet's cost has a limit; ranges of up to that size are searched whole.  ICMP queries have an
// identifier in the place of ports.

#pragma once

#include <functional>
#include <optional>

#include "datapath/api/action.h"
#include "datapath/conntrack/headers.h"
#include "packet/packet.h"

namespace weft::datapath::conntrack {

class Nat {
  public:
    static constexpr size_t kTries = 256;

    Nat();
    // The reply tuple for a connection that begins with `original`, for which `is_free` is true; nullopt if
    // none was found.
    std::optional<Tuple> choose(const Tuple& original, const NatRange& range,
                                const std::function<bool(const Tuple&)>& is_free);

  private:
    uint64_t hash(const Tuple& tuple, bool persistent, bool with_port) const;
    uint64_t next_random();

    uint64_t secret_;
    uint64_t random_;
};

// Makes a packet whose tuple is `from` look as if it were `to`: addresses, ports or ICMP identifier,
// checksums.
void rewrite_tuple(packet::Packet& packet, const packet::Layout& layout, const Tuple& from, const Tuple& to);

// An ICMP error: the packet that it quotes, whose tuple is headers.quoted, is made to look like `to`, and
// checksums are mended.  The outer addresses are those of rewrite_addresses().
void rewrite_quoted(packet::Packet& packet, const packet::Layout& layout, const Headers& headers,
                    const Tuple& to);
// Outer addresses alone.
void rewrite_addresses(packet::Packet& packet, const packet::Layout& layout, bool v6,
                       const packet::Ipv6Addr& src, const packet::Ipv6Addr& dst);

}  // namespace weft::datapath::conntrack
