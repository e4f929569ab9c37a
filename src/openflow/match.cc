#include "openflow/match.h"

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <vector>

#include "openflow/number.h"

namespace weft::openflow {
namespace {

uint8_t* at(packet::Flow& flow, size_t offset) {
    return reinterpret_cast<uint8_t*>(&flow) + offset;
}
const uint8_t* at(const packet::Flow& flow, size_t offset) {
    return reinterpret_cast<const uint8_t*>(&flow) + offset;
}

// The bits [value, mask] of the flow key's number at `f` that the field stands for, VLAN and port rules
// included.
struct Bits {
    uint64_t value, mask, clear;  // clear: what the field's own bits are, replaced by value and mask
};
Bits flow_bits(const Field& f, uint64_t value, uint64_t mask) {
    constexpr uint64_t kCfi = packet::kVlanCfi;
    uint64_t own = low_bits(f.bits);
    switch (f.id) {
        case FieldId::kDlVlan:
            if (value == 0xffff) return {0, mask ? 0xffff : 0ull, 0xffff};
            return {(value & 0xfff) | kCfi, mask ? 0xfff | kCfi : 0, 0x1fff};
        case FieldId::kVlanVid:
            return {value & 0x1fff, mask & 0x1fff, 0x1fff};
        case FieldId::kDlVlanPcp:
        case FieldId::kVlanPcp:
            return {(value & 7) << 13 | kCfi, mask ? 0xe000 | kCfi : 0, 0xf000};
        case FieldId::kInPort:
            return {port_from_of10(static_cast<uint16_t>(value)), mask ? 0xffffffff : 0ull, 0xffffffff};
        case FieldId::kIpTos:
            return {value & 0xfc, mask & 0xfc, 0xfc};
        case FieldId::kIcmpType:
        case FieldId::kIcmpCode:
        case FieldId::kIcmpv6Type:
        case FieldId::kIcmpv6Code:
            return {value & 0xff, mask ? 0xffff : 0ull, 0xffff};
        default:
            return {(value & own) << f.shift, (mask & own) << f.shift, own << f.shift};
    }
}

// The flow's slot for a tun_metadata field, made if there is none.
const TunnelTable::Slot* make_slot(Match& match, const Field& f, uint8_t size) {
    unsigned index = f.tun_metadata_index();
    if (match.tunnel_table && match.tunnel_table->slot(index)) return match.tunnel_table->slot(index);
    auto table = match.tunnel_table ? std::make_shared<TunnelTable>(*match.tunnel_table)
                                    : std::make_shared<TunnelTable>();
    if (!table->add_anonymous(index, size)) return nullptr;
    match.tunnel_table = table;
    return match.tunnel_table->slot(index);
}

uint8_t significant_bytes(const Field& f, const FieldValue& value, const FieldValue& mask) {
    bool exact = is_all_ones(f, mask);
    for (unsigned i = 0; i < f.bytes; i++) {
        if (value.bytes[i] || (!exact && mask.bytes[i])) return static_cast<uint8_t>(f.bytes - i);
    }
    return 1;
}

}  // namespace

void Match::set(FieldId id, uint64_t v) {
    const Field& f = field(id);
    set(f, FieldValue::from_u64(f, v), FieldValue::all_ones(f));
}

void Match::set(FieldId id, uint64_t v, uint64_t m) {
    const Field& f = field(id);
    set(f, FieldValue::from_u64(f, v), FieldValue::from_u64(f, m));
}

void Match::set(const Field& f, const FieldValue& v, const FieldValue& m, uint8_t tun_metadata_bytes) {
    if (f.is_tun_metadata()) {
        const TunnelTable::Slot* slot =
            make_slot(*this, f, tun_metadata_bytes ? tun_metadata_bytes : significant_bytes(f, v, m));
        if (!slot) return;
        unsigned skip = f.bytes - slot->size;
        for (unsigned i = 0; i < slot->size; i++) {
            mask.tunnel.metadata[slot->offset + i] = m.bytes[skip + i];
            value.tunnel.metadata[slot->offset + i] = v.bytes[skip + i] & m.bytes[skip + i];
        }
        uint64_t bit = 1ull << f.tun_metadata_index();
        mask.tunnel.metadata_present |= bit;
        value.tunnel.metadata_present |= bit;
        return;
    }
    uint8_t *value_at = at(value, f.offset), *mask_at = at(mask, f.offset);
    if (f.width > 8) {
        for (unsigned i = 0; i < f.bytes; i++) {
            mask_at[i] |= m.bytes[i];
            value_at[i] = static_cast<uint8_t>((value_at[i] & ~m.bytes[i]) | (v.bytes[i] & m.bytes[i]));
        }
        return;
    }
    set_number(*this, f, load_number(v.bytes.data(), f.bytes), load_number(m.bytes.data(), f.bytes));
}

void set_number(Match& match, const Field& f, uint64_t v, uint64_t m) {
    uint8_t *value_at = at(match.value, f.offset), *mask_at = at(match.mask, f.offset);
    Bits bits = flow_bits(f, v, m);
    store_number(mask_at, f.width, load_number(mask_at, f.width) | bits.mask);
    store_number(value_at, f.width, (load_number(value_at, f.width) & ~bits.mask) | (bits.value & bits.mask));
}

void Match::set(const Subfield& s, uint64_t v) {
    const Field& f = field(s.field);
    FieldValue number, value_bits, ones, mask_bits;
    number = FieldValue::from_u64(f, v);
    ones.bytes.fill(0xff);
    copy_bits(number.bytes.data(), f.bytes, 0, value_bits.bytes.data(), f.bytes, s.offset, s.bits);
    copy_bits(ones.bytes.data(), f.bytes, 0, mask_bits.bytes.data(), f.bytes, s.offset, s.bits);
    set(f, value_bits, mask_bits);
}

void Match::clear(const Field& f) {
    if (f.is_tun_metadata()) {
        uint64_t bit = 1ull << f.tun_metadata_index();
        if (auto* slot = tunnel_table ? tunnel_table->slot(f.tun_metadata_index()) : nullptr) {
            std::memset(value.tunnel.metadata.data() + slot->offset, 0, slot->size);
            std::memset(mask.tunnel.metadata.data() + slot->offset, 0, slot->size);
        }
        mask.tunnel.metadata_present &= ~bit;
        value.tunnel.metadata_present &= ~bit;
        return;
    }
    uint8_t *value_at = at(value, f.offset), *mask_at = at(mask, f.offset);
    if (f.width > 8) {
        std::memset(value_at, 0, f.bytes);
        std::memset(mask_at, 0, f.bytes);
        return;
    }
    uint64_t keep = ~flow_bits(f, 0, 0).clear;
    store_number(value_at, f.width, load_number(value_at, f.width) & keep);
    store_number(mask_at, f.width, load_number(mask_at, f.width) & keep);
}

bool Match::is_set(const Field& f) const {
    if (f.is_tun_metadata()) return mask.tunnel.metadata_present & 1ull << f.tun_metadata_index();
    if (f.width > 8) {
        const uint8_t* mask_at = at(mask, f.offset);
        for (unsigned i = 0; i < f.bytes; i++) {
            if (mask_at[i]) return true;
        }
        return false;
    }
    uint64_t own = low_bits(f.bits) << f.shift;
    if (f.id == FieldId::kIpTos) own = 0xfc;
    if (f.id == FieldId::kInPort) own = 0xffffffff;
    if (f.id == FieldId::kVlanVid) own = 0x1fff;
    return load_number(at(mask, f.offset), f.width) & own;
}

bool Match::is_exact(FieldId id) const {
    const Field& f = field(id);
    FieldValue v, m;
    get(f, v, m);
    if (f.is_tun_metadata()) {
        auto* slot = tunnel_table ? tunnel_table->slot(f.tun_metadata_index()) : nullptr;
        if (!slot || !is_set(f)) return false;
        for (unsigned i = 0; i < slot->size; i++) {
            if (m.bytes[f.bytes - slot->size + i] != 0xff) return false;
        }
        return true;
    }
    if (f.id == FieldId::kIpTos) return (m.low_u64(f) & 0xfc) == 0xfc;
    return is_all_ones(f, m);
}

void Match::get(const Field& f, FieldValue& v, FieldValue& m) const {
    v = get_field(value, f, tunnel_table.get());
    m = get_field(mask, f, tunnel_table.get());
}

bool Match::is_catch_all() const {
    const uint64_t* m = packet::words(mask);
    for (size_t i = 0; i < packet::kFlowWords; i++) {
        if (m[i]) return false;
    }
    return true;
}

namespace {
constexpr packet::EthAddr kEthOnes = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff};

void set_mac(Match& match, FieldId id, const packet::EthAddr& address, const packet::EthAddr& mask) {
    FieldValue v, m;
    std::copy(address.begin(), address.end(), v.bytes.begin());
    std::copy(mask.begin(), mask.end(), m.bytes.begin());
    match.set(field(id), v, m);
}
}  // namespace

