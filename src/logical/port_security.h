// What a port may send and be sent (ovn-nb(5), Logical_Switch_Port.port_security): "MAC [IP[/LENGTH]]...".
//
// Turned into flows by ovn-controller, judged packet by packet by ovn-trace.

#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "packet/flow.h"

namespace weft::logical {

struct PortSecurity {
    struct Ipv4 {
        uint32_t address, mask;  // host order; a host address, or a network if the host part is zero
        bool is_network() const { return (address & ~mask) == 0 && mask != 0xffffffff; }
    };
    struct Ipv6 {
        packet::Ipv6Addr address, mask;
        bool is_host = true;
    };
    packet::EthAddr mac;
    std::vector<Ipv4> v4;
    std::vector<Ipv6> v6;
};

// Nothing if the first word is no MAC address; words that are no addresses are passed over.
std::optional<PortSecurity> parse_port_security(std::string_view text);

packet::Ipv6Addr prefix_mask(unsigned length);
// The link-local address with the interface identifier made of the MAC address (RFC 4291, appendix A).
packet::Ipv6Addr link_local(const packet::EthAddr& mac);

}  // namespace weft::logical
