// struct ofp_match: the fixed ones of OpenFlow 1.0 (§5.2.3) and 1.1, and the OXM container of 1.2+.

#include "openflow/match.h"

namespace weft::openflow {
namespace {

// OpenFlow 1.0 wildcards.
enum : uint32_t {
    kW10InPort = 1 << 0,
    kW10Vlan = 1 << 1,
    kW10DlSrc = 1 << 2,
    kW10DlDst = 1 << 3,
    kW10DlType = 1 << 4,
    kW10Proto = 1 << 5,
    kW10TpSrc = 1 << 6,
    kW10TpDst = 1 << 7,
    kW10Pcp = 1 << 20,
    kW10Tos = 1 << 21,
};
constexpr unsigned kW10SrcShift = 8, kW10DstShift = 14;
constexpr uint16_t kVlanNone = 0xffff;

// OpenFlow 1.1 wildcards.
enum : uint32_t {
    kW11InPort = 1 << 0,
    kW11Vlan = 1 << 1,
    kW11Pcp = 1 << 2,
    kW11DlType = 1 << 3,
    kW11Tos = 1 << 4,
    kW11Proto = 1 << 5,
    kW11TpSrc = 1 << 6,
    kW11TpDst = 1 << 7,
    kW11MplsLabel = 1 << 8,
    kW11MplsTc = 1 << 9,
    kW11All = (1 << 10) - 1,
};
constexpr uint16_t kVlanAny11 = 0xfffe;
constexpr uint16_t kFixedLength11 = 88;

bool is_prefix(uint32_t mask) {
    return (~mask & (~mask + 1)) == 0;
}

void put_mac(ByteWriter& out, const packet::EthAddr& address) {
    out.bytes(address);
}

constexpr packet::EthAddr kNoMac{}, kAllMac = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff};

// True if nothing beyond `known`'s mask is matched.
bool only(const Match& match, const packet::Flow& known) {
    const uint64_t *m = packet::words(match.mask), *k = packet::words(known);
    for (size_t i = 0; i < packet::kFlowWords; i++) {
        if (m[i] & ~k[i]) return false;
    }
    return true;
}

packet::Flow fields10() {
    packet::Flow known = packet::zero_flow();
    known.in_port = 0xffffffff;
    known.packet_type = 0xffffffff;  // always Ethernet
    known.dl_src = known.dl_dst = kAllMac;
    known.dl_type = 0xffff;
    known.vlans[0].tci = 0xffff;
    known.nw_src = known.nw_dst = 0xffffffff;
    known.nw_proto = 0xff;
    known.nw_tos = 0xfc;
    known.tp_src = known.tp_dst = 0xffff;
    return known;
}

}  // namespace

