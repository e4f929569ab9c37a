#include "datapath/userspace/tunnel_socket.h"

#include <fmt/format.h>
#include <linux/filter.h>
#include <netinet/in.h>
#include <netinet/udp.h>

#include <cerrno>
#include <cstring>

#include "packet/address.h"

#ifndef UDP_SEGMENT
#define UDP_SEGMENT 103
#endif
#ifndef UDP_GRO
#define UDP_GRO 104
#endif

namespace weft::datapath {

namespace {

using packet::Tunnel;

constexpr int kSocketBuffer = 8 << 20;
constexpr int kNoChecksum6Tx = 101, kNoChecksum6Rx = 102;  // UDP_NO_CHECK6_TX, UDP_NO_CHECK6_RX

Error os_error(std::string_view name, std::string_view what) {
    return Error{fmt::format("{}: {}: {}", name, what, std::strerror(errno))};
}

void grow_buffers(const Descriptor& socket) {
    if (!socket.option(SOL_SOCKET, SO_RCVBUFFORCE, kSocketBuffer)) {
        socket.option(SOL_SOCKET, SO_RCVBUF, kSocketBuffer);
    }
    if (!socket.option(SOL_SOCKET, SO_SNDBUFFORCE, kSocketBuffer)) {
        socket.option(SOL_SOCKET, SO_SNDBUF, kSocketBuffer);
    }
}

bool bind_port(const Descriptor& socket, bool v6, uint16_t port) {
    sockaddr_storage address = {};
    if (v6) {
        auto* a = reinterpret_cast<sockaddr_in6*>(&address);
        a->sin6_family = AF_INET6;
        a->sin6_port = htons(port);
        return bind(socket.get(), reinterpret_cast<sockaddr*>(a), sizeof *a) == 0;
    }
    auto* a = reinterpret_cast<sockaddr_in*>(&address);
    a->sin_family = AF_INET;
    a->sin_port = htons(port);
    return bind(socket.get(), reinterpret_cast<sockaddr*>(a), sizeof *a) == 0;
}

Result<Descriptor> open_socket(const PortInfo& info, bool v6) {
    bool gre = is_gre(info.type);
    Descriptor socket(::socket(v6 ? AF_INET6 : AF_INET,
                               (gre ? SOCK_RAW : SOCK_DGRAM) | SOCK_NONBLOCK | SOCK_CLOEXEC,
                               gre ? IPPROTO_GRE : IPPROTO_UDP));
    if (!socket.open()) return os_error(info.name, "opening a socket");
    if (v6) socket.option(IPPROTO_IPV6, IPV6_V6ONLY, 1);
    grow_buffers(socket);
    return socket;
}

socklen_t fill_address(sockaddr_storage& address, const Tunnel& key, bool v6, uint16_t port) {
    std::memset(&address, 0, sizeof address);
    if (v6) {
        auto* a = reinterpret_cast<sockaddr_in6*>(&address);
        a->sin6_family = AF_INET6;
        a->sin6_port = htons(port);
        std::memcpy(&a->sin6_addr, key.ipv6_dst.data(), 16);
        return sizeof *a;
    }
    auto* a = reinterpret_cast<sockaddr_in*>(&address);
    a->sin_family = AF_INET;
    a->sin_port = htons(port);
    a->sin_addr.s_addr = key.dst.raw();
    return sizeof *a;
}

template <typename T>
T control_value(cmsghdr* c) {
    T value = {};
    std::memcpy(&value, CMSG_DATA(c), std::min<size_t>(sizeof value, c->cmsg_len - CMSG_LEN(0)));
    return value;
}

}  // namespace

Result<Descriptor> open_tunnel_receiver(const PortInfo& info, bool v6) {
    WEFT_ASSIGN(Descriptor socket, open_socket(info, v6));
    if (v6) {
        socket.option(IPPROTO_IPV6, IPV6_RECVPKTINFO, 1);
        socket.option(IPPROTO_IPV6, IPV6_RECVTCLASS, 1);
        socket.option(IPPROTO_IPV6, IPV6_RECVHOPLIMIT, 1);
    } else {
        socket.option(IPPROTO_IP, IP_PKTINFO, 1);
        socket.option(IPPROTO_IP, IP_RECVTOS, 1);
        socket.option(IPPROTO_IP, IP_RECVTTL, 1);
    }
    if (is_gre(info.type)) return socket;
    if (v6) socket.option(IPPROTO_UDP, kNoChecksum6Rx, 1);
    socket.option(IPPROTO_UDP, UDP_GRO, 1);
    if (!bind_port(socket, v6, info.tunnel_port)) {
        return os_error(info.name, fmt::format("binding UDP port {}", info.tunnel_port));
    }
    return socket;
}

Result<Descriptor> open_tunnel_sender(const PortInfo& info, bool v6, uint16_t src_port) {
    WEFT_ASSIGN(Descriptor socket, open_socket(info, v6));
    sock_filter nothing = {BPF_RET | BPF_K, 0, 0, 0};
    sock_fprog program = {1, &nothing};
    setsockopt(socket.get(), SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof program);
    if (is_gre(info.type)) return socket;
    if (src_port) socket.option(SOL_SOCKET, SO_REUSEADDR, 1);
    if (!bind_port(socket, v6, src_port))
        return os_error(info.name, fmt::format("binding UDP port {}", src_port));
    if (v6) socket.option(IPPROTO_UDP, kNoChecksum6Tx, 0);
    return socket;
}

size_t read_control(msghdr& message, bool v6, Tunnel& key) {
    if (v6) {
        auto* from = static_cast<sockaddr_in6*>(message.msg_name);
        std::memcpy(key.ipv6_src.data(), &from->sin6_addr, 16);
        key.tp_src = ntohs(from->sin6_port);
    } else {
        auto* from = static_cast<sockaddr_in*>(message.msg_name);
        key.src = Be32::from_raw(from->sin_addr.s_addr);
        key.tp_src = ntohs(from->sin_port);
    }
    size_t segment = 0;
    for (cmsghdr* c = CMSG_FIRSTHDR(&message); c; c = CMSG_NXTHDR(&message, c)) {
        if (c->cmsg_level == IPPROTO_UDP && c->cmsg_type == UDP_GRO) {
            segment = static_cast<size_t>(control_value<int>(c));
        } else if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_PKTINFO) {
            key.dst = Be32::from_raw(control_value<in_pktinfo>(c).ipi_addr.s_addr);
        } else if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_TOS) {
            key.tos = *CMSG_DATA(c);
        } else if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_TTL) {
            key.ttl = static_cast<uint8_t>(control_value<int>(c));
        } else if (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_PKTINFO) {
            in6_pktinfo info = control_value<in6_pktinfo>(c);
            std::memcpy(key.ipv6_dst.data(), &info.ipi6_addr, 16);
        } else if (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_TCLASS) {
            key.tos = static_cast<uint8_t>(control_value<int>(c));
        } else if (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_HOPLIMIT) {
            key.ttl = static_cast<uint8_t>(control_value<int>(c));
        }
    }
    return segment;
}

