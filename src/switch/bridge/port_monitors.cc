#include "switch/bridge/port_monitors.h"

#include <fmt/core.h>

#include <algorithm>
#include <random>

#include "base/clock.h"
#include "base/log.h"
#include "base/uuid.h"
#include "packet/compose.h"
#include "packet/extract.h"

namespace weft::vswitch {

namespace {

constexpr int64_t kCountIntervalMs = 500;
constexpr uint8_t kTos = 0xc0;  // internetwork control

log::Module lg("bfd");

}  // namespace

PortMonitors::PortMonitors(net::Loop& loop, FindBacker find_backer, std::function<void()> changed)
    : loop_(loop), find_backer_(std::move(find_backer)), changed_(std::move(changed)) {
    timer_ = loop_.timer([this] { due_ = true; });
    count_timer_ = loop_.timer([this] { count(); });
}

uint32_t PortMonitors::new_discriminator() {
    for (;;) {
        Uuid random = Uuid::random();
        uint32_t value = load_be32(random.bytes.data());
        bool taken = std::any_of(sessions_.begin(), sessions_.end(), [&](const auto& entry) {
            return entry.second.bfd && entry.second.bfd->discriminator() == value;
        });
        if (value && !taken) return value;
    }
}

void PortMonitors::configure(OfPort& port, const ovsdb::StringMap& bfd, std::vector<std::string>& warnings) {
    std::optional<BfdOptions> options;
    if (!port.is_patch) options = parse_bfd_options(port.name, bfd, warnings);
    if (!options) return remove(port);
    int64_t now = clock::monotonic_ms();
    auto [it, added] = sessions_.try_emplace(port.name);
    Session& session = it->second;
    session.port = &port;
    if (added) {
        auto random = [engine = std::minstd_rand(std::random_device()())]() mutable {
            return static_cast<uint32_t>(engine());
        };
        session.bfd = std::make_unique<Bfd>(new_discriminator(), *options, std::move(random), now);
    } else {
        session.bfd->configure(*options, now);
    }
    BfdFilter filter(*options);
    if (!port.bfd || !(*port.bfd == filter)) {
        port.bfd = filter;
        port.bridge->touch();
    }
    if (session.bfd->wants_counts() && !count_timer_->armed()) count_timer_->arm_in(kCountIntervalMs);
    due_ = true;
    loop_.wake();
}

void PortMonitors::remove(const OfPort& port) {
    auto it = sessions_.find(port.name);
    if (it == sessions_.end()) return;
    OfPort& monitored = *it->second.port;
    sessions_.erase(it);
    monitored.bfd.reset();
    bool was_up = std::exchange(monitored.monitored_up, true);
    if (!was_up)
        monitored.bridge->port_changed(monitored);
    else
        monitored.bridge->touch();
    changed_();
}

void PortMonitors::received(OfPort& port, const packet::Packet& packet, const packet::Flow& key) {
    auto it = sessions_.find(port.name);
    if (it == sessions_.end()) return;
    packet::Flow flow = key;
    packet::Layout layout = packet::extract(packet, flow);
    // What the datagram's own length says; a padded frame has more.
    size_t end = layout.l3_end ? std::min<size_t>(layout.l3_end, packet.size()) : packet.size();
    if (!layout.payload || layout.payload > end) return;
    uint64_t rejected = it->second.bfd->rejected();
    it->second.bfd->receive(packet.view().subspan(layout.payload, end - layout.payload), flow.nw_ttl,
                            clock::monotonic_ms());
    if (it->second.bfd->rejected() != rejected) {
        static log::RateLimit limit(1, 5);
        if (limit.pass(lg)) {
            lg.info("{}: discarded a control message ({} so far): {}", port.name, it->second.bfd->rejected(),
                    it->second.bfd->last_rejection());
        }
    }
    due_ = true;
}

void PortMonitors::count() {
    int64_t now = clock::monotonic_ms();
    std::map<Backer*, bool> pulled;
    bool again = false;
    for (auto& [name, session] : sessions_) {
        if (!session.bfd->wants_counts()) continue;
        again = true;
        Backer* backer = find_backer_(*session.port);
        if (!backer) continue;
        if (session.port->tunnel) {  // counted by the flows of the shared port
            if (!std::exchange(pulled[backer], true)) backer->pull_statistics();
            session.bfd->count_received(session.port->counted.rx_packets, now);
        } else if (auto stats = backer->datapath().port_stats(session.port->dp_port)) {
            session.bfd->count_received(stats->rx_packets, now);
        }
    }
    if (again) count_timer_->arm_in(kCountIntervalMs);
    due_ = true;
}

void PortMonitors::run() {
    int64_t now = clock::monotonic_ms();
    if (!due_ || sessions_.empty()) return;
    due_ = false;
    int64_t next = INT64_MAX;
    for (auto& [name, session] : sessions_) {
        run(session, now);
        next = std::min(next, session.bfd->next_wakeup_ms());
    }
    timer_->arm_at(std::max(next, now + 1));
}

void PortMonitors::run(Session& session, int64_t now_ms) {
    while (auto message = session.bfd->poll(now_ms)) send(session, *message);
    if (std::string text = session.bfd->take_transitions(); !text.empty())
        lg.info("{}: {}", session.port->name, text);
    if (session.port->monitored_up != session.bfd->forwarding()) {
        session.port->monitored_up = session.bfd->forwarding();
        session.port->bridge->port_changed(*session.port);
        loop_.wake();
    }
    auto status = session.bfd->status();
    if (status == session.reported) return;
    session.reported = std::move(status);
    changed_();
}

void PortMonitors::send(Session& session, const BfdMessage& message) {
    OfPort& port = *session.port;
    Backer* backer = find_backer_(port);
    if (!backer) return;
    const BfdOptions& options = session.bfd->options();
    packet::IpEndpoints ip;
    ip.eth_src = options.local_src_mac.value_or(port.mac);
    ip.eth_dst = options.local_dst_mac;
    ip.src = options.src_ip.value_or(BfdOptions::kDefaultSrcIp);
    ip.dst = options.dst_ip;
    ip.tos = kTos;
    ip.ttl = packet::kBfdTtl;
    packet::Packet packet = packet::compose_udp(ip, kBfdSourcePort, kBfdPort, message.encode());
    packet::Flow metadata = packet::zero_flow();
    metadata.in_port = openflow::kPortNone;
    if (options.oam) metadata.tunnel.flags = packet::kTunnelOam;
    openflow::Output output;
    output.port = port.number;
    backer->packet_out(*port.bridge, std::move(packet), metadata, {openflow::Action(output)});
}

const Bfd* PortMonitors::find(std::string_view interface) const {
    auto it = sessions_.find(interface);
    return it == sessions_.end() ? nullptr : it->second.bfd.get();
}

std::vector<std::string> PortMonitors::names() const {
    std::vector<std::string> out;
    for (const auto& [name, session] : sessions_) out.push_back(name);
    return out;
}

ovsdb::StringMap PortMonitors::status(std::string_view interface) const {
    ovsdb::StringMap out;
    if (const Bfd* bfd = find(interface)) {
        for (const auto& [key, value] : bfd->status()) out.set(key, value);
    }
    return out;
}

void PortMonitors::override_forwarding(std::string_view interface, std::optional<bool> forwarding) {
    auto it = sessions_.find(interface);
    if (it == sessions_.end()) return;
    it->second.bfd->override_forwarding(forwarding, clock::monotonic_ms());
    due_ = true;
    loop_.wake();
}

}  // namespace weft::vswitch
