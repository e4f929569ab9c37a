// Which tunnel port a packet that came out of a tunnel belongs to.
//
// A port takes packets by (kind and UDP port, that is the datapath port; local address; remote address; key),
// each of the latter three fixed or "flow" (any), and of the kinds that it is for: Ethernet, others or both.
// The most specific port wins, in the order of ovs-vswitchd.conf.db(5): a fixed key before key=flow, a fixed
// remote before remote_ip=flow, a fixed local address before none.

#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
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
    OfPort* find(datapath::PortNo datapath_port, const packet::Tunnel& tunnel, uint32_t packet_type) const;
    std::vector<OfPort*> ports() const;
    bool empty() const { return ports_.empty(); }
    // The datapath's port of the tunnels that receive by this UDP port (0: by GRE); nullopt: there are none.
    std::optional<datapath::PortNo> listener(uint16_t udp_port) const;
    // All of them by UDP port, with how many tunnels each serves.
    struct Listener {
        datapath::PortNo port = datapath::kNoPort;
        int tunnels = 0;
    };
    const std::map<std::pair<uint16_t, datapath::PortNo>, Listener>& listeners() const { return listeners_; }

  private:
    static std::string key(datapath::PortNo port, const packet::Ipv6Addr& local,
                           const packet::Ipv6Addr& remote, uint64_t key, unsigned shape,
                           TunnelPackets packets);
    static std::string key_of(const OfPort& port);
    HashMap<std::string, OfPort*> ports_;
    std::map<std::pair<uint16_t, datapath::PortNo>, Listener> listeners_;
};

}  // namespace weft::vswitch
