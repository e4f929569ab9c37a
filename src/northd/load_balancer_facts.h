// Load balancers, parsed (ovn-nb(5), Load_Balancer).

#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/uuid.h"
#include "northd/address.h"
#include "ovsdb/client/containers.h"

namespace weft::northd {

struct Backend {
    Endpoint endpoint;
    std::string text;  // as it goes into ct_lb(): "IP:PORT"
    bool is_monitored = false;
    bool is_online = true;     // by its health check; true without one
    std::string port_name;     // the logical port of ip_port_mappings, or ""
    std::string monitor_port;  // the same, where its health is checked
    std::string monitor_src;   // the address its health check comes from
    bool operator==(const Backend&) const = default;
};
int64_t port_number(const Backend& backend);  // of one that is no template; 0: none

struct Vip {
    Endpoint endpoint;
    std::string backends_text;  // as in the northbound
    std::vector<Backend> backends;
    bool has_health_check = false;
    ovsdb::StringMap health_options;
    bool operator==(const Vip&) const = default;
};

struct LoadBalancerFacts {
    Uuid uuid;
    std::string name, protocol;  // "tcp" where none is given
    std::vector<Vip> vips;
    std::vector<std::string> selection_fields;
    ovsdb::StringMap options;
    std::vector<std::string> bad_vips;  // that could not be parsed
    bool is_template = false;
    bool reject = false, event = false, skip_snat = false, routable = false;
    bool distributed = false;    // every chassis balances, among its own back ends
    bool stateless_nat = false;  // where a router has several gateway ports
    int64_t affinity_timeout = 0;
    std::string neighbor_responder;  // "reachable" (default), "all", "none"
    bool operator==(const LoadBalancerFacts&) const = default;
};

// Addresses, sorted and distinct, never changed: copies are one list.  A thousand routers with the same group
// of load balancers have the same addresses.
class AddressList {
  public:
    AddressList() = default;
    explicit AddressList(std::vector<std::string> addresses);

    const std::vector<std::string>& all() const { return list_ ? list_->texts : kNone; }
    auto begin() const { return all().begin(); }
    auto end() const { return all().end(); }
    bool empty() const { return !list_; }
    bool operator==(const AddressList& other) const { return list_ == other.list_ || all() == other.all(); }
    // Becomes the union.
    void add(const AddressList& other);
    bool contains(const std::string& address) const;
    // Those that are in one of the networks, which are of the list's own kind.  What that costs does not grow
    // with the others: a thousand ports ask.
    std::vector<std::string> within(const std::vector<Ip4>& networks) const;
    std::vector<std::string> within(const std::vector<Ip6Net>& networks) const;

  private:
    template <typename Value>
    using Places =
        std::vector<std::pair<Value, uint32_t>>;  // in the order of values; of each its text's place
    struct Shared {
        std::vector<std::string> texts;
        // Once somebody has asked.
        mutable Places<uint32_t> ip4;
        mutable Places<Ip6> ip6;
    };
    static const std::vector<std::string> kNone;
    std::shared_ptr<const Shared> list_;  // null: none
};

// The contents of a router's address sets: VIPs that it answers for.
struct VipSets {
    AddressList ip4, ip6;
    bool operator==(const VipSets&) const = default;
};

// Whether there are any.
struct VipKinds {
    bool ip4 = false, ip6 = false;
    bool operator==(const VipKinds&) const = default;
};

// Of VIPs those in the networks of a router port.
struct NearVips {
    std::vector<std::string> ip4, ip6;
    bool operator==(const NearVips&) const = default;
};

// What of load balancers matters to the datapaths that carry them.
struct VipSummary {
    bool any = false;  // there is a load balancer with a VIP
    bool any_skip_snat = false;
    bool any_distributed = false;
    AddressList ip4, ip6;                      // all VIPs
    AddressList ip4_reachable, ip6_reachable;  // those that neighbours may ask for, by the option
    AddressList ip4_routable, ip6_routable;
    AddressList ip4_all_responder, ip6_all_responder;
    bool operator==(const VipSummary&) const = default;
    void add(const VipSummary& other);
};

}  // namespace weft::northd
