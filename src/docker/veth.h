// A pair of veth devices (veth(4)): one end stays here, the other is moved into a container by who runs that.

#pragma once

#include <string>

#include "base/result.h"
#include "packet/flow.h"

namespace weft::docker {

struct VethPair {
    std::string outside;  // of the host, up
    std::string inside;   // to be moved, with `mac`
    packet::EthAddr mac;
};

Result<void> make_veth_pair(const VethPair& pair);
// Both ends go.
Result<void> remove_veth_pair(const std::string& outside);

}  // namespace weft::docker
