// Multicast in switches: hosts' reports go to the controller, which learns groups from them; packets go to
// who joined, to routers that relay, and to ports that want all.

#include <fmt/core.h>

#include <algorithm>

#include "northd/compute.h"
#include "northd/features.h"

namespace weft::northd {

using ovsdb::get_bool;
using ovsdb::get_int;
using ovsdb::get_string;

SwitchMulticast compute_switch_multicast(Program& p, const Uuid& uuid) {
    SwitchMulticast out;
    const Switch& sw = p.switch_(uuid);
    out.snoops = sw.mcast_snoop;
    out.floods_unregistered = sw.mcast_flood_unregistered;
    for (const Uuid& port : p.router_ports_of_switch[uuid]) {
        out.relayed |= p.router(p.router_port(p.port(port).peer).router).mcast_relay;
    }
    out.floods = p.multicast_flood_ports.contains(uuid);
    out.has_reporters = p.multicast_report_ports.contains(uuid);
    return out;
}

namespace {

constexpr const char* kToRouters = "clone { outport = \"_MC_mrouter_flood\"; output; }; ";

int64_t bounded(const ovsdb::StringMap& config, const char* key, int64_t fallback, int64_t low,
                int64_t high) {
    return std::clamp(get_int(config, key, fallback), low, high);
}

}  // namespace

namespace {

// Reports that come from other zones pass only the egress pipeline here: they are looked at there.
void snoop_remote_ports(Program& p, FlowWriter& f, const nb::LogicalSwitch& row, const std::string& meter) {
    for (const Uuid& uuid : row.ports) {
        const SwitchPort& port = p.port(uuid);
        if (port.type != PortType::kRemote) continue;
        for (const char* report : {"igmp", "(mldv1 || mldv2)"}) {
            f.add(Stage::kSwitchOutPreLb, 120, "inport == " + port.quoted + " && " + report,
                  "clone { igmp; }; next;", {"", meter});
        }
    }
}

}  // namespace

void multicast_of_switch(Program& p, FlowWriter& f, const Switch& sw) {
    const nb::LogicalSwitch* row = p.in.switches.get(sw.uuid);
    const auto& config = row->other_config;
    IpMulticastRow out;
    out.datapath = sw.uuid;
    out.enabled = sw.mcast_snoop;
    out.querier = sw.mcast_querier;
    out.eth_src = sw.mcast_eth_src;
    out.ip4_src = sw.mcast_ip4_src;
    out.ip6_src = sw.mcast_ip6_src;
    out.table_size = get_int(config, "mcast_table_size", 2048);
    out.idle_timeout = bounded(config, "mcast_idle_timeout", 300, 15, 3600);
    out.query_interval = bounded(config, "mcast_query_interval", out.idle_timeout / 2, 1, 3600);
    out.query_max_response = get_int(config, "mcast_query_max_response", 1);
    p.ip_multicast_rows.emit(std::move(out));

    const SwitchMulticast& mc = p.switch_multicast(sw.uuid);
    if (!mc.snoops) return;
    constexpr Stage stage = Stage::kSwitchInL2Lkup;
    std::string meter = copp_meter(p, sw.copp, "igmp");
    f.add(stage, 100, "igmp", "igmp;", {"", meter});
    f.add(stage, 100, "mldv1 || mldv2", "igmp;", {"", meter});
    if (sw.is_interconnection) snoop_remote_ports(p, f, *row, meter);
    f.add(stage, 85, "ip4.mcast && ip4.dst == 224.0.0.0/24", "outport = \"_MC_flood_l2\"; output;");
    f.add(stage, 85, "ip6.mcast_flood", "outport = \"_MC_flood\"; output;");
    if (mc.floods_unregistered) return;
    std::string action;
    if (mc.relayed) action = kToRouters;
    if (mc.floods) action += "outport =\"_MC_static\"; output;";
    f.add(stage, 80, "ip4.mcast || ip6.mcast", action.empty() ? "drop;" : action);
}

// Groups that a host joined.  Ports that get all anyway are not in them, nor those to routers, which relay.
void learn_group(Program& p, const Uuid& uuid) {
    const IgmpGroup* group = p.in.igmp_groups.find(uuid);
    if (!group) return;
    if (!parse_ip4(group->address) && !parse_ip6(group->address)) return;
    bool any = false;
    for (const std::string& name : group->ports) {
        const Uuid* port_uuid = p.switch_port_named.first(name);
        if (!port_uuid) continue;
        const SwitchPort& port = p.port(*port_uuid);
        if (port.switch_uuid != group->switch_uuid || port.type == PortType::kRouter) continue;
        if (get_bool(port.options, "mcast_flood")) continue;
        p.switch_groups.emit({group->switch_uuid, group->address}, name);
        any = true;
    }
    if (!any) return;
    // Who listens in the physical network is not known here.
    for (const Uuid& uuid : p.localnet_ports[group->switch_uuid]) {
        p.switch_groups.emit({group->switch_uuid, group->address}, p.port(uuid).name);
    }
}

void flows_of_switch_group(Program& p, const GroupKey& key) {
    MulticastRow row{key.datapath, key.address, 0, {}};
    for (const std::string& port : p.switch_groups[key]) row.ports.push_back(port);
    p.multicast_rows.emit(std::move(row));
    auto ip4 = parse_ip4(key.address);
    // Addresses of the local network are flooded, whoever joined.
    if (ip4 && ip4->value >> 8 == 0xe00000) return;
    if (!ip4) {
        auto ip6 = parse_ip6(key.address);
        const Ip6& v = ip6->value;
        bool all_hosts = v[0] == 0xff && (v[1] & 0x0f) <= 2 &&
                         std::all_of(v.begin() + 2, v.end() - 1, [](uint8_t b) { return b == 0; });
        if (all_hosts && v[15] <= 2) return;
    }
    const SwitchMulticast& mc = p.switch_multicast(key.datapath);
    std::string action;
    if (mc.relayed) action += "clone { outport = \"_MC_mrouter_flood\"; output; };";
    if (mc.floods) action += "clone { outport =\"_MC_static\"; output; };";
    action += fmt::format("outport = \"{}\"; output; ", key.address);
    FlowWriter f(p.flows, key.datapath);
    f.add(Stage::kSwitchInL2Lkup, 90,
          fmt::format("eth.mcast && {0} && {0}.dst == {1} ", ip4 ? "ip4" : "ip6", key.address), action);
}

}  // namespace weft::northd
