#include "datapath/dummy/dummy_port.h"

#include <algorithm>
#include <map>

#include "datapath/dummy/dummy_device.h"
#include "datapath/dummy/pcap_file.h"
#include "datapath/dummy/wire.h"
#include "packet/address.h"
#include "packet/compose.h"
#include "packet/ethernet.h"
#include "packet/extract.h"
#include "packet/segment.h"

namespace weft::datapath {

namespace {

using packet::Packet;

constexpr size_t kMaxKept = 10000;  // packets for take_sent()

std::map<std::string, DummyDevice*, std::less<>>& registry() {
    static std::map<std::string, DummyDevice*, std::less<>> devices;
    return devices;
}

uint64_t& link_changes() {
    static uint64_t count = 0;
    return count;
}

// aa:55:aa:55:00:NN, counted in the process.
packet::EthAddr next_mac() {
    static uint32_t count = 0;
    uint32_t n = count++;
    return {0xaa, 0x55, 0xaa, 0x55, static_cast<uint8_t>(n >> 8), static_cast<uint8_t>(n)};
}

class DummyPort final : public Port, public DummyDevice {
  public:
    DummyPort(net::Loop& loop, PortInfo info, PacketSink& sink, const PortSpec& spec)
        : Port(std::move(info)),
          loop_(loop),
          sink_(sink),
          mac_(packet::is_zero(spec.mac) ? next_mac() : spec.mac),
          mtu_(spec.mtu ? spec.mtu : 1500) {
        registry()[info_.name] = this;
        link_changes()++;
    }
    ~DummyPort() override {
        auto it = registry().find(info_.name);
        if (it != registry().end() && it->second == this) registry().erase(it);
    }

    Result<void> open_files(const PortSpec& spec) {
        auto option = [&](const char* name) {
            auto it = spec.options.find(name);
            return it == spec.options.end() ? std::string() : it->second;
        };
        std::string both = option("pcap");
        std::string tx = both.empty() ? option("tx_pcap") : both;
        std::string rx = both.empty() ? option("rxq_pcap") : both;
        if (!tx.empty()) {
            WEFT_ASSIGN(tx_pcap_, PcapFile::create(tx));
        }
        if (rx == tx) {
            rx_pcap_ = tx_pcap_;
        } else if (!rx.empty()) {
            WEFT_ASSIGN(rx_pcap_, PcapFile::create(rx));
        }
        return {};
    }

    Result<void> open_wire(net::Loop& loop, const PortSpec& spec) {
        auto connect = spec.options.find("stream"), listen = spec.options.find("pstream");
        if (connect == spec.options.end() && listen == spec.options.end()) return {};
        bool passive = connect == spec.options.end();
        WEFT_ASSIGN(wire_,
                    Wire::open(
                        loop, passive ? listen->second : connect->second, passive,
                        [this](Packet packet) { receive(std::move(packet)); }, [] { link_changes()++; }));
        return {};
    }

    // Port
    // What packet threads send goes out on the switch's thread.
    void send(Work&& work, unsigned lane) override {
        if (lane) {
            loop_.post([name = info_.name, packet = std::move(work.packet)]() mutable {
                auto it = registry().find(name);
                if (it != registry().end()) static_cast<DummyPort*>(it->second)->send_one(std::move(packet));
            });
            return;
        }
        send_one(std::move(work.packet));
    }
    void send_one(Packet packet) {
        if (!admin_up_) {
            counters_.tx_dropped++;
            return sink_.dropped(explain::DropReason::kPortDown);
        }
        std::vector<Packet> packets = packet::segment(std::move(packet));
        if (packets.empty()) return sink_.dropped(explain::DropReason::kTransmitError);
        for (Packet& packet : packets) transmit(std::move(packet));
    }

    // DummyDevice
    const std::string& name() const override { return info_.name; }
    packet::EthAddr mac() const override { return mac_; }
    void set_mac(const packet::EthAddr& mac) override { mac_ = mac; }
    int mtu() const override { return mtu_; }
    void set_mtu(int mtu) override { mtu_ = mtu; }
    bool admin_up() const override { return admin_up_; }
    void set_admin_up(bool up) override {
        admin_up_ = up;
        link_changes()++;
    }
    bool carrier() const override { return admin_up_ && (!wire_ || wire_->connected()); }
    std::string connection_state() const override {
        return !wire_ ? "unknown" : wire_->connected() ? "connected" : "disconnected";
    }
    void receive(Packet packet) override {
        if (!admin_up_) return sink_.dropped(explain::DropReason::kPortDown);
        counters_.rx_packets++;
        counters_.rx_bytes += packet.size();
        if (rx_pcap_) rx_pcap_->write(packet.view());
        std::vector<Received> batch(1);
        batch[0].packet = std::move(packet);
        sink_.received(info_.number, batch);
    }
    std::vector<Packet> take_sent() override {
        keep_ = true;
        return std::move(sent_);
    }

    const Addresses& addresses() const override { return addresses_; }
    void add_address(const packet::Ipv6Addr& address, uint8_t bits) override {
        std::erase_if(addresses_, [&](const auto& one) { return one.first == address; });
        addresses_.emplace_back(address, bits);
    }

  private:
    // The answer comes in the next turn: the datapath is at work.
    void answer_arp(const Packet& request) {
        packet::Flow key = packet::zero_flow();
        packet::extract(request, key);
        if (key.dl_type != packet::ethernet::kArp || key.nw_proto != 1) return;
        packet::Ipv6Addr asked = packet::map_ipv4(key.nw_dst);
        if (std::none_of(addresses_.begin(), addresses_.end(), [&](auto& one) { return one.first == asked; }))
            return;
        Packet reply = packet::compose_arp(2, mac_, key.dl_src, mac_, key.nw_dst, key.arp_sha, key.nw_src);
        loop_.defer([name = info_.name, reply = std::move(reply)]() mutable {
            if (DummyDevice* device = find_dummy_device(name)) device->receive(std::move(reply));
        });
    }
    void transmit(Packet packet) {
        if (!addresses_.empty()) answer_arp(packet);
        counters_.tx_packets++;
        counters_.tx_bytes += packet.size();
        if (tx_pcap_) tx_pcap_->write(packet.view());
        if (wire_) wire_->send(packet.view());
        if (keep_ && sent_.size() < kMaxKept) sent_.push_back(std::move(packet));
    }

    net::Loop& loop_;
    PacketSink& sink_;
    Addresses addresses_;
    packet::EthAddr mac_;
    int mtu_;
    bool admin_up_ = true, keep_ = false;
    std::shared_ptr<PcapFile> tx_pcap_, rx_pcap_;
    std::unique_ptr<Wire> wire_;
    std::vector<Packet> sent_;
};

}  // namespace

DummyDevice* find_dummy_device(std::string_view name) {
    auto it = registry().find(name);
    return it == registry().end() ? nullptr : it->second;
}

std::vector<DummyDevice*> all_dummy_devices() {
    std::vector<DummyDevice*> out;
    for (auto& [name, device] : registry()) out.push_back(device);
    return out;
}

uint64_t dummy_link_changes() {
    return link_changes();
}

Result<std::unique_ptr<Port>> open_dummy_port(net::Loop& loop, PacketSink& sink, PortInfo info,
                                              const PortSpec& spec) {
    auto port = std::make_unique<DummyPort>(loop, std::move(info), sink, spec);
    WEFT_TRY(port->open_files(spec));
    WEFT_TRY(port->open_wire(loop, spec));
    return std::unique_ptr<Port>(std::move(port));
}

}  // namespace weft::datapath
