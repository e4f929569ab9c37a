// Frames that an AF_PACKET socket receives, in memory shared with the kernel (packet(7), PACKET_RX_RING,
// TPACKET_V2): taking one costs no system call, and the kernel frees its own copy at once.
//
// Slots are small, as most frames are.  A longer frame (a super-packet, a jumbo frame) is marked in the ring
// and waits, whole, in the socket's queue, from which it is read in its turn (PACKET_COPY_THRESH).
//
// TPACKET_V3, whose slots fit any frame, hands them over in blocks, when a block is full or after a
// millisecond: too late for a round trip.

#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>

#include "base/result.h"
#include "packet/packet.h"

namespace weft::datapath {

class ReceiveRing {
  public:
    // 4 MB for a port: what arrives in two milliseconds at a million packets a second.
    static constexpr size_t kSlot = 2048, kSlots = 2048;

    // For a socket with PACKET_VNET_HDR set that is not bound yet; it must outlive the ring.  Errors: the
    // kernel has no such rings with offload headers, or no memory.
    static Result<ReceiveRing> attach(int fd);

    ReceiveRing() = default;
    ReceiveRing(ReceiveRing&& other) noexcept;
    ReceiveRing& operator=(ReceiveRing&& other) noexcept;
    ~ReceiveRing();

    bool attached() const { return slots_ != nullptr; }

    enum class Taken : uint8_t { kNone, kPacket, kDamaged };
    // The next frame, with its offloads and, put back, the VLAN tag that the kernel keeps beside it.
    Taken take(packet::Packet& packet);
    // Frames for which there was no room since this was asked last, as far as frames after them have told.
    uint64_t take_lost() { return std::exchange(lost_, 0); }

  private:
    int fd_ = -1;
    uint8_t* slots_ = nullptr;
    size_t next_ = 0;
    uint64_t lost_ = 0;
};

}  // namespace weft::datapath
