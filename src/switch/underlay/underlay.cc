#include "switch/underlay/underlay.h"

#include <net/if.h>

#include "base/clock.h"
#include "datapath/dummy/dummy_device.h"
#include "packet/address.h"

namespace weft::vswitch {

namespace {

constexpr int64_t kTickMs = 1000;

}  // namespace

Underlay::Underlay(net::Loop& loop, bool host) : loop_(loop), host_(host) {
    timer_ = loop.timer([this] { tick(); });
}

void Underlay::read_host() {
    if (!host_ || !stale_) return;
    stale_ = false;
    if (!events_) {
        auto events = datapath::RouteEvents::create(loop_, [this] {
            stale_ = true;
            changed();
        });
        if (events) events_ = std::move(*events);
    }
    host_addresses_ = datapath::host_addresses();
    std::vector<UnderlayRoute> routes;
    for (const datapath::HostRoute& route : datapath::host_routes()) {
        char name[IF_NAMESIZE];
        if (!if_indextoname(static_cast<unsigned>(route.ifindex), name)) continue;
        routes.push_back(
            {route.network, route.bits, name, route.gateway, route.source, 0, false, route.local});
    }
    routes_.set_system(std::move(routes));
}

RouteTable& Underlay::routes() {
    read_host();
    return routes_;
}

const UnderlayRoute* Underlay::route(const packet::Ipv6Addr& destination, uint32_t mark) {
    return routes().find(destination, mark);
}

const std::vector<UnderlayAddress>& Underlay::addresses(const std::string& device) {
    read_host();
    auto [it, added] = addresses_.try_emplace(device);
    if (datapath::DummyDevice* dummy = datapath::find_dummy_device(device)) {
        it->second.clear();  // it may be another one than last time
        for (const auto& [address, bits] : dummy->addresses()) it->second.push_back({address, bits});
        return it->second;
    }
    if (!added) return it->second;
    auto ifindex = static_cast<int>(if_nametoindex(device.c_str()));
    for (const datapath::HostAddress& one : host_addresses_) {
        if (ifindex && one.ifindex == ifindex) it->second.push_back({one.address, one.bits});
    }
    return it->second;
}

void Underlay::changed() {
    addresses_.clear();
    ++generation_;
    loop_.wake();
}

void Underlay::learn(const std::string& bridge, const packet::Ipv6Addr& address, const packet::EthAddr& mac) {
    if (neighbours_.learn(bridge, address, mac, clock::monotonic_ms())) ++generation_;
    if (!timer_->armed()) timer_->arm_in(kTickMs);
}

void Underlay::used(const std::string& bridge, const packet::Ipv6Addr& address) {
    neighbours_.used(bridge, address, clock::monotonic_ms());
}

bool Underlay::ask(const std::string& bridge, const packet::Ipv6Addr& address) {
    if (!timer_->armed()) timer_->arm_in(kTickMs);
    return neighbours_.ask(bridge, address, clock::monotonic_ms());
}

// Entries grow old, and who is still wanted is asked for again.
void Underlay::tick() {
    bool gone = neighbours_.expire(clock::monotonic_ms());
    if (gone || neighbours_.asking()) ++generation_;
    timer_->arm_in(kTickMs);
    loop_.wake();
}

}  // namespace weft::vswitch
