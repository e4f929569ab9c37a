// Mirrors of a bridge (ovs-vswitchd.conf.db(5), "Mirror Table"): copies of packets to a port (SPAN) or into a
// VLAN (RSPAN).
//
// A packet is copied once for each mirror that selects it: as it came in, if its input port is selected, else
// as it went out of the first selected port.  A filter (newer than Open vSwitch 3.1) further says which
// packets, as they are at that moment, are copied.  A mirror's output port is for copies alone: what it
// receives is dropped, and NORMAL does not send to it.

#pragma once

#include <bitset>
#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <string_view>

#include "openflow/match.h"

namespace weft::vswitch {

inline constexpr size_t kMaxMirrors = 32;  // of a bridge

struct Mirror {
    std::string name;
    bool all = false;                                          // every packet, in and out
    std::set<std::string, std::less<>> sources, destinations;  // bundles
    bool every_vlan = true;
    std::bitset<4096> vlans;
    std::string output;                   // bundle; "": none
    std::optional<uint16_t> output_vlan;  // if `output` is none
    uint16_t snaplen = 0;                 // 0: whole packets
    std::optional<openflow::Match> filter;

    bool takes_from(std::string_view bundle) const { return all || sources.contains(bundle); }
    bool takes_to(std::string_view bundle) const { return all || destinations.contains(bundle); }
    bool operator==(const Mirror&) const = default;
};

struct MirrorCounts {
    uint64_t packets = 0, bytes = 0;
};

}  // namespace weft::vswitch
