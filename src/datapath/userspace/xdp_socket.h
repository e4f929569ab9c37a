// An AF_XDP socket on one queue of a device: frames in memory shared with the kernel, both ways.
//
// The memory (UMEM) is cut into chunks of one frame each; four rings hand them to and fro (Linux,
// Documentation/networking/af_xdp.rst): fill (free chunks for the kernel to receive into), receive, transmit,
// completion (what has been sent).  Half of the chunks are for receiving, half for sending.  Frames come by a
// program at the device that chooses this socket for its queue: xdp_program.h.
//
// Frames have no offload header and no VLAN tag beside them, and are as long as a chunk at most.

#pragma once

#include <cstdint>
#include <memory>

#include "base/bytes.h"
#include "base/descriptor.h"
#include "base/result.h"

namespace weft::datapath {

class XdpSocket {
  public:
    static constexpr uint32_t kRing = 2048, kChunk = 4096;
    // What the kernel leaves of a chunk that it receives into (XDP_PACKET_HEADROOM), less a VLAN tag.
    static constexpr uint32_t kMaxFrame = kChunk - 256;

    enum class Copy : uint8_t { kCopy, kZeroCopy };
    // `need_wakeup`: the kernel is woken only when it says that it sleeps.  Errors: what the kernel refuses.
    static Result<std::unique_ptr<XdpSocket>> open(int ifindex, uint32_t queue, Copy copy, bool need_wakeup);
    ~XdpSocket();
    XdpSocket(const XdpSocket&) = delete;
    XdpSocket& operator=(const XdpSocket&) = delete;

    int fd() const { return fd_.get(); }
    // Calls `each(ByteView)` for up to `most` received frames, whose memory is the kernel's again afterwards.
    template <typename Each>
    size_t receive(size_t most, Each&& each);
    // Queues a frame for sending; false: no room, or it is too long.
    bool send(ByteView frame);
    // Has the kernel send what is queued.
    void flush();

  private:
    // One of the rings: indices that grow, and entries.
    template <typename Entry>
    struct Ring {
        uint32_t *producer = nullptr, *consumer = nullptr, *flags = nullptr;
        Entry* entries = nullptr;
        void* memory = nullptr;
        size_t size = 0;
        uint32_t own = 0;  // the index that is ours to move
        Entry& at(uint32_t index) { return entries[index % kRing]; }
    };
    struct Frame {  // as struct xdp_desc
        uint64_t address;
        uint32_t length, options;
    };

    XdpSocket() = default;
    Result<void> start(int ifindex, uint32_t queue, Copy copy, bool need_wakeup);
    template <typename Entry>
    Result<void> map(Ring<Entry>& ring, uint64_t page, const void* offsets);
    void reclaim();
    void wake_receiver();

    Descriptor fd_;
    uint8_t* memory_ = nullptr;
    Ring<uint64_t> fill_, completion_;
    Ring<Frame> receive_, transmit_;
    uint64_t free_[kRing];  // chunks to send from
    uint32_t free_count_ = 0;
    bool need_wakeup_ = false;
};

template <typename Each>
size_t XdpSocket::receive(size_t most, Each&& each) {
    uint32_t there = __atomic_load_n(receive_.producer, __ATOMIC_ACQUIRE) - receive_.own;
    size_t count = there < most ? there : most;
    for (size_t i = 0; i < count; i++) {
        const Frame& frame = receive_.at(receive_.own + static_cast<uint32_t>(i));
        each(ByteView(memory_ + frame.address, frame.length));
        fill_.at(fill_.own + static_cast<uint32_t>(i)) = frame.address / kChunk * kChunk;
    }
    receive_.own += static_cast<uint32_t>(count);
    fill_.own += static_cast<uint32_t>(count);
    __atomic_store_n(receive_.consumer, receive_.own, __ATOMIC_RELEASE);
    __atomic_store_n(fill_.producer, fill_.own, __ATOMIC_RELEASE);
    if (count || need_wakeup_) wake_receiver();
    return count;
}

}  // namespace weft::datapath
