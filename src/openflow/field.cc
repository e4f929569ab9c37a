#include "openflow/field.h"

#include <cstddef>
#include <cstring>

#include "base/hash_map.h"
#include "openflow/number.h"
#include "openflow/text.h"

namespace weft::openflow {
namespace {

constexpr FieldWire W_NONE{};
constexpr FieldWire W(uint16_t oxm_class, uint8_t number, uint32_t experimenter) {
    return {oxm_class, number, experimenter, true};
}
constexpr FieldWire first(FieldWire a, FieldWire b) {
    return a.exists ? a : b;
}

constexpr auto kNone = Prerequisite::kNone, kArp = Prerequisite::kArp, kVlanVid = Prerequisite::kVlanVid,
               kIpAny = Prerequisite::kIpAny, kCtValid = Prerequisite::kCtValid, kMpls = Prerequisite::kMpls,
               kNsh = Prerequisite::kNsh, kTcp = Prerequisite::kTcp, kUdp = Prerequisite::kUdp,
               kSctp = Prerequisite::kSctp, kIcmpv4 = Prerequisite::kIcmpv4, kIcmpv6 = Prerequisite::kIcmpv6,
               kNd = Prerequisite::kNd, kNdSolicit = Prerequisite::kNdSolicit,
               kNdAdvert = Prerequisite::kNdAdvert;
constexpr auto kDecimal = FieldFormat::kDecimal, kHexadecimal = FieldFormat::kHexadecimal,
               kPort16 = FieldFormat::kPort16, kPort32 = FieldFormat::kPort32, kFrag = FieldFormat::kFrag,
               kTunnelFlags = FieldFormat::kTunnelFlags, kTcpFlags = FieldFormat::kTcpFlags,
               kCtState = FieldFormat::kCtState, kPacketType = FieldFormat::kPacketType;

// Formats and prerequisites share some names; which is meant follows from where it stands.
struct Either {
    FieldFormat format;
    Prerequisite prerequisite;
    constexpr operator FieldFormat() const { return format; }
    constexpr operator Prerequisite() const { return prerequisite; }
};
constexpr Either kEthernet{FieldFormat::kEthernet, Prerequisite::kEthernet},
    kIpv4{FieldFormat::kIpv4, Prerequisite::kIpv4}, kIpv6{FieldFormat::kIpv6, Prerequisite::kIpv6};

constexpr Field kFields[] = {
#define WEFT_FIELD(id, name, alias, bytes, bits, maskable, writable, format, prerequisite, member, within, \
                   width, shift, nxm, oxm, oxm15, nxm_name)                                                \
    {FieldId::id, name,     alias,           bytes,           bits,                                        \
     maskable,    writable, format,          prerequisite,    offsetof(packet::Flow, member) + (within),   \
     width,       shift,    first(nxm, oxm), first(oxm, nxm), first(oxm15, first(oxm, nxm)),               \
     nxm_name},
#include "openflow/field_list.inc"
#undef WEFT_FIELD
};
static_assert(std::size(kFields) == kFieldCount);

uint64_t wire_key(uint16_t oxm_class, uint8_t number, uint32_t experimenter) {
    return (static_cast<uint64_t>(oxm_class) << 48 | static_cast<uint64_t>(number) << 40) ^ experimenter;
}

// Spellings that are nobody's alias column: the names that OpenFlow's and Nicira's headers give to fields.
struct Spelling {
    const char* name;
    FieldId id;
};
constexpr Spelling kSpellings[] = {
    {"OXM_OF_TUNNEL_ID", FieldId::kTunId},
    {"OXM_OF_ETH_SRC", FieldId::kEthSrc},
    {"OXM_OF_ETH_DST", FieldId::kEthDst},
    {"OXM_OF_ETH_TYPE", FieldId::kEthType},
    {"OXM_OF_IPV4_SRC", FieldId::kIpSrc},
    {"OXM_OF_IPV4_DST", FieldId::kIpDst},
    {"OXM_OF_IPV6_SRC", FieldId::kIpv6Src},
    {"OXM_OF_IPV6_DST", FieldId::kIpv6Dst},
    {"OXM_OF_IPV6_FLABEL", FieldId::kIpv6Label},
    {"OXM_OF_IP_PROTO", FieldId::kIpProto},
    {"OXM_OF_IP_ECN", FieldId::kIpEcn},
    {"OXM_OF_ARP_OP", FieldId::kArpOp},
    {"OXM_OF_ARP_SPA", FieldId::kArpSpa},
    {"OXM_OF_ARP_TPA", FieldId::kArpTpa},
    {"OXM_OF_ARP_SHA", FieldId::kArpSha},
    {"OXM_OF_ARP_THA", FieldId::kArpTha},
    {"OXM_OF_TCP_SRC", FieldId::kTcpSrc},
    {"OXM_OF_TCP_DST", FieldId::kTcpDst},
    {"ONFOXM_ET_TCP_FLAGS", FieldId::kTcpFlags},
    {"OXM_OF_TCP_FLAGS", FieldId::kTcpFlags},
    {"ONFOXM_ET_ACTSET_OUTPUT", FieldId::kActsetOutput},
    {"OXM_OF_UDP_SRC", FieldId::kUdpSrc},
    {"OXM_OF_UDP_DST", FieldId::kUdpDst},
    {"OXM_OF_ICMPV4_TYPE", FieldId::kIcmpType},
    {"OXM_OF_ICMPV4_CODE", FieldId::kIcmpCode},
    {"OXM_OF_ICMPV6_TYPE", FieldId::kIcmpv6Type},
    {"OXM_OF_ICMPV6_CODE", FieldId::kIcmpv6Code},
    {"OXM_OF_IPV6_ND_TARGET", FieldId::kNdTarget},
    {"OXM_OF_IPV6_ND_SLL", FieldId::kNdSll},
    {"OXM_OF_IPV6_ND_TLL", FieldId::kNdTll},
    {"NXM_NX_ICMPV6_TYPE", FieldId::kIcmpv6Type},
};

// The classes that nearly all headers are of have a table each: Nicira's two and OpenFlow's basic one.
constexpr size_t kTabledClasses = 3;
size_t tabled_class(uint16_t oxm_class) {
    return oxm_class == 0 ? 0 : oxm_class == 1 ? 1 : oxm_class == 0x8000 ? 2 : kTabledClasses;
}

struct Index {
    std::array<std::array<const Field*, 128>, kTabledClasses> tabled{};
    HashMap<std::string_view, const Field*> by_name;
    HashMap<uint64_t, const Field*> by_wire;