bool encode_ofp10_match(const Match& match, ByteWriter& out) {
    static const packet::Flow kKnown = fields10();
    const packet::Flow &v = match.value, &m = match.mask;
    if (!only(match, kKnown) || (m.packet_type && v.packet_type != 0)) return false;
    auto exact_or_none = [](uint32_t mask, uint32_t all) { return mask == 0 || mask == all; };
    if (!is_prefix(m.nw_src) || !is_prefix(m.nw_dst) || !exact_or_none(m.tp_src, 0xffff) ||
        !exact_or_none(m.tp_dst, 0xffff) || (m.dl_src != kNoMac && m.dl_src != kAllMac) ||
        (m.dl_dst != kNoMac && m.dl_dst != kAllMac)) {
        return false;
    }
    uint32_t wild = 0;
    if (!m.in_port) wild |= kW10InPort;
    if (m.dl_src == kNoMac) wild |= kW10DlSrc;
    if (m.dl_dst == kNoMac) wild |= kW10DlDst;
    if (!m.dl_type) wild |= kW10DlType;
    if (!m.nw_proto) wild |= kW10Proto;
    if (!m.tp_src) wild |= kW10TpSrc;
    if (!m.tp_dst) wild |= kW10TpDst;
    if (!(m.nw_tos & 0xfc)) wild |= kW10Tos;
    wild |= static_cast<uint32_t>(32 - __builtin_popcount(m.nw_src)) << kW10SrcShift;
    wild |= static_cast<uint32_t>(32 - __builtin_popcount(m.nw_dst)) << kW10DstShift;

    uint16_t tci = v.vlans[0].tci, tci_mask = m.vlans[0].tci, vlan = 0;
    uint8_t pcp = 0;
    bool vid_exact = (tci_mask & 0xfff) == 0xfff, pcp_exact = (tci_mask >> 13) == 7;
    if (!tci_mask) {
        wild |= kW10Vlan | kW10Pcp;
    } else if (!(tci_mask & packet::kVlanCfi)) {
        return false;
    } else if (!(tci & packet::kVlanCfi)) {
        if (!vid_exact || (tci & 0xfff)) return false;
        vlan = kVlanNone;
        if (!pcp_exact) wild |= kW10Pcp;  // else the match may be exact, which means the highest priority
    } else {
        if ((tci_mask & 0xfff) && !vid_exact) return false;
        if (vid_exact) {
            vlan = tci & 0xfff;
        } else {
            wild |= kW10Vlan;
        }
        if (pcp_exact) {
            pcp = static_cast<uint8_t>(tci >> 13);
        } else {
            wild |= kW10Pcp;
        }
        if (!vid_exact && !pcp_exact) return false;
    }
    out.u32(wild);
    out.u16(port_to_of10(v.in_port));
    put_mac(out, v.dl_src);
    put_mac(out, v.dl_dst);
    out.u16(vlan);
    out.u8(pcp);
    out.u8(0);
    out.u16(v.dl_type);
    out.u8(v.nw_tos & 0xfc);
    out.u8(v.nw_proto);
    out.u16(0);
    out.u32(v.nw_src);
    out.u32(v.nw_dst);
    out.u16(v.tp_src);
    out.u16(v.tp_dst);
    return true;
}

OfError decode_ofp10_match(ByteReader& in, Match& match) {
    uint32_t wild = in.u32();
    uint16_t port = in.u16();
    packet::EthAddr src = in.array<6>(), dst = in.array<6>();
    uint16_t vlan = in.u16();
    uint8_t pcp = in.u8();
    in.skip(1);
    uint16_t type = in.u16();
    uint8_t tos = in.u8(), proto = in.u8();
    in.skip(2);
    uint32_t nw_src = in.u32(), nw_dst = in.u32();
    uint16_t tp_src = in.u16(), tp_dst = in.u16();
    if (!in.ok()) return OfError::OFPBRC_BAD_LEN;
    if (!(wild & kW10InPort)) match.set_in_port(port_from_of10(port));
    if (!(wild & kW10DlSrc)) match.set_dl_src(src);
    if (!(wild & kW10DlDst)) match.set_dl_dst(dst);
    if (!(wild & kW10DlType)) match.set_dl_type(type);
    if (!(wild & kW10Vlan)) {
        if (vlan == kVlanNone) {
            match.mask.vlans[0].tci = 0xffff;  // no tag, so no priority either
        } else {
            match.set(FieldId::kDlVlan, vlan & 0xfff);
        }
    }
    if (!(wild & kW10Pcp) && (wild & kW10Vlan || vlan != kVlanNone)) match.set(FieldId::kDlVlanPcp, pcp & 7);
    if (!(wild & kW10Tos)) match.set(FieldId::kIpTos, tos & 0xfc);
    if (!(wild & kW10Proto)) match.set(FieldId::kIpProto, proto);
    uint32_t src_wild = std::min(wild >> kW10SrcShift & 63, 32u),
             dst_wild = std::min(wild >> kW10DstShift & 63, 32u);
    if (src_wild < 32) match.set_nw_src(nw_src, ~0u << src_wild);
    if (dst_wild < 32) match.set_nw_dst(nw_dst, ~0u << dst_wild);
    if (!(wild & kW10TpSrc)) match.set(FieldId::kTcpSrc, tp_src);
    if (!(wild & kW10TpDst)) match.set(FieldId::kTcpDst, tp_dst);
    match.normalize();
    return OfError::kNone;
}

