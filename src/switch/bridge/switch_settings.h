// Open_vSwitch:other_config as settings of the switch as a whole (ovs-vswitchd.conf.db(5), "Open_vSwitch
// Table").
//
// A value that cannot be used leaves the default.  Settings of things that are not here (DPDK, offload to
// hardware, threads that handle flows) get a line in `warnings`, so that nobody waits for their effect.

#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "datapath/api/packet_threads.h"
#include "ovsdb/client/containers.h"

namespace weft::vswitch {

struct SwitchSettings {
    int64_t statistics_interval_ms = 5000;
    size_t flow_limit = 200000;      // megaflows of a datapath
    int64_t max_idle_ms = 10000;     // of a megaflow
    int64_t revalidation_ms = 500;   // between looks at the megaflows
    int64_t bundle_idle_ms = 10000;  // of a controller's bundle that it has not carried out
    bool system_statistics = false;  // Open_vSwitch:statistics
    bool restoring_flows = false;    // somebody restores the flow tables: packets and controllers wait
    datapath::PacketThreadSettings packet_threads;  // of the datapath netdev
    bool operator==(const SwitchSettings&) const = default;
};

SwitchSettings parse_switch_settings(const ovsdb::StringMap& other_config,
                                     std::vector<std::string>& warnings);

}  // namespace weft::vswitch
