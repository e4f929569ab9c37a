#include "datapath/userspace/tunnel_header.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/clock.h"
#include "datapath/api/tunnel_payload.h"
#include "packet/checksum.h"
#include "packet/erspan.h"
#include "packet/ethernet.h"
#include "packet/geneve.h"
#include "packet/gre.h"
#include "packet/gtpu.h"
#include "packet/vlan.h"
#include "packet/vxlan.h"

namespace weft::datapath {

namespace {

using packet::Packet;
using packet::Tunnel;
namespace geneve = packet::geneve;
namespace vxlan = packet::vxlan;
namespace gre = packet::gre;
namespace erspan = packet::erspan;
namespace gtpu = packet::gtpu;

constexpr uint32_t type_of(uint16_t ethertype) {
    return 1u << 16 | ethertype;
}

size_t option_bytes(const Tunnel& key) {
    return static_cast<size_t>(std::min<uint64_t>(key.metadata_present, geneve::kMaxOptions)) & ~size_t{3};
}

bool any_critical(ByteView options) {
    for (size_t at = 0; at + geneve::kOptionHeader <= options.size();) {
        if (options[at + geneve::kOptionType] & geneve::kOptionCritical) return true;
        at += geneve::kOptionHeader + static_cast<size_t>(options[at + 3] & geneve::kOptionLengthMask) * 4;
    }
    return false;
}

void write_geneve(uint8_t* p, const Tunnel& key) {
    size_t options = option_bytes(key);
    ByteView bytes(key.metadata.data(), options);
    p[geneve::kVersionLength] = static_cast<uint8_t>(options / 4);
    p[geneve::kFlags] = static_cast<uint8_t>((key.flags & packet::kTunnelOam ? geneve::kOam : 0) |
                                             (any_critical(bytes) ? geneve::kCritical : 0));
    store_be16(p + geneve::kProtocol, packet::ethernet::kTransparentBridging);
    store_be32(p + geneve::kVni, static_cast<uint32_t>(key.id) << 8);
    std::copy(bytes.begin(), bytes.end(), p + geneve::kHeader);
}

void write_vxlan(uint8_t* p, const Tunnel& key, uint32_t packet_type) {
    if (key.flags & packet::kTunnelGpe) {
        store_be32(p, 0);
        p[vxlan::kFlags] = vxlan::kVniValid | vxlan::kNextProtocolValid;
        p[vxlan::kNextProtocol] = gpe_protocol(packet_type).value_or(vxlan::kEthernet);
        return store_be32(p + vxlan::kVni, static_cast<uint32_t>(key.id) << 8);
    }
    bool group = key.gbp_id || key.gbp_flags;
    p[vxlan::kFlags] = static_cast<uint8_t>(vxlan::kVniValid | (group ? vxlan::kGbpExtension : 0));
    p[vxlan::kFlags + 1] = group ? key.gbp_flags : 0;
    store_be16(p + vxlan::kGbpId, group ? key.gbp_id.get() : 0);
    store_be32(p + vxlan::kVni, static_cast<uint32_t>(key.id) << 8);
}

void write_gre(Packet& packet, uint8_t* p, const Tunnel& key, uint32_t packet_type, uint32_t sequence) {
    uint16_t flags = 0;
    size_t at = gre::kHeader;
    if (key.flags & packet::kTunnelCsum) {
        flags |= gre::kChecksum;
        store_be32(p + at, 0);
        at += gre::kWord;
    }
    if (key.flags & packet::kTunnelKey) {
        flags |= gre::kKey;
        store_be32(p + at, static_cast<uint32_t>(key.id));
        at += gre::kWord;
    }
    if (key.flags & packet::kTunnelSequence) {
        flags |= gre::kSequence;
        store_be32(p + at, sequence);
    }
    store_be16(p + gre::kFlags, flags);
    store_be16(p + gre::kProtocol, gre_protocol(packet_type));
    if (flags & gre::kChecksum) store_be16(p + gre::kHeader, packet::checksum(packet.view()));
}

size_t erspan_size(const Tunnel& key) {
    return gre::kHeader + gre::kWord + (key.erspan_ver == 2 ? erspan::kHeader2 : erspan::kHeader1);
}

void write_gtpu(uint8_t* p, size_t payload, const Tunnel& key) {
    p[gtpu::kFlags] = gtpu::kVersion1;
    p[gtpu::kMessageType] = gtpu::kUserData;
    store_be16(p + gtpu::kLength, static_cast<uint16_t>(payload));
    store_be32(p + gtpu::kTeid, static_cast<uint32_t>(key.id));
}

// `inner`: the frame behind the header.
void write_erspan(uint8_t* p, ByteView inner, const Tunnel& key, uint32_t sequence) {
    bool second = key.erspan_ver == 2;
    store_be16(p + gre::kFlags, gre::kSequence);
    store_be16(p + gre::kProtocol, second ? erspan::kProtocol2 : erspan::kProtocol1);
    store_be32(p + gre::kHeader, sequence);
    p += gre::kHeader + gre::kWord;
    uint16_t vlan = 0, session = static_cast<uint16_t>(key.id & erspan::kMostSession);
    if (inner.size() >= packet::ethernet::kHeader + packet::vlan::kHeader &&
        load_be16(inner.data() + packet::ethernet::kType) == packet::ethernet::kVlan) {
        uint16_t tci = load_be16(inner.data() + packet::ethernet::kType + packet::vlan::kTci);
        vlan = tci & packet::vlan::kVid;
        session = static_cast<uint16_t>(session | erspan::kTagged | (tci & packet::vlan::kPcp));
    }
    store_be16(p + erspan::kVersionVlan,
               static_cast<uint16_t>((second ? 2 : 1) << erspan::kVersionShift | vlan));
    store_be16(p + erspan::kSession, session);
    if (!second) return store_be32(p + erspan::kIndex, key.erspan_idx & erspan::kMostIndex);
    store_be32(p + erspan::kTime, static_cast<uint32_t>(clock::monotonic_ms() * 10));  // in 100 us
    store_be16(p + erspan::kGroup, 0);
    auto hwid = static_cast<uint16_t>(key.erspan_hwid & erspan::kMostHardware);
    store_be16(p + erspan::kHardware, static_cast<uint16_t>(hwid << erspan::kHardwareShift |
                                                            (key.erspan_dir & 1 ? erspan::kDirection : 0)));
}

Result<TunnelPayload> read_geneve(ByteView packet, Tunnel& key) {
    if (packet.size() < geneve::kHeader) return Error{"Geneve header cut short"};
    const uint8_t* p = packet.data();
    size_t options = static_cast<size_t>(p[geneve::kVersionLength] & geneve::kOptionsLength) * 4;
    if (p[geneve::kVersionLength] & geneve::kVersion) return Error{"Geneve version is not 0"};
    if (load_be16(p + geneve::kProtocol) != packet::ethernet::kTransparentBridging) {
        return Error{
            fmt::format("Geneve payload 0x{:04x} is not Ethernet", load_be16(p + geneve::kProtocol))};
    }
    if (packet.size() < geneve::kHeader + options) return Error{"Geneve options cut short"};
    for (size_t at = 0; at < options;) {
        size_t size = geneve::kOptionHeader +
                      static_cast<size_t>(p[geneve::kHeader + at + 3] & geneve::kOptionLengthMask) * 4;
        if (at + size > options) return Error{"a Geneve option is longer than all of them"};
        at += size;
    }
    key.id = load_be32(p + geneve::kVni) >> 8;
    key.flags |= packet::kTunnelKey;
    if (p[geneve::kFlags] & geneve::kOam) key.flags |= packet::kTunnelOam;
    std::copy_n(p + geneve::kHeader, options, key.metadata.begin());
    key.metadata_present = options;
    return TunnelPayload{packet.subspan(geneve::kHeader + options)};
}

Result<TunnelPayload> read_vxlan(ByteView packet, Tunnel& key) {
    if (packet.size() < vxlan::kHeader) return Error{"VXLAN header cut short"};
    const uint8_t* p = packet.data();
    if (!(p[vxlan::kFlags] & vxlan::kVniValid)) return Error{"VXLAN header without a network identifier"};
    key.id = load_be32(p + vxlan::kVni) >> 8;
    key.flags |= packet::kTunnelKey;
    if (p[vxlan::kFlags] & vxlan::kNextProtocolValid) {
        if (p[vxlan::kFlags] & vxlan::kOam) return Error{"a VXLAN packet of operations and maintenance"};
        auto type = gpe_packet_type(p[vxlan::kNextProtocol]);
        if (!type)
            return Error{fmt::format("VXLAN payload of protocol {} is neither Ethernet, IP, NSH nor MPLS",
                                     p[vxlan::kNextProtocol])};
        return TunnelPayload{packet.subspan(vxlan::kHeader), *type};
    }
    if (p[vxlan::kFlags] & vxlan::kGbpExtension) {
        key.gbp_id = load_be16(p + vxlan::kGbpId);
        key.gbp_flags = p[vxlan::kFlags + 1] & (vxlan::kGbpDontLearn | vxlan::kGbpPolicyApplied);
    }
    return TunnelPayload{packet.subspan(vxlan::kHeader)};
}

Result<TunnelPayload> read_gre(ByteView packet, Tunnel& key) {
    if (packet.size() < gre::kHeader) return Error{"GRE header cut short"};
    const uint8_t* p = packet.data();
    uint16_t flags = load_be16(p + gre::kFlags);
    if (flags & (gre::kVersion | gre::kRouting))
        return Error{"GRE version is not 0, or it has a source route"};
    uint16_t protocol = load_be16(p + gre::kProtocol);
    if (protocol < packet::ethernet::kMinType)
        return Error{fmt::format("GRE payload 0x{:04x} is no Ethertype", protocol)};
    size_t size = gre::kHeader;
    for (uint16_t word : {gre::kChecksum, gre::kKey, gre::kSequence}) {
        if (flags & word) size += gre::kWord;
    }
    if (packet.size() < size) return Error{"GRE header cut short"};
    size_t at = gre::kHeader;
    if (flags & gre::kChecksum) {
        if (packet::checksum(packet) != 0) return Error{"GRE checksum is wrong"};
        key.flags |= packet::kTunnelCsum;
        at += gre::kWord;
    }
    if (flags & gre::kKey) {
        key.id = load_be32(p + at);
        key.flags |= packet::kTunnelKey;
    }
    bool frame = protocol == packet::ethernet::kTransparentBridging;
    return TunnelPayload{packet.subspan(size), frame ? 0 : type_of(protocol)};
}

// Where what is behind the extension headers begins; 0: they are cut short.
size_t behind_extensions(ByteView packet) {
    size_t at = gtpu::kOptionalHeader;
    if (!(packet[gtpu::kFlags] & gtpu::kExtension)) return at;
    for (uint8_t next = packet[gtpu::kNextExtension]; next;) {
        size_t size = at < packet.size() ? size_t{packet[at]} * 4 : 0;
        if (!size || at + size > packet.size()) return 0;
        at += size;
        next = packet[at - 1];
    }
    return at;
}

Result<TunnelPayload> read_gtpu(ByteView packet, Tunnel& key) {
    if (packet.size() < gtpu::kHeader) return Error{"GTP-U header cut short"};
    const uint8_t* p = packet.data();
    key.gtpu_flags = p[gtpu::kFlags];
    key.gtpu_msgtype = p[gtpu::kMessageType];
    if (key.gtpu_msgtype != gtpu::kUserData) return TunnelPayload{packet, 0, true};
    key.id = load_be32(p + gtpu::kTeid);
    key.flags |= packet::kTunnelKey;
    size_t size = gtpu::kHeader;
    if (key.gtpu_flags & gtpu::kOptional) {
        if (packet.size() < gtpu::kOptionalHeader) return Error{"GTP-U header cut short"};
        size = behind_extensions(packet);
        if (!size) return Error{"GTP-U extension headers cut short"};
    }
    packet = packet.subspan(size);
    int version = packet.empty() ? 0 : packet[0] >> 4;
    if (version != 4 && version != 6) return Error{"GTP-U carries something else than IP"};
    return TunnelPayload{packet, type_of(version == 4 ? packet::ethernet::kIpv4 : packet::ethernet::kIpv6)};
}

Result<TunnelPayload> read_erspan(ByteView packet, Tunnel& key) {
    if (packet.size() < gre::kHeader + gre::kWord) return Error{"GRE header cut short"};
    const uint8_t* p = packet.data();
    uint16_t protocol = load_be16(p + gre::kProtocol);
    if (load_be16(p + gre::kFlags) != gre::kSequence)
        return Error{"ERSPAN's GRE header has not the sequence number alone"};
    bool second = protocol == erspan::kProtocol2;
    if (!second && protocol != erspan::kProtocol1)
        return Error{fmt::format("GRE payload 0x{:04x} is not ERSPAN", protocol)};
    packet = packet.subspan(gre::kHeader + gre::kWord);
    size_t size = second ? erspan::kHeader2 : erspan::kHeader1;
    if (packet.size() < size) return Error{"ERSPAN header cut short"};
    p = packet.data();
    int version = load_be16(p + erspan::kVersionVlan) >> erspan::kVersionShift;
    if (version != (second ? 2 : 1))
        return Error{fmt::format("ERSPAN version {} in GRE payload 0x{:04x}", version, protocol)};
    key.id = load_be16(p + erspan::kSession) & erspan::kMostSession;
    key.flags |= packet::kTunnelKey;
    key.erspan_ver = static_cast<uint8_t>(version);
    if (second) {
        uint16_t hardware = load_be16(p + erspan::kHardware);
        key.erspan_hwid = static_cast<uint8_t>(hardware >> erspan::kHardwareShift & erspan::kMostHardware);
        key.erspan_dir = hardware & erspan::kDirection ? 1 : 0;
    } else {
        key.erspan_idx = load_be32(p + erspan::kIndex) & erspan::kMostIndex;
    }
    return TunnelPayload{packet.subspan(size)};
}

}  // namespace

bool is_for(ByteView bytes, PortType type) {
    if (bytes.size() < gre::kHeader) return type == PortType::kGre;
    uint16_t protocol = load_be16(bytes.data() + gre::kProtocol);
    bool mirrored = protocol == erspan::kProtocol1 || protocol == erspan::kProtocol2;
    return mirrored == (type == PortType::kErspan);
}

size_t tunnel_header_size(PortType type, const Tunnel& key) {
    switch (type) {
        case PortType::kGeneve:
            return geneve::kHeader + option_bytes(key);
        case PortType::kVxlan:
            return vxlan::kHeader;
        case PortType::kGre:
            return gre::kHeader + (key.flags & packet::kTunnelCsum ? gre::kWord : 0) +
                   (key.flags & packet::kTunnelKey ? gre::kWord : 0) +
                   (key.flags & packet::kTunnelSequence ? gre::kWord : 0);
        case PortType::kErspan:
            return erspan_size(key);
        case PortType::kGtpu:
            return gtpu::kHeader;
        default:
            return 0;
    }
}

void push_tunnel_header(Packet& packet, PortType type, const Tunnel& key, uint32_t packet_type,
                        uint32_t sequence) {
    size_t payload = packet.size();
    uint8_t* p = packet.push_front(tunnel_header_size(type, key));
    switch (type) {
        case PortType::kGeneve:
            return write_geneve(p, key);
        case PortType::kVxlan:
            return write_vxlan(p, key, packet_type);
        case PortType::kGre:
            return write_gre(packet, p, key, packet_type, sequence);
        case PortType::kErspan:
            return write_erspan(p, packet.view().subspan(erspan_size(key)), key, sequence);
        case PortType::kGtpu:
            return write_gtpu(p, payload, key);
        default:
            return;
    }
}

Result<TunnelPayload> read_tunnel_header(ByteView bytes, PortType type, Tunnel& key) {
    auto inner = [&]() -> Result<TunnelPayload> {
        switch (type) {
            case PortType::kGeneve:
                return read_geneve(bytes, key);
            case PortType::kVxlan:
                return read_vxlan(bytes, key);
            case PortType::kGre:
                return read_gre(bytes, key);
            case PortType::kErspan:
                return read_erspan(bytes, key);
            case PortType::kGtpu:
                return read_gtpu(bytes, key);
            default:
                return Error{"not a tunnel"};
        }
    }();
    if (inner && !inner->message && !inner->packet_type && inner->bytes.size() < packet::ethernet::kHeader)
        return Error{"the inner frame is cut short"};
    if (inner && inner->bytes.empty()) return Error{"nothing is carried"};
    return inner;
}

}  // namespace weft::datapath
