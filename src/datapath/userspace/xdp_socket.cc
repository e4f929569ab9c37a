#include "datapath/userspace/xdp_socket.h"

#include <fmt/format.h>
#include <linux/if_xdp.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>

namespace weft::datapath {

namespace {

constexpr size_t kMemory = size_t{2} * XdpSocket::kRing * XdpSocket::kChunk;
constexpr int kBusyMs = 200;
constexpr int kMaxKicks = 64;  // the kernel sends some 32 frames a call

Error refused(std::string_view what) {
    return Error{fmt::format("{}: {}", what, std::strerror(errno))};
}

// The kernel lets go of a queue some time after its last socket was closed, as when a port is opened again
// with other options: so "busy" is asked again for a while.  False: errno says why.
bool take_queue(int fd, const sockaddr_xdp& address) {
    for (int tries = 0;; tries++) {
        if (bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0) return true;
        if (errno != EBUSY || tries == kBusyMs) return false;
        poll(nullptr, 0, 1);
    }
}

}  // namespace

Result<std::unique_ptr<XdpSocket>> XdpSocket::open(int ifindex, uint32_t queue, Copy copy, bool need_wakeup) {
    std::unique_ptr<XdpSocket> socket(new XdpSocket);
    WEFT_TRY(socket->start(ifindex, queue, copy, need_wakeup));
    return socket;
}

template <typename Entry>
Result<void> XdpSocket::map(Ring<Entry>& ring, uint64_t page, const void* offsets) {
    xdp_ring_offset at;
    std::memcpy(&at, offsets, sizeof at);
    ring.size = at.desc + kRing * sizeof(Entry);
    void* memory = mmap(nullptr, ring.size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, fd_.get(),
                        static_cast<off_t>(page));
    if (memory == MAP_FAILED) return refused("mapping a ring of an AF_XDP socket");
    auto* bytes = static_cast<uint8_t*>(memory);
    ring.memory = memory;
    ring.producer = reinterpret_cast<uint32_t*>(bytes + at.producer);
    ring.consumer = reinterpret_cast<uint32_t*>(bytes + at.consumer);
    ring.flags = reinterpret_cast<uint32_t*>(bytes + at.flags);
    ring.entries = reinterpret_cast<Entry*>(bytes + at.desc);
    return {};
}

Result<void> XdpSocket::start(int ifindex, uint32_t queue, Copy copy, bool need_wakeup) {
    static_assert(sizeof(Frame) == sizeof(xdp_desc));
    fd_ = Descriptor(socket(AF_XDP, SOCK_RAW | SOCK_CLOEXEC, 0));
    if (!fd_.open()) return refused("this kernel has no AF_XDP sockets");
    void* memory =
        mmap(nullptr, kMemory, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
    if (memory == MAP_FAILED) return refused("memory for an AF_XDP socket");
    memory_ = static_cast<uint8_t*>(memory);
    auto option = [&](int name, const auto& value) {
        return setsockopt(fd_.get(), SOL_XDP, name, &value, sizeof value) == 0;
    };
    xdp_umem_reg region = {};
    region.addr = reinterpret_cast<uintptr_t>(memory_);
    region.len = kMemory;
    region.chunk_size = kChunk;
    if (!option(XDP_UMEM_REG, region)) return refused("registering memory for an AF_XDP socket");
    uint32_t entries = kRing;
    if (!option(XDP_UMEM_FILL_RING, entries) || !option(XDP_UMEM_COMPLETION_RING, entries) ||
        !option(XDP_RX_RING, entries) || !option(XDP_TX_RING, entries))
        return refused("making the rings of an AF_XDP socket");
    xdp_mmap_offsets offsets = {};
    socklen_t size = sizeof offsets;
    if (getsockopt(fd_.get(), SOL_XDP, XDP_MMAP_OFFSETS, &offsets, &size) < 0 || size != sizeof offsets)
        return Error{"this kernel's AF_XDP is too old (before Linux 5.4)"};
    WEFT_TRY(map(receive_, XDP_PGOFF_RX_RING, &offsets.rx));
    WEFT_TRY(map(transmit_, XDP_PGOFF_TX_RING, &offsets.tx));
    WEFT_TRY(map(fill_, XDP_UMEM_PGOFF_FILL_RING, &offsets.fr));
    WEFT_TRY(map(completion_, XDP_UMEM_PGOFF_COMPLETION_RING, &offsets.cr));
    for (uint32_t i = 0; i < kRing; i++) {
        fill_.at(i) = uint64_t{i} * kChunk;
        free_[free_count_++] = uint64_t{kRing + i} * kChunk;
    }
    fill_.own = kRing;
    __atomic_store_n(fill_.producer, fill_.own, __ATOMIC_RELEASE);
    need_wakeup_ = need_wakeup;
    sockaddr_xdp address = {};
    address.sxdp_family = AF_XDP;
    address.sxdp_flags = static_cast<uint16_t>((copy == Copy::kZeroCopy ? XDP_ZEROCOPY : XDP_COPY) |
                                               (need_wakeup ? XDP_USE_NEED_WAKEUP : 0));
    address.sxdp_ifindex = static_cast<uint32_t>(ifindex);
    address.sxdp_queue_id = queue;
    if (!take_queue(fd_.get(), address)) {
        return Error{fmt::format("queue {}{}: {}", queue, copy == Copy::kZeroCopy ? " without copies" : "",
                                 errno == EINVAL ? "the device has no such queue, or its driver cannot do it"
                                                 : std::strerror(errno))};
    }
    return {};
}

XdpSocket::~XdpSocket() {
    auto unmap = [](auto& ring) {
        if (ring.memory) munmap(ring.memory, ring.size);
    };
    unmap(receive_);
    unmap(transmit_);
    unmap(fill_);
    unmap(completion_);
    fd_ = Descriptor();
    if (memory_) munmap(memory_, kMemory);
}

void XdpSocket::wake_receiver() {
    if (!need_wakeup_ || !(__atomic_load_n(fill_.flags, __ATOMIC_RELAXED) & XDP_RING_NEED_WAKEUP)) return;
    pollfd ready{fd_.get(), POLLIN, 0};
    (void)poll(&ready, 1, 0);
}

// Chunks whose frames have been sent.
void XdpSocket::reclaim() {
    uint32_t there = __atomic_load_n(completion_.producer, __ATOMIC_ACQUIRE) - completion_.own;
    for (uint32_t i = 0; i < there; i++) free_[free_count_++] = completion_.at(completion_.own++);
    __atomic_store_n(completion_.consumer, completion_.own, __ATOMIC_RELEASE);
}

bool XdpSocket::send(ByteView frame) {
    if (frame.size() > kMaxFrame || frame.empty()) return false;
    if (!free_count_) flush();
    if (!free_count_) return false;
    uint64_t address = free_[--free_count_];
    std::memcpy(memory_ + address, frame.data(), frame.size());
    transmit_.at(transmit_.own++) = {address, static_cast<uint32_t>(frame.size()), 0};
    return true;
}

void XdpSocket::flush() {
    __atomic_store_n(transmit_.producer, transmit_.own, __ATOMIC_RELEASE);
    for (int i = 0; i < kMaxKicks; i++) {
        if (__atomic_load_n(transmit_.consumer, __ATOMIC_ACQUIRE) == transmit_.own) break;
        if (need_wakeup_ && !(__atomic_load_n(transmit_.flags, __ATOMIC_RELAXED) & XDP_RING_NEED_WAKEUP))
            break;
        if (sendto(fd_.get(), nullptr, 0, MSG_DONTWAIT, nullptr, 0) < 0 && errno != EAGAIN &&
            errno != EBUSY && errno != EINTR)
            break;
    }
    reclaim();
}

}  // namespace weft::datapath
