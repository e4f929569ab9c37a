#include "net/rtnetlink.h"

#include <libmnl/libmnl.h>
#include <linux/rtnetlink.h>

#include <cerrno>
#include <cstring>
#include <vector>

namespace weft::net {

namespace {

int deliver(const nlmsghdr* message, void* data) {
    auto& each = *static_cast<const std::function<void(const nlmsghdr*)>*>(data);
    if (each) each(message);
    return MNL_CB_OK;
}

}  // namespace

Result<void> rtnetlink(uint16_t type, uint16_t flags, const std::function<void(nlmsghdr*)>& build,
                       const std::function<void(const nlmsghdr*)>& each, int* error_number) {
    auto fail = [&](std::string_view what) {
        if (error_number) *error_number = errno;
        return Error{std::string(what) + ": " + std::strerror(errno)};
    };
    mnl_socket* socket = mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC);
    if (!socket) return fail("netlink socket");
    if (mnl_socket_bind(socket, 0, MNL_SOCKET_AUTOPID) < 0) {
        mnl_socket_close(socket);
        return fail("netlink bind");
    }
    std::vector<char> buffer(64 * 1024);
    nlmsghdr* header = mnl_nlmsg_put_header(buffer.data());
    header->nlmsg_type = type;
    // The flags of dumps and of changes share bits (NLM_F_ROOT is NLM_F_REPLACE): the type tells them apart.
    bool dump = (type & 3) == 2 && flags & NLM_F_DUMP;
    header->nlmsg_flags = static_cast<uint16_t>(NLM_F_REQUEST | flags | (dump ? 0 : NLM_F_ACK));
    header->nlmsg_seq = 1;
    build(header);
    int result = mnl_socket_sendto(socket, header, header->nlmsg_len) < 0 ? -1 : 1;
    unsigned port = mnl_socket_get_portid(socket);
    while (result > 0) {
        ssize_t size = mnl_socket_recvfrom(socket, buffer.data(), buffer.size());
        if (size < 0) {
            result = -1;
            break;
        }
        result = mnl_cb_run(buffer.data(), static_cast<size_t>(size), 1, port, deliver,
                            const_cast<void*>(static_cast<const void*>(&each)));
    }
    int saved = errno;
    mnl_socket_close(socket);
    errno = saved;
    if (result < 0) return fail("netlink");
    return {};
}

}  // namespace weft::net
