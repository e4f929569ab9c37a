#include "controller/responders/bfd_sessions.h"

#include <algorithm>
#include <random>
#include <string_view>

#include "controller/responders/datagram.h"
#include "packet/address.h"

namespace weft::controller {

namespace sb = schema::sb;

namespace {

packet::BfdSession::Random jitter() {
    return [engine = std::minstd_rand(std::random_device()())]() mutable {
        return static_cast<uint32_t>(engine());
    };
}

bool is_link_local(const packet::Ipv6Addr& address) {
    return address[0] == 0xfe && (address[1] & 0xc0) == 0x80;
}

// From the port's own address of the family of `to`: of its mac column, "MAC ADDRESS/LENGTH…".
std::optional<packet::IpEndpoints> endpoints(const sb::PortBinding& port, std::string_view to) {
    packet::IpEndpoints ip;
    auto to4 = packet::parse_ipv4(to);
    auto to6 = packet::parse_ipv6(to);
    if (!to4 && !to6) return std::nullopt;
    ip.ttl = packet::kBfdTtl;
    ip.v6 = to6.has_value();
    if (to4) ip.dst = *to4;
    if (to6) ip.ipv6_dst = *to6;
    bool has_mac = false, has_source = false;
    for (std::string_view text : port.mac) {
        while (!text.empty()) {
            size_t space = text.find(' ');
            std::string_view word = text.substr(0, space);
            std::string_view address = word.substr(0, word.find('/'));
            if (auto mac = packet::parse_eth(word); mac && !has_mac) {
                ip.eth_dst = *mac;
                has_mac = true;
            } else if (auto v4 = packet::parse_ipv4(address); v4 && to4 && !has_source) {
                ip.src = *v4;
                has_source = true;
            } else if (auto v6 = packet::parse_ipv6(address);
                       v6 && to6 && !has_source && is_link_local(*v6) == is_link_local(*to6)) {
                ip.ipv6_src = *v6;
                has_source = true;
            }
            if (space == std::string_view::npos) break;
            text.remove_prefix(space + 1);
        }
    }
    if (!has_mac || !has_source) return std::nullopt;
    return ip;
}

bool is_here(const sb::PortBinding& port, SouthboundView& view, const Uuid& chassis) {
    if (port.type == "l3gateway") return port.chassis == chassis;
    const sb::PortBinding* redirect = view.port_named("cr-" + port.logical_port);
    return redirect && redirect->chassis == chassis;
}

packet::BfdSession::Settings settings_of(const sb::BFD& row) {
    constexpr int64_t kMost = 3'600'000;
    packet::BfdSession::Settings settings;
    settings.min_tx_ms = std::clamp<int64_t>(row.min_tx, 1, kMost);
    settings.min_rx_ms = std::clamp<int64_t>(row.min_rx, 0, kMost);
    settings.multiplier = static_cast<uint8_t>(std::clamp<int64_t>(row.detect_mult, 1, 255));
    return settings;
}

}  // namespace

void BfdSessions::update(const ovsdb::client::Replica& southbound, SouthboundView& view, const Uuid& chassis,
                         int64_t now_ms) {
    std::map<Uuid, Session> kept;
    for (const sb::BFD& row : southbound.table<sb::BFD>()) {
        const sb::PortBinding* port = view.port_named(row.logical_port);
        const LocalDatapath* datapath = port ? view.local_datapath(port->datapath) : nullptr;
        if (!datapath || !is_here(*port, view, chassis) || !row.disc) continue;
        std::optional<packet::IpEndpoints> ip = endpoints(*port, row.dst_ip);
        if (!ip) continue;
        packet::BfdSession::Settings settings = settings_of(row);
        uint32_t discriminator = static_cast<uint32_t>(row.disc);
        auto old = sessions_.find(row.uuid);
        // One that ends says so to the other end; one that never began has nothing to say.
        if (row.status == "admin_down" && old == sessions_.end()) continue;
        Session session =
            old != sessions_.end() && old->second.protocol.discriminator() == discriminator
                ? old->second
                : Session{.protocol = packet::BfdSession(discriminator, settings, jitter(), now_ms),
                          .ip = {}};
        session.protocol.configure(settings, now_ms);
        session.protocol.set_admin_down(row.status == "admin_down", now_ms);
        session.datapath_key = datapath->key;
        session.port_key = static_cast<uint32_t>(port->tunnel_key);
        session.ip = *ip;
        session.source_port = static_cast<uint16_t>(row.src_port);
        kept.emplace(row.uuid, session);
    }
    sessions_ = std::move(kept);
}

void BfdSessions::send_due(Session& session, int64_t now_ms, const Send& send) {
    while (auto message = session.protocol.poll(now_ms)) {
        send(session.datapath_key, session.port_key,
             dont_fragment(
                 packet::compose_udp(session.ip, session.source_port, packet::kBfdPort, message->encode())));
    }
}

void BfdSessions::run(int64_t now_ms, const Send& send) {
    for (auto& [uuid, session] : sessions_) send_due(session, now_ms, send);
}

std::optional<int64_t> BfdSessions::due_ms() const {
    std::optional<int64_t> due;
    for (const auto& [uuid, session] : sessions_) {
        int64_t next = session.protocol.next_wakeup_ms();
        if (!due || next < *due) due = next;
    }
    return due;
}

bool BfdSessions::received(uint32_t datapath_key, uint32_t port_key, ByteView frame, int64_t now_ms,
                           const Send& send) {
    std::optional<Datagram> datagram = find_datagram(frame);
    if (!datagram) return false;
    // RFC 5880 section 6.8.6; what a router forwarded (RFC 5881 section 5) was not sent by a neighbour.
    std::optional<packet::BfdMessage> message = packet::BfdMessage::decode(datagram->payload);
    const packet::Flow& flow = datagram->flow;
    if (!message || message->flaw(datagram->payload.size(), flow.nw_ttl)) return false;
    for (auto& [uuid, session] : sessions_) {
        if (session.datapath_key != datapath_key || session.port_key != port_key) continue;
        if (datagram->v6 != session.ip.v6 || flow.nw_src != session.ip.dst ||
            flow.ipv6_src != session.ip.ipv6_dst)
            continue;
        // Zero: the other end does not know us yet.
        uint32_t ours = message->your_discriminator;
        if (ours && ours != session.protocol.discriminator()) continue;
        packet::BfdState before = session.protocol.state();
        session.protocol.receive(datagram->payload, flow.nw_ttl, now_ms);
        send_due(session, now_ms, send);
        return before != session.protocol.state();
    }
    return false;
}

void BfdSessions::write(const ovsdb::client::Replica& southbound, ovsdb::client::Transaction& txn) {
    for (const auto& [uuid, session] : sessions_) {
        const sb::BFD* row = southbound.find<sb::BFD>(uuid);
        packet::BfdState state = session.protocol.state();
        // What is down on purpose is northd's to say.
        if (!row || row->status == "admin_down" || state == packet::BfdState::kAdminDown) continue;
        const char* status = packet::bfd_state_name(state);
        if (row->status != status) txn.set(uuid, sb::BFD::kStatus, std::string(status));
    }
}

}  // namespace weft::controller
