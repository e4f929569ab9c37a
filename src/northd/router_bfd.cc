// BFD sessions of routers (RFC 5880, single hop RFC 5881): the sessions themselves are the controller's; here
// are their rows, their status on the way back, and the flows that let their packets through.

#include <fmt/core.h>

#include "northd/compute.h"
#include "northd/features.h"

namespace weft::northd {

// "admin_down" where no route or policy asks for the session; else what the controller found, at first
// "down".
std::string compute_bfd_status(Program& p, const Uuid& uuid) {
    const nb::BFD* row = p.in.bfd.get(uuid);
    if (!row) return "";
    if (p.routes_of_bfd[uuid].empty() && p.policies_of_bfd[uuid].empty()) return "admin_down";
    const std::string* found = p.in.bfd_states.find({row->logical_port, row->dst_ip});
    return !found || found->empty() || *found == "admin_down" ? "down" : *found;
}

void rows_of_bfd(Program& p, const Uuid& uuid) {
    const nb::BFD* row = p.in.bfd.get(uuid);
    std::string status = p.bfd_status(uuid);
    BfdRow out;
    out.port = row->logical_port;
    out.dst_ip = row->dst_ip;
    out.min_tx = row->min_tx.value_or(1000);
    out.min_rx = row->min_rx.value_or(1000);
    out.detect_mult = row->detect_mult.value_or(5);
    out.used = status != "admin_down";
    if (const Uuid* port = p.router_port_named.first(row->logical_port)) {
        out.chassis = p.router(p.router_port(*port).router).chassis;
    }
    p.bfd_rows.emit(std::move(out));
    p.bfd_status_rows.emit({uuid, std::move(status)});
}

bool has_bfd(Program& p, const RouterPort& port) {
    return p.bfd_of_port.contains(port.name);
}

void bfd_of_router_port(Program& p, FlowWriter& f, const Router& r, const RouterPort& port) {
    if (!has_bfd(p, port)) return;
    std::string meter = copp_meter(p, r.copp, "bfd");
    auto each = [&](const char* v, const auto& addresses) {
        if (addresses.empty()) return;
        std::string list;
        for (const auto& a : addresses) list += (list.empty() ? "" : ", ") + a.address;
        if (addresses.size() > 1) list = "{" + list + "}";
        FlowWriter::More about{port.name, ""};
        f.add(Stage::kRouterInIpInput, 110, fmt::format("ip{}.src == {} && udp.dst == 3784", v, list),
              "next; ");
        f.add(Stage::kRouterInIpInput, 110, fmt::format("ip{}.dst == {} && udp.dst == 3784", v, list),
              "handle_bfd_msg(); ", {"", meter});
    };
    each("4", port.addresses.ip4);
    each("6", port.addresses.ip6);
}

}  // namespace weft::northd
