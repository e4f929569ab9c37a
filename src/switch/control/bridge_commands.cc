// bridge/*, ofproto/list*, fdb/*, exit's neighbours.

#include <fmt/core.h>

#include "base/clock.h"
#include "packet/address.h"
#include "switch/connection/connection_manager.h"
#include "switch/control/commands.h"

namespace weft::vswitch {

namespace {

using Arguments = net::ControlServer::Arguments;

Result<std::string> fdb_show(const Bridge& bridge) {
    std::string out = " port  VLAN  MAC                Age\n";
    int64_t now = clock::monotonic_ms();
    for (const MacTable::Entry* entry : bridge.mac_table.entries()) {
        std::string age = entry->is_static ? "static" : fmt::format("{:3}", (now - entry->used_ms) / 1000);
        out += fmt::format("{:>5}  {:4}  {}  {}\n", port_text(*entry->bundle), entry->vlan,
                           packet::to_string(entry->mac), age);
    }
    return out;
}

Result<std::string> fdb_stats(const Bridge& bridge) {
    const MacTable& table = bridge.mac_table;
    const MacTable::Statistics& s = table.statistics();
    return fmt::format(
        "Statistics for bridge \"{}\":\n"
        "  Current/maximum MAC entries in the table: {}/{}\n"
        "  Current static MAC entries in the table : {}\n"
        "  Total number of learned MAC entries     : {}\n"
        "  Total number of expired MAC entries     : {}\n"
        "  Total number of evicted MAC entries     : {}\n"
        "  Total number of port moved MAC entries  : {}\n",
        bridge.name(), table.size(), table.max_entries(), table.statics(), s.learned, s.expired, s.evicted,
        s.moved);
}

std::string flow_lines(const Bridge& bridge) {
    std::string out;
    openflow::Names names = bridge.names();
    int64_t now = clock::monotonic_ms();
    for (size_t t = 0; t < kTables; ++t) {
        bridge.table(static_cast<uint8_t>(t)).classifier.for_each([&](ClassifierRule& entry) {
            const Rule& rule = FlowTable::rule_of(entry);
            if (t) out += fmt::format("table_id={}, ", t);
            out += fmt::format("duration={}s, n_packets={}, n_bytes={}, ", (now - rule.created_ms) / 1000,
                               rule.packets, rule.bytes);
            if (rule.cookie) out += fmt::format("cookie={:#x}, ", rule.cookie);
            std::string match = openflow::to_string(rule.match());
            if (rule.priority() != 32768)
                out += fmt::format("priority={}{}", rule.priority(), match.empty() ? "" : ",");
            out += match;
            if (!match.empty() || rule.priority() != 32768) out += ",";
            out += "actions=" + openflow::to_string(*rule.actions) + "\n";
        });
    }
    return out;
}

std::string tunnel_lines(const Backer& backer) {
    std::map<std::string, std::string> lines;
    for (const OfPort* port : backer.tunnels().ports()) {
        const TunnelConfig& t = *port->tunnel;
        auto address = [&](bool flow, uint32_t v4, const packet::Ipv6Addr& six) -> std::string {
            if (flow) return "flow";
            return v4 ? packet::ipv4_to_string(v4) : packet::to_string(six);
        };
        std::string text = fmt::format(
            "port {}: {} ({}: {}->{}, ", port->dp_port, port->name, datapath::port_type_name(t.type),
            address(t.local_flow, t.local, t.local6), address(t.remote_flow, t.remote, t.remote6));
        auto key = [](bool flow, uint64_t value) {
            return flow ? std::string("flow") : value ? fmt::format("{:#x}", value) : std::string("0");
        };
        if (t.in_key_flow == t.out_key_flow && t.in_key == t.out_key) {
            text += "key=" + key(t.in_key_flow, t.in_key);
        } else {
            text += "in_key=" + key(t.in_key_flow, t.in_key) + ", out_key=" + key(t.out_key_flow, t.out_key);
        }
        text += fmt::format(", {}, dp port={}",
                            t.packets == TunnelPackets::kLegacyL2   ? "legacy_l2"
                            : t.packets == TunnelPackets::kLegacyL3 ? "legacy_l3"
                                                                    : "ptap",
                            port->dp_port);
        if (t.tos_inherit)
            text += ", tos=inherit";
        else if (t.tos)
            text += fmt::format(", tos={:#x}", t.tos);
        text += t.ttl_inherit ? ", ttl=inherit" : fmt::format(", ttl={}", t.ttl);
        if (!t.dont_fragment) text += ", df=false";
        if (t.csum) text += ", csum=true";
        lines[port->name] = text + ")\n";
    }
    std::string out;
    for (const auto& [name, line] : lines) out += line;
    return out;
}

}  // namespace

std::string port_text(const Bundle& bundle) {
    OfPort* port = bundle.members.empty() ? nullptr : bundle.members.front();
    if (!port) return bundle.name;
    return port->number == openflow::kPortLocal ? "LOCAL" : fmt::format("{}", port->number);
}

void add_bridge_commands(net::ControlServer& control, Switch& owner) {
    auto with_bridge = [&owner](auto command) {
        return [&owner, command](const Arguments& args) -> Result<std::string> {
            Bridge* bridge = owner.bridge(args[0]);
            if (!bridge) return Error{"no such bridge"};
            return command(*bridge, args);
        };
    };
    control.add("ofproto/list", "", 0, 0, [&owner](const Arguments&) -> Result<std::string> {
        std::string out;
        for (Bridge* bridge : owner.bridges()) out += bridge->name() + "\n";
        return out;
    });
    control.add("ofproto/list-tunnels", "", 0, 0, [&owner](const Arguments&) -> Result<std::string> {
        std::string out;
        for (const auto& [type, backer] : owner.backers()) out += tunnel_lines(*backer);
        return out;
    });
    control.add("fdb/show", "bridge", 1, 1,
                with_bridge([](Bridge& bridge, const Arguments&) { return fdb_show(bridge); }));
    control.add("fdb/stats-show", "bridge", 1, 1,
                with_bridge([](Bridge& bridge, const Arguments&) { return fdb_stats(bridge); }));
    control.add("fdb/flush", "[bridge]", 0, 1, [&owner](const Arguments& args) -> Result<std::string> {
        if (args.empty()) {
            for (const auto& [type, backer] : owner.backers()) backer->pull_statistics();
            for (Bridge* bridge : owner.bridges()) bridge->mac_table.flush();
        } else {
            Bridge* bridge = owner.bridge(args[0]);
            if (!bridge) return Error{"no such bridge"};
            // Or what earlier packets teach would be learnt after it is forgotten.
            owner.backer_of(args[0])->pull_statistics();
            bridge->mac_table.flush();
        }
        return std::string("table successfully flushed");
    });
    control.add("fdb/stats-clear", "[bridge]", 0, 1, [&owner](const Arguments& args) -> Result<std::string> {
        for (Bridge* bridge : owner.bridges()) {
            if (args.empty() || bridge->name() == args[0]) bridge->mac_table.clear_statistics();
        }
        if (!args.empty() && !owner.bridge(args[0])) return Error{"no such bridge"};
        return std::string("statistics successfully cleared");
    });
    control.add("fdb/add", "bridge port vlan mac", 4, 4,
                with_bridge([](Bridge& bridge, const Arguments& args) -> Result<std::string> {
                    Bundle* bundle = bridge.find_bundle(args[1]);
                    if (!bundle) return Error{fmt::format("no such port: {}", args[1])};
                    char* end = nullptr;
                    long vlan = std::strtol(args[2].c_str(), &end, 10);
                    if (*end || args[2].empty() || vlan < 0 || vlan > 4095)
                        return Error{"VLAN must be in range 0 to 4095"};
                    auto mac = packet::parse_eth(args[3]);
                    if (!mac) return Error{"bad MAC address"};
                    if (packet::is_multicast(*mac)) return Error{"multicast addresses cannot be added"};
                    if (!bridge.mac_table.add_static(*mac, static_cast<uint16_t>(vlan), bundle))
                        return Error{"the MAC table is full"};
                    return std::string();
                }));
    control.add("fdb/del", "bridge vlan mac", 3, 3,
                with_bridge([](Bridge& bridge, const Arguments& args) -> Result<std::string> {
                    auto mac = packet::parse_eth(args[2]);
                    if (!mac) return Error{"bad MAC address"};
                    if (!bridge.mac_table.remove(*mac, static_cast<uint16_t>(std::atoi(args[1].c_str()))))
                        return Error{"no such MAC entry"};
                    return std::string();
                }));
    control.add("bridge/dump-flows", "[--offload-stats] bridge", 1, 2,
                [&owner](const Arguments& args) -> Result<std::string> {
                    Bridge* bridge = owner.bridge(args.back());
                    if (!bridge) return Error{"Unknown bridge"};
                    owner.backer_of(bridge->name())->pull_statistics();
                    return flow_lines(*bridge);
                });
    control.add("bridge/reconnect", "[bridge]", 0, 1, [&owner](const Arguments& args) -> Result<std::string> {
        if (!args.empty() && !owner.bridge(args[0])) return Error{"Unknown bridge"};
        owner.connections().reconnect(args.empty() ? "" : args[0]);
        return std::string();
    });
    control.add("connection-status", "", 0, 0, [&owner](const Arguments&) -> Result<std::string> {
        return owner.connection_status() + "\n";
    });
}

}  // namespace weft::vswitch
