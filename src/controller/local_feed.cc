#include "controller/local_feed.h"

#include <algorithm>
#include <iterator>
#include <set>
#include <span>
#include <string_view>
#include <vector>

#include "schema/vswitch.h"

namespace weft::controller {

namespace {

namespace vs = schema::vswitch;
using ovsdb::client::Change;
using ovsdb::client::ColumnSet;
using ovsdb::client::Replica;

constexpr std::string_view kReports[] = {"ovn-nb-cfg", "ovn-nb-cfg-ts"};
constexpr std::string_view kInstalled[] = {"ovn-installed", "ovn-installed-ts"};

// The maps differ in more than these keys.
bool differ_beside(const ovsdb::StringMap& a, const ovsdb::StringMap& b,
                   std::span<const std::string_view> keys) {
    auto skip = [&](auto at, auto end) {
        while (at != end && std::find(keys.begin(), keys.end(), at->first) != keys.end()) ++at;
        return at;
    };
    auto left = skip(a.begin(), a.end()), right = skip(b.begin(), b.end());
    while (left != a.end() && right != b.end() && *left == *right) {
        left = skip(++left, a.end());
        right = skip(++right, b.end());
    }
    return left != a.end() || right != b.end();
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

void note_interface(const vs::Interface& interface, SouthboundView& view) {
    static const std::set<std::string> tunnels{"geneve", "vxlan",  "stt",      "gre",
                                               "erspan", "ip6gre", "ip6erspan"};
    if (tunnels.contains(interface.type)) {
        view.note_change(Outside::kTunnelPorts);
        if (!interface.external_ids.contains("iface-id")) return;
    }
    if (interface.type == "patch") view.note_change(Outside::kPatchPorts);
    view.note_change(Outside::kOtherPorts);
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
    if (change.columns.has(vs::Bridge::kExternalIds) &&
        differ_beside(change.before->external_ids, change.after->external_ids, kReports))
        view.note_change(Outside::kBridgeIds);
}

void feed_interface(const Change<vs::Interface>& change, SouthboundView& view) {
    if (!change.modified()) {
        note_interface(change.row(), view);
        for (Outside part : {Outside::kInstalled, Outside::kBfdStatus, Outside::kInterfaceBfd})
            view.note_change(part);
        return;
    }
    bool ids = change.columns.has(vs::Interface::kExternalIds);
    ColumnSet rest = without(change.columns, {vs::Interface::kExternalIds.index, vs::Interface::kBfd.index,
                                              vs::Interface::kBfdStatus.index});
    if (!rest.empty() ||
        (ids && differ_beside(change.before->external_ids, change.after->external_ids, kInstalled))) {
        note_interface(*change.before, view);
        note_interface(*change.after, view);
    }
    if (ids) view.note_change(Outside::kInstalled);
    if (change.columns.has(vs::Interface::kBfdStatus)) view.note_change(Outside::kBfdStatus);
    if (change.columns.has(vs::Interface::kBfd)) view.note_change(Outside::kInterfaceBfd);
}

}  // namespace

void feed_local(const Replica& vswitch, SouthboundView& view) {
    for (const auto& change : vswitch.changes<vs::Bridge>()) feed_bridge(vswitch, change, view);
    for (const auto& change : vswitch.changes<vs::Interface>()) feed_interface(change, view);
    feed<vs::OpenVSwitch>(vswitch, view, Outside::kRoot);
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
