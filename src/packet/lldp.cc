#include "packet/lldp.h"

#include <fmt/core.h>

#include <algorithm>

namespace weft::packet {

namespace {

enum Type : uint8_t {
    kEnd = 0,
    kChassis = 1,
    kPort = 2,
    kTtl = 3,
    kPortDescription = 4,
    kSystemName = 5,
    kSystemDescription = 6,
    kCapabilities = 7,
    kManagementAddress = 8,
    kOrganization = 127,
};
constexpr std::array<uint8_t, 3> kAutoAttach = {0x00, 0x04, 0x0d};  // OUI
constexpr uint8_t kElement = 11, kAssignment = 12;                  // its subtypes
constexpr size_t kMostTlv = 511;

void write_tlv(ByteWriter& out, uint8_t type, ByteView value) {
    value = value.first(std::min(value.size(), kMostTlv));
    out.u16(static_cast<uint16_t>(type << 9 | value.size()));
    out.bytes(value);
}

void write_id(ByteWriter& out, uint8_t type, const LldpId& id) {
    ByteWriter value;
    value.u8(id.subtype);
    value.bytes(ByteView(id.value).first(std::min(id.value.size(), LldpId::kMostBytes)));
    write_tlv(out, type, value.view());
}

void write_string(ByteWriter& out, uint8_t type, const std::optional<std::string>& text) {
    if (text) write_tlv(out, type, as_bytes(std::string_view(*text).substr(0, Lldpdu::kMostString)));
}

void write_element(ByteWriter& out, const AutoAttachElement& element, const Lldpdu::Digest& digest) {
    ByteWriter value;
    value.bytes(kAutoAttach);
    value.u8(kElement);
    value.bytes(digest);
    uint32_t packed =
        (element.type & 0x3fu) << 18 | (element.state & 0x3fu) << 12 | (element.management_vlan & 0xfffu);
    value.u8(static_cast<uint8_t>(packed >> 16));
    value.u16(static_cast<uint16_t>(packed));
    value.u8(0);  // reserved
    value.bytes(element.system_id);
    write_tlv(out, kOrganization, value.view());
}

void write_assignments(ByteWriter& out, const Lldpdu& unit) {
    ByteWriter value;
    value.bytes(kAutoAttach);
    value.u8(kAssignment);
    value.bytes(unit.assignments_digest);
    for (size_t i = 0; i < std::min(unit.assignments.size(), Lldpdu::kMostAssignments); ++i) {
        const AutoAttachAssignment& one = unit.assignments[i];
        value.u16(static_cast<uint16_t>(one.status << 12 | (one.vlan & 0xfff)));
        value.u8(static_cast<uint8_t>(one.isid >> 16));
        value.u16(static_cast<uint16_t>(one.isid));
    }
    write_tlv(out, kOrganization, value.view());
}

Result<LldpId> read_id(ByteReader in, const char* what) {
    LldpId id;
    id.subtype = in.u8();
    ByteView value = in.rest();
    if (!in.ok() || value.empty() || value.size() > LldpId::kMostBytes)
        return Error{fmt::format("a {} TLV of {} bytes; 2 to 256 are right", what, value.size() + in.ok())};
    id.value.assign(value.begin(), value.end());
    return id;
}

std::string read_string(ByteReader in) {
    ByteView value = in.rest().first(std::min(in.size(), Lldpdu::kMostString));
    return std::string(value.begin(), value.end());
}

void read_element(ByteReader in, Lldpdu& unit) {
    AutoAttachElement element;
    Lldpdu::Digest digest = in.array<32>();
    uint32_t packed = uint32_t{in.u8()} << 16;
    packed |= in.u16();
    element.type = static_cast<uint8_t>(packed >> 18);
    element.state = static_cast<uint8_t>(packed >> 12 & 0x3f);
    element.management_vlan = packed & 0xfff;
    in.skip(1);
    element.system_id = in.array<10>();
    if (!in.ok() || unit.element) return;
    unit.element = element;
    unit.element_digest = digest;
}

void read_assignments(ByteReader in, Lldpdu& unit) {
    Lldpdu::Digest digest = in.array<32>();
    if (!in.ok() || in.empty() || in.size() % 5 || !unit.assignments.empty()) return;
    unit.assignments_digest = digest;
    while (!in.empty() && unit.assignments.size() < Lldpdu::kMostAssignments) {
        uint16_t packed = in.u16();
        AutoAttachAssignment one;
        one.status = static_cast<uint8_t>(packed >> 12);
        one.vlan = packed & 0xfff;
        one.isid = uint32_t{in.u8()} << 16;
        one.isid |= in.u16();
        unit.assignments.push_back(one);
    }
}

void read_optional(uint8_t type, ByteReader in, Lldpdu& unit) {
    switch (type) {
        case kPortDescription:
            if (!unit.port_description) unit.port_description = read_string(in);
            break;
        case kSystemName:
            if (!unit.system_name) unit.system_name = read_string(in);
            break;
        case kSystemDescription:
            if (!unit.system_description) unit.system_description = read_string(in);
            break;
        case kCapabilities: {
            Lldpdu::Capabilities found;
            found.has = in.u16();
            found.enabled = in.u16();
            if (in.ok() && !unit.capabilities) unit.capabilities = found;
            break;
        }
        case kOrganization: {
            bool ours = in.array<3>() == kAutoAttach;
            uint8_t subtype = in.u8();
            if (in.ok() && ours && subtype == kElement)
                read_element(in, unit);
            else if (in.ok() && ours && subtype == kAssignment)
                read_assignments(in, unit);
            else
                ++unit.unrecognized;
            break;
        }
        case kManagementAddress:
            break;  // nobody asks for it
        default:
            ++unit.unrecognized;
    }
}

}  // namespace

Bytes Lldpdu::encode() const {
    ByteWriter out;
    write_id(out, kChassis, chassis);
    write_id(out, kPort, port);
    std::array<uint8_t, 2> ttl{};
    store_be16(ttl.data(), ttl_s);
    write_tlv(out, kTtl, ttl);
    write_string(out, kPortDescription, port_description);
    write_string(out, kSystemName, system_name);
    write_string(out, kSystemDescription, system_description);
    if (capabilities) {
        std::array<uint8_t, 4> value{};
        store_be16(value.data(), capabilities->has);
        store_be16(value.data() + 2, capabilities->enabled);
        write_tlv(out, kCapabilities, value);
    }
    if (element) write_element(out, *element, element_digest);
    if (!assignments.empty()) write_assignments(out, *this);
    write_tlv(out, kEnd, {});
    return out.take();
}

Result<Lldpdu> Lldpdu::decode(ByteView bytes) {
    ByteReader in(bytes);
    Lldpdu unit;
    for (size_t n = 1;; ++n) {
        uint16_t header = in.u16();
        size_t length = header & kMostTlv;
        auto type = static_cast<uint8_t>(header >> 9);
        ByteReader value = in.sub(length);
        if (!in.ok()) {
            // 9.2.8.7.1: the last TLV may be missing, but not a part of one.
            if (n > 3 && !in.size() && !header) return unit;
            return Error{fmt::format("TLV {} runs past the end of the {} bytes", n, bytes.size())};
        }
        if (n <= 3 && type != n)
            return Error{
                fmt::format("TLV {} is of type {}; chassis, port and time to live come first", n, type)};
        if (n > 3 && type >= kChassis && type <= kTtl)
            return Error{fmt::format("another TLV of type {}, which is there once", type)};
        if (type == kEnd) {
            if (length) return Error{fmt::format("the last TLV has {} bytes", length)};
            return unit;
        }
        if (type == kChassis) {
            WEFT_ASSIGN(unit.chassis, read_id(value, "chassis"));
        } else if (type == kPort) {
            WEFT_ASSIGN(unit.port, read_id(value, "port"));
        } else if (type == kTtl) {
            unit.ttl_s = value.u16();
            if (!value.ok()) return Error{"a time to live of less than 2 bytes"};
        } else {
            read_optional(type, value, unit);
        }
    }
}

Bytes lldp_frame(const EthAddr& source, const Lldpdu& unit) {
    ByteWriter out;
    out.bytes(kLldpAddress);
    out.bytes(source);
    out.u16(kLldp);
    out.bytes(unit.encode());
    return out.take();
}

}  // namespace weft::packet
