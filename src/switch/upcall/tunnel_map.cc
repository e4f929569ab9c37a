#include "switch/upcall/tunnel_map.h"

#include <cstring>

#include "packet/address.h"

namespace weft::vswitch {

namespace {

constexpr unsigned kAnyLocal = 1, kAnyRemote = 2, kAnyKey = 4;

packet::Ipv6Addr address(bool v6, uint32_t v4, const packet::Ipv6Addr& six) {
    return v6 ? six : v4 ? packet::map_ipv4(v4) : packet::Ipv6Addr{};
}

std::pair<uint16_t, datapath::PortNo> listener_key(const OfPort& port) {
    uint16_t udp_port = datapath::is_gre(port.tunnel->type) ? 0 : port.tunnel->dst_port;
    return {udp_port, port.dp_port};
}

}  // namespace

std::string TunnelMap::key(datapath::PortNo port, const packet::Ipv6Addr& local,
                           const packet::Ipv6Addr& remote, uint64_t tunnel_key, unsigned shape,
                           TunnelPackets packets) {
    std::string out;
    out.append(reinterpret_cast<const char*>(&port), sizeof port);
    out.push_back(static_cast<char>(shape));
    out.push_back(static_cast<char>(packets));
    if (!(shape & kAnyLocal)) out.append(reinterpret_cast<const char*>(local.data()), local.size());
    if (!(shape & kAnyRemote)) out.append(reinterpret_cast<const char*>(remote.data()), remote.size());
    if (!(shape & kAnyKey)) out.append(reinterpret_cast<const char*>(&tunnel_key), sizeof tunnel_key);
    return out;
}

std::string TunnelMap::key_of(const OfPort& port) {
    const TunnelConfig& config = *port.tunnel;
    packet::Ipv6Addr local = address(config.v6, config.local, config.local6);
    packet::Ipv6Addr remote = address(config.v6, config.remote, config.remote6);
    unsigned shape = (config.local_flow || packet::is_zero(local) ? kAnyLocal : 0) |
                     (config.remote_flow ? kAnyRemote : 0) | (config.in_key_flow ? kAnyKey : 0);
    return key(port.dp_port, local, remote, config.in_key_present ? config.in_key : 0, shape, config.packets);
}

std::optional<datapath::PortNo> TunnelMap::listener(uint16_t udp_port) const {
    auto it = listeners_.lower_bound({udp_port, 0});
    if (it == listeners_.end() || it->first.first != udp_port) return std::nullopt;
    return it->second.port;
}

bool TunnelMap::add(OfPort& port) {
    if (!ports_.emplace(key_of(port), &port).second) return false;
    Listener& listener = listeners_[listener_key(port)];
    listener.port = port.dp_port;
    listener.tunnels++;
    return true;
}

void TunnelMap::remove(OfPort& port) {
    for (auto it = ports_.begin(); it != ports_.end(); ++it) {
        if (it->second == &port) {
            ports_.erase(it);
            auto listener = listeners_.find(listener_key(port));
            if (listener != listeners_.end() && !--listener->second.tunnels) listeners_.erase(listener);
            return;
        }
    }
}

OfPort* TunnelMap::find(datapath::PortNo datapath_port, const packet::Tunnel& tunnel,
                        uint32_t packet_type) const {
    // The packet's destination is our local address, its source the remote one.
    bool v6 = !packet::is_zero(tunnel.ipv6_dst);
    packet::Ipv6Addr local = address(v6, tunnel.dst, tunnel.ipv6_dst);
    packet::Ipv6Addr remote = address(v6, tunnel.src, tunnel.ipv6_src);
    static constexpr unsigned kShapes[] = {
        0,       kAnyLocal,           kAnyRemote,           kAnyRemote | kAnyLocal,
        kAnyKey, kAnyKey | kAnyLocal, kAnyKey | kAnyRemote, kAnyKey | kAnyRemote | kAnyLocal};
    for (unsigned shape : kShapes) {
        for (TunnelPackets packets :
             {packet_type ? TunnelPackets::kLegacyL3 : TunnelPackets::kLegacyL2, TunnelPackets::kAware}) {
            auto it = ports_.find(key(datapath_port, local, remote, tunnel.id, shape, packets));
            if (it != ports_.end()) return it->second;
        }
    }
    return nullptr;
}

std::vector<OfPort*> TunnelMap::ports() const {
    std::vector<OfPort*> out;
    for (const auto& [k, port] : ports_) out.push_back(port);
    return out;
}

}  // namespace weft::vswitch
