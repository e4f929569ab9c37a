// What ovn-controller-vtep computes, and the engine that computes it: rows of both databases, and what the
// operator should be told.
//
// Rows name each other by what stays the same: gateways and ports by name, switches of the hardware by uuid.
// hardware.h and southbound.h turn them into rows with references.

#pragma once

#include <string>
#include <vector>

#include "base/uuid.h"
#include "incremental/engine.h"
#include "incremental/output.h"

namespace weft::vtep {

// Equality is of everything; the hash is of the key, which is what distinguishes rows.
#define WEFT_ROW(Type, ...)                           \
    bool operator==(const Type&) const = default;     \
    template <typename H>                             \
    friend H AbslHashValue(H h, const Type& r) {      \
        return H::combine(std::move(h), __VA_ARGS__); \
    }

// --- southbound

// A hardware switch as a chassis.
struct GatewayRow {
    std::string name, ip;
    std::vector<std::string> logical_switches;  // of the hardware, by name; sorted
    WEFT_ROW(GatewayRow, r.name)
};

struct BindingRow {  // of a port of type vtep
    std::string port, chassis;
    WEFT_ROW(BindingRow, r.port)
};

// --- hardware_vtep

struct KeyRow {  // Logical_Switch:tunnel_key
    Uuid logical_switch;
    int64_t key = 0;
    WEFT_ROW(KeyRow, r.logical_switch)
};

struct UnicastRow {  // Ucast_Macs_Remote
    Uuid logical_switch;
    std::string mac, ip;
    WEFT_ROW(UnicastRow, r.logical_switch, r.mac)
};

// Where packets go whose destination is not known: Mcast_Macs_Remote "unknown-dst".
struct FloodRow {
    Uuid logical_switch;
    std::vector<std::string> ips;  // sorted
    WEFT_ROW(FloodRow, r.logical_switch)
};

#undef WEFT_ROW

struct Outputs {
    Outputs();
    ~Outputs();

    incremental::Engine engine;
    incremental::Output<GatewayRow> gateway_rows{engine, "gateway rows"};
    incremental::Output<BindingRow> binding_rows{engine, "binding rows"};
    incremental::Output<KeyRow> key_rows{engine, "key rows"};
    incremental::Output<UnicastRow> unicast_rows{engine, "unicast rows"};
    incremental::Output<FloodRow> flood_rows{engine, "flood rows"};
    incremental::Output<std::string> complaints{engine, "complaints"};
};

}  // namespace weft::vtep
