// Packet threads as the database asks for them: other_config:pmd-… of Open_vSwitch and pmd-rxq-affinity of
// interfaces (ovs-vswitchd.conf.db(5)).

#pragma once

#include <map>
#include <string>
#include <vector>

#include "base/result.h"
#include "datapath/api/packet_threads.h"
#include "ovsdb/client/containers.h"
#include "schema/vswitch.h"
#include "switch/upcall/backer.h"

namespace weft::vswitch {

// What cannot be used is left out, with a line in `warnings`.
datapath::PacketThreadSettings parse_thread_settings(const ovsdb::StringMap& other_config,
                                                     std::vector<std::string>& warnings);

// "0:3,1:7": processors by queue.  Empty: none is pinned.
Result<std::map<unsigned, unsigned>> parse_queue_affinity(std::string_view text);

// Null: this datapath has no packet threads.
datapath::PacketThreads* packet_threads(Backer& backer);

// The queues of the row's port, as its pmd-rxq-affinity says.
void pin_queues(const schema::vswitch::Interface& row, const OfPort& port, Backer& backer,
                std::vector<std::string>& warnings);

}  // namespace weft::vswitch
