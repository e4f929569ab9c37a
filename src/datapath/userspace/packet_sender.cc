#include "datapath/userspace/packet_sender.h"

#include <sys/socket.h>
#include <sys/uio.h>

#include <cerrno>

#include "datapath/netdev/qos.h"
#include "datapath/userspace/vnet.h"
#include "packet/ipv4.h"
#include "packet/segment.h"

namespace weft::datapath {

using packet::DatagramTrain;
using packet::Packet;

namespace {

constexpr size_t kProbes = 4;  // places of the table of trains at which a flow may be

}  // namespace

void PacketSender::send(Work&& work) {
    if (!join(work)) {
        queue_.push_back({DatagramTrain(std::move(work.packet), shape_), work.key.skb_priority});
        // What cannot be read as a datagram may be one all the same: nothing overtakes it.
        if (!shape_ && (work.stale || work.key.nw_proto == packet::protocol::kUdp)) trains_ = {};
    }
    if (queue_.size() >= kBatch) flush();
}

void PacketSender::flush() {
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

// Joins the packet to one that waits, if it is the next datagram of its flow.
bool PacketSender::join(const Work& work) {
    shape_ = joins_ && !work.key.packet_type ? DatagramTrain::shape_of(work.packet) : std::nullopt;
    if (!shape_) return false;
    // A place is taken until all are given up, so that a flow is found where it was put.
    uint16_t* place = nullptr;
    for (size_t i = 0; i < kProbes; i++) {
        uint16_t& probed = trains_[((shape_->hash >> 16) + i) % trains_.size()];
        Queued* queued = probed ? &queue_[probed - 1u] : nullptr;
        if (queued && !queued->train.same_flow(work.packet, *shape_)) continue;
        if (queued && queued->priority == work.key.skb_priority && queued->train.append(work.packet, *shape_))
            return true;
        place = &probed;
        break;
    }
    if (!place) place = &trains_[(shape_->hash >> 16) % trains_.size()];
    *place = static_cast<uint16_t>(queue_.size() + 1);
    return false;
}

// The queue that a packet was put into is the class of the device's queueing discipline (netdev/qos.h).
void PacketSender::set_priority(uint32_t queue) {
    uint32_t priority = queue ? qos_class(queue) : 0;
    if (priority == priority_) return;
    int value = static_cast<int>(priority);
    if (setsockopt(fd_, SOL_SOCKET, SO_PRIORITY, &value, sizeof value) == 0) priority_ = priority;
}

// Sends packets from `first`; returns how many are dealt with.
size_t PacketSender::send_some(size_t first, size_t count) {
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
            counters_.tx_packets += train.count();
            counters_.tx_bytes += train.bytes();
        }
        return static_cast<size_t>(sent);
    }
    if (errno == EINTR) return 0;
    failed(queue_[first].train, errno);
    return 1;
}

void PacketSender::failed(DatagramTrain& train, int error) {
    Packet& packet = train.packet();
    // A kind of super-packet that this kernel does not take, or cannot cut (behind labels).
    bool refused = (error == EINVAL || error == ENOMEM) && packet.offload.gso_type != packet::GsoType::kNone;
    std::vector<Packet> segments;
    if (refused && packet.offload.gso_type == packet::GsoType::kUdp) joins_ = false;
    if (refused) segments = packet::segment(std::move(packet));
    if (!segments.empty()) {
        for (Packet& one : segments) {
            uint8_t header[kVnetHeader];
            write_vnet_header(one, header);
            iovec parts[2] = {{header, kVnetHeader}, {one.data(), one.size()}};
            if (writev(fd_, parts, 2) >= 0) {
                counters_.tx_packets++;
                counters_.tx_bytes += one.size();
            } else {
                counters_.tx_errors++;
            }
        }
        return;
    }
    using explain::DropReason;
    counters_.tx_dropped += train.count();
    DropReason reason = error == ENETDOWN || error == ENXIO || error == ENODEV ? DropReason::kPortDown
                        : error == EMSGSIZE                                    ? DropReason::kTooBig
                        : error == EAGAIN || error == ENOBUFS ? DropReason::kTransmitQueueFull
                                                              : DropReason::kTransmitError;
    for (size_t i = 0; i < train.count(); i++) sink_.dropped(reason);
}

}  // namespace weft::datapath
