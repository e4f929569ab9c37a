#include "openflow/message.h"

#include "openflow/messages/wire.h"

namespace weft::openflow {

namespace {

using wire::Decoder;
using wire::Encoder;

// Each family writes the kinds that it knows and nothing for others.
void put(Encoder& e, const Body& body) {
    using Put = void (*)(Encoder&, const Body&);
    static constexpr Put kFamilies[] = {wire::put_switch, wire::put_flow,  wire::put_packet,
                                        wire::put_port,   wire::put_group, wire::put_meter,
                                        wire::put_table,  wire::put_nicira};
    if (std::holds_alternative<BundleControl>(body) || std::holds_alternative<BundleAdd>(body))
        return wire::put_bundle(e, body);
    for (Put family : kFamilies) {
        family(e, body);
        if (e.out.size()) return;
    }
}

OfError get_multipart(Decoder& d, bool reply, Body& body) {
    uint16_t type = d.in.u16();
    bool more = d.in.u16() & wire::kMore;
    if (!d.is10()) d.in.skip(4);
    if (!d.in.ok()) return OfError::OFPBRC_BAD_LEN;
    switch (type) {
        case wire::kFlow:
        case wire::kAggregate:
            if (!reply) return wire::get_flow_request(d, type == wire::kAggregate, false, body);
            return type == wire::kFlow ? wire::get_flow_stats(d, false, more, body)
                                       : wire::get_aggregate(d, body);
        case wire::kPort:
        case wire::kQueue:
        case wire::kPortDesc:
            return wire::get_port_multipart(d, type, reply, more, body);
        case wire::kGroup:
        case wire::kGroupDesc:
        case wire::kGroupFeatures:
            return d.is10() ? OfError::OFPBRC_BAD_STAT
                            : wire::get_group_multipart(d, type, reply, more, body);
        case wire::kMeter:
        case wire::kMeterConfig:
        case wire::kMeterFeatures:
            return d.version < Version::k13 ? OfError::OFPBRC_BAD_STAT
                                            : wire::get_meter_multipart(d, type, reply, more, body);
        case wire::kTableFeatures:
            return d.version < Version::k13 ? OfError::OFPBRC_BAD_STAT
                                            : wire::get_table_multipart(d, type, reply, more, body);
        case wire::kTableDesc:
            return d.version < Version::k14 ? OfError::OFPBRC_BAD_STAT
                                            : wire::get_table_multipart(d, type, reply, more, body);
        case wire::kDesc:
        case wire::kTable:
            return wire::get_table_multipart(d, type, reply, more, body);
        case wire::kVendorMultipart:
            break;
        default:
            return OfError::OFPBRC_BAD_STAT;
    }
    uint32_t vendor = d.in.u32(), subtype = d.in.u32();
    if (d.is10()) d.in.skip(4);
    if (!d.in.ok()) return OfError::OFPBRC_BAD_LEN;
    if (vendor != kVendorNicira) return OfError::OFPBRC_BAD_VENDOR;
    if (subtype != wire::kNxFlow && subtype != wire::kNxAggregate) return OfError::OFPBRC_BAD_SUBTYPE;
    bool aggregate = subtype == wire::kNxAggregate;
    if (!reply) return wire::get_flow_request(d, aggregate, true, body);
    return aggregate ? wire::get_aggregate(d, body) : wire::get_flow_stats(d, true, more, body);
}

OfError get_vendor(Decoder& d, Body& body) {
    uint32_t vendor = d.in.u32(), subtype = d.in.u32();
    if (!d.in.ok()) return OfError::OFPBRC_BAD_LEN;
    if (vendor == kVendorNicira) return wire::get_nicira(d, subtype, body);
    if (vendor != kVendorOnf) return OfError::OFPBRC_BAD_VENDOR;
    if (subtype == wire::kOnfBundleControl) return wire::get_bundle(d, false, body);
    if (subtype == wire::kOnfBundleAdd) return wire::get_bundle(d, true, body);
    return OfError::OFPBRC_BAD_SUBTYPE;
}

// The version that first has a type of wire::Type's second half.
Version first_version(uint8_t type) {
    if (type == wire::kRoleRequest || type == wire::kRoleReply) return Version::k12;
    if (type >= wire::kGetAsyncRequest && type <= wire::kMeterMod) return Version::k13;
    if (type >= wire::kRoleStatus) return Version::k14;
    return Version::k11;
}

OfError get(Decoder& d, uint8_t type, Body& body) {
    if (type == wire::multipart_request(d.version)) return get_multipart(d, false, body);
    if (type == wire::multipart_reply(d.version)) return get_multipart(d, true, body);
    if (type == wire::barrier_request(d.version)) return body = BarrierRequest{}, OfError::kNone;
    if (type == wire::barrier_reply(d.version)) return body = BarrierReply{}, OfError::kNone;
    if (type == wire::port_mod(d.version)) return wire::get_port(d, type, body);
    if (type >= wire::kGroupMod && d.version < first_version(type)) return OfError::OFPBRC_BAD_TYPE;
    switch (type) {
        case wire::kVendor:
            return get_vendor(d, body);
        case wire::kPacketIn: {
            PacketIn packet;
            OfError error = wire::get_packet_in(d, PacketInFormat::kStandard, packet);
            body = std::move(packet);
            return error;
        }
        case wire::kFlowRemoved:
            return wire::get_flow_removed(d, false, body);
        case wire::kPortStatus:
            return wire::get_port(d, type, body);
        case wire::kPacketOut:
            return wire::get_packet_out(d, body);
        case wire::kFlowMod:
            return wire::get_flow_mod(d, false, body);
        case wire::kGroupMod:
            return wire::get_group_mod(d, d.version == Version::k15, body);
        case wire::kTableMod:
            return wire::get_table_mod(d, body);
        case wire::kMeterMod:
            return wire::get_meter_mod(d, body);
        case wire::kBundleControl:
            return wire::get_bundle(d, false, body);
        case wire::kBundleAdd:
            return wire::get_bundle(d, true, body);
        default:
            return wire::get_switch(d, type, body);
    }
}

}  // namespace

bool peek_header(ByteView bytes, Header& header) {
    if (bytes.size() < kHeaderBytes) return false;
    header = {bytes[0], bytes[1], load_be16(&bytes[2]), load_be32(&bytes[4])};
    return true;
}

OfError decode(ByteView bytes, const DecodeOptions& options, Message& message) {
    Header header;
    if (!peek_header(bytes, header)) return OfError::OFPBRC_BAD_LEN;
    message.xid = header.xid;
    bool known = header.version >= 1 && header.version <= 6;
    message.version = known ? static_cast<Version>(header.version) : Version::k15;
    if (!known && header.type != wire::kHello) return OfError::OFPBRC_BAD_VERSION;
    if (header.length != bytes.size()) return OfError::OFPBRC_BAD_LEN;
    Decoder d{message.version, options, ByteReader(bytes.subspan(kHeaderBytes))};
    return get(d, header.type, message.body);
}

Bytes encode(const Message& message) {
    Encoder e{message.version, message.xid, {}};
    put(e, message.body);
    return e.out.size() ? e.finish() : Bytes();
}

bool can_encode(const Message& message) {
    return !encode(message).empty();
}

Bytes encode_error(OfError error, ByteView request, size_t limit) {
    Header header;
    if (!peek_header(request, header)) return {};
    Version version =
        header.version >= 1 && header.version <= 6 ? static_cast<Version>(header.version) : Version::k15;
    ErrorMessage message;
    message.code = error_code(error, version);
    ByteView data = request.first(std::min(request.size(), limit));
    message.data.assign(data.begin(), data.end());
    return encode(version, header.xid, std::move(message));
}

}  // namespace weft::openflow
