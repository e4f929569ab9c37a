#include "datapath/ebpf/upcall_device.h"

#include <linux/sockios.h>
#include <sys/uio.h>

#include <cstring>

#include "datapath/ebpf/key.h"
#include "datapath/netdev/device_request.h"
#include "datapath/userspace/port.h"
#include "datapath/userspace/vnet.h"
#include "packet/ethernet.h"
#include "packet/vlan.h"

namespace weft::datapath::ebpf {

namespace {

constexpr size_t kMaxFrame = 65535 + 64 + sizeof(UpcallHeader);
constexpr int kQueue = 16384;      // packets between the programs and the daemon
constexpr uint32_t kWindow = 512;  // of one port
constexpr uint32_t kWideWindow = kQueue / 2;
constexpr int kWideLooks = 4;
constexpr int64_t kForgetMs = 500;
constexpr size_t kTagAt = packet::ethernet::kType;  // where the kernel puts a tag, header or not

static_assert(offsetof(UpcallHeader, sequence) == kTagAt, "what lies in front of a tag is read as it is");

}  // namespace

Result<std::unique_ptr<UpcallDevice>> UpcallDevice::create(net::Loop& loop, Links& links, Kernel& kernel,
                                                           Receiver receiver) {
    std::unique_ptr<UpcallDevice> device(new UpcallDevice(kernel, std::move(receiver)));
    WEFT_ASSIGN(device->tap_, open_tap_device(kName));
    links.refresh();
    const Link* link = links.find(kName);
    if (!link) return Error{std::string(kName) + ": the device was made but is not there"};
    int ifindex = link->ifindex;
    disable_ipv6(kName);
    DeviceRequest queue(kName);
    queue.request().ifr_qlen = kQueue;
    (void)queue.make(SIOCSIFTXQLEN);
    WEFT_TRY(links.set_up(kName, true));
    device->frame_.resize(kMaxFrame);
    device->sent_before_.resize(kPorts);
    UpcallDevice* raw = device.get();
    device->watch_ = loop.watch(device->tap_.get(), net::Loop::kRead, [raw](unsigned) { raw->read(); });
    device->timer_ = loop.timer([raw] {
        raw->forget_lost();
        raw->timer_->arm_in(kForgetMs);
    });
    device->timer_->arm_in(kForgetMs);
    kernel.config().upcall_window = kWindow;
    __atomic_store_n(&kernel.config().upcall_ifindex, static_cast<uint32_t>(ifindex), __ATOMIC_RELEASE);
    return device;
}

UpcallDevice::~UpcallDevice() {
    __atomic_store_n(&kernel_.config().upcall_ifindex, 0, __ATOMIC_RELEASE);
}

void UpcallDevice::read() {
    heard_ = true;
    batch_.clear();
    for (size_t i = 0; i < kBatch; i++) {
        uint8_t header[kVnetHeader];
        iovec parts[2] = {{header, kVnetHeader}, {frame_.data(), frame_.size()}};
        ssize_t size = readv(tap_.get(), parts, 2);
        if (size <= static_cast<ssize_t>(kVnetHeader)) break;
        if (take(static_cast<size_t>(size) - kVnetHeader))
            batch_.back().work.packet.offload = read_vnet_header(header);
        else
            continue;
        packet::Offload& offload = batch_.back().work.packet.offload;
        // Counted from the frame's first byte, header and tag included; the packet begins behind the header.
        offload.csum_start =
            static_cast<uint16_t>(offload.checksum_partial && offload.csum_start >= sizeof(UpcallHeader)
                                      ? offload.csum_start - sizeof(UpcallHeader)
                                      : 0);
    }
    if (!batch_.empty()) receiver_(batch_);
}

// Appends what lies in frame_ to the batch, if it comes from the programs.
bool UpcallDevice::take(size_t length) {
    if (length < sizeof(UpcallHeader)) return false;
    uint8_t* p = frame_.data();
    UpcallHeader header;
    std::memcpy(&header, p, kTagAt);
    if (header.magic != kernel_.config().magic) return false;
    size_t tag = header.tagged ? packet::vlan::kHeader : 0;
    if (length < sizeof header + tag + packet::ethernet::kHeader) return false;
    std::memcpy(reinterpret_cast<uint8_t*>(&header) + kTagAt, p + kTagAt + tag, sizeof header - kTagAt);
    if (tag) {
        // Addresses, tag, the rest.
        uint8_t bytes[packet::vlan::kHeader];
        std::memcpy(bytes, p + kTagAt, sizeof bytes);
        std::memmove(p + sizeof header, p + sizeof header + tag, packet::ethernet::kType);
        std::memcpy(p + sizeof header + packet::ethernet::kType, bytes, sizeof bytes);
    }
    HandedUp up{{}, header.list, header.at};
    Work& work = up.work;
    work.packet = packet::Packet(ByteView(p + sizeof header, length - sizeof header));
    work.key = packet::zero_flow();
    Key key;
    std::memset(&key, 0, sizeof key);
    std::memcpy(&key, header.metadata, sizeof header.metadata);
    metadata_to_flow(key, work.key);
    std::memcpy(work.key.ct_ipv6_src.data(), header.ct_ipv6_src, sizeof header.ct_ipv6_src);
    std::memcpy(work.key.ct_ipv6_dst.data(), header.ct_ipv6_dst, sizeof header.ct_ipv6_dst);
    work.depth = header.depth;
    work.tunnel_set = header.tunnel_set;
    uint32_t port = work.key.in_port;
    if (port < kPorts)
        __atomic_store_n(&kernel_.port(port).upcalls_done, header.sequence + 1, __ATOMIC_RELAXED);
    batch_.push_back(std::move(up));
    return true;
}

void UpcallDevice::expect_many() {
    wide_ = kWideLooks;
    __atomic_store_n(&kernel_.config().upcall_window, kWideWindow, __ATOMIC_RELAXED);
}

// Upcalls that got lost between the programs and here (the queue was full, the device down) must not count
// as under way for ever: what was sent before the last look, and has not come since, does not come.
void UpcallDevice::forget_lost() {
    for (uint32_t port = 0; port < kPorts; port++) {
        PortEntry& entry = kernel_.port(port);
        uint32_t done = __atomic_load_n(&entry.upcalls_done, __ATOMIC_RELAXED);
        if (!heard_ && static_cast<int32_t>(sent_before_[port] - done) > 0)
            __atomic_store_n(&entry.upcalls_done, sent_before_[port], __ATOMIC_RELAXED);
        sent_before_[port] = __atomic_load_n(&entry.upcalls_sent, __ATOMIC_RELAXED);
    }
    heard_ = false;
    if (wide_ && --wide_ == 0) __atomic_store_n(&kernel_.config().upcall_window, kWindow, __ATOMIC_RELAXED);
}

}  // namespace weft::datapath::ebpf