template <typename T>
void SendControl::add(msghdr& message, int level, int type, const T& value) {
    assert(message.msg_controllen + CMSG_SPACE(sizeof value) <= sizeof bytes_);
    auto* header = reinterpret_cast<cmsghdr*>(bytes_ + message.msg_controllen);
    header->cmsg_level = level;
    header->cmsg_type = type;
    header->cmsg_len = CMSG_LEN(sizeof value);
    std::memcpy(CMSG_DATA(header), &value, sizeof value);
    message.msg_controllen += CMSG_SPACE(sizeof value);
}

void SendControl::fill(msghdr& message, const Tunnel& key, bool v6, uint16_t dst_port, size_t segment) {
    std::memset(bytes_, 0, sizeof bytes_);
    message.msg_name = &to_;
    message.msg_namelen = fill_address(to_, key, v6, dst_port);
    message.msg_control = bytes_;
    message.msg_controllen = 0;
    int ttl = key.ttl ? key.ttl : 64, tos = key.tos;
    if (v6) {
        if (!packet::is_zero(key.ipv6_src)) {
            in6_pktinfo source = {};
            std::memcpy(&source.ipi6_addr, key.ipv6_src.data(), 16);
            add(message, IPPROTO_IPV6, IPV6_PKTINFO, source);
        }
        add(message, IPPROTO_IPV6, IPV6_TCLASS, tos);
        add(message, IPPROTO_IPV6, IPV6_HOPLIMIT, ttl);
    } else {
        if (key.src) {
            in_pktinfo source = {};
            source.ipi_spec_dst.s_addr = key.src.raw();
            add(message, IPPROTO_IP, IP_PKTINFO, source);
        }
        add(message, IPPROTO_IP, IP_TOS, tos);
        add(message, IPPROTO_IP, IP_TTL, ttl);
    }
    if (segment) add(message, IPPROTO_UDP, UDP_SEGMENT, static_cast<uint16_t>(segment));
}

size_t path_mtu(const Tunnel& key, bool v6) {
    Descriptor probe(socket(v6 ? AF_INET6 : AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    sockaddr_storage address;
    socklen_t length = fill_address(address, key, v6, 9);
    if (!probe.open() || connect(probe.get(), reinterpret_cast<sockaddr*>(&address), length) < 0) return 0;
    int mtu = 0;
    length = sizeof mtu;
    if (getsockopt(probe.get(), v6 ? IPPROTO_IPV6 : IPPROTO_IP, v6 ? IPV6_MTU : IP_MTU, &mtu, &length) < 0)
        return 0;
    return mtu > 0 ? static_cast<size_t>(mtu) : 0;
}

}  // namespace weft::datapath
