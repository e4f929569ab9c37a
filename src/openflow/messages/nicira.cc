// Nicira's extension messages.

#include "openflow/messages/nicira.h"

#include "openflow/messages/wire.h"

namespace weft::openflow::wire {

namespace {

void put_mappings(Encoder& e, const std::vector<TlvMapping>& mappings) {
    for (const TlvMapping& mapping : mappings) {
        e.out.u16(mapping.option_class);
        e.out.u8(mapping.option_type);
        e.out.u8(mapping.option_len);
        e.out.u16(mapping.index);
        e.out.zeros(2);
    }
}

OfError get_mappings(Decoder& d, std::vector<TlvMapping>& mappings) {
    while (d.in.size() >= 8) {
        TlvMapping mapping;
        mapping.option_class = d.in.u16();
        mapping.option_type = d.in.u8();
        mapping.option_len = d.in.u8();
        mapping.index = d.in.u16();
        d.in.skip(2);
        if (mapping.option_len % 4 || mapping.option_len == 0 || mapping.option_len > 124)
            return OfError::NXTTMFC_BAD_OPT_LEN;
        if (mapping.index >= packet::kTunnelMetadataFields) return OfError::NXTTMFC_BAD_FIELD_IDX;
        mappings.push_back(mapping);
    }
    return d.in.empty() ? OfError::kNone : OfError::OFPBRC_BAD_LEN;
}

void put(Encoder& e, const SetFlowFormat& m) {
    e.vendor(kVendorNicira, kNxSetFlowFormat);
    e.out.u32(m.format);
}
void put(Encoder& e, const FlowModTableId& m) {
    e.vendor(kVendorNicira, kNxFlowModTableId);
    e.out.u8(m.set);
    e.out.zeros(7);
}
void put(Encoder& e, const SetPacketInFormat& m) {
    e.vendor(kVendorNicira, kNxSetPacketInFormat);
    e.out.u32(static_cast<uint32_t>(m.format));
}
void put(Encoder& e, const SetControllerId& m) {
    e.vendor(kVendorNicira, kNxSetControllerId);
    e.out.zeros(6);
    e.out.u16(m.id);
}
void put(Encoder& e, const TlvTableMod& m) {
    e.vendor(kVendorNicira, kNxTlvTableMod);
    e.out.u16(static_cast<uint16_t>(m.command));
    e.out.zeros(6);
    put_mappings(e, m.mappings);
}
void put(Encoder& e, const TlvTableRequest&) {
    e.vendor(kVendorNicira, kNxTlvTableRequest);
}
void put(Encoder& e, const TlvTableReply& m) {
    e.vendor(kVendorNicira, kNxTlvTableReply);
    e.out.u32(m.max_option_space);
    e.out.u16(m.max_fields);
    e.out.zeros(10);
    put_mappings(e, m.mappings);
}
void put(Encoder& e, const CtFlushZone& m) {
    e.vendor(kVendorNicira, kNxCtFlushZone);
    e.out.zeros(6);
    e.out.u16(m.zone);
}
void put(Encoder& e, const VendorMessage& m) {
    e.vendor(m.vendor, m.subtype);
    e.out.bytes(m.data);
}

// Nested properties of a tuple in NXT_CT_FLUSH.
enum CtTupleProperty : uint16_t {
    kTupleSrc,
    kTupleDst,
    kTupleSrcPort,
    kTupleDstPort,
    kTupleIcmpId,
    kTupleIcmpType,
    kTupleIcmpCode
};
enum CtFlushProperty : uint16_t { kFlushOriginal, kFlushReply, kFlushZone };

void put_tuple(Encoder& e, uint16_t type, const CtTuple& tuple) {
    size_t start = e.begin_property(type);
    e.out.zeros(4);
    auto bytes = [&](uint16_t which, ByteView value) {
        size_t at = e.begin_property(which);
        e.out.bytes(value);
        e.end_property(at);
    };
    auto port = [&](uint16_t which, uint16_t value) {
        size_t at = e.begin_property(which);
        e.out.u16(value);
        e.end_property(at);
    };
    if (tuple.src != packet::Ipv6Addr{}) bytes(kTupleSrc, tuple.src);
    if (tuple.dst != packet::Ipv6Addr{}) bytes(kTupleDst, tuple.dst);
    if (tuple.src_port) port(kTupleSrcPort, tuple.src_port);
    if (tuple.dst_port) port(kTupleDstPort, tuple.dst_port);
    if (tuple.icmp_id || tuple.icmp_type || tuple.icmp_code) {
        port(kTupleIcmpId, tuple.icmp_id);
        bytes(kTupleIcmpType, ByteView(&tuple.icmp_type, 1));
        bytes(kTupleIcmpCode, ByteView(&tuple.icmp_code, 1));
    }
    e.patch_length(start + 2, start);
}

void put(Encoder& e, const CtFlush& m) {
    e.vendor(kVendorNicira, kNxCtFlush);
    e.out.u8(m.ip_proto);
    e.out.u16(m.family);
    e.out.zeros(5);
    if (m.original) put_tuple(e, kFlushOriginal, *m.original);
    if (m.reply) put_tuple(e, kFlushReply, *m.reply);
    if (m.zone) {
        size_t start = e.begin_property(kFlushZone);
        e.out.u16(*m.zone);
        e.end_property(start);
    }
}

OfError get_tuple(ByteReader in, CtTuple& tuple) {
    in.skip(4);
    while (in.ok() && !in.empty()) {
        Property property;
        if (OfError error = next_property(in, property); error != OfError::kNone) return error;
        ByteReader& value = property.value;
        switch (property.type) {
            case kTupleSrc:
                tuple.src = value.array<16>();
                break;
            case kTupleDst:
                tuple.dst = value.array<16>();
                break;
            case kTupleSrcPort:
                tuple.src_port = value.u16();
                break;
            case kTupleDstPort:
                tuple.dst_port = value.u16();
                break;
            case kTupleIcmpId:
                tuple.icmp_id = value.u16();
                break;
            case kTupleIcmpType:
                tuple.icmp_type = value.u8();
                break;
            case kTupleIcmpCode:
                tuple.icmp_code = value.u8();
                break;
            default:
                return OfError::OFPBPC_BAD_TYPE;
        }
        if (!value.ok()) return OfError::OFPBPC_BAD_LEN;
    }
    return in.ok() ? OfError::kNone : OfError::OFPBPC_BAD_LEN;
}

OfError get_ct_flush(Decoder& d, Body& body) {
    CtFlush flush;
    flush.ip_proto = d.in.u8();
    flush.family = d.in.u16();
    d.in.skip(5);
    while (d.in.ok() && !d.in.empty()) {
        Property property;
        OfError error = next_property(d.in, property);
        if (error != OfError::kNone) return error;
        if (property.type == kFlushOriginal || property.type == kFlushReply) {
            auto& tuple = property.type == kFlushOriginal ? flush.original : flush.reply;
            error = get_tuple(property.value, tuple.emplace());
            if (error != OfError::kNone) return error;
        } else if (property.type == kFlushZone) {
            flush.zone = property.value.u16();
        } else {
            return OfError::OFPBPC_BAD_TYPE;
        }
    }
    body = std::move(flush);
    return d.end();
}

OfError get_tlv_mod(Decoder& d, Body& body) {
    TlvTableMod mod;
    uint16_t command = d.in.u16();
    d.in.skip(6);
    if (command > 2) return OfError::NXTTMFC_BAD_COMMAND;
    mod.command = static_cast<TlvTableMod::Command>(command);
    OfError error = get_mappings(d, mod.mappings);
    body = std::move(mod);
    return error;
}

OfError get_tlv_reply(Decoder& d, Body& body) {
    TlvTableReply reply;
    reply.max_option_space = d.in.u32();
    reply.max_fields = d.in.u16();
    d.in.skip(10);
    OfError error = get_mappings(d, reply.mappings);
    body = std::move(reply);
    return error;
}

template <typename T>
OfError get_role(Decoder& d, Body& body) {
    T role;
    uint32_t kind = d.in.u32();
    if (kind > 2) return OfError::OFPRRFC_BAD_ROLE;
    role.role = static_cast<Role>(kind + 1);
    role.nicira = true;
    body = role;
    return d.end();
}

OfError get_async(Decoder& d, Body& body) {
    SetAsync config;
    config.nicira = true;
    config.present = 0x07;
    for (auto* mask : {&config.packet_in, &config.port_status, &config.flow_removed}) {
        (*mask)[0] = d.in.u32();
        (*mask)[1] = d.in.u32();
    }
    body = config;
    return d.end();
}

}  // namespace

void put_nicira(Encoder& e, const Body& body) {
    std::visit(
        [&](const auto& message) {
            if constexpr (requires { put(e, message); }) put(e, message);
        },
        body);
}

OfError get_nicira(Decoder& d, uint32_t subtype, Body& body) {
    switch (subtype) {
        case kNxRoleRequest:
            return get_role<RoleRequest>(d, body);
        case kNxRoleReply:
            return get_role<RoleReply>(d, body);
        case kNxSetFlowFormat: {
            uint32_t format = d.in.u32();
            body = SetFlowFormat{format};
            return !d.in.ok()                   ? OfError::OFPBRC_BAD_LEN
                   : format == 0 || format == 2 ? OfError::kNone
                                                : OfError::OFPBRC_EPERM;
        }
        case kNxFlowMod:
            return get_flow_mod(d, true, body);
        case kNxFlowRemoved:
            return get_flow_removed(d, true, body);
        case kNxFlowModTableId:
            body = FlowModTableId{d.in.u8() != 0};
            return d.end();
        case kNxSetPacketInFormat: {
            uint32_t format = d.in.u32();
            if (format > 2) return OfError::OFPBRC_EPERM;
            body = SetPacketInFormat{static_cast<PacketInFormat>(format)};
            return d.end();
        }
        case kNxSetAsync:
            return get_async(d, body);
        case kNxSetControllerId: {
            d.in.skip(6);
            body = SetControllerId{d.in.u16()};
            return d.end();
        }
        case kNxTlvTableMod:
            return get_tlv_mod(d, body);
        case kNxTlvTableRequest:
            body = TlvTableRequest{};
            return OfError::kNone;
        case kNxTlvTableReply:
            return get_tlv_reply(d, body);
        case kNxCtFlushZone: {
            d.in.skip(6);
            body = CtFlushZone{d.in.u16()};
            return d.end();
        }
        case kNxCtFlush:
            return get_ct_flush(d, body);
        case kNxGroupMod:
            return get_group_mod(d, true, body);
        case kNxResume: {
            Resume resume;
            OfError error = get_packet_in(d, PacketInFormat::kNxm2, resume.packet_in);
            body = std::move(resume);
            return error;
        }
        case kNxPacketIn:
        case kNxPacketIn2: {
            PacketIn packet;
            OfError error = get_packet_in(
                d, subtype == kNxPacketIn ? PacketInFormat::kNxm : PacketInFormat::kNxm2, packet);
            body = std::move(packet);
            return error;
        }
        default:
            return OfError::OFPBRC_BAD_SUBTYPE;
    }
}

}  // namespace weft::openflow::wire
