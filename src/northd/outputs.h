// What northd computes, and the engine that computes it: logical flows, southbound rows, what is to be chosen
// for ports, and what the operator should be told.

#pragma once

#include <string>

#include "incremental/output.h"
#include "northd/ipam.h"
#include "northd/logical_flow.h"
#include "northd/rows.h"
#include "northd/tags.h"

namespace weft::northd {

using incremental::Engine;
using incremental::Output;

struct PoolRow {  // the addresses that a switch may give out
    Uuid switch_uuid;
    AddressPool pool;
    bool operator==(const PoolRow&) const = default;
    template <typename H>
    friend H AbslHashValue(H h, const PoolRow& r) {
        return H::combine(std::move(h), r.switch_uuid);
    }
};

struct Outputs {
    Outputs();
    ~Outputs();

    Engine engine;
    FlowOutput flows{engine, "flows"};
    Output<DatapathRow> datapath_rows{engine, "datapath rows"};
    Output<PortRow> port_rows{engine, "port rows"};
    Output<MulticastRow> multicast_rows{engine, "multicast rows"};
    Output<IpMulticastRow> ip_multicast_rows{engine, "IP multicast rows"};
    Output<MirrorRow> mirror_rows{engine, "mirror rows"};
    Output<AddressSetRow> address_set_rows{engine, "address set rows"};
    Output<PortGroupRow> port_group_rows{engine, "port group rows"};
    Output<LoadBalancerRow> load_balancer_rows{engine, "load balancer rows"};
    Output<HaGroupRow> ha_group_rows{engine, "HA group rows"};
    Output<HaUseRow> ha_use_rows{engine, "HA group uses"};
    Output<LinkRow> link_rows{engine, "links"};
    Output<BoundRow> bound_rows{engine, "bound chassis"};
    Output<AgeRow> age_rows{engine, "age thresholds"};
    Output<DnsRow> dns_rows{engine, "DNS rows"};
    Output<MeterRow> meter_rows{engine, "meter rows"};
    Output<MacBindingRow> mac_binding_rows{engine, "static MAC binding rows"};
    Output<ServiceMonitorRow> service_monitor_rows{engine, "service monitor rows"};
    Output<BfdRow> bfd_rows{engine, "BFD rows"};
    Output<TemplateVarRow> template_var_rows{engine, "template variable rows"};
    Output<AdvertisedRow> advertised_rows{engine, "advertised routes"};
    Output<AdvertisedMacRow> advertised_mac_rows{engine, "advertised addresses"};
    Output<EcmpNexthopRow> ecmp_nexthop_rows{engine, "ECMP next hops"};
    Output<PortStatusRow> port_status_rows{engine, "port status rows"};
    Output<GatewayStatusRow> gateway_status_rows{engine, "gateway status rows"};
    Output<FunctionStatusRow> function_status_rows{engine, "function status rows"};
    Output<PortHealthRow> port_health_rows{engine, "port health rows"};
    Output<BfdStatusRow> bfd_status_rows{engine, "BFD status rows"};
    // What is to be chosen for ports (allocations.h)
    Output<PoolRow> address_pools{engine, "address pools"};
    Output<AddressClaim> address_claims{engine, "address claims"};
    Output<TagClaim> tag_claims{engine, "tag claims"};
    Output<TagClaim> queue_claims{engine, "queue claims"};  // per chassis as tags are per parent
    Output<std::string> complaints{engine,
                                   "complaints"};  // for the operator: what in the northbound is wrong
};

}  // namespace weft::northd
