// ovn-controller-vtep: a hardware switch that ends VXLAN tunnels takes part in logical networks
// (ovn-controller-vtep(8); ovn-architecture(7), "Life Cycle of a VTEP gateway").
//
// Two databases: the southbound one, where the hardware is a chassis that has ports of type vtep, and the
// hardware's own, hardware_vtep, which tells it behind which tunnels the network's addresses are.  One turn:
// changes of both go into the program's inputs (program.h), the program is brought up to date, and the
// differences are written, one transaction for each database that differs.
//
// With Global:other_config:ovn-match-northd-version of hardware_vtep nothing is touched while northd is of
// another version.

#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "net/loop.h"
#include "ovsdb/client/replica.h"
#include "vtep/hardware.h"
#include "vtep/program.h"
#include "vtep/southbound.h"

namespace weft::vtep {

class GatewayController {
  public:
    struct Options {  // remotes
        std::vector<std::string> hardware, southbound;
    };
    GatewayController(net::Loop& loop, Options options);
    ~GatewayController();

    // Takes what was written out of both databases, so far as they can be reached, then calls `done`.
    void leave(std::function<void()> done);

  private:
    struct Writing {  // of one database
        bool under_way = false;
        bool again = true;      // something may be left to be written
        unsigned failures = 0;  // in a row
    };

    void turn();
    void look_again();
    void feed();
    bool northd_fits();
    template <typename Side>
    void write(ovsdb::client::Replica& replica, Writing& state, Side& side, const char* what);

    net::Loop& loop_;
    ovsdb::client::Replica vtep_, sb_;
    Program program_;
    Hardware hardware_{vtep_};
    Southbound southbound_{sb_};
    uint64_t vtep_seen_ = 0, sb_seen_ = 0;
    Writing vtep_writing_, sb_writing_;
    bool leaving_ = false;
    std::unique_ptr<net::Loop::Turn> turn_;
    std::unique_ptr<net::Loop::Timer> retry_;
};

}  // namespace weft::vtep
