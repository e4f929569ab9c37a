// set_field, load, move, push and pop, and the fixed-field actions: decoding and encoding.  Text:
// header_text.cc.

#include "openflow/actions/header.h"

#include <algorithm>

#include "openflow/actions/codec.h"

namespace weft::openflow::actions {
namespace {

constexpr uint16_t kNxSetTunnel = 2, kNxRegMove = 6, kNxRegLoad = 7, kNxSetTunnel64 = 9, kNxDecTtl = 18,
                   kNxDecTtlIds = 21, kNxPushMpls = 23, kNxPopMpls = 24, kNxSetMplsTtl = 25,
                   kNxDecMplsTtl = 26, kNxPush = 27, kNxPop = 28, kNxSetMplsLabel = 30, kNxSetMplsTc = 31,
                   kNxRegLoad2 = 33, kNxEncap = 46, kNxDecap = 47, kNxDecNshTtl = 48, kNxDeleteField = 50;
constexpr uint16_t kSetField = 25, kCopyField = 28;
constexpr uint16_t kNshPropClass = 0x0004;

bool at_least(const EncodeContext& c, Version version) {
    return c.version >= version;
}

// OFPAT_SET_FIELD, or NXAST_REG_LOAD2, which is the same with another name.
void encode_oxm_set(const SetField& a, EncodeContext& c, bool nicira) {
    const Field& f = field(a.field);
    size_t start;
    if (nicira) {
        start = begin_nicira(c, kNxRegLoad2);
    } else {
        start = begin(c, kSetField);
    }
    FieldValue value, mask;
    a.get(value, mask);
    // A load names the bits that it writes, also if the field has no others.
    bool exact = is_all_ones(f, mask) && !(a.load && f.bits != f.bytes * 8);
    const FieldWire& wire = c.version == Version::k10 ? f.nxm : f.wire(c.version);
    encode_oxm_header(wire, !exact, static_cast<uint8_t>(a.size()), c.out);
    c.out.bytes(a.value());
    if (!exact) c.out.bytes(a.mask());
    end(c, start);
}

void encode_reg_load(FieldId id, unsigned offset, unsigned bits, uint64_t value, EncodeContext& c) {
    size_t start = begin_nicira(c, kNxRegLoad);
    c.out.u16(static_cast<uint16_t>(offset << 6 | (bits - 1)));
    encode_field_header(c, id);
    c.out.u64(value);
    end(c, start);
}

// One NXAST_REG_LOAD for each run of ones in the mask, of at most 64 bits.
void encode_loads(const SetField& a, EncodeContext& c) {
    const Field& f = field(a.field);
    FieldValue value, mask;
    a.get(value, mask);
    auto bit = [&](const FieldValue& v, unsigned i) { return v.bytes[f.bytes - 1 - i / 8] >> i % 8 & 1; };
    for (unsigned i = 0; i < f.bits;) {
        if (!bit(mask, i)) {
            i++;
            continue;
        }
        unsigned run = 1;
        while (i + run < f.bits && run < 64 && bit(mask, i + run)) run++;
        uint64_t number = 0;
        for (unsigned j = 0; j < run; j++) number |= static_cast<uint64_t>(bit(value, i + j)) << j;
        encode_reg_load(a.field, i, run, number, c);
        i += run;
    }
}

uint64_t low_u64(const SetField& a) {
    FieldValue value, mask;
    a.get(value, mask);
    return value.low_u64(field(a.field));
}

// The action of OpenFlow 1.0 that does it, if one does.
bool encode_legacy(const SetField& a, EncodeContext& c) {
    uint64_t v = low_u64(a);
    packet::EthAddr mac{};
    if (a.size() == mac.size()) std::ranges::copy(a.value(), mac.begin());
    switch (a.field) {
        case FieldId::kEthSrc:
            encode(SetEthSrc{mac}, c);
            return true;
        case FieldId::kEthDst:
            encode(SetEthDst{mac}, c);
            return true;
        case FieldId::kIpSrc:
            encode(SetIpSrc{static_cast<uint32_t>(v)}, c);
            return true;
        case FieldId::kIpDst:
            encode(SetIpDst{static_cast<uint32_t>(v)}, c);
            return true;
        case FieldId::kIpDscp:
            encode(SetIpDscp{static_cast<uint8_t>(v << 2)}, c);
            return true;
        case FieldId::kIpTos:
            encode(SetIpDscp{static_cast<uint8_t>(v & 0xfc)}, c);
            return true;
        case FieldId::kIpEcn:
            if (c.version != Version::k11) return false;
            encode(SetIpEcn{static_cast<uint8_t>(v & 3)}, c);
            return true;
        case FieldId::kTcpSrc:  // SCTP's are load's
        case FieldId::kUdpSrc:
            encode(SetL4Src{static_cast<uint16_t>(v)}, c);
            return true;
        case FieldId::kTcpDst:
        case FieldId::kUdpDst:
            encode(SetL4Dst{static_cast<uint16_t>(v)}, c);
            return true;
        case FieldId::kVlanVid:
        case FieldId::kDlVlan:
            encode(SetVlanVid{static_cast<uint16_t>(v & 0xfff), true, true}, c);
            return true;
        case FieldId::kVlanPcp:
        case FieldId::kDlVlanPcp:
            encode(SetVlanPcp{static_cast<uint8_t>(v & 7), true, true}, c);
            return true;
        default:
            return false;
    }
}

SetField set(FieldId id, uint64_t value) {
    return SetField::make(id, value);
}

void encode_mac_field(const packet::EthAddr& address, uint16_t type, EncodeContext& c) {
    size_t start = begin(c, type);
    c.out.bytes(address);
    end(c, start);
}

}  // namespace

void encode(const SetField& a, EncodeContext& c) {
    const Field& f = field(a.field);
    FieldValue value, mask;
    a.get(value, mask);
    bool exact = is_all_ones(f, mask);
    bool oxm_header = f.wire(c.version).exists;
    if (c.version == Version::k15 && oxm_header) return encode_oxm_set(a, c, false);
    if (f.is_tun_metadata() || f.nxm.oxm_class == 0xffff) {
        return encode_oxm_set(a, c, c.version < Version::k12 || !exact || a.load);
    }
    if (!a.load && exact && at_least(c, Version::k12)) return encode_oxm_set(a, c, false);
    if (!a.load && c.version == Version::k10 && encode_legacy(a, c)) return;
    if (!a.load && c.version == Version::k11 && exact && encode_legacy(a, c)) return;
    encode_loads(a, c);
}

void encode(const RegMove& a, EncodeContext& c) {
    size_t start;
    if (c.version == Version::k15) {
        start = begin(c, kCopyField);
        c.out.u16(a.src.bits);
        c.out.u16(a.src.offset);
        c.out.u16(a.dst.offset);
        c.out.zeros(2);
        encode_field_header(c, a.src.field, false);
        encode_field_header(c, a.dst.field, false);
    } else {
        start = begin_nicira(c, kNxRegMove);
        c.out.u16(a.src.bits);
        c.out.u16(a.src.offset);
        c.out.u16(a.dst.offset);
        encode_field_header(c, a.src.field);
        encode_field_header(c, a.dst.field);
    }
    end(c, start);
}

namespace {
void encode_stack(const Subfield& s, uint16_t subtype, EncodeContext& c) {
    size_t start = begin_nicira(c, subtype);
    c.out.u16(s.offset);
    encode_field_header(c, s.field);
    c.out.u16(s.bits);
    end(c, start);
}
}  // namespace

void encode(const StackPush& a, EncodeContext& c) {
    encode_stack(a.subfield, kNxPush, c);
}
void encode(const StackPop& a, EncodeContext& c) {
    encode_stack(a.subfield, kNxPop, c);
}

void encode(const SetVlanVid& a, EncodeContext& c) {
    if (c.version == Version::k10) {
        size_t start = begin(c, 1);
        c.out.u16(a.vid);
        end(c, start);
        return;
    }
    if (!a.has_vlan && a.push_if_needed) encode(PushVlan{0x8100}, c);
    if (c.version == Version::k11) {
        size_t start = begin(c, 1);
        c.out.u16(a.vid);
        end(c, start);
    } else {
        encode(set(FieldId::kVlanVid, a.vid | packet::kVlanCfi), c);
    }
}

void encode(const SetVlanPcp& a, EncodeContext& c) {
    if (c.version == Version::k10) {
        size_t start = begin(c, 2);
        c.out.u8(a.pcp);
        end(c, start);
        return;
    }
    if (!a.has_vlan && a.push_if_needed) encode(PushVlan{0x8100}, c);
    if (c.version == Version::k11) {
        size_t start = begin(c, 2);
        c.out.u8(a.pcp);
        end(c, start);
    } else {
        encode(set(FieldId::kVlanPcp, a.pcp), c);
    }
}

void encode(const StripVlan&, EncodeContext& c) {
    end(c, begin(c, c.version == Version::k10 ? 3 : 18));
}

void encode(const PushVlan& a, EncodeContext& c) {
    if (c.version == Version::k10) return;  // only mod_vlan_vid can add a tag there
    size_t start = begin(c, 17);
    c.out.u16(a.ethertype);
    end(c, start);
}

void encode(const SetEthSrc& a, EncodeContext& c) {
    if (at_least(c, Version::k12)) {
        FieldValue value;
        std::copy(a.address.begin(), a.address.end(), value.bytes.begin());
        encode(SetField::make(FieldId::kEthSrc, value, FieldValue::all_ones(field(FieldId::kEthSrc))), c);
    } else {
        encode_mac_field(a.address, c.version == Version::k10 ? 4 : 3, c);
    }
}

void encode(const SetEthDst& a, EncodeContext& c) {
    if (at_least(c, Version::k12)) {
        FieldValue value;
        std::copy(a.address.begin(), a.address.end(), value.bytes.begin());
        encode(SetField::make(FieldId::kEthDst, value, FieldValue::all_ones(field(FieldId::kEthDst))), c);
    } else {
        encode_mac_field(a.address, c.version == Version::k10 ? 5 : 4, c);
    }
}

namespace {
// A number of `bytes` bytes as set_field(id) in 1.2+, else as the standard action of 1.0 or 1.1.
void encode_number(FieldId id, uint64_t value, unsigned bytes, uint16_t type10, uint16_t type11,
                   EncodeContext& c) {
    if (at_least(c, Version::k12)) return encode(set(id, value), c);
    size_t start = begin(c, c.version == Version::k10 ? type10 : type11);
    for (unsigned i = bytes; i-- > 0;) c.out.u8(static_cast<uint8_t>(value >> 8 * i));
    end(c, start);
}
}  // namespace

void encode(const SetIpSrc& a, EncodeContext& c) {
    encode_number(FieldId::kIpSrc, a.address, 4, 6, 5, c);
}
void encode(const SetIpDst& a, EncodeContext& c) {
    encode_number(FieldId::kIpDst, a.address, 4, 7, 6, c);
}
void encode(const SetIpDscp& a, EncodeContext& c) {
    if (at_least(c, Version::k12)) return encode(set(FieldId::kIpDscp, a.tos >> 2), c);
    encode_number(FieldId::kIpTos, a.tos, 1, 8, 7, c);
}
void encode(const SetIpEcn& a, EncodeContext& c) {
    if (c.version == Version::k10) {
        SetField load = SetField::make_load(whole_field(FieldId::kIpEcn), a.ecn);
        return encode(load, c);
    }
    encode_number(FieldId::kIpEcn, a.ecn, 1, 0, 8, c);
}
void encode(const SetIpTtl& a, EncodeContext& c) {
    if (c.version == Version::k10) {
        SetField load = SetField::make_load(whole_field(FieldId::kIpTtl), a.ttl);
        return encode(load, c);
    }
    size_t start = begin(c, 23);
    c.out.u8(a.ttl);
    end(c, start);
}
// In 1.2+ which protocol's port it is matters; TCP's, UDP's and SCTP's are the same bits of the flow, and the
// registry's first one that the flow's own match allows is chosen by note_vlan_state()'s caller.
void encode(const SetL4Src& a, EncodeContext& c) {
    FieldId id = a.proto == 17 ? FieldId::kUdpSrc : a.proto == 132 ? FieldId::kSctpSrc : FieldId::kTcpSrc;
    encode_number(id, a.port, 2, 9, 9, c);
}
void encode(const SetL4Dst& a, EncodeContext& c) {
    FieldId id = a.proto == 17 ? FieldId::kUdpDst : a.proto == 132 ? FieldId::kSctpDst : FieldId::kTcpDst;
    encode_number(id, a.port, 2, 10, 10, c);
}

void encode(const SetTunnel& a, EncodeContext& c) {
    if (at_least(c, Version::k12)) return encode(set(FieldId::kTunId, a.tun_id), c);
    bool wide = a.wide || a.tun_id >> 32;
    size_t start = begin_nicira(c, wide ? kNxSetTunnel64 : kNxSetTunnel);
    c.out.zeros(wide ? 6 : 2);
    if (wide) {
        c.out.u64(a.tun_id);
    } else {
        c.out.u32(static_cast<uint32_t>(a.tun_id));
    }
    end(c, start);
}

void encode(const DecTtl& a, EncodeContext& c) {
    if (!a.controllers) {
        end(c, c.version == Version::k10 ? begin_nicira(c, kNxDecTtl) : begin(c, 24));
        return;
    }
    size_t start = begin_nicira(c, kNxDecTtlIds);
    c.out.u16(static_cast<uint16_t>(a.controllers->size()));
    c.out.zeros(4);
    for (uint16_t id : *a.controllers) c.out.u16(id);
    end(c, start);
}

void encode(const SetMplsLabel& a, EncodeContext& c) {
    if (at_least(c, Version::k12)) return encode(set(FieldId::kMplsLabel, a.label), c);
    size_t start = c.version == Version::k10 ? begin_nicira(c, kNxSetMplsLabel) : begin(c, 13);
    if (c.version == Version::k10) c.out.zeros(2);
    c.out.u32(a.label);
    end(c, start);
}
void encode(const SetMplsTc& a, EncodeContext& c) {
    if (at_least(c, Version::k12)) return encode(set(FieldId::kMplsTc, a.tc), c);
    size_t start = c.version == Version::k10 ? begin_nicira(c, kNxSetMplsTc) : begin(c, 14);
    c.out.u8(a.tc);
    end(c, start);
}
void encode(const SetMplsTtl& a, EncodeContext& c) {
    size_t start = c.version == Version::k10 ? begin_nicira(c, kNxSetMplsTtl) : begin(c, 15);
    c.out.u8(a.ttl);
    end(c, start);
}
void encode(const DecMplsTtl&, EncodeContext& c) {
    end(c, c.version == Version::k10 ? begin_nicira(c, kNxDecMplsTtl) : begin(c, 16));
}
void encode(const DecNshTtl&, EncodeContext& c) {
    end(c, begin_nicira(c, kNxDecNshTtl));
}
void encode(const PushMpls& a, EncodeContext& c) {
    size_t start = c.version == Version::k10 ? begin_nicira(c, kNxPushMpls) : begin(c, 19);
    c.out.u16(a.ethertype);
    end(c, start);
}
void encode(const PopMpls& a, EncodeContext& c) {
    size_t start = c.version == Version::k10 ? begin_nicira(c, kNxPopMpls) : begin(c, 20);
    c.out.u16(a.ethertype);
    end(c, start);
}
void encode(const DeleteField& a, EncodeContext& c) {
    constexpr size_t kSize = 24;  // there is room for a longer header
    size_t start = begin_nicira(c, kNxDeleteField);
    const Field& f = field(a.field);
    encode_oxm_header(f.wire(c.version), false, f.bytes, c.out);
    c.out.zeros(start + kSize - c.out.size());
    end(c, start);
}

void encode(const Encap& a, EncodeContext& c) {
    size_t start = begin_nicira(c, kNxEncap);
    c.out.u16(a.header_size);
    c.out.u32(a.packet_type);
    for (const EncapProperty& p : a.properties) {
        size_t at = c.out.size();
        c.out.u16(p.prop_class);
        c.out.u8(p.type);
        c.out.u8(0);
        if (p.type == 1) {
            c.out.u8(p.md_type);
            c.out.patch_u8(at + 3, 5);
            c.out.pad(8, at);
        } else {
            c.out.u16(p.tlv_class);
            c.out.u8(p.tlv_type);
            c.out.u8(static_cast<uint8_t>(p.data.size()));
            c.out.bytes(p.data);
            c.out.pad(8, at);
            c.out.patch_u8(at + 3, static_cast<uint8_t>(c.out.size() - at));
        }
    }
    end(c, start);
}

void encode(const Decap& a, EncodeContext& c) {
    size_t start = begin_nicira(c, kNxDecap);
    c.out.zeros(2);
    c.out.u32(a.packet_type);
    end(c, start);
}

// Decoding.

namespace {

OfError decode_set_field(ByteReader& in, DecodeContext& c) {
    OxmHeader header;
    if (!decode_oxm_header(in, header)) return OfError::OFPBAC_BAD_SET_LEN;
    if (!header.field) return OfError::OFPBAC_BAD_SET_TYPE;
    const Field& f = *header.field;
    if (!option_is_mapped(f, c)) return OfError::NXFMFC_INVALID_TLV_FIELD;
    if (in.size() < header.length) return OfError::OFPBAC_BAD_SET_LEN;
    size_t size = header.has_mask ? header.length / 2u : header.length;
    if (!size || (f.is_tun_metadata() ? size > f.bytes : size != f.bytes) ||
        (header.has_mask && header.length % 2)) {
        return OfError::OFPBAC_BAD_SET_LEN;
    }
    SetField a;
    a.field = f.id;
    ByteView value = in.bytes(size);
    a.bytes.assign(value.begin(), value.end());
    if (header.has_mask) {
        ByteView mask = in.bytes(size);
        for (size_t i = 0; i < size; i++) {
            if (value[i] & ~mask[i]) return OfError::OFPBMC_BAD_WILDCARDS;
        }
        a.bytes.insert(a.bytes.end(), mask.begin(), mask.end());
    } else if (f.is_tun_metadata()) {
        a.bytes.resize(2 * size, 0xff);
    } else {
        FieldValue ones = FieldValue::all_ones(f);
        a.bytes.insert(a.bytes.end(), ones.bytes.begin(), ones.bytes.begin() + f.bytes);
    }
    if (!all_zeros(in.rest())) return OfError::OFPBAC_BAD_SET_LEN;
    if (f.is_tun_metadata() && c.tunnel_table) {  // of what is longer than the option its beginning
        auto* slot = c.tunnel_table->slot(f.tun_metadata_index());
        if (slot && size > slot->size) {
            a.bytes.erase(a.bytes.begin() + size + slot->size, a.bytes.end());
            a.bytes.erase(a.bytes.begin() + slot->size, a.bytes.begin() + size);
        }
    }
    FieldValue v, m;
    a.get(v, m);
    if (!f.writable) return OfError::OFPBAC_BAD_SET_ARGUMENT;
    if (f.id == FieldId::kIpTos ? v.bytes[0] & 3 : !value_fits(f, v)) return OfError::OFPBAC_BAD_SET_ARGUMENT;
    c.out.push_back(std::move(a));
    return OfError::kNone;
}

OfError decode_reg_load(ByteReader& in, DecodeContext& c) {
    uint16_t bits = in.u16();
    Subfield dst;
    if (OfError error = decode_subfield(in, c, bits, dst); error != OfError::kNone) return error;
    uint64_t value = in.u64();
    if (!in.ok()) return OfError::OFPBAC_BAD_LEN;
    if (dst.bits < 64 && value >> dst.bits) return OfError::OFPBAC_BAD_ARGUMENT;
    if (!field(dst.field).writable) return OfError::OFPBAC_BAD_ARGUMENT;
    c.out.push_back(SetField::make_load(dst, value));
    return OfError::kNone;
}

OfError make_move(ByteReader& in, uint16_t bits, uint16_t src_ofs, uint16_t dst_ofs, DecodeContext& c) {
    RegMove a;
    if (OfError error = decode_field(in, c, a.src.field); error != OfError::kNone) return error;
    if (OfError error = decode_field(in, c, a.dst.field); error != OfError::kNone) return error;
    if (!bits || src_ofs + bits > field(a.src.field).bits || dst_ofs + bits > field(a.dst.field).bits ||
        !field(a.dst.field).writable) {
        return OfError::OFPBAC_BAD_ARGUMENT;
    }
    a.src.offset = src_ofs;
    a.dst.offset = dst_ofs;
    a.src.bits = a.dst.bits = bits;
    if (!option_has(a.src, c) || !option_has(a.dst, c)) return OfError::OFPBAC_BAD_SET_LEN;
    c.out.push_back(a);
    return OfError::kNone;
}

OfError decode_move(ByteReader& in, DecodeContext& c) {
    uint16_t bits = in.u16(), src = in.u16(), dst = in.u16();
    if (!in.ok()) return OfError::OFPBAC_BAD_LEN;
    return make_move(in, bits, src, dst, c);
}

OfError decode_copy_field(ByteReader& in, DecodeContext& c) {
    uint16_t bits = in.u16(), src = in.u16(), dst = in.u16();
    in.skip(2);
    if (!in.ok()) return OfError::OFPBAC_BAD_LEN;
    return make_move(in, bits, src, dst, c);
}

OfError decode_stack(ByteReader& in, const DecodeContext& c, Subfield& s) {
    s.offset = in.u16();
    if (OfError error = decode_field(in, c, s.field); error != OfError::kNone) return error;
    s.bits = in.u16();
    if (!in.ok()) return OfError::OFPBAC_BAD_LEN;
    if (!all_zeros(in.rest())) return OfError::NXBAC_MUST_BE_ZERO;
    if (!s.bits || s.offset + s.bits > field(s.field).bits) return OfError::OFPBAC_BAD_ARGUMENT;
    return option_has(s, c) ? OfError::kNone : OfError::OFPBAC_BAD_SET_LEN;
}

OfError decode_push(ByteReader& in, DecodeContext& c) {
    StackPush a;
    OfError error = decode_stack(in, c, a.subfield);
    if (error == OfError::kNone) c.out.push_back(a);
    return error;
}

OfError decode_pop(ByteReader& in, DecodeContext& c) {
    StackPop a;
    OfError error = decode_stack(in, c, a.subfield);
    if (error == OfError::kNone && !field(a.subfield.field).writable) error = OfError::OFPBAC_BAD_ARGUMENT;
    if (error == OfError::kNone) c.out.push_back(a);
    return error;
}

OfError decode_set_tunnel(ByteReader& in, DecodeContext& c) {
    in.skip(2);
    uint32_t id = in.u32();
    if (!in.ok()) return OfError::OFPBAC_BAD_LEN;
    c.out.push_back(SetTunnel{id, false});
    return OfError::kNone;
}

OfError decode_set_tunnel64(ByteReader& in, DecodeContext& c) {
    in.skip(6);
    uint64_t id = in.u64();
    if (!in.ok()) return OfError::OFPBAC_BAD_LEN;
    c.out.push_back(SetTunnel{id, true});
    return OfError::kNone;
}

OfError decode_dec_ttl(ByteReader&, DecodeContext& c) {
    c.out.push_back(DecTtl{});
    return OfError::kNone;
}

OfError decode_dec_ttl_ids(ByteReader& in, DecodeContext& c) {
    DecTtl a;
    uint16_t count = in.u16();
    if (!all_zeros(in.bytes(4))) return OfError::NXBRC_MUST_BE_ZERO;
    if (in.size() < count * 2u) return OfError::OFPBAC_BAD_LEN;
    auto& controllers = a.controllers.emplace();
    for (unsigned i = 0; i < count; i++) controllers.push_back(in.u16());
    c.out.push_back(std::move(a));
    return OfError::kNone;
}

template <typename T, typename Member>
OfError decode_u8(ByteReader& in, DecodeContext& c, Member T::*member) {
    T a;
    a.*member = in.u8();
    if (!in.ok()) return OfError::OFPBAC_BAD_LEN;
    c.out.push_back(a);
    return OfError::kNone;
}
template <typename T, typename Member>
OfError decode_u16(ByteReader& in, DecodeContext& c, Member T::*member) {
    T a;
    a.*member = in.u16();
    if (!in.ok()) return OfError::OFPBAC_BAD_LEN;
    c.out.push_back(a);
    return OfError::kNone;
}
template <typename T, typename Member>
OfError decode_u32(ByteReader& in, DecodeContext& c, Member T::*member) {
    T a;
    a.*member = in.u32();
    if (!in.ok()) return OfError::OFPBAC_BAD_LEN;
    c.out.push_back(a);
    return OfError::kNone;
}

OfError decode_nx_mpls_label(ByteReader& in, DecodeContext& c) {
    in.skip(2);
    return decode_u32<SetMplsLabel>(in, c, &SetMplsLabel::label);
}
OfError decode_mpls_tc(ByteReader& in, DecodeContext& c) {
    return decode_u8<SetMplsTc>(in, c, &SetMplsTc::tc);
}
OfError decode_mpls_ttl(ByteReader& in, DecodeContext& c) {
    return decode_u8<SetMplsTtl>(in, c, &SetMplsTtl::ttl);
}
OfError decode_dec_mpls_ttl(ByteReader&, DecodeContext& c) {
    c.out.push_back(DecMplsTtl{});
    return OfError::kNone;
}
OfError decode_dec_nsh_ttl(ByteReader&, DecodeContext& c) {
    c.out.push_back(DecNshTtl{});
    return OfError::kNone;
}
OfError decode_push_mpls(ByteReader& in, DecodeContext& c) {
    uint16_t type = in.u16();
    if (!in.ok()) return OfError::OFPBAC_BAD_LEN;
    c.out.push_back(PushMpls{type});
    return type == 0x8847 || type == 0x8848 ? OfError::kNone : OfError::OFPBAC_BAD_ARGUMENT;
}
OfError decode_pop_mpls(ByteReader& in, DecodeContext& c) {
    return decode_u16<PopMpls>(in, c, &PopMpls::ethertype);
}
OfError decode_delete_field(ByteReader& in, DecodeContext& c) {
    OxmHeader header;
    if (!decode_oxm_header(in, header)) return OfError::OFPBAC_BAD_LEN;
    if (!header.field || !header.field->is_tun_metadata()) return OfError::OFPBAC_BAD_ARGUMENT;
    if (!option_is_mapped(*header.field, c)) return OfError::NXFMFC_INVALID_TLV_FIELD;
    c.out.push_back(DeleteField{header.field->id});
    return OfError::kNone;
}

OfError decode_encap(ByteReader& in, DecodeContext& c) {
    Encap a;
    a.header_size = in.u16();
    a.packet_type = in.u32();
    if (!in.ok()) return OfError::OFPBAC_BAD_LEN;
    if (a.packet_type != 0 && a.packet_type != 0x1894f && a.packet_type != 0x18847 &&
        a.packet_type != 0x18848) {
        return OfError::NXBAC_UNKNOWN_ED_PROP;
    }
    while (in.size() >= 8) {
        EncapProperty p;
        p.prop_class = in.u16();
        p.type = in.u8();
        uint8_t length = in.u8();
        size_t padded = (length + 7u) / 8 * 8;
        if (length < 4 || padded < 8 || in.size() + 4 < padded) return OfError::OFPBAC_BAD_LEN;
        ByteReader body(in.bytes(padded - 4));
        if (p.prop_class != kNshPropClass) return OfError::NXBAC_UNKNOWN_ED_PROP;
        if (p.type == 1) {
            p.md_type = body.u8();
            if (p.md_type != 1 && p.md_type != 2) return OfError::OFPBAC_BAD_ARGUMENT;
        } else if (p.type == 2) {
            p.tlv_class = body.u16();
            p.tlv_type = body.u8();
            ByteView data = body.bytes(body.u8());
            p.data.assign(data.begin(), data.end());
        } else {
            return OfError::NXBAC_UNKNOWN_ED_PROP;
        }
        if (!body.ok()) return OfError::OFPBAC_BAD_LEN;
        a.properties.push_back(std::move(p));
    }
    c.out.push_back(std::move(a));
    return OfError::kNone;
}

OfError decode_decap(ByteReader& in, DecodeContext& c) {
    in.skip(2);
    return decode_u32<Decap>(in, c, &Decap::packet_type);
}

OfError decode_vlan_vid(ByteReader& in, DecodeContext& c, bool push) {
    uint16_t vid = in.u16();
    if (!in.ok()) return OfError::OFPBAC_BAD_LEN;
    if (vid & ~0xfff) return OfError::OFPBAC_BAD_ARGUMENT;
    c.out.push_back(SetVlanVid{vid, push, false});
    return OfError::kNone;
}
OfError decode_vlan_pcp(ByteReader& in, DecodeContext& c, bool push) {
    uint8_t pcp = in.u8();
    if (!in.ok()) return OfError::OFPBAC_BAD_LEN;
    if (pcp & ~7) return OfError::OFPBAC_BAD_ARGUMENT;
    c.out.push_back(SetVlanPcp{pcp, push, false});
    return OfError::kNone;
}
template <typename T>
OfError decode_mac(ByteReader& in, DecodeContext& c) {
    T a;
    a.address = in.array<6>();
    if (!in.ok() || in.size() != 6) return OfError::OFPBAC_BAD_LEN;
    c.out.push_back(a);
    return OfError::kNone;
}
OfError decode_tos(ByteReader& in, DecodeContext& c, bool shifted) {
    uint8_t tos = in.u8();
    if (!in.ok()) return OfError::OFPBAC_BAD_LEN;
    if (shifted) tos = static_cast<uint8_t>(tos << 2);
    if (tos & 3) return OfError::OFPBAC_BAD_ARGUMENT;
    c.out.push_back(SetIpDscp{tos});
    return OfError::kNone;
}

}  // namespace

const NumberedDecoder kHeaderDecoders[] = {
    {kNxSetTunnel, decode_set_tunnel},
    {kNxRegMove, decode_move},
    {kNxRegLoad, decode_reg_load},
    {kNxSetTunnel64, decode_set_tunnel64},
    {kNxDecTtl, decode_dec_ttl},
    {kNxDecTtlIds, decode_dec_ttl_ids},
    {kNxPushMpls, decode_push_mpls},
    {kNxPopMpls, decode_pop_mpls},
    {kNxSetMplsTtl, decode_mpls_ttl},
    {kNxDecMplsTtl, decode_dec_mpls_ttl},
    {kNxPush, decode_push},
    {kNxPop, decode_pop},
    {kNxSetMplsLabel, decode_nx_mpls_label},
    {kNxSetMplsTc, decode_mpls_tc},
    {kNxRegLoad2, decode_set_field},
    {kNxEncap, decode_encap},
    {kNxDecap, decode_decap},
    {kNxDecNshTtl, decode_dec_nsh_ttl},
    {kNxDeleteField, decode_delete_field},
    {0, nullptr},
};

bool decode_header10(uint16_t type, ByteReader& in, DecodeContext& c, OfError& error) {
    switch (type) {
        case 1:
            error = decode_vlan_vid(in, c, true);
            return true;
        case 2:
            error = decode_vlan_pcp(in, c, true);
            return true;
        case 3:
            c.out.push_back(StripVlan{true});
            error = OfError::kNone;
            return true;
        case 4:
            error = decode_mac<SetEthSrc>(in, c);
            return true;
        case 5:
            error = decode_mac<SetEthDst>(in, c);
            return true;
        case 6:
            error = decode_u32<SetIpSrc>(in, c, &SetIpSrc::address);
            return true;
        case 7:
            error = decode_u32<SetIpDst>(in, c, &SetIpDst::address);
            return true;
        case 8:
            error = decode_tos(in, c, false);
            return true;
        case 9:
            error = decode_u16<SetL4Src>(in, c, &SetL4Src::port);
            return true;
        case 10:
            error = decode_u16<SetL4Dst>(in, c, &SetL4Dst::port);
            return true;
        default:
            return false;
    }
}

namespace {
// The fixed-field actions that only OpenFlow 1.1 (and 1.2, by deprecation) has.
bool decode_header11_only(uint16_t type, ByteReader& in, DecodeContext& c, OfError& error) {
    switch (type) {
        case 1:
            error = decode_vlan_vid(in, c, false);
            return true;
        case 2:
            error = decode_vlan_pcp(in, c, false);
            return true;
        case 3:
            error = decode_mac<SetEthSrc>(in, c);
            return true;
        case 4:
            error = decode_mac<SetEthDst>(in, c);
            return true;
        case 5:
            error = decode_u32<SetIpSrc>(in, c, &SetIpSrc::address);
            return true;
        case 6:
            error = decode_u32<SetIpDst>(in, c, &SetIpDst::address);
            return true;
        case 7:
            error = decode_tos(in, c, false);
            return true;
        case 8:
            error = decode_u8<SetIpEcn>(in, c, &SetIpEcn::ecn);
            return true;
        case 9:
            error = decode_u16<SetL4Src>(in, c, &SetL4Src::port);
            return true;
        case 10:
            error = decode_u16<SetL4Dst>(in, c, &SetL4Dst::port);
            return true;
        case 13:
            error = decode_u32<SetMplsLabel>(in, c, &SetMplsLabel::label);
            return true;
        case 14:
            error = decode_mpls_tc(in, c);
            return true;
        default:
            return false;
    }
}
}  // namespace

bool decode_header11(uint16_t type, ByteReader& in, DecodeContext& c, OfError& error) {
    if (c.version == Version::k11 && decode_header11_only(type, in, c, error)) return true;
    switch (type) {
        case 15:
            error = decode_mpls_ttl(in, c);
            return true;
        case 16:
            error = decode_dec_mpls_ttl(in, c);
            return true;
        case 17: {
            uint16_t ethertype = in.u16();
            c.out.push_back(PushVlan{ethertype});
            error =
                ethertype == 0x8100 || ethertype == 0x88a8 ? OfError::kNone : OfError::OFPBAC_BAD_ARGUMENT;
            return true;
        }
        case 18:
            c.out.push_back(StripVlan{false});
            error = OfError::kNone;
            return true;
        case 19:
            error = decode_push_mpls(in, c);
            return true;
        case 20:
            error = decode_pop_mpls(in, c);
            return true;
        case 23:
            error = decode_u8<SetIpTtl>(in, c, &SetIpTtl::ttl);
            return true;
        case 24:
            error = decode_dec_ttl(in, c);
            return true;
        case kSetField:
            if (c.version < Version::k12) return false;
            error = decode_set_field(in, c);
            return true;
        case kCopyField:
            if (c.version != Version::k15) return false;
            error = decode_copy_field(in, c);
            return true;
        default:
            return false;
    }
}

}  // namespace weft::openflow::actions
