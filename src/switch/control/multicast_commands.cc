// mdb/*: the multicast snooping tables.

#include <fmt/core.h>

#include "base/append.h"
#include "base/clock.h"
#include "packet/address.h"
#include "switch/control/commands.h"

namespace weft::vswitch {

namespace {

using Arguments = net::ControlServer::Arguments;

constexpr const char* kDisabled = "multicast snooping is disabled";

std::string mdb_show(const MulticastTable& table) {
    std::string out = " port  VLAN  GROUP                Age\n";
    int64_t now = clock::monotonic_ms();
    auto line = [&](const Bundle& bundle, uint16_t vlan, const std::string& what, int64_t used_ms) {
        append(out, "{:>5}  {:4}  {}{:3}\n", port_text(bundle), vlan, what, (now - used_ms) / 1000);
    };
    for (const MulticastTable::Group& group : table.groups()) {
        auto ipv4 = packet::mapped_ipv4(group.address);
        std::string address = ipv4 ? packet::ipv4_to_string(*ipv4) : packet::to_string(group.address);
        for (const MulticastTable::Member& member : group.members)
            line(*member.bundle, group.vlan, address + "         ", member.used_ms);
    }
    for (const MulticastTable::Router& router : table.routers())
        line(*router.bundle, router.vlan, "querier             ", router.used_ms);
    return out;
}

}  // namespace

void add_multicast_commands(net::ControlServer& control, Switch& owner) {
    control.add("mdb/show", "bridge", 1, 1, [&owner](const Arguments& args) -> Result<std::string> {
        Bridge* bridge = owner.bridge(args[0]);
        if (!bridge) return Error{"no such bridge"};
        if (!bridge->multicast.enabled()) return Error{kDisabled};
        return mdb_show(bridge->multicast);
    });
    control.add("mdb/flush", "[bridge]", 0, 1, [&owner](const Arguments& args) -> Result<std::string> {
        if (args.empty()) {
            for (Bridge* bridge : owner.bridges()) bridge->multicast.flush();
        } else {
            Bridge* bridge = owner.bridge(args[0]);
            if (!bridge) return Error{"no such bridge"};
            if (!bridge->multicast.enabled()) return Error{kDisabled};
            bridge->multicast.flush();
        }
        return std::string("table successfully flushed");
    });
}

}  // namespace weft::vswitch