void Match::set_dl_src(const packet::EthAddr& address) {
    set_mac(*this, FieldId::kEthSrc, address, kEthOnes);
}
void Match::set_dl_src(const packet::EthAddr& address, const packet::EthAddr& m) {
    set_mac(*this, FieldId::kEthSrc, address, m);
}
void Match::set_dl_dst(const packet::EthAddr& address) {
    set_mac(*this, FieldId::kEthDst, address, kEthOnes);
}
void Match::set_dl_dst(const packet::EthAddr& address, const packet::EthAddr& m) {
    set_mac(*this, FieldId::kEthDst, address, m);
}
void Match::set_ipv6(FieldId id, const packet::Ipv6Addr& address, const packet::Ipv6Addr& m) {
    FieldValue value_bytes, mask_bytes;
    std::copy(address.begin(), address.end(), value_bytes.bytes.begin());
    std::copy(m.begin(), m.end(), mask_bytes.bytes.begin());
    set(field(id), value_bytes, mask_bytes);
}

void Match::zero_unmasked() {
    uint64_t* v = packet::words(value);
    const uint64_t* m = packet::words(mask);
    for (size_t i = 0; i < packet::kFlowWords; i++) v[i] &= m[i];
}

bool Match::matches(const packet::Flow& flow) const {
    const uint64_t *v = packet::words(value), *m = packet::words(mask), *f = packet::words(flow);
    for (size_t i = 0; i < packet::kFlowWords; i++) {
        if ((f[i] ^ v[i]) & m[i]) return false;
    }
    return true;
}

