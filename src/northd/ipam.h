// Dynamic addresses: Ethernet, IPv4 and IPv6 addresses for switch ports that ask for them (ovn-nb(5),
// Logical_Switch, "IP Address Assignment", and Logical_Switch_Port:addresses).
//
// Pure bookkeeping: who occupies what and who asks for what goes in, assignments come out.  Addresses stay
// what they are as long as they are valid; which ones are chosen does not depend on the order of ports:
//
//   - An IPv4 address is the one asked for ("dynamic IP") if it is in the subnet and nobody has it; else the
//     one that the port has; else the lowest that is free.  The subnet's first two addresses (its own and,
//     by custom, the router's), its last one, and `exclude_ips` are never given.
//   - An Ethernet address is the one asked for ("MAC dynamic"), else the one that the port has, else
//     `mac_prefix` and the low 24 bits of the IPv4 address plus one, or counted up without one; no two ports
//     of the network get the same.
//   - An IPv6 address is the one asked for if it is in the switch's prefix, else prefix and EUI-64 of the
//     Ethernet address (RFC 4291, appendix A).
//
// A static address takes precedence: a port that has it by assignment is given another one.
//
// Work is proportional to what changed; the free address is found by a lower bound that moves.

#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/hash_map.h"
#include "base/uuid.h"
#include "northd/address.h"

namespace weft::northd {

// What of a switch's other_config matters here.
struct AddressPool {
    std::optional<Ip4> subnet;
    std::vector<std::pair<uint32_t, uint32_t>> excluded;  // ranges, both ends included
    std::optional<Ip6> prefix;                            // of 64 bits
    bool mac_only = false;

    bool active() const { return subnet || prefix || mac_only; }
    bool may_give(uint32_t ip) const;  // in the subnet and not reserved
    bool operator==(const AddressPool&) const = default;
};

// "10.0.0.4 10.0.0.30..10.0.0.60"; words that are neither are returned in `bad`.
std::vector<std::pair<uint32_t, uint32_t>> parse_ranges(std::string_view text, std::vector<std::string>& bad);

// "dynamic", "dynamic IP", "dynamic IP6", "dynamic IP IP6", "MAC dynamic".
struct DynamicRequest {
    std::optional<uint64_t> mac;  // 48 bits, host order
    std::optional<uint32_t> ip4;
    std::optional<Ip6> ip6;
    bool operator==(const DynamicRequest&) const = default;
};
// nullopt if the text asks for nothing dynamic.
std::optional<DynamicRequest> parse_dynamic_request(std::string_view text);

uint64_t mac_value(const std::array<uint8_t, 6>& mac);
std::array<uint8_t, 6> mac_bytes(uint64_t value);

// What one port has and wants.  A router's port that is joined to the switch occupies its addresses, too.
struct AddressClaim {
    Uuid owner;  // Logical_Switch_Port or Logical_Router_Port
    Uuid switch_uuid;
    std::string name;
    std::vector<uint64_t> macs;
    std::vector<uint32_t> ip4;  // static
    std::vector<Ip6> ip6;
    std::optional<DynamicRequest> request;
    bool operator==(const AddressClaim&) const = default;
    template <typename H>
    friend H AbslHashValue(H h, const AddressClaim& c) {
        return H::combine(std::move(h), c.owner);
    }
};

struct Assignment {
    uint64_t mac = 0;
    std::optional<uint32_t> ip4;
    std::optional<Ip6> ip6;
    bool operator==(const Assignment&) const = default;
};
std::string assignment_text(const Assignment& assignment);  // "MAC IP IP6"
std::optional<Assignment> parse_assignment(std::string_view text);

class Ipam {
  public:
    void set_mac_prefix(uint32_t prefix);  // 24 bits
    void set_pool(const Uuid& switch_uuid, const AddressPool& pool);
    void erase_pool(const Uuid& switch_uuid);
    void set_claim(const AddressClaim& claim);
    void erase_claim(const Uuid& owner);
    // What a port is known to have had: kept if it is valid.  For ports without an assignment, and for those
    // that somebody else gave one.
    void suggest(const Uuid& owner, const Assignment& assignment);

    // Assigns where something changed.  Yields the owners whose assignment is another one now, or gone.
    std::vector<Uuid> settle();
    const Assignment* find(const Uuid& owner) const;
    const std::string& name_of(const Uuid& owner) const { return ports_.at(owner).claim.name; }

    // Ports that got less than they asked for, for the operator: by owner, a sentence.
    const std::map<Uuid, std::string>& shortages() const { return shortages_; }

  private:
    struct Port {
        AddressClaim claim;
        std::optional<Assignment> assigned;
        std::optional<Assignment> suggested;
    };
    struct Use {
        uint32_t fixed = 0;  // how many have it statically
        Uuid given_to;       // zero: nobody
        bool free() const { return fixed == 0 && given_to.is_zero(); }
    };
    struct Network {
        AddressPool pool;
        HashMap<uint32_t, Use> ip4;
        std::map<Ip6, Use> ip6;
        HashMap<uint64_t, uint32_t> macs;          // static ones
        uint32_t lowest = 0;                       // none below it is free
        std::set<Uuid> owners;                     // who ask for something
        std::map<uint32_t, std::set<Uuid>> asked;  // addresses asked for by name, and by whom
        std::set<Uuid> short_of;                   // who got no IPv4 address
    };

    void occupy(const AddressClaim& claim);
    void vacate(const AddressClaim& claim);
    void withdraw(const Uuid& owner, Port& port);  // its assignment
    void drop_if_unused(const Uuid& switch_uuid, uint32_t ip);
    void free_mac(uint64_t mac);
    void offer_freed();
    std::optional<uint32_t> choose_ip4(Network& network, const Port& port,
                                       const std::optional<Assignment>& had);
    uint64_t choose_mac(const Network& network, const Uuid& owner, const Port& port,
                        const std::optional<Assignment>& had, std::optional<uint32_t> ip4);
    bool mac_is_taken(uint64_t mac, const Uuid& except) const;
    bool may_keep_mac(const Network& network, const Uuid& owner, const Port& port, uint64_t mac) const;
    void assign(const Uuid& owner, Port& port, const std::optional<Assignment>& had);

    std::optional<uint32_t> mac_prefix_;
    uint32_t lowest_suffix_ = 0;  // up to it all Ethernet addresses with the prefix are taken
    HashMap<Uuid, Port> ports_;
    HashMap<Uuid, Network> networks_;
    HashMap<uint64_t, uint32_t> fixed_macs_;        // static ones of all switches, and how many have them
    HashMap<uint64_t, std::set<Uuid>> given_macs_;  // several if they were asked for by name
    std::set<Uuid> due_;
    std::vector<std::pair<Uuid, uint32_t>> freed_;     // switches and addresses that became free
    HashMap<Uuid, std::optional<Assignment>> before_;  // of those whose assignment was touched
    std::map<Uuid, std::string> shortages_;
};

}  // namespace weft::northd