    Index() {
        by_name.reserve(kFieldCount * 3);
        for (const Field& f : kFields) {
            by_name.try_emplace(f.name, &f);
            if (f.alias) by_name.try_emplace(f.alias, &f);
            if (f.nxm_name) by_name.try_emplace(f.nxm_name, &f);
            for (const FieldWire* w : {&f.nxm, &f.oxm, &f.oxm15}) {
                if (!w->exists) continue;
                by_wire.try_emplace(wire_key(w->oxm_class, w->number, w->experimenter), &f);
                if (size_t t = tabled_class(w->oxm_class); t < kTabledClasses && !tabled[t][w->number])
                    tabled[t][w->number] = &f;
            }
        }
        for (const Spelling& s : kSpellings) by_name.try_emplace(s.name, &kFields[static_cast<size_t>(s.id)]);
    }
};
const Index& index() {
    static const Index kIndex;
    return kIndex;
}

uint8_t* at(packet::Flow& flow, size_t offset) {
    return reinterpret_cast<uint8_t*>(&flow) + offset;
}
const uint8_t* at(const packet::Flow& flow, size_t offset) {
    return reinterpret_cast<const uint8_t*>(&flow) + offset;
}

bool is_wide(const Field& f) {
    return f.width > 8;
}

// tun_metadata lies where the layout says, the rest where the registry says.
const TunnelTable::Slot* slot_of(const Field& f, const TunnelTable* layout) {
    return layout ? layout->slot(f.tun_metadata_index()) : nullptr;
}

}  // namespace

