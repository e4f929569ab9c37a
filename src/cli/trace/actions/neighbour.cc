// Addresses that chassis have learnt: MAC bindings and forwarding databases.

#include <fmt/format.h>

#include "cli/trace/actions/cases.h"
#include "openflow/field.h"
#include "packet/address.h"

namespace weft::cli::trace {

namespace {

std::optional<packet::EthAddr> find_binding(const Run& run, bool ipv6, const logical::FieldRef& port,
                                            const logical::FieldRef& ip) {
    std::string address;
    logical::print_integer(get_field(run.packet, ip), ipv6 ? logical::Format::kIpv6 : logical::Format::kIpv4,
                           address);
    uint32_t key = static_cast<uint32_t>(get_field(run.packet, port));
    const auto& bindings = run.datapath().mac_bindings;
    auto found = bindings.find({key, address});
    return found == bindings.end() ? std::nullopt : std::optional(found->second);
}

packet::EthAddr get_address(const Run& run, const logical::FieldRef& field) {
    U128 value = get_field(run.packet, field);
    packet::EthAddr out;
    for (size_t i = 0; i < out.size(); ++i) out[out.size() - 1 - i] = static_cast<uint8_t>(value >> (8 * i));
    return out;
}

}  // namespace

void execute(const logical::GetNeighbour& get, Run& run) {
    std::optional<packet::EthAddr> mac = find_binding(run, get.ipv6, get.port, get.ip);
    run.comment(mac ? fmt::format("/* MAC binding to {}. */", packet::to_string(*mac))
                    : "/* No MAC binding. */");
    run.packet.dl_dst = mac.value_or(packet::EthAddr{});
    run.modify("eth.dst = " + packet::to_string(run.packet.dl_dst));
}

void execute(const logical::LookupNeighbour& lookup, Run& run) {
    std::optional<packet::EthAddr> mac = find_binding(run, lookup.ipv6, lookup.port, lookup.ip);
    if (mac && lookup.with_mac && *mac != get_address(run, lookup.mac)) mac.reset();
    set_field(run.packet, lookup.result, mac ? 1 : 0);
    if (!mac) {
        run.comment("/* lookup failed - No MAC binding. */");
    } else if (lookup.with_mac) {
        run.comment(fmt::format("/* MAC binding to {} found. */", packet::to_string(*mac)));
    } else {
        run.comment("/* MAC binding found. */");
    }
}

void execute(const logical::GetFdb& get, Run& run) {
    const auto& fdb = run.datapath().fdb;
    auto found = fdb.find(get_address(run, get.mac));
    set_field(run.packet, get.result, found == fdb.end() ? 0 : found->second);
}

void execute(const logical::LookupFdb& lookup, Run& run) {
    const auto& fdb = run.datapath().fdb;
    packet::EthAddr mac = get_address(run, lookup.mac);
    auto entry = fdb.find(mac);
    bool found = entry != fdb.end() && get_field(run.packet, lookup.port) == entry->second;
    set_field(run.packet, lookup.result, found ? 1 : 0);
    run.comment(found ? fmt::format("/* MAC lookup for {} found in FDB. */", packet::to_string(mac))
                      : "/* lookup mac failed in mac learning table. */");
}

}  // namespace weft::cli::trace