namespace {
// Everything but tun_metadata, which lies where each match's table says.
constexpr size_t kMetadataWord = offsetof(packet::Tunnel, metadata) / 8 + offsetof(packet::Flow, tunnel) / 8;
constexpr size_t kMetadataWords = packet::kTunnelMetadataBytes / 8;
static_assert(offsetof(packet::Tunnel, metadata) % 8 == 0 && offsetof(packet::Flow, tunnel) == 0);

bool same_words(const packet::Flow& a, const packet::Flow& b) {
    const uint8_t *x = at(a, 0), *y = at(b, 0);
    constexpr size_t kEnd = (kMetadataWord + kMetadataWords) * 8;
    return !std::memcmp(x, y, kMetadataWord * 8) && !std::memcmp(x + kEnd, y + kEnd, sizeof a - kEnd);
}
}  // namespace

bool Match::operator==(const Match& other) const {
    if (!same_words(mask, other.mask) || !same_words(value, other.value)) return false;
    uint64_t present = mask.tunnel.metadata_present;
    if (!present) return true;
    if (tunnel_table == other.tunnel_table) {
        return mask.tunnel.metadata == other.mask.tunnel.metadata &&
               value.tunnel.metadata == other.value.tunnel.metadata;
    }
    for (unsigned i = 0; i < packet::kTunnelMetadataFields; i++) {
        if (!(present & 1ull << i)) continue;
        FieldValue v, m, other_v, other_m;
        const Field& f = field(tun_metadata_field(i));
        get(f, v, m);
        other.get(f, other_v, other_m);
        if (v.bytes != other_v.bytes || m.bytes != other_m.bytes) return false;
    }
    return true;
}

