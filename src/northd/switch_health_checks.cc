// Checks of whether the workload behind a switch port is alive (ovn-nb(5),
// Logical_Switch_Port:health_checks). The port's host carries them out (Service_Monitor); what it finds is
// told in the check's row.

#include <fmt/core.h>

#include "northd/features.h"

namespace weft::northd {

namespace {

// What is to be checked: the address that the check names, or the port's first one of the family of the
// address from which it is checked; "": none.
std::string checked_address(const SwitchPort& port, const nb::LogicalSwitchPortHealthCheck& check) {
    auto endpoint = parse_endpoint(check.address);
    if (!check.address.empty()) return endpoint && endpoint->port.empty() ? endpoint->address : "";
    bool is_ip6 = check.src_ip.find(':') != std::string::npos;
    for (const PortAddresses& addresses : port.addresses) {
        if (!is_ip6 && !addresses.ip4.empty()) return addresses.ip4.front().address;
        for (const Ip6Net& ip : addresses.ip6) {
            if (is_ip6 && !ip.is_link_local()) return ip.address;
        }
    }
    return "";
}

}  // namespace

void answer_for_monitor(Program& p, FlowWriter& f, const std::string& address) {
    const std::string& mac = p.globals({}).svc_monitor_mac;
    if (parse_ip4(address)) {
        f.add(Stage::kSwitchInArpRsp, 110, fmt::format("arp.tpa == {} && arp.op == 1", address),
              fmt::format("eth.dst = eth.src; eth.src = {0}; arp.op = 2; /* ARP reply */ arp.tha = arp.sha; "
                          "arp.sha = {0}; arp.tpa = arp.spa; arp.spa = {1}; outport = inport; "
                          "flags.loopback = 1; output;",
                          mac, address));
    }
}

void health_checks_of_port(Program& p, FlowWriter& f, const SwitchPort& port) {
    const nb::LogicalSwitchPort* row = p.in.switch_ports.get(port.uuid);
    if (!row || port.switch_uuid.is_zero()) return;
    for (const Uuid& uuid : row->health_checks) {
        const auto* check = p.in.port_health_checks.get(uuid);
        if (!check) continue;
        std::string address = checked_address(port, *check);
        auto source = parse_endpoint(check->src_ip);
        if (address.empty() || !source || !port.is_vif_like() ||
            source->is_ip6 != (address.find(':') != std::string::npos)) {
            p.complaints.emit(
                fmt::format("Logical_Switch_Port {}: no address to check from {}: the check is left out",
                            port.name, check->src_ip));
            continue;
        }
        const std::string* state =
            p.in.monitor_states.find({address, port.name, check->protocol, check->port});
        p.port_health_rows.emit({uuid, state ? *state : ""});
        if (!port.enabled) continue;  // nobody would answer
        ServiceMonitorRow out;
        out.type = "logical-switch-port";
        out.ip = address;
        out.protocol = check->protocol;
        out.port_name = port.name;
        out.port = check->port;
        out.src_ip = source->address;
        out.src_mac = p.globals({}).svc_monitor_mac;
        out.options = check->options;
        p.service_monitor_rows.emit(std::move(out));
        answer_for_monitor(p, f, source->address);
        if (source->is_ip6) {
            f.add(Stage::kSwitchInArpRsp, 110, fmt::format("nd_ns && nd.target == {}", source->address),
                  fmt::format("nd_na {{ eth.src = {0}; ip6.src = {1}; nd.target = {1}; nd.tll = {0}; outport "
                              "= inport; flags.loopback = 1; output; }};",
                              out.src_mac, source->address));
        }
    }
}

}  // namespace weft::northd
