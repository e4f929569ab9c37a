// Checks of whether the workloads of ports are alive: lsp-hc-*.

#include "cli/nbctl/common.h"

namespace weft::cli::nbctl {
namespace {

using Check = nb::LogicalSwitchPortHealthCheck;
using Port = nb::LogicalSwitchPort;

Result<void> need_checks(CtlContext& context) {
    context.need(Port::kName, Port::kHealthChecks);
    context.need(Check::kProtocol, Check::kSrcIp, Check::kPort, Check::kAddress, Check::kStatus);
    return {};
}

std::vector<const Check*> checks_of(CtlContext& context, const Port& port) {
    std::vector<const Check*> out;
    for (const Uuid& uuid : port.health_checks) {
        if (const Check* check = context.row<Check>(uuid)) out.push_back(check);
    }
    std::sort(out.begin(), out.end(), [](auto* a, auto* b) {
        return std::tie(a->protocol, a->port, a->address, a->uuid) <
               std::tie(b->protocol, b->port, b->address, b->uuid);
    });
    return out;
}

Result<std::string> address_argument(const std::string& text) {
    std::string address = normal_address(text);
    if (address.empty()) return Error{fmt::format("{}: not a valid IP address", text)};
    return address;
}

// PORT PROTOCOL SRC_IP [L4_PORT] [ADDRESS]: the transport port is there unless the protocol is icmp.
Result<void> run_add(CtlContext& context) {
    WEFT_ASSIGN(const Port* port, get_switch_port(context, context[0]));
    const std::string& protocol = context[1];
    if (protocol != "tcp" && protocol != "udp" && protocol != "icmp") {
        return Error{fmt::format("{}: protocol must be \"tcp\", \"udp\" or \"icmp\"", protocol)};
    }
    WEFT_ASSIGN(std::string source, address_argument(context[2]));
    size_t next = 3;
    std::optional<int64_t> number = 0;
    if (protocol != "icmp") {
        if (context.size() == next) return Error{fmt::format("a check by {} needs a port", protocol)};
        number = parse_number(context[next], 1, 65535);
        if (!number) return Error{fmt::format("{}: port must be in the range 1...65535", context[next])};
        next++;
    }
    std::string address;
    if (context.size() > next) {
        WEFT_ASSIGN(address, address_argument(context[next++]));
        if (is_ipv6(address) != is_ipv6(source))
            return Error{fmt::format("{} and {} are not of one family", source, address)};
    }
    if (context.size() > next) return Error{fmt::format("{}: unexpected argument", context[next])};
    Uuid owner = port->uuid;
    for (const Check* check : checks_of(context, *port)) {
        if (check->protocol != protocol || check->port != *number || check->address != address) continue;
        if (!context.has("--may-exist"))
            return Error{fmt::format("{}: this port already has such a check", context[0])};
        context.transaction().set(Uuid(check->uuid), Check::kSrcIp, source);
        return {};
    }
    db::Transaction& txn = context.transaction();
    Uuid uuid = txn.insert<Check>();
    txn.set(uuid, Check::kProtocol, protocol);
    txn.set(uuid, Check::kSrcIp, source);
    txn.set(uuid, Check::kPort, *number);
    txn.set(uuid, Check::kAddress, address);
    txn.add(owner, Port::kHealthChecks, uuid);
    return {};
}

Result<void> run_del(CtlContext& context) {
    WEFT_ASSIGN(const Port* port, get_switch_port(context, context[0]));
    Uuid owner = port->uuid;
    std::optional<Uuid> uuid;
    if (context.size() > 1) {
        uuid = Uuid::parse(context[1]);
        if (!uuid) return Error{fmt::format("{}: the uuid of a check is wanted (lsp-hc-list)", context[1])};
        if (!port->health_checks.contains(*uuid)) {
            if (context.has("--if-exists")) return {};
            return Error{fmt::format("{}: no such check of port {}", context[1], context[0])};
        }
    }
    for (const Uuid& each : ovsdb::Set<Uuid>(port->health_checks)) {
        if (!uuid || each == *uuid) context.transaction().remove(owner, Port::kHealthChecks, each);
    }
    return {};
}

Result<void> run_list(CtlContext& context) {
    WEFT_ASSIGN(const Port* port, get_switch_port(context, context[0]));
    for (const Check* check : checks_of(context, *port)) {
        context.output += fmt::format("{} {}", check->uuid.to_string(), check->protocol);
        if (check->port) context.output += fmt::format(" port={}", check->port);
        context.output += fmt::format(" src_ip={}", check->src_ip);
        if (!check->address.empty()) context.output += fmt::format(" address={}", check->address);
        if (check->status) context.output += fmt::format(" status={}", *check->status);
        context.output += '\n';
    }
    return {};
}

constexpr CtlCommand kCommands[] = {
    {"lsp-hc-add", 3, 5, "PORT PROTOCOL SRC_IP [L4_PORT] [ADDRESS]", "--may-exist", true, need_checks,
     run_add, nullptr,
     "Check whether a port's workload is alive: tcp, udp or icmp from SRC_IP; ADDRESS if the port has "
     "several."},
    {"lsp-hc-del", 1, 2, "PORT [UUID]", "--if-exists", true, need_checks, run_del, nullptr,
     "Delete such a check, or all of a port."},
    {"lsp-hc-list", 1, 1, "PORT", "", false, need_checks, run_list, nullptr,
     "Print such checks and what they found."},
};

}  // namespace

std::span<const CtlCommand> port_health_commands() {
    return kCommands;
}

}  // namespace weft::cli::nbctl
