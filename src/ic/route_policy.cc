#include "ic/route_policy.h"

namespace weft::ic {

bool Prefix::is_link_local() const {
    if (ip4) return ip4->value >> 16 == 0xa9fe;
    return ip6->is_link_local();
}

bool Prefix::contains(const Prefix& other) const {
    if (is_ip6() != other.is_ip6() || length() > other.length()) return false;
    return ip4 ? ip4->contains(other.ip4->value) : ip6->contains(other.ip6->value);
}

std::optional<Prefix> parse_prefix(std::string_view text) {
    if (auto ip4 = northd::parse_ip4(text)) return Prefix{std::move(ip4), std::nullopt};
    if (auto ip6 = northd::parse_ip6(text)) return Prefix{std::nullopt, std::move(ip6)};
    return std::nullopt;
}

bool RoutePolicy::is_denied(const Prefix& prefix) const {
    for (const Prefix& each : denied) {
        if (each.contains(prefix)) return true;
    }
    return false;
}

bool RoutePolicy::advertises(const Prefix& prefix) const {
    if (!advertise || prefix.is_link_local() || is_denied(prefix)) return false;
    return advertise_default || !prefix.is_default();
}

bool RoutePolicy::learns(const Prefix& prefix) const {
    if (!learn || prefix.is_link_local() || is_denied(prefix)) return false;
    return learn_default || !prefix.is_default();
}

RoutePolicy parse_route_policy(const ovsdb::StringMap& options) {
    RoutePolicy policy;
    policy.advertise = ovsdb::get_bool(options, "ic-route-adv");
    policy.learn = ovsdb::get_bool(options, "ic-route-learn");
    policy.advertise_default = ovsdb::get_bool(options, "ic-route-adv-default");
    policy.learn_default = ovsdb::get_bool(options, "ic-route-learn-default");
    // The newer name of the option counts if there are both.
    std::string_view list = ovsdb::get_string(options, "ic-route-denylist");
    if (list.empty()) list = ovsdb::get_string(options, "ic-route-blacklist");
    for (std::string_view each : northd::split(list, ", ")) {
        if (auto prefix = parse_prefix(each)) policy.denied.push_back(*std::move(prefix));
    }
    return policy;
}

}  // namespace weft::ic
