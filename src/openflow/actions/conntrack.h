// ct, nat and ct_clear: connection tracking.

#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "openflow/actions/control.h"
#include "openflow/field.h"

namespace weft::openflow {

struct Ct {
    static constexpr uint8_t kNoRecirculation = 0xff;
    bool commit = false;
    bool force = false;
    Subfield zone_src;  // invalid: zone_imm
    uint16_t zone_imm = 0;
    uint8_t recirc_table = kNoRecirculation;
    uint16_t alg = 0;    // 21: ftp, 69: tftp
    ActionList actions;  // nat, set_field and move on ct_mark and ct_label
    bool operator==(const Ct&) const;
};
struct Nat {
    enum Flag : uint16_t {
        kSrc = 1,
        kDst = 2,
        kPersistent = 4,
        kHash = 8,
        kRandom = 16,
    };
    enum class Family : uint8_t { kNone, kIpv4, kIpv6 };
    uint16_t flags = 0;
    Family family = Family::kNone;
    packet::Ipv6Addr min{}, max{};  // IPv4: the first four bytes; max zero: one address
    uint16_t port_min = 0, port_max = 0;
    bool operator==(const Nat&) const = default;
};
struct CtClear {
    bool operator==(const CtClear&) const = default;
};

}  // namespace weft::openflow
