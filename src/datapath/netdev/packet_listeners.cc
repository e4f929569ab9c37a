#include "datapath/netdev/packet_listeners.h"

#include <libmnl/libmnl.h>
#include <linux/netlink.h>
#include <linux/packet_diag.h>
#include <linux/sock_diag.h>
#include <sys/socket.h>

#include <memory>
#include <vector>

namespace weft::datapath {

namespace {

struct Question {
    int ifindex;
    bool heard = false;
};

int on_attribute(const nlattr* attribute, void* data) {
    auto& question = *static_cast<Question*>(data);
    if (mnl_attr_get_type(attribute) == PACKET_DIAG_INFO &&
        mnl_attr_get_payload_len(attribute) >= sizeof(packet_diag_info)) {
        auto* info = static_cast<const packet_diag_info*>(mnl_attr_get_payload(attribute));
        if (!info->pdi_index || static_cast<int>(info->pdi_index) == question.ifindex) question.heard = true;
    }
    return MNL_CB_OK;
}

int on_socket(const nlmsghdr* message, void* data) {
    auto* socket = static_cast<const packet_diag_msg*>(mnl_nlmsg_get_payload(message));
    if (socket->pdiag_num) mnl_attr_parse(message, sizeof *socket, on_attribute, data);
    return MNL_CB_OK;
}

mnl_socket* diag_socket() {
    static const std::unique_ptr<mnl_socket, int (*)(mnl_socket*)> socket = [] {
        mnl_socket* opened = mnl_socket_open2(NETLINK_SOCK_DIAG, SOCK_CLOEXEC);
        if (opened && mnl_socket_bind(opened, 0, MNL_SOCKET_AUTOPID) < 0) {
            mnl_socket_close(opened);
            opened = nullptr;
        }
        return std::unique_ptr<mnl_socket, int (*)(mnl_socket*)>(opened, mnl_socket_close);
    }();
    return socket.get();
}

}  // namespace

bool has_packet_listeners(int ifindex) {
    mnl_socket* socket = diag_socket();
    if (!socket) return true;
    static std::vector<char> buffer(64 * 1024);
    nlmsghdr* header = mnl_nlmsg_put_header(buffer.data());
    header->nlmsg_type = SOCK_DIAG_BY_FAMILY;
    header->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
    static unsigned sequence = 0;
    header->nlmsg_seq = ++sequence;
    auto* request =
        static_cast<packet_diag_req*>(mnl_nlmsg_put_extra_header(header, sizeof(packet_diag_req)));
    request->sdiag_family = AF_PACKET;
    request->pdiag_show = PACKET_SHOW_INFO;
    if (mnl_socket_sendto(socket, header, header->nlmsg_len) < 0) return true;
    Question question{ifindex};
    unsigned port = mnl_socket_get_portid(socket);
    for (int result = 1; result > 0;) {
        ssize_t size = mnl_socket_recvfrom(socket, buffer.data(), buffer.size());
        if (size < 0) return true;
        result = mnl_cb_run(buffer.data(), static_cast<size_t>(size), sequence, port, on_socket, &question);
        if (result < 0) return true;
    }
    return question.heard;
}

}  // namespace weft::datapath
