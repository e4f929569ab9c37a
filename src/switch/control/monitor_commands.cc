// bfd/*, cfm/*, autoattach/*: what watches over ports, and who their neighbours are.

#include <fmt/core.h>

#include "base/clock.h"
#include "switch/control/commands.h"

namespace weft::vswitch {

namespace {

using Arguments = net::ControlServer::Arguments;

Result<std::string> bfd_show(const PortMonitors& monitors, const Arguments& args) {
    int64_t now = clock::monotonic_ms();
    if (!args.empty()) {
        const Bfd* bfd = monitors.find(args[0]);
        if (!bfd) return Error{"no such bfd object"};
        return bfd->show(now);
    }
    std::string out;
    for (const std::string& name : monitors.names())
        out += fmt::format("---- {} ----\n", name) + monitors.find(name)->show(now);
    return out;
}

Result<std::string> bfd_set_forwarding(PortMonitors& monitors, const Arguments& args) {
    std::optional<bool> forwarding;
    if (args.back() == "true" || args.back() == "false")
        forwarding = args.back() == "true";
    else if (args.back() != "normal")
        return Error{"unknown fault string"};
    if (args.size() > 1 && !monitors.find(args[0])) return Error{"no such BFD object"};
    for (const std::string& name : monitors.names()) {
        if (args.size() == 1 || name == args[0]) monitors.override_forwarding(name, forwarding);
    }
    return std::string("OK\n");
}

Result<std::string> cfm_show(const ContinuityChecks& checks, const Arguments& args) {
    int64_t now = clock::monotonic_ms();
    if (!args.empty()) {
        const Cfm* cfm = checks.find(args[0]);
        if (!cfm) return Error{"no such CFM object"};
        return fmt::format("---- {} ----\n", args[0]) + cfm->show(now);
    }
    std::string out;
    for (const std::string& name : checks.names())
        out += fmt::format("---- {} ----\n", name) + checks.find(name)->show(now);
    return out;
}

Result<std::string> cfm_set_fault(ContinuityChecks& checks, const Arguments& args) {
    std::optional<bool> fault;
    if (args.back() == "true" || args.back() == "false")
        fault = args.back() == "true";
    else if (args.back() != "normal")
        return Error{"unknown fault string"};
    if (args.size() > 1 && !checks.find(args[0])) return Error{"no such CFM object"};
    for (const std::string& name : checks.names()) {
        if (args.size() == 1 || name == args[0]) checks.override_fault(name, fault);
    }
    return std::string("OK\n");
}

// Of every port, or those of a bridge.
Result<std::string> autoattach(Switch& owner, const Arguments& args, std::string (Lldp::*text)() const) {
    const Bridge* bridge = args.empty() ? nullptr : owner.bridge(args[0]);
    if (!args.empty() && !bridge) return Error{"no such bridge"};
    std::string out;
    for (const std::string& name : owner.discovery().names()) {
        if (!bridge || bridge->port(name)) out += (owner.discovery().find(name)->*text)();
    }
    return out;
}

}  // namespace

void add_monitor_commands(net::ControlServer& control, Switch& owner) {
    control.add("bfd/show", "[interface]", 0, 1,
                [&owner](const Arguments& args) { return bfd_show(owner.monitors(), args); });
    control.add("bfd/set-forwarding", "[interface] normal|false|true", 1, 2,
                [&owner](const Arguments& args) { return bfd_set_forwarding(owner.monitors(), args); });
    control.add("cfm/show", "[interface]", 0, 1,
                [&owner](const Arguments& args) { return cfm_show(owner.continuity(), args); });
    control.add("cfm/set-fault", "[interface] normal|false|true", 1, 2,
                [&owner](const Arguments& args) { return cfm_set_fault(owner.continuity(), args); });
    using Text = std::string (Lldp::*)() const;
    static constexpr std::pair<const char*, Text> kAutoAttach[] = {
        {"autoattach/status", &Lldp::show_status},
        {"autoattach/show-isid", &Lldp::show_isids},
        {"autoattach/statistics", &Lldp::show_statistics}};
    for (const auto& [name, text] : kAutoAttach) {
        control.add(name, "[bridge]", 0, 1,
                    [&owner, text](const Arguments& args) { return autoattach(owner, args, text); });
    }
}

}  // namespace weft::vswitch
