#include "datapath/userspace/system_port.h"

#include <fmt/format.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>

#include "base/log.h"
#include "datapath/netdev/ingress_block.h"
#include "datapath/netdev/qos.h"
#include "datapath/userspace/receive_ring.h"
#include "datapath/userspace/vnet.h"
#include "packet/datagram_train.h"
#include "packet/ipv4.h"
#include "packet/segment.h"

namespace weft::datapath {

namespace {

using packet::DatagramTrain;
using packet::Packet;

log::Module lg("netdev_linux");

constexpr size_t kMaxFrame = 65535 + 64;
constexpr size_t kControl = CMSG_SPACE(sizeof(tpacket_auxdata));
constexpr int kSocketBuffer = 8 << 20;

struct PacketSocket {
    int fd = -1;
    ReceiveRing ring;
};

// Room for one batch, shared by all ports: they are read one after the other.
struct ReceiveArea {
    struct Slot {
        uint8_t header[kVnetHeader];
        alignas(cmsghdr) uint8_t control[kControl];
        iovec parts[2];
    };
    std::vector<uint8_t> frames = std::vector<uint8_t>(kBatch * kMaxFrame);
    std::vector<Slot> slots = std::vector<Slot>(kBatch);
    mmsghdr messages[kBatch];

    uint8_t* frame(size_t i) { return frames.data() + i * kMaxFrame; }
    void prepare() {
        for (size_t i = 0; i < kBatch; i++) {
            Slot& slot = slots[i];
            slot.parts[0] = {slot.header, kVnetHeader};
            slot.parts[1] = {frame(i), kMaxFrame};
            messages[i] = {};
            msghdr& message = messages[i].msg_hdr;
            message.msg_iov = slot.parts;
            message.msg_iovlen = 2;
            message.msg_control = slot.control;
            message.msg_controllen = kControl;
        }
    }
};

ReceiveArea& receive_area() {
    static ReceiveArea area;
    return area;
}

constexpr size_t kProbes = 4;  // places of the table of trains at which a flow may be

class SystemPort final : public Port, private PacketPoller::Source {
  public:
    SystemPort(PortInfo info, PacketSink& sink, PacketSocket socket, TcFilter filter)
        : Port(std::move(info)),
          sink_(sink),
          fd_(socket.fd),
          ring_(std::move(socket.ring)),
          filter_(std::move(filter)) {}
    ~SystemPort() override {
        if (poller_) poller_->remove(*this);
        watch_.reset();
        close(fd_);
    }

    void start(net::Loop& loop, PacketPoller& poller) {
        poller_ = &poller;
        watch_ = loop.watch(fd_, net::Loop::kRead, [this](unsigned) { poller_->run(*this); });
    }

    void send(Work&& work) override {
        if (!join(work)) {
            queue_.push_back({DatagramTrain(std::move(work.packet), shape_), work.key.skb_priority});
            // What cannot be read as a datagram may be one all the same: nothing overtakes it.
            if (!shape_ && (work.stale || work.key.nw_proto == packet::protocol::kUdp)) trains_ = {};
        }
        if (queue_.size() >= kBatch) flush();
    }

    void flush() override {
        for (Queued& queued : queue_) queued.train.finish();
        size_t done = 0;
        while (done < queue_.size()) {
            size_t count = 1;
            while (count < kBatch && done + count < queue_.size() &&
                   queue_[done + count].priority == queue_[done].priority)
                ++count;
            set_priority(queue_[done].priority);
            done += send_some(done, count);
        }
        queue_.clear();
        trains_ = {};
    }

    void remove() override { filter_.remove(); }

  private:
    // A batch at most.
    size_t poll() override {
        batch_.clear();
        if (ring_.attached())
            read_ring();
        else
            read_socket();
        size_t count = batch_.size();
        if (count) sink_.received(info_.number, batch_);
        return count;
    }

    void read_ring() {
        for (size_t i = 0; i < kBatch; i++) {
            Packet packet;
            auto taken = ring_.take(packet);
            if (taken == ReceiveRing::Taken::kNone) break;
            if (taken == ReceiveRing::Taken::kPacket)
                keep(std::move(packet));
            else
                stats_.rx_errors++;
        }
        stats_.rx_dropped += ring_.take_lost();
    }

    void read_socket() {
        ReceiveArea& area = receive_area();
        area.prepare();
        int count = recvmmsg(fd_, area.messages, kBatch, MSG_DONTWAIT, nullptr);
        if (count <= 0) {
            if (count < 0 && errno != EAGAIN && errno != EINTR && errno != ENETDOWN) stats_.rx_errors++;
            return;
        }
        for (int i = 0; i < count; i++) take(area, static_cast<size_t>(i));
    }

    void keep(Packet packet) {
        stats_.rx_packets++;
        stats_.rx_bytes += packet.size();
        batch_.push_back({std::move(packet)});
    }

