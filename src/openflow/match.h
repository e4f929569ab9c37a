// A match: which packets a flow is for.
//
// `mask` has a bit set for every bit of the flow key that is compared, `value` the bits wanted there (zero
// elsewhere, always).  Matches are normalised only in that sense: what lacks its prerequisites is kept, and
// refused by prerequisites_met().
//
//     Match match;
//     match.set(FieldId::kReg0, 1);                       // exact
//     match.set(FieldId::kReg0, 0x100, 0xf00);            // masked; other bits already matched stay
//     match.set_dl_type(0x0800);
//     std::string text = to_string(match);                // "reg0=0x101/0xf01,ip"
//
// Values are in host byte order in the integer setters, network order in FieldValue and packet types.
//
// VLANs as OpenFlow 1.0 has them (dl_vlan, dl_vlan_pcp), as 1.2+ (vlan_vid, vlan_pcp) and as Nicira's
// vlan_tci are views of flow.vlans[0].tci, whose bit 0x1000 says that there is a tag.
//
// in_port and in_port_oxm are the same 32-bit number; is_set(kInPort) and is_set(kInPortOxm) agree.

#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/result.h"
#include "openflow/error.h"
#include "openflow/field.h"
#include "packet/flow.h"

namespace weft::openflow {

class Names;

struct Match {
    packet::Flow value = packet::zero_flow();
    packet::Flow mask = packet::zero_flow();
    TunnelTableRef tunnel_table;  // where tun_metadata fields lie; null if none is matched

    // Generic.  Setting a tun_metadata field that tunnel_table lacks gives it a slot of `tun_metadata_bytes`
    // (or as many as the value needs).
    void set(FieldId id, uint64_t value);
    void set(FieldId id, uint64_t value, uint64_t mask);
    void set(const Field& field, const FieldValue& value, const FieldValue& mask,
             uint8_t tun_metadata_bytes = 0);
    void set(const Subfield& subfield, uint64_t value);
    void clear(const Field& field);         // wildcards it
    bool is_set(const Field& field) const;  // any bit of it is matched
    bool is_set(FieldId id) const { return is_set(field(id)); }
    bool is_exact(FieldId id) const;
    void get(const Field& field, FieldValue& value, FieldValue& mask) const;
    bool is_catch_all() const;

    // Common ones.
    void set_in_port(uint32_t port) { set(FieldId::kInPortOxm, port); }
    void set_dl_type(uint16_t type) { set(FieldId::kEthType, type); }
    void set_dl_src(const packet::EthAddr& address);
    void set_dl_src(const packet::EthAddr& address, const packet::EthAddr& mask);
    void set_dl_dst(const packet::EthAddr& address);
    void set_dl_dst(const packet::EthAddr& address, const packet::EthAddr& mask);
    void set_reg(unsigned n, uint32_t value, uint32_t mask = 0xffffffff) { set(reg_field(n), value, mask); }
    void set_metadata(uint64_t value, uint64_t mask = ~0ull) { set(FieldId::kMetadata, value, mask); }
    void set_nw_src(uint32_t address, uint32_t mask = 0xffffffff) { set(FieldId::kIpSrc, address, mask); }
    void set_nw_dst(uint32_t address, uint32_t mask = 0xffffffff) { set(FieldId::kIpDst, address, mask); }
    void set_ipv6(FieldId id, const packet::Ipv6Addr& address, const packet::Ipv6Addr& mask);
    // Clears the bits of `value` that `mask` does not compare: after writing either of them directly.
    void zero_unmasked();

    // Wildcards the fields whose prerequisites are not matched, which could never mean anything.  True if
    // there were any.
    bool normalize();
    // True if every matched field has its prerequisites matched.
    bool prerequisites_met() const;
    // True if `flow` matches.
    bool matches(const packet::Flow& flow) const;

    bool operator==(const Match& other) const;  // of what is matched, tun_metadata by field, not by place
    template <typename H>
    friend H AbslHashValue(H h, const Match& match) {
        return H::combine(std::move(h), match.hash());
    }
    uint64_t hash() const;  // tun_metadata left out, so equal matches of different tables hash alike
};

bool prerequisite_met(Prerequisite prerequisite, const packet::Flow& value, const packet::Flow& mask);

// Text.  Exactly as `ovs-ofctl dump-flows` prints a match, without the priority; "" for a match of
// everything.
struct MatchText {
    const Names* names = nullptr;
    int priority = -1;  // printed first unless negative or the default 32768
};
std::string to_string(const Match& match, const Names* names = nullptr);
void format_match(const Match& match, const MatchText& options, std::string& out);

// One term of a match, as parsed from text: key "tcp" alone (value "" and has_value false), or "nw_src" with
// "10.0.0.0/8".  Returns false if no field or shorthand is called `key`.
Result<bool> parse_match_term(std::string_view key, std::string_view value, bool has_value,
                              const Names* names, Match& match);
// "tcp,nw_src=10.0.0.0/8,reg0=1" and nothing else.
Result<Match> parse_match(std::string_view text, const Names* names = nullptr);
// The same; a field whose prerequisites do not stand before it is an error instead of no match.
Result<Match> parse_strict_match(std::string_view text, const Names* names = nullptr);

// Wire.

// nx_match and OXM: the entries alone, no header and no padding.  `version` k10 uses NXM names where there
// are, 1.2+ OXM's.  `cookie` terms (NXM_NX_COOKIE) of flow queries are put first when the mask is not 0.
void encode_nxm(const Match& match, Version version, ByteWriter& out, uint64_t cookie = 0,
                uint64_t cookie_mask = 0);
struct NxmOptions {
    bool strict = true;                         // unknown fields and missing prerequisites are errors
    bool loose_prerequisites = false;           // packet-in metadata: a field alone is fine
    const TunnelTable* tunnel_table = nullptr;  // the switch's; null: lay tun_metadata out as it comes
    TunnelTableRef tunnel_table_ref;            // the same, to be kept by the match
};
OfError decode_nxm(ByteView entries, const NxmOptions& options, Match& match, uint64_t* cookie = nullptr,
                   uint64_t* cookie_mask = nullptr);

// struct ofp_match of OpenFlow 1.2+: type OXM, length, entries, padding to 8; and its 1.1 and 1.0 kin.
void encode_oxm_match(const Match& match, Version version, ByteWriter& out);
OfError decode_oxm_match(ByteReader& in, const NxmOptions& options, Match& match);
// 40 bytes.  encode: false if the match has what OpenFlow 1.0 cannot express.
bool encode_ofp10_match(const Match& match, ByteWriter& out);
OfError decode_ofp10_match(ByteReader& in, Match& match);
// 88 bytes, OpenFlow 1.1.
bool encode_ofp11_match(const Match& match, ByteWriter& out);
OfError decode_ofp11_match(ByteReader& in, Match& match);

// The header of one OXM/NXM entry, on the wire 4 bytes (8 for experimenter classes).
struct OxmHeader {
    const Field* field = nullptr;  // null: unknown
    FieldWire wire;
    bool has_mask = false;
    uint8_t length = 0;  // of value and mask, without the experimenter id
};
void encode_oxm_header(const FieldWire& wire, bool has_mask, uint8_t length, ByteWriter& out);
bool decode_oxm_header(ByteReader& in, OxmHeader& header);

}  // namespace weft::openflow
