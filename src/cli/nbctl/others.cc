// Control-plane protection, static MAC bindings: copp-*, static-mac-binding-*.

#include "cli/nbctl/common.h"

namespace weft::cli::nbctl {
namespace {

// --- copp

constexpr std::string_view kProtocols[] = {
    "arp",           "arp-resolve", "dhcpv4-opts", "dhcpv4-relay", "dhcpv6-opts", "dns",
    "event-elb",     "icmp4-error", "icmp6-error", "igmp",         "nd-na",       "nd-ns",
    "nd-ns-resolve", "nd-ra-opts",  "tcp-reset",   "bfd",          "reject",      "svc-monitor"};

Result<void> check_protocol(std::string_view protocol) {
    std::string all;
    for (std::string_view each : kProtocols) {
        if (each == protocol) return {};
        all += fmt::format("{}{}", all.empty() ? "" : ", ", each);
    }
    return Error{fmt::format("Invalid control protocol. Allowed values: {}.", all)};
}

Result<void> need_copp(CtlContext& context) {
    context.need(nb::Copp::kName, nb::Copp::kMeters);
    context.need(nb::LogicalSwitch::kName, nb::LogicalSwitch::kCopp);
    context.need(nb::LogicalRouter::kName, nb::LogicalRouter::kCopp);
    return {};
}

Result<void> run_copp_add(CtlContext& context) {
    WEFT_TRY(check_protocol(context[1]));
    WEFT_ASSIGN(const nb::Copp* copp, find_row(context, nb::Copp::kName, context[0], "copp"));
    Uuid uuid = copp ? Uuid(copp->uuid) : context.transaction().insert<nb::Copp>();
    if (!copp) context.transaction().set(uuid, nb::Copp::kName, context[0]);
    context.transaction().set_key(uuid, nb::Copp::kMeters, context[1], context[2]);
    return {};
}

Result<void> run_copp_del(CtlContext& context) {
    if (context.size() > 1) WEFT_TRY(check_protocol(context[1]));
    WEFT_ASSIGN(const nb::Copp* copp, find_row(context, nb::Copp::kName, context[0], "copp"));
    if (!copp) return {};
    Uuid uuid = copp->uuid;
    if (context.size() > 1) {
        context.transaction().remove_key(uuid, nb::Copp::kMeters, context[1]);
        return {};
    }
    db::Transaction& txn = context.transaction();
    txn.for_each_equal(nb::LogicalSwitch::kCopp, uuid, [&](const nb::LogicalSwitch& ls) {
        txn.set(Uuid(ls.uuid), nb::LogicalSwitch::kCopp, {});
    });
    txn.for_each_equal(nb::LogicalRouter::kCopp, uuid, [&](const nb::LogicalRouter& lr) {
        txn.set(Uuid(lr.uuid), nb::LogicalRouter::kCopp, {});
    });
    txn.erase<nb::Copp>(uuid);
    return {};
}

Result<void> run_copp_list(CtlContext& context) {
    WEFT_ASSIGN(const nb::Copp* copp, find_row(context, nb::Copp::kName, context[0], "copp"));
    if (!copp) return {};
    for (const auto& [protocol, meter] : copp->meters)
        context.output += fmt::format("{}: {}\n", protocol, meter);
    return {};
}

Result<void> run_ls_copp_add(CtlContext& context) {
    WEFT_ASSIGN(const nb::Copp* copp, get_row(context, nb::Copp::kName, context[0], "copp", "copp"));
    WEFT_ASSIGN(const nb::LogicalSwitch* ls, get_switch(context, context[1]));
    context.transaction().set(Uuid(ls->uuid), nb::LogicalSwitch::kCopp, copp->uuid);
    return {};
}

Result<void> run_lr_copp_add(CtlContext& context) {
    WEFT_ASSIGN(const nb::Copp* copp, get_row(context, nb::Copp::kName, context[0], "copp", "copp"));
    WEFT_ASSIGN(const nb::LogicalRouter* lr, get_router(context, context[1]));
    context.transaction().set(Uuid(lr->uuid), nb::LogicalRouter::kCopp, copp->uuid);
    return {};
}

// --- static MAC bindings

Result<void> need_bindings(CtlContext& context) {
    context.need(nb::LogicalRouterPort::kName);
    context.need(nb::StaticMACBinding::kLogicalPort, nb::StaticMACBinding::kIp, nb::StaticMACBinding::kMac);
    return {};
}

const nb::StaticMACBinding* find_binding(CtlContext& context, const std::string& ip) {
    const nb::StaticMACBinding* found = nullptr;
    context.transaction().for_each_equal(nb::StaticMACBinding::kLogicalPort, context[0],
                                         [&](const nb::StaticMACBinding& row) {
                                             if (row.ip == ip) found = &row;
                                         });
    return found;
}

Result<std::string> ip_argument(CtlContext& context) {
    std::string ip = normal_address(context[1]);
    if (ip.empty()) return Error{fmt::format("{}: Not a valid IPv4 or IPv6 address.", context[1])};
    return ip;
}

Result<void> run_binding_add(CtlContext& context) {
    WEFT_TRY(get_router_port(context, context[0]));
    WEFT_ASSIGN(std::string ip, ip_argument(context));
    std::string mac = normal_mac(context[2]);
    if (mac.empty()) return Error{fmt::format("invalid mac address {}.", context[2])};
    const nb::StaticMACBinding* existing = find_binding(context, ip);
    if (existing && !context.has("--may-exist")) {
        return Error{fmt::format("{}, {}: a Static_MAC_Binding with this logical_port and ip already exists",
                                 context[0], ip)};
    }
    db::Transaction& txn = context.transaction();
    Uuid uuid = existing ? Uuid(existing->uuid) : txn.insert<nb::StaticMACBinding>();
    txn.set(uuid, nb::StaticMACBinding::kLogicalPort, context[0]);
    txn.set(uuid, nb::StaticMACBinding::kIp, ip);
    txn.set(uuid, nb::StaticMACBinding::kMac, mac);
    return {};
}

Result<void> run_binding_del(CtlContext& context) {
    WEFT_ASSIGN(std::string ip, ip_argument(context));
    if (const nb::StaticMACBinding* row = find_binding(context, ip)) {
        context.transaction().erase<nb::StaticMACBinding>(Uuid(row->uuid));
        return {};
    }
    if (context.has("--if-exists")) return {};
    return Error{fmt::format("no matching Static_MAC_Binding with port {} and ip {}", context[0], ip)};
}

Result<void> run_binding_list(CtlContext& context) {
    std::vector<const nb::StaticMACBinding*> rows = context.rows<nb::StaticMACBinding>();
    if (rows.empty()) return {};
    std::sort(rows.begin(), rows.end(), [](auto* a, auto* b) {
        return std::tie(a->logical_port, a->ip) < std::tie(b->logical_port, b->ip);
    });
    context.output = fmt::format("{:<25}{:<25}{}\n", "LOGICAL_PORT", "IP", "MAC");
    for (const nb::StaticMACBinding* row : rows) {
        context.output += fmt::format("{:<25}{:<25}{}\n", row->logical_port, row->ip, row->mac);
    }
    return {};
}

constexpr CtlCommand kCommands[] = {
    {"copp-add", 3, 3, "NAME PROTO METER", "", true, need_copp, run_copp_add, nullptr,
     "Limit a kind of packets to the control plane by a meter."},
    {"copp-del", 1, 2, "NAME [PROTO]", "", true, need_copp, run_copp_del, nullptr, "Take away such limits."},
    {"copp-list", 1, 1, "NAME", "", false, need_copp, run_copp_list, nullptr, "Print such limits."},
    {"ls-copp-add", 2, 2, "NAME SWITCH", "", true, need_copp, run_ls_copp_add, nullptr,
     "Use such limits at a switch."},
    {"lr-copp-add", 2, 2, "NAME ROUTER", "", true, need_copp, run_lr_copp_add, nullptr,
     "Use such limits at a router."},
    {"static-mac-binding-add", 3, 3, "LOGICAL_PORT IP MAC", "--may-exist", true, need_bindings,
     run_binding_add, nullptr, "Tell a router port the MAC address of an IP address."},
    {"static-mac-binding-del", 2, 2, "LOGICAL_PORT IP", "--if-exists", true, need_bindings, run_binding_del,
     nullptr, "Delete such a binding."},
    {"static-mac-binding-list", 0, 0, "", "", false, need_bindings, run_binding_list, nullptr,
     "Print such bindings."},
};

}  // namespace

std::span<const CtlCommand> other_commands() {
    return kCommands;
}

}  // namespace weft::cli::nbctl
