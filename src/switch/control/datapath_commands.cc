// dpif/*, dpctl/*, upcall/*, revalidator/*.

#include <fmt/core.h>

#include "base/clock.h"
#include "datapath/api/forwarder.h"
#include "switch/control/commands.h"

namespace weft::vswitch {

namespace {

using Arguments = net::ControlServer::Arguments;

std::string tcp_flags_text(uint16_t flags) {
    static constexpr char kLetters[] = "FSRP.UECN";
    std::string out;
    for (int i = 0; i < 9; ++i) {
        if (flags >> i & 1) out += kLetters[i];
    }
    return out;
}

std::string flow_line(const datapath::FlowDump& flow, const datapath::Datapath& dp, bool names, bool more,
                      bool dpctl) {
    const datapath::Datapath* with_names = names ? &dp : nullptr;
    std::string out;
    if (more) out += fmt::format("ufid:{}{} ", flow.ufid.to_string(), dpctl ? "," : "");
    out += describe_match(flow.key, flow.mask, with_names, more);
    out += fmt::format(", packets:{}, bytes:{}, used:", flow.stats.packets, flow.stats.bytes);
    if (flow.stats.used_ms) {
        int64_t ago = clock::monotonic_ms() - flow.stats.used_ms;
        out += fmt::format("{}.{:03}s", ago / 1000, ago % 1000);
    } else {
        out += "never";
    }
    if (flow.stats.tcp_flags) out += ", flags:" + tcp_flags_text(flow.stats.tcp_flags);
    if (more && dpctl && flow.offloaded) out += ", offloaded:yes";
    if (more && dpctl) out += fmt::format(", dp:{}", flow.datapath_layer);
    return out + ", actions:" + describe_actions(flow.actions, with_names) + "\n";
}

Result<std::string> dpif_show(const Switch& owner) {
    std::string out;
    for (const auto& [type, backer] : owner.backers()) {
        datapath::DatapathStats stats = backer->datapath().stats();
        out += fmt::format("{}@{}: hit:{} missed:{}\n", type, backer->datapath().name(), stats.hits,
                           stats.misses);
        std::string forwarder = datapath::forwarder_of(backer->datapath());
        if (!forwarder.empty()) out += fmt::format("  forwarded by {}\n", forwarder);
        for (const auto& [name, bridge] : backer->bridges()) {
            out += fmt::format("  {}:\n", name);
            std::map<std::string, const OfPort*> ports;
            for (const auto& [number, port] : bridge->ports()) ports[port->name] = port.get();
            for (const auto& [port_name, port] : ports) {
                uint32_t number = port->number == openflow::kPortLocal ? 65534 : port->number;
                std::string dp_port =
                    port->dp_port == datapath::kNoPort ? "none" : fmt::format("{}", port->dp_port);
                std::string options = owner.port_options(*port);
                out += fmt::format("    {} {}/{}: ({}{}{})\n", port_name, number, dp_port,
                                   owner.device_type(*port), options.empty() ? "" : ": ", options);
            }
        }
    }
    return out;
}

// "-m", "--names" and such, taken out of the arguments.
struct DumpOptions {
    bool more = false, names = false;
    Arguments rest;
    explicit DumpOptions(const Arguments& args) {
        bool no_names = false;
        for (const std::string& arg : args) {
            if (arg == "-m" || arg == "--more")
                more = true;
            else if (arg == "--names")
                names = true;
            else if (arg == "--no-names")
                no_names = true;
            else
                rest.push_back(arg);
        }
        names = (names || more) && !no_names;
    }
};

Result<std::string> dpif_dump_flows(Switch& owner, const Arguments& args) {
    DumpOptions options(args);
    if (options.rest.size() != 1) return Error{"no such bridge"};
    Backer* backer = owner.backer_of(options.rest[0]);
    if (!backer) return Error{"no such bridge"};
    std::string out;
    backer->datapath().dump_flows([&](const datapath::FlowDump& flow) {
        packet::Flow key = flow.key;
        OfPort* port = backer->port_of(key);
        const FrozenState* state = key.recirc_id ? backer->recirculations().find(key.recirc_id) : nullptr;
        const std::string* bridge = state ? &state->bridge : port ? &port->bridge->name() : nullptr;
        if (!bridge || *bridge != options.rest[0]) return;
        out += flow_line(flow, backer->datapath(), options.names, options.more, false);
    });
    return out;
}

Result<Backer*> datapath_argument(const Switch& owner, const Arguments& args) {
    Backer* backer = owner.find_datapath(args.empty() ? "" : args[0]);
    if (backer) return backer;
    if (!args.empty()) return Error{fmt::format("no datapath is called \"{}\"", args[0])};
    return Error{owner.backers().empty()
                     ? "there is no datapath"
                     : "several datapaths exist; name one of those that dpctl/dump-dps lists"};
}

Result<std::string> dpctl_show(const Switch& owner, const Arguments& args) {
    std::string out;
    for (const auto& [type, backer] : owner.backers()) {
        const datapath::Datapath& dp = backer->datapath();
        std::string name = fmt::format("{}@{}", type, dp.name());
        bool wanted = true;
        for (const std::string& arg : args) wanted = arg == "-s" || arg == name || arg == dp.name();
        if (!wanted) continue;
        datapath::DatapathStats stats = dp.stats();
        out += fmt::format("{}:\n  lookups: hit:{} missed:{} lost:{}\n  flows: {}\n", name, stats.hits,
                           stats.misses, stats.lost, stats.flows);
        for (const datapath::PortInfo& port : dp.ports()) {
            std::string port_type(datapath::port_type_name(port.type));
            if (port_type == "internal")
                port_type = type == "dummy" ? "dummy-internal" : type == "netdev" ? "tap" : "internal";
            out += fmt::format("  port {}: {}{}\n", port.number, port.name,
                               port_type == "system" ? "" : fmt::format(" ({})", port_type));
            if (args.empty() || args[0] != "-s") continue;
            auto s = dp.port_stats(port.number);
            if (!s) continue;
            out += fmt::format(
                "    RX packets:{} errors:{} dropped:{} overruns:0 frame:0\n    TX packets:{} errors:{} "
                "dropped:{} aborted:0 carrier:0\n    RX bytes:{}  TX bytes:{}\n",
                s->rx_packets, s->rx_errors, s->rx_dropped, s->tx_packets, s->tx_errors, s->tx_dropped,
                s->rx_bytes, s->tx_bytes);
        }
    }
    return out;
}

}  // namespace

void add_datapath_commands(net::ControlServer& control, Switch& owner) {
    control.add("dpif/show", "", 0, 0, [&owner](const Arguments&) { return dpif_show(owner); });
    control.add("dpif/dump-dps", "", 0, 0, [&owner](const Arguments&) -> Result<std::string> {
        std::string out;
        for (const auto& [type, backer] : owner.backers())
            out += fmt::format("{}@{}\n", type, backer->datapath().name());
        return out;
    });
    control.add("dpif/dump-flows", "[-m] [--names | --no-names] bridge", 1, 4,
                [&owner](const Arguments& args) { return dpif_dump_flows(owner, args); });
    control.add(
        "dpif/show-dp-features", "bridge", 1, 1, [&owner](const Arguments& args) -> Result<std::string> {
            Backer* backer = owner.backer_of(args[0]);
            if (!backer) return Error{"no such bridge"};
            datapath::Datapath::Features f = backer->datapath().features();
            auto yes = [](bool on) { return on ? "Yes" : "No"; };
            return fmt::format(
                "Masked set action: {}\nTunnel push pop: {}\nUfid: {}\nTruncate action: {}\nClone action: "
                "{}\n"
                "Sample nesting: {}\nConntrack eventmask: {}\nConntrack clear: {}\nMax dp_hash algorithm: "
                "{}\n"
                "Check pkt length action: {}\nConntrack timeout policy: {}\nExplicit Drop action: {}\n"
                "Optimized Balance TCP mode: {}\nConntrack all-zero IP SNAT: {}\nMPLS Label add: No\n"
                "Max VLAN headers: {}\nMax MPLS depth: {}\nRecirc: {}\nCT state: {}\nCT zone: {}\nCT mark: "
                "{}\n"
                "CT label: {}\nCT state NAT: {}\nCT orig tuple: {}\nCT orig tuple for IPv6: {}\n"
                "IPv6 ND Extension: Yes\n",
                yes(f.masked_set), yes(f.tunnel_push_pop), yes(f.ufid), yes(f.truncate), yes(f.clone),
                f.sample_nesting ? 10 : 0, yes(f.ct_eventmask), yes(f.ct_clear), f.max_hash_algorithm,
                yes(f.check_pkt_len), yes(f.ct_timeout), yes(f.explicit_drop), yes(f.lb_output),
                yes(f.ct_zero_snat), f.max_vlan_headers, f.max_mpls_depth, yes(f.recirculation), yes(f.ct),
                yes(f.ct), yes(f.ct), yes(f.ct), yes(f.ct), yes(f.ct), yes(f.ct));
        });
    control.add("dpctl/show", "[-s] [dp...]", 0, -1,
                [&owner](const Arguments& args) { return dpctl_show(owner, args); });
    control.add("dpctl/dump-dps", "", 0, 0, [&owner](const Arguments&) -> Result<std::string> {
        std::string out;
        for (const auto& [type, backer] : owner.backers())
            out += fmt::format("{}@{}\n", type, backer->datapath().name());
        return out;
    });
    control.add("dpctl/dump-flows", "[-m] [--names] [dp]", 0, 4,
                [&owner](const Arguments& args) -> Result<std::string> {
                    DumpOptions options(args);
                    WEFT_ASSIGN(Backer * backer, datapath_argument(owner, options.rest));
                    std::string out;
                    backer->datapath().dump_flows([&](const datapath::FlowDump& flow) {
                        if (out.empty() && backer->type() != "system")
                            out = "flow-dump from the main thread:\n";
                        out += flow_line(flow, backer->datapath(), options.names, options.more, true);
                    });
                    return out;
                });
    control.add("dpctl/del-flows", "[dp]", 0, 1, [&owner](const Arguments& args) -> Result<std::string> {
        WEFT_ASSIGN(Backer * backer, datapath_argument(owner, args));
        backer->purge();
        return std::string();
    });
    control.add("upcall/show", "", 0, 0, [&owner](const Arguments&) -> Result<std::string> {
        std::string out;
        for (const auto& [type, backer] : owner.backers()) {
            out += fmt::format(
                "{}@{}:\n  flows         : (current {}) (avg {}) (max {}) (limit {})\n  dump duration : "
                "{}ms\n  ufid enabled : true\n\n  0: (keys {})\n",
                type, backer->datapath().name(), backer->megaflows(), backer->average_flows(),
                backer->max_flows(), backer->flow_limit(), backer->last_dump_ms(), backer->megaflows());
        }
        return out;
    });
    control.add("upcall/set-flow-limit", "flow-limit-number", 1, 1,
                [&owner](const Arguments& args) -> Result<std::string> {
                    unsigned long limit = std::strtoul(args[0].c_str(), nullptr, 10);
                    for (const auto& [type, backer] : owner.backers()) backer->set_flow_limit(limit);
                    return fmt::format("set flow_limit to {}\n", limit);
                });
    control.add("revalidator/wait", "", 0, 0, [&owner](const Arguments&) -> Result<std::string> {
        for (const auto& [type, backer] : owner.backers()) backer->revalidate(true);
        return std::string();
    });
    control.add("revalidator/purge", "", 0, 0, [&owner](const Arguments&) -> Result<std::string> {
        for (const auto& [type, backer] : owner.backers()) backer->purge();
        return std::string();
    });
    control.add("revalidator/pause", "", 0, 0, [&owner](const Arguments&) -> Result<std::string> {
        for (const auto& [type, backer] : owner.backers()) backer->pause_revalidation(true);
        return std::string();
    });
    control.add("revalidator/resume", "", 0, 0, [&owner](const Arguments&) -> Result<std::string> {
        for (const auto& [type, backer] : owner.backers()) backer->pause_revalidation(false);
        return std::string();
    });
}

}  // namespace weft::vswitch
