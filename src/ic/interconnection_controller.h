// ovn-ic: joins this OVN deployment, an availability zone, with others (ovn-ic(8); ovn-architecture(7), "OVN
// Deployments Interconnection").
//
// Four databases: the zone's own northbound and southbound ones, and the two that all zones share.  What is
// told to others goes into the interconnection southbound database (IC-SB), what is learnt from it into the
// zone's own.  One turn: changes of all four go into the program's inputs (program.h), the program is brought
// up to date, and the differences are written, one transaction for each database that differs.
//
// Of several ovn-ic of one zone the one that has the lock "ovn_ic" of the southbound database writes; the
// others and paused ones only watch.  Nothing is written while the zone has no name (NB_Global:name).
//
// Two zones of one name would each take the other's rows for its own and remove them.  So the active ovn-ic
// of a zone holds a lock of the IC-SB that is named after the zone, and one that does not get it writes
// nothing and says why.
//
// IC_NB_Global's nb_ic_cfg is a barrier: once everything up to it is written here, the zone's row in the
// IC-SB says so, and when all zones' rows do, IC_NB_Global's sb_ic_cfg.
//
// What may go wrong: two zones may choose the same tunnel key at once.  The database refuses the second,
// which then chooses again.

#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "ic/program.h"
#include "ic/sync/interconnection_southbound.h"
#include "ic/sync/northbound.h"
#include "ic/sync/southbound.h"
#include "net/loop.h"
#include "ovsdb/client/replica.h"

namespace weft::ic {

class InterconnectionController {
  public:
    struct Options {  // remotes
        std::vector<std::string> northbound, southbound, ic_northbound, ic_southbound;
    };
    InterconnectionController(net::Loop& loop, Options options);
    ~InterconnectionController();

    void pause();
    void resume();
    bool is_paused() const { return paused_; }
    std::string status() const;  // "active", "standby", "paused"

    // The engine's commands (incremental/statistics.h).
    std::string statistics(std::string_view function, std::string_view counter) const;
    void clear_statistics();
    void recompute();

  private:
    struct Writing {  // of one database
        bool under_way = false;
        bool again = true;      // something may be left to be written
        unsigned failures = 0;  // in a row
    };
    using Transaction = ovsdb::client::Transaction;

    void turn();
    bool has_news();
    void look_again();
    void feed();
    void feed_bindings();
    bool owns_name();
    bool find_zone();
    template <typename Fill, typename Done>
    void write(ovsdb::client::Replica& replica, Writing& state, const char* what, Fill fill, Done done);
    void write_all();
    void report_configuration();

    net::Loop& loop_;
    ovsdb::client::Replica nb_, sb_, icnb_, icsb_;
    Program program_;
    Northbound northbound_{nb_};
    Southbound southbound_{sb_};
    InterconnectionSouthbound interconnection_{icsb_};
    bool paused_ = false, active_ = false;
    std::string locked_name_;  // the zone's name, of which the lock is asked for; "": none
    uint64_t seen_[4] = {};
    Uuid zone_;  // our Availability_Zone; zero: none yet
    Writing nb_writing_, sb_writing_, icsb_writing_, icnb_writing_;
    bool computed_ = false;
    uint64_t recomputes_ = 0, computes_ = 0;
    std::unique_ptr<net::Loop::Turn> turn_;
    std::unique_ptr<net::Loop::Timer> retry_;
};

}  // namespace weft::ic
