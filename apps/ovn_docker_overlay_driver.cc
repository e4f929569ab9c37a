// ovn-docker-overlay-driver.

#include "docker/overlay_driver.h"
#include "docker_driver.h"
#include "net/daemon.h"

namespace weft::apps {

int ovn_docker_overlay_driver(int argc, char** argv) {
    DockerDriver driver;
    driver.text = {
        "ovn-docker-overlay-driver",
        "Docker network driver for OVN networks",
        "[OPTIONS]",
        "Serves Docker as the network driver \"openvswitch\": a network that Docker makes with it is a "
        "logical switch, and each container's interface in it a logical port, so that containers of several "
        "hosts are in one network.\n\n"
        "Open_vSwitch:external_ids of this host's database tells the northbound database (ovn-nb, a must) "
        "and the integration bridge (ovn-bridge, br-int if there is none, made if it is missing).  The "
        "driver listens on 127.0.0.1, port 5000, and tells Docker so in "
        "/etc/docker/plugins/openvswitch.spec.\n\n"
        "Docker's subnet and gateway become external_ids:subnet and external_ids:gateway_ip of the "
        "Logical_Switch; an endpoint's addresses become those of the Logical_Switch_Port.  When a container "
        "joins, a veth pair is made: the outer end becomes a port of the integration bridge, the inner end "
        "is for Docker to move into the container.",
        {}};
    driver.make = [](net::Loop& loop) { return std::make_unique<docker::OverlayDriver>(loop); };
    return net::exit_status("ovn-docker-overlay-driver", serve_docker(argc, argv, driver));
}

}  // namespace weft::apps
