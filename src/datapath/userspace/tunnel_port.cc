#include "datapath/userspace/tunnel_port.h"

#include <fmt/format.h>
#include <linux/filter.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "base/clock.h"
#include "base/hash_map.h"
#include "base/log.h"
#include "datapath/userspace/tunnel_header.h"
#include "packet/address.h"
#include "packet/ipv4.h"
#include "packet/segment.h"

namespace weft::datapath {

namespace {

using packet::Packet;
using packet::Tunnel;

log::Module lg("tunnel");

constexpr size_t kMaxFrame = 65535 + 64;
constexpr int kSocketBuffer = 8 << 20;
constexpr int64_t kRouteLifeMs = 1000;

class Descriptor {
  public:
    Descriptor() = default;
    explicit Descriptor(int fd) : fd_(fd) {}
    Descriptor(Descriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
    Descriptor& operator=(Descriptor&& other) noexcept {
        std::swap(fd_, other.fd_);
        return *this;
    }
    ~Descriptor() {
        if (fd_ >= 0) close(fd_);
    }
    int get() const { return fd_; }
    bool option(int level, int name, int value) const {
        return setsockopt(fd_, level, name, &value, sizeof value) == 0;
    }

  private:
    int fd_ = -1;
};

Error os_error(std::string_view name, std::string_view what) {
    return Error{fmt::format("{}: {}: {}", name, what, std::strerror(errno))};
}

void grow_buffers(const Descriptor& socket) {
    if (!socket.option(SOL_SOCKET, SO_RCVBUFFORCE, kSocketBuffer))
        socket.option(SOL_SOCKET, SO_RCVBUF, kSocketBuffer);
    if (!socket.option(SOL_SOCKET, SO_SNDBUFFORCE, kSocketBuffer))
        socket.option(SOL_SOCKET, SO_SNDBUF, kSocketBuffer);
}

// Where packets of one family come in: UDP or raw GRE.
Result<Descriptor> open_receiver(const PortInfo& info, bool v6) {
    bool gre = info.type == PortType::kGre;
    int family = v6 ? AF_INET6 : AF_INET;
    Descriptor socket(::socket(family, (gre ? SOCK_RAW : SOCK_DGRAM) | SOCK_NONBLOCK | SOCK_CLOEXEC,
                               gre ? IPPROTO_GRE : IPPROTO_UDP));
    if (socket.get() < 0) return os_error(info.name, "opening a socket");
    if (v6) {
        socket.option(IPPROTO_IPV6, IPV6_V6ONLY, 1);
        socket.option(IPPROTO_IPV6, IPV6_RECVPKTINFO, 1);
        socket.option(IPPROTO_IPV6, IPV6_RECVTCLASS, 1);
        socket.option(IPPROTO_IPV6, IPV6_RECVHOPLIMIT, 1);
        if (!gre) socket.option(IPPROTO_UDP, 102 /* UDP_NO_CHECK6_RX */, 1);
    } else {
        socket.option(IPPROTO_IP, IP_PKTINFO, 1);
        socket.option(IPPROTO_IP, IP_RECVTOS, 1);
        socket.option(IPPROTO_IP, IP_RECVTTL, 1);
    }
    grow_buffers(socket);
    if (gre) return socket;
    sockaddr_storage address = {};
    socklen_t length;
    if (v6) {
        auto* a = reinterpret_cast<sockaddr_in6*>(&address);
        a->sin6_family = AF_INET6;
        a->sin6_port = htons(info.tunnel_port);
        length = sizeof *a;
    } else {
        auto* a = reinterpret_cast<sockaddr_in*>(&address);
        a->sin_family = AF_INET;
        a->sin_port = htons(info.tunnel_port);
        length = sizeof *a;
    }
    if (bind(socket.get(), reinterpret_cast<sockaddr*>(&address), length) < 0) {
        return os_error(info.name, fmt::format("binding UDP port {}", info.tunnel_port));
    }
    return socket;
}

// Where packets of one family go out.  Raw sockets receive copies of what comes in for their protocol: none,
// here.
Result<Descriptor> open_sender(const PortInfo& info, bool v6) {
    int protocol = info.type == PortType::kGre ? IPPROTO_GRE : IPPROTO_UDP;
    Descriptor socket(::socket(v6 ? AF_INET6 : AF_INET, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, protocol));
    if (socket.get() < 0) return os_error(info.name, "opening a raw socket");
    sock_filter nothing = {BPF_RET | BPF_K, 0, 0, 0};
    sock_fprog program = {1, &nothing};
    setsockopt(socket.get(), SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof program);
    grow_buffers(socket);
    return socket;
}

// The control messages of one packet to send.
struct SendControl {
    alignas(cmsghdr) uint8_t bytes[CMSG_SPACE(sizeof(in6_pktinfo)) + 2 * CMSG_SPACE(sizeof(int))];
    sockaddr_storage to;
};

class TunnelPort final : public Port {
  public:
    TunnelPort(PortInfo info, PacketSink& sink) : Port(std::move(info)), sink_(sink) {}

