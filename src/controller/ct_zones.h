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
#include <string_view>
#include <utility>
#include <vector>

#include "ovsdb/client/replica.h"
#include "schema/vswitch.h"

namespace weft::controller {

class CtZones {
  public:
    // Once, when the bridge is first seen.
    void restore(const schema::vswitch::Bridge& bridge);

    // The name wants a zone from now on, or no more.
    void want(const std::string& name, bool wanted);
    // Gives numbers to names that want one and, if `free_others`, frees those that nobody wants any more.
    // Newly given numbers are in take_to_flush(): what a former owner left in the zone must go before it is
    // used. `requested`: the numbers that names among those ask for.
    void assign(const std::map<std::string, uint16_t>& requested, bool free_others);
    // The names whose zones are others than when this was asked last.
    std::set<std::string> take_changed() { return std::exchange(changed_, {}); }

    const std::map<std::string, uint16_t>& zones() const { return zones_; }
    std::vector<uint16_t> take_to_flush() { return std::move(to_flush_); }

    // Writes what the bridge's row lacks, of one name or of all.
    void save(const std::string& name, const schema::vswitch::Bridge& bridge,
              ovsdb::client::Transaction& txn) const;
    void save_all(const schema::vswitch::Bridge& bridge, ovsdb::client::Transaction& txn) const;
    static constexpr std::string_view kPrefix = "ct-zone-";  // of keys in the bridge's external_ids

    std::string to_text() const;  // ct-zone-list

  private:
    void follow(const std::map<std::string, uint16_t>& requested);
    void set(const std::string& name, uint16_t zone);
    void lose(const std::string& name);
    uint16_t free_zone();

    std::map<std::string, uint16_t> zones_;
    std::set<std::string> wanted_;
    std::set<std::string> without_;   // of these, those that have no zone yet
    std::set<std::string> unwanted_;  // have one all the same
    std::set<std::string> changed_;
    std::map<std::string, uint16_t> requested_;
    std::set<uint16_t> used_;    // by names that did not ask for it
    std::set<uint16_t> shared_;  // that are asked for
    std::vector<uint16_t> to_flush_;
    uint16_t last_ = 0;
};

}  // namespace weft::controller
