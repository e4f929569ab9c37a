#include "datapath/userspace/afxdp_port.h"

#include <fmt/format.h>
#include <net/if.h>

#include <charconv>
#include <mutex>

#include "base/log.h"
#include "datapath/netdev/device_info.h"
#include "datapath/netdev/ingress_block.h"
#include "datapath/userspace/xdp_program.h"
#include "datapath/userspace/xdp_socket.h"
#include "packet/segment.h"
#include "packet/unfinished.h"

namespace weft::datapath {

namespace {

using packet::Packet;

log::Module lg("netdev_afxdp");

constexpr uint32_t kMaxQueues = 64;
constexpr int kMaxMtu = XdpSocket::kMaxFrame - 14 - 8;  // Ethernet header, two tags

struct Mode {
    std::string_view name;
    XdpProgram::At at;
    XdpSocket::Copy copy;
};
constexpr Mode kModes[] = {
    {"native-with-zerocopy", XdpProgram::At::kDriver, XdpSocket::Copy::kZeroCopy},
    {"native", XdpProgram::At::kDriver, XdpSocket::Copy::kCopy},
    {"generic", XdpProgram::At::kGeneric, XdpSocket::Copy::kCopy},
};

struct Options {
    std::string mode = "best-effort";
    uint32_t queues = 1;
    bool need_wakeup = true;
};

Result<Options> parse_options(const std::string& device, const std::map<std::string, std::string>& options) {
    Options out;
    auto find = [&](const char* key) {
        auto it = options.find(key);
        return it == options.end() ? nullptr : &it->second;
    };
    if (auto* mode = find("xdp-mode")) {
        bool known = *mode == "best-effort";
        for (const Mode& one : kModes) known = known || *mode == one.name;
        if (!known) {
            return Error{
                fmt::format("{}: options:xdp-mode is \"{}\": it can be best-effort, "
                            "native-with-zerocopy, native or generic",
                            device, *mode)};
        }
        out.mode = *mode;
    }
    if (auto* queues = find("n_rxq")) {
        const char* end = queues->data() + queues->size();
        auto [at, error] = std::from_chars(queues->data(), end, out.queues);
        if (error != std::errc() || at != end || !out.queues || out.queues > kMaxQueues) {
            return Error{
                fmt::format("{}: options:n_rxq is \"{}\": it can be 1 to {}", device, *queues, kMaxQueues)};
        }
    }
    if (auto* wakeup = find("use-need-wakeup")) {
        if (*wakeup != "true" && *wakeup != "false") {
            return Error{fmt::format("{}: options:use-need-wakeup is \"{}\": it can be true or false", device,
                                     *wakeup)};
        }
        out.need_wakeup = *wakeup == "true";
    }
    return out;
}

// What several threads send goes out by one socket, one at a time.
class AfxdpPort final : public Port {
  public:
    struct Sockets {
        XdpProgram program;
        std::vector<std::unique_ptr<XdpSocket>> sockets;
    };
    // What the kernel does in this mode.
    static Result<Sockets> open(int ifindex, const Mode& mode, const Options& options) {
        Sockets out;
        WEFT_ASSIGN(out.program, XdpProgram::attach(ifindex, mode.at, options.queues));
        for (uint32_t queue = 0; queue < options.queues; queue++) {
            WEFT_ASSIGN(auto socket, XdpSocket::open(ifindex, queue, mode.copy, options.need_wakeup));
            WEFT_TRY(out.program.set_socket(queue, socket->fd()));
            out.sockets.push_back(std::move(socket));
        }
        return out;
    }

    AfxdpPort(PortInfo info, PacketSink& sink, Sockets sockets, TcFilter filter)
        : Port(std::move(info)),
          sink_(sink),
          program_(std::move(sockets.program)),
          filter_(std::move(filter)) {
        for (auto& socket : sockets.sockets) queues_.push_back(std::make_unique<Queue>(std::move(socket)));
    }

