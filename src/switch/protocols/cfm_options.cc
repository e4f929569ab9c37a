#include "switch/protocols/cfm_options.h"

#include <fmt/core.h>

#include "packet/cfm.h"

namespace weft::vswitch {

namespace {

constexpr int64_t kMostExtendedMs = 65535;  // 16 bits on the wire
constexpr int64_t kMostVlan = 4095, kMostPcp = 7;

}  // namespace

CfmOptions parse_cfm_options(const std::string& interface, int64_t mpid, const ovsdb::StringMap& other_config,
                             bool keyless, std::vector<std::string>& warnings) {
    CfmOptions options;
    auto integer = [&](const char* key, int64_t least, int64_t most, int64_t fallback) {
        const std::string* text = other_config.find(key);
        if (!text) return fallback;
        int64_t value = ovsdb::get_int(other_config, key, least - 1);
        if (value >= least && value <= most) return value;
        warnings.push_back(fmt::format("interface {}: other_config:{}={} is not an integer from {} to {}",
                                       interface, key, *text, least, most));
        return fallback;
    };
    options.extended = ovsdb::get_bool(other_config, "cfm_extended");
    options.demand = options.extended && ovsdb::get_bool(other_config, "cfm_demand");
    options.up = ovsdb::get_string(other_config, "cfm_opstate") != "down";
    int64_t interval = integer("cfm_interval", 1, INT64_MAX, options.interval_ms);
    options.interval_ms = options.extended ? std::min(interval, kMostExtendedMs)
                                           : packet::ccm_interval_ms(packet::ccm_interval_code(interval));
    options.random_vlan = ovsdb::get_string(other_config, "cfm_ccm_vlan") == "random";
    if (!options.random_vlan) options.vlan = static_cast<uint16_t>(integer("cfm_ccm_vlan", 1, kMostVlan, 0));
    options.pcp = static_cast<uint8_t>(integer("cfm_ccm_pcp", 1, kMostPcp, 0));
    options.check_tunnel_key = keyless;
    options.mpid = static_cast<uint64_t>(mpid);
    return options;
}

CfmFilter::CfmFilter(const CfmOptions& options)
    : destination(options.extended ? packet::kCcmExtendedAddress : packet::kCcmAddress),
      zero_tunnel_key(options.check_tunnel_key) {}

bool CfmFilter::matches(const packet::Flow& flow, packet::Flow& mask) const {
    if (flow.dl_type != packet::kCfm) return false;
    mask.dl_dst.fill(0xff);
    if (flow.dl_dst != destination) return false;
    if (zero_tunnel_key) {
        mask.tunnel.id = ~uint64_t{0};
        if (flow.tunnel.id) return false;
    }
    return true;
}

}  // namespace weft::vswitch
