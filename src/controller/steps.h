// What the controller does outside of its tracked functions, each part again only when what it read has
// changed (incremental/step.h): a turn costs what changed, however many ports and chassis there are.

#pragma once

#include "incremental/step.h"

namespace weft::controller {

struct Steps {
    explicit Steps(incremental::Engine& engine) : engine_(engine) {}

  private:
    incremental::Engine& engine_;

  public:
    // Found out.
    incremental::Step configuration{engine_, "read configuration"};
    incremental::Step interfaces{engine_, "find local interfaces"};
    incremental::Step bridge_ports{engine_, "find tunnels and patch ports"};
    incremental::Step local_datapaths{engine_, "find local datapaths"};
    incremental::Step conditions{engine_, "choose what to fetch"};
    incremental::Step zones{engine_, "assign conntrack zones"};
    incremental::Step sessions{engine_, "read BFD sessions"};
    incremental::Step watched{engine_, "choose BFD sessions"};
    incremental::Step announcements{engine_, "find announcements"};
    // Written.
    incremental::Step bridge{engine_, "keep bridge"};
    incremental::Step chassis{engine_, "keep chassis"};
    incremental::Step tunnels{engine_, "keep tunnels"};
    incremental::Step bindings{engine_, "keep bindings"};
    incremental::Step patch_ports{engine_, "keep patch ports"};
    incremental::Step plugs{engine_, "keep plugged interfaces"};
    incremental::Step egress_qos{engine_, "keep egress QoS"};
    incremental::Step mirrors{engine_, "keep mirrors"};
    incremental::Step zone_limits{engine_, "keep conntrack zone limits"};
    incremental::Step tunnel_bfd{engine_, "keep BFD of tunnels"};
    incremental::Step port_reports{engine_, "report ports"};
    incremental::Step saved_zones{engine_, "save conntrack zones"};
    incremental::Step nexthops{engine_, "keep addresses of next hops"};
    incremental::Step routes{engine_, "exchange routes"};

    // A write was not carried out: what is there is to be compared again.
    void repeat_writes() {
        for (incremental::Step* step :
             {&bridge, &chassis, &tunnels, &bindings, &patch_ports, &plugs, &egress_qos, &mirrors,
              &zone_limits, &tunnel_bfd, &port_reports, &saved_zones, &nexthops, &routes})
            step->repeat();
    }
};

}  // namespace weft::controller
