#include "controller/responders/router_advertisement.h"

#include <algorithm>
#include <charconv>

#include "controller/responders/domain_name.h"
#include "packet/address.h"
#include "packet/compose.h"

namespace weft::controller {

namespace {

constexpr uint32_t kForever = 0xffffffff;
constexpr uint16_t kLifetime = 0xffff;
constexpr uint8_t kManaged = 0x80, kOther = 0x40, kOnLink = 0x80, kAutonomous = 0x40;
constexpr uint8_t kSourceLinkLayer = 1, kPrefix = 3, kMtu = 5, kRouteInformation = 24, kRdnss = 25,
                  kDnssl = 31;
constexpr int64_t kMinMtu = 1280;
// The defaults of ovn-nb(5), in seconds.
constexpr int64_t kMaxInterval = 600;

// Calls back with each part of a list, separated by commas or spaces.
template <typename Callback>
void each_of(std::string_view list, Callback callback) {
    while (!list.empty()) {
        size_t end = list.find_first_of(", ");
        if (end != 0) callback(list.substr(0, end));
        if (end == std::string_view::npos) return;
        list.remove_prefix(end + 1);
    }
}

// RFC 4191 section 2.1.
uint8_t preference_bits(std::string_view text) {
    return text == "HIGH" ? 0x08 : text == "LOW" ? 0x18 : 0;
}

std::optional<RouterAdvertisement::Route> parse_route(std::string_view text) {
    RouterAdvertisement::Route route;
    size_t dash = text.find('-');
    if (dash != std::string_view::npos) {
        route.preference = preference_bits(text.substr(0, dash));
        text.remove_prefix(dash + 1);
    }
    auto prefix = parse_prefix(text);
    if (!prefix) return std::nullopt;
    route.prefix = *prefix;
    return route;
}

void clear_host_bits(RouterAdvertisement::Prefix& prefix) {
    for (size_t bit = prefix.length; bit < 128; ++bit) {
        prefix.address[bit / 8] = static_cast<uint8_t>(prefix.address[bit / 8] & ~(0x80 >> bit % 8));
    }
}

}  // namespace

std::optional<RouterAdvertisement::Prefix> parse_prefix(std::string_view text) {
    size_t slash = text.find('/');
    auto address = packet::parse_ipv6(text.substr(0, slash));
    if (!address) return std::nullopt;
    RouterAdvertisement::Prefix prefix{*address, 128};
    if (slash != std::string_view::npos) {
        std::string_view digits = text.substr(slash + 1);
        unsigned length = 0;
        auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), length);
        if (error != std::errc() || end != digits.data() + digits.size() || length > 128) return std::nullopt;
        prefix.length = static_cast<uint8_t>(length);
    }
    clear_host_bits(prefix);
    return prefix;
}

