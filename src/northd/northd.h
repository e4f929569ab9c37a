// ovn-northd: keeps the southbound database what the northbound one asks for.
//
// One turn: changes of both databases go into the program's inputs, the program is brought up to date, and
// the differences are written, northbound and southbound one transaction each.  Of several northd on one
// southbound database the one that has its lock "ovn_northd" writes; the others and paused ones only watch.

#pragma once

#include <memory>
#include <string>

#include "net/loop.h"
#include "northd/program.h"
#include "northd/sync/southbound.h"
#include "northd/tunnel_keys.h"
#include "ovsdb/client/replica.h"

namespace weft::northd {

class Northd {
  public:
    struct Options {
        std::vector<std::string> northbound, southbound;  // remotes
        bool paused = false;                              // at the start
    };
    Northd(net::Loop& loop, Options options);
    ~Northd();

    void pause();
    void resume();
    bool is_paused() const { return paused_; }
    std::string status() const;  // "active", "standby", "paused"
    std::string northbound_status() const { return nb_.connection_status(); }
    std::string southbound_status() const { return sb_.connection_status(); }
    std::string statistics() const;  // of the incremental engine, for people

  private:
    void turn();
    void feed();
    void feed_bindings();
    void become_active();
    void write_southbound();
    void write_northbound();
    void write_global(ovsdb::client::Transaction& txn);
    void write_port_status(ovsdb::client::Transaction& txn);
    void report_complaints();
    int64_t hypervisor_cfg(int64_t& timestamp) const;

    net::Loop& loop_;
    ovsdb::client::Replica nb_, sb_;
    Program program_;
    TunnelKeys tunnel_keys_{program_.in};
    Southbound southbound_{sb_};
    bool paused_, active_ = false;
    bool nb_writing_ = false, sb_writing_ = false;
    bool nb_again_ = true, sb_again_ = true;  // something is left to be written
    uint64_t nb_seen_ = 0, sb_seen_ = 0;
    int64_t sb_cfg_ = 0, sb_cfg_timestamp_ = 0;  // nb_cfg that the southbound database reflects
    int64_t nb_cfg_seen_ = 0, nb_cfg_timestamp_ = 0;
    HashMap<Uuid, std::vector<PortStatusRow>> port_status_;
    HashSet<Uuid> port_status_dirty_;
    std::unique_ptr<net::Loop::Turn> turn_;
};

}  // namespace weft::northd
