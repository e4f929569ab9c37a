#include "datapath/userspace/tap_port.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <sys/ioctl.h>
#include <sys/uio.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "datapath/userspace/vnet.h"
#include "packet/address.h"
#include "packet/segment.h"

#ifndef TUN_F_USO4
#define TUN_F_USO4 0x20
#define TUN_F_USO6 0x40
#endif

namespace weft::datapath {

namespace {

using packet::Packet;

constexpr size_t kMaxFrame = 65535 + 64;

class TapPort final : public Port {
  public:
    TapPort(PortInfo info, PacketSink& sink, int fd) : Port(std::move(info)), sink_(sink), fd_(fd) {}
    ~TapPort() override {
        watch_.reset();
        close(fd_);
    }

    void start(net::Loop& loop) {
        watch_ = loop.watch(fd_, net::Loop::kRead, [this](unsigned) { read(); });
    }

    void send(Work work) override {
        Packet& packet = work.packet;
        if (write_one(packet)) return;
        if (errno == EINVAL && packet.offload.gso_type != packet::GsoType::kNone) {
            for (Packet& one : packet::segment(std::move(packet))) write_one(one);
            return;
        }
        stats_.tx_dropped++;
        // EIO: the device is down.
        sink_.dropped(errno == EIO      ? explain::DropReason::kPortDown
                      : errno == EAGAIN ? explain::DropReason::kTransmitQueueFull
                                        : explain::DropReason::kTransmitError);
    }

    void remove() override { ioctl(fd_, TUNSETPERSIST, 0); }

  private:
    bool write_one(Packet& packet) {
        uint8_t header[kVnetHeader];
        write_vnet_header(packet, header);
        iovec parts[2] = {{header, kVnetHeader}, {packet.data(), packet.size()}};
        if (writev(fd_, parts, 2) < 0) return false;
        stats_.tx_packets++;
        stats_.tx_bytes += packet.size();
        return true;
    }

    void read() {
        static std::vector<uint8_t> frame(kMaxFrame);
        batch_.clear();
        for (size_t i = 0; i < kBatch; i++) {
            uint8_t header[kVnetHeader];
            iovec parts[2] = {{header, kVnetHeader}, {frame.data(), frame.size()}};
            ssize_t size = readv(fd_, parts, 2);
            if (size <= static_cast<ssize_t>(kVnetHeader)) break;
            size_t length = static_cast<size_t>(size) - kVnetHeader;
            Packet packet(ByteView(frame.data(), length));
            packet.offload = read_vnet_header(header);
            stats_.rx_packets++;
            stats_.rx_bytes += length;
            batch_.push_back({std::move(packet)});
        }
        if (!batch_.empty()) sink_.received(info_.number, batch_);
    }

    PacketSink& sink_;
    int fd_;
    std::unique_ptr<net::Loop::Watch> watch_;
    std::vector<Received> batch_;
};

}  // namespace

Result<std::unique_ptr<Port>> open_tap_port(net::Loop& loop, Links& links, PacketSink& sink, PortInfo info,
                                            const PortSpec& spec) {
    if (info.name.empty() || info.name.size() >= IFNAMSIZ) {
        return Error{
            fmt::format("\"{}\" cannot name a network device: 1 to {} bytes can", info.name, IFNAMSIZ - 1)};
    }
    int fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0) return Error{fmt::format("/dev/net/tun: {}", std::strerror(errno))};
    auto fail = [&](std::string_view what) {
        Error error{fmt::format("{}: {}: {}", info.name, what, std::strerror(errno))};
        close(fd);
        return error;
    };
    bool existed = links.find(info.name) != nullptr;
    ifreq request = {};
    info.name.copy(request.ifr_name, IFNAMSIZ - 1);
    request.ifr_flags = IFF_TAP | IFF_NO_PI | IFF_VNET_HDR;
    if (ioctl(fd, TUNSETIFF, &request) < 0) return fail("creating a TAP device");
    int header = static_cast<int>(kVnetHeader);
    if (ioctl(fd, TUNSETVNETHDRSZ, &header) < 0) return fail("setting the offload header's size");
    unsigned offloads = TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO6 | TUN_F_TSO_ECN;
    if (ioctl(fd, TUNSETOFFLOAD, offloads | TUN_F_USO4 | TUN_F_USO6) < 0) ioctl(fd, TUNSETOFFLOAD, offloads);
    ioctl(fd, TUNSETPERSIST, 1);
    links.refresh();
    if (!packet::is_zero(spec.mac)) {
        const Link* link = links.find(info.name);
        if (link && link->mac != spec.mac) (void)links.set_mac(info.name, spec.mac).ok();
    }
    if (spec.mtu && !existed) (void)links.set_mtu(info.name, spec.mtu).ok();
    auto port = std::make_unique<TapPort>(std::move(info), sink, fd);
    port->start(loop);
    return std::unique_ptr<Port>(std::move(port));
}

}  // namespace weft::datapath
