// NetFlow version 5: what IPv4 flows there were, in datagrams for collectors (ovs-vswitchd.conf.db(5),
// "NetFlow Table"; the layout is Cisco's, "NetFlow Export Datagram Format").
//
// count() adds packets to a flow; run() gives the datagrams that are due, with up to 30 records each.  A
// record is sent when a flow goes elsewhere than before, when it has been active for the active timeout, and
// when it ended, that is, had no packet for a while (the passive timeout, which the manual leaves open).
//
// Pure: packets and times go in, datagrams come out.  Memory is bounded: flows beyond kMaxFlows push out the
// one that has been idle longest, whose record is sent.

#pragma once

#include <cstdint>
#include <list>
#include <vector>

#include "base/bytes.h"
#include "base/hash_map.h"

namespace weft::vswitch {

struct NetflowOptions {
    uint8_t engine_type = 0, engine_id = 0;
    int64_t active_timeout_ms = 600000;  // 0: none
    bool add_id_to_interface = false;
    bool operator==(const NetflowOptions&) const = default;
};

// Ports are OpenFlow's; addresses and the rest are in host order.
struct NetflowKey {
    uint32_t in_port = 0;
    uint32_t nw_src = 0, nw_dst = 0;
    uint16_t tp_src = 0, tp_dst = 0;  // of ICMP: 0, and type << 8 | code
    uint8_t nw_proto = 0, nw_tos = 0;
    bool operator==(const NetflowKey&) const = default;
    template <typename H>
    friend H AbslHashValue(H h, const NetflowKey& key) {
        return H::combine(std::move(h), key.in_port, key.nw_src, key.nw_dst, key.tp_src, key.tp_dst,
                          key.nw_proto, key.nw_tos);
    }
};

class Netflow {
  public:
    // Output interfaces that are no ports.
    static constexpr uint16_t kFlood = 0xffff, kMulti = 0xfffe, kDrop = 0xfffd;
    static constexpr size_t kMaxFlows = 65536, kRecordsPerDatagram = 30;

    Netflow(const NetflowOptions& options, int64_t now_ms);

    void configure(const NetflowOptions& options) { options_ = options; }
    const NetflowOptions& options() const { return options_; }
    void count(const NetflowKey& key, uint16_t output, uint64_t packets, uint64_t bytes, uint16_t tcp_flags,
               int64_t used_ms);
    // `wall_ms` is the time since the Unix epoch.
    std::vector<Bytes> run(int64_t now_ms, int64_t wall_ms);
    int64_t next_wakeup_ms() const {
        return !records_.empty() ? 0 : flows_.empty() ? INT64_MAX : next_run_ms_;
    }
    size_t flows() const { return flows_.size(); }

  private:
    struct Flow {
        NetflowKey key;
        uint16_t output = kDrop;
        uint64_t packets = 0, bytes = 0;
        uint16_t tcp_flags = 0;
        int64_t first_ms = 0, used_ms = 0;  // of these packets
        int64_t told_ms = 0;                // the last record, or the flow's beginning
    };
    using Flows = std::list<Flow>;  // the longest idle first

    void tell(Flow& flow, int64_t now_ms);
    Bytes datagram(size_t from, size_t count, int64_t now_ms, int64_t wall_ms);
    uint16_t interface(uint32_t port) const;

    NetflowOptions options_;
    int64_t boot_ms_;
    int64_t next_run_ms_ = 0;
    uint32_t sequence_ = 0;
    Flows flows_;
    HashMap<NetflowKey, Flows::iterator> by_key_;
    std::vector<Bytes> records_;  // to be sent
};

}  // namespace weft::vswitch
