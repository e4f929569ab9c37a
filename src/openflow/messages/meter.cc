// Meters on the wire.

#include "openflow/messages/meter.h"

#include "openflow/messages/wire.h"

namespace weft::openflow::wire {

namespace {

void put_bands(Encoder& e, const std::vector<MeterBand>& bands) {
    for (const MeterBand& band : bands) {
        e.out.u16(static_cast<uint16_t>(band.type));
        e.out.u16(16);
        e.out.u32(band.rate);
        e.out.u32(band.burst_size);
        e.out.u8(band.type == MeterBand::Type::kDscpRemark ? band.prec_level : 0);
        e.out.zeros(3);
    }
}

OfError get_bands(ByteReader& in, std::vector<MeterBand>& bands) {
    while (!in.empty()) {
        MeterBand band;
        uint16_t type = in.u16(), length = in.u16();
        band.rate = in.u32();
        band.burst_size = in.u32();
        band.prec_level = in.u8();
        in.skip(3);
        if (!in.ok() || length != 16) return OfError::OFPBRC_BAD_LEN;
        if (type != 1 && type != 2) return OfError::OFPMMFC_BAD_BAND;
        band.type = static_cast<MeterBand::Type>(type);
        if (band.type == MeterBand::Type::kDrop) band.prec_level = 0;
        bands.push_back(band);
    }
    return OfError::kNone;
}

void put(Encoder& e, const MeterMod& m) {
    e.header(kMeterMod);
    e.out.u16(static_cast<uint16_t>(m.command));
    e.out.u16(m.meter.flags);
    e.out.u32(m.meter.meter_id);
    put_bands(e, m.meter.bands);
}
void put_request(Encoder& e, uint16_t type, uint32_t meter_id) {
    e.multipart(type, false);
    e.out.u32(meter_id);
    e.out.zeros(4);
}
void put(Encoder& e, const MeterConfigRequest& m) {
    put_request(e, kMeterConfig, m.meter_id);
}
void put(Encoder& e, const MeterStatsRequest& m) {
    put_request(e, kMeter, m.meter_id);
}
void put(Encoder& e, const MeterFeaturesRequest&) {
    e.multipart(kMeterFeatures, false);
}
void put(Encoder& e, const MeterConfigReply& m) {
    e.multipart(kMeterConfig, true, m.more);
    for (const MeterConfig& meter : m.meters) put_meter_config(e, meter);
}
void put(Encoder& e, const MeterStatsReply& m) {
    e.multipart(kMeter, true, m.more);
    for (const MeterStats& stats : m.meters) put_meter_stats(e, stats);
}
void put(Encoder& e, const MeterFeaturesReply& m) {
    e.multipart(kMeterFeatures, true);
    e.out.u32(m.max_meters);
    e.out.u32(m.band_types);
    e.out.u32(m.capabilities);
    e.out.u8(m.max_bands);
    e.out.u8(m.max_color);
    e.out.zeros(2);
}

OfError get_config(Decoder& d, MeterConfig& meter) {
    size_t length = d.in.u16();
    if (!d.in.ok() || length < 8 || length - 2 > d.in.size()) return OfError::OFPBRC_BAD_LEN;
    ByteReader in(d.in.bytes(length - 2));
    meter.flags = in.u16();
    meter.meter_id = in.u32();
    return get_bands(in, meter.bands);
}

OfError get_stats(Decoder& d, MeterStats& s) {
    s.meter_id = d.in.u32();
    size_t length = d.in.u16();
    if (!d.in.ok() || length < 40 || length - 6 > d.in.size()) return OfError::OFPBRC_BAD_LEN;
    ByteReader in(d.in.bytes(length - 6));
    in.skip(6);
    s.flow_count = in.u32();
    s.packets = in.u64();
    s.bytes = in.u64();
    s.duration_sec = in.u32();
    s.duration_nsec = in.u32();
    while (in.ok() && !in.empty()) s.bands.push_back({in.u64(), in.u64()});
    return in.ok() ? OfError::kNone : OfError::OFPBRC_BAD_LEN;
}

}  // namespace

void put_meter_config(Encoder& e, const MeterConfig& meter) {
    size_t start = e.out.size();
    e.out.u16(0);
    e.out.u16(meter.flags);
    e.out.u32(meter.meter_id);
    put_bands(e, meter.bands);
    e.patch_length(start, start);
}

void put_meter_stats(Encoder& e, const MeterStats& s) {
    size_t start = e.out.size();
    e.out.u32(s.meter_id);
    e.out.zeros(8);
    e.out.u32(s.flow_count);
    e.out.u64(s.packets);
    e.out.u64(s.bytes);
    e.out.u32(s.duration_sec);
    e.out.u32(s.duration_nsec);
    for (const auto& band : s.bands) {
        e.out.u64(band.packets);
        e.out.u64(band.bytes);
    }
    e.patch_length(start + 4, start);
}

void put_meter(Encoder& e, const Body& body) {
    std::visit(
        [&](const auto& message) {
            if constexpr (requires { put(e, message); }) put(e, message);
        },
        body);
}

OfError get_meter_mod(Decoder& d, Body& body) {
    MeterMod m;
    uint16_t command = d.in.u16();
    m.meter.flags = d.in.u16();
    m.meter.meter_id = d.in.u32();
    if (!d.in.ok()) return OfError::OFPBRC_BAD_LEN;
    if (command > 2) return OfError::OFPMMFC_BAD_COMMAND;
    m.command = static_cast<MeterMod::Command>(command);
    OfError error = m.command == MeterMod::Command::kDelete ? OfError::kNone : get_bands(d.in, m.meter.bands);
    body = std::move(m);
    return error;
}

OfError get_meter_multipart(Decoder& d, uint16_t type, bool reply, bool more, Body& body) {
    if (!reply) {
        if (type == kMeter) {
            body = MeterStatsRequest{d.in.u32()};
        } else if (type == kMeterConfig) {
            body = MeterConfigRequest{d.in.u32()};
        } else {
            body = MeterFeaturesRequest{};
        }
        return d.end();
    }
    OfError error = OfError::kNone;
    if (type == kMeterFeatures) {
        MeterFeaturesReply m;
        m.max_meters = d.in.u32();
        m.band_types = d.in.u32();
        m.capabilities = d.in.u32();
        m.max_bands = d.in.u8();
        m.max_color = d.in.u8();
        body = m;
        return d.end();
    }
    if (type == kMeterConfig) {
        MeterConfigReply m;
        m.more = more;
        while (error == OfError::kNone && !d.in.empty()) error = get_config(d, m.meters.emplace_back());
        body = std::move(m);
    } else {
        MeterStatsReply m;
        m.more = more;
        while (error == OfError::kNone && !d.in.empty()) error = get_stats(d, m.meters.emplace_back());
        body = std::move(m);
    }
    return error;
}

}  // namespace weft::openflow::wire
