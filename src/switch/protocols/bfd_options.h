// Interface.bfd as a session's configuration (ovs-vswitchd.conf.db(5), "BFD Configuration"), and which
// packets are the session's.

#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "ovsdb/client/containers.h"
#include "packet/bfd.h"
#include "packet/flow.h"

namespace weft::vswitch {

struct BfdOptions {
    int64_t min_rx_ms = 1000, min_tx_ms = 100;
    int64_t decay_min_rx_ms = 0;  // 0: never decay
    uint8_t multiplier = 3;
    bool forwarding_if_rx = false, cpath_down = false, check_tunnel_key = false, oam = false;
    std::optional<packet::EthAddr> local_src_mac;  // none: the interface's
    packet::EthAddr local_dst_mac{0x00, 0x23, 0x20, 0x00, 0x00, 0x01};
    std::optional<packet::EthAddr> remote_dst_mac;  // none: not checked
    std::optional<uint32_t> src_ip;  // host order; none: 169.254.1.1, and any destination is ours
    uint32_t dst_ip = 0xa9fe0100;    // 169.254.1.0
    bool operator==(const BfdOptions&) const = default;

    static constexpr uint32_t kDefaultSrcIp = 0xa9fe0101;
};

// nullopt: not enabled.  A value that cannot be read leaves the default, with a line in `warnings`.
std::optional<BfdOptions> parse_bfd_options(const std::string& interface, const ovsdb::StringMap& bfd,
                                            std::vector<std::string>& warnings);

using packet::kBfdPort;
using packet::kBfdSourcePort;

// Which of the packets that an interface receives belong to its session: all others are the flow table's.
struct BfdFilter {
    std::optional<packet::EthAddr> destination_mac;
    std::optional<uint32_t> destination_ip;
    bool zero_tunnel_key = false;
    bool operator==(const BfdFilter&) const = default;

    explicit BfdFilter(const BfdOptions& options)
        : destination_mac(options.remote_dst_mac),
          destination_ip(options.src_ip),
          zero_tunnel_key(options.check_tunnel_key) {}
    // `mask` gains what was looked at.
    bool matches(const packet::Flow& flow, packet::Flow& mask) const;
};

}  // namespace weft::vswitch
