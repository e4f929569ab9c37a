// IP fragments: collected until a packet is whole, so that it can be tracked as one, and given back as the
// fragments that they were (ovs-actions(7), ct; RFC 791 section 3.2, RFC 8200 section 4.5).
//
// Pieces of a packet share addresses, identification, protocol and zone.  A piece is kept if it fits with
// those that are there: no byte twice (RFC 5722), nothing behind the last one, not longer than an IP packet
// can be, and, but for the last, not smaller than the minimum.  What does not fit is not kept: its packet
// goes on as invalid.  Memory: at most `max_fragments` packets; what is not whole after 15 seconds is
// dropped.

#pragma once

#include <cstdint>
#include <map>
#include <vector>

#include "base/hash_map.h"
#include "datapath/api/connection_table.h"
#include "datapath/conntrack/tuple.h"
#include "packet/extract.h"
#include "packet/packet.h"

namespace weft::datapath::conntrack {

class Fragments {
  public:
    enum class Fate : uint8_t { kHeld, kWhole, kInvalid };

    struct Piece {
        packet::Packet packet;
        uint32_t start = 0, end = 0;     // of the payload that it carries, in the whole
        uint16_t payload = 0;            // where that lies in `packet`
        uint16_t ip = 0;                 // where the IP header lies
        uint16_t fragment_header = 0;    // IPv6: where that lies
        uint16_t next_header_field = 0;  // IPv6: the byte in front of it that names it
        bool v6 = false, last = false;
    };

    // Takes a fragment.  kHeld: `packet` was taken.  kWhole: `packet` is now the packet as one, and `pieces`
    // the fragments in order.  kInvalid: `packet` is left as it was.
    Fate add(packet::Packet& packet, const packet::Layout& layout, const packet::Flow& key, uint16_t zone,
             int64_t now_ms, std::vector<Piece>& pieces);
    // Carries what was changed in the whole packet (addresses, ports, checksums; not its length) over to the
    // pieces.
    static void spread(const packet::Packet& whole, std::vector<Piece>& pieces);
    // Drops what did not become whole in time; the number of fragments.
    size_t expire(int64_t now_ms);

    bool enabled(bool v6) const { return status_.config.family[v6].enabled; }
    Result<void> configure(const FragmentConfig& config);
    FragmentStatus status(bool with_lists) const;

  private:
    static constexpr int64_t kLifeMs = 15000;

    struct Id {
        packet::Ipv6Addr src{}, dst{};
        uint32_t id = 0;
        uint16_t zone = 0;
        uint8_t protocol = 0;
        uint8_t v6 = 0;
        bool operator==(const Id&) const = default;
        template <typename H>
        friend H AbslHashValue(H h, const Id& i) {
            return H::combine(std::move(h), i.src, i.dst, i.id, i.zone, i.protocol, i.v6);
        }
    };
    struct Datagram {
        std::vector<Piece> pieces;  // by start
        uint64_t serial = 0;
    };
    struct Deadline {
        int64_t at_ms;
        Id id;
    };

    static bool describe(const packet::Packet& packet, const packet::Layout& layout, const packet::Flow& key,
                         Id& id, Piece& piece);
    static bool whole(const std::vector<Piece>& pieces);
    static packet::Packet join(const std::vector<Piece>& pieces);
    void forget(absl::flat_hash_map<Id, Datagram>::iterator it);

    absl::flat_hash_map<Id, Datagram> datagrams_;
    std::map<uint64_t, Deadline> deadlines_;  // by serial, which is by time
    FragmentStatus status_;                   // without the lists
    uint64_t next_serial_ = 1;
};

}  // namespace weft::datapath::conntrack