bool encode_ofp11_match(const Match& match, ByteWriter& out) {
    static const packet::Flow kKnown = [] {
        packet::Flow known = fields10();
        known.metadata = ~0ull;
        known.mpls_lse[0] = 0xfffffe00;
        return known;
    }();
    const packet::Flow &v = match.value, &m = match.mask;
    if (!only(match, kKnown) || (m.packet_type && v.packet_type != 0)) return false;
    uint32_t wild = 0;
    if (!m.in_port) wild |= kW11InPort;
    if (!m.dl_type) wild |= kW11DlType;
    if (!(m.nw_tos & 0xfc)) wild |= kW11Tos;
    if (!m.nw_proto) wild |= kW11Proto;
    if (!m.tp_src) wild |= kW11TpSrc;
    if (!m.tp_dst) wild |= kW11TpDst;
    if (!(m.mpls_lse[0] & 0xfffff000)) wild |= kW11MplsLabel;
    if (!(m.mpls_lse[0] & 0xe00)) wild |= kW11MplsTc;
    uint16_t tci = v.vlans[0].tci, tci_mask = m.vlans[0].tci, vlan = 0;
    uint8_t pcp = 0;
    if (!(tci_mask & packet::kVlanCfi)) {
        if (tci_mask) return false;
        wild |= kW11Vlan | kW11Pcp;
    } else if (!(tci & packet::kVlanCfi)) {
        vlan = kVlanNone;
        wild |= kW11Pcp;
    } else {
        uint16_t vid_mask = tci_mask & 0xfff;
        if (vid_mask && vid_mask != 0xfff) return false;
        vlan = vid_mask ? tci & 0xfff : kVlanAny11;
        if (tci_mask & packet::kVlanPcpMask) {
            pcp = static_cast<uint8_t>(tci >> 13);
        } else {
            wild |= kW11Pcp;
        }
    }
    auto inverted = [&](packet::EthAddr mask) {
        for (uint8_t& byte : mask) byte = static_cast<uint8_t>(~byte);
        put_mac(out, mask);
    };
    out.u16(0);
    out.u16(kFixedLength11);
    out.u32(v.in_port);
    out.u32(wild);
    put_mac(out, v.dl_src);
    inverted(m.dl_src);
    put_mac(out, v.dl_dst);
    inverted(m.dl_dst);
    out.u16(vlan);
    out.u8(pcp);
    out.u8(0);
    out.u16(v.dl_type);
    out.u8(v.nw_tos & 0xfc);
    out.u8(v.nw_proto);
    out.u32(v.nw_src);
    out.u32(~m.nw_src.get());
    out.u32(v.nw_dst);
    out.u32(~m.nw_dst.get());
    out.u16(v.tp_src);
    out.u16(v.tp_dst);
    out.u32(v.mpls_lse[0] >> 12);
    out.u8(v.mpls_lse[0] >> 9 & 7);
    out.zeros(3);
    out.u64(v.metadata);
    out.u64(~m.metadata.get());
    return true;
}

