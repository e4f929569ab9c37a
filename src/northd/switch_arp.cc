// The ARP and ND responder of a switch: answers for addresses that it knows.

#include <fmt/core.h>

#include "northd/features.h"

namespace weft::northd {

namespace {

void answer_arp(FlowWriter& f, const SwitchPort& port, const PortAddresses& a, const Ip4& ip) {
    std::string match = fmt::format("arp.tpa == {} && arp.op == 1", ip.address);
    f.add(
        Stage::kSwitchInArpRsp, 50, match,
        fmt::format("eth.dst = eth.src; eth.src = {0}; arp.op = 2; /* ARP reply */ arp.tha = arp.sha; "
                    "arp.sha = {0}; arp.tpa = arp.spa; arp.spa = {1}; outport = inport; flags.loopback = 1; "
                    "output;",
                    a.mac, ip.address));
    // Who asks for its own address looks for another that has it.
    f.add(Stage::kSwitchInArpRsp, 100, match + " && inport == " + port.quoted, "next;", {port.name, ""});
}

void answer_nd(Program& p, FlowWriter& f, const SwitchPort& port, const PortAddresses& a, const Ip6Net& ip) {
    std::string match =
        fmt::format("nd_ns && ip6.dst == {{{0}, {1}}} && nd.target == {0}", ip.address, ip.solicited_node());
    const Switch& sw = p.switch_(port.switch_uuid);
    f.add(Stage::kSwitchInArpRsp, 50, match,
          fmt::format("{0} {{ eth.src = {1}; ip6.src = {2}; nd.target = {2}; nd.tll = {1}; outport = inport; "
                      "flags.loopback = 1; output; }};",
                      port.type == PortType::kRouter ? "nd_na_router" : "nd_na", a.mac, ip.address),
          {"", copp_meter(p, sw.copp, "nd-na")});
    f.add(Stage::kSwitchInArpRsp, 100, match + " && inport == " + port.quoted, "next;", {port.name, ""});
}

// A port that several others can take over by announcing its address.
void bind_virtual_port(Program& p, FlowWriter& f, const SwitchPort& port) {
    std::string_view ip_text = ovsdb::get_string(port.options, "virtual-ip");
    auto ip4 = parse_ip4(ip_text);
    auto ip6 = parse_ip6(ip_text);
    if (!ip4 && !ip6) return;
    for (std::string_view parent : split(ovsdb::get_string(port.options, "virtual-parents"), ",")) {
        const Uuid* parent_uuid = p.switch_port_named.first(std::string(parent));
        if (!parent_uuid || p.port(*parent_uuid).switch_uuid != port.switch_uuid) continue;
        std::string in = quoted(parent), match;
        if (ip4) {
            match = fmt::format(
                "inport == {0} && ((arp.op == 1 && arp.spa == {1} && arp.tpa == {1}) || (arp.op == 2 && "
                "arp.spa == {1}))",
                in, ip4->address);
        } else {
            match = fmt::format(
                "inport == {0} && ((nd_ns && ip6.dst == {{{1}, {2}}} && nd.target == {1}) || (nd_na && "
                "nd.target == {1}))",
                in, ip6->address, ip6->solicited_node());
        }
        f.add(Stage::kSwitchInArpRsp, 100, match, fmt::format("bind_vport({}, inport); next;", port.quoted),
              {std::string(parent), ""});
    }
}

}  // namespace

void arp_responder_of_switch(Program& p, FlowWriter& f, const Switch& sw) {
    f.add(Stage::kSwitchInArpRsp, 0, "1", "next;");
    const nb::LogicalSwitch* row = p.in.switches.get(sw.uuid);
    for (const Uuid& group_uuid : row->forwarding_groups) {
        const nb::ForwardingGroup* group = p.in.forwarding_groups.get(group_uuid);
        if (!group) continue;
        f.add(Stage::kSwitchInArpRsp, 50, fmt::format("arp.tpa == {} && arp.op == 1", group->vip),
              fmt::format("eth.dst = eth.src; eth.src = {0}; arp.op = 2; /* ARP reply */ arp.tha = arp.sha; "
                          "arp.sha = {0}; arp.tpa = arp.spa; arp.spa = {1}; outport = inport; "
                          "flags.loopback = 1; output;",
                          group->vmac, group->vip));
        std::string children;
        for (const std::string& child : group->child_port) {
            children += (children.empty() ? "" : ",") + quoted(child);
        }
        f.add(Stage::kSwitchInL2Lkup, 50, "eth.dst == " + group->vmac,
              fmt::format("fwd_group({}childports={});", group->liveness ? "liveness=\"true\"," : "",
                          children));
    }
}

void arp_responder_of_port(Program& p, FlowWriter& f, const SwitchPort& port) {
    if (port.type == PortType::kLocalnet) {
        f.add(Stage::kSwitchInArpRsp, 100, "inport == " + port.quoted, "next;", {port.name, ""});
    }
    if (port.type == PortType::kVirtual) return bind_virtual_port(p, f, port);
    bool always_there = port.type == PortType::kRouter || port.type == PortType::kLocalport;
    if (!always_there && !p.globals({}).ignore_lsp_down && !port.up) return;
    if (port.type == PortType::kExternal || port.unknown) return;
    if (port.is_vif_like() && ovsdb::get_bool(port.options, "disable_arp_nd_rsp")) return;
    if (p.switch_(port.switch_uuid).vlan_passthru) return;
    for (const PortAddresses& a : port.addresses) {
        for (const Ip4& ip : a.ip4) answer_arp(f, port, a, ip);
        for (const Ip6Net& ip : a.ip6) answer_nd(p, f, port, a, ip);
    }
    if (port.type == PortType::kRouter && !port.peer.is_zero()) {
        std::vector<std::string_view> words = split(ovsdb::get_string(port.options, "arp_proxy"), " ");
        if (words.empty()) return;
        std::string mac = p.router_port(port.peer).addresses.mac;
        if (auto given = parse_mac(words[0])) {
            mac = mac_text(*given);
            words.erase(words.begin());
        }
        std::string ip4, ip6;
        for (std::string_view word : words) {
            if (parse_ip4(word)) {
                ip4 += (ip4.empty() ? "" : ",") + std::string(word);
            } else if (parse_ip6(word)) {
                ip6 += (ip6.empty() ? "" : ",") + std::string(word);
            }
        }
        if (!ip4.empty()) {
            f.add(Stage::kSwitchInArpRsp, 50, fmt::format("arp.op == 1 && arp.tpa == {{{}}}", ip4),
                  fmt::format(
                      "eth.dst = eth.src; eth.src = {0}; arp.op = 2; /* ARP reply */ arp.tha = arp.sha; "
                      "arp.sha = {0}; arp.tpa <-> arp.spa; outport = inport; flags.loopback = 1; "
                      "output;",
                      mac));
        }
        if (!ip6.empty()) {
            f.add(Stage::kSwitchInArpRsp, 30, fmt::format("nd_ns && nd.target == {{ {} }}", ip6),
                  fmt::format("nd_na {{ eth.dst = eth.src; eth.src = {0}; ip6.src = nd.target; nd.target = "
                              "nd.target; nd.tll = {0}; outport = inport; flags.loopback = 1; output; }};",
                              mac));
        }
    }
}

}  // namespace weft::northd
