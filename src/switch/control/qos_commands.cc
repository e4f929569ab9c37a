// qos/*: queueing disciplines of ports.

#include <fmt/core.h>

#include "switch/control/commands.h"

namespace weft::vswitch {

namespace {

using Arguments = net::ControlServer::Arguments;

Result<OfPort*> find_port(Switch& owner, const std::string& name) {
    for (Bridge* bridge : owner.bridges()) {
        if (OfPort* port = bridge->port(name)) return port;
    }
    return Error{"no such interface"};
}

}  // namespace

void add_qos_commands(net::ControlServer& control, Switch& owner) {
    control.add("qos/show-types", "interface", 1, 1, [&owner](const Arguments& args) -> Result<std::string> {
        WEFT_ASSIGN(OfPort * port, find_port(owner, args[0]));
        std::string out;
        if (!port->ifindex) return out;
        for (const std::string& type : datapath::qos_types()) out += "QoS type: " + type + "\n";
        return out;
    });
    control.add("qos/show", "interface", 1, 1, [&owner](const Arguments& args) -> Result<std::string> {
        WEFT_ASSIGN(OfPort * port, find_port(owner, args[0]));
        return owner.shaping().show(*port);
    });
}

}  // namespace weft::vswitch
