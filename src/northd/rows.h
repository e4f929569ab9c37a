// Rows of the southbound database as northd wants them, apart from logical flows.
//
// They name each other by what stays the same: datapaths by the uuid of their Logical_Switch or
// Logical_Router, ports and chassis by name.  sync/ turns them into rows with tunnel keys and references.
// What is not in here (Port_Binding:chassis, up, …) belongs to others and is left alone.

#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/uuid.h"
#include "northd/datapaths.h"
#include "ovsdb/client/containers.h"

namespace weft::northd {

using ovsdb::StringMap;

// Equality is of everything; the hash is of the key, which is what distinguishes rows.
#define WEFT_ROW(Type, ...)                           \
    bool operator==(const Type&) const = default;     \
    template <typename H>                             \
    friend H AbslHashValue(H h, const Type& r) {      \
        (void)r;                                      \
        return H::combine(std::move(h), __VA_ARGS__); \
    }

struct DatapathRow {
    Uuid datapath;
    int64_t key = 0;  // its tunnel key, or 0: not chosen yet
    StringMap external_ids;
    WEFT_ROW(DatapathRow, r.datapath)
};

struct PortRow {
    std::string name;
    Uuid datapath;
    std::string type;
    StringMap options, external_ids;
    std::vector<std::string> mac, nat_addresses, port_security;
    std::optional<int64_t> tag;
    std::optional<std::string> parent;
    std::string requested_chassis;  // name or host name, or ""
    std::vector<std::string> additional_chassis;
    std::string ha_group;       // or ""
    int64_t requested_key = 0;  // options:requested-tnl-key, valid, or 0
    std::vector<std::string> mirrors;
    std::string mirror_port;  // of type mirror: who gets the copies
    WEFT_ROW(PortRow, r.name)
};

constexpr int64_t kMaxPortKey = 32767;  // tunnel keys of ports; above are those of multicast groups

struct MulticastRow {
    Uuid datapath;
    std::string name;
    int64_t key = 0;                 // 0: any that is free
    std::vector<std::string> ports;  // sorted
    WEFT_ROW(MulticastRow, r.datapath, r.name)
};

// Keys of multicast groups (ovn-sb(5), Multicast_Group); learnt groups have others.
constexpr int64_t kFloodKey = 32768, kUnknownKey = 32769, kRouterMulticastKey = 32770,
                  kStaticMulticastKey = 32771, kFloodL2Key = 32772, kFirstLearntKey = 32774;

struct IpMulticastRow {
    Uuid datapath;
    bool enabled = false, querier = true;
    std::string eth_src, ip4_src, ip6_src;
    int64_t table_size = 0, idle_timeout = 0, query_interval = 0, query_max_response = 0;
    WEFT_ROW(IpMulticastRow, r.datapath)
};

struct MirrorRow {
    std::string name, filter, sink, type;
    int64_t index = 0;
    WEFT_ROW(MirrorRow, r.name)
};

struct AddressSetRow {
    std::string name;
    std::vector<std::string> addresses;  // sorted
    WEFT_ROW(AddressSetRow, r.name)
};

// The ports of a port group on one switch; named "KEY_GROUP" after the switch's tunnel key.
struct PortGroupRow {
    std::string name;
    std::vector<std::string> ports;  // sorted
    WEFT_ROW(PortGroupRow, r.name)
};

struct LoadBalancerRow {
    Uuid load_balancer;
    std::string name;
    StringMap vips, options;
    std::optional<std::string> protocol;
    Datapaths switches, routers;
    WEFT_ROW(LoadBalancerRow, r.load_balancer)
};

struct HaChassisMember {
    std::string chassis;
    int64_t priority = 0;
    auto operator<=>(const HaChassisMember&) const = default;
};
struct HaGroupRow {
    std::string name;
    std::vector<HaChassisMember> members;  // sorted
    StringMap external_ids;
    WEFT_ROW(HaGroupRow, r.name)
};

// Which routers use which group, which datapaths are joined, and which chassis have ports of which switch:
// from these sync/ref_chassis.h finds who watches a group's gateways.
struct HaUseRow {
    Uuid router;
    std::string group;
    WEFT_ROW(HaUseRow, r.router, r.group)
};
struct LinkRow {
    Uuid a, b;
    WEFT_ROW(LinkRow, r.a, r.b)
};
struct BoundRow {
    Uuid datapath, chassis;
    WEFT_ROW(BoundRow, r.datapath, r.chassis)
};

// How long learnt addresses of a router or switch live without being used (aging.h).
struct AgeRow {
    Uuid datapath;
    std::string threshold;
    WEFT_ROW(AgeRow, r.datapath)
};

struct DnsRow {
    Uuid dns;
    StringMap records, options;
    std::vector<Uuid> datapaths;  // sorted
    WEFT_ROW(DnsRow, r.dns)
};

struct MeterRow {
    struct Band {
        std::string action;
        int64_t rate = 0, burst = 0;
        auto operator<=>(const Band&) const = default;
    };
    std::string name, unit;
    std::vector<Band> bands;  // sorted
    WEFT_ROW(MeterRow, r.name)
};

struct MacBindingRow {  // Static_MAC_Binding
    std::string port, ip, mac;
    bool override_dynamic = false;
    Uuid datapath;
    WEFT_ROW(MacBindingRow, r.port, r.ip)
};

struct ServiceMonitorRow {
    std::string ip, protocol, port_name;
    int64_t port = 0;
    std::string src_ip, src_mac;
    StringMap options;
    std::string type;             // of newer schemas
    std::string input_port, mac;  // of a network function: where the check goes in, and to which address
    WEFT_ROW(ServiceMonitorRow, r.ip, r.port_name, r.port, r.protocol)
};

struct BfdRow {
    std::string port, dst_ip, chassis;
    int64_t min_tx = 0, min_rx = 0, detect_mult = 0;
    bool used = false;  // a route asks for it
    WEFT_ROW(BfdRow, r.port, r.dst_ip)
};

struct AdvertisedRow {  // Advertised_Route
    Uuid router;
    std::string port, prefix, tracked;  // tracked: a port, or ""
    auto operator<=>(const AdvertisedRow&) const = default;
    template <typename H>
    friend H AbslHashValue(H h, const AdvertisedRow& r) {
        return H::combine(std::move(h), r.router, r.port, r.prefix, r.tracked);
    }
};

struct AdvertisedMacRow {  // Advertised_MAC_Binding
    Uuid switch_uuid;
    std::string port, ip, mac;
    auto operator<=>(const AdvertisedMacRow&) const = default;
    template <typename H>
    friend H AbslHashValue(H h, const AdvertisedMacRow& r) {
        return H::combine(std::move(h), r.switch_uuid, r.port, r.ip, r.mac);
    }
};

struct EcmpNexthopRow {  // ECMP_Nexthop
    Uuid router;
    std::string port, nexthop;
    std::string mac;  // if it is the address of a logical port; else "": a controller learns it
    WEFT_ROW(EcmpNexthopRow, r.port, r.nexthop)
};

struct TemplateVarRow {
    std::string chassis;
    StringMap variables;
    WEFT_ROW(TemplateVarRow, r.chassis)
};

// What northd tells the northbound database about a BFD session.
struct BfdStatusRow {
    Uuid bfd;
    std::string status;
    WEFT_ROW(BfdStatusRow, r.bfd)
};

// What northd tells the northbound database about a group of network functions: the one in use; zero: none.
struct FunctionStatusRow {
    Uuid group, active;
    WEFT_ROW(FunctionStatusRow, r.group)
};

// What northd tells the northbound database about a check of a switch port; "": nothing yet.
struct PortHealthRow {
    Uuid check;
    std::string status;
    WEFT_ROW(PortHealthRow, r.check)
};

// What northd tells the northbound database about a distributed gateway port: who hosts it; zero: nobody.
struct GatewayStatusRow {
    Uuid port, chassis;
    WEFT_ROW(GatewayStatusRow, r.port)
};

// What northd tells the northbound database about a port.
struct PortStatusRow {
    Uuid port;
    bool up = false;
    WEFT_ROW(PortStatusRow, r.port)
};

#undef WEFT_ROW

}  // namespace weft::northd
