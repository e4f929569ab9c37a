#include "controller/local_feed.h"

#include <algorithm>
#include <span>
#include <string_view>

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

void feed_bridge(const Change<vs::Bridge>& change, SouthboundView& view) {
    bool ids = change.columns.has(vs::Bridge::kExternalIds);
    if (!change.modified() || !without(change.columns, {vs::Bridge::kExternalIds.index}).empty())
        view.note_change(Outside::kBridges);
    if (!change.modified() ||
        (ids && differ_beside(change.before->external_ids, change.after->external_ids, kReports)))
        view.note_change(Outside::kBridgeIds);
}

void feed_interface(const Change<vs::Interface>& change, SouthboundView& view) {
    if (!change.modified()) {
        for (Outside part :
             {Outside::kInterfaces, Outside::kInstalled, Outside::kBfdStatus, Outside::kInterfaceBfd})
            view.note_change(part);
        return;
    }
    bool ids = change.columns.has(vs::Interface::kExternalIds);
    ColumnSet rest = without(change.columns, {vs::Interface::kExternalIds.index, vs::Interface::kBfd.index,
                                              vs::Interface::kBfdStatus.index});
    if (!rest.empty() ||
        (ids && differ_beside(change.before->external_ids, change.after->external_ids, kInstalled)))
        view.note_change(Outside::kInterfaces);
    if (ids) view.note_change(Outside::kInstalled);
    if (change.columns.has(vs::Interface::kBfdStatus)) view.note_change(Outside::kBfdStatus);
    if (change.columns.has(vs::Interface::kBfd)) view.note_change(Outside::kInterfaceBfd);
}

}  // namespace

void feed_local(const Replica& vswitch, SouthboundView& view) {
    for (const auto& change : vswitch.changes<vs::Bridge>()) feed_bridge(change, view);
    for (const auto& change : vswitch.changes<vs::Interface>()) feed_interface(change, view);
    feed<vs::OpenVSwitch>(vswitch, view, Outside::kRoot);
    feed<vs::Port>(vswitch, view, Outside::kPorts);
    feed<vs::Mirror>(vswitch, view, Outside::kMirrors);
    feed<vs::QoS>(vswitch, view, Outside::kQueues);
    feed<vs::Queue>(vswitch, view, Outside::kQueues);
    feed<vs::Datapath>(vswitch, view, Outside::kZoneLimits);
    feed<vs::CTZone>(vswitch, view, Outside::kZoneLimits);
}

}  // namespace weft::controller
