#include "switch/protocols/bfd_options.h"

#include <fmt/core.h>

#include <charconv>

#include "packet/address.h"
#include "packet/ethernet.h"
#include "packet/ipv4.h"

namespace weft::vswitch {

std::optional<BfdOptions> parse_bfd_options(const std::string& interface, const ovsdb::StringMap& bfd,
                                            std::vector<std::string>& warnings) {
    if (!ovsdb::get_bool(bfd, "enable")) return std::nullopt;
    BfdOptions options;
    auto integer = [&](const char* key, int64_t least, int64_t most, int64_t fallback) {
        const std::string* text = bfd.find(key);
        if (!text) return fallback;
        int64_t value = 0;
        auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), value);
        if (error == std::errc{} && end == text->data() + text->size() && value >= least && value <= most)
            return value;
        warnings.push_back(fmt::format("interface {}: bfd:{}={} is not an integer from {} to {}; {} is used",
                                       interface, key, *text, least, most, fallback));
        return fallback;
    };
    auto mac = [&](const char* key) -> std::optional<packet::EthAddr> {
        const std::string* text = bfd.find(key);
        if (!text) return std::nullopt;
        auto address = packet::parse_eth(*text);
        if (!address) {
            warnings.push_back(
                fmt::format("interface {}: bfd:{}={} is not an Ethernet address", interface, key, *text));
            return std::nullopt;
        }
        if (packet::is_zero(*address)) return std::nullopt;
        return *address;
    };
    auto ip = [&](const char* key) -> std::optional<uint32_t> {
        const std::string* text = bfd.find(key);
        if (!text) return std::nullopt;
        auto address = packet::parse_ipv4(*text);
        if (!address) {
            warnings.push_back(
                fmt::format("interface {}: bfd:{}={} is not a valid IP address", interface, key, *text));
            return std::nullopt;
        }
        return *address;
    };
    constexpr int64_t kMostMs = 4'000'000;  // the wire's 32 bits of microseconds
    options.min_rx_ms = integer("min_rx", 1, kMostMs, options.min_rx_ms);
    options.min_tx_ms = integer("min_tx", 1, kMostMs, options.min_tx_ms);
    options.decay_min_rx_ms = integer("decay_min_rx", 0, kMostMs, 0);
    if (options.decay_min_rx_ms && options.decay_min_rx_ms < options.min_rx_ms) {
        warnings.push_back(
            fmt::format("interface {}: bfd:decay_min_rx={} is less than min_rx={}; it is not used", interface,
                        options.decay_min_rx_ms, options.min_rx_ms));
        options.decay_min_rx_ms = 0;
    }
    options.multiplier = static_cast<uint8_t>(integer("mult", 1, 255, options.multiplier));
    options.forwarding_if_rx = ovsdb::get_bool(bfd, "forwarding_if_rx");
    options.cpath_down = ovsdb::get_bool(bfd, "cpath_down");
    options.check_tunnel_key = ovsdb::get_bool(bfd, "check_tnl_key");
    options.oam = ovsdb::get_bool(bfd, "oam");
    options.local_src_mac = mac("bfd_local_src_mac");
    if (auto address = mac("bfd_local_dst_mac")) options.local_dst_mac = *address;
    options.remote_dst_mac = mac("bfd_remote_dst_mac");
    options.src_ip = ip("bfd_src_ip");
    if (auto address = ip("bfd_dst_ip")) options.dst_ip = *address;
    return options;
}

bool BfdFilter::matches(const packet::Flow& flow, packet::Flow& mask) const {
    if (destination_mac) {
        mask.dl_dst.fill(0xff);
        if (flow.dl_dst != *destination_mac) return false;
    }
    if (flow.dl_type != packet::ethernet::kIpv4) return false;
    mask.nw_proto = 0xff;
    if (flow.nw_proto != packet::protocol::kUdp) return false;
    mask.nw_frag |= packet::kFragAny | packet::kFragLater;
    if (flow.nw_frag & packet::kFragLater) return false;
    mask.tp_dst = 0xffff;
    if (flow.tp_dst != kBfdPort) return false;
    if (destination_ip) {
        mask.nw_dst = ~0u;
        if (flow.nw_dst != *destination_ip) return false;
    }
    if (zero_tunnel_key) {
        mask.tunnel.id = ~uint64_t{0};
        if (flow.tunnel.id) return false;
    }
    return true;
}

}  // namespace weft::vswitch
