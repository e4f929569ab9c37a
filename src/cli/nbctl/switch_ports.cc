// Logical switch ports: lsp-*.

#include <array>

#include "cli/nbctl/common.h"
#include "packet/address.h"

namespace weft::cli::nbctl {
namespace {

using Port = nb::LogicalSwitchPort;

constexpr std::array<std::string_view, 11> kTypes = {"",        "localnet",  "localport", "router",
                                                     "vtep",    "l2gateway", "l3gateway", "external",
                                                     "virtual", "remote",    "switch"};

Result<void> need_ports(CtlContext& context) {
    context.need(nb::LogicalSwitch::kName, nb::LogicalSwitch::kPorts);
    context.need(Port::kName);
    return {};
}

template <auto... Columns>
Result<void> need_port(CtlContext& context) {
    context.need(Port::kName, *Columns...);
    return {};
}

// --- lsp-add, lsp-del, lsp-list, lsp-get-ls

Result<void> need_add(CtlContext& context) {
    context.need(nb::LogicalSwitch::kName);
    context.need(Port::kName);
    if (!context.has("--may-exist")) return {};
    context.need(nb::LogicalSwitch::kPorts);
    context.need(Port::kParentName, Port::kTagRequest);
    return {};
}

// --may-exist: the port is there; is it the one that was meant?
Result<void> check_existing(CtlContext& context, const Port& port, const nb::LogicalSwitch& wanted,
                            std::string_view parent, int64_t tag) {
    const nb::LogicalSwitch* actual = owner_of(context, nb::LogicalSwitch::kPorts, port.uuid);
    const std::string& name = port.name;
    if (!actual || actual->uuid != wanted.uuid) {
        return Error{
            fmt::format("{}: port already exists but in switch {}", name, actual ? actual->name : "none")};
    }
    if (parent.empty()) {
        if (port.parent_name)
            return Error{fmt::format("{}: port already exists but has parent {}", name, *port.parent_name)};
        return {};
    }
    if (!port.parent_name) return Error{fmt::format("{}: port already exists but has no parent", name)};
    if (*port.parent_name != parent) {
        return Error{
            fmt::format("{}: port already exists with different parent {}", name, *port.parent_name)};
    }
    if (!port.tag_request) return Error{fmt::format("{}: port already exists but has no tag_request", name)};
    if (*port.tag_request != tag) {
        return Error{
            fmt::format("{}: port already exists with different tag_request {}", name, *port.tag_request)};
    }
    return {};
}

Result<void> run_add(CtlContext& context) {
    WEFT_ASSIGN(const nb::LogicalSwitch* ls, get_switch(context, context[0]));
    const std::string& name = context[1];
    if (context.size() == 3)
        return Error{fmt::format("{} with parent must also specify a tag", context.command().name)};
    int64_t tag = 0;
    if (context.size() == 4) {
        std::optional<int64_t> parsed = parse_number(context[3], 0, 4095);
        if (!parsed) return Error{fmt::format("{}: invalid tag (must be in range 0 to 4095)", context[3])};
        tag = *parsed;
    }
    WEFT_ASSIGN(const Port* existing, find_switch_port(context, name));
    if (existing && context.has("--may-exist"))
        return check_existing(context, *existing, *ls, context.at(2), tag);
    if (existing) return Error{fmt::format("{}: a port with this name already exists", name)};
    db::Transaction& txn = context.transaction();
    Uuid uuid = txn.insert<Port>();
    txn.set(uuid, Port::kName, name);
    if (context.size() == 4) {
        txn.set(uuid, Port::kParentName, context[2]);
        txn.set(uuid, Port::kTagRequest, tag);
    }
    txn.add(Uuid(ls->uuid), nb::LogicalSwitch::kPorts, uuid);
    return {};
}

// A new port of the given type: SWITCH PORT, and as third word the value of its one option.
Result<void> add_typed(CtlContext& context, const char* type, const char* address, const char* option) {
    WEFT_ASSIGN(const nb::LogicalSwitch* ls, get_switch(context, context[0]));
    WEFT_ASSIGN(const Port* existing, find_switch_port(context, context[1]));
    if (existing && context.has("--may-exist")) return check_existing(context, *existing, *ls, "", 0);
    if (existing) return Error{fmt::format("{}: a port with this name already exists", context[1])};
    db::Transaction& txn = context.transaction();
    Uuid uuid = txn.insert<Port>();
    txn.set(uuid, Port::kName, context[1]);
    txn.set(uuid, Port::kType, type);
    txn.set(uuid, Port::kAddresses, ovsdb::Set<std::string>{address});
    txn.set(uuid, Port::kOptions, {{option, context[2]}});
    txn.add(Uuid(ls->uuid), nb::LogicalSwitch::kPorts, uuid);
    return {};
}

Result<void> run_add_router_port(CtlContext& context) {
    return add_typed(context, "router", "router", "router-port");
}

Result<void> run_add_localnet_port(CtlContext& context) {
    return add_typed(context, "localnet", "unknown", "network_name");
}

Result<void> run_del(CtlContext& context) {
    WEFT_ASSIGN(const Port* port, find_switch_port(context, context[0]));
    if (!port && context.has("--if-exists")) return {};
    if (!port) return Error{fmt::format("{}: port name not found", context[0])};
    Uuid uuid = port->uuid;
    const nb::LogicalSwitch* owner = owner_of(context, nb::LogicalSwitch::kPorts, uuid);
    if (!owner) return Error{fmt::format("logical port {} is not part of any logical switch", context[0])};
    context.transaction().remove(Uuid(owner->uuid), nb::LogicalSwitch::kPorts, uuid);
    context.transaction().erase<Port>(uuid);
    return {};
}

Result<void> run_list(CtlContext& context) {
    WEFT_ASSIGN(const nb::LogicalSwitch* ls, get_switch(context, context[0]));
    std::vector<NamedLine> lines;
    for (const Uuid& uuid : ls->ports) {
        if (const Port* port = context.row<Port>(uuid)) lines.push_back({port->name, uuid});
    }
    print_named(context, std::move(lines));
    return {};
}

Result<void> run_get_ls(CtlContext& context) {
    WEFT_ASSIGN(const Port* port, get_switch_port(context, context[0]));
    if (const nb::LogicalSwitch* owner = owner_of(context, nb::LogicalSwitch::kPorts, port->uuid)) {
        context.output = fmt::format("{} ({})\n", owner->uuid.to_string(), owner->name);
    }
    return {};
}

// --- addresses and security

bool is_address_word(std::string_view text) {
    if (text == "unknown" || text == "dynamic" || text == "router") return true;
    std::string_view first = text.substr(0, text.find(' '));
    if (first == "dynamic") return true;
    return !normal_mac(first).empty();
}

// The IP addresses of "MAC IP[/LEN]…", as people write them.
std::vector<std::string> ips_of(std::string_view address) {
    std::vector<std::string> out;
    while (!address.empty()) {
        std::string_view word = address.substr(0, address.find(' '));
        address.remove_prefix(std::min(word.size() + 1, address.size()));
        word = word.substr(0, word.find('/'));
        if (auto ip4 = packet::parse_ipv4(word)) out.push_back(packet::ipv4_to_string(*ip4));
        if (auto ip6 = packet::parse_ipv6(word)) out.push_back(packet::to_string(*ip6));
    }
    return out;
}

// No other port of the switch has one of the addresses.
Result<void> check_unique(CtlContext& context, const Uuid& uuid, const ovsdb::Set<std::string>& addresses) {
    std::vector<std::string> wanted;
    for (const std::string& each : addresses) {
        for (std::string& ip : ips_of(each)) wanted.push_back(std::move(ip));
    }
    if (wanted.empty()) return {};
    const nb::LogicalSwitch* owner = owner_of(context, nb::LogicalSwitch::kPorts, uuid);
    if (!owner) return {};
    std::string owner_name = owner->name;
    for (const Uuid& each : ovsdb::Set<Uuid>(owner->ports)) {
        const Port* other = each == uuid ? nullptr : context.row<Port>(each);
        if (!other) continue;
        for (const std::string& address : other->addresses) {
            for (const std::string& ip : ips_of(address)) {
                if (std::find(wanted.begin(), wanted.end(), ip) == wanted.end()) continue;
                return Error{fmt::format(
                    "Error on switch {}: duplicate IPv{} address '{}' found on logical switch port '{}'",
                    owner_name, ip.find(':') == std::string::npos ? 4 : 6, ip, other->name)};
            }
        }
    }
    return {};
}

Result<void> need_addresses(CtlContext& context) {
    context.need(Port::kAddresses);
    return need_ports(context);
}

Result<void> run_set_addresses(CtlContext& context) {
    WEFT_ASSIGN(const Port* port, get_switch_port(context, context[0]));
    ovsdb::Set<std::string> addresses;
    for (size_t i = 1; i < context.size(); i++) {
        if (!is_address_word(context[i])) {
            return Error{fmt::format(
                "{}: Invalid address format. See ovn-nb(5). Hint: An Ethernet address must be listed "
                "before an IP address, together as a single argument.",
                context[i])};
        }
        addresses.insert(context[i]);
    }
    Uuid uuid = port->uuid;
    WEFT_TRY(check_unique(context, uuid, addresses));
    context.transaction().set(uuid, Port::kAddresses, addresses);
    return {};
}

Result<void> run_set_port_security(CtlContext& context) {
    WEFT_ASSIGN(const Port* port, get_switch_port(context, context[0]));
    std::vector<std::string> words(context.arguments.begin() + 1, context.arguments.end());
    context.transaction().set(Uuid(port->uuid), Port::kPortSecurity,
                              ovsdb::Set<std::string>(std::move(words)));
    return {};
}

template <auto Column>
Result<void> run_print_set(CtlContext& context) {
    WEFT_ASSIGN(const Port* port, get_switch_port(context, context[0]));
    for (const std::string& each : port->*Column->member) context.output += each + '\n';
    return {};
}

// --- type, options, parent, tag, up, enabled

Result<void> run_set_type(CtlContext& context) {
    WEFT_ASSIGN(const Port* port, get_switch_port(context, context[0]));
    if (std::find(kTypes.begin(), kTypes.end(), context[1]) == kTypes.end()) {
        return Error{
            fmt::format("Logical switch port type '{}' is unrecognized. Not setting type.", context[1])};
    }
    context.transaction().set(Uuid(port->uuid), Port::kType, context[1]);
    return {};
}

Result<void> run_get_type(CtlContext& context) {
    WEFT_ASSIGN(const Port* port, get_switch_port(context, context[0]));
    context.output = port->type + '\n';
    return {};
}

Result<void> run_set_options(CtlContext& context) {
    WEFT_ASSIGN(const Port* port, get_switch_port(context, context[0]));
    context.transaction().set(Uuid(port->uuid), Port::kOptions, parse_pairs(context, 1));
    return {};
}

Result<void> run_get_options(CtlContext& context) {
    WEFT_ASSIGN(const Port* port, get_switch_port(context, context[0]));
    print_pairs(context, port->options);
    return {};
}

Result<void> run_get_parent(CtlContext& context) {
    WEFT_ASSIGN(const Port* port, get_switch_port(context, context[0]));
    if (port->parent_name) context.output = *port->parent_name + '\n';
    return {};
}

Result<void> run_get_tag(CtlContext& context) {
    WEFT_ASSIGN(const Port* port, get_switch_port(context, context[0]));
    if (port->tag) context.output = fmt::format("{}\n", *port->tag);
    return {};
}

Result<void> run_get_up(CtlContext& context) {
    WEFT_ASSIGN(const Port* port, get_switch_port(context, context[0]));
    context.output = port->up && *port->up ? "up\n" : "down\n";
    return {};
}

Result<void> run_set_enabled(CtlContext& context) {
    WEFT_ASSIGN(const Port* port, get_switch_port(context, context[0]));
    if (context[1] != "enabled" && context[1] != "disabled") {
        return Error{fmt::format("{}: state must be \"enabled\" or \"disabled\"", context[1])};
    }
    context.transaction().set(Uuid(port->uuid), Port::kEnabled, context[1] == "enabled");
    return {};
}

Result<void> run_get_enabled(CtlContext& context) {
    WEFT_ASSIGN(const Port* port, get_switch_port(context, context[0]));
    context.output = !port->enabled || *port->enabled ? "enabled\n" : "disabled\n";
    return {};
}

// --- mirrors

Result<void> need_mirrors(CtlContext& context) {
    context.need(nb::Mirror::kName);
    context.need(Port::kName, Port::kMirrorRules);
    return {};
}

Result<void> run_attach_mirror(CtlContext& context) {
    WEFT_ASSIGN(const Port* port, get_switch_port(context, context[0]));
    WEFT_ASSIGN(const nb::Mirror* mirror,
                get_row(context, nb::Mirror::kName, context[1], "mirrors", "mirror"));
    if (port->mirror_rules.contains(mirror->uuid)) {
        if (context.has("--may-exist")) return {};
        return Error{
            fmt::format("mirror {} is already attached to the logical port {}.", context[1], context[0])};
    }
    context.transaction().add(Uuid(port->uuid), Port::kMirrorRules, mirror->uuid);
    return {};
}

Result<void> run_detach_mirror(CtlContext& context) {
    WEFT_ASSIGN(const Port* port, get_switch_port(context, context[0]));
    WEFT_ASSIGN(const nb::Mirror* mirror,
                get_row(context, nb::Mirror::kName, context[1], "mirrors", "mirror"));
    if (!port->mirror_rules.contains(mirror->uuid)) return {};
    context.transaction().remove(Uuid(port->uuid), Port::kMirrorRules, mirror->uuid);
    return {};
}

constexpr CtlCommand kCommands[] = {
    {"lsp-add", 2, 4, "SWITCH PORT [PARENT TAG]", "--may-exist", true, need_add, run_add, nullptr,
     "Add a port to a logical switch, nested in a parent's traffic by a VLAN tag if one is named."},
    {"lsp-add-router-port", 3, 3, "SWITCH PORT ROUTER_PORT", "--may-exist", true, need_add,
     run_add_router_port, nullptr, "Add a port that joins a logical switch to a router's port."},
    {"lsp-add-localnet-port", 3, 3, "SWITCH PORT NETWORK", "--may-exist", true, need_add,
     run_add_localnet_port, nullptr, "Add a port that joins a logical switch to a physical network."},
    {"lsp-del", 1, 1, "PORT", "--if-exists", true, need_ports, run_del, nullptr, "Delete a port."},
    {"lsp-list", 1, 1, "SWITCH", "", false, need_ports, run_list, nullptr, "Print a switch's ports."},
    {"lsp-get-ls", 1, 1, "PORT", "", false, need_ports, run_get_ls, nullptr,
     "Print the switch that has the port."},
    {"lsp-get-parent", 1, 1, "PORT", "", false, need_port<&Port::kParentName>, run_get_parent, nullptr,
     "Print a port's parent."},
    {"lsp-get-tag", 1, 1, "PORT", "", false, need_port<&Port::kTag>, run_get_tag, nullptr,
     "Print a port's tag."},
    {"lsp-set-addresses", 1, -1, "PORT [ADDRESS]...", "", true, need_addresses, run_set_addresses, nullptr,
     "Set the addresses that live at a port."},
    {"lsp-get-addresses", 1, 1, "PORT", "", false, need_port<&Port::kAddresses>,
     run_print_set<&Port::kAddresses>, nullptr, "Print the addresses that live at a port."},
    {"lsp-set-port-security", 1, -1, "PORT [ADDRS]...", "", true, need_port<&Port::kPortSecurity>,
     run_set_port_security, nullptr, "Set the source addresses that a port may use."},
    {"lsp-get-port-security", 1, 1, "PORT", "", false, need_port<&Port::kPortSecurity>,
     run_print_set<&Port::kPortSecurity>, nullptr, "Print the source addresses that a port may use."},
    {"lsp-get-up", 1, 1, "PORT", "", false, need_port<&Port::kUp>, run_get_up, nullptr,
     "Print whether a port is up."},
    {"lsp-set-enabled", 2, 2, "PORT STATE", "", true, need_port<&Port::kEnabled>, run_set_enabled, nullptr,
     "Let packets pass a port, or not: enabled or disabled."},
    {"lsp-get-enabled", 1, 1, "PORT", "", false, need_port<&Port::kEnabled>, run_get_enabled, nullptr,
     "Print whether packets may pass a port."},
    {"lsp-set-type", 2, 2, "PORT TYPE", "", true, need_port<&Port::kType>, run_set_type, nullptr,
     "Set a port's type."},
    {"lsp-get-type", 1, 1, "PORT", "", false, need_port<&Port::kType>, run_get_type, nullptr,
     "Print a port's type."},
    {"lsp-set-options", 1, -1, "PORT KEY=VALUE [KEY=VALUE]...", "", true, need_port<&Port::kOptions>,
     run_set_options, nullptr, "Set a port's options."},
    {"lsp-get-options", 1, 1, "PORT", "", false, need_port<&Port::kOptions>, run_get_options, nullptr,
     "Print a port's options."},
    {"lsp-attach-mirror", 2, 2, "PORT MIRROR", "--may-exist", true, need_mirrors, run_attach_mirror, nullptr,
     "Copy a port's packets by a mirror."},
    {"lsp-detach-mirror", 2, 2, "PORT MIRROR", "", true, need_mirrors, run_detach_mirror, nullptr,
     "No longer copy a port's packets by a mirror."},
};

}  // namespace

std::span<const CtlCommand> switch_port_commands() {
    return kCommands;
}

}  // namespace weft::cli::nbctl
