#include "controller/southbound_feed.h"

namespace weft::controller {

namespace {

namespace sb = schema::sb;
using ovsdb::client::Replica;

// Rows of which only columns changed that nobody reads as a tracked row are left alone.
template <typename Row>
void feed(const Replica& southbound, incremental::Input<Uuid, const Row*>& input,
          ovsdb::client::ColumnSet unread = {}) {
    for (const auto& change : southbound.changes<Row>()) {
        if (change.modified() && (change.columns & ~unread).empty()) continue;
        const Uuid& uuid = change.row().uuid;
        if (change.deleted()) {
            input.erase(uuid);
            continue;
        }
        input.set(uuid, change.after);
        if (change.modified()) input.touch(uuid);  // rows change in place
    }
}

template <typename Row>
bool changed(const Replica& southbound) {
    return !southbound.changes<Row>().empty();
}

void note_outside(const Replica& southbound, SouthboundView& view) {
    bool chassis = changed<sb::Chassis>(southbound) || changed<sb::Encap>(southbound);
    // Reports of nb_cfg modify rows; others' are not fetched.
    for (const auto& change : southbound.changes<sb::ChassisPrivate>()) chassis |= !change.modified();
    if (chassis) view.note_change(Outside::kChassis);
    if (changed<sb::Mirror>(southbound)) view.note_change(Outside::kSouthboundMirrors);
    if (changed<sb::AdvertisedRoute>(southbound) || changed<sb::LearnedRoute>(southbound))
        view.note_change(Outside::kRoutes);
    if (changed<sb::AdvertisedMACBinding>(southbound)) view.note_change(Outside::kMacsToTell);
    if (changed<sb::ECMPNexthop>(southbound) || changed<sb::MACBinding>(southbound) ||
        changed<sb::StaticMACBinding>(southbound))
        view.note_change(Outside::kNexthops);
    for (const auto& change : southbound.changes<sb::SBGlobal>()) {
        if (change.columns.has(sb::SBGlobal::kOptions)) view.note_change(Outside::kGlobalOptions);
    }
}

// Names, hints and what only northd and people read are most of some tables' bytes: they are not fetched.
template <typename Row, typename... T>
void monitor_without(Replica& southbound, const ovsdb::client::Column<Row, T>&... left_out) {
    ovsdb::client::ColumnSet set;
    (set.add(left_out.index), ...);
    southbound.monitor(Row::table_info(), ~set);
}

}  // namespace

void monitor_southbound(Replica& southbound) {
    southbound.monitor<sb::SBGlobal>();
    southbound.monitor<sb::Chassis>();
    southbound.monitor<sb::ChassisPrivate>();
    southbound.monitor<sb::Encap>();
    monitor_without(southbound, sb::DatapathBinding::kLoadBalancers, sb::DatapathBinding::kNbUuid);
    monitor_without(southbound, sb::PortBinding::kGatewayChassis, sb::PortBinding::kExternalIds);
    southbound.monitor<sb::MulticastGroup>();
    monitor_without(southbound, sb::LogicalFlow::kExternalIds, sb::LogicalFlow::kFlowDesc);
    southbound.monitor<sb::LogicalDPGroup>();
    southbound.monitor<sb::AddressSet>();
    southbound.monitor<sb::PortGroup>();
    southbound.monitor<sb::MACBinding>();
    southbound.monitor<sb::StaticMACBinding>();
    southbound.monitor<sb::FDB>();
    monitor_without(southbound, sb::LoadBalancer::kExternalIds);
    southbound.monitor<sb::Meter>();
    southbound.monitor<sb::MeterBand>();
    monitor_without(southbound, sb::HAChassis::kExternalIds);
    monitor_without(southbound, sb::HAChassisGroup::kExternalIds);
    southbound.monitor<sb::ChassisTemplateVar>();
    southbound.monitor<sb::Mirror>();
    southbound.monitor<sb::ECMPNexthop>();
    southbound.monitor<sb::AdvertisedRoute>();
    southbound.monitor<sb::LearnedRoute>();
    southbound.monitor<sb::AdvertisedMACBinding>();
    southbound.monitor<sb::BFD>();
    southbound.monitor<sb::DNS>();
    southbound.monitor<sb::ServiceMonitor>();
    southbound.monitor<sb::IPMulticast>();
    southbound.monitor<sb::IGMPGroup>();
    southbound.monitor<sb::ControllerEvent>();
    southbound.add_index(sb::PortBinding::kLogicalPort);
    southbound.add_index(sb::Chassis::kName);
    southbound.add_index(sb::ChassisPrivate::kName);
    // A tenant may make up any number of addresses: each must be found without looking at all others.
    southbound.add_index(sb::MACBinding::kIp);
    southbound.add_index(sb::StaticMACBinding::kIp);
    southbound.add_index(sb::FDB::kMac);
    southbound.add_index(sb::AdvertisedRoute::kLogicalPort);
    southbound.add_index(sb::LearnedRoute::kLogicalPort);
    southbound.add_index(sb::AdvertisedMACBinding::kLogicalPort);
}

void feed_southbound(const Replica& southbound, SouthboundView& view) {
    note_outside(southbound, view);
    // That a port is up is written here, and read where that is done (Controller::note_reported()).
    ovsdb::client::ColumnSet up;
    up.add(sb::PortBinding::kUp.index);
    feed(southbound, view.datapaths);
    feed(southbound, view.ports, up);
    feed(southbound, view.multicast_groups);
    feed(southbound, view.chassis);
    feed(southbound, view.encaps);
    feed(southbound, view.mac_bindings);
    feed(southbound, view.static_mac_bindings);
    feed(southbound, view.fdb);
    feed(southbound, view.logical_flows);
    feed(southbound, view.datapath_groups);
    feed(southbound, view.address_sets);
    feed(southbound, view.port_groups);
    feed(southbound, view.load_balancers);
    feed(southbound, view.meters);
    feed(southbound, view.meter_bands);
    feed(southbound, view.ha_chassis_groups);
    feed(southbound, view.ha_chassis);
    feed(southbound, view.ecmp_nexthops);
    feed(southbound, view.template_vars);
    auto global = southbound.table<sb::SBGlobal>();
    bool use_mark = global.empty() ||
                    ovsdb::get_string(global.begin()->options, "lb_hairpin_use_ct_mark", "true") != "false";
    view.natted_in_label.set({}, !use_mark);
    view.always_tunnel.set({}, !global.empty() && ovsdb::get_bool(global.begin()->options, "always_tunnel"));
}

}  // namespace weft::controller
