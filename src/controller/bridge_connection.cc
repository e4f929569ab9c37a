#include "controller/bridge_connection.h"

#include <iterator>
#include <map>

#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"
#include "controller/flow_sync.h"
#include "net/directories.h"
#include "net/stream.h"
#include "openflow/connection.h"
#include "openflow/message.h"

namespace weft::controller {

namespace {

namespace of = openflow;

log::Module lg("ofctrl");

constexpr int64_t kRetryMs =
    100;  // of a local socket: an attempt costs nothing, and without flows the host is cut off
constexpr uint16_t kOptionClass = 0x0102;  // "Open Virtual Networking (OVN)" of the Geneve registry
constexpr uint8_t kOptionType = 0x80;      // critical
constexpr uint8_t kOptionBytes = 4;
constexpr uint16_t kOptionField = 0;  // tun_metadata0
constexpr uint32_t kBundle = 1;

std::string to_text(ByteView bytes) {
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

}  // namespace

struct BridgeConnection::Impl {
    enum class State { kDisconnected, kHello, kOption, kOptionAdded, kRunning };

    Impl(net::Loop& l, FlowOutput& desired, GroupSync g)
        : loop(l),
          sync(desired),
          groups(std::move(g)),
          retry(loop.timer([this] { connect(); })),
          probe(loop.timer([this] { silence(); })) {}

    void connect() {
        disconnect();
        if (bridge.empty()) return;
        auto result = net::connect(loop, "unix:" + net::ovs_rundir() + "/" + bridge + ".mgmt");
        if (!result) {
            lg.warn("{}", result.message());
            return;
        }
        stream = std::move(*result);
        protocol.emplace(of::version_bit(of::Version::k15));
        state = State::kHello;
        stream->set_on_ready([this] { receive(); });
        stream->write(to_text(protocol->take_output()));
        probed = false;
        arm_probe();
    }

    void disconnect() {
        stream.reset();
        protocol.reset();
        barriers.clear();
        if (state == State::kRunning && on_change) on_change();
        state = State::kDisconnected;
    }

    void lost() {
        if (state != State::kHello) lg.info("{}: OpenFlow connection lost, trying again", bridge);
        disconnect();
        retry->arm_in(kRetryMs);
    }

    void arm_probe() {
        if (probe_ms && stream) {
            probe->arm_in(probe_ms);
        } else {
            probe->disarm();
        }
    }
    void silence() {
        if (!stream) return;
        if (probed) {
            lg.info("{}: no answer to a probe of the OpenFlow connection", bridge);
            return lost();
        }
        probed = true;
        if (state != State::kHello) send(of::EchoRequest{});
        arm_probe();
    }

    void receive() {
        probed = false;
        arm_probe();
        std::string bytes;
        bool open = stream->read(bytes);
        protocol->receive(as_bytes(bytes));
        while (auto message = protocol->next()) {
            if (state == State::kHello) handshake();
            handle(*message);
            if (!stream) return;
        }
        if (state == State::kHello && protocol->version()) handshake();
        if (protocol->has_output()) stream->write(to_text(protocol->take_output()));
        if (!protocol->fault().empty()) lg.warn("{}: {}", bridge, protocol->fault());
        if (!open || !protocol->fault().empty()) lost();
    }

    uint32_t send(of::Body body) {
        uint32_t xid = next_xid++;
        stream->write(to_text(of::encode(of::Version::k15, xid, std::move(body))));
        return xid;
    }

    void send(Bytes message) {
        store_be32(&message[4], next_xid++);
        stream->write(to_text(message));
    }

    // Packets are wanted whole and with all they carry; then the Geneve option is looked for.
    void handshake() {
        of::SetConfig config;
        config.miss_send_len = 0xffff;
        send(config);
        send(of::SetPacketInFormat{of::PacketInFormat::kNxm2});
        send(of::TlvTableRequest{});
        state = State::kOption;
    }

