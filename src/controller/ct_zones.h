// Conntrack zones: one number for every local port and two for every local datapath (NAT), so that
// connections of different networks do not meet.  A zone keeps its number while it is needed, over restarts
// too: the numbers are kept in external_ids:ct-zone-NAME of the integration bridge.
//
// Names: the logical port's name; DATAPATH-UUID_dnat and DATAPATH-UUID_snat.
//
// A router may ask for a zone by its number (ovn-nb(5), Logical_Router:options:snat-ct-zone), to share it
// with others: several routers, or the host, whose own zone is 0.  No other name gets such a zone, and what
// is in it is left alone.

#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "ovsdb/client/replica.h"
#include "schema/vswitch.h"

namespace weft::controller {

class CtZones {
  public:
    // Once, when the bridge is first seen.
    void restore(const schema::vswitch::Bridge& bridge);

    // Gives numbers to new names and, if `free_others`, frees those no longer wanted.  Newly given numbers
    // are in take_to_flush(): what a former owner left in the zone must go before it is used.
    // `requested`: the numbers that names among `wanted` ask for.
    void assign(const std::set<std::string>& wanted, const std::map<std::string, uint16_t>& requested,
                bool free_others);

    const std::map<std::string, uint16_t>& zones() const { return zones_; }
    std::vector<uint16_t> take_to_flush() { return std::move(to_flush_); }

    // Writes what the bridge's row lacks.
    void save(const schema::vswitch::Bridge& bridge, ovsdb::client::Transaction& txn) const;

    std::string to_text() const;  // ct-zone-list

  private:
    void follow(const std::map<std::string, uint16_t>& requested);
    uint16_t free_zone();

    std::map<std::string, uint16_t> zones_;
    std::map<std::string, uint16_t> requested_;
    std::set<uint16_t> used_;    // by names that did not ask for it
    std::set<uint16_t> shared_;  // that are asked for
    std::vector<uint16_t> to_flush_;
    uint16_t last_ = 0;
};

}  // namespace weft::controller
