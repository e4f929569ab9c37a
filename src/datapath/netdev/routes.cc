#include "datapath/netdev/routes.h"

#include <fmt/format.h>
#include <libmnl/libmnl.h>
#include <linux/rtnetlink.h>

#include <cerrno>
#include <cstring>

#include "base/big_endian.h"
#include "net/rtnetlink.h"
#include "packet/address.h"

namespace weft::datapath {

using net::rtnetlink;

namespace {

using packet::Ipv6Addr;

constexpr uint32_t kGroups = RTMGRP_IPV4_IFADDR | RTMGRP_IPV4_ROUTE | RTMGRP_IPV4_RULE | RTMGRP_IPV6_IFADDR |
                             RTMGRP_IPV6_ROUTE | 1u << (RTNLGRP_IPV6_RULE - 1);

int read_metric(const nlattr* attribute, void* data) {
    if (mnl_attr_get_type(attribute) == RTAX_MTU && mnl_attr_get_payload_len(attribute) >= 4)
        static_cast<Route*>(data)->mtu = static_cast<int>(mnl_attr_get_u32(attribute));
    return MNL_CB_OK;
}

// Of either family, by its length; zero: neither.
Ipv6Addr read_bytes(const nlattr* attribute) {
    Ipv6Addr out{};
    size_t length = mnl_attr_get_payload_len(attribute);
    if (length == 4) return packet::map_ipv4(Be32::from_raw(mnl_attr_get_u32(attribute)));
    if (length == out.size()) std::memcpy(out.data(), mnl_attr_get_payload(attribute), length);
    return out;
}

int read_host_route(const nlattr* attribute, void* data) {
    auto& route = *static_cast<HostRoute*>(data);
    switch (mnl_attr_get_type(attribute)) {
        case RTA_DST:
            route.network = read_bytes(attribute);
            break;
        case RTA_OIF:
            if (mnl_attr_get_payload_len(attribute) >= 4)
                route.ifindex = static_cast<int>(mnl_attr_get_u32(attribute));
            break;
        case RTA_GATEWAY:
            route.gateway = read_bytes(attribute);
            break;
        case RTA_PREFSRC:
            route.source = read_bytes(attribute);
            break;
        default:
            break;
    }
    return MNL_CB_OK;
}

constexpr uint8_t kMappedBits = 96;  // in front of an IPv4 address

// What the kernel would choose for a route that names none: an address of the device, one of the gateway's or
// destination's network if there is one.
Ipv6Addr source_of(const HostRoute& route, const std::vector<HostAddress>& addresses) {
    bool v4 = packet::mapped_ipv4(route.network).has_value();
    const Ipv6Addr& hop = packet::is_zero(route.gateway) ? route.network : route.gateway;
    Ipv6Addr out{};
    for (const HostAddress& one : addresses) {
        if (one.ifindex != route.ifindex || packet::mapped_ipv4(one.address).has_value() != v4) continue;
        bool near = true;
        for (unsigned bit = 0; bit < one.bits && near; bit++)
            near = !((one.address[bit / 8] ^ hop[bit / 8]) & (0x80 >> bit % 8));
        if (near) return one.address;
        if (packet::is_zero(out)) out = one.address;
    }
    return out;
}

int read_route(const nlattr* attribute, void* data) {
    auto& route = *static_cast<Route*>(data);
    switch (mnl_attr_get_type(attribute)) {
        case RTA_OIF:
            if (mnl_attr_get_payload_len(attribute) >= 4)
                route.ifindex = static_cast<int>(mnl_attr_get_u32(attribute));
            break;
        case RTA_PREFSRC:
            route.source = read_bytes(attribute);
            break;
        case RTA_GATEWAY:
            route.gateway = read_bytes(attribute);
            break;
        case RTA_VIA:
            route.other_family = true;
            break;
        case RTA_METRICS:
            return mnl_attr_parse_nested(attribute, read_metric, data);
        default:
            break;
    }
    return MNL_CB_OK;
}

// Of IPv4 IFA_LOCAL is the host's own where IFA_ADDRESS is the other end's; IPv6 may have the second alone.
int read_address(const nlattr* attribute, void* data) {
    auto& address = static_cast<HostAddress*>(data)->address;
    uint16_t type = mnl_attr_get_type(attribute);
    if (type == IFA_LOCAL || (type == IFA_ADDRESS && packet::is_zero(address)))
        address = read_bytes(attribute);
    return MNL_CB_OK;
}

void put_address(nlmsghdr* message, uint16_t type, const Ipv6Addr& address) {
    if (auto v4 = packet::mapped_ipv4(address))
        mnl_attr_put_u32(message, type, Be32(*v4).raw());
    else
        mnl_attr_put(message, type, address.size(), address.data());
}

}  // namespace

std::optional<Route> find_route(const Ipv6Addr& destination, const Ipv6Addr& source) {
    std::optional<Route> found;
    bool v4 = packet::mapped_ipv4(destination).has_value();
    uint8_t bits = v4 ? 32 : 128;
    auto done = rtnetlink(
        RTM_GETROUTE, 0,
        [&](nlmsghdr* message) {
            auto* route = static_cast<rtmsg*>(mnl_nlmsg_put_extra_header(message, sizeof(rtmsg)));
            route->rtm_family = static_cast<uint8_t>(v4 ? AF_INET : AF_INET6);
            route->rtm_dst_len = bits;
            put_address(message, RTA_DST, destination);
            if (!packet::is_zero(source)) {
                route->rtm_src_len = bits;
                put_address(message, RTA_SRC, source);
            }
        },
        [&](const nlmsghdr* message) {
            if (message->nlmsg_type != RTM_NEWROUTE) return;
            auto* route = static_cast<const rtmsg*>(mnl_nlmsg_get_payload(message));
            if (route->rtm_type != RTN_UNICAST) return;
            Route read;
            mnl_attr_parse(message, sizeof *route, read_route, &read);
            if (!packet::is_zero(source)) read.source = source;
            if (read.ifindex && !packet::is_zero(read.source)) found = read;
        });
    return done ? found : std::nullopt;
}

std::vector<HostRoute> host_routes() {
    std::vector<HostRoute> out;
    std::vector<HostAddress> addresses = host_addresses();
    for (int family : {AF_INET, AF_INET6}) {
        (void)rtnetlink(
            RTM_GETROUTE, NLM_F_DUMP,
            [&](nlmsghdr* message) {
                auto* route = static_cast<rtmsg*>(mnl_nlmsg_put_extra_header(message, sizeof(rtmsg)));
                route->rtm_family = static_cast<uint8_t>(family);
            },
            [&](const nlmsghdr* message) {
                if (message->nlmsg_type != RTM_NEWROUTE) return;
                auto* route = static_cast<const rtmsg*>(mnl_nlmsg_get_payload(message));
                bool local = route->rtm_type == RTN_LOCAL;
                if (route->rtm_family != family || (route->rtm_type != RTN_UNICAST && !local)) return;
                if (route->rtm_table != RT_TABLE_MAIN && route->rtm_table != RT_TABLE_LOCAL) return;
                HostRoute one;
                one.local = local;
                one.bits = static_cast<uint8_t>(route->rtm_dst_len + (family == AF_INET ? kMappedBits : 0));
                if (family == AF_INET) one.network = packet::map_ipv4(0);
                mnl_attr_parse(message, sizeof *route, read_host_route, &one);
                if (packet::is_zero(one.source)) one.source = source_of(one, addresses);
                if (one.ifindex && !packet::is_zero(one.source)) out.push_back(one);
            })
            .ok();
    }
    return out;
}

std::vector<HostAddress> host_addresses() {
    std::vector<HostAddress> out;
    for (int family : {AF_INET, AF_INET6}) {
        (void)rtnetlink(
            RTM_GETADDR, NLM_F_DUMP,
            [&](nlmsghdr* message) {
                auto* info = static_cast<ifaddrmsg*>(mnl_nlmsg_put_extra_header(message, sizeof(ifaddrmsg)));
                info->ifa_family = static_cast<uint8_t>(family);
            },
            [&](const nlmsghdr* message) {
                if (message->nlmsg_type != RTM_NEWADDR) return;
                auto* info = static_cast<const ifaddrmsg*>(mnl_nlmsg_get_payload(message));
                if (info->ifa_family != family) return;
                if (family == AF_INET6 && info->ifa_scope == RT_SCOPE_LINK) return;
                HostAddress one;
                one.bits = static_cast<uint8_t>(info->ifa_prefixlen + (family == AF_INET ? kMappedBits : 0));
                one.ifindex = static_cast<int>(info->ifa_index);
                mnl_attr_parse(message, sizeof *info, read_address, &one);
                if (!packet::is_zero(one.address)) out.push_back(one);
            })
            .ok();
    }
    return out;
}

RouteEvents::RouteEvents(std::unique_ptr<net::NetlinkEvents> events) : events_(std::move(events)) {}

Result<std::unique_ptr<RouteEvents>> RouteEvents::create(net::Loop& loop, std::function<void()> callback) {
    // What has been lost is a change, too.
    WEFT_ASSIGN(auto events,
                net::NetlinkEvents::create(loop, kGroups, nullptr,
                                           [callback = std::move(callback)](bool) { callback(); }));
    return std::unique_ptr<RouteEvents>(new RouteEvents(std::move(events)));
}

}  // namespace weft::datapath