std::optional<RouterAdvertisement> RouterAdvertisement::parse(const ovsdb::StringMap& options) {
    using ovsdb::get_string;
    if (!ovsdb::get_bool(options, "ipv6_ra_send_periodic")) return std::nullopt;
    RouterAdvertisement ra;
    auto mac = packet::parse_eth(get_string(options, "ipv6_ra_src_eth"));
    auto ip = packet::parse_ipv6(get_string(options, "ipv6_ra_src_addr"));
    if (!mac || !ip) return std::nullopt;
    ra.eth_src = *mac;
    ra.ip_src = *ip;
    std::string_view mode = get_string(options, "ipv6_ra_address_mode");
    ra.prefix_flags = kOnLink | kAutonomous;
    if (mode == "dhcpv6_stateful") {
        ra.flags = kManaged;
        ra.prefix_flags = kOnLink;
    } else if (mode == "dhcpv6_stateless") {
        ra.flags = kOther;
    }
    ra.flags |= preference_bits(get_string(options, "ipv6_ra_prf"));
    int64_t mtu = ovsdb::get_int(options, "ipv6_ra_mtu", 0);
    if (mtu >= kMinMtu && mtu <= 0xffffffff) ra.mtu = static_cast<uint32_t>(mtu);
    auto add_prefix = [&](std::string_view text) {
        auto prefix = parse_prefix(text);
        bool known =
            prefix && std::find(ra.prefixes.begin(), ra.prefixes.end(), *prefix) != ra.prefixes.end();
        if (prefix && !known) ra.prefixes.push_back(*prefix);
    };
    each_of(get_string(options, "ipv6_ra_prefixes"), add_prefix);
    // What was delegated: "ASSOCIATION:PREFIX".
    each_of(get_string(options, "ipv6_ra_pd_list"), [&](std::string_view text) {
        size_t colon = text.find(':');
        if (colon != std::string_view::npos) add_prefix(text.substr(colon + 1));
    });
    each_of(get_string(options, "ipv6_ra_rdnss"), [&](std::string_view text) {
        if (auto server = packet::parse_ipv6(text)) ra.dns_servers.push_back(*server);
    });
    ra.search_list = get_string(options, "ipv6_ra_dnssl");
    each_of(get_string(options, "ipv6_ra_route_info"), [&](std::string_view text) {
        if (auto route = parse_route(text)) ra.routes.push_back(*route);
    });
    int64_t max_s =
        std::clamp<int64_t>(ovsdb::get_int(options, "ipv6_ra_max_interval", kMaxInterval), 4, 1800);
    int64_t min_s = ovsdb::get_int(options, "ipv6_ra_min_interval", max_s >= 9 ? max_s / 3 : max_s * 3 / 4);
    ra.max_interval_ms = max_s * 1000;
    ra.min_interval_ms = std::clamp<int64_t>(min_s, 3, max_s) * 1000;
    return ra;
}

packet::Packet RouterAdvertisement::compose() const {
    ByteWriter out;
    out.u8(kSourceLinkLayer);
    out.u8(1);
    out.bytes(eth_src);
    if (mtu) {
        out.u8(kMtu);
        out.u8(1);
        out.u16(0);
        out.u32(mtu);
    }
    for (const Prefix& prefix : prefixes) {
        out.u8(kPrefix);
        out.u8(4);
        out.u8(prefix.length);
        out.u8(prefix_flags);
        out.u32(kForever);
        out.u32(kForever);
        out.u32(0);
        out.bytes(prefix.address);
    }
    constexpr size_t kMostServers = 127;  // the length is one byte, in units of 8
    if (size_t count = std::min(dns_servers.size(), kMostServers)) {
        out.u8(kRdnss);
        out.u8(static_cast<uint8_t>(1 + 2 * count));
        out.u16(0);
        out.u32(kForever);
        for (size_t i = 0; i < count; ++i) out.bytes(dns_servers[i]);
    }
    ByteWriter names;
    put_domain_names(search_list, names);
    names.pad(8);
    if (names.size() && names.size() / 8 < 255) {
        out.u8(kDnssl);
        out.u8(static_cast<uint8_t>(1 + names.size() / 8));
        out.u16(0);
        out.u32(kForever);
        out.bytes(names.view());
    }
    for (const Route& route : routes) {
        size_t words = route.prefix.length == 0 ? 0 : route.prefix.length <= 64 ? 1 : 2;
        out.u8(kRouteInformation);
        out.u8(static_cast<uint8_t>(1 + words));
        out.u8(route.prefix.length);
        out.u8(route.preference);
        out.u32(kForever);
        out.bytes(ByteView(route.prefix.address).first(words * 8));
    }

    packet::IpEndpoints ip;
    ip.v6 = true;
    ip.eth_src = eth_src;
    ip.eth_dst = {0x33, 0x33, 0, 0, 0, 1};
    ip.ipv6_src = ip_src;
    ip.ipv6_dst = {0xff, 0x02, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1};
    ip.ttl = 255;
    ByteWriter body;
    body.u32(0);  // reachable time
    body.u32(0);  // retransmission timer
    body.bytes(out.view());
    constexpr uint8_t kHopLimit = 255;
    uint32_t head = static_cast<uint32_t>(kHopLimit) << 24 | static_cast<uint32_t>(flags) << 16 | kLifetime;
    return packet::compose_icmp(ip, 134, 0, head, body.view());
}

}  // namespace weft::controller
