// The MAC learning table of a bridge (`fdb`): which port a station of a VLAN was last seen on.
//
// Entries age out `aging` seconds after their last packet (ovs-vswitchd.conf.db(5),
// other_config:mac-aging-time) and the table is bounded (mac-table-size): when it is full, the port with the
// most entries gives up its oldest, so that one noisy port cannot displace the others.  Static entries
// (`fdb/add`) stay.  `generation` changes whenever a lookup could come out differently; the caller
// revalidates then.

#pragma once

#include <cstdint>
#include <list>
#include <string>
#include <vector>

#include "base/hash_map.h"
#include "packet/flow.h"

namespace weft::vswitch {

struct Bundle;
struct OfPort;

class MacTable {
  public:
    struct Entry {
        uint16_t vlan = 0;
        packet::EthAddr mac{};
        Bundle* bundle = nullptr;
        bool is_static = false;
        int64_t used_ms = 0;
        int64_t gratuitous_lock_until_ms = 0;  // until then a bond's gratuitous ARPs do not move it
    };
    struct Statistics {
        uint64_t learned = 0, expired = 0, evicted = 0, moved = 0;
    };

    const Entry* lookup(const packet::EthAddr& mac, uint16_t vlan) const;
    // Notes a packet from `mac`; returns true if the table changed (not just the age).  With `lock` the
    // station announced itself (a gratuitous ARP): for a while, such packets elsewhere are echoes.
    bool learn(const packet::EthAddr& mac, uint16_t vlan, Bundle* bundle, int64_t now_ms, bool lock = false);
    // True if learn() would change the table: what a translation without side effects asks.
    bool would_change(const packet::EthAddr& mac, uint16_t vlan, const Bundle* bundle) const;
    bool add_static(const packet::EthAddr& mac, uint16_t vlan, Bundle* bundle);  // false: the table is full
    bool remove(const packet::EthAddr& mac, uint16_t vlan);
    void flush(bool statics_too = false);
    void forget(const Bundle* bundle);
    void expire(int64_t now_ms);

    void set_limits(int64_t aging_s, size_t max_entries);
    int64_t aging_s() const { return aging_ms_ / 1000; }
    size_t max_entries() const { return max_entries_; }
    size_t size() const { return entries_.size(); }
    size_t statics() const;
    const Statistics& statistics() const { return statistics_; }
    void clear_statistics() { statistics_ = {}; }
    std::vector<const Entry*> entries() const;  // the oldest first
    uint64_t generation() const { return generation_; }

  private:
    using List = std::list<Entry>;
    static uint64_t key(const packet::EthAddr& mac, uint16_t vlan);
    void erase(List::iterator entry);
    void evict();

    List order_;  // by age, the oldest first
    HashMap<uint64_t, List::iterator> entries_;
    int64_t aging_ms_ = 300000;
    size_t max_entries_ = 8192;
    Statistics statistics_;
    uint64_t generation_ = 1;
};

}  // namespace weft::vswitch
