// What a routing daemon of this host is told of logical switches in an EVPN (evpn.h), and what it tells, by
// the kernel's tables (net/neighbor_tables.h): as routes are exchanged (route_exchange.h), but for addresses.
//
// - dynamic-routing-vxlan-ifname: its forwarding database.  Learnt are VTEPs, by entries with a destination,
//   those of 00:00:00:00:00:00 for what is flooded.
// - dynamic-routing-bridge-ifname: its neighbours.  Told are IP addresses, as fixed ones ("noarp"), learnt
//   those of others ("extern_learn").
// - dynamic-routing-advertise-ifname: the forwarding database of its bridge.  Told are Ethernet addresses, as
//   fixed entries ("static").
//
// These are names of devices in other_config of the switch.
//
// Told is what dynamic-routing-redistribute lists and is on this host: workloads, and router ports that have
// one host (gateways).  A port of a distributed router is on all hosts, and told by none.  Devices are the
// operator's to make; what is missing is warned of and looked for again when devices change.

#pragma once

#include <map>
#include <memory>
#include <set>
#include <string>
#include <tuple>
#include <vector>

#include "controller/configuration.h"
#include "controller/evpn.h"
#include "controller/southbound_view.h"
#include "net/neighbor_tables.h"
#include "ovsdb/client/replica.h"

namespace weft::controller {

class EvpnExchange {
  public:
    // `tables` may be null: then nothing is exchanged.
    explicit EvpnExchange(std::unique_ptr<net::NeighborTables> tables) : tables_(std::move(tables)) {}

    void note_kernel_change() { kernel_changed_ = true; }
    bool take_kernel_change() { return std::exchange(kernel_changed_, false); }

    // Reads the kernel's tables, the view and the rows, as a step does; `tunnels`: evpn_tunnels().
    void learn(SouthboundView& view, const Configuration& configuration,
               const std::map<uint16_t, uint32_t>& tunnels, const ovsdb::client::Replica& southbound);
    // Gives the view what was learnt.
    void show(SouthboundView& view);
    // Brings the kernel's tables up to date, as a step does.
    void advertise(SouthboundView& view, const ovsdb::client::Replica& southbound);
    // Takes all of ours out of the kernel.
    void leave();

    // For operators: one line each.
    std::string peers_text(SouthboundView& view) const;      // VTEPs with their keys and ports
    std::string remotes_text() const;                        // VTEPs
    std::string macs_text(SouthboundView& view) const;       // Ethernet addresses behind VTEPs
    std::string neighbors_text(SouthboundView& view) const;  // IP addresses
    std::string floods_text() const;                         // where what is flooded goes

  private:
    using PeerName = std::tuple<Uuid, packet::Ipv6Addr, uint16_t>;  // switch, address, UDP port
    struct Learnt {
        std::map<uint32_t, EvpnPeer> peers;
        std::map<Uuid, std::vector<EvpnPeer>> floods;
        std::map<EvpnMacKey, EvpnMac> macs;
        std::map<EvpnNeighborKey, EvpnNeighbor> neighbors;
    };
    struct Reading;  // what learn() needs on its way
    struct Told {
        std::set<packet::EthAddr> macs;
        std::map<packet::Ipv6Addr, packet::EthAddr> ips;
    };

    void learn_switch(Reading& reading, const Uuid& datapath, const EvpnSettings& settings);
    uint32_t peer_key(Reading& reading, const Uuid& datapath, const EvpnSettings& settings,
                      const net::ForwardingEntry& entry);
    Told find_told(SouthboundView& view, const ovsdb::client::Replica& southbound, const Uuid& datapath,
                   const EvpnSettings& settings) const;
    void keep_macs(const std::string& device, const std::set<packet::EthAddr>& wanted);
    void keep_ips(const std::string& device, const std::map<packet::Ipv6Addr, packet::EthAddr>& wanted);

    std::unique_ptr<net::NeighborTables> tables_;
    bool kernel_changed_ = false;
    std::map<PeerName, uint32_t> keys_;
    Learnt learnt_, shown_;
    std::map<Uuid, EvpnSettings> told_;  // the switches that something is told of
};

}  // namespace weft::controller
