#include "controller/evpn_exchange.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>

#include "base/log.h"
#include "packet/address.h"

namespace weft::controller {

namespace {

namespace sb = schema::sb;
using net::ForwardingEntry;
using net::NeighborEntry;
using ovsdb::client::Replica;
using packet::EthAddr;
using packet::Ipv6Addr;

log::Module lg("evpn");

constexpr uint16_t kVxlanPort = 4789;  // RFC 7348

std::string text_of(const Ipv6Addr& address) {
    auto v4 = packet::mapped_ipv4(address);
    return v4 ? packet::ipv4_to_string(*v4) : packet::to_string(address);
}

bool is_v4(const Ipv6Addr& address) {
    return packet::mapped_ipv4(address).has_value();
}

void warn(std::string_view what) {
    static log::RateLimit limit(5, 5);
    if (limit.pass(lg)) lg.warn("{}", what);
}

// "00:00:00:00:00:01 10.0.0.1", "unknown".
std::optional<EthAddr> first_mac(const sb::PortBinding& port) {
    if (port.mac.empty()) return std::nullopt;
    const std::string& text = *port.mac.begin();
    return packet::parse_eth(std::string_view(text).substr(0, text.find(' ')));
}

const sb::PortBinding* peer_of(SouthboundView& view, const sb::PortBinding& port) {
    const std::string* name = port.options.find("peer");
    return name ? view.port_named(*name) : nullptr;
}

// A port of the switch that this host has, by which a workload, or a router that is here, is reached: the row
// whose address it is; or null.
const sb::PortBinding* end_here(SouthboundView& view, const sb::PortBinding& port) {
    if (port.type.empty() || port.type == "virtual")
        return view.is_own_chassis(port.chassis) ? &port : nullptr;
    const sb::PortBinding* router_port = peer_of(view, port);
    if (!router_port) return nullptr;
    if (port.type == "l3gateway") return view.is_own_chassis(port.chassis) ? router_port : nullptr;
    const std::string* redirect = router_port->options.find("chassis-redirect-port");
    const sb::PortBinding* gateway = redirect ? view.port_named(*redirect) : nullptr;
    return gateway && view.is_own_chassis(gateway->chassis) ? router_port : nullptr;
}

// The switch's ports that may be here: those that this host has, and those to routers.
std::set<Uuid> ports_to_tell(SouthboundView& view, const Uuid& datapath) {
    std::set<Uuid> out;
    if (const Uuid* own = view.own_chassis.find({})) {
        for (const Uuid& uuid : view.ports_by_chassis[*own]) {
            const sb::PortBinding* port = view.port(uuid);
            if (port && port->datapath == datapath) out.insert(uuid);
        }
    }
    for (const Uuid& uuid : view.ports_by_type[{datapath, "patch"}]) out.insert(uuid);
    return out;
}

// Of what the northbound lists, separated by commas or spaces.
bool lists(std::string_view text, std::string_view word) {
    for (const std::string& each : split_words(text)) {
        for (const std::string& part : split_words(each, ' ')) {
            if (part == word) return true;
        }
    }
    return false;
}

bool is_plain(const EthAddr& mac) {
    return !packet::is_zero(mac) && !packet::is_multicast(mac);
}

}  // namespace

std::optional<EvpnSettings> evpn_settings(const sb::DatapathBinding& row) {
    auto text = [&](const char* key) { return std::string(ovsdb::get_string(row.external_ids, key)); };
    int64_t vni = ovsdb::get_int(row.external_ids, "dynamic-routing-vni", -1);
    if (vni < 0 || vni >= 1 << 24) return std::nullopt;
    EvpnSettings out;
    out.vni = static_cast<uint32_t>(vni);
    out.bridge = text("dynamic-routing-bridge-ifname");
    out.advertise = text("dynamic-routing-advertise-ifname");
    out.vxlan = split_words(text("dynamic-routing-vxlan-ifname"));
    if (out.bridge.empty() || out.advertise.empty() || out.vxlan.empty()) return std::nullopt;
    std::string redistribute = text("dynamic-routing-redistribute");
    out.announces_macs = lists(redistribute, "fdb");
    out.announces_ips = lists(redistribute, "ip");
    out.own_fdb_first = ovsdb::get_bool(row.external_ids, "dynamic-routing-fdb-prefer-local");
    out.own_arp_first = ovsdb::get_bool(row.external_ids, "dynamic-routing-arp-prefer-local");
    int64_t age = ovsdb::get_int(row.external_ids, "fdb_age_threshold", 0);
    if (age > 0) out.fdb_age = static_cast<uint16_t>(std::min<int64_t>(age, UINT16_MAX));
    return out;
}

struct EvpnExchange::Reading {
    SouthboundView& view;
    const Configuration& configuration;
    const std::map<uint16_t, uint32_t>& tunnels;
    std::set<Ipv6Addr> chassis;  // addresses of other chassis of ours: they are reached by the mesh
    Learnt learnt;
    std::map<PeerName, uint32_t> keys;
};

// The key of the VTEP that the entry leads to; 0 if it cannot be reached.
uint32_t EvpnExchange::peer_key(Reading& reading, const Uuid& datapath, const EvpnSettings& settings,
                                const ForwardingEntry& entry) {
    const std::vector<uint16_t>& ports = reading.configuration.evpn_ports;
    uint16_t usual = ports.empty() || std::find(ports.begin(), ports.end(), kVxlanPort) != ports.end()
                         ? kVxlanPort
                         : ports.front();
    const uint16_t udp_port = entry.port ? entry.port : usual;
    auto tunnel = reading.tunnels.find(udp_port);
    if (tunnel == reading.tunnels.end()) {
        warn(
            fmt::format("VTEP {} cannot be reached: there is no tunnel port for UDP port {} "
                        "(external_ids:ovn-evpn-vxlan-ports)",
                        text_of(entry.destination), udp_port));
        return 0;
    }
    std::optional<Ipv6Addr> own = reading.configuration.evpn_ip(settings.vni, is_v4(entry.destination));
    if (!own) {
        warn(fmt::format(
            "VTEP {} cannot be reached: external_ids:ovn-evpn-local-ip has no {} address for VNI {}",
            text_of(entry.destination), is_v4(entry.destination) ? "IPv4" : "IPv6", settings.vni));
        return 0;
    }
    PeerName name{datapath, entry.destination, udp_port};
    uint32_t& key = reading.keys[name];
    if (!key) {
        auto known = keys_.find(name);
        if (known == keys_.end()) {
            std::set<uint32_t> taken;
            for (const auto& [each, number] : keys_) taken.insert(number);
            uint32_t free = 1;
            while (taken.contains(kEvpnKeyBit | free * kEvpnKeyStep)) ++free;
            if (free > kMaxEvpnPeers) {
                warn(fmt::format("VTEP {} is one too many: {} is the most", text_of(entry.destination),
                                 kMaxEvpnPeers));
                reading.keys.erase(name);
                return 0;
            }
            known = keys_.emplace(name, kEvpnKeyBit | free * kEvpnKeyStep).first;
        }
        key = known->second;
    }
    reading.learnt.peers[key] = {datapath,        entry.destination, *own,
                                 settings.vni,    tunnel->second,    settings.own_fdb_first,
                                 settings.fdb_age};
    return key;
}

void EvpnExchange::learn_switch(Reading& reading, const Uuid& datapath, const EvpnSettings& settings) {
    std::set<uint32_t> floods;
    for (const std::string& device : settings.vxlan) {
        Result<std::vector<ForwardingEntry>> entries = tables_->forwarding(device);
        if (!entries) {
            warn(entries.message());
            continue;
        }
        for (const ForwardingEntry& entry : *entries) {
            if (entry.of_bridge || packet::is_zero(entry.destination) ||
                packet::is_multicast(entry.destination) || packet::is_multicast(entry.mac))
                continue;
            uint32_t key = peer_key(reading, datapath, settings, entry);
            if (!key) continue;
            if (!packet::is_zero(entry.mac)) {
                reading.learnt.macs[{datapath, entry.mac}] = {key, settings.own_fdb_first};
            } else if (!reading.chassis.contains(entry.destination)) {
                floods.insert(key);
            }
        }
    }
    // Also without a VTEP: what comes from one must not be flooded into an EVPN that others are in.
    std::vector<EvpnPeer>& copies = reading.learnt.floods[datapath];
    for (uint32_t key : floods) copies.push_back(reading.learnt.peers[key]);

    Result<std::vector<NeighborEntry>> neighbors = tables_->neighbors(settings.bridge);
    if (!neighbors) return warn(neighbors.message());
    for (const NeighborEntry& each : *neighbors) {
        if (each.learnt_elsewhere && is_plain(each.mac) && !packet::is_multicast(each.ip))
            reading.learnt.neighbors[{datapath, each.ip}] = {each.mac, settings.own_arp_first};
    }
}

void EvpnExchange::learn(SouthboundView& view, const Configuration& configuration,
                         const std::map<uint16_t, uint32_t>& tunnels, const Replica& southbound) {
    if (!tables_) return;
    Reading reading{view, configuration, tunnels, {}, {}, {}};
    std::vector<std::pair<Uuid, EvpnSettings>> switches;
    for (const Uuid& datapath : view.local_datapaths.keys()) {
        if (!view.local_datapath(datapath)->is_switch) continue;
        const sb::DatapathBinding* row = view.value(view.datapaths, datapath);
        if (auto settings = row ? evpn_settings(*row) : std::nullopt)
            switches.emplace_back(datapath, *settings);
    }
    if (!switches.empty()) {
        view.depend_on({Outside::kChassis});
        for (const sb::Chassis& row : southbound.table<sb::Chassis>()) {
            if (row.name == configuration.chassis) continue;
            for (const EvpnAddress& each :
                 parse_evpn_addresses(ovsdb::get_string(row.other_config, "ovn-evpn-local-ip")))
                reading.chassis.insert(each.ip);
        }
    }
    for (const auto& [datapath, settings] : switches) learn_switch(reading, datapath, settings);
    learnt_ = std::move(reading.learnt);
    keys_ = std::move(reading.keys);
}

namespace {

// Sets an input's values to exactly these; `before`: those that it has.
template <typename Input, typename Map>
void replace_all(Input& input, Map& before, const Map& wanted) {
    for (const auto& [key, value] : before) {
        if (!wanted.contains(key)) input.erase(key);
    }
    for (const auto& [key, value] : wanted) {
        auto old = before.find(key);
        if (old == before.end() || old->second != value) input.set(key, value);
    }
    before = wanted;
}

}  // namespace

void EvpnExchange::show(SouthboundView& view) {
    replace_all(view.evpn_peers, shown_.peers, learnt_.peers);
    replace_all(view.evpn_floods, shown_.floods, learnt_.floods);
    replace_all(view.evpn_macs, shown_.macs, learnt_.macs);
    replace_all(view.evpn_neighbors, shown_.neighbors, learnt_.neighbors);
}

EvpnExchange::Told EvpnExchange::find_told(SouthboundView& view, const Replica& southbound,
                                           const Uuid& datapath, const EvpnSettings& settings) const {
    Told told;
    for (const Uuid& uuid : ports_to_tell(view, datapath)) {
        const sb::PortBinding* end = end_here(view, *view.port(uuid));
        if (!end) continue;
        if (settings.announces_macs) {
            if (auto mac = first_mac(*end)) told.macs.insert(*mac);
        }
        if (!settings.announces_ips || !southbound.server_has(sb::AdvertisedMACBinding::table_info()))
            continue;
        southbound.table<sb::AdvertisedMACBinding>().for_each_by(
            sb::AdvertisedMACBinding::kLogicalPort, uuid, [&](const sb::AdvertisedMACBinding& row) {
                auto mac = packet::parse_eth(row.mac);
                auto v4 = packet::parse_ipv4(row.ip);
                auto ip = v4 ? std::optional(packet::map_ipv4(*v4)) : packet::parse_ipv6(row.ip);
                if (mac && ip) told.ips[*ip] = *mac;
            });
    }
    return told;
}

// What is there and is not wanted is not ours alone to judge by memory: a controller that was killed left it.
void EvpnExchange::keep_macs(const std::string& device, const std::set<EthAddr>& wanted) {
    Result<std::vector<ForwardingEntry>> present = tables_->forwarding(device);
    if (!present) return warn(present.message());
    std::set<EthAddr> missing = wanted;
    for (const ForwardingEntry& entry : *present) {
        if (!entry.of_bridge || !entry.is_fixed || entry.learnt_elsewhere) continue;
        if (!missing.erase(entry.mac)) (void)tables_->remove_forwarding(device, entry.mac).ok();
    }
    for (const EthAddr& mac : missing) {
        if (Result<void> added = tables_->add_forwarding(device, mac); !added)
            warn(fmt::format("announcing {}: {}", packet::to_string(mac), added.message()));
    }
}

void EvpnExchange::keep_ips(const std::string& device, const std::map<Ipv6Addr, EthAddr>& wanted) {
    Result<std::vector<NeighborEntry>> present = tables_->neighbors(device);
    if (!present) return warn(present.message());
    std::map<Ipv6Addr, EthAddr> missing = wanted;
    for (const NeighborEntry& entry : *present) {
        // The kernel's own for multicast addresses are fixed, too.
        if (!entry.is_fixed || entry.learnt_elsewhere || !is_plain(entry.mac)) continue;
        auto it = missing.find(entry.ip);
        if (it == missing.end()) {
            (void)tables_->remove_neighbor(device, entry.ip).ok();
        } else if (it->second == entry.mac) {
            missing.erase(it);
        }
    }
    for (const auto& [ip, mac] : missing) {
        if (Result<void> added = tables_->add_neighbor(device, ip, mac); !added)
            warn(fmt::format("announcing {}: {}", text_of(ip), added.message()));
    }
}

void EvpnExchange::advertise(SouthboundView& view, const Replica& southbound) {
    if (!tables_) return;
    std::map<Uuid, EvpnSettings> now;
    std::map<std::string, std::set<EthAddr>> macs;           // by device
    std::map<std::string, std::map<Ipv6Addr, EthAddr>> ips;  // by device
    // Devices that a switch had and has no longer are emptied.
    for (const auto& [datapath, settings] : told_) {
        macs[settings.advertise];
        ips[settings.bridge];
    }
    for (const Uuid& datapath : view.local_datapaths.keys()) {
        if (!view.local_datapath(datapath)->is_switch) continue;
        const sb::DatapathBinding* row = view.value(view.datapaths, datapath);
        auto settings = row ? evpn_settings(*row) : std::nullopt;
        if (!settings) continue;
        Told told = find_told(view, southbound, datapath, *settings);
        macs[settings->advertise].merge(told.macs);
        ips[settings->bridge].merge(told.ips);
        now.emplace(datapath, *settings);
    }
    for (const auto& [device, wanted] : macs) keep_macs(device, wanted);
    for (const auto& [device, wanted] : ips) keep_ips(device, wanted);
    told_ = std::move(now);
}

void EvpnExchange::leave() {
    if (!tables_) return;
    for (const auto& [datapath, settings] : told_) {
        keep_macs(settings.advertise, {});
        keep_ips(settings.bridge, {});
    }
    told_.clear();
}

namespace {

uint32_t datapath_key(SouthboundView& view, const Uuid& datapath) {
    const LocalDatapath* local = view.local_datapath(datapath);
    return local ? local->key : 0;
}

}  // namespace

std::string EvpnExchange::peers_text(SouthboundView& view) const {
    std::string out;
    for (const auto& [key, peer] : learnt_.peers) {
        out += fmt::format("Remote IP: {}, vni: {}, binding_key: {:#x}, tunnel_ofport: {}, dp_key: {}\n",
                           text_of(peer.ip), peer.vni, key, peer.ofport, datapath_key(view, peer.datapath));
    }
    return out;
}

std::string EvpnExchange::remotes_text() const {
    std::string out;
    for (const auto& [name, key] : keys_) {
        out += fmt::format("IP: {}, port: {}, vni: {}\n", text_of(std::get<1>(name)), std::get<2>(name),
                           learnt_.peers.at(key).vni);
    }
    return out;
}

std::string EvpnExchange::macs_text(SouthboundView& view) const {
    std::string out;
    for (const auto& [key, mac] : learnt_.macs) {
        out +=
            fmt::format("MAC: {}, vni: {}, binding_key: {:#x}, dp_key: {}\n", packet::to_string(key.second),
                        learnt_.peers.at(mac.peer).vni, mac.peer, datapath_key(view, key.first));
    }
    return out;
}

std::string EvpnExchange::neighbors_text(SouthboundView& view) const {
    std::string out;
    for (const auto& [key, neighbor] : learnt_.neighbors) {
        const sb::DatapathBinding* row = view.value(view.datapaths, key.first);
        auto settings = row ? evpn_settings(*row) : std::nullopt;
        out +=
            fmt::format("VNI: {}, MAC: {}, IP: {}, dp_key: {}\n", settings ? settings->vni : 0,
                        packet::to_string(neighbor.mac), text_of(key.second), datapath_key(view, key.first));
    }
    return out;
}

std::string EvpnExchange::floods_text() const {
    std::string out;
    for (const auto& [datapath, peers] : learnt_.floods) {
        std::vector<std::string> addresses;
        for (const EvpnPeer& peer : peers) addresses.push_back(text_of(peer.ip));
        if (peers.empty()) continue;
        out += fmt::format("Remote IPs: {}, vni: {}\n", fmt::join(addresses, ", "), peers.front().vni);
    }
    return out;
}

}  // namespace weft::controller
