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

// What a datapath can do: the name that dpif/set-dp-features has for it, and the one that it is shown by.
struct Feature {
    const char *name, *title;
    int value;
    bool number = false;
    std::string text(bool words) const {
        if (number) return std::to_string(value);
        return words ? value ? "Yes" : "No" : value ? "true" : "false";
    }
};

std::vector<Feature> features_of(const Backer& backer) {
    datapath::Datapath::Features f = backer.datapath().features();
    return {{"masked_set_action", "Masked set action", f.masked_set},
            {"tnl_push_pop", "Tunnel push pop", f.tunnel_push_pop},
            {"ufid", "Ufid", f.ufid},
            {"trunc", "Truncate action", f.truncate},
            {"clone", "Clone action", f.clone},
            {"sample_nesting", "Sample nesting", f.sample_nesting ? 10 : 0, true},
            {"ct_eventmask", "Conntrack eventmask", f.ct_eventmask},
            {"ct_clear", "Conntrack clear", f.ct_clear},
            {"max_hash_alg", "Max dp_hash algorithm", f.max_hash_algorithm, true},
            {"check_pkt_len", "Check pkt length action", f.check_pkt_len},
            {"ct_timeout", "Conntrack timeout policy", f.ct_timeout},
            {"explicit_drop_action", "Explicit Drop action", f.explicit_drop},
            {"lb_output_action", "Optimized Balance TCP mode", f.lb_output},
            {"ct_zero_snat", "Conntrack all-zero IP SNAT", f.ct_zero_snat},
            {"add_mpls", "MPLS Label add", false},
            {"max_vlan_headers", "Max VLAN headers", f.max_vlan_headers, true},
            {"max_mpls_depth", "Max MPLS depth", f.max_mpls_depth, true},
            {"recirc", "Recirc", f.recirculation},
            {"ct_state", "CT state", f.ct},
            {"ct_zone", "CT zone", f.ct},
            {"ct_mark", "CT mark", f.ct},
            {"ct_label", "CT label", f.ct},
            {"ct_state_nat", "CT state NAT", f.ct},
            {"ct_orig_tuple", "CT orig tuple", f.ct},
            {"ct_orig_tuple6", "CT orig tuple for IPv6", f.ct},
            {"nd_ext", "IPv6 ND Extension", true}};
}

Result<std::string> show_features(Switch& owner, const Arguments& args) {
    Backer* backer = owner.backer_of(args[0]);
    if (!backer) return Error{"no such bridge"};
    std::string out;
    for (const Feature& one : features_of(*backer)) out += fmt::format("{}: {}\n", one.title, one.text(true));
    return out;
}

// Whatever the datapath can do is used: what Open vSwitch has this for, trying what it does on datapaths that
// can do less, does not exist here.
Result<std::string> set_features(Switch& owner, const Arguments& args) {
    Backer* backer = owner.backer_of(args[0]);
    if (!backer) return Error{"no such bridge"};
    std::string out;
    for (const Feature& one : features_of(*backer)) {
        if (args.size() > 1 && args[1] != one.name) continue;
        std::string value = one.text(false);
        if (args.size() < 3) {
            out +=
                fmt::format("{} ({}) : [run time]:{}, [boot time]:{}\n", one.name, one.title, value, value);
            continue;
        }
        if (!one.number && args[2] != "true" && args[2] != "false")
            return std::string("Boolean value expected\n");
        if (args[2] == value) return std::string();
        return Error{
            fmt::format("{} is {} and cannot be changed: what the datapath can do is used", one.name, value)};
    }
    return out.empty() ? "Unexpected support field\n" : out;
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
    control.add("dpif/show-dp-features", "bridge", 1, 1,
                [&owner](const Arguments& args) { return show_features(owner, args); });
    control.add("dpif/set-dp-features", "bridge", 1, 3,
                [&owner](const Arguments& args) { return set_features(owner, args); });
    auto masks = [&](std::string name, bool on) {
        control.add(std::move(name), "", 0, 0, [&owner, on](const Arguments&) -> Result<std::string> {
            for (const auto& [type, backer] : owner.backers()) backer->use_masks(on);
            return std::string(on ? "megaflows enabled\n" : "megaflows disabled\n");
        });
    };
    masks("upcall/enable-megaflows", true);
    masks("upcall/disable-megaflows", false);
    control.add("upcall/enable-ufid", "", 0, 0, [](const Arguments&) -> Result<std::string> {
        return std::string("Datapath dumping tersely using UFID enabled for supported datapaths\n");
    });
    control.add("upcall/disable-ufid", "", 0, 0, [](const Arguments&) -> Result<std::string> {
        return Error{"a flow is always known by its UFID here: dumping without cannot be chosen"};
    });
    control.add("odp-execute/action-impl-show", "", 0, 0, [](const Arguments&) -> Result<std::string> {
        return std::string("Available Actions implementations:\n  scalar (available: Yes, active: Yes)\n");
    });
    control.add(
        "odp-execute/action-impl-set", "name", 1, 1, [](const Arguments& args) -> Result<std::string> {
            if (args[0] == "scalar") return std::string("Action implementation set to scalar.\n");
            return Error{fmt::format("Error: unknown action implementation, {}, specified!", args[0])};
        });
    control.add("dpif-dummy/change-port-number", "dp port new-number", 3, 3,
                [](const Arguments&) -> Result<std::string> {
                    return Error{
                        "a port keeps its datapath number as long as it is there: delete it and add another"};
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
