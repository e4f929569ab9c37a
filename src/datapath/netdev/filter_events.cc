#include "datapath/netdev/filter_events.h"

#include <libmnl/libmnl.h>
#include <linux/rtnetlink.h>

#include <utility>

namespace weft::datapath {

Result<std::unique_ptr<FilterEvents>> FilterEvents::create(net::Loop& loop, std::function<void(int)> gone) {
    std::unique_ptr<FilterEvents> events(new FilterEvents);
    std::set<int>& devices = events->devices_;
    auto message = [&devices](const nlmsghdr& one) {
        // A queue that goes takes its chains of filters with it, and says so before (RTM_DELQDISC) it does
        // it.
        if (one.nlmsg_type != RTM_DELTFILTER && one.nlmsg_type != RTM_DELCHAIN) return;
        if (mnl_nlmsg_get_payload_len(&one) < sizeof(tcmsg)) return;
        auto* tc = static_cast<const tcmsg*>(mnl_nlmsg_get_payload(&one));
        devices.insert(tc->tcm_ifindex);
    };
    auto told = [&devices, gone = std::move(gone)](bool lost) {
        if (lost) devices.insert(0);
        for (int ifindex : std::exchange(devices, {})) gone(ifindex);
    };
    WEFT_ASSIGN(events->events_, net::NetlinkEvents::create(loop, 1u << (RTNLGRP_TC - 1), std::move(message),
                                                            std::move(told)));
    return events;
}

}  // namespace weft::datapath