uint64_t Match::hash() const {
    uint64_t h = 0x9e3779b97f4a7c15;
    const uint64_t *v = packet::words(value), *m = packet::words(mask);
    for (size_t i = 0; i < packet::kFlowWords; i++) {
        if (i >= kMetadataWord && i < kMetadataWord + kMetadataWords) continue;
        if (!m[i]) continue;
        h = (h ^ m[i] ^ i) * 0xff51afd7ed558ccd;
        h ^= h >> 32;
        h = (h ^ v[i]) * 0xc4ceb9fe1a85ec53;
        h ^= h >> 29;
    }
    return h;
}

bool prerequisite_met(Prerequisite prerequisite, const packet::Flow& value, const packet::Flow& mask) {
    uint32_t type = 0;
    if (mask.dl_type == 0xffff) type = value.dl_type;
    if (mask.packet_type == 0xffffffff && value.packet_type >> 16 == 1) type = value.packet_type & 0xffff;
    bool ip = type == 0x0800, ip6 = type == 0x86dd;
    int proto = mask.nw_proto == 0xff ? value.nw_proto : -1;
    // A later fragment has no transport header to look at.
    bool l4 = (ip || ip6) && !(value.nw_frag & mask.nw_frag & packet::kFragLater);
    switch (prerequisite) {
        case Prerequisite::kNone:
            return true;
        case Prerequisite::kEthernet:
            return !mask.packet_type || value.packet_type == 0;
        case Prerequisite::kArp:
            return type == 0x0806 || type == 0x8035;
        case Prerequisite::kVlanVid:
            return value.vlans[0].tci & mask.vlans[0].tci & packet::kVlanCfi;
        case Prerequisite::kIpv4:
            return ip;
        case Prerequisite::kIpv6:
            return ip6;
        case Prerequisite::kIpAny:
            return ip || ip6;
        case Prerequisite::kCtValid: {
            uint32_t set = value.ct_state & mask.ct_state;
            if (set & (packet::kCtNew | packet::kCtEstablished | packet::kCtRelated)) return true;
            return (set & packet::kCtTracked) && (mask.ct_state & packet::kCtInvalid) &&
                   !(value.ct_state & packet::kCtInvalid);
        }
        case Prerequisite::kMpls:
            return type == 0x8847 || type == 0x8848;
        case Prerequisite::kNsh:
            return type == 0x894f;
        case Prerequisite::kTcp:
            return l4 && proto == 6;
        case Prerequisite::kUdp:
            return l4 && proto == 17;
        case Prerequisite::kSctp:
            return l4 && proto == 132;
        case Prerequisite::kIcmpv4:
            return ip && proto == 1;  // here Open vSwitch does not ask for a first fragment
        case Prerequisite::kIcmpv6:
            return ip6 && proto == 58;
        case Prerequisite::kNd:
        case Prerequisite::kNdSolicit:
        case Prerequisite::kNdAdvert: {
            if (!ip6 || proto != 58 || mask.tp_src != 0xffff) return false;
            bool code = mask.tp_dst == 0xffff ? value.tp_dst == 0 : true;
            bool solicit = value.tp_src == 135, advert = value.tp_src == 136;
            return code && (prerequisite == Prerequisite::kNdSolicit  ? solicit
                            : prerequisite == Prerequisite::kNdAdvert ? advert
                                                                      : solicit || advert);
        }
    }
    return false;
}

