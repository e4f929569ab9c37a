// ovs/route/*, tnl/*, netdev-dummy/ip4addr and ip6addr: what tunnels that go through a bridge find their way
// by (ovs-vswitchd(8), "Tunnel commands" and the text of `ovs-appctl list-commands`).

#include <fmt/format.h>

#include <charconv>

#include "datapath/dummy/dummy_device.h"
#include "packet/address.h"
#include "switch/control/commands.h"
#include "switch/underlay/underlay.h"

namespace weft::vswitch {

namespace {

using Arguments = net::ControlServer::Arguments;

constexpr int64_t kMostAgingSeconds = 3600;

template <typename T>
std::optional<T> number(std::string_view text) {
    T value = 0;
    auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
    return value;
}

// "pkt_mark=N".
std::optional<uint32_t> mark(const std::string& text) {
    constexpr std::string_view kName = "pkt_mark=";
    return text.starts_with(kName) ? number<uint32_t>(std::string_view(text).substr(kName.size()))
                                   : std::nullopt;
}

Result<std::string> add_route(Underlay& underlay, const Arguments& args) {
    auto network = parse_network(args[0]);
    if (!network) return Error{"Invalid parameters"};
    UnderlayRoute route;
    route.network = network->network;
    route.bits = network->bits;
    route.device = args[1];
    if (args.size() > 2) {
        if (auto gateway = parse_address(args[2]))
            route.gateway = *gateway;
        else if (auto value = mark(args[2]))
            route.mark = *value;
        else
            return Error{"Invalid pkt_mark or gateway"};
    }
    if (args.size() > 3) {
        auto value = mark(args[3]);
        if (!value) return Error{"Invalid pkt_mark"};
        route.mark = *value;
    }
    WEFT_TRY(underlay.routes().add(route, underlay.addresses(args[1])));
    underlay.changed();
    return std::string("OK");
}

Result<std::string> delete_route(Underlay& underlay, const Arguments& args) {
    auto network = parse_network(args[0]);
    if (!network) return Error{"Invalid parameters"};
    uint32_t value = 0;
    if (args.size() > 1) {
        auto given = mark(args[1]);
        if (!given) return Error{"Invalid pkt_mark"};
        value = *given;
    }
    if (!underlay.routes().remove(network->network, network->bits, value)) return Error{"Not found"};
    underlay.changed();
    return std::string("OK");
}

Result<std::string> look_up_route(Underlay& underlay, const Arguments& args) {
    auto address = parse_address(args[0]);
    if (!address) return Error{"Invalid parameters"};
    uint32_t value = 0;
    if (args.size() > 1) {
        auto given = mark(args[1]);
        if (!given) return Error{"Invalid pkt_mark"};
        value = *given;
    }
    const UnderlayRoute* route = underlay.route(*address, value);
    if (!route) return Error{"Not found"};
    return fmt::format("src {}\ngateway {}\ndev {}\n", address_text(route->source),
                       packet::is_zero(route->gateway) ? "::" : address_text(route->gateway), route->device);
}

void add_route_commands(net::ControlServer& control, Underlay& underlay) {
    control.add("ovs/route/add", "ip/plen dev [gw] [pkt_mark=mark]", 2, 4,
                [&](const Arguments& args) { return add_route(underlay, args); });
    control.add("ovs/route/del", "ip/plen [pkt_mark=mark]", 1, 2,
                [&](const Arguments& args) { return delete_route(underlay, args); });
    control.add("ovs/route/show", "", 0, 0,
                [&](const Arguments&) -> Result<std::string> { return underlay.routes().text(); });
    control.add("ovs/route/lookup", "ip [pkt_mark=mark]", 1, 2,
                [&](const Arguments& args) { return look_up_route(underlay, args); });
}

Result<std::string> set_neighbour(Underlay& underlay, const Arguments& args) {
    auto address = parse_address(args[1]);
    if (!address) return Error{"bad IP address"};
    auto mac = packet::parse_eth(args[2]);
    if (!mac) return Error{"bad MAC address"};
    underlay.learn(args[0], *address, *mac);
    underlay.changed();
    return std::string("OK");
}

Result<std::string> neighbour_aging(Underlay& underlay, const Arguments& args) {
    if (args.empty()) return std::to_string(underlay.neighbours().aging_s());
    auto seconds = number<int64_t>(args[0]);
    if (!seconds || *seconds < 1 || *seconds > kMostAgingSeconds) return Error{"bad aging value"};
    underlay.neighbours().set_aging(*seconds);
    return std::string("OK");
}

// Each by its two names.
void add_neighbour_commands(net::ControlServer& control, Underlay& underlay) {
    for (std::string family : {"tnl/arp/", "tnl/neigh/"}) {
        control.add(family + "show", "", 0, 0,
                    [&](const Arguments&) -> Result<std::string> { return underlay.neighbours().text(); });
        control.add(family + "set", "BRIDGE IP MAC", 3, 3,
                    [&](const Arguments& args) { return set_neighbour(underlay, args); });
        control.add(family + "flush", "", 0, 0, [&](const Arguments&) -> Result<std::string> {
            underlay.neighbours().flush();
            underlay.changed();
            return std::string("OK");
        });
        control.add(family + "aging", "[SECS]", 0, 1,
                    [&](const Arguments& args) { return neighbour_aging(underlay, args); });
    }
}

Result<std::string> source_ports(Underlay& underlay, const Arguments& args) {
    if (args.size() < 2) {
        return fmt::format("Tunnel UDP source port range: {}-{}\n", underlay.first_source_port,
                           underlay.last_source_port);
    }
    auto low = number<uint16_t>(args[0]), high = number<uint16_t>(args[1]);
    if (!low || !*low) return std::string("Invalid min.");
    if (!high || !*high) return std::string("Invalid max.");
    underlay.first_source_port = std::min(*low, *high);
    underlay.last_source_port = std::max(*low, *high);
    underlay.changed();
    return std::string("OK");
}

// What a packet to the tunnel has, on each address of each bridge.
std::string listening(Switch& owner, const Backer& backer, uint16_t udp_port, const std::string& name) {
    std::string out;
    for (const auto& [bridge_name, bridge] : backer.bridges()) {
        const OfPort* local = bridge->port(openflow::kPortLocal);
        if (!local) continue;
        for (const UnderlayAddress& one : owner.underlay().addresses(bridge_name)) {
            bool v4 = packet::mapped_ipv4(one.address).has_value();
            out += fmt::format("{} : eth(dst={}),eth_type(0x{}),{}(dst={},proto={},frag=no)", name,
                               packet::to_string(local->mac), v4 ? "0800" : "86dd", v4 ? "ipv4" : "ipv6",
                               address_text(one.address), udp_port ? 17 : 47);
            out += udp_port ? fmt::format(",udp(dst={})\n", udp_port) : "\n";
        }
    }
    return out;
}

std::string show_ports(Switch& owner, bool verbose) {
    std::string out = "Listening ports:\n";
    for (const auto& [type, backer] : owner.backers()) {
        if (!backer->underlay()) continue;
        for (const auto& [key, listener] : backer->tunnels().listeners()) {
            auto port = backer->datapath().find_port(listener.port);
            std::string name = fmt::format("{} ({})", port ? port->name : "?", listener.port);
            out += verbose ? listening(owner, *backer, key.first, name)
                           : fmt::format("{} ref_cnt={}\n", name, listener.tunnels);
        }
    }
    return out;
}

template <typename Parse>
net::ControlServer::Handler address_command(Underlay& underlay, Parse right_family, const char* family) {
    return [&underlay, right_family, family](const Arguments& args) -> Result<std::string> {
        datapath::DummyDevice* device = datapath::find_dummy_device(args[0]);
        if (!device) return Error{"Unknown Dummy Interface"};
        auto network = parse_network(args[1]);
        auto address = parse_address(args[1].substr(0, args[1].find('/')));
        if (!network || !address || !right_family(*address))
            return Error{fmt::format("{}: invalid {} address", args[1], family)};
        device->add_address(*address, network->bits);
        underlay.changed();
        return std::string("OK");
    };
}

}  // namespace

void add_tunnel_commands(net::ControlServer& control, Switch& owner) {
    Underlay& underlay = owner.underlay();
    add_route_commands(control, underlay);
    add_neighbour_commands(control, underlay);
    control.add("tnl/ports/show", "-v", 0, 1, [&](const Arguments& args) -> Result<std::string> {
        return show_ports(owner, !args.empty());
    });
    control.add("tnl/egress_port_range", "min max", 0, 2,
                [&](const Arguments& args) { return source_ports(underlay, args); });
    auto v4 = [](const packet::Ipv6Addr& address) { return packet::mapped_ipv4(address).has_value(); };
    auto v6 = [](const packet::Ipv6Addr& address) { return !packet::mapped_ipv4(address); };
    control.add("netdev-dummy/ip4addr", "[netdev] ipaddr/mask-prefix-len", 2, 2,
                address_command(underlay, v4, "IPv4"));
    control.add("netdev-dummy/ip6addr", "[netdev] ip6addr", 2, 2, address_command(underlay, v6, "IPv6"));
}

}  // namespace weft::vswitch
