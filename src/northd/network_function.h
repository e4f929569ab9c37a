// Network functions (ovn-nb(5), Network_Function, Network_Function_Group): middleboxes that packets which an
// ACL allows are led through (mode inline) or copied to (vtap).
//
// A function is two ports of a switch.  Packets of a connection's originator go to it by `inport` and come
// back by `outport`, answers the other way round; it changes no addresses.  Of a group one function is in
// use: the one that was, while it is alive, else the first by id that is.  With none, packets pass by
// (fallback fail-open), or are dropped: what is to be looked at must not pass unseen.
//
// What goes where:
// - The ACL puts the group's id into reg9[16..23]; the connection is committed with the id in ct_mark[8..15]
//   and in ct_mark[7] whether the ACL is one of to-lport.
// - Packets from a workload, and answers from it to connections of to-lport ACLs, are led away in the last
//   table of the ingress pipeline; the others at the end of the egress pipeline, from where they go back
//   there (reg9[27], as copies of mirrors do), for it alone can send to other hosts.  What came by a tunnel
//   may go back by it: flags[30].
// - What comes from a function has passed the ingress tables before, and goes on where it would have gone; it
//   is not led through the same group again.
// - What goes to a function meets no ACL of its port.

#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/uuid.h"
#include "northd/inputs.h"

namespace weft::northd {

class Program;

struct FunctionPorts {
    Uuid function, switch_uuid;
    std::string in, out;  // names; "" : none
    bool operator==(const FunctionPorts&) const = default;
};

struct FunctionGroup {
    int64_t id = 0;
    bool copies = false;      // mode vtap
    bool fails_open = false;  // packets pass while no function is alive
    std::vector<FunctionPorts> functions;
    Uuid active;  // zero: none is alive
    Uuid switch_uuid;
    bool operator==(const FunctionGroup&) const = default;
};

// By its row; nullopt if it has no ports on a switch.
std::optional<FunctionPorts> function_ports(Program& p, const Uuid& function);
// How a function is checked; nullopt: not at all.
std::optional<MonitorKey> function_monitor(Program& p, const Uuid& function);

void flows_of_function(Program& p, const Uuid& function);
void flows_of_function_group(Program& p, const Uuid& group);
// The names of its ports, by their switch.
void list_function_ports(Program& p, const Uuid& function);

}  // namespace weft::northd
