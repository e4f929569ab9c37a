// Actions that change a packet's headers or the fields that go with it.

#pragma once

#include <absl/container/inlined_vector.h>

#include <cstdint>
#include <optional>
#include <vector>

#include "base/bytes.h"
#include "openflow/field.h"

namespace weft::openflow {

// A field's value without the 128 bytes of FieldValue: `field.bytes` bytes (tun_metadata: as long as the
// option).
using ValueBytes = absl::InlinedVector<uint8_t, 16>;

// set_field and load.  The bits of the mask are set; the value is zero elsewhere.
struct SetField {
    FieldId field = FieldId::kCount;
    bool load = false;  // NXAST_REG_LOAD: the mask is one run of bits, and text is "load:VALUE->DST[..]"
    ValueBytes bytes;   // of the value, then as many of the mask: a register's need no memory of their own

    size_t size() const { return bytes.size() / 2; }
    ByteView value() const { return {bytes.data(), size()}; }
    ByteView mask() const { return {bytes.data() + size(), size()}; }

    static SetField make(FieldId field, uint64_t value);
    static SetField make(FieldId field, const FieldValue& value, const FieldValue& mask);
    static SetField make_load(const Subfield& dst, uint64_t value);
    void get(FieldValue& value, FieldValue& mask) const;
    bool operator==(const SetField&) const = default;
};
struct RegMove {
    Subfield src, dst;
    bool operator==(const RegMove&) const = default;
};
struct StackPush {
    Subfield subfield;
    bool operator==(const StackPush&) const = default;
};
struct StackPop {
    Subfield subfield;
    bool operator==(const StackPop&) const = default;
};

// The fixed-field actions of OpenFlow 1.0 and 1.1.
struct SetVlanVid {
    uint16_t vid = 0;
    bool push_if_needed = false;  // OpenFlow 1.0's: adds a tag if there is none
    bool has_vlan = false;        // the packet is known to have a tag here (note_vlan_state())
    bool operator==(const SetVlanVid&) const = default;
};
struct SetVlanPcp {
    uint8_t pcp = 0;
    bool push_if_needed = false;
    bool has_vlan = false;
    bool operator==(const SetVlanPcp&) const = default;
};
struct StripVlan {
    bool strip = false;  // OpenFlow 1.0's, "strip_vlan"; else "pop_vlan"
    bool operator==(const StripVlan&) const = default;
};
struct PushVlan {
    uint16_t ethertype = 0x8100;
    bool operator==(const PushVlan&) const = default;
};
struct SetEthSrc {
    packet::EthAddr address{};
    bool operator==(const SetEthSrc&) const = default;
};
struct SetEthDst {
    packet::EthAddr address{};
    bool operator==(const SetEthDst&) const = default;
};
struct SetIpSrc {
    uint32_t address = 0;
    bool operator==(const SetIpSrc&) const = default;
};
struct SetIpDst {
    uint32_t address = 0;
    bool operator==(const SetIpDst&) const = default;
};
struct SetIpDscp {
    uint8_t tos = 0;  // the six upper bits
    bool operator==(const SetIpDscp&) const = default;
};
struct SetIpEcn {
    uint8_t ecn = 0;
    bool operator==(const SetIpEcn&) const = default;
};
struct SetIpTtl {
    uint8_t ttl = 0;
    bool operator==(const SetIpTtl&) const = default;
};
struct SetL4Src {
    uint16_t port = 0;
    uint8_t proto =
        6;  // 6, 17 or 132: the flow's, from note_vlan_state(); tells OpenFlow 1.2+ which field to set
    bool operator==(const SetL4Src&) const = default;
};
struct SetL4Dst {
    uint16_t port = 0;
    uint8_t proto =
        6;  // 6, 17 or 132: the flow's, from note_vlan_state(); tells OpenFlow 1.2+ which field to set
    bool operator==(const SetL4Dst&) const = default;
};
struct SetTunnel {
    uint64_t tun_id = 0;
    bool wide = false;  // set_tunnel64
    bool operator==(const SetTunnel&) const = default;
};

struct DecTtl {
    // Whom to tell of packets whose time is up: none for an empty list; without a list, controller 0.
    std::optional<std::vector<uint16_t>> controllers;
    bool operator==(const DecTtl&) const = default;
};
struct SetMplsLabel {
    uint32_t label = 0;
    bool operator==(const SetMplsLabel&) const = default;
};
struct SetMplsTc {
    uint8_t tc = 0;
    bool operator==(const SetMplsTc&) const = default;
};
struct SetMplsTtl {
    uint8_t ttl = 0;
    bool operator==(const SetMplsTtl&) const = default;
};
struct DecMplsTtl {
    bool operator==(const DecMplsTtl&) const = default;
};
struct DecNshTtl {
    bool operator==(const DecNshTtl&) const = default;
};
struct PushMpls {
    uint16_t ethertype = 0x8847;
    bool operator==(const PushMpls&) const = default;
};
struct PopMpls {
    uint16_t ethertype = 0;  // of what is below
    bool operator==(const PopMpls&) const = default;
};
struct DeleteField {
    FieldId field = FieldId::kCount;
    bool operator==(const DeleteField&) const = default;
};

// encap(nsh(md_type=2,tlv(0x1000,10,0x12345678))) and decap().
struct EncapProperty {
    uint16_t prop_class = 0x0004;  // NSH
    uint8_t type = 0;              // 1: md_type, 2: tlv
    uint8_t md_type = 0;
    uint16_t tlv_class = 0;
    uint8_t tlv_type = 0;
    std::vector<uint8_t> data;
    bool operator==(const EncapProperty&) const = default;
};
struct Encap {
    uint32_t packet_type = 0;  // namespace << 16 | type
    uint16_t header_size = 0;
    std::vector<EncapProperty> properties;
    bool operator==(const Encap&) const = default;
};
struct Decap {
    uint32_t packet_type = 0x0000fffe;  // "whatever comes next"
    bool operator==(const Decap&) const = default;
};

}  // namespace weft::openflow
