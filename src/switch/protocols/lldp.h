// LLDP on one port of a switch (IEEE 802.1AB-2016) with the client's side of Auto Attach, as Open vSwitch has
// it (ovs-vswitchd.conf.db(5), "AutoAttach TABLE"): it tells the neighbour who we are and which VLAN is to be
// which service, and keeps what neighbours say, above all whether their network took the services.
//
// Pure: data units and `now` go in, data units and states come out.  The owner calls receive() for every LLDP
// packet of the port, and poll() when next_wakeup_ms() is reached or anything else was called, until it gives
// nothing.
//
// A unit that breaks the rules changes nothing but a counter.  Memory: at most kMostNeighbors neighbours;
// what another one says is dropped, and counted.  A neighbour is forgotten when its time to live is over or
// it says that it goes.
//
// Differences from Open vSwitch: docs/decisions/0063-link-layer-discovery.md.

#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "packet/lldp.h"

namespace weft::vswitch {

struct LldpOptions {
    packet::EthAddr mac{};  // of the port: the chassis, too
    std::string port_name;
    std::string system_name;                // "": not said
    std::string system_description;         // "": a default
    std::map<uint32_t, uint16_t> mappings;  // VLAN by service (I-SID)
    bool operator==(const LldpOptions&) const = default;
};

class Lldp {
  public:
    static constexpr int64_t kIntervalMs = 5000;
    static constexpr uint16_t kTtlSeconds = 120;
    static constexpr size_t kMostNeighbors = 64;
    struct Counters {
        uint64_t tx = 0, rx = 0, discarded = 0, unrecognized = 0;
        uint64_t aged_out = 0, inserted = 0, deleted = 0, dropped = 0;
    };

    Lldp(LldpOptions options, int64_t now_ms);

    void configure(LldpOptions options);
    // What follows the Ethernet header.
    void receive(ByteView bytes, int64_t now_ms);
    std::optional<packet::Lldpdu> poll(int64_t now_ms);
    int64_t next_wakeup_ms() const;

    // What the network said of a service last; kPending until it does.
    uint8_t mapping_status(uint32_t isid) const;
    size_t neighbors() const { return neighbors_.size(); }
    const Counters& counters() const { return counters_; }

    std::string show_status() const;      // autoattach/status
    std::string show_isids() const;       // autoattach/show-isid
    std::string show_statistics() const;  // autoattach/statistics

  private:
    using Name = std::pair<Bytes, Bytes>;  // ids of chassis and port, each behind its subtype
    struct Neighbor {
        packet::Lldpdu unit;
        int64_t until_ms = 0;
    };

    packet::Lldpdu compose() const;
    void take_assignments(const packet::Lldpdu& unit);

    LldpOptions options_;
    int64_t next_tx_ms_;
    std::map<Name, Neighbor> neighbors_;
    std::map<uint32_t, uint8_t> statuses_;  // by I-SID
    Counters counters_;
};

}  // namespace weft::vswitch