    Result<void> start(net::Loop& loop) {
        for (bool v6 : {false, true}) {
            Family& family = families_[v6];
            auto receiver = open_receiver(info_, v6);
            auto sender = open_sender(info_, v6);
            if (!receiver || !sender) {
                std::string message = receiver ? sender.message() : receiver.message();
                if (!v6) return Error{message};
                lg.dbg("{}: no IPv6 underlay: {}", info_.name, message);
                continue;
            }
            family.receiver = std::move(*receiver);
            family.sender = std::move(*sender);
            family.watch =
                loop.watch(family.receiver.get(), net::Loop::kRead, [this, v6](unsigned) { read(v6); });
        }
        return {};
    }

    void send(Work work) override {
        Tunnel& key = work.key.tunnel;
        bool v6 = !packet::is_zero(key.ipv6_dst);
        if (!work.tunnel_set || (!v6 && !key.dst)) return drop(explain::DropReason::kTunnelNoKey);
        if (families_[v6].sender.get() < 0) return drop(explain::DropReason::kTunnelNoRoute);
        if (needs_source(key) && !choose_source(key, v6)) return drop(explain::DropReason::kTunnelNoRoute);
        uint16_t src_port = key.tp_src;
        if (!src_port) {  // the range of udp_flow_src_port: the ephemeral ports
            work.refresh();
            src_port = static_cast<uint16_t>(32768 + packet::flow_hash(work.key, 0) % (60999 - 32768 + 1));
        }
        uint16_t dst_port = key.tp_dst ? key.tp_dst.get() : info_.tunnel_port;
        std::vector<Packet> frames;
        if (work.packet.offload.gso_type == packet::GsoType::kNone) {
            packet::finish_checksum(work.packet);
            frames.push_back(std::move(work.packet));
        } else {
            frames = packet::segment(std::move(work.packet));
            if (frames.empty()) return drop(explain::DropReason::kMalformed);
        }
        for (Packet& frame : frames) {
            push_tunnel_header(frame, info_.type, key, src_port, dst_port);
            queue_.push_back({std::move(frame), key, v6});
            if (queue_.size() >= kBatch) flush();
        }
    }

    void flush() override {
        for (size_t done = 0; done < queue_.size();) {
            bool v6 = queue_[done].v6, df = dont_fragment(queue_[done].key);
            size_t count = 1;
            while (done + count < queue_.size() && count < kBatch && queue_[done + count].v6 == v6 &&
                   dont_fragment(queue_[done + count].key) == df) {
                count++;
            }
            done += send_some(done, count, v6, df);
        }
        queue_.clear();
    }

  private:
    struct Family {
        Descriptor receiver, sender;
        std::unique_ptr<net::Loop::Watch> watch;
        int discovery = -1;  // of the sender, as last set
    };
    struct Outgoing {
        Packet packet;
        Tunnel key;
        bool v6;
    };
    struct Source {
        packet::Ipv6Addr address{};  // IPv4: the first 4 bytes
        int64_t until_ms = 0;
        bool found = false;
    };

