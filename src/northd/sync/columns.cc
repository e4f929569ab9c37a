// Which southbound tables and columns northd fetches: those that it writes or reads, and no more.

#include "northd/sync/southbound.h"

namespace weft::northd {

using ovsdb::client::Replica;

void choose_southbound_columns(Replica& replica) {
    replica.monitor<sb::SBGlobal>(sb::SBGlobal::kNbCfg, sb::SBGlobal::kOptions, sb::SBGlobal::kIpsec,
                                  sb::SBGlobal::kExternalIds);
    replica.monitor<sb::Chassis>(sb::Chassis::kName, sb::Chassis::kHostname, sb::Chassis::kOtherConfig);
    replica.monitor<sb::Encap>(sb::Encap::kType);
    replica.monitor<sb::ChassisPrivate>(sb::ChassisPrivate::kName, sb::ChassisPrivate::kChassis,
                                        sb::ChassisPrivate::kNbCfg, sb::ChassisPrivate::kNbCfgTimestamp);
    replica.monitor<sb::AddressSet>(sb::AddressSet::kName, sb::AddressSet::kAddresses);
    replica.monitor<sb::PortGroup>(sb::PortGroup::kName, sb::PortGroup::kPorts);
    using Flow = sb::LogicalFlow;
    replica.monitor<Flow>(Flow::kLogicalDatapath, Flow::kLogicalDpGroup, Flow::kPipeline, Flow::kTableId,
                          Flow::kPriority, Flow::kMatch, Flow::kActions, Flow::kTags, Flow::kControllerMeter,
                          Flow::kExternalIds);
    replica.monitor<sb::LogicalDPGroup>();
    replica.monitor<sb::MulticastGroup>();
    using Igmp = sb::IPMulticast;
    replica.monitor<Igmp>(Igmp::kDatapath, Igmp::kEnabled, Igmp::kQuerier, Igmp::kEthSrc, Igmp::kIp4Src,
                          Igmp::kIp6Src, Igmp::kTableSize, Igmp::kIdleTimeout, Igmp::kQueryInterval,
                          Igmp::kQueryMaxResp);
    replica.monitor<sb::IGMPGroup>(sb::IGMPGroup::kAddress, sb::IGMPGroup::kDatapath, sb::IGMPGroup::kPorts);
    replica.monitor<sb::Mirror>();
    replica.monitor<sb::BFD>();
    using Monitor = sb::ServiceMonitor;
    replica.monitor<Monitor>(Monitor::kIp, Monitor::kProtocol, Monitor::kPort, Monitor::kLogicalPort,
                             Monitor::kSrcMac, Monitor::kSrcIp, Monitor::kStatus, Monitor::kOptions,
                             Monitor::kType, Monitor::kLogicalInputPort, Monitor::kMac);
    replica.monitor<sb::ChassisTemplateVar>();
    replica.monitor<sb::DatapathBinding>(sb::DatapathBinding::kTunnelKey, sb::DatapathBinding::kExternalIds);
    using Port = sb::PortBinding;
    replica.monitor<Port>(Port::kLogicalPort, Port::kType, Port::kOptions, Port::kDatapath, Port::kTunnelKey,
                          Port::kParentPort, Port::kTag, Port::kChassis, Port::kUp, Port::kMac,
                          Port::kPortSecurity, Port::kNatAddresses, Port::kExternalIds,
                          Port::kRequestedChassis, Port::kHaChassisGroup, Port::kVirtualParent,
                          Port::kMirrorRules, Port::kMirrorPort, Port::kRequestedAdditionalChassis);
    replica.monitor<sb::MACBinding>(sb::MACBinding::kLogicalPort, sb::MACBinding::kDatapath,
                                    sb::MACBinding::kIp, sb::MACBinding::kTimestamp);
    replica.monitor<sb::FDB>(sb::FDB::kDpKey, sb::FDB::kTimestamp);
    replica.monitor<sb::HAChassisGroup>(sb::HAChassisGroup::kName, sb::HAChassisGroup::kHaChassis,
                                        sb::HAChassisGroup::kRefChassis, sb::HAChassisGroup::kExternalIds);
    replica.monitor<sb::HAChassis>();
    replica.monitor<sb::DNS>();
    replica.monitor<sb::Meter>();
    replica.monitor<sb::MeterBand>();
    using Balancer = sb::LoadBalancer;
    replica.monitor<Balancer>(Balancer::kName, Balancer::kVips, Balancer::kProtocol, Balancer::kOptions,
                              Balancer::kDatapathGroup, Balancer::kLrDatapathGroup, Balancer::kExternalIds);
    replica.monitor<sb::StaticMACBinding>();
    replica.monitor<sb::ACLID>();
    replica.monitor<sb::AdvertisedRoute>();
    replica.monitor<sb::LearnedRoute>();
    replica.monitor<sb::ECMPNexthop>();
    replica.monitor<sb::AdvertisedMACBinding>();
    replica.monitor<sb::DHCPOptions>();
    replica.monitor<sb::DHCPv6Options>();
    replica.monitor<sb::RBACRole>();
    replica.monitor<sb::RBACPermission>();
}

}  // namespace weft::northd
