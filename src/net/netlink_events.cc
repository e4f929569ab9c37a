#include "net/netlink_events.h"

#include <fmt/format.h>
#include <libmnl/libmnl.h>
#include <linux/netlink.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>
#include <utility>

namespace weft::net {

Result<std::unique_ptr<NetlinkEvents>> NetlinkEvents::create(Loop& loop, uint32_t groups,
                                                             std::function<void(const nlmsghdr&)> message,
                                                             std::function<void(bool lost)> told) {
    std::unique_ptr<NetlinkEvents> events(new NetlinkEvents);
    events->message_ = std::move(message);
    events->told_ = std::move(told);
    events->socket_ = mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (!events->socket_ || mnl_socket_bind(events->socket_, groups, MNL_SOCKET_AUTOPID) < 0)
        return Error{fmt::format("netlink: {}", std::strerror(errno))};
    events->watch_ = loop.watch(mnl_socket_get_fd(events->socket_), Loop::kRead,
                                [raw = events.get()](unsigned) { raw->read(); });
    return events;
}

NetlinkEvents::~NetlinkEvents() {
    watch_.reset();
    if (socket_) mnl_socket_close(socket_);
}

void NetlinkEvents::read() {
    alignas(nlmsghdr) char buffer[16384];
    bool lost = false;
    for (;;) {
        ssize_t size = mnl_socket_recvfrom(socket_, buffer, sizeof buffer);
        if (size <= 0) {
            if (size < 0 && errno == ENOBUFS) {
                lost = true;
                continue;
            }
            break;
        }
        if (!message_) continue;
        int left = static_cast<int>(size);
        for (auto* at = reinterpret_cast<nlmsghdr*>(buffer); mnl_nlmsg_ok(at, left);
             at = mnl_nlmsg_next(at, &left))
            message_(*at);
    }
    told_(lost);
}

}  // namespace weft::net
