#include "switch/bridge/bond_options.h"

#include <fmt/core.h>

#include <algorithm>

#include "packet/address.h"

namespace weft::vswitch {

namespace {

// Of a bond, and of a port that is none, as Open vSwitch announces them.
constexpr uint16_t kBondSysPriority = 65534, kSysPriority = 65535;

uint16_t in_range(const ovsdb::StringMap& config, std::string_view key, uint16_t otherwise) {
    int64_t value = ovsdb::get_int(config, key, 0);
    return value >= 1 && value <= 65535 ? static_cast<uint16_t>(value) : otherwise;
}

}  // namespace

BondOptions parse_bond_options(const schema::vswitch::Port& row) {
    BondOptions out;
    std::string mode = row.bond_mode.value_or("active-backup");
    for (BondMode each : {BondMode::kActiveBackup, BondMode::kBalanceSlb, BondMode::kBalanceTcp}) {
        if (mode == bond_mode_name(each)) out.mode = each;
    }
    out.updelay_ms = std::max<int64_t>(0, row.bond_updelay);
    out.downdelay_ms = std::max<int64_t>(0, row.bond_downdelay);
    int64_t interval = ovsdb::get_int(row.other_config, "bond-rebalance-interval", 10000);
    out.rebalance_ms = interval > 0 ? std::clamp<int64_t>(interval, 1000, INT32_MAX) : 0;
    out.hash_basis = static_cast<uint32_t>(ovsdb::get_int(row.other_config, "bond-hash-basis", 0));
    out.primary = ovsdb::get_string(row.other_config, "bond-primary");
    out.all_members_active = ovsdb::get_bool(row.other_config, "all-members-active");
    out.fallback_ab = ovsdb::get_bool(row.other_config, "lacp-fallback-ab");
    out.datapath_spreads = ovsdb::get_bool(row.other_config, "lb-output-action");
    return out;
}

std::optional<LacpOptions> parse_lacp_options(const schema::vswitch::Port& row,
                                              const packet::EthAddr& bridge_mac,
                                              std::vector<std::string>& warnings) {
    std::string mode = row.lacp.value_or("off");
    if (mode != "active" && mode != "passive") return std::nullopt;
    LacpOptions out;
    out.active = mode == "active";
    out.fast = ovsdb::get_string(row.other_config, "lacp-time") == "fast";
    out.fallback_ab = ovsdb::get_bool(row.other_config, "lacp-fallback-ab");
    out.sys_priority = in_range(row.other_config, "lacp-system-priority",
                                row.interfaces.size() > 1 ? kBondSysPriority : kSysPriority);
    out.sys_id = bridge_mac;
    if (const std::string* text = row.other_config.find("lacp-system-id")) {
        auto id = packet::parse_eth(*text);
        if (!id) {
            warnings.push_back(
                fmt::format("port {}: LACP system ID ({}) must be an Ethernet address.", row.name, *text));
            return std::nullopt;
        }
        if (packet::is_zero(*id)) {
            warnings.push_back(fmt::format("port {}: Invalid zero LACP system ID.", row.name));
            return std::nullopt;
        }
        out.sys_id = *id;
    }
    return out;
}

LacpMemberOptions parse_lacp_member(const schema::vswitch::Interface& row, const OfPort& port) {
    LacpMemberOptions out;
    out.name = port.name;
    out.port_id = in_range(row.other_config, "lacp-port-id", static_cast<uint16_t>(port.number));
    out.port_priority = in_range(row.other_config, "lacp-port-priority", 65535);
    out.key = in_range(row.other_config, "lacp-aggregation-key", out.port_id);
    return out;
}

}  // namespace weft::vswitch
