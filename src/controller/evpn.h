// Logical switches that are extended by an EVPN (RFC 7432, RFC 8365; ovn-nb(5), "EVPN Options"): the part of
// this host that is known, for the flows (physical/evpn_flows.cc).
//
// A switch's EVPN has a VNI.  Its members elsewhere are tunnel end points (VTEPs) and the addresses behind
// them, which a routing daemon learns from its neighbours and writes into the kernel's tables; who reads them
// there is evpn_exchange.h.  Packets to and from VTEPs go through a flow-based VXLAN port of the bridge for
// each UDP port of external_ids:ovn-evpn-vxlan-ports (evpn_tunnels.h).

#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/uuid.h"
#include "packet/flow.h"
#include "schema/sb.h"

namespace weft::controller {

// What the northbound says of a switch (Datapath_Binding.external_ids: dynamic-routing-…).
struct EvpnSettings {
    uint32_t vni = 0;
    std::string bridge, advertise;   // devices of the kernel
    std::vector<std::string> vxlan;  // the same
    bool announces_macs = false, announces_ips = false;
    bool own_fdb_first = false, own_arp_first = false;  // what the southbound knows goes before the EVPN's
    uint16_t fdb_age =
        300;  // seconds (fdb_age_threshold) after which an address goes that a VTEP was heard of with
    bool operator==(const EvpnSettings&) const = default;
};

// Nothing if the switch is in no EVPN, or a device is not named.
std::optional<EvpnSettings> evpn_settings(const schema::sb::DatapathBinding& row);

// A VTEP of a switch.  It takes part in the logical switch as a port whose key is above those of all others:
// the top bit is set, and the bits that tunnels between chassis carry are zero, so that what came from a VTEP
// looks there as if it had no ingress port.
struct EvpnPeer {
    Uuid datapath;
    packet::Ipv6Addr ip{}, own_ip{};  // IPv4 in mapped form
    uint32_t vni = 0;
    uint32_t ofport = 0;  // of the VXLAN port
    bool own_fdb_first = false;
    uint16_t fdb_age = 300;  // seconds
    bool operator==(const EvpnPeer&) const = default;
};
inline constexpr uint32_t kEvpnKeyBit = 0x80000000;
inline constexpr uint32_t kEvpnKeyStep = 1 << 16;
inline constexpr uint32_t kMaxEvpnPeers = 0x7fff;

// An Ethernet address behind a VTEP.
struct EvpnMac {
    uint32_t peer = 0;  // its key
    bool own_first = false;
    bool operator==(const EvpnMac&) const = default;
};

// The Ethernet address of an IP address in the EVPN.
struct EvpnNeighbor {
    packet::EthAddr mac{};
    bool own_first = false;
    bool operator==(const EvpnNeighbor&) const = default;
};

using EvpnMacKey = std::pair<Uuid, packet::EthAddr>;        // with the switch
using EvpnNeighborKey = std::pair<Uuid, packet::Ipv6Addr>;  // with the switch

}  // namespace weft::controller
