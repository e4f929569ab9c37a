#include "datapath/userspace/tunnel_port.h"

#include <netinet/in.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <mutex>

#include "base/clock.h"
#include "base/hash_map.h"
#include "base/log.h"
#include "datapath/api/tunnel_payload.h"
#include "datapath/userspace/capture_device.h"
#include "datapath/userspace/outer_headers.h"
#include "datapath/userspace/tunnel_header.h"
#include "datapath/userspace/tunnel_socket.h"
#include "packet/address.h"
#include "packet/coalesce.h"
#include "packet/ethernet.h"
#include "packet/ipv6.h"
#include "packet/segment.h"
#include "packet/udp.h"
#include "packet/unfinished.h"

namespace weft::datapath {

namespace {

using explain::DropReason;
using packet::GsoType;
using packet::Packet;
using packet::Tunnel;

log::Module lg("tunnel");

constexpr size_t kMaxFrame = 65535 + 64;
constexpr int64_t kMtuLifeMs = 1000;
constexpr int64_t kLookMs = 100;          // between questions for listeners, with packet threads
constexpr size_t kSenders = 16;           // source ports that flows are spread over
constexpr size_t kMaxTrain = 64;          // datagrams (UDP_MAX_SEGMENTS)
constexpr size_t kMaxTrainBytes = 65000;  // below what IP can carry, headers included
constexpr size_t kMinSegment = 256;       // TCP payload: a path narrower than that gets fragments

struct Sender {
    Descriptor socket;
    int discovery = -1;  // as last set
    int no_checksum = -1;
    uint32_t mark = 0;
};

// One message for the kernel: a datagram, or a train of them of one size (the last may be shorter).
struct Outgoing {
    std::vector<Packet> frames;
    size_t bytes = 0;
    Tunnel key;
    bool v6;
    Sender* sender;
    uint32_t mark;
};

// What a device shows of a packet: Ethernet.
Packet as_frame(Packet packet, uint32_t packet_type) {
    if (!packet_type) return packet;
    std::memset(packet.push_front(packet::ethernet::kHeader), 0, packet::ethernet::kHeader);
    store_be16(packet.data() + packet::ethernet::kType, static_cast<uint16_t>(packet_type));
    return packet;
}

class TunnelPort final : public Port {
  public:
    TunnelPort(PortInfo info, PacketSink& sink) : Port(std::move(info)), sink_(sink) {}

    Result<void> start(net::Loop& loop) {
        look_timer_ = loop.timer([this] { look_for_listeners(); });
        for (bool v6 : {false, true}) {
            auto receiver = open_tunnel_receiver(info_, v6);
            if (!receiver) {
                if (!v6) return receiver.error();
                lg.dbg("{}: no IPv6 underlay: {}", info_.name, receiver.message());
                continue;
            }
            Family& family = families_[v6];
            family.receiver = std::move(*receiver);
            family.watch =
                loop.watch(family.receiver.get(), net::Loop::kRead, [this, v6](unsigned) { read(v6); });
        }
        return {};
    }

    // The tunnel works without the device, too.
    void show_packets(Links& links) {
        auto device = CaptureDevice::create(links, info_.name);
        if (device)
            capture_ = std::move(*device);
        else
            lg.info("packets of the tunnel cannot be captured: {}", device.message());
    }

    void remove() override {
        if (capture_) capture_->remove();
        capture_.reset();
    }

    bool watched() override { return capture_ && capture_->listened(); }
    void seen(const Packet& packet) override {
        if (watched()) capture_->received(packet);
    }

    void set_lanes(unsigned count) override {
        lanes_ = count;
        if (lanes_ > 1) look_for_listeners();
    }

