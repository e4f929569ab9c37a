// The rows that the program wants, by the key of each.

#include "northd/sync/southbound.h"

namespace weft::northd {

void Southbound::want(Program& p) {
    datapaths_.want(p.datapath_rows, [](const DatapathRow& r) { return r.datapath; });
    ports_.want(p.port_rows, [](const PortRow& r) { return r.name; });
    multicast_.want(p.multicast_rows, [](const MulticastRow& r) { return MulticastKey{r.datapath, r.name}; });
    ip_multicast_.want(p.ip_multicast_rows, [](const IpMulticastRow& r) { return r.datapath; });
    bfd_.want(p.bfd_rows, [](const BfdRow& r) { return BfdKey{r.port, r.dst_ip}; });
    monitors_.want(p.service_monitor_rows, [](const ServiceMonitorRow& r) {
        return MonitorKey{r.ip, r.port_name, r.protocol, r.port};
    });
    template_vars_.want(p.template_var_rows, [](const TemplateVarRow& r) { return r.chassis; });
    mirrors_.want(p.mirror_rows, [](const MirrorRow& r) { return r.name; });
    address_sets_.want(p.address_set_rows, [](const AddressSetRow& r) { return r.name; });
    port_groups_.want(p.port_group_rows, [](const PortGroupRow& r) { return r.name; });
    load_balancers_.want(p.load_balancer_rows, [&](const LoadBalancerRow& r) {
        balancers_touched_.push_back(r.load_balancer);
        return r.load_balancer;
    });
    ha_groups_.want(p.ha_group_rows, [](const HaGroupRow& r) { return r.name; });
    for (const std::string& group : ref_chassis_.update(p)) ha_groups_.mark(group);
    dns_.want(p.dns_rows, [](const DnsRow& r) { return r.dns; });
    meters_.want(p.meter_rows, [](const MeterRow& r) { return r.name; });
    mac_bindings_.want(p.mac_binding_rows, [](const MacBindingRow& r) { return BindingKey{r.port, r.ip}; });
    advertised_.want(p.advertised_rows, [](const AdvertisedRow& r) { return r; });
    advertised_macs_.want(p.advertised_mac_rows, [](const AdvertisedMacRow& r) { return r; });
    ecmp_nexthops_.want(p.ecmp_nexthop_rows, [](const EcmpNexthopRow& r) {
        return BindingKey{r.port, r.nexthop};
    });
    flows_.want(p.flows);
}

}  // namespace weft::northd
