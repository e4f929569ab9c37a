#include "datapath/userspace/packet_socket.h"

#include <fmt/format.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include <cerrno>
#include <cstring>

#include "base/log.h"
#include "datapath/userspace/vnet.h"

namespace weft::datapath {

namespace {

using packet::Packet;

log::Module lg("netdev_linux");

constexpr size_t kMaxFrame = 65535 + 64;
constexpr size_t kControl = CMSG_SPACE(sizeof(tpacket_auxdata));
constexpr int kSocketBuffer = 8 << 20;
constexpr int kFanoutIgnoreOutgoing = 0x4000;  // PACKET_FANOUT_FLAG_IGNORE_OUTGOING of newer headers

// Room for one batch, shared by all that a thread reads: they are read one after the other.
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
    thread_local ReceiveArea area;
    return area;
}

void read_auxiliary(msghdr& message, Packet& packet) {
    for (cmsghdr* c = CMSG_FIRSTHDR(&message); c; c = CMSG_NXTHDR(&message, c)) {
        if (c->cmsg_level != SOL_PACKET || c->cmsg_type != PACKET_AUXDATA) continue;
        tpacket_auxdata aux;
        std::memcpy(&aux, CMSG_DATA(c), sizeof aux);
        restore_tag(packet, aux.tp_status, aux.tp_vlan_tpid, aux.tp_vlan_tci);
        return;
    }
}

Error os_error(const std::string& device, std::string_view what) {
    return Error{fmt::format("{}: {}: {}", device, what, std::strerror(errno))};
}

// A socket on the device; protocol 0 receives nothing.
Result<Descriptor> open_socket(const std::string& device, int ifindex, uint16_t protocol, ReceiveRing* ring) {
    Descriptor fd(socket(AF_PACKET, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    if (!fd.open()) return os_error(device, "opening a packet socket");
    if (!fd.option(SOL_PACKET, PACKET_VNET_HDR, 1)) return os_error(device, "asking for offload headers");
    if (!fd.option(SOL_PACKET, PACKET_AUXDATA, 1)) return os_error(device, "asking for VLAN tags");
    if (!fd.option(SOL_PACKET, PACKET_IGNORE_OUTGOING, 1))
        return os_error(device, "leaving out sent packets");
    if (!fd.option(SOL_SOCKET, SO_RCVBUFFORCE, kSocketBuffer))
        fd.option(SOL_SOCKET, SO_RCVBUF, kSocketBuffer);
    if (!fd.option(SOL_SOCKET, SO_SNDBUFFORCE, kSocketBuffer))
        fd.option(SOL_SOCKET, SO_SNDBUF, kSocketBuffer);
    if (ring) {
        auto made = ReceiveRing::attach(fd.get());
        if (made)
            *ring = std::move(*made);
        else
            lg.info("{}: packets are received without a ring: {}", device, made.message());
    }
    sockaddr_ll address = {};
    address.sll_family = AF_PACKET;
    address.sll_protocol = __builtin_bswap16(protocol);
    address.sll_ifindex = ifindex;
    if (bind(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) < 0)
        return os_error(device, "binding a packet socket");
    packet_mreq membership = {};
    membership.mr_ifindex = ifindex;
    membership.mr_type = PACKET_MR_PROMISC;
    if (setsockopt(fd.get(), SOL_PACKET, PACKET_ADD_MEMBERSHIP, &membership, sizeof membership) < 0)
        return os_error(device, "switching to promiscuous mode");
    return fd;
}

}  // namespace

Result<Descriptor> open_sending_socket(const std::string& device, int ifindex) {
    return open_socket(device, ifindex, 0, nullptr);
}

Result<PacketReceiver> PacketReceiver::open(const std::string& device, int ifindex) {
    PacketReceiver out;
    WEFT_ASSIGN(out.fd_, open_socket(device, ifindex, ETH_P_ALL, &out.ring_));
    return out;
}

Result<std::vector<PacketReceiver>> PacketReceiver::open(const std::string& device, int ifindex,
                                                         unsigned count) {
    std::vector<PacketReceiver> out;
    uint16_t group = 0;
    for (unsigned i = 0; i < count; i++) {
        WEFT_ASSIGN(PacketReceiver one, open(device, ifindex));
        if (count > 1) WEFT_TRY(one.join(device, group));
        out.push_back(std::move(one));
    }
    return out;
}

// Into a group, by the hash of a packet's flow.  The first one makes it.
Result<void> PacketReceiver::join(const std::string& device, uint16_t& group) {
    bool first = group == 0;
    // What is sent on the device is left out of the group by the group's own flag, not by the sockets'
    // option.
    uint32_t value = group | (PACKET_FANOUT_HASH | kFanoutIgnoreOutgoing) << 16;
    if (first) value |= uint32_t{PACKET_FANOUT_FLAG_UNIQUEID} << 16;
    if (setsockopt(fd_.get(), SOL_PACKET, PACKET_FANOUT, &value, sizeof value) < 0)
        return os_error(device, "sharing packets between queues");
    if (first) {
        socklen_t size = sizeof value;
        if (getsockopt(fd_.get(), SOL_PACKET, PACKET_FANOUT, &value, &size) < 0)
            return os_error(device, "asking for the queues' group");
        group = static_cast<uint16_t>(value);
        return {};
    }
    // What came before it joined, the others have, too.
    std::vector<Received> twice;
    for (take(twice); !twice.empty(); take(twice)) twice.clear();
    counters_ = {};
    return {};
}

void PacketReceiver::take(std::vector<Received>& batch) {
    if (ring_.attached())
        take_from_ring(batch);
    else
        take_from_socket(batch);
}

void PacketReceiver::take_from_ring(std::vector<Received>& batch) {
    for (size_t i = 0; i < kBatch; i++) {
        Packet packet;
        auto taken = ring_.take(packet);
        if (taken == ReceiveRing::Taken::kNone) break;
        if (taken == ReceiveRing::Taken::kPacket)
            keep(std::move(packet), batch);
        else
            counters_.rx_errors++;
    }
    counters_.rx_dropped += ring_.take_lost();
}

void PacketReceiver::take_from_socket(std::vector<Received>& batch) {
    ReceiveArea& area = receive_area();
    area.prepare();
    int count = recvmmsg(fd_.get(), area.messages, kBatch, MSG_DONTWAIT, nullptr);
    if (count < 0 && errno != EAGAIN && errno != EINTR && errno != ENETDOWN) counters_.rx_errors++;
    for (int i = 0; i < count; i++) {
        size_t index = static_cast<size_t>(i);
        msghdr& message = area.messages[index].msg_hdr;
        size_t length = area.messages[index].msg_len;
        if (length <= kVnetHeader || message.msg_flags & MSG_TRUNC) {
            counters_.rx_errors++;
            continue;
        }
        Packet packet(ByteView(area.frame(index), length - kVnetHeader));
        packet.offload = read_vnet_header(area.slots[index].header);
        read_auxiliary(message, packet);
        keep(std::move(packet), batch);
    }
}

void PacketReceiver::keep(Packet packet, std::vector<Received>& batch) {
    counters_.rx_packets++;
    counters_.rx_bytes += packet.size();
    batch.push_back({std::move(packet)});
}

}  // namespace weft::datapath
