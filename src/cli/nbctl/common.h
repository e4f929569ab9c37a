// What ovn-nbctl's command files share: rows by name or uuid, numbers, addresses, key=value words.

#pragma once

#include <fmt/format.h>

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/uuid.h"
#include "cli/ctl/command.h"
#include "schema/nb.h"

namespace weft::cli::nbctl {

namespace nb = schema::nb;

std::span<const CtlCommand> overview_commands();          // show, init, sync
std::span<const CtlCommand> switch_commands();            // ls-*
std::span<const CtlCommand> switch_port_commands();       // lsp-*
std::span<const CtlCommand> router_commands();            // lr-add, lr-del, lr-list
std::span<const CtlCommand> router_port_commands();       // lrp-*
std::span<const CtlCommand> route_commands();             // lr-route-*
std::span<const CtlCommand> policy_commands();            // lr-policy-*
std::span<const CtlCommand> nat_commands();               // lr-nat-*
std::span<const CtlCommand> acl_commands();               // acl-*
std::span<const CtlCommand> qos_commands();               // qos-*
std::span<const CtlCommand> meter_commands();             // meter-*
std::span<const CtlCommand> load_balancer_commands();     // lb-*, ls-lb-*, lr-lb-*
std::span<const CtlCommand> dhcp_commands();              // dhcp-options-*, lsp-*-dhcpv*-options
std::span<const CtlCommand> group_commands();             // pg-*, ha-chassis-group-*, fwd-group-*
std::span<const CtlCommand> mirror_commands();            // mirror-*
std::span<const CtlCommand> network_function_commands();  // nf-*, nfg-*
std::span<const CtlCommand> port_health_commands();       // lsp-hc-*
std::span<const CtlCommand> other_commands();             // copp-*, static-mac-binding-*
std::span<const CtlCommand> connection_commands();        // *-connection, *-ssl

// The row whose uuid or name is `id`; nullptr if there is none.  Several of one name are an error.
template <typename Row>
Result<const Row*> find_row(CtlContext& context, const db::Column<Row, std::string>& column,
                            std::string_view id, const char* plural) {
    if (std::optional<Uuid> uuid = Uuid::parse(id)) {
        if (const Row* row = context.row<Row>(*uuid)) return row;
    }
    const Row* found = nullptr;
    bool several = false;
    context.transaction().for_each_equal(column, std::string(id), [&](const Row& row) {
        several = several || found;
        found = &row;
    });
    if (several) return Error{fmt::format("Multiple {} named '{}'.  Use a UUID.", plural, id)};
    return found;
}

// The same, where there has to be one: "x: switch name not found".
template <typename Row>
Result<const Row*> get_row(CtlContext& context, const db::Column<Row, std::string>& column,
                           std::string_view id, const char* plural, const char* noun) {
    WEFT_ASSIGN(const Row* row, find_row(context, column, id, plural));
    if (!row) return Error{fmt::format("{}: {} name not found", id, noun)};
    return row;
}

inline auto get_switch(CtlContext& c, std::string_view id) {
    return get_row(c, nb::LogicalSwitch::kName, id, "logical switches", "switch");
}
inline auto get_router(CtlContext& c, std::string_view id) {
    return get_row(c, nb::LogicalRouter::kName, id, "logical routers", "router");
}
inline auto find_switch_port(CtlContext& c, std::string_view id) {
    return find_row(c, nb::LogicalSwitchPort::kName, id, "logical switch ports");
}
inline auto get_switch_port(CtlContext& c, std::string_view id) {
    return get_row(c, nb::LogicalSwitchPort::kName, id, "logical switch ports", "port");
}
inline auto find_router_port(CtlContext& c, std::string_view id) {
    return find_row(c, nb::LogicalRouterPort::kName, id, "logical router ports");
}
inline auto get_router_port(CtlContext& c, std::string_view id) {
    return get_row(c, nb::LogicalRouterPort::kName, id, "logical router ports", "port");
}
inline auto find_load_balancer(CtlContext& c, std::string_view id) {
    return find_row(c, nb::LoadBalancer::kName, id, "load balancers");
}
inline auto get_load_balancer(CtlContext& c, std::string_view id) {
    return get_row(c, nb::LoadBalancer::kName, id, "load balancers", "load balancer");
}

// The switch or router whose `ports` hold the port, or nullptr.
template <typename Owner>
const Owner* owner_of(CtlContext& context, const db::Column<Owner, ovsdb::Set<Uuid>>& column,
                      const Uuid& member) {
    const Owner* found = nullptr;
    context.transaction().for_each_holding(column, member, [&](const Owner& owner) { found = &owner; });
    return found;
}

// "UUID (name)" lines, sorted by name.
struct NamedLine {
    std::string name;
    Uuid uuid;
};
void print_named(CtlContext& context, std::vector<NamedLine> lines);

// A whole decimal number in a range, or nothing.
std::optional<int64_t> parse_number(std::string_view text, int64_t low, int64_t high);
Result<int64_t> parse_priority(std::string_view text);  // 0...32767

// An IPv4 or IPv6 address in the usual form, or "" if it is none.
std::string normal_address(std::string_view text);
// ADDRESS or ADDRESS/PREFIX with the host bits cleared; a full prefix is left out.  "" if it is neither.
std::string normal_network(std::string_view text);
// ADDRESS/PREFIX as an interface has it, host bits kept; or "".
std::string normal_interface_address(std::string_view text);
bool is_ipv6(std::string_view text);
// aa:bb:cc:dd:ee:ff in lower case, or "".
std::string normal_mac(std::string_view text);

// KEY=VALUE words; a word without "=" has the empty value.
ovsdb::StringMap parse_pairs(const CtlContext& context, size_t first);
void print_pairs(CtlContext& context, const ovsdb::StringMap& map);

std::vector<std::string> split(std::string_view text, char separator);
// The value as the database commands print it: quoted where needed.
std::string quoted(std::string_view text);
std::string quoted_set(const ovsdb::Set<std::string>& set);  // ["a", "b"], always quoted

}  // namespace weft::cli::nbctl
