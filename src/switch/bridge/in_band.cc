#include "switch/bridge/in_band.h"

#include <fmt/core.h>
#include <net/if.h>

#include <cstdlib>

#include "base/log.h"
#include "datapath/netdev/routes.h"
#include "net/stream.h"
#include "packet/address.h"
#include "switch/ofproto/bridge.h"

namespace weft::vswitch {

namespace db = schema::vswitch;
namespace of = openflow;

namespace {

log::Module lg("in_band");
log::Module bridge_lg("bridge");

constexpr int64_t kLookMs = 1000;
constexpr uint16_t kOpenFlowPort = 6653, kOvsdbPort = 6640;

// The letters of the design document.
enum Priority : int {
    kFromLocalDhcp = 180000,  // a
    kToLocalArp,              // b
    kFromLocalArp,            // c
    kToNextHopArp,            // d
    kFromNextHopArp,          // e
    kToRemoteArp,             // f
    kFromRemoteArp,           // g
    kToRemoteTcp,             // h
    kFromRemoteTcp,           // i
};

struct Remote {
    uint32_t address;
    uint16_t port;
};

std::optional<Remote> parse_remote(const std::string& target, uint16_t default_port) {
    if (!target.starts_with("tcp:") && !target.starts_with("ssl:")) return std::nullopt;
    std::string full = net::with_default_port(target, default_port);
    size_t colon = full.rfind(':');
    if (colon < 4) return std::nullopt;
    auto address = packet::parse_ipv4(std::string_view(full).substr(4, colon - 4));
    unsigned long port = std::strtoul(full.c_str() + colon + 1, nullptr, 10);
    if (!address || !port || port > UINT16_MAX) return std::nullopt;
    return Remote{*address, static_cast<uint16_t>(port)};
}

bool in_band(const std::optional<std::string>& mode) {
    return !mode || *mode != "out-of-band";
}

// Those of the class of the address, before there were masks (RFC 791 section 3.2).
uint32_t class_mask(uint32_t address) {
    return address >> 31 == 0 ? 0xff000000 : address >> 30 == 2 ? 0xffff0000 : 0xffffff00;
}

// Gives the device what the controller's row says, unless it has that.
void configure_device(const db::Controller& row, const std::string& device,
                      std::vector<std::string>& warnings) {
    auto address = packet::parse_ipv4(*row.local_ip);
    if (!address) return warnings.push_back(fmt::format("{}: bad local_ip '{}'", device, *row.local_ip));
    auto netmask = row.local_netmask ? packet::parse_ipv4(*row.local_netmask) : class_mask(*address);
    if (!netmask)
        return warnings.push_back(fmt::format("{}: bad local_netmask '{}'", device, *row.local_netmask));
    datapath::DeviceAddress wanted{*address, *netmask};
    if (datapath::device_address(device) != wanted) {
        if (auto set = datapath::set_device_address(device, wanted); !set)
            return warnings.push_back(set.message());
        bridge_lg.info("bridge {}: configured IP address {}, netmask {}", device,
                       packet::ipv4_to_string(*address), packet::ipv4_to_string(*netmask));
    }
    if (!row.local_gateway) return;
    auto gateway = packet::parse_ipv4(*row.local_gateway);
    if (!gateway)
        return warnings.push_back(fmt::format("{}: bad local_gateway '{}'", device, *row.local_gateway));
    if (auto added = datapath::add_default_gateway(device, *gateway); !added)
        return warnings.push_back(added.message());
}

// The kernel's next hop towards a remote.
std::optional<packet::EthAddr> next_hop(const Bridge& bridge, uint32_t remote) {
    auto route = datapath::find_route(packet::map_ipv4(remote), {});
    char device[IF_NAMESIZE];
    if (!route || route->other_family || !if_indextoname(static_cast<unsigned>(route->ifindex), device)) {
        lg.dbg("{}: cannot find route for controller ({})", bridge.name(), packet::ipv4_to_string(remote));
        return std::nullopt;
    }
    bool neighbour = packet::is_zero(route->gateway);
    return datapath::device_neighbour(device,
                                      neighbour ? remote : packet::mapped_ipv4(route->gateway).value_or(0));
}

}  // namespace

std::vector<HiddenFlow> in_band_flows(const InBandRemotes& in_band) {
    std::vector<HiddenFlow> flows;
    if (in_band.remotes.empty()) return flows;
    of::ActionList actions;
    if (in_band.queue) actions.push_back(of::SetQueue{*in_band.queue});
    actions.push_back(of::Output{of::kPortNormal, 0});
    auto add = [&](int priority, const std::string& match) {
        flows.push_back({priority, *of::parse_match(match), actions});
    };
    std::string local = packet::to_string(in_band.local);
    add(kFromLocalDhcp, fmt::format("udp,in_port=LOCAL,dl_src={},udp_src=68,udp_dst=67", local));
    add(kToLocalArp, fmt::format("arp,dl_dst={},arp_op=2", local));
    add(kFromLocalArp, fmt::format("arp,dl_src={},arp_op=1", local));
    for (const packet::EthAddr& next_hop : in_band.next_hops) {
        std::string mac = packet::to_string(next_hop);
        add(kToNextHopArp, fmt::format("arp,dl_dst={},arp_op=2", mac));
        add(kFromNextHopArp, fmt::format("arp,dl_src={},arp_op=1", mac));
    }
    uint32_t before = 0;  // the remotes are in order
    for (auto [remote, port] : in_band.remotes) {
        std::string address = packet::ipv4_to_string(remote);
        if (std::exchange(before, remote) != remote) {
            add(kToRemoteArp, fmt::format("arp,arp_tpa={},arp_op=2", address));
            add(kFromRemoteArp, fmt::format("arp,arp_spa={},arp_op=1", address));
        }
        add(kToRemoteTcp, fmt::format("tcp,nw_dst={},tcp_dst={}", address, port));
        add(kFromRemoteTcp, fmt::format("tcp,nw_src={},tcp_src={}", address, port));
    }
    return flows;
}

InBand::InBand(net::Loop& loop, std::function<Bridge*(const std::string&)> find) : find_(std::move(find)) {
    timer_ = loop.timer([this] { tick(); });
}

void InBand::configure(const db::Bridge& row, Bridge& bridge, const ovsdb::client::Replica& replica,
                       std::vector<std::string>& warnings) {
    InBandRemotes state;
    bool disabled = ovsdb::get_bool(row.other_config, "disable-in-band");
    for (const Uuid& uuid : row.controller) {
        const db::Controller* controller = replica.find<db::Controller>(uuid);
        if (disabled || !controller || !in_band(controller->connection_mode)) continue;
        auto remote = parse_remote(controller->target, kOpenFlowPort);
        if (!remote) continue;
        state.remotes.emplace(remote->address, remote->port);
        OfPort* local = bridge.port(of::kPortLocal);
        if (controller->local_ip && local && local->ifindex)
            configure_device(*controller, bridge.name(), warnings);
    }
    for (const db::Manager& manager : replica.table<db::Manager>()) {
        if (disabled || !in_band(manager.connection_mode)) continue;
        if (auto remote = parse_remote(manager.target, kOvsdbPort))
            state.remotes.emplace(remote->address, remote->port);
    }
    int64_t queue = ovsdb::get_int(row.other_config, "in-band-queue", -1);
    if (queue >= 0 && queue <= UINT32_MAX) state.queue = static_cast<uint32_t>(queue);
    if (state.remotes.empty()) {
        bridges_.erase(bridge.name());
        bridge.set_hidden_flows({});
        return;
    }
    InBandRemotes& kept = bridges_[bridge.name()];
    kept = std::move(state);
    follow(bridge, kept);
    timer_->arm_in(kLookMs);
}

// The flows, as the remotes' next hops and the local port are now.
void InBand::follow(Bridge& bridge, InBandRemotes& state) {
    state.next_hops.clear();
    OfPort* local = bridge.port(of::kPortLocal);
    if (!local) return;
    state.local = local->mac;
    for (auto [address, port] : state.remotes) {
        auto mac = local->ifindex ? next_hop(bridge, address) : std::nullopt;
        if (mac) state.next_hops.insert(*mac);
    }
    bridge.set_hidden_flows(in_band_flows(state));
}

void InBand::tick() {
    for (auto& [name, state] : bridges_) {
        if (Bridge* bridge = find_(name)) follow(*bridge, state);
    }
    if (!bridges_.empty()) timer_->arm_in(kLookMs);
}

}  // namespace weft::vswitch
