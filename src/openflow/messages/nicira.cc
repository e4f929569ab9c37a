#include "openflow/messages/nicira.h"

#include "openflow/messages/codec.h"

namespace weft::openflow::messages {

bool decode_nicira_switch(uint32_t subtype, ByteReader& in, Body& body, OfError& error);

namespace {

enum : uint16_t {
    kCtTupleOriginal = 0,
    kCtTupleReply = 1,
    kCtZone = 2,
    kCtMark = 3,
    kCtMarkMask = 4,
    kCtLabels = 5,
    kCtLabelsMask = 6
};
enum : uint16_t {
    kTupleSrc = 0,
    kTupleDst = 1,
    kTupleSrcPort = 2,
    kTupleDstPort = 3,
    kTupleIcmpId = 4,
    kTupleIcmpType = 5,
    kTupleIcmpCode = 6
};

void put_mappings(const std::vector<TlvMapping>& mappings, ByteWriter& out) {
    for (const TlvMapping& m : mappings) {
        out.u16(m.option_class);
        out.u8(m.option_type);
        out.u8(m.option_len);
        out.u16(m.index);
        out.zeros(2);
    }
}
OfError take_mappings(ByteReader& in, std::vector<TlvMapping>& mappings) {
    while (!in.empty()) {
        TlvMapping m;
        m.option_class = in.u16();
        m.option_type = in.u8();
        m.option_len = in.u8();
        m.index = in.u16();
        in.skip(2);
        if (!in.ok()) return OfError::OFPBRC_BAD_LEN;
        if (m.option_len < 4 || m.option_len > 124 || m.option_len % 4) return OfError::NXTTMFC_BAD_OPT_LEN;
        if (m.index >= packet::kTunnelMetadataFields) return OfError::NXTTMFC_BAD_FIELD_IDX;
        mappings.push_back(m);
    }
    return OfError::kNone;
}

void put_tuple(const CtTuple& t, uint8_t proto, uint16_t type, ByteWriter& out) {
    put_property(out, type, [&] {
        out.zeros(4);
        auto u16 = [&](uint16_t kind, uint16_t value) {
            if (value) put_property(out, kind, [&] { out.u16(value); });
        };
        auto u8 = [&](uint16_t kind, uint8_t value) { put_property(out, kind, [&] { out.u8(value); }); };
        if (t.src != packet::Ipv6Addr{}) put_property(out, kTupleSrc, [&] { out.bytes(t.src); });
        if (t.dst != packet::Ipv6Addr{}) put_property(out, kTupleDst, [&] { out.bytes(t.dst); });
        if (proto == 1 || proto == 58) {
            u16(kTupleIcmpId, t.icmp_id);
            u8(kTupleIcmpType, t.icmp_type);
            u8(kTupleIcmpCode, t.icmp_code);
        } else {
            u16(kTupleSrcPort, t.src_port);
            u16(kTupleDstPort, t.dst_port);
        }
    });
}

OfError take_tuple(ByteReader& in, CtTuple& t) {
    in.skip(4);
    while (!in.empty()) {
        Property property{0, ByteReader({})};
        if (OfError error = next_property(in, property); error != OfError::kNone) return error;
        ByteReader& body = property.body;
        switch (property.type) {
            case kTupleSrc:
                t.src = body.array<16>();
                break;
            case kTupleDst:
                t.dst = body.array<16>();
                break;
            case kTupleSrcPort:
                t.src_port = body.u16();
                break;
            case kTupleDstPort:
                t.dst_port = body.u16();
                break;
            case kTupleIcmpId:
                t.icmp_id = body.u16();
                break;
            case kTupleIcmpType:
                t.icmp_type = body.u8();
                break;
            case kTupleIcmpCode:
                t.icmp_code = body.u8();
                break;
            default:
                return OfError::OFPBPC_BAD_TYPE;
        }
        if (!body.ok()) return OfError::OFPBPC_BAD_LEN;
    }
    return OfError::kNone;
}

// Bytes that are reserved.
bool zeros(ByteReader& in, size_t count) {
    for (uint8_t byte : in.bytes(count)) {
        if (byte) return false;
    }
    return true;
}

OfError take_ct_flush(ByteReader& in, CtFlush& f) {
    f.ip_proto = in.u8();
    if (in.size() < 7) return OfError::OFPBRC_BAD_LEN;
    if (!zeros(in, 7)) return OfError::NXBRC_MUST_BE_ZERO;
    CtMark mark;
    CtLabels labels;
    labels.mask.fill(0xff);
    while (!in.empty()) {
        Property property{0, ByteReader({})};
        if (OfError error = next_property(in, property); error != OfError::kNone) return error;
        OfError error = OfError::kNone;
        switch (property.type) {
            case kCtTupleOriginal:
                error = take_tuple(property.body, f.original.emplace());
                break;
            case kCtTupleReply:
                error = take_tuple(property.body, f.reply.emplace());
                break;
            case kCtZone:
                f.zone = property.body.u16();
                break;
            case kCtMark:
                mark.value = property.body.u32();
                f.mark = mark;
                break;
            case kCtMarkMask:
                mark.mask = property.body.u32();
                break;
            case kCtLabels:
                labels.value = property.body.array<16>();
                f.labels = labels;
                break;
            case kCtLabelsMask:
                labels.mask = property.body.array<16>();
                break;
            default:
                error = OfError::OFPBPC_BAD_TYPE;
        }
        if (error != OfError::kNone) return error;
        if (!property.body.ok()) return OfError::OFPBPC_BAD_LEN;
    }
    if (f.mark) f.mark = mark;  // masks may come behind
    if (f.labels) f.labels = labels;
    return OfError::kNone;
}

}  // namespace

void encode(const SetFlowFormat& m, EncodeContext& c) {
    c.vendor(kVendorNicira, kNxSetFlowFormat);
    c.out.u32(m.format);
}
void encode(const FlowModTableId& m, EncodeContext& c) {
    c.vendor(kVendorNicira, kNxFlowModTableId);
    c.out.u8(m.set ? 1 : 0);
    c.out.zeros(7);
}
void encode(const SetPacketInFormat& m, EncodeContext& c) {
    c.vendor(kVendorNicira, kNxSetPacketInFormat);
    c.out.u32(static_cast<uint32_t>(m.format));
}
void encode(const SetControllerId& m, EncodeContext& c) {
    c.vendor(kVendorNicira, kNxSetControllerId);
    c.out.zeros(6);
    c.out.u16(m.id);
}
void encode(const FlowAge&, EncodeContext& c) {
    c.vendor(kVendorNicira, kNxFlowAge);
}
void encode(const TlvTableMod& m, EncodeContext& c) {
    c.vendor(kVendorNicira, kNxTlvMod);
    c.out.u16(static_cast<uint16_t>(m.command));
    c.out.zeros(6);
    put_mappings(m.mappings, c.out);
}
void encode(const TlvTableRequest&, EncodeContext& c) {
    c.vendor(kVendorNicira, kNxTlvRequest);
}
void encode(const TlvTableReply& m, EncodeContext& c) {
    c.vendor(kVendorNicira, kNxTlvReply);
    c.out.u32(m.max_option_space);
    c.out.u16(m.max_fields);
    c.out.zeros(10);
    put_mappings(m.mappings, c.out);
}
void encode(const CtFlushZone& m, EncodeContext& c) {
    c.vendor(kVendorNicira, kNxCtFlushZone);
    c.out.zeros(6);
    c.out.u16(m.zone);
}
void encode(const CtFlush& m, EncodeContext& c) {
    c.vendor(kVendorNicira, kNxCtFlush);
    c.out.u8(m.ip_proto);
    c.out.zeros(7);
    if (m.original) put_tuple(*m.original, m.ip_proto, kCtTupleOriginal, c.out);
    if (m.reply) put_tuple(*m.reply, m.ip_proto, kCtTupleReply, c.out);
    if (m.zone) put_property(c.out, kCtZone, [&] { c.out.u16(*m.zone); });
    if (m.mark) {
        put_property(c.out, kCtMark, [&] { c.out.u32(m.mark->value); });
        put_property(c.out, kCtMarkMask, [&] { c.out.u32(m.mark->mask); });
    }
    if (m.labels) {
        put_property(c.out, kCtLabels, [&] { c.out.bytes(m.labels->value); });
        put_property(c.out, kCtLabelsMask, [&] { c.out.bytes(m.labels->mask); });
    }
}
void encode(const VendorMessage& m, EncodeContext& c) {
    c.vendor(m.vendor, m.subtype);
    c.out.bytes(m.data);
}

bool decode_nicira(uint32_t subtype, ByteReader& in, DecodeContext&, Body& body, OfError& error) {
    if (decode_nicira_switch(subtype, in, body, error)) return true;
    switch (subtype) {
        case kNxSetFlowFormat:
            body.emplace<SetFlowFormat>().format = in.u32();
            if (uint32_t format = std::get<SetFlowFormat>(body).format; format != 0 && format != 2) {
                error = OfError::OFPBRC_EPERM;
                return true;
            }
            break;
        case kNxFlowModTableId:
            body.emplace<FlowModTableId>().set = in.u8() != 0;
            break;
        case kNxSetPacketInFormat: {
            uint32_t format = in.u32();
            if (format > 2) {
                error = OfError::OFPBRC_EPERM;
                return true;
            }
            body.emplace<SetPacketInFormat>().format = static_cast<PacketInFormat>(format);
            break;
        }
        case kNxSetControllerId:
            if (!zeros(in, 6)) {
                error = OfError::NXBRC_MUST_BE_ZERO;
                return true;
            }
            body.emplace<SetControllerId>().id = in.u16();
            break;
        case kNxFlowAge:
            body = FlowAge{};
            break;
        case kNxMonitorCancel:
            body.emplace<FlowMonitorCancel>().id = in.u32();
            break;
        case kNxMonitorPaused:
            body = FlowMonitorPaused{};
            break;
        case kNxMonitorResumed:
            body = FlowMonitorResumed{};
            break;
        case kNxTlvMod: {
            TlvTableMod& m = body.emplace<TlvTableMod>();
            uint16_t command = in.u16();
            in.skip(6);
            if (command > 2) {
                error = OfError::NXTTMFC_BAD_COMMAND;
                return true;
            }
            m.command = static_cast<TlvTableMod::Command>(command);
            error = in.ok() ? take_mappings(in, m.mappings) : OfError::OFPBRC_BAD_LEN;
            return true;
        }
        case kNxTlvRequest:
            body = TlvTableRequest{};
            break;
        case kNxTlvReply: {
            TlvTableReply& m = body.emplace<TlvTableReply>();
            m.max_option_space = in.u32();
            m.max_fields = in.u16();
            in.skip(10);
            error = in.ok() ? take_mappings(in, m.mappings) : OfError::OFPBRC_BAD_LEN;
            return true;
        }
        case kNxCtFlushZone:
            if (!zeros(in, 6)) {
                error = OfError::NXBRC_MUST_BE_ZERO;
                return true;
            }
            body.emplace<CtFlushZone>().zone = in.u16();
            break;
        case kNxCtFlush:
            error = take_ct_flush(in, body.emplace<CtFlush>());
            return true;
        default:
            return false;
    }
    error = length_error(in);
    return true;
}

// --- exporters

namespace {

constexpr uint32_t kIpfixBridge = 3, kIpfixFlow = 4;

}  // namespace

void encode(const IpfixStatsRequest& r, EncodeContext& c) {
    c.nicira_stats(r.flow ? kIpfixFlow : kIpfixBridge, false);
}
void encode(const IpfixStatsReply& r, EncodeContext& c) {
    c.nicira_stats(r.flow ? kIpfixFlow : kIpfixBridge, true, r.more);
    for (const IpfixStats& s : r.exporters) {
        for (uint64_t count : {s.flows, s.current_flows, s.packets, s.ipv4, s.ipv6, s.error_packets,
                               s.ipv4_errors, s.ipv6_errors, s.tx_packets, s.tx_errors}) {
            c.out.u64(count);
        }
        c.out.u32(s.collector_set_id);
        c.out.zeros(4);
    }
}

bool decode_ipfix_stats(uint32_t subtype, bool reply, ByteReader& in, DecodeContext& c, Body& body,
                        OfError& error) {
    if (subtype != kIpfixBridge && subtype != kIpfixFlow) return false;
    bool flow = subtype == kIpfixFlow;
    if (!reply) {
        body.emplace<IpfixStatsRequest>().flow = flow;
        if (!in.empty()) error = OfError::OFPBRC_BAD_LEN;
        return true;
    }
    IpfixStatsReply& r = body.emplace<IpfixStatsReply>();
    r.flow = flow;
    r.more = c.more;
    while (!in.empty()) {
        IpfixStats s;
        for (uint64_t* count : {&s.flows, &s.current_flows, &s.packets, &s.ipv4, &s.ipv6, &s.error_packets,
                                &s.ipv4_errors, &s.ipv6_errors, &s.tx_packets, &s.tx_errors}) {
            *count = in.u64();
        }
        s.collector_set_id = in.u32();
        in.skip(4);
        if (!in.ok()) {
            error = OfError::OFPBRC_BAD_LEN;
            break;
        }
        r.exporters.push_back(s);
    }
    return true;
}

}  // namespace weft::openflow::messages
