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
    std::string ha_group;           // or ""
    int64_t requested_key = 0;      // options:requested-tnl-key, or 0
    std::vector<std::string> mirrors;
    WEFT_ROW(PortRow, r.name)
};

struct MulticastRow {
    Uuid datapath;
    std::string name;
    int64_t key = 0;
    std::vector<std::string> ports;  // sorted
    WEFT_ROW(MulticastRow, r.datapath, r.name)
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
    std::vector<Uuid> datapaths;  // sorted
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
    WEFT_ROW(ServiceMonitorRow, r.ip, r.port_name, r.port, r.protocol)
};

// What northd tells the northbound database about a port.
struct PortStatusRow {
    Uuid port;
    bool up = false;
    std::optional<int64_t> tag;  // to be written, if it was asked for or chosen
    WEFT_ROW(PortStatusRow, r.port)
};

#undef WEFT_ROW

}  // namespace weft::northd
