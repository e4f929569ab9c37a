// The masks of the megaflows that are installed, of which there are not more than a lookup can afford.
//
// A datapath looks a packet up under one mask after the other.  A mask has the bits that the tables had to
// look at, which for prefixes of addresses and ports are just enough to tell the packet from the rules:
// whoever may choose packets can have masks made, as many as the lengths of all prefixes multiply to (tuple
// space explosion), and everybody's packets that are not in a datapath's exact-match cache pay for each.
//
// So masks have a bound, and a port brings no more of its own than are left for others.  Beyond that a
// megaflow gets a wider mask: all bits of the words that it has bits in.  It matches fewer packets than it
// could, and never a wrong one; and there are only as many such masks as there are sets of words.

#pragma once

#include <cstdint>
#include <vector>

#include "base/hash_map.h"
#include "datapath/api/datapath.h"
#include "packet/flow.h"

namespace weft::vswitch {

class MegaflowMasks {
  public:
    using Id = uint32_t;

    explicit MegaflowMasks(size_t most) : most_(most) {}

    // Holds a mask for a megaflow of a packet from `port`.  `mask` is what the tables looked at; it is
    // widened when it would be one too many.
    Id hold(packet::Flow& mask, datapath::PortNo port);
    // A mask that somebody else has chosen, as it is.
    Id hold_given(const packet::Flow& mask, datapath::PortNo port);
    void release(Id id);

    size_t size() const { return ids_.size(); }
    size_t widened() const { return widened_; }  // of those, beyond the bound

  private:
    struct Entry {
        packet::Flow mask;
        datapath::PortNo port = 0;  // that brought it
        uint32_t megaflows = 0;     // 0: free
        bool widened = false;
    };
    Id add(const packet::Flow& mask, datapath::PortNo port, bool widened);
    Id share(Id id);

    // Ids, looked up by mask.
    struct Hash {
        using is_transparent = void;
        const std::vector<Entry>* entries;
        size_t operator()(Id id) const { return (*this)((*entries)[id].mask); }
        size_t operator()(const packet::Flow& mask) const;
    };
    struct Equal {
        using is_transparent = void;
        const std::vector<Entry>* entries;
        bool operator()(Id a, Id b) const { return a == b; }
        bool operator()(Id a, const packet::Flow& mask) const { return (*entries)[a].mask == mask; }
    };

    size_t most_;
    size_t widened_ = 0;
    std::vector<Entry> entries_;
    std::vector<Id> free_;
    absl::flat_hash_set<Id, Hash, Equal> ids_{0, Hash{&entries_}, Equal{&entries_}};
    HashMap<datapath::PortNo, uint32_t> of_port_;  // how many it brought, widened ones aside
};

}  // namespace weft::vswitch
