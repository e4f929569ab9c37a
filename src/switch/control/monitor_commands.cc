// bfd/*: the sessions that watch over ports.

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

}  // namespace

void add_monitor_commands(net::ControlServer& control, Switch& owner) {
    control.add("bfd/show", "[interface]", 0, 1,
                [&owner](const Arguments& args) { return bfd_show(owner.monitors(), args); });
    control.add("bfd/set-forwarding", "[interface] normal|false|true", 1, 2,
                [&owner](const Arguments& args) { return bfd_set_forwarding(owner.monitors(), args); });
}

}  // namespace weft::vswitch
