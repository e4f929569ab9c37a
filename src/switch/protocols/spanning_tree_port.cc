#include "switch/protocols/spanning_tree_port.h"

#include "base/append.h"
#include "packet/address.h"

namespace weft::vswitch {

std::string TreeShow::text(const std::string& bridge, std::string_view gap, int cost) const {
    std::string out;
    auto times = [&](const char* title, const Times& t) {
        append(out, "{}:\n  stp-priority{}{}\n  stp-system-id   {}\n", title, gap,
               packet::bridge_priority(t.bridge), packet::to_string(packet::bridge_address(t.bridge)));
        append(out, "  stp-hello-time  {}s\n  stp-max-age     {}s\n  stp-fwd-delay   {}s\n", t.hello_s,
               t.max_age_s, t.forward_delay_s);
    };
    append(out, "---- {} ----\n", bridge);
    times("Root ID", root);
    if (root_port.empty()) {
        out += "  This bridge is the root\n";
    } else {
        append(out, "  root-port       {}\n  root-path-cost  {}\n", root_port, root_path_cost);
    }
    out += "\n";
    times("Bridge ID", own);
    append(out, "\n  {:<10} {:<10} {:<10} {:<{}} {:<8}\n  {:-<10} {:-<10} {:-<10} {:-<{}} {:-<7}\n",
           "Interface", "Role", "State", "Cost", cost, "Pri.Nbr", "", "", "", "", cost, "");
    for (const Port& port : ports) {
        append(out, "  {:<10} {:<10} {:<10} {:<{}} {}.{}\n", port.name, port.role, port.state, port.cost,
               cost, port.priority, port.number);
    }
    out += "\n";
    return out;
}

}  // namespace weft::vswitch
