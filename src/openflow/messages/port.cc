#include "openflow/messages/port.h"

#include "openflow/messages/codec.h"

namespace weft::openflow::messages {
namespace {

constexpr size_t kPortNameBytes = 16;

// Port features: OpenFlow 1.0's seven speeds, then the rest without 40 Gb and above.
uint32_t features_to10(uint32_t f) {
    return (f & 0x7f) | (f >> 11 & 0x1f) << 7;
}
uint32_t features_from10(uint32_t f) {
    return (f & 0x7f) | (f >> 7 & 0x1f) << 11;
}
uint32_t config_to11(uint32_t config) {
    return config & (kPortDown | kPortNoRecv | kPortNoFwd | kPortNoPacketIn);
}

void put_port_number(uint32_t port, EncodeContext& c) {
    if (c.version == Version::k10) {
        c.out.u16(port_to_of10(port));
        c.out.zeros(6);
    } else {
        c.out.u32(port);
        c.out.zeros(4);
    }
}
uint32_t take_port_number(ByteReader& in, Version version) {
    uint32_t port;
    if (version == Version::k10) {
        port = port_from_of10(in.u16());
        in.skip(6);
    } else {
        port = in.u32();
        in.skip(4);
    }
    return port;
}

}  // namespace

void encode_entry(const Port& p, EncodeContext& c) {
    ByteWriter& out = c.out;
    if (c.version == Version::k10) {
        out.u16(port_to_of10(p.number));
        out.bytes(p.address);
        put_name(out, p.name, kPortNameBytes);
        out.u32(p.config);
        out.u32((p.state & kPortLinkDown) | (p.state & kPortStpMask));
        for (uint32_t f : {p.current, p.advertised, p.supported, p.peer}) out.u32(features_to10(f));
        return;
    }
    size_t start = out.size();
    out.u32(p.number);
    if (c.version >= Version::k14) {
        out.u16(0);
        out.u16(0);
    } else {
        out.zeros(4);
    }
    out.bytes(p.address);
    out.zeros(2);
    put_name(out, p.name, kPortNameBytes);
    out.u32(config_to11(p.config));
    out.u32(p.state & (kPortLinkDown | kPortBlocked | kPortLive));
    auto ethernet = [&] {
        for (uint32_t f : {p.current, p.advertised, p.supported, p.peer}) out.u32(f);
        out.u32(p.current_speed);
        out.u32(p.max_speed);
    };
    if (c.version >= Version::k14) {
        put_property(out, 0, [&] {
            out.zeros(4);
            ethernet();
        });
        out.patch_u16(start + 4, static_cast<uint16_t>(out.size() - start));
    } else {
        ethernet();
    }
}

OfError decode_port_desc(ByteReader& in, Version version, Port& p) {
    if (version == Version::k10) {
        p.number = port_from_of10(in.u16());
        p.address = in.array<6>();
        p.name = take_name(in, kPortNameBytes);
        p.config = in.u32() & 0x7f;
        p.state = in.u32() & (kPortLinkDown | kPortStpMask);
        for (uint32_t* f : {&p.current, &p.advertised, &p.supported, &p.peer}) *f = features_from10(in.u32());
        return length_error(in);
    }
    size_t before = in.size();
    p.number = in.u32();
    uint16_t length = in.u16();
    in.skip(2);
    p.address = in.array<6>();
    in.skip(2);
    p.name = take_name(in, kPortNameBytes);
    p.config = config_to11(in.u32());
    p.state = in.u32() & 7;
    auto ethernet = [&](ByteReader& r) {
        for (uint32_t* f : {&p.current, &p.advertised, &p.supported, &p.peer}) *f = r.u32() & 0xffff;
        p.current_speed = r.u32();
        p.max_speed = r.u32();
    };
    if (!in.ok()) return OfError::OFPBRC_BAD_LEN;
    if (version < Version::k14) {
        ethernet(in);
        return length_error(in);
    }
    if (length < 40 || length > before) return OfError::OFPBRC_BAD_LEN;
    ByteReader properties = in.sub(length - 40u);
    while (!properties.empty()) {
        Property property{0, ByteReader({})};
        if (OfError error = next_property(properties, property); error != OfError::kNone) return error;
        if (property.type != 0) continue;
        property.body.skip(4);
        ethernet(property.body);
        if (!property.body.ok()) return OfError::OFPBPC_BAD_LEN;
    }
    return OfError::kNone;
}

void encode(const PortStatus& s, EncodeContext& c) {
    c.type(kPortStatus);
    c.out.u8(static_cast<uint8_t>(s.reason));
    c.out.zeros(7);
    encode_entry(s.port, c);
}

void encode(const PortMod& m, EncodeContext& c) {
    ByteWriter& out = c.out;
    c.type(kPortMod);
    if (c.version == Version::k10) {
        out.u16(port_to_of10(m.number));
        out.bytes(m.address);
        out.u32(m.config);
        out.u32(m.mask);
        out.u32(features_to10(m.advertise));
        out.zeros(4);
        return;
    }
    out.u32(m.number);
    out.zeros(4);
    out.bytes(m.address);
    out.zeros(2);
    out.u32(config_to11(m.config));
    out.u32(config_to11(m.mask));
    if (c.version >= Version::k14) {
        if (m.advertise) put_property(out, 0, [&] { out.u32(m.advertise); });
    } else {
        out.u32(m.advertise);
        out.zeros(4);
    }
}

void encode(const PortDescRequest& r, EncodeContext& c) {
    c.stats(kStatsPortDesc, false);
    if (c.version == Version::k15) {
        c.out.u32(r.port);
        c.out.zeros(4);
    }
}
void encode(const PortDescReply& r, EncodeContext& c) {
    c.stats(kStatsPortDesc, true, r.more);
    for (const Port& port : r.ports) encode_entry(port, c);
}

void encode(const PortStatsRequest& r, EncodeContext& c) {
    c.stats(kStatsPort, false);
    put_port_number(r.port, c);
}

void encode_entry(const PortStats& s, EncodeContext& c) {
    ByteWriter& out = c.out;
    auto common = [&] {
        for (uint64_t n : {s.rx_packets, s.tx_packets, s.rx_bytes, s.tx_bytes, s.rx_dropped, s.tx_dropped,
                           s.rx_errors, s.tx_errors}) {
            out.u64(n);
        }
    };
    auto ethernet = [&] {
        for (uint64_t n : {s.rx_frame_err, s.rx_over_err, s.rx_crc_err, s.collisions}) out.u64(n);
    };
    if (c.version >= Version::k14) {
        size_t start = out.size();
        out.u16(0);
        out.zeros(2);
        out.u32(s.port);
        out.u32(s.duration_sec);
        out.u32(s.duration_nsec);
        common();
        put_property(out, 0, [&] {
            out.zeros(4);
            ethernet();
        });
        out.patch_u16(start, static_cast<uint16_t>(out.size() - start));
        return;
    }
    put_port_number(s.port, c);
    common();
    ethernet();
    if (c.version == Version::k13) {
        out.u32(s.duration_sec);
        out.u32(s.duration_nsec);
    }
}
void encode(const PortStatsReply& r, EncodeContext& c) {
    c.stats(kStatsPort, true, r.more);
    for (const PortStats& s : r.ports) encode_entry(s, c);
}

void encode(const QueueStatsRequest& r, EncodeContext& c) {
    c.stats(kStatsQueue, false);
    if (c.version == Version::k10) {
        // OpenFlow 1.0 says "all ports" with OFPP_ALL.
        c.out.u16(r.port == kPortNone ? port_to_of10(kPortAll) : port_to_of10(r.port));
        c.out.zeros(2);
    } else {
        c.out.u32(r.port);
    }
    c.out.u32(r.queue);
}

void encode_entry(const QueueStats& s, EncodeContext& c) {
    ByteWriter& out = c.out;
    size_t start = out.size();
    if (c.version >= Version::k14) {
        out.u16(0);
        out.zeros(6);
    }
    if (c.version == Version::k10) {
        out.u16(port_to_of10(s.port));
        out.zeros(2);
    } else {
        out.u32(s.port);
    }
    out.u32(s.queue);
    out.u64(s.tx_bytes);
    out.u64(s.tx_packets);
    out.u64(s.tx_errors);
    if (c.version >= Version::k13) {
        out.u32(s.duration_sec);
        out.u32(s.duration_nsec);
    }
    if (c.version >= Version::k14) out.patch_u16(start, static_cast<uint16_t>(out.size() - start));
}
void encode(const QueueStatsReply& r, EncodeContext& c) {
    c.stats(kStatsQueue, true, r.more);
    for (const QueueStats& s : r.queues) encode_entry(s, c);
}

void encode(const QueueConfigRequest& r, EncodeContext& c) {
    if (c.version >= Version::k14) {
        c.stats(kStatsQueueDesc, false);
        c.out.u32(r.port);
        c.out.u32(r.queue);
        return;
    }
    c.type(kQueueConfigRequest);
    if (c.version == Version::k10) {
        c.out.u16(port_to_of10(r.port));
        c.out.zeros(2);
    } else {
        c.out.u32(r.port);
        c.out.zeros(4);
    }
}

void encode(const QueueConfigReply& r, EncodeContext& c) {
    ByteWriter& out = c.out;
    auto rate = [&](uint16_t type, const std::optional<uint16_t>& value) {
        if (!value) return;
        out.u16(type);
        if (c.version >= Version::k14) {
            out.u16(8);
            out.u16(*value);
            out.zeros(2);
        } else {
            out.u16(16);
            out.zeros(4);
            out.u16(*value);
            out.zeros(6);
        }
    };
    if (c.version >= Version::k14) {
        c.stats(kStatsQueueDesc, true, r.more);
    } else {
        c.type(kQueueConfigReply);
        put_port_number(r.port, c);
    }
    for (const QueueConfig& q : r.queues) {
        size_t start = out.size();
        size_t length_at;
        if (c.version >= Version::k14) {
            out.u32(q.port);
            out.u32(q.queue);
            length_at = out.size();
            out.u16(0);
            out.zeros(6);
        } else {
            out.u32(q.queue);
            if (c.version >= Version::k12) out.u32(q.port);
            length_at = out.size();
            out.u16(0);
            out.zeros(c.version >= Version::k12 ? 6 : 2);
        }
        rate(1, q.min_rate);
        rate(2, q.max_rate);
        out.patch_u16(length_at, static_cast<uint16_t>(out.size() - start));
    }
}

namespace {

OfError decode_port_mod(ByteReader& in, Version version, PortMod& m) {
    if (version == Version::k10) {
        m.number = port_from_of10(in.u16());
        m.address = in.array<6>();
        m.config = in.u32();
        m.mask = in.u32();
        m.advertise = features_from10(in.u32());
        in.skip(4);
        return length_error(in);
    }
    m.number = in.u32();
    in.skip(4);
    m.address = in.array<6>();
    in.skip(2);
    m.config = config_to11(in.u32());
    m.mask = config_to11(in.u32());
    if (!in.ok()) return OfError::OFPBRC_BAD_LEN;
    if (!port_in_range(m.number)) return OfError::OFPBAC_BAD_OUT_PORT;
    if (version < Version::k14) {
        m.advertise = in.u32();
        in.skip(4);
        return length_error(in);
    }
    while (!in.empty()) {
        Property property{0, ByteReader({})};
        if (OfError error = next_property(in, property); error != OfError::kNone) return error;
        if (property.type != 0) return OfError::OFPBPC_BAD_TYPE;
        m.advertise = property.body.u32();
    }
    return OfError::kNone;
}

OfError decode_stats(ByteReader& in, Version version, PortStats& s) {
    auto common = [&](ByteReader& r) {
        for (uint64_t* n : {&s.rx_packets, &s.tx_packets, &s.rx_bytes, &s.tx_bytes, &s.rx_dropped,
                            &s.tx_dropped, &s.rx_errors, &s.tx_errors}) {
            *n = r.u64();
        }
    };
    auto ethernet = [&](ByteReader& r) {
        for (uint64_t* n : {&s.rx_frame_err, &s.rx_over_err, &s.rx_crc_err, &s.collisions}) *n = r.u64();
    };
    if (version < Version::k14) {
        s.port = take_port_number(in, version);
        common(in);
        ethernet(in);
        if (version == Version::k13) {
            s.duration_sec = in.u32();
            s.duration_nsec = in.u32();
        }
        return length_error(in);
    }
    size_t before = in.size();
    uint16_t length = in.u16();
    if (!in.ok() || length < 80 || length > before) return OfError::OFPBRC_BAD_LEN;
    ByteReader entry = in.sub(length - 2u);
    entry.skip(2);
    s.port = entry.u32();
    s.duration_sec = entry.u32();
    s.duration_nsec = entry.u32();
    common(entry);
    while (!entry.empty()) {
        Property property{0, ByteReader({})};
        if (OfError error = next_property(entry, property); error != OfError::kNone) return error;
        if (property.type != 0) continue;
        property.body.skip(4);
        ethernet(property.body);
        if (!property.body.ok()) return OfError::OFPBPC_BAD_LEN;
    }
    return OfError::kNone;
}

OfError decode_queue_stats(ByteReader& in, Version version, QueueStats& s) {
    if (version >= Version::k14) in.skip(8);
    if (version == Version::k10) {
        s.port = port_from_of10(in.u16());
        in.skip(2);
    } else {
        s.port = in.u32();
    }
    s.queue = in.u32();
    s.tx_bytes = in.u64();
    s.tx_packets = in.u64();
    s.tx_errors = in.u64();
    if (version >= Version::k13) {
        s.duration_sec = in.u32();
        s.duration_nsec = in.u32();
    }
    return length_error(in);
}

OfError decode_queue_config(ByteReader& in, Version version, QueueConfigReply& r) {
    if (version < Version::k14) r.port = take_port_number(in, version);
    while (in.ok() && !in.empty()) {
        QueueConfig q;
        size_t head;
        uint16_t length;
        if (version >= Version::k14) {
            q.port = in.u32();
            q.queue = in.u32();
            length = in.u16();
            in.skip(6);
            head = 16;
        } else {
            q.queue = in.u32();
            q.port = version >= Version::k12 ? in.u32() : r.port;
            length = in.u16();
            in.skip(version >= Version::k12 ? 6 : 2);
            head = version >= Version::k12 ? 16 : 8;
        }
        if (!in.ok() || length < head || in.size() + head < length) return OfError::OFPBRC_BAD_LEN;
        ByteReader properties = in.sub(length - head);
        while (!properties.empty()) {
            uint16_t type = properties.u16(), size = properties.u16();
            if (!properties.ok() || size < 8 || properties.size() + 4 < size) return OfError::OFPBRC_BAD_LEN;
            ByteReader body = properties.sub(size - 4u);
            if (version < Version::k14) body.skip(4);
            uint16_t rate = body.u16();
            if (type == 1 && body.ok()) q.min_rate = rate;
            if (type == 2 && body.ok()) q.max_rate = rate;
        }
        r.queues.push_back(q);
    }
    return length_error(in);
}

// Of a request that names a port: it must be a number that a port could have.
OfError requested_port(const ByteReader& in, uint32_t port) {
    if (!in.ok()) return OfError::OFPBRC_BAD_LEN;
    return port_in_range(port) ? OfError::kNone : OfError::OFPBAC_BAD_OUT_PORT;
}

}  // namespace

bool decode_port(uint8_t type, ByteReader& in, DecodeContext& c, Body& body, OfError& error) {
    if (type == kPortStatus) {
        PortStatus& s = body.emplace<PortStatus>();
        s.reason = static_cast<PortStatus::Reason>(in.u8());
        in.skip(7);
        error = in.ok() ? decode_port_desc(in, c.version, s.port) : OfError::OFPBRC_BAD_LEN;
        if (static_cast<uint8_t>(s.reason) > 2) error = OfError::NXBRC_BAD_REASON;
        return true;
    }
    if (type == kPortMod) {
        error = decode_port_mod(in, c.version, body.emplace<PortMod>());
        return true;
    }
    if (type == kQueueConfigRequest) {
        QueueConfigRequest& r = body.emplace<QueueConfigRequest>();
        r.port = c.version == Version::k10 ? port_from_of10(in.u16()) : in.u32();
        error = requested_port(in, r.port);
        return true;
    }
    if (type == kQueueConfigReply) {
        error = decode_queue_config(in, c.version, body.emplace<QueueConfigReply>());
        return true;
    }
    return false;
}

bool decode_port_stats(uint16_t type, bool reply, ByteReader& in, DecodeContext& c, Body& body,
                       OfError& error) {
    switch (type) {
        case kStatsPortDesc:
            if (reply) {
                PortDescReply& r = body.emplace<PortDescReply>();
                r.more = c.more;
                while (!in.empty() && error == OfError::kNone) {
                    r.ports.emplace_back();
                    error = decode_port_desc(in, c.version, r.ports.back());
                }
            } else {
                PortDescRequest& r = body.emplace<PortDescRequest>();
                if (c.version == Version::k15) {
                    r.port = in.u32();
                    error = requested_port(in, r.port);
                }
            }
            return true;
        case kStatsPort:
            if (reply) {
                PortStatsReply& r = body.emplace<PortStatsReply>();
                r.more = c.more;
                while (!in.empty() && error == OfError::kNone) {
                    r.ports.emplace_back();
                    error = decode_stats(in, c.version, r.ports.back());
                }
            } else {
                PortStatsRequest& r = body.emplace<PortStatsRequest>();
                r.port = take_port_number(in, c.version);
                error = requested_port(in, r.port);
            }
            return true;
        case kStatsQueue:
            if (reply) {
                QueueStatsReply& r = body.emplace<QueueStatsReply>();
                r.more = c.more;
                while (!in.empty() && error == OfError::kNone) {
                    r.queues.emplace_back();
                    error = decode_queue_stats(in, c.version, r.queues.back());
                }
            } else {
                QueueStatsRequest& r = body.emplace<QueueStatsRequest>();
                if (c.version == Version::k10) {
                    r.port = port_from_of10(in.u16());
                    in.skip(2);
                    if (r.port == kPortAll) r.port = kPortNone;
                } else {
                    r.port = in.u32();
                }
                r.queue = in.u32();
                error = requested_port(in, r.port);
            }
            return true;
        case kStatsQueueDesc:
            if (reply) {
                QueueConfigReply& r = body.emplace<QueueConfigReply>();
                r.more = c.more;
                error = decode_queue_config(in, c.version, r);
            } else {
                QueueConfigRequest& r = body.emplace<QueueConfigRequest>();
                r.port = in.u32();
                r.queue = in.u32();
                error = requested_port(in, r.port);
            }
            return true;
        default:
            return false;
    }
}

}  // namespace weft::openflow::messages
