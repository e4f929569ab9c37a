// Rows as ovn-ic wants them, of the databases that it writes.
//
// They name each other by what stays the same: transit switches, ports and gateways by name.  sync/ turns
// them into rows with tunnel keys and references.

#pragma once

#include <algorithm>
#include <compare>
#include <string>
#include <tuple>
#include <vector>

#include "base/uuid.h"
#include "ovsdb/client/containers.h"

namespace weft::ic {

using ovsdb::StringMap;

// Equality is of everything; the hash is of the key, which is what distinguishes rows.
#define WEFT_ROW(Type, ...)                           \
    bool operator==(const Type&) const = default;     \
    template <typename H>                             \
    friend H AbslHashValue(H h, const Type& r) {      \
        return H::combine(std::move(h), __VA_ARGS__); \
    }

struct EncapRow {
    std::string type, ip;
    StringMap options;
    bool operator==(const EncapRow&) const = default;
    bool operator<(const EncapRow& o) const {
        return std::tie(type, ip) < std::tie(o.type, o.ip) ||
               (std::tie(type, ip) == std::tie(o.type, o.ip) &&
                std::lexicographical_compare(options.begin(), options.end(), o.options.begin(),
                                             o.options.end()));
    }
};

// --- northbound

// A transit switch: Logical_Switch with other_config:interconn-ts.
struct SwitchRow {
    std::string transit_switch;
    int64_t key = 0;  // its tunnel key, or 0: not chosen yet
    WEFT_ROW(SwitchRow, r.transit_switch)
};

// A transit router: Logical_Router with options:interconn-tr.
struct RouterRow {
    std::string transit_router;
    int64_t key = 0;  // its tunnel key, or 0: not chosen yet
    WEFT_ROW(RouterRow, r.transit_router)
};

// A port of a transit router, wherever it is: Logical_Router_Port with options:interconn-tr.
struct RouterPortRow {
    std::string name, transit_router, mac, chassis;
    ovsdb::Set<std::string> networks;
    std::string neighbors;  // learnt by another zone: "MAC IP,MAC IP"
    int64_t key = 0;
    WEFT_ROW(RouterPortRow, r.name)
};

// A port of a transit switch that is in another zone: Logical_Switch_Port of type remote.
struct RemotePortRow {
    std::string name, transit_switch, address;
    int64_t key = 0;
    WEFT_ROW(RemotePortRow, r.name)
};

// The tunnel key of one of our own ports, which all zones agreed on.
struct PortKeyRow {
    Uuid port;
    int64_t key = 0;
    WEFT_ROW(PortKeyRow, r.port)
};

// A route that another zone advertised, in one of our routers.
struct LearnedRouteRow {
    Uuid router, advertised;  // of the IC-SB's Route
    std::string prefix, nexthop, table, origin;
    WEFT_ROW(LearnedRouteRow, r.router, r.advertised)
};

// --- southbound

// A gateway of another zone, as a chassis.
struct RemoteChassisRow {
    std::string name, hostname;
    std::vector<EncapRow> encaps;  // sorted
    WEFT_ROW(RemoteChassisRow, r.name)
};

// Where a remote port is; "": nowhere yet.
struct RemoteBindingRow {
    std::string port, gateway;
    WEFT_ROW(RemoteBindingRow, r.port)
};

// --- interconnection southbound

struct DatapathRow {             // the tunnel key is chosen when it is written
    std::string transit_switch;  // or router
    Uuid router;                 // its Transit_Router; zero: a switch's
    WEFT_ROW(DatapathRow, r.transit_switch)
};

struct GatewayRow {  // one of our own
    std::string name, hostname;
    std::vector<EncapRow> encaps;  // sorted
    WEFT_ROW(GatewayRow, r.name)
};

struct PortRow {  // one of our own; the tunnel key is chosen when it is written
    std::string name, transit_switch, address, gateway;
    Uuid router;                 // zero: none
    Uuid router_port = {};       // its Transit_Router_Port; zero: a switch's
    std::string neighbors = {};  // of a router's
    WEFT_ROW(PortRow, r.name)
};

struct RouteRow {  // one of our own
    std::string transit_switch, table, prefix, nexthop, origin;
    Uuid source;  // the static route or router port that it stands for
    auto operator<=>(const RouteRow&) const = default;
    WEFT_ROW(RouteRow, r.transit_switch, r.table, r.prefix, r.nexthop)
};

#undef WEFT_ROW

}  // namespace weft::ic
