// Groups on the wire.  OpenFlow 1.5's layout serves Nicira's NXT_GROUP_MOD of OpenFlow 1.0 as well.

#include "openflow/messages/group.h"

#include "openflow/messages/wire.h"

namespace weft::openflow::wire {

namespace {

enum BucketProperty : uint16_t { kBucketWeight = 0, kBucketWatchPort = 1, kBucketWatchGroup = 2 };
constexpr uint16_t kExperimenterProperty = 0xffff;
constexpr uint32_t kNetronome = 0x0000154d, kSelectionMethod = 1;

bool has15_layout(Version version) {
    return version == Version::k10 || version == Version::k15;
}

void put_bucket11(Encoder& e, const Bucket& bucket) {
    size_t start = e.out.size();
    e.out.u16(0);
    e.out.u16(bucket.weight);
    e.out.u32(bucket.watch_port);
    e.out.u32(bucket.watch_group);
    e.out.zeros(4);
    encode_actions(bucket.actions, e.version, e.out);
    e.patch_length(start, start);
}

void put_bucket15(Encoder& e, const Bucket& bucket, bool weighted) {
    size_t start = e.out.size();
    e.out.zeros(4);
    e.out.u32(bucket.id);
    size_t actions = e.out.size();
    encode_actions(bucket.actions, e.version, e.out);
    e.patch_length(start + 2, actions);
    auto number = [&](uint16_t type, uint32_t value, bool wide) {
        size_t property = e.begin_property(type);
        if (wide) {
            e.out.u32(value);
        } else {
            e.out.u16(static_cast<uint16_t>(value));
            e.out.zeros(2);
        }
        e.end_property(property);
    };
    if (weighted) number(kBucketWeight, bucket.weight, false);
    if (bucket.watch_port != kPortNone) number(kBucketWatchPort, bucket.watch_port, true);
    if (bucket.watch_group != kGroupAny) number(kBucketWatchGroup, bucket.watch_group, true);
    e.patch_length(start, start);
}

void put_buckets(Encoder& e, const std::vector<Bucket>& buckets, GroupType type) {
    for (const Bucket& bucket : buckets) {
        has15_layout(e.version) ? put_bucket15(e, bucket, type == GroupType::kSelect)
                                : put_bucket11(e, bucket);
    }
}

void put_selection(Encoder& e, const Selection& selection) {
    if (selection.method.empty()) return;
    size_t start = e.begin_property(kExperimenterProperty);
    e.out.u32(kNetronome);
    e.out.u32(kSelectionMethod);
    e.out.zeros(4);
    e.text(selection.method, 16);
    e.out.u64(selection.param);
    for (const auto& [id, mask] : selection.fields) {
        const Field& f = field(id);
        encode_oxm_header(f.wire(e.version), false, f.bytes, e.out);
        e.out.bytes(ByteView(mask.bytes).first(f.bytes));
    }
    e.end_property(start);
}

void put(Encoder& e, const GroupMod& m) {
    e.is10() ? e.vendor(kVendorNicira, kNxGroupMod) : e.header(kGroupMod);
    e.out.u16(static_cast<uint16_t>(m.command));
    e.out.u8(static_cast<uint8_t>(m.type));
    e.out.zeros(1);
    e.out.u32(m.group_id);
    size_t length_at = e.out.size();
    if (has15_layout(e.version)) {
        e.out.zeros(4);
        e.out.u32(m.command_bucket_id);
    }
    size_t start = e.out.size();
    put_buckets(e, m.buckets, m.type);
    if (!has15_layout(e.version)) return;
    e.patch_length(length_at, start);
    put_selection(e, m.selection);
}

void put(Encoder& e, const GroupDescRequest& m) {
    e.multipart(kGroupDesc, false);
    if (e.version < Version::k15) return;
    e.out.u32(m.group_id);
    e.out.zeros(4);
}
void put(Encoder& e, const GroupDescReply& m) {
    e.multipart(kGroupDesc, true, m.more);
    for (const GroupDesc& group : m.groups) put_group_desc(e, group);
}
void put(Encoder& e, const GroupStatsRequest& m) {
    e.multipart(kGroup, false);
    e.out.u32(m.group_id);
    e.out.zeros(4);
}
void put(Encoder& e, const GroupStatsReply& m) {
    e.multipart(kGroup, true, m.more);
    for (const GroupStats& stats : m.groups) put_group_stats(e, stats);
}
void put(Encoder& e, const GroupFeaturesRequest&) {
    e.multipart(kGroupFeatures, false);
}
void put(Encoder& e, const GroupFeaturesReply& m) {
    e.multipart(kGroupFeatures, true);
    e.out.u32(m.types);
    e.out.u32(m.capabilities);
    for (uint32_t v : m.max_groups) e.out.u32(v);
    for (uint32_t v : m.actions) e.out.u32(v);
}

OfError get_bucket11(Decoder& d, Bucket& bucket) {
    size_t length = d.in.u16();
    if (!d.in.ok() || length < 16 || length - 2 > d.in.size()) return OfError::OFPGMFC_BAD_BUCKET;
    ByteReader in(d.in.bytes(length - 2));
    bucket.weight = in.u16();
    bucket.watch_port = in.u32();
    bucket.watch_group = in.u32();
    in.skip(4);
    return decode_actions(in.rest(), d.version, d.action_options(), bucket.actions);
}

OfError get_bucket15(Decoder& d, GroupType type, Bucket& bucket) {
    size_t length = d.in.u16();
    if (!d.in.ok() || length < 8 || length - 2 > d.in.size()) return OfError::OFPGMFC_BAD_BUCKET;
    ByteReader in(d.in.bytes(length - 2));
    size_t actions_length = in.u16();
    bucket.id = in.u32();
    bucket.weight = type == GroupType::kSelect ? 1 : 0;
    ByteView actions = in.bytes(actions_length);
    if (!in.ok()) return OfError::OFPGMFC_BAD_BUCKET;
    if (OfError error = decode_actions(actions, d.version, d.action_options(), bucket.actions);
        error != OfError::kNone)
        return error;
    while (!in.empty()) {
        Property property;
        if (OfError error = next_property(in, property); error != OfError::kNone) return error;
        switch (property.type) {
            case kBucketWeight:
                bucket.weight = property.value.u16();
                break;
            case kBucketWatchPort:
                bucket.watch_port = property.value.u32();
                break;
            case kBucketWatchGroup:
                bucket.watch_group = property.value.u32();
                break;
            default:
                return OfError::OFPBPC_BAD_TYPE;
        }
        if (!property.value.ok()) return OfError::OFPBPC_BAD_LEN;
    }
    return OfError::kNone;
}

OfError get_buckets(Decoder& d, bool of15, GroupType type, std::vector<Bucket>& buckets) {
    while (!d.in.empty()) {
        Bucket& bucket = buckets.emplace_back();
        if (OfError error = of15 ? get_bucket15(d, type, bucket) : get_bucket11(d, bucket);
            error != OfError::kNone)
            return error;
    }
    return OfError::kNone;
}

OfError get_selection(ByteReader& in, Selection& selection) {
    while (!in.empty()) {
        Property property;
        if (OfError error = next_property(in, property); error != OfError::kNone) return error;
        ByteReader& value = property.value;
        if (property.type != kExperimenterProperty) return OfError::OFPBPC_BAD_TYPE;
        if (value.u32() != kNetronome) return OfError::OFPBPC_BAD_EXPERIMENTER;
        if (value.u32() != kSelectionMethod) return OfError::OFPBPC_BAD_EXP_TYPE;
        value.skip(4);
        ByteView name = value.bytes(16);
        selection.param = value.u64();
        if (!value.ok()) return OfError::OFPBPC_BAD_LEN;
        selection.method.assign(name.begin(), std::find(name.begin(), name.end(), 0));
        if (selection.method != "hash" && selection.method != "dp_hash") return OfError::OFPBPC_BAD_VALUE;
        while (value.ok() && value.size() >= 4) {
            OxmHeader header;
            if (!decode_oxm_header(value, header) || !header.field) return OfError::OFPBMC_BAD_FIELD;
            ByteView mask = value.bytes(header.length);
            if (mask.size() > 128) return OfError::OFPBMC_BAD_LEN;
            FieldValue bytes;
            std::copy(mask.begin(), mask.end(), bytes.bytes.begin());
            selection.fields.emplace_back(header.field->id, bytes);
        }
    }
    return OfError::kNone;
}

OfError get_group_desc(Decoder& d, GroupDesc& group) {
    size_t length = d.in.u16();
    if (!d.in.ok() || length < 8 || length - 2 > d.in.size()) return OfError::OFPBRC_BAD_LEN;
    Decoder inner{d.version, d.options, ByteReader(d.in.bytes(length - 2))};
    uint8_t type = inner.in.u8();
    inner.in.skip(1);
    group.group_id = inner.in.u32();
    if (type > 3) return OfError::OFPGMFC_BAD_TYPE;
    group.type = static_cast<GroupType>(type);
    if (d.version < Version::k15) return get_buckets(inner, false, group.type, group.buckets);
    size_t buckets_length = inner.in.u16();
    inner.in.skip(6);
    Decoder buckets{d.version, d.options, ByteReader(inner.in.bytes(buckets_length))};
    if (!inner.in.ok()) return OfError::OFPBRC_BAD_LEN;
    if (OfError error = get_buckets(buckets, true, group.type, group.buckets); error != OfError::kNone)
        return error;
    return get_selection(inner.in, group.selection);
}

OfError get_group_stats(Decoder& d, GroupStats& s) {
    size_t length = d.in.u16();
    if (!d.in.ok() || length < 4 || length - 2 > d.in.size()) return OfError::OFPBRC_BAD_LEN;
    ByteReader in(d.in.bytes(length - 2));
    in.skip(2);
    s.group_id = in.u32();
    s.ref_count = in.u32();
    in.skip(4);
    s.packets = in.u64();
    s.bytes = in.u64();
    if (d.version >= Version::k13) {
        s.duration_sec = in.u32();
        s.duration_nsec = in.u32();
    }
    while (in.ok() && !in.empty()) s.buckets.push_back({in.u64(), in.u64()});
    return in.ok() ? OfError::kNone : OfError::OFPBRC_BAD_LEN;
}

}  // namespace

void put_group_desc(Encoder& e, const GroupDesc& group) {
    size_t start = e.out.size();
    e.out.u16(0);
    e.out.u8(static_cast<uint8_t>(group.type));
    e.out.zeros(1);
    e.out.u32(group.group_id);
    size_t length_at = e.out.size();
    if (e.version == Version::k15) e.out.zeros(8);
    size_t buckets = e.out.size();
    put_buckets(e, group.buckets, group.type);
    if (e.version == Version::k15) {
        e.patch_length(length_at, buckets);
        put_selection(e, group.selection);
    }
    e.patch_length(start, start);
}

void put_group_stats(Encoder& e, const GroupStats& s) {
    size_t start = e.out.size();
    e.out.zeros(4);
    e.out.u32(s.group_id);
    e.out.u32(s.ref_count);
    e.out.zeros(4);
    e.out.u64(s.packets);
    e.out.u64(s.bytes);
    if (e.version >= Version::k13) {
        e.out.u32(s.duration_sec);
        e.out.u32(s.duration_nsec);
    }
    for (const auto& bucket : s.buckets) {
        e.out.u64(bucket.packets);
        e.out.u64(bucket.bytes);
    }
    e.patch_length(start, start);
}

void put_group(Encoder& e, const Body& body) {
    std::visit(
        [&](const auto& message) {
            if constexpr (requires { put(e, message); }) put(e, message);
        },
        body);
}

OfError get_group_mod(Decoder& d, bool of15, Body& body) {
    GroupMod m;
    uint16_t command = d.in.u16();
    uint8_t type = d.in.u8();
    d.in.skip(1);
    m.group_id = d.in.u32();
    if (!d.in.ok()) return OfError::OFPBRC_BAD_LEN;
    bool known = command <= 3 || command == 5 || command == 0x8000;
    if (!known || (!of15 && command > 2 && command != 0x8000)) return OfError::OFPGMFC_BAD_COMMAND;
    if (type > 3) return OfError::OFPGMFC_BAD_TYPE;
    m.command = static_cast<GroupMod::Command>(command);
    m.type = static_cast<GroupType>(type);
    OfError error;
    if (of15) {
        size_t length = d.in.u16();
        d.in.skip(2);
        m.command_bucket_id = d.in.u32();
        Decoder buckets{d.version, d.options, ByteReader(d.in.bytes(length))};
        if (!d.in.ok()) return OfError::OFPBRC_BAD_LEN;
        error = get_buckets(buckets, true, m.type, m.buckets);
        if (error == OfError::kNone) error = get_selection(d.in, m.selection);
    } else {
        error = get_buckets(d, false, m.type, m.buckets);
    }
    if (error == OfError::kNone && m.type == GroupType::kIndirect &&
        m.command <= GroupMod::Command::kModify && m.buckets.size() != 1) {
        error = OfError::OFPGMFC_INVALID_GROUP;
    }
    body = std::move(m);
    return error;
}

OfError get_group_multipart(Decoder& d, uint16_t type, bool reply, bool more, Body& body) {
    if (!reply) {
        if (type == kGroup) {
            body = GroupStatsRequest{d.in.u32()};
        } else if (type == kGroupDesc) {
            body = GroupDescRequest{d.version >= Version::k15 ? d.in.u32() : kGroupAll};
        } else {
            body = GroupFeaturesRequest{};
        }
        return d.end();
    }
    if (type == kGroupFeatures) {
        GroupFeaturesReply m;
        m.types = d.in.u32();
        m.capabilities = d.in.u32();
        for (uint32_t& v : m.max_groups) v = d.in.u32();
        for (uint32_t& v : m.actions) v = d.in.u32();
        body = m;
        return d.end();
    }
    OfError error = OfError::kNone;
    if (type == kGroup) {
        GroupStatsReply m;
        m.more = more;
        while (error == OfError::kNone && !d.in.empty()) error = get_group_stats(d, m.groups.emplace_back());
        body = std::move(m);
    } else {
        GroupDescReply m;
        m.more = more;
        while (error == OfError::kNone && !d.in.empty()) error = get_group_desc(d, m.groups.emplace_back());
        body = std::move(m);
    }
    return error;
}

}  // namespace weft::openflow::wire
