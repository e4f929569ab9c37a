#include "controller/local_feed.h"

#include <algorithm>
#include <iterator>
#include <set>
#include <string_view>
#include <vector>

#include "controller/ct_zones.h"
#include "schema/vswitch.h"

namespace weft::controller {

namespace {

namespace vs = schema::vswitch;
using ovsdb::client::Change;
using ovsdb::client::ColumnSet;
using ovsdb::client::Replica;

// Calls function(key) for each key in which the maps differ.
template <typename F>
void for_each_difference(const ovsdb::StringMap& a, const ovsdb::StringMap& b, F&& function) {
    auto left = a.begin(), right = b.begin();
    while (left != a.end() || right != b.end()) {
        if (right == b.end() || (left != a.end() && left->first < right->first)) {
            function((left++)->first);
        } else if (left == a.end() || right->first < left->first) {
            function((right++)->first);
        } else {
            if (left->second != right->second) function(left->first);
            ++left, ++right;
        }
    }
}

ColumnSet without(ColumnSet columns, std::initializer_list<size_t> others) {
    for (size_t each : others) columns.remove(each);
    return columns;
}

template <typename Row>
void feed(const Replica& vswitch, SouthboundView& view, Outside part) {
    if (!vswitch.changes<Row>().empty()) view.note_change(part);
}

Outside part_of(const vs::Port& port) {
    if (port.external_ids.contains("ovn-chassis-id")) return Outside::kTunnelPorts;
    bool patch =
        port.external_ids.contains("ovn-localnet-port") || port.external_ids.contains("ovn-l2gateway-port");
    return patch ? Outside::kPatchPorts : Outside::kOtherPorts;
}

// Ports that came and went are changes of their own; a port may move between bridges, too.
void feed_ports(const Replica& vswitch, const ovsdb::Set<Uuid>& before, const ovsdb::Set<Uuid>& after,
                SouthboundView& view) {
    std::vector<Uuid> moved;
    std::set_symmetric_difference(before.begin(), before.end(), after.begin(), after.end(),
                                  std::back_inserter(moved));
    for (const Uuid& uuid : moved) {
        if (const vs::Port* port = vswitch.find<vs::Port>(uuid)) view.note_change(part_of(*port));
    }
}

void feed_bridge(const Replica& vswitch, const Change<vs::Bridge>& change, SouthboundView& view) {
    if (!change.modified()) {
        for (Outside part : {Outside::kBridges, Outside::kBridgeIds, Outside::kTunnelPorts,
                             Outside::kPatchPorts, Outside::kOtherPorts})
            view.note_change(part);
        return;
    }
    ColumnSet rest = without(change.columns, {vs::Bridge::kExternalIds.index, vs::Bridge::kPorts.index});
    if (!rest.empty()) view.note_change(Outside::kBridges);
    if (change.columns.has(vs::Bridge::kPorts))
        feed_ports(vswitch, change.before->ports, change.after->ports, view);
    if (!change.columns.has(vs::Bridge::kExternalIds)) return;
    for_each_difference(change.before->external_ids, change.after->external_ids, [&](std::string_view key) {
        if (key == "ovn-nb-cfg" || key == "ovn-nb-cfg-ts") return;
        if (key.starts_with(CtZones::kPrefix)) {
            view.saved_zones.touch(std::string(key.substr(CtZones::kPrefix.size())));
        } else {
            view.note_change(Outside::kBridgeIds);
        }
    });
}

bool is_tunnel(const vs::Interface& interface) {
    static const std::set<std::string> types{"geneve", "vxlan",  "stt",      "gre",
                                             "erspan", "ip6gre", "ip6erspan"};
    return types.contains(interface.type);
}

void note_interface(const vs::Interface& interface, SouthboundView& view) {
    if (is_tunnel(interface)) {
        view.note_change(Outside::kTunnelPorts);
        if (!interface.external_ids.contains("iface-id")) return;
    }
    if (interface.type == "patch") view.note_change(Outside::kPatchPorts);
    view.note_change(Outside::kOtherPorts);
}

// Only the mark that the port's flows are in.
bool only_installed(const ovsdb::StringMap& before, const ovsdb::StringMap& after) {
    bool only = true;
    for_each_difference(before, after, [&](std::string_view key) {
        only = only && (key == "ovn-installed" || key == "ovn-installed-ts");
    });
    return only;
}

void feed_interface(const Change<vs::Interface>& change, SouthboundView& view) {
    if (!change.modified()) {
        note_interface(change.row(), view);
        if (is_tunnel(change.row())) view.note_change(Outside::kInterfaceBfd);
        return;
    }
    bool ids = change.columns.has(vs::Interface::kExternalIds);
    ColumnSet rest = without(change.columns, {vs::Interface::kExternalIds.index, vs::Interface::kBfd.index,
                                              vs::Interface::kBfdStatus.index});
    if (!rest.empty() || (ids && !only_installed(change.before->external_ids, change.after->external_ids))) {
        note_interface(*change.before, view);
        note_interface(*change.after, view);
    }
    if (change.columns.has(vs::Interface::kBfd)) view.note_change(Outside::kInterfaceBfd);
}

// What the switch and its clients count up with every change is none.
void feed_root(const Change<vs::OpenVSwitch>& change, SouthboundView& view) {
    ColumnSet rest = without(change.columns, {vs::OpenVSwitch::kNextCfg.index, vs::OpenVSwitch::kCurCfg.index,
                                              vs::OpenVSwitch::kStatistics.index});
    if (!change.modified() || !rest.empty()) view.note_change(Outside::kRoot);
}

}  // namespace

void feed_local(const Replica& vswitch, SouthboundView& view) {
    for (const auto& change : vswitch.changes<vs::Bridge>()) feed_bridge(vswitch, change, view);
    for (const auto& change : vswitch.changes<vs::Interface>()) feed_interface(change, view);
    for (const auto& change : vswitch.changes<vs::OpenVSwitch>()) feed_root(change, view);
    for (const auto& change : vswitch.changes<vs::Port>()) {
        if (change.before) view.note_change(part_of(*change.before));
        if (change.after) view.note_change(part_of(*change.after));
    }
    feed<vs::Mirror>(vswitch, view, Outside::kMirrors);
    feed<vs::QoS>(vswitch, view, Outside::kQueues);
    feed<vs::Queue>(vswitch, view, Outside::kQueues);
    feed<vs::Datapath>(vswitch, view, Outside::kZoneLimits);
    feed<vs::CTZone>(vswitch, view, Outside::kZoneLimits);
}

}  // namespace weft::controller
