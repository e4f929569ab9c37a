#include "openflow/messages/switch.h"

#include "openflow/messages/codec.h"
#include "openflow/messages/form.h"
#include "openflow/messages/table_abilities.h"

namespace weft::openflow::messages {
namespace {

constexpr size_t kDescBytes = 256, kSerialBytes = 32, kTableNameBytes = 32;
constexpr uint16_t kErrorNicira10 = 0xb0c2, kErrorExperimenter = 0xffff;

}  // namespace

void encode(const Hello& h, EncodeContext& c) {
    c.type(kHello);
    // A bitmap is only needed where the header's version does not say it all.
    c.out.u16(1);
    c.out.u16(8);
    c.out.u32(h.versions);
}

void encode(const ErrorMessage& e, EncodeContext& c) {
    c.type(kError);
    if (!e.code.vendor) {
        c.out.u16(e.code.type);
        c.out.u16(e.code.code);
    } else if (c.version < Version::k12) {
        c.out.u16(kErrorNicira10);
        c.out.u16(0);
        c.out.u32(e.code.vendor);
        c.out.u16(e.code.type);
        c.out.u16(e.code.code);
    } else {
        c.out.u16(kErrorExperimenter);
        c.out.u16(e.code.type);
        c.out.u32(e.code.vendor);
    }
    c.out.bytes(e.data);
}

void encode(const EchoRequest& e, EncodeContext& c) {
    c.type(kEchoRequest);
    c.out.bytes(e.data);
}
void encode(const EchoReply& e, EncodeContext& c) {
    c.type(kEchoReply);
    c.out.bytes(e.data);
}
void encode(const BarrierRequest&, EncodeContext& c) {
    c.type(kBarrierRequest);
}
void encode(const BarrierReply&, EncodeContext& c) {
    c.type(kBarrierReply);
}
void encode(const FeaturesRequest&, EncodeContext& c) {
    c.type(kFeaturesRequest);
}
void encode(const FeaturesReply& f, EncodeContext& c) {
    c.type(kFeaturesReply);
    c.out.u64(f.datapath_id);
    c.out.u32(f.buffers);
    c.out.u8(f.tables);
    c.out.u8(c.version >= Version::k13 ? f.auxiliary_id : 0);
    c.out.zeros(2);
    c.out.u32(f.capabilities);
    c.out.u32(c.version == Version::k10 ? f.actions : 0);
    if (c.version < Version::k13) {
        for (const Port& port : f.ports) encode_entry(port, c);
    }
}
void encode(const GetConfigRequest&, EncodeContext& c) {
    c.type(kGetConfigRequest);
}
void encode(const GetConfigReply& s, EncodeContext& c) {
    c.type(kGetConfigReply);
    c.out.u16(s.flags);
    c.out.u16(s.miss_send_len);
}
void encode(const SetConfig& s, EncodeContext& c) {
    c.type(kSetConfig);
    c.out.u16(s.flags);
    c.out.u16(s.miss_send_len);
}

void encode(const DescRequest&, EncodeContext& c) {
    c.stats(kStatsDesc, false);
}
void encode(const DescReply& d, EncodeContext& c) {
    c.stats(kStatsDesc, true);
    put_name(c.out, d.manufacturer, kDescBytes);
    put_name(c.out, d.hardware, kDescBytes);
    put_name(c.out, d.software, kDescBytes);
    put_name(c.out, d.serial, kSerialBytes);
    put_name(c.out, d.description, kDescBytes);
}

void encode(const TableMod& m, EncodeContext& c) {
    if (c.version == Version::k10) return c.refuse();
    c.type(kTableMod);
    c.out.u8(m.table);
    c.out.zeros(3);
    c.out.u32(m.config);
    if (c.version < Version::k14) return;
    if (m.config & 4) {
        c.out.u16(2);
        c.out.u16(8);
        c.out.u32(m.eviction_flags);
    }
    if (m.config & 8) {
        c.out.u16(3);
        c.out.u16(8);
        c.out.u8(m.vacancy_down);
        c.out.u8(m.vacancy_up);
        c.out.zeros(2);
    }
}

void encode(const TableStatsRequest&, EncodeContext& c) {
    c.stats(kStatsTable, false);
}
void encode_entry(const TableStats& t, EncodeContext& c) {
    ByteWriter& out = c.out;
    out.u8(t.table);
    if (c.version >= Version::k13) {
        out.zeros(3);
        out.u32(t.active);
        out.u64(t.lookups);
        out.u64(t.matched);
        return;
    }
    out.zeros(c.version == Version::k10 ? 3 : 7);
    put_name(out, t.name, kTableNameBytes);
    put_table_abilities(t.features, c.version, out);
    if (c.version != Version::k10) out.u32(t.config);
    out.u32(t.max_entries);
    out.u32(t.active);
    out.u64(t.lookups);
    out.u64(t.matched);
}
void encode(const TableStatsReply& r, EncodeContext& c) {
    c.stats(kStatsTable, true, r.more);
    for (const TableStats& t : r.tables) encode_entry(t, c);
}

void encode(const TableDescRequest&, EncodeContext& c) {
    if (c.version < Version::k14) return c.refuse();
    c.stats(kStatsTableDesc, false);
}

namespace {

void put_table_desc(const TableDesc& t, EncodeContext& c) {
    bool flags = t.eviction_flags != TableDesc::kNoFlags;
    bool vacancy = t.config & kTableVacancy;
    c.out.u16(static_cast<uint16_t>(8 + (flags ? 8 : 0) + (vacancy ? 8 : 0)));
    c.out.u8(t.table);
    c.out.u8(0);
    c.out.u32(t.config);
    if (flags) {
        c.out.u16(2);
        c.out.u16(8);
        c.out.u32(t.eviction_flags);
    }
    if (vacancy) {
        c.out.u16(3);
        c.out.u16(8);
        c.out.u8(t.vacancy_down);
        c.out.u8(t.vacancy_up);
        c.out.u8(t.vacancy);
        c.out.u8(0);
    }
}

OfError take_table_desc(ByteReader& in, TableDesc& t) {
    size_t before = in.size();
    uint16_t length = in.u16();
    if (!in.ok() || length < 8 || length > before) return OfError::OFPBRC_BAD_LEN;
    ByteReader entry = in.sub(length - 2u);
    t.table = entry.u8();
    entry.skip(1);
    t.config = entry.u32();
    while (entry.size() >= 8) {
        uint16_t type = entry.u16();
        if (entry.u16() != 8) break;
        if (type == 2) {
            t.eviction_flags = entry.u32();
        } else if (type == 3) {
            t.vacancy_down = entry.u8();
            t.vacancy_up = entry.u8();
            t.vacancy = entry.u8();
            entry.skip(1);
        } else {
            entry.skip(4);
        }
    }
    return OfError::kNone;
}

}  // namespace

void encode(const TableDescReply& r, EncodeContext& c) {
    c.stats(kStatsTableDesc, true, r.more);
    for (const TableDesc& t : r.tables) put_table_desc(t, c);
}
void encode(const TableStatus& s, EncodeContext& c) {
    if (c.version < Version::k14) return c.refuse();
    c.type(kTableStatus);
    c.out.u8(static_cast<uint8_t>(s.reason));
    c.out.zeros(7);
    put_table_desc(s.table, c);
}

// Table features (OpenFlow 1.3 §7.3.5.5): a property for each ability, in pairs of "otherwise" and "on a
// miss".

namespace {

enum : uint16_t {
    kTfInstructions = 0,
    kTfNextTables = 2,
    kTfWriteActions = 4,
    kTfApplyActions = 6,
    kTfMatch = 8,
    kTfWildcards = 10,
    kTfWriteSetField = 12,
    kTfApplySetField = 14,
};

void put_fields(ByteWriter& out, Version version, const std::vector<FieldId>& ids) {
    for (FieldId id : ids) encode_oxm_header(field(id).wire(version), false, field(id).bytes, out);
}
void put_ids(ByteWriter& out, uint64_t bitmap) {
    for (uint16_t i = 0; i < 64; i++) {
        if (!(bitmap >> i & 1)) continue;
        out.u16(i);
        out.u16(4);
    }
}

void put_table_features(const TableFeatures& t, EncodeContext& c) {
    ByteWriter& out = c.out;
    size_t start = out.size();
    out.u16(0);
    out.u8(t.table);
    out.u8(t.modify && c.version >= Version::k15 ? 1 : 0);  // OFPTFC_MODIFY
    out.zeros(4);
    put_name(out, t.name, kTableNameBytes);
    out.u64(t.metadata_match);
    out.u64(t.metadata_write);
    out.u32(t.capabilities);
    out.u32(t.max_entries);
    for (uint16_t miss = 0; miss < 2; miss++) {
        const TableFeatures::Properties& p = t.properties[miss];
        auto type = [&](uint16_t base) { return static_cast<uint16_t>(base + miss); };
        put_property(out, type(kTfInstructions), [&] { put_ids(out, p.instructions); });
        put_property(out, type(kTfNextTables), [&] { out.bytes(p.next_tables); });
        put_property(out, type(kTfWriteActions), [&] { put_ids(out, p.write_actions); });
        put_property(out, type(kTfApplyActions), [&] { put_ids(out, p.apply_actions); });
        put_property(out, type(kTfWriteSetField), [&] { put_fields(out, c.version, p.write_set_field); });
        put_property(out, type(kTfApplySetField), [&] { put_fields(out, c.version, p.apply_set_field); });
    }
    put_property(out, kTfMatch, [&] {
        for (auto [id, maskable] : t.match) {
            encode_oxm_header(field(id).wire(c.version), maskable, field(id).bytes, out);
        }
    });
    put_property(out, kTfWildcards, [&] { put_fields(out, c.version, t.wildcards); });
    out.patch_u16(start, static_cast<uint16_t>(out.size() - start));
}

std::vector<FieldId> take_fields(ByteReader& in) {
    std::vector<FieldId> out;
    OxmHeader header;
    while (!in.empty() && decode_oxm_header(in, header)) {
        if (header.field) out.push_back(header.field->id);
    }
    return out;
}
uint64_t take_ids(ByteReader& in) {
    uint64_t out = 0;
    while (in.size() >= 4) {
        uint16_t id = in.u16(), length = in.u16();
        if (id < 64) out |= 1ull << id;
        in.skip(length > 4 ? length - 4u : 0);
    }
    return out;
}

OfError take_table_features(ByteReader& in, TableFeatures& t) {
    size_t before = in.size();
    uint16_t length = in.u16();
    if (!in.ok() || length < 64 || length > before) return OfError::OFPBPC_BAD_LEN;
    ByteReader entry = in.sub(length - 2u);
    t.table = entry.u8();
    t.modify = entry.u8() == 1;
    entry.skip(4);
    t.name = take_name(entry, kTableNameBytes);
    t.metadata_match = entry.u64();
    t.metadata_write = entry.u64();
    t.capabilities = entry.u32();
    t.max_entries = entry.u32();
    while (!entry.empty()) {
        Property property{0, ByteReader({})};
        if (OfError error = next_property(entry, property); error != OfError::kNone) return error;
        TableFeatures::Properties& p = t.properties[property.type & 1];
        switch (property.type & ~1) {
            case kTfInstructions:
                p.instructions = static_cast<uint32_t>(take_ids(property.body));
                break;
            case kTfNextTables:
                p.next_tables.assign(property.body.rest().begin(), property.body.rest().end());
                break;
            case kTfWriteActions:
                p.write_actions = take_ids(property.body);
                break;
            case kTfApplyActions:
                p.apply_actions = take_ids(property.body);
                break;
            case kTfWriteSetField:
                p.write_set_field = take_fields(property.body);
                break;
            case kTfApplySetField:
                p.apply_set_field = take_fields(property.body);
                break;
            case kTfMatch: {
                OxmHeader header;
                while (!property.body.empty() && decode_oxm_header(property.body, header)) {
                    if (header.field) t.match.emplace_back(header.field->id, header.has_mask);
                }
                break;
            }
            case kTfWildcards:
                t.wildcards = take_fields(property.body);
                break;
            default:
                return OfError::OFPBPC_BAD_TYPE;
        }
    }
    return OfError::kNone;
}

}  // namespace

void encode(const TableFeaturesRequest& r, EncodeContext& c) {
    if (c.version < Version::k13) return c.refuse();
    c.stats(kStatsTableFeatures, false, r.more);
    for (const TableFeatures& t : r.tables) put_table_features(t, c);
}
void encode(const TableFeaturesReply& r, EncodeContext& c) {
    if (c.version < Version::k13) return c.refuse();
    c.stats(kStatsTableFeatures, true, r.more);
    for (const TableFeatures& t : r.tables) put_table_features(t, c);
}

// Roles.

namespace {
void put_role(const RoleRequest& r, bool reply, EncodeContext& c) {
    if (c.version < Version::k12 || r.nicira) {
        c.vendor(kVendorNicira, reply ? kNxRoleReply : kNxRoleRequest);
        c.out.u32(static_cast<uint32_t>(r.role) - 1);
        return;
    }
    c.type(reply ? kRoleReply : kRoleRequest);
    c.out.u32(static_cast<uint32_t>(r.role));
    c.out.zeros(4);
    c.out.u64(r.has_generation ? r.generation : ~0ull);
}
}  // namespace

void encode(const RoleRequest& r, EncodeContext& c) {
    put_role(r, false, c);
}
void encode(const RoleReply& r, EncodeContext& c) {
    put_role(r, true, c);
}
void encode(const RoleStatus& r, EncodeContext& c) {
    if (c.version < Version::k14) return c.refuse();
    c.type(kRoleStatus);
    c.out.u32(static_cast<uint32_t>(r.role));
    c.out.u8(r.reason);
    c.out.zeros(3);
    c.out.u64(r.generation);
}

// Asynchronous configuration.

namespace {

void put_async13(const AsyncConfig& a, ByteWriter& out) {
    for (const uint32_t* pair : {a.packet_in, a.port_status, a.flow_removed}) {
        out.u32(pair[0]);
        out.u32(pair[1]);
    }
}
void put_async14(const AsyncConfig& a, uint32_t present, ByteWriter& out) {
    const uint32_t* pairs[] = {a.packet_in,   a.port_status,  a.flow_removed,
                               a.role_status, a.table_status, a.requestforward};
    for (uint16_t i = 0; i < 6; i++) {
        if (!(present >> i & 1)) continue;
        // Odd types are for primary and equal controllers, even ones for secondary.
        for (uint16_t secondary : {uint16_t{1}, uint16_t{0}}) {
            out.u16(static_cast<uint16_t>(i * 2 + (secondary ? 0 : 1)));
            out.u16(8);
            out.u32(pairs[i][secondary]);
        }
    }
}
OfError take_async(ByteReader& in, Version version, AsyncConfig& a, uint32_t* present) {
    if (version < Version::k14) {
        for (uint32_t* pair : {a.packet_in, a.port_status, a.flow_removed}) {
            pair[0] = in.u32();
            pair[1] = in.u32();
        }
        if (present) *present = 7;
        return length_error(in);
    }
    uint32_t* pairs[] = {a.packet_in,   a.port_status,  a.flow_removed,
                         a.role_status, a.table_status, a.requestforward};
    static constexpr uint32_t kReasons[] = {0x3f, 7, 0x3f, 7, 0x18, 3};
    uint32_t seen = 0;
    while (!in.empty()) {
        Property property{0, ByteReader({})};
        if (OfError error = next_property(in, property); error != OfError::kNone) return error;
        if (property.type >= 12) return OfError::OFPACFC_UNSUPPORTED;
        uint32_t reasons = property.body.u32();
        pairs[property.type / 2][property.type % 2 ? 0 : 1] = reasons;
        if (!property.body.ok() || !property.body.empty()) return OfError::OFPBPC_BAD_LEN;
        if (reasons & ~kReasons[property.type / 2]) return OfError::OFPACFC_INVALID;
        seen |= 1u << property.type / 2;
    }
    if (present) *present = seen;
    return OfError::kNone;
}

}  // namespace

void encode(const GetAsyncRequest&, EncodeContext& c) {
    if (c.version < Version::k13) return c.refuse();
    c.type(kGetAsyncRequest);
}
void encode(const GetAsyncReply& a, EncodeContext& c) {
    if (c.version < Version::k13) return c.refuse();
    c.type(kGetAsyncReply);
    if (c.version >= Version::k14) {
        put_async14(a, 0x3f, c.out);
    } else {
        put_async13(a, c.out);
    }
}
void encode(const SetAsync& a, EncodeContext& c) {
    if (c.version < Version::k13 || a.nicira) {
        c.vendor(kVendorNicira, kNxSetAsync);
        put_async13(a, c.out);
        return;
    }
    c.type(kSetAsync);
    if (c.version >= Version::k14) {
        put_async14(a, a.present, c.out);
    } else {
        put_async13(a, c.out);
    }
}

// Decoding.

namespace {

OfError decode_error_message(ByteReader& in, Version version, ErrorMessage& e) {
    e.code.type = in.u16();
    e.code.code = in.u16();
    if (version < Version::k12 && e.code.type == kErrorNicira10) {
        e.code.vendor = in.u32();
        e.code.type = in.u16();
        e.code.code = in.u16();
    } else if (version >= Version::k12 && e.code.type == kErrorExperimenter) {
        e.code.type = e.code.code;
        e.code.code = 0;
        e.code.vendor = in.u32();
    }
    e.data.assign(in.rest().begin(), in.rest().end());
    return length_error(in);
}

OfError decode_features(ByteReader& in, DecodeContext& c, FeaturesReply& f) {
    f.datapath_id = in.u64();
    f.buffers = in.u32();
    f.tables = in.u8();
    f.auxiliary_id = in.u8();
    in.skip(2);
    f.capabilities = in.u32();
    f.actions = in.u32();
    if (!in.ok()) return OfError::OFPBRC_BAD_LEN;
    OfError error = OfError::kNone;
    while (c.version < Version::k13 && !in.empty() && error == OfError::kNone) {
        f.ports.emplace_back();
        error = decode_port_desc(in, c.version, f.ports.back());
    }
    return error;
}

OfError decode_role(ByteReader& in, RoleRequest& r) {
    uint32_t role = in.u32();
    in.skip(4);
    r.generation = in.u64();
    if (!in.ok()) return OfError::OFPBRC_BAD_LEN;
    if (role > 3) return OfError::OFPRRFC_BAD_ROLE;
    r.role = static_cast<Role>(role);
    r.has_generation = (r.role == Role::kPrimary || r.role == Role::kSecondary) && r.generation != ~0ull;
    return OfError::kNone;
}

OfError decode_table_mod(ByteReader& in, DecodeContext& c, TableMod& m) {
    m.table = in.u8();
    in.skip(3);
    m.config = in.u32();
    if (!in.ok()) return OfError::OFPBRC_BAD_LEN;
    if (c.version < Version::k14) return OfError::kNone;
    while (!in.empty()) {
        Property property{0, ByteReader({})};
        if (OfError error = next_property(in, property); error != OfError::kNone) return error;
        switch (property.type) {
            case 2:
                m.eviction_flags = property.body.u32();
                break;
            case 3:
                m.vacancy_down = property.body.u8();
                m.vacancy_up = property.body.u8();
                property.body.skip(2);
                if (m.vacancy_up < m.vacancy_down) return OfError::OFPBPC_BAD_VALUE;
                break;
            default:
                return OfError::OFPBRC_BAD_TYPE;
        }
        if (!property.body.ok() || !property.body.empty()) return OfError::OFPBPC_BAD_LEN;
    }
    return OfError::kNone;
}

OfError decode_table_stats(ByteReader& in, DecodeContext& c, TableStats& t) {
    t.table = in.u8();
    if (c.version >= Version::k13) {
        in.skip(3);
        t.active = in.u32();
    } else {
        in.skip(c.version == Version::k10 ? 3 : 7);
        t.name = take_name(in, kTableNameBytes);
        take_table_abilities(in, c.version, t.features);
        if (c.version != Version::k10) t.config = in.u32();
        t.max_entries = in.u32();
        t.active = in.u32();
    }
    t.lookups = in.u64();
    t.matched = in.u64();
    return length_error(in);
}

}  // namespace

bool decode_switch(uint8_t type, ByteReader& in, DecodeContext& c, Body& body, OfError& error) {
    auto rest = [&] { return Bytes(in.rest().begin(), in.rest().end()); };
    switch (type) {
        case kError:
            error = decode_error_message(in, c.version, body.emplace<ErrorMessage>());
            return true;
        case kEchoRequest:
            body = EchoRequest{rest()};
            return true;
        case kEchoReply:
            body = EchoReply{rest()};
            return true;
        case kBarrierRequest:
            body = BarrierRequest{};
            return true;
        case kBarrierReply:
            body = BarrierReply{};
            return true;
        case kFeaturesRequest:
            body = FeaturesRequest{};
            return true;
        case kFeaturesReply:
            error = decode_features(in, c, body.emplace<FeaturesReply>());
            return true;
        case kGetConfigRequest:
            body = GetConfigRequest{};
            return true;
        case kGetConfigReply: {
            GetConfigReply& r = body.emplace<GetConfigReply>();
            r.flags = in.u16();
            r.miss_send_len = in.u16();
            error = length_error(in);
            return true;
        }
        case kSetConfig: {
            SetConfig& r = body.emplace<SetConfig>();
            r.flags = in.u16();
            r.miss_send_len = in.u16();
            error = length_error(in);
            return true;
        }
        case kTableMod:
            error = decode_table_mod(in, c, body.emplace<TableMod>());
            return true;
        case kRoleRequest:
            if (c.version < Version::k12) return false;
            error = decode_role(in, body.emplace<RoleRequest>());
            return true;
        case kRoleReply:
            if (c.version < Version::k12) return false;
            error = decode_role(in, body.emplace<RoleReply>());
            return true;
        case kRoleStatus: {
            if (c.version < Version::k14) return false;
            RoleStatus& r = body.emplace<RoleStatus>();
            r.role = static_cast<Role>(in.u32() & 3);
            r.reason = in.u8();
            in.skip(3);
            r.generation = in.u64();
            error = length_error(in);
            return true;
        }
        case kTableStatus: {
            if (c.version < Version::k14) return false;
            TableStatus& r = body.emplace<TableStatus>();
            uint8_t reason = in.u8();
            in.skip(7);
            if (reason != 3 && reason != 4) {
                error = OfError::OFPBPC_BAD_VALUE;
                return true;
            }
            r.reason = static_cast<TableStatus::Reason>(reason);
            error = take_table_desc(in, r.table);
            return true;
        }
        case kGetAsyncRequest:
            if (c.version < Version::k13) return false;
            body = GetAsyncRequest{};
            return true;
        case kGetAsyncReply:
            if (c.version < Version::k13) return false;
            error = take_async(in, c.version, body.emplace<GetAsyncReply>(), nullptr);
            return true;
        case kSetAsync: {
            if (c.version < Version::k13) return false;
            SetAsync& r = body.emplace<SetAsync>();
            error = take_async(in, c.version, r, &r.present);
            return true;
        }
        default:
            return false;
    }
}

bool decode_switch_stats(uint16_t type, bool reply, ByteReader& in, DecodeContext& c, Body& body,
                         OfError& error) {
    switch (type) {
        case kStatsDesc:
            if (reply) {
                DescReply& d = body.emplace<DescReply>();
                d.manufacturer = take_name(in, kDescBytes);
                d.hardware = take_name(in, kDescBytes);
                d.software = take_name(in, kDescBytes);
                d.serial = take_name(in, kSerialBytes);
                d.description = take_name(in, kDescBytes);
                error = length_error(in);
            } else {
                body = DescRequest{};
            }
            return true;
        case kStatsTable:
            if (reply) {
                TableStatsReply& r = body.emplace<TableStatsReply>();
                r.more = c.more;
                while (!in.empty() && error == OfError::kNone) {
                    r.tables.emplace_back();
                    error = decode_table_stats(in, c, r.tables.back());
                }
            } else {
                body = TableStatsRequest{};
            }
            return true;
        case kStatsTableFeatures: {
            if (c.version < Version::k13) return false;
            std::vector<TableFeatures> tables;
            while (!in.empty() && error == OfError::kNone) {
                tables.emplace_back();
                error = take_table_features(in, tables.back());
            }
            if (reply) {
                body = TableFeaturesReply{std::move(tables), c.more};
            } else {
                body = TableFeaturesRequest{std::move(tables), c.more};
            }
            return true;
        }
        case kStatsTableDesc: {
            if (c.version < Version::k14) return false;
            if (!reply) {
                body = TableDescRequest{};
                return true;
            }
            TableDescReply& r = body.emplace<TableDescReply>();
            r.more = c.more;
            while (!in.empty() && error == OfError::kNone) {
                r.tables.emplace_back();
                error = take_table_desc(in, r.tables.back());
            }
            return true;
        }
        default:
            return false;
    }
}

// What Nicira's messages share with the standard ones.
bool decode_nicira_switch(uint32_t subtype, ByteReader& in, Body& body, OfError& error) {
    if (subtype == kNxRoleRequest || subtype == kNxRoleReply) {
        uint32_t role = in.u32();
        error = !in.ok() ? OfError::OFPBRC_BAD_LEN : role > 2 ? OfError::OFPRRFC_BAD_ROLE : OfError::kNone;
        RoleReply r;
        r.nicira = true;
        r.role = static_cast<Role>((role + 1) & 3);
        if (subtype == kNxRoleReply) {
            body = r;
        } else {
            body = static_cast<const RoleRequest&>(r);
        }
        return true;
    }
    if (subtype == kNxSetAsync2) {
        SetAsync& a = body.emplace<SetAsync>();
        a.nicira = true;
        error = take_async(in, Version::k14, a, &a.present);
        return true;
    }
    if (subtype == kNxSetAsync) {
        SetAsync& a = body.emplace<SetAsync>();
        a.nicira = true;
        error = take_async(in, Version::k13, a, &a.present);
        return true;
    }
    return false;
}

}  // namespace weft::openflow::messages
