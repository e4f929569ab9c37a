#include "datapath/api/tunnel_payload.h"

#include <utility>

#include "packet/ethernet.h"
#include "packet/flow.h"
#include "packet/vxlan.h"

namespace weft::datapath {

namespace {

namespace vxlan = packet::vxlan;

constexpr uint32_t type_of(uint16_t ethertype) {
    return 1u << 16 | ethertype;
}

constexpr std::pair<uint32_t, uint8_t> kGpe[] = {{0, vxlan::kEthernet},
                                                 {type_of(packet::ethernet::kIpv4), vxlan::kIpv4},
                                                 {type_of(packet::ethernet::kIpv6), vxlan::kIpv6},
                                                 {type_of(packet::ethernet::kNsh), vxlan::kNsh},
                                                 {type_of(packet::ethernet::kMpls), vxlan::kMpls}};

}  // namespace

bool carries(PortType type, uint16_t flags, uint32_t packet_type) {
    if (!packet_type) return true;
    switch (type) {
        case PortType::kGtpu:  // the receiver looks
            return true;
        case PortType::kGre:
            return packet_type >> 16 == 1;
        case PortType::kVxlan:
            return (flags & packet::kTunnelGpe) && gpe_protocol(packet_type);
        default:
            return false;
    }
}

std::optional<uint8_t> gpe_protocol(uint32_t packet_type) {
    for (auto [type, protocol] : kGpe) {
        if (type == packet_type) return protocol;
    }
    return std::nullopt;
}

std::optional<uint32_t> gpe_packet_type(uint8_t protocol) {
    for (auto [type, number] : kGpe) {
        if (number == protocol) return type;
    }
    return std::nullopt;
}

uint16_t gre_protocol(uint32_t packet_type) {
    return packet_type ? static_cast<uint16_t>(packet_type) : packet::ethernet::kTransparentBridging;
}

}  // namespace weft::datapath
