// DHCP options: dhcp-options-*, lsp-set-dhcpv4-options and its like.

#include "cli/nbctl/common.h"

namespace weft::cli::nbctl {
namespace {

Result<void> need_options(CtlContext& context) {
    context.need(nb::DHCPOptions::kCidr, nb::DHCPOptions::kOptions, nb::DHCPOptions::kExternalIds);
    return {};
}

Result<const nb::DHCPOptions*> get_options(CtlContext& context, std::string_view id) {
    std::optional<Uuid> uuid = Uuid::parse(id);
    const nb::DHCPOptions* row = uuid ? context.row<nb::DHCPOptions>(*uuid) : nullptr;
    if (!row) return Error{fmt::format("{}: dhcp options UUID not found", id)};
    return row;
}

Result<void> run_create(CtlContext& context) {
    std::string cidr = context[0].find('/') == std::string::npos ? "" : normal_network(context[0]);
    if (cidr.empty()) return Error{fmt::format("Invalid cidr format '{}'", context[0])};
    context.inserted = context.transaction().insert<nb::DHCPOptions>();
    context.transaction().set(context.inserted, nb::DHCPOptions::kCidr, context[0]);
    if (context.size() > 1) {
        context.transaction().set(context.inserted, nb::DHCPOptions::kExternalIds, parse_pairs(context, 1));
    }
    return {};
}

Result<void> run_set(CtlContext& context) {
    WEFT_ASSIGN(const nb::DHCPOptions* row, get_options(context, context[0]));
    context.transaction().set(Uuid(row->uuid), nb::DHCPOptions::kOptions, parse_pairs(context, 1));
    return {};
}

Result<void> run_get(CtlContext& context) {
    WEFT_ASSIGN(const nb::DHCPOptions* row, get_options(context, context[0]));
    print_pairs(context, row->options);
    return {};
}

Result<void> run_del(CtlContext& context) {
    WEFT_ASSIGN(const nb::DHCPOptions* row, get_options(context, context[0]));
    context.transaction().erase<nb::DHCPOptions>(Uuid(row->uuid));
    return {};
}

Result<void> run_list(CtlContext& context) {
    std::vector<std::string> lines;
    for (const nb::DHCPOptions* row : context.rows<nb::DHCPOptions>()) lines.push_back(row->uuid.to_string());
    for (const std::string& line : lines) context.output += line + '\n';
    return {};
}

Result<void> need_port_options(CtlContext& context) {
    using Port = nb::LogicalSwitchPort;
    context.need(Port::kName, Port::kDhcpv4Options, Port::kDhcpv6Options);
    return need_options(context);
}

// Of a port: Column is the IPv4 or the IPv6 one.
template <auto Column, bool kIpv6>
Result<void> run_set_port(CtlContext& context) {
    WEFT_ASSIGN(const nb::LogicalSwitchPort* port, get_switch_port(context, context[0]));
    std::optional<Uuid> uuid;
    if (context.size() > 1) {
        WEFT_ASSIGN(const nb::DHCPOptions* row, get_options(context, context[1]));
        if (is_ipv6(row->cidr) != kIpv6) {
            return Error{fmt::format("DHCP options cidr '{}' is not IPv{}", row->cidr, kIpv6 ? 6 : 4)};
        }
        uuid = row->uuid;
    }
    context.transaction().set(Uuid(port->uuid), *Column, uuid);
    return {};
}

template <auto Column>
Result<void> run_get_port(CtlContext& context) {
    WEFT_ASSIGN(const nb::LogicalSwitchPort* port, get_switch_port(context, context[0]));
    const std::optional<Uuid>& uuid = port->*Column->member;
    const nb::DHCPOptions* row = uuid ? context.row<nb::DHCPOptions>(*uuid) : nullptr;
    if (row) context.output = fmt::format("{} ({})\n", row->uuid.to_string(), row->cidr);
    return {};
}

constexpr auto* k4 = &nb::LogicalSwitchPort::kDhcpv4Options;
constexpr auto* k6 = &nb::LogicalSwitchPort::kDhcpv6Options;

constexpr CtlCommand kCommands[] = {
    {"dhcp-options-create", 1, -1, "CIDR [KEY=VALUE]...", "", true, need_options, run_create, nullptr,
     "Create a row of DHCP options, with external ids."},
    {"dhcp-options-del", 1, 1, "DHCP_OPT_UUID", "", true, need_options, run_del, nullptr,
     "Delete a row of DHCP options."},
    {"dhcp-options-list", 0, 0, "", "", false, need_options, run_list, nullptr,
     "Print the uuids of all DHCP options."},
    {"dhcp-options-set-options", 1, -1, "DHCP_OPT_UUID KEY=VALUE [KEY=VALUE]...", "", true, need_options,
     run_set, nullptr, "Set the options themselves."},
    {"dhcp-options-get-options", 1, 1, "DHCP_OPT_UUID", "", false, need_options, run_get, nullptr,
     "Print the options themselves."},
    {"lsp-set-dhcpv4-options", 1, 2, "PORT [DHCP_OPT_UUID]", "", true, need_port_options,
     run_set_port<k4, false>, nullptr, "Set a port's DHCPv4 options, or none."},
    {"lsp-get-dhcpv4-options", 1, 1, "PORT", "", false, need_port_options, run_get_port<k4>, nullptr,
     "Print a port's DHCPv4 options."},
    {"lsp-set-dhcpv6-options", 1, 2, "PORT [DHCP_OPT_UUID]", "", true, need_port_options,
     run_set_port<k6, true>, nullptr, "Set a port's DHCPv6 options, or none."},
    {"lsp-get-dhcpv6-options", 1, 1, "PORT", "", false, need_port_options, run_get_port<k6>, nullptr,
     "Print a port's DHCPv6 options."},
};

}  // namespace

std::span<const CtlCommand> dhcp_commands() {
    return kCommands;
}

}  // namespace weft::cli::nbctl
