// The link-local address that an Ethernet address makes (RFC 4291 appendix A).

#pragma once

#include "packet/flow.h"

namespace weft::controller {

inline packet::Ipv6Addr link_local(const packet::EthAddr& mac) {
    constexpr uint8_t kUniversal = 2;
    packet::Ipv6Addr address{0xfe, 0x80};
    address[8] = static_cast<uint8_t>(mac[0] ^ kUniversal);
    address[9] = mac[1];
    address[10] = mac[2];
    address[11] = 0xff;
    address[12] = 0xfe;
    address[13] = mac[3];
    address[14] = mac[4];
    address[15] = mac[5];
    return address;
}

}  // namespace weft::controller
