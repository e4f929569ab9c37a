// Ports and queues on the wire.

#include "openflow/messages/port.h"

#include "openflow/messages/wire.h"

namespace weft::openflow::wire {

namespace {

// OpenFlow 1.0 has no bits for 40 Gb/s and up, so the bits from "copper" on lie four lower.
uint32_t features_to10(uint32_t v) {
    return (v & 0x7f) | (v >> 4 & 0xf80);
}
uint32_t features_from10(uint32_t v) {
    return (v & 0x7f) | (v & 0xf80) << 4;
}

void put_address(Encoder& e, const packet::EthAddr& address) {
    e.out.bytes(address);
}

void put_ethernet(Encoder& e, const Port& port) {
    for (uint32_t v :
         {port.current, port.advertised, port.supported, port.peer, port.current_speed, port.max_speed})
        e.out.u32(v);
}

void put(Encoder& e, const PortStatus& m) {
    e.header(kPortStatus);
    e.out.u8(static_cast<uint8_t>(m.reason));
    e.out.zeros(7);
    put_port_description(e, m.port);
}

void put(Encoder& e, const PortMod& m) {
    e.header(port_mod(e.version));
    e.port(m.number);
    if (!e.is10()) e.out.zeros(4);
    put_address(e, m.address);
    if (!e.is10()) e.out.zeros(2);
    e.out.u32(m.config);
    e.out.u32(m.mask);
    if (e.version >= Version::k14) {
        if (!m.advertise) return;
        size_t start = e.begin_property(0);
        e.out.u32(m.advertise);
        e.end_property(start);
        return;
    }
    e.out.u32(e.is10() ? features_to10(m.advertise) : m.advertise);
    e.out.zeros(4);
}

void put(Encoder& e, const PortDescRequest& m) {
    e.multipart(kPortDesc, false);
    if (e.version < Version::k15) return;
    e.out.u32(m.port);
    e.out.zeros(4);
}
void put(Encoder& e, const PortDescReply& m) {
    e.multipart(kPortDesc, true, m.more);
    for (const Port& port : m.ports) put_port_description(e, port);
}
void put(Encoder& e, const PortStatsRequest& m) {
    e.multipart(kPort, false);
    e.port(m.port);
    e.out.zeros(e.is10() ? 6 : 4);
}
void put(Encoder& e, const PortStatsReply& m) {
    e.multipart(kPort, true, m.more);
    for (const PortStats& stats : m.ports) put_port_stats(e, stats);
}
void put(Encoder& e, const QueueStatsRequest& m) {
    e.multipart(kQueue, false);
    e.port(m.port);
    if (e.is10()) e.out.zeros(2);
    e.out.u32(m.queue);
}
void put(Encoder& e, const QueueStatsReply& m) {
    e.multipart(kQueue, true, m.more);
    for (const QueueStats& stats : m.queues) put_queue_stats(e, stats);
}

OfError get_port_mod(Decoder& d, Body& body) {
    PortMod m;
    m.number = d.port();
    if (!d.is10()) d.in.skip(4);
    m.address = d.in.array<6>();
    if (!d.is10()) d.in.skip(2);
    m.config = d.in.u32();
    m.mask = d.in.u32();
    if (d.version >= Version::k14) {
        while (d.in.ok() && !d.in.empty()) {
            Property property;
            if (OfError error = next_property(d.in, property); error != OfError::kNone) return error;
            if (property.type != 0) return OfError::OFPBPC_BAD_TYPE;
            m.advertise = property.value.u32();
        }
    } else {
        m.advertise = d.in.u32();
        if (d.is10()) m.advertise = features_from10(m.advertise);
    }
    body = m;
    return d.end();
}

void get_counters(Decoder& d, std::initializer_list<uint64_t*> counters) {
    for (uint64_t* counter : counters) *counter = d.in.u64();
}

// The entry is in `d` alone for OpenFlow 1.4+, which has lengths.
void get_port_stats(Decoder& d, PortStats& s) {
    if (d.version >= Version::k14) {
        d.in.skip(2);
        s.port = d.in.u32();
        s.duration_sec = d.in.u32();
        s.duration_nsec = d.in.u32();
        get_counters(d, {&s.rx_packets, &s.tx_packets, &s.rx_bytes, &s.tx_bytes, &s.rx_dropped, &s.tx_dropped,
                         &s.rx_errors, &s.tx_errors});
        Property property;
        while (d.in.size() >= 4 && next_property(d.in, property) == OfError::kNone) {
            if (property.type != 0 || property.value.size() < 36) continue;
            property.value.skip(4);
            for (uint64_t* counter : {&s.rx_frame_err, &s.rx_over_err, &s.rx_crc_err, &s.collisions})
                *counter = property.value.u64();
        }
        return;
    }
    s.port = d.port();
    d.in.skip(d.is10() ? 6 : 4);
    get_counters(d,
                 {&s.rx_packets, &s.tx_packets, &s.rx_bytes, &s.tx_bytes, &s.rx_dropped, &s.tx_dropped,
                  &s.rx_errors, &s.tx_errors, &s.rx_frame_err, &s.rx_over_err, &s.rx_crc_err, &s.collisions});
    if (d.version < Version::k13) return;
    s.duration_sec = d.in.u32();
    s.duration_nsec = d.in.u32();
}

void get_queue_stats(Decoder& d, QueueStats& s) {
    if (d.version >= Version::k14) d.in.skip(6);
    s.port = d.port();
    if (d.is10()) d.in.skip(2);
    s.queue = d.in.u32();
    get_counters(d, {&s.tx_bytes, &s.tx_packets, &s.tx_errors});
    if (d.version < Version::k13) return;
    s.duration_sec = d.in.u32();
    s.duration_nsec = d.in.u32();
}

// Reads entries to the end of the message; those of OpenFlow 1.4+ begin with their length.
template <typename T, typename F>
OfError get_entries(Decoder& d, std::vector<T>& entries, F&& get) {
    while (!d.in.empty()) {
        T entry;
        if (d.version >= Version::k14) {
            size_t length = d.in.u16();
            if (!d.in.ok() || length < 4 || length - 2 > d.in.size()) return OfError::OFPBRC_BAD_LEN;
            Decoder inner{d.version, d.options, ByteReader(d.in.bytes(length - 2))};
            get(inner, entry);
            if (!inner.in.ok()) return OfError::OFPBRC_BAD_LEN;
        } else {
            get(d, entry);
            if (!d.in.ok()) return OfError::OFPBRC_BAD_LEN;
        }
        entries.push_back(std::move(entry));
    }
    return OfError::kNone;
}

}  // namespace

void put_port_description(Encoder& e, const Port& port) {
    size_t start = e.out.size();
    e.port(port.number);
    size_t length_at = e.out.size();
    if (!e.is10()) e.out.zeros(4);
    put_address(e, port.address);
    if (!e.is10()) e.out.zeros(2);
    e.text(port.name, 16);
    e.out.u32(port.config);
    e.out.u32(port.state);
    if (e.is10()) {
        for (uint32_t v : {port.current, port.advertised, port.supported, port.peer})
            e.out.u32(features_to10(v));
    } else if (e.version < Version::k14) {
        put_ethernet(e, port);
    } else {
        size_t property = e.begin_property(0);
        e.out.zeros(4);
        put_ethernet(e, port);
        e.end_property(property);
        e.patch_length(length_at, start);
    }
}

OfError get_port_description(Decoder& d, Port& port) {
    port.number = d.port();
    size_t length = 0;
    if (!d.is10()) {
        length = d.in.u16();
        d.in.skip(2);
    }
    port.address = d.in.array<6>();
    if (!d.is10()) d.in.skip(2);
    port.name = d.text(16);
    port.config = d.in.u32();
    port.state = d.in.u32();
    if (d.version >= Version::k14) {
        if (!d.in.ok() || length < 40) return OfError::OFPBRC_BAD_LEN;
        ByteReader properties(d.in.bytes(length - 40));
        if (!d.in.ok()) return OfError::OFPBRC_BAD_LEN;
        while (!properties.empty()) {
            Property property;
            if (OfError error = next_property(properties, property); error != OfError::kNone) return error;
            if (property.type != 0) continue;
            property.value.skip(4);
            for (uint32_t* v : {&port.current, &port.advertised, &port.supported, &port.peer,
                                &port.current_speed, &port.max_speed}) {
                *v = property.value.u32();
            }
        }
        return OfError::kNone;
    }
    for (uint32_t* v : {&port.current, &port.advertised, &port.supported, &port.peer})
        *v = d.is10() ? features_from10(d.in.u32()) : d.in.u32();
    if (!d.is10()) {
        port.current_speed = d.in.u32();
        port.max_speed = d.in.u32();
    }
    return d.end();
}

void put_port_stats(Encoder& e, const PortStats& s) {
    size_t start = e.out.size();
    auto basic = {s.rx_packets, s.tx_packets, s.rx_bytes,  s.tx_bytes,
                  s.rx_dropped, s.tx_dropped, s.rx_errors, s.tx_errors};
    auto ethernet = {s.rx_frame_err, s.rx_over_err, s.rx_crc_err, s.collisions};
    if (e.version >= Version::k14) {
        e.out.zeros(4);
        e.out.u32(s.port);
        e.out.u32(s.duration_sec);
        e.out.u32(s.duration_nsec);
        for (uint64_t v : basic) e.out.u64(v);
        size_t property = e.begin_property(0);
        e.out.zeros(4);
        for (uint64_t v : ethernet) e.out.u64(v);
        e.end_property(property);
        e.patch_length(start, start);
        return;
    }
    e.port(s.port);
    e.out.zeros(e.is10() ? 6 : 4);
    for (uint64_t v : basic) e.out.u64(v);
    for (uint64_t v : ethernet) e.out.u64(v);
    if (e.version < Version::k13) return;
    e.out.u32(s.duration_sec);
    e.out.u32(s.duration_nsec);
}

void put_queue_stats(Encoder& e, const QueueStats& s) {
    size_t start = e.out.size();
    if (e.version >= Version::k14) e.out.zeros(8);
    e.port(s.port);
    if (e.is10()) e.out.zeros(2);
    e.out.u32(s.queue);
    for (uint64_t v : {s.tx_bytes, s.tx_packets, s.tx_errors}) e.out.u64(v);
    if (e.version < Version::k13) return;
    e.out.u32(s.duration_sec);
    e.out.u32(s.duration_nsec);
    if (e.version >= Version::k14) e.patch_length(start, start);
}

void put_port(Encoder& e, const Body& body) {
    std::visit(
        [&](const auto& message) {
            if constexpr (requires { put(e, message); }) put(e, message);
        },
        body);
}

OfError get_port(Decoder& d, uint8_t type, Body& body) {
    if (type == port_mod(d.version)) return get_port_mod(d, body);
    PortStatus m;
    uint8_t reason = d.in.u8();
    d.in.skip(7);
    m.reason = static_cast<PortStatus::Reason>(std::min<uint8_t>(reason, 2));
    OfError error = get_port_description(d, m.port);
    body = std::move(m);
    return error;
}

OfError get_port_multipart(Decoder& d, uint16_t type, bool reply, bool more, Body& body) {
    if (!reply) {
        if (type == kPortDesc) {
            body = PortDescRequest{d.version >= Version::k15 ? d.in.u32() : kPortNone};
        } else if (type == kPort) {
            body = PortStatsRequest{d.port()};
        } else {
            QueueStatsRequest request{d.port(), 0};
            if (d.is10()) d.in.skip(2);
            request.queue = d.in.u32();
            body = request;
        }
        return d.end();
    }
    if (type == kPortDesc) {
        PortDescReply m;
        m.more = more;
        while (!d.in.empty()) {
            if (OfError error = get_port_description(d, m.ports.emplace_back()); error != OfError::kNone)
                return error;
        }
        body = std::move(m);
        return OfError::kNone;
    }
    if (type == kPort) {
        PortStatsReply m;
        m.more = more;
        OfError error = get_entries(d, m.ports, get_port_stats);
        body = std::move(m);
        return error;
    }
    QueueStatsReply m;
    m.more = more;
    OfError error = get_entries(d, m.queues, get_queue_stats);
    body = std::move(m);
    return error;
}

}  // namespace weft::openflow::wire
