#include "openflow/messages/packet.h"

#include "openflow/messages/codec.h"

namespace weft::openflow::messages {
namespace {

enum : uint16_t {
    kPropPacket = 0,
    kPropFullLen = 1,
    kPropBufferId = 2,
    kPropTableId = 3,
    kPropCookie = 4,
    kPropReason = 5,
    kPropMetadata = 6,
    kPropUserdata = 7,
    kPropContinuation = 8,
};

uint8_t wire_reason(PacketInReason reason, Version version) {
    switch (reason) {
        case PacketInReason::kExplicitMiss:
        case PacketInReason::kImplicitMiss:
            return static_cast<uint8_t>(PacketInReason::kNoMatch);
        case PacketInReason::kActionSet:
        case PacketInReason::kGroup:
        case PacketInReason::kPacketOut:
            return static_cast<uint8_t>(version >= Version::k14 ? reason : PacketInReason::kAction);
        default:
            return static_cast<uint8_t>(reason);
    }
}

void put_bytes(ByteWriter& out, uint16_t type, const Bytes& bytes) {
    put_property(out, type, [&] { out.bytes(bytes); });
}

// The properties of NXT_PACKET_IN2 and NXT_RESUME.
void put_properties(const PacketIn& p, EncodeContext& c, bool resume) {
    ByteWriter& out = c.out;
    put_bytes(out, kPropPacket, p.packet);
    if (!resume) {
        if (p.total_len > p.packet.size()) put_property(out, kPropFullLen, [&] { out.u32(p.total_len); });
        if (p.buffer_id != kNoBuffer) put_property(out, kPropBufferId, [&] { out.u32(p.buffer_id); });
        put_property(out, kPropTableId, [&] { out.u8(p.table); });
        if (p.cookie != ~0ull) {
            put_property(out, kPropCookie, [&] {
                out.u32(0);
                out.u64(p.cookie);
            });
        }
        put_property(out, kPropReason, [&] { out.u8(wire_reason(p.reason, Version::k15)); });
    }
    put_property(out, kPropMetadata, [&] { encode_nxm(p.metadata, c.version, out); });
    if (!p.userdata.empty()) put_bytes(out, kPropUserdata, p.userdata);
    if (!p.continuation.empty()) {
        Bytes padded(4);
        padded.insert(padded.end(), p.continuation.begin(), p.continuation.end());
        put_bytes(out, kPropContinuation, padded);
    }
}

void set_in_port(Match& match, uint32_t port) {
    match.set_in_port(port);
}

OfError take_metadata(ByteView bytes, const DecodeContext& c, Match& match) {
    NxmOptions options = c.nxm(false);
    options.loose_prerequisites = true;
    return decode_nxm(bytes, options, match);
}

OfError take_properties(ByteReader& in, DecodeContext& c, PacketIn& p) {
    bool total = false;
    while (!in.empty()) {
        Property property{0, ByteReader({})};
        if (OfError error = next_property(in, property); error != OfError::kNone) return error;
        ByteReader& body = property.body;
        ByteView all = body.rest();
        switch (property.type) {
            case kPropPacket:
                p.packet.assign(all.begin(), all.end());
                break;
            case kPropFullLen:
                p.total_len = body.u32();
                total = true;
                break;
            case kPropBufferId:
                p.buffer_id = body.u32();
                break;
            case kPropTableId:
                p.table = body.u8();
                break;
            case kPropCookie:
                body.skip(4);
                p.cookie = body.u64();
                break;
            case kPropReason:
                p.reason = static_cast<PacketInReason>(body.u8());
                break;
            case kPropMetadata:
                if (OfError error = take_metadata(all, c, p.metadata); error != OfError::kNone) return error;
                break;
            case kPropUserdata:
                p.userdata.assign(all.begin(), all.end());
                break;
            case kPropContinuation:
                // Opaque, behind a pad that no one is bound to keep.
                body.skip(4);
                all = body.rest();
                p.continuation.assign(all.begin(), all.end());
                break;
            default:
                return OfError::OFPBPC_BAD_TYPE;
        }
        bool fixed = property.type == kPropFullLen || property.type == kPropBufferId ||
                     property.type == kPropTableId || property.type == kPropReason ||
                     property.type == kPropCookie;
        if (!body.ok() || (fixed && !body.empty())) return OfError::OFPBPC_BAD_LEN;
    }
    if (!total) p.total_len = static_cast<uint32_t>(p.packet.size());
    return OfError::kNone;
}

}  // namespace

void encode(const PacketIn& p, EncodeContext& c) {
    ByteWriter& out = c.out;
    if (p.format == PacketInFormat::kNxm2) {
        c.vendor(kVendorNicira, kNxPacketIn2);
        put_properties(p, c, false);
        return;
    }
    uint16_t total = static_cast<uint16_t>(std::min<uint32_t>(p.total_len, 0xffff));
    uint8_t reason = wire_reason(p.reason, c.version);
    if (p.format == PacketInFormat::kNxm) {
        c.vendor(kVendorNicira, kNxPacketIn);
        ByteWriter match;
        encode_nxm(p.metadata, Version::k10, match);
        out.u32(p.buffer_id);
        out.u16(total);
        out.u8(reason);
        out.u8(p.table);
        out.u64(p.cookie);
        out.u16(static_cast<uint16_t>(match.size()));
        out.zeros(6);
        out.bytes(match.view());
        out.zeros((8 - match.size() % 8) % 8);
        out.zeros(2);
        out.bytes(p.packet);
        return;
    }
    c.type(kPacketIn);
    out.u32(p.buffer_id);
    if (c.version == Version::k10) {
        out.u16(total);
        out.u16(port_to_of10(p.in_port()));
        out.u8(reason);
        out.u8(0);
        out.bytes(p.packet);
        return;
    }
    if (c.version == Version::k11) {
        out.u32(p.in_port());
        out.u32(p.in_port());
        out.u16(total);
        out.u8(reason);
        out.u8(p.table);
        out.bytes(p.packet);
        return;
    }
    out.u16(total);
    out.u8(reason);
    out.u8(p.table);
    if (c.version >= Version::k13) out.u64(p.cookie);
    encode_oxm_match(p.metadata, c.version, out);
    out.zeros(2);
    out.bytes(p.packet);
}

void encode(const Resume& r, EncodeContext& c) {
    c.vendor(kVendorNicira, kNxResume);
    put_properties(r.packet_in, c, true);
}

void encode(const PacketOut& p, EncodeContext& c) {
    ByteWriter& out = c.out;
    c.type(kPacketOut);
    uint32_t in_port = p.metadata.mask.in_port ? p.metadata.value.in_port.get() : kPortController;
    out.u32(p.buffer_id);
    size_t length_at;
    if (c.version == Version::k10) {
        out.u16(port_to_of10(in_port));
        length_at = out.size();
        out.u16(0);
    } else if (c.version == Version::k15) {
        length_at = out.size();
        out.u16(0);
        out.zeros(2);
        Match metadata = p.metadata;
        metadata.set_in_port(in_port);
        encode_oxm_match(metadata, c.version, out);
    } else {
        out.u32(in_port);
        length_at = out.size();
        out.u16(0);
        out.zeros(6);
    }
    size_t start = out.size();
    encode_actions(p.actions, c.version, out);
    out.patch_u16(length_at, static_cast<uint16_t>(out.size() - start));
    if (p.buffer_id == kNoBuffer) out.bytes(p.packet);
}

namespace {

OfError decode_packet_in(ByteReader& in, DecodeContext& c, PacketIn& p) {
    p.buffer_id = in.u32();
    if (c.version == Version::k10) {
        p.total_len = in.u16();
        set_in_port(p.metadata, port_from_of10(in.u16()));
        p.reason = static_cast<PacketInReason>(in.u8());
        in.skip(1);
    } else if (c.version == Version::k11) {
        set_in_port(p.metadata, in.u32());
        in.skip(4);
        p.total_len = in.u16();
        p.reason = static_cast<PacketInReason>(in.u8());
        p.table = in.u8();
    } else {
        p.total_len = in.u16();
        p.reason = static_cast<PacketInReason>(in.u8());
        p.table = in.u8();
        if (c.version >= Version::k13) p.cookie = in.u64();
        if (!in.ok()) return OfError::OFPBRC_BAD_LEN;
        NxmOptions options = c.nxm(false);
        options.loose_prerequisites = true;
        if (OfError error = decode_oxm_match(in, options, p.metadata); error != OfError::kNone) return error;
        in.skip(2);
    }
    if (!in.ok()) return OfError::OFPBRC_BAD_LEN;
    p.packet.assign(in.rest().begin(), in.rest().end());
    return OfError::kNone;
}

OfError decode_nx_packet_in(ByteReader& in, DecodeContext& c, PacketIn& p) {
    p.format = PacketInFormat::kNxm;
    p.buffer_id = in.u32();
    p.total_len = in.u16();
    p.reason = static_cast<PacketInReason>(in.u8());
    p.table = in.u8();
    p.cookie = in.u64();
    uint16_t length = in.u16();
    in.skip(6);
    size_t padded = (length + 7u) / 8 * 8;
    if (!in.ok() || in.size() < padded + 2) return OfError::OFPBRC_BAD_LEN;
    OfError error = take_metadata(in.bytes(padded).first(length), c, p.metadata);
    in.skip(2);
    p.packet.assign(in.rest().begin(), in.rest().end());
    return error;
}

OfError decode_packet_out(ByteReader& in, DecodeContext& c, PacketOut& p) {
    p.buffer_id = in.u32();
    uint16_t length;
    if (c.version == Version::k10) {
        set_in_port(p.metadata, port_from_of10(in.u16()));
        length = in.u16();
    } else if (c.version == Version::k15) {
        length = in.u16();
        in.skip(2);
        if (!in.ok()) return OfError::OFPBRC_BAD_LEN;
        constexpr uint16_t kOxm = 1;
        if (in.size() >= 4 && load_be16(in.rest().data()) != kOxm && load_be16(in.rest().data() + 2) >= 4)
            return OfError::OFPBMC_BAD_TYPE;
        NxmOptions options = c.nxm();
        options.loose_prerequisites = true;
        if (OfError error = decode_oxm_match(in, options, p.metadata); error != OfError::kNone) return error;
    } else {
        uint32_t port = in.u32();
        if (!port_in_range(port)) return OfError::OFPBRC_BAD_PORT;
        set_in_port(p.metadata, port);
        length = in.u16();
        in.skip(6);
    }
    if (!in.ok() || in.size() < length) return OfError::OFPBRC_BAD_LEN;
    uint32_t port = p.metadata.value.in_port;
    if (!p.metadata.mask.in_port ||
        (port >= kPortMax10 && port != kPortLocal && port != kPortNone && port != kPortController)) {
        return OfError::OFPBRC_BAD_PORT;
    }
    OfError error = decode_actions(in.bytes(length), c.version, c.actions(), p.actions);
    if (error == OfError::kNone && p.buffer_id == kNoBuffer)
        p.packet.assign(in.rest().begin(), in.rest().end());
    return error;
}

}  // namespace

bool decode_packet(uint8_t type, ByteReader& in, DecodeContext& c, Body& body, OfError& error) {
    if (type == kPacketIn) {
        error = decode_packet_in(in, c, body.emplace<PacketIn>());
        return true;
    }
    if (type == kPacketOut) {
        error = decode_packet_out(in, c, body.emplace<PacketOut>());
        return true;
    }
    return false;
}

bool decode_packet_nicira(uint32_t subtype, ByteReader& in, DecodeContext& c, Body& body, OfError& error) {
    if (subtype == kNxPacketIn) {
        error = decode_nx_packet_in(in, c, body.emplace<PacketIn>());
        return true;
    }
    if (subtype == kNxPacketIn2) {
        PacketIn& p = body.emplace<PacketIn>();
        p.format = PacketInFormat::kNxm2;
        error = take_properties(in, c, p);
        return true;
    }
    if (subtype == kNxResume) {
        Resume& r = body.emplace<Resume>();
        r.packet_in.format = PacketInFormat::kNxm2;
        error = take_properties(in, c, r.packet_in);
        return true;
    }
    return false;
}

}  // namespace weft::openflow::messages
