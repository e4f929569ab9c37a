#include "net/routing_tables.h"

#include <fmt/format.h>
#include <libmnl/libmnl.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <net/if.h>

#include <cerrno>
#include <cstring>

#include "base/big_endian.h"
#include "net/netlink_events.h"
#include "net/rtnetlink.h"
#include "packet/address.h"

namespace weft::net {

namespace {

using packet::Ipv6Addr;

Ipv6Addr read_address(const nlattr* attribute) {
    Ipv6Addr out{};
    size_t length = mnl_attr_get_payload_len(attribute);
    if (length == 4) return packet::map_ipv4(Be32::from_raw(mnl_attr_get_u32(attribute)));
    if (length == out.size()) std::memcpy(out.data(), mnl_attr_get_payload(attribute), length);
    return out;
}

struct Read {
    KernelRoute route;
    uint32_t table = 0;
};

int read_attribute(const nlattr* attribute, void* data) {
    auto& read = *static_cast<Read*>(data);
    bool is_number = mnl_attr_get_payload_len(attribute) >= 4;
    switch (mnl_attr_get_type(attribute)) {
        case RTA_TABLE:
            if (is_number) read.table = mnl_attr_get_u32(attribute);
            break;
        case RTA_DST:
            read.route.network = read_address(attribute);
            break;
        case RTA_GATEWAY:
            read.route.gateway = read_address(attribute);
            break;
        case RTA_PRIORITY:
            if (is_number) read.route.metric = mnl_attr_get_u32(attribute);
            break;
        case RTA_OIF: {
            char name[IF_NAMESIZE] = "";
            if (is_number && if_indextoname(mnl_attr_get_u32(attribute), name)) read.route.device = name;
            break;
        }
        default:
            break;
    }
    return MNL_CB_OK;
}

void put_address(nlmsghdr* message, uint16_t type, const Ipv6Addr& address) {
    if (auto v4 = packet::mapped_ipv4(address)) {
        mnl_attr_put_u32(message, type, Be32(*v4).raw());
    } else {
        mnl_attr_put(message, type, address.size(), address.data());
    }
}

class KernelRoutingTables final : public RoutingTables {
  public:
    // What has been lost is a change, too.
    Result<void> start(Loop& loop, std::function<void()> on_change) {
        WEFT_ASSIGN(events_,
                    NetlinkEvents::create(loop, RTMGRP_IPV4_ROUTE | RTMGRP_IPV6_ROUTE, nullptr,
                                          [on_change = std::move(on_change)](bool) { on_change(); }));
        return {};
    }

    Result<std::vector<KernelRoute>> routes(uint32_t table) override {
        std::vector<KernelRoute> out;
        for (int family : {AF_INET, AF_INET6}) WEFT_TRY(dump(family, table, out));
        return out;
    }
    Result<void> add(uint32_t table, const KernelRoute& route) override {
        return change(RTM_NEWROUTE, NLM_F_CREATE | NLM_F_EXCL, table, route);
    }
    Result<void> remove(uint32_t table, const KernelRoute& route) override {
        return change(RTM_DELROUTE, 0, table, route);
    }

    Result<void> make_vrf(const std::string& name, uint32_t table) override {
        int error = 0;
        auto made = rtnetlink(
            RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL,
            [&](nlmsghdr* message) {
                auto* info = static_cast<ifinfomsg*>(mnl_nlmsg_put_extra_header(message, sizeof(ifinfomsg)));
                info->ifi_flags = info->ifi_change = IFF_UP;
                mnl_attr_put_strz(message, IFLA_IFNAME, name.c_str());
                nlattr* link = mnl_attr_nest_start(message, IFLA_LINKINFO);
                mnl_attr_put_strz(message, IFLA_INFO_KIND, "vrf");
                nlattr* data = mnl_attr_nest_start(message, IFLA_INFO_DATA);
                mnl_attr_put_u32(message, IFLA_VRF_TABLE, table);
                mnl_attr_nest_end(message, data);
                mnl_attr_nest_end(message, link);
            },
            nullptr, &error);
        if (made || error == EEXIST) return {};
        return Error{fmt::format("VRF {} with table {}: {}", name, table, made.message())};
    }
    Result<void> remove_vrf(const std::string& name) override {
        return rtnetlink(RTM_DELLINK, 0, [&](nlmsghdr* message) {
            mnl_nlmsg_put_extra_header(message, sizeof(ifinfomsg));
            mnl_attr_put_strz(message, IFLA_IFNAME, name.c_str());
        });
    }

  private:
    static Result<void> dump(int family, uint32_t table, std::vector<KernelRoute>& out) {
        return rtnetlink(
            RTM_GETROUTE, NLM_F_DUMP,
            [&](nlmsghdr* message) {
                auto* ask = static_cast<rtmsg*>(mnl_nlmsg_put_extra_header(message, sizeof(rtmsg)));
                ask->rtm_family = static_cast<uint8_t>(family);
            },
            [&](const nlmsghdr* message) {
                if (message->nlmsg_type != RTM_NEWROUTE) return;
                auto* told = static_cast<const rtmsg*>(mnl_nlmsg_get_payload(message));
                if (told->rtm_family != family) return;
                if (told->rtm_type != RTN_UNICAST && told->rtm_type != RTN_BLACKHOLE) return;
                Read read;
                read.table = told->rtm_table;
                if (family == AF_INET) read.route.network = packet::map_ipv4(0);
                mnl_attr_parse(message, sizeof *told, read_attribute, &read);
                if (read.table != table) return;
                read.route.bits = told->rtm_dst_len;
                read.route.protocol = told->rtm_protocol;
                read.route.blackhole = told->rtm_type == RTN_BLACKHOLE;
                // The kernel says of IPv6 blackholes that they lead out of lo.
                if (read.route.blackhole) read.route.device.clear();
                out.push_back(std::move(read.route));
            });
    }

    static Result<void> change(uint16_t type, uint16_t flags, uint32_t table, const KernelRoute& route) {
        return rtnetlink(type, flags, [&](nlmsghdr* message) {
            auto* told = static_cast<rtmsg*>(mnl_nlmsg_put_extra_header(message, sizeof(rtmsg)));
            told->rtm_family = packet::mapped_ipv4(route.network) ? AF_INET : AF_INET6;
            told->rtm_dst_len = route.bits;
            told->rtm_table = RT_TABLE_UNSPEC;
            told->rtm_protocol = route.protocol;
            told->rtm_scope = RT_SCOPE_UNIVERSE;
            told->rtm_type = route.blackhole ? RTN_BLACKHOLE : RTN_UNICAST;
            put_address(message, RTA_DST, route.network);
            if (!packet::is_zero(route.gateway)) put_address(message, RTA_GATEWAY, route.gateway);
            mnl_attr_put_u32(message, RTA_TABLE, table);
            if (route.metric) mnl_attr_put_u32(message, RTA_PRIORITY, route.metric);
        });
    }

    std::unique_ptr<NetlinkEvents> events_;
};

}  // namespace

Result<std::unique_ptr<RoutingTables>> kernel_routing_tables(Loop& loop, std::function<void()> on_change) {
    auto tables = std::make_unique<KernelRoutingTables>();
    WEFT_TRY(tables->start(loop, std::move(on_change)));
    return std::unique_ptr<RoutingTables>(std::move(tables));
}

}  // namespace weft::net
