// Bridge:other_config and Port:other_config as configuration of STP and RSTP (ovs-vswitchd.conf.db(5),
// "Spanning Tree Configuration").
//
// A value that cannot be read, or that no bridge may have, leaves the default, with a line in `warnings`;
// times are brought into the standard's range and relation (802.1D-1998, 8.10.2).

#pragma once

#include <string>
#include <vector>

#include "schema/vswitch.h"
#include "switch/protocols/rstp.h"
#include "switch/protocols/stp.h"

namespace weft::vswitch {

Stp::Options parse_stp_options(const schema::vswitch::Bridge& row, const packet::EthAddr& mac,
                               std::vector<std::string>& warnings);
Rstp::Options parse_rstp_options(const schema::vswitch::Bridge& row, const packet::EthAddr& mac,
                                 std::vector<std::string>& warnings);

// `bits_per_second` is the link's speed, 0 if not known; `number` is what the row asks for, 0: any; -1: what
// it asks for is none.
struct StpPort {
    Stp::PortOptions options;
    int number = 0;
};
StpPort parse_stp_port(const schema::vswitch::Port& row, uint64_t bits_per_second,
                       std::vector<std::string>& warnings);
struct RstpPort {
    Rstp::PortOptions options;
    int number = 0;
    bool check_migration = false;
};
RstpPort parse_rstp_port(const schema::vswitch::Port& row, uint64_t bits_per_second,
                         std::vector<std::string>& warnings);

}  // namespace weft::vswitch
