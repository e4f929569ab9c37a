#include "docker/veth.h"

#include <fmt/format.h>
#include <libmnl/libmnl.h>
#include <linux/rtnetlink.h>
#include <linux/veth.h>
#include <net/if.h>

#include "net/rtnetlink.h"

namespace weft::docker {

Result<void> make_veth_pair(const VethPair& pair) {
    Result<void> made = net::rtnetlink(RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, [&](nlmsghdr* message) {
        mnl_nlmsg_put_extra_header(message, sizeof(ifinfomsg));
        mnl_attr_put_strz(message, IFLA_IFNAME, pair.inside.c_str());
        mnl_attr_put(message, IFLA_ADDRESS, pair.mac.size(), pair.mac.data());
        nlattr* link = mnl_attr_nest_start(message, IFLA_LINKINFO);
        mnl_attr_put_strz(message, IFLA_INFO_KIND, "veth");
        nlattr* data = mnl_attr_nest_start(message, IFLA_INFO_DATA);
        nlattr* peer = mnl_attr_nest_start(message, VETH_INFO_PEER);
        mnl_nlmsg_put_extra_header(message, sizeof(ifinfomsg));
        mnl_attr_put_strz(message, IFLA_IFNAME, pair.outside.c_str());
        mnl_attr_nest_end(message, peer);
        mnl_attr_nest_end(message, data);
        mnl_attr_nest_end(message, link);
    });
    if (!made)
        return Error{fmt::format("veth pair {} and {}: {}", pair.outside, pair.inside, made.message())};
    // An end comes up only once it has its other end.
    Result<void> up = net::rtnetlink(RTM_NEWLINK, 0, [&](nlmsghdr* message) {
        auto* info = static_cast<ifinfomsg*>(mnl_nlmsg_put_extra_header(message, sizeof(ifinfomsg)));
        info->ifi_flags = info->ifi_change = IFF_UP;
        mnl_attr_put_strz(message, IFLA_IFNAME, pair.outside.c_str());
    });
    if (!up) {
        (void)remove_veth_pair(pair.outside);
        return Error{fmt::format("bringing {} up: {}", pair.outside, up.message())};
    }
    return {};
}

Result<void> remove_veth_pair(const std::string& outside) {
    Result<void> removed = net::rtnetlink(RTM_DELLINK, 0, [&](nlmsghdr* message) {
        mnl_nlmsg_put_extra_header(message, sizeof(ifinfomsg));
        mnl_attr_put_strz(message, IFLA_IFNAME, outside.c_str());
    });
    if (!removed) return Error{fmt::format("device {}: {}", outside, removed.message())};
    return {};
}

}  // namespace weft::docker
