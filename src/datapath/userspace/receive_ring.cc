#include "datapath/userspace/receive_ring.h"

#include <fmt/format.h>
#include <linux/if_packet.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include <cerrno>
#include <cstring>
#include <utility>
#include <vector>

#include "datapath/userspace/vnet.h"

namespace weft::datapath {

namespace {

constexpr size_t kRing = ReceiveRing::kSlot * ReceiveRing::kSlots;
constexpr size_t kBlock = 64 << 10;
constexpr size_t kMaxFrame = 65535 + 64;

// A whole frame from the socket's queue; false: it is not there.
bool read_long_frame(int fd, packet::Packet& packet) {
    thread_local std::vector<uint8_t> frame(kMaxFrame);
    uint8_t header[kVnetHeader];
    iovec parts[2] = {{header, kVnetHeader}, {frame.data(), frame.size()}};
    msghdr message = {};
    message.msg_iov = parts;
    message.msg_iovlen = 2;
    ssize_t size = recvmsg(fd, &message, MSG_DONTWAIT);
    if (size <= static_cast<ssize_t>(kVnetHeader) || message.msg_flags & MSG_TRUNC) return false;
    packet = packet::Packet(ByteView(frame.data(), static_cast<size_t>(size) - kVnetHeader));
    packet.offload = read_vnet_header(header);
    return true;
}

// Since the last question.
uint64_t read_drops(int fd) {
    tpacket_stats stats = {};
    socklen_t size = sizeof stats;
    return getsockopt(fd, SOL_PACKET, PACKET_STATISTICS, &stats, &size) == 0 ? stats.tp_drops : 0;
}

}  // namespace

Result<ReceiveRing> ReceiveRing::attach(int fd) {
    auto option = [&](int name, const auto& value) {
        return setsockopt(fd, SOL_PACKET, name, &value, sizeof value) == 0;
    };
    auto fail = [](std::string_view what) {
        return Error{fmt::format("{}: {}", what, std::strerror(errno))};
    };
    if (!option(PACKET_VERSION, int{TPACKET_V2})) return fail("choosing the ring's version");
    if (!option(PACKET_COPY_THRESH, 1)) return fail("asking for long frames");
    tpacket_req shape = {};
    shape.tp_block_size = kBlock;
    shape.tp_block_nr = kRing / kBlock;
    shape.tp_frame_size = kSlot;
    shape.tp_frame_nr = kSlots;
    if (!option(PACKET_RX_RING, shape)) return fail("making a ring");
    void* memory = mmap(nullptr, kRing, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, fd, 0);
    if (memory == MAP_FAILED) {
        Error error = fail("mapping a ring");
        (void)option(PACKET_RX_RING, tpacket_req{});
        return error;
    }
    ReceiveRing ring;
    ring.fd_ = fd;
    ring.slots_ = static_cast<uint8_t*>(memory);
    return ring;
}

ReceiveRing::ReceiveRing(ReceiveRing&& other) noexcept {
    *this = std::move(other);
}

ReceiveRing& ReceiveRing::operator=(ReceiveRing&& other) noexcept {
    std::swap(fd_, other.fd_);
    std::swap(slots_, other.slots_);
    std::swap(next_, other.next_);
    std::swap(lost_, other.lost_);
    return *this;
}

ReceiveRing::~ReceiveRing() {
    if (slots_) munmap(slots_, kRing);
}

ReceiveRing::Taken ReceiveRing::take(packet::Packet& packet) {
    uint8_t* slot = slots_ + next_ * kSlot;
    auto* header = reinterpret_cast<tpacket2_hdr*>(slot);
    uint32_t status = __atomic_load_n(&header->tp_status, __ATOMIC_ACQUIRE);
    if (!(status & TP_STATUS_USER)) return Taken::kNone;
    if (status & TP_STATUS_LOSING) lost_ += read_drops(fd_);
    next_ = (next_ + 1) % kSlots;
    bool good = true;
    if (status & TP_STATUS_COPY) {
        good = read_long_frame(fd_, packet);
    } else if (header->tp_snaplen < header->tp_len || !header->tp_len) {
        good = false;  // a long frame for which the socket's queue had no room
    } else {
        const uint8_t* frame = slot + header->tp_mac;
        packet = packet::Packet(ByteView(frame, header->tp_snaplen));
        packet.offload = read_vnet_header(frame - kVnetHeader);
    }
    if (good) restore_tag(packet, status, header->tp_vlan_tpid, header->tp_vlan_tci);
    __atomic_store_n(&header->tp_status, uint32_t{TP_STATUS_KERNEL}, __ATOMIC_RELEASE);
    return good ? Taken::kPacket : Taken::kDamaged;
}

}  // namespace weft::datapath
