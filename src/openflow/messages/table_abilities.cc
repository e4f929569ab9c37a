#include "openflow/messages/table_abilities.h"

#include <algorithm>

namespace weft::openflow::messages {

namespace {

struct Bit {
    FieldId field;
    uint32_t bits;
};
// ofp_flow_wildcards of 1.0, where a prefix of addresses is a number of six bits.
constexpr Bit kWildcards10[] = {
    {FieldId::kInPort, 1 << 0},    {FieldId::kVlanVid, 1 << 1},  {FieldId::kEthSrc, 1 << 2},
    {FieldId::kEthDst, 1 << 3},    {FieldId::kEthType, 1 << 4},  {FieldId::kIpProto, 1 << 5},
    {FieldId::kTcpSrc, 1 << 6},    {FieldId::kTcpDst, 1 << 7},   {FieldId::kIpSrc, 0x3f << 8},
    {FieldId::kIpDst, 0x3f << 14}, {FieldId::kVlanPcp, 1 << 20}, {FieldId::kIpTos, 1 << 21},
};
// ofp_flow_match_fields of 1.1.
constexpr Bit kFields11[] = {
    {FieldId::kInPort, 1 << 0},  {FieldId::kVlanVid, 1 << 1}, {FieldId::kVlanPcp, 1 << 2},
    {FieldId::kEthType, 1 << 3}, {FieldId::kIpTos, 1 << 4},   {FieldId::kIpProto, 1 << 5},
    {FieldId::kTcpSrc, 1 << 6},  {FieldId::kTcpDst, 1 << 7},  {FieldId::kMplsLabel, 1 << 8},
    {FieldId::kMplsTc, 1 << 9},  {FieldId::kEthSrc, 1 << 11}, {FieldId::kEthDst, 1 << 12},
    {FieldId::kIpSrc, 1 << 13},  {FieldId::kIpDst, 1 << 14},  {FieldId::kMetadata, 1 << 15},
};
// 1.2: a bit for each field of its own class, by the number in its header.
constexpr uint16_t kBasicClass = 0x8000;
constexpr uint8_t kLastField12 = 35;  // OFPXMT_OFB_MPLS_TC

bool told12(const Field& field) {
    return field.oxm.exists && field.oxm.oxm_class == kBasicClass && field.oxm.number <= kLastField12;
}

template <typename Fields>
uint64_t bits_of(const Fields& fields, Version version) {
    uint64_t bits = 0;
    for (FieldId id : fields) {
        if (version == Version::k12) {
            if (told12(field(id))) bits |= 1ull << field(id).oxm.number;
            continue;
        }
        for (const Bit& bit :
             version == Version::k10 ? std::span(kWildcards10) : std::span<const Bit>(kFields11)) {
            if (bit.field == id) bits |= bit.bits;
        }
    }
    return bits;
}

std::vector<FieldId> fields_of(uint64_t bits, Version version) {
    std::vector<FieldId> fields;
    if (version == Version::k12) {
        for (size_t i = 0; i < kFieldCount; ++i) {
            const Field& each = field(static_cast<FieldId>(i));
            if (told12(each) && bits >> each.oxm.number & 1) fields.push_back(each.id);
        }
        return fields;
    }
    for (const Bit& bit :
         version == Version::k10 ? std::span(kWildcards10) : std::span<const Bit>(kFields11)) {
        if (bits & bit.bits) fields.push_back(bit.field);
    }
    std::sort(fields.begin(), fields.end());
    return fields;
}

std::vector<FieldId> matched(const TableFeatures& features) {
    std::vector<FieldId> out;
    for (const auto& [id, maskable] : features.match) out.push_back(id);
    return out;
}

}  // namespace

void put_table_abilities(const TableFeatures& t, Version version, ByteWriter& out) {
    const TableFeatures::Properties& p = t.properties[0];
    const uint64_t match = bits_of(matched(t), version), wildcards = bits_of(t.wildcards, version);
    if (version == Version::k10) return out.u32(static_cast<uint32_t>(wildcards));
    if (version == Version::k11) {
        out.u32(static_cast<uint32_t>(wildcards));
        out.u32(static_cast<uint32_t>(match));
        out.u32(p.instructions);
        out.u32(static_cast<uint32_t>(p.write_actions));
        out.u32(static_cast<uint32_t>(p.apply_actions));
        return;
    }
    out.u64(match);
    out.u64(wildcards);
    out.u32(static_cast<uint32_t>(p.write_actions));
    out.u32(static_cast<uint32_t>(p.apply_actions));
    out.u64(bits_of(p.write_set_field, version));
    out.u64(bits_of(p.apply_set_field, version));
    out.u64(t.metadata_match);
    out.u64(t.metadata_write);
    out.u32(p.instructions);
}

void take_table_abilities(ByteReader& in, Version version, TableFeatures& t) {
    TableFeatures::Properties& p = t.properties[0];
    uint64_t match = 0, wildcards = 0;
    if (version == Version::k10) {
        match = wildcards = in.u32();
    } else if (version == Version::k11) {
        wildcards = in.u32();
        match = in.u32();
        p.instructions = in.u32();
        p.write_actions = in.u32();
        p.apply_actions = in.u32();
    } else {
        match = in.u64();
        wildcards = in.u64();
        p.write_actions = in.u32();
        p.apply_actions = in.u32();
        p.write_set_field = fields_of(in.u64(), version);
        p.apply_set_field = fields_of(in.u64(), version);
        t.metadata_match = in.u64();
        t.metadata_write = in.u64();
        p.instructions = in.u32();
    }
    for (FieldId id : fields_of(match, version)) t.match.emplace_back(id, false);
    t.wildcards = fields_of(wildcards, version);
    t.properties[1] = t.properties[0];
}

}  // namespace weft::openflow::messages
