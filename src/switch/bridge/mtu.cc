// The MTUs of a bridge's devices (ovs-vswitchd.conf.db(5), Interface:mtu_request): what a row asks for; else,
// of internal ports, no more than the narrowest other device of the bridge takes.

#include <fmt/core.h>

#include <algorithm>

#include "datapath/dummy/dummy_device.h"
#include "switch/bridge/switch.h"

namespace weft::vswitch {

namespace {

constexpr int kDefaultMtu = 1500;

bool is_internal(const OfPort& port) {
    return port.number == openflow::kPortLocal || port.type == "internal";
}

}  // namespace

void Switch::follow_mtus(Bridge& bridge) {
    int least = 0;
    for (const auto& [number, port] : bridge.ports()) {
        if (port->is_patch || port->tunnel || is_internal(*port) || port->mtu <= 0) continue;
        least = least ? std::min(least, port->mtu) : port->mtu;
    }
    if (!least) least = kDefaultMtu;
    int before = std::exchange(internal_mtus_[bridge.name()], least);
    for (const auto& [number, port] : bridge.ports()) {
        auto it = interfaces_.find(port->name);
        if (it == interfaces_.end() || port->is_patch || port->tunnel) continue;
        int wanted = it->second.mtu_request;
        if (!wanted && is_internal(*port) && (port->mtu > least || port->mtu == before)) wanted = least;
        if (wanted && wanted != port->mtu) set_mtu(*port, wanted);
    }
}

void Switch::set_mtu(OfPort& port, int mtu) {
    if (auto* device = datapath::find_dummy_device(port.name)) {
        device->set_mtu(mtu);
    } else if (links_) {
        if (auto set = links_->set_mtu(port.name, mtu); !set) {
            say_once(fmt::format("interface {}: the MTU cannot be {}: {}", port.name, mtu, set.message()));
            return;
        }
    }
    refresh_port(port);
}

}  // namespace weft::vswitch