bool Match::normalize() {
    bool changed = false;
    auto drop = [&](FieldId id) {
        if (is_set(id)) {
            clear(field(id));
            changed = true;
        }
    };
    auto met = [&](Prerequisite p) { return prerequisite_met(p, value, mask); };
    bool icmp = met(Prerequisite::kIcmpv4) || met(Prerequisite::kIcmpv6);
    bool arp = met(Prerequisite::kArp), nd = met(Prerequisite::kNd);
    if (!met(Prerequisite::kTcp) && !met(Prerequisite::kUdp) && !met(Prerequisite::kSctp) && !icmp) {
        drop(FieldId::kTcpSrc);
        drop(FieldId::kTcpDst);
    }
    if (!met(Prerequisite::kTcp)) drop(FieldId::kTcpFlags);
    if (!met(Prerequisite::kIpAny) && !arp) drop(FieldId::kIpProto);
    if (!met(Prerequisite::kIpAny)) {
        for (FieldId id : {FieldId::kIpTos, FieldId::kIpEcn, FieldId::kIpTtl, FieldId::kIpFrag}) drop(id);
    }
    if (!met(Prerequisite::kIpv4) && !arp) {
        drop(FieldId::kIpSrc);
        drop(FieldId::kIpDst);
    }
    if (!arp && !nd) {
        drop(FieldId::kArpSha);
        drop(FieldId::kArpTha);
    }
    if (nd) {
        if (!met(Prerequisite::kNdSolicit)) drop(FieldId::kNdSll);
        if (!met(Prerequisite::kNdAdvert)) drop(FieldId::kNdTll);
    } else {
        for (FieldId id : {FieldId::kNdTarget, FieldId::kNdReserved, FieldId::kNdOptionsType}) drop(id);
    }
    if (!met(Prerequisite::kIpv6)) {
        for (FieldId id : {FieldId::kIpv6Src, FieldId::kIpv6Dst, FieldId::kIpv6Label}) drop(id);
    }
    if (!met(Prerequisite::kMpls)) {
        for (FieldId id : {FieldId::kMplsLabel, FieldId::kMplsTc, FieldId::kMplsBos, FieldId::kMplsTtl})
            drop(id);
    }
    if (!met(Prerequisite::kNsh)) {
        for (FieldId id :
             {FieldId::kNshFlags, FieldId::kNshMdtype, FieldId::kNshNp, FieldId::kNshSpi, FieldId::kNshSi,
              FieldId::kNshC1, FieldId::kNshC2, FieldId::kNshC3, FieldId::kNshC4, FieldId::kNshTtl}) {
            drop(id);
        }
    }
    return changed;
}

namespace {

// Bytes of the key in which there are fields with prerequisites, and all fields that have just these bytes.
struct SharedPlace {
    size_t offset, width;
    std::vector<const Field*> fields;
};

std::vector<SharedPlace> find_shared_places() {
    std::vector<SharedPlace> places;
    for (size_t i = 0; i < kFieldCount; i++) {
        const Field& f = field(static_cast<FieldId>(i));
        auto is_there = [&](const SharedPlace& place) {
            return place.offset == f.offset && place.width == f.width;
        };
        if (f.prerequisite == Prerequisite::kNone || std::any_of(places.begin(), places.end(), is_there))
            continue;
        SharedPlace& place = places.emplace_back(SharedPlace{f.offset, f.width, {}});
        for (size_t j = 0; j < kFieldCount; j++) {
            const Field& g = field(static_cast<FieldId>(j));
            if (g.offset == f.offset && g.width == f.width) place.fields.push_back(&g);
        }
    }
    return places;
}

}  // namespace

// Most flows test few of the places, so that is looked at first.
bool Match::prerequisites_met() const {
    static const std::vector<SharedPlace> places = find_shared_places();
    for (const SharedPlace& place : places) {
        const uint8_t* bytes = at(mask, place.offset);
        if (std::all_of(bytes, bytes + place.width, [](uint8_t byte) { return byte == 0; })) continue;
        auto is_met = [&](const Field* f) { return prerequisite_met(f->prerequisite, value, mask); };
        // Fields that share their place in the key speak for each other: nw_src is arp_spa, tp_src icmp_type,
        // ….
        for (const Field* f : place.fields) {
            if (f->prerequisite == Prerequisite::kNone || !is_set(*f) || is_met(f)) continue;
            if (std::none_of(place.fields.begin(), place.fields.end(), is_met)) return false;
        }
    }
    return true;
}

}  // namespace weft::openflow
