// What the controller does outside of its tracked functions, each part again only when what it read has
// changed (incremental/step.h): a turn costs what changed, however many ports and chassis there are.

#pragma once

#include "controller/own_ports.h"
#include "incremental/keyed_step.h"
#include "incremental/step.h"

namespace weft::controller {

struct Steps {
    explicit Steps(OwnPorts& own) : own_(own) {}

  private:
    OwnPorts& own_;
    SouthboundView& view_ = own_.view;
    incremental::Engine& engine_ = view_.engine;

  public:
    // Found out.
    incremental::Step configuration{engine_, "read configuration"};
    incremental::Step bridge_ports{engine_, "find what the bridge's ports are"};
    incremental::Step local_datapaths{engine_, "find local datapaths"};
    incremental::Step requested_zones{engine_, "read requested conntrack zones"};
    incremental::Step watched{engine_, "choose BFD sessions"};
    incremental::Step announcements{engine_, "find announcements"};
    incremental::Step evpn{engine_, "learn of EVPNs"};
    // Written.
    incremental::Step bridge{engine_, "keep bridge"};
    incremental::Step chassis{engine_, "keep chassis"};
    incremental::Step tunnels{engine_, "keep tunnels"};
    incremental::KeyedStep<Uuid> bindings{engine_, "keep bindings", own_.candidates};
    incremental::Step patch_ports{engine_, "keep patch ports"};
    incremental::Step plugs{engine_, "keep plugged interfaces"};
    incremental::Step egress_qos{engine_, "keep egress QoS"};
    incremental::Step mirrors{engine_, "keep mirrors"};
    incremental::Step zone_limits{engine_, "keep conntrack zone limits"};
    incremental::Step tunnel_bfd{engine_, "keep BFD of tunnels"};
    incremental::KeyedStep<std::string> port_reports{engine_, "report ports", own_.by_name};
    incremental::KeyedStep<std::string> installed{engine_, "take back ovn-installed", view_.local_interfaces};
    incremental::KeyedStep<std::string> saved_zones{engine_, "save conntrack zones", view_.ct_zones};
    incremental::Step all_saved_zones{engine_, "save all conntrack zones"};
    incremental::Step nexthops{engine_, "keep addresses of next hops"};
    incremental::Step routes{engine_, "exchange routes"};
    incremental::Step evpn_tunnels{engine_, "keep EVPN tunnels"};
    incremental::Step evpn_told{engine_, "announce to EVPNs"};

    // A write was not carried out: what is there is to be compared again.
    void repeat_writes() {
        for (incremental::Step* step :
             {&bridge, &chassis, &tunnels, &patch_ports, &plugs, &egress_qos, &mirrors, &zone_limits,
              &tunnel_bfd, &all_saved_zones, &nexthops, &routes, &evpn_tunnels})
            step->repeat();
        bindings.repeat();
        port_reports.repeat();
        installed.repeat();
    }
};

}  // namespace weft::controller
