#include "datapath/ebpf/underlay.h"

#include <netinet/in.h>

#include <cstring>

#include "base/big_endian.h"
#include "base/log.h"
#include "packet/address.h"

namespace weft::datapath::ebpf {

namespace {

log::Module lg("ebpf");

constexpr int64_t kSettleMs = 20;  // changes come in bursts
int in_use = 0;                    // objects of this process

uint32_t selector_of(const PortInfo& port) {
    if (port.type == PortType::kGre) return WEFT_TUNNEL_SELECTOR(IPPROTO_GRE, 0);
    return WEFT_TUNNEL_SELECTOR(IPPROTO_UDP, Be16(port.tunnel_port).raw());
}

uint32_t kind_of(PortType type) {
    switch (type) {
        case PortType::kGeneve:
            return kTunnelGeneve;
        case PortType::kVxlan:
            return kTunnelVxlan;
        case PortType::kGre:
            return kTunnelGre;
        default:
            return kTunnelNone;
    }
}

bool has_program(int ifindex) {
    return TcFilter::find(ifindex, TcFilter::Hook::kIngress) == Underlay::kFilterName;
}

void remove_program(int ifindex) {
    if (has_program(ifindex)) TcFilter::adopt(ifindex, TcFilter::Hook::kIngress).remove();
}

}  // namespace

Underlay::Underlay(Links& links, Kernel& kernel, std::function<bool(const std::string&)> is_port)
    : links_(links), kernel_(kernel), is_port_(std::move(is_port)) {
    in_use++;
}

Underlay::~Underlay() {
    in_use--;
}

Result<std::unique_ptr<Underlay>> Underlay::create(net::Loop& loop, Links& links, Kernel& kernel,
                                                   std::function<bool(const std::string&)> is_port) {
    std::unique_ptr<Underlay> underlay(new Underlay(links, kernel, std::move(is_port)));
    Underlay* raw = underlay.get();
    underlay->timer_ = loop.timer([raw] { raw->update(); });
    WEFT_ASSIGN(underlay->events_, RouteEvents::create(loop, [raw] { raw->changed(); }));
    return underlay;
}

void Underlay::changed() {
    if (!tunnels_.empty()) timer_->arm_in(kSettleMs);
}

void Underlay::add_tunnel(const PortInfo& port) {
    if (port.number >= kPorts) return;
    uint32_t selector = selector_of(port);
    PortEntry& entry = kernel_.port(port.number);
    entry.tunnel = kind_of(port.type);
    entry.tunnel_port = Be16(port.tunnel_port).raw();
    __atomic_store_n(&entry.kind, static_cast<uint32_t>(kPortTunnel), __ATOMIC_RELEASE);
    auto done = kernel_.put_tunnel(selector, port.number);
    if (!done) lg.warn("{}: {}", port.name, done.message());
    tunnels_[port.number] = selector;
    update();
}

void Underlay::remove_tunnel(PortNo port) {
    auto it = tunnels_.find(port);
    if (it == tunnels_.end()) return;
    kernel_.delete_tunnel(it->second);
    __atomic_store_n(&kernel_.port(port).kind, static_cast<uint32_t>(kPortNone), __ATOMIC_RELEASE);
    tunnels_.erase(it);
    if (tunnels_.empty()) update();
}

void Underlay::want(const TunnelEnds& ends) {
    if (packet::is_zero(ends.dst) || remotes_.contains(ends) || remotes_.size() >= kRemotes) return;
    remotes_[ends] = {};
    resolve(ends);
}

void Underlay::update() {
    update_devices();
    for (const auto& [ends, way] : remotes_) resolve(ends);
}

void Underlay::update_devices() {
    std::set<int> devices;
    std::set<packet::Ipv6Addr> addresses;
    if (!tunnels_.empty()) {
        links_.refresh();
        for (const HostAddress& one : host_addresses()) {
            addresses.insert(one.address);
            const Link* link = links_.find(one.ifindex);
            if (link && link->ethernet && !link->loopback && !is_port_(link->name))
                devices.insert(one.ifindex);
        }
    }
    for (const auto& address : addresses) {
        if (addresses_.contains(address)) continue;
        auto done = kernel_.put_local_address(address);
        if (!done) lg.warn("{}", done.message());
    }
    for (const auto& address : addresses_) {
        if (!addresses.contains(address)) kernel_.delete_local_address(address);
    }
    addresses_ = std::move(addresses);
    for (int ifindex : attached_) {
        if (!devices.contains(ifindex)) remove_program(ifindex);
    }
    std::erase_if(attached_, [&](int ifindex) { return !devices.contains(ifindex); });
    for (int ifindex : devices) {
        if (!attached_.contains(ifindex)) attach(ifindex);
    }
}

void Underlay::attach(int ifindex) {
    attached_.insert(ifindex);
    if (!taken_over_ && has_program(ifindex)) return;  // an earlier process's, for the time being
    const Link* link = links_.find(ifindex);
    auto filter = TcFilter::install(ifindex, link ? link->name : "", TcFilter::Hook::kIngress,
                                    kernel_.tunnel_program(), kFilterName);
    if (!filter) lg.warn("packets of tunnels go through the daemon: {}", filter.message());
}

void Underlay::take_over() {
    if (taken_over_) return;
    taken_over_ = true;
    links_.refresh();
    for (const auto& [ifindex, link] : links_.all()) {
        if (!attached_.contains(ifindex) && link.ethernet) remove_program(ifindex);
    }
    for (int ifindex : attached_) {
        if (has_program(ifindex)) attach(ifindex);
    }
}

void Underlay::filters_gone(int ifindex) {
    for (int device : attached_) {
        if ((ifindex && device != ifindex) || has_program(device)) continue;
        const Link* link = links_.find(device);
        if (!link) continue;
        lg.warn("{}: somebody has taken the tunnels' filter off; it is put back", link->name);
        attach(device);
    }
}

void Underlay::resolve(const TunnelEnds& ends) {
    Kernel::Way found;
    // What only means something on one link needs a device to be said: the sockets know which.
    bool link_local = ends.dst[0] == 0xfe && (ends.dst[1] & 0xc0) == 0x80;
    auto route = link_local ? std::nullopt : find_route(ends.dst, ends.src);
    const Link* link = route ? links_.find(route->ifindex) : nullptr;
    if (link && link->ethernet && !link->loopback) {
        found.ifindex = static_cast<uint32_t>(route->ifindex);
        found.src = route->source;
        if (!route->other_family) found.next = packet::is_zero(route->gateway) ? ends.dst : route->gateway;
        found.mtu = static_cast<uint32_t>(route->mtu ? std::min(route->mtu, link->mtu) : link->mtu);
    }
    Kernel::Way& now = remotes_[ends];
    if (now == found) return;
    now = found;
    if (!found.ifindex) return kernel_.delete_remote(ends.dst, ends.src);
    auto done = kernel_.put_remote(ends.dst, ends.src, found);
    if (!done) lg.warn("{}", done.message());
}

void Underlay::remove_programs(const Links& links) {
    if (in_use) return;
    for (const auto& [ifindex, link] : links.all()) {
        if (link.ethernet) remove_program(ifindex);
    }
}

}  // namespace weft::datapath::ebpf
