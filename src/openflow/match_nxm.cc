// nx_match and OXM: a match as a list of type-length-value entries (ovs-fields(7), OpenFlow 1.2+ §7.2.3).

#include <cstddef>
#include <cstring>

#include "openflow/match.h"
#include "openflow/number.h"

namespace weft::openflow {
namespace {

constexpr FieldWire kCookieWire = {0x0001, 30, 0, true};  // NXM_NX_COOKIE; told from mpls_ttl by its length
constexpr uint16_t kExperimenterClass = 0xffff;

class Encoder {
  public:
    Encoder(const Match& match, Version version, ByteWriter& out)
        : match_(match), v_(match.value), m_(match.mask), version_(version), out_(out) {}

    void encode(uint64_t cookie, uint64_t cookie_mask);

  private:
    void number(FieldId id, uint64_t value, uint64_t mask, uint64_t all) {
        if (!mask) return;
        const Field& f = field(id);
        bool masked = (mask & all) != all;
        encode_oxm_header(f.wire(version_), masked, f.bytes, out_);
        integer(f.bytes, value);
        if (masked) integer(f.bytes, mask);
    }
    void integer(unsigned bytes, uint64_t value) {
        uint8_t padded[24] = {};
        store_be64(padded + 16, value);
        out_.bytes({padded + sizeof padded - bytes, bytes});
    }
    // What the registry alone knows how to find in a flow.
    void put(FieldId id) {
        const Field& f = field(id);
        const uint8_t* value = reinterpret_cast<const uint8_t*>(&v_) + f.offset;
        const uint8_t* mask = reinterpret_cast<const uint8_t*>(&m_) + f.offset;
        if (f.width == 6 || f.width > 8) return string(f, value, mask);
        uint64_t mask_bits = load_number(mask, f.width);
        if (!mask_bits) return;
        uint64_t value_bits = load_number(value, f.width), all = low_bits(f.bits);
        number(id, value_bits >> f.shift & all, mask_bits >> f.shift & all, all);
    }
    void string(const Field& f, const uint8_t* value, const uint8_t* mask) {
        bool any = false, all = true;
        for (unsigned i = 0; i < f.bytes; i++) {
            any |= mask[i] != 0;
            all &= mask[i] == 0xff;
        }
        if (!any) return;
        encode_oxm_header(f.wire(version_), !all, f.bytes, out_);
        out_.bytes({value, f.bytes});
        if (!all) out_.bytes({mask, f.bytes});
    }

    void ethernet();
    void vlan();
    void network();
    void transport();
    void tunnel();
    void registers();
    void connection();