    void drop(explain::DropReason reason) {
        stats_.tx_dropped++;
        sink_.dropped(reason);
    }

    static bool dont_fragment(const Tunnel& key) { return key.flags & packet::kTunnelDontFragment; }

    // The UDP checksum covers the source address; else the kernel may choose it later.
    bool needs_source(const Tunnel& key) const {
        bool has = key.src || !packet::is_zero(key.ipv6_src);
        return !has && info_.type != PortType::kGre && key.flags & packet::kTunnelCsum;
    }

    // The address with which the host's routes reach the remote.
    bool choose_source(Tunnel& key, bool v6) {
        packet::Ipv6Addr remote = v6 ? key.ipv6_dst : packet::map_ipv4(key.dst);
        int64_t now = clock::monotonic_ms();
        if (sources_.size() > 4096) sources_.clear();
        Source& source = sources_[remote];
        if (source.until_ms <= now) {
            source.found = look_up_source(key, v6, source.address);
            source.until_ms = now + kRouteLifeMs;
        }
        return use_source(key, v6, source);
    }
    static bool use_source(Tunnel& key, bool v6, const Source& source) {
        if (!source.found) return false;
        if (v6) {
            key.ipv6_src = source.address;
        } else {
            key.src = load_be32(source.address.data());
        }
        return true;
    }

