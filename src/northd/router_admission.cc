// What a router takes from its ports.

#include <fmt/core.h>

#include "northd/features.h"

namespace weft::northd {

void admission_of_router(Program&, FlowWriter& f, const Router&) {
    f.add(Stage::kRouterInAdmission, 100, "vlan.present || eth.src[40]", "drop;");
    f.add(Stage::kRouterInAdmission, 0, "1", "drop;");
}

void admission_of_port(Program& p, FlowWriter& f, const RouterPort& port) {
    if (!port.enabled) return;
    const std::string& mac = port.addresses.mac;
    std::string action = fmt::format("xreg0[0..47] = {}; next;", mac);
    std::string check = size_check(p, port), checked = check + action;
    std::string in = " && inport == " + port.quoted;
    FlowWriter::More about{port.name, ""};
    f.add(Stage::kRouterInAdmission, 50, "eth.mcast" + in, checked, about);
    std::string match = "eth.dst == " + mac + in;
    if (port.is_distributed_gateway) {
        bool vtep = false;
        for (const Uuid& peer : p.switch_ports_at[port.uuid]) {
            vtep |= p.vtep_ports.contains(p.port(peer).switch_uuid);
        }
        bool anywhere = vtep || p.router_state(port.router).has_distributed_lb;
        if (!anywhere) match += residence(port.redirect_quoted);
    }
    f.add(Stage::kRouterInAdmission, 50, match, checked, about);
    std::string bypass(ovsdb::get_string(port.options, "gateway_mtu_bypass"));
    if (!check.empty() && !bypass.empty()) {
        f.add(Stage::kRouterInAdmission, 55, fmt::format("eth.mcast{} && ({})", in, bypass), action, about);
        f.add(Stage::kRouterInAdmission, 55, fmt::format("{} && ({})", match, bypass), action, about);
    }
}

}  // namespace weft::northd