    void handle(ByteView bytes) {
        of::Message message;
        of::DecodeOptions options;
        of::OfError error = of::decode(bytes, options, message);
        if (error != of::OfError::kNone) {
            static log::RateLimit limit(5, 5);
            if (limit.pass(lg))
                lg.warn("{}: cannot read a message of the switch ({})", bridge, of::error_name(error));
            return;
        }
        if (const auto* reply = message.get_if<of::TlvTableReply>()) {
            options_known(*reply);
        } else if (message.get_if<of::BarrierReply>()) {
            barrier_passed(message.xid);
        } else if (auto* packet = std::get_if<of::PacketIn>(&message.body)) {
            if (on_packet_in) on_packet_in(std::move(*packet));
        } else if (const auto* reply = message.get_if<of::FlowStatsReply>()) {
            if (on_flow_statistics) {
                for (const of::FlowStats& flow : reply->flows) on_flow_statistics(flow);
            }
        } else if (const auto* failure = message.get_if<of::ErrorMessage>()) {
            report(*failure);
        }
    }

    void options_known(const of::TlvTableReply& table) {
        if (state != State::kOption) return;
        for (const of::TlvMapping& mapping : table.mappings) {
            bool ours = mapping.option_class == kOptionClass && mapping.option_type == kOptionType;
            if (ours && mapping.index == kOptionField && mapping.option_len == kOptionBytes) return resync();
            if (ours || mapping.index == kOptionField) {
                lg.warn(
                    "{}: the switch maps Geneve option class {:#x} type {:#x} to tun_metadata{}, so OVN's "
                    "option cannot be mapped",
                    bridge, mapping.option_class, mapping.option_type, mapping.index);
                return resync();
            }
        }
        of::TlvTableMod mod;
        mod.mappings.push_back({kOptionClass, kOptionType, kOptionBytes, kOptionField});
        send(mod);
        state = State::kOptionAdded;
        option_barrier = send(of::BarrierRequest{});
    }

    // Replaces all that the switch has, at once.
    void resync() {
        ShortLived allocations;
        state = State::kRunning;
        GroupSync::Messages other;
        groups.everything(other);
        for (Bytes& meter : other.meters_before) send(std::move(meter));  // meters cannot be part of a bundle

        constexpr uint16_t kFlags = of::kBundleAtomic | of::kBundleOrdered;
        using Type = of::BundleControl::Type;
        send(of::BundleControl{kBundle, Type::kOpenRequest, kFlags});
        MessageBuffer messages(next_xid, MessageBuffer::Bundle{kBundle, kFlags});
        of::FlowMod no_flows;
        no_flows.command = of::FlowMod::Command::kDelete;
        messages.add(of::encode(of::Version::k15, 0, no_flows));
        for (const Bytes& group : other.groups_before) messages.add(group);
        sync.everything(messages);
        for (auto& piece : messages.take_pieces()) stream->write_shared(std::move(piece));
        send(of::BundleControl{kBundle, Type::kCloseRequest, kFlags});
        send(of::BundleControl{kBundle, Type::kCommitRequest, kFlags});
        end_batch();
        resynced = batch;
        if (on_change) on_change();
    }

    void end_batch() {
        ++batch;
        barriers[send(of::BarrierRequest{})] = batch;
    }

    void barrier_passed(uint32_t xid) {
        if (state == State::kOptionAdded && xid == option_barrier) return resync();
        auto it = barriers.find(xid);
        if (it == barriers.end()) return;
        confirmed = it->second;
        // All the messages are gone, and what the controller needed to come to know what to send.
        if (resynced && confirmed >= *resynced) {
            resynced.reset();
            return_freed_memory();
        }
        barriers.erase(barriers.begin(), std::next(it));
        if (on_change) on_change();
    }

    void report(const of::ErrorMessage& failure) {
        auto error = of::error_from_code(failure.code, of::Version::k15);
        static log::RateLimit limit(30, 30);
        if (!limit.pass(lg)) return;
        lg.warn("{}: OpenFlow error {}: the switch refused a message of type {}", bridge,
                error ? of::error_name(*error) : "unknown", failure.data.size() > 1 ? failure.data[1] : 0);
    }

