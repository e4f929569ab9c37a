// What zones told each other: show; and init.

#include <fmt/format.h>

#include <algorithm>

#include "cli/ic_sbctl/commands.h"

namespace weft::cli::ic_sbctl {
namespace {

Result<void> run_init(CtlContext&) {
    return {};
}  // any command makes the root row

Result<void> need_all(CtlContext& context) {
    context.need(icsb::AvailabilityZone::kName);
    context.need(icsb::Gateway::kName, icsb::Gateway::kAvailabilityZone, icsb::Gateway::kHostname,
                 icsb::Gateway::kEncaps);
    context.need(icsb::Encap::kType, icsb::Encap::kIp);
    context.need(icsb::PortBinding::kLogicalPort, icsb::PortBinding::kTransitSwitch,
                 icsb::PortBinding::kAvailabilityZone, icsb::PortBinding::kAddress,
                 icsb::PortBinding::kGateway);
    return {};
}

template <typename Row, typename Name>
std::vector<const Row*> sorted(CtlContext& context, Name name) {
    auto rows = context.rows<Row>();
    std::stable_sort(rows.begin(), rows.end(),
                     [&](const Row* a, const Row* b) { return name(*a) < name(*b); });
    return rows;
}

void show_gateway(CtlContext& context, const icsb::Gateway& gateway) {
    std::string& out = context.output;
    out += fmt::format("    gateway {}\n", gateway.name);
    if (!gateway.hostname.empty()) out += fmt::format("        hostname: {}\n", gateway.hostname);
    for (const Uuid& uuid : gateway.encaps) {
        const auto* encap = context.row<icsb::Encap>(uuid);
        if (encap) out += fmt::format("        type: {}\n            ip: {}\n", encap->type, encap->ip);
    }
    for (const auto* port : sorted<icsb::PortBinding>(context, [](auto& r) { return r.logical_port; })) {
        if (port->gateway != gateway.name) continue;
        out += fmt::format("        port {}\n            transit switch: {}\n            address: [\"{}\"]\n",
                           port->logical_port, port->transit_switch, port->address);
    }
}

Result<void> run_show(CtlContext& context) {
    for (const auto* zone : sorted<icsb::AvailabilityZone>(context, [](auto& r) { return r.name; })) {
        if (context.size() && zone->name != context[0]) continue;
        context.output += fmt::format("availability-zone {}\n", zone->name);
        for (const auto* gateway : sorted<icsb::Gateway>(context, [](auto& r) { return r.name; })) {
            if (gateway->availability_zone == zone->uuid) show_gateway(context, *gateway);
        }
    }
    return {};
}

constexpr CtlCommand kCommands[] = {
    {"init", 0, 0, "", "", true, nullptr, run_init, nullptr,
     "Make the database's root row, if there is none."},
    {"show", 0, 1, "[ZONE]", "", false, need_all, run_show, nullptr,
     "Print an overview of the database, or of what belongs to one availability zone."},
};

}  // namespace

std::span<const CtlCommand> overview_commands() {
    return kCommands;
}

}  // namespace weft::cli::ic_sbctl
