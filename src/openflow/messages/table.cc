// The switch's description and its tables on the wire.

#include "openflow/messages/switch.h"
#include "openflow/messages/wire.h"

namespace weft::openflow::wire {

namespace {

enum TableModProperty : uint16_t { kEviction = 2, kVacancy = 3 };
// OFPTFPT_*: the property of a miss has the next number.
enum FeatureProperty : uint16_t {
    kInstructions = 0,
    kNextTables = 2,
    kWriteActions = 4,
    kApplyActions = 6,
    kMatch = 8,
    kWildcards = 10,
    kWriteSetField = 12,
    kApplySetField = 14,
};

void put(Encoder& e, const DescRequest&) {
    e.multipart(kDesc, false);
}
void put(Encoder& e, const DescReply& m) {
    e.multipart(kDesc, true);
    e.text(m.manufacturer, 256);
    e.text(m.hardware, 256);
    e.text(m.software, 256);
    e.text(m.serial, 32);
    e.text(m.description, 256);
}

void put(Encoder& e, const TableMod& m) {
    e.header(kTableMod);
    e.out.u8(m.table);
    e.out.zeros(3);
    e.out.u32(m.config);
    if (e.version < Version::k14) return;
    if (m.eviction_flags) {
        size_t start = e.begin_property(kEviction);
        e.out.u32(m.eviction_flags);
        e.end_property(start);
    }
    if (m.vacancy_down || m.vacancy_up) {
        size_t start = e.begin_property(kVacancy);
        e.out.u8(m.vacancy_down);
        e.out.u8(m.vacancy_up);
        e.out.zeros(2);
        e.end_property(start);
    }
}

void put(Encoder& e, const TableStatsRequest&) {
    e.multipart(kTable, false);
}
void put(Encoder& e, const TableStatsReply& m) {
    e.multipart(kTable, true, m.more);
    for (const TableStats& stats : m.tables) put_table_stats(e, stats);
}
void put(Encoder& e, const TableDescRequest&) {
    e.multipart(kTableDesc, false);
}
void put(Encoder& e, const TableDescReply& m) {
    e.multipart(kTableDesc, true, m.more);
    for (const TableDesc& table : m.tables) {
        size_t start = e.out.size();
        e.out.u16(0);
        e.out.u8(table.table);
        e.out.zeros(1);
        e.out.u32(table.config);
        if (table.eviction_flags) {
            size_t property = e.begin_property(kEviction);
            e.out.u32(table.eviction_flags);
            e.end_property(property);
        }
        e.patch_length(start, start);
    }
}

// A property whose length leaves its padding out and whose value starts at once.
template <typename F>
void put_feature(Encoder& e, uint16_t type, F&& write) {
    size_t start = e.begin_property(type);
    write();
    e.end_property(start);
}

void put_bits(Encoder& e, uint64_t bits) {
    for (uint16_t type = 0; type < 64; ++type) {
        if (!(bits >> type & 1)) continue;
        e.out.u16(type);
        e.out.u16(4);
    }
}

void put_fields(Encoder& e, const std::vector<FieldId>& fields) {
    for (FieldId id : fields) {
        const FieldWire& wire = field(id).wire(e.version);
        if (wire.exists) encode_oxm_header(wire, false, field(id).bytes, e.out);
    }
}

void put_feature_set(Encoder& e, const TableFeatures::Properties& p, uint16_t miss) {
    put_feature(e, kInstructions + miss, [&] { put_bits(e, p.instructions); });
    put_feature(e, kNextTables + miss, [&] { e.out.bytes(p.next_tables); });
    put_feature(e, kWriteActions + miss, [&] { put_bits(e, p.write_actions); });
    put_feature(e, kApplyActions + miss, [&] { put_bits(e, p.apply_actions); });
    put_feature(e, kWriteSetField + miss, [&] { put_fields(e, p.write_set_field); });
    put_feature(e, kApplySetField + miss, [&] { put_fields(e, p.apply_set_field); });
}

void put_table_features(Encoder& e, const TableFeatures& t) {
    size_t start = e.out.size();
    e.out.u16(0);
    e.out.u8(t.table);
    e.out.zeros(5);
    e.text(t.name, 32);
    e.out.u64(t.metadata_match);
    e.out.u64(t.metadata_write);
    e.out.u32(t.capabilities);
    e.out.u32(t.max_entries);
    for (uint16_t miss = 0; miss < 2; ++miss) put_feature_set(e, t.properties[miss], miss);
    put_feature(e, kMatch, [&] {
        for (const auto& [id, maskable] : t.match) {
            const FieldWire& wire = field(id).wire(e.version);
            if (wire.exists)
                encode_oxm_header(wire, maskable, static_cast<uint8_t>(field(id).bytes * (maskable ? 2 : 1)),
                                  e.out);
        }
    });
    put_feature(e, kWildcards, [&] { put_fields(e, t.wildcards); });
    e.patch_length(start, start);
}

void put(Encoder& e, const TableFeaturesRequest& m) {
    e.multipart(kTableFeatures, false);
    for (const TableFeatures& table : m.tables) put_table_features(e, table);
}
void put(Encoder& e, const TableFeaturesReply& m) {
    e.multipart(kTableFeatures, true, m.more);
    for (const TableFeatures& table : m.tables) put_table_features(e, table);
}

OfError get_bits(ByteReader& in, uint64_t& bits) {
    while (in.ok() && in.size() >= 4) {
        uint16_t type = in.u16(), length = in.u16();
        if (length < 4) return OfError::OFPBPC_BAD_LEN;
        if (type < 64) bits |= uint64_t{1} << type;
        in.skip(length - 4u);
    }
    return in.ok() ? OfError::kNone : OfError::OFPBPC_BAD_LEN;
}

template <typename F>
OfError get_fields(ByteReader& in, F&& found) {
    while (in.ok() && in.size() >= 4) {
        OxmHeader header;
        if (!decode_oxm_header(in, header)) return OfError::OFPBPC_BAD_LEN;
        if (header.field) found(header);
    }
    return OfError::kNone;
}

OfError get_feature(Property& property, TableFeatures& t) {
    TableFeatures::Properties& p = t.properties[property.type & 1];
    ByteReader& in = property.value;
    auto into = [](std::vector<FieldId>& fields) {
        return [&fields](const OxmHeader& h) { fields.push_back(h.field->id); };
    };
    switch (property.type & ~1) {
        case kInstructions: {
            uint64_t bits = 0;
            OfError error = get_bits(in, bits);
            p.instructions = static_cast<uint32_t>(bits);
            return error;
        }
        case kNextTables:
            p.next_tables.assign(in.rest().begin(), in.rest().end());
            return OfError::kNone;
        case kWriteActions:
            return get_bits(in, p.write_actions);
        case kApplyActions:
            return get_bits(in, p.apply_actions);
        case kMatch:
            return get_fields(in, [&](const OxmHeader& h) { t.match.emplace_back(h.field->id, h.has_mask); });
        case kWildcards:
            return get_fields(in, into(t.wildcards));
        case kWriteSetField:
            return get_fields(in, into(p.write_set_field));
        case kApplySetField:
            return get_fields(in, into(p.apply_set_field));
        default:
            return OfError::OFPBPC_BAD_TYPE;
    }
}

OfError get_table_features(Decoder& d, TableFeatures& t) {
    size_t length = d.in.u16();
    if (!d.in.ok() || length < 64 || length - 2 > d.in.size()) return OfError::OFPBPC_BAD_LEN;
    Decoder inner{d.version, d.options, ByteReader(d.in.bytes(length - 2))};
    t.table = inner.in.u8();
    inner.in.skip(5);
    t.name = inner.text(32);
    t.metadata_match = inner.in.u64();
    t.metadata_write = inner.in.u64();
    t.capabilities = inner.in.u32();
    t.max_entries = inner.in.u32();
    while (!inner.in.empty()) {
        Property property;
        OfError error = next_property(inner.in, property);
        if (error == OfError::kNone) error = get_feature(property, t);
        if (error != OfError::kNone) return error;
    }
    return OfError::kNone;
}

void get_table_stats(Decoder& d, TableStats& s) {
    s.table = d.in.u8();
    d.in.skip(d.version == Version::k11 || d.version == Version::k12 ? 7 : 3);
    if (d.version >= Version::k13) {
        s.active = d.in.u32();
    } else {
        s.name = d.text(32);
        if (d.is10()) {
            d.in.skip(4);
        } else {
            d.in.skip(d.version == Version::k11 ? 20 : 60);
            s.config = d.in.u32();
        }
        s.max_entries = d.in.u32();
        s.active = d.in.u32();
    }
    s.lookups = d.in.u64();
    s.matched = d.in.u64();
}

OfError get_table_desc(Decoder& d, TableDesc& t) {
    size_t length = d.in.u16();
    if (!d.in.ok() || length < 8 || length - 2 > d.in.size()) return OfError::OFPBRC_BAD_LEN;
    ByteReader in(d.in.bytes(length - 2));
    t.table = in.u8();
    in.skip(1);
    t.config = in.u32();
    Property property;
    while (in.size() >= 4 && next_property(in, property) == OfError::kNone) {
        if (property.type == kEviction) t.eviction_flags = property.value.u32();
    }
    return OfError::kNone;
}

template <typename Reply>
OfError get_features(Decoder& d, Reply m, Body& body) {
    OfError error = OfError::kNone;
    while (error == OfError::kNone && !d.in.empty()) error = get_table_features(d, m.tables.emplace_back());
    body = std::move(m);
    return error;
}

}  // namespace

void put_table_stats(Encoder& e, const TableStats& s) {
    e.out.u8(s.table);
    e.out.zeros(e.version == Version::k11 || e.version == Version::k12 ? 7 : 3);
    if (e.version >= Version::k13) {
        e.out.u32(s.active);
    } else {
        e.text(s.name, 32);
        if (e.is10()) {
            e.out.u32(0x3fffff);  // any field may be wildcarded
        } else {
            // What a flow may match and do: everything that the version has.
            size_t bytes = e.version == Version::k11 ? 20 : 60;
            for (size_t i = 0; i < bytes; ++i) e.out.u8(0xff);
            e.out.u32(s.config);
        }
        e.out.u32(s.max_entries);
        e.out.u32(s.active);
    }
    e.out.u64(s.lookups);
    e.out.u64(s.matched);
}

void put_table(Encoder& e, const Body& body) {
    std::visit(
        [&](const auto& message) {
            if constexpr (requires { put(e, message); }) put(e, message);
        },
        body);
}

OfError get_table_mod(Decoder& d, Body& body) {
    TableMod m;
    m.table = d.in.u8();
    d.in.skip(3);
    m.config = d.in.u32();
    while (d.version >= Version::k14 && d.in.ok() && !d.in.empty()) {
        Property property;
        if (OfError error = next_property(d.in, property); error != OfError::kNone) return error;
        if (property.type == kEviction) {
            m.eviction_flags = property.value.u32();
        } else if (property.type == kVacancy) {
            m.vacancy_down = property.value.u8();
            m.vacancy_up = property.value.u8();
        } else {
            return OfError::OFPBPC_BAD_TYPE;
        }
    }
    body = m;
    return d.end();
}

OfError get_table_multipart(Decoder& d, uint16_t type, bool reply, bool more, Body& body) {
    if (type == kTableFeatures) {
        return reply ? get_features(d, TableFeaturesReply{{}, more}, body)
                     : get_features(d, TableFeaturesRequest{}, body);
    }
    if (!reply) {
        if (type == kDesc) {
            body = DescRequest{};
        } else if (type == kTable) {
            body = TableStatsRequest{};
        } else {
            body = TableDescRequest{};
        }
        return OfError::kNone;
    }
    if (type == kDesc) {
        DescReply m;
        m.manufacturer = d.text(256);
        m.hardware = d.text(256);
        m.software = d.text(256);
        m.serial = d.text(32);
        m.description = d.text(256);
        body = std::move(m);
    } else if (type == kTable) {
        TableStatsReply m;
        m.more = more;
        while (d.in.ok() && !d.in.empty()) get_table_stats(d, m.tables.emplace_back());
        body = std::move(m);
    } else {
        TableDescReply m;
        m.more = more;
        while (!d.in.empty()) {
            if (OfError error = get_table_desc(d, m.tables.emplace_back()); error != OfError::kNone)
                return error;
        }
        body = std::move(m);
    }
    return d.end();
}

}  // namespace weft::openflow::wire