OfError decode_ofp11_match(ByteReader& in, Match& match) {
    uint16_t type = in.u16(), length = in.u16();
    if (!in.ok()) return OfError::OFPBMC_BAD_LEN;
    if (type != 0) return OfError::OFPBMC_BAD_TYPE;
    if (length != kFixedLength11) return OfError::OFPBMC_BAD_LEN;
    uint32_t port = in.u32(), wild = in.u32();
    packet::EthAddr src = in.array<6>(), src_wild = in.array<6>(), dst = in.array<6>(),
                    dst_wild = in.array<6>();
    uint16_t vlan = in.u16();
    uint8_t pcp = in.u8();
    in.skip(1);
    uint16_t dl_type = in.u16();
    uint8_t tos = in.u8(), proto = in.u8();
    uint32_t nw_src = in.u32(), nw_src_wild = in.u32(), nw_dst = in.u32(), nw_dst_wild = in.u32();
    uint16_t tp_src = in.u16(), tp_dst = in.u16();
    uint32_t label = in.u32();
    uint8_t tc = in.u8();
    in.skip(3);
    uint64_t metadata = in.u64(), metadata_wild = in.u64();
    if (!in.ok()) return OfError::OFPBMC_BAD_LEN;
    for (uint8_t& byte : src_wild) byte = static_cast<uint8_t>(~byte);
    for (uint8_t& byte : dst_wild) byte = static_cast<uint8_t>(~byte);
    if (!(wild & kW11InPort)) {
        if (!port_in_range(port)) return OfError::OFPBMC_BAD_VALUE;
        match.set_in_port(port);
    }
    match.set_dl_src(src, src_wild);
    match.set_dl_dst(dst, dst_wild);
    if (!(wild & kW11Vlan)) {
        if (vlan == kVlanNone) {
            match.mask.vlans[0].tci = 0xffff;  // no tag, so no priority either
        } else if (vlan == kVlanAny11) {
            match.set(FieldId::kVlanVid, packet::kVlanCfi, packet::kVlanCfi);
        } else if (vlan < 4096) {
            match.set(FieldId::kDlVlan, vlan);
        } else {
            return OfError::OFPBMC_BAD_VALUE;
        }
        if (!(wild & kW11Pcp) && vlan != kVlanNone) match.set(FieldId::kDlVlanPcp, pcp & 7);
    }
    if (!(wild & kW11DlType)) match.set_dl_type(dl_type);
    if (!(wild & kW11Tos)) match.set(FieldId::kIpTos, tos & 0xfc);
    if (!(wild & kW11Proto)) match.set(FieldId::kIpProto, proto);
    match.set_nw_src(nw_src, ~nw_src_wild);
    match.set_nw_dst(nw_dst, ~nw_dst_wild);
    if (!(wild & kW11TpSrc)) match.set(FieldId::kTcpSrc, tp_src);
    if (!(wild & kW11TpDst)) match.set(FieldId::kTcpDst, tp_dst);
    if (!(wild & kW11MplsLabel)) match.set(FieldId::kMplsLabel, label);
    if (!(wild & kW11MplsTc)) match.set(FieldId::kMplsTc, tc);
    match.set_metadata(metadata, ~metadata_wild);
    match.normalize();
    return OfError::kNone;
}

void encode_oxm_match(const Match& match, Version version, ByteWriter& out) {
    if (version == Version::k11) {
        encode_ofp11_match(match, out);
        return;
    }
    size_t start = out.size();
    out.u16(1);
    out.u16(0);
    encode_nxm(match, version, out);
    out.patch_u16(start + 2, static_cast<uint16_t>(out.size() - start));
    out.pad(8, start);
}

OfError decode_oxm_match(ByteReader& in, const NxmOptions& options, Match& match) {
    if (in.size() < 4) return OfError::OFPBMC_BAD_LEN;
    uint16_t type = load_be16(in.rest().data()), length = load_be16(in.rest().data() + 2);
    if (type == 0) return decode_ofp11_match(in, match);
    if (type != 1) return OfError::OFPBMC_BAD_TYPE;
    if (length < 4) return OfError::OFPBMC_BAD_LEN;
    size_t padded = (length + 7u) / 8 * 8;
    if (in.size() < padded) return OfError::OFPBMC_BAD_LEN;
    ByteView whole = in.bytes(padded);
    for (uint8_t byte : whole.subspan(length)) {
        if (byte) return OfError::OFPBMC_BAD_LEN;
    }
    return decode_nxm(whole.subspan(4, length - 4u), options, match);
}

}  // namespace weft::openflow
