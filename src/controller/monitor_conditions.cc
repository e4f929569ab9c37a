#include "controller/monitor_conditions.h"

#include <algorithm>
#include <optional>
#include <vector>

#include "controller/chassis.h"

namespace weft::controller {

namespace sb = schema::sb;
using ovsdb::client::Condition;

namespace {

// Types of ports that can make a datapath local or lead to one: all of them are fetched, for they are few.
constexpr const char* kLeadingTypes[] = {"patch", "chassisredirect", "external", "mirror"};

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
    set<sb::IPMulticast>(Condition::all());
    set<sb::LoadBalancer>(Condition::all());
    set<sb::ChassisTemplateVar>(Condition::all());
    set<sb::AdvertisedRoute>(Condition::all());
    set<sb::LearnedRoute>(Condition::all());
    set<sb::AdvertisedMACBinding>(Condition::all());
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
    set<sb::IPMulticast>({});
    set<sb::LoadBalancer>({});
    set<sb::ChassisTemplateVar>({});
    set<sb::AdvertisedRoute>({});
    set<sb::LearnedRoute>({});
    set<sb::AdvertisedMACBinding>({});
    set<sb::ECMPNexthop>({});
}

void MonitorConditions::choose_ports(const Configuration& configuration) {
    Condition condition;
    for (const char* type : kLeadingTypes) condition.equals(sb::PortBinding::kType, std::string(type));
    for (const char* option : {"l2gateway-chassis", "l3gateway-chassis"})
        condition.includes(sb::PortBinding::kOptions, ovsdb::StringMap{{option, configuration.chassis}});
    if (const Uuid* own = view_.own_chassis.find({})) {
        condition.equals(sb::PortBinding::kChassis, *own);
        // Older schemas lack these.
        if (southbound_.server_has(sb::PortBinding::kAdditionalChassis))
            condition.includes(sb::PortBinding::kAdditionalChassis, *own);
        if (southbound_.server_has(sb::PortBinding::kRequestedChassis))
            condition.equals(sb::PortBinding::kRequestedChassis, *own);
        if (southbound_.server_has(sb::PortBinding::kRequestedAdditionalChassis))
            condition.includes(sb::PortBinding::kRequestedAdditionalChassis, *own);
    }
    for (const Uuid& datapath : view_.local_datapaths.keys())
        condition.equals(sb::PortBinding::kDatapath, datapath);
    for (const std::string& name : view_.local_interfaces.keys()) {
        condition.equals(sb::PortBinding::kLogicalPort, name);
        condition.equals(sb::PortBinding::kParentPort, std::optional<std::string>(name));
    }
    set<sb::PortBinding>(std::move(condition));
}

void MonitorConditions::update_private_rows(const Configuration& configuration) {
    std::set<std::string> names = own_names(southbound_, configuration);
    if (names == chassis_) return;
    chassis_ = std::move(names);
    set<sb::ChassisPrivate>(private_rows(chassis_));
}

void MonitorConditions::update(const Configuration& configuration) {
    const bool all = configuration.monitor_all;
    ports_.run([&] {
        view_.depend_on({Outside::kConfiguration});
        if (!all) choose_ports(configuration);
    });
    by_datapath_.run([&] {
        view_.depend_on({Outside::kConfiguration});
        all ? everything() : choose_by_datapath(configuration);
    });
    by_group_.run([&] {
        view_.depend_on({Outside::kConfiguration});
        if (!all) choose_by_group();
    });
}

void MonitorConditions::choose_by_datapath(const Configuration& configuration) {
    Condition groups, multicast, macs, static_macs, fdb, snooping, variables, advertised, learned,
        advertised_macs, nexthops;
    for (const Uuid& uuid : view_.local_datapaths.keys()) {
        groups.includes(sb::LogicalDPGroup::kDatapaths, uuid);
        multicast.equals(sb::MulticastGroup::kDatapath, uuid);
        macs.equals(sb::MACBinding::kDatapath, uuid);
        static_macs.equals(sb::StaticMACBinding::kDatapath, uuid);
        fdb.equals(sb::FDB::kDpKey, static_cast<int64_t>(view_.local_datapaths.find(uuid)->key));
        snooping.equals(sb::IPMulticast::kDatapath, uuid);
        advertised.equals(sb::AdvertisedRoute::kDatapath, uuid);
        learned.equals(sb::LearnedRoute::kDatapath, uuid);
        advertised_macs.equals(sb::AdvertisedMACBinding::kDatapath, uuid);
        nexthops.equals(sb::ECMPNexthop::kDatapath, uuid);
    }
    variables.equals(sb::ChassisTemplateVar::kChassis, configuration.chassis);
    set<sb::LogicalDPGroup>(std::move(groups));
    set<sb::MulticastGroup>(std::move(multicast));
    set<sb::MACBinding>(std::move(macs));
    set<sb::StaticMACBinding>(std::move(static_macs));
    set<sb::FDB>(std::move(fdb));
    set<sb::IPMulticast>(std::move(snooping));
    set<sb::ChassisTemplateVar>(std::move(variables));
    set<sb::AdvertisedRoute>(std::move(advertised));
    set<sb::LearnedRoute>(std::move(learned));
    set<sb::AdvertisedMACBinding>(std::move(advertised_macs));
    set<sb::ECMPNexthop>(std::move(nexthops));
}

// Groups come and go with ports and ACLs.  Column by column, so that the clauses come in order.
void MonitorConditions::choose_by_group() {
    const std::vector<Uuid> datapaths = view_.local_datapaths.keys(), groups = view_.datapath_groups.keys();
    Condition flows, balancers;
    auto add = [&](Condition& condition, const auto& column, const std::vector<Uuid>& uuids) {
        for (const Uuid& uuid : uuids) condition.equals(column, uuid);
    };
    add(flows, sb::LogicalFlow::kLogicalDatapath, datapaths);
    add(flows, sb::LogicalFlow::kLogicalDpGroup, groups);
    add(balancers, sb::LoadBalancer::kDatapathGroup, groups);
    for (const Uuid& uuid : datapaths) balancers.includes(sb::LoadBalancer::kDatapaths, uuid);
    // Columns of newer schemas.
    if (southbound_.server_has(sb::LoadBalancer::kLrDatapathGroup))
        add(balancers, sb::LoadBalancer::kLrDatapathGroup, groups);
    if (southbound_.server_has(sb::LoadBalancer::kLsDatapathGroup))
        add(balancers, sb::LoadBalancer::kLsDatapathGroup, groups);
    set<sb::LogicalFlow>(std::move(flows));
    set<sb::LoadBalancer>(std::move(balancers));
}

}  // namespace weft::controller
