#include "datapath/netdev/routes.h"

#include <fmt/format.h>
#include <libmnl/libmnl.h>
#include <linux/rtnetlink.h>

#include <cerrno>
#include <cstring>

#include "base/big_endian.h"
#include "datapath/netdev/rtnetlink.h"

namespace weft::datapath {

namespace {

int read_metric(const nlattr* attribute, void* data) {
    if (mnl_attr_get_type(attribute) == RTAX_MTU && mnl_attr_get_payload_len(attribute) >= 4)
        static_cast<Ipv4Route*>(data)->mtu = static_cast<int>(mnl_attr_get_u32(attribute));
    return MNL_CB_OK;
}

int read_route(const nlattr* attribute, void* data) {
    auto& route = *static_cast<Ipv4Route*>(data);
    bool word = mnl_attr_get_payload_len(attribute) >= 4;
    switch (mnl_attr_get_type(attribute)) {
        case RTA_OIF:
            if (word) route.ifindex = static_cast<int>(mnl_attr_get_u32(attribute));
            break;
        case RTA_PREFSRC:
            if (word) route.source = Be32::from_raw(mnl_attr_get_u32(attribute));
            break;
        case RTA_METRICS:
            return mnl_attr_parse_nested(attribute, read_metric, data);
        default:
            break;
    }
    return MNL_CB_OK;
}

int read_address(const nlattr* attribute, void* data) {
    if (mnl_attr_get_type(attribute) == IFA_LOCAL && mnl_attr_get_payload_len(attribute) >= 4)
        static_cast<Ipv4Address*>(data)->address = Be32::from_raw(mnl_attr_get_u32(attribute));
    return MNL_CB_OK;
}

class NetlinkRouteEvents final : public RouteEvents {
  public:
    explicit NetlinkRouteEvents(std::function<void()> callback) : callback_(std::move(callback)) {}
    ~NetlinkRouteEvents() override {
        watch_.reset();
        if (socket_) mnl_socket_close(socket_);
    }

    Result<void> start(net::Loop& loop) {
        socket_ = mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC | SOCK_NONBLOCK);
        if (!socket_ || mnl_socket_bind(socket_, RTMGRP_IPV4_IFADDR | RTMGRP_IPV4_ROUTE | RTMGRP_IPV4_RULE,
                                        MNL_SOCKET_AUTOPID) < 0)
            return Error{fmt::format("netlink: {}", std::strerror(errno))};
        watch_ = loop.watch(mnl_socket_get_fd(socket_), net::Loop::kRead, [this](unsigned) { read(); });
        return {};
    }

  private:
    void read() {
        char buffer[16384];
        // What has been lost is a change, too.
        while (mnl_socket_recvfrom(socket_, buffer, sizeof buffer) > 0 || errno == ENOBUFS) {
        }
        callback_();
    }

    std::function<void()> callback_;
    mnl_socket* socket_ = nullptr;
    std::unique_ptr<net::Loop::Watch> watch_;
};

}  // namespace

std::optional<Ipv4Route> find_ipv4_route(uint32_t destination, uint32_t source) {
    std::optional<Ipv4Route> found;
    auto done = rtnetlink(
        RTM_GETROUTE, 0,
        [&](nlmsghdr* message) {
            auto* route = static_cast<rtmsg*>(mnl_nlmsg_put_extra_header(message, sizeof(rtmsg)));
            route->rtm_family = AF_INET;
            route->rtm_dst_len = 32;
            mnl_attr_put_u32(message, RTA_DST, Be32(destination).raw());
            if (source) {
                route->rtm_src_len = 32;
                mnl_attr_put_u32(message, RTA_SRC, Be32(source).raw());
            }
        },
        [&](const nlmsghdr* message) {
            if (message->nlmsg_type != RTM_NEWROUTE) return;
            auto* route = static_cast<const rtmsg*>(mnl_nlmsg_get_payload(message));
            if (route->rtm_type != RTN_UNICAST) return;
            Ipv4Route read;
            mnl_attr_parse(message, sizeof *route, read_route, &read);
            if (source) read.source = source;
            if (read.ifindex && read.source) found = read;
        });
    return done ? found : std::nullopt;
}

std::vector<Ipv4Address> ipv4_addresses() {
    std::vector<Ipv4Address> out;
    (void)rtnetlink(
        RTM_GETADDR, NLM_F_DUMP,
        [](nlmsghdr* message) {
            auto* info = static_cast<ifaddrmsg*>(mnl_nlmsg_put_extra_header(message, sizeof(ifaddrmsg)));
            info->ifa_family = AF_INET;
        },
        [&](const nlmsghdr* message) {
            if (message->nlmsg_type != RTM_NEWADDR) return;
            auto* info = static_cast<const ifaddrmsg*>(mnl_nlmsg_get_payload(message));
            Ipv4Address one;
            one.ifindex = static_cast<int>(info->ifa_index);
            mnl_attr_parse(message, sizeof *info, read_address, &one);
            if (one.address) out.push_back(one);
        })
        .ok();
    return out;
}

Result<std::unique_ptr<RouteEvents>> RouteEvents::create(net::Loop& loop, std::function<void()> callback) {
    auto events = std::make_unique<NetlinkRouteEvents>(std::move(callback));
    WEFT_TRY(events->start(loop));
    return std::unique_ptr<RouteEvents>(std::move(events));
}

}  // namespace weft::datapath
