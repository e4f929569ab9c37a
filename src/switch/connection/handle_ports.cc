// Ports and queues.

#include "base/clock.h"
#include "switch/bridge/switch.h"
#include "switch/connection/connection_manager.h"
#include "switch/connection/of_connection_state.h"

#include <algorithm>
#include <ranges>

namespace weft::vswitch {

namespace of = openflow;
using of::OfError;

of::Port OfConnection::describe(const OfPort& port) const {
    of::Port out;
    out.number = port.number;
    out.address = port.mac;
    out.name = port.name.substr(0, 15);
    out.config = port.config;
    out.state = port.state;
    // OpenFlow 1.0 alone shows what the spanning tree says (the codec leaves it out of later versions).
    if (port.tree == TreeState::kBlocking) out.state |= of::kPortStpBlock;
    if (port.tree == TreeState::kLearning) out.state |= of::kPortStpLearn;
    if (port.tree == TreeState::kForwarding) out.state |= of::kPortStpForward;
    // OpenFlow 1.1+: a port that works is live.
    if (version() >= of::Version::k11 && port.live()) {
        out.state |= of::kPortLive;
    }
    out.current = port.features.current;
    out.advertised = port.features.advertised;
    out.supported = port.features.supported;
    out.current_speed = port.features.current_kbps;
    out.max_speed = port.features.max_kbps;
    return out;
}

OfError OfConnection::apply(const of::PortMod& mod) {
    OfPort* port = bridge_.port(mod.number);
    if (!port) return OfError::OFPPMFC_BAD_PORT;
    if (mod.address != packet::EthAddr{} && mod.address != port->mac) return OfError::OFPPMFC_BAD_HW_ADDR;
    constexpr uint32_t kKnown = kPortConfigDown | kPortConfigNoStp | kPortConfigNoRecv | kPortConfigNoFlood |
                                kPortConfigNoFwd | kPortConfigNoPacketIn | 8;
    uint32_t config = (port->config & ~mod.mask) | (mod.config & mod.mask & kKnown);
    if (config == port->config) return OfError::kNone;
    bool down_changed = (config ^ port->config) & kPortConfigDown;
    port->config = config;
    if (down_changed) manager_.set_port_up(*port, !(config & kPortConfigDown));
    if (port->bundle) {
        port->bundle->floodable = false;
        for (OfPort* member : port->bundle->members)
            port->bundle->floodable |= !(member->config & kPortConfigNoFlood);
    }
    bridge_.port_changed(*port);
    return OfError::kNone;
}

void OfConnection::handle(const of::PortMod& mod) {
    done(apply(mod));
}

void OfConnection::handle(const of::PortDescRequest& request) {
    of::MultipartWriter writer(version(), xid_, of::MultipartWriter::Kind::kPortDesc);
    for (const auto& [number, port] : bridge_.ports()) {
        if (request.port != of::kPortNone && request.port != number) continue;
        writer.add(describe(*port));
    }
    for (Bytes& message : writer.finish()) send_raw(message);
}

namespace {

// What its counters are the sum of: the datapath's of a device, else those of the flows that lead through it.
bool counted_by_device(const OfPort& port) {
    return !port.is_patch && !port.tunnel;
}

}  // namespace

of::PortStats OfConnection::statistics(const OfPort& port) const {
    of::PortStats out;
    out.port = port.number;
    int64_t age = clock::monotonic_ms() - port.created_ms;
    out.duration_sec = static_cast<uint32_t>(age / 1000);
    out.duration_nsec = static_cast<uint32_t>(age % 1000 * 1000000);
    datapath::PortStats stats = port.counted;
    bool device = counted_by_device(port);
    if (device) {
        auto now = backer_.datapath().port_stats(port.dp_port);
        if (!now) return out;
        stats = *now;
    }
    out.rx_packets = stats.rx_packets;
    out.rx_bytes = stats.rx_bytes;
    out.tx_packets = stats.tx_packets;
    out.tx_bytes = stats.tx_bytes;
    if (device) {
        out.rx_dropped = stats.rx_dropped;
        out.rx_errors = stats.rx_errors;
        out.tx_dropped = stats.tx_dropped;
        out.tx_errors = stats.tx_errors;
        out.rx_frame_err = out.rx_over_err = out.rx_crc_err = out.collisions = 0;
    }
    return out;
}

void OfConnection::handle(const of::PortStatsRequest& request) {
    auto asked = [&](const auto& entry) {
        return request.port == of::kPortNone || request.port == entry.first;
    };
    auto wanted = bridge_.ports() | std::views::filter(asked);
    if (!std::ranges::all_of(wanted, [](const auto& entry) { return counted_by_device(*entry.second); }))
        backer_.pull_statistics();
    of::MultipartWriter writer(version(), xid_, of::MultipartWriter::Kind::kPort);
    for (const auto& [number, port] : wanted) writer.add(statistics(*port));
    for (Bytes& message : writer.finish()) send_raw(message);
}

void OfConnection::handle(const of::QueueStatsRequest& request) {
    if (request.port != of::kPortNone && !bridge_.port(request.port)) return fail(OfError::OFPQOFC_BAD_PORT);
    of::MultipartWriter writer(version(), xid_, of::MultipartWriter::Kind::kQueue);
    int64_t now = clock::monotonic_ms();
    bool any = false;
    for (const auto& [number, port] : bridge_.ports()) {
        if (request.port != of::kPortNone && request.port != number) continue;
        const Shaping::Device* device = manager_.owner().shaping().find(port->name);
        if (!device || device->queues_since_ms.empty()) continue;
        auto statistics = datapath::qos_statistics(port->name);
        for (const auto& [id, since] : device->queues_since_ms) {
            if (request.queue != of::kQueueAll && request.queue != id) continue;
            any = true;
            of::QueueStats out;
            out.port = number;
            out.queue = id;
            out.tx_packets = statistics[id].packets;
            out.tx_bytes = statistics[id].bytes;
            out.tx_errors = statistics[id].errors;
            out.duration_sec = static_cast<uint32_t>((now - since) / 1000);
            out.duration_nsec = static_cast<uint32_t>((now - since) % 1000 * 1000000);
            writer.add(out);
        }
    }
    if (!any && request.queue != of::kQueueAll) return fail(OfError::OFPQOFC_BAD_QUEUE);
    for (Bytes& message : writer.finish()) send_raw(message);
}

void OfConnection::handle(const of::QueueConfigRequest& request) {
    // OpenFlow 1.0 asks about one port.
    if ((request.port != of::kPortNone || version() == of::Version::k10) && !bridge_.port(request.port))
        return fail(OfError::OFPQOFC_BAD_PORT);
    of::QueueConfigReply out;
    out.port = request.port;
    for (const auto& [number, port] : bridge_.ports()) {
        if (request.port != of::kPortNone && request.port != number) continue;
        const Shaping::Device* device = manager_.owner().shaping().find(port->name);
        if (!device) continue;
        for (const auto& [id, since] : device->queues_since_ms) {
            of::QueueConfig queue;
            queue.port = number;
            queue.queue = id;
            if (request.queue == of::kQueueAll || request.queue == id) out.queues.push_back(queue);
        }
    }
    if (request.queue != of::kQueueAll && out.queues.empty()) return fail(OfError::OFPQOFC_BAD_QUEUE);
    reply(out);
}

}  // namespace weft::vswitch
