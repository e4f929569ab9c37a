#include "datapath/dummy/wire.h"

#include <algorithm>
#include <vector>

#include "net/stream.h"

namespace weft::datapath {

namespace {

constexpr int64_t kReconnectMs = 1000;
constexpr size_t kMaxBacklog = 4 << 20;  // bytes; what a slow peer does not take is lost, as on a wire

class StreamWire final : public Wire {
  public:
    StreamWire(net::Loop& loop, std::string remote, OnPacket on_packet, std::function<void()> on_link)
        : loop_(loop),
          remote_(std::move(remote)),
          on_packet_(std::move(on_packet)),
          on_link_(std::move(on_link)) {}

    Result<void> start(bool passive) {
        if (passive) {
            WEFT_ASSIGN(listener_, net::listen(loop_, remote_, [this](std::unique_ptr<net::Stream> s) {
                            add(std::move(s));
                        }));
            return {};
        }
        timer_ = loop_.timer([this] { (void)connect().ok(); });
        return connect();
    }

    bool connected() const override {
        return std::any_of(peers_.begin(), peers_.end(),
                           [](const auto& peer) { return peer->stream->connected(); });
    }

    void send(ByteView packet) override {
        if (packet.size() > UINT16_MAX) return;
        uint8_t length[2];
        store_be16(length, static_cast<uint16_t>(packet.size()));
        for (auto& peer : peers_) {
            if (!peer->stream->connected() || peer->stream->backlog() > kMaxBacklog) continue;
            peer->stream->write({reinterpret_cast<const char*>(length), 2});
            peer->stream->write({reinterpret_cast<const char*>(packet.data()), packet.size()});
        }
    }

  private:
    struct Peer {
        std::unique_ptr<net::Stream> stream;
        std::string input;
    };

    Result<void> connect() {
        WEFT_ASSIGN(std::unique_ptr<net::Stream> stream, net::connect(loop_, remote_));
        add(std::move(stream));
        return {};
    }

    void add(std::unique_ptr<net::Stream> stream) {
        auto peer = std::make_unique<Peer>();
        Peer* raw = peer.get();
        peer->stream = std::move(stream);
        peer->stream->set_on_ready([this, raw] { ready(raw); });
        peers_.push_back(std::move(peer));
        ready(raw);
    }

    void ready(Peer* peer) {
        bool open = peer->stream->read(peer->input);
        size_t at = 0;
        std::vector<packet::Packet> packets;
        while (peer->input.size() - at >= 2) {
            ByteView rest = as_bytes(std::string_view(peer->input).substr(at));
            size_t length = load_be16(rest.data());
            if (rest.size() < 2 + length) break;
            packets.emplace_back(rest.subspan(2, length));
            at += 2 + length;
        }
        peer->input.erase(0, at);
        if (!open) {
            // Not inside the stream's own callback.
            loop_.defer([this, peer] { forget(peer); });
        }
        tell_link();
        for (packet::Packet& packet : packets) on_packet_(std::move(packet));
    }

    void forget(Peer* peer) {
        size_t gone = std::erase_if(peers_, [&](const auto& one) { return one.get() == peer; });
        if (gone && timer_) timer_->arm_in(kReconnectMs);
        tell_link();
    }

    void tell_link() {
        if (connected() == told_) return;
        told_ = !told_;
        on_link_();
    }

    net::Loop& loop_;
    std::string remote_;
    OnPacket on_packet_;
    std::function<void()> on_link_;
    bool told_ = false;  // connected()
    std::unique_ptr<net::Listener> listener_;
    std::unique_ptr<net::Loop::Timer> timer_;
    std::vector<std::unique_ptr<Peer>> peers_;
};

}  // namespace

Result<std::unique_ptr<Wire>> Wire::open(net::Loop& loop, const std::string& remote, bool passive,
                                         OnPacket on_packet, std::function<void()> on_link) {
    auto wire = std::make_unique<StreamWire>(loop, remote, std::move(on_packet), std::move(on_link));
    WEFT_TRY(wire->start(passive));
    return std::unique_ptr<Wire>(std::move(wire));
}

}  // namespace weft::datapath