    void take(ReceiveArea& area, size_t index) {
        msghdr& message = area.messages[index].msg_hdr;
        size_t length = area.messages[index].msg_len;
        if (length <= kVnetHeader || message.msg_flags & MSG_TRUNC) {
            stats_.rx_errors++;
            return;
        }
        length -= kVnetHeader;
        Packet packet(ByteView(area.frame(index), length));
        packet.offload = read_vnet_header(area.slots[index].header);
        read_auxiliary(message, packet);
        keep(std::move(packet));
    }

    static void read_auxiliary(msghdr& message, Packet& packet) {
        for (cmsghdr* c = CMSG_FIRSTHDR(&message); c; c = CMSG_NXTHDR(&message, c)) {
            if (c->cmsg_level != SOL_PACKET || c->cmsg_type != PACKET_AUXDATA) continue;
            tpacket_auxdata aux;
            std::memcpy(&aux, CMSG_DATA(c), sizeof aux);
            restore_tag(packet, aux.tp_status, aux.tp_vlan_tpid, aux.tp_vlan_tci);
            return;
        }
    }

    // Joins the packet to one that waits, if it is the next datagram of its flow.
    bool join(const Work& work) {
        shape_ = joins_ && !work.key.packet_type ? DatagramTrain::shape_of(work.packet) : std::nullopt;
        if (!shape_) return false;
        // A place is taken until all are given up, so that a flow is found where it was put.
        uint16_t* place = nullptr;
        for (size_t i = 0; i < kProbes; i++) {
            uint16_t& probed = trains_[((shape_->hash >> 16) + i) % trains_.size()];
            Queued* queued = probed ? &queue_[probed - 1u] : nullptr;
            if (queued && !queued->train.same_flow(work.packet, *shape_)) continue;
            if (queued && queued->priority == work.key.skb_priority &&
                queued->train.append(work.packet, *shape_))
                return true;
            place = &probed;
            break;
        }
        if (!place) place = &trains_[(shape_->hash >> 16) % trains_.size()];
        *place = static_cast<uint16_t>(queue_.size() + 1);
        return false;
    }

    // The queue that a packet was put into is the class of the device's queueing discipline (netdev/qos.h).
    void set_priority(uint32_t queue) {
        uint32_t priority = queue ? qos_class(queue) : 0;
        if (priority == priority_) return;
        int value = static_cast<int>(priority);
        if (setsockopt(fd_, SOL_SOCKET, SO_PRIORITY, &value, sizeof value) == 0) priority_ = priority;
    }

    // Sends packets from `first`; returns how many are dealt with.
    size_t send_some(size_t first, size_t count) {
        mmsghdr messages[kBatch] = {};
        iovec parts[kBatch][2];
        uint8_t headers[kBatch][kVnetHeader];
        for (size_t i = 0; i < count; i++) {
            Packet& packet = queue_[first + i].train.packet();
            write_vnet_header(packet, headers[i]);
            parts[i][0] = {headers[i], kVnetHeader};
            parts[i][1] = {packet.data(), packet.size()};
            messages[i].msg_hdr.msg_iov = parts[i];
            messages[i].msg_hdr.msg_iovlen = 2;
        }
        int sent = sendmmsg(fd_, messages, static_cast<unsigned>(count), MSG_DONTWAIT);
        if (sent > 0) {
            for (int i = 0; i < sent; i++) {
                const DatagramTrain& train = queue_[first + static_cast<size_t>(i)].train;
                stats_.tx_packets += train.count();
                stats_.tx_bytes += train.bytes();
            }
            return static_cast<size_t>(sent);
        }
        if (errno == EINTR) return 0;
        failed(queue_[first].train, errno);
        return 1;
    }

    void failed(DatagramTrain& train, int error) {
        Packet& packet = train.packet();
        // A kind of super-packet that this kernel does not take, or cannot cut (behind labels).
        bool refused =
            (error == EINVAL || error == ENOMEM) && packet.offload.gso_type != packet::GsoType::kNone;
        std::vector<Packet> segments;
        if (refused && packet.offload.gso_type == packet::GsoType::kUdp) joins_ = false;
        if (refused) segments = packet::segment(std::move(packet));
        if (!segments.empty()) {
            for (Packet& one : segments) {
                uint8_t header[kVnetHeader];
                write_vnet_header(one, header);
                iovec parts[2] = {{header, kVnetHeader}, {one.data(), one.size()}};
                if (writev(fd_, parts, 2) >= 0) {
                    stats_.tx_packets++;
                    stats_.tx_bytes += one.size();
                } else {
                    stats_.tx_errors++;
                }
            }
            return;
        }
        using explain::DropReason;
        stats_.tx_dropped += train.count();
        DropReason reason = error == ENETDOWN || error == ENXIO || error == ENODEV ? DropReason::kPortDown
                            : error == EMSGSIZE                                    ? DropReason::kTooBig
                            : error == EAGAIN || error == ENOBUFS ? DropReason::kTransmitQueueFull
                                                                  : DropReason::kTransmitError;
        for (size_t i = 0; i < train.count(); i++) sink_.dropped(reason);
    }

