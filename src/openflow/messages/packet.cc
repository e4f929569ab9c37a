// Packets in and out.

#include "openflow/messages/packet.h"

#include "openflow/messages/wire.h"

namespace weft::openflow::wire {

namespace {

// NXT_PACKET_IN2's properties.
enum PacketInProperty : uint16_t {
    kPacket,
    kFullLength,
    kBufferId,
    kTableId,
    kCookie,
    kReason,
    kMetadata,
    kUserdata,
    kContinuation
};

uint8_t wire_reason(PacketInReason reason) {
    return reason == PacketInReason::kExplicitMiss || reason == PacketInReason::kImplicitMiss
               ? 0
               : static_cast<uint8_t>(reason);
}

void put_bytes(Encoder& e, uint16_t type, ByteView value) {
    size_t start = e.begin_property(type);
    e.out.bytes(value);
    e.end_property(start);
}

void put_properties(Encoder& e, const PacketIn& m) {
    put_bytes(e, kPacket, m.packet);
    auto number = [&](uint16_t type, auto write) {
        size_t start = e.begin_property(type);
        write();
        e.end_property(start);
    };
    if (m.total_len > m.packet.size()) number(kFullLength, [&] { e.out.u32(m.total_len); });
    if (m.buffer_id != kNoBuffer) number(kBufferId, [&] { e.out.u32(m.buffer_id); });
    number(kTableId, [&] { e.out.u8(m.table); });
    if (m.cookie != ~uint64_t{0}) {
        number(kCookie, [&] {
            e.out.zeros(4);
            e.out.u64(m.cookie);
        });
    }
    number(kReason, [&] { e.out.u8(wire_reason(m.reason)); });
    number(kMetadata,
           [&] { encode_nxm(m.metadata, e.version == Version::k10 ? Version::k10 : e.version, e.out); });
    if (!m.userdata.empty()) put_bytes(e, kUserdata, m.userdata);
    if (!m.continuation.empty()) {
        size_t start = e.begin_property(kContinuation);
        e.out.zeros(4);
        e.out.bytes(m.continuation);
        e.end_property(start);
    }
}

void put_standard(Encoder& e, const PacketIn& m) {
    e.header(kPacketIn);
    uint16_t total = static_cast<uint16_t>(std::max<size_t>(m.total_len, m.packet.size()));
    e.out.u32(m.buffer_id);
    if (e.is10()) {
        e.out.u16(total);
        e.out.u16(port_to_of10(m.in_port()));
        e.out.u8(wire_reason(m.reason));
        e.out.zeros(1);
    } else if (e.version == Version::k11) {
        e.out.u32(m.in_port());
        e.out.u32(m.in_port());
        e.out.u16(total);
        e.out.u8(wire_reason(m.reason));
        e.out.u8(m.table);
    } else {
        e.out.u16(total);
        e.out.u8(wire_reason(m.reason));
        e.out.u8(m.table);
        if (e.version >= Version::k13) e.out.u64(m.cookie);
        e.match(m.metadata);
        e.out.zeros(2);
    }
    e.out.bytes(m.packet);
}

void put(Encoder& e, const PacketIn& m) {
    switch (m.format) {
        case PacketInFormat::kStandard:
            return put_standard(e, m);
        case PacketInFormat::kNxm2:
            e.vendor(kVendorNicira, kNxPacketIn2);
            return put_properties(e, m);
        case PacketInFormat::kNxm:
            break;
    }
    e.vendor(kVendorNicira, kNxPacketIn);
    e.out.u32(m.buffer_id);
    e.out.u16(static_cast<uint16_t>(std::max<size_t>(m.total_len, m.packet.size())));
    e.out.u8(wire_reason(m.reason));
    e.out.u8(m.table);
    e.out.u64(m.cookie);
    size_t length_at = e.out.size();
    e.out.zeros(8);
    e.nx_match(m.metadata, length_at);
    e.out.zeros(2);
    e.out.bytes(m.packet);
}

void put(Encoder& e, const Resume& m) {
    e.vendor(kVendorNicira, kNxResume);
    put_properties(e, m.packet_in);
}

uint32_t in_port_of(const PacketOut& m) {
    return m.metadata.is_set(FieldId::kInPortOxm) ? m.metadata.value.in_port.get() : kPortController;
}

void put(Encoder& e, const PacketOut& m) {
    e.header(kPacketOut);
    e.out.u32(m.buffer_id);
    size_t length_at;
    if (e.version == Version::k15) {
        length_at = e.out.size();
        e.out.zeros(4);
        Match metadata = m.metadata;
        metadata.set_in_port(in_port_of(m));
        e.match(metadata);
    } else {
        e.port(in_port_of(m));
        length_at = e.out.size();
        e.out.zeros(e.is10() ? 2 : 8);
    }
    size_t start = e.out.size();
    encode_actions(m.actions, e.version, e.out);
    e.patch_length(length_at, start);
    if (m.buffer_id == kNoBuffer) e.out.bytes(m.packet);
}

OfError get_property(Decoder& d, Property& property, PacketIn& m) {
    ByteReader& value = property.value;
    auto rest = [&](ByteView bytes) { return Bytes(bytes.begin(), bytes.end()); };
    switch (property.type) {
        case kPacket:
            m.packet = rest(value.rest());
            break;
        case kFullLength:
            m.total_len = value.u32();
            break;
        case kBufferId:
            m.buffer_id = value.u32();
            break;
        case kTableId:
            m.table = value.u8();
            break;
        case kCookie:
            value.skip(4);
            m.cookie = value.u64();
            break;
        case kReason:
            m.reason = static_cast<PacketInReason>(value.u8());
            break;
        case kMetadata: {
            NxmOptions options = d.nxm_options();
            options.loose_prerequisites = true;
            options.strict = false;
            return decode_nxm(value.rest(), options, m.metadata);
        }
        case kUserdata:
            m.userdata = rest(value.rest());
            break;
        case kContinuation:
            value.skip(4);
            m.continuation = rest(value.rest());
            break;
        default:
            return property.type >= 0x8000 ? OfError::kNone : OfError::OFPBPC_BAD_TYPE;
    }
    return value.ok() ? OfError::kNone : OfError::OFPBPC_BAD_LEN;
}

OfError get_properties(Decoder& d, PacketIn& m) {
    while (!d.in.empty()) {
        Property property;
        OfError error = next_property(d.in, property);
        if (error == OfError::kNone) error = get_property(d, property, m);
        if (error != OfError::kNone) return error;
    }
    m.total_len = static_cast<uint32_t>(std::max<size_t>(m.total_len, m.packet.size()));
    return OfError::kNone;
}

}  // namespace

void put_packet(Encoder& e, const Body& body) {
    std::visit(
        [&](const auto& message) {
            if constexpr (requires { put(e, message); }) put(e, message);
        },
        body);
}

OfError get_packet_in(Decoder& d, PacketInFormat format, PacketIn& m) {
    m.format = format;
    if (format == PacketInFormat::kNxm2) return get_properties(d, m);
    NxmOptions loose = d.nxm_options();
    loose.loose_prerequisites = true;
    loose.strict = false;
    m.buffer_id = d.in.u32();
    OfError error = OfError::kNone;
    if (format == PacketInFormat::kNxm) {
        m.total_len = d.in.u16();
        m.reason = static_cast<PacketInReason>(d.in.u8());
        m.table = d.in.u8();
        m.cookie = d.in.u64();
        size_t length = d.in.u16();
        d.in.skip(6);
        ByteView entries = d.in.bytes(length);
        d.in.skip((8 - length % 8) % 8 + 2);
        error = decode_nxm(entries, loose, m.metadata);
    } else if (d.is10()) {
        m.total_len = d.in.u16();
        m.metadata.set_in_port(port_from_of10(d.in.u16()));
        m.reason = static_cast<PacketInReason>(d.in.u8());
        d.in.skip(1);
    } else if (d.version == Version::k11) {
        m.metadata.set_in_port(d.in.u32());
        d.in.skip(4);
        m.total_len = d.in.u16();
        m.reason = static_cast<PacketInReason>(d.in.u8());
        m.table = d.in.u8();
    } else {
        m.total_len = d.in.u16();
        m.reason = static_cast<PacketInReason>(d.in.u8());
        m.table = d.in.u8();
        if (d.version >= Version::k13) m.cookie = d.in.u64();
        error = decode_oxm_match(d.in, loose, m.metadata);
        d.in.skip(2);
    }
    ByteView rest = d.in.rest();
    m.packet.assign(rest.begin(), rest.end());
    return error != OfError::kNone ? error : d.end();
}

OfError get_packet_out(Decoder& d, Body& body) {
    PacketOut m;
    m.buffer_id = d.in.u32();
    size_t length;
    if (d.version == Version::k15) {
        length = d.in.u16();
        d.in.skip(2);
        NxmOptions options = d.nxm_options();
        options.loose_prerequisites = true;
        if (OfError error = decode_oxm_match(d.in, options, m.metadata); error != OfError::kNone)
            return error;
        if (!m.metadata.is_set(FieldId::kInPortOxm)) return OfError::OFPBRC_BAD_PORT;
    } else {
        m.metadata.set_in_port(d.port());
        length = d.in.u16();
        if (!d.is10()) d.in.skip(6);
    }
    ByteView actions = d.in.bytes(length);
    if (!d.in.ok()) return OfError::OFPBRC_BAD_LEN;
    if (OfError error = decode_actions(actions, d.version, d.action_options(), m.actions);
        error != OfError::kNone)
        return error;
    ByteView rest = d.in.rest();
    m.packet.assign(rest.begin(), rest.end());
    body = std::move(m);
    return OfError::kNone;
}

}  // namespace weft::openflow::wire
