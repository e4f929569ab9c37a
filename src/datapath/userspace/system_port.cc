#include "datapath/userspace/system_port.h"

#include <fmt/format.h>
#include <net/if.h>

#include "base/log.h"
#include "datapath/netdev/ingress_block.h"
#include "datapath/userspace/packet_sender.h"
#include "datapath/userspace/packet_socket.h"

namespace weft::datapath {

namespace {

log::Module lg("netdev_linux");

class SystemPort final : public Port {
  public:
    // `sender`: for lane 0, if there is no receiver.
    SystemPort(PortInfo info, PacketSink& sink, int ifindex, std::vector<PacketReceiver> receivers,
               Descriptor sender, TcFilter filter)
        : Port(std::move(info)),
          sink_(sink),
          ifindex_(ifindex),
          receivers_(std::move(receivers)),
          filter_(std::move(filter)) {
        if (sender.open()) sockets_.push_back(std::move(sender));
        lanes_.push_back(std::make_unique<PacketSender>(first_socket(), sink_));
    }

    PortStats stats() const override {
        PortStats out = Port::stats();
        for (const PacketReceiver& receiver : receivers_) receiver.counters().add_to(out);
        for (const auto& lane : lanes_) lane->counters().add_to(out);
        return out;
    }
    std::vector<ReceiveQueue*> queues() override {
        std::vector<ReceiveQueue*> out;
        for (PacketReceiver& receiver : receivers_) out.push_back(&receiver);
        return out;
    }

    // Those that are not used any more stay: they have counted.
    void set_lanes(unsigned count) override {
        while (lanes_.size() < count) {
            int fd = first_socket();
            auto socket = open_sending_socket(info_.name, ifindex_);
            if (socket) {
                fd = socket->get();
                sockets_.push_back(std::move(*socket));
            } else {
                lg.warn("{}: packet threads share a socket, and with it a queue's priority: {}", info_.name,
                        socket.message());
            }
            lanes_.push_back(std::make_unique<PacketSender>(fd, sink_));
        }
    }

    void send(Work&& work, unsigned lane) override { lanes_[lane]->send(std::move(work)); }
    void flush(unsigned lane) override { lanes_[lane]->flush(); }
    void remove() override { filter_.remove(); }

  private:
    int first_socket() const { return receivers_.empty() ? sockets_[0].get() : receivers_[0].fd(); }

    PacketSink& sink_;
    const int ifindex_;
    std::vector<PacketReceiver> receivers_;
    std::vector<Descriptor> sockets_;
    std::vector<std::unique_ptr<PacketSender>> lanes_;
    TcFilter filter_;
};

}  // namespace

Result<std::unique_ptr<Port>> open_system_port(PacketSink& sink, PortInfo info, unsigned queues) {
    int ifindex = static_cast<int>(if_nametoindex(info.name.c_str()));
    if (!ifindex) return Error{fmt::format("{}: no such network device", info.name)};
    WEFT_ASSIGN(auto receivers, PacketReceiver::open(info.name, ifindex, queues));
    auto block = install_ingress_block(ifindex, info.name);
    if (!block) {
        lg.warn("{}: the host's own network stack keeps receiving from this port: {}", info.name,
                block.message());
        block = TcFilter();
    }
    return std::unique_ptr<Port>(std::make_unique<SystemPort>(
        std::move(info), sink, ifindex, std::move(receivers), Descriptor(), std::move(*block)));
}

Result<std::unique_ptr<Port>> open_sending_system_port(PacketSink& sink, PortInfo info, int ifindex,
                                                       TcFilter filter) {
    WEFT_ASSIGN(Descriptor socket, open_sending_socket(info.name, ifindex));
    return std::unique_ptr<Port>(std::make_unique<SystemPort>(
        std::move(info), sink, ifindex, std::vector<PacketReceiver>(), std::move(socket), std::move(filter)));
}

}  // namespace weft::datapath
