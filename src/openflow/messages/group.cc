#include "openflow/messages/group.h"

#include <cstring>

#include "openflow/messages/codec.h"

namespace weft::openflow::messages {
namespace {

constexpr uint32_t kVendorNtr = 0x0000154d;
constexpr size_t kMethodBytes = 16;
// OpenFlow 1.0 has Nicira's messages about groups, in the form of those of 1.5.
bool newest(Version version) {
    return version == Version::k15 || version == Version::k10;
}

// The header of statistics of that kind.
void begin_stats(EncodeContext& c, uint16_t kind, bool reply, bool more = false) {
    // OpenFlow 1.1 has groups, but no features of them.
    const bool of11_features = c.version == Version::k11 && kind == kStatsGroupFeatures;
    if (c.version != Version::k10 && !of11_features) return c.stats(kind, reply, more);
    c.nicira_stats(kind == kStatsGroup       ? kNxStatsGroup
                   : kind == kStatsGroupDesc ? kNxStatsGroupDesc
                                             : kNxStatsGroupFeatures,
                   reply, more);
}

enum : uint16_t { kBucketWeight = 0, kBucketWatchPort = 1, kBucketWatchGroup = 2 };

void put_bucket(const Bucket& b, EncodeContext& c, GroupType type) {
    ByteWriter& out = c.out;
    size_t start = out.size();
    out.u16(0);
    if (!newest(c.version)) {
        out.u16(b.weight);
        out.u32(b.watch_port);
        out.u32(b.watch_group);
        out.zeros(4);
        encode_actions(b.actions, c.version, out);
    } else {
        out.u16(0);
        out.u32(b.id);
        size_t actions = out.size();
        encode_actions(b.actions, c.version, out);
        out.patch_u16(start + 2, static_cast<uint16_t>(out.size() - actions));
        if (type == GroupType::kSelect || b.weight)
            put_property(out, kBucketWeight, [&] {
                out.u16(b.weight);
                out.zeros(2);
            });
        if (b.watch_port != kPortNone) put_property(out, kBucketWatchPort, [&] { out.u32(b.watch_port); });
        if (b.watch_group != kGroupAny) put_property(out, kBucketWatchGroup, [&] { out.u32(b.watch_group); });
    }
    out.patch_u16(start, static_cast<uint16_t>(out.size() - start));
}

void put_selection(const Selection& s, EncodeContext& c) {
    if (s.method.empty()) return;
    put_property(c.out, 0xffff, [&] {
        c.out.u32(kVendorNtr);
        c.out.u32(1);
        c.out.zeros(4);
        put_name(c.out, s.method, kMethodBytes);
        c.out.u64(s.param);
        for (const auto& [id, mask] : s.fields) {
            const Field& f = field(id);
            // The mask of each field; OXM entries with the mask as their value.
            encode_oxm_header(f.wire(c.version), false, f.bytes, c.out);
            c.out.bytes({mask.bytes.data(), f.bytes});
        }
    });
}

OfError take_bucket15(ByteReader& entry, DecodeContext& c, Bucket& b) {
    uint16_t actions_length = entry.u16();
    b.id = entry.u32();
    if (!entry.ok() || entry.size() < actions_length) return OfError::OFPBAC_BAD_LEN;
    OfError error = decode_actions(entry.bytes(actions_length), c.version, c.actions(), b.actions);
    while (!entry.empty() && error == OfError::kNone) {
        Property property{0, ByteReader({})};
        error = next_property(entry, property);
        if (error != OfError::kNone) return error;
        if (property.type == kBucketWeight) {
            b.weight = property.body.u16();
        } else if (property.type == kBucketWatchPort) {
            b.watch_port = property.body.u32();
        } else if (property.type == kBucketWatchGroup) {
            b.watch_group = property.body.u32();
        } else {
            return OfError::OFPBPC_BAD_TYPE;
        }
        if (!property.body.ok()) return OfError::OFPBPC_BAD_LEN;
    }
    return error;
}

OfError take_buckets(ByteReader in, DecodeContext& c, std::vector<Bucket>& out) {
    while (!in.empty()) {
        size_t before = in.size();
        uint16_t length = in.u16();
        if (!in.ok() || length < 8 || length > before || length % 8) return OfError::OFPGMFC_BAD_BUCKET;
        ByteReader entry = in.sub(length - 2u);
        Bucket b;
        OfError error;
        if (newest(c.version)) {
            error = take_bucket15(entry, c, b);
        } else {
            b.weight = entry.u16();
            b.watch_port = entry.u32();
            b.watch_group = entry.u32();
            entry.skip(4);
            if (!entry.ok()) return OfError::OFPGMFC_BAD_BUCKET;
            b.id = static_cast<uint32_t>(out.size());
            error = decode_actions(entry.rest(), c.version, c.actions(), b.actions);
        }
        if (error != OfError::kNone) return error;
        out.push_back(std::move(b));
    }
    return OfError::kNone;
}

OfError take_selection(ByteReader& in, Selection& s) {
    while (!in.empty()) {
        Property property{0, ByteReader({})};
        if (OfError error = next_property(in, property); error != OfError::kNone) return error;
        ByteReader& body = property.body;
        if (property.type != 0xffff) return OfError::OFPBPC_BAD_TYPE;
        if (body.u32() != kVendorNtr) return OfError::OFPBPC_BAD_EXPERIMENTER;
        if (body.u32() != 1) return OfError::OFPBPC_BAD_EXP_TYPE;
        body.skip(4);
        s.method = take_name(body, kMethodBytes);
        s.param = body.u64();
        if (!body.ok()) return OfError::OFPBPC_BAD_LEN;
        if (s.method != "hash" && s.method != "dp_hash") return OfError::OFPBPC_BAD_VALUE;
        while (!body.empty()) {
            OxmHeader header;
            if (!decode_oxm_header(body, header) || !header.field || body.size() < header.length ||
                header.length < header.field->bytes) {
                return OfError::OFPBPC_BAD_VALUE;
            }
            ByteView bytes = body.bytes(header.length);
            // Either the mask as the value, or a value with a mask.
            ByteView mask = bytes.last(header.field->bytes);
            FieldValue value;
            std::memcpy(value.bytes.data(), mask.data(), mask.size());
            s.fields.emplace_back(header.field->id, value);
        }
    }
    return OfError::kNone;
}

}  // namespace

void encode(const GroupMod& m, EncodeContext& c) {
    bool newer = m.command == GroupMod::Command::kInsertBucket ||
                 m.command == GroupMod::Command::kRemoveBucket || !m.selection.method.empty();
    if (newer && !newest(c.version)) return c.refuse();
    ByteWriter& out = c.out;
    if (c.version == Version::k10)
        c.vendor(kVendorNicira, kNxGroupMod);
    else
        c.type(kGroupMod);
    out.u16(static_cast<uint16_t>(m.command));
    out.u8(static_cast<uint8_t>(m.type));
    out.u8(0);
    out.u32(m.group_id);
    size_t length_at = out.size();
    if (newest(c.version)) {
        out.u16(0);
        out.zeros(2);
        out.u32(m.command_bucket_id);
    }
    size_t start = out.size();
    for (const Bucket& b : m.buckets) put_bucket(b, c, m.type);
    if (newest(c.version)) {
        out.patch_u16(length_at, static_cast<uint16_t>(out.size() - start));
        put_selection(m.selection, c);
    }
}

void encode(const GroupDescRequest& r, EncodeContext& c) {
    begin_stats(c, kStatsGroupDesc, false);
    if (newest(c.version)) {
        c.out.u32(r.group_id);
        c.out.zeros(4);
    }
}

void encode_entry(const GroupDesc& g, EncodeContext& c) {
    ByteWriter& out = c.out;
    size_t start = out.size();
    out.u16(0);
    out.u8(static_cast<uint8_t>(g.type));
    out.u8(0);
    out.u32(g.group_id);
    size_t length_at = out.size();
    if (newest(c.version)) out.zeros(8);
    size_t buckets = out.size();
    for (const Bucket& b : g.buckets) put_bucket(b, c, g.type);
    if (newest(c.version)) {
        out.patch_u16(length_at, static_cast<uint16_t>(out.size() - buckets));
        put_selection(g.selection, c);
    }
    out.patch_u16(start, static_cast<uint16_t>(out.size() - start));
}
void encode(const GroupDescReply& r, EncodeContext& c) {
    begin_stats(c, kStatsGroupDesc, true, r.more);
    for (const GroupDesc& g : r.groups) encode_entry(g, c);
}

void encode(const GroupStatsRequest& r, EncodeContext& c) {
    begin_stats(c, kStatsGroup, false);
    c.out.u32(r.group_id);
    c.out.zeros(4);
}
void encode_entry(const GroupStats& g, EncodeContext& c) {
    ByteWriter& out = c.out;
    size_t start = out.size();
    out.u16(0);
    out.zeros(2);
    out.u32(g.group_id);
    out.u32(g.ref_count);
    out.zeros(4);
    out.u64(g.packets);
    out.u64(g.bytes);
    if ((c.version >= Version::k13 || c.version == Version::k10)) {
        out.u32(g.duration_sec);
        out.u32(g.duration_nsec);
    }
    for (const GroupStats::Counters& b : g.buckets) {
        out.u64(b.packets);
        out.u64(b.bytes);
    }
    out.patch_u16(start, static_cast<uint16_t>(out.size() - start));
}
void encode(const GroupStatsReply& r, EncodeContext& c) {
    begin_stats(c, kStatsGroup, true, r.more);
    for (const GroupStats& g : r.groups) encode_entry(g, c);
}
void encode(const GroupFeaturesRequest&, EncodeContext& c) {
    begin_stats(c, kStatsGroupFeatures, false);
}
void encode(const GroupFeaturesReply& r, EncodeContext& c) {
    begin_stats(c, kStatsGroupFeatures, true);
    c.out.u32(r.types);
    c.out.u32(r.capabilities);
    for (uint32_t n : r.max_groups) c.out.u32(n);
    for (uint32_t n : r.actions) c.out.u32(n);
}

namespace {

OfError decode_mod(ByteReader& in, DecodeContext& c, GroupMod& m) {
    uint16_t command = in.u16();
    uint8_t type = in.u8();
    in.skip(1);
    m.group_id = in.u32();
    OfError error;
    if (newest(c.version)) {
        uint16_t length = in.u16();
        in.skip(2);
        m.command_bucket_id = in.u32();
        if (!in.ok()) return OfError::OFPBRC_BAD_LEN;
        if (in.size() < length) return OfError::OFPGMFC_BAD_BUCKET;
        error = take_buckets(in.sub(length), c, m.buckets);
        bool names_bucket = command == 3 || command == 5;
        if (error == OfError::kNone && !names_bucket && m.command_bucket_id != Bucket::kAll)
            error = OfError::OFPGMFC_BAD_BUCKET;
        if (error == OfError::kNone) error = take_selection(in, m.selection);
    } else {
        if (!in.ok()) return OfError::OFPBRC_BAD_LEN;
        error = take_buckets(in, c, m.buckets);
    }
    if (error != OfError::kNone) return error;
    if (type > 3) return OfError::OFPGMFC_BAD_TYPE;
    bool known = command <= 3 || command == 5 || command == 0x8000;
    if (!known) return OfError::OFPGMFC_BAD_COMMAND;
    m.command = static_cast<GroupMod::Command>(command);
    m.type = static_cast<GroupType>(type);
    bool all_is_fine = m.command == GroupMod::Command::kDelete;
    if (m.group_id >= kGroupMax && !(all_is_fine && m.group_id == kGroupAll))
        return OfError::OFPGMFC_INVALID_GROUP;
    if (m.type == GroupType::kIndirect && m.buckets.size() > 1 && !all_is_fine)
        return OfError::OFPGMFC_INVALID_GROUP;
    if (m.type == GroupType::kFastFailover && !all_is_fine) {
        for (const Bucket& b : m.buckets) {
            if (b.watch_port == kPortNone && b.watch_group == kGroupAny)
                return OfError::OFPGMFC_INVALID_GROUP;
        }
    }
    return OfError::kNone;
}

OfError decode_desc(ByteReader& in, DecodeContext& c, GroupDesc& g) {
    size_t before = in.size();
    uint16_t length = in.u16();
    if (!in.ok() || length < 8 || length > before) return OfError::OFPBRC_BAD_LEN;
    ByteReader entry = in.sub(length - 2u);
    uint8_t type = entry.u8();
    if (type > 3) return OfError::OFPGMFC_BAD_TYPE;
    g.type = static_cast<GroupType>(type);
    entry.skip(1);
    g.group_id = entry.u32();
    if (!newest(c.version)) return entry.ok() ? take_buckets(entry, c, g.buckets) : OfError::OFPBRC_BAD_LEN;
    uint16_t size = entry.u16();
    entry.skip(6);
    if (!entry.ok() || entry.size() < size) return OfError::OFPBRC_BAD_LEN;
    OfError error = take_buckets(entry.sub(size), c, g.buckets);
    return error == OfError::kNone ? take_selection(entry, g.selection) : error;
}

OfError decode_stats(ByteReader& in, DecodeContext& c, GroupStats& g) {
    size_t before = in.size();
    uint16_t length = in.u16();
    if (!in.ok() || length < 8 || length > before) return OfError::OFPBRC_BAD_LEN;
    ByteReader entry = in.sub(length - 2u);
    entry.skip(2);
    g.group_id = entry.u32();
    g.ref_count = entry.u32();
    entry.skip(4);
    g.packets = entry.u64();
    g.bytes = entry.u64();
    if ((c.version >= Version::k13 || c.version == Version::k10)) {
        g.duration_sec = entry.u32();
        g.duration_nsec = entry.u32();
    }
    while (entry.ok() && !entry.empty()) {
        uint64_t packets = entry.u64(), bytes = entry.u64();
        g.buckets.push_back({packets, bytes});
    }
    return length_error(entry);
}

}  // namespace

bool decode_group(uint8_t type, ByteReader& in, DecodeContext& c, Body& body, OfError& error) {
    if (type != kGroupMod) return false;
    error = decode_mod(in, c, body.emplace<GroupMod>());
    return true;
}

bool decode_group_nicira(uint32_t subtype, ByteReader& in, DecodeContext& c, Body& body, OfError& error) {
    return subtype == kNxGroupMod && c.version == Version::k10 && decode_group(kGroupMod, in, c, body, error);
}

bool decode_group_stats_nicira(uint32_t subtype, bool reply, ByteReader& in, DecodeContext& c, Body& body,
                               OfError& error) {
    const bool of11_features = c.version == Version::k11 && subtype == kNxStatsGroupFeatures;
    if (c.version != Version::k10 && !of11_features) return false;
    uint16_t type = subtype == kNxStatsGroup           ? kStatsGroup
                    : subtype == kNxStatsGroupDesc     ? kStatsGroupDesc
                    : subtype == kNxStatsGroupFeatures ? kStatsGroupFeatures
                                                       : kStatsVendor;
    return decode_group_stats(type, reply, in, c, body, error);
}

bool decode_group_stats(uint16_t type, bool reply, ByteReader& in, DecodeContext& c, Body& body,
                        OfError& error) {
    if (type == kStatsGroupDesc && reply) {
        GroupDescReply& r = body.emplace<GroupDescReply>();
        r.more = c.more;
        while (!in.empty() && error == OfError::kNone) {
            r.groups.emplace_back();
            error = decode_desc(in, c, r.groups.back());
        }
    } else if (type == kStatsGroupDesc) {
        GroupDescRequest& r = body.emplace<GroupDescRequest>();
        if (newest(c.version) && !in.empty()) r.group_id = in.u32();
    } else if (type == kStatsGroup && reply) {
        GroupStatsReply& r = body.emplace<GroupStatsReply>();
        r.more = c.more;
        while (!in.empty() && error == OfError::kNone) {
            r.groups.emplace_back();
            error = decode_stats(in, c, r.groups.back());
        }
    } else if (type == kStatsGroup) {
        body.emplace<GroupStatsRequest>().group_id = in.u32();
        error = length_error(in);
    } else if (type == kStatsGroupFeatures && reply) {
        GroupFeaturesReply& r = body.emplace<GroupFeaturesReply>();
        r.types = in.u32();
        r.capabilities = in.u32();
        for (uint32_t& n : r.max_groups) n = in.u32();
        for (uint32_t& n : r.actions) n = in.u32();
        error = length_error(in);
    } else if (type == kStatsGroupFeatures) {
        body.emplace<GroupFeaturesRequest>();
    } else {
        return false;
    }
    return true;
}

}  // namespace weft::openflow::messages
