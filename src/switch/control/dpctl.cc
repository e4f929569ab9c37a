#include "switch/control/dpctl.h"

#include <fmt/core.h>

#include "base/clock.h"
#include "switch/control/commands.h"

namespace weft::vswitch {

using Arguments = net::ControlServer::Arguments;

Error dpctl_error(std::string_view what, std::string_view reason) {
    return Error{fmt::format("ovs-vswitchd: {} ({})\n", what, reason)};
}

bool take_flag(Arguments& args, std::string_view brief, std::string_view full) {
    return std::erase_if(args, [&](const std::string& arg) { return arg == brief || arg == full; }) > 0;
}

std::optional<std::string> take_value(Arguments& args, std::string_view name) {
    std::optional<std::string> value;
    std::string prefix = fmt::format("{}=", name);
    std::erase_if(args, [&](const std::string& arg) {
        if (value || !arg.starts_with(prefix)) return false;
        value = arg.substr(prefix.size());
        return true;
    });
    return value;
}

Result<void> no_more_flags(const Arguments& args) {
    for (const std::string& arg : args) {
        if (arg.starts_with('-') && arg != "-") return Error{fmt::format("Unrecognized option {}", arg)};
    }
    return {};
}

Result<Backer*> take_datapath(const Switch& owner, Arguments& args, size_t rest) {
    bool named = args.size() > rest;
    Backer* backer = owner.find_datapath(named ? args[0] : "");
    if (!backer) {
        Error error = dpctl_error("datapath not found", kInvalidArgument);
        bool many = !named && !owner.backers().empty();
        return many ? Error{"ovs-vswitchd: multiple datapaths, specify one\n" + error.message} : error;
    }
    if (named) args.erase(args.begin());
    return backer;
}

std::optional<std::string> DatapathPortNames::name_of(datapath::PortNo port) const {
    auto info = datapath_.find_port(port);
    return info ? std::optional(info->name) : std::nullopt;
}

std::optional<datapath::PortNo> DatapathPortNames::port_of(std::string_view name) const {
    auto info = datapath_.find_port(name);
    return info ? std::optional(info->number) : std::nullopt;
}

std::string statistics_text(const datapath::FlowStats& stats) {
    std::string out = fmt::format("packets:{}, bytes:{}, used:", stats.packets, stats.bytes);
    if (stats.used_ms) {
        int64_t ago = clock::monotonic_ms() - stats.used_ms;
        out += fmt::format("{}.{:03}s", ago / 1000, ago % 1000);
    } else {
        out += "never";
    }
    if (!stats.tcp_flags) return out;
    static constexpr std::string_view kLetters = "FSRP.UECN";
    out += ", flags:";
    for (size_t i = 0; i < kLetters.size(); ++i) {
        if (stats.tcp_flags >> i & 1) out += kLetters[i];
    }
    return out;
}

std::string flow_line_text(const datapath::FlowDump& flow, const datapath::Datapath& datapath,
                           const FlowLineText& options) {
    const datapath::Datapath* with_names = options.names ? &datapath : nullptr;
    std::string out;
    if (options.more) out += fmt::format("ufid:{}{} ", flow.ufid.to_string(), options.dpctl ? "," : "");
    out += describe_match(flow.key, flow.mask, with_names, options.more);
    out += ", " + statistics_text(flow.stats);
    if (options.more && options.dpctl && flow.offloaded) out += ", offloaded:yes";
    if (options.more && options.dpctl) out += fmt::format(", dp:{}", flow.datapath_layer);
    return out + ", actions:" + describe_actions(flow.actions, with_names) + "\n";
}

}  // namespace weft::vswitch
