// The southbound DNS table, arranged for look-ups: the names of each logical switch.
//
// A row is read when it changes and only then.  Names are compared in lower case.  If several rows of a
// switch have a name, the first in the order of their uuids counts.

#pragma once

#include <map>
#include <set>
#include <string>

#include "base/hash_map.h"
#include "base/uuid.h"
#include "controller/responders/dns.h"
#include "ovsdb/client/replica.h"
#include "schema/sb.h"

namespace weft::controller {

class DnsTable {
  public:
    // Takes over the rows that changed; before the replica's clear_changes().
    void update(const ovsdb::client::Replica& southbound);

    void set(const Uuid& row, const schema::sb::DNS& value);
    void erase(const Uuid& row);

    // `name` in lower case; null if the switch has no such name.
    const dns::Records* find(const Uuid& datapath, const std::string& name) const;

  private:
    struct Row {
        std::set<Uuid> datapaths;
        HashMap<std::string, dns::Records> names;
    };
    std::map<Uuid, Row> rows_;
    std::map<Uuid, std::set<Uuid>> by_datapath_;
};

}  // namespace weft::controller
