#include "switch/underlay/route_table.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "packet/address.h"

namespace weft::vswitch {

namespace {

constexpr uint8_t kMappedBits = 96;  // in front of an IPv4 address

packet::Ipv6Addr network_of(packet::Ipv6Addr address, uint8_t bits) {
    for (unsigned i = 0; i < address.size(); i++) {
        unsigned kept = bits <= i * 8 ? 0 : std::min(8u, bits - i * 8);
        address[i] = static_cast<uint8_t>(address[i] & (0xff00u >> kept));
    }
    return address;
}

std::string network_text(const UnderlayRoute& route) {
    bool v4 = packet::mapped_ipv4(route.network).has_value() && route.bits >= kMappedBits;
    return fmt::format("{}/{}", v4 ? address_text(route.network) : packet::to_string(route.network),
                       v4 ? route.bits - kMappedBits : route.bits);
}

bool same_place(const UnderlayRoute& a, const packet::Ipv6Addr& network, uint8_t bits, uint32_t mark) {
    return a.network == network && a.bits == bits && a.mark == mark;
}

}  // namespace

bool in_network(const packet::Ipv6Addr& address, const packet::Ipv6Addr& network, uint8_t bits) {
    return network_of(address, bits) == network_of(network, bits);
}

std::string address_text(const packet::Ipv6Addr& address) {
    auto v4 = packet::mapped_ipv4(address);
    return v4 ? packet::ipv4_to_string(*v4) : packet::to_string(address);
}

Result<packet::Ipv6Addr> parse_address(const std::string& text) {
    if (auto v4 = packet::parse_ipv4(text)) return packet::map_ipv4(*v4);
    if (auto v6 = packet::parse_ipv6(text)) return *v6;
    return Error{fmt::format("\"{}\" is no IP address", text)};
}

Result<ParsedNetwork> parse_network(const std::string& text) {
    size_t slash = text.find('/');
    WEFT_ASSIGN(packet::Ipv6Addr address, parse_address(text.substr(0, slash)));
    uint8_t first = packet::mapped_ipv4(address) ? kMappedBits : 0;
    uint8_t bits = 128;
    if (slash != std::string::npos) {
        unsigned length = 0;
        const char* end = text.data() + text.size();
        auto [stop, error] = std::from_chars(text.data() + slash + 1, end, length);
        if (error != std::errc() || stop != end || length > 128u - first)
            return Error{fmt::format("\"{}\" is no network", text)};
        bits = static_cast<uint8_t>(first + length);
    }
    return ParsedNetwork{network_of(address, bits), bits};
}

Result<void> RouteTable::add(UnderlayRoute route, const std::vector<UnderlayAddress>& device_addresses) {
    const packet::Ipv6Addr& hop = packet::is_zero(route.gateway) ? route.network : route.gateway;
    auto own =
        std::find_if(device_addresses.begin(), device_addresses.end(),
                     [&](const UnderlayAddress& one) { return in_network(hop, one.address, one.bits); });
    if (own == device_addresses.end()) return Error{"Error while inserting route."};
    route.source = own->address;
    route.user = true;
    (void)remove(route.network, route.bits, route.mark);
    user_.push_back(std::move(route));
    return {};
}

bool RouteTable::remove(const packet::Ipv6Addr& network, uint8_t bits, uint32_t mark) {
    return std::erase_if(user_, [&](const auto& one) { return same_place(one, network, bits, mark); }) != 0;
}

const UnderlayRoute* RouteTable::find(const packet::Ipv6Addr& destination, uint32_t mark) const {
    const UnderlayRoute* best = nullptr;
    for (const auto* routes : {&user_, &system_}) {
        for (const UnderlayRoute& route : *routes) {
            if ((route.mark && route.mark != mark) || (best && best->bits >= route.bits)) continue;
            if (in_network(destination, route.network, route.bits)) best = &route;
        }
    }
    return best;
}

bool RouteTable::marked() const {
    return std::ranges::any_of(user_, [](const UnderlayRoute& route) { return route.mark != 0; });
}

std::string RouteTable::text() const {
    std::vector<const UnderlayRoute*> all;
    for (const auto* routes : {&user_, &system_}) {
        for (const UnderlayRoute& route : *routes) all.push_back(&route);
    }
    std::stable_sort(all.begin(), all.end(), [](auto* a, auto* b) { return a->bits > b->bits; });
    std::string out = "Route Table:\n";
    for (const UnderlayRoute* route : all) {
        out += fmt::format("{}: {}", route->user ? "User" : "Cached", network_text(*route));
        if (route->mark) out += fmt::format(" MARK {}", route->mark);
        out += " dev " + route->device;
        if (!packet::is_zero(route->gateway)) out += " GW " + address_text(route->gateway);
        out += " SRC " + address_text(route->source);
        out += route->local ? " local\n" : "\n";
    }
    return out;
}

}  // namespace weft::vswitch
