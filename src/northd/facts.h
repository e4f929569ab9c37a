// What northd knows about switches, routers and their ports: northbound rows, parsed, with names resolved.
//
// Facts hold no more than what their readers need, since whoever reads one runs again when it differs.

#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/uuid.h"
#include "northd/address.h"
#include "ovsdb/client/containers.h"

namespace weft::northd {

// NB_Global:options.
struct Globals {
    std::string svc_monitor_mac, mac_prefix;
    // Of checks of network functions; "" : the defaults.
    std::string svc_monitor_mac_dst, svc_monitor_ip, svc_monitor_ip_dst;
    bool use_ct_inv_match = true;
    bool ignore_lsp_down = true;
    bool default_acl_drop = false;
    bool ls_in_use_lb_health_checks = false;
    bool use_common_zone = false;
    bool install_ls_lb_from_router = false;
    bool controller_event = false;
    bool dnat_sets_eth_dst = false;
    bool watch_ecmp_nexthops = false;
    std::string drop_sample;  // what is done with packets before they are dropped: "" or an action
    bool operator==(const Globals&) const = default;
};

// Of NB_Global's options and the id of the Sampling_App for drops (0: none).
std::string drop_sample(const ovsdb::StringMap& options, int64_t app);

// The numbers by which samples tell what they are samples of (ovn-nb(5), Sampling_App); 0: none, and nothing
// is sampled.
struct SamplingApps {
    int64_t drop = 0, acl_new = 0, acl_established = 0;
    bool operator==(const SamplingApps&) const = default;
};

struct Switch {
    Uuid uuid;
    std::string name;
    bool vlan_passthru = false;
    bool has_dns = false;
    bool mcast_snoop = false;
    bool mcast_flood_unregistered = false;
    bool mcast_querier = true;
    std::string mcast_eth_src, mcast_ip4_src, mcast_ip6_src;
    bool is_interconnection = false;
    bool broadcast_arps_to_all_routers = true;
    bool stateless_acl_with_lb = false;  // what ACLs exempt from tracking still meets load balancers
    std::string dhcp_relay_port;         // the switch port to the relay, or ""
    bool advertises_ips = false;         // dynamic-routing-redistribute of a switch with an EVPN identifier
    std::optional<Uuid> copp;
    bool operator==(const Switch&) const = default;
};

enum class PortType : uint8_t {
    kVif,
    kRouter,
    kLocalnet,
    kLocalport,
    kL2gateway,
    kVtep,
    kExternal,
    kVirtual,
    kRemote,
    kSwitch,   // joined to a port of another switch
    kUnknown,  // not one that ovn-nb(5) knows
};

struct SwitchPort {
    Uuid uuid, switch_uuid;
    std::string name, quoted;  // plain, and as expressions have it
    PortType type = PortType::kVif;
    bool enabled = true;
    bool up = false;
    bool has_port_security = false;
    bool unknown = false;         // "unknown" is among the addresses
    bool router_address = false;  // "router" is among them
    std::vector<PortAddresses> addresses;
    std::vector<std::string> bad_addresses;  // could not be parsed
    Uuid peer;                               // the router port, of kRouter with a valid router-port
    std::string
        peer_name;  // of kRouter; of kSwitch the other switch's port, or "" unless that names this one
    bool is_nested = false;  // has parent_name
    std::optional<Uuid> dhcp4, dhcp6;
    int64_t queue = 0;  // of its traffic shaping, on its chassis; 0: none
    ovsdb::StringMap options;
    bool operator==(const SwitchPort&) const = default;

    bool is_vif_like() const { return type == PortType::kVif; }
};

struct Router {
    Uuid uuid;
    std::string name;
    bool enabled = true;
    std::string chassis;  // options:chassis: a gateway router
    bool learn_from_arp_request = true;
    bool dynamic_neigh_routers = false;
    bool mcast_relay = false;
    std::vector<std::string> lb_force_snat, dnat_force_snat;  // addresses
    bool lb_force_snat_router_ip = false;
    std::optional<Uuid> copp;
    ovsdb::StringMap options;
    bool operator==(const Router&) const = default;

    bool is_gateway() const { return !chassis.empty(); }
};

struct RouterPort {
    Uuid uuid, router;
    std::string name, quoted;
    bool enabled = true;
    PortAddresses addresses;                     // the link-local address is the last of ip6
    bool is_distributed_gateway = false;         // has gateway chassis
    std::string redirect_name, redirect_quoted;  // "cr-NAME", of a distributed gateway port
    std::string peer_name;                       // column peer: a router port
    std::optional<Uuid> dhcp_relay;
    ovsdb::StringMap options, ra_configs;
    std::vector<std::string> ipv6_prefix;
    bool operator==(const RouterPort&) const = default;
};

}  // namespace weft::northd
