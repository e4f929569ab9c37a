#include "datapath/userspace/tap_port.h"

#include <sys/uio.h>

#include <cerrno>
#include <mutex>

#include "datapath/userspace/tap_device.h"
#include "datapath/userspace/vnet.h"
#include "packet/address.h"
#include "packet/segment.h"

namespace weft::datapath {

namespace {

using packet::Packet;

constexpr size_t kMaxFrame = 65535 + 64;

class TapPort final : public Port {
  public:
    TapPort(PortInfo info, PacketSink& sink, Descriptor tap)
        : Port(std::move(info)), sink_(sink), tap_(std::move(tap)) {}

    void start(net::Loop& loop) {
        watch_ = loop.watch(tap_.get(), net::Loop::kRead, [this](unsigned) { read(); });
    }

    // One thread at a time: a packet is a system call of its own.
    void send(Work&& work, unsigned) override {
        std::lock_guard lock(mutex_);
        Packet& packet = work.packet;
        if (write_one(packet)) return;
        if (errno == EINVAL && packet.offload.gso_type != packet::GsoType::kNone) {
            for (Packet& one : packet::segment(std::move(packet))) write_one(one);
            return;
        }
        counters_.tx_dropped++;
        // EIO: the device is down.
        sink_.dropped(errno == EIO      ? explain::DropReason::kPortDown
                      : errno == EAGAIN ? explain::DropReason::kTransmitQueueFull
                                        : explain::DropReason::kTransmitError);
    }

    void remove() override { keep_tap_device(tap_, false); }

  private:
    bool write_one(Packet& packet) {
        uint8_t header[kVnetHeader];
        write_vnet_header(packet, header);
        iovec parts[2] = {{header, kVnetHeader}, {packet.data(), packet.size()}};
        if (writev(tap_.get(), parts, 2) < 0) return false;
        counters_.tx_packets++;
        counters_.tx_bytes += packet.size();
        return true;
    }

    void read() {
        static std::vector<uint8_t> frame(kMaxFrame);
        batch_.clear();
        for (size_t i = 0; i < kBatch; i++) {
            uint8_t header[kVnetHeader];
            iovec parts[2] = {{header, kVnetHeader}, {frame.data(), frame.size()}};
            ssize_t size = readv(tap_.get(), parts, 2);
            if (size <= static_cast<ssize_t>(kVnetHeader)) break;
            size_t length = static_cast<size_t>(size) - kVnetHeader;
            Packet packet(ByteView(frame.data(), length));
            packet.offload = read_vnet_header(header);
            counters_.rx_packets++;
            counters_.rx_bytes += length;
            batch_.push_back({std::move(packet)});
        }
        if (!batch_.empty()) sink_.received(info_.number, batch_);
    }

    PacketSink& sink_;
    std::mutex mutex_;
    Descriptor tap_;
    std::unique_ptr<net::Loop::Watch> watch_;  // goes before what it watches
    std::vector<Received> batch_;
};

}  // namespace

Result<std::unique_ptr<Port>> open_tap_port(net::Loop& loop, Links& links, PacketSink& sink, PortInfo info,
                                            const PortSpec& spec) {
    bool existed = links.find(info.name) != nullptr;
    WEFT_ASSIGN(Descriptor tap, open_tap_device(info.name));
    keep_tap_device(tap, true);
    links.refresh();
    if (!packet::is_zero(spec.mac)) {
        const Link* link = links.find(info.name);
        if (link && link->mac != spec.mac) (void)links.set_mac(info.name, spec.mac).ok();
    }
    if (spec.mtu && !existed) (void)links.set_mtu(info.name, spec.mtu).ok();
    auto port = std::make_unique<TapPort>(std::move(info), sink, std::move(tap));
    port->start(loop);
    return std::unique_ptr<Port>(std::move(port));
}

}  // namespace weft::datapath
