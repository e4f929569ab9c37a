// A cluster as ovn-kubernetes lays it out, with one northd for all nodes: a switch, a gateway router and an
// external switch for each node, joined by one cluster router; a namespace for each node, with a network
// policy; services.

#pragma once

#include "sim/shape.h"

namespace weft::sim {

class Kubernetes : public Shape {
  public:
    static constexpr size_t kMaxNodes = 16'000, kMaxPorts = 200;  // of the address plan below

    Kubernetes(Size size, ovsdb::client::Replica& northbound) : size_(size), nb_(northbound) {}

    const char* summary() const override;
    void add_shared(ovsdb::client::Transaction& txn) override;
    std::vector<Placement> add_node(ovsdb::client::Transaction& txn, size_t node) override;
    std::vector<Operation> operations() override;

  private:
    struct AddedPod {
        Placement placement;
        uint32_t address;
        Uuid logical_switch, group, set;  // rows that it belongs to
    };
    AddedPod added_pod(size_t number) const;  // of the `number`-th round
    void add_gateway_router(ovsdb::client::Transaction& txn, size_t node, const Uuid& balancers);
    void add_service(ovsdb::client::Transaction& txn, const Uuid& group, size_t service);
    std::string endpoints(size_t service, size_t turn) const;
    Operation::Effect add_pod(ovsdb::client::Transaction& txn, size_t number);
    Operation::Effect delete_pod(ovsdb::client::Transaction& txn, size_t number);

    Size size_;
    ovsdb::client::Replica& nb_;
};

}  // namespace weft::sim
