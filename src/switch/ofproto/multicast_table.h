// The multicast snooping table of a bridge (`mdb`): which ports of a VLAN want which group, and behind which
// there are multicast routers (RFC 4541; ovs-vswitchd.conf.db(5), "Multicast Snooping Configuration").
//
// A port stays in a group for `aging` seconds after its last report, a router port for three minutes after
// the last query.  The table holds a bounded number of groups and of router ports; when it is full, what was
// heard of least recently goes.  IPv4 groups are ::ffff:a.b.c.d.
//
// `generation` changes whenever forwarding could come out differently; the caller revalidates then.

#pragma once

#include <cstdint>
#include <list>

#include "base/hash_map.h"
#include "packet/flow.h"

namespace weft::vswitch {

struct Bundle;

class MulticastTable {
  public:
    struct Member {
        Bundle* bundle = nullptr;
        int64_t used_ms = 0;
    };
    struct Group {
        packet::Ipv6Addr address{};
        uint16_t vlan = 0;
        std::list<Member> members;  // the oldest first; never empty
    };
    struct Router {
        Bundle* bundle = nullptr;
        uint16_t vlan = 0;
        int64_t used_ms = 0;
    };

    bool enabled() const { return enabled_; }
    void set_enabled(bool enabled);
    // Whether packets to groups that nobody reported go everywhere, or to routers alone.
    bool flood_unregistered() const { return flood_unregistered_; }
    void set_flood_unregistered(bool flood);
    void set_limits(int64_t aging_s, size_t max_entries);

    const Group* find(const packet::Ipv6Addr& group, uint16_t vlan) const;
    const std::list<Router>& routers() const { return routers_; }  // the oldest first
    bool is_router(uint16_t vlan, const Bundle* bundle) const;

    enum class Joined : uint8_t { kRenewed, kNewMember, kNewGroup };
    Joined join(const packet::Ipv6Addr& group, uint16_t vlan, Bundle* bundle, int64_t now_ms);
    // True if the table changed (not just an age).
    bool leave(const packet::Ipv6Addr& group, uint16_t vlan, const Bundle* bundle);
    bool note_router(uint16_t vlan, Bundle* bundle, int64_t now_ms);
    void forget(const Bundle* bundle);
    void flush();
    void expire(int64_t now_ms);

    const std::list<Group>& groups() const { return groups_; }  // the oldest first
    uint64_t generation() const { return generation_; }

  private:
    struct Key {
        packet::Ipv6Addr address;
        uint16_t vlan;
        bool operator==(const Key&) const = default;
        template <typename H>
        friend H AbslHashValue(H h, const Key& key) {
            return H::combine(std::move(h), key.address, key.vlan);
        }
    };
    using Groups = std::list<Group>;
    void erase(Groups::iterator group);

    bool enabled_ = false, flood_unregistered_ = true;
    int64_t aging_ms_ = 300000;
    size_t max_entries_ = 2048;
    Groups groups_;
    HashMap<Key, Groups::iterator> by_key_;
    std::list<Router> routers_;
    int64_t due_ms_ = INT64_MAX;  // nothing expires before
    uint64_t generation_ = 1;
};

}  // namespace weft::vswitch
