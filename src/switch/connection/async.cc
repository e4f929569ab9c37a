// What a controller gets unasked.

#include "base/clock.h"
#include "base/log.h"
#include "base/metrics.h"
#include "switch/connection/connection_manager.h"
#include "switch/connection/of_connection_state.h"

namespace weft::vswitch {

namespace of = openflow;

namespace {

log::Module lg("vconn");

// Of a peer that does not read.  What a tenant sends must fill no memory: packets beyond are lost, as on any
// network that is too slow.
constexpr size_t kMostBacklog = size_t{1} << 20;
metrics::Counter dropped_packet_ins("vconn_packet_in_dropped");

unsigned wire_reason(of::PacketInReason reason, of::Version version) {
    using R = of::PacketInReason;
    switch (reason) {
        case R::kExplicitMiss:  // before OpenFlow 1.3 there were no miss flows
            return version < of::Version::k13 ? 1 : 0;
        case R::kImplicitMiss:
        case R::kNoMatch:
            return 0;
        case R::kGroup:
        case R::kActionSet:
        case R::kPacketOut:
            return version < of::Version::k14 ? 1 : static_cast<unsigned>(reason);
        default:
            return static_cast<unsigned>(reason);
    }
}

// The pipeline's fields as exact matches, those that are not zero.
of::Match metadata_match(const packet::Flow& metadata, const of::TunnelTableRef& tunnel_table) {
    of::Match match;
    match.tunnel_table = tunnel_table;
    packet::Flow& value = match.value;
    packet::Flow& mask = match.mask;
    value.in_port = metadata.in_port, mask.in_port = ~0u;
    auto word = [](auto& v, auto& m, const auto& from, auto ones) {
        if (from == 0) return;
        v = from;
        m = ones;
    };
    word(value.tunnel.id, mask.tunnel.id, metadata.tunnel.id, ~uint64_t{0});
    word(value.tunnel.src, mask.tunnel.src, metadata.tunnel.src, ~0u);
    word(value.tunnel.dst, mask.tunnel.dst, metadata.tunnel.dst, ~0u);
    auto six = [](packet::Ipv6Addr& v, packet::Ipv6Addr& m, const packet::Ipv6Addr& from) {
        if (from == packet::Ipv6Addr{}) return;
        v = from;
        m.fill(0xff);
    };
    six(value.tunnel.ipv6_src, mask.tunnel.ipv6_src, metadata.tunnel.ipv6_src);
    six(value.tunnel.ipv6_dst, mask.tunnel.ipv6_dst, metadata.tunnel.ipv6_dst);
    word(value.tunnel.gbp_id, mask.tunnel.gbp_id, metadata.tunnel.gbp_id, uint16_t{0xffff});
    word(value.metadata, mask.metadata, metadata.metadata, ~uint64_t{0});
    for (size_t i = 0; i < packet::kRegisters; ++i) word(value.regs[i], mask.regs[i], metadata.regs[i], ~0u);
    word(value.pkt_mark, mask.pkt_mark, metadata.pkt_mark, ~0u);
    word(value.ct_state, mask.ct_state, metadata.ct_state, ~0u);
    if (metadata.ct_state) {
        word(value.ct_zone, mask.ct_zone, metadata.ct_zone, uint16_t{0xffff});
        word(value.ct_mark, mask.ct_mark, metadata.ct_mark, ~0u);
        if (metadata.ct_label != packet::Be128{}) {
            value.ct_label = metadata.ct_label;
            mask.ct_label.fill(0xff);
        }
        if (metadata.ct_nw_proto) {
            value.ct_nw_proto = metadata.ct_nw_proto, mask.ct_nw_proto = 0xff;
            word(value.ct_nw_src, mask.ct_nw_src, metadata.ct_nw_src, ~0u);
            word(value.ct_nw_dst, mask.ct_nw_dst, metadata.ct_nw_dst, ~0u);
            six(value.ct_ipv6_src, mask.ct_ipv6_src, metadata.ct_ipv6_src);
            six(value.ct_ipv6_dst, mask.ct_ipv6_dst, metadata.ct_ipv6_dst);
            word(value.ct_tp_src, mask.ct_tp_src, metadata.ct_tp_src, uint16_t{0xffff});
            word(value.ct_tp_dst, mask.ct_tp_dst, metadata.ct_tp_dst, uint16_t{0xffff});
        }
    }
    for (unsigned i = 0; i < packet::kTunnelMetadataFields; ++i) {
        if (!(metadata.tunnel.metadata_present >> i & 1)) continue;
        const of::Field& field = of::field(of::tun_metadata_field(i));
        const auto* slot = tunnel_table->slot(i);
        if (!slot) continue;
        of::FieldValue ones{};
        std::fill_n(ones.bytes.begin() + field.bytes - slot->size, slot->size, uint8_t{0xff});
        match.set(field, of::get_field(metadata, field, tunnel_table.get()), ones);
    }
    return match;
}

}  // namespace

void OfConnection::packet_in(const PacketIn& packet) {
    if (!ready() || packet.bridge != &bridge_) return;
    if (packet.controller_id != controller_id_) return;
    size_t column = role_ == of::Role::kSecondary ? 1 : 0;
    unsigned reason = wire_reason(packet.reason, version());
    bool miss =
        packet.reason == of::PacketInReason::kImplicitMiss || packet.reason == of::PacketInReason::kNoMatch;
    if (packet.reason == of::PacketInReason::kInvalidTtl && version() < of::Version::k13 &&
        invalid_ttl_to_controller_) {
        // Asked for by the switch's configuration.
    } else if (!(async_.packet_in[column] & reason_bit(reason))) {
        return;
    }
    // A tool gets packets once it has said how much of them it wants.
    if (kind_ == Kind::kService && !miss_send_len_) return;
    // OpenFlow 1.3+: a packet that no flow matched is not sent.
    if (packet.reason == of::PacketInReason::kImplicitMiss && version() >= of::Version::k13) return;
    if (packet.paused && packet_in_format_ != of::PacketInFormat::kNxm2) return;
    if (!packet_in_rate_ && !room_for_packet_in()) return;  // what is dropped is not encoded
    of::PacketIn out;
    out.format = packet_in_format_;
    size_t limit = miss ? miss_send_len_ : packet.max_len;
    if (packet.paused) limit = packet.packet.size();
    ByteView whole = packet.packet.view();
    ByteView kept = whole.first(std::min(whole.size(), limit));
    out.packet.assign(kept.begin(), kept.end());
    out.total_len = static_cast<uint32_t>(whole.size());
    out.reason = packet.reason;
    out.table = packet.table;
    out.cookie = packet.cookie;
    out.metadata = metadata_match(packet.metadata, bridge_.tunnel_table);
    out.userdata = packet.userdata;
    if (packet.paused) out.continuation = manager_.encode_continuation(packet.continuation);
    Bytes bytes = of::encode(of::Message{version(), 0, std::move(out)});
    if (bytes.empty()) return;
    if (!packet_in_rate_) return write_packet_in(bytes);
    auto now = packet_in_limits_[miss ? 0 : 1].admit(packet.metadata.in_port, std::move(bytes),
                                                     clock::monotonic_ms());
    if (now) return send_packet_in(*now);
    send_waiting_packet_ins();  // sets the timer
}

void OfConnection::send_packet_in(const Bytes& message) {
    if (room_for_packet_in()) write_packet_in(message);
}

// False: there is none, and one more is counted as dropped.
bool OfConnection::room_for_packet_in() {
    while (!waiting_packet_ins_.empty() && waiting_packet_ins_.front().end <= stream_->sent())
        waiting_packet_ins_.pop_front();
    // The stream takes what it is given at the end of the turn: only then it shows whether the peer reads.
    bool stuck = !waiting_packet_ins_.empty() && waiting_packet_ins_.front().turn + 1 < turns_;
    if ((stuck && waiting_packet_ins_.size() >= most_packet_ins_) || stream_->backlog() > kMostBacklog) {
        dropped_packet_ins.add();
        static log::RateLimit rate(1, 5);
        if (rate.pass(lg)) lg.warn("{}: does not keep up with its packet-ins, some are dropped", name());
        return false;
    }
    return true;
}

void OfConnection::write_packet_in(const Bytes& message) {
    manager_.snoop(bridge_, message);
    send_raw(message);
    if (stream_->backlog()) waiting_packet_ins_.push_back({stream_->sent() + stream_->backlog(), turns_});
}

// Those whose time has come.
void OfConnection::send_waiting_packet_ins() {
    int64_t now = clock::monotonic_ms();
    std::optional<int64_t> next;
    for (PacketInLimit& limit : packet_in_limits_) {
        while (auto message = limit.next(now)) send_packet_in(*message);
        auto at = limit.next_ms();
        if (at && (!next || *at < *next)) next = at;
    }
    if (!next) return;
    if (!packet_in_timer_) packet_in_timer_ = loop_.timer([this] { send_waiting_packet_ins(); });
    packet_in_timer_->arm_in(std::max<int64_t>(*next - now, 1));
}

void OfConnection::limit_packet_ins(size_t waiting, const std::optional<PacketInRate>& rate) {
    most_packet_ins_ = waiting;
    if (rate == packet_in_rate_) return;
    int64_t now = clock::monotonic_ms();
    for (PacketInLimit& limit : packet_in_limits_) {
        if (!packet_in_rate_) limit = PacketInLimit();
        if (rate) limit.set_rate(*rate, now);
        // Without a limit nothing waits any more.
        if (!rate) {
            limit.set_rate({UINT32_MAX, UINT32_MAX}, now);
            while (auto message = limit.next(now)) send_packet_in(*message);
        }
    }
    packet_in_rate_ = rate;
}

std::optional<std::array<PacketInLimit::Statistics, 2>> OfConnection::packet_in_statistics() const {
    if (!packet_in_rate_) return std::nullopt;
    return std::array{packet_in_limits_[0].statistics(), packet_in_limits_[1].statistics()};
}

void OfConnection::flow_removed(const Rule& rule, RemovedReason reason) {
    if (!ready() || kind_ == Kind::kService) {
        if (!ready() || !miss_send_len_) return;
    }
    size_t column = role_ == of::Role::kSecondary ? 1 : 0;
    if (!(async_.flow_removed[column] & reason_bit(static_cast<unsigned>(reason)))) return;
    of::FlowRemoved out;
    int64_t age = clock::monotonic_ms() - rule.created_ms;
    out.match = rule.match();
    out.priority = static_cast<uint16_t>(rule.priority());
    out.cookie = rule.cookie;
    out.reason = static_cast<of::FlowRemovedReason>(reason);
    out.table = rule.table;
    out.duration_sec = static_cast<uint32_t>(age / 1000);
    out.duration_nsec = static_cast<uint32_t>(age % 1000 * 1000000);
    out.idle_timeout = rule.idle_timeout;
    out.hard_timeout = rule.hard_timeout;
    out.packets = rule.packets;
    out.bytes = rule.bytes;
    send(std::move(out));
}

void OfConnection::lose_primary(uint64_t generation) {
    role_ = of::Role::kSecondary;
    if (!ready() || version() < of::Version::k14 || !(async_.role_status[1] & reason_bit(0))) return;
    of::RoleStatus out;
    out.role = role_;
    out.generation = generation;
    send(std::move(out));
}

void OfConnection::table_status(uint8_t table) {
    if (!ready() || version() < of::Version::k14) return;
    if (kind_ == Kind::kService && !miss_send_len_) return;
    of::TableStatus out;
    out.reason = bridge_.table(table).vacancy_low ? of::TableStatus::Reason::kVacancyDown
                                                  : of::TableStatus::Reason::kVacancyUp;
    size_t column = role_ == of::Role::kSecondary ? 1 : 0;
    if (!(async_.table_status[column] & reason_bit(static_cast<unsigned>(out.reason)))) return;
    out.table = describe_table(table);
    send(std::move(out));
}

void OfConnection::port_status(const OfPort& port, PortReason reason) {
    if (!ready()) return;
    if (kind_ == Kind::kService && !miss_send_len_) return;
    size_t column = role_ == of::Role::kSecondary ? 1 : 0;
    if (!(async_.port_status[column] & reason_bit(static_cast<unsigned>(reason)))) return;
    of::PortStatus out;
    out.reason = static_cast<of::PortStatus::Reason>(reason);
    out.port = describe(port);
    send(std::move(out));
}

}  // namespace weft::vswitch