    const Match& match_;
    const packet::Flow &v_, &m_;
    Version version_;
    ByteWriter& out_;
    uint32_t type_ = 0;
};

void Encoder::vlan() {
    uint16_t tci = v_.vlans[0].tci, mask = m_.vlans[0].tci;
    if (!mask) return;
    if (version_ == Version::k10) {
        number(FieldId::kVlanTci, tci, mask, 0xffff);
        return;
    }
    number(FieldId::kVlanVid, tci & 0x1fff, mask & 0x1fff, 0x1fff);
    if ((mask & packet::kVlanPcpMask) && (tci & mask & packet::kVlanCfi)) {
        number(FieldId::kVlanPcp, tci >> 13, 7, 7);
    }
}

void Encoder::ethernet() {
    put(FieldId::kEthDst);
    put(FieldId::kEthSrc);
    if (m_.dl_type) number(FieldId::kEthType, v_.dl_type, 0xffff, 0xffff);
    if (m_.dl_type == 0xffff) type_ = v_.dl_type;
    vlan();
    if (m_.mpls_lse[0]) {
        put(FieldId::kMplsLabel);
        put(FieldId::kMplsTc);
        put(FieldId::kMplsBos);
        put(FieldId::kMplsTtl);
    }
}

void Encoder::network() {
    if (type_ == 0x0806 || type_ == 0x8035) {
        if (m_.nw_proto) number(FieldId::kArpOp, v_.nw_proto, 0xffff, 0xffff);
        put(FieldId::kArpSpa);
        put(FieldId::kArpTpa);
        put(FieldId::kArpSha);
        put(FieldId::kArpTha);
        return;
    }
    if (type_ == 0x894f) {
        for (FieldId id :
             {FieldId::kNshFlags, FieldId::kNshTtl, FieldId::kNshMdtype, FieldId::kNshNp, FieldId::kNshSpi,
              FieldId::kNshSi, FieldId::kNshC1, FieldId::kNshC2, FieldId::kNshC3, FieldId::kNshC4}) {
            put(id);
        }
        return;
    }
    if (type_ == 0x0800) {
        put(FieldId::kIpSrc);
        put(FieldId::kIpDst);
    } else if (type_ == 0x86dd) {
        put(FieldId::kIpv6Src);
        put(FieldId::kIpv6Dst);
        put(FieldId::kIpv6Label);
    } else {
        return;
    }
    put(FieldId::kIpFrag);
    if (m_.nw_tos & 0xfc) {
        if (version_ == Version::k10) {
            number(FieldId::kIpTos, v_.nw_tos & 0xfc, 0xff, 0xff);
        } else {
            number(FieldId::kIpDscp, v_.nw_tos >> 2, 0x3f, 0x3f);
        }
    }
    if (m_.nw_tos & 3) number(FieldId::kIpEcn, v_.nw_tos & 3, 3, 3);
    put(FieldId::kIpTtl);
    put(FieldId::kIpProto);
    transport();
}

void Encoder::transport() {
    if (m_.nw_proto != 0xff) return;
    switch (v_.nw_proto) {
        case 6:
            put(FieldId::kTcpSrc);
            put(FieldId::kTcpDst);
            put(FieldId::kTcpFlags);
            return;
        case 17:
            put(FieldId::kUdpSrc);
            put(FieldId::kUdpDst);
            return;
        case 132:
            put(FieldId::kSctpSrc);
            put(FieldId::kSctpDst);
            return;
        case 1:
            if (type_ != 0x0800) return;
            if (m_.tp_src) number(FieldId::kIcmpType, v_.tp_src, 0xff, 0xff);
            if (m_.tp_dst) number(FieldId::kIcmpCode, v_.tp_dst, 0xff, 0xff);
            return;
        case 58:
            if (type_ != 0x86dd) return;
            if (m_.tp_src) number(FieldId::kIcmpv6Type, v_.tp_src, 0xff, 0xff);
            if (m_.tp_dst) number(FieldId::kIcmpv6Code, v_.tp_dst, 0xff, 0xff);
            put(FieldId::kNdTarget);
            if (m_.tp_src && v_.tp_src == 135) put(FieldId::kNdSll);
            if (m_.tp_src && v_.tp_src == 136) put(FieldId::kNdTll);
            put(FieldId::kNdReserved);
            put(FieldId::kNdOptionsType);
            return;
        default:
            return;
    }
}

void Encoder::tunnel() {
    const packet::Tunnel& m = m_.tunnel;
    static_assert(offsetof(packet::Flow, tunnel) == 0);
    if (!any_bit(m_, 0, offsetof(packet::Tunnel, metadata))) return;
    // Two bytes, of which there is one bit.
    constexpr unsigned kShift = 3;
    number(FieldId::kTunFlags, v_.tunnel.flags >> kShift & 1, m.flags >> kShift & 1, 0xffff);
    for (FieldId id : {FieldId::kTunId, FieldId::kTunSrc, FieldId::kTunDst, FieldId::kTunIpv6Src,
                       FieldId::kTunIpv6Dst, FieldId::kTunGbpId, FieldId::kTunGbpFlags,
                       FieldId::kTunErspanVer, FieldId::kTunErspanIdx, FieldId::kTunErspanDir,
                       FieldId::kTunErspanHwid, FieldId::kTunGtpuFlags, FieldId::kTunGtpuMsgtype}) {
        put(id);
    }
    uint64_t present = m.metadata_present;
    for (unsigned i = 0; present; i++, present >>= 1) {
        auto* slot = present & 1 && match_.tunnel_table ? match_.tunnel_table->slot(i) : nullptr;
        if (!slot) continue;
        const uint8_t *value = v_.tunnel.metadata.data() + slot->offset,
                      *mask = m.metadata.data() + slot->offset;
        bool all = true;
        for (unsigned j = 0; j < slot->size; j++) all &= mask[j] == 0xff;
        encode_oxm_header(field(tun_metadata_field(i)).wire(version_), !all, slot->size, out_);
        out_.bytes({value, slot->size});
        if (!all) out_.bytes({mask, slot->size});
    }
}

// OpenFlow 1.5 has registers of its own, each of which is two of Nicira's.
void Encoder::registers() {
    if (!any_bit(m_, offsetof(packet::Flow, regs), offsetof(packet::Flow, in_port))) return;
    for (unsigned i = 0; i < packet::kRegisters; i += 2) {
        uint32_t high = m_.regs[i], low = m_.regs[i + 1];
        if (version_ == Version::k15) {
            number(xreg_field(i / 2), uint64_t{v_.regs[i]} << 32 | v_.regs[i + 1], uint64_t{high} << 32 | low,
                   ~uint64_t{0});
            continue;
        }
        if (high) number(reg_field(i), v_.regs[i], high, 0xffffffff);
        if (low) number(reg_field(i + 1), v_.regs[i + 1], low, 0xffffffff);
    }
}

void Encoder::connection() {
    if (!any_bit(m_, offsetof(packet::Flow, pkt_mark), offsetof(packet::Flow, dl_dst))) return;
    put(FieldId::kPktMark);
    if (m_.ct_state) number(FieldId::kCtState, v_.ct_state, m_.ct_state, 0xffffffff);
    put(FieldId::kCtZone);
    put(FieldId::kCtMark);
    put(FieldId::kCtLabel);
    for (FieldId id : {FieldId::kCtNwSrc, FieldId::kCtNwDst, FieldId::kCtIpv6Src, FieldId::kCtIpv6Dst,
                       FieldId::kCtNwProto, FieldId::kCtTpSrc, FieldId::kCtTpDst}) {
        put(id);
    }
}

void Encoder::encode(uint64_t cookie, uint64_t cookie_mask) {
    // A match of what only Ethernet has says that it is Ethernet.
    bool told = any_bit(m_, offsetof(packet::Flow, dl_dst), offsetof(packet::Flow, mpls_lse));
    if (m_.packet_type && (v_.packet_type != 0 || !told)) {
        number(FieldId::kPacketType, v_.packet_type, 0xffffffff, 0xffffffff);
        if (v_.packet_type >> 16 == 1) type_ = v_.packet_type & 0xffff;
    }
    if (any_bit(m_, offsetof(packet::Flow, dp_hash), offsetof(packet::Flow, ct_state))) {
        put(FieldId::kDpHash);
        put(FieldId::kRecircId);
        put(FieldId::kConjId);
    }
    if (m_.in_port) {
        if (version_ == Version::k10) {
            number(FieldId::kInPort, port_to_of10(v_.in_port), 0xffff, 0xffff);
        } else {
            number(FieldId::kInPortOxm, v_.in_port, 0xffffffff, 0xffffffff);
        }
    }
    put(FieldId::kActsetOutput);
    ethernet();
    network();
    tunnel();
    registers();
    connection();
    put(FieldId::kMetadata);
    if (cookie_mask) {
        encode_oxm_header(kCookieWire, cookie_mask != ~0ull, 8, out_);
        out_.u64(cookie & cookie_mask);
        if (cookie_mask != ~0ull) out_.u64(cookie_mask);
    }
}

bool is_cookie(const OxmHeader& header) {
    return header.wire == kCookieWire && header.length == (header.has_mask ? 16 : 8);
}

// Value or mask of an entry, right-aligned in the field.
FieldValue take(const Field& f, ByteView bytes) {
    FieldValue out;
    std::memcpy(out.bytes.data() + f.bytes - bytes.size(), bytes.data(), bytes.size());
    return out;
}

OfError check_values(const Field& f, const FieldValue& value, const FieldValue& mask, bool has_mask) {
    for (unsigned i = 0; i < f.bytes; i++) {
        if (value.bytes[i] & ~mask.bytes[i] && has_mask) return OfError::OFPBMC_BAD_WILDCARDS;
    }
    if (f.id == FieldId::kIpTos ? value.bytes[0] & 3 : !value_fits(f, value))
        return OfError::OFPBMC_BAD_VALUE;
    if (f.id == FieldId::kInPortOxm || f.id == FieldId::kActsetOutput) {
        if (!port_in_range(static_cast<uint32_t>(value.low_u64(f)))) return OfError::OFPBMC_BAD_VALUE;
    }
    return OfError::kNone;
}

OfError decode_number(const OxmHeader& header, ByteView payload, const NxmOptions& options, Match& match) {
    const Field& f = *header.field;
    uint64_t ones = low_bits(span_of(f)), value = load_number(payload.data(), f.bytes), mask = ones;
    if (header.has_mask) {
        mask = load_number(payload.data() + f.bytes, f.bytes);
        if (!f.maskable && f.id != FieldId::kVlanVid && (mask & ones) != ones)
            return OfError::OFPBMC_BAD_MASK;
        if (value & ~mask) return OfError::OFPBMC_BAD_WILDCARDS;
    }
    if (value & (f.id == FieldId::kIpTos ? 3 : ~ones)) return OfError::OFPBMC_BAD_VALUE;
    if (f.id == FieldId::kInPortOxm || f.id == FieldId::kActsetOutput) {
        if (!port_in_range(static_cast<uint32_t>(value))) return OfError::OFPBMC_BAD_VALUE;
    }
    if (f.id == FieldId::kNshMdtype && value != 1 && value != 2) return OfError::OFPBMC_BAD_VALUE;
    if (!options.loose_prerequisites && !prerequisite_met(f.prerequisite, match.value, match.mask)) {
        return OfError::OFPBMC_BAD_PREREQ;
    }
    set_number(match, f, value, mask);
    return OfError::kNone;
}

OfError decode_entry(const OxmHeader& header, ByteView payload, const NxmOptions& options, Match& match) {
    const Field& f = *header.field;
    if (is_number(f) && payload.size() == (header.has_mask ? 2u : 1u) * f.bytes)
        return decode_number(header, payload, options, match);
    size_t size = header.has_mask ? payload.size() / 2 : payload.size();
    if (header.has_mask && payload.size() % 2) return OfError::OFPBMC_BAD_LEN;
    if (f.is_tun_metadata() ? size == 0 || size > f.bytes : size != f.bytes) return OfError::OFPBMC_BAD_LEN;
    ByteView value_bytes = payload.first(size),
             mask_bytes = payload.subspan(header.has_mask ? size : 0, size);
    if (f.is_tun_metadata() && options.tunnel_table) {  // of what is longer than the option its beginning
        auto* slot = options.tunnel_table->slot(f.tun_metadata_index());
        if (slot && size > slot->size) {
            size = slot->size;
            value_bytes = value_bytes.first(size);
            mask_bytes = mask_bytes.first(size);
        }
    }
    FieldValue value = take(f, value_bytes);
    FieldValue mask = FieldValue::all_ones(f);
    if (header.has_mask) {
        mask = take(f, mask_bytes);
        if (!f.maskable && f.id != FieldId::kVlanVid && !is_all_ones(f, mask))
            return OfError::OFPBMC_BAD_MASK;
    } else if (f.is_tun_metadata()) {
        mask = FieldValue();
        std::memset(mask.bytes.data() + f.bytes - size, 0xff, size);
    }
    if (OfError error = check_values(f, value, mask, header.has_mask); error != OfError::kNone) return error;
    if (f.is_tun_metadata() && options.tunnel_table) {
        auto* slot = options.tunnel_table->slot(f.tun_metadata_index());
        if (!slot) return OfError::NXFMFC_INVALID_TLV_FIELD;
        for (unsigned i = 0; i + slot->size < f.bytes; i++) {
            if (mask.bytes[i] && header.has_mask) return OfError::OFPBMC_BAD_LEN;
            if (value.bytes[i]) return OfError::OFPBMC_BAD_LEN;
        }
        if (!header.has_mask) std::memset(mask.bytes.data() + f.bytes - slot->size, 0xff, slot->size);
    }
    if (!options.loose_prerequisites && !prerequisite_met(f.prerequisite, match.value, match.mask)) {
        return OfError::OFPBMC_BAD_PREREQ;
    }
    match.set(f, value, mask, static_cast<uint8_t>(f.is_tun_metadata() ? size : 0));
    return OfError::kNone;
}

}  // namespace

void encode_oxm_header(const FieldWire& wire, bool has_mask, uint8_t length, ByteWriter& out) {
    uint8_t total = static_cast<uint8_t>(has_mask ? length * 2 : length);
    bool experimenter = wire.oxm_class == kExperimenterClass;
    if (experimenter) total = static_cast<uint8_t>(total + 4);
    out.u32(static_cast<uint32_t>(wire.oxm_class) << 16 | static_cast<uint32_t>(wire.number) << 9 |
            (has_mask ? 1u << 8 : 0) | total);
    if (experimenter) out.u32(wire.experimenter);
}

bool decode_oxm_header(ByteReader& in, OxmHeader& header) {
    header = OxmHeader();
    header.wire.exists = true;
    header.wire.oxm_class = in.u16();
    uint8_t number = in.u8();
    header.wire.number = number >> 1;
    header.has_mask = number & 1;
    header.length = in.u8();
    if (!in.ok()) return false;
    if (header.wire.oxm_class == kExperimenterClass) {
        if (header.length < 4) return false;
        header.length = static_cast<uint8_t>(header.length - 4);
        header.wire.experimenter = in.u32();
        if (!in.ok()) return false;
    }
    header.field = field_by_wire(header.wire.oxm_class, header.wire.number, header.wire.experimenter);
    return true;
}

void encode_nxm(const Match& match, Version version, ByteWriter& out, uint64_t cookie, uint64_t cookie_mask) {
    Encoder(match, version, out).encode(cookie, cookie_mask);
}

OfError decode_nxm(ByteView entries, const NxmOptions& options, Match& match, uint64_t* cookie,
                   uint64_t* cookie_mask) {
    if (options.tunnel_table_ref) match.tunnel_table = options.tunnel_table_ref;
    ByteReader in(entries);
    uint64_t seen[(kFieldCount + 63) / 64] = {};
    while (!in.empty()) {
        OxmHeader header;
        if (!decode_oxm_header(in, header) || header.length > in.size()) return OfError::OFPBMC_BAD_LEN;
        ByteView payload = in.bytes(header.length);
        if (is_cookie(header)) {
            if (!cookie) return OfError::NXBRC_NXM_INVALID;
            *cookie = load_be64(payload.data());
            *cookie_mask = header.has_mask ? load_be64(payload.data() + 8) : ~0ull;
            continue;
        }
        if (!header.field) {
            if (options.strict) return OfError::OFPBMC_BAD_FIELD;
            continue;
        }
        size_t index = static_cast<size_t>(header.field->id);
        if (seen[index / 64] >> index % 64 & 1) return OfError::OFPBMC_DUP_FIELD;
        seen[index / 64] |= 1ull << index % 64;
        OfError error = decode_entry(header, payload, options, match);
        if (error != OfError::kNone && (options.strict || error == OfError::OFPBMC_BAD_LEN)) return error;
    }
    return OfError::kNone;
}

}  // namespace weft::openflow
