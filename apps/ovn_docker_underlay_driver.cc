// ovn-docker-underlay-driver.

#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <string>

#include "docker/underlay_driver.h"
#include "docker_driver.h"
#include "net/daemon.h"

namespace weft::apps {

namespace {

constexpr const char* kName = "ovn-docker-underlay-driver";

constexpr const char* kDescription =
    "Serves Docker as the network driver \"openvswitch\" inside a virtual machine of an OpenStack cloud "
    "whose networks "
    "are OVN's: a network that Docker makes with it is a network of Neutron, and each container's interface "
    "a port of "
    "it, so that containers, virtual machines and others are in one network.\n\n"
    "The driver asks Keystone and Neutron as a tenant, whom the environment tells, as OpenStack's RC file "
    "(openrc.sh) "
    "sets it: OS_AUTH_URL (Keystone; version 2.0 if it ends with /v2.0, else version 3), OS_USERNAME, "
    "OS_TENANT_ID (or "
    "OS_PROJECT_ID), and OS_VIF_ID, the id of Neutron's port of this machine's interface by which containers "
    "are to "
    "send.  These are musts.  OS_PASSWORD is asked for where it is not set.  OS_USER_DOMAIN_ID or "
    "OS_USER_DOMAIN_NAME (id \"default\" if neither is set), OS_REGION_NAME, OS_INTERFACE (public, internal "
    "or admin), "
    "OS_CACERT (trusted authorities, in PEM) and OS_INSECURE (1: any certificate is taken) are heeded.\n\n"
    "Docker's subnet and gateway become a subnet of Neutron's network; an endpoint's addresses become those "
    "of "
    "Neutron's port, whose binding:profile tells the port of this machine's interface and a VLAN.  When a "
    "container "
    "joins, a veth pair is made: the outer end becomes an access port of that VLAN on --bridge, the inner "
    "end is for "
    "Docker to move into the container.  The VLANs in use are kept in Open_vSwitch:external_ids.\n\n"
    "The driver listens on 127.0.0.1, port 5000, and tells Docker so in "
    "/etc/docker/plugins/openvswitch.spec.";

// From the terminal, without showing it; from standard input where there is none.
Result<std::string> ask_password() {
    const char* typed = getpass("Password: ");
    if (!typed || !*typed) return Error{"OS_PASSWORD is not set, and no password was typed"};
    return std::string(typed);
}

}  // namespace

int ovn_docker_underlay_driver(int argc, char** argv) {
    std::string bridge;
    docker::OpenstackSettings settings;
    DockerDriver driver;
    driver.text = {
        kName, "Docker network driver for OpenStack networks", "--bridge=BRIDGE [OPTIONS]", kDescription, {}};
    driver.add_options = [&](OptionTable& table) {
        table.add_text(
            "bridge", 0, "BRIDGE",
            "The bridge that containers are connected to: it has the interface of OS_VIF_ID as its port.",
            bridge);
    };
    driver.begin = [&]() -> Result<void> {
        if (bridge.empty()) return Error{"OVS bridge name not provided (use --bridge=BRIDGE)"};
        WEFT_ASSIGN(settings, docker::openstack_settings([](const char* name) { return std::getenv(name); }));
        if (!settings.password.empty()) return {};
        WEFT_ASSIGN(settings.password, ask_password());
        return {};
    };
    driver.make = [&](net::Loop& loop) {
        return std::make_unique<docker::UnderlayDriver>(loop, bridge, settings);
    };
    return net::exit_status(kName, serve_docker(argc, argv, driver));
}

}  // namespace weft::apps