const FieldWire& Field::wire(Version version) const {
    if (version == Version::k10 || version == Version::k11) return nxm;
    // OpenFlow 1.3 brought these.
    if (version == Version::k12 && (id == FieldId::kTunId || id == FieldId::kTcpFlags)) return nxm;
    return version == Version::k15 ? oxm15 : oxm;
}

const Field& field(FieldId id) {
    return kFields[static_cast<size_t>(id)];
}

const Field* field_by_name(std::string_view name) {
    auto it = index().by_name.find(name);
    return it == index().by_name.end() ? nullptr : it->second;
}

const Field* field_by_wire(uint16_t oxm_class, uint8_t number, uint32_t experimenter) {
    if (size_t t = tabled_class(oxm_class); t < kTabledClasses && number < 128 && !experimenter)
        return index().tabled[t][number];
    auto it = index().by_wire.find(wire_key(oxm_class, number, experimenter));
    return it == index().by_wire.end() ? nullptr : it->second;
}

FieldValue FieldValue::from_u64(const Field& f, uint64_t value) {
    FieldValue out;
    unsigned width = f.bytes < 8 ? f.bytes : 8;
    store_number(out.bytes.data() + f.bytes - width, width, value);
    return out;
}

FieldValue FieldValue::all_ones(const Field& f) {
    FieldValue out;
    unsigned bits = span_of(f);
    for (unsigned i = 0; i < bits; i += 8) {
        out.bytes[f.bytes - 1 - i / 8] = static_cast<uint8_t>(bits - i >= 8 ? 0xff : (1u << (bits - i)) - 1);
    }
    return out;
}

uint64_t FieldValue::low_u64(const Field& f) const {
    unsigned width = f.bytes < 8 ? f.bytes : 8;
    return load_number(bytes.data() + f.bytes - width, width);
}

bool value_fits(const Field& f, const FieldValue& value) {
    FieldValue ones = FieldValue::all_ones(f);
    for (unsigned i = 0; i < f.bytes; i++) {
        if (value.bytes[i] & ~ones.bytes[i]) return false;
    }
    return true;
}

bool is_all_zeros(const Field& f, const FieldValue& value) {
    for (unsigned i = 0; i < f.bytes; i++) {
        if (value.bytes[i]) return false;
    }
    return true;
}

bool is_all_ones(const Field& f, const FieldValue& value) {
    FieldValue ones = FieldValue::all_ones(f);
    for (unsigned i = 0; i < f.bytes; i++) {
        if ((value.bytes[i] & ones.bytes[i]) != ones.bytes[i]) return false;
    }
    return true;
}

FieldValue get_field(const packet::Flow& flow, const Field& f, const TunnelTable* layout) {
    FieldValue out;
    if (f.is_tun_metadata()) {
        if (auto* slot = slot_of(f, layout)) {
            std::memcpy(out.bytes.data() + f.bytes - slot->size, flow.tunnel.metadata.data() + slot->offset,
                        slot->size);
        }
        return out;
    }
    const uint8_t* p = at(flow, f.offset);
    if (is_wide(f)) {
        std::memcpy(out.bytes.data(), p, f.bytes);
        return out;
    }
    uint64_t value = load_number(p, f.width) >> f.shift & low_bits(span_of(f));
    if (f.id == FieldId::kIpTos) value &= 0xfc;
    store_number(out.bytes.data(), f.bytes, value);
    return out;
}

