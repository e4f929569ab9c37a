#include "switch/bridge/tunnel_options.h"

#include <fmt/core.h>

#include <algorithm>
#include <cstdlib>
#include <vector>

#include "packet/address.h"
#include "packet/geneve.h"
#include "packet/gtpu.h"
#include "packet/vxlan.h"

namespace weft::vswitch {

namespace {

struct Address {
    bool flow = false, v6 = false;
    uint32_t v4 = 0;
    packet::Ipv6Addr six{};
};

std::optional<Address> parse_address(std::string_view text) {
    Address out;
    if (text == "flow") {
        out.flow = true;
        return out;
    }
    if (auto v4 = packet::parse_ipv4(text)) {
        out.v4 = *v4;
        return out;
    }
    if (text.size() > 2 && text.front() == '[' && text.back() == ']') text = text.substr(1, text.size() - 2);
    if (auto six = packet::parse_ipv6(text)) {
        out.v6 = true;
        out.six = *six;
        return out;
    }
    return std::nullopt;
}

void parse_key(std::string_view text, bool& present, bool& flow, uint64_t& key) {
    present = true;
    flow = text == "flow";
    key = flow ? 0 : std::strtoull(std::string(text).c_str(), nullptr, 0);
}

// An option of ERSPAN: a number, or "flow".  False: neither, or too large.
template <typename Number>
bool parse_erspan(const std::string& text, uint32_t least, uint32_t most, Number& number, bool& flow) {
    flow = text == "flow";
    if (flow) return true;
    char* end = nullptr;
    unsigned long value = std::strtoul(text.c_str(), &end, 0);
    if (text.empty() || *end || value < least || value > most) return false;
    number = static_cast<Number>(value);
    return true;
}

// "NAME,…": VXLAN's extensions.  An unknown one is left out with a warning.
void parse_extensions(const std::string& name, std::string_view list, TunnelConfig& config,
                      std::vector<std::string>& warnings) {
    for (size_t at = 0; at <= list.size();) {
        size_t end = std::min(list.find(',', at), list.size());
        std::string_view one = list.substr(at, end - at);
        at = end + 1;
        if (one == "gbp")
            config.gbp = true;
        else if (one == "gpe")
            config.gpe = true;
        else if (!one.empty())
            warnings.push_back(fmt::format("{}: unknown extension '{}'", name, one));
    }
}

// What the tunnels carry if nobody says, and may be told to carry.
Result<TunnelPackets> parse_packet_type(const std::string& name, std::string_view type,
                                        const std::string* value, const TunnelConfig& config) {
    using datapath::PortType;
    bool layer2 = config.type != PortType::kGtpu;
    bool layer3 = config.type == PortType::kGtpu || config.type == PortType::kGre ||
                  (config.type == PortType::kVxlan && config.gpe);
    if (!value) return layer2 ? TunnelPackets::kLegacyL2 : TunnelPackets::kLegacyL3;
    if (*value == "ptap") return TunnelPackets::kAware;
    if (*value == "legacy_l2" && layer2) return TunnelPackets::kLegacyL2;
    if (*value == "legacy_l3" && layer3) return TunnelPackets::kLegacyL3;
    if (*value != "legacy_l2" && *value != "legacy_l3")
        return Error{fmt::format("{}: unknown packet_type '{}'", name, *value)};
    std::string kind = type == "vxlan" ? "VXLAN (without GPE)" : std::string(type);
    return Error{fmt::format("{}: {} configured on {} tunnel that cannot carry {} traffic", name, *value,
                             kind, *value == "legacy_l2" ? "L2" : "L3")};
}

bool known_option(std::string_view name) {
    static constexpr std::string_view kKnown[] = {"remote_ip", "local_ip", "key", "in_key", "out_key", "tos",
                                                  "ttl", "df_default", "dst_port", "packet_type",
                                                  // Names of the field that say nothing here.
                                                  "ipsec_psk", "ipsec_cert", "remote_name", "psk",
                                                  "remote_cert", "ipsec_skb_mark", "ipsec_encapsulation",
                                                  "local_name", "certificate", "private_key", "ca_cert"};
    for (std::string_view known : kKnown) {
        if (name == known) return true;
    }
    return false;
}

}  // namespace

bool is_tunnel_type(std::string_view type) {
    return type == "geneve" || type == "vxlan" || type == "gre" || type == "erspan" || type == "ip6gre" ||
           type == "ip6erspan" || type == "gtpu";
}

Result<TunnelConfig> parse_tunnel_options(const std::string& name, std::string_view type,
                                          const ovsdb::StringMap& options,
                                          std::vector<std::string>& warnings) {
    TunnelConfig config;
    bool six = type.starts_with("ip6");  // older names of the same over IPv6
    config.type = *datapath::parse_port_type(six ? type.substr(3) : type);
    config.dst_port = type == "geneve"  ? packet::geneve::kPort
                      : type == "vxlan" ? packet::vxlan::kPort
                      : type == "gtpu"  ? packet::gtpu::kPort
                                        : 0;
    bool has_remote = false;
    bool has_key = false;
    for (const auto& [key, value] : options) {
        if (key == "remote_ip" || key == "local_ip") {
            auto address = parse_address(value);
            if (!address) return Error{fmt::format("{}: bad {} '{}'", name, key, value)};
            if (key == "remote_ip") {
                if (!address->flow && ((!address->v6 && (address->v4 >> 28) == 0xe) ||
                                       (address->v6 && packet::is_multicast(address->six)))) {
                    return Error{fmt::format("{}: multicast remote_ip={} not allowed", name, value)};
                }
                has_remote = true;
                config.remote_flow = address->flow;
                config.remote = address->v4;
                config.remote6 = address->six;
                config.v6 |= address->v6;
            } else {
                config.local_flow = address->flow;
                config.local = address->v4;
                config.local6 = address->six;
                config.v6 |= address->v6;
            }
        } else if (key == "key") {
            has_key = true;
            if (!options.contains("in_key"))
                parse_key(value, config.in_key_present, config.in_key_flow, config.in_key);
            if (!options.contains("out_key"))
                parse_key(value, config.out_key_present, config.out_key_flow, config.out_key);
        } else if (key == "in_key") {
            has_key = true;
            parse_key(value, config.in_key_present, config.in_key_flow, config.in_key);
        } else if (key == "out_key") {
            has_key = true;
            parse_key(value, config.out_key_present, config.out_key_flow, config.out_key);
        } else if (key == "tos") {
            if (value == "inherit")
                config.tos_inherit = true;
            else
                config.tos = static_cast<uint8_t>(std::strtoul(value.c_str(), nullptr, 0));
        } else if (key == "ttl") {
            if (value == "inherit")
                config.ttl_inherit = true;
            else
                config.ttl = static_cast<uint8_t>(std::atoi(value.c_str()));
        } else if (key == "df_default") {
            config.dont_fragment = value == "true";
        } else if (key == "csum" && type != "gtpu") {
            config.csum = value == "true";
        } else if (key == "dst_port") {
            long port = std::strtol(value.c_str(), nullptr, 10);
            if (port <= 0 || port > 65535) return Error{fmt::format("{}: bad dst_port '{}'", name, value)};
            config.dst_port = static_cast<uint16_t>(port);
        } else if (key.starts_with("erspan_") && config.type == datapath::PortType::kErspan) {
            bool right =
                key == "erspan_ver" ? parse_erspan(value, 1, 2, config.erspan_ver, config.erspan_ver_flow)
                : key == "erspan_idx"
                    ? parse_erspan(value, 0, 0xfffff, config.erspan_idx, config.erspan_idx_flow)
                : key == "erspan_dir" ? parse_erspan(value, 0, 1, config.erspan_dir, config.erspan_dir_flow)
                : key == "erspan_hwid"
                    ? parse_erspan(value, 0, 0x3f, config.erspan_hwid, config.erspan_hwid_flow)
                    : false;
            if (!right) return Error{fmt::format("{}: bad {} '{}'", name, key, value)};
        } else if (key == "exts" && type == "vxlan") {
            parse_extensions(name, value, config, warnings);
        } else if (key == "seq" && config.type == datapath::PortType::kGre) {
            config.sequence = value == "true";
        } else if (key == "egress_pkt_mark") {
            config.mark = static_cast<uint32_t>(std::strtoul(value.c_str(), nullptr, 0));
        } else if (!known_option(key)) {
            warnings.push_back(fmt::format("{}: unknown {} argument '{}'", name, type, key));
        }
    }
    if (!has_remote) return Error{fmt::format("{}: {} type requires valid 'remote_ip' argument", name, type)};
    if (config.local_flow && !config.remote_flow) {
        return Error{fmt::format("{}: {} type requires 'remote_ip=flow' with 'local_ip=flow'", name, type)};
    }
    if (six && !config.v6 && !config.remote_flow)
        return Error{fmt::format("{}: {} type requires an IPv6 'remote_ip'", name, type)};
    if (config.gbp && config.gpe)
        return Error{fmt::format("{}: VXLAN has either the extension 'gbp' or 'gpe'", name)};
    WEFT_ASSIGN(config.packets, parse_packet_type(name, type, options.find("packet_type"), config));
    // Without a key, GRE carries none, and the others 0.
    if (!has_key && config.type == datapath::PortType::kGre) config.out_key_present = false;
    return config;
}

Result<void> fits_beside(const std::string& name, const TunnelConfig& config,
                         const std::vector<OfPort*>& others) {
    if (config.type != datapath::PortType::kVxlan) return {};
    for (const OfPort* other : others) {
        const TunnelConfig& have = *other->tunnel;
        if (have.type == config.type && have.dst_port == config.dst_port && have.gbp != config.gbp) {
            return Error{fmt::format(
                "{}: VXLAN-GBP, and non-VXLAN-GBP tunnels can't be configured on the same dst_port", name)};
        }
    }
    return {};
}

}  // namespace weft::vswitch