    net::Loop& loop;
    std::string bridge;
    FlowSync sync;
    GroupSync groups;
    std::unique_ptr<net::Stream> stream;
    std::optional<of::Connection> protocol;
    State state = State::kDisconnected;
    std::unique_ptr<net::Loop::Timer> retry, probe;
    int64_t probe_ms = 0;
    bool probed = false;  // and nothing came since
    std::function<void(of::PacketIn)> on_packet_in;
    std::function<void(const of::FlowStats&)> on_flow_statistics;
    net::Loop::Callback on_change;
    uint32_t next_xid = 2;
    uint32_t option_barrier = 0;
    uint64_t batch = 0, confirmed = 0;
    std::optional<uint64_t> resynced;       // the batch that made the switch equal, while it is not confirmed
    std::map<uint32_t, uint64_t> barriers;  // xid -> batch
};

BridgeConnection::BridgeConnection(net::Loop& loop, FlowOutput& flows, GroupSync groups)
    : impl_(std::make_unique<Impl>(loop, flows, std::move(groups))) {}
BridgeConnection::~BridgeConnection() = default;

void BridgeConnection::set_bridge(const std::string& name) {
    if (impl_->bridge == name) return;
    impl_->bridge = name;
    impl_->connect();
}

void BridgeConnection::set_probe_interval_ms(int64_t ms) {
    if (impl_->probe_ms == ms) return;
    impl_->probe_ms = ms;
    impl_->arm_probe();
}

void BridgeConnection::set_on_packet_in(std::function<void(openflow::PacketIn)> handler) {
    impl_->on_packet_in = std::move(handler);
}
void BridgeConnection::set_on_flow_statistics(std::function<void(const openflow::FlowStats&)> handler) {
    impl_->on_flow_statistics = std::move(handler);
}
void BridgeConnection::ask_flow_statistics(uint8_t table) {
    of::FlowStatsRequest request;
    request.table = table;
    if (connected()) impl_->send(std::move(request));
}
void BridgeConnection::set_on_change(net::Loop::Callback handler) {
    impl_->on_change = std::move(handler);
}
bool BridgeConnection::connected() const {
    return impl_->state == Impl::State::kRunning;
}
uint64_t BridgeConnection::confirmed() const {
    return impl_->confirmed;
}

uint64_t BridgeConnection::push() {
    if (!connected()) return impl_->batch;
    GroupSync::Messages other;
    impl_->groups.changes(other);
    MessageBuffer messages(impl_->next_xid);
    for (const auto* before : {&other.meters_before, &other.groups_before}) {
        for (const Bytes& message : *before) messages.add(message);
    }
    impl_->sync.changes(messages);
    for (const auto* after : {&other.groups_after, &other.meters_after}) {
        for (const Bytes& message : *after) messages.add(message);
    }
    if (!messages.messages()) return impl_->batch;
    for (auto& piece : messages.take_pieces()) impl_->stream->write_shared(std::move(piece));
    impl_->end_batch();
    return impl_->batch;
}

void BridgeConnection::send_packet(const Bytes& packet, uint32_t in_port,
                                   const openflow::ActionList& actions) {
    if (!connected()) return;
    openflow::PacketOut out;
    out.metadata.set_in_port(in_port);
    out.actions = actions;
    out.packet = packet;
    impl_->send(std::move(out));
}

void BridgeConnection::resume(const openflow::PacketIn& packet) {
    if (connected()) impl_->send(openflow::Resume{packet});
}

void BridgeConnection::flush_ct_zone(uint16_t zone) {
    if (connected()) impl_->send(openflow::CtFlushZone{zone});
}

void BridgeConnection::flush_connections(openflow::CtFlush which) {
    if (connected()) impl_->send(std::move(which));
}

}  // namespace weft::controller
