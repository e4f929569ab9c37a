// ovn-docker-overlay-driver: Docker's networks are logical switches, its containers' interfaces logical
// ports.
//
// How Docker's nouns are OVN's, as in the howto "Open Virtual Networking With Docker":
//
//   network    a Logical_Switch named as the network, external_ids:subnet and gateway_ip
//   endpoint   a Logical_Switch_Port named as the endpoint, with its Ethernet and IP addresses
//   join       a veth pair (remote_driver.h) whose outer end is a port of the integration bridge with
//              external_ids:iface-id, attached-mac, vm-id and iface-status
//   leave      it goes
//
// What is changed is changed by the commands of ovn-nbctl and ovs-vsctl (commands.h).

#pragma once

#include <functional>
#include <string>

#include "docker/remote_driver.h"

namespace weft::docker {

class OverlayDriver : public RemoteDriver {
  public:
    explicit OverlayDriver(net::Loop& loop) : RemoteDriver(loop) {}

    // Reads where the northbound database is and makes the integration bridge.
    void prepare(Prepared done) override;

  private:
    void read_setting(const std::string& key, const Prepared& done, std::function<void(std::string)> next);
    void make_bridge(const Prepared& done);

    void create_network(Request& request) override;
    void delete_network(Request& request) override;
    void create_endpoint(Request& request) override;
    void delete_endpoint(Request& request) override;
    void endpoint_info(Request& request) override;
    void join(Request& request) override;

    void northbound(const Commands::Words& words, Commands::Done done);
    void attach(const Request& request, const std::string& mac);

    std::string northbound_, bridge_;
};

}  // namespace weft::docker
