// ovn-docker-underlay-driver: containers inside a virtual machine of an OpenStack cloud, each with a port of
// its own in the cloud's networks.
//
// The virtual machine sees the cloud as its tenant does: by Neutron (openstack.h).  How Docker's nouns are
// Neutron's, as in the howto "Open Virtual Networking With Docker":
//
//   network    a network of that name, and its subnet "docker-NAME" with Docker's pool and gateway
//   endpoint   a port named as the endpoint, with Docker's addresses and binding:profile {parent_name: the
//   port of
//              this machine's interface, tag: a VLAN that no other endpoint here has}.  The hypervisor's OVN
//              takes the tag off and on (ovn-nb(5), Logical_Switch_Port:parent_name)
//   join       a veth pair (remote_driver.h) whose outer end is an access port of that VLAN on the bridge
//              that has the machine's interface
//   leave      it goes
//
// Which tags are in use is kept in Open_vSwitch:external_ids (vlans, ENDPOINT_vlan), so it outlives the
// driver.

#pragma once

#include <functional>
#include <string>
#include <vector>

#include "docker/openstack.h"
#include "docker/remote_driver.h"

namespace weft::docker {

class UnderlayDriver : public RemoteDriver {
  public:
    UnderlayDriver(net::Loop& loop, std::string bridge, const OpenstackSettings& settings);

    // Sees that the bridge is there.
    void prepare(Prepared done) override;

  private:
    void create_network(Request& request) override;
    void delete_network(Request& request) override;
    void create_endpoint(Request& request) override;
    void delete_endpoint(Request& request) override;
    void endpoint_info(Request& request) override;
    void join(Request& request) override;

    void make_subnet(const Request& request, const Pool& pool, const std::string& network);
    void make_port(const Request& request, const Addresses& given, const std::string& network);
    void keep_tag(const Request& request, const std::vector<int>& tags, int tag, const json::Object& port);
    void forget_tag(const std::string& endpoint, const std::vector<int>& tags);
    void attach(const Request& request, const std::string& gateway, const std::string& mac);

    // Open_vSwitch:external_ids:vlans; otherwise `what` went wrong.
    void with_tags(const std::string& what, std::function<void(std::vector<int> tags)> next);
    // The port of that name; a failure `missing` if there is none.
    void with_port(const std::string& endpoint, const std::string& what,
                   std::function<void(const json::Object&)> next);

    std::string bridge_, vif_id_;
    Openstack openstack_;
};

}  // namespace weft::docker
