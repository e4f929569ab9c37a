#include "controller/monitor_conditions.h"

#include <algorithm>

#include "controller/chassis.h"

namespace weft::controller {

namespace sb = schema::sb;
using ovsdb::client::Condition;

namespace {

// Types of ports that can make a datapath local or lead to one: all of them are fetched, for they are few.
constexpr const char* kLeadingTypes[] = {"patch", "chassisredirect", "external", "mirror"};

Condition ports(const ovsdb::client::Replica& southbound, SouthboundView& view,
                const std::string& chassis_name, const std::map<std::string, LocalInterface>& interfaces) {
    Condition condition;
    for (const char* type : kLeadingTypes) condition.equals(sb::PortBinding::kType, std::string(type));
    for (const char* option : {"l2gateway-chassis", "l3gateway-chassis"})
        condition.includes(sb::PortBinding::kOptions, ovsdb::StringMap{{option, chassis_name}});
    if (const Uuid* own = view.own_chassis.find({})) {
        condition.equals(sb::PortBinding::kChassis, std::optional<Uuid>(*own));
        // Older schemas lack these.
        if (southbound.server_has(sb::PortBinding::kAdditionalChassis))
            condition.includes(sb::PortBinding::kAdditionalChassis, ovsdb::Set<Uuid>{*own});
        if (southbound.server_has(sb::PortBinding::kRequestedChassis))
            condition.equals(sb::PortBinding::kRequestedChassis, std::optional<Uuid>(*own));
        if (southbound.server_has(sb::PortBinding::kRequestedAdditionalChassis))
            condition.includes(sb::PortBinding::kRequestedAdditionalChassis, ovsdb::Set<Uuid>{*own});
    }
    for (const auto& [name, interface] : interfaces) {
        condition.equals(sb::PortBinding::kLogicalPort, name);
        condition.equals(sb::PortBinding::kParentPort, std::optional<std::string>(name));
    }
    for (const Uuid& datapath : view.local_datapaths.keys())
        condition.equals(sb::PortBinding::kDatapath, datapath);
    return condition;
}

// This chassis, and those that say they have one of its addresses.
std::set<std::string> own_names(const ovsdb::client::Replica& southbound,
                                const Configuration& configuration) {
    std::set<std::string> names{configuration.chassis};
    for (const sb::Encap& encap : southbound.table<sb::Encap>()) {
        if (is_own_address(configuration, encap)) names.insert(encap.chassis_name);
    }
    return names;
}

Condition private_rows(const std::set<std::string>& chassis) {
    Condition condition;
    for (const std::string& name : chassis) condition.equals(sb::ChassisPrivate::kName, name);
    return condition;
}

}  // namespace

template <typename Row>
void MonitorConditions::set(Condition condition) {
    wanted_sequence_ = std::max(wanted_sequence_, southbound_.set_condition<Row>(std::move(condition)));
}

void MonitorConditions::everything() {
    set<sb::PortBinding>(Condition::all());
    set<sb::LogicalFlow>(Condition::all());
    set<sb::LogicalDPGroup>(Condition::all());
    set<sb::MulticastGroup>(Condition::all());
    set<sb::MACBinding>(Condition::all());
    set<sb::StaticMACBinding>(Condition::all());
    set<sb::FDB>(Condition::all());
    set<sb::LoadBalancer>(Condition::all());
    set<sb::ChassisTemplateVar>(Condition::all());
    set<sb::AdvertisedRoute>(Condition::all());
    set<sb::LearnedRoute>(Condition::all());
    set<sb::ECMPNexthop>(Condition::all());
}

void MonitorConditions::begin(const Configuration& configuration) {
    chassis_ = {configuration.chassis};
    set<sb::ChassisPrivate>(private_rows(chassis_));
    if (configuration.monitor_all) return;
    set<sb::PortBinding>({});
    set<sb::LogicalFlow>({});
    set<sb::LogicalDPGroup>({});
    set<sb::MulticastGroup>({});
    set<sb::MACBinding>({});
    set<sb::StaticMACBinding>({});
    set<sb::FDB>({});
    set<sb::LoadBalancer>({});
    set<sb::ChassisTemplateVar>({});
    set<sb::AdvertisedRoute>({});
    set<sb::LearnedRoute>({});
    set<sb::ECMPNexthop>({});
}

void MonitorConditions::update_ports(SouthboundView& view, const Configuration& configuration,
                                     const std::vector<Uuid>& datapaths) {
    PortBasis basis{.own = {}, .datapaths = datapaths, .names = {}};
    if (const Uuid* own = view.own_chassis.find({})) basis.own = *own;
    for (const auto& [name, interface] : view.interfaces()) basis.names.push_back(name);
    if (basis == ports_) return;
    ports_ = std::move(basis);
    set<sb::PortBinding>(ports(southbound_, view, configuration.chassis, view.interfaces()));
}

void MonitorConditions::update_private_rows(const Configuration& configuration) {
    std::set<std::string> names = own_names(southbound_, configuration);
    if (names == chassis_) return;
    chassis_ = std::move(names);
    set<sb::ChassisPrivate>(private_rows(chassis_));
}

void MonitorConditions::update(SouthboundView& view, const Configuration& configuration) {
    Basis basis;
    basis.all = configuration.monitor_all;
    if (!basis.all) {
        basis.datapaths = view.local_datapaths.keys();
        basis.groups = view.datapath_groups.keys();
        update_ports(view, configuration, basis.datapaths);
    }
    if (basis == basis_) return;
    basis_ = std::move(basis);
    if (configuration.monitor_all) {
        ports_.reset();
        return everything();
    }
    Condition flows, groups, multicast, macs, static_macs, fdb, balancers, variables, advertised, learned,
        nexthops;
    for (const Uuid& uuid : view.local_datapaths.keys()) {
        flows.equals(sb::LogicalFlow::kLogicalDatapath, std::optional<Uuid>(uuid));
        groups.includes(sb::LogicalDPGroup::kDatapaths, ovsdb::Set<Uuid>{uuid});
        multicast.equals(sb::MulticastGroup::kDatapath, uuid);
        macs.equals(sb::MACBinding::kDatapath, uuid);
        static_macs.equals(sb::StaticMACBinding::kDatapath, uuid);
        fdb.equals(sb::FDB::kDpKey, static_cast<int64_t>(view.local_datapaths.find(uuid)->key));
        balancers.includes(sb::LoadBalancer::kDatapaths, ovsdb::Set<Uuid>{uuid});
        advertised.equals(sb::AdvertisedRoute::kDatapath, uuid);
        learned.equals(sb::LearnedRoute::kDatapath, uuid);
        nexthops.equals(sb::ECMPNexthop::kDatapath, uuid);
    }
    for (const Uuid& uuid : view.datapath_groups.keys()) {
        flows.equals(sb::LogicalFlow::kLogicalDpGroup, std::optional<Uuid>(uuid));
        balancers.equals(sb::LoadBalancer::kDatapathGroup, std::optional<Uuid>(uuid));
        // Columns of newer schemas.
        if (southbound_.server_has(sb::LoadBalancer::kLsDatapathGroup))
            balancers.equals(sb::LoadBalancer::kLsDatapathGroup, std::optional<Uuid>(uuid));
        if (southbound_.server_has(sb::LoadBalancer::kLrDatapathGroup))
            balancers.equals(sb::LoadBalancer::kLrDatapathGroup, std::optional<Uuid>(uuid));
    }
    variables.equals(sb::ChassisTemplateVar::kChassis, configuration.chassis);
    set<sb::LogicalFlow>(std::move(flows));
    set<sb::LogicalDPGroup>(std::move(groups));
    set<sb::MulticastGroup>(std::move(multicast));
    set<sb::MACBinding>(std::move(macs));
    set<sb::StaticMACBinding>(std::move(static_macs));
    set<sb::FDB>(std::move(fdb));
    set<sb::LoadBalancer>(std::move(balancers));
    set<sb::ChassisTemplateVar>(std::move(variables));
    set<sb::AdvertisedRoute>(std::move(advertised));
    set<sb::LearnedRoute>(std::move(learned));
    set<sb::ECMPNexthop>(std::move(nexthops));
}

}  // namespace weft::controller
