// ovn-controller-vtep as a program of tracked queries (incremental/engine.h): from the hardware's switches
// and the southbound's ports to chassis, bindings, and what the hardware has to know of the logical network
// (ovn-architecture(7), "Life Cycle of a VTEP gateway").
//
// A logical switch of the hardware takes part in the logical network (a datapath) whose port of type vtep
// names it and a hardware switch that has it.  Declarations stand in the order in which they may read one
// another.

#pragma once

#include <optional>
#include <string>

#include "incremental/index.h"
#include "incremental/query.h"
#include "incremental/rule.h"
#include "vtep/inputs.h"
#include "vtep/outputs.h"

namespace weft::vtep {

using incremental::Index;
using incremental::Query;
using incremental::Rule;

// A hardware switch and a logical switch that one of its ports' VLANs is bound to, by name.
struct Attachment {
    std::string physical, logical;
    auto operator<=>(const Attachment&) const = default;
    template <typename H>
    friend H AbslHashValue(H h, const Attachment& a) {
        return H::combine(std::move(h), a.physical, a.logical);
    }
};

struct Candidate {  // a port of type vtep that asks for an attachment
    std::string port;
    Uuid datapath;
    auto operator<=>(const Candidate&) const = default;
};

struct MacKey {
    Uuid logical_switch;
    std::string mac;
    auto operator<=>(const MacKey&) const = default;
    template <typename H>
    friend H AbslHashValue(H h, const MacKey& k) {
        return H::combine(std::move(h), k.logical_switch, k.mac);
    }
};

struct MacPlace {
    std::string port, ip;
    auto operator<=>(const MacPlace&) const = default;
};

class Program : public Outputs {
  public:
    Program();
    ~Program();

    Inputs in{engine};

    Index<Attachment, Uuid> attachments{engine, "attachments"};  // → the hardware's Logical_Switch
    Rule<Uuid> emit_gateway;

    // --- which logical network is whose
    Index<Attachment, Candidate> candidates{engine, "candidates"};
    Index<std::string, Candidate> candidates_of_switch{engine, "candidates_of_switch"};  // by logical switch
    Rule<Uuid> list_candidates;
    Query<std::string, Uuid> network_of;  // of a logical switch of the hardware, by name; zero: none
    Index<Uuid, Uuid> switches_of_network{engine, "switches_of_network"};  // datapath → Logical_Switch
    Rule<Attachment> bind;
    Rule<Uuid> emit_key;

    // --- what is where
    Index<std::string, Uuid> port_named{engine, "port_named"};
    Rule<Uuid> name_ports;
    Query<Uuid, std::string> tunnel_ip;  // of a chassis; "" if VXLAN does not reach it
    Index<MacKey, MacPlace> mac_places{engine, "mac_places"};
    Index<Uuid, std::string> flood_ips{engine, "flood_ips"};  // by Logical_Switch
    Rule<Uuid> list_places;
    Rule<MacKey> emit_unicast;
    Rule<Uuid> emit_flood;
};

}  // namespace weft::vtep