    void send(Work&& work, unsigned) override {
        std::lock_guard lock(mutex_);
        Tunnel& key = work.key.tunnel;
        bool v6 = !packet::is_zero(key.ipv6_dst);
        if (!work.tunnel_set || (!v6 && !key.dst)) return drop(DropReason::kTunnelNoKey);
        work.refresh();
        Sender* sender = choose_sender(work, v6);
        if (!sender) return drop(DropReason::kTunnelNoRoute);
        const uint32_t packet_type = work.key.packet_type;
        if (!carries(info_.type, key.flags, packet_type)) return drop(DropReason::kWrongPacketType);
        bool trains = work.packet.offload.gso_type != GsoType::kNone && !gre();
        if (work.packet.offload.gso_type == GsoType::kTcp4 ||
            work.packet.offload.gso_type == GsoType::kTcp6) {
            fit_segments(work, v6);
        }
        if (lanes_ > 1 ? listened_.load(std::memory_order_relaxed) : watched())
            capture_->sent(as_frame(work.packet, packet_type));
        std::vector<Packet> frames = packet::segment(std::move(work.packet), packet_type);
        if (frames.empty()) return drop(DropReason::kMalformed);
        for (Packet& frame : frames) {
            push_tunnel_header(frame, info_.type, key, packet_type, ++sequence_);
            size_t size = frame.size();
            bool joins = trains && &frame != &frames[0] && queue_.back().frames.size() < kMaxTrain &&
                         queue_.back().bytes + size <= kMaxTrainBytes;
            if (!joins) queue_.push_back({{}, 0, key, v6, sender, work.key.pkt_mark});
            queue_.back().frames.push_back(std::move(frame));
            queue_.back().bytes += size;
        }
        if (queue_.size() >= kBatch) flush_queue();
    }

    void flush(unsigned) override {
        std::lock_guard lock(mutex_);
        flush_queue();
    }

  private:
    void flush_queue() {
        for (size_t done = 0; done < queue_.size();) {
            size_t count = 1;
            while (done + count < queue_.size() && count < kBatch &&
                   alike(queue_[done], queue_[done + count]))
                count++;
            done += send_some(done, count);
        }
        queue_.clear();
    }

    // Packet threads cannot ask the links: they are told.
    void look_for_listeners() {
        listened_.store(watched(), std::memory_order_relaxed);
        if (lanes_ > 1) look_timer_->arm_in(kLookMs);
    }

    struct Family {
        Descriptor receiver;
        std::unique_ptr<net::Loop::Watch> watch;
        std::array<Sender, kSenders> senders;
        HashMap<uint16_t, std::unique_ptr<Sender>> by_port;  // for keys that name a source port
    };
    struct PathMtu {
        size_t bytes = 0;
        int64_t until_ms = 0;
    };

    bool gre() const { return is_gre(info_.type); }
    void drop(DropReason reason) {
        counters_.tx_dropped++;
        sink_.dropped(reason);
    }
    static bool dont_fragment(const Tunnel& key) { return key.flags & packet::kTunnelDontFragment; }
    bool without_checksum(const Outgoing& out) const {
        // A train must have one: the kernel cuts only what it may sum.
        return !(out.key.flags & packet::kTunnelCsum) && out.frames.size() == 1;
    }
    bool alike(const Outgoing& a, const Outgoing& b) const {
        return a.sender == b.sender && dont_fragment(a.key) == dont_fragment(b.key) &&
               without_checksum(a) == without_checksum(b) && a.mark == b.mark;
    }

    Sender* choose_sender(const Work& work, bool v6) {
        Family& family = families_[v6];
        if (!family.receiver.open()) return nullptr;
        uint16_t port = work.key.tunnel.tp_src;
        Sender* sender;
        if (port && !gre()) {
            std::unique_ptr<Sender>& slot = family.by_port[port];
            if (!slot) slot = std::make_unique<Sender>();
            sender = slot.get();
        } else {
            sender = &family.senders[gre() ? 0 : packet::flow_hash(work.key, 0) % kSenders];
        }
        if (!sender->socket.open()) {
            auto opened = open_tunnel_sender(info_, v6, gre() ? 0 : port);
            if (!opened) {
                static log::RateLimit limit(1, 5);
                if (limit.pass(lg)) lg.warn("{}", opened.message());
                return nullptr;
            }
            sender->socket = std::move(*opened);
        }
        return sender;
    }

    // Makes the segments of a TCP super-packet small enough for the path: its receiver joins bytes, not
    // segments.
    void fit_segments(Work& work, bool v6) {
        const Tunnel& key = work.key.tunnel;
        packet::Ipv6Addr remote = v6 ? key.ipv6_dst : packet::map_ipv4(key.dst);
        int64_t now = clock::monotonic_ms();
        if (paths_.size() > 4096) paths_.clear();
        PathMtu& path = paths_[remote];
        if (path.until_ms <= now) {
            path.bytes = path_mtu(key, v6);
            path.until_ms = now + kMtuLifeMs;
        }
        size_t outer = (v6 ? packet::ipv6::kHeader : packet::ipv4::kHeader) +
                       (gre() ? 0 : packet::udp::kHeader) + tunnel_header_size(info_.type, key);
        size_t headers = outer + work.layout.payload;
        if (!work.layout.payload || path.bytes < headers + kMinSegment) return;
        size_t fits = path.bytes - headers;
        if (work.packet.offload.gso_size > fits) work.packet.offload.gso_size = static_cast<uint16_t>(fits);
    }