    bool look_up_source(const Tunnel& key, bool v6, packet::Ipv6Addr& out) const {
        Descriptor probe(socket(v6 ? AF_INET6 : AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
        sockaddr_storage address = {};
        socklen_t length = fill_address(address, key, v6, info_.tunnel_port);
        if (connect(probe.get(), reinterpret_cast<sockaddr*>(&address), length) < 0) return false;
        length = sizeof address;
        if (getsockname(probe.get(), reinterpret_cast<sockaddr*>(&address), &length) < 0) return false;
        if (v6) {
            std::memcpy(out.data(), &reinterpret_cast<sockaddr_in6*>(&address)->sin6_addr, 16);
        } else {
            std::memcpy(out.data(), &reinterpret_cast<sockaddr_in*>(&address)->sin_addr, 4);
        }
        return true;
    }

    static socklen_t fill_address(sockaddr_storage& address, const Tunnel& key, bool v6, uint16_t port) {
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
    static void add_control(msghdr& message, int level, int type, const T& value) {
        auto* header =
            reinterpret_cast<cmsghdr*>(static_cast<uint8_t*>(message.msg_control) + message.msg_controllen);
        header->cmsg_level = level;
        header->cmsg_type = type;
        header->cmsg_len = CMSG_LEN(sizeof value);
        std::memcpy(CMSG_DATA(header), &value, sizeof value);
        message.msg_controllen += CMSG_SPACE(sizeof value);
    }

    void fill_message(msghdr& message, SendControl& control, iovec& part, Outgoing& out) {
        const Tunnel& key = out.key;
        part = {out.packet.data(), out.packet.size()};
        message.msg_iov = &part;
        message.msg_iovlen = 1;
        message.msg_name = &control.to;
        std::memset(&control, 0, sizeof control);
        message.msg_namelen = fill_address(control.to, key, out.v6, 0);
        message.msg_control = control.bytes;
        message.msg_controllen = 0;
        if (out.v6) {
            if (!packet::is_zero(key.ipv6_src)) {
                in6_pktinfo source = {};
                std::memcpy(&source.ipi6_addr, key.ipv6_src.data(), 16);
                add_control(message, IPPROTO_IPV6, IPV6_PKTINFO, source);
            }
            add_control(message, IPPROTO_IPV6, IPV6_TCLASS, int{key.tos});
            add_control(message, IPPROTO_IPV6, IPV6_HOPLIMIT, int{key.ttl ? key.ttl : 64});
        } else {
            if (key.src) {
                in_pktinfo source = {};
                source.ipi_spec_dst.s_addr = key.src.raw();
                add_control(message, IPPROTO_IP, IP_PKTINFO, source);
            }
            add_control(message, IPPROTO_IP, IP_TOS, int{key.tos});
            add_control(message, IPPROTO_IP, IP_TTL, int{key.ttl ? key.ttl : 64});
        }
    }

    // Whether the kernel may fragment what is sent next.
    void set_discovery(Family& family, bool v6, bool df) {
        int wanted =
            v6 ? (df ? IPV6_PMTUDISC_DO : IPV6_PMTUDISC_DONT) : (df ? IP_PMTUDISC_DO : IP_PMTUDISC_DONT);
        if (family.discovery == wanted) return;
        if (v6) {
            family.sender.option(IPPROTO_IPV6, IPV6_MTU_DISCOVER, wanted);
        } else {
            family.sender.option(IPPROTO_IP, IP_MTU_DISCOVER, wanted);
        }
        family.discovery = wanted;
    }

    size_t send_some(size_t first, size_t count, bool v6, bool df) {
        Family& family = families_[v6];
        set_discovery(family, v6, df);
        mmsghdr messages[kBatch] = {};
        SendControl controls[kBatch];
        iovec parts[kBatch];
        for (size_t i = 0; i < count; i++)
            fill_message(messages[i].msg_hdr, controls[i], parts[i], queue_[first + i]);
        int sent = sendmmsg(family.sender.get(), messages, static_cast<unsigned>(count), MSG_DONTWAIT);
        if (sent > 0) {
            for (int i = 0; i < sent; i++) count_sent(queue_[first + static_cast<size_t>(i)].packet);
            return static_cast<size_t>(sent);
        }
        if (errno == EINTR) return 0;
        if (errno == EMSGSIZE && df) {
            // The path is narrower than the packet, which cannot be made smaller here: fragments get through.
            queue_[first].key.flags =
                queue_[first].key.flags & static_cast<uint16_t>(~packet::kTunnelDontFragment);
            set_discovery(family, v6, false);
            if (sendmsg(family.sender.get(), &messages[0].msg_hdr, MSG_DONTWAIT) >= 0) {
                count_sent(queue_[first].packet);
                return 1;
            }
        }
        using explain::DropReason;
        drop(errno == ENETUNREACH || errno == EHOSTUNREACH ? DropReason::kTunnelNoRoute
             : errno == EMSGSIZE                           ? DropReason::kTunnelFragmentationNeeded
             : errno == EAGAIN || errno == ENOBUFS         ? DropReason::kTransmitQueueFull
                                                           : DropReason::kTransmitError);
        return 1;
    }

    void count_sent(const Packet& packet) {
        stats_.tx_packets++;
        stats_.tx_bytes += packet.size();
    }

    void read(bool v6) {
        static std::vector<uint8_t> frames(kBatch * kMaxFrame);
        struct Slot {
            alignas(
                cmsghdr) uint8_t control[CMSG_SPACE(sizeof(in6_pktinfo)) + 2 * CMSG_SPACE(sizeof(int)) + 64];
            sockaddr_storage from;
            iovec part;
        };
        static std::vector<Slot> slots(kBatch);
        mmsghdr messages[kBatch] = {};
        for (size_t i = 0; i < kBatch; i++) {
            slots[i].part = {frames.data() + i * kMaxFrame, kMaxFrame};
            msghdr& message = messages[i].msg_hdr;
            message.msg_iov = &slots[i].part;
            message.msg_iovlen = 1;
            message.msg_control = slots[i].control;
            message.msg_controllen = sizeof slots[i].control;
            message.msg_name = &slots[i].from;
            message.msg_namelen = sizeof slots[i].from;
        }
        int count = recvmmsg(families_[v6].receiver.get(), messages, kBatch, MSG_DONTWAIT, nullptr);
        batch_.clear();
        for (int i = 0; i < count; i++) {
            size_t index = static_cast<size_t>(i);
            take(messages[i].msg_hdr, ByteView(frames.data() + index * kMaxFrame, messages[i].msg_len), v6);
        }
        if (!batch_.empty()) sink_.received(info_.number, batch_);
    }

    void take(msghdr& message, ByteView bytes, bool v6) {
        Received in;
        in.tunnelled = true;
        std::memset(static_cast<void*>(&in.tunnel), 0, sizeof in.tunnel);
        if (message.msg_flags & MSG_TRUNC) {
            stats_.rx_errors++;
            return;
        }
        read_addresses(message, v6, in.tunnel);
        if (info_.type == PortType::kGre && !v6) {  // a raw socket gives the IPv4 header too
            size_t header = bytes.empty() ? 0 : static_cast<size_t>(bytes[0] & 0x0f) * 4;
            if (header < packet::ipv4::kHeader || header > bytes.size()) return;
            bytes = bytes.subspan(header);
        }
        if (info_.type != PortType::kGre) in.tunnel.tp_dst = info_.tunnel_port;
        in.packet = Packet(bytes);
        auto pulled = pull_tunnel_header(in.packet, info_.type, in.tunnel);
        if (!pulled) {
            stats_.rx_errors++;
            sink_.dropped(explain::DropReason::kTunnelMalformed);
            static log::RateLimit limit(5, 25);
            if (limit.pass(lg)) lg.info("{}: {}", info_.name, pulled.message());
            return;
        }
        stats_.rx_packets++;
        stats_.rx_bytes += in.packet.size();
        batch_.push_back(std::move(in));
    }

    static void read_addresses(msghdr& message, bool v6, Tunnel& key) {
        auto number = [](cmsghdr* c) {  // TOS comes as a byte, the others as int
            if (c->cmsg_len < CMSG_LEN(sizeof(int))) return static_cast<uint8_t>(*CMSG_DATA(c));
            int value;
            std::memcpy(&value, CMSG_DATA(c), sizeof value);
            return static_cast<uint8_t>(value);
        };
        if (v6) {
            auto* from = static_cast<sockaddr_in6*>(message.msg_name);
            std::memcpy(key.ipv6_src.data(), &from->sin6_addr, 16);
            key.tp_src = ntohs(from->sin6_port);
        } else {
            auto* from = static_cast<sockaddr_in*>(message.msg_name);
            key.src = Be32::from_raw(from->sin_addr.s_addr);
            key.tp_src = ntohs(from->sin_port);
        }
        for (cmsghdr* c = CMSG_FIRSTHDR(&message); c; c = CMSG_NXTHDR(&message, c)) {
            if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_PKTINFO) {
                in_pktinfo info;
                std::memcpy(&info, CMSG_DATA(c), sizeof info);
                key.dst = Be32::from_raw(info.ipi_addr.s_addr);
            } else if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_TOS) {
                key.tos = number(c);
            } else if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_TTL) {
                key.ttl = number(c);
            } else if (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_PKTINFO) {
                in6_pktinfo info;
                std::memcpy(&info, CMSG_DATA(c), sizeof info);
                std::memcpy(key.ipv6_dst.data(), &info.ipi6_addr, 16);
            } else if (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_TCLASS) {
                key.tos = number(c);
            } else if (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_HOPLIMIT) {
                key.ttl = number(c);
            }
        }
    }

    PacketSink& sink_;
    Family families_[2];  // IPv4, IPv6
    HashMap<packet::Ipv6Addr, Source> sources_;
    std::vector<Outgoing> queue_;
    std::vector<Received> batch_;
};

}  // namespace

Result<std::unique_ptr<Port>> open_tunnel_port(net::Loop& loop, PacketSink& sink, PortInfo info) {
    auto port = std::make_unique<TunnelPort>(std::move(info), sink);
    WEFT_TRY(port->start(loop));
    return std::unique_ptr<Port>(std::move(port));
}

}  // namespace weft::datapath
