// The registry of fields: everything ovs-fields(7) lists, with its names, size, wire identity, prerequisites,
// text format and place in packet::Flow.
//
//     const Field& f = field(FieldId::kReg0);
//     const Field* g = field_by_name("nw_src");              // nullptr: no such field
//
// A field's value is a big-endian string of `bytes` bytes (FieldValue; tun_metadata fields are 124 bytes
// right-aligned, of which the layout says how many count).  get_field() and set_field() move it out of and
// into a flow; Subfield names some of its bits, counted from the least significant (`reg0[4..7]`).
// Nothing here fails except parsing.

#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "openflow/tunnel_metadata.h"
#include "openflow/version.h"
#include "packet/flow.h"

namespace weft::openflow {

enum class FieldId : uint8_t {
#define WEFT_FIELD(id, ...) id,
#include "openflow/field_list.inc"
#undef WEFT_FIELD
    kCount,
};
inline constexpr size_t kFieldCount = static_cast<size_t>(FieldId::kCount);

inline constexpr FieldId reg_field(unsigned n) {
    return static_cast<FieldId>(static_cast<unsigned>(FieldId::kReg0) + n);
}
inline constexpr FieldId xreg_field(unsigned n) {
    return static_cast<FieldId>(static_cast<unsigned>(FieldId::kXReg0) + n);
}
inline constexpr FieldId xxreg_field(unsigned n) {
    return static_cast<FieldId>(static_cast<unsigned>(FieldId::kXXReg0) + n);
}
inline constexpr FieldId tun_metadata_field(unsigned n) {
    return static_cast<FieldId>(static_cast<unsigned>(FieldId::kTunMetadata0) + n);
}

enum class FieldFormat : uint8_t {
    kDecimal,
    kHexadecimal,
    kEthernet,
    kIpv4,
    kIpv6,
    kPort16,
    kPort32,
    kFrag,
    kTunnelFlags,
    kTcpFlags,
    kCtState,
    kPacketType,
};

// What else must be matched for a field to mean something.
enum class Prerequisite : uint8_t {
    kNone,
    kEthernet,
    kArp,
    kVlanVid,
    kIpv4,
    kIpv6,
    kIpAny,
    kCtValid,
    kMpls,
    kNsh,
    kTcp,
    kUdp,
    kSctp,
    kIcmpv4,
    kIcmpv6,
    kNd,
    kNdSolicit,
    kNdAdvert,
};

// An OXM or NXM identity without length and has-mask.
struct FieldWire {
    uint16_t oxm_class = 0;  // 0xffff: experimenter
    uint8_t number = 0;
    uint32_t experimenter = 0;  // 0 if the class is not 0xffff
    bool exists = false;
    bool operator==(const FieldWire&) const = default;
};

struct Field {
    FieldId id;
    const char* name;   // the one that `ovs-ofctl` prints in actions
    const char* alias;  // or nullptr
    uint8_t bytes;      // on the wire
    uint16_t bits;      // that may be nonzero, the least significant ones
    bool maskable;
    bool writable;
    FieldFormat format;
    Prerequisite prerequisite;
    uint16_t offset;       // bytes [offset, offset + width) of packet::Flow, as a big-endian number,
    uint8_t width;         //   hold the value
    uint8_t shift;         //   at this bit
    FieldWire nxm;         // how OpenFlow 1.0 with Nicira extensions and Nicira actions name it
    FieldWire oxm;         // how OpenFlow 1.2+ names it; if it has none of its own, the same as nxm
    FieldWire oxm15;       // OpenFlow 1.5's own name where it differs from oxm
    const char* nxm_name;  // "NXM_NX_REG0", "OXM_OF_METADATA": printed by Nicira actions

    bool is_tun_metadata() const { return id >= FieldId::kTunMetadata0 && id <= FieldId::kTunMetadata63; }
    unsigned tun_metadata_index() const {
        return static_cast<unsigned>(id) - static_cast<unsigned>(FieldId::kTunMetadata0);
    }
    const FieldWire& wire(Version version) const;  // k10: nxm
};

const Field& field(FieldId id);
const Field* field_by_name(std::string_view name);  // "nw_src", "ip_src", "NXM_OF_IP_SRC", "OXM_OF_IPV4_SRC"
const Field* field_by_wire(uint16_t oxm_class, uint8_t number, uint32_t experimenter);

// A value: the first `field.bytes` bytes count, big-endian.
struct FieldValue {
    std::array<uint8_t, 128> bytes{};

