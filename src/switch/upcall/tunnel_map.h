// Which tunnel port a packet that came out of a tunnel belongs to.
//
// A port takes packets by (kind and UDP port, that is the datapath port; local address; remote address; key),
// each of the latter three fixed or "flow" (any).  The most specific port wins, in the order of
// ovs-vswitchd.conf.db(5): a fixed key before key=flow, a fixed remote before remote_ip=flow, a fixed local
// address before none.

#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/hash_map.h"
#include "datapath/api/datapath.h"
#include "switch/ofproto/port.h"

namespace weft::vswitch {

class TunnelMap {
  public:
    // False if another port has the same match already.
    bool add(OfPort& port);
    void remove(OfPort& port);
    OfPort* find(datapath::PortNo datapath_port, const packet::Tunnel& tunnel) const;
    std::vector<OfPort*> ports() const;

  private:
    static std::string key(datapath::PortNo port, const packet::Ipv6Addr& local,
                           const packet::Ipv6Addr& remote, uint64_t key, unsigned shape);
    static std::string key_of(const OfPort& port);
    HashMap<std::string, OfPort*> ports_;
};

}  // namespace weft::vswitch
