// IPFIX (RFC 7011, elements of RFC 5102 and the IANA registry, and VMware's of ovs-vswitchd.conf.db(5),
// "IPFIX Table"): flow records of sampled packets, in datagrams for collectors.
//
// sample() takes a packet that the datapath sampled.  Without a cache its record is sent at once; with one,
// packets of a flow add up until the active timeout.  run() gives the datagrams that are due.  Templates, one
// for each combination of layers (template_id()), go ahead of the first record of an observation domain, and
// again after the template interval.
//
// Pure: packets and times go in, datagrams come out.  Memory is bounded: the cache holds cache_max_flows
// records; what comes beyond pushes out the oldest.

#pragma once

#include <cstdint>
#include <list>
#include <map>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/hash_map.h"
#include "packet/flow.h"

namespace weft::vswitch {

struct IpfixOptions {
    int64_t cache_active_timeout_ms = 0;  // 0: no cache
    uint32_t cache_max_flows = 0;
    std::string virtual_obs_id;  // "": none
    int64_t template_interval_ms = 600000, stats_interval_ms = 600000;
    uint32_t exporter_id = 1;  // exportingProcessId
    bool operator==(const IpfixOptions&) const = default;
    bool caches() const { return cache_active_timeout_ms > 0 && cache_max_flows > 0; }
};

struct IpfixPort {
    uint32_t ifindex = 0, type = 0;  // 0: unknown
    std::string name, description;
    bool operator==(const IpfixPort&) const = default;
};

// VMware's tunnelType.
struct IpfixTunnel {
    uint8_t type = 0;
    uint32_t src = 0, dst = 0;
    uint8_t protocol = 0;
    uint16_t tp_src = 0, tp_dst = 0;
    Bytes key;
    static constexpr uint8_t kVxlan = 1, kGre = 2, kGeneve = 7;
};

struct IpfixSample {
    uint32_t obs_domain_id = 0, obs_point_id = 0;
    bool egress = false;
    packet::Flow flow;         // of the packet
    uint16_t size = 0;         // of the frame
    uint16_t ip_length = 0;    // of the IP packet, 0: none
    uint16_t eth_length = 14;  // of the Ethernet header
    bool dropped = false;
    const IpfixPort* in = nullptr;
    const IpfixPort* out = nullptr;
    const IpfixTunnel* tunnel = nullptr;
};

class Ipfix {
  public:
    // nx_ipfix_stats.
    struct Statistics {
        uint64_t flows = 0, current_flows = 0, packets = 0, ipv4 = 0, ipv6 = 0;
        uint64_t error_packets = 0, ipv4_errors = 0, ipv6_errors = 0, tx = 0, tx_errors = 0;
    };

    explicit Ipfix(const IpfixOptions& options);

    void configure(const IpfixOptions& options, int64_t wall_us);
    const IpfixOptions& options() const { return options_; }
    // `wall_us`: microseconds since the Unix epoch.
    void sample(const IpfixSample& sample, int64_t wall_us);
    std::vector<Bytes> run(int64_t wall_us);
    int64_t next_wakeup_us() const;  // INT64_MAX: never
    void flush(int64_t wall_us);     // what is cached goes into run()'s datagrams
    void count_sent(uint64_t sent, uint64_t failed) {
        statistics_.tx += sent, statistics_.tx_errors += failed;
    }
    Statistics statistics() const;

    enum class L3 : uint8_t { kNone, kIpv4, kIpv6 };
    enum class L4 : uint8_t { kNone, kTcp, kUdp, kSctp, kIcmp };
    struct Layers {
        bool vlan = false;
        L3 l3 = L3::kNone;
        L4 l4 = L4::kNone;
        bool egress_port = false, tunnel = false;
    };
    static uint16_t template_id(const Layers& layers);

  private:
    struct Record {
        Bytes key;  // the fields that tell flows apart, as they are sent
        std::string cache_key;
        Layers layers;
        uint32_t obs_domain_id = 0;
        int64_t first_us = 0, last_us = 0;
        uint64_t packets = 0, dropped_packets = 0, l2_octets = 0, multicast_packets = 0;
        uint64_t octets = 0, dropped_octets = 0, octets_squared = 0, multicast_octets = 0;
        uint64_t min_length = 0, max_length = 0;
    };
    // Over all records, as they go along in each.
    struct Totals {
        uint64_t packets = 0, dropped_packets = 0, l2_octets = 0, multicast_packets = 0;
        uint64_t in_unicast = 0, in_multicast = 0, in_broadcast = 0, out_unicast = 0, out_broadcast = 0;
        uint64_t octets = 0, dropped_octets = 0, octets_squared = 0, multicast_octets = 0;
        uint64_t ack = 0, fin = 0, psh = 0, rst = 0, syn = 0, urg = 0;
    };
    using Cache = std::list<Record>;  // the oldest first

    Record begin(const IpfixSample& sample, int64_t wall_us) const;
    void write_fields(ByteWriter& out, const Layers& layers) const;
    void send(const Record& record, uint8_t reason, int64_t wall_us);
    void send_templates(uint32_t domain, int64_t wall_us);
    void send_statistics(int64_t wall_us);
    void message(uint32_t domain, int64_t wall_us, uint16_t set_id, ByteView body);

    IpfixOptions options_;
    Cache cache_;
    HashMap<std::string, Cache::iterator> by_key_;
    Totals totals_;
    Statistics statistics_;
    std::map<uint32_t, int64_t> templates_us_;  // when each domain got its templates
    int64_t stats_us_ = 0;                      // when the exporter's statistics went out; 0: never
    uint32_t sequence_ = 1;
    std::vector<Bytes> datagrams_;
};

}  // namespace weft::vswitch