    std::vector<ReceiveQueue*> queues() override {
        std::vector<ReceiveQueue*> out;
        for (auto& queue : queues_) out.push_back(queue.get());
        return out;
    }
    PortStats stats() const override {
        PortStats out = Port::stats();
        for (const auto& queue : queues_) queue->counters.add_to(out);
        return out;
    }

    void send(Work&& work, unsigned) override {
        std::lock_guard lock(mutex_);
        std::vector<Packet> cut;
        if (work.packet.offload.gso_type != packet::GsoType::kNone) {
            cut = packet::segment(std::move(work.packet));
            if (cut.empty()) return drop(explain::DropReason::kMalformed);
        } else {
            packet::finish_checksum(work.packet);
            return send_one(work.packet);
        }
        for (Packet& one : cut) send_one(one);
    }

    // Everything leaves by the first queue: so no packet overtakes another.
    void flush(unsigned) override {
        std::lock_guard lock(mutex_);
        queues_[0]->socket->flush();
    }
    void remove() override { filter_.remove(); }

  private:
    struct Queue final : ReceiveQueue {
        explicit Queue(std::unique_ptr<XdpSocket> socket_) : socket(std::move(socket_)) {}
        int fd() const override { return socket->fd(); }
        void take(std::vector<Received>& batch) override {
            socket->receive(kBatch, [&](ByteView frame) {
                Packet packet(frame);
                packet::mark_unfinished(packet);
                counters.rx_packets++;
                counters.rx_bytes += packet.size();
                batch.push_back({std::move(packet)});
            });
        }

        std::unique_ptr<XdpSocket> socket;
        PortCounters counters;
    };

    void send_one(const Packet& packet) {
        if (!queues_[0]->socket->send(packet.view())) {
            return drop(packet.size() > XdpSocket::kMaxFrame ? explain::DropReason::kTooBig
                                                             : explain::DropReason::kTransmitQueueFull);
        }
        counters_.tx_packets++;
        counters_.tx_bytes += packet.size();
    }
    void drop(explain::DropReason reason) {
        counters_.tx_dropped++;
        sink_.dropped(reason);
    }

    PacketSink& sink_;
    XdpProgram program_;
    TcFilter filter_;
    std::mutex mutex_;  // of what sends
    std::vector<std::unique_ptr<Queue>> queues_;
};

}  // namespace

Result<std::unique_ptr<Port>> open_afxdp_port(PacketSink& sink, PortInfo info, const PortSpec& spec) {
    int ifindex = static_cast<int>(if_nametoindex(info.name.c_str()));
    if (!ifindex) return Error{fmt::format("{}: no such network device", info.name)};
    int mtu = device_mtu(info.name);
    if (mtu > kMaxMtu) {
        return Error{
            fmt::format("{}: its MTU is {}: AF_XDP frames hold at most {}", info.name, mtu, kMaxMtu)};
    }
    WEFT_ASSIGN(Options options, parse_options(info.name, spec.options));
    std::string refusals;
    for (const Mode& mode : kModes) {
        if (options.mode != "best-effort" && options.mode != mode.name) continue;
        auto sockets = AfxdpPort::open(ifindex, mode, options);
        if (!sockets) {
            refusals +=
                fmt::format("{}{} mode: {}", refusals.empty() ? "" : "; ", mode.name, sockets.message());
            continue;
        }
        lg.info("{}: AF_XDP in {} mode, {} queue{}{}", info.name, mode.name, options.queues,
                options.queues == 1 ? "" : "s", refusals.empty() ? "" : " (" + refusals + ")");
        auto block = install_ingress_block(ifindex, info.name);
        if (!block) {
            lg.warn("{}: the host's own network stack keeps receiving from other queues: {}", info.name,
                    block.message());
            block = TcFilter();
        }
        return std::unique_ptr<Port>(
            std::make_unique<AfxdpPort>(std::move(info), sink, std::move(*sockets), std::move(*block)));
    }
    return Error{fmt::format("{}: no AF_XDP socket: {}", info.name, refusals)};
}

}  // namespace weft::datapath
