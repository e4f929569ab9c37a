// A packet in memory: its bytes, room in front of them for headers to come, and what a device left to do.
//
// Bytes start at the Ethernet header (or at the layer 3 header, if the flow's packet_type says so).  A Packet
// owns its memory; copies copy the bytes, moves are cheap.
//
// Offloads are those of the virtio-net header (VIRTIO 1.2, section 5.1.6): a guest or veth may hand over a
// packet whose transport checksum holds only the pseudo header's sum (partial), and a TCP or UDP super-packet
// of up to 64 KB that stands for many segments.  Whoever moves or removes headers keeps csum_start and
// header_length right (push_front and pull_front do); whoever cannot pass them on finishes them:
// packet/segment.h.

#pragma once

#include <cassert>
#include <cstdint>
#include <cstring>
#include <vector>

#include "base/bytes.h"

namespace weft::packet {

enum class GsoType : uint8_t { kNone, kTcp4, kTcp6, kUdp };  // kUdp: UDP segmentation offload (USO)

struct Offload {
    bool checksum_partial = false;  // the sum from csum_start to the end is to be stored at + csum_offset
    bool checksum_valid = false;    // the device has verified the transport checksum
    bool ecn = false;               // GSO: the first segment alone carries CWR
    GsoType gso_type = GsoType::kNone;
    uint16_t gso_size = 0;     // bytes of transport payload per segment
    uint16_t csum_start = 0;   // from the packet's first byte
    uint16_t csum_offset = 0;  // from csum_start
    bool any() const { return checksum_partial || gso_type != GsoType::kNone; }
    bool operator==(const Offload&) const = default;
};

class Packet {
  public:
    static constexpr size_t kHeadroom = 128;  // outer Ethernet, IPv6, UDP and Geneve without options fit
    static constexpr size_t kMaxSize = 65535 + 128;

    Packet() = default;
    explicit Packet(ByteView bytes, size_t headroom = kHeadroom) : start_(headroom) {
        buffer_.resize(headroom + bytes.size());
        if (!bytes.empty()) std::memcpy(buffer_.data() + headroom, bytes.data(), bytes.size());
    }
    // Takes over `buffer`, whose packet starts at `start`.
    Packet(Bytes buffer, size_t start, Offload offload_)
        : offload(offload_), buffer_(std::move(buffer)), start_(start) {
        assert(start_ <= buffer_.size());
    }

    uint8_t* data() { return buffer_.data() + start_; }
    const uint8_t* data() const { return buffer_.data() + start_; }
    size_t size() const { return buffer_.size() - start_; }
    bool empty() const { return size() == 0; }
    ByteView view() const { return {data(), size()}; }
    size_t headroom() const { return start_; }

    // Makes room for `count` bytes in front (uninitialised) and returns the new first byte.
    uint8_t* push_front(size_t count);
    // Removes the first `count` bytes (at most size()).
    void pull_front(size_t count);
    // Opens a gap of `count` bytes at `offset` by moving what lies before it forward; offload offsets follow.
    uint8_t* insert(size_t offset, size_t count);
    // Closes a gap: removes `count` bytes at `offset`.
    void erase(size_t offset, size_t count);
    void truncate(size_t size) {
        if (size < this->size()) buffer_.resize(start_ + size);
    }
    void append(ByteView bytes) { buffer_.insert(buffer_.end(), bytes.begin(), bytes.end()); }
    void append_zeros(size_t count) { buffer_.resize(buffer_.size() + count); }
    Bytes take_buffer() { return std::move(buffer_); }

    Offload offload;

  private:
    Bytes buffer_;
    size_t start_ = 0;
};

}  // namespace weft::packet