    PacketSink& sink_;
    int fd_;
    ReceiveRing ring_;  // none: the socket is read
    TcFilter filter_;
    PacketPoller* poller_ = nullptr;  // of a port that receives
    std::unique_ptr<net::Loop::Watch> watch_;
    struct Queued {
        DatagramTrain train;  // of one, mostly
        uint32_t priority;
    };
    std::vector<Queued> queue_;
    // The latest train of a flow, that later datagrams may be joined to, by a hash of the flow: its place in
    // queue_, counted from 1.
    std::array<uint16_t, 128> trains_ = {};
    bool joins_ = true;                          // the kernel takes super-packets of UDP
    std::optional<DatagramTrain::Shape> shape_;  // of the packet that is being sent
    uint32_t priority_ = 0;                      // the socket's
    std::vector<Received> batch_;
};

Error os_error(const std::string& device, std::string_view what) {
    return Error{fmt::format("{}: {}: {}", device, what, std::strerror(errno))};
}

}  // namespace

namespace {

// A packet socket on the device; protocol 0 receives nothing.
Result<PacketSocket> open_packet_socket(const std::string& device, int ifindex, uint16_t protocol) {
    int fd = socket(AF_PACKET, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) return os_error(device, "opening a packet socket");
    auto fail = [&](std::string_view what) {
        Error error = os_error(device, what);
        close(fd);
        return error;
    };
    auto option = [&](int level, int name, int value) {
        return setsockopt(fd, level, name, &value, sizeof value) == 0;
    };
    if (!option(SOL_PACKET, PACKET_VNET_HDR, 1)) return fail("asking for offload headers");
    if (!option(SOL_PACKET, PACKET_AUXDATA, 1)) return fail("asking for VLAN tags");
    if (!option(SOL_PACKET, PACKET_IGNORE_OUTGOING, 1)) return fail("leaving out sent packets");
    if (!option(SOL_SOCKET, SO_RCVBUFFORCE, kSocketBuffer)) option(SOL_SOCKET, SO_RCVBUF, kSocketBuffer);
    if (!option(SOL_SOCKET, SO_SNDBUFFORCE, kSocketBuffer)) option(SOL_SOCKET, SO_SNDBUF, kSocketBuffer);
    PacketSocket out;
    if (protocol) {
        auto ring = ReceiveRing::attach(fd);
        if (ring)
            out.ring = std::move(*ring);
        else
            lg.info("{}: packets are received without a ring: {}", device, ring.message());
    }
    sockaddr_ll address = {};
    address.sll_family = AF_PACKET;
    address.sll_protocol = __builtin_bswap16(protocol);
    address.sll_ifindex = ifindex;
    if (bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) < 0)
        return fail("binding a packet socket");
    packet_mreq membership = {};
    membership.mr_ifindex = ifindex;
    membership.mr_type = PACKET_MR_PROMISC;
    if (setsockopt(fd, SOL_PACKET, PACKET_ADD_MEMBERSHIP, &membership, sizeof membership) < 0) {
        return fail("switching to promiscuous mode");
    }
    out.fd = fd;
    return out;
}

}  // namespace

Result<std::unique_ptr<Port>> open_system_port(net::Loop& loop, PacketPoller& poller, PacketSink& sink,
                                               PortInfo info) {
    int ifindex = static_cast<int>(if_nametoindex(info.name.c_str()));
    if (!ifindex) return Error{fmt::format("{}: no such network device", info.name)};
    WEFT_ASSIGN(PacketSocket socket, open_packet_socket(info.name, ifindex, ETH_P_ALL));
    auto block = install_ingress_block(ifindex, info.name);
    if (!block) {
        lg.warn("{}: the host's own network stack keeps receiving from this port: {}", info.name,
                block.message());
        block = TcFilter();
    }
    auto port = std::make_unique<SystemPort>(std::move(info), sink, std::move(socket), std::move(*block));
    port->start(loop, poller);
    return std::unique_ptr<Port>(std::move(port));
}

Result<std::unique_ptr<Port>> open_sending_system_port(PacketSink& sink, PortInfo info, int ifindex,
                                                       TcFilter filter) {
    WEFT_ASSIGN(PacketSocket socket, open_packet_socket(info.name, ifindex, 0));
    return std::unique_ptr<Port>(
        std::make_unique<SystemPort>(std::move(info), sink, std::move(socket), std::move(filter)));
}

}  // namespace weft::datapath
