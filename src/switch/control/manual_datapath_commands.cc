// dpctl/add-dp, del-dp, add-if, del-if, set-if (ovs-dpctl(8)): datapaths that an operator makes by hand,
// beside those of the bridges.  Nobody answers their misses, and nobody looks after their flows.  The ports
// of the bridges' datapaths are the database's to say: they are not changed here.

#include <fmt/core.h>

#include <charconv>

#include "switch/control/commands.h"
#include "switch/control/dpctl.h"

namespace weft::vswitch {

namespace {

using Arguments = net::ControlServer::Arguments;

// "[TYPE@]NAME"
struct Name {
    std::string type = "system", name;
    explicit Name(const std::string& text) : name(text) {
        size_t at = text.find('@');
        if (at == std::string::npos) return;
        type = text.substr(0, at);
        name = text.substr(at + 1);
    }
    std::string full() const { return fmt::format("{}@{}", type, name); }
};

Error port_error(std::string_view port, std::string_view what) {
    return Error{fmt::format("ovs-vswitchd: {}: {}\n", port, what)};
}

Result<Backer*> manual_datapath(const Switch& owner, const std::string& text) {
    auto it = owner.manual_datapaths().find(Name(text).full());
    if (it != owner.manual_datapaths().end()) return it->second.get();
    if (!text.empty() && owner.find_datapath(text)) {
        return dpctl_error(fmt::format("{} carries bridges: ovs-vsctl adds and deletes its ports", text),
                           "Operation not permitted");
    }
    return dpctl_error("opening datapath", "No such device");
}

// "NETDEV[,type=TYPE][,port_no=PORT][,KEY=VALUE]..."
struct PortArgument {
    datapath::PortSpec spec;
    bool typed = false;
};
Result<PortArgument> parse_port(const std::string& text) {
    PortArgument out;
    std::string_view rest = text;
    auto take = [&] {
        size_t end = rest.find(',');
        std::string_view word = rest.substr(0, end);
        rest = end == rest.npos ? std::string_view() : rest.substr(end + 1);
        return word;
    };
    out.spec.name = take();
    if (out.spec.name.empty()) return port_error(text, "the port has no name");
    while (!rest.empty()) {
        std::string_view word = take();
        size_t equals = word.find('=');
        std::string_view value = equals == word.npos ? std::string_view() : word.substr(equals + 1);
        std::string_view key = word.substr(0, equals);
        if (equals == word.npos) {
            return port_error(out.spec.name, fmt::format("\"{}\" is not KEY=VALUE", word));
        } else if (key == "type") {
            auto type = datapath::parse_port_type(value);
            if (!type)
                return port_error(out.spec.name, fmt::format("there is no type \"{}\" of ports", value));
            out.spec.type = *type;
            out.typed = true;
        } else if (key == "port_no") {
            uint32_t number = 0;
            auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), number);
            if (error != std::errc() || end != value.data() + value.size())
                return port_error(out.spec.name, fmt::format("port_no={} is not a number", value));
            out.spec.number = static_cast<datapath::PortNo>(number);
        } else {
            out.spec.options[std::string(key)] = value;
        }
    }
    return out;
}

// A device is one datapath's alone.
bool taken(const Switch& owner, std::string_view port) {
    for (const auto* map : {&owner.backers(), &owner.manual_datapaths()}) {
        for (const auto& [key, backer] : *map) {
            if (backer->datapath().find_port(port)) return true;
        }
    }
    return false;
}

// What went wrong with one port does not keep the others.
Result<std::string> add_ports(const Switch& owner, Backer& backer, const Arguments& args) {
    std::string errors;
    for (size_t i = 1; i < args.size(); ++i) {
        auto port = parse_port(args[i]);
        if (!port) {
            errors += port.message();
        } else if (taken(owner, port->spec.name)) {
            errors += port_error(port->spec.name, "failed to open network device (File exists)").message;
        } else if (auto added = backer.datapath().add_port(port->spec); !added) {
            errors += port_error(port->spec.name, fmt::format("adding to {}@{} failed ({})", backer.type(),
                                                              backer.datapath().name(), added.message()))
                          .message;
        }
    }
    if (!errors.empty()) return Error{errors};
    return std::string();
}

