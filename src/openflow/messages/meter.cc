#include "openflow/messages/meter.h"

#include "openflow/messages/codec.h"

namespace weft::openflow::messages {
namespace {

void put_bands(const std::vector<MeterBand>& bands, ByteWriter& out) {
    for (const MeterBand& b : bands) {
        out.u16(static_cast<uint16_t>(b.type));
        out.u16(16);
        out.u32(b.rate);
        out.u32(b.burst_size);
        out.u8(b.type == MeterBand::Type::kDscpRemark ? b.prec_level : 0);
        out.zeros(3);
    }
}

OfError take_bands(ByteReader& in, std::vector<MeterBand>& bands) {
    while (!in.empty()) {
        uint16_t type = in.u16(), length = in.u16();
        if (!in.ok() || length < 16 || in.size() + 4 < length) return OfError::OFPBRC_BAD_LEN;
        if (type != 1 && type != 2) return OfError::OFPMMFC_BAD_BAND;
        ByteReader body = in.sub(length - 4u);
        MeterBand b;
        b.type = static_cast<MeterBand::Type>(type);
        b.rate = body.u32();
        b.burst_size = body.u32();
        if (type == 2) b.prec_level = body.u8();
        bands.push_back(b);
    }
    return OfError::kNone;
}

void request(uint16_t type, uint32_t meter, EncodeContext& c) {
    if (c.version < Version::k13) return c.refuse();
    c.stats(type, false);
    c.out.u32(meter);
    c.out.zeros(4);
}

OfError decode_mod(ByteReader& in, MeterMod& m) {
    uint16_t command = in.u16();
    m.meter.flags = in.u16();
    m.meter.meter_id = in.u32();
    if (!in.ok()) return OfError::OFPBRC_BAD_LEN;
    if (command > 2) return OfError::OFPMMFC_BAD_COMMAND;
    m.command = static_cast<MeterMod::Command>(command);
    if (m.command == MeterMod::Command::kDelete) return OfError::kNone;
    if (m.meter.flags & kMeterKbps && m.meter.flags & kMeterPktps) return OfError::OFPMMFC_BAD_FLAGS;
    if (OfError error = take_bands(in, m.meter.bands); error != OfError::kNone) return error;
    uint32_t id = m.meter.meter_id;
    bool good = (id > 0 && id <= kMeterMax) || id == kMeterSlowpath || id == kMeterController;
    return good ? OfError::kNone : OfError::OFPMMFC_INVALID_METER;
}

OfError decode_config(ByteReader& in, MeterConfig& m) {
    size_t before = in.size();
    uint16_t length = in.u16();
    if (!in.ok() || length < 8 || length > before) return OfError::OFPBRC_BAD_LEN;
    ByteReader entry = in.sub(length - 2u);
    m.flags = entry.u16();
    m.meter_id = entry.u32();
    return take_bands(entry, m.bands);
}

OfError decode_stats(ByteReader& in, MeterStats& m) {
    size_t before = in.size();
    m.meter_id = in.u32();
    uint16_t length = in.u16();
    if (!in.ok() || length < 40 || length > before) return OfError::OFPBRC_BAD_LEN;
    ByteReader entry = in.sub(length - 6u);
    entry.skip(6);
    m.flow_count = entry.u32();
    m.packets = entry.u64();
    m.bytes = entry.u64();
    m.duration_sec = entry.u32();
    m.duration_nsec = entry.u32();
    while (entry.ok() && !entry.empty()) {
        uint64_t packets = entry.u64(), bytes = entry.u64();
        m.bands.push_back({packets, bytes});
    }
    return length_error(entry);
}

}  // namespace

void encode(const MeterMod& m, EncodeContext& c) {
    if (c.version < Version::k13) return c.refuse();
    c.type(kMeterMod);
    c.out.u16(static_cast<uint16_t>(m.command));
    c.out.u16(m.meter.flags);
    c.out.u32(m.meter.meter_id);
    put_bands(m.meter.bands, c.out);
}

void encode(const MeterConfigRequest& r, EncodeContext& c) {
    request(kStatsMeterConfig, r.meter_id, c);
}
void encode_entry(const MeterConfig& m, EncodeContext& c) {
    c.out.u16(static_cast<uint16_t>(8 + 16 * m.bands.size()));
    c.out.u16(m.flags);
    c.out.u32(m.meter_id);
    put_bands(m.bands, c.out);
}
void encode(const MeterConfigReply& r, EncodeContext& c) {
    c.stats(kStatsMeterConfig, true, r.more);
    for (const MeterConfig& m : r.meters) encode_entry(m, c);
}
void encode(const MeterStatsRequest& r, EncodeContext& c) {
    request(kStatsMeter, r.meter_id, c);
}
void encode_entry(const MeterStats& m, EncodeContext& c) {
    c.out.u32(m.meter_id);
    c.out.u16(static_cast<uint16_t>(40 + 16 * m.bands.size()));
    c.out.zeros(6);
    c.out.u32(m.flow_count);
    c.out.u64(m.packets);
    c.out.u64(m.bytes);
    c.out.u32(m.duration_sec);
    c.out.u32(m.duration_nsec);
    for (const MeterStats::Band& b : m.bands) {
        c.out.u64(b.packets);
        c.out.u64(b.bytes);
    }
}
void encode(const MeterStatsReply& r, EncodeContext& c) {
    c.stats(kStatsMeter, true, r.more);
    for (const MeterStats& m : r.meters) encode_entry(m, c);
}
void encode(const MeterFeaturesRequest&, EncodeContext& c) {
    if (c.version < Version::k13) return c.refuse();
    c.stats(kStatsMeterFeatures, false);
}
void encode(const MeterFeaturesReply& r, EncodeContext& c) {
    c.stats(kStatsMeterFeatures, true);
    c.out.u32(r.max_meters);
    c.out.u32(r.band_types);
    c.out.u32(r.capabilities);
    c.out.u8(r.max_bands);
    c.out.u8(r.max_color);
    c.out.zeros(2);
}

bool decode_meter(uint8_t type, ByteReader& in, DecodeContext& c, Body& body, OfError& error) {
    if (type != kMeterMod || c.version < Version::k13) return false;
    error = decode_mod(in, body.emplace<MeterMod>());
    return true;
}

bool decode_meter_stats(uint16_t type, bool reply, ByteReader& in, DecodeContext& c, Body& body,
                        OfError& error) {
    if (c.version < Version::k13) return false;
    if (type == kStatsMeter && reply) {
        MeterStatsReply& r = body.emplace<MeterStatsReply>();
        r.more = c.more;
        while (!in.empty() && error == OfError::kNone) {
            r.meters.emplace_back();
            error = decode_stats(in, r.meters.back());
        }
    } else if (type == kStatsMeter) {
        body.emplace<MeterStatsRequest>().meter_id = in.u32();
        error = length_error(in);
    } else if (type == kStatsMeterConfig && reply) {
        MeterConfigReply& r = body.emplace<MeterConfigReply>();
        r.more = c.more;
        while (!in.empty() && error == OfError::kNone) {
            r.meters.emplace_back();
            error = decode_config(in, r.meters.back());
        }
    } else if (type == kStatsMeterConfig) {
        body.emplace<MeterConfigRequest>().meter_id = in.u32();
        error = length_error(in);
    } else if (type == kStatsMeterFeatures && reply) {
        MeterFeaturesReply& r = body.emplace<MeterFeaturesReply>();
        r.max_meters = in.u32();
        r.band_types = in.u32();
        r.capabilities = in.u32();
        r.max_bands = in.u8();
        r.max_color = in.u8();
        error = length_error(in);
    } else if (type == kStatsMeterFeatures) {
        body.emplace<MeterFeaturesRequest>();
    } else {
        return false;
    }
    return true;
}

}  // namespace weft::openflow::messages
