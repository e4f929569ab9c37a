// What northd wants to know of all chassis together, kept by the changes of their rows: a thousand of them
// report, one after the other, after every change of the network.

#pragma once

#include <cstdint>
#include <set>
#include <tuple>

#include "base/hash_map.h"
#include "base/uuid.h"
#include "ovsdb/client/replica.h"
#include "schema/sb.h"

namespace weft::northd {

class ChassisFacts {
  public:
    // All that changed is what chassis say of the configuration that they have.
    static bool only_reports(const ovsdb::client::Replica& southbound);
    // Takes the southbound's changes.
    void update(const ovsdb::client::Replica& southbound);

    bool any_vxlan() const { return !vxlan_.empty(); }  // a chassis has a VXLAN tunnel
    struct Configuration {
        int64_t nb_cfg = 0, timestamp = 0;  // ms since 1970; 0: unknown
        bool operator==(const Configuration&) const = default;
    };
    // The highest nb_cfg, `most` at most, that all chassis of this zone have, and when the last of those that
    // have no higher one got it.
    Configuration reached(int64_t most) const;

  private:
    void report_again(const schema::sb::ChassisPrivate& row);
    void take(const ovsdb::client::Replica& southbound, const Uuid& uuid);

    HashSet<Uuid> vxlan_;                               // Encap rows
    using Report = std::tuple<int64_t, int64_t, Uuid>;  // nb_cfg, its time, row of Chassis_Private
    std::set<Report> reports_;
    HashMap<Uuid, Report> report_of_;
};

}  // namespace weft::northd