Result<std::string> add_datapath(Switch& owner, const Arguments& args) {
    Name name(args[0]);
    // Its local port has its name.
    if (owner.find_datapath(name.full()) || taken(owner, name.name))
        return dpctl_error("add_dp", "File exists");
    auto made = owner.add_manual_datapath(name.type, name.name);
    if (!made) return dpctl_error(fmt::format("add_dp: {}", made.message()), kInvalidArgument);
    return add_ports(owner, **made, args);
}

Result<std::string> delete_ports(const Switch&, Backer& backer, const Arguments& args) {
    std::string errors;
    for (size_t i = 1; i < args.size(); ++i) {
        uint32_t number = 0;
        auto [end, error] = std::from_chars(args[i].data(), args[i].data() + args[i].size(), number);
        bool numeric = error == std::errc() && end == args[i].data() + args[i].size();
        auto port = numeric ? backer.datapath().find_port(static_cast<datapath::PortNo>(number))
                            : backer.datapath().find_port(args[i]);
        if (!port) {
            errors += fmt::format("ovs-vswitchd: no port named {}\n", args[i]);
        } else if (port->number == 0) {
            errors += fmt::format("ovs-vswitchd: deleting port {} from {}@{} failed (Invalid argument)\n",
                                  args[i], backer.type(), backer.datapath().name());
        } else if (auto gone = backer.datapath().delete_port(port->number); !gone) {
            errors += port_error(args[i], gone.message()).message;
        }
    }
    if (!errors.empty()) return Error{errors};
    return std::string();
}

Result<std::string> set_ports(const Switch&, Backer& backer, const Arguments& args) {
    std::string errors;
    for (size_t i = 1; i < args.size(); ++i) {
        auto wanted = parse_port(args[i]);
        if (!wanted) {
            errors += wanted.message();
            continue;
        }
        const datapath::PortSpec& spec = wanted->spec;
        auto port = backer.datapath().find_port(spec.name);
        std::string what;
        if (!port) {
            what = fmt::format("failed to query port in {}@{} (No such device)", backer.type(),
                               backer.datapath().name());
        } else if (wanted->typed && spec.type != port->type) {
            what = fmt::format("can't change type from {} to {}", datapath::port_type_name(port->type),
                               datapath::port_type_name(spec.type));
        } else if (spec.number != datapath::kNoPort && spec.number != port->number) {
            what = fmt::format("can't change port number from {} to {}", port->number, spec.number);
        } else if (!spec.options.empty()) {
            what = "options of a port are given when it is added: delete it and add it again";
        }
        if (!what.empty()) errors += port_error(spec.name, what).message;
    }
    if (!errors.empty()) return Error{errors};
    return std::string();
}

}  // namespace

void add_manual_datapath_commands(net::ControlServer& control, Switch& owner) {
    control.add("dpctl/add-dp", "dp [iface...]", 1, -1,
                [&owner](const Arguments& args) { return add_datapath(owner, args); });
    control.add("dpctl/del-dp", "dp", 1, 1, [&owner](const Arguments& args) -> Result<std::string> {
        WEFT_TRY(manual_datapath(owner, args[0]));
        owner.remove_manual_datapath(Name(args[0]).full());
        return std::string();
    });
    auto add_port_command = [&](std::string name,
                                Result<std::string> (*run)(const Switch&, Backer&, const Arguments&)) {
        control.add(std::move(name), "dp iface...", 2, -1,
                    [&owner, run](const Arguments& args) -> Result<std::string> {
                        WEFT_ASSIGN(Backer * backer, manual_datapath(owner, args[0]));
                        return run(owner, *backer, args);
                    });
    };
    add_port_command("dpctl/add-if", add_ports);
    add_port_command("dpctl/del-if", delete_ports);
    add_port_command("dpctl/set-if", set_ports);
}

}  // namespace weft::vswitch
