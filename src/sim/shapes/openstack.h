// A cloud as Neutron's ML2/OVN lays it out: tenants with a network and a router each, whose ports lie on many
// nodes; a provider network to which every router has a port, hosted by three nodes; security groups;
// floating addresses; DHCP.

#pragma once

#include "sim/shape.h"

namespace weft::sim {

class Openstack : public Shape {
  public:
    static constexpr size_t kMaxNodes = 10'000, kMaxPorts = 1'000;
    static constexpr size_t kTenantPorts = 20;  // of the mean tenant

    Openstack(Size size, ovsdb::client::Replica& northbound);

    const char* summary() const override;
    void add_shared(ovsdb::client::Transaction& txn) override;
    std::vector<Placement> add_node(ovsdb::client::Transaction& txn, size_t node) override;
    std::vector<Operation> operations() override;

  private:
    struct Tenant {
        Uuid network, group, dhcp;  // rows
    };
    size_t tenant_of(size_t node, size_t port) const;
    Tenant add_tenant(ovsdb::client::Transaction& txn, size_t tenant);
    Tenant find_tenant(size_t tenant) const;  // that is in the database
    void add_port(ovsdb::client::Transaction& txn, size_t tenant, const Tenant& rows,
                  const std::string& name);

    Size size_;
    ovsdb::client::Replica& nb_;
    size_t tenants_;
    std::vector<uint32_t> addresses_;  // of each tenant: how many it has given away
    uint32_t floating_ = 0;            // addresses given away
};

}  // namespace weft::sim
