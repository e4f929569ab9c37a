// Who wants addresses and tags of northd, and who has some already (allocations.h).

#include <fmt/core.h>

#include <algorithm>

#include "northd/compute.h"
#include "northd/features.h"

namespace weft::northd {

using ovsdb::get_bool;
using ovsdb::get_string;

AddressPool compute_address_pool(Program& p, const Uuid& uuid) {
    AddressPool out;
    const nb::LogicalSwitch* row = p.in.switches.get(uuid);
    if (!row) return out;
    const auto& config = row->other_config;
    if (auto subnet = parse_ip4(get_string(config, "subnet")); subnet && subnet->prefix < 31) {
        out.subnet = std::move(subnet);
        std::vector<std::string> bad;
        out.excluded = parse_ranges(get_string(config, "exclude_ips"), bad);
    }
    std::string_view prefix = get_string(config, "ipv6_prefix");
    if (auto ip6 = parse_ip6(prefix); ip6 && (ip6->prefix == 64 || ip6->prefix == 128)) {
        out.prefix = ip6->value;
        std::fill(out.prefix->begin() + 8, out.prefix->end(), uint8_t{0});
    }
    out.mac_only = get_bool(config, "mac_only");
    return out;
}

void address_pool_of_switch(Program& p, const Switch& sw) {
    const AddressPool& pool = p.address_pool(sw.uuid);
    if (pool.active()) p.address_pools.emit({sw.uuid, pool});
    const auto& config = p.in.switches.get(sw.uuid)->other_config;
    auto refuse = [&](const char* key) {
        p.complaints.emit(fmt::format("Logical_Switch {}: other_config:{} '{}' is not valid", sw.name, key,
                                      get_string(config, key)));
    };
    if (config.contains("subnet") && !pool.subnet) refuse("subnet");
    if (config.contains("ipv6_prefix") && !pool.prefix) refuse("ipv6_prefix");
    std::vector<std::string> bad;
    parse_ranges(get_string(config, "exclude_ips"), bad);
    if (!bad.empty()) refuse("exclude_ips");
}

namespace {

bool has_prefix(const std::array<uint8_t, 6>& mac, std::string_view prefix) {
    return mac_text(mac).starts_with(prefix);
}

void add_static(AddressClaim& claim, const PortAddresses& a) {
    claim.macs.push_back(mac_value(a.eth));
    for (const Ip4& ip : a.ip4) claim.ip4.push_back(ip.value);
    for (const Ip6Net& ip : a.ip6) claim.ip6.push_back(ip.value);
}

}  // namespace

void address_claim_of_port(Program& p, const Uuid& uuid) {
    const nb::LogicalSwitchPort* row = p.in.switch_ports.get(uuid);
    const Uuid* sw = p.switch_of.first(uuid);
    if (!row || !sw) return;
    AddressClaim claim;
    claim.owner = uuid;
    claim.switch_uuid = *sw;
    claim.name = row->name;
    for (const std::string& text : row->addresses) {
        if (auto request = parse_dynamic_request(text)) {
            if (!claim.request) claim.request = request;
        } else if (auto parsed = parse_addresses(text)) {
            add_static(claim, *parsed);
        }
    }
    if (row->type == "router") {
        if (const Uuid* peer =
                p.router_port_named.first(std::string(get_string(row->options, "router-port")))) {
            const PortAddresses& a = p.router_port(*peer).addresses;
            if (!a.mac.empty()) add_static(claim, a);
        }
    }
    // On switches without a pool only Ethernet addresses matter that might be given out elsewhere.
    if (!p.address_pool(*sw).active()) {
        const std::string& prefix = p.globals({}).mac_prefix;
        bool matters = false;
        for (uint64_t mac : claim.macs) matters |= !prefix.empty() && has_prefix(mac_bytes(mac), prefix);
        if (!matters) return;
        claim.ip4.clear();
        claim.ip6.clear();
        claim.request.reset();
    }
    p.address_claims.emit(std::move(claim));
}

void tag_claim_of_port(Program& p, const Uuid& uuid) {
    const nb::LogicalSwitchPort* row = p.in.switch_ports.get(uuid);
    if (!row || !row->tag_request) return;
    p.tag_claims.emit({uuid, row->name, row->parent_name.value_or(""), row->tag_request});
}

// Shaping happens in the interface that the packets leave the chassis through, and its queues are numbered
// there.
void queue_claim_of_port(Program& p, const Uuid& uuid) {
    const nb::LogicalSwitchPort* row = p.in.switch_ports.get(uuid);
    if (!row) return;
    bool shaped = false;
    for (const char* key : {"qos_max_rate", "qos_min_rate", "qos_burst"}) {
        shaped |= row->options.contains(std::string(key));
    }
    if (!shaped) return;
    std::string where = "localnet";
    if (row->type != "localnet") {
        const BindingState* binding = p.in.bindings.find(row->name);
        if (!binding || binding->chassis.is_zero()) return;
        where = binding->chassis.to_string();
    }
    p.queue_claims.emit({uuid, row->name, where, 0});
}

}  // namespace weft::northd
