// sFlow version 5 (sflow.org, "sFlow Version 5", 2004; ovs-vswitchd.conf.db(5), "sFlow Table"): sampled
// packets and counters, in datagrams for collectors.
//
// sample() takes a packet that the datapath sampled; run() takes counters when they are due and gives the
// datagrams that are due: samples wait for others for up to a second, as long as they fit.  The structures
// that are sent: flow_sample with extended_switch and sampled_header; counters_sample with if_counters,
// ethernet_counters, of_port and port_name for each port that has an ifIndex, and app_resources and
// ovs_dp_stats for the bridge.
//
// Pure: packets, counters and times go in, datagrams come out.  Memory: less than two datagrams.

#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/bytes.h"

namespace weft::vswitch {

struct SflowOptions {
    uint32_t sampling = 400;  // one packet of so many
    uint32_t header = 128;    // bytes of a packet
    int64_t polling_ms = 30000;
    Bytes agent;  // IPv4 or IPv6 address
    uint32_t sub_agent = 0;
    bool operator==(const SflowOptions&) const = default;
};

struct SflowSample {
    ByteView packet;
    uint32_t input = 0;  // ifIndex; 0: unknown
    // As the datagram says it: an ifIndex; kMultiple and the number of ports; kDropped.
    uint32_t output = 0;
    uint16_t vlan_in = 0, vlan_out = 0;  // VLAN id, 0: none
    uint8_t priority_in = 0, priority_out = 0;
};

// UINT32_MAX: unknown.
struct SflowPort {
    uint32_t ifindex = 0;
    uint64_t speed = 0;  // bits per second
    bool full_duplex = true, admin_up = false, link_up = false;
    uint64_t rx_bytes = 0, tx_bytes = 0;
    uint32_t rx_packets = 0, rx_multicast = 0, rx_dropped = 0, rx_errors = 0;
    uint32_t tx_packets = 0, tx_dropped = 0, tx_errors = 0;
    uint64_t datapath_id = 0;
    uint32_t of_port = 0;
    std::string name;
};

struct SflowTotals {
    uint32_t user_ms = 0, system_ms = 0;  // CPU time of the process
    uint64_t memory_used = 0, memory_max = 0;
    uint32_t hits = 0, misses = 0, lost = 0, flows = 0;
};

class Sflow {
  public:
    static constexpr uint32_t kMultiple = 0x80000000, kDropped = 0x40000000 | 256;  // reason: unknown
    static constexpr size_t kMaxDatagram = 1400;

    Sflow(const SflowOptions& options, int64_t now_ms);

    void configure(const SflowOptions& options, int64_t now_ms);
    const SflowOptions& options() const { return options_; }
    void sample(const SflowSample& sample, int64_t now_ms);

    bool counters_due(int64_t now_ms) const { return options_.polling_ms > 0 && now_ms >= next_poll_ms_; }
    void count(const std::vector<SflowPort>& ports, const SflowTotals& totals, int64_t now_ms);
    std::vector<Bytes> run(int64_t now_ms);
    int64_t next_wakeup_ms() const;

  private:
    void add(Bytes sample, int64_t now_ms);
    void flush(int64_t now_ms);

    SflowOptions options_;
    int64_t boot_ms_;
    int64_t next_poll_ms_, flush_ms_ = 0;
    uint32_t sequence_ = 0, flow_samples_ = 0, pool_ = 0, counter_samples_ = 0;
    Bytes pending_;
    uint32_t pending_count_ = 0;
    std::vector<Bytes> datagrams_;
};

}  // namespace weft::vswitch
