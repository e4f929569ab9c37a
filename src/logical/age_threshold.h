// How long learnt addresses may be out of use before they go (ovn-nb(5), Logical_Router:options:
// mac_binding_age_threshold, Logical_Switch:other_config:fdb_age_threshold).  Northd removes them; before
// that, controllers say which are in use.

#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "packet/flow.h"

namespace weft::logical {

// "SECONDS", or "NETWORK:SECONDS;…;SECONDS": the longest network that has the address decides.  0: never.
struct AgeThreshold {
    struct Rule {
        packet::Ipv6Addr network{};  // IPv4 as ::ffff:a.b.c.d
        int prefix = 0;              // of 128
        int64_t seconds = 0;
        bool operator==(const Rule&) const = default;
    };
    int64_t seconds = 0;
    std::vector<Rule> rules;  // the longest networks first
    bool operator==(const AgeThreshold&) const = default;

    int64_t of(std::string_view ip) const;
    bool any() const;
    int64_t shortest() const;  // that is not 0; 0 if there is none
};
std::optional<AgeThreshold> parse_age_threshold(std::string_view text);

}  // namespace weft::logical
