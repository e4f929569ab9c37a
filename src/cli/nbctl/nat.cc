// Address translation: lr-nat-*.

#include "cli/nbctl/common.h"

namespace weft::cli::nbctl {
namespace {

Result<void> need_nat(CtlContext& context) {
    context.need(nb::LogicalRouter::kName, nb::LogicalRouter::kNat);
    context.need(nb::LogicalRouterPort::kName, nb::LogicalRouterPort::kGatewayChassis,
                 nb::LogicalRouterPort::kHaChassisGroup);
    context.need(nb::LogicalSwitchPort::kName);
    context.need(nb::NAT::kType, nb::NAT::kExternalIp, nb::NAT::kLogicalIp, nb::NAT::kExternalMac,
                 nb::NAT::kLogicalPort, nb::NAT::kExternalPortRange, nb::NAT::kGatewayPort);
    context.need(nb::NAT::kMatch, nb::NAT::kPriority);
    return {};
}

Result<void> check_type(const std::string& type) {
    if (type == "dnat" || type == "snat" || type == "dnat_and_snat") return {};
    return Error{fmt::format("{}: type must be one of \"dnat\", \"snat\" and \"dnat_and_snat\".", type)};
}

std::vector<const nb::NAT*> rules_of(CtlContext& context, const nb::LogicalRouter& router) {
    std::vector<const nb::NAT*> out;
    for (const Uuid& uuid : router.nat) {
        if (const nb::NAT* nat = context.row<nb::NAT>(uuid)) out.push_back(nat);
    }
    return out;
}

bool is_port_range(std::string_view text) {
    size_t dash = text.find('-');
    std::optional<int64_t> low = parse_number(text.substr(0, dash), 1, 65535);
    if (!low) return false;
    if (dash == std::string_view::npos) return true;
    return parse_number(text.substr(dash + 1), *low, 65535).has_value();
}

struct NewRule {
    std::string type, external_ip, logical_ip, logical_port, external_mac, port_range;
    std::optional<Uuid> gateway_port;
    std::string match;  // further condition, and which of several comes first
    int64_t priority = 0;
};

// The optional words: [LOGICAL_PORT EXTERNAL_MAC] [PORT_RANGE].
Result<void> parse_rest(CtlContext& context, NewRule& rule) {
    size_t next = 4;
    bool has_range = context.has("--portrange");
    size_t words = context.size() - next;
    if (has_range && words != 1 && words != 3)
        return Error{"lr-nat-add with logical_port must also specify external_mac."};
    if (!has_range && words == 1)
        return Error{"lr-nat-add with logical_port must also specify external_mac."};
    if (!has_range && words == 3)
        return Error{"lr-nat-add with external_port_range must also specify --portrange."};
    if (words >= 2) {
        if (rule.type != "dnat_and_snat") {
            return Error{"logical_port and external_mac are only valid when type is \"dnat_and_snat\"."};
        }
        WEFT_TRY(get_switch_port(context, context[next]));
        if (normal_mac(context[next + 1]).empty())
            return Error{fmt::format("invalid mac address {}.", context[next + 1])};
        rule.logical_port = context[next];
        rule.external_mac = context[next + 1];
    }
    if (!has_range) return {};
    rule.port_range = context.arguments.back();
    if (!is_port_range(rule.port_range)) return Error{fmt::format("invalid port range {}.", rule.port_range)};
    return {};
}

Result<NewRule> parse_rule(CtlContext& context, const nb::LogicalRouter& router) {
    NewRule rule;
    rule.type = context[1];
    WEFT_TRY(check_type(rule.type));
    rule.external_ip = normal_address(context[2]);
    if (rule.external_ip.empty())
        return Error{fmt::format("{}: Not a valid IPv4 or IPv6 address.", context[2])};
    bool v6 = is_ipv6(rule.external_ip);
    rule.logical_ip = rule.type == "snat" ? normal_network(context[3]) : normal_address(context[3]);
    if (rule.logical_ip.empty() || is_ipv6(rule.logical_ip) != v6) {
        return Error{fmt::format("{}: should be an IPv{} address{}.", context[3], v6 ? 6 : 4,
                                 rule.type == "snat" ? " or network" : "")};
    }
    WEFT_TRY(parse_rest(context, rule));
    if (context.has("--stateless") && rule.type != "dnat_and_snat") {
        return Error{"stateless is not applicable to dnat or snat types"};
    }
    if (context.has("--gateway-port")) {
        WEFT_ASSIGN(const nb::LogicalRouterPort* port,
                    get_router_port(context, context.option("--gateway-port")));
        if (!router.ports.contains(port->uuid) && context.replica().server_has(nb::LogicalRouter::kPorts) &&
            !router.ports.empty()) {
            return Error{fmt::format("{} is not a port of this router.", port->name)};
        }
        if (port->gateway_chassis.empty() && !port->ha_chassis_group) {
            return Error{fmt::format("{} is not a distributed gateway router port.", port->name)};
        }
        rule.gateway_port = port->uuid;
    }
    rule.match = std::string(context.option("--match"));
    if (context.has("--priority")) {
        WEFT_ASSIGN(rule.priority, parse_priority(context.option("--priority")));
    }
    return rule;
}

void write_rule(CtlContext& context, const Uuid& uuid, const NewRule& rule) {
    db::Transaction& txn = context.transaction();
    txn.set(uuid, nb::NAT::kType, rule.type);
    txn.set(uuid, nb::NAT::kExternalIp, rule.external_ip);
    txn.set(uuid, nb::NAT::kLogicalIp, rule.logical_ip);
    if (!rule.logical_port.empty()) txn.set(uuid, nb::NAT::kLogicalPort, rule.logical_port);
    if (!rule.external_mac.empty()) txn.set(uuid, nb::NAT::kExternalMac, rule.external_mac);
    if (!rule.port_range.empty()) txn.set(uuid, nb::NAT::kExternalPortRange, rule.port_range);
    if (rule.gateway_port) txn.set(uuid, nb::NAT::kGatewayPort, rule.gateway_port);
    if (!rule.match.empty()) txn.set(uuid, nb::NAT::kMatch, rule.match);
    if (rule.priority) txn.set(uuid, nb::NAT::kPriority, rule.priority);
    if (rule.type != "snat")
        txn.set_key(uuid, nb::NAT::kOptions, "stateless", context.has("--stateless") ? "true" : "false");
    if (context.has("--add-route")) txn.set_key(uuid, nb::NAT::kOptions, "add_route", "true");
}

Result<void> run_add(CtlContext& context) {
    WEFT_ASSIGN(const nb::LogicalRouter* router, get_router(context, context[0]));
    WEFT_ASSIGN(NewRule rule, parse_rule(context, *router));
    bool is_snat = rule.type == "snat";
    for (const nb::NAT* nat : rules_of(context, *router)) {
        if (nat->type != rule.type || nat->gateway_port != rule.gateway_port) continue;
        if (nat->match != rule.match) continue;
        std::string external = normal_address(nat->external_ip);
        std::string logical = is_snat ? normal_network(nat->logical_ip) : normal_address(nat->logical_ip);
        if ((is_snat ? logical != rule.logical_ip : external != rule.external_ip)) continue;
        if (nat->external_port_range != rule.port_range) continue;
        if (external == rule.external_ip && logical == rule.logical_ip) {
            if (context.has("--may-exist")) {
                write_rule(context, Uuid(nat->uuid), rule);
                return {};
            }
            return Error{fmt::format("{}, {}: a NAT with this external_ip and logical_ip already exists",
                                     rule.external_ip, rule.logical_ip)};
        }
        return Error{fmt::format("a NAT with this type ({}), {} ({}) already exists", rule.type,
                                 is_snat ? "logical_ip" : "external_ip",
                                 is_snat ? rule.logical_ip : rule.external_ip)};
    }
    Uuid owner = router->uuid;
    Uuid uuid = context.transaction().insert<nb::NAT>();
    write_rule(context, uuid, rule);
    context.transaction().add(owner, nb::LogicalRouter::kNat, uuid);
    return {};
}

Result<void> run_del(CtlContext& context) {
    WEFT_ASSIGN(const nb::LogicalRouter* router, get_router(context, context[0]));
    Uuid owner = router->uuid;
    std::string type(context.at(1));
    if (context.size() > 1) WEFT_TRY(check_type(type));
    std::string ip;
    if (context.size() > 2) {
        ip = type == "snat" ? normal_network(context[2]) : normal_address(context[2]);
        if (ip.empty()) return Error{fmt::format("{}: Invalid IP address or CIDR", context[2])};
    }
    std::optional<Uuid> gateway_port;
    if (context.size() > 3) {
        WEFT_ASSIGN(const nb::LogicalRouterPort* port, get_router_port(context, context[3]));
        gateway_port = port->uuid;
    }
    std::vector<Uuid> gone;
    for (const nb::NAT* nat : rules_of(context, *router)) {
        if (!type.empty() && nat->type != type) continue;
        if (!ip.empty() &&
            (type == "snat" ? normal_network(nat->logical_ip) : normal_address(nat->external_ip)) != ip)
            continue;
        if (gateway_port && nat->gateway_port != gateway_port) continue;
        gone.push_back(nat->uuid);
    }
    for (const Uuid& uuid : gone) context.transaction().remove(owner, nb::LogicalRouter::kNat, uuid);
    return {};
}

Result<void> run_list(CtlContext& context) {
    WEFT_ASSIGN(const nb::LogicalRouter* router, get_router(context, context[0]));
    std::vector<const nb::NAT*> rules = rules_of(context, *router);
    if (rules.empty()) return {};
    std::sort(rules.begin(), rules.end(), [](auto* a, auto* b) {
        return std::tie(a->type, a->external_ip, a->logical_ip) <
               std::tie(b->type, b->external_ip, b->logical_ip);
    });
    auto line = [&](std::string_view type, std::string_view gateway, std::string_view external,
                    std::string_view ports, std::string_view logical, std::string_view mac,
                    std::string_view port) {
        std::string text = fmt::format("{:<17}{:<22}{:<19}{:<17}{:<20}{:<21}{}", type, gateway, external,
                                       ports, logical, mac, port);
        text.erase(text.find_last_not_of(' ') + 1);
        context.output += text + '\n';
    };
    line("TYPE", "GATEWAY_PORT", "EXTERNAL_IP", "EXTERNAL_PORT", "LOGICAL_IP", "EXTERNAL_MAC",
         "LOGICAL_PORT");
    for (const nb::NAT* nat : rules) {
        const nb::LogicalRouterPort* gateway =
            nat->gateway_port ? context.row<nb::LogicalRouterPort>(*nat->gateway_port) : nullptr;
        line(nat->type, gateway ? gateway->name : "", nat->external_ip, nat->external_port_range,
             nat->logical_ip, nat->external_mac.value_or(""), nat->logical_port.value_or(""));
    }
    return {};
}

// --- lr-nat-update-ext-ip

Result<void> need_update(CtlContext& context) {
    context.need(nb::AddressSet::kName);
    context.need(nb::NAT::kAllowedExtIps, nb::NAT::kExemptedExtIps);
    return need_nat(context);
}

Result<void> run_update(CtlContext& context) {
    WEFT_ASSIGN(const nb::LogicalRouter* router, get_router(context, context[0]));
    WEFT_TRY(check_type(context[1]));
    WEFT_ASSIGN(const nb::AddressSet* set,
                find_row(context, nb::AddressSet::kName, context[3], "address sets"));
    if (!set) return Error{fmt::format("{}: Address Set name not found", context[3])};
    Uuid set_uuid = set->uuid;
    std::string ip = context[1] == "snat" ? normal_network(context[2]) : normal_address(context[2]);
    for (const nb::NAT* nat : rules_of(context, *router)) {
        if (nat->type != context[1]) continue;
        if ((context[1] == "snat" ? normal_network(nat->logical_ip) : normal_address(nat->external_ip)) != ip)
            continue;
        Uuid uuid = nat->uuid;
        if (context.has("--is-exempted")) {
            context.transaction().set(uuid, nb::NAT::kExemptedExtIps, set_uuid);
        } else {
            context.transaction().set(uuid, nb::NAT::kAllowedExtIps, set_uuid);
        }
        return {};
    }
    return Error{fmt::format("no matching NAT with the type ({}) and {} ({})", context[1],
                             context[1] == "snat" ? "logical_ip" : "external_ip", context[2])};
}

constexpr CtlCommand kCommands[] = {
    {"lr-nat-add", 4, 7,
     "ROUTER TYPE EXTERNAL_IP LOGICAL_IP [LOGICAL_PORT EXTERNAL_MAC] [EXTERNAL_PORT_RANGE]",
     "--may-exist,--stateless,--portrange,--add-route,--gateway-port=,--match=,--priority=", true, need_nat,
     run_add, nullptr, "Add a rule of address translation: snat, dnat or dnat_and_snat."},
    {"lr-nat-del", 1, 4, "ROUTER [TYPE [IP [GATEWAY_PORT]]]", "--if-exists", true, need_nat, run_del, nullptr,
     "Delete rules of address translation."},
    {"lr-nat-list", 1, 1, "ROUTER", "", false, need_nat, run_list, nullptr,
     "Print a router's address translation."},
    {"lr-nat-update-ext-ip", 4, 4, "ROUTER TYPE IP ADDRESS_SET", "--is-exempted", true, need_update,
     run_update, nullptr, "Bind a rule to outside addresses, or exempt these."},
};

}  // namespace

std::span<const CtlCommand> nat_commands() {
    return kCommands;
}

}  // namespace weft::cli::nbctl
