// UDP datagrams of one flow joined to a super-packet (UDP segmentation offload, GsoType::kUdp), so that a
// burst of small packets costs the kernel one packet's way: what coalesce.h does with TCP segments.
//
// Only what segment() gives back is joined: headers that are equal but for lengths, checksums and an IPv4
// identification that counts up, equal sizes but the last, checksums that are right (partial ones as the
// sender left them).  So a receiver's sockets, and any device that cuts, see the datagrams as they were.  But
// for one thing: an identification that stands still, as that of datagrams which must not be fragmented may
// (it means nothing then, RFC 6864 section 4.1), counts up afterwards.
//
// A super-packet that is not cut (a veth hands it over whole) reaches programs below the sockets as one
// packet, as that of a sender's own offload does.  Where those are at work, nothing is joined: broadcasts,
// DHCP (RFC 2131, RFC 8415), and tunnels, whose headers are looked for once per packet (Geneve, VXLAN and its
// kin, GTP-U, MPLS and GUE in UDP).

#pragma once

#include <cstdint>
#include <optional>

#include "packet/packet.h"

namespace weft::packet {

class DatagramTrain {
  public:
    static constexpr size_t kMaxDatagrams = 64;  // what every kernel with the offload takes

    // Where the headers of a packet lie to which others may be joined.
    struct Shape {
        uint16_t l3, l4;
        bool v6;
        uint32_t ports, hash;  // hash: of ports and addresses
    };
    // `packet` starts at its Ethernet header.  Nullopt: it travels alone.
    static std::optional<Shape> shape_of(const Packet& packet);

    DatagramTrain(Packet packet, std::optional<Shape> shape) : packet_(std::move(packet)), shape_(shape) {
        bytes_ = packet_.size();
    }

    // Is `next` of the flow of this train?  The order within a flow must be kept.
    bool same_flow(const Packet& next, const Shape& shape) const;
    // Joins `next`, which is of the same flow; false: it does not fit, and neither will later ones.
    bool append(const Packet& next, const Shape& shape);
    // No more: the headers are made those of the super-packet.
    void finish();

    Packet& packet() { return packet_; }
    size_t count() const { return count_; }  // datagrams, 1 for any other packet
    size_t bytes() const { return bytes_; }  // their sizes, headers included

  private:
    bool counts_on(const uint8_t* first, const uint8_t* next);

    Packet packet_;
    std::optional<Shape> shape_;  // nullopt: closed
    bool same_id_ = false;        // IPv4 identifications do not count up
    size_t count_ = 1, bytes_ = 0;
    size_t payload_ = 0;  // of every datagram but the last
};

}  // namespace weft::packet
