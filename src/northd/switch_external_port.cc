// External ports: VMs outside of OVN's hosts that one chassis answers for.

#include <fmt/core.h>

#include "northd/features.h"

namespace weft::northd {

void external_ports_of_switch(Program&, FlowWriter& f, const Switch&) {
    f.add(Stage::kSwitchInExternalPort, 0, "1", "next;");
}

void external_port(Program& p, FlowWriter& f, const SwitchPort& port) {
    if (port.type != PortType::kExternal) return;
    // On chassis that did not claim the port its questions to routers are dropped, lest several answer.
    for (const Uuid& localnet_uuid : p.localnet_ports[port.switch_uuid]) {
        const SwitchPort& localnet = p.port(localnet_uuid);
        for (const Uuid& router_uuid : p.router_ports_of_switch[port.switch_uuid]) {
            const SwitchPort& to_router = p.port(router_uuid);
            const PortAddresses& router = p.router_port(to_router.peer).addresses;
            for (const PortAddresses& a : port.addresses) {
                std::string who = fmt::format("inport == {} && eth.src == {} && !is_chassis_resident({})",
                                              localnet.quoted, a.mac, port.quoted);
                FlowWriter::More about{localnet.name, ""};
                PortAddresses known;  // what the switch knows of the router
                for (const PortAddresses& each : to_router.addresses) {
                    known.ip4.insert(known.ip4.end(), each.ip4.begin(), each.ip4.end());
                    known.ip6.insert(known.ip6.end(), each.ip6.begin(), each.ip6.end());
                }
                for (const Ip4& ip : known.ip4) {
                    f.add(Stage::kSwitchInExternalPort, 100,
                          fmt::format("{} && arp.tpa == {} && arp.op == 1", who, ip.address), "drop;", about);
                }
                for (const Ip6Net& ip : known.ip6) {
                    f.add(Stage::kSwitchInExternalPort, 100,
                          fmt::format("{0} && nd_ns && ip6.dst == {{{1}, {2}}} && nd.target == {1}", who,
                                      ip.address, ip.solicited_node()),
                          "drop;", about);
                }
                f.add(
                    Stage::kSwitchInExternalPort, 100,
                    fmt::format("inport == {} && eth.src == {} && eth.dst == {} && !is_chassis_resident({})",
                                localnet.quoted, a.mac, router.mac, port.quoted),
                    "drop;", about);
            }
        }
    }
}

}  // namespace weft::northd
