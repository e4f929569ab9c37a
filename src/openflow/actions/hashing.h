// multipath, bundle and bundle_load: choosing among links by a hash of the packet.

#pragma once

#include <cstdint>
#include <vector>

#include "openflow/field.h"

namespace weft::openflow {

enum class HashFields : uint16_t {
    kEthSrc = 0,
    kSymmetricL4 = 1,
    kSymmetricL3L4 = 2,
    kSymmetricL3L4Udp = 3,
    kNwSrc = 4,
    kNwDst = 5,
    kSymmetricL3 = 6,
};
struct Multipath {
    enum class Algorithm : uint16_t { kModuloN = 0, kHashThreshold = 1, kHrw = 2, kIterHash = 3 };
    HashFields fields = HashFields::kEthSrc;
    uint16_t basis = 0;
    Algorithm algorithm = Algorithm::kModuloN;
    uint16_t max_link = 0;  // links - 1
    uint32_t arg = 0;
    Subfield dst;
    bool operator==(const Multipath&) const = default;
};
struct Bundle {
    enum class Algorithm : uint16_t { kActiveBackup = 0, kHrw = 1 };
    HashFields fields = HashFields::kEthSrc;
    uint16_t basis = 0;
    Algorithm algorithm = Algorithm::kActiveBackup;
    Subfield dst;                   // invalid: output (bundle); else bundle_load
    std::vector<uint32_t> members;  // ports
    bool operator==(const Bundle&) const = default;
};

}  // namespace weft::openflow
