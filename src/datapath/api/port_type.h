// The kinds of ports that a datapath has.

#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace weft::datapath {

enum class PortType : uint8_t { kSystem, kInternal, kGeneve, kVxlan, kGre, kDummy, kErspan, kGtpu, kAfxdp };
std::string_view port_type_name(PortType type);  // "system", "internal", "geneve", ...
std::optional<PortType> parse_port_type(std::string_view name);
// Tunnels behind GRE, which have no ports.
constexpr bool is_gre(PortType type) {
    return type == PortType::kGre || type == PortType::kErspan;
}

}  // namespace weft::datapath
