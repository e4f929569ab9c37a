// What the network told of itself: which MAC address an IP address of a router's neighbour has (MAC_Binding),
// and which port of a switch an unknown MAC address is behind (FDB).

#pragma once

#include <map>
#include <string>

#include "controller/southbound_view.h"
#include "ovsdb/client/replica.h"
#include "packet/flow.h"

namespace weft::controller {

class MacLearning {
  public:
    explicit MacLearning(SouthboundView& view) : view_(view) {}

    // On the router port with this key of this datapath, `ip` (text) is at `mac`.
    void learn_neighbour(uint32_t datapath_key, uint32_t port_key, const std::string& ip,
                         const packet::EthAddr& mac);
    // On the switch with this key, `mac` is behind the port with this key.
    void learn_station(uint32_t datapath_key, uint32_t port_key, const packet::EthAddr& mac);

    void write(const ovsdb::client::Replica& southbound, ovsdb::client::Transaction& txn);

  private:
    struct Neighbour {
        uint32_t datapath_key, port_key;
        std::string ip;
        auto operator<=>(const Neighbour&) const = default;
    };
    void write_neighbour(const ovsdb::client::Replica& southbound, const Neighbour& neighbour,
                         const std::string& mac, ovsdb::client::Transaction& txn);
    void write_station(const ovsdb::client::Replica& southbound, uint32_t datapath_key,
                       const std::string& mac, uint32_t port_key, ovsdb::client::Transaction& txn);

    SouthboundView& view_;
    // Bounded: a tenant that makes up addresses fills no memory.
    static constexpr size_t kMostPending = 1000;
    std::map<Neighbour, std::string> neighbours_;
    std::map<std::pair<uint32_t, std::string>, uint32_t> stations_;
};

}  // namespace weft::controller