void set_field(packet::Flow& flow, const Field& f, const FieldValue& value, const TunnelTable* layout) {
    if (f.is_tun_metadata()) {
        if (auto* slot = slot_of(f, layout)) {
            std::memcpy(flow.tunnel.metadata.data() + slot->offset, value.bytes.data() + f.bytes - slot->size,
                        slot->size);
            flow.tunnel.metadata_present |= 1ull << f.tun_metadata_index();
        }
        return;
    }
    uint8_t* p = at(flow, f.offset);
    if (is_wide(f)) {
        std::memcpy(p, value.bytes.data(), f.bytes);
        return;
    }
    uint64_t bits = load_number(value.bytes.data(), f.bytes);
    uint64_t span_mask = low_bits(span_of(f)) << f.shift;
    uint64_t extra = 0;
    switch (f.id) {
        case FieldId::kIpTos:
            span_mask = 0xfc;
            break;
        case FieldId::kInPort:
            bits = port_from_of10(static_cast<uint16_t>(bits));
            span_mask = 0xffffffff;
            break;
        case FieldId::kDlVlan:
        case FieldId::kVlanVid:
        case FieldId::kDlVlanPcp:
        case FieldId::kVlanPcp:
            extra = packet::kVlanCfi;
            break;
        case FieldId::kVlanTci:
            if (!(bits & packet::kVlanCfi)) bits = 0;  // no tag, whatever is written into it
            break;
        default:
            break;
    }
    store_number(p, f.width, (load_number(p, f.width) & ~span_mask) | (bits << f.shift & span_mask) | extra);
}

void set_field_masked(packet::Flow& flow, const Field& f, const FieldValue& value, const FieldValue& mask,
                      const TunnelTable* layout) {
    FieldValue old = get_field(flow, f, layout);
    for (unsigned i = 0; i < f.bytes; i++) {
        old.bytes[i] =
            static_cast<uint8_t>((old.bytes[i] & ~mask.bytes[i]) | (value.bytes[i] & mask.bytes[i]));
    }
    set_field(flow, f, old, layout);
}

void add_to_mask(packet::Flow& mask, const Field& f, const TunnelTable* layout) {
    FieldValue ones = FieldValue::all_ones(f);
    if (f.id == FieldId::kInPort) {
        mask.in_port = 0xffffffff;
        return;
    }
    add_to_mask(mask, f, ones, layout);
}

void add_to_mask(packet::Flow& mask, const Field& f, const FieldValue& bits, const TunnelTable* layout) {
    if (f.is_tun_metadata()) {
        if (auto* slot = slot_of(f, layout)) {
            for (unsigned i = 0; i < slot->size; i++) {
                mask.tunnel.metadata[slot->offset + i] |= bits.bytes[f.bytes - slot->size + i];
            }
            mask.tunnel.metadata_present |= 1ull << f.tun_metadata_index();
        }
        return;
    }
    uint8_t* p = at(mask, f.offset);
    if (is_wide(f)) {
        for (unsigned i = 0; i < f.bytes; i++) p[i] |= bits.bytes[i];
        return;
    }
    if (f.id == FieldId::kInPort) {
        mask.in_port = 0xffffffff;
        return;
    }
    uint64_t add = load_number(bits.bytes.data(), f.bytes) & low_bits(span_of(f));
    if (f.id == FieldId::kIpTos) add &= 0xfc;
    add <<= f.shift;
    if (f.offset == offsetof(packet::Flow, vlans) + offsetof(packet::Vlan, tci) &&
        f.id != FieldId::kVlanTci && add)
        add |= packet::kVlanCfi;
    store_number(p, f.width, load_number(p, f.width) | add);
}