    // Whether the kernel may fragment, and sums, what is sent next, and its mark.
    void prepare(Sender& sender, bool v6, bool df, bool no_checksum, uint32_t mark) {
        if (sender.mark != mark) {
            sender.socket.option(SOL_SOCKET, SO_MARK, static_cast<int>(mark));
            sender.mark = mark;
        }
        int discovery =
            v6 ? (df ? IPV6_PMTUDISC_DO : IPV6_PMTUDISC_DONT) : (df ? IP_PMTUDISC_DO : IP_PMTUDISC_DONT);
        if (sender.discovery != discovery) {
            sender.socket.option(v6 ? IPPROTO_IPV6 : IPPROTO_IP, v6 ? IPV6_MTU_DISCOVER : IP_MTU_DISCOVER,
                                 discovery);
            sender.discovery = discovery;
        }
        if (!gre() && sender.no_checksum != no_checksum) {
            if (v6) {
                sender.socket.option(IPPROTO_UDP, 101 /* UDP_NO_CHECK6_TX */, no_checksum);
            } else {
                sender.socket.option(SOL_SOCKET, SO_NO_CHECK, no_checksum);
            }
            sender.no_checksum = no_checksum;
        }
    }

    uint16_t destination_port(const Tunnel& key) const {
        if (gre()) return 0;
        return key.tp_dst ? key.tp_dst.get() : info_.tunnel_port;
    }

    size_t send_some(size_t first, size_t count) {
        Outgoing& head = queue_[first];
        prepare(*head.sender, head.v6, dont_fragment(head.key), without_checksum(head), head.mark);
        mmsghdr messages[kBatch] = {};
        SendControl controls[kBatch];
        parts_.clear();
        for (size_t i = 0; i < count; i++) {
            for (Packet& frame : queue_[first + i].frames) parts_.push_back({frame.data(), frame.size()});
        }
        iovec* part = parts_.data();
        for (size_t i = 0; i < count; i++) {
            const Outgoing& out = queue_[first + i];
            msghdr& message = messages[i].msg_hdr;
            message.msg_iov = part;
            message.msg_iovlen = out.frames.size();
            part += out.frames.size();
            controls[i].fill(message, out.key, out.v6, destination_port(out.key),
                             out.frames.size() > 1 ? out.frames[0].size() : 0);
        }
        int sent = sendmmsg(head.sender->socket.get(), messages, static_cast<unsigned>(count), MSG_DONTWAIT);
        if (sent > 0) {
            for (int i = 0; i < sent; i++) count_sent(queue_[first + static_cast<size_t>(i)]);
            return static_cast<size_t>(sent);
        }
        if (errno == EINTR) return 0;
        if (head.frames.size() > 1) {  // the device or path does not take the train
            for (Packet& frame : head.frames) send_one(head, frame);
        } else {
            retry_or_drop(head, head.frames[0], errno);
        }
        return 1;
    }

    void send_one(const Outgoing& out, Packet& frame) {
        bool no_checksum = !(out.key.flags & packet::kTunnelCsum);
        prepare(*out.sender, out.v6, dont_fragment(out.key), no_checksum, out.mark);
        if (transmit(out, frame)) return;
        retry_or_drop(out, frame, errno);
    }

    bool transmit(const Outgoing& out, Packet& frame) {
        SendControl control;
        iovec part = {frame.data(), frame.size()};
        msghdr message = {};
        message.msg_iov = &part;
        message.msg_iovlen = 1;
        control.fill(message, out.key, out.v6, destination_port(out.key), 0);
        if (sendmsg(out.sender->socket.get(), &message, MSG_DONTWAIT) < 0) return false;
        counters_.tx_packets++;
        counters_.tx_bytes += frame.size();
        return true;
    }

    void retry_or_drop(const Outgoing& out, Packet& frame, int error) {
        if (error == EMSGSIZE && dont_fragment(out.key)) {
            // The path is narrower than the packet, which cannot be made smaller here: fragments get through.
            prepare(*out.sender, out.v6, false, !(out.key.flags & packet::kTunnelCsum), out.mark);
            if (transmit(out, frame)) return;
            error = errno;
        }
        drop(error == ENETUNREACH || error == EHOSTUNREACH ? DropReason::kTunnelNoRoute
             : error == EMSGSIZE                           ? DropReason::kTunnelFragmentationNeeded
             : error == EAGAIN || error == ENOBUFS         ? DropReason::kTransmitQueueFull
                                                           : DropReason::kTransmitError);
    }

