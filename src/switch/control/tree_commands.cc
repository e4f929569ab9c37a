// stp/* and rstp/*: the spanning tree protocols.

#include "switch/control/commands.h"

namespace weft::vswitch {

namespace {

using Arguments = net::ControlServer::Arguments;

struct Protocol {
    std::string name;
    bool (SpanningTrees::*speaks)(std::string_view) const;
    const char* missing;
};

void add(net::ControlServer& control, Switch& owner, const Protocol& protocol) {
    // The bridges that a command is about; none if the one that it names does not speak the protocol.
    auto bridges = [&owner, protocol](const Arguments& args) {
        std::vector<std::string> out;
        for (const std::string& name : owner.trees().bridges()) {
            if ((owner.trees().*protocol.speaks)(name) && (args.empty() || args[0] == name))
                out.push_back(name);
        }
        return out;
    };
    control.add(protocol.name + "/show", "[bridge]", 0, 1,
                [&owner, protocol, bridges](const Arguments& args) -> Result<std::string> {
                    std::vector<std::string> names = bridges(args);
                    if (names.empty() && !args.empty()) return Error{protocol.missing};
                    std::string out;
                    for (const std::string& name : names) out += owner.trees().show(name);
                    return out;
                });
    control.add(protocol.name + "/tcn", "[bridge]", 0, 1,
                [&owner, protocol, bridges](const Arguments& args) -> Result<std::string> {
                    std::vector<std::string> names = bridges(args);
                    if (names.empty() && !args.empty()) return Error{protocol.missing};
                    for (const std::string& name : names) owner.trees().force_topology_change(name);
                    return std::string("OK\n");
                });
}

}  // namespace

void add_tree_commands(net::ControlServer& control, Switch& owner) {
    add(control, owner, {"stp", &SpanningTrees::speaks_stp, "no such stp object"});
    add(control, owner, {"rstp", &SpanningTrees::speaks_rstp, "No such RSTP object"});
}

}  // namespace weft::vswitch
