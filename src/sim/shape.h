// A shape of network: what its nodes consist of in the northbound database, and how operators change it.
//
// One class per shape in shapes/; make_shape() finds it by name.  Nodes are chassis "node-0", "node-1", …

#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "ovsdb/client/replica.h"

namespace weft::sim {

// A port and the node into which it is plugged.
struct Placement {
    std::string port;
    size_t node = 0;
};

struct Operation {
    struct Effect {
        std::optional<Placement> plug, unplug;  // to be done beside it
    };
    const char* name;
    // Writes it for the `number`-th time; each time it concerns another node or tenant.
    std::function<Effect(ovsdb::client::Transaction& txn, size_t number)> write;
};

class Shape {
  public:
    struct Size {
        size_t nodes = 0, ports = 0;  // ports of each node
    };
    virtual ~Shape() = default;

    virtual const char* summary() const = 0;
    // What all nodes share, once; then the nodes in order, each in a transaction of its own: what one finds
    // by name is what an earlier one has written.
    virtual void add_shared(ovsdb::client::Transaction& txn) = 0;
    // Returns the ports to be plugged in.
    virtual std::vector<Placement> add_node(ovsdb::client::Transaction& txn, size_t node) = 0;
    // In the order of a round; a round is done many times.
    virtual std::vector<Operation> operations() = 0;
};

// `northbound` monitors every table.  An error says which names or sizes there are.
Result<std::unique_ptr<Shape>> make_shape(std::string_view name, Shape::Size size,
                                          ovsdb::client::Replica& northbound);
// "kubernetes, openstack"
std::string shape_names();

std::string node_name(size_t node);
// 10.1.2.3 as text, and the Ethernet address that goes with it.
std::string address_text(uint32_t address);
std::string ethernet_text(uint32_t address);

}  // namespace weft::sim
