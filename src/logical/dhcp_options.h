// The options that put_dhcp_opts and put_dhcpv6_opts know by name (ovn-sb(5), DHCP_Options and
// DHCPv6_Options): those of RFC 2132 and RFC 8415 with the names that CMSes use.  ovn-northd publishes them
// in the southbound database and encodes their values; ovn-controller only wraps what the action carries.

#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace weft::logical {

struct DhcpOption {
    std::string name;
    uint16_t code = 0;
    // DHCPv4: bool, uint8, uint16, uint32, ipv4, static_routes, str, host_id, domains.  DHCPv6: ipv6, mac,
    // str, domain.
    std::string type;
    bool operator==(const DhcpOption&) const = default;
};

class DhcpOptionTable {
  public:
    static const DhcpOptionTable& standard_v4();
    static const DhcpOptionTable& standard_v6();

    void add(std::string_view name, uint16_t code, std::string_view type);
    const DhcpOption* find(std::string_view name) const;
    const std::vector<DhcpOption>& options() const { return options_; }
    bool operator==(const DhcpOptionTable&) const = default;

  private:
    std::vector<DhcpOption> options_;
};

// Codes that are no options of RFC 2132 but notes to whoever answers: the address to offer, siaddr, and the
// boot file for clients that have already loaded iPXE.
inline constexpr uint16_t kDhcpOfferIp = 0;
inline constexpr uint16_t kDhcpNextServer = 253;
inline constexpr uint16_t kDhcpBootfileAlt = 254;

}  // namespace weft::logical
