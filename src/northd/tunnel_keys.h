// Tunnel keys of datapaths: each switch and router has one, from 1 on, and keeps it.
//
// A key is what `requested-tnl-key` asks for if it is free, what the datapath's Datapath_Binding has, or the
// next one in turn.

#pragma once

#include "northd/inputs.h"
#include "ovsdb/client/replica.h"

namespace weft::northd {

class TunnelKeys {
  public:
    explicit TunnelKeys(Inputs& inputs) : inputs_(inputs) {}

    // Gives keys to the switches and routers that have none, and takes them from those that are gone.
    void update(const ovsdb::client::Replica& northbound, const ovsdb::client::Replica& southbound);
    // Forgets what was given out: another northd may have given other keys meanwhile.
    void forget();

  private:
    struct Datapath {
        Uuid uuid;
        std::string name;
        int64_t requested = 0;
    };
    void load(const ovsdb::client::Replica& southbound);
    bool take(const Uuid& uuid, int64_t key);
    void release(const Uuid& uuid);

    Inputs& inputs_;
    HashMap<Uuid, int64_t> keys_;  // given out
    HashMap<Uuid, int64_t> requested_;
    HashMap<Uuid, int64_t> existing_;  // by Datapath_Binding, when it was loaded
    HashSet<int64_t> used_;
    int64_t hint_ = 0;
    bool loaded_ = false;
};

}  // namespace weft::northd
