// dpif/*, upcall/*, revalidator/*.

#include <fmt/core.h>

#include "datapath/api/forwarder.h"
#include "switch/control/commands.h"
#include "switch/control/dpctl.h"

namespace weft::vswitch {

namespace {

using Arguments = net::ControlServer::Arguments;

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

Result<std::string> dpif_dump_flows(Switch& owner, Arguments args) {
    FlowLineText options;
    options.dpctl = false;
    options.more = take_flag(args, "-m", "--more");
    options.names = take_flag(args, "", "--names") || options.more;
    if (take_flag(args, "", "--no-names")) options.names = false;
    Backer* backer = args.size() == 1 ? owner.backer_of(args[0]) : nullptr;
    if (!backer) return Error{"no such bridge"};
    std::string out;
    backer->datapath().dump_flows([&](const datapath::FlowDump& flow) {
        OfPort* port = backer->port_of(flow.key);
        const FrozenState* state =
            flow.key.recirc_id ? backer->recirculations().find(flow.key.recirc_id) : nullptr;
        const std::string* bridge = state ? &state->bridge : port ? &port->bridge->name() : nullptr;
        if (bridge && *bridge == args[0]) out += flow_line_text(flow, backer->datapath(), options);
    });
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
    auto masks = [&](std::string name, bool on) {
        control.add(std::move(name), "", 0, 0, [&owner, on](const Arguments&) -> Result<std::string> {
            for (const auto& [type, backer] : owner.backers()) backer->use_masks(on);
            return std::string(on ? "megaflows enabled\n" : "megaflows disabled\n");
        });
    };
    masks("upcall/enable-megaflows", true);
    masks("upcall/disable-megaflows", false);
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
