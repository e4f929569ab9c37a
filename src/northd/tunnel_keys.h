// Tunnel keys of datapaths: each switch and router has one, from 1 on, and keeps it.
//
// In VXLAN mode there are fewer (tunnel_space.h); keys from before stay.
//
// A key is what `requested-tnl-key` asks for if it is free or as soon as it is, what the datapath has had, or
// the next one in turn.

#pragma once

#include <map>
#include <string>
#include <vector>

#include "northd/inputs.h"
#include "northd/tunnel_space.h"
#include "ovsdb/client/replica.h"

namespace weft::northd {

class TunnelKeys {
  public:
    explicit TunnelKeys(Inputs& inputs) : inputs_(inputs) {}

    // Gives keys to the switches and routers that have none, and takes them from those that are gone.
    void update(const ovsdb::client::Replica& northbound, const ovsdb::client::Replica& southbound,
                const TunnelSpace& space);
    // Forgets what was given out: another northd may have given other keys meanwhile.
    void forget();

  private:
    struct Datapath {
        Uuid uuid;
        std::string name;
        int64_t requested = 0, had = 0;
    };
    void load(const ovsdb::client::Replica& southbound);
    bool take(const Uuid& uuid, int64_t key);
    int64_t release(const Uuid& uuid);  // yields the key it had, or 0
    void give(std::vector<Datapath> datapaths);
    void serve_waiting();

    Inputs& inputs_;
    TunnelSpace space_;
    HashMap<Uuid, int64_t> keys_;  // given out
    HashMap<Uuid, int64_t> requested_;
    HashMap<Uuid, int64_t> existing_;  // by Datapath_Binding, when it was loaded
    HashSet<int64_t> used_;
    std::map<Uuid, Datapath> waiting_;  // for a key that another has
    bool freed_ = false;                // some key, since they were looked at
    int64_t hint_ = 0;
    bool loaded_ = false;
};

}  // namespace weft::northd
