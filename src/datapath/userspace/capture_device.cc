#include "datapath/userspace/capture_device.h"

#include <fmt/format.h>
#include <linux/if_packet.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "base/clock.h"
#include "datapath/netdev/packet_listeners.h"
#include "datapath/userspace/tap_device.h"
#include "datapath/userspace/vnet.h"

namespace weft::datapath {

namespace {

constexpr int kMtu = 65000;  // as the kernel's tunnel devices

}  // namespace

Result<std::unique_ptr<CaptureDevice>> CaptureDevice::create(Links& links, const std::string& name) {
    WEFT_ASSIGN(Descriptor tap, open_tap_device(name));
    keep_tap_device(tap, true);
    links.refresh();
    const Link* link = links.find(name);
    if (!link) return Error{fmt::format("{}: the device was made but is not there", name)};
    std::unique_ptr<CaptureDevice> device(new CaptureDevice(links, link->ifindex));
    device->tap_ = std::move(tap);
    auto block = install_ingress_block(link->ifindex, name);
    if (!block) {
        device->remove();
        return block.error();
    }
    device->block_ = std::move(*block);
    disable_ipv6(name);
    (void)links.set_mtu(name, kMtu).ok();
    WEFT_TRY(links.set_up(name, true));
    // Protocol 0: this socket only sends.
    device->sender_ = Descriptor(socket(AF_PACKET, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    sockaddr_ll address = {};
    address.sll_family = AF_PACKET;
    address.sll_ifindex = device->ifindex_;
    if (!device->sender_.open() ||
        bind(device->sender_.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) < 0 ||
        !device->sender_.option(SOL_PACKET, PACKET_VNET_HDR, 1)) {
        return Error{fmt::format("{}: packet socket: {}", name, std::strerror(errno))};
    }
    return device;
}

bool CaptureDevice::listened() {
    if (links_.generation() != generation_) {
        generation_ = links_.generation();
        const Link* link = links_.find(ifindex_);
        promiscuous_ = link && link->promiscuity > 0;
    }
    if (promiscuous_) return true;
    int64_t now = clock::monotonic_ms();
    if (now >= ask_at_ms_) {
        heard_ = has_packet_listeners(ifindex_);
        ask_at_ms_ = now + kAskIntervalMs;
    }
    return heard_;
}

// A copy that cannot be delivered (the queue is full) is lost to the listener, as with any device.
void CaptureDevice::received(const packet::Packet& packet) {
    uint8_t header[kVnetHeader];
    write_vnet_header(packet, header);
    iovec parts[2] = {{header, kVnetHeader}, {const_cast<uint8_t*>(packet.data()), packet.size()}};
    (void)!writev(tap_.get(), parts, 2);
}

void CaptureDevice::sent(const packet::Packet& packet) {
    uint8_t header[kVnetHeader];
    write_vnet_header(packet, header);
    iovec parts[2] = {{header, kVnetHeader}, {const_cast<uint8_t*>(packet.data()), packet.size()}};
    (void)!writev(sender_.get(), parts, 2);
    drain();
}

// What was sent out of the device ends here.
void CaptureDevice::drain() {
    uint8_t nothing[1];
    while (read(tap_.get(), nothing, sizeof nothing) >= 0 || errno == EINTR) {
    }
}

void CaptureDevice::remove() {
    keep_tap_device(tap_, false);
}

}  // namespace weft::datapath
