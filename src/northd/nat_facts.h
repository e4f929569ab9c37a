// NAT rules, parsed and judged (ovn-nb(5), NAT), and what a router's rules mean for the router as a whole.

#pragma once

#include <string>
#include <vector>

#include "base/uuid.h"
#include "northd/address.h"
#include "ovsdb/client/containers.h"

namespace weft::northd {

enum class NatType : uint8_t { kSnat, kDnat, kDnatAndSnat };

struct NatFacts {
    Uuid uuid;
    NatType type = NatType::kSnat;
    bool is_ip6 = false;
    std::string external_ip, logical_ip;  // addresses; the logical one maybe a network, as written
    int prefix = 32;                      // of logical_ip
    std::string external_mac, logical_port, port_range;
    bool is_distributed = false;  // external_mac and logical_port given
    bool stateless = false;
    bool add_route = false;
    std::string allowed, exempted;  // names of address sets, or ""
    Uuid gateway_port;              // as asked for; zero: to be inferred
    std::string match;              // on what else packets of the original direction have to match, or ""
    int64_t priority = 0;           // among the rules with a match
    std::string error;              // why it cannot be used, or ""
    bool operator==(const NatFacts&) const = default;

    bool is_snat() const { return type != NatType::kDnat; }
    bool is_dnat() const { return type != NatType::kSnat; }
};

// Addresses of a router port that neighbours are given routes to.
struct Routable {
    std::string mac;
    std::vector<std::string> addresses;
    bool operator==(const Routable&) const = default;
};

// What is true of a router because of its NAT rules and load balancers.
struct RouterState {
    bool has_nat = false;
    bool has_lb_vip = false;
    bool has_skip_snat_lb = false;
    bool has_distributed_lb = false;
    std::vector<std::string> snat_ips;      // external addresses of snat rules and forced SNAT
    std::vector<std::string> external_ips;  // of all rules
    bool operator==(const RouterState&) const = default;
};

}  // namespace weft::northd
