// dpctl/show, dump-dps, cache-*, parse-actions, list-commands; the others of dpctl/* are in flow_commands.cc,
// manual_datapath_commands.cc and conntrack_commands.cc.

#include <fmt/core.h>

#include <algorithm>
#include <map>

#include "switch/control/commands.h"
#include "switch/control/dpctl.h"

namespace weft::vswitch {

namespace {

using Arguments = net::ControlServer::Arguments;

std::string name_of(const Backer& backer) {
    return fmt::format("{}@{}", backer.type(), backer.datapath().name());
}

// By name.
std::vector<const Backer*> all_datapaths(const Switch& owner) {
    std::vector<const Backer*> out;
    for (const auto& [type, backer] : owner.backers()) out.push_back(backer.get());
    for (const auto& [name, backer] : owner.manual_datapaths()) out.push_back(backer.get());
    std::ranges::sort(out, {}, [](const Backer* backer) { return name_of(*backer); });
    return out;
}

std::string port_type_text(const Backer& backer, const datapath::PortInfo& port) {
    if (port.type == datapath::PortType::kSystem) return "";
    std::string_view type = datapath::port_type_name(port.type);
    if (port.type == datapath::PortType::kInternal)
        type = backer.datapath().type() == "dummy" ? "dummy-internal"
               : backer.type() == "netdev"         ? "tap"
                                                   : type;
    return fmt::format(" ({})", type);
}

std::string show_datapath(const Backer& backer, bool statistics) {
    const datapath::Datapath& dp = backer.datapath();
    datapath::DatapathStats stats = dp.stats();
    std::string out = fmt::format("{}:\n  lookups: hit:{} missed:{} lost:{}\n  flows: {}\n", name_of(backer),
                                  stats.hits, stats.misses, stats.lost, stats.flows);
    for (const datapath::PortInfo& port : dp.ports()) {
        out += fmt::format("  port {}: {}{}\n", port.number, port.name, port_type_text(backer, port));
        if (!statistics) continue;
        auto s = dp.port_stats(port.number);
        if (!s) continue;
        out += fmt::format(
            "    RX packets:{} errors:{} dropped:{} overruns:0 frame:0\n    TX packets:{} errors:{} "
            "dropped:{} "
            "aborted:0 carrier:0\n    RX bytes:{}  TX bytes:{}\n",
            s->rx_packets, s->rx_errors, s->rx_dropped, s->tx_packets, s->tx_errors, s->tx_dropped,
            s->rx_bytes, s->tx_bytes);
    }
    return out;
}

Result<std::string> show(const Switch& owner, Arguments args) {
    bool statistics = take_flag(args, "-s", "--statistics");
    WEFT_TRY(no_more_flags(args));
    std::string out;
    for (const std::string& name : args) {
        const Backer* backer = owner.find_datapath(name);
        if (!backer || name.empty())
            return dpctl_error(fmt::format("opening datapath {} failed", name), "No such device");
        out += show_datapath(*backer, statistics);
    }
    if (!args.empty()) return out;
    for (const Backer* backer : all_datapaths(owner)) out += show_datapath(*backer, statistics);
    return out;
}

// --- normalize-actions: what happens to a packet, whatever the order in which it is said

struct TaggedActions {
    std::string tags;  // that the packet has
    datapath::Actions actions;
};

std::string tags_text(const packet::Flow& flow) {
    std::string out;
    for (const packet::Vlan& vlan : flow.vlans) {
        uint16_t tci = vlan.tci, tpid = vlan.tpid;
        if (!(tci & packet::kVlanCfi)) continue;
        out +=
            fmt::format("vlan({}vid={},pcp={}): ", tpid == 0x8100 ? "" : fmt::format("tpid=0x{:04x},", tpid),
                        tci & packet::kVlanVidMask, tci >> 13);
    }
    if (out.empty()) out = "no vlan: ";
    uint32_t label = flow.mpls_lse[0];
    if (!label) return out + "no mpls: ";
    return out + fmt::format("mpls(label={},tc={},ttl={},bos={}): ", label >> 12, label >> 9 & 7,
                             label & 0xff, label >> 8 & 1);
}

// Pushes and pops become the tags with which the others happen; outputs beside each other are sorted.
std::vector<TaggedActions> by_tags(packet::Flow flow, const datapath::Actions& actions) {
    std::map<std::string, datapath::Actions> groups;
    for (const datapath::Action& action : actions) {
        if (auto* push = action.get_if<datapath::PushVlan>()) {
            flow.vlans[1] = flow.vlans[0];
            flow.vlans[0].tpid = push->tpid;
            flow.vlans[0].tci = push->tci;
        } else if (action.get_if<datapath::PopVlan>()) {
            flow.vlans[0] = flow.vlans[1];
            flow.vlans[1] = {};
        } else if (auto* label = action.get_if<datapath::PushMpls>()) {
            flow.mpls_lse[0] = label->lse;
        } else if (action.get_if<datapath::PopMpls>()) {
            flow.mpls_lse[0] = 0;
        } else {
            groups[tags_text(flow)].push_back(action);
        }
    }
    std::vector<TaggedActions> out;
    for (auto& [tags, list] : groups) {
        auto port = [](const datapath::Action& action) { return action.get_if<datapath::Output>()->port; };
        auto is_output = [](const datapath::Action& action) {
            return action.get_if<datapath::Output>() != nullptr;
        };
        for (auto at = list.begin(); at != list.end();) {
            at = std::find_if(at, list.end(), is_output);
            auto end = std::find_if_not(at, list.end(), is_output);
            std::stable_sort(at, end, [&](const auto& a, const auto& b) { return port(a) < port(b); });
            at = end;
        }
        out.push_back({tags, std::move(list)});
    }
    return out;
}

Result<std::string> normalize_actions(const std::string& flow_text, const std::string& actions_text) {
    auto flow = datapath::parse_key(flow_text);
    if (!flow)
        return dpctl_error(fmt::format("odp_flow_key_from_string: {}", flow.message()), kInvalidArgument);
    auto actions = datapath::parse_actions(actions_text);
    if (!actions)
        return dpctl_error(fmt::format("odp_actions_from_string: {}", actions.message()), kInvalidArgument);
    std::string out = "input flow: " + flow_text + "\n";
    for (const TaggedActions& group : by_tags(*flow, *actions))
        out += group.tags + describe_actions(group.actions, nullptr) + "\n";
    return out;
}

}  // namespace

void add_dpctl_commands(net::ControlServer& control, Switch& owner) {
    add_flow_commands(control, owner);
    add_manual_datapath_commands(control, owner);
    control.add("dpctl/show", "[-s] [dp...]", 0, -1,
                [&owner](const Arguments& args) { return show(owner, args); });
    control.add("dpctl/dump-dps", "", 0, 0, [&owner](const Arguments&) -> Result<std::string> {
        std::string out;
        for (const Backer* backer : all_datapaths(owner)) out += name_of(*backer) + "\n";
        return out;
    });
    // Neither of the datapaths has a cache whose size could be chosen.
    control.add("dpctl/cache-get-size", "[dp]", 0, 1, [&owner](Arguments args) -> Result<std::string> {
        if (!args.empty() && !owner.find_datapath(args[0]))
            return dpctl_error("datapath not found", kInvalidArgument);
        std::string out;
        for (const Backer* backer : all_datapaths(owner)) {
            if (args.empty() || backer == owner.find_datapath(args[0])) out += name_of(*backer) + ":\n";
        }
        return out;
    });
    control.add("dpctl/cache-set-size", "dp cache <size>", 3, 3, [](const Arguments&) -> Result<std::string> {
        return dpctl_error("Setting caches not supported", "Operation not supported");
    });
    control.add("dpctl/offload-stats-show", "[dp]", 0, 1, [&owner](Arguments args) -> Result<std::string> {
        WEFT_TRY(take_datapath(owner, args, 0));
        return dpctl_error("retrieving offload statistics", kInvalidArgument);
    });
    control.add("dpctl/parse-actions", "actions", 1, 1, [](const Arguments& args) -> Result<std::string> {
        auto actions = datapath::parse_actions(args[0]);
        if (!actions)
            return dpctl_error(fmt::format("odp_actions_from_string: {}", actions.message()),
                               kInvalidArgument);
        return describe_actions(*actions, nullptr) + "\n";
    });
    control.add(
        "dpctl/normalize-actions", "flow actions", 2, 2,
        [](const Arguments& args) -> Result<std::string> { return normalize_actions(args[0], args[1]); });
    control.add("dpctl/list-commands", "", 0, 0,
                [&control](const Arguments&) -> Result<std::string> { return control.list("dpctl/", 29); });
}

}  // namespace weft::vswitch
