// Interface.cfm_mpid and other_config:cfm_* as a maintenance point's configuration (ovs-vswitchd.conf.db(5),
// "Connectivity Fault Management"), and which packets are its own.

#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "ovsdb/client/containers.h"
#include "packet/flow.h"

namespace weft::vswitch {

struct CfmOptions {
    uint64_t mpid = 1;
    int64_t interval_ms = 1000;     // one that the mode can say on the wire
    bool extended = false;          // addresses, numbers and intervals of Open vSwitch's own
    bool demand = false;            // other packets stand in for messages; of extended mode
    bool up = true;                 // what extended messages say of this end
    bool random_vlan = false;       // each message in another one
    uint16_t vlan = 0;              // 0: none
    uint8_t pcp = 0;                // 0: none
    bool check_tunnel_key = false;  // messages have key 0
    bool operator==(const CfmOptions&) const = default;
};

// A value that cannot be used leaves the default, with a line in `warnings`.  `keyless`: packets of any
// tunnel key arrive at the interface.
CfmOptions parse_cfm_options(const std::string& interface, int64_t mpid, const ovsdb::StringMap& other_config,
                             bool keyless, std::vector<std::string>& warnings);

// Which of the packets that an interface receives are continuity checks: all others are the flow table's.
struct CfmFilter {
    packet::EthAddr destination{};
    bool zero_tunnel_key = false;
    bool operator==(const CfmFilter&) const = default;

    explicit CfmFilter(const CfmOptions& options);
    // `mask` gains what was looked at.
    bool matches(const packet::Flow& flow, packet::Flow& mask) const;
};

}  // namespace weft::vswitch
