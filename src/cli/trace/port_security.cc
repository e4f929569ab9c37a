#include "cli/trace/port_security.h"

#include <algorithm>

#include "logical/port_security.h"

namespace weft::cli::trace {

namespace {

using logical::PortSecurity;
using packet::EthAddr;
using packet::Ipv6Addr;

constexpr uint16_t kIpv4 = 0x0800, kIpv6 = 0x86dd, kArp = 0x0806;
constexpr uint8_t kUdp = 17, kIcmpv6 = 58;
constexpr size_t kRegInport = 14, kRegOutport = 15;

const std::vector<PortSecurity>* security_of(const Datapath& datapath, uint32_t key) {
    auto port = datapath.ports.find(key);
    return port == datapath.ports.end() ? nullptr : &port->second->security;
}

bool within(const Ipv6Addr& address, const Ipv6Addr& network, const Ipv6Addr& mask) {
    for (size_t i = 0; i < address.size(); ++i) {
        if ((address[i] ^ network[i]) & mask[i]) return false;
    }
    return true;
}

bool has_ipv4(const PortSecurity& entry, uint32_t address) {
    return std::any_of(entry.v4.begin(), entry.v4.end(), [&](const PortSecurity::Ipv4& ip) {
        return ip.is_network() ? (address & ip.mask) == (ip.address & ip.mask) : address == ip.address;
    });
}

bool has_ipv6(const PortSecurity& entry, const Ipv6Addr& address) {
    return address == logical::link_local(entry.mac) ||
           std::any_of(entry.v6.begin(), entry.v6.end(),
                       [&](const PortSecurity::Ipv6& ip) { return within(address, ip.address, ip.mask); });
}

bool is_nd(const packet::Flow& packet, uint16_t type) {
    return packet.dl_type == kIpv6 && packet.nw_proto == kIcmpv6 && packet.tp_src == type &&
           packet.nw_ttl == 255;
}

bool may_send_arp(const PortSecurity& entry, const packet::Flow& packet) {
    if (packet.dl_src != entry.mac || packet.arp_sha != entry.mac) return false;
    return (entry.v4.empty() && entry.v6.empty()) || has_ipv4(entry, packet.nw_src);
}

// The link-layer address option may be missing, which reads as zero.
bool may_send_nd(const PortSecurity& entry, const packet::Flow& packet) {
    if (packet.tp_dst != 0) return false;
    auto is_own = [&](const EthAddr& mac) { return mac == EthAddr{} || mac == entry.mac; };
    if (is_nd(packet, 135)) return is_own(packet.arp_sha);
    return is_own(packet.arp_tha) && (entry.v6.empty() || has_ipv6(entry, packet.nd_target));
}

// A DHCP client that has no address yet.
bool is_dhcp_discovery(const packet::Flow& packet) {
    return packet.nw_src == 0 && packet.nw_dst == 0xffffffff && packet.nw_proto == kUdp &&
           packet.tp_src == 68 && packet.tp_dst == 67;
}

// Before an address is taken: multicast listener reports and duplicate address detection, from ::.
bool is_before_address(const packet::Flow& packet) {
    return packet.nw_proto == kIcmpv6 && packet.ipv6_src == Ipv6Addr{} && packet.ipv6_dst[0] == 0xff &&
           packet.ipv6_dst[1] == 0x02 && packet.tp_dst == 0 &&
           (packet.tp_src == 131 || packet.tp_src == 143 || packet.tp_src == 135);
}

bool has_source(const PortSecurity& entry, const packet::Flow& packet) {
    if (packet.dl_src != entry.mac) return false;
    if (entry.v4.empty() && entry.v6.empty()) return true;
    if (packet.dl_type == kIpv4) {
        return has_ipv4(entry, packet.nw_src) || (!entry.v4.empty() && is_dhcp_discovery(packet));
    }
    if (packet.dl_type != kIpv6 || entry.v6.empty()) return false;
    return has_ipv6(entry, packet.ipv6_src) || is_before_address(packet);
}

bool may_receive_at(const PortSecurity& entry, const packet::Flow& packet) {
    if (packet.dl_dst != entry.mac) return false;
    if (entry.v4.empty() && entry.v6.empty()) return true;
    if (packet.dl_type == kIpv4) {
        if (entry.v4.empty()) return false;
        uint32_t to = packet.nw_dst;
        if (to == 0xffffffff || (to & 0xf0000000) == 0xe0000000 || has_ipv4(entry, to)) return true;
        return std::any_of(entry.v4.begin(), entry.v4.end(), [&](const PortSecurity::Ipv4& ip) {
            return !ip.is_network() && ip.mask != 0xffffffff && to == (ip.address | ~ip.mask);
        });
    }
    if (packet.dl_type == kIpv6)
        return !entry.v6.empty() && (packet.ipv6_dst[0] == 0xff || has_ipv6(entry, packet.ipv6_dst));
    return true;
}

}  // namespace

bool may_send(const Datapath& datapath, const packet::Flow& packet) {
    const std::vector<PortSecurity>* security = security_of(datapath, packet.regs[kRegInport]);
    if (!security || security->empty()) return true;
    auto any = [&](auto judge) {
        return std::any_of(security->begin(), security->end(),
                           [&](const PortSecurity& entry) { return judge(entry, packet); });
    };
    if (packet.dl_type == kArp) return any(may_send_arp);
    if (!any(has_source)) return false;
    return (!is_nd(packet, 135) && !is_nd(packet, 136)) || any(may_send_nd);
}

bool may_receive(const Datapath& datapath, const packet::Flow& packet) {
    const std::vector<PortSecurity>* security = security_of(datapath, packet.regs[kRegOutport]);
    if (!security || security->empty()) return true;
    return std::any_of(security->begin(), security->end(),
                       [&](const PortSecurity& entry) { return may_receive_at(entry, packet); });
}

}  // namespace weft::cli::trace