    void count_sent(const Outgoing& out) {
        counters_.tx_packets += out.frames.size();
        counters_.tx_bytes += out.bytes;
    }

    // Receiving.

    void read(bool v6) {
        static std::vector<uint8_t> frames(kBatch * kMaxFrame);
        struct Slot {
            alignas(cmsghdr) uint8_t control[256];
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
        end_joined();
        if (batch_.empty()) return;
        if (capture_ && capture_->listened()) {
            for (const Received& each : batch_) capture_->received(as_frame(each.packet, each.packet_type));
        }
        sink_.received(info_.number, batch_);
    }

    void take(msghdr& message, ByteView bytes, bool v6) {
        if (message.msg_flags & MSG_TRUNC) {
            counters_.rx_errors++;
            return;
        }
        Tunnel outer;
        std::memset(static_cast<void*>(&outer), 0, sizeof outer);
        size_t segment = read_control(message, v6, outer);
        if (gre() && !v6) {  // a raw socket gives the IPv4 header too
            size_t header = bytes.empty() ? 0 : static_cast<size_t>(bytes[0] & 0x0f) * 4;
            if (header < packet::ipv4::kHeader || header > bytes.size()) return;
            bytes = bytes.subspan(header);
        }
        outer.tp_src = gre() ? 0 : outer.tp_src.get();
        if (!gre()) outer.tp_dst = info_.tunnel_port;
        do {
            size_t size = segment ? std::min(segment, bytes.size()) : bytes.size();
            take_datagram(bytes.first(size), outer);
            bytes = bytes.subspan(size);
        } while (!bytes.empty());
    }

    void take_datagram(ByteView bytes, Tunnel key) {
        if (gre() && !is_for(bytes, info_.type)) return;  // every GRE socket hears all of it
        auto inner = read_tunnel_header(bytes, info_.type, key);
        if (!inner) {
            counters_.rx_errors++;
            sink_.dropped(DropReason::kTunnelMalformed);
            static log::RateLimit limit(5, 25);
            if (limit.pass(lg)) lg.info("{}: {}", info_.name, inner.message());
            return;
        }
        counters_.rx_packets++;
        counters_.rx_bytes += inner->bytes.size();
        if (!joined_.empty()) {
            if (!inner->packet_type && !inner->message && std::memcmp(&joined_key_, &key, sizeof key) == 0 &&
                joined_.append(inner->bytes))
                return;
            end_joined();
        }
        if (inner->message || inner->packet_type) {
            Packet packet(inner->bytes);
            if (inner->message) push_received_headers(packet, key);
            batch_.push_back({std::move(packet), key, inner->packet_type});
            return;
        }
        joined_key_ = key;
        joined_.start(inner->bytes);
    }

    void end_joined() {
        if (joined_.empty()) return;
        Packet packet = joined_.finish();
        if (!packet.offload.any()) packet::mark_unfinished(packet);
        batch_.push_back({std::move(packet), joined_key_});
    }

    PacketSink& sink_;
    std::mutex mutex_;  // of all that sending needs
    unsigned lanes_ = 1;
    std::atomic<bool> listened_{false};  // with packet threads: by somebody who captures
    std::unique_ptr<net::Loop::Timer> look_timer_;
    std::unique_ptr<CaptureDevice> capture_;
    Family families_[2];  // IPv4, IPv6
    HashMap<packet::Ipv6Addr, PathMtu> paths_;
    uint32_t sequence_ = 0;  // of GRE and ERSPAN
    std::vector<Outgoing> queue_;
    std::vector<iovec> parts_;
    packet::Coalescer joined_;
    Tunnel joined_key_;
    std::vector<Received> batch_;
};

}  // namespace

Result<std::unique_ptr<Port>> open_tunnel_port(net::Loop& loop, PacketSink& sink, PortInfo info,
                                               Links* links) {
    auto port = std::make_unique<TunnelPort>(std::move(info), sink);
    WEFT_TRY(port->start(loop));
    if (links) port->show_packets(*links);
    return std::unique_ptr<Port>(std::move(port));
}

}  // namespace weft::datapath