bool field_applies(const Field& f, const packet::Flow& flow) {
    uint16_t type = flow.dl_type;
    bool ip = type == 0x0800, ip6 = type == 0x86dd;
    bool l4 = (ip || ip6) && !(flow.nw_frag & packet::kFragLater);
    switch (f.prerequisite) {
        case Prerequisite::kNone:
            return true;
        case Prerequisite::kEthernet:
            return flow.packet_type == 0;
        case Prerequisite::kArp:
            return type == 0x0806 || type == 0x8035;
        case Prerequisite::kVlanVid:
            return flow.vlans[0].tci & packet::kVlanCfi;
        case Prerequisite::kIpv4:
            return ip;
        case Prerequisite::kIpv6:
            return ip6;
        case Prerequisite::kIpAny:
            return ip || ip6;
        case Prerequisite::kCtValid:
            return (flow.ct_state & packet::kCtTracked) && !(flow.ct_state & packet::kCtInvalid);
        case Prerequisite::kMpls:
            return type == 0x8847 || type == 0x8848;
        case Prerequisite::kNsh:
            return type == 0x894f;
        case Prerequisite::kTcp:
            return l4 && flow.nw_proto == 6;
        case Prerequisite::kUdp:
            return l4 && flow.nw_proto == 17;
        case Prerequisite::kSctp:
            return l4 && flow.nw_proto == 132;
        case Prerequisite::kIcmpv4:
            return l4 && ip && flow.nw_proto == 1;
        case Prerequisite::kIcmpv6:
            return l4 && ip6 && flow.nw_proto == 58;
        case Prerequisite::kNd:
        case Prerequisite::kNdSolicit:
        case Prerequisite::kNdAdvert: {
            if (!l4 || !ip6 || flow.nw_proto != 58 || flow.tp_dst != 0) return false;
            bool solicit = flow.tp_src == 135, advert = flow.tp_src == 136;
            return f.prerequisite == Prerequisite::kNdSolicit  ? solicit
                   : f.prerequisite == Prerequisite::kNdAdvert ? advert
                                                               : solicit || advert;
        }
    }
    return false;
}

Subfield whole_field(FieldId id) {
    return {id, 0, field(id).bits};
}

void copy_bits(const uint8_t* src, size_t src_bytes, size_t src_offset, uint8_t* dst, size_t dst_bytes,
               size_t dst_offset, size_t bits) {
    for (size_t i = 0; i < bits;) {
        size_t from = src_offset + i, to = dst_offset + i;
        if (from % 8 == 0 && to % 8 == 0 && bits - i >= 8) {
            dst[dst_bytes - 1 - to / 8] = src[src_bytes - 1 - from / 8];
            i += 8;
            continue;
        }
        bool bit = src[src_bytes - 1 - from / 8] >> from % 8 & 1;
        uint8_t& target = dst[dst_bytes - 1 - to / 8];
        target = static_cast<uint8_t>(bit ? target | 1u << to % 8 : target & ~(1u << to % 8));
        i++;
    }
}

FieldValue get_subfield(const packet::Flow& flow, const Subfield& s, const TunnelTable* layout) {
    const Field& f = field(s.field);
    FieldValue whole = get_field(flow, f, layout), out;
    copy_bits(whole.bytes.data(), f.bytes, s.offset, out.bytes.data(), f.bytes, 0, s.bits);
    return out;
}

uint64_t get_subfield_u64(const packet::Flow& flow, const Subfield& s, const TunnelTable* layout) {
    const Field& f = field(s.field);
    return get_subfield(flow, s, layout).low_u64(f);
}

void set_subfield_u64(packet::Flow& flow, const Subfield& s, uint64_t value, const TunnelTable* layout) {
    const Field& f = field(s.field);
    FieldValue whole = get_field(flow, f, layout);
    uint8_t source[16] = {};
    store_number(source + 8, 8, value);
    copy_bits(source, sizeof source, 0, whole.bytes.data(), f.bytes, s.offset, s.bits < 128 ? s.bits : 128);
    set_field(flow, f, whole, layout);
}

void move_subfield(packet::Flow& flow, const Subfield& src, const Subfield& dst, const TunnelTable* layout) {
    const Field &from = field(src.field), &to = field(dst.field);
    FieldValue source = get_field(flow, from, layout), whole = get_field(flow, to, layout);
    copy_bits(source.bytes.data(), from.bytes, src.offset, whole.bytes.data(), to.bytes, dst.offset,
              src.bits);
    set_field(flow, to, whole, layout);
}

void add_subfield_to_mask(packet::Flow& mask, const Subfield& s, const TunnelTable* layout) {
    const Field& f = field(s.field);
    FieldValue ones, bits;
    ones.bytes.fill(0xff);
    copy_bits(ones.bytes.data(), f.bytes, 0, bits.bytes.data(), f.bytes, s.offset, s.bits);
    add_to_mask(mask, f, bits, layout);
}

}  // namespace weft::openflow
