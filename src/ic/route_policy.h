// Which routes a zone tells the others and takes from them: NB_Global:options:ic-route-* (ovn-nb(5)), and the
// prefixes that routes are about.

#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "northd/address.h"
#include "ovsdb/client/containers.h"

namespace weft::ic {

// An IPv4 or IPv6 network.
struct Prefix {
    std::optional<northd::Ip4> ip4;
    std::optional<northd::Ip6Net> ip6;

    bool is_ip6() const { return ip6.has_value(); }
    int length() const { return ip4 ? ip4->prefix : ip6->prefix; }
    bool is_default() const { return length() == 0; }
    bool is_link_local() const;  // 169.254.0.0/16, fe80::/10
    bool contains(const Prefix& other) const;
    std::string address_text() const { return ip4 ? ip4->address : ip6->address; }
    std::string text() const { return address_text() + "/" + std::to_string(length()); }  // host bits kept
    bool operator==(const Prefix&) const = default;
};
// "A" or "A/len"; nothing if it is neither family's.
std::optional<Prefix> parse_prefix(std::string_view text);

struct RoutePolicy {
    bool advertise = false, learn = false;
    bool advertise_default = false, learn_default = false;
    std::vector<Prefix> denied;
    bool operator==(const RoutePolicy&) const = default;

    bool advertises(const Prefix& prefix) const;
    bool learns(const Prefix& prefix) const;

  private:
    bool is_denied(const Prefix& prefix) const;
};
RoutePolicy parse_route_policy(const ovsdb::StringMap& options);

}  // namespace weft::ic