    static FieldValue from_u64(const Field& field, uint64_t value);
    static FieldValue all_ones(const Field& field);  // its `bits` lowest bits
    uint64_t low_u64(const Field& field) const;      // the 64 least significant bits
};

// True if value has no bit outside the field's `bits`.
bool value_fits(const Field& field, const FieldValue& value);
bool is_all_zeros(const Field& field, const FieldValue& value);
bool is_all_ones(const Field& field, const FieldValue& value);

// The field of `flow`.  tun_metadata needs `layout`; without, or when the field is not mapped, it is 0.
FieldValue get_field(const packet::Flow& flow, const Field& field, const TunnelTable* layout = nullptr);
// Sets it in a packet's key.  VLAN fields keep their rule that a tag is present: setting dl_vlan, vlan_pcp or
// vlan_vid on a flow without one adds it (vlan_tci 0 removes it).
void set_field(packet::Flow& flow, const Field& field, const FieldValue& value,
               const TunnelTable* layout = nullptr);
// Sets the bits of `mask` only.
void set_field_masked(packet::Flow& flow, const Field& field, const FieldValue& value, const FieldValue& mask,
                      const TunnelTable* layout = nullptr);
// ORs the field's bits into a mask, as a translation that looked at the field does ("unwildcards" it).
void add_to_mask(packet::Flow& mask, const Field& field, const TunnelTable* layout = nullptr);
void add_to_mask(packet::Flow& mask, const Field& field, const FieldValue& bits,
                 const TunnelTable* layout = nullptr);

// True if a packet's key has the headers that the field needs.
bool field_applies(const Field& field, const packet::Flow& flow);

// Bits [offset, offset + bits) of a field.
struct Subfield {
    FieldId field = FieldId::kCount;
    uint16_t offset = 0;
    uint16_t bits = 0;

    bool valid() const { return field != FieldId::kCount; }
    bool whole() const { return offset == 0 && bits == openflow::field(field).bits; }
    bool operator==(const Subfield&) const = default;
};
Subfield whole_field(FieldId id);
uint64_t get_subfield_u64(const packet::Flow& flow, const Subfield& subfield,
                          const TunnelTable* layout = nullptr);
FieldValue get_subfield(const packet::Flow& flow, const Subfield& subfield,
                        const TunnelTable* layout = nullptr);
void set_subfield_u64(packet::Flow& flow, const Subfield& subfield, uint64_t value,
                      const TunnelTable* layout = nullptr);
// dst := src; both are as long as each other.
void move_subfield(packet::Flow& flow, const Subfield& src, const Subfield& dst,
                   const TunnelTable* layout = nullptr);
void add_subfield_to_mask(packet::Flow& mask, const Subfield& subfield, const TunnelTable* layout = nullptr);

// Copies `bits` bits between big-endian strings of src_bytes and dst_bytes, offsets from the least
// significant.
void copy_bits(const uint8_t* src, size_t src_bytes, size_t src_offset, uint8_t* dst, size_t dst_bytes,
               size_t dst_offset, size_t bits);

class Names;

// Text (ovs-fields(7)).  parse_value() takes "VALUE" or "VALUE/MASK" as the field's format has it and gives
// an all-ones mask for the former.  A message says what is wrong, as ovs-ofctl words it.
Result<void> parse_value(const Field& field, std::string_view text, const Names* names, FieldValue& value,
                         FieldValue& mask);
// VALUE, or VALUE/MASK unless mask is all ones.
void format_value(const Field& field, const FieldValue& value, const FieldValue* mask, const Names* names,
                  std::string& out);
// "NXM_NX_REG0[0..15]", "reg0[]", "reg0[3]", "reg0".  Consumes it from the front of `text`.
Result<Subfield> parse_subfield(std::string_view& text);
Result<Subfield> parse_whole_subfield(std::string_view text);      // nothing may follow
void format_subfield(const Subfield& subfield, std::string& out);  // "NXM_NX_REG0[0..15]"

}  // namespace weft::openflow
